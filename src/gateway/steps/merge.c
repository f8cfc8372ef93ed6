/* Several backends at once, their answers combined (spec/01 section 7.4). Each backend's pipe runs in a branch of its
 * own; all share 85 % of the endpoint's timeout. What arrives later overwrites equal keys of what came before. */
#include "gateway/body.h"
#include "gateway/steps/part.h"
#include "gateway/steps/sum.h"

typedef struct merge {
    kd_ns timeout;
    uint32_t n;
    bool safe;
} merge;

typedef struct merging {
    kd_sum sum;
    bool began, starting, no_memory;
} merging;

bool kd_core_is_safe(const kd_compile *compile)
{
    for (uint32_t i = 0; i < compile->n_set; i++) {
        kd_method method = kd_method_of(compile->set[i]->method_upper);
        if (method != KD_METHOD_GET && method != KD_METHOD_HEAD)
            return false;
    }
    return true;
}

static void demand_text(const kd_compile *compile, const kd_node *node, kd_str key)
{
    if (node->type == KD_NODE_STRING)
        return;
    kd_error *error = kd_errors_add(compile->errors, KD_SEVERITY_ERROR, node->at, key, "expected a text, found %s",
                                    kd_node_type_name(node->type));
    if (error)
        error->compat = KD_STR("interface conversion: interface {} is not string");
}

void kd_core_check_merge(const kd_compile *compile)
{
    const kd_node *proxy = kd_core_proxy(&compile->endpoint->extra);
    const kd_node *combiner = proxy ? kd_node_get(proxy, KD_STR("combiner")) : NULL;
    const kd_node *names = proxy ? kd_node_typed(proxy, KD_STR("sequential_propagated_params"), KD_NODE_LIST) : NULL;
    if (combiner)
        demand_text(compile, combiner, KD_STR("proxy.combiner"));
    for (const kd_node *name = names ? names->first : NULL; name; name = name->next)
        demand_text(compile, name, KD_STR("proxy.sequential_propagated_params"));
}

static bool compile_merge(const kd_compile *compile, kd_compiled *out)
{
    if (compile->n_set < 2 || kd_core_is_sequence(compile))
        return false;
    kd_core_check_merge(compile);
    merge *m = KD_NEW(compile->arena, merge);
    if (!m)
        return false;
    m->timeout = 85 * compile->endpoint->timeout / 100;
    m->n = compile->n_set;
    m->safe = kd_core_is_safe(compile);
    out->config = m;
    out->at = compile->endpoint->at;
    out->request = m->safe ? KD_BODY_CHUNKS : KD_BODY_WHOLE;
    out->response = KD_BODY_WHOLE;
    return true;
}

static void on_part_end(kd_branch *child)
{
    merging *m = child->owner;
    if (!kd_sum_add(&m->sum, &child->outcome))
        m->no_memory = true;
    if (m->sum.pending == 0 && !m->starting)
        kd_branch_resume(child->parent);
}

static bool start(kd_branch *branch, const merge *config, merging *m)
{
    kd_arena *arena = branch->x->front->arena;
    kd_ns deadline = branch->x->front->worker->loop.now + config->timeout;
    kd_part *parts = KD_NEW_ARRAY(arena, kd_part, config->n);
    if (!parts || !kd_sum_init(&m->sum, arena, config->n))
        return false;
    m->began = m->starting = true;
    for (uint32_t i = 0; i < config->n; i++) {
        kd_part *part = &parts[i];
        if (!kd_branch_init_child(&part->branch, branch, &part->request, i, 0))
            return false;
        part->branch.on_end = on_part_end;
        part->branch.owner = m;
        /* Safe calls share the client's stream: the first reader has it. Where there is none they know that. */
        if (config->safe && i && !branch->x->front->body_ended)
            part->request.body = &kd_body_empty;
        kd_branch_limit(&part->branch, deadline);
    }
    for (uint32_t i = 0; i < config->n; i++)
        kd_branch_run(&parts[i].branch);
    m->starting = false;
    return true;
}

static kd_verdict enter_merge(kd_branch *branch, const void *config, void *state)
{
    const merge *c = config;
    merging *m = state;
    if (!m->began) {
        if (!c->safe) {
            kd_verdict verdict = kd_body_keep(branch);
            if (verdict != KD_NEXT)
                return verdict;
        }
        if (!start(branch, c, m)) {
            kd_branch_cancel_children(branch);
            return kd_branch_fail(branch, KD_FAIL_SHED, KD_STR("out of memory"));
        }
        if (m->sum.pending)
            return kd_branch_wait_children(branch);
    }
    if (m->no_memory || !kd_sum_result(&m->sum, &branch->outcome))
        return kd_branch_fail(branch, KD_FAIL_SHED, KD_STR("out of memory"));
    return branch->outcome.fault ? KD_FAIL : KD_DONE;
}

void kd_core_log_merge(const kd_plan *plan, uint32_t n, bool sequential)
{
    kd_log(KD_LOG_DEBUG, "%.*s[Merge] Backends: %u, sequential: %s, combiner: default", KD_FMT(plan->log_prefix), n,
           sequential ? "true" : "false");
}

static void log_merge(const kd_plan *plan, const void *config)
{
    kd_core_log_merge(plan, ((const merge *)config)->n, false);
}

static void explain_merge(const void *config, kd_buf *out)
{
    const merge *c = config;
    kd_buf_printf(out, "%u backends at once, at most %lld ms%s", c->n, (long long)(c->timeout / KD_MS),
                  c->safe ? "" : "; the request's body is kept for all of them");
}

const kd_step_type kd_core_merge = {.module = "core",
                                    .name = "merge",
                                    .compile = compile_merge,
                                    .enter = enter_merge,
                                    .state_size = sizeof(merging),
                                    .children = KD_CHILDREN_BACKENDS,
                                    .explain = explain_merge,
                                    .log = log_merge};
