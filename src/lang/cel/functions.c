/* Operators, sizes, strings and conversions. What a function does with a type it has no overload for follows from how
 * cel-go dispatches it: functions of one body ask the first argument's abilities, the others look for an overload by
 * the types of all arguments; their error texts differ. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>

#include "lang/cel/run.h"
#include "lang/regex/regex.h"
#include "text/go/fixed.h"
#include "text/go/format.h"
#include "text/go/number.h"
#include "text/utf8.h"

#define BYTES_PER_STEP 64u /* what a step of the budget may copy or search */

kd_cel_value kd_cel_fail(kd_cel_state *state, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *text = n < 0 ? NULL : kd_arena_alloc(state->arena, (size_t)n + 1);
    if (!text)
        return kd_cel_no_memory(state);
    va_start(args, format);
    vsnprintf(text, (size_t)n + 1, format, args);
    va_end(args);
    return kd_cel_error((kd_str){text, (size_t)n});
}

kd_cel_value kd_cel_no_memory(kd_cel_state *state)
{
    state->spent = true;
    return kd_cel_error(KD_STR("out of memory"));
}

kd_cel_value kd_cel_unhashable(kd_cel_state *state)
{
    state->spent = true;
    return kd_cel_error(KD_STR("internal error: runtime error: hash of unhashable type types.Bytes"));
}

/* The name under which an expression calls a function. */
static kd_str function_name(const kd_cel_expr *call)
{
    static const kd_str names[] = {
#define KD_CEL_FUNCTION(id, name) [KD_CEL_FN_##id] = KD_STR_INIT(name),
#include "lang/cel/functions.def"
#undef KD_CEL_FUNCTION
    };
    return call->function < KD_COUNT(names) ? names[call->function] : call->name;
}

kd_cel_value kd_cel_no_overload_of(kd_cel_state *state, kd_str name, const kd_cel_value *args, uint32_t n)
{
    char types[128];
    kd_buf out = kd_buf_over(types, sizeof types);
    for (uint32_t i = 0; i < n && i < 3; i++) {
        kd_buf_add(&out, i ? KD_STR(", ") : KD_STR(""));
        kd_buf_add(&out, kd_cel_type_name(args[i].type));
    }
    return kd_cel_fail(state, "no such overload: %.*s(%.*s)", KD_FMT(name), KD_FMT(kd_buf_str(&out)));
}

/* The first argument lacks the ability: cel-go offers strings and times the call as a method, which they do not have
 * either, and says less then. */
static kd_cel_value unable(kd_cel_state *state, const kd_cel_expr *call, kd_cel_value v)
{
    if (v.type == KD_CEL_STRING || v.type == KD_CEL_DURATION || v.type == KD_CEL_TIMESTAMP)
        return kd_cel_no_overload();
    return kd_cel_fail(state, "no such overload: %.*s", KD_FMT(function_name(call)));
}

static kd_cel_value int_of(bool overflow, int64_t i)
{
    return overflow ? kd_cel_error(KD_STR("integer overflow")) : kd_cel_int(i);
}

static kd_cel_value uint_of(bool overflow, uint64_t u)
{
    return overflow ? kd_cel_error(KD_STR("unsigned integer overflow")) : (kd_cel_value){.type = KD_CEL_UINT, .u = u};
}

/* The same where the number is made while the arguments are. */
static kd_cel_value checked_int(bool overflow, const int64_t *i)
{
    return int_of(overflow, *i);
}

static kd_cel_value checked_uint(bool overflow, const uint64_t *u)
{
    return uint_of(overflow, *u);
}

static kd_cel_value double_of(double d)
{
    return (kd_cel_value){.type = KD_CEL_DOUBLE, .d = d};
}

/* An error's text and a value that is printed as Go's %v. */
static kd_cel_value fail_with(kd_cel_state *state, kd_str text, kd_cel_value v)
{
    kd_buf out = kd_buf_in_arena(state->arena, text.n + (v.type == KD_CEL_STRING ? v.n : 1024));
    kd_buf_add(&out, text);
    kd_cel_value_print(&out, v);
    return out.p ? kd_cel_error(kd_buf_str(&out)) : kd_cel_no_memory(state);
}

