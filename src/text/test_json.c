#include "text/json.h"

#include "base/ledger.h"
#include "text/go/format.h"
#include "text/test_table.h"

static kd_json_pool pool;
static kd_arena arena;
static kd_json_shapes *shapes;
static kd_buf buf, text;

static int setup(void **state)
{
    kd_json_pool_init(&pool, 1 << 20);
    kd_arena_init(&arena, NULL, 0);
    kd_buf_init(&buf, 1 << 24);
    kd_buf_init(&text, 1 << 24);
    shapes = kd_json_shapes_create();
    return shapes ? 0 : -1;
}

static int teardown(void **state)
{
    kd_json_pool_fini(&pool);
    kd_arena_reset(&arena);
    kd_buf_fini(&buf);
    kd_buf_fini(&text);
    kd_json_shapes_destroy(shapes);
    assert_int_equal(kd_ledger_used(KD_ACCOUNT_JSON), 0);
    return 0;
}

/* Reads a copy that has the padding behind it. */
static kd_json_result read_text(kd_arena *in, kd_str s, kd_value *out, kd_str *error)
{
    kd_buf_reset(&text, SIZE_MAX);
    char *to = kd_buf_room(&text, s.n + KD_JSON_PAD);
    memset(to, 'x', s.n + KD_JSON_PAD);
    if (s.n)
        memcpy(to, s.p, s.n);
    return kd_json_read(&pool, in, to, s.n, out, error);
}

static kd_str emitted(kd_value v, kd_json_shapes *with)
{
    kd_buf_reset(&buf, SIZE_MAX);
    assert_true(kd_json_emit(&buf, v, with));
    return kd_buf_str(&buf);
}

/* The maximum of the buffer is exact: what fits is written, and one byte less is refused. */
static void check_limit(const table *t, kd_value v, kd_str want)
{
    kd_buf small;
    kd_buf_init(&small, want.n);
    table_check(t, kd_json_emit(&small, v, shapes), "emitting into exactly enough room");
    table_compare(t, kd_buf_str(&small), want, "tight text");
    kd_buf_fini(&small);
    kd_buf_init(&small, want.n - 1);
    table_check(t, !kd_json_emit(&small, v, shapes) && small.failed && small.n == 0, "emitting into too little room");
    kd_buf_fini(&small);
}

static void check_value(const table *t, kd_value v)
{
    table_compare(t, emitted(v, shapes), t->field[2], "text");
    table_compare(t, emitted(v, shapes), t->field[2], "text by a known shape");
    table_compare(t, emitted(v, NULL), t->field[2], "text without shapes");
    check_limit(t, v, t->field[2]);
    kd_value copy = kd_value_copy(&arena, v);
    table_compare(t, emitted(copy, shapes), t->field[2], "text of a copy");
    kd_buf_reset(&buf, SIZE_MAX);
    kd_go_value_v(&buf, v);
    table_compare(t, kd_buf_str(&buf), t->field[3], "%v");
    if (v.type == KD_OBJECT) {
        kd_object *shallow = kd_object_copy(&arena, v);
        table_compare(t, emitted(kd_value_object(shallow), shapes), t->field[2], "text of a shallow copy");
    }
}

static void test_documents(void **state)
{
    for (table t = table_open("json.tsv"); table_next(&t);) {
        if (kd_str_eq(t.field[0], KD_STR("deep")))
            continue;
        for (int in_arena = 0; in_arena < 2; in_arena++) {
            kd_value v;
            kd_str error = KD_STR("ok");
            kd_json_result result = read_text(in_arena ? &arena : NULL, t.field[0], &v, &error);
            table_compare(&t, result == KD_JSON_OK ? KD_STR("ok") : error, t.field[1], "result");
            if (result == KD_JSON_OK)
                check_value(&t, v);
            kd_arena_reset(&arena);
        }
    }
}

