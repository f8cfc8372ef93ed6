#include "config/yaml_scalar.h"

#include "text/go/number.h"
#include "text/utf8.h"

#include <math.h>
#include <stdio.h>

#define PLAIN_MAX 400u /* longer scalars are no numbers: float64 has no more than 309 digits before the point */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* ---- dates */

typedef struct clock_text {
    int year, month, day, hour, minute, second;
    kd_str fraction; /* digits behind the point */
    int offset;      /* minutes east of UTC */
} clock_text;

/* From `least` to two digits. */
static bool take_number(kd_str *s, size_t least, int max, int *out)
{
    size_t n = 0;
    *out = 0;
    while (n < 2 && n < s->n && is_digit(s->p[n]))
        *out = *out * 10 + (s->p[n++] - '0');
    *s = kd_str_from(*s, n);
    return n >= least && *out <= max;
}

static bool take(kd_str *s, char c)
{
    if (!s->n || s->p[0] != c)
        return false;
    *s = kd_str_from(*s, 1);
    return true;
}

static int days_of(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return days[month - 1] + (month == 2 && leap);
}

static bool take_date(kd_str *s, clock_text *t)
{
    for (size_t i = 0; i < 4; i++) {
        if (i >= s->n || !is_digit(s->p[i]))
            return false;
        t->year = t->year * 10 + (s->p[i] - '0');
    }
    *s = kd_str_from(*s, 4);
    return take(s, '-') && take_number(s, 1, 12, &t->month) && t->month > 0 && take(s, '-') &&
           take_number(s, 1, 31, &t->day) && t->day > 0 && t->day <= days_of(t->year, t->month);
}

static bool take_clock(kd_str *s, clock_text *t)
{
    if (!take_number(s, 1, 23, &t->hour) || !take(s, ':') || !take_number(s, 1, 59, &t->minute) || !take(s, ':') ||
        !take_number(s, 1, 59, &t->second))
        return false;
    if (s->n >= 2 && (s->p[0] == '.' || s->p[0] == ',') && is_digit(s->p[1])) {
        size_t n = 1;
        while (n < s->n && is_digit(s->p[n]))
            n++;
        t->fraction = kd_str_of(s->p + 1, n - 1);
        *s = kd_str_from(*s, n);
    }
    return true;
}

static bool take_zone(kd_str *s, clock_text *t)
{
    if (take(s, 'Z'))
        return true;
    bool west = s->n && s->p[0] == '-';
    int hours, minutes;
    if (!take(s, west ? '-' : '+') || !take_number(s, 2, 24, &hours) || !take(s, ':') ||
        !take_number(s, 2, 60, &minutes))
        return false;
    t->offset = (hours * 60 + minutes) * (west ? -1 : 1);
    return true;
}

bool kd_yaml_time(kd_arena *arena, kd_str text, kd_str *out)
{
    clock_text t = {.fraction = KD_STR("")};
    kd_str s = text;
    if (!take_date(&s, &t))
        return false;
    if (s.n) {
        bool zoned = s.p[0] != ' ';
        if (!(take(&s, 'T') || take(&s, 't') || take(&s, ' ')) || !take_clock(&s, &t) || (zoned && !take_zone(&s, &t)))
            return false;
    }
    if (s.n)
        return false;
    kd_str fraction = kd_str_head(t.fraction, 9);
    while (fraction.n && fraction.p[fraction.n - 1] == '0')
        fraction.n--;
    char zone[16] = "Z";
    int offset = t.offset < 0 ? -t.offset : t.offset;
    if (offset)
        snprintf(zone, sizeof(zone), "%c%02d:%02d", t.offset < 0 ? '-' : '+', offset / 60, offset % 60);
    *out = kd_arena_printf(arena, "%04d-%02d-%02dT%02d:%02d:%02d%s%.*s%s", t.year, t.month, t.day, t.hour, t.minute,
                           t.second, fraction.n ? "." : "", KD_FMT(fraction), zone);
    return true;
}

/* ---- numbers */

static kd_str without_underscores(kd_str s, char *to)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] != '_')
            to[n++] = s.p[i];
    to[n] = 0;
    return kd_str_of(to, n);
}

/* strconv.ParseUint(s, 0, 64) of what ParseInt found too large. */
static bool parse_large(kd_str s, uint64_t *out)
{
    unsigned base = 10;
    if (s.n > 2 && s.p[0] == '0') {
        char c = (char)kd_lower((uint8_t)s.p[1]);
        base = c == 'x' ? 16 : c == 'b' ? 2 : 8;
        s = kd_str_from(s, c == 'x' || c == 'b' || c == 'o' ? 2 : 1);
    }
    *out = 0;
    for (size_t i = 0; i < s.n; i++) {
        char c = (char)kd_lower((uint8_t)s.p[i]);
        unsigned digit = is_digit(c) ? (unsigned)(c - '0') : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10) : 99;
        if (digit >= base || *out > (UINT64_MAX - digit) / base)
            return false;
        *out = *out * base + digit;
    }
    return s.n > 0;
}

