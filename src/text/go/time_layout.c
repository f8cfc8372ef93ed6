#include "text/go/time_layout.h"

typedef enum part {
    PART_NONE, /* the layout's end */
    PART_LONG_MONTH,
    PART_MONTH,
    PART_NUMBER_MONTH,
    PART_ZERO_MONTH,
    PART_LONG_WEEKDAY,
    PART_WEEKDAY,
    PART_DAY,
    PART_UNDER_DAY,
    PART_ZERO_DAY,
    PART_HOUR,
    PART_HOUR12,
    PART_ZERO_HOUR12,
    PART_MINUTE,
    PART_ZERO_MINUTE,
    PART_SECOND,
    PART_ZERO_SECOND,
    PART_LONG_YEAR,
    PART_YEAR,
    PART_UPPER_PM,
    PART_LOWER_PM,
    PART_ZONE_NAME,
    PART_ZONE, /* an offset; see piece.zone */
    PART_FRACTION_FIXED,
    PART_FRACTION_FREE,
} part;

/* The layout's next part, and the literal text before it. */
typedef struct piece {
    part part;
    kd_str before, text;
} piece;

typedef struct moment {
    int64_t year, month, day, hour, minute, second, nanos, offset;
    bool pm, am, utc, has_offset, named;
} moment;

static bool is_digit(kd_str s, size_t at)
{
    return at < s.n && (uint8_t)(s.p[at] - '0') < 10;
}

/* ---- layouts ----------------------------------------------------------------------------------------------------- */

static const struct {
    kd_str text;
    part part;
} parts[] = {
    {KD_STR_INIT("January"), PART_LONG_MONTH},
    {KD_STR_INIT("Jan"), PART_MONTH},
    {KD_STR_INIT("Monday"), PART_LONG_WEEKDAY},
    {KD_STR_INIT("Mon"), PART_WEEKDAY},
    {KD_STR_INIT("MST"), PART_ZONE_NAME},
    {KD_STR_INIT("01"), PART_ZERO_MONTH},
    {KD_STR_INIT("02"), PART_ZERO_DAY},
    {KD_STR_INIT("03"), PART_ZERO_HOUR12},
    {KD_STR_INIT("04"), PART_ZERO_MINUTE},
    {KD_STR_INIT("05"), PART_ZERO_SECOND},
    {KD_STR_INIT("06"), PART_YEAR},
    {KD_STR_INIT("15"), PART_HOUR},
    {KD_STR_INIT("1"), PART_NUMBER_MONTH},
    {KD_STR_INIT("2006"), PART_LONG_YEAR},
    {KD_STR_INIT("2"), PART_DAY},
    {KD_STR_INIT("_2"), PART_UNDER_DAY},
    {KD_STR_INIT("3"), PART_HOUR12},
    {KD_STR_INIT("4"), PART_MINUTE},
    {KD_STR_INIT("5"), PART_SECOND},
    {KD_STR_INIT("PM"), PART_UPPER_PM},
    {KD_STR_INIT("pm"), PART_LOWER_PM},
    {KD_STR_INIT("-070000"), PART_ZONE},
    {KD_STR_INIT("-07:00:00"), PART_ZONE},
    {KD_STR_INIT("-0700"), PART_ZONE},
    {KD_STR_INIT("-07:00"), PART_ZONE},
    {KD_STR_INIT("-07"), PART_ZONE},
    {KD_STR_INIT("Z070000"), PART_ZONE},
    {KD_STR_INIT("Z07:00:00"), PART_ZONE},
    {KD_STR_INIT("Z0700"), PART_ZONE},
    {KD_STR_INIT("Z07:00"), PART_ZONE},
    {KD_STR_INIT("Z07"), PART_ZONE},
};

/* ".000" and ".999", unless more digits follow: how many bytes, or 0. */
static size_t fraction(kd_str s)
{
    if (s.n < 2 || (s.p[0] != '.' && s.p[0] != ',') || (s.p[1] != '0' && s.p[1] != '9'))
        return 0;
    size_t n = 1;
    while (n < s.n && s.p[n] == s.p[1])
        n++;
    return is_digit(s, n) ? 0 : n;
}

static bool part_at(kd_str s, piece *out)
{
    size_t n = fraction(s);
    if (n) {
        out->part = s.p[1] == '0' ? PART_FRACTION_FIXED : PART_FRACTION_FREE;
        out->text = kd_str_head(s, n);
        return true;
    }
    for (size_t i = 0; i < KD_COUNT(parts); i++) {
        if (!kd_str_starts(s, parts[i].text))
            continue;
        n = parts[i].text.n;
        bool word = parts[i].part == PART_MONTH || parts[i].part == PART_WEEKDAY;
        if (word && n < s.n && s.p[n] >= 'a' && s.p[n] <= 'z')
            continue;
        out->part = parts[i].part;
        out->text = parts[i].text;
        return true;
    }
    return false;
}

