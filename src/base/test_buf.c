#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void appends_until_the_maximum(void **state)
{
    static const size_t maxima[] = {0, 1, 10, 255, 256, 257, 1000, 100000};
    for (size_t i = 0; i < KD_COUNT(maxima); i++) {
        kd_buf buf;
        kd_buf_init(&buf, maxima[i]);
        for (size_t k = 0; k < maxima[i]; k++) {
            assert_false(buf.failed);
            kd_buf_byte(&buf, (char)k);
        }
        assert_false(buf.failed);
        kd_buf_add(&buf, KD_STR(""));
        assert_false(buf.failed);
        assert_true(maxima[i] || !buf.p); /* a buffer without room owns nothing: nobody frees it */
        kd_buf_byte(&buf, 'x');
        assert_true(buf.failed);
        assert_int_equal(buf.n, maxima[i]);
        assert_true(buf.cap <= maxima[i]);
        for (size_t k = 0; k < maxima[i]; k++)
            assert_int_equal(buf.p[k], (char)k);
        kd_buf_fini(&buf);
    }
}

static void what_does_not_fit_is_dropped_whole(void **state)
{
    kd_buf buf;
    kd_buf_init(&buf, 10);
    kd_buf_add(&buf, KD_STR("12345"));
    kd_buf_add(&buf, KD_STR("678901"));
    assert_true(buf.failed);
    assert_true(kd_str_eq(kd_buf_str(&buf), KD_STR("12345")));
    kd_buf_add(&buf, KD_STR("6"));
    assert_true(buf.failed); /* stays until the reset */
    assert_null(kd_buf_room(&buf, SIZE_MAX));
    kd_buf_reset(&buf, 100);
    assert_false(buf.failed);
    assert_int_equal(buf.n, 0);
    assert_non_null(buf.p);
    kd_buf_add(&buf, KD_STR("abcdefghij"));
    assert_false(buf.failed);
    kd_buf_reset(&buf, 5);
    assert_null(buf.p);
    assert_int_equal(buf.cap, 0);
    kd_buf_add(&buf, KD_STR("again"));
    assert_true(kd_str_eq(kd_buf_str(&buf), KD_STR("again")));
    kd_buf_fini(&buf);
    assert_int_equal(buf.max, 10);
}

static void prints(void **state)
{
    kd_buf buf;
    kd_buf_init(&buf, 1000);
    kd_buf_add(&buf, KD_STR("<"));
    kd_buf_printf(&buf, "%d %s", 42, "x");
    kd_buf_printf(&buf, "%600s", "");
    assert_int_equal(buf.n, 605);
    assert_true(kd_str_starts(kd_buf_str(&buf), KD_STR("<42 x ")));
    kd_buf_printf(&buf, "%600s", "");
    assert_true(buf.failed);
    assert_int_equal(buf.n, 605);
    kd_buf_fini(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(appends_until_the_maximum),
        cmocka_unit_test(what_does_not_fit_is_dropped_whole),
        cmocka_unit_test(prints),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
