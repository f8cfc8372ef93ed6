/* The child branches of a step, and what several branching steps ask about the backends they hold. */
#ifndef KD_GATEWAY_STEPS_PART_H
#define KD_GATEWAY_STEPS_PART_H

#include "gateway/steps/core.h"

typedef struct kd_part {
    kd_branch branch;
    kd_request request; /* the branch's copy */
} kd_part;

/* A block of an endpoint's or backend's `proxy` namespace; NULL when the namespace is no object. */
static inline const kd_node *kd_core_proxy(const kd_extras *extras)
{
    return kd_extra_find(extras, KD_STR("proxy"));
}

/* Is `proxy.sequential` true, and are there several backends for it? */
bool kd_core_is_sequence(const kd_compile *compile);
/* KrakenD panics at start on options of a merge that are no texts (spec/01 section 2.6); here each is an error of the
 * file. */
void kd_core_check_merge(const kd_compile *compile);
/* Does a sequence hand the whole body of this (no-op) backend on, by a parameter respN without a path? */
bool kd_core_sequence_wants_body(const kd_compile *compile);
/* Do all backends of the set use methods that are safe? Else the client's body goes to every one of them. */
bool kd_core_is_safe(const kd_compile *compile);
/* The line that KrakenD logs of a merge, parallel or not. */
void kd_core_log_merge(const kd_plan *plan, uint32_t n, bool sequential);

#endif
