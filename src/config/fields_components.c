#include "config/builtin.h"
#include "config/fields.h"

/* Components that belong to the gateway itself: KrakenD reads each in its own way, so the tables only tell what is
 * expected there and what a wrong type does (spec/01 sections 2.6 and 4.1, spec/04 section 8.2). */

#define FIELD(name, kind, consequence, text)                                                                           \
    .key = KD_STR_INIT(name), .type = KD_FIELD_##kind, .wrong = KD_WRONG_##consequence, .offset = KD_NO_OFFSET,        \
    .about = text
#define TABLE(name, fields, scope, ...)                                                                                \
    {                                                                                                                  \
        name, scope, 0, KD_NO_OFFSET, fields, KD_COUNT(fields), __VA_ARGS__                                            \
    }

static const kd_field error_body[] = {
    {FIELD("404", ANY, IGNORE, "Body of the answer for an unknown path."), .lint = "{'type':'object'}"},
    {FIELD("405", ANY, IGNORE, "Body of the answer for an unknown method."), .lint = "{'type':'object'}"},
};
static const kd_fields error_body_fields = TABLE("error_body block", error_body, KD_SCOPE_SERVICE);

static const kd_field router[] = {
    {FIELD("disable_redirect_trailing_slash", BOOL, DROP_BLOCK, "Does not redirect /a/ to /a or back."),
     .dflt = "false"},
    {FIELD("disable_redirect_fixed_path", BOOL, DROP_BLOCK, "Does not redirect to the path in the right case.")},
    {FIELD("disable_handle_method_not_allowed", BOOL, DROP_BLOCK, "Answers 404 instead of 405.")},
    {FIELD("forwarded_by_client_ip", BOOL, DROP_BLOCK, "Takes the client's address from headers.")},
    {FIELD("remote_ip_headers", STRINGS, DROP_BLOCK, "The headers that carry the client's address.")},
    {FIELD("trusted_proxies", STRINGS, DROP_BLOCK, "Networks whose headers are believed.")},
    {FIELD("app_engine", BOOL, DROP_BLOCK, "Believes X-Appengine-Remote-Addr.")},
    {FIELD("max_multipart_memory", INT, DROP_BLOCK, "Has no effect.")},
    {FIELD("remove_extra_slash", BOOL, DROP_BLOCK, "Routes on the cleaned path.")},
    {FIELD("use_h2c", BOOL, DROP_BLOCK, "HTTP/2 without TLS."), .flags = KD_FIELD_UNLISTED},
    {FIELD("logger_skip_paths", STRINGS, DROP_BLOCK, "Paths that the access log leaves out.")},
    {FIELD("return_error_msg", BOOL, DROP_BLOCK, "Shows the error's text to the client.")},
    {FIELD("hide_version_header", BOOL, DROP_BLOCK, "Hides the version in X-Krakend.")},
    {FIELD("disable_health", BOOL, DROP_BLOCK, "Serves no health check.")},
    {FIELD("health_path", STRING, DROP_BLOCK, "Path of the health check."), .dflt = "/__health"},
    {FIELD("disable_access_log", BOOL, DROP_BLOCK, "Writes no access log.")},
    {FIELD("disable_path_decoding", BOOL, DROP_BLOCK, "Does not decode path parameters.")},
    {FIELD("auto_options", BOOL, IGNORE, "Answers OPTIONS for every path.")},
    {FIELD("error_body", OBJECT, IGNORE, "Bodies of 404 and 405."), .child = &error_body_fields},
    {FIELD("max_payload", INT, IGNORE, "Largest body of a request."), .edition = KD_EDITION_EE},
    {FIELD("decompress_gzip", BOOL, IGNORE, "Decompresses bodies of requests."), .json = KD_JSON_BOOL | KD_JSON_NUMBER,
     .edition = KD_EDITION_EE, .lint = "{'type':'integer'}"},
    {FIELD("disable_gzip", BOOL, IGNORE, "Does not compress answers."), .edition = KD_EDITION_EE},
};
const kd_fields kd_router_fields = TABLE("router block", router, KD_SCOPE_SERVICE);

static const kd_field static_block[] = {
    {FIELD("data", OBJECT, DROP_BLOCK, "What is added to the answer.")},
    {FIELD("strategy", STRING, IGNORE, "When: always, success, errored, complete or incomplete."), .dflt = "always",
     .lint = "{'enum':['always','success','complete','errored','incomplete']}"},
};
static const kd_fields static_fields =
    TABLE("static block", static_block, KD_SCOPE_ENDPOINT, .lint = "'required':['data','strategy']");

