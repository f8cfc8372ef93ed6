#include "text/json_go.h"

#include "text/go/quote.h"
#include "text/json.h"
#include "text/utf8.h"

/* The scan's place; every step leaves `at` behind what it took, or on the byte that it refuses. */
typedef struct scanner {
    const char *p;
    size_t n, at;
    kd_json_scan *out;
    uint32_t depth;
    uint8_t objects[KD_JSON_MAX_DEPTH / 8 + 1]; /* one bit per level: is it an object? */
} scanner;

static bool refuse(scanner *s, const char *context)
{
    s->out->end = s->at;
    s->out->context = s->at < s->n ? context : NULL;
    s->out->byte = s->at < s->n ? (uint8_t)s->p[s->at] : 0;
    return false;
}

static void skip_space(scanner *s)
{
    while (s->at < s->n && (s->p[s->at] == ' ' || (s->p[s->at] >= '\t' && s->p[s->at] <= '\r')) &&
           s->p[s->at] != '\v' && s->p[s->at] != '\f')
        s->at++;
}

static bool at_digit(const scanner *s)
{
    return s->at < s->n && (uint8_t)(s->p[s->at] - '0') < 10;
}

static bool digits(scanner *s, const char *context)
{
    if (!at_digit(s))
        return refuse(s, context);
    while (at_digit(s))
        s->at++;
    return true;
}

static bool number(scanner *s)
{
    if (s->p[s->at] == '-')
        s->at++;
    if (s->at < s->n && s->p[s->at] == '0')
        s->at++;
    else if (!digits(s, "in numeric literal"))
        return false;
    if (s->at < s->n && s->p[s->at] == '.') {
        s->at++;
        if (!digits(s, "after decimal point in numeric literal"))
            return false;
    }
    if (s->at < s->n && (s->p[s->at] | 0x20) == 'e') {
        s->at++;
        if (s->at < s->n && (s->p[s->at] == '+' || s->p[s->at] == '-'))
            s->at++;
        return digits(s, "in exponent of numeric literal");
    }
    return true;
}

static bool literal(scanner *s)
{
    static const char *const contexts[3][4] = {
        {"in literal true (expecting 'r')", "in literal true (expecting 'u')", "in literal true (expecting 'e')"},
        {"in literal false (expecting 'a')", "in literal false (expecting 'l')", "in literal false (expecting 's')",
         "in literal false (expecting 'e')"},
        {"in literal null (expecting 'u')", "in literal null (expecting 'l')", "in literal null (expecting 'l')"},
    };
    static const char words[3][6] = {"true", "false", "null"};
    int which = s->p[s->at] == 't' ? 0 : s->p[s->at] == 'f' ? 1 : 2;
    s->at++;
    for (size_t i = 1; words[which][i]; i++, s->at++)
        if (s->at == s->n || s->p[s->at] != words[which][i])
            return refuse(s, contexts[which][i - 1]);
    return true;
}

