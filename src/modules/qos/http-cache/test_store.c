#include "modules/qos/http-cache/store.h"

#include "base/ledger.h"
#include "base/random.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static kd_fingerprint key_of(unsigned i)
{
    char text[16];
    return kd_hash_fingerprint(kd_str_of(text, (size_t)snprintf(text, sizeof text, "key %u", i)));
}

/* An entry that says who it is, of a size that limits count. */
static kd_cache_entry *make(unsigned i, uint64_t size)
{
    kd_header fields[] = {{.name = "X-Name", .name_n = 6, .value = "value", .value_n = 5, .flags = KD_HEADER_CHECKED}};
    kd_headers headers = {.v = fields, .n = 1, .cap = 1};
    kd_cache_entry *e = kd_cache_entry_create(key_of(i), (uint16_t)(i % 1000), &headers, 100);
    if (e) {
        memset((char *)e->body.p, (int)(i % 251), e->body.n);
        e->size = size;
    }
    return e;
}

static void check(const kd_cache_entry *e, unsigned i)
{
    if (!kd_fingerprint_eq(e->key, key_of(i)) || e->status != i % 1000 || e->n_headers != 1 || e->body.n != 100 ||
        (unsigned char)e->body.p[99] != i % 251 || memcmp(e->headers[0].name, "X-Name: value", 13) != 0 ||
        !kd_header_is_line(&e->headers[0]))
        abort(); /* also called by threads */
}

static bool has(kd_cache_store *store, unsigned i)
{
    kd_cache_entry *e = kd_cache_store_get(store, key_of(i));
    if (!e)
        return false;
    check(e, i);
    kd_cache_entry_unref(e);
    return true;
}

static void test_limits(void **state)
{
    size_t before = kd_ledger_used(KD_ACCOUNT_CACHES);
    uint64_t n, bytes;
    kd_cache_store *store = kd_cache_store_create(1000, 3);
    for (unsigned i = 0; i < 3; i++)
        kd_cache_store_put(store, make(i, 100));
    assert_true(has(store, 0)); /* now 1 is the oldest */
    kd_cache_store_put(store, make(3, 100));
    assert_true(has(store, 0) && !has(store, 1) && has(store, 2) && has(store, 3));
    /* Too large: the old one stays. */
    kd_cache_store_put(store, make(3, 1000));
    kd_cache_store_count(store, &n, &bytes);
    assert_int_equal(n, 3);
    assert_int_equal(bytes, 300);
    /* One that has grown counts with its new size; KrakenD's account goes wrong here. */
    kd_cache_store_put(store, make(3, 850));
    kd_cache_store_count(store, &n, &bytes);
    assert_int_equal(n, 2);
    assert_int_equal(bytes, 950);
    kd_cache_store_remove(store, key_of(3));
    kd_cache_store_remove(store, key_of(3));
    kd_cache_store_count(store, &n, &bytes);
    assert_int_equal(n, 1);
    assert_int_equal(bytes, 100);
    kd_cache_store_put(store, make(4, 999));
    assert_true(has(store, 4) && !has(store, 2));
    kd_cache_store_destroy(store);
    assert_int_equal(kd_ledger_used(KD_ACCOUNT_CACHES), before);
}

/* What is given out lives on when it is replaced, removed, or the store goes. */
static void test_references(void **state)
{
    kd_cache_store *store = kd_cache_store_create(0, 5);
    kd_cache_store_put(store, make(1, 10));
    kd_cache_entry *first = kd_cache_store_get(store, key_of(1));
    kd_cache_store_put(store, make(1, 20));
    kd_cache_entry *second = kd_cache_store_get(store, key_of(1));
    assert_true(first != second);
    kd_cache_store_remove(store, key_of(1));
    check(first, 1);
    kd_cache_store_destroy(store);
    check(second, 1);
    kd_cache_entry_unref(first);
    kd_cache_entry_unref(second);
    kd_cache_store_destroy(NULL);
}

