/* The HTTP/2 server with real frames: what is asked comes back whole, within windows and bounds, and nothing is left.
 */
#include "http/test_server2.h"

static client one;

static void expect_say(const asked *a, const char *text)
{
    assert_int_equal(a->status, 200);
    assert_true(a->ended && a->closed);
    assert_int_equal(a->code, 0);
    if (!kd_str_eq(kd_buf_str(&a->body), kd_str_from_c(text)))
        fail_msg("'%.*s' instead of '%s'", KD_FMT(kd_buf_str(&a->body)), text);
}

static void test_requests(void **state)
{
    for (size_t step = 0; step < 3; step++) { /* all at once, byte by byte, two by two */
        server2_up();
        client_open(&one, 0);
        one.step = step;
        asked *a = client_ask(&one, "/say/hello"), *b = client_ask(&one, "/status/404"), *h;
        h = client_ask_more(&one, "HEAD", "/say/hello", NULL, 0, false, NULL);
        asked *e = client_ask_more(&one, "POST", "/echo", "some body", 9, false, NULL);
        asked *n = client_ask_more(&one, "POST", "/echo", "", 0, false, NULL);
        client_run(&one);
        expect_say(a, "hello");
        assert_int_equal(b->status, 404);
        assert_true(b->ended);
        expect_say(h, "");
        expect_say(e, "some body");
        expect_say(n, "");
        assert_int_equal(dones, 5);
        assert_int_equal(worker->n_connections, 1);
        client_close_all(&one);
        server_down("requests");
    }
}

static void fill(char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        p[i] = (char)(i % 251);
}

static void test_bodies(void **state)
{
    static char much[3 * 1024 * 1024];
    static const char *const paths[] = {"/echo", "/slow-echo", "/duplex"};
    fill(much, sizeof much);
    for (size_t i = 0; i < KD_COUNT(paths); i++) {
        server2_up();
        client_open(&one, 0);
        asked *a = client_ask_more(&one, "POST", paths[i], much, sizeof much, false, NULL);
        asked *b = client_ask_more(&one, "POST", paths[i], much, sizeof much / 3, false, NULL);
        client_run(&one);
        assert_int_equal(a->status, 200);
        assert_int_equal(a->body.n, sizeof much);
        assert_int_equal(b->body.n, sizeof much / 3);
        assert_memory_equal(a->body.p, much, sizeof much);
        assert_true(a->closed && b->closed && !a->code && !b->code);
        client_close_all(&one);
        server_down(paths[i]);
    }
}

/* Streams share the connection, and a small window holds only its own stream back. */
static void test_streams(void **state)
{
    server2_up();
    client_open(&one, 1000);
    asked *v[20];
    for (int i = 0; i < 20; i++)
        v[i] = client_ask(&one, i % 2 ? "/stream/100000" : "/say/short");
    client_run(&one);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(v[i]->status, 200);
        assert_int_equal(v[i]->body.n, i % 2 ? 100000 : 5);
        for (size_t k = 0; i % 2 && k < v[i]->body.n; k++)
            assert_int_equal(v[i]->body.p[k], 'a' + (int)(k % 26));
    }
    assert_true(pauses > 0);
    client_close_all(&one);
    server_down("streams");
}

/* A client that opens no window costs what one answer's piece costs, and the others go on. */
static void test_shut_window(void **state)
{
    server2_up();
    client_open(&one, 100);
    one.no_window = true;
    asked *endless = client_ask(&one, "/endless");
    client_run(&one);
    assert_int_equal(endless->body.n, 100);
    assert_false(endless->closed);
    assert_true(worker->chunks.in_use < 64 * 1024);
    asked *other = client_ask(&one, "/say/ok");
    client_run(&one);
    expect_say(other, "ok");
    nghttp2_submit_rst_stream(one.session, NGHTTP2_FLAG_NONE, endless->id, NGHTTP2_CANCEL);
    client_run(&one);
    assert_int_equal(gones, 1);
    assert_int_equal(dones, 1);
    client_close_all(&one);
    server_down("shut window");
}