/* [-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)? */
static bool looks_like_float(kd_str s)
{
    size_t i = s.n && (s.p[0] == '+' || s.p[0] == '-'), before, after = 0;
    size_t start = i;
    while (i < s.n && is_digit(s.p[i]))
        i++;
    before = i - start;
    if (i < s.n && s.p[i] == '.') {
        start = ++i;
        while (i < s.n && is_digit(s.p[i]))
            i++;
        after = i - start;
    }
    if (!before && !after)
        return false;
    if (i < s.n && (s.p[i] == 'e' || s.p[i] == 'E')) {
        i++;
        i += i < s.n && (s.p[i] == '+' || s.p[i] == '-');
        start = i;
        while (i < s.n && is_digit(s.p[i]))
            i++;
        if (i == start)
            return false;
    }
    return i == s.n;
}

static bool set_integer(kd_arena *arena, kd_node *node, double value, kd_str decimal)
{
    node->type = KD_NODE_NUMBER;
    node->integer = true;
    node->number = value;
    node->text = kd_arena_copy(arena, decimal);
    return node->text.p != NULL;
}

static void set_float(kd_node *node, double value, kd_str text)
{
    node->type = KD_NODE_NUMBER;
    node->number = value;
    node->text = text;
}

/* A scalar that begins with a digit or sign. False without memory. */
static bool resolve_number(kd_arena *arena, kd_str text, kd_node *node)
{
    char plain_text[PLAIN_MAX + 1], digits[24];
    if (text.n > PLAIN_MAX)
        return true;
    kd_str plain = without_underscores(text, plain_text), error;
    int64_t number;
    uint64_t large;
    double real;
    if (kd_go_int_parse(plain, &number, &error)) {
        int n = snprintf(digits, sizeof(digits), "%lld", (long long)number);
        return set_integer(arena, node, (double)number, kd_str_of(digits, (size_t)n));
    }
    if (parse_large(plain, &large)) {
        node->go = "uint64";
        return set_integer(arena, node, (double)large, kd_str_of(digits, kd_u64_write(digits, large)));
    }
    if (looks_like_float(plain) && kd_go_float_parse(plain, &real, &error))
        set_float(node, real, text);
    return true;
}

/* ---- words */

static bool resolve_word(kd_str s, kd_node *node)
{
    static const struct {
        kd_str word;
        kd_node_type type;
        bool boolean;
        double number;
    } words[] = {
        {KD_STR_INIT(""), KD_NODE_NULL, false, 0},
        {KD_STR_INIT("~"), KD_NODE_NULL, false, 0},
        {KD_STR_INIT("null"), KD_NODE_NULL, false, 0},
        {KD_STR_INIT("Null"), KD_NODE_NULL, false, 0},
        {KD_STR_INIT("NULL"), KD_NODE_NULL, false, 0},
        {KD_STR_INIT("true"), KD_NODE_BOOL, true, 0},
        {KD_STR_INIT("True"), KD_NODE_BOOL, true, 0},
        {KD_STR_INIT("TRUE"), KD_NODE_BOOL, true, 0},
        {KD_STR_INIT("false"), KD_NODE_BOOL, false, 0},
        {KD_STR_INIT("False"), KD_NODE_BOOL, false, 0},
        {KD_STR_INIT("FALSE"), KD_NODE_BOOL, false, 0},
        {KD_STR_INIT(".nan"), KD_NODE_NUMBER, false, NAN},
        {KD_STR_INIT(".NaN"), KD_NODE_NUMBER, false, NAN},
        {KD_STR_INIT(".NAN"), KD_NODE_NUMBER, false, NAN},
        {KD_STR_INIT(".inf"), KD_NODE_NUMBER, false, HUGE_VAL},
        {KD_STR_INIT(".Inf"), KD_NODE_NUMBER, false, HUGE_VAL},
        {KD_STR_INIT(".INF"), KD_NODE_NUMBER, false, HUGE_VAL},
        {KD_STR_INIT("+.inf"), KD_NODE_NUMBER, false, HUGE_VAL},
        {KD_STR_INIT("+.Inf"), KD_NODE_NUMBER, false, HUGE_VAL},
        {KD_STR_INIT("+.INF"), KD_NODE_NUMBER, false, HUGE_VAL},
        {KD_STR_INIT("-.inf"), KD_NODE_NUMBER, false, -HUGE_VAL},
        {KD_STR_INIT("-.Inf"), KD_NODE_NUMBER, false, -HUGE_VAL},
        {KD_STR_INIT("-.INF"), KD_NODE_NUMBER, false, -HUGE_VAL},
    };
    if (s.n > 5)
        return false;
    for (size_t i = 0; i < KD_COUNT(words); i++) {
        if (!kd_str_eq(words[i].word, s))
            continue;
        node->type = words[i].type;
        node->boolean = words[i].boolean;
        node->number = words[i].number;
        node->text = s;
        return true;
    }
    return false;
}

