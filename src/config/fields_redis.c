#include "config/builtin.h"
#include "config/fields.h"

/* Connections to Redis (spec/03). */

static const kd_field redis_clusters_opentelemetry_traces_static_attributes[] = {
    {KD_KEY("key", STRING, "Name of the attribute.")},
    {KD_KEY("value", STRING, "Value of the attribute.")},
};
static const kd_fields redis_clusters_opentelemetry_traces_static_attributes_fields =
    KD_TABLE("traces_static_attribute entry", KD_SCOPE_SERVICE, redis_clusters_opentelemetry_traces_static_attributes,
             .shape = KD_SHAPE_UNTYPED | KD_SHAPE_NO_COMMENTS);

static const kd_field redis_clusters_opentelemetry[] = {
    {KD_KEY("disable_metrics", BOOL, "Makes no metrics."), .dflt = "false"},
    {KD_KEY("disable_traces", BOOL, "Makes no traces."), .dflt = "false"},
    {KD_KEY("traces_static_attributes", OBJECTS, "Fixed attributes of the traces."),
     .child = &redis_clusters_opentelemetry_traces_static_attributes_fields},
};
static const kd_fields redis_clusters_opentelemetry_fields =
    KD_TABLE("opentelemetry block", KD_SCOPE_SERVICE, redis_clusters_opentelemetry, .shape = KD_SHAPE_NO_COMMENTS);

static const kd_field redis_clusters[] = {
    {KD_KEY("addresses", STRINGS, "Addresses of the nodes, host:port.")},
    {KD_KEY("client_name", STRING, "Name of this client at the server.")},
    {KD_KEY("conn_max_idle_time", DURATION, "Lifetime of an idle connection."), .dflt = "30m"},
    {KD_KEY("conn_max_life_time", DURATION, "Lifetime of a connection.")},
    {KD_KEY("dial_timeout", DURATION, "Longest time to connect."), .dflt = "5s"},
    {KD_KEY("max_active_conns", INT, "Most connections; 0: any number."), .dflt = "0"},
    {KD_KEY("max_idle_conns", INT, "Most idle connections; 0: any number."), .dflt = "0"},
    {KD_KEY("max_redirects", INT, "How often a command follows the cluster's redirects."), .dflt = "3"},
    {KD_KEY("max_retries", INT, "How often a command is tried again."), .dflt = "3"},
    {KD_KEY("max_retry_backoff", DURATION, "Longest pause before it is tried again."), .dflt = "512ms"},
    {KD_KEY("min_idle_conns", INT, "Idle connections that are kept ready."), .dflt = "0"},
    {KD_KEY("min_retry_backoff", DURATION, "Shortest pause before it is tried again."), .dflt = "8ms"},
    {KD_KEY("name", STRING, "Name that other components use.")},
    {KD_KEY("opentelemetry", OBJECT, "Metrics and traces of the connection."),
     .child = &redis_clusters_opentelemetry_fields},
    {KD_KEY("password", STRING, "Password."), .flags = KD_FIELD_SECRET},
    {KD_KEY("pool_size", INT, "Connections for each processor."), .dflt = "10"},
    {KD_KEY("pool_timeout", DURATION, "Longest wait for a free connection.")},
    {KD_KEY("tls", OBJECT, "TLS towards the nodes."), .child = &kd_client_tls_fields, .lint = "'type':'object'"},
    {KD_KEY("user_name", STRING, "Name of the user.")},
};
static const kd_fields redis_clusters_fields =
    KD_TABLE("cluster entry", KD_SCOPE_SERVICE, redis_clusters, .shape = KD_SHAPE_NO_COMMENTS,
             .lint = "'required':['name','addresses']");

static const kd_field redis_connection_pools[] = {
    {KD_KEY("address", STRING, "Address of the server, host:port.")},
    {KD_KEY("client_name", STRING, "Name of this client at the server.")},
    {KD_KEY("conn_max_idle_time", DURATION, "Lifetime of an idle connection."), .dflt = "30m"},
    {KD_KEY("conn_max_life_time", DURATION, "Lifetime of a connection.")},
    {KD_KEY("db", INT, "Number of the database."), .dflt = "0"},
    {KD_KEY("dial_timeout", DURATION, "Longest time to connect."), .dflt = "5s"},
    {KD_KEY("max_active_conns", INT, "Most connections; 0: any number."), .dflt = "0"},
    {KD_KEY("max_idle_conns", INT, "Most idle connections; 0: any number."), .dflt = "0"},
    {KD_KEY("max_retries", INT, "How often a command is tried again."), .dflt = "3"},
    {KD_KEY("max_retry_backoff", DURATION, "Longest pause before it is tried again."), .dflt = "512ms"},
    {KD_KEY("min_idle_conns", INT, "Idle connections that are kept ready."), .dflt = "0"},
    {KD_KEY("min_retry_backoff", DURATION, "Shortest pause before it is tried again."), .dflt = "8ms"},
    {KD_KEY("name", STRING, "Name that other components use.")},
    {KD_KEY("opentelemetry", OBJECT, "Metrics and traces of the connection."),
     .child = &redis_clusters_opentelemetry_fields},
    {KD_KEY("password", STRING, "Password."), .flags = KD_FIELD_SECRET},
    {KD_KEY("pool_size", INT, "Connections for each processor."), .dflt = "10"},
    {KD_KEY("pool_timeout", DURATION, "Longest wait for a free connection.")},
    {KD_KEY("tls", OBJECT, "TLS towards the server."), .child = &kd_client_tls_fields, .lint = "'type':'object'"},
    {KD_KEY("user_name", STRING, "Name of the user.")},
};
static const kd_fields redis_connection_pools_fields =
    KD_TABLE("connection_pool entry", KD_SCOPE_SERVICE, redis_connection_pools, .shape = KD_SHAPE_NO_COMMENTS,
             .lint = "'required':['name','address']");

static const kd_field redis[] = {
    {KD_KEY("clusters", OBJECTS, "Redis clusters."), .child = &redis_clusters_fields},
    {KD_KEY("connection_pools", OBJECTS, "Single Redis servers."), .child = &redis_connection_pools_fields},
};
const kd_fields kd_redis_fields = KD_TABLE("redis block", KD_SCOPE_SERVICE, redis);