static void test_deaf(void **state)
{
    server2_up();
    client_open(&one, (1u << 31) - 1);
    nghttp2_session_set_local_window_size(one.session, NGHTTP2_FLAG_NONE, 0, (1u << 31) - 1);
    client_run(&one);
    one.f->deaf = true;
    client_ask(&one, "/endless");
    client_run(&one);
    assert_true(worker->chunks.in_use < 256 * 1024);
    assert_int_equal(kd_server1_cut_stalled(&server, worker->loop.now - KD_SECOND), 0);
    assert_int_equal(kd_server1_cut_stalled(&server, worker->loop.now), 1);
    settle();
    assert_int_equal(gones, 1);
    assert_int_equal(worker->n_connections, 0);
    client_close_all(&one);
    server_down("deaf");
}

/* A body that nobody reads stays with the client, but for the window. */
static void test_unread_body(void **state)
{
    static char much[1024 * 1024];
    server2_up();
    client_open(&one, 0);
    asked *a = client_ask_more(&one, "POST", "/later", much, sizeof much, false, NULL);
    client_run(&one);
    assert_int_equal(a->sent, KD_H2_STREAM_WINDOW);
    assert_true(worker->chunks.in_use < KD_H2_STREAM_WINDOW + 128 * 1024);
    asked *b = client_ask_more(&one, "POST", "/echo", much, 100000, false, NULL);
    client_run(&one);
    assert_int_equal(b->body.n, 100000);
    owners->front->ops->read_body(owners->front);
    client_run(&one);
    assert_int_equal(a->sent, sizeof much);
    assert_int_equal(owners->body.n, sizeof much);
    answer_echo(owners);
    client_run(&one);
    assert_int_equal(a->body.n, sizeof much);
    client_close_all(&one);
    server_down("unread body");
}

/* The heads of all requests of a connection have a bound together; what is above may be asked again. */
static void test_large_heads(void **state)
{
    static char value[40000];
    memset(value, 'v', sizeof value - 1);
    server2_up();
    client_open(&one, 0);
    for (int i = 0; i < 100; i++)
        client_ask_more(&one, "GET", "/later", NULL, 0, false, value);
    client_run(&one);
    unsigned refused = 0;
    for (int i = 0; i < 100; i++)
        refused += one.v[i].closed && one.v[i].code == NGHTTP2_REFUSED_STREAM;
    assert_int_equal(served + refused, 100);
    assert_in_range(served, 20, KD_H2_FIELDS_HELD / sizeof value + 1);
    assert_true(worker->chunks.in_use < 2 * KD_H2_FIELDS_HELD);
    while (owners)
        answer_echo(owners), client_run(&one);
    asked *again = client_ask_more(&one, "GET", "/say/again", NULL, 0, false, value);
    client_run(&one);
    expect_say(again, "again");
    client_close_all(&one);
    server_down("large heads");
}

/* The answer is there before the request has ended: it is whole, and the stream ends with no error. */
static void test_early_answer(void **state)
{
    server2_up();
    client_open(&one, 0);
    asked *a = client_ask_more(&one, "POST", "/say/early", "begin", 5, true, NULL);
    asked *h = client_ask_more(&one, "POST", "/hasty", "begin", 5, true, NULL);
    client_run(&one);
    expect_say(a, "early");
    assert_int_equal(h->body.n, 4 * 1024 * 1024);
    assert_true(h->closed);
    assert_int_equal(dones, 2);
    asked *b = client_ask(&one, "/say/on");
    client_run(&one);
    expect_say(b, "on");
    client_close_all(&one);
    server_down("early answer");
}

