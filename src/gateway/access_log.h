/* The access log: gin's line for every answer of the engine (spec/01 section 4.10, spec/04 section 8.5). */
#ifndef KD_GATEWAY_ACCESS_LOG_H
#define KD_GATEWAY_ACCESS_LOG_H

#include "gateway/generation.h"

/* Adds the end hook, unless the configuration switches the log off. `colour`: stdout is a terminal. False without
 * memory. */
bool kd_access_log_install(kd_generation *generation, bool colour);

#endif
