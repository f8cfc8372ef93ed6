/* The proxies of the environment: what a variable names, and what NO_PROXY exempts. */
#include "http/proxy.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void assert_str(kd_str s, const char *expected)
{
    assert_int_equal(s.n, strlen(expected));
    assert_memory_equal(s.p, expected, s.n);
}

static void test_parse(void **state)
{
    static const struct {
        const char *text, *name;
        uint16_t port;
        bool literal;
        const char *authorization, *problem;
    } cases[] = {
        {"http://10.0.0.1:3128", "10.0.0.1", 3128, true, "", ""},
        {"10.0.0.1:3128", "10.0.0.1", 3128, true, "", ""},
        {"proxy.test", "proxy.test", 80, false, "", ""},
        {"proxy.test:8080/", "proxy.test", 8080, false, "", ""},
        {"http://[::1]:8080", "::1", 8080, true, "", ""},
        {"http://user:p%40ss@proxy.test:1", "proxy.test", 1, false, "Basic dXNlcjpwQHNz", ""},
        {"http://user@proxy.test:1", "proxy.test", 1, false, "Basic dXNlcjo=", ""},
        {"socks5://proxy.test:1080", "proxy.test", 1080, false, "",
         "proxies of scheme \"socks5\" are not available in this version"},
        {"", NULL, 0, false, NULL, NULL},
        {"http://proxy.test:99999", NULL, 0, false, NULL, NULL},
    };
    kd_arena arena;
    kd_arena_init(&arena, NULL, 0);
    for (size_t i = 0; i < KD_COUNT(cases); i++) {
        const kd_proxy *proxy = kd_proxy_parse(&arena, kd_str_from_c(cases[i].text));
        assert_int_equal(proxy != NULL, cases[i].name != NULL);
        if (!proxy)
            continue;
        assert_str(proxy->name, cases[i].name);
        assert_int_equal(proxy->port, cases[i].port);
        assert_int_equal(proxy->literal, cases[i].literal);
        assert_str(proxy->authorization, cases[i].authorization);
        assert_str(proxy->problem, cases[i].problem);
        if (proxy->literal && proxy->address.any.sa_family == AF_INET)
            assert_int_equal(ntohs(proxy->address.v4.sin_port), cases[i].port);
    }
    kd_arena_reset(&arena);
}

static void test_exempts(void **state)
{
    static const struct {
        const char *list, *name;
        uint16_t port;
        bool exempt;
    } cases[] = {
        {"", "localhost", 80, true},
        {"", "127.0.0.1", 80, true},
        {"", "127.9.9.9", 80, true},
        {"", "::1", 80, true},
        {"", "::ffff:127.0.0.1", 80, true},
        {"", "10.0.0.1", 80, false},
        {"", "a.test", 80, false},
        {"*", "a.test", 80, true},
        {"b.test, * ", "a.test", 80, true},
        {"a.test", "a.test", 80, true},
        {"A.Test", "a.TEST", 80, true},
        {"a.test", "b.a.test", 80, true},
        {"a.test", "ba.test", 80, false},
        {".a.test", "a.test", 80, false},
        {".a.test", "b.a.test", 80, true},
        {"*.a.test", "b.a.test", 80, true},
        {"*.a.test", "a.test", 80, false},
        {"a.test:8080", "a.test", 8080, true},
        {"a.test:8080", "a.test", 80, false},
        {" , ,a.test", "a.test", 80, true},
        {"10.0.0.0/8", "10.1.2.3", 80, true},
        {"10.0.0.0/8", "11.1.2.3", 80, false},
        {"10.0.0.0/9", "10.128.0.1", 80, false},
        {"10.0.0.1", "10.0.0.1", 80, true},
        {"10.0.0.1", "10.0.0.2", 80, false},
        {"10.0.0.1:81", "10.0.0.1", 80, false},
        {"10.0.0.1:80", "10.0.0.1", 80, true},
        {"fd00::/8", "fd12::1", 80, true},
        {"fd00::/8", "fe12::1", 80, false},
        {"fd00::1", "fd00::1", 80, true},
        {"[fd00::1]:80", "fd00::1", 80, true},
        {"[fd00::1]:81", "fd00::1", 80, false},
        {"10.0.0.0/33", "10.0.0.1", 80, false},
        {"10.0.0.0/8", "a.test", 80, false},
        {"0.0.0.0/0", "8.8.8.8", 80, true},
    };
    for (size_t i = 0; i < KD_COUNT(cases); i++)
        if (kd_proxy_exempts(kd_str_from_c(cases[i].list), kd_str_from_c(cases[i].name), cases[i].port) !=
            cases[i].exempt)
            fail_msg("%s: %s:%u", cases[i].list, cases[i].name, cases[i].port);
}

/* The environment is read at the first question. */
static void test_environment(void **state)
{
    kd_arena arena;
    kd_arena_init(&arena, NULL, 0);
    setenv("HTTP_PROXY", "http://1.2.3.4:3128", 1);
    setenv("https_proxy", "secure.test:8080", 1);
    unsetenv("HTTPS_PROXY");
    unsetenv("REQUEST_METHOD");
    setenv("no_proxy", "b.test", 1);
    unsetenv("NO_PROXY");
    const kd_proxy *plain = kd_proxy_find(&arena, false, KD_STR("a.test"), 80);
    const kd_proxy *secure = kd_proxy_find(&arena, true, KD_STR("a.test"), 443);
    assert_non_null(plain);
    assert_non_null(secure);
    assert_str(plain->name, "1.2.3.4");
    assert_str(secure->name, "secure.test");
    assert_null(kd_proxy_find(&arena, true, KD_STR("b.test"), 443));
    assert_null(kd_proxy_find(&arena, false, KD_STR("localhost"), 80));
    setenv("HTTP_PROXY", "http://5.6.7.8:1", 1);
    assert_ptr_equal(kd_proxy_find(&arena, false, KD_STR("a.test"), 80), plain);
    kd_arena_reset(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_exempts),
        cmocka_unit_test(test_environment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
