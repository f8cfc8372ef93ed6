#include "text/go/header.h"

/* tchar of RFC 9110 section 5.6.2, one bit per byte below 128. */
static const uint32_t token_bits[4] = {0, 0x03ff6cfa, 0xc7fffffe, 0x57ffffff};

static bool is_token(uint8_t c)
{
    return c < 128 && (token_bits[c >> 5] >> (c & 31) & 1);
}

bool kd_go_header_valid_name(kd_str name)
{
    for (size_t i = 0; i < name.n; i++)
        if (!is_token((uint8_t)name.p[i]))
            return false;
    return name.n > 0;
}

bool kd_go_header_canonical(char *name, size_t n)
{
    if (!kd_go_header_valid_name((kd_str){name, n}))
        return n == 0;
    bool upper = true;
    for (size_t i = 0; i < n; i++) {
        uint8_t c = (uint8_t)name[i];
        name[i] = (char)(upper ? kd_upper(c) : kd_lower(c));
        upper = c == '-';
    }
    return true;
}

static bool valid_bytes(const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint8_t c = (uint8_t)p[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}

#ifdef __SSE2__
#include <emmintrin.h>

/* Are these 16 bytes all allowed? */
static bool valid_block(const char *p)
{
    __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
    __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(v, _mm_set1_epi8(0x1f)), v);
    __m128i bad = _mm_andnot_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8('\t')), control);
    return _mm_movemask_epi8(_mm_or_si128(bad, _mm_cmpeq_epi8(v, _mm_set1_epi8(0x7f)))) == 0;
}

bool kd_go_header_valid_value(kd_str value)
{
    if (value.n < 16)
        return valid_bytes(value.p, value.n);
    size_t i = 0;
    for (; i + 16 <= value.n; i += 16)
        if (!valid_block(value.p + i))
            return false;
    /* The last block overlaps the one before. */
    return i == value.n || valid_block(value.p + value.n - 16);
}
#else
bool kd_go_header_valid_value(kd_str value)
{
    return valid_bytes(value.p, value.n);
}
#endif
