/* `format`, with the library's verdicts and words. */
#include "lang/jsonschema/own.h"

#include "text/go/quote.h"
#include "text/go/url.h"
#include "text/utf8.h"

#include <stdarg.h>
#include <stdio.h>

/* What is wrong with one text. */
typedef struct checker {
    kd_arena *arena;
    kd_str why;
} checker;

struct kd_schema_format {
    kd_str name;
    bool (*check)(checker *c, kd_str s);
};

/* Returns false. */
static bool wrong(checker *c, const char *format, ...) KD_PRINTF(2, 3);

static bool wrong(checker *c, const char *format, ...)
{
    char text[2048];
    va_list list;
    va_start(list, format);
    vsnprintf(text, sizeof(text), format, list);
    va_end(list);
    c->why = kd_arena_copy(c->arena, kd_str_from_c(text));
    if (!c->why.p)
        c->why = KD_STR("out of memory");
    return false;
}

/* Puts words before what an inner check said. Returns false. */
static bool wrong_within(checker *c, const char *words)
{
    c->why = kd_arena_printf(c->arena, "%s: %.*s", words, KD_FMT(c->why));
    return false;
}

static bool wrong_rune(checker *c, kd_str s, size_t at, const char *behind)
{
    uint32_t rune;
    kd_str one = kd_str_of(s.p + at, kd_utf8_decode(s.p + at, s.n - at, &rune));
    if (kd_str_eq(one, KD_STR("'")))
        return wrong(c, "invalid character '\\''%s", behind);
    if (kd_str_eq(one, KD_STR("\"")))
        return wrong(c, "invalid character '\"'%s", behind);
    kd_str quoted = kd_schema_quoted(c->arena, one);
    if (!quoted.p || quoted.n < 2)
        return wrong(c, "out of memory");
    return wrong(c, "invalid character '%.*s'%s", (int)quoted.n - 2, quoted.p + 1, behind);
}

static bool is_digit(char ch)
{
    return ch >= '0' && ch <= '9';
}

static bool is_letter(char ch)
{
    return (uint8_t)((ch | 0x20) - 'a') < 26;
}

static size_t count_digits(kd_str s)
{
    size_t n = 0;
    while (n < s.n && is_digit(s.p[n]))
        n++;
    return n;
}

/* ---- pointers, identifiers */

static bool check_pointer(checker *c, kd_str s)
{
    if (!s.n)
        return true;
    if (s.p[0] != '/')
        return wrong(c, "not starting with /");
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] == '~' && (i + 1 == s.n || (s.p[i + 1] != '0' && s.p[i + 1] != '1')))
            return wrong(c, "~ must be followed by 0 or 1");
    return true;
}

static bool check_relative_pointer(checker *c, kd_str s)
{
    size_t n = count_digits(s);
    if (!n)
        return wrong(c, "must start with non-negative integer");
    if (n > 1 && s.p[0] == '0')
        return wrong(c, "starts with zero");
    s = kd_str_from(s, n);
    return kd_str_eq(s, KD_STR("#")) || check_pointer(c, s);
}

static bool check_uuid(checker *c, kd_str s)
{
    static const size_t lengths[] = {8, 4, 4, 4, 12};
    kd_str rest = s, group;
    size_t groups = 0;
    for (size_t i = 0; i < s.n; i++)
        groups += s.p[i] == '-';
    if (groups != 4)
        return wrong(c, "must have 5 elements");
    for (size_t i = 0; kd_str_split(&rest, '-', &group); i++) {
        if (group.n != lengths[i])
            return wrong(c, "element %zu must be %zu characters long", i + 1, lengths[i]);
        for (size_t j = 0; j < group.n; j++)
            if (!is_digit(group.p[j]) && !((uint8_t)((group.p[j] | 0x20) - 'a') < 6)) {
                wrong_rune(c, group, j, "");
                c->why = kd_arena_printf(c->arena, "non-hex character%.*s", (int)c->why.n - 17, c->why.p + 17);
                return false;
            }
    }
    return true;
}

/* ---- durations and times: RFC 3339 */

static bool check_duration_part(checker *c, kd_str s, const char *units)
{
    const char *left = units;
    while (s.n) {
        size_t n = count_digits(s);
        if (!n)
            return wrong(c, "missing number");
        s = kd_str_from(s, n);
        if (!s.n)
            return wrong(c, "missing unit");
        const char *unit = strchr(left, s.p[0]);
        if (!unit || !s.p[0])
            return strchr(units, s.p[0]) ? wrong(c, "unit '%c' out of order", s.p[0])
                                         : wrong(c, "invalid unit '%c'", s.p[0]);
        left = unit + 1;
        s = kd_str_from(s, 1);
    }
    return true;
}

