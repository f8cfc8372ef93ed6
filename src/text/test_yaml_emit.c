/* YAML against goccy/go-yaml 1.19.2 (table by tests/go/gen_encodings.go), and where the gateway differs on purpose. */
#include "text/json.h"
#include "text/test_table.h"
#include "text/yaml_emit.h"

static void print_yaml(kd_buf *out, kd_str json)
{
    kd_arena arena;
    kd_arena_init(&arena, NULL, 0);
    kd_value v;
    kd_str error;
    char *text = malloc(json.n + KD_JSON_PAD);
    memcpy(text, json.p, json.n);
    assert_int_equal(kd_json_read(NULL, &arena, text, json.n, &v, &error), KD_JSON_OK);
    assert_true(kd_yaml_emit(out, v));
    kd_arena_reset(&arena);
    free(text);
}

static void emit_as_go(void **state)
{
    table t = table_open("yaml_emit.tsv");
    kd_buf got;
    kd_buf_init(&got, 1 << 24);
    while (table_next(&t)) {
        kd_buf_reset(&got, SIZE_MAX);
        print_yaml(&got, t.field[0]);
        table_compare(&t, kd_buf_str(&got), t.field[1], "YAML");
    }
    kd_buf_fini(&got);
}

static void emit_readable(void **state)
{
    static const struct {
        const char *json, *yaml;
    } rows[] = {
        {"{\"a\":\"x\\u0001\"}", "a: \"x\\x01\"\n"},
        {"{\"a\":\"x\\u0000y\\u007f\"}", "a: \"x\\x00y\\x7f\"\n"},
        {"{\"a\":\"x\\ry\\n\"}", "a: \"x\\ry\\n\"\n"},
        {"{\"a\\nb\":1}", "\"a\\nb\": \"1\"\n"},
        {"null", "{}\n"},
        {"{}", "{}\n"},
        {"{\"a\":{\"b\":[{}],\"c\":[[]]}}", "a:\n  b:\n  - {}\n  c:\n  - []\n"},
    };
    kd_buf got;
    kd_buf_init(&got, 1 << 16);
    for (size_t i = 0; i < KD_COUNT(rows); i++) {
        kd_buf_reset(&got, SIZE_MAX);
        print_yaml(&got, kd_str_from_c(rows[i].json));
        kd_buf_byte(&got, '\0');
        assert_string_equal(got.p, rows[i].yaml);
    }
    kd_buf_fini(&got);
}

static void emit_own_values(void **state)
{
    kd_member members[] = {
        {KD_STR("z"), kd_value_float(42)},
        {KD_STR("y"), kd_value_float(1e6)},
        {KD_STR("d"), kd_value_float(-0.0)},
        {KD_STR("c"), kd_value_float(1e-7)},
        {KD_STR("b"), kd_value_string(KD_STR("a\xff"), KD_ORIGIN_BYTES)},
        {KD_STR("i"), kd_value_int(KD_STR("503"))},
        {KD_STR("l"), KD_VALUE_NIL(KD_ORIGIN_LIST)},
        {KD_STR("m"), KD_VALUE_NIL(KD_ORIGIN_OBJECT)},
        {KD_STR("o"), KD_VALUE_NULL},
    };
    kd_object object = {.n = KD_COUNT(members), .cap = KD_COUNT(members), .typed = true, .members = members};
    kd_buf out;
    kd_buf_init(&out, 1 << 16);
    assert_true(kd_yaml_emit(&out, kd_value_object(&object)));
    kd_buf_byte(&out, '\0');
    assert_string_equal(out.p, "z: 42.0\n\"y\": 1e+06\nd: -0.0\nc: 1e-07\nb: a\xef\xbf\xbd\n"
                               "i: 503\nl: []\nm: {}\no: null\n");
    kd_buf_fini(&out);
    kd_buf_init(&out, 16);
    assert_false(kd_yaml_emit(&out, kd_value_object(&object)));
    assert_int_equal(out.n, 0);
    kd_buf_fini(&out);
}

static void long_numbers_are_quoted(void **state)
{
    char digits[1200];
    memset(digits, '7', sizeof(digits));
    assert_true(kd_yaml_needs_quotes((kd_str){digits, sizeof(digits)}));
    digits[3] = '.';
    assert_true(kd_yaml_needs_quotes((kd_str){digits, sizeof(digits)}));
    digits[900] = '.';
    assert_false(kd_yaml_needs_quotes((kd_str){digits, sizeof(digits)}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(emit_as_go),
        cmocka_unit_test(emit_readable),
        cmocka_unit_test(emit_own_values),
        cmocka_unit_test(long_numbers_are_quoted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