static void test_continue(void **state)
{
    server2_up();
    client_open(&one, 0);
    asked *a = client_ask_more(&one, "POST", "/later", "", 0, true, "100-continue");
    asked *b = client_ask_more(&one, "POST", "/say/no", "", 0, true, "100-continue");
    client_run(&one);
    assert_int_equal(a->interim, 0); /* nobody has asked for the body */
    expect_say(b, "no");
    assert_int_equal(b->interim, 0);
    owners->front->ops->read_body(owners->front);
    client_run(&one);
    assert_int_equal(a->interim, 100);
    assert_int_equal(a->status, 0);
    a->send = "body";
    a->send_n = 4;
    a->hold = false;
    nghttp2_session_resume_data(one.session, a->id);
    client_run(&one);
    answer_echo(owners);
    client_run(&one);
    expect_say(a, "body");
    client_close_all(&one);
    server_down("continue");
}

static void test_abort_and_lengths(void **state)
{
    server2_up();
    client_open(&one, 0);
    asked *a = client_ask(&one, "/later"), *b = client_ask(&one, "/later"), *c = client_ask(&one, "/later");
    client_run(&one);
    kd_reply reply = {.status = 200, .length = 10};
    kd_front *fronts[3] = {owners->next->next->front, owners->next->front, owners->front};
    for (int i = 0; i < 3; i++)
        kd_headers_init(&reply.headers, fronts[i]->arena),
            fronts[i]->ops->respond(fronts[i], &reply, KD_STR("abc"), false);
    fronts[0]->ops->abort(fronts[0]);
    fronts[1]->ops->write(fronts[1], KD_STR("too short"), true);
    fronts[2]->ops->write(fronts[2], KD_STR("defghij, and more than promised"), true);
    client_run(&one);
    assert_int_equal(a->code, NGHTTP2_INTERNAL_ERROR);
    assert_int_equal(b->closed, true);
    assert_int_equal(b->body.n, 10);
    expect_say(c, "abcdefghij");
    assert_int_equal(dones, 3);
    client_close_all(&one);
    server_down("abort");

    server2_up();
    client_open(&one, 0);
    a = client_ask(&one, "/later");
    client_run(&one);
    kd_headers_init(&reply.headers, owners->front->arena);
    owners->front->ops->respond(owners->front, &reply, KD_STR("short"), true);
    client_run(&one);
    assert_true(a->closed && a->code == NGHTTP2_INTERNAL_ERROR);
    client_close_all(&one);
    server_down("short");
}

static void test_client_leaves(void **state)
{
    static const char *const paths[] = {"/later", "/endless", "/keep", "/say/x", "/echo"};
    for (size_t i = 0; i < KD_COUNT(paths); i++) {
        server2_up();
        client_open(&one, 0);
        for (int k = 0; k < 10; k++)
            client_ask_more(&one, "POST", paths[i], "body", 4, true, NULL);
        if (is(&(owner){.path = kd_str_from_c(paths[i])}, "/endless"))
            one.f->deaf = true;
        client_run(&one);
        client_close_all(&one);
        far_close(one.f);
        settle();
        assert_int_equal(gones + dones, served);
        for (owner *o = owners, *next; o; o = next) { /* those that keep their front */
            next = o->next;
            o->keeps = false;
            let_go(o);
        }
        settle();
        server_down(paths[i]);
    }
}