/* Rows are: "deep", levels, opening text, middle, closing text, result. */
static void test_depth(void **state)
{
    unsigned rows = 0;
    for (table t = table_open("json.tsv"); table_next(&t);) {
        if (!kd_str_eq(t.field[0], KD_STR("deep")))
            continue;
        rows++;
        kd_buf_reset(&buf, SIZE_MAX);
        long long levels = table_number(t.field[1]);
        for (long long i = 0; i < levels; i++)
            kd_buf_add(&buf, t.field[2]);
        kd_buf_add(&buf, t.field[3]);
        for (long long i = 0; i < levels; i++)
            kd_buf_add(&buf, t.field[4]);
        kd_str document = kd_arena_copy(&arena, kd_buf_str(&buf)), error = KD_STR("ok");
        kd_value v;
        kd_json_result result = read_text(NULL, document, &v, &error);
        table_compare(&t, result == KD_JSON_OK ? KD_STR("ok") : error, t.field[5], "result");
        if (result == KD_JSON_OK) {
            table_check(&t, kd_str_eq(emitted(v, shapes), document), "text");
            table_check(&t, kd_str_eq(emitted(v, NULL), document), "text without shapes");
            table_check(&t, kd_str_eq(emitted(kd_value_copy(&arena, v), shapes), document), "text of a copy");
        }
        kd_arena_reset(&arena);
    }
    assert_true(rows >= 12);
}

/* Deep in a wide document: the depth check must look past the many small values. */
static void test_depth_in_wide(void **state)
{
    for (int levels = 9998; levels <= 10002; levels++) {
        kd_buf_reset(&buf, SIZE_MAX);
        kd_buf_add(&buf, KD_STR("{\"a\":["));
        for (int i = 0; i < 20000; i++)
            kd_buf_add(&buf, KD_STR("[1],"));
        for (int i = 0; i < levels - 2; i++)
            kd_buf_byte(&buf, '[');
        for (int i = 0; i < levels - 2; i++)
            kd_buf_byte(&buf, ']');
        kd_buf_add(&buf, KD_STR("]}"));
        kd_str document = kd_arena_copy(&arena, kd_buf_str(&buf)), error;
        kd_value v;
        assert_int_equal(read_text(NULL, document, &v, &error), levels <= 10000 ? KD_JSON_OK : KD_JSON_REFUSED);
        if (levels > 10000)
            assert_true(kd_str_eq(error, KD_STR("invalid character '[' exceeded max depth")));
        kd_arena_reset(&arena);
    }
}

/* Objects that differ only in one late byte of a key, or in the order of keys, must not be taken for each other. */
static void test_shapes_compare_keys(void **state)
{
    static const char *const documents[][2] = {
        {"{\"identifier-one\":1,\"b\":2}", "{\"b\":2,\"identifier-one\":1}"},
        {"{\"identifier-two\":1,\"b\":2}", "{\"b\":2,\"identifier-two\":1}"},
        {"{\"a-key-longer-than-16-x\":1,\"a\":2}", "{\"a\":2,\"a-key-longer-than-16-x\":1}"},
        {"{\"a-key-longer-than-16-y\":1,\"a\":2}", "{\"a\":2,\"a-key-longer-than-16-y\":1}"},
        {"{\"a-key-lXnger-than-16-y\":1,\"a\":2}", "{\"a\":2,\"a-key-lXnger-than-16-y\":1}"},
        {"{\"z\":1,\"a\":2}", "{\"a\":2,\"z\":1}"},
        {"{\"z\":1,\"b\":2}", "{\"b\":2,\"z\":1}"},
        {"{\"z\":1,\"z\":2}", "{\"z\":2}"},
        {"{\"\":1,\"a\":2}", "{\"\":1,\"a\":2}"},
        {"{\"\":1,\"\\u0000\":2}", "{\"\":1,\"\\u0000\":2}"},
        {"{\"a\\u0000\":1,\"a\":2}", "{\"a\":2,\"a\\u0000\":1}"},
        {"{\"a\":1,\"a\\u0000\":2}", "{\"a\":1,\"a\\u0000\":2}"},
        {"{\"a\":{\"a\":{\"a\":1}}}", "{\"a\":{\"a\":{\"a\":1}}}"},
        {"{\"z\":{\"z\":1,\"y\":2},\"y\":{\"z\":3,\"x\":4}}", "{\"y\":{\"x\":4,\"z\":3},\"z\":{\"y\":2,\"z\":1}}"},
    };
    for (int round = 0; round < 40; round++) {
        size_t i = (size_t)(round * 5) % KD_COUNT(documents);
        for (size_t k = 0; k < KD_COUNT(documents); k++, i = (i + 1) % KD_COUNT(documents)) {
            kd_value v;
            kd_str error;
            assert_int_equal(read_text(NULL, kd_str_from_c(documents[i][0]), &v, &error), KD_JSON_OK);
            kd_str got = emitted(v, shapes);
            if (!kd_str_eq(got, kd_str_from_c(documents[i][1])))
                fail_msg("%s gives %.*s", documents[i][0], KD_FMT(got));
        }
    }
}

