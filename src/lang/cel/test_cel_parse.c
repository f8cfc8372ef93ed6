/* Against what the library that KrakenD uses says (tests/go/gen_cel.go), the trees, and the bounds. */
#include "lang/cel/ast.h"
#include "text/test_table.h"

static kd_arena arena;

static int setup(void **state)
{
    kd_arena_init(&arena, NULL, 0);
    return 0;
}

static int teardown(void **state)
{
    kd_arena_fail_after(0);
    kd_arena_reset(&arena);
    return 0;
}

static kd_cel_expr *parse(kd_str text, kd_str *error)
{
    kd_cel_findings findings = {0};
    kd_cel_source source = {.text = text};
    kd_cel_expr *e = kd_cel_parse(&arena, &source, &findings);
    *error = e ? KD_STR("") : kd_cel_findings_text(&arena, &source, &findings);
    return e;
}

static void test_go(void **state)
{
    for (table t = table_open("cel.tsv"); table_next(&t);) {
        kd_str error, want = kd_str_eq(t.field[1], KD_STR("SYNTAX")) ? t.field[2] : KD_STR("");
        parse(t.field[0], &error);
        if (!kd_str_eq(error, want))
            fail_msg("%.*s\nwant %.*s\n got %.*s", KD_FMT(t.field[0]), KD_FMT(want), KD_FMT(error));
        kd_arena_reset(&arena);
    }
}

/* A tree in brackets: kinds of nodes, names, what they hold. */
static void print(kd_buf *to, const kd_cel_expr *e)
{
    static const char *const kinds[] = {"", "", "select ", "has ", "", "list", "map", "message ", "macro "};
    if (e->kind == KD_CEL_CONST && e->constant.type == KD_CEL_INT) {
        kd_buf_printf(to, "%lld", (long long)e->constant.i);
    } else if (e->kind == KD_CEL_CONST && e->constant.type == KD_CEL_UINT) {
        kd_buf_printf(to, "%lluu", (unsigned long long)e->constant.u);
    } else if (e->kind == KD_CEL_CONST && e->constant.type == KD_CEL_DOUBLE) {
        kd_buf_printf(to, "%gf", e->constant.d);
    } else if (e->kind == KD_CEL_CONST && e->constant.type == KD_CEL_BOOL) {
        kd_buf_add(to, e->constant.boolean ? KD_STR("true") : KD_STR("false"));
    } else if (e->kind == KD_CEL_CONST && e->constant.type == KD_CEL_NULL) {
        kd_buf_add(to, KD_STR("null"));
    } else if (e->kind == KD_CEL_CONST) {
        kd_buf_printf(to, "%s'%.*s'", e->constant.type == KD_CEL_BYTES ? "b" : "", KD_FMT(kd_cel_text(e->constant)));
    } else if (e->kind == KD_CEL_IDENT) {
        kd_buf_add(to, e->name);
    } else {
        kd_buf_printf(to, "(%s%s%.*s", kinds[e->kind], e->method ? "." : "", KD_FMT(e->name));
        const kd_cel_expr *parts[] = {e->operand, e->filter, e->body};
        for (size_t i = 0; i < KD_COUNT(parts); i++) {
            kd_buf_add(to, e->kind == KD_CEL_MACRO && !parts[i] ? KD_STR(" -") : KD_STR(""));
            if (parts[i]) {
                kd_buf_byte(to, ' ');
                print(to, parts[i]);
            }
        }
        for (uint32_t i = 0; i < e->n; i++) {
            kd_buf_byte(to, ' ');
            if (e->fields)
                kd_buf_printf(to, "%.*s:", KD_FMT(e->fields[i]));
            print(to, e->items[i]);
        }
        kd_buf_byte(to, ')');
    }
}

