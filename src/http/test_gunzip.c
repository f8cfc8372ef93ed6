/* Streaming gunzip: split anywhere, stopped anywhere, members one behind the other, everything that can be broken, and
 * a bomb that only the consumer bounds. Words are Go's (compress/gzip). */
#include "http/gunzip.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <zlib.h>

#include <cmocka.h>

/* One member; the caller frees. */
static char *gzip(const char *text, size_t n, size_t *size)
{
    z_stream z = {0};
    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    size_t room = deflateBound(&z, n) + 32;
    char *out = malloc(room);
    z.next_in = (Bytef *)(uintptr_t)text;
    z.avail_in = (uInt)n;
    z.next_out = (Bytef *)out;
    z.avail_out = (uInt)room;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    *size = z.total_out;
    deflateEnd(&z);
    return out;
}

typedef struct sink {
    char *p;
    size_t n, cap;
    size_t largest;    /* piece */
    unsigned patience; /* stops after so many pieces; 0: never */
    unsigned pieces;
} sink;

static bool on_piece(void *owner, kd_str piece)
{
    sink *s = owner;
    if (piece.n > s->largest)
        s->largest = piece.n;
    if (s->n + piece.n > s->cap) {
        s->cap = (s->n + piece.n) * 2;
        s->p = realloc(s->p, s->cap);
    }
    memcpy(s->p + s->n, piece.p, piece.n);
    s->n += piece.n;
    s->pieces++;
    return s->patience == 0 || s->pieces % s->patience != 0;
}

/* Feeds `in` in pieces of `step`, each in memory of its own that is gone afterwards. */
static kd_gunzip_result run(kd_gunzip *z, const char *in, size_t n, size_t step, sink *s)
{
    kd_gunzip_result result = KD_GUNZIP_MORE;
    size_t at = 0;
    do {
        size_t part = n - at < step ? n - at : step;
        char *copy = malloc(part + 1);
        memcpy(copy, in + at, part);
        at += part;
        result = kd_gunzip_feed(z, kd_str_of(copy, part), at == n, on_piece, s);
        memset(copy, 0xdb, part);
        free(copy);
        while (result == KD_GUNZIP_STOPPED) {
            assert_true(kd_gunzip_stopped(z));
            result = kd_gunzip_feed(z, KD_STR("not looked at"), false, on_piece, s);
        }
        assert_false(kd_gunzip_stopped(z));
    } while (at < n && result != KD_GUNZIP_ERROR);
    return result;
}

static char *long_text(size_t n)
{
    char *text = malloc(n);
    uint32_t x = 12345;
    for (size_t i = 0; i < n; i++) {
        x = x * 1664525u + 1013904223u;
        text[i] = (char)(x >> 28) + 'a';
    }
    return text;
}

static void test_whole(void **state)
{
    static const size_t sizes[] = {0, 1, 100, 16383, 16384, 16385, 32768, 200000};
    static const size_t steps[] = {1, 2, 7, 1000, 1000000};
    for (size_t i = 0; i < KD_COUNT(sizes); i++) {
        char *text = long_text(sizes[i] + 1);
        size_t n;
        char *packed = gzip(text, sizes[i], &n);
        for (size_t k = 0; k < KD_COUNT(steps); k++)
            for (unsigned patience = 0; patience < 3; patience++) {
                kd_arena arena;
                kd_arena_init(&arena, NULL, 0);
                kd_gunzip *z = kd_gunzip_begin(&arena);
                sink s = {.patience = patience};
                assert_int_equal(run(z, packed, n, steps[k], &s), KD_GUNZIP_END);
                assert_int_equal(s.n, sizes[i]);
                assert_true(s.n == 0 || memcmp(s.p, text, s.n) == 0);
                assert_true(s.largest <= 16384);
                assert_true(arena.taken < n + 120 * 1024); /* a stopped consumer leaves its input here */
                kd_gunzip_end(z);
                kd_gunzip_end(z); /* harmless */
                free(s.p);
                kd_arena_reset(&arena);
            }
        free(packed);
        free(text);
    }
}

/* Members one behind the other are one stream, wherever the input is split. */
static void test_members(void **state)
{
    char all[4096], text[4096];
    size_t n = 0, length = 0;
    static const char *const parts[] = {"first ", "", "second", "third and last"};
    for (size_t i = 0; i < KD_COUNT(parts); i++) {
        size_t size;
        char *member = gzip(parts[i], strlen(parts[i]), &size);
        memcpy(all + n, member, size);
        n += size;
        free(member);
        memcpy(text + length, parts[i], strlen(parts[i]));
        length += strlen(parts[i]);
    }
    for (size_t step = 1; step <= n; step++)
        for (unsigned patience = 0; patience < 2; patience++) {
            kd_arena arena;
            kd_arena_init(&arena, NULL, 0);
            kd_gunzip *z = kd_gunzip_begin(&arena);
            sink s = {.patience = patience};
            assert_int_equal(run(z, all, n, step, &s), KD_GUNZIP_END);
            assert_int_equal(s.n, length);
            assert_memory_equal(s.p, text, length);
            kd_gunzip_end(z);
            free(s.p);
            kd_arena_reset(&arena);
        }
}

typedef enum damage { NONE, CUT, FLIP, EXTRA } damage;

