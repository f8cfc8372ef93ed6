#include "gateway/compile.h"

#include "config/field.h"
#include "gateway/module.h"
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
    &kd_core_param_check, &kd_core_render,       &kd_core_handler,
    &kd_core_static,      &kd_core_filter_query, &kd_core_build,
    &kd_core_balance,     &kd_core_discover,     &kd_core_filter_headers,
    &kd_core_shape,       &kd_core_decode,       &kd_core_send,
    &kd_core_shadow,      &kd_core_flatmap,      &kd_core_merge,
    &kd_core_sequence,    &kd_core_concurrent,   NULL,
};

/* The step of each place, NULL where no module has it; looked up once for a generation, by the main thread. */
static const kd_step_type *steps_in_order[KD_COUNT(order)];

static const kd_step_type *find_in(const kd_step_type *const *steps, const place *p)
{
    for (; steps && *steps; steps++)
        if (strcmp((*steps)->module, p->module) == 0 && strcmp((*steps)->name, p->step) == 0)
            return *steps;
    return NULL;
}

void kd_steps_resolve(void)
{
    const kd_module *module;
    for (size_t i = 0; i < KD_COUNT(order); i++) {
        steps_in_order[i] = find_in(kd_core_steps, &order[i]);
        for (uint32_t m = 0; !steps_in_order[i] && (module = kd_module_at(m)); m++)
            steps_in_order[i] = find_in(module->steps, &order[i]);
    }
}

/* ---- laying out the steps
 * --------------------------------------------------------------------------------------------- */

typedef struct builder {
    kd_arena *arena;
    kd_plan *plan;
    uint16_t cap;
    uint32_t states; /* bytes laid out so far in the present block */
    bool failed;
} builder;

/* Branching steps of one range whose children are laid out when the range is. */
#define MAX_BRANCHING 16

typedef struct branching {
    uint16_t step, copies;
    kd_compile compile; /* of the children */
    size_t from;        /* where in the order they begin */
} branching;

typedef struct range {
    kd_range range;
    branching later[MAX_BRANCHING];
    unsigned n_later;
    bool closed; /* its innermost step is there */
} range;

