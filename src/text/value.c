#include "text/value.h"

#include "text/order.h"

#include <yyjson.h>

kd_value kd_value_bool(bool b)
{
    return (kd_value){.type = KD_BOOL, .boolean = b};
}

kd_value kd_value_string(kd_str s, kd_origin origin)
{
    return (kd_value){.type = KD_STRING, .origin = (uint8_t)origin, .n = (uint32_t)s.n, .text = s.p};
}

kd_value kd_value_literal(kd_str digits)
{
    return (kd_value){.type = KD_NUMBER, .origin = KD_ORIGIN_LITERAL, .n = (uint32_t)digits.n, .text = digits.p};
}

kd_value kd_value_int(kd_str digits)
{
    return (kd_value){.type = KD_NUMBER, .origin = KD_ORIGIN_INT, .n = (uint32_t)digits.n, .text = digits.p};
}

kd_value kd_value_float(double v)
{
    return (kd_value){.type = KD_NUMBER, .origin = KD_ORIGIN_FLOAT64, .number = v};
}

kd_value kd_value_object(const kd_object *object)
{
    return (kd_value){.type = KD_OBJECT, .node = true, .n = object->n, .object = object};
}

kd_value kd_value_list(const kd_value *items, uint32_t n)
{
    return (kd_value){.type = KD_LIST, .node = true, .n = n, .items = items};
}

kd_value kd_value_of_json(const void *json)
{
    yyjson_val *v = (yyjson_val *)json;
    uint32_t n = (uint32_t)unsafe_yyjson_get_len(v);
    switch (unsafe_yyjson_get_type(v)) {
    case YYJSON_TYPE_STR:
        return (kd_value){.type = KD_STRING, .origin = KD_ORIGIN_DECODED, .n = n, .text = v->uni.str};
    case YYJSON_TYPE_RAW:
        return (kd_value){.type = KD_NUMBER, .origin = KD_ORIGIN_LITERAL, .n = n, .text = v->uni.str};
    case YYJSON_TYPE_ARR:
        return (kd_value){.type = KD_LIST, .n = n, .json = v};
    case YYJSON_TYPE_OBJ:
        return (kd_value){.type = KD_OBJECT, .n = n, .json = v};
    case YYJSON_TYPE_BOOL:
        return kd_value_bool(unsafe_yyjson_is_true(v));
    default:
        return KD_VALUE_NULL;
    }
}

kd_value_iter kd_value_each(kd_value list_or_object)
{
    kd_value_iter iter = {.of = list_or_object};
    if (list_or_object.type != KD_LIST && list_or_object.type != KD_OBJECT)
        iter.of.n = 0;
    else if (!list_or_object.node)
        iter.next = unsafe_yyjson_get_first((yyjson_val *)list_or_object.json);
    else if (list_or_object.type == KD_OBJECT)
        iter.of.n = list_or_object.object->n;
    return iter;
}

bool kd_value_next(kd_value_iter *iter, kd_str *key, kd_value *value)
{
    uint32_t at = iter->at;
    *key = KD_STR("");
    if (at == iter->of.n)
        return false;
    iter->at++;
    if (iter->of.node) {
        if (iter->of.type == KD_LIST) {
            *value = iter->of.items[at];
        } else {
            *key = iter->of.object->members[at].key;
            *value = iter->of.object->members[at].value;
        }
        return true;
    }
    yyjson_val *v = (yyjson_val *)iter->next;
    if (iter->of.type == KD_OBJECT) {
        *key = (kd_str){v->uni.str, unsafe_yyjson_get_len(v)};
        v++;
    }
    *value = kd_value_of_json(v);
    iter->next = unsafe_yyjson_get_next(v);
    return true;
}

static kd_member *member_find(const kd_object *object, kd_str key)
{
    for (uint32_t i = 0; i < object->n; i++)
        if (kd_str_eq(object->members[i].key, key))
            return &object->members[i];
    return NULL;
}

kd_value kd_value_get(kd_value object, kd_str key)
{
    if (object.type != KD_OBJECT)
        return KD_VALUE_ABSENT;
    if (object.node) {
        const kd_member *member = member_find(object.object, key);
        return member ? member->value : KD_VALUE_ABSENT;
    }
    yyjson_val *found = NULL, *v = unsafe_yyjson_get_first((yyjson_val *)object.json);
    for (uint32_t i = 0; i < object.n; i++, v = unsafe_yyjson_get_next(v + 1))
        if (unsafe_yyjson_get_len(v) == key.n && memcmp(v->uni.str, key.p ? key.p : "", key.n) == 0)
            found = v + 1;
    return found ? kd_value_of_json(found) : KD_VALUE_ABSENT;
}

kd_object *kd_object_create(kd_arena *arena, uint32_t cap)
{
    kd_object *object = KD_NEW(arena, kd_object);
    if (!object)
        return NULL;
    object->members = cap ? kd_arena_alloc(arena, cap * sizeof(kd_member)) : NULL;
    object->cap = cap;
    return cap && !object->members ? NULL : object;
}

