/* security/cors: which pages of other sites may read the answers (spec/02 section 8). It stands in front of the router,
 * so that preflights are answered for any path, and answers of all kinds carry its fields: redirects, 404, the
 * gateway's own errors. */
#include "gateway/exchange.h"
#include "gateway/module.h"
#include "gateway/worker.h"
#include "modules/security/cors/policy.h"
#include "text/go/duration.h"
#include "text/go/header.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#define FIELD(name, kind, text)                                                                                        \
    .key = KD_STR_INIT(name), .type = KD_FIELD_##kind, .wrong = KD_WRONG_IGNORE, .offset = KD_NO_OFFSET, .about = text

static const kd_field fields[] = {
    {FIELD("allow_origins", STRINGS, "Origins that are let in; one asterisk in each stands for any text."),
     .dflt = "[\"*\"]"},
    {FIELD("allow_methods", STRINGS, "Methods that are let in, in capitals."), .dflt = "[\"GET\", \"HEAD\", \"POST\"]",
     .lint =
         "{'type':'array','uniqueItems':true,'items':{'enum':['GET','HEAD','POST','PUT','PATCH','DELETE','OPTIONS']}}"},
    {FIELD("allow_headers", STRINGS, "Headers that a page may send; none listed: any."), .dflt = "[]"},
    {FIELD("expose_headers", STRINGS, "Headers of the answer that a page may read."), .dflt = "[]"},
    {FIELD("allow_credentials", BOOL, "Lets pages send cookies and other credentials."), .dflt = "false"},
    {FIELD("allow_private_network", BOOL, "Lets public pages call this gateway in a private network."),
     .dflt = "false"},
    {FIELD("options_passthrough", BOOL, "Hands preflights on to the router."), .dflt = "false"},
    {FIELD("options_success_status", INT, "Status of the answer to a preflight."), .dflt = "204", .min = 200,
     .max = 599},
    {.key = KD_STR_INIT("max_age"),
     .type = KD_FIELD_DURATION,
     .wrong = KD_WRONG_FAIL_START,
     .offset = KD_NO_OFFSET,
     .dflt = "0h",
     .about = "How long a browser may keep the answer to a preflight."},
    {FIELD("debug", BOOL, "Logs what is decided about each request."), .dflt = "false"},
};
static const kd_fields table = {"CORS block", KD_SCOPE_ENDPOINT, 0, KD_NO_OFFSET, fields, KD_COUNT(fields)};
static const kd_fields service_table = {"service's CORS block",
                                        KD_SCOPE_SERVICE,
                                        0,
                                        KD_NO_OFFSET,
                                        fields,
                                        KD_COUNT(fields),
                                        .shape = KD_SHAPE_OPEN,
                                        .lint = "'required':['allow_origins']"};

static const kd_namespace namespaces[] = {
    {KD_STR_INIT("security/cors"), KD_STR_INIT("github_com/devopsfaith/krakend-cors"), KD_SCOPE_SERVICE, KD_EDITION_CE,
     false, true, &service_table},
    {KD_STR_INIT("security/cors"), KD_STR_INIT(""), KD_SCOPE_ENDPOINT, KD_EDITION_EE, false, true, &table},
};

/* All that an answer carries for one origin, in the order of the names, which spares the writer the sorting. */
typedef struct kit {
    kd_header v[4];
    uint32_t n;
} kit;

/* One block, compiled once: the fields lie ready to be copied. */
typedef struct cors {
    const kd_cors_policy *policy;
    kit *kits;        /* for each listed origin; one where all are welcome */
    uint32_t methods; /* that are let in: a bit for each common kd_method; not OPTIONS, which may be a preflight */
    kd_header vary, preflight_vary, origin_all, exposed, credentials, private_network, max_age;
    bool has_exposed, has_credentials, takes_private_network, has_max_age, passthrough, debug;
    uint16_t status;
} cors;

/* Where only endpoints have blocks: what is theirs. */
typedef struct by_endpoint {
    const kd_generation *generation;
    const cors **v; /* in the order of the endpoints; NULL: none */
} by_endpoint;

extern const kd_module kd_module_security_cors;

/* ---- on a request's way ------------------------------------------------------------------------------------------ */

static const kd_str name_origin = KD_STR_INIT("Access-Control-Allow-Origin");
static const kd_str name_methods = KD_STR_INIT("Access-Control-Allow-Methods");
static const kd_str name_headers = KD_STR_INIT("Access-Control-Allow-Headers");
static const kd_str asked_method = KD_STR_INIT("Access-Control-Request-Method");
static const kd_str asked_headers = KD_STR_INIT("Access-Control-Request-Headers");
static const kd_str asked_private = KD_STR_INIT("Access-Control-Request-Private-Network");

