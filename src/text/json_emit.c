#include "text/json.h"

#include "text/go/format.h"
#include "text/json_escape.h"
#include "text/json_shapes.h"
#include "text/utf8.h"

#define BLOCK      1024 /* strings are escaped in blocks, so that the room asked for is not far beyond what is needed */
#define SPARE      64   /* bytes that are always free between two steps of the fast emitter */
#define KEEP_BYTES ((size_t)64 * 1024)

char *kd_json_escape_special(char *to, const char **at, const char *end)
{
    static const char hex[] = "0123456789abcdef";
    const char *s = (*at)++;
    uint8_t c = (uint8_t)*s;
    if (c == 0xe2) {
        if (end - s > 2 && (uint8_t)s[1] == 0x80 && ((uint8_t)s[2] & 0xfe) == 0xa8) {
            memcpy(to, "\\u2028", 6);
            to[5] = (char)('8' + ((uint8_t)s[2] & 1));
            *at = s + 3;
            return to + 6;
        }
        *to = (char)c;
        return to + 1;
    }
    const char *letter = c < 0x20 ? strchr("\bb\ff\nn\rr\tt", c) : NULL;
    if (c == '"' || c == '\\' || (letter && c)) {
        to[0] = '\\';
        to[1] = c < 0x20 ? letter[1] : (char)c;
        return to + 2;
    }
    memcpy(to, "\\u00", 4);
    to[4] = hex[c >> 4];
    to[5] = hex[c & 15];
    return to + 6;
}

/* Appends the escaped text without ever asking for more room than it takes, and without looking behind it. */
static void put_text_exact(kd_buf *out, const char *s, const char *end)
{
    char block[48] = {0}, escaped[6 * 48 + KD_JSON_BEHIND];
    while (s < end && !out->failed) {
        size_t n = (size_t)(end - s) < 16 ? (size_t)(end - s) : 16,
               seen = (size_t)(end - s) < 18 ? (size_t)(end - s) : 18;
        memcpy(block, s, seen);
        const char *at = block;
        char *to = kd_json_escape(escaped, &at, block + n, block + seen);
        kd_buf_add(out, (kd_str){escaped, (size_t)(to - escaped)});
        s += at - block;
    }
}

/* Appends the escaped text; bytes behind it are not touched. */
static void put_text(kd_buf *out, const char *s, const char *end)
{
    while (end - s > 2 * KD_JSON_BEHIND) {
        /* All but the last bytes, so that looking 16 bytes ahead stays inside. */
        const char *stop = end - s > BLOCK ? s + BLOCK - KD_JSON_BEHIND : end - KD_JSON_BEHIND;
        size_t most = 6 * (size_t)(stop - s + 3) + KD_JSON_BEHIND;
        if (most > out->max - out->n)
            break;
        char *to = kd_buf_room(out, most);
        if (!to)
            return;
        out->n += (size_t)(kd_json_escape(to, &s, stop, end) - to);
    }
    put_text_exact(out, s, end);
}

/* The same for a text that may hold bytes which are not UTF-8. */
static void put_bytes(kd_buf *out, kd_str s)
{
    const char *at = s.p, *end = s.p + s.n, *from = at;
    while (at < end) {
        uint32_t rune;
        size_t n = (uint8_t)*at < 0x80 ? 1 : kd_utf8_decode(at, (size_t)(end - at), &rune);
        if (n == 1 && (uint8_t)*at >= 0x80) {
            put_text(out, from, at);
            kd_buf_add(out, KD_STR("\\ufffd"));
            from = at + 1;
        }
        at += n;
    }
    put_text(out, from, end);
}

void kd_json_emit_string(kd_buf *out, kd_str s, kd_origin origin)
{
    kd_buf_byte(out, '"');
    if (s.n && origin == KD_ORIGIN_BYTES)
        put_bytes(out, s);
    else if (s.n)
        put_text(out, s.p, s.p + s.n);
    kd_buf_byte(out, '"');
}

/* --- a document's nodes --- */

