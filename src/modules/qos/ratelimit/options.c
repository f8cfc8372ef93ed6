#include "modules/qos/ratelimit/options.h"

#include "base/random.h"
#include "text/go/duration.h"
#include "text/go/format.h"

#define TTL (600 * KD_SECOND)

static double number(const kd_node *block, kd_str key)
{
    const kd_node *node = kd_node_typed(block, key, KD_NODE_NUMBER);
    return node ? node->number : 0;
}

/* uint64(f) of Go on amd64: cut, and below zero a number beyond all use. */
static uint64_t count_of(double v)
{
    if (v > -9.2e18 && v < 9.2e18)
        return (uint64_t)(int64_t)v;
    return v > 0 && v < 18446744073709551616.0 ? (uint64_t)v : UINT64_MAX;
}

/* Any value as %v prints it. p is NULL without memory. */
static kd_str text(kd_arena *arena, const kd_node *node)
{
    if (kd_node_is_text(node))
        return node->text;
    kd_buf out;
    kd_buf_init(&out, 64u * 1024);
    kd_go_value_v(&out, kd_node_value(arena, node));
    kd_str s = kd_arena_copy(arena, kd_buf_str(&out));
    kd_buf_fini(&out);
    return s;
}

/* False without memory; *every is `fallback` for what is no duration. */
static bool read_every(kd_arena *arena, const kd_node *node, kd_ns fallback, kd_ns *every)
{
    kd_str s = text(arena, node), error;
    if (!s.p)
        return false;
    if (!kd_go_duration_parse(s, every, &error))
        *every = fallback;
    return true;
}

/* The client's default looks at the endpoint's rate, as in KrakenD. */
static void default_capacities(kd_ratelimit_options *o)
{
    if (o->capacity == 0)
        o->capacity = o->rate < 1 ? 1 : count_of(o->rate);
    if (o->client_capacity == 0)
        o->client_capacity = o->rate < 1 ? 1 : count_of(o->client_rate);
}

bool kd_ratelimit_router_options(kd_arena *arena, const kd_node *block, kd_ratelimit_options *out)
{
    const kd_node *strategy = kd_node_get(block, KD_STR("strategy")), *key = kd_node_get(block, KD_STR("key")),
                  *node = kd_node_get(block, KD_STR("every"));
    *out = (kd_ratelimit_options){.rate = number(block, KD_STR("max_rate")),
                                  .client_rate = number(block, KD_STR("client_max_rate")),
                                  .capacity = count_of(number(block, KD_STR("capacity"))),
                                  .client_capacity = count_of(number(block, KD_STR("client_capacity"))),
                                  .strategy = strategy ? text(arena, strategy) : KD_STR(""),
                                  .key = key ? text(arena, key) : KD_STR(""),
                                  .ttl = TTL};
    kd_ns every = KD_SECOND;
    if (!out->strategy.p || !out->key.p || (node && !read_every(arena, node, KD_SECOND, &every)))
        return false;
    if (every < KD_SECOND)
        every = KD_SECOND;
    if (node) {
        double factor = (double)KD_SECOND / (double)every;
        out->rate *= factor;
        out->client_rate *= factor;
    }
    out->every = every;
    if (every > TTL) {
        double ttl = (1 + 0.25 * kd_random_unit()) * (double)every;
        out->ttl = ttl < 9.2e18 ? (kd_ns)ttl : INT64_MAX;
    }
    default_capacities(out);
    return true;
}

bool kd_ratelimit_proxy_options(kd_arena *arena, const kd_node *block, kd_ratelimit_options *out)
{
    const kd_node *node = kd_node_get(block, KD_STR("every"));
    *out = (kd_ratelimit_options){.rate = number(block, KD_STR("max_rate")),
                                  .capacity = count_of(number(block, KD_STR("capacity")))};
    if (node) {
        kd_ns every;
        if (!read_every(arena, node, KD_SECOND, &every))
            return false;
        out->rate *= (double)KD_SECOND / (double)every; /* 0s: infinite, or NaN of a rate of 0 */
    }
    if (out->capacity == 0)
        out->capacity = out->rate < 1 ? 1 : count_of(out->rate);
    return true;
}
