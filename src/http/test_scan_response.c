#include "http/test_scan.h"

#define LIMIT  (1u << 20)
#define BROKEN "net/http: HTTP/1.x transport connection broken: "
#define OK     "HTTP/1.1 200 OK\r\n"
#define E      "\r\n\r\n"

typedef struct row {
    const char *in;
    const char *out; /* as test_scan.h describes it, or the error's text */
} row;

static void check_rows_for(kd_method method, const row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        scanned s;
        scan_every_way(&s, kd_str_from_c(rows[i].in), LIMIT, false, method);
        if (strcmp(s.text.p, rows[i].out) != 0)
            fail_msg("%s\ngives:    %s\nexpected: %s", rows[i].in, s.text.p, rows[i].out);
        scanned_fini(&s);
    }
}

static void check_rows(const row *rows, size_t n)
{
    check_rows_for(KD_METHOD_GET, rows, n);
}

static void status_lines(void **state)
{
    static const row rows[] = {
        {"HTTP/1.1 200 OK\r\nContent-Length: 2" E "{}", "1.1 200 [OK] keep length:2 size=38 Content-Length=2;"},
        {"HTTP/1.1 404 Not Found at all\r\nContent-Length: 0" E,
         "1.1 404 [Not Found at all] keep length:0 size=52 Content-Length=0;"},
        {"HTTP/1.1 200\r\nContent-Length: 0" E, "1.1 200 [] keep length:0 size=35 Content-Length=0;"},
        {"HTTP/1.1 200 \r\nContent-Length: 0" E, "1.1 200 [] keep length:0 size=36 Content-Length=0;"},
        {"HTTP/1.1   200  Fine\r\nContent-Length: 0" E, "1.1 200 [ Fine] keep length:0 size=43 Content-Length=0;"},
        {"HTTP/1.1 000 x\r\nContent-Length: 0" E, "1.1 0 [x] keep length:0 size=37 Content-Length=0;"},
        {"HTTP/1.1 999 x\r\nContent-Length: 0" E, "1.1 999 [x] keep length:0 size=37 Content-Length=0;"},
        {"HTTP/1.1 200 a\x01"
         "b\r\nContent-Length: 0" E,
         "1.1 200 [] keep length:0 size=39 Content-Length=0;"},
        {"HTTP/1.7 200 OK\r\nContent-Length: 0" E, "1.1 200 [OK] keep length:0 size=38 Content-Length=0;"},
        {"HTTP/2.0 200 OK\r\nContent-Length: 0" E, "1.1 200 [OK] close length:0 size=38 Content-Length=0;"},
        {"HTTP/0.9 200 OK\r\nContent-Length: 0" E, "1.0 200 [OK] close length:0 size=38 Content-Length=0;"},
        {"hello world" E, BROKEN "malformed HTTP status code \"world\""},
        {"this is not http" E, BROKEN "malformed HTTP status code \"is\""},
        {"hello" E, BROKEN "malformed HTTP response \"hello\""},
        {E, BROKEN "malformed HTTP response \"\""},
        {"HTTP/1.1" E, BROKEN "malformed HTTP response \"HTTP/1.1\""},
        {"HTTP/1.1 " E, BROKEN "malformed HTTP status code \"\""},
        {"HTTP/1.1 abc OK" E, BROKEN "malformed HTTP status code \"abc\""},
        {"HTTP/1.1 0 Zero" E, BROKEN "malformed HTTP status code \"0\""},
        {"HTTP/1.1 1000 High" E, BROKEN "malformed HTTP status code \"1000\""},
        {"HTTP/1.1 -20 x" E, BROKEN "malformed HTTP status code \"-20\""},
        {"HTTP/1.1 20\t x" E, BROKEN "malformed HTTP status code \"20\\t\""},
        {"HTTP/1.1 200\tOK" E, BROKEN "malformed HTTP status code \"200\\tOK\""},
        {"HTTP/1.10 200 OK" E, BROKEN "malformed HTTP version \"HTTP/1.10\""},
        {"http/1.1 200 OK" E, BROKEN "malformed HTTP version \"http/1.1\""},
        {"ICY 200 OK" E, BROKEN "malformed HTTP version \"ICY\""},
        {" 200 OK" E, BROKEN "malformed HTTP version \"\""},
        {"HTTP/1.x 200 \"quoted\"" E, BROKEN "malformed HTTP version \"HTTP/1.x\""},
    };
    check_rows(rows, KD_COUNT(rows));
}

