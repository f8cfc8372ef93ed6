/* Lists of hosts made of SRV records. */
#include "net/srv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define T(text)                                                                                                        \
    {                                                                                                                  \
        text, sizeof text - 1                                                                                          \
    }

static void expands(void **state)
{
    (void)state;
    static const struct {
        kd_srv_record records[5];
        uint32_t n;
        const char *list;
    } table[] = {
        {{{0}}, 0, ""},
        {{{10, 1, 8000, T("s1.")}, {10, 2, 8000, T("s2.")}, {20, 1, 8000, T("s3.")}}, 3, "s2.:8000 s2.:8000 s1.:8000 "},
        {{{20, 9, 1, T("a.")}, {10, 5, 2, T("b.")}}, 2, "b.:2 "},
        /* equal weights: target, then port */
        {{{0, 4, 9, T("b.")}, {0, 4, 8, T("b.")}, {0, 4, 7, T("a.")}, {0, 4, 1, T("ba.")}}, 4, "a.:7 b.:8 b.:9 ba.:1 "},
        /* a common divisor */
        {{{0, 30, 1, T("a.")}, {0, 20, 1, T("b.")}}, 2, "a.:1 a.:1 a.:1 b.:1 b.:1 "},
        /* scaled to 100: 99 and 0; the small one drops out */
        {{{0, 1, 1, T("a.")}, {0, 1000, 1, T("b.")}}, 2, "b.:1 "},
        {{{0, 65535, 1, T("a.")}, {0, 65535, 1, T("b.")}}, 2, "a.:1 b.:1 "},
        /* a weight of 0 beside others gets nothing */
        {{{0, 0, 1, T("a.")}, {0, 1, 1, T("b.")}}, 2, "b.:1 "},
        {{{0, 0, 5001, T("a.")}}, 1, "a.:5001 "},
        {{{0, 0, 2, T("b.")}, {0, 0, 1, T("a.")}, {1, 7, 1, T("c.")}}, 3, "a.:1 b.:2 "},
    };
    for (size_t i = 0; i < KD_COUNT(table); i++) {
        kd_srv_record records[5];
        memcpy(records, table[i].records, sizeof records);
        const kd_srv_record *list[KD_SRV_SCALE];
        uint32_t n = kd_srv_expand(records, table[i].n, list);
        char shown[2048] = "";
        int at = 0;
        for (uint32_t k = 0; k < n; k++)
            at += snprintf(shown + at, sizeof shown - (size_t)at, "%.*s:%u ", KD_FMT(list[k]->target), list[k]->port);
        assert_string_equal(table[i].list, shown);
    }
}

/* Many records: the list stays within its room and holds what the weights say, in whatever order. */
static void is_bounded(void **state)
{
    (void)state;
    enum { N = 300 };
    static const struct {
        uint16_t heavy, light; /* weights of the first record, of the others */
        uint32_t length;
    } table[] = {
        {7, 7, N}, {65535, 65535, N},
        {0, 0, N}, {299, 1, 1}, /* 299 * 300 / 598 is 150 and 300 / 598 is 0: the divisor leaves one */
        {2, 1, 1},              /* 2 * 300 / 301 is 1, 300 / 301 is 0 */
    };
    for (size_t i = 0; i < KD_COUNT(table); i++) {
        kd_srv_record records[N];
        const kd_srv_record *list[N];
        for (uint32_t k = 0; k < N; k++)
            records[k] = (kd_srv_record){1, k ? table[i].light : table[i].heavy, (uint16_t)(k + 1), T("h.")};
        assert_int_equal(N, kd_srv_room(N));
        uint32_t n = kd_srv_expand(records, N, list), heavy = 0;
        assert_int_equal(table[i].length, n);
        for (uint32_t k = 0; k < n; k++)
            heavy += list[k]->port == 1;
        assert_int_equal(1, heavy);
    }
}

/* Never more than the room, which ends where the list may end: the sanitizer sees what is written behind it. The
 * largest count is above what a DNS message can hold. */
static void keeps_to_its_room(void **state)
{
    (void)state;
    static const uint32_t counts[] = {1, 2, 3, 7, 50, 99, 100, 101, 199, 1000, 6000};
    static const uint16_t weights[][3] = {{0, 0, 0},      {1, 1, 1},     {0, 1, 65535},
                                          {99, 100, 101}, {3, 7, 65535}, {50, 51, 0}};
    for (size_t i = 0; i < KD_COUNT(counts); i++) {
        uint32_t n = counts[i], room = kd_srv_room(n);
        assert_int_equal(n > KD_SRV_SCALE ? n : KD_SRV_SCALE, room);
        kd_srv_record *records = calloc(n, sizeof *records);
        const kd_srv_record **list = calloc(room, sizeof *list);
        assert_true(records && list);
        for (size_t w = 0; w < KD_COUNT(weights); w++) {
            for (uint32_t k = 0; k < n; k++)
                records[k] = (kd_srv_record){(uint16_t)(k % 5 == 4), weights[w][k % 3], (uint16_t)k, T("h.")};
            uint32_t length = kd_srv_expand(records, n, list);
            if (length < 1 || length > room)
                fail_msg("%u records, weights %zu: a list of %u", n, w, length);
            for (uint32_t k = 0; k < length; k++)
                assert_true(list[k] >= records && list[k] < records + n && list[k]->priority == 0);
        }
        free(list);
        free(records);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(expands),
        cmocka_unit_test(is_bounded),
        cmocka_unit_test(keeps_to_its_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
