#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <time.h>

#include <cmocka.h>

static void http_dates(void **state)
{
    static const struct {
        int64_t second;
        const char *text;
    } cases[] = {
        {0, "Thu, 01 Jan 1970 00:00:00 GMT"},          {784111777, "Sun, 06 Nov 1994 08:49:37 GMT"},
        {951782399, "Mon, 28 Feb 2000 23:59:59 GMT"},  {951782400, "Tue, 29 Feb 2000 00:00:00 GMT"},
        {1795198085, "Fri, 20 Nov 2026 18:08:05 GMT"}, {4102444800, "Fri, 01 Jan 2100 00:00:00 GMT"},
    };
    for (size_t i = 0; i < KD_COUNT(cases); i++) {
        char text[30] = {0};
        kd_clock_http_date(text, cases[i].second);
        assert_string_equal(text, cases[i].text);
    }
}

static void clocks_run(void **state)
{
    kd_ns last = kd_clock_monotonic();
    for (int i = 0; i < 1000; i++) {
        kd_ns now = kd_clock_monotonic();
        assert_true(now >= last);
        last = now;
    }
    int64_t before = time(NULL), wall = kd_clock_wall() / KD_SECOND;
    assert_true(wall >= before - 1);
}

static void elapsed_saturates(void **state)
{
    assert_int_equal(kd_elapsed(5, 9), 4);
    assert_int_equal(kd_elapsed(9, 9), 0);
    assert_int_equal(kd_elapsed(9, 5), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(http_dates),
        cmocka_unit_test(clocks_run),
        cmocka_unit_test(elapsed_saturates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
