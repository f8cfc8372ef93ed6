/* backend/graphql: the backend is asked by a GraphQL document of the configuration (spec/06 section 10). The request to
 * it is replaced when its host and headers are settled, so that nothing of the client but the variables gets into it.
 */
#include "config/file.h"
#include "gateway/body.h"
#include "gateway/exchange.h"
#include "gateway/module.h"
#include "gateway/worker.h"
#include "modules/backend/graphql/operation.h"

#include <stdlib.h>

#define QUERY_FILE_MAX ((size_t)16 << 20)

#define FIELD(name, kind, text)                                                                                        \
    .key = KD_STR_INIT(name), .type = KD_FIELD_##kind, .wrong = KD_WRONG_DROP_BLOCK, .offset = KD_NO_OFFSET,           \
    .about = text

static const kd_field fields[] = {
    {FIELD("type", STRING, "query or mutation."), .lint = "{'enum':['query','mutation']}"},
    {FIELD("query", STRING, "The document.")},
    {FIELD("query_path", STRING, "File with the document, read at start; it counts before \"query\".")},
    {FIELD("operationName", STRING, "Which operation of the document is meant.")},
    {FIELD("variables", OBJECT, "Variables; of a query, \"{name}\" stands for a parameter of the endpoint.")},
    {FIELD("method", STRING, "GET or POST."), .dflt = "POST", .flags = KD_FIELD_UNLISTED},
};
static const kd_fields table = {"backend/graphql block",
                                KD_SCOPE_BACKEND,
                                0,
                                KD_NO_OFFSET,
                                fields,
                                KD_COUNT(fields),
                                .lint = "'oneOf':[{'required':['type','query']},{'required':['type','query_path']}]"};

static const kd_namespace namespaces[] = {
    {KD_STR_INIT("backend/graphql"), KD_STR_INIT("github.com/devopsfaith/krakend/transport/http/client/graphql"),
     KD_SCOPE_BACKEND, KD_EDITION_CE, false, true, &table},
};

typedef struct graphql {
    kd_graphql operation;
    const kd_backend *backend;
    const kd_endpoint *endpoint;
    kd_str problem; /* why the block does nothing; else empty */
    bool get;
    const kd_body *body; /* of every request alike, with its length; else NULL */
    kd_str length;
} graphql;

/* ---- on a request's way ------------------------------------------------------------------------------------------ */

static kd_verdict no_memory(kd_branch *branch)
{
    return kd_branch_fail(branch, KD_FAIL_SHED, KD_STR("out of memory"));
}

static kd_value query_variables(const kd_graphql *g, const kd_request *request, kd_arena *arena)
{
    kd_str *values = g->n_places ? KD_NEW_ARRAY(arena, kd_str, g->n_places) : NULL;
    if (g->n_places && !values)
        return KD_VALUE_ABSENT;
    for (uint32_t i = 0; i < g->n_places; i++)
        for (uint32_t p = 0; p < request->n_params; p++)
            if (kd_str_eq(request->params[p].name, g->places[i].param))
                values[i] = request->params[p].value;
    return kd_graphql_fill(g, arena, values);
}

/* KD_NEXT with *out, or what the step returns. */
static kd_verdict find_variables(kd_branch *branch, const kd_graphql *g, kd_value *out)
{
    kd_exchange *x = branch->x;
    kd_arena *arena = x->front->arena;
    if (!g->mutation) {
        *out = query_variables(g, branch->request, arena);
        return out->type == KD_ABSENT ? no_memory(branch) : KD_NEXT;
    }
    kd_verdict verdict = kd_body_keep(branch);
    if (verdict != KD_NEXT)
        return verdict;
    kd_str body = kd_body_text(branch->request->body, arena), error;
    if (!body.p)
        return no_memory(branch);
    switch (kd_graphql_read(g, arena, body, &x->worker->out, out, &error)) {
    case KD_GRAPHQL_OK:
        return KD_NEXT;
    case KD_GRAPHQL_BAD_BODY:
        return kd_branch_fail(branch, KD_FAIL_BAD_REQUEST, error);
    default:
        return no_memory(branch);
    }
}

static const kd_body *make_body(kd_arena *arena, kd_str text, kd_str *length)
{
    kd_body *body = KD_NEW(arena, kd_body);
    kd_body_piece *piece = text.n ? kd_arena_alloc(arena, sizeof *piece + text.n) : NULL;
    *length = kd_arena_printf(arena, "%zu", text.n);
    if (!body || (text.n && !piece) || !length->p)
        return NULL;
    *body = (kd_body){.first = piece, .last = piece, .n = text.n, .ended = true};
    if (piece) {
        *piece = (kd_body_piece){.n = (uint32_t)text.n, .cap = (uint32_t)text.n};
        memcpy(piece->bytes, text.p, text.n);
    }
    return body;
}

