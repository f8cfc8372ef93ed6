#include "http/server2_head.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define LIMIT 1000u

/* Fields as "name: value" lines; a name may begin with a colon. */
static kd_head2_result build(kd_arena *arena, kd_request_head *head, const char *lines, bool body, kd_str *text)
{
    kd_head2 h;
    kd_head2_init(&h, head, arena, LIMIT);
    kd_str rest = kd_str_from_c(lines), line;
    while (rest.n && kd_str_split(&rest, '\n', &line)) {
        ptrdiff_t colon = kd_str_find(kd_str_from(line, 1), ':');
        assert_true(colon >= 0);
        kd_head2_field(&h, kd_str_head(line, (size_t)colon + 1), kd_str_from(line, (size_t)colon + 3));
        if (!rest.p)
            break;
    }
    return kd_head2_finish(&h, body, text);
}

#define GET  ":method: GET\n:scheme: http\n:path: /a?b=c\n:authority: host.example:81"
#define POST ":method: POST\n:scheme: https\n:path: /\n:authority: h"

static void test_results(void **state)
{
    static const struct {
        const char *fields;
        bool body;
        kd_head2_result result;
        const char *text;
    } cases[] = {
        {GET, false, KD_HEAD2_GOOD, ""},
        {GET "\nx-a: b", false, KD_HEAD2_GOOD, ""},
        {GET "\nX-a: b", false, KD_HEAD2_MALFORMED, ""},
        {GET "\nx a: b", false, KD_HEAD2_MALFORMED, ""},
        {GET "\nx-a: \x01", false, KD_HEAD2_MALFORMED, ""},
        {GET "\nx-a: \x7f", false, KD_HEAD2_MALFORMED, ""},
        {GET "\nx-a: \tb\xc3\xa4\t", false, KD_HEAD2_GOOD, ""},
        {GET "\nconnection: close", false, KD_HEAD2_REFUSED, "request header \"Connection\" is not valid in HTTP/2\n"},
        {GET "\nupgrade: x\nkeep-alive: 1", false, KD_HEAD2_REFUSED,
         "request header \"Keep-Alive\" is not valid in HTTP/2\n"},
        {GET "\nproxy-connection: x", false, KD_HEAD2_REFUSED,
         "request header \"Proxy-Connection\" is not valid in HTTP/2\n"},
        {GET "\ntransfer-encoding: chunked", true, KD_HEAD2_REFUSED,
         "request header \"Transfer-Encoding\" is not valid in HTTP/2\n"},
        {GET "\nte: trailers", false, KD_HEAD2_GOOD, ""},
        {GET "\nte: gzip", false, KD_HEAD2_REFUSED, "request header \"TE\" may only be \"trailers\" in HTTP/2\n"},
        {GET "\nte: trailers\nte: trailers", false, KD_HEAD2_REFUSED,
         "request header \"TE\" may only be \"trailers\" in HTTP/2\n"},
        {":method: GET\n:scheme: http", false, KD_HEAD2_MALFORMED, ""},
        {":method: GET\n:path: /", false, KD_HEAD2_MALFORMED, ""},
        {":scheme: http\n:path: /", false, KD_HEAD2_MALFORMED, ""},
        {":method: GET\n:scheme: http\n:path: /", false, KD_HEAD2_GOOD, ""},
        {":method: GET\n:scheme: ftp\n:path: /", false, KD_HEAD2_MALFORMED, ""},
        {":method: GET\n:scheme: HTTP\n:path: /", false, KD_HEAD2_MALFORMED, ""},
        {":method: GE T\n:scheme: http\n:path: /", false, KD_HEAD2_MALFORMED, ""},
        {":method: GET\n:scheme: http\n:path: a", false, KD_HEAD2_MALFORMED, ""},
        {":method: GET\n:scheme: http\n:path: http://x/", false, KD_HEAD2_MALFORMED, ""},
        {":method: GET\n:scheme: http\n:path: /a b", false, KD_HEAD2_MALFORMED, ""},
        {":method: GET\n:scheme: http\n:path: /%zz", false, KD_HEAD2_MALFORMED, ""},
        {":method: OPTIONS\n:scheme: http\n:path: *", false, KD_HEAD2_GOOD, ""},
        {":method: CONNECT\n:authority: a:1", false, KD_HEAD2_GOOD, ""},
        {":method: CONNECT\n:authority: a:1\n:path: /", false, KD_HEAD2_MALFORMED, ""},
        {":method: CONNECT", false, KD_HEAD2_MALFORMED, ""},
        {GET "\n:path: /", false, KD_HEAD2_MALFORMED, ""},
        {GET "\nx-a: b\n:status: 200", false, KD_HEAD2_MALFORMED, ""},
        {":method: GET\nx-a: b\n:scheme: http\n:path: /", false, KD_HEAD2_MALFORMED, ""},
        {GET "\n:protocol: websocket", false, KD_HEAD2_MALFORMED, ""},
        {":method: GET\n:scheme: http\n:path: /\n:authority: u@h", false, KD_HEAD2_MALFORMED, ""},
        {":method: GET\n:scheme: http\n:path: /\n:authority: a,b", false, KD_HEAD2_MALFORMED, ""},
        {GET "\nhost: HOST.example:81", false, KD_HEAD2_GOOD, ""},
        {GET "\nhost: other", false, KD_HEAD2_MALFORMED, ""},
        {":method: GET\n:scheme: http\n:path: /\nhost: a\nhost: a", false, KD_HEAD2_MALFORMED, ""},
        {POST "\ncontent-length: 5", true, KD_HEAD2_GOOD, ""},
        {POST "\ncontent-length: 5\ncontent-length: 5", true, KD_HEAD2_GOOD, ""},
        {POST "\ncontent-length: 5\ncontent-length: 05", true, KD_HEAD2_MALFORMED, ""},
        {POST "\ncontent-length: 5", false, KD_HEAD2_MALFORMED, ""},
        {POST "\ncontent-length: 0", false, KD_HEAD2_GOOD, ""},
        {POST "\ncontent-length: -1", true, KD_HEAD2_MALFORMED, ""},
        {POST "\ncontent-length: 9223372036854775808", true, KD_HEAD2_MALFORMED, ""},
    };
    for (size_t i = 0; i < KD_COUNT(cases); i++) {
        kd_arena arena;
        kd_arena_init(&arena, NULL, 0);
        kd_request_head head;
        kd_str text;
        kd_head2_result result = build(&arena, &head, cases[i].fields, cases[i].body, &text);
        if (result != cases[i].result || !kd_str_eq(text, kd_str_from_c(cases[i].text)))
            fail_msg("case %zu gave %d '%.*s':\n%s", i, (int)result, KD_FMT(text), cases[i].fields);
        kd_arena_reset(&arena);
    }
}

