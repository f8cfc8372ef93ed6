#include "modules/qos/http-cache/store.h"

#include "base/ledger.h"

#include <pthread.h>
#include <stdlib.h>

#define SHARDS      16u /* of a store without limits; one with limits has one: they are exact */
#define FIRST_SIZE  64u
#define MOST_ROUNDS 64u /* in which one request lets entries go; the next one goes on */
#define SHARE_OF    4u  /* caches may hold the ceiling divided by this */

typedef struct shard {
    _Alignas(64) pthread_mutex_t lock;
    kd_cache_entry **chains;
    kd_cache_entry *newest, *oldest;
    uint64_t n_chains, count, bytes;
} shard;

struct kd_cache_store {
    uint64_t max_size, max_items; /* 0: none */
    uint32_t n_shards;
    shard shards[];
};

/* ---- entries ----------------------------------------------------------------------------------------------------- */

bool kd_cache_fits(size_t bytes)
{
    size_t ceiling = kd_ledger_ceiling();
    return !ceiling || (kd_ledger_pressure() == KD_PRESSURE_NONE && bytes < ceiling / SHARE_OF &&
                        kd_ledger_used(KD_ACCOUNT_CACHES) + bytes <= ceiling / SHARE_OF);
}

static char *copy(char **at, kd_str s)
{
    char *to = *at;
    if (s.n)
        memcpy(to, s.p, s.n);
    *at += s.n;
    return to;
}

kd_cache_entry *kd_cache_entry_create(kd_fingerprint key, uint16_t status, const kd_headers *headers, size_t room)
{
    size_t texts = 0, size = sizeof(kd_cache_entry) + headers->n * sizeof(kd_header);
    for (uint32_t i = 0; i < headers->n; i++)
        texts += headers->v[i].name_n + 2u + headers->v[i].value_n;
    if (room > SIZE_MAX / 2 || !kd_cache_fits(size + texts + room) ||
        !kd_ledger_reserve(KD_ACCOUNT_CACHES, size + texts + room))
        return NULL;
    kd_cache_entry *e = malloc(size + texts + room);
    if (!e) {
        kd_ledger_release(KD_ACCOUNT_CACHES, size + texts + room);
        return NULL;
    }
    *e = (kd_cache_entry){.key = key, .n_headers = headers->n, .reserved = size + texts + room, .status = status};
    atomic_init(&e->references, 1);
    char *at = (char *)e + size;
    for (uint32_t i = 0; i < headers->n; i++) {
        const kd_header *from = &headers->v[i];
        kd_header *to = &e->headers[i];
        *to = *from; /* "name: value" in one piece: it can be sent as it lies */
        to->name = copy(&at, kd_header_name(from));
        copy(&at, KD_STR(": "));
        to->value = copy(&at, kd_header_value(from));
    }
    e->body = kd_str_of(at, room);
    return e;
}

void kd_cache_entry_unref(kd_cache_entry *e)
{
    if (atomic_fetch_sub_explicit(&e->references, 1, memory_order_acq_rel) != 1)
        return;
    kd_ledger_release(KD_ACCOUNT_CACHES, e->reserved);
    free(e);
}

/* ---- life -------------------------------------------------------------------------------------------------------- */

static size_t size_of(uint32_t shards)
{
    return (sizeof(kd_cache_store) + shards * sizeof(shard) + 63) & ~(size_t)63;
}

kd_cache_store *kd_cache_store_create(uint64_t max_size, uint64_t max_items)
{
    bool limited = max_size && max_items;
    uint32_t n = limited ? 1 : SHARDS;
    if (!kd_ledger_reserve(KD_ACCOUNT_CACHES, size_of(n)))
        return NULL;
    kd_cache_store *store = aligned_alloc(64, size_of(n));
    if (!store) {
        kd_ledger_release(KD_ACCOUNT_CACHES, size_of(n));
        return NULL;
    }
    memset(store, 0, size_of(n));
    store->n_shards = n;
    if (limited) {
        store->max_size = max_size;
        store->max_items = max_items;
    }
    for (uint32_t i = 0; i < n; i++)
        pthread_mutex_init(&store->shards[i].lock, NULL);
    return store;
}

static void unlink_entry(shard *s, kd_cache_entry *e)
{
    *(e->newer ? &e->newer->older : &s->newest) = e->older;
    *(e->older ? &e->older->newer : &s->oldest) = e->newer;
}

static void link_newest(shard *s, kd_cache_entry *e)
{
    e->newer = NULL;
    e->older = s->newest;
    *(s->newest ? &s->newest->newer : &s->oldest) = e;
    s->newest = e;
}

static kd_cache_entry **place_of(const shard *s, kd_fingerprint key)
{
    kd_cache_entry **at = &s->chains[key.a & (s->n_chains - 1)];
    while (*at && !kd_fingerprint_eq((*at)->key, key))
        at = &(*at)->next;
    return at;
}

