/* Finds out where names lead and whether the types fit, in the order and with the messages of cel-go's checker, macros
 * as it checks what it expands them to. */
#include "lang/cel/check.h"

/* A macro's variable while its predicate is checked. */
typedef struct scope {
    const struct scope *up;
    kd_str name;
    const kd_cel_type *type;
    uint32_t slot;
} scope;

typedef struct checker {
    kd_arena *arena;
    const kd_cel_environment *environment;
    kd_cel_findings *findings;
    kd_cel_unifier unifier;
    const scope *scope;
    uint32_t depth, max_depth; /* of macros */
    bool unchecked;
    bool mixed; /* numbers of different types may be compared: cel-go forgets to refuse it from the first macro on */
    bool no_memory;
} checker;

typedef struct found {
    kd_cel_place place;
    uint32_t slot;
    const kd_cel_type *type;
    kd_str name;
} found;

static const kd_cel_type *check(checker *c, kd_cel_expr *e);

static const kd_cel_type *error_type(void)
{
    return KD_CEL_TYPE_OF(ERROR);
}

static kd_str type_text(checker *c, const kd_cel_type *type)
{
    return kd_cel_type_text(c->arena, type);
}

static void report(checker *c, uint32_t offset, kd_str text)
{
    if (c->unchecked)
        return;
    if (text.p)
        kd_cel_findings_add(c->findings, offset, text);
    else
        c->no_memory = true;
}

static void report_undeclared(checker *c, uint32_t offset, kd_str name)
{
    report(c, offset,
           kd_arena_printf(c->arena, "undeclared reference to '%.*s' (in container '%.*s')", KD_FMT(name),
                           KD_FMT(c->environment->container)));
}

static void report_mismatch(checker *c, uint32_t offset, const kd_cel_type *want, const kd_cel_type *got)
{
    kd_str a = type_text(c, want), b = type_text(c, got);
    report(c, offset,
           a.p && b.p ? kd_arena_printf(c->arena, "expected type '%.*s' but found '%.*s'", KD_FMT(a), KD_FMT(b))
                      : (kd_str){0});
}

static const kd_cel_type *declared_type(kd_cel_declared declared)
{
    static const kd_cel_type string = {.kind = KD_CEL_K_STRING}, dyn = {.kind = KD_CEL_K_DYN};
    static const kd_cel_type strings = {.kind = KD_CEL_K_LIST, .of = {&string}};
    static const kd_cel_type map_string = {.kind = KD_CEL_K_MAP, .of = {&string, &string}};
    static const kd_cel_type map_lists = {.kind = KD_CEL_K_MAP, .of = {&string, &strings}};
    static const kd_cel_type map_dyn = {.kind = KD_CEL_K_MAP, .of = {&string, &dyn}};
    static const kd_cel_type list_dyn = {.kind = KD_CEL_K_LIST, .of = {&dyn}};
    static const kd_cel_type *const types[] = {
        [KD_CEL_DECLARED_BOOL] = KD_CEL_TYPE_OF(BOOL),
        [KD_CEL_DECLARED_INT] = KD_CEL_TYPE_OF(INT),
        [KD_CEL_DECLARED_UINT] = KD_CEL_TYPE_OF(UINT),
        [KD_CEL_DECLARED_DOUBLE] = KD_CEL_TYPE_OF(DOUBLE),
        [KD_CEL_DECLARED_STRING] = KD_CEL_TYPE_OF(STRING),
        [KD_CEL_DECLARED_BYTES] = KD_CEL_TYPE_OF(BYTES),
        [KD_CEL_DECLARED_DYN] = KD_CEL_TYPE_OF(DYN),
        [KD_CEL_DECLARED_TIMESTAMP] = KD_CEL_TYPE_OF(TIMESTAMP),
        [KD_CEL_DECLARED_DURATION] = KD_CEL_TYPE_OF(DURATION),
        [KD_CEL_DECLARED_LIST_DYN] = &list_dyn,
        [KD_CEL_DECLARED_MAP_STRING] = &map_string,
        [KD_CEL_DECLARED_MAP_STRING_LISTS] = &map_lists,
        [KD_CEL_DECLARED_MAP_DYN] = &map_dyn,
    };
    return types[declared];
}

