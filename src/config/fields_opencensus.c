#include "config/builtin.h"
#include "config/fields.h"

/* OpenCensus (spec/04 section 12). */

static const kd_field opencensus_enabled_layers[] = {
    {KD_KEY("backend", BOOL, "Measures backends."), .dflt = "false"},
    {KD_KEY("pipe", BOOL, "Measures the proxy."), .dflt = "false"},
    {KD_KEY("router", BOOL, "Measures the router."), .dflt = "false"},
};
static const kd_fields opencensus_enabled_layers_fields =
    KD_TABLE("enabled_layers block", KD_SCOPE_SERVICE, opencensus_enabled_layers, .shape = KD_SHAPE_UNTYPED);

static const kd_field opencensus_exporters_datadog[] = {
    {KD_KEY("disable_count_per_buckets", BOOL, "Sends no counts of buckets."), .dflt = "false"},
    {KD_KEY("global_tags", OBJECT, "Tags of all traces.")},
    {KD_KEY("namespace", STRING, "Text before the names of metrics.")},
    {KD_KEY("service", STRING, "Name of the service.")},
    {KD_KEY("stats_address", STRING, "Address for metrics."), .dflt = "localhost:8125"},
    {KD_KEY("tags", STRINGS, "Tags of all metrics.")},
    {KD_KEY("trace_address", STRING, "Address for traces."), .dflt = "localhost:8126"},
};
static const kd_fields opencensus_exporters_datadog_fields =
    KD_TABLE("datadog block", KD_SCOPE_SERVICE, opencensus_exporters_datadog,
             .lint = "'required':['namespace','service','trace_address','stats_address','tags','global_tags','disable_"
                     "count_per_buckets']");

static const kd_field opencensus_exporters_influxdb[] = {
    {KD_KEY("address", STRING, "URL of the server.")},
    {KD_KEY("db", STRING, "Name of the database.")},
    {KD_KEY("password", STRING, "Password."), .flags = KD_FIELD_SECRET},
    {KD_KEY("timeout", DURATION, "Longest time for a transmission.")},
    {KD_KEY("username", STRING, "Name of the user.")},
};
static const kd_fields opencensus_exporters_influxdb_fields =
    KD_TABLE("influxdb block", KD_SCOPE_SERVICE, opencensus_exporters_influxdb, .lint = "'required':['address','db']");

static const kd_field opencensus_exporters_jaeger[] = {
    {KD_KEY("agent_endpoint", STRING, "Address of the agent.")},
    {KD_KEY("buffer_max_count", INT, "Spans that wait to be sent.")},
    {KD_KEY("endpoint", STRING, "URL of the collector.")},
    {KD_KEY("service_name", STRING, "Name of this service.")},
};
static const kd_fields opencensus_exporters_jaeger_fields = KD_TABLE(
    "jaeger block", KD_SCOPE_SERVICE, opencensus_exporters_jaeger,
    .lint = "'oneOf':[{'required':['endpoint','service_name']},{'required':['agent_endpoint','service_name']}]");

static const kd_field opencensus_exporters_logger[] = {
    {KD_KEY("spans", BOOL, "Logs spans."), .dflt = "false"},
    {KD_KEY("stats", BOOL, "Logs metrics."), .dflt = "false"},
};
static const kd_fields opencensus_exporters_logger_fields =
    KD_TABLE("logger block", KD_SCOPE_SERVICE, opencensus_exporters_logger);

static const kd_field opencensus_exporters_ocagent[] = {
    {KD_KEY("address", STRING, "Address of the agent.")},
    {KD_KEY("enable_compression", BOOL, "Compresses what is sent."), .dflt = "false"},
    {KD_KEY("headers", OBJECT, "Headers of the transmissions.")},
    {KD_KEY("insecure", BOOL, "Sends without TLS."), .dflt = "false"},
    {KD_KEY("reconnection", DURATION, "Pause before connecting again."), .dflt = "2s"},
    {KD_KEY("service_name", STRING, "Name of this service.")},
};
static const kd_fields opencensus_exporters_ocagent_fields = KD_TABLE(
    "ocagent block", KD_SCOPE_SERVICE, opencensus_exporters_ocagent, .lint = "'required':['address','service_name']");

