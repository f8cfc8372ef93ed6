#include "config/tree.h"

const kd_node *kd_node_get(const kd_node *object, kd_str key)
{
    if (!object || object->type != KD_NODE_OBJECT)
        return NULL;
    for (const kd_node *node = object->first; node; node = node->next)
        if (kd_str_eq(node->key, key))
            return node;
    return NULL;
}

const kd_node *kd_node_typed(const kd_node *object, kd_str key, kd_node_type type)
{
    const kd_node *node = kd_node_get(object, key);
    return node && node->type == type ? node : NULL;
}

const char *kd_node_type_name(kd_node_type type)
{
    switch (type) {
    case KD_NODE_BOOL:
        return "true or false";
    case KD_NODE_NUMBER:
        return "number";
    case KD_NODE_STRING:
        return "string";
    case KD_NODE_LIST:
        return "list";
    case KD_NODE_OBJECT:
        return "object";
    case KD_NODE_NULL:
        break;
    }
    return "null";
}

static kd_value list_value(kd_arena *arena, const kd_node *list)
{
    kd_value *items = KD_NEW_ARRAY(arena, kd_value, list->n ? list->n : 1);
    if (!items)
        return KD_VALUE_ABSENT;
    uint32_t i = 0;
    for (const kd_node *node = list->first; node; node = node->next, i++) {
        items[i] = kd_node_value(arena, node);
        if (items[i].type == KD_ABSENT)
            return KD_VALUE_ABSENT;
    }
    return kd_value_list(items, list->n);
}

static kd_value object_value(kd_arena *arena, const kd_node *node)
{
    kd_object *object = kd_object_create(arena, node->n);
    if (!object)
        return KD_VALUE_ABSENT;
    for (const kd_node *member = node->first; member; member = member->next) {
        kd_value value = kd_node_value(arena, member);
        if (value.type == KD_ABSENT || !kd_object_set(object, arena, member->key, value))
            return KD_VALUE_ABSENT;
    }
    return kd_value_object(object);
}

kd_value kd_node_value(kd_arena *arena, const kd_node *node)
{
    switch (node->type) {
    case KD_NODE_BOOL:
        return kd_value_bool(node->boolean);
    case KD_NODE_NUMBER:
        return node->integer ? kd_value_literal(node->text) : kd_value_float(node->number);
    case KD_NODE_STRING:
        return kd_value_string(node->text, KD_ORIGIN_DECODED);
    case KD_NODE_LIST:
        return list_value(arena, node);
    case KD_NODE_OBJECT:
        return object_value(arena, node);
    case KD_NODE_NULL:
        break;
    }
    return KD_VALUE_NULL;
}
