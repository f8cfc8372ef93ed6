/* Base64 as Go's decoders read it, which are more tolerant than text/base64.h: line breaks are skipped, and the bits
 * behind the last byte may be anything. Tokens and keys that KrakenD accepts must be accepted. */
#ifndef KD_LANG_JOSE_BASE64_H
#define KD_LANG_JOSE_BASE64_H

#include "base/arena.h"

/* Where the first byte that is not allowed stands; for Go's text. */
typedef struct kd_jose_base64 {
    size_t bad;     /* after a failure */
    bool canonical; /* after a success: the text is exactly what encoding the result gives */
} kd_jose_base64;

/* The alphabet of URLs; any number of '=' at the end is ignored (RFC 7515 appendix C). In the arena; p is NULL without
 * memory. False: info->bad. */
bool kd_jose_base64url(kd_arena *arena, kd_str text, kd_str *out, kd_jose_base64 *info);
/* The same alphabet with the padding that must be there. */
bool kd_jose_base64url_padded(kd_arena *arena, kd_str text, kd_str *out, kd_jose_base64 *info);
/* The standard alphabet, padding must be there (RFC 4648 section 4). */
bool kd_jose_base64_padded(kd_arena *arena, kd_str text, kd_str *out, kd_jose_base64 *info);
/* "illegal base64 data at input byte N", in the arena. */
kd_str kd_jose_base64_error(kd_arena *arena, const kd_jose_base64 *info);
/* Encodes for URLs, without padding, in the arena; p is NULL without memory. */
kd_str kd_jose_base64url_write(kd_arena *arena, kd_str bytes);

#endif
