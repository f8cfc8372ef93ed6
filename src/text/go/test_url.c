#include "text/go/url.h"
#include "text/test_table.h"

static kd_arena arena;
static kd_buf buf;

static int setup(void **state)
{
    kd_arena_init(&arena, NULL, 0);
    kd_buf_init(&buf, 1 << 20);
    return 0;
}

static int teardown(void **state)
{
    kd_arena_reset(&arena);
    kd_buf_fini(&buf);
    return 0;
}

static kd_str escaped(kd_str s, kd_go_escape_mode mode)
{
    kd_buf_reset(&buf, SIZE_MAX);
    kd_go_url_escape(&buf, s, mode);
    return kd_buf_str(&buf);
}

static void test_escape(void **state)
{
    for (table t = table_open("url_escape.tsv"); table_next(&t);) {
        table_compare(&t, escaped(t.field[0], KD_ESCAPE_QUERY), t.field[1], "query escape");
        table_compare(&t, escaped(t.field[0], KD_ESCAPE_PATH_SEGMENT), t.field[2], "segment escape");
        table_compare(&t, escaped(t.field[0], KD_ESCAPE_PATH), t.field[3], "path escape");
    }
}

/* Compares one decoding with Go's result and error text. */
static void compare_unescaped(const table *t, bool query, kd_str what, kd_str want)
{
    kd_str out, bad;
    if (kd_go_url_unescape(&arena, t->field[0], query, &out, &bad)) {
        table_compare(t, KD_STR("ok"), what, "result");
        table_compare(t, out, want, query ? "query" : "path");
        return;
    }
    char text[64];
    int n = snprintf(text, sizeof(text), "invalid URL escape \"%.*s\"", KD_FMT(bad));
    if (kd_str_search(what, KD_STR("\\x")) < 0 && kd_str_find(bad, '"') < 0)
        table_compare(t, (kd_str){text, (size_t)n}, what, "error");
    else
        table_check(t, kd_str_starts(what, KD_STR("invalid URL escape")), "error");
}

static void test_unescape(void **state)
{
    for (table t = table_open("url_unescape.tsv"); table_next(&t);) {
        compare_unescaped(&t, true, t.field[1], t.field[2]);
        compare_unescaped(&t, false, t.field[3], t.field[4]);
    }
}

static void test_query(void **state)
{
    for (table t = table_open("url_query.tsv"); table_next(&t);) {
        kd_query query;
        assert_true(kd_go_query_parse(&arena, t.field[0], &query));
        kd_buf_reset(&buf, SIZE_MAX);
        kd_go_query_encode(&query, &buf);
        table_compare(&t, kd_buf_str(&buf), t.field[1], "encoding");
    }
}

static kd_str many_pairs(size_t n)
{
    kd_buf_reset(&buf, SIZE_MAX);
    for (size_t i = 0; i < n; i++)
        kd_buf_printf(&buf, "%sk%zu=%zu", i ? "&" : "", i * 7919 % 100, i);
    return kd_arena_copy(&arena, kd_buf_str(&buf));
}

static void test_query_limit(void **state)
{
    kd_query query;
    assert_true(kd_go_query_parse(&arena, many_pairs(10001), &query));
    assert_int_equal(query.n, 0);
    assert_true(kd_go_query_parse(&arena, many_pairs(10000), &query));
    assert_int_equal(query.n, 10000);
    kd_buf_reset(&buf, SIZE_MAX);
    kd_go_query_encode(&query, &buf);
    for (uint32_t i = 1; i < query.n; i++) {
        int order = kd_str_cmp(query.v[i - 1].key, query.v[i].key);
        assert_true(order <= 0);
        uint64_t before = 0, after = 0;
        kd_str_to_u64(query.v[i - 1].value, 10000, &before);
        kd_str_to_u64(query.v[i].value, 10000, &after);
        assert_true(order < 0 || before < after);
    }
}

static void test_escaped_path(void **state)
{
    for (table t = table_open("url_path.tsv"); table_next(&t);) {
        kd_str out, bad;
        if (kd_go_url_escaped_path(&arena, t.field[0], &out, &bad)) {
            table_compare(&t, KD_STR("ok"), t.field[1], "result");
            table_compare(&t, out, t.field[2], "path");
        } else {
            table_check(&t, kd_str_starts(t.field[1], KD_STR("invalid URL escape")), "error");
        }
    }
}

