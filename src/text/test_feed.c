/* Feeds against gofeed 1.2.1 (table by tests/go/gen_encodings.go). */
#include "text/feed.h"
#include "text/feed_html.h"
#include "text/feed_text.h"
#include "text/json.h"
#include "text/test_table.h"

static kd_feed_result read_feed(kd_arena *arena, kd_buf *out, kd_str document)
{
    kd_value v;
    kd_str error = {NULL, 0};
    char *text = malloc(document.n + KD_JSON_PAD);
    memset(text, '7', document.n + KD_JSON_PAD);
    memcpy(text, document.p ? document.p : "", document.n);
    kd_feed_result result = kd_feed_read(arena, text, document.n, &v, &error);
    if (result == KD_FEED_BAD) {
        kd_buf_add(out, KD_STR("ERR "));
        kd_buf_add(out, error);
    } else if (result == KD_FEED_READ) {
        assert_true(kd_json_emit(out, v, NULL));
    }
    free(text);
    return result;
}

static void print_feed(kd_buf *out, kd_str document)
{
    kd_arena arena;
    kd_arena_init(&arena, NULL, 0);
    assert_int_not_equal(read_feed(&arena, out, document), KD_FEED_OUT_OF_MEMORY);
    kd_arena_reset(&arena);
}

static void read_as_gofeed(void **state)
{
    table t = table_open("feed.tsv");
    kd_buf got;
    kd_buf_init(&got, 1 << 24);
    while (table_next(&t)) {
        kd_buf_reset(&got, SIZE_MAX);
        print_feed(&got, t.field[0]);
        table_compare(&t, kd_buf_str(&got), t.field[1], "feed");
    }
    kd_buf_fini(&got);
}

static void wrong_types_are_refused(void **state)
{
    static const struct {
        const char *json, *error;
    } rows[] = {
        {"{\"title\":1}", "ERR json.Feed.title: expected a string"},
        {"{\"items\":{}}", "ERR json.Feed.items: expected a list"},
        {"{\"items\":[1]}", "ERR json.Feed.items: expected objects"},
        {"{\"items\":[{\"tags\":[1]}]}", "ERR json.Item.tags: expected strings"},
        {"{\"expired\":1}", "ERR json.Feed.expired: expected true or false"},
        {"[]", "ERR Failed to detect feed type"},
        {"{\"a\":}", "ERR Failed to detect feed type"},
    };
    kd_buf got;
    kd_buf_init(&got, 1 << 16);
    for (size_t i = 0; i < KD_COUNT(rows); i++) {
        kd_buf_reset(&got, SIZE_MAX);
        print_feed(&got, kd_str_from_c(rows[i].json));
        kd_buf_byte(&got, '\0');
        assert_string_equal(got.p, rows[i].error);
    }
    kd_buf_reset(&got, SIZE_MAX);
    print_feed(&got, KD_STR("{\"items\":[null,{\"id\":\"x\"}]}"));
    assert_true(kd_str_search(kd_buf_str(&got), KD_STR("\"items\":[{\"guid\":\"x\"}]")) > 0);
    kd_buf_fini(&got);
}

static void memory_may_run_out(void **state)
{
    static const char *const documents[] = {
        "<rss "
        "xmlns:dc='http://purl.org/dc/elements/1.1/'><channel><title>a&amp;b</title><item><dc:date>2020-01-01</dc:date>"
        "<category>c</category><link>l</link><enclosure url='u'/><author>a@x (b)</author></item></channel></rss>",
        "<feed xml:base='http://e.org'><title type='xhtml'><div><p>x</p></div></title><entry xml:base='d/'><link "
        "href='a'/></entry></feed>",
        "{\"items\":[{\"id\":\"1\",\"author\":{\"name\":\"n\"},\"tags\":[\"t\"],\"image\":\"i\",\"url\":\"u\"}]}",
    };
    for (size_t d = 0; d < KD_COUNT(documents); d++) {
        unsigned failed = 0, done = 0;
        kd_buf whole;
        kd_buf_init(&whole, 1 << 16);
        print_feed(&whole, kd_str_from_c(documents[d]));
        for (size_t left = 0; left < 4000 && done < 8; left += 8) {
            kd_arena arena;
            kd_arena_init(&arena, NULL, KD_CHUNK_SIZE);
            kd_arena_alloc(&arena, 8);
            arena.at = arena.end - left;
            kd_buf out;
            kd_buf_init(&out, 1 << 16);
            kd_feed_result result = read_feed(&arena, &out, kd_str_from_c(documents[d]));
            assert_true(result != KD_FEED_BAD);
            assert_true(result != KD_FEED_READ || kd_str_eq(kd_buf_str(&out), kd_buf_str(&whole)));
            failed += result == KD_FEED_OUT_OF_MEMORY;
            done += result == KD_FEED_READ;
            kd_buf_fini(&out);
            kd_arena_reset(&arena);
        }
        kd_buf_fini(&whole);
        assert_true(failed > 0);
    }
}

