/* validation/cel: expressions that let requests and answers through, or not, at an endpoint, at a backend and on the
 * claims of a token (spec/05 section 2, spec/02 section 2.10). */
#include "gateway/exchange.h"
#include "gateway/generation.h"
#include "gateway/module.h"
#include "gateway/stream_body.h"
#include "modules/validation/cel/definitions.h"
#include "modules/validation/cel/variables.h"

#define KD_CEL_PRINT_MAX (64u * 1024) /* of a result in a log line */

static const kd_namespace namespaces[] = {
    {KD_STR_INIT("validation/cel"), KD_STR_INIT("github.com/devopsfaith/krakend-cel"),
     KD_SCOPE_ENDPOINT | KD_SCOPE_BACKEND | KD_SCOPE_WORKFLOW, KD_EDITION_CE, true, true, NULL},
};

/* What an endpoint or a backend has of it. */
typedef struct checks {
    kd_str prefix; /* of its log lines: "[ENDPOINT: /a][CEL]" */
    bool at_backend;
    kd_cel_checks pre, post;
} checks;

typedef struct token_checks {
    kd_str prefix;
    kd_cel_checks set;
} token_checks;

/* Of a request: when it came, the same for both phases. */
typedef struct visit {
    kd_ns now;
} visit;

/* The block that counts, if it can be read. */
static const kd_node *find_block(const kd_compile *compile, const kd_extras *extras)
{
    const kd_node *block = kd_extra_find(extras, KD_STR("validation/cel"));
    return block && kd_cel_block_fits(compile, block) ? block : NULL;
}

static kd_str endpoint_prefix(const kd_compile *compile)
{
    return kd_arena_printf(compile->arena, "[ENDPOINT: %.*s][CEL]", KD_FMT(compile->endpoint->route));
}

static void no_memory(const kd_compile *compile, const kd_node *block)
{
    kd_errors_add(compile->errors, KD_SEVERITY_ERROR, block->at, compile->endpoint->path,
                  "there is no memory for the expressions");
}

static bool compile_checks(const kd_compile *compile, const kd_node *block, kd_str prefix, bool at_backend,
                           kd_compiled *out)
{
    checks *c = KD_NEW(compile->arena, checks);
    bool fine = c && prefix.p && kd_cel_checks_compile(compile, block, KD_CEL_PRE, &c->pre);
    if (fine && !c->pre.broken)
        fine = kd_cel_checks_compile(compile, block, KD_CEL_POST, &c->post);
    if (!fine) {
        no_memory(compile, block);
        return false;
    }
    kd_cel_block_advise(compile, block);
    c->prefix = prefix;
    c->at_backend = at_backend;
    out->config = c;
    out->at = block->at;
    return true;
}

static bool compile_endpoint(const kd_compile *compile, kd_compiled *out)
{
    const kd_node *block = find_block(compile, &compile->endpoint->extra);
    return block && compile_checks(compile, block, endpoint_prefix(compile), false, out);
}

static bool compile_backend(const kd_compile *compile, kd_compiled *out)
{
    const kd_backend *backend = compile->backend;
    const kd_node *block = find_block(compile, &backend->extra);
    return block && compile_checks(
                        compile, block,
                        kd_arena_printf(compile->arena, "[BACKEND: %.*s][CEL]", KD_FMT(backend->url_pattern.template)),
                        true, out);
}

/* ---- a request --------------------------------------------------------------------------------------------------- */

typedef struct words {
    const char *phase, *who; /* "[pre]", "Evaluator" */
} words;

static void tell(kd_level level, kd_str prefix, const words *w, uint32_t index, kd_cel_value result)
{
    if (!kd_log_wants(level))
        return;
    kd_buf text;
    kd_buf_init(&text, KD_CEL_PRINT_MAX);
    kd_cel_value_print(&text, result);
    kd_log(level, "%.*s%s %s #%u %s: %.*s", KD_FMT(prefix), w->phase, w->who, index,
           result.type == KD_CEL_ERROR ? "failed" : "result", KD_FMT(kd_buf_str(&text)));
    kd_buf_fini(&text);
}

/* Runs the programs up to the first that is not true: its index, or the number of programs. */
static uint32_t run(const kd_cel_checks *set, kd_cel_scene *scene, kd_str prefix, const words *w)
{
    kd_cel_activation activation = {.resolve = kd_cel_scene_resolve, .context = scene, .arena = scene->arena};
    uint32_t i = 0;
    for (; i < set->n_programs; i++) {
        kd_cel_value result = kd_cel_run(set->programs[i], &activation);
        bool passes = result.type == KD_CEL_BOOL && result.boolean;
        tell(passes ? KD_LOG_DEBUG : KD_LOG_INFO, prefix, w, i, result);
        if (!passes)
            break;
    }
    return i;
}

static kd_verdict abort_request(kd_branch *branch, uint32_t index)
{
    kd_str text = kd_arena_printf(branch->x->front->arena, "request aborted by evaluator #%u", index);
    return kd_branch_fail(branch, KD_FAIL_REJECTED, text.p ? text : KD_STR("request aborted"));
}

static kd_verdict enter_checks(kd_branch *branch, const void *config, void *state)
{
    static const words names = {"[pre]", "Evaluator"};
    const checks *c = config;
    visit *v = state;
    if (c->pre.broken || c->post.broken)
        return KD_NEXT;
    v->now = kd_clock_wall();
    kd_cel_scene scene = {.arena = branch->x->front->arena, .request = branch->request, .now = v->now};
    uint32_t stopped = run(&c->pre, &scene, c->prefix, &names);
    return stopped == c->pre.n_programs ? KD_NEXT : abort_request(branch, stopped);
}

