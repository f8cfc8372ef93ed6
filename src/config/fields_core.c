#include "config/builtin.h"

/* The tables stand in the order of the fields of KrakenD's structs, because its errors come in that order (spec/04
 * section 23.2); after them what only our model knows. */

#define AT(struct, member)             .offset = offsetof(struct, member)
#define FIELD(name, kind, place, text) .key = KD_STR_INIT(name), .type = KD_FIELD_##kind, place, .about = text
#define TABLE(name, fields, scope, struct, at, ...)                                                                    \
    {                                                                                                                  \
        name, scope, sizeof(struct), at, fields, KD_COUNT(fields), __VA_ARGS__                                         \
    }

/* ---- tls, client_tls, plugin */

static const kd_field key_pair[] = {
    {FIELD("public_key", STRING, AT(kd_tls_pair, certificate), "File of the certificate chain in PEM.")},
    {FIELD("private_key", STRING, AT(kd_tls_pair, private_key), "File of the private key in PEM.")},
};
static const kd_fields key_pair_fields =
    TABLE("key pair", key_pair, 0, kd_tls_pair, KD_NO_OFFSET, .shape = KD_SHAPE_OPEN | KD_SHAPE_UNTYPED);

static const kd_field client_pair[] = {
    {FIELD("certificate", STRING, AT(kd_tls_pair, certificate), "File of the client certificate in PEM.")},
    {FIELD("private_key", STRING, AT(kd_tls_pair, private_key), "File of the private key in PEM.")},
};
static const kd_fields client_pair_fields =
    TABLE("certificate", client_pair, 0, kd_tls_pair, KD_NO_OFFSET, .lint = "'required':['certificate','private_key']");

#define TLS(name, kind, member, text, ...)                                                                             \
    {                                                                                                                  \
        FIELD(name, kind, AT(kd_tls_section, member), text), .reload = KD_RELOAD_REBUILD, __VA_ARGS__                  \
    }
static const kd_field tls[] = {
    TLS("disabled", BOOL, disabled, "Ignores the whole block."),
    TLS("public_key", STRING, public_key, "File of the certificate chain; the form of earlier versions, see keys.",
        .flags = KD_FIELD_UNLISTED),
    TLS("private_key", STRING, private_key, "File of the private key; the form of earlier versions, see keys.",
        .flags = KD_FIELD_UNLISTED),
    TLS("ca_certs", STRINGS, ca_certs, "Further authorities of client certificates."),
    TLS("min_version", STRING, min_version, "Lowest TLS version: TLS10, TLS11, TLS12 or TLS13.",
        .lint = "{'enum':['SSL3.0','TLS10','TLS11','TLS12','TLS13']}"),
    TLS("max_version", STRING, max_version, "Highest TLS version.",
        .lint = "{'enum':['SSL3.0','TLS10','TLS11','TLS12','TLS13']}"),
    TLS("curve_preferences", UINTS, curve_preferences, "Numbers of the elliptic curves.",
        .lint = "{'type':'array','uniqueItems':true,'items':{'enum':[23,24,25]}}"),
    TLS("prefer_server_cipher_suites", BOOL, prefer_server_cipher_suites, "Has no effect.", .flags = KD_FIELD_UNLISTED),
    TLS("cipher_suites", UINTS, cipher_suites, "Numbers of the cipher suites up to TLS 1.2.",
        .lint = "'uniqueItems':true"),
    TLS("enable_mtls", BOOL, enable_mtls, "Demands a client certificate for every route."),
    TLS("disable_system_ca_pool", BOOL, disable_system_ca_pool, "Trusts only ca_certs."),
    {FIELD("keys", OBJECTS, AT(kd_tls_section, keys), "Pairs of certificate and key; the client's SNI chooses."),
     .child = &key_pair_fields, .reload = KD_RELOAD_REBUILD, .lint = "'minItems':1"},
};
const kd_fields kd_tls_fields = TABLE("tls section", tls, 0, kd_tls_section, KD_NO_OFFSET, .shape = KD_SHAPE_UNTYPED,
                                      .lint = "'anyOf':[{'type':'object','required':['keys']},{'type':'null'}]");

#define CLIENT(name, kind, member, text, ...)                                                                          \
    {                                                                                                                  \
        FIELD(name, kind, AT(kd_client_tls_section, member), text), .reload = KD_RELOAD_REBUILD, __VA_ARGS__           \
    }