/* What is under way when the drain begins is answered, and what comes before the client knows. */
static void test_drain(void **state)
{
    server2_up();
    client_open(&one, 0);
    asked *a = client_ask(&one, "/later");
    client_run(&one);
    kd_server1_drain(&server);
    asked *b = client_ask(&one, "/say/late"); /* on its way */
    client_run(&one);
    assert_true(one.goaway_came);
    assert_int_equal(one.goaway, b->id);
    assert_int_equal(one.goaway_code, 0);
    expect_say(b, "late");
    assert_false(one.f->ended);
    kd_server1_drain(&server);
    answer_echo(owners);
    client_run(&one);
    expect_say(a, "");
    assert_true(one.f->ended && !one.f->reset);
    client_close_all(&one);
    server_down("drain");

    server2_up(); /* an idle connection */
    client_open(&one, 0);
    client_run(&one);
    kd_server1_drain(&server);
    client_run(&one);
    assert_true(one.goaway_came && one.f->ended);
    client_close_all(&one);
    server_down("drain of an idle connection");

    server2_up(); /* a client that does not answer the ping */
    client_open(&one, 0);
    client_run(&one);
    kd_server1_drain(&server);
    for (unsigned turns = 0; !one.f->ended && turns < 1000 * QUIET_TURNS_MAX; turns++)
        settle();
    assert_true(one.f->ended);
    client_run(&one);
    assert_true(one.goaway_came);
    client_close_all(&one);
    server_down("drain of a client that is silent");
}

static void test_fini(void **state)
{
    server2_up();
    client_open(&one, 0);
    client_ask(&one, "/later");
    client_ask(&one, "/keep");
    client_ask(&one, "/endless");
    client_run(&one);
    kd_server1_fini(&server);
    assert_int_equal(gones, 3);
    client_close_all(&one);
    server_down("fini");
}

static void test_timeouts(void **state)
{
    server2_up();
    server.settings.write_timeout = server.settings.read_timeout = KD_MS;
    client_open(&one, 0);
    asked *a = client_ask(&one, "/later"), *b = client_ask_more(&one, "POST", "/echo", "begin", 5, true, NULL);
    for (unsigned turns = 0; (!a->closed || !b->closed) && turns < QUIET_TURNS_MAX; turns++)
        client_run(&one);
    assert_true(a->closed && b->closed && a->code && b->code);
    assert_int_equal(gones, 2);
    client_close_all(&one);
    server_down("timeouts of requests");

    server2_up();
    server.settings.idle_timeout = KD_MS;
    client_open(&one, 0);
    a = client_ask(&one, "/say/x");
    for (unsigned turns = 0; !one.f->ended && turns < QUIET_TURNS_MAX; turns++)
        client_run(&one);
    assert_true(one.f->ended);
    assert_int_equal(one.goaway_code, 0);
    client_close_all(&one);
    server_down("idle");

    server2_up(); /* a head that does not come to its end */
    server.settings.read_head_timeout = KD_MS;
    client_open(&one, 0);
    client_run(&one);
    say(one.f, "\0\0\1\1\1\0\0\0\1\x82", 10, 10);
    for (unsigned turns = 0; !one.f->ended && turns < QUIET_TURNS_MAX; turns++)
        settle();
    assert_true(one.f->ended);
    client_close_all(&one);
    server_down("slow head");
}

