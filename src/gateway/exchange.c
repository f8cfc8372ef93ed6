#include "gateway/exchange.h"

#include "gateway/param_check.h"
#include "gateway/stream_body.h"
#include "gateway/worker.h"

/* ---- the end -------------------------------------------------------------------------------------------------------
 */

static void finish(kd_exchange *x)
{
    x->finished = true;
    kd_generation *generation = x->generation;
    for (unsigned i = 0; i < generation->n_end_hooks && !x->detached; i++)
        generation->end_hooks[i].run(x, generation->end_hooks[i].config);
    kd_scope_cancel(&x->scope);
    kd_scope_end(&x->scope);
    if (x->streaming)
        kd_stream_body_cancel(x->streaming);
    kd_timer_disarm(&x->front->worker->loop.timers, &x->root.timer);
    kd_gateway_worker *worker = x->worker;
    if (KD_UNLIKELY(x->blocks != NULL))
        kd_blocks_free(x, NULL);
    if (x->costly)
        kd_hold_ended(worker);
    if (!x->detached) {
        kd_count(&worker->failures[x->failure]);
        kd_count(&worker->answers);
    }
    kd_front *front = x->front;
    kd_gateway_worker_unuse(worker, generation);
    front->ops->release(front); /* x is gone with the front's arena */
}

void kd_exchange_leave(kd_exchange *x)
{
    if (x->depth > 1 || x->finished) {
        x->depth--;
        return;
    }
    if (x->gone && !x->root.ended) {
        x->failure = KD_FAIL_CANCELLED;
        kd_branch_expire(&x->root, KD_FAIL_CANCELLED);
    }
    if (x->done || (x->gone && x->root.ended)) {
        finish(x);
        return;
    }
    x->depth--;
}

/* ---- answering -----------------------------------------------------------------------------------------------------
 */

void kd_exchange_note(kd_exchange *x, kd_str text)
{
    kd_note *note = KD_NEW(x->front->arena, kd_note);
    if (!note)
        return;
    note->text = text;
    *x->notes_tail = note;
    x->notes_tail = &note->next;
    x->n_notes++;
}

kd_verdict kd_exchange_answer(kd_branch *branch, uint16_t status, kd_str body, kd_str type)
{
    kd_exchange *x = branch->x;
    x->reply.status = status;
    x->body = body;
    if (type.n)
        kd_headers_add_token(&x->reply.headers, KD_HEADER_CONTENT_TYPE, type);
    return KD_DONE;
}

/* There was no memory for all of the answer's fields: it is not given without them. */
static void drop_answer(kd_exchange *x)
{
    x->failure = KD_FAIL_SHED;
    x->reply.status = 503;
    x->reply.length = -1;
    x->reply.headers.n = 0;
    x->streaming = NULL; /* whose call ends with its next bytes, or with the exchange */
    x->body = KD_STR("");
}

static void send_answer(kd_exchange *x)
{
    kd_generation *generation = x->generation;
    x->sent = true;
    if (x->gone)
        return;
    for (unsigned i = 0; i < generation->n_head_hooks; i++)
        generation->head_hooks[i].run(x, generation->head_hooks[i].config);
    if (KD_UNLIKELY(x->reply.headers.failed))
        drop_answer(x);
    if (x->reply.status == 0)
        x->reply.status = 200;
    if (x->streaming) {
        kd_stream_body_start(x->streaming);
        return;
    }
    /* What the answer was made of is not needed while a slow client takes it, unless the log will show it. */
    if (KD_UNLIKELY(x->blocks && !x->n_notes))
        kd_blocks_free(x, x->body.p);
    if (x->costly)
        kd_hold_ended(x->worker);
    x->costly = false;
    x->front->ops->respond(x->front, &x->reply, kd_status_has_body(x->reply.status) ? x->body : KD_STR(""), true);
    if (KD_UNLIKELY(x->blocks && !x->n_notes))
        kd_blocks_free(x, NULL);
}