static void test_strings(void **state)
{
    static const struct {
        kd_str in;
        kd_origin origin;
        const char *want;
    } rows[] = {
        {KD_STR_INIT(""), KD_ORIGIN_BYTES, "\"\""},
        {KD_STR_INIT("a\xff\xfe"), KD_ORIGIN_BYTES, "\"a\\ufffd\\ufffd\""},
        {KD_STR_INIT("\xef\xbf\xbd"), KD_ORIGIN_BYTES, "\"\xef\xbf\xbd\""},
        {KD_STR_INIT("\xe2\x80"), KD_ORIGIN_BYTES, "\"\\ufffd\\ufffd\""},
        {KD_STR_INIT("\xed\xa0\x80"), KD_ORIGIN_BYTES, "\"\\ufffd\\ufffd\\ufffd\""},
        {KD_STR_INIT("<\xe2\x80\xa8\xe2\x80\xa9&>"), KD_ORIGIN_DECODED, "\"\\u003c\\u2028\\u2029\\u0026\\u003e\""},
        {KD_STR_INIT("\b\f\n\r\t\x01\x1f\x7f\"\\/"), KD_ORIGIN_BYTES, "\"\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\\\"\\\\/\""},
    };
    for (size_t i = 0; i < KD_COUNT(rows); i++) {
        kd_buf_reset(&buf, SIZE_MAX);
        kd_json_emit_string(&buf, rows[i].in, rows[i].origin);
        kd_buf_byte(&buf, 0);
        assert_string_equal(buf.p, rows[i].want);
    }
}

/* Strings of every length around the sizes of blocks, with a special byte at every place near their ends, in memory
 * that ends with the string. */
static void test_string_lengths(void **state)
{
    static const size_t lengths[] = {1,    15,   16,   17,   31,   32,   33,   34,   47,   48,   49,   64,  1007,
                                     1008, 1009, 1010, 1022, 1023, 1024, 1025, 1026, 1027, 1040, 2048, 3000};
    static const kd_str marks[] = {KD_STR_INIT("<"), KD_STR_INIT("\xe2\x80\xa9"), KD_STR_INIT("\xe2\x82\xac")};
    static const kd_str written[] = {KD_STR_INIT("\\u003c"), KD_STR_INIT("\\u2029"), KD_STR_INIT("\xe2\x82\xac")};
    for (size_t i = 0; i < KD_COUNT(lengths) * KD_COUNT(marks); i++) {
        size_t n = lengths[i / KD_COUNT(marks)], mark = i % KD_COUNT(marks);
        for (size_t at = n > 40 ? n - 40 : 0; at + marks[mark].n <= n; at++) {
            char *s = malloc(n), *want = malloc(n + 8);
            memset(s, 'x', n);
            memset(want, 'x', n + 8);
            memcpy(s + at, marks[mark].p, marks[mark].n);
            memcpy(want + at, written[mark].p, written[mark].n);
            size_t m = n - marks[mark].n + written[mark].n;
            kd_buf_reset(&buf, SIZE_MAX);
            kd_json_emit_string(&buf, (kd_str){s, n}, KD_ORIGIN_DECODED);
            assert_int_equal(buf.n, m + 2);
            assert_memory_equal(buf.p + 1, want, m);
            /* The same inside a document. */
            kd_arena_reset(&arena);
            char *document = kd_arena_alloc(&arena, n + 4);
            document[0] = document[n + 1] = '"';
            memcpy(document + 1, s, n);
            kd_value v;
            kd_str error;
            char *list = kd_arena_alloc(&arena, n + 4);
            list[0] = '[';
            memcpy(list + 1, document, n + 2);
            list[n + 3] = ']';
            assert_int_equal(read_text(NULL, (kd_str){list, n + 4}, &v, &error), KD_JSON_OK);
            kd_str got = emitted(v, shapes);
            assert_int_equal(got.n, m + 4);
            assert_memory_equal(got.p + 2, want, m);
            free(s);
            free(want);
        }
    }
}

