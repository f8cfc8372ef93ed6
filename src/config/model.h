/* The model: what a configuration means, every alias, default, coercion and inheritance resolved (spec/01 section 2).
 * Immutable after loading; lives in the arena of its generation. Modules and gateway never look at the source tree for
 * anything that stands here; extra_config blocks are reached by kd_extra_find. */
#ifndef KD_CONFIG_MODEL_H
#define KD_CONFIG_MODEL_H

#include "base/clock.h"
#include "config/tree.h"

typedef struct kd_str_list {
    kd_str *v;
    uint32_t n;
} kd_str_list;

/* A piece of a backend's url_pattern. */
typedef enum kd_piece_kind {
    KD_PIECE_TEXT, /* text as it is */
    KD_PIECE_PARAM /* value of the parameter `text` (first letter upper-cased); unfilled: "{{.Text}}" */
} kd_piece_kind;

typedef struct kd_piece {
    kd_piece_kind kind;
    kd_str text;
} kd_piece;

typedef struct kd_pattern {
    kd_str source;   /* as written, cleaned: "/users/{id}" */
    kd_str template; /* as KrakenD shows it in logs and errors: "/users/{{.Id}}" */
    kd_piece *pieces;
    uint32_t n;
} kd_pattern;

/* extra_config of one object: namespaces in their new spelling (aliases resolved, the new name wins). */
typedef struct kd_extra {
    kd_str name;
    const kd_node *node;
} kd_extra;

typedef struct kd_extras {
    kd_extra *v; /* in file order */
    uint32_t n;
} kd_extras;

/* The block of that namespace, or NULL. */
const kd_node *kd_extra_find(const kd_extras *extras, kd_str name);

/* allow, deny, mapping, target, group as written; the gateway compiles them. */
typedef struct kd_mapping {
    kd_str from, to;
} kd_mapping;

typedef struct kd_backend {
    const kd_location *at;
    uint32_t index; /* within its endpoint */
    kd_str group, target;
    kd_str method;       /* as configured (logs and errors show this spelling); default the endpoint's */
    kd_str method_upper; /* what is sent */
    kd_str_list hosts;   /* sanitised unless disable_host_sanitize */
    bool disable_host_sanitize;
    kd_pattern url_pattern;
    kd_str_list allow, deny;
    kd_mapping *mapping; /* in order of the old name */
    uint32_t n_mapping;
    kd_str encoding; /* lower case, aliases and unknown names resolved to what decodes: json safejson string no-op xml
                        rss */
    kd_str encoding_source; /* as written or inherited: the renderer's fallback compares this (spec/01 section 6.1) */
    bool is_collection;
    kd_str sd, sd_scheme;
    kd_str_list input_headers, input_query_strings; /* second-level filters; headers canonical */
    kd_ns timeout;
    int64_t concurrent_calls;
    kd_extras extra;
} kd_backend;

typedef struct kd_endpoint {
    const kd_location *at;
    kd_str path;   /* as written, cleaned: "/a/{id}" */
    kd_str route;  /* what the router gets: "/a/:id" */
    kd_str method; /* as written; default GET */
    kd_str method_upper;
    kd_str_list params; /* input parameters */
    kd_backend *backends;
    uint32_t n_backends;
    int64_t concurrent_calls;
    kd_ns timeout, cache_ttl;
    kd_str_list input_query_strings, input_headers; /* "*" stays as an item; headers canonical */
    kd_str output_encoding;
    kd_extras extra;
} kd_endpoint;

typedef struct kd_service {
    kd_arena *arena;
    kd_str file;
    kd_str name;
    int64_t port;
    kd_str listen_ip;
    kd_str_list hosts;
    kd_ns timeout, cache_ttl;
    kd_str output_encoding;
    kd_endpoint *endpoints;
    uint32_t n_endpoints;
    uint32_t n_async_agents;
    kd_ns read_timeout, write_timeout, idle_timeout, read_header_timeout;
    int64_t max_header_bytes;
    bool disable_keep_alives, disable_compression;
    int64_t max_idle_connections, max_idle_connections_per_host;
    kd_ns idle_connection_timeout, response_header_timeout, expect_continue_timeout;
    kd_ns dialer_timeout, dialer_fallback_delay, dialer_keep_alive;
    bool disable_rest, use_h2c, debug_endpoint, echo_endpoint, sequential_start;
    kd_ns dns_cache_ttl, max_shutdown_wait_time;
    const kd_node *tls, *client_tls, *plugin; /* NULL when absent */
    bool allow_insecure_connections;
    kd_extras extra;
} kd_service;

/* Service level `router` (spec/01 section 4.1), with the trap that one wrong type drops most of the block. */
typedef struct kd_router_options {
    bool redirect_trailing_slash, redirect_fixed_path, handle_method_not_allowed, forwarded_by_client_ip;
    bool app_engine, remove_extra_slash, use_h2c, return_error_msg, hide_version_header;
    bool disable_health, disable_access_log, disable_path_decoding, auto_options;
    kd_str_list remote_ip_headers; /* canonical */
    kd_str_list trusted_proxies;   /* valid CIDRs or addresses, in order, up to the first invalid one */
    kd_str_list logger_skip_paths;
    kd_str health_path;
    const kd_node *error_body_404, *error_body_405; /* NULL when absent */
} kd_router_options;

/* Resolves the block; one that is absent or no object gives the defaults. */
void kd_router_options_load(const kd_service *service, kd_router_options *out);

#endif
