/* Running a plan: scopes, branches, waits, outcomes.
 *
 * A plan is an array of steps. A branch runs a range of it: `enter` goes down, and whatever way the inside ended,
 * `leave` goes up in reverse through every step that was entered and said NEXT. An exchange has one root branch; steps
 * that branch (merge, sequence, race, shadow) run ranges of the same array in child branches.
 *
 * A step that has to wait registers exactly one wait with one canceller and returns KD_WAIT; the engine holds timer and
 * deadline and re-enters the same function when the wait is over. A wait that is cut short by the deadline or because
 * the client has gone is cancelled by the engine, the step is not re-entered, and the way up begins with that failure.
 */
#ifndef KD_GATEWAY_BRANCH_H
#define KD_GATEWAY_BRANCH_H

#include "base/error.h"
#include "base/failure.h"
#include "gateway/message.h"
#include "net/timer.h"

struct kd_exchange;
struct kd_branch;

typedef enum kd_verdict {
    KD_NEXT, /* enter: go on inwards; leave: go on outwards */
    KD_DONE, /* enter: the outcome is set, turn back */
    KD_WAIT, /* a wait is registered */
    KD_FAIL  /* the outcome's fault is set, turn back */
} kd_verdict;

typedef enum kd_wait_kind {
    KD_WAIT_NONE,
    KD_WAIT_CALL,     /* an upstream call */
    KD_WAIT_BODY,     /* the request's body, whole */
    KD_WAIT_BRANCHES, /* child branches */
    KD_WAIT_TIMER,
    KD_WAIT_SOURCE,  /* a value that many may wait for (gateway/source.h) */
    KD_WAIT_FETCH,   /* a fetch of the step's own (gateway/fetch.h) */
    KD_WAIT_OFFLOAD, /* heavy work on another thread */
    KD_WAIT_KINDS
} kd_wait_kind;

typedef struct kd_wait {
    kd_wait_kind kind;
    void (*cancel)(void *what); /* undoes the wait: nothing of it comes any more */
    void *what;
} kd_wait;

/* A node of the tree exchange → branch → call. Cancelling it cancels its children first. */
typedef struct kd_scope {
    struct kd_scope *parent, *children, *next, **link;
    void (*on_cancel)(struct kd_scope *scope);
#ifdef KD_DEBUG
    const char *name;
#endif
} kd_scope;

/* `name` stands in the lines that debug builds write of every scope's life at level DEBUG. */
void kd_scope_init(kd_scope *scope, kd_scope *parent, void (*on_cancel)(kd_scope *scope), const char *name);
/* Takes the scope out of its parent; its children must have ended. */
void kd_scope_end(kd_scope *scope);
/* Cancels depth first: children, then the scope itself; each on_cancel runs once. */
void kd_scope_cancel(kd_scope *scope);

struct kd_step_type;
struct kd_backend;

/* A pipe: the range of a plan's steps that one branch runs. */
typedef struct kd_range {
    uint16_t begin, end;
    uint32_t state_size;              /* bytes of states of all its steps and of their children */
    const struct kd_backend *backend; /* whose pipe it is, or whose pipe it ends in; else NULL */
} kd_range;

/* A step of a compiled plan. */
typedef struct kd_step {
    const struct kd_step_type *type;
    const void *config;
    uint32_t state; /* offset of its state in the branch's block */
    uint16_t n_children;
    const kd_range *children; /* what it runs in branches of their own: ranges of the same array */
    const kd_location *at;
} kd_step;

typedef struct kd_branch {
    kd_scope scope;
    struct kd_branch *parent; /* NULL for the root of an exchange */
    struct kd_exchange *x;
    const kd_step *steps;
    uint16_t begin, end, at; /* the range, and the step that runs */
    bool up;                 /* on the way out */
    bool running, resumed, ended;
    char *states;
    kd_wait wait;
    kd_ns deadline; /* 0: none */
    kd_timer timer;
    kd_request *request;
    kd_outcome outcome;
    kd_fault spare;                 /* what is told when there is no memory for a fault */
    struct kd_received *received;   /* of the call inside, for the steps around it */
    struct kd_transport *transport; /* between the call inside and the network (gateway/transport.h); mostly NULL */
    void (*on_end)(struct kd_branch *branch);
    void *owner;
} kd_branch;

/* Makes a branch of steps[begin..end). `states` is the plan's cleared block. It has not started. */
void kd_branch_init(kd_branch *branch, kd_branch *parent, struct kd_exchange *x, const kd_step *steps, uint16_t begin,
                    uint16_t end, char *states);
/* Makes a branch of the range `index` of the step that runs in `parent`, with a copy of the parent's request in
 * *request that it may edit (shallow: kd_request_copy). `copy` tells branches of one range apart: each has its own
 * states. The parent's deadline ends it too; an own one is set with kd_branch_limit. False without memory; it is not in
 * the tree then. */
bool kd_branch_init_child(kd_branch *branch, kd_branch *parent, kd_request *request, unsigned index, unsigned copy);
/* The step that runs in the branch. */
static inline const kd_step *kd_branch_step(const kd_branch *branch)
{
    return &branch->steps[branch->at];
}
/* Ends all child branches that still run; none of their on_end comes. */
void kd_branch_cancel_children(kd_branch *branch);
/* Runs until it waits or ends; at the end on_end is called, once. */
void kd_branch_run(kd_branch *branch);
/* What the branch waits for has come: its step is entered again (now, or when it returns). */
void kd_branch_resume(kd_branch *branch);
/* Ends the wait with that failure and goes up. Harmless on a branch that does not wait. */
void kd_branch_expire(kd_branch *branch, kd_failure failure);
/* Sets the deadline (a point on the monotonic clock); only an earlier one than the present has an effect. */
void kd_branch_limit(kd_branch *branch, kd_ns deadline);

/* Registers the wait; the step returns what this returns. */
static inline kd_verdict kd_branch_wait(kd_branch *branch, kd_wait_kind kind, void (*cancel)(void *what), void *what)
{
    branch->wait = (kd_wait){kind, cancel, what};
    return KD_WAIT;
}

/* Waits for child branches: whoever counts their on_end resumes. Cancelling the wait cancels them. */
kd_verdict kd_branch_wait_children(kd_branch *branch);

/* Ends the inside with a fault of that class; the text is borrowed. Returns KD_FAIL. */
kd_verdict kd_branch_fail(kd_branch *branch, kd_failure failure, kd_str text);

/* In debug builds tests can have the n-th wait from now on cancelled at once (0: none): every wait must survive it. */
void kd_branch_cancel_at(long n);

#endif
