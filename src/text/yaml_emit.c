#include "text/yaml_emit.h"

#include "text/go/format.h"
#include "text/go/number.h"
#include "text/go/quote.h"
#include "text/go/time_layout.h"
#include "text/json.h"
#include "text/order.h"
#include "text/utf8.h"

/* ---- what must be quoted ----------------------------------------------------------------------------------------- */

static bool is_word(kd_str s)
{
    static const char words[] =
        " null Null NULL ~ true True TRUE false False FALSE y Y yes Yes YES n N no No NO on On ON off "
        "Off OFF ";
    char padded[8];
    if (s.n > 5 || kd_str_find(s, ' ') >= 0 || kd_str_find(s, '\0') >= 0)
        return false;
    padded[0] = ' ';
    memcpy(padded + 1, s.p, s.n);
    padded[s.n + 1] = ' ';
    padded[s.n + 2] = '\0';
    return strstr(words, padded) != NULL;
}

/* strconv's reading of an integer in that base: true also for one that is too large, as far as it was looked at. */
static bool is_integer(kd_str s, unsigned base)
{
    uint64_t v = 0;
    for (size_t i = 0; i < s.n; i++) {
        unsigned c = kd_lower((uint8_t)s.p[i]), digit = 99;
        if (c >= '0' && c <= '9')
            digit = c - '0';
        else if (c >= 'a' && c <= 'z')
            digit = c - 'a' + 10;
        if (digit >= base)
            return false;
        if (__builtin_mul_overflow(v, base, &v) || __builtin_add_overflow(v, digit, &v))
            return true;
    }
    return s.n > 0;
}

static bool is_float(kd_str s)
{
    double v;
    kd_str error;
    return kd_go_float_parse(s, &v, &error) || kd_str_eq(error, KD_STR("value out of range"));
}

/* Texts up to this long are looked at without their '_'. */
#define NUMBER_MAX 512

/* Of a longer text its beginning tells: an integer is too large there already. */
static bool is_long_number(kd_str s)
{
    size_t dots = 0;
    for (size_t i = 0; i < s.n; i++) {
        dots += s.p[i] == '.';
        if (s.p[i] != '.' && s.p[i] != '_' && (uint8_t)(s.p[i] - '0') > 9)
            return false;
    }
    return dots <= 1;
}

static bool is_number(kd_str s)
{
    char digits[NUMBER_MAX + 2];
    size_t n = 0, dots = 0;
    if (!s.n || ((uint8_t)(s.p[0] - '0') > 9 && !memchr("+-.", s.p[0], 3)))
        return false;
    if (s.n > NUMBER_MAX)
        return is_long_number(kd_str_from(s, 1));
    bool negative = s.p[0] == '-';
    if (s.p[0] == '+')
        s = kd_str_from(s, 1);
    if (s.n && s.p[0] == '-')
        s = kd_str_from(s, 1);
    if (negative)
        digits[n++] = '-';
    for (size_t i = 0; i < s.n; i++) {
        dots += s.p[i] == '.';
        if (s.p[i] != '_')
            digits[n++] = s.p[i];
    }
    kd_str all = {digits, n}, bare = kd_str_from(all, negative);
    if (dots > 1)
        return false;
    if (kd_str_starts(bare, KD_STR("0x")))
        return is_integer(kd_str_from(bare, 2), 16);
    if (kd_str_starts(bare, KD_STR("0o")))
        return is_integer(kd_str_from(bare, 2), 8);
    if (kd_str_starts(bare, KD_STR("0b")))
        return is_integer(kd_str_from(bare, 2), 2);
    if (bare.n > 1 && bare.p[0] == '0' && !dots)
        return is_integer(bare, 8);
    return dots ? is_float(all) : is_integer(bare, 10);
}

static bool is_timestamp(kd_str s)
{
    static const kd_str layouts[] = {
        KD_STR_INIT("2006-01-02T15:04:05.999999999Z07:00"), KD_STR_INIT("2006-01-02t15:04:05.999999999Z07:00"),
        KD_STR_INIT("2006-01-02 15:04:05"), KD_STR_INIT("2006-01-02"), KD_STR_INIT("15:4")};
    if (!s.n || (uint8_t)(s.p[0] - '0') > 9)
        return false;
    for (size_t i = 0; i < KD_COUNT(layouts); i++) {
        kd_go_time t;
        if (kd_go_time_parse(layouts[i], s, &t))
            return true;
    }
    return false;
}

static bool has_quoted_byte(kd_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        uint8_t c = (uint8_t)s.p[i];
        if (c == '#' || c == '\\' || ((c == ':' || c == '-') && i + 1 < s.n && s.p[i + 1] == ' '))
            return true;
        bool broken = c == '\r' ? i + 1 == s.n || s.p[i + 1] != '\n' : c < 0x20 && c != '\t' && c != '\n';
        if (broken || c == 0x7f)
            return true;
    }
    return false;
}

