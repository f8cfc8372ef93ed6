/* Timestamps and durations, as Go's time package has them. */
#include <stdio.h>
#include <time.h>

#include "lang/cel/run.h"
#include "text/go/duration.h"
#include "text/go/fixed.h"
#include "text/go/format.h"
#include "text/go/time_layout.h"

#define MIN_SECONDS (-62135596800) /* 0001-01-01T00:00:00Z */
#define MAX_SECONDS 253402300799   /* 9999-12-31T23:59:59Z */
#define DAY         86400

/* A time on a calendar and a clock. */
typedef struct civil {
    int64_t year;
    int month, day, of_year, of_week; /* all from 0, but for the day of the month */
    int hour, minute, second;
} civil;

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

/* The proleptic Gregorian calendar, counted in years that begin in March (400 of them have 146097 days). */
static civil civil_of(int64_t seconds)
{
    int64_t days = floor_div(seconds, DAY), rest = seconds - days * DAY;
    int64_t z = days + 719468, era = floor_div(z, 146097), of_era = z - era * 146097;
    int64_t y = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_y = of_era - (365 * y + y / 4 - y / 100), m = (5 * of_y + 2) / 153;
    bool next = m >= 10;
    int64_t year = y + era * 400 + next;
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    civil c = {
        .year = year,
        .month = (int)(next ? m - 10 : m + 2),
        .day = (int)(of_y - (153 * m + 2) / 5 + 1),
        .of_year = (int)(next ? of_y - 306 : of_y + 59 + leap),
        .of_week = (int)(((days + 4) % 7 + 7) % 7),
        .hour = (int)(rest / 3600),
        .minute = (int)(rest / 60 % 60),
        .second = (int)(rest % 60),
    };
    return c;
}

kd_cel_value kd_cel_timestamp_of(int64_t seconds)
{
    if (seconds < MIN_SECONDS || seconds > MAX_SECONDS)
        return kd_cel_error(KD_STR("timestamp overflow"));
    return (kd_cel_value){.type = KD_CEL_TIMESTAMP, .i = seconds};
}

/* Two digits, at most `max`; -1 for what is none. */
static int two_digits(const char *p, int max)
{
    int tens = p[0] - '0', ones = p[1] - '0';
    if (tens < 0 || tens > 9 || ones < 0 || ones > 9 || tens * 10 + ones > max)
        return -1;
    return tens * 10 + ones;
}

/* A time as it is usually written, "2024-02-29T12:34:56.789+01:00". False for others, right or wrong: the reader of
 * Go's layouts decides about those, which costs thirty times as much. */
static bool parse_usual(kd_str text, kd_go_time *t)
{
    const char *p = text.p, *end = text.p + text.n;
    if (text.n < 20 || p[4] != '-' || p[7] != '-' || p[10] != 'T' || p[13] != ':' || p[16] != ':')
        return false;
    int century = two_digits(p, 99), of_century = two_digits(p + 2, 99), month = two_digits(p + 5, 12);
    int last = month == 2 ? 28 : 30 + ((month + (month > 7)) & 1);
    int day = two_digits(p + 8, last), hour = two_digits(p + 11, 23), minute = two_digits(p + 14, 59);
    int second = two_digits(p + 17, 59);
    if (century < 0 || of_century < 0 || month < 1 || day < 1 || hour < 0 || minute < 0 || second < 0)
        return false;
    int32_t nanos = 0, offset = 0;
    p += 19;
    if (*p == '.') {
        int32_t unit = 100000000;
        for (p++; p < end && *p >= '0' && *p <= '9' && unit; p++, unit /= 10)
            nanos += (*p - '0') * unit;
        if (p[-1] == '.')
            return false;
    }
    if (end - p == 6 && (*p == '+' || *p == '-') && p[3] == ':') {
        int hours = two_digits(p + 1, 23), minutes = two_digits(p + 4, 59);
        if (hours < 0 || minutes < 0)
            return false;
        offset = (hours * 60 + minutes) * (*p == '-' ? -60 : 60);
    } else if (end - p != 1 || *p != 'Z') {
        return false;
    }
    int64_t year = century * 100 + of_century - (month <= 2), era = floor_div(year, 400), of_era = year - era * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t days = era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
    *t = (kd_go_time){days * DAY + hour * 3600 + minute * 60 + second - offset, nanos, offset, offset == 0};
    return true;
}