/* The types that have names of their own: what they are types of. list and map are of the library's A and B. */
static const kd_cel_type *named_type(kd_str name)
{
    static const kd_cel_type a = {.kind = KD_CEL_K_PARAM}, b = {.kind = KD_CEL_K_PARAM, .param = 1};
    static const kd_cel_type list = {.kind = KD_CEL_K_LIST, .of = {&a}};
    static const kd_cel_type map = {.kind = KD_CEL_K_MAP, .of = {&a, &b}};
    static const struct {
        kd_str name;
        const kd_cel_type *type;
    } types[] = {
        {KD_STR_INIT("bool"), KD_CEL_TYPE_OF(BOOL)},
        {KD_STR_INIT("bytes"), KD_CEL_TYPE_OF(BYTES)},
        {KD_STR_INIT("double"), KD_CEL_TYPE_OF(DOUBLE)},
        {KD_STR_INIT("int"), KD_CEL_TYPE_OF(INT)},
        {KD_STR_INIT("list"), &list},
        {KD_STR_INIT("map"), &map},
        {KD_STR_INIT("null_type"), KD_CEL_TYPE_OF(NULL)},
        {KD_STR_INIT("string"), KD_CEL_TYPE_OF(STRING)},
        {KD_STR_INIT("type"), KD_CEL_TYPE_OF(TYPE)},
        {KD_STR_INIT("uint"), KD_CEL_TYPE_OF(UINT)},
    };
    for (size_t i = 0; i < KD_COUNT(types); i++) {
        if (kd_str_eq(types[i].name, name))
            return types[i].type;
    }
    return kd_cel_message_type(name);
}

/* A name without a container before it. */
static bool find_plain(checker *c, kd_str name, found *out)
{
    for (const scope *s = c->scope; s; s = s->up) {
        if (kd_str_eq(s->name, name)) {
            *out = (found){KD_CEL_LOCAL, s->slot, s->type, name};
            return true;
        }
    }
    const kd_cel_environment *environment = c->environment;
    for (uint32_t i = 0; i < environment->n_variables; i++) {
        if (kd_str_eq(environment->variables[i].name, name)) {
            *out = (found){KD_CEL_VARIABLE, i, declared_type(environment->variables[i].type), name};
            return true;
        }
    }
    const kd_cel_type *type = named_type(name);
    if (!type)
        return false;
    *out = (found){KD_CEL_TYPE_NAME, 0, kd_cel_type_make(&c->unifier, KD_CEL_K_TYPE, type, NULL), name};
    return true;
}

/* A name as cel-go looks it up: in the container, in those around it, and at last alone. */
static bool find(checker *c, kd_str name, found *out)
{
    if (kd_str_starts(name, KD_STR(".")))
        return find_plain(c, kd_str_from(name, 1), out);
    for (kd_str container = c->environment->container; container.n;) {
        kd_str whole = kd_arena_printf(c->arena, "%.*s.%.*s", KD_FMT(container), KD_FMT(name));
        c->no_memory |= !whole.p;
        if (whole.p && find_plain(c, whole, out))
            return true;
        ptrdiff_t dot = kd_str_rfind(container, '.');
        container.n = dot < 0 ? 0 : (size_t)dot;
    }
    return find_plain(c, name, out);
}

static const kd_cel_type *place(kd_cel_expr *e, const found *at)
{
    e->place = (uint8_t)at->place;
    e->slot = at->slot;
    if (at->place == KD_CEL_TYPE_NAME)
        e->constant = (kd_cel_value){.type = KD_CEL_TYPE, .text = at->name.p, .n = (uint32_t)at->name.n};
    return at->type;
}

