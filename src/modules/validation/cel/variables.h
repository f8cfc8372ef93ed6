/* What an expression of validation/cel may see: the values of its variables in each phase (spec/05 section 2.5). */
#ifndef KD_MODULES_VALIDATION_CEL_VARIABLES_H
#define KD_MODULES_VALIDATION_CEL_VARIABLES_H

#include "base/clock.h"
#include "gateway/message.h"
#include "modules/validation/cel/definitions.h"

/* What there is in the phase: the rest is NULL. Values are made when an expression asks for them, and kept. */
typedef struct kd_cel_scene {
    kd_arena *arena;
    kd_request *request;
    const kd_response *response;
    const kd_value *claims;
    kd_ns now;                       /* wall clock */
    kd_cel_value made[KD_CEL_NAMES]; /* type KD_CEL_ERROR without text: not made yet */
} kd_cel_scene;

/* A kd_cel_resolve; the context is a scene. Undefined in its phase, or without memory: false. */
bool kd_cel_scene_resolve(void *scene, uint32_t variable, kd_cel_value *value);

#endif
