#include "base/error.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void list_keeps_order_and_counts(void **state)
{
    kd_arena arena;
    kd_errors errors;
    kd_arena_init(&arena, NULL, 0);
    kd_errors_init(&errors, &arena, 2);
    char key[] = "endpoints[0]";
    kd_location at = {.file = KD_STR_INIT("a.json"), .line = 3, .column = 7};
    kd_error *first =
        kd_errors_add(&errors, KD_SEVERITY_ERROR, &at, kd_str_from_c(key), "expected %s, found %d", "x", 4);
    key[0] = '-';
    kd_error *second = kd_errors_add(&errors, KD_SEVERITY_WARNING, NULL, KD_STR(""), "second");
    kd_error *beyond = kd_errors_add(&errors, KD_SEVERITY_NOTE, NULL, KD_STR(""), "third");
    beyond->suggestion = KD_STR("may be set");

    assert_ptr_equal(errors.first, first);
    assert_ptr_equal(errors.last, second);
    assert_ptr_equal(first->next, second);
    assert_null(second->next);
    assert_true(beyond != first && beyond != second);
    assert_ptr_equal(first->at, &at);
    assert_true(kd_str_eq(first->key, KD_STR("endpoints[0]")));
    assert_true(kd_str_eq(first->message, KD_STR("expected x, found 4")));
    assert_int_equal(errors.count, 3);
    assert_int_equal(errors.errors, 1);
    assert_int_equal(errors.warnings, 1);
    kd_arena_reset(&arena);
}

static void without_memory_a_dummy_is_given(void **state)
{
    kd_arena arena;
    kd_errors errors;
    kd_arena_init(&arena, NULL, 0);
    kd_errors_init(&errors, &arena, 10);
    kd_arena_fail_after(1);
    kd_error *error = kd_errors_add(&errors, KD_SEVERITY_ERROR, NULL, KD_STR("key"), "message");
    kd_arena_fail_after(0);
    assert_non_null(error);
    error->compat = KD_STR("writable");
    assert_null(errors.first);
    assert_int_equal(errors.errors, 1);
    error = kd_errors_add(&errors, KD_SEVERITY_ERROR, NULL, KD_STR("key"), "message");
    assert_ptr_equal(errors.first, error);
    assert_int_equal(error->compat.n, 0);
    kd_arena_reset(&arena);
}

static void suggestions(void **state)
{
    static const kd_str keys[] = {KD_STR_INIT("url_pattern"),  KD_STR_INIT("host"),
                                  KD_STR_INIT("method"),       KD_STR_INIT("encoding"),
                                  KD_STR_INIT("sd"),           KD_STR_INIT("disable_host_sanitize"),
                                  KD_STR_INIT("is_collection")};
    static const struct {
        const char *word, *nearest;
    } cases[] = {
        {"url_patern", "url_pattern"},
        {"urlpattern", "url_pattern"},
        {"URL_Pattern", "url_pattern"},
        {"hots", "host"},
        {"hosts", "host"},
        {"ho", NULL},
        {"sf", NULL},
        {"SD", "sd"},
        {"sd", NULL},
        {"metohd", "method"},
        {"methods", "method"},
        {"meth", NULL},
        {"encoder", NULL},
        {"encodnig", "encoding"},
        {"disable_host_sanitise", "disable_host_sanitize"},
        {"iscollection", "is_collection"},
        {"", NULL},
        {"totally_different", NULL},
    };
    for (size_t i = 0; i < KD_COUNT(cases); i++) {
        kd_str found = kd_suggest(kd_str_from_c(cases[i].word), keys, KD_COUNT(keys));
        kd_str wanted = kd_str_from_c(cases[i].nearest);
        if (!kd_str_eq(found, wanted) || (found.p != NULL) != (wanted.p != NULL))
            fail_msg("%s gives %.*s", cases[i].word, KD_FMT(found));
    }
}

static void suggestion_takes_the_nearest_and_survives_long_words(void **state)
{
    static const kd_str near[] = {KD_STR_INIT("timeouts_x"), KD_STR_INIT("timeout"), KD_STR_INIT("timeous")};
    assert_true(kd_str_eq(kd_suggest(KD_STR("timeoutt"), near, 3), KD_STR("timeout")));
    char text[400];
    memset(text, 'a', sizeof(text));
    kd_str words[] = {{text, 128}, {text, 129}, {text, 400}};
    assert_int_equal(kd_suggest(kd_str_of(text, 127), words, 3).n, 128);
    assert_null(kd_suggest(kd_str_of(text, 129), words, 3).p);
    assert_int_equal(kd_suggest(kd_str_of(text, 128), words + 1, 2).n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(list_keeps_order_and_counts),
        cmocka_unit_test(without_memory_a_dummy_is_given),
        cmocka_unit_test(suggestions),
        cmocka_unit_test(suggestion_takes_the_nearest_and_survives_long_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