/* Without limits it grows until the caches' share of the ceiling is used, and gives way there. */
static void test_ledger(void **state)
{
    size_t before = kd_ledger_used(KD_ACCOUNT_CACHES);
    kd_cache_store *store = kd_cache_store_create(0, 0);
    uint64_t n, bytes;
    const size_t share = 1u << 20;
    kd_ledger_set_ceiling(kd_ledger_total() + 4 * share);
    for (unsigned i = 0; i < 20000; i++) {
        kd_cache_entry *e = make(i, 100);
        if (!e) {
            assert_true(kd_cache_store_make_room(store, 1000));
            e = make(i, 100);
        }
        assert_non_null(e);
        kd_cache_store_put(store, e);
        assert_true(kd_ledger_used(KD_ACCOUNT_CACHES) <= share + share / 8); /* and the index */
    }
    kd_cache_store_count(store, &n, &bytes);
    assert_true(n > 1000 && n < 10000);
    assert_true(has(store, 19999));
    assert_false(has(store, 0));
    assert_null(kd_cache_entry_create(key_of(0), 200, &(kd_headers){0}, 2 * share));
    assert_false(kd_cache_store_make_room(store, 2 * share));
    kd_ledger_set_ceiling(0);
    kd_cache_store_destroy(store);
    assert_int_equal(kd_ledger_used(KD_ACCOUNT_CACHES), before);
}

/* Against a list. */
static void test_model(void **state)
{
    enum { MOST = 20 };
    struct {
        unsigned i;
        uint64_t size;
    } list[MOST + 1]; /* the newest first */
    unsigned n = 0;
    kd_cache_store *store = kd_cache_store_create(1000, MOST);
    for (unsigned round = 0; round < 20000; round++) {
        unsigned i = (unsigned)kd_random_below(40), at = 0;
        uint64_t size = 1 + kd_random_below(150), sum = 0, entries, bytes;
        while (at < n && list[at].i != i)
            at++;
        unsigned what = (unsigned)kd_random_below(5);
        assert_int_equal(has(store, i), at < n);
        if (what == 0)
            kd_cache_store_remove(store, key_of(i));
        else if (what < 4)
            kd_cache_store_put(store, make(i, size));
        uint64_t old = at < n ? list[at].size : 0;
        if (at < n)
            memmove(&list[at], &list[at + 1], (--n - at) * sizeof list[0]);
        if ((what && what < 4) || (what == 4 && old)) {
            memmove(&list[1], &list[0], n++ * sizeof list[0]);
            list[0].i = i;
            list[0].size = what < 4 ? size : old;
        }
        for (unsigned k = 0; k < n; k++)
            sum += list[k].size;
        while (sum > 1000 || n > MOST)
            sum -= list[--n].size;
        kd_cache_store_count(store, &entries, &bytes);
        if (entries != n || bytes != sum)
            fail_msg("round %u: %llu entries, not %u", round, (unsigned long long)entries, n);
    }
    kd_cache_store_destroy(store);
}

typedef struct crowd {
    kd_cache_store *store;
    _Atomic unsigned seed;
} crowd;

static void *press(void *context)
{
    crowd *c = context;
    unsigned x = atomic_fetch_add(&c->seed, 7919);
    for (int k = 0; k < 30000; k++) {
        x = x * 1103515245 + 12345;
        unsigned i = x >> 8 & 63;
        if ((x >> 20 & 7) == 0)
            kd_cache_store_put(c->store, make(i, 1 + (x >> 16 & 127)));
        else if ((x >> 20 & 7) == 1)
            kd_cache_store_remove(c->store, key_of(i));
        else
            has(c->store, i);
    }
    return NULL;
}

static void test_threads(void **state)
{
    for (int limited = 0; limited < 2; limited++) {
        size_t before = kd_ledger_used(KD_ACCOUNT_CACHES);
        crowd c = {.store = kd_cache_store_create(limited ? 2000 : 0, limited ? 30 : 0), .seed = 1};
        pthread_t threads[4];
        for (int i = 0; i < 4; i++)
            assert_int_equal(pthread_create(&threads[i], NULL, press, &c), 0);
        for (int i = 0; i < 4; i++)
            pthread_join(threads[i], NULL);
        uint64_t n, bytes;
        kd_cache_store_count(c.store, &n, &bytes);
        assert_true(!limited || (n <= 30 && bytes <= 2000));
        kd_cache_store_destroy(c.store);
        assert_int_equal(kd_ledger_used(KD_ACCOUNT_CACHES), before);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_limits), cmocka_unit_test(test_references),
                                       cmocka_unit_test(test_ledger), cmocka_unit_test(test_model),
                                       cmocka_unit_test(test_threads)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
