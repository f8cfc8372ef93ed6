#include "lang/jsonschema/number.h"

#include <stdio.h>
#include <stdlib.h>

#define EXPONENT_MAX 1000000000000000ll /* beyond it all numbers are as large, or as small */
#define LIMB         1000000000u

static uint64_t count(const kd_decimal *d)
{
    return d->whole.n + d->fraction.n;
}

static char digit(const kd_decimal *d, uint64_t i)
{
    return i < d->whole.n ? d->whole.p[i] : d->fraction.p[i - d->whole.n];
}

static void strip(kd_decimal *d)
{
    while (d->whole.n && d->whole.p[0] == '0')
        d->whole = kd_str_from(d->whole, 1), d->point--;
    while (!d->whole.n && d->fraction.n && d->fraction.p[0] == '0')
        d->fraction = kd_str_from(d->fraction, 1), d->point--;
    while (d->fraction.n && d->fraction.p[d->fraction.n - 1] == '0')
        d->fraction.n--;
    while (!d->fraction.n && d->whole.n && d->whole.p[d->whole.n - 1] == '0')
        d->whole.n--;
    d->zero = count(d) == 0;
}

static size_t digits_at(kd_str s, size_t at)
{
    size_t n = 0;
    while (at + n < s.n && s.p[at + n] >= '0' && s.p[at + n] <= '9')
        n++;
    return n;
}

static int64_t read_exponent(kd_str s)
{
    bool negative = s.n && s.p[0] == '-';
    int64_t v = 0;
    for (size_t i = s.n && (s.p[0] == '-' || s.p[0] == '+'); i < s.n; i++)
        if (v < EXPONENT_MAX)
            v = v * 10 + (s.p[i] - '0');
    v = v < EXPONENT_MAX ? v : EXPONENT_MAX;
    return negative ? -v : v;
}

static void read_text(kd_str s, kd_decimal *out)
{
    size_t at = s.n && s.p[0] == '-', n = digits_at(s, at);
    out->negative = at > 0;
    out->whole = kd_str_of(s.p + at, n);
    out->fraction = (kd_str){s.p, 0};
    out->point = (int64_t)n;
    at += n;
    if (at < s.n && s.p[at] == '.') {
        n = digits_at(s, at + 1);
        out->fraction = kd_str_of(s.p + at + 1, n);
        at += n + 1;
    }
    if (at < s.n && (s.p[at] == 'e' || s.p[at] == 'E'))
        out->point += read_exponent(kd_str_from(s, at + 1));
    strip(out);
}

/* The fewest digits that give the float64 again. */
static int print_shortest(char *to, size_t size, double v)
{
    int n = 0;
    for (int precision = 0; precision < 17; precision++) {
        n = snprintf(to, size, "%.*e", precision, v);
        if (strtod(to, NULL) == v)
            break;
    }
    return n;
}

void kd_decimal_read(kd_value number, kd_decimal *out)
{
    if (number.origin != KD_ORIGIN_FLOAT64) {
        read_text(kd_value_text(number), out);
        return;
    }
    int n = print_shortest(out->text, sizeof(out->text), number.number);
    read_text(kd_str_of(out->text, (size_t)n), out);
}

int kd_decimal_cmp(const kd_decimal *a, const kd_decimal *b)
{
    if (a->zero || b->zero)
        return a->zero ? (b->zero ? 0 : b->negative ? 1 : -1) : a->negative ? -1 : 1;
    if (a->negative != b->negative)
        return a->negative ? -1 : 1;
    int larger = a->negative ? -1 : 1;
    if (a->point != b->point)
        return a->point > b->point ? larger : -larger;
    uint64_t n = count(a) < count(b) ? count(a) : count(b);
    for (uint64_t i = 0; i < n; i++) {
        int difference = digit(a, i) - digit(b, i);
        if (difference)
            return difference > 0 ? larger : -larger;
    }
    return count(a) == count(b) ? 0 : count(a) > count(b) ? larger : -larger;
}

