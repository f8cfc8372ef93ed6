/* The compiler: from an endpoint to its plan. */
#ifndef KD_GATEWAY_COMPILE_H
#define KD_GATEWAY_COMPILE_H

#include "gateway/generation.h"

/* Finds the step of each line of order.def among the gateway's own and those of the registered modules. Before the
 * plans of a generation are compiled; main thread. */
void kd_steps_resolve(void);
/* The plan of an endpoint. An endpoint whose component is not in this version, or whose pipe KrakenD could not build,
 * gets a plan that says so. NULL without memory. */
kd_plan *kd_plan_compile(const kd_compile *compile);
/* A plan of the gateway's own: the steps of the entry stage (and, with `engine`, of the engine stage), then `last`.
 * `config` is handed to `last` unless it compiles its own. */
kd_plan *kd_plan_own(const kd_compile *compile, kd_str name, const kd_step_type *last, const void *config, bool engine);
/* Prints the plan as an indented tree, one step a line, with source positions. */
void kd_plan_explain(const kd_plan *plan, kd_buf *out);
/* Writes the lines that KrakenD logs while it builds the pipe: from the inside out, each backend's pipe before what
 * holds it (spec/01 section 7). */
void kd_plan_log(const kd_plan *plan);
/* The same for what stands around the endpoint's handler, which KrakenD builds behind the pipe. */
void kd_plan_log_around(const kd_plan *plan);

#endif
