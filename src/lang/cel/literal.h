/* The values of literals, as cel-go reads them. Not for use outside this folder. */
#ifndef KD_LANG_CEL_LITERAL_H
#define KD_LANG_CEL_LITERAL_H

#include "lang/cel/scan.h"

/* The value of a literal token, `negative` with a '-' before it (INT and FLOAT only). False with *error, cel-go's
 * text; its p is NULL without memory. */
bool kd_cel_literal(kd_arena *arena, const kd_cel_token *token, bool negative, kd_cel_value *value, kd_str *error);

#endif