static const kd_field client_tls[] = {
    CLIENT("allow_insecure_connections", BOOL, allow_insecure_connections, "Accepts any certificate of a backend."),
    CLIENT("ca_certs", STRINGS, ca_certs, "Further authorities of backends' certificates.", .lint = "{'type':'array'}"),
    CLIENT("disable_system_ca_pool", BOOL, disable_system_ca_pool, "Trusts only ca_certs."),
    CLIENT("min_version", STRING, min_version, "Lowest TLS version.",
           .lint = "{'enum':['SSL3.0','TLS10','TLS11','TLS12','TLS13']}"),
    CLIENT("max_version", STRING, max_version, "Highest TLS version.",
           .lint = "{'enum':['SSL3.0','TLS10','TLS11','TLS12','TLS13']}"),
    CLIENT("curve_preferences", UINTS, curve_preferences, "Numbers of the elliptic curves.",
           .lint = "{'type':'array','uniqueItems':true,'items':{'enum':[23,24,25]}}"),
    CLIENT("cipher_suites", UINTS, cipher_suites, "Numbers of the cipher suites up to TLS 1.2.",
           .lint = "{'type':'array','uniqueItems':true}"),
    {FIELD("client_certs", OBJECTS, AT(kd_client_tls_section, client_certs), "Certificates shown to backends."),
     .child = &client_pair_fields, .reload = KD_RELOAD_REBUILD},
};
const kd_fields kd_client_tls_fields =
    TABLE("client_tls section", client_tls, 0, kd_client_tls_section, KD_NO_OFFSET, .shape = KD_SHAPE_UNTYPED);

static const kd_field plugin[] = {
    {FIELD("folder", STRING, AT(kd_plugin_section, folder), "Folder of the plugins."), .reload = KD_RELOAD_RESTART},
    {FIELD("pattern", STRING, AT(kd_plugin_section, pattern), "What their file names contain."),
     .reload = KD_RELOAD_RESTART},
};
const kd_fields kd_plugin_fields = TABLE("plugin section", plugin, 0, kd_plugin_section, KD_NO_OFFSET,
                                         .shape = KD_SHAPE_OPEN, .lint = "'required':['pattern','folder']");

/* ---- backend */

#define BACKEND(name, kind, member, text) FIELD(name, kind, AT(kd_backend, member), text)
static const kd_field backend[] = {
    {BACKEND("group", STRING, group, "Key under which the answer is put.")},
    {BACKEND("method", STRING, method, "Method of the request to the backend."), .inherit = KD_INHERIT_REPLACE,
     .lint = "{'enum':['GET','POST','PUT','PATCH','DELETE','OPTIONS','HEAD','CONNECT','TRACE']}"},
    {BACKEND("host", STRINGS, hosts, "Addresses of the backend, without path."), .inherit = KD_INHERIT_REPLACE,
     .lint = "{'type':'array','items':{'type':'string','pattern':'.+','minLength':1}}"},
    {BACKEND("disable_host_sanitize", BOOL, disable_host_sanitize, "Takes the hosts as they are written.")},
    {BACKEND("url_pattern", STRING, url_pattern.source, "Path at the backend; {name} is replaced."), .dflt = "/"},
    {BACKEND("allow", STRINGS, allow, "The only fields of the answer that are kept."), .former = "whitelist",
     .lint = "'uniqueItems':true"},
    {BACKEND("deny", STRINGS, deny, "Fields of the answer that are removed; ignored beside allow."),
     .former = "blacklist", .lint = "'uniqueItems':true"},
    {BACKEND("mapping", STRING_MAP, mapping, "New names of the answer's fields.")},
    {BACKEND("encoding", STRING, encoding_source, "Format of the answer."), .dflt = "json",
     .lint = "{'enum':['json','safejson','fast-json','xml','rss','string','no-op','yaml']}"},
    {BACKEND("is_collection", BOOL, is_collection, "The answer is a list, put under the key \"collection\".")},
    {BACKEND("target", STRING, target, "Field of the answer that replaces the whole.")},
    {BACKEND("sd", STRING, sd, "How the hosts are found: static or dns."), .dflt = "static",
     .lint = "{'enum':['static','dns','dns-shared']}"},
    {BACKEND("sd_scheme", STRING, sd_scheme, "Scheme of hosts that were found by DNS."), .dflt = "http"},
    {FIELD("urlkeys", STRINGS, .offset = KD_NO_OFFSET, "Accepted by KrakenD's decoder, without effect."),
     .go = "URLKeys", .flags = KD_FIELD_UNLISTED},
    {FIELD("concurrentcalls", INT, .offset = KD_NO_OFFSET, "Accepted by KrakenD's decoder, without effect."),
     .go = "ConcurrentCalls", .flags = KD_FIELD_UNLISTED},
    {FIELD("timeout", DURATION, .offset = KD_NO_OFFSET, "Accepted by KrakenD's decoder, without effect."),
     .go = "Timeout", .flags = KD_FIELD_UNLISTED},
    {FIELD("decoder", REFUSED, .offset = KD_NO_OFFSET, "No value is accepted."), .go = "Decoder"},
    {BACKEND("extra_config", EXTRA, extra, "Optional behaviour of the backend.")},
    {BACKEND("input_headers", STRINGS, input_headers, "Of the endpoint's headers, those this backend gets."),
     .former = "headers_to_pass", .lint = "'uniqueItems':true"},
    {BACKEND("input_query_strings", STRINGS, input_query_strings, "Of the endpoint's parameters, those it gets."),
     .former = "querystring_params", .lint = "'uniqueItems':true"},
};
const kd_fields kd_backend_fields = TABLE("backend", backend, KD_SCOPE_BACKEND, kd_backend, offsetof(kd_backend, at),
                                          .lint = "'required':['url_pattern']");

