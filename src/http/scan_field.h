/* The parts that both head scanners share: where a head and a line end, and the one form of field line that nearly
 * every message uses, found in one pass. What is not of that form is left to the profile's own slow path. */
#ifndef KD_HTTP_SCAN_FIELD_H
#define KD_HTTP_SCAN_FIELD_H

#include "http/scan.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* Classes of bytes in kd_scan_class. */
#define KD_SCAN_TOKEN   1u /* tchar, RFC 9110 section 5.6.2 */
#define KD_SCAN_HOST    2u /* what a Host may hold, RFC 3986 section 3.2.2 with port, without the comma */
#define KD_SCAN_CONTROL 4u /* below 0x20 but tab, and 0x7f */
#define KD_SCAN_TARGET  8u /* above the space but 0x7f */
extern const uint8_t kd_scan_class[256];

static inline bool kd_scan_is(char c, unsigned classes)
{
    return kd_scan_class[(uint8_t)c] & classes;
}
static inline bool kd_scan_is_space(char c)
{
    return c == ' ' || c == '\t';
}

/* A field line in its parts; `next` is the start of the following line. */
typedef struct kd_scan_field {
    char *name, *value;
    char *name_end, *value_end; /* value without white space around it */
    char *next;
    kd_token token; /* of kd_scan_field_known */
} kd_scan_field;

#ifdef __SSE2__
static inline __m128i kd_scan_load(const char *p)
{
    return _mm_loadu_si128((const __m128i *)(const void *)p);
}

/* 0x20 in each byte that is a letter. */
static inline __m128i kd_scan_letters(__m128i bytes)
{
    __m128i bit = _mm_set1_epi8(0x20);
    __m128i place = _mm_sub_epi8(_mm_or_si128(bytes, bit), _mm_set1_epi8('a'));
    return _mm_and_si128(_mm_cmpeq_epi8(_mm_min_epu8(place, _mm_set1_epi8(25)), place), bit);
}

/* One bit for each byte that is no letter, digit or hyphen. */
static inline unsigned kd_scan_no_name(__m128i bytes, __m128i letters)
{
    __m128i place = _mm_sub_epi8(bytes, _mm_set1_epi8('0'));
    __m128i other = _mm_or_si128(_mm_cmpeq_epi8(_mm_min_epu8(place, _mm_set1_epi8(9)), place),
                                 _mm_cmpeq_epi8(bytes, _mm_set1_epi8('-')));
    return (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_or_si128(other, letters), _mm_setzero_si128()));
}

/* The bytes with the letters at the start (when `first`) and behind a hyphen in upper case, the others in lower. */
static inline __m128i kd_scan_recase(__m128i bytes, __m128i letters, bool first)
{
    __m128i upper = _mm_slli_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('-')), 1);
    upper = _mm_or_si128(upper, _mm_cvtsi32_si128(first ? 0xff : 0));
    return _mm_or_si128(_mm_andnot_si128(letters, bytes), _mm_andnot_si128(upper, letters));
}
#endif

/* Writes the canonical form of a token over it: upper case at the start and behind '-', else lower case (spec/01
 * section 15.1). */
static inline void kd_scan_canonical(char *p, const char *name_end)
{
    bool upper = true;
    for (; p < name_end; p++) {
        uint8_t c = (uint8_t)*p;
        *p = (char)(upper ? kd_upper(c) : kd_lower(c));
        upper = c == '-';
    }
}

/* The first byte from p on that is no token byte, or `end`. */
static inline char *kd_scan_name_end(char *p, char *end)
{
    while (p < end && kd_scan_is(*p, KD_SCAN_TOKEN))
        p++;
    return p;
}

/* The first control byte from p on, or `end`. */
static inline char *kd_scan_value_end(char *p, char *end)
{
#ifdef __SSE2__
    while (KD_LIKELY(end - p >= 16)) {
        __m128i bytes = kd_scan_load(p);
        __m128i low = _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(0x1f)), bytes);
        unsigned found = (unsigned)_mm_movemask_epi8(_mm_or_si128(low, _mm_cmpeq_epi8(bytes, _mm_set1_epi8(0x7f))));
        if (found) {
            p += __builtin_ctz(found);
            if (KD_LIKELY(*p != '\t'))
                return p;
            p++;
        } else {
            p += 16;
        }
    }
#endif
    while (p < end && !kd_scan_is(*p, KD_SCAN_CONTROL))
        p++;
    return p;
}

/* Cuts white space off both ends of a value. */
static inline void kd_scan_trim(kd_scan_field *field)
{
    char *value = field->value, *end = field->value_end;
    while (value < end && kd_scan_is_space(*value))
        value++;
    while (end > value && kd_scan_is_space(end[-1]))
        end--;
    field->value = value;
    field->value_end = end;
}

/* A line `token: value CRLF` at p; its name becomes canonical. False when it is anything else or not yet complete; then
 * nothing has changed. */
