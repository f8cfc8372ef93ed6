/* Writing the inside of a JSON string as Go does. The loop looks at 16 bytes at a time where the machine has SSE2. */
#ifndef KD_TEXT_JSON_ESCAPE_H
#define KD_TEXT_JSON_ESCAPE_H

#include "base/bytes.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* Bytes that kd_json_escape may read behind the text and write behind its result. */
#define KD_JSON_BEHIND 16

/* Writes the escaped form of the one special byte (or rune) at *at and moves on. */
char *kd_json_escape_special(char *to, const char **at, const char *end);

/* Escapes from *at until `stop` (at most two bytes further, where a rune ends); `end` is the end of the whole text.
 * Valid UTF-8 is expected. Writes at most 6 bytes for each byte, and garbage into KD_JSON_BEHIND bytes behind. Reads
 * KD_JSON_BEHIND bytes behind `stop`. Returns the end of what was written. */
static inline char *kd_json_escape(char *to, const char **at, const char *stop, const char *end)
{
    const char *s = *at;
#ifdef __SSE2__
    const __m128i control = _mm_set1_epi8(0x1f), quote = _mm_set1_epi8('"' | 4), angle = _mm_set1_epi8('<' | 2);
    const __m128i backslash = _mm_set1_epi8('\\'), wide = _mm_set1_epi8((char)0xe2);
    const __m128i two = _mm_set1_epi8(2), four = _mm_set1_epi8(4);
    while (s < stop) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)s);
        _mm_storeu_si128((__m128i *)(void *)to, v);
        /* '<' and '>' differ in one bit, and so do '"' and '&'. */
        __m128i hit =
            _mm_or_si128(_mm_cmpeq_epi8(_mm_or_si128(v, two), angle), _mm_cmpeq_epi8(_mm_or_si128(v, four), quote));
        hit = _mm_or_si128(hit, _mm_or_si128(_mm_cmpeq_epi8(v, backslash), _mm_cmpeq_epi8(v, wide)));
        hit = _mm_or_si128(hit, _mm_cmpeq_epi8(_mm_min_epu8(v, control), v));
        unsigned mask = (unsigned)_mm_movemask_epi8(hit);
        size_t left = (size_t)(stop - s);
        unsigned n = mask ? (unsigned)__builtin_ctz(mask) : 16;
        if (n >= left) {
            to += left;
            s = stop;
            break;
        }
        s += n;
        to += n;
        if (mask)
            to = kd_json_escape_special(to, &s, end);
    }
#else
    static const uint8_t special[256] = {
        [0 ... 31] = 1, ['"'] = 1, ['\\'] = 1, ['<'] = 1, ['>'] = 1, ['&'] = 1, [0xe2] = 1};
    while (s < stop) {
        if (special[(uint8_t)*s])
            to = kd_json_escape_special(to, &s, end);
        else
            *to++ = *s++;
    }
#endif
    *at = s;
    return to;
}

#endif
