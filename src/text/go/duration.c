#include "text/go/duration.h"

typedef struct unit {
    kd_str name;
    uint64_t ns;
} unit;

static const unit units[] = {
    {KD_STR_INIT("ns"), 1},
    {KD_STR_INIT("us"), 1000},
    {KD_STR_INIT("\xc2\xb5s"), 1000}, /* U+00B5, micro sign */
    {KD_STR_INIT("\xce\xbcs"), 1000}, /* U+03BC, Greek mu */
    {KD_STR_INIT("ms"), 1000000},
    {KD_STR_INIT("s"), 1000000000},
    {KD_STR_INIT("m"), 60 * (uint64_t)1000000000},
    {KD_STR_INIT("h"), 3600 * (uint64_t)1000000000},
};

#define HALF ((uint64_t)1 << 63) /* the magnitude of the smallest duration */

static const kd_str invalid = KD_STR_INIT("time: invalid duration");
static const kd_str missing_unit = KD_STR_INIT("time: missing unit in duration");
static const kd_str unknown_unit = KD_STR_INIT("time: unknown unit");

static bool digit(kd_str s)
{
    return s.n && (uint8_t)(s.p[0] - '0') < 10;
}

/* Takes leading digits; false when they pass 2^63. */
static bool take_integer(kd_str *s, uint64_t *out)
{
    uint64_t v = 0;
    for (; digit(*s); *s = kd_str_from(*s, 1)) {
        if (v > HALF / 10)
            return false;
        v = v * 10 + (uint64_t)(s->p[0] - '0');
        if (v > HALF)
            return false;
    }
    *out = v;
    return true;
}

/* Takes the digits behind the point: out / scale. Digits that no longer fit are read and ignored. */
static void take_fraction(kd_str *s, uint64_t *out, double *scale)
{
    uint64_t v = 0;
    bool full = false;
    *scale = 1;
    for (; digit(*s); *s = kd_str_from(*s, 1)) {
        if (full)
            continue;
        if (v > (HALF - 1) / 10) {
            full = true;
            continue;
        }
        uint64_t more = v * 10 + (uint64_t)(s->p[0] - '0');
        if (more > HALF) {
            full = true;
            continue;
        }
        v = more;
        *scale *= 10;
    }
    *out = v;
}

static uint64_t take_unit(kd_str *s, kd_str *error)
{
    size_t n = 0;
    while (n < s->n && s->p[n] != '.' && (uint8_t)(s->p[n] - '0') >= 10)
        n++;
    kd_str name = kd_str_head(*s, n);
    *s = kd_str_from(*s, n);
    for (size_t i = 0; i < KD_COUNT(units); i++)
        if (kd_str_eq(units[i].name, name))
            return units[i].ns;
    *error = n ? unknown_unit : missing_unit;
    return 0;
}

/* One number with its unit, added to *sum. */
static bool take_term(kd_str *s, uint64_t *sum, kd_str *error)
{
    uint64_t whole = 0, fraction = 0;
    double scale = 1;
    *error = invalid;
    size_t before = s->n;
    if (!take_integer(s, &whole))
        return false;
    bool any = s->n != before;
    if (s->n && s->p[0] == '.') {
        *s = kd_str_from(*s, 1);
        before = s->n;
        take_fraction(s, &fraction, &scale);
        any = any || s->n != before;
    }
    if (!any)
        return false;
    uint64_t ns = take_unit(s, error);
    if (ns == 0 || whole > HALF / ns)
        return false;
    whole *= ns;
    /* The same double arithmetic as Go's, so that fractions of hours are cut alike. */
    if (fraction)
        whole += (uint64_t)((double)fraction * ((double)ns / scale));
    if (whole > HALF || *sum > HALF - whole)
        return false;
    *sum += whole;
    return true;
}

bool kd_go_duration_parse(kd_str s, kd_ns *out, kd_str *error)
{
    bool negative = false;
    if (s.n && (s.p[0] == '-' || s.p[0] == '+')) {
        negative = s.p[0] == '-';
        s = kd_str_from(s, 1);
    }
    *error = invalid;
    if (kd_str_eq(s, KD_STR("0"))) {
        *out = 0;
        return true;
    }
    if (s.n == 0)
        return false;
    uint64_t sum = 0;
    while (s.n)
        if (!take_term(&s, &sum, error))
            return false;
    *error = invalid;
    if (!negative && sum == HALF)
        return false;
    *out = (kd_ns)(negative ? 0 - sum : sum);
    return true;
}

/* Puts v / 10^digits without trailing zeros before `end`; the whole part is returned. */
static uint64_t put_fraction(char **end, uint64_t v, int digits)
{
    bool print = false;
    for (int i = 0; i < digits; i++) {
        char d = (char)('0' + v % 10);
        print = print || d != '0';
        if (print)
            *--*end = d;
        v /= 10;
    }
    if (print)
        *--*end = '.';
    return v;
}

static void put_integer(char **end, uint64_t v)
{
    do
        *--*end = (char)('0' + v % 10);
    while (v /= 10);
}

static void put_text(char **end, kd_str s)
{
    *end -= s.n;
    memcpy(*end, s.p, s.n);
}

size_t kd_go_duration_write(char to[KD_GO_DURATION_MAX], kd_ns d)
{
    char room[KD_GO_DURATION_MAX], *at = room + sizeof(room);
    uint64_t v = d < 0 ? 0 - (uint64_t)d : (uint64_t)d;
    put_text(&at, KD_STR("s"));
    if (v == 0) {
        put_text(&at, KD_STR("0"));
    } else if (v < 1000) {
        put_text(&at, KD_STR("n"));
        put_integer(&at, v);
    } else if (v < 1000000) {
        put_text(&at, KD_STR("\xc2\xb5"));
        put_integer(&at, put_fraction(&at, v, 3));
    } else if (v < 1000000000) {
        put_text(&at, KD_STR("m"));
        put_integer(&at, put_fraction(&at, v, 6));
    } else {
        v = put_fraction(&at, v, 9);
        put_integer(&at, v % 60);
        if (v /= 60) {
            put_text(&at, KD_STR("m"));
            put_integer(&at, v % 60);
            if (v /= 60) {
                put_text(&at, KD_STR("h"));
                put_integer(&at, v);
            }
        }
    }
    if (d < 0)
        put_text(&at, KD_STR("-"));
    size_t n = (size_t)(room + sizeof(room) - at);
    memcpy(to, at, n);
    return n;
}

kd_ns kd_go_duration_gin(kd_ns d)
{
    kd_ns step = d > 60 * KD_SECOND ? 10 * KD_SECOND : d > KD_SECOND ? 10 * KD_MS : d > KD_MS ? 10 * KD_US : 1;
    return d - d % step;
}