typedef enum written { WRITTEN, TIGHT, NO_MEMORY } written;

/* The fast emitter's cursor into the output buffer. */
typedef struct cursor {
    char *at, *end;
    kd_buf *out;
} cursor;

/* The slow half of `room`: more of the buffer. False when the bound does not fit under its maximum, which need not mean
 * that the text would not. */
__attribute__((noinline)) static bool grow(cursor *c, size_t n)
{
    kd_buf *out = c->out;
    out->n = (size_t)(c->at - out->p);
    if (n > out->max - out->n)
        return false;
    char *to = kd_buf_room(out, n);
    if (!to)
        return false;
    c->at = to;
    c->end = out->p + out->cap;
    return true;
}

static inline bool room(cursor *c, size_t n)
{
    return KD_LIKELY((size_t)(c->end - c->at) >= n) || grow(c, n);
}

/* A string of a document, between quotes. The document's memory goes on behind every string. */
static inline bool put_string(cursor *c, const char *s, size_t n)
{
    const char *end = s + n;
    if (!room(c, 6 * (n < BLOCK ? n : BLOCK) + SPARE))
        return false;
    *c->at++ = '"';
    while (KD_UNLIKELY(end - s > BLOCK)) {
        c->at = kd_json_escape(c->at, &s, s + BLOCK - 2, end);
        if (!room(c, 6 * BLOCK + SPARE))
            return false;
    }
    c->at = kd_json_escape(c->at, &s, end, end);
    *c->at++ = '"';
    return true;
}

/* Copies a text that has 16 readable bytes behind it. */
static inline bool put_raw(cursor *c, const char *s, size_t n)
{
    if (!room(c, n + SPARE))
        return false;
    memcpy(c->at, s, 16);
    if (KD_UNLIKELY(n > 16))
        memcpy(c->at + 16, s + 16, n - 16);
    c->at += n;
    return true;
}

static bool put_scalar_node(cursor *c, yyjson_val *v)
{
    switch (unsafe_yyjson_get_type(v)) {
    case YYJSON_TYPE_STR:
        return put_string(c, v->uni.str, unsafe_yyjson_get_len(v));
    case YYJSON_TYPE_RAW:
        return put_raw(c, v->uni.str, unsafe_yyjson_get_len(v));
    case YYJSON_TYPE_BOOL: {
        bool yes = unsafe_yyjson_is_true(v);
        memcpy(c->at, yes ? "true" : "false", 5);
        c->at += yes ? 4 : 5;
        return true;
    }
    default:
        memcpy(c->at, "null", 4);
        c->at += 4;
        return true;
    }
}

/* Finds the order of an object's members and puts it on the stack. False without memory. */
static bool open_object(kd_json_shapes *ctx, yyjson_val *object, kd_frame *frame)
{
    uint32_t n = frame->n;
    frame->base = (uint32_t)ctx->members.n;
    if (ctx->shapes && n <= KD_SHAPE_KEYS) {
        if (!kd_stack_fit(&ctx->members, KD_SHAPE_KEYS * sizeof(yyjson_val *)))
            return false;
        kd_shape *shape = kd_shape_find(ctx->shapes, object, (yyjson_val **)(void *)(ctx->members.p + ctx->members.n));
        if (shape && shape->users < UINT8_MAX) {
            frame->kind = KD_FRAME_SHAPE;
            frame->shape = shape;
            frame->next = unsafe_yyjson_get_first(object) + 1;
            shape->users++;
            ctx->members.n += shape->sorted ? 0 : n * sizeof(yyjson_val *);
            return true;
        }
    }
    if (!kd_stack_fit(&ctx->members, n * sizeof(kd_entry)))
        return false;
    frame->kind = KD_FRAME_ENTRIES;
    frame->n = kd_entries_fill((kd_entry *)(void *)(ctx->members.p + frame->base), kd_value_of_json(object));
    ctx->members.n += frame->n * sizeof(kd_entry);
    return true;
}

