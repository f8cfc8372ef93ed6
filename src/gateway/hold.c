#include "gateway/hold.h"

#include "base/ledger.h"
#include "gateway/exchange.h"
#include "gateway/worker.h"

#include <stdlib.h>

#define SLAB 8u /* exchanges */
/* Reading a JSON document takes so many times its size for the moment (text/json.c), on one worker or, at worst, on
 * two. */
#define READING 6u

/* ---- blocks --------------------------------------------------------------------------------------------------------
 */

void *kd_block_take(kd_exchange *x, size_t n)
{
    if (n > SIZE_MAX - sizeof(kd_block))
        return NULL;
    size_t size = n + sizeof(kd_block);
    if (!kd_ledger_reserve(KD_ACCOUNT_BODIES, size))
        return NULL;
    kd_block *block = malloc(size);
    if (!block) {
        kd_ledger_release(KD_ACCOUNT_BODIES, size);
        return NULL;
    }
    *block = (kd_block){x->blocks, size};
    x->blocks = block;
    return block + 1;
}

static kd_block **find(kd_exchange *x, const void *bytes)
{
    kd_block **link = &x->blocks;
    while (*link && (const void *)(*link + 1) != bytes)
        link = &(*link)->next;
    return link;
}

void *kd_block_grow(kd_exchange *x, void *bytes, size_t n)
{
    kd_block **link = find(x, bytes), *block = *link;
    if (!block)
        return kd_block_take(x, n);
    size_t before = block->size, size = n + sizeof *block;
    if (size < n || (size > before && !kd_ledger_reserve(KD_ACCOUNT_BODIES, size - before)))
        return NULL;
    if (size <= before)
        return bytes;
    block = realloc(block, size); /* long ones are mapped: their pages move, their bytes are not copied */
    if (!block) {
        kd_ledger_release(KD_ACCOUNT_BODIES, size - before);
        return NULL;
    }
    block->size = size;
    *link = block;
    return block + 1;
}

static void drop(kd_block **link)
{
    kd_block *block = *link;
    *link = block->next;
    kd_ledger_release(KD_ACCOUNT_BODIES, block->size);
    free(block);
}

void kd_block_give(kd_exchange *x, void *bytes)
{
    kd_block **link = find(x, bytes);
    if (*link)
        drop(link);
}

void kd_blocks_free(kd_exchange *x, const char *keep)
{
    for (kd_block **link = &x->blocks; *link;) {
        uintptr_t from = (uintptr_t)*link, at = (uintptr_t)keep;
        if (at >= from && at < from + (*link)->size)
            link = &(*link)->next;
        else
            drop(link);
    }
}

/* ---- the line ------------------------------------------------------------------------------------------------------
 */

static bool has_room(const kd_gateway_worker *worker, size_t n)
{
    size_t ceiling = kd_ledger_ceiling(), total = kd_ledger_total();
    if (!ceiling)
        return true;
    if (n >= ceiling || total >= ceiling || total + n > ceiling / 10 * 8)
        return false;
    unsigned readers = worker->net->all && worker->net->all->n > 1 ? 2 : 1;
    /* A body that is alone may always try. */
    return n <= (ceiling - total) / (1 + READING * readers) || kd_ledger_used(KD_ACCOUNT_BODIES) == 0;
}

bool kd_hold_fits(const kd_gateway_worker *worker, size_t n)
{
    return !worker->held && has_room(worker, n);
}

bool kd_hold_possible(size_t n)
{
    size_t ceiling = kd_ledger_ceiling();
    return !ceiling || n <= ceiling / 10 * 6;
}

void kd_hold(kd_gateway_worker *worker, kd_held *held)
{
    held->next = NULL;
    held->link = worker->held_tail;
    *worker->held_tail = held;
    worker->held_tail = &held->next;
}

void kd_hold_cancel(kd_gateway_worker *worker, kd_held *held)
{
    if (!held->link)
        return;
    *held->link = held->next;
    if (held->next)
        held->next->link = held->link;
    else
        worker->held_tail = held->link;
    held->link = NULL;
}

void kd_hold_resume(kd_gateway_worker *worker)
{
    while (worker->held && has_room(worker, worker->held->bytes)) {
        kd_held *held = worker->held;
        kd_hold_cancel(worker, held);
        held->on_room(held);
    }
}

/* ---- what a backend may send unasked
 * ----------------------------------------------------------------------------------- */

void kd_hold_cost(kd_gateway_worker *worker, size_t cost)
{
    kd_ledger_release(KD_ACCOUNT_SOCKETS, worker->n_counted * worker->cost);
    kd_ledger_charge(KD_ACCOUNT_SOCKETS, worker->n_counted * cost);
    worker->cost = cost;
}

void kd_hold_began(kd_gateway_worker *worker)
{
    if (KD_LIKELY(++worker->n_costly <= worker->n_counted))
        return;
    kd_ledger_charge(KD_ACCOUNT_SOCKETS, SLAB * worker->cost);
    worker->n_counted += SLAB;
}

void kd_hold_ended(kd_gateway_worker *worker)
{
    /* Not at once: a worker that swings around a slab's edge does not bother the others. */
    if (KD_LIKELY(--worker->n_costly + 2 * SLAB > worker->n_counted))
        return;
    kd_ledger_release(KD_ACCOUNT_SOCKETS, SLAB * worker->cost);
    worker->n_counted -= SLAB;
}
