#include "lang/cel/build.h"

void kd_cel_give_up(kd_cel_builder *b)
{
    b->syntax.no_memory = b->syntax.dead = b->syntax.thrown = b->syntax.recovering = true;
    b->syntax.at = b->syntax.tokens.n - 1;
}

void kd_cel_note(kd_cel_builder *b, uint32_t offset, kd_str text)
{
    if (!text.p)
        kd_cel_give_up(b);
    else
        kd_cel_findings_add(b->notes, offset, text);
}

kd_cel_expr *kd_cel_node(kd_cel_builder *b, kd_cel_kind kind, uint32_t offset)
{
    kd_cel_expr *e = KD_NEW(b->syntax.arena, kd_cel_expr);
    if (!e) {
        kd_cel_give_up(b);
        return &b->hole;
    }
    e->kind = (uint8_t)kind;
    e->offset = offset;
    return e;
}

kd_cel_expr *kd_cel_refused(kd_cel_builder *b, uint32_t offset, kd_str text)
{
    kd_cel_note(b, offset, text);
    return kd_cel_node(b, KD_CEL_CONST, offset);
}

bool kd_cel_push(kd_cel_builder *b, kd_cel_exprs *list, kd_cel_expr *e)
{
    bool pushed = KD_VEC_PUSH(b->syntax.arena, list, e);
    if (!pushed)
        kd_cel_give_up(b);
    return pushed;
}

kd_cel_expr *kd_cel_operation(kd_cel_builder *b, kd_cel_function function, uint32_t offset, kd_cel_expr *x,
                              kd_cel_expr *y, kd_cel_expr *z)
{
    static const char *const names[] = {
#define KD_CEL_FUNCTION(id, name) name,
#include "lang/cel/functions.def"
#undef KD_CEL_FUNCTION
    };
    kd_cel_expr *e = kd_cel_node(b, KD_CEL_CALL, offset);
    kd_cel_expr **items = KD_NEW_ARRAY(b->syntax.arena, kd_cel_expr *, 3);
    if (!items) {
        kd_cel_give_up(b);
        return &b->hole;
    }
    items[0] = x;
    items[1] = y;
    items[2] = z;
    e->items = items;
    e->n = z ? 3 : y ? 2 : 1;
    e->function = (uint16_t)function;
    e->name = kd_str_from_c(names[function]);
    return e;
}

static kd_cel_expr *balance(kd_cel_builder *b, kd_cel_function function, kd_cel_expr **terms, const uint32_t *offsets,
                            uint32_t n)
{
    if (n == 1)
        return terms[0];
    uint32_t left = (n + 1) / 2; /* terms before the middle operator */
    kd_cel_expr *x = balance(b, function, terms, offsets, left);
    kd_cel_expr *y = balance(b, function, terms + left, offsets + left, n - left);
    return kd_cel_operation(b, function, offsets[left - 1], x, y, NULL);
}

kd_cel_expr *kd_cel_chain(kd_cel_builder *b, kd_cel_function function, const kd_cel_exprs *terms,
                          const uint32_t *offsets)
{
    return terms->n ? balance(b, function, terms->p, offsets, terms->n) : &b->hole;
}

static kd_cel_function function_by_name(kd_str name)
{
    static const kd_str names[] = {
#define KD_CEL_FUNCTION(id, name) KD_STR_INIT(name),
#include "lang/cel/functions.def"
#undef KD_CEL_FUNCTION
    };
    if (kd_str_starts(name, KD_STR(".")))
        name = kd_str_from(name, 1);
    unsigned i = 0;
    while (i < KD_COUNT(names) && !kd_str_eq(names[i], name))
        i++;
    return (kd_cel_function)i;
}

static kd_cel_expr *presence(kd_cel_builder *b, uint32_t offset, kd_cel_expr *of)
{
    if (of == &b->hole)
        return of;
    if (of->kind != KD_CEL_SELECT)
        return kd_cel_refused(b, of->offset, KD_STR("invalid argument to has() macro"));
    kd_cel_expr *e = kd_cel_node(b, KD_CEL_HAS, offset);
    e->operand = of->operand;
    e->name = of->name;
    return e;
}

