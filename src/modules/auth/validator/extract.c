#include "modules/auth/validator/extract.h"

#include "text/go/header.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static kd_str trim(kd_str s)
{
    while (s.n && is_blank(s.p[0]))
        s.p++, s.n--;
    while (s.n && is_blank(s.p[s.n - 1]))
        s.n--;
    return s;
}

/* RFC 6265 section 4.1.1, but blanks and commas are allowed as Go allows them. */
static bool read_value(kd_str *value)
{
    if (value->n > 1 && value->p[0] == '"' && value->p[value->n - 1] == '"')
        *value = kd_str_of(value->p + 1, value->n - 2);
    for (size_t i = 0; i < value->n; i++) {
        uint8_t c = (uint8_t)value->p[i];
        if (c < 0x20 || c >= 0x7f || c == '"' || c == ';' || c == '\\')
            return false;
    }
    return true;
}

bool kd_token_of_cookies(kd_str field, kd_str name, kd_str *out)
{
    kd_str part;
    while (kd_str_split(&field, ';', &part)) {
        part = trim(part);
        ptrdiff_t at = kd_str_find(part, '=');
        kd_str value = at >= 0 ? kd_str_from(part, (size_t)at + 1) : KD_STR("");
        if (part.n && kd_str_eq(trim(at >= 0 ? kd_str_head(part, (size_t)at) : part), name) &&
            kd_go_header_valid_name(name) && read_value(&value)) {
            *out = value;
            return true;
        }
    }
    return false;
}
