/* security/http: which hosts are served, plain HTTP sent on to https, and fields that tell browsers to be strict
 * (spec/02 section 9). */
#include "gateway/exchange.h"
#include "gateway/expression.h"
#include "gateway/module.h"
#include "modules/security/http/rules.h"
#include "text/go/header.h"

#define FIELD(name, kind, text)                                                                                        \
    .key = KD_STR_INIT(name), .type = KD_FIELD_##kind, .wrong = KD_WRONG_IGNORE, .offset = KD_NO_OFFSET, .about = text

static const kd_field fields[] = {
    {FIELD("allowed_hosts", STRINGS,
           "Values of Host that are served, with the port where one is sent; none listed: any."),
     .dflt = "[]"},
    {FIELD("allowed_hosts_are_regex", BOOL, "The hosts are regular expressions."), .dflt = "false"},
    {FIELD("host_proxy_headers", STRINGS, "Headers that carry the host in place of Host.")},
    {FIELD("ssl_redirect", BOOL, "Sends plain HTTP on to https."), .dflt = "false"},
    {FIELD("ssl_host", STRING, "The host that plain HTTP is sent to; none: the one that was asked for.")},
    {FIELD("ssl_proxy_headers", OBJECT, "Headers, with their values, that a proxy sets where the client spoke TLS.")},
    {FIELD("sts_seconds", INT, "Strict-Transport-Security: for how long, in seconds."), .dflt = "0"},
    {FIELD("sts_include_subdomains", BOOL, "Strict-Transport-Security: for all subdomains, too."), .dflt = "false"},
    {FIELD("force_sts_header", BOOL, "Sends Strict-Transport-Security over plain HTTP, too."), .dflt = "false"},
    {FIELD("frame_deny", BOOL, "X-Frame-Options: DENY."), .dflt = "false"},
    {FIELD("custom_frame_options_value", STRING, "Another value of X-Frame-Options.")},
    {FIELD("content_type_nosniff", BOOL, "X-Content-Type-Options: nosniff."), .dflt = "false"},
    {FIELD("browser_xss_filter", BOOL, "X-Xss-Protection: 1; mode=block."), .dflt = "false"},
    {FIELD("content_security_policy", STRING, "Content-Security-Policy; $NONCE stands for a new nonce each time.")},
    {FIELD("referrer_policy", STRING, "Referrer-Policy.")},
    {FIELD("is_development", BOOL, "No host check, no redirect and no Strict-Transport-Security."), .dflt = "false"},
    {FIELD("hpkp_public_key", STRING, "It has no effect: browsers have given Public-Key-Pins up."),
     .flags = KD_FIELD_DEPRECATED},
};
static const kd_fields table = {"HTTP security block", KD_SCOPE_SERVICE | KD_SCOPE_ENDPOINT, 0, KD_NO_OFFSET, fields,
                                KD_COUNT(fields)};

static const kd_namespace namespaces[] = {
    {KD_STR_INIT("security/http"), KD_STR_INIT("github_com/devopsfaith/krakend-httpsecure"), KD_SCOPE_SERVICE,
     KD_EDITION_CE, false, true, &table},
    {KD_STR_INIT("security/http"), KD_STR_INIT(""), KD_SCOPE_ENDPOINT, KD_EDITION_EE, false, true, &table},
};

typedef struct proxy_header {
    kd_str name, value; /* the name in canonical form */
} proxy_header;

typedef struct secure {
    kd_secure_rules *rules;
    bool checks_hosts, redirects, own; /* own: the endpoint's, whose fields replace the service's */
    kd_str ssl_host;
    const kd_str *host_headers;
    const proxy_header *tls_headers;
    uint32_t n_host_headers, n_tls_headers;
    kd_header tls[KD_SECURE_FIELDS], plain[KD_SECURE_FIELDS]; /* ready to be copied */
    uint32_t n_tls, n_plain;
    kd_str policy; /* with the nonce's place in it; p is NULL without one */
} secure;

extern const kd_module kd_module_security_http;

/* ---- on a request's way ------------------------------------------------------------------------------------------ */

