#include "text/go/quote.h"
#include "text/go/url_escape.h"

/* What a failed address check found: Go's netip words, and where. */
typedef struct address_error {
    const char *message;
    kd_str at; /* empty when Go does not show it */
} address_error;

static bool fail(address_error *error, const char *message, kd_str at)
{
    *error = (address_error){message, at};
    return false;
}

static bool ipv4_valid(kd_str s, address_error *error)
{
    unsigned value = 0, digits = 0, fields = 1;
    for (size_t i = 0; i < s.n; i++) {
        unsigned d = (uint8_t)s.p[i] - (unsigned)'0';
        if (d < 10) {
            if (digits == 1 && value == 0)
                return fail(error, "IPv4 field has octet with leading zero", KD_STR(""));
            value = value * 10 + d;
            digits++;
            if (value > 255)
                return fail(error, "IPv4 field has value >255", KD_STR(""));
            continue;
        }
        if (s.p[i] != '.')
            return fail(error, "unexpected character", kd_str_from(s, i));
        if (digits == 0 || i == s.n - 1)
            return fail(error, "IPv4 field must have at least one digit", kd_str_from(s, i));
        if (fields++ == 4)
            return fail(error, "IPv4 address too long", KD_STR(""));
        value = digits = 0;
    }
    return fields == 4 || fail(error, "IPv4 address too short", KD_STR(""));
}

/* One group of hexadecimal digits; *n is its length. */
static bool group_valid(kd_str s, size_t *n, address_error *error)
{
    size_t digits = 0;
    while (digits < s.n && kd_url_hex((uint8_t)s.p[digits]) >= 0)
        if (++digits > 4)
            return fail(error, "each group must have 4 or less digits", s);
    if (digits == 0)
        return fail(error, "each colon-separated field must have at least one digit", s);
    *n = digits;
    return true;
}

/* Takes the colon behind a group, and the ellipsis if there is one. */
static bool colon_valid(kd_str *s, unsigned bytes, int *ellipsis, address_error *error)
{
    if (s->p[0] != ':')
        return fail(error, "unexpected character, want colon", *s);
    if (s->n == 1)
        return fail(error, "colon must be followed by more characters", *s);
    *s = kd_str_from(*s, 1);
    if (s->p[0] != ':')
        return true;
    if (*ellipsis >= 0)
        return fail(error, "multiple :: in address", *s);
    *ellipsis = (int)bytes;
    *s = kd_str_from(*s, 1);
    return true;
}

static bool ipv6_valid(kd_str s, address_error *error)
{
    ptrdiff_t zone = kd_str_find(s, '%');
    if (zone >= 0 && (size_t)zone + 1 == s.n)
        return fail(error, "zone must be a non-empty string", KD_STR(""));
    if (zone >= 0)
        s = kd_str_head(s, (size_t)zone);
    int ellipsis = -1;
    unsigned bytes = 0;
    if (kd_str_starts(s, KD_STR("::"))) {
        ellipsis = 0;
        s = kd_str_from(s, 2);
    }
    while (bytes < 16 && (s.n || (bytes == 0 && ellipsis < 0))) {
        size_t n;
        if (!group_valid(s, &n, error))
            return false;
        if (n < s.n && s.p[n] == '.') {
            if (ellipsis < 0 && bytes != 12)
                return fail(error, "embedded IPv4 address must replace the final 2 fields of the address", s);
            if (bytes > 12)
                return fail(error, "too many hex fields to fit an embedded IPv4 at the end of the address", s);
            if (!ipv4_valid(s, error))
                return false;
            s.n = 0;
            bytes += 4;
            break;
        }
        bytes += 2;
        s = kd_str_from(s, n);
        if (s.n && !colon_valid(&s, bytes, &ellipsis, error))
            return false;
    }
    if (s.n)
        return fail(error, "trailing garbage after address", s);
    if (bytes < 16 && ellipsis < 0)
        return fail(error, "address string too short", KD_STR(""));
    if (bytes == 16 && ellipsis >= 0)
        return fail(error, "the :: must expand to at least one field of zeros", KD_STR(""));
    return true;
}

/* Is s an IPv6 address as Go's netip.ParseAddr reads it? What is an IPv4 address gives false without a message. */
static bool address_valid(kd_str s, address_error *error)
{
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '.')
            return ipv4_valid(s, error) && fail(error, NULL, KD_STR(""));
        if (s.p[i] == ':')
            return ipv6_valid(s, error);
        if (s.p[i] == '%')
            return fail(error, "missing IPv6 address", KD_STR(""));
    }
    return fail(error, "unable to parse IP", KD_STR(""));
}

static bool port_valid(kd_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (i == 0 ? s.p[i] != ':' : (uint8_t)(s.p[i] - '0') >= 10)
            return false;
    return true;
}

