#include "http/h2_memory.h"

#include "base/ledger.h"

#include <stdlib.h>

#define SLAB ((size_t)32 * 1024) /* what is reserved in the ledger at a time */

/* In front of each block. */
typedef struct kd_h2_block {
    size_t size; /* of the whole, this head included */
    union {
        struct kd_h2_block *next; /* while it is free */
        uint64_t align;
    };
} kd_h2_block;

/* The class of blocks of that size, KD_H2_CLASSES when it is above all. */
static unsigned class_of(size_t size)
{
    unsigned class = 0;
    for (size_t most = 64; class < KD_H2_CLASSES && size > most; most *= 2)
        class ++;
    return class;
}

static bool reserve(kd_h2_memory *memory, size_t n)
{
    if (memory->credit < n) {
        size_t more = n > SLAB ? n : SLAB;
        if (!kd_ledger_reserve(KD_ACCOUNT_HTTP2, more))
            return false;
        memory->credit += more;
    }
    memory->credit -= n;
    return true;
}

static void unreserve(kd_h2_memory *memory, size_t n)
{
    memory->credit += n;
    if (memory->credit < 2 * SLAB)
        return;
    kd_ledger_release(KD_ACCOUNT_HTTP2, memory->credit - SLAB);
    memory->credit = SLAB;
}

static void *take(size_t n, void *user)
{
    kd_h2_memory *memory = user;
    if (n > SIZE_MAX - 2 * sizeof(kd_h2_block))
        return NULL;
    size_t size = n + sizeof(kd_h2_block);
    unsigned class = class_of(size);
    kd_h2_block *block = NULL;
    if (class < KD_H2_CLASSES) {
        size = (size_t)64 << class;
        block = memory->free[class];
        if (block) {
            memory->free[class] = block->next;
            memory->kept -= size;
        }
    }
    if (!block) {
        if (!reserve(memory, size))
            return NULL;
        block = malloc(size);
        if (!block) {
            unreserve(memory, size);
            return NULL;
        }
        block->size = size;
    }
    memory->in_use += size;
    return block + 1;
}

static void drop(kd_h2_memory *memory, kd_h2_block *block)
{
    size_t size = block->size;
    free(block);
    unreserve(memory, size);
}

static void give(void *p, void *user)
{
    kd_h2_memory *memory = user;
    if (!p)
        return;
    kd_h2_block *block = (kd_h2_block *)p - 1;
    unsigned class = class_of(block->size);
    memory->in_use -= block->size;
    if (class == KD_H2_CLASSES || memory->kept + block->size > KD_H2_KEPT) {
        drop(memory, block);
        return;
    }
    block->next = memory->free[class];
    memory->free[class] = block;
    memory->kept += block->size;
}

static void *take_zero(size_t count, size_t n, void *user)
{
    size_t size;
    if (__builtin_mul_overflow(count, n, &size))
        return NULL;
    void *p = take(size, user);
    return p ? memset(p, 0, size) : NULL;
}

static void *change(void *p, size_t n, void *user)
{
    if (!p)
        return take(n, user);
    size_t room = ((kd_h2_block *)p - 1)->size - sizeof(kd_h2_block);
    if (n <= room)
        return p;
    void *q = take(n, user);
    if (!q)
        return NULL;
    memcpy(q, p, room);
    give(p, user);
    return q;
}

void kd_h2_memory_init(kd_h2_memory *memory)
{
    *memory = (kd_h2_memory){0};
    memory->mem = (nghttp2_mem){memory, take, give, take_zero, change};
}

void kd_h2_memory_fini(kd_h2_memory *memory)
{
    for (unsigned class = 0; class < KD_H2_CLASSES; class ++)
        for (kd_h2_block *block = memory->free[class], *next; block; block = next) {
            next = block->next;
            drop(memory, block);
        }
    kd_ledger_release(KD_ACCOUNT_HTTP2, memory->credit);
    *memory = (kd_h2_memory){0};
}
