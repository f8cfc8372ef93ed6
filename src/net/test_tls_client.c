/* TLS towards backends, against a server of OpenSSL: versions, names, authorities, client certificates, sessions, ends,
 * bodies through tiny buffers, refusals. */
#include "net/test_tls.h"

#define VERIFY "tls: failed to verify certificate: x509: "

static made authority, other_authority, backend;
static char authority_path[128];
static kd_str authority_file;

static int setup(void **state)
{
    strcpy(test_folder, "/tmp/kd-tls-XXXXXX");
    if (!mkdtemp(test_folder) || !kd_loop_init(&test_loop))
        return -1;
    authority = make_certificate(&(recipe){.name = "Authority", .authority = true}, NULL);
    other_authority = make_certificate(&(recipe){.name = "Other", .authority = true}, NULL);
    backend =
        make_certificate(&(recipe){.name = "x", .alternatives = "DNS:backend.test,IP:127.0.0.1,IP:::1"}, &authority);
    write_pem("ca.pem", &authority, false, NULL);
    authority_file = test_path(authority_path, "ca.pem");
    return 0;
}

static int teardown(void **state)
{
    char command[128];
    made_fini(&authority);
    made_fini(&other_authority);
    made_fini(&backend);
    kd_loop_fini(&test_loop);
    snprintf(command, sizeof command, "rm -rf %s", test_folder);
    return system(command);
}

static kd_tls_options trusting(void)
{
    return (kd_tls_options){.configured = true,
                            .no_system_roots = true,
                            .roots = &authority_file,
                            .n_roots = 1,
                            .min_version = KD_STR("TLS12")};
}

static kd_tls_profile *acquire(kd_tls_options options)
{
    kd_tls_profile *profile = kd_tls_profile_acquire(&options);
    assert_non_null(profile);
    return profile;
}

static void say_hello(SSL *ssl, int fd)
{
    SSL_write(ssl, "hello", 5);
    SSL_shutdown(ssl);
}

/* Waits until the client has closed. */
static void linger(SSL *ssl, int fd)
{
    char byte;
    while (SSL_read(ssl, &byte, 1) > 0)
        ;
}

/* Opens, reads the greeting and the goodbye. error NULL: that must work. */
static void expect(kd_tls_options options, const made *with, const char *name, int min, int max, const char *error)
{
    server s;
    kd_stream stream;
    char text[16];
    server_init(&s, with, say_hello);
    SSL_CTX_set_min_proto_version(s.ctx, min);
    SSL_CTX_set_max_proto_version(s.ctx, max);
    server_start(&s);
    kd_tls_profile *profile = acquire(options);
    kd_tls_progress progress = client_open(&stream, &s, profile, name, NULL);
    kd_tls_profile_release(profile);
    if (error) {
        assert_int_equal(progress, KD_TLS_FAILED);
        assert_error(&stream, error);
        assert_int_equal(kd_tls_client_handshake(&stream), KD_TLS_FAILED); /* and stays so */
        assert_int_equal(kd_stream_read(&stream, text, sizeof text), KD_STREAM_ERROR);
    } else {
        assert_error(&stream, "");
        assert_int_equal(progress, KD_TLS_READY);
        assert_int_equal(client_read(&stream, text, sizeof text), 5);
        assert_memory_equal(text, "hello", 5);
        assert_int_equal(client_read(&stream, text, sizeof text), 0);
        assert_int_equal(client_read(&stream, text, sizeof text), 0);
    }
    kd_stream_close(&stream);
    server_end(&s);
}

