/* Bytes through TLS: bodies both ways through tiny socket buffers, changes of keys, refused renegotiation, readiness,
 * and what a connection costs. */
#include "net/test_tls.h"

#define BODY (3u * 1024 * 1024 + 17)

static made authority, backend;
static char authority_path[128];
static kd_str authority_file;
static kd_tls_profile *profile;

static int setup(void **state)
{
    strcpy(test_folder, "/tmp/kd-tls-XXXXXX");
    if (!mkdtemp(test_folder) || !kd_loop_init(&test_loop))
        return -1;
    authority = make_certificate(&(recipe){.name = "Authority", .authority = true}, NULL);
    backend = make_certificate(&(recipe){.name = "x", .alternatives = "DNS:backend.test"}, &authority);
    write_pem("ca.pem", &authority, false, NULL);
    authority_file = test_path(authority_path, "ca.pem");
    profile = kd_tls_profile_acquire(&(kd_tls_options){.configured = true,
                                                       .no_system_roots = true,
                                                       .roots = &authority_file,
                                                       .n_roots = 1,
                                                       .min_version = KD_STR("TLS12")});
    return profile ? 0 : -1;
}

static int teardown(void **state)
{
    char command[128];
    kd_tls_profile_release(profile);
    made_fini(&authority);
    made_fini(&backend);
    kd_loop_fini(&test_loop);
    snprintf(command, sizeof command, "rm -rf %s", test_folder);
    return system(command);
}

static char pattern(size_t at)
{
    return (char)(at * 2654435761u >> 13);
}

/* ---- bodies */

static bool with_key_updates;

/* Reads the whole body, then sends it back, changing keys on the way. */
static void echo(SSL *ssl, int fd)
{
    char *body = malloc(BODY);
    size_t n = 0, turns = 0;
    int r;
    while (body && n < BODY && (r = SSL_read(ssl, body + n, (int)(BODY - n))) > 0)
        n += (size_t)r;
    for (size_t at = 0; at < n; at += (size_t)r, turns++) {
        if (with_key_updates && turns % 7 == 3)
            SSL_key_update(ssl, SSL_KEY_UPDATE_REQUESTED);
        size_t part = 1 + turns * 977 % 20000;
        r = SSL_write(ssl, body + at, (int)(part < n - at ? part : n - at));
        if (r <= 0)
            break;
    }
    SSL_shutdown(ssl);
    /* Closing with unread answers to the changes of keys would reset the connection. */
    shutdown(fd, SHUT_WR);
    while (body && read(fd, body, BODY) > 0)
        ;
    free(body);
}

/* A small room for what is sent makes every record wait in pieces. (One for what is received would make TCP itself
 * slow.) */
static void shrink(int fd)
{
    int size = 4096;
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
}

/* Writes in pieces whose borders move with every try, as a queue's do. */
static void write_body(kd_stream *stream, const char *body)
{
    size_t at = 0, turn = 0;
    while (at < BODY) {
        struct iovec v[8];
        size_t from = at;
        int count = 1 + (int)(turn++ % 8);
        for (int i = 0; i < count; i++) {
            size_t part = 1 + (turn * 7919 + (size_t)i * 104729) % (turn % 5 == 0 ? 60000 : 900);
            part = part < BODY - from ? part : BODY - from;
            v[i] = (struct iovec){(char *)body + from, part};
            from += part;
        }
        ssize_t put = kd_stream_writev(stream, v, count);
        assert_int_not_equal(put, KD_STREAM_ERROR);
        assert_true(put <= (ssize_t)(from - at));
        if (put > 0)
            at += (size_t)put;
        else if (!kd_stream_writable(stream))
            kd_loop_turn(&test_loop, -1);
    }
}

static void carry(int version, bool key_updates)
{
    server s;
    kd_stream stream;
    char *body = malloc(BODY), part[5000];
    assert_non_null(body);
    for (size_t i = 0; i < BODY; i++)
        body[i] = pattern(i);
    with_key_updates = key_updates;
    server_init(&s, &backend, echo);
    shrink(s.listener);
    SSL_CTX_set_max_proto_version(s.ctx, version);
    server_start(&s);
    assert_int_equal(client_open(&stream, &s, profile, "backend.test", NULL), KD_TLS_READY);
    shrink(stream.io.fd);
    write_body(&stream, body);
    size_t n = 0;
    ssize_t got;
    while ((got = client_read(&stream, part, 1 + n % sizeof part)) > 0) {
        assert_true(n + (size_t)got <= BODY);
        assert_memory_equal(part, body + n, (size_t)got);
        n += (size_t)got;
    }
    assert_int_equal(got, 0);
    assert_int_equal(n, BODY);
    kd_stream_close(&stream);
    server_end(&s);
    free(body);
}

static void test_bodies(void **state)
{
    carry(TLS1_2_VERSION, false);
    carry(TLS1_3_VERSION, false);
}

static void test_key_updates(void **state)
{
    carry(TLS1_3_VERSION, true);
}

/* ---- one record, one write */

static int first_read;

static void read_once(SSL *ssl, int fd)
{
    char text[256];
    first_read = SSL_read(ssl, text, sizeof text);
    while (SSL_read(ssl, text, sizeof text) > 0)
        ;
}

