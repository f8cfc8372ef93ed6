/* Which bytes stand as they are in which part of a URL; shared by the URL sources only. */
#ifndef KD_TEXT_GO_URL_ESCAPE_H
#define KD_TEXT_GO_URL_ESCAPE_H

#include "text/go/fixed.h"

/* The parts of a URL that Go's net/url tells apart. */
typedef enum kd_url_part {
    KD_URL_PATH = 1,
    KD_URL_SEGMENT = 2,
    KD_URL_HOST = 4, /* and IPv6 zones */
    KD_URL_USER = 8,
    KD_URL_QUERY = 16,
    KD_URL_RAW_PATH = 32, /* what may stand unescaped in a path that somebody else escaped; '%' included */
} kd_url_part;

/* May the byte stand as it is in that part? */
bool kd_url_keeps(uint8_t c, kd_url_part part);
/* Appends s, with %XX for what may not stand there ('+' for a space in a query). */
void kd_url_put(kd_buf *out, kd_str s, kd_url_part part);
/* The value of a hexadecimal digit, or -1. */
int kd_url_hex(uint8_t c);
/* Is every escape of s well-formed? *any tells whether there is something to decode; else *bad is the offending text.
 */
bool kd_url_escapes_fit(kd_str s, bool query, bool *any, kd_str *bad);

/* A host[:port] without user, decoded. On failure returns false with Go's text behind `parse "…": `; *out.p and
 * error->p are NULL without memory. http or https allow one colon only. */
bool kd_url_host_parse(kd_arena *arena, kd_str scheme, kd_str host, kd_str *out, kd_str *error);
/* `invalid URL escape "%zz"`, in the arena. */
kd_str kd_url_escape_error(kd_arena *arena, kd_str bad);

#endif
