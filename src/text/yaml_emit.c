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

/* A text of several lines. `indent` stands before each line; in a list empty lines go without. */
static void put_block(kd_buf *out, kd_str s, size_t indent, bool in_list)
{
    bool returns = false, bare = false;
    for (size_t i = 0; i < s.n; i++) {
        bool pair = i && s.p[i - 1] == '\r';
        returns = returns || (s.p[i] == '\n' && pair);
        bare = bare || (s.p[i] == '\n' && !pair);
    }
    kd_str mark = returns && !bare ? KD_STR("\r\n") : KD_STR("\n");
    bool one = kd_str_ends(s, mark);
    bool two = one && kd_str_ends(kd_str_head(s, s.n - mark.n), mark);
    kd_buf_add(out, two ? KD_STR("|+") : one ? KD_STR("|") : KD_STR("|-"));
    kd_buf_add(out, mark);
    size_t start = out->n;
    for (kd_str rest = s; rest.p;) {
        ptrdiff_t at = kd_str_search(rest, mark);
        kd_str line = at < 0 ? rest : kd_str_head(rest, (size_t)at);
        bool blank = in_list && (line.n == 0 || (line.n == 1 && line.p[0] == '\r'));
        for (size_t i = 0; i < indent && !blank; i++)
            kd_buf_byte(out, ' ');
        kd_buf_add(out, line);
        if (at >= 0)
            kd_buf_add(out, mark);
        rest = at < 0 ? (kd_str){0} : kd_str_from(rest, (size_t)at + mark.n);
    }
    if (out->failed)
        return;
    /* The break and indent of an empty last line are left out, then one more indent. */
    size_t last = in_list ? 0 : indent;
    if (one && out->n - start >= mark.n + last)
        out->n -= mark.n + last;
    if (one && !in_list && out->n - start >= indent) {
        size_t spaces = 0;
        while (spaces < indent && out->p[out->n - 1 - spaces] == ' ')
            spaces++;
        if (spaces == indent)
            out->n -= indent;
    }
}

static void put_clean(kd_buf *out, kd_str s, bool key, size_t indent, bool in_list)
{
    bool lines = kd_str_find(s, '\n') >= 0;
    if (kd_yaml_needs_quotes(s) || (lines && key))
        kd_go_quote(out, s);
    else if (lines)
        put_block(out, s, indent, in_list);
    else
        kd_buf_add(out, s);
}

static void put_string(kd_buf *out, kd_str s, bool key, size_t indent, bool in_list)
{
    if (kd_utf8_valid(s)) {
        put_clean(out, s, key, indent, in_list);
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
        put_clean(out, kd_buf_str(&clean), key, indent, in_list);
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

static void put_scalar(kd_buf *out, kd_value v, size_t indent, bool in_list)
{
    switch (v.type) {
    case KD_BOOL:
        kd_buf_add(out, v.boolean ? KD_STR("true") : KD_STR("false"));
        return;
    case KD_NUMBER:
        if (v.origin == KD_ORIGIN_FLOAT64)
            put_float(out, v.number);
        else
            put_string(out, kd_value_text(v), false, indent, in_list);
        return;
    case KD_STRING:
        put_string(out, kd_value_text(v), false, indent, in_list);
        return;
    case KD_OBJECT:
        kd_buf_add(out, KD_STR("{}"));
        return;
    case KD_LIST:
        kd_buf_add(out, KD_STR("[]"));
        return;
    default:
        kd_buf_add(out, KD_STR("null"));
    }
}

/* ---- documents --------------------------------------------------------------------------------------------------- */

/* Column of a container's members. Objects indent by two, lists in objects not at all. */
typedef struct level {
    uint32_t column;
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

static bool push(emitter *e, kd_value v, uint32_t column)
{
    char *room = kd_buf_room(&e->levels, sizeof(level));
    if (!room)
        return false;
    memcpy(room, &(level){.column = column}, sizeof(level));
    e->levels.n += sizeof(level);
    return kd_order_push(&e->order, v);
}

static level *top(emitter *e)
{
    return (level *)(void *)(e->levels.p + e->levels.n - sizeof(level));
}

static void put_indent(emitter *e, uint32_t column)
{
    for (uint32_t i = 0; i < column; i++)
        kd_buf_byte(e->out, ' ');
}

/* The next member of an object: its key, and its value when that is no container. */
static bool put_member(emitter *e, uint32_t column, kd_str key, kd_value v)
{
    put_string(e->out, key, true, 0, false);
    kd_buf_byte(e->out, ':');
    if (!opens(v)) {
        kd_buf_byte(e->out, ' ');
        put_scalar(e->out, v, column + 2u, false);
        kd_buf_byte(e->out, '\n');
        return true;
    }
    kd_buf_byte(e->out, '\n');
    return push(e, v, v.type == KD_LIST ? column : column + 2u) && (top(e)->started = true);
}

static bool put_item(emitter *e, uint32_t column, kd_value v)
{
    kd_buf_add(e->out, KD_STR("- "));
    if (opens(v))
        return push(e, v, column + 2u);
    put_scalar(e->out, v, column + 2u, true);
    kd_buf_byte(e->out, '\n');
    return true;
}

static bool put_tree(emitter *e, kd_value v)
{
    bool good = push(e, v, 0);
    while (good && e->order.depth && !e->out->failed) {
        bool object = e->order.frames[e->order.depth - 1].object;
        kd_str key;
        if (!kd_order_next(&e->order, &key, &v)) {
            kd_order_pop(&e->order);
            e->levels.n -= sizeof(level);
            continue;
        }
        level *l = top(e);
        uint32_t column = l->column;
        if (l->started)
            put_indent(e, column);
        l->started = true;
        good = object ? put_member(e, column, key, v) : put_item(e, column, v);
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
            put_scalar(out, v, 0, false);
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
