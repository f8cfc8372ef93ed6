/* The field tables of the core objects and of the components that belong to the gateway itself, and the sections that
 * the model keeps as nodes of the tree. */
#ifndef KD_CONFIG_BUILTIN_H
#define KD_CONFIG_BUILTIN_H

#include "config/field.h"

extern const kd_fields kd_service_fields;    /* kd_service_draft */
extern const kd_fields kd_endpoint_fields;   /* kd_endpoint */
extern const kd_fields kd_backend_fields;    /* kd_backend */
extern const kd_fields kd_agent_fields;      /* kd_agent */
extern const kd_fields kd_tls_fields;        /* kd_tls_section */
extern const kd_fields kd_client_tls_fields; /* kd_client_tls_section */
extern const kd_fields kd_plugin_fields;     /* kd_plugin_section */

extern const kd_fields kd_router_fields, kd_proxy_endpoint_fields, kd_proxy_backend_fields, kd_backend_http_fields,
    kd_backend_http_client_fields, kd_telemetry_logging_fields, kd_gateway_compat_fields, kd_gateway_dns_fields,
    kd_gateway_http2_fields, kd_gateway_limits_fields, kd_gateway_tls_fields;

/* A pair of files, of `keys` in tls and `client_certs` in client_tls. */
typedef struct kd_tls_pair {
    kd_str certificate, private_key;
} kd_tls_pair;

/* spec/01 section 3.2. */
typedef struct kd_tls_section {
    bool disabled, prefer_server_cipher_suites, enable_mtls, disable_system_ca_pool;
    kd_str public_key, private_key, min_version, max_version;
    kd_struct_list keys; /* kd_tls_pair */
    kd_str_list ca_certs;
    kd_uint_list curve_preferences, cipher_suites;
} kd_tls_section;

/* spec/01 section 8.5. */
typedef struct kd_client_tls_section {
    bool allow_insecure_connections, disable_system_ca_pool;
    kd_str_list ca_certs;
    kd_str min_version, max_version;
    kd_uint_list curve_preferences, cipher_suites;
    kd_struct_list client_certs; /* kd_tls_pair */
} kd_client_tls_section;

typedef struct kd_plugin_section {
    kd_str folder, pattern;
} kd_plugin_section;

/* spec/01 section 12. */
typedef struct kd_agent {
    const kd_location *at;
    kd_str name, encoding;
    bool unnamed; /* the name is ours */
    int64_t max_retries, workers;
    kd_str backoff_strategy, topic;
    kd_ns health_interval, timeout;
    double max_rate;
    kd_struct_list backends; /* kd_backend */
    kd_extras extra;
} kd_agent;

/* What the root object is decoded into: the service and what only loading needs. */
typedef struct kd_service_draft {
    kd_service service;
    int64_t version;
    kd_struct_list agents;    /* kd_agent */
    kd_struct_list endpoints; /* kd_endpoint */
} kd_service_draft;

/* The async agents of a service that kd_config_load returned; *n is service->n_async_agents. */
const kd_agent *kd_service_agents(const kd_service *service, uint32_t *n);

/* The sections of a loaded service that the model keeps as nodes, decoded into *out as KrakenD does. False when the
 * section is absent or memory is out; wrong values were refused when the file was loaded. */
bool kd_tls_section_load(kd_arena *arena, const kd_node *node, kd_tls_section *out);
bool kd_client_tls_section_load(kd_arena *arena, const kd_node *node, kd_client_tls_section *out);
bool kd_plugin_section_load(kd_arena *arena, const kd_node *node, kd_plugin_section *out);

#endif
