/* TLS towards clients, between two ends of a socket pair on one loop: what is agreed on, what is refused and in which
 * words, tickets, and files that change. */
#include "net/test_tls.h"

#include "base/log.h"
#include "net/tls_server_own.h"

#define AGREED ((const char *)NULL)

static made authority, other_authority, first, second, client, foreign, expired, server_only, any_use;
static char ca_path[128];
static kd_str ca_file;

static void write_pair(const char *name, const made *m)
{
    char file[64];
    snprintf(file, sizeof file, "%s.pem", name);
    write_pem(file, m, false, NULL);
    snprintf(file, sizeof file, "%s.key", name);
    write_pem(file, m, true, NULL);
}

static int setup(void **state)
{
    strcpy(test_folder, "/tmp/kd-tls-XXXXXX");
    if (!mkdtemp(test_folder) || !kd_loop_init(&test_loop))
        return -1;
    authority = make_certificate(&(recipe){.name = "Authority", .authority = true}, NULL);
    other_authority = make_certificate(&(recipe){.name = "Other", .authority = true}, NULL);
    first = make_certificate(&(recipe){.name = "1", .alternatives = "DNS:first.test,DNS:same.test"}, &authority);
    second = make_certificate(&(recipe){.name = "2", .alternatives = "DNS:Second.Test,DNS:*.wild.test,DNS:same.test"},
                              &authority);
    client = make_certificate(&(recipe){.name = "client", .usage = "clientAuth"}, &authority);
    any_use = make_certificate(&(recipe){.name = "any", .usage = "anyExtendedKeyUsage"}, &authority);
    foreign = make_certificate(&(recipe){.name = "foreign"}, &other_authority);
    expired = make_certificate(&(recipe){.name = "expired", .from = -7200, .to = -3600}, &authority);
    server_only = make_certificate(&(recipe){.name = "server", .usage = "serverAuth"}, &authority);
    write_pem("ca.pem", &authority, false, NULL);
    ca_file = test_path(ca_path, "ca.pem");
    write_pair("first", &first);
    write_pair("second", &second);
    write_pair("client", &client);
    write_pair("any", &any_use);
    write_pair("foreign", &foreign);
    write_pair("expired", &expired);
    write_pair("server", &server_only);
    return 0;
}

static int teardown(void **state)
{
    made *all[] = {&authority, &other_authority, &first, &second, &client, &foreign, &expired, &server_only, &any_use};
    char command[128];
    for (size_t i = 0; i < KD_COUNT(all); i++)
        made_fini(all[i]);
    kd_loop_fini(&test_loop);
    snprintf(command, sizeof command, "rm -rf %s", test_folder);
    return system(command);
}

/* ---- both ends */

/* Paths of pairs, in static room. */
static const kd_tls_files *files_of(const char *const *names, uint32_t n)
{
    static kd_tls_files files[4];
    static char room[8][128];
    char name[64];
    for (uint32_t i = 0; i < n; i++) {
        snprintf(name, sizeof name, "%s.pem", names[i]);
        files[i].certificate = test_path(room[2 * i], name);
        snprintf(name, sizeof name, "%s.key", names[i]);
        files[i].private_key = test_path(room[2 * i + 1], name);
    }
    return files;
}

static kd_tls_server *make_server(kd_tls_server_options options, const char *const *names, uint32_t n)
{
    options.pairs = files_of(names, n);
    options.n_pairs = n;
    kd_tls_server *s = kd_tls_server_create(&options);
    assert_non_null(s);
    assert_int_equal(kd_tls_server_error(s, true).n, 0);
    return s;
}

/* What the client does, beside its SSL_CTX. */
typedef struct ends {
    kd_stream server;
    SSL *ssl;
    int fd;
    kd_tls_progress progress; /* of the server */
    int client_error;         /* of its handshake, as SSL_get_error */
} ends;

static SSL_CTX *client_ctx(int min, int max, const made *with)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    assert_non_null(ctx);
    SSL_CTX_set_security_level(ctx, 0);
    assert_true(SSL_CTX_set_min_proto_version(ctx, min) && SSL_CTX_set_max_proto_version(ctx, max));
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT);
    if (with)
        assert_true(SSL_CTX_use_certificate(ctx, with->x509) && SSL_CTX_use_PrivateKey(ctx, with->key));
    return ctx;
}

