/* Tunnels: both directions of a connection in the hands of an owner. */
#include "http/test_server1.h"

#define ASK "GET /tunnel HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n"

static const char *behind_head(far *f)
{
    const char *end = strstr(far_text(f), "\r\n\r\n");
    assert_non_null(end);
    return end + 4;
}

static void settle_until(const unsigned *count)
{
    for (unsigned turns = 0; !*count && turns < QUIET_TURNS_MAX; turns++)
        settle();
}

static void test_echo(void **state)
{
    /* What the client sends, in how many steps; all of it comes back, also what came with the head. */
    static const struct {
        const char *label, *text;
        size_t step;
    } cases[] = {
        {"with the head", ASK "hello", 1000},
        {"byte by byte", ASK "hello", 1},
        {"looks like a request", ASK "GET / HTTP/1.1\r\n\r\n", 7},
    };
    for (size_t i = 0; i < KD_COUNT(cases); i++) {
        server_up();
        far *f = connect_one(false);
        say(f, cases[i].text, strlen(cases[i].text), cases[i].step);
        assert_int_equal(strncmp(far_text(f), "HTTP/1.1 101 Switching Protocols\r\n", 34), 0);
        assert_non_null(strstr(far_text(f), "\r\nUpgrade: echo\r\n"));
        assert_non_null(strstr(far_text(f), "\r\nConnection: Upgrade\r\n"));
        assert_null(strstr(far_text(f), "Content-Length"));
        assert_string_equal(behind_head(f), cases[i].text + strlen(ASK));
        assert_int_equal(dones + gones, 0);
        server_down(cases[i].label);
        assert_int_equal(gones + dones, 1);
    }
}

static void test_half_close(void **state)
{
    server_up();
    far *f = connect_one(false);
    say_text(f, ASK "bytes");
    shutdown(f->fd, SHUT_WR);
    settle();
    assert_string_equal(behind_head(f), "bytes");
    assert_true(f->ended && !f->reset);
    assert_int_equal(dones, 1);
    assert_int_equal(releases, 1);
    server_down("half close");
}

/* A client that does not read holds the tunnel back; once it reads, nothing is missing. */
static void test_back_pressure(void **state)
{
    server_up();
    far *f = connect_one(false);
    say_text(f, ASK);
    f->deaf = true;
    size_t sent = 0;
    static char piece[65536];
    for (unsigned stuck = 0; stuck < 20; settle()) {
        for (size_t i = 0; i < sizeof piece; i++)
            piece[i] = (char)((sent + i) % 251);
        size_t put = far_write(f, piece, sizeof piece);
        sent += put;
        stuck = put ? 0 : stuck + 1;
    }
    assert_true(pauses > 0);
    assert_true(worker->chunks.in_use < 512 * 1024);
    f->deaf = false;
    settle();
    shutdown(f->fd, SHUT_WR);
    settle();
    const char *echo = behind_head(f);
    assert_int_equal(f->in.n - (size_t)(echo - f->in.p), sent);
    for (size_t i = 0; i < sent; i++)
        if (echo[i] != (char)(i % 251))
            fail_msg("byte %zu of %zu", i, sent);
    assert_int_equal(dones, 1);
    server_down("back pressure");
}

static void test_not_with_this_client(void **state)
{
    static const char *const asked[] = {
        "GET /tunnel HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
        "POST /tunnel HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc",
        "POST /tunnel HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    };
    for (size_t i = 0; i < KD_COUNT(asked); i++) {
        server_up();
        far *f = connect_one(false);
        say_text(f, asked[i]);
        assert_non_null(strstr(far_text(f), " 400 "));
        server_down(asked[i]);
    }
}

static void test_client_leaves(void **state)
{
    server_up();
    far *f = connect_one(true);
    say_text(f, ASK "x");
    settle_until(&served); /* a network is not as quick as a local stream */
    struct linger reset = {.l_onoff = 1};
    setsockopt(f->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    far_close(f);
    settle_until(&gones);
    assert_int_equal(gones, 1);
    server_down("reset");
}

static void test_abort(void **state)
{
    server_up();
    far *f = connect_one(true);
    say_text(f, ASK "x");
    settle_until(&served); /* a network is not as quick as a local stream */
    kd_front *front = owners->front;
    front->ops->abort(front);
    for (unsigned turns = 0; !f->ended && turns < QUIET_TURNS_MAX; turns++)
        settle();
    assert_true(f->ended && f->reset);
    assert_int_equal(dones, 1);
    server_down("abort");
}

/* A tunnel has no end of its own: without a word from its owner the drain cuts it. */
static void test_drain(void **state)
{
    server_up();
    far *f = connect_one(false), *idle = connect_one(false);
    say_text(f, ASK "x");
    kd_server1_drain(&server);
    settle();
    assert_true(f->ended && idle->ended);
    assert_int_equal(gones, 1);
    server_down("drain");
}

static void test_no_timeouts(void **state)
{
    server_up();
    server.settings.write_timeout = server.settings.read_timeout = server.settings.idle_timeout = KD_SECOND;
    far *f = connect_one(false);
    say_text(f, ASK "x");
    assert_int_equal(worker->loop.timers.armed, 0);
    assert_string_equal(behind_head(f), "x");
    server_down("timeouts");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_echo),          cmocka_unit_test(test_half_close),
        cmocka_unit_test(test_back_pressure), cmocka_unit_test(test_not_with_this_client),
        cmocka_unit_test(test_client_leaves), cmocka_unit_test(test_abort),
        cmocka_unit_test(test_drain),         cmocka_unit_test(test_no_timeouts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