static kd_cel_value list_item(kd_cel_state *state, kd_cel_value list, uint32_t at)
{
    if (!list.wrapped)
        return list.items[at];
    if (list.data->node)
        return kd_cel_value_of(state->arena, list.data->items[at]);
    if (!kd_cel_spend(state, at / 16))
        return kd_cel_out_of_budget(state);
    kd_str key;
    kd_value item = KD_VALUE_NULL;
    kd_value_iter iter = kd_value_each(*list.data);
    for (uint32_t i = 0; i <= at && kd_value_next(&iter, &key, &item); i++)
        ;
    return kd_cel_value_of(state->arena, item);
}

/* The index that a number is; false when it is none. */
static bool whole_number(kd_cel_value v, int64_t *out)
{
    if (v.type == KD_CEL_DOUBLE) {
        bool whole = v.d > -0x1p63 && v.d < 0x1p63 && v.d == trunc(v.d);
        *out = whole ? (int64_t)v.d : 0;
        return whole;
    }
    *out = v.i;
    return v.type == KD_CEL_INT || (v.type == KD_CEL_UINT && v.u <= INT64_MAX);
}

kd_cel_value kd_cel_index(kd_cel_state *state, kd_cel_value operand, kd_cel_value index, bool present)
{
    kd_cel_value found;
    int64_t at;
    if (operand.type == KD_CEL_LIST) {
        if (index.type != KD_CEL_INT && index.type != KD_CEL_UINT && index.type != KD_CEL_DOUBLE)
            return kd_cel_fail(state, "unsupported index type '%.*s' in list", KD_FMT(kd_cel_type_name(index.type)));
        if (!whole_number(index, &at)) {
            kd_cel_value error = fail_with(state, KD_STR("unsupported index value "), index);
            return state->spent ? error : kd_cel_fail(state, "%.*s in list", KD_FMT(kd_cel_text(error)));
        }
        if (at >= 0 && (uint64_t)at < kd_cel_size_of(operand))
            return present ? kd_cel_bool(true) : list_item(state, operand, (uint32_t)at);
        return present ? kd_cel_bool(false) : fail_with(state, KD_STR("index out of bounds: "), index);
    }
    if (operand.type == KD_CEL_MAP) {
        if (!kd_cel_spend(state, 1 + (operand.wrapped ? operand.data->n : operand.map->n) / 16))
            return kd_cel_out_of_budget(state);
        if (index.type == KD_CEL_BYTES && !operand.wrapped && operand.map->n)
            return kd_cel_unhashable(state);
        if (kd_cel_map_get(state->arena, operand, index, &found))
            return present ? kd_cel_bool(true) : found;
    }
    return present ? kd_cel_bool(false) : fail_with(state, KD_STR("no such key: "), index);
}

static kd_cel_value join_text(kd_cel_state *state, kd_cel_value a, kd_cel_value b)
{
    size_t n = (size_t)a.n + b.n;
    if (!kd_cel_spend(state, n / BYTES_PER_STEP))
        return kd_cel_out_of_budget(state);
    char *text = n > UINT32_MAX ? NULL : kd_arena_alloc(state->arena, n + 1);
    if (!text)
        return kd_cel_no_memory(state);
    if (a.n)
        memcpy(text, a.text, a.n);
    if (b.n)
        memcpy(text + a.n, b.text, b.n);
    return (kd_cel_value){.type = a.type, .n = (uint32_t)n, .text = text};
}