/* "a.b.c" of nested selections; empty when it is something else. */
static kd_str qualified_name(checker *c, const kd_cel_expr *e)
{
    size_t n = 0;
    const kd_cel_expr *part = e;
    for (; part->kind == KD_CEL_SELECT; part = part->operand)
        n += part->name.n + 1;
    if (part->kind != KD_CEL_IDENT)
        return KD_STR("");
    n += part->name.n;
    char *text = kd_arena_alloc(c->arena, n);
    if (!text) {
        c->no_memory = true;
        return KD_STR("");
    }
    size_t at = n;
    for (part = e; part->kind == KD_CEL_SELECT; part = part->operand) {
        at -= part->name.n;
        memcpy(text + at, part->name.p, part->name.n);
        text[--at] = '.';
    }
    memcpy(text, part->name.p, part->name.n);
    return kd_str_of(text, n);
}

static const kd_cel_type *check_ident(checker *c, kd_cel_expr *e)
{
    found at;
    if (find(c, e->name, &at))
        return place(e, &at);
    report_undeclared(c, e->offset, e->name);
    return error_type();
}

static const kd_cel_type *check_field(checker *c, kd_cel_expr *e)
{
    const kd_cel_type *type = kd_cel_substitute(&c->unifier, check(c, e->operand), false);
    switch (type->kind) {
    case KD_CEL_K_MAP:
        return kd_cel_substitute(&c->unifier, type->of[1], false);
    case KD_CEL_K_EMPTY:
        report(c, e->offset, kd_arena_printf(c->arena, "undefined field '%.*s'", KD_FMT(e->name)));
        return error_type();
    case KD_CEL_K_PARAM:
        kd_cel_assignable(&c->unifier, KD_CEL_TYPE_OF(DYN), type);
        return KD_CEL_TYPE_OF(DYN);
    case KD_CEL_K_DYN:
    case KD_CEL_K_ANY:
    case KD_CEL_K_ERROR:
        return KD_CEL_TYPE_OF(DYN);
    default: {
        kd_str text = type_text(c, type);
        report(c, e->offset,
               text.p ? kd_arena_printf(c->arena, "type '%.*s' does not support field selection", KD_FMT(text)) : text);
        return KD_CEL_TYPE_OF(DYN);
    }
    }
}

static const kd_cel_type *check_select(checker *c, kd_cel_expr *e)
{
    kd_str name = e->kind == KD_CEL_SELECT ? qualified_name(c, e) : KD_STR("");
    found at;
    if (name.n && find(c, name, &at))
        return place(e, &at);
    const kd_cel_type *type = check_field(c, e);
    return e->kind == KD_CEL_HAS ? KD_CEL_TYPE_OF(BOOL) : type;
}

/* "(int, string)" or "int.(string)". */
static kd_str arguments_text(checker *c, const kd_cel_type *const *args, uint32_t n, bool method)
{
    kd_str text = KD_STR("(");
    if (method) {
        text = type_text(c, kd_cel_substitute(&c->unifier, args[0], true));
        text = text.p ? kd_arena_printf(c->arena, "%.*s.(", KD_FMT(text)) : text;
    }
    for (uint32_t i = method; i < n && text.p && text.n < 16384; i++) {
        kd_str type = type_text(c, kd_cel_substitute(&c->unifier, args[i], true));
        text =
            type.p ? kd_arena_printf(c->arena, "%.*s%s%.*s", KD_FMT(text), i > method ? ", " : "", KD_FMT(type)) : type;
    }
    return text.p ? kd_arena_printf(c->arena, "%.*s)", KD_FMT(text)) : text;
}

/* The result of a call whose arguments have these types. */
static const kd_cel_type *resolve(checker *c, uint32_t offset, kd_cel_function function, kd_str name, bool method,
                                  const kd_cel_type *const *args, uint32_t n)
{
    if (c->unchecked)
        return KD_CEL_TYPE_OF(DYN);
    const kd_cel_type *type = kd_cel_overload(&c->unifier, function, method, c->mixed, args, n);
    if (type)
        return type;
    kd_str text = arguments_text(c, args, n, method);
    report(c, offset,
           text.p ? kd_arena_printf(c->arena, "found no matching overload for '%.*s' applied to '%.*s'", KD_FMT(name),
                                    KD_FMT(text))
                  : text);
    return error_type();
}

