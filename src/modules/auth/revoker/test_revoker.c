#include "modules/auth/revoker/rest.h"
#include "modules/auth/revoker/rpc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

static const kd_bloom_config optimal = {.n = 1000, .p = 0.001, .optimal = true, .ttl = 10 * KD_SECOND};

/* The sizes that KrakenD works out (spec/02 section 6.2). */
static void test_sizes(void **state)
{
    static const struct {
        uint64_t n;
        double p;
        uint64_t m, k;
    } cases[] = {{2, .5, 3, 2}, {1000, .001, 14378, 10}, {500, .01, 4793, 7}, {10000000, 1e-7, 335477044, 24}};
    for (size_t i = 0; i < KD_COUNT(cases); i++) {
        assert_int_equal(kd_bloom_bits(cases[i].n, cases[i].p), cases[i].m);
        assert_int_equal(kd_bloom_hashes(cases[i].m, cases[i].n), cases[i].k);
    }
}

static void test_add_and_has(void **state)
{
    for (int way = 0; way < 2; way++) {
        kd_bloom_config config = optimal;
        config.optimal = way;
        kd_bloom *bloom = kd_bloom_create(&config, 0);
        char text[32];
        assert_non_null(bloom);
        for (int i = 0; i < 1000; i++) {
            int n = snprintf(text, sizeof text, "jti-%d", i);
            kd_bloom_add(bloom, kd_str_of(text, (size_t)n), 0);
        }
        unsigned wrong = 0;
        for (int i = 0; i < 11000; i++) {
            int n = snprintf(text, sizeof text, "jti-%d", i);
            bool found = kd_bloom_has(bloom, kd_str_of(text, (size_t)n), 0);
            if (i < 1000)
                assert_true(found);
            else
                wrong += found;
        }
        assert_in_range(wrong, 0, 60); /* 10 are expected of ten thousand */
        kd_bloom_destroy(bloom);
    }
}

/* An element is found until the third rotation, however late anybody looks. */
static void test_rotation(void **state)
{
    static const struct {
        kd_ns look;
        bool found;
    } cases[] = {{0, true}, {9, true}, {11, true}, {29, true}, {30, false}, {31, false}, {1000000, false}};
    for (size_t i = 0; i < KD_COUNT(cases); i++) {
        kd_bloom *bloom = kd_bloom_create(&optimal, 0);
        kd_bloom_add(bloom, KD_STR("a"), 0);
        assert_int_equal(kd_bloom_has(bloom, KD_STR("a"), cases[i].look * KD_SECOND), cases[i].found);
        kd_bloom_destroy(bloom);
    }
    kd_bloom *bloom = kd_bloom_create(&optimal, 0);
    kd_bloom_add(bloom, KD_STR("a"), 0);
    for (kd_ns t = 1; t < 60; t++)
        assert_int_equal(kd_bloom_has(bloom, KD_STR("a"), t * KD_SECOND), t < 30);
    kd_bloom_destroy(bloom);
}

static void test_refused(void **state)
{
    kd_bloom_config config = optimal;
    config.n = UINT32_MAX;
    config.p = 1e-9;
    assert_null(kd_bloom_create(&config, 0));
    config = optimal;
    config.ttl = 0;
    assert_null(kd_bloom_create(&config, 0));
}

/* ---- gob --------------------------------------------------------------------------------------------------------- */

static void test_numbers(void **state)
{
    static const int64_t ints[] = {0,   1,   -1,  63,    -64,       64,        -65,      127,
                                   128, 255, 256, 65535, INT32_MAX, INT64_MAX, INT64_MIN};
    kd_buf buf;
    kd_buf_init(&buf, 4096);
    for (size_t i = 0; i < KD_COUNT(ints); i++)
        kd_gob_put_int(&buf, ints[i]);
    kd_gob_put_float(&buf, 0.001);
    kd_gob_put_text(&buf, KD_STR("text"));
    kd_gob_types types = {0};
    kd_gob_in in = {&types, (const uint8_t *)buf.p, (const uint8_t *)buf.p + buf.n, false};
    for (size_t i = 0; i < KD_COUNT(ints); i++)
        assert_int_equal(kd_gob_int(&in), ints[i]);
    assert_true(kd_gob_float(&in) == 0.001);
    assert_true(kd_str_eq(kd_gob_bytes(&in), KD_STR("text")));
    assert_false(in.bad);
    kd_gob_uint(&in);
    assert_true(in.bad);
    kd_buf_fini(&buf);
}

/* ---- the service ------------------------------------------------------------------------------------------------- */

static void add_message(kd_buf *out, const char *bytes, size_t n)
{
    kd_gob_put_message(out, kd_str_of(bytes, n));
}

