#include "lang/cel/run.h"

#include <math.h>

#include "text/go/duration.h"
#include "text/go/format.h"

#define MAX_NESTING 10000u /* of data that is compared; what is deeper is unequal */

kd_cel_value kd_cel_value_at(const kd_value *v)
{
    switch ((kd_value_type)v->type) {
    case KD_BOOL:
        return kd_cel_bool(v->boolean);
    case KD_NUMBER:
        if (v->origin == KD_ORIGIN_FLOAT64)
            return (kd_cel_value){.type = KD_CEL_DOUBLE, .d = v->number};
        return (kd_cel_value){.type = KD_CEL_STRING, .wrapped = true, .n = v->n, .text = v->text};
    case KD_STRING:
        return (kd_cel_value){.type = KD_CEL_STRING, .n = v->n, .text = v->text};
    case KD_LIST:
        return (kd_cel_value){.type = KD_CEL_LIST, .wrapped = true, .data = v};
    case KD_OBJECT:
        return (kd_cel_value){.type = KD_CEL_MAP, .wrapped = true, .data = v};
    case KD_ABSENT:
    case KD_NULL:
        break;
    }
    return (kd_cel_value){.type = KD_CEL_NULL};
}

kd_cel_value kd_cel_value_of(kd_arena *arena, kd_value v)
{
    if (v.type != KD_LIST && v.type != KD_OBJECT)
        return kd_cel_value_at(&v);
    kd_value *copy = kd_arena_alloc(arena, sizeof *copy);
    if (!copy)
        return kd_cel_error(KD_STR("out of memory"));
    *copy = v;
    return kd_cel_value_at(copy);
}

kd_str kd_cel_type_name(kd_cel_type_id type)
{
    static const kd_str names[] = {
        [KD_CEL_ERROR] = KD_STR_INIT("error"),
        [KD_CEL_NULL] = KD_STR_INIT("null_type"),
        [KD_CEL_BOOL] = KD_STR_INIT("bool"),
        [KD_CEL_INT] = KD_STR_INIT("int"),
        [KD_CEL_UINT] = KD_STR_INIT("uint"),
        [KD_CEL_DOUBLE] = KD_STR_INIT("double"),
        [KD_CEL_STRING] = KD_STR_INIT("string"),
        [KD_CEL_BYTES] = KD_STR_INIT("bytes"),
        [KD_CEL_LIST] = KD_STR_INIT("list"),
        [KD_CEL_MAP] = KD_STR_INIT("map"),
        [KD_CEL_TYPE] = KD_STR_INIT("type"),
        [KD_CEL_DURATION] = KD_STR_INIT("google.protobuf.Duration"),
        [KD_CEL_TIMESTAMP] = KD_STR_INIT("google.protobuf.Timestamp"),
    };
    return names[type];
}

kd_str kd_cel_go_type_name(kd_cel_value v)
{
    static const kd_str names[] = {
        [KD_CEL_ERROR] = KD_STR_INIT("*types.Err"),          [KD_CEL_NULL] = KD_STR_INIT("types.Null"),
        [KD_CEL_BOOL] = KD_STR_INIT("types.Bool"),           [KD_CEL_INT] = KD_STR_INIT("types.Int"),
        [KD_CEL_UINT] = KD_STR_INIT("types.Uint"),           [KD_CEL_DOUBLE] = KD_STR_INIT("types.Double"),
        [KD_CEL_STRING] = KD_STR_INIT("types.String"),       [KD_CEL_BYTES] = KD_STR_INIT("types.Bytes"),
        [KD_CEL_LIST] = KD_STR_INIT("*types.baseList"),      [KD_CEL_MAP] = KD_STR_INIT("*types.baseMap"),
        [KD_CEL_TYPE] = KD_STR_INIT("*types.Type"),          [KD_CEL_DURATION] = KD_STR_INIT("types.Duration"),
        [KD_CEL_TIMESTAMP] = KD_STR_INIT("types.Timestamp"),
    };
    return names[v.type];
}

/* Is this member the one that counts, where a document repeats its key? Only documents do. */
static bool member_counts(const kd_value *object, kd_value_iter iter, kd_str key)
{
    if (object->node)
        return true;
    kd_str later;
    kd_value v;
    while (kd_value_next(&iter, &later, &v))
        if (kd_str_eq(later, key))
            return false;
    return true;
}

