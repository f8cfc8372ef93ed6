#include "http/chunked.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

typedef struct result {
    kd_chunked_result end;
    size_t used;
    char body[70000];
    size_t n;
} result;

/* Decodes the input handed over in pieces of `step` bytes. */
static void decode(kd_str in, bool tolerant, size_t step, result *r)
{
    kd_chunked decoder;
    kd_chunked_init(&decoder, tolerant);
    *r = (result){.end = KD_CHUNKED_MORE};
    for (size_t at = 0; at < in.n && r->end == KD_CHUNKED_MORE; at = r->used) {
        size_t piece = in.n - at < step ? in.n - at : step, here = 0;
        do {
            size_t used;
            kd_str data;
            r->end = kd_chunked_decode(&decoder, in.p + at + here, piece - here, &used, &data);
            assert_true(used <= piece - here);
            assert_true(data.n == 0 || r->end == KD_CHUNKED_DATA);
            assert_true(r->n + data.n <= sizeof r->body);
            if (data.n)
                memcpy(r->body + r->n, data.p, data.n);
            r->n += data.n;
            here += used;
        } while (r->end == KD_CHUNKED_DATA);
        assert_true(r->end != KD_CHUNKED_MORE || here == piece);
        r->used = at + here;
    }
}

#define MORE  KD_CHUNKED_MORE
#define END   KD_CHUNKED_END
#define ERROR KD_CHUNKED_ERROR

