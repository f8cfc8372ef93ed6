/* The slow reader: what Go's encoding/json makes of a text that yyjson refuses. It names Go's error, or tells where the
 * first value lies and whether its strings hold what Go replaces by U+FFFD. */
#ifndef KD_TEXT_JSON_GO_H
#define KD_TEXT_JSON_GO_H

#include "base/buf.h"

typedef struct kd_json_scan {
    size_t start, end;   /* the first value; `end` is where an error was found */
    size_t grows;        /* bytes that repairing adds at most */
    bool dirty;          /* strings need repair */
    uint8_t byte;        /* the byte that is not allowed */
    const char *context; /* "looking for beginning of value" …; NULL: the text ended, see `blank` */
    bool blank;          /* there was nothing but white space */
} kd_json_scan;

/* Checks the first value of the text. True when Go accepts it. Needs no memory; nesting is limited to
 * KD_JSON_MAX_DEPTH. */
bool kd_json_scan_text(kd_str text, kd_json_scan *out);
/* Room for any text of kd_json_scan_error. */
#define KD_JSON_ERROR_MAX 96
/* Go's words for a failed scan. */
void kd_json_scan_error(const kd_json_scan *scan, kd_buf *out);
/* Writes the value that a scan found, with bad bytes and lone surrogates replaced, to `to`, which has room for
 * end - start + grows bytes. Returns its length. */
size_t kd_json_repair(kd_str text, const kd_json_scan *scan, char *to);

#endif