size_t kd_cel_size_of(kd_cel_value v)
{
    if (!v.wrapped)
        return v.type == KD_CEL_MAP ? v.map->n : v.n;
    if (v.type == KD_CEL_LIST || v.data->node)
        return v.data->n;
    size_t n = 0;
    kd_str key;
    kd_value item;
    for (kd_value_iter iter = kd_value_each(*v.data); kd_value_next(&iter, &key, &item);)
        n += member_counts(v.data, iter, key);
    return n;
}

kd_cel_walk kd_cel_walk_of(kd_cel_value list_or_map)
{
    kd_cel_walk walk = {.of = list_or_map};
    if (list_or_map.wrapped)
        walk.iter = kd_value_each(*list_or_map.data);
    return walk;
}

bool kd_cel_walk_next(kd_cel_walk *walk, kd_arena *arena, kd_cel_value *out)
{
    kd_cel_value of = walk->of;
    if (!of.wrapped) {
        if (walk->at >= (of.type == KD_CEL_MAP ? of.map->n : of.n))
            return false;
        *out = of.type == KD_CEL_MAP ? of.map->entries[walk->at].key : of.items[walk->at];
        walk->at++;
        return true;
    }
    kd_str key;
    kd_value item;
    while (kd_value_next(&walk->iter, &key, &item)) {
        if (of.type == KD_CEL_LIST) {
            *out = kd_cel_value_of(arena, item);
            return true;
        }
        if (member_counts(of.data, walk->iter, key)) {
            *out = kd_cel_string(key);
            return true;
        }
    }
    return false;
}

/* Numbers of one value are one key, whatever their types; else keys are equal when type and value are. */
static bool same_key(kd_cel_value a, kd_cel_value b)
{
    uint32_t steps = 1000;
    return kd_cel_equal(a, b, &steps);
}

/* As cel-go finds keys: one of the very type first, then a number of the same value. */
static const kd_cel_entry *entry_of(const kd_cel_map *map, kd_cel_value key)
{
    const kd_cel_entry *near = NULL;
    for (uint32_t i = 0; i < map->n; i++) {
        if (!same_key(map->entries[i].key, key))
            continue;
        if (map->entries[i].key.type == key.type)
            return &map->entries[i];
        if (!near)
            near = &map->entries[i];
    }
    return near;
}

bool kd_cel_map_get(kd_arena *arena, kd_cel_value map, kd_cel_value key, kd_cel_value *out)
{
    if (!map.wrapped) {
        const kd_cel_entry *entry = entry_of(map.map, key);
        if (entry)
            *out = entry->value;
        return entry != NULL;
    }
    if (key.type != KD_CEL_STRING)
        return false;
    kd_value v = kd_value_get(*map.data, kd_cel_text(key));
    if (v.type == KD_ABSENT)
        return false;
    *out = kd_cel_value_of(arena, v);
    return true;
}

static int order(bool less, bool more)
{
    return more - less;
}

static int compare_double_int(double d, int64_t i)
{
    if (d < -0x1p63)
        return -1;
    if (d > 0x1p63)
        return 1;
    return order(d<(double)i, d>(double) i);
}

static int compare_double_uint(double d, uint64_t u)
{
    if (d < 0)
        return -1;
    if (d > 0x1p64)
        return 1;
    return order(d<(double)u, d>(double) u);
}

static int compare_int_uint(int64_t i, uint64_t u)
{
    if (i < 0 || u > INT64_MAX)
        return -1;
    return order((uint64_t)i<u, (uint64_t)i> u);
}

static bool is_number(kd_cel_value v)
{
    return v.type == KD_CEL_INT || v.type == KD_CEL_UINT || v.type == KD_CEL_DOUBLE;
}

/* cel-go's order of numbers across their types: a double against an integer is compared as doubles. */
static int compare_numbers(kd_cel_value a, kd_cel_value b)
{
    if ((a.type == KD_CEL_DOUBLE && isnan(a.d)) || (b.type == KD_CEL_DOUBLE && isnan(b.d)))
        return 2;
    switch (a.type) {
    case KD_CEL_INT:
        if (b.type == KD_CEL_INT)
            return order(a.i<b.i, a.i> b.i);
        return b.type == KD_CEL_UINT ? compare_int_uint(a.i, b.u) : -compare_double_int(b.d, a.i);
    case KD_CEL_UINT:
        if (b.type == KD_CEL_UINT)
            return order(a.u<b.u, a.u> b.u);
        return b.type == KD_CEL_INT ? -compare_int_uint(b.i, a.u) : -compare_double_uint(b.d, a.u);
    default:
        if (b.type == KD_CEL_DOUBLE)
            return order(a.d<b.d, a.d> b.d);
        return b.type == KD_CEL_INT ? compare_double_int(a.d, b.i) : compare_double_uint(a.d, b.u);
    }
}

