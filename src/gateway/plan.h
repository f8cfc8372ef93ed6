/* A compiled plan: what a route runs. Immutable, lives in its generation. */
#ifndef KD_GATEWAY_PLAN_H
#define KD_GATEWAY_PLAN_H

#include "gateway/step.h"

#define KD_PLAN_MAX_STEPS 4096

typedef struct kd_plan {
    const kd_endpoint *endpoint; /* NULL for the gateway's own routes */
    kd_str name;                 /* in logs: "/a/:id" */
    kd_str log_prefix;           /* "[ENDPOINT: /a/:id]" */
    kd_str problem;              /* why the pipe could not be built, for the log; else empty */
    kd_step *steps;              /* the root's range first, then those of its steps' children */
    uint16_t n_steps;
    kd_range root;
    uint32_t state_size;            /* of the root's block, states of child branches included */
    kd_body_need request, response; /* the strongest needs */
} kd_plan;

#endif
