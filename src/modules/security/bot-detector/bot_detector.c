/* security/bot-detector: refuses clients by their User-Agent, for the whole service and for single endpoints (spec/02
 * section 10). A block that cannot be used lets everything pass, as KrakenD does, and says so. */
#include "base/shared.h"
#include "gateway/exchange.h"
#include "gateway/expression.h"
#include "gateway/module.h"
#include "gateway/registry.h"
#include "gateway/worker.h"
#include "modules/security/bot-detector/detector.h"
#include "text/json.h"

#include <math.h>
#include <stdlib.h>

#define CACHE_MAX (1u << 20) /* agents that one block remembers */

#define FIELD(name, kind, text)                                                                                        \
    .key = KD_STR_INIT(name), .type = KD_FIELD_##kind, .wrong = KD_WRONG_DROP_BLOCK, .offset = KD_NO_OFFSET,           \
    .about = text

static const kd_field fields[] = {
    {FIELD("allow", STRINGS, "Agents that are no bots, whatever else says so."), .dflt = "[]"},
    {FIELD("deny", STRINGS, "Agents that are bots."), .dflt = "[]"},
    {FIELD("patterns", STRINGS, "Regular expressions that bots' agents match."), .dflt = "[]"},
    {FIELD("cache_size", INT, "How many agents the patterns' verdict is remembered of."), .dflt = "0", .min = 0,
     .max = CACHE_MAX},
    {FIELD("empty_user_agent_is_bot", BOOL, "Who sends no agent is a bot."), .dflt = "false"},
};
static const kd_fields table = {"bot detector block", KD_SCOPE_SERVICE | KD_SCOPE_ENDPOINT, 0, KD_NO_OFFSET, fields,
                                KD_COUNT(fields),     .lint = "'minProperties':1"};

static const kd_namespace namespaces[] = {
    {KD_STR_INIT("security/bot-detector"), KD_STR_INIT("github_com/devopsfaith/krakend-botdetector"),
     KD_SCOPE_SERVICE | KD_SCOPE_ENDPOINT, KD_EDITION_CE, false, true, &table},
};

typedef struct bots {
    const kd_bot_detector *detector; /* NULL: the block cannot be used */
    kd_table *cache;                 /* NULL: nothing is remembered */
    kd_str problem;
} bots;

extern const kd_module kd_module_security_bot_detector;

/* ---- what is remembered ------------------------------------------------------------------------------------------ */

static void *create_cache(const void *options)
{
    return kd_table_create(*(const uint32_t *)options, sizeof(uint64_t));
}

static void destroy_cache(void *object)
{
    kd_table_destroy(object);
}

static const kd_object_type cache_type = {"security/bot-detector", create_cache, destroy_cache};

static kd_ns read_verdict(void *value, bool fresh, void *context)
{
    (void)fresh;
    *(uint64_t *)context = *(const uint64_t *)value;
    return KD_FOREVER;
}

static kd_ns write_verdict(void *value, bool fresh, void *context)
{
    (void)fresh;
    *(uint64_t *)value = *(const uint64_t *)context;
    return KD_FOREVER;
}

/* ---- on a request's way ------------------------------------------------------------------------------------------ */

static kd_bot_verdict ask_patterns(const bots *b, kd_branch *branch, kd_str agent)
{
    kd_front *front = branch->x->front;
    kd_ns now = front->worker->loop.now;
    uint64_t verdict;
    if (b->cache && kd_table_look(b->cache, agent, now, read_verdict, &verdict))
        return verdict ? KD_BOT_YES : KD_BOT_NO;
    kd_str text = kd_regex_text(front->arena, agent);
    if (!text.p)
        return KD_BOT_ASK_PATTERNS;
    verdict = kd_bot_detector_match(b->detector, text);
    if (b->cache)
        kd_table_visit(b->cache, agent, now, write_verdict, &verdict);
    return verdict ? KD_BOT_YES : KD_BOT_NO;
}