static bool check_duration(checker *c, kd_str s)
{
    kd_str rest, part;
    if (!s.n || s.p[0] != 'P')
        return wrong(c, "must start with P");
    s = kd_str_from(s, 1);
    if (!s.n)
        return wrong(c, "nothing after P");
    if (s.p[s.n - 1] == 'W') {
        if (s.n == 1)
            return wrong(c, "no number in week");
        return count_digits(s) == s.n - 1 || wrong(c, "invalid week");
    }
    rest = s;
    for (unsigned i = 0; kd_str_split(&rest, 'T', &part); i++) {
        if (i && !part.n)
            return wrong(c, "no time elements");
        if (i > 1)
            return wrong(c, "more than one T");
        if (!check_duration_part(c, part, i ? "HMS" : "YMD"))
            return false;
    }
    return true;
}

static int two_digits(kd_str s, size_t at)
{
    if (at + 2 > s.n || !is_digit(s.p[at]) || !is_digit(s.p[at + 1]))
        return -1;
    return (s.p[at] - '0') * 10 + s.p[at + 1] - '0';
}

/* As Go's time package quotes: whatever is not printable ASCII as \xNN. */
static kd_str quote_time(checker *c, kd_str s)
{
    char *to = kd_arena_alloc(c->arena, s.n * 4 + 2);
    size_t n = 0;
    if (!to)
        return KD_STR("");
    to[n++] = '"';
    for (size_t i = 0; i < s.n; i++) {
        uint8_t byte = (uint8_t)s.p[i];
        if (byte < 0x20 || byte >= 0x80) {
            static const char hex[] = "0123456789abcdef";
            memcpy(to + n, (char[]){'\\', 'x', hex[byte >> 4], hex[byte & 15]}, 4);
            n += 4;
            continue;
        }
        if (byte == '"' || byte == '\\')
            to[n++] = '\\';
        to[n++] = (char)byte;
    }
    to[n++] = '"';
    return kd_str_of(to, n);
}

static bool wrong_date(checker *c, kd_str s, size_t at, const char *element)
{
    kd_str whole = quote_time(c, s), rest = quote_time(c, kd_str_from(s, at));
    return wrong(c, "parsing time %.*s as \"2006-01-02\": cannot parse %.*s as \"%s\"", KD_FMT(whole), KD_FMT(rest),
                 element);
}

static bool check_date(checker *c, kd_str s)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    kd_str whole = quote_time(c, s);
    if (s.n < 4 || count_digits(kd_str_head(s, 4)) < 4)
        return wrong_date(c, s, 0, "2006");
    int year = two_digits(s, 0) * 100 + two_digits(s, 2), month, day;
    if (s.n < 5 || s.p[4] != '-')
        return wrong_date(c, s, 4, "-");
    month = two_digits(s, 5);
    if (month < 0)
        return wrong_date(c, s, 5, "01");
    if (month < 1 || month > 12)
        return wrong(c, "parsing time %.*s: month out of range", KD_FMT(whole));
    if (s.n < 8 || s.p[7] != '-')
        return wrong_date(c, s, 7, "-");
    day = two_digits(s, 8);
    if (day < 0)
        return wrong_date(c, s, 8, "02");
    if (s.n > 10) {
        kd_str rest = quote_time(c, kd_str_from(s, 10));
        return wrong(c, "parsing time %.*s: extra text: %.*s", KD_FMT(whole), KD_FMT(rest));
    }
    bool leap = month == 2 && year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return (day >= 1 && day <= days[month - 1] + leap) ||
           wrong(c, "parsing time %.*s: day out of range", KD_FMT(whole));
}

/* An offset such as +01:30, in minutes to subtract. */
static bool read_offset(checker *c, kd_str s, int *minutes)
{
    *minutes = 0;
    if (kd_str_eq(s, KD_STR("Z")) || kd_str_eq(s, KD_STR("z")))
        return true;
    if (s.n != 6)
        return wrong(c, "offset must be 6 characters long");
    if (s.p[0] != '+' && s.p[0] != '-')
        return wrong(c, "offset must begin with plus/minus");
    if (s.p[3] != ':')
        return wrong(c, "missing colon in offset in correct place");
    int hours = two_digits(s, 1), more = two_digits(s, 4);
    if (hours < 0 || more < 0)
        return wrong(c, "invalid hour/min in offset");
    if (hours > 23 || more > 59)
        return wrong(c, "hour/min in offset out of range");
    *minutes = (hours * 60 + more) * (s.p[0] == '+' ? 1 : -1);
    return true;
}

