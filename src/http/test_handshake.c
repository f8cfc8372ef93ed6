/* Who gets a place for a handshake, and when: bounds, turns by address, shares, memory that is not there, the end. */
#include "http/handshake.h"

#include "net/test_tls.h"
#include "net/tls_server.h"

#define MAX_CLIENTS 32

/* A client's end, which takes its handshake on only when the test says so. */
typedef struct guest {
    SSL *ssl;
    int fd;
} guest;

static kd_workers workers;
static kd_worker *worker; /* its thread does not run: the loop is turned by hand */
static made certificate;
static kd_tls_server *tls;
static SSL_CTX *ctx;
static kd_handshakes h;
static kd_server_settings settings;
static guest guests[MAX_CLIENTS];
static unsigned n_guests, n_done;
static char done_order[64]; /* the last number of each address, in order */

static int setup(void **state)
{
    static char paths[2][128];
    strcpy(test_folder, "/tmp/kd-handshake-XXXXXX");
    if (!mkdtemp(test_folder))
        return -1;
    certificate = make_certificate(&(recipe){.name = "a", .alternatives = "DNS:a.test"}, NULL);
    write_pem("a.pem", &certificate, false, NULL);
    write_pem("a.key", &certificate, true, NULL);
    const kd_tls_files files = {test_path(paths[0], "a.pem"), test_path(paths[1], "a.key")};
    tls = kd_tls_server_create(&(kd_tls_server_options){.pairs = &files, .n_pairs = 1});
    ctx = SSL_CTX_new(TLS_client_method());
    /* A curve that the server has: the hello is not asked for once more. */
    return tls && ctx && SSL_CTX_set1_groups_list(ctx, "P-256") ? 0 : -1;
}

static int teardown(void **state)
{
    char command[128];
    kd_tls_server_destroy(tls);
    SSL_CTX_free(ctx);
    made_fini(&certificate);
    snprintf(command, sizeof command, "rm -rf %s", test_folder);
    return system(command);
}

static void on_done(void *context, kd_stream *stream, const kd_address *peer)
{
    (void)context;
    done_order[n_done++] = (char)('0' + (ntohl(peer->v4.sin_addr.s_addr) & 0xff));
    kd_stream_close(stream);
}

static void begin(uint32_t most, uint32_t of_peer)
{
    signal(SIGPIPE, SIG_IGN); /* the clients', who go away in the middle */
    assert_true(kd_workers_create(&workers, 1));
    worker = workers.v[0];
    settings = (kd_server_settings){.tls = tls, .max_handshakes = most, .max_handshakes_per_peer = of_peer};
    kd_handshakes_init(&h, worker, &settings, on_done, NULL);
    n_guests = n_done = 0;
    memset(done_order, 0, sizeof done_order);
}

static void finish(void)
{
    kd_handshakes_fini(&h);
    for (unsigned i = 0; i < n_guests; i++) {
        SSL_free(guests[i].ssl);
        close(guests[i].fd);
    }
    ERR_clear_error();
    assert_int_equal(worker->n_connections, 0);
    assert_int_equal(worker->loop.timers.armed, 0);
    assert_int_equal(kd_ledger_used(KD_ACCOUNT_CONNECTIONS), 0);
    kd_workers_destroy(&workers);
}

static void turns(void)
{
    for (int i = 0; i < 20; i++)
        kd_loop_turn(&worker->loop, 0);
}

/* A connection from 10.0.0.<number>; `hello`: it has sent that. */
static guest *come(unsigned number, bool hello)
{
    int fds[2];
    guest *g = &guests[n_guests++];
    kd_address address = {.v4 = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x0a000000u + number)}};
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
    *g = (guest){SSL_new(ctx), fds[1]};
    SSL_set_fd(g->ssl, fds[1]);
    if (hello)
        assert_int_equal(SSL_connect(g->ssl), -1);
    kd_handshakes_accept(&h, fds[0], &address);
    turns();
    return g;
}

/* The client reads what there is for it, and goes on. */
static bool go_on(guest *g)
{
    int r = SSL_connect(g->ssl);
    ERR_clear_error();
    turns();
    return r == 1;
}

static void assert_counts(uint32_t n, uint32_t waiting, uint32_t active)
{
    assert_int_equal(h.n, n);
    assert_int_equal(h.n_waiting, waiting);
    assert_int_equal(h.n_active, active);
    assert_int_equal(worker->n_connections, n);
}

