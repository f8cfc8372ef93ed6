#include "gateway/jwk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* Only https has a profile of TLS, however it is written. */
static void test_scheme(void **state)
{
    static const struct {
        const char *url;
        bool tls;
    } cases[] = {{"https://h/k", true}, {"HTTPS://h/k", true}, {"http://h/k", false}, {"", false}, {"https", false}};
    for (size_t i = 0; i < KD_COUNT(cases); i++) {
        kd_jwk_place place = {.url = kd_str_from_c(cases[i].url), .insecure = true};
        kd_jwk_remote remote;
        assert_true(kd_jwk_remote_init(&remote, &place));
        if ((remote.tls != NULL) != cases[i].tls)
            fail_msg("%s", cases[i].url);
        kd_jwk_remote_fini(&remote);
    }
}

/* Without cipher_suites six are offered: profiles of equal content are one. */
static void test_suites(void **state)
{
    uint16_t six[] = {0xc02f, 0xc02b, 0xc030, 0xc02c, 0xcca8, 0xcca9};
    kd_jwk_place unset = {.url = KD_STR("https://h/k"), .insecure = true}, set = unset, one = unset;
    kd_jwk_remote remotes[3];
    set.suites = (kd_uint_list){.v = six, .n = KD_COUNT(six)};
    one.suites = (kd_uint_list){.v = six, .n = 1};
    assert_true(kd_jwk_remote_init(&remotes[0], &unset));
    assert_true(kd_jwk_remote_init(&remotes[1], &set));
    assert_true(kd_jwk_remote_init(&remotes[2], &one));
    assert_ptr_equal(remotes[0].tls, remotes[1].tls);
    assert_ptr_not_equal(remotes[0].tls, remotes[2].tls);
    for (size_t i = 0; i < KD_COUNT(remotes); i++)
        kd_jwk_remote_fini(&remotes[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_scheme), cmocka_unit_test(test_suites)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
