/* YAML and TOML against what the reference's parsers make of them (tests/go/config_*.tsv). */
#include "config/load_bytes.h"
#include "config/toml_tree.h"
#include "config/yaml_tree.h"
#include "text/json.h"
#include "text/test_table.h"

/* Where we differ from the reference on purpose, or because libyaml does. */
static const struct {
    const char *document, *why;
} excepted[] = {
    {"%YAML 1.2\n---\na: 1\n", "taken: it changes nothing"},
    {"v: \"\\/\"\n", "taken: JSON's escape"},
    {"v: [\"\\/\"]\n", "taken: JSON's escape"},
    {"v:\n- \"\\/\"\n", "taken: JSON's escape"},
    {"\"\\/\": 1\n", "taken: JSON's escape"},
    {"k:\n  \"\\/\": 1\n", "taken: JSON's escape"},
    {"v: [a:]\n", "refused: libyaml wants a blank behind the colon"},
    {"!!set {a, b}: 1\n", "refused, with another tag in the text"},
    {"a = \"\"\"x\"\"\"\"\"\n", "taken: TOML 1.0"},
    {"a = ''''x''''\n", "taken: TOML 1.0"},
    {"a = 1979-05-27\n", "taken: TOML 1.0"},
    {"a = 1979-05-27t07:32:00z\n", "taken: TOML 1.0"},
    {".a = 1\n", "refused: nobody means it"},
    {"[.a]\n", "refused: nobody means it"},
    {"a = 1\rb = 2\r", "refused: nobody means it"},
    {"a = \"\\\n\"\n", "refused: nobody means it"},
};

static bool is_excepted(kd_str document)
{
    for (size_t i = 0; i < KD_COUNT(excepted); i++)
        if (kd_str_eq(document, kd_str_from_c(excepted[i].document)))
            return true;
    return false;
}

/* Go prints a key that is an object after this; we do not. */
static bool same_error(kd_str got, kd_str want)
{
    static const kd_str map_key = KD_STR_INIT("yaml: invalid map key");
    return kd_str_eq(got, want) || (kd_str_eq(got, map_key) && kd_str_starts(want, map_key));
}

typedef kd_node *(*reader)(kd_arena *arena, kd_str file, kd_str text, kd_errors *errors, kd_str *compat);

static bool check_row(reader read, const kd_str *row, bool texts, bool loud)
{
    kd_arena arena;
    kd_errors errors;
    kd_buf json;
    kd_str document = row[0], kind = row[1], want = row[2], compat = KD_STR("");
    bool wrong;
    kd_arena_init(&arena, NULL, 0);
    kd_errors_init(&errors, &arena, 200);
    kd_buf_init(&json, 1u << 20);
    kd_node *root = read(&arena, KD_STR("f"), document, &errors, &compat);
    bool ok = kd_str_eq(kind, KD_STR("ok"));
    if (ok && root) {
        kd_json_emit(&json, kd_node_value(&arena, root), NULL);
        wrong = !kd_str_eq(kd_buf_str(&json), want);
        compat = kd_buf_str(&json);
    } else {
        wrong = ok || root || errors.errors == 0 || (texts && !same_error(compat, want));
    }
    if (wrong && loud)
        print_error("%.*s\n  want %.*s %.*s\n  got  %s %.*s\n", KD_FMT(document), KD_FMT(kind), KD_FMT(want),
                    root ? "ok" : "error", KD_FMT(compat));
    kd_buf_fini(&json);
    kd_arena_reset(&arena);
    return wrong;
}

static void check_table(const char *name, reader read, bool texts)
{
    int wrong = 0;
    for (table t = table_open(name); table_next(&t);) {
        bool differs = is_excepted(t.field[0]);
        if (check_row(read, t.field, texts, !differs) != differs)
            wrong++;
    }
    assert_int_equal(wrong, 0);
}

static void test_yaml(void **state)
{
    check_table("config_yaml.tsv", kd_yaml_tree_read, true);
}

static void test_toml(void **state)
{
    check_table("config_toml.tsv", kd_toml_tree_read, false);
}

