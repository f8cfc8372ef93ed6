#include "gateway/body.h"

#include "gateway/exchange.h"

/* A stated length is believed so far when room for the first piece is made. */
#define FIRST_PIECE_MAX (1024u * 1024)
#define PIECE_SIZE      (KD_CHUNK_LARGE - sizeof(kd_chunk) - sizeof(kd_body_piece))

const kd_body kd_body_empty = {.ended = true};

/* A branch that waits for the body. */
typedef struct kd_body_waiter {
    struct kd_body_waiter *next;
    kd_exchange *x;
    kd_branch *branch;
} kd_body_waiter;

static kd_body_piece *make_piece(kd_arena *arena, size_t cap)
{
    cap = (cap + 7) & ~(size_t)7;
    kd_body_piece *piece = kd_arena_alloc(arena, sizeof *piece + cap);
    if (piece)
        *piece = (kd_body_piece){.cap = (uint32_t)cap};
    return piece;
}

static size_t room_for(const kd_exchange *x, const kd_body *body, size_t n)
{
    if (body->first)
        return n < PIECE_SIZE ? PIECE_SIZE : n;
    const kd_request_head *head = x->front->head;
    if (head->framing == KD_FRAMING_LENGTH && head->length > n)
        return head->length < FIRST_PIECE_MAX ? (size_t)head->length : FIRST_PIECE_MAX;
    return n < 256 ? 256 : n;
}

static void fail(kd_body *body, kd_failure failure)
{
    body->failure = failure;
    body->ended = true;
}

static void add(kd_exchange *x, kd_body *body, kd_str bytes)
{
    if (body->n + bytes.n > KD_BODY_MAX) {
        fail(body, KD_FAIL_TOO_LARGE);
        return;
    }
    body->n += bytes.n;
    while (bytes.n) {
        kd_body_piece *piece = body->last;
        if (!piece || piece->n == piece->cap) {
            piece = make_piece(x->front->arena, room_for(x, body, bytes.n));
            if (!piece) {
                fail(body, KD_FAIL_SHED);
                return;
            }
            if (body->last)
                body->last->next = piece;
            else
                body->first = piece;
            body->last = piece;
        }
        size_t part = bytes.n < piece->cap - piece->n ? bytes.n : piece->cap - piece->n;
        memcpy(piece->bytes + piece->n, bytes.p, part);
        piece->n += (uint32_t)part;
        bytes = kd_str_from(bytes, part);
    }
}

static void on_body(kd_exchange *x, kd_str bytes, bool end, bool failed)
{
    kd_body *body = x->kept;
    if (failed)
        fail(body, x->too_large ? KD_FAIL_TOO_LARGE : KD_FAIL_BAD_REQUEST);
    else
        add(x, body, bytes);
    if (end)
        body->ended = true;
    if (!body->ended)
        return;
    x->on_body = NULL;
    x->front->ops->pause_body(x->front);
    while (body->waiters) {
        kd_branch *branch = body->waiters->branch;
        body->waiters = body->waiters->next;
        kd_branch_resume(branch);
    }
}

static void stop_waiting(void *what)
{
    kd_body_waiter *waiter = what;
    kd_exchange *x = waiter->x;
    kd_body_waiter **link = &x->kept->waiters;
    while (*link && *link != waiter)
        link = &(*link)->next;
    if (*link)
        *link = waiter->next;
    if (x->kept->waiters || x->kept->ended)
        return;
    x->on_body = NULL;
    if (!x->gone)
        x->front->ops->pause_body(x->front);
}

static kd_verdict await(kd_branch *branch)
{
    kd_exchange *x = branch->x;
    kd_body_waiter *waiter = KD_NEW(x->front->arena, kd_body_waiter);
    if (!waiter)
        return kd_branch_fail(branch, KD_FAIL_SHED, KD_STR("out of memory"));
    *waiter = (kd_body_waiter){.next = x->kept->waiters, .x = x, .branch = branch};
    x->kept->waiters = waiter;
    x->on_body = on_body;
    x->body_taken = true;
    x->front->ops->read_body(x->front);
    return kd_branch_wait(branch, KD_WAIT_BODY, stop_waiting, waiter);
}

static kd_verdict refuse(kd_branch *branch, kd_failure failure)
{
    if (failure == KD_FAIL_BAD_REQUEST)
        return kd_branch_fail(branch, failure, KD_STR("invalid byte in chunk length"));
    kd_fault *fault = KD_NEW(branch->x->front->arena, kd_fault);
    if (!fault)
        return kd_branch_fail(branch, failure, KD_STR("out of memory"));
    bool large = failure == KD_FAIL_TOO_LARGE;
    *fault = (kd_fault){.failure = failure,
                        .text = large ? KD_STR("http: request body too large") : KD_STR("out of memory"),
                        .status = large ? 413 : 503};
    branch->outcome = (kd_outcome){.fault = fault};
    return KD_FAIL;
}

kd_verdict kd_body_keep(kd_branch *branch)
{
    kd_exchange *x = branch->x;
    kd_request *request = branch->request;
    if (request->body)
        return KD_NEXT;
    if (!x->kept) {
        if (x->front->body_ended || x->body_taken) {
            request->body = &kd_body_empty;
            return KD_NEXT;
        }
        x->kept = KD_NEW(x->front->arena, kd_body);
        if (!x->kept)
            return kd_branch_fail(branch, KD_FAIL_SHED, KD_STR("out of memory"));
    }
    if (!x->kept->ended)
        return await(branch);
    if (x->kept->failure)
        return refuse(branch, x->kept->failure);
    request->body = x->kept;
    return KD_NEXT;
}

kd_str kd_body_text(const kd_body *body, kd_arena *arena)
{
    if (body->first && body->first->next)
        body = kd_body_clone(body, arena);
    if (!body)
        return (kd_str){NULL, 0};
    return body->first ? kd_str_of(body->first->bytes, body->first->n) : KD_STR("");
}

const kd_body *kd_body_clone(const kd_body *body, kd_arena *arena)
{
    if (!body->n)
        return &kd_body_empty;
    kd_body *copy = KD_NEW(arena, kd_body);
    kd_body_piece *all = copy ? make_piece(arena, (size_t)body->n) : NULL;
    if (!all)
        return NULL;
    for (const kd_body_piece *piece = body->first; piece; piece = piece->next) {
        memcpy(all->bytes + all->n, piece->bytes, piece->n);
        all->n += piece->n;
    }
    *copy = (kd_body){.first = all, .last = all, .n = body->n, .ended = true};
    return copy;
}
