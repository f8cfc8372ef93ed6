#include "lang/cel/types.h"

#include <stdio.h>

#define MAX_TEXT 4096u /* bytes of a type's text */

#define TYPE(name) [KD_CEL_K_##name] = {.kind = KD_CEL_K_##name}
const kd_cel_type kd_cel_types[KD_CEL_K_PARAM] = {
    TYPE(ERROR),
    TYPE(DYN),
    TYPE(ANY),
    TYPE(NULL),
    TYPE(BOOL),
    TYPE(INT),
    TYPE(UINT),
    TYPE(DOUBLE),
    TYPE(STRING),
    TYPE(BYTES),
    TYPE(TIMESTAMP),
    TYPE(DURATION),
    TYPE(TYPE),
    TYPE(EMPTY),
    [KD_CEL_K_LIST] = {.kind = KD_CEL_K_LIST, .of = {KD_CEL_TYPE_OF(DYN)}},
    [KD_CEL_K_MAP] = {.kind = KD_CEL_K_MAP, .of = {KD_CEL_TYPE_OF(DYN), KD_CEL_TYPE_OF(DYN)}},
};

static bool step(kd_cel_unifier *u)
{
    if (!u->failed && u->steps)
        u->steps--;
    else
        u->failed = true;
    return !u->failed;
}

bool kd_cel_unifier_init(kd_cel_unifier *unifier, kd_arena *arena)
{
    *unifier = (kd_cel_unifier){.arena = arena, .steps = KD_CEL_MAX_TYPE_STEPS};
    return KD_VEC_ADD(arena, &unifier->bound) && KD_VEC_ADD(arena, &unifier->bound);
}

const kd_cel_type *kd_cel_type_make(kd_cel_unifier *unifier, kd_cel_type_kind kind, const kd_cel_type *a,
                                    const kd_cel_type *b)
{
    kd_cel_type *type = KD_NEW(unifier->arena, kd_cel_type);
    if (!type) {
        unifier->failed = true;
        return KD_CEL_TYPE_OF(ERROR);
    }
    *type = (kd_cel_type){.kind = (uint8_t)kind, .of = {a, b}};
    return type;
}

const kd_cel_type *kd_cel_type_param(kd_cel_unifier *unifier)
{
    kd_cel_type *type = KD_NEW(unifier->arena, kd_cel_type);
    if (!type || !KD_VEC_ADD(unifier->arena, &unifier->bound)) {
        unifier->failed = true;
        return KD_CEL_TYPE_OF(ERROR);
    }
    *type = (kd_cel_type){.kind = KD_CEL_K_PARAM, .param = unifier->bound.n - 1};
    return type;
}

bool kd_cel_type_same(kd_cel_unifier *unifier, const kd_cel_type *a, const kd_cel_type *b)
{
    if (a == b)
        return true;
    if (!a || !b || a->kind != b->kind || a->param != b->param || !step(unifier))
        return false;
    return kd_cel_type_same(unifier, a->of[0], b->of[0]) && kd_cel_type_same(unifier, a->of[1], b->of[1]);
}

static bool is_dyn(const kd_cel_type *t)
{
    return t->kind == KD_CEL_K_DYN || t->kind == KD_CEL_K_ANY;
}

static bool less_specific(kd_cel_unifier *u, const kd_cel_type *a, const kd_cel_type *b)
{
    if (is_dyn(a) || a->kind == KD_CEL_K_PARAM)
        return true;
    if (is_dyn(b) || b->kind == KD_CEL_K_PARAM || a->kind != b->kind || !step(u))
        return false;
    switch (a->kind) {
    case KD_CEL_K_LIST:
        return less_specific(u, a->of[0], b->of[0]);
    case KD_CEL_K_MAP:
        return less_specific(u, a->of[0], b->of[0]) && less_specific(u, a->of[1], b->of[1]);
    default:
        return true;
    }
}

const kd_cel_type *kd_cel_most_general(kd_cel_unifier *unifier, const kd_cel_type *a, const kd_cel_type *b)
{
    return less_specific(unifier, a, b) ? a : b;
}

/* Whether a parameter does not occur within a type: it may stand for it then. */
static bool absent(kd_cel_unifier *u, const kd_cel_type *param, const kd_cel_type *within)
{
    while (within && within->kind == KD_CEL_K_PARAM) {
        if (within->param == param->param || !step(u))
            return false;
        within = u->bound.p[within->param];
    }
    if (!within)
        return true;
    return step(u) && (!within->of[0] || absent(u, param, within->of[0])) &&
           (!within->of[1] || absent(u, param, within->of[1]));
}

static bool bind(kd_cel_unifier *u, const kd_cel_type *param, const kd_cel_type *to)
{
    __typeof__(u->trail.p) entry = KD_VEC_ADD(u->arena, &u->trail);
    if (!entry) {
        u->failed = true;
        return false;
    }
    entry->param = param->param;
    entry->before = u->bound.p[param->param];
    u->bound.p[param->param] = to;
    return true;
}

static bool unify(kd_cel_unifier *u, const kd_cel_type *a, const kd_cel_type *b);