static kd_cache_entry *take_out(shard *s, kd_cache_entry **at)
{
    kd_cache_entry *e = *at;
    *at = e->next;
    unlink_entry(s, e);
    s->count--;
    s->bytes -= e->size;
    return e;
}

static void drop_oldest(shard *s)
{
    kd_cache_entry_unref(take_out(s, place_of(s, s->oldest->key)));
}

void kd_cache_store_destroy(kd_cache_store *store)
{
    if (!store)
        return;
    for (uint32_t i = 0; i < store->n_shards; i++) {
        shard *s = &store->shards[i];
        while (s->oldest)
            drop_oldest(s);
        kd_ledger_release(KD_ACCOUNT_CACHES, s->n_chains * sizeof *s->chains);
        free(s->chains);
        pthread_mutex_destroy(&s->lock);
    }
    kd_ledger_release(KD_ACCOUNT_CACHES, size_of(store->n_shards));
    free(store);
}

/* ---- use --------------------------------------------------------------------------------------------------------- */

static shard *shard_of(kd_cache_store *store, kd_fingerprint key)
{
    return &store->shards[key.b & (store->n_shards - 1)];
}

kd_cache_entry *kd_cache_store_get(kd_cache_store *store, kd_fingerprint key)
{
    shard *s = shard_of(store, key);
    pthread_mutex_lock(&s->lock);
    kd_cache_entry *e = s->count ? *place_of(s, key) : NULL;
    if (e) {
        kd_cache_entry_ref(e);
        if (s->newest != e) {
            unlink_entry(s, e);
            link_newest(s, e);
        }
    }
    pthread_mutex_unlock(&s->lock);
    return e;
}

/* Twice as many chains, when there are as many entries. True as long as there are any. */
static bool grow(shard *s)
{
    if (s->count < s->n_chains)
        return true;
    uint64_t n = s->n_chains ? s->n_chains * 2 : FIRST_SIZE;
    if (!kd_ledger_reserve(KD_ACCOUNT_CACHES, n * sizeof *s->chains))
        return s->n_chains > 0;
    kd_cache_entry **chains = calloc(n, sizeof *chains), **old = s->chains;
    if (!chains) {
        kd_ledger_release(KD_ACCOUNT_CACHES, n * sizeof *chains);
        return s->n_chains > 0;
    }
    for (kd_cache_entry *e = s->oldest; e; e = e->newer) {
        kd_cache_entry **at = &chains[e->key.a & (n - 1)];
        e->next = *at;
        *at = e;
    }
    kd_ledger_release(KD_ACCOUNT_CACHES, s->n_chains * sizeof *old);
    free(old);
    s->chains = chains;
    s->n_chains = n;
    return true;
}

void kd_cache_store_put(kd_cache_store *store, kd_cache_entry *entry)
{
    shard *s = shard_of(store, entry->key);
    kd_cache_entry *old = NULL;
    bool fits = !store->max_size || entry->size < store->max_size;
    pthread_mutex_lock(&s->lock);
    if (fits && grow(s)) {
        kd_cache_entry **at = place_of(s, entry->key);
        if (*at)
            old = take_out(s, at);
        at = &s->chains[entry->key.a & (s->n_chains - 1)];
        entry->next = *at;
        *at = entry;
        link_newest(s, entry);
        s->count++;
        s->bytes += entry->size;
        while (store->max_size && (s->bytes > store->max_size || s->count > store->max_items))
            drop_oldest(s);
    } else {
        old = entry;
    }
    pthread_mutex_unlock(&s->lock);
    if (old)
        kd_cache_entry_unref(old);
}

void kd_cache_store_remove(kd_cache_store *store, kd_fingerprint key)
{
    shard *s = shard_of(store, key);
    kd_cache_entry *old = NULL;
    pthread_mutex_lock(&s->lock);
    kd_cache_entry **at = s->count ? place_of(s, key) : NULL;
    if (at && *at)
        old = take_out(s, at);
    pthread_mutex_unlock(&s->lock);
    if (old)
        kd_cache_entry_unref(old);
}

bool kd_cache_store_make_room(kd_cache_store *store, size_t bytes)
{
    bool any = true;
    for (unsigned rounds = 0; any && rounds < MOST_ROUNDS && !kd_cache_fits(bytes); rounds++) {
        any = false;
        for (uint32_t i = 0; i < store->n_shards; i++) {
            shard *s = &store->shards[i];
            pthread_mutex_lock(&s->lock);
            if (s->oldest) {
                drop_oldest(s);
                any = true;
            }
            pthread_mutex_unlock(&s->lock);
        }
    }
    return kd_cache_fits(bytes);
}

void kd_cache_store_count(kd_cache_store *store, uint64_t *entries, uint64_t *bytes)
{
    *entries = *bytes = 0;
    for (uint32_t i = 0; i < store->n_shards; i++) {
        shard *s = &store->shards[i];
        pthread_mutex_lock(&s->lock);
        *entries += s->count;
        *bytes += s->bytes;
        pthread_mutex_unlock(&s->lock);
    }
}