typedef struct fixture {
    kd_arena arena;
    kd_errors errors;
    kd_str compat;
    kd_node *root;
} fixture;

static const kd_node *read_text(fixture *f, reader read, const char *text)
{
    kd_arena_init(&f->arena, NULL, 0);
    kd_errors_init(&f->errors, &f->arena, 10);
    f->root = read(&f->arena, KD_STR("f"), kd_str_from_c(text), &f->errors, &f->compat);
    return f->root;
}

static void assert_place(const kd_location *at, uint32_t line, uint32_t column)
{
    if (!at || at->line != line || at->column != column)
        fail_msg("at %u:%u, want %u:%u", at ? at->line : 0, at ? at->column : 0, line, column);
}

static void assert_value_place(const kd_node *node, uint32_t key_line, uint32_t key_column, uint32_t line,
                               uint32_t column)
{
    assert_non_null(node);
    assert_place(node->key_at, key_line, key_column);
    assert_place(node->at, line, column);
}

/* Columns are bytes; what an alias brings stands where it was written, reached from the alias. */
static void test_places_yaml(void **state)
{
    fixture f;
    const kd_node *root = read_text(&f, kd_yaml_tree_read,
                                    "# \xc3\xa9\nk\xc3\xa9: &x {b: 1}\nc:\n  - *x\n  - d: \"\xc3\xa9\" # e\n"
                                    "e:\n  <<: *x\n  f: 2\n");
    assert_non_null(root);
    assert_place(root->at, 2, 1);
    const kd_node *first = root->first, *c = kd_node_get(root, KD_STR("c"));
    assert_value_place(first, 2, 1, 2, 6);
    assert_null(first->first->at->from);
    assert_value_place(c, 3, 1, 4, 3);
    assert_place(c->first->first->at, 2, 13);
    assert_place(c->first->first->at->from, 4, 5);
    assert_value_place(c->first->next->first, 5, 5, 5, 8);
    const kd_node *e = kd_node_get(root, KD_STR("e"));
    assert_value_place(kd_node_get(e, KD_STR("b")), 2, 10, 2, 13);
    assert_place(kd_node_get(e, KD_STR("b"))->at->from, 7, 7);
    assert_value_place(kd_node_get(e, KD_STR("f")), 8, 3, 8, 6);
    assert_null(kd_node_get(e, KD_STR("f"))->at->from);
    kd_arena_reset(&f.arena);
}

static void test_places_toml(void **state)
{
    fixture f;
    const kd_node *root = read_text(&f, kd_toml_tree_read,
                                    "a = \"\xc3\xa9\" # c\n\"\xc3\xa9\" = 'x'\nb = [\n 1,\n  {c.d = 2}]\n[e.f]\ng = 3\n"
                                    "[[h]]\n[[h]]\ns = \"\"\"\nx\n\"\"\"\nt = 4\n");
    assert_non_null(root);
    const kd_node *b = kd_node_get(root, KD_STR("b")), *c = kd_node_get(b->first->next, KD_STR("c"));
    assert_value_place(root->first, 1, 1, 1, 5);
    assert_value_place(kd_node_get(root, KD_STR("\xc3\xa9")), 2, 1, 2, 8);
    assert_value_place(b, 3, 1, 3, 5);
    assert_place(b->first->at, 4, 2);
    assert_place(b->first->next->at, 5, 3);
    assert_value_place(c->first, 5, 6, 5, 10);
    assert_value_place(kd_node_get(root, KD_STR("e"))->first, 6, 4, 6, 4);
    const kd_node *h = kd_node_get(root, KD_STR("h"));
    assert_int_equal(h->n, 2);
    assert_place(h->first->next->at, 9, 3);
    assert_value_place(kd_node_get(h->first->next, KD_STR("t")), 13, 1, 13, 5);
    kd_arena_reset(&f.arena);
}