static bool check_time(checker *c, kd_str s)
{
    if (s.n < 9)
        return wrong(c, "less than 9 characters long");
    if (s.p[2] != ':' || s.p[5] != ':')
        return wrong(c, "missing colon in correct place");
    int hour = two_digits(s, 0), minute = two_digits(s, 3), second = two_digits(s, 6), offset;
    if (hour < 0 || minute < 0 || second < 0)
        return wrong(c, "invalid hour/min/sec");
    if (hour > 23 || minute > 59 || second > 60)
        return wrong(c, "hour/min/sec out of range");
    s = kd_str_from(s, 8);
    if (s.n && s.p[0] == '.') {
        size_t n = count_digits(kd_str_from(s, 1));
        if (!n)
            return wrong(c, "no digits in second fraction");
        s = kd_str_from(s, n + 1);
    }
    if (!read_offset(c, s, &offset))
        return false;
    int at = hour * 60 + minute - offset;
    if (at < 0)
        at += 24 * 60;
    return second < 60 || at == 23 * 60 + 59 || wrong(c, "invalid leap second");
}

static bool check_date_time(checker *c, kd_str s)
{
    if (s.n < 20)
        return wrong(c, "less than 20 characters long");
    if (s.p[10] != 't' && s.p[10] != 'T')
        return wrong(c, "11th character must be t or T");
    if (!check_date(c, kd_str_head(s, 10)))
        return wrong_within(c, "invalid date element");
    return check_time(c, kd_str_from(s, 11)) || wrong_within(c, "invalid time element");
}

static bool check_period(checker *c, kd_str s)
{
    ptrdiff_t slash = kd_str_find(s, '/');
    if (slash < 0)
        return wrong(c, "missing slash");
    kd_str start = kd_str_head(s, (size_t)slash), end = kd_str_from(s, (size_t)slash + 1);
    bool first = start.n && start.p[0] == 'P', second = !first && end.n && end.p[0] == 'P';
    if (first && !check_duration(c, start))
        return wrong_within(c, "invalid start duration");
    if (!first && !check_date_time(c, start))
        return wrong_within(c, "invalid start date-time");
    if (second)
        return check_duration(c, end) || wrong_within(c, "invalid end duration");
    return check_date_time(c, end) || wrong_within(c, "invalid end date-time");
}

/* ---- addresses */

static bool check_ipv4(checker *c, kd_str s)
{
    kd_str rest = s, group;
    size_t dots = 0;
    for (size_t i = 0; i < s.n; i++)
        dots += s.p[i] == '.';
    if (dots != 3)
        return wrong(c, "expected four decimals");
    while (kd_str_split(&rest, '.', &group)) {
        if (group.n > 1 && group.p[0] == '0')
            return wrong(c, "leading zeros");
        size_t sign = group.n && (group.p[0] == '-' || group.p[0] == '+');
        kd_str digits = kd_str_from(group, sign);
        bool number = digits.n && count_digits(digits) == digits.n;
        if (!number || digits.n > 18) {
            kd_str shown = kd_schema_quoted(c->arena, group);
            return wrong(c, "strconv.Atoi: parsing %.*s: %s", KD_FMT(shown),
                         number ? "value out of range" : "invalid syntax");
        }
        uint64_t value = 0;
        if (!kd_str_to_u64(digits, 255, &value) || (value && group.p[0] == '-'))
            return wrong(c, "decimal must be between 0 and 255");
    }
    return true;
}

static bool wrong_address(checker *c, kd_str whole, const char *what, kd_str at)
{
    kd_str shown = kd_schema_quoted(c->arena, whole);
    if (!at.n)
        return wrong(c, "ParseAddr(%.*s): %s", KD_FMT(shown), what);
    kd_str where = kd_schema_quoted(c->arena, at);
    return wrong(c, "ParseAddr(%.*s): %s (at %.*s)", KD_FMT(shown), what, KD_FMT(where));
}