/* Definitions as Go's client sends them: Request, an input with Elems, its list. */
static void define(kd_buf *out)
{
    static const char request[] = "\x7f\x03\x01\x01\x07Request\x01\xff\x80\x00\x01\x02\x01\x0dServiceMethod\x01\x0c\x00"
                                  "\x01\x03Seq\x01\x06\x00\x00\x00";
    static const char input[] = "\xff\x81\x03\x01\x01\x05Input\x01\xff\x82\x00\x01\x01\x01\x05"
                                "Elems\x01\xff\x84\x00\x00\x00";
    static const char list[] = "\xff\x83\x02\x01\x01\x09[][]uint8\x01\xff\x84\x00\x01\x0a\x00\x00";
    add_message(out, request, sizeof request - 1);
    add_message(out, input, sizeof input - 1);
    add_message(out, list, sizeof list - 1);
}

static void request(kd_buf *out, const char *method, uint64_t seq, const char *const *elems, size_t n)
{
    kd_buf m;
    kd_buf_init(&m, 4096);
    kd_gob_put_int(&m, 64);
    kd_gob_put_uint(&m, 1);
    kd_gob_put_text(&m, kd_str_from_c(method));
    if (seq) {
        kd_gob_put_uint(&m, 1);
        kd_gob_put_uint(&m, seq);
    }
    kd_gob_put_uint(&m, 0);
    kd_gob_put_message(out, kd_buf_str(&m));
    kd_buf_reset(&m, 0);
    kd_gob_put_int(&m, 65);
    if (n) {
        kd_gob_put_uint(&m, 1);
        kd_gob_put_uint(&m, n);
    }
    for (size_t i = 0; i < n; i++)
        kd_gob_put_text(&m, kd_str_from_c(elems[i]));
    kd_gob_put_uint(&m, 0);
    kd_gob_put_message(out, kd_buf_str(&m));
    kd_buf_fini(&m);
}

static bool ends_with(const kd_buf *out, const char *tail, size_t n)
{
    return out->n >= n && memcmp(out->p + out->n - n, tail, n) == 0;
}

static void test_service(void **state)
{
    static const char *const elems[] = {"jti-a", "jti-b"}, *const other[] = {"jti-b", "jti-c"};
    kd_bloom *bloom = kd_bloom_create(&optimal, 0);
    /* In one piece, and byte by byte. */
    for (size_t step = 0; step < 2; step++) {
        kd_rpc rpc;
        kd_buf in, out;
        bool bad = false;
        kd_rpc_init(&rpc, bloom);
        kd_buf_init(&in, 1 << 20);
        kd_buf_init(&out, 1 << 20);
        define(&in);
        request(&in, "BloomfilterRPC.Add", 0, elems, 2);
        request(&in, "BloomfilterRPC.Check", 1, other, 2);
        size_t used = 0;
        for (size_t n = step ? 1 : in.n; n <= in.n; n++) {
            used += kd_rpc_take(&rpc, kd_str_of(in.p + used, n - used), 0, &out, &bad);
            assert_false(bad);
        }
        assert_int_equal(used, in.n);
        assert_true(ends_with(&out, "\x01\x02\x01\x00\x00", 5)); /* two checks: true, false */
        assert_true(kd_bloom_has(bloom, KD_STR("jti-a"), 0));
        kd_buf_reset(&out, 0);
        kd_buf_reset(&in, 0);
        request(&in, "BloomfilterRPC.Nope", 2, NULL, 0);
        request(&in, "Other.Add", 3, NULL, 0);
        request(&in, "nothing", 4, NULL, 0);
        assert_int_equal(kd_rpc_take(&rpc, kd_buf_str(&in), 0, &out, &bad), in.n);
        assert_false(bad);
        kd_buf_byte(&out, '\0');
        static const char *const errors[] = {"rpc: can't find method BloomfilterRPC.Nope",
                                             "rpc: can't find service Other.Add",
                                             "rpc: service/method request ill-formed: nothing"};
        for (size_t i = 0; i < KD_COUNT(errors); i++)
            assert_non_null(memmem(out.p, out.n, errors[i], strlen(errors[i])));
        kd_buf_fini(&in);
        kd_buf_fini(&out);
        kd_rpc_fini(&rpc);
    }
    kd_bloom_destroy(bloom);
}

