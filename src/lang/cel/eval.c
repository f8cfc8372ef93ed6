/* The walk over an expression's tree. An error is a value like others: operators hand on the first one they meet, but
 * && and || and the macros all and exists, which give an answer that an error cannot change. */
#include "lang/cel/run.h"

static kd_cel_value eval(kd_cel_state *state, const kd_cel_expr *e);

static bool is_error(kd_cel_value v)
{
    return v.type == KD_CEL_ERROR;
}

kd_cel_value kd_cel_out_of_budget(kd_cel_state *state)
{
    uint32_t budget = state->activation->max_steps ? state->activation->max_steps : KD_CEL_MAX_STEPS;
    kd_str text = kd_arena_printf(state->arena, "evaluation exceeded its budget of %u steps", budget);
    state->spent = true;
    return text.p ? kd_cel_error(text) : kd_cel_no_memory(state);
}

static kd_cel_value variable(kd_cel_state *state, uint32_t slot)
{
    const kd_cel_environment *environment = state->program->environment;
    kd_cel_value v = {.type = KD_CEL_NULL};
    if (slot < environment->n_variables && state->activation->resolve(state->activation->context, slot, &v))
        return v;
    kd_str name = slot < environment->n_variables ? environment->variables[slot].name : KD_STR("");
    return kd_cel_fail(state, "no such attribute(s): %.*s", KD_FMT(name));
}

/* What an identifier, or a qualified name that was resolved as a whole, stands for. */
static kd_cel_value resolve(kd_cel_state *state, const kd_cel_expr *e)
{
    switch ((kd_cel_place)e->place) {
    case KD_CEL_VARIABLE:
        return variable(state, e->slot);
    case KD_CEL_LOCAL:
        if (e->slot < state->n_locals)
            return state->locals[e->slot];
        break;
    case KD_CEL_TYPE_NAME:
        return e->constant;
    case KD_CEL_UNRESOLVED:
        break;
    }
    return kd_cel_fail(state, "no such attribute(s): %.*s", KD_FMT(e->name));
}

/* false && error and error && false are false, and the other way around for ||. */
static kd_cel_value logic(kd_cel_state *state, const kd_cel_expr *e, bool decides)
{
    kd_cel_value error = {.type = KD_CEL_NULL};
    for (uint32_t i = 0; i < e->n; i++) {
        kd_cel_value v = eval(state, e->items[i]);
        if (state->spent)
            return v;
        if (v.type != KD_CEL_BOOL) {
            if (!is_error(error))
                error = is_error(v) ? v : kd_cel_no_overload();
        } else if (v.boolean == decides) {
            return v;
        }
    }
    return is_error(error) ? error : kd_cel_bool(!decides);
}

static kd_cel_value choose(kd_cel_state *state, const kd_cel_expr *condition, const kd_cel_expr *yes,
                           const kd_cel_expr *no)
{
    kd_cel_value v = eval(state, condition);
    if (v.type == KD_CEL_BOOL)
        return eval(state, v.boolean ? yes : no);
    return is_error(v) ? v : kd_cel_no_overload();
}

static bool is_call(const kd_cel_expr *e, kd_cel_function function)
{
    return e->kind == KD_CEL_CALL && e->function == function;
}

/* An index that cel-go takes as it lies in Go, not as CEL's value: a variable, or what is selected from one. */
static bool is_attribute(const kd_cel_state *state, const kd_cel_expr *e)
{
    const kd_cel_environment *environment = state->program->environment;
    for (;;) {
        if (e->place == KD_CEL_VARIABLE) /* cel-go wraps what it takes from a map of lists */
            return environment->variables[e->slot].type != KD_CEL_DECLARED_MAP_STRING_LISTS;
        if (e->kind == KD_CEL_SELECT)
            e = e->operand;
        else if (is_call(e, KD_CEL_FN_INDEX))
            e = e->items[0];
        else if (is_call(e, KD_CEL_FN_CONDITIONAL))
            e = e->items[1];
        else
            return false;
    }
}

