#include "text/go/format.h"

#include "text/order.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* A finite number as digits: 0.d1d2d3… times 10^point. Zero has the one digit 0 and point 1. */
typedef struct decimal {
    char digits[20];
    int n, point;
    bool negative;
} decimal;

static double read_back(const char *text, bool single)
{
    return single ? (double)strtof(text, NULL) : strtod(text, NULL);
}

/* Adds one to the last digit of "d.ddde+xx"; false when it carries beyond the first digit. */
static bool count_up(char *text)
{
    char *at = strchr(text, 'e');
    while (--at >= text) {
        if (*at == '.')
            continue;
        if (*at != '9') {
            (*at)++;
            return true;
        }
        *at = '0';
    }
    return false;
}

/* The shortest digits that read back as v, the nearest among those (as strconv's precision -1). v is not negative. */
static void shortest_text(double v, bool single, char text[40])
{
    int exponent;
    /* Above a power of two the gap between doubles is twice that below: the nearest text may fall short on the narrow
     * side while the next one up reads back. */
    bool uneven = frexp(v, &exponent) == 0.5;
    for (int precision = 0; precision < (single ? 8 : 16); precision++) {
        snprintf(text, 40, "%.*e", precision, v);
        bool nearest = read_back(text, single) == v;
        /* Of two texts equally near Go takes the even one, but for the one power of two where float32 has a tie. */
        if (nearest && !(single && v == 0x1p-12))
            return;
        if (uneven && count_up(text) && read_back(text, single) == v)
            return;
    }
    snprintf(text, 40, "%.*e", single ? 8 : 16, v);
}

static decimal shortest(double v, bool single)
{
    decimal d = {.negative = signbit(v)};
    if (v == 0) {
        d.digits[0] = '0';
        d.n = d.point = 1;
        return d;
    }
    char text[40];
    shortest_text(fabs(v), single, text);
    const char *at = text;
    for (; *at != 'e'; at++)
        if (*at != '.')
            d.digits[d.n++] = *at;
    while (d.n > 1 && d.digits[d.n - 1] == '0')
        d.n--;
    d.point = atoi(at + 1) + 1;
    return d;
}

static void put_repeated(kd_buf *out, char c, int n)
{
    while (n-- > 0)
        kd_buf_byte(out, c);
}

/* 123.45 */
static void put_fixed(kd_buf *out, const decimal *d)
{
    if (d->negative)
        kd_buf_byte(out, '-');
    if (d->point <= 0) {
        kd_buf_add(out, KD_STR("0."));
        put_repeated(out, '0', -d->point);
        kd_buf_add(out, (kd_str){d->digits, (size_t)d->n});
        return;
    }
    int whole = d->n < d->point ? d->n : d->point;
    kd_buf_add(out, (kd_str){d->digits, (size_t)whole});
    put_repeated(out, '0', d->point - d->n);
    if (d->n > d->point) {
        kd_buf_byte(out, '.');
        kd_buf_add(out, (kd_str){d->digits + d->point, (size_t)(d->n - d->point)});
    }
}

/* 1.2345e+02, with at least `least` digits of exponent. */
static void put_exponent(kd_buf *out, const decimal *d, char mark, int least)
{
    int exponent = d->n == 1 && d->digits[0] == '0' ? 0 : d->point - 1;
    if (d->negative)
        kd_buf_byte(out, '-');
    kd_buf_byte(out, d->digits[0]);
    if (d->n > 1) {
        kd_buf_byte(out, '.');
        kd_buf_add(out, (kd_str){d->digits + 1, (size_t)(d->n - 1)});
    }
    kd_buf_byte(out, mark);
    kd_buf_byte(out, exponent < 0 ? '-' : '+');
    char text[20];
    size_t n = kd_u64_write(text, (uint64_t)abs(exponent));
    put_repeated(out, '0', least - (int)n);
    kd_buf_add(out, (kd_str){text, n});
}

/* What is no number; true when written. */
static bool put_special(kd_buf *out, double v)
{
    if (isfinite(v))
        return false;
    kd_buf_add(out, isnan(v) ? KD_STR("NaN") : v > 0 ? KD_STR("+Inf") : KD_STR("-Inf"));
    return true;
}

void kd_go_float_json(kd_buf *out, double v)
{
    if (!isfinite(v)) {
        kd_buf_add(out, KD_STR("null")); /* Go refuses the whole document; see kd_json_emit */
        return;
    }
    decimal d = shortest(v, false);
    if (v != 0 && (fabs(v) < 1e-6 || fabs(v) >= 1e21))
        put_exponent(out, &d, 'e', fabs(v) < 1 ? 1 : 2);
    else
        put_fixed(out, &d);
}