static void test_join(void **state)
{
    server s;
    kd_stream stream;
    server_init(&s, &backend, read_once);
    server_start(&s);
    assert_int_equal(client_open(&stream, &s, profile, "backend.test", NULL), KD_TLS_READY);
    struct iovec v[4] = {{"head", 4}, {"", 0}, {"body", 4}, {"", 0}};
    assert_int_equal(kd_stream_writev(&stream, v, 4), 8);
    assert_int_equal(kd_stream_writev(&stream, v + 1, 1), 0);
    kd_stream_close(&stream);
    server_end(&s);
    assert_int_equal(first_read, 8);
}

/* ---- readiness */

static void send_records(SSL *ssl, int fd)
{
    char byte;
    SSL_write(ssl, "0123456789", 10);
    SSL_write(ssl, "abcdefghij", 10);
    SSL_shutdown(ssl);
    SSL_read(ssl, &byte, 1);
}

/* Who stops reading in the middle is told so by the readable bit, though no edge will come. */
static void test_readiness(void **state)
{
    server s;
    kd_stream stream;
    char text[64];
    server_init(&s, &backend, send_records);
    server_start(&s);
    assert_int_equal(client_open(&stream, &s, profile, "backend.test", NULL), KD_TLS_READY);
    size_t n = 0;
    for (;;) {
        ssize_t got = kd_stream_read(&stream, text, 3);
        if (got == 0)
            break;
        if (got == KD_STREAM_AGAIN) {
            assert_false(kd_stream_readable(&stream));
            kd_loop_turn(&test_loop, -1);
            continue;
        }
        assert_true(got > 0);
        n += (size_t)got;
        if (n % 10) {
            assert_true(kd_stream_readable(&stream));
            assert_true(stream.filter->pending(&stream));
        }
    }
    assert_int_equal(n, 20);
    kd_stream_close(&stream);
    server_end(&s);
}

/* ---- renegotiation */

static int renegotiated;

static void renegotiate(SSL *ssl, int fd)
{
    char byte;
    SSL_renegotiate(ssl);
    renegotiated = SSL_do_handshake(ssl) == 1 && SSL_read(ssl, &byte, 1) == 1 && SSL_num_renegotiations(ssl) > 0;
}

static void test_renegotiation(void **state)
{
    server s;
    kd_stream stream;
    char text[8];
    server_init(&s, &backend, renegotiate);
    SSL_CTX_set_max_proto_version(s.ctx, TLS1_2_VERSION);
    server_start(&s);
    long before = SSL_CTX_sess_accept_renegotiate(s.ctx);
    assert_int_equal(client_open(&stream, &s, profile, "backend.test", NULL), KD_TLS_READY);
    assert_true(client_read(&stream, text, sizeof text) <= 0); /* the server gives up */
    kd_stream_close(&stream);
    server_end(&s);
    assert_false(renegotiated);
    assert_int_equal(before, 0);
}

/* ---- memory */

static void test_ledger(void **state)
{
    server s;
    kd_stream stream;
    size_t idle = kd_ledger_used(KD_ACCOUNT_TLS), total = kd_ledger_total();
    assert_true(idle > 0); /* OpenSSL's own tables and the profile's certificates */
    server_init(&s, &backend, read_once);
    server_start(&s);
    assert_true(kd_stream_connect(&stream, &test_loop, (struct sockaddr *)&s.at, sizeof s.at, test_on_ready));
    while (!kd_stream_writable(&stream))
        kd_loop_turn(&test_loop, -1);
    /* No room for a handshake: refused, and nothing is left behind. */
    kd_ledger_set_ceiling(total + KD_TLS_HANDSHAKE_BYTES / 2);
    assert_false(kd_tls_client_start(&stream, profile, KD_STR("backend.test"), NULL));
    assert_null(stream.filter);
    assert_int_equal(kd_ledger_total(), total);
    kd_ledger_set_ceiling(0);
    assert_true(kd_tls_client_start(&stream, profile, KD_STR("backend.test"), NULL));
    assert_true(kd_ledger_used(KD_ACCOUNT_TLS) >= idle + KD_TLS_HANDSHAKE_BYTES);
    kd_tls_progress progress;
    while ((progress = kd_tls_client_handshake(&stream)) == KD_TLS_WAIT)
        kd_loop_turn(&test_loop, -1);
    assert_int_equal(progress, KD_TLS_READY);
    kd_stream_close(&stream);
    server_end(&s);
    /* To a slab for each thread. */
    size_t after = kd_ledger_used(KD_ACCOUNT_TLS);
    assert_true(after < idle + 96 * 1024 && after + 96 * 1024 > idle);
}

/* A stream that is closed in the middle of a handshake gives everything back (the sanitizers look). */
static void test_early_close(void **state)
{
    server s;
    kd_stream stream;
    server_init(&s, &backend, NULL);
    server_start(&s);
    assert_true(kd_stream_connect(&stream, &test_loop, (struct sockaddr *)&s.at, sizeof s.at, test_on_ready));
    while (!kd_stream_writable(&stream))
        kd_loop_turn(&test_loop, -1);
    assert_true(kd_tls_client_start(&stream, profile, KD_STR("backend.test"), NULL));
    assert_int_equal(kd_tls_client_handshake(&stream), KD_TLS_WAIT);
    kd_stream_reset(&stream);
    server_end(&s);
    assert_int_equal(s.shaken, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bodies),      cmocka_unit_test(test_key_updates),   cmocka_unit_test(test_join),
        cmocka_unit_test(test_readiness),   cmocka_unit_test(test_renegotiation), cmocka_unit_test(test_ledger),
        cmocka_unit_test(test_early_close),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