static kd_str value_of(const kd_headers *headers, kd_str name)
{
    const kd_header *field = kd_headers_find_name(headers, name);
    return field ? kd_header_value(field) : KD_STR("");
}

static kd_str host_of(const secure *s, const kd_request_head *head)
{
    for (uint32_t i = 0; i < s->n_host_headers; i++) {
        kd_str host = value_of(&head->headers, s->host_headers[i]);
        if (host.n)
            return host;
    }
    return head->host;
}

static bool over_tls(const secure *s, const kd_front *front)
{
    const kd_request_head *head = front->head;
    if (front->tls || (head->authority.n && kd_str_eq_ci(kd_str_head(head->target, 6), KD_STR("https:"))))
        return true;
    for (uint32_t i = 0; i < s->n_tls_headers; i++)
        if (kd_str_eq(value_of(&head->headers, s->tls_headers[i].name), s->tls_headers[i].value))
            return true;
    return false;
}

static kd_verdict bad_host(kd_branch *branch)
{
    kd_headers_set(&branch->x->reply.headers, KD_STR("X-Content-Type-Options"), KD_STR("nosniff"));
    return kd_exchange_answer(branch, 500, KD_STR("Bad Host\n"), KD_STR("text/plain; charset=utf-8"));
}

static kd_verdict redirect(kd_branch *branch, const secure *s, kd_str host)
{
    kd_exchange *x = branch->x;
    const kd_request_head *head = x->front->head;
    kd_arena *arena = x->front->arena;
    bool get = head->method == KD_METHOD_GET;
    kd_str url =
        kd_secure_https_url(arena, s->ssl_host.n ? s->ssl_host : host, head->path, head->has_query, head->query);
    kd_str location = url.p ? kd_secure_location(arena, url) : url,
           page = get && url.p ? kd_secure_page(arena, url) : KD_STR("");
    if (!location.p || !page.p || !kd_headers_add_token(&x->reply.headers, KD_HEADER_LOCATION, location))
        return kd_branch_fail(branch, KD_FAIL_SHED, KD_STR("out of memory"));
    bool typed = get || head->method == KD_METHOD_HEAD;
    return kd_exchange_answer(branch, 301, page, typed ? KD_STR("text/html; charset=utf-8") : KD_STR(""));
}

static bool put_nonce(kd_exchange *x, const secure *s)
{
    kd_str value = kd_secure_nonce_value(x->front->arena, s->policy);
    return value.p && kd_headers_set(&x->reply.headers, KD_STR("Content-Security-Policy"), value);
}

static kd_verdict enter_secure(kd_branch *branch, const void *config, void *state)
{
    (void)state;
    const secure *s = config;
    kd_exchange *x = branch->x;
    kd_headers *to = &x->reply.headers;
    kd_str host = s->checks_hosts || s->redirects ? host_of(s, x->front->head) : KD_STR("");
    if (s->checks_hosts && !kd_secure_rules_takes_host(s->rules, x->front->arena, host))
        return bad_host(branch);
    bool tls = over_tls(s, x->front);
    if (s->redirects && !tls)
        return redirect(branch, s, host);
    const kd_header *add = tls ? s->tls : s->plain;
    uint32_t n = tls ? s->n_tls : s->n_plain;
    for (uint32_t i = 0; i < n; i++) {
        if (KD_UNLIKELY(s->own))
            kd_headers_remove(to, kd_header_name(&add[i]));
        kd_header *room = kd_headers_room(to);
        if (KD_UNLIKELY(!room))
            return kd_branch_fail(branch, KD_FAIL_SHED, KD_STR("out of memory"));
        *room = add[i];
        to->n++;
    }
    if (KD_UNLIKELY(s->policy.p != NULL) && !put_nonce(x, s))
        return kd_branch_fail(branch, KD_FAIL_SHED, KD_STR("out of memory"));
    return KD_NEXT;
}

/* ---- its configuration ------------------------------------------------------------------------------------------- */

static bool read_bool(const kd_node *block, const char *key)
{
    const kd_node *node = kd_node_typed(block, kd_str_from_c(key), KD_NODE_BOOL);
    return node && node->boolean;
}

