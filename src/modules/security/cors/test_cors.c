#include "modules/security/cors/policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static kd_arena arena;

static int setup(void **state)
{
    kd_arena_init(&arena, NULL, 0);
    return 0;
}

static int teardown(void **state)
{
    kd_arena_reset(&arena);
    return 0;
}

#define MAX 24

typedef struct texts {
    kd_str v[MAX];
    uint32_t n;
} texts;

/* The texts of a NULL-ended list. */
static kd_cors_list list_of(texts *to, const char *const *from)
{
    to->n = 0;
    for (; from && *from; from++)
        to->v[to->n++] = kd_str_from_c(*from);
    return (kd_cors_list){to->v, to->n};
}

static void test_origins(void **state)
{
    static const char
        *const listed[] = {"http://a.example", "https://*.b.example", "http://localhost:*", "HTTP://Up.example", NULL},
               *const star[] = {"http://a.example", "*", NULL}, *const two_stars[] = {"https://*.b*.example", NULL},
               *const empty[] = {"", NULL}, *const null[] = {"null", NULL},
               *const open_end[] = {"https://app.example*", NULL}, *const overlap[] = {"ab*ba", NULL};
    static const struct {
        const char *const *list;
        const char *origin;
        bool taken;
    } cases[] = {
        {listed, "http://a.example", true},
        {listed, "HTTP://A.Example", true},
        {listed, "https://a.example", false},
        {listed, "http://a.example:80", false},
        {listed, "http://a.example/", false},
        {listed, "http://a.example.evil.test", false},
        {listed, "http://evil-a.example", false},
        {listed, "xhttp://a.example", false},
        {listed, "http://a.exampl", false},
        {listed, "null", false},
        {listed, "", false},
        {listed, "https://x.b.example", true},
        {listed, "https://x.y.b.example", true},
        {listed, "https://.b.example", true},
        {listed, "https://b.example", false},
        {listed, "https://evilb.example", false},
        {listed, "https://x.b.example.evil.test", false},
        {listed, "http://x.b.example", false},
        {listed, "https://X.B.EXAMPLE", true},
        {listed, "http://localhost:8080", true},
        {listed, "http://localhost:", true},
        {listed, "http://localhost", false},
        {listed, "http://localhost.evil.test:1", false},
        {listed, "http://up.example", true},
        {listed, "http://a.example http://b.example", false},
        {star, "http://z.example", true},
        {star, "null", true},
        {two_stars, "https://x.b*.example", true},
        {two_stars, "https://x.by.example", false},
        {empty, "http://a.example", false},
        {null, "null", true},
        {null, "http://a.example", false},
        {open_end, "https://app.example.evil.test", true}, /* as written */
        {open_end, "https://app.exampl", false},
        {overlap, "aba", false},
        {overlap, "abba", true},
        {NULL, "null", true},
        {NULL, "http://z.example", true},
    };
    for (size_t i = 0; i < KD_COUNT(cases); i++) {
        texts origins;
        kd_cors_options options = {.origins = list_of(&origins, cases[i].list)};
        kd_cors_policy *policy = kd_cors_policy_create(&arena, &options);
        assert_non_null(policy);
        if (kd_cors_policy_takes_origin(policy, kd_str_from_c(cases[i].origin)) != cases[i].taken)
            fail_msg("case %zu: %s", i, cases[i].origin);
        assert_int_equal(kd_cors_policy_takes_all(policy), cases[i].list == star || !cases[i].list);
    }
}

/* Listed origins are found by their text, however many there are; those with an asterisk are not. */
static void test_places(void **state)
{
    static const uint32_t sizes[] = {1, 2, 3, 5, 64, 1000};
    for (size_t s = 0; s < KD_COUNT(sizes); s++) {
        uint32_t n = sizes[s];
        kd_str *list = KD_NEW_ARRAY(&arena, kd_str, n);
        for (uint32_t i = 0; i < n; i++) /* alike but for the middle, the length, or the end */
            list[i] = kd_arena_printf(&arena,
                                      i % 4 == 3   ? "https://*.tenant%u.example.com"
                                      : i % 4 == 2 ? "http://s.example:%u"
                                      : i % 4      ? "https://Tenant%u.example.com"
                                                   : "%u",
                                      i);
        kd_cors_options options = {.origins = {list, n}};
        kd_cors_policy *policy = kd_cors_policy_create(&arena, &options);
        assert_non_null(policy);
        assert_int_equal(kd_cors_policy_origins(policy), n);
        for (uint32_t i = 0; i < n; i++) {
            kd_str text = kd_cors_policy_origin(policy, i);
            assert_int_equal(text.p == NULL, i % 4 == 3);
            assert_int_equal(kd_cors_policy_place(policy, list[i]), i % 4 == 3 || i % 4 == 1 ? -1 : (int)i);
            if (!text.p)
                continue;
            assert_int_equal(kd_cors_policy_place(policy, text), i);
            kd_str other = kd_arena_printf(&arena, "%.*sx", KD_FMT(text));
            assert_int_equal(kd_cors_policy_place(policy, other), -1);
        }
        assert_int_equal(kd_cors_policy_place(policy, KD_STR("")), -1);
        assert_int_equal(kd_cors_policy_place(policy, KD_STR("https://tenant1.example.net")), -1);
    }
    kd_cors_policy *every = kd_cors_policy_create(&arena, &(kd_cors_options){.origins = {NULL, 0}});
    assert_int_equal(kd_cors_policy_place(every, KD_STR("0")), -1);
    assert_int_equal(kd_cors_policy_origins(every), 0);
}