static const kd_field opencensus_exporters_prometheus[] = {
    {KD_KEY("namespace", STRING, "Text before the names of metrics.")},
    {KD_KEY("port", INT, "Port that serves the metrics.")},
    {KD_KEY("tag_host", BOOL, "Adds the host to the metrics."), .dflt = "false"},
    {KD_KEY("tag_method", BOOL, "Adds the method to the metrics."), .dflt = "true"},
    {KD_KEY("tag_path", BOOL, "Adds the path to the metrics."), .dflt = "false"},
    {KD_KEY("tag_statuscode", BOOL, "Adds the status to the metrics."), .dflt = "false"},
};
static const kd_fields opencensus_exporters_prometheus_fields =
    KD_TABLE("prometheus block", KD_SCOPE_SERVICE, opencensus_exporters_prometheus, .lint = "'required':['port']");

static const kd_field opencensus_exporters_stackdriver[] = {
    {KD_KEY("default_labels", OBJECT, "Labels of all metrics.")},
    {KD_KEY("metric_prefix", STRING, "Text before the names of metrics.")},
    {KD_KEY("project_id", STRING, "Id of the project."), .lint = "'pattern':'^.*$'"},
};
static const kd_fields opencensus_exporters_stackdriver_fields =
    KD_TABLE("stackdriver block", KD_SCOPE_SERVICE, opencensus_exporters_stackdriver,
             .lint = "'required':['project_id','default_labels']");

static const kd_field opencensus_exporters_xray[] = {
    {KD_KEY("access_key_id", STRING, "Id of the access key."), .flags = KD_FIELD_SECRET},
    {KD_KEY("region", STRING, "Region of the service.")},
    {KD_KEY("secret_access_key", STRING, "The secret of the access key."), .flags = KD_FIELD_SECRET},
    {KD_KEY("use_env", BOOL, "Takes the credentials from the environment."), .dflt = "false"},
    {KD_KEY("version", STRING, "Version that the traces tell."), .dflt = "KrakenD-opencensus"},
};
static const kd_fields opencensus_exporters_xray_fields =
    KD_TABLE("xray block", KD_SCOPE_SERVICE, opencensus_exporters_xray,
             .lint = "'oneOf':[{'required':['region','version','access_key_id','secret_access_key']},{'required':['"
                     "region','version','use_env']}],'required':['region','version']");

static const kd_field opencensus_exporters_zipkin[] = {
    {KD_KEY("collector_url", STRING, "URL of the collector.")},
    {KD_KEY("service_name", STRING, "Name of this service.")},
};
static const kd_fields opencensus_exporters_zipkin_fields =
    KD_TABLE("zipkin block", KD_SCOPE_SERVICE, opencensus_exporters_zipkin,
             .lint = "'required':['collector_url','service_name']");

static const kd_field opencensus_exporters[] = {
    {KD_KEY("datadog", OBJECT, "Sends to Datadog."), .child = &opencensus_exporters_datadog_fields},
    {KD_KEY("influxdb", OBJECT, "Sends to InfluxDB."), .child = &opencensus_exporters_influxdb_fields},
    {KD_KEY("jaeger", OBJECT, "Sends to Jaeger."), .child = &opencensus_exporters_jaeger_fields},
    {KD_KEY("logger", OBJECT, "Writes to the log."), .child = &opencensus_exporters_logger_fields},
    {KD_KEY("ocagent", OBJECT, "Sends to an OpenCensus agent."), .child = &opencensus_exporters_ocagent_fields},
    {KD_KEY("prometheus", OBJECT, "Serves to Prometheus."), .child = &opencensus_exporters_prometheus_fields},
    {KD_KEY("stackdriver", OBJECT, "Sends to Google Cloud."), .child = &opencensus_exporters_stackdriver_fields},
    {KD_KEY("xray", OBJECT, "Sends to AWS X-Ray."), .child = &opencensus_exporters_xray_fields},
    {KD_KEY("zipkin", OBJECT, "Sends to Zipkin."), .child = &opencensus_exporters_zipkin_fields},
};
static const kd_fields opencensus_exporters_fields =
    KD_TABLE("exporters block", KD_SCOPE_SERVICE, opencensus_exporters, .lint = "'minProperties':1");

static const kd_field opencensus[] = {
    {KD_KEY("enabled_layers", OBJECT, "What is measured; without it, everything."),
     .child = &opencensus_enabled_layers_fields},
    {KD_KEY("exporters", OBJECT, "Where measurements go."), .child = &opencensus_exporters_fields},
    {KD_KEY("reporting_period", INT, "Seconds between two transmissions."), .dflt = "0"},
    {KD_KEY("sample_rate", INT, "Percentage of requests that are traced."), .dflt = "0",
     .lint = "'maximum':100,'minimum':0"},
};
const kd_fields kd_opencensus_fields =
    KD_TABLE("telemetry/opencensus block", KD_SCOPE_SERVICE, opencensus, .lint = "'required':['exporters']");
