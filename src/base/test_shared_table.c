#include "base/random.h"
#include "base/shared.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

typedef struct value {
    uint64_t id, visits;
} value;

typedef struct probe {
    kd_ns answer; /* what the visitor returns */
    uint64_t id;  /* set into a fresh value, compared with an old one */
    bool called, fresh;
    uint64_t visits;
} probe;

static kd_ns visitor(void *p, bool fresh, void *context)
{
    value *v = p;
    probe *seen = context;
    if (fresh ? v->id != 0 || v->visits != 0 : seen->id && v->id != seen->id)
        abort();
    if (fresh)
        v->id = seen->id;
    seen->called = true;
    seen->fresh = fresh;
    seen->visits = ++v->visits;
    return seen->answer;
}

static kd_str key_of(char buffer[24], uint64_t i)
{
    return kd_str_of(buffer, (size_t)snprintf(buffer, 24, "key %llu", (unsigned long long)i));
}

/* Visits key i at `now`, answers `answer`. */
static probe visit(kd_table *t, uint64_t i, kd_ns now, kd_ns answer)
{
    char buffer[24];
    probe p = {.answer = answer, .id = i};
    bool done = kd_table_visit(t, key_of(buffer, i), now, visitor, &p);
    assert_int_equal(done, p.called);
    return p;
}

static probe look(kd_table *t, uint64_t i, kd_ns now, kd_ns answer)
{
    char buffer[24];
    probe p = {.answer = answer, .id = i};
    bool done = kd_table_look(t, key_of(buffer, i), now, visitor, &p);
    assert_int_equal(done, p.called);
    return p;
}

static void entries_come_stay_and_expire(void **state)
{
    kd_table *t = kd_table_create(100, sizeof(value));
    assert_false(look(t, 1, 0, KD_FOREVER).called);
    probe p = visit(t, 1, 10, 50);
    assert_true(p.called && p.fresh);
    p = visit(t, 1, 49, 50);
    assert_true(p.called && !p.fresh && p.visits == 2);
    p = look(t, 1, 49, 60);
    assert_true(p.called && !p.fresh && p.visits == 3);
    assert_false(look(t, 1, 60, KD_FOREVER).called);
    assert_int_equal(kd_table_stats_read(t).entries, 0);
    visit(t, 1, 60, 70);
    p = visit(t, 1, 70, KD_FOREVER); /* expired: begins anew in place */
    assert_true(p.fresh && p.visits == 1);
    assert_int_equal(kd_table_stats_read(t).entries, 1);
    assert_true(look(t, 1, INT64_MAX - 1, KD_TABLE_DROP).called);
    assert_false(look(t, 1, 0, KD_FOREVER).called);
    visit(t, 2, 0, KD_TABLE_DROP);
    assert_int_equal(kd_table_stats_read(t).entries, 0);
    visit(t, 3, 0, KD_FOREVER);
    assert_true(kd_table_remove(t, KD_STR("key 3")));
    assert_false(kd_table_remove(t, KD_STR("key 3")));
    kd_table_destroy(t);
}

static void at_the_bound_the_oldest_gives_way(void **state)
{
    kd_table *t = kd_table_create(200, sizeof(value));
    for (uint64_t i = 1; i <= 200; i++)
        assert_true(visit(t, i, 0, KD_FOREVER).fresh);
    assert_false(visit(t, 1, 0, KD_FOREVER).fresh); /* now 2 is the oldest */
    assert_true(visit(t, 201, 0, KD_FOREVER).fresh);
    assert_true(look(t, 1, 0, KD_FOREVER).called);
    assert_false(look(t, 2, 0, KD_FOREVER).called);
    assert_true(look(t, 3, 0, 5).called); /* visited last, expires at 5 */
    for (uint64_t i = 4; i <= 200; i++)
        assert_true(look(t, i, 0, KD_FOREVER).called);
    assert_true(look(t, 201, 0, KD_FOREVER).called);
    /* The order is 1 3 4 ...: 3 has expired and goes before the live 1. */
    assert_true(visit(t, 202, 6, KD_FOREVER).fresh);
    assert_true(look(t, 1, 6, KD_FOREVER).called);
    kd_table_stats stats = kd_table_stats_read(t);
    assert_int_equal(stats.entries, 200);
    assert_int_equal(stats.evicted, 1);
    assert_int_equal(stats.refused, 0);
    kd_table_destroy(t);
}

/* Random traffic beside a plain array. */
static void table_agrees_with_a_model(void **state)
{
    enum { KEYS = 3000 };
    static uint64_t model[KEYS];
    memset(model, 0, sizeof(model));
    kd_table *t = kd_table_create(100000, sizeof(value)); /* far from the bound: nothing is evicted */
    char buffer[24];
    uint64_t count = 0;
    for (int step = 0; step < 40000; step++) {
        uint64_t i = kd_random_below(KEYS);
        if (kd_random_below(3)) {
            probe p = visit(t, i, 0, KD_FOREVER);
            assert_int_equal(p.fresh, model[i] == 0);
            count += p.fresh;
            assert_int_equal(p.visits, ++model[i]);
        } else {
            assert_int_equal(kd_table_remove(t, key_of(buffer, i)), model[i] != 0);
            count -= model[i] != 0;
            model[i] = 0;
        }
    }
    assert_int_equal(kd_table_stats_read(t).entries, count);
    for (uint64_t i = 0; i < KEYS; i++)
        assert_int_equal(look(t, i, 0, KD_FOREVER).called, model[i] != 0);
    kd_table_destroy(t);
}

