#include "config/go_struct.h"

#include "lang/jose/base64.h"
#include "text/go/format.h"

#include <math.h>
#include <stdlib.h>

typedef struct decoder {
    kd_arena *arena;
    const kd_go_struct *type;
    const kd_go_member *member;
    kd_str error; /* the first one */
    bool failed;
} decoder;

static void fail(decoder *d, kd_str error)
{
    if (!d->failed)
        d->error = error;
    d->failed = true;
}

static const char *kind_of(const kd_node *node)
{
    static const char *const names[] = {"null", "bool", "number", "string", "array", "object"};
    return names[node->type];
}

static void mismatch(decoder *d, const char *found, const char *wanted)
{
    fail(d, kd_arena_printf(d->arena, "json: cannot unmarshal %s into Go struct field %s.%s%.*s of type %s", found,
                            d->type->name, d->member->path ? d->member->path : "", KD_FMT(d->member->key), wanted));
}

/* A configuration's number as Go writes it again before it decodes it. */
static void out_of_range(decoder *d, const kd_node *node, const char *wanted)
{
    char text[80] = "number ";
    kd_buf buf;
    kd_buf_init(&buf, 64);
    kd_go_float_json(&buf, node->number);
    size_t n = buf.failed ? 0 : buf.n;
    if (n)
        memcpy(text + 7, buf.p, n);
    text[7 + n] = 0;
    kd_buf_fini(&buf);
    mismatch(d, text, wanted);
}

static bool read_string(decoder *d, const kd_node *node, kd_str *out)
{
    if (node->type == KD_NODE_NULL)
        return true;
    if (node->type != KD_NODE_STRING) {
        mismatch(d, kind_of(node), "string");
        return false;
    }
    *out = node->text;
    return true;
}

static void read_uint(decoder *d, const kd_node *node, double max, const char *wanted, uint32_t *out)
{
    if (node->type == KD_NODE_NULL)
        return;
    if (node->type != KD_NODE_NUMBER)
        mismatch(d, kind_of(node), wanted);
    else if (!(node->number >= 0 && node->number <= max) || node->number != (double)(uint32_t)node->number)
        out_of_range(d, node, wanted);
    else
        *out = (uint32_t)node->number;
}

/* Whole numbers as far as a double has all of them. */
static bool read_whole(decoder *d, const kd_node *node, double min, const char *wanted, double *out)
{
    const double exact = 9007199254740992.0; /* 2^53 */
    if (node->type == KD_NODE_NULL)
        return false;
    if (node->type != KD_NODE_NUMBER)
        mismatch(d, kind_of(node), wanted);
    else if (!(node->number >= min && node->number >= -exact && node->number <= exact) ||
             node->number != (double)(int64_t)node->number)
        out_of_range(d, node, wanted);
    else
        *out = node->number;
    return node->type == KD_NODE_NUMBER && !d->failed;
}

static void read_number(decoder *d, const kd_node *node, void *at)
{
    double v = 0;
    if (d->member->type == KD_GO_FLOAT) {
        if (node->type == KD_NODE_NUMBER)
            *(double *)at = node->number;
        else if (node->type != KD_NODE_NULL)
            mismatch(d, kind_of(node), "float64");
    } else if (d->member->type == KD_GO_INT) {
        if (read_whole(d, node, -INFINITY, "int", &v))
            *(int64_t *)at = (int64_t)v;
    } else if (read_whole(d, node, 0, "uint", &v)) {
        *(uint64_t *)at = (uint64_t)v;
    }
}

static bool is_list(decoder *d, const kd_node *node, const char *wanted)
{
    if (node->type == KD_NODE_LIST)
        return true;
    if (node->type != KD_NODE_NULL)
        mismatch(d, kind_of(node), wanted);
    return false;
}

static void read_strings(decoder *d, const kd_node *node, kd_str_list *out)
{
    *out = (kd_str_list){0};
    if (!is_list(d, node, "[]string"))
        return;
    out->v = KD_NEW_ARRAY(d->arena, kd_str, node->n + 1);
    if (!out->v) {
        fail(d, (kd_str){NULL, 0});
        return;
    }
    for (const kd_node *item = node->first; item; item = item->next) {
        out->v[out->n] = KD_STR("");
        read_string(d, item, &out->v[out->n++]);
    }
}

static void read_uint16s(decoder *d, const kd_node *node, kd_uint_list *out)
{
    *out = (kd_uint_list){0};
    if (!is_list(d, node, "[]uint16"))
        return;
    out->v = KD_NEW_ARRAY(d->arena, uint16_t, node->n + 1);
    if (!out->v) {
        fail(d, (kd_str){NULL, 0});
        return;
    }
    for (const kd_node *item = node->first; item; item = item->next) {
        uint32_t v = 0;
        read_uint(d, item, UINT16_MAX, "uint16", &v);
        out->v[out->n++] = (uint16_t)v;
    }
}