static piece next_piece(kd_str *layout)
{
    piece out = {.part = PART_NONE};
    size_t at = 0;
    while (at < layout->n && !part_at(kd_str_from(*layout, at), &out))
        at++;
    out.before = kd_str_head(*layout, at);
    *layout = kd_str_from(*layout, at + out.text.n);
    return out;
}

/* ---- what stands in a text --------------------------------------------------------------------------------------- */

static kd_str cut_space(kd_str s)
{
    while (s.n && s.p[0] == ' ')
        s = kd_str_from(s, 1);
    return s;
}

/* Goes over the literal text; a run of spaces stands for any run, none at the text's end too. */
static bool skip(kd_str *text, kd_str literal)
{
    while (literal.n) {
        if (literal.p[0] == ' ') {
            if (text->n && text->p[0] != ' ')
                return false;
            literal = cut_space(literal);
            *text = cut_space(*text);
            continue;
        }
        if (!text->n || text->p[0] != literal.p[0])
            return false;
        literal = kd_str_from(literal, 1);
        *text = kd_str_from(*text, 1);
    }
    return true;
}

/* One or two digits; always two when `fixed`. */
static bool number(kd_str *text, bool fixed, int64_t *out)
{
    if (!is_digit(*text, 0) || (fixed && !is_digit(*text, 1)))
        return false;
    size_t n = is_digit(*text, 1) ? 2 : 1;
    *out = n == 2 ? (text->p[0] - '0') * 10 + (text->p[1] - '0') : text->p[0] - '0';
    *text = kd_str_from(*text, n);
    return true;
}

/* All of s as a number, a sign allowed; nothing is 0. */
static bool whole_number(kd_str s, int64_t *out)
{
    bool negative = s.n && s.p[0] == '-';
    if (negative || (s.n && s.p[0] == '+'))
        s = kd_str_from(s, 1);
    int64_t v = 0;
    for (size_t i = 0; i < s.n; i++) {
        if (!is_digit(s, i) || v > INT64_MAX / 100)
            return false;
        v = v * 10 + (s.p[i] - '0');
    }
    *out = negative ? -v : v;
    return true;
}

static const char *const months[] = {"January", "February", "March",     "April",   "May",      "June",
                                     "July",    "August",   "September", "October", "November", "December"};
static const char *const days[] = {"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"};

/* One of the names, or of their first three letters, whatever its case. */
static bool name(kd_str *text, const char *const *names, size_t n, bool brief, int64_t *out)
{
    for (size_t i = 0; i < n; i++) {
        kd_str word = kd_str_from_c(names[i]);
        if (brief)
            word.n = 3;
        if (text->n >= word.n && kd_str_eq_ci(kd_str_head(*text, word.n), word)) {
            *text = kd_str_from(*text, word.n);
            *out = (int64_t)i;
            return true;
        }
    }
    return false;
}

/* The first n bytes are a point or comma and digits of a second. */
static bool nanoseconds(kd_str *text, size_t n, int64_t *out)
{
    if (text->n < n || (text->p[0] != '.' && text->p[0] != ','))
        return false;
    size_t used = n > 10 ? 10 : n;
    if (!whole_number((kd_str){text->p + 1, used - 1}, out) || *out < 0)
        return false;
    for (size_t i = used; i < 10; i++)
        *out *= 10;
    *text = kd_str_from(*text, n);
    return true;
}

static size_t digits_behind(kd_str text, size_t at)
{
    size_t n = at;
    while (is_digit(text, n))
        n++;
    return n;
}

/* "+3" of "GMT+3": how many bytes; 0 where it is none. */
static size_t signed_hours(kd_str s)
{
    size_t n = digits_behind(s, 1);
    int64_t hours;
    if (s.n < 2 || (s.p[0] != '-' && s.p[0] != '+') || n == 1)
        return 0;
    return whole_number((kd_str){s.p + 1, n - 1}, &hours) && hours <= 23 ? n : 0;
}

