#include "config/field.h"

#include "config/builtin.h"
#include "config/fields.h"

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
/* Announced by a module, which has the keys; or not there, and without keys that could be known. */
#define NAMED(name, alias, scopes, edition, guards, ...)                                                               \
    {                                                                                                                  \
        KD_STR_INIT(name), KD_STR_INIT(alias), scopes, edition, guards, false, NULL, __VA_ARGS__                       \
    }
#define KNOWN(name, alias, scopes, edition, guards, table)                                                             \
    {                                                                                                                  \
        KD_STR_INIT(name), KD_STR_INIT(alias), scopes, edition, guards, false, table                                   \
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

    KNOWN("ai/llm", "", B, EE, OPEN, &kd_ai_llm_fields),
    KNOWN("ai/mcp", "", S, EE, OPEN, &kd_ai_mcp_fields),
    KNOWN("ai/mcp", "", E, EE, OPEN, &kd_ai_mcp_endpoint_fields),
    KNOWN("async/amqp", "github.com/devopsfaith/krakend-amqp/agent", A, CE, OPEN, &kd_async_amqp_fields),
    KNOWN("async/kafka", "", A, EE, OPEN, &kd_async_kafka_fields),
    NAMED("async/nats", "", A, EE, OPEN, .unlisted = true),
    KNOWN("auth/api-keys", "", S, EE, GUARD, &kd_api_keys_fields),
    KNOWN("auth/api-keys", "", E, EE, GUARD, &kd_api_keys_endpoint_fields),
    KNOWN("auth/aws-sigv4", "", B, EE, GUARD, &kd_aws_sigv4_fields),
    KNOWN("auth/basic", "", S | E, EE, GUARD, &kd_auth_basic_fields),
    NAMED("auth/client-credentials", "github.com/devopsfaith/krakend-oauth2-clientcredentials", B, CE, GUARD),
    KNOWN("auth/gcp", "", B, EE, GUARD, &kd_auth_gcp_fields),
    KNOWN("auth/ntlm", "", B, EE, GUARD, &kd_auth_ntlm_fields),
    NAMED("auth/revoker", "github_com/devopsfaith/bloomfilter", S, CE, GUARD),
    NAMED("auth/signer", "github.com/devopsfaith/krakend-jose/signer", E, CE, GUARD),
    NAMED("auth/validator", "github.com/devopsfaith/krakend-jose/validator", S | E, CE, GUARD),
    KNOWN("backend/amqp/consumer", "github.com/devopsfaith/krakend-amqp/consume", B, CE, OPEN,
          &kd_amqp_consumer_fields),
    KNOWN("backend/amqp/producer", "github.com/devopsfaith/krakend-amqp/produce", B, CE, OPEN,
          &kd_amqp_producer_fields),
    KNOWN("backend/conditional", "", B, EE, OPEN, &kd_backend_conditional_fields),
    NAMED("backend/graphql", "github.com/devopsfaith/krakend/transport/http/client/graphql", B, CE, OPEN),
    KNOWN("backend/grpc", "", B, EE, OPEN, &kd_backend_grpc_fields),
    KNOWN("backend/lambda", "github.com/devopsfaith/krakend-lambda", B, CE, OPEN, &kd_backend_lambda_fields),
    KNOWN("backend/pubsub/publisher", "github.com/devopsfaith/krakend-pubsub/publisher", B, CE, OPEN,
          &kd_pubsub_publisher_fields),
    KNOWN("backend/pubsub/publisher/kafka", "", B, EE, OPEN, &kd_kafka_publisher_fields),
    KNOWN("backend/pubsub/subscriber", "github.com/devopsfaith/krakend-pubsub/subscriber", B, CE, OPEN,
          &kd_pubsub_subscriber_fields),
    KNOWN("backend/pubsub/subscriber/kafka", "", B, EE, OPEN, &kd_kafka_subscriber_fields),
    KNOWN("backend/soap", "", B, EE, OPEN, &kd_backend_soap_fields),
    KNOWN("backend/static-filesystem", "", B, EE, OPEN, &kd_backend_static_fields),
    KNOWN("documentation/openapi", "", S | E, EE, OPEN, &kd_openapi_fields),
    KNOWN("documentation/postman", "", S, EE, OPEN, &kd_postman_fields),
    KNOWN("documentation/postman", "", E, EE, OPEN, &kd_postman_endpoint_fields),
    KNOWN("governance/processors", "", S, EE, OPEN, &kd_processors_fields),
    KNOWN("governance/quota", "", S | E | B, EE, OPEN, &kd_quota_fields),
    KNOWN("grpc", "", S, EE, OPEN, &kd_grpc_fields),
    KNOWN("modifier/body-generator", "", B, EE, OPEN, &kd_body_generator_fields),
    KNOWN("modifier/jmespath", "", E | B | W, EE, OPEN, &kd_jmespath_fields),
    KNOWN("modifier/lua-backend", "github.com/devopsfaith/krakend-lua/proxy/backend", B, CE, OPEN, &kd_lua_fields),
    KNOWN("modifier/lua-endpoint", "github.com/devopsfaith/krakend-lua/router", S | E, CE, OPEN, &kd_lua_fields),
    KNOWN("modifier/lua-proxy", "github.com/devopsfaith/krakend-lua/proxy", E | W, CE, OPEN, &kd_lua_fields),
    KNOWN("modifier/martian", "github.com/devopsfaith/krakend-martian", B, CE, OPEN, &kd_martian_fields),
    KNOWN("modifier/request-body-extractor", "", S | E, EE, OPEN, &kd_body_extractor_fields),
    KNOWN("modifier/request-body-extractor/early", "", E, EE, OPEN, &kd_body_extractor_fields),
    KNOWN("modifier/request-body-generator", "", E | B | W, EE, OPEN, &kd_body_generator_fields),
    KNOWN("modifier/response-body", "", E | B, EE, OPEN, &kd_response_body_fields),
    KNOWN("modifier/response-body-generator", "", E | B | W, EE, OPEN, &kd_body_generator_fields),
    KNOWN("modifier/response-headers", "", S, EE, OPEN, &kd_response_headers_fields),
    KNOWN("plugin/http-client", "github.com/devopsfaith/krakend/transport/http/client/executor", B, CE, OPEN,
          &kd_plugin_client_fields),
    KNOWN("plugin/http-server", "github_com/devopsfaith/krakend/transport/http/server/handler", S, CE, OPEN,
          &kd_plugin_server_fields),
    KNOWN("plugin/middleware", "", E | B, EE, OPEN, &kd_plugin_middleware_fields),
    KNOWN("plugin/req-resp-modifier", "github.com/devopsfaith/krakend/proxy/plugin", E | B | W, CE, OPEN,
          &kd_plugin_modifier_fields),
    NAMED("qos/circuit-breaker", "github.com/devopsfaith/krakend-circuitbreaker/gobreaker", B, CE, OPEN),
    KNOWN("qos/circuit-breaker/http", "", B, EE, OPEN, &kd_breaker_http_fields),
    NAMED("qos/http-cache", "github.com/devopsfaith/krakend-httpcache", B, CE, OPEN),
    NAMED("qos/ratelimit/proxy", "", B, CE, OPEN),
    NAMED("qos/ratelimit/router", "", E, CE, OPEN),
    KNOWN("qos/ratelimit/router/redis", "", E, EE, OPEN, &kd_ratelimit_redis_fields),
    NAMED("qos/ratelimit/service", "", S, EE, OPEN, .like = "qos/ratelimit/router"),
    KNOWN("qos/ratelimit/service/redis", "", S, EE, OPEN, &kd_ratelimit_redis_fields),
    KNOWN("qos/ratelimit/tiered", "", S | E, EE, OPEN, &kd_ratelimit_tiered_fields),
    KNOWN("redis", "", S, EE, OPEN, &kd_redis_fields),
    NAMED("security/bot-detector", "github_com/devopsfaith/krakend-botdetector", S | E, CE, OPEN),
    NAMED("security/cors", "github_com/devopsfaith/krakend-cors", S, CE, OPEN),
    NAMED("security/cors", "", E, EE, OPEN),
    NAMED("security/http", "github_com/devopsfaith/krakend-httpsecure", S, CE, OPEN),
    NAMED("security/http", "", E, EE, OPEN),
    KNOWN("security/policies", "", E | W, EE, GUARD, &kd_policies_fields),
    KNOWN("security/policies", "", B, EE, GUARD, &kd_policies_backend_fields),
    KNOWN("server/static-filesystem", "", S, EE, OPEN, &kd_static_files_fields),
    KNOWN("server/virtualhost", "", S, EE, OPEN, &kd_virtualhost_fields),
    KNOWN("telemetry/gelf", "github_com/devopsfaith/krakend-gelf", S, CE, OPEN, &kd_gelf_fields),
    KNOWN("telemetry/influx", "github_com/letgoapp/krakend-influx", S, CE, OPEN, &kd_influx_fields),
    KNOWN("telemetry/logging", "", B, EE, OPEN, &kd_backend_logging_fields),
    KNOWN("telemetry/logstash", "github_com/devopsfaith/krakend-logstash", S, CE, OPEN, &kd_logstash_fields),
    KNOWN("telemetry/metrics", "github_com/devopsfaith/krakend-metrics", S, CE, OPEN, &kd_metrics_fields),
    KNOWN("telemetry/moesif", "", S, EE, OPEN, &kd_moesif_fields),
    KNOWN("telemetry/newrelic", "", S, EE, OPEN, &kd_newrelic_fields),
    KNOWN("telemetry/opencensus", "github_com/devopsfaith/krakend-opencensus", S, CE, OPEN, &kd_opencensus_fields),
    KNOWN("telemetry/opentelemetry", "", S, CE, OPEN, &kd_opentelemetry_fields),
    KNOWN("telemetry/opentelemetry", "", E, EE, OPEN, &kd_opentelemetry_endpoint_fields),
    KNOWN("telemetry/opentelemetry", "", B, EE, OPEN, &kd_opentelemetry_backend_fields),
    KNOWN("telemetry/opentelemetry-security", "", S, EE, OPEN, &kd_opentelemetry_security_fields),
    NAMED("validation/cel", "github.com/devopsfaith/krakend-cel", E | B | W, CE, GUARD,
          .lint = "{'type':'array','minItems':1,'items':{'type':'object','required':['check_expr'],'properties':"
                  "{'check_expr':{'type':'string'}},'patternProperties':{'^[@$_#]':true},"
                  "'additionalProperties':false}}"),
    NAMED("validation/json-schema", "github.com/devopsfaith/krakend-jsonschema", E | W, CE, GUARD,
          .lint = "{'type':'object'}"),
    KNOWN("validation/response-json-schema", "", E | B, EE, GUARD, &kd_response_schema_fields),
    KNOWN("websocket", "", E, EE, OPEN, &kd_websocket_fields),
    KNOWN("workflow", "", B, EE, OPEN, &kd_workflow_fields),
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
