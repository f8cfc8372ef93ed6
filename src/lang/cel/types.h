/* The types that the checker works with: as cel-go has them, with parameters that are found out while an expression is
 * checked. Types are never changed; what a parameter stands for is kept beside them. Not for use outside this folder.
 */
#ifndef KD_LANG_CEL_TYPES_H
#define KD_LANG_CEL_TYPES_H

#include "base/vec.h"
#include "lang/cel/ast.h"

typedef enum kd_cel_type_kind {
    KD_CEL_K_ERROR, /* of what is wrong and was reported */
    KD_CEL_K_DYN,
    KD_CEL_K_ANY,
    KD_CEL_K_NULL,
    KD_CEL_K_BOOL,
    KD_CEL_K_INT,
    KD_CEL_K_UINT,
    KD_CEL_K_DOUBLE,
    KD_CEL_K_STRING,
    KD_CEL_K_BYTES,
    KD_CEL_K_TIMESTAMP,
    KD_CEL_K_DURATION,
    KD_CEL_K_LIST,
    KD_CEL_K_MAP,
    KD_CEL_K_TYPE,
    KD_CEL_K_EMPTY, /* the message without fields */
    KD_CEL_K_PARAM,
} kd_cel_type_kind;

typedef struct kd_cel_type kd_cel_type;
struct kd_cel_type {
    uint8_t kind;  /* kd_cel_type_kind */
    bool nullable; /* of a wrapper message: null is a value of it */
    uint32_t param;
    const kd_cel_type *of[2]; /* item; key and value; what a type is the type of, or NULL */
};

/* The kinds that need nothing more; index by kind. */
extern const kd_cel_type kd_cel_types[KD_CEL_K_PARAM];
#define KD_CEL_TYPE_OF(kind) (&kd_cel_types[KD_CEL_K_##kind])

/* Steps that a check may take over types: shared types can be large beyond measure when written out. */
#define KD_CEL_MAX_TYPE_STEPS 4000000u

/* What parameters stand for. The first two are those of the standard library's declarations, A and B. */
typedef struct kd_cel_unifier {
    kd_arena *arena;
    KD_VEC(const kd_cel_type *) bound; /* by parameter; NULL: nothing yet */
    KD_VEC(struct {
        uint32_t param;
        const kd_cel_type *before;
    })
    trail;
    uint32_t steps;
    bool failed; /* no memory, or too many steps (steps is 0 then): all answers are void */
} kd_cel_unifier;

/* False without memory. */
bool kd_cel_unifier_init(kd_cel_unifier *unifier, kd_arena *arena);
/* A new parameter; these never return NULL: the type of errors, and `failed`, without memory. */
const kd_cel_type *kd_cel_type_param(kd_cel_unifier *unifier);
const kd_cel_type *kd_cel_type_make(kd_cel_unifier *unifier, kd_cel_type_kind kind, const kd_cel_type *a,
                                    const kd_cel_type *b);
/* Whether a value of one type can stand where the other is wanted; binds parameters when it can, and only then. */
bool kd_cel_assignable(kd_cel_unifier *unifier, const kd_cel_type *a, const kd_cel_type *b);
/* The same of lists of types. */
bool kd_cel_all_assignable(kd_cel_unifier *unifier, const kd_cel_type *const *a, const kd_cel_type *const *b,
                           uint32_t n);
/* The type with what its parameters stand for; those without become dyn when `to_dyn`. */
const kd_cel_type *kd_cel_substitute(kd_cel_unifier *unifier, const kd_cel_type *type, bool to_dyn);
/* The more general of two assignable types. */
const kd_cel_type *kd_cel_most_general(kd_cel_unifier *unifier, const kd_cel_type *a, const kd_cel_type *b);
bool kd_cel_type_same(kd_cel_unifier *unifier, const kd_cel_type *a, const kd_cel_type *b);
/* "map(string, dyn)"; p is NULL without memory. Long ones end in "...". */
kd_str kd_cel_type_text(kd_arena *arena, const kd_cel_type *type);

#endif