static void put(kd_headers *to, const kd_header *field)
{
    kd_header *room = kd_headers_room(to);
    if (!room)
        return;
    *room = *field;
    to->n++;
}

/* What the client sent, under another name. The scanner has seen that nothing in it splits a message. */
static void put_as(kd_headers *to, kd_str name, const kd_header *from)
{
    kd_header *room = kd_headers_room(to);
    if (!room)
        return;
    *room = *from;
    room->name = name.p;
    room->name_n = (uint16_t)name.n;
    room->token = KD_HEADER_OTHER;
    to->n++;
}

/* All that the client sent under one name, under another. */
static void echo(kd_headers *to, kd_str name, const kd_headers *from, kd_str of)
{
    for (uint32_t i = 0; i < from->n; i++)
        if (kd_str_eq(kd_header_name(&from->v[i]), of))
            put_as(to, name, &from->v[i]);
}

static kd_str first_of(const kd_headers *headers, kd_str name)
{
    const kd_header *field = kd_headers_find_name(headers, name);
    return field ? kd_header_value(field) : KD_STR("");
}

static void say(const cors *c, const char *format, ...) KD_PRINTF(2, 3);
static void say(const cors *c, const char *format, ...)
{
    if (KD_LIKELY(!c->debug) || !kd_log_wants(KD_LOG_DEBUG))
        return;
    char stamp[32], line[4096];
    struct tm tm;
    time_t now = (time_t)(kd_clock_wall() / KD_SECOND);
    localtime_r(&now, &tm);
    strftime(stamp, sizeof stamp, "%Y/%m/%d %H:%M:%S", &tm);
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    kd_log(KD_LOG_DEBUG, "[CORS] %s %s", stamp, line);
}

/* Go's %v of the fields so far. */
static void say_fields(const cors *c, const char *what, kd_headers *headers)
{
    if (KD_LIKELY(!c->debug) || !kd_log_wants(KD_LOG_DEBUG))
        return;
    kd_buf text;
    kd_buf_init(&text, 64u * 1024);
    kd_headers_sort(headers);
    for (uint32_t i = 0; i < headers->n; i++) {
        const kd_header *field = &headers->v[i];
        bool again = i && kd_str_eq(kd_header_name(field), kd_header_name(field - 1));
        bool last = i + 1 == headers->n || !kd_str_eq(kd_header_name(field), kd_header_name(field + 1));
        if (!again)
            kd_buf_printf(&text, "%s%.*s:[", i ? " " : "", KD_FMT(kd_header_name(field)));
        kd_buf_printf(&text, "%s%.*s%s", again ? " " : "", KD_FMT(kd_header_value(field)), last ? "]" : "");
    }
    say(c, "  %s: map[%.*s]", what, KD_FMT(kd_buf_str(&text)));
    kd_buf_fini(&text);
}

/* `origin` is the first field of that name. */
static void allow_origin(const cors *c, const kd_headers *from, const kd_header *origin, kd_headers *to)
{
    if (kd_cors_policy_takes_all(c->policy)) {
        put(to, &c->origin_all);
        return;
    }
    for (const kd_header *field = origin; field < from->v + from->n; field++)
        if (field->token == KD_HEADER_ORIGIN)
            put_as(to, name_origin, field);
}

/* Are the names that the preflight asks for welcome? False without memory, too. */
static bool takes_headers(const cors *c, kd_arena *arena, const kd_headers *from, bool *found)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < from->n; i++)
        n += kd_str_eq(kd_header_name(&from->v[i]), asked_headers);
    *found = n > 0;
    kd_str *values = n ? KD_NEW_ARRAY(arena, kd_str, n) : NULL;
    if (n && !values)
        return false;
    uint32_t at = 0;
    for (uint32_t i = 0; i < from->n; i++)
        if (kd_str_eq(kd_header_name(&from->v[i]), asked_headers))
            values[at++] = kd_header_value(&from->v[i]);
    return kd_cors_policy_takes_headers(c->policy, (kd_cors_list){values, n});
}

