/* Go's time.Parse with its layouts ("Mon, 02 Jan 2006 15:04:05 MST") and the text that encoding/json makes of a time.
 */
#ifndef KD_TEXT_GO_TIME_LAYOUT_H
#define KD_TEXT_GO_TIME_LAYOUT_H

#include "base/buf.h"

typedef struct kd_go_time {
    int64_t seconds; /* since 1970, UTC */
    int32_t nanos;
    int32_t offset; /* of the zone, in seconds */
    bool utc;       /* the text named UTC, by its name or as 'Z' */
} kd_go_time;

/* time.Parse(layout, text): false where Go returns an error. The local zone is taken for UTC, as in a container, so
 * that the name of any zone but UTC counts as offset 0, and "GMT+3" as three hours. Layouts with days of the year are
 * not known. */
bool kd_go_time_parse(kd_str layout, kd_str text, kd_go_time *out);
/* Time.MarshalJSON without its quotes: RFC 3339 in the time's zone, trailing zeros of the fraction cut. Years outside
 * 0..9999 and offsets from 24 hours on cannot be written: false, and nothing is. */
bool kd_go_time_rfc3339(kd_buf *out, const kd_go_time *t);

#endif
