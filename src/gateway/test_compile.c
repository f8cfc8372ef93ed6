#include "gateway/generation.h"
#include "gateway/steps/core.h"

#include "config/field.h"
#include "config/load_bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static bool has_step(const kd_plan *plan, const kd_step_type *type)
{
    for (uint16_t i = 0; i < plan->n_steps; i++)
        if (plan->steps[i].type == type)
            return true;
    return false;
}

/* Names of their own, so that the test outlives the components that are still to come. */
static const kd_namespace gates[] = {
    {.name = KD_STR_INIT("auth/gate"),
     .alias = KD_STR_INIT("former-gate"),
     .scopes = KD_SCOPE_ENDPOINT | KD_SCOPE_BACKEND,
     .guards_access = true},
    {.name = KD_STR_INIT("other/gate"), .scopes = KD_SCOPE_ENDPOINT | KD_SCOPE_BACKEND, .guards_access = true},
    {.name = KD_STR_INIT("auth/open"), .scopes = KD_SCOPE_ENDPOINT},
};

/* An endpoint answers 501 where what guards it is not available, also where its block is no object; KrakenD ignores
 * such blocks but for those of auth/ at endpoints (conformance config/start/extra_config_wrong_types). */
static void test_guards(void **state)
{
    static const struct {
        const char *endpoint, *backend; /* their extra_config */
        bool closed;
    } cases[] = {
        {"{}", "{}", false},
        {"{\"auth/gate\":{}}", "{}", true},
        {"{\"auth/gate\":\"x\"}", "{}", true},
        {"{\"auth/gate\":null}", "{}", true},
        {"{\"former-gate\":[]}", "{}", true},
        {"{\"other/gate\":{}}", "{}", true},
        {"{\"other/gate\":1}", "{}", false},
        {"{}", "{\"other/gate\":{}}", true},
        {"{}", "{\"auth/gate\":\"x\"}", false},
        {"{}", "{\"auth/gate\":{}}", true},
        {"{\"auth/open\":\"x\"}", "{}", false},
        {"{\"auth/none\":\"x\"}", "{}", false},
    };
    kd_namespaces_register(gates, KD_COUNT(gates));
    for (size_t i = 0; i < KD_COUNT(cases); i++) {
        kd_arena arena, work;
        kd_errors errors;
        kd_loaded loaded;
        kd_load_options options = {.path = "f.json"};
        kd_arena_init(&arena, NULL, 0);
        kd_arena_init(&work, NULL, 0);
        kd_errors_init(&errors, &work, 20);
        kd_str text = kd_arena_printf(&work,
                                      "{\"version\":3,\"host\":[\"http://h\"],\"endpoints\":[{\"endpoint\":\"/a\","
                                      "\"extra_config\":%s,\"backend\":[{\"extra_config\":%s}]}]}",
                                      cases[i].endpoint, cases[i].backend);
        kd_config_load_bytes(&arena, &work, &options, text, KD_SEVERITY_ERROR, &errors, &loaded);
        assert_non_null(loaded.service);
        kd_generation *g = kd_generation_create(&arena, loaded.service, 1, &errors);
        assert_non_null(g);
        if (has_step(g->plans[0], &kd_core_unavailable) != cases[i].closed)
            fail_msg("%s, backend %s: expected the endpoint to be %s", cases[i].endpoint, cases[i].backend,
                     cases[i].closed ? "closed" : "open");
        kd_generation_destroy(g);
        kd_arena_reset(&work);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_guards)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