/* Shakes hands until both have come to an end. */
static void shake(ends *e, kd_tls_server *of, SSL_CTX *ctx, const char *name, SSL_SESSION *session)
{
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
    assert_true(kd_stream_open(&e->server, &test_loop, fds[0], test_on_ready));
    assert_true(kd_tls_server_start(&e->server, of));
    e->fd = fds[1];
    e->ssl = SSL_new(ctx);
    SSL_set_fd(e->ssl, fds[1]);
    if (name)
        SSL_set_tlsext_host_name(e->ssl, name);
    if (session)
        SSL_set_session(e->ssl, session);
    e->progress = KD_TLS_WAIT;
    e->client_error = SSL_ERROR_WANT_READ;
    for (int i = 0; i < 100 && (e->progress == KD_TLS_WAIT || e->client_error == SSL_ERROR_WANT_READ); i++) {
        if (e->client_error == SSL_ERROR_WANT_READ)
            e->client_error = SSL_get_error(e->ssl, SSL_connect(e->ssl));
        kd_loop_turn(&test_loop, 0);
        if (e->progress == KD_TLS_WAIT)
            e->progress = kd_tls_server_handshake(&e->server);
        if (e->progress == KD_TLS_FAILED)
            break;
    }
    ERR_clear_error();
}

/* Takes bytes both ways, so that the client has its tickets. */
static void talk(ends *e)
{
    char text[8];
    assert_int_equal(kd_stream_writev(&e->server, &(struct iovec){"hello", 5}, 1), 5);
    assert_int_equal(SSL_read(e->ssl, text, sizeof text), 5);
    assert_int_equal(SSL_write(e->ssl, "thanks", 6), 6);
    assert_int_equal(client_read(&e->server, text, sizeof text), 6);
    assert_memory_equal(text, "thanks", 6);
}