/* Where a refusal stands. */
static void test_refused(void **state)
{
    static const struct {
        reader read;
        const char *text;
        uint32_t line, column;
    } cases[] = {
        {kd_yaml_tree_read, "a: 1\n\tb: 2\n", 2, 1},
        {kd_yaml_tree_read, "a: 1\nb: *x\n", 2, 4},
        {kd_yaml_tree_read, "a: 1\nb: 2\na: 3\n", 3, 1},
        {kd_yaml_tree_read, "a: {<<: 5}\n", 1, 9},
        {kd_yaml_tree_read, "[a]", 1, 1},
        {kd_yaml_tree_read, "a: !!binary /w==", 1, 4},
        {kd_yaml_tree_read, "a: !!int x\n", 1, 4},
        {kd_toml_tree_read, "a = 1\na = 2\n", 2, 1},
        {kd_toml_tree_read, "\xc3\xa9 = 1\n", 1, 1},
        {kd_toml_tree_read, "a = [1\n", 2, 1},
        {kd_toml_tree_read, "a = \"x\n", 1, 7},
        {kd_toml_tree_read, "a = x\n", 1, 5},
        {kd_toml_tree_read, "[a]\n[b]\n[a]\n", 3, 2},
    };
    for (size_t i = 0; i < KD_COUNT(cases); i++) {
        fixture f;
        assert_null(read_text(&f, cases[i].read, cases[i].text));
        assert_int_equal(f.errors.errors, 1);
        assert_place(f.errors.first->at, cases[i].line, cases[i].column);
        assert_true(f.errors.first->compat.n > 0);
        kd_arena_reset(&f.arena);
    }
}

/* n times `open`, then `middle`, then n times `close`. */
static char *nested(const char *open, const char *middle, const char *close, size_t n)
{
    size_t size = n * (strlen(open) + strlen(close)) + strlen(middle) + 1;
    char *text = malloc(size), *to = text;
    assert_non_null(text);
    for (size_t i = 0; i < n; i++)
        to = stpcpy(to, open);
    to = stpcpy(to, middle);
    for (size_t i = 0; i < n; i++)
        to = stpcpy(to, close);
    return text;
}

static void test_depth(void **state)
{
    static const struct {
        reader read;
        const char *open, *middle, *close;
    } cases[] = {
        {kd_yaml_tree_read, "{a: ", "1", "}"},
        {kd_yaml_tree_read, "{a: [", "", "]}"},
        {kd_toml_tree_read, "a={", "", "}"},
        {kd_toml_tree_read, "a.", "a = 1", ""},
    };
    for (size_t i = 0; i < KD_COUNT(cases); i++) {
        for (size_t n = 100; n <= 10000; n *= 100) {
            fixture f;
            char *text = nested(cases[i].open, cases[i].middle, cases[i].close, n);
            bool taken = read_text(&f, cases[i].read, text) != NULL;
            assert_int_equal(taken, n < KD_YAML_MAX_DEPTH);
            kd_arena_reset(&f.arena);
            free(text);
        }
    }
}

/* Documents that would grow without measure. */
static void test_explosions(void **state)
{
    static const char *const forms[] = {"%c: &%c [*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c]\n",
                                        "%c: &%c {<<: [*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c]}\n"};
    for (size_t i = 0; i < KD_COUNT(forms); i++) {
        fixture f;
        kd_buf text;
        kd_buf_init(&text, 1u << 16);
        kd_buf_add(&text, i ? KD_STR("a: &a {}\n") : KD_STR("a: &a [x,x,x,x,x,x,x,x,x,x]\n"));
        for (char c = 'b'; c <= 'k'; c++) {
            char line[128], b = (char)(c - 1);
            snprintf(line, sizeof(line), forms[i], c, c, b, b, b, b, b, b, b, b, b, b);
            kd_buf_add(&text, kd_str_from_c(line));
        }
        kd_buf_byte(&text, 0);
        assert_null(read_text(&f, kd_yaml_tree_read, text.p));
        if (!kd_str_eq(f.compat, KD_STR("yaml: document contains excessive aliasing")))
            fail_msg("%.*s", KD_FMT(f.compat));
        kd_arena_reset(&f.arena);
        kd_buf_fini(&text);
    }
}

