#include "modules/qos/ratelimit/bucket.h"
#include "modules/qos/ratelimit/clients.h"

#include "base/random.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static void test_rules(void **state)
{
    static const struct {
        double rate;
        uint64_t capacity;
        kd_ns interval;
        uint32_t tokens;
    } cases[] = {
        {1, 1, KD_SECOND, 1},
        {3, 3, 333333333, 3},
        {0.001, 0, 1000 * KD_SECOND, 1},
        {1e9, 5, 1, 5},
        {1e9 + 1, 5, 0, 5},
        {1e-12, 5, 1000000000000000000, 5},
        {1, (uint64_t)UINT32_MAX, KD_SECOND, UINT32_MAX},
        {1, (uint64_t)UINT32_MAX + 1, 0, UINT32_MAX},
        {__builtin_inf(), 1, 0, 1},
        {__builtin_nan(""), 1, 0, 1},
    };
    for (size_t i = 0; i < KD_COUNT(cases); i++) {
        kd_bucket_rule rule = kd_bucket_rule_make(cases[i].rate, cases[i].capacity);
        if (rule.interval != cases[i].interval || rule.capacity != cases[i].tokens)
            fail_msg("case %zu: %lld, %u", i, (long long)rule.interval, rule.capacity);
    }
}

/* `calls` requests at `at` (milliseconds after creation) of which `pass` pass. */
typedef struct burst {
    int at, calls, pass;
} burst;

static void test_sequences(void **state)
{
    static const struct {
        double rate;
        uint64_t capacity;
        burst bursts[6];
    } cases[] = {
        /* Right after creation: the capacity. After a pause: what is left, a free one, and the capacity again. */
        {1, 1, {{0, 3, 1}}},
        {1, 1, {{5000, 6, 3}, {5000, 2, 0}, {6000, 3, 1}}},
        {1, 1, {{1999, 3, 2}, {2000, 2, 1}}},
        {10, 5, {{10000, 20, 11}, {10099, 1, 0}, {10100, 2, 1}}},
        /* The refill counts whole intervals since creation, not since the last request. */
        {10, 2, {{0, 3, 2}, {199, 2, 1}, {200, 1, 1}, {299, 1, 0}, {300, 1, 1}}},
        /* As many tokens as the capacity need no more than are due. */
        {10, 5, {{0, 6, 5}, {500, 6, 5}, {1000, 6, 5}, {1600, 7, 6}}},
        {1000, 1000, {{0, 2000, 1000}, {500, 600, 500}, {1000, 600, 500}}},
        {2e9, 1, {{0, 1000, 1000}}},
    };
    for (size_t i = 0; i < KD_COUNT(cases); i++) {
        kd_bucket_rule rule = kd_bucket_rule_make(cases[i].rate, cases[i].capacity);
        kd_bucket plain;
        kd_shared_bucket shared;
        kd_bucket_init(&plain, &rule, 77);
        kd_shared_bucket_init(&shared, &rule, 77);
        for (size_t k = 0; k < KD_COUNT(cases[i].bursts) && cases[i].bursts[k].calls; k++) {
            const burst *b = &cases[i].bursts[k];
            int passed[2] = {0, 0};
            for (int n = 0; n < b->calls; n++) {
                passed[0] += kd_bucket_take(&plain, &rule, 77 + b->at * KD_MS);
                passed[1] += kd_shared_bucket_take(&shared, 77 + b->at * KD_MS);
            }
            if (passed[0] != b->pass || passed[1] != b->pass)
                fail_msg("case %zu, burst %zu: %d and %d passed", i, k, passed[0], passed[1]);
        }
    }
}

