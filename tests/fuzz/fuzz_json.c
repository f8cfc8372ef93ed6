/* JSON: what the reader accepts and understands is compared with a small strict reader written here, and what the
 * emitter writes must read back to the same text. */
#include "text/json.h"

#include <assert.h>
#include <stdlib.h>

#define INPUT_MAX 16384

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The strict reader: prints a canonical form of the first value, strings in hexadecimal after decoding. */
typedef struct reader {
    const uint8_t *p, *end;
    kd_buf *out;
} reader;

static void blank(reader *r)
{
    while (r->p < r->end && (*r->p == ' ' || *r->p == '\n' || *r->p == '\r' || *r->p == '\t'))
        r->p++;
}

static bool take(reader *r, char c)
{
    bool there = r->p < r->end && *r->p == (uint8_t)c;
    r->p += there;
    return there;
}

static void put_byte(kd_buf *out, uint8_t c)
{
    kd_buf_byte(out, "0123456789ABCDEF"[c >> 4]);
    kd_buf_byte(out, "0123456789ABCDEF"[c & 15]);
}

static void put_rune(kd_buf *out, uint32_t r)
{
    if (r < 0x80) {
        put_byte(out, (uint8_t)r);
    } else if (r < 0x800) {
        put_byte(out, (uint8_t)(0xc0 + r / 64));
        put_byte(out, (uint8_t)(0x80 + r % 64));
    } else if (r < 0x10000) {
        put_byte(out, (uint8_t)(0xe0 + r / 4096));
        put_byte(out, (uint8_t)(0x80 + r / 64 % 64));
        put_byte(out, (uint8_t)(0x80 + r % 64));
    } else {
        put_byte(out, (uint8_t)(0xf0 + r / 262144));
        put_byte(out, (uint8_t)(0x80 + r / 4096 % 64));
        put_byte(out, (uint8_t)(0x80 + r / 64 % 64));
        put_byte(out, (uint8_t)(0x80 + r % 64));
    }
}

static bool four(const uint8_t *p, const uint8_t *end, uint32_t *unit)
{
    *unit = 0;
    for (int i = 0; i < 4; i++, p++) {
        if (p >= end)
            return false;
        int digit = *p >= '0' && *p <= '9'   ? *p - '0'
                    : *p >= 'a' && *p <= 'f' ? *p - 'a' + 10
                    : *p >= 'A' && *p <= 'F' ? *p - 'A' + 10
                                             : -1;
        if (digit < 0)
            return false;
        *unit = *unit * 16 + (uint32_t)digit;
    }
    return true;
}

static bool escape(reader *r)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    if (r->p >= r->end)
        return false;
    uint8_t c = *r->p++;
    uint32_t unit, low;
    if (c != 'u') {
        const char *at = c ? strchr(from, c) : NULL;
        if (at)
            put_byte(r->out, (uint8_t)to[at - from]);
        return at != NULL;
    }
    if (!four(r->p, r->end, &unit))
        return false;
    r->p += 4;
    if (unit < 0xd800 || unit >= 0xe000) {
        put_rune(r->out, unit);
    } else if (unit < 0xdc00 && r->end - r->p >= 6 && r->p[0] == '\\' && r->p[1] == 'u' &&
               four(r->p + 2, r->end, &low) && low >= 0xdc00 && low < 0xe000) {
        put_rune(r->out, 0x10000 + (unit - 0xd800) * 1024 + (low - 0xdc00));
        r->p += 6;
    } else {
        put_rune(r->out, 0xfffd);
    }
    return true;
}

/* How many bytes at p are one valid rune above ASCII; 0 for a bad byte (table 3-7 of the Unicode standard). */
static size_t rune_bytes(const uint8_t *p, const uint8_t *end)
{
    static const struct {
        uint8_t first, last, low, high, n;
    } rows[] = {{0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3},
                {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3}, {0xf0, 0xf0, 0x90, 0xbf, 4},
                {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4}};
    for (size_t i = 0; i < KD_COUNT(rows); i++) {
        if (*p < rows[i].first || *p > rows[i].last)
            continue;
        if (end - p < rows[i].n || p[1] < rows[i].low || p[1] > rows[i].high)
            return 0;
        for (size_t k = 2; k < rows[i].n; k++)
            if (p[k] < 0x80 || p[k] > 0xbf)
                return 0;
        return rows[i].n;
    }
    return 0;
}

static bool string(reader *r)
{
    kd_buf_byte(r->out, '"');
    if (!take(r, '"'))
        return false;
    while (!take(r, '"')) {
        if (r->p >= r->end || *r->p < 0x20)
            return false;
        if (take(r, '\\')) {
            if (!escape(r))
                return false;
        } else if (*r->p < 0x80) {
            put_byte(r->out, *r->p++);
        } else {
            size_t n = rune_bytes(r->p, r->end);
            if (!n) {
                put_rune(r->out, 0xfffd);
                r->p++;
            }
            while (n--)
                put_byte(r->out, *r->p++);
        }
    }
    return true;
}

static bool digits(reader *r)
{
    const uint8_t *start = r->p;
    while (r->p < r->end && *r->p >= '0' && *r->p <= '9')
        r->p++;
    return r->p > start;
}

static bool number(reader *r)
{
    const uint8_t *start = r->p;
    take(r, '-');
    if (!take(r, '0') && !digits(r))
        return false;
    if (take(r, '.') && !digits(r))
        return false;
    if (take(r, 'e') || take(r, 'E')) {
        if (!take(r, '+'))
            take(r, '-');
        if (!digits(r))
            return false;
    }
    kd_buf_add(r->out, (kd_str){(const char *)start, (size_t)(r->p - start)});
    return true;
}

