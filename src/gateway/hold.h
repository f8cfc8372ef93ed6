/* Memory that one exchange takes beyond its arena, and who has to wait for it.
 *
 * A body above KD_HOLD_FROM that is kept whole lies in a block of its own, counted in the account of bodies, so that it
 * can be given back as soon as the answer is rendered, long before a slow client has taken it. A body of stated length
 * takes all its room at once: what is let in completes. While memory is short (KD_PRESSURE_BODIES) calls whose body is
 * to be collected wait in a line of their worker; their endpoint's deadline bounds the wait.
 *
 * An exchange also counts with what its backend may send into the kernel's buffer before anybody reads (kd_limits'
 * exchange_cost), until its answer is on its way. */
#ifndef KD_GATEWAY_HOLD_H
#define KD_GATEWAY_HOLD_H

#include "base/ledger.h"

#define KD_HOLD_FROM (64u * 1024)

struct kd_exchange;
struct kd_gateway_worker;

/* A block; its bytes follow it. */
typedef struct kd_block {
    struct kd_block *next;
    size_t size; /* with this head */
} kd_block;

/* n bytes that live until kd_blocks_free. NULL when the ledger refuses. */
void *kd_block_take(struct kd_exchange *x, size_t n);
/* The same block with room for n bytes, moved if need be; `bytes` must be one of this exchange's blocks or NULL. NULL:
 * the ledger refuses, and the old one is still there. */
void *kd_block_grow(struct kd_exchange *x, void *bytes, size_t n);
/* Gives one back early. */
void kd_block_give(struct kd_exchange *x, void *bytes);
/* Gives all back that `keep` does not point into. */
void kd_blocks_free(struct kd_exchange *x, const char *keep);

/* A call that waits for memory; lies in its owner's memory. */
typedef struct kd_held {
    struct kd_held *next, **link;
    size_t bytes;
    void (*on_room)(struct kd_held *held);
} kd_held;

/* May a body of n bytes be collected now? Nobody overtakes those who wait. */
bool kd_hold_fits(const struct kd_gateway_worker *worker, size_t n);
/* Could it be, if nothing else were there? */
bool kd_hold_possible(size_t n);
/* Puts it at the end of the line; on_room comes at the end of a turn in which there is room, never within this call. */
void kd_hold(struct kd_gateway_worker *worker, kd_held *held);
/* Takes it out of the line; harmless when it is not in it. */
void kd_hold_cancel(struct kd_gateway_worker *worker, kd_held *held);
/* Lets in those for whom there is room now. */
void kd_hold_resume(struct kd_gateway_worker *worker);

/* Is memory so short that no new request is let in? Above KD_PRESSURE_SHED, or when the kernel may hold a quarter of
 * it.
 */
static inline bool kd_hold_is_full(void)
{
    size_t ceiling = kd_ledger_ceiling();
    return ceiling && (kd_ledger_total() > ceiling / 10 * 9 || kd_ledger_used(KD_ACCOUNT_SOCKETS) > ceiling / 4);
}

/* The cost of one has changed. */
void kd_hold_cost(struct kd_gateway_worker *worker, size_t cost);
/* Counts an exchange's kernel memory, and takes it off again. The ledger is told in slabs of eight. */
void kd_hold_began(struct kd_gateway_worker *worker);
void kd_hold_ended(struct kd_gateway_worker *worker);

#endif