/* A million steps of time, of all lengths, with every capacity. */
static void test_same_answers(void **state)
{
    for (unsigned bits = 1; bits <= 32; bits++) {
        uint64_t capacity = ((uint64_t)1 << (bits - 1)) | kd_random_below((uint64_t)1 << (bits - 1));
        kd_bucket_rule rule = kd_bucket_rule_make(1e6, capacity);
        kd_bucket plain;
        kd_shared_bucket shared;
        kd_ns now = 1000;
        kd_bucket_init(&plain, &rule, now);
        kd_shared_bucket_init(&shared, &rule, now);
        for (unsigned i = 0; i < 30000; i++) {
            now += (kd_ns)kd_random_below((uint64_t)1 << kd_random_below(30));
            if (i % 1000 == 0) { /* drain it: large ones would never be empty */
                uint64_t left = kd_random_below(3);
                if (plain.tokens > left) {
                    uint64_t cut = plain.tokens - left;
                    plain.tokens -= cut;
                    atomic_fetch_sub(&shared.cell.word, cut);
                }
            }
            if (kd_bucket_take(&plain, &rule, now) != kd_shared_bucket_take(&shared, now))
                fail_msg("capacity %llu, step %u", (unsigned long long)capacity, i);
        }
    }
}

/* Time that runs backwards, as the readings of two threads may, adds nothing and takes nothing. */
static void test_backwards(void **state)
{
    kd_bucket_rule rule = kd_bucket_rule_make(10, 2);
    kd_shared_bucket bucket;
    kd_shared_bucket_init(&bucket, &rule, KD_SECOND);
    assert_true(kd_shared_bucket_take(&bucket, 0));
    assert_true(kd_shared_bucket_take(&bucket, 0));
    assert_false(kd_shared_bucket_take(&bucket, 0));
    assert_true(kd_shared_bucket_take(&bucket, KD_SECOND + 100 * KD_MS));
    for (kd_ns at = 0; at < KD_SECOND + 100 * KD_MS; at += 50 * KD_MS)
        assert_false(kd_shared_bucket_take(&bucket, at));
    assert_true(kd_shared_bucket_take(&bucket, KD_SECOND + 200 * KD_MS));
    assert_false(kd_shared_bucket_take(&bucket, KD_SECOND + 200 * KD_MS));
}

/* ---- threads ----------------------------------------------------------------------------------------------------- */

#define THREADS 4
#define CALLS   200000

typedef struct crowd {
    kd_shared_bucket bucket;
    _Atomic int64_t clock; /* moves on with every request */
    _Atomic uint64_t passed;
} crowd;

static void *press(void *context)
{
    crowd *c = context;
    uint64_t passed = 0;
    for (int i = 0; i < CALLS; i++)
        passed += kd_shared_bucket_take(&c->bucket, atomic_fetch_add(&c->clock, 1));
    atomic_fetch_add(&c->passed, passed);
    return NULL;
}

/* Whatever the threads do: what passed is the capacity and one for each interval, less what is still there. */
static void test_threads(void **state)
{
    static crowd c;
    kd_bucket_rule rule = {.interval = 7, .capacity = 1000000};
    kd_shared_bucket_init(&c.bucket, &rule, 0);
    pthread_t threads[THREADS];
    /* Begins empty but for a thousand: no refill ever reaches the brim. */
    atomic_store(&c.bucket.cell.word, 1000);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, press, &c), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    uint64_t word = kd_cell_read(&c.bucket.cell), mask = ((uint64_t)1 << c.bucket.token_bits) - 1;
    uint64_t intervals = word >> c.bucket.token_bits, left = word & mask;
    assert_true(intervals * 7 <= THREADS * (uint64_t)CALLS);
    assert_int_equal(c.passed, 1000 + intervals - left);
    assert_true(c.passed * 7 >= (THREADS * (uint64_t)CALLS - 7 * THREADS) / 100 * 99);
}

typedef struct guests {
    kd_clients *clients;
    _Atomic int64_t clock;
    _Atomic uint64_t passed[50];
} guests;

static void *visit(void *context)
{
    guests *g = context;
    char key[16];
    for (int i = 0; i < CALLS / 4; i++) {
        unsigned who = (unsigned)i % 50;
        int n = snprintf(key, sizeof key, "client %u", who);
        if (kd_clients_take(g->clients, kd_str_of(key, (size_t)n), atomic_fetch_add(&g->clock, 1)) == KD_CLIENTS_TAKEN)
            atomic_fetch_add(&g->passed[who], 1);
    }
    return NULL;
}