bool kd_decimal_is_integer(const kd_decimal *d)
{
    return d->zero || (d->point > 0 && (uint64_t)d->point >= count(d));
}

bool kd_decimal_to_int(const kd_decimal *d, int64_t *out)
{
    if (!kd_decimal_is_integer(d))
        return false;
    uint64_t v = 0;
    for (int64_t i = 0; !d->zero && i < d->point && v <= INT64_MAX; i++) {
        uint64_t next = (uint64_t)i < count(d) ? (uint64_t)(digit(d, (uint64_t)i) - '0') : 0;
        v = v > (INT64_MAX - next) / 10 ? (uint64_t)INT64_MAX + 1 : v * 10 + next;
    }
    if (v > INT64_MAX)
        v = INT64_MAX;
    *out = d->negative ? -(int64_t)v : (int64_t)v;
    return true;
}

/* ---- the remainder of a division, in limbs of nine digits, the lowest first */

typedef struct bignum {
    uint32_t *limb;
    uint32_t n;
} bignum;

static void times_ten_plus(bignum *b, uint32_t add)
{
    uint64_t carry = add;
    for (uint32_t i = 0; i < b->n; i++) {
        carry += (uint64_t)b->limb[i] * 10;
        b->limb[i] = (uint32_t)(carry % LIMB);
        carry /= LIMB;
    }
}

static bool is_zero(const bignum *b)
{
    for (uint32_t i = 0; i < b->n; i++)
        if (b->limb[i])
            return false;
    return true;
}

static bool at_least(const bignum *a, const bignum *b)
{
    for (uint32_t i = a->n; i-- > 0;)
        if (a->limb[i] != b->limb[i])
            return a->limb[i] > b->limb[i];
    return true;
}

static void subtract(bignum *a, const bignum *b)
{
    uint32_t borrow = 0;
    for (uint32_t i = 0; i < a->n; i++) {
        uint32_t take = b->limb[i] + borrow;
        borrow = a->limb[i] < take;
        a->limb[i] += (borrow ? LIMB : 0) - take;
    }
}

/* rest = (rest × 10 + next) mod of */
static void divide_step(bignum *rest, const bignum *of, uint32_t next)
{
    times_ten_plus(rest, next);
    while (at_least(rest, of))
        subtract(rest, of);
}

bool kd_decimal_multiple(const kd_decimal *d, const kd_decimal *of, kd_arena *scratch)
{
    if (d->zero || of->zero)
        return d->zero && !of->zero;
    int64_t shift = (d->point - (int64_t)count(d)) - (of->point - (int64_t)count(of));
    /* the last digit of d is no zero, so d cannot be a multiple of something that ends in zeros */
    if (shift < 0)
        return false;
    uint32_t n = (uint32_t)(count(of) / 9 + 2);
    bignum divisor = {KD_NEW_ARRAY(scratch, uint32_t, n), n}, rest = {KD_NEW_ARRAY(scratch, uint32_t, n), n};
    if (!divisor.limb || !rest.limb)
        return false;
    for (uint64_t i = 0; i < count(of); i++)
        times_ten_plus(&divisor, (uint32_t)(digit(of, i) - '0'));
    for (uint64_t i = 0; i < count(d); i++)
        divide_step(&rest, &divisor, (uint32_t)(digit(d, i) - '0'));
    /* each factor of ten can take one factor 2 and one factor 5 from the divisor, which has at most these many */
    int64_t useful = (int64_t)count(of) * 4 + 1;
    for (int64_t i = 0; i < shift && i < useful && !is_zero(&rest); i++)
        divide_step(&rest, &divisor, 0);
    return is_zero(&rest);
}