static void preflight(const cors *c, kd_arena *arena, const kd_headers *from, kd_str method, kd_headers *to)
{
    const kd_header *field = kd_headers_find(from, KD_HEADER_ORIGIN);
    kd_str origin = field ? kd_header_value(field) : KD_STR("");
    bool asks;
    put(to, &c->preflight_vary);
    if (origin.n == 0) {
        say(c, "  Preflight aborted: empty origin");
    } else if (!kd_cors_policy_takes_origin(c->policy, origin)) {
        say(c, "  Preflight aborted: origin '%.*s' not allowed", KD_FMT(origin));
    } else if (!kd_cors_policy_takes_method(c->policy, method)) {
        say(c, "  Preflight aborted: method '%.*s' not allowed", KD_FMT(method));
    } else if (!takes_headers(c, arena, from, &asks)) {
        say(c, "  Preflight aborted: headers '[%.*s]' not allowed", KD_FMT(first_of(from, asked_headers)));
    } else {
        allow_origin(c, from, field, to);
        echo(to, name_methods, from, asked_method);
        if (asks && first_of(from, asked_headers).n)
            echo(to, name_headers, from, asked_headers);
        if (c->has_credentials)
            put(to, &c->credentials);
        if (c->takes_private_network && kd_str_eq(first_of(from, asked_private), KD_STR("true")))
            put(to, &c->private_network);
        if (c->has_max_age)
            put(to, &c->max_age);
        say_fields(c, "Preflight response headers", to);
    }
}

/* What nearly every request of a browser gets: one origin as it is listed, a common method. NULL: it is another kind of
 * request. */
static const kit *kit_for(const cors *c, const kd_request_head *head)
{
    const kd_headers *headers = &head->headers;
    const kd_header *origin = NULL;
    if (KD_UNLIKELY(c->debug || !(c->methods >> head->method & 1)))
        return NULL;
    for (uint32_t i = 0; i < headers->n; i++) {
        if (headers->v[i].token != KD_HEADER_ORIGIN)
            continue;
        if (origin)
            return NULL;
        origin = &headers->v[i];
    }
    if (!origin || !origin->value_n)
        return NULL;
    if (kd_cors_policy_takes_all(c->policy))
        return c->kits;
    ptrdiff_t at = kd_cors_policy_place(c->policy, kd_header_value(origin));
    return at >= 0 ? &c->kits[at] : NULL;
}

static void put_kit(kd_headers *to, const kit *from)
{
    kd_header *room = kd_headers_room(to);
    if (KD_LIKELY(room && to->cap - to->n >= KD_COUNT(from->v))) {
        memcpy(room, from->v, sizeof from->v);
        to->n += from->n;
        return;
    }
    for (uint32_t i = 0; i < from->n; i++)
        put(to, &from->v[i]);
}

static void actual(const cors *c, const kd_headers *from, kd_str method, kd_headers *to)
{
    const kd_header *field = kd_headers_find(from, KD_HEADER_ORIGIN);
    put(to, &c->vary);
    if (!field || field->value_n == 0) {
        say(c, "  Actual request no headers added: missing origin");
    } else if (!kd_cors_policy_takes_origin(c->policy, kd_header_value(field))) {
        say(c, "  Actual request no headers added: origin '%.*s' not allowed", KD_FMT(kd_header_value(field)));
    } else if (!kd_cors_policy_takes_method(c->policy, method)) {
        say(c, "  Actual request no headers added: method '%.*s' not allowed", KD_FMT(method));
    } else {
        /* in the order of their names, which spares the writer the sorting */
        if (c->has_credentials)
            put(to, &c->credentials);
        allow_origin(c, from, field, to);
        if (c->has_exposed)
            put(to, &c->exposed);
        say_fields(c, "Actual response added headers", to);
    }
}

/* What a preflight asks for; empty where the request is none. */
static kd_str method_asked(const kd_request_head *head)
{
    return head->method == KD_METHOD_OPTIONS ? first_of(&head->headers, asked_method) : KD_STR("");
}

__attribute__((noinline)) static bool apply_rules(const cors *c, kd_front *front, kd_reply *reply)
{
    const kd_request_head *head = front->head;
    kd_str asked = method_asked(head);
    if (asked.n == 0) {
        say(c, "Handler: Actual request");
        actual(c, &head->headers, head->method_text, &reply->headers);
        return false;
    }
    say(c, "Handler: Preflight request");
    preflight(c, front->arena, &head->headers, asked, &reply->headers);
    if (!c->passthrough)
        reply->status = c->status;
    return !c->passthrough;
}

static bool apply(const cors *c, kd_front *front, kd_reply *reply)
{
    const kit *known = kit_for(c, front->head);
    if (KD_UNLIKELY(!known))
        return apply_rules(c, front, reply);
    put_kit(&reply->headers, known);
    return false;
}