static kd_cel_value join_lists(kd_cel_state *state, kd_cel_value a, kd_cel_value b)
{
    size_t n_a = kd_cel_size_of(a), n = n_a + kd_cel_size_of(b);
    if (n_a == 0)
        return b;
    if (n == n_a)
        return a;
    if (!kd_cel_spend(state, n))
        return kd_cel_out_of_budget(state);
    kd_cel_value *items = n > UINT32_MAX ? NULL : kd_arena_alloc(state->arena, n * sizeof *items);
    if (!items)
        return kd_cel_no_memory(state);
    size_t at = 0;
    kd_cel_walk in_a = kd_cel_walk_of(a), in_b = kd_cel_walk_of(b);
    while (at < n && kd_cel_walk_next(&in_a, state->arena, &items[at]))
        at++;
    while (at < n && kd_cel_walk_next(&in_b, state->arena, &items[at]))
        at++;
    for (size_t i = 0; i < at; i++)
        if (items[i].type == KD_CEL_ERROR) /* data that could not be wrapped */
            return kd_cel_no_memory(state);
    return (kd_cel_value){.type = KD_CEL_LIST, .n = (uint32_t)at, .items = items};
}

static kd_cel_value duration_of(bool overflow, int64_t i)
{
    return overflow ? kd_cel_error(KD_STR("integer overflow")) : (kd_cel_value){.type = KD_CEL_DURATION, .i = i};
}

static kd_cel_value checked_duration(bool overflow, const int64_t *i)
{
    return duration_of(overflow, *i);
}

static kd_cel_value add(kd_cel_state *state, const kd_cel_expr *call, kd_cel_value a, kd_cel_value b)
{
    int64_t i;
    uint64_t u;
    switch (a.type) {
    case KD_CEL_NULL:
    case KD_CEL_BOOL:
    case KD_CEL_MAP:
    case KD_CEL_TYPE:
        return unable(state, call, a);
    case KD_CEL_DURATION:
        if (b.type == KD_CEL_TIMESTAMP)
            return kd_cel_timestamp_add(b, a.i);
        break;
    case KD_CEL_TIMESTAMP:
        return b.type == KD_CEL_DURATION ? kd_cel_timestamp_add(a, b.i) : kd_cel_no_overload();
    default:
        break;
    }
    if (a.type != b.type)
        return kd_cel_no_overload();
    switch (a.type) {
    case KD_CEL_INT:
        return checked_int(__builtin_add_overflow(a.i, b.i, &i), &i);
    case KD_CEL_UINT:
        return checked_uint(__builtin_add_overflow(a.u, b.u, &u), &u);
    case KD_CEL_DOUBLE:
        return double_of(a.d + b.d);
    case KD_CEL_DURATION:
        return checked_duration(__builtin_add_overflow(a.i, b.i, &i), &i);
    case KD_CEL_LIST:
        return join_lists(state, a, b);
    default:
        return join_text(state, a, b);
    }
}

static kd_cel_value subtract(kd_cel_state *state, const kd_cel_expr *call, kd_cel_value a, kd_cel_value b)
{
    int64_t i;
    uint64_t u;
    switch (a.type) {
    case KD_CEL_INT:
        return b.type == a.type ? checked_int(__builtin_sub_overflow(a.i, b.i, &i), &i) : kd_cel_no_overload();
    case KD_CEL_UINT:
        return b.type == a.type ? checked_uint(__builtin_sub_overflow(a.u, b.u, &u), &u) : kd_cel_no_overload();
    case KD_CEL_DOUBLE:
        return b.type == a.type ? double_of(a.d - b.d) : kd_cel_no_overload();
    case KD_CEL_DURATION:
        return b.type == a.type ? checked_duration(__builtin_sub_overflow(a.i, b.i, &i), &i) : kd_cel_no_overload();
    case KD_CEL_TIMESTAMP:
        if (b.type == KD_CEL_TIMESTAMP)
            return kd_cel_timestamp_distance(a, b);
        if (b.type != KD_CEL_DURATION)
            return kd_cel_no_overload();
        return b.i == INT64_MIN ? duration_of(true, 0) : kd_cel_timestamp_add(a, -b.i);
    default:
        return unable(state, call, a);
    }
}