static void framing_of_bodies(void **state)
{
    static const row rows[] = {
        {OK "\r\n{}", "1.1 200 [OK] close close:0 size=19"},
        {"HTTP/1.0 200 OK" E "{}", "1.0 200 [OK] close close:0 size=19"},
        {"HTTP/1.0 200 OK\r\nConnection: keep-alive" E, "1.0 200 [OK] close close:0 size=43 Connection=keep-alive;"},
        {"HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 2" E,
         "1.0 200 [OK] keep length:2 size=62 Connection=Keep-Alive; Content-Length=2;"},
        {"HTTP/1.0 200 OK\r\nContent-Length: 2" E, "1.0 200 [OK] close length:2 size=38 Content-Length=2;"},
        {"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\nContent-Length: 2" E,
         "1.0 200 [OK] close length:2 size=90 Connection=keep-alive; Content-Length=2;"},
        {OK "Transfer-Encoding: Chunked" E, "1.1 200 [OK] keep chunked:0 size=47"},
        {OK "Transfer-Encoding: chunked\r\nContent-Length: 99" E, "1.1 200 [OK] close chunked:0 size=67"},
        {OK "Content-Length: 99\r\nA: b\r\nTransfer-Encoding: chunked" E, "1.1 200 [OK] close chunked:0 size=73 A=b;"},
        {OK "Content-Length: 7\r\nA: b\r\nContent-Length: 7" E,
         "1.1 200 [OK] keep length:7 size=63 Content-Length=7; A=b;"},
        {OK "Connection: close\r\nContent-Length: 7" E, "1.1 200 [OK] close length:7 size=57 Content-Length=7;"},
        {OK "Connection: x, Close\r\nConnection: y\r\nContent-Length: 7" E,
         "1.1 200 [OK] close length:7 size=75 Content-Length=7;"},
        {OK "Connection: keep-alive\r\nContent-Length: 7" E,
         "1.1 200 [OK] keep length:7 size=62 Connection=keep-alive; Content-Length=7;"},
        {"HTTP/1.1 204 No Content" E, "1.1 204 [No Content] keep none:0 size=27"},
        {"HTTP/1.1 204 No Content\r\nContent-Length: 0" E,
         "1.1 204 [No Content] keep none:0 size=46 Content-Length=0;"},
        {"HTTP/1.1 204 No Content\r\nContent-Length: 5" E,
         "1.1 204 [No Content] close none:0 size=46 Content-Length=5;"},
        {"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked" E, "1.1 204 [No Content] close none:0 size=55"},
        {"HTTP/1.1 304 Not Modified\r\nContent-Length: 5" E,
         "1.1 304 [Not Modified] keep none:0 size=48 Content-Length=5;"},
        {"HTTP/1.1 100 Continue" E "HTTP/1.1 200 OK" E, "1.1 100 [Continue] keep none:0 size=25"},
        {"HTTP/1.1 103 Early Hints\r\nLink: </x>" E, "1.1 103 [Early Hints] keep none:0 size=40 Link=</x>;"},
        {"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade" E,
         "1.1 101 [Switching Protocols] close none:0 size=69 Upgrade=x; Connection=upgrade;"},
        {OK "Pragma: no-cache\r\nContent-Length: 0" E,
         "1.1 200 [OK] keep length:0 size=56 Pragma=no-cache; Content-Length=0; Cache-Control=no-cache;"},
        {OK "Trailer: X-T\r\nTransfer-Encoding: chunked" E, "1.1 200 [OK] keep chunked:0 size=61 Trailer=X-T;"},
    };
    static const row heads[] = {
        {OK "Content-Length: 7" E, "1.1 200 [OK] keep none:0 size=38 Content-Length=7;"},
        {OK "Transfer-Encoding: chunked" E, "1.1 200 [OK] keep none:0 size=47"},
        {OK "\r\n", "1.1 200 [OK] keep none:0 size=19"},
    };
    check_rows(rows, KD_COUNT(rows));
    check_rows_for(KD_METHOD_HEAD, heads, KD_COUNT(heads));
}

