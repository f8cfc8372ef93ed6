#include "config/builtin.h"
#include "config/fields.h"

/* gRPC towards clients (spec/06). */

static const kd_field grpc_server_opentelemetry[] = {
    {KD_KEY("disable_metrics", BOOL, "Makes no metrics."), .dflt = "false"},
    {KD_KEY("disable_traces", BOOL, "Makes no traces."), .dflt = "false"},
};
static const kd_fields grpc_server_opentelemetry_fields =
    KD_TABLE("opentelemetry block", KD_SCOPE_SERVICE, grpc_server_opentelemetry);

static const kd_field grpc_server_services_methods_extra_config[] = {
    {KD_KEY("auth/validator", OBJECT, "Lets in whoever shows a valid token."), .like = "auth/validator"},
};
static const kd_fields grpc_server_services_methods_extra_config_fields =
    KD_TABLE("extra_config block", KD_SCOPE_SERVICE, grpc_server_services_methods_extra_config);

static const kd_field grpc_server_services_methods[] = {
    {KD_KEY("backend", OBJECTS, "Where the data comes from."), .child = &kd_backend_fields, .lint = "'minItems':1"},
    {KD_KEY("extra_config", OBJECT, "Optional behaviour of the method."),
     .child = &grpc_server_services_methods_extra_config_fields},
    {KD_KEY("input_headers", STRINGS, "Headers that are passed on; \"*\": all."), .lint = "'uniqueItems':true"},
    {KD_KEY("name", STRING, "Name of the method.")},
    {KD_KEY("payload_params", OBJECT, "Fields of the message that become parameters.")},
};
static const kd_fields grpc_server_services_methods_fields =
    KD_TABLE("method entry", KD_SCOPE_SERVICE, grpc_server_services_methods);

static const kd_field grpc_server_services[] = {
    {KD_KEY("methods", OBJECTS, "The methods that are served."), .child = &grpc_server_services_methods_fields},
    {KD_KEY("name", STRING, "Full name of the service.")},
};
static const kd_fields grpc_server_services_fields = KD_TABLE("service entry", KD_SCOPE_SERVICE, grpc_server_services);

static const kd_field grpc_server[] = {
    {KD_KEY("opentelemetry", OBJECT, "Metrics and traces of the server."), .child = &grpc_server_opentelemetry_fields},
    {KD_KEY("services", OBJECTS, "The services that are served."), .child = &grpc_server_services_fields},
};
static const kd_fields grpc_server_fields = KD_TABLE("server block", KD_SCOPE_SERVICE, grpc_server);

static const kd_field grpc[] = {
    {KD_KEY("catalog", STRINGS, "Files and folders with descriptors of services.")},
    {KD_KEY("server", OBJECT, "Serves gRPC to clients."), .child = &grpc_server_fields},
};
const kd_fields kd_grpc_fields = KD_TABLE("grpc block", KD_SCOPE_SERVICE, grpc, .lint = "'required':['catalog']");
