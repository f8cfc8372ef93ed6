/* Calls against scripted backends. */
#ifndef KD_HTTP_TEST_CALL_H
#define KD_HTTP_TEST_CALL_H

#include "http/test_backend.h"
#include "http/upstream.h"

#define MAX_ASKS 32

/* A call and what it was told. */
typedef struct ask {
    kd_call call;
    kd_arena arena;
    kd_buf body;
    kd_str to_send; /* a streamed request body */
    size_t sent, piece;
    unsigned heads, ends, fails, callbacks;
    unsigned cancel_at; /* the callback that cancels; 0: none */
    bool pausing;       /* pauses at every piece */
    bool cancelled, last_sent;
    struct ask *then; /* is started by the end of this one */
    const char *head;
} ask;

static kd_client client;
static backend one;
static ask asks[MAX_ASKS];
static unsigned n_asks;

static bool ask_over(const ask *a)
{
    return a->ends + a->fails > 0 || a->cancelled;
}

static bool counted(ask *a)
{
    assert_false(ask_over(a)); /* no callback after the end */
    a->callbacks++;
    if (a->callbacks != a->cancel_at)
        return true;
    a->cancelled = true;
    kd_call_cancel(&a->call);
    kd_call_cancel(&a->call); /* harmless */
    return false;
}

static void ask_start(ask *a)
{
    kd_call_start(&client, &a->call);
}

static void ask_ended(ask *a)
{
    if (a->then)
        ask_start(a->then);
}

static void on_head(kd_call *call)
{
    ask *a = call->owner;
    if (!counted(a))
        return;
    a->heads++;
    assert_int_equal(a->heads, 1);
    if (a->pausing && !call->data_follows)
        kd_call_pause(call);
}

static void on_data(kd_call *call, kd_str piece, bool end)
{
    ask *a = call->owner;
    assert_int_equal(a->heads, 1);
    if (!counted(a))
        return;
    kd_buf_add(&a->body, piece);
    a->ends += end;
    if (end) {
        /* The last piece may be written behind: a parser works in place. */
        if (piece.n)
            memset((char *)(uintptr_t)piece.p + piece.n, 0, 4);
        ask_ended(a);
    } else if (a->pausing) {
        kd_call_pause(call);
    }
}

static void on_fail(kd_call *call)
{
    ask *a = call->owner;
    if (!counted(a))
        return;
    a->fails++;
    ask_ended(a);
}

static void send_on(ask *a)
{
    while (!a->last_sent && !ask_over(a)) {
        size_t left = a->to_send.n - a->sent, n = a->piece < left ? a->piece : left;
        kd_str piece = kd_str_of(a->to_send.p + a->sent, n);
        a->sent += n;
        a->last_sent = a->sent == a->to_send.n;
        if (kd_call_write(&a->call, piece, a->last_sent) == KD_FLOW_PAUSED)
            return;
    }
}

static void on_writable(kd_call *call)
{
    ask *a = call->owner;
    if (counted(a))
        send_on(a);
}

static const kd_call_events ask_events = {
    .on_head = on_head, .on_data = on_data, .on_fail = on_fail, .on_writable = on_writable};

/* A call that has not started; GET unless the head says otherwise. */
static ask *prepare(uint16_t port, const char *head)
{
    assert_true(n_asks < MAX_ASKS);
    ask *a = &asks[n_asks++];
    *a = (ask){.piece = 1000};
    kd_arena_init(&a->arena, &worker->chunks, 0);
    kd_buf_init(&a->body, 1u << 28);
    char host[32];
    int n = snprintf(host, sizeof host, "127.0.0.1:%u", port);
    kd_str text = kd_str_from_c(head);
    a->call = (kd_call){.events = &ask_events,
                        .owner = a,
                        .arena = &a->arena,
                        .target = kd_target_get(KD_STR("http"), kd_str_of(host, (size_t)n)),
                        .method = kd_method_of(kd_str_head(text, (size_t)kd_str_find(text, ' '))),
                        .request_head = text};
    a->call.idempotent = a->call.method == KD_METHOD_GET || a->call.method == KD_METHOD_HEAD;
    return a;
}

#define GET "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

static inline ask *get(void)
{
    ask *a = prepare(one.port, GET);
    ask_start(a);
    return a;
}

static inline void calls_up(const scripted *script, size_t n)
{
    worker_up();
    backend_up(&one, script, n);
    kd_client_init(&client, worker);
    n_asks = 0;
}

static bool pump_once(void)
{
    kd_loop_turn(&worker->loop, 0);
    bool any = backend_pump(&one) || worker->loop.ready != NULL;
    for (unsigned i = 0; i < n_asks; i++)
        if (asks[i].call.paused && !ask_over(&asks[i])) {
            kd_call_resume(&asks[i].call);
            any = true;
        }
    return any;
}

static void settle(void)
{
    for (unsigned quiet = 0; quiet < 4; quiet = pump_once() ? 0 : quiet + 1)
        ;
}

static inline void until_over(const ask *a)
{
    for (unsigned turns = 0; !ask_over(a); turns++) {
        assert_true(turns < QUIET_TURNS_MAX);
        kd_loop_turn(&worker->loop, 1);
        settle();
    }
}

static void asks_forget(void)
{
    for (unsigned i = 0; i < n_asks; i++) {
        if (!ask_over(&asks[i]))
            kd_call_cancel(&asks[i].call);
        kd_buf_fini(&asks[i].body);
        kd_arena_reset(&asks[i].arena);
    }
    n_asks = 0;
}

static inline void calls_down(const char *label)
{
    asks_forget();
    kd_client_fini(&client);
    assert_nothing_held(label);
    backend_down(&one);
    worker_down();
}

#endif
