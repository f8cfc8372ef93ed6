/* The evaluator on trees that are made by hand: what it does with errors, budgets, data and times. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "lang/cel/ast.h"

static kd_arena arena;

typedef kd_cel_expr *node;

static node make(kd_cel_kind kind)
{
    node e = KD_NEW(&arena, kd_cel_expr);
    assert_non_null(e);
    e->kind = (uint8_t)kind;
    return e;
}

static node constant(kd_cel_value v)
{
    node e = make(KD_CEL_CONST);
    e->constant = v;
    return e;
}

static node integer(int64_t i)
{
    return constant(kd_cel_int(i));
}

static node string(const char *text)
{
    return constant(kd_cel_string(kd_str_from_c(text)));
}

static node boolean(bool b)
{
    return constant(kd_cel_bool(b));
}

static node with_items(node e, uint32_t n, node a, node b, node c)
{
    node items[] = {a, b, c};
    e->items = KD_NEW_ARRAY(&arena, kd_cel_expr *, 3);
    memcpy(e->items, items, sizeof items);
    e->n = n;
    return e;
}

static node call(kd_cel_function function, node a, node b)
{
    node e = with_items(make(KD_CEL_CALL), b ? 2 : 1, a, b, NULL);
    e->function = (uint16_t)function;
    return e;
}

static node list(node a, node b, node c)
{
    return with_items(make(KD_CEL_LIST_OF), c ? 3 : b ? 2 : 1, a, b, c);
}

static node identifier(kd_cel_place place, uint32_t slot)
{
    node e = make(KD_CEL_IDENT);
    e->place = (uint8_t)place;
    e->slot = slot;
    return e;
}

/* The data of the tests: variable 0; variable 1 has no value. */
static node data(const char *field)
{
    node e = make(KD_CEL_SELECT);
    e->operand = identifier(KD_CEL_VARIABLE, 0);
    e->name = kd_str_from_c(field);
    return e;
}

static node item(void)
{
    return identifier(KD_CEL_LOCAL, 0);
}

static node macro(kd_cel_macro which, node range, node filter, node body)
{
    node e = make(KD_CEL_MACRO);
    e->macro = (uint8_t)which;
    e->operand = range;
    e->filter = filter;
    e->body = body;
    return e;
}

/* 1 / (item - 2): an error for 2. */
static node risky(node then)
{
    return call(then->kind == KD_CEL_CONST && then->constant.i == 1 ? KD_CEL_FN_EQUAL : KD_CEL_FN_LESS,
                call(KD_CEL_FN_DIVIDE, integer(1), call(KD_CEL_FN_SUBTRACT, item(), integer(2))), then);
}

static bool resolve(void *context, uint32_t slot, kd_cel_value *value)
{
    if (slot == 0)
        *value = *(kd_cel_value *)context;
    return slot == 0;
}

static kd_str run(node root, uint32_t max_steps)
{
    static char text[512];
    kd_cel_variable variables[] = {{KD_STR("data"), KD_CEL_DECLARED_MAP_DYN}, {KD_STR("none"), KD_CEL_DECLARED_DYN}};
    kd_cel_environment environment = {.variables = variables, .n_variables = 2};
    kd_cel_program program = {.environment = &environment, .root = root, .max_locals = 2};
    kd_member members[] = {{KD_STR("id"), kd_value_literal(KD_STR("5"))},
                           {KD_STR("ratio"), kd_value_float(1.5)},
                           {KD_STR("nothing"), KD_VALUE_NULL}};
    kd_object object = {.n = 3, .cap = 3, .members = members};
    kd_cel_value value = kd_cel_value_of(&arena, kd_value_object(&object));
    kd_cel_activation activation = {resolve, &value, &arena, max_steps};
    kd_cel_value v = kd_cel_run(&program, &activation);
    kd_buf out;
    kd_buf_init(&out, sizeof text);
    if (v.type == KD_CEL_ERROR)
        kd_buf_add(&out, KD_STR("error: "));
    kd_cel_value_print(&out, v);
    assert_false(out.failed);
    memcpy(text, out.p, out.n);
    kd_str s = {text, out.n};
    kd_buf_fini(&out);
    return s;
}

