/* Against what the library that KrakenD uses says (tests/go/gen_jsonschema.go), and the bounds. */
#include "lang/jsonschema/jsonschema.h"
#include "text/json.h"
#include "text/test_table.h"

static kd_arena arena;

static int setup(void **state)
{
    kd_arena_init(&arena, NULL, 0);
    return 0;
}

static int teardown(void **state)
{
    kd_arena_fail_after(0);
    kd_arena_reset(&arena);
    return 0;
}

static kd_value parse(kd_str text)
{
    kd_value value;
    kd_str error;
    char *copy = kd_arena_zero(&arena, text.n + KD_JSON_PAD);
    memcpy(copy, text.p, text.n);
    assert_int_equal(kd_json_read(NULL, &arena, copy, text.n, &value, &error), KD_JSON_OK);
    return value;
}

static kd_jsonschema *compile(kd_str text, kd_str *error)
{
    kd_jsonschema_source source = {.url = KD_STR("file:///dir/schema.json"), .schema = parse(text)};
    return kd_jsonschema_compile(&arena, &source, error);
}

/* The text of what is wrong; empty when nothing is. */
static kd_str verdict(const kd_jsonschema *schema, kd_value value, bool first_line)
{
    const kd_jsonschema_fault *fault = NULL;
    kd_jsonschema_result result = kd_jsonschema_validate(schema, &arena, value, &fault);
    assert_int_equal(kd_jsonschema_validate(schema, &arena, value, NULL), result);
    if (result == KD_JSONSCHEMA_VALID)
        return KD_STR("");
    if (result != KD_JSONSCHEMA_INVALID)
        return result == KD_JSONSCHEMA_TOO_MUCH ? KD_STR("too much") : KD_STR("no memory");
    kd_buf text;
    kd_buf_init(&text, 1 << 20);
    kd_jsonschema_print(&text, fault, first_line);
    kd_str copy = kd_arena_copy(&arena, kd_buf_str(&text));
    kd_buf_fini(&text);
    return copy;
}

static void test_go(void **state)
{
    for (table t = table_open("jsonschema.tsv"); table_next(&t);) {
        kd_str error;
        kd_jsonschema *schema = compile(t.field[0], &error);
        if (kd_str_eq(t.field[1], KD_STR("schema"))) {
            table_check(&t, !schema, "refused");
            table_compare(&t, error, t.field[2], "error");
            continue;
        }
        table_compare(&t, schema ? KD_STR("") : error, KD_STR(""), "error of the schema");
        table_compare(&t, verdict(schema, parse(t.field[1]), true), t.field[2], "text");
        kd_jsonschema_destroy(schema);
    }
}

/* What differs on purpose: items keep their index; numbers beyond all bounds end nothing. */
static void test_own(void **state)
{
    static const struct {
        const char *schema, *value, *text;
    } rows[] = {
        {"{\"prefixItems\":[true],\"items\":{\"type\":\"string\"}}", "[1,\"a\",2]",
         "- at '/2': got number, want string"},
        {"{\"prefixItems\":[true],\"items\":false}", "[1,2]", "- at '/1': false schema"},
        {"{\"minimum\":1e1000000000000000000000}", "1", "- at '': minimum: got 1, want ∞"},
        {"{\"multipleOf\":3}", "1e1000000000", "- at '': multipleOf: got ∞, want 3"},
        {"{\"multipleOf\":0.5}", "1e1000000000", ""},
        {"{\"properties\":{\"b\":false,\"a\":false},\"additionalProperties\":false}",
         "{\"x\":1,\"a\":1,\"y\":1,\"b\":1}",
         "- at '/a': false schema\n- at '/b': false schema\n- at '': additional properties 'x', 'y' not allowed"},
        {"{\"additionalProperties\":false}", "{\"x\":1,\"x\":2}", "- at '': additional properties 'x' not allowed"},
        {"{\"properties\":{\"x\":{\"const\":2}}}", "{\"x\":1,\"x\":2}", ""},
    };
    for (size_t i = 0; i < KD_COUNT(rows); i++) {
        kd_str error, text;
        kd_jsonschema *schema = compile(kd_str_from_c(rows[i].schema), &error);
        assert_non_null(schema);
        text = verdict(schema, parse(kd_str_from_c(rows[i].value)), false);
        if (!kd_str_eq(text, kd_str_from_c(rows[i].text)))
            fail_msg("%s: %.*s", rows[i].schema, KD_FMT(text));
        kd_jsonschema_destroy(schema);
    }
}

/* Configuration holds numbers as float64. */
static void test_floats(void **state)
{
    kd_object *schema_object = kd_object_create(&arena, 2);
    kd_str error;
    assert_true(kd_object_set(schema_object, &arena, KD_STR("minimum"), kd_value_float(2.5)));
    assert_true(kd_object_set(schema_object, &arena, KD_STR("multipleOf"), kd_value_float(0.1)));
    kd_jsonschema_source source = {.url = KD_STR("file:///s"), .schema = kd_value_object(schema_object)};
    kd_jsonschema *schema = kd_jsonschema_compile(&arena, &source, &error);
    assert_non_null(schema);
    kd_str text = verdict(schema, kd_value_float(1.25), false);
    if (!kd_str_eq(text, KD_STR("- at '': minimum: got 1.25, want 2.5\n- at '': multipleOf: got 1.25, want 0.1")))
        fail_msg("%.*s", KD_FMT(text));
    assert_int_equal(verdict(schema, kd_value_float(1e6), false).n, 0);
    kd_jsonschema_destroy(schema);
}