static int hex(char c)
{
    if ((uint8_t)(c - '0') < 10)
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The unit of the escape \uXXXX at p, or -1 when there is none. */
static int unit_at(const char *p, size_t n)
{
    if (n < 6 || p[0] != '\\' || p[1] != 'u')
        return -1;
    int unit = 0;
    for (int i = 2; i < 6; i++) {
        int digit = hex(p[i]);
        if (digit < 0)
            return -1;
        unit = unit << 4 | digit;
    }
    return unit;
}

/* How many bytes at p, an escape \uXXXX, make one rune; 0 for a surrogate without its other half. */
static size_t unit_bytes(const char *p, size_t n)
{
    int unit = unit_at(p, n);
    if (unit < 0xd800 || unit > 0xdfff)
        return 6;
    int next = unit < 0xdc00 ? unit_at(p + 6, n - 6) : -1;
    return next >= 0xdc00 && next <= 0xdfff ? 12 : 0;
}

/* Takes an escape, the backslash included. */
static bool escape(scanner *s)
{
    size_t start = s->at++;
    if (s->at == s->n || !strchr("bfnrt\\/\"u", s->p[s->at]) || !s->p[s->at])
        return refuse(s, "in string escape code");
    if (s->p[s->at++] != 'u')
        return true;
    for (size_t i = 0; i < 4; i++, s->at++)
        if (s->at == s->n || hex(s->p[s->at]) < 0)
            return refuse(s, "in \\u hexadecimal character escape");
    size_t n = unit_bytes(s->p + start, s->n - start);
    if (n)
        s->at = start + n;
    else
        s->out->dirty = true; /* six bytes become three */
    return true;
}

static bool string(scanner *s)
{
    for (s->at++;;) {
        if (s->at == s->n)
            return refuse(s, NULL);
        uint8_t c = (uint8_t)s->p[s->at];
        if (c == '"') {
            s->at++;
            return true;
        }
        if (c < 0x20)
            return refuse(s, "in string literal");
        if (c == '\\') {
            if (!escape(s))
                return false;
        } else if (c < 0x80) {
            s->at++;
        } else {
            uint32_t rune;
            size_t n = kd_utf8_decode(s->p + s->at, s->n - s->at, &rune);
            s->at += n;
            if (n == 1) {
                s->out->dirty = true;
                s->out->grows += 2;
            }
        }
    }
}

static bool in_object(const scanner *s)
{
    return s->objects[(s->depth - 1) / 8] >> ((s->depth - 1) % 8) & 1;
}

static bool open(scanner *s, bool object)
{
    if (s->depth == KD_JSON_MAX_DEPTH)
        return refuse(s, "exceeded max depth");
    uint8_t bit = (uint8_t)(1 << (s->depth % 8)), *cell = &s->objects[s->depth / 8];
    *cell = (uint8_t)(object ? *cell | bit : *cell & ~bit);
    s->depth++;
    s->at++;
    return true;
}

/* Takes a key and its colon. */
static bool key(scanner *s)
{
    skip_space(s);
    if (s->at == s->n || s->p[s->at] != '"')
        return refuse(s, "looking for beginning of object key string");
    if (!string(s))
        return false;
    skip_space(s);
    if (s->at == s->n || s->p[s->at] != ':')
        return refuse(s, "after object key");
    s->at++;
    return true;
}

/* Takes a scalar, or goes into a container. *whole tells whether a value has ended. */
static bool value(scanner *s, bool *whole)
{
    skip_space(s);
    *whole = true;
    char c = s->at < s->n ? s->p[s->at] : 0;
    switch (c) {
    case '{':
    case '[':
        if (!open(s, c == '{'))
            return false;
        skip_space(s);
        if (s->at < s->n && s->p[s->at] == (c == '{' ? '}' : ']')) {
            s->at++;
            s->depth--;
            return true;
        }
        *whole = false;
        return c == '[' || key(s);
    case '"':
        return string(s);
    case 't':
    case 'f':
    case 'n':
        return literal(s);
    default:
        if (c == '-' || (c >= '0' && c <= '9'))
            return number(s);
        return refuse(s, "looking for beginning of value");
    }
}

/* Takes what follows a value inside a container. *whole tells whether the container has ended. */
static bool separator(scanner *s, bool *whole)
{
    skip_space(s);
    bool object = in_object(s);
    char c = s->at < s->n ? s->p[s->at] : 0;
    *whole = c == (object ? '}' : ']');
    if (!*whole && c != ',')
        return refuse(s, object ? "after object key:value pair" : "after array element");
    s->at++;
    if (*whole)
        s->depth--;
    return *whole || !object || key(s);
}

bool kd_json_scan_text(kd_str text, kd_json_scan *out)
{
    scanner s = {.p = text.p, .n = text.n, .out = out};
    *out = (kd_json_scan){0};
    skip_space(&s);
    out->start = s.at;
    out->blank = s.at == s.n;
    bool whole = false;
    do {
        if (!value(&s, &whole))
            return false;
        while (whole && s.depth)
            if (!separator(&s, &whole))
                return false;
    } while (!whole || s.depth);
    out->end = s.at;
    return true;
}

void kd_json_scan_error(const kd_json_scan *scan, kd_buf *out)
{
    if (!scan->context) {
        kd_buf_add(out, scan->blank ? KD_STR("EOF") : KD_STR("unexpected EOF"));
        return;
    }
    kd_buf_add(out, KD_STR("invalid character "));
    kd_go_quote_json_byte(out, scan->byte);
    kd_buf_byte(out, ' ');
    kd_buf_add(out, kd_str_from_c(scan->context));
}

size_t kd_json_repair(kd_str text, const kd_json_scan *scan, char *to)
{
    const char *at = text.p + scan->start, *end = text.p + scan->end;
    char *start = to;
    while (at < end) {
        size_t n = 1, left = (size_t)(end - at);
        bool good = true;
        if (*at == '\\') {
            n = at[1] == 'u' ? unit_bytes(at, left) : 2;
            good = n > 0;
            n = good ? n : 6;
        } else if ((uint8_t)*at >= 0x80) {
            uint32_t rune;
            n = kd_utf8_decode(at, left, &rune);
            good = n > 1;
        }
        memcpy(to, good ? at : "\xef\xbf\xbd", good ? n : 3);
        to += good ? n : 3;
        at += n;
    }
    return (size_t)(to - start);
}