/* How many bytes look like a zone's name. */
static size_t zone_name(kd_str s)
{
    if (s.n < 3)
        return 0;
    if (kd_str_starts(s, KD_STR("ChST")) || kd_str_starts(s, KD_STR("MeST")))
        return 4;
    if (kd_str_starts(s, KD_STR("GMT")))
        return 3 + signed_hours(kd_str_from(s, 3));
    if (s.p[0] == '+' || s.p[0] == '-')
        return signed_hours(s);
    size_t n = 0;
    while (n < 6 && n < s.n && s.p[n] >= 'A' && s.p[n] <= 'Z')
        n++;
    bool good = n == 3 || (n == 4 && (s.p[3] == 'T' || kd_str_starts(s, KD_STR("WITA")))) || (n == 5 && s.p[4] == 'T');
    return good ? n : 0;
}

static bool read_zone_name(kd_str *text, moment *m)
{
    if (kd_str_starts(*text, KD_STR("UTC"))) {
        m->utc = true;
        *text = kd_str_from(*text, 3);
        return true;
    }
    size_t n = zone_name(*text);
    if (!n)
        return false;
    if (n > 3 && kd_str_starts(*text, KD_STR("GMT")) && !m->has_offset) {
        whole_number((kd_str){text->p + 3, n - 3}, &m->offset);
        m->offset *= 3600;
    }
    m->named = true;
    *text = kd_str_from(*text, n);
    return true;
}

/* An offset written like `form`: "Z07:00", "-0700" … */
static bool read_zone(kd_str *text, kd_str form, moment *m)
{
    if (form.p[0] == 'Z' && text->n && text->p[0] == 'Z') {
        m->utc = true;
        *text = kd_str_from(*text, 1);
        return true;
    }
    if (text->n < form.n)
        return false;
    int64_t v[3] = {0, 0, 0};
    kd_str rest = kd_str_from(kd_str_head(*text, form.n), 1);
    for (int i = 0; i < 3 && rest.n; i++) {
        if (i && form.p[3] == ':') {
            if (rest.p[0] != ':')
                return false;
            rest = kd_str_from(rest, 1);
        }
        if (!number(&rest, true, &v[i]))
            return false;
    }
    if (v[0] > 24 || v[1] > 60 || v[2] > 60 || (text->p[0] != '+' && text->p[0] != '-'))
        return false;
    m->offset = ((v[0] * 60 + v[1]) * 60 + v[2]) * (text->p[0] == '-' ? -1 : 1);
    m->has_offset = true;
    *text = kd_str_from(*text, form.n);
    return true;
}

static bool read_second(kd_str *text, bool fixed, kd_str layout, moment *m)
{
    if (!number(text, fixed, &m->second) || m->second >= 60)
        return false;
    /* A fraction may stand in the text though the layout has none. */
    if (text->n < 2 || (text->p[0] != '.' && text->p[0] != ',') || !is_digit(*text, 1))
        return true;
    part next = next_piece(&layout).part;
    if (next == PART_FRACTION_FIXED || next == PART_FRACTION_FREE)
        return true;
    return nanoseconds(text, digits_behind(*text, 1), &m->nanos);
}

static bool read_year(kd_str *text, bool brief, moment *m)
{
    size_t n = brief ? 2 : 4;
    if (text->n < n || (!brief && !is_digit(*text, 0)) || !whole_number(kd_str_head(*text, n), &m->year))
        return false;
    if (brief)
        m->year += m->year >= 69 ? 1900 : 2000;
    *text = kd_str_from(*text, n);
    return true;
}

static bool read_half(kd_str *text, kd_str am, kd_str pm, moment *m)
{
    m->pm = m->pm || kd_str_starts(*text, pm);
    m->am = m->am || kd_str_starts(*text, am);
    if (!kd_str_starts(*text, pm) && !kd_str_starts(*text, am))
        return false;
    *text = kd_str_from(*text, 2);
    return true;
}

