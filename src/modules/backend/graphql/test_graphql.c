#include "modules/backend/graphql/operation.h"
#include "text/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static kd_arena arena;
static kd_buf out, scratch;

static int setup(void **state)
{
    kd_arena_init(&arena, NULL, 0);
    kd_buf_init(&out, 1 << 20);
    kd_buf_init(&scratch, 1 << 20);
    return 0;
}

static int teardown(void **state)
{
    kd_buf_fini(&out);
    kd_buf_fini(&scratch);
    kd_arena_reset(&arena);
    return 0;
}

static kd_value parse(const char *json)
{
    kd_value v = KD_VALUE_NULL;
    kd_str error;
    size_t n = strlen(json);
    char *text = kd_arena_zero(&arena, n + KD_JSON_PAD);
    memcpy(text, json, n);
    if (n)
        assert_int_equal(kd_json_read(NULL, &arena, text, n, &v, &error), KD_JSON_OK);
    return v;
}

static kd_graphql make(bool mutation, const char *query, const char *name, const char *variables)
{
    kd_graphql g = {.mutation = mutation,
                    .query = kd_str_from_c(query),
                    .name = kd_str_from_c(name),
                    .variables = parse(variables)};
    assert_true(kd_graphql_prepare(&g, &arena));
    return g;
}

static void equals(kd_str got, const char *want)
{
    if (!kd_str_eq(got, kd_str_from_c(want)))
        fail_msg("got %.*s\nwant %s", KD_FMT(got), want);
}

static void test_constant(void **state)
{
    static const struct {
        const char *query, *name, *variables, *body;
    } cases[] = {
        {"{ a }", "", "", "{\"query\":\"{ a }\"}"},
        {"", "", "{}", "{\"query\":\"\"}"},
        {"q\n\t\"<", "N", "{\"b\":1e3,\"a\":[1.50,{\"z\":null,\"y\":\"{x}\"}]}",
         "{\"query\":\"q\\n\\t\\\"\\u003c\",\"operationName\":\"N\",\"variables\":{\"a\":[1.5,{\"y\":\"{x}\",\"z\":"
         "null}],\"b\":1000}}"},
        {"\xff", "", "", "{\"query\":\"\\ufffd\"}"},
        {"q", "", "{\"a\":\"\",\"b\":\"{}\",\"c\":\"x{id}\",\"d\":\"{id}x\",\"e\":\"{\"}",
         "{\"query\":\"q\",\"variables\":{\"a\":\"\",\"b\":\"{}\",\"c\":\"x{id}\",\"d\":\"{id}x\",\"e\":\"{\"}}"},
    };
    for (size_t i = 0; i < KD_COUNT(cases); i++) {
        kd_graphql g = make(false, cases[i].query, cases[i].name, cases[i].variables);
        assert_int_equal(g.n_places, 0);
        equals(g.constant, cases[i].body);
    }
}

static void test_places(void **state)
{
    kd_graphql g =
        make(false, "q", "", "{\"z\":\"{id_show}\",\"a\":\"{not a param}\",\"n\":1,\"deep\":{\"x\":\"{id}\"}}");
    assert_int_equal(g.n_places, 2);
    assert_null(g.constant.p);
    kd_str values[2] = {KD_STR(""), KD_STR("")};
    for (uint32_t i = 0; i < 2; i++) {
        bool show = kd_str_eq(g.places[i].param, KD_STR("Id_show"));
        assert_true(show || kd_str_eq(g.places[i].param, KD_STR("Not a param")));
        if (show)
            values[i] = KD_STR("4\"\xc3\xa9\xff");
    }
    kd_buf_reset(&out, SIZE_MAX);
    kd_graphql_write_body(&g, kd_graphql_fill(&g, &arena, values), &out);
    equals(kd_buf_str(&out), "{\"query\":\"q\",\"variables\":{\"a\":\"\",\"deep\":{\"x\":\"{id}\"},\"n\":1,"
                             "\"z\":\"4\\\"\xc3\xa9\\ufffd\"}}");
    kd_buf_reset(&out, SIZE_MAX);
    kd_graphql_write_query(&g, kd_graphql_fill(&g, &arena, values), &scratch, &out);
    equals(kd_buf_str(&out),
           "query=q&variables=%7B%22a%22%3A%22%22%2C%22deep%22%3A%7B%22x%22%3A%22%7Bid%7D%22%7D%2C%22n"
           "%22%3A1%2C%22z%22%3A%224%5C%22%C3%A9%5Cufffd%22%7D");
}