static const struct {
    const char *in;
    kd_chunked_result strict, tolerant;
    const char *body; /* of what is not an error; "*" stands for one that the strict form refuses */
    size_t rest;      /* bytes behind the end */
} cases[] = {
    {"0\r\n\r\n", END, END, "", 0},
    {"5\r\nhello\r\n0\r\n\r\n", END, END, "hello", 0},
    {"5\r\nhello\r\n3\r\n, w\r\n0\r\n\r\nGET /", END, END, "hello, w", 5},
    {"A\r\n0123456789\r\n0\r\n\r\n", END, END, "0123456789", 0},
    {"a\r\n0123456789\r\n0\r\n\r\n", END, END, "0123456789", 0},
    {"0005\r\nhello\r\n000\r\n\r\n", END, END, "hello", 0},
    {"5;a=b\r\nhello\r\n0;c\r\n\r\n", END, END, "hello", 0},
    {"5;a=\"x;y\"\r\nhello\r\n0\r\n\r\n", END, END, "hello", 0},
    {"5;\r\nhello\r\n0\r\n\r\n", END, END, "hello", 0},
    {"5;\ta\r\nhello\r\n0\r\n\r\n", END, END, "hello", 0},
    {"0\r\nX-T: v\r\n\r\n", END, END, "", 0},
    {"0\r\nX-T: v\r\nY:\r\n\r\nrest", END, END, "", 4},
    {"2\r\n\r\n\r\n0\r\n\r\n", END, END, "\r\n", 0},
    {"", MORE, MORE, "", 0},
    {"5", MORE, MORE, "", 0},
    {"5\r", MORE, MORE, "", 0},
    {"5\r\nhel", MORE, MORE, "hel", 0},
    {"5\r\nhello", MORE, MORE, "hello", 0},
    {"5\r\nhello\r", MORE, MORE, "hello", 0},
    {"5\r\nhello\r\n", MORE, MORE, "hello", 0},
    {"0\r\n", MORE, MORE, "", 0},
    {"0\r\n\r", MORE, MORE, "", 0},
    {"0\r\nX", MORE, MORE, "", 0},
    /* Bare LF: from backends only. */
    {"5\nhello\n0\n\n", ERROR, END, "hello", 0},
    {"5\r\nhello\n0\r\n\r\n", ERROR, END, "hello", 0},
    {"0\r\nX: v\n\r\n", ERROR, END, "", 0},
    {"0\r\n\n", ERROR, END, "", 0},
    {"5;a\nhello\r\n0\r\n\r\n", ERROR, END, "hello", 0},
    /* White space behind the size: likewise. */
    {"5 \r\nhello\r\n0\r\n\r\n", ERROR, END, "hello", 0},
    {"5\t;a\r\nhello\r\n0\r\n\r\n", ERROR, END, "hello", 0},
    {"0 \r\n\r\n", ERROR, END, "", 0},
    {"5 5\r\nhello\r\n0\r\n\r\n", ERROR, ERROR, "", 0},
    /* Sizes that are none. */
    {"\r\nhello", ERROR, ERROR, "", 0},
    {" 5\r\nhello", ERROR, ERROR, "", 0},
    {"zz\r\n", ERROR, ERROR, "", 0},
    {"0x5\r\nhello", ERROR, ERROR, "", 0},
    {"+5\r\nhello", ERROR, ERROR, "", 0},
    {"-5\r\nhello", ERROR, ERROR, "", 0},
    {"5_0\r\nhello", ERROR, ERROR, "", 0},
    {"5.0\r\nhello", ERROR, ERROR, "", 0},
    {";a\r\nhello", ERROR, ERROR, "", 0},
    {"5g\r\nhello", ERROR, ERROR, "", 0},
    {"FFFFFFFFFFFFFFFF\r\n", ERROR, ERROR, "", 0},
    {"8000000000000000\r\n", ERROR, ERROR, "", 0},
    {"10000000000000000\r\n", ERROR, ERROR, "", 0},
    {"00000000000000005\r\nhello", ERROR, ERROR, "", 0},
    {"7fffffffffffffff\r\nab", MORE, MORE, "ab", 0},
    /* Line ends that are none. */
    {"5\rhello\r\n", ERROR, ERROR, "", 0},
    {"5\r\r\nhello\r\n", ERROR, ERROR, "", 0},
    {"5;a\rb\r\nhello\r\n", ERROR, ERROR, "", 0},
    {"5;a\x01\r\nhello\r\n", ERROR, ERROR, "", 0},
    {"5\r\nhelloo\r\n0\r\n\r\n", ERROR, ERROR, "", 0},
    {"5\r\nhello0\r\n\r\n", ERROR, ERROR, "", 0},
    {"5\r\nhello\r0\r\n\r\n", ERROR, ERROR, "", 0},
    {"0\r\n\rX", ERROR, ERROR, "", 0},
    {"0\r\nX: v\rY: w\r\n\r\n", ERROR, ERROR, "", 0},
    /* Trailers that are none. */
    {"0\r\nGET / HTTP/1.1\r\n\r\n", ERROR, ERROR, "", 0},
    {"0\r\nX : v\r\n\r\n", ERROR, ERROR, "", 0},
    {"0\r\n X: v\r\n\r\n", ERROR, ERROR, "", 0},
    {"0\r\nX: v\r\n folded\r\n\r\n", ERROR, ERROR, "", 0},
    {"0\r\n: v\r\n\r\n", ERROR, ERROR, "", 0},
    {"0\r\nX\r\n\r\n", ERROR, ERROR, "", 0},
    {"0\r\nX: \x7f\r\n\r\n", ERROR, ERROR, "", 0},
};

static void check_case(size_t i, bool tolerant, size_t step)
{
    static result r;
    kd_chunked_result expected = tolerant ? cases[i].tolerant : cases[i].strict;
    decode(kd_str_from_c(cases[i].in), tolerant, step, &r);
    if (r.end != expected)
        fail_msg("case %zu, %s, by %zu: %d instead of %d", i, tolerant ? "tolerant" : "strict", step, r.end, expected);
    if (expected == ERROR)
        return;
    assert_int_equal(r.n, strlen(cases[i].body));
    assert_memory_equal(r.body, cases[i].body, r.n);
    assert_int_equal(strlen(cases[i].in) - r.used, cases[i].rest);
}

static void decodes_the_table_however_it_is_cut(void **state)
{
    for (size_t i = 0; i < KD_COUNT(cases); i++)
        for (size_t step = 1; step < 20; step++) {
            check_case(i, false, step);
            check_case(i, true, step);
        }
}

