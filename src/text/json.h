/* JSON in (yyjson, numbers raw; where it refuses, a slow reader that words Go's errors) and out (the one emitter). */
#ifndef KD_TEXT_JSON_H
#define KD_TEXT_JSON_H

#include "base/buf.h"
#include "text/value.h"

/* Bytes that must be writable and readable behind the text handed to kd_json_read; their content does not matter. */
#define KD_JSON_PAD 64
/* Depth at which Go's decoder refuses. */
#define KD_JSON_MAX_DEPTH 10000

/* A worker's reusable memory for documents that are read and emitted within one turn. Reserved in the ledger. */
typedef struct kd_json_pool {
    void *memory;
    size_t size, keep;
} kd_json_pool;

/* Nothing is allocated yet; between uses at most `keep` bytes stay. */
void kd_json_pool_init(kd_json_pool *pool, size_t keep);
void kd_json_pool_fini(kd_json_pool *pool);

typedef enum kd_json_result { KD_JSON_OK, KD_JSON_REFUSED, KD_JSON_NO_MEMORY } kd_json_result;

/* Reads the first JSON value of text[0..n), as Go's encoding/json Decoder does with UseNumber: what follows is ignored,
 * numbers stay text, the last duplicate wins, invalid UTF-8 and lone surrogates become U+FFFD, nesting beyond
 * KD_JSON_MAX_DEPTH is refused. The text is changed in place and must outlive the value.
 * Nodes lie in `arena` when given, else in `pool`, valid until its next use.
 * KD_JSON_REFUSED: *error is Go's text (spec/01 section 9.1), in `arena`, or in static or pool memory. */
kd_json_result kd_json_read(kd_json_pool *pool, kd_arena *arena, char *text, size_t n, kd_value *out, kd_str *error);

/* The same of a text that must be one JSON value and nothing else, as Go's json.Unmarshal reads it: *error is worded so
 * ("unexpected end of JSON input", "invalid character 'x' after top-level value"). The text is not changed. */
kd_json_result kd_json_read_all(kd_arena *arena, kd_str text, kd_value *out, kd_str *error);

/* Go's name of a value's type in "json: cannot unmarshal X into Go value of type …": object array string number bool.
 */
kd_str kd_json_type_name(kd_value v);

/* What the emitter may remember between documents: the shapes of objects, never their bytes. One per worker. */
typedef struct kd_json_shapes kd_json_shapes;
kd_json_shapes *kd_json_shapes_create(void);
void kd_json_shapes_destroy(kd_json_shapes *shapes);

/* Appends v as Go's encoding/json.Marshal writes it (spec/01 section 15.4): minified, keys of objects sorted by bytes
 * and unique, HTML-escaped, literals verbatim. KD_ABSENT is written as null. `shapes` may be NULL. False when
 * out->failed. Depth is bounded by what kd_json_read admits. */
bool kd_json_emit(kd_buf *out, kd_value v, kd_json_shapes *shapes);
/* The same for one string, quotes included. */
void kd_json_emit_string(kd_buf *out, kd_str s, kd_origin origin);

#endif
