#include "modules/validation/cel/definitions.h"
#include "base/log.h"
#include "gateway/registry.h"
#include "lang/regex/regex.h"

#include <stdlib.h>

static const kd_cel_variable variables[KD_CEL_NAMES] = {
    [KD_CEL_NOW] = {KD_STR_INIT("now"), KD_CEL_DECLARED_STRING},
    [KD_CEL_REQ_METHOD] = {KD_STR_INIT("req_method"), KD_CEL_DECLARED_STRING},
    [KD_CEL_REQ_PATH] = {KD_STR_INIT("req_path"), KD_CEL_DECLARED_STRING},
    [KD_CEL_REQ_PARAMS] = {KD_STR_INIT("req_params"), KD_CEL_DECLARED_MAP_STRING},
    [KD_CEL_REQ_HEADERS] = {KD_STR_INIT("req_headers"), KD_CEL_DECLARED_MAP_STRING_LISTS},
    [KD_CEL_REQ_QUERYSTRING] = {KD_STR_INIT("req_querystring"), KD_CEL_DECLARED_MAP_STRING_LISTS},
    [KD_CEL_RESP_COMPLETED] = {KD_STR_INIT("resp_completed"), KD_CEL_DECLARED_BOOL},
    [KD_CEL_RESP_METADATA_STATUS] = {KD_STR_INIT("resp_metadata_status"), KD_CEL_DECLARED_INT},
    [KD_CEL_RESP_METADATA_HEADERS] = {KD_STR_INIT("resp_metadata_headers"), KD_CEL_DECLARED_MAP_STRING_LISTS},
    [KD_CEL_RESP_DATA] = {KD_STR_INIT("resp_data"), KD_CEL_DECLARED_MAP_DYN},
    [KD_CEL_JWT] = {KD_STR_INIT("JWT"), KD_CEL_DECLARED_MAP_DYN},
};

static const kd_cel_environment environment = {.variables = variables, .n_variables = KD_CEL_NAMES};

static const kd_str words[KD_CEL_PHASES] = {
    [KD_CEL_PRE] = KD_STR_INIT("req"), [KD_CEL_POST] = KD_STR_INIT("resp"), [KD_CEL_TOKEN] = KD_STR_INIT("JWT")};

/* ---- compiled expressions, process objects ----------------------------------------------------------------------- */

typedef struct kd_cel_owned {
    struct kd_cel_owned *next;
    kd_regex *regex;
} kd_cel_owned;

static const kd_regex *own_pattern(void *context, kd_str pattern)
{
    kd_cel_compiled *c = context;
    kd_cel_owned *owned = KD_NEW(&c->arena, kd_cel_owned);
    kd_str error;
    if (!owned || !(owned->regex = kd_regex_compile(&c->arena, pattern, &error)))
        return NULL;
    owned->next = c->patterns;
    c->patterns = owned;
    return owned->regex;
}

static void *create(const void *options)
{
    const kd_str *text = options;
    kd_cel_compiled *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    kd_arena_init(&c->arena, NULL, 0);
    c->outcome = kd_cel_compile(&c->arena, &environment, *text, &c->program, &c->error);
    if (c->outcome == KD_CEL_OK)
        kd_cel_prepare(c->program, own_pattern, c);
    if (c->outcome != KD_CEL_NO_MEMORY)
        return c;
    kd_arena_reset(&c->arena);
    free(c);
    return NULL;
}

static void destroy(void *object)
{
    kd_cel_compiled *c = object;
    for (kd_cel_owned *owned = c->patterns; owned; owned = owned->next)
        kd_regex_destroy(owned->regex);
    kd_arena_reset(&c->arena);
    free(c);
}

static const kd_object_type type = {"validation/cel", create, destroy};

/* ---- reading ----------------------------------------------------------------------------------------------------- */

/* encoding/json finds fields in any case; the last one counts. */
static const kd_node *member(const kd_node *object, kd_str name)
{
    const kd_node *found = NULL;
    for (const kd_node *m = object->first; m; m = m->next)
        if (kd_str_eq_ci(m->key, name))
            found = m;
    return found && found->type != KD_NODE_NULL ? found : NULL;
}

static kd_str text_of(const kd_node *definition)
{
    const kd_node *text = definition->type == KD_NODE_OBJECT ? member(definition, KD_STR("check_expr")) : NULL;
    return text ? text->text : KD_STR("");
}

static kd_str place(const kd_compile *compile)
{
    return compile->endpoint->path;
}

static bool does_not_fit(const kd_compile *compile, const kd_node *node, const char *expected)
{
    kd_errors_add(compile->errors, KD_SEVERITY_WARNING, node->at, place(compile),
                  "validation/cel is ignored, all of it: expected %s, found %s", expected,
                  kd_node_type_name(node->type));
    return false;
}