kd_object *kd_object_copy(kd_arena *arena, kd_value object)
{
    uint32_t n = object.type != KD_OBJECT ? 0 : object.node ? object.object->n : object.n;
    kd_object *copy = kd_object_create(arena, n);
    if (!copy || !n)
        return copy;
    if (object.node) {
        copy->n = n;
        copy->typed = object.object->typed;
        memcpy(copy->members, object.object->members, copy->n * sizeof(kd_member));
        return copy;
    }
    /* The members' own room serves for sorting: the entries lie at its end, and member i never reaches beyond entry i.
     */
    _Static_assert(sizeof(kd_entry) <= sizeof(kd_member), "entries fit into the room of members");
    kd_entry *entries = (kd_entry *)(void *)((char *)(copy->members + object.n) - object.n * sizeof(kd_entry));
    copy->n = kd_entries_fill(entries, object);
    for (uint32_t i = 0; i < copy->n; i++) {
        kd_entry entry = entries[i];
        copy->members[i] = (kd_member){{entry.key, entry.n}, kd_value_of_json(entry.value)};
    }
    return copy;
}

bool kd_object_set(kd_object *object, kd_arena *arena, kd_str key, kd_value value)
{
    kd_member *member = member_find(object, key);
    if (member) {
        member->value = value;
        return true;
    }
    if (object->n == object->cap) {
        if (object->cap > UINT32_MAX / 2)
            return false;
        uint32_t cap = object->cap ? object->cap * 2 : 4;
        kd_member *members = kd_arena_alloc(arena, cap * sizeof(kd_member));
        if (!members)
            return false;
        if (object->n)
            memcpy(members, object->members, object->n * sizeof(kd_member));
        object->members = members;
        object->cap = cap;
    }
    object->members[object->n++] = (kd_member){key, value};
    return true;
}

bool kd_object_remove(kd_object *object, kd_str key)
{
    kd_member *member = member_find(object, key);
    if (!member)
        return false;
    memmove(member, member + 1, (size_t)(object->members + object->n - (member + 1)) * sizeof(kd_member));
    object->n--;
    return true;
}

/* A container whose members are copied one after the other; frames are used again when a container is done, so that
 * there are never more than the value is deep. */
typedef struct copy_frame {
    struct copy_frame *up;
    kd_value *items;    /* of a list */
    kd_member *members; /* of an object */
    uint32_t at, n;
} copy_frame;

/* Makes *v an arena node with room of its own, members still as they were, and a frame for it. */
static copy_frame *copy_open(kd_arena *arena, copy_frame *up, copy_frame **spare, kd_value *v)
{
    copy_frame *frame = *spare;
    if (frame)
        *spare = frame->up;
    else if (!(frame = kd_arena_alloc(arena, sizeof(*frame))))
        return NULL;
    *frame = (copy_frame){.up = up, .n = v->n};
    if (v->type == KD_OBJECT) {
        kd_object *object = kd_object_copy(arena, *v);
        if (!object)
            return NULL;
        frame->members = object->members;
        frame->n = object->n;
        *v = kd_value_object(object);
        return frame;
    }
    frame->items = kd_arena_alloc(arena, (v->n + (size_t)1) * sizeof(kd_value));
    if (!frame->items)
        return NULL;
    kd_value_iter iter = kd_value_each(*v);
    kd_str none;
    for (uint32_t i = 0; kd_value_next(&iter, &none, &frame->items[i]); i++)
        ;
    *v = kd_value_list(frame->items, v->n);
    return frame;
}

static bool copy_text(kd_arena *arena, kd_str *s)
{
    *s = kd_arena_copy(arena, *s);
    return s->p != NULL;
}

/* Copies a scalar's text; containers are left alone. */
static bool copy_scalar(kd_arena *arena, kd_value *v)
{
    if (v->type != KD_STRING && (v->type != KD_NUMBER || v->origin == KD_ORIGIN_FLOAT64))
        return true;
    kd_str text = kd_value_text(*v);
    bool good = copy_text(arena, &text);
    v->text = text.p;
    return good;
}

kd_value kd_value_copy(kd_arena *arena, kd_value v)
{
    copy_frame *frame = NULL, *spare = NULL;
    kd_value *slot = &v;
    for (;;) {
        if (slot->type == KD_LIST || slot->type == KD_OBJECT) {
            if (!(frame = copy_open(arena, frame, &spare, slot)))
                return KD_VALUE_ABSENT;
        } else if (!copy_scalar(arena, slot)) {
            return KD_VALUE_ABSENT;
        }
        while (frame && frame->at == frame->n) {
            copy_frame *done = frame;
            frame = done->up;
            done->up = spare;
            spare = done;
        }
        if (!frame)
            return v;
        slot = frame->items ? &frame->items[frame->at] : &frame->members[frame->at].value;
        if (frame->members && !copy_text(arena, &frame->members[frame->at].key))
            return KD_VALUE_ABSENT;
        frame->at++;
    }
}