/* The rest of a request: method, body and the two fields that describe it. */
static kd_verdict ask(kd_branch *branch, kd_str method, const kd_body *body, kd_str length)
{
    kd_headers *headers = &branch->request->headers;
    branch->request->method = method;
    branch->request->body = body;
    return body && kd_headers_set(headers, KD_STR("Content-Length"), length) &&
                   kd_headers_set(headers, KD_STR("Content-Type"), KD_STR("application/json"))
               ? KD_NEXT
               : no_memory(branch);
}

static kd_verdict send_get(kd_branch *branch, const kd_graphql *g, kd_value variables)
{
    kd_arena *arena = branch->x->front->arena;
    kd_request *request = branch->request;
    kd_buf *out = &branch->x->worker->out, scratch;
    kd_buf_reset(out, KD_OUT_KEEP);
    kd_buf_init(&scratch, KD_OUT_MAX);
    kd_buf_add(out, request->request_target);
    kd_buf_byte(out, kd_str_find(request->request_target, '?') < 0 ? '?' : '&');
    kd_graphql_write_query(g, variables, &scratch, out);
    kd_buf_fini(&scratch);
    request->request_target = out->failed ? (kd_str){NULL, 0} : kd_arena_copy(arena, kd_buf_str(out));
    return request->request_target.p ? ask(branch, KD_STR("GET"), &kd_body_empty, KD_STR("0")) : no_memory(branch);
}

static kd_verdict enter_graphql(kd_branch *branch, const void *config, void *state)
{
    (void)state;
    const graphql *c = config;
    const kd_graphql *g = &c->operation;
    kd_value variables;
    if (c->problem.n)
        return KD_NEXT;
    if (c->body)
        return ask(branch, KD_STR("POST"), c->body, c->length);
    kd_verdict verdict = find_variables(branch, g, &variables);
    if (verdict != KD_NEXT)
        return verdict;
    if (c->get)
        return send_get(branch, g, variables);
    kd_buf *out = &branch->x->worker->out;
    kd_buf_reset(out, KD_OUT_KEEP);
    kd_graphql_write_body(g, variables, out);
    kd_str length;
    const kd_body *body = out->failed ? NULL : make_body(branch->x->front->arena, kd_buf_str(out), &length);
    return body ? ask(branch, KD_STR("POST"), body, length) : no_memory(branch);
}

/* ---- its configuration ------------------------------------------------------------------------------------------- */

/* The block as Go's encoding/json reads it into KrakenD's structure: keys in any letter case, the last one counts; the
 * first wrong type is told. */
typedef struct options {
    kd_str type, query, query_path, name, method;
    const kd_node *variables;
} options;

static const char *json_kind(const kd_node *node)
{
    static const char *const kinds[] = {
        [KD_NODE_NULL] = "null",     [KD_NODE_BOOL] = "bool",  [KD_NODE_NUMBER] = "number",
        [KD_NODE_STRING] = "string", [KD_NODE_LIST] = "array", [KD_NODE_OBJECT] = "object"};
    return kinds[node->type];
}

static int by_key(const void *a, const void *b)
{
    return kd_str_cmp((*(const kd_node *const *)a)->key, (*(const kd_node *const *)b)->key);
}

static void read_member(kd_arena *arena, const kd_node *node, options *o, kd_str *problem)
{
    const struct {
        kd_str key;
        kd_str *text;
        const char *path, *type;
    } keys[] = {
        {KD_STR("type"), &o->type, "type", "graphql.OperationType"},
        {KD_STR("query"), &o->query, "GraphQLRequest.query", "string"},
        {KD_STR("query_path"), &o->query_path, "query_path", "string"},
        {KD_STR("operationName"), &o->name, "GraphQLRequest.operationName", "string"},
        {KD_STR("method"), &o->method, "method", "graphql.OperationMethod"},
        {KD_STR("variables"), NULL, "GraphQLRequest.variables", "map[string]interface {}"},
    };
    for (size_t i = 0; i < KD_COUNT(keys); i++) {
        if (node->type == KD_NODE_NULL || !kd_str_eq_ci(node->key, keys[i].key))
            continue;
        if (keys[i].text && node->type == KD_NODE_STRING)
            *keys[i].text = node->text;
        else if (!keys[i].text && node->type == KD_NODE_OBJECT)
            o->variables = node;
        else if (!problem->n)
            *problem = kd_arena_printf(arena, "json: cannot unmarshal %s into Go struct field Options.%s of type %s",
                                       json_kind(node), keys[i].path, keys[i].type);
    }
}