static void nul_bytes_are_no_syntax(void **state)
{
    static result r;
    decode(kd_str_of("5\0\r\nhello\r\n0\r\n\r\n", 16), true, 100, &r);
    assert_int_equal(r.end, ERROR);
    decode(kd_str_of("0\r\nX\0: v\r\n\r\n", 12), true, 100, &r);
    assert_int_equal(r.end, ERROR);
    decode(kd_str_of("3\r\na\0b\r\n0\r\n\r\n", 13), false, 100, &r);
    assert_int_equal(r.end, END);
    assert_memory_equal(r.body, "a\0b", 3);
}

/* `head`, then n times 'x', then `tail`. */
static kd_chunked_result with_filling(const char *head, size_t n, const char *tail)
{
    static result r;
    static char in[70000];
    size_t at = strlen(head);
    memcpy(in, head, at);
    memset(in + at, 'x', n);
    memcpy(in + at + n, tail, strlen(tail));
    decode(kd_str_of(in, at + n + strlen(tail)), false, 1000, &r);
    return r.end;
}

static void lines_and_trailers_are_bounded(void **state)
{
    assert_int_equal(with_filling("0;", 4092, "\r\n\r\n"), END);
    assert_int_equal(with_filling("0;", 4093, "\r\n\r\n"), ERROR);
    assert_int_equal(with_filling("0\r\nX:", 16384 - 6, "\r\n\r\n"), END);
    assert_int_equal(with_filling("0\r\nX:", 16384 - 5, "\r\n\r\n"), ERROR);
    /* The bound is per size line, not for all of them. */
    assert_int_equal(with_filling("1;aaaaaaaaaaaaa\r\nx\r\n0;", 4092, "\r\n\r\n"), END);
}

static void the_end_stays_the_end(void **state)
{
    kd_chunked decoder;
    size_t used;
    kd_str data;
    kd_chunked_init(&decoder, false);
    assert_int_equal(kd_chunked_decode(&decoder, "0\r\n\r\nX", 6, &used, &data), END);
    assert_int_equal(used, 5);
    assert_int_equal(kd_chunked_decode(&decoder, "X", 1, &used, &data), END);
    assert_int_equal(used, 0);
    kd_chunked_init(&decoder, false);
    assert_int_equal(kd_chunked_decode(&decoder, "x", 1, &used, &data), ERROR);
    assert_int_equal(kd_chunked_decode(&decoder, "0\r\n\r\n", 5, &used, &data), ERROR);
}

static void writes_size_lines(void **state)
{
    static const struct {
        size_t n;
        const char *head;
    } sizes[] = {{1, "1\r\n"},
                 {15, "f\r\n"},
                 {16, "10\r\n"},
                 {4096, "1000\r\n"},
                 {0xdeadbeef, "deadbeef\r\n"},
                 {SIZE_MAX, "ffffffffffffffff\r\n"}};
    for (size_t i = 0; i < KD_COUNT(sizes); i++) {
        char to[KD_CHUNKED_HEAD_MAX];
        size_t n = kd_chunked_head(to, sizes[i].n);
        assert_int_equal(n, strlen(sizes[i].head));
        assert_memory_equal(to, sizes[i].head, n);
    }
}

static void reads_what_it_writes(void **state)
{
    static char in[70000];
    static result r;
    size_t at = 0, total = 0;
    for (size_t n = 1; n < 300; n += 7) {
        at += kd_chunked_head(in + at, n);
        memset(in + at, (int)('a' + n % 26), n);
        at += n;
        total += n;
        memcpy(in + at, "\r\n", 2);
        at += 2;
    }
    memcpy(in + at, KD_CHUNKED_LAST.p, KD_CHUNKED_LAST.n);
    at += KD_CHUNKED_LAST.n;
    for (size_t step = 1; step < 400; step += 13) {
        decode(kd_str_of(in, at), false, step, &r);
        assert_int_equal(r.end, END);
        assert_int_equal(r.used, at);
        assert_int_equal(r.n, total);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decodes_the_table_however_it_is_cut),
        cmocka_unit_test(nul_bytes_are_no_syntax),
        cmocka_unit_test(lines_and_trailers_are_bounded),
        cmocka_unit_test(the_end_stays_the_end),
        cmocka_unit_test(writes_size_lines),
        cmocka_unit_test(reads_what_it_writes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