static void read_strings2(decoder *d, const kd_node *node, kd_go_strings2 *out)
{
    *out = (kd_go_strings2){0};
    if (!is_list(d, node, "[][]string"))
        return;
    out->v = KD_NEW_ARRAY(d->arena, kd_str_list, node->n + 1);
    if (!out->v) {
        fail(d, (kd_str){NULL, 0});
        return;
    }
    for (const kd_node *item = node->first; item; item = item->next)
        read_strings(d, item, &out->v[out->n++]);
}

/* Bytes may also stand as a list of numbers. */
static void read_byte_list(decoder *d, const kd_node *node, kd_str *out)
{
    char *bytes = kd_arena_alloc(d->arena, node->n + 1);
    uint32_t n = 0;
    if (!bytes) {
        fail(d, (kd_str){NULL, 0});
        return;
    }
    for (const kd_node *item = node->first; item; item = item->next) {
        uint32_t v = 0;
        read_uint(d, item, UINT8_MAX, "uint8", &v);
        bytes[n++] = (char)v;
    }
    *out = kd_str_of(bytes, n);
}

static void read_bytes(decoder *d, const kd_node *node, kd_str *out)
{
    kd_jose_base64 info;
    if (node->type == KD_NODE_LIST) {
        read_byte_list(d, node, out);
        return;
    }
    if (node->type != KD_NODE_NULL && node->type != KD_NODE_STRING)
        mismatch(d, kind_of(node), "[]uint8");
    if (node->type != KD_NODE_STRING)
        return;
    if (!kd_jose_base64_padded(d->arena, node->text, out, &info))
        fail(d, kd_jose_base64_error(d->arena, &info));
    else if (!out->p)
        fail(d, (kd_str){NULL, 0});
}

static void read_member(decoder *d, const kd_node *node, char *out)
{
    void *at = out + d->member->offset;
    switch (d->member->type) {
    case KD_GO_STRING:
        read_string(d, node, at);
        break;
    case KD_GO_BOOL:
        if (node->type == KD_NODE_BOOL)
            *(bool *)at = node->boolean;
        else if (node->type != KD_NODE_NULL)
            mismatch(d, kind_of(node), "bool");
        break;
    case KD_GO_UINT32:
        read_uint(d, node, UINT32_MAX, "uint32", at);
        break;
    case KD_GO_UINT:
    case KD_GO_INT:
    case KD_GO_FLOAT:
        read_number(d, node, at);
        break;
    case KD_GO_STRINGS:
        read_strings(d, node, at);
        break;
    case KD_GO_UINT16S:
        read_uint16s(d, node, at);
        break;
    case KD_GO_BYTES:
        read_bytes(d, node, at);
        break;
    case KD_GO_STRINGS2:
        read_strings2(d, node, at);
        break;
    }
}

static const kd_go_member *find(const kd_go_struct *type, kd_str key)
{
    for (uint32_t i = 0; i < type->n; i++)
        if (kd_str_eq(type->v[i].key, key))
            return &type->v[i];
    for (uint32_t i = 0; i < type->n; i++)
        if (kd_str_eq_ci(type->v[i].key, key))
            return &type->v[i];
    return NULL;
}

static int by_key(const void *a, const void *b)
{
    return kd_str_cmp((*(const kd_node *const *)a)->key, (*(const kd_node *const *)b)->key);
}

bool kd_go_struct_decode(kd_arena *arena, const kd_go_struct *type, const kd_node *node, void *out, kd_str *error)
{
    decoder d = {.arena = arena, .type = type};
    *error = (kd_str){NULL, 0};
    if (node->type == KD_NODE_NULL)
        return true;
    if (node->type != KD_NODE_OBJECT) {
        *error = kd_arena_printf(arena, "json: cannot unmarshal %s into Go value of type %s.%s", kind_of(node),
                                 type->package, type->name);
        return false;
    }
    /* the block was a map and is written with its keys sorted before the struct is read from it */
    const kd_node **members = KD_NEW_ARRAY(arena, const kd_node *, node->n + 1);
    uint32_t n = 0;
    if (!members)
        return false;
    for (const kd_node *m = node->first; m; m = m->next)
        members[n++] = m;
    qsort(members, n, sizeof *members, by_key);
    for (uint32_t i = 0; i < n; i++) {
        d.member = find(type, members[i]->key);
        if (d.member)
            read_member(&d, members[i], out);
    }
    *error = d.error;
    return !d.failed;
}