static void test_many_members(void **state)
{
    static const struct {
        reader read;
        const char *line;
    } cases[] = {{kd_yaml_tree_read, "k%u: %u\n"}, {kd_toml_tree_read, "k%u = %u\n"}};
    for (size_t i = 0; i < KD_COUNT(cases); i++) {
        fixture f;
        kd_buf text;
        kd_buf_init(&text, 1u << 20);
        for (unsigned k = 0; k < 5000; k++) {
            char line[32];
            snprintf(line, sizeof(line), cases[i].line, k, k);
            kd_buf_add(&text, kd_str_from_c(line));
        }
        kd_buf_byte(&text, 0);
        assert_non_null(read_text(&f, cases[i].read, text.p));
        assert_int_equal(f.root->n, 5000);
        assert_true(kd_node_get(f.root, KD_STR("k4999"))->number == 4999);
        kd_arena_reset(&f.arena);
        text.n--;
        kd_buf_add(&text, i ? KD_STR("k7 = 1\n") : KD_STR("k7: 1\n"));
        kd_buf_byte(&text, 0);
        assert_null(read_text(&f, cases[i].read, text.p));
        assert_place(f.errors.first->at, 5001, 1);
        kd_arena_reset(&f.arena);
        kd_buf_fini(&text);
    }
}

/* Types that JSON does not have. */
static void test_types(void **state)
{
    static const struct {
        reader read;
        const char *text, *go;
        kd_node_type type;
        bool integer;
    } cases[] = {
        {kd_yaml_tree_read, "a: 5", NULL, KD_NODE_NUMBER, true},
        {kd_yaml_tree_read, "a: 5.0", NULL, KD_NODE_NUMBER, false},
        {kd_yaml_tree_read, "a: 18446744073709551615", "uint64", KD_NODE_NUMBER, true},
        {kd_yaml_tree_read, "a: 2024-01-02", "time.Time", KD_NODE_STRING, false},
        {kd_yaml_tree_read, "a: '2024-01-02'", NULL, KD_NODE_STRING, false},
        {kd_toml_tree_read, "a = 5", "int64", KD_NODE_NUMBER, true},
        {kd_toml_tree_read, "a = 18446744073709551615", "uint64", KD_NODE_NUMBER, true},
        {kd_toml_tree_read, "a = 5.0", NULL, KD_NODE_NUMBER, false},
        {kd_toml_tree_read, "a = 2024-01-02T03:04:05Z", "time.Time", KD_NODE_STRING, false},
        {kd_toml_tree_read, "a = 2024-01-02T03:04:05", "toml.LocalDateTime", KD_NODE_STRING, false},
        {kd_toml_tree_read, "a = 2024-01-02", "toml.LocalDate", KD_NODE_STRING, false},
        {kd_toml_tree_read, "a = 03:04:05", "toml.LocalTime", KD_NODE_STRING, false},
    };
    for (size_t i = 0; i < KD_COUNT(cases); i++) {
        fixture f;
        const kd_node *node = kd_node_get(read_text(&f, cases[i].read, cases[i].text), KD_STR("a"));
        assert_non_null(node);
        assert_int_equal(node->type, cases[i].type);
        assert_int_equal(node->integer, cases[i].integer);
        assert_true(node->go ? cases[i].go && strcmp(node->go, cases[i].go) == 0 : !cases[i].go);
        kd_arena_reset(&f.arena);
    }
}

