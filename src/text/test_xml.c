/* XML against encoding/xml and mxj 2.7.0 (tables by tests/go/gen_encodings.go), and where the gateway differs on
 * purpose. */
#include "text/json.h"
#include "text/test_table.h"
#include "text/xml.h"
#include "text/xml_token.h"

/* The document's data as JSON, or "ERR " and the error. */
static void print_document(kd_buf *out, kd_str document)
{
    kd_arena arena;
    kd_arena_init(&arena, NULL, 0);
    kd_value v;
    kd_str error = {NULL, 0};
    char *text = malloc(document.n + 1); /* exactly as long, so that a sanitizer sees a read behind it */
    memcpy(text, document.p ? document.p : "", document.n);
    char *tight = realloc(text, document.n ? document.n : 1);
    kd_xml_result result = kd_xml_read(&arena, tight, document.n, &v, &error);
    assert_int_not_equal(result, KD_XML_OUT_OF_MEMORY);
    if (result == KD_XML_BAD) {
        kd_buf_add(out, KD_STR("ERR "));
        kd_buf_add(out, error);
    } else {
        assert_true(kd_json_emit(out, v, NULL));
    }
    kd_arena_reset(&arena);
    free(tight);
}

static void decode_as_go(void **state)
{
    table t = table_open("xml_decode.tsv");
    kd_buf got;
    kd_buf_init(&got, 1 << 24);
    while (table_next(&t)) {
        kd_buf_reset(&got, SIZE_MAX);
        print_document(&got, t.field[0]);
        table_compare(&t, kd_buf_str(&got), t.field[1], "data");
    }
    kd_buf_fini(&got);
}

/* The JSON text as XML. */
static void print_xml(kd_buf *out, kd_str json)
{
    kd_arena arena;
    kd_arena_init(&arena, NULL, 0);
    kd_value v;
    kd_str error;
    char *text = malloc(json.n + KD_JSON_PAD);
    memcpy(text, json.p, json.n);
    assert_int_equal(kd_json_read(NULL, &arena, text, json.n, &v, &error), KD_JSON_OK);
    assert_true(kd_xml_emit(out, v));
    kd_arena_reset(&arena);
    free(text);
}

static void emit_as_go(void **state)
{
    table t = table_open("xml_emit.tsv");
    kd_buf got;
    kd_buf_init(&got, 1 << 24);
    while (table_next(&t)) {
        kd_buf_reset(&got, SIZE_MAX);
        print_xml(&got, t.field[0]);
        table_compare(&t, kd_buf_str(&got), t.field[1], "XML");
    }
    kd_buf_fini(&got);
}

static void emit_well_formed(void **state)
{
    static const struct {
        const char *json, *xml;
    } rows[] = {
        {"{\"<t>\":1}", "<_t_>1</_t_>"},
        {"{\"\":1}", "<_>1</_>"},
        {"{\"a\\u0001b\":{\"-x\\\"y\":\"\\u0002\"}}", "<a_b x_y=\"\xef\xbf\xbd\"/>"},
        {"{\"a/\":\"\\u0000\\uffff\"}", "<a_>\xef\xbf\xbd\xef\xbf\xbd</a_>"},
        {"{\"a\":{\"#text\":null,\"b\":1}}", "<a><b>1</b></a>"},
        {"{\"a\":{\"#text\":[\"x\",1,true]}}", "<a>x 1 true</a>"},
        {"{\"a\":{\"#text\":{\"b\":\"<\"}}}", "<a>map[b:&lt;]</a>"},
        {"null", "<doc/>"},
    };
    kd_buf got;
    kd_buf_init(&got, 1 << 16);
    for (size_t i = 0; i < KD_COUNT(rows); i++) {
        kd_buf_reset(&got, SIZE_MAX);
        print_xml(&got, kd_str_from_c(rows[i].json));
        kd_buf_byte(&got, '\0');
        assert_string_equal(got.p, rows[i].xml);
    }
    kd_buf_fini(&got);
}

static void emit_keeps_what_stands_before(void **state)
{
    kd_buf out;
    kd_buf_init(&out, 1 << 16);
    kd_buf_add(&out, KD_STR("before"));
    print_xml(&out, KD_STR("{\"a\":{\"-b\":[1],\"c\":1}}"));
    assert_true(kd_str_eq(kd_buf_str(&out), KD_STR("before")));
    kd_buf_fini(&out);
    kd_buf_init(&out, 8);
    kd_member member = {KD_STR("abcdefgh"), kd_value_bool(true)};
    kd_object object = {.n = 1, .cap = 1, .members = &member};
    assert_false(kd_xml_emit(&out, kd_value_object(&object)));
    assert_int_equal(out.n, 0);
    kd_buf_fini(&out);
}

static void emit_floats_and_typed_objects(void **state)
{
    kd_member members[] = {{KD_STR("z"), kd_value_float(1e6)}, {KD_STR("a"), kd_value_float(0.1)}};
    kd_object object = {.n = 2, .cap = 2, .members = members};
    kd_buf out;
    kd_buf_init(&out, 1 << 16);
    assert_true(kd_xml_emit(&out, kd_value_object(&object)));
    assert_true(kd_str_eq(kd_buf_str(&out), KD_STR("<doc><a>0.1</a><z>1e+06</z></doc>")));
    kd_buf_reset(&out, SIZE_MAX);
    object.typed = true;
    assert_true(kd_xml_emit(&out, kd_value_object(&object)));
    assert_true(kd_str_eq(kd_buf_str(&out), KD_STR("<doc><z>1e+06</z><a>0.1</a></doc>")));
    kd_buf_fini(&out);
}

