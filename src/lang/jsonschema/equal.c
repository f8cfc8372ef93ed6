#include "lang/jsonschema/own.h"

#include "base/hash.h"

#define HASHED_MIN 21u /* items from which on they are hashed */

uint8_t kd_schema_type(kd_value value)
{
    switch ((kd_value_type)value.type) {
    case KD_BOOL:
        return KD_SCHEMA_BOOLEAN;
    case KD_NUMBER:
        return KD_SCHEMA_NUMBER;
    case KD_STRING:
        return KD_SCHEMA_STRING;
    case KD_LIST:
        return KD_SCHEMA_ARRAY;
    case KD_OBJECT:
        return KD_SCHEMA_OBJECT;
    case KD_ABSENT:
    case KD_NULL:
        break;
    }
    return KD_SCHEMA_NULL;
}

const char *kd_schema_type_name(uint8_t bit)
{
    switch (bit) {
    case KD_SCHEMA_NULL:
        return "null";
    case KD_SCHEMA_BOOLEAN:
        return "boolean";
    case KD_SCHEMA_NUMBER:
        return "number";
    case KD_SCHEMA_INTEGER:
        return "integer";
    case KD_SCHEMA_STRING:
        return "string";
    case KD_SCHEMA_ARRAY:
        return "array";
    default:
        return "object";
    }
}

/* Takes n steps; false when they are used up. */
static bool spend(uint32_t *steps, uint32_t n)
{
    *steps = *steps > n ? *steps - n : 0;
    return *steps > 0;
}

static bool equal(kd_value a, kd_value b, unsigned depth, uint32_t *steps);

static bool equal_lists(kd_value a, kd_value b, unsigned depth, uint32_t *steps)
{
    kd_value x, y;
    kd_str key;
    if (a.n != b.n)
        return false;
    kd_value_iter left = kd_value_each(a), right = kd_value_each(b);
    while (kd_value_next(&left, &key, &x))
        if (!kd_value_next(&right, &key, &y) || !equal(x, y, depth, steps))
            return false;
    return true;
}

/* Has every member of a its like in b? `values`: and the same value. Looking a name up walks over the members. */
static bool contained(kd_value a, kd_value b, bool values, unsigned depth, uint32_t *steps)
{
    kd_value x;
    kd_str key;
    for (kd_value_iter iter = kd_value_each(a); kd_value_next(&iter, &key, &x);) {
        if (!spend(steps, (a.n + b.n) / 8 + 1))
            return false;
        kd_value y = kd_value_get(b, key);
        if (y.type == KD_ABSENT || (values && !equal(kd_value_get(a, key), y, depth, steps)))
            return false;
    }
    return true;
}

static bool equal(kd_value a, kd_value b, unsigned depth, uint32_t *steps)
{
    kd_decimal x, y;
    uint8_t type = kd_schema_type(a);
    if (type != kd_schema_type(b) || depth == 0 || !spend(steps, 1))
        return false;
    switch (type) {
    case KD_SCHEMA_BOOLEAN:
        return a.boolean == b.boolean;
    case KD_SCHEMA_NUMBER:
        kd_decimal_read(a, &x);
        kd_decimal_read(b, &y);
        return kd_decimal_cmp(&x, &y) == 0;
    case KD_SCHEMA_STRING:
        return kd_str_eq(kd_value_text(a), kd_value_text(b));
    case KD_SCHEMA_ARRAY:
        return equal_lists(a, b, depth - 1, steps);
    case KD_SCHEMA_OBJECT:
        return contained(a, b, true, depth - 1, steps) && contained(b, a, false, depth - 1, steps);
    default:
        return true;
    }
}

bool kd_schema_equal(kd_value a, kd_value b, uint32_t *steps)
{
    return equal(a, b, KD_JSONSCHEMA_DEPTH, steps);
}

/* ---- equal items of a list */

static uint64_t hash_text(kd_str s, uint64_t seed)
{
    return kd_hash(s) ^ (seed * 1099511628211u);
}

/* Equal values have equal hashes; the order of members does not count. */
static uint64_t hash_value(kd_value v, unsigned depth, uint32_t *steps)
{
    kd_value item;
    kd_str key;
    kd_decimal decimal;
    uint64_t sum = v.type * 0x9e3779b97f4a7c15u;
    if (depth == 0 || *steps == 0)
        return sum;
    --*steps;
    switch ((kd_value_type)v.type) {
    case KD_BOOL:
        return sum + v.boolean;
    case KD_NUMBER:
        kd_decimal_read(v, &decimal);
        return kd_decimal_hash(&decimal, sum);
    case KD_STRING:
        return hash_text(kd_value_text(v), sum);
    case KD_LIST:
        for (kd_value_iter iter = kd_value_each(v); kd_value_next(&iter, &key, &item);)
            sum = sum * 31 + hash_value(item, depth - 1, steps);
        return sum;
    case KD_OBJECT:
        /* only the names: a repeated one counts once in some documents, and not in others */
        for (kd_value_iter iter = kd_value_each(v); kd_value_next(&iter, &key, &item);)
            sum |= hash_text(key, 1);
        return sum;
    default:
        return sum;
    }
}

typedef struct bucket {
    uint64_t hash;
    uint32_t item; /* index + 1 */
} bucket;

static bool hashed(kd_value list, kd_arena *arena, uint32_t *steps, uint32_t *first, uint32_t *second)
{
    uint32_t size = 64, n = 0;
    kd_value *items = KD_NEW_ARRAY(arena, kd_value, list.n + 1);
    kd_str key;
    while (size < list.n * 2)
        size *= 2;
    bucket *table = KD_NEW_ARRAY(arena, bucket, size);
    if (!items || !table)
        return false;
    for (kd_value_iter iter = kd_value_each(list); kd_value_next(&iter, &key, &items[n]); n++) {
        uint64_t hash = hash_value(items[n], KD_JSONSCHEMA_DEPTH, steps);
        uint32_t at = (uint32_t)(hash ^ hash >> 32) & (size - 1);
        for (; table[at].item && spend(steps, 1); at = (at + 1) & (size - 1)) {
            uint32_t other = table[at].item - 1;
            if (table[at].hash == hash && kd_schema_equal(items[n], items[other], steps)) {
                *first = other;
                *second = n;
                return true;
            }
        }
        if (!*steps)
            return false;
        table[at] = (bucket){hash, n + 1};
    }
    return false;
}

bool kd_schema_duplicates(kd_value list, kd_arena *arena, uint32_t *steps, uint32_t *first, uint32_t *second)
{
    kd_value items[HASHED_MIN];
    kd_str key;
    uint32_t n = 0;
    if (list.n >= HASHED_MIN)
        return hashed(list, arena, steps, first, second);
    for (kd_value_iter iter = kd_value_each(list); kd_value_next(&iter, &key, &items[n]); n++)
        for (uint32_t i = 0; i < n; i++)
            if (kd_schema_equal(items[n], items[i], steps)) {
                *first = i;
                *second = n;
                return true;
            }
    return false;
}
