#include "config/model_init.h"
#include "config/uri.h"

#include "text/go/header.h"

#include <arpa/inet.h>

#define DEFAULT_PORT          8080
#define DEFAULT_TIMEOUT       (2 * KD_SECOND)
#define DEFAULT_IDLE_PER_HOST 250
#define CONFIG_VERSION        3

static const kd_str no_op = KD_STR_INIT("no-op");

static bool no_memory(kd_walk *w)
{
    w->no_memory = true;
    return false;
}

/* A new error at `at`; compat is added by the caller. */
static kd_error *add_error(kd_walk *w, const kd_location *at, const kd_path *path, const char *message)
{
    return kd_errors_add(w->errors, KD_SEVERITY_ERROR, at, kd_path_text(w->arena, path, false), "%s", message);
}

/* Where a key of the object stands, whatever its case; else where the object does. */
static const kd_location *place_of(const kd_node *object, kd_str key)
{
    for (const kd_node *node = object ? object->first : NULL; node; node = node->next)
        if (kd_str_eq_ci(node->key, key))
            return node->at;
    return object ? object->at : NULL;
}

/* The i-th item of the list under `key`, as mapstructure sees it. */
static const kd_node *item_of(const kd_node *object, kd_str key, uint32_t i)
{
    const kd_node *list = kd_node_get(object, key);
    for (const kd_node *node = list ? NULL : object ? object->first : NULL; node && !list; node = node->next)
        if (kd_str_eq_ci(node->key, key))
            list = node;
    if (!list || list->type != KD_NODE_LIST)
        return list;
    const kd_node *item = list->first;
    while (item && i--)
        item = item->next;
    return item;
}

/* ---- lists */

/* Canonical header names; the list is ours to change, its texts are not. */
static bool canonical_headers(kd_walk *w, kd_str_list *names)
{
    for (uint32_t i = 0; i < names->n; i++) {
        kd_str copy = kd_arena_copy(w->arena, names->v[i]);
        if (!copy.p)
            return no_memory(w);
        kd_go_header_canonical((char *)copy.p, copy.n);
        if (!kd_str_eq(copy, names->v[i]))
            names->v[i] = copy;
    }
    return true;
}

static bool clean_hosts(kd_walk *w, kd_str_list *hosts, const kd_node *owner, const kd_path *path)
{
    for (uint32_t i = 0; i < hosts->n; i++) {
        kd_str clean, host = hosts->v[i];
        kd_host_result result = kd_host_clean(w->arena, host, &clean);
        if (result == KD_HOST_NO_MEMORY)
            return no_memory(w);
        if (result == KD_HOST_OK) {
            hosts->v[i] = clean;
            continue;
        }
        kd_path list = {.up = path, .ours = KD_STR("host")}, at = {.up = &list, .index = i};
        const kd_node *item = item_of(owner, KD_STR("host"), i);
        kd_error *e = kd_errors_add(w->errors, KD_SEVERITY_ERROR, item ? item->at : place_of(owner, KD_STR("host")),
                                    kd_path_text(w->arena, &at, false),
                                    "expected a host such as \"http://example.com:8080\", found \"%.*s\"",
                                    KD_FMT(kd_str_head(host, 100)));
        kd_walk_stop(w, e, kd_arena_printf(w->arena, "host %.*s not valid: invalid host", KD_FMT(host)));
        e->suggestion = kd_str_from_c(kd_host_advice(host));
    }
    return true;
}

/* ---- service */

static void check_version(kd_walk *w, int64_t version, const kd_node *root)
{
    if (version == CONFIG_VERSION)
        return;
    const kd_path path = {.ours = KD_STR("version")};
    kd_error *e =
        kd_errors_add(w->errors, KD_SEVERITY_ERROR, place_of(root, path.ours), kd_path_text(w->arena, &path, false),
                      "expected the version 3 of the configuration format, found %lld%s", (long long)version,
                      version == 0 ? " (the key is missing or empty)" : "");
    kd_walk_stop(w, e, kd_arena_printf(w->arena, "unsupported version: %lld (want: 3)", (long long)version));
    e->suggestion = version == 1 || version == 2
                        ? KD_STR("rename the keys that the warnings name, then write \"version\": 3")
                        : KD_STR("write \"version\": 3");
}

