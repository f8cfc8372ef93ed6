/* Chunked arenas. What is allocated in an arena lives until the arena is reset; nothing is freed alone.
 * Chunks come from a pool (one per worker, reserved in the ledger) or, without a pool, from malloc: the form for
 * configuration and tests. Neither is thread-safe: an arena and its pool belong to one thread at a time. */
#ifndef KD_BASE_ARENA_H
#define KD_BASE_ARENA_H

#include "base/bytes.h"

#define KD_CHUNK_SIZE  4096u        /* the common chunk, its header included */
#define KD_CHUNK_LARGE (64u * 1024) /* the second size that a pool keeps */

typedef struct kd_chunk {
    struct kd_chunk *next;
    size_t size; /* whole size in bytes, header included */
} kd_chunk;

typedef struct kd_chunk_pool {
    kd_chunk *small, *large; /* free chunks of the two sizes, last in first out */
    uint32_t n_small, n_large;
    uint32_t max_small, max_large; /* how many free ones are kept */
    size_t in_use;                 /* bytes handed out */
} kd_chunk_pool;

/* `keep` bytes at most stay in the free lists. The pool holds nothing at first. */
void kd_chunk_pool_init(kd_chunk_pool *pool, size_t keep);
/* Frees the free lists; chunks still handed out must be given back before. */
void kd_chunk_pool_fini(kd_chunk_pool *pool);
/* A chunk of at least `size` bytes (header included), or NULL when the ledger refuses or memory is out. */
kd_chunk *kd_chunk_take(kd_chunk_pool *pool, size_t size);
/* Gives one chunk back. */
void kd_chunk_give(kd_chunk_pool *pool, kd_chunk *chunk);
/* Returns half of what the free lists hold to the system; called when the worker is idle. */
void kd_chunk_pool_trim(kd_chunk_pool *pool);

static inline char *kd_chunk_data(kd_chunk *chunk)
{
    return (char *)(chunk + 1);
}
static inline size_t kd_chunk_room(const kd_chunk *chunk)
{
    return chunk->size - sizeof(kd_chunk);
}

typedef struct kd_arena {
    char *at, *end;
    kd_chunk *chunks;
    kd_chunk_pool *pool; /* NULL: malloc */
    size_t taken;        /* bytes of chunks held */
    size_t limit;        /* bound on `taken`; 0 means none */
    uint32_t refused;    /* allocations that failed since the last reset */
} kd_arena;

/* An arena on `pool` that never holds more than `limit` bytes of chunks (0: no limit but the ledger's). */
void kd_arena_init(kd_arena *arena, kd_chunk_pool *pool, size_t limit);
/* Gives every chunk back; the arena can be used again. */
void kd_arena_reset(kd_arena *arena);
/* The slow half of kd_arena_alloc. */
void *kd_arena_grow(kd_arena *arena, size_t n);

/* n bytes, 8-byte aligned, not cleared. NULL at the limit, when the ledger refuses, or when memory is out: the caller
 * sheds the request. */
static inline void *kd_arena_alloc(kd_arena *arena, size_t n)
{
    n = (n + 7) & ~(size_t)7;
    if (KD_LIKELY((size_t)(arena->end - arena->at) >= n)) {
        void *p = arena->at;
        arena->at += n;
        return p;
    }
    return kd_arena_grow(arena, n);
}

/* The same, cleared. */
void *kd_arena_zero(kd_arena *arena, size_t n);
/* A copy of s with a NUL behind it. p is NULL when memory is out. */
kd_str kd_arena_copy(kd_arena *arena, kd_str s);
/* printf into the arena; p is NULL when memory is out. */
kd_str kd_arena_printf(kd_arena *arena, const char *format, ...) KD_PRINTF(2, 3);

#define KD_NEW(arena, type)          ((type *)kd_arena_zero((arena), sizeof(type)))
#define KD_NEW_ARRAY(arena, type, n) ((type *)kd_arena_zero((arena), sizeof(type) * (n)))

/* Fault injection for tests: every allocation of chunks and arenas from the n-th on fails (counted over all threads),
 * 0 switches it off. Only in builds with KD_DEBUG or in tests; costs nothing on the fast path. */
void kd_arena_fail_after(long n);

#endif