static inline bool kd_scan_field_plain(char *p, char *end, kd_scan_field *field)
{
    char *colon = p;
#ifdef __SSE2__
    __m128i bytes = _mm_setzero_si128(), recased = bytes;
    unsigned name_bits = 0;
    if (KD_LIKELY(end - p >= 16)) {
        bytes = kd_scan_load(p);
        __m128i letters = kd_scan_letters(bytes);
        unsigned other = kd_scan_no_name(bytes, letters);
        recased = kd_scan_recase(bytes, letters, true);
        if (KD_LIKELY(other != 0)) {
            colon = p + __builtin_ctz(other);
            name_bits = ~other & (other - 1);
        }
    }
    if (KD_UNLIKELY(name_bits == 0 || *colon != ':')) {
        name_bits = 0;
        colon = kd_scan_name_end(p, end);
    }
#else
    colon = kd_scan_name_end(p, end);
#endif
    if (KD_UNLIKELY(colon == end || *colon != ':' || colon == p || colon - p > UINT16_MAX))
        return false;
    char *stop = kd_scan_value_end(colon + 1, end);
    if (KD_UNLIKELY(end - stop < 2 || stop[0] != '\r' || stop[1] != '\n'))
        return false;
    *field = (kd_scan_field){.name = p, .name_end = colon, .value = colon + 1, .value_end = stop, .next = stop + 2};
    kd_scan_trim(field);
#ifdef __SSE2__
    if (KD_LIKELY(name_bits != 0)) {
        if (~(unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, recased)) & name_bits) {
            char to[16];
            _mm_storeu_si128((__m128i *)(void *)to, recased);
            memcpy(p, to, (size_t)(colon - p));
        }
        return true;
    }
#endif
    kd_scan_canonical(p, colon);
    return true;
}

/* The same for a line whose name stands at this place of the memo; else false. Sets the token too. */
static inline bool kd_scan_field_known(char *p, char *end, const kd_headers *headers, unsigned line,
                                       kd_scan_field *field)
{
#ifdef __SSE2__
    if (KD_UNLIKELY(!headers->memo || line >= KD_SCAN_MEMO_LINES || end - p < KD_SCAN_MEMO_NAME))
        return false;
    const char *text = headers->memo->lines[line].text;
    unsigned n = headers->memo->lines[line].n;
    uint64_t same = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(kd_scan_load(p), kd_scan_load(text)));
    if (n > 16)
        same |= (uint64_t)(unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(kd_scan_load(p + 16), kd_scan_load(text + 16)))
                << 16;
    if (n == 0 || (~same & ((UINT64_C(1) << n) - 1)))
        return false;
    char *stop = kd_scan_value_end(p + n, end);
    if (KD_UNLIKELY(end - stop < 2 || stop[0] != '\r' || stop[1] != '\n'))
        return false;
    *field = (kd_scan_field){.name = p,
                             .name_end = p + n - 2,
                             .value = p + n,
                             .value_end = stop,
                             .next = stop + 2,
                             .token = (kd_token)headers->memo->lines[line].token};
    kd_scan_trim(field);
    return true;
#else
    (void)p, (void)end, (void)headers, (void)line, (void)field;
    return false;
#endif
}

/* Keeps the name of a line of the plain form, which kd_scan_field_known did not know. */
static inline void kd_scan_remember(const kd_headers *headers, unsigned line, const kd_scan_field *field,
                                    kd_token token)
{
    size_t n = (size_t)(field->name_end - field->name) + 2;
    if (!headers->memo || line >= KD_SCAN_MEMO_LINES)
        return;
    if (n > KD_SCAN_MEMO_NAME || field->name_end[1] != ' ')
        n = 0;
    memcpy(headers->memo->lines[line].text, field->name, n);
    headers->memo->lines[line].n = (uint8_t)n;
    headers->memo->lines[line].token = (uint8_t)token;
}

/* Appends the field; false without memory. `flags`: KD_HEADER_CHECKED for a line of the plain form. */
static inline bool kd_scan_append(kd_headers *headers, const kd_scan_field *field, kd_token token, unsigned flags)
{
    kd_header *header = KD_LIKELY(headers->n < headers->cap) ? &headers->v[headers->n] : kd_headers_room(headers);
    if (KD_UNLIKELY(!header))
        return false;
    header->name = field->name;
    header->value = field->value;
    header->value_n = (uint32_t)(field->value_end - field->value);
    header->name_n = (uint16_t)(field->name_end - field->name);
    header->token = (uint8_t)token;
    header->flags = (uint8_t)flags;
    headers->n++;
    return true;
}

/* What a call that continues an incomplete head found in the new bytes. */
typedef enum kd_scan_news {
    KD_SCAN_NEWS_NONE, /* nothing that could end the head or be an error */
    KD_SCAN_NEWS_SCAN  /* the head has to be scanned: it has ended, or a line must be judged */
} kd_scan_news;

/* Looks at buf[seen..n) and at the lines that became complete there, at a cost of their length only, so that a peer who
 * sends byte by byte cannot make us scan its head again and again. */
kd_scan_news kd_scan_look(const char *buf, size_t n, size_t seen, bool tolerant);
/* Is the empty line that ends a head in p..end? p is the start of a line or any place in one. */
bool kd_scan_has_end(const char *p, const char *end);
/* Sets *close or *keep when the list of a Connection field holds that option, in any case; clears neither (RFC 9110
 * section 7.6.1). */
void kd_scan_connection(kd_str value, bool *close, bool *keep);
/* Is the word in the value, between spaces, tabs and commas, in any case? */
bool kd_scan_has_word(kd_str value, kd_str word);
/* Does a Trailer field announce one that decides framing? net/http refuses these: Transfer-Encoding, Trailer,
 * Content-Length. *key is the offender in canonical form. */
bool kd_scan_trailer_bad(kd_str value, kd_token *key);
/* A Content-Length: digits only, at most 2^63 - 1 (RFC 9110 section 8.6; Go's ParseUint with 63 bits). */
bool kd_scan_length(kd_str value, uint64_t *length);

#endif