int kd_cel_compare(kd_cel_value a, kd_cel_value b)
{
    if (a.type == KD_CEL_DOUBLE && isnan(a.d))
        return 2;
    if (is_number(a))
        return is_number(b) ? compare_numbers(a, b) : 3;
    if (a.type != b.type)
        return 3;
    switch (a.type) {
    case KD_CEL_BOOL:
        return order(a.boolean<b.boolean, a.boolean> b.boolean);
    case KD_CEL_STRING:
    case KD_CEL_BYTES: {
        int c = kd_str_cmp(kd_cel_text(a), kd_cel_text(b));
        return order(c<0, c> 0);
    }
    case KD_CEL_DURATION:
        return order(a.i<b.i, a.i> b.i);
    case KD_CEL_TIMESTAMP:
        return a.i != b.i ? order(a.i<b.i, a.i> b.i) : order(a.n<b.n, a.n> b.n);
    default:
        return 3;
    }
}

static bool equal_at(kd_cel_value a, kd_cel_value b, uint32_t *steps, uint32_t depth);

/* The next item of a list, or the member of an entry of a map, without an arena: data is wrapped in `room`. */
static kd_cel_value list_next(kd_cel_walk *walk, kd_value *room)
{
    if (!walk->of.wrapped)
        return walk->of.items[walk->at++];
    kd_str key;
    *room = KD_VALUE_NULL;
    kd_value_next(&walk->iter, &key, room);
    return kd_cel_value_at(room);
}

static bool map_find(kd_cel_value map, kd_cel_value key, kd_value *room, kd_cel_value *out)
{
    if (!map.wrapped)
        return kd_cel_map_get(NULL, map, key, out);
    if (key.type != KD_CEL_STRING)
        return false;
    *room = kd_value_get(*map.data, kd_cel_text(key));
    *out = kd_cel_value_at(room);
    return room->type != KD_ABSENT;
}

static bool equal_lists(kd_cel_value a, kd_cel_value b, uint32_t *steps, uint32_t depth)
{
    size_t n = kd_cel_size_of(a);
    if (n != kd_cel_size_of(b))
        return false;
    kd_cel_walk in_a = kd_cel_walk_of(a), in_b = kd_cel_walk_of(b);
    for (size_t i = 0; i < n; i++) {
        kd_value room_a, room_b;
        kd_cel_value x = list_next(&in_a, &room_a), y = list_next(&in_b, &room_b);
        if (!equal_at(x, y, steps, depth + 1))
            return false;
    }
    return true;
}

static bool equal_maps(kd_cel_value a, kd_cel_value b, uint32_t *steps, uint32_t depth)
{
    size_t n = kd_cel_size_of(a);
    if (n != kd_cel_size_of(b))
        return false;
    kd_cel_walk walk = kd_cel_walk_of(a);
    for (kd_cel_value key; kd_cel_walk_next(&walk, NULL, &key);) {
        kd_value room_a, room_b;
        kd_cel_value x, y;
        if (*steps <= n) {
            *steps = 0;
            return false;
        }
        *steps -= (uint32_t)n;
        if (!map_find(a, key, &room_a, &x) || !map_find(b, key, &room_b, &y) || !equal_at(x, y, steps, depth + 1))
            return false;
    }
    return true;
}

static bool equal_at(kd_cel_value a, kd_cel_value b, uint32_t *steps, uint32_t depth)
{
    if (*steps <= 1 || depth > MAX_NESTING) {
        *steps = 0;
        return false;
    }
    --*steps;
    if (is_number(a))
        return is_number(b) && compare_numbers(a, b) == 0;
    if (a.type != b.type)
        return false;
    switch (a.type) {
    case KD_CEL_NULL:
        return true;
    case KD_CEL_TYPE:
    case KD_CEL_STRING:
    case KD_CEL_BYTES:
        return kd_str_eq(kd_cel_text(a), kd_cel_text(b));
    case KD_CEL_LIST:
        return equal_lists(a, b, steps, depth);
    case KD_CEL_MAP:
        return equal_maps(a, b, steps, depth);
    default:
        return kd_cel_compare(a, b) == 0;
    }
}

