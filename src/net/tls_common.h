/* What the files of TLS share. */
#ifndef KD_NET_TLS_COMMON_H
#define KD_NET_TLS_COMMON_H

#include "base/ledger.h"
#include "net/tls_client.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#define KD_TLS_RECORD 16384 /* plain bytes of one record (RFC 8446 section 5.1) */

struct kd_tls_credentials;

/* The filter's state on one stream. */
typedef struct kd_tls_stream {
    SSL *ssl;
    kd_stream *stream;
    kd_tls_resume *resume;
    kd_str name;
    kd_ns verified;                         /* of the session that was offered */
    kd_tls_profile *profile;                /* towards a backend */
    struct kd_tls_credentials *credentials; /* towards a client */
    uint8_t *hello;                         /* the suites that a client offers, until the handshake is over */
    uint16_t n_hello;
    uint16_t pair;     /* of the credentials: which certificate was chosen */
    uint32_t reserved; /* in the ledger, during the handshake */
    char *error;       /* Go's text; from OPENSSL_malloc */
    char *blocked;     /* plain bytes of a record that the socket did not take; told to the writer once it has */
    uint32_t n_blocked;
    uint32_t taken;            /* bytes sent that the writer will offer once more */
    int io_error;              /* errno of the socket */
    uint8_t first[5], n_first; /* what the peer began with */
    bool eof;                  /* the socket has ended */
    bool ready, ended, failed;
    bool has_ticket; /* one has come: OpenSSL has made buffers that nothing releases */
} kd_tls_stream;

extern const kd_stream_filter kd_tls_filter;

/* Before a function whose result SSL_get_error explains: what others left in the queue would be taken for its own. */
static inline void kd_tls_clear_errors(void)
{
    if (KD_UNLIKELY(ERR_peek_error() != 0))
        ERR_clear_error();
}

/* Puts OpenSSL between the state and its stream, which must be set. False without memory. */
bool kd_tls_attach(kd_tls_stream *tls, SSL_CTX *ctx);
/* The end of SSL_do_handshake, whichever side. */
kd_tls_progress kd_tls_progress_of(kd_tls_stream *tls, int result);
/* What a result <= 0 of an SSL function means: 0 (the peer said goodbye), KD_STREAM_AGAIN or KD_STREAM_ERROR, with
 * everything noted in the state. */
ssize_t kd_tls_outcome(kd_tls_stream *tls, int result);

/* Words a failure from OpenSSL's error queue and the state (spec/01 section 8.6). */
void kd_tls_word_failure(kd_tls_stream *tls);
/* The same of a handshake with a client; false when it is nothing particular to that. `error` is OpenSSL's. */
bool kd_tls_word_client(kd_tls_stream *tls, unsigned long error);
/* Has the socket ended between two records? */
bool kd_tls_between_records(const kd_tls_stream *tls);
/* Sets the text; without memory there is none. */
void kd_tls_set_error(kd_tls_stream *tls, const char *format, ...) KD_PRINTF(2, 3);
/* Verifies a peer's chain and words the refusal as Go does: for SSL_CTX_set_cert_verify_callback. */
int kd_tls_verify(X509_STORE_CTX *ctx, void *unused);
/* The same of a client's chain. */
int kd_tls_verify_client(X509_STORE_CTX *ctx, void *unused);
/* After a full handshake: has the peer shown a public key that the profile pins, if it pins any? False: the error is
 * set. */
bool kd_tls_verify_pins(kd_tls_stream *tls);
/* Keeps a new session: for SSL_CTX_sess_set_new_cb. */
int kd_tls_keep_session(SSL *ssl, SSL_SESSION *session);

/* One use less; NULL is harmless. */
void kd_tls_credentials_release(struct kd_tls_credentials *credentials);
/* One use more, of a profile that is in use. */
void kd_tls_profile_hold(kd_tls_profile *profile);
SSL_CTX *kd_tls_profile_ctx(const kd_tls_profile *profile);
/* Why no handshake can succeed with this profile, or NULL. */
const char *kd_tls_profile_broken(const kd_tls_profile *profile);

/* What a peer without a pinned key is refused with, or NULL where no keys are pinned; is this one of them? */
const char *kd_tls_profile_pin_error(const kd_tls_profile *profile);
bool kd_tls_profile_pins(const kd_tls_profile *profile, const uint8_t digest[32]);

/* Puts OpenSSL's memory into the ledger (tls_memory.c). Before anything of OpenSSL is used. */
void kd_tls_memory_install(void);

/* A file of at most 8 MB into *out (from malloc, a NUL behind it); 0 or an errno. */
int kd_tls_read_file(const char *path, kd_str *out);
/* Adds the certificates of a PEM text to the store, skipping what is none as Go does; returns how many there were. */
unsigned kd_tls_add_roots(X509_STORE *store, kd_str pem);
/* Adds the system's authorities: the file that SSL_CERT_FILE names or the first known bundle, and the folders of
 * SSL_CERT_DIR; as Go. Returns how many. */
unsigned kd_tls_add_system_roots(X509_STORE *store);
/* Writes what tells whether the system's authorities have changed; returns the length, below `size`. */
size_t kd_tls_system_roots_mark(char *to, size_t size);

#endif
