/* What both sides of TLS are made of: files, versions, curves, certificates with their keys. For net/tls_*.c only. */
#ifndef KD_NET_TLS_MATERIAL_H
#define KD_NET_TLS_MATERIAL_H

#include "base/buf.h"
#include "net/tls_common.h"

/* A certificate, those that lead from it to an authority, and its key. */
typedef struct kd_tls_identity {
    X509 *leaf;
    STACK_OF(X509) * chain;
    EVP_PKEY *key;
} kd_tls_identity;

/* The version of that name (spec/01 section 3.2): what is missing or unknown is TLS 1.3. "SSL3.0" is SSL3_VERSION,
 * which nobody can speak any more: the lowest bound, and as the highest one nothing is left. */
int kd_tls_version(kd_str name);
/* The numbered curves as SSL_CTX_set1_groups_list wants them, in the order in which Go prefers them; n = 0: those that
 * a configuration has by default. Empty when there is none of them. A line for each number that has no curve. */
void kd_tls_curves(const uint16_t *numbers, uint32_t n, char list[64], kd_buf *problems);

/* Reads a file; 0 or an errno. */
int kd_tls_read_path(kd_str path, kd_str *out);
/* Clears and frees n texts that kd_tls_read_path gave, and the array. */
void kd_tls_wipe(kd_str *v, uint32_t n);
/* Go's words for what the system says when a file is opened. */
kd_str kd_tls_open_error(int error, char to[128]);

/* Makes an identity of two PEM texts. False: nothing is left behind, and the reason in Go's words is added to `why`. */
bool kd_tls_identity_load(kd_tls_identity *id, kd_str certificates, kd_str key, kd_buf *why);
void kd_tls_identity_fini(kd_tls_identity *id);

#endif