static kd_cel_value multiply(kd_cel_state *state, const kd_cel_expr *call, kd_cel_value a, kd_cel_value b)
{
    int64_t i;
    uint64_t u;
    if (a.type != KD_CEL_INT && a.type != KD_CEL_UINT && a.type != KD_CEL_DOUBLE)
        return unable(state, call, a);
    if (a.type != b.type)
        return kd_cel_no_overload();
    if (a.type == KD_CEL_INT)
        return checked_int(__builtin_mul_overflow(a.i, b.i, &i), &i);
    return a.type == KD_CEL_UINT ? checked_uint(__builtin_mul_overflow(a.u, b.u, &u), &u) : double_of(a.d * b.d);
}

static kd_cel_value divide(kd_cel_state *state, const kd_cel_expr *call, kd_cel_value a, kd_cel_value b)
{
    if (a.type != KD_CEL_INT && a.type != KD_CEL_UINT && a.type != KD_CEL_DOUBLE)
        return unable(state, call, a);
    if (a.type != b.type)
        return kd_cel_no_overload();
    if (a.type == KD_CEL_DOUBLE)
        return double_of(a.d / b.d);
    if (b.u == 0)
        return kd_cel_error(KD_STR("division by zero"));
    if (a.type == KD_CEL_UINT)
        return uint_of(false, a.u / b.u);
    return a.i == INT64_MIN && b.i == -1 ? int_of(true, 0) : kd_cel_int(a.i / b.i);
}

static kd_cel_value modulo(kd_cel_state *state, const kd_cel_expr *call, kd_cel_value a, kd_cel_value b)
{
    if (a.type != KD_CEL_INT && a.type != KD_CEL_UINT)
        return unable(state, call, a);
    if (a.type != b.type)
        return kd_cel_no_overload();
    if (b.u == 0)
        return kd_cel_error(KD_STR("modulus by zero"));
    if (a.type == KD_CEL_UINT)
        return uint_of(false, a.u % b.u);
    return a.i == INT64_MIN && b.i == -1 ? int_of(true, 0) : kd_cel_int(a.i % b.i);
}

static kd_cel_value negate(kd_cel_state *state, const kd_cel_expr *call, kd_cel_value v)
{
    switch (v.type) {
    case KD_CEL_INT:
        return v.i == INT64_MIN ? int_of(true, 0) : kd_cel_int(-v.i);
    case KD_CEL_DURATION:
        return v.i == INT64_MIN ? duration_of(true, 0) : duration_of(false, -v.i);
    case KD_CEL_DOUBLE:
        return double_of(-v.d);
    case KD_CEL_BOOL:
        return kd_cel_no_overload();
    default:
        return unable(state, call, v);
    }
}

static kd_cel_value compare(kd_cel_state *state, const kd_cel_expr *call, kd_cel_value a, kd_cel_value b)
{
    if (a.type == KD_CEL_NULL || a.type == KD_CEL_LIST || a.type == KD_CEL_MAP || a.type == KD_CEL_TYPE)
        return unable(state, call, a);
    int c = kd_cel_compare(a, b);
    if (c == 3)
        return kd_cel_no_overload();
    if (c == 2)
        return kd_cel_error(KD_STR("NaN values cannot be ordered"));
    switch (call->function) {
    case KD_CEL_FN_LESS:
        return kd_cel_bool(c < 0);
    case KD_CEL_FN_LESS_EQUAL:
        return kd_cel_bool(c <= 0);
    case KD_CEL_FN_GREATER:
        return kd_cel_bool(c > 0);
    default:
        return kd_cel_bool(c >= 0);
    }
}

static kd_cel_value is_in(kd_cel_state *state, kd_cel_value needle, kd_cel_value in)
{
    kd_cel_value item;
    if (in.type == KD_CEL_MAP)
        return kd_cel_index(state, in, needle, true);
    if (in.type != KD_CEL_LIST)
        return kd_cel_no_overload();
    kd_cel_walk walk = kd_cel_walk_of(in);
    while (kd_cel_walk_next(&walk, state->arena, &item)) {
        if (!kd_cel_spend(state, 1))
            return kd_cel_out_of_budget(state);
        if (item.type == KD_CEL_ERROR)
            return kd_cel_no_memory(state);
        if (kd_cel_equal(needle, item, &state->steps))
            return kd_cel_bool(true);
    }
    return state->steps ? kd_cel_bool(false) : kd_cel_out_of_budget(state);
}

