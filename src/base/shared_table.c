#include "base/hash.h"
#include "base/shared.h"

#include <pthread.h>
#include <stdlib.h>

#define MAX_ENTRIES     (1u << 28)
#define MAX_VALUE       (64u * 1024)
#define MAX_SHARDS      64u
#define ONE_SHARD_BELOW 1024u /* smaller tables get one shard and with it an exact bound */
#define SLAB            64u   /* entries per slab */
#define OLD_ONES        8u    /* how many of the oldest are looked at for an expired one */
#define NONE            UINT32_MAX

/* The value lies behind it. A free entry has the fingerprint zero, which no key has. */
typedef struct entry {
    kd_fingerprint key;
    kd_ns expires;
    uint32_t newer, older; /* the order of visits; free entries hang together by `older` */
} entry;

typedef struct shard {
    _Alignas(64) pthread_mutex_t lock;
    char **slabs;
    uint32_t *index; /* open addressing, number of the entry + 1; 0 = free */
    uint32_t index_size;
    uint32_t slab_count, max;
    uint32_t count, free, newest, oldest;
    uint64_t evicted, refused;
} shard;

struct kd_table {
    uint32_t shard_count, entry_size;
    size_t reserved; /* for the table itself; slabs and indexes are reserved on their own */
    shard shards[];
};

static uint32_t slabs_for(uint32_t entries)
{
    return (entries + SLAB - 1) / SLAB;
}

static size_t slab_size(const kd_table *t)
{
    return (size_t)SLAB * t->entry_size;
}

static entry *entry_at(const kd_table *t, const shard *s, uint32_t i)
{
    return (entry *)(s->slabs[i / SLAB] + (size_t)(i % SLAB) * t->entry_size);
}

static void *reserve(size_t size)
{
    if (!kd_ledger_reserve(KD_ACCOUNT_TABLES, size))
        return NULL;
    void *p = calloc(1, size);
    if (!p)
        kd_ledger_release(KD_ACCOUNT_TABLES, size);
    return p;
}

static void release(void *p, size_t size)
{
    if (!p)
        return;
    kd_ledger_release(KD_ACCOUNT_TABLES, size);
    free(p);
}

/* ---- life ---- */

static bool shard_init(shard *s, uint32_t max)
{
    s->max = max;
    s->free = s->newest = s->oldest = NONE;
    s->slabs = reserve(slabs_for(max) * sizeof(char *));
    if (s->slabs && pthread_mutex_init(&s->lock, NULL) == 0)
        return true;
    release(s->slabs, slabs_for(max) * sizeof(char *));
    return false;
}

static void shard_fini(const kd_table *t, shard *s)
{
    for (uint32_t i = 0; i < s->slab_count; i++)
        release(s->slabs[i], slab_size(t));
    release(s->slabs, slabs_for(s->max) * sizeof(char *));
    release(s->index, s->index_size * sizeof(uint32_t));
    pthread_mutex_destroy(&s->lock);
}

kd_table *kd_table_create(uint32_t max, uint32_t value_size)
{
    if (max == 0 || max > MAX_ENTRIES || value_size > MAX_VALUE)
        return NULL;
    uint32_t shards = 1;
    if (max >= ONE_SHARD_BELOW)
        while (shards < MAX_SHARDS && max / shards > ONE_SHARD_BELOW / 4)
            shards *= 2;
    size_t size = sizeof(kd_table) + shards * sizeof(shard);
    if (!kd_ledger_reserve(KD_ACCOUNT_TABLES, size))
        return NULL;
    kd_table *t = aligned_alloc(_Alignof(shard), size + (-size & (_Alignof(shard) - 1)));
    if (!t) {
        kd_ledger_release(KD_ACCOUNT_TABLES, size);
        return NULL;
    }
    memset(t, 0, size);
    t->reserved = size;
    t->entry_size = (uint32_t)((sizeof(entry) + value_size + 7) & ~(size_t)7);
    for (; t->shard_count < shards; t->shard_count++) {
        if (!shard_init(&t->shards[t->shard_count], (max + shards - 1) / shards)) {
            kd_table_destroy(t);
            return NULL;
        }
    }
    return t;
}

void kd_table_destroy(kd_table *t)
{
    if (!t)
        return;
    for (uint32_t i = 0; i < t->shard_count; i++)
        shard_fini(t, &t->shards[i]);
    release(t, t->reserved);
}

