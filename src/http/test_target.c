/* Targets: what is split from scheme and host, one object for one place, bounds. */
#include "http/target.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static void test_split(void **state)
{
    static const struct {
        const char *scheme, *host, *name;
        uint16_t port;
        bool tls, literal;
    } cases[] = {
        {"http", "127.0.0.1:8081", "127.0.0.1", 8081, false, true},
        {"http", "127.0.0.1", "127.0.0.1", 80, false, true},
        {"https", "127.0.0.1", "127.0.0.1", 443, true, true},
        {"http", "backend.test", "backend.test", 80, false, false},
        {"https", "backend.test:8443", "backend.test", 8443, true, false},
        {"http", "backend.test:", "backend.test", 80, false, false},
        {"http", "[::1]", "::1", 80, false, true},
        {"http", "[::1]:65535", "::1", 65535, false, true},
        {"https", "[fe80::1]:1", "fe80::1", 1, true, true},
        {"http", "a", "a", 80, false, false},
    };
    for (size_t i = 0; i < KD_COUNT(cases); i++) {
        const kd_target *t = kd_target_get(kd_str_from_c(cases[i].scheme), kd_str_from_c(cases[i].host));
        char key[100];
        assert_non_null(t);
        snprintf(key, sizeof key, "%s://%s", cases[i].scheme, cases[i].host);
        assert_true(kd_str_eq(t->key, kd_str_from_c(key)));
        assert_true(kd_str_eq(t->host, kd_str_from_c(cases[i].host)));
        assert_true(kd_str_eq(t->name, kd_str_from_c(cases[i].name)));
        assert_int_equal(t->port, cases[i].port);
        assert_int_equal(t->tls, cases[i].tls);
        assert_int_equal(t->literal, cases[i].literal);
        if (t->literal && t->address.any.sa_family == AF_INET)
            assert_int_equal(ntohs(t->address.v4.sin_port), cases[i].port);
        else if (t->literal)
            assert_int_equal(ntohs(t->address.v6.sin6_port), cases[i].port);
        /* The same place is the same object, found without the caller's memory. */
        char host[100];
        snprintf(host, sizeof host, "%s", cases[i].host);
        assert_ptr_equal(kd_target_get(kd_str_from_c(cases[i].scheme), kd_str_from_c(host)), t);
    }
}

static void test_refused(void **state)
{
    static const char *const hosts[] = {"a:65536", "a:-1", "a:http", "a:8 0", "[::1]:x", "a:99999999999999999999"};
    for (size_t i = 0; i < KD_COUNT(hosts); i++)
        assert_null(kd_target_get(KD_STR("http"), kd_str_from_c(hosts[i])));
    char *longest = malloc(2000);
    memset(longest, 'a', 2000);
    assert_null(kd_target_get(KD_STR("http"), kd_str_of(longest, 2000)));
    free(longest);
    /* A refused one takes no number. */
    const kd_target *one = kd_target_get(KD_STR("http"), KD_STR("one.test"));
    assert_null(kd_target_get(KD_STR("http"), KD_STR("bad:port")));
    const kd_target *two = kd_target_get(KD_STR("http"), KD_STR("two.test"));
    assert_int_equal(two->id, one->id + 1);
}

#define THREADS 4
#define PLACES  500

static const kd_target *seen[THREADS][PLACES];

static void *look(void *context)
{
    const kd_target **mine = context;
    for (int i = 0; i < PLACES; i++) {
        char host[32];
        int n = snprintf(host, sizeof host, "host-%d.test", i);
        mine[i] = kd_target_get(KD_STR("http"), kd_str_of(host, (size_t)n));
    }
    return NULL;
}

static void test_threads(void **state)
{
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, look, seen[i]), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < PLACES; i++)
        for (int k = 0; k < THREADS; k++) {
            assert_non_null(seen[k][i]);
            assert_ptr_equal(seen[k][i], seen[0][i]);
        }
}

/* The bound holds, what was there before is still found. Last: the registry is full afterwards. */
static void test_bound(void **state)
{
    const kd_target *t = NULL;
    uint32_t n = 0;
    char host[32];
    for (uint32_t i = 0; i <= KD_MAX_TARGETS; i++) {
        int length = snprintf(host, sizeof host, "many-%u.test", i);
        const kd_target *next = kd_target_get(KD_STR("https"), kd_str_of(host, (size_t)length));
        if (!next)
            break;
        t = next;
        n++;
    }
    assert_in_range(n, KD_MAX_TARGETS - 1000, KD_MAX_TARGETS - 1);
    assert_int_equal(t->id, KD_MAX_TARGETS - 1);
    assert_non_null(kd_target_get(KD_STR("https"), KD_STR("many-0.test")));
    assert_null(kd_target_get(KD_STR("https"), KD_STR("one-more.test")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_split),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_bound),
    };
    return cmocka_run_group_tests_name("target", tests, NULL, NULL);
}