bool kd_cel_equal(kd_cel_value a, kd_cel_value b, uint32_t *steps)
{
    return equal_at(a, b, steps, 0);
}

static void print_bytes(kd_buf *out, kd_str bytes)
{
    kd_buf_byte(out, '[');
    for (size_t i = 0; i < bytes.n; i++)
        kd_buf_printf(out, i ? " %u" : "%u", (uint8_t)bytes.p[i]);
    kd_buf_byte(out, ']');
}

/* A list's items are printed as they lie in Go: data as data, what an expression made as cel-go's values. */
static void print_list(kd_buf *out, kd_cel_value v)
{
    kd_buf_byte(out, '[');
    kd_str key;
    kd_value item;
    if (v.wrapped) {
        bool first = true;
        for (kd_value_iter iter = kd_value_each(*v.data); kd_value_next(&iter, &key, &item); first = false) {
            if (!first)
                kd_buf_add(out, KD_STR(", "));
            kd_go_value_v(out, item);
        }
    } else {
        for (uint32_t i = 0; i < v.n && !out->failed; i++) {
            if (i)
                kd_buf_add(out, KD_STR(", "));
            kd_cel_value_print(out, v.items[i]);
        }
    }
    kd_buf_byte(out, ']');
}

static void print_entry(kd_buf *out, kd_cel_value key, kd_cel_value value)
{
    kd_cel_value_print(out, key);
    kd_buf_add(out, KD_STR(": "));
    if (key.type == KD_CEL_DOUBLE && isnan(key.d)) /* Go does not find it again */
        kd_buf_add(out, KD_STR("<nil>"));
    else
        kd_cel_value_print(out, value);
}

static void print_map(kd_buf *out, kd_cel_value v)
{
    kd_buf_byte(out, '{');
    for (uint32_t i = 0; !v.wrapped && i < v.map->n && !out->failed; i++) {
        kd_buf_add(out, i ? KD_STR(", ") : KD_STR(""));
        print_entry(out, v.map->entries[i].key, v.map->entries[i].value);
    }
    kd_cel_walk walk = kd_cel_walk_of(v);
    bool first = true;
    for (kd_cel_value key, value; v.wrapped && !out->failed && kd_cel_walk_next(&walk, NULL, &key); first = false) {
        kd_value room;
        kd_buf_add(out, first ? KD_STR("") : KD_STR(", "));
        if (map_find(v, key, &room, &value))
            print_entry(out, key, value);
    }
    kd_buf_byte(out, '}');
}

/* ListType and MapType have parameters, so that Go prints them. */
static kd_str type_text(kd_str name)
{
    if (kd_str_eq(name, KD_STR("list")))
        return KD_STR("list(dyn)");
    return kd_str_eq(name, KD_STR("map")) ? KD_STR("map(dyn, dyn)") : name;
}

void kd_cel_value_print(kd_buf *out, kd_cel_value v)
{
    char room[KD_GO_DURATION_MAX];
    switch ((kd_cel_type_id)v.type) {
    case KD_CEL_ERROR:
    case KD_CEL_STRING:
        kd_buf_add(out, kd_cel_text(v));
        break;
    case KD_CEL_TYPE:
        kd_buf_add(out, type_text(kd_cel_text(v)));
        break;
    case KD_CEL_NULL: /* an enumeration of protobuf without a name in Go */
        kd_buf_byte(out, '0');
        break;
    case KD_CEL_BOOL:
        kd_buf_add(out, v.boolean ? KD_STR("true") : KD_STR("false"));
        break;
    case KD_CEL_INT:
        kd_buf_printf(out, "%lld", (long long)v.i);
        break;
    case KD_CEL_UINT:
        kd_buf_printf(out, "%llu", (unsigned long long)v.u);
        break;
    case KD_CEL_DOUBLE:
        kd_go_float_v(out, v.d);
        break;
    case KD_CEL_BYTES:
        print_bytes(out, kd_cel_text(v));
        break;
    case KD_CEL_LIST:
        print_list(out, v);
        break;
    case KD_CEL_MAP:
        print_map(out, v);
        break;
    case KD_CEL_DURATION:
        kd_buf_add(out, (kd_str){room, kd_go_duration_write(room, v.i)});
        break;
    case KD_CEL_TIMESTAMP:
        kd_cel_timestamp_print(out, v);
        break;
    }
}
