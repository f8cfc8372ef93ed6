#include "modules/security/bot-detector/detector.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

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

static bool is_bot(const kd_bot_detector *detector, kd_str agent)
{
    kd_bot_verdict verdict = kd_bot_detector_look(detector, agent);
    if (verdict == KD_BOT_ASK_PATTERNS)
        return kd_bot_detector_match(detector, kd_regex_text(&arena, agent));
    return verdict == KD_BOT_YES;
}

static void test_agents(void **state)
{
    static const kd_str allow[] = {KD_STR_INIT("Pingdom.com_bot_version_1.1"), KD_STR_INIT("good"),
                                   KD_STR_INIT("both")},
                        deny[] = {KD_STR_INIT("a"), KD_STR_INIT("b"), KD_STR_INIT("both"), KD_STR_INIT("")},
                        texts[] = {KD_STR_INIT("(Pingdom.com_bot_version_).*"), KD_STR_INIT("(?i)crawler"),
                                   KD_STR_INIT("^curl/[0-9.]+$"), KD_STR_INIT("^.evil")};
    static const struct {
        kd_str agent;
        bool bot;
    } cases[] = {
        {KD_STR_INIT("a"), true},
        {KD_STR_INIT("abc"), false},
        {KD_STR_INIT("A"), false},
        {KD_STR_INIT("a "), false},
        {KD_STR_INIT("both"), false},
        {KD_STR_INIT("Pingdom.com_bot_version_1.14"), true},
        {KD_STR_INIT("Pingdom.com_bot_version_1.1"), false},
        {KD_STR_INIT("my Pingdom.com_bot_version_2"), true},
        {KD_STR_INIT("The CRAWLER"), true},
        {KD_STR_INIT("cra\x00wler"), false},
        {KD_STR_INIT("curl/7.88.1"), true},
        {KD_STR_INIT("xcurl/7.1"), false},
        {KD_STR_INIT("curl/7.88.1\t"), false},
        {KD_STR_INIT("good"), false},
        {KD_STR_INIT("\xff\xfe crawler"), true}, /* bytes that are no text hide nothing */
        {KD_STR_INIT("crawler\x80"), true},
        {KD_STR_INIT("\xff"
                     "evil"),
         true}, /* a bad byte is one character, as in Go */
        {KD_STR_INIT("\xc3\xa9"
                     "evil"),
         true},
        {KD_STR_INIT("\xe2\x82"), false},
        {KD_STR_INIT(""), false},
    };
    kd_regex *patterns[KD_COUNT(texts)];
    for (size_t i = 0; i < KD_COUNT(texts); i++) {
        kd_str error;
        patterns[i] = kd_regex_compile(&arena, texts[i], &error);
        assert_non_null(patterns[i]);
    }
    kd_bot_options options = {.allow = allow,
                              .n_allow = KD_COUNT(allow),
                              .deny = deny,
                              .n_deny = KD_COUNT(deny),
                              .patterns = (const kd_regex *const *)patterns,
                              .n_patterns = KD_COUNT(patterns)};
    kd_bot_detector *detector = kd_bot_detector_create(&arena, &options);
    assert_non_null(detector);
    for (size_t i = 0; i < KD_COUNT(cases); i++)
        if (is_bot(detector, cases[i].agent) != cases[i].bot)
            fail_msg("case %zu: %.*s", i, KD_FMT(cases[i].agent));
    for (size_t i = 0; i < KD_COUNT(texts); i++)
        kd_regex_destroy(patterns[i]);
}

static void test_empty(void **state)
{
    kd_bot_options options = {.empty_is_bot = true};
    kd_bot_detector *detector = kd_bot_detector_create(&arena, &options);
    assert_non_null(detector);
    assert_int_equal(kd_bot_detector_look(detector, KD_STR("")), KD_BOT_YES);
    assert_int_equal(kd_bot_detector_look(detector, KD_STR(" ")), KD_BOT_NO);
    options.empty_is_bot = false;
    detector = kd_bot_detector_create(&arena, &options);
    assert_int_equal(kd_bot_detector_look(detector, KD_STR("")), KD_BOT_NO);
}

/* A very long agent takes time in proportion, whatever the pattern. */
static void test_long(void **state)
{
    static char agent[1000000];
    memset(agent, 'a', sizeof agent);
    kd_str error, text = kd_str_of(agent, sizeof agent);
    kd_regex *pattern = kd_regex_compile(&arena, KD_STR("(a+)+b"), &error);
    const kd_regex *const patterns[] = {pattern};
    kd_bot_options options = {.patterns = patterns, .n_patterns = 1};
    kd_bot_detector *detector = kd_bot_detector_create(&arena, &options);
    assert_false(is_bot(detector, text));
    kd_regex_destroy(pattern);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_agents),
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_long),
    };
    return cmocka_run_group_tests_name("bot_detector", tests, setup, teardown);
}
