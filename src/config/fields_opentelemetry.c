#include "config/builtin.h"
#include "config/fields.h"

/* OpenTelemetry (spec/04 section 11). */

static const kd_field opentelemetry_exporters_otlp[] = {
    {KD_KEY("custom_metric_reporting_period", INT, "Seconds between two transmissions; 0: metric_reporting_period."),
     .dflt = "0"},
    {KD_KEY("disable_metrics", BOOL, "Makes no metrics."), .dflt = "false"},
    {KD_KEY("disable_traces", BOOL, "Makes no traces."), .dflt = "false"},
    {KD_KEY("host", STRING, "Host of the collector.")},
    {KD_KEY("name", STRING, "Name that other components use.")},
    {KD_KEY("port", INT, "Port of the collector."), .dflt = "4317", .lint = "'maximum':65535,'minimum':0"},
    {KD_KEY("use_http", BOOL, "Sends by HTTP instead of gRPC.")},
};
static const kd_fields opentelemetry_exporters_otlp_fields =
    KD_TABLE("otlp entry", KD_SCOPE_SERVICE | KD_SCOPE_ENDPOINT | KD_SCOPE_BACKEND, opentelemetry_exporters_otlp,
             .shape = KD_SHAPE_UNTYPED, .lint = "'required':['name','host']");

static const kd_field opentelemetry_exporters_prometheus[] = {
    {KD_KEY("custom_metric_reporting_period", INT, "Seconds between two transmissions; 0: metric_reporting_period."),
     .dflt = "0"},
    {KD_KEY("disable_metrics", BOOL, "Makes no metrics."), .dflt = "false"},
    {KD_KEY("go_metrics", BOOL, "Serves metrics of the Go runtime.")},
    {KD_KEY("listen_ip", STRING, "Address that serves the metrics."), .dflt = "0.0.0.0"},
    {KD_KEY("name", STRING, "Name that other components use.")},
    {KD_KEY("port", INT, "Port that serves the metrics."), .dflt = "9090", .lint = "'maximum':65535,'minimum':0"},
    {KD_KEY("process_metrics", BOOL, "Serves metrics of the process.")},
};
static const kd_fields opentelemetry_exporters_prometheus_fields =
    KD_TABLE("prometheus entry", KD_SCOPE_SERVICE | KD_SCOPE_ENDPOINT | KD_SCOPE_BACKEND,
             opentelemetry_exporters_prometheus, .shape = KD_SHAPE_UNTYPED, .lint = "'required':['name']");

static const kd_field opentelemetry_exporters[] = {
    {KD_KEY("otlp", OBJECTS, "Collectors that get metrics and traces."), .child = &opentelemetry_exporters_otlp_fields,
     .lint = "'minItems':1"},
    {KD_KEY("prometheus", OBJECTS, "Ports that serve metrics."), .child = &opentelemetry_exporters_prometheus_fields,
     .lint = "'minItems':1"},
};
static const kd_fields opentelemetry_exporters_fields =
    KD_TABLE("exporters block", KD_SCOPE_SERVICE | KD_SCOPE_ENDPOINT | KD_SCOPE_BACKEND, opentelemetry_exporters,
             .lint = "'minProperties':1");

static const kd_field opentelemetry_histograms[] = {
    {KD_KEY("size_buckets", ANY, "Bounds of the buckets for sizes, in bytes."),
     .dflt =
         "[128, 256, 512, 1024, 4096, 8192, 16384, 32768, 65536, 262144, 524288, 1048576, 4194304, 16777216, 67108864]",
     .lint = "{'type':'array','items':{'type':'number'}}"},
    {KD_KEY("time_buckets", ANY, "Bounds of the buckets for times, in seconds."),
     .dflt = "[0.01, 0.02, 0.05, 0.075, 0.1, 0.125, 0.15, 0.175, 0.2, 0.25, 0.3, 0.35, 0.5, 0.75, 1.0, 1.5, 2.0, 3.5, "
             "5.0, 10.0]",
     .lint = "{'type':'array','items':{'type':'number'}}"},
};
static const kd_fields opentelemetry_histograms_fields =
    KD_TABLE("histograms block", KD_SCOPE_SERVICE | KD_SCOPE_ENDPOINT | KD_SCOPE_BACKEND, opentelemetry_histograms);

