#include "http/test_scan.h"

#define LIMIT (1u << 20)

typedef struct row {
    const char *in;
    const char *out; /* as test_scan.h describes it */
} row;

static void check_rows(const row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        scanned s;
        scan_every_way(&s, kd_str_from_c(rows[i].in), LIMIT, true, KD_METHOD_GET);
        if (strcmp(s.text.p, rows[i].out) != 0)
            fail_msg("%s\ngives:    %s\nexpected: %s", rows[i].in, s.text.p, rows[i].out);
        scanned_fini(&s);
    }
}

#define H11 " HTTP/1.1\r\nHost: a\r\n\r\n"

static void targets(void **state)
{
    static const row rows[] = {
        {"GET /g" H11, "GET [] path=/g host=a 1.1 keep none:0 size=28"},
        {"GET /" H11, "GET [] path=/ host=a 1.1 keep none:0 size=27"},
        {"GET /g?a=1" H11, "GET [] path=/g ?a=1 host=a 1.1 keep none:0 size=32"},
        {"GET /g?" H11, "GET [] path=/g ? host=a 1.1 keep none:0 size=29"},
        {"GET /g?a?b%zz" H11, "GET [] path=/g ?a?b%zz host=a 1.1 keep none:0 size=35"},
        {"GET /%67%2F" H11, "GET [] path=/%67%2F (escaped) host=a 1.1 keep none:0 size=33"},
        {"GET /g#f?x#y" H11, "GET [] path=/g#f ?x#y host=a 1.1 keep none:0 size=34"},
        {"GET //x.y/g" H11, "GET [] path=//x.y/g host=a 1.1 keep none:0 size=33"},
        {"GET /\xc3\xa9?\xff" H11, "GET [] path=/\xc3\xa9 ?\xff host=a 1.1 keep none:0 size=31"},
        {"GET /a-long-path/with-many-bytes/beyond-sixteen?q=1" H11,
         "GET [] path=/a-long-path/with-many-bytes/beyond-sixteen ?q=1 host=a 1.1 keep none:0 size=73"},
        {"GET http://x.y/g?a=1" H11, "GET [x.y] path=/g ?a=1 host=x.y 1.1 keep none:0 size=42"},
        {"GET http://x.y" H11, "GET [x.y] path= host=x.y 1.1 keep none:0 size=36"},
        {"GET http://x.y?a" H11, "GET [x.y] path= ?a host=x.y 1.1 keep none:0 size=38"},
        {"GET HTTP://X.Y:80/g" H11, "GET [X.Y:80] path=/g host=X.Y:80 1.1 keep none:0 size=41"},
        {"GET https://[::1]:80/g" H11, "GET [[::1]:80] path=/g host=[::1]:80 1.1 keep none:0 size=44"},
        {"GET http://x.y:/%67" H11, "GET [x.y:] path=/%67 (escaped) host=x.y: 1.1 keep none:0 size=41"},
        {"OPTIONS *" H11, "OPTIONS [] path=* host=a 1.1 keep none:0 size=31"},
        {"GET *" H11, "GET [] path=* host=a 1.1 keep none:0 size=27"},
        {"CONNECT x.y:443" H11, "CONNECT [x.y:443] path= host=x.y:443 1.1 keep none:0 size=37"},
        {"CONNECT x.y" H11, "CONNECT [x.y] path= host=x.y 1.1 keep none:0 size=33"},
        {"CONNECT /g" H11, "CONNECT [] path=/g host=a 1.1 keep none:0 size=32"},
        {"CONNECT x.y:443 HTTP/1.1\r\n\r\n", "CONNECT [x.y:443] path= host=x.y:443 1.1 keep none:0 size=28"},
        {"PURGE /g" H11, "PURGE [] path=/g host=a 1.1 keep none:0 size=30"},
        {"get /g" H11, "get [] path=/g host=a 1.1 keep none:0 size=28"},
        {"!#$%&'*+-.^_`|~0 /" H11, "!#$%&'*+-.^_`|~0 [] path=/ host=a 1.1 keep none:0 size=40"},
    };
    check_rows(rows, KD_COUNT(rows));
}