/* Goes into a container that is not empty. */
static bool open_frame(kd_json_shapes *ctx, yyjson_val *v)
{
    if (!kd_stack_fit(&ctx->frames, sizeof(kd_frame)))
        return false;
    kd_frame *frame = (kd_frame *)(void *)(ctx->frames.p + ctx->frames.n);
    *frame = (kd_frame){.kind = KD_FRAME_LIST, .n = (uint32_t)unsafe_yyjson_get_len(v)};
    if (unsafe_yyjson_get_type(v) == YYJSON_TYPE_OBJ) {
        if (!open_object(ctx, v, frame))
            return false;
    } else {
        frame->next = unsafe_yyjson_get_first(v);
        frame->base = (uint32_t)ctx->members.n;
    }
    ctx->frames.n += sizeof(kd_frame);
    return true;
}

/* Leaves the innermost container: its bracket, its part of the stacks. */
static void close_frame(kd_json_shapes *ctx, kd_frame *frame, cursor *c)
{
    *c->at++ = frame->kind == KD_FRAME_LIST ? ']' : '}';
    if (frame->kind == KD_FRAME_SHAPE)
        frame->shape->users--;
    ctx->members.n = frame->base;
    ctx->frames.n -= sizeof(kd_frame);
}

/* Writes what stands before the next member and returns its value; NULL when there is no room. */
static inline yyjson_val *next_member(kd_json_shapes *ctx, kd_frame *frame, cursor *c)
{
    uint32_t i = frame->at++;
    if (frame->kind == KD_FRAME_LIST) {
        yyjson_val *v = frame->next;
        frame->next = unsafe_yyjson_get_next(v);
        *c->at++ = i ? ',' : '[';
        return v;
    }
    if (frame->kind == KD_FRAME_SHAPE) {
        kd_shape *shape = frame->shape;
        const char *text = shape->text + shape->text_at[i];
        if (!put_raw(c, text, (size_t)(shape->text_at[i + 1] - shape->text_at[i])))
            return NULL;
        if (!shape->sorted)
            return ((yyjson_val **)(void *)(ctx->members.p + frame->base))[shape->order[i]];
        yyjson_val *v = frame->next;
        frame->next = unsafe_yyjson_get_next(v) + 1;
        return v;
    }
    kd_entry *entry = (kd_entry *)(void *)(ctx->members.p + frame->base) + i;
    *c->at++ = i ? ',' : '{';
    if (!put_string(c, entry->key, entry->n))
        return NULL;
    *c->at++ = ':';
    return (yyjson_val *)entry->value;
}

static written emit_node(kd_json_shapes *ctx, cursor *c, yyjson_val *v)
{
    size_t bottom = ctx->frames.n;
    for (;;) {
        if (!room(c, SPARE))
            return TIGHT;
        if (!unsafe_yyjson_is_ctn(v)) {
            if (!put_scalar_node(c, v))
                return TIGHT;
        } else if (unsafe_yyjson_get_len(v) == 0) {
            memcpy(c->at, unsafe_yyjson_get_type(v) == YYJSON_TYPE_OBJ ? "{}" : "[]", 2);
            c->at += 2;
        } else if (!open_frame(ctx, v)) {
            return NO_MEMORY;
        }
        kd_frame *frame;
        for (;;) {
            if (ctx->frames.n == bottom)
                return WRITTEN;
            frame = (kd_frame *)(void *)(ctx->frames.p + ctx->frames.n - sizeof(kd_frame));
            if (!room(c, SPARE))
                return TIGHT;
            if (frame->at < frame->n)
                break;
            close_frame(ctx, frame, c);
        }
        if (!(v = next_member(ctx, frame, c)))
            return TIGHT;
    }
}

