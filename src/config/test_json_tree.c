#include "config/json_tree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct fixture {
    kd_arena arena;
    kd_errors errors;
    kd_str compat;
    kd_node *root;
} fixture;

static void read_text(fixture *f, kd_str text)
{
    kd_arena_init(&f->arena, NULL, 0);
    kd_errors_init(&f->errors, &f->arena, 50);
    f->compat = KD_STR("");
    f->root = kd_json_tree_read(&f->arena, KD_STR("f.json"), text, &f->errors, &f->compat);
}

static void assert_str(kd_str got, const char *want)
{
    if (!kd_str_eq(got, kd_str_from_c(want)))
        fail_msg("got \"%.*s\", want \"%s\"", KD_FMT(got), want);
}

static void test_refused(void **state)
{
    static const struct {
        const char *text, *compat;
        uint32_t line, column;
    } cases[] = {
        {"", "unexpected end of JSON input", 1, 1},
        {" \n ", "unexpected end of JSON input", 2, 2},
        {"{\"a\": 1", "unexpected end of JSON input", 1, 8},
        {"{\"a\"", "unexpected end of JSON input", 1, 5},
        {"{\"a", "unexpected end of JSON input", 1, 4},
        {"{\"a\": 1,}", "invalid character '}' looking for beginning of object key string", 1, 9},
        {"{\n\"a\": [1,\n ]}", "invalid character ']' looking for beginning of value", 3, 2},
        {"{\"a\" 1}", "invalid character '1' after object key", 1, 6},
        {"{\"a\": 1 \"b\": 2}", "invalid character '\"' after object key:value pair", 1, 9},
        {"{\"a\": [1 2]}", "invalid character '2' after array element", 1, 10},
        {"{} x", "invalid character 'x' after top-level value", 1, 4},
        {"{'a': 1}", "invalid character '\\'' looking for beginning of object key string", 1, 2},
        {"// c\n{}", "invalid character '/' looking for beginning of value", 1, 1},
        {"\xef\xbb\xbf{}", "invalid character '\xc3\xaf' looking for beginning of value", 1, 1},
        {"{\"a\": NaN}", "invalid character 'N' looking for beginning of value", 1, 7},
        {"{\"a\": tru}", "invalid character '}' in literal true (expecting 'e')", 1, 10},
        {"{\"a\": falxe}", "invalid character 'x' in literal false (expecting 's')", 1, 10},
        {"{\"a\": nul", "unexpected end of JSON input", 1, 10},
        {"{\"a\": \"x\ty\"}", "invalid character '\\t' in string literal", 1, 9},
        {"{\"a\": \"\\x\"}", "invalid character 'x' in string escape code", 1, 9},
        {"{\"a\": \"\\u12g4\"}", "invalid character 'g' in \\u hexadecimal character escape", 1, 12},
        {"{\"a\": -}", "invalid character '}' in numeric literal", 1, 8},
        {"{\"a\": 1.}", "invalid character '}' after decimal point in numeric literal", 1, 9},
        {"{\"a\": 1e+}", "invalid character '}' in exponent of numeric literal", 1, 10},
        {"{\"a\": 01}", "invalid character '1' after object key:value pair", 1, 8},
        {"{\"a\": .5}", "invalid character '.' looking for beginning of value", 1, 7},
        {"[]", "json: cannot unmarshal array into Go value of type map[string]interface {}", 1, 1},
        {" \"x\"", "json: cannot unmarshal string into Go value of type map[string]interface {}", 1, 2},
        {"3", "json: cannot unmarshal number into Go value of type map[string]interface {}", 1, 1},
        {"true", "json: cannot unmarshal bool into Go value of type map[string]interface {}", 1, 1},
        {"{\"a\": 1e999, \"b\": 2e999}", "json: cannot unmarshal number 1e999 into Go value of type float64", 1, 7},
    };
    for (size_t i = 0; i < KD_COUNT(cases); i++) {
        fixture f;
        read_text(&f, kd_str_from_c(cases[i].text));
        if (f.root)
            fail_msg("accepted: %s", cases[i].text);
        assert_str(f.compat, cases[i].compat);
        assert_int_equal(f.errors.errors, 1);
        assert_str(f.errors.first->at->file, "f.json");
        assert_int_equal(f.errors.first->at->line, cases[i].line);
        assert_int_equal(f.errors.first->at->column, cases[i].column);
        assert_true(f.errors.first->message.n > 0);
        kd_arena_reset(&f.arena);
    }
}