/* ---- the parts of a shard; all under its lock ---- */

/* The place in the index that holds the key, or the free place where it would go. */
static uint32_t place_of(const kd_table *t, const shard *s, kd_fingerprint key)
{
    uint32_t mask = s->index_size - 1, at = (uint32_t)key.a & mask;
    while (s->index[at] && !kd_fingerprint_eq(entry_at(t, s, s->index[at] - 1)->key, key))
        at = (at + 1) & mask;
    return at;
}

static uint32_t find(const kd_table *t, const shard *s, kd_fingerprint key)
{
    return s->count ? s->index[place_of(t, s, key)] - 1 : NONE; /* 0 - 1 is NONE */
}

/* Frees a place of the index and moves later ones of its run up, so that every key is still found. */
static void vacate(const kd_table *t, shard *s, uint32_t at)
{
    uint32_t mask = s->index_size - 1;
    s->index[at] = 0;
    for (uint32_t next = (at + 1) & mask; s->index[next]; next = (next + 1) & mask) {
        uint32_t home = (uint32_t)entry_at(t, s, s->index[next] - 1)->key.a & mask;
        if (((next - home) & mask) < ((next - at) & mask))
            continue;
        s->index[at] = s->index[next];
        s->index[next] = 0;
        at = next;
    }
}

static void unlink_entry(const kd_table *t, shard *s, const entry *e)
{
    *(e->newer == NONE ? &s->newest : &entry_at(t, s, e->newer)->older) = e->older;
    *(e->older == NONE ? &s->oldest : &entry_at(t, s, e->older)->newer) = e->newer;
}

static void link_newest(const kd_table *t, shard *s, uint32_t i)
{
    entry *e = entry_at(t, s, i);
    e->newer = NONE;
    e->older = s->newest;
    *(s->newest == NONE ? &s->oldest : &entry_at(t, s, s->newest)->newer) = i;
    s->newest = i;
}

static void take_out(const kd_table *t, shard *s, uint32_t i)
{
    entry *e = entry_at(t, s, i);
    vacate(t, s, place_of(t, s, e->key));
    unlink_entry(t, s, e);
    e->key = (kd_fingerprint){0, 0};
    e->older = s->free;
    s->free = i;
    s->count--;
}

/* An index with room for one more entry: at most half of its places are in use. */
static bool grow_index(const kd_table *t, shard *s)
{
    if ((uint64_t)(s->count + 1) * 2 <= s->index_size)
        return true;
    uint32_t *old = s->index, old_size = s->index_size, size = old_size ? old_size * 2 : 2 * SLAB;
    uint32_t *index = reserve(size * sizeof(uint32_t));
    if (!index)
        return false;
    s->index = index;
    s->index_size = size;
    for (uint32_t i = 0; i < old_size; i++)
        if (old[i])
            s->index[place_of(t, s, entry_at(t, s, old[i] - 1)->key)] = old[i];
    release(old, old_size * sizeof(uint32_t));
    return true;
}

static bool grow_slabs(const kd_table *t, shard *s)
{
    if (s->free != NONE)
        return true;
    if (s->slab_count == slabs_for(s->max))
        return false;
    char *slab = reserve(slab_size(t));
    if (!slab)
        return false;
    s->slabs[s->slab_count] = slab;
    uint32_t first = s->slab_count++ * SLAB;
    for (uint32_t i = SLAB; i-- > 0;) {
        entry_at(t, s, first + i)->older = s->free;
        s->free = first + i;
    }
    return true;
}

static void evict(const kd_table *t, shard *s, kd_ns now)
{
    uint32_t i = s->oldest;
    for (uint32_t n = 0; n < OLD_ONES && i != NONE; n++, i = entry_at(t, s, i)->newer) {
        if (entry_at(t, s, i)->expires <= now) {
            take_out(t, s, i);
            return;
        }
    }
    s->evicted++;
    take_out(t, s, s->oldest);
}

/* A new entry, linked nowhere but in the index; NONE without memory. Without memory for growth an old entry gives
 * way, as at the bound. */
static uint32_t make(const kd_table *t, shard *s, kd_fingerprint key, kd_ns now)
{
    if (s->count == s->max || !grow_index(t, s) || !grow_slabs(t, s)) {
        if (!s->count) {
            s->refused++;
            return NONE;
        }
        evict(t, s, now);
    }
    uint32_t i = s->free;
    entry *e = entry_at(t, s, i);
    s->free = e->older;
    e->key = key;
    s->index[place_of(t, s, key)] = i + 1;
    s->count++;
    return i;
}