/* The IPv4 part that may end an IPv6 address. */
static bool check_embedded(checker *c, kd_str whole, kd_str s)
{
    static const kd_str nowhere = {NULL, 0};
    unsigned value = 0, digits = 0, fields = 0;
    for (size_t i = 0; i < s.n; i++) {
        if (is_digit(s.p[i])) {
            if (digits == 1 && value == 0)
                return wrong_address(c, whole, "IPv4 field has octet with leading zero", nowhere);
            value = value * 10 + (unsigned)(s.p[i] - '0');
            digits++;
            if (value > 255)
                return wrong_address(c, whole, "IPv4 field has value >255", nowhere);
        } else if (s.p[i] == '.') {
            if (i == 0 || i == s.n - 1 || s.p[i - 1] == '.')
                return wrong_address(c, whole, "IPv4 field must have at least one digit", kd_str_from(s, i));
            if (fields == 3)
                return wrong_address(c, whole, "IPv4 address too long", nowhere);
            fields++;
            value = digits = 0;
        } else {
            return wrong_address(c, whole, "unexpected character", kd_str_from(s, i));
        }
    }
    return fields == 3 || wrong_address(c, whole, "IPv4 address too short", nowhere);
}

static size_t count_hex(kd_str s)
{
    size_t n = 0;
    while (n < s.n && (is_digit(s.p[n]) || (uint8_t)((s.p[n] | 0x20) - 'a') < 6))
        n++;
    return n;
}

/* The fields of an IPv6 address without zone: `whole` is what messages show. */
static bool check_fields(checker *c, kd_str whole, kd_str s)
{
    static const kd_str nowhere = {NULL, 0};
    unsigned bytes = 0;
    bool ellipsis = kd_str_starts(s, KD_STR("::"));
    if (ellipsis)
        s = kd_str_from(s, 2);
    if (ellipsis && !s.n)
        return true;
    while (bytes < 16) {
        size_t n = count_hex(s);
        if (n > 4)
            return wrong_address(c, whole, "each group must have 4 or less digits", s);
        if (!n)
            return wrong_address(c, whole, "each colon-separated field must have at least one digit", s);
        if (n < s.n && s.p[n] == '.') {
            if (!ellipsis && bytes != 12)
                return wrong_address(c, whole, "embedded IPv4 address must replace the final 2 fields of the address",
                                     s);
            if (bytes > 12)
                return wrong_address(c, whole, "too many hex fields to fit an embedded IPv4 at the end of the address",
                                     s);
            if (!check_embedded(c, whole, s))
                return false;
            s.n = 0;
            bytes += 4;
            break;
        }
        bytes += 2;
        s = kd_str_from(s, n);
        if (!s.n)
            break;
        if (s.p[0] != ':')
            return wrong_address(c, whole, "unexpected character, want colon", s);
        if (s.n == 1)
            return wrong_address(c, whole, "colon must be followed by more characters", s);
        s = kd_str_from(s, 1);
        if (s.p[0] != ':')
            continue;
        if (ellipsis)
            return wrong_address(c, whole, "multiple :: in address", s);
        ellipsis = true;
        s = kd_str_from(s, 1);
        if (!s.n)
            break;
    }
    if (s.n)
        return wrong_address(c, whole, "trailing garbage after address", s);
    if (bytes < 16 && !ellipsis)
        return wrong_address(c, whole, "address string too short", nowhere);
    return bytes < 16 || !ellipsis ||
           wrong_address(c, whole, "the :: must expand to at least one field of zeros", nowhere);
}

static bool check_ipv6(checker *c, kd_str s)
{
    static const kd_str nowhere = {NULL, 0};
    if (kd_str_find(s, ':') < 0)
        return wrong(c, "missing colon");
    for (size_t i = 0; i < s.n && s.p[i] != ':'; i++) {
        if (s.p[i] == '.')
            return check_embedded(c, s, s);
        if (s.p[i] == '%')
            return wrong_address(c, s, "missing IPv6 address", nowhere);
    }
    ptrdiff_t zone = kd_str_find(s, '%');
    if (zone >= 0 && (size_t)zone + 1 == s.n)
        return wrong_address(c, s, "zone must be a non-empty string", nowhere);
    if (!check_fields(c, s, zone < 0 ? s : kd_str_head(s, (size_t)zone)))
        return false;
    return zone < 0 || wrong(c, "zone id is not a part of ipv6 address");
}

