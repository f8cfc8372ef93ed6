/* Go's time.ParseDuration and Duration.String. */
#ifndef KD_TEXT_GO_DURATION_H
#define KD_TEXT_GO_DURATION_H

#include "base/clock.h"

/* Parses as time.ParseDuration (spec/01 section 15.2). On failure returns false and *error is Go's text without the
 * value, one of: "time: invalid duration", "time: missing unit in duration", "time: unknown unit" (static). */
bool kd_go_duration_parse(kd_str s, kd_ns *out, kd_str *error);

#define KD_GO_DURATION_MAX 32
/* Writes as Duration.String ("1m0.5s", "4.529µs", "0s"), no NUL. Returns the bytes written. */
size_t kd_go_duration_write(char to[KD_GO_DURATION_MAX], kd_ns d);
/* gin's access log: above 1 min to 10 s, above 1 s to 10 ms, above 1 ms to 10 µs (spec/01 section 4.10). */
kd_ns kd_go_duration_gin(kd_ns d);

#endif
