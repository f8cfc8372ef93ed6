#include "lang/cel/literal.h"

#include <math.h>
#include <stdlib.h>

static unsigned hex_digit(char c)
{
    return c <= '9' ? (unsigned)(c - '0') : (unsigned)(kd_lower((uint8_t)c) - 'a' + 10);
}

static bool read_unsigned(kd_str s, uint64_t max, uint64_t *out)
{
    if (!kd_str_starts(s, KD_STR("0x"))) {
        while (s.n > 1 && s.p[0] == '0')
            s = kd_str_from(s, 1);
        return kd_str_to_u64(s, max, out);
    }
    uint64_t v = 0;
    for (size_t i = 2; i < s.n; i++) {
        if (v >> 60)
            return false;
        v = v << 4 | hex_digit(s.p[i]);
    }
    *out = v;
    return v <= max;
}

static bool read_int(kd_str s, bool negative, kd_cel_value *value)
{
    uint64_t v;
    if (!read_unsigned(s, (uint64_t)INT64_MAX + negative, &v))
        return false;
    *value = kd_cel_int(negative ? (int64_t)(0 - v) : (int64_t)v);
    return true;
}

/* Beyond the range of a double it is no literal; below it, 0. */
static bool read_double(kd_arena *arena, kd_str s, bool negative, kd_cel_value *value, bool *no_memory)
{
    kd_str copy = kd_arena_copy(arena, s);
    *no_memory = !copy.p;
    if (!copy.p)
        return false;
    double v = strtod(copy.p, NULL);
    *value = (kd_cel_value){.type = KD_CEL_DOUBLE, .d = negative ? -v : v};
    return !isinf(v);
}

static size_t put_code_point(char *to, uint32_t c)
{
    if (c < 0x80) {
        to[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        to[0] = (char)(0xC0 | c >> 6);
        to[1] = (char)(0x80 | (c & 0x3F));
        return 2;
    }
    if (c < 0x10000) {
        to[0] = (char)(0xE0 | c >> 12);
        to[1] = (char)(0x80 | (c >> 6 & 0x3F));
        to[2] = (char)(0x80 | (c & 0x3F));
        return 3;
    }
    to[0] = (char)(0xF0 | c >> 18);
    to[1] = (char)(0x80 | (c >> 12 & 0x3F));
    to[2] = (char)(0x80 | (c >> 6 & 0x3F));
    to[3] = (char)(0x80 | (c & 0x3F));
    return 4;
}

/* The escape whose backslash is s.p[*at], which is well formed as far as a token tells; writes what it means. */
static const char *unescape(kd_str s, size_t *at, bool bytes, char *to, size_t *n)
{
    static const char plain[] = "abfnrtv", meant[] = "\a\b\f\n\r\t\v";
    char c = s.p[++*at];
    ++*at;
    const char *found = strchr(plain, c);
    if (found || strchr("\\'\"`?", c)) {
        to[(*n)++] = found ? meant[found - plain] : c;
        return NULL;
    }
    size_t digits = c == 'u' ? 4 : c == 'U' ? 8 : 2;
    if (bytes && digits > 2)
        return "unable to unescape string";
    bool octal = c >= '0' && c <= '3';
    uint32_t v = octal ? (uint32_t)(c - '0') : 0;
    for (; digits; digits--, ++*at)
        v = octal ? v * 8 + hex_digit(s.p[*at]) : v << 4 | hex_digit(s.p[*at]);
    if (bytes)
        to[(*n)++] = (char)v;
    else if (v > 0x10FFFF || (v >= 0xD800 && v <= 0xDFFF))
        return "invalid unicode code point";
    else
        *n += put_code_point(to + *n, v);
    return NULL;
}

/* The text between the quotes: line ends become \n, escapes what they mean. */
static bool read_string(kd_arena *arena, kd_str s, bool bytes, kd_cel_value *value, kd_str *error)
{
    s = kd_str_from(s, bytes);
    bool raw = s.p[0] == 'r' || s.p[0] == 'R';
    s = kd_str_from(s, raw);
    bool triple = s.n >= 6 && s.p[1] == s.p[0] && s.p[2] == s.p[0];
    size_t quotes = triple ? 3 : 1;
    s = kd_str_of(s.p + quotes, s.n - 2 * quotes);
    char *to = kd_arena_alloc(arena, s.n + 1);
    if (!to) {
        *error = (kd_str){0};
        return false;
    }
    size_t n = 0;
    for (size_t i = 0; i < s.n;) {
        if (s.p[i] == '\\' && !raw) {
            const char *problem = unescape(s, &i, bytes, to, &n);
            if (problem) {
                *error = kd_str_from_c(problem);
                return false;
            }
        } else if (s.p[i] == '\r') {
            to[n++] = '\n';
            i += i + 1 < s.n && s.p[i + 1] == '\n' ? 2 : 1;
        } else {
            to[n++] = s.p[i++];
        }
    }
    *value = (kd_cel_value){.type = bytes ? KD_CEL_BYTES : KD_CEL_STRING, .text = to, .n = (uint32_t)n};
    return true;
}

bool kd_cel_literal(kd_arena *arena, const kd_cel_token *token, bool negative, kd_cel_value *value, kd_str *error)
{
    bool no_memory = false;
    switch (token->kind) {
    case KD_CEL_T_INT:
        *error = KD_STR("invalid int literal");
        return read_int(token->text, negative, value);
    case KD_CEL_T_UINT:
        *error = KD_STR("invalid uint literal");
        *value = (kd_cel_value){.type = KD_CEL_UINT};
        return read_unsigned(kd_str_head(token->text, token->text.n - 1), UINT64_MAX, &value->u);
    case KD_CEL_T_FLOAT:
        *error = KD_STR("invalid double literal");
        if (read_double(arena, token->text, negative, value, &no_memory))
            return true;
        if (no_memory)
            *error = (kd_str){0};
        return false;
    case KD_CEL_T_STRING:
    case KD_CEL_T_BYTES:
        return read_string(arena, token->text, token->kind == KD_CEL_T_BYTES, value, error);
    case KD_CEL_T_TRUE:
    case KD_CEL_T_FALSE:
        *value = kd_cel_bool(token->kind == KD_CEL_T_TRUE);
        return true;
    default:
        *value = (kd_cel_value){.type = KD_CEL_NULL};
        return true;
    }
}
