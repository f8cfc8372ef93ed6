#include "base/hash.h"
#include "base/map.h"
#include "base/random.h"
#include "base/vec.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

/* The reference's table (Aumasson and Bernstein, appendix A, and their published vectors): key 00 01 .. 0f, message
 * 00 01 .. of n bytes. */
static void siphash_equals_the_reference(void **state)
{
    static const struct {
        size_t n;
        uint64_t hash;
    } cases[] = {{0, 0x726fdb47dd0e0e31}, {1, 0x74f839c593dc67fd}, {8, 0x93f5f5799a932462}, {15, 0xa129ca6149be45e5}};
    const uint64_t key[2] = {0x0706050403020100, 0x0f0e0d0c0b0a0908};
    char message[16];
    for (int i = 0; i < 16; i++)
        message[i] = (char)i;
    for (size_t i = 0; i < KD_COUNT(cases); i++)
        assert_int_equal(kd_hash_with_key(key, kd_str_of(message, cases[i].n)), cases[i].hash);
}

static void hashes_tell_keys_apart(void **state)
{
    assert_int_equal(kd_hash(KD_STR("key")), kd_hash(KD_STR("key")));
    assert_int_not_equal(kd_hash(KD_STR("key")), kd_hash(KD_STR("kez")));
    kd_fingerprint a = kd_hash_fingerprint(KD_STR("")), b = kd_hash_fingerprint(kd_str_of("\0", 1));
    assert_true(kd_fingerprint_eq(a, kd_hash_fingerprint(KD_STR(""))));
    assert_false(kd_fingerprint_eq(a, b));
    assert_int_not_equal(a.a, a.b);
}

enum { KEYS = 5000 };
static char keys[KEYS][12];

static kd_str key(int i)
{
    if (!keys[i][0])
        snprintf(keys[i], sizeof(keys[i]), "key-%d", i);
    return kd_str_from_c(keys[i]);
}

/* Random puts and removes beside a plain array that says what must be there. */
static void map_agrees_with_a_model(void **state)
{
    kd_arena arena;
    kd_arena_init(&arena, NULL, 0);
    for (int with_arena = 0; with_arena < 2; with_arena++) {
        static void *model[KEYS];
        memset(model, 0, sizeof(model));
        uint32_t count = 0;
        kd_map map;
        kd_map_init(&map, with_arena ? &arena : NULL, KEYS);
        for (int step = 0; step < 60000; step++) {
            /* First it grows over all keys, then it shrinks to a few. */
            int i = (int)kd_random_below(step < 30000 ? KEYS : 50);
            if (kd_random_below(10) < (step < 30000 ? 7 : 5)) {
                count += !model[i];
                model[i] = &keys[kd_random_below(KEYS)];
                assert_true(kd_map_put(&map, key(i), model[i]));
            } else {
                count -= model[i] != NULL;
                assert_ptr_equal(kd_map_remove(&map, key(i)), model[i]);
                model[i] = NULL;
            }
            assert_int_equal(map.count, count);
            if (step == 30000)
                for (int k = 50; k < KEYS; k++) {
                    count -= model[k] != NULL;
                    assert_ptr_equal(kd_map_remove(&map, key(k)), model[k]);
                    model[k] = NULL;
                }
        }
        for (int i = 0; i < KEYS; i++)
            assert_ptr_equal(kd_map_get(&map, key(i)), model[i]);
        uint32_t at = 0, seen = 0;
        for (kd_map_entry *entry; (entry = kd_map_next(&map, &at)) != NULL; seen++)
            assert_ptr_equal(kd_map_get(&map, entry->key), entry->value);
        assert_int_equal(seen, count);
        assert_true(map.cap <= 2 * KEYS);
        kd_map_fini(&map);
        assert_null(kd_map_get(&map, key(1)));
    }
    kd_arena_reset(&arena);
}

static void walk_is_in_order_and_may_remove(void **state)
{
    kd_map map;
    kd_map_init(&map, NULL, 1000);
    for (int i = 0; i < 1000; i++)
        assert_true(kd_map_put(&map, key(i), keys[i]));
    uint32_t at = 0;
    int i = 0;
    for (kd_map_entry *entry; (entry = kd_map_next(&map, &at)) != NULL; i++) {
        assert_ptr_equal(entry->value, keys[i]);
        if (i % 2)
            assert_ptr_equal(kd_map_remove(&map, entry->key), keys[i]);
    }
    assert_int_equal(i, 1000);
    at = 0;
    for (i = 0; i < 500; i++)
        assert_ptr_equal(kd_map_next(&map, &at)->value, keys[2 * i]);
    assert_null(kd_map_next(&map, &at));
    kd_map_fini(&map);
}