/* Errors as Go's json.Unmarshal words them. */
static void test_mutation(void **state)
{
#define TO_MAP " into Go value of type map[string]interface {}"
    static const struct {
        const char *variables, *body, *sent, *error;
    } cases[] = {
        {"", "{}", "{\"query\":\"m\"}", NULL},
        {"", "null", "{\"query\":\"m\"}", NULL},
        {"{}", " null ", "{\"query\":\"m\"}", NULL},
        {"{\"a\":1,\"b\":\"{id}\",\"c\":{\"x\":1}}", "{\"a\":null,\"c\":{\"y\":2}}",
         "{\"query\":\"m\",\"variables\":{\"a\":null,\"b\":\"{id}\",\"c\":{\"y\":2}}}", NULL},
        {"", "\n{\"n\":1.50,\"big\":12345678901234567890,\"h\":\"<1.50>\\\"2.50\",\"n\":-0}\r\n\t ",
         "{\"query\":\"m\",\"variables\":{\"big\":12345678901234567000,\"h\":\"\\u003c1.50\\u003e\\\"2.50\",\"n\":-0}}",
         NULL},
        {"", "{\"s\":\"\\\\\",\"t\":1e2}", "{\"query\":\"m\",\"variables\":{\"s\":\"\\\\\",\"t\":100}}", NULL},
        {"", "{\"\xff\":\"\\ud800\"}", "{\"query\":\"m\",\"variables\":{\"\xef\xbf\xbd\":\"\xef\xbf\xbd\"}}", NULL},
        {"", "", NULL, "unexpected end of JSON input"},
        {"", "  ", NULL, "unexpected end of JSON input"},
        {"", "{\"a\":", NULL, "unexpected end of JSON input"},
        {"", "{} x", NULL, "invalid character 'x' after top-level value"},
        {"", "[] x", NULL, "invalid character 'x' after top-level value"},
        {"", "{broken", NULL, "invalid character 'b' looking for beginning of object key string"},
        {"", "\xef\xbb\xbf{}", NULL, "invalid character '\xc3\xaf' looking for beginning of value"},
        {"", "[1]", NULL, "json: cannot unmarshal array" TO_MAP},
        {"", "\"x\"", NULL, "json: cannot unmarshal string" TO_MAP},
        {"", "1", NULL, "json: cannot unmarshal number" TO_MAP},
        {"", "true", NULL, "json: cannot unmarshal bool" TO_MAP},
        {"", "{\"a\":[1e999]}", NULL, "json: cannot unmarshal number 1e999 into Go value of type float64"},
        {"{\"a\":1}", "null", NULL, "a JSON object is expected, not null"},
    };
    for (size_t i = 0; i < KD_COUNT(cases); i++) {
        kd_graphql g = make(true, "m", "", cases[i].variables);
        kd_str error = {0};
        kd_value v;
        kd_graphql_result result = kd_graphql_read(&g, &arena, kd_str_from_c(cases[i].body), &scratch, &v, &error);
        assert_int_equal(result, cases[i].sent ? KD_GRAPHQL_OK : KD_GRAPHQL_BAD_BODY);
        if (!cases[i].sent) {
            equals(error, cases[i].error);
            continue;
        }
        kd_buf_reset(&out, SIZE_MAX);
        kd_graphql_write_body(&g, v, &out);
        equals(kd_buf_str(&out), cases[i].sent);
    }
}

/* Nothing but false or a whole answer when memory ends anywhere. */
static void test_no_memory(void **state)
{
    unsigned whole = 0;
    for (long n = 1; n < 40; n++) {
        kd_arena small;
        kd_arena_init(&small, NULL, 0);
        kd_graphql g = {.mutation = n % 2, .query = KD_STR("q"), .variables = parse("{\"a\":\"{b}\",\"c\":2}")};
        kd_str error = {0}, values[1] = {KD_STR("v")};
        kd_value v = KD_VALUE_ABSENT;
        kd_arena_fail_after(n);
        bool ok = kd_graphql_prepare(&g, &small);
        if (ok && g.mutation)
            ok = kd_graphql_read(&g, &small, KD_STR("{\"x\":[1,2]}"), &scratch, &v, &error) == KD_GRAPHQL_OK;
        else if (ok)
            ok = (v = kd_graphql_fill(&g, &small, values)).type != KD_ABSENT;
        kd_arena_fail_after(0);
        if (ok) {
            kd_buf_reset(&out, SIZE_MAX);
            kd_graphql_write_body(&g, v, &out);
            equals(kd_buf_str(&out), g.mutation ? "{\"query\":\"q\",\"variables\":{\"a\":\"{b}\",\"c\":2,\"x\":[1,2]}}"
                                                : "{\"query\":\"q\",\"variables\":{\"a\":\"v\",\"c\":2}}");
            whole++;
        }
        kd_arena_reset(&small);
    }
    assert_in_range(whole, 1, 38);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_constant),
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_mutation),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
