/* The router against gin's own answers: tests/go/router.txt, printed by tests/go/gen_router.go. An argument names
 * another table of the same form. */
#include "gateway/router.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { MAX_ROUTES = 64, MAX_WORDS = 80 };

static const char *table = "tests/go/router.txt";

typedef struct fixture {
    kd_arena arena, work, scratch;
    kd_errors errors;
    kd_router *router;
    int ids[MAX_ROUTES], n;
    bool failed;
} fixture;

static int hex_of(char c)
{
    return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
}

/* A word of the table; "%" alone is the empty word. */
static kd_str decode(kd_arena *arena, kd_str word)
{
    char *to = kd_arena_alloc(arena, word.n + 1);
    size_t n = 0;
    assert_non_null(to);
    for (size_t i = 0; i < word.n; i++) {
        if (word.p[i] == '%' && i + 2 < word.n) {
            to[n++] = (char)(hex_of(word.p[i + 1]) << 4 | hex_of(word.p[i + 2]));
            i += 2;
        } else if (word.p[i] != '%') {
            to[n++] = word.p[i];
        }
    }
    return kd_str_of(to, n);
}

static kd_router_options options_of(kd_str letters)
{
    return (kd_router_options){.redirect_trailing_slash = kd_str_find(letters, 't') >= 0,
                               .redirect_fixed_path = kd_str_find(letters, 'f') >= 0,
                               .handle_method_not_allowed = kd_str_find(letters, 'm') >= 0,
                               .remove_extra_slash = kd_str_find(letters, 'e') >= 0};
}

static void begin(fixture *f, kd_str letters)
{
    kd_arena_reset(&f->arena);
    kd_arena_reset(&f->work);
    kd_router_options options = options_of(letters);
    kd_errors_init(&f->errors, &f->arena, 100);
    f->router = kd_router_create(&f->arena, &f->work, &options);
    assert_non_null(f->router);
    f->n = 0;
    f->failed = false;
}

static bool add(fixture *f, const char *method, const char *path)
{
    assert_true(f->n < MAX_ROUTES);
    f->ids[f->n] = f->n;
    return kd_router_add(f->router, kd_str_from_c(method), kd_str_from_c(path), &f->ids[f->n++], NULL, &f->errors);
}

/* The answer in the table's words. */
static kd_str describe(fixture *f, kd_str method, kd_str path, const kd_str *prefix, const kd_str *query,
                       kd_route_match *match)
{
    switch (kd_router_lookup(f->router, method, path, &f->scratch, match)) {
    case KD_ROUTE_FOUND:
        return kd_arena_printf(&f->scratch, "F%d", *(int *)match->route->handler);
    case KD_ROUTE_REDIRECT: {
        kd_redirect words;
        assert_true(kd_redirect_word(&f->scratch, match, method, KD_STR(""), prefix ? *prefix : KD_STR(""),
                                     query ? *query : KD_STR(""), query != NULL, &words));
        return kd_arena_printf(&f->scratch, "P%d:%.*s", match->status, KD_FMT(words.location));
    }
    case KD_ROUTE_NOT_ALLOWED:
        return kd_arena_printf(&f->scratch, "A%.*s", KD_FMT(match->allow));
    case KD_ROUTE_NOT_FOUND:
        return KD_STR("N");
    default:
        return KD_STR("no memory");
    }
}

static bool params_agree(fixture *f, const kd_route_match *match, const kd_str *words, uint32_t n)
{
    if (n == 1 && kd_str_eq(words[0], KD_STR("%3F=%3F")))
        return true; /* the oracle does not know them */
    if (match->n_params != n)
        return false;
    for (uint32_t i = 0; i < n; i++) {
        ptrdiff_t at = kd_str_find(words[i], '=');
        if (!kd_str_eq(match->params[i].name, decode(&f->scratch, kd_str_head(words[i], (size_t)at))) ||
            !kd_str_eq(match->params[i].value, decode(&f->scratch, kd_str_from(words[i], (size_t)at + 1))))
            return false;
    }
    return true;
}

static void ask(fixture *f, unsigned line, const kd_str *words, uint32_t n)
{
    kd_route_param params[KD_ROUTER_MAX_PARAMS];
    kd_route_match match = {.params = params};
    bool has_prefix = !kd_str_eq(words[3], KD_STR("-")), has_query = !kd_str_eq(words[4], KD_STR("-"));
    kd_str path = decode(&f->scratch, words[2]), prefix = decode(&f->scratch, words[3]),
           query = decode(&f->scratch, words[4]), expected = decode(&f->scratch, words[6]);
    kd_str got = describe(f, words[1], path, has_prefix ? &prefix : NULL, has_query ? &query : NULL, &match);
    bool redirected = got.p[0] == 'P';
    if (!kd_str_eq(got, expected) || (!redirected && !params_agree(f, &match, words + 7, n - 7))) {
        print_error("line %u: %.*s %.*s: expected %.*s, got %.*s", line, KD_FMT(words[1]), KD_FMT(path),
                    KD_FMT(expected), KD_FMT(got));
        for (uint32_t i = 0; i < match.n_params; i++)
            print_error(" %.*s=%.*s", KD_FMT(params[i].name), KD_FMT(params[i].value));
        print_error("\n");
        fail();
    }
}