/* ---- tags */

kd_str kd_yaml_scalar_tag(const kd_node *node)
{
    switch (node->type) {
    case KD_NODE_NULL:
        return KD_STR("!!null");
    case KD_NODE_BOOL:
        return KD_STR("!!bool");
    case KD_NODE_NUMBER:
        return node->integer ? KD_STR("!!int") : KD_STR("!!float");
    default:
        return node->go ? KD_STR("!!timestamp") : KD_STR("!!str");
    }
}

static int base64_digit(char c)
{
    return c >= 'A' && c <= 'Z'   ? c - 'A'
           : c >= 'a' && c <= 'z' ? c - 'a' + 26
           : is_digit(c)          ? c - '0' + 52
           : c == '+'             ? 62
           : c == '/'             ? 63
                                  : -1;
}

/* RFC 4648 section 4 with padding; line ends are skipped. Nothing of a configuration is anything but text. */
static bool decode_binary(kd_arena *arena, kd_str text, kd_str *out, kd_str *error)
{
    char *to = kd_arena_alloc(arena, text.n / 4 * 3 + 4);
    uint32_t bits = 0;
    size_t n = 0, digits = 0, padding = 0;
    *error = to ? KD_STR("!!binary value contains invalid base64 data") : KD_STR("");
    if (!to)
        return false;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        int digit = base64_digit(c);
        if (c == '\n' || c == '\r')
            continue;
        if (c == '=' ? ++padding > 2 : digit < 0 || padding)
            return false;
        bits = bits << 6 | (uint32_t)(digit < 0 ? 0 : digit);
        if (++digits % 4)
            continue;
        for (int shift = 16; shift >= 0; shift -= 8)
            to[n++] = (char)(bits >> shift);
        bits = 0;
    }
    if (digits % 4)
        return false;
    *out = kd_str_of(to, n - padding);
    *error = KD_STR("!!binary value is no text");
    return kd_utf8_valid(*out);
}

/* Does an explicit tag fit what the text turned out to be? */
static bool apply_tag(kd_arena *arena, kd_str tag, kd_str text, kd_node *node, kd_str *error)
{
    kd_str found = kd_yaml_scalar_tag(node);
    if (!tag.n || kd_str_eq(tag, found))
        return true;
    if (kd_str_eq(tag, KD_STR("!!float")) && node->integer) {
        node->integer = false;
        node->go = NULL;
        return true;
    }
    *error = kd_arena_printf(arena, "cannot decode %.*s `%.*s` as a %.*s", KD_FMT(found), KD_FMT(text), KD_FMT(tag));
    return false;
}

static bool is_resolved(kd_str tag)
{
    static const kd_str tags[] = {KD_STR_INIT(""),       KD_STR_INIT("!!int"),  KD_STR_INIT("!!float"),
                                  KD_STR_INIT("!!bool"), KD_STR_INIT("!!null"), KD_STR_INIT("!!timestamp")};
    for (size_t i = 0; i < KD_COUNT(tags); i++)
        if (kd_str_eq(tag, tags[i]))
            return true;
    return false;
}

bool kd_yaml_scalar_resolve(kd_arena *arena, kd_str tag, kd_str text, kd_node *node, kd_str *error)
{
    node->type = KD_NODE_STRING;
    node->text = text;
    *error = KD_STR("");
    if (kd_str_eq(tag, KD_STR("!!binary")))
        return decode_binary(arena, text, &node->text, error);
    if (!is_resolved(tag))
        return true;
    if (resolve_word(text, node))
        return apply_tag(arena, tag, text, node, error);
    char first = text.n ? text.p[0] : 0;
    kd_str time, reason;
    if (((is_digit(first) && !tag.n) || kd_str_eq(tag, KD_STR("!!timestamp"))) && kd_yaml_time(arena, text, &time)) {
        node->text = time;
        node->go = "time.Time";
        return time.p != NULL;
    }
    if ((is_digit(first) || first == '+' || first == '-') && !resolve_number(arena, text, node))
        return false;
    if (first == '.' && kd_go_float_parse(text, &node->number, &reason))
        set_float(node, node->number, text);
    return apply_tag(arena, tag, text, node, error);
}
