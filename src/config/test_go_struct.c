#include "config/go_struct.h"
#include "config/json_tree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

typedef struct outer {
    uint64_t n;
    int64_t port;
    double p;
    kd_str name, bytes;
    kd_str_list keys;
} outer;

static const kd_go_member members[] = {
    {KD_STR_INIT("n"), KD_GO_UINT, offsetof(outer, n), "Inner."},
    {KD_STR_INIT("port"), KD_GO_INT, offsetof(outer, port), NULL},
    {KD_STR_INIT("p"), KD_GO_FLOAT, offsetof(outer, p), NULL},
    {KD_STR_INIT("name"), KD_GO_STRING, offsetof(outer, name), NULL},
    {KD_STR_INIT("bytes"), KD_GO_BYTES, offsetof(outer, bytes), NULL},
    {KD_STR_INIT("keys"), KD_GO_STRINGS, offsetof(outer, keys), NULL},
};
static const kd_go_struct type = {"Outer", "pkg", members, KD_COUNT(members)};

/* The text as the member of an object. */
static kd_node *read(kd_arena *arena, const char *text)
{
    kd_str whole = kd_arena_printf(arena, "{\"block\":%s}", text);
    kd_errors errors;
    kd_str compat = KD_STR("");
    kd_errors_init(&errors, arena, 5);
    kd_node *node = kd_json_tree_read(arena, KD_STR("f.json"), whole, &errors, &compat);
    assert_non_null(node);
    return node->first;
}

static void test_errors(void **state)
{
    static const struct {
        const char *text, *error;
    } cases[] = {
        {"{\"n\":\"5\"}", "json: cannot unmarshal string into Go struct field Outer.Inner.n of type uint"},
        {"{\"n\":1.5}", "json: cannot unmarshal number 1.5 into Go struct field Outer.Inner.n of type uint"},
        {"{\"N\":-1}", "json: cannot unmarshal number -1 into Go struct field Outer.Inner.n of type uint"},
        {"{\"n\":1e20}", "json: cannot unmarshal number 100000000000000000000 into Go struct field Outer.Inner.n of "
                         "type uint"},
        {"{\"port\":[]}", "json: cannot unmarshal array into Go struct field Outer.port of type int"},
        {"{\"port\":0.5}", "json: cannot unmarshal number 0.5 into Go struct field Outer.port of type int"},
        {"{\"p\":true}", "json: cannot unmarshal bool into Go struct field Outer.p of type float64"},
        {"{\"name\":5}", "json: cannot unmarshal number into Go struct field Outer.name of type string"},
        {"{\"keys\":[5]}", "json: cannot unmarshal number into Go struct field Outer.keys of type string"},
        {"{\"keys\":{}}", "json: cannot unmarshal object into Go struct field Outer.keys of type []string"},
        {"{\"p\":{},\"n\":[]}", "json: cannot unmarshal array into Go struct field Outer.Inner.n of type uint"},
        {"{\"bytes\":[\"x\"]}", "json: cannot unmarshal string into Go struct field Outer.bytes of type uint8"},
        {"{\"bytes\":[256]}", "json: cannot unmarshal number 256 into Go struct field Outer.bytes of type uint8"},
        {"{\"bytes\":{}}", "json: cannot unmarshal object into Go struct field Outer.bytes of type []uint8"},
        {"{\"bytes\":\"!\"}", "illegal base64 data at input byte 0"},
        {"[]", "json: cannot unmarshal array into Go value of type pkg.Outer"},
        {"\"x\"", "json: cannot unmarshal string into Go value of type pkg.Outer"},
    };
    for (size_t i = 0; i < KD_COUNT(cases); i++) {
        kd_arena arena;
        outer out = {0};
        kd_str error;
        kd_arena_init(&arena, NULL, 0);
        assert_false(kd_go_struct_decode(&arena, &type, read(&arena, cases[i].text), &out, &error));
        if (!kd_str_eq(error, kd_str_from_c(cases[i].error)))
            fail_msg("%s: %.*s", cases[i].text, KD_FMT(error));
        kd_arena_reset(&arena);
    }
}

static void test_values(void **state)
{
    kd_arena arena;
    outer out = {.name = KD_STR("before")};
    kd_str error;
    kd_arena_init(&arena, NULL, 0);
    const char *text = "{\"n\":7,\"N\":1e3,\"PORT\":-1,\"p\":0.001,\"name\":null,\"keys\":[null,\"a\"],\"other\":[]}";
    assert_true(kd_go_struct_decode(&arena, &type, read(&arena, text), &out, &error));
    assert_int_equal(out.n, 7); /* the keys are sorted first: of "N" and "n" the latter is the last */
    assert_int_equal(out.port, -1);
    assert_true(out.p == 0.001);
    assert_true(kd_str_eq(out.name, KD_STR("before")));
    assert_int_equal(out.keys.n, 2);
    assert_int_equal(out.keys.v[0].n, 0);
    assert_true(kd_str_eq(out.keys.v[1], KD_STR("a")));
    assert_true(kd_go_struct_decode(&arena, &type, read(&arena, "{\"bytes\":[104,null,105]}"), &out, &error));
    assert_true(kd_str_eq(out.bytes, kd_str_of("h\0i", 3)));
    assert_true(kd_go_struct_decode(&arena, &type, read(&arena, "{\"bytes\":\"aGk=\"}"), &out, &error));
    assert_true(kd_str_eq(out.bytes, KD_STR("hi")));
    assert_true(kd_go_struct_decode(&arena, &type, read(&arena, "null"), &out, &error));
    kd_arena_reset(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_errors), cmocka_unit_test(test_values)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
