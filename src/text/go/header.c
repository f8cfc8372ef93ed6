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

bool kd_go_header_valid_value(kd_str value)
{
    for (size_t i = 0; i < value.n; i++) {
        uint8_t c = (uint8_t)value.p[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}
