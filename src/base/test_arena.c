#include "base/arena.h"

#include "base/ledger.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static size_t chunks_before;

static int setup(void **state)
{
    chunks_before = kd_ledger_used(KD_ACCOUNT_CHUNKS);
    return 0;
}

/* Whatever a test did, nothing stays reserved. */
static int teardown(void **state)
{
    kd_arena_fail_after(0);
    return kd_ledger_used(KD_ACCOUNT_CHUNKS) == chunks_before ? 0 : -1;
}

static void fill(void *p, size_t n, int with)
{
    memset(p, with, n);
}

static void pieces_are_aligned_and_apart(void **state)
{
    static const size_t sizes[] = {1, 7, 8, 0, 100, 4080, 4081, 5000, 65519, 65520, 65521, 300000, 3, 4000, 200};
    for (int with_pool = 0; with_pool < 2; with_pool++) {
        kd_chunk_pool pool;
        kd_arena arena;
        kd_chunk_pool_init(&pool, 1u << 20);
        kd_arena_init(&arena, with_pool ? &pool : NULL, 0);
        char *pieces[3 * KD_COUNT(sizes)];
        for (size_t i = 0; i < KD_COUNT(pieces); i++) {
            size_t n = sizes[i % KD_COUNT(sizes)];
            pieces[i] = kd_arena_alloc(&arena, n);
            assert_non_null(pieces[i]);
            assert_int_equal((uintptr_t)pieces[i] % 8, 0);
            fill(pieces[i], n, (int)i);
        }
        for (size_t i = 0; i < KD_COUNT(pieces); i++)
            for (size_t k = 0; k < sizes[i % KD_COUNT(sizes)]; k++)
                assert_int_equal(pieces[i][k], i);
        assert_int_equal(with_pool ? pool.in_use : arena.taken, arena.taken);
        kd_arena_reset(&arena);
        assert_int_equal(arena.taken, 0);
        assert_int_equal(pool.in_use, 0);
        assert_non_null(kd_arena_alloc(&arena, 10));
        kd_arena_reset(&arena);
        kd_chunk_pool_fini(&pool);
    }
}

static void no_bytes_are_no_failure(void **state)
{
    kd_arena arena;
    kd_arena_init(&arena, NULL, 0);
    assert_non_null(kd_arena_alloc(&arena, 0));
    assert_non_null(KD_NEW_ARRAY(&arena, int, 0));
    kd_arena_reset(&arena);
    assert_non_null(kd_arena_alloc(&arena, 0));
    assert_int_equal(arena.taken, 0);
    assert_null(kd_arena_alloc(&arena, SIZE_MAX / 2 + 100));
}

/* Neither a large piece nor many middle ones waste the rest of a chunk. */
static void room_is_used(void **state)
{
    kd_arena arena;
    kd_arena_init(&arena, NULL, 0);
    kd_arena_alloc(&arena, 100);
    kd_arena_alloc(&arena, 100000);
    char *after = kd_arena_alloc(&arena, 8), *next = kd_arena_alloc(&arena, 3000);
    assert_ptr_equal(next, after + 8);
    for (int i = 0; i < 100; i++)
        assert_non_null(kd_arena_alloc(&arena, 5000));
    assert_true(arena.taken < 2 * (100 * 5000 + 104000));
    kd_arena_reset(&arena);
}

static void limit_is_kept(void **state)
{
    static const size_t limits[] = {1, 100, 4096, 5000, 10000, 70000, 200000};
    static const size_t sizes[] = {10, 3000, 5000, 66000};
    kd_chunk_pool pool;
    kd_chunk_pool_init(&pool, 1u << 20);
    for (int with_pool = 0; with_pool < 2; with_pool++)
        for (size_t i = 0; i < KD_COUNT(limits); i++)
            for (size_t k = 0; k < KD_COUNT(sizes); k++) {
                kd_arena arena;
                kd_arena_init(&arena, with_pool ? &pool : NULL, limits[i]);
                size_t got = 0;
                while (kd_arena_alloc(&arena, sizes[k])) {
                    got++;
                    assert_true(arena.taken <= limits[i]);
                }
                /* What fits with its header is given. */
                assert_true(got >= (limits[i] > sizes[k] + 40));
                assert_int_equal(arena.refused, 1);
                kd_arena_reset(&arena);
                assert_int_equal(arena.refused, 0);
                assert_int_equal(pool.in_use, 0);
            }
    kd_chunk_pool_fini(&pool);
}

