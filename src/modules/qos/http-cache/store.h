/* Where answers are kept: a map from keys to entries, shared by all workers. With limits it is KrakenD's LRU cache: at
 * most so many entries and bytes, the one unused for the longest time goes first. Without limits it is bounded by the
 * ledger: all caches of the process together hold at most a quarter of its ceiling, and nothing is added while memory
 * is short. */
#ifndef KD_MODULES_QOS_HTTP_CACHE_STORE_H
#define KD_MODULES_QOS_HTTP_CACHE_STORE_H

#include "base/hash.h"
#include "modules/qos/http-cache/control.h"

#include <stdatomic.h>

/* A stored answer. Immutable once it is put into a store; counted. */
typedef struct kd_cache_entry {
    struct kd_cache_entry *next, *newer, *older; /* the store's */
    kd_fingerprint key;
    _Atomic uint32_t references;
    uint32_t n_headers;
    size_t reserved; /* in the ledger */
    uint64_t size;   /* as limits count it: the bytes of its HTTP/1.1 form */
    uint16_t status;
    bool sized; /* its length was stated */
    kd_cache_facts facts;
    kd_str body;
    kd_header headers[]; /* what they point to lies behind them */
} kd_cache_entry;

/* A copy of the answer with one reference, `room` bytes for its body behind the fields. NULL without memory or beyond
 * the caches' share. The caller fills body.p[0..room). */
kd_cache_entry *kd_cache_entry_create(kd_fingerprint key, uint16_t status, const kd_headers *headers, size_t room);
void kd_cache_entry_unref(kd_cache_entry *entry);
static inline kd_cache_entry *kd_cache_entry_ref(kd_cache_entry *entry)
{
    atomic_fetch_add_explicit(&entry->references, 1, memory_order_relaxed);
    return entry;
}
/* May caches take so many bytes more? */
bool kd_cache_fits(size_t bytes);

typedef struct kd_cache_store kd_cache_store;

/* Both limits or, when either is 0, none. NULL without memory. */
kd_cache_store *kd_cache_store_create(uint64_t max_size, uint64_t max_items);
/* Nobody may use it any more; entries that are still referred to stay. NULL is allowed. */
void kd_cache_store_destroy(kd_cache_store *store);
/* The key's entry with a reference, or NULL. */
kd_cache_entry *kd_cache_store_get(kd_cache_store *store, kd_fingerprint key);
/* Puts the entry in the place of the one with its key; takes the reference over. One of max_size or more is dropped,
 * and the old one stays. */
void kd_cache_store_put(kd_cache_store *store, kd_cache_entry *entry);
void kd_cache_store_remove(kd_cache_store *store, kd_fingerprint key);
/* Lets entries go, the oldest first, until `bytes` more fit; false: that takes too many. */
bool kd_cache_store_make_room(kd_cache_store *store, size_t bytes);
/* Entries now, and the bytes that its limits count. */
void kd_cache_store_count(kd_cache_store *store, uint64_t *entries, uint64_t *bytes);

#endif
