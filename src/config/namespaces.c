#include "config/field.h"

#include "config/builtin.h"

/* Every namespace of KrakenD's two editions (spec/01 section 2.8, spec/02 to spec/06). One entry for each name and each
 * set of scopes that share a table of keys. */

#define S     KD_SCOPE_SERVICE
#define E     KD_SCOPE_ENDPOINT
#define B     KD_SCOPE_BACKEND
#define A     KD_SCOPE_AGENT
#define W     KD_SCOPE_WORKFLOW
#define CE    KD_EDITION_CE
#define EE    KD_EDITION_EE
#define OPEN  false
#define GUARD true
#define NAMED(name, alias, scopes, edition, guards)                                                                    \
    {                                                                                                                  \
        KD_STR_INIT(name), KD_STR_INIT(alias), scopes, edition, guards, false, NULL                                    \
    }
#define BUILT(name, alias, scopes, edition, guards, table)                                                             \
    {                                                                                                                  \
        KD_STR_INIT(name), KD_STR_INIT(alias), scopes, edition, guards, true, table                                    \
    }

static const kd_namespace known[] = {
    BUILT("router", "github_com/luraproject/lura/router/gin", S, CE, OPEN, &kd_router_fields),
    BUILT("proxy", "github.com/devopsfaith/krakend/proxy", E | W, CE, OPEN, &kd_proxy_endpoint_fields),
    BUILT("proxy", "github.com/devopsfaith/krakend/proxy", B, CE, OPEN, &kd_proxy_backend_fields),
    BUILT("backend/http", "github.com/devopsfaith/krakend/http", B, CE, OPEN, &kd_backend_http_fields),
    BUILT("backend/http/client", "", B, CE, OPEN, &kd_backend_http_client_fields),
    BUILT("telemetry/logging", "github_com/devopsfaith/krakend-gologging", S, CE, OPEN, &kd_telemetry_logging_fields),
    BUILT("gateway/compat", "", S, KD_EDITION_OWN, OPEN, &kd_gateway_compat_fields),
    BUILT("gateway/dns", "", S, KD_EDITION_OWN, OPEN, &kd_gateway_dns_fields),
    BUILT("gateway/http2", "", B, KD_EDITION_OWN, OPEN, &kd_gateway_http2_fields),
    BUILT("gateway/limits", "", S, KD_EDITION_OWN, OPEN, &kd_gateway_limits_fields),
    BUILT("gateway/tls", "", S, KD_EDITION_OWN, OPEN, &kd_gateway_tls_fields),

    NAMED("ai/llm", "", B, EE, OPEN),
    NAMED("ai/mcp", "", S | E, EE, OPEN),
    NAMED("async/amqp", "github.com/devopsfaith/krakend-amqp/agent", A, CE, OPEN),
    NAMED("async/kafka", "", A, EE, OPEN),
    NAMED("async/nats", "", A, EE, OPEN),
    NAMED("auth/api-keys", "", S | E, EE, GUARD),
    NAMED("auth/aws-sigv4", "", B, EE, GUARD),
    NAMED("auth/basic", "", S | E, EE, GUARD),
    NAMED("auth/client-credentials", "github.com/devopsfaith/krakend-oauth2-clientcredentials", B, CE, GUARD),
    NAMED("auth/gcp", "", B, EE, GUARD),
    NAMED("auth/ntlm", "", B, EE, GUARD),
    NAMED("auth/revoker", "github_com/devopsfaith/bloomfilter", S, CE, GUARD),
    NAMED("auth/signer", "github.com/devopsfaith/krakend-jose/signer", E, CE, GUARD),
    NAMED("auth/validator", "github.com/devopsfaith/krakend-jose/validator", S | E, CE, GUARD),
    NAMED("backend/amqp/consumer", "github.com/devopsfaith/krakend-amqp/consume", B, CE, OPEN),
    NAMED("backend/amqp/producer", "github.com/devopsfaith/krakend-amqp/produce", B, CE, OPEN),
    NAMED("backend/conditional", "", B, EE, OPEN),
    NAMED("backend/graphql", "github.com/devopsfaith/krakend/transport/http/client/graphql", B, CE, OPEN),
    NAMED("backend/grpc", "", B, EE, OPEN),
    NAMED("backend/lambda", "github.com/devopsfaith/krakend-lambda", B, CE, OPEN),
    NAMED("backend/pubsub/publisher", "github.com/devopsfaith/krakend-pubsub/publisher", B, CE, OPEN),
    NAMED("backend/pubsub/publisher/kafka", "", B, EE, OPEN),
    NAMED("backend/pubsub/subscriber", "github.com/devopsfaith/krakend-pubsub/subscriber", B, CE, OPEN),
    NAMED("backend/pubsub/subscriber/kafka", "", B, EE, OPEN),
    NAMED("backend/soap", "", B, EE, OPEN),
    NAMED("backend/static-filesystem", "", B, EE, OPEN),
    NAMED("documentation/openapi", "", S | E, EE, OPEN),
    NAMED("documentation/postman", "", S | E, EE, OPEN),
    NAMED("governance/processors", "", S, EE, OPEN),
    NAMED("governance/quota", "", S | E | B, EE, OPEN),
    NAMED("grpc", "", S, EE, OPEN),
    NAMED("modifier/body-generator", "", B, EE, OPEN),
    NAMED("modifier/jmespath", "", E | B | W, EE, OPEN),
    NAMED("modifier/lua-backend", "github.com/devopsfaith/krakend-lua/proxy/backend", B, CE, OPEN),
    NAMED("modifier/lua-endpoint", "github.com/devopsfaith/krakend-lua/router", S | E, CE, OPEN),
    NAMED("modifier/lua-proxy", "github.com/devopsfaith/krakend-lua/proxy", E | W, CE, OPEN),
    NAMED("modifier/martian", "github.com/devopsfaith/krakend-martian", B, CE, OPEN),
    NAMED("modifier/request-body-extractor", "", S | E, EE, OPEN),
    NAMED("modifier/request-body-extractor/early", "", E, EE, OPEN),
    NAMED("modifier/request-body-generator", "", E | B | W, EE, OPEN),
    NAMED("modifier/response-body", "", E | B, EE, OPEN),
    NAMED("modifier/response-body-generator", "", E | B | W, EE, OPEN),
    NAMED("modifier/response-headers", "", S, EE, OPEN),
    NAMED("plugin/http-client", "github.com/devopsfaith/krakend/transport/http/client/executor", B, CE, OPEN),
    NAMED("plugin/http-server", "github_com/devopsfaith/krakend/transport/http/server/handler", S, CE, OPEN),
    NAMED("plugin/middleware", "", E | B, EE, OPEN),
    NAMED("plugin/req-resp-modifier", "github.com/devopsfaith/krakend/proxy/plugin", E | B | W, CE, OPEN),
    NAMED("qos/circuit-breaker", "github.com/devopsfaith/krakend-circuitbreaker/gobreaker", B, CE, OPEN),
    NAMED("qos/circuit-breaker/http", "", B, EE, OPEN),
    NAMED("qos/http-cache", "github.com/devopsfaith/krakend-httpcache", B, CE, OPEN),
    NAMED("qos/ratelimit/proxy", "", B, CE, OPEN),
    NAMED("qos/ratelimit/router", "", E, CE, OPEN),
    NAMED("qos/ratelimit/router/redis", "", E, EE, OPEN),
    NAMED("qos/ratelimit/service", "", S, EE, OPEN),
    NAMED("qos/ratelimit/service/redis", "", S, EE, OPEN),
    NAMED("qos/ratelimit/tiered", "", S | E, EE, OPEN),
    NAMED("redis", "", S, EE, OPEN),
    NAMED("security/bot-detector", "github_com/devopsfaith/krakend-botdetector", S | E, CE, OPEN),
    NAMED("security/cors", "github_com/devopsfaith/krakend-cors", S, CE, OPEN),
    NAMED("security/cors", "", E, EE, OPEN),
    NAMED("security/http", "github_com/devopsfaith/krakend-httpsecure", S, CE, OPEN),
    NAMED("security/http", "", E, EE, OPEN),
    NAMED("security/policies", "", E | B | W, EE, GUARD),
    NAMED("server/static-filesystem", "", S, EE, OPEN),
    NAMED("server/virtualhost", "", S, EE, OPEN),
    NAMED("telemetry/gelf", "github_com/devopsfaith/krakend-gelf", S, CE, OPEN),
    NAMED("telemetry/influx", "github_com/letgoapp/krakend-influx", S, CE, OPEN),
    NAMED("telemetry/logging", "", B, EE, OPEN),
    NAMED("telemetry/logstash", "github_com/devopsfaith/krakend-logstash", S, CE, OPEN),
    NAMED("telemetry/metrics", "github_com/devopsfaith/krakend-metrics", S, CE, OPEN),
    NAMED("telemetry/moesif", "", S, EE, OPEN),
    NAMED("telemetry/newrelic", "", S, EE, OPEN),
    NAMED("telemetry/opencensus", "github_com/devopsfaith/krakend-opencensus", S, CE, OPEN),
    NAMED("telemetry/opentelemetry", "", S, CE, OPEN),
    NAMED("telemetry/opentelemetry", "", E | B, EE, OPEN),
    NAMED("telemetry/opentelemetry-security", "", S, EE, OPEN),
    NAMED("validation/cel", "github.com/devopsfaith/krakend-cel", E | B | W, CE, GUARD),
    NAMED("validation/json-schema", "github.com/devopsfaith/krakend-jsonschema", E | W, CE, GUARD),
    NAMED("validation/response-json-schema", "", E | B, EE, GUARD),
    NAMED("websocket", "", E, EE, OPEN),
    NAMED("workflow", "", B, EE, OPEN),
};

