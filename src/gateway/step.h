/* What a step is: the interface between the plan and everything that takes part in a request, the gateway's own steps
 * and those of modules alike. */
#ifndef KD_GATEWAY_STEP_H
#define KD_GATEWAY_STEP_H

#include "base/error.h"
#include "config/model.h"
#include "gateway/branch.h"

struct kd_generation;
struct kd_plan;

/* Where a step stands. The stages nest in this order; gateway/order.def lists the steps of each. */
typedef enum kd_stage {
    KD_STAGE_ENTRY,    /* every routed request, the health check, 404 and 405 too */
    KD_STAGE_ENGINE,   /* the same without the health check */
    KD_STAGE_ENDPOINT, /* around the endpoint's handler */
    KD_STAGE_PROXY,    /* the endpoint's pipe */
    KD_STAGE_BACKEND   /* the pipe of one backend */
} kd_stage;

/* What a step needs of a body. The strongest of a plan decides whether it is buffered. */
typedef enum kd_body_need { KD_BODY_NONE, KD_BODY_HEAD, KD_BODY_CHUNKS, KD_BODY_WHOLE } kd_body_need;

/* What a step is compiled for. `endpoint` is NULL in the plans of 404, 405 and the built-in endpoints, `backend` outside
 * the backend stage. */
typedef struct kd_compile {
    struct kd_generation *generation;
    kd_arena *arena; /* the generation's */
    const kd_service *service;
    const kd_endpoint *endpoint;
    const kd_backend *backend;
    kd_errors *errors;
} kd_compile;

/* What compiling a step gives. */
typedef struct kd_compiled {
    const void *config;
    kd_body_need request, response;
    const kd_location *at;
} kd_compiled;

typedef struct kd_step_type {
    const char *module; /* "core", or the namespace of the module */
    const char *name;
    /* Decides whether the step takes part, and with what configuration. False: it does not (an error is in `errors`). NULL:
     * it always does. */
    bool (*compile)(const kd_compile *compile, kd_compiled *out);
    /* `state`: state_size cleared bytes of this branch. Either may be NULL. */
    kd_verdict (*enter)(kd_branch *branch, const void *config, void *state);
    kd_verdict (*leave)(kd_branch *branch, const void *config, void *state);
    uint32_t state_size;
    /* One line for `krakend explain`; may be NULL. */
    void (*explain)(const void *config, kd_buf *out);
    /* The line that KrakenD logs at start while it builds this part; may be NULL. */
    void (*log)(const struct kd_plan *plan, const void *config);
} kd_step_type;

#endif
