/* How KrakenD reads the blocks of both limiters (spec/03 sections 1.1 and 2): nothing refuses the file, what has a
 * wrong type counts as zero. */
#ifndef KD_MODULES_QOS_RATELIMIT_OPTIONS_H
#define KD_MODULES_QOS_RATELIMIT_OPTIONS_H

#include "config/tree.h"
#include "modules/qos/ratelimit/bucket.h"

typedef struct kd_ratelimit_options {
    double rate, client_rate; /* tokens a second; 0 or less: no limit; NaN: nothing is refused */
    uint64_t capacity, client_capacity;
    kd_str strategy, key;
    kd_ns every, ttl; /* ttl: of a client's bucket */
} kd_ratelimit_options;

/* The block of qos/ratelimit/router, an object. False without memory. */
bool kd_ratelimit_router_options(kd_arena *arena, const kd_node *block, kd_ratelimit_options *out);
/* The block of qos/ratelimit/proxy: rate and capacity. False without memory. */
bool kd_ratelimit_proxy_options(kd_arena *arena, const kd_node *block, kd_ratelimit_options *out);

#endif
