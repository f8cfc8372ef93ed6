/* Static data laid over what the pipe returns (spec/01 section 7.3). */
#include "gateway/steps/core.h"

typedef enum strategy { ALWAYS, SUCCESS, ERRORED, COMPLETE, INCOMPLETE } strategy;

typedef struct static_data {
    strategy strategy;
    kd_value data; /* an object */
} static_data;

static const kd_str strategies[] = {
    [ALWAYS] = KD_STR_INIT("always"),     [SUCCESS] = KD_STR_INIT("success"),       [ERRORED] = KD_STR_INIT("errored"),
    [COMPLETE] = KD_STR_INIT("complete"), [INCOMPLETE] = KD_STR_INIT("incomplete"),
};

static bool compile_static(const kd_compile *compile, kd_compiled *out)
{
    const kd_node *proxy = kd_extra_find(&compile->endpoint->extra, KD_STR("proxy"));
    const kd_node *block = kd_node_typed(proxy, KD_STR("static"), KD_NODE_OBJECT);
    const kd_node *data = kd_node_typed(block, KD_STR("data"), KD_NODE_OBJECT);
    if (!data)
        return false;
    static_data *s = KD_NEW(compile->arena, static_data);
    if (!s)
        return false;
    s->data = kd_node_value(compile->arena, data);
    const kd_node *name = kd_node_typed(block, KD_STR("strategy"), KD_NODE_STRING);
    for (size_t i = 0; name && i < KD_COUNT(strategies); i++)
        if (kd_str_eq(name->text, strategies[i]))
            s->strategy = (strategy)i;
    out->config = s;
    out->at = block->at;
    return true;
}

static bool matches(strategy when, const kd_outcome *outcome)
{
    switch (when) {
    case SUCCESS:
        return !outcome->fault;
    case ERRORED:
        return outcome->fault;
    case COMPLETE:
        return !outcome->fault && outcome->response && outcome->response->complete;
    case INCOMPLETE:
        return !outcome->response || !outcome->response->complete;
    default:
        return true;
    }
}

static kd_verdict leave_static(kd_branch *branch, const void *config, void *state)
{
    (void)state;
    const static_data *s = config;
    kd_arena *arena = branch->x->front->arena;
    if (!matches(s->strategy, &branch->outcome))
        return KD_NEXT;
    if (!branch->outcome.response) {
        branch->outcome.response = KD_NEW(arena, kd_response);
        if (!branch->outcome.response)
            return KD_NEXT;
        branch->outcome.response->data = KD_VALUE_NULL;
        kd_headers_init(&branch->outcome.response->headers, arena);
    }
    kd_response *response = branch->outcome.response;
    kd_object *merged =
        response->data.type == KD_OBJECT ? kd_object_copy(arena, response->data) : kd_object_create(arena, s->data.n);
    if (!merged)
        return kd_branch_fail(branch, KD_FAIL_SHED, KD_STR("out of memory"));
    kd_value_iter members = kd_value_each(s->data);
    kd_str key;
    kd_value value;
    while (kd_value_next(&members, &key, &value))
        if (!kd_object_set(merged, arena, key, value))
            return kd_branch_fail(branch, KD_FAIL_SHED, KD_STR("out of memory"));
    response->data = kd_value_object(merged);
    return KD_NEXT;
}

static void explain_static(const void *config, kd_buf *out)
{
    const static_data *s = config;
    kd_buf_printf(out, "%.*s: ", KD_FMT(strategies[s->strategy]));
    kd_json_emit(out, s->data, NULL);
}

static void log_static(const kd_plan *plan, const void *config)
{
    const static_data *s = config;
    kd_buf text;
    kd_buf_init(&text, 1024 * 1024);
    kd_json_emit(&text, s->data, NULL);
    kd_log(KD_LOG_DEBUG, "%.*s[Static] Adding a static response using '%.*s' strategy. Data: %.*s",
           KD_FMT(plan->log_prefix), KD_FMT(strategies[s->strategy]), KD_FMT(kd_buf_str(&text)));
    kd_buf_fini(&text);
}

const kd_step_type kd_core_static = {.module = "core",
                                     .name = "static",
                                     .compile = compile_static,
                                     .leave = leave_static,
                                     .explain = explain_static,
                                     .log = log_static};
