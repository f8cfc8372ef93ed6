/* The combination of several backends' outcomes into one: what merge and sequence share (spec/01 section 7.4). */
#ifndef KD_GATEWAY_STEPS_SUM_H
#define KD_GATEWAY_STEPS_SUM_H

#include "gateway/message.h"

typedef struct kd_sum {
    kd_arena *arena;
    kd_value *objects; /* the parts' data in order of arrival; nil data is not among them */
    uint32_t n_objects, n_parts, pending;
    kd_response *only; /* the one response so far; NULL when there is none or there were several */
    bool has_response, has_data, complete;
    kd_fault *faults, **faults_tail; /* in order of arrival */
} kd_sum;

/* For n_parts outcomes. False without memory. */
bool kd_sum_init(kd_sum *sum, kd_arena *arena, uint32_t n_parts);
/* One outcome has arrived: a fault counts, whatever else is in it; neither fault nor response is `invalid response`.
 * False without memory. */
bool kd_sum_add(kd_sum *sum, const kd_outcome *outcome);
/* What came together: of equal top-level keys the later arrival counts, as a whole. Incomplete when a part is missing,
 * failed, was incomplete or nil. Without any response only the faults. False without memory. */
bool kd_sum_result(kd_sum *sum, kd_outcome *out);
/* The members of several objects in one; of equal keys the one of the later object. KD_ABSENT without memory. */
kd_value kd_sum_union(kd_arena *arena, const kd_value *objects, uint32_t n);

#endif
