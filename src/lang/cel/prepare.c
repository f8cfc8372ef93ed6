#include "lang/cel/ast.h"

/* No deeper than the parser lets expressions nest. */
static void prepare(kd_cel_expr *e, kd_cel_pattern compile, void *context)
{
    if (!e)
        return;
    prepare(e->operand, compile, context);
    prepare(e->filter, compile, context);
    prepare(e->body, compile, context);
    for (uint32_t i = 0; i < e->n; i++)
        prepare(e->items[i], compile, context);
    if (e->kind != KD_CEL_CALL || e->function != KD_CEL_FN_MATCHES || e->n != 2)
        return;
    const kd_cel_expr *pattern = e->items[1];
    if (pattern->kind == KD_CEL_CONST && pattern->constant.type == KD_CEL_STRING)
        e->regex = compile(context, kd_cel_text(pattern->constant));
}

void kd_cel_prepare(kd_cel_program *program, kd_cel_pattern compile, void *context)
{
    prepare(program->root, compile, context);
}
