#include "base/shared.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { THREADS = 4, ROUNDS = 20000 };

static void run_threads(void *(*fn)(void *), void *contexts, size_t size)
{
    pthread_t threads[THREADS];
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, fn, (char *)contexts + i * size), 0);
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
}

static kd_cell cell;

/* Two numbers in one word that must change together. */
static void *change_cell(void *context)
{
    for (int i = 0; i < ROUNDS; i++) {
        uint64_t seen = kd_cell_read(&cell), wanted;
        do
            wanted = ((seen >> 32) + 1) << 32 | (uint32_t)((uint32_t)seen + 3);
        while (!kd_cell_swap(&cell, &seen, wanted));
    }
    return NULL;
}

static void cell_changes_are_whole(void **state)
{
    int none[THREADS];
    run_threads(change_cell, none, sizeof(none[0]));
    assert_int_equal(kd_cell_read(&cell) >> 32, THREADS * ROUNDS);
    assert_int_equal((uint32_t)kd_cell_read(&cell), 3 * THREADS * ROUNDS);
    assert_int_equal(sizeof(kd_cell) % 64, 0);
}

static kd_counters counters;

static void *count(void *context)
{
    uint32_t worker = *(uint32_t *)context;
    for (int i = 0; i < ROUNDS; i++) {
        kd_counters_add(&counters, worker, 0, 1);
        kd_counters_add(&counters, worker, 8, 2);
    }
    return NULL;
}

static void counters_sum_up(void **state)
{
    /* Two workers with rows of their own, two other threads that share the last row. */
    uint32_t workers[THREADS] = {0, 1, 2, 2};
    assert_true(kd_counters_init(&counters, 2, 9));
    run_threads(count, workers, sizeof(workers[0]));
    assert_int_equal(kd_counters_sum(&counters, 0), THREADS * ROUNDS);
    assert_int_equal(kd_counters_sum(&counters, 1), 0);
    assert_int_equal(kd_counters_sum(&counters, 8), 2 * THREADS * ROUNDS);
    assert_int_equal(counters.stride % 8, 0);
    assert_int_equal((uintptr_t)counters.rows % 64, 0);
    kd_counters_fini(&counters);
    assert_false(kd_counters_init(&counters, UINT32_MAX - 1, UINT32_MAX - 8));
    assert_false(kd_counters_init(&counters, 1, UINT32_MAX));
    kd_counters_fini(&counters);
}

static void *use_blob(void *context)
{
    kd_blob *blob = *(kd_blob **)context;
    for (int i = 0; i < ROUNDS; i++) {
        kd_blob *mine = kd_blob_ref(blob);
        if (!kd_str_eq(kd_blob_str(mine), KD_STR("shared bytes")))
            abort();
        kd_blob_unref(mine);
    }
    kd_blob_unref(blob);
    return NULL;
}

static void blob_lives_as_long_as_its_references(void **state)
{
    size_t before = kd_ledger_used(KD_ACCOUNT_CACHES);
    kd_blob *blob = kd_blob_create(KD_ACCOUNT_CACHES, KD_STR("shared bytes"));
    assert_non_null(blob);
    assert_int_equal(kd_ledger_used(KD_ACCOUNT_CACHES) - before, sizeof(kd_blob) + 12);
    kd_blob *held[THREADS];
    for (int i = 0; i < THREADS; i++)
        held[i] = kd_blob_ref(blob);
    kd_blob_unref(blob);
    run_threads(use_blob, held, sizeof(held[0]));
    assert_int_equal(kd_ledger_used(KD_ACCOUNT_CACHES), before);
    assert_null(kd_blob_ref(NULL));
    kd_blob_unref(NULL);
}

static void blob_respects_the_ledger(void **state)
{
    kd_ledger_set_ceiling(kd_ledger_total() + 100);
    size_t before = kd_ledger_total();
    assert_null(kd_blob_alloc(KD_ACCOUNT_CACHES, 101));
    assert_null(kd_blob_alloc(KD_ACCOUNT_CACHES, SIZE_MAX - 3));
    assert_int_equal(kd_ledger_total(), before);
    kd_ledger_set_ceiling(0);
    kd_blob *empty = kd_blob_create(KD_ACCOUNT_CACHES, KD_STR(""));
    assert_int_equal(kd_blob_str(empty).n, 0);
    kd_blob_unref(empty);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cell_changes_are_whole),
        cmocka_unit_test(counters_sum_up),
        cmocka_unit_test(blob_lives_as_long_as_its_references),
        cmocka_unit_test(blob_respects_the_ledger),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