static void connections(void **state)
{
    static const row rows[] = {
        {"GET / HTTP/1.0\r\n\r\n", "GET [] path=/ host= 1.0 close none:0 size=18"},
        {"GET / HTTP/1.0\r\nHost: x.y\r\nX: 1\r\n\r\n", "GET [] path=/ host=x.y 1.0 close none:0 size=35 X=1;"},
        {"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n",
         "GET [] path=/ host= 1.0 keep none:0 size=42 Connection=Keep-Alive;"},
        {"GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n",
         "GET [] path=/ host= 1.0 close none:0 size=49 Connection=keep-alive, close;"},
        {"GET / HTTP/1.2\r\nHost: a\r\n\r\n", "GET [] path=/ host=a 1.1 keep none:0 size=27"},
        {"GET / HTTP/1.1\r\nHost:\r\n\r\n", "GET [] path=/ host= 1.1 keep none:0 size=25"},
        {"GET / HTTP/1.1\r\nHost: a\r\nConnection: CLOSE\r\n\r\n",
         "GET [] path=/ host=a 1.1 close none:0 size=46 Connection=CLOSE;"},
        {"GET / HTTP/1.1\r\nHost: a\r\nConnection: te, close ,x\r\n\r\n",
         "GET [] path=/ host=a 1.1 close none:0 size=53 Connection=te, close ,x;"},
        {"GET / HTTP/1.1\r\nHost: a\r\nConnection: x\r\nConnection: close\r\n\r\n",
         "GET [] path=/ host=a 1.1 close none:0 size=61 Connection=x; Connection=close;"},
        {"GET / HTTP/1.1\r\nHost: a\r\nConnection: closed, close-x\r\n\r\n",
         "GET [] path=/ host=a 1.1 keep none:0 size=56 Connection=closed, close-x;"},
    };
    check_rows(rows, KD_COUNT(rows));
}

static void bodies_and_expectations(void **state)
{
    static const row rows[] = {
        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc",
         "POST [] path=/ host=a 1.1 keep length:3 size=47 Content-Length=3;"},
        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
         "POST [] path=/ host=a 1.1 keep length:0 size=47 Content-Length=0;"},
        {"POST / HTTP/1.1\r\nHost: a\r\ncontent-length: 1\r\nX: y\r\nContent-Length: 1\r\n\r\nx",
         "POST [] path=/ host=a 1.1 keep length:1 size=72 Content-Length=1; X=y;"},
        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 007\r\n\r\n",
         "POST [] path=/ host=a 1.1 keep length:7 size=49 Content-Length=007;"},
        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9223372036854775807\r\n\r\n",
         "POST [] path=/ host=a 1.1 keep length:9223372036854775807 size=65 Content-Length=9223372036854775807;"},
        {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\nX: y\r\n\r\n",
         "POST [] path=/ host=a 1.1 keep chunked:0 size=62 X=y;"},
        {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n",
         "POST [] path=/ host=a 1.1 keep chunked:0 size=70 Trailer=X-T;"},
        {"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: 3\r\n\r\n",
         "POST [] path=/ host=a 1.1 keep length:3 100 size=69 Expect=100-Continue; Content-Length=3;"},
        {"POST / HTTP/1.1\r\nHost: a\r\nExpect: x, 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n",
         "POST [] path=/ host=a 1.1 keep chunked:0 100 size=81 Expect=x, 100-continue;"},
        {"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 0\r\n\r\n",
         "POST [] path=/ host=a 1.1 keep length:0 size=69 Expect=100-continue; Content-Length=0;"},
        {"POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n",
         "POST [] path=/ host= 1.0 close length:3 size=60 Expect=100-continue; Content-Length=3;"},
        {"GET / HTTP/1.1\r\nHost: a\r\nExpect: 100-continuex\r\n\r\n",
         "GET [] path=/ host=a 1.1 keep none:0 417 size=50 Expect=100-continuex;"},
        {"GET / HTTP/1.1\r\nHost: a\r\nExpect: other\r\nExpect: 100-continue\r\n\r\n",
         "GET [] path=/ host=a 1.1 keep none:0 417 size=64 Expect=other; Expect=100-continue;"},
        {"GET / HTTP/1.1\r\nHost: a\r\nExpect:\r\n\r\n", "GET [] path=/ host=a 1.1 keep none:0 size=36 Expect=;"},
        {"GET / HTTP/1.1\r\nHost: a\r\nPragma: no-cache\r\n\r\n",
         "GET [] path=/ host=a 1.1 keep none:0 size=45 Pragma=no-cache; Cache-Control=no-cache;"},
        {"GET / HTTP/1.1\r\nHost: a\r\nPragma: no-cache\r\nCache-Control: x\r\n\r\n",
         "GET [] path=/ host=a 1.1 keep none:0 size=63 Pragma=no-cache; Cache-Control=x;"},
        {"GET / HTTP/1.1\r\nHost: a\r\nPragma: x\r\nPragma: no-cache\r\n\r\n",
         "GET [] path=/ host=a 1.1 keep none:0 size=56 Pragma=x; Pragma=no-cache;"},
    };
    check_rows(rows, KD_COUNT(rows));
}

