/* For the tests of TLS: certificates made on the spot, a server thread, and a client's stream to drive. */
#ifndef KD_NET_TEST_TLS_H
#define KD_NET_TEST_TLS_H

#include "base/ledger.h"
#include "net/tls_client.h"

#include <errno.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- certificates */

typedef struct made {
    X509 *x509;
    EVP_PKEY *key;
} made;

typedef struct recipe {
    const char *name, *alternatives, *usage; /* alternatives: as openssl.cnf has them */
    bool authority;
    long from, to; /* seconds from now; both 0: a day each way */
} recipe;

static inline void add_extension(X509 *x509, int kind, const char *value)
{
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, kind, value);
    assert_non_null(extension);
    assert_true(X509_add_ext(x509, extension, -1));
    X509_EXTENSION_free(extension);
}

/* Signed by `issuer`, or by itself. */
static inline made make_certificate(const recipe *r, const made *issuer)
{
    static long serial = 1;
    made m = {X509_new(), EVP_EC_gen("P-256")};
    assert_non_null(m.key);
    X509_set_version(m.x509, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(m.x509), serial++);
    X509_gmtime_adj(X509_getm_notBefore(m.x509), r->from || r->to ? r->from : -86400);
    X509_gmtime_adj(X509_getm_notAfter(m.x509), r->from || r->to ? r->to : 86400);
    X509_set_pubkey(m.x509, m.key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(m.x509), "CN", MBSTRING_ASC, (const unsigned char *)r->name, -1,
                               -1, 0);
    X509_set_issuer_name(m.x509, X509_get_subject_name(issuer ? issuer->x509 : m.x509));
    if (r->authority)
        add_extension(m.x509, NID_basic_constraints, "critical,CA:TRUE");
    if (r->alternatives)
        add_extension(m.x509, NID_subject_alt_name, r->alternatives);
    if (r->usage)
        add_extension(m.x509, NID_ext_key_usage, r->usage);
    assert_true(X509_sign(m.x509, issuer ? issuer->key : m.key, EVP_sha256()));
    return m;
}

static inline void made_fini(made *m)
{
    X509_free(m->x509);
    EVP_PKEY_free(m->key);
}

static char test_folder[64];

static inline kd_str test_path(char to[128], const char *name)
{
    return kd_str_of(to, (size_t)snprintf(to, 128, "%s/%s", test_folder, name));
}

static inline void write_pem(const char *name, const made *m, bool key, const char *pass)
{
    char path[128];
    test_path(path, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    if (key)
        assert_true(PEM_write_PrivateKey(f, m->key, pass ? EVP_aes_128_cbc() : NULL, (const unsigned char *)pass,
                                         pass ? (int)strlen(pass) : 0, NULL, NULL));
    else
        assert_true(PEM_write_X509(f, m->x509));
    fclose(f);
}

/* ---- the server */

typedef struct server {
    int listener;
    struct sockaddr_in at;
    SSL_CTX *ctx;
    bool raw;                       /* no TLS: `talk` has ssl NULL */
    void (*talk)(SSL *ssl, int fd); /* after the handshake; the connection is then closed without a goodbye */
    unsigned connections;           /* to serve */
    unsigned shaken, resumed;       /* handshakes that succeeded */
    char client[64];                /* common name of the last client certificate */
    pthread_t thread;
} server;

static inline void serve_one(server *s, int fd)
{
    if (s->raw) {
        s->talk(NULL, fd);
        close(fd);
        return;
    }
    SSL *ssl = SSL_new(s->ctx);
    SSL_set_fd(ssl, fd);
    if (SSL_accept(ssl) == 1) {
        s->shaken++;
        s->resumed += (unsigned)SSL_session_reused(ssl);
        X509 *peer = SSL_get0_peer_certificate(ssl);
        if (peer)
            X509_NAME_get_text_by_NID(X509_get_subject_name(peer), NID_commonName, s->client, sizeof s->client);
        if (s->talk)
            s->talk(ssl, fd);
    } else {
        /* The client must be able to read the alert: what it sent is read before the end. */
        char rest[512];
        shutdown(fd, SHUT_WR);
        while (read(fd, rest, sizeof rest) > 0)
            ;
    }
    SSL_set_quiet_shutdown(ssl, 1);
    SSL_shutdown(ssl);
    SSL_free(ssl);
    ERR_clear_error();
    close(fd);
}

static inline void *run_server(void *of)
{
    server *s = of;
    sigset_t pipe;
    /* Only the server's own writes may raise it; the client's must not, and are not protected here. */
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe, NULL);
    for (unsigned i = 0; i < s->connections; i++) {
        int fd = accept(s->listener, NULL, NULL);
        if (fd >= 0)
            serve_one(s, fd);
    }
    return NULL;
}