static bool is_ip(kd_str text)
{
    char copy[64];
    unsigned char address[sizeof(struct in6_addr)];
    if (text.n >= sizeof(copy) || memchr(text.p, 0, text.n))
        return false;
    memcpy(copy, text.p, text.n);
    copy[text.n] = 0;
    return inet_pton(AF_INET, copy, address) == 1 || inet_pton(AF_INET6, copy, address) == 1;
}

static void init_globals(kd_walk *w, kd_service *s, const kd_node *root)
{
    if (s->port == 0)
        s->port = DEFAULT_PORT;
    if (s->listen_ip.n && !is_ip(s->listen_ip)) {
        const kd_path path = {.ours = KD_STR("listen_ip")};
        kd_error *e =
            kd_errors_add(w->errors, KD_SEVERITY_ERROR, place_of(root, path.ours), kd_path_text(w->arena, &path, false),
                          "expected an IP address, found \"%.*s\"", KD_FMT(kd_str_head(s->listen_ip, 100)));
        kd_walk_stop(w, e, kd_arena_printf(w->arena, "invalid ip address %.*s", KD_FMT(s->listen_ip)));
        e->suggestion = KD_STR("leave it out to listen on all addresses");
    }
    if (s->port < 0 || s->port > 65535)
        kd_errors_add(w->errors, KD_SEVERITY_WARNING, place_of(root, KD_STR("port")), KD_STR("port"),
                      "expected a port from 1 to 65535, found %lld: the gateway cannot listen there",
                      (long long)s->port);
    if (s->max_idle_connections_per_host == 0)
        s->max_idle_connections_per_host = DEFAULT_IDLE_PER_HOST;
    if (s->timeout == 0)
        s->timeout = DEFAULT_TIMEOUT;
}

/* ---- backends */

/* The decoder of that name as it will be used (spec/01 section 9.1): unknown names decode JSON. */
static kd_str decoder_of(kd_str encoding)
{
    static const kd_str decoders[] = {KD_STR_INIT("json"),  KD_STR_INIT("safejson"), KD_STR_INIT("string"),
                                      KD_STR_INIT("no-op"), KD_STR_INIT("xml"),      KD_STR_INIT("rss")};
    for (size_t i = 0; i < KD_COUNT(decoders); i++)
        if (kd_str_eq_ci(decoders[i], encoding))
            return decoders[i];
    return decoders[0];
}

static kd_str upper(kd_walk *w, kd_str s)
{
    bool same = true;
    for (size_t i = 0; i < s.n && same; i++)
        same = kd_upper((uint8_t)s.p[i]) == (uint8_t)s.p[i];
    if (same)
        return s;
    kd_str copy = kd_arena_copy(w->arena, s);
    if (!copy.p) {
        w->no_memory = true;
        return s;
    }
    for (size_t i = 0; i < copy.n; i++)
        ((char *)copy.p)[i] = (char)kd_upper((uint8_t)copy.p[i]);
    return copy;
}

/* What the backends of one endpoint share. */
typedef struct owner {
    kd_walk *walk;
    const kd_service *service;
    const kd_endpoint *endpoint;
    const kd_node *node; /* of the endpoint */
    kd_str_list inputs;  /* its parameters, sorted */
    const kd_path *path;
} owner;

