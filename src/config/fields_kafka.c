#include "config/builtin.h"
#include "config/fields.h"

/* Kafka as backend and as source of messages (spec/06). */

static const kd_field sasl[] = {
    {KD_KEY("mechanism", STRING, "How the client proves who it is."), .dflt = "PLAIN", .one_of = "PLAIN|OAUTHBEARER"},
    {KD_KEY("azure_event_hub", BOOL, "Uses the older handshake that Azure Event Hubs wants."), .dflt = "false"},
    {KD_KEY("disable_hanshake", BOOL, "Skips Kafka's own handshake before SASL."), .dflt = "true"},
    {KD_KEY("auth_identity", STRING, "Identity to act as.")},
    {KD_KEY("user", STRING, "Name of the user.")},
    {KD_KEY("password", STRING, "Password of the user."), .flags = KD_FIELD_SECRET},
    {KD_KEY("scram_auth_id", STRING, "Identity for SCRAM.")},
};
static const kd_fields sasl_fields = KD_TABLE("sasl block", KD_SCOPE_BACKEND | KD_SCOPE_AGENT, sasl);

static const kd_field cluster[] = {
    {KD_KEY("brokers", STRINGS, "Addresses of the brokers, host:port.")},
    {KD_KEY("client_tls", OBJECT, "TLS towards the brokers."), .child = &kd_client_tls_fields,
     .lint = "'type':'object'"},
    {KD_KEY("sasl", OBJECT, "Login at the brokers."), .child = &sasl_fields},
    {KD_KEY("dial_timeout", DURATION, "Longest time to connect."), .dflt = "30s"},
    {KD_KEY("read_timeout", DURATION, "Longest time to wait for an answer."), .dflt = "30s"},
    {KD_KEY("write_timeout", DURATION, "Longest time to send a request."), .dflt = "30s"},
    {KD_KEY("keep_alive", DURATION, "Interval of TCP probes; 0: the system's."), .dflt = "0s"},
    {KD_KEY("client_id", STRING, "Name of this client in the broker's logs.")},
    {KD_KEY("rack_id", STRING, "Rack of this client, to read from the nearest replica.")},
    {KD_KEY("channel_buffer_size", FLOAT, "Messages that wait inside the client."), .dflt = "256",
     .lint = "'minimum':0"},
    {KD_KEY("metadata_retry_backoff", DURATION, "Pause before asking again for the cluster's layout."),
     .dflt = "250ms"},
    {KD_KEY("metadata_retry_max", FLOAT, "How often the cluster's layout is asked for again."), .dflt = "3",
     .lint = "'minimum':0"},
};
static const kd_fields cluster_fields =
    KD_TABLE("cluster block", KD_SCOPE_BACKEND | KD_SCOPE_AGENT, cluster, .lint = "'required':['brokers']");

static const kd_field producer[] = {
    {KD_KEY("max_message_bytes", FLOAT, "Largest message."), .lint = "'minimum':0"},
    {KD_KEY("required_acks", STRING, "Which replicas must have the message."), .dflt = "wait_for_local"},
    {KD_KEY("required_acks_timeout", DURATION, "How long the replicas are waited for."), .dflt = "10s"},
    {KD_KEY("compression_codec", STRING, "How messages are compressed."), .dflt = "none",
     .one_of = "none|gzip|snappy|lz4|zstd"},
    {KD_KEY("compression_level", STRING, "How hard it is tried.")},
    {KD_KEY("partitioner", STRING, "How the partition is chosen."), .dflt = "standard",
     .one_of = "sarama|standard|random|roundrobin"},
    {KD_KEY("idempotent", BOOL, "Each message is stored once, also after a repetition."), .dflt = "false"},
    {KD_KEY("retry_max", FLOAT, "How often a message is sent again."), .dflt = "3", .lint = "'minimum':0"},
    {KD_KEY("retry_backoff", DURATION, "Pause before it is sent again."), .dflt = "100ms"},
};
static const kd_fields producer_fields = KD_TABLE("producer block", KD_SCOPE_BACKEND | KD_SCOPE_AGENT, producer);