static const kd_field opentelemetry_layers_backend_metrics_static_attributes[] = {
    {KD_KEY("key", STRING, "Name of the attribute.")},
    {KD_KEY("value", STRING, "Value of the attribute.")},
};
static const kd_fields opentelemetry_layers_backend_metrics_static_attributes_fields =
    KD_TABLE("static_attribute entry", KD_SCOPE_SERVICE | KD_SCOPE_ENDPOINT | KD_SCOPE_BACKEND,
             opentelemetry_layers_backend_metrics_static_attributes, .lint = "'required':['key','value']");

static const kd_field opentelemetry_layers_backend_metrics[] = {
    {KD_KEY("detailed_connection", BOOL, "Measures resolving, connecting and TLS, too."), .dflt = "false"},
    {KD_KEY("disable_stage", BOOL, "Does not measure the whole stage."), .dflt = "false"},
    {KD_KEY("read_payload", BOOL, "Measures reading the body."), .dflt = "false"},
    {KD_KEY("round_trip", BOOL, "Measures the request until the answer's head."), .dflt = "false"},
    {KD_KEY("static_attributes", OBJECTS, "Fixed attributes."),
     .child = &opentelemetry_layers_backend_metrics_static_attributes_fields},
};
static const kd_fields opentelemetry_layers_backend_metrics_fields = KD_TABLE(
    "metrics block", KD_SCOPE_SERVICE | KD_SCOPE_ENDPOINT | KD_SCOPE_BACKEND, opentelemetry_layers_backend_metrics);

static const kd_field opentelemetry_layers_backend_traces[] = {
    {KD_KEY("detailed_connection", BOOL, "Measures resolving, connecting and TLS, too."), .dflt = "false"},
    {KD_KEY("disable_stage", BOOL, "Does not measure the whole stage."), .dflt = "false"},
    {KD_KEY("read_payload", BOOL, "Measures reading the body."), .dflt = "false"},
    {KD_KEY("report_headers", BOOL, "Adds headers to the spans."), .dflt = "false"},
    {KD_KEY("round_trip", BOOL, "Measures the request until the answer's head."), .dflt = "false"},
    {KD_KEY("skip_headers", STRINGS, "Headers that the spans leave out.")},
    {KD_KEY("static_attributes", OBJECTS, "Fixed attributes."),
     .child = &opentelemetry_layers_backend_metrics_static_attributes_fields},
};
static const kd_fields opentelemetry_layers_backend_traces_fields = KD_TABLE(
    "traces block", KD_SCOPE_SERVICE | KD_SCOPE_ENDPOINT | KD_SCOPE_BACKEND, opentelemetry_layers_backend_traces);

static const kd_field opentelemetry_layers_backend[] = {
    {KD_KEY("metrics", OBJECT, "Metrics of backends."), .child = &opentelemetry_layers_backend_metrics_fields},
    {KD_KEY("traces", OBJECT, "Traces of backends."), .child = &opentelemetry_layers_backend_traces_fields},
};
static const kd_fields opentelemetry_layers_backend_fields =
    KD_TABLE("backend block", KD_SCOPE_SERVICE | KD_SCOPE_ENDPOINT | KD_SCOPE_BACKEND, opentelemetry_layers_backend);

static const kd_field opentelemetry_layers_global_metrics_static_attributes[] = {
    {KD_KEY("key", STRING, "Name of the attribute.")},
    {KD_KEY("value", STRING, "Value of the attribute.")},
};
static const kd_fields opentelemetry_layers_global_metrics_static_attributes_fields =
    KD_TABLE("metrics_static_attribute entry", KD_SCOPE_SERVICE | KD_SCOPE_ENDPOINT | KD_SCOPE_BACKEND,
             opentelemetry_layers_global_metrics_static_attributes, .shape = KD_SHAPE_UNTYPED | KD_SHAPE_NO_COMMENTS);