static void run_line(fixture *f, unsigned line, kd_str text, bool *finished)
{
    kd_str words[MAX_WORDS], word;
    uint32_t n = 0;
    while (n < MAX_WORDS && kd_str_split(&text, ' ', &word))
        words[n++] = word;
    if (words[0].p[0] == 'S') {
        begin(f, words[1]);
        *finished = false;
    } else if (words[0].p[0] == 'R') {
        assert_false(f->failed);
        kd_str method = kd_arena_copy(&f->arena, words[1]), path = decode(&f->arena, words[2]);
        f->ids[f->n] = f->n;
        f->failed = !kd_router_add(f->router, method, path, &f->ids[f->n], NULL, &f->errors);
        f->n++;
    } else if (words[0].p[0] == 'E') {
        if (!f->failed || !kd_str_eq(f->errors.last->compat, decode(&f->scratch, words[1])))
            fail_msg("line %u: got %.*s", line, f->failed ? (int)f->errors.last->compat.n : 0,
                     f->failed ? f->errors.last->compat.p : "");
    } else if (words[0].p[0] == 'Q') {
        if (f->failed)
            fail_msg("line %u: refused: %.*s", line, KD_FMT(f->errors.last->message));
        if (!*finished)
            assert_true(kd_router_finish(f->router, &f->errors));
        *finished = true;
        ask(f, line, words, n);
    }
    kd_arena_reset(&f->scratch);
}

static void agrees_with_gin(void **state)
{
    (void)state;
    static fixture f;
    FILE *file = fopen(table, "r");
    char *text = NULL;
    size_t size = 0;
    unsigned lines = 0, asked = 0;
    bool finished = false;
    if (!file)
        fail_msg("%s is missing", table);
    for (ssize_t n; (n = getline(&text, &size, file)) > 0; asked += text[0] == 'Q')
        run_line(&f, ++lines, kd_str_of(text, (size_t)n - 1), &finished);
    free(text);
    fclose(file);
    assert_true(asked > 1000);
    kd_arena_reset(&f.arena);
    kd_arena_reset(&f.work);
}

static fixture *fresh(const char *letters)
{
    static fixture f;
    kd_arena_reset(&f.scratch);
    begin(&f, kd_str_from_c(letters));
    return &f;
}

static void drop(fixture *f)
{
    kd_arena_reset(&f->arena);
    kd_arena_reset(&f->work);
    kd_arena_reset(&f->scratch);
}

static kd_str answer(fixture *f, const char *method, const char *path, kd_route_match *match)
{
    return describe(f, kd_str_from_c(method), kd_str_from_c(path), NULL, NULL, match);
}

static void a_redirect_to_itself_finds_the_route(void **state)
{
    (void)state;
    fixture *f = fresh("tfm");
    kd_route_param params[KD_ROUTER_MAX_PARAMS];
    kd_route_match match = {.params = params};
    assert_true(add(f, "GET", "/:any/tail"));
    assert_true(add(f, "GET", "/b/:x/c/:y"));
    assert_true(add(f, "GET", "/b/k/:z/d"));
    assert_true(kd_router_finish(f->router, &f->errors));
    assert_true(kd_str_eq(answer(f, "GET", "/b/tail", &match), KD_STR("F0")));
    assert_int_equal(match.n_params, 1);
    assert_true(kd_str_eq(params[0].name, KD_STR("any")) && kd_str_eq(params[0].value, KD_STR("b")));
    assert_int_equal(kd_router_max_params(f->router), 2);
    assert_int_equal(kd_router_methods(f->router), 1);
    drop(f);
}

