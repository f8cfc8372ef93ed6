#include "cli/audit.h"

#include "config/builtin.h"

/* What a rule looks at. Whether a component counts as present is KrakenD's affair: some only count as objects. */
typedef struct audit {
    kd_arena *arena;
    const kd_service *service;
    const char *name; /* the rule's plugin */
    int64_t limit;    /* the rule's milliseconds */
} audit;

typedef bool (*condition)(const audit *a);

static const kd_node *block(const kd_extras *extras, const char *name)
{
    return kd_extra_find(extras, kd_str_from_c(name));
}

static bool has(const kd_extras *extras, const char *name)
{
    return block(extras, name) != NULL;
}

static const kd_node *object(const kd_extras *extras, const char *name)
{
    const kd_node *node = block(extras, name);
    return node && node->type == KD_NODE_OBJECT ? node : NULL;
}

static bool is_true(const kd_node *of, const char *key)
{
    const kd_node *node = kd_node_typed(of, kd_str_from_c(key), KD_NODE_BOOL);
    return node && node->boolean;
}

static bool is_positive(const kd_node *of, const char *key)
{
    const kd_node *node = kd_node_typed(of, kd_str_from_c(key), KD_NODE_NUMBER);
    return node && node->number > 0;
}

static bool contains(const kd_str_list *list, const char *what)
{
    for (uint32_t i = 0; i < list->n; i++)
        if (kd_str_eq(list->v[i], kd_str_from_c(what)))
            return true;
    return false;
}

/* Is that plugin named, in a text or a list? */
static bool names_plugin(const kd_node *of, const char *plugin, bool text, bool list)
{
    const kd_node *names = kd_node_get(of, KD_STR("name"));
    if (!names)
        return false;
    if (names->type == KD_NODE_STRING)
        return text && kd_str_eq(names->text, kd_str_from_c(plugin));
    for (const kd_node *n = list && names->type == KD_NODE_LIST ? names->first : NULL; n; n = n->next)
        if (n->type == KD_NODE_STRING && kd_str_eq(n->text, kd_str_from_c(plugin)))
            return true;
    return false;
}