static const kd_field opentelemetry_layers_global[] = {
    {KD_KEY("disable_metrics", BOOL, "Makes no metrics."), .dflt = "false"},
    {KD_KEY("disable_propagation", BOOL, "Does not pass on trace contexts."), .dflt = "false"},
    {KD_KEY("disable_traces", BOOL, "Makes no traces."), .dflt = "false"},
    {KD_KEY("metrics_static_attributes", OBJECTS, "Fixed attributes of the metrics."),
     .child = &opentelemetry_layers_global_metrics_static_attributes_fields},
    {KD_KEY("report_headers", BOOL, "Adds headers to the spans."), .dflt = "false"},
    {KD_KEY("skip_headers", STRINGS, "Headers that the spans leave out.")},
    {KD_KEY("semantic_convention", STRING, "Version of the names that metrics and attributes follow."),
     .lint = "{'enum':['','1.27']}"},
    {KD_KEY("traces_static_attributes", OBJECTS, "Fixed attributes of the traces."),
     .child = &opentelemetry_layers_global_metrics_static_attributes_fields},
};
static const kd_fields opentelemetry_layers_global_fields =
    KD_TABLE("global block", KD_SCOPE_SERVICE | KD_SCOPE_ENDPOINT | KD_SCOPE_BACKEND, opentelemetry_layers_global);

static const kd_field opentelemetry_layers_proxy[] = {
    {KD_KEY("disable_metrics", BOOL, "Makes no metrics."), .dflt = "false"},
    {KD_KEY("disable_traces", BOOL, "Makes no traces."), .dflt = "false"},
    {KD_KEY("metrics_static_attributes", OBJECTS, "Fixed attributes of the metrics."),
     .child = &opentelemetry_layers_global_metrics_static_attributes_fields},
    {KD_KEY("report_headers", BOOL, "Adds headers to the spans."), .dflt = "false"},
    {KD_KEY("skip_headers", STRINGS, "Headers that the spans leave out.")},
    {KD_KEY("traces_static_attributes", OBJECTS, "Fixed attributes of the traces."),
     .child = &opentelemetry_layers_global_metrics_static_attributes_fields},
};
static const kd_fields opentelemetry_layers_proxy_fields =
    KD_TABLE("proxy block", KD_SCOPE_SERVICE | KD_SCOPE_ENDPOINT | KD_SCOPE_BACKEND, opentelemetry_layers_proxy);

static const kd_field opentelemetry_layers[] = {
    {KD_KEY("backend", OBJECT, "What is measured at backends."), .child = &opentelemetry_layers_backend_fields},
    {KD_KEY("global", OBJECT, "What is measured at requests."), .child = &opentelemetry_layers_global_fields},
    {KD_KEY("proxy", OBJECT, "What is measured at the proxy."), .child = &opentelemetry_layers_proxy_fields},
};
static const kd_fields opentelemetry_layers_fields =
    KD_TABLE("layers block", KD_SCOPE_SERVICE | KD_SCOPE_ENDPOINT | KD_SCOPE_BACKEND, opentelemetry_layers);

static const kd_field opentelemetry[] = {
    {KD_KEY("deploy_env", STRING, "Name of the environment.")},
    {KD_KEY("exporters", OBJECT, "Where measurements go."), .child = &opentelemetry_exporters_fields},
    {KD_KEY("histograms", OBJECT, "Bounds of the histograms."), .child = &opentelemetry_histograms_fields},
    {KD_KEY("layers", OBJECT, "What is measured."), .child = &opentelemetry_layers_fields},
    {KD_KEY("metric_reporting_period", INT, "Seconds between two transmissions."), .dflt = "30"},
    {KD_KEY("service_name", STRING, "Name of this service.")},
    {KD_KEY("service_version", STRING, "Version of this service.")},
    {KD_KEY("skip_paths", STRINGS, "Paths that are not measured."),
     .dflt = "[\"/__health\", \"/__debug/\", \"/__echo/\", \"/__stats/\"]"},
    {KD_KEY("trace_sample_rate", FLOAT, "Share of requests that are traced."), .dflt = "1",
     .lint = "'maximum':1,'minimum':0"},
};
const kd_fields kd_opentelemetry_fields =
    KD_TABLE("telemetry/opentelemetry block", KD_SCOPE_SERVICE, opentelemetry, .lint = "'required':['exporters']");