static bool word(reader *r, const char *text)
{
    kd_buf_add(r->out, kd_str_from_c(text));
    for (; *text; text++)
        if (!take(r, *text))
            return false;
    return true;
}

static bool value(reader *r, int depth)
{
    blank(r);
    if (r->p >= r->end)
        return false;
    switch (*r->p) {
    case '"':
        return string(r);
    case 't':
        return word(r, "true");
    case 'f':
        return word(r, "false");
    case 'n':
        return word(r, "null");
    case '[':
    case '{':
        break;
    default:
        return number(r);
    }
    bool object = *r->p++ == '{';
    if (depth == KD_JSON_MAX_DEPTH)
        return false;
    kd_buf_byte(r->out, object ? '{' : '[');
    blank(r);
    bool empty = take(r, object ? '}' : ']');
    while (!empty) {
        blank(r);
        if (object) {
            if (!string(r))
                return false;
            blank(r);
            if (!take(r, ':'))
                return false;
        }
        if (!value(r, depth + 1))
            return false;
        kd_buf_byte(r->out, ',');
        blank(r);
        if (take(r, object ? '}' : ']'))
            break;
        if (!take(r, ','))
            return false;
    }
    kd_buf_byte(r->out, object ? '}' : ']');
    return true;
}

static void put_text(kd_buf *out, kd_str s)
{
    kd_buf_byte(out, '"');
    for (size_t i = 0; i < s.n; i++)
        put_byte(out, (uint8_t)s.p[i]);
}

/* The same canonical form of a value. */
static void print(kd_buf *out, kd_value v)
{
    kd_str key;
    kd_value member;
    kd_value_iter iter;
    switch (v.type) {
    case KD_NULL:
        kd_buf_add(out, KD_STR("null"));
        return;
    case KD_BOOL:
        kd_buf_add(out, v.boolean ? KD_STR("true") : KD_STR("false"));
        return;
    case KD_NUMBER:
        kd_buf_add(out, kd_value_text(v));
        return;
    case KD_STRING:
        put_text(out, kd_value_text(v));
        return;
    default:
        kd_buf_byte(out, v.type == KD_OBJECT ? '{' : '[');
        for (iter = kd_value_each(v); kd_value_next(&iter, &key, &member);) {
            if (v.type == KD_OBJECT)
                put_text(out, key);
            print(out, member);
            kd_buf_byte(out, ',');
        }
        kd_buf_byte(out, v.type == KD_OBJECT ? '}' : ']');
    }
}

static kd_json_result read_copy(kd_json_pool *pool, kd_arena *arena, const char *text, size_t n, kd_value *out,
                                char **held)
{
    kd_str error = {NULL, 0};
    *held = malloc(n + KD_JSON_PAD);
    memset(*held + n, '7', KD_JSON_PAD);
    if (n)
        memcpy(*held, text, n);
    kd_json_result result = kd_json_read(pool, arena, *held, n, out, &error);
    if (result == KD_JSON_REFUSED)
        assert(kd_str_eq(error, KD_STR("EOF")) || kd_str_eq(error, KD_STR("unexpected EOF")) ||
               kd_str_starts(error, KD_STR("invalid character ")));
    return result;
}

static bool same(const kd_buf *a, const kd_buf *b)
{
    return kd_str_eq(kd_buf_str(a), kd_buf_str(b));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static kd_json_pool pool;
    static kd_json_shapes *shapes; /* kept over all inputs, as a worker keeps them */
    static kd_buf want, got, again;
    if (!shapes) {
        kd_json_pool_init(&pool, 1 << 16);
        shapes = kd_json_shapes_create();
        kd_buf_init(&want, 1 << 24);
        kd_buf_init(&got, 1 << 24);
        kd_buf_init(&again, 1 << 24);
    }
    if (size > INPUT_MAX)
        return 0;
    kd_arena arena;
    kd_arena_init(&arena, NULL, 0);
    kd_value v;
    char *held, *held_again;
    kd_buf_reset(&want, SIZE_MAX);
    reader r = {data, data + size, &want};
    bool valid = value(&r, 0);
    kd_json_result result = read_copy(&pool, size & 1 ? &arena : NULL, (const char *)data, size, &v, &held);
    assert(result == (valid ? KD_JSON_OK : KD_JSON_REFUSED));
    if (valid) {
        kd_buf_reset(&got, SIZE_MAX);
        print(&got, v);
        assert(same(&want, &got));
        kd_buf_reset(&got, SIZE_MAX);
        kd_buf_reset(&again, SIZE_MAX);
        assert(kd_json_emit(&got, v, shapes) && kd_json_emit(&again, v, NULL) && same(&got, &again));
        kd_value copy = kd_value_copy(&arena, v);
        kd_buf_reset(&again, SIZE_MAX);
        assert(kd_json_emit(&again, copy, shapes) && same(&got, &again));
        assert(read_copy(&pool, NULL, got.p, got.n, &v, &held_again) == KD_JSON_OK);
        kd_buf_reset(&again, SIZE_MAX);
        assert(kd_json_emit(&again, v, shapes) && same(&got, &again));
        kd_buf tight;
        kd_buf_init(&tight, got.n);
        assert(kd_json_emit(&tight, v, shapes) && same(&got, &tight));
        kd_buf_fini(&tight);
        free(held_again);
    }
    free(held);
    kd_arena_reset(&arena);
    return 0;
}
