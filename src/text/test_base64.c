#include "text/base64.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* RFC 4648 section 10, and what the two alphabets differ in. */
static void test_both_ways(void **state)
{
    static const struct {
        const char *plain, *standard, *url;
    } cases[] = {
        {"", "", ""},
        {"f", "Zg==", "Zg"},
        {"fo", "Zm8=", "Zm8"},
        {"foo", "Zm9v", "Zm9v"},
        {"foob", "Zm9vYg==", "Zm9vYg"},
        {"fooba", "Zm9vYmE=", "Zm9vYmE"},
        {"foobar", "Zm9vYmFy", "Zm9vYmFy"},
        {"\xfb\xff\xfe", "+//+", "-__-"},
    };
    for (size_t i = 0; i < KD_COUNT(cases); i++)
        for (int a = 0; a < 2; a++) {
            char out[32];
            kd_str plain = kd_str_from_c(cases[i].plain), text = kd_str_from_c(a ? cases[i].url : cases[i].standard);
            size_t n = kd_base64_write(out, plain, (kd_base64_alphabet)a);
            assert_true(kd_str_eq(kd_str_of(out, n), text));
            assert_true(kd_base64_read(out, &n, text, (kd_base64_alphabet)a));
            assert_true(kd_str_eq(kd_str_of(out, n), plain));
        }
}

static void test_refused(void **state)
{
    static const struct {
        const char *text;
        kd_base64_alphabet alphabet;
    } cases[] = {
        {"Zg", KD_BASE64_STANDARD},   {"Zg=", KD_BASE64_STANDARD},    {"Zh==", KD_BASE64_STANDARD},
        {"-__-", KD_BASE64_STANDARD}, {"Zm9v\n", KD_BASE64_STANDARD}, {"====", KD_BASE64_STANDARD},
        {"Z===", KD_BASE64_STANDARD}, {"Zg==", KD_BASE64_URL},        {"Zh", KD_BASE64_URL},
        {"Z", KD_BASE64_URL},         {"+//+", KD_BASE64_URL},        {"Zm 9", KD_BASE64_URL},
    };
    for (size_t i = 0; i < KD_COUNT(cases); i++) {
        char out[32];
        size_t n;
        if (kd_base64_read(out, &n, kd_str_from_c(cases[i].text), cases[i].alphabet))
            fail_msg("%s was taken", cases[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_both_ways), cmocka_unit_test(test_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