static void names_and_values(void **state)
{
    static const row rows[] = {
        {"GET / HTTP/1.1\r\nhOST: a\r\nx-api-KEY:1\r\nX-API-KEY: 2\r\nETAG:  3 \t\r\nwww-AUTHENTICATE:\t4\r\n\r\n",
         "GET [] path=/ host=a 1.1 keep none:0 size=87 X-Api-Key=1; X-Api-Key=2; Etag=3; Www-Authenticate=4;"},
        {"GET / HTTP/1.1\r\nHost: a\r\nx_under_score: 1\r\nx-1abc-Z: 2\r\nx!#$%&'*+.^`|~z: 3\r\n-a--b-: 4\r\n\r\n",
         "GET [] path=/ host=a 1.1 keep none:0 size=89 X_under_score=1; X-1abc-Z=2; X!#$%&'*+.^`|~z=3; -A--B-=4;"},
        {"GET / HTTP/1.1\r\nHost: a\r\nX:\r\nY: \t \r\nZ: a\tb\xc3\xa9 \"c\" , d\r\n\r\n",
         "GET [] path=/ host=a 1.1 keep none:0 size=56 X=; Y=; Z=a\tb\xc3\xa9 \"c\" , d;"},
        {"GET / HTTP/1.1\r\nHost: a\r\na-very-long-name-with-more-than-thirty-two-bytes-IN-it: v\r\n\r\n",
         "GET [] path=/ host=a 1.1 keep none:0 size=86 A-Very-Long-Name-With-More-Than-Thirty-Two-Bytes-In-It=v;"},
        {"GET / HTTP/1.1\r\nHost: a\r\nfifteen-bytes-x: v\r\nsixteen-bytes-xy: v\r\nseventeen-bytes-x: v\r\n\r\n",
         "GET [] path=/ host=a 1.1 keep none:0 size=90 Fifteen-Bytes-X=v; Sixteen-Bytes-Xy=v; Seventeen-Bytes-X=v;"},
        {"GET / HTTP/1.1\r\nHost: Api.Example.COM:8443\r\n\r\n",
         "GET [] path=/ host=Api.Example.COM:8443 1.1 keep none:0 size=46"},
        {"GET / HTTP/1.1\r\nHost: [fe80::1%25en0]:80\r\n\r\n",
         "GET [] path=/ host=[fe80::1%25en0]:80 1.1 keep none:0 size=44"},
        {"GET / HTTP/1.1\r\nHost: !$%&()*+-.:;='_~Z9\r\n\r\n",
         "GET [] path=/ host=!$%&()*+-.:;='_~Z9 1.1 keep none:0 size=44"},
    };
    check_rows(rows, KD_COUNT(rows));
}

static void methods(void **state)
{
    static const struct {
        const char *text;
        kd_method method;
    } rows[] = {{"GET", KD_METHOD_GET},         {"HEAD", KD_METHOD_HEAD},       {"POST", KD_METHOD_POST},
                {"PUT", KD_METHOD_PUT},         {"PATCH", KD_METHOD_PATCH},     {"DELETE", KD_METHOD_DELETE},
                {"OPTIONS", KD_METHOD_OPTIONS}, {"CONNECT", KD_METHOD_CONNECT}, {"TRACE", KD_METHOD_TRACE},
                {"get", KD_METHOD_OTHER},       {"", KD_METHOD_OTHER},          {"GETS", KD_METHOD_OTHER}};
    for (size_t i = 0; i < KD_COUNT(rows); i++)
        assert_int_equal(kd_method_of(kd_str_from_c(rows[i].text)), rows[i].method);
}

/* Every beginning of a good head asks for more; what follows the head is not looked at. */
static void incomplete_heads_ask_for_more(void **state)
{
    static const char in[] = "POST /a?b HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nX-Long-Name: value\r\n\r\n";
    for (size_t n = 1; n < sizeof in - 1; n++) {
        scanned s;
        scan_every_way(&s, kd_str_of(in, n), LIMIT, true, KD_METHOD_GET);
        assert_string_equal(s.text.p, "MORE");
        scanned_fini(&s);
    }
    scanned s;
    scan_in_steps(&s, KD_STR("GET / HTTP/1.0\r\n\r\n\x01\x02 GET"), 1000, LIMIT, true, KD_METHOD_GET, NULL);
    assert_string_equal(s.text.p, "GET [] path=/ host= 1.0 close none:0 size=18");
    scanned_fini(&s);
}

