/* As much of Go's gob encoding as net/rpc needs between this gateway and KrakenD's bloom filter clients (spec/02
 * appendix A). Bytes in, bytes out; malformed input makes the reader bad, never more. */
#ifndef KD_MODULES_AUTH_REVOKER_GOB_H
#define KD_MODULES_AUTH_REVOKER_GOB_H

#include "base/arena.h"
#include "base/buf.h"

#define KD_GOB_TYPES  64 /* that one stream may define */
#define KD_GOB_FIELDS 16 /* of a struct */
#define KD_GOB_DEPTH  16 /* values inside one another */

typedef enum kd_gob_kind { KD_GOB_STRUCT, KD_GOB_SLICE, KD_GOB_ARRAY, KD_GOB_MAP, KD_GOB_BYTES } kd_gob_kind;

/* Builtin types. */
enum { KD_GOB_BOOL = 1, KD_GOB_INT, KD_GOB_UINT, KD_GOB_FLOAT, KD_GOB_BYTE_SLICE, KD_GOB_STRING, KD_GOB_COMPLEX };

typedef struct kd_gob_type {
    int64_t id;
    kd_gob_kind kind;
    int64_t key, elem; /* of maps, slices and arrays */
    uint32_t n;
    struct {
        char name[32];
        uint8_t name_n;
        int64_t id;
    } fields[KD_GOB_FIELDS];
} kd_gob_type;

/* What one stream has defined. */
typedef struct kd_gob_types {
    kd_gob_type *v; /* KD_GOB_TYPES of them, made with the first definition */
    uint32_t n;
    kd_arena *arena;
} kd_gob_types;

typedef struct kd_gob_in {
    kd_gob_types *types;
    const uint8_t *p, *end;
    bool bad;
} kd_gob_in;

uint64_t kd_gob_uint(kd_gob_in *in);
int64_t kd_gob_int(kd_gob_in *in);
double kd_gob_float(kd_gob_in *in);
/* A string or []byte, borrowed. */
kd_str kd_gob_bytes(kd_gob_in *in);
/* Reads a definition (the type id before it was negative: -id). */
void kd_gob_define(kd_gob_in *in, int64_t id);
/* Goes over a value of that type. */
void kd_gob_skip(kd_gob_in *in, int64_t type, unsigned depth);
const kd_gob_type *kd_gob_type_of(const kd_gob_in *in, int64_t id);
/* Walks over the fields of a struct value: the name and type of the next field, whose value the caller reads or skips.
 * *at starts at -1. False at the end. */
bool kd_gob_field(kd_gob_in *in, const kd_gob_type *type, int64_t *at, kd_str *name, int64_t *field_type);
/* The value of a whole stream of messages: definitions are read, then *type is that of the value that `in` stands at.
 */
bool kd_gob_value(kd_gob_in *in, int64_t *type);

void kd_gob_put_uint(kd_buf *out, uint64_t v);
void kd_gob_put_int(kd_buf *out, int64_t v);
void kd_gob_put_text(kd_buf *out, kd_str s);
void kd_gob_put_float(kd_buf *out, double v);
/* A message: its length, then its bytes. */
void kd_gob_put_message(kd_buf *out, kd_str message);

#endif
