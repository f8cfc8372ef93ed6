#include "modules/security/http/rules.h"

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

static void test_hosts(void **state)
{
    static const kd_str hosts[] = {KD_STR_INIT("api.example.com"), KD_STR_INIT("Other.Example:81")};
    static const struct {
        const char *host;
        bool taken;
    } cases[] = {
        {"api.example.com", true},
        {"API.Example.COM", true},
        {"api.example.com:80", false},
        {"other.example:81", true},
        {"other.example", false},
        {"x.api.example.com", false},
        {"api.example.com.evil.test", false},
        {"api.example.co", false},
        {"", false},
        {"api.example.com, evil.test", false},
    };
    kd_secure_options options = {.hosts = hosts, .n_hosts = KD_COUNT(hosts)};
    kd_secure_rules *rules = kd_secure_rules_create(&arena, &options);
    assert_non_null(rules);
    for (size_t i = 0; i < KD_COUNT(cases); i++)
        if (kd_secure_rules_takes_host(rules, &arena, kd_str_from_c(cases[i].host)) != cases[i].taken)
            fail_msg("%s", cases[i].host);
    options.development = true;
    rules = kd_secure_rules_create(&arena, &options);
    assert_true(kd_secure_rules_takes_host(rules, &arena, KD_STR("evil.test")));
}

static void test_expressions(void **state)
{
    static const char *const texts[] = {"^.*\\.example\\.com$", "^a|b$", "^^x\\.org$$"};
    static const struct {
        const char *host;
        bool taken;
    } cases[] = {
        {"www.example.com", true},
        {"WWW.example.com", true},
        {"example.com", false},
        {"www.example.com:80", false},
        {"a", true},
        {"abc", true},
        {"zb", true},
        {"zzz", false},
        {"x.org", true},
        {"\xff.example.com", true},
        {"", false},
    };
    kd_regex *compiled[KD_COUNT(texts)];
    kd_str hosts[KD_COUNT(texts)], error;
    for (size_t i = 0; i < KD_COUNT(texts); i++) {
        hosts[i] = kd_str_from_c(texts[i]);
        compiled[i] = kd_regex_compile(&arena, hosts[i], &error);
        assert_non_null(compiled[i]);
    }
    kd_secure_options options = {
        .hosts = hosts, .n_hosts = KD_COUNT(hosts), .expressions = (const kd_regex *const *)compiled};
    kd_secure_rules *rules = kd_secure_rules_create(&arena, &options);
    assert_non_null(rules);
    for (size_t i = 0; i < KD_COUNT(cases); i++)
        if (kd_secure_rules_takes_host(rules, &arena, kd_str_from_c(cases[i].host)) != cases[i].taken)
            fail_msg("%s", cases[i].host);
    for (size_t i = 0; i < KD_COUNT(texts); i++)
        kd_regex_destroy(compiled[i]);
}

/* All fields of one kind of answer as text. */
static const char *show(const kd_secure_rules *rules, bool tls)
{
    static char out[1024];
    uint32_t n;
    const kd_secure_field *fields = kd_secure_rules_fields(rules, tls, &n);
    size_t at = 0;
    out[0] = 0;
    for (uint32_t i = 0; i < n; i++)
        at += (size_t)snprintf(out + at, sizeof out - at, "%.*s: %.*s%s\n", KD_FMT(fields[i].name),
                               KD_FMT(fields[i].value), fields[i].nonce ? " (nonce)" : "");
    return out;
}

