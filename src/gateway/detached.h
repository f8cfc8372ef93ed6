/* Detached exchanges: pipes that run for nobody, such as shadows. Each is a root of its own: own memory, own deadline,
 * its front swallows everything. It starts in a later turn than the request it copies and lives as long as it needs,
 * whatever becomes of that request; it is neither logged nor counted as a request. Bounded on each worker:
 * KD_DETACHED_MAX at a time, none begins while they hold KD_DETACHED_BYTES, and one alone never takes more than
 * KD_DETACHED_EACH beyond the request it copies. What is above a bound is dropped and counted. */
#ifndef KD_GATEWAY_DETACHED_H
#define KD_GATEWAY_DETACHED_H

#include "gateway/exchange.h"

#define KD_DETACHED_MAX   1024u
#define KD_DETACHED_BYTES (256u * 1024 * 1024)
#define KD_DETACHED_EACH  (64u * 1024 * 1024)

/* Runs that range of the branch's plan with a copy of the branch's request (its body must be kept, or is none) and
 * states of its own, at most for `timeout`. False: dropped, for want of memory or at a bound. */
bool kd_detached_start(const kd_branch *branch, const kd_range *range, kd_ns timeout);
/* Ends all of a worker; before its client side is closed. */
void kd_detached_cancel_all(struct kd_gateway_worker *worker);

#endif
