/* KrakenD's token bucket (spec/03 section 1.2). It differs from a textbook one: it is refilled only when it is empty,
 * in whole intervals counted from its creation, and the request that refills it to the brim is free. After a long pause
 * 2 * capacity + 1 requests pass at once. */
#ifndef KD_MODULES_QOS_RATELIMIT_BUCKET_H
#define KD_MODULES_QOS_RATELIMIT_BUCKET_H

#include "base/shared.h"

typedef struct kd_bucket_rule {
    kd_ns interval;    /* between two tokens; 0: nothing is ever refused */
    uint32_t capacity; /* at least 1 */
} kd_bucket_rule;

/* The rule of `rate` tokens a second. A rate above 1e9 (KrakenD divides by zero there) and a capacity that nobody uses
 * up, from 2^32 on, refuse nothing. */
kd_bucket_rule kd_bucket_rule_make(double rate, uint64_t capacity);

/* A bucket that one thread at a time looks at. */
typedef struct kd_bucket {
    uint64_t tokens;
    kd_ns last; /* the refill's point in time: creation + a multiple of the interval */
} kd_bucket;

void kd_bucket_init(kd_bucket *bucket, const kd_bucket_rule *rule, kd_ns now);
/* Takes a token; false: the request is refused. Time that runs backwards adds nothing. */
bool kd_bucket_take(kd_bucket *bucket, const kd_bucket_rule *rule, kd_ns now);

/* The same for all threads at once, without a lock: tokens and the count of intervals since creation share a word. The
 * count has the 32 to 63 bits that the capacity leaves: a bucket that is not empty for so many intervals (200 days at
 * capacity and rate of a million) may come back with less than a full refill, once. */
typedef struct kd_shared_bucket {
    kd_cell cell;
    kd_bucket_rule rule;
    kd_ns created;
    uint8_t token_bits;
} kd_shared_bucket;

void kd_shared_bucket_init(kd_shared_bucket *bucket, const kd_bucket_rule *rule, kd_ns now);
/* `now` is read right before; readings of different threads may overtake each other. */
bool kd_shared_bucket_take(kd_shared_bucket *bucket, kd_ns now);

#endif