/* Whatever comes, nothing worse happens than that the connection ends. */
static void test_garbage(void **state)
{
    kd_bloom *bloom = kd_bloom_create(&optimal, 0);
    static const char *const elems[] = {"x"};
    kd_buf good;
    kd_buf_init(&good, 1 << 20);
    define(&good);
    request(&good, "BloomfilterRPC.Add", 7, elems, 1);
    request(&good, "BloomfilterRPC.Union", 8, elems, 1);
    uint32_t seed = 1;
    unsigned ended = 0;
    for (unsigned round = 0; round < 20000; round++) {
        char *copy = malloc(good.n);
        memcpy(copy, good.p, good.n);
        for (unsigned k = 0; k < 1 + round % 4; k++) {
            seed = seed * 1103515245u + 12345u;
            copy[(seed >> 8) % good.n] = (char)(seed >> 24);
        }
        kd_rpc rpc;
        kd_buf out;
        bool bad = false;
        kd_rpc_init(&rpc, bloom);
        kd_buf_init(&out, 1 << 20);
        size_t n = good.n - (round % 5 ? 0 : (seed >> 12) % good.n);
        assert_true(kd_rpc_take(&rpc, kd_str_of(copy, n), 0, &out, &bad) <= n);
        ended += bad;
        kd_buf_fini(&out);
        kd_rpc_fini(&rpc);
        free(copy);
    }
    assert_true(ended > 1000);
    kd_buf_fini(&good);
    kd_bloom_destroy(bloom);
}

/* Another gateway's filters are joined where all three are of our shape; what they hold is found from then on. */
static void test_union(void **state)
{
    static const unsigned places[] = {4868, 9385, 11188, 12991, 416,
                                      2219, 4022, 5825,  7628,  12145}; /* of jti-union, as Go hashes it */
    static uint8_t bits[1798], none[1798];
    for (size_t i = 0; i < KD_COUNT(places); i++)
        bits[places[i] >> 3] |= (uint8_t)(1u << (places[i] & 7));
    const kd_bloom_part empty = {kd_str_of((const char *)none, sizeof none), 14378, 10, KD_STR("optimal")};
    kd_bloom_part full = empty, small = empty, fewer = empty, other = empty;
    full.bits.p = (const char *)bits;
    small.m = 3;
    fewer.k = 2;
    other.hash_name = KD_STR("default");
    const struct {
        kd_bloom_peer peer;
        const char *error;
    } cases[] = {{{2000, 0.001, empty, full, full}, "different n values 2000 vs. 1000"},
                 {{1000, 0.01, empty, full, full}, "different p values 0.01 vs. 0.00"},
                 {{1000, 0.001, empty, small, full}, "m1(14378) != m2(3)"},
                 {{1000, 0.001, empty, fewer, full}, "k1(10) != k2(2)"},
                 {{1000, 0.001, empty, other, full}, "different hashers: default is not optimal"},
                 {{1000, 0.001, full, empty, empty}, NULL},
                 {{1000, 0.001, empty, full, full}, NULL}};
    for (size_t i = 0; i < KD_COUNT(cases); i++) {
        kd_bloom *bloom = kd_bloom_create(&optimal, 0);
        kd_arena arena;
        double capacity;
        kd_str error = KD_STR("");
        kd_arena_init(&arena, NULL, 0);
        assert_non_null(bloom);
        assert_int_equal(kd_bloom_union(bloom, &cases[i].peer, 0, &arena, &capacity, &error), !cases[i].error);
        if (cases[i].error)
            assert_string_equal(error.p, cases[i].error);
        else
            assert_true(capacity > (i == 6 ? 20 : 10) / 14379.0 / 3 && capacity < (i == 6 ? 20 : 10) / 14377.0 / 3);
        assert_int_equal(kd_bloom_has(bloom, KD_STR("jti-union"), 0), !cases[i].error);
        assert_false(kd_bloom_has(bloom, KD_STR("jti-onion"), 0));
        /* what was in the oldest is gone with the next rotation, what was in the newest after the third */
        assert_int_equal(kd_bloom_has(bloom, KD_STR("jti-union"), 2 * optimal.ttl), i == 6);
        kd_arena_reset(&arena);
        kd_bloom_destroy(bloom);
    }
}

