/* The heads of answers, byte by byte: order, framing, what is added and what is refused (spec/01 section 3.3). */
#include "http/reply.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define DATE "Date: Fri, 20 Nov 2026 18:08:05 GMT\r\n"

typedef struct reply_case {
    const char *label;
    unsigned status;
    const char *fields; /* "Name: value" lines, in the order in which they were added */
    int64_t length;
    const char *first;
    bool complete;
    kd_method method;
    uint8_t minor;
    bool keep_alive;
    /* what comes out */
    const char *head;
    kd_reply_framing framing;
    bool keeps;
    unsigned refused;
} reply_case;

static const reply_case cases[] = {
    {"sorted, whole body", 200, "X-Krakend: a\nCache-Control: b\nContent-Type: t\n", -1, "hello", true, KD_METHOD_GET,
     1, true,
     "HTTP/1.1 200 OK\r\nCache-Control: b\r\nContent-Type: t\r\nX-Krakend: a\r\n" DATE "Content-Length: 5\r\n\r\n",
     KD_REPLY_LENGTH, true, 0},
    {"sniffed", 200, "", -1, "hello", true, KD_METHOD_GET, 1, true,
     "HTTP/1.1 200 OK\r\n" DATE "Content-Length: 5\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n", KD_REPLY_LENGTH,
     true, 0},
    {"sniffed html", 500, "", -1, "<html>", true, KD_METHOD_GET, 1, true,
     "HTTP/1.1 500 Internal Server Error\r\n" DATE
     "Content-Length: 6\r\nContent-Type: text/html; charset=utf-8\r\n\r\n",
     KD_REPLY_LENGTH, true, 0},
    {"a coding is not sniffed", 200, "Content-Encoding: br\n", -1, "hello", true, KD_METHOD_GET, 1, true,
     "HTTP/1.1 200 OK\r\nContent-Encoding: br\r\n" DATE "Content-Length: 5\r\n\r\n", KD_REPLY_LENGTH, true, 0},
    {"empty", 200, "", -1, "", true, KD_METHOD_GET, 1, true, "HTTP/1.1 200 OK\r\n" DATE "Content-Length: 0\r\n\r\n",
     KD_REPLY_LENGTH, true, 0},
    {"streamed", 200, "Content-Type: t\n", -1, "he", false, KD_METHOD_GET, 1, true,
     "HTTP/1.1 200 OK\r\nContent-Type: t\r\n" DATE "Transfer-Encoding: chunked\r\n\r\n", KD_REPLY_CHUNKED, true, 0},
    {"streamed with a length", 200, "Content-Type: t\n", 77, "he", false, KD_METHOD_GET, 1, true,
     "HTTP/1.1 200 OK\r\nContent-Type: t\r\n" DATE "Content-Length: 77\r\n\r\n", KD_REPLY_LENGTH, true, 0},
    {"streamed, HTTP/1.0", 200, "Content-Type: t\n", -1, "he", false, KD_METHOD_GET, 0, true,
     "HTTP/1.1 200 OK\r\nContent-Type: t\r\n" DATE "Connection: close\r\n\r\n", KD_REPLY_CLOSE, false, 0},
    {"HTTP/1.0 kept", 200, "Content-Type: t\n", -1, "he", true, KD_METHOD_GET, 0, true,
     "HTTP/1.1 200 OK\r\nContent-Type: t\r\n" DATE "Content-Length: 2\r\nConnection: keep-alive\r\n\r\n",
     KD_REPLY_LENGTH, true, 0},
    {"closing", 200, "Content-Type: t\n", -1, "", true, KD_METHOD_GET, 1, false,
     "HTTP/1.1 200 OK\r\nContent-Type: t\r\n" DATE "Content-Length: 0\r\nConnection: close\r\n\r\n", KD_REPLY_LENGTH,
     false, 0},
    {"closing and chunked", 200, "Content-Type: t\n", -1, "x", false, KD_METHOD_GET, 1, false,
     "HTTP/1.1 200 OK\r\nContent-Type: t\r\n" DATE "Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n",
     KD_REPLY_CHUNKED, false, 0},
    {"Connection of its own", 200, "Connection: Upgrade\nContent-Type: t\n", -1, "", true, KD_METHOD_GET, 1, true,
     "HTTP/1.1 200 OK\r\nConnection: Upgrade\r\nContent-Type: t\r\n" DATE "Content-Length: 0\r\n\r\n", KD_REPLY_LENGTH,
     true, 0},
    {"only one Connection", 200, "Connection: keep-alive\nContent-Type: t\n", -1, "", true, KD_METHOD_GET, 1, false,
     "HTTP/1.1 200 OK\r\nContent-Type: t\r\n" DATE "Content-Length: 0\r\nConnection: close\r\n\r\n", KD_REPLY_LENGTH,
     false, 0},
    {"HEAD with its length", 200, "Content-Type: t\n", 1000, "", true, KD_METHOD_HEAD, 1, true,
     "HTTP/1.1 200 OK\r\nContent-Type: t\r\n" DATE "Content-Length: 1000\r\n\r\n", KD_REPLY_NO_BODY, true, 0},
    {"HEAD of a rendered body", 200, "Content-Type: t\n", -1, "12345", true, KD_METHOD_HEAD, 1, true,
     "HTTP/1.1 200 OK\r\nContent-Type: t\r\n" DATE "Content-Length: 5\r\n\r\n", KD_REPLY_NO_BODY, true, 0},
    {"HEAD that knows nothing", 200, "Content-Type: t\n", -1, "", true, KD_METHOD_HEAD, 1, true,
     "HTTP/1.1 200 OK\r\nContent-Type: t\r\n" DATE "\r\n", KD_REPLY_NO_BODY, true, 0},
    {"204 keeps its type", 204, "Content-Type: t\n", 5, "", true, KD_METHOD_GET, 1, true,
     "HTTP/1.1 204 No Content\r\nContent-Type: t\r\n" DATE "\r\n", KD_REPLY_NO_BODY, true, 0},
    {"304 does not", 304, "Content-Type: t\nEtag: e\n", 5, "", true, KD_METHOD_GET, 1, true,
     "HTTP/1.1 304 Not Modified\r\nEtag: e\r\n" DATE "\r\n", KD_REPLY_NO_BODY, true, 0},
    {"no type for 204", 204, "", -1, "x", true, KD_METHOD_GET, 1, true, "HTTP/1.1 204 No Content\r\n" DATE "\r\n",
     KD_REPLY_NO_BODY, true, 0},
    {"the backend's Date", 200, "Content-Type: t\nDate: yesterday\n", -1, "", true, KD_METHOD_GET, 1, true,
     "HTTP/1.1 200 OK\r\nContent-Type: t\r\nDate: yesterday\r\nContent-Length: 0\r\n\r\n", KD_REPLY_LENGTH, true, 0},
    {"framing fields are ours", 200,
     "Content-Length: 99\nContent-Type: t\nTransfer-Encoding: chunked\nContent-Length: 1\n", -1, "abc", true,
     KD_METHOD_GET, 1, true, "HTTP/1.1 200 OK\r\nContent-Type: t\r\n" DATE "Content-Length: 3\r\n\r\n", KD_REPLY_LENGTH,
     true, 0},
    {"duplicates keep their order", 200, "Set-Cookie: b\nA: 1\nSet-Cookie: a\nContent-Type: t\n", -1, "", true,
     KD_METHOD_GET, 1, true,
     "HTTP/1.1 200 OK\r\nA: 1\r\nContent-Type: t\r\nSet-Cookie: b\r\nSet-Cookie: a\r\n" DATE
     "Content-Length: 0\r\n\r\n",
     KD_REPLY_LENGTH, true, 0},
    {"control bytes are refused", 200, "A: x\ry\nB: \x01\nC: \x7f\nBad Name: 1\nD: ok\tok\nContent-Type: t\n", -1, "",
     true, KD_METHOD_GET, 1, true,
     "HTTP/1.1 200 OK\r\nContent-Type: t\r\nD: ok\tok\r\n" DATE "Content-Length: 0\r\n\r\n", KD_REPLY_LENGTH, true, 4},
    {"bytes above ASCII pass", 200, "A: \xc3\xa9\xff\nContent-Type: t\n", -1, "", true, KD_METHOD_GET, 1, true,
     "HTTP/1.1 200 OK\r\nA: \xc3\xa9\xff\r\nContent-Type: t\r\n" DATE "Content-Length: 0\r\n\r\n", KD_REPLY_LENGTH,
     true, 0},
    {"unknown status", 599, "Content-Type: t\n", -1, "", true, KD_METHOD_GET, 1, true,
     "HTTP/1.1 599 status code 599\r\nContent-Type: t\r\n" DATE "Content-Length: 0\r\n\r\n", KD_REPLY_LENGTH, true, 0},
    {"an empty value", 200, "A: \nContent-Type: t\n", -1, "", true, KD_METHOD_GET, 1, true,
     "HTTP/1.1 200 OK\r\nA: \r\nContent-Type: t\r\n" DATE "Content-Length: 0\r\n\r\n", KD_REPLY_LENGTH, true, 0},
};

