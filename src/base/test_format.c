#include "base/format.h"

#include <limits.h>
#include <setjmp.h>
#include <stdio.h>

#include <cmocka.h>

static char got[1200];
static size_t length;

static void KD_PRINTF(2, 3) format(size_t room, const char *form, ...)
{
    va_list args;
    va_start(args, form);
    memset(got, '#', sizeof got);
    length = kd_format(got, room, form, args);
    va_end(args);
}

/* The same as the C library, room for all of it or not. */
#define SAME(...)                                                                                                      \
    do {                                                                                                               \
        char want[1200];                                                                                               \
        int n = snprintf(want, sizeof want, __VA_ARGS__);                                                              \
        for (size_t room = 0; room <= (size_t)n + 2; room += room < 40 ? 1 : 97) {                                     \
            memset(want, '#', sizeof want);                                                                            \
            snprintf(want, room, __VA_ARGS__);                                                                         \
            format(room, __VA_ARGS__);                                                                                 \
            assert_int_equal(length, n);                                                                               \
            assert_memory_equal(got, want, sizeof want);                                                               \
        }                                                                                                              \
    } while (0)

static void prints_as_the_c_library(void **state)
{
    SAME("plain");
    SAME("%%|%c|%s|", 'x', "text");
    SAME("%d %i %u %x %X %o %5d|%-5d|%05d|%+d|% d|%#x", -1, 2, 3u, 255u, 255u, 8u, 42, 42, 42, 42, 42, 255u);
    SAME("%hhd %hd %ld %lld %zu %jd %lx %llu %zx", (signed char)-3, (short)-4, LONG_MIN, LLONG_MAX, SIZE_MAX,
         (intmax_t)-5, 255ul, ULLONG_MAX, (size_t)255);
    SAME("%*d|%-*d|%.3d|%.*d|%8.3d", 6, 42, 6, 42, 7, 4, 7, 7);
    SAME("%s|%10s|%-10s|%.2s|%10.2s|%*s|%-*s", "abc", "abc", "abc", "abc", "abc", 5, "abc", 5, "abc");
    SAME("%f %.2f %g %e %10.3f %.0f %f", 1.5, 2.345, 1e100, 12345.678, 3.14159, 0.5, 1e300);
    SAME("%.*s|%.*s|%8.*s|", 3, "abcdef", 0, "abc", 2, "xyz");
    SAME("%p", (void *)0x1234);
    SAME("%02u%%%03u", 7u, 1000u);
}

static void counted_texts_are_written_whole(void **state)
{
    format(sizeof got, "<%.*s%.*s>", 3, "a\0b", 2, "\0\0");
    assert_int_equal(length, 7);
    assert_memory_equal(got, "<a\0b\0\0>", 8);
    const char *volatile nothing = NULL;
    format(sizeof got, "%.*s|%6.*s|%-6.*s|", 0, nothing, 3, "x\0y", 3, "x\0y");
    assert_int_equal(length, 15);
    assert_memory_equal(got, "|   x\0y|x\0y   |", 16);
    format(4, "%.*s", 5, "a\0bcd");
    assert_int_equal(length, 5);
    assert_memory_equal(got, "a\0b\0#", 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prints_as_the_c_library),
        cmocka_unit_test(counted_texts_are_written_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