bool kd_cel_block_fits(const kd_compile *compile, const kd_node *block)
{
    static const kd_str keys[] = {KD_STR_INIT("check_expr"), KD_STR_INIT("mod_expr")};
    if (block->type == KD_NODE_NULL)
        return true;
    if (block->type != KD_NODE_LIST)
        return does_not_fit(compile, block, "a list of objects with \"check_expr\"");
    for (const kd_node *d = block->first; d; d = d->next) {
        if (d->type == KD_NODE_NULL)
            continue;
        if (d->type != KD_NODE_OBJECT)
            return does_not_fit(compile, d, "an object with \"check_expr\"");
        for (size_t i = 0; i < KD_COUNT(keys); i++) {
            const kd_node *text = member(d, keys[i]);
            if (text && text->type != KD_NODE_STRING)
                return does_not_fit(compile, text, "a text with an expression");
        }
    }
    return true;
}

static bool contains(kd_str text, kd_str word)
{
    for (size_t i = 0; i + word.n <= text.n; i++)
        if (memcmp(text.p + i, word.p, word.n) == 0)
            return true;
    return false;
}

/* Where the expression stands, for a finding. */
static const kd_location *at(const kd_node *definition)
{
    const kd_node *text = member(definition, KD_STR("check_expr"));
    return text ? text->at : definition->at;
}

static void warn(const kd_compile *compile, const kd_node *definition, const kd_cel_compiled *c)
{
    ptrdiff_t line = kd_str_find(c->error, '\n');
    kd_str first = line < 0 ? c->error : kd_str_of(c->error.p, (size_t)line);
    kd_errors_add(compile->errors, KD_SEVERITY_WARNING, at(definition), place(compile),
                  c->outcome == KD_CEL_SYNTAX
                      ? "validation/cel: this expression does not parse: none of the block's checks runs: %.*s"
                      : "validation/cel: this expression is dropped, requests pass without it: %.*s",
                  KD_FMT(first));
}

bool kd_cel_checks_compile(const kd_compile *compile, const kd_node *block, kd_cel_phase phase, kd_cel_checks *out)
{
    *out = (kd_cel_checks){.n = 0};
    out->all = KD_NEW_ARRAY(compile->arena, kd_cel_definition, block->n + 1);
    out->programs = KD_NEW_ARRAY(compile->arena, const kd_cel_program *, block->n + 1);
    if (!out->all || !out->programs)
        return false;
    for (const kd_node *d = block->first; d; d = d->next) {
        kd_str text = text_of(d);
        if (!contains(text, words[phase]))
            continue;
        kd_cel_definition *definition = &out->all[out->n++];
        definition->text = text;
        definition->compiled = kd_registry_adopt(compile->generation, &type, text, &text);
        if (!definition->compiled)
            return false;
        if (definition->compiled->outcome == KD_CEL_OK) {
            out->programs[out->n_programs++] = definition->compiled->program;
            continue;
        }
        warn(compile, d, definition->compiled);
        if (definition->compiled->outcome == KD_CEL_SYNTAX) {
            out->broken = definition;
            return true;
        }
    }
    return true;
}

void kd_cel_block_advise(const kd_compile *compile, const kd_node *block)
{
    for (const kd_node *d = block->first; d; d = d->next) {
        kd_str text = text_of(d);
        bool in[KD_CEL_PHASES];
        for (int phase = 0; phase < KD_CEL_PHASES; phase++)
            in[phase] = contains(text, words[phase]);
        if (!in[KD_CEL_PRE] && !in[KD_CEL_POST] && !in[KD_CEL_TOKEN])
            kd_errors_add(compile->errors, KD_SEVERITY_WARNING, d->at, place(compile),
                          "validation/cel: this expression never runs: its text holds none of \"req\", \"resp\", "
                          "\"JWT\"; add \"&& req_method != ''\" to have it checked for requests");
        else if (in[KD_CEL_PRE] + in[KD_CEL_POST] + in[KD_CEL_TOKEN] > 1)
            kd_errors_add(compile->errors, KD_SEVERITY_WARNING, d->at, place(compile),
                          "validation/cel: this expression runs once for each of \"req\", \"resp\" and \"JWT\" that "
                          "its text holds, each time with the variables of that phase alone; where it needs another "
                          "one it refuses");
    }
}

void kd_cel_checks_log(const kd_cel_checks *set)
{
    for (uint32_t i = 0; i < set->n; i++) {
        const kd_cel_definition *d = &set->all[i];
        kd_log(KD_LOG_DEBUG, "[CEL] Parsing expression: %.*s", KD_FMT(d->text));
        if (d->compiled->outcome == KD_CEL_CHECK)
            kd_log(KD_LOG_DEBUG, "[CEL] error parsing the expression %.*s", KD_FMT(d->compiled->error));
    }
}
