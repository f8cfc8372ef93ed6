#include "lang/cel/check.h"

/* The overloads of a function, in cel-go's order: types of the arguments, ':', type of the result. A method's begin
 * with '.', those that compare numbers of two types with '!'. b bool, i int, u uint, d double, s string, y bytes,
 * t timestamp, r duration, A and B any type, L list(A), M map(A, B), D dyn, T type(A). */
#define COMPARISON "bb:b ii:b !id:b !iu:b uu:b !ud:b !ui:b dd:b !di:b !du:b ss:b yy:b tt:b rr:b"
#define OF_DATE    ".t:i .ts:i"
#define OF_TIME    ".t:i .ts:i .r:i"
static const char *const overloads[] = {
    [KD_CEL_FN_CONDITIONAL] = "bAA:A",
    [KD_CEL_FN_AND] = "bb:b",
    [KD_CEL_FN_OR] = "bb:b",
    [KD_CEL_FN_NOT] = "b:b",
    [KD_CEL_FN_NEGATE] = "d:d i:i",
    [KD_CEL_FN_EQUAL] = "AA:b",
    [KD_CEL_FN_NOT_EQUAL] = "AA:b",
    [KD_CEL_FN_LESS] = COMPARISON,
    [KD_CEL_FN_LESS_EQUAL] = COMPARISON,
    [KD_CEL_FN_GREATER] = COMPARISON,
    [KD_CEL_FN_GREATER_EQUAL] = COMPARISON,
    [KD_CEL_FN_ADD] = "yy:y dd:d rr:r rt:t tr:t ii:i LL:L ss:s uu:u",
    [KD_CEL_FN_SUBTRACT] = "dd:d rr:r ii:i tr:t tt:r uu:u",
    [KD_CEL_FN_MULTIPLY] = "dd:d ii:i uu:u",
    [KD_CEL_FN_DIVIDE] = "dd:d ii:i uu:u",
    [KD_CEL_FN_MODULO] = "ii:i uu:u",
    [KD_CEL_FN_INDEX] = "Li:A MA:B",
    [KD_CEL_FN_IN] = "AL:b AM:b",
    [KD_CEL_FN_SIZE] = "y:i .y:i L:i .L:i M:i .M:i s:i .s:i",
    [KD_CEL_FN_CONTAINS] = ".ss:b",
    [KD_CEL_FN_STARTS_WITH] = ".ss:b",
    [KD_CEL_FN_ENDS_WITH] = ".ss:b",
    [KD_CEL_FN_MATCHES] = "ss:b .ss:b",
    [KD_CEL_FN_TO_BOOL] = "b:b s:b",
    [KD_CEL_FN_TO_BYTES] = "y:y s:y",
    [KD_CEL_FN_TO_DOUBLE] = "d:d i:d s:d u:d",
    [KD_CEL_FN_TO_DURATION] = "r:r i:r s:r",
    [KD_CEL_FN_TO_DYN] = "A:D",
    [KD_CEL_FN_TO_INT] = "i:i d:i r:i s:i t:i u:i",
    [KD_CEL_FN_TO_STRING] = "s:s b:s y:s d:s r:s i:s t:s u:s",
    [KD_CEL_FN_TO_TIMESTAMP] = "t:t i:t s:t",
    [KD_CEL_FN_TO_TYPE] = "A:T",
    [KD_CEL_FN_TO_UINT] = "u:u d:u i:u s:u",
    [KD_CEL_FN_GET_FULL_YEAR] = OF_DATE,
    [KD_CEL_FN_GET_MONTH] = OF_DATE,
    [KD_CEL_FN_GET_DAY_OF_YEAR] = OF_DATE,
    [KD_CEL_FN_GET_DAY_OF_MONTH] = OF_DATE,
    [KD_CEL_FN_GET_DATE] = OF_DATE,
    [KD_CEL_FN_GET_DAY_OF_WEEK] = OF_DATE,
    [KD_CEL_FN_GET_HOURS] = OF_TIME,
    [KD_CEL_FN_GET_MINUTES] = OF_TIME,
    [KD_CEL_FN_GET_SECONDS] = OF_TIME,
    [KD_CEL_FN_GET_MILLISECONDS] = OF_TIME,
};
_Static_assert(KD_COUNT(overloads) == KD_CEL_FN_UNKNOWN, "a function without overloads");

#define MAX_ARGS 3u /* of an overload */

typedef struct signature {
    bool method, mixed;
    uint32_t n;
    const kd_cel_type *args[MAX_ARGS], *result;
} signature;

/* The type that a letter stands for, with parameters of its own for this call. */
static const kd_cel_type *type_of(kd_cel_unifier *u, char letter, const kd_cel_type *params[2])
{
    static const char letters[] = "biudsytrD";
    static const uint8_t kinds[] = {KD_CEL_K_BOOL,      KD_CEL_K_INT,      KD_CEL_K_UINT,
                                    KD_CEL_K_DOUBLE,    KD_CEL_K_STRING,   KD_CEL_K_BYTES,
                                    KD_CEL_K_TIMESTAMP, KD_CEL_K_DURATION, KD_CEL_K_DYN};
    const char *found = strchr(letters, letter);
    if (found)
        return &kd_cel_types[kinds[found - letters]];
    if (!params[0])
        params[0] = kd_cel_type_param(u);
    if ((letter == 'M' || letter == 'B') && !params[1])
        params[1] = kd_cel_type_param(u);
    switch (letter) {
    case 'A':
        return params[0];
    case 'B':
        return params[1];
    case 'L':
        return kd_cel_type_make(u, KD_CEL_K_LIST, params[0], NULL);
    case 'M':
        return kd_cel_type_make(u, KD_CEL_K_MAP, params[0], params[1]);
    default:
        return kd_cel_type_make(u, KD_CEL_K_TYPE, params[0], NULL);
    }
}

/* Reads the overload that begins at p when it is called as wanted; returns where the next begins, NULL at the end. */
static const char *read_overload(kd_cel_unifier *u, const char *p, bool method, signature *out, bool *considered,
                                 bool mixed)
{
    *out = (signature){0};
    for (; *p == '.' || *p == '!'; p++)
        *(*p == '.' ? &out->method : &out->mixed) = true;
    *considered = out->method == method && (mixed || !out->mixed);
    const kd_cel_type *params[2] = {0};
    for (; *p != ':'; p++) {
        if (*considered)
            out->args[out->n] = type_of(u, *p, params);
        out->n++;
    }
    p++;
    if (*considered)
        out->result = type_of(u, *p, params);
    p++;
    return *p ? p + 1 : NULL;
}

const kd_cel_type *kd_cel_overload(kd_cel_unifier *unifier, kd_cel_function function, bool method, bool mixed,
                                   const kd_cel_type *const *args, uint32_t n)
{
    const kd_cel_type *result = NULL;
    for (const char *p = overloads[function]; p;) {
        signature s;
        bool considered;
        p = read_overload(unifier, p, method, &s, &considered, mixed);
        if (!considered || s.n != n || !kd_cel_all_assignable(unifier, args, s.args, n))
            continue;
        const kd_cel_type *type = kd_cel_substitute(unifier, s.result, false);
        if (!result)
            result = type;
        else if (result->kind != KD_CEL_K_DYN && result->kind != KD_CEL_K_ANY &&
                 !kd_cel_type_same(unifier, result, type))
            result = KD_CEL_TYPE_OF(DYN);
    }
    return result;
}
