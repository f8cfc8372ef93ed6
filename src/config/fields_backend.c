#include "config/builtin.h"
#include "config/fields.h"

/* Backends that are not plain HTTP (spec/05, spec/06). */

static const kd_field amqp_consumer[] = {
    {KD_KEY("auto_ack", BOOL, "Counts messages as handled on delivery, without an acknowledgement."), .dflt = "false"},
    {KD_KEY("backoff_strategy", STRING, "How the pauses between attempts to connect grow."), .dflt = "fallback",
     .one_of = "linear|linear-jitter|exponential|exponential-jitter|fallback"},
    {KD_KEY("delete", BOOL, "Removes the queue when its last consumer leaves."), .dflt = "false"},
    {KD_KEY("durable", BOOL, "The queue outlives a restart of the broker."), .dflt = "false"},
    {KD_KEY("exchange", STRING, "Name of the exchange.")},
    {KD_KEY("exclusive", BOOL, "Nobody else may use the queue."), .dflt = "false"},
    {KD_KEY("max_retries", INT, "How often it is tried again; 0: without end."), .dflt = "0"},
    {KD_KEY("nack_discard", BOOL, "Messages that failed are dropped instead of queued again."), .dflt = "false"},
    {KD_KEY("name", STRING, "Name of the queue.")},
    {KD_KEY("no_local", BOOL, "Messages of the same connection are not delivered.")},
    {KD_KEY("no_wait", BOOL, "Does not wait for the broker's confirmation.")},
    {KD_KEY("prefetch_count", INT, "How many messages are taken before one is acknowledged; 0: any number."),
     .dflt = "0"},
    {KD_KEY("routing_key", STRINGS, "Keys that bind the queue to the exchange.")},
};
const kd_fields kd_amqp_consumer_fields = KD_TABLE("backend/amqp/consumer block", KD_SCOPE_BACKEND, amqp_consumer,
                                                   .lint = "'required':['name','exchange','routing_key']");

static const kd_field amqp_producer[] = {
    {KD_KEY("backoff_strategy", STRING, "How the pauses between attempts to connect grow."), .dflt = "fallback",
     .one_of = "linear|linear-jitter|exponential|exponential-jitter|fallback"},
    {KD_KEY("delete", BOOL, "Removes the queue when its last consumer leaves."), .dflt = "false"},
    {KD_KEY("durable", BOOL, "The queue outlives a restart of the broker."), .dflt = "false"},
    {KD_KEY("exchange", STRING, "Name of the exchange.")},
    {KD_KEY("exclusive", BOOL, "Nobody else may use the queue."), .dflt = "false"},
    {KD_KEY("exp_key", STRING, "Path parameter with the message's lifetime.")},
    {KD_KEY("immediate", BOOL, "The broker gives messages back that no consumer waits for."), .dflt = "false"},
    {KD_KEY("mandatory", BOOL, "The broker gives messages back that reach no queue."), .dflt = "false"},
    {KD_KEY("max_retries", INT, "How often it is tried again; 0: without end."), .dflt = "0"},
    {KD_KEY("msg_id_key", STRING, "Path parameter with the message's id.")},
    {KD_KEY("name", STRING, "Name of the queue.")},
    {KD_KEY("no_local", BOOL, "Messages of the same connection are not delivered.")},
    {KD_KEY("no_wait", BOOL, "Does not wait for the broker's confirmation.")},
    {KD_KEY("priority_key", STRING, "Path parameter with the message's priority.")},
    {KD_KEY("reply_to_key", STRING, "Path parameter with the queue for answers.")},
    {KD_KEY("routing_key", STRING, "Path parameter with the routing key, or the key itself."), .dflt = "#"},
    {KD_KEY("static_routing_key", BOOL, "routing_key is the key itself."), .dflt = "false"},
};
const kd_fields kd_amqp_producer_fields = KD_TABLE("backend/amqp/producer block", KD_SCOPE_BACKEND, amqp_producer,
                                                   .lint = "'required':['name','exchange','routing_key']");

static const kd_field backend_conditional[] = {
    {KD_KEY("name", STRING, "Name of the condition in the logs.")},
    {KD_KEY("strategy", STRING, "What decides: a header, a policy, or that nothing else was chosen."),
     .one_of = "header|policy|fallback"},
    {KD_KEY("value", STRING, "The header's value, or the policy.")},
};
const kd_fields kd_backend_conditional_fields =
    KD_TABLE("backend/conditional block", KD_SCOPE_BACKEND, backend_conditional, .lint = "'required':['strategy']");

