/* Any bytes as an expression: refused with a text, or compiled to a program that ends with a value, within its budget.
 * Unchecked, everything that parses compiles. */
#include "lang/cel/cel.h"
#include "text/value.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const kd_cel_variable variables[] = {
    {KD_STR_INIT("s"), KD_CEL_DECLARED_STRING},   {KD_STR_INIT("i"), KD_CEL_DECLARED_INT},
    {KD_STR_INIT("d"), KD_CEL_DECLARED_DYN},      {KD_STR_INIT("l"), KD_CEL_DECLARED_LIST_DYN},
    {KD_STR_INIT("q.v"), KD_CEL_DECLARED_DOUBLE}, {KD_STR_INIT("none"), KD_CEL_DECLARED_MAP_DYN},
};

static bool resolve(void *context, uint32_t variable, kd_cel_value *value)
{
    static const kd_cel_value items[] = {{.type = KD_CEL_INT, .i = -3}, {.type = KD_CEL_STRING, .text = "x", .n = 1}};
    switch (variable) {
    case 0:
        *value = kd_cel_string(KD_STR("2024-02-29T12:00:00Z"));
        return true;
    case 1:
    case 2:
        *value = kd_cel_int(INT64_MAX);
        return true;
    case 3:
        *value = (kd_cel_value){.type = KD_CEL_LIST, .items = items, .n = 2};
        return true;
    case 4:
        *value = (kd_cel_value){.type = KD_CEL_DOUBLE, .d = -0.5};
        return true;
    default:
        return false;
    }
}

static void run(kd_arena *arena, const kd_cel_program *program)
{
    kd_cel_activation activation = {.resolve = resolve, .arena = arena, .max_steps = 2000};
    kd_cel_value value = kd_cel_run(program, &activation);
    assert(value.type != KD_CEL_ERROR || value.text);
    kd_buf out;
    kd_buf_init(&out, 1 << 16);
    kd_cel_value_print(&out, value);
    kd_buf_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    kd_cel_environment environment = {.variables = variables, .n_variables = KD_COUNT(variables)};
    kd_arena arena;
    kd_arena_init(&arena, NULL, (size_t)256 << 20);
    for (int unchecked = 0; unchecked < 2; unchecked++) {
        environment.unchecked = unchecked != 0;
        kd_cel_program *program;
        kd_str error;
        kd_cel_outcome outcome =
            kd_cel_compile(&arena, &environment, kd_str_of((const char *)data, size), &program, &error);
        assert(outcome == KD_CEL_OK ? program && !error.n : !program && error.n);
        assert(!unchecked || outcome != KD_CEL_CHECK);
        if (program)
            run(&arena, program);
    }
    kd_arena_reset(&arena);
    return 0;
}