static void test_fields(void **state)
{
    static const struct {
        kd_secure_options options;
        const char *tls, *plain;
    } cases[] = {
        {{.sts_seconds = 0}, "", ""},
        {{.deny_frames = true}, "X-Frame-Options: DENY\n", "X-Frame-Options: DENY\n"},
        {{.deny_frames = true, .frame_options = KD_STR_INIT("SAMEORIGIN")},
         "X-Frame-Options: SAMEORIGIN\n",
         "X-Frame-Options: SAMEORIGIN\n"},
        {{.sts_seconds = 60}, "Strict-Transport-Security: max-age=60\n", ""},
        {{.sts_seconds = -5, .sts_subdomains = true, .sts_on_plain = true},
         "Strict-Transport-Security: max-age=-5; includeSubDomains\n",
         "Strict-Transport-Security: max-age=-5; includeSubDomains\n"},
        {{.sts_seconds = 60, .sts_on_plain = true, .development = true}, "", ""},
        {{.no_sniff = true, .xss_filter = true},
         "X-Content-Type-Options: nosniff\nX-Xss-Protection: 1; mode=block\n",
         "X-Content-Type-Options: nosniff\nX-Xss-Protection: 1; mode=block\n"},
        {{.content_security_policy = KD_STR_INIT("script-src $NONCE"), .referrer_policy = KD_STR_INIT("no-referrer")},
         "Content-Security-Policy: script-src $NONCE (nonce)\nReferrer-Policy: no-referrer\n",
         "Content-Security-Policy: script-src $NONCE (nonce)\nReferrer-Policy: no-referrer\n"},
        {{.content_security_policy = KD_STR_INIT("a 100% %s"), .referrer_policy = KD_STR_INIT("a\r\nX-Evil: 1\r\n")},
         "Content-Security-Policy: a 100% %s\nReferrer-Policy: a  X-Evil: 1\n",
         "Content-Security-Policy: a 100% %s\nReferrer-Policy: a  X-Evil: 1\n"},
        {{.referrer_policy = KD_STR_INIT("a\x01")}, "", ""}, /* it could not be sent */
    };
    for (size_t i = 0; i < KD_COUNT(cases); i++) {
        kd_secure_rules *rules = kd_secure_rules_create(&arena, &cases[i].options);
        assert_non_null(rules);
        assert_string_equal(show(rules, true), cases[i].tls);
        assert_string_equal(show(rules, false), cases[i].plain);
    }
}

static void test_nonce(void **state)
{
    kd_str one = kd_secure_nonce_value(&arena, KD_STR("script-src $NONCE 'self'; style-src $NONCE %s"));
    kd_str other = kd_secure_nonce_value(&arena, KD_STR("script-src $NONCE 'self'; style-src $NONCE %s"));
    assert_non_null(one.p);
    assert_int_equal(one.n, sizeof "script-src 'nonce-0123456789012345678901' 'self'; style-src "
                                   "'nonce-0123456789012345678901' %s" -
                                1);
    assert_true(kd_str_starts(one, KD_STR("script-src 'nonce-")) && kd_str_ends(one, KD_STR("' %s")));
    assert_memory_equal(one.p + 18, one.p + 18 + 22 + sizeof "' 'self'; style-src 'nonce-" - 1, 22);
    assert_false(kd_str_eq(one, other));
}

static void test_redirect(void **state)
{
    static const struct {
        const char *host, *path, *query, *url, *location, *page;
    } cases[] = {
        {"h.example:8080", "/p", "a=1&b=%20x", "https://h.example:8080/p?a=1&b=%20x", NULL,
         "<a href=\"https://h.example:8080/p?a=1&amp;b=%20x\">Moved Permanently</a>.\n\n"},
        {"h.example", "/p", NULL, "https://h.example/p", NULL, NULL},
        {"h.example", "/p", "", "https://h.example/p?", NULL, NULL},
        {"h.example", "/zz", "x=<y>", "https://h.example/zz?x=<y>", NULL,
         "<a href=\"https://h.example/zz?x=&lt;y&gt;\">Moved Permanently</a>.\n\n"},
        {"h.example", "/a%2fb\"c", NULL, "https://h.example/a/b%22c", NULL, NULL},
        {"h.example", "/a%2fb", NULL, "https://h.example/a%2fb", NULL, NULL},
        {"evil.test/x?y#z@w", "/p", NULL, "https://evil.test%2Fx%3Fy%23z%40w/p", NULL, NULL},
        {"h\\e%2f e", "/p", NULL, "https://h%5Ce%252f%20e/p", NULL, NULL},
        {"[::1]:8", "/p", NULL, "https://[::1]:8/p", NULL, NULL},
        {"", "/p", NULL, "https:///p", NULL, NULL},
        {"h", "/p", "\xc3\xa9", "https://h/p?\xc3\xa9", "https://h/p?%c3%a9", NULL},
        {"h", "p", NULL, "https://h/p", NULL, NULL},
    };
    for (size_t i = 0; i < KD_COUNT(cases); i++) {
        kd_str query = cases[i].query ? kd_str_from_c(cases[i].query) : KD_STR("");
        kd_str url = kd_secure_https_url(&arena, kd_str_from_c(cases[i].host), kd_str_from_c(cases[i].path),
                                         cases[i].query != NULL, query);
        assert_non_null(url.p);
        assert_string_equal(url.p, cases[i].url);
        assert_string_equal(kd_secure_location(&arena, url).p, cases[i].location ? cases[i].location : cases[i].url);
        if (cases[i].page)
            assert_string_equal(kd_secure_page(&arena, url).p, cases[i].page);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hosts), cmocka_unit_test(test_expressions), cmocka_unit_test(test_fields),
        cmocka_unit_test(test_nonce), cmocka_unit_test(test_redirect),
    };
    return cmocka_run_group_tests_name("http", tests, setup, teardown);
}