static void expect(const kd_headers *list, const char *name, const char *value)
{
    const kd_header *found = kd_headers_find_name(list, kd_str_from_c(name));
    if (!value) {
        assert_null(found);
        return;
    }
    assert_non_null(found);
    assert_true(kd_str_eq(kd_header_value(found), kd_str_from_c(value)));
    assert_int_equal(found->token, kd_token_of(kd_str_from_c(name)));
    assert_true(found->flags & KD_HEADER_CHECKED);
}

/* The same form as an HTTP/1 head. */
static void test_head(void **state)
{
    kd_arena arena;
    kd_arena_init(&arena, NULL, 0);
    kd_request_head head;
    kd_str text;
    assert_int_equal(build(&arena, &head,
                           POST "\nuser-agent: demo\nx-own-name: 1\ncookie: a=b\naccept: */*\ncookie: c\nhost: h"
                                "\nexpect: 100-continue\ncontent-length: 7\ntrailer: x\nx-blank:  v \ncookie: d",
                           true, &text),
                     KD_HEAD2_GOOD);
    assert_int_equal(head.method, KD_METHOD_POST);
    assert_true(kd_str_eq(head.method_text, KD_STR("POST")));
    assert_true(kd_str_eq(head.target, KD_STR("/")));
    assert_true(kd_str_eq(head.host, KD_STR("h")));
    assert_int_equal(head.authority.n, 0);
    assert_int_equal(head.framing, KD_FRAMING_LENGTH);
    assert_int_equal(head.length, 7);
    assert_true(head.expect_continue && !head.expect_other && head.keep_alive);
    assert_int_equal(head.minor, 1);
    expect(&head.headers, "User-Agent", "demo");
    expect(&head.headers, "X-Own-Name", "1");
    expect(&head.headers, "X-Blank", "v");
    expect(&head.headers, "Cookie", "a=b; c; d");
    expect(&head.headers, "Content-Length", "7");
    expect(&head.headers, "Host", NULL);
    expect(&head.headers, "Expect", NULL);
    expect(&head.headers, "Trailer", NULL);
    assert_int_equal(head.headers.n, 6);
    kd_arena_reset(&arena);
}

