#include "text/toml_read.h"

#include "text/go/number.h"
#include "text/utf8.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define NUMBER_MAX 512u /* characters of a number */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static int hex_digit(char c)
{
    char l = (char)kd_lower((uint8_t)c);
    return is_digit(c) ? c - '0' : l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
}

/* ---- strings */

/* The characters that no comment and no string may contain. */
static bool is_control(char c)
{
    return ((uint8_t)c < 0x20 && c != '\t') || c == 0x7f;
}

static bool read_escape(kd_toml_reader *r, char **to)
{
    static const char plain[] = "btnfr\"\\", meant[] = "\b\t\n\f\r\"\\";
    kd_toml_place place = kd_toml_here(r);
    char c = ++r->at < r->end ? *r->at : 0;
    const char *known = c ? strchr(plain, c) : NULL;
    if (known) {
        *(*to)++ = meant[known - plain];
        r->at++;
        return true;
    }
    size_t digits = c == 'u' ? 4 : c == 'U' ? 8 : 0;
    uint32_t rune = 0;
    if (!digits)
        return kd_toml_refuse(r, place, "expected one of b t n f r \" \\ u U after a backslash",
                              "invalid escape sequence: \\%c", c);
    for (size_t i = 1; i <= digits; i++) {
        int digit = r->at + i < r->end ? hex_digit(r->at[i]) : -1;
        if (digit < 0)
            return kd_toml_refuse(r, place, "expected hexadecimal digits after \\u or \\U",
                                  "invalid unicode escape: \\%c", c);
        rune = rune << 4 | (uint32_t)digit;
    }
    if (rune > 0x10ffff || (rune >= 0xd800 && rune < 0xe000))
        rune = KD_RUNE_BAD; /* as go-toml does */
    r->at += digits + 1;
    *to += kd_utf8_encode(*to, rune);
    return true;
}

/* A backslash at the end of a line: it and all blanks and line ends behind it vanish. */
static bool skip_joint(kd_toml_reader *r)
{
    const char *p = r->at + 1;
    while (p < r->end && (*p == ' ' || *p == '\t'))
        p++;
    if (p < r->end && *p == '\r' && p + 1 < r->end && p[1] == '\n')
        p++;
    if (p >= r->end || *p != '\n')
        return false;
    for (; p < r->end && (*p == ' ' || *p == '\t' || *p == '\n' || (*p == '\r' && p + 1 < r->end && p[1] == '\n'));
         p++) {
        r->at = p + 1;
        if (*p == '\n')
            kd_toml_next_line(r);
    }
    r->at = p;
    return true;
}

/* The end of a multi-line string at its three quotes, of which two more may belong to the content. */
static bool ends_multi(kd_toml_reader *r, char quote, char **to)
{
    size_t n = 0;
    while (n < 5 && r->at + n < r->end && r->at[n] == quote)
        n++;
    if (n < 3)
        return false;
    for (size_t i = 3; i < n; i++)
        *(*to)++ = quote;
    r->at += n;
    return true;
}

static bool unterminated(kd_toml_reader *r)
{
    return kd_toml_refuse(r, kd_toml_here(r), "expected the closing quote of a string", "unclosed string");
}

/* The content up to the closing quote; never longer than what is read. */
static bool read_content(kd_toml_reader *r, char quote, bool multi, char **to)
{
    for (;;) {
        char c = kd_toml_peek(r);
        if (r->at >= r->end)
            return unterminated(r);
        if (c == quote) {
            if (multi ? ends_multi(r, quote, to) : r->at++ != NULL)
                return true;
            *(*to)++ = *r->at++;
        } else if (c == '\\' && quote == '"') {
            if (!(multi && skip_joint(r)) && !read_escape(r, to))
                return false;
        } else if (multi && (c == '\n' || kd_toml_looking_at(r, "\r\n"))) {
            if (c == '\r')
                *(*to)++ = *r->at++;
            *(*to)++ = *r->at++;
            kd_toml_next_line(r);
        } else if (is_control(c)) {
            return c == '\n' || c == '\r'
                       ? unterminated(r)
                       : kd_toml_refuse(r, kd_toml_here(r), "control characters are written as \\u escapes",
                                        "unescaped control character U+%04X", (unsigned)(uint8_t)c);
        } else {
            *(*to)++ = *r->at++;
        }
    }
}

