/* The request's body kept whole, for pipes with several readers: parallel calls of unsafe methods, sequences, shadows,
 * and everything that has to see all of it. It is read once, into one list of pieces in the exchange's memory; any
 * number of readers walk the list. */
#ifndef KD_GATEWAY_BODY_H
#define KD_GATEWAY_BODY_H

#include "gateway/branch.h"

/* Bound of a kept body; a longer one is answered with 413. The ledger may refuse earlier: 503. */
#define KD_BODY_MAX (1024u * 1024 * 1024)

typedef struct kd_body_piece {
    struct kd_body_piece *next;
    uint32_t n, cap;
    char bytes[];
} kd_body_piece;

typedef struct kd_body {
    kd_body_piece *first, *last; /* NULL: empty */
    uint64_t n;
    bool ended;         /* all of it is here, or `failure` says why not */
    kd_failure failure; /* NONE: it is whole */
    struct kd_body_waiter *waiters;
} kd_body;

/* A body of no bytes. */
extern const kd_body kd_body_empty;

/* Makes branch->request->body the whole body. The step that asks calls this when it is entered and goes on when the
 * answer is KD_NEXT; KD_WAIT (return it: the step will be entered again) and KD_FAIL (the fault is set) are what it
 * returns. What another reader has taken as a stream is empty here, as in KrakenD (spec/01 section 7.4). */
kd_verdict kd_body_keep(kd_branch *branch);
/* All of it in one piece, borrowed where it is one already; p is NULL without memory. */
kd_str kd_body_text(const kd_body *body, kd_arena *arena);
/* A copy in that arena. NULL without memory. */
const kd_body *kd_body_clone(const kd_body *body, kd_arena *arena);

#endif