static kd_verdict enter_detector(kd_branch *branch, const void *config, void *state)
{
    (void)state;
    const bots *b = config;
    const kd_header *field = kd_headers_find(&branch->x->front->head->headers, KD_HEADER_USER_AGENT);
    kd_str agent = field ? kd_header_value(field) : KD_STR("");
    kd_bot_verdict verdict = b->detector ? kd_bot_detector_look(b->detector, agent) : KD_BOT_NO;
    if (verdict == KD_BOT_ASK_PATTERNS)
        verdict = ask_patterns(b, branch, agent);
    if (KD_LIKELY(verdict == KD_BOT_NO))
        return KD_NEXT;
    if (verdict == KD_BOT_ASK_PATTERNS)
        return kd_branch_fail(branch, KD_FAIL_SHED, KD_STR("out of memory"));
    kd_log(KD_LOG_ERROR, "[SERVICE: Gin][Botdetector] bot rejected");
    return kd_exchange_answer(branch, 403, KD_STR(""), KD_STR(""));
}

/* ---- its configuration: as encoding/json fills botdetector.Config ---------------------------------------------------
 */

typedef struct options {
    const kd_node *allow, *deny, *patterns;
    double cache_size;
    bool empty_is_bot;
    kd_str problem;
    const kd_node *at; /* where it is */
} options;

static const char *kind_of(const kd_node *node)
{
    static const char *const kinds[] = {"null", "bool", "number", "string", "array", "object"};
    return kinds[node->type];
}

static void mismatch(kd_arena *arena, options *o, const kd_node *node, kd_str value, const char *key, const char *type)
{
    if (o->problem.n)
        return;
    o->problem = kd_arena_printf(arena, "json: cannot unmarshal %s%s%.*s into Go struct field Config.%s of type %s",
                                 kind_of(node), value.n ? " " : "", KD_FMT(value), key, type);
    o->at = node;
}

static void read_list(kd_arena *arena, options *o, const kd_node *node, const char *key, const kd_node **out)
{
    if (node->type != KD_NODE_LIST) {
        mismatch(arena, o, node, KD_STR(""), key, "[]string");
        return;
    }
    *out = node;
    for (const kd_node *item = node->first; item; item = item->next)
        if (item->type != KD_NODE_STRING && item->type != KD_NODE_NULL)
            mismatch(arena, o, item, KD_STR(""), key, "string");
}

static void read_size(kd_arena *arena, options *o, const kd_node *node)
{
    bool number = node->type == KD_NODE_NUMBER;
    if (number && node->number == floor(node->number) && fabs(node->number) < 9.2e18) {
        o->cache_size = node->number;
        return;
    }
    kd_buf text;
    kd_buf_init(&text, 4096);
    if (number)
        kd_json_emit(&text, kd_node_value(arena, node), NULL);
    mismatch(arena, o, node, kd_buf_str(&text), "cache_size", "int");
    kd_buf_fini(&text);
}

static void read_member(kd_arena *arena, options *o, const kd_node *node)
{
    if (node->type == KD_NODE_NULL)
        return;
    if (kd_str_eq_ci(node->key, KD_STR("allow")))
        read_list(arena, o, node, "allow", &o->allow);
    else if (kd_str_eq_ci(node->key, KD_STR("deny")))
        read_list(arena, o, node, "deny", &o->deny);
    else if (kd_str_eq_ci(node->key, KD_STR("patterns")))
        read_list(arena, o, node, "patterns", &o->patterns);
    else if (kd_str_eq_ci(node->key, KD_STR("cache_size")))
        read_size(arena, o, node);
    else if (kd_str_eq_ci(node->key, KD_STR("empty_user_agent_is_bot"))) {
        if (node->type == KD_NODE_BOOL)
            o->empty_is_bot = node->boolean;
        else
            mismatch(arena, o, node, KD_STR(""), "empty_user_agent_is_bot", "bool");
    }
}

static int by_key(const void *a, const void *b)
{
    return kd_str_cmp((*(const kd_node *const *)a)->key, (*(const kd_node *const *)b)->key);
}

