/* Go's strconv parsing, as mapstructure uses it. */
#ifndef KD_TEXT_GO_NUMBER_H
#define KD_TEXT_GO_NUMBER_H

#include "base/bytes.h"

/* strconv.ParseInt(s, 0, 64): sign, 0x 0o 0b and leading-0 octal prefixes, '_' between digits. False: *error is
 * "invalid syntax" or "value out of range" (static). */
bool kd_go_int_parse(kd_str s, int64_t *out, kd_str *error);
/* strconv.ParseUint(s, 0, bits), with the largest value in place of the bits: the same without a sign. */
bool kd_go_uint_parse(kd_str s, uint64_t max, uint64_t *out, kd_str *error);
/* strconv.ParseFloat(s, 64): decimal, hexadecimal, inf, nan, '_' only with base prefix. */
bool kd_go_float_parse(kd_str s, double *out, kd_str *error);
/* strconv.ParseBool: 1 t T TRUE true True 0 f F FALSE false False. */
bool kd_go_bool_parse(kd_str s, bool *out);

#endif