static void part(ends *e)
{
    SSL_set_shutdown(e->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(e->ssl);
    close(e->fd);
    kd_stream_close(&e->server);
    ERR_clear_error();
}

/* ---- what is agreed on */

static void test_versions(void **state)
{
    static const struct {
        kd_str min, max;
        int from, to;
        const char *error;
    } cases[] = {
        {KD_STR_INIT(""), KD_STR_INIT(""), TLS1_3_VERSION, TLS1_3_VERSION, AGREED},
        {KD_STR_INIT(""), KD_STR_INIT(""), TLS1_2_VERSION, TLS1_2_VERSION,
         "tls: client offered only unsupported versions: [303 302 301]"},
        {KD_STR_INIT("TLS1.2"), KD_STR_INIT(""), TLS1_1_VERSION, TLS1_1_VERSION,
         "tls: client offered only unsupported versions: [302 301]"},
        {KD_STR_INIT("TLS12"), KD_STR_INIT("TLS12"), TLS1_3_VERSION, TLS1_3_VERSION,
         "tls: client offered only unsupported versions: [304]"},
        {KD_STR_INIT("TLS12"), KD_STR_INIT("TLS12"), TLS1_2_VERSION, TLS1_3_VERSION, AGREED},
        {KD_STR_INIT("TLS10"), KD_STR_INIT("TLS13"), TLS1_VERSION, TLS1_VERSION, AGREED},
        {KD_STR_INIT("SSL3.0"), KD_STR_INIT("TLS11"), TLS1_VERSION, TLS1_1_VERSION, AGREED},
        {KD_STR_INIT("TLS13"), KD_STR_INIT("TLS12"), TLS1_2_VERSION, TLS1_3_VERSION,
         "tls: client offered only unsupported versions: [304 303]"},
        {KD_STR_INIT("TLS12"), KD_STR_INIT("SSL3.0"), TLS1_2_VERSION, TLS1_2_VERSION,
         "tls: client offered only unsupported versions: [303 302 301]"},
    };
    /* TLS 1.0 and 1.1 have the suites of CBC only. */
    static const uint16_t suites[] = {0xc02b, 0xc009};
    for (size_t i = 0; i < KD_COUNT(cases); i++) {
        ends e;
        kd_tls_server *s = make_server(
            (kd_tls_server_options){
                .min_version = cases[i].min, .max_version = cases[i].max, .suites = suites, .n_suites = 2},
            (const char *[]){"first"}, 1);
        SSL_CTX *ctx = client_ctx(cases[i].from, cases[i].to, NULL);
        shake(&e, s, ctx, NULL, NULL);
        if (cases[i].error) {
            assert_int_equal(e.progress, KD_TLS_FAILED);
            assert_error(&e.server, cases[i].error);
        } else {
            assert_int_equal(e.progress, KD_TLS_READY);
            talk(&e);
        }
        part(&e);
        SSL_CTX_free(ctx);
        kd_tls_server_destroy(s);
    }
}

static void test_names(void **state)
{
    static const struct {
        const char *name, *certificate;
    } cases[] = {{NULL, "1"},          {"first.test", "1"}, {"second.test", "2"},   {"SECOND.test", "2"},
                 {"a.wild.test", "2"}, {"wild.test", "1"},  {"a.b.wild.test", "1"}, {"same.test", "1"},
                 {"other.test", "1"},  {".wild.test", "1"}};
    kd_tls_server *s = make_server((kd_tls_server_options){0}, (const char *[]){"first", "second"}, 2);
    SSL_CTX *ctx = client_ctx(TLS1_3_VERSION, TLS1_3_VERSION, NULL);
    for (size_t i = 0; i < KD_COUNT(cases); i++) {
        ends e;
        char name[16];
        shake(&e, s, ctx, cases[i].name, NULL);
        assert_int_equal(e.progress, KD_TLS_READY);
        X509_NAME_get_text_by_NID(X509_get_subject_name(SSL_get0_peer_certificate(e.ssl)), NID_commonName, name,
                                  sizeof name);
        assert_string_equal(name, cases[i].certificate);
        part(&e);
    }
    SSL_CTX_free(ctx);
    kd_tls_server_destroy(s);
}

static void test_protocols(void **state)
{
    static const struct {
        kd_str offered; /* on the wire */
        bool http2, chosen;
        const char *error;
    } cases[] = {
        {KD_STR_INIT("\x02h2\x08http/1.1"), true, true, AGREED},
        {KD_STR_INIT("\x08http/1.1\x02h2"), true, true, AGREED},
        {KD_STR_INIT("\x08http/1.1"), true, false, AGREED},
        {KD_STR_INIT("\x02h2\x08http/1.1"), false, false, AGREED},
        {KD_STR_INIT("\x01x\x08http/1.1"), true, false, AGREED},
        {KD_STR_INIT("\x01x\x03y\"z"), true, false,
         "tls: client requested unsupported application protocols ([\"x\" \"y?z\"])"},
        {KD_STR_INIT(""), true, false, AGREED},
    };
    for (size_t i = 0; i < KD_COUNT(cases); i++) {
        ends e;
        kd_tls_server *s = make_server((kd_tls_server_options){.http2 = cases[i].http2}, (const char *[]){"first"}, 1);
        SSL_CTX *ctx = client_ctx(TLS1_3_VERSION, TLS1_3_VERSION, NULL);
        if (cases[i].offered.n)
            SSL_CTX_set_alpn_protos(ctx, (const unsigned char *)cases[i].offered.p, (unsigned)cases[i].offered.n);
        shake(&e, s, ctx, NULL, NULL);
        assert_int_equal(e.progress, cases[i].error ? KD_TLS_FAILED : KD_TLS_READY);
        if (cases[i].error)
            assert_error(&e.server, cases[i].error);
        else
            assert_int_equal(kd_tls_server_chose_http2(&e.server), cases[i].chosen);
        part(&e);
        SSL_CTX_free(ctx);
        kd_tls_server_destroy(s);
    }
}

static void test_nothing_in_common(void **state)
{
    ends e;
    kd_tls_server *s =
        make_server((kd_tls_server_options){.min_version = KD_STR("TLS12")}, (const char *[]){"first"}, 1);
    SSL_CTX *ctx = client_ctx(TLS1_2_VERSION, TLS1_2_VERSION, NULL);
    assert_true(SSL_CTX_set_cipher_list(ctx, "ECDHE-RSA-CHACHA20-POLY1305"));
    shake(&e, s, ctx, NULL, NULL);
    assert_error(&e.server, "tls: no cipher suite supported by both client and server; client offered: [cca8 ff]");
    part(&e);
    SSL_CTX_free(ctx);
    ctx = client_ctx(TLS1_3_VERSION, TLS1_3_VERSION, NULL);
    assert_true(SSL_CTX_set1_groups_list(ctx, "X25519"));
    shake(&e, s, ctx, NULL, NULL);
    assert_error(&e.server, "tls: no key exchanges supported by both client and server");
    part(&e);
    SSL_CTX_free(ctx);
    kd_tls_server_destroy(s);
}

/* ---- clients' certificates */

static void test_clients(void **state)
{
    static const char unknown[] = "tls: failed to verify certificate: x509: certificate signed by unknown authority";
    static const char use[] =
        "tls: failed to verify certificate: x509: certificate specifies an incompatible key usage";
    const struct {
        const made *with;
        const char *error;
    } cases[] = {{&client, AGREED},
                 {&any_use, AGREED},
                 {NULL, "tls: client didn't provide a certificate"},
                 {&foreign, unknown},
                 {&server_only, use},
                 {&expired, "tls: failed to verify certificate: x509: certificate has expired or is not yet valid: "}};
    kd_tls_server *s = make_server(
        (kd_tls_server_options){
            .min_version = KD_STR("TLS12"), .mutual = true, .no_system_roots = true, .roots = &ca_file, .n_roots = 1},
        (const char *[]){"first"}, 1);
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++)
        for (size_t i = 0; i < KD_COUNT(cases); i++) {
            ends e;
            SSL_CTX *ctx = client_ctx(version, version, cases[i].with);
            shake(&e, s, ctx, NULL, NULL);
            assert_int_equal(e.progress, cases[i].error ? KD_TLS_FAILED : KD_TLS_READY);
            kd_str error = kd_tls_error(&e.server);
            if (cases[i].error)
                assert_true(kd_str_starts(error, kd_str_from_c(cases[i].error)));
            part(&e);
            SSL_CTX_free(ctx);
        }
    kd_tls_server_destroy(s);
}