static void tell_failure(const checks *c, const kd_branch *branch)
{
    if (!kd_log_wants(KD_LOG_DEBUG))
        return;
    kd_buf text;
    kd_buf_init(&text, KD_CEL_PRINT_MAX);
    for (const kd_fault *f = branch->outcome.fault; f; f = f->next) {
        kd_buf_add(&text, f->text);
        if (f->next)
            kd_buf_byte(&text, '\n');
    }
    kd_log(KD_LOG_DEBUG, "%.*s Delegated execution failed: %.*s", KD_FMT(c->prefix), KD_FMT(kd_buf_str(&text)));
    kd_buf_fini(&text);
}

static kd_verdict leave_checks(kd_branch *branch, const void *config, void *state)
{
    static const words names = {"[post]", "Evaluator"};
    static const kd_response nothing = {.data = {.type = KD_NULL}};
    const checks *c = config;
    const visit *v = state;
    if (c->pre.broken || c->post.broken)
        return KD_NEXT;
    if (branch->outcome.fault) {
        tell_failure(c, branch);
        return KD_NEXT;
    }
    kd_response *response = branch->outcome.response;
    kd_cel_scene scene = {.arena = branch->x->front->arena, .response = response ? response : &nothing, .now = v->now};
    uint32_t stopped = run(&c->post, &scene, c->prefix, &names);
    if (stopped == c->post.n_programs)
        return KD_NEXT;
    if (response && response->body)
        kd_stream_body_cancel(response->body);
    branch->outcome.response = NULL;
    return abort_request(branch, stopped);
}

/* ---- a token ----------------------------------------------------------------------------------------------------- */

static bool compile_rejecter(const kd_compile *compile, const void **config)
{
    const kd_node *block = find_block(compile, &compile->endpoint->extra);
    if (!block)
        return false;
    token_checks *c = KD_NEW(compile->arena, token_checks);
    if (!c || !(c->prefix = endpoint_prefix(compile)).p ||
        !kd_cel_checks_compile(compile, block, KD_CEL_TOKEN, &c->set)) {
        no_memory(compile, block);
        return false;
    }
    *config = c;
    return true;
}

static bool rejects(kd_exchange *x, const kd_identity *identity, const void *config)
{
    static const words names = {"", "Rejecter"};
    const token_checks *c = config;
    if (c->set.broken || !c->set.n_programs)
        return false;
    kd_cel_scene scene = {.arena = x->front->arena, .claims = &identity->claims, .now = kd_clock_wall()};
    return run(&c->set, &scene, c->prefix, &names) != c->set.n_programs;
}

static void log_rejecter(const kd_plan *plan, const void *config)
{
    (void)plan;
    const token_checks *c = config;
    kd_cel_checks_log(&c->set);
    if (c->set.broken)
        kd_log(KD_LOG_DEBUG, "%.*s Error building the JWT rejecter: error parsing the expression %.*s",
               KD_FMT(c->prefix), KD_FMT(c->set.broken->compiled->error));
}

static const kd_rejecter rejecter = {.compile = compile_rejecter, .rejects = rejects, .log = log_rejecter};

/* ---- what it tells ----------------------------------------------------------------------------------------------- */

static void log_checks(const kd_plan *plan, const void *config)
{
    (void)plan;
    const checks *c = config;
    kd_log(KD_LOG_DEBUG, "%.*s Loading configuration", KD_FMT(c->prefix));
    kd_cel_checks_log(&c->pre);
    kd_cel_checks_log(&c->post);
    const kd_cel_definition *broken = c->pre.broken ? c->pre.broken : c->post.broken;
    if (broken) {
        kd_log(KD_LOG_WARNING, "%.*s Error parsing the definitions: error parsing the expression %.*s",
               KD_FMT(c->prefix), KD_FMT(broken->compiled->error));
        kd_log(KD_LOG_WARNING, "%.*s Falling back to the next %s proxy", KD_FMT(c->prefix),
               c->at_backend ? "backend" : "pipe");
        return;
    }
    kd_log(KD_LOG_DEBUG, "%.*s %u preEvaluator(s) loaded", KD_FMT(c->prefix), c->pre.n_programs);
    kd_log(KD_LOG_DEBUG, "%.*s %u postEvaluator(s) loaded", KD_FMT(c->prefix), c->post.n_programs);
}

static void explain_checks(const void *config, kd_buf *out)
{
    const checks *c = config;
    if (c->pre.broken || c->post.broken)
        kd_buf_add(out, KD_STR("does not parse: nothing is checked"));
    else
        kd_buf_printf(out, "%u expressions before, %u behind", c->pre.n_programs, c->post.n_programs);
}

static const kd_step_type endpoint_step = {.module = "validation/cel",
                                           .name = "endpoint",
                                           .compile = compile_endpoint,
                                           .enter = enter_checks,
                                           .leave = leave_checks,
                                           .state_size = sizeof(visit),
                                           .explain = explain_checks,
                                           .log = log_checks};
static const kd_step_type backend_step = {.module = "validation/cel",
                                          .name = "backend",
                                          .compile = compile_backend,
                                          .enter = enter_checks,
                                          .leave = leave_checks,
                                          .state_size = sizeof(visit),
                                          .explain = explain_checks,
                                          .log = log_checks};

static const kd_step_type *const steps[] = {&endpoint_step, &backend_step, NULL};

static bool open_cel(kd_generation *generation, const kd_compile *compile)
{
    (void)compile;
    return kd_generation_add_rejecter(generation, &rejecter);
}

const kd_module kd_module_validation_cel = {.name = "validation/cel",
                                            .namespaces = namespaces,
                                            .n_namespaces = KD_COUNT(namespaces),
                                            .steps = steps,
                                            .open = open_cel};