static void test_arena_objects(void **state)
{
    kd_object *typed = kd_object_create(&arena, 1), *plain = kd_object_create(&arena, 0);
    typed->typed = true;
    assert_true(kd_object_set(typed, &arena, KD_STR("z"), kd_value_float(-0.0)));
    assert_true(kd_object_set(typed, &arena, KD_STR("a"), KD_VALUE_ABSENT));
    assert_true(kd_object_set(plain, &arena, KD_STR("y<\xff"), kd_value_object(typed)));
    assert_true(kd_object_set(plain, &arena, KD_STR("b"), kd_value_float(1e21)));
    assert_true(kd_object_set(plain, &arena, KD_STR("b"), kd_value_float(1e-7)));
    assert_true(kd_object_set(plain, &arena, KD_STR("gone"), KD_VALUE_NULL));
    assert_true(kd_object_remove(plain, KD_STR("gone")));
    assert_false(kd_object_remove(plain, KD_STR("gone")));
    kd_str got = emitted(kd_value_object(plain), shapes);
    assert_true(kd_str_eq(got, KD_STR("{\"b\":1e-7,\"y\\u003c\\ufffd\":{\"z\":-0,\"a\":null}}")));
    kd_value inner = kd_value_get(kd_value_object(plain), KD_STR("y<\xff"));
    assert_int_equal(inner.type, KD_OBJECT);
    assert_int_equal(kd_value_get(inner, KD_STR("none")).type, KD_ABSENT);
    assert_int_equal(kd_value_get(KD_VALUE_NULL, KD_STR("z")).type, KD_ABSENT);
    kd_arena_reset(&arena);
}

/* Keys and strings that take the slow way, with the buffer full to any degree behind them. */
static void test_foreign_strings(void **state)
{
    for (size_t n = 1; n < 1200; n += n < 300 ? 1 : 37) {
        char *key = kd_arena_alloc(&arena, n);
        memset(key, 'k', n);
        key[n - 1] = (char)0xff;
        kd_value member[] = {kd_value_bool(true), kd_value_string((kd_str){key, n}, KD_ORIGIN_BYTES),
                             kd_value_float(0.5)};
        for (size_t i = 0; i < KD_COUNT(member); i++) {
            kd_object *object = kd_object_create(&arena, 1);
            assert_true(kd_object_set(object, &arena, (kd_str){key, n}, member[i]));
            kd_buf grown, small;
            kd_buf_init(&grown, 1 << 16);
            assert_true(kd_json_emit(&grown, kd_value_object(object), shapes));
            assert_memory_equal(grown.p + n + 1, "\\ufffd\":", 8);
            kd_buf_init(&small, grown.n);
            assert_true(kd_json_emit(&small, kd_value_object(object), shapes));
            assert_true(kd_str_eq(kd_buf_str(&small), kd_buf_str(&grown)));
            kd_buf_fini(&small);
            kd_buf_fini(&grown);
        }
    }
    kd_arena_reset(&arena);
}

