#include "base/bytes.h"

#include "base/failure.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static void comparing(void **state)
{
    static const struct {
        const char *a, *b;
        int order; /* sign of kd_str_cmp */
        bool eq_ci;
    } cases[] = {
        {"", "", 0, true},       {"a", "", 1, false},
        {"a", "b", -1, false},   {"a", "A", 1, true},
        {"ab", "a", 1, false},   {"aB9_", "Ab9_", 1, true},
        {"\xff", "a", 1, false}, {"@", "`", -1, false},
        {"[", "{", -1, false},   {"\xc3\x84", "\xc3\xa4", -1, false},
    };
    for (size_t i = 0; i < KD_COUNT(cases); i++) {
        kd_str a = kd_str_from_c(cases[i].a), b = kd_str_from_c(cases[i].b);
        int r = kd_str_cmp(a, b), back = kd_str_cmp(b, a);
        assert_int_equal((r > 0) - (r < 0), cases[i].order);
        assert_int_equal((back > 0) - (back < 0), -cases[i].order);
        assert_int_equal(kd_str_eq(a, b), cases[i].order == 0);
        assert_int_equal(kd_str_eq_ci(a, b), cases[i].eq_ci);
    }
    kd_str none = kd_str_from_c(NULL);
    assert_true(kd_str_eq(none, KD_STR("")) && kd_str_eq_ci(none, KD_STR("")));
    assert_int_equal(kd_str_cmp(none, KD_STR("a")), -1);
}

static void letters_fold_in_ascii_only(void **state)
{
    for (int c = 0; c < 256; c++) {
        assert_int_equal(kd_lower((uint8_t)c), c >= 'A' && c <= 'Z' ? c + 32 : c);
        assert_int_equal(kd_upper((uint8_t)c), c >= 'a' && c <= 'z' ? c - 32 : c);
    }
}

static void finding(void **state)
{
    kd_str s = KD_STR("a.b.c");
    assert_int_equal(kd_str_find(s, '.'), 1);
    assert_int_equal(kd_str_rfind(s, '.'), 3);
    assert_int_equal(kd_str_find(s, 'x'), -1);
    assert_int_equal(kd_str_rfind(s, 'x'), -1);
    assert_int_equal(kd_str_find(kd_str_from_c(NULL), 'x'), -1);
    assert_int_equal(kd_str_search(s, KD_STR("b.c")), 2);
    assert_int_equal(kd_str_search(s, KD_STR("b.d")), -1);
    assert_int_equal(kd_str_search(s, KD_STR("")), 0);
    assert_int_equal(kd_str_search(KD_STR(""), KD_STR("a")), -1);
    assert_true(kd_str_starts(s, KD_STR("a.")) && kd_str_starts(s, KD_STR("")) && !kd_str_starts(s, KD_STR("a.b.c.d")));
    assert_true(kd_str_ends(s, KD_STR(".c")) && kd_str_ends(s, KD_STR("")) && !kd_str_ends(s, KD_STR("xa.b.c")));
    assert_true(kd_str_eq(kd_str_from(s, 2), KD_STR("b.c")));
    assert_int_equal(kd_str_from(s, 5).n, 0);
    assert_int_equal(kd_str_from(s, 99).n, 0);
    assert_true(kd_str_eq(kd_str_head(s, 3), KD_STR("a.b")));
    assert_true(kd_str_eq(kd_str_head(s, 99), s));
}

static void trimming(void **state)
{
    static const char *const cases[][2] = {
        {"", ""}, {" ", ""}, {" \t a b\t ", "a b"}, {"a", "a"}, {"\na ", "\na"}, {"\t\t", ""},
    };
    for (size_t i = 0; i < KD_COUNT(cases); i++)
        assert_true(kd_str_eq(kd_str_trim(kd_str_from_c(cases[i][0])), kd_str_from_c(cases[i][1])));
}

static void splitting(void **state)
{
    static const struct {
        const char *text, *pieces[4];
        int n;
    } cases[] = {
        {"a,b", {"a", "b"}, 2},    {"", {""}, 1},       {",", {"", ""}, 2}, {"a,", {"a", ""}, 2},
        {",,a", {"", "", "a"}, 3}, {"abc", {"abc"}, 1},
    };
    for (size_t i = 0; i < KD_COUNT(cases); i++) {
        kd_str rest = kd_str_from_c(cases[i].text), piece;
        for (int k = 0; k < cases[i].n; k++) {
            assert_true(kd_str_split(&rest, ',', &piece));
            assert_true(kd_str_eq(piece, kd_str_from_c(cases[i].pieces[k])));
        }
        assert_false(kd_str_split(&rest, ',', &piece));
    }
}

static void numbers(void **state)
{
    static const struct {
        const char *text;
        uint64_t max, value;
        bool ok;
    } cases[] = {
        {"0", 0, 0, true},
        {"1", 0, 0, false},
        {"007", 9, 7, true},
        {"65535", 65535, 65535, true},
        {"65536", 65535, 0, false},
        {"70000", 65535, 0, false},
        {"18446744073709551615", UINT64_MAX, UINT64_MAX, true},
        {"18446744073709551616", UINT64_MAX, 0, false},
        {"99999999999999999999", UINT64_MAX, 0, false},
        {"", 9, 0, false},
        {"+1", 9, 0, false},
        {"-1", 9, 0, false},
        {" 1", 9, 0, false},
        {"1x", 99, 0, false},
        {"/", 99, 0, false},
        {":", 99, 0, false},
        {"9", 5, 0, false},
    };
    for (size_t i = 0; i < KD_COUNT(cases); i++) {
        uint64_t v = 0;
        if (kd_str_to_u64(kd_str_from_c(cases[i].text), cases[i].max, &v) != cases[i].ok)
            fail_msg("\"%s\"", cases[i].text);
        assert_int_equal(v, cases[i].value);
    }
    static const uint64_t values[] = {0, 9, 10, 12345, UINT64_MAX};
    for (size_t i = 0; i < KD_COUNT(values); i++) {
        char text[21], wanted[21];
        size_t n = kd_u64_write(text, values[i]);
        snprintf(wanted, sizeof(wanted), "%llu", (unsigned long long)values[i]);
        assert_true(kd_str_eq(kd_str_of(text, n), kd_str_from_c(wanted)));
    }
}

static void failures_have_names_of_their_own(void **state)
{
    for (int i = 0; i < KD_FAIL_COUNT; i++) {
        assert_true(strlen(kd_failure_name((kd_failure)i)) > 2);
        for (int k = 0; k < i; k++)
            assert_string_not_equal(kd_failure_name((kd_failure)i), kd_failure_name((kd_failure)k));
    }
    assert_string_equal(kd_failure_name(KD_FAIL_REFUSED), "connect_refused");
    assert_string_equal(kd_failure_name(KD_FAIL_COUNT), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comparing),
        cmocka_unit_test(letters_fold_in_ascii_only),
        cmocka_unit_test(finding),
        cmocka_unit_test(trimming),
        cmocka_unit_test(splitting),
        cmocka_unit_test(numbers),
        cmocka_unit_test(failures_have_names_of_their_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