static const kd_field opentelemetry_endpoint_exporters_override[] = {
    {KD_KEY("metric_exporters", STRINGS, "Names of the exporters for metrics.")},
    {KD_KEY("metric_reporting_period", INT, "Seconds between two transmissions.")},
    {KD_KEY("trace_exporters", STRINGS, "Names of the exporters for traces.")},
    {KD_KEY("trace_sample_rate", FLOAT, "Share of requests that are traced."), .lint = "'maximum':1,'minimum':0"},
};
static const kd_fields opentelemetry_endpoint_exporters_override_fields =
    KD_TABLE("exporters_override block", KD_SCOPE_SERVICE | KD_SCOPE_ENDPOINT | KD_SCOPE_BACKEND,
             opentelemetry_endpoint_exporters_override);

static const kd_field opentelemetry_endpoint_global[] = {
    {KD_KEY("metrics_static_attributes", OBJECTS, "Fixed attributes of the metrics."),
     .child = &opentelemetry_layers_global_metrics_static_attributes_fields},
    {KD_KEY("traces_static_attributes", OBJECTS, "Fixed attributes of the traces."),
     .child = &opentelemetry_layers_global_metrics_static_attributes_fields},
};
static const kd_fields opentelemetry_endpoint_global_fields =
    KD_TABLE("global block", KD_SCOPE_SERVICE | KD_SCOPE_ENDPOINT | KD_SCOPE_BACKEND, opentelemetry_endpoint_global,
             .shape = KD_SHAPE_UNTYPED);

static const kd_field opentelemetry_endpoint[] = {
    {KD_KEY("backend", OBJECT, "What is measured at backends."), .child = &opentelemetry_layers_backend_fields},
    {KD_KEY("exporters_override", OBJECT, "Other exporters than the service's."),
     .child = &opentelemetry_endpoint_exporters_override_fields},
    {KD_KEY("global", OBJECT, "What is measured at requests."), .child = &opentelemetry_endpoint_global_fields},
    {KD_KEY("proxy", OBJECT, "What is measured at the proxy."), .child = &opentelemetry_layers_proxy_fields},
};
const kd_fields kd_opentelemetry_endpoint_fields =
    KD_TABLE("endpoint's telemetry/opentelemetry block", KD_SCOPE_ENDPOINT, opentelemetry_endpoint);

static const kd_field opentelemetry_backend[] = {
    {KD_KEY("backend", OBJECT, "What is measured at this backend."), .child = &opentelemetry_layers_backend_fields},
};
const kd_fields kd_opentelemetry_backend_fields =
    KD_TABLE("backend's telemetry/opentelemetry block", KD_SCOPE_BACKEND, opentelemetry_backend);

static const kd_field opentelemetry_security_otlp_headers[] = {
    {KD_KEY(".*", STRING, "Value of the header.")},
};
static const kd_fields opentelemetry_security_otlp_headers_fields =
    KD_TABLE("headers block", KD_SCOPE_SERVICE | KD_SCOPE_ENDPOINT | KD_SCOPE_BACKEND,
             opentelemetry_security_otlp_headers, .shape = KD_SHAPE_OPEN);

static const kd_field opentelemetry_security_otlp[] = {
    {KD_KEY("headers", OBJECT, "Headers of the transmissions."), .flags = KD_FIELD_SECRET,
     .child = &opentelemetry_security_otlp_headers_fields},
    {KD_KEY("name", STRING, "Name of the exporter.")},
};
static const kd_fields opentelemetry_security_otlp_fields =
    KD_TABLE("otlp entry", KD_SCOPE_SERVICE | KD_SCOPE_ENDPOINT | KD_SCOPE_BACKEND, opentelemetry_security_otlp,
             .shape = KD_SHAPE_UNTYPED, .lint = "'required':['name','headers']");

static const kd_field opentelemetry_security[] = {
    {KD_KEY("otlp", OBJECTS, "Credentials of exporters."), .child = &opentelemetry_security_otlp_fields,
     .lint = "'minItems':1"},
};
const kd_fields kd_opentelemetry_security_fields = KD_TABLE("telemetry/opentelemetry-security block", KD_SCOPE_SERVICE,
                                                            opentelemetry_security, .lint = "'required':['otlp']");