static void test_methods(void **state)
{
    static const char *const own[] = {"POST", "patch", "GET", NULL};
    static const struct {
        const char *const *list;
        const char *method;
        bool taken;
    } cases[] = {
        {NULL, "GET", true},     {NULL, "HEAD", true},  {NULL, "POST", true},    {NULL, "PUT", false},
        {NULL, "get", false},    {NULL, "", false},     {NULL, "OPTIONS", true}, {own, "POST", true},
        {own, "HEAD", false},    {own, "PATCH", false}, {own, "patch", true},    {own, "OPTIONS", true},
        {own, "options", false},
    };
    for (size_t i = 0; i < KD_COUNT(cases); i++) {
        texts methods;
        kd_cors_options options = {.methods = list_of(&methods, cases[i].list)};
        kd_cors_policy *policy = kd_cors_policy_create(&arena, &options);
        assert_non_null(policy);
        if (kd_cors_policy_takes_method(policy, kd_str_from_c(cases[i].method)) != cases[i].taken)
            fail_msg("case %zu: %s", i, cases[i].method);
    }
}

static void test_headers(void **state)
{
    static const char *const own[] = {"X-B", "Content-Type", "x-b", "Authorization", NULL};
    static const struct {
        const char *values[4];
        bool taken;
    } cases[] = {
        {{"authorization"}, true},
        {{"authorization,content-type,x-b"}, true},
        {{"authorization, content-type ,\tx-b"}, true},
        {{"authorization,  content-type"}, false},
        {{"authorization  ,content-type"}, false},
        {{"content-type,authorization"}, false},
        {{"x-b,x-b"}, false},
        {{"X-B"}, false},
        {{"x-a"}, false},
        {{"x-bb"}, false},
        {{"x-"}, false},
        {{""}, true},
        {{"  "}, true},
        {{"   "}, false},
        {{",,authorization,,"}, true},
        {{",,,,,,,,,,,,,,,authorization"}, true},
        {{",,,,,,,,,,,,,,,,,authorization"}, false},
        {{"authorization", "content-type"}, true},
        {{"content-type", "authorization"}, false},
        {{"authorization", "authorization"}, false},
        {{",,,,,,,,", ",,,,,,,", "authorization"}, false},
        {{"authorization,", "x-b"}, true},
        {{"authorization aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa,x-b"}, false},
        {{"*"}, false},
        {{"content-type;q=1"}, false},
    };
    texts names;
    kd_cors_options options = {.headers = list_of(&names, own)};
    kd_cors_policy *policy = kd_cors_policy_create(&arena, &options);
    assert_non_null(policy);
    for (size_t i = 0; i < KD_COUNT(cases); i++) {
        kd_str values[4];
        uint32_t n = 0;
        for (; n < 4 && cases[i].values[n]; n++)
            values[n] = kd_str_from_c(cases[i].values[n]);
        if (kd_cors_policy_takes_headers(policy, (kd_cors_list){values, n}) != cases[i].taken)
            fail_msg("case %zu: %s", i, cases[i].values[0]);
    }
}

static void test_any_header(void **state)
{
    static const char *const star[] = {"X-A", "*", NULL};
    const char *const *lists[] = {NULL, star};
    for (size_t i = 0; i < KD_COUNT(lists); i++) {
        texts names;
        kd_str value = KD_STR("X-B, Content-Type,,,  ,");
        kd_cors_options options = {.headers = list_of(&names, lists[i])};
        kd_cors_policy *policy = kd_cors_policy_create(&arena, &options);
        assert_non_null(policy);
        assert_true(kd_cors_policy_takes_headers(policy, (kd_cors_list){&value, 1}));
    }
}

/* Without memory there is no policy rather than an open one. */
static void test_no_memory(void **state)
{
    static const char *const own[] = {"x-a", "x-b", NULL};
    for (long n = 1; n < 8; n++) {
        kd_arena small;
        texts a, b;
        kd_cors_options options = {.origins = list_of(&a, own), .headers = list_of(&b, own)};
        kd_arena_init(&small, NULL, 0);
        kd_arena_fail_after(n);
        kd_cors_policy *policy = kd_cors_policy_create(&small, &options);
        kd_arena_fail_after(0);
        if (policy)
            assert_false(kd_cors_policy_takes_origin(policy, KD_STR("x-c")));
        kd_arena_reset(&small);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_origins), cmocka_unit_test(test_places),     cmocka_unit_test(test_methods),
        cmocka_unit_test(test_headers), cmocka_unit_test(test_any_header), cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests_name("cors", tests, setup, teardown);
}
