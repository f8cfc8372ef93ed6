#include "gateway/source.h"

#include <pthread.h>
#include <stdlib.h>

#define ERROR_MAX 4096 /* of the last failure's text that is kept */

/* Waiters are linked here but belong to their workers: only a waiter's own worker looks into it, under the lock that
 * guards the links. The end of a fetch sends one message to each worker that has waiters. */
struct kd_source {
    const kd_source_type *type;
    void *context;
    kd_ns pause;
    pthread_mutex_t lock;
    uint32_t uses; /* the creator, a fetch under way, messages */
    void (*on_gone)(void *context);
    kd_source_value *value;
    bool fetching;
    kd_ns failed_at;
    kd_failure failure;
    uint64_t rounds;
    kd_source_wait *waits;
    size_t error_n;
    char error[ERROR_MAX];
};

kd_source *kd_source_create(const kd_source_type *type, void *context, kd_ns pause)
{
    kd_source *source = calloc(1, sizeof *source);
    if (!source)
        return NULL;
    source->type = type;
    source->context = context;
    source->pause = pause;
    source->uses = 1;
    pthread_mutex_init(&source->lock, NULL);
    return source;
}

/* Gives one use back; the lock is held and let go. */
static void unuse_locked(kd_source *source)
{
    bool last = --source->uses == 0;
    pthread_mutex_unlock(&source->lock);
    if (!last)
        return;
    kd_source_value_unref(source->value);
    if (source->on_gone)
        source->on_gone(source->context);
    pthread_mutex_destroy(&source->lock);
    free(source);
}

void kd_source_destroy(kd_source *source, void (*on_gone)(void *context))
{
    pthread_mutex_lock(&source->lock);
    source->on_gone = on_gone;
    unuse_locked(source);
}

void *kd_source_context(const kd_source *source)
{
    return source->context;
}

void kd_source_value_unref(kd_source_value *value)
{
    if (value && atomic_fetch_sub_explicit(&value->references, 1, memory_order_acq_rel) == 1)
        value->destroy(value);
}

kd_source_value *kd_source_peek(kd_source *source)
{
    pthread_mutex_lock(&source->lock);
    kd_source_value *value = kd_source_value_ref(source->value);
    pthread_mutex_unlock(&source->lock);
    return value;
}

uint64_t kd_source_rounds(kd_source *source)
{
    pthread_mutex_lock(&source->lock);
    uint64_t rounds = source->rounds;
    pthread_mutex_unlock(&source->lock);
    return rounds;
}

static bool pausing(const kd_source *source, kd_ns now)
{
    return source->failure != KD_FAIL_NONE && now - source->failed_at < source->pause;
}

/* Notes that a fetch begins; the lock is held. True: the caller begins it, without the lock. */
static bool claim(kd_source *source)
{
    if (source->fetching)
        return false;
    source->fetching = true;
    source->uses++;
    return true;
}

void kd_source_refresh(kd_source *source, kd_gateway_worker *worker, bool force)
{
    pthread_mutex_lock(&source->lock);
    bool mine = (force || !pausing(source, kd_clock_monotonic())) && claim(source);
    pthread_mutex_unlock(&source->lock);
    if (mine)
        source->type->fetch(source, worker, source->context);
}

/* ---- the end of a fetch ----------------------------------------------------------------------------------------- */

static void take_out(kd_source_wait *wait)
{
    *wait->link = wait->next;
    if (wait->next)
        wait->next->link = wait->link;
    wait->link = NULL;
}

/* The first waiter of that worker that a fetch up to `round` serves, taken out and filled; the lock is held. */
static kd_source_wait *serve_one(kd_source *source, const kd_worker *net)
{
    kd_source_wait *wait = source->waits;
    while (wait && (wait->branch->x->front->worker != net || wait->phase != 2))
        wait = wait->next;
    if (!wait)
        return NULL;
    take_out(wait);
    wait->failure = source->failure;
    wait->value = source->failure == KD_FAIL_NONE ? kd_source_value_ref(source->value) : NULL;
    wait->error = KD_STR("");
    if (!wait->value) {
        wait->error = kd_arena_copy(wait->branch->x->front->arena, kd_str_of(source->error, source->error_n));
        if (wait->failure == KD_FAIL_NONE)
            wait->failure = KD_FAIL_INTERNAL;
    }
    return wait;
}