static kd_cel_value size(kd_cel_state *state, const kd_cel_expr *call, kd_cel_value v)
{
    int64_t runes = 0;
    uint32_t rune;
    switch (v.type) {
    case KD_CEL_BYTES:
        return kd_cel_int(v.n);
    case KD_CEL_LIST:
    case KD_CEL_MAP:
        return kd_cel_int((int64_t)kd_cel_size_of(v));
    case KD_CEL_STRING:
        if (!kd_cel_spend(state, v.n / BYTES_PER_STEP))
            return kd_cel_out_of_budget(state);
        for (size_t at = 0; at < v.n; runes++)
            at += kd_utf8_decode(v.text + at, v.n - at, &rune);
        return kd_cel_int(runes);
    default:
        return unable(state, call, v);
    }
}

static kd_cel_value matches(kd_cel_state *state, const kd_cel_expr *call, kd_cel_value text, kd_cel_value pattern)
{
    if (text.type != KD_CEL_STRING)
        return unable(state, call, text);
    if (pattern.type != KD_CEL_STRING)
        return kd_cel_no_overload();
    if (!kd_cel_spend(state, 16 + ((size_t)text.n + pattern.n) / 16))
        return kd_cel_out_of_budget(state);
    kd_str error = KD_STR("out of memory"), clean = kd_regex_text(state->arena, kd_cel_text(text));
    if (text.n && !clean.p)
        return kd_cel_no_memory(state);
    if (call->regex)
        return kd_cel_bool(kd_regex_match(call->regex, clean));
    kd_regex *regex = kd_regex_compile(state->arena, kd_cel_text(pattern), &error);
    if (!regex)
        return kd_cel_error(error);
    bool found = kd_regex_match(regex, clean);
    kd_regex_destroy(regex);
    return kd_cel_bool(found);
}

static kd_cel_value search(kd_cel_state *state, const kd_cel_expr *call, kd_cel_value text, kd_cel_value part)
{
    if (text.type != KD_CEL_STRING || part.type != KD_CEL_STRING)
        return kd_cel_no_overload();
    if (!kd_cel_spend(state, text.n / BYTES_PER_STEP))
        return kd_cel_out_of_budget(state);
    kd_str in = kd_cel_text(text), what = kd_cel_text(part);
    if (call->function == KD_CEL_FN_STARTS_WITH)
        return kd_cel_bool(kd_str_starts(in, what));
    if (call->function == KD_CEL_FN_ENDS_WITH)
        return kd_cel_bool(kd_str_ends(in, what));
    return kd_cel_bool(kd_str_search(in, what) >= 0);
}

/* strconv.ParseInt(s, 10, 64). */
static bool parse_int(kd_str s, int64_t *out)
{
    bool negative = s.n && s.p[0] == '-';
    uint64_t u;
    if (s.n && (s.p[0] == '-' || s.p[0] == '+'))
        s = kd_str_from(s, 1);
    if (!kd_str_to_u64(s, (uint64_t)INT64_MAX + negative, &u))
        return false;
    *out = (int64_t)(negative ? 0 - u : u);
    return true;
}

static kd_cel_value from_string(kd_cel_state *state, kd_cel_function to, kd_cel_type_id type, kd_cel_value v)
{
    kd_str s = kd_cel_text(v), error;
    kd_cel_value out = {.type = (uint8_t)type};
    bool fits = false;
    switch (to) {
    case KD_CEL_FN_TO_BOOL:
        fits = kd_go_bool_parse(s, &out.boolean);
        break;
    case KD_CEL_FN_TO_BYTES:
        return (kd_cel_value){.type = KD_CEL_BYTES, .n = v.n, .text = v.text};
    case KD_CEL_FN_TO_DOUBLE:
        fits = kd_go_float_parse(s, &out.d, &error);
        break;
    case KD_CEL_FN_TO_INT:
        fits = parse_int(s, &out.i);
        break;
    case KD_CEL_FN_TO_UINT:
        fits = kd_str_to_u64(s, UINT64_MAX, &out.u);
        break;
    case KD_CEL_FN_TO_DURATION:
        fits = kd_cel_duration_parse(s, &out);
        break;
    default:
        fits = kd_cel_timestamp_parse(s, &out);
        break;
    }
    if (fits)
        return out;
    return kd_cel_fail(state, "type conversion error from 'string' to '%.*s'", KD_FMT(kd_cel_type_name(type)));
}

