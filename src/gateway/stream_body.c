#include "gateway/stream_body.h"

#include "gateway/exchange.h"

#define SHORT_BODY 2048              /* what Go's server sends with a length (net/http, bufferBeforeChunkingSize) */
#define PATIENCE   (KD_SECOND / 100) /* what comes later than this is a stream, and passes as it comes */

static void flow(kd_stream_body *body, kd_flow flow)
{
    if (flow == KD_FLOW_PAUSED && !body->ended) {
        body->paused = true;
        kd_call_pause(body->call);
    }
}

static bool must_sniff(const kd_exchange *x)
{
    return kd_status_has_body(x->reply.status) && !kd_headers_find(&x->reply.headers, KD_HEADER_CONTENT_TYPE) &&
           !kd_headers_find(&x->reply.headers, KD_HEADER_CONTENT_ENCODING);
}

static void begin(kd_stream_body *body, kd_str piece, bool end)
{
    kd_exchange *x = body->x;
    kd_timer_disarm(&x->front->worker->loop.timers, &body->patience);
    body->head_sent = true;
    flow(body, x->front->ops->respond(x->front, &x->reply, piece, end));
}

static kd_str held(const kd_stream_body *body)
{
    return (kd_str){body->n_held ? body->held : "", body->n_held};
}

static void on_patience_over(kd_timer *timer)
{
    kd_stream_body *body = KD_CONTAINER(timer, kd_stream_body, patience);
    kd_exchange *x = body->x;
    kd_exchange_enter(x);
    begin(body, held(body), false);
    kd_exchange_leave(x);
}

static bool hold(kd_stream_body *body, kd_str piece)
{
    if (body->n_held + piece.n > SHORT_BODY)
        return false;
    if (!body->held && !(body->held = kd_arena_alloc(body->x->front->arena, SHORT_BODY)))
        return false;
    if (piece.n)
        memcpy(body->held + body->n_held, piece.p, piece.n);
    body->n_held += (uint32_t)piece.n;
    return true;
}

/* Whether the head waits for the end: then the piece is kept. */
static bool wait_for_end(kd_stream_body *body, kd_str piece)
{
    kd_exchange *x = body->x;
    const kd_header *type = kd_headers_find(&x->reply.headers, KD_HEADER_CONTENT_TYPE);
    kd_str events = KD_STR("text/event-stream");
    if (body->length >= 0 || body->drop || (type && kd_str_eq_ci(kd_str_head(kd_header_value(type), events.n), events)))
        return false;
    if (!hold(body, piece))
        return false;
    kd_loop *loop = &x->front->worker->loop;
    if (!kd_timer_armed(&body->patience)) {
        kd_timer_init(&body->patience, on_patience_over);
        kd_timer_arm(&loop->timers, &body->patience, loop->now + PATIENCE);
    }
    return true;
}

static void put(kd_stream_body *body, kd_str piece, bool end)
{
    kd_exchange *x = body->x;
    if (body->drop)
        piece.n = 0;
    if (!body->head_sent && !piece.n && !body->n_held && !end && must_sniff(x))
        return; /* the type is guessed from the first bytes: the head waits for them */
    if (!body->head_sent) {
        if (!end && wait_for_end(body, piece))
            return;
        if (!body->n_held) {
            begin(body, piece, end);
            return;
        }
        if (hold(body, piece)) {
            begin(body, held(body), end);
            return;
        }
        begin(body, held(body), false);
    }
    if (piece.n || end)
        flow(body, x->front->ops->write(x->front, piece, end));
}

static void cut(kd_stream_body *body)
{
    kd_exchange *x = body->x;
    if (kd_timer_armed(&body->patience))
        begin(body, held(body), false);
    body->ended = true;
    x->failure = body->call->failure ? body->call->failure : KD_FAIL_BAD_BODY;
    x->front->ops->abort(x->front);
}

void kd_stream_body_start(kd_stream_body *body)
{
    if (body->failed) {
        cut(body);
        return;
    }
    if (body->is_whole) {
        kd_stream_body_data(body, body->whole, true);
        return;
    }
    if (body->call->data_follows && !body->call->paused)
        return; /* the head leaves with the first piece */
    put(body, (kd_str){"", 0}, body->ended);
    if (!body->ended && !body->paused)
        kd_call_resume(body->call);
}

static bool on_inflated(void *owner, kd_str piece)
{
    kd_stream_body *body = owner;
    put(body, piece, false);
    return !body->paused; /* what one piece of input inflates to is not bounded: stop where the client does */
}

void kd_stream_body_data(kd_stream_body *body, kd_str piece, bool end)
{
    if (body->cancelled)
        return;
    if (!body->gunzip) {
        body->ended = end;
        put(body, piece, end);
        return;
    }
    body->last |= end;
    body->fed |= piece.n > 0;
    if (!body->fed) { /* an empty body is no broken gzip */
        body->ended = end;
        put(body, piece, end);
        return;
    }
    kd_gunzip_result result = kd_gunzip_feed(body->gunzip, piece, body->last, on_inflated, body);
    if (result == KD_GUNZIP_STOPPED)
        return;
    if (result == KD_GUNZIP_ERROR || (body->last && result != KD_GUNZIP_END)) {
        cut(body);
        return;
    }
    body->ended = body->last;
    if (body->ended || !body->head_sent)
        put(body, (kd_str){"", 0}, body->ended);
}

void kd_stream_body_fail(kd_stream_body *body)
{
    if (body->cancelled || body->ended)
        return;
    if (body->gunzip && kd_gunzip_stopped(body->gunzip))
        return; /* first what has come already */
    body->failed = true;
    if (body->x->sent)
        cut(body);
}

void kd_stream_body_resume(kd_stream_body *body)
{
    if (body->cancelled || body->ended)
        return;
    body->paused = false;
    if (body->gunzip && kd_gunzip_stopped(body->gunzip)) {
        kd_stream_body_data(body, (kd_str){"", 0}, false);
        if (body->paused || body->ended || body->cancelled)
            return;
    }
    if (body->call->over && !body->ended)
        kd_stream_body_fail(body); /* it failed while the client was slow */
    else
        kd_call_resume(body->call);
}

void kd_stream_body_cancel(kd_stream_body *body)
{
    if (body->cancelled)
        return;
    body->cancelled = true;
    kd_timer_disarm(&body->x->front->worker->loop.timers, &body->patience);
    kd_call_cancel(body->call);
    if (body->gunzip)
        kd_gunzip_end(body->gunzip);
}