static void add_fields(kd_headers *headers, const char *fields)
{
    kd_str rest = kd_str_from_c(fields), line;
    while (kd_str_split(&rest, '\n', &line)) {
        ptrdiff_t colon = kd_str_find(line, ':');
        if (colon > 0)
            assert_true(
                kd_headers_add(headers, kd_str_head(line, (size_t)colon), kd_str_from(line, (size_t)colon + 2)));
    }
}

static void test_heads(void **state)
{
    for (size_t i = 0; i < KD_COUNT(cases); i++) {
        const reply_case *c = &cases[i];
        kd_arena arena;
        kd_buf out;
        kd_arena_init(&arena, NULL, 0);
        kd_buf_init(&out, 100000);
        kd_reply reply = {.status = (uint16_t)c->status, .length = c->length};
        kd_headers_init(&reply.headers, &arena);
        add_fields(&reply.headers, c->fields);
        kd_reply_context context = {.method = c->method,
                                    .minor = c->minor,
                                    .keep_alive = c->keep_alive,
                                    .date = KD_STR("Fri, 20 Nov 2026 18:08:05 GMT"),
                                    .first = kd_str_from_c(c->first),
                                    .complete = c->complete};
        unsigned refused = 0;
        kd_reply_framing framing = kd_reply_write(&out, &reply, &context, &refused);
        kd_buf_byte(&out, 0);
        if (strcmp(out.p, c->head) != 0)
            fail_msg("%s: got\n%s", c->label, out.p);
        if (framing != c->framing || context.keep_alive != c->keeps || refused != c->refused)
            fail_msg("%s: framing %d, keep_alive %d, refused %u", c->label, framing, context.keep_alive, refused);
        kd_buf_fini(&out);
        kd_arena_reset(&arena);
    }
}