/* In the order of the keys, as KrakenD marshals the block before it reads it. False without memory. */
static bool read_options(kd_arena *arena, const kd_node *block, options *o)
{
    const kd_node **members = KD_NEW_ARRAY(arena, const kd_node *, block->n + (size_t)1);
    uint32_t n = 0;
    if (!members)
        return false;
    if (block->type != KD_NODE_OBJECT && block->type != KD_NODE_NULL) {
        o->problem = kd_arena_printf(arena, "json: cannot unmarshal %s into Go value of type botdetector.Config",
                                     kind_of(block));
        o->at = block;
        return true;
    }
    for (const kd_node *m = block->first; m; m = m->next)
        members[n++] = m;
    if (n)
        qsort(members, n, sizeof *members, by_key);
    for (uint32_t i = 0; i < n; i++)
        read_member(arena, o, members[i]);
    return true;
}

static const kd_str *texts_of(kd_arena *arena, const kd_node *list, uint32_t *n)
{
    kd_str *v = KD_NEW_ARRAY(arena, kd_str, list ? list->n + (size_t)1 : 1);
    *n = 0;
    for (const kd_node *item = list && v ? list->first : NULL; item; item = item->next)
        v[(*n)++] = item->type == KD_NODE_STRING ? item->text : KD_STR("");
    return v;
}

/* All patterns as one, which is found in one walk over the text. NULL where they do not go together: equal names of
 * groups, quotes that may be left open, too large. */
static const kd_regex *join(const kd_compile *compile, const kd_str *texts, uint32_t n)
{
    kd_buf all;
    kd_str error;
    kd_buf_init(&all, 1024 * 1024);
    for (uint32_t i = 0; i < n; i++)
        if (kd_str_search(texts[i], KD_STR("\\Q")) >= 0)
            all.failed = true;
        else
            kd_buf_printf(&all, "%s(?:%.*s)", i ? "|" : "", KD_FMT(texts[i]));
    const kd_regex *regex = all.failed ? NULL : kd_generation_expression(compile->generation, kd_buf_str(&all), &error);
    kd_buf_fini(&all);
    return regex;
}

/* Compiles the patterns. False without memory, or (*problem is set) when one is none. */
static bool compile_patterns(const kd_compile *compile, const kd_node *list, kd_bot_options *out, options *o)
{
    uint32_t n;
    const kd_str *texts = texts_of(compile->arena, list, &n);
    const kd_regex **v = KD_NEW_ARRAY(compile->arena, const kd_regex *, n + (size_t)1);
    if (!texts || !v)
        return false;
    const kd_node *item = list ? list->first : NULL;
    for (uint32_t i = 0; i < n; i++, item = item->next) {
        v[i] = kd_generation_expression(compile->generation, texts[i], &o->problem);
        if (!v[i]) {
            o->at = item;
            return false;
        }
    }
    out->patterns = v;
    out->n_patterns = n;
    const kd_regex *all = n > 1 ? join(compile, texts, n) : NULL;
    if (all) {
        v[0] = all;
        out->n_patterns = 1;
    }
    return true;
}

static void build(const kd_compile *compile, const kd_node *block, options *o, bots *b)
{
    kd_bot_options lists = {.empty_is_bot = o->empty_is_bot};
    lists.allow = texts_of(compile->arena, o->allow, &lists.n_allow);
    lists.deny = texts_of(compile->arena, o->deny, &lists.n_deny);
    if (!lists.allow || !lists.deny || !compile_patterns(compile, o->patterns, &lists, o))
        return;
    if (o->cache_size < 0) {
        o->problem = KD_STR("must provide a positive size");
        o->at = block;
        return;
    }
    if (o->cache_size > 0 && lists.n_patterns) {
        uint32_t size = o->cache_size < CACHE_MAX ? (uint32_t)o->cache_size : CACHE_MAX;
        kd_str identity = kd_node_identity(compile->arena, block);
        b->cache = identity.p ? kd_registry_adopt(compile->generation, &cache_type, identity, &size) : NULL;
    }
    b->detector = kd_bot_detector_create(compile->arena, &lists);
}