static void framing_that_is_refused(void **state)
{
    static const row rows[] = {
        {OK "Content-Length: 2\r\nContent-Length: 3" E,
         BROKEN "http: message cannot contain multiple Content-Length headers; got [\"2\" \"3\"]"},
        {OK "Content-Length: 7\r\nContent-Length: 7\r\nContent-Length: 08" E,
         BROKEN "http: message cannot contain multiple Content-Length headers; got [\"7\" \"7\" \"08\"]"},
        {OK "Content-Length: x" E, BROKEN "bad Content-Length \"x\""},
        {OK "Content-Length: -5" E, BROKEN "bad Content-Length \"-5\""},
        {OK "Content-Length: +5" E, BROKEN "bad Content-Length \"+5\""},
        {OK "Content-Length: 5, 5" E, BROKEN "bad Content-Length \"5, 5\""},
        {OK "Content-Length: 9223372036854775808" E, BROKEN "bad Content-Length \"9223372036854775808\""},
        {OK "Content-Length:" E, BROKEN "invalid empty Content-Length \"\""},
        {OK "Content-Length: x\r\nTransfer-Encoding: chunked" E, BROKEN "bad Content-Length \"x\""},
        {"HTTP/1.1 204 x\r\nContent-Length: x" E, BROKEN "bad Content-Length \"x\""},
        {OK "Transfer-Encoding: gzip" E, BROKEN "unsupported transfer encoding: \"gzip\""},
        {OK "Transfer-Encoding: gzip, chunked" E, BROKEN "unsupported transfer encoding: \"gzip, chunked\""},
        {OK "Transfer-Encoding:" E, BROKEN "unsupported transfer encoding: \"\""},
        {OK "Transfer-Encoding: chunked\r\nTransfer-Encoding: \"x\"\r\nTransfer-Encoding: y" E,
         BROKEN "too many transfer encodings: [\"chunked\" \"\\\"x\\\"\" \"y\"]"},
        {OK "Transfer-Encoding: chunked\r\nTrailer: a, content-length" E, BROKEN "bad trailer key \"Content-Length\""},
    };
    check_rows(rows, KD_COUNT(rows));
}

static void odd_fields_that_are_read(void **state)
{
    static const row rows[] = {
        {"HTTP/1.1 200 OK\nContent-Length: 7\n\n", "1.1 200 [OK] keep length:7 size=35 Content-Length=7;"},
        {"HTTP/1.1 200 OK\r\ncontent-LENGTH:7\nX-y: z\r\n\nrest",
         "1.1 200 [OK] keep length:7 size=43 Content-Length=7; X-Y=z;"},
        {"HTTP/1.1 200 OK\nContent-Length: 7\n\r\n", "1.1 200 [OK] keep length:7 size=36 Content-Length=7;"},
        {OK "bad header: x\r\nContent-Length: 7" E,
         "1.1 200 [OK] close length:7 size=53 bad header=x; Content-Length=7;"},
        {OK "Content-Length : 7" E, "1.1 200 [OK] close close:0 size=39 Content-Length =7;"},
        {OK "Content-Length: 7\r\nX: a\r\n \t b  \r\n\tc" E,
         "1.1 200 [OK] close length:7 size=56 Content-Length=7; X=a b c;"},
        {OK "Content-Length:\r\n 7\r\nX: y" E, "1.1 200 [OK] close length:7 size=46 Content-Length=7; X=y;"},
        {OK "Transfer-Encoding:\n chunked\r\nx-ETAG: 1" E, "1.1 200 [OK] close chunked:0 size=59 X-Etag=1;"},
        {OK "X: a\r\n \r\nContent-Length: 0" E, "1.1 200 [OK] close length:0 size=47 X=a; Content-Length=0;"},
        {OK "X: a\r\n : b\r\nContent-Length: 0" E, "1.1 200 [OK] close length:0 size=50 X=a : b; Content-Length=0;"},
        {OK "Set-Cookie: a\r\nset-cookie: b\r\nContent-Length: 0" E,
         "1.1 200 [OK] keep length:0 size=68 Set-Cookie=a; Set-Cookie=b; Content-Length=0;"},
        {OK "X: h\xc3\xa9\tx\r\nContent-Length: 0" E,
         "1.1 200 [OK] keep length:0 size=48 X=h\xc3\xa9\tx; Content-Length=0;"},
    };
    check_rows(rows, KD_COUNT(rows));
}

static void fields_that_are_refused(void **state)
{
    static const row rows[] = {
        {OK "bad header" E "{}", BROKEN "malformed MIME header: missing colon: \"bad header\""},
        {OK "a\x01\"b" E, BROKEN "malformed MIME header: missing colon: \"a\\x01\\\"b\""},
        {OK "x-y: a\x01z " E, BROKEN "malformed MIME header line: x-y: a\x01z"},
        {OK "x-y: a\x7f" E, BROKEN "malformed MIME header line: x-y: a\x7f"},
        {OK "x: a\rb" E, BROKEN "malformed MIME header line: x: a\rb"},
        {OK "x: a\r\r\n\r\n", BROKEN "malformed MIME header line: x: a\r"},
        {OK "x(y): a" E, BROKEN "malformed MIME header line: x(y): a"},
        {OK "x-long-name-before-it\t: a" E, BROKEN "malformed MIME header line: x-long-name-before-it\t: a"},
        {OK ": a" E, BROKEN "malformed MIME header line: : a"},
        {OK " x: a" E, BROKEN "malformed MIME header initial line:  x: a"},
        {OK "\tx: a\r\n\r\n", BROKEN "malformed MIME header initial line: \tx: a"},
        {OK "x: a\r\n b\x01 \r\nContent-Length: 0" E, BROKEN "malformed MIME header line: b\x01"},
    };
    check_rows(rows, KD_COUNT(rows));
}

