/* Is there a body? With methods that mostly have none Go looks for its first byte before it lays out the request, for
 * at most 200 ms: without a byte no body is announced (spec/01 section 8.2). Only a body of unknown length can turn out
 * empty. */
#include "gateway/steps/send.h"

#define PROBE_TIME (200 * KD_MS)

bool kd_send_wants_probe(const kd_send *s)
{
    const kd_exchange *x = s->branch->x;
    uint64_t length;
    return !x->front->body_ended && !x->body_taken && !x->detached && !s->branch->request->body &&
           x->front->head->framing == KD_FRAMING_CHUNKED && kd_send_often_bodiless(s) &&
           !kd_send_stated_length(s, &length);
}

void kd_send_stop_probe(kd_send *s)
{
    kd_exchange *x = s->branch->x;
    if (!s->probing)
        return;
    s->probing = false;
    x->on_body = NULL;
    kd_timer_disarm(&x->worker->net->loop.timers, &s->probe);
    if (!x->gone)
        x->front->ops->pause_body(x->front);
}

static void on_first_byte(kd_exchange *x, kd_str piece, bool end, bool failed)
{
    kd_send *s = x->body_owner;
    if (failed || x->too_large) {
        s->peek_failed = x->too_large ? KD_FAIL_TOO_LARGE : KD_FAIL_BAD_REQUEST;
    } else if (piece.n) {
        s->peeked = kd_arena_copy(x->front->arena, piece);
        if (!s->peeked.p)
            s->peek_failed = KD_FAIL_SHED;
    } else if (!end) {
        return;
    }
    kd_send_stop_probe(s);
    kd_branch_resume(s->branch);
}

static void on_time(kd_timer *timer)
{
    kd_send *s = KD_CONTAINER(timer, kd_send, probe);
    kd_exchange *x = s->branch->x;
    kd_exchange_enter(x);
    kd_send_stop_probe(s);
    kd_branch_resume(s->branch);
    kd_exchange_leave(x);
}

static void on_cancel(void *what)
{
    kd_send_stop_probe(what);
}

kd_verdict kd_send_probe(kd_send *s)
{
    kd_exchange *x = s->branch->x;
    kd_loop *loop = &x->worker->net->loop;
    s->probing = true;
    x->on_body = on_first_byte;
    x->body_owner = s;
    x->body_taken = true;
    kd_timer_init(&s->probe, on_time);
    kd_timer_arm(&loop->timers, &s->probe, loop->now + PROBE_TIME);
    x->front->ops->read_body(x->front);
    return kd_branch_wait(s->branch, KD_WAIT_BODY, on_cancel, s);
}