/* What one client of the plain HTTP interface sends, and status and body of each answer. */
static const struct {
    const char *key, *sent, *answered;
    bool closed;
} talks[] = {
    {"", "GET /tokens/jti/a HTTP/1.1\r\nHost: x\r\n\r\n", "404 {\"revoked\":false}\n", false},
    {"",
     "POST /tokens/jti/a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabcGET /tokens/jti/a HTTP/1.1\r\nHost: "
     "x\r\n\r\n"
     "GET /tokens/sub/a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\nGET /tokens/jti/a HTTP/1.1\r\nHost: x\r\n\r\n",
     "200 {\"revoked\":true}\n200 {\"revoked\":true}\n404 {\"revoked\":false}\n", true},
    {"", "POST /tokens/a%2Fb/c%20d/e HTTP/1.0\r\n\r\n", "200 {\"revoked\":true}\n", true},
    {"", "GET /tokens/a%2fb/c%20d%2Fe?x=1 HTTP/1.1\r\nHost: x\r\n\r\n", "404 {\"revoked\":false}\n", false},
    {"",
     "GET /tokens/jti HTTP/1.1\r\nHost: x\r\n\r\nGET /tokens/jti/ HTTP/1.1\r\nHost: x\r\n\r\nGET /tokens//a "
     "HTTP/1.1\r\nHost: "
     "x\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n",
     "404 {\"error\":\"the path is /tokens/<claim>/<value>\"}\n404 {\"error\":\"the path is "
     "/tokens/<claim>/<value>\"}\n"
     "404 {\"error\":\"the path is /tokens/<claim>/<value>\"}\n404 {\"error\":\"the path is "
     "/tokens/<claim>/<value>\"}\n",
     false},
    {"", "DELETE /tokens/jti/a HTTP/1.1\r\nHost: x\r\n\r\n", "405 {\"error\":\"POST revokes, GET asks\"}\n", false},
    {"secret", "GET /tokens/jti/a HTTP/1.1\r\nHost: x\r\nAuthorization: bearer secret\r\n\r\n",
     "404 {\"revoked\":false}\n", false},
    {"secret", "POST /tokens/jti/a HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer secres\r\n\r\n",
     "401 {\"error\":\"a bearer token with the key of this port is needed\"}\n", false},
    {"secret", "POST /tokens/jti/a HTTP/1.1\r\nHost: x\r\nAuthorization: secret\r\n\r\n",
     "401 {\"error\":\"a bearer token with the key of this port is needed\"}\n", false},
    {"secret", "POST /tokens/jti/a HTTP/1.1\r\nHost: x\r\n\r\n",
     "401 {\"error\":\"a bearer token with the key of this port is needed\"}\n", false},
    {"", "POST /tokens/jti/a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
     "411 {\"error\":\"send it without a body\"}\n", true},
    {"", "POST /tokens/jti/a HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n",
     "413 {\"error\":\"send it without a body\"}\n", true},
    {"", "POST /tokens/jti/a HTTP/1.1\r\n\r\n", "400 {\"error\":\"the request cannot be read\"}\n", true},
    {"", "nonsense\r\n\r\n", "400 {\"error\":\"the request cannot be read\"}\n", true},
};

/* Status and body of the answers, a line each. */
static void shorten(kd_buf *to, kd_str answers)
{
    while (answers.n) {
        assert_true(kd_str_eq(kd_str_head(answers, 9), KD_STR("HTTP/1.1 ")));
        ptrdiff_t body = kd_str_search(answers, KD_STR("\r\n\r\n{")), end = kd_str_find(answers, '}');
        assert_true(body > 0 && end > body);
        kd_buf_printf(to, "%.*s %.*s\n", 3, answers.p + 9, (int)(end - body - 3), answers.p + body + 4);
        answers = kd_str_from(answers, (size_t)end + 1);
    }
}

/* In one piece and in two, wherever the cut is. */
static void test_rest(void **state)
{
    for (size_t i = 0; i < KD_COUNT(talks); i++) {
        size_t n = strlen(talks[i].sent);
        for (size_t cut = 0; cut < n; cut++) {
            kd_bloom *bloom = kd_bloom_create(&optimal, 0);
            kd_rest rest = {.bloom = bloom, .n_key = strlen(talks[i].key)};
            memcpy(rest.key, talks[i].key, rest.n_key);
            kd_buf in, out, seen;
            bool bad = false;
            kd_buf_init(&in, 1 << 16);
            kd_buf_init(&out, 1 << 16);
            kd_buf_init(&seen, 1 << 16);
            kd_buf_add(&in, kd_str_of(talks[i].sent, cut));
            size_t used = kd_rest_take(&rest, kd_buf_str(&in), 0, &out, &bad);
            kd_buf_add(&in, kd_str_of(talks[i].sent + cut, n - cut));
            if (!bad)
                used += kd_rest_take(&rest, kd_str_from(kd_buf_str(&in), used), 0, &out, &bad);
            assert_true(used <= in.n);
            shorten(&seen, kd_buf_str(&out));
            kd_buf_byte(&seen, 0);
            assert_string_equal(seen.p, talks[i].answered);
            assert_int_equal(bad, talks[i].closed);
            assert_int_equal(kd_bloom_has(bloom, KD_STR("jti-a"), 0), i == 1);
            assert_int_equal(kd_bloom_has(bloom, KD_STR("a/b-c d/e"), 0), i == 2);
            kd_buf_fini(&in);
            kd_buf_fini(&out);
            kd_buf_fini(&seen);
            kd_bloom_destroy(bloom);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rest),        cmocka_unit_test(test_union),    cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_add_and_has), cmocka_unit_test(test_rotation), cmocka_unit_test(test_refused),
        cmocka_unit_test(test_numbers),     cmocka_unit_test(test_service),  cmocka_unit_test(test_garbage)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
