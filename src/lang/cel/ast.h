/* The syntax tree of an expression: made by the parser, completed by the checker, walked by the evaluator. Macros are
 * nodes of their own, not expanded into folds: the checker and the evaluator treat each as cel-go treats its
 * expansion. All nodes lie in the arena of the program. Not for use outside this folder. */
#ifndef KD_LANG_CEL_AST_H
#define KD_LANG_CEL_AST_H

#include "lang/cel/cel.h"

typedef enum kd_cel_function {
#define KD_CEL_FUNCTION(id, name) KD_CEL_FN_##id,
#include "lang/cel/functions.def"
#undef KD_CEL_FUNCTION
    KD_CEL_FN_UNKNOWN, /* a name that is no function: the checker refuses it; unchecked, the evaluation fails */
} kd_cel_function;

typedef enum kd_cel_kind {
    KD_CEL_CONST,
    KD_CEL_IDENT,
    KD_CEL_SELECT, /* operand.field */
    KD_CEL_HAS,    /* has(operand.field) */
    KD_CEL_CALL,
    KD_CEL_LIST_OF,
    KD_CEL_MAP_OF,  /* items: key, value, key, value ... */
    KD_CEL_MESSAGE, /* name{field: value}: only well-known types resolve */
    KD_CEL_MACRO,
} kd_cel_kind;

typedef enum kd_cel_macro {
    KD_CEL_ALL,
    KD_CEL_EXISTS,
    KD_CEL_EXISTS_ONE,
    KD_CEL_MAPPED, /* map(x, f) and map(x, p, f) */
    KD_CEL_FILTER,
} kd_cel_macro;

/* Where an identifier (or a qualified name) leads; set by the checker, or by the parser's walk of an unchecked one. */
typedef enum kd_cel_place {
    KD_CEL_UNRESOLVED, /* unchecked and unknown: "no such attribute(s): name" */
    KD_CEL_VARIABLE,   /* `slot`: the environment's variable */
    KD_CEL_LOCAL,      /* `slot`: depth of the macro, 0 the outermost, whose variable it is */
    KD_CEL_TYPE_NAME,  /* `constant` is the type: int, list ... */
} kd_cel_place;

typedef struct kd_cel_expr kd_cel_expr;
struct kd_cel_expr {
    uint8_t kind;      /* kd_cel_kind */
    uint8_t place;     /* kd_cel_place, of IDENT, and of SELECT where a qualified name was resolved as a whole */
    uint8_t macro;     /* kd_cel_macro */
    bool method;       /* CALL: items[0] is the receiver */
    uint16_t function; /* kd_cel_function, of CALL */
    uint32_t slot;
    uint32_t offset; /* in code points of the source: where its messages point to */
    kd_str name;     /* IDENT; SELECT and HAS: the field; CALL: the function; MESSAGE: the type; MACRO: the variable */
    kd_cel_value constant;
    kd_cel_expr *operand;         /* SELECT, HAS; MACRO: the range */
    kd_cel_expr *filter;          /* MACRO: the predicate, NULL for map(x, f) */
    kd_cel_expr *body;            /* MACRO: of map; else NULL */
    uint32_t n;                   /* items */
    kd_cel_expr **items;          /* CALL: receiver and arguments; LIST_OF; MAP_OF; MESSAGE: values */
    kd_str *fields;               /* MESSAGE: n names */
    const struct kd_regex *regex; /* CALL of matches with a constant pattern, compiled ahead (kd_cel_prepare) or NULL */
    uint32_t *offsets;            /* MAP_OF, MESSAGE: of each entry's ':' ; NULL elsewhere */
};

/* The source, with what is needed to point into it. */
typedef struct kd_cel_source {
    kd_str text;
    uint32_t n_lines;
    const uint32_t *lines; /* code point offset at which each line begins */
} kd_cel_source;

/* Findings, in the order of their places, each once. */
typedef struct kd_cel_finding {
    uint32_t offset;
    kd_str text;
} kd_cel_finding;
#define KD_CEL_MAX_FINDINGS 100u       /* as cel-go stops reporting */
#define KD_CEL_NOWHERE      UINT32_MAX /* the offset of a finding that has no place */
typedef struct kd_cel_findings {
    uint32_t n;
    uint32_t more; /* how many found no room */
    kd_cel_finding items[KD_CEL_MAX_FINDINGS];
} kd_cel_findings;

struct kd_cel_program {
    const kd_cel_environment *environment;
    kd_cel_expr *root;
    const struct kd_cel_type *type; /* of the root; NULL unchecked */
    uint32_t max_locals;            /* deepest nesting of macros */
};

/* Adds a finding; the text is kept as it is. An empty text without a pointer (out of memory) counts as well. */
void kd_cel_findings_add(kd_cel_findings *findings, uint32_t offset, kd_str text);

/* Parses the source, macros included; NULL with findings, or without memory (no findings then). */
kd_cel_expr *kd_cel_parse(kd_arena *arena, kd_cel_source *source, kd_cel_findings *findings);
/* Resolves names and functions and checks types; fills place, slot and constant of what it resolves and
 * program->type, max_locals. With environment->unchecked it only resolves. False with findings, or without memory. */
bool kd_cel_check(kd_arena *arena, kd_cel_program *program, kd_cel_findings *findings);
/* cel-go's text of the findings. p is NULL without memory. */
kd_str kd_cel_findings_text(kd_arena *arena, const kd_cel_source *source, const kd_cel_findings *findings);

#endif