/* ---- endpoint */

#define ENDPOINT(name, kind, member, text) FIELD(name, kind, AT(kd_endpoint, member), text)
static const kd_field endpoint[] = {
    {ENDPOINT("endpoint", STRING, path, "Path of the endpoint; {name} takes one segment."),
     .lint = "'pattern':'^\\\\/[^\\\\*\\\\?\\\\&\\\\%]*(\\\\/\\\\*)?$'"},
    {ENDPOINT("method", STRING, method, "Method of the endpoint."), .dflt = "GET",
     .lint = "{'enum':['GET','POST','PUT','PATCH','DELETE']}"},
    {ENDPOINT("backend", OBJECTS, backends, "Where the data comes from."), .child = &kd_backend_fields,
     .lint = "'minItems':1"},
    {ENDPOINT("concurrent_calls", INT, concurrent_calls, "Equal requests sent at once; the first answer counts."),
     .dflt = "1", .lint = "'maximum':5,'minimum':1"},
    {ENDPOINT("timeout", DURATION, timeout, "Longest time for the whole answer."), .inherit = KD_INHERIT_REPLACE},
    {ENDPOINT("cache_ttl", DURATION, cache_ttl, "Lifetime in the Cache-Control header."),
     .inherit = KD_INHERIT_REPLACE},
    {ENDPOINT("input_query_strings", STRINGS, input_query_strings, "Parameters that reach the backends; \"*\": all."),
     .former = "querystring_params", .lint = "'uniqueItems':true"},
    {ENDPOINT("extra_config", EXTRA, extra, "Optional behaviour of the endpoint.")},
    {ENDPOINT("input_headers", STRINGS, input_headers, "Headers that reach the backends; \"*\": all."),
     .former = "headers_to_pass", .lint = "'uniqueItems':true"},
    {ENDPOINT("output_encoding", STRING, output_encoding, "Format of the answer."), .inherit = KD_INHERIT_REPLACE,
     .dflt = "json",
     .lint = "{'enum':['json','json-collection','yaml','fast-json','xml','negotiate','string','no-op']}"},
};
const kd_fields kd_endpoint_fields = TABLE("endpoint", endpoint, KD_SCOPE_ENDPOINT, kd_endpoint,
                                           offsetof(kd_endpoint, at), .lint = "'required':['endpoint','backend']");

/* ---- async agent */

static const kd_field connection[] = {
    {FIELD("max_retries", INT, AT(kd_agent, max_retries), "Attempts to connect; 0: no limit.")},
    {FIELD("backoff_strategy", STRING, AT(kd_agent, backoff_strategy), "How the pauses between attempts grow."),
     .lint = "{'enum':['linear','linear-jitter','exponential','exponential-jitter','fallback']}"},
    {FIELD("health_interval", DURATION, AT(kd_agent, health_interval), "Time between reports."), .dflt = "1s"},
};
static const kd_fields connection_fields =
    TABLE("connection", connection, 0, kd_agent, KD_NO_OFFSET, .shape = KD_SHAPE_OPEN);

