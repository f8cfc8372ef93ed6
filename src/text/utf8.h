/* UTF-8 as Go's unicode/utf8 sees it: one bad byte is one error, surrogates and overlong forms are bad. */
#ifndef KD_TEXT_UTF8_H
#define KD_TEXT_UTF8_H

#include "base/bytes.h"

#define KD_RUNE_BAD 0xfffdu

/* The rune at p[0..n), n > 0. Returns its bytes; for a bad byte 1, and *rune is KD_RUNE_BAD (a real U+FFFD has 3). */
size_t kd_utf8_decode(const char *p, size_t n, uint32_t *rune);
/* Writes a valid rune, at most 4 bytes. Returns the bytes written. */
size_t kd_utf8_encode(char *to, uint32_t rune);
/* Is the whole text valid? */
bool kd_utf8_valid(kd_str s);

#endif
