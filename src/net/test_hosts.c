/* Files of fixed names. */
#include "net/hosts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static const char text[] = "# 10.0.0.9 commented\n"
                           "127.0.0.1\tlocalhost one.test   # 10.0.0.8 two.test\r\n"
                           "not-an-address one.test\n"
                           "10.0.0.2 Two.Test two.test\n"
                           "\n"
                           "::1 one.test\n"
                           "10.0.0.3\n"
                           "10.0.0.4 last.test";

static void finds_names(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        unsigned n;
        const char *first;
    } table[] = {
        {"one.test", 2, "127.0.0.1:0"},
        {"ONE.test.", 2, "127.0.0.1:0"},
        {"two.test", 1, "10.0.0.2:0"},
        {"last.test", 1, "10.0.0.4:0"},
        {"commented", 0, ""},
        {"10.0.0.3", 0, ""},
        {"", 0, ""},
        {"one", 0, ""},
    };
    for (size_t i = 0; i < KD_COUNT(table); i++) {
        kd_addresses out = {.n = 0};
        assert_int_equal(table[i].n,
                         kd_hosts_find(kd_str_of(text, sizeof text - 1), kd_str_from_c(table[i].name), &out));
        if (!table[i].n)
            continue;
        char shown[56];
        size_t n = kd_address_write(shown, &out.v[0]);
        assert_int_equal(strlen(table[i].first), n);
        assert_memory_equal(table[i].first, shown, n);
    }
}

static void is_bounded(void **state)
{
    (void)state;
    char many[4096];
    size_t n = 0;
    for (unsigned i = 0; i < 2 * KD_DNS_ADDRESSES; i++)
        n += (size_t)snprintf(many + n, sizeof many - n, "10.0.1.%u many.test\n", i);
    kd_addresses out = {.n = 0};
    assert_int_equal(KD_DNS_ADDRESSES, kd_hosts_find(kd_str_of(many, n), KD_STR("many.test"), &out));
}

static void reads_files(void **state)
{
    (void)state;
    char path[] = "/tmp/kd-hosts-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(sizeof text - 1, write(fd, text, sizeof text - 1));
    close(fd);
    kd_addresses out = {.n = 0};
    assert_int_equal(1, kd_hosts_find_in(path, KD_STR("last.test"), &out));
    unlink(path);
    assert_int_equal(0, kd_hosts_find_in(path, KD_STR("last.test"), &out));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(finds_names), cmocka_unit_test(is_bounded),
                                       cmocka_unit_test(reads_files)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
