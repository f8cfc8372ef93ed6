/* Messages: of all types only protobuf's well-known ones are there, and those are CEL's own values once made. */
#include "lang/cel/run.h"

/* The value of a field; NULL when it was not written. */
static const kd_cel_value *field(const kd_cel_expr *e, const kd_cel_value *values, kd_str name)
{
    for (uint32_t i = e->n; i-- > 0;)
        if (kd_str_eq(e->fields[i], name))
            return &values[i];
    return NULL;
}

typedef struct wrapper {
    kd_str name;
    uint8_t type; /* kd_cel_type_id of its value */
    double min, max;
} wrapper;

static const wrapper wrappers[] = {
    {KD_STR_INIT("google.protobuf.BoolValue"), KD_CEL_BOOL, 0, 0},
    {KD_STR_INIT("google.protobuf.BytesValue"), KD_CEL_BYTES, 0, 0},
    {KD_STR_INIT("google.protobuf.DoubleValue"), KD_CEL_DOUBLE, 0, 0},
    {KD_STR_INIT("google.protobuf.FloatValue"), KD_CEL_DOUBLE, 0, 0},
    {KD_STR_INIT("google.protobuf.Int32Value"), KD_CEL_INT, INT32_MIN, INT32_MAX},
    {KD_STR_INIT("google.protobuf.Int64Value"), KD_CEL_INT, 0, 0},
    {KD_STR_INIT("google.protobuf.StringValue"), KD_CEL_STRING, 0, 0},
    {KD_STR_INIT("google.protobuf.UInt32Value"), KD_CEL_UINT, 0, UINT32_MAX},
    {KD_STR_INIT("google.protobuf.UInt64Value"), KD_CEL_UINT, 0, 0},
};

static kd_cel_value conversion_error(kd_cel_state *state, const kd_cel_expr *e, kd_str name, kd_cel_value v)
{
    return kd_cel_fail(state, "unsupported field type for %.*s.%.*s: %.*s", KD_FMT(e->name), KD_FMT(name),
                       KD_FMT(kd_cel_type_name(v.type)));
}

static kd_cel_value wrapped_of(kd_cel_state *state, const kd_cel_expr *e, const kd_cel_value *values, const wrapper *w)
{
    const kd_cel_value *v = field(e, values, KD_STR("value"));
    kd_cel_value none = {.type = w->type};
    if (!v || v->type == KD_CEL_NULL)
        return none;
    if (v->type != w->type)
        return conversion_error(state, e, KD_STR("value"), *v);
    double size = v->type == KD_CEL_INT ? (double)v->i : v->type == KD_CEL_UINT ? (double)v->u : 0;
    if (w->max > 0 && (size < w->min || size > w->max))
        return kd_cel_fail(state, "field type conversion error for %.*s.value value type: %sinteger overflow",
                           KD_FMT(w->name), v->type == KD_CEL_UINT ? "unsigned " : "");
    if (kd_str_eq(w->name, KD_STR("google.protobuf.FloatValue")))
        return (kd_cel_value){.type = KD_CEL_DOUBLE, .d = (double)(float)v->d};
    return *v;
}

/* A Timestamp's or Duration's two numbers. */
static bool seconds_and_nanos(const kd_cel_expr *e, const kd_cel_value *values, int64_t *seconds, int64_t *nanos,
                              kd_str *wrong)
{
    const kd_str names[] = {KD_STR("seconds"), KD_STR("nanos")};
    int64_t *to[] = {seconds, nanos};
    for (size_t i = 0; i < KD_COUNT(names); i++) {
        const kd_cel_value *v = field(e, values, names[i]);
        *to[i] = v ? v->i : 0;
        *wrong = names[i];
        if (v && (v->type != KD_CEL_INT || (i == 1 && (v->i < INT32_MIN || v->i > INT32_MAX))))
            return false;
    }
    return true;
}

static kd_cel_value time_of(kd_cel_state *state, const kd_cel_expr *e, const kd_cel_value *values, bool timestamp)
{
    int64_t seconds, nanos, d;
    kd_str wrong;
    if (!seconds_and_nanos(e, values, &seconds, &nanos, &wrong))
        return conversion_error(state, e, wrong, *field(e, values, wrong));
    if (timestamp) {
        kd_cel_value v = {.type = KD_CEL_TIMESTAMP, .i = seconds};
        return kd_cel_timestamp_add(v, nanos);
    }
    if (__builtin_mul_overflow(seconds, (int64_t)1000000000, &d) || __builtin_add_overflow(d, nanos, &d))
        d = seconds < 0 ? INT64_MIN : INT64_MAX; /* as Go's AsDuration has it */
    return (kd_cel_value){.type = KD_CEL_DURATION, .i = d};
}

#define MAX_WHOLE 9007199254740991 /* the integers that a double holds, 2^53 - 1 */

static kd_cel_value json_value(kd_cel_state *state, kd_cel_value v, uint32_t depth);

static kd_cel_value json_number(kd_cel_state *state, kd_cel_value v)
{
    bool fits = v.type == KD_CEL_INT ? v.i <= MAX_WHOLE && v.i >= -MAX_WHOLE : v.u <= MAX_WHOLE;
    if (fits)
        return (kd_cel_value){.type = KD_CEL_DOUBLE, .d = v.type == KD_CEL_INT ? (double)v.i : (double)v.u};
    kd_str text = v.type == KD_CEL_INT ? kd_arena_printf(state->arena, "%lld", (long long)v.i)
                                       : kd_arena_printf(state->arena, "%llu", (unsigned long long)v.u);
    return text.p ? kd_cel_string(text) : kd_cel_no_memory(state);
}