/* A head that does not fit says so, whatever its bound, and writes nothing beyond it. */
static void test_bounded(void **state)
{
    kd_arena arena;
    kd_arena_init(&arena, NULL, 0);
    kd_reply reply = {.status = 200, .length = -1};
    kd_headers_init(&reply.headers, &arena);
    add_fields(&reply.headers, "A: 1\nContent-Type: t\n");
    for (size_t max = 0; max < 600; max++) {
        kd_buf out;
        kd_buf_init(&out, max);
        kd_reply_context context = {.method = KD_METHOD_GET, .minor = 1, .keep_alive = true, .date = KD_STR("date")};
        unsigned refused = 0;
        kd_reply_write(&out, &reply, &context, &refused);
        assert_true(out.n <= max);
        size_t whole =
            strlen("HTTP/1.1 200 OK\r\nA: 1\r\nContent-Type: t\r\nDate: date\r\nTransfer-Encoding: chunked\r\n\r\n");
        assert_int_equal(out.n, out.failed ? 0 : whole);
        assert_true(out.failed || max >= whole);
        assert_true(!out.failed || max < whole + 320); /* it may ask for a little more than it needs */
        kd_buf_fini(&out);
    }
    kd_arena_reset(&arena);
}

static void test_status_text(void **state)
{
    static const struct {
        unsigned status;
        const char *text;
    } texts[] = {{100, "Continue"},
                 {200, "OK"},
                 {418, "I'm a teapot"},
                 {431, "Request Header Fields Too Large"},
                 {511, "Network Authentication Required"},
                 {306, ""},
                 {0, ""},
                 {999, ""}};
    for (size_t i = 0; i < KD_COUNT(texts); i++)
        assert_true(kd_str_eq(kd_status_text(texts[i].status), kd_str_from_c(texts[i].text)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_heads),
        cmocka_unit_test(test_bounded),
        cmocka_unit_test(test_status_text),
    };
    return cmocka_run_group_tests_name("reply", tests, NULL, NULL);
}
