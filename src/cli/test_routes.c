#include "cli/command.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const kd_location lines[] = {
    {KD_STR_INIT("f"), 1, 1, NULL}, {KD_STR_INIT("f"), 2, 1, NULL}, {KD_STR_INIT("f"), 3, 1, NULL}};

static void add(kd_errors *errors, kd_severity severity, int line, const char *compat, const char *suggestion)
{
    kd_error *e = kd_errors_add(errors, severity, &lines[line - 1], KD_STR(""), "message");
    e->compat = kd_str_from_c(compat);
    e->suggestion = kd_str_from_c(suggestion);
}

static bool wildcard_in_line_2(kd_arena *arena, const kd_service *service, kd_errors *errors)
{
    add(errors, KD_SEVERITY_ERROR, 1, "handlers are already registered for path '/health'", "");
    add(errors, KD_SEVERITY_ERROR, 2, "wildcards must be named", "");
    return false;
}

/* A module's finding is no collision, whatever the reference would say about it. */
static bool module_in_line_1(kd_arena *arena, const kd_service *service, kd_errors *errors)
{
    for (int i = 0; i < 2; i++)
        kd_errors_add(errors, KD_SEVERITY_ERROR, &lines[0], KD_STR("auth/x"), "finding %d", i)->compat =
            KD_STR("interface conversion");
    kd_errors_add(errors, KD_SEVERITY_WARNING, &lines[0], KD_STR("auth/x"), "finding 1");
    return false;
}

static bool health_only(kd_arena *arena, const kd_service *service, kd_errors *errors)
{
    add(errors, KD_SEVERITY_ERROR, 1, "handlers are already registered for path '/health'", "");
    return false;
}

static void test_first_panic(void **state)
{
    static const char one[] = "handlers are already registered for path '/a'";
    static const struct {
        bool (*routes)(kd_arena *, const kd_service *, kd_errors *);
        int duplicate; /* line of the one that loading found, 0: none */
        const char *suggestion, *panic;
        uint32_t warnings;
    } cases[] = {
        {NULL, 0, "", "", 0},
        {NULL, 1, "", one, 1},
        {NULL, 1, "choose another health_path", "", 1},
        {health_only, 0, "", "", 0},
        {health_only, 1, "choose another health_path", "", 1},
        {module_in_line_1, 0, "", "", 2},
        {wildcard_in_line_2, 0, "", "wildcards must be named", 1},
        {wildcard_in_line_2, 1, "", one, 2},
        {wildcard_in_line_2, 3, "", "wildcards must be named", 2},
    };
    for (size_t i = 0; i < KD_COUNT(cases); i++) {
        kd_arena arena;
        kd_errors errors;
        const kd_cli_hooks hooks = {.routes = cases[i].routes};
        const kd_service service = {0};
        kd_arena_init(&arena, NULL, 0);
        kd_errors_init(&errors, &arena, 10);
        if (cases[i].duplicate)
            add(&errors, KD_SEVERITY_WARNING, cases[i].duplicate, one, cases[i].suggestion);
        kd_str panic = kd_cli_routes(&hooks, &arena, &service, &errors);
        if (!kd_str_eq(panic, kd_str_from_c(cases[i].panic)))
            fail_msg("case %zu: \"%.*s\"", i, KD_FMT(panic));
        assert_int_equal(errors.warnings, cases[i].warnings);
        assert_int_equal(errors.errors, 0);
        kd_arena_reset(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_first_panic)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
