#include "text/json.h"

#include "text/go/format.h"
#include "text/json_escape.h"
#include "text/json_shapes.h"
#include "text/utf8.h"

#define BLOCK      1024 /* strings are escaped in blocks, so that the room asked for is not far beyond what is needed */
#define SPARE      64   /* bytes that are free, but for a few, before each step of the fast emitter */
#define KEEP_BYTES ((size_t)64 * 1024)

/* How the fast emitter ends. TIGHT: it asked for more than the buffer may have, which need not mean that the text does
 * not fit; the exact emitter decides. */
typedef enum written { WRITTEN, TIGHT, NO_MEMORY } written;

/* The fast emitter's cursor into the output buffer. */
typedef struct cursor {
    char *at, *end;
    kd_buf *out;
} cursor;

/* A value to be written: a document's node, or (json is NULL) a value in an arena. */
typedef struct source {
    yyjson_val *json;
    const kd_value *value;
} source;

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

/* Copies a text that may end where its memory ends. */
static bool put_plain(cursor *c, kd_str s)
{
    if (!room(c, s.n + SPARE))
        return false;
    if (s.n)
        memcpy(c->at, s.p, s.n);
    c->at += s.n;
    return true;
}

/* Are there but ASCII bytes? */
static bool is_ascii(kd_str s)
{
    uint64_t all = 0, word;
    size_t i = 0;
    for (; i + 8 <= s.n; i += 8) {
        memcpy(&word, s.p + i, 8);
        all |= word;
    }
    for (; i < s.n; i++)
        all |= (uint8_t)s.p[i];
    return !(all & 0x8080808080808080u);
}

/* Lets the buffer's own functions write at the cursor. */
static void cursor_give(cursor *c)
{
    c->out->n = (size_t)(c->at - c->out->p);
}

static bool cursor_take(cursor *c)
{
    c->at = c->out->p + c->out->n;
    c->end = c->out->p + c->out->cap;
    return !c->out->failed;
}

/* A string of any origin, whose memory may end where it ends. */
static bool put_foreign(cursor *c, kd_str s, kd_origin origin)
{
    const char *at = s.p, *end = s.p + s.n;
    char last[32] = {0};
    if (KD_UNLIKELY(s.n > BLOCK || (origin == KD_ORIGIN_BYTES && !is_ascii(s) && !kd_utf8_valid(s)))) {
        cursor_give(c); /* that function takes room in blocks, and exactly at the end */
        kd_json_emit_string(c->out, s, origin);
        return cursor_take(c) && room(c, SPARE);
    }
    if (!room(c, 6 * s.n + SPARE))
        return false;
    *c->at++ = '"';
    if (s.n > KD_JSON_BEHIND)
        c->at = kd_json_escape(c->at, &at, end - KD_JSON_BEHIND, end);
    size_t n = (size_t)(end - at);
    if (n) {
        memcpy(last, at, n);
        at = last;
        c->at = kd_json_escape(c->at, &at, last + n, last + n);
    }
    *c->at++ = '"';
    return true;
}

