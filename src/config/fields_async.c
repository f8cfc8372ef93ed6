#include "config/builtin.h"
#include "config/fields.h"

/* Async agents on RabbitMQ (spec/06). */

static const kd_field async_amqp[] = {
    {KD_KEY("auto_ack", BOOL, "Counts messages as handled on delivery, without an acknowledgement."), .dflt = "false"},
    {KD_KEY("delete", BOOL, "Removes the queue when its last consumer leaves."), .dflt = "false"},
    {KD_KEY("durable", BOOL, "The queue outlives a restart of the broker."), .dflt = "false"},
    {KD_KEY("exchange", STRING, "Name of the exchange.")},
    {KD_KEY("exclusive", BOOL, "Nobody else may use the queue."), .dflt = "false"},
    {KD_KEY("host", STRING, "URL of the broker: amqp://user:password@host:port/.")},
    {KD_KEY("nack_discard", BOOL, "Messages that failed are dropped instead of queued again."), .dflt = "false"},
    {KD_KEY("name", STRING, "Name of the queue.")},
    {KD_KEY("no_local", BOOL, "Messages of the same connection are not delivered.")},
    {KD_KEY("no_wait", BOOL, "Does not wait for the broker's confirmation.")},
    {KD_KEY("prefetch_count", INT, "How many messages are taken before one is acknowledged."), .dflt = "10"},
    {KD_KEY("prefetch_size", INT, "How many bytes are taken before one is acknowledged; 0: any number."), .dflt = "0"},
};
const kd_fields kd_async_amqp_fields =
    KD_TABLE("async/amqp block", KD_SCOPE_AGENT, async_amqp, .lint = "'required':['name','host','exchange']");
