#include "lang/cel/run.h"

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

/* What cel-go knows when it plans the evaluation: an index that is written down and selects nothing anywhere. */
static const kd_cel_value *wrong_index(const kd_cel_expr *e)
{
    if (e->kind != KD_CEL_CALL || e->function != KD_CEL_FN_INDEX || e->n != 2)
        return NULL;
    const kd_cel_expr *index = e->items[1];
    bool constant = index->kind == KD_CEL_CONST || index->place == KD_CEL_TYPE_NAME;
    uint8_t type = index->constant.type;
    bool fits = type == KD_CEL_BOOL || type == KD_CEL_INT || type == KD_CEL_UINT || type == KD_CEL_DOUBLE ||
                type == KD_CEL_STRING;
    return constant && !fits ? &index->constant : NULL;
}

const kd_cel_value *kd_cel_wrong_index(const kd_cel_expr *e)
{
    const kd_cel_value *found = NULL;
    const kd_cel_expr *parts[] = {e ? e->operand : NULL, e ? e->filter : NULL, e ? e->body : NULL};
    for (size_t i = 0; e && !found && i < KD_COUNT(parts); i++)
        found = kd_cel_wrong_index(parts[i]);
    for (uint32_t i = 0; e && !found && i < e->n; i++)
        found = kd_cel_wrong_index(e->items[i]);
    return e && !found ? wrong_index(e) : found;
}

void kd_cel_prepare(kd_cel_program *program, kd_cel_pattern compile, void *context)
{
    prepare(program->root, compile, context);
}
