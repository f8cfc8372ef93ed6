/* The buckets of an endpoint's clients: a bounded table of tokens by key. A bucket that nobody asks for a while is
 * dropped, and its client comes back with a full one (spec/03 section 1.3). */
#ifndef KD_MODULES_QOS_RATELIMIT_CLIENTS_H
#define KD_MODULES_QOS_RATELIMIT_CLIENTS_H

#include "modules/qos/ratelimit/bucket.h"

/* Clients of one endpoint that are remembered: 17 MB. Beyond them the one unseen for the longest time gives way. */
#define KD_CLIENTS_MAX (1u << 18)

typedef struct kd_clients kd_clients;

typedef enum kd_clients_answer { KD_CLIENTS_TAKEN, KD_CLIENTS_REFUSED, KD_CLIENTS_NO_MEMORY } kd_clients_answer;

/* Buckets that are dropped `ttl` after their last request. NULL without memory. */
kd_clients *kd_clients_create(const kd_bucket_rule *rule, kd_ns ttl, uint32_t max);
/* NULL is allowed. */
void kd_clients_destroy(kd_clients *clients);
/* Takes a token of the client's bucket, which is made if there is none. Any thread; a lock for a few instructions. */
kd_clients_answer kd_clients_take(kd_clients *clients, kd_str key, kd_ns now);
kd_table_stats kd_clients_stats(kd_clients *clients);

#endif
