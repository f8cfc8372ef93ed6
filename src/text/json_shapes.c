#include "text/json_shapes.h"

#include "base/ledger.h"
#include "text/go/fixed.h"

#include <stdlib.h>

#define CREDIT_MAX 8

kd_json_shapes *kd_json_shapes_create(void)
{
    size_t size = sizeof(kd_json_shapes) + KD_SHAPES * sizeof(kd_shape);
    if (!kd_ledger_reserve(KD_ACCOUNT_JSON, size))
        return NULL;
    kd_json_shapes *shapes = calloc(1, sizeof(*shapes));
    if (shapes)
        shapes->shapes = calloc(KD_SHAPES, sizeof(kd_shape));
    if (!shapes || !shapes->shapes) {
        free(shapes);
        kd_ledger_release(KD_ACCOUNT_JSON, size);
        return NULL;
    }
    return shapes;
}

void kd_json_shapes_destroy(kd_json_shapes *shapes)
{
    if (!shapes)
        return;
    kd_stack_trim(&shapes->frames, 0);
    kd_stack_trim(&shapes->members, 0);
    free(shapes->shapes);
    free(shapes);
    kd_ledger_release(KD_ACCOUNT_JSON, sizeof(kd_json_shapes) + KD_SHAPES * sizeof(kd_shape));
}

bool kd_stack_fit(kd_stack *stack, size_t size)
{
    if (KD_LIKELY(stack->cap - stack->n >= size))
        return true;
    size_t cap = stack->cap < 2048 ? 4096 : stack->cap * 2;
    while (cap - stack->n < size)
        cap *= 2;
    size_t held = stack->heap ? stack->cap : 0;
    if (!kd_ledger_reserve(KD_ACCOUNT_JSON, cap - held))
        return false;
    char *p = realloc(stack->heap ? stack->p : NULL, cap);
    if (!p) {
        kd_ledger_release(KD_ACCOUNT_JSON, cap - held);
        return false;
    }
    if (!stack->heap && stack->n)
        memcpy(p, stack->p, stack->n);
    stack->p = p;
    stack->cap = cap;
    stack->heap = true;
    return true;
}

void kd_stack_trim(kd_stack *stack, size_t keep)
{
    if (!stack->heap || stack->cap <= keep)
        return;
    free(stack->p);
    kd_ledger_release(KD_ACCOUNT_JSON, stack->cap);
    *stack = (kd_stack){0};
}

/* The first 8 bytes of a document's key as they lie in memory, zeros behind its end. A document's text goes on for more
 * than 8 bytes behind the beginning of any key. */
static inline uint64_t head_of(const char *key, size_t n)
{
    uint64_t x;
    memcpy(&x, key, 8);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    return n >= 8 ? x : x & (((uint64_t)1 << (8 * n)) - 1);
#else
    return n >= 8 ? x : n ? x & ~(~(uint64_t)0 >> (8 * n)) : 0;
#endif
}

static inline uint64_t tail_of(const char *key, size_t n)
{
    uint64_t x;
    memcpy(&x, key + n - 8, 8);
    return x;
}

static inline bool key_is(const kd_shape *shape, uint32_t i, const char *key, size_t n)
{
    if (shape->len[i] != n || shape->head[i] != head_of(key, n))
        return false;
    if (n <= 8)
        return true;
    if (shape->tail[i] != tail_of(key, n))
        return false;
    return n <= 16 || memcmp(shape->raw + shape->raw_at[i], key, n) == 0;
}

static bool matches(const kd_shape *shape, yyjson_val *object, yyjson_val **values)
{
    uint32_t n = shape->n;
    if (unsafe_yyjson_get_len(object) != n)
        return false;
    yyjson_val *key = unsafe_yyjson_get_first(object);
    if (shape->sorted) {
        for (uint32_t i = 0; i < n; i++, key = unsafe_yyjson_get_next(key + 1))
            if (!key_is(shape, i, key->uni.str, unsafe_yyjson_get_len(key)))
                return false;
        return true;
    }
    for (uint32_t i = 0; i < n; i++, key = unsafe_yyjson_get_next(key + 1)) {
        values[i] = key + 1;
        if (!key_is(shape, i, key->uni.str, unsafe_yyjson_get_len(key)))
            return false;
    }
    return true;
}

