/* Time. The monotonic clock counts nanoseconds and only moves forward; differences saturate at zero. */
#ifndef KD_BASE_CLOCK_H
#define KD_BASE_CLOCK_H

#include "base/bytes.h"

typedef int64_t kd_ns; /* nanoseconds: a duration or a point on the monotonic clock */

#define KD_US     ((kd_ns)1000)
#define KD_MS     ((kd_ns)1000000)
#define KD_SECOND ((kd_ns)1000000000)

/* Now on the monotonic clock. */
kd_ns kd_clock_monotonic(void);
/* Now in nanoseconds since 1970. */
kd_ns kd_clock_wall(void);
/* later - earlier, never below zero. */
static inline kd_ns kd_elapsed(kd_ns earlier, kd_ns later)
{
    return later > earlier ? later - earlier : 0;
}

/* "Fri, 20 Nov 2026 18:08:05 GMT": 29 bytes, no NUL (RFC 9110 section 5.6.7). */
void kd_clock_http_date(char to[29], int64_t unix_seconds);

#endif
