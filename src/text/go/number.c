#include "text/go/number.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const kd_str syntax = KD_STR_INIT("invalid syntax");
static const kd_str range = KD_STR_INIT("value out of range");

/* The value of a digit in any base up to 36, or 255. */
static unsigned digit_value(uint8_t c)
{
    if ((uint8_t)(c - '0') < 10)
        return c - '0';
    c = kd_lower(c);
    return c >= 'a' && c <= 'z' ? c - 'a' + 10u : 255;
}

/* Do underscores stand only between digits, or between a base prefix and a digit? */
static bool underscores_fit(kd_str s)
{
    if (s.n && (s.p[0] == '-' || s.p[0] == '+'))
        s = kd_str_from(s, 1);
    bool after_digit = false, after_underscore = false, hex = false;
    if (s.n >= 2 && s.p[0] == '0' && strchr("box", kd_lower((uint8_t)s.p[1])) && s.p[1]) {
        hex = kd_lower((uint8_t)s.p[1]) == 'x';
        after_digit = true;
        s = kd_str_from(s, 2);
    }
    for (size_t i = 0; i < s.n; i++) {
        bool is_digit = digit_value((uint8_t)s.p[i]) < (hex ? 16 : 10);
        bool is_underscore = s.p[i] == '_';
        if (is_underscore ? !after_digit : after_underscore && !is_digit)
            return false;
        after_digit = is_digit;
        after_underscore = is_underscore;
    }
    return !after_underscore;
}

/* Takes the base prefix off s. */
static unsigned take_base(kd_str *s)
{
    if (s->p[0] != '0')
        return 10;
    uint8_t mark = s->n >= 3 ? kd_lower((uint8_t)s->p[1]) : 0;
    unsigned base = mark == 'b' ? 2 : mark == 'o' ? 8 : mark == 'x' ? 16 : 0;
    *s = kd_str_from(*s, base ? 2 : 1);
    return base ? base : 8;
}

bool kd_go_uint_parse(kd_str s, uint64_t max, uint64_t *out, kd_str *error)
{
    *error = syntax;
    if (s.n == 0)
        return false;
    kd_str whole = s;
    unsigned base = take_base(&s);
    uint64_t v = 0;
    bool underscores = false;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '_') {
            underscores = true;
            continue;
        }
        unsigned d = digit_value((uint8_t)s.p[i]);
        if (d >= base)
            return false;
        if (__builtin_mul_overflow(v, base, &v) || __builtin_add_overflow(v, d, &v) || v > max) {
            *error = range; /* Go stops at the digit that overflows and does not look at what follows */
            return false;
        }
    }
    if (underscores && !underscores_fit(whole))
        return false;
    *out = v;
    return true;
}

bool kd_go_int_parse(kd_str s, int64_t *out, kd_str *error)
{
    bool negative = s.n && s.p[0] == '-';
    if (negative || (s.n && s.p[0] == '+'))
        s = kd_str_from(s, 1);
    uint64_t v;
    if (!kd_go_uint_parse(s, UINT64_MAX, &v, error))
        return false;
    uint64_t limit = (uint64_t)1 << 63;
    if (negative ? v > limit : v >= limit) {
        *error = range;
        return false;
    }
    *out = (int64_t)(negative ? 0 - v : v);
    return true;
}

/* A float's text, taken apart: kept digits (significant, without point), and the exponent that goes with them. Digits
 * beyond the room only matter by being not all zero: one '1' stands for them. */
#define FLOAT_DIGITS 800

typedef struct float_text {
    char digits[FLOAT_DIGITS + 1];
    size_t n;
    bool negative, hex, sticky, any, point, underscores;
    long exponent; /* of the base, 2 when hex, to be applied to the integer `digits` */
} float_text;

