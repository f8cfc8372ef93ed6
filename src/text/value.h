/* Decoded data. A kd_value is a small tagged reference, passed by value: to an immutable yyjson node, or to a node in
 * an arena. Nothing it refers to is ever changed; who edits copies the path it touches (kd_object_*). The memory behind
 * it belongs to the document or arena it came from. */
#ifndef KD_TEXT_VALUE_H
#define KD_TEXT_VALUE_H

#include "base/arena.h"

typedef enum kd_value_type {
    KD_ABSENT, /* no value at all: Go's missing key; data that is nil is KD_NULL */
    KD_NULL,
    KD_BOOL,
    KD_NUMBER,
    KD_STRING,
    KD_LIST,
    KD_OBJECT,
} kd_value_type;

/* Where a number or string comes from: Go prints them differently (spec/01 sections 6.2, 15.4, 15.5). */
typedef enum kd_origin {
    KD_ORIGIN_DECODED, /* string: valid UTF-8 from a decoder */
    KD_ORIGIN_BYTES,   /* string: raw bytes, may be invalid UTF-8: each bad byte is written as \ufffd */
    KD_ORIGIN_LITERAL, /* number: its text, printed verbatim */
    KD_ORIGIN_FLOAT64, /* number: a double, printed as Go prints float64 */
    KD_ORIGIN_INT,     /* number: its text; YAML sees a number in it, not the string that a literal is */
    KD_ORIGIN_LIST,    /* null: a list that is nil, which YAML writes as an empty one */
    KD_ORIGIN_OBJECT,  /* null: a map that is nil */
} kd_origin;

typedef struct kd_value {
    uint8_t type;   /* kd_value_type */
    uint8_t origin; /* kd_origin, of numbers, strings and nulls */
    bool node;      /* list or object: an arena node (else a yyjson node) */
    bool boolean;
    uint32_t n; /* bytes of a string or literal; members of a list or object (duplicates of a yyjson object counted) */
    union {
        const char *text;               /* string, literal number */
        double number;                  /* KD_ORIGIN_FLOAT64 */
        const void *json;               /* yyjson_val * of a list or object */
        const struct kd_object *object; /* arena node */
        const struct kd_value *items;   /* arena node of a list: n items */
    };
} kd_value;

typedef struct kd_member {
    kd_str key;
    kd_value value;
} kd_member;

/* An object in an arena: members in insertion order, keys unique unless `typed`. */
typedef struct kd_object {
    uint32_t n, cap;
    bool typed; /* members keep this order on output (Go structs); else sorted by key */
    kd_member *members;
} kd_object;

#define KD_VALUE_ABSENT ((kd_value){.type = KD_ABSENT})
#define KD_VALUE_NULL   ((kd_value){.type = KD_NULL})
/* Go's nil of a type: `kind` is KD_ORIGIN_LIST or KD_ORIGIN_OBJECT. */
#define KD_VALUE_NIL(kind) ((kd_value){.type = KD_NULL, .origin = (kind)})

kd_value kd_value_bool(bool b);
kd_value kd_value_string(kd_str s, kd_origin origin); /* borrows s; at most 4 GiB */
kd_value kd_value_literal(kd_str digits);             /* borrows the text of a JSON number */
kd_value kd_value_int(kd_str digits);                 /* borrows the text */
kd_value kd_value_float(double v);
kd_value kd_value_object(const kd_object *object);
kd_value kd_value_list(const kd_value *items, uint32_t n);

static inline kd_str kd_value_text(kd_value v)
{
    return (kd_str){v.text, v.n};
}

/* The member of that key (the last one where a document repeats it), or KD_ABSENT; KD_ABSENT for what is no object. */
kd_value kd_value_get(kd_value object, kd_str key);

/* Walks the members of an object, or the items of a list (key is empty then), in document order; duplicates of a
 * document's object are all seen, the last one counts. */
typedef struct kd_value_iter {
    kd_value of;
    uint32_t at;
    const void *next;
} kd_value_iter;
kd_value_iter kd_value_each(kd_value list_or_object);
bool kd_value_next(kd_value_iter *iter, kd_str *key, kd_value *value);

/* An empty object with room for `cap` members. NULL without memory. */
kd_object *kd_object_create(kd_arena *arena, uint32_t cap);
/* A shallow copy of any object value, duplicates resolved (last wins). NULL without memory. */
kd_object *kd_object_copy(kd_arena *arena, kd_value object);
/* Sets or replaces a member; grows in the arena. False without memory. */
bool kd_object_set(kd_object *object, kd_arena *arena, kd_str key, kd_value value);
/* Removes a member; false when there was none. */
bool kd_object_remove(kd_object *object, kd_str key);
/* Copies everything v refers to into the arena, so that it outlives its document. type is KD_ABSENT without memory. */
kd_value kd_value_copy(kd_arena *arena, kd_value v);

#endif
