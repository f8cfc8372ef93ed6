/* Feeds: whatever the document, the reader stays inside its memory, gives data or says why not, and says the same with
 * less memory, or that this ran out. */
#include "text/feed.h"
#include "text/json.h"
#include "text/utf8.h"

#include <assert.h>
#include <stdlib.h>

#define INPUT_MAX 16384

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static kd_feed_result read_copy(const uint8_t *data, size_t size, size_t limit, kd_buf *out)
{
    char *text = malloc(size + KD_JSON_PAD);
    memcpy(text, data, size);
    memset(text + size, '7', KD_JSON_PAD);
    kd_arena arena;
    kd_arena_init(&arena, NULL, limit);
    kd_value v;
    kd_str error = {NULL, 0};
    kd_buf_reset(out, 1 << 16);
    kd_feed_result result = kd_feed_read(&arena, text, size, &v, &error);
    if (result == KD_FEED_READ) {
        assert(v.type == KD_OBJECT && kd_json_emit(out, v, NULL) && kd_utf8_valid(kd_buf_str(out)));
    } else if (result == KD_FEED_BAD) {
        assert(error.n > 0);
        kd_buf_add(out, error);
    } else {
        assert(limit);
    }
    kd_arena_reset(&arena);
    free(text);
    return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static kd_buf first, second;
    if (!first.max) {
        kd_buf_init(&first, 1 << 26);
        kd_buf_init(&second, 1 << 26);
    }
    if (size > INPUT_MAX)
        return 0;
    kd_feed_result whole = read_copy(data, size, 0, &first);
    kd_feed_result less = read_copy(data, size, 8192 + (size & 7) * 8192, &second);
    assert(less == whole || less == KD_FEED_OUT_OF_MEMORY);
    assert(less == KD_FEED_OUT_OF_MEMORY || kd_str_eq(kd_buf_str(&first), kd_buf_str(&second)));
    return 0;
}