#define MAX_ANNOUNCED 256

static const kd_namespace *announced[MAX_ANNOUNCED]; /* set before the first configuration is loaded */
static size_t n_announced;

void kd_namespaces_register(const kd_namespace *entries, size_t n)
{
    if (n == 0)
        n_announced = 0;
    for (size_t i = 0; i < n && n_announced < MAX_ANNOUNCED; i++)
        announced[n_announced++] = &entries[i];
}

const kd_namespace *kd_namespace_at(size_t i)
{
    if (i < n_announced)
        return announced[i];
    i -= n_announced;
    return i < KD_COUNT(known) ? &known[i] : NULL;
}

const kd_namespace *kd_namespace_find(kd_str name, uint8_t scope)
{
    const kd_namespace *elsewhere = NULL, *ns;
    if (name.n == 0)
        return NULL;
    for (size_t i = 0; (ns = kd_namespace_at(i)); i++) {
        if (!kd_str_eq(ns->name, name) && !kd_str_eq(ns->alias, name))
            continue;
        if (ns->scopes & scope)
            return ns;
        if (!elsewhere)
            elsewhere = ns;
    }
    return elsewhere;
}

static bool owns(const kd_fields *fields, kd_str key)
{
    for (uint32_t i = 0; i < fields->n; i++)
        if (!fields->v[i].go && (kd_str_eq(fields->v[i].key, key) ||
                                 (fields->v[i].former && kd_str_eq(kd_str_from_c(fields->v[i].former), key))))
            return true;
    return false;
}

const kd_fields *kd_fields_owning(kd_str key, const kd_fields *except)
{
    const kd_fields *const core[] = {&kd_endpoint_fields, &kd_backend_fields, &kd_service_fields};
    const kd_namespace *ns;
    for (size_t i = 0; i < KD_COUNT(core); i++)
        if (core[i] != except && owns(core[i], key))
            return core[i];
    for (size_t i = 0; (ns = kd_namespace_at(i)); i++)
        if (ns->fields && ns->fields != except && owns(ns->fields, key))
            return ns->fields;
    return NULL;
}