static void test_target(void **state)
{
    kd_arena arena;
    kd_arena_init(&arena, NULL, 0);
    kd_request_head head;
    kd_str text;
    assert_int_equal(build(&arena, &head, GET "\nexpect: something", false, &text), KD_HEAD2_GOOD);
    assert_true(kd_str_eq(head.path, KD_STR("/a")) && kd_str_eq(head.query, KD_STR("b=c")) && head.has_query);
    assert_true(kd_str_eq(head.host, KD_STR("host.example:81")));
    assert_int_equal(head.framing, KD_FRAMING_NONE);
    assert_false(head.expect_continue || head.expect_other); /* 417 is of HTTP/1 only */
    expect(&head.headers, "Expect", "something");
    assert_int_equal(build(&arena, &head, POST, true, &text), KD_HEAD2_GOOD);
    assert_int_equal(head.framing, KD_FRAMING_CHUNKED);
    kd_arena_reset(&arena);
}

/* Each field counts its bytes and 32 more; what is beyond the limit is not kept. */
static void test_limit(void **state)
{
    static char value[LIMIT];
    memset(value, 'v', sizeof value);
    size_t pseudo = 7 + 3 + 32 + 7 + 4 + 32 + 5 + 1 + 32;
    for (int over = 0; over < 2; over++) {
        kd_arena arena;
        kd_arena_init(&arena, NULL, 0);
        kd_request_head head;
        kd_head2 h;
        kd_str text;
        kd_head2_init(&h, &head, &arena, LIMIT);
        kd_head2_field(&h, KD_STR(":method"), KD_STR("GET"));
        kd_head2_field(&h, KD_STR(":scheme"), KD_STR("http"));
        kd_head2_field(&h, KD_STR(":path"), KD_STR("/"));
        kd_head2_field(&h, KD_STR("a"), kd_str_of(value, LIMIT - pseudo - 33 + (size_t)over));
        assert_int_equal(kd_head2_finish(&h, false, &text), over ? KD_HEAD2_TOO_LARGE : KD_HEAD2_GOOD);
        for (int i = 0; i < 100000; i++)
            kd_head2_field(&h, KD_STR("a"), kd_str_of(value, sizeof value));
        assert_int_equal(kd_head2_finish(&h, false, &text), KD_HEAD2_TOO_LARGE);
        assert_true(arena.taken < 3 * KD_CHUNK_SIZE);
        kd_arena_reset(&arena);
    }
}

static void test_no_memory(void **state)
{
    unsigned good = 0;
    for (size_t limit = 4096; limit < 65536 && !good; limit += 4096) {
        kd_arena arena;
        kd_arena_init(&arena, NULL, limit);
        kd_request_head head;
        kd_str text;
        char big[12000];
        kd_head2 h;
        memset(big, 'x', sizeof big);
        kd_head2_init(&h, &head, &arena, 100000);
        kd_head2_field(&h, KD_STR(":method"), KD_STR("GET"));
        kd_head2_field(&h, KD_STR(":scheme"), KD_STR("http"));
        kd_head2_field(&h, KD_STR(":path"), KD_STR("/"));
        kd_head2_field(&h, KD_STR("cookie"), kd_str_of(big, sizeof big));
        kd_head2_field(&h, KD_STR("cookie"), KD_STR("y"));
        kd_head2_result result = kd_head2_finish(&h, false, &text);
        assert_true(result == KD_HEAD2_NO_MEMORY || result == KD_HEAD2_GOOD);
        good += result == KD_HEAD2_GOOD;
        kd_arena_reset(&arena);
    }
    assert_int_equal(good, 1);
}

static void test_trailers(void **state)
{
    assert_true(kd_head2_trailer_good(KD_STR("x-sum"), KD_STR("1")));
    assert_false(kd_head2_trailer_good(KD_STR(":path"), KD_STR("/")));
    assert_false(kd_head2_trailer_good(KD_STR("X-sum"), KD_STR("1")));
    assert_false(kd_head2_trailer_good(KD_STR(""), KD_STR("1")));
    assert_false(kd_head2_trailer_good(KD_STR("x-sum"), KD_STR("\r\n")));
    assert_false(kd_head2_trailer_good(KD_STR("connection"), KD_STR("close")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_results), cmocka_unit_test(test_head),      cmocka_unit_test(test_target),
        cmocka_unit_test(test_limit),   cmocka_unit_test(test_no_memory), cmocka_unit_test(test_trailers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