bool kd_cel_timestamp_parse(kd_str text, kd_cel_value *out)
{
    kd_go_time t;
    if (!parse_usual(text, &t) && !kd_go_time_parse(KD_STR("2006-01-02T15:04:05Z07:00"), text, &t))
        return false;
    *out = kd_cel_timestamp_of(t.seconds);
    if (out->type == KD_CEL_TIMESTAMP) {
        out->n = (uint32_t)t.nanos;
        out->zone = (int16_t)(t.offset / 60);
    }
    return true;
}

bool kd_cel_duration_parse(kd_str text, kd_cel_value *out)
{
    kd_str error;
    kd_ns d;
    if (!kd_go_duration_parse(text, &d, &error))
        return false;
    *out = (kd_cel_value){.type = KD_CEL_DURATION, .i = d};
    return true;
}

kd_cel_value kd_cel_timestamp_add(kd_cel_value timestamp, int64_t duration)
{
    int64_t seconds, nanos = timestamp.n + duration % KD_SECOND;
    if (__builtin_add_overflow(timestamp.i, duration / KD_SECOND + floor_div(nanos, KD_SECOND), &seconds))
        return kd_cel_error(KD_STR("integer overflow"));
    kd_cel_value sum = kd_cel_timestamp_of(seconds);
    if (sum.type == KD_CEL_TIMESTAMP) {
        sum.n = (uint32_t)(nanos - floor_div(nanos, KD_SECOND) * KD_SECOND);
        sum.zone = timestamp.zone;
    }
    return sum;
}

kd_cel_value kd_cel_timestamp_distance(kd_cel_value a, kd_cel_value b)
{
    int64_t d;
    if (__builtin_mul_overflow(a.i - b.i, KD_SECOND, &d) || __builtin_add_overflow(d, (int64_t)a.n - b.n, &d))
        return kd_cel_error(KD_STR("integer overflow"));
    return (kd_cel_value){.type = KD_CEL_DURATION, .i = d};
}

/* ".5" of half a second; nothing of whole ones. */
static void write_fraction(kd_buf *out, uint32_t nanos)
{
    int digits = 9;
    if (!nanos)
        return;
    for (; nanos % 10 == 0; nanos /= 10)
        digits--;
    kd_buf_printf(out, ".%0*u", digits, nanos);
}

void kd_cel_timestamp_write(kd_buf *out, kd_cel_value v)
{
    civil c = civil_of(v.i + v.zone * 60);
    kd_buf_printf(out, "%04lld-%02d-%02dT%02d:%02d:%02d", (long long)c.year, c.month + 1, c.day, c.hour, c.minute,
                  c.second);
    write_fraction(out, v.n);
    int size = v.zone < 0 ? -v.zone : v.zone;
    if (size)
        kd_buf_printf(out, "%c%02d:%02d", v.zone < 0 ? '-' : '+', size / 60, size % 60);
    else
        kd_buf_byte(out, 'Z');
}

void kd_cel_timestamp_print(kd_buf *out, kd_cel_value v)
{
    civil c = civil_of(v.i + v.zone * 60);
    kd_buf_printf(out, "%04lld-%02d-%02d %02d:%02d:%02d", (long long)c.year, c.month + 1, c.day, c.hour, c.minute,
                  c.second);
    write_fraction(out, v.n);
    int size = v.zone < 0 ? -v.zone : v.zone;
    char zone[8];
    snprintf(zone, sizeof zone, "%c%02d%02d", v.zone < 0 ? '-' : '+', size / 60 % 100, size % 60);
    kd_buf_printf(out, " %s %s", zone, size ? zone : "UTC");
}

void kd_cel_duration_write(kd_buf *out, kd_cel_value v)
{
    kd_go_float_f(out, (double)(v.i / KD_SECOND) + (double)(v.i % KD_SECOND) / 1e9);
    kd_buf_byte(out, 's');
}

