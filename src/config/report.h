/* Findings as text for people and editors: one line each, in the form of compilers. */
#ifndef KD_CONFIG_REPORT_H
#define KD_CONFIG_REPORT_H

#include "base/buf.h"
#include "base/error.h"

#define KD_REPORT_MAX 100

/* Appends the findings of at least `least` severity, in order of discovery:
 * krakend.json:12:3: error: endpoints[0].timeout: expected …; did you mean "x"?
 * A place that was included is followed by where from. At most KD_REPORT_MAX errors and as many warnings and notes are
 * written; a count of the others closes the list. */
void kd_report_write(kd_buf *out, const kd_errors *errors, kd_severity least);

#endif
