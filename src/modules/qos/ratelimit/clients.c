#include "modules/qos/ratelimit/clients.h"

#include <stdlib.h>

/* Every so many requests so many places of the table are looked through for buckets that are over: a table is walked
 * once for every half of its size in requests, and no timer is needed. */
#define SWEEP_EVERY  64u
#define SWEEP_PLACES 128u

static _Thread_local uint32_t asked; /* requests of this thread, whatever the table */

struct kd_clients {
    kd_table *table;
    kd_bucket_rule rule;
    kd_ns ttl;
    _Atomic bool sweeping;
    uint64_t cursor; /* of the one who sweeps */
};

kd_clients *kd_clients_create(const kd_bucket_rule *rule, kd_ns ttl, uint32_t max)
{
    kd_clients *clients = calloc(1, sizeof *clients);
    if (!clients)
        return NULL;
    clients->rule = *rule;
    clients->ttl = ttl;
    clients->table = kd_table_create(max, sizeof(kd_bucket));
    if (!clients->table) {
        free(clients);
        return NULL;
    }
    return clients;
}

void kd_clients_destroy(kd_clients *clients)
{
    if (!clients)
        return;
    kd_table_destroy(clients->table);
    free(clients);
}

typedef struct visit {
    const kd_clients *clients;
    kd_ns now;
    bool taken;
} visit;

static kd_ns on_visit(void *value, bool fresh, void *context)
{
    visit *v = context;
    if (fresh)
        kd_bucket_init(value, &v->clients->rule, v->now);
    v->taken = kd_bucket_take(value, &v->clients->rule, v->now);
    return v->now > INT64_MAX - v->clients->ttl ? KD_FOREVER : v->now + v->clients->ttl;
}

static void sweep(kd_clients *clients, kd_ns now)
{
    if (atomic_exchange_explicit(&clients->sweeping, true, memory_order_acquire))
        return;
    kd_table_walk(clients->table, &clients->cursor, SWEEP_PLACES, now, NULL, NULL);
    atomic_store_explicit(&clients->sweeping, false, memory_order_release);
}

kd_clients_answer kd_clients_take(kd_clients *clients, kd_str key, kd_ns now)
{
    visit v = {clients, now, false};
    bool found = kd_table_visit(clients->table, key, now, on_visit, &v);
    if (++asked % SWEEP_EVERY == 0)
        sweep(clients, now);
    return !found ? KD_CLIENTS_NO_MEMORY : v.taken ? KD_CLIENTS_TAKEN : KD_CLIENTS_REFUSED;
}

kd_table_stats kd_clients_stats(kd_clients *clients)
{
    return kd_table_stats_read(clients->table);
}
