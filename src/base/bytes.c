#include "base/bytes.h"

int kd_str_cmp(kd_str a, kd_str b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int r = n ? memcmp(a.p, b.p, n) : 0;
    return r ? r : (a.n > b.n) - (a.n < b.n);
}

bool kd_str_eq_ci(kd_str a, kd_str b)
{
    if (a.n != b.n)
        return false;
    for (size_t i = 0; i < a.n; i++)
        if (kd_lower((uint8_t)a.p[i]) != kd_lower((uint8_t)b.p[i]))
            return false;
    return true;
}

ptrdiff_t kd_str_find(kd_str s, char c)
{
    const char *at = s.n ? memchr(s.p, c, s.n) : NULL;
    return at ? at - s.p : -1;
}

ptrdiff_t kd_str_rfind(kd_str s, char c)
{
    const char *at = s.n ? memrchr(s.p, c, s.n) : NULL;
    return at ? at - s.p : -1;
}

ptrdiff_t kd_str_search(kd_str s, kd_str needle)
{
    if (needle.n == 0)
        return 0;
    const char *at = s.n ? memmem(s.p, s.n, needle.p, needle.n) : NULL;
    return at ? at - s.p : -1;
}

kd_str kd_str_trim(kd_str s)
{
    while (s.n && (s.p[0] == ' ' || s.p[0] == '\t'))
        s.p++, s.n--;
    while (s.n && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
        s.n--;
    return s;
}

bool kd_str_split(kd_str *rest, char separator, kd_str *piece)
{
    if (!rest->p)
        return false;
    ptrdiff_t at = kd_str_find(*rest, separator);
    if (at < 0) {
        *piece = *rest;
        *rest = (kd_str){NULL, 0};
        return true;
    }
    *piece = (kd_str){rest->p, (size_t)at};
    *rest = (kd_str){rest->p + at + 1, rest->n - (size_t)at - 1};
    return true;
}

bool kd_str_to_u64(kd_str s, uint64_t max, uint64_t *out)
{
    if (s.n == 0)
        return false;
    uint64_t v = 0;
    if (KD_LIKELY(s.n <= 18)) { /* cannot overflow */
        for (size_t i = 0; i < s.n; i++) {
            unsigned d = (unsigned)(s.p[i] - '0');
            if (d > 9)
                return false;
            v = v * 10 + d;
        }
        if (v > max)
            return false;
        *out = v;
        return true;
    }
    for (size_t i = 0; i < s.n; i++) {
        unsigned d = (unsigned)(s.p[i] - '0');
        if (d > 9 || d > max || v > (max - d) / 10)
            return false;
        v = v * 10 + d;
    }
    *out = v;
    return true;
}

size_t kd_u64_write(char *to, uint64_t v)
{
    char digits[20];
    size_t n = 0;
    do
        digits[n++] = (char)('0' + v % 10);
    while (v /= 10);
    for (size_t i = 0; i < n; i++)
        to[i] = digits[n - 1 - i];
    return n;
}