void kd_exchange_expired(kd_exchange *x, kd_branch *branch)
{
    if (branch != &x->root || !x->streaming || x->streaming->ended || x->done)
        return; /* what a slow client has still to fetch is whole */
    x->over_deadline = true;
    x->failure = KD_FAIL_DEADLINE;
    kd_stream_body_cancel(x->streaming);
    x->front->ops->abort(x->front);
}

/* A fault that no step has put into words, because it came from outside the handler or from its beginning. */
static void word_fault(kd_exchange *x, const kd_outcome *outcome)
{
    const kd_fault *fault = outcome->fault;
    if (!fault || outcome->response || x->reply.status)
        return;
    x->reply.status = fault->status ? fault->status : fault->failure == KD_FAIL_SHED ? 503 : 500;
    if (x->failure == KD_FAIL_NONE)
        x->failure = fault->failure;
}

static void on_root_end(kd_branch *branch)
{
    word_fault(branch->x, &branch->outcome);
    send_answer(branch->x);
}

/* ---- starting ------------------------------------------------------------------------------------------------------
 */

static size_t write_v4(char *to, uint32_t address)
{
    size_t n = 0;
    for (int shift = 24; shift >= 0; shift -= 8) {
        if (n)
            to[n++] = '.';
        uint32_t v = address >> shift & 255;
        if (v >= 100)
            to[n++] = (char)('0' + v / 100);
        if (v >= 10)
            to[n++] = (char)('0' + v / 10 % 10);
        to[n++] = (char)('0' + v % 10);
    }
    return n;
}

kd_str kd_exchange_client_ip(kd_exchange *x)
{
    if (x->client_ip.p)
        return x->client_ip;
    char *text = kd_arena_alloc(x->front->arena, KD_IP_TEXT + 56);
    if (!text)
        return KD_STR("");
    const kd_address *peer = x->front->peer;
    if (KD_LIKELY(peer->any.sa_family == AF_INET &&
                  kd_client_ip_is_direct(&x->generation->client_ip, &x->front->head->headers))) {
        x->client_ip = kd_str_of(text, write_v4(text, ntohl(peer->v4.sin_addr.s_addr)));
        return x->client_ip;
    }
    bool local = peer->any.sa_family == AF_UNIX || peer->any.sa_family == AF_UNSPEC;
    size_t n = local ? 0 : kd_address_write(text + KD_IP_TEXT, peer);
    kd_str address = {text + KD_IP_TEXT, n};
    ptrdiff_t colon = kd_str_rfind(address, ':');
    if (colon > 0)
        address.n = (size_t)colon;
    if (address.n > 1 && address.p[0] == '[')
        address = (kd_str){address.p + 1, address.n - 2};
    x->client_ip =
        kd_client_ip_find(&x->generation->client_ip, address, local, &x->front->head->headers, x->front->arena, text);
    if (!x->client_ip.p)
        x->client_ip = KD_STR("");
    return x->client_ip;
}

static void answer_now(kd_exchange *x, uint16_t status)
{
    x->reply.status = status;
    x->root.ended = true;
    send_answer(x);
}

static void shed(kd_exchange *x)
{
    x->failure = KD_FAIL_SHED;
    kd_headers_add_token(&x->reply.headers, KD_HEADER_RETRY_AFTER, KD_STR("1"));
    kd_limits_refused(KD_LIMIT_MEMORY, &x->generation->limits);
    answer_now(x, 503);
}