bool kd_toml_read_string(kd_toml_reader *r, bool single, kd_str *out)
{
    char quote = *r->at;
    bool multi = !single && kd_toml_looking_at(r, quote == '"' ? "\"\"\"" : "'''");
    r->at += multi ? 3 : 1;
    if (multi && kd_toml_looking_at(r, "\r\n"))
        r->at++;
    if (multi && kd_toml_peek(r) == '\n') {
        r->at++;
        kd_toml_next_line(r);
    }
    /* room for what is left until the next quote that could end it */
    const char *p = r->at;
    size_t run = 0;
    while (p < r->end && (multi || *p != '\n') && !(run >= (multi ? 3u : 1u) && *p != quote)) {
        bool skipped = *p == '\\' && quote == '"' && p + 1 < r->end;
        run = *p == quote ? run + 1 : 0;
        p += skipped ? 2 : 1;
    }
    char *content = kd_arena_alloc(r->arena, (size_t)(p - r->at) + 1), *to = content;
    if (!content)
        return kd_toml_no_memory(r);
    if (!read_content(r, quote, multi, &to))
        return false;
    *out = kd_str_of(content, (size_t)(to - content));
    return true;
}

/* ---- times */

static bool digits(const char **p, const char *end, int n, int *out)
{
    *out = 0;
    for (int i = 0; i < n; i++, (*p)++) {
        if (*p >= end || !is_digit(**p))
            return false;
        *out = *out * 10 + (**p - '0');
    }
    return true;
}

static bool skip_char(const char **p, const char *end, char c)
{
    if (*p >= end || **p != c)
        return false;
    (*p)++;
    return true;
}

typedef struct moment {
    int year, month, day, hour, minute, second, offset;
    kd_str fraction;
    bool date, time, zone;
} moment;

static int days_of(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return days[month - 1] + (month == 2 && leap);
}

static bool scan_date(const char **p, const char *end, moment *m)
{
    return digits(p, end, 4, &m->year) && skip_char(p, end, '-') && digits(p, end, 2, &m->month) &&
           skip_char(p, end, '-') && digits(p, end, 2, &m->day) && m->month >= 1 && m->month <= 12 && m->day >= 1 &&
           m->day <= days_of(m->year, m->month);
}

static bool scan_clock(const char **p, const char *end, moment *m)
{
    if (!digits(p, end, 2, &m->hour) || !skip_char(p, end, ':') || !digits(p, end, 2, &m->minute) ||
        !skip_char(p, end, ':') || !digits(p, end, 2, &m->second) || m->hour > 23 || m->minute > 59 || m->second > 59)
        return false;
    if (*p < end && **p == '.') {
        const char *start = ++*p;
        while (*p < end && is_digit(**p))
            (*p)++;
        m->fraction = kd_str_of(start, (size_t)(*p - start));
        return m->fraction.n > 0;
    }
    return true;
}

static bool scan_zone(const char **p, const char *end, moment *m)
{
    int hours, minutes;
    m->zone = true;
    if (skip_char(p, end, 'Z') || skip_char(p, end, 'z'))
        return true;
    bool west = *p < end && **p == '-';
    (*p)++;
    if (!digits(p, end, 2, &hours) || !skip_char(p, end, ':') || !digits(p, end, 2, &minutes) || hours > 23 ||
        minutes > 59)
        return false;
    m->offset = (hours * 60 + minutes) * (west ? -1 : 1);
    return true;
}

