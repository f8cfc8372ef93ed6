#include "text/go/format.h"
#include "text/json.h"
#include "text/order.h"
#include "text/utf8.h"
#include "text/xml.h"

/* A container that is being printed: an object's element to close, or the element that a list repeats. */
typedef struct level {
    kd_str name;
} level;

typedef struct emitter {
    kd_buf *out;
    kd_order order;
    kd_buf levels; /* an array of level */
    bool bad;      /* an attribute that cannot be written */
} emitter;

static void put(emitter *e, const char *text)
{
    kd_buf_add(e->out, kd_str_from_c(text));
}

/* ---- names and texts --------------------------------------------------------------------------------------------- */

/* A name as it is, but for what would end the tag or is no character. */
static void put_name(emitter *e, kd_str name)
{
    if (!name.n)
        kd_buf_byte(e->out, '_');
    for (size_t i = 0; i < name.n; i++) {
        uint8_t c = (uint8_t)name.p[i];
        kd_buf_byte(e->out, c < 0x20 || c == 0x7f || memchr("<>&\"'/", c, 6) ? '_' : (char)c);
    }
}

static bool is_plain(uint8_t c)
{
    return c >= 0x20 && c < 0x80 && c != '<' && c != '>' && c != '&' && c != '"' && c != '\'';
}

static void put_escaped_byte(emitter *e, uint8_t c)
{
    switch (c) {
    case '<':
        put(e, "&lt;");
        return;
    case '>':
        put(e, "&gt;");
        return;
    case '&':
        put(e, "&amp;");
        return;
    case '"':
        put(e, "&quot;");
        return;
    case '\'':
        put(e, "&apos;");
        return;
    case '\t':
    case '\n':
    case '\r':
        kd_buf_byte(e->out, (char)c);
        return;
    default:
        put(e, "\xef\xbf\xbd"); /* no character of XML */
    }
}

static void put_escaped(emitter *e, kd_str s)
{
    for (size_t i = 0; i < s.n;) {
        size_t start = i;
        while (i < s.n && is_plain((uint8_t)s.p[i]))
            i++;
        kd_buf_add(e->out, (kd_str){s.p + start, i - start});
        if (i == s.n)
            return;
        if ((uint8_t)s.p[i] < 0x80) {
            put_escaped_byte(e, (uint8_t)s.p[i++]);
            continue;
        }
        uint32_t rune;
        size_t n = kd_utf8_decode(s.p + i, s.n - i, &rune);
        bool good = rune != 0xfffe && rune != 0xffff && (rune != KD_RUNE_BAD || n == 3);
        kd_buf_add(e->out, good ? (kd_str){s.p + i, n} : KD_STR("\xef\xbf\xbd"));
        i += n;
    }
}

/* What is neither null nor a container. */
static void put_scalar(emitter *e, kd_value v)
{
    if (v.type == KD_STRING)
        put_escaped(e, kd_value_text(v));
    else if (v.type == KD_BOOL)
        put(e, v.boolean ? "true" : "false");
    else if (v.type == KD_NUMBER && v.origin == KD_ORIGIN_FLOAT64)
        kd_go_float_v(e->out, v.number);
    else if (v.type == KD_NUMBER)
        kd_buf_add(e->out, kd_value_text(v));
}

/* The value of "#text": lists joined by spaces, objects as %v prints them. */
static void put_text(emitter *e, kd_value v)
{
    if (v.type != KD_LIST && v.type != KD_OBJECT) {
        put_scalar(e, v);
        return;
    }
    kd_buf text;
    kd_buf_init(&text, e->out->max);
    kd_go_value_v(&text, v);
    kd_str s = kd_buf_str(&text);
    if (text.failed)
        e->out->failed = true;
    else
        put_escaped(e, v.type == KD_LIST ? (kd_str){s.p + 1, s.n - 2} : s);
    kd_buf_fini(&text);
}

/* ---- elements ---------------------------------------------------------------------------------------------------- */

static bool is_attribute(kd_str key)
{
    return key.n > 1 && key.p[0] == '-';
}

static bool is_text(kd_str key)
{
    return kd_str_eq(key, KD_STR("#text"));
}

static bool push(emitter *e, kd_str name, kd_value container)
{
    char *room = kd_buf_room(&e->levels, sizeof(level));
    if (!room)
        return false;
    memcpy(room, &(level){name}, sizeof(level));
    e->levels.n += sizeof(level);
    return kd_order_push(&e->order, container);
}

static level pop(emitter *e)
{
    level top;
    e->levels.n -= sizeof(level);
    memcpy(&top, e->levels.p + e->levels.n, sizeof(level));
    kd_order_pop(&e->order);
    return top;
}