/* A scalar that is no document's node. */
static bool put_value(cursor *c, const kd_value *v)
{
    switch (v->type) {
    case KD_BOOL:
        return put_plain(c, v->boolean ? KD_STR("true") : KD_STR("false"));
    case KD_STRING:
        return put_foreign(c, kd_value_text(*v), (kd_origin)v->origin);
    case KD_NUMBER:
        if (v->origin != KD_ORIGIN_FLOAT64)
            return put_plain(c, kd_value_text(*v));
        cursor_give(c);
        kd_go_float_json(c->out, v->number);
        return cursor_take(c);
    default:
        return put_plain(c, KD_STR("null"));
    }
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

/* Goes into a container of a document that is not empty. */
static bool open_json(kd_json_shapes *ctx, yyjson_val *v)
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

/* Goes into a container in an arena that is not empty. */
static bool open_value(kd_json_shapes *ctx, const kd_value *v)
{
    uint32_t n = v->type == KD_LIST ? v->n : v->object->n;
    if (!kd_stack_fit(&ctx->frames, sizeof(kd_frame)))
        return false;
    kd_frame *frame = (kd_frame *)(void *)(ctx->frames.p + ctx->frames.n);
    *frame = (kd_frame){.kind = KD_FRAME_ITEMS, .n = n, .base = (uint32_t)ctx->members.n, .items = v->items};
    if (v->type == KD_OBJECT) {
        if (!kd_stack_fit(&ctx->members, n * sizeof(kd_entry)))
            return false;
        frame->kind = KD_FRAME_MEMBERS;
        kd_entries_fill((kd_entry *)(void *)(ctx->members.p + frame->base), *v);
        ctx->members.n += n * sizeof(kd_entry);
    }
    ctx->frames.n += sizeof(kd_frame);
    return true;
}

/* Writes a scalar or an empty container, else goes into the container. */
static written put_or_open(kd_json_shapes *ctx, cursor *c, source from)
{
    const kd_value *value = from.value;
    yyjson_val *v = from.json;
    if (!v && value->type != KD_LIST && value->type != KD_OBJECT)
        return put_value(c, value) ? WRITTEN : c->out->failed ? NO_MEMORY : TIGHT;
    if (!v && !value->node)
        v = (yyjson_val *)value->json;
    if (v && !unsafe_yyjson_is_ctn(v))
        return put_scalar_node(c, v) ? WRITTEN : TIGHT;
    bool object = v ? unsafe_yyjson_get_type(v) == YYJSON_TYPE_OBJ : value->type == KD_OBJECT;
    if ((v ? unsafe_yyjson_get_len(v) : object ? value->object->n : value->n) == 0) {
        memcpy(c->at, object ? "{}" : "[]", 2);
        c->at += 2;
        return WRITTEN;
    }
    return (v ? open_json(ctx, v) : open_value(ctx, value)) ? WRITTEN : NO_MEMORY;
}

/* Forgets the innermost container. */
static void drop_frame(kd_json_shapes *ctx, kd_frame *frame)
{
    if (frame->kind == KD_FRAME_SHAPE)
        frame->shape->users--;
    ctx->members.n = frame->base;
    ctx->frames.n -= sizeof(kd_frame);
}

/* Writes what stands before the next member of an object and finds its value. */
static inline bool next_sorted(kd_json_shapes *ctx, kd_frame *frame, cursor *c, source *out)
{
    uint32_t i = frame->at++;
    kd_entry *entry = (kd_entry *)(void *)(ctx->members.p + frame->base) + i;
    *c->at++ = i ? ',' : '{';
    if (frame->kind == KD_FRAME_MEMBERS) {
        /* Nobody says where the key of a member comes from. */
        if (!put_foreign(c, (kd_str){entry->key, entry->n}, KD_ORIGIN_BYTES))
            return false;
        out->value = &((const kd_member *)entry->value)->value;
    } else {
        if (!put_string(c, entry->key, entry->n))
            return false;
        out->json = (yyjson_val *)entry->value;
    }
    *c->at++ = ':';
    return true;
}

/* The same for any container. */
static inline bool next_member(kd_json_shapes *ctx, kd_frame *frame, cursor *c, source *out)
{
    *out = (source){NULL, NULL};
    if (frame->kind == KD_FRAME_SHAPE) {
        kd_shape *shape = frame->shape;
        uint32_t i = frame->at++;
        if (!put_raw(c, shape->text + shape->text_at[i], (size_t)(shape->text_at[i + 1] - shape->text_at[i])))
            return false;
        if (!shape->sorted) {
            out->json = ((yyjson_val **)(void *)(ctx->members.p + frame->base))[shape->order[i]];
        } else {
            out->json = frame->next;
            frame->next = unsafe_yyjson_get_next(out->json) + 1;
        }
        return true;
    }
    if (frame->kind == KD_FRAME_LIST) {
        *c->at++ = frame->at++ ? ',' : '[';
        out->json = frame->next;
        frame->next = unsafe_yyjson_get_next(out->json);
        return true;
    }
    if (frame->kind == KD_FRAME_ITEMS) {
        *c->at++ = frame->at ? ',' : '[';
        out->value = &frame->items[frame->at++];
        return true;
    }
    return next_sorted(ctx, frame, c, out);
}

static written emit_source(kd_json_shapes *ctx, cursor *c, source from)
{
    if (!room(c, SPARE))
        return TIGHT;
    for (;;) {
        written result = put_or_open(ctx, c, from);
        if (result != WRITTEN)
            return result;
        kd_frame *frame;
        for (;;) {
            if (ctx->frames.n == 0)
                return WRITTEN;
            frame = (kd_frame *)(void *)(ctx->frames.p + ctx->frames.n - sizeof(kd_frame));
            if (!room(c, SPARE))
                return TIGHT;
            if (frame->at < frame->n)
                break;
            *c->at++ = frame->kind == KD_FRAME_LIST || frame->kind == KD_FRAME_ITEMS ? ']' : '}';
            drop_frame(ctx, frame);
        }
        if (!next_member(ctx, frame, c, &from))
            return TIGHT;
    }
}

/* Appends the value; unless it could be written the buffer is left as it was. */
static written emit_fast(kd_json_shapes *ctx, kd_buf *out, const kd_value *v)
{
    size_t start = out->n;
    cursor c = {out->p + out->n, out->p + out->cap, out};
    written result = emit_source(ctx, &c, (source){NULL, v});
    if (result == WRITTEN) {
        cursor_give(&c);
        return WRITTEN;
    }
    while (ctx->frames.n)
        drop_frame(ctx, (kd_frame *)(void *)(ctx->frames.p + ctx->frames.n - sizeof(kd_frame)));
    out->n = start;
    return out->failed ? NO_MEMORY : result;
}

static void put_exact(kd_buf *out, kd_value v)
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
    case KD_LIST:
        kd_buf_byte(out, '[');
        return;
    case KD_OBJECT:
        kd_buf_byte(out, '{');
        return;
    default:
        kd_buf_add(out, KD_STR("null"));
        return;
    }
}