/* ---- tickets */

static SSL_SESSION *visit(kd_tls_server *s, SSL_CTX *ctx, SSL_SESSION *session, bool resumed)
{
    ends e;
    shake(&e, s, ctx, NULL, session);
    assert_int_equal(e.progress, KD_TLS_READY);
    assert_int_equal(kd_tls_server_resumed(&e.server), resumed);
    talk(&e);
    SSL_SESSION_free(session);
    session = SSL_get1_session(e.ssl);
    part(&e);
    return session;
}

static void test_resumption(void **state)
{
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        kd_tls_server_options options = {.min_version = KD_STR("TLS12")};
        kd_tls_server *s = make_server(options, (const char *[]){"first"}, 1);
        kd_tls_server *next = make_server(options, (const char *[]){"first", "second"}, 2);
        options.mutual = options.no_system_roots = true;
        options.roots = &ca_file;
        options.n_roots = 1;
        kd_tls_server *mutual = make_server(options, (const char *[]){"first"}, 1);
        options.n_trusted = 1;
        kd_tls_server *wider = make_server(options, (const char *[]){"first"}, 1);
        SSL_CTX *ctx = client_ctx(version, version, &client);
        SSL_SESSION *session = visit(s, ctx, NULL, false);
        session = visit(s, ctx, session, true);
        session = visit(s, ctx, session, true);
        session = visit(next, ctx, session, true);    /* another configuration, the same keys */
        session = visit(mutual, ctx, session, false); /* it has not shown a certificate */
        session = visit(mutual, ctx, session, true);
        session = visit(wider, ctx, session, false); /* other authorities */
        SSL_SESSION_free(session);
        SSL_CTX_free(ctx);
        kd_tls_server_destroy(s);
        kd_tls_server_destroy(next);
        kd_tls_server_destroy(mutual);
        kd_tls_server_destroy(wider);
    }
}

/* Seals at one time, opens at another: 1, 2 (with the key before), 0. */
static int opens(kd_ns sealed, kd_ns opened, uint8_t name[16])
{
    uint8_t iv[16];
    EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
    EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX *mac = EVP_MAC_CTX_new(hmac);
    if (sealed >= 0)
        assert_int_equal(kd_tls_tickets_use(sealed, name, iv, cipher, mac, true), 1);
    int result = kd_tls_tickets_use(opened, name, iv, cipher, mac, false);
    EVP_MAC_CTX_free(mac);
    EVP_MAC_free(hmac);
    EVP_CIPHER_CTX_free(cipher);
    return result;
}