static kd_cel_value to_string(kd_cel_state *state, const kd_cel_expr *call, kd_cel_value v)
{
    kd_buf out = kd_buf_in_arena(state->arena, 64);
    if (!out.p)
        return kd_cel_no_memory(state);
    switch (v.type) {
    case KD_CEL_STRING:
        return v;
    case KD_CEL_BYTES:
        if (!kd_utf8_valid(kd_cel_text(v)))
            return kd_cel_error(KD_STR("invalid UTF-8 in bytes, cannot convert to string"));
        return kd_cel_string(kd_cel_text(v));
    case KD_CEL_BOOL:
    case KD_CEL_INT:
    case KD_CEL_UINT:
    case KD_CEL_DOUBLE:
        kd_cel_value_print(&out, v);
        break;
    case KD_CEL_DURATION:
        kd_cel_duration_write(&out, v);
        break;
    case KD_CEL_TIMESTAMP:
        kd_cel_timestamp_write(&out, v);
        break;
    default:
        return kd_cel_no_overload_of(state, function_name(call), &v, 1);
    }
    return kd_cel_string(kd_buf_str(&out));
}

static kd_cel_value to_int(kd_cel_value v)
{
    if (v.type == KD_CEL_UINT)
        return int_of(v.u > INT64_MAX, (int64_t)v.u);
    if (v.type != KD_CEL_DOUBLE)
        return kd_cel_int(v.i);
    bool fits = v.d > -0x1p63 && v.d < 0x1p63;
    return int_of(!fits, fits ? (int64_t)v.d : 0);
}

static kd_cel_value to_uint(kd_cel_value v)
{
    if (v.type == KD_CEL_INT)
        return uint_of(v.i < 0, v.u);
    bool fits = v.d >= 0 && v.d < 0x1p64;
    return uint_of(!fits, fits ? (uint64_t)v.d : 0);
}

/* The types that each conversion takes, as bits, and the type that it gives. */
typedef struct conversion {
    uint32_t from;
    kd_cel_type_id to;
} conversion;

static conversion conversion_of(kd_cel_function function)
{
#define BIT(type) (1u << KD_CEL_##type)
    switch (function) {
    case KD_CEL_FN_TO_BOOL:
        return (conversion){BIT(BOOL) | BIT(STRING), KD_CEL_BOOL};
    case KD_CEL_FN_TO_BYTES:
        return (conversion){BIT(BYTES) | BIT(STRING), KD_CEL_BYTES};
    case KD_CEL_FN_TO_DOUBLE:
        return (conversion){BIT(DOUBLE) | BIT(INT) | BIT(UINT) | BIT(STRING), KD_CEL_DOUBLE};
    case KD_CEL_FN_TO_DURATION:
        return (conversion){BIT(DURATION) | BIT(INT) | BIT(STRING), KD_CEL_DURATION};
    case KD_CEL_FN_TO_INT:
        return (conversion){BIT(INT) | BIT(DOUBLE) | BIT(DURATION) | BIT(STRING) | BIT(TIMESTAMP) | BIT(UINT),
                            KD_CEL_INT};
    case KD_CEL_FN_TO_UINT:
        return (conversion){BIT(UINT) | BIT(DOUBLE) | BIT(INT) | BIT(STRING), KD_CEL_UINT};
    default:
        return (conversion){BIT(TIMESTAMP) | BIT(INT) | BIT(STRING), KD_CEL_TIMESTAMP};
    }
#undef BIT
}