/* Go's name of an index that selects nothing; empty for one that may. */
static kd_str bad_index(const kd_cel_state *state, const kd_cel_expr *e, kd_cel_value index)
{
    bool native = is_attribute(state, e);
    switch (index.type) {
    case KD_CEL_STRING:
        return native && index.wrapped ? KD_STR("json.Number") : KD_STR("");
    case KD_CEL_BOOL:
    case KD_CEL_INT:
    case KD_CEL_UINT:
    case KD_CEL_DOUBLE:
        return KD_STR("");
    case KD_CEL_NULL:
        return native ? KD_STR("<nil>") : kd_cel_go_type_name(index);
    case KD_CEL_LIST:
        return native && index.wrapped ? KD_STR("[]interface {}") : kd_cel_go_type_name(index);
    case KD_CEL_MAP:
        return native && index.wrapped ? KD_STR("map[string]interface {}") : kd_cel_go_type_name(index);
    default:
        return kd_cel_go_type_name(index);
    }
}

static kd_cel_value index_of(kd_cel_state *state, const kd_cel_expr *e)
{
    kd_cel_value operand = eval(state, e->items[0]);
    if (is_error(operand))
        return operand;
    kd_cel_value index = eval(state, e->items[1]);
    if (is_error(index))
        return index;
    kd_str bad = bad_index(state, e->items[1], index);
    if (bad.n)
        return kd_cel_fail(state, "invalid qualifier type: %.*s", KD_FMT(bad));
    return kd_cel_index(state, operand, index, false);
}

static kd_cel_value equality(kd_cel_state *state, const kd_cel_expr *e)
{
    kd_cel_value a = eval(state, e->items[0]), b = eval(state, e->items[1]);
    if (is_error(a))
        return a;
    if (is_error(b))
        return b;
    bool equal = kd_cel_equal(a, b, &state->steps);
    if (!state->steps)
        return kd_cel_out_of_budget(state);
    return kd_cel_bool(equal == (e->function == KD_CEL_FN_EQUAL));
}

/* Evaluates items into `to`; the first error ends it, and is returned. */
static kd_cel_value eval_items(kd_cel_state *state, const kd_cel_expr *e, kd_cel_value *to)
{
    for (uint32_t i = 0; i < e->n; i++) {
        to[i] = eval(state, e->items[i]);
        if (is_error(to[i]))
            return to[i];
    }
    return (kd_cel_value){.type = KD_CEL_NULL};
}

static kd_cel_value call(kd_cel_state *state, const kd_cel_expr *e)
{
    kd_cel_value args[3], first;
    switch ((kd_cel_function)e->function) {
    case KD_CEL_FN_AND:
    case KD_CEL_FN_OR:
        return logic(state, e, e->function == KD_CEL_FN_OR);
    case KD_CEL_FN_CONDITIONAL:
        return choose(state, e->items[0], e->items[1], e->items[2]);
    case KD_CEL_FN_EQUAL:
    case KD_CEL_FN_NOT_EQUAL:
        return equality(state, e);
    case KD_CEL_FN_INDEX:
        return index_of(state, e);
    default:
        break;
    }
    if (e->n > KD_COUNT(args)) /* no function has so many: only where nothing was checked */
        return kd_cel_fail(state, "no such overload: %.*s", KD_FMT(e->name));
    first = eval_items(state, e, args);
    return is_error(first) ? first : kd_cel_apply(state, e, args, e->n);
}

static kd_cel_value list_of(kd_cel_state *state, const kd_cel_expr *e)
{
    kd_cel_value *items = kd_arena_alloc(state->arena, e->n * sizeof *items);
    if (!items)
        return kd_cel_no_memory(state);
    kd_cel_value first = eval_items(state, e, items);
    return is_error(first) ? first : (kd_cel_value){.type = KD_CEL_LIST, .n = e->n, .items = items};
}

