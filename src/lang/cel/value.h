/* A value while an expression runs: 16 bytes, by value. What it points to is never changed. Data of the gateway
 * (kd_value) is not converted: it is wrapped, and seen as cel-go's adapter for Go's values would see it. */
#ifndef KD_LANG_CEL_VALUE_H
#define KD_LANG_CEL_VALUE_H

#include "base/buf.h"
#include "text/value.h"

typedef enum kd_cel_type_id {
    KD_CEL_ERROR, /* text */
    KD_CEL_NULL,
    KD_CEL_BOOL,
    KD_CEL_INT,
    KD_CEL_UINT,
    KD_CEL_DOUBLE,
    KD_CEL_STRING, /* text; bytes that are no UTF-8 only where the gateway's data had them */
    KD_CEL_BYTES,  /* text */
    KD_CEL_LIST,
    KD_CEL_MAP,
    KD_CEL_TYPE, /* text: its name */
    KD_CEL_DURATION,
    KD_CEL_TIMESTAMP,
} kd_cel_type_id;

struct kd_cel_list;
struct kd_cel_map;

typedef struct kd_cel_value {
    uint8_t type; /* kd_cel_type_id */
    bool wrapped; /* list or map: `data`, not made by an expression; string: the gateway's number (json.Number) */
    int16_t zone; /* timestamp: minutes east of UTC in which its text was written; no part of its value */
    uint32_t n;   /* bytes of text; items of a list made by an expression; nanoseconds of a timestamp, 0..999999999 */
    union {
        bool boolean;
        int64_t i; /* int; duration in nanoseconds; timestamp: seconds since 1970 */
        uint64_t u;
        double d;
        const char *text;                 /* string, bytes, type, error */
        const struct kd_cel_value *items; /* list: n items */
        const struct kd_cel_map *map;
        const kd_value *data; /* wrapped list or object */
    };
} kd_cel_value;

/* A map that an expression made: entries in the order of writing, keys unique (bool, int, uint or string; numbers of
 * one value are one key). */
typedef struct kd_cel_entry {
    kd_cel_value key, value;
} kd_cel_entry;
typedef struct kd_cel_map {
    uint32_t n;
    const kd_cel_entry *entries;
} kd_cel_map;

static inline kd_str kd_cel_text(kd_cel_value v)
{
    return (kd_str){v.text, v.n};
}
static inline kd_cel_value kd_cel_bool(bool b)
{
    return (kd_cel_value){.type = KD_CEL_BOOL, .boolean = b};
}
static inline kd_cel_value kd_cel_int(int64_t i)
{
    return (kd_cel_value){.type = KD_CEL_INT, .i = i};
}
static inline kd_cel_value kd_cel_string(kd_str s)
{
    return (kd_cel_value){.type = KD_CEL_STRING, .text = s.p, .n = (uint32_t)s.n};
}
static inline kd_cel_value kd_cel_error(kd_str text)
{
    return (kd_cel_value){.type = KD_CEL_ERROR, .text = text.p, .n = (uint32_t)text.n};
}

/* The gateway's data as cel-go sees Go's: a literal number is a string (json.Number's kind), a float64 a double, null
 * is null, objects and lists are wrapped (their kd_value is copied to the arena, what it refers to is not). An error
 * value without memory. */
kd_cel_value kd_cel_value_of(kd_arena *arena, kd_value v);

/* Heterogeneous equality as cel-go has it at run time: numbers by value across types, NaN unequal to all, lists and
 * maps deeply, values of different types unequal. Bounded by `*steps`, which it counts down; at 0 it says false. */
bool kd_cel_equal(kd_cel_value a, kd_cel_value b, uint32_t *steps);

/* What Go's %v prints of the value's Go form, as log lines show results: "false", "7", "[1 2]", ... */
void kd_cel_value_print(kd_buf *out, kd_cel_value v);

#endif