/* A bad line is told at once, without waiting for the end of the head. */
static void bad_lines_are_told_early(void **state)
{
    static const row rows[] = {
        {"BROKEN\r\n", "400 "},
        {"\r\n", "400 "},
        {"GET /\r\nHost: a", "400 "},
        {"GET / HTTP/1.1\r\nHost: a\r\nNoColon\r\nX", "400 "},
        {"GET / HTTP/1.1\r\nHost: a\r\nX: \x01\r\n", "400 "},
        {"GET / HTTP/1.1\r\nHost: a\n", "400 "},
        {"\x16\x03\x01\x02", "MORE"},
        {"GET / HTTP/1.1\r\nHost: a\r\nX: \x01", "MORE"},
    };
    check_rows(rows, KD_COUNT(rows));
}

static void check_limit(size_t limit, kd_str in, const char *out)
{
    scanned s;
    scan_every_way(&s, in, limit, true, KD_METHOD_GET);
    assert_string_equal(s.text.p, out);
    scanned_fini(&s);
}

static void the_limit_is_exact(void **state)
{
    static const char in[] = "GET /g HTTP/1.1\r\nHost: a\r\n\r\nbody";
    check_limit(28, KD_STR("GET /g HTTP/1.1\r\nHost: a\r\n\r\nbody"), "GET [] path=/g host=a 1.1 keep none:0 size=28");
    for (size_t limit = 1; limit < 28; limit++)
        check_limit(limit, kd_str_of(in, sizeof in - 1), "431 ");
    check_limit(10, KD_STR("GET /aaaa"), "MORE");
    check_limit(9, KD_STR("GET /aaaa"), "431 ");
}

static void very_long_names_are_refused_values_not(void **state)
{
    static char in[300000];
    scanned s;
    static const char head[] = "GET / HTTP/1.1\r\nHost: a\r\n";
    memset(in, 'a', sizeof in);
    memcpy(in, head, sizeof head - 1);
    memcpy(in + sizeof head - 1 + UINT16_MAX, ": v\r\n\r\n", 7);
    scan_in_steps(&s, kd_str_of(in, sizeof head - 1 + UINT16_MAX + 7), 40000, LIMIT, true, KD_METHOD_GET, NULL);
    assert_int_equal(s.result, KD_SCAN_DONE);
    assert_int_equal(s.request.headers.v[0].name_n, UINT16_MAX);
    scanned_fini(&s);
    memcpy(in + sizeof head - 1 + UINT16_MAX, "a: v\r\n\r\n", 8);
    for (size_t step = 20000; step < 120000; step += 33333) {
        scan_in_steps(&s, kd_str_of(in, sizeof head - 1 + UINT16_MAX + 8), step, LIMIT, true, KD_METHOD_GET, NULL);
        assert_string_equal(s.text.p, "431 ");
        scanned_fini(&s);
    }
    memset(in, 'a', sizeof in);
    memcpy(in, "GET / HTTP/1.1\r\nHost: a\r\nX:", 27);
    memcpy(in + sizeof in - 4, "\r\n\r\n", 4);
    scan_in_steps(&s, kd_str_of(in, sizeof in), 70000, LIMIT, true, KD_METHOD_GET, NULL);
    assert_int_equal(s.result, KD_SCAN_DONE);
    assert_int_equal(s.request.headers.v[0].value_n, sizeof in - 4 - 27);
    scanned_fini(&s);
}

static void many_fields_and_no_memory(void **state)
{
    kd_arena arena;
    kd_arena_init(&arena, NULL, 4096);
    char in[20000];
    size_t n = (size_t)snprintf(in, sizeof in, "GET / HTTP/1.1\r\nHost: a\r\n");
    for (int i = 0; i < 1000; i++)
        n += (size_t)snprintf(in + n, sizeof in - n, "X%d: %d\r\n", i, i);
    n += (size_t)snprintf(in + n, sizeof in - n, "\r\n");
    kd_request_head head;
    kd_scan_error error;
    kd_headers_init(&head.headers, &arena);
    assert_int_equal(kd_scan_request(in, n, 0, LIMIT, &head, &error), KD_SCAN_NO_MEMORY);
    kd_arena_reset(&arena);
    kd_arena_init(&arena, NULL, 0);
    kd_headers_init(&head.headers, &arena);
    assert_int_equal(kd_scan_request(in, n, 0, LIMIT, &head, &error), KD_SCAN_DONE);
    assert_int_equal(head.headers.n, 1000);
    assert_true(kd_str_eq(kd_header_name(&head.headers.v[999]), KD_STR("X999")));
    kd_arena_reset(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(targets),
        cmocka_unit_test(connections),
        cmocka_unit_test(bodies_and_expectations),
        cmocka_unit_test(names_and_values),
        cmocka_unit_test(methods),
        cmocka_unit_test(incomplete_heads_ask_for_more),
        cmocka_unit_test(bad_lines_are_told_early),
        cmocka_unit_test(the_limit_is_exact),
        cmocka_unit_test(very_long_names_are_refused_values_not),
        cmocka_unit_test(many_fields_and_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