/* A request of HTTP/1.1 becomes stream 1. */
static void test_upgrade(void **state)
{
    static const struct {
        const char *request;
        bool taken;
    } cases[] = {
        {"GET /say/up HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: "
         "AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n",
         true},
        {"POST /echo HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nContent-Length: "
         "2\r\n"
         "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\nup",
         true},
        {"GET /say/up HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n",
         false},
        {"GET /say/up HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\r\n", false},
        {"GET /say/up HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: "
         "AAMAAABk\r\nHTTP2-Settings: AAMAAABk\r\n\r\n",
         false},
        {"GET /say/up HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: "
         "A-\r\n\r\n",
         false},
        {"GET /say/up HTTP/1.0\r\nConnection: Upgrade, HTTP2-Settings, keep-alive\r\nUpgrade: h2c\r\nHTTP2-Settings: "
         "AAMAAABk\r\n\r\n",
         false},
        {"POST /echo HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
         "Transfer-Encoding: chunked\r\nHTTP2-Settings: AAMAAABk\r\n\r\n2\r\nup\r\n0\r\n\r\n",
         false},
        {"GET /say/up HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", false},
    };
    static const uint8_t settings[] = {0, 3, 0, 0, 0, 100, 0, 4, 64, 0, 0, 0, 0, 2, 0, 0, 0, 0};
    for (size_t i = 0; i < 2 * KD_COUNT(cases); i++) {
        size_t step = i % 2 ? 1 : 1000;
        const char *request = cases[i / 2].request;
        server2_up();
        client_session(&one, connect_one(false));
        say(one.f, request, strlen(request), step);
        bool taken = strncmp(far_text(one.f), "HTTP/1.1 101 ", 13) == 0;
        if (taken != cases[i / 2].taken)
            fail_msg("%s\n%s", request, far_text(one.f));
        if (taken) {
            one.fed = (size_t)(strstr(one.f->in.p, "\r\n\r\n") + 4 - one.f->in.p);
            one.n = 1;
            one.v[0] = (asked){.id = 1};
            kd_buf_init(&one.v[0].body, 1000);
            assert_int_equal(nghttp2_session_upgrade2(one.session, settings, sizeof settings, 0, NULL), 0);
            nghttp2_submit_settings(one.session, NGHTTP2_FLAG_NONE, NULL, 0);
            one.step = step;
            asked *more = client_ask(&one, "/say/more");
            client_run(&one);
            expect_say(&one.v[0], "up");
            expect_say(more, "more");
        } else {
            assert_non_null(strstr(far_text(one.f), " 200 OK\r\n"));
            assert_non_null(strstr(far_text(one.f), "up"));
        }
        client_close_all(&one);
        server_down(request);
    }
}

/* The preface counts only where HTTP/2 is spoken, and only at the beginning. */
static void test_preface(void **state)
{
    server_up();
    far *f = connect_one(false);
    say_text(f, KD_H2_PREFACE);
    assert_int_equal(strncmp(far_text(f), "HTTP/1.1 400 ", 13), 0);
    server_down("not spoken");

    server2_up();
    f = connect_one(false);
    say_text(f, "POST /say/1 HTTP/1.1\r\nHost: a\r\n\r\n");
    say_text(f, KD_H2_PREFACE);
    assert_non_null(strstr(far_text(f), "HTTP/1.1 200 "));
    assert_non_null(strstr(far_text(f), "HTTP/1.1 400 "));
    f = connect_one(false);
    say(f, "PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n", 24, 1);
    assert_int_equal(strncmp(far_text(f), "HTTP/1.1 400 ", 13), 0);
    f = connect_one(false);
    say(f, "PUT /say/2 HTTP/1.1\r\nHost: a\r\n\r\n", 32, 1);
    assert_non_null(strstr(far_text(f), "HTTP/1.1 200 "));
    server_down("only the preface");
}

/* Memory may be missing at any point: requests fail, nothing else does. */
static void test_no_memory(void **state)
{
    unsigned whole = 0;
    for (long n = 1; n < 400 && whole < 2; n++) {
        server2_up();
        kd_arena_fail_after(n);
        client_open(&one, 0);
        asked *a = client_ask_more(&one, "POST", "/echo", "some body", 9, false, NULL);
        asked *b = client_ask(&one, "/stream/200000");
        client_run(&one);
        kd_arena_fail_after(0);
        whole += a->status == 200 && a->ended && b->ended && b->body.n == 200000;
        client_close_all(&one);
        server_down("no memory");
    }
    assert_int_equal(whole, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_requests),      cmocka_unit_test(test_bodies),
        cmocka_unit_test(test_streams),       cmocka_unit_test(test_shut_window),
        cmocka_unit_test(test_deaf),          cmocka_unit_test(test_unread_body),
        cmocka_unit_test(test_large_heads),   cmocka_unit_test(test_early_answer),
        cmocka_unit_test(test_continue),      cmocka_unit_test(test_abort_and_lengths),
        cmocka_unit_test(test_client_leaves), cmocka_unit_test(test_drain),
        cmocka_unit_test(test_fini),          cmocka_unit_test(test_timeouts),
        cmocka_unit_test(test_upgrade),       cmocka_unit_test(test_preface),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