static kd_cel_value convert(kd_cel_state *state, const kd_cel_expr *call, kd_cel_value v)
{
    conversion way = conversion_of((kd_cel_function)call->function);
    if (!(way.from >> v.type & 1))
        return kd_cel_no_overload_of(state, function_name(call), &v, 1);
    if (v.type == (uint8_t)way.to)
        return v;
    if (v.type == KD_CEL_STRING)
        return from_string(state, (kd_cel_function)call->function, way.to, v);
    switch (way.to) {
    case KD_CEL_DOUBLE:
        return double_of(v.type == KD_CEL_INT ? (double)v.i : (double)v.u);
    case KD_CEL_INT:
        return to_int(v);
    case KD_CEL_UINT:
        return to_uint(v);
    case KD_CEL_TIMESTAMP:
        return kd_cel_timestamp_of(v.i);
    default: /* declared for durations, but not made */
        return kd_cel_error(KD_STR("type conversion error from 'int' to 'google.protobuf.Duration'"));
    }
}

static kd_cel_value type_of(kd_cel_value v)
{
    kd_str name = kd_cel_type_name(v.type);
    return (kd_cel_value){.type = KD_CEL_TYPE, .n = (uint32_t)name.n, .text = name.p};
}

static kd_cel_value call_one(kd_cel_state *state, const kd_cel_expr *call, kd_cel_value v)
{
    switch ((kd_cel_function)call->function) {
    case KD_CEL_FN_NOT:
        return v.type == KD_CEL_BOOL ? kd_cel_bool(!v.boolean) : kd_cel_no_overload();
    case KD_CEL_FN_NEGATE:
        return negate(state, call, v);
    case KD_CEL_FN_SIZE:
        return size(state, call, v);
    case KD_CEL_FN_TO_BOOL:
    case KD_CEL_FN_TO_BYTES:
    case KD_CEL_FN_TO_DOUBLE:
    case KD_CEL_FN_TO_DURATION:
    case KD_CEL_FN_TO_INT:
    case KD_CEL_FN_TO_TIMESTAMP:
    case KD_CEL_FN_TO_UINT:
        return convert(state, call, v);
    case KD_CEL_FN_TO_STRING:
        return to_string(state, call, v);
    case KD_CEL_FN_TO_DYN:
        return v;
    case KD_CEL_FN_TO_TYPE:
        return type_of(v);
    default:
        return unable(state, call, v);
    }
}

static kd_cel_value call_two(kd_cel_state *state, const kd_cel_expr *call, kd_cel_value a, kd_cel_value b)
{
    switch ((kd_cel_function)call->function) {
    case KD_CEL_FN_LESS:
    case KD_CEL_FN_LESS_EQUAL:
    case KD_CEL_FN_GREATER:
    case KD_CEL_FN_GREATER_EQUAL:
        return compare(state, call, a, b);
    case KD_CEL_FN_ADD:
        return add(state, call, a, b);
    case KD_CEL_FN_SUBTRACT:
        return subtract(state, call, a, b);
    case KD_CEL_FN_MULTIPLY:
        return multiply(state, call, a, b);
    case KD_CEL_FN_DIVIDE:
        return divide(state, call, a, b);
    case KD_CEL_FN_MODULO:
        return modulo(state, call, a, b);
    case KD_CEL_FN_IN:
        return is_in(state, a, b);
    case KD_CEL_FN_CONTAINS:
    case KD_CEL_FN_STARTS_WITH:
    case KD_CEL_FN_ENDS_WITH:
        return search(state, call, a, b);
    case KD_CEL_FN_MATCHES:
        return matches(state, call, a, b);
    default:
        return unable(state, call, a);
    }
}

kd_cel_value kd_cel_apply(kd_cel_state *state, const kd_cel_expr *call, const kd_cel_value *args, uint32_t n)
{
    if (n && call->function >= KD_CEL_FN_GET_FULL_YEAR && call->function <= KD_CEL_FN_GET_MILLISECONDS)
        return kd_cel_time_part(state, call, args, n);
    if (n == 1)
        return call_one(state, call, args[0]);
    if (n == 2)
        return call_two(state, call, args[0], args[1]);
    return kd_cel_fail(state, "no such overload: %.*s", KD_FMT(function_name(call)));
}
