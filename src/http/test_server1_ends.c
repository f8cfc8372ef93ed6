/* The HTTP/1 server where things end: clients that leave, never read or wait too long, answers that are cut, draining,
 * and no memory. */
#include "http/test_server1.h"

static const char post_head[] = "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n";

/* Clients that leave after each byte of each kind of request, with and without a turn in between. */
static void test_vanish(void **state)
{
    static const char *const requests[] = {
        "GET /say/hello HTTP/1.1\r\nHost: a\r\n\r\nGET /say/hello HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /later HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /keep HTTP/1.1\r\nHost: a\r\n\r\nGET /say/a HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /stream/20000 HTTP/1.1\r\nHost: a\r\n\r\n",
        "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n0123456789",
        "POST /slow-echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n3\r\nabc\r\n0\r\n\r\n",
        "POST /duplex HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n3\r\nabc\r\n0\r\n\r\n",
        "POST /hasty HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n0123456789",
        "POST /say/a HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n0123456789",
        "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 10\r\n\r\n0123456789",
        "rubbish\r\n\r\n",
    };
    for (size_t i = 0; i < KD_COUNT(requests); i++) {
        server_up();
        for (size_t n = 0; n <= strlen(requests[i]); n++)
            for (int way = 0; way < 4; way++) {
                far *f = connect_one(way & 1);
                f->deaf = way & 2;
                say(f, requests[i], n, way & 2 ? 7 : n + 1);
                far_close(f);
                if (way & 1)
                    settle();
                if (n_fars == MAX_FARS) {
                    settle();
                    for (unsigned k = 0; k < n_fars; k++)
                        far_fini(&fars[k]);
                    n_fars = 0;
                }
            }
        server_down(requests[i]);
    }
}

/* The client leaves at once: the server meets the request and the broken connection in the same turn. */
static void test_vanish_within_callback(void **state)
{
    static const char *const requests[] = {
        "POST /hasty HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n0123456789",
        "POST /hasty HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n3\r\nabc\r\n",
        "POST /duplex HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n3\r\nabc\r\n",
        "GET /stream/900000 HTTP/1.1\r\nHost: a\r\n\r\nGET /stream/900000 HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /say/a HTTP/1.1\r\nHost: a\r\n\r\nGET /say/a HTTP/1.1\r\nHost: a\r\n\r\nrubbish\r\n\r\n",
    };
    for (size_t i = 0; i < KD_COUNT(requests); i++)
        for (int tcp = 0; tcp < 2; tcp++)
            for (size_t first = 0; first < strlen(requests[i]); first += 9) {
                server_up();
                far *f = connect_one(tcp);
                far_write(f, requests[i], first);
                settle();
                far_write(f, requests[i] + first, strlen(requests[i]) - first);
                far_close(f);
                settle();
                server_down(requests[i]);
            }
}

/* A client that never reads fills the kernel's buffers, then the owner is paused: what is queued is bounded, nothing
 * more is read from it, and others are served. */
