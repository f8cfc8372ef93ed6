/* The same call several times at once, the first complete answer counts (spec/01 section 7.7, spec/03 section 7).
 * Everything below runs in branches of its own: each draws its host, each counts in limits and breakers. The losers end
 * at once. A no-op answer streams on: the winner's call outlives its branch. */
#include "gateway/body.h"
#include "gateway/steps/part.h"

typedef struct concurrent {
    kd_ns timeout;
    uint16_t n;
} concurrent;

typedef struct racing {
    kd_branch *branch;
    kd_outcome last; /* the last response and the last fault that came, for when none is complete */
    kd_branch *winner;
    uint16_t pending;
    bool began, starting;
} racing;

/* More calls than this at once help nobody; KrakenD's schema ends at 5. */
#define MAX_CALLS 64

static bool compile_concurrent(const kd_compile *compile, kd_compiled *out)
{
    int64_t n = compile->backend->concurrent_calls;
    if (n <= 1)
        return false;
    concurrent *c = KD_NEW(compile->arena, concurrent);
    if (!c)
        return false;
    c->n = n < MAX_CALLS ? (uint16_t)n : MAX_CALLS;
    c->timeout = 75 * compile->backend->timeout / 100;
    out->config = c;
    out->copies = c->n;
    out->at = compile->backend->at;
    out->request = KD_BODY_WHOLE;
    return true;
}

static void on_call_end(kd_branch *child)
{
    static kd_fault nothing = {.failure = KD_FAIL_INTERNAL, .text = KD_STR_INIT("invalid response")};
    racing *r = child->owner;
    const kd_outcome *outcome = &child->outcome;
    r->pending--;
    if (!outcome->fault && outcome->response && outcome->response->complete) {
        r->winner = child;
        kd_branch_cancel_children(r->branch);
    } else if (outcome->response && !outcome->fault) {
        r->last.response = outcome->response;
    } else {
        r->last.fault = outcome->fault ? outcome->fault : &nothing;
    }
    if ((r->winner || !r->pending) && !r->starting)
        kd_branch_resume(r->branch);
}

static bool start(kd_branch *branch, const concurrent *config, racing *r)
{
    kd_ns deadline = branch->x->front->worker->loop.now + config->timeout;
    kd_part *parts = KD_NEW_ARRAY(branch->x->front->arena, kd_part, config->n);
    if (!parts)
        return false;
    r->branch = branch;
    r->began = r->starting = true;
    r->pending = config->n;
    for (uint16_t i = 0; i < config->n; i++) {
        if (!kd_branch_init_child(&parts[i].branch, branch, &parts[i].request, 0, i))
            return false;
        parts[i].branch.on_end = on_call_end;
        parts[i].branch.owner = r;
        kd_branch_limit(&parts[i].branch, deadline);
    }
    for (uint16_t i = 0; i < config->n && !r->winner; i++)
        kd_branch_run(&parts[i].branch);
    r->starting = false;
    return true;
}

static kd_verdict enter_concurrent(kd_branch *branch, const void *config, void *state)
{
    racing *r = state;
    if (!r->began) {
        kd_verdict verdict = kd_body_keep(branch);
        if (verdict != KD_NEXT)
            return verdict;
        if (!start(branch, config, r)) {
            kd_branch_cancel_children(branch);
            return kd_branch_fail(branch, KD_FAIL_SHED, KD_STR("out of memory"));
        }
        if (!r->winner && r->pending)
            return kd_branch_wait_children(branch);
    }
    branch->outcome = r->winner ? r->winner->outcome : r->last;
    return branch->outcome.fault ? KD_FAIL : KD_DONE;
}

static void explain_concurrent(const void *config, kd_buf *out)
{
    const concurrent *c = config;
    kd_buf_printf(out, "%u equal calls, the first complete answer counts; at most %lld ms", c->n,
                  (long long)(c->timeout / KD_MS));
}

const kd_step_type kd_core_concurrent = {.module = "core",
                                         .name = "concurrent",
                                         .compile = compile_concurrent,
                                         .enter = enter_concurrent,
                                         .state_size = sizeof(racing),
                                         .children = KD_CHILDREN_REST,
                                         .explain = explain_concurrent};