static const kd_field consumer[] = {
    {FIELD("timeout", DURATION, AT(kd_agent, timeout), "Longest time for one message.")},
    {FIELD("workers", INT, AT(kd_agent, workers), "Messages handled at once."), .dflt = "1"},
    {FIELD("topic", STRING, AT(kd_agent, topic), "What is subscribed to.")},
    {FIELD("max_rate", FLOAT, AT(kd_agent, max_rate), "Messages per second; 0: no limit.")},
};
static const kd_fields consumer_fields =
    TABLE("consumer", consumer, 0, kd_agent, KD_NO_OFFSET, .shape = KD_SHAPE_OPEN | KD_SHAPE_UNTYPED,
          .lint = "'required':['topic']");

/* Connection and consumer are decoded into the agent itself: their offsets are those of its struct. */
static const kd_field agent[] = {
    {FIELD("name", STRING, AT(kd_agent, name), "Name of the agent.")},
    {FIELD("connection", OBJECT, .offset = 0, "How the agent connects."), .child = &connection_fields},
    {FIELD("consumer", OBJECT, .offset = 0, "What the agent consumes."), .child = &consumer_fields},
    {FIELD("encoding", STRING, AT(kd_agent, encoding), "Format of the messages."), .dflt = "json",
     .lint = "{'enum':['json','safejson','xml','rss','string','no-op']}"},
    {FIELD("backend", OBJECTS, AT(kd_agent, backends), "Where the messages go."), .child = &kd_backend_fields},
    {FIELD("extra_config", EXTRA, AT(kd_agent, extra), "The driver and its settings.")},
};
const kd_fields kd_agent_fields = TABLE("async agent", agent, KD_SCOPE_AGENT, kd_agent, offsetof(kd_agent, at),
                                        .lint = "'required':['name','consumer','backend','extra_config']");

/* ---- service */

