#include "gateway/detached.h"

#include "gateway/body.h"
#include "gateway/worker.h"

typedef struct kd_detached {
    struct kd_detached *next, **link; /* of the worker */
    kd_front front;
    kd_request_head head;
    kd_address peer;
    kd_arena arena; /* which all of this lies in */
    kd_exchange x;
    kd_timer begin;
    kd_ns timeout;
    const kd_step *steps;
    kd_range range;
} kd_detached;

static kd_detached *of_front(kd_front *front)
{
    return KD_CONTAINER(front, kd_detached, front);
}

/* ---- a front that swallows -------------------------------------------------------------------------------------- */

static kd_flow op_respond(kd_front *front, const kd_reply *reply, kd_str body, bool end)
{
    (void)front, (void)reply, (void)body, (void)end;
    return KD_FLOW_ON;
}

static kd_flow op_write(kd_front *front, kd_str body, bool end)
{
    (void)front, (void)body, (void)end;
    return KD_FLOW_ON;
}

static void op_nothing(kd_front *front)
{
    (void)front;
}

static void op_release(kd_front *front)
{
    kd_detached *d = of_front(front);
    kd_gateway_worker *worker = d->x.worker;
    kd_timer_disarm(&front->worker->loop.timers, &d->begin);
    *d->link = d->next;
    if (d->next)
        d->next->link = d->link;
    worker->n_detached--;
    kd_arena arena = d->arena;
    kd_arena_reset(&arena);
}

static const kd_front_ops ops = {.respond = op_respond,
                                 .write = op_write,
                                 .abort = op_nothing,
                                 .read_body = op_nothing,
                                 .pause_body = op_nothing,
                                 .release = op_release};

/* ---- running ---------------------------------------------------------------------------------------------------- */

static void on_end(kd_branch *branch)
{
    branch->x->done = true;
}

static void on_begin(kd_timer *timer)
{
    kd_detached *d = KD_CONTAINER(timer, kd_detached, begin);
    kd_exchange *x = &d->x;
    kd_exchange_enter(x);
    char *states = kd_arena_zero(&d->arena, d->range.state_size);
    if (states) {
        kd_branch_init(&x->root, NULL, x, d->steps, d->range.begin, d->range.end, states);
        x->root.request = &x->request;
        x->root.on_end = on_end;
        kd_branch_limit(&x->root, d->front.worker->loop.now + d->timeout);
        kd_branch_run(&x->root);
    } else {
        x->done = true;
    }
    kd_exchange_leave(x);
}

/* What steps may want to know of the client's request, without its fields. */
static bool copy_head(kd_detached *d, const kd_front *from)
{
    const kd_request_head *head = from->head;
    d->head = (kd_request_head){.method = head->method,
                                .has_query = head->has_query,
                                .path_plain = head->path_plain,
                                .minor = head->minor,
                                .framing = KD_FRAMING_NONE};
    kd_headers_init(&d->head.headers, &d->arena);
    const kd_str *texts[] = {&head->method_text, &head->target, &head->path, &head->query, &head->host};
    kd_str *copies[] = {&d->head.method_text, &d->head.target, &d->head.path, &d->head.query, &d->head.host};
    for (size_t i = 0; i < KD_COUNT(texts); i++) {
        *copies[i] = kd_arena_copy(&d->arena, *texts[i]);
        if (!copies[i]->p)
            return false;
    }
    d->peer = *from->peer;
    d->front = (kd_front){.ops = &ops,
                          .worker = from->worker,
                          .arena = &d->arena,
                          .head = &d->head,
                          .peer = &d->peer,
                          .began = from->began,
                          .body_ended = true,
                          .tls = from->tls,
                          .owner = &d->x};
    return true;
}

static bool copy_exchange(kd_detached *d, const kd_exchange *from, const kd_request *request)
{
    kd_exchange *x = &d->x;
    x->front = &d->front;
    x->worker = from->worker;
    x->generation = from->generation;
    x->plan = from->plan;
    x->notes_tail = &x->notes;
    x->reply.length = -1;
    x->detached = x->body_taken = true;
    kd_headers_init(&x->reply.headers, &d->arena);
    kd_scope_init(&x->scope, NULL, NULL, "detached exchange");
    x->path = kd_arena_copy(&d->arena, from->path);
    x->client_ip = from->client_ip.p ? kd_arena_copy(&d->arena, from->client_ip) : KD_STR("");
    return x->path.p && x->client_ip.p && kd_request_clone(&x->request, request, &d->arena);
}

static kd_detached *make(const kd_branch *branch)
{
    kd_gateway_worker *worker = branch->x->worker;
    uint64_t body = branch->request->body ? branch->request->body->n : 0;
    if (worker->n_detached >= KD_DETACHED_MAX || worker->detached_chunks.in_use + body > KD_DETACHED_BYTES)
        return NULL;
    kd_arena arena;
    kd_arena_init(&arena, &worker->detached_chunks, KD_DETACHED_EACH + (size_t)body);
    kd_detached *d = KD_NEW(&arena, kd_detached);
    if (!d) {
        kd_arena_reset(&arena);
        return NULL;
    }
    d->arena = arena;
    if (copy_head(d, branch->x->front) && copy_exchange(d, branch->x, branch->request))
        return d;
    arena = d->arena;
    kd_arena_reset(&arena);
    return NULL;
}

bool kd_detached_start(const kd_branch *branch, const kd_range *range, kd_ns timeout)
{
    kd_gateway_worker *worker = branch->x->worker;
    kd_detached *d = make(branch);
    if (!d) {
        worker->dropped_detached++;
        return false;
    }
    d->steps = branch->steps;
    d->range = *range;
    d->timeout = timeout;
    d->next = worker->detached;
    if (d->next)
        d->next->link = &d->next;
    d->link = &worker->detached;
    worker->detached = d;
    worker->n_detached++;
    kd_gateway_worker_use_again(worker, d->x.generation);
    kd_timer_init(&d->begin, on_begin);
    kd_timer_arm(&d->front.worker->loop.timers, &d->begin, d->front.worker->loop.now);
    return true;
}

void kd_detached_cancel_all(kd_gateway_worker *worker)
{
    while (worker->detached) {
        kd_exchange *x = &worker->detached->x;
        kd_exchange_enter(x);
        x->done = true;
        kd_exchange_leave(x);
    }
}