uint64_t kd_decimal_hash(const kd_decimal *d, uint64_t seed)
{
    static const uint64_t prime = 1099511628211u;
    seed = (seed ^ (uint64_t)(d->zero ? 0 : d->point)) * prime;
    seed = (seed ^ (uint64_t)(d->negative && !d->zero)) * prime;
    for (uint64_t i = 0; i < count(d); i++)
        seed = (seed ^ (uint64_t)digit(d, i)) * prime;
    return seed;
}

/* ---- in words */

static void print_grouped(kd_buf *out, kd_str digits)
{
    for (size_t i = 0; i < digits.n; i++) {
        if (i && (digits.n - i) % 3 == 0)
            kd_buf_byte(out, ',');
        kd_buf_byte(out, digits.p[i]);
    }
}

void kd_decimal_print_int(kd_buf *out, int64_t v)
{
    char digits[20];
    if (v < 0)
        kd_buf_byte(out, '-');
    size_t n = kd_u64_write(digits, v < 0 ? 0 - (uint64_t)v : (uint64_t)v);
    print_grouped(out, kd_str_of(digits, n));
}

static void print_scientific(kd_buf *out, kd_str digits, int exponent)
{
    static const char *const raised[] = {"⁰", "¹", "²", "³", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹"};
    char text[12];
    kd_buf_byte(out, digits.p[0]);
    if (digits.n > 1) {
        kd_buf_byte(out, '.');
        kd_buf_add(out, kd_str_from(digits, 1));
    }
    kd_buf_add(out, KD_STR("\u202f×\u202f10"));
    if (exponent < 0)
        kd_buf_add(out, KD_STR("⁻"));
    int n = snprintf(text, sizeof(text), "%02d", abs(exponent));
    for (int i = 0; i < n; i++)
        kd_buf_add(out, kd_str_from_c(raised[text[i] - '0']));
}

/* The float64 next to it. A digit beyond the kept ones could decide only where all the kept ones are those of a number
 * in the middle between two floats. */
static double nearest(const kd_decimal *d)
{
    char text[160];
    size_t n = 0, kept = count(d) < 120 ? count(d) : 120;
    if (d->zero)
        return 0;
    if (d->negative)
        text[n++] = '-';
    text[n++] = '.';
    for (size_t i = 0; i < kept; i++)
        text[n++] = digit(d, i);
    if (kept < count(d))
        text[n++] = '1';
    int64_t point = d->point > 9999 ? 9999 : d->point < -9999 ? -9999 : d->point;
    snprintf(text + n, sizeof(text) - n, "e%d", (int)point);
    return strtod(text, NULL);
}

void kd_decimal_print(kd_buf *out, kd_value number)
{
    char text[40], digits[24];
    kd_decimal decimal;
    kd_decimal_read(number, &decimal);
    double v = nearest(&decimal);
    if (v < 0)
        kd_buf_byte(out, '-');
    v = v < 0 ? -v : v;
    if (v > 1.7976931348623157e308) {
        kd_buf_add(out, KD_STR("∞"));
        return;
    }
    if (v == 0) {
        kd_buf_byte(out, '0');
        return;
    }
    print_shortest(text, sizeof(text), v);
    size_t n = 0;
    const char *p = text;
    for (; *p && *p != 'e'; p++)
        if (*p != '.')
            digits[n++] = *p;
    int exponent = atoi(p + 1);
    while (n > 1 && digits[n - 1] == '0')
        n--;
    if (exponent < -4 || exponent >= 6) {
        print_scientific(out, kd_str_of(digits, n), exponent);
        return;
    }
    size_t whole = exponent < 0 ? 0 : (size_t)exponent + 1;
    while (n < whole)
        digits[n++] = '0';
    if (whole)
        print_grouped(out, kd_str_of(digits, whole));
    else
        kd_buf_byte(out, '0');
    if (n > whole)
        kd_buf_byte(out, '.');
    for (int i = exponent; i < -1; i++)
        kd_buf_byte(out, '0');
    kd_buf_add(out, kd_str_of(digits + whole, n - whole));
}
