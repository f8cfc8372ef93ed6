#include "config/builtin.h"
#include "config/fields.h"

/* Quotas (spec/03). */

static const kd_field processors_quotas_rejecter_cache[] = {
    {KD_KEY("N", INT, "How many elements the filter is made for.")},
    {KD_KEY("P", FLOAT, "How often an element that is not there is taken for one that is.")},
    {KD_KEY("cleanup_interval", DURATION, "After this time the filter is emptied."), .dflt = "30m"},
    {KD_KEY("hash_name", STRING, "The filter's hashes."), .dflt = "optimal", .one_of = "optimal|default"},
};
static const kd_fields processors_quotas_rejecter_cache_fields =
    KD_TABLE("rejecter_cache block", KD_SCOPE_SERVICE | KD_SCOPE_ENDPOINT | KD_SCOPE_BACKEND,
             processors_quotas_rejecter_cache, .lint = "'required':['N','P']");

static const kd_field processors_quotas_rules_limits[] = {
    {KD_KEY("amount", FLOAT, "How much may be used.")},
    {KD_KEY("unit", STRING, "In which time."), .one_of = "second|minute|hour|day|week|month|year"},
};
static const kd_fields processors_quotas_rules_limits_fields =
    KD_TABLE("limit entry", KD_SCOPE_SERVICE | KD_SCOPE_ENDPOINT | KD_SCOPE_BACKEND, processors_quotas_rules_limits,
             .lint = "'required':['amount','unit']");

static const kd_field processors_quotas_rules[] = {
    {KD_KEY("limits", OBJECTS, "The limits; all hold."), .child = &processors_quotas_rules_limits_fields},
    {KD_KEY("name", STRING, "Name of the rule.")},
};
static const kd_fields processors_quotas_rules_fields =
    KD_TABLE("rule entry", KD_SCOPE_SERVICE | KD_SCOPE_ENDPOINT | KD_SCOPE_BACKEND, processors_quotas_rules,
             .lint = "'required':['name','limits']");

static const kd_field processors_quotas[] = {
    {KD_KEY("connection_name", STRING, "Name of the Redis connection.")},
    {KD_KEY("deny_queue_flush_interval", DURATION, "After this time refusals are written at the latest."),
     .dflt = "1s"},
    {KD_KEY("deny_queue_flush_threshold", INT, "So many refusals are written at once."), .dflt = "10"},
    {KD_KEY("deny_queue_size", INT, "Refusals that wait to be written.")},
    {KD_KEY("hash_keys", BOOL, "Stores hashes of the keys instead of the keys."), .dflt = "false"},
    {KD_KEY("name", STRING, "Name of the quota.")},
    {KD_KEY("on_failure_allow", BOOL, "Lets requests pass while Redis cannot be reached.")},
    {KD_KEY("on_failure_backoff_strategy", STRING, "How the pauses between attempts to connect grow."),
     .dflt = "exponential", .one_of = "linear|exponential"},
    {KD_KEY("on_failure_max_retries", INT, "How often Redis is tried again; 0: without end."), .dflt = "0"},
    {KD_KEY("rejecter_cache", OBJECT, "Remembers who has used everything, without asking Redis."),
     .child = &processors_quotas_rejecter_cache_fields},
    {KD_KEY("rules", OBJECTS, "The rules of the tiers."), .child = &processors_quotas_rules_fields},
};
static const kd_fields processors_quotas_fields =
    KD_TABLE("quota entry", KD_SCOPE_SERVICE | KD_SCOPE_ENDPOINT | KD_SCOPE_BACKEND, processors_quotas,
             .lint = "'required':['name','connection_name','rules']");

static const kd_field processors[] = {
    {KD_KEY("quotas", OBJECTS, "The quotas."), .child = &processors_quotas_fields},
};
const kd_fields kd_processors_fields =
    KD_TABLE("governance/processors block", KD_SCOPE_SERVICE, processors, .lint = "'required':['quotas']");

static const kd_field quota_tiers[] = {
    {KD_KEY("key", STRING, "Who is counted: the name of the header or parameter.")},
    {KD_KEY("rule_name", STRING, "Rule of the quota that holds for the tier.")},
    {KD_KEY("strategy", STRING, "Where the key is looked for."), .dflt = "header", .one_of = "header|ip|param"},
    {KD_KEY("tier_value", STRING, "Value of the tier's key.")},
    {KD_KEY("tier_value_as", STRING, "How tier_value is understood."), .dflt = "literal", .one_of = "literal|policy|*"},
};
static const kd_fields quota_tiers_fields =
    KD_TABLE("tier entry", KD_SCOPE_SERVICE | KD_SCOPE_ENDPOINT | KD_SCOPE_BACKEND, quota_tiers, .shape = KD_SHAPE_OPEN,
             .lint = "'required':['rule_name']");

static const kd_field quota[] = {
    {KD_KEY("disable_quota_headers", BOOL, "Adds no headers about what is left."), .dflt = "false"},
    {KD_KEY("on_unmatched_tier_allow", BOOL, "Lets requests pass that belong to no tier."), .dflt = "false"},
    {KD_KEY("quota_name", STRING, "Name of the quota in governance/processors.")},
    {KD_KEY("tier_key", STRING, "Header or expression that tells the tier.")},
    {KD_KEY("tiers", OBJECTS, "The tiers; the first that matches counts."), .child = &quota_tiers_fields},
    {KD_KEY("weight_key", STRING, "Field or header that tells how much a request uses.")},
    {KD_KEY("weight_strategy", STRING, "Where weight_key is looked for."), .dflt = "body", .one_of = "body|header"},
};
const kd_fields kd_quota_fields =
    KD_TABLE("governance/quota block", KD_SCOPE_SERVICE | KD_SCOPE_ENDPOINT | KD_SCOPE_BACKEND, quota,
             .lint = "'required':['quota_name','tier_key','tiers']");