static void redirect(kd_exchange *x, const kd_route_match *match)
{
    kd_request_head *head = x->front->head;
    kd_arena *arena = x->front->arena;
    const kd_header *prefix = kd_headers_find_name(&head->headers, KD_STR("X-Forwarded-Prefix"));
    kd_str origin = {"", 0};
    if (head->authority.n)
        origin = kd_str_head(head->target, (size_t)(head->authority.p + head->authority.n - head->target.p));
    kd_redirect words;
    if (!kd_redirect_word(arena, match, head->method_text, origin, prefix ? kd_header_value(prefix) : KD_STR(""),
                          head->query, head->has_query, &words)) {
        answer_now(x, 503);
        return;
    }
    kd_headers_add_token(&x->reply.headers, KD_HEADER_LOCATION, words.location);
    if (words.has_type)
        kd_headers_add_token(&x->reply.headers, KD_HEADER_CONTENT_TYPE, KD_STR("text/html; charset=utf-8"));
    x->body = words.body;
    answer_now(x, (uint16_t)match->status);
}

static bool route(kd_exchange *x)
{
    kd_generation *generation = x->generation;
    kd_arena *arena = x->front->arena;
    kd_route_match match = {0};
    uint32_t room = kd_router_max_params(generation->router);
    match.params = room ? kd_arena_alloc(arena, room * sizeof *match.params) : NULL;
    if (room && !match.params)
        return false;
    kd_route_result result = kd_router_lookup(generation->router, x->front->head->method_text, x->path, arena, &match);
    x->params = match.params;
    x->n_params = match.n_params;
    switch (result) {
    case KD_ROUTE_FOUND:
        x->plan = match.route->handler;
        return true;
    case KD_ROUTE_NOT_ALLOWED:
        x->plan = generation->not_allowed;
        /* also where a step answers in the stead of 405 (spec/02 section 9.2) */
        kd_headers_add_token(&x->reply.headers, KD_HEADER_ALLOW, match.allow);
        return true;
    case KD_ROUTE_NOT_FOUND:
        x->plan = generation->not_found;
        return true;
    case KD_ROUTE_REDIRECT:
        redirect(x, &match);
        return true;
    default:
        return false;
    }
}

/* Has something in front of the router the answer? */
static bool answered(const kd_generation *generation, kd_front *front, kd_reply *reply)
{
    bool over = false;
    for (unsigned i = 0; i < generation->n_entry_hooks && !over; i++)
        over = generation->entry_hooks[i].run(front, reply, generation->entry_hooks[i].config);
    return over;
}

static void start(kd_exchange *x)
{
    kd_front *front = x->front;
    kd_request_head *head = front->head;
    if (KD_UNLIKELY(head->expect_other)) {
        x->reply.close = true;
        answer_now(x, 417);
        return;
    }
    if (KD_UNLIKELY(head->method == KD_METHOD_OPTIONS && kd_str_eq(head->target, KD_STR("*")))) {
        answer_now(x, 200);
        return;
    }
    kd_str bad;
    x->path = head->path;
    bool decoded = head->path_plain || kd_go_url_unescape(front->arena, head->path, false, &x->path, &bad);
    if (KD_UNLIKELY(!decoded)) {
        x->reply.close = true;
        answer_now(x, 400);
        return;
    }
    if (x->generation->n_entry_hooks && answered(x->generation, front, &x->reply)) {
        answer_now(x, x->reply.status);
        return;
    }
    if (KD_UNLIKELY(!route(x))) {
        shed(x);
        return;
    }
    if (!x->plan)
        return; /* redirected */
    char *states = kd_arena_zero(front->arena, x->plan->state_size);
    if (KD_UNLIKELY(!states)) {
        shed(x);
        return;
    }
    kd_branch_init(&x->root, NULL, x, x->plan->steps, x->plan->root.begin, x->plan->root.end, states);
    x->root.request = &x->request;
    x->root.on_end = on_root_end;
    kd_branch_run(&x->root);
}