/* Appends the value without ever asking for more room than the text takes: for the last stretch of a buffer. */
static bool emit_exact(kd_order *order, kd_buf *out, kd_value v)
{
    bool good = true, first = false;
    for (kd_str key; good && !out->failed;) {
        put_exact(out, v);
        first = v.type == KD_LIST || v.type == KD_OBJECT;
        good = !first || kd_order_push(order, v);
        while (good && order->depth && !kd_order_next(order, &key, &v)) {
            kd_buf_byte(out, order->frames[order->depth - 1].object ? '}' : ']');
            kd_order_pop(order);
            first = false;
        }
        if (!good || !order->depth)
            break;
        if (!first)
            kd_buf_byte(out, ',');
        if (key.p) {
            kd_json_emit_string(out, key, KD_ORIGIN_BYTES);
            kd_buf_byte(out, ':');
        }
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
    }
    kd_json_shapes *ctx = shapes ? shapes : &own;
    size_t start = out->n;
    written result = emit_fast(ctx, out, &v);
    if (KD_UNLIKELY(result == TIGHT)) {
        kd_order order;
        kd_order_init(&order);
        result = emit_exact(&order, out, v) ? WRITTEN : NO_MEMORY;
        kd_order_fini(&order);
    }
    if (result != WRITTEN) {
        out->n = start;
        out->failed = true;
    }
    kd_stack_trim(&ctx->frames, shapes ? KEEP_BYTES : 0);
    kd_stack_trim(&ctx->members, shapes ? KEEP_BYTES : 0);
    return result == WRITTEN;
}
