#include "text/utf8.h"

static bool is_tail(uint8_t c)
{
    return (c & 0xc0) == 0x80;
}

static size_t bad(uint32_t *rune)
{
    *rune = KD_RUNE_BAD;
    return 1;
}

size_t kd_utf8_decode(const char *p, size_t n, uint32_t *rune)
{
    const uint8_t *s = (const uint8_t *)p;
    uint8_t c = s[0];
    if (c < 0x80) {
        *rune = c;
        return 1;
    }
    if (c < 0xc2 || c > 0xf4 || n < 2 || !is_tail(s[1]))
        return bad(rune);
    if (c < 0xe0) {
        *rune = (uint32_t)(c & 0x1f) << 6 | (s[1] & 0x3f);
        return 2;
    }
    if (n < 3 || !is_tail(s[2]))
        return bad(rune);
    if (c < 0xf0) {
        uint32_t r = (uint32_t)(c & 0x0f) << 12 | (uint32_t)(s[1] & 0x3f) << 6 | (s[2] & 0x3f);
        if (r < 0x800 || (r >= 0xd800 && r < 0xe000))
            return bad(rune);
        *rune = r;
        return 3;
    }
    if (n < 4 || !is_tail(s[3]))
        return bad(rune);
    uint32_t r = (uint32_t)(c & 7) << 18 | (uint32_t)(s[1] & 0x3f) << 12 | (uint32_t)(s[2] & 0x3f) << 6 | (s[3] & 0x3f);
    if (r < 0x10000 || r > 0x10ffff)
        return bad(rune);
    *rune = r;
    return 4;
}

size_t kd_utf8_encode(char *to, uint32_t rune)
{
    uint8_t *q = (uint8_t *)to;
    if (rune < 0x80) {
        q[0] = (uint8_t)rune;
        return 1;
    }
    if (rune < 0x800) {
        q[0] = (uint8_t)(0xc0 | rune >> 6);
        q[1] = (uint8_t)(0x80 | (rune & 0x3f));
        return 2;
    }
    if (rune < 0x10000) {
        q[0] = (uint8_t)(0xe0 | rune >> 12);
        q[1] = (uint8_t)(0x80 | (rune >> 6 & 0x3f));
        q[2] = (uint8_t)(0x80 | (rune & 0x3f));
        return 3;
    }
    q[0] = (uint8_t)(0xf0 | rune >> 18);
    q[1] = (uint8_t)(0x80 | (rune >> 12 & 0x3f));
    q[2] = (uint8_t)(0x80 | (rune >> 6 & 0x3f));
    q[3] = (uint8_t)(0x80 | (rune & 0x3f));
    return 4;
}

bool kd_utf8_valid(kd_str s)
{
    for (size_t i = 0; i < s.n;) {
        if ((uint8_t)s.p[i] < 0x80) {
            i++;
            continue;
        }
        uint32_t rune;
        size_t n = kd_utf8_decode(s.p + i, s.n - i, &rune);
        if (n == 1)
            return false;
        i += n;
    }
    return true;
}
