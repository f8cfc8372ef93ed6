#include "gateway/stream_body.h"

#include "gateway/exchange.h"

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

static void put(kd_stream_body *body, kd_str piece, bool end)
{
    kd_exchange *x = body->x;
    if (body->drop)
        piece.n = 0;
    if (!body->head_sent && !piece.n && !end && must_sniff(x))
        return; /* the type is guessed from the first bytes: the head waits for them */
    if (!body->head_sent) {
        body->head_sent = true;
        flow(body, x->front->ops->respond(x->front, &x->reply, piece, end));
    } else if (piece.n || end) {
        flow(body, x->front->ops->write(x->front, piece, end));
    }
}

static void cut(kd_stream_body *body)
{
    kd_exchange *x = body->x;
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
    kd_call_cancel(body->call);
    if (body->gunzip)
        kd_gunzip_end(body->gunzip);
}