/* `n` times the text `part`. */
static kd_buf repeat(const char *part, size_t n)
{
    kd_buf out;
    kd_buf_init(&out, 1 << 26);
    while (n--)
        kd_buf_add(&out, kd_str_from_c(part));
    return out;
}

static void depth_is_bounded(void **state)
{
    static const char refused[] = "ERR xml.Decoder.Token() - XML syntax error on line 1: exceeded max depth";
    for (size_t more = 0; more < 2; more++) {
        kd_buf document = repeat("<a>", KD_XML_MAX_DEPTH + more), ends = repeat("</a>", KD_XML_MAX_DEPTH + more), got;
        kd_buf_init(&got, 1 << 24);
        kd_buf_add(&document, kd_buf_str(&ends));
        print_document(&got, kd_buf_str(&document));
        if (more)
            assert_true(kd_str_eq(kd_buf_str(&got), kd_str_from_c(refused)));
        else
            assert_true(kd_str_starts(kd_buf_str(&got), KD_STR("{\"a\":{\"a\":{\"a\":")));
        kd_buf_fini(&got);
        kd_buf_fini(&ends);
        kd_buf_fini(&document);
    }
}

static void nothing_is_expanded(void **state)
{
    kd_buf got;
    kd_buf_init(&got, 1 << 16);
    print_document(&got, KD_STR("<!DOCTYPE a [<!ENTITY e SYSTEM \"/etc/hostname\"><!ENTITY f \"&e;&e;\">]><a>&f;</a>"));
    kd_buf_byte(&got, '\0');
    assert_string_equal(got.p, "ERR xml.Decoder.Token() - XML syntax error on line 1: invalid character entity &f;");
    kd_buf_fini(&got);
}

static void memory_may_run_out(void **state)
{
    static const char document[] =
        "<?xml version='1.0' encoding='iso-8859-1'?><r x='1'><a>\xe9</a><a b='2'/><c>&amp;</c></r>";
    unsigned failed = 0, done = 0;
    for (size_t limit = KD_CHUNK_SIZE; limit < 64 * 1024 && !done; limit += 64) {
        kd_arena arena;
        kd_arena_init(&arena, NULL, limit);
        while (kd_arena_alloc(&arena, 8) && (size_t)(arena.end - arena.at) > 2048 - limit / 32)
            ;
        char text[sizeof(document)];
        memcpy(text, document, sizeof(document));
        kd_value v;
        kd_str error;
        kd_xml_result result = kd_xml_read(&arena, text, sizeof(document) - 1, &v, &error);
        assert_int_not_equal(result, KD_XML_BAD);
        failed += result == KD_XML_OUT_OF_MEMORY;
        done += result == KD_XML_READ;
        kd_arena_reset(&arena);
    }
    assert_true(failed && done);
}

/* Each declaration makes the rest longer: without a bound a document of 2 KB takes minutes. */
static void declarations_are_bounded(void **state)
{
#define LATIN "<?xml version=\"1.0\" encoding=\"iso-8859-1\"?>"
    static const struct {
        const char *document, *want;
    } cases[] = {
        {LATIN "<a>\xe9</a>", "{\"a\":\"\xc3\xa9\"}"},
        {LATIN LATIN "<a>\xe9</a>", "{\"a\":\"\xc3\x83\xc2\xa9\"}"},
        {LATIN LATIN LATIN "<a>\xe9</a>", "ERR xml.Decoder.Token() - xml: too many declarations of a character set"},
    };
    for (size_t i = 0; i < KD_COUNT(cases); i++) {
        kd_buf got;
        kd_buf_init(&got, 1 << 16);
        print_document(&got, kd_str_from_c(cases[i].document));
        if (!kd_str_eq(kd_buf_str(&got), kd_str_from_c(cases[i].want)))
            fail_msg("%zu: %.*s", i, KD_FMT(kd_buf_str(&got)));
        kd_buf_fini(&got);
    }
}

static void charsets(void **state)
{
    static const struct {
        const char *label, *from, *to;
    } rows[] = {
        {"latin1", "\xe9\x80\x81", "\xc3\xa9\xe2\x82\xac\xef\xbf\xbd"}, /* windows-1252 */
        {" ISO-8859-2 ", "\xb1", "\xc4\x85"},
        {"shift_jis", "\x93\xfa\x96{", "\xe6\x97\xa5\xe6\x9c\xac"},
        {"gb2312", "\xc8\xd5", "\xe6\x97\xa5"},
        {"utf8", "a\xff", "a\xef\xbf\xbd"},
        {"utf-16", "a\0b", "a"},
    };
    for (size_t i = 0; i < KD_COUNT(rows); i++) {
        kd_arena arena;
        kd_arena_init(&arena, NULL, 0);
        kd_str out;
        size_t n = i + 1 == KD_COUNT(rows) ? 2 : strlen(rows[i].from);
        assert_int_equal(kd_charset_to_utf8(&arena, kd_str_from_c(rows[i].label), (kd_str){rows[i].from, n}, &out),
                         KD_CHARSET_OK);
        if (!kd_str_eq(out, kd_str_from_c(rows[i].to)))
            fail_msg("%s: '%.*s'", rows[i].label, KD_FMT(out));
        assert_int_equal(kd_charset_to_utf8(&arena, KD_STR("klingon"), out, &out), KD_CHARSET_UNKNOWN);
        kd_arena_reset(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decode_as_go),
        cmocka_unit_test(emit_as_go),
        cmocka_unit_test(emit_well_formed),
        cmocka_unit_test(emit_keeps_what_stands_before),
        cmocka_unit_test(emit_floats_and_typed_objects),
        cmocka_unit_test(depth_is_bounded),
        cmocka_unit_test(nothing_is_expanded),
        cmocka_unit_test(memory_may_run_out),
        cmocka_unit_test(charsets),
        cmocka_unit_test(declarations_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