static void a_conflict_names_both_places(void **state)
{
    (void)state;
    static const struct {
        const char *first, *second, *compat;
    } cases[] = {
        {"/a/:a", "/a/:b/c",
         "':b' in new path '/a/:b/c' conflicts with existing wildcard ':a' in existing prefix "
         "'/a/:a'"},
        {"/x", "/x", "handlers are already registered for path '/x'"},
        {"/x/", "//x/.//", "handlers are already registered for path '/x/'"},
        {"/x/*r", "/x/*r",
         "'/*r' in new path '/x/*r' conflicts with existing wildcard '/*r' in existing prefix "
         "'/x/*r'"},
        {"/x/y/z", "/x/*r",
         "catch-all wildcard '*r' in new path '/x/*r' conflicts with existing path segment 'y' in "
         "existing prefix '/x/y'"},
    };
    kd_location one = {.file = KD_STR("one.json"), .line = 3, .column = 5},
                two = {.file = KD_STR("two.json"), .line = 7, .column = 1};
    for (size_t i = 0; i < KD_COUNT(cases); i++) {
        fixture *f = fresh("tfm");
        int id = 0;
        assert_true(kd_router_add(f->router, KD_STR("GET"), kd_str_from_c(cases[i].first), &id, &one, &f->errors));
        assert_true(kd_router_add(f->router, KD_STR("PUT"), kd_str_from_c(cases[i].second), &id, &one, &f->errors));
        assert_false(kd_router_add(f->router, KD_STR("GET"), kd_str_from_c(cases[i].second), &id, &two, &f->errors));
        assert_int_equal(f->errors.errors, 1);
        const kd_error *error = f->errors.first;
        if (!kd_str_eq(error->compat, kd_str_from_c(cases[i].compat)))
            fail_msg("%s after %s: %.*s", cases[i].second, cases[i].first, KD_FMT(error->compat));
        if (i != 4) /* there the place of any route below the prefix would do */
            assert_true(kd_str_search(error->message, KD_STR("(one.json:3:5)")) > 0);
        assert_ptr_equal(error->at, &two);
        assert_true(error->suggestion.n > 0);
        drop(f);
    }
}

static void limits_are_findings(void **state)
{
    (void)state;
    fixture *f = fresh("tfm");
    kd_str path = KD_STR("");
    for (int i = 0; i < KD_ROUTER_MAX_PARAMS; i++)
        path = kd_arena_printf(&f->arena, "%.*s/:p%d", KD_FMT(path), i);
    assert_true(add(f, "GET", path.p));
    path = kd_arena_printf(&f->arena, "/x%.*s/:one-more", KD_FMT(path));
    assert_false(add(f, "GET", path.p));
    for (int i = 0; i < KD_ROUTER_MAX_METHODS; i++) {
        char *method = kd_arena_alloc(&f->arena, 2);
        method[0] = (char)('A' + i), method[1] = 0;
        assert_int_equal(add(f, method, "/"), i + 1 < KD_ROUTER_MAX_METHODS);
    }
    assert_int_equal(f->errors.errors, 2);
    drop(f);
    f = fresh("tfm");
    int id = 0;
    path = KD_STR("/");
    for (int i = 0; i < KD_ROUTER_MAX_DEPTH + 1; i++) {
        path = kd_arena_printf(&f->arena, "%.*sa", KD_FMT(path));
        assert_true(kd_router_add(f->router, KD_STR("GET"), path, &id, NULL, &f->errors));
    }
    assert_false(kd_router_finish(f->router, &f->errors));
    assert_int_equal(f->errors.errors, 1);
    drop(f);
}

static void survives_lack_of_memory(void **state)
{
    (void)state;
    fixture *f = fresh("tfme");
    assert_true(add(f, "GET", "/Some/:x/Path"));
    assert_true(add(f, "POST", "/other"));
    assert_true(kd_router_finish(f->router, &f->errors));
    kd_route_param params[KD_ROUTER_MAX_PARAMS];
    kd_route_match match = {.params = params};
    static const struct {
        const char *path;
        kd_route_result full, empty;
    } cases[] = {{"/Some/1/Path", KD_ROUTE_FOUND, KD_ROUTE_FOUND},
                 {"/Some//1/Path", KD_ROUTE_FOUND, KD_ROUTE_NO_MEMORY},
                 {"/some/1/path", KD_ROUTE_REDIRECT, KD_ROUTE_NO_MEMORY},
                 {"/Some/1/Path/", KD_ROUTE_REDIRECT, KD_ROUTE_REDIRECT},
                 {"/other", KD_ROUTE_NOT_ALLOWED, KD_ROUTE_NO_MEMORY}};
    for (size_t i = 0; i < KD_COUNT(cases); i++) {
        kd_str path = kd_str_from_c(cases[i].path);
        kd_arena_reset(&f->scratch);
        assert_int_equal(kd_router_lookup(f->router, KD_STR("GET"), path, &f->scratch, &match), cases[i].full);
        kd_arena_reset(&f->scratch);
        kd_arena_fail_after(1);
        kd_route_result result = kd_router_lookup(f->router, KD_STR("GET"), path, &f->scratch, &match);
        kd_redirect words;
        if (result == KD_ROUTE_REDIRECT)
            assert_false(kd_redirect_word(&f->scratch, &match, KD_STR("GET"), KD_STR(""), KD_STR(""), KD_STR(""), false,
                                          &words));
        kd_arena_fail_after(0);
        assert_int_equal(result, cases[i].empty);
    }
    drop(f);
}

