#include "gateway/expression.h"

#include "gateway/registry.h"

typedef struct wish {
    kd_arena *arena;
    kd_str expression, *error;
} wish;

static void *create(const void *options)
{
    const wish *w = options;
    return kd_regex_compile(w->arena, w->expression, w->error);
}

static void destroy(void *object)
{
    kd_regex_destroy(object);
}

static const kd_object_type type = {"expression", create, destroy};

const kd_regex *kd_generation_expression(kd_generation *generation, kd_str expression, kd_str *error)
{
    *error = KD_STR("");
    const kd_regex *regex =
        kd_registry_adopt(generation, &type, expression, &(wish){&generation->arena, expression, error});
    if (!regex && !error->n)
        *error = KD_STR("out of memory");
    return regex;
}
