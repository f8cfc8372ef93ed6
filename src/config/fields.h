/* The tables of components that other floors take over when they come: what `check`, the schema and the reference know
 * of them until then. */
#ifndef KD_CONFIG_FIELDS_H
#define KD_CONFIG_FIELDS_H

#include "config/field.h"

#define KD_KEY(name, kind, text)                                                                                       \
    .key = KD_STR_INIT(name), .type = KD_FIELD_##kind, .wrong = KD_WRONG_IGNORE, .offset = KD_NO_OFFSET, .about = text
#define KD_TABLE(title, where, fields, ...)                                                                            \
    {                                                                                                                  \
        .name = title, .scope = where, .at_offset = KD_NO_OFFSET, .v = fields, .n = KD_COUNT(fields), __VA_ARGS__      \
    }

extern const kd_fields kd_ai_llm_fields, kd_ai_mcp_fields, kd_ai_mcp_endpoint_fields, kd_api_keys_fields,
    kd_api_keys_endpoint_fields, kd_aws_sigv4_fields, kd_auth_basic_fields, kd_auth_gcp_fields, kd_auth_ntlm_fields,
    kd_amqp_consumer_fields, kd_amqp_producer_fields, kd_backend_conditional_fields, kd_backend_grpc_fields,
    kd_backend_lambda_fields, kd_pubsub_publisher_fields, kd_pubsub_subscriber_fields, kd_backend_soap_fields,
    kd_backend_static_fields, kd_openapi_fields, kd_postman_fields, kd_postman_endpoint_fields, kd_processors_fields,
    kd_quota_fields, kd_grpc_fields, kd_kafka_publisher_fields, kd_kafka_subscriber_fields, kd_async_kafka_fields,
    kd_martian_fields, kd_body_generator_fields, kd_jmespath_fields, kd_lua_fields, kd_body_extractor_fields,
    kd_response_body_fields, kd_response_headers_fields, kd_plugin_client_fields, kd_plugin_server_fields,
    kd_plugin_middleware_fields, kd_plugin_modifier_fields, kd_breaker_http_fields, kd_ratelimit_redis_fields,
    kd_ratelimit_tiered_fields, kd_redis_fields, kd_policies_fields, kd_policies_backend_fields, kd_static_files_fields,
    kd_virtualhost_fields, kd_gelf_fields, kd_influx_fields, kd_logstash_fields, kd_metrics_fields, kd_moesif_fields,
    kd_newrelic_fields, kd_backend_log_fields, kd_backend_logging_fields, kd_opencensus_fields, kd_opentelemetry_fields,
    kd_opentelemetry_endpoint_fields, kd_opentelemetry_backend_fields, kd_opentelemetry_security_fields,
    kd_response_schema_fields, kd_websocket_fields, kd_workflow_fields, kd_async_amqp_fields;

#endif