static void html_is_printed_anew(void **state)
{
    static const struct {
        const char *html, *inner;
    } rows[] = {
        {"<div><p>a<p>b</div>", "<p>a</p><p>b</p>"},
        {"<div><ul><li>1<li>2<ul><li>3</ul></ul></div>", "<ul><li>1</li><li>2<ul><li>3</li></ul></li></ul>"},
        {"<div><BR/><IMG SRC='a&amp;b' alt></div>", "<br/><img src=\"a&amp;b\" alt=\"\"/>"},
        {"x <div>y</div> z", "y"},
        {"<div>a</div><div>b</div>", NULL},
        {"<p>a</p>", NULL},
        {"text", NULL},
        {"<div><table><tr><td>1<td>2</table></div>", "<table><tbody><tr><td>1</td><td>2</td></tr></tbody></table>"},
        {"<div><script>a<b</script>&lt;</div>", "<script>a<b</script>&lt;"},
        {"<div><h1>a<h2>b</h2></div>", "<h1>a</h1><h2>b</h2>"},
        {"<div><!--c--></p></div>", "<!--c--><p></p>"},
        {"<div><dl><dt>a<dd>b</dl></div>", "<dl><dt>a</dt><dd>b</dd></dl>"},
    };
    for (size_t i = 0; i < KD_COUNT(rows); i++) {
        kd_arena arena;
        kd_arena_init(&arena, NULL, 0);
        kd_str got = kd_feed_html_unwrap(&arena, kd_str_from_c(rows[i].html));
        kd_str want = kd_str_from_c(rows[i].inner ? rows[i].inner : rows[i].html);
        if (!kd_str_eq(got, want))
            fail_msg("%s: '%.*s'", rows[i].html, KD_FMT(got));
        kd_arena_reset(&arena);
    }
}

static void deep_html_stays_as_it_is(void **state)
{
    char html[5 * 2000];
    for (size_t i = 0; i < 2000; i++)
        memcpy(html + 5 * i, "<div>", 5);
    kd_arena arena;
    kd_arena_init(&arena, NULL, 0);
    kd_str got = kd_feed_html_unwrap(&arena, (kd_str){html, sizeof(html)});
    assert_ptr_equal(got.p, html);
    kd_arena_reset(&arena);
}

static void persons(void **state)
{
    static const struct {
        const char *text, *name, *mail;
    } rows[] = {
        {"a@x.org (Ann (B))", "Ann (B)", "a@x.org"},
        {"Ann \t (a@x.org)", "Ann \t", "a@x.org"},
        {"Ann", "Ann", ""},
        {"a@x.org", "", "a@x.org"},
        {"a@x.org ()", "", ""},
        {"a@x@y", "", ""},
        {"@x", "", ""},
        {"Ann (a@x) y", "", ""},
        {"", "", ""},
    };
    for (size_t i = 0; i < KD_COUNT(rows); i++) {
        kd_str name, mail;
        kd_feed_person(kd_str_from_c(rows[i].text), &name, &mail);
        if (!kd_str_eq(name, kd_str_from_c(rows[i].name)) || !kd_str_eq(mail, kd_str_from_c(rows[i].mail)))
            fail_msg("'%s': '%.*s' '%.*s'", rows[i].text, KD_FMT(name), KD_FMT(mail));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(read_as_gofeed),           cmocka_unit_test(wrong_types_are_refused),
        cmocka_unit_test(memory_may_run_out),       cmocka_unit_test(html_is_printed_anew),
        cmocka_unit_test(deep_html_stays_as_it_is), cmocka_unit_test(persons),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
