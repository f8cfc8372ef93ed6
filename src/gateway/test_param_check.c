#include "gateway/param_check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static void values(void **state)
{
    (void)state;
    static const struct {
        const char *value, *body; /* NULL: passes */
    } cases[] = {
        {"", NULL},
        {"a b+c;d:@,=&$!*'()[]", NULL},
        {"\xc3\xa9/..", NULL},
        {"%", "error: invalid URL escape \"%\""},
        {"a%2", "error: invalid URL escape \"%2\""},
        {"%zz", "error: invalid URL escape \"%zz\""},
        {"%zz%", "error: invalid URL escape \"%zz\""},
        {"%41%4g9", "error: invalid URL escape \"%4g\""},
        {"%\"\n", "error: invalid URL escape \"%\\\"\\n\""},
        {"%\xc3\xa9", "error: invalid URL escape \"%\xc3\xa9\""},
        {"%\xe2\x82\xac", "error: invalid URL escape \"%\\xe2\\x82\""},
        {"%25", "error: encoded url params"},
        {"%2F", "error: encoded url params"},
        {"a?b", "error: encoded url params"},
        {"#", "error: encoded url params"},
        {"?%", "error: invalid URL escape \"%\""},
    };
    for (size_t i = 0; i < KD_COUNT(cases); i++) {
        kd_arena arena = {0};
        kd_str body = KD_STR("");
        kd_route_param params[2] = {{KD_STR("a"), KD_STR("fine")}, {KD_STR("b"), kd_str_from_c(cases[i].value)}};
        bool passes = kd_param_check(params, 2, &arena, &body);
        if (passes != !cases[i].body || (cases[i].body && !kd_str_eq(body, kd_str_from_c(cases[i].body))))
            fail_msg("%s: %.*s", cases[i].value, KD_FMT(body));
        kd_arena_reset(&arena);
    }
}

static void the_first_bad_value_speaks(void **state)
{
    (void)state;
    kd_arena arena = {0};
    kd_str body;
    kd_route_param params[2] = {{KD_STR("a"), KD_STR("?")}, {KD_STR("b"), KD_STR("%")}};
    assert_false(kd_param_check(params, 2, &arena, &body));
    assert_true(kd_str_eq(body, KD_STR("error: encoded url params")));
    kd_arena_fail_after(1);
    assert_false(kd_param_check(params + 1, 1, &arena, &body));
    kd_arena_fail_after(0);
    assert_null(body.p);
    assert_true(kd_param_check(params, 0, &arena, &body));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(values), cmocka_unit_test(the_first_bad_value_speaks)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
