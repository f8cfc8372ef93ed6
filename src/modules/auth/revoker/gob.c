#include "modules/auth/revoker/gob.h"

static uint8_t byte(kd_gob_in *in)
{
    if (in->p == in->end) {
        in->bad = true;
        return 0;
    }
    return *in->p++;
}

uint64_t kd_gob_uint(kd_gob_in *in)
{
    uint8_t first = byte(in);
    if (first < 128)
        return first;
    unsigned n = 256u - first;
    uint64_t v = 0;
    if (n > 8)
        in->bad = true;
    for (unsigned i = 0; i < n && !in->bad; i++)
        v = v << 8 | byte(in);
    return in->bad ? 0 : v;
}

int64_t kd_gob_int(kd_gob_in *in)
{
    uint64_t v = kd_gob_uint(in);
    return v & 1 ? (int64_t) ~(v >> 1) : (int64_t)(v >> 1);
}

double kd_gob_float(kd_gob_in *in)
{
    uint64_t bits = __builtin_bswap64(kd_gob_uint(in));
    double v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

kd_str kd_gob_bytes(kd_gob_in *in)
{
    uint64_t n = kd_gob_uint(in);
    if (in->bad || n > (uint64_t)(in->end - in->p)) {
        in->bad = true;
        return KD_STR("");
    }
    kd_str s = {(const char *)in->p, (size_t)n};
    in->p += n;
    return s;
}

const kd_gob_type *kd_gob_type_of(const kd_gob_in *in, int64_t id)
{
    for (uint32_t i = 0; i < in->types->n; i++)
        if (in->types->v[i].id == id)
            return &in->types->v[i];
    return NULL;
}

/* The number of the next field of a struct, -1 at its end. */
static int64_t next_field(kd_gob_in *in, int64_t at)
{
    uint64_t delta = kd_gob_uint(in);
    if (in->bad || delta == 0)
        return -1;
    if (delta > 1000) {
        in->bad = true;
        return -1;
    }
    return at + (int64_t)delta;
}

/* ---- definitions ------------------------------------------------------------------------------------------------- */

/* CommonType: name and id, of no interest. */
static void skip_common(kd_gob_in *in)
{
    for (int64_t at = -1; (at = next_field(in, at)) >= 0;) {
        if (at == 0)
            kd_gob_bytes(in);
        else
            kd_gob_int(in);
    }
}

static void read_field(kd_gob_in *in, kd_gob_type *type)
{
    kd_str name = KD_STR("");
    int64_t id = 0;
    for (int64_t at = -1; (at = next_field(in, at)) >= 0;) {
        if (at == 0)
            name = kd_gob_bytes(in);
        else
            id = kd_gob_int(in);
    }
    if (type->n == KD_GOB_FIELDS || name.n > sizeof type->fields[0].name) {
        in->bad = true;
        return;
    }
    memcpy(type->fields[type->n].name, name.p, name.n);
    type->fields[type->n].name_n = (uint8_t)name.n;
    type->fields[type->n++].id = id;
}

static void read_body(kd_gob_in *in, kd_gob_type *type)
{
    for (int64_t at = -1; !in->bad && (at = next_field(in, at)) >= 0;) {
        if (at == 0) {
            skip_common(in);
        } else if (type->kind == KD_GOB_STRUCT) {
            for (uint64_t n = kd_gob_uint(in); n && !in->bad; n--)
                read_field(in, type);
        } else if (type->kind == KD_GOB_MAP && at == 1) {
            type->key = kd_gob_int(in);
        } else if (type->kind == KD_GOB_ARRAY && at == 2) {
            kd_gob_int(in);
        } else {
            type->elem = kd_gob_int(in);
        }
    }
}

void kd_gob_define(kd_gob_in *in, int64_t id)
{
    static const kd_gob_kind kinds[] = {KD_GOB_ARRAY, KD_GOB_SLICE, KD_GOB_STRUCT, KD_GOB_MAP,
                                        KD_GOB_BYTES, KD_GOB_BYTES, KD_GOB_BYTES};
    kd_gob_types *types = in->types;
    if (!types->v)
        types->v = KD_NEW_ARRAY(types->arena, kd_gob_type, KD_GOB_TYPES);
    int64_t kind = next_field(in, -1);
    if (!types->v || types->n == KD_GOB_TYPES || kind < 0 || kind >= (int64_t)KD_COUNT(kinds) ||
        kd_gob_type_of(in, id)) {
        in->bad = true;
        return;
    }
    kd_gob_type *type = &types->v[types->n++];
    *type = (kd_gob_type){.id = id, .kind = kinds[kind]};
    read_body(in, type);
    if (next_field(in, kind) >= 0)
        in->bad = true;
}

/* ---- values ------------------------------------------------------------------------------------------------------ */

bool kd_gob_field(kd_gob_in *in, const kd_gob_type *type, int64_t *at, kd_str *name, int64_t *field_type)
{
    *at = next_field(in, *at);
    if (*at < 0)
        return false;
    if (*at >= (int64_t)type->n) {
        in->bad = true;
        return false;
    }
    *name = kd_str_of(type->fields[*at].name, type->fields[*at].name_n);
    *field_type = type->fields[*at].id;
    return true;
}

static void skip_made(kd_gob_in *in, const kd_gob_type *type, unsigned depth)
{
    kd_str name;
    int64_t field, at = -1;
    switch (type->kind) {
    case KD_GOB_BYTES:
        kd_gob_bytes(in);
        return;
    case KD_GOB_STRUCT:
        while (!in->bad && kd_gob_field(in, type, &at, &name, &field))
            kd_gob_skip(in, field, depth + 1);
        return;
    default:
        for (uint64_t n = kd_gob_uint(in); n && !in->bad; n--) {
            if (type->kind == KD_GOB_MAP)
                kd_gob_skip(in, type->key, depth + 1);
            kd_gob_skip(in, type->elem, depth + 1);
            if (in->p == in->end && n > 1)
                in->bad = true;
        }
    }
}

void kd_gob_skip(kd_gob_in *in, int64_t id, unsigned depth)
{
    const kd_gob_type *type;
    switch (id) {
    case KD_GOB_BOOL:
    case KD_GOB_INT:
    case KD_GOB_UINT:
    case KD_GOB_FLOAT:
        kd_gob_uint(in);
        return;
    case KD_GOB_BYTE_SLICE:
    case KD_GOB_STRING:
        kd_gob_bytes(in);
        return;
    default:
        type = kd_gob_type_of(in, id);
        if (!type || depth == KD_GOB_DEPTH)
            in->bad = true;
        else
            skip_made(in, type, depth);
    }
}

bool kd_gob_value(kd_gob_in *in, int64_t *type)
{
    while (!in->bad && in->p < in->end) {
        kd_str message = kd_gob_bytes(in);
        kd_gob_in inner = {in->types, (const uint8_t *)message.p, (const uint8_t *)message.p + message.n, in->bad};
        int64_t id = kd_gob_int(&inner);
        if (id >= 0) {
            *type = id;
            *in = inner;
            return !in->bad;
        }
        if (id != INT64_MIN)
            kd_gob_define(&inner, -id);
        in->bad |= inner.bad || id == INT64_MIN;
    }
    in->bad = true;
    return false;
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

void kd_gob_put_uint(kd_buf *out, uint64_t v)
{
    if (v < 128) {
        kd_buf_byte(out, (char)v);
        return;
    }
    unsigned n = 8 - (unsigned)__builtin_clzll(v) / 8;
    kd_buf_byte(out, (char)(256u - n));
    while (n--)
        kd_buf_byte(out, (char)(v >> (8 * n)));
}

void kd_gob_put_int(kd_buf *out, int64_t v)
{
    kd_gob_put_uint(out, v < 0 ? ~(uint64_t)v << 1 | 1 : (uint64_t)v << 1);
}

void kd_gob_put_text(kd_buf *out, kd_str s)
{
    kd_gob_put_uint(out, s.n);
    kd_buf_add(out, s);
}

void kd_gob_put_float(kd_buf *out, double v)
{
    uint64_t bits;
    memcpy(&bits, &v, sizeof bits);
    kd_gob_put_uint(out, __builtin_bswap64(bits));
}

void kd_gob_put_message(kd_buf *out, kd_str message)
{
    kd_gob_put_uint(out, message.n);
    kd_buf_add(out, message);
}