/* Go's map takes a key of another type for another key; a repeated one replaces the value. */
static bool put_entry(kd_cel_state *state, kd_cel_map *map, kd_cel_entry *entries, kd_cel_value key, kd_cel_value v)
{
    for (uint32_t i = 0; i < map->n; i++) {
        if (entries[i].key.type != key.type || !kd_cel_equal(entries[i].key, key, &state->steps))
            continue;
        entries[i].value = v;
        return true;
    }
    entries[map->n++] = (kd_cel_entry){key, v};
    return state->steps != 0;
}

static kd_cel_value map_of(kd_cel_state *state, const kd_cel_expr *e)
{
    uint32_t n = e->n / 2;
    kd_cel_map *map = KD_NEW(state->arena, kd_cel_map);
    kd_cel_entry *entries = kd_arena_alloc(state->arena, n * sizeof *entries);
    if (!map || !entries)
        return kd_cel_no_memory(state);
    map->entries = entries;
    for (uint32_t i = 0; i < n; i++) {
        kd_cel_value key = eval(state, e->items[2 * i]);
        if (is_error(key))
            return key;
        kd_cel_value v = eval(state, e->items[2 * i + 1]);
        if (is_error(v))
            return v;
        if (key.type == KD_CEL_BYTES)
            return kd_cel_unhashable(state);
        if (!put_entry(state, map, entries, key, v))
            return kd_cel_out_of_budget(state);
    }
    return (kd_cel_value){.type = KD_CEL_MAP, .map = map};
}

static kd_cel_value message(kd_cel_state *state, const kd_cel_expr *e)
{
    kd_cel_value *values = kd_arena_alloc(state->arena, e->n * sizeof *values);
    if (!values)
        return kd_cel_no_memory(state);
    kd_cel_value first = eval_items(state, e, values);
    return is_error(first) ? first : kd_cel_message(state, e, values);
}

/* all and exists: decided by the first item that decides, whatever failed before it. */
static kd_cel_value fold_logic(kd_cel_state *state, const kd_cel_expr *e, kd_cel_walk *walk, kd_cel_value *local)
{
    bool decides = e->macro == KD_CEL_EXISTS;
    kd_cel_value error = {.type = KD_CEL_NULL};
    while (kd_cel_walk_next(walk, state->arena, local)) {
        kd_cel_value v = is_error(*local) ? kd_cel_no_memory(state) : eval(state, e->filter);
        if (state->spent)
            return v;
        if (v.type != KD_CEL_BOOL) {
            if (!is_error(error))
                error = is_error(v) ? v : kd_cel_no_overload();
        } else if (v.boolean == decides) {
            return v;
        }
    }
    return is_error(error) ? error : kd_cel_bool(!decides);
}

/* What the other macros keep: a count, or items. */
typedef struct fold {
    kd_cel_value *items;
    uint32_t n, cap;
    kd_cel_value error; /* an error once one was met */
} fold;

static bool fold_push(kd_cel_state *state, fold *f, kd_cel_value v)
{
    if (f->n == f->cap) {
        uint32_t cap = f->cap ? 2 * f->cap : 8;
        kd_cel_value *items = kd_arena_alloc(state->arena, cap * sizeof *items);
        if (!items)
            return false;
        if (f->n)
            memcpy(items, f->items, f->n * sizeof *items);
        f->items = items;
        f->cap = cap;
    }
    f->items[f->n++] = v;
    return true;
}

/* One item that the predicate let through. */
static void fold_take(kd_cel_state *state, const kd_cel_expr *e, fold *f, kd_cel_value item)
{
    if (e->macro == KD_CEL_EXISTS_ONE) {
        f->n++;
        return;
    }
    kd_cel_value v = e->macro == KD_CEL_MAPPED ? eval(state, e->body) : item;
    if (is_error(v))
        f->error = v;
    else if (!fold_push(state, f, v))
        f->error = kd_cel_no_memory(state);
}

/* exists_one, map and filter: an error stays, but a later one of the predicate takes its place, since cel-go's
 * expansion asks the predicate first and looks at what it has only then. */