static bool read_options(kd_arena *arena, const kd_node *block, options *o, kd_str *problem)
{
    const kd_node **members = KD_NEW_ARRAY(arena, const kd_node *, block->n + (size_t)1);
    uint32_t n = 0;
    if (!members)
        return false;
    for (const kd_node *m = block->type == KD_NODE_OBJECT ? block->first : NULL; m; m = m->next)
        members[n++] = m;
    if (block->type != KD_NODE_OBJECT && block->type != KD_NODE_NULL)
        *problem =
            kd_arena_printf(arena, "json: cannot unmarshal %s into Go value of type graphql.Options", json_kind(block));
    if (n)
        qsort(members, n, sizeof *members, by_key);
    for (uint32_t i = 0; i < n; i++)
        read_member(arena, members[i], o, problem);
    return true;
}

static bool read_query(kd_arena *arena, options *o, kd_str *problem)
{
    kd_str path;
    if (problem->n || !o->query_path.n)
        return true;
    path = kd_arena_copy(arena, o->query_path);
    if (!path.p)
        return false;
    kd_file_read(arena, path.p, QUERY_FILE_MAX, &o->query, problem);
    return true;
}

static void warn(const kd_compile *compile, const kd_node *block, const graphql *c, const options *o)
{
    kd_errors *errors = compile->errors;
    kd_str key = KD_STR("backend/graphql");
    if (c->problem.n)
        kd_errors_add(errors, KD_SEVERITY_WARNING, block->at, key, "the backend is called without GraphQL: %.*s",
                      KD_FMT(c->problem));
    else if (!kd_str_eq_ci(o->type, KD_STR("query")) && !kd_str_eq_ci(o->type, KD_STR("mutation")))
        kd_errors_add(errors, KD_SEVERITY_WARNING, block->at, key,
                      "the backend is called without GraphQL: \"type\" is neither query nor mutation");
    else if (!o->query.n)
        kd_errors_add(errors, KD_SEVERITY_WARNING, block->at, key, "the query is empty");
}

static bool compile_graphql(const kd_compile *compile, kd_compiled *out)
{
    const kd_node *block = kd_extra_find(&compile->backend->extra, KD_STR("backend/graphql"));
    kd_arena *arena = compile->arena;
    options o = {0};
    graphql *c = block ? KD_NEW(arena, graphql) : NULL;
    if (!c || !read_options(arena, block, &o, &c->problem) || !read_query(arena, &o, &c->problem))
        return false;
    c->backend = compile->backend;
    c->endpoint = compile->endpoint;
    c->get = kd_str_eq_ci(o.method, KD_STR("GET"));
    c->operation = (kd_graphql){.mutation = kd_str_eq_ci(o.type, KD_STR("mutation")),
                                .query = o.query,
                                .name = o.name,
                                .variables = KD_VALUE_NULL};
    warn(compile, block, c, &o);
    out->config = c;
    out->at = block->at;
    if (c->problem.n)
        return true;
    if (!c->operation.mutation && !kd_str_eq_ci(o.type, KD_STR("query")))
        return false;
    out->request = c->operation.mutation ? KD_BODY_WHOLE : KD_BODY_NONE;
    if (o.variables)
        c->operation.variables = kd_node_value(arena, o.variables);
    if (!kd_graphql_prepare(&c->operation, arena))
        return false;
    if (c->operation.constant.p && !c->get)
        c->body = make_body(arena, c->operation.constant, &c->length);
    return true;
}

static void explain_graphql(const void *config, kd_buf *out)
{
    const graphql *c = config;
    if (c->problem.n)
        kd_buf_printf(out, "not active: %.*s", KD_FMT(c->problem));
    else
        kd_buf_printf(out, "%s by %s, %zu bytes of document, %u variables",
                      c->operation.mutation ? "mutation" : "query", c->get ? "GET" : "POST", c->operation.query.n,
                      c->operation.variables.n);
}

static void log_graphql(const kd_plan *plan, const void *config)
{
    (void)plan;
    const graphql *c = config;
    kd_str route = c->endpoint->route, pattern = c->backend->url_pattern.template;
    if (c->problem.n)
        kd_log(KD_LOG_WARNING, "[BACKEND: %.*s %.*s -> %.*s][GraphQL] %.*s", KD_FMT(route), KD_FMT(route),
               KD_FMT(pattern), KD_FMT(c->problem));
    else
        kd_log(KD_LOG_DEBUG, "[BACKEND: %.*s %.*s -> %.*s][GraphQL] Operation: %s, Method: %s",
               KD_FMT(c->endpoint->method), KD_FMT(route), KD_FMT(pattern),
               c->operation.mutation ? "mutation" : "query", c->get ? "GET" : "POST");
}

static const kd_step_type operation = {.module = "backend/graphql",
                                       .name = "operation",
                                       .compile = compile_graphql,
                                       .enter = enter_graphql,
                                       .explain = explain_graphql,
                                       .log = log_graphql};

static const kd_step_type *const steps[] = {&operation, NULL};

extern const kd_module kd_module_backend_graphql;
const kd_module kd_module_backend_graphql = {
    .name = "backend/graphql", .namespaces = namespaces, .n_namespaces = KD_COUNT(namespaces), .steps = steps};