/* `with` is its certificate; NULL: raw. The caller may change ctx before server_start. */
static inline void server_init(server *s, const made *with, void (*talk)(SSL *ssl, int fd))
{
    socklen_t n = sizeof s->at;
    *s = (server){.talk = talk, .raw = !with, .connections = 1};
    s->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    s->at = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_int_equal(bind(s->listener, (struct sockaddr *)&s->at, sizeof s->at), 0);
    assert_int_equal(listen(s->listener, 64), 0);
    getsockname(s->listener, (struct sockaddr *)&s->at, &n);
    if (!with)
        return;
    s->ctx = SSL_CTX_new(TLS_server_method());
    SSL_CTX_set_security_level(s->ctx, 0);
    SSL_CTX_set_min_proto_version(s->ctx, TLS1_VERSION);
    SSL_CTX_set_session_id_context(s->ctx, (const unsigned char *)"test", 4);
    assert_true(SSL_CTX_use_certificate(s->ctx, with->x509));
    assert_true(SSL_CTX_use_PrivateKey(s->ctx, with->key));
}

static inline void server_start(server *s)
{
    assert_int_equal(pthread_create(&s->thread, NULL, run_server, s), 0);
}

static inline void server_end(server *s)
{
    pthread_join(s->thread, NULL);
    close(s->listener);
    SSL_CTX_free(s->ctx);
}

/* ---- the client */

static kd_loop test_loop;

static inline void test_on_ready(kd_io *io)
{
    (void)io;
}

/* Connects and shakes hands as far as it goes. */
static inline kd_tls_progress client_open(kd_stream *stream, const server *s, kd_tls_profile *profile, const char *name,
                                          kd_tls_resume *resume)
{
    assert_true(kd_stream_connect(stream, &test_loop, (const struct sockaddr *)&s->at, sizeof s->at, test_on_ready));
    while (!kd_stream_writable(stream))
        kd_loop_turn(&test_loop, -1);
    assert_true(kd_stream_connected(stream));
    assert_true(kd_tls_client_start(stream, profile, kd_str_from_c(name), resume));
    kd_tls_progress progress;
    while ((progress = kd_tls_client_handshake(stream)) == KD_TLS_WAIT)
        kd_loop_turn(&test_loop, -1);
    return progress;
}

static inline ssize_t client_read(kd_stream *stream, void *to, size_t n)
{
    ssize_t got;
    while ((got = kd_stream_read(stream, to, n)) == KD_STREAM_AGAIN)
        kd_loop_turn(&test_loop, -1);
    return got;
}

static inline void client_write(kd_stream *stream, const char *from, size_t n)
{
    while (n) {
        struct iovec v = {(char *)from, n};
        ssize_t put = kd_stream_writev(stream, &v, 1);
        assert_int_not_equal(put, KD_STREAM_ERROR);
        if (put > 0)
            from += put, n -= (size_t)put;
        else
            kd_loop_turn(&test_loop, -1);
    }
}

static inline void assert_error(const kd_stream *stream, const char *expected)
{
    kd_str error = kd_tls_error(stream);
    char text[1024];
    snprintf(text, sizeof text, "%.*s", KD_FMT(error));
    assert_string_equal(text, expected);
}

#endif
