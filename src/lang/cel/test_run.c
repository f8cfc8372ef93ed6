/* Expressions as cel-go evaluates them: tests/go/cel_eval.tsv. The variables are those of tests/go/gen_cel_eval.go. */
#include <unistd.h>

#include "lang/cel/cel.h"
#include "text/json.h"
#include "text/test_table.h"

static const char document[] =
    "{\"id\":5,\"big\":12345678901234567890,\"s\":\"text\",\"e\":\"\",\"t\":true,\"n\":null,"
    "\"o\":{\"x\":1,\"y\":{\"z\":\"deep\"}},\"l\":[1,2,3],\"ls\":[\"a\",\"b\"],\"lo\":[{\"k\":1},{\"k\":\"v\"}],"
    "\"el\":[],\"eo\":{},\"when\":\"2024-02-29T12:34:56.789Z\",\"mixed\":[1,\"a\",null,true,[1,\"b\"],{\"k\":null}]}";

static const char headers[] = "{\"X-A\":[\"a1\",\"a2\"],\"X-N\":[\"42\"]}";

static const kd_cel_variable variables[] = {
    {KD_STR_INIT("d"), KD_CEL_DECLARED_MAP_DYN},    {KD_STR_INIT("s"), KD_CEL_DECLARED_STRING},
    {KD_STR_INIT("p"), KD_CEL_DECLARED_MAP_STRING}, {KD_STR_INIT("h"), KD_CEL_DECLARED_MAP_STRING_LISTS},
    {KD_STR_INIT("none"), KD_CEL_DECLARED_DYN},
};

static bool resolve(void *context, uint32_t variable, kd_cel_value *value)
{
    kd_cel_value *values = context;
    if (variable == 4)
        return false;
    *value = values[variable];
    return true;
}

static kd_value json(kd_arena *arena, const char *text)
{
    kd_value v;
    kd_str error;
    assert_int_equal(kd_json_read_all(arena, kd_str_from_c(text), &v, &error), KD_JSON_OK);
    return v;
}

static void fill(kd_arena *arena, kd_cel_value *values)
{
    kd_object *d = kd_object_copy(arena, json(arena, document));
    assert_non_null(d);
    assert_true(kd_object_set(d, arena, KD_STR("f"), kd_value_float(2.5)));
    values[0] = kd_cel_value_of(arena, kd_value_object(d));
    values[1] = kd_cel_string(KD_STR("h\xc3\xa9llo"));
    values[2] = kd_cel_value_of(arena, json(arena, "{\"Id\":\"7\"}"));
    values[3] = kd_cel_value_of(arena, json(arena, headers));
}

/* What became of an expression, in the table's words. */
static kd_str outcome_of(kd_arena *arena, kd_str expression, kd_cel_value *values, kd_buf *text)
{
    kd_cel_environment environment = {.variables = variables, .n_variables = KD_COUNT(variables)};
    kd_cel_program *program;
    kd_str error;
    switch (kd_cel_compile(arena, &environment, expression, &program, &error)) {
    case KD_CEL_OK:
        break;
    case KD_CEL_SYNTAX:
        if (!kd_str_starts(error, KD_STR("ERROR: ")))
            kd_buf_add(text, error);
        return KD_STR("syntax");
    case KD_CEL_CHECK:
        return KD_STR("check");
    case KD_CEL_NO_MEMORY:
        return KD_STR("no memory");
    }
    kd_cel_activation activation = {.resolve = resolve, .context = values, .arena = arena};
    kd_cel_value v = kd_cel_run(program, &activation);
    kd_cel_value_print(text, v);
    assert_false(text->failed);
    return v.type == KD_CEL_ERROR ? KD_STR("error") : KD_STR("ok");
}

/* Zones by name need the system's database. */
static bool needs_zones(kd_str expression)
{
    return kd_str_search(expression, KD_STR("(0).get")) >= 0 || kd_str_search(expression, KD_STR("Z').get")) >= 0;
}

static void test_go(void **state)
{
    bool zones = access("/usr/share/zoneinfo/Europe/Madrid", R_OK) == 0;
    kd_arena data, arena;
    kd_cel_value values[4];
    kd_buf text;
    unsigned wrong = 0;
    kd_arena_init(&data, NULL, 0);
    kd_arena_init(&arena, NULL, 0);
    kd_buf_init(&text, 4096);
    fill(&data, values);
    for (table t = table_open("cel_eval.tsv"); table_next(&t);) {
        if (!zones && needs_zones(t.field[0]))
            continue;
        kd_buf_reset(&text, 4096);
        kd_str outcome = outcome_of(&arena, t.field[0], values, &text);
        if (!kd_str_eq(outcome, t.field[1]) || !kd_str_eq(kd_buf_str(&text), t.field[2])) {
            print_error("%.*s: got %.*s %.*s, cel-go has %.*s %.*s\n", KD_FMT(t.field[0]), KD_FMT(outcome),
                        KD_FMT(kd_buf_str(&text)), KD_FMT(t.field[1]), KD_FMT(t.field[2]));
            wrong++;
        }
        kd_arena_reset(&arena);
    }
    kd_buf_fini(&text);
    kd_arena_reset(&data);
    assert_int_equal(wrong, 0);
}

/* Without memory an evaluation fails, or does not need any: it never gives something else. */
static void test_no_memory(void **state)
{
    static const kd_cel_environment environment = {.variables = variables, .n_variables = KD_COUNT(variables)};
    kd_arena data, small;
    kd_cel_value values[4];
    kd_arena_init(&data, NULL, 0);
    fill(&data, values);
    for (table t = table_open("cel_eval.tsv"); table_next(&t);) {
        kd_cel_program *program;
        kd_str error;
        if (kd_cel_compile(&data, &environment, t.field[0], &program, &error) != KD_CEL_OK)
            continue;
        for (int fails = 0; fails < 2; fails++) {
            kd_buf text;
            kd_buf_init(&text, 4096);
            kd_arena_init(&small, NULL, 0);
            kd_cel_activation activation = {.resolve = resolve, .context = values, .arena = &small};
            kd_arena_fail_after(fails);
            kd_cel_value v = kd_cel_run(program, &activation);
            kd_arena_fail_after(0);
            kd_cel_value_print(&text, v);
            if (fails && v.type != KD_CEL_ERROR)
                table_compare(&t, kd_buf_str(&text), t.field[2], "result without memory");
            kd_buf_fini(&text);
            kd_arena_reset(&small);
        }
    }
    kd_arena_reset(&data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_go), cmocka_unit_test(test_no_memory)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