static void test_clients_of_threads(void **state)
{
    static guests g;
    kd_bucket_rule rule = {.interval = KD_SECOND, .capacity = 321};
    g.clients = kd_clients_create(&rule, 1000 * KD_SECOND, 5000);
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, visit, &g), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (size_t i = 0; i < KD_COUNT(g.passed); i++)
        assert_int_equal(g.passed[i], 321);
    kd_clients_destroy(g.clients);
}

/* ---- clients ----------------------------------------------------------------------------------------------------- */

static kd_clients_answer ask(kd_clients *clients, unsigned who, kd_ns now)
{
    char key[16];
    return kd_clients_take(clients, kd_str_of(key, (size_t)snprintf(key, sizeof key, "%u", who)), now);
}

static void test_clients(void **state)
{
    kd_bucket_rule rule = kd_bucket_rule_make(0.001, 2);
    kd_clients *clients = kd_clients_create(&rule, 10 * KD_SECOND, 100);
    for (unsigned who = 0; who < 3; who++) {
        assert_int_equal(ask(clients, who, 0), KD_CLIENTS_TAKEN);
        assert_int_equal(ask(clients, who, 0), KD_CLIENTS_TAKEN);
        assert_int_equal(ask(clients, who, 1), KD_CLIENTS_REFUSED);
    }
    /* Asking keeps a bucket alive, also in vain; silence drops it, and the client begins anew. */
    for (kd_ns at = 0; at < 100 * KD_SECOND; at += 9 * KD_SECOND)
        assert_int_equal(ask(clients, 0, at), KD_CLIENTS_REFUSED);
    assert_int_equal(ask(clients, 1, 100 * KD_SECOND), KD_CLIENTS_TAKEN);
    kd_clients_destroy(clients);
}

/* A million clients take no more than the bound; buckets that are over make room before the bound is reached. */
static void test_many_clients(void **state)
{
    size_t before = kd_ledger_used(KD_ACCOUNT_TABLES);
    kd_bucket_rule rule = kd_bucket_rule_make(0.001, 1);
    kd_clients *clients = kd_clients_create(&rule, 10 * KD_SECOND, KD_CLIENTS_MAX);
    for (unsigned who = 0; who < 1000000; who++)
        assert_int_equal(ask(clients, who, 0), KD_CLIENTS_TAKEN);
    kd_table_stats stats = kd_clients_stats(clients);
    assert_true(stats.entries <= KD_CLIENTS_MAX);
    assert_true(kd_ledger_used(KD_ACCOUNT_TABLES) - before <= 20u << 20);
    assert_int_equal(ask(clients, 999999, 0), KD_CLIENTS_REFUSED);
    for (unsigned i = 0; i < KD_CLIENTS_MAX; i++)
        ask(clients, 5000000, 11 * KD_SECOND);
    assert_int_equal(kd_clients_stats(clients).entries, 1);
    assert_true(kd_ledger_used(KD_ACCOUNT_TABLES) - before <= 1u << 20);
    kd_clients_destroy(clients);
    assert_int_equal(kd_ledger_used(KD_ACCOUNT_TABLES), before);
}

static void test_no_memory(void **state)
{
    kd_bucket_rule rule = kd_bucket_rule_make(1, 1);
    kd_clients *clients = kd_clients_create(&rule, KD_SECOND, 2);
    kd_ledger_set_ceiling(1);
    assert_int_equal(ask(clients, 1, 0), KD_CLIENTS_NO_MEMORY);
    assert_null(kd_clients_create(&rule, KD_SECOND, 2));
    kd_ledger_set_ceiling(0);
    assert_int_equal(ask(clients, 1, 0), KD_CLIENTS_TAKEN);
    kd_clients_destroy(clients);
    kd_clients_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rules),        cmocka_unit_test(test_sequences),
        cmocka_unit_test(test_same_answers), cmocka_unit_test(test_backwards),
        cmocka_unit_test(test_threads),      cmocka_unit_test(test_clients_of_threads),
        cmocka_unit_test(test_clients),      cmocka_unit_test(test_many_clients),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