/* Are the placeholders of url_pattern offered by the endpoint? KrakenD's count ignores the last one in order. */
static bool check_outputs(owner *o, const kd_backend *b, const kd_node *node, const kd_str_list *outputs,
                          const kd_path *path)
{
    kd_walk *w = o->walk;
    const kd_endpoint *e = o->endpoint;
    uint32_t counted = 0;
    const kd_str *undefined = NULL;
    for (uint32_t i = 0; i < outputs->n; i++) {
        if (kd_param_is_sequential(outputs->v[i]))
            continue;
        counted += i + 1 < outputs->n;
        if (!undefined && !kd_params_contain(&o->inputs, outputs->v[i]))
            undefined = &outputs->v[i];
    }
    bool too_many = counted > o->inputs.n;
    if (!undefined && !too_many)
        return true;
    kd_str in = kd_params_print(w->arena, &o->inputs), out = kd_params_print(w->arena, outputs);
    kd_path at = {.up = path, .ours = KD_STR("url_pattern")};
    kd_error *error;
    if (undefined) {
        error = kd_errors_add(w->errors, KD_SEVERITY_ERROR, place_of(node, at.ours), kd_path_text(w->arena, &at, false),
                              "the placeholder {%.*s} is no parameter of the endpoint \"%.*s\"", KD_FMT(*undefined),
                              KD_FMT(e->path));
        kd_str near = kd_suggest(*undefined, o->inputs.v, o->inputs.n);
        if (near.p)
            error->suggestion = kd_arena_printf(w->arena, "did you mean \"{%.*s}\"?", KD_FMT(near));
    } else {
        error =
            add_error(w, place_of(node, at.ours), &at, "there are more placeholders than parameters of the endpoint");
    }
    if (too_many)
        kd_walk_stop(
            w, error,
            kd_arena_printf(
                w->arena,
                "input and output params do not match. endpoint: %.*s %.*s, backend: %u. input: %.*s, output: %.*s",
                KD_FMT(e->method), KD_FMT(e->route), b->index, KD_FMT(in), KD_FMT(out)));
    else
        kd_walk_stop(w, error,
                     kd_arena_printf(
                         w->arena,
                         "undefined output param '%.*s'! endpoint: %.*s %.*s, backend: %u. input: %.*s, output: %.*s",
                         KD_FMT(*undefined), KD_FMT(e->method), KD_FMT(e->route), b->index, KD_FMT(in), KD_FMT(out)));
    return (in.p && out.p) || no_memory(w);
}

static bool init_pattern(owner *o, kd_backend *b, const kd_node *node, const kd_path *path)
{
    kd_walk *w = o->walk;
    kd_str_list outputs;
    kd_str source = kd_path_with_slash(w->arena, b->url_pattern.source);
    if (!source.p || !kd_params_find(w->arena, source, false, &outputs))
        return no_memory(w);
    kd_params_sort(&outputs);
    if (!kd_pattern_compile(w->arena, source, &outputs, &b->url_pattern))
        return no_memory(w);
    return check_outputs(o, b, node, &outputs, path);
}

/* Some connectors name their place in their own namespace. */
static bool needs_host(const kd_backend *b)
{
    static const kd_str http[] = {KD_STR_INIT("backend/http"), KD_STR_INIT("backend/http/client"),
                                  KD_STR_INIT("backend/graphql")};
    for (uint32_t i = 0; i < b->extra.n; i++) {
        bool known = !kd_str_starts(b->extra.v[i].name, KD_STR("backend/"));
        for (size_t k = 0; k < KD_COUNT(http) && !known; k++)
            known = kd_str_eq(b->extra.v[i].name, http[k]);
        if (!known)
            return false;
    }
    return true;
}

static void warn_no_host(kd_walk *w, const kd_node *node, const kd_path *path)
{
    kd_error *e = kd_errors_add(w->errors, KD_SEVERITY_WARNING, node->at, kd_path_text(w->arena, path, false),
                                "the backend has no host, and neither has the root: every request to it fails with "
                                "\"no hosts available\"");
    e->suggestion = KD_STR("add \"host\": [\"http://…\"] to the backend or to the root");
}

static bool init_backend(owner *o, kd_backend *b, const kd_node *node, const kd_path *path)
{
    kd_walk *w = o->walk;
    const kd_endpoint *e = o->endpoint;
    if (b->hosts.n == 0)
        b->hosts = o->service->hosts;
    if (b->hosts.n == 0 && needs_host(b))
        warn_no_host(w, node, path);
    else if (b->hosts.v != o->service->hosts.v && !b->disable_host_sanitize && !clean_hosts(w, &b->hosts, node, path))
        return false;
    if (b->method.n == 0)
        b->method = e->method;
    b->method_upper = upper(w, b->method);
    b->timeout = e->timeout;
    b->concurrent_calls = e->concurrent_calls;
    if (kd_str_eq(e->output_encoding, no_op))
        b->encoding_source = no_op;
    b->encoding = decoder_of(b->encoding_source);
    if (b->sd_scheme.n == 0)
        b->sd_scheme = KD_STR("http");
    return canonical_headers(w, &b->input_headers) && init_pattern(o, b, node, path);
}

