/* How Go prints values: %v, float64 in its forms, times. */
#ifndef KD_TEXT_GO_FORMAT_H
#define KD_TEXT_GO_FORMAT_H

#include "base/buf.h"
#include "base/clock.h"
#include "text/value.h"

/* float64 as encoding/json writes it (spec/01 section 15.4). */
void kd_go_float_json(kd_buf *out, double v);
/* float64 as %v prints it: shortest digits, exponent form below 1e-4 and from 1e+06 on, which has at least two exponent
 * digits (spec/01 section 15.5). */
void kd_go_float_v(kd_buf *out, double v);
/* strconv.FormatFloat(v, 'E', -1, 32): 42 → 4.2E+01. */
void kd_go_float_e32(kd_buf *out, double v);
/* strconv.FormatFloat(v, 'f', -1, 64). */
void kd_go_float_f(kd_buf *out, double v);
/* fmt.Sprintf("%v") of decoded data: <nil>, [a b], map[k:v …] with sorted keys, literals verbatim. */
void kd_go_value_v(kd_buf *out, kd_value v);
/* The text that a sequence puts into a parameter (spec/01 section 7.5): lists joined by ',', floats as 'E' 32 bit. */
void kd_go_value_param(kd_buf *out, kd_value v);

/* time.Time.String of a wall-clock time in the local zone: "2026-11-20 18:07:54.123456789 +0000 UTC m=+5.123456789".
 * started: the monotonic distance from the process's start. */
void kd_go_time_string(kd_buf *out, kd_ns wall, kd_ns since_start);

#endif
