/* What an owner can do with an HTTP/2 request. */
#include "http/server2_own.h"

#include "http/reply2.h"

/* A small piece is copied when the connection is at work anyway: several answers leave in one write then. */
#define GATHERED (4u * 1024)

static kd_request2 *request_of(kd_front *front)
{
    return KD_CONTAINER(front, kd_request2, front);
}

/* Nothing more can be said to the client. */
static bool is_over(const kd_request2 *q)
{
    return q->c->gone || q->closed || q->told || q->aborted;
}

static void queue(kd_request2 *q, kd_str body)
{
    kd_connection2 *c = q->c;
    if (!c->queued)
        c->moved = c->server->worker->loop.now;
    size_t before = q->out.n;
    bool ok = kd_outq_add(&q->out, &c->server->worker->chunks, body.p, body.n);
    c->queued += q->out.n - before;
    if (!ok)
        kd_request2_reset(q, NGHTTP2_INTERNAL_ERROR);
}

/* Gives a piece of the body to the frames, as far as windows and socket take it; the rest waits in the request. */
static void put_body(kd_request2 *q, kd_str body, bool end)
{
    kd_connection2 *c = q->c;
    if (q->answer_length) {
        body = kd_str_head(body, q->answer_left);
        q->answer_left -= body.n;
    }
    q->answered = end;
    if (end && q->answer_length && q->answer_left) {
        kd_request2_reset(q, NGHTTP2_INTERNAL_ERROR); /* the client sees a body that is too short */
        q->aborted = true;
    } else if (c->out.n || q->out.n || (c->driving && body.n <= GATHERED)) {
        queue(q, body);
        nghttp2_session_resume_data(c->session, q->id);
    } else {
        q->now = body;
        nghttp2_session_resume_data(c->session, q->id);
        kd_connection2_pump(c);
        body = q->now;
        q->now = KD_STR("");
        if (body.n && !c->gone)
            queue(q, body);
    }
}

/* What an operation leaves to do: its own end is told at once, the rest in the next turn. The request may be gone
 * afterwards. */
static void leave(kd_request2 *q)
{
    kd_connection2 *c = q->c;
    if (q->aborted || c->gone)
        kd_request2_due(q);
    if (c->driving)
        return;
    kd_connection2_pump(c);
    if (q->answered && q->ended && !c->out.n && !q->busy) {
        c->driving = true;
        kd_request2_look(q);
        c->driving = false;
    }
    if (c->due || c->gone || c->farewell || !c->n_requests)
        kd_connection2_requeue(c);
}

static kd_flow flow_of(kd_request2 *q)
{
    if (q->answered || is_over(q) || (!q->out.n && !q->c->out.n))
        return KD_FLOW_ON;
    q->writable_owed = true;
    return KD_FLOW_PAUSED;
}

/* Submits head and first piece. False without memory. */
static bool begin_answer(kd_request2 *q, const kd_reply *reply, kd_str body, bool end)
{
    kd_connection2 *c = q->c;
    kd_reply copy = *reply;
    kd_reply2 head;
    unsigned refused = 0;
    kd_reply_context context = {.method = q->front.head->method,
                                .minor = 1,
                                .keep_alive = true,
                                .date = kd_worker_date(c->server->worker),
                                .first = body,
                                .complete = end};
    if (!kd_reply2_write(&head, &q->arena, &copy, &context, &refused))
        return false;
    c->server->refused_fields += refused;
    q->responded = true;
    q->continue_owed = false;
    q->no_body = head.no_body;
    q->answer_length = head.length >= 0 && !head.no_body;
    q->answer_left = q->answer_length ? (uint64_t)head.length : 0;
    bool empty = head.no_body || (end && !body.n && !q->answer_left);
    nghttp2_data_provider provider = {.source.ptr = q, .read_callback = kd_request2_read};
    if (nghttp2_submit_response(c->session, q->id, head.v, head.n, empty ? NULL : &provider) != 0)
        return false;
    if (empty)
        q->answered = end;
    else
        put_body(q, body, end);
    return true;
}

static kd_flow op_respond(kd_front *front, const kd_reply *reply, kd_str body, bool end)
{
    kd_request2 *q = request_of(front);
    if (is_over(q) || q->responded)
        return KD_FLOW_ON;
    if (!begin_answer(q, reply, body, end))
        kd_request2_reset(q, NGHTTP2_INTERNAL_ERROR);
    kd_flow flow = flow_of(q);
    leave(q);
    return flow;
}

static kd_flow op_write(kd_front *front, kd_str body, bool end)
{
    kd_request2 *q = request_of(front);
    if (is_over(q) || q->answered)
        return KD_FLOW_ON;
    if (q->no_body)
        q->answered = end;
    else
        put_body(q, body, end);
    kd_flow flow = flow_of(q);
    leave(q);
    return flow;
}

static void op_abort(kd_front *front)
{
    kd_request2 *q = request_of(front);
    if (is_over(q))
        return;
    kd_request2_reset(q, NGHTTP2_INTERNAL_ERROR);
    q->aborted = q->answered = true;
    kd_request2_due(q);
    if (!q->c->driving)
        kd_connection2_requeue(q->c);
}

static void op_read_body(kd_front *front)
{
    static const nghttp2_nv go_on = {
        .name = (uint8_t *)(uintptr_t) ":status", .value = (uint8_t *)(uintptr_t) "100", .namelen = 7, .valuelen = 3};
    kd_request2 *q = request_of(front);
    kd_connection2 *c = q->c;
    if (front->body_ended || q->body_wanted || is_over(q))
        return;
    q->body_wanted = true;
    if (q->continue_owed && !q->responded && !q->in.n && !q->in_ended)
        nghttp2_submit_headers(c->session, NGHTTP2_FLAG_NONE, q->id, NULL, &go_on, 1, NULL);
    q->continue_owed = false;
    kd_request2_due(q);
    if (!c->driving)
        kd_connection2_requeue(c);
}

static void op_pause_body(kd_front *front)
{
    request_of(front)->body_wanted = false;
}

static void op_release(kd_front *front)
{
    kd_request2 *q = request_of(front);
    q->released = true;
    kd_request2_due(q);
    if (!q->c->driving)
        kd_connection2_requeue(q->c);
}

void kd_request2_answer_refusal(kd_request2 *q)
{
    kd_reply reply = {.status = q->refused, .length = -1};
    kd_headers_init(&reply.headers, &q->arena);
    if (q->refused == 400) { /* as net/http's Error */
        kd_headers_add_token(&reply.headers, KD_HEADER_CONTENT_TYPE, KD_STR("text/plain; charset=utf-8"));
        kd_headers_add(&reply.headers, KD_STR("X-Content-Type-Options"), KD_STR("nosniff"));
    }
    if (reply.headers.failed || !begin_answer(q, &reply, q->refusal, true))
        kd_request2_reset(q, NGHTTP2_INTERNAL_ERROR);
}

const kd_front_ops kd_server2_ops = {
    .respond = op_respond,
    .write = op_write,
    .abort = op_abort,
    .read_body = op_read_body,
    .pause_body = op_pause_body,
    .release = op_release,
};