static void test_broken(void **state)
{
    static const struct {
        const char *label;
        damage damage;
        int at; /* from the beginning, or (negative) from the end */
        const char *extra;
        const char *error;
    } cases[] = {
        {"nothing at all", CUT, 0, "", "EOF"},
        {"a header begun", CUT, 5, "", "unexpected EOF"},
        {"only a header", CUT, 10, "", "unexpected EOF"},
        {"in the middle", CUT, 20, "", "unexpected EOF"},
        {"no trailer", CUT, -8, "", "unexpected EOF"},
        {"one byte short", CUT, -1, "", "unexpected EOF"},
        {"not gzip", FLIP, 0, "", "gzip: invalid header"},
        {"an unknown method", FLIP, 2, "", "gzip: invalid header"},
        {"bad block", FLIP, 10, "", "flate: corrupt input"},
        {"bad sum", FLIP, -8, "", "gzip: invalid checksum"},
        {"bad length", FLIP, -1, "", "gzip: invalid checksum"},
        {"rubbish behind it", EXTRA, 0, "rubbish behind it", "gzip: invalid header"},
        {"a little rubbish behind it", EXTRA, 0, "r", "unexpected EOF"},
        {"a member begun behind it", EXTRA, 0, "\x1f\x8b\x08", "unexpected EOF"},
    };
    char text[600];
    memset(text, 'x', sizeof text);
    for (size_t i = 0; i < KD_COUNT(cases); i++)
        for (size_t step = 1; step < 200; step = step * 3 + 1) {
            size_t n;
            char *packed = gzip("hello, this is a text of some length", 36, &n);
            char in[256];
            memcpy(in, packed, n);
            free(packed);
            size_t at = cases[i].at < 0 ? n - (size_t)-cases[i].at : (size_t)cases[i].at;
            if (cases[i].damage == CUT)
                n = at;
            else if (cases[i].damage == FLIP)
                in[at] ^= 0x07;
            memcpy(in + n, cases[i].extra, strlen(cases[i].extra));
            n += strlen(cases[i].extra);
            kd_arena arena;
            kd_arena_init(&arena, NULL, 0);
            kd_gunzip *z = kd_gunzip_begin(&arena);
            sink s = {0};
            kd_gunzip_result result = run(z, in, n, step, &s);
            kd_str error = kd_gunzip_error(z);
            if (result != KD_GUNZIP_ERROR || !kd_str_eq(error, kd_str_from_c(cases[i].error)))
                fail_msg("%s, in pieces of %zu: result %d, \"%.*s\"", cases[i].label, step, result, KD_FMT(error));
            /* It stays an error. */
            assert_int_equal(kd_gunzip_feed(z, KD_STR("more"), true, on_piece, &s), KD_GUNZIP_ERROR);
            kd_gunzip_end(z);
            free(s.p);
            kd_arena_reset(&arena);
        }
}

/* 100 MB in 100 KB: the consumer gets 16 KB at a time and may leave whenever it wants; memory does not grow. */
static void test_bomb(void **state)
{
    size_t size = 100u * 1024 * 1024, n;
    char *zeros = calloc(1, size);
    char *packed = gzip(zeros, size, &n);
    free(zeros);
    assert_true(n < 200000);
    kd_arena arena;
    kd_arena_init(&arena, NULL, 0);
    kd_gunzip *z = kd_gunzip_begin(&arena);
    sink s = {.patience = 1};
    kd_gunzip_result result = kd_gunzip_feed(z, kd_str_of(packed, n), true, on_piece, &s);
    free(packed);
    size_t taken = arena.taken;
    for (int i = 0; i < 50; i++) {
        assert_int_equal(result, KD_GUNZIP_STOPPED);
        assert_true(s.n <= ((size_t)i + 1) * 16384);
        result = kd_gunzip_feed(z, KD_STR(""), false, on_piece, &s);
    }
    assert_int_equal(arena.taken, taken);
    assert_true(taken < n + 120 * 1024);
    kd_gunzip_end(z);
    free(s.p);
    kd_arena_reset(&arena);
}

/* Whatever room the arena has: an answer or an error, never a wrong text. */
static void test_no_memory(void **state)
{
    char *text = long_text(100000);
    size_t n;
    char *packed = gzip(text, 100000, &n);
    unsigned whole = 0, refused = 0;
    for (size_t limit = 4096; limit < 300 * 1024; limit += 4096) {
        kd_arena arena;
        kd_arena_init(&arena, NULL, limit);
        kd_gunzip *z = kd_gunzip_begin(&arena);
        sink s = {.patience = 1};
        if (z) {
            kd_gunzip_result result = run(z, packed, n, 50000, &s);
            assert_true(result == KD_GUNZIP_END || result == KD_GUNZIP_ERROR);
            assert_true(result == KD_GUNZIP_ERROR || s.n == 100000);
            assert_memory_equal(s.p, text, s.n);
            whole += result == KD_GUNZIP_END;
            kd_gunzip_end(z);
        }
        refused += !z;
        free(s.p);
        kd_arena_reset(&arena);
    }
    assert_true(whole > 0 && refused > 0);
    free(packed);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole), cmocka_unit_test(test_members),   cmocka_unit_test(test_broken),
        cmocka_unit_test(test_bomb),  cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests_name("gunzip", tests, NULL, NULL);
}