static void test_deaf(void **state)
{
    server_up();
    far *deaf = connect_one(false), *piping = connect_one(false), *other = connect_one(false);
    deaf->deaf = piping->deaf = true;
    say_text(deaf, "GET /endless HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(pauses, 1);
    size_t streamed = owners->streamed;
    assert_true(worker->chunks.in_use < 64 * 1024);
    unsigned before = served;
    static const char many[] = "GET /stream/20000 HTTP/1.1\r\nHost: a\r\n\r\n";
    for (int i = 0; i < 2000; i++)
        say(piping, many, sizeof many - 1, sizeof many);
    assert_true(served - before < 200);
    assert_true(worker->chunks.in_use < 256 * 1024);
    say_text(other, "GET /say/a HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_non_null(strstr(far_text(other), "\r\n\r\na"));
    /* It begins to read: the stream goes on, and every byte is in its place. */
    deaf->deaf = false;
    while (owners && deaf->in.n < streamed * 3)
        settle();
    assert_true(pauses > 1);
    const char *text = strstr(far_text(deaf), "\r\n\r\n") + 4;
    for (size_t at = 0, i = 0; at + 1007 < deaf->in.n - (size_t)(text - deaf->in.p); at += 1007, i += 1000) {
        assert_memory_equal(text + at, "3e8\r\n", 5);
        assert_int_equal(text[at + 5], 'a' + i % 26);
    }
    server_down("deaf");
}

static owner *pending(const char *path)
{
    for (owner *o = owners; o; o = o->next)
        if (is(o, path))
            return o;
    fail_msg("no request for %s is under way", path);
    return NULL;
}

/* What each point of an answer looks like when it is cut there: never like a whole one. */
static void test_abort(void **state)
{
    static const struct {
        const char *label, *version;
        bool begun;
        int64_t length;
        bool reset;
    } cases[] = {
        {"before the head", "1.1", false, -1, true},
        {"chunked", "1.1", true, -1, false},
        {"with a length", "1.1", true, 10, false},
        {"until the close", "1.0", true, -1, true},
    };
    for (size_t i = 0; i < KD_COUNT(cases); i++) {
        server_up();
        far *f = connect_one(true);
        kd_buf text;
        kd_buf_init(&text, 1000);
        kd_buf_printf(&text, "GET /later HTTP/%s\r\nHost: a\r\n\r\n", cases[i].version);
        say(f, text.p, text.n, text.n);
        owner *o = pending("/later");
        if (cases[i].begun) {
            kd_reply reply = {.status = 200, .length = cases[i].length};
            kd_headers_init(&reply.headers, o->front->arena);
            o->front->ops->respond(o->front, &reply, KD_STR("abc"), false);
        }
        settle();
        o->front->ops->abort(o->front);
        settle();
        assert_int_equal(dones, 1);
        assert_true(f->ended);
        if (f->reset != cases[i].reset)
            fail_msg("%s: the end is %s", cases[i].label, f->reset ? "a reset" : "an orderly one");
        assert_null(strstr(far_text(f), "0\r\n\r\n"));
        assert_true(cases[i].begun == (strstr(far_text(f), "abc") != NULL));
        kd_buf_fini(&text);
        server_down(cases[i].label);
    }
}

/* An answer that ends before its stated length is cut as well; what exceeds it is not sent. */
static void test_wrong_length(void **state)
{
    static const struct {
        int64_t length;
        const char *body;
        bool stays;
        const char *heard;
    } cases[] = {{10, "abc", false, "abc"}, {3, "abc", true, "abc"}, {2, "abc", true, "ab"}, {0, "abc", true, ""}};
    for (size_t i = 0; i < KD_COUNT(cases); i++)
        for (int whole = 0; whole < 2; whole++) {
            server_up();
            far *f = connect_one(false);
            say_text(f, "GET /later HTTP/1.1\r\nHost: a\r\n\r\n");
            owner *o = pending("/later");
            kd_reply reply = {.status = 200, .length = cases[i].length};
            kd_headers_init(&reply.headers, o->front->arena);
            kd_str body = kd_str_from_c(cases[i].body);
            o->front->ops->respond(o->front, &reply, whole ? body : KD_STR(""), whole);
            if (!whole)
                o->front->ops->write(o->front, body, true);
            settle();
            assert_string_equal(strstr(far_text(f), "\r\n\r\n") + 4, cases[i].heard);
            assert_int_equal(f->ended, !cases[i].stays);
            server_down("wrong length");
        }
}

static void until_ended(const far *f)
{
    for (unsigned turns = 0; !f->ended; turns++) {
        assert_true(turns < QUIET_TURNS_MAX);
        kd_loop_turn(&worker->loop, 1);
        settle();
    }
}

/* Time-outs of a few milliseconds: the connection is closed without a byte, whatever it waited for. */
static void test_timeouts(void **state)
{
    static const kd_ns some = 5 * KD_MS;
    static const struct {
        const char *label;
        kd_server_settings settings;
        const char *said;
        unsigned requests, gone;
    } cases[] = {
        {"nothing was said", {.read_head_timeout = some}, "", 0, 0},
        {"half a head", {.read_head_timeout = some}, "GET / HT", 0, 0},
        {"idle after a request", {.idle_timeout = some}, "GET /say/a HTTP/1.1\r\nHost: a\r\n\r\n", 1, 0},
        {"half a head after a request",
         {.idle_timeout = 3600 * KD_SECOND, .read_head_timeout = some},
         "GET /say/a HTTP/1.1\r\nHost: a\r\n\r\nGE",
         1,
         0},
        {"half a body", {.read_timeout = some}, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc", 1, 1},
        {"half a body that nobody wants",
         {.read_timeout = some},
         "POST /say/a HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc",
         1,
         0},
        {"no answer", {.write_timeout = some}, "GET /later HTTP/1.1\r\nHost: a\r\n\r\n", 1, 1},
    };
    for (size_t i = 0; i < KD_COUNT(cases); i++) {
        server_up();
        size_t max_head = server.settings.max_head;
        server.settings = cases[i].settings;
        server.settings.max_head = max_head;
        far *f = connect_one(false);
        say_text(f, cases[i].said);
        until_ended(f);
        if (served != cases[i].requests || gones != cases[i].gone)
            fail_msg("%s: %u requests, %u gone", cases[i].label, served, gones);
        if (!strstr(cases[i].said, "/say/"))
            assert_int_equal(f->in.n, 0);
        server_down(cases[i].label);
    }
}

/* A request that has come whole is not cut by the time-out for reading it; an idle connection that speaks again is no
 * longer idle. */
static void test_timeouts_end(void **state)
{
    server_up();
    server.settings.read_timeout = server.settings.read_head_timeout = 3600 * KD_SECOND;
    far *f = connect_one(false);
    say(f, post_head, sizeof post_head - 1, 20);
    assert_int_equal(worker->loop.timers.armed, 1);
    say_text(f, "01234");
    assert_int_equal(worker->loop.timers.armed, 1);
    say_text(f, "56789");
    assert_int_equal(served, 1);
    assert_int_equal(dones, 1);
    assert_int_equal(worker->loop.timers.armed, 0);
    server.settings.idle_timeout = 3600 * KD_SECOND;
    say_text(f, "POST /later HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc");
    owner *o = pending("/later");
    o->front->ops->read_body(o->front);
    settle();
    assert_int_equal(o->body.n, 3);
    assert_int_equal(worker->loop.timers.armed, 0);
    answer_with(o, 200, KD_STR(""), true, false);
    settle();
    assert_int_equal(worker->loop.timers.armed, 1); /* idle */
    server_down("timeouts end");
}

/* Draining: idle connections close, what is under way or has arrived is answered and told so. */
static void test_drain(void **state)
{
    static const char get[] = "GET /say/a HTTP/1.1\r\nHost: a\r\n\r\n";
    server_up();
    far *fresh = connect_one(false), *idle = connect_one(false), *half = connect_one(false), *busy = connect_one(false),
        *arrived = connect_one(false), *streaming = connect_one(false);
    say_text(idle, get);
    say_text(half, "GET /say/a HTT");
    say_text(busy, "GET /later HTTP/1.1\r\nHost: a\r\n\r\nGET /say/b HTTP/1.1\r\nHost: a\r\n\r\n");
    streaming->deaf = true;
    say_text(streaming, "GET /endless HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_true(far_write(arrived, get, sizeof get - 1) > 0);
    kd_server1_drain(&server);
    settle();
    assert_true(fresh->ended && idle->ended && !half->ended && !busy->ended && arrived->ended && !streaming->ended);
    assert_int_equal(fresh->in.n, 0);
    assert_null(strstr(far_text(idle), "Connection: close"));
    assert_non_null(strstr(far_text(arrived), "Connection: close\r\n\r\na"));
    say_text(half, "P/1.1\r\nHost: a\r\n\r\n");
    assert_non_null(strstr(far_text(half), "Connection: close\r\n\r\na"));
    assert_true(half->ended);
    owner *o = pending("/later");
    answer_with(o, 200, KD_STR("late"), true, false);
    settle();
    assert_non_null(strstr(far_text(busy), "Connection: close\r\n\r\nlate"));
    assert_true(busy->ended);  /* what was pipelined is for another connection */
    kd_server1_drain(&server); /* again: harmless */
    o = pending("/endless");
    o->to_stream = o->streamed + 10;
    streaming->deaf = false;
    settle();
    assert_true(streaming->ended);
    assert_non_null(strstr(far_text(streaming), "\r\n0\r\n\r\n"));
    for (unsigned i = 0; i < n_fars; i++)
        far_close(&fars[i]);
    settle();
    assert_int_equal(server.n_connections, 0);
    server_down("drain");
}

/* A server that ends while requests are under way tells their owners, and cuts off those that hold on. */
static void test_fini(void **state)
{
    server_up();
    static const char *const paths[] = {"/later", "/keep", "/endless", "/say/a"};
    for (size_t i = 0; i < KD_COUNT(paths); i++) {
        far *f = connect_one(false);
        char text[100];
        snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", paths[i]);
        f->deaf = true;
        say_text(f, text);
    }
    far *f = connect_one(false);
    say(f, post_head, sizeof post_head - 1, 100);
    assert_int_equal(served, 5);
    kd_server1_fini(&server);
    assert_int_equal(dones, 1);
    assert_int_equal(gones, 4);
    assert_int_equal(server.n_connections, 0);
    settle();
    server_down("fini");
}

/* Every allocation fails once, and all that follow it: answered or closed, nothing held. */
static void test_no_memory(void **state)
{
    static const char said[] = "POST /slow-echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"
                               "2;x=y\r\nde\r\n0\r\nT: 1\r\n\r\nGET /stream/300000 HTTP/1.1\r\nHost: a\r\n\r\n"
                               "GET /say/a HTTP/1.1\r\nHost: a\r\nLong: ";
    kd_buf text;
    kd_buf_init(&text, 1u << 20);
    kd_buf_add(&text, kd_str_from_c(said));
    for (int i = 0; i < 30000; i++)
        kd_buf_byte(&text, 'x');
    kd_buf_add(&text, KD_STR("\r\n\r\n"));
    unsigned cut = 0, whole = 0;
    for (long n = 1; n < 100 && whole < 2; n++) {
        server_up();
        far *f = connect_one(false);
        f->deaf = true;
        kd_arena_fail_after(n);
        say(f, text.p, text.n, 5000);
        f->deaf = false;
        settle();
        say(f, text.p + text.n, 0, 1);
        kd_arena_fail_after(0);
        whole += kd_str_ends(kd_buf_str(&f->in), KD_STR("\r\n\r\na"));
        cut += f->ended;
        server_down("no memory");
    }
    assert_true(cut > 2 && whole == 2);
    kd_buf_fini(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vanish),       cmocka_unit_test(test_vanish_within_callback),
        cmocka_unit_test(test_deaf),         cmocka_unit_test(test_abort),
        cmocka_unit_test(test_wrong_length), cmocka_unit_test(test_timeouts),
        cmocka_unit_test(test_timeouts_end), cmocka_unit_test(test_drain),
        cmocka_unit_test(test_fini),         cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests_name("server1 ends", tests, NULL, NULL);
}
