/* Values as YAML: what the library goccy/go-yaml 1.19.2 writes in KrakenD (spec/01 section 6.5). */
#ifndef KD_TEXT_YAML_EMIT_H
#define KD_TEXT_YAML_EMIT_H

#include "base/buf.h"
#include "text/value.h"

/* Appends v in block style, keys sorted, one line break at the end; null is written as an empty object when it is the
 * whole document. Numbers that came as text are strings. Where KrakenD writes what no YAML reader takes back this
 * differs: texts with control characters or a single carriage return are quoted, keys with line breaks too, and bytes
 * that are no UTF-8 become U+FFFD. False without memory or when out->failed; nothing is appended then. */
bool kd_yaml_emit(kd_buf *out, kd_value v);
/* Must the text be quoted so that it is read back as a string? */
bool kd_yaml_needs_quotes(kd_str s);

#endif
