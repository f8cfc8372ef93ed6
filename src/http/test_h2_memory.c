#include "http/h2_memory.h"

#include "base/ledger.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define BLOCKS 4000u

static void test_recycles(void **state)
{
    static void *blocks[BLOCKS];
    kd_h2_memory m;
    kd_h2_memory_init(&m);
    for (int round = 0; round < 3; round++) {
        for (unsigned i = 0; i < BLOCKS; i++) {
            size_t n = i * 7 % 1500;
            blocks[i] = m.mem.malloc(n, m.mem.mem_user_data);
            assert_non_null(blocks[i]);
            assert_int_equal((uintptr_t)blocks[i] % 16, 0);
            memset(blocks[i], (int)i, n);
        }
        assert_true(kd_ledger_used(KD_ACCOUNT_HTTP2) >= m.in_use);
        for (unsigned i = 0; i < BLOCKS; i++)
            m.mem.free(blocks[i], m.mem.mem_user_data);
        assert_int_equal(m.in_use, 0);
        assert_true(m.kept <= KD_H2_KEPT);
    }
    kd_h2_memory_fini(&m);
    assert_int_equal(kd_ledger_used(KD_ACCOUNT_HTTP2), 0);
}

static void test_grows(void **state)
{
    kd_h2_memory m;
    kd_h2_memory_init(&m);
    void *user = m.mem.mem_user_data;
    char *p = m.mem.realloc(NULL, 10, user);
    memcpy(p, "123456789", 10);
    for (size_t n = 20; n < 100000; n *= 3) {
        p = m.mem.realloc(p, n, user);
        assert_non_null(p);
        assert_string_equal(p, "123456789");
    }
    m.mem.free(p, user);
    p = m.mem.calloc(30, 10, user);
    for (int i = 0; i < 300; i++)
        assert_int_equal(p[i], 0);
    m.mem.free(p, user);
    m.mem.free(NULL, user);
    assert_null(m.mem.calloc(SIZE_MAX / 2, 4, user));
    assert_null(m.mem.malloc(SIZE_MAX, user));
    kd_h2_memory_fini(&m);
    assert_int_equal(kd_ledger_used(KD_ACCOUNT_HTTP2), 0);
}

/* The ledger refuses before anything is taken. */
static void test_ceiling(void **state)
{
    kd_h2_memory m;
    kd_h2_memory_init(&m);
    kd_ledger_set_ceiling(256 * 1024);
    void *user = m.mem.mem_user_data, *blocks[100];
    unsigned n = 0;
    while (n < 100 && (blocks[n] = m.mem.malloc(16 * 1024, user)))
        n++;
    assert_in_range(n, 8, 16);
    assert_true(kd_ledger_total() <= 256 * 1024);
    char *p = m.mem.realloc(blocks[0], 100 * 1024, user);
    assert_null(p); /* and the block is still there */
    memset(blocks[0], 1, 16 * 1024);
    for (unsigned i = 0; i < n; i++)
        m.mem.free(blocks[i], user);
    kd_ledger_set_ceiling(0);
    kd_h2_memory_fini(&m);
    assert_int_equal(kd_ledger_used(KD_ACCOUNT_HTTP2), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_recycles),
        cmocka_unit_test(test_grows),
        cmocka_unit_test(test_ceiling),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