static const kd_field backend_grpc[] = {
    {KD_KEY("client_tls", OBJECT, "TLS towards the backend."), .child = &kd_client_tls_fields},
    {KD_KEY("disable_query_params", BOOL, "Query parameters are not put into the message."), .dflt = "false"},
    {KD_KEY("header_mapping", OBJECT, "New names of headers that become metadata."),
     .lint = "'patternProperties':{'.*':{'type':'string'}},'additionalProperties':false"},
    {KD_KEY("idle_conn_disconnect_time", DURATION, "Lifetime of an idle connection."), .dflt = "10m"},
    {KD_KEY("input_assume_bytes", ANY, "Texts in the request stand for bytes in base64."), .dflt = "false"},
    {KD_KEY("input_mapping", OBJECT, "New names of parameters that become fields of the message."),
     .lint = "'patternProperties':{'.*':{'type':'string'}},'additionalProperties':false"},
    {KD_KEY("max_call_recv_msg_size", FLOAT, "Largest message that is taken, in bytes.")},
    {KD_KEY("output_duration_as_string", BOOL, "Durations become texts instead of objects."), .dflt = "false"},
    {KD_KEY("output_enum_as_string", BOOL, "Enumerations become their names instead of numbers."), .dflt = "false"},
    {KD_KEY("output_remove_unset_values", BOOL, "Fields that are not set are left out."), .dflt = "false"},
    {KD_KEY("output_timestamp_as_string", BOOL, "Times become texts instead of objects."), .dflt = "false"},
    {KD_KEY("read_buffer_size", FLOAT, "Bytes of the read buffer.")},
    {KD_KEY("request_naming_convention", STRING, "How names of fields are written in requests."), .dflt = "snake_case",
     .one_of = "camelCase|snake_case"},
    {KD_KEY("response_naming_convention", STRING, "How names of fields are written in answers."), .dflt = "snake_case",
     .one_of = "camelCase|snake_case"},
    {KD_KEY("use_alternate_host_on_error", BOOL, "Tries another host after a failure.")},
    {KD_KEY("use_request_body", BOOL, "The request's body becomes the message."), .dflt = "false"},
};
const kd_fields kd_backend_grpc_fields = KD_TABLE("backend/grpc block", KD_SCOPE_BACKEND, backend_grpc);

static const kd_field backend_lambda[] = {
    {KD_KEY("endpoint", STRING, "Address of the Lambda service, where it is not AWS's own.")},
    {KD_KEY("function_name", STRING, "Name of the function.")},
    {KD_KEY("function_param_name", STRING, "Path parameter with the function's name.")},
    {KD_KEY("max_retries", INT, "How often a failed call is repeated."), .dflt = "0"},
    {KD_KEY("region", STRING, "Region of the function.")},
};
const kd_fields kd_backend_lambda_fields = KD_TABLE("backend/lambda block", KD_SCOPE_BACKEND, backend_lambda);

static const kd_field pubsub_publisher[] = {
    {KD_KEY("topic_url", STRING, "Where messages go, in the form of the chosen driver.")},
};
const kd_fields kd_pubsub_publisher_fields =
    KD_TABLE("backend/pubsub/publisher block", KD_SCOPE_BACKEND, pubsub_publisher, .lint = "'required':['topic_url']");

static const kd_field pubsub_subscriber[] = {
    {KD_KEY("subscription_url", STRING, "Where messages come from, in the form of the chosen driver.")},
};
const kd_fields kd_pubsub_subscriber_fields = KD_TABLE("backend/pubsub/subscriber block", KD_SCOPE_BACKEND,
                                                       pubsub_subscriber, .lint = "'required':['subscription_url']");

static const kd_field backend_soap[] = {
    {KD_KEY("content_type", STRING, "Value of Content-Type."), .dflt = "text/xml"},
    {KD_KEY("debug", BOOL, "Logs what is done, in detail."), .dflt = "false"},
    {KD_KEY("path", STRING, "File with the template of the body.")},
    {KD_KEY("template", STRING, "Template of the body, in base64.")},
};
const kd_fields kd_backend_soap_fields = KD_TABLE("backend/soap block", KD_SCOPE_BACKEND, backend_soap,
                                                  .lint = "'oneOf':[{'required':['path']},{'required':['template']}]");

static const kd_field backend_static[] = {
    {KD_KEY("directory_listing", BOOL, "Lists the files of a folder that has no index.html."), .dflt = "false"},
    {KD_KEY("path", STRING, "Folder whose files are served.")},
};
const kd_fields kd_backend_static_fields =
    KD_TABLE("backend/static-filesystem block", KD_SCOPE_BACKEND, backend_static, .lint = "'required':['path']");