static void test_places(void **state)
{
    begin(2, 0);
    come(1, false);
    assert_counts(1, 0, 0); /* nothing sent, nothing spent */
    guest *a = come(1, true), *b = come(1, true), *c = come(1, true);
    assert_counts(4, 1, 2);
    assert_true(go_on(a));
    assert_counts(3, 0, 2);
    assert_true(go_on(c));
    assert_true(go_on(b));
    assert_counts(1, 0, 0);
    assert_int_equal(h.completed, 3);
    finish();
}

static void test_turns(void **state)
{
    begin(1, 0);
    guest *many[6];
    for (int i = 0; i < 6; i++)
        many[i] = come(1, true);
    guest *two = come(2, true), *three = come(3, true);
    assert_counts(8, 7, 1);
    /* Each takes its handshake on in the order in which it is answered. */
    for (int round = 0; round < 8; round++) {
        go_on(two);
        go_on(three);
        for (int i = 0; i < 6; i++)
            go_on(many[i]);
    }
    assert_int_equal(n_done, 8);
    assert_memory_equal(done_order, "1", 1);
    /* Whoever has thousands waiting keeps nobody else from the next turn but one. */
    assert_true(memchr(done_order, '2', 4) != NULL);
    assert_true(memchr(done_order, '3', 4) != NULL);
    finish();
}

static void test_shares(void **state)
{
    begin(4, 2);
    guest *a = come(1, true);
    come(1, true);
    come(1, true);
    assert_counts(3, 1, 2); /* two places are free, but not for this address */
    come(2, true);
    assert_counts(4, 1, 3);
    assert_true(go_on(a));
    assert_counts(3, 0, 3);
    finish();
}

/* An address that has all its places, and then more that wait: somebody must look after them, although no event comes.
 */
static void test_share_is_full(void **state)
{
    begin(2, 2);
    come(1, true);
    come(1, true);
    assert_counts(2, 0, 2);
    while (kd_timer_armed(&h.retry))
        kd_loop_turn(&worker->loop, -1);
    come(1, true);
    assert_counts(3, 1, 2);
    assert_true(kd_timer_armed(&h.retry));
    finish();
}

static void test_memory(void **state)
{
    begin(0, 0);
    size_t before = kd_ledger_ceiling();
    kd_ledger_set_ceiling(kd_ledger_total() + 16 * 1024);
    guest *a = come(1, true);
    assert_counts(1, 1, 0);
    kd_ledger_set_ceiling(before);
    while (h.n_waiting)
        kd_loop_turn(&worker->loop, -1); /* the retry's timer */
    assert_counts(1, 0, 1);
    assert_true(go_on(a));
    assert_counts(0, 0, 0);
    finish();
}

static void test_ends(void **state)
{
    begin(1, 0);
    come(1, false);
    come(1, true);
    come(2, true);
    assert_counts(3, 1, 1);
    kd_handshakes_drain(&h); /* who has said nothing goes */
    assert_counts(2, 1, 1);
    settings.tls = NULL; /* a reload has taken TLS away */
    come(3, true);
    assert_int_equal(h.n_waiting, 0);
    assert_int_equal(h.n_active, 1);
    settings.tls = tls;
    finish(); /* and the rest in the middle */
}

static void test_strangers(void **state)
{
    static const kd_str said[] = {KD_STR_INIT("GET / HTTP/1.1\r\n\r\n"), KD_STR_INIT("SSH-2.0-x\r\n"),
                                  KD_STR_INIT("\x80\x2e\x01\x03\x01"), KD_STR_INIT("\x16\x03\x01\xff\xff"),
                                  KD_STR_INIT("\x16\x20\x01\x00\x01x")};
    begin(4, 0);
    for (size_t i = 0; i < KD_COUNT(said); i++) {
        char text[256];
        guest *g = come(1, false);
        assert_int_equal(write(g->fd, said[i].p, said[i].n), said[i].n);
        turns();
        ssize_t n = read(g->fd, text, sizeof text - 1);
        text[n > 0 ? n : 0] = 0;
        assert_string_equal(
            text, i ? "" : "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n");
        shutdown(g->fd, SHUT_WR);
        turns();
        assert_counts(0, 0, 0);
    }
    assert_int_equal(h.failed, KD_COUNT(said));
    finish();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_places),        cmocka_unit_test(test_turns),  cmocka_unit_test(test_shares),
        cmocka_unit_test(test_share_is_full), cmocka_unit_test(test_memory), cmocka_unit_test(test_ends),
        cmocka_unit_test(test_strangers),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
