#include "base/ledger.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>

#include <cmocka.h>

static void accounts_add_up(void **state)
{
    assert_int_equal(kd_ledger_total(), 0);
    for (int i = 0; i < KD_ACCOUNT_COUNT; i++)
        assert_true(kd_ledger_reserve((kd_account)i, 100u + (size_t)i));
    size_t sum = 0;
    for (int i = 0; i < KD_ACCOUNT_COUNT; i++) {
        assert_int_equal(kd_ledger_used((kd_account)i), 100 + i);
        sum += 100 + (size_t)i;
        for (int k = 0; k < i; k++)
            assert_string_not_equal(kd_account_name((kd_account)i), kd_account_name((kd_account)k));
    }
    assert_int_equal(kd_ledger_total(), sum);
    assert_string_equal(kd_account_name(KD_ACCOUNT_TABLES), "tables");
    for (int i = 0; i < KD_ACCOUNT_COUNT; i++)
        kd_ledger_release((kd_account)i, 100u + (size_t)i);
    assert_int_equal(kd_ledger_total(), 0);
}

static void ceiling_is_exact(void **state)
{
    kd_ledger_set_ceiling(1000);
    assert_int_equal(kd_ledger_ceiling(), 1000);
    assert_true(kd_ledger_reserve(KD_ACCOUNT_JSON, 600));
    assert_false(kd_ledger_reserve(KD_ACCOUNT_TLS, 401));
    assert_false(kd_ledger_reserve(KD_ACCOUNT_TLS, SIZE_MAX));
    assert_false(kd_ledger_reserve(KD_ACCOUNT_TLS, SIZE_MAX - 500));
    assert_int_equal(kd_ledger_used(KD_ACCOUNT_TLS), 0);
    assert_int_equal(kd_ledger_total(), 600);
    assert_true(kd_ledger_reserve(KD_ACCOUNT_TLS, 400));
    assert_false(kd_ledger_reserve(KD_ACCOUNT_TLS, 1));
    kd_ledger_set_ceiling(500); /* what is reserved stays */
    assert_int_equal(kd_ledger_total(), 1000);
    kd_ledger_release(KD_ACCOUNT_TLS, 400);
    assert_false(kd_ledger_reserve(KD_ACCOUNT_TLS, 1));
    kd_ledger_set_ceiling(0);
    assert_true(kd_ledger_reserve(KD_ACCOUNT_TLS, 1u << 30));
    assert_false(kd_ledger_reserve(KD_ACCOUNT_TLS, SIZE_MAX));
    kd_ledger_release(KD_ACCOUNT_TLS, 1u << 30);
    kd_ledger_release(KD_ACCOUNT_JSON, 600);
    assert_int_equal(kd_ledger_total(), 0);
}

static void pressure_has_steps(void **state)
{
    static const struct {
        size_t used;
        kd_pressure pressure;
    } cases[] = {{0, KD_PRESSURE_NONE},     {800, KD_PRESSURE_NONE}, {801, KD_PRESSURE_BODIES},
                 {900, KD_PRESSURE_BODIES}, {901, KD_PRESSURE_SHED}, {1000, KD_PRESSURE_SHED}};
    for (size_t i = 0; i < KD_COUNT(cases); i++) {
        kd_ledger_set_ceiling(1000);
        assert_true(kd_ledger_reserve(KD_ACCOUNT_BODIES, cases[i].used));
        assert_int_equal(kd_ledger_pressure(), cases[i].pressure);
        kd_ledger_set_ceiling(0);
        assert_int_equal(kd_ledger_pressure(), KD_PRESSURE_NONE);
        kd_ledger_release(KD_ACCOUNT_BODIES, cases[i].used);
    }
}

enum { THREADS = 4, ROUNDS = 20000, CEILING = 300 };
static _Atomic size_t most;

/* Of four threads that take 100 each, three fit at any time: the fourth is refused, but a request that can never fit
 * must not make the others fail. */
static void *reserve_and_release(void *context)
{
    bool greedy = *(bool *)context;
    for (int i = 0; i < ROUNDS; i++) {
        if (greedy) {
            if (kd_ledger_reserve(KD_ACCOUNT_QUEUES, CEILING + 1))
                abort();
            continue;
        }
        if (!kd_ledger_reserve(KD_ACCOUNT_CACHES, 100))
            abort();
        size_t total = kd_ledger_total();
        if (total > CEILING)
            atomic_store(&most, total);
        kd_ledger_release(KD_ACCOUNT_CACHES, 100);
    }
    return NULL;
}

static void threads_never_pass_the_ceiling(void **state)
{
    pthread_t threads[THREADS];
    bool greedy[THREADS] = {false, false, false, true};
    kd_ledger_set_ceiling(CEILING);
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, reserve_and_release, &greedy[i]);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    kd_ledger_set_ceiling(0);
    assert_int_equal(most, 0);
    assert_int_equal(kd_ledger_total(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accounts_add_up),
        cmocka_unit_test(ceiling_is_exact),
        cmocka_unit_test(pressure_has_steps),
        cmocka_unit_test(threads_never_pass_the_ceiling),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