static void test_rotation(void **state)
{
    const kd_ns period = 10 * KD_SECOND;
    kd_ns t = kd_clock_monotonic() + 1000000 * KD_SECOND; /* whatever key there was is too old */
    uint8_t a[16], b[16], c[16];
    kd_tls_tickets_rotate_every(period);
    assert_int_equal(opens(t, t + period - 1, a), 1);
    assert_int_equal(opens(t + period, t + period, b), 1); /* a new key */
    assert_memory_not_equal(a, b, 16);
    assert_int_equal(opens(-1, t + 2 * period - 1, a), 2); /* the one before still opens */
    assert_int_equal(opens(-1, t + 2 * period, a), 0);
    assert_int_equal(opens(-1, t + 2 * period, b), 2);
    assert_int_equal(opens(t + 9 * period, t + 9 * period, c), 1); /* nobody came for long: nothing old opens */
    assert_int_equal(opens(-1, t + 9 * period, b), 0);
    kd_tls_tickets_rotate_every(0);
    assert_int_equal(kd_tls_tickets_lifetime(), 24 * 3600);
}

/* ---- files */

static void test_errors(void **state)
{
    static const struct {
        const char *certificate, *key, *error;
    } cases[] = {
        {"", "first.key", "public key not defined"},
        {"first.pem", "", "private key not defined"},
        {"nope.pem", "first.key", "no such file or directory"},
        {"first.pem", "nope.key", "no such file or directory"},
        {"first.pem", "second.key", "tls: private key does not match public key"},
        {"first.key", "first.key", "PEM inputs may have been switched"},
        {"first.pem", "first.pem", "tls: found a certificate rather than a key in the PEM for the private key"},
        {"empty", "first.key", "tls: failed to find any PEM data in certificate input"},
        {"first.pem", "empty", "tls: failed to find any PEM data in key input"},
    };
    char path[128], paths[2][128];
    test_path(path, "empty");
    fclose(fopen(path, "w"));
    for (size_t i = 0; i < KD_COUNT(cases); i++) {
        kd_tls_files files = {*cases[i].certificate ? test_path(paths[0], cases[i].certificate) : KD_STR(""),
                              *cases[i].key ? test_path(paths[1], cases[i].key) : KD_STR("")};
        kd_tls_server *s = kd_tls_server_create(&(kd_tls_server_options){.pairs = &files, .n_pairs = 1});
        assert_non_null(s);
        kd_str error = kd_tls_server_error(s, false);
        if (!kd_str_ends(error, kd_str_from_c(cases[i].error)))
            assert_string_equal(error.p, cases[i].error);
        kd_tls_server_destroy(s);
    }
    kd_tls_server *s = kd_tls_server_create(&(kd_tls_server_options){0});
    assert_true(kd_str_eq(kd_tls_server_error(s, false), KD_STR("public key not defined")));
    kd_tls_server_destroy(s);
}

static void test_http2_suite(void **state)
{
    static const uint16_t without[] = {0xc030, 0x1301}, with[] = {0xc030, 0xc02f};
    kd_tls_server_options options = {.pairs = files_of((const char *[]){"first"}, 1), .n_pairs = 1, .suites = without};
    options.n_suites = 2;
    options.min_version = KD_STR("TLS12");
    for (int i = 0; i < 3; i++) {
        kd_tls_server *s = kd_tls_server_create(&options);
        assert_int_equal(kd_tls_server_error(s, false).n, 0);
        assert_int_equal(kd_tls_server_error(s, true).n > 0, i == 0);
        kd_tls_server_destroy(s);
        if (i == 0)
            options.suites = with;
        else
            options.suites = without, options.min_version = KD_STR("TLS13");
    }
}

/* Which certificate is shown now. */
static const char *shown(kd_tls_server *s)
{
    static char name[16];
    ends e;
    SSL_CTX *ctx = client_ctx(TLS1_3_VERSION, TLS1_3_VERSION, NULL);
    shake(&e, s, ctx, NULL, NULL);
    assert_int_equal(e.progress, KD_TLS_READY);
    X509_NAME_get_text_by_NID(X509_get_subject_name(SSL_get0_peer_certificate(e.ssl)), NID_commonName, name,
                              sizeof name);
    part(&e);
    SSL_CTX_free(ctx);
    return name;
}