/* An operand of && and ||. */
static bool check_logic(checker *c, const kd_cel_expr *e, const kd_cel_type *type)
{
    if (kd_cel_assignable(&c->unifier, type, KD_CEL_TYPE_OF(BOOL)))
        return true;
    report_mismatch(c, e->offset, KD_CEL_TYPE_OF(BOOL), type);
    return false;
}

static const kd_cel_type *check_call(checker *c, kd_cel_expr *e)
{
    const kd_cel_type **args = KD_NEW_ARRAY(c->arena, const kd_cel_type *, e->n + 1);
    if (!args) {
        c->no_memory = true;
        return error_type();
    }
    kd_cel_function function = (kd_cel_function)e->function;
    for (uint32_t i = e->method; i < e->n; i++)
        args[i] = check(c, e->items[i]);
    if (e->method)
        args[0] = check(c, e->items[0]);
    if (function == KD_CEL_FN_UNKNOWN) {
        report_undeclared(c, e->offset, e->name);
        return error_type();
    }
    if (function == KD_CEL_FN_AND || function == KD_CEL_FN_OR) {
        bool fits = check_logic(c, e->items[0], args[0]);
        return check_logic(c, e->items[1], args[1]) && fits ? KD_CEL_TYPE_OF(BOOL) : error_type();
    }
    kd_str name = kd_str_starts(e->name, KD_STR(".")) ? kd_str_from(e->name, 1) : e->name;
    return resolve(c, e->offset, function, name, e->method, args, e->n);
}

/* The type of several: the most general, or dyn when they do not fit. */
static const kd_cel_type *join(checker *c, const kd_cel_type *before, const kd_cel_type *type)
{
    if (!before)
        return type;
    return kd_cel_assignable(&c->unifier, before, type) ? kd_cel_most_general(&c->unifier, before, type)
                                                        : KD_CEL_TYPE_OF(DYN);
}

static const kd_cel_type *check_list(checker *c, kd_cel_expr *e)
{
    const kd_cel_type *item = NULL;
    for (uint32_t i = 0; i < e->n; i++)
        item = join(c, item, check(c, e->items[i]));
    return kd_cel_type_make(&c->unifier, KD_CEL_K_LIST, item ? item : kd_cel_type_param(&c->unifier), NULL);
}

static const kd_cel_type *check_map(checker *c, kd_cel_expr *e)
{
    const kd_cel_type *key = NULL, *value = NULL;
    for (uint32_t i = 0; i + 1 < e->n; i += 2) {
        key = join(c, key, check(c, e->items[i]));
        value = join(c, value, check(c, e->items[i + 1]));
    }
    if (!key) {
        key = kd_cel_type_param(&c->unifier);
        value = kd_cel_type_param(&c->unifier);
    }
    return kd_cel_type_make(&c->unifier, KD_CEL_K_MAP, key, value);
}

static void check_message_field(checker *c, kd_cel_expr *e, uint32_t i, const kd_cel_type *type, bool known)
{
    const kd_cel_type *value = check(c, e->items[i]);
    const kd_cel_type *want = known ? kd_cel_message_field(type, e->fields[i]) : NULL;
    if (known && !want)
        report(c, e->offsets[i], kd_arena_printf(c->arena, "undefined field '%.*s'", KD_FMT(e->fields[i])));
    if (!known)
        report(c, e->offsets[i], kd_arena_printf(c->arena, "unexpected failed resolution of '%.*s'", KD_FMT(e->name)));
    if (!want || kd_cel_assignable(&c->unifier, want, value))
        return;
    kd_str a = type_text(c, want), b = type_text(c, value);
    report(c, e->offsets[i],
           a.p && b.p ? kd_arena_printf(c->arena, "expected type of field '%.*s' is '%.*s' but provided type is '%.*s'",
                                        KD_FMT(e->fields[i]), KD_FMT(a), KD_FMT(b))
                      : (kd_str){0});
}