static bool on_entry(kd_front *front, kd_reply *reply, const void *config)
{
    return apply(config, front, reply);
}

/* The endpoint that the request is for: of a preflight, the one that the request behind it would reach. */
static const kd_endpoint *endpoint_of(const kd_generation *g, kd_front *front)
{
    const kd_request_head *head = front->head;
    kd_str asked = method_asked(head), path = head->path, bad;
    uint32_t room = kd_router_max_params(g->router);
    kd_route_match match = {.params = room ? KD_NEW_ARRAY(front->arena, kd_route_param, room) : NULL};
    if ((room && !match.params) ||
        (!head->path_plain && !kd_go_url_unescape(front->arena, head->path, false, &path, &bad)) || !path.p)
        return NULL;
    kd_route_result result =
        kd_router_lookup(g->router, asked.n ? asked : head->method_text, path, front->arena, &match);
    for (uint32_t i = 0; result == KD_ROUTE_NOT_ALLOWED && i < kd_router_methods(g->router); i++) {
        match.n_params = 0;
        if (kd_router_lookup(g->router, kd_router_method(g->router, i), path, front->arena, &match) == KD_ROUTE_FOUND)
            result = KD_ROUTE_FOUND;
    }
    const kd_plan *plan = result == KD_ROUTE_FOUND ? match.route->handler : NULL;
    return plan ? plan->endpoint : NULL;
}

static bool on_entry_of_endpoint(kd_front *front, kd_reply *reply, const void *config)
{
    const by_endpoint *blocks = config;
    const kd_endpoint *e = endpoint_of(blocks->generation, front);
    const cors *c = e ? blocks->v[e - blocks->generation->service->endpoints] : NULL;
    return c && apply(c, front, reply);
}

/* ---- its configuration ------------------------------------------------------------------------------------------- */

static bool read_list(kd_arena *arena, const kd_node *block, kd_str key, kd_cors_list *out)
{
    const kd_node *list = kd_node_typed(block, key, KD_NODE_LIST);
    kd_str *v = list ? KD_NEW_ARRAY(arena, kd_str, list->n + 1) : NULL;
    *out = (kd_cors_list){v, 0};
    if (list && !v)
        return false;
    for (const kd_node *item = list ? list->first : NULL; item; item = item->next)
        if (kd_node_is_text(item))
            v[out->n++] = item->text;
    return true;
}

static bool read_bool(const kd_node *block, kd_str key)
{
    const kd_node *node = kd_node_typed(block, key, KD_NODE_BOOL);
    return node && node->boolean;
}

/* Name and value lie in one piece, as the writer of answers likes them. Without memory: in two. */
static kd_header field_of(kd_arena *arena, kd_str name, kd_str value)
{
    kd_str line = kd_arena_printf(arena, "%.*s: %.*s", KD_FMT(name), KD_FMT(value));
    return (kd_header){.name = line.p ? line.p : name.p,
                       .name_n = (uint16_t)name.n,
                       .token = (uint8_t)kd_token_of(name),
                       .value = line.p ? line.p + name.n + 2 : value.p,
                       .value_n = (uint32_t)value.n,
                       .flags = KD_HEADER_CHECKED};
}

static bool read_exposed(cors *c, const kd_compile *compile, const kd_node *block)
{
    kd_cors_list names;
    kd_buf text;
    if (!read_list(compile->arena, block, KD_STR("expose_headers"), &names))
        return false;
    kd_buf_init(&text, 1024 * 1024);
    for (uint32_t i = 0; i < names.n; i++) {
        char *room = kd_buf_room(&text, names.v[i].n + 2);
        if (!room)
            break;
        size_t comma = i ? 2 : 0;
        memcpy(room, ", ", comma);
        if (names.v[i].n)
            memcpy(room + comma, names.v[i].p, names.v[i].n);
        kd_go_header_canonical(room + comma, names.v[i].n);
        text.n += comma + names.v[i].n;
    }
    kd_str value = text.failed ? (kd_str){NULL, 0} : kd_arena_copy(compile->arena, kd_buf_str(&text));
    kd_buf_fini(&text);
    c->has_exposed = names.n > 0 && value.p && kd_go_header_valid_value(value);
    c->exposed = field_of(compile->arena, KD_STR("Access-Control-Expose-Headers"), value);
    return value.p != NULL;
}