static void deliver(void *worker, const kd_message *message)
{
    kd_source *source = (kd_source *)(uintptr_t)message->word[0];
    const kd_worker *net = worker;
    for (;;) {
        pthread_mutex_lock(&source->lock);
        kd_source_wait *wait = serve_one(source, net);
        if (!wait) {
            unuse_locked(source);
            return;
        }
        pthread_mutex_unlock(&source->lock);
        kd_branch *branch = wait->branch;
        kd_exchange *x = branch->x;
        kd_exchange_enter(x);
        kd_branch_resume(branch);
        kd_exchange_leave(x);
    }
}

/* Marks all who wait now as served and notes their workers; the lock is held. */
static uint32_t mark(kd_source *source, kd_worker **workers)
{
    uint32_t n = 0;
    for (kd_source_wait *wait = source->waits; wait; wait = wait->next) {
        kd_worker *net = wait->branch->x->front->worker;
        wait->phase = 2;
        uint32_t i = 0;
        while (i < n && workers[i] != net)
            i++;
        if (i == n)
            workers[n++] = net;
    }
    source->uses += n;
    return n;
}

void kd_source_done(kd_source *source, kd_source_value *value, kd_failure failure, kd_str error)
{
    kd_worker *workers[KD_MAX_WORKERS];
    kd_source_value *old = NULL;
    pthread_mutex_lock(&source->lock);
    source->fetching = false;
    source->rounds++;
    source->failure = value ? KD_FAIL_NONE : failure != KD_FAIL_NONE ? failure : KD_FAIL_INTERNAL;
    if (value) {
        old = source->value;
        source->value = value;
    } else {
        source->failed_at = kd_clock_monotonic();
        source->error_n = error.n < ERROR_MAX ? error.n : ERROR_MAX;
        if (source->error_n)
            memcpy(source->error, error.p, source->error_n);
    }
    uint32_t n = mark(source, workers);
    pthread_mutex_unlock(&source->lock);
    for (uint32_t i = 0; i < n; i++) {
        kd_message message = {.deliver = deliver, .word = {(uint64_t)(uintptr_t)source}};
        if (kd_worker_post(workers[i], &message))
            continue;
        pthread_mutex_lock(&source->lock); /* a full mailbox: they wait for the next fetch, or until their deadline */
        unuse_locked(source);
    }
    kd_source_value_unref(old);
    pthread_mutex_lock(&source->lock);
    unuse_locked(source); /* the fetch's own use */
}

/* ---- waiting ---------------------------------------------------------------------------------------------------- */

static void on_cancel(void *what)
{
    kd_source_wait *wait = what;
    pthread_mutex_lock(&wait->source->lock);
    if (wait->link)
        take_out(wait);
    pthread_mutex_unlock(&wait->source->lock);
    kd_source_wait_fini(wait);
}

static void link_in(kd_source *source, kd_source_wait *wait)
{
    wait->next = source->waits;
    wait->link = &source->waits;
    if (wait->next)
        wait->next->link = &wait->next;
    source->waits = wait;
}

kd_verdict kd_source_await(kd_source *source, kd_branch *branch, kd_source_wait *wait)
{
    if (wait->phase) { /* re-entered: what came is in *wait */
        wait->phase = 0;
        return KD_NEXT;
    }
    *wait = (kd_source_wait){.source = source, .branch = branch};
    pthread_mutex_lock(&source->lock);
    if (!source->fetching && pausing(source, kd_clock_monotonic())) {
        wait->failure = source->failure;
        wait->error = kd_arena_copy(branch->x->front->arena, kd_str_of(source->error, source->error_n));
        pthread_mutex_unlock(&source->lock);
        return KD_NEXT;
    }
    wait->phase = 1;
    link_in(source, wait);
    bool mine = claim(source);
    wait->joined = !mine;
    pthread_mutex_unlock(&source->lock);
    kd_verdict verdict = kd_branch_wait(branch, KD_WAIT_SOURCE, on_cancel, wait);
    if (mine)
        source->type->fetch(source, branch->x->worker, source->context);
    return verdict;
}

void kd_source_wait_fini(kd_source_wait *wait)
{
    kd_source_value *value = wait->value;
    *wait = (kd_source_wait){0};
    kd_source_value_unref(value);
}
