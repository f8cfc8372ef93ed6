/* The emitter's memory: shapes of objects seen before, and the stacks that stand for recursion. */
#ifndef KD_TEXT_JSON_SHAPES_H
#define KD_TEXT_JSON_SHAPES_H

#include "text/json.h"
#include "text/order.h"

#include <yyjson.h>

/* Objects with more members, or more bytes of keys, are sorted each time. */
#define KD_SHAPE_KEYS 32
#define KD_SHAPE_RAW  512
#define KD_SHAPE_TEXT 768
#define KD_SHAPES     32

/* One list of keys in the order in which a document had them: how to sort them, and how they are written. A shape is
 * only used for an object after all of its keys have been compared. */
typedef struct kd_shape {
    uint16_t n;                                        /* 0: empty */
    uint8_t users;                                     /* objects being written by it: it must not change */
    uint8_t credit;                                    /* uses that it may still be missed before it is given up */
    bool sorted;                                       /* the keys arrive in order */
    uint64_t head[KD_SHAPE_KEYS], tail[KD_SHAPE_KEYS]; /* first and last 8 bytes of each key */
    uint16_t len[KD_SHAPE_KEYS], raw_at[KD_SHAPE_KEYS];
    uint16_t text_at[KD_SHAPE_KEYS + 1];
    uint8_t order[KD_SHAPE_KEYS]; /* the member that is written as the i-th */
    char raw[KD_SHAPE_RAW];
    char text[KD_SHAPE_TEXT + 32]; /* `{"first":` and `,"next":` in order of writing */
} kd_shape;

typedef enum kd_frame_kind {
    KD_FRAME_LIST,    /* of a document */
    KD_FRAME_SHAPE,   /* an object of a document whose keys are known */
    KD_FRAME_ENTRIES, /* an object of a document, sorted */
    KD_FRAME_ITEMS,   /* a list in an arena */
    KD_FRAME_MEMBERS, /* an object in an arena, sorted */
} kd_frame_kind;

/* A container that is being written. */
typedef struct kd_frame {
    uint32_t kind, base; /* base: where its part of `members` begins */
    uint32_t at, n;
    union {
        yyjson_val *next;      /* the next item of a list, or member of a sorted shape */
        const kd_value *items; /* of a list in an arena */
    };
    kd_shape *shape;
} kd_frame;

/* A stack in bytes; parts are found by offset, since it moves when it grows. */
typedef struct kd_stack {
    char *p;
    size_t n, cap;
    bool heap; /* p came from malloc and is reserved in the ledger */
} kd_stack;

struct kd_json_shapes {
    kd_stack frames, members;
    kd_shape *shapes; /* KD_SHAPES of them, or NULL */
};

/* Room for `size` more bytes, or false. */
bool kd_stack_fit(kd_stack *stack, size_t size);
/* Frees what is above `keep` bytes. */
void kd_stack_trim(kd_stack *stack, size_t keep);

/* The shape of an object of 1 to KD_SHAPE_KEYS members, with pointers to its values in document order written to
 * `values` unless it is sorted; or NULL when it must be sorted by hand. */
kd_shape *kd_shape_find(kd_shape *shapes, yyjson_val *object, yyjson_val **values);

#endif
