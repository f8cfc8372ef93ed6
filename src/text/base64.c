#include "text/base64.h"

static const char digits[2][65] = {"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
                                   "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"};

size_t kd_base64_write(char *out, kd_str in, kd_base64_alphabet alphabet)
{
    const char *d = digits[alphabet];
    char *to = out;
    for (size_t i = 0; i < in.n; i += 3) {
        size_t left = in.n - i;
        uint32_t v = (uint32_t)(uint8_t)in.p[i] << 16;
        if (left > 1)
            v |= (uint32_t)(uint8_t)in.p[i + 1] << 8;
        if (left > 2)
            v |= (uint8_t)in.p[i + 2];
        *to++ = d[v >> 18];
        *to++ = d[v >> 12 & 63];
        if (left > 1)
            *to++ = d[v >> 6 & 63];
        else if (alphabet == KD_BASE64_STANDARD)
            *to++ = '=';
        if (left > 2)
            *to++ = d[v & 63];
        else if (alphabet == KD_BASE64_STANDARD)
            *to++ = '=';
    }
    return (size_t)(to - out);
}

static int value_of(uint8_t c, kd_base64_alphabet alphabet)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == (alphabet == KD_BASE64_URL ? '-' : '+'))
        return 62;
    return c == (alphabet == KD_BASE64_URL ? '_' : '/') ? 63 : -1;
}

bool kd_base64_read(char *out, size_t *n, kd_str in, kd_base64_alphabet alphabet)
{
    if (alphabet == KD_BASE64_STANDARD) {
        if (in.n % 4)
            return false;
        for (int i = 0; i < 2 && in.n && in.p[in.n - 1] == '='; i++)
            in.n--;
    }
    if (in.n % 4 == 1)
        return false;
    uint32_t bits = 0;
    unsigned have = 0;
    char *to = out;
    for (size_t i = 0; i < in.n; i++) {
        int v = value_of((uint8_t)in.p[i], alphabet);
        if (v < 0)
            return false;
        bits = bits << 6 | (uint32_t)v;
        have += 6;
        if (have >= 8) {
            have -= 8;
            *to++ = (char)(bits >> have);
        }
    }
    *n = (size_t)(to - out);
    return (bits & ((1u << have) - 1)) == 0;
}