/* ---- visits ---- */

static shard *shard_of(kd_table *t, kd_fingerprint key)
{
    return &t->shards[key.b & (t->shard_count - 1)];
}

static void call(const kd_table *t, shard *s, uint32_t i, bool fresh, kd_table_visitor visitor, void *context)
{
    entry *e = entry_at(t, s, i);
    e->expires = visitor(e + 1, fresh, context);
    if (e->expires == KD_TABLE_DROP)
        take_out(t, s, i);
}

static bool visit(kd_table *t, kd_str bytes, kd_ns now, bool create, kd_table_visitor visitor, void *context)
{
    kd_fingerprint key = kd_hash_fingerprint(bytes);
    shard *s = shard_of(t, key);
    pthread_mutex_lock(&s->lock);
    uint32_t i = find(t, s, key);
    bool found = i != NONE, fresh = !found;
    if (found) {
        fresh = entry_at(t, s, i)->expires <= now;
        unlink_entry(t, s, entry_at(t, s, i));
    } else if (create) {
        i = make(t, s, key, now);
    }
    if (i != NONE) {
        link_newest(t, s, i);
        if (fresh && !create)
            take_out(t, s, i);
        else if (fresh)
            memset(entry_at(t, s, i) + 1, 0, t->entry_size - sizeof(entry));
    }
    bool called = i != NONE && (create || !fresh);
    if (called)
        call(t, s, i, fresh, visitor, context);
    pthread_mutex_unlock(&s->lock);
    return called;
}

bool kd_table_visit(kd_table *table, kd_str key, kd_ns now, kd_table_visitor visitor, void *context)
{
    return visit(table, key, now, true, visitor, context);
}

bool kd_table_look(kd_table *table, kd_str key, kd_ns now, kd_table_visitor visitor, void *context)
{
    return visit(table, key, now, false, visitor, context);
}

bool kd_table_remove(kd_table *table, kd_str bytes)
{
    kd_fingerprint key = kd_hash_fingerprint(bytes);
    shard *s = shard_of(table, key);
    pthread_mutex_lock(&s->lock);
    uint32_t i = find(table, s, key);
    if (i != NONE)
        take_out(table, s, i);
    pthread_mutex_unlock(&s->lock);
    return i != NONE;
}

/* A shard in which nothing is left gives its memory back. */
static void shrink(const kd_table *t, shard *s)
{
    if (s->count || !s->slab_count)
        return;
    for (uint32_t i = 0; i < s->slab_count; i++)
        release(s->slabs[i], slab_size(t));
    release(s->index, s->index_size * sizeof(uint32_t));
    s->index = NULL;
    s->index_size = s->slab_count = 0;
    s->free = NONE;
}

bool kd_table_walk(kd_table *table, uint64_t *cursor, uint32_t budget, kd_ns now, kd_table_visitor visitor,
                   void *context)
{
    uint32_t which = (uint32_t)(*cursor >> 32), at = (uint32_t)*cursor;
    while (budget && which < table->shard_count) {
        shard *s = &table->shards[which];
        pthread_mutex_lock(&s->lock);
        uint32_t end = s->slab_count * SLAB;
        for (; at < end && budget; at++, budget--) {
            entry *e = entry_at(table, s, at);
            if (!(e->key.a | e->key.b))
                continue;
            if (e->expires <= now)
                take_out(table, s, at);
            else if (visitor)
                call(table, s, at, false, visitor, context);
        }
        if (at >= end) {
            at = 0, which++;
            shrink(table, s);
        }
        pthread_mutex_unlock(&s->lock);
    }
    *cursor = which < table->shard_count ? (uint64_t)which << 32 | at : 0;
    return *cursor != 0;
}

kd_table_stats kd_table_stats_read(kd_table *table)
{
    kd_table_stats stats = {0};
    for (uint32_t i = 0; i < table->shard_count; i++) {
        shard *s = &table->shards[i];
        pthread_mutex_lock(&s->lock);
        stats.entries += s->count;
        stats.evicted += s->evicted;
        stats.refused += s->refused;
        pthread_mutex_unlock(&s->lock);
    }
    return stats;
}
