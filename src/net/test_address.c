/* Address literals in and out, and the options of resolv.conf. */
#include "net/dns.h"
#include "net/resolvconf.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void test_parse_and_write(void **state)
{
    static const struct {
        const char *in, *out; /* out NULL: not a literal */
    } rows[] = {
        {"127.0.0.1", "127.0.0.1:80"},
        {"255.255.255.255", "255.255.255.255:80"},
        {"0.0.0.0", "0.0.0.0:80"},
        {"::", "[::]:80"},
        {"::1", "[::1]:80"},
        {"::1:2", "[::1:2]:80"},
        {"::ffff:1.2.3.4", "1.2.3.4:80"},
        {"2001:DB8:0:0:1:0:0:1", "[2001:db8::1:0:0:1]:80"},
        {"2001:db8:0:1:1:1:1:1", "[2001:db8:0:1:1:1:1:1]:80"},
        {"1:0:0:2:0:0:0:3", "[1:0:0:2::3]:80"},
        {"fe80::", "[fe80::]:80"},
        {"fe80::1%lo", "[fe80::1%lo]:80"},
        {"fe80::1%1", "[fe80::1%lo]:80"},
        {"1111:2222:3333:4444:5555:6666:7777:8888", "[1111:2222:3333:4444:5555:6666:7777:8888]:80"},
        {"00ab:0:0:0:0:0:0:0a0b", "[ab::a0b]:80"},
        {"", NULL},
        {"127.0.0", NULL},
        {"127.0.0.01", NULL},
        {"127.0.0.256", NULL},
        {"127.0.0.1%lo", NULL},
        {"1.2.3.4 ", NULL},
        {"[::1]", NULL},
        {":::", NULL},
        {"fe80::1%", NULL},
        {"fe80::1%no-such-interface-here", NULL},
        {"fe80::1%nosuch", NULL},
        {"example.com", NULL},
        {"1111:2222:3333:4444:5555:6666:7777:88889999111122223333444455556666", NULL},
    };
    for (size_t i = 0; i < KD_COUNT(rows); i++) {
        kd_address a;
        char text[56];
        bool ok = kd_address_parse(kd_str_from_c(rows[i].in), &a);
        assert_int_equal(ok, rows[i].out != NULL);
        if (!ok)
            continue;
        *(a.any.sa_family == AF_INET6 ? &a.v6.sin6_port : &a.v4.sin_port) = htons(80);
        size_t n = kd_address_write(text, &a);
        if (!kd_str_eq(kd_str_of(text, n), kd_str_from_c(rows[i].out)))
            fail_msg("%s: %.*s", rows[i].in, (int)n, text);
    }
    kd_address a;
    assert_false(kd_address_parse(kd_str_of("1.2.3.4\0", 8), &a));
}

/* The longest text of all fits; a zone that would not is left out. */
static void test_write_bound(void **state)
{
    char text[57];
    kd_address a = {.v6 = {.sin6_family = AF_INET6, .sin6_port = 0xffff, .sin6_scope_id = 1}};
    memset(&a.v6.sin6_addr, 0xfe, 16);
    text[56] = 'x';
    size_t n = kd_address_write(text, &a);
    kd_str want = KD_STR("[fefe:fefe:fefe:fefe:fefe:fefe:fefe:fefe%lo]:65535");
    assert_true(kd_str_eq(kd_str_of(text, n), want));
    assert_int_equal(text[56], 'x');
    a.v6.sin6_scope_id = UINT32_MAX; /* no such interface */
    n = kd_address_write(text, &a);
    assert_true(kd_str_eq(kd_str_of(text, n), KD_STR("[fefe:fefe:fefe:fefe:fefe:fefe:fefe:fefe]:65535")));
}

static void test_resolvconf(void **state)
{
    static const struct {
        const char *text;
        int timeout_s, attempts;
    } rows[] = {
        {"", 5, 2},
        {"nameserver 127.0.0.1\n", 5, 2},
        {"options timeout:1 attempts:3\n", 1, 3},
        {"options\ttimeout:1", 1, 2},
        {"options ndots:5\r\noptions attempts:4\r\n", 5, 4},
        {"options timeout:99 attempts:99\n", 30, 5},
        {"options timeout:0 attempts:-1\n", 5, 2},
        {"options timeout: attempts:x timeout:3x\n", 5, 2},
        {"# options timeout:1\nsearch options timeout:1\n", 5, 2},
        {"options timeout:99999999999999999999\n", 5, 2},
    };
    for (size_t i = 0; i < KD_COUNT(rows); i++) {
        kd_resolvconf conf = kd_resolvconf_parse(kd_str_from_c(rows[i].text));
        assert_int_equal(conf.timeout_s, rows[i].timeout_s);
        assert_int_equal(conf.attempts, rows[i].attempts);
    }
    kd_resolvconf none = kd_resolvconf_read("/no/such/file");
    assert_int_equal(none.timeout_s, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse_and_write),
        cmocka_unit_test(test_write_bound),
        cmocka_unit_test(test_resolvconf),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
