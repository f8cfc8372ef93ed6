#include "config/builtin.h"
#include "config/fields.h"

/* WebSockets (spec/06). */

static const kd_field websocket[] = {
    {KD_KEY("backoff_strategy", STRING, "How the pauses between attempts to connect grow."), .dflt = "fallback",
     .one_of = "linear|linear-jitter|exponential|exponential-jitter|fallback"},
    {KD_KEY("connect_event", BOOL, "Tells the backend of each client that connects."), .dflt = "false"},
    {KD_KEY("disable_otel_metrics", BOOL, "Makes no metrics."), .dflt = "false"},
    {KD_KEY("disconnect_event", BOOL, "Tells the backend of each client that leaves."), .dflt = "false"},
    {KD_KEY("enable_direct_communication", BOOL, "One connection to the backend for each client."), .dflt = "false"},
    {KD_KEY("input_headers", STRINGS, "Headers that are passed on; \"*\": all."), .lint = "'uniqueItems':true"},
    {KD_KEY("max_message_size", INT, "Largest message, in bytes."), .dflt = "512"},
    {KD_KEY("max_retries", INT, "How often it is tried again; 0: without end."), .dflt = "0"},
    {KD_KEY("message_buffer_size", INT, "Messages that wait for a client."), .dflt = "256"},
    {KD_KEY("ping_period", DURATION, "Time between two pings."), .dflt = "54s"},
    {KD_KEY("pong_wait", DURATION, "Longest wait for a pong."), .dflt = "60s"},
    {KD_KEY("read_buffer_size", INT, "Bytes of the read buffer."), .dflt = "1024"},
    {KD_KEY("return_error_details", BOOL, "Tells the client why the connection failed."), .dflt = "false"},
    {KD_KEY("subprotocols", STRINGS, "Protocols that are offered."), .lint = "'uniqueItems':true"},
    {KD_KEY("timeout", DURATION, "Longest time without a message."), .dflt = "5m"},
    {KD_KEY("write_buffer_size", INT, "Bytes of the write buffer."), .dflt = "1024"},
    {KD_KEY("write_wait", DURATION, "Longest time to write a message."), .dflt = "10s"},
};
const kd_fields kd_websocket_fields = KD_TABLE("websocket block", KD_SCOPE_ENDPOINT, websocket);