/* A value that a recursive schema follows too far down, and work without end, are cut off. */
static void test_bounds(void **state)
{
    enum { DEEP = 5000, WIDE = 3000 };
    static char text[DEEP * 2 + 1], list[WIDE * 8];
    kd_str error;
    memset(text, '[', DEEP);
    memset(text + DEEP, ']', DEEP);
    kd_jsonschema *schema = compile(KD_STR("{\"items\":{\"$ref\":\"#\"}}"), &error);
    assert_non_null(schema);
    assert_string_equal(verdict(schema, parse(kd_str_of(text, DEEP * 2)), true).p, "too much");
    assert_int_equal(verdict(schema, parse(KD_STR("[[[[]]]]")), true).n, 0);
    kd_jsonschema_destroy(schema);

    size_t n = 0;
    list[n++] = '[';
    for (int i = 0; i < WIDE; i++)
        n += (size_t)snprintf(list + n, sizeof(list) - n, i ? ",%d" : "%d", i);
    list[n++] = ']';
    schema = compile(KD_STR("{\"uniqueItems\":true,\"items\":{\"type\":\"string\"}}"), &error);
    assert_non_null(schema);
    const kd_jsonschema_fault *fault = NULL;
    assert_int_equal(kd_jsonschema_validate(schema, &arena, parse(kd_str_of(list, n)), &fault), KD_JSONSCHEMA_INVALID);
    unsigned faults = 0;
    for (fault = fault->first; fault; fault = fault->next)
        faults++;
    assert_int_equal(faults, WIDE);
    kd_jsonschema_destroy(schema);
}

/* Whatever allocation fails, compiling and validating end, and say so. */
static void test_memory(void **state)
{
    static const char schema_text[] = "{\"$defs\":{\"a\":{\"$anchor\":\"x\",\"pattern\":\"^a\"}},\"properties\":{\"b\":"
                                      "{\"$ref\":\"#x\"},\"c\":{\"enum\":[1,2]}},\"unevaluatedProperties\":false}";
    kd_value schema_value = parse(kd_str_from_c(schema_text)), value = parse(KD_STR("{\"b\":\"z\",\"c\":3,\"d\":4}"));
    bool done = false;
    for (long n = 1; !done; n += n / 8 + 1) {
        kd_arena own;
        kd_arena_init(&own, NULL, 0);
        kd_str error;
        kd_jsonschema_source source = {.url = KD_STR("file:///s"), .schema = schema_value};
        kd_arena_fail_after(n);
        kd_jsonschema *schema = kd_jsonschema_compile(&own, &source, &error);
        const kd_jsonschema_fault *fault = NULL;
        kd_jsonschema_result result =
            schema ? kd_jsonschema_validate(schema, &own, value, &fault) : KD_JSONSCHEMA_NO_MEMORY;
        kd_arena_fail_after(0);
        done = result == KD_JSONSCHEMA_INVALID;
        assert_true(done || result == KD_JSONSCHEMA_NO_MEMORY);
        kd_jsonschema_destroy(schema);
        kd_arena_reset(&own);
        assert_true(n < 1000000);
    }
}

static bool load(void *context, kd_arena *to, kd_str url, kd_value *out, kd_str *error)
{
    ++*(int *)context;
    if (kd_str_eq(url, KD_STR("file:///dir/other.json"))) {
        *out = parse(KD_STR("{\"definitions\":{\"a\":{\"type\":\"string\"}}}"));
        return true;
    }
    *error = KD_STR("there is no such file");
    return false;
}

static void test_load(void **state)
{
    int loads = 0;
    kd_str error;
    kd_jsonschema_source source = {.url = KD_STR("file:///dir/schema.json"),
                                   .schema = parse(KD_STR("{\"items\":{\"$ref\":\"other.json#/definitions/a\"}}")),
                                   .load = load,
                                   .context = &loads};
    kd_jsonschema *schema = kd_jsonschema_compile(&arena, &source, &error);
    assert_non_null(schema);
    assert_int_equal(loads, 1);
    assert_string_equal(verdict(schema, parse(KD_STR("[1]")), false).p, "- at '/0': got number, want string");
    kd_jsonschema_destroy(schema);
    source.schema = parse(KD_STR("{\"$ref\":\"http://h/x\"}"));
    assert_null(kd_jsonschema_compile(&arena, &source, &error));
    assert_string_equal(error.p, "failing loading \"http://h/x\": there is no such file");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_go),     cmocka_unit_test(test_own),    cmocka_unit_test(test_floats),
        cmocka_unit_test(test_bounds), cmocka_unit_test(test_memory), cmocka_unit_test(test_load),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