static void test_versions(void **state)
{
    static const struct {
        bool configured;
        const char *min, *max;
        int server_min, server_max;
        const char *error;
    } cases[] = {
        {false, "", "", TLS1_2_VERSION, TLS1_2_VERSION, NULL},
        {false, "", "", TLS1_3_VERSION, TLS1_3_VERSION, NULL},
        {false, "TLS10", "TLS10", TLS1_2_VERSION, TLS1_2_VERSION, NULL}, /* without a block nothing is named */
        {false, "", "", TLS1_1_VERSION, TLS1_1_VERSION, "remote error: tls: protocol version not supported"},
        {true, "", "", TLS1_3_VERSION, TLS1_3_VERSION, NULL},
        {true, "", "", TLS1_2_VERSION, TLS1_2_VERSION, "remote error: tls: protocol version not supported"},
        {true, "nonsense", "TLS14", TLS1_3_VERSION, TLS1_3_VERSION, NULL},
        {true, "TLS12", "", TLS1_2_VERSION, TLS1_2_VERSION, NULL},
        {true, "TLS12", "TLS12", TLS1_2_VERSION, TLS1_3_VERSION, NULL},
        {true, "TLS12", "TLS12", TLS1_3_VERSION, TLS1_3_VERSION, "remote error: tls: protocol version not supported"},
        /* The default suites are those of TLS 1.2; here are some that older versions have. */
        {true, "TLS10", "TLS11", TLS1_1_VERSION, TLS1_1_VERSION, NULL},
        {true, "SSL3.0", "", TLS1_VERSION, TLS1_VERSION, NULL},
        {true, "", "TLS12", TLS1_2_VERSION, TLS1_3_VERSION,
         "tls: no supported versions satisfy MinVersion and MaxVersion"},
    };
    static const uint16_t old_suites[] = {0xc009, 0xc02b};
    setenv("SSL_CERT_FILE", authority_path, 1);
    for (size_t i = 0; i < KD_COUNT(cases); i++) {
        kd_tls_options options = {.configured = cases[i].configured,
                                  .suites = old_suites,
                                  .n_suites = strcmp(cases[i].min, "TLS12") ? KD_COUNT(old_suites) : 0,
                                  .min_version = kd_str_from_c(cases[i].min),
                                  .max_version = kd_str_from_c(cases[i].max)};
        expect(options, &backend, "backend.test", cases[i].server_min, cases[i].server_max, cases[i].error);
    }
    unsetenv("SSL_CERT_FILE");
}

static void test_names(void **state)
{
    static const struct {
        recipe certificate;
        const char *name, *error;
    } cases[] = {
        {{.alternatives = "DNS:a.test"}, "a.test", NULL},
        {{.alternatives = "DNS:a.test"}, "A.Test.", NULL},
        {{.alternatives = "DNS:*.a.test"}, "b.a.test", NULL},
        {{.alternatives = "IP:127.0.0.1"}, "127.0.0.1", NULL},
        {{.alternatives = "IP:::1"}, "::1", NULL},
        {{.alternatives = "DNS:*.a.test"}, "c.b.a.test", VERIFY "certificate is valid for *.a.test, not c.b.a.test"},
        {{.alternatives = "DNS:b*.a.test"}, "bc.a.test", VERIFY "certificate is valid for b*.a.test, not bc.a.test"},
        {{.alternatives = "DNS:a.test,DNS:b.test"},
         "c.test",
         VERIFY "certificate is valid for a.test, b.test, not c.test"},
        {{.alternatives = "DNS:a.test"},
         "127.0.0.1",
         VERIFY "cannot validate certificate for 127.0.0.1 because it doesn't contain any IP SANs"},
        {{.alternatives = "IP:10.0.0.1,IP:::2"},
         "127.0.0.1",
         VERIFY "certificate is valid for 10.0.0.1, ::2, not 127.0.0.1"},
        {{.alternatives = "IP:10.0.0.1"},
         "a.test",
         VERIFY "certificate is not valid for any names, but wanted to match a.test"},
        {{.name = "a.test"}, "a.test", VERIFY "certificate relies on legacy Common Name field, use SANs instead"},
        {{.alternatives = "DNS:a.test", .usage = "clientAuth"},
         "a.test",
         VERIFY "certificate specifies an incompatible key usage"},
        {{.alternatives = "DNS:a.test"}, "", "tls: invalid server name \"\""},
    };
    for (size_t i = 0; i < KD_COUNT(cases); i++) {
        recipe r = cases[i].certificate;
        r.name = r.name ? r.name : "name";
        made m = make_certificate(&r, &authority);
        expect(trusting(), &m, cases[i].name, TLS1_2_VERSION, i % 2 ? TLS1_3_VERSION : TLS1_2_VERSION, cases[i].error);
        made_fini(&m);
    }
}