bool kd_yaml_needs_quotes(kd_str s)
{
    if (!s.n || is_word(s) || is_number(s) || (s.n == 1 && s.p[0] == '-'))
        return true;
    if (s.p[0] && strchr("*&[{}],!|>%'\"@ `", s.p[0]))
        return true;
    char last = s.p[s.n - 1];
    return last == ':' || last == ' ' || is_timestamp(s) || has_quoted_byte(s);
}

/* ---- strings ----------------------------------------------------------------------------------------------------- */

/* Where a text stands. goyaml counts columns by objects alone and moves what is in a list afterwards, which shows in
 * lines of nothing but spaces. */
typedef struct place {
    uint32_t column; /* of the container's members */
    uint32_t own;    /* the same without the lists around */
    uint32_t list;   /* `own` of the innermost list around */
    bool in_list;    /* the container is a list */
    bool is_key;
} place;

static void put_spaces(kd_buf *out, size_t n)
{
    while (n--)
        kd_buf_byte(out, ' ');
}

/* The last line of a text that ends in a line break: what goyaml leaves of it after cutting one indent from its end. */
static void put_last_line(kd_buf *out, kd_str line, const place *at)
{
    size_t spaces = 0, indent = at->own + 2u, lists = (at->column - at->own) / 2;
    while (spaces < line.n && line.p[line.n - 1 - spaces] == ' ')
        spaces++;
    if (spaces == line.n) {
        if (at->in_list) {
            spaces -= spaces >= indent ? indent : 0;
            spaces += spaces ? indent : 0;
        }
        if (lists)
            spaces = spaces <= at->list ? 0 : spaces + 2 * lists;
        put_spaces(out, spaces);
        return;
    }
    if (spaces >= indent)
        line.n -= indent;
    put_spaces(out, at->column + 2u);
    kd_buf_add(out, line);
}

/* Are all line breaks of the text "\r\n"? It has some. */
static bool all_pairs(kd_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] == '\n' && (i == 0 || s.p[i - 1] != '\r'))
            return false;
    return true;
}

/* A text of several lines; in a list empty ones have no indent. */
static void put_block(kd_buf *out, kd_str s, const place *at)
{
    kd_str mark = all_pairs(s) ? KD_STR("\r\n") : KD_STR("\n"), line;
    bool one = kd_str_ends(s, mark);
    if (one)
        s.n -= mark.n;
    bool two = one && kd_str_ends(s, mark);
    kd_buf_add(out, two ? KD_STR("|+") : one ? KD_STR("|") : KD_STR("|-"));
    for (bool more = true; more;) {
        ptrdiff_t end = kd_str_search(s, mark);
        more = end >= 0;
        line = more ? kd_str_head(s, (size_t)end) : s;
        s = more ? kd_str_from(s, (size_t)end + mark.n) : s;
        kd_buf_add(out, mark);
        if (!more && one) {
            put_last_line(out, line, at);
            continue;
        }
        put_spaces(out, at->in_list && !line.n ? 0 : at->column + 2u);
        kd_buf_add(out, line);
    }
}

static void put_clean(kd_buf *out, kd_str s, const place *at)
{
    bool lines = kd_str_find(s, '\n') >= 0;
    if (kd_yaml_needs_quotes(s) || (lines && at->is_key))
        kd_go_quote(out, s);
    else if (lines)
        put_block(out, s, at);
    else
        kd_buf_add(out, s);
}

static void put_string(kd_buf *out, kd_str s, const place *at)
{
    if (kd_utf8_valid(s)) {
        put_clean(out, s, at);
        return;
    }
    kd_buf clean;
    kd_buf_init(&clean, out->max);
    for (size_t i = 0; i < s.n;) {
        uint32_t rune;
        size_t n = kd_utf8_decode(s.p + i, s.n - i, &rune);
        kd_buf_add(&clean, rune == KD_RUNE_BAD ? KD_STR("\xef\xbf\xbd") : (kd_str){s.p + i, n});
        i += n;
    }
    if (clean.failed)
        out->failed = true;
    else
        put_clean(out, kd_buf_str(&clean), at);
    kd_buf_fini(&clean);
}

static void put_float(kd_buf *out, double v)
{
    size_t start = out->n;
    kd_go_float_v(out, v);
    kd_str text = {out->p + start, out->n - start};
    if (!out->failed && kd_str_find(text, '.') < 0 && kd_str_find(text, 'e') < 0)
        kd_buf_add(out, KD_STR(".0"));
}