static kd_cel_value json_list(kd_cel_state *state, kd_cel_value v, uint32_t depth)
{
    kd_cel_value *items = kd_arena_alloc(state->arena, v.n * sizeof *items);
    if (!items)
        return kd_cel_no_memory(state);
    for (uint32_t i = 0; i < v.n; i++) {
        items[i] = json_value(state, v.items[i], depth + 1);
        if (items[i].type == KD_CEL_ERROR)
            return items[i];
    }
    return (kd_cel_value){.type = KD_CEL_LIST, .n = v.n, .items = items};
}

static kd_cel_value json_map(kd_cel_state *state, kd_cel_value v, uint32_t depth)
{
    kd_cel_map *map = KD_NEW(state->arena, kd_cel_map);
    kd_cel_entry *entries = kd_arena_alloc(state->arena, v.map->n * sizeof *entries);
    if (!map || !entries)
        return kd_cel_no_memory(state);
    for (uint32_t i = 0; i < v.map->n; i++) {
        entries[i].key = v.map->entries[i].key;
        entries[i].value = json_value(state, v.map->entries[i].value, depth + 1);
        if (entries[i].key.type != KD_CEL_STRING)
            return kd_cel_error(KD_STR("bad key type"));
        if (entries[i].value.type == KD_CEL_ERROR)
            return entries[i].value;
    }
    *map = (kd_cel_map){v.map->n, entries};
    return (kd_cel_value){.type = KD_CEL_MAP, .map = map};
}

/* What a value becomes in JSON's messages: whole numbers are doubles there, or text where a double is too short. */
static kd_cel_value json_value(kd_cel_state *state, kd_cel_value v, uint32_t depth)
{
    if (!kd_cel_spend(state, 1) || depth > KD_CEL_STACK)
        return kd_cel_out_of_budget(state);
    if (v.type == KD_CEL_INT || v.type == KD_CEL_UINT)
        return json_number(state, v);
    if (v.wrapped)
        return v;
    if (v.type == KD_CEL_LIST)
        return json_list(state, v, depth);
    return v.type == KD_CEL_MAP ? json_map(state, v, depth) : v;
}

/* google.protobuf.Value: numbers are doubles in it. */
static kd_cel_value json_of(kd_cel_state *state, const kd_cel_expr *e, const kd_cel_value *values)
{
    static const struct {
        kd_str name;
        uint8_t type;
    } kinds[] = {
        {KD_STR_INIT("null_value"), KD_CEL_NULL},     {KD_STR_INIT("number_value"), KD_CEL_DOUBLE},
        {KD_STR_INIT("string_value"), KD_CEL_STRING}, {KD_STR_INIT("bool_value"), KD_CEL_BOOL},
        {KD_STR_INIT("struct_value"), KD_CEL_MAP},    {KD_STR_INIT("list_value"), KD_CEL_LIST},
    };
    for (size_t i = 0; i < KD_COUNT(kinds); i++) {
        const kd_cel_value *v = field(e, values, kinds[i].name);
        if (!v)
            continue;
        if (v->type == kinds[i].type)
            return json_value(state, *v, 0);
        if (i > 0)
            return conversion_error(state, e, kinds[i].name, *v);
    }
    return (kd_cel_value){.type = KD_CEL_NULL};
}

/* Struct and ListValue: the one field that they have. */
static kd_cel_value holder_of(kd_cel_state *state, const kd_cel_expr *e, const kd_cel_value *values, kd_str name,
                              kd_cel_type_id type)
{
    static const kd_cel_map empty = {0};
    const kd_cel_value *v = field(e, values, name);
    if (!v)
        return type == KD_CEL_MAP ? (kd_cel_value){.type = KD_CEL_MAP, .map = &empty}
                                  : (kd_cel_value){.type = KD_CEL_LIST};
    return v->type == type ? json_value(state, *v, 0) : conversion_error(state, e, name, *v);
}

kd_cel_value kd_cel_message(kd_cel_state *state, const kd_cel_expr *e, const kd_cel_value *values)
{
    kd_str name = e->name.n && e->name.p[0] == '.' ? kd_str_from(e->name, 1) : e->name;
    for (size_t i = 0; i < KD_COUNT(wrappers); i++)
        if (kd_str_eq(name, wrappers[i].name))
            return wrapped_of(state, e, values, &wrappers[i]);
    if (kd_str_eq(name, KD_STR("google.protobuf.Timestamp")))
        return time_of(state, e, values, true);
    if (kd_str_eq(name, KD_STR("google.protobuf.Duration")))
        return time_of(state, e, values, false);
    if (kd_str_eq(name, KD_STR("google.protobuf.Value")))
        return json_of(state, e, values);
    if (kd_str_eq(name, KD_STR("google.protobuf.Struct")))
        return holder_of(state, e, values, KD_STR("fields"), KD_CEL_MAP);
    if (kd_str_eq(name, KD_STR("google.protobuf.ListValue")))
        return holder_of(state, e, values, KD_STR("values"), KD_CEL_LIST);
    if (kd_str_eq(name, KD_STR("google.protobuf.Any")))
        return kd_cel_error(KD_STR("unsupported conversion to ref.Val: (*dynamicpb.Message)"));
    return kd_cel_fail(state, "unknown type: %.*s", KD_FMT(e->name));
}
