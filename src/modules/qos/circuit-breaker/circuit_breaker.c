/* qos/circuit-breaker: a breaker for each backend entry, shared by its hosts and by all workers (spec/03 section 5). It
 * sees what KrakenD's sees: any failure of what lies inside, from refused connections to bodies that do not decode. */
#include "gateway/exchange.h"
#include "gateway/module.h"
#include "gateway/plan.h"
#include "gateway/registry.h"
#include "modules/qos/circuit-breaker/breaker.h"

#include <stdlib.h>

#define FIELD(name, kind, text)                                                                                        \
    .key = KD_STR_INIT(name), .type = KD_FIELD_##kind, .wrong = KD_WRONG_ZERO, .offset = KD_NO_OFFSET,                 \
    .reload = KD_RELOAD_REBUILD, .about = text

#define YEARS_100 (100LL * 365 * 86400)

static const kd_field fields[] = {
    {FIELD("interval", INT, "Seconds after which a closed breaker forgets its failures; 0: never."), .dflt = "0",
     .max = YEARS_100},
    {FIELD("timeout", INT, "Seconds that it stays open before one call may try again."), .dflt = "60",
     .max = YEARS_100},
    {FIELD("max_errors", INT, "Failures in a row that are borne; the next one opens the breaker."),
     .former = "maxErrors", .dflt = "0", .max = UINT32_MAX},
    {FIELD("name", STRING, "Its name in the log.")},
    {FIELD("log_status_change", BOOL, "Logs every change of state."), .former = "logStatusChange", .dflt = "false"},
};
static const kd_fields table = {"qos/circuit-breaker block",
                                KD_SCOPE_BACKEND,
                                0,
                                KD_NO_OFFSET,
                                fields,
                                KD_COUNT(fields),
                                .lint = "'required':['interval','timeout','max_errors']"};

static const kd_namespace namespaces[] = {
    {KD_STR_INIT("qos/circuit-breaker"), KD_STR_INIT("github.com/devopsfaith/krakend-circuitbreaker/gobreaker"),
     KD_SCOPE_BACKEND, KD_EDITION_CE, false, true, &table},
};

typedef struct config {
    const kd_backend *backend;
    kd_breaker *breaker;
    kd_str name;
    bool log_changes;
} config;

/* ---- the process object ------------------------------------------------------------------------------------------ */

static void *create_breaker(const void *rule)
{
    if (!kd_ledger_reserve(KD_ACCOUNT_TABLES, sizeof(kd_breaker)))
        return NULL;
    kd_breaker *breaker = malloc(sizeof *breaker);
    if (breaker)
        kd_breaker_init(breaker, rule, kd_clock_monotonic());
    else
        kd_ledger_release(KD_ACCOUNT_TABLES, sizeof *breaker);
    return breaker;
}

static void destroy_breaker(void *breaker)
{
    kd_breaker_fini(breaker);
    kd_ledger_release(KD_ACCOUNT_TABLES, sizeof(kd_breaker));
    free(breaker);
}

static kd_breaker *adopt(const kd_compile *compile, const kd_breaker_rule *rule)
{
    static const kd_object_type type = {"qos/circuit-breaker", create_breaker, destroy_breaker};
    kd_str identity = kd_arena_printf(compile->arena, "backend %u of %.*s %.*s interval %lld timeout %lld errors %u",
                                      compile->backend->index, KD_FMT(compile->endpoint->method_upper),
                                      KD_FMT(compile->endpoint->route), (long long)rule->interval,
                                      (long long)rule->timeout, rule->max_errors);
    return identity.p ? kd_registry_adopt(compile->generation, &type, identity, rule) : NULL;
}

/* ---- the block --------------------------------------------------------------------------------------------------- */

/* int(f) of a number that KrakenD looks at: TOML's integers have another type and count as 0. */
static int64_t integer(const kd_node *block, kd_str key)
{
    const kd_node *node = kd_node_typed(block, key, KD_NODE_NUMBER);
    if (!node || node->go)
        return 0;
    return node->number > -9.2e18 && node->number < 9.2e18 ? (int64_t)node->number : INT64_MIN;
}

/* Seconds as Go multiplies them: wrapping around. */
static kd_ns seconds(int64_t n)
{
    return (kd_ns)((uint64_t)n * (uint64_t)KD_SECOND);
}

/* TOML's integers: a warning, because the breaker is not what was meant. */
static void advise(const kd_compile *compile, const kd_node *block)
{
    for (const kd_node *node = block->first; node; node = node->next)
        if (node->type == KD_NODE_NUMBER && node->go && !kd_key_is_comment(node->key))
            kd_errors_add(compile->errors, KD_SEVERITY_WARNING, node->at, compile->endpoint->path,
                          "qos/circuit-breaker: KrakenD reads integers of TOML as 0; so does this gateway")
                ->suggestion = kd_arena_printf(compile->arena, "write %.*s.0", KD_FMT(node->text));
}

