/* Durations, header names, numbers, paths, quoting and sniffing against Go's own answers. */
#include "text/go/duration.h"
#include "text/go/header.h"
#include "text/go/number.h"
#include "text/go/path.h"
#include "text/go/quote.h"
#include "text/go/sniff.h"
#include "text/test_table.h"

static kd_arena arena;
static kd_buf buf;

static int setup(void **state)
{
    kd_arena_init(&arena, NULL, 0);
    kd_buf_init(&buf, 1 << 20);
    return 0;
}

static int teardown(void **state)
{
    kd_arena_reset(&arena);
    kd_buf_fini(&buf);
    return 0;
}

static void test_duration_parse(void **state)
{
    for (table t = table_open("duration_parse.tsv"); table_next(&t);) {
        kd_ns d = 0;
        kd_str error = KD_STR("ok");
        if (kd_go_duration_parse(t.field[0], &d, &error))
            error = KD_STR("ok");
        table_compare(&t, error, t.field[1], "error");
        if (kd_str_eq(error, KD_STR("ok")))
            table_check(&t, d == table_number(t.field[2]), "duration");
    }
}

static void test_duration_write(void **state)
{
    for (table t = table_open("duration_string.tsv"); table_next(&t);) {
        char text[KD_GO_DURATION_MAX];
        kd_ns d = table_number(t.field[0]);
        table_compare(&t, (kd_str){text, kd_go_duration_write(text, d)}, t.field[1], "text");
        table_check(&t, kd_go_duration_gin(d) == table_number(t.field[2]), "truncation");
    }
}

static void test_header(void **state)
{
    for (table t = table_open("header.tsv"); table_next(&t);) {
        kd_str copy = kd_arena_copy(&arena, t.field[0]);
        kd_go_header_canonical((char *)copy.p, copy.n);
        table_compare(&t, copy, t.field[1], "canonical name");
        table_check(&t, kd_go_header_valid_name(t.field[0]) == kd_str_eq(t.field[2], KD_STR("yes")), "valid name");
        table_check(&t, kd_go_header_valid_value(t.field[0]) == kd_str_eq(t.field[3], KD_STR("yes")), "valid value");
    }
}

static void test_int(void **state)
{
    for (table t = table_open("int.tsv"); table_next(&t);) {
        int64_t v = 0;
        kd_str error;
        if (kd_go_int_parse(t.field[0], &v, &error))
            error = KD_STR("ok");
        table_compare(&t, error, t.field[1], "error");
        table_check(&t, v == table_number(t.field[2]), "value");
    }
}

static void test_uint(void **state)
{
    static const struct {
        const char *text;
        uint64_t value;
        const char *error; /* NULL: it is good */
    } cases[] = {
        {"0", 0, NULL},
        {"65535", 65535, NULL},
        {"0xffff", 65535, NULL},
        {"010", 8, NULL},
        {"1_0", 10, NULL},
        {"0x1_0", 16, NULL},
        {"65536", 0, "value out of range"},
        {"99999x", 0, "value out of range"}, /* what follows the digit that is too much is not looked at */
        {"-0", 0, "invalid syntax"},
        {"-1", 0, "invalid syntax"},
        {"+1", 0, "invalid syntax"},
        {"", 0, "invalid syntax"},
    };
    for (size_t i = 0; i < KD_COUNT(cases); i++) {
        uint64_t v = 0;
        kd_str error;
        bool good = kd_go_uint_parse(kd_str_from_c(cases[i].text), UINT16_MAX, &v, &error);
        assert_int_equal(good, !cases[i].error);
        if (good)
            assert_int_equal(v, cases[i].value);
        else
            assert_true(kd_str_eq(error, kd_str_from_c(cases[i].error)));
    }
}

static void test_float(void **state)
{
    for (table t = table_open("float.tsv"); table_next(&t);) {
        double v = 0, want = table_double(t.field[2]);
        kd_str error;
        if (kd_go_float_parse(t.field[0], &v, &error))
            error = KD_STR("ok");
        table_compare(&t, error, t.field[1], "error");
        table_check(&t, memcmp(&v, &want, sizeof(v)) == 0 || (v != v && want != want), "value");
    }
}

static void test_bool(void **state)
{
    for (table t = table_open("bool.tsv"); table_next(&t);) {
        bool v = false, good = kd_go_bool_parse(t.field[0], &v);
        table_check(&t, good == kd_str_eq(t.field[1], KD_STR("ok")), "acceptance");
        table_check(&t, !good || v == kd_str_eq(t.field[2], KD_STR("true")), "value");
    }
}

static void test_path(void **state)
{
    for (table t = table_open("path.tsv"); table_next(&t);) {
        table_compare(&t, kd_go_path_clean(&arena, t.field[0]), t.field[1], "clean");
        table_compare(&t, kd_go_path_route(&arena, t.field[0]), t.field[2], "route");
        kd_str again = kd_go_path_clean(&arena, t.field[1]);
        table_check(&t, again.p == t.field[1].p, "a clean path is not copied");
    }
}

static void test_quote(void **state)
{
    for (table t = table_open("quote.tsv"); table_next(&t);) {
        kd_buf_reset(&buf, SIZE_MAX);
        kd_go_quote(&buf, t.field[0]);
        table_compare(&t, kd_buf_str(&buf), t.field[1], "quote");
        kd_buf_reset(&buf, SIZE_MAX);
        kd_go_html_escape(&buf, t.field[0]);
        table_compare(&t, kd_buf_str(&buf), t.field[2], "html");
    }
}

static void test_json_byte(void **state)
{
    for (table t = table_open("json_byte.tsv"); table_next(&t);) {
        kd_buf_reset(&buf, SIZE_MAX);
        kd_go_quote_json_byte(&buf, (uint8_t)table_number(t.field[0]));
        table_compare(&t, kd_buf_str(&buf), t.field[1], "byte");
    }
}

static void test_sniff(void **state)
{
    for (table t = table_open("sniff.tsv"); table_next(&t);)
        table_compare(&t, kd_go_sniff(t.field[0]), t.field[1], "type");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_duration_parse), cmocka_unit_test(test_duration_write),
        cmocka_unit_test(test_header),         cmocka_unit_test(test_int),
        cmocka_unit_test(test_uint),           cmocka_unit_test(test_float),
        cmocka_unit_test(test_bool),           cmocka_unit_test(test_path),
        cmocka_unit_test(test_quote),          cmocka_unit_test(test_json_byte),
        cmocka_unit_test(test_sniff),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
