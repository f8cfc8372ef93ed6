#include "config/builtin.h"
#include "config/fields.h"

/* Metrics, logs and events (spec/04). */

static const kd_field gelf[] = {
    {KD_KEY("address", STRING, "Address of the server, host:port.")},
    {KD_KEY("enable_tcp", BOOL, "Sends by TCP instead of UDP.")},
};
const kd_fields kd_gelf_fields =
    KD_TABLE("telemetry/gelf block", KD_SCOPE_SERVICE, gelf, .lint = "'required':['address','enable_tcp']");

static const kd_field influx[] = {
    {KD_KEY("address", STRING, "URL of the server.")},
    {KD_KEY("buffer_size", INT, "Points that are sent at once; 0: each at once."), .lint = "'minimum':0"},
    {KD_KEY("db", STRING, "Name of the database."), .dflt = "krakend"},
    {KD_KEY("password", STRING, "Password."), .flags = KD_FIELD_SECRET},
    {KD_KEY("ttl", DURATION, "Time between two transmissions.")},
    {KD_KEY("username", STRING, "Name of the user.")},
};
const kd_fields kd_influx_fields =
    KD_TABLE("telemetry/influx block", KD_SCOPE_SERVICE, influx, .lint = "'required':['address','ttl']");

static const kd_field logstash[] = {
    {KD_KEY("enabled", BOOL, "Writes lines in the form of Logstash."), .dflt = "true"},
};
const kd_fields kd_logstash_fields =
    KD_TABLE("telemetry/logstash block", KD_SCOPE_SERVICE, logstash, .lint = "'required':['enabled']");

static const kd_field metrics[] = {
    {KD_KEY("backend_disabled", BOOL, "Makes no metrics of backends."), .dflt = "false"},
    {KD_KEY("collection_time", DURATION, "Time between two collections."), .dflt = "60s"},
    {KD_KEY("endpoint_disabled", BOOL, "Does not serve the metrics."), .dflt = "false"},
    {KD_KEY("listen_address", STRING, "Address that serves the metrics."), .dflt = ":8090",
     .lint = "'pattern':'^:[0-9]+$'"},
    {KD_KEY("proxy_disabled", BOOL, "Makes no metrics of the proxy."), .dflt = "false"},
    {KD_KEY("router_disabled", BOOL, "Makes no metrics of the router."), .dflt = "false"},
};
const kd_fields kd_metrics_fields = KD_TABLE("telemetry/metrics block", KD_SCOPE_SERVICE, metrics);

static const kd_field moesif_identify_company[] = {
    {KD_KEY("header", STRING, "Header that names the company.")},
    {KD_KEY("jwt_claim", STRING, "Claim that names the company.")},
    {KD_KEY("query_string", STRING, "Parameter that names the company.")},
};
static const kd_fields moesif_identify_company_fields =
    KD_TABLE("identify_company block", KD_SCOPE_SERVICE | KD_SCOPE_BACKEND, moesif_identify_company,
             .lint = "'maxProperties':1");

static const kd_field moesif[] = {
    {KD_KEY("application_id", STRING, "Key of the account."), .flags = KD_FIELD_SECRET},
    {KD_KEY("batch_size", INT, "Events that are sent at once."), .dflt = "200"},
    {KD_KEY("debug", BOOL, "Logs what is done, in detail."), .dflt = "false"},
    {KD_KEY("event_queue_size", INT, "Events that wait to be sent."), .dflt = "1000000"},
    {KD_KEY("identify_company", OBJECT, "What tells the client's company."), .child = &moesif_identify_company_fields},
    {KD_KEY("log_body", BOOL, "Sends bodies, too."), .dflt = "true"},
    {KD_KEY("metadata", OBJECT, "Fixed data of each event.")},
    {KD_KEY("request_body_masks", STRINGS, "Fields of requests that are not sent.")},
    {KD_KEY("request_header_masks", STRINGS, "Headers of requests that are not sent.")},
    {KD_KEY("response_body_masks", STRINGS, "Fields of answers that are not sent.")},
    {KD_KEY("response_header_masks", STRINGS, "Headers of answers that are not sent.")},
    {KD_KEY("should_skip", STRING, "Expression that tells which requests make no event.")},
    {KD_KEY("timer_wake_up_seconds", INT, "Seconds between two transmissions."), .dflt = "2"},
    {KD_KEY("user_id_headers", STRINGS, "Headers that tell the user.")},
    {KD_KEY("user_id_jwt_claim", STRING, "Claim that tells the user."), .dflt = "sub"},
};
const kd_fields kd_moesif_fields = KD_TABLE("telemetry/moesif block", KD_SCOPE_SERVICE, moesif,
                                            .lint = "'required':['application_id','user_id_headers']");

static const kd_field newrelic[] = {
    {KD_KEY("debug", BOOL, "Logs what is done, in detail."), .dflt = "false"},
    {KD_KEY("headers_to_pass", STRINGS, "Headers that go into the events.")},
    {KD_KEY("license", STRING, "Key of the account."), .flags = KD_FIELD_SECRET},
};
const kd_fields kd_newrelic_fields =
    KD_TABLE("telemetry/newrelic block", KD_SCOPE_SERVICE, newrelic, .lint = "'required':['license']");

static const kd_field backend_log[] = {
    {KD_KEY("custom_format", STRING, "Pattern of the lines."),
     .dflt = "%{prefix}%{time} |%{statusCode}| %{latencyMs} | %{method} %{host} %{path}\n"},
    {KD_KEY("log_with_level", STRING, "Level of the lines."), .one_of = "DEBUG|INFO|WARNING|ERROR|CRITICAL"},
    {KD_KEY("no_value", STRING, "Stands for a missing value."), .dflt = "-"},
    {KD_KEY("prefix", STRING, "Text before each line.")},
};
const kd_fields kd_backend_log_fields =
    KD_TABLE("backend_log block", KD_SCOPE_SERVICE | KD_SCOPE_BACKEND, backend_log, .lint = "'minProperties':1");

static const kd_field backend_logging[] = {
    {KD_KEY("backend", OBJECT, "Log of requests to this backend."), .child = &kd_backend_log_fields},
};
const kd_fields kd_backend_logging_fields =
    KD_TABLE("backend's telemetry/logging block", KD_SCOPE_BACKEND, backend_logging);