static const struct macro {
    kd_str name;
    uint32_t n; /* arguments */
    uint8_t macro;
} macros[] = {
    {KD_STR_INIT("all"), 2, KD_CEL_ALL},
    {KD_STR_INIT("exists"), 2, KD_CEL_EXISTS},
    {KD_STR_INIT("exists_one"), 2, KD_CEL_EXISTS_ONE},
    {KD_STR_INIT("map"), 2, KD_CEL_MAPPED},
    {KD_STR_INIT("map"), 3, KD_CEL_MAPPED},
    {KD_STR_INIT("filter"), 2, KD_CEL_FILTER},
};

static kd_cel_expr *comprehension(kd_cel_builder *b, const struct macro *macro, uint32_t offset, kd_cel_expr *range,
                                  const kd_cel_exprs *args)
{
    kd_cel_expr *variable = args->p[0];
    if (variable == &b->hole)
        return variable;
    bool list = macro->macro == KD_CEL_MAPPED || macro->macro == KD_CEL_FILTER;
    if (variable->kind != KD_CEL_IDENT)
        return kd_cel_refused(b, variable->offset,
                              list ? KD_STR("argument is not an identifier")
                                   : KD_STR("argument must be a simple name"));
    if (kd_str_eq(variable->name, KD_STR("__result__")))
        return kd_cel_refused(b, variable->offset, KD_STR("iteration variable overwrites accumulator variable"));
    kd_cel_expr *e = kd_cel_node(b, KD_CEL_MACRO, offset);
    e->macro = macro->macro;
    e->name = variable->name;
    e->operand = range;
    bool maps = macro->macro == KD_CEL_MAPPED;
    e->filter = maps && args->n == 2 ? NULL : args->p[1];
    e->body = maps ? args->p[args->n - 1] : NULL;
    return e;
}

kd_cel_expr *kd_cel_call(kd_cel_builder *b, kd_str name, uint32_t offset, kd_cel_expr *receiver, kd_cel_exprs *args)
{
    if (!receiver && args->n == 1 && kd_str_eq(name, KD_STR("has")))
        return presence(b, offset, args->p[0]);
    for (size_t i = 0; receiver && i < KD_COUNT(macros); i++) {
        if (args->n == macros[i].n && kd_str_eq(name, macros[i].name))
            return comprehension(b, &macros[i], offset, receiver, args);
    }
    kd_cel_expr *e = kd_cel_node(b, KD_CEL_CALL, offset);
    e->name = name;
    e->function = (uint16_t)function_by_name(name);
    e->method = receiver != NULL;
    e->items = args->p;
    e->n = args->n;
    if (receiver) {
        e->n++;
        e->items = KD_NEW_ARRAY(b->syntax.arena, kd_cel_expr *, e->n);
        if (!e->items) {
            kd_cel_give_up(b);
            return &b->hole;
        }
        e->items[0] = receiver;
        if (args->n)
            memcpy(e->items + 1, args->p, args->n * sizeof(*args->p));
    }
    return e;
}

static uint32_t levels(const kd_cel_expr *e)
{
    switch (e->kind) {
    case KD_CEL_SELECT:
    case KD_CEL_HAS:
    case KD_CEL_MACRO:
        return 1;
    case KD_CEL_CALL:
        return e->method || e->function == KD_CEL_FN_CONDITIONAL ||
               (e->function >= KD_CEL_FN_EQUAL && e->function <= KD_CEL_FN_IN);
    default:
        return 0;
    }
}

bool kd_cel_shallow(const kd_cel_expr *e, uint32_t depth)
{
    if (!e)
        return true;
    depth += levels(e);
    if (depth > KD_CEL_MAX_DEPTH || !kd_cel_shallow(e->operand, depth) || !kd_cel_shallow(e->filter, depth) ||
        !kd_cel_shallow(e->body, depth))
        return false;
    for (uint32_t i = 0; i < e->n; i++) {
        if (!kd_cel_shallow(e->items[i], depth))
            return false;
    }
    return true;
}
