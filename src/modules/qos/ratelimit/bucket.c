#include "modules/qos/ratelimit/bucket.h"

kd_bucket_rule kd_bucket_rule_make(double rate, uint64_t capacity)
{
    kd_bucket_rule rule = {0, capacity > UINT32_MAX ? UINT32_MAX : capacity ? (uint32_t)capacity : 1};
    if (!(rate <= 1e9) || capacity > UINT32_MAX)
        return rule;
    rule.interval = (kd_ns)(1e9 / (rate < 1e-9 ? 1e-9 : rate));
    return rule;
}

void kd_bucket_init(kd_bucket *bucket, const kd_bucket_rule *rule, kd_ns now)
{
    *bucket = (kd_bucket){rule->capacity, now};
}

bool kd_bucket_take(kd_bucket *bucket, const kd_bucket_rule *rule, kd_ns now)
{
    if (rule->interval == 0)
        return true;
    if (bucket->tokens) {
        bucket->tokens--;
        return true;
    }
    uint64_t add = (uint64_t)(kd_elapsed(bucket->last, now) / rule->interval);
    if (add == 0)
        return false;
    bucket->last += (kd_ns)add * rule->interval;
    bucket->tokens = add > rule->capacity ? rule->capacity : add - 1;
    return true;
}

void kd_shared_bucket_init(kd_shared_bucket *bucket, const kd_bucket_rule *rule, kd_ns now)
{
    *bucket = (kd_shared_bucket){.rule = *rule, .created = now, .token_bits = 1};
    while (bucket->token_bits < 32 && rule->capacity >> bucket->token_bits)
        bucket->token_bits++;
    atomic_init(&bucket->cell.word, rule->capacity);
}

/* The word that follows when the bucket is empty at `now`; `word` itself: nothing can be added. */
static uint64_t refilled(const kd_shared_bucket *bucket, uint64_t word, kd_ns now)
{
    uint64_t present = (uint64_t)(kd_elapsed(bucket->created, now) / bucket->rule.interval);
    unsigned count_bits = 64u - bucket->token_bits;
    uint64_t add = (present - (word >> bucket->token_bits)) << bucket->token_bits >> bucket->token_bits;
    if (add == 0 || add >> (count_bits - 1)) /* or the clock that was read is behind the one that refilled */
        return word;
    uint64_t tokens = add > bucket->rule.capacity ? bucket->rule.capacity : add - 1;
    return present << bucket->token_bits | tokens;
}

bool kd_shared_bucket_take(kd_shared_bucket *bucket, kd_ns now)
{
    if (bucket->rule.interval == 0)
        return true;
    uint64_t mask = ((uint64_t)1 << bucket->token_bits) - 1, word = kd_cell_read(&bucket->cell), next;
    do {
        next = word & mask ? word - 1 : refilled(bucket, word, now);
        if (next == word)
            return false;
    } while (!kd_cell_swap(&bucket->cell, &word, next));
    return true;
}
