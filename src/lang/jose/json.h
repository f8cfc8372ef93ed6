/* JSON as the JOSE libraries of Go read it: a member that stands twice in an object is refused wherever it is, and
 * numbers become float64. */
#ifndef KD_LANG_JOSE_JSON_H
#define KD_LANG_JOSE_JSON_H

#include "text/value.h"

typedef struct kd_jose_json {
    kd_value value;
    kd_str twice;    /* why a member is refused that stands twice below the top; p is NULL: none does */
    kd_str overflow; /* why a number is refused that no float64 holds; p is NULL: there is none */
} kd_jose_json;

/* Reads a text that is one JSON value, into the arena: lists and objects are arena nodes, numbers KD_ORIGIN_FLOAT64 in
 * them. False: *error is Go's text ("json: duplicate key 'a' in object" for one at the top), or p is NULL without
 * memory. What only a decoder that looks into every value finds is told in the result instead. */
bool kd_jose_json_read(kd_arena *arena, kd_str text, kd_jose_json *out, kd_str *error);

/* "json: cannot unmarshal <type> into Go value of type <wanted>", in the arena. */
kd_str kd_jose_json_mismatch(kd_arena *arena, kd_value found, const char *wanted);

#endif
