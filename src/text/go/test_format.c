#include "text/go/format.h"
#include "text/test_table.h"

#include <math.h>
#include <time.h>

static kd_buf buf;

static int setup(void **state)
{
    kd_buf_init(&buf, 1 << 20);
    return 0;
}

static int teardown(void **state)
{
    kd_buf_fini(&buf);
    return 0;
}

static void compare(const table *t, void (*print)(kd_buf *, double), kd_str want, const char *what)
{
    kd_buf_reset(&buf, SIZE_MAX);
    print(&buf, table_double(t->field[0]));
    table_compare(t, kd_buf_str(&buf), want, what);
}

static void test_float(void **state)
{
    for (table t = table_open("float_print.tsv"); table_next(&t);) {
        compare(&t, kd_go_float_json, t.field[1], "json");
        compare(&t, kd_go_float_v, t.field[2], "%v");
        compare(&t, kd_go_float_e32, t.field[3], "E32");
        compare(&t, kd_go_float_f, t.field[4], "f");
    }
}

static void compare_value(kd_value v, const char *want_v, const char *want_param)
{
    kd_buf_reset(&buf, SIZE_MAX);
    kd_go_value_v(&buf, v);
    kd_buf_byte(&buf, 0);
    assert_string_equal(buf.p, want_v);
    kd_buf_reset(&buf, SIZE_MAX);
    kd_go_value_param(&buf, v);
    kd_buf_byte(&buf, 0);
    assert_string_equal(buf.p, want_param);
}

/* The expected texts are what Go prints for the same values; documents are compared in test_json.c. */
static void test_value(void **state)
{
    kd_arena arena;
    kd_arena_init(&arena, NULL, 0);
    kd_value items[] = {
        kd_value_string(KD_STR("a b"), KD_ORIGIN_BYTES),
        kd_value_float(1e6),
        KD_VALUE_NULL,
        kd_value_bool(true),
        kd_value_literal(KD_STR("1.50")),
        kd_value_list(NULL, 0),
    };
    kd_object *object = kd_object_create(&arena, 0);
    assert_true(kd_object_set(object, &arena, KD_STR("z"), kd_value_list(items, KD_COUNT(items))));
    assert_true(kd_object_set(object, &arena, KD_STR("a"), kd_value_float(42)));
    assert_true(kd_object_set(object, &arena, KD_STR("m"), kd_value_object(kd_object_create(&arena, 0))));
    compare_value(kd_value_object(object), "map[a:42 m:map[] z:[a b 1e+06 <nil> true 1.50 []]]",
                  "map[a:42 m:map[] z:[a b 1e+06 <nil> true 1.50 []]]");
    compare_value(kd_value_list(items, KD_COUNT(items)), "[a b 1e+06 <nil> true 1.50 []]",
                  "a b,1e+06,<nil>,true,1.50,[]");
    compare_value(items[0], "a b", "a b");
    compare_value(items[1], "1e+06", "1E+06");
    compare_value(kd_value_float(42), "42", "4.2E+01");
    compare_value(items[2], "<nil>", "<nil>");
    compare_value(KD_VALUE_NIL(KD_ORIGIN_LIST), "[]", "");
    compare_value(KD_VALUE_NIL(KD_ORIGIN_OBJECT), "map[]", "map[]");
    compare_value(items[4], "1.50", "1.50");
    compare_value(items[5], "[]", "");
    kd_arena_reset(&arena);
}

/* Depth costs memory, not stack. */
static void test_deep_value(void **state)
{
    enum { DEPTH = 10000 };
    kd_value *levels = calloc(DEPTH, sizeof(*levels));
    levels[0] = kd_value_list(NULL, 0);
    for (int i = 1; i < DEPTH; i++)
        levels[i] = kd_value_list(&levels[i - 1], 1);
    kd_buf_reset(&buf, SIZE_MAX);
    kd_go_value_v(&buf, levels[DEPTH - 1]);
    assert_int_equal(buf.n, 2 * DEPTH);
    kd_arena arena;
    kd_arena_init(&arena, NULL, 0);
    kd_value copy = kd_value_copy(&arena, levels[DEPTH - 1]);
    memset(levels, 0, DEPTH * sizeof(*levels));
    free(levels);
    int depth = 0;
    for (; copy.type == KD_LIST; copy = copy.n ? copy.items[0] : KD_VALUE_ABSENT)
        depth++;
    assert_int_equal(depth, DEPTH);
    kd_arena_reset(&arena);
}

static void test_time(void **state)
{
    static const struct {
        kd_ns wall, run;
        const char *zone, *text;
    } rows[] = {
        {1795198074123456789, 5123456789, "UTC", "2026-11-20 18:07:54.123456789 +0000 UTC m=+5.123456789"},
        {1795198074100000000, 42, "UTC", "2026-11-20 18:07:54.1 +0000 UTC m=+0.000000042"},
        {1795198074000000000, -1500000000, "UTC", "2026-11-20 18:07:54 +0000 UTC m=-1.500000000"},
        {1795198074000000000, 12000000000, "CET-1CEST,M3.5.0,M10.5.0/3",
         "2026-11-20 19:07:54 +0100 CET m=+12.000000000"},
        {-1, 0, "UTC", "1969-12-31 23:59:59.999999999 +0000 UTC m=+0.000000000"},
    };
    for (size_t i = 0; i < KD_COUNT(rows); i++) {
        setenv("TZ", rows[i].zone, 1);
        tzset();
        kd_buf_reset(&buf, SIZE_MAX);
        kd_go_time_string(&buf, rows[i].wall, rows[i].run);
        kd_buf_byte(&buf, 0);
        assert_string_equal(buf.p, rows[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_float),
        cmocka_unit_test(test_value),
        cmocka_unit_test(test_deep_value),
        cmocka_unit_test(test_time),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
