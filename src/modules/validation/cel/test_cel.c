#include "modules/validation/cel/variables.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

static kd_arena arena;

static int setup(void **state)
{
    (void)state;
    kd_arena_init(&arena, NULL, 0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    kd_arena_reset(&arena);
    return 0;
}

static void assert_text(kd_cel_value v, const char *text)
{
    assert_int_equal(v.type, KD_CEL_STRING);
    assert_true(kd_str_eq(kd_cel_text(v), kd_str_from_c(text)));
}

/* Milliseconds without zeros at their end, the zone's offset or Z, once for a scene. */
static void test_now(void **state)
{
    (void)state;
    static const struct {
        const char *zone, *text;
        kd_ns wall;
    } cases[] = {
        {"UTC", "1970-01-01T00:00:00Z", 0},
        {"UTC", "1970-01-01T00:00:01.5Z", 1500 * KD_MS},
        {"UTC", "1970-01-01T00:00:00.007Z", 7 * KD_MS + 999},
        {"UTC", "2026-11-21T08:03:45.12Z", 1795248225 * KD_SECOND + 120 * KD_MS},
        {"EAST-5:30", "2026-11-21T13:33:45+05:30", 1795248225 * KD_SECOND},
        {"WEST+3:30", "2026-11-21T04:33:45-03:30", 1795248225 * KD_SECOND},
    };
    for (size_t i = 0; i < KD_COUNT(cases); i++) {
        setenv("TZ", cases[i].zone, 1);
        tzset();
        kd_cel_scene scene = {.arena = &arena, .now = cases[i].wall};
        kd_cel_value now;
        assert_true(kd_cel_scene_resolve(&scene, KD_CEL_NOW, &now));
        assert_text(now, cases[i].text);
        const char *first = now.text;
        assert_true(kd_cel_scene_resolve(&scene, KD_CEL_NOW, &now));
        assert_ptr_equal(first, now.text);
    }
}

/* Each phase has its own variables; the others are not there. */
static void test_phases(void **state)
{
    (void)state;
    kd_request request = {.method = KD_STR_INIT("GET"), .path = KD_STR_INIT("/a")};
    kd_response response = {.complete = true, .raw = true, .status = 201, .data = {.type = KD_NULL}};
    kd_value claims = kd_value_object(kd_object_create(&arena, 0));
    kd_headers_init(&request.headers, &arena);
    kd_headers_init(&response.headers, &arena);
    kd_cel_scene scenes[] = {{.arena = &arena, .request = &request},
                             {.arena = &arena, .response = &response},
                             {.arena = &arena, .claims = &claims}};
    for (size_t i = 0; i < KD_COUNT(scenes); i++)
        for (uint32_t name = 0; name < KD_CEL_NAMES; name++) {
            kd_cel_value value;
            size_t phase = name < KD_CEL_RESP_COMPLETED ? 0 : name < KD_CEL_JWT ? 1 : 2;
            assert_int_equal(kd_cel_scene_resolve(&scenes[i], name, &value), name == KD_CEL_NOW || phase == i);
        }
    kd_cel_value value;
    assert_true(kd_cel_scene_resolve(&scenes[1], KD_CEL_RESP_METADATA_STATUS, &value));
    assert_int_equal(value.i, 201);
    response.raw = false;
    scenes[1].made[KD_CEL_RESP_METADATA_STATUS] = (kd_cel_value){.type = KD_CEL_ERROR};
    assert_true(kd_cel_scene_resolve(&scenes[1], KD_CEL_RESP_METADATA_STATUS, &value));
    assert_int_equal(value.i, 0);
    assert_true(kd_cel_scene_resolve(&scenes[1], KD_CEL_RESP_DATA, &value));
    assert_int_equal(value.type, KD_CEL_MAP);
}

/* A name that comes several times is one list, in the order of coming. */
static void test_lists(void **state)
{
    (void)state;
    kd_request request = {.raw_query = KD_STR_INIT("a=1&b=2&a=3&a=")};
    kd_headers_init(&request.headers, &arena);
    kd_cel_scene scene = {.arena = &arena, .request = &request};
    kd_cel_value query;
    assert_true(kd_cel_scene_resolve(&scene, KD_CEL_REQ_QUERYSTRING, &query));
    assert_int_equal(query.type, KD_CEL_MAP);
    assert_true(query.wrapped);
    assert_int_equal(query.data->n, 2);
    kd_value a = kd_value_get(*query.data, KD_STR("a")), b = kd_value_get(*query.data, KD_STR("b")), item;
    assert_int_equal(a.n, 3);
    assert_int_equal(b.n, 1);
    static const char *const expected[] = {"1", "3", ""};
    kd_value_iter items = kd_value_each(a);
    kd_str none;
    for (size_t i = 0; kd_value_next(&items, &none, &item); i++)
        assert_true(kd_str_eq(kd_value_text(item), kd_str_from_c(expected[i])));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_now, setup, teardown),
        cmocka_unit_test_setup_teardown(test_phases, setup, teardown),
        cmocka_unit_test_setup_teardown(test_lists, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