static void test_texts(void **state)
{
    static const struct {
        const char *json, *want;
    } cases[] = {
        {"\"\"", ""},
        {"\"a b\"", "a b"},
        {"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t"},
        {"\"\\u0041\\u00e9\\u20AC\"", "A\xc3\xa9\xe2\x82\xac"},
        {"\"\\ud83d\\ude00\"", "\xf0\x9f\x98\x80"},
        {"\"\\ud83d\"", "\xef\xbf\xbd"},
        {"\"\\ud83dx\"", "\xef\xbf\xbdx"},
        {"\"\\ud83d\\u0041\"", "\xef\xbf\xbd"
                               "A"},
        {"\"\\ude00\"", "\xef\xbf\xbd"},
        {"\"\xc3\xa9\"", "\xc3\xa9"},
        {"\"a\xff"
         "b\"",
         "a\xef\xbf\xbd"
         "b"},
        {"\"\xe2\x82\"", "\xef\xbf\xbd\xef\xbf\xbd"},
        {"\"\xed\xa0\x80\"", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
    };
    for (size_t i = 0; i < KD_COUNT(cases); i++) {
        fixture f;
        char text[128];
        snprintf(text, sizeof(text), "{\"k\": %s}", cases[i].json);
        read_text(&f, kd_str_from_c(text));
        assert_non_null(f.root);
        assert_str(kd_node_get(f.root, KD_STR("k"))->text, cases[i].want);
        kd_arena_reset(&f.arena);
    }
}

static void test_tree(void **state)
{
    fixture f;
    read_text(&f, KD_STR("{\n  \"a\": [1, -2.5e3, true],\n  \"b\": {\"c\": null}, \"d\": \"x\"\n}"));
    assert_non_null(f.root);
    assert_int_equal(f.root->n, 3);
    const kd_node *a = kd_node_get(f.root, KD_STR("a"));
    assert_int_equal(a->type, KD_NODE_LIST);
    assert_int_equal(a->n, 3);
    assert_int_equal(a->key_at->line, 2);
    assert_int_equal(a->key_at->column, 3);
    assert_int_equal(a->at->column, 8);
    assert_null(a->first->key_at);
    assert_true(a->first->next->number == -2500.0);
    assert_str(a->first->next->text, "-2.5e3");
    assert_int_equal(a->first->next->at->column, 12);
    assert_true(a->first->next->next->boolean);
    const kd_node *b = kd_node_typed(f.root, KD_STR("b"), KD_NODE_OBJECT);
    assert_int_equal(kd_node_get(b, KD_STR("c"))->type, KD_NODE_NULL);
    assert_null(kd_node_typed(f.root, KD_STR("d"), KD_NODE_OBJECT));
    assert_null(kd_node_get(f.root, KD_STR("e")));
    assert_null(kd_node_get(a, KD_STR("c")));
    assert_int_equal(f.errors.count, 0);
    kd_value value = kd_node_value(&f.arena, f.root);
    assert_int_equal(value.type, KD_OBJECT);
    assert_true(kd_value_get(kd_value_get(value, KD_STR("b")), KD_STR("c")).type == KD_NULL);
    kd_arena_reset(&f.arena);
}

static void test_null_is_empty(void **state)
{
    fixture f;
    read_text(&f, KD_STR("null"));
    assert_non_null(f.root);
    assert_int_equal(f.root->type, KD_NODE_OBJECT);
    assert_int_equal(f.root->n, 0);
    kd_arena_reset(&f.arena);
}

/* Few keys and many are compared in different ways. */
static void test_duplicates(void **state)
{
    static const int counts[] = {2, 10, 16, 17, 40, 200};
    for (size_t c = 0; c < KD_COUNT(counts); c++) {
        int n = counts[c];
        char *text = malloc(64 * (size_t)n + 64), *at = text;
        assert_non_null(text);
        at += sprintf(at, "{\"twice\": 1,\n");
        for (int i = 2; i < n; i++)
            at += sprintf(at, "\"key%d\": %d,", i, i);
        sprintf(at, "\n\"twice\": 2}");
        fixture f;
        read_text(&f, kd_str_from_c(text));
        assert_non_null(f.root);
        assert_int_equal(f.root->n, n - 1);
        assert_true(kd_node_get(f.root, KD_STR("twice"))->number == 2.0);
        assert_int_equal(f.errors.warnings, 1);
        assert_int_equal(f.errors.first->at->line, 1);
        uint32_t found = 0;
        for (const kd_node *node = f.root->first; node; node = node->next)
            found++;
        assert_int_equal(found, f.root->n);
        kd_arena_reset(&f.arena);
        free(text);
    }
}

static void test_depth(void **state)
{
    static const int depths[] = {100, KD_JSON_TREE_MAX_DEPTH, KD_JSON_TREE_MAX_DEPTH + 1};
    for (size_t i = 0; i < KD_COUNT(depths); i++) {
        size_t inner = (size_t)depths[i] - 1;
        char *text = malloc(inner * 2 + 16);
        assert_non_null(text);
        memcpy(text, "{\"a\":", 5);
        memset(text + 5, '[', inner);
        memset(text + 5 + inner, ']', inner);
        memcpy(text + 5 + 2 * inner, "}", 2);
        fixture f;
        read_text(&f, kd_str_from_c(text));
        if (depths[i] <= KD_JSON_TREE_MAX_DEPTH) {
            assert_non_null(f.root);
        } else {
            assert_null(f.root);
            assert_str(f.compat, "exceeded max depth");
        }
        kd_arena_reset(&f.arena);
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refused),       cmocka_unit_test(test_texts),      cmocka_unit_test(test_tree),
        cmocka_unit_test(test_null_is_empty), cmocka_unit_test(test_duplicates), cmocka_unit_test(test_depth),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