static void test_get_and_walk(void **state)
{
    kd_value v, value;
    kd_str error, key;
    assert_int_equal(read_text(NULL, KD_STR("{\"a\":1,\"b\":[true,null],\"a\":\"x\"}"), &v, &error), KD_JSON_OK);
    assert_true(kd_str_eq(kd_value_text(kd_value_get(v, KD_STR("a"))), KD_STR("x")));
    kd_value_iter iter = kd_value_each(v);
    unsigned n = 0;
    while (kd_value_next(&iter, &key, &value))
        n++;
    assert_int_equal(n, 3);
    iter = kd_value_each(kd_value_get(v, KD_STR("b")));
    assert_true(kd_value_next(&iter, &key, &value) && value.type == KD_BOOL && value.boolean && key.n == 0);
    assert_true(kd_value_next(&iter, &key, &value) && value.type == KD_NULL);
    assert_false(kd_value_next(&iter, &key, &value));
    kd_object *copy = kd_object_copy(&arena, v);
    assert_int_equal(copy->n, 2);
    kd_arena_reset(&arena);
}

static void test_type_names(void **state)
{
    static const char *const rows[][2] = {
        {"{}", "object"}, {"[]", "array"}, {"\"\"", "string"}, {"1", "number"}, {"true", "bool"}};
    for (size_t i = 0; i < KD_COUNT(rows); i++) {
        kd_value v;
        kd_str error;
        assert_int_equal(read_text(NULL, kd_str_from_c(rows[i][0]), &v, &error), KD_JSON_OK);
        assert_true(kd_str_eq(kd_json_type_name(v), kd_str_from_c(rows[i][1])));
    }
}

/* Many members: the sort beyond insertion, hostile orders included; duplicates of all of them. */
static void test_many_members(void **state)
{
    enum { N = 5000 };
    for (int order = 0; order < 4; order++) {
        kd_buf_reset(&buf, SIZE_MAX);
        kd_buf_byte(&buf, '{');
        for (int i = 0; i < 2 * N; i++) {
            int k = i % N;
            k = order == 0   ? k
                : order == 1 ? N - 1 - k
                : order == 2 ? k * 7919 % N
                             : (k < N / 2 ? 2 * k : 2 * (N - 1 - k) + 1);
            kd_buf_printf(&buf, "%s\"k%04d\":%d", i ? "," : "", k, i < N ? -1 : k);
        }
        kd_buf_byte(&buf, '}');
        kd_str document = kd_arena_copy(&arena, kd_buf_str(&buf)), error;
        kd_value v;
        assert_int_equal(read_text(NULL, document, &v, &error), KD_JSON_OK);
        kd_buf_reset(&text, SIZE_MAX);
        kd_buf_byte(&text, '{');
        for (int k = 0; k < N; k++)
            kd_buf_printf(&text, "%s\"k%04d\":%d", k ? "," : "", k, k);
        kd_buf_byte(&text, '}');
        assert_true(kd_str_eq(emitted(v, shapes), kd_buf_str(&text)));
        kd_arena_reset(&arena);
    }
}

static void test_memory(void **state)
{
    static const char document[] = "{\"b\":[1,2,{\"c\":\"\xff\"}],\"a\":\"\\ud800\"}";
    kd_value v;
    kd_str error;
    /* Every allocation of the arena may be the one that fails. */
    for (long n = 1; n < 20; n++) {
        kd_arena_fail_after(n);
        kd_json_result result = read_text(&arena, kd_str_from_c(document), &v, &error);
        kd_value copy = result == KD_JSON_OK ? kd_value_copy(&arena, v) : KD_VALUE_ABSENT;
        kd_arena_fail_after(0);
        assert_true(result == KD_JSON_OK || result == KD_JSON_NO_MEMORY);
        if (copy.type != KD_ABSENT)
            assert_true(kd_str_eq(emitted(copy, shapes),
                                  KD_STR("{\"a\":\"\xef\xbf\xbd\",\"b\":[1,2,{\"c\":\"\xef\xbf\xbd\"}]}")));
        kd_arena_reset(&arena);
    }
    kd_arena small;
    kd_arena_init(&small, NULL, 1);
    assert_int_equal(read_text(&small, KD_STR("[1]"), &v, &error), KD_JSON_NO_MEMORY);
    assert_int_equal(read_text(&small, KD_STR("[1"), &v, &error), KD_JSON_NO_MEMORY);
    kd_arena_reset(&small);
}

