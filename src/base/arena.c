#include "base/arena.h"

#include "base/format.h"
#include "base/ledger.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>

static _Atomic long fail_countdown;

void kd_arena_fail_after(long n)
{
    atomic_store(&fail_countdown, n);
}

static bool must_fail(void)
{
    long left = atomic_load_explicit(&fail_countdown, memory_order_relaxed);
    if (KD_LIKELY(left == 0))
        return false;
    if (left == 1)
        return true;
    atomic_store_explicit(&fail_countdown, left - 1, memory_order_relaxed);
    return false;
}

static kd_chunk *chunk_allocate(size_t size)
{
    if (must_fail() || !kd_ledger_reserve(KD_ACCOUNT_CHUNKS, size))
        return NULL;
    kd_chunk *chunk = malloc(size);
    if (!chunk) {
        kd_ledger_release(KD_ACCOUNT_CHUNKS, size);
        return NULL;
    }
    chunk->size = size;
    return chunk;
}

static void chunk_free(kd_chunk *chunk)
{
    kd_ledger_release(KD_ACCOUNT_CHUNKS, chunk->size);
    free(chunk);
}

void kd_chunk_pool_init(kd_chunk_pool *pool, size_t keep)
{
    *pool = (kd_chunk_pool){0};
    pool->max_small = (uint32_t)(keep / 2 / KD_CHUNK_SIZE);
    pool->max_large = (uint32_t)(keep / 2 / KD_CHUNK_LARGE);
}

static void drop(kd_chunk **list, uint32_t *count, uint32_t until)
{
    while (*count > until) {
        kd_chunk *chunk = *list;
        *list = chunk->next;
        (*count)--;
        chunk_free(chunk);
    }
}

void kd_chunk_pool_fini(kd_chunk_pool *pool)
{
    drop(&pool->small, &pool->n_small, 0);
    drop(&pool->large, &pool->n_large, 0);
}

void kd_chunk_pool_trim(kd_chunk_pool *pool)
{
    drop(&pool->small, &pool->n_small, pool->n_small / 2);
    drop(&pool->large, &pool->n_large, pool->n_large / 2);
}

/* What a pool gives for this size. */
static size_t pool_size(size_t size)
{
    return size <= KD_CHUNK_SIZE ? KD_CHUNK_SIZE : size <= KD_CHUNK_LARGE ? KD_CHUNK_LARGE : size;
}

kd_chunk *kd_chunk_take(kd_chunk_pool *pool, size_t size)
{
    kd_chunk *chunk;
    if (KD_LIKELY(size <= KD_CHUNK_SIZE)) {
        if (KD_LIKELY((chunk = pool->small) != NULL))
            pool->small = chunk->next, pool->n_small--;
        else
            chunk = chunk_allocate(KD_CHUNK_SIZE);
    } else if (size <= KD_CHUNK_LARGE) {
        if ((chunk = pool->large) != NULL)
            pool->large = chunk->next, pool->n_large--;
        else
            chunk = chunk_allocate(KD_CHUNK_LARGE);
    } else {
        chunk = chunk_allocate(size);
    }
    if (KD_UNLIKELY(!chunk))
        return NULL;
    chunk->next = NULL;
    pool->in_use += chunk->size;
    return chunk;
}

void kd_chunk_give(kd_chunk_pool *pool, kd_chunk *chunk)
{
    pool->in_use -= chunk->size;
    if (KD_LIKELY(chunk->size == KD_CHUNK_SIZE && pool->n_small < pool->max_small)) {
        chunk->next = pool->small;
        pool->small = chunk;
        pool->n_small++;
    } else if (chunk->size == KD_CHUNK_LARGE && pool->n_large < pool->max_large) {
        chunk->next = pool->large;
        pool->large = chunk;
        pool->n_large++;
    } else {
        chunk_free(chunk);
    }
}

/* Where an arena without chunks points, so that an allocation of no bytes is not taken for a failure. */
static char nothing[8] __attribute__((aligned(8)));

void kd_arena_init(kd_arena *arena, kd_chunk_pool *pool, size_t limit)
{
    *arena = (kd_arena){.at = nothing, .end = nothing, .pool = pool, .limit = limit};
}

void kd_arena_reset(kd_arena *arena)
{
    for (kd_chunk *chunk = arena->chunks, *next; chunk; chunk = next) {
        next = chunk->next;
        if (arena->pool)
            kd_chunk_give(arena->pool, chunk);
        else
            chunk_free(chunk);
    }
    arena->chunks = NULL;
    arena->at = arena->end = nothing;
    arena->taken = 0;
    arena->refused = 0;
}

static bool within_limit(const kd_arena *arena, size_t size)
{
    return !arena->limit || (arena->taken <= arena->limit && size <= arena->limit - arena->taken);
}

/* A chunk for at least `size` bytes that keeps to the arena's limit: the usual size if that fits, else just as large
 * as needed. */
static kd_chunk *arena_chunk(kd_arena *arena, size_t size)
{
    /* Without a pool the arena holds a configuration: grow in steps that follow its size. */
    size_t usual = arena->pool ? pool_size(size) : arena->taken < 16 * KD_CHUNK_SIZE ? KD_CHUNK_SIZE : KD_CHUNK_LARGE;
    if (usual < size)
        usual = size;
    if (within_limit(arena, usual))
        return arena->pool ? kd_chunk_take(arena->pool, usual) : chunk_allocate(usual);
    if (!within_limit(arena, size))
        return NULL;
    kd_chunk *chunk = chunk_allocate(size);
    if (chunk && arena->pool)
        arena->pool->in_use += size;
    return chunk;
}

void *kd_arena_grow(kd_arena *arena, size_t n)
{
    kd_chunk *chunk = n > SIZE_MAX / 2 ? NULL : arena_chunk(arena, n + sizeof(kd_chunk));
    if (!chunk) {
        arena->refused++;
        return NULL;
    }
    arena->taken += chunk->size;
    char *data = kd_chunk_data(chunk), *end = (char *)chunk + chunk->size;
    if (arena->chunks && end - (data + n) < arena->end - arena->at) {
        /* The current chunk has more room left: the new one goes behind it. */
        chunk->next = arena->chunks->next;
        arena->chunks->next = chunk;
        return data;
    }
    chunk->next = arena->chunks;
    arena->chunks = chunk;
    arena->at = data + n;
    arena->end = end;
    return data;
}

void *kd_arena_zero(kd_arena *arena, size_t n)
{
    void *p = kd_arena_alloc(arena, n);
    return p ? memset(p, 0, n) : NULL;
}

kd_str kd_arena_copy(kd_arena *arena, kd_str s)
{
    char *p = kd_arena_alloc(arena, s.n + 1);
    if (!p)
        return (kd_str){NULL, 0};
    if (s.n)
        memcpy(p, s.p, s.n);
    p[s.n] = 0;
    return (kd_str){p, s.n};
}

kd_str kd_arena_printf(kd_arena *arena, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    size_t n = kd_format(NULL, 0, format, args);
    va_end(args);
    char *p = kd_arena_alloc(arena, n + 1);
    if (p)
        kd_format(p, n + 1, format, again);
    va_end(again);
    return p ? (kd_str){p, n} : (kd_str){NULL, 0};
}