static void add(builder *b, const kd_step_type *type, const kd_compiled *compiled)
{
    kd_plan *plan = b->plan;
    if (plan->n_steps == b->cap) {
        uint16_t cap = b->cap ? (uint16_t)(b->cap * 2) : 8;
        kd_step *steps = cap <= KD_PLAN_MAX_STEPS ? KD_NEW_ARRAY(b->arena, kd_step, cap) : NULL;
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
        (kd_step){.type = type, .config = compiled->config, .state = b->states, .at = compiled->at};
    b->states += (type->state_size + 15u) & ~15u;
    if (compiled->request > plan->request)
        plan->request = compiled->request;
    if (compiled->response > plan->response)
        plan->response = compiled->response;
}

static bool is_shadow(const kd_backend *backend)
{
    const kd_node *proxy = kd_extra_find(&backend->extra, KD_STR("proxy"));
    const kd_node *shadow = kd_node_typed(proxy, KD_STR("shadow"), KD_NODE_BOOL);
    return shadow && shadow->boolean;
}

static bool choose_set(kd_compile *compile, bool shadows)
{
    const kd_endpoint *e = compile->endpoint;
    const kd_backend **set = KD_NEW_ARRAY(compile->arena, const kd_backend *, e->n_backends + 1);
    if (!set)
        return false;
    compile->n_set = 0;
    compile->set = set;
    for (uint32_t i = 0; i < e->n_backends; i++)
        if (is_shadow(&e->backends[i]) == shadows)
            set[compile->n_set++] = &e->backends[i];
    compile->backend = compile->n_set == 1 ? set[0] : NULL;
    compile->index = 0;
    return true;
}

static size_t first_of(kd_stage stage)
{
    size_t i = 0;
    while (i < KD_COUNT(order) && order[i].stage < stage)
        i++;
    return i;
}

/* Notes what the step that was added last runs in branches. */
static void branch_off(builder *b, range *r, const kd_compile *compile, const kd_compiled *compiled, size_t next)
{
    kd_children children = b->plan->steps[b->plan->n_steps - 1].type->children;
    if (r->n_later == MAX_BRANCHING) {
        b->failed = true;
        return;
    }
    branching *later = &r->later[r->n_later++];
    *later = (branching){.step = (uint16_t)(b->plan->n_steps - 1),
                         .copies = compiled->copies ? compiled->copies : 1,
                         .compile = *compile,
                         .from = children == KD_CHILDREN_BACKENDS ? first_of(KD_STAGE_BACKEND) : next};
    if (children == KD_CHILDREN_SHADOWS) {
        if (!choose_set(&later->compile, true))
            b->failed = true;
    } else {
        later->compile.branched = true;
        r->closed = true;
    }
}

/* Adds the steps of the stages from `from` to `until`, as far as they take part. */
static void add_steps(builder *b, range *r, const kd_compile *compile, size_t from, kd_stage until)
{
    for (size_t i = from; i < KD_COUNT(order) && order[i].stage <= until && !r->closed && !b->failed; i++) {
        const kd_step_type *type = steps_in_order[i];
        kd_compiled compiled = {0};
        if (!type || (type->compile && !type->compile(compile, &compiled)))
            continue;
        add(b, type, &compiled);
        if (type->children && !b->failed)
            branch_off(b, r, compile, &compiled, i + 1);
        while (type->stands_alone && i + 1 < KD_COUNT(order) && order[i + 1].stage == order[i].stage)
            i++;
    }
}

static kd_range lay_range(builder *b, const kd_compile *compile, size_t from);

static void lay_children(builder *b, const branching *later)
{
    kd_children kind = b->plan->steps[later->step].type->children;
    uint32_t n = kind == KD_CHILDREN_BACKENDS ? later->compile.n_set : 1;
    kd_range *ranges = KD_NEW_ARRAY(b->arena, kd_range, n);
    if (!ranges) {
        b->failed = true;
        return;
    }
    uint32_t before = b->states;
    if (kind == KD_CHILDREN_SHADOWS)
        b->states = 0;
    for (uint32_t i = 0; i < n && !b->failed; i++) {
        kd_compile compile = later->compile;
        if (kind == KD_CHILDREN_BACKENDS) {
            compile.backend = compile.set[i];
            compile.index = i;
        }
        ranges[i] = lay_range(b, &compile, later->from);
        if (kind == KD_CHILDREN_BACKENDS)
            ranges[i].backend = compile.backend;
    }
    if (kind == KD_CHILDREN_SHADOWS) {
        ranges[0].backend = later->compile.backend;
        b->states = before;
    } else {
        b->states += (later->copies - 1u) * ranges[0].state_size;
    }
    b->plan->steps[later->step].children = ranges;
    b->plan->steps[later->step].n_children = (uint16_t)n;
}

static void close_range(builder *b, range *r, uint32_t states)
{
    r->range.end = b->plan->n_steps;
    for (unsigned i = 0; i < r->n_later && !b->failed; i++)
        lay_children(b, &r->later[i]);
    r->range.state_size = b->states - states;
}

static kd_range lay_range(builder *b, const kd_compile *compile, size_t from)
{
    range r = {.range = {.begin = b->plan->n_steps}};
    uint32_t states = b->states;
    add_steps(b, &r, compile, from, KD_STAGE_BACKEND);
    close_range(b, &r, states);
    return r.range;
}

static builder begin(const kd_compile *compile, kd_str name)
{
    builder b = {.arena = compile->arena, .plan = KD_NEW(compile->arena, kd_plan)};
    if (b.plan) {
        b.plan->endpoint = compile->endpoint;
        b.plan->name = name;
        b.plan->log_prefix = kd_arena_printf(compile->arena, "[ENDPOINT: %.*s]", KD_FMT(name));
    }
    b.failed = !b.plan || !b.plan->log_prefix.p;
    return b;
}

static kd_plan *end(builder *b, range *r)
{
    if (b->failed)
        return NULL;
    close_range(b, r, 0);
    b->plan->root = r->range;
    b->plan->state_size = b->states;
    return b->failed ? NULL : b->plan;
}

kd_plan *kd_plan_own(const kd_compile *compile, kd_str name, const kd_step_type *last, const void *config, bool engine)
{
    builder b = begin(compile, name);
    range r = {0};
    if (!b.failed)
        add_steps(&b, &r, compile, 0, engine ? KD_STAGE_ENGINE : KD_STAGE_ENTRY);
    kd_compiled compiled = {.config = config};
    if (!b.failed && (!last->compile || last->compile(compile, &compiled))) {
        add(&b, last, &compiled);
        if (last->children && !b.failed)
            branch_off(&b, &r, compile, &compiled, first_of(KD_STAGE_PROXY));
    }
    return end(&b, &r);
}

/* ---- what is not there
 * ------------------------------------------------------------------------------------------------- */

/* A block that is no object is none, as in KrakenD; but of an endpoint's auth/ namespaces KrakenD refuses every request
 * rather than let one pass (a typing mistake must not open an endpoint). */
static bool guards(const kd_namespace *ns, const kd_node *block, uint8_t scope)
{
    if (!ns || !ns->guards_access || ns->built)
        return false;
    return block->type == KD_NODE_OBJECT || (scope == KD_SCOPE_ENDPOINT && kd_str_starts(ns->name, KD_STR("auth/")));
}

static const kd_str *guard_in(const kd_extras *extras, uint8_t scope)
{
    for (uint32_t i = 0; i < extras->n; i++) {
        const kd_namespace *ns = kd_namespace_find(extras->v[i].name, scope);
        if (guards(ns, extras->v[i].node, scope))
            return &ns->name;
    }
    return NULL;
}

/* What the endpoint needs and this version does not have; NULL: nothing. Answering without it would be wrong, or would
 * let requests pass that should not. */
static const kd_str *missing(const kd_compile *compile)
{
    const kd_endpoint *e = compile->endpoint;
    const kd_str *guard = guard_in(&e->extra, KD_SCOPE_ENDPOINT);
    for (uint32_t i = 0; i < e->n_backends && !guard; i++)
        guard = guard_in(&e->backends[i].extra, KD_SCOPE_BACKEND);
    return guard;
}

kd_plan *kd_plan_compile(const kd_compile *outer)
{
    kd_compile compile = *outer;
    const kd_endpoint *e = compile.endpoint;
    if (!choose_set(&compile, false))
        return NULL;
    if (compile.n_set == 0) {
        kd_plan *plan = kd_plan_own(&compile, e->route, &kd_core_broken, NULL, true);
        if (plan)
            plan->problem = KD_STR("Calling the ProxyFactory all endpoints must have at least one backend");
        return plan;
    }
    const kd_str *absent = missing(&compile);
    if (absent) {
        kd_plan *plan = kd_plan_own(&compile, e->route, &kd_core_unavailable, absent, true);
        kd_errors_add(compile.errors, KD_SEVERITY_WARNING, e->at, e->path,
                      "%.*s is not available in this version: the endpoint answers 501", KD_FMT(*absent));
        return plan;
    }
    builder b = begin(&compile, e->route);
    range r = {.range = {.backend = compile.backend}};
    if (!b.failed)
        add_steps(&b, &r, &compile, 0, KD_STAGE_BACKEND);
    return end(&b, &r);
}
