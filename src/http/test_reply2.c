#include "http/reply2.h"

#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define DATE "Sat, 21 Nov 2026 05:00:00 GMT"

static void test_fields(void **state)
{
    static const struct {
        uint16_t status;
        kd_method method;
        int64_t length;
        const char *headers, *body;
        bool complete;
        const char *out;
        int64_t promised;
        bool no_body;
    } cases[] = {
        {200, KD_METHOD_GET, -1, "X-B=2;X-A=1", "hello", true,
         ":status=200;x-a=1;x-b=2;content-type=text/plain; charset=utf-8;content-length=5;date=" DATE, 5, false},
        {200, KD_METHOD_GET, -1, "Content-Type=a/b;Date=then", "{}", true,
         ":status=200;content-type=a/b;date=then;content-length=2", 2, false},
        {200, KD_METHOD_GET, -1, "Content-Encoding=gzip", "x", false, ":status=200;content-encoding=gzip;date=" DATE,
         -1, false},
        {200, KD_METHOD_GET, 70, "Content-Type=a/b", "x", false,
         ":status=200;content-type=a/b;content-length=70;date=" DATE, 70, false},
        {404, KD_METHOD_GET, -1, "", "", true, ":status=404;content-length=0;date=" DATE, 0, false},
        {204, KD_METHOD_GET, -1, "Content-Type=a/b", "", true, ":status=204;content-type=a/b;date=" DATE, -1, true},
        {304, KD_METHOD_GET, 5, "Content-Type=a/b", "", true, ":status=304;content-type=a/b;date=" DATE, -1, true},
        {200, KD_METHOD_HEAD, 70, "Content-Type=a/b", "", true,
         ":status=200;content-type=a/b;content-length=70;date=" DATE, 70, true},
        {200, KD_METHOD_HEAD, -1, "Content-Type=a/b", "", true, ":status=200;content-type=a/b;date=" DATE, -1, true},
        /* Nothing of the connection. */
        {200, KD_METHOD_GET, 0,
         "Connection=close;Keep-Alive=1;Proxy-Connection=x;Transfer-Encoding=chunked;Upgrade=h2c;Content-Length=9;Te="
         "gzip",
         "", true, ":status=200;content-length=0;date=" DATE, 0, false},
        /* Nothing that could not be written. */
        {999, KD_METHOD_GET, 0, "X-A=a\rb;X B=1;X-C=\x7f;X-D=d", "", true,
         ":status=999;x-d=d;content-length=0;date=" DATE, 0, false},
        {200, KD_METHOD_GET, 0, "X-A=2;X-A=1;Set-Cookie=b;Set-Cookie=a", "", true,
         ":status=200;set-cookie=b;set-cookie=a;x-a=2;x-a=1;content-length=0;date=" DATE, 0, false},
    };
    for (size_t i = 0; i < KD_COUNT(cases); i++) {
        kd_arena arena;
        kd_arena_init(&arena, NULL, 0);
        kd_reply reply = {.status = cases[i].status, .length = cases[i].length};
        kd_headers_init(&reply.headers, &arena);
        kd_str rest = kd_str_from_c(cases[i].headers), item;
        while (rest.n && kd_str_split(&rest, ';', &item)) {
            ptrdiff_t at = kd_str_find(item, '=');
            kd_headers_add(&reply.headers, kd_str_head(item, (size_t)at), kd_str_from(item, (size_t)at + 1));
            if (!rest.p)
                break;
        }
        kd_reply_context context = {.method = cases[i].method,
                                    .date = KD_STR(DATE),
                                    .first = kd_str_from_c(cases[i].body),
                                    .complete = cases[i].complete};
        kd_reply2 out;
        unsigned refused = 0;
        assert_true(kd_reply2_write(&out, &arena, &reply, &context, &refused));
        kd_buf text;
        kd_buf_init(&text, 4096);
        for (size_t k = 0; k < out.n; k++)
            kd_buf_printf(&text, "%s%.*s=%.*s", k ? ";" : "", (int)out.v[k].namelen, out.v[k].name,
                          (int)out.v[k].valuelen, out.v[k].value);
        if (!kd_str_eq(kd_buf_str(&text), kd_str_from_c(cases[i].out)))
            fail_msg("case %zu: %.*s\n  not %s", i, KD_FMT(kd_buf_str(&text)), cases[i].out);
        assert_int_equal(out.length, cases[i].promised);
        assert_int_equal(out.no_body, cases[i].no_body);
        kd_buf_fini(&text);
        kd_arena_reset(&arena);
    }
}

static void test_no_memory(void **state)
{
    kd_arena arena;
    kd_arena_init(&arena, NULL, 100);
    kd_reply reply = {.status = 200, .length = -1};
    kd_headers_init(&reply.headers, &arena);
    kd_reply_context context = {.method = KD_METHOD_GET, .date = KD_STR(DATE), .complete = true};
    kd_reply2 out;
    unsigned refused = 0;
    assert_false(kd_reply2_write(&out, &arena, &reply, &context, &refused));
    kd_arena_reset(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
