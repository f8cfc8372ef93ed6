#include "base/format.h"

#include <stdio.h>

typedef struct out {
    char *to;
    size_t room, n;
} out;

static void put(out *o, const char *p, size_t n)
{
    if (n && o->n < o->room)
        memcpy(o->to + o->n, p, n < o->room - o->n ? n : o->room - o->n);
    o->n += n;
}

static void pad(out *o, size_t n)
{
    for (; n; n--)
        put(o, " ", 1);
}

/* One conversion: its text for snprintf (with the width and precision that came as arguments), and its parts. */
typedef struct spec {
    char text[32];
    size_t n;
    bool left, exact; /* exact: the precision came as an argument */
    int width, precision;
    char length; /* 0, 'h', 'H' (hh), 'l', 'L' (ll), 'z', 'j', 't' */
    char kind;
} spec;

static void add(spec *s, char c)
{
    if (s->n < sizeof s->text - 1)
        s->text[s->n++] = c;
    s->text[s->n] = 0;
}

static void add_number(spec *s, int number)
{
    char digits[16];
    int n = snprintf(digits, sizeof digits, "%d", number);
    for (int i = 0; i < n; i++)
        add(s, digits[i]);
}

static const char *read_digits(const char *at, int *number)
{
    for (*number = 0; *at >= '0' && *at <= '9'; at++)
        *number = *number < 100000 ? *number * 10 + (*at - '0') : *number;
    return at;
}

static const char *read_length(spec *s, const char *at)
{
    if (*at && strchr("hlzjt", *at)) {
        s->length = *at;
        add(s, *at++);
        if ((*at == 'h' || *at == 'l') && *at == s->length) {
            s->length = *at == 'h' ? 'H' : 'L';
            add(s, *at++);
        }
    }
    return at;
}

/* The conversion behind the percent sign; `stars` are the arguments of width and precision. */
static const char *read_spec(spec *s, const char *at, const int stars[2])
{
    *s = (spec){.precision = -1};
    add(s, '%');
    for (; *at && strchr("-+ #0", *at); at++) {
        s->left |= *at == '-';
        add(s, *at);
    }
    if (*at == '*') {
        s->width = stars[0] < 0 ? -stars[0] : stars[0];
        s->left |= stars[0] < 0;
        add_number(s, stars[0]);
        at++;
    } else {
        const char *start = at;
        at = read_digits(at, &s->width);
        if (at != start)
            add_number(s, s->width);
    }
    if (*at == '.') {
        at++;
        s->exact = *at == '*';
        if (s->exact)
            s->precision = stars[1], at++;
        else
            at = read_digits(at, &s->precision);
        if (s->precision >= 0) {
            add(s, '.');
            add_number(s, s->precision);
        }
    }
    at = read_length(s, at);
    s->kind = *at;
    add(s, *at);
    return *at ? at + 1 : at;
}

/* Which arguments come before the value: width, precision. */
static void find_stars(const char *at, bool stars[2])
{
    stars[0] = stars[1] = false;
    for (; *at && (strchr("-+ #0.*", *at) || (*at >= '1' && *at <= '9')); at++) {
        if (*at == '*')
            stars[0] = true;
        if (*at == '.') {
            stars[1] = at[1] == '*';
            return;
        }
    }
}

static void put_string(out *o, const spec *s, const char *p)
{
    size_t n;
    if (!p && !(s->exact && s->precision == 0))
        p = "(null)", n = 6;
    else if (s->exact && s->precision >= 0)
        n = (size_t)s->precision;
    else
        n = s->precision >= 0 ? strnlen(p, (size_t)s->precision) : strlen(p);
    size_t space = (size_t)s->width > n ? (size_t)s->width - n : 0;
    if (!s->left)
        pad(o, space);
    put(o, p, n);
    if (s->left)
        pad(o, space);
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"

static void put_integer(out *o, const spec *s, va_list *args)
{
    char text[160];
    int n;
    switch (s->length) {
    case 'l':
        n = snprintf(text, sizeof text, s->text, va_arg(*args, long));
        break;
    case 'L':
        n = snprintf(text, sizeof text, s->text, va_arg(*args, long long));
        break;
    case 'z':
    case 't':
        n = snprintf(text, sizeof text, s->text, va_arg(*args, size_t));
        break;
    case 'j':
        n = snprintf(text, sizeof text, s->text, va_arg(*args, intmax_t));
        break;
    default:
        n = snprintf(text, sizeof text, s->text, va_arg(*args, int));
        break;
    }
    if (n > 0)
        put(o, text, (size_t)n < sizeof text ? (size_t)n : sizeof text - 1);
}

static void put_float(out *o, const spec *s, double v)
{
    char text[400]; /* the longest %f has 309 digits before the point */
    int n = snprintf(text, sizeof text, s->text, v);
    if (n > 0)
        put(o, text, (size_t)n < sizeof text ? (size_t)n : sizeof text - 1);
}

static void put_pointer(out *o, const spec *s, void *p)
{
    char text[64];
    int n = snprintf(text, sizeof text, s->text, p);
    if (n > 0)
        put(o, text, (size_t)n < sizeof text ? (size_t)n : sizeof text - 1);
}

#pragma GCC diagnostic pop

static void put_value(out *o, const spec *s, va_list *args)
{
    char c;
    switch (s->kind) {
    case '%':
        put(o, "%", 1);
        break;
    case 's':
        put_string(o, s, va_arg(*args, const char *));
        break;
    case 'c':
        c = (char)va_arg(*args, int);
        put(o, &c, 1);
        break;
    case 'p':
        put_pointer(o, s, va_arg(*args, void *));
        break;
    case 'e':
    case 'f':
    case 'g':
        put_float(o, s, va_arg(*args, double));
        break;
    default:
        put_integer(o, s, args);
    }
}

size_t kd_format(char *to, size_t room, const char *format, va_list args)
{
    out o = {to, room, 0};
    va_list rest;
    va_copy(rest, args);
    for (const char *at = format; *at;) {
        const char *percent = strchr(at, '%');
        size_t plain = percent ? (size_t)(percent - at) : strlen(at);
        put(&o, at, plain);
        at += plain;
        if (!*at)
            break;
        bool stars[2];
        int values[2] = {0, 0};
        spec s;
        find_stars(at + 1, stars);
        for (int i = 0; i < 2; i++)
            if (stars[i])
                values[i] = va_arg(rest, int);
        at = read_spec(&s, at + 1, values);
        put_value(&o, &s, &rest);
    }
    va_end(rest);
    if (room)
        to[o.n < room ? o.n : room - 1] = 0;
    return o.n;
}