static void put_scalar(kd_buf *out, kd_value v, const place *at)
{
    switch (v.type) {
    case KD_BOOL:
        kd_buf_add(out, v.boolean ? KD_STR("true") : KD_STR("false"));
        return;
    case KD_NUMBER:
        if (v.origin == KD_ORIGIN_FLOAT64)
            put_float(out, v.number);
        else if (v.origin == KD_ORIGIN_INT)
            kd_buf_add(out, kd_value_text(v));
        else
            put_string(out, kd_value_text(v), at);
        return;
    case KD_STRING:
        put_string(out, kd_value_text(v), at);
        return;
    case KD_OBJECT:
        kd_buf_add(out, KD_STR("{}"));
        return;
    case KD_LIST:
        kd_buf_add(out, KD_STR("[]"));
        return;
    default:
        if (v.origin == KD_ORIGIN_LIST || v.origin == KD_ORIGIN_OBJECT)
            kd_buf_add(out, v.origin == KD_ORIGIN_LIST ? KD_STR("[]") : KD_STR("{}"));
        else
            kd_buf_add(out, KD_STR("null"));
    }
}

/* ---- documents --------------------------------------------------------------------------------------------------- */

/* A container that is being printed. */
typedef struct level {
    place place;
    bool started; /* its first member stands on the line of what is around it */
} level;

typedef struct emitter {
    kd_buf *out;
    kd_order order;
    kd_buf levels;
} emitter;

static bool is_empty(kd_value v)
{
    return v.type == KD_OBJECT && v.node ? v.object->n == 0 : v.n == 0;
}

static bool opens(kd_value v)
{
    return (v.type == KD_OBJECT || v.type == KD_LIST) && !is_empty(v);
}

static bool push(emitter *e, kd_value v, place at)
{
    char *room = kd_buf_room(&e->levels, sizeof(level));
    if (!room)
        return false;
    at.in_list = v.type == KD_LIST;
    memcpy(room, &(level){.place = at}, sizeof(level));
    e->levels.n += sizeof(level);
    return kd_order_push(&e->order, v);
}

static level *top(emitter *e)
{
    return (level *)(void *)(e->levels.p + e->levels.n - sizeof(level));
}

/* The next member of an object: its key, and its value when that is no container. Objects in objects indent by two,
 * lists in objects not at all. */
static bool put_member(emitter *e, place at, kd_str key, kd_value v)
{
    at.is_key = true;
    put_string(e->out, key, &at);
    at.is_key = false;
    kd_buf_byte(e->out, ':');
    if (!opens(v)) {
        kd_buf_byte(e->out, ' ');
        put_scalar(e->out, v, &at);
        kd_buf_byte(e->out, '\n');
        return true;
    }
    kd_buf_byte(e->out, '\n');
    if (v.type == KD_OBJECT) {
        at.column += 2;
        at.own += 2;
    }
    return push(e, v, at) && (top(e)->started = true);
}

static bool put_item(emitter *e, place at, kd_value v)
{
    kd_buf_add(e->out, KD_STR("- "));
    if (opens(v)) {
        at.column += 2;
        at.list = at.own;
        return push(e, v, at);
    }
    put_scalar(e->out, v, &at);
    kd_buf_byte(e->out, '\n');
    return true;
}

static bool put_tree(emitter *e, kd_value v)
{
    bool good = push(e, v, (place){0});
    while (good && e->order.depth && !e->out->failed) {
        bool object = e->order.frames[e->order.depth - 1].object;
        kd_str key;
        if (!kd_order_next(&e->order, &key, &v)) {
            kd_order_pop(&e->order);
            e->levels.n -= sizeof(level);
            continue;
        }
        level *l = top(e);
        if (l->started)
            put_spaces(e->out, l->place.column);
        l->started = true;
        good = object ? put_member(e, l->place, key, v) : put_item(e, l->place, v);
    }
    return good && !e->out->failed;
}

bool kd_yaml_emit(kd_buf *out, kd_value v)
{
    size_t start = out->n;
    if (v.type == KD_NULL || v.type == KD_ABSENT || !opens(v)) {
        if (v.type == KD_NULL || v.type == KD_ABSENT)
            kd_buf_add(out, KD_STR("{}"));
        else
            put_scalar(out, v, &(place){0});
        kd_buf_byte(out, '\n');
        return !out->failed;
    }
    emitter e = {.out = out};
    kd_order_init(&e.order);
    kd_buf_init(&e.levels, (KD_JSON_MAX_DEPTH + 16) * sizeof(level));
    bool good = put_tree(&e, v);
    while (e.order.depth)
        kd_order_pop(&e.order);
    kd_order_fini(&e.order);
    kd_buf_fini(&e.levels);
    if (!good)
        out->n = start;
    return good;
}