static bool check_hostname(checker *c, kd_str s)
{
    kd_str rest, label;
    if (s.n && s.p[s.n - 1] == '.')
        s.n--;
    if (s.n > 253)
        return wrong(c, "more than 253 characters long");
    rest = s;
    while (kd_str_split(&rest, '.', &label)) {
        if (label.n < 1 || label.n > 63)
            return wrong(c, "label must be 1 to 63 characters long");
        if (label.p[0] == '-')
            return wrong(c, "label starts with hyphen");
        if (label.p[label.n - 1] == '-')
            return wrong(c, "label ends with hyphen");
        for (size_t i = 0; i < label.n; i++)
            if (!is_letter(label.p[i]) && !is_digit(label.p[i]) && label.p[i] != '-')
                return wrong_rune(c, label, i, "");
    }
    return true;
}

static bool check_local_part(checker *c, kd_str local)
{
    if (local.n > 64)
        return wrong(c, "local part more than 64 characters long");
    if (local.n > 1 && local.p[0] == '"') {
        kd_str inner = kd_str_of(local.p + 1, local.n - 2);
        return (kd_str_find(inner, '\\') < 0 && kd_str_find(inner, '"') < 0) ||
               wrong(c, "backslash and quote are not allowed within quoted local part");
    }
    if (local.n && local.p[0] == '.')
        return wrong(c, "starts with dot");
    if (local.n && local.p[local.n - 1] == '.')
        return wrong(c, "ends with dot");
    if (kd_str_search(local, KD_STR("..")) >= 0)
        return wrong(c, "consecutive dots");
    for (size_t i = 0; i < local.n; i++)
        if (!is_letter(local.p[i]) && !is_digit(local.p[i]) &&
            (!local.p[i] || !strchr(".!#$%&'*+-/=?^_`{|}~", local.p[i])))
            return wrong_rune(c, local, i, "");
    return true;
}

static bool check_email(checker *c, kd_str s)
{
    if (s.n > 254)
        return wrong(c, "more than 255 characters long");
    ptrdiff_t at = kd_str_rfind(s, '@');
    if (at < 0)
        return wrong(c, "missing @");
    kd_str domain = kd_str_from(s, (size_t)at + 1);
    if (!check_local_part(c, kd_str_head(s, (size_t)at)))
        return false;
    if (domain.n > 1 && domain.p[0] == '[' && domain.p[domain.n - 1] == ']') {
        domain = kd_str_of(domain.p + 1, domain.n - 2);
        if (kd_str_starts(domain, KD_STR("IPv6:")))
            return check_ipv6(c, kd_str_from(domain, 5)) || wrong_within(c, "invalid ipv6 address");
        return check_ipv4(c, domain) || wrong_within(c, "invalid ipv4 address");
    }
    return check_hostname(c, domain) || wrong_within(c, "invalid domain");
}

/* ---- URLs */

static bool parse_url(checker *c, kd_str s, kd_url *out)
{
    if (!kd_go_url_parse(c->arena, s, out, &c->why))
        return false;
    if (!out->host.n || out->host.p[0] != '[')
        return true;
    ptrdiff_t end = kd_str_rfind(out->host, ']');
    kd_str inner = kd_str_of(out->host.p + 1, end > 0 ? (size_t)end - 1 : 0);
    return check_ipv6(c, inner) || wrong_within(c, "invalid ipv6 address");
}

static bool check_uri(checker *c, kd_str s)
{
    kd_url url;
    if (!parse_url(c, s, &url))
        return false;
    return url.scheme.n || wrong(c, "relative url");
}

static bool check_uri_reference(checker *c, kd_str s)
{
    kd_url url;
    if (kd_str_find(s, '\\') >= 0)
        return wrong(c, "contains \\");
    return parse_url(c, s, &url);
}

static bool check_braces(checker *c, kd_str s)
{
    bool open = false;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] != '{' && s.p[i] != '}')
            continue;
        if ((s.p[i] == '{') == open)
            return wrong(c, "nested curly braces");
        open = !open;
    }
    return !open || wrong(c, "no matching closing brace");
}

static bool check_uri_template(checker *c, kd_str s)
{
    kd_url url;
    kd_str path, bad, rest, segment;
    kd_buf usual;
    if (!parse_url(c, s, &url) || !kd_go_url_unescape(c->arena, url.raw_path, false, &path, &bad))
        return false;
    /* a path that is written as Go would write it is not looked at */
    kd_buf_init(&usual, 1u << 20);
    kd_go_url_escape(&usual, path, KD_ESCAPE_PATH);
    bool same = kd_str_eq(kd_buf_str(&usual), url.raw_path);
    kd_buf_fini(&usual);
    rest = url.raw_path;
    while (!same && kd_str_split(&rest, '/', &segment))
        if (!kd_go_url_unescape(c->arena, segment, false, &path, &bad) || !check_braces(c, path))
            return false;
    return true;
}