static const kd_cel_type *check_message(checker *c, kd_cel_expr *e)
{
    found at;
    if (!find(c, e->name, &at)) {
        report_undeclared(c, e->offset, e->name);
        for (uint32_t i = 0; c->unchecked && i < e->n; i++)
            check(c, e->items[i]);
        return error_type();
    }
    e->name = at.name;
    const kd_cel_type *type = NULL;
    if (at.place == KD_CEL_TYPE_NAME)
        type = kd_cel_message_type(e->name);
    if (!type && at.type->kind != KD_CEL_K_ERROR) {
        const kd_cel_type *of = at.type->kind == KD_CEL_K_TYPE && at.type->of[0] ? at.type->of[0] : at.type;
        kd_str text = of->kind == KD_CEL_K_LIST  ? KD_STR("list")
                      : of->kind == KD_CEL_K_MAP ? KD_STR("map")
                                                 : type_text(c, of);
        report(c, e->offset,
               text.p ? kd_arena_printf(c->arena,
                                        at.type->kind == KD_CEL_K_TYPE ? "'%.*s' is not a message type"
                                                                       : "'%.*s' is not a type",
                                        KD_FMT(text))
                      : text);
    }
    for (uint32_t i = 0; i < e->n; i++)
        check_message_field(c, e, i, type, type != NULL);
    return type ? type : error_type();
}

/* The type of a macro's variable over a range. */
static const kd_cel_type *variable_type(checker *c, const kd_cel_expr *range, const kd_cel_type *type)
{
    switch (type->kind) {
    case KD_CEL_K_LIST:
    case KD_CEL_K_MAP:
        return type->of[0];
    case KD_CEL_K_DYN:
    case KD_CEL_K_ERROR:
    case KD_CEL_K_PARAM:
        kd_cel_assignable(&c->unifier, KD_CEL_TYPE_OF(DYN), type);
        return KD_CEL_TYPE_OF(DYN);
    default: {
        kd_str text = type_text(c, type);
        report(c, range->offset,
               text.p ? kd_arena_printf(c->arena,
                                        "expression of type '%.*s' cannot be range of a comprehension (must be list, "
                                        "map, or dynamic)",
                                        KD_FMT(text))
                      : text);
        return error_type();
    }
    }
}

/* condition ? yes : no, where the predicate of a macro is the condition. */
static const kd_cel_type *choice(checker *c, const kd_cel_expr *e, const kd_cel_type *condition, const kd_cel_type *yes,
                                 const kd_cel_type *no)
{
    const kd_cel_type *args[] = {condition, yes, no};
    return resolve(c, e->offset, KD_CEL_FN_CONDITIONAL, KD_STR("_?_:_"), false, args, 3);
}

/* What a turn of map() or filter() adds to the list so far: `item` in a list of its own. */
static const kd_cel_type *grow(checker *c, const kd_cel_expr *e, const kd_cel_type *list, const kd_cel_type *item)
{
    const kd_cel_type *args[] = {list, kd_cel_type_make(&c->unifier, KD_CEL_K_LIST, item, NULL)};
    return resolve(c, e->offset, KD_CEL_FN_ADD, KD_STR("_+_"), false, args, 2);
}

/* exists_one counts what it finds, and at last compares the count. */
static const kd_cel_type *count(checker *c, const kd_cel_expr *e, kd_cel_function function, const char *name)
{
    const kd_cel_type *args[] = {KD_CEL_TYPE_OF(INT), KD_CEL_TYPE_OF(INT)};
    return resolve(c, e->offset, function, kd_str_from_c(name), false, args, 2);
}

/* A turn of the macro, with its variable in scope: checks what cel-go would fold. */
static void check_turn(checker *c, kd_cel_expr *e, const kd_cel_type *variable, const kd_cel_type *so_far)
{
    const kd_cel_type *condition = e->filter ? check(c, e->filter) : NULL, *step;
    switch ((kd_cel_macro)e->macro) {
    case KD_CEL_ALL:
    case KD_CEL_EXISTS:
        check_logic(c, e->filter, condition);
        return;
    case KD_CEL_EXISTS_ONE:
        step = choice(c, e, condition, count(c, e, KD_CEL_FN_ADD, "_+_"), so_far);
        break;
    case KD_CEL_FILTER:
        step = choice(c, e, condition, grow(c, e, so_far, variable), so_far);
        break;
    default:
        step = grow(c, e, so_far, check(c, e->body));
        step = condition ? choice(c, e, condition, step, so_far) : step;
    }
    if (!kd_cel_assignable(&c->unifier, so_far, step))
        report_mismatch(c, e->offset, so_far, step);
}