static void open_tag(emitter *e, kd_str name)
{
    kd_buf_byte(e->out, '<');
    put_name(e, name);
}

static void close_tag(emitter *e, kd_str name)
{
    put(e, "</");
    put_name(e, name);
    kd_buf_byte(e->out, '>');
}

/* The attributes of the object that was pushed last; how many, and its text. */
static uint32_t put_attributes(emitter *e, kd_value *text)
{
    kd_order_frame *frame = &e->order.frames[e->order.depth - 1];
    uint32_t n = 0, first = frame->at;
    kd_str key;
    kd_value v;
    *text = KD_VALUE_ABSENT;
    while (kd_order_next(&e->order, &key, &v)) {
        if (is_text(key))
            *text = v;
        if (!is_attribute(key))
            continue;
        n++;
        e->bad = e->bad || v.type == KD_LIST || v.type == KD_OBJECT || v.type == KD_NULL;
        kd_buf_byte(e->out, ' ');
        put_name(e, kd_str_from(key, 1));
        put(e, "=\"");
        put_scalar(e, v);
        kd_buf_byte(e->out, '"');
    }
    e->order.frames[e->order.depth - 1].at = first;
    return n;
}

static bool put_object(emitter *e, kd_str name, kd_value object)
{
    kd_value text;
    open_tag(e, name);
    if (!push(e, name, object))
        return false;
    const kd_order_frame *frame = &e->order.frames[e->order.depth - 1];
    uint32_t members = frame->end - frame->base, attributes = put_attributes(e, &text);
    if (attributes == members) {
        put(e, "/>");
        pop(e);
        return true;
    }
    kd_buf_byte(e->out, '>');
    put_text(e, text);
    return true;
}

/* Prints a value, or what stands before its members. */
static bool put_element(emitter *e, kd_str name, kd_value v)
{
    if (v.type == KD_OBJECT)
        return put_object(e, name, v);
    if (v.type == KD_LIST && v.n)
        return push(e, name, v);
    open_tag(e, name);
    if (v.type == KD_LIST || v.type == KD_NULL || v.type == KD_ABSENT || (v.type == KD_STRING && !v.n)) {
        put(e, "/>");
        return true;
    }
    kd_buf_byte(e->out, '>');
    put_scalar(e, v);
    close_tag(e, name);
    return true;
}

static bool put_tree(emitter *e, kd_str root, kd_value v)
{
    bool good = put_element(e, root, v);
    while (good && e->order.depth && !e->out->failed && !e->bad) {
        level top;
        memcpy(&top, e->levels.p + e->levels.n - sizeof(top), sizeof(top));
        bool object = e->order.frames[e->order.depth - 1].object;
        kd_str key;
        if (!kd_order_next(&e->order, &key, &v)) {
            pop(e);
            if (object)
                close_tag(e, top.name);
        } else if (!object) {
            good = put_element(e, top.name, v);
        } else if (!is_attribute(key) && !is_text(key)) {
            good = put_element(e, key, v);
        }
    }
    return good;
}

/* Does one member make a root by itself? A list does when nothing but objects is in it. */
static bool is_root(kd_value v)
{
    kd_value_iter iter = kd_value_each(v);
    kd_str key;
    kd_value item;
    if (v.type != KD_LIST)
        return true;
    while (kd_value_next(&iter, &key, &item))
        if (item.type != KD_OBJECT)
            return false;
    return true;
}

/* The only member of an object, duplicates resolved; false when there is none or several. */
static bool only_member(emitter *e, kd_value v, kd_str *key, kd_value *member)
{
    kd_str second;
    kd_value other;
    if (!kd_order_push(&e->order, v)) {
        e->out->failed = true;
        return false;
    }
    bool one = kd_order_next(&e->order, key, member) && !kd_order_next(&e->order, &second, &other);
    kd_order_pop(&e->order);
    return one;
}

bool kd_xml_emit(kd_buf *out, kd_value v)
{
    static const kd_object empty;
    emitter e = {.out = out};
    size_t start = out->n;
    kd_order_init(&e.order);
    kd_buf_init(&e.levels, (KD_JSON_MAX_DEPTH + 16) * sizeof(level));
    kd_str root = KD_STR("doc"), key;
    kd_value member;
    if (v.type != KD_OBJECT)
        v = kd_value_object(&empty);
    if (only_member(&e, v, &key, &member) && is_root(member)) {
        root = key;
        v = member;
    }
    bool good = !out->failed && put_tree(&e, root, v);
    while (e.order.depth)
        kd_order_pop(&e.order);
    kd_order_fini(&e.order);
    kd_buf_fini(&e.levels);
    if (!good || out->failed || e.bad)
        out->n = start;
    return good && !out->failed;
}
