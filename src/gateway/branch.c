#include "gateway/branch.h"

#include "base/log.h"
#include "gateway/exchange.h"
#include "gateway/step.h"

#include <stdatomic.h>
#include <stdlib.h>

static _Atomic long cancel_countdown;

void kd_branch_cancel_at(long n)
{
    atomic_store(&cancel_countdown, n);
}

static bool must_cancel(void)
{
    long left = atomic_load_explicit(&cancel_countdown, memory_order_relaxed);
    if (KD_LIKELY(left == 0))
        return false;
    atomic_store_explicit(&cancel_countdown, left - 1, memory_order_relaxed);
    return left == 1;
}

#ifdef KD_DEBUG
static void trace(const kd_scope *scope, const char *what)
{
    const kd_scope *parent = scope->parent;
    if (scope->name && kd_log_wants(KD_LOG_DEBUG))
        kd_log(KD_LOG_DEBUG, "[SCOPE] %s %p %s%s%s", scope->name, (const void *)scope, what, parent ? " in " : "",
               parent ? parent->name : "");
}
#else
#define trace(scope, what) ((void)0)
#endif

void kd_scope_init(kd_scope *scope, kd_scope *parent, void (*on_cancel)(kd_scope *scope), const char *name)
{
    *scope = (kd_scope){.parent = parent, .on_cancel = on_cancel};
#ifdef KD_DEBUG
    scope->name = name;
#else
    (void)name;
#endif
    trace(scope, "created");
    if (!parent)
        return;
    scope->next = parent->children;
    if (scope->next)
        scope->next->link = &scope->next;
    scope->link = &parent->children;
    parent->children = scope;
}

void kd_scope_end(kd_scope *scope)
{
    trace(scope, "ended");
#ifdef KD_DEBUG
    scope->name = NULL;
#endif
    if (!scope->link)
        return;
    *scope->link = scope->next;
    if (scope->next)
        scope->next->link = scope->link;
    scope->link = NULL;
}

void kd_scope_cancel(kd_scope *scope)
{
    while (scope->children) {
        kd_scope *child = scope->children;
        kd_scope_cancel(child);
        kd_scope_end(child);
    }
    void (*on_cancel)(kd_scope *) = scope->on_cancel;
    scope->on_cancel = NULL;
    if (on_cancel) {
        trace(scope, "cancelled");
        on_cancel(scope);
    }
}

static kd_loop *loop_of(kd_branch *branch)
{
    return &branch->x->front->worker->loop;
}

static void drop_wait(kd_branch *branch)
{
    kd_wait wait = branch->wait;
    branch->wait = (kd_wait){0};
    branch->resumed = false;
    if (wait.kind && wait.cancel)
        wait.cancel(wait.what);
}

static void on_timer(kd_timer *timer)
{
    kd_branch *branch = KD_CONTAINER(timer, kd_branch, timer);
    kd_exchange *x = branch->x;
    kd_exchange_enter(x);
    if (branch->ended)
        kd_exchange_expired(x, branch);
    else
        kd_branch_expire(branch, KD_FAIL_DEADLINE);
    kd_exchange_leave(x);
}

static void on_cancel(kd_scope *scope)
{
    kd_branch *branch = KD_CONTAINER(scope, kd_branch, scope);
    drop_wait(branch);
    kd_timer_disarm(&loop_of(branch)->timers, &branch->timer);
    branch->ended = true;
}

void kd_branch_init(kd_branch *branch, kd_branch *parent, kd_exchange *x, const kd_step *steps, uint16_t begin,
                    uint16_t end, char *states)
{
    *branch = (kd_branch){
        .parent = parent, .x = x, .steps = steps, .begin = begin, .end = end, .at = begin, .states = states};
    kd_scope_init(&branch->scope, parent ? &parent->scope : &x->scope, on_cancel, parent ? "branch" : "root branch");
    kd_timer_init(&branch->timer, on_timer);
    if (parent) {
        branch->request = parent->request;
        branch->deadline = parent->deadline; /* whose timer ends the children too */
    }
}

bool kd_branch_init_child(kd_branch *branch, kd_branch *parent, kd_request *request, unsigned index, unsigned copy)
{
    const kd_range *range = &kd_branch_step(parent)->children[index];
    if (!kd_request_copy(request, parent->request, parent->x->front->arena))
        return false;
    kd_branch_init(branch, parent, parent->x, parent->steps, range->begin, range->end,
                   parent->states + (size_t)copy * range->state_size);
    branch->request = request;
    return true;
}