#define DRAFT(name, kind, member, text)   FIELD(name, kind, AT(kd_service_draft, member), text)
#define SERVICE(name, kind, member, text) FIELD(name, kind, AT(kd_service_draft, service.member), text)
static const kd_field service[] = {
    {SERVICE("name", STRING, name, "Name of the service.")},
    {DRAFT("endpoints", OBJECTS, endpoints, "The routes."), .child = &kd_endpoint_fields},
    {DRAFT("async_agent", OBJECTS, agents, "Consumers of queues."), .child = &kd_agent_fields,
     .reload = KD_RELOAD_REBUILD},
    {SERVICE("timeout", DURATION, timeout, "Longest time for an answer."), .dflt = "2s"},
    {SERVICE("cache_ttl", DURATION, cache_ttl, "Lifetime in the Cache-Control header."), .dflt = "0s"},
    {SERVICE("host", STRINGS, hosts, "Addresses of backends that name none.")},
    {SERVICE("port", INT, port, "Port on which the gateway listens."), .dflt = "8080", .reload = KD_RELOAD_RESTART,
     .lint = "'maximum':65535,'minimum':0"},
    {DRAFT("version", INT, version, "Version of the format, always 3."), .former = "krakend_version",
     .lint = "{'const':3}"},
    {SERVICE("listen_ip", STRING, listen_ip, "Address on which the gateway listens; empty: all."),
     .reload = KD_RELOAD_RESTART},
    {SERVICE("output_encoding", STRING, output_encoding, "Format of the answers."), .dflt = "json",
     .lint = "{'enum':['json','fast-json','json-collection','xml','negotiate','string','no-op']}"},
    {SERVICE("extra_config", EXTRA, extra, "Optional behaviour of the service.")},
    {SERVICE("read_timeout", DURATION, read_timeout, "Longest time to read a request; 0: none.")},
    {SERVICE("write_timeout", DURATION, write_timeout, "Longest time to write an answer; 0: none.")},
    {SERVICE("idle_timeout", DURATION, idle_timeout, "How long an idle connection is kept.")},
    {SERVICE("read_header_timeout", DURATION, read_header_timeout, "Longest time to read a request's head.")},
    {SERVICE("max_header_bytes", INT, max_header_bytes, "Largest head of a request."), .dflt = "1048576"},
    {SERVICE("disable_keep_alives", BOOL, disable_keep_alives, "Closes backend connections after each request."),
     .reload = KD_RELOAD_REBUILD},
    {SERVICE("disable_compression", BOOL, disable_compression, "Does not ask backends for gzip."),
     .reload = KD_RELOAD_REBUILD},
    {SERVICE("max_idle_connections", INT, max_idle_connections, "Idle backend connections in all; 0: no limit."),
     .reload = KD_RELOAD_REBUILD},
    {SERVICE("max_idle_connections_per_host", INT, max_idle_connections_per_host, "Idle connections to one host."),
     .dflt = "250", .reload = KD_RELOAD_REBUILD},
    {SERVICE("idle_connection_timeout", DURATION, idle_connection_timeout, "Lifetime of an idle backend connection."),
     .reload = KD_RELOAD_REBUILD},
    {SERVICE("response_header_timeout", DURATION, response_header_timeout, "Longest wait for a backend's head."),
     .reload = KD_RELOAD_REBUILD},
    {SERVICE("expect_continue_timeout", DURATION, expect_continue_timeout, "Longest wait for 100 Continue."),
     .reload = KD_RELOAD_REBUILD},
    {SERVICE("dialer_timeout", DURATION, dialer_timeout, "Longest time to connect to a backend."),
     .reload = KD_RELOAD_REBUILD},
    {SERVICE(
         "dialer_fallback_delay", DURATION, dialer_fallback_delay,
         "Head start of the first address's family before the other one; below 0: none, one address after the other."),
     .dflt = "300ms", .reload = KD_RELOAD_REBUILD},
    {SERVICE("dialer_keep_alive", DURATION, dialer_keep_alive, "Interval of TCP probes."), .dflt = "15s",
     .reload = KD_RELOAD_REBUILD},
    {SERVICE("disable_rest", BOOL, disable_rest, "Takes {name} anywhere in a path, not only as a whole segment.")},
    {SERVICE("plugin", OBJECT, plugin, "Where plugins are loaded from."), .child = &kd_plugin_fields,
     .flags = KD_FIELD_NODE, .reload = KD_RELOAD_RESTART},
    {SERVICE("tls", OBJECT, tls, "TLS of the listener."), .child = &kd_tls_fields, .flags = KD_FIELD_NODE,
     .reload = KD_RELOAD_REBUILD},
    {SERVICE("use_h2c", BOOL, use_h2c, "HTTP/2 without TLS.")},
    {SERVICE("debug_endpoint", BOOL, debug_endpoint, "Serves /__debug/.")},
    {SERVICE("echo_endpoint", BOOL, echo_endpoint, "Serves /__echo/.")},
    {SERVICE("sequential_start", BOOL, sequential_start, "Starts the agents before the router.")},
    {SERVICE("allow_insecure_connections", BOOL, allow_insecure_connections,
             "Deprecated: see client_tls.allow_insecure_connections."),
     .flags = KD_FIELD_UNLISTED},
    {SERVICE("client_tls", OBJECT, client_tls, "TLS towards backends."), .child = &kd_client_tls_fields,
     .flags = KD_FIELD_NODE, .reload = KD_RELOAD_REBUILD},
    {SERVICE("dns_cache_ttl", DURATION, dns_cache_ttl, "How long DNS SRV answers are kept."), .dflt = "30s"},
    {SERVICE("max_shutdown_wait_time", DURATION, max_shutdown_wait_time, "Longest time for a graceful end; 0: any.")},
};
const kd_fields kd_service_fields =
    TABLE("configuration", service, KD_SCOPE_SERVICE, kd_service_draft, KD_NO_OFFSET, .lint = "'required':['version']");

/* ---- sections */

static bool load_section(kd_arena *arena, const kd_fields *fields, const kd_node *node, void *out)
{
    memset(out, 0, fields->size);
    if (!node || node->type != KD_NODE_OBJECT)
        return false;
    kd_errors errors; /* keeps nothing: the file was checked when it was loaded */
    kd_errors_init(&errors, arena, 0);
    kd_walk walk;
    kd_walk_init(&walk, arena, &errors);
    return kd_fields_decode(&walk, fields, node, out, NULL);
}

bool kd_tls_section_load(kd_arena *arena, const kd_node *node, kd_tls_section *out)
{
    return load_section(arena, &kd_tls_fields, node, out);
}

bool kd_client_tls_section_load(kd_arena *arena, const kd_node *node, kd_client_tls_section *out)
{
    return load_section(arena, &kd_client_tls_fields, node, out);
}

bool kd_plugin_section_load(kd_arena *arena, const kd_node *node, kd_plugin_section *out)
{
    return load_section(arena, &kd_plugin_fields, node, out);
}