/* ---- endpoints */

static void refuse_endpoint(kd_walk *w, const kd_endpoint *e, const kd_node *node, kd_str key, const kd_path *path,
                            const char *message, const char *compat)
{
    kd_path at = {.up = path, .ours = key};
    kd_error *error =
        kd_errors_add(w->errors, KD_SEVERITY_ERROR, place_of(node, key), kd_path_text(w->arena, &at, false),
                      "the endpoint \"%.*s\" is refused: %s", KD_FMT(e->path), message);
    kd_walk_stop(w, error,
                 kd_arena_printf(w->arena, "ignoring the '%.*s %.*s' endpoint, since it %s", KD_FMT(e->method),
                                 KD_FMT(e->path), compat));
}

static void endpoint_defaults(kd_walk *w, const kd_service *s, kd_endpoint *e)
{
    if (e->method.n == 0)
        e->method = KD_STR("GET");
    e->method_upper = upper(w, e->method);
    if (e->cache_ttl == 0)
        e->cache_ttl = s->cache_ttl;
    if (e->timeout == 0)
        e->timeout = s->timeout;
    if (e->concurrent_calls == 0)
        e->concurrent_calls = 1;
    if (e->output_encoding.n == 0)
        e->output_encoding = s->output_encoding.n ? s->output_encoding : KD_STR("json");
}

static void warn_method(kd_walk *w, const kd_endpoint *e, const kd_node *node, const kd_path *path)
{
    static const kd_str methods[] = {KD_STR_INIT("GET"), KD_STR_INIT("POST"), KD_STR_INIT("PUT"), KD_STR_INIT("PATCH"),
                                     KD_STR_INIT("DELETE")};
    for (size_t i = 0; i < KD_COUNT(methods); i++)
        if (kd_str_eq(methods[i], e->method_upper))
            return;
    kd_path at = {.up = path, .ours = KD_STR("method")};
    kd_error *error =
        kd_errors_add(w->errors, KD_SEVERITY_WARNING, place_of(node, at.ours), kd_path_text(w->arena, &at, false),
                      "expected GET, POST, PUT, PATCH or DELETE, found \"%.*s\": the endpoint is ignored",
                      KD_FMT(kd_str_head(e->method, 40)));
    kd_str near = kd_suggest(e->method_upper, methods, KD_COUNT(methods));
    if (near.p)
        error->suggestion = kd_arena_printf(w->arena, "did you mean \"%.*s\"?", KD_FMT(near));
}

static bool init_backends(owner *o, kd_endpoint *e)
{
    kd_walk *w = o->walk;
    bool noop = kd_str_eq(e->output_encoding, no_op);
    if (noop && e->n_backends > 1) {
        kd_path at = {.up = o->path, .ours = KD_STR("backend")};
        const kd_node *second = item_of(o->node, at.ours, 1);
        kd_error *error = add_error(w, second ? second->at : e->at, &at,
                                    "an endpoint with the output_encoding \"no-op\" has exactly one backend");
        kd_walk_stop(w, error,
                     KD_STR("can not use NoOp encoding with more than one backends connected to the same endpoint"));
        error->suggestion = KD_STR("choose another output_encoding, such as \"json\"");
    }
    const kd_node *item = item_of(o->node, KD_STR("backend"), 0);
    for (uint32_t i = 0; i < e->n_backends; i++, item = item && item->next ? item->next : item) {
        kd_backend *b = &e->backends[i];
        kd_path list = {.up = o->path, .ours = KD_STR("backend")}, at = {.up = &list, .index = i};
        b->index = i;
        if (b->at && !init_backend(o, b, item, &at))
            return false;
    }
    return true;
}