static const kd_cel_type *check_macro(checker *c, kd_cel_expr *e)
{
    const kd_cel_type *range = check(c, e->operand), *so_far = KD_CEL_TYPE_OF(BOOL);
    if (e->macro == KD_CEL_EXISTS_ONE)
        so_far = KD_CEL_TYPE_OF(INT);
    else if (e->macro == KD_CEL_MAPPED || e->macro == KD_CEL_FILTER)
        so_far = kd_cel_type_make(&c->unifier, KD_CEL_K_LIST, kd_cel_type_param(&c->unifier), NULL);
    range = kd_cel_substitute(&c->unifier, range, false);
    c->mixed = true;
    scope inner = {c->scope, e->name, variable_type(c, e->operand, range), c->depth};
    e->slot = c->depth;
    c->scope = &inner;
    c->depth++;
    c->max_depth = c->depth > c->max_depth ? c->depth : c->max_depth;
    check_turn(c, e, inner.type, so_far);
    c->depth--;
    c->scope = inner.up;
    if (e->macro == KD_CEL_EXISTS_ONE)
        return count(c, e, KD_CEL_FN_EQUAL, "_==_");
    return kd_cel_substitute(&c->unifier, so_far, false);
}

static const kd_cel_type *check_const(const kd_cel_expr *e)
{
    switch (e->constant.type) {
    case KD_CEL_BOOL:
        return KD_CEL_TYPE_OF(BOOL);
    case KD_CEL_INT:
        return KD_CEL_TYPE_OF(INT);
    case KD_CEL_UINT:
        return KD_CEL_TYPE_OF(UINT);
    case KD_CEL_DOUBLE:
        return KD_CEL_TYPE_OF(DOUBLE);
    case KD_CEL_STRING:
        return KD_CEL_TYPE_OF(STRING);
    case KD_CEL_BYTES:
        return KD_CEL_TYPE_OF(BYTES);
    default:
        return KD_CEL_TYPE_OF(NULL);
    }
}

static const kd_cel_type *check(checker *c, kd_cel_expr *e)
{
    if (c->no_memory || c->unifier.failed)
        return error_type();
    switch ((kd_cel_kind)e->kind) {
    case KD_CEL_CONST:
        return check_const(e);
    case KD_CEL_IDENT:
        return check_ident(c, e);
    case KD_CEL_SELECT:
    case KD_CEL_HAS:
        return check_select(c, e);
    case KD_CEL_CALL:
        return check_call(c, e);
    case KD_CEL_LIST_OF:
        return check_list(c, e);
    case KD_CEL_MAP_OF:
        return check_map(c, e);
    case KD_CEL_MESSAGE:
        return check_message(c, e);
    case KD_CEL_MACRO:
        return check_macro(c, e);
    }
    return error_type();
}

bool kd_cel_check(kd_arena *arena, kd_cel_program *program, kd_cel_findings *findings)
{
    checker c = {.arena = arena, .environment = program->environment, .findings = findings};
    c.unchecked = program->environment->unchecked;
    if (!kd_cel_unifier_init(&c.unifier, arena))
        return false;
    const kd_cel_type *type = check(&c, program->root);
    type = kd_cel_substitute(&c.unifier, type, true);
    program->max_locals = c.max_depth;
    program->type = c.unchecked ? NULL : type;
    if (c.no_memory || c.unifier.failed) {
        *findings = (kd_cel_findings){0};
        if (!c.no_memory && !c.unifier.steps)
            kd_cel_findings_add(findings, KD_CEL_NOWHERE, KD_STR("the types of the expression are too large"));
        return false;
    }
    return findings->n == 0;
}