static bool take_mantissa(kd_str *s, float_text *f)
{
    long step = f->hex ? 4 : 1;
    for (; s->n; *s = kd_str_from(*s, 1)) {
        char c = s->p[0];
        if (c == '_') {
            f->underscores = true;
            continue;
        }
        if (c == '.') {
            if (f->point)
                return false; /* what follows cannot be an exponent: invalid syntax */
            f->point = true;
            continue;
        }
        if (digit_value((uint8_t)c) >= (f->hex ? 16u : 10u))
            break;
        f->any = true;
        if (f->point)
            f->exponent -= step;
        if (c == '0' && f->n == 0)
            continue;
        if (f->n < FLOAT_DIGITS) {
            f->digits[f->n++] = c;
        } else {
            f->exponent += step;
            f->sticky = f->sticky || c != '0';
        }
    }
    return f->any;
}

static bool take_exponent(kd_str *s, float_text *f)
{
    if (!s->n || kd_lower((uint8_t)s->p[0]) != (f->hex ? 'p' : 'e'))
        return !f->hex; /* a hexadecimal float must have one */
    *s = kd_str_from(*s, 1);
    bool negative = s->n && s->p[0] == '-';
    if (negative || (s->n && s->p[0] == '+'))
        *s = kd_str_from(*s, 1);
    if (!s->n || (uint8_t)(s->p[0] - '0') >= 10)
        return false;
    long e = 0;
    for (; s->n && ((uint8_t)(s->p[0] - '0') < 10 || s->p[0] == '_'); *s = kd_str_from(*s, 1)) {
        if (s->p[0] == '_')
            f->underscores = true;
        else if (e < 10000)
            e = e * 10 + (s->p[0] - '0');
    }
    f->exponent += negative ? -e : e;
    return true;
}

static bool special_parse(kd_str s, double *out)
{
    bool negative = s.n && s.p[0] == '-';
    bool sign = negative || (s.n && s.p[0] == '+');
    if (sign)
        s = kd_str_from(s, 1);
    if (kd_str_eq_ci(s, KD_STR("inf")) || kd_str_eq_ci(s, KD_STR("infinity")))
        *out = negative ? -INFINITY : INFINITY;
    else if (!sign && kd_str_eq_ci(s, KD_STR("nan")))
        *out = NAN;
    else
        return false;
    return true;
}

bool kd_go_float_parse(kd_str s, double *out, kd_str *error)
{
    *error = syntax;
    if (special_parse(s, out))
        return true;
    kd_str whole = s;
    float_text f;
    f.n = 0;
    f.sticky = f.any = f.point = f.underscores = false;
    f.exponent = 0;
    f.negative = s.n && s.p[0] == '-';
    if (f.negative || (s.n && s.p[0] == '+'))
        s = kd_str_from(s, 1);
    f.hex = s.n > 2 && s.p[0] == '0' && kd_lower((uint8_t)s.p[1]) == 'x';
    if (f.hex)
        s = kd_str_from(s, 2);
    if (!take_mantissa(&s, &f) || !take_exponent(&s, &f) || s.n || (f.underscores && !underscores_fit(whole)))
        return false;
    if (f.sticky) {
        /* The digit in the lowest place is odd and small enough to break a tie, as the lost digits would. */
        f.digits[f.n++] = '1';
        f.exponent -= f.hex ? 4 : 1;
    }
    char text[FLOAT_DIGITS + 64];
    snprintf(text, sizeof(text), "%s%.*s%c%ld", f.hex ? "0x0" : "0", (int)f.n, f.digits, f.hex ? 'p' : 'e', f.exponent);
    double v = strtod(text, NULL);
    if (isinf(v)) {
        *error = range;
        return false;
    }
    *out = f.negative ? -v : v;
    return true;
}

bool kd_go_bool_parse(kd_str s, bool *out)
{
    static const kd_str yes[] = {KD_STR_INIT("1"),    KD_STR_INIT("t"),    KD_STR_INIT("T"),
                                 KD_STR_INIT("true"), KD_STR_INIT("TRUE"), KD_STR_INIT("True")};
    static const kd_str no[] = {KD_STR_INIT("0"),     KD_STR_INIT("f"),     KD_STR_INIT("F"),
                                KD_STR_INIT("false"), KD_STR_INIT("FALSE"), KD_STR_INIT("False")};
    for (size_t i = 0; i < KD_COUNT(yes); i++) {
        *out = kd_str_eq(s, yes[i]);
        if (*out || kd_str_eq(s, no[i]))
            return true;
    }
    return false;
}