static kd_str read_text(const kd_node *block, const char *key)
{
    const kd_node *node = kd_node_typed(block, kd_str_from_c(key), KD_NODE_STRING);
    return node && kd_node_is_text(node) ? node->text : KD_STR("");
}

static kd_str *read_list(kd_arena *arena, const kd_node *block, const char *key, uint32_t *n)
{
    const kd_node *list = kd_node_typed(block, kd_str_from_c(key), KD_NODE_LIST);
    kd_str *v = KD_NEW_ARRAY(arena, kd_str, list ? list->n + 1 : 1);
    *n = 0;
    for (const kd_node *item = list && v ? list->first : NULL; item; item = item->next)
        if (kd_node_is_text(item))
            v[(*n)++] = item->text;
    return v;
}

static int64_t read_seconds(const kd_node *block)
{
    const kd_node *node = kd_node_typed(block, KD_STR("sts_seconds"), KD_NODE_NUMBER);
    if (!node || !(node->number > -9.2e18 && node->number < 9.2e18))
        return 0;
    return (int64_t)node->number;
}

static kd_str canonical(kd_arena *arena, kd_str name)
{
    kd_str copy = kd_arena_copy(arena, name);
    if (copy.p)
        kd_go_header_canonical((char *)copy.p, copy.n);
    return copy;
}

static bool read_proxies(secure *s, kd_arena *arena, const kd_node *block)
{
    kd_str *names = read_list(arena, block, "host_proxy_headers", &s->n_host_headers);
    const kd_node *map = kd_node_typed(block, KD_STR("ssl_proxy_headers"), KD_NODE_OBJECT);
    proxy_header *headers = KD_NEW_ARRAY(arena, proxy_header, map ? map->n + 1 : 1);
    if (!names || !headers)
        return false;
    for (uint32_t i = 0; i < s->n_host_headers; i++)
        if (!(names[i] = canonical(arena, names[i])).p)
            return false;
    for (const kd_node *member = map ? map->first : NULL; member; member = member->next) {
        if (!kd_node_is_text(member))
            continue;
        proxy_header *header = &headers[s->n_tls_headers++];
        *header = (proxy_header){canonical(arena, member->key), member->text};
        if (!header->name.p)
            return false;
    }
    s->host_headers = names;
    s->tls_headers = headers;
    return true;
}

/* Lays the fields out as the answer's list holds them. */
static uint32_t lay_out(secure *s, bool tls, kd_header *to)
{
    uint32_t n, kept = 0;
    const kd_secure_field *from = kd_secure_rules_fields(s->rules, tls, &n);
    for (uint32_t i = 0; i < n; i++) {
        if (from[i].nonce)
            s->policy = from[i].value;
        else
            to[kept++] = (kd_header){.name = from[i].name.p,
                                     .name_n = (uint16_t)from[i].name.n,
                                     .token = (uint8_t)kd_token_of(from[i].name),
                                     .value = from[i].value.p,
                                     .value_n = (uint32_t)from[i].value.n,
                                     .flags = KD_HEADER_CHECKED};
    }
    return kept;
}

/* KrakenD panics on an expression that is none; here it is an error of the file. */
static bool read_expressions(const kd_compile *compile, const kd_node *block, kd_secure_options *o)
{
    if (!read_bool(block, "allowed_hosts_are_regex") || !o->n_hosts)
        return true;
    const kd_regex **v = KD_NEW_ARRAY(compile->arena, const kd_regex *, o->n_hosts);
    for (uint32_t i = 0; v && i < o->n_hosts; i++) {
        kd_str error, whole = kd_arena_printf(compile->arena, "^%.*s$", KD_FMT(o->hosts[i]));
        v[i] = whole.p ? kd_generation_expression(compile->generation, whole, &error) : NULL;
        if (!v[i] && whole.p)
            kd_errors_add(compile->errors, KD_SEVERITY_ERROR, kd_node_get(block, KD_STR("allowed_hosts"))->at,
                          KD_STR("security/http.allowed_hosts"), "%.*s", KD_FMT(error))
                ->compat = kd_arena_printf(compile->arena, "Error parsing AllowedHost: %.*s", KD_FMT(error));
        if (!v[i])
            return false;
    }
    o->expressions = v;
    return v != NULL;
}