static void expect_within(node root, uint32_t max_steps, const char *expected)
{
    kd_str s = run(root, max_steps);
    char got[512];
    snprintf(got, sizeof got, "%.*s", KD_FMT(s));
    assert_string_equal(got, expected);
}

static void expect(node root, const char *expected)
{
    expect_within(root, 0, expected);
}

static node zero_division(void)
{
    return call(KD_CEL_FN_EQUAL, call(KD_CEL_FN_DIVIDE, integer(1), integer(0)), integer(1));
}

static void test_logic(void **state)
{
    expect(call(KD_CEL_FN_AND, zero_division(), boolean(false)), "false");
    expect(call(KD_CEL_FN_AND, boolean(false), zero_division()), "false");
    expect(call(KD_CEL_FN_OR, zero_division(), boolean(true)), "true");
    expect(call(KD_CEL_FN_OR, zero_division(), boolean(false)), "error: division by zero");
    expect(call(KD_CEL_FN_AND, boolean(true), data("id")), "error: no such overload");
    node choice = with_items(make(KD_CEL_CALL), 3, data("nothing"), integer(1), integer(2));
    choice->function = KD_CEL_FN_CONDITIONAL;
    expect(choice, "error: no such overload");
}

static void test_data(void **state)
{
    expect(call(KD_CEL_FN_EQUAL, data("id"), integer(5)), "false");
    expect(call(KD_CEL_FN_EQUAL, data("id"), string("5")), "true");
    expect(call(KD_CEL_FN_GREATER, data("id"), integer(5)), "error: no such overload");
    expect(call(KD_CEL_FN_GREATER, data("ratio"), integer(1)), "true");
    expect(call(KD_CEL_FN_TO_INT, data("id"), NULL), "5");
    expect(call(KD_CEL_FN_TO_INT, data("nothing"), NULL), "error: no such overload: int(null_type)");
    expect(data("nope"), "error: no such key: nope");
    expect(identifier(KD_CEL_VARIABLE, 1), "error: no such attribute(s): none");
    node has = data("nope");
    has->kind = KD_CEL_HAS;
    expect(has, "false");
    has = data("nothing");
    has->kind = KD_CEL_HAS;
    expect(has, "true");
    expect(call(KD_CEL_FN_INDEX, list(integer(1), NULL, NULL), integer(3)), "error: index out of bounds: 3");
    expect(call(KD_CEL_FN_INDEX, list(integer(1), NULL, NULL), data("id")),
           "error: invalid qualifier type: json.Number");
    expect(call(KD_CEL_FN_IN, string("id"), identifier(KD_CEL_VARIABLE, 0)), "true");
}

static void test_macros(void **state)
{
    node numbers = list(integer(1), integer(2), integer(3));
    expect(macro(KD_CEL_ALL, numbers, risky(integer(0)), NULL), "false");
    expect(macro(KD_CEL_EXISTS, numbers, risky(integer(1)), NULL), "true");
    expect(macro(KD_CEL_ALL, numbers, risky(integer(9)), NULL), "error: division by zero");
    expect(macro(KD_CEL_EXISTS_ONE, numbers, risky(integer(1)), NULL), "error: division by zero");
    expect(macro(KD_CEL_FILTER, numbers, call(KD_CEL_FN_GREATER, item(), integer(1)), NULL), "[2, 3]");
    expect(macro(KD_CEL_MAPPED, numbers, NULL, call(KD_CEL_FN_MULTIPLY, item(), item())), "[1, 4, 9]");
    expect(macro(KD_CEL_MAPPED, identifier(KD_CEL_VARIABLE, 0), NULL, call(KD_CEL_FN_SIZE, item(), NULL)), "[2, 5, 7]");
    expect(macro(KD_CEL_ALL, string("x"), boolean(true), NULL), "error: got 'types.String', expected iterable type");
}