#define EACH_ENDPOINT(a, e)                                                                                            \
    for (const kd_endpoint *e = (a)->service->endpoints, *e##_end = e + (a)->service->n_endpoints; e < e##_end; e++)
#define EACH_BACKEND(e, b) for (const kd_backend *b = (e)->backends, *b##_end = b + (e)->n_backends; b < b##_end; b++)

/* ---- the service */

static bool server_plugin(const audit *a)
{
    return names_plugin(object(&a->service->extra, "plugin/http-server"), a->name, true, true);
}

static bool basic_auth(const audit *a)
{
    audit plugin = *a;
    plugin.name = "basic-auth";
    return server_plugin(&plugin);
}

static bool api_keys(const audit *a)
{
    return has(&a->service->extra, "auth/api-keys");
}

static bool insecure(const audit *a)
{
    return a->service->allow_insecure_connections || is_true(a->service->client_tls, "allow_insecure_connections");
}

static const kd_node *tls(const audit *a)
{
    return a->service->tls && a->service->tls->type == KD_NODE_OBJECT ? a->service->tls : NULL;
}

static bool no_tls(const audit *a)
{
    return !tls(a);
}

static bool tls_disabled(const audit *a)
{
    kd_tls_section section;
    return tls(a) && kd_tls_section_load(a->arena, tls(a), &section) && section.disabled;
}

static bool deprecated_pair(const audit *a)
{
    kd_tls_section section;
    return tls(a) && kd_tls_section_load(a->arena, tls(a), &section) && (section.public_key.n || section.private_key.n);
}

static bool no_security_headers(const audit *a)
{
    return !has(&a->service->extra, "security/http");
}

static bool h2c(const audit *a)
{
    return a->service->use_h2c || is_true(object(&a->service->extra, "router"), "use_h2c");
}

static bool version_shown(const audit *a)
{
    return !is_true(object(&a->service->extra, "router"), "hide_version_header");
}

static bool no_cors(const audit *a)
{
    return !has(&a->service->extra, "security/cors");
}

static bool empty_grpc(const audit *a)
{
    const kd_node *server = kd_node_typed(object(&a->service->extra, "grpc"), KD_STR("server"), KD_NODE_OBJECT);
    const kd_node *services = kd_node_typed(server, KD_STR("services"), KD_NODE_LIST);
    return server && (!services || !services->n);
}

static bool no_bot_detector(const audit *a)
{
    return !object(&a->service->extra, "security/bot-detector");
}

static bool rest_disabled(const audit *a)
{
    return a->service->disable_rest;
}

static bool debug(const audit *a)
{
    return a->service->debug_endpoint;
}

static bool echo(const audit *a)
{
    return a->service->echo_endpoint;
}

static bool sequential_agents(const audit *a)
{
    return a->service->sequential_start && a->service->n_async_agents >= 10;
}

/* ---- telemetry */

static bool has_opencensus(const audit *a)
{
    return kd_node_typed(object(&a->service->extra, "telemetry/opencensus"), KD_STR("exporters"), KD_NODE_OBJECT);
}

/* How many of the components that collect metrics are there; OpenTelemetry is none of them. */
static unsigned count_metrics(const audit *a)
{
    static const char *const names[] = {"telemetry/metrics", "telemetry/newrelic", "telemetry/ganalytics",
                                        "telemetry/instana"};
    unsigned n = has_opencensus(a);
    for (size_t i = 0; i < KD_COUNT(names); i++)
        n += has(&a->service->extra, names[i]);
    return n;
}

/* How many exporters of OpenTelemetry are not told to leave something out. */
static unsigned count_exporters(const audit *a, const char *kind, const char *unless)
{
    const kd_node *exporters =
        kd_node_typed(object(&a->service->extra, "telemetry/opentelemetry"), KD_STR("exporters"), KD_NODE_OBJECT);
    const kd_node *list = kd_node_typed(exporters, kd_str_from_c(kind), KD_NODE_LIST);
    unsigned n = 0;
    for (const kd_node *item = list ? list->first : NULL; item; item = item->next)
        n += item->type == KD_NODE_OBJECT && !is_true(item, unless);
    return n;
}

static bool no_metrics(const audit *a)
{
    return !count_metrics(a);
}

static bool several_metrics(const audit *a)
{
    return count_metrics(a) + count_exporters(a, "otlp", "disable_metrics") +
               count_exporters(a, "prometheus", "disable_metrics") >
           1;
}

static bool no_tracing(const audit *a)
{
    return !has_opencensus(a) && !has(&a->service->extra, "telemetry/newrelic") &&
           !has(&a->service->extra, "telemetry/instana") && !count_exporters(a, "otlp", "disable_traces");
}

static bool no_logging(const audit *a)
{
    return !has(&a->service->extra, "telemetry/logging") && !has(&a->service->extra, "telemetry/gelf") &&
           !has(&a->service->extra, "telemetry/logstash");
}

static bool deprecated_ganalytics(const audit *a)
{
    return has(&a->service->extra, "telemetry/ganalytics");
}

static bool deprecated_instana(const audit *a)
{
    return has(&a->service->extra, "telemetry/instana");
}

static bool deprecated_opencensus(const audit *a)
{
    return has_opencensus(a);
}

static bool deprecated_influx(const audit *a)
{
    return has(&a->service->extra, "telemetry/influx");
}

/* ---- endpoints and backends */

static bool no_jwt(const audit *a)
{
    EACH_ENDPOINT(a, e)
    if (has(&e->extra, "auth/validator"))
        return false;
    return true;
}

static bool backend_insecure(const audit *a)
{
    EACH_ENDPOINT(a, e)
    EACH_BACKEND(e, b)
    {
        const kd_node *client =
            kd_node_typed(object(&b->extra, "backend/http/client"), KD_STR("client_tls"), KD_NODE_OBJECT);
        if (is_true(client, "allow_insecure_connections"))
            return true;
    }
    return false;
}

static bool any_header(const audit *a)
{
    EACH_ENDPOINT(a, e)
    if (contains(&e->input_headers, "*"))
        return true;
    return false;
}

static bool any_query(const audit *a)
{
    EACH_ENDPOINT(a, e)
    if (contains(&e->input_query_strings, "*"))
        return true;
    return false;
}

static bool unlimited_cache(const audit *a)
{
    EACH_ENDPOINT(a, e)
    EACH_BACKEND(e, b)
    {
        const kd_node *cache = block(&b->extra, "qos/http-cache");
        if (cache && !(is_positive(cache, "max_items") && is_positive(cache, "max_size")))
            return true;
    }
    return false;
}

static bool no_rate_limit(const audit *a)
{
    const kd_extras *s = &a->service->extra;
    if (object(s, "qos/ratelimit/router") || has(s, "qos/ratelimit/service") ||
        names_plugin(object(s, "plugin/http-server"), "redis-ratelimit", true, true))
        return false;
    EACH_ENDPOINT(a, e)
    {
        if (object(&e->extra, "qos/ratelimit/router") || has(&e->extra, "qos/ratelimit/proxy"))
            return false;
        EACH_BACKEND(e, b)
        if (has(&b->extra, "qos/ratelimit/proxy"))
            return false;
    }
    return true;
}

static bool no_breaker(const audit *a)
{
    EACH_ENDPOINT(a, e)
    {
        if (has(&e->extra, "qos/circuit-breaker"))
            return false;
        EACH_BACKEND(e, b)
        if (has(&b->extra, "qos/circuit-breaker"))
            return false;
    }
    return true;
}

static bool slow(const audit *a)
{
    EACH_ENDPOINT(a, e)
    if (e->timeout / KD_MS > a->limit)
        return true;
    return false;
}

static bool wildcard(const audit *a)
{
    EACH_ENDPOINT(a, e)
    if (kd_str_ends(e->route, KD_STR("*")))
        return true;
    return false;
}

static bool catch_all(const audit *a)
{
    EACH_ENDPOINT(a, e)
    if (kd_str_eq(e->route, KD_STR("/__catchall")))
        return true;
    return false;
}

static bool several_writes(const audit *a)
{
    EACH_ENDPOINT(a, e)
    {
        unsigned writes = 0;
        EACH_BACKEND(e, b)
        {
            bool reads = kd_str_eq(b->method, KD_STR("GET")) || kd_str_eq(b->method, KD_STR("HEAD"));
            writes += !reads || has(&b->extra, "backend/grpc");
        }
        if (writes > 1)
            return true;
    }
    return false;
}

static bool sequential(const audit *a)
{
    EACH_ENDPOINT(a, e)
    if (is_true(object(&e->extra, "proxy"), "sequential"))
        return true;
    return false;
}

static bool no_backends(const audit *a)
{
    EACH_ENDPOINT(a, e)
    if (!e->n_backends)
        return true;
    return false;
}

static bool single_backends(const audit *a)
{
    EACH_ENDPOINT(a, e)
    if (e->n_backends > 1)
        return false;
    return true;
}

static bool all_noop(const audit *a)
{
    EACH_ENDPOINT(a, e)
    if (!kd_str_eq(e->output_encoding, KD_STR("no-op")))
        return false;
    return true;
}

/* The reference looks for these in endpoints, where they have no effect, and not in backends. */
static bool client_plugin(const audit *a)
{
    EACH_ENDPOINT(a, e)
    if (names_plugin(object(&e->extra, "plugin/http-client"), a->name, true, false))
        return true;
    return false;
}

static bool modifier_plugin(const audit *a)
{
    EACH_ENDPOINT(a, e)
    {
        if (names_plugin(object(&e->extra, "plugin/req-resp-modifier"), a->name, false, true))
            return true;
        EACH_BACKEND(e, b)
        if (names_plugin(object(&b->extra, "plugin/req-resp-modifier"), a->name, false, true))
            return true;
    }
    return false;
}

/* ---- the rules */

static const struct {
    kd_audit_rule rule;
    condition applies;
    const char *name;
    int64_t limit;
} rules[] = {
    {{"1.1.1", "HIGH", "Implement more secure alternatives than Basic Auth to protect your data."},
     basic_auth,
     NULL,
     0},
    {{"1.1.2", "MEDIUM",
      "Implement stateless authorization methods such as JWT to secure your endpoints as opposed to using API keys."},
     api_keys,
     NULL,
     0},
    {{"1.2.1", "HIGH", "Prioritize using JWT for endpoint authorization to ensure security."}, no_jwt, NULL, 0},
    {{"2.1.1", "HIGH", "Only allow secure connections (avoid insecure_connections)."}, insecure, NULL, 0},
    {{"2.1.2", "HIGH", "Enable TLS or use a terminator in front of KrakenD."}, no_tls, NULL, 0},
    {{"2.1.3", "CRITICAL", "TLS is configured but its disable flag prevents from using it."}, tls_disabled, NULL, 0},
    {{"2.1.7", "HIGH", "Enable HTTP security header checks (security/http)."}, no_security_headers, NULL, 0},
    {{"2.1.8", "HIGH", "Avoid clear text communication (h2c)."}, h2c, NULL, 0},
    {{"2.1.9", "LOW", "Establish secure connections in internal traffic (avoid insecure_connections internally)"},
     backend_insecure,
     NULL,
     0},
    {{"2.2.1", "MEDIUM", "Hide the version banner in runtime."}, version_shown, NULL, 0},
    {{"2.2.2", "HIGH", "Enable CORS."}, no_cors, NULL, 0},
    {{"2.2.3", "HIGH", "Avoid passing all input headers to the backend."}, any_header, NULL, 0},
    {{"2.2.4", "HIGH", "Avoid passing all input query strings to the backend."}, any_query, NULL, 0},
    {{"2.2.5", "LOW", "Avoid exposing gRPC server without services declared."}, empty_grpc, NULL, 0},
    {{"2.3.1", "MEDIUM", "Limit the amount of cacheable content."}, unlimited_cache, NULL, 0},
    {{"3.1.1", "LOW", "Enable a bot detector."}, no_bot_detector, NULL, 0},
    {{"3.1.2", "HIGH", "Implement a rate-limiting strategy and avoid having an All-You-Can-Eat API."},
     no_rate_limit,
     NULL,
     0},
    {{"3.1.3", "HIGH", "Protect your backends with a circuit breaker."}, no_breaker, NULL, 0},
    {{"3.3.1", "LOW", "Set timeouts to below 3 seconds for improved performance."}, slow, NULL, 3000},
    {{"3.3.2", "MEDIUM", "Set timeouts to below 5 seconds for improved performance."}, slow, NULL, 5000},
    {{"3.3.3", "HIGH", "Set timeouts to below 30 seconds for improved performance."}, slow, NULL, 30000},
    {{"3.3.4", "CRITICAL", "Set timeouts to below 1 minute for improved performance."}, slow, NULL, 60000},
    {{"4.1.1", "MEDIUM", "Implement a telemetry system for collecting metrics for monitoring and troubleshooting."},
     no_metrics,
     NULL,
     0},
    {{"4.1.3", "HIGH", "Avoid duplicating telemetry options to prevent system overload."}, several_metrics, NULL, 0},
    {{"4.2.1", "MEDIUM", "Implement a telemetry system for tracing for monitoring and troubleshooting."},
     no_tracing,
     NULL,
     0},
    {{"4.3.1", "MEDIUM", "Use the improved logging component for better log parsing."}, no_logging, NULL, 0},
    {{"5.1.1", "LOW", "Follow a RESTful endpoint structure for improved readability and maintainability."},
     rest_disabled,
     NULL,
     0},
    {{"5.1.2", "LOW", "Disable the /__debug/ endpoint for added security."}, debug, NULL, 0},
    {{"5.1.3", "LOW", "Disable the /__echo/ endpoint for added security."}, echo, NULL, 0},
    {{"5.1.4", "LOW", "Declare explicit endpoints instead of using wildcards."}, wildcard, NULL, 0},
    {{"5.1.5", "MEDIUM", "Declare explicit endpoints instead of using /__catchall."}, catch_all, NULL, 0},
    {{"5.1.6", "MEDIUM", "Avoid using multiple write methods in endpoint definitions."}, several_writes, NULL, 0},
    {{"5.1.7", "MEDIUM", "Avoid using sequential proxy."}, sequential, NULL, 0},
    {{"5.2.1", "CRITICAL", "Ensure all endpoints have at least one backend for proper functionality."},
     no_backends,
     NULL,
     0},
    {{"5.2.2", "LOW", "Benefit from the backend for frontend pattern capabilities."}, single_backends, NULL, 0},
    {{"5.2.3", "LOW", "Avoid coupling clients by overusing no-op encoding."}, all_noop, NULL, 0},
    {{"6.1.1", "LOW", "Ensure Async Agents do not start sequentially to avoid overloading the system (+10 agents)."},
     sequential_agents,
     NULL,
     0},
    {{"7.1.1", "HIGH",
      "Avoid using deprecated plugin virtualhost. Please visit "
      "https://www.krakend.io/docs/enterprise/service-settings/virtual-hosts/#upgrading-from-the-old-plugin-before-v24 "
      "to upgrade to the new virtualhost."},
     server_plugin,
     "virtualhost",
     0},
    {{"7.1.2", "HIGH",
      "Avoid using deprecated plugin static-filesystem. Please visit "
      "https://www.krakend.io/docs/enterprise/endpoints/serve-static-content/#upgrading-from-the-old-plugin-before-v24 "
      "to upgrade to the new static-filesystem."},
     server_plugin,
     "static-filesystem",
     0},
    {{"7.1.3", "HIGH",
      "Avoid using deprecated plugin basic-auth. Please move your configuration to the namespace auth/basic to use the "
      "new component. See: https://www.krakend.io/docs/enterprise/authentication/basic-authentication/ ."},
     server_plugin,
     "basic-auth",
     0},
    {{"7.1.4", "HIGH",
      "Avoid using deprecated plugin wildcard. Please visit "
      "https://www.krakend.io/docs/enterprise/endpoints/wildcard/#upgrading-from-the-old-wildcard-plugin-before-v23 to "
      "upgrade to the new Wildcard."},
     server_plugin,
     "wildcard",
     0},
    {{"7.1.5", "HIGH",
      "Avoid using deprecated plugin http-proxy. Please visit "
      "https://www.krakend.io/docs/enterprise/backends/http-proxy/#migration-from-old-plugin to upgrade to the new "
      "options."},
     client_plugin,
     "http-proxy",
     0},
    {{"7.1.6", "HIGH",
      "Avoid using deprecated plugin static-filesystem. Please visit "
      "https://www.krakend.io/docs/enterprise/endpoints/serve-static-content/#upgrading-from-the-old-plugin-before-v24 "
      "to upgrade to the new static-filesystem."},
     client_plugin,
     "static-filesystem",
     0},
    {{"7.1.7", "HIGH",
      "Avoid using deprecated plugin no-redirect. Please visit "
      "https://www.krakend.io/docs/enterprise/backends/client-redirect/#migration-from-old-plugin to upgrade to the "
      "new options."},
     client_plugin,
     "no-redirect",
     0},
    {{"7.1.8", "HIGH",
      "Avoid using deprecated plugin content-replacer. Please visit "
      "https://www.krakend.io/docs/enterprise/endpoints/content-replacer/#migration-from-old-plugin to upgrade to the "
      "new options."},
     modifier_plugin,
     "content-replacer",
     0},
    {{"7.1.9", "HIGH",
      "Avoid using deprecated plugin response-schema-validator. Please visit "
      "https://www.krakend.io/docs/enterprise/endpoints/response-schema-validator/#migration-from-old-plugin to "
      "upgrade to the new options."},
     modifier_plugin,
     "response-schema-validator",
     0},
    {{"7.2.1", "HIGH",
      "Avoid using deprecated component telemetry/ganalytics. Please visit "
      "https://www.krakend.io/docs/telemetry/opentelemetry/ to upgrade to OpenTelemetry"},
     deprecated_ganalytics,
     NULL,
     0},
    {{"7.2.2", "HIGH",
      "Avoid using deprecated component telemetry/instana. Please visit "
      "https://www.krakend.io/docs/telemetry/opentelemetry/ to upgrade to OpenTelemetry"},
     deprecated_instana,
     NULL,
     0},
    {{"7.2.3", "HIGH",
      "Avoid using deprecated component telemetry/opencensus. Please visit "
      "https://www.krakend.io/docs/telemetry/opencensus/#transition-from-opencensus to upgrade to OpenTelemetry"},
     deprecated_opencensus,
     NULL,
     0},
    {{"7.2.4", "HIGH",
      "Avoid using deprecated component telemetry/influx. Please visit https://www.krakend.io/docs/telemetry/influxdb/ "
      "to upgrade to OpenTelemetry"},
     deprecated_influx,
     NULL,
     0},
    {{"7.3.1", "MEDIUM", "Avoid using 'private_key' and 'public_key' and use the 'keys' array."},
     deprecated_pair,
     NULL,
     0},
};
_Static_assert(KD_COUNT(rules) <= KD_AUDIT_MAX, "kd_audit_result has a place for each rule");

static bool listed(kd_str list, const char *item)
{
    kd_str piece;
    while (kd_str_split(&list, ',', &piece))
        if (kd_str_eq(piece, kd_str_from_c(item)))
            return true;
    return false;
}

void kd_audit_run(kd_arena *arena, const kd_service *service, kd_str severities, const kd_str *ignored,
                  uint32_t n_ignored, kd_audit_result *out)
{
    out->n = 0;
    for (size_t i = 0; i < KD_COUNT(rules); i++) {
        audit a = {.arena = arena, .service = service, .name = rules[i].name, .limit = rules[i].limit};
        bool wanted = listed(severities, rules[i].rule.severity);
        for (uint32_t j = 0; wanted && j < n_ignored; j++)
            wanted = !kd_str_eq(ignored[j], kd_str_from_c(rules[i].rule.id));
        if (wanted && rules[i].applies(&a))
            out->v[out->n++] = &rules[i].rule;
    }
}
