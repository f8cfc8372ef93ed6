/* Who the client is: what a verified token says of it, and those who may still refuse it. The validator of tokens sets
 * it on the exchange; whatever wants to know the client reads it there, or joins the refusing as a rejecter. */
#ifndef KD_GATEWAY_IDENTITY_H
#define KD_GATEWAY_IDENTITY_H

#include "gateway/step.h"

struct kd_exchange;

/* A verified client. Immutable. The exchange points to it (kd_exchange.identity) as long as steps behind the validator
 * are entered; when they have all left it is NULL again: who needs it later copies. */
typedef struct kd_identity {
    /* The token's payload, an object. Numbers are KD_ORIGIN_FLOAT64: Go decodes claims so. */
    kd_value claims;
} kd_identity;

/* Someone who may refuse a client whose token is good: the revoker, expressions. Asked in the order of registration,
 * on every request, also for a token that was verified before; the first refusal counts: 401, and the validator's log
 * line. Behind them come roles and scopes. */
typedef struct kd_rejecter {
    /* Does it take part on this endpoint, and with what configuration? Called while the endpoint, which has a
     * validator, is compiled. NULL: on all, without one. */
    bool (*compile)(const kd_compile *compile, const void **config);
    /* True refuses. Must not wait. */
    bool (*rejects)(struct kd_exchange *x, const kd_identity *identity, const void *config);
    /* Writes the lines of the start, for an endpoint on which it takes part; may be NULL. */
    void (*log)(const struct kd_plan *plan, const void *config);
} kd_rejecter;

/* Bound on the rejecters of a generation. */
#define KD_MAX_REJECTERS 4

/* Adds one, from a module's `open`: modules are opened in the order of modules.def. Borrowed. False beyond the bound.
 */
bool kd_generation_add_rejecter(struct kd_generation *generation, const kd_rejecter *rejecter);

#endif
