/* The server side of TLS: what a listener's `tls` section says (spec/01 section 3.2), its certificates, and handshakes
 * with clients (RFC 8446, RFC 5246). One object for a listener, shared by all workers; the certificates in it are
 * replaced when their files change, connections that exist go on with theirs.
 *
 * After a finished handshake a stream is read and written as any other, as net/tls_client.h says of clients. */
#ifndef KD_NET_TLS_SERVER_H
#define KD_NET_TLS_SERVER_H

#include "net/tls_client.h"

#define KD_TLS_HELLO_MAX (16384u + 2048u) /* of the record that a client begins with, as Go */

typedef struct kd_tls_server kd_tls_server;

/* All texts and arrays are copied. */
typedef struct kd_tls_server_options {
    const kd_tls_files *pairs; /* the first is for clients that no other suits */
    uint32_t n_pairs;
    uint32_t n_trusted; /* the certificates of the first so many pairs are authorities of clients, too */
    kd_str min_version, max_version;
    const uint16_t *curves, *suites; /* IANA numbers; none: the defaults */
    uint32_t n_curves, n_suites;
    bool mutual;           /* a client certificate is demanded and verified */
    bool no_system_roots;  /* of these, only `roots` and the trusted pairs verify clients */
    const kd_str *roots;   /* files */
    const kd_str *staples; /* files with OCSP answers (DER), each for the pair whose certificate it speaks of */
    uint32_t n_roots, n_staples;
    bool http2; /* offer "h2" before "http/1.1" */
} kd_tls_server_options;

/* Reads the files (at load, not on the request path). What keeps the listener from serving is told by
 * kd_tls_server_error, the rest by kd_tls_server_log. NULL without memory. */
kd_tls_server *kd_tls_server_create(const kd_tls_server_options *options);
/* Connections that exist go on. Nobody may start one with it any more. */
void kd_tls_server_destroy(kd_tls_server *server);
/* Why it cannot serve, in Go's words, or empty. `listening`: what KrakenD says once it has its port. */
kd_str kd_tls_server_error(const kd_tls_server *server, bool listening);
/* Writes an ERROR line for each file that could not be read and each setting that has no effect, and when each
 * certificate expires. Main thread. */
void kd_tls_server_log(kd_tls_server *server);
/* Looks whether files have changed, and takes new ones into use once they have been as they are for two calls (at once
 * with `now`: the files are complete). What cannot be used changes nothing; one line in the log tells either. Says once
 * a day when certificates expire. Blocks on files: main thread only. */
void kd_tls_server_check(kd_tls_server *server, bool now);

/* Are these numbers of suites up to TLS 1.2, or of TLS 1.3, and of curves that can be used? */
bool kd_tls_suite_is_known(uint16_t number);
bool kd_tls_curve_is_known(uint16_t number);

/* A certificate in use. */
typedef struct kd_tls_expiry {
    kd_str file;     /* as configured; as long as the server lives */
    int64_t expires; /* seconds since 1970 */
} kd_tls_expiry;
/* Writes at most `max`, returns how many there are. Any thread. */
uint32_t kd_tls_server_expiries(kd_tls_server *server, kd_tls_expiry *to, uint32_t max);

/* Puts TLS on an accepted stream. False without memory or when the ledger refuses: the stream is as before. */
bool kd_tls_server_start(kd_stream *stream, kd_tls_server *server);
/* Takes the handshake as far as it goes. The words of a failure (kd_tls_error) are those of Go's server. */
kd_tls_progress kd_tls_server_handshake(kd_stream *stream);
/* After the handshake: was a session resumed? Is HTTP/2 what the two have agreed on (ALPN, RFC 7301)? */
bool kd_tls_server_resumed(const kd_stream *stream);
bool kd_tls_server_chose_http2(const kd_stream *stream);

/* Session tickets (RFC 8446 section 4.6.1, RFC 5077) are sealed with keys of the process: any worker resumes, and so
 * does the next configuration. A key seals for this long, and opens for as long again; a ticket lives as long. 0: the
 * default, a day. Any thread. */
void kd_tls_tickets_rotate_every(kd_ns period);

#endif