/* Go's forms: RFC 3339 with the digits that count, go-toml's local times with all nine. */
static kd_str print_moment(kd_toml_reader *r, const moment *m)
{
    char date[16] = "", time[16] = "", zone[16] = "", nanos[12] = "";
    kd_str fraction = kd_str_head(m->fraction, 9);
    while (fraction.n && fraction.p[fraction.n - 1] == '0')
        fraction.n--;
    if (m->date)
        snprintf(date, sizeof(date), "%04d-%02d-%02d%s", m->year, m->month, m->day, m->time ? "T" : "");
    if (m->time)
        snprintf(time, sizeof(time), "%02d:%02d:%02d", m->hour, m->minute, m->second);
    if (fraction.n)
        snprintf(nanos, sizeof(nanos), ".%.*s%.*s", KD_FMT(fraction), m->zone ? 0 : (int)(9 - fraction.n), "000000000");
    int offset = m->offset < 0 ? -m->offset : m->offset;
    if (m->zone && offset)
        snprintf(zone, sizeof(zone), "%c%02d:%02d", m->offset < 0 ? '-' : '+', offset / 60, offset % 60);
    else if (m->zone)
        memcpy(zone, "Z", 2);
    return kd_arena_printf(r->arena, "%s%s%s%s", date, time, nanos, zone);
}

static bool looks_like_time(const kd_toml_reader *r)
{
    size_t left = (size_t)(r->end - r->at), n = 0;
    while (n < 4 && n < left && is_digit(r->at[n]))
        n++;
    return (n == 2 && left > 2 && r->at[2] == ':') || (n == 4 && left > 4 && r->at[4] == '-');
}

static bool read_time(kd_toml_reader *r, kd_toml_node *node)
{
    const char *p = r->at;
    moment m = {.date = r->at[2] != ':', .fraction = KD_STR("")};
    bool ok = !m.date || scan_date(&p, r->end, &m);
    bool spaced = ok && m.date && r->end - p > 1 && *p == ' ' && is_digit(p[1]);
    m.time = !m.date || spaced || (ok && p < r->end && (*p == 'T' || *p == 't'));
    if (ok && m.time) {
        p += m.date;
        ok = scan_clock(&p, r->end, &m);
        if (ok && m.date && p < r->end && strchr("Zz+-", *p) && *p)
            ok = scan_zone(&p, r->end, &m);
    }
    if (!ok)
        return kd_toml_refuse(r, node->at, "expected a date such as 1979-05-27 or 1979-05-27T07:32:00Z",
                              "invalid date-time");
    r->at = p;
    node->kind = m.zone ? KD_TOML_TIME : KD_TOML_LOCAL_TIME;
    node->text = print_moment(r, &m);
    return node->text.p || kd_toml_no_memory(r);
}

/* ---- numbers and words */

/* Underscores stand between digits only; they are left out. The text is NUL-terminated. */
static bool copy_number(kd_str s, char *to, size_t *n)
{
    *n = 0;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '_') {
            if (i == 0 || i + 1 == s.n || hex_digit(s.p[i - 1]) < 0 || hex_digit(s.p[i + 1]) < 0)
                return false;
            continue;
        }
        to[(*n)++] = s.p[i];
    }
    to[*n] = 0;
    return true;
}

static bool all_digits(const char *p, unsigned base)
{
    if (!*p)
        return false;
    for (; *p; p++)
        if (hex_digit(*p) < 0 || (unsigned)hex_digit(*p) >= base)
            return false;
    return true;
}

/* [+-]? [0-9]+ (. [0-9]+)? ([eE] [+-]? [0-9]+)? and whether it has a point or an exponent. Leading zeros, which TOML
 * forbids, mean nothing to go-toml. */
static bool is_decimal(const char *p, bool *real)
{
    *real = false;
    p += *p == '+' || *p == '-';
    if (!is_digit(*p))
        return false;
    while (is_digit(*p))
        p++;
    if (*p == '.') {
        *real = true;
        if (!is_digit(*++p))
            return false;
        while (is_digit(*p))
            p++;
    }
    if (*p == 'e' || *p == 'E') {
        *real = true;
        p++;
        p += *p == '+' || *p == '-';
        if (!is_digit(*p))
            return false;
        while (is_digit(*p))
            p++;
    }
    return !*p;
}

/* `text` is a decimal with leading zeros at most, or begins with its base. */
static bool set_integer(kd_toml_reader *r, kd_toml_node *node, const char *text, unsigned base)
{
    char decimal[24], sign = *text == '-' ? '-' : 0;
    uint64_t large;
    text += base != 10 ? 2 : *text == '-' || *text == '+';
    errno = 0;
    large = strtoull(text, NULL, (int)base);
    if (errno || (sign && large > (uint64_t)INT64_MAX + 1))
        return kd_toml_refuse(r, node->at, "the integer is beyond 64 bits", "value out of range");
    size_t n = 0;
    if (sign && large)
        decimal[n++] = sign;
    n += kd_u64_write(decimal + n, large);
    node->kind = KD_TOML_INTEGER;
    node->integer = (int64_t)(sign ? 0 - large : large);
    node->large = !sign && large > INT64_MAX;
    node->number = sign ? -(double)large : (double)large;
    node->text = kd_arena_copy(r->arena, kd_str_of(decimal, n));
    return node->text.p || kd_toml_no_memory(r);
}