static bool read_part(kd_str *text, const piece *p, kd_str layout, moment *m)
{
    int64_t ignored;
    switch (p->part) {
    case PART_LONG_MONTH:
    case PART_MONTH:
        return name(text, months, 12, p->part == PART_MONTH, &m->month) && ++m->month;
    case PART_NUMBER_MONTH:
    case PART_ZERO_MONTH:
        return number(text, p->part == PART_ZERO_MONTH, &m->month) && m->month >= 1 && m->month <= 12;
    case PART_LONG_WEEKDAY:
    case PART_WEEKDAY:
        return name(text, days, 7, p->part == PART_WEEKDAY, &ignored);
    case PART_UNDER_DAY:
        if (text->n && text->p[0] == ' ')
            *text = kd_str_from(*text, 1);
        return number(text, false, &m->day);
    case PART_DAY:
    case PART_ZERO_DAY:
        return number(text, p->part == PART_ZERO_DAY, &m->day);
    case PART_HOUR:
        return number(text, false, &m->hour) && m->hour < 24;
    case PART_HOUR12:
    case PART_ZERO_HOUR12:
        return number(text, p->part == PART_ZERO_HOUR12, &m->hour) && m->hour <= 12;
    case PART_MINUTE:
    case PART_ZERO_MINUTE:
        return number(text, p->part == PART_ZERO_MINUTE, &m->minute) && m->minute < 60;
    case PART_SECOND:
    case PART_ZERO_SECOND:
        return read_second(text, p->part == PART_ZERO_SECOND, layout, m);
    case PART_LONG_YEAR:
    case PART_YEAR:
        return read_year(text, p->part == PART_YEAR, m);
    case PART_UPPER_PM:
        return read_half(text, KD_STR("AM"), KD_STR("PM"), m);
    case PART_LOWER_PM:
        return read_half(text, KD_STR("am"), KD_STR("pm"), m);
    case PART_ZONE_NAME:
        return read_zone_name(text, m);
    case PART_ZONE:
        return read_zone(text, p->text, m);
    case PART_FRACTION_FIXED:
        return nanoseconds(text, p->text.n, &m->nanos);
    case PART_FRACTION_FREE:
        if (text->n < 2 || (text->p[0] != '.' && text->p[0] != ',') || !is_digit(*text, 1))
            return true;
        return nanoseconds(text, digits_behind(*text, 1), &m->nanos);
    default:
        return false;
    }
}

/* ---- the calendar ------------------------------------------------------------------------------------------------ */

static bool is_leap(int64_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int64_t days_in(int64_t month, int64_t year)
{
    static const int8_t lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return lengths[month - 1] + (month == 2 && is_leap(year));
}

/* Days from 1970-01-01 to the first of March of the year, and to a day after it. */
static int64_t days_since_1970(int64_t year, int64_t month, int64_t day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = (y >= 0 ? y : y - 399) / 400, of_era = y - era * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static bool finish(moment *m, kd_go_time *out)
{
    if (m->pm && m->hour < 12)
        m->hour += 12;
    else if (m->am && m->hour == 12)
        m->hour = 0;
    if (m->day < 1 || m->day > days_in(m->month, m->year))
        return false;
    *out = (kd_go_time){.nanos = (int32_t)m->nanos, .utc = m->utc};
    out->seconds = days_since_1970(m->year, m->month, m->day) * 86400 + (m->hour * 60 + m->minute) * 60 + m->second;
    if (m->utc)
        return true;
    if (m->has_offset)
        out->seconds -= m->offset;
    out->offset = (int32_t)m->offset;
    return true;
}

bool kd_go_time_parse(kd_str layout, kd_str text, kd_go_time *out)
{
    moment m = {.month = 1, .day = 1};
    for (;;) {
        piece p = next_piece(&layout);
        if (!skip(&text, p.before))
            return false;
        if (p.part == PART_NONE)
            return text.n == 0 && finish(&m, out);
        if (!read_part(&text, &p, layout, &m))
            return false;
    }
}

bool kd_go_time_rfc3339(kd_buf *out, const kd_go_time *t)
{
    int64_t local = t->seconds + t->offset;
    int64_t day = (local >= 0 ? local : local - 86399) / 86400, second = local - day * 86400;
    int64_t z = day + 719468, era = (z >= 0 ? z : z - 146096) / 146097, of_era = z - era * 146097;
    int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year + year / 4 - year / 100), month = (5 * of_year + 2) / 153;
    int64_t of_month = of_year - (153 * month + 2) / 5 + 1;
    month += month < 10 ? 3 : -9;
    year += era * 400 + (month <= 2);
    int offset = t->offset / 60, size = offset < 0 ? -offset : offset;
    if (year < 0 || year > 9999 || size >= 24 * 60)
        return false;
    kd_buf_printf(out, "%04d-%02d-%02dT%02d:%02d:%02d", (int)year, (int)month, (int)of_month, (int)(second / 3600),
                  (int)(second / 60 % 60), (int)(second % 60));
    if (t->nanos) {
        int digits = 9, nanos = t->nanos;
        for (; nanos % 10 == 0; nanos /= 10)
            digits--;
        kd_buf_printf(out, ".%0*d", digits, nanos);
    }
    if (!t->offset)
        kd_buf_byte(out, 'Z');
    else
        kd_buf_printf(out, "%c%02d:%02d", offset < 0 ? '-' : '+', size / 60, size % 60);
    return true;
}
