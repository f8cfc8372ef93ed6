#include "modules/auth/revoker/rpc.h"

#include "http/gunzip.h"

#include <stdio.h>

/* Our types: any numbers above the builtin ones will do. */
enum { RESPONSE = 65, NOTHING, ADDED, CHECKS, CHECKED, JOINED };

void kd_rpc_init(kd_rpc *rpc, kd_bloom *bloom)
{
    *rpc = (kd_rpc){.bloom = bloom};
    kd_arena_init(&rpc->arena, NULL, 0);
}

void kd_rpc_fini(kd_rpc *rpc)
{
    kd_arena_reset(&rpc->arena);
}

/* ---- answers ----------------------------------------------------------------------------------------------------- */

typedef struct our_field {
    const char *name;
    int64_t type;
} our_field;

static void send(kd_buf *out, kd_buf *message)
{
    kd_gob_put_message(out, kd_buf_str(message));
    kd_buf_fini(message);
}

static void put_common(kd_buf *m, const char *name, int64_t id)
{
    if (name[0]) {
        kd_gob_put_uint(m, 1);
        kd_gob_put_text(m, kd_str_from_c(name));
        kd_gob_put_uint(m, 1);
    } else {
        kd_gob_put_uint(m, 2);
    }
    kd_gob_put_int(m, id);
    kd_gob_put_uint(m, 0);
}

static bool defines(kd_rpc *rpc, int64_t id)
{
    unsigned bit = 1u << (id - RESPONSE);
    if (rpc->defined & bit)
        return false;
    rpc->defined |= bit;
    return true;
}

static void define_struct(kd_rpc *rpc, kd_buf *out, int64_t id, const char *name, const our_field *fields, size_t n)
{
    kd_buf m;
    if (!defines(rpc, id))
        return;
    kd_buf_init(&m, 1024);
    kd_gob_put_int(&m, -id);
    kd_gob_put_uint(&m, 3);
    kd_gob_put_uint(&m, 1);
    put_common(&m, name, id);
    if (n) {
        kd_gob_put_uint(&m, 1);
        kd_gob_put_uint(&m, n);
    }
    for (size_t i = 0; i < n; i++) {
        kd_gob_put_uint(&m, 1);
        kd_gob_put_text(&m, kd_str_from_c(fields[i].name));
        kd_gob_put_uint(&m, 1);
        kd_gob_put_int(&m, fields[i].type);
        kd_gob_put_uint(&m, 0);
    }
    kd_gob_put_uint(&m, 0);
    kd_gob_put_uint(&m, 0);
    send(out, &m);
}

static void define_bools(kd_rpc *rpc, kd_buf *out)
{
    kd_buf m;
    if (!defines(rpc, CHECKS))
        return;
    kd_buf_init(&m, 1024);
    kd_gob_put_int(&m, -CHECKS);
    kd_gob_put_uint(&m, 2);
    kd_gob_put_uint(&m, 1);
    put_common(&m, "[]bool", CHECKS);
    kd_gob_put_uint(&m, 1);
    kd_gob_put_int(&m, KD_GOB_BOOL);
    kd_gob_put_uint(&m, 0);
    kd_gob_put_uint(&m, 0);
    send(out, &m);
}

static void put_response(kd_rpc *rpc, kd_buf *out, kd_str error)
{
    static const our_field fields[] = {
        {"ServiceMethod", KD_GOB_STRING}, {"Seq", KD_GOB_UINT}, {"Error", KD_GOB_STRING}};
    define_struct(rpc, out, RESPONSE, "Response", fields, KD_COUNT(fields));
    kd_buf m;
    kd_buf_init(&m, 64u * 1024);
    kd_gob_put_int(&m, RESPONSE);
    unsigned delta = 1;
    if (rpc->method_n) {
        kd_gob_put_uint(&m, delta);
        kd_gob_put_text(&m, kd_str_of(rpc->method, rpc->method_n));
        delta = 0;
    }
    delta++;
    if (rpc->seq) {
        kd_gob_put_uint(&m, delta);
        kd_gob_put_uint(&m, rpc->seq);
        delta = 0;
    }
    delta++;
    if (error.n) {
        kd_gob_put_uint(&m, delta);
        kd_gob_put_text(&m, error);
    }
    kd_gob_put_uint(&m, 0);
    send(out, &m);
}

static void answer_error(kd_rpc *rpc, kd_buf *out, kd_str error)
{
    put_response(rpc, out, error);
    define_struct(rpc, out, NOTHING, "", NULL, 0);
    kd_buf m;
    kd_buf_init(&m, 64);
    kd_gob_put_int(&m, NOTHING);
    kd_gob_put_uint(&m, 0);
    send(out, &m);
}

