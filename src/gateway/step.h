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

/* What a step is compiled for. `endpoint` is NULL in the plans of 404, 405 and the built-in endpoints, `backend`
 * outside the backend stage. */
typedef struct kd_compile {
    struct kd_generation *generation;
    kd_arena *arena; /* the generation's */
    const kd_service *service;
    const kd_endpoint *endpoint;
    const kd_backend *backend;
    const kd_backend *const *set; /* the backends of this pipe: the regular ones, or the shadows */
    uint32_t n_set;
    uint32_t index; /* of `backend` in the set */
    bool branched;  /* inside a child branch: others run beside it, and what it gives lives on when its turn is over */
    kd_errors *errors;
} kd_compile;

/* What compiling a step gives. */
typedef struct kd_compiled {
    const void *config;
    kd_body_need request, response;
    uint16_t copies; /* KD_CHILDREN_REST: branches of the range at a time; 0 counts as 1 */
    const kd_location *at;
} kd_compiled;

/* What a step runs in branches of their own. The compiler lays their ranges behind the step's own range and notes them
 * in kd_step.children. */
typedef enum kd_children {
    KD_CHILDREN_NONE,
    KD_CHILDREN_BACKENDS, /* the pipe of each backend of the set; nothing follows the step in its range */
    KD_CHILDREN_REST,     /* what would follow; `copies` times with states of their own */
    KD_CHILDREN_SHADOWS /* what follows once more, for the endpoint's shadow backends, its states in a block of its own
                         */
} kd_children;

typedef struct kd_step_type {
    const char *module; /* "core", or the namespace of the module */
    const char *name;
    /* Decides whether the step takes part, and with what configuration. False: it does not (an error is in `errors`).
     * NULL: it always does. */
    bool (*compile)(const kd_compile *compile, kd_compiled *out);
    /* `state`: state_size cleared bytes of this branch. Either may be NULL. */
    kd_verdict (*enter)(kd_branch *branch, const void *config, void *state);
    kd_verdict (*leave)(kd_branch *branch, const void *config, void *state);
    uint32_t state_size;
    kd_children children;
    bool stands_alone; /* where it takes part, the steps that follow in its stage do not: it stands for them */
    /* One line for `krakend explain`; may be NULL. */
    void (*explain)(const void *config, kd_buf *out);
    /* The line that KrakenD logs at start while it builds this part; may be NULL. */
    void (*log)(const struct kd_plan *plan, const void *config);
    bool logs_first; /* of a backend's steps: its line comes before those of the steps inside, not after them */
} kd_step_type;

#endif