/* strconv.Atoi, as far as the value is within an int64. */
static bool parse_int(kd_cel_state *state, kd_str s, int64_t *out, kd_cel_value *error)
{
    bool negative = s.n && s.p[0] == '-', digits = true;
    kd_str number = s.n && (s.p[0] == '-' || s.p[0] == '+') ? kd_str_from(s, 1) : s;
    uint64_t u = 0;
    for (size_t i = 0; i < number.n; i++)
        digits = digits && number.p[i] >= '0' && number.p[i] <= '9';
    if (kd_str_to_u64(number, (uint64_t)INT64_MAX + negative, &u)) {
        *out = (int64_t)(negative ? 0 - u : u);
        return true;
    }
    *error = kd_cel_fail(state, "strconv.Atoi: parsing \"%.*s\": %s", KD_FMT(s),
                         digits && number.n ? "value out of range" : "invalid syntax");
    return false;
}

/* The offset of "+05:30", or of a zone's name, in seconds. A bare "5:30" is east of UTC, too. */
static bool offset_of(kd_cel_state *state, kd_str zone, int64_t at, int64_t *offset, kd_cel_value *error)
{
    ptrdiff_t colon = kd_str_find(zone, ':');
    int64_t hours, minutes;
    if (colon < 0)
        return kd_cel_zone_offset(state, zone, at, offset, error);
    if (!parse_int(state, kd_str_head(zone, (size_t)colon), &hours, error) ||
        !parse_int(state, kd_str_from(zone, (size_t)colon + 1), &minutes, error))
        return false;
    if (zone.p[0] == '-')
        minutes = (int64_t)(0 - (uint64_t)minutes);
    /* cel-go goes by a duration in nanoseconds, which wraps around */
    uint64_t sum = (uint64_t)hours * 60 + (uint64_t)minutes;
    *offset = (int64_t)(sum * 60 * (uint64_t)KD_SECOND) / KD_SECOND;
    return true;
}

static kd_cel_value duration_part(kd_cel_function function, int64_t d)
{
    switch (function) {
    case KD_CEL_FN_GET_HOURS:
        return kd_cel_int(d / (3600 * KD_SECOND));
    case KD_CEL_FN_GET_MINUTES:
        return kd_cel_int(d / (60 * KD_SECOND));
    case KD_CEL_FN_GET_SECONDS:
        return kd_cel_int(d / KD_SECOND);
    default:
        return kd_cel_int(d / KD_MS);
    }
}

static kd_cel_value timestamp_part(kd_cel_function function, civil c, uint32_t nanos)
{
    switch (function) {
    case KD_CEL_FN_GET_FULL_YEAR:
        return kd_cel_int(c.year);
    case KD_CEL_FN_GET_MONTH:
        return kd_cel_int(c.month);
    case KD_CEL_FN_GET_DAY_OF_YEAR:
        return kd_cel_int(c.of_year);
    case KD_CEL_FN_GET_DAY_OF_MONTH:
        return kd_cel_int(c.day - 1);
    case KD_CEL_FN_GET_DATE:
        return kd_cel_int(c.day);
    case KD_CEL_FN_GET_DAY_OF_WEEK:
        return kd_cel_int(c.of_week);
    case KD_CEL_FN_GET_HOURS:
        return kd_cel_int(c.hour);
    case KD_CEL_FN_GET_MINUTES:
        return kd_cel_int(c.minute);
    case KD_CEL_FN_GET_SECONDS:
        return kd_cel_int(c.second);
    default:
        return kd_cel_int(nanos / 1000000);
    }
}

kd_cel_value kd_cel_time_part(kd_cel_state *state, const kd_cel_expr *call, const kd_cel_value *args, uint32_t n)
{
    kd_cel_function function = (kd_cel_function)call->function;
    if (args[0].type == KD_CEL_DURATION && n == 1 && function >= KD_CEL_FN_GET_HOURS)
        return duration_part(function, args[0].i);
    if (args[0].type != KD_CEL_TIMESTAMP || n > 2 || (n == 2 && args[1].type != KD_CEL_STRING))
        return kd_cel_no_overload_of(state, call->name, args, n);
    int64_t offset = 0;
    kd_cel_value error;
    if (n == 2 && !offset_of(state, kd_cel_text(args[1]), args[0].i, &offset, &error))
        return error;
    return timestamp_part(function, civil_of(args[0].i + offset), args[0].n);
}
