#include "lang/regex/regex.h"
#include "text/test_table.h"

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

/* The spans as the table writes them. */
static kd_str spans_of(const kd_regex *regex, kd_str text)
{
    static char out[512];
    kd_str spans[KD_REGEX_SPANS];
    uint32_t n = kd_regex_groups(regex) + 1;
    if (!kd_regex_find(regex, text, 0, spans, n))
        return KD_STR("-");
    size_t at = 0;
    for (uint32_t i = 0; i < n; i++) {
        at += (size_t)snprintf(out + at, sizeof out - at, i ? " " : "");
        if (!spans[i].p)
            at += (size_t)snprintf(out + at, sizeof out - at, "-,-");
        else
            at += (size_t)snprintf(out + at, sizeof out - at, "%zu,%zu", (size_t)(spans[i].p - text.p),
                                   (size_t)(spans[i].p - text.p) + spans[i].n);
    }
    return kd_str_of(out, at);
}

static void test_go(void **state)
{
    kd_regex *regex = NULL;
    char last[256] = "", error_text[256];
    kd_str error = KD_STR("");
    for (table t = table_open("regex.tsv"); table_next(&t);) {
        char now[256];
        snprintf(now, sizeof now, "%.*s", KD_FMT(t.field[0]));
        if (!regex || strcmp(now, last) != 0) {
            kd_regex_destroy(regex);
            regex = kd_regex_compile(&arena, t.field[0], &error);
            snprintf(error_text, sizeof error_text, "%.*s", KD_FMT(error));
            memcpy(last, now, sizeof last);
        }
        table_compare(&t, kd_str_from_c(error_text), t.field[1], "error");
        table_check(&t, !regex == (t.field[1].n > 0), "verdict");
        if (!regex)
            continue;
        kd_str text = kd_regex_text(&arena, t.field[2]);
        table_check(&t, kd_regex_match(regex, text) == !kd_str_eq(t.field[3], KD_STR("-")), "match");
        table_compare(&t, spans_of(regex, text), t.field[3], "spans");
    }
    kd_regex_destroy(regex);
}

/* What begins before `from` is seen but not found. */
static void test_from(void **state)
{
    static const struct {
        const char *expression, *text;
        size_t from;
        int begin; /* -1: none */
    } cases[] = {
        {"a", "a-a", 0, 0}, {"a", "a-a", 1, 2}, {"^a", "aa", 1, -1}, {"\\ba", "aa a", 1, 3},
        {"", "ab", 2, 2},   {"", "ab", 3, -1},  {"a$", "aba", 1, 2}, {"b|c", "abc", 2, 2},
    };
    for (size_t i = 0; i < KD_COUNT(cases); i++) {
        kd_str error, span, text = kd_str_from_c(cases[i].text);
        kd_regex *regex = kd_regex_compile(&arena, kd_str_from_c(cases[i].expression), &error);
        assert_non_null(regex);
        bool found = kd_regex_find(regex, text, cases[i].from, &span, 1);
        if (found != (cases[i].begin >= 0) || (found && span.p - text.p != cases[i].begin))
            fail_msg("case %zu", i);
        kd_regex_destroy(regex);
    }
}

/* Linear in the text: what kills engines that go back would not end here. */
static void test_linear(void **state)
{
    static const char *const expressions[] = {"(a+)+$", "(a|aa)+$", "(a*)*b", "(.*)(.*)(.*)(.*)x"};
    static char text[100000];
    memset(text, 'a', sizeof text);
    for (size_t i = 0; i < KD_COUNT(expressions); i++) {
        kd_str error;
        kd_regex *regex = kd_regex_compile(&arena, kd_str_from_c(expressions[i]), &error);
        assert_non_null(regex);
        assert_int_equal(kd_regex_match(regex, kd_str_of(text, sizeof text)), i < 2);
        kd_regex_destroy(regex);
    }
}

static void test_text(void **state)
{
    kd_str good = KD_STR("a\xc3\xa9"), bad = KD_STR("a\xff\x80z"), out = kd_regex_text(&arena, good);
    assert_ptr_equal(out.p, good.p);
    out = kd_regex_text(&arena, bad);
    assert_true(kd_str_eq(out, KD_STR("a\xef\xbf\xbd\xef\xbf\xbdz")));
    kd_arena small;
    kd_arena_init(&small, NULL, 0);
    kd_arena_fail_after(1);
    out = kd_regex_text(&small, bad);
    kd_arena_fail_after(0);
    assert_null(out.p);
    kd_arena_reset(&small);
    kd_regex_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_go),
        cmocka_unit_test(test_from),
        cmocka_unit_test(test_linear),
        cmocka_unit_test(test_text),
    };
    return cmocka_run_group_tests_name("regex", tests, setup, teardown);
}
