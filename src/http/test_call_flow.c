/* Calls whose bytes take time: slow consumers, slow backends, bodies sent in pieces, answers that come early; and every
 * call cancelled at every point, and without memory. */
#include "http/test_call.h"

static char byte_at(size_t i)
{
    return (char)('a' + (i * 2654435761u >> 11) % 26);
}

/* An answer with a body of `size` bytes, in chunks of `chunk` (0: with a length). The caller frees. */
static char *make_answer(size_t size, size_t chunk, size_t *n)
{
    kd_buf out;
    kd_buf_init(&out, 1u << 28);
    kd_buf_add(&out, KD_STR("HTTP/1.1 200 OK\r\n"));
    if (chunk)
        kd_buf_add(&out, KD_STR("Transfer-Encoding: chunked\r\n\r\n"));
    else
        kd_buf_printf(&out, "Content-Length: %zu\r\n\r\n", size);
    for (size_t at = 0; at < size;) {
        size_t part = chunk && chunk < size - at ? chunk : size - at;
        if (chunk)
            kd_buf_printf(&out, "%zx\r\n", part);
        for (size_t i = 0; i < part; i++)
            kd_buf_byte(&out, byte_at(at + i));
        at += part;
        if (chunk)
            kd_buf_add(&out, KD_STR("\r\n"));
    }
    if (chunk)
        kd_buf_add(&out, KD_STR("0\r\n\r\n"));
    assert_false(out.failed);
    *n = out.n;
    return out.p;
}

static void assert_bytes(kd_str s, size_t size)
{
    assert_int_equal(s.n, size);
    for (size_t i = 0; i < size; i++)
        if (s.p[i] != byte_at(i))
            fail_msg("byte %zu differs", i);
}

/* A consumer that pauses at every piece gets every byte, and costs the same memory however long the answer is. */
static void test_slow_consumer(void **state)
{
    static const size_t chunks[] = {0, 1000, 7, 70000};
    for (size_t i = 0; i < KD_COUNT(chunks); i++) {
        size_t n, size = chunks[i] == 7 ? 200000 : 3000000;
        char *bytes = make_answer(size, chunks[i], &n);
        scripted script = {.bytes = bytes, .n = n};
        calls_up(&script, 1);
        ask *a = prepare(one.port, GET);
        a->pausing = true;
        ask_start(a);
        size_t most = 0;
        for (unsigned stuck = 0; !ask_over(a);) {
            stuck = pump_once() ? 0 : stuck + 1;
            assert_true(stuck < QUIET_TURNS_MAX);
            if (a->arena.taken > most)
                most = a->arena.taken;
        }
        assert_int_equal(a->ends, 1);
        assert_bytes(kd_buf_str(&a->body), size);
        if (most > 256 * 1024)
            fail_msg("chunks of %zu: %zu bytes of memory", chunks[i], most);
        assert_int_equal(client.n_idle, 1);
        free(bytes);
        calls_down("slow consumer");
    }
}

/* While the consumer is paused nothing more is read than one read gives. */
static void test_paused(void **state)
{
    size_t n;
    char *bytes = make_answer(40000000, 1000, &n);
    scripted script = {.bytes = bytes, .n = n};
    calls_up(&script, 1);
    ask *a = get();
    while (!a->heads)
        pump_once();
    kd_call_pause(&a->call);
    size_t before = a->body.n, held = 0;
    for (int i = 0; i < 2000; i++) {
        kd_loop_turn(&worker->loop, 0);
        backend_pump(&one);
        held = a->arena.taken;
    }
    assert_int_equal(a->body.n, before);
    assert_true(held < 256 * 1024);
    assert_true(one.talks[0].said < n);
    until_over(a); /* resumes */
    assert_int_equal(a->ends, 1);
    assert_bytes(kd_buf_str(&a->body), 40000000);
    free(bytes);
    calls_down("paused");
}

#define POST_HEAD "POST / HTTP/1.1\r\nHost: a\r\n"

static ask *post(const char *head, kd_call_body how, kd_str body)
{
    ask *a = prepare(one.port, head);
    a->call.body = how;
    a->call.body_length = body.n;
    a->to_send = body;
    return a;
}