/* ---- methods ----------------------------------------------------------------------------------------------------- */

/* Walks over `Elems` of the argument: kd_gob_in of its elements, and how many. */
static bool find_elems(kd_gob_in *in, int64_t id, uint64_t *n)
{
    const kd_gob_type *type = kd_gob_type_of(in, id);
    kd_str name;
    int64_t field, at = -1;
    *n = 0;
    if (!type || type->kind != KD_GOB_STRUCT)
        return false;
    while (!in->bad && kd_gob_field(in, type, &at, &name, &field)) {
        const kd_gob_type *list = kd_gob_type_of(in, field);
        if (kd_str_eq(name, KD_STR("Elems")) && list && list->kind == KD_GOB_SLICE && list->elem == KD_GOB_BYTE_SLICE) {
            *n = kd_gob_uint(in);
            return !in->bad;
        }
        kd_gob_skip(in, field, 0);
    }
    return !in->bad;
}

static bool on_add(kd_rpc *rpc, kd_gob_in *in, int64_t id, kd_ns now, kd_buf *out)
{
    static const our_field fields[] = {{"Count", KD_GOB_INT}};
    uint64_t n, count = 0;
    if (!find_elems(in, id, &n))
        return false;
    for (; count < n && !in->bad; count++) {
        kd_str element = kd_gob_bytes(in);
        if (!in->bad)
            kd_bloom_add(rpc->bloom, element, now);
    }
    if (in->bad)
        return false;
    put_response(rpc, out, KD_STR(""));
    define_struct(rpc, out, ADDED, "AddOutput", fields, KD_COUNT(fields));
    kd_buf m;
    kd_buf_init(&m, 64);
    kd_gob_put_int(&m, ADDED);
    if (count) {
        kd_gob_put_uint(&m, 1);
        kd_gob_put_int(&m, (int64_t)count);
    }
    kd_gob_put_uint(&m, 0);
    send(out, &m);
    return true;
}

static bool on_check(kd_rpc *rpc, kd_gob_in *in, int64_t id, kd_ns now, kd_buf *out)
{
    static const our_field fields[] = {{"Checks", CHECKS}};
    uint64_t n;
    if (!find_elems(in, id, &n) || n > (uint64_t)(in->end - in->p))
        return false;
    kd_buf m;
    kd_buf_init(&m, KD_RPC_MESSAGE_MAX);
    kd_gob_put_int(&m, CHECKED);
    if (n) {
        kd_gob_put_uint(&m, 1);
        kd_gob_put_uint(&m, n);
    }
    for (uint64_t i = 0; i < n && !in->bad; i++)
        kd_gob_put_uint(&m, kd_bloom_has(rpc->bloom, kd_gob_bytes(in), now));
    kd_gob_put_uint(&m, 0);
    if (in->bad) {
        kd_buf_fini(&m);
        return false;
    }
    put_response(rpc, out, KD_STR(""));
    define_struct(rpc, out, CHECKED, "CheckOutput", fields, KD_COUNT(fields));
    define_bools(rpc, out);
    send(out, &m);
    return true;
}

/* ---- union ------------------------------------------------------------------------------------------------------- */

/* Config{N, P, HashName}, of a rotating set inside Config{Config, TTL}. */
static void read_config(kd_gob_in *in, int64_t id, kd_bloom_peer *peer)
{
    const kd_gob_type *type = kd_gob_type_of(in, id);
    kd_str name;
    int64_t field, at = -1;
    if (!type || type->kind != KD_GOB_STRUCT) {
        in->bad = true;
        return;
    }
    while (!in->bad && kd_gob_field(in, type, &at, &name, &field)) {
        if (kd_str_eq(name, KD_STR("Config")) && kd_gob_type_of(in, field) != type)
            read_config(in, field, peer);
        else if (kd_str_eq(name, KD_STR("N")) && field == KD_GOB_UINT)
            peer->n = kd_gob_uint(in);
        else if (kd_str_eq(name, KD_STR("P")) && field == KD_GOB_FLOAT)
            peer->p = kd_gob_float(in);
        else
            kd_gob_skip(in, field, 0);
    }
}

