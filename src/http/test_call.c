/* Calls: every kind of answer, split at every byte; what is kept for reuse and what is not; failures in Go's words. */
#include "http/test_call.h"

typedef struct answer {
    const char *label, *method, *bytes;
    talk_end end;
    unsigned status; /* 0: the head never came */
    const char *body;
    kd_failure failure;
    const char *error;
    bool reused; /* the connection goes back to the pool */
} answer;

static const answer answers[] = {
    {"length", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", STAYS, 200, "hello", 0, "", true},
    {"empty", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", STAYS, 200, "", 0, "", true},
    {"no content", "GET", "HTTP/1.1 204 No Content\r\n\r\n", STAYS, 204, "", 0, "", true},
    {"not modified", "GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", STAYS, 304, "", 0, "", true},
    {"HEAD", "HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", STAYS, 200, "", 0, "", true},
    {"HEAD, chunked", "HEAD", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", STAYS, 200, "", 0, "", true},
    {"chunked", "GET",
     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0a;x=\"y\"\r\n0123456789\r\n0\r\n\r\n", STAYS,
     200, "abc0123456789", 0, "", true},
    {"trailers", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nA: b\r\nC: d\r\n\r\n",
     STAYS, 200, "abc", 0, "", true},
    {"empty and chunked", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", STAYS, 200, "", 0,
     "", true},
    {"until the close", "GET", "HTTP/1.1 200 OK\r\n\r\nhello", CLOSES, 200, "hello", 0, "", false},
    {"1.0", "GET", "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello", STAYS, 200, "hello", 0, "", false},
    {"1.0 kept", "GET", "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\nhello", STAYS, 200,
     "hello", 0, "", true},
    {"closing", "GET", "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello", STAYS, 200, "hello", 0,
     "", false},
    {"interim", "GET",
     "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: "
     "2\r\n\r\n"
     "hi",
     STAYS, 200, "hi", 0, "", true},
    {"more than was announced", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi, there", STAYS, 200, "hi", 0, "",
     false},
    {"more behind the last chunk", "GET",
     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\nthere", STAYS, 200, "hi", 0, "", false},
    {"more than no body", "GET", "HTTP/1.1 204 No Content\r\n\r\nthere", STAYS, 204, "", 0, "", false},
    {"nothing", "GET", "", CLOSES, 0, "", KD_FAIL_CLOSED, "EOF", false},
    {"reset", "GET", "", RESETS, 0, "", KD_FAIL_RESET, "read tcp: read: connection reset by peer", false},
    {"a head cut within a line", "GET", "HTTP/1.1 200 OK\r\nConte", CLOSES, 0, "", KD_FAIL_BAD_MESSAGE,
     "net/http: HTTP/1.x transport connection broken: malformed MIME header: missing colon: \"Conte\"", false},
    {"half a head", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n", CLOSES, 0, "", KD_FAIL_BAD_MESSAGE,
     "net/http: HTTP/1.x transport connection broken: unexpected EOF", false},
    {"garbage", "GET", "rubbish\r\n\r\n", CLOSES, 0, "", KD_FAIL_BAD_MESSAGE,
     "net/http: HTTP/1.x transport connection broken: malformed HTTP response \"rubbish\"", false},
    {"half a body", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello", CLOSES, 200, "hello", KD_FAIL_CLOSED,
     "unexpected EOF", false},
    {"a body cut by a reset", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello", RESETS, 200, NULL,
     KD_FAIL_RESET, "read tcp: read: connection reset by peer", false},
    {"chunks without an end", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", CLOSES, 200,
     "hello", KD_FAIL_CLOSED, "unexpected EOF", false},
    {"half a chunk", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhello", CLOSES, 200, "hello",
     KD_FAIL_CLOSED, "unexpected EOF", false},
    {"a bad chunk", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\nx\r\n", STAYS, 200, "hi",
     KD_FAIL_BAD_MESSAGE, "invalid byte in chunk length", false},
};

/* The bytes come in two parts, or (split 0) in single ones. */
static void run_answer(const answer *c, size_t split, bool pausing)
{
    char head[100];
    scripted script = {.bytes = c->bytes, .first = split, .step = split ? 0 : 1, .end = c->end};
    calls_up(&script, 1);
    snprintf(head, sizeof head, "%s / HTTP/1.1\r\nHost: a\r\n\r\n", c->method);
    ask *a = prepare(one.port, head);
    a->pausing = pausing;
    ask_start(a);
    settle();
    char where[100];
    snprintf(where, sizeof where, "%s, split at %zu%s", c->label, split, pausing ? ", pausing" : "");
    kd_buf_byte(&a->body, 0);
    if (!ask_over(a))
        fail_msg("%s: it does not end", where);
    if (a->heads != (c->status != 0) || (a->heads && a->call.head.status != c->status))
        fail_msg("%s: %u heads, status %u", where, a->heads, a->call.head.status);
    if (c->body && strcmp(a->body.p, c->body) != 0)
        fail_msg("%s: body %s", where, a->body.p);
    if ((c->failure != 0) != (a->fails == 1) || a->call.failure != c->failure)
        fail_msg("%s: fails %u, %s", where, a->fails, kd_failure_name(a->call.failure));
    if (c->failure && !kd_str_eq(a->call.error, kd_str_from_c(c->error)))
        fail_msg("%s: %.*s", where, KD_FMT(a->call.error));
    if (client.n_idle != c->reused)
        fail_msg("%s: %u idle connections", where, client.n_idle);
    calls_down(where);
}

static void test_answers(void **state)
{
    for (size_t i = 0; i < KD_COUNT(answers); i++)
        for (size_t split = 0; split <= strlen(answers[i].bytes); split++) {
            run_answer(&answers[i], split, false);
            run_answer(&answers[i], split, true);
        }
}

/* Where the bytes of a head end, the ones of the body may have come or not; the owner is told which. */
static void on_head_follows(kd_call *call)
{
    ask *a = call->owner;
    a->heads++;
    a->callbacks = call->data_follows;
}

static void on_data_follows(kd_call *call, kd_str piece, bool end)
{
    ask *a = call->owner;
    a->callbacks += 10;
    a->ends += end;
}

static void test_data_follows(void **state)
{
    static const kd_call_events events = {.on_head = on_head_follows, .on_data = on_data_follows, .on_fail = on_fail};
    static const struct {
        const char *head, *rest;
        bool follows;
    } cases[] = {
        {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", "abc", false},
        {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\na", "bc", true},
        {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "", true},
        {"HTTP/1.1 204 No Content\r\n\r\n", "", true},
        {"HTTP/1.1 200 OK\r\n\r\n", "", false},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "0\r\n\r\n", false},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3", "\r\nabc\r\n0\r\n\r\n", true},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", "\r\n", true},
    };
    for (size_t i = 0; i < KD_COUNT(cases); i++) {
        char text[200];
        snprintf(text, sizeof text, "%s%s", cases[i].head, cases[i].rest);
        scripted script = {.bytes = text, .first = strlen(cases[i].head)};
        calls_up(&script, 1);
        ask *a = prepare(one.port, GET);
        a->call.events = &events;
        ask_start(a);
        while (!a->heads)
            pump_once();
        /* Told together: 10 for the piece, 1 for the promise. */
        assert_int_equal(a->callbacks, cases[i].follows ? 11 : 0);
        settle();
        a->cancelled = true;
        kd_call_cancel(&a->call);
        calls_down(cases[i].head);
    }
}

/* The connection that was used last is used first. */
static void test_lifo(void **state)
{
    static const scripted script[] = {{.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na"}};
    calls_up(script, 1);
    for (int i = 0; i < 3; i++)
        get();
    settle();
    assert_int_equal(one.n_talks, 3);
    assert_int_equal(client.n_idle, 3);
    /* One at a time: always the same one. */
    unsigned before[3], most = 0;
    for (int i = 0; i < 3; i++)
        before[i] = one.talks[i].answered;
    for (int i = 0; i < 10; i++) {
        get();
        settle();
    }
    for (int i = 0; i < 3; i++)
        most += one.talks[i].answered - before[i] == 10;
    assert_int_equal(most, 1);
    assert_int_equal(one.n_talks, 3);
    assert_int_equal(client.reuses, 10);
    assert_int_equal(client.connects, 3);
    calls_down("lifo");
}

/* Calls that are started by the end of others share their connection. */
static void test_chain(void **state)
{
    static const scripted script[] = {{.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na"}};
    calls_up(script, 1);
    ask *first = prepare(one.port, GET), *last = first;
    for (int i = 0; i < 20; i++) {
        ask *next = prepare(one.port, GET);
        last->then = next;
        last = next;
    }
    ask_start(first);
    settle();
    assert_int_equal(last->ends, 1);
    assert_int_equal(one.n_talks, 1);
    assert_int_equal(one.requests, 21);
    calls_down("chain");
}

static const scripted fine = {.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na"};

/* A kept connection that closes under the request is replaced, once. */
static void test_stale(void **state)
{
    static const struct {
        const char *label, *head;
        scripted script[3];
        kd_ns header_timeout;
        unsigned talks, ends, retries;
        const char *error;
    } cases[] = {
        {"closed under the request", GET, {{0}, {.bytes = "", .end = CLOSES}, {0}}, 0, 2, 1, 1, ""},
        {"reset under the request", GET, {{0}, {.bytes = "", .end = RESETS}, {0}}, 0, 2, 1, 1, ""},
        {"with a time-out", GET, {{0}, {.bytes = "", .end = CLOSES}, {0}}, 3600 * KD_SECOND, 2, 1, 1, ""},
        {"only once", GET, {{0}, {.bytes = "", .end = CLOSES}, {.bytes = "", .end = CLOSES}}, 0, 2, 0, 1, "EOF"},
        {"not what may not be repeated",
         "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
         {{0}, {.bytes = "", .end = CLOSES}, {0}},
         0,
         1,
         0,
         0,
         "EOF"},
        {"not after the first byte",
         GET,
         {{0}, {.bytes = "H", .end = CLOSES}, {0}},
         0,
         1,
         0,
         0,
         "net/http: HTTP/1.x transport connection broken: malformed HTTP response \"H\""},
    };
    for (size_t i = 0; i < KD_COUNT(cases); i++) {
        scripted script[3];
        for (int k = 0; k < 3; k++)
            script[k] = cases[i].script[k].bytes ? cases[i].script[k] : fine;
        calls_up(script, 3);
        client.settings.header_timeout = cases[i].header_timeout;
        get();
        settle();
        assert_int_equal(client.n_idle, 1);
        ask *a = prepare(one.port, cases[i].head);
        ask_start(a);
        settle();
        if (!ask_over(a) || a->ends != cases[i].ends || one.n_talks != cases[i].talks ||
            client.retries != cases[i].retries)
            fail_msg("%s: %u ends, %u fails (%.*s), %u connections, %llu retries", cases[i].label, a->ends, a->fails,
                     KD_FMT(a->call.error), one.n_talks, (unsigned long long)client.retries);
        if (a->fails && !kd_str_eq(a->call.error, kd_str_from_c(cases[i].error)))
            fail_msg("%s: %.*s", cases[i].label, KD_FMT(a->call.error));
        calls_down(cases[i].label);
    }
}

/* A kept connection that the backend closes, or on which it speaks out of turn, is dropped at once. */
static void test_idle(void **state)
{
    for (int speaks = 0; speaks < 2; speaks++) {
        calls_up(&fine, 1);
        get();
        settle();
        assert_int_equal(client.n_idle, 1);
        if (speaks)
            far_write(&one.talks[0].far, "HTTP/1.1 200 OK\r\n", 17);
        else
            far_close(&one.talks[0].far);
        settle();
        assert_int_equal(client.n_idle, 0);
        calls_down("idle");
    }
    /* The end of the backend and the next call in the same turn: the call does not see it yet, and is repeated. */
    calls_up(&fine, 1);
    get();
    settle();
    far_close(&one.talks[0].far);
    ask *a = get();
    settle();
    assert_int_equal(a->ends, 1);
    assert_int_equal(client.retries, 1);
    calls_down("same turn");
}

/* Bytes behind an answer are never taken for the next answer, also where the answer's end is the end of a read. */
static void test_surplus(void **state)
{
    for (int extra = 0; extra < 2; extra++)
        for (size_t size = 65530; size < 65545; size++) {
            char *bytes = malloc(size + 100);
            int head = snprintf(bytes, 100, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", size - 42);
            memset(bytes + head, 'x', size);
            size_t n = (size_t)head + size - 42;
            n += (size_t)sprintf(bytes + n, "%s", extra ? "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil" : "");
            scripted script[] = {{.bytes = bytes, .n = n}, fine};
            calls_up(script, 2);
            ask *a = prepare(one.port, GET), *b = prepare(one.port, GET);
            a->then = b;
            ask_start(a);
            settle();
            assert_int_equal(a->ends, 1);
            assert_int_equal(a->body.n, size - 42);
            if (b->ends != 1 || b->body.n != 1 || b->body.p[0] != 'a')
                fail_msg("after %zu bytes%s: %u ends, \"%.*s\"", n, extra ? " and more" : "", b->ends,
                         KD_FMT(kd_buf_str(&b->body)));
            free(bytes);
            calls_down("surplus");
        }
}

/* How many connections are kept. */
static void test_pool_bounds(void **state)
{
    static const struct {
        const char *label;
        kd_client_settings settings;
        unsigned kept;
    } cases[] = {
        {"per host", {.keep_alive = true, .max_idle_per_host = 2}, 2},
        {"in all", {.keep_alive = true, .max_idle_per_host = 100, .max_idle = 3}, 3},
        {"without a bound of its own", {.keep_alive = true}, 5},
        {"none", {.keep_alive = false, .max_idle_per_host = 100}, 0},
    };
    for (size_t i = 0; i < KD_COUNT(cases); i++) {
        calls_up(&fine, 1);
        client.settings = cases[i].settings;
        for (int k = 0; k < 5; k++)
            get();
        settle();
        if (client.n_idle != cases[i].kept)
            fail_msg("%s: %u are kept", cases[i].label, client.n_idle);
        unsigned open = 0;
        for (unsigned k = 0; k < one.n_talks; k++)
            open += !one.talks[k].finished;
        assert_int_equal(open, cases[i].kept);
        calls_down(cases[i].label);
    }
    /* An idle connection goes after its time. */
    calls_up(&fine, 1);
    client.settings.idle_timeout = 3 * KD_MS;
    get();
    settle();
    for (unsigned turns = 0; client.n_idle; turns++) {
        assert_true(turns < QUIET_TURNS_MAX);
        kd_loop_turn(&worker->loop, 1);
    }
    assert_null(client.all);
    calls_down("idle time-out");
    /* A call that wants its connection closed gets it closed. */
    calls_up(&fine, 1);
    ask *a = prepare(one.port, GET);
    a->call.close = true;
    ask_start(a);
    settle();
    assert_int_equal(a->ends, 1);
    assert_int_equal(client.n_idle, 0);
    calls_down("closing");
}

static void test_refused(void **state)
{
    calls_up(&fine, 1);
    backend_stop_listening(&one);
    ask *a = get();
    settle();
    char words[100];
    snprintf(words, sizeof words, "dial tcp 127.0.0.1:%u: connect: connection refused", one.port);
    assert_int_equal(a->fails, 1);
    assert_int_equal(a->call.failure, KD_FAIL_REFUSED);
    assert_true(kd_str_eq(a->call.error, kd_str_from_c(words)));
    calls_down("refused");
}

static void test_timeouts(void **state)
{
    static const struct {
        const char *label;
        scripted script;
        bool in_time;
    } cases[] = {
        {"no answer", {.bytes = NULL}, false},
        {"half a head", {.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na", .first = 10, .step = 1}, true},
        {"only interim heads", {.bytes = "HTTP/1.1 103 Early Hints\r\n\r\n"}, false},
        {"the body may take its time", {.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\na"}, true},
    };
    for (size_t i = 0; i < KD_COUNT(cases); i++) {
        calls_up(&cases[i].script, 1);
        client.settings.header_timeout = cases[i].in_time ? 3600 * KD_SECOND : 3 * KD_MS;
        ask *a = get();
        if (cases[i].in_time) {
            settle();
            assert_int_equal(a->heads, 1);
            assert_int_equal(worker->loop.timers.armed, 0);
        } else {
            until_over(a);
            assert_int_equal(a->call.failure, KD_FAIL_HEADER_TIMEOUT);
            assert_true(kd_str_eq(a->call.error, KD_STR("net/http: timeout awaiting response headers")));
        }
        calls_down(cases[i].label);
    }
    /* A listener whose queue is full does not answer: dialing takes too long. */
    worker_up();
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof at;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), fillers[4];
    assert_int_equal(bind(listener, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(listener, 0), 0);
    getsockname(listener, (struct sockaddr *)&at, &size);
    for (size_t i = 0; i < KD_COUNT(fillers); i++) {
        fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        connect(fillers[i], (struct sockaddr *)&at, sizeof at);
    }
    backend_up(&one, &fine, 1);
    kd_client_init(&client, worker);
    n_asks = 0;
    client.settings.dial_timeout = 3 * KD_MS;
    ask *a = prepare(ntohs(at.sin_port), GET);
    ask_start(a);
    until_over(a);
    assert_int_equal(a->call.failure, KD_FAIL_CONNECT_TIMEOUT);
    assert_true(kd_str_ends(a->call.error, KD_STR(": i/o timeout")));
    calls_down("dialing");
    for (size_t i = 0; i < KD_COUNT(fillers); i++)
        close(fillers[i]);
    close(listener);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers),  cmocka_unit_test(test_data_follows), cmocka_unit_test(test_lifo),
        cmocka_unit_test(test_chain),    cmocka_unit_test(test_stale),        cmocka_unit_test(test_idle),
        cmocka_unit_test(test_surplus),  cmocka_unit_test(test_refused),      cmocka_unit_test(test_pool_bounds),
        cmocka_unit_test(test_timeouts),
    };
    return cmocka_run_group_tests_name("call", tests, NULL, NULL);
}
