/* How the gateway speaks TLS to backends: versions, suites, curves, trusted authorities and client certificates, read
 * from their files once and shared by all workers. Process-lifetime objects keyed by content: equal settings with
 * unchanged files are one profile, so connections and sessions survive a reload. */
#ifndef KD_NET_TLS_PROFILE_H
#define KD_NET_TLS_PROFILE_H

#include "base/bytes.h"

typedef struct kd_tls_profile kd_tls_profile;

/* A client certificate: files with the chain and with its key, in PEM. */
typedef struct kd_tls_files {
    kd_str certificate, private_key;
} kd_tls_files;

/* What a profile is made from (spec/01 section 8.5). All zero: the system's authorities, TLS 1.2 and 1.3. The arrays
 * are borrowed during kd_tls_profile_acquire. */
typedef struct kd_tls_options {
    bool configured;      /* a client_tls block exists: both versions are 1.3 where none is named, X25519 is off */
    bool insecure;        /* any certificate will do */
    bool no_system_roots; /* only `roots` are trusted */
    kd_str min_version, max_version; /* "SSL3.0", "TLS10" ... "TLS13"; anything else is TLS 1.3 */
    const kd_str *roots;             /* files of further authorities */
    const uint16_t *curves, *suites; /* IANA numbers; none: the defaults */
    const kd_tls_files *certificates;
    uint32_t n_roots, n_curves, n_suites, n_certificates, n_pins;
    /* Static; not NULL: the peer's chain must hold a certificate whose public key (its SubjectPublicKeyInfo) has one of
     * these SHA-256 digests, else the handshake fails with this text. */
    const char *pin_error;
    const uint8_t (*pins)[32];
} kd_tls_options;

/* The profile of these options, made when it is new: reads files (at load, not on the request path). What cannot be
 * read is left out as KrakenD does, see kd_tls_profile_log. NULL without memory. Any thread. */
kd_tls_profile *kd_tls_profile_acquire(const kd_tls_options *options);
/* Gives up one use. Connections that exist go on. NULL is harmless. Any thread. */
void kd_tls_profile_release(kd_tls_profile *profile);
/* The profile of all-zero options, for configurations that did not expect https and meet it in a redirect. Made at the
 * first call (which reads the system's authorities, some 20 ms) and kept. NULL without memory. Any thread. */
kd_tls_profile *kd_tls_profile_default(void);
/* A number of its own, never used again in this process; not 0. */
uint32_t kd_tls_profile_id(const kd_tls_profile *profile);
/* Writes an ERROR line for each file that could not be read and each setting that has no effect. */
void kd_tls_profile_log(const kd_tls_profile *profile);

#endif