static void building_survives_lack_of_memory(void **state)
{
    (void)state;
    bool built = false;
    for (long n = 1; n < 200 && !built; n++) {
        static fixture f;
        kd_router_options options = options_of(KD_STR("tfm"));
        kd_arena errors = {0};
        int id = 0;
        kd_errors_init(&f.errors, &errors, 10);
        kd_arena_fail_after(n);
        f.router = kd_router_create(&f.arena, &f.work, &options);
        built = f.router != NULL;
        for (int i = 0; i < 300 && built; i++) {
            kd_str path = kd_arena_printf(&f.arena, "/%d/:x/%d/*r", i * 7919 % 300, i);
            built = path.p && kd_router_add(f.router, KD_STR("GET"), path, &id, NULL, &f.errors);
        }
        built = built && kd_router_finish(f.router, &f.errors);
        kd_arena_fail_after(0);
        assert_true(!built || n > 10);
        kd_arena_reset(&errors);
        drop(&f);
    }
    assert_true(built);
}

static void words_of_a_redirect(void **state)
{
    (void)state;
    static const struct {
        const char *path, *method, *origin, *prefix, *query;
        bool takes_prefix;
        const char *location, *body;
    } cases[] = {
        {"/foo", "GET", "", "", "x=1&y=<b>\"'", true, "/foo?x=1&y=<b>\"'",
         "<a href=\"/foo?x=1&amp;y=&lt;b&gt;&#34;&#39;\">Moved Permanently</a>.\n\n"},
        {"/foo", "GET", "", "", "", true, "/foo?", "<a href=\"/foo?\">Moved Permanently</a>.\n\n"},
        {"/foo", "GET", "", "/p", "q=\xc3\xa9", true, "/p/foo?q=%c3%a9",
         "<a href=\"/p/foo?q=\xc3\xa9\">Moved Permanently</a>.\n\n"},
        {"/foo", "GET", "", "/p", NULL, false, "/foo", "<a href=\"/foo\">Moved Permanently</a>.\n\n"},
        {"/foo", "POST", "", "/a//b<script>/../c_d", NULL, true, "/a/cd/foo", ""},
        {"/foo/", "HEAD", "", "p", NULL, true, "p/foo/p/foo/", ""},
        {"//evil.example/", "GET", "", "", NULL, true, "/evil.example/",
         "<a href=\"/evil.example/\">Moved Permanently</a>.\n\n"},
        {"/\xc3\xbc %?/a+b@:", "PUT", "", "", NULL, true, "/%C3%BC%20%25%3F/a+b@:", ""},
        {"/foo//", "PUT", "http://h:80", "", "a", true, "http://h:80/foo//?a", ""},
        {"/foo", "PUT", "http://h", "p", NULL, true, "http://h/p//foo", ""},
    };
    for (size_t i = 0; i < KD_COUNT(cases); i++) {
        kd_arena arena = {0};
        kd_redirect words;
        kd_route_match match = {.path = kd_str_from_c(cases[i].path), .takes_prefix = cases[i].takes_prefix};
        assert_true(kd_redirect_word(&arena, &match, kd_str_from_c(cases[i].method), kd_str_from_c(cases[i].origin),
                                     kd_str_from_c(cases[i].prefix), kd_str_from_c(cases[i].query),
                                     cases[i].query != NULL, &words));
        if (!kd_str_eq(words.location, kd_str_from_c(cases[i].location)))
            fail_msg("case %zu: %.*s", i, KD_FMT(words.location));
        if (!kd_str_eq(words.body, kd_str_from_c(cases[i].body)))
            fail_msg("case %zu: %.*s", i, KD_FMT(words.body));
        assert_int_equal(words.has_type, cases[i].method[0] == 'G' || cases[i].method[0] == 'H');
        kd_arena_reset(&arena);
    }
}

int main(int argc, char **argv)
{
    if (argc > 1)
        table = argv[1];
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_gin),
        cmocka_unit_test(a_redirect_to_itself_finds_the_route),
        cmocka_unit_test(a_conflict_names_both_places),
        cmocka_unit_test(limits_are_findings),
        cmocka_unit_test(survives_lack_of_memory),
        cmocka_unit_test(building_survives_lack_of_memory),
        cmocka_unit_test(words_of_a_redirect),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