/* Appends a written key to the shape's text. */
static bool write_key(kd_shape *shape, kd_buf *text, uint32_t place, kd_str key)
{
    shape->text_at[place] = (uint16_t)text->n;
    kd_buf_byte(text, place ? ',' : '{');
    kd_json_emit_string(text, key, KD_ORIGIN_DECODED);
    kd_buf_byte(text, ':');
    shape->text_at[place + 1] = (uint16_t)text->n;
    return !text->failed;
}

/* Makes the shape that of the object; it is empty when that cannot be. */
__attribute__((noinline)) static void learn(kd_shape *shape, yyjson_val *object)
{
    kd_entry entries[KD_SHAPE_KEYS];
    uint32_t n = (uint32_t)unsafe_yyjson_get_len(object);
    size_t raw = 0;
    shape->n = 0;
    shape->credit = 0;
    shape->sorted = true;
    yyjson_val *key = unsafe_yyjson_get_first(object);
    for (uint32_t i = 0; i < n; i++, key = unsafe_yyjson_get_next(key + 1)) {
        size_t len = unsafe_yyjson_get_len(key);
        if (len > KD_SHAPE_RAW - raw)
            return;
        memcpy(shape->raw + raw, key->uni.str, len);
        shape->raw_at[i] = (uint16_t)raw;
        shape->len[i] = (uint16_t)len;
        shape->head[i] = head_of(key->uni.str, len);
        shape->tail[i] = len >= 8 ? tail_of(key->uni.str, len) : 0;
        raw += len;
        entries[i] = (kd_entry){kd_entry_prefix(key->uni.str, len), key->uni.str, key, (uint32_t)len};
        shape->sorted = shape->sorted && (i == 0 || kd_entry_before(&entries[i - 1], &entries[i]));
    }
    kd_entries_sort(entries, n);
    if (kd_entries_unique(entries, n) != n)
        return;
    kd_buf text = kd_buf_over(shape->text, KD_SHAPE_TEXT);
    for (uint32_t i = 0; i < n; i++)
        if (!write_key(shape, &text, i, (kd_str){entries[i].key, entries[i].n}))
            return;
    /* Which member an entry is follows from how many keys lie before it in the document. */
    for (uint32_t i = 0; i < n; i++) {
        uint32_t member = 0;
        for (uint32_t k = 0; k < n; k++)
            member += (uintptr_t)entries[k].value < (uintptr_t)entries[i].value;
        shape->order[i] = (uint8_t)member;
    }
    shape->n = (uint16_t)n;
}

kd_shape *kd_shape_find(kd_shape *shapes, yyjson_val *object, yyjson_val **values)
{
    yyjson_val *key = unsafe_yyjson_get_first(object);
    size_t n = unsafe_yyjson_get_len(key);
    uint64_t hash = (head_of(key->uni.str, n) + (n << 8 | unsafe_yyjson_get_len(object))) * 0x9e3779b97f4a7c15u;
    /* Two places for each first key and count: objects alike in both do not push each other out. */
    kd_shape *first = &shapes[hash >> 59], *second = &shapes[(hash >> 59) ^ 1];
    kd_shape *found = matches(first, object, values) ? first : matches(second, object, values) ? second : NULL;
    if (KD_LIKELY(found != NULL)) {
        found->credit += found->credit < CREDIT_MAX;
        return found;
    }
    kd_shape *victim = second->users || (!first->users && first->credit <= second->credit) ? first : second;
    if (victim->users)
        return NULL;
    if (victim->credit) {
        victim->credit--;
        return NULL;
    }
    learn(victim, object);
    return victim->n && matches(victim, object, values) ? victim : NULL;
}
