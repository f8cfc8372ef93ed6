/* Regular expressions of a configuration: one object for each text, shared by all that use it, and kept over reloads
 * (gateway/registry.h). */
#ifndef KD_GATEWAY_EXPRESSION_H
#define KD_GATEWAY_EXPRESSION_H

#include "gateway/generation.h"
#include "lang/regex/regex.h"

/* The compiled expression, valid as long as the generation. While a generation is made (main thread). NULL: *error is
 * Go's text, in the generation's arena or static. */
const kd_regex *kd_generation_expression(kd_generation *generation, kd_str expression, kd_str *error);

#endif
