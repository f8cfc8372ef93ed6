#include "config/builtin.h"
#include "config/fields.h"

/* Breakers and rate limits of the Enterprise Edition (spec/03). */

static const kd_field breaker_http[] = {
    {KD_KEY("interval", INT, "Seconds after which failures are forgotten.")},
    {KD_KEY("log_status_change", BOOL, "Logs when the breaker opens and closes."), .dflt = "false"},
    {KD_KEY("max_errors", INT, "Failures one after the other that open the breaker.")},
    {KD_KEY("name", STRING, "Name of the breaker in the logs.")},
    {KD_KEY("timeout", INT, "Seconds for which the breaker stays open.")},
    {KD_KEY("valid_status_codes", ANY, "Statuses that are no failures."),
     .lint = "{'type':'array','minItems':1,'uniqueItems':true,'items':{'type':'integer','maximum':599,'minimum':100}}"},
};
const kd_fields kd_breaker_http_fields =
    KD_TABLE("qos/circuit-breaker/http block", KD_SCOPE_BACKEND, breaker_http,
             .lint = "'required':['interval','timeout','max_errors','valid_status_codes']");

static const kd_field ratelimit_redis[] = {
    {KD_KEY("capacity", INT, "How many requests may come at once."), .dflt = "1"},
    {KD_KEY("client_capacity", INT, "How many requests of one client may come at once."), .dflt = "1"},
    {KD_KEY("client_max_rate", FLOAT, "Requests of one client in each `every`.")},
    {KD_KEY("connection_name", STRING, "Name of the Redis connection.")},
    {KD_KEY("connection_pool", STRING, "Former name of connection_name."), .flags = KD_FIELD_DEPRECATED},
    {KD_KEY("every", DURATION, "The time that the rates are counted in."), .dflt = "1s"},
    {KD_KEY("key", STRING, "Header or parameter that tells clients apart.")},
    {KD_KEY("max_rate", FLOAT, "Requests of all clients in each `every`.")},
    {KD_KEY("on_failure_allow", BOOL, "Lets requests pass while Redis cannot be reached."), .dflt = "false"},
    {KD_KEY("strategy", STRING, "What tells clients apart."), .one_of = "ip|header|param"},
};
const kd_fields kd_ratelimit_redis_fields = KD_TABLE(
    "Redis rate limit block", KD_SCOPE_SERVICE | KD_SCOPE_ENDPOINT, ratelimit_redis, .shape = KD_SHAPE_OPEN,
    .lint = "'anyOf':[{'required':['connection_pool','max_rate']},{'required':['connection_pool','client_max_rate']},{'"
            "required':['connection_name','max_rate']},{'required':['connection_name','client_max_rate']}]");

static const kd_field ratelimit_tiered_tiers[] = {
    {KD_KEY("ratelimit", OBJECT, "The tier's limits, counted here."), .like = "qos/ratelimit/router"},
    {KD_KEY("ratelimit_redis", OBJECT, "The tier's limits, counted in Redis."), .child = &kd_ratelimit_redis_fields},
    {KD_KEY("tier_value", STRING, "Value of the tier's key.")},
    {KD_KEY("tier_value_as", STRING, "How tier_value is understood."), .dflt = "literal", .one_of = "literal|policy|*"},
};
static const kd_fields ratelimit_tiered_tiers_fields =
    KD_TABLE("tier entry", KD_SCOPE_SERVICE | KD_SCOPE_ENDPOINT | KD_SCOPE_BACKEND, ratelimit_tiered_tiers,
             .shape = KD_SHAPE_OPEN);

static const kd_field ratelimit_tiered[] = {
    {KD_KEY("tier_key", STRING, "Header or expression that tells the tier.")},
    {KD_KEY("tiers", OBJECTS, "The tiers; the first that matches counts."), .child = &ratelimit_tiered_tiers_fields},
};
const kd_fields kd_ratelimit_tiered_fields =
    KD_TABLE("qos/ratelimit/tiered block", KD_SCOPE_SERVICE | KD_SCOPE_ENDPOINT, ratelimit_tiered,
             .shape = KD_SHAPE_OPEN, .lint = "'required':['tier_key','tiers']");