/* Appends a container of a document; leaves the buffer as it was unless it could be written. */
static written emit_document(kd_json_shapes *ctx, kd_buf *out, yyjson_val *v)
{
    size_t start = out->n, bottom = ctx->frames.n, members = ctx->members.n;
    cursor c = {out->p + out->n, out->p + out->cap, out};
    written result = emit_node(ctx, &c, v);
    if (result == WRITTEN) {
        out->n = (size_t)(c.at - out->p);
        return WRITTEN;
    }
    while (ctx->frames.n > bottom) {
        ctx->frames.n -= sizeof(kd_frame);
        kd_frame *frame = (kd_frame *)(void *)(ctx->frames.p + ctx->frames.n);
        if (frame->kind == KD_FRAME_SHAPE)
            frame->shape->users--;
    }
    ctx->members.n = members;
    out->n = start;
    return out->failed ? NO_MEMORY : result;
}

/* --- any value --- */

static void put_scalar(kd_buf *out, kd_value v)
{
    switch (v.type) {
    case KD_BOOL:
        kd_buf_add(out, v.boolean ? KD_STR("true") : KD_STR("false"));
        return;
    case KD_STRING:
        kd_json_emit_string(out, kd_value_text(v), (kd_origin)v.origin);
        return;
    case KD_NUMBER:
        if (v.origin == KD_ORIGIN_FLOAT64)
            kd_go_float_json(out, v.number);
        else
            kd_buf_add(out, kd_value_text(v));
        return;
    default:
        kd_buf_add(out, KD_STR("null"));
        return;
    }
}

/* Writes a scalar, an empty container, or a whole document node at once; else goes into the container. *fast is dropped
 * once the output nears its maximum, where only exact writing can tell whether it fits. */
static bool emit_or_enter(kd_json_shapes *ctx, kd_buf *out, kd_value v, bool *fast)
{
    if (v.type != KD_LIST && v.type != KD_OBJECT) {
        put_scalar(out, v);
        return true;
    }
    if (!v.node && *fast) {
        written result = emit_document(ctx, out, (yyjson_val *)v.json);
        if (result != TIGHT)
            return result == WRITTEN;
        *fast = false;
    }
    kd_buf_byte(out, v.type == KD_LIST ? '[' : '{');
    return kd_order_push(&ctx->order, v);
}

static bool emit_value(kd_json_shapes *ctx, kd_buf *out, kd_value v, bool fast)
{
    kd_order *order = &ctx->order;
    bool good = emit_or_enter(ctx, out, v, &fast), first = true;
    uint32_t depth = order->depth; /* a container that was just entered has no comma before its first member */
    while (good && order->depth && !out->failed) {
        kd_str key;
        if (!kd_order_next(order, &key, &v)) {
            kd_buf_byte(out, order->frames[order->depth - 1].object ? '}' : ']');
            kd_order_pop(order);
            first = false;
            continue;
        }
        if (!first)
            kd_buf_byte(out, ',');
        if (key.p) {
            kd_json_emit_string(out, key, KD_ORIGIN_BYTES);
            kd_buf_byte(out, ':');
        }
        depth = order->depth;
        good = emit_or_enter(ctx, out, v, &fast);
        first = order->depth > depth;
    }
    while (order->depth)
        kd_order_pop(order);
    return good && !out->failed;
}

bool kd_json_emit(kd_buf *out, kd_value v, kd_json_shapes *shapes)
{
    _Alignas(16) char frames[16 * sizeof(kd_frame)], members[64 * sizeof(kd_entry)];
    kd_json_shapes own;
    if (out->failed || (!out->p && !kd_buf_room(out, 1)))
        return false;
    if (!shapes) {
        own.frames = (kd_stack){.p = frames, .cap = sizeof(frames)};
        own.members = (kd_stack){.p = members, .cap = sizeof(members)};
        own.shapes = NULL;
        kd_order_init(&own.order);
    }
    kd_json_shapes *ctx = shapes ? shapes : &own;
    size_t start = out->n;
    if (!emit_value(ctx, out, v, true)) {
        out->n = start;
        out->failed = true;
    }
    kd_stack_trim(&ctx->frames, shapes ? KEEP_BYTES : 0);
    kd_stack_trim(&ctx->members, shapes ? KEEP_BYTES : 0);
    kd_order_trim(&ctx->order, shapes ? KEEP_BYTES : 0);
    return !out->failed;
}
