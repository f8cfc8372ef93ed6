#include "lang/cel/run.h"
#include "lang/cel/types.h"

static kd_cel_outcome refuse(kd_arena *arena, const kd_cel_source *source, const kd_cel_findings *findings,
                             kd_cel_outcome outcome, kd_str *error)
{
    kd_str text = findings->n ? kd_cel_findings_text(arena, source, findings) : (kd_str){0};
    *error = text.p ? text : KD_STR("out of memory");
    return text.p ? outcome : KD_CEL_NO_MEMORY;
}

kd_cel_outcome kd_cel_compile(kd_arena *arena, const kd_cel_environment *environment, kd_str source,
                              kd_cel_program **program, kd_str *error)
{
    kd_cel_findings *findings = KD_NEW(arena, kd_cel_findings);
    kd_cel_program *made = KD_NEW(arena, kd_cel_program);
    kd_cel_source text = {.text = source};
    *program = NULL;
    if (!findings || !made) {
        *error = KD_STR("out of memory");
        return KD_CEL_NO_MEMORY;
    }
    made->environment = environment;
    made->root = kd_cel_parse(arena, &text, findings);
    if (!made->root)
        return refuse(arena, &text, findings, KD_CEL_SYNTAX, error);
    if (!kd_cel_check(arena, made, findings))
        return refuse(arena, &text, findings, KD_CEL_CHECK, error);
    const kd_cel_value *wrong = kd_cel_wrong_index(made->root);
    if (wrong) { /* KrakenD does not tell it from an expression that does not parse */
        *error = kd_arena_printf(arena, "invalid qualifier type: %.*s", KD_FMT(kd_cel_go_type_name(*wrong)));
        return error->p ? KD_CEL_SYNTAX : KD_CEL_NO_MEMORY;
    }
    *program = made;
    *error = KD_STR("");
    return KD_CEL_OK;
}

kd_str kd_cel_program_type(const kd_cel_program *program, kd_arena *arena)
{
    return program->type ? kd_cel_type_text(arena, program->type) : KD_STR("");
}