/* Text with a quoted part, in the arena. */
static kd_str quoted(kd_arena *arena, kd_str before, kd_str value, kd_str after)
{
    kd_buf buf = kd_buf_in_arena(arena, before.n + 4 * value.n + after.n + 2);
    kd_buf_add(&buf, before);
    kd_go_quote(&buf, value);
    kd_buf_add(&buf, after);
    return kd_buf_whole(&buf);
}

static kd_str address_message(kd_arena *arena, kd_str address, address_error error)
{
    if (!error.message)
        return KD_STR("invalid IP-literal");
    kd_buf buf = kd_buf_in_arena(arena, 4 * (address.n + error.at.n) + 160);
    kd_buf_add(&buf, KD_STR("invalid host: ParseAddr("));
    kd_go_quote(&buf, address);
    kd_buf_add(&buf, KD_STR("): "));
    kd_buf_add(&buf, kd_str_from_c(error.message));
    if (error.at.n) {
        kd_buf_add(&buf, KD_STR(" (at "));
        kd_go_quote(&buf, error.at);
        kd_buf_byte(&buf, ')');
    }
    return kd_buf_whole(&buf);
}

/* Decodes a piece of a host: only bytes above ASCII may be escaped, in a zone (after "%25") also what could stand there
 * as it is. */
static bool host_decode(kd_arena *arena, kd_str s, bool zone, kd_buf *out, kd_str *error)
{
    for (size_t i = 0; i < s.n; i++) {
        uint8_t c = (uint8_t)s.p[i];
        if (c != '%') {
            if (c < 0x80 && !kd_url_keeps(c, KD_URL_HOST)) {
                *error = quoted(arena, KD_STR("invalid character "), (kd_str){s.p + i, 1}, KD_STR(" in host name"));
                return false;
            }
            kd_buf_byte(out, (char)c);
            continue;
        }
        kd_str escape = kd_str_head(kd_str_from(s, i), 3);
        int high = escape.n == 3 ? kd_url_hex((uint8_t)escape.p[1]) : -1;
        int low = escape.n == 3 ? kd_url_hex((uint8_t)escape.p[2]) : -1;
        uint8_t byte = (uint8_t)((unsigned)high << 4 | (unsigned)low);
        bool good = high >= 0 && low >= 0;
        if (good && byte != '%')
            good = zone ? byte == ' ' || kd_url_keeps(byte, KD_URL_HOST) : byte >= 0x80;
        if (!good) {
            *error = kd_url_escape_error(arena, escape);
            return false;
        }
        kd_buf_byte(out, (char)byte);
        i += 2;
    }
    return true;
}

static bool literal_parse(kd_arena *arena, kd_str host, kd_buf *buf, kd_str *error)
{
    ptrdiff_t close = kd_str_rfind(host, ']');
    if (close < 0) {
        *error = KD_STR("missing ']' in host");
        return false;
    }
    kd_str port = kd_str_from(host, (size_t)close + 1);
    if (!port_valid(port)) {
        *error = quoted(arena, KD_STR("invalid port "), port, KD_STR(" after host"));
        return false;
    }
    kd_str name = {host.p + 1, (size_t)close - 1};
    ptrdiff_t zone = kd_str_search(name, KD_STR("%25"));
    kd_str before = zone >= 0 ? kd_str_head(name, (size_t)zone) : name;
    kd_buf_byte(buf, '[');
    if (!host_decode(arena, before, false, buf, error))
        return false;
    if (zone >= 0 && !host_decode(arena, kd_str_from(name, (size_t)zone), true, buf, error))
        return false;
    address_error why;
    kd_str address = {buf->p + 1, buf->n - 1};
    if (!address_valid(address, &why)) {
        *error = address_message(arena, address, why);
        return false;
    }
    kd_buf_byte(buf, ']');
    kd_buf_add(buf, port);
    return true;
}

bool kd_url_host_parse(kd_arena *arena, kd_str scheme, kd_str host, kd_str *out, kd_str *error)
{
    *out = host;
    ptrdiff_t bracket = kd_str_rfind(host, '['), colon = kd_str_find(host, ':');
    if (bracket > 0) {
        *error = KD_STR("invalid IP-literal");
        return false;
    }
    if (bracket < 0 && colon >= 0) {
        /* Database URLs name several hosts, so Go looks at the last colon; not so where it means a bare IPv6 address.
         */
        if (!kd_str_eq(scheme, KD_STR("http")) && !kd_str_eq(scheme, KD_STR("https")))
            colon = kd_str_rfind(host, ':');
        kd_str port = kd_str_from(host, (size_t)colon);
        if (!port_valid(port)) {
            *error = quoted(arena, KD_STR("invalid port "), port, KD_STR(" after host"));
            return false;
        }
    }
    kd_buf buf = kd_buf_in_arena(arena, host.n + 1);
    *error = (kd_str){NULL, 0};
    bool good = buf.p &&
                (bracket == 0 ? literal_parse(arena, host, &buf, error) : host_decode(arena, host, false, &buf, error));
    *out = kd_buf_whole(&buf);
    return good;
}
