#include "gateway/compile.h"

#include "config/field.h"
#include "gateway/steps/core.h"

typedef struct place {
    kd_stage stage;
    const char *module, *step;
} place;

static const place order[] = {
#define STEP(stage, module, step) {KD_STAGE_##stage, #module, #step},
#include "gateway/order.def"
#undef STEP
};

const kd_step_type *const kd_core_steps[] = {
    &kd_core_param_check,    &kd_core_render, &kd_core_handler, &kd_core_static, &kd_core_filter_query, &kd_core_build,
    &kd_core_balance,        &kd_core_filter_headers, &kd_core_shape, &kd_core_decode, &kd_core_send, NULL,
};

static const kd_step_type *const *module_steps; /* set once, before the first generation */

void kd_steps_register(const kd_step_type *const *steps) { module_steps = steps; }

static const kd_step_type *find_in(const kd_step_type *const *steps, const place *p)
{
    for (; steps && *steps; steps++)
        if (strcmp((*steps)->module, p->module) == 0 && strcmp((*steps)->name, p->step) == 0)
            return *steps;
    return NULL;
}

typedef struct builder {
    const kd_compile *compile;
    kd_plan *plan;
    uint16_t cap;
    bool failed;
} builder;

static void add(builder *b, const kd_step_type *type, const kd_compiled *compiled)
{
    kd_plan *plan = b->plan;
    if (plan->n_steps == b->cap) {
        uint16_t cap = b->cap ? (uint16_t)(b->cap * 2) : 8;
        kd_step *steps = cap <= KD_PLAN_MAX_STEPS ? KD_NEW_ARRAY(b->compile->arena, kd_step, cap) : NULL;
        if (!steps) {
            b->failed = true;
            return;
        }
        if (plan->n_steps)
            memcpy(steps, plan->steps, plan->n_steps * sizeof *steps);
        plan->steps = steps;
        b->cap = cap;
    }
    plan->steps[plan->n_steps++] =
        (kd_step){.type = type, .config = compiled->config, .state = plan->state_size, .at = compiled->at};
    plan->state_size += (type->state_size + 15u) & ~15u;
    if (compiled->request > plan->request)
        plan->request = compiled->request;
    if (compiled->response > plan->response)
        plan->response = compiled->response;
}

static void add_stage(builder *b, kd_stage stage)
{
    for (size_t i = 0; i < KD_COUNT(order); i++) {
        if (order[i].stage != stage)
            continue;
        const kd_step_type *type = find_in(kd_core_steps, &order[i]);
        if (!type)
            type = find_in(module_steps, &order[i]);
        kd_compiled compiled = {0};
        if (type && (!type->compile || type->compile(b->compile, &compiled)))
            add(b, type, &compiled);
    }
}

static kd_plan *begin(const kd_compile *compile, kd_str name)
{
    kd_plan *plan = KD_NEW(compile->arena, kd_plan);
    if (!plan)
        return NULL;
    plan->endpoint = compile->endpoint;
    plan->name = name;
    plan->log_prefix = kd_arena_printf(compile->arena, "[ENDPOINT: %.*s]", KD_FMT(name));
    return plan->log_prefix.p ? plan : NULL;
}

kd_plan *kd_plan_own(const kd_compile *compile, kd_str name, const kd_step_type *end, const void *config, bool engine)
{
    builder b = {.compile = compile, .plan = begin(compile, name)};
    if (!b.plan)
        return NULL;
    add_stage(&b, KD_STAGE_ENTRY);
    if (engine)
        add_stage(&b, KD_STAGE_ENGINE);
    kd_compiled compiled = {.config = config};
    if (!end->compile || end->compile(compile, &compiled))
        add(&b, end, &compiled);
    return b.failed ? NULL : b.plan;
}

/* ---- what is not there ------------------------------------------------------------------------------------------------- */

static bool one_of(kd_str name, const kd_str *names, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (kd_str_eq(name, names[i]))
            return true;
    return false;
}

static const kd_str *guard_in(kd_arena *arena, const kd_extras *extras, uint8_t scope)
{
    for (uint32_t i = 0; i < extras->n; i++) {
        const kd_namespace *ns = kd_namespace_find(extras->v[i].name, scope);
        /* A block that is no object is none, as in KrakenD. */
        if (ns && ns->guards_access && !ns->built && extras->v[i].node->type == KD_NODE_OBJECT) {
            kd_str *name = KD_NEW(arena, kd_str);
            if (name)
                *name = ns->name;
            return name;
        }
    }
    return NULL;
}

