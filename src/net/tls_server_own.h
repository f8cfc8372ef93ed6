/* What the files of TLS towards clients share. For net/tls_server*.c, tls_credentials.c, tls_tickets.c only. */
#ifndef KD_NET_TLS_SERVER_OWN_H
#define KD_NET_TLS_SERVER_OWN_H

#include "net/tls_material.h"
#include "net/tls_server.h"

#include <stdatomic.h>

/* A pair that was loaded. */
typedef struct kd_tls_pair_loaded {
    kd_tls_identity identity;
    char **names; /* DNS names of the certificate, in lower case */
    uint32_t n_names;
    int64_t expires;
    uint8_t *staple; /* an OCSP answer (DER), or NULL */
    size_t staple_n;
    int64_t staple_ends; /* when it is out of date; seconds since 1970 */
} kd_tls_pair_loaded;

/* What handshakes are made with: immutable, held by the server that publishes it and by each stream. */
typedef struct kd_tls_credentials {
    _Atomic uint32_t uses;
    SSL_CTX *ctx;
    int min, max; /* versions; min > max: nobody can be served */
    uint32_t n;
    kd_tls_pair_loaded *v;
    bool http2;
} kd_tls_credentials;

/* Loads the files of `options`. NULL: `error` says why (empty: no memory). What is left out adds a line to `problems`.
 */
kd_tls_credentials *kd_tls_credentials_load(const kd_tls_server_options *options, kd_buf *problems, kd_buf *error);
/* The credentials in use, held for the caller. */
kd_tls_credentials *kd_tls_server_hold(kd_tls_server *server);

/* Makes contexts seal and open tickets with the process's keys. */
bool kd_tls_tickets_install(SSL_CTX *ctx);
/* Seconds that a ticket lives. */
long kd_tls_tickets_lifetime(void);
/* The callback behind it at a point in time: SSL_CTX_set_tlsext_ticket_key_evp_cb has the results. */
int kd_tls_tickets_use(kd_ns now, uint8_t *name, uint8_t *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, bool sealing);

/* Callbacks of the handshake (tls_accept.c). */
int kd_tls_on_hello(SSL *ssl, int *alert, void *credentials);
int kd_tls_on_choose(SSL *ssl, void *credentials);
int kd_tls_on_alpn(SSL *ssl, const unsigned char **out, unsigned char *n, const unsigned char *offered,
                   unsigned int offered_n, void *credentials);
int kd_tls_on_status(SSL *ssl, void *credentials);

#endif