/* The last extension chooses, in exact case; what the model makes of types that JSON does not have. */
static void test_loaded(void **state)
{
    static const struct {
        const char *path, *text, *compat; /* "": taken */
    } cases[] = {
        {"f.yml", "version: 3", ""},
        {"f.yaml", "{\"version\": 3, \"port\": 0x1f90}", ""},
        {"f.json.yml", "version: 3\ncache_ttl: 0o17\nname: 1e3\nport: '80'\nhost: http://a\n", ""},
        {"f.toml", "version = 3\nname = 5\nport = \"0x1f90\"\n", ""},
        {"f.YML", "version: 3", "'f.YML': invalid character 'v' looking for beginning of value"},
        {"f.yml.json", "version: 3", "'f.yml.json': invalid character 'v' looking for beginning of value"},
        {"f.yml", "", "'f.yml': unsupported version: 0 (want: 3)"},
        {"f.toml", "", "'f.toml': unsupported version: 0 (want: 3)"},
        {"f.toml", "version = 3\nx = {a = 1,}\n", "'f.toml': (2, 11): trailing comma at the end of inline table"},
        {"f.yml", "version: 3\nname: 2024-01-02\ntimeout: 2024-01-02\nport: 2024-01-02\nlisten_ip: '2024-01-02'\n",
         "'f.yml': decoding failed due to the following error(s):\n\n"
         "'name' expected type 'string', got unconvertible type 'time.Time'\n"
         "'timeout' expected type 'time.Duration', got unconvertible type 'time.Time'\n"
         "'port' expected type 'int', got unconvertible type 'time.Time'"},
        {"f.toml", "version = 3\nhost = [07:32:00]\ndebug_endpoint = 2024-01-02\nendpoints = 5\n",
         "'f.toml': decoding failed due to the following error(s):\n\n"
         "'endpoints[0]' expected a map or struct, got \"int64\"\n"
         "'host[0]' expected type 'string', got unconvertible type 'toml.LocalTime'\n"
         "'debug_endpoint' expected type 'bool', got unconvertible type 'toml.LocalDate'"},
        {"f.yml", "version: 3\nendpoints: 5\n",
         "'f.yml': decoding failed due to the following error(s):\n\n'endpoints[0]' expected a map or struct, got "
         "\"int\""},
    };
    for (size_t i = 0; i < KD_COUNT(cases); i++) {
        kd_arena arena;
        kd_errors errors;
        kd_loaded loaded;
        kd_load_options options = {.path = cases[i].path};
        kd_arena_init(&arena, NULL, 0);
        kd_errors_init(&errors, &arena, 20);
        kd_config_load_bytes(&arena, &arena, &options, kd_str_from_c(cases[i].text), KD_SEVERITY_ERROR, &errors,
                             &loaded);
        if (!kd_str_eq(loaded.compat, kd_str_from_c(cases[i].compat)))
            fail_msg("%s: got \"%.*s\", want \"%s\"", cases[i].text, KD_FMT(loaded.compat), cases[i].compat);
        assert_true((loaded.service != NULL) == !cases[i].compat[0]);
        kd_arena_reset(&arena);
    }
}

/* At any bound on memory: a tree, or the text that says so and no finding. */
static void test_no_memory(void **state)
{
    static const struct {
        reader read;
        const char *text;
    } cases[] = {
        {kd_yaml_tree_read, "a: &x {b: 1, 2: [x, !!binary aGk=], 1.5: 2024-01-02}\nc: {<<: *x, d: e}\nf: |\n  g\n"},
        {kd_toml_tree_read, "a = [1, \"x\\n\"]\n[b.c]\nd = {e.f = 2024-01-02T03:04:05Z}\n[[g]]\nh = 1.5\n"},
    };
    for (size_t i = 0; i < KD_COUNT(cases); i++) {
        size_t refused = 0;
        for (size_t limit = 64;; limit += 16) {
            fixture f;
            kd_arena notes;
            kd_arena_init(&notes, NULL, 0);
            kd_arena_init(&f.arena, NULL, limit);
            kd_errors_init(&f.errors, &notes, 10);
            f.root = cases[i].read(&f.arena, KD_STR("f"), kd_str_from_c(cases[i].text), &f.errors, &f.compat);
            bool done = f.root != NULL;
            if (!done && !kd_str_eq(f.compat, KD_STR("out of memory")))
                fail_msg("%zu: %.*s", limit, KD_FMT(f.compat));
            assert_int_equal(f.errors.count, 0);
            refused += !done;
            kd_arena_reset(&f.arena);
            kd_arena_reset(&notes);
            if (done)
                break;
        }
        assert_true(refused > 10);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_yaml),        cmocka_unit_test(test_toml),         cmocka_unit_test(test_places_yaml),
        cmocka_unit_test(test_places_toml), cmocka_unit_test(test_refused),      cmocka_unit_test(test_depth),
        cmocka_unit_test(test_explosions),  cmocka_unit_test(test_many_members), cmocka_unit_test(test_types),
        cmocka_unit_test(test_no_memory),   cmocka_unit_test(test_loaded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
