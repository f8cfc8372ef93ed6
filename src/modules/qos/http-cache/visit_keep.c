/* How an answer gets into the store. */
#include "http/gunzip.h"
#include "modules/qos/http-cache/visit.h"

#include <stdlib.h>

void kd_visit_drop(kd_visit *v)
{
    kd_ledger_release(KD_ACCOUNT_CACHES, v->cap);
    free(v->collected);
    v->collected = NULL;
    v->n = v->cap = 0;
    v->keeping = false;
}

_Atomic uint64_t *kd_visit_mark(kd_visit *v)
{
    return &v->config->cache->alone[v->key.a % KD_CACHE_MARKS];
}

void kd_visit_end_lane(kd_visit *v, bool alone)
{
    bool inside = v->place.role != KD_LANE_OUTSIDE;
    _Atomic uint64_t *mark = kd_visit_mark(v);
    if (alone ? inside : atomic_load_explicit(mark, memory_order_relaxed) == v->key.b)
        atomic_store_explicit(mark, alone ? v->key.b : 0, memory_order_relaxed);
    if (inside)
        kd_lane_end(&v->place, alone);
}

/* The length of the answer as net/http/httputil dumps it: what limits count. */
static uint64_t dumped(const kd_visit *v, const kd_headers *headers, uint64_t body)
{
    uint64_t n = sizeof("HTTP/1.1 200 ") - 1 + v->reason_n + 2 + 2;
    char digits[20];
    if (v->sized)
        n += sizeof("Content-Length: ") - 1 + kd_u64_write(digits, body) + 2;
    if (v->closes)
        n += sizeof("Connection: close\r\n") - 1;
    if (v->chunked)
        n += sizeof("Transfer-Encoding: chunked\r\n0\r\n\r\n") - 1;
    if (v->chunked && body) {
        n += 4;
        for (uint64_t left = body; left; left >>= 4)
            n++;
    }
    for (uint32_t i = 0; i < headers->n; i++)
        if (headers->v[i].token != KD_HEADER_CONTENT_LENGTH && headers->v[i].token != KD_HEADER_TRAILER)
            n += headers->v[i].name_n + headers->v[i].value_n + 4u;
    return n + body;
}

bool kd_visit_store(kd_visit *v, unsigned status, const kd_headers *headers, kd_str body)
{
    kd_cache_store *to = v->config->cache->store;
    kd_cache_facts facts = kd_cache_facts_read(headers);
    kd_ns now = kd_clock_wall();
    if (!v->config->keep_all && !kd_cache_is_useful(&facts, now)) {
        kd_cache_store_remove(to, v->key);
        return false;
    }
    kd_cache_entry *entry = kd_cache_entry_create(v->key, (uint16_t)status, headers, body.n);
    if (!entry && kd_cache_store_make_room(to, body.n + 4096))
        entry = kd_cache_entry_create(v->key, (uint16_t)status, headers, body.n);
    if (!entry) {
        kd_cache_store_remove(to, v->key);
        return false;
    }
    if (body.n)
        memcpy((char *)entry->body.p, body.p, body.n);
    entry->facts = facts;
    entry->sized = v->sized;
    entry->size = dumped(v, headers, body.n);
    kd_cache_store_put(to, entry);
    return kd_cache_fresh(&facts, NULL, now) == KD_CACHE_FRESH;
}

/* Room for n bytes more of what is collected. */
static bool collect_room(kd_visit *v, size_t n)
{
    if (n <= v->cap - v->n)
        return true;
    size_t cap = v->cap ? v->cap * 2 : 16384;
    while (cap - v->n < n)
        cap *= 2;
    if (!kd_cache_store_make_room(v->config->cache->store, cap) || !kd_ledger_reserve(KD_ACCOUNT_CACHES, cap - v->cap))
        return false;
    char *p = realloc(v->collected, cap);
    if (!p) {
        kd_ledger_release(KD_ACCOUNT_CACHES, cap - v->cap);
        return false;
    }
    v->collected = p;
    v->cap = cap;
    return true;
}

bool kd_visit_collect(void *owner, kd_str piece)
{
    kd_visit *v = owner;
    if (!collect_room(v, piece.n))
        return false;
    if (piece.n)
        memcpy(v->collected + v->n, piece.p, piece.n);
    v->n += piece.n;
    return true;
}

/* Undoes gzip into a buffer of its own. False: it is broken, or there is no room. */
static bool inflate(kd_visit *v, kd_str body)
{
    char *packed = v->collected;
    size_t cap = v->cap;
    v->collected = NULL;
    v->n = v->cap = 0;
    kd_gunzip *z = kd_gunzip_begin(kd_visit_arena(v));
    bool ok = z && kd_gunzip_feed(z, body, true, kd_visit_collect, v) == KD_GUNZIP_END;
    if (z)
        kd_gunzip_end(z);
    kd_ledger_release(KD_ACCOUNT_CACHES, cap);
    free(packed);
    return ok;
}

void kd_visit_keep(kd_visit *v, unsigned status, kd_headers headers, kd_str body)
{
    bool serves = false;
    if (v->gzip) {
        uint32_t kept = 0;
        kd_header *copy = kd_arena_alloc(kd_visit_arena(v), (headers.n + 1) * sizeof *copy);
        for (uint32_t i = 0; copy && i < headers.n; i++)
            if (headers.v[i].token != KD_HEADER_CONTENT_ENCODING && headers.v[i].token != KD_HEADER_CONTENT_LENGTH)
                copy[kept++] = headers.v[i];
        headers = (kd_headers){.v = copy, .n = kept, .cap = kept};
        if (copy && inflate(v, body))
            serves = kd_visit_store(v, status, &headers, kd_str_of(v->collected, v->n));
    } else {
        serves = kd_visit_store(v, status, &headers, body);
    }
    kd_visit_drop(v);
    kd_visit_end_lane(v, !serves);
}