static void test_authorities(void **state)
{
    static const char unknown[] = VERIFY "certificate signed by unknown authority";
    kd_tls_options insecure = {.configured = true, .insecure = true},
                   none = {.configured = true, .no_system_roots = true};
    recipe plain = {.name = "x", .alternatives = "DNS:a.test"};
    made foreign = make_certificate(&plain, &other_authority), self = make_certificate(&plain, NULL);
    expect(trusting(), &foreign, "a.test", TLS1_2_VERSION, TLS1_3_VERSION, unknown);
    expect(trusting(), &self, "a.test", TLS1_2_VERSION, TLS1_3_VERSION, unknown);
    expect(none, &foreign, "a.test", TLS1_3_VERSION, TLS1_3_VERSION, unknown);
    expect(insecure, &foreign, "whatever", TLS1_3_VERSION, TLS1_3_VERSION, NULL);
    expect(insecure, &self, "127.0.0.1", TLS1_3_VERSION, TLS1_3_VERSION, NULL);
    /* The name is looked at before the chain. */
    expect(trusting(), &foreign, "b.test", TLS1_2_VERSION, TLS1_3_VERSION,
           VERIFY "certificate is valid for a.test, not b.test");
    /* A certificate in the pool is trusted by itself. */
    char path[128];
    write_pem("leaf.pem", &foreign, false, NULL);
    kd_str leaf = test_path(path, "leaf.pem");
    expect((kd_tls_options){.configured = true, .no_system_roots = true, .roots = &leaf, .n_roots = 1}, &foreign,
           "a.test", TLS1_3_VERSION, TLS1_3_VERSION, NULL);
    made_fini(&foreign);
    made_fini(&self);
}

static void test_dates(void **state)
{
    static const recipe cases[] = {
        {.name = "x", .alternatives = "DNS:a.test", .from = -7200, .to = -3600},
        {.name = "x", .alternatives = "DNS:a.test", .from = 3600, .to = 7200},
    };
    for (size_t i = 0; i < KD_COUNT(cases); i++) {
        server s;
        kd_stream stream;
        made m = make_certificate(&cases[i], &authority);
        server_init(&s, &m, NULL);
        server_start(&s);
        kd_tls_profile *profile = acquire(trusting());
        assert_int_equal(client_open(&stream, &s, profile, "a.test", NULL), KD_TLS_FAILED);
        kd_str error = kd_tls_error(&stream),
               head = KD_STR(VERIFY "certificate has expired or is not yet valid: current time 2");
        assert_true(kd_str_starts(error, head));
        assert_true(kd_str_ends(error, KD_STR("Z")));
        assert_int_equal(kd_str_search(error, KD_STR(" is after 2")) > 0, i == 0);
        assert_int_equal(kd_str_search(error, KD_STR(" is before 2")) > 0, i == 1);
        kd_stream_close(&stream);
        kd_tls_profile_release(profile);
        server_end(&s);
        made_fini(&m);
    }
}

/* ---- client certificates */