static bool init_endpoint(kd_walk *w, const kd_service *s, kd_endpoint *e, const kd_node *node, const kd_path *path)
{
    const char *why;
    e->path = kd_path_with_slash(w->arena, e->path);
    if (!e->path.p)
        return no_memory(w);
    if (kd_path_is_reserved(e->path, &why))
        refuse_endpoint(w, e, node, KD_STR("endpoint"), path, why, "is invalid!!!");
    else if (e->n_backends == 0)
        refuse_endpoint(w, e, node, KD_STR("backend"), path, "it has no backend", "has 0 backends defined!");
    owner o = {.walk = w, .service = s, .endpoint = e, .node = node, .path = path};
    if (!canonical_headers(w, &e->input_headers) || !kd_params_find(w->arena, e->path, !s->disable_rest, &e->params))
        return no_memory(w);
    e->route = kd_path_to_route(w->arena, e->path, &e->params);
    o.inputs = (kd_str_list){e->params.n ? KD_NEW_ARRAY(w->arena, kd_str, e->params.n) : NULL, e->params.n};
    if (!e->route.p || (e->params.n && !o.inputs.v))
        return no_memory(w);
    if (e->params.n)
        memcpy(o.inputs.v, e->params.v, e->params.n * sizeof(kd_str));
    kd_params_sort(&o.inputs);
    endpoint_defaults(w, s, e);
    warn_method(w, e, node, path);
    return init_backends(&o, e);
}

/* spec/01 section 12. */
static bool agent_defaults(kd_walk *w, const kd_service *s, kd_agent *a, uint32_t index)
{
    a->unnamed = a->name.n == 0;
    if (a->unnamed)
        a->name = kd_arena_printf(w->arena, "AsyncAgent-%02u", index);
    if (a->timeout == 0)
        a->timeout = s->timeout;
    if (a->workers < 1)
        a->workers = 1;
    if (a->health_interval < KD_SECOND)
        a->health_interval = KD_SECOND;
    return a->name.p || no_memory(w);
}

static bool init_agent(kd_walk *w, const kd_service *s, kd_agent *a, const kd_node *node, const kd_path *path)
{
    kd_backend *backends = a->backends.v;
    const kd_node *item = item_of(node, KD_STR("backend"), 0);
    for (uint32_t i = 0; i < a->backends.n; i++, item = item && item->next ? item->next : item) {
        kd_backend *b = &backends[i];
        kd_path list = {.up = path, .ours = KD_STR("backend")}, at = {.up = &list, .index = i};
        b->index = i;
        if (b->hosts.n == 0)
            b->hosts = s->hosts;
        else if (!b->disable_host_sanitize && !clean_hosts(w, &b->hosts, item, &at))
            return false;
        if (b->method.n == 0)
            b->method = KD_STR("GET");
        b->method_upper = upper(w, b->method);
        b->timeout = a->timeout;
        b->encoding = decoder_of(b->encoding_source);
        if (!kd_pattern_compile(w->arena, b->url_pattern.source, &(kd_str_list){NULL, 0}, &b->url_pattern))
            return no_memory(w);
    }
    return true;
}

const kd_agent *kd_service_agents(const kd_service *service, uint32_t *n)
{
    const kd_service_draft *draft = (const kd_service_draft *)(const void *)service; /* its first member */
    *n = draft->agents.n;
    return draft->agents.v;
}

bool kd_model_init(kd_walk *w, kd_service_draft *draft, const kd_node *root)
{
    kd_service *s = &draft->service;
    kd_endpoint *endpoints = s->endpoints = draft->endpoints.v;
    kd_agent *agents = draft->agents.v;
    s->n_endpoints = draft->endpoints.n;
    s->n_async_agents = draft->agents.n;
    if (!w->refused)
        check_version(w, draft->version, root);
    init_globals(w, s, root);
    if (!clean_hosts(w, &s->hosts, root, NULL))
        return false;
    const kd_node *item = item_of(root, KD_STR("async_agent"), 0);
    for (uint32_t i = 0; i < s->n_async_agents; i++, item = item && item->next ? item->next : item) {
        kd_path list = {.ours = KD_STR("async_agent")}, at = {.up = &list, .index = i};
        if (!agent_defaults(w, s, &agents[i], i) || (agents[i].at && !init_agent(w, s, &agents[i], item, &at)))
            return false;
    }
    item = item_of(root, KD_STR("endpoints"), 0);
    for (uint32_t i = 0; i < s->n_endpoints; i++, item = item && item->next ? item->next : item) {
        kd_path list = {.ours = KD_STR("endpoints")}, at = {.up = &list, .index = i};
        if (endpoints[i].at && !init_endpoint(w, s, &endpoints[i], item, &at))
            return false;
    }
    kd_model_check_tls(w, s);
    return !w->no_memory;
}