static void compare_url(const table *t, const kd_url *url)
{
    kd_str path = url->raw_path, bad;
    bool opaque = url->scheme.n && !(path.n && path.p[0] == '/') && !url->host.n;
    if (!opaque)
        assert_true(kd_go_url_escaped_path(&arena, url->raw_path, &path, &bad));
    char has[32];
    int n = snprintf(has, sizeof(has), "%s%s", url->has_user ? "user" : "no", url->has_query ? "+query" : "");
    table_compare(t, url->scheme, t->field[2], "scheme");
    table_compare(t, (kd_str){has, (size_t)n}, t->field[3], "parts");
    table_compare(t, url->userinfo, t->field[4], "user");
    table_compare(t, url->host, t->field[5], "host");
    table_compare(t, path, t->field[6], "path");
    table_compare(t, url->query, t->field[7], "query");
}

static void test_parse(void **state)
{
    for (table t = table_open("url_parse.tsv"); table_next(&t);) {
        kd_url url;
        kd_str error;
        if (!kd_go_url_parse(&arena, t.field[0], &url, &error)) {
            table_compare(&t, error, t.field[1], "error");
            continue;
        }
        table_compare(&t, KD_STR("ok"), t.field[1], "result");
        compare_url(&t, &url);
    }
}

static void test_resolve(void **state)
{
    for (table t = table_open("url_resolve.tsv"); table_next(&t);) {
        kd_url base;
        kd_str out, error;
        assert_true(kd_go_url_parse(&arena, t.field[0], &base, &error));
        if (!kd_go_url_resolve(&arena, &base, t.field[1], &out, &error)) {
            table_compare(&t, error, t.field[2], "error");
            continue;
        }
        table_compare(&t, KD_STR("ok"), t.field[2], "result");
        if (!kd_str_eq(out, t.field[3]))
            fail_msg("row %u: '%.*s' + '%.*s' gives '%.*s', Go has '%.*s'", t.rows, KD_FMT(t.field[0]),
                     KD_FMT(t.field[1]), KD_FMT(out), KD_FMT(t.field[3]));
    }
}

/* Without memory the functions say so and do not crash. */
static void test_no_memory(void **state)
{
    kd_arena none;
    kd_arena_init(&none, NULL, 1);
    kd_str out = KD_STR("x"), bad, error = KD_STR("x");
    kd_url url;
    kd_query query;
    assert_true(kd_go_url_unescape(&none, KD_STR("%41"), false, &out, &bad));
    assert_null(out.p);
    assert_true(kd_go_url_escaped_path(&none, KD_STR("/a b"), &out, &bad));
    assert_null(out.p);
    assert_false(kd_go_query_parse(&none, KD_STR("a=1"), &query));
    assert_false(kd_go_url_parse(&none, KD_STR("http://h/"), &url, &error));
    assert_null(error.p);
    assert_true(kd_go_url_parse(&arena, KD_STR("http://h/"), &url, &error));
    assert_true(kd_go_url_resolve(&none, &url, KD_STR("/x"), &out, &error));
    assert_null(out.p);
}

static void test_same_domain(void **state)
{
    static const struct {
        const char *sub, *parent;
        bool same;
    } cases[] = {
        {"a.test", "a.test", true},    {"A.test", "a.TEST", true},   {"b.a.test", "a.test", true},
        {"a.test", "b.a.test", false}, {"ba.test", "a.test", false}, {"127.0.0.1", "127.0.0.1", true},
        {"::1.1", "1", false},
    };
    for (size_t i = 0; i < KD_COUNT(cases); i++)
        if (kd_go_url_same_domain(kd_str_from_c(cases[i].sub), kd_str_from_c(cases[i].parent)) != cases[i].same)
            fail_msg("%s below %s", cases[i].sub, cases[i].parent);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_escape),      cmocka_unit_test(test_unescape),     cmocka_unit_test(test_query),
        cmocka_unit_test(test_query_limit), cmocka_unit_test(test_escaped_path), cmocka_unit_test(test_parse),
        cmocka_unit_test(test_resolve),     cmocka_unit_test(test_no_memory),    cmocka_unit_test(test_same_domain),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