/* Answers at a limit, without an exchange: nothing is allocated but a few fields. */
static void refuse(kd_gateway_worker *worker, kd_front *front, uint16_t status, kd_failure failure)
{
    kd_reply reply = {.status = status, .length = -1};
    kd_headers_init(&reply.headers, front->arena);
    bool other = answered(worker->generation, front, &reply); /* a preflight costs nothing */
    if (reply.headers.failed)
        reply.headers.n = 0;
    if (status == 503 && !other)
        reply.close = !kd_headers_add_token(&reply.headers, KD_HEADER_RETRY_AFTER, KD_STR("1"));
    kd_count(&worker->requests);
    kd_count(&worker->answers);
    kd_count(&worker->failures[failure]);
    front->owner = NULL;
    front->ops->respond(front, &reply, KD_STR(""), true);
}

/* Is the gateway or this request at a limit? Then it is answered. */
static bool refused(kd_gateway_worker *worker, kd_front *front)
{
    const kd_limits *limits = &worker->generation->limits;
    const kd_request_head *head = front->head;
    if (limits->max_body_size && head->framing == KD_FRAMING_LENGTH && head->length > limits->max_body_size) {
        refuse(worker, front, 413, KD_FAIL_TOO_LARGE);
        return true;
    }
    bool memory = kd_hold_is_full(),
         requests = limits->max_requests && kd_gateway_in_flight(worker) >= limits->max_requests;
    if (!memory && !requests)
        return false;
    kd_limits_refused(memory ? KD_LIMIT_MEMORY : KD_LIMIT_REQUESTS, limits);
    refuse(worker, front, 503, KD_FAIL_SHED);
    return true;
}

static void on_request(void *context, kd_front *front)
{
    kd_gateway_worker *worker = context;
    if (KD_UNLIKELY(worker->guarded || kd_hold_is_full()) && refused(worker, front))
        return;
    kd_exchange *x = KD_NEW(front->arena, kd_exchange);
    if (KD_UNLIKELY(!x)) {
        kd_limits_refused(KD_LIMIT_MEMORY, &worker->generation->limits);
        refuse(worker, front, 503, KD_FAIL_SHED);
        return;
    }
    front->owner = x;
    x->front = front;
    x->worker = worker;
    x->generation = kd_gateway_worker_use(worker);
    x->notes_tail = &x->notes;
    x->reply.length = -1;
    kd_headers_init(&x->reply.headers, front->arena);
    kd_scope_init(&x->scope, NULL, NULL, "exchange");
    kd_count(&worker->requests);
    x->costly = true;
    kd_hold_began(worker);
    kd_exchange_enter(x);
    start(x);
    kd_exchange_leave(x);
}

/* ---- what the front tells ------------------------------------------------------------------------------------------
 */

static void on_body(kd_front *front, kd_str piece, bool end, bool failed)
{
    kd_exchange *x = front->owner;
    if (!x || !x->on_body)
        return;
    kd_exchange_enter(x);
    uint64_t most = x->generation->limits.max_body_size;
    if (KD_UNLIKELY(most != 0) && (x->body_seen += piece.n) > most) {
        x->too_large = end = failed = true;
        piece.n = 0;
    }
    x->on_body(x, piece, end, failed);
    kd_exchange_leave(x);
}

static void on_writable(kd_front *front)
{
    kd_exchange *x = front->owner;
    if (!x || !x->streaming)
        return;
    kd_exchange_enter(x);
    kd_stream_body_resume(x->streaming);
    kd_exchange_leave(x);
}

static void on_gone(kd_front *front)
{
    kd_exchange *x = front->owner;
    if (!x) {
        front->ops->release(front);
        return;
    }
    kd_exchange_enter(x);
    x->gone = true;
    if (x->failure == KD_FAIL_NONE)
        x->failure = KD_FAIL_CANCELLED;
    kd_exchange_leave(x);
}

static void on_done(kd_front *front)
{
    kd_exchange *x = front->owner;
    if (!x) {
        front->ops->release(front);
        return;
    }
    kd_exchange_enter(x);
    x->done = true;
    kd_exchange_leave(x);
}

const kd_handler kd_exchange_handler = {
    .on_request = on_request,
    .on_body = on_body,
    .on_writable = on_writable,
    .on_gone = on_gone,
    .on_done = on_done,
};