static void test_limits(void **state)
{
    node numbers = list(integer(1), integer(2), integer(3));
    node all = macro(KD_CEL_MAPPED, numbers, NULL, macro(KD_CEL_MAPPED, numbers, NULL, item()));
    expect_within(all, 10, "error: evaluation exceeded its budget of 10 steps");
    expect_within(call(KD_CEL_FN_OR, all, boolean(true)), 10, "error: evaluation exceeded its budget of 10 steps");
    expect(call(KD_CEL_FN_ADD, integer(INT64_MAX), integer(1)), "error: integer overflow");
    expect(call(KD_CEL_FN_NEGATE, integer(INT64_MIN), NULL), "error: integer overflow");
    expect(call(KD_CEL_FN_MODULO, integer(7), integer(0)), "error: modulus by zero");
    kd_cel_value u = {.type = KD_CEL_UINT, .u = 1}, v = {.type = KD_CEL_UINT, .u = 2};
    expect(call(KD_CEL_FN_SUBTRACT, constant(u), constant(v)), "error: unsigned integer overflow");
    expect(call(KD_CEL_FN_EQUAL, constant(u), integer(1)), "true");
    node deep = integer(1);
    for (int i = 0; i < 2000; i++)
        deep = call(KD_CEL_FN_NEGATE, deep, NULL);
    expect(deep, "error: expression recursion limit exceeded");
}

static node time_part(kd_cel_function function, const char *time, const char *zone)
{
    node e = call(function, call(KD_CEL_FN_TO_TIMESTAMP, string(time), NULL), zone ? string(zone) : NULL);
    e->method = true;
    e->name = KD_STR("getHours");
    return e;
}

static void test_times(void **state)
{
    expect(time_part(KD_CEL_FN_GET_HOURS, "2026-03-29T23:30:00-03:00", NULL), "2");
    expect(time_part(KD_CEL_FN_GET_HOURS, "2026-03-29T23:30:00Z", "+05:45"), "5");
    expect(time_part(KD_CEL_FN_GET_MINUTES, "2026-03-29T23:30:00Z", "-00:45"), "45");
    expect(time_part(KD_CEL_FN_GET_DAY_OF_YEAR, "2024-12-31T00:00:00Z", NULL), "365");
    expect(time_part(KD_CEL_FN_GET_DAY_OF_YEAR, "2024-03-01T00:00:00Z", NULL), "60");
    expect(time_part(KD_CEL_FN_GET_DAY_OF_YEAR, "2023-02-28T00:00:00Z", NULL), "58");
    expect(time_part(KD_CEL_FN_GET_DAY_OF_WEEK, "0001-01-01T00:00:00Z", NULL), "1");
    expect(time_part(KD_CEL_FN_GET_HOURS, "2026-03-29T23:30:00Z", "Nowhere/City"),
           "error: unknown time zone Nowhere/City");
    expect(time_part(KD_CEL_FN_GET_HOURS, "2026-03-29T23:30:00Z", "../passwd"), "error: time: invalid location name");
    expect(time_part(KD_CEL_FN_GET_HOURS, "2026-03-29T23:30:00Z", "x:00"),
           "error: strconv.Atoi: parsing \"x\": invalid syntax");
    expect(call(KD_CEL_FN_TO_STRING, call(KD_CEL_FN_TO_TIMESTAMP, string("2009-02-13T23:31:30.50+01:30"), NULL), NULL),
           "2009-02-13T23:31:30.5+01:30");
    expect(call(KD_CEL_FN_TO_TIMESTAMP, string("now"), NULL),
           "error: type conversion error from 'string' to 'google.protobuf.Timestamp'");
    expect(call(KD_CEL_FN_TO_STRING, call(KD_CEL_FN_TO_DURATION, string("1h30m0.25s"), NULL), NULL), "5400.25s");
}

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_logic),  cmocka_unit_test(test_data),  cmocka_unit_test(test_macros),
        cmocka_unit_test(test_limits), cmocka_unit_test(test_times),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