static bool set_number(kd_toml_reader *r, kd_toml_node *node, kd_str written)
{
    char text[NUMBER_MAX + 1];
    size_t n;
    bool real = false, ok = written.n <= NUMBER_MAX && copy_number(written, text, &n);
    static const struct {
        const char *prefix;
        unsigned base;
    } bases[] = {{"0x", 16}, {"0o", 8}, {"0b", 2}};
    for (size_t i = 0; ok && i < KD_COUNT(bases); i++)
        if (memcmp(text, bases[i].prefix, 2) == 0 && all_digits(text + 2, bases[i].base))
            return set_integer(r, node, text, bases[i].base);
    if (!ok || !is_decimal(text, &real))
        return kd_toml_refuse(r, node->at, "the number is not well-formed", "invalid number: %.*s",
                              KD_FMT(kd_str_head(written, 40)));
    if (!real)
        return set_integer(r, node, text, 10);
    kd_str error;
    if (!kd_go_float_parse(kd_str_of(text, n), &node->number, &error))
        return kd_toml_refuse(r, node->at, "the number is beyond the range of 64-bit floating point", "%.*s",
                              KD_FMT(error));
    node->kind = KD_TOML_FLOAT;
    node->text = written;
    return true;
}

static bool read_word(kd_toml_reader *r, kd_toml_node *node, kd_str word)
{
    static const struct {
        kd_str word;
        kd_toml_kind kind;
        bool boolean;
        double number;
    } words[] = {
        {KD_STR_INIT("true"), KD_TOML_BOOL, true, 0},           {KD_STR_INIT("false"), KD_TOML_BOOL, false, 0},
        {KD_STR_INIT("inf"), KD_TOML_FLOAT, false, HUGE_VAL},   {KD_STR_INIT("+inf"), KD_TOML_FLOAT, false, HUGE_VAL},
        {KD_STR_INIT("-inf"), KD_TOML_FLOAT, false, -HUGE_VAL}, {KD_STR_INIT("nan"), KD_TOML_FLOAT, false, NAN},
        {KD_STR_INIT("+nan"), KD_TOML_FLOAT, false, NAN},       {KD_STR_INIT("-nan"), KD_TOML_FLOAT, false, NAN},
    };
    for (size_t i = 0; i < KD_COUNT(words); i++) {
        if (!kd_str_eq(words[i].word, word))
            continue;
        node->kind = words[i].kind;
        node->boolean = words[i].boolean;
        node->number = words[i].number;
        node->text = word;
        return true;
    }
    return false;
}

bool kd_toml_read_scalar(kd_toml_reader *r, kd_toml_node *node)
{
    if (looks_like_time(r))
        return read_time(r, node);
    const char *p = r->at;
    while (p < r->end && (hex_digit(*p) >= 0 || (uint8_t)(kd_lower((uint8_t)*p) - 'a') < 26 || strchr("+-._", *p)) &&
           *p)
        p++;
    kd_str word = kd_str_of(r->at, (size_t)(p - r->at));
    char first = kd_toml_peek(r);
    if (!read_word(r, node, word)) {
        if (!is_digit(first) && first != '+' && first != '-') {
            uint32_t rune = 0;
            size_t n = r->at < r->end ? kd_utf8_decode(r->at, (size_t)(r->end - r->at), &rune) : 0;
            return n ? kd_toml_refuse(r, node->at, "expected a value; texts are in quotes",
                                      "no value can start with %.*s", (int)n, r->at)
                     : kd_toml_refuse(r, node->at, "the file ends too early: expected a value", "expecting a value");
        }
        if (!set_number(r, node, word))
            return false;
    }
    r->at = p;
    return true;
}
