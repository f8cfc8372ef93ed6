#include "modules/qos/ratelimit/ratelimit.h"
#include "gateway/module.h"

#include <stdlib.h>

#define FIELD(name, kind, text)                                                                                        \
    .key = KD_STR_INIT(name), .type = KD_FIELD_##kind, .wrong = KD_WRONG_ZERO, .offset = KD_NO_OFFSET,                 \
    .reload = KD_RELOAD_REBUILD, .about = text

static const kd_field router[] = {
    {FIELD("max_rate", FLOAT, "Requests that the endpoint takes in each `every`; 0 or less: any number."),
     .former = "maxRate", .dflt = "0", .max = 1000000000},
    {FIELD("capacity", INT, "How many of them may come at once."), .dflt = "max_rate, at least 1", .max = UINT32_MAX},
    {FIELD("every", DURATION, "The time that both rates count for, 1s or more."), .dflt = "1s", .min = KD_SECOND,
     .max = INT64_MAX},
    {FIELD("client_max_rate", FLOAT, "The same for each client."), .former = "clientMaxRate", .dflt = "0",
     .max = 1000000000},
    {FIELD("client_capacity", INT,
           "How many requests of one client may come at once; it follows from client_max_rate "
           "only where max_rate is 1/s or more, else it is 1."),
     .dflt = "1 or client_max_rate", .max = UINT32_MAX},
    {FIELD("strategy", STRING, "What tells clients apart: their address, a header or a parameter of the path."),
     .one_of = "ip|header|param"},
    {FIELD("key", STRING, "The header's or parameter's name; for ip the header that holds the address.")},
    {FIELD("num_shards", INT, "Has no effect: the table of clients is divided as it grows."), .dflt = "2048",
     .max = UINT32_MAX},
    {FIELD("cleanup_period", DURATION, "Has no effect: buckets are dropped as soon as they are over."), .dflt = "1m"},
    {FIELD("cleanup_threads", INT, "Has no effect."), .dflt = "1", .max = UINT32_MAX},
};
static const kd_fields router_fields = {"qos/ratelimit/router block",
                                        KD_SCOPE_ENDPOINT,
                                        0,
                                        KD_NO_OFFSET,
                                        router,
                                        KD_COUNT(router),
                                        .lint = "'anyOf':[{'required':['max_rate']},{'required':['client_max_rate']}]"};

static const kd_field proxy[] = {
    {FIELD("max_rate", FLOAT, "Requests that the backend gets in each `every`; 0 or less: any number."),
     .former = "maxRate", .dflt = "0", .max = 1000000000},
    {FIELD("capacity", INT, "How many of them may go out at once."), .dflt = "max_rate, at least 1", .max = UINT32_MAX},
    {FIELD("every", DURATION, "The time that the rate counts for."), .dflt = "1s", .min = 1, .max = INT64_MAX},
};
static const kd_fields proxy_fields = {"qos/ratelimit/proxy block",
                                       KD_SCOPE_BACKEND,
                                       0,
                                       KD_NO_OFFSET,
                                       proxy,
                                       KD_COUNT(proxy),
                                       .lint = "'required':['max_rate','capacity']"};

static const kd_namespace namespaces[] = {
    {KD_STR_INIT("qos/ratelimit/router"), KD_STR_INIT(""), KD_SCOPE_ENDPOINT, KD_EDITION_CE, false, true,
     &router_fields},
    {KD_STR_INIT("qos/ratelimit/proxy"), KD_STR_INIT(""), KD_SCOPE_BACKEND, KD_EDITION_CE, false, true, &proxy_fields},
};

static const kd_step_type *const steps[] = {&kd_ratelimit_client, &kd_ratelimit_endpoint, &kd_ratelimit_proxy, NULL};

extern const kd_module kd_module_qos_ratelimit;

const kd_module kd_module_qos_ratelimit = {
    .name = "qos/ratelimit", .namespaces = namespaces, .n_namespaces = KD_COUNT(namespaces), .steps = steps};

/* ---- buckets that outlive a configuration ------------------------------------------------------------------------ */

static void *create_bucket(const void *options)
{
    if (!kd_ledger_reserve(KD_ACCOUNT_TABLES, sizeof(kd_shared_bucket)))
        return NULL;
    kd_shared_bucket *bucket = aligned_alloc(_Alignof(kd_shared_bucket), sizeof *bucket);
    if (!bucket) {
        kd_ledger_release(KD_ACCOUNT_TABLES, sizeof *bucket);
        return NULL;
    }
    kd_shared_bucket_init(bucket, options, kd_clock_monotonic());
    return bucket;
}

static void destroy_bucket(void *bucket)
{
    kd_ledger_release(KD_ACCOUNT_TABLES, sizeof(kd_shared_bucket));
    free(bucket);
}

kd_shared_bucket *kd_ratelimit_adopt_bucket(const kd_compile *compile, kd_str identity, double rate, uint64_t capacity)
{
    static const kd_object_type type = {"qos/ratelimit/bucket", create_bucket, destroy_bucket};
    kd_bucket_rule rule = kd_bucket_rule_make(rate, capacity);
    kd_str whole = kd_arena_printf(compile->arena, "%.*s interval %lld capacity %u", KD_FMT(identity),
                                   (long long)rule.interval, rule.capacity);
    return whole.p ? kd_registry_adopt(compile->generation, &type, whole, &rule) : NULL;
}