void kd_branch_cancel_children(kd_branch *branch)
{
    while (branch->scope.children) {
        kd_scope *child = branch->scope.children;
        kd_scope_cancel(child);
        kd_scope_end(child);
    }
}

static void cancel_children(void *branch)
{
    kd_branch_cancel_children(branch);
}

kd_verdict kd_branch_wait_children(kd_branch *branch)
{
    return kd_branch_wait(branch, KD_WAIT_BRANCHES, cancel_children, branch);
}

void kd_branch_limit(kd_branch *branch, kd_ns deadline)
{
    if (branch->deadline && branch->deadline <= deadline)
        return;
    branch->deadline = deadline;
    kd_timer_arm(&loop_of(branch)->timers, &branch->timer, deadline);
}

kd_verdict kd_branch_fail(kd_branch *branch, kd_failure failure, kd_str text)
{
    kd_fault *fault = KD_NEW(branch->x->front->arena, kd_fault);
    if (fault)
        *fault = (kd_fault){.failure = failure, .text = text};
    if (KD_UNLIKELY(!fault)) {
        branch->spare = (kd_fault){.failure = KD_FAIL_SHED, .status = 503};
        fault = &branch->spare;
    }
    branch->outcome = (kd_outcome){.fault = fault};
    return KD_FAIL;
}

static void *state_of(kd_branch *branch, const kd_step *step)
{
    return branch->states + step->state;
}

/* The last step has been left. A root keeps its deadline: its answer may still stream. */
static void finish(kd_branch *branch)
{
    kd_scope_end(&branch->scope);
    if (branch->parent && kd_timer_armed(&branch->timer))
        kd_timer_disarm(&loop_of(branch)->timers, &branch->timer);
    if (branch->on_end)
        branch->on_end(branch);
}

static void turn_back(kd_branch *branch)
{
    branch->up = true;
    if (branch->at == branch->begin)
        branch->ended = true;
    else
        branch->at--;
}

/* Runs one step. False: it waits. */
static bool run_step(kd_branch *branch)
{
    const kd_step *step = &branch->steps[branch->at];
    if (!branch->up) {
        kd_verdict verdict =
            step->type->enter ? step->type->enter(branch, step->config, state_of(branch, step)) : KD_NEXT;
        if (verdict == KD_WAIT)
            return false;
        if (verdict != KD_NEXT) {
            turn_back(branch);
        } else if (++branch->at == branch->end) {
            /* A plan whose innermost step does not answer is a fault of the compiler. */
            kd_branch_fail(branch, KD_FAIL_INTERNAL, KD_STR("the plan has no end"));
            branch->at--;
            branch->up = true;
        }
        return true;
    }
    if (step->type->leave && step->type->leave(branch, step->config, state_of(branch, step)) == KD_WAIT)
        return false;
    if (branch->at == branch->begin)
        branch->ended = true;
    else
        branch->at--;
    return true;
}

void kd_branch_run(kd_branch *branch)
{
    if (branch->running || branch->ended)
        return;
    branch->running = true;
    while (!branch->ended) {
        if (run_step(branch))
            continue;
        if (branch->resumed) {
            branch->resumed = false;
            branch->wait = (kd_wait){0};
            continue;
        }
        branch->running = false;
        if (KD_UNLIKELY(must_cancel()))
            kd_branch_expire(branch, KD_FAIL_CANCELLED);
        return;
    }
    branch->running = false;
    finish(branch);
}

void kd_branch_resume(kd_branch *branch)
{
    if (branch->ended)
        return;
#ifdef KD_DEBUG
    if (branch->resumed)
        abort(); /* a double resume: some completion was told twice */
#endif
    if (branch->running) {
        branch->resumed = true;
        return;
    }
    branch->wait = (kd_wait){0};
    kd_branch_run(branch);
}

void kd_branch_expire(kd_branch *branch, kd_failure failure)
{
    if (branch->ended || branch->running || branch->wait.kind == KD_WAIT_NONE)
        return;
    kd_branch_cancel_children(branch); /* first: their calls end before ours */
    drop_wait(branch);
    kd_branch_fail(branch, failure,
                   failure == KD_FAIL_DEADLINE ? KD_STR("context deadline exceeded") : KD_STR("context canceled"));
    if (branch->up) {
        /* A leave that waited is given up; outer steps still run. */
        if (branch->at == branch->begin)
            branch->ended = true;
        else
            branch->at--;
    } else {
        turn_back(branch);
    }
    if (!branch->ended) {
        kd_branch_run(branch);
        return;
    }
    finish(branch);
}