static const kd_field writer[] = {
    {KD_KEY("cluster", OBJECT, "The brokers."), .child = &cluster_fields},
    {KD_KEY("producer", OBJECT, "How messages are written."), .child = &producer_fields},
    {KD_KEY("topic", STRING, "Topic that messages go to.")},
    {KD_KEY("key_meta", STRING, "Name of the header that carries a message's key.")},
};
static const kd_fields writer_fields =
    KD_TABLE("writer block", KD_SCOPE_BACKEND | KD_SCOPE_AGENT, writer, .lint = "'required':['cluster','topic']");

static const kd_field kafka_publisher[] = {
    {KD_KEY("success_status_code", FLOAT, "Status of the answer once the message is stored."), .dflt = "200",
     .lint = "'maximum':201,'minimum':200"},
    {KD_KEY("writer", OBJECT, "Where messages go."), .child = &writer_fields},
};
const kd_fields kd_kafka_publisher_fields = KD_TABLE("backend/pubsub/publisher/kafka block", KD_SCOPE_BACKEND,
                                                     kafka_publisher, .lint = "'required':['writer']");

static const kd_field group[] = {
    {KD_KEY("id", STRING, "Name of the consumer group.")},
    {KD_KEY("session_timeout", DURATION, "After this silence a member counts as gone."), .dflt = "10s"},
    {KD_KEY("heartbeat_interval", DURATION, "Time between two signs of life of a member."), .dflt = "3s"},
    {KD_KEY("rebalance_strategies", ANY, "How partitions are shared out among members."), .dflt = "[\"range\"]",
     .lint = "{'type':'array','items':{'enum':['range','roundrobin','sticky']}}"},
    {KD_KEY("rebalance_timeout", DURATION, "Longest time for sharing out."), .dflt = "60s"},
    {KD_KEY("instance_id", STRING, "Fixed name of this member.")},
    {KD_KEY("fetch_default", FLOAT, "Bytes that are fetched at once.")},
    {KD_KEY("isolation_level", STRING, "Whether messages of unfinished transactions are seen."),
     .dflt = "read_commited", .one_of = "read_commited|read_uncommited"},
};
static const kd_fields group_fields = KD_TABLE("group block", KD_SCOPE_BACKEND | KD_SCOPE_AGENT, group);

static const kd_field reader[] = {
    {KD_KEY("cluster", OBJECT, "The brokers."), .child = &cluster_fields},
    {KD_KEY("group", OBJECT, "The consumer group."), .child = &group_fields},
    {KD_KEY("topics", STRINGS, "Topics that messages come from.")},
    {KD_KEY("key_meta", STRING, "Name of the header that carries a message's key.")},
};
static const kd_fields reader_fields =
    KD_TABLE("reader block", KD_SCOPE_BACKEND | KD_SCOPE_AGENT, reader, .lint = "'required':['cluster','topics']");

static const kd_field kafka_subscriber[] = {
    {KD_KEY("reader", OBJECT, "Where messages come from."), .child = &reader_fields},
};
const kd_fields kd_kafka_subscriber_fields = KD_TABLE("backend/pubsub/subscriber/kafka block", KD_SCOPE_BACKEND,
                                                      kafka_subscriber, .lint = "'required':['reader']");

static const kd_field async_kafka[] = {
    {KD_KEY("cluster", OBJECT, "The brokers."), .child = &cluster_fields},
    {KD_KEY("group", OBJECT, "The consumer group."), .child = &group_fields},
    {KD_KEY("key_meta", STRING, "Name of the header that carries a message's key.")},
};
const kd_fields kd_async_kafka_fields =
    KD_TABLE("async/kafka block", KD_SCOPE_AGENT, async_kafka, .lint = "'required':['cluster']");