static kd_ns sum_ids(void *p, bool fresh, void *context)
{
    assert_false(fresh);
    *(uint64_t *)context += ((value *)p)->id;
    return ((value *)p)->id % 2 ? KD_FOREVER : KD_TABLE_DROP;
}

static void walk_sees_all_and_clears_expired(void **state)
{
    kd_table *t = kd_table_create(4000, sizeof(value));
    uint64_t sum = 0, wanted = 0, cursor = 0;
    for (uint64_t i = 1; i <= 1000; i++) {
        visit(t, i, 0, i <= 500 ? 10 : KD_FOREVER);
        wanted += i > 500 ? i : 0;
    }
    int slices = 1;
    while (kd_table_walk(t, &cursor, 7, 10, sum_ids, &sum))
        slices++;
    assert_int_equal(sum, wanted);
    assert_true(slices > 1000 / 7);
    assert_int_equal(cursor, 0);
    assert_int_equal(kd_table_stats_read(t).entries, 250);
    assert_false(kd_table_walk(t, &cursor, UINT32_MAX, INT64_MAX, NULL, NULL));
    assert_int_equal(kd_table_stats_read(t).entries, 0);
    kd_table_destroy(t);
}

static void large_table_is_bounded(void **state)
{
    enum { MAX = 5000 };
    kd_table *t = kd_table_create(MAX, sizeof(value));
    for (uint64_t i = 0; i < 3 * MAX; i++)
        visit(t, i, 0, KD_FOREVER);
    kd_table_stats stats = kd_table_stats_read(t);
    assert_true(stats.entries <= MAX + 64 && stats.entries > MAX * 9 / 10);
    assert_int_equal(stats.entries + stats.evicted, 3 * MAX);
    kd_table_destroy(t);
}

static void memory_is_reserved_and_may_be_refused(void **state)
{
    size_t before = kd_ledger_used(KD_ACCOUNT_TABLES);
    assert_null(kd_table_create(0, 8));
    assert_null(kd_table_create(UINT32_MAX, 8));
    assert_null(kd_table_create(10, 1u << 30));
    kd_ledger_set_ceiling(kd_ledger_total() + 50);
    assert_null(kd_table_create(10, 8));
    kd_ledger_set_ceiling(kd_ledger_total() + 1500); /* the table, but no slab */
    kd_table *t = kd_table_create(1000, sizeof(value));
    assert_non_null(t);
    assert_false(visit(t, 1, 0, KD_FOREVER).called);
    assert_int_equal(kd_table_stats_read(t).refused, 1);
    /* With memory for some entries only, new ones replace old ones. */
    kd_ledger_set_ceiling(kd_ledger_total() + 20000);
    for (uint64_t i = 0; i < 1000; i++)
        assert_true(visit(t, i, 0, KD_FOREVER).fresh);
    kd_table_stats stats = kd_table_stats_read(t);
    assert_true(stats.entries >= 64 && stats.entries < 1000);
    assert_int_equal(stats.entries + stats.evicted, 1000);
    for (uint64_t i = 1000 - stats.entries; i < 1000; i++)
        assert_true(look(t, i, 0, KD_FOREVER).called);
    kd_ledger_set_ceiling(0);
    kd_table_destroy(t);
    kd_table_destroy(NULL);
    assert_int_equal(kd_ledger_used(KD_ACCOUNT_TABLES), before);
}

enum { THREADS = 4, ROUNDS = 20000, HOT = 37 };

static kd_ns add_one(void *p, bool fresh, void *context)
{
    ++*(uint64_t *)p;
    return KD_FOREVER;
}

static kd_ns read_one(void *p, bool fresh, void *context)
{
    *(uint64_t *)context += *(uint64_t *)p;
    return KD_FOREVER;
}

static kd_table *contested;

static void *hammer(void *context)
{
    char buffer[24];
    for (uint64_t i = 0; i < ROUNDS; i++) {
        if (!kd_table_visit(contested, key_of(buffer, i % HOT), 0, add_one, NULL))
            abort();
        /* Other keys come and go beside the counted ones. */
        kd_str other = key_of(buffer, 1000 + kd_random_below(500));
        if (i % 2)
            kd_table_visit(contested, other, 0, add_one, NULL);
        else
            kd_table_remove(contested, other);
        uint64_t cursor = 0, sum = 0;
        if (i % 1000 == 0)
            kd_table_walk(contested, &cursor, 1000, 0, read_one, &sum);
    }
    return NULL;
}

static void threads_lose_no_change(void **state)
{
    contested = kd_table_create(20000, sizeof(uint64_t));
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, hammer, NULL);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    uint64_t sum = 0;
    char buffer[24];
    for (uint64_t i = 0; i < HOT; i++)
        assert_true(kd_table_look(contested, key_of(buffer, i), 0, read_one, &sum));
    assert_int_equal(sum, THREADS * ROUNDS);
    kd_table_destroy(contested);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entries_come_stay_and_expire), cmocka_unit_test(at_the_bound_the_oldest_gives_way),
        cmocka_unit_test(table_agrees_with_a_model),    cmocka_unit_test(walk_sees_all_and_clears_expired),
        cmocka_unit_test(large_table_is_bounded),       cmocka_unit_test(memory_is_reserved_and_may_be_refused),
        cmocka_unit_test(threads_lose_no_change),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