/* KrakenD panics on a value that is no string; here it is an error of the file. */
static bool read_max_age(cors *c, const kd_compile *compile, const kd_node *block)
{
    const kd_node *node = kd_node_get(block, KD_STR("max_age"));
    kd_ns age;
    kd_str error;
    if (!node)
        return true;
    if (node->type != KD_NODE_STRING) {
        kd_errors_add(compile->errors, KD_SEVERITY_ERROR, node->at, KD_STR("security/cors.max_age"),
                      "expected a duration such as \"12h\", found %s", kd_node_type_name(node->type))
            ->compat = KD_STR("interface conversion: interface {} is not string");
        return false;
    }
    if (!kd_go_duration_parse(node->text, &age, &error) || age / KD_SECOND == 0)
        return true;
    kd_str text = kd_arena_printf(compile->arena, "%lld", age < 0 ? 0 : (long long)(age / KD_SECOND));
    c->has_max_age = true;
    c->max_age = field_of(compile->arena, KD_STR("Access-Control-Max-Age"), text);
    return text.p != NULL;
}

static void read_status(cors *c, const kd_compile *compile, const kd_node *block)
{
    const kd_node *node = kd_node_typed(block, KD_STR("options_success_status"), KD_NODE_NUMBER);
    double status = node ? node->number : 0;
    c->status = 204;
    if (status >= 200 && status < 1000)
        c->status = (uint16_t)status;
    else if (status >= 1 || status <= -1)
        kd_errors_add(compile->errors, KD_SEVERITY_WARNING, node->at, KD_STR("security/cors.options_success_status"),
                      "%.*s is no status of an answer: 204 is used", KD_FMT(node->text));
}

/* What browsers will not do, whatever is answered. */
static void warn(const kd_compile *compile, const kd_node *block, const cors *c, kd_cors_list origins)
{
    const kd_node *list = kd_node_typed(block, KD_STR("allow_origins"), KD_NODE_LIST);
    if (c->has_credentials && kd_cors_policy_takes_all(c->policy))
        kd_errors_add(compile->errors, KD_SEVERITY_WARNING, block->at, KD_STR("security/cors.allow_credentials"),
                      "browsers send no credentials where every origin is allowed")
            ->suggestion = KD_STR("list the origins in \"allow_origins\"");
    for (uint32_t i = 0; list && i < origins.n; i++) {
        kd_str o = origins.v[i];
        if (kd_str_ends(o, KD_STR("/")))
            kd_errors_add(compile->errors, KD_SEVERITY_WARNING, list->at, KD_STR("security/cors.allow_origins"),
                          "\"%.*s\" fits no origin: none ends with a slash", KD_FMT(o));
        else if (kd_str_search(o, KD_STR("://")) < 0 && kd_str_find(o, '*') < 0 && !kd_str_eq(o, KD_STR("null")))
            kd_errors_add(compile->errors, KD_SEVERITY_WARNING, list->at, KD_STR("security/cors.allow_origins"),
                          "\"%.*s\" fits no origin: they begin with a scheme, such as https://", KD_FMT(o));
    }
}

static kit kit_of(const cors *c, const kd_header *origin)
{
    kit made = {.n = 0};
    if (c->has_credentials)
        made.v[made.n++] = c->credentials;
    made.v[made.n++] = *origin;
    if (c->has_exposed)
        made.v[made.n++] = c->exposed;
    made.v[made.n++] = c->vary;
    return made;
}

/* False without memory. */
static bool make_kits(cors *c, kd_arena *arena)
{
    static const struct {
        kd_method method;
        kd_str text;
    } common[] = {{KD_METHOD_GET, KD_STR_INIT("GET")},     {KD_METHOD_HEAD, KD_STR_INIT("HEAD")},
                  {KD_METHOD_POST, KD_STR_INIT("POST")},   {KD_METHOD_PUT, KD_STR_INIT("PUT")},
                  {KD_METHOD_PATCH, KD_STR_INIT("PATCH")}, {KD_METHOD_DELETE, KD_STR_INIT("DELETE")}};
    for (size_t i = 0; i < KD_COUNT(common); i++)
        if (kd_cors_policy_takes_method(c->policy, common[i].text))
            c->methods |= 1u << common[i].method;
    uint32_t n = kd_cors_policy_origins(c->policy);
    c->kits = KD_NEW_ARRAY(arena, kit, n + 1);
    if (!c->kits)
        return false;
    c->kits[0] = kit_of(c, &c->origin_all);
    for (uint32_t i = 0; i < n; i++) {
        kd_str origin = kd_cors_policy_origin(c->policy, i);
        if (!origin.p)
            continue;
        kd_header field = field_of(arena, name_origin, origin);
        if (!kd_go_header_valid_value(origin))
            field.flags = 0; /* no request can name it; the writer looks at it all the same */
        c->kits[i] = kit_of(c, &field);
    }
    return true;
}

