/* A source: a value that is fetched in the background and that many requests on all workers wait for or use: a key
 * document, an access token. At most one fetch is under way at a time, on the worker that needed it first; requests
 * that wait are bound to their own deadlines only, and one that leaves does not end the fetch. A process object, mostly
 * kept in the registry. */
#ifndef KD_GATEWAY_SOURCE_H
#define KD_GATEWAY_SOURCE_H

#include "gateway/exchange.h"
#include "gateway/worker.h"

typedef struct kd_source kd_source;

/* What a source gives: the first member of the owner's own structure. Immutable once handed over; counted. */
typedef struct kd_source_value {
    _Atomic uint32_t references;                    /* 1 when it is handed over */
    void (*destroy)(struct kd_source_value *value); /* any thread */
} kd_source_value;

typedef struct kd_source_type {
    /* Begins a fetch on this worker. It ends with exactly one kd_source_done, now or later, on any thread. */
    void (*fetch)(kd_source *source, kd_gateway_worker *worker, void *context);
} kd_source_type;

/* Failed fetches are not repeated within `pause`: those who ask meanwhile get the last failure. NULL without memory. */
kd_source *kd_source_create(const kd_source_type *type, void *context, kd_ns pause);
/* Gives the creator's use up. A fetch that is under way may still end after it: `context` must live until
 * on_gone(context), which is called (once, any thread) when nobody uses the source any more; may be NULL. */
void kd_source_destroy(kd_source *source, void (*on_gone)(void *context));
void *kd_source_context(const kd_source *source);

/* The present value with a reference for the caller, or NULL. A lock for a few instructions. */
kd_source_value *kd_source_peek(kd_source *source);
static inline kd_source_value *kd_source_value_ref(kd_source_value *value)
{
    if (value)
        atomic_fetch_add_explicit(&value->references, 1, memory_order_relaxed);
    return value;
}
void kd_source_value_unref(kd_source_value *value);

/* Begins a fetch on this worker unless one is under way (or, unless `force`, the pause after a failure is not over).
 * Nobody waits for it: for renewal while the present value serves. */
void kd_source_refresh(kd_source *source, kd_gateway_worker *worker, bool force);
/* Ends the fetch: the value (its reference is taken over) replaces the present one; NULL: it failed, the present one
 * stays. The text is copied. */
void kd_source_done(kd_source *source, kd_source_value *value, kd_failure failure, kd_str error);
/* How many fetches have ended, for those who compare. */
uint64_t kd_source_rounds(kd_source *source);

/* A step's wait, in its state. */
typedef struct kd_source_wait {
    struct kd_source_wait *next, **link;
    kd_source *source;
    kd_branch *branch;
    kd_source_value *value; /* what came, with a reference of the waiter's, or NULL */
    kd_failure failure;     /* without value */
    kd_str error;           /* in the request's arena */
    uint8_t phase;
    bool joined; /* the fetch had begun before */
} kd_source_wait;

/* Waits for the end of a fetch, which is begun when none is under way. The step returns what this returns and calls it
 * again when it is re-entered, with the same cleared state: KD_WAIT, then KD_NEXT with wait->value or wait->failure
 * set. At once (KD_NEXT, failure) within the pause after a failure. The step gives the value back
 * (kd_source_value_unref), or lets kd_source_wait_fini do it. */
kd_verdict kd_source_await(kd_source *source, kd_branch *branch, kd_source_wait *wait);
/* Gives the value back and makes the wait ready for another round. Harmless on a cleared one. */
void kd_source_wait_fini(kd_source_wait *wait);

#endif
