/* The tree's nodes as the parser makes them, macros recognised. Not for use outside this folder. */
#ifndef KD_LANG_CEL_BUILD_H
#define KD_LANG_CEL_BUILD_H

#include "base/vec.h"
#include "lang/cel/syntax.h"

typedef KD_VEC(kd_cel_expr *) kd_cel_exprs;

typedef struct kd_cel_builder {
    kd_cel_syntax syntax;
    kd_cel_findings *notes; /* what is wrong beyond the syntax; reported behind it */
    kd_cel_expr hole;       /* stands for what could not be built */
} kd_cel_builder;

/* A finding about the meaning: cel-go's text. */
void kd_cel_note(kd_cel_builder *b, uint32_t offset, kd_str text);
/* The same, and a node that stands for what was refused; its place is that of the finding. */
kd_cel_expr *kd_cel_refused(kd_cel_builder *b, uint32_t offset, kd_str text);
/* Memory is out: the parser ends. */
void kd_cel_give_up(kd_cel_builder *b);
/* A new node, never NULL: the hole without memory. */
kd_cel_expr *kd_cel_node(kd_cel_builder *b, kd_cel_kind kind, uint32_t offset);
bool kd_cel_push(kd_cel_builder *b, kd_cel_exprs *list, kd_cel_expr *e);
/* A call of an operator with one to three operands (unused ones NULL). */
kd_cel_expr *kd_cel_operation(kd_cel_builder *b, kd_cel_function function, uint32_t offset, kd_cel_expr *x,
                              kd_cel_expr *y, kd_cel_expr *z);
/* A chain of && or || as a balanced tree; offsets are those of the operators, one fewer than the terms. */
kd_cel_expr *kd_cel_chain(kd_cel_builder *b, kd_cel_function function, const kd_cel_exprs *terms,
                          const uint32_t *offsets);
/* A call by name, with a receiver or NULL: a macro, or a CALL node. `offset` is that of its parenthesis. */
kd_cel_expr *kd_cel_call(kd_cel_builder *b, kd_str name, uint32_t offset, kd_cel_expr *receiver, kd_cel_exprs *args);
/* Whether a tree nests no deeper than cel-go's walk over its syntax goes. */
bool kd_cel_shallow(const kd_cel_expr *e, uint32_t depth);

#endif