/* At the end of the stream the caller closes the last line with LF and scans again: what is then no error is net/http's
 * "unexpected EOF". */
static void a_cut_head_with_its_line_closed(void **state)
{
    static const row rows[] = {
        {OK "Content-Le\n", BROKEN "malformed MIME header: missing colon: \"Content-Le\""},
        {"HTTP/1.1 200\n", "MORE"},
        {OK "Content-Length: 7\n", "MORE"},
    };
    check_rows(rows, KD_COUNT(rows));
}

static void incomplete_heads_ask_for_more(void **state)
{
    static const char in[] = OK "Content-Length: 3\nX-Long-Name: value\r\n and more\r\nBad Name: x\r\n\r\n";
    for (size_t n = 1; n < sizeof in - 1; n++) {
        scanned s;
        scan_every_way(&s, kd_str_of(in, n), LIMIT, false, KD_METHOD_GET);
        assert_string_equal(s.text.p, "MORE");
        scanned_fini(&s);
    }
}

static void the_limit_is_exact(void **state)
{
    static const char in[] = OK "Content-Length: 3" E "abc";
    char expected[160];
    scanned s;
    scan_every_way(&s, kd_str_of(in, sizeof in - 1), sizeof in - 4, false, KD_METHOD_GET);
    assert_int_equal(s.result, KD_SCAN_DONE);
    scanned_fini(&s);
    for (size_t limit = 1; limit < sizeof in - 4; limit++) {
        scan_every_way(&s, kd_str_of(in, sizeof in - 1), limit, false, KD_METHOD_GET);
        snprintf(expected, sizeof expected, BROKEN "net/http: server response headers exceeded %zu bytes; aborted",
                 limit);
        assert_string_equal(s.text.p, expected);
        scanned_fini(&s);
    }
}

/* An error text holds the beginning of the line only. */
static void error_texts_are_bounded(void **state)
{
    static char in[200000];
    static const char status[] = OK;
    memset(in, '\x01', sizeof in);
    memcpy(in, status, sizeof status - 1);
    memcpy(in + sizeof in - 4, E, 4);
    scanned s;
    scan_in_steps(&s, kd_str_of(in, sizeof in), sizeof in, LIMIT, false, KD_METHOD_GET, NULL);
    assert_int_equal(s.result, KD_SCAN_ERROR);
    assert_true(s.error.n < 5000);
    scanned_fini(&s);
    /* Thousands of different lengths: the list is cut as well. */
    size_t n = sizeof status - 1;
    for (int i = 0; i < 5000; i++)
        n += (size_t)snprintf(in + n, sizeof in - n, "Content-Length: %d\r\n", i);
    memcpy(in + n, "\r\n", 2);
    scan_in_steps(&s, kd_str_of(in, n + 2), sizeof in, LIMIT, false, KD_METHOD_GET, NULL);
    assert_int_equal(s.result, KD_SCAN_ERROR);
    assert_true(s.error.n < 5000);
    scanned_fini(&s);
}

static void without_memory_there_is_no_answer(void **state)
{
    static const char *const heads[] = {"nonsense" E,   "x y" E,     OK "bad" E,
                                        OK "x: \x01" E, OK "A: b" E, OK "Content-Length: 1\r\nContent-Length: 2" E};
    for (size_t i = 0; i < KD_COUNT(heads); i++) {
        kd_arena arena;
        char in[100];
        size_t n = strlen(heads[i]);
        memcpy(in, heads[i], n);
        kd_arena_init(&arena, NULL, 0);
        kd_response_head head;
        kd_str error;
        kd_headers_init(&head.headers, &arena);
        kd_arena_fail_after(1);
        assert_int_equal(kd_scan_response(in, n, 0, LIMIT, KD_METHOD_GET, &head, &error), KD_SCAN_NO_MEMORY);
        kd_arena_fail_after(0);
        kd_arena_reset(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(status_lines),
        cmocka_unit_test(framing_of_bodies),
        cmocka_unit_test(framing_that_is_refused),
        cmocka_unit_test(odd_fields_that_are_read),
        cmocka_unit_test(fields_that_are_refused),
        cmocka_unit_test(a_cut_head_with_its_line_closed),
        cmocka_unit_test(incomplete_heads_ask_for_more),
        cmocka_unit_test(the_limit_is_exact),
        cmocka_unit_test(error_texts_are_bounded),
        cmocka_unit_test(without_memory_there_is_no_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