static bool read_part(kd_str bytes, kd_arena *arena, kd_bloom_part *part)
{
    kd_gob_types types = {.arena = arena};
    kd_gob_in in = {&types, (const uint8_t *)bytes.p, (const uint8_t *)bytes.p + bytes.n, false};
    int64_t id, field, at = -1;
    kd_str name;
    *part = (kd_bloom_part){.bits = KD_STR(""), .hash_name = KD_STR("")};
    const kd_gob_type *type = kd_gob_value(&in, &id) ? kd_gob_type_of(&in, id) : NULL;
    if (!type || type->kind != KD_GOB_STRUCT)
        return false;
    while (!in.bad && kd_gob_field(&in, type, &at, &name, &field)) {
        const kd_gob_type *made = kd_gob_type_of(&in, field);
        if (kd_str_eq(name, KD_STR("BS")) && (field == KD_GOB_BYTE_SLICE || (made && made->kind == KD_GOB_BYTES)))
            part->bits = kd_gob_bytes(&in);
        else if (kd_str_eq(name, KD_STR("M")) && field == KD_GOB_UINT)
            part->m = kd_gob_uint(&in);
        else if (kd_str_eq(name, KD_STR("K")) && field == KD_GOB_UINT)
            part->k = kd_gob_uint(&in);
        else if (kd_str_eq(name, KD_STR("HashName")) && field == KD_GOB_STRING)
            part->hash_name = kd_gob_bytes(&in);
        else
            kd_gob_skip(&in, field, 0);
    }
    return !in.bad;
}

static bool read_peer(kd_str bytes, kd_arena *arena, kd_bloom_peer *peer)
{
    kd_gob_types types = {.arena = arena};
    kd_gob_in in = {&types, (const uint8_t *)bytes.p, (const uint8_t *)bytes.p + bytes.n, false};
    int64_t id, field, at = -1;
    kd_str name;
    const kd_gob_type *type = kd_gob_value(&in, &id) ? kd_gob_type_of(&in, id) : NULL;
    *peer = (kd_bloom_peer){.previous.hash_name = KD_STR(""), .current.hash_name = KD_STR("")};
    if (!type || type->kind != KD_GOB_STRUCT)
        return false;
    const struct {
        kd_str name;
        kd_bloom_part *to;
    } parts[] = {{KD_STR_INIT("Previous"), &peer->previous},
                 {KD_STR_INIT("Current"), &peer->current},
                 {KD_STR_INIT("Next"), &peer->next}};
    bool good = true;
    while (good && !in.bad && kd_gob_field(&in, type, &at, &name, &field)) {
        const kd_gob_type *made = kd_gob_type_of(&in, field);
        kd_bloom_part *part = NULL;
        for (size_t i = 0; i < KD_COUNT(parts); i++)
            if (kd_str_eq(name, parts[i].name) && made && made->kind == KD_GOB_BYTES)
                part = parts[i].to;
        if (part)
            good = read_part(kd_gob_bytes(&in), arena, part);
        else if (kd_str_eq(name, KD_STR("Config")))
            read_config(&in, field, peer);
        else
            kd_gob_skip(&in, field, 0);
    }
    return good && !in.bad;
}

static bool keep(void *owner, kd_str piece)
{
    kd_buf *buf = owner;
    kd_buf_add(buf, piece);
    return !buf->failed;
}

/* What the client has packed: gzip around a gob stream. */
static bool unpack(kd_str packed, kd_arena *arena, kd_buf *out)
{
    kd_gunzip *gunzip = kd_gunzip_begin(arena);
    if (!gunzip)
        return false;
    bool good = kd_gunzip_feed(gunzip, packed, true, keep, out) == KD_GUNZIP_END && !out->failed;
    kd_gunzip_end(gunzip);
    return good;
}

static bool find_peer(kd_gob_in *in, int64_t id, kd_str *packed)
{
    const kd_gob_type *type = kd_gob_type_of(in, id);
    kd_str name;
    int64_t field, at = -1;
    if (!type || type->kind != KD_GOB_STRUCT)
        return false;
    while (!in->bad && kd_gob_field(in, type, &at, &name, &field)) {
        const kd_gob_type *made = kd_gob_type_of(in, field);
        if (kd_str_eq(name, KD_STR("BF")) && made && made->kind == KD_GOB_BYTES) {
            *packed = kd_gob_bytes(in);
            return !in->bad;
        }
        kd_gob_skip(in, field, 0);
    }
    return false;
}

static bool on_union(kd_rpc *rpc, kd_gob_in *in, int64_t id, kd_ns now, kd_buf *out)
{
    static const our_field fields[] = {{"Capacity", KD_GOB_FLOAT}};
    kd_str packed, error = KD_STR("");
    kd_bloom_peer peer;
    double capacity = 0;
    kd_arena arena;
    kd_buf plain;
    if (!find_peer(in, id, &packed))
        return false;
    kd_arena_init(&arena, NULL, 0);
    kd_buf_init(&plain, 3 * (size_t)(KD_BLOOM_MAX_BITS / 8) + 4096);
    bool good = unpack(packed, &arena, &plain) && read_peer(kd_buf_str(&plain), &arena, &peer);
    if (good && !kd_bloom_union(rpc->bloom, &peer, now, &arena, &capacity, &error)) {
        answer_error(rpc, out, error.p ? error : KD_STR("out of memory"));
    } else if (good) {
        put_response(rpc, out, KD_STR(""));
        define_struct(rpc, out, JOINED, "UnionOutput", fields, KD_COUNT(fields));
        kd_buf m;
        kd_buf_init(&m, 64);
        kd_gob_put_int(&m, JOINED);
        if (capacity != 0) {
            kd_gob_put_uint(&m, 1);
            kd_gob_put_float(&m, capacity);
        }
        kd_gob_put_uint(&m, 0);
        send(out, &m);
    }
    kd_buf_fini(&plain);
    kd_arena_reset(&arena);
    return good;
}

