#include "http/server2_guard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void test_frames(void **state)
{
    kd_h2_guard g;
    kd_h2_guard_init(&g, 0);
    for (unsigned i = 0; i < KD_H2_IDLE_FRAMES; i++)
        assert_true(kd_h2_guard_frame(&g, 0));
    assert_false(kd_h2_guard_frame(&g, 0));
    kd_h2_guard_earn(&g, 2);
    assert_true(kd_h2_guard_frame(&g, 0));
    assert_true(kd_h2_guard_frame(&g, 0));
    assert_false(kd_h2_guard_frame(&g, 0));
    /* Time pays, to the bound. */
    for (unsigned i = 0; i < KD_H2_IDLE_FRAMES_S; i++)
        assert_true(kd_h2_guard_frame(&g, KD_SECOND));
    assert_false(kd_h2_guard_frame(&g, KD_SECOND));
    kd_ns later = 1000000 * KD_SECOND;
    unsigned n = 0;
    while (kd_h2_guard_frame(&g, later))
        n++;
    assert_int_equal(n, KD_H2_IDLE_FRAMES);
    assert_false(kd_h2_guard_frame(&g, 0)); /* a clock that goes back pays nothing */
    kd_h2_guard_earn(&g, UINT32_MAX);
    n = 0;
    while (kd_h2_guard_frame(&g, later))
        n++;
    assert_int_equal(n, KD_H2_IDLE_FRAMES);
}

/* Payments of less than a hundredth of a second are not lost. */
static void test_small_steps(void **state)
{
    kd_h2_guard g;
    kd_h2_guard_init(&g, 0);
    while (kd_h2_guard_reset(&g, 0))
        ;
    unsigned n = 0;
    for (kd_ns now = 0; now <= KD_SECOND; now += KD_MS)
        n += kd_h2_guard_reset(&g, now);
    assert_int_equal(n, KD_H2_RESETS_S);
}

static void test_resets(void **state)
{
    kd_h2_guard g;
    kd_h2_guard_init(&g, 0);
    for (unsigned i = 0; i < KD_H2_RESETS; i++)
        assert_true(kd_h2_guard_reset(&g, 0));
    assert_false(kd_h2_guard_reset(&g, 0));
    kd_h2_guard_earn(&g, 1000); /* what comes does not pay for resets */
    assert_false(kd_h2_guard_reset(&g, 0));
    assert_true(kd_h2_guard_frame(&g, 0));
}

static void test_blocks(void **state)
{
    static const struct {
        size_t bytes, limit; /* of each frame; of the field list */
        unsigned frames;     /* that are taken, the first one included */
    } cases[] = {
        {0, 10000, KD_H2_SMALL_FRAGMENTS},
        {1, 10000, KD_H2_SMALL_FRAGMENTS},
        {16384, 1024 * 1024, 128},
        {16384, 1000, 0},
        {2000, 1000, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        kd_h2_guard g;
        kd_h2_guard_init(&g, 0);
        for (int again = 0; again < 2; again++) { /* each block begins anew */
            unsigned n = 0;
            while (n < 100000 && kd_h2_guard_block(&g, n == 0, cases[i].bytes, cases[i].limit))
                n++;
            assert_int_equal(n, cases[i].frames);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_frames),
        cmocka_unit_test(test_small_steps),
        cmocka_unit_test(test_resets),
        cmocka_unit_test(test_blocks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