static void map_is_bounded(void **state)
{
    kd_map map;
    kd_map_init(&map, NULL, 3);
    assert_null(kd_map_find(&map, KD_STR("")));
    assert_null(kd_map_remove(&map, KD_STR("a")));
    assert_true(kd_map_put(&map, KD_STR(""), NULL));
    assert_true(kd_map_put(&map, KD_STR("b"), &map));
    assert_true(kd_map_put(&map, KD_STR("c"), &map));
    assert_false(kd_map_put(&map, KD_STR("d"), &map));
    assert_true(kd_map_put(&map, KD_STR("c"), NULL));
    assert_non_null(kd_map_find(&map, KD_STR("")));
    assert_null(kd_map_get(&map, KD_STR("")));
    assert_null(kd_map_find(&map, KD_STR("d")));
    kd_map_remove(&map, KD_STR("b"));
    assert_true(kd_map_put(&map, KD_STR("d"), &map));
    kd_map_fini(&map);
}

static void without_memory_nothing_changes(void **state)
{
    kd_arena arena;
    kd_arena_init(&arena, NULL, 0);
    kd_map map;
    kd_map_init(&map, &arena, KEYS);
    int put = 0;
    while (put < 200 && kd_map_put(&map, key(put), keys[put]))
        put++;
    assert_int_equal(put, 200);
    kd_arena_fail_after(1);
    while (put < KEYS && kd_map_put(&map, key(put), keys[put]))
        put++;
    kd_arena_fail_after(0);
    assert_true(put < KEYS);
    assert_int_equal(map.count, put);
    for (int i = 0; i < put; i++)
        assert_ptr_equal(kd_map_get(&map, key(i)), keys[i]);
    assert_true(kd_map_put(&map, key(put), keys[put]));
    kd_map_fini(&map);
    kd_arena_reset(&arena);
}

static void vec_grows_and_refuses(void **state)
{
    kd_arena arena;
    kd_arena_init(&arena, NULL, 64 * 1024);
    KD_VEC(uint64_t) numbers = {0};
    while (KD_VEC_PUSH(&arena, &numbers, numbers.n * 3u))
        assert_true(numbers.n < 10000);
    assert_true(numbers.n >= 256);
    assert_int_equal(numbers.n, numbers.cap);
    for (uint32_t i = 0; i < numbers.n; i++)
        assert_int_equal(numbers.p[i], i * 3u);
    kd_arena_reset(&arena);
    KD_VEC(kd_str) names = {0};
    kd_str *name = KD_VEC_ADD(&arena, &names);
    assert_non_null(name);
    assert_null(name->p);
    assert_ptr_equal(names.p, name);
    assert_true(KD_VEC_PUSH(&arena, &names, (kd_str){"two", 3}));
    assert_true(kd_str_eq(names.p[1], KD_STR("two")));
    kd_arena_reset(&arena);
}

static void random_numbers_are_spread(void **state)
{
    enum { DRAWS = 70000 };
    int hits[7] = {0};
    uint64_t ones = 0, all = ~(uint64_t)0;
    for (int i = 0; i < DRAWS; i++) {
        uint64_t n = kd_random_below(7);
        assert_true(n < 7);
        hits[n]++;
        double unit = kd_random_unit();
        assert_true(unit >= 0 && unit < 1);
        uint64_t bits = kd_random_u64();
        ones |= bits;
        all &= bits;
    }
    /* 10 000 are expected of each, with a deviation of 93; ten deviations are a fault, not chance. */
    for (int i = 0; i < 7; i++)
        assert_true(hits[i] > 9000 && hits[i] < 11000);
    assert_true(ones == ~(uint64_t)0 && all == 0);
    assert_int_equal(kd_random_below(0), 0);
    assert_int_equal(kd_random_below(1), 0);
    for (int i = 0; i < 100; i++)
        assert_true(kd_random_below((UINT64_MAX / 3) * 2) < (UINT64_MAX / 3) * 2);
    uint8_t a[32] = {0}, b[32] = {0};
    assert_true(kd_random_secret(a, sizeof(a)) && kd_random_secret(b, sizeof(b)));
    assert_memory_not_equal(a, b, sizeof(a));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(siphash_equals_the_reference),
        cmocka_unit_test(hashes_tell_keys_apart),
        cmocka_unit_test(map_agrees_with_a_model),
        cmocka_unit_test(walk_is_in_order_and_may_remove),
        cmocka_unit_test(map_is_bounded),
        cmocka_unit_test(without_memory_nothing_changes),
        cmocka_unit_test(vec_grows_and_refuses),
        cmocka_unit_test(random_numbers_are_spread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