static void test_trees(void **state)
{
    static const struct {
        kd_str text, tree;
    } cases[] = {
        {KD_STR_INIT("1 + 2 * 3 - 4"), KD_STR_INIT("(_-_ (_+_ 1 (_*_ 2 3)) 4)")},
        {KD_STR_INIT("1 < 2 == true"), KD_STR_INIT("(_==_ (_<_ 1 2) true)")},
        {KD_STR_INIT("a && b && c && d && e"), KD_STR_INIT("(_&&_ (_&&_ (_&&_ a b) c) (_&&_ d e))")},
        {KD_STR_INIT("a || b && c"), KD_STR_INIT("(_||_ a (_&&_ b c))")},
        {KD_STR_INIT("a ? b : c ? d : e"), KD_STR_INIT("(_?_:_ a b (_?_:_ c d e))")},
        {KD_STR_INIT("!!a || !!!b"), KD_STR_INIT("(_||_ a (!_ b))")},
        {KD_STR_INIT("-1 - -a"), KD_STR_INIT("(_-_ -1 (-_ a))")},
        {KD_STR_INIT("--1"), KD_STR_INIT("1")},
        {KD_STR_INIT("-9223372036854775808"), KD_STR_INIT("-9223372036854775808")},
        {KD_STR_INIT("0xfF + -0x10"), KD_STR_INIT("(_+_ 255 -16)")},
        {KD_STR_INIT("[0018446744073709551615u, 0xAu]"), KD_STR_INIT("(list 18446744073709551615u 10u)")},
        {KD_STR_INIT("[1.5, .5e1, 1e-400, -2.0]"), KD_STR_INIT("(list 1.5f 5f 0f -2f)")},
        {KD_STR_INIT("a.b.c(d)[.e]"), KD_STR_INIT("(_[_] (.c (select b a) d) .e)")},
        {KD_STR_INIT(".size(a) in {1: 2, 'x': y,}"), KD_STR_INIT("(@in (.size a) (map 1 2 'x' y))")},
        {KD_STR_INIT("a.b.T{x: 1, y: z}"), KD_STR_INIT("(message a.b.T x:1 y:z)")},
        {KD_STR_INIT("has(a.b.c)"), KD_STR_INIT("(has c (select b a))")},
        {KD_STR_INIT("a.has(b.c)"), KD_STR_INIT("(.has a (select c b))")},
        {KD_STR_INIT("l.all(x, x > 0)"), KD_STR_INIT("(macro x l (_>_ x 0) -)")},
        {KD_STR_INIT("l.map(x, y)"), KD_STR_INIT("(macro x l - y)")},
        {KD_STR_INIT("l.map(x, y, z)"), KD_STR_INIT("(macro x l y z)")},
        {KD_STR_INIT("l.filter(x, y, z)"), KD_STR_INIT("(.filter l x y z)")},
        {KD_STR_INIT("'a\\n\\x41\\u00e9\\101\\\\' + \"'\" + r'\\n' + '''a'b\r\nc'''"),
         KD_STR_INIT("(_+_ (_+_ (_+_ 'a\nA\xC3\xA9"
                     "A\\' ''') '\\n') 'a'b\nc')")},
        {KD_STR_INIT("[b'\\xff\\377', B'\xC3\xA9', bR\"\\x\", null]"),
         KD_STR_INIT("(list b'\xFF\xFF' b'\xC3\xA9' b'\\x' null)")},
    };
    for (size_t i = 0; i < KD_COUNT(cases); i++) {
        kd_str error;
        kd_cel_expr *e = parse(cases[i].text, &error);
        if (!e)
            fail_msg("%.*s", KD_FMT(error));
        kd_buf text;
        kd_buf_init(&text, 1 << 16);
        print(&text, e);
        if (!kd_str_eq(kd_buf_str(&text), cases[i].tree))
            fail_msg("%.*s\nwant %.*s\n got %.*s", KD_FMT(cases[i].text), KD_FMT(cases[i].tree),
                     KD_FMT(kd_buf_str(&text)));
        kd_buf_fini(&text);
    }
}

/* `n` times `piece`, between two texts. */
static kd_str repeat(const char *before, const char *piece, size_t n, const char *after)
{
    size_t size = strlen(piece);
    char *text = kd_arena_alloc(&arena, strlen(before) + n * size + strlen(after) + 1);
    char *to = text + strlen(before);
    memcpy(text, before, strlen(before));
    for (size_t i = 0; i < n; i++, to += size)
        memcpy(to, piece, size);
    memcpy(to, after, strlen(after) + 1);
    return kd_str_from_c(text);
}

static void test_bounds(void **state)
{
    static const kd_str nested = KD_STR_INIT("ERROR: <input>:-1:0: expression recursion limit exceeded: 250");
    static const kd_str deep = KD_STR_INIT("ERROR: <input>:-1:0: max recursion depth exceeded");
    static const struct {
        const char *before, *piece, *after;
        size_t good; /* as many pieces parse, one more does not */
        const kd_str *error;
    } cases[] = {
        {"1", "+1", "", 250, &deep},         {"a", ".b", "", 250, &deep},   {"a", " == a", "", 250, &deep},
        {"a", "[0]", "", 250, &deep},        {"a", ".b()", "", 250, &deep}, {"a", "*a+a", "", 249, &deep},
        {"", "b ? a : ", "a", 249, &nested}, {"", "[", "", 0, &nested},
    };
    for (size_t i = 0; i < KD_COUNT(cases); i++) {
        kd_str error;
        size_t good = cases[i].good;
        if (good && !parse(repeat(cases[i].before, cases[i].piece, good, cases[i].after), &error))
            fail_msg("%zu: %.*s", i, KD_FMT(error));
        assert_null(parse(repeat(cases[i].before, cases[i].piece, good ? good + 1 : 90000, cases[i].after), &error));
        if (!kd_str_eq(error, *cases[i].error))
            fail_msg("%zu: %.*s", i, KD_FMT(error));
        kd_arena_reset(&arena);
    }
    kd_str error;
    assert_non_null(parse(repeat("a", " || a", 19999, ""), &error));
    assert_null(parse(repeat("'", "\xC3\xA9", KD_CEL_MAX_SOURCE - 1, "'"), &error));
    assert_true(kd_str_eq(
        error, KD_STR("ERROR: <input>:-1:0: expression code point size exceeds limit: size: 100001, limit 100000")));
}

/* However early memory ends, the parser says so, and says nothing wrong. */
static void test_no_memory(void **state)
{
    static const kd_str cases[] = {
        KD_STR_INIT("a.b.c(1, [2, {'x': -y}], T{f: 'a\\n'}).all(x, has(x.y) && !z || .q > 1.5 ? 1u : b'x')"),
        KD_STR_INIT("a + + b ! # 'x"),
    };
    for (size_t i = 0; i < KD_COUNT(cases); i++) {
        for (size_t limit = 1; limit < 24 * 1024; limit += 64) {
            kd_arena small;
            kd_arena_init(&small, NULL, limit);
            kd_cel_findings findings = {0};
            kd_cel_source source = {.text = cases[i]};
            kd_cel_expr *e = kd_cel_parse(&small, &source, &findings);
            assert_true(!e || i == 0);
            if (!e)
                assert_true(findings.n == 0 || i == 1);
            kd_arena_reset(&small);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_go),
        cmocka_unit_test(test_trees),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