static const cors *read_block(const kd_compile *compile, const kd_node *block)
{
    kd_arena *arena = compile->arena;
    kd_cors_options options;
    cors *c = KD_NEW(arena, cors);
    if (!c || !read_list(arena, block, KD_STR("allow_origins"), &options.origins) ||
        !read_list(arena, block, KD_STR("allow_methods"), &options.methods) ||
        !read_list(arena, block, KD_STR("allow_headers"), &options.headers) || !read_exposed(c, compile, block) ||
        !read_max_age(c, compile, block))
        return NULL;
    c->policy = kd_cors_policy_create(arena, &options);
    c->takes_private_network = read_bool(block, KD_STR("allow_private_network"));
    c->has_credentials = read_bool(block, KD_STR("allow_credentials"));
    c->passthrough = read_bool(block, KD_STR("options_passthrough"));
    c->debug = read_bool(block, KD_STR("debug"));
    c->vary = field_of(arena, KD_STR("Vary"), KD_STR("Origin"));
    c->preflight_vary = field_of(arena, KD_STR("Vary"),
                                 c->takes_private_network
                                     ? KD_STR("Origin, Access-Control-Request-Method, Access-Control-Request-Headers, "
                                              "Access-Control-Request-Private-Network")
                                     : KD_STR("Origin, Access-Control-Request-Method, Access-Control-Request-Headers"));
    c->origin_all = field_of(arena, name_origin, KD_STR("*"));
    c->credentials = field_of(arena, KD_STR("Access-Control-Allow-Credentials"), KD_STR("true"));
    c->private_network = field_of(arena, KD_STR("Access-Control-Allow-Private-Network"), KD_STR("true"));
    read_status(c, compile, block);
    if (!c->policy || !make_kits(c, arena))
        return NULL;
    warn(compile, block, c, options.origins);
    return c;
}

static const kd_node *block_of(const kd_extras *extras)
{
    const kd_node *block = kd_extra_find(extras, KD_STR("security/cors"));
    return block && block->type == KD_NODE_OBJECT ? block : NULL;
}

/* The blocks of endpoints, where the service has none. False without memory, or after an error. */
static bool open_endpoints(kd_generation *g, const kd_compile *compile, bool ruled)
{
    const kd_service *service = compile->service;
    by_endpoint *blocks = NULL;
    for (uint32_t i = 0; i < service->n_endpoints; i++) {
        const kd_node *block = block_of(&service->endpoints[i].extra);
        if (!block)
            continue;
        if (ruled) {
            kd_errors_add(compile->errors, KD_SEVERITY_WARNING, block->at, KD_STR("security/cors"),
                          "it is not looked at: the service's block counts for all endpoints");
            continue;
        }
        if (!blocks) {
            blocks = KD_NEW(compile->arena, by_endpoint);
            if (!blocks)
                return false;
            blocks->generation = g;
            blocks->v = KD_NEW_ARRAY(compile->arena, const cors *, service->n_endpoints);
        }
        if (!blocks->v || !(blocks->v[i] = read_block(compile, block)))
            return false;
    }
    return !blocks || kd_generation_add_entry_hook(g, (kd_entry_hook){on_entry_of_endpoint, blocks});
}

static bool open(kd_generation *g, const kd_compile *compile)
{
    const kd_node *block = block_of(&compile->service->extra);
    if (!block)
        return open_endpoints(g, compile, false);
    const cors *c = read_block(compile, block);
    if (!c)
        return false;
    *kd_module_slot(g, &kd_module_security_cors) = (void *)c;
    return open_endpoints(g, compile, true) && kd_generation_add_entry_hook(g, (kd_entry_hook){on_entry, c});
}

static void log_start(const kd_generation *g)
{
    if (*kd_module_slot((kd_generation *)g, &kd_module_security_cors))
        kd_log(KD_LOG_DEBUG, "[SERVICE: Gin][CORS] Enabled CORS for all requests");
}

const kd_module kd_module_security_cors = {.name = "security/cors",
                                           .namespaces = namespaces,
                                           .n_namespaces = KD_COUNT(namespaces),
                                           .open = open,
                                           .log = log_start};