static void test_changes(void **state)
{
    ends old;
    write_pair("mine", &first);
    kd_tls_server *s = make_server((kd_tls_server_options){0}, (const char *[]){"mine"}, 1);
    SSL_CTX *ctx = client_ctx(TLS1_3_VERSION, TLS1_3_VERSION, NULL);
    shake(&old, s, ctx, NULL, NULL);
    kd_tls_server_check(s, false);
    kd_tls_server_check(s, false);
    assert_string_equal(shown(s), "1");
    write_pem("mine.pem", &second, false, NULL); /* one half */
    kd_tls_server_check(s, false);
    kd_tls_server_check(s, false);
    assert_string_equal(shown(s), "1");
    write_pem("mine.key", &second, true, NULL);
    kd_tls_server_check(s, false); /* it may still be written */
    assert_string_equal(shown(s), "1");
    kd_tls_server_check(s, false);
    assert_string_equal(shown(s), "2");
    write_pair("mine", &first);
    kd_tls_server_check(s, true); /* at once */
    assert_string_equal(shown(s), "1");
    char path[128];
    test_path(path, "mine.key");
    assert_int_equal(unlink(path), 0);
    kd_tls_server_check(s, true);
    assert_string_equal(shown(s), "1");
    kd_tls_expiry expiry[2];
    assert_int_equal(kd_tls_server_expiries(s, expiry, 2), 1);
    assert_true(kd_str_ends(expiry[0].file, KD_STR("/mine.pem")));
    kd_tls_server_destroy(s); /* the connection outlives it */
    talk(&old);
    part(&old);
    SSL_CTX_free(ctx);
}

/* Keys are renewed in the middle (RFC 8446 section 4.6.3), by either side, and again. */
static void test_key_updates(void **state)
{
    ends e;
    kd_tls_server *s = make_server((kd_tls_server_options){0}, (const char *[]){"first"}, 1);
    SSL_CTX *ctx = client_ctx(TLS1_3_VERSION, TLS1_3_VERSION, NULL);
    shake(&e, s, ctx, NULL, NULL);
    assert_int_equal(e.progress, KD_TLS_READY);
    for (int i = 0; i < 6; i++) {
        assert_true(SSL_key_update(e.ssl, i % 2 ? SSL_KEY_UPDATE_REQUESTED : SSL_KEY_UPDATE_NOT_REQUESTED));
        talk(&e);
    }
    part(&e);
    SSL_CTX_free(ctx);
    kd_tls_server_destroy(s);
}

/* ---- ends of streams */

static void test_goodbyes(void **state)
{
    char byte;
    kd_tls_server *s = make_server((kd_tls_server_options){0}, (const char *[]){"first"}, 1);
    SSL_CTX *ctx = client_ctx(TLS1_3_VERSION, TLS1_3_VERSION, NULL);
    for (int i = 0; i < 4; i++) {
        ends e;
        shake(&e, s, ctx, NULL, NULL);
        talk(&e);
        kd_loop_turn(&test_loop, 0);
        assert_false(kd_stream_gone(&e.server));
        if (i == 0) { /* the client ends, in order; what it has sent is still there */
            assert_int_equal(SSL_write(e.ssl, "x", 1), 1);
            SSL_shutdown(e.ssl);
            shutdown(e.fd, SHUT_WR);
            kd_loop_turn(&test_loop, 0);
            assert_false(kd_stream_gone(&e.server));
            assert_int_equal(client_read(&e.server, &byte, 1), 1);
            assert_true(kd_stream_gone(&e.server));
        } else if (i == 1) { /* or just goes */
            shutdown(e.fd, SHUT_WR);
            kd_loop_turn(&test_loop, 0);
            assert_true(kd_stream_gone(&e.server));
        } else if (i == 2) { /* the server ends, and can still read */
            kd_stream_finish(&e.server);
            assert_int_equal(SSL_read(e.ssl, &byte, 1), 0);
            assert_int_equal(SSL_get_error(e.ssl, 0), SSL_ERROR_ZERO_RETURN);
            assert_int_equal(SSL_write(e.ssl, "x", 1), 1);
            assert_int_equal(client_read(&e.server, &byte, 1), 1);
        } else {                      /* a reset says no goodbye: what was cut must not look whole */
            signal(SIGPIPE, SIG_IGN); /* the client's alert about it */
            kd_stream_reset(&e.server);
            int r = SSL_read(e.ssl, &byte, 1);
            assert_int_not_equal(SSL_get_error(e.ssl, r), SSL_ERROR_ZERO_RETURN);
        }
        part(&e);
    }
    SSL_CTX_free(ctx);
    kd_tls_server_destroy(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_versions),    cmocka_unit_test(test_names),
        cmocka_unit_test(test_protocols),   cmocka_unit_test(test_nothing_in_common),
        cmocka_unit_test(test_clients),     cmocka_unit_test(test_resumption),
        cmocka_unit_test(test_rotation),    cmocka_unit_test(test_errors),
        cmocka_unit_test(test_http2_suite), cmocka_unit_test(test_changes),
        cmocka_unit_test(test_key_updates), cmocka_unit_test(test_goodbyes),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