/* Reads a block. NULL without memory. */
static const bots *read_block(const kd_compile *compile, const kd_node *block)
{
    bots *b = KD_NEW(compile->arena, bots);
    options o = {.problem = KD_STR("")};
    if (!b || !read_options(compile->arena, block, &o))
        return NULL;
    if (!o.problem.n) {
        build(compile, block, &o, b);
        if (o.problem.n)
            b->problem = kd_arena_printf(compile->arena, "Unable to create the bot detector: %.*s", KD_FMT(o.problem));
        else if (!b->detector)
            return NULL;
    } else {
        b->problem = o.problem;
    }
    if (b->problem.n)
        kd_errors_add(compile->errors, KD_SEVERITY_WARNING, o.at->at, KD_STR("security/bot-detector"),
                      "%.*s: no bot is refused by this block", KD_FMT(o.problem));
    return b;
}

static void log_state(kd_str prefix, const bots *b)
{
    if (b->detector)
        kd_log(KD_LOG_DEBUG, "%.*s[Botdetector] The bot detector has been registered successfully", KD_FMT(prefix));
    else
        kd_log(KD_LOG_WARNING, "%.*s[Botdetector] %.*s", KD_FMT(prefix), KD_FMT(b->problem));
}

static const kd_node *block_of(const kd_extras *extras)
{
    return kd_extra_find(extras, KD_STR("security/bot-detector"));
}

static bool open(kd_generation *g, const kd_compile *compile)
{
    const kd_node *block = block_of(&compile->service->extra);
    if (block)
        *kd_module_slot(g, &kd_module_security_bot_detector) = (void *)read_block(compile, block);
    return !block || *kd_module_slot(g, &kd_module_security_bot_detector);
}

static void log_service(const kd_generation *g)
{
    const bots *b = *kd_module_slot((kd_generation *)g, &kd_module_security_bot_detector);
    if (b)
        log_state(KD_STR("[SERVICE: Gin]"), b);
}

static bool compile_service(const kd_compile *compile, kd_compiled *out)
{
    const bots *b = *kd_module_slot(compile->generation, &kd_module_security_bot_detector);
    out->config = b;
    return b && b->detector;
}

/* A block that cannot be used stays in the plan for its line in the log. */
static bool compile_endpoint(const kd_compile *compile, kd_compiled *out)
{
    const kd_node *block = block_of(&compile->endpoint->extra);
    if (!block)
        return false;
    out->at = block->at;
    out->config = read_block(compile, block);
    if (!out->config)
        kd_errors_add(compile->errors, KD_SEVERITY_ERROR, block->at, KD_STR("security/bot-detector"), "out of memory");
    return out->config != NULL;
}

static void log_endpoint(const kd_plan *plan, const void *config)
{
    log_state(plan->log_prefix, config);
}

static void explain(const void *config, kd_buf *out)
{
    const bots *b = config;
    if (b->detector)
        kd_buf_add(out, b->cache ? KD_STR("by User-Agent, remembered") : KD_STR("by User-Agent"));
    else
        kd_buf_printf(out, "left out: %.*s", KD_FMT(b->problem));
}

static const kd_step_type service_step = {.module = "security/bot-detector",
                                          .name = "service",
                                          .compile = compile_service,
                                          .enter = enter_detector,
                                          .explain = explain};
static const kd_step_type endpoint_step = {.module = "security/bot-detector",
                                           .name = "endpoint",
                                           .compile = compile_endpoint,
                                           .enter = enter_detector,
                                           .explain = explain,
                                           .log = log_endpoint};
static const kd_step_type *const steps[] = {&service_step, &endpoint_step, NULL};

const kd_module kd_module_security_bot_detector = {.name = "security/bot-detector",
                                                   .namespaces = namespaces,
                                                   .n_namespaces = KD_COUNT(namespaces),
                                                   .steps = steps,
                                                   .open = open,
                                                   .log = log_service};
