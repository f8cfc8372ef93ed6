/* Base64 (RFC 4648): the standard alphabet, padded, and the one of URLs, not padded. */
#ifndef KD_TEXT_BASE64_H
#define KD_TEXT_BASE64_H

#include "base/bytes.h"

typedef enum kd_base64_alphabet { KD_BASE64_STANDARD, KD_BASE64_URL } kd_base64_alphabet;

/* Room for the encoded form of n bytes; the decoded form never needs more than the encoded one. */
#define KD_BASE64_ROOM(n) (((size_t)(n) + 2) / 3 * 4)

/* Encodes into `out` (KD_BASE64_ROOM bytes); returns how many were written. URL: without padding. */
size_t kd_base64_write(char *out, kd_str in, kd_base64_alphabet alphabet);
/* Decodes strictly: no line breaks, no other alphabet, STANDARD with and URL without padding, no bits left over. `out`
 * may be `in`'s own memory. False when it is none. */
bool kd_base64_read(char *out, size_t *n, kd_str in, kd_base64_alphabet alphabet);

#endif