static const kd_field flatmap_item[] = {
    {FIELD("type", STRING, IGNORE, "The operation: append, del or move."), .lint = "{'enum':['move','del','append']}"},
    {FIELD("args", STRINGS, IGNORE, "The fields it works on.")},
};
static const kd_fields flatmap_fields = TABLE("flatmap operation", flatmap_item, KD_SCOPE_ENDPOINT | KD_SCOPE_BACKEND,
                                              .lint = "'required':['type','args']");

static const kd_field proxy_endpoint[] = {
    {FIELD("sequential", BOOL, IGNORE, "Asks the backends one after the other.")},
    {FIELD("sequential_propagated_params", STRINGS, ZERO, "Parameters that every backend of a sequence gets."),
     .lint = "{'type':'array','items':{'type':'string','pattern':'^resp[0-9]+(_[^\\\\s]+)?$'}}"},
    {FIELD("static", OBJECT, IGNORE, "Fixed data in the answer."), .child = &static_fields},
    {FIELD("flatmap_filter", OBJECTS, IGNORE, "Moves fields of the merged answer."), .child = &flatmap_fields},
    {FIELD("combiner", STRING, FAIL_START, "How answers are merged."), .dflt = "default"},
    {FIELD("decompress_gzip", BOOL, IGNORE, "Decompresses bodies of requests."), .json = KD_JSON_BOOL | KD_JSON_NUMBER,
     .edition = KD_EDITION_EE, .lint = "{'type':'boolean'}"},
    {FIELD("max_payload", INT, IGNORE, "Largest body of a request."), .edition = KD_EDITION_EE},
};
const kd_fields kd_proxy_endpoint_fields = TABLE("endpoint's proxy block", proxy_endpoint, KD_SCOPE_ENDPOINT);

static const kd_field proxy_backend[] = {
    {FIELD("shadow", BOOL, IGNORE, "Sends a copy of the request and drops the answer.")},
    {FIELD("shadow_timeout", DURATION, IGNORE, "Longest time for the copy."), .flags = KD_FIELD_UNLISTED},
    {FIELD("flatmap_filter", OBJECTS, IGNORE, "Moves fields of the answer."), .child = &flatmap_fields},
};
const kd_fields kd_proxy_backend_fields = TABLE("backend's proxy block", proxy_backend, KD_SCOPE_BACKEND);

static const kd_field backend_http[] = {
    {FIELD("return_error_details", STRING, IGNORE, "Key under which an error's status and body appear.")},
    {FIELD("return_error_code", BOOL, IGNORE, "Answers with the backend's status and body.")},
};
const kd_fields kd_backend_http_fields =
    TABLE("backend/http block", backend_http, KD_SCOPE_BACKEND, .shape = KD_SHAPE_OPEN | KD_SHAPE_UNTYPED,
          .lint = "'oneOf':[{'required':['return_error_details']},{'required':['return_error_code']}]");

static const kd_field backend_http_client[] = {
    {FIELD("send_body_on_redirect", BOOL, IGNORE, "Repeats the body when a backend redirects.")},
    {FIELD("no_redirect", BOOL, IGNORE, "Passes redirects on."), .edition = KD_EDITION_EE},
    {FIELD("proxy_address", STRING, IGNORE, "Proxy towards the backend."), .edition = KD_EDITION_EE, .lint = "{}"},
    {FIELD("client_tls", OBJECT, IGNORE, "TLS towards this backend."), .edition = KD_EDITION_EE,
     .child = &kd_client_tls_fields},
};
const kd_fields kd_backend_http_client_fields =
    TABLE("backend/http/client block", backend_http_client, KD_SCOPE_BACKEND);

static const kd_field telemetry_logging[] = {
    {FIELD("level", STRING, IGNORE, "DEBUG, INFO, NOTICE, WARNING, ERROR or CRITICAL."),
     .lint = "{'enum':['DEBUG','INFO','WARNING','ERROR','CRITICAL']}"},
    {FIELD("stdout", BOOL, FAIL_START, "Writes to standard output.")},
    {FIELD("syslog", BOOL, FAIL_START, "Writes to syslog.")},
    {FIELD("syslog_facility", STRING, IGNORE, "local0 to local7."), .dflt = "local3",
     .lint = "{'enum':['local0','local1','local2','local3','local4','local5','local6','local7']}"},
    {FIELD("prefix", STRING, IGNORE, "Text before each line.")},
    {FIELD("format", STRING, IGNORE, "default, logstash or custom."), .dflt = "default"},
    {FIELD("custom_format", STRING, IGNORE, "Pattern of the lines.")},
    {FIELD("access_log_format", STRING, IGNORE, "Format of the access log."), .edition = KD_EDITION_EE,
     .lint = "{'enum':['','default','httpdCommon','httpdCombine','json','custom']}"},
    {FIELD("access_log_custom_format", STRING, IGNORE, "Pattern of the access log."), .edition = KD_EDITION_EE},
    {FIELD("access_log_missing_key_marker", STRING, IGNORE, "Shown for a missing value."), .edition = KD_EDITION_EE},
    {FIELD("backend", OBJECT, IGNORE, "Log of requests to backends."), .edition = KD_EDITION_EE,
     .child = &kd_backend_log_fields},
};
const kd_fields kd_telemetry_logging_fields =
    TABLE("telemetry/logging block", telemetry_logging, KD_SCOPE_SERVICE, .lint = "'required':['level']");

