#include "config/uri.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void assert_str(kd_str got, const char *want)
{
    if (!kd_str_eq(got, kd_str_from_c(want)))
        fail_msg("got \"%.*s\", want \"%s\"", KD_FMT(got), want);
}

static void test_hosts(void **state)
{
    static const struct {
        const char *host, *clean; /* NULL: refused */
    } cases[] = {
        {"http://a", "http://a"},
        {"https://a:8443", "https://a:8443"},
        {"a", "http://a"},
        {"a.b-c_d:80", "http://a.b-c_d:80"},
        {"http://a/", "http://a"},
        {"a/", "http://a"},
        {"https://a:443/", "https://a:443"},
        {"http://", "http://http"},
        {"https:/", "http://https"},
        {"$host", "http://host"},
        {"5", "http://5"},
        {"http://a:123456", "http://a:123456"},
        {"http://a:1234567", NULL},
        {"http://a:1", NULL},
        {"http://a/path", NULL},
        {"http://a//", "http://a"},
        {"HTTP://a", NULL},
        {"ws://a", NULL},
        {"http://[::1]:80", NULL},
        {"http://u:p@a", NULL},
        {"http://a,http://b", NULL},
        {"a b", NULL},
        {"", NULL},
        {"://", NULL},
    };
    kd_arena arena;
    kd_arena_init(&arena, NULL, 0);
    for (size_t i = 0; i < KD_COUNT(cases); i++) {
        kd_str clean, host = kd_str_from_c(cases[i].host);
        kd_host_result result = kd_host_clean(&arena, host, &clean);
        if (result != (cases[i].clean ? KD_HOST_OK : KD_HOST_INVALID))
            fail_msg("host \"%s\"", cases[i].host);
        if (cases[i].clean)
            assert_str(clean, cases[i].clean);
        assert_true(strlen(kd_host_advice(host)) > 0);
    }
    kd_arena_reset(&arena);
}

static void test_reserved(void **state)
{
    static const struct {
        const char *path;
        bool reserved;
    } cases[] = {
        {"/a", false},          {"/__health", true},   {"/foo/__health", true}, {"/__healthy", false},
        {"/__health/x", true},  {"/__debug/", true},   {"/__echo", true},       {"/__echo/a/b", true},
        {"/x__echo", false},    {"/a*b", true},        {"/a/*/b", true},        {"/a/*", false},
        {"/*", false},          {"/**", true},         {"/__stats", false},     {"/__debug/__debugx", true},
        {"/__debugx/y", false}, {"/__debug\n", false}, {"/a*\n", false},
    };
    for (size_t i = 0; i < KD_COUNT(cases); i++) {
        const char *why = NULL;
        if (kd_path_is_reserved(kd_str_from_c(cases[i].path), &why) != cases[i].reserved)
            fail_msg("path \"%s\"", cases[i].path);
        assert_true(!cases[i].reserved || why);
    }
}

static void test_params(void **state)
{
    static const struct {
        const char *path;
        bool whole;
        const char *params, *route;
    } cases[] = {
        {"/a", true, "[]", "/a"},
        {"/a/{id}", true, "[id]", "/a/:id"},
        {"/{a}/{b-c}/{d_1}", true, "[a b-c d_1]", "/:a/:b-c/:d_1"},
        {"/f.{ext}", true, "[]", "/f.{ext}"},
        {"/f.{ext}", false, "[ext]", "/f.:ext"},
        {"/file/{name}.json", true, "[name]", "/file/:name.json"},
        {"/{a}.{b}", true, "[a]", "/:a.{b}"},
        {"/{a}.{b}", false, "[a b]", "/:a.:b"},
        {"/{user.id}", true, "[]", "/{user.id}"},
        {"/{user.id}", false, "[user.id]", "/:user.id"},
        {"/{}", true, "[]", "/{}"},
        {"/{b", true, "[]", "/{b"},
        {"/{{a}}", false, "[a]", "/{:a}"},
        {"/{a}?x={a}", true, "[a]", "/:a?x={a}"},
        {"/:x", true, "[]", "/:x"},
        {"/{a}{a}", true, "[a]", "/:a:a"},
        {"{a}", true, "[]", "{a}"},
    };
    kd_arena arena;
    kd_arena_init(&arena, NULL, 0);
    for (size_t i = 0; i < KD_COUNT(cases); i++) {
        kd_str_list params;
        kd_str path = kd_str_from_c(cases[i].path);
        assert_true(kd_params_find(&arena, path, cases[i].whole, &params));
        assert_str(kd_params_print(&arena, &params), cases[i].params);
        assert_str(kd_path_to_route(&arena, path, &params), cases[i].route);
    }
    kd_str list[] = {KD_STR("b"), KD_STR("a"), KD_STR("b"), KD_STR("B")};
    kd_str_list sorted = {list, KD_COUNT(list)};
    kd_params_sort(&sorted);
    assert_str(kd_params_print(&arena, &sorted), "[B a b]");
    assert_true(kd_params_contain(&sorted, KD_STR("a")));
    assert_false(kd_params_contain(&sorted, KD_STR("c")));
    assert_str(kd_path_with_slash(&arena, KD_STR("a/b")), "/a/b");
    assert_str(kd_path_with_slash(&arena, KD_STR("//a")), "//a");
    assert_str(kd_path_with_slash(&arena, KD_STR("")), "/");
    kd_arena_reset(&arena);
}

static void test_sequential(void **state)
{
    static const struct {
        const char *name;
        bool sequential;
    } cases[] = {
        {"resp0_id", true}, {"resp12_a.b", true}, {"resp0", false}, {"resp0_", false}, {"resp_a", false},
        {"JWT.sub", true},  {"JWT.", false},      {"JWT", false},   {"id", false},     {"xresp0_id", false},
    };
    for (size_t i = 0; i < KD_COUNT(cases); i++)
        if (kd_param_is_sequential(kd_str_from_c(cases[i].name)) != cases[i].sequential)
            fail_msg("name \"%s\"", cases[i].name);
}

static void test_pattern(void **state)
{
    static const struct {
        const char *source, *template;
        uint32_t pieces;
    } cases[] = {
        {"/", "/", 1},
        {"/a/b", "/a/b", 1},
        {"/{id}", "/{{.Id}}", 2},
        {"/u/{id}/x/{resp0_a.b}?q={JWT.sub}", "/u/{{.Id}}/x/{{.Resp0_a.b}}?q={{.JWT.sub}}", 6},
        {"/{a}{b}", "/{{.A}}{{.B}}", 3},
        {"/{}", "/{}", 1},
        {"/{1x}", "/{{.1x}}", 2},
    };
    kd_arena arena;
    kd_arena_init(&arena, NULL, 0);
    for (size_t i = 0; i < KD_COUNT(cases); i++) {
        kd_pattern pattern;
        kd_str_list params;
        kd_str source = kd_str_from_c(cases[i].source);
        assert_true(kd_params_find(&arena, source, false, &params));
        kd_params_sort(&params);
        assert_true(kd_pattern_compile(&arena, source, &params, &pattern));
        assert_str(pattern.source, cases[i].source);
        assert_str(pattern.template, cases[i].template);
        assert_int_equal(pattern.n, cases[i].pieces);
    }
    kd_arena_reset(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hosts),      cmocka_unit_test(test_reserved), cmocka_unit_test(test_params),
        cmocka_unit_test(test_sequential), cmocka_unit_test(test_pattern),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