static kd_cel_value fold_all(kd_cel_state *state, const kd_cel_expr *e, kd_cel_walk *walk, kd_cel_value *local)
{
    fold f = {.error = {.type = KD_CEL_NULL}};
    while (!state->spent && kd_cel_walk_next(walk, state->arena, local)) {
        kd_cel_value item = *local, take = is_error(item) ? kd_cel_no_memory(state)
                                           : e->filter    ? eval(state, e->filter)
                                                          : kd_cel_bool(true);
        if (take.type != KD_CEL_BOOL)
            f.error = is_error(take) ? take : kd_cel_no_overload();
        else if (take.boolean && !is_error(f.error))
            fold_take(state, e, &f, item);
        if (is_error(f.error) && !e->filter)
            break;
    }
    if (is_error(f.error))
        return f.error;
    if (e->macro == KD_CEL_EXISTS_ONE)
        return kd_cel_bool(f.n == 1);
    return (kd_cel_value){.type = KD_CEL_LIST, .n = f.n, .items = f.items};
}

static kd_cel_value macro(kd_cel_state *state, const kd_cel_expr *e)
{
    kd_cel_value range = eval(state, e->operand);
    if (is_error(range))
        return range;
    if (range.type != KD_CEL_LIST && range.type != KD_CEL_MAP)
        return kd_cel_fail(state, "got '%.*s', expected iterable type", KD_FMT(kd_cel_go_type_name(range)));
    if (state->n_locals >= state->program->max_locals)
        return kd_cel_fail(state, "no such attribute(s): %.*s", KD_FMT(e->name));
    kd_cel_walk walk = kd_cel_walk_of(range);
    kd_cel_value *local = &state->locals[state->n_locals++];
    *local = (kd_cel_value){.type = KD_CEL_NULL};
    kd_cel_value v = e->macro == KD_CEL_ALL || e->macro == KD_CEL_EXISTS ? fold_logic(state, e, &walk, local)
                                                                         : fold_all(state, e, &walk, local);
    state->n_locals--;
    return v;
}

static kd_cel_value select_from(kd_cel_state *state, const kd_cel_expr *e, bool present)
{
    kd_cel_value operand = eval(state, e->operand);
    return is_error(operand) ? operand : kd_cel_index(state, operand, kd_cel_string(e->name), present);
}

static kd_cel_value eval_node(kd_cel_state *state, const kd_cel_expr *e)
{
    switch ((kd_cel_kind)e->kind) {
    case KD_CEL_CONST:
        return e->constant;
    case KD_CEL_IDENT:
        return resolve(state, e);
    case KD_CEL_SELECT:
        return e->place != KD_CEL_UNRESOLVED ? resolve(state, e) : select_from(state, e, false);
    case KD_CEL_HAS:
        return select_from(state, e, true);
    case KD_CEL_CALL:
        return call(state, e);
    case KD_CEL_LIST_OF:
        return list_of(state, e);
    case KD_CEL_MAP_OF:
        return map_of(state, e);
    case KD_CEL_MESSAGE:
        return message(state, e);
    case KD_CEL_MACRO:
        return macro(state, e);
    }
    return kd_cel_no_overload();
}

static kd_cel_value eval(kd_cel_state *state, const kd_cel_expr *e)
{
    if (!kd_cel_spend(state, 1))
        return kd_cel_out_of_budget(state);
    if (state->depth >= KD_CEL_STACK)
        return kd_cel_error(KD_STR("expression recursion limit exceeded"));
    state->depth++;
    kd_cel_value v = eval_node(state, e);
    state->depth--;
    return v;
}

kd_cel_value kd_cel_run(const kd_cel_program *program, const kd_cel_activation *activation)
{
    kd_cel_state state = {
        .program = program,
        .activation = activation,
        .arena = activation->arena,
        .steps = activation->max_steps ? activation->max_steps : KD_CEL_MAX_STEPS,
    };
    if (program->max_locals) {
        state.locals = kd_arena_alloc(state.arena, program->max_locals * sizeof *state.locals);
        if (!state.locals)
            return kd_cel_error(KD_STR("out of memory"));
    }
    return eval(&state, program->root);
}