static bool compile_breaker(const kd_compile *compile, kd_compiled *out)
{
    const kd_node *block = kd_extra_find(&compile->backend->extra, KD_STR("qos/circuit-breaker"));
    if (!block || block->type != KD_NODE_OBJECT)
        return false;
    const kd_node *name = kd_node_get(block, KD_STR("name")),
                  *log = kd_node_typed(block, KD_STR("log_status_change"), KD_NODE_BOOL);
    int64_t interval = integer(block, KD_STR("interval")), timeout = integer(block, KD_STR("timeout")),
            errors = integer(block, KD_STR("max_errors"));
    config *c = KD_NEW(compile->arena, config);
    if (!c)
        return false;
    advise(compile, block);
    c->backend = compile->backend;
    c->name = name && kd_node_is_text(name) ? name->text : KD_STR("");
    c->log_changes = log && log->boolean;
    if (!interval && !timeout && !errors && !c->name.n && !c->log_changes) {
        kd_errors_add(compile->errors, KD_SEVERITY_WARNING, block->at, compile->endpoint->path,
                      "qos/circuit-breaker has no effect while none of its keys is set");
        return false;
    }
    kd_breaker_rule rule = {seconds(interval), seconds(timeout), (uint32_t)errors};
    if (rule.interval < 0)
        rule.interval = 0;
    if (rule.timeout <= 0)
        rule.timeout = 60 * KD_SECOND;
    c->breaker = adopt(compile, &rule);
    out->config = c;
    out->at = block->at;
    return c->breaker != NULL;
}

/* ---- a call ------------------------------------------------------------------------------------------------------ */

typedef struct guard {
    kd_scope scope; /* of a call that is let through */
    kd_branch *branch;
    const config *config;
    uint64_t ticket;
    bool out;
} guard;

static void tell(const config *c, const kd_breaker_change *change)
{
    if (KD_UNLIKELY(change->changed && c->log_changes))
        kd_log(KD_LOG_WARNING, "[CB] Circuit breaker named '%.*s' went from '%s' to '%s'", KD_FMT(c->name),
               kd_breaker_state_name(change->from), kd_breaker_state_name(change->to));
}

static void end_call(guard *g, kd_breaker_result result)
{
    kd_breaker_change change;
    g->out = false;
    kd_breaker_after(g->config->breaker, kd_clock_monotonic(), g->ticket, result, &change);
    tell(g->config, &change);
}

/* The branch ends without its way up: a lost race, a client that has gone, or the time of what is around it is over. */
static void on_cancel(kd_scope *scope)
{
    guard *g = KD_CONTAINER(scope, guard, scope);
    const kd_branch *branch = g->branch;
    bool late = !branch->x->gone && branch->deadline && branch->x->front->worker->loop.now >= branch->deadline;
    if (g->out)
        end_call(g, late ? KD_BREAKER_FAILURE : KD_BREAKER_EXCLUDED);
}

static kd_verdict enter_breaker(kd_branch *branch, const void *p, void *state)
{
    const config *c = p;
    guard *g = state;
    kd_breaker_change change;
    kd_breaker_answer answer = kd_breaker_before(c->breaker, kd_clock_monotonic(), &g->ticket, &change);
    tell(c, &change);
    if (KD_UNLIKELY(answer != KD_BREAKER_PASS))
        return kd_branch_fail(branch, KD_FAIL_BREAKER_OPEN,
                              answer == KD_BREAKER_IS_OPEN ? KD_STR("circuit breaker is open")
                                                           : KD_STR("too many requests"));
    g->branch = branch;
    g->config = c;
    g->out = true;
    kd_scope_init(&g->scope, &branch->scope, on_cancel, "circuit breaker");
    return KD_NEXT;
}

static kd_verdict leave_breaker(kd_branch *branch, const void *p, void *state)
{
    (void)p;
    guard *g = state;
    const kd_fault *fault = branch->outcome.fault;
    kd_scope_end(&g->scope);
    if (g->out)
        end_call(g, !fault                                ? KD_BREAKER_SUCCESS
                    : fault->failure == KD_FAIL_CANCELLED ? KD_BREAKER_EXCLUDED
                                                          : KD_BREAKER_FAILURE);
    if (fault)
        branch->outcome.response = NULL;
    return KD_NEXT;
}

static void explain_breaker(const void *p, kd_buf *out)
{
    const config *c = p;
    const kd_breaker_rule *rule = &c->breaker->rule;
    kd_buf_printf(out, "opens at failure %llu in a row, for %lld s", rule->max_errors + 1ULL,
                  (long long)(rule->timeout / KD_SECOND));
    if (rule->interval)
        kd_buf_printf(out, "; forgets failures every %lld s", (long long)(rule->interval / KD_SECOND));
}

static void log_breaker(const kd_plan *plan, const void *p)
{
    (void)plan;
    const config *c = p;
    kd_log(KD_LOG_DEBUG, "[BACKEND: %.*s][CB] Creating the circuit breaker named '%.*s'",
           KD_FMT(c->backend->url_pattern.template), KD_FMT(c->name));
}

static const kd_step_type breaker = {.module = "qos/circuit-breaker",
                                     .name = "breaker",
                                     .compile = compile_breaker,
                                     .enter = enter_breaker,
                                     .leave = leave_breaker,
                                     .state_size = sizeof(guard),
                                     .explain = explain_breaker,
                                     .log = log_breaker,
                                     .logs_first = true};

static const kd_step_type *const steps[] = {&breaker, NULL};

extern const kd_module kd_module_qos_circuit_breaker;

const kd_module kd_module_qos_circuit_breaker = {
    .name = "qos/circuit-breaker", .namespaces = namespaces, .n_namespaces = KD_COUNT(namespaces), .steps = steps};