/* ---- versions: semver.org */

static bool check_identifiers(checker *c, kd_str s, const char *kind, bool numeric)
{
    kd_str rest = s, id;
    while (kd_str_split(&rest, '.', &id)) {
        if (!id.n)
            return wrong(c, "%s identifier is empty", kind);
        for (size_t i = 0; i < id.n; i++)
            if (!is_digit(id.p[i]) && !is_letter(id.p[i]) && id.p[i] != '-') {
                char behind[40];
                snprintf(behind, sizeof(behind), " in %s identifier", kind);
                return wrong_rune(c, id, i, behind);
            }
        if (numeric && count_digits(id) == id.n && id.n > 1 && id.p[0] == '0')
            return wrong(c, "%s numeric identifier starts with zero", kind);
    }
    return true;
}

static bool check_semver(checker *c, kd_str s)
{
    static const char *const names[] = {"major", "minor", "patch"};
    kd_str rest, part;
    size_t parts = 1;
    ptrdiff_t at = kd_str_find(s, '+');
    if (at >= 0) {
        part = kd_str_from(s, (size_t)at + 1);
        if (!part.n)
            return wrong(c, "build is empty");
        if (!check_identifiers(c, part, "build", false))
            return false;
        s = kd_str_head(s, (size_t)at);
    }
    at = kd_str_find(s, '-');
    if (at >= 0) {
        if (!check_identifiers(c, kd_str_from(s, (size_t)at + 1), "pre-release", true))
            return false;
        s = kd_str_head(s, (size_t)at);
    }
    for (size_t i = 0; i < s.n; i++)
        parts += s.p[i] == '.';
    if (parts != 3)
        return wrong(c, "versionCore must have 3 numbers separated by dot");
    rest = s;
    for (size_t i = 0; kd_str_split(&rest, '.', &part); i++) {
        if (!part.n)
            return wrong(c, "%s is empty", names[i]);
        if (part.n > 1 && part.p[0] == '0')
            return wrong(c, "%s starts with zero", names[i]);
        if (count_digits(part) != part.n)
            return wrong(c, "%s contains non-digit", names[i]);
    }
    return true;
}

/* ---- */

static bool check_regex(checker *c, kd_str s)
{
    kd_regex *regex = kd_regex_compile(c->arena, s, &c->why);
    kd_regex_destroy(regex);
    return regex != NULL;
}

static const kd_schema_format formats[] = {
    {KD_STR_INIT("regex"), check_regex},
    {KD_STR_INIT("json-pointer"), check_pointer},
    {KD_STR_INIT("relative-json-pointer"), check_relative_pointer},
    {KD_STR_INIT("uuid"), check_uuid},
    {KD_STR_INIT("duration"), check_duration},
    {KD_STR_INIT("period"), check_period},
    {KD_STR_INIT("ipv4"), check_ipv4},
    {KD_STR_INIT("ipv6"), check_ipv6},
    {KD_STR_INIT("hostname"), check_hostname},
    {KD_STR_INIT("email"), check_email},
    {KD_STR_INIT("date"), check_date},
    {KD_STR_INIT("time"), check_time},
    {KD_STR_INIT("date-time"), check_date_time},
    {KD_STR_INIT("uri"), check_uri},
    {KD_STR_INIT("iri"), check_uri},
    {KD_STR_INIT("uri-reference"), check_uri_reference},
    {KD_STR_INIT("iri-reference"), check_uri_reference},
    {KD_STR_INIT("uri-template"), check_uri_template},
    {KD_STR_INIT("semver"), check_semver},
};

const kd_schema_format *kd_schema_format_find(kd_str name)
{
    for (size_t i = 0; i < KD_COUNT(formats); i++)
        if (kd_str_eq(formats[i].name, name))
            return &formats[i];
    return NULL;
}

kd_str kd_schema_format_name(const kd_schema_format *format)
{
    return format->name;
}

bool kd_schema_format_check(const kd_schema_format *format, kd_arena *arena, kd_str text, kd_str *why)
{
    checker c = {arena, KD_STR("")};
    bool good = format->check(&c, text);
    *why = c.why;
    return good;
}