static void pool_keeps_and_trims(void **state)
{
    kd_chunk_pool pool;
    kd_chunk_pool_init(&pool, 16 * KD_CHUNK_SIZE + 2 * KD_CHUNK_LARGE); /* 24 small ones, 1 large one */
    uint32_t max = pool.max_small;
    kd_chunk *chunks[64];
    for (size_t i = 0; i < KD_COUNT(chunks); i++) {
        chunks[i] = kd_chunk_take(&pool, i % 2 ? 100 : 50000);
        assert_int_equal(chunks[i]->size, i % 2 ? KD_CHUNK_SIZE : KD_CHUNK_LARGE);
        assert_true(kd_chunk_room(chunks[i]) >= (i % 2 ? 100u : 49000u));
    }
    assert_int_equal(pool.in_use, 32 * (KD_CHUNK_SIZE + KD_CHUNK_LARGE));
    for (size_t i = 0; i < KD_COUNT(chunks); i++)
        kd_chunk_give(&pool, chunks[i]);
    assert_int_equal(pool.in_use, 0);
    assert_true(max > 0 && max < 32);
    assert_int_equal(pool.n_small, max);
    assert_int_equal(pool.n_large, pool.max_large);
    assert_int_equal(kd_ledger_used(KD_ACCOUNT_CHUNKS) - chunks_before,
                     max * KD_CHUNK_SIZE + pool.max_large * KD_CHUNK_LARGE);
    kd_chunk *last = pool.small;
    assert_ptr_equal(kd_chunk_take(&pool, 1), last); /* last in, first out */
    kd_chunk_give(&pool, last);
    kd_chunk_pool_trim(&pool);
    assert_int_equal(pool.n_small, max / 2);
    /* A chunk above the two sizes is never kept. */
    kd_chunk *huge = kd_chunk_take(&pool, KD_CHUNK_LARGE + 1);
    assert_int_equal(huge->size, KD_CHUNK_LARGE + 1);
    size_t held = kd_ledger_used(KD_ACCOUNT_CHUNKS);
    kd_chunk_give(&pool, huge);
    assert_int_equal(held - kd_ledger_used(KD_ACCOUNT_CHUNKS), KD_CHUNK_LARGE + 1);
    kd_chunk_pool_fini(&pool);
}

static void refused_by_the_ledger(void **state)
{
    kd_arena arena;
    kd_arena_init(&arena, NULL, 0);
    kd_ledger_set_ceiling(kd_ledger_total() + 2 * KD_CHUNK_SIZE);
    assert_non_null(kd_arena_alloc(&arena, 4000));
    assert_non_null(kd_arena_alloc(&arena, 4000));
    assert_null(kd_arena_alloc(&arena, 4000));
    kd_ledger_set_ceiling(0);
    assert_non_null(kd_arena_alloc(&arena, 4000));
    kd_arena_reset(&arena);
}

static void helpers_pass_failure_on(void **state)
{
    kd_arena arena;
    kd_arena_init(&arena, NULL, 0);
    kd_arena_fail_after(1);
    assert_null(kd_arena_alloc(&arena, 1));
    assert_null(KD_NEW(&arena, kd_chunk));
    assert_null(kd_arena_copy(&arena, KD_STR("x")).p);
    assert_null(kd_arena_copy(&arena, KD_STR("")).p);
    assert_null(kd_arena_printf(&arena, "%d", 1).p);
    kd_arena_fail_after(3);
    for (int i = 0; i < 2; i++)
        assert_non_null(kd_arena_alloc(&arena, 4000));
    assert_null(kd_arena_alloc(&arena, 4000));
    assert_null(kd_arena_alloc(&arena, 4000));
    kd_arena_fail_after(0);
    assert_non_null(kd_arena_alloc(&arena, 4000));
    kd_arena_reset(&arena);
}

static void copies_and_prints(void **state)
{
    kd_arena arena;
    kd_arena_init(&arena, NULL, 0);
    uint64_t *zero = kd_arena_alloc(&arena, 64);
    memset(zero, 0xff, 64);
    kd_arena_reset(&arena);
    for (int i = 0; i < 8; i++)
        assert_int_equal(*KD_NEW(&arena, uint64_t), 0);
    char text[] = "changes";
    kd_str copy = kd_arena_copy(&arena, kd_str_from_c(text)), empty = kd_arena_copy(&arena, kd_str_from_c(NULL));
    text[0] = 'C';
    assert_string_equal(copy.p, "changes");
    assert_int_equal(copy.n, 7);
    assert_string_equal(empty.p, "");
    assert_int_equal(empty.n, 0);
    kd_str printed = kd_arena_printf(&arena, "%s-%d-%5000s|", "a", 7, "");
    assert_int_equal(printed.n, 5005);
    assert_true(kd_str_starts(printed, KD_STR("a-7- ")) && kd_str_ends(printed, KD_STR(" |")));
    assert_int_equal(printed.p[printed.n], 0);
    kd_arena_reset(&arena);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(pieces_are_aligned_and_apart),
        TEST(no_bytes_are_no_failure),
        TEST(room_is_used),
        TEST(limit_is_kept),
        TEST(pool_keeps_and_trims),
        TEST(refused_by_the_ledger),
        TEST(helpers_pass_failure_on),
        TEST(copies_and_prints),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