/* Bodies of every size in pieces of every size, to a backend that takes its time. */
static void test_send(void **state)
{
    static const size_t sizes[] = {0, 1, 10, 1000, 100000, 5000000};
    static const size_t pieces[] = {1, 999, 65536, 10000000};
    static const scripted fine = {.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na"};
    char *body = malloc(5000000);
    for (size_t i = 0; i < 5000000; i++)
        body[i] = byte_at(i);
    for (size_t i = 0; i < KD_COUNT(sizes); i++)
        for (size_t k = 0; k < KD_COUNT(pieces); k++)
            for (int chunked = 0; chunked < 2; chunked++) {
                if (pieces[k] == 1 && sizes[i] > 1000)
                    continue;
                calls_up(&fine, 1);
                char head[100];
                if (chunked)
                    snprintf(head, sizeof head, POST_HEAD "Transfer-Encoding: chunked\r\n\r\n");
                else
                    snprintf(head, sizeof head, POST_HEAD "Content-Length: %zu\r\n\r\n", sizes[i]);
                ask *a =
                    post(head, chunked ? KD_CALL_STREAM_CHUNKED : KD_CALL_STREAM_LENGTH, kd_str_of(body, sizes[i]));
                a->piece = pieces[k];
                ask_start(a);
                /* The backend looks away at first: the bytes that wait are bounded by one piece. */
                for (int turn = 0; turn < 50; turn++) {
                    kd_loop_turn(&worker->loop, 0);
                    assert_true(worker->chunks.in_use < pieces[k] + 200 * 1024);
                }
                until_over(a);
                assert_int_equal(a->ends, 1);
                assert_int_equal(client.n_idle, 1);
                kd_str got = kd_buf_str(&one.talks[0].far.in);
                got = kd_str_from(got, (size_t)kd_str_search(got, KD_STR("\r\n\r\n")) + 4);
                if (!chunked) {
                    assert_bytes(got, sizes[i]);
                } else {
                    kd_chunked decoder;
                    kd_chunked_init(&decoder, false);
                    size_t at = 0, seen = 0;
                    for (bool end = false; !end;) {
                        size_t used;
                        kd_str data = {0};
                        kd_chunked_result r = kd_chunked_decode(&decoder, got.p + at, got.n - at, &used, &data);
                        assert_true(r == KD_CHUNKED_DATA || r == KD_CHUNKED_END);
                        for (size_t b = 0; r == KD_CHUNKED_DATA && b < data.n; b++)
                            assert_int_equal(data.p[b], byte_at(seen++));
                        at += used;
                        end = r == KD_CHUNKED_END;
                    }
                    assert_int_equal(seen, sizes[i]);
                    assert_int_equal(at, got.n);
                }
                calls_down("send");
            }
    free(body);
}

/* A body given whole leaves with its head. */
static void test_send_bytes(void **state)
{
    static const scripted fine = {.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na"};
    calls_up(&fine, 1);
    ask *a = prepare(one.port, POST_HEAD "Content-Length: 3\r\n\r\n");
    a->call.body = KD_CALL_BYTES;
    a->call.bytes = KD_STR("abc");
    ask_start(a);
    settle();
    assert_int_equal(a->ends, 1);
    assert_true(kd_str_eq(kd_buf_str(&one.talks[0].far.in), KD_STR(POST_HEAD "Content-Length: 3\r\n\r\nabc")));
    calls_down("send bytes");
}

/* More or less than the stated length is never sent. */
static void test_wrong_length(void **state)
{
    static const struct {
        const char *body, *error;
        size_t piece;
    } cases[] = {
        {"abc", "http: ContentLength=5 with Body length 3", 1},
        {"abc", "http: ContentLength=5 with Body length 3", 100},
        {"abcdefg", "http: ContentLength=5 with Body length 7", 100},
        {"abcdefg", "http: ContentLength=5 with Body length 6", 2},
    };
    static const scripted fine = {.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na"};
    for (size_t i = 0; i < KD_COUNT(cases); i++) {
        calls_up(&fine, 1);
        ask *a = post(POST_HEAD "Content-Length: 5\r\n\r\n", KD_CALL_STREAM_LENGTH, kd_str_from_c(cases[i].body));
        a->call.body_length = 5;
        a->piece = cases[i].piece;
        ask_start(a);
        settle();
        assert_int_equal(a->fails, 1);
        assert_int_equal(a->call.failure, KD_FAIL_BAD_REQUEST);
        assert_true(kd_str_eq(a->call.error, kd_str_from_c(cases[i].error)));
        assert_int_equal(one.requests, 0);
        assert_int_equal(client.n_idle, 0);
        calls_down(cases[i].error);
    }
}

/* A backend that answers before it has the body, and takes no more of it: its answer counts, the connection does not.
 */
static void test_early_answer(void **state)
{
    static const char text[] = "HTTP/1.1 413 Request Entity Too Large\r\nContent-Length: 3\r\n\r\nbig";
    static const struct {
        const char *label;
        scripted script;
    } cases[] = {
        {"reads no more", {.bytes = text, .early = true}},
        {"closes", {.bytes = text, .early = true, .end = CLOSES}},
        {"slowly", {.bytes = text, .early = true, .first = 20, .step = 1, .end = CLOSES}},
    };
    size_t size = 30000000; /* more than the buffers of both kernels' ends */
    char *body = calloc(1, size);
    for (size_t i = 0; i < KD_COUNT(cases); i++)
        for (size_t piece = 1000; piece <= size; piece *= 10)
            for (int chunked = 0; chunked < 2; chunked++) {
                calls_up(&cases[i].script, 1);
                ask *a = post(chunked ? POST_HEAD "Transfer-Encoding: chunked\r\n\r\n"
                                      : POST_HEAD "Content-Length: 30000000\r\n\r\n",
                              chunked ? KD_CALL_STREAM_CHUNKED : KD_CALL_STREAM_LENGTH, kd_str_of(body, size));
                a->piece = piece;
                ask_start(a);
                until_over(a);
                if (a->ends != 1 || a->call.head.status != 413 || a->body.n != 3)
                    fail_msg("%s, pieces of %zu: status %u, %zu bytes, %.*s", cases[i].label, piece,
                             a->call.head.status, a->body.n, KD_FMT(a->call.error));
                assert_int_equal(client.n_idle, 0);
                /* What is written later is swallowed. */
                assert_int_equal(kd_call_write(&a->call, KD_STR("more"), true), KD_FLOW_ON);
                calls_down(cases[i].label);
            }
    free(body);
}

/* The backend answers and closes between two pieces: the next piece finds a broken connection, the answer is there. */
static void test_early_answer_between(void **state)
{
    static const scripted early[] = {{.bytes = "HTTP/1.1 413 Request Entity Too Large\r\nContent-Length: 3\r\n\r\nbig",
                                      .early = true,
                                      .end = CLOSES}};
    for (int more = 1; more < 4; more++) {
        calls_up(early, 1);
        ask *a = post(POST_HEAD "Transfer-Encoding: chunked\r\n\r\n", KD_CALL_STREAM_CHUNKED, KD_STR("abc"));
        a->last_sent = true; /* the test sends */
        ask_start(a);
        settle();
        kd_call_write(&a->call, KD_STR("first"), false);
        kd_loop_turn(&worker->loop, 0);
        /* From here on the loop does not turn until the socket has the end of the backend. */
        while (one.requests == 0 || !one.talks[0].finished)
            backend_pump(&one);
        for (int i = 0; i < more && !ask_over(a); i++)
            kd_call_write(&a->call, KD_STR("more"), false);
        until_over(a);
        if (a->ends != 1 || a->call.head.status != 413)
            fail_msg("status %u, %.*s", a->call.head.status, KD_FMT(a->call.error));
        calls_down("between");
    }
}

/* The backend breaks while the body is sent, and says nothing. */
static void test_break_while_sending(void **state)
{
    static const scripted script[] = {{.bytes = "", .early = true, .end = CLOSES},
                                      {.bytes = "", .early = true, .end = RESETS}};
    size_t size = 6000000;
    char *body = calloc(1, size);
    for (size_t i = 0; i < KD_COUNT(script); i++) {
        calls_up(&script[i], 1);
        ask *a = post(POST_HEAD "Transfer-Encoding: chunked\r\n\r\n", KD_CALL_STREAM_CHUNKED, kd_str_of(body, size));
        ask_start(a);
        until_over(a);
        assert_int_equal(a->fails, 1);
        assert_int_equal(a->heads, 0);
        assert_true(a->call.failure == KD_FAIL_RESET || a->call.failure == KD_FAIL_CLOSED);
        assert_true(a->call.error.n > 0);
        calls_down("break while sending");
    }
    free(body);
}

/* The cases that are cancelled and starved. */
typedef struct scenario {
    const char *label, *head;
    scripted script[3];
    kd_call_body how;
    const char *body;
    unsigned before; /* calls that run first, so that the pool is not empty */
    bool pausing;
} scenario;

static const scenario scenarios[] = {
    {"plain", GET, {{.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"}}, 0, "", 0, false},
    {"slow", GET, {{.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", .step = 3}}, 0, "", 0, false},
    {"chunked",
     GET,
     {{.bytes = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n3\r\n"
                "abc\r\n0\r\n\r\n",
       .step = 7}},
     0,
     "",
     0,
     true},
    {"until the close", GET, {{.bytes = "HTTP/1.1 200 OK\r\n\r\nhello", .first = 22, .end = CLOSES}}, 0, "", 0, true},
    {"kept",
     GET,
     {{.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"},
      {.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"}},
     0,
     "",
     1,
     false},
    {"stale",
     GET,
     {{.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"},
      {.bytes = "", .end = CLOSES},
      {.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"}},
     0,
     "",
     1,
     false},
    {"garbage", GET, {{.bytes = "rubbish\r\n\r\n", .end = CLOSES}}, 0, "", 0, false},
    {"closed", GET, {{.bytes = "", .end = CLOSES}}, 0, "", 0, false},
    {"cut",
     GET,
     {{.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello", .first = 42, .end = CLOSES}},
     0,
     "",
     0,
     false},
    {"body",
     POST_HEAD "Transfer-Encoding: chunked\r\n\r\n",
     {{.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"}},
     KD_CALL_STREAM_CHUNKED,
     "some body",
     0,
     false},
    {"early",
     POST_HEAD "Transfer-Encoding: chunked\r\n\r\n",
     {{.bytes = "HTTP/1.1 413 Request Entity Too Large\r\nContent-Length: 5\r\n\r\nhello",
       .early = true,
       .end = CLOSES}},
     KD_CALL_STREAM_CHUNKED,
     "some body",
     0,
     false},
};

static ask *begin(const scenario *s)
{
    calls_up(s->script, s->script[2].bytes ? 3 : s->script[1].bytes ? 2 : 1);
    client.settings.header_timeout = client.settings.dial_timeout = client.settings.idle_timeout = 3600 * KD_SECOND;
    for (unsigned i = 0; i < s->before; i++) {
        get();
        settle();
    }
    ask *a = post(s->head, s->how, kd_str_from_c(s->body));
    a->piece = 4;
    a->pausing = s->pausing;
    return a;
}

static void end(const scenario *s)
{
    settle();
    unsigned idle = client.n_idle;
    assert_int_equal(worker->loop.timers.armed, idle); /* only idle connections have one */
    unsigned open = 0;
    for (kd_upstream *up = client.all; up; up = up->all_next)
        open++;
    assert_int_equal(open, idle); /* and no other is open */
    calls_down(s->label);
}

static void test_cancel(void **state)
{
    for (size_t i = 0; i < KD_COUNT(scenarios); i++) {
        unsigned callbacks = 1000, turns = 0;
        /* Within each callback … */
        for (unsigned at = 1; at <= callbacks; at++) {
            ask *a = begin(&scenarios[i]);
            a->cancel_at = at;
            ask_start(a);
            settle();
            assert_true(ask_over(a));
            if (!a->cancelled)
                callbacks = at;
            end(&scenarios[i]);
        }
        /* … and between the turns. */
        for (bool early = true; early; turns++) {
            ask *a = begin(&scenarios[i]);
            ask_start(a);
            for (unsigned k = 0; k < turns; k++)
                pump_once();
            early = !ask_over(a);
            if (early) {
                a->cancelled = true;
                kd_call_cancel(&a->call);
            }
            end(&scenarios[i]);
        }
        assert_true(callbacks > 1 && turns > 1);
    }
}

/* The call's arena ends after each count of bytes, and nothing more is given: the call ends all the same. */
static void test_no_memory(void **state)
{
    for (size_t i = 0; i < KD_COUNT(scenarios); i++) {
        unsigned shed = 0, unlike = 0;
        kd_failure whole = KD_FAIL_NONE;
        size_t whole_n = 0;
        for (size_t room = 4000; room < 5000; room -= 8) {
            ask *a = begin(&scenarios[i]);
            char *all = kd_arena_alloc(&a->arena, 4000);
            assert_non_null(all);
            a->arena.at = all;
            a->arena.end = all + room;
            kd_arena_fail_after(1);
            ask_start(a);
            settle();
            kd_arena_fail_after(0);
            assert_true(ask_over(a));
            if (room == 4000) {
                whole = a->call.failure;
                whole_n = a->body.n;
            }
            assert_true(a->fails || a->body.n == whole_n);
            shed += a->fails && a->call.failure == KD_FAIL_SHED;
            unlike += a->call.failure != whole;
            end(&scenarios[i]);
        }
        /* Some had too little, and no other reason is given for that. */
        if (whole == KD_FAIL_NONE)
            assert_true(shed > 0 && shed == unlike);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_slow_consumer),
        cmocka_unit_test(test_paused),
        cmocka_unit_test(test_send),
        cmocka_unit_test(test_send_bytes),
        cmocka_unit_test(test_wrong_length),
        cmocka_unit_test(test_early_answer),
        cmocka_unit_test(test_early_answer_between),
        cmocka_unit_test(test_break_while_sending),
        cmocka_unit_test(test_cancel),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests_name("call flow", tests, NULL, NULL);
}