/* The ledger refuses the pool and the stacks. */
static void test_ceiling(void **state)
{
    kd_value v;
    kd_str error;
    kd_json_pool own;
    kd_json_pool_init(&own, 0);
    char document[64 + KD_JSON_PAD] = "[1,2]";
    kd_ledger_set_ceiling(kd_ledger_total() + 100);
    assert_int_equal(kd_json_read(&own, NULL, document, 5, &v, &error), KD_JSON_NO_MEMORY);
    kd_ledger_set_ceiling(0);
    assert_int_equal(kd_json_read(&own, NULL, document, 5, &v, &error), KD_JSON_OK);
    kd_json_pool_fini(&own);
}

/* Unclosed lists take more memory than yyjson promises: still a refusal with Go's words. */
static void test_unclosed(void **state)
{
    static char document[9000 + KD_JSON_PAD];
    memset(document, '[', sizeof(document));
    for (size_t n = 1; n < 9000; n += 97) {
        kd_json_pool own;
        kd_value v;
        kd_str error = {NULL, 0};
        kd_json_pool_init(&own, 0);
        assert_int_equal(kd_json_read(&own, NULL, document, n, &v, &error), KD_JSON_REFUSED);
        assert_true(kd_str_eq(error, KD_STR("unexpected EOF")));
        kd_json_pool_fini(&own);
    }
}

/* Texts larger than what is kept: read, and the memory goes back at the next use. */
static void test_large(void **state)
{
    kd_json_pool own;
    kd_json_pool_init(&own, 64 * 1024);
    for (int dense = 0; dense < 2; dense++) {
        kd_buf_reset(&buf, SIZE_MAX);
        kd_buf_byte(&buf, '[');
        for (int i = 0; i < 200000; i++)
            kd_buf_add(&buf, dense ? KD_STR("1,") : KD_STR("\"0123456789\","));
        kd_buf_add(&buf, KD_STR("1]"));
        kd_str document = kd_buf_str(&buf), error;
        size_t n = document.n;
        kd_buf_room(&buf, KD_JSON_PAD);
        kd_value v;
        assert_int_equal(kd_json_read(&own, NULL, buf.p, n, &v, &error), KD_JSON_OK);
        assert_int_equal(v.n, 200001);
        kd_buf out;
        kd_buf_init(&out, 1 << 24);
        assert_true(kd_json_emit(&out, v, shapes));
        assert_true(kd_str_eq(kd_buf_str(&out), (kd_str){buf.p, n}));
        kd_buf_fini(&out);
        char small[8 + KD_JSON_PAD] = "[1]";
        assert_int_equal(kd_json_read(&own, NULL, small, 3, &v, &error), KD_JSON_OK);
        assert_true(own.size <= own.keep);
    }
    kd_json_pool_fini(&own);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_documents),     cmocka_unit_test(test_depth),
        cmocka_unit_test(test_depth_in_wide), cmocka_unit_test(test_shapes_compare_keys),
        cmocka_unit_test(test_strings),       cmocka_unit_test(test_string_lengths),
        cmocka_unit_test(test_arena_objects), cmocka_unit_test(test_foreign_strings),
        cmocka_unit_test(test_get_and_walk),  cmocka_unit_test(test_type_names),
        cmocka_unit_test(test_many_members),  cmocka_unit_test(test_memory),
        cmocka_unit_test(test_ceiling),       cmocka_unit_test(test_unclosed),
        cmocka_unit_test(test_large),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