static const kd_str *name_of(kd_arena *arena, kd_str text)
{
    kd_str *name = KD_NEW(arena, kd_str);
    if (name)
        *name = text;
    return name;
}

static bool is_shadow(const kd_backend *backend)
{
    const kd_node *proxy = kd_extra_find(&backend->extra, KD_STR("proxy"));
    const kd_node *shadow = kd_node_typed(proxy, KD_STR("shadow"), KD_NODE_BOOL);
    return shadow && shadow->boolean;
}

/* What the endpoint needs and this version does not have; NULL: nothing. Answering without it would be wrong, or would let
 * requests pass that should not. */
static const kd_str *missing(const kd_compile *compile)
{
    static const kd_str outputs[] = {KD_STR_INIT("xml"), KD_STR_INIT("yaml"), KD_STR_INIT("negotiate")};
    static const kd_str inputs[] = {KD_STR_INIT("xml"), KD_STR_INIT("rss")};
    const kd_endpoint *e = compile->endpoint;
    const kd_str *guard = guard_in(compile->arena, &e->extra, KD_SCOPE_ENDPOINT);
    for (uint32_t i = 0; i < e->n_backends && !guard; i++)
        guard = guard_in(compile->arena, &e->backends[i].extra, KD_SCOPE_BACKEND);
    if (guard)
        return guard;
    if (one_of(e->output_encoding, outputs, KD_COUNT(outputs)))
        return name_of(compile->arena,
                       kd_arena_printf(compile->arena, "output_encoding \"%.*s\"", KD_FMT(e->output_encoding)));
    if (e->n_backends > 1)
        return name_of(compile->arena, KD_STR("an endpoint with several backends"));
    const kd_backend *backend = &e->backends[0];
    if (one_of(backend->encoding, inputs, KD_COUNT(inputs)))
        return name_of(compile->arena, kd_arena_printf(compile->arena, "encoding \"%.*s\"", KD_FMT(backend->encoding)));
    return NULL;
}

kd_plan *kd_plan_compile(const kd_compile *compile)
{
    const kd_endpoint *e = compile->endpoint;
    if (e->n_backends == 1 && is_shadow(&e->backends[0])) {
        kd_plan *plan = kd_plan_own(compile, e->route, &kd_core_broken, NULL, true);
        if (plan)
            plan->problem = KD_STR("Calling the ProxyFactory all endpoints must have at least one backend");
        return plan;
    }
    const kd_str *absent = missing(compile);
    if (absent) {
        kd_plan *plan = kd_plan_own(compile, e->route, &kd_core_unavailable, absent, true);
        kd_errors_add(compile->errors, KD_SEVERITY_WARNING, e->at, e->path,
                      "%.*s is not available in this version: the endpoint answers 501", KD_FMT(*absent));
        return plan;
    }
    builder b = {.compile = compile, .plan = begin(compile, e->route)};
    if (!b.plan)
        return NULL;
    add_stage(&b, KD_STAGE_ENTRY);
    add_stage(&b, KD_STAGE_ENGINE);
    add_stage(&b, KD_STAGE_ENDPOINT);
    add_stage(&b, KD_STAGE_PROXY);
    kd_compile inner = *compile;
    inner.backend = &e->backends[0];
    b.compile = &inner;
    add_stage(&b, KD_STAGE_BACKEND);
    return b.failed ? NULL : b.plan;
}

void kd_plan_explain(const kd_plan *plan, kd_buf *out)
{
    for (uint16_t i = 0; i < plan->n_steps; i++) {
        const kd_step *step = &plan->steps[i];
        size_t start = out->n;
        kd_buf_printf(out, "  %*s%s.%s", i * 2, "", step->type->module, step->type->name);
        if (step->type->explain) {
            while (out->n - start < 34)
                kd_buf_byte(out, ' ');
            kd_buf_byte(out, ' ');
            step->type->explain(step->config, out);
        }
        if (step->at)
            kd_buf_printf(out, "  (%.*s:%u)", KD_FMT(step->at->file), step->at->line);
        kd_buf_byte(out, '\n');
    }
}