static const secure *read_block(const kd_compile *compile, const kd_node *block, bool own)
{
    kd_arena *arena = compile->arena;
    secure *s = KD_NEW(arena, secure);
    kd_secure_options o = {.frame_options = read_text(block, "custom_frame_options_value"),
                           .content_security_policy = read_text(block, "content_security_policy"),
                           .referrer_policy = read_text(block, "referrer_policy"),
                           .deny_frames = read_bool(block, "frame_deny"),
                           .no_sniff = read_bool(block, "content_type_nosniff"),
                           .xss_filter = read_bool(block, "browser_xss_filter"),
                           .sts_seconds = read_seconds(block),
                           .sts_subdomains = read_bool(block, "sts_include_subdomains"),
                           .sts_on_plain = read_bool(block, "force_sts_header"),
                           .development = read_bool(block, "is_development")};
    o.hosts = read_list(arena, block, "allowed_hosts", &o.n_hosts);
    if (!s || !o.hosts || !read_proxies(s, arena, block) || !read_expressions(compile, block, &o))
        return NULL;
    s->rules = kd_secure_rules_create(arena, &o);
    if (!s->rules)
        return NULL;
    s->own = own;
    s->checks_hosts = o.n_hosts && !o.development;
    s->redirects = read_bool(block, "ssl_redirect") && !o.development;
    s->ssl_host = read_text(block, "ssl_host");
    s->n_tls = lay_out(s, true, s->tls);
    s->n_plain = lay_out(s, false, s->plain);
    return s;
}

static const kd_node *block_of(const kd_extras *extras)
{
    const kd_node *block = kd_extra_find(extras, KD_STR("security/http"));
    return block && block->type == KD_NODE_OBJECT ? block : NULL;
}

static bool open(kd_generation *g, const kd_compile *compile)
{
    const kd_node *block = block_of(&compile->service->extra);
    if (block)
        *kd_module_slot(g, &kd_module_security_http) = (void *)read_block(compile, block, false);
    return !block || *kd_module_slot(g, &kd_module_security_http);
}

static void log_start(const kd_generation *g)
{
    if (*kd_module_slot((kd_generation *)g, &kd_module_security_http))
        kd_log(KD_LOG_DEBUG, "[SERVICE: Gin][HTTPsecure] Successfully loaded module");
}

static bool compile_service(const kd_compile *compile, kd_compiled *out)
{
    out->config = *kd_module_slot(compile->generation, &kd_module_security_http);
    return out->config != NULL;
}

static bool compile_endpoint(const kd_compile *compile, kd_compiled *out)
{
    const kd_node *block = block_of(&compile->endpoint->extra);
    if (!block)
        return false;
    out->at = block->at;
    out->config = read_block(compile, block, true);
    if (!out->config)
        kd_errors_add(compile->errors, KD_SEVERITY_ERROR, block->at, KD_STR("security/http"),
                      "the block cannot be used");
    return out->config != NULL;
}

static void explain(const void *config, kd_buf *out)
{
    const secure *s = config;
    kd_buf_printf(out, "%s%s%u fields, %u over TLS", s->checks_hosts ? "hosts, " : "",
                  s->redirects ? "redirect to https, " : "", s->n_plain + (s->policy.p != NULL),
                  s->n_tls + (s->policy.p != NULL));
}

static const kd_step_type service_step = {.module = "security/http",
                                          .name = "service",
                                          .compile = compile_service,
                                          .enter = enter_secure,
                                          .explain = explain};
static const kd_step_type endpoint_step = {.module = "security/http",
                                           .name = "endpoint",
                                           .compile = compile_endpoint,
                                           .enter = enter_secure,
                                           .explain = explain};
static const kd_step_type *const steps[] = {&service_step, &endpoint_step, NULL};

const kd_module kd_module_security_http = {.name = "security/http",
                                           .namespaces = namespaces,
                                           .n_namespaces = KD_COUNT(namespaces),
                                           .steps = steps,
                                           .open = open,
                                           .log = log_start};