static const kd_field gateway_compat[] = {
    {FIELD("jwk_cache_by_kid", BOOL, IGNORE,
           "A key that any key server gave counts for all, as with shared_cache_duration "
           "in KrakenD."),
     .edition = KD_EDITION_OWN, .dflt = "false"},
    {FIELD("jwk_strict_expiry", BOOL, IGNORE,
           "Keys never serve beyond cache_duration, even while the key server fails."),
     .edition = KD_EDITION_OWN, .dflt = "false"},
    {FIELD("edition", STRING, IGNORE, "\"ce\" ignores what KrakenD's Community Edition ignores."),
     .edition = KD_EDITION_OWN},
};
const kd_fields kd_gateway_compat_fields = TABLE("gateway/compat block", gateway_compat, KD_SCOPE_SERVICE);

/* A wrong value of our own keys ends the start, or is refused by a reload: nobody depends on its being ignored. */
#define OWN(name, kind, text)                                                                                          \
    .key = KD_STR_INIT(name), .type = KD_FIELD_##kind, .wrong = KD_WRONG_FAIL_START, .offset = KD_NO_OFFSET,           \
    .edition = KD_EDITION_OWN, .about = text

static const kd_field gateway_limits[] = {
    {OWN("max_memory", ANY, "What the process may take, sockets included: \"64MB\" or a number of bytes."),
     .json = KD_JSON_STRING | KD_JSON_NUMBER, .dflt = "three quarters of the cgroup's or machine's memory"},
    {OWN("max_connections", INT, "Connections of clients at a time; 0: no limit."), .dflt = "0", .max = INT32_MAX},
    {OWN("max_requests", INT, "Requests in flight; 0: no limit."), .dflt = "0", .max = INT32_MAX},
    {OWN("max_header_bytes", ANY, "Bytes of a request's head, where that is less than the root's key."),
     .json = KD_JSON_STRING | KD_JSON_NUMBER},
    {OWN("max_body_size", ANY, "Bytes of a request's body; a longer one is answered with 413."),
     .json = KD_JSON_STRING | KD_JSON_NUMBER},
};
const kd_fields kd_gateway_limits_fields = TABLE("gateway/limits block", gateway_limits, KD_SCOPE_SERVICE);

static const kd_field gateway_dns[] = {
    {OWN("servers", STRINGS, "Name servers, each an address with or without port: \"127.0.0.1:5353\"."),
     .dflt = "those of /etc/resolv.conf"},
    {OWN("hosts_file", STRING, "File of fixed names."), .dflt = "/etc/hosts"},
    {OWN("search", STRINGS, "Domains that complete short names."), .dflt = "those of /etc/resolv.conf"},
    {OWN("timeout", DURATION, "How long one server is waited for."), .dflt = "5s"},
};
static const kd_field gateway_http2[] = {
    {OWN("mode", STRING,
         "How HTTP/2 is begun: h2c where the backend is known to speak it, alpn where TLS is to agree on it.")},
};
const kd_fields kd_gateway_http2_fields = TABLE("gateway/http2 block", gateway_http2, KD_SCOPE_BACKEND);

const kd_fields kd_gateway_dns_fields = TABLE("gateway/dns block", gateway_dns, KD_SCOPE_SERVICE);

static const kd_field gateway_tls[] = {
    {OWN("ocsp_file", ANY, "File with an OCSP answer in DER for one of the certificates, or a list of files."),
     .json = KD_JSON_STRING | KD_JSON_LIST},
    {OWN("ticket_rotation", DURATION, "How long a key seals session tickets, and opens them after that."),
     .dflt = "24h"},
    {OWN("max_handshakes", INT, "TLS handshakes at a time; others wait."),
     .dflt = "512, or 64 for each worker where that is more", .min = 1, .max = INT32_MAX},
    {OWN("max_handshakes_per_peer", INT, "The same of one client address."), .dflt = "a quarter of max_handshakes",
     .min = 1, .max = INT32_MAX},
    {OWN("handshake_timeout", DURATION, "How long a client may take to finish its handshake."), .dflt = "10s"},
};
const kd_fields kd_gateway_tls_fields = TABLE("gateway/tls block", gateway_tls, KD_SCOPE_SERVICE);
