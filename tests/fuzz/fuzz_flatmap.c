/* Flatmap: the first line of the input is a list of operations (split at ';', their words at ' '), the rest a JSON
 * document. Whatever they are, the document they work on stays as it was, the result can be written and read back to
 * the same, never holds more scalars than the document, and operations that reach nothing change nothing. */
#include "text/flatmap.h"
#include "text/json.h"

#include <assert.h>
#include <stdlib.h>

#define INPUT_MAX 16384
#define OPS_MAX   16
#define ARGS_MAX  8
#define DEPTH_MAX 500 /* the walk below recurses */

/* A list that is appended to many places is there more than once. */
static bool repeats(kd_str operations)
{
    return kd_str_search(operations, KD_STR("append")) >= 0 && kd_str_find(operations, '*') >= 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static kd_flatmap *compile(kd_arena *arena, kd_str text)
{
    kd_flatmap *map = kd_flatmap_create(arena, OPS_MAX);
    kd_str op, word, args[ARGS_MAX];
    for (unsigned i = 0; i < OPS_MAX && kd_str_split(&text, ';', &op); i++) {
        uint32_t n = 0;
        kd_str type = {0}, words = op;
        kd_str_split(&words, ' ', &type);
        while (n < ARGS_MAX && words.p && kd_str_split(&words, ' ', &word))
            args[n++] = word.n == 1 && word.p[0] == '-' ? (kd_str){NULL, 0} : word;
        assert(kd_flatmap_add(map, arena, type, args, n));
    }
    return map;
}

/* Scalars but null: operations only move and drop them. -1: deeper than this walk goes. */
static long scalars(kd_value v, int depth)
{
    if (v.type != KD_LIST && v.type != KD_OBJECT)
        return v.type == KD_NULL || v.type == KD_ABSENT ? 0 : 1;
    if (depth == DEPTH_MAX)
        return -1;
    kd_str key;
    kd_value member;
    long n = 0;
    for (kd_value_iter iter = kd_value_each(v); kd_value_next(&iter, &key, &member);) {
        long inner = scalars(member, depth + 1);
        if (inner < 0)
            return -1;
        n += inner;
    }
    return n;
}

static kd_json_result read_copy(kd_json_pool *pool, kd_arena *arena, kd_str text, kd_value *out)
{
    kd_str error;
    char *copy = kd_arena_zero(arena, text.n + KD_JSON_PAD);
    if (text.n)
        memcpy(copy, text.p, text.n);
    return kd_json_read(pool, arena, copy, text.n, out, &error);
}

static void emit(kd_buf *out, kd_value v)
{
    kd_buf_reset(out, SIZE_MAX);
    assert(kd_json_emit(out, v, NULL));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static kd_json_pool pool;
    static kd_buf before, after, again;
    if (!before.max) {
        kd_json_pool_init(&pool, 1 << 16);
        kd_buf_init(&before, 1 << 24);
        kd_buf_init(&after, 1 << 24);
        kd_buf_init(&again, 1 << 24);
    }
    kd_str text = {(const char *)data, size};
    ptrdiff_t line = kd_str_find(text, '\n');
    if (size > INPUT_MAX || line < 0)
        return 0;
    for (ptrdiff_t i = 0; i < line; i++)
        if (data[i] >= 0x80)
            return 0; /* a configuration's texts are valid UTF-8 */
    kd_arena arena;
    kd_arena_init(&arena, NULL, 0);
    kd_value v, out, back;
    const kd_flatmap *map = compile(&arena, kd_str_head(text, (size_t)line));
    if (read_copy(&pool, &arena, kd_str_from(text, (size_t)line + 1), &v) == KD_JSON_OK) {
        long n = scalars(v, 0);
        emit(&before, v);
        kd_flatmap_result result = kd_flatmap_apply(map, &arena, v, &out);
        emit(&again, v);
        assert(kd_str_eq(kd_buf_str(&before), kd_buf_str(&again)));
        assert(result == KD_FLATMAP_OK || kd_flatmap_is_short(map));
        if (result == KD_FLATMAP_OK) {
            emit(&after, out);
            assert(n < 0 || repeats(kd_str_head(text, (size_t)line)) || scalars(out, 0) <= n);
            assert(read_copy(&pool, &arena, kd_buf_str(&after), &back) == KD_JSON_OK);
            emit(&again, back);
            assert(kd_str_eq(kd_buf_str(&after), kd_buf_str(&again)));
            const kd_flatmap *idle =
                compile(&arena, KD_STR("copy a b;del;move \x01 \x02;append \x01.\x02 \x01;del \x01.*"));
            assert(kd_flatmap_apply(idle, &arena, v, &out) == KD_FLATMAP_OK);
            emit(&after, out);
            assert(n < 0 || kd_value_get(v, KD_STR("\x01")).type != KD_ABSENT ||
                   kd_str_eq(kd_buf_str(&before), kd_buf_str(&after)));
        }
    }
    kd_arena_reset(&arena);
    return 0;
}