void kd_go_float_v(kd_buf *out, double v)
{
    if (put_special(out, v))
        return;
    decimal d = shortest(v, false);
    int exponent = v == 0 ? 0 : d.point - 1;
    if (exponent < -4 || exponent >= 6)
        put_exponent(out, &d, 'e', 2);
    else
        put_fixed(out, &d);
}

void kd_go_float_e32(kd_buf *out, double v)
{
    float single = (float)v;
    if (put_special(out, single))
        return;
    decimal d = shortest(single, true);
    put_exponent(out, &d, 'E', 2);
}

void kd_go_float_f(kd_buf *out, double v)
{
    if (put_special(out, v))
        return;
    decimal d = shortest(v, false);
    put_fixed(out, &d);
}

static void put_scalar(kd_buf *out, kd_value v)
{
    switch (v.type) {
    case KD_BOOL:
        kd_buf_add(out, v.boolean ? KD_STR("true") : KD_STR("false"));
        return;
    case KD_STRING:
        kd_buf_add(out, kd_value_text(v));
        return;
    case KD_NUMBER:
        if (v.origin == KD_ORIGIN_FLOAT64)
            kd_go_float_v(out, v.number);
        else
            kd_buf_add(out, kd_value_text(v));
        return;
    default:
        kd_buf_add(out, v.origin == KD_ORIGIN_LIST     ? KD_STR("[]")
                        : v.origin == KD_ORIGIN_OBJECT ? KD_STR("map[]")
                                                       : KD_STR("<nil>"));
        return;
    }
}

void kd_go_value_v(kd_buf *out, kd_value v)
{
    if (v.type != KD_LIST && v.type != KD_OBJECT) {
        put_scalar(out, v);
        return;
    }
    kd_order order;
    kd_order_init(&order);
    bool good = kd_order_push(&order, v), fresh = true;
    kd_buf_add(out, v.type == KD_LIST ? KD_STR("[") : KD_STR("map["));
    while (good && order.depth && !out->failed) {
        kd_str key;
        if (!kd_order_next(&order, &key, &v)) {
            kd_order_pop(&order);
            kd_buf_byte(out, ']');
            fresh = false;
            continue;
        }
        if (!fresh)
            kd_buf_byte(out, ' ');
        fresh = false;
        if (key.p) {
            kd_buf_add(out, key);
            kd_buf_byte(out, ':');
        }
        if (v.type != KD_LIST && v.type != KD_OBJECT) {
            put_scalar(out, v);
            continue;
        }
        kd_buf_add(out, v.type == KD_LIST ? KD_STR("[") : KD_STR("map["));
        good = kd_order_push(&order, v);
        fresh = true;
    }
    out->failed = out->failed || !good;
    kd_order_fini(&order);
}

void kd_go_value_param(kd_buf *out, kd_value v)
{
    if (v.type == KD_NUMBER && v.origin == KD_ORIGIN_FLOAT64) {
        kd_go_float_e32(out, v.number);
        return;
    }
    if (v.type == KD_NULL && v.origin == KD_ORIGIN_LIST)
        return;
    if (v.type != KD_LIST) {
        kd_go_value_v(out, v);
        return;
    }
    kd_value_iter iter = kd_value_each(v);
    kd_str key;
    kd_value item;
    for (bool first = true; kd_value_next(&iter, &key, &item); first = false) {
        if (!first)
            kd_buf_byte(out, ',');
        kd_go_value_v(out, item);
    }
}

void kd_go_time_string(kd_buf *out, kd_ns wall, kd_ns since_start)
{
    int64_t seconds = wall / KD_SECOND, fraction = wall % KD_SECOND;
    if (fraction < 0) {
        fraction += KD_SECOND;
        seconds--;
    }
    time_t at = (time_t)seconds;
    struct tm tm;
    char text[64], digits[16];
    if (!localtime_r(&at, &tm))
        memset(&tm, 0, sizeof(tm));
    kd_buf_add(out, (kd_str){text, strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm)});
    if (fraction) {
        int n = snprintf(digits, sizeof(digits), ".%09lld", (long long)fraction);
        while (digits[n - 1] == '0')
            n--;
        kd_buf_add(out, (kd_str){digits, (size_t)n});
    }
    kd_buf_add(out, (kd_str){text, strftime(text, sizeof(text), " %z %Z", &tm)});
    uint64_t run = since_start < 0 ? 0 - (uint64_t)since_start : (uint64_t)since_start;
    kd_buf_printf(out, " m=%c%llu.%09llu", since_start < 0 ? '-' : '+', (unsigned long long)(run / KD_SECOND),
                  (unsigned long long)(run % KD_SECOND));
}
