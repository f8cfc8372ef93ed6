/* Whole compilations against what the library that KrakenD uses says (tests/go/gen_cel.go), and the bounds. */
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
    kd_arena_reset(&arena);
    return 0;
}

static const kd_cel_variable variables[] = {
    {KD_STR_INIT("s"), KD_CEL_DECLARED_STRING},     {KD_STR_INIT("b"), KD_CEL_DECLARED_BOOL},
    {KD_STR_INIT("i"), KD_CEL_DECLARED_INT},        {KD_STR_INIT("u"), KD_CEL_DECLARED_UINT},
    {KD_STR_INIT("f"), KD_CEL_DECLARED_DOUBLE},     {KD_STR_INIT("y"), KD_CEL_DECLARED_BYTES},
    {KD_STR_INIT("d"), KD_CEL_DECLARED_DYN},        {KD_STR_INIT("t"), KD_CEL_DECLARED_TIMESTAMP},
    {KD_STR_INIT("r"), KD_CEL_DECLARED_DURATION},   {KD_STR_INIT("l"), KD_CEL_DECLARED_LIST_DYN},
    {KD_STR_INIT("m"), KD_CEL_DECLARED_MAP_STRING}, {KD_STR_INIT("ml"), KD_CEL_DECLARED_MAP_STRING_LISTS},
    {KD_STR_INIT("md"), KD_CEL_DECLARED_MAP_DYN},   {KD_STR_INIT("q.v"), KD_CEL_DECLARED_INT},
};
static const kd_cel_environment environment = {.variables = variables, .n_variables = KD_COUNT(variables)};

static kd_cel_outcome compile(const kd_cel_environment *of, kd_str text, kd_cel_program **program, kd_str *error)
{
    return kd_cel_compile(&arena, of, text, program, error);
}

static void test_go(void **state)
{
    static const char *const outcomes[] = {"OK", "SYNTAX", "CHECK", "NO MEMORY"};
    for (table t = table_open("cel.tsv"); table_next(&t);) {
        kd_cel_program *program;
        kd_str text;
        kd_cel_outcome outcome = compile(&environment, t.field[0], &program, &text);
        assert_true((outcome == KD_CEL_OK) == (program != NULL));
        if (program)
            text = kd_cel_program_type(program, &arena);
        if (!kd_str_eq(kd_str_from_c(outcomes[outcome]), t.field[1]) || !kd_str_eq(text, t.field[2]))
            fail_msg("%.*s\nwant %.*s %.*s\n got %s %.*s", KD_FMT(t.field[0]), KD_FMT(t.field[1]), KD_FMT(t.field[2]),
                     outcomes[outcome], KD_FMT(text));
        kd_arena_reset(&arena);
    }
}

/* Where names lead. */
static void test_places(void **state)
{
    static const kd_cel_variable names[] = {{KD_STR_INIT("a.b.x"), KD_CEL_DECLARED_INT},
                                            {KD_STR_INIT("a.x"), KD_CEL_DECLARED_INT},
                                            {KD_STR_INIT("x"), KD_CEL_DECLARED_INT},
                                            {KD_STR_INIT("y.z"), KD_CEL_DECLARED_MAP_DYN}};
    static const struct {
        kd_str text;
        const char *container;
        bool unchecked;
        kd_cel_place place;
        uint32_t slot;
    } cases[] = {
        {KD_STR_INIT("x"), "a.b", false, KD_CEL_VARIABLE, 0},     {KD_STR_INIT(".x"), "a.b", false, KD_CEL_VARIABLE, 2},
        {KD_STR_INIT("x"), "a.c", false, KD_CEL_VARIABLE, 1},     {KD_STR_INIT("x"), "b", false, KD_CEL_VARIABLE, 2},
        {KD_STR_INIT("a.x"), "", false, KD_CEL_VARIABLE, 1},      {KD_STR_INIT("y.z"), "", true, KD_CEL_VARIABLE, 3},
        {KD_STR_INIT("nothing"), "", true, KD_CEL_UNRESOLVED, 0}, {KD_STR_INIT("int"), "a", false, KD_CEL_TYPE_NAME, 0},
    };
    for (size_t i = 0; i < KD_COUNT(cases); i++) {
        kd_cel_environment of = {.variables = names,
                                 .n_variables = KD_COUNT(names),
                                 .container = kd_str_from_c(cases[i].container),
                                 .unchecked = cases[i].unchecked};
        kd_cel_program *program;
        kd_str error;
        if (compile(&of, cases[i].text, &program, &error) != KD_CEL_OK)
            fail_msg("%.*s", KD_FMT(error));
        assert_int_equal(program->root->place, cases[i].place);
        assert_int_equal(program->root->slot, cases[i].slot);
    }
    kd_cel_program *program;
    kd_str error;
    assert_int_equal(
        compile(&environment, KD_STR("l.all(a, l.map(b, b).exists(c, [a, c] == [s, l[0]]))"), &program, &error),
        KD_CEL_OK);
    assert_int_equal(program->max_locals, 2);
    const kd_cel_expr *inner = program->root->filter;
    assert_int_equal(inner->slot, 1);
    assert_int_equal(inner->operand->slot, 1);
    const kd_cel_expr *pair = inner->filter->items[0];
    assert_int_equal(pair->items[0]->place, KD_CEL_LOCAL);
    assert_int_equal(pair->items[0]->slot, 0);
    assert_int_equal(pair->items[1]->slot, 1);
}

/* Types that double with each step are given up, not written out. */
static void test_large_types(void **state)
{
    kd_buf text;
    kd_buf_init(&text, 1 << 16);
    kd_buf_add(&text, KD_STR("[1]"));
    for (int i = 0; i < 100; i++)
        kd_buf_add(&text, KD_STR(".map(x, {x: x})"));
    kd_buf_add(&text, KD_STR(" == 1"));
    kd_cel_program *program;
    kd_str error;
    assert_int_equal(compile(&environment, kd_buf_str(&text), &program, &error), KD_CEL_CHECK);
    assert_true(kd_str_search(error, KD_STR("too large")) >= 0);
    kd_buf_fini(&text);
}

static void test_no_memory(void **state)
{
    static const kd_str text = KD_STR_INIT("l.map(x, has(x.y) && md.z > 1, {x: [q.v, 'a']}).all(k, k == s) || nothing");
    for (size_t limit = 1; limit < 32 * 1024; limit += 64) {
        kd_arena small;
        kd_arena_init(&small, NULL, limit);
        kd_cel_program *program;
        kd_str error;
        kd_cel_outcome outcome = kd_cel_compile(&small, &environment, text, &program, &error);
        assert_true(outcome == KD_CEL_NO_MEMORY || outcome == KD_CEL_CHECK);
        if (outcome == KD_CEL_NO_MEMORY)
            assert_true(kd_str_eq(error, KD_STR("out of memory")));
        else
            assert_true(kd_str_search(error, KD_STR("'nothing'")) >= 0);
        assert_null(program);
        kd_arena_reset(&small);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_go),
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_large_types),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