/* Whether `param` may stand for `type`. *had: it already stands for something. */
static bool stands_for(kd_cel_unifier *u, const kd_cel_type *type, const kd_cel_type *param, bool *had)
{
    *had = true;
    if (kd_cel_type_same(u, type, param))
        return true;
    const kd_cel_type *bound = u->bound.p[param->param];
    *had = bound != NULL;
    if (!bound)
        return absent(u, param, type) && bind(u, param, type);
    if (kd_cel_type_same(u, type, bound))
        return true;
    if (!unify(u, type, bound))
        return false;
    const kd_cel_type *general = kd_cel_most_general(u, type, bound);
    return !absent(u, param, general) || bind(u, param, general);
}

static bool takes_null(const kd_cel_type *t)
{
    return t->nullable || t->kind == KD_CEL_K_NULL || t->kind == KD_CEL_K_ANY || t->kind == KD_CEL_K_TIMESTAMP ||
           t->kind == KD_CEL_K_DURATION || t->kind == KD_CEL_K_EMPTY;
}

static bool unify(kd_cel_unifier *u, const kd_cel_type *a, const kd_cel_type *b)
{
    bool had = false;
    if (!step(u))
        return false;
    if (b->kind == KD_CEL_K_PARAM) {
        if (stands_for(u, a, b, &had))
            return true;
        if (had)
            return false;
    }
    if (a->kind == KD_CEL_K_PARAM)
        return stands_for(u, b, a, &had);
    if (is_dyn(a) || is_dyn(b) || a->kind == KD_CEL_K_ERROR || b->kind == KD_CEL_K_ERROR)
        return true;
    if (a->kind == KD_CEL_K_NULL || b->kind == KD_CEL_K_NULL)
        return takes_null(a->kind == KD_CEL_K_NULL ? b : a);
    if (a->kind != b->kind)
        return false;
    if (a->kind == KD_CEL_K_LIST)
        return unify(u, a->of[0], b->of[0]);
    if (a->kind == KD_CEL_K_MAP)
        return unify(u, a->of[0], b->of[0]) && unify(u, a->of[1], b->of[1]);
    return true;
}

bool kd_cel_all_assignable(kd_cel_unifier *unifier, const kd_cel_type *const *a, const kd_cel_type *const *b,
                           uint32_t n)
{
    uint32_t mark = unifier->trail.n;
    bool fits = true;
    for (uint32_t i = 0; i < n && fits; i++)
        fits = unify(unifier, a[i], b[i]);
    while (!fits && unifier->trail.n > mark) {
        unifier->trail.n--;
        unifier->bound.p[unifier->trail.p[unifier->trail.n].param] = unifier->trail.p[unifier->trail.n].before;
    }
    return fits;
}

bool kd_cel_assignable(kd_cel_unifier *unifier, const kd_cel_type *a, const kd_cel_type *b)
{
    return kd_cel_all_assignable(unifier, &a, &b, 1);
}

const kd_cel_type *kd_cel_substitute(kd_cel_unifier *unifier, const kd_cel_type *type, bool to_dyn)
{
    while (type->kind == KD_CEL_K_PARAM && unifier->bound.p[type->param]) {
        if (!step(unifier))
            return KD_CEL_TYPE_OF(ERROR);
        type = unifier->bound.p[type->param];
    }
    if (type->kind == KD_CEL_K_PARAM)
        return to_dyn ? KD_CEL_TYPE_OF(DYN) : type;
    if (!type->of[0])
        return type;
    if (!step(unifier))
        return KD_CEL_TYPE_OF(ERROR);
    const kd_cel_type *a = kd_cel_substitute(unifier, type->of[0], to_dyn);
    const kd_cel_type *b = type->of[1] ? kd_cel_substitute(unifier, type->of[1], to_dyn) : NULL;
    if (a == type->of[0] && b == type->of[1])
        return type;
    return kd_cel_type_make(unifier, (kd_cel_type_kind)type->kind, a, b);
}

typedef struct text {
    char p[MAX_TEXT];
    size_t n;
} text;

static void put(text *to, const char *s)
{
    size_t n = strlen(s);
    if (to->n + n + 4 > MAX_TEXT)
        return;
    memcpy(to->p + to->n, s, n);
    to->n += n;
}

static bool full(const text *to)
{
    return to->n + 64 > MAX_TEXT;
}

static void put_type(text *to, const kd_cel_type *t)
{
    static const char *const names[] = {
        "!error!", "dyn",   "any",       "null",     "bool", "int", "uint", "double",
        "string",  "bytes", "timestamp", "duration", "list", "map", "type", "google.protobuf.Empty"};
    if (full(to)) {
        put(to, "...");
    } else if (t->kind == KD_CEL_K_PARAM) {
        char name[16];
        if (t->param < 2)
            snprintf(name, sizeof(name), "%c", 'A' + (int)t->param);
        else
            snprintf(name, sizeof(name), "_var%u", t->param - 2);
        put(to, name);
    } else if (t->nullable) {
        put(to, "wrapper(");
        put(to, names[t->kind]);
        put(to, ")");
    } else {
        put(to, names[t->kind]);
        for (int i = 0; i < 2 && t->of[i]; i++) {
            put(to, i ? ", " : "(");
            put_type(to, t->of[i]);
            put(to, t->of[1] && !i ? "" : ")");
            if (full(to))
                return;
        }
    }
}

kd_str kd_cel_type_text(kd_arena *arena, const kd_cel_type *type)
{
    text to;
    to.n = 0;
    put_type(&to, type);
    return kd_arena_copy(arena, kd_str_of(to.p, to.n));
}