/* chosen NULL: the server turns the client away. */
static void expect_client(kd_tls_profile *profile, const made *wanted, bool named, int version, const char *chosen)
{
    server s;
    kd_stream stream;
    char text[16];
    server_init(&s, &backend, say_hello);
    SSL_CTX_set_max_proto_version(s.ctx, version);
    SSL_CTX_set_verify(s.ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    X509_STORE_add_cert(SSL_CTX_get_cert_store(s.ctx), wanted->x509);
    if (named)
        SSL_CTX_add_client_CA(s.ctx, wanted->x509);
    server_start(&s);
    kd_tls_progress progress = client_open(&stream, &s, profile, "backend.test", NULL);
    if (chosen) {
        assert_int_equal(progress, KD_TLS_READY);
        assert_int_equal(client_read(&stream, text, sizeof text), 5);
    } else if (version == TLS1_3_VERSION) {
        /* The client has finished before the server can refuse. */
        assert_int_equal(progress, KD_TLS_READY);
        assert_int_equal(client_read(&stream, text, sizeof text), KD_STREAM_ERROR);
        assert_error(&stream, "remote error: tls: certificate required");
        assert_int_equal(client_read(&stream, text, sizeof text), KD_STREAM_ERROR);
        assert_int_equal(kd_stream_writev(&stream, &(struct iovec){text, 1}, 1), KD_STREAM_ERROR);
    } else {
        assert_int_equal(progress, KD_TLS_FAILED);
        assert_error(&stream, "remote error: tls: handshake failure");
    }
    kd_stream_close(&stream);
    server_end(&s);
    assert_string_equal(s.client, chosen ? chosen : "");
}

static void test_client_certificates(void **state)
{
    made one = make_certificate(&(recipe){.name = "one", .usage = "clientAuth"}, &authority);
    made two = make_certificate(&(recipe){.name = "two", .usage = "clientAuth"}, &other_authority);
    made third = make_certificate(&(recipe){.name = "Third", .authority = true}, NULL);
    char paths[4][128];
    write_pem("one.pem", &one, false, NULL);
    write_pem("one.key", &one, true, NULL);
    write_pem("two.pem", &two, false, NULL);
    write_pem("two.key", &two, true, NULL);
    const kd_tls_files files[] = {{test_path(paths[0], "one.pem"), test_path(paths[1], "one.key")},
                                  {test_path(paths[2], "two.pem"), test_path(paths[3], "two.key")}};
    kd_tls_options options = trusting();
    kd_tls_profile *without = acquire(options);
    options.certificates = files;
    options.n_certificates = 2;
    kd_tls_profile *with = acquire(options);
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    for (size_t i = 0; i < KD_COUNT(versions); i++) {
        expect_client(with, &authority, true, versions[i], "one");
        expect_client(with, &other_authority, true, versions[i], "two");
        expect_client(with, &authority, false, versions[i], "one");
        expect_client(with, &third, true, versions[i], NULL);
        expect_client(without, &authority, true, versions[i], NULL);
    }
    kd_tls_profile_release(with);
    kd_tls_profile_release(without);
    made_fini(&one);
    made_fini(&two);
    made_fini(&third);
}

/* ---- sessions */

static bool visit(const server *s, kd_tls_profile *profile, kd_tls_resume *resume)
{
    kd_stream stream;
    char text[16];
    assert_int_equal(client_open(&stream, s, profile, "backend.test", resume), KD_TLS_READY);
    bool resumed = kd_tls_client_resumed(&stream);
    assert_int_equal(client_read(&stream, text, sizeof text), 5); /* the tickets came before */
    kd_stream_close(&stream);
    return resumed;
}

static void greet_and_linger(SSL *ssl, int fd)
{
    SSL_write(ssl, "hello", 5);
    linger(ssl, fd);
}

static void test_sessions(void **state)
{
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    for (size_t i = 0; i < KD_COUNT(versions); i++) {
        server s;
        kd_tls_resume resume = {0}, never = {0};
        kd_tls_options options = trusting();
        kd_tls_profile *profile = acquire(options);
        options.min_version = KD_STR("TLS11");
        kd_tls_profile *other = acquire(options);
        server_init(&s, &backend, greet_and_linger);
        SSL_CTX_set_max_proto_version(s.ctx, versions[i]);
        s.connections = 8;
        server_start(&s);
        assert_false(visit(&s, profile, &resume));
        assert_non_null(resume.session);
        kd_ns verified = resume.verified;
        assert_true(visit(&s, profile, &resume));
        assert_true(visit(&s, profile, &resume));
        assert_int_equal(resume.verified, verified); /* tickets do not make it younger */
        assert_false(visit(&s, profile, &never));
        kd_tls_resume_clear(&never);
        assert_null(never.session);
        assert_false(visit(&s, other, &resume)); /* another profile verifies anew */
        assert_true(visit(&s, other, &resume));
        resume.verified -= KD_TLS_SESSION_AGE + KD_SECOND;
        assert_false(visit(&s, other, &resume)); /* too old */
        assert_true(visit(&s, other, &resume));
        kd_tls_resume_clear(&resume);
        kd_tls_profile_release(profile);
        kd_tls_profile_release(other);
        server_end(&s);
        assert_int_equal(s.resumed, 4);
    }
}

/* ---- ends */

static void send_and_vanish(SSL *ssl, int fd)
{
    SSL_write(ssl, "hello", 5);
}

/* Writes a record into memory and sends all of it but the last byte. */
static void cut_record(SSL *ssl, int fd)
{
    BIO *memory = BIO_new(BIO_s_mem());
    char *data;
    SSL_write(ssl, "hello", 5);
    SSL_set0_wbio(ssl, memory);
    SSL_write(ssl, "truncated", 9);
    long n = BIO_get_mem_data(memory, &data);
    if (send(fd, data, (size_t)n - 1, MSG_NOSIGNAL) < 0)
        perror("send");
}

static void cut_head(SSL *ssl, int fd)
{
    SSL_write(ssl, "hello", 5);
    if (send(fd, "\x17\x03\x03\x00\x20", 5, MSG_NOSIGNAL) < 0)
        perror("send");
}

static void send_garbage(SSL *ssl, int fd)
{
    SSL_write(ssl, "hello", 5);
    if (send(fd,
             "\x17\x03\x03\x00\x20"
             "0123456789012345678901234567890123456789",
             37, MSG_NOSIGNAL) < 0)
        perror("send");
    linger(ssl, fd);
}

static void test_ends(void **state)
{
    static const struct {
        void (*talk)(SSL *ssl, int fd);
        const char *error; /* NULL: a clean end */
    } cases[] = {{say_hello, NULL},
                 {send_and_vanish, NULL}, /* without close_notify, but between two records: as Go */
                 {cut_record, "unexpected EOF"},
                 {cut_head, "unexpected EOF"},
                 {send_garbage, "local error: tls: bad record MAC"}};
    kd_tls_profile *profile = acquire(trusting());
    for (size_t i = 0; i < KD_COUNT(cases) * 2; i++) {
        server s;
        kd_stream stream;
        char text[16];
        server_init(&s, &backend, cases[i / 2].talk);
        SSL_CTX_set_max_proto_version(s.ctx, i % 2 ? TLS1_3_VERSION : TLS1_2_VERSION);
        server_start(&s);
        assert_int_equal(client_open(&stream, &s, profile, "backend.test", NULL), KD_TLS_READY);
        assert_int_equal(client_read(&stream, text, sizeof text), 5);
        ssize_t end = client_read(&stream, text, sizeof text);
        assert_error(&stream, cases[i / 2].error ? cases[i / 2].error : "");
        assert_int_equal(end, cases[i / 2].error ? KD_STREAM_ERROR : 0);
        assert_int_equal(client_read(&stream, text, sizeof text), end);
        kd_stream_close(&stream);
        server_end(&s);
    }
    kd_tls_profile_release(profile);
}

/* The server sees our goodbye. */
static bool saw_goodbye;

static void await_goodbye(SSL *ssl, int fd)
{
    char byte;
    int r = SSL_read(ssl, &byte, 1);
    saw_goodbye = SSL_get_error(ssl, r) == SSL_ERROR_ZERO_RETURN;
}

static void test_goodbye(void **state)
{
    server s;
    kd_stream stream;
    kd_tls_profile *profile = acquire(trusting());
    server_init(&s, &backend, await_goodbye);
    server_start(&s);
    assert_int_equal(client_open(&stream, &s, profile, "backend.test", NULL), KD_TLS_READY);
    kd_tls_profile_release(profile); /* the stream keeps what it needs */
    kd_stream_close(&stream);
    assert_false(kd_stream_is_open(&stream));
    server_end(&s);
    assert_true(saw_goodbye);
}

/* ---- peers that speak something else */

static kd_str said;

static void say(SSL *ssl, int fd)
{
    char bytes[4096];
    if (said.n && send(fd, said.p, said.n, MSG_NOSIGNAL) < 0)
        perror("send");
    shutdown(fd, SHUT_WR);
    while (read(fd, bytes, sizeof bytes) > 0)
        ;
}

/* Waits for a byte, then resets the connection when serve_one closes it. */
static void greet_and_reset(SSL *ssl, int fd)
{
    struct linger reset = {.l_onoff = 1, .l_linger = 0};
    char byte;
    SSL_write(ssl, "hello", 5);
    SSL_read(ssl, &byte, 1);
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
}

/* What happens to a socket says nothing against its session. */
static void test_reset_and_resumed(void **state)
{
    server s;
    char text[16];
    kd_tls_resume resume = {0};
    kd_tls_profile *profile = acquire(trusting());
    server_init(&s, &backend, greet_and_reset);
    s.connections = 3;
    server_start(&s);
    for (unsigned i = 0; i < s.connections; i++) {
        kd_stream stream;
        assert_int_equal(client_open(&stream, &s, profile, "backend.test", &resume), KD_TLS_READY);
        assert_int_equal(client_read(&stream, text, sizeof text), 5);
        client_write(&stream, "x", 1);
        assert_int_equal(client_read(&stream, text, sizeof text), KD_STREAM_ERROR);
        assert_int_equal(stream.error, ECONNRESET);
        kd_stream_close(&stream);
    }
    server_end(&s);
    assert_int_equal(s.resumed, 2);
    kd_tls_resume_clear(&resume);
    kd_tls_profile_release(profile);
}

static void test_strangers(void **state)
{
    static const struct {
        kd_str said;
        const char *error;
    } cases[] = {
        {KD_STR_INIT("HTTP/1.1 400 Bad Request\r\n\r\n"), "http: server gave HTTP response to HTTPS client"},
        {KD_STR_INIT("SSH-2.0-OpenSSH_9.2\r\n"), "tls: first record does not look like a TLS handshake"},
        {KD_STR_INIT("\x15\x03\x01\x00\x02\x02\x50"), "remote error: tls: internal error"},
        {KD_STR_INIT("\x15\x03\x01\x00\x02\x02\x28"), "remote error: tls: handshake failure"},
        {KD_STR_INIT("\x15\x03\x01\x00\x02\x02\x70"), "remote error: tls: unrecognized name"},
        {KD_STR_INIT("\x15\x03\x01\x00\x02\x02\xc8"), "remote error: tls: alert(200)"},
        {KD_STR_INIT("\x16\x03"), "EOF"},
        {KD_STR_INIT(""), "EOF"},
    };
    kd_tls_profile *profile = acquire(trusting());
    for (size_t i = 0; i < KD_COUNT(cases); i++) {
        server s;
        kd_stream stream;
        said = cases[i].said;
        server_init(&s, NULL, say);
        server_start(&s);
        assert_int_equal(client_open(&stream, &s, profile, "backend.test", NULL), KD_TLS_FAILED);
        assert_error(&stream, cases[i].error);
        kd_stream_close(&stream);
        server_end(&s);
    }
    kd_tls_profile_release(profile);
}

/* A plain stream has no words of TLS. */
static void test_plain(void **state)
{
    kd_stream stream = {.io.fd = -1};
    assert_int_equal(kd_tls_error(&stream).n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_versions),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_authorities),
        cmocka_unit_test(test_dates),
        cmocka_unit_test(test_client_certificates),
        cmocka_unit_test(test_sessions),
        cmocka_unit_test(test_ends),
        cmocka_unit_test(test_goodbye),
        cmocka_unit_test(test_reset_and_resumed),
        cmocka_unit_test(test_strangers),
        cmocka_unit_test(test_plain),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
