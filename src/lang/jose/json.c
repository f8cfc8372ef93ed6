#include "lang/jose/json.h"

#include "text/go/number.h"
#include "text/json.h"
#include "text/order.h"

#include <math.h>

/* Objects of up to so many members are searched pair by pair for one that stands twice. */
#define FEW 12u

typedef struct frame {
    struct frame *up;
    kd_value_iter iter;
    kd_value *items;
    kd_member *members;
    uint32_t at;
} frame;

typedef struct walk {
    kd_arena *arena;
    kd_jose_json *out;
    frame *spare;
    kd_str top; /* the member that stands twice in the outermost object */
    bool no_memory;
} walk;

/* The name that stands twice, the first such one; p is NULL: none. */
static bool find_twice(walk *w, const kd_object *object, kd_str *name)
{
    *name = (kd_str){NULL, 0};
    if (object->n <= FEW) {
        for (uint32_t i = 1; i < object->n; i++)
            for (uint32_t k = 0; k < i; k++)
                if (kd_str_eq(object->members[i].key, object->members[k].key)) {
                    *name = object->members[i].key;
                    return true;
                }
        return true;
    }
    kd_entry *entries = kd_arena_alloc(w->arena, object->n * sizeof *entries);
    if (!entries)
        return false;
    for (uint32_t i = 0; i < object->n; i++) {
        kd_str key = object->members[i].key;
        entries[i] = (kd_entry){
            .prefix = kd_entry_prefix(key.p, key.n), .key = key.p, .n = (uint32_t)key.n, .value = &object->members[i]};
    }
    kd_entries_sort(entries, object->n);
    const kd_member *first = NULL;
    for (uint32_t i = 1; i < object->n; i++) {
        const kd_member *member = entries[i].value, *before = entries[i - 1].value;
        if (kd_str_eq(member->key, before->key) && (!first || member < first))
            first = member;
    }
    if (first)
        *name = first->key;
    return true;
}

static kd_str twice_text(kd_arena *arena, kd_str name)
{
    return kd_arena_printf(arena, "json: duplicate key '%.*s' in object", KD_FMT(name));
}

/* An arena node with room for what the container holds, and the frame that fills it. */
static frame *open_container(walk *w, frame *up, kd_value *v)
{
    frame *f = w->spare;
    if (f)
        w->spare = f->up;
    else if (!(f = kd_arena_alloc(w->arena, sizeof *f)))
        return NULL;
    *f = (frame){.up = up, .iter = kd_value_each(*v)};
    if (v->type == KD_OBJECT) {
        kd_object *object = kd_object_create(w->arena, v->n);
        if (!object)
            return NULL;
        object->n = v->n;
        f->members = object->members;
        kd_value_iter all = kd_value_each(*v);
        for (uint32_t i = 0; i < v->n; i++)
            kd_value_next(&all, &object->members[i].key, &object->members[i].value);
        kd_str name;
        if (!find_twice(w, object, &name))
            return NULL;
        if (name.p && !up)
            w->top = name;
        else if (name.p && !w->out->twice.p)
            w->out->twice = twice_text(w->arena, name);
        *v = kd_value_object(object);
        return f;
    }
    f->items = kd_arena_alloc(w->arena, (v->n + (size_t)1) * sizeof *f->items);
    if (!f->items)
        return NULL;
    *v = kd_value_list(f->items, v->n);
    return f;
}

/* A number that yyjson keeps as text. Short integers, nearly all numbers of claims, need no general parser. */
static void to_float(walk *w, kd_value *v)
{
    uint64_t n;
    double number = 0;
    kd_str why, text = kd_value_text(*v);
    if (text.n <= 15 && kd_str_to_u64(text, UINT64_MAX, &n)) {
        *v = kd_value_float((double)n);
        return;
    }
    bool fits = kd_go_float_parse(text, &number, &why);
    if (!fits)
        number = INFINITY;
    if (!fits && !w->out->overflow.p) {
        w->out->overflow = kd_arena_printf(w->arena, "json: cannot unmarshal number %.*s into Go value of type float64",
                                           KD_FMT(kd_str_head(text, 64)));
        w->no_memory |= !w->out->overflow.p;
    }
    *v = kd_value_float(number);
}

static bool convert(walk *w, kd_value *root)
{
    frame *f = NULL;
    kd_value *slot = root;
    for (;;) {
        if (slot->type == KD_LIST || slot->type == KD_OBJECT) {
            if (!(f = open_container(w, f, slot)))
                return false;
        } else if (slot->type == KD_NUMBER) {
            to_float(w, slot);
        }
        while (f && f->at == f->iter.of.n) {
            frame *done = f;
            f = done->up;
            done->up = w->spare;
            w->spare = done;
        }
        if (!f)
            return true;
        kd_str key;
        if (f->items) {
            slot = &f->items[f->at];
            kd_value_next(&f->iter, &key, slot);
        } else {
            slot = &f->members[f->at].value;
        }
        f->at++;
    }
}

bool kd_jose_json_read(kd_arena *arena, kd_str text, kd_jose_json *out, kd_str *error)
{
    *out = (kd_jose_json){0};
    *error = (kd_str){NULL, 0};
    kd_json_result result = kd_json_read_all(arena, text, &out->value, error);
    if (result != KD_JSON_OK) {
        if (result == KD_JSON_NO_MEMORY)
            *error = (kd_str){NULL, 0};
        return false;
    }
    walk w = {.arena = arena, .out = out};
    if (!convert(&w, &out->value) || w.no_memory)
        return false;
    if (w.top.p) {
        *error = twice_text(arena, w.top);
        return false;
    }
    return true;
}

kd_str kd_jose_json_mismatch(kd_arena *arena, kd_value found, const char *wanted)
{
    kd_str type = kd_json_type_name(found);
    return kd_arena_printf(arena, "json: cannot unmarshal %.*s into Go value of type %s", KD_FMT(type), wanted);
}
