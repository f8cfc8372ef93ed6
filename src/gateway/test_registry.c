#include "config/json_tree.h"
#include "gateway/registry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>

static unsigned made, gone;

static void *make(const void *options)
{
    made++;
    return options ? malloc(1) : NULL;
}

static void end(void *object)
{
    gone++;
    free(object);
}

static const kd_object_type bucket = {"test/bucket", make, end}, breaker = {"test/breaker", make, end};

static void begin(kd_generation *g)
{
    *g = (kd_generation){0};
    kd_arena_init(&g->arena, NULL, 0);
}

static void finish(kd_generation *g)
{
    kd_registry_release(g);
    kd_arena_reset(&g->arena);
}

/* An object lives from the first generation that wants it to the end of the last, whatever lies between. */
static void test_lifetimes(void **state)
{
    kd_generation one, two, three;
    begin(&one), begin(&two), begin(&three);
    made = gone = 0;
    void *a = kd_registry_adopt(&one, &bucket, KD_STR("a"), "x");
    void *b = kd_registry_adopt(&one, &bucket, KD_STR("b"), "x");
    void *other = kd_registry_adopt(&one, &breaker, KD_STR("a"), "x");
    assert_non_null(a);
    assert_true(a != b && a != other);
    assert_ptr_equal(kd_registry_adopt(&one, &bucket, KD_STR("a"), "x"), a);
    assert_ptr_equal(kd_registry_adopt(&two, &bucket, KD_STR("a"), "x"), a);
    assert_int_equal(made, 3);
    assert_int_equal(kd_registry_count(), 3);
    finish(&one);
    assert_int_equal(gone, 2);
    assert_ptr_equal(kd_registry_adopt(&three, &bucket, KD_STR("a"), "x"), a);
    finish(&two);
    assert_int_equal(kd_registry_count(), 1);
    finish(&three);
    assert_int_equal(gone, 3);
    assert_int_equal(kd_registry_count(), 0);
}

static void test_refused(void **state)
{
    kd_generation g;
    begin(&g);
    made = gone = 0;
    assert_null(kd_registry_adopt(&g, &bucket, KD_STR("a"), NULL));
    assert_int_equal(kd_registry_count(), 0);
    finish(&g);
    assert_int_equal(gone, 0);
}

static kd_str identity(kd_arena *arena, const char *text)
{
    kd_errors errors;
    kd_errors_init(&errors, arena, 10);
    kd_str compat;
    const kd_node *node = kd_json_tree_read(arena, KD_STR("f.json"), kd_str_from_c(text), &errors, &compat);
    assert_non_null(node);
    return kd_node_identity(arena, node);
}

static void test_identity(void **state)
{
    static const struct {
        const char *a, *b;
        bool same;
    } cases[] = {
        {"{\"a\":1,\"b\":[true,null]}", "{ \"b\":[true,null], \"@comment\":\"x\", \"a\":1 }", true},
        {"{\"a\":1}", "{\"a\":2}", false},
        {"{\"a\":1}", "{\"a\":\"1\"}", false},
        {"{\"a\":[1,2]}", "{\"a\":[2,1]}", false},
        {"{\"a\":\"b=c\"}", "{\"a=b\":\"c\"}", false},
        {"{\"a\":{}}", "{\"a\":[]}", false},
        {"{\"a\":true}", "{\"a\":false}", false},
    };
    kd_arena arena;
    kd_arena_init(&arena, NULL, 0);
    for (size_t i = 0; i < KD_COUNT(cases); i++)
        if (kd_str_eq(identity(&arena, cases[i].a), identity(&arena, cases[i].b)) != cases[i].same)
            fail_msg("%s and %s", cases[i].a, cases[i].b);
    kd_arena_reset(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_lifetimes), cmocka_unit_test(test_refused),
                                       cmocka_unit_test(test_identity)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