/* ---- messages ---------------------------------------------------------------------------------------------------- */

static bool read_request(kd_rpc *rpc, kd_gob_in *in, int64_t id)
{
    const kd_gob_type *type = kd_gob_type_of(in, id);
    kd_str name;
    int64_t field, at = -1;
    rpc->method_n = 0;
    rpc->seq = 0;
    if (!type || type->kind != KD_GOB_STRUCT)
        return false;
    while (!in->bad && kd_gob_field(in, type, &at, &name, &field)) {
        if (kd_str_eq(name, KD_STR("ServiceMethod")) && field == KD_GOB_STRING) {
            kd_str method = kd_gob_bytes(in);
            rpc->method_n = method.n < sizeof rpc->method ? method.n : sizeof rpc->method;
            memcpy(rpc->method, method.p, rpc->method_n);
        } else if (kd_str_eq(name, KD_STR("Seq")) && field == KD_GOB_UINT) {
            rpc->seq = kd_gob_uint(in);
        } else {
            kd_gob_skip(in, field, 0);
        }
    }
    return !in->bad;
}

static bool call(kd_rpc *rpc, kd_gob_in *in, int64_t id, kd_ns now, kd_buf *out)
{
    kd_str method = kd_str_of(rpc->method, rpc->method_n);
    ptrdiff_t dot = kd_str_rfind(method, '.');
    kd_str service = dot < 0 ? method : kd_str_head(method, (size_t)dot);
    kd_str name = dot < 0 ? KD_STR("") : kd_str_from(method, (size_t)dot + 1);
    const char *problem = NULL;
    if (dot < 0)
        problem = "rpc: service/method request ill-formed: ";
    else if (!kd_str_eq(service, KD_STR("BloomfilterRPC")))
        problem = "rpc: can't find service ";
    else if (kd_str_eq(name, KD_STR("Add")))
        return on_add(rpc, in, id, now, out);
    else if (kd_str_eq(name, KD_STR("Check")))
        return on_check(rpc, in, id, now, out);
    else if (kd_str_eq(name, KD_STR("Union")))
        return on_union(rpc, in, id, now, out);
    else
        problem = "rpc: can't find method ";
    char text[256];
    int n = snprintf(text, sizeof text, "%s%.*s", problem, KD_FMT(method));
    answer_error(rpc, out, kd_str_of(text, n < (int)sizeof text ? (size_t)n : sizeof text - 1));
    return true;
}

static bool take_message(kd_rpc *rpc, kd_str message, kd_ns now, kd_buf *out)
{
    rpc->types.arena = &rpc->arena;
    kd_gob_in in = {&rpc->types, (const uint8_t *)message.p, (const uint8_t *)message.p + message.n, false};
    int64_t id = kd_gob_int(&in);
    if (in.bad || id == INT64_MIN)
        return false;
    if (id < 0) {
        kd_gob_define(&in, -id);
        return !in.bad;
    }
    rpc->has_request = !rpc->has_request;
    return rpc->has_request ? read_request(rpc, &in, id) : call(rpc, &in, id, now, out);
}

size_t kd_rpc_take(kd_rpc *rpc, kd_str in, kd_ns now, kd_buf *out, bool *bad)
{
    size_t used = 0;
    *bad = false;
    while (used < in.n && !*bad) {
        kd_gob_in head = {&rpc->types, (const uint8_t *)in.p + used, (const uint8_t *)in.p + in.n, false};
        unsigned first = (uint8_t)in.p[used];
        if (first >= 128 && in.n - used < 257 - first && 256 - first <= 8)
            break; /* not even the length is here */
        uint64_t n = kd_gob_uint(&head);
        if (head.bad || n > KD_RPC_MESSAGE_MAX) {
            *bad = true;
            break;
        }
        if (n > (uint64_t)(head.end - head.p))
            break;
        *bad = !take_message(rpc, kd_str_of((const char *)head.p, (size_t)n), now, out) || out->failed;
        used = (size_t)((const char *)head.p - in.p) + (size_t)n;
    }
    return used;
}
