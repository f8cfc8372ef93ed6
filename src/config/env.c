#include "config/env.h"

#define PREFIX    "KRAKEND_"
#define DEPTH_MAX 64u /* dots of a name that are followed */

static kd_node *find_member(kd_node *object, kd_str key)
{
    for (kd_node *node = object->first; node; node = node->next)
        if (kd_str_eq(node->key, key))
            return node;
    return NULL;
}

static kd_node *add_member(kd_arena *arena, kd_node *object, kd_str key, const kd_location *at)
{
    kd_node *node = KD_NEW(arena, kd_node);
    if (!node)
        return NULL;
    node->key = key;
    node->key_at = node->at = at;
    kd_node **link = &object->first;
    while (*link)
        link = &(*link)->next;
    *link = node;
    object->n++;
    return node;
}

static bool overlay_one(kd_arena *arena, kd_str name, kd_str value, kd_node *root)
{
    kd_location *at = KD_NEW(arena, kd_location);
    kd_str key = kd_arena_copy(arena, kd_str_from(name, sizeof(PREFIX) - 1));
    if (!at || !key.p)
        return false;
    at->file = kd_arena_printf(arena, "environment variable %.*s", KD_FMT(name));
    if (!at->file.p)
        return false;
    for (size_t i = 0; i < key.n; i++)
        ((char *)key.p)[i] = (char)kd_lower((uint8_t)key.p[i]);

    kd_node *object = root, *node;
    kd_str piece, rest = key;
    unsigned depth = 0;
    while (kd_str_split(&rest, '.', &piece)) {
        if (object->type != KD_NODE_OBJECT) {
            object->type = KD_NODE_OBJECT;
            object->first = NULL;
            object->n = 0;
            object->at = at;
        }
        if (++depth > DEPTH_MAX)
            return true;
        node = find_member(object, piece);
        if (!node && !(node = add_member(arena, object, piece, at)))
            return false;
        object = node;
    }
    object->type = KD_NODE_STRING;
    object->first = NULL;
    object->n = 0;
    object->go = NULL;
    object->text = value;
    object->at = at;
    return true;
}

bool kd_env_overlay(kd_arena *arena, char *const *environ, kd_node *root)
{
    for (; environ && *environ; environ++) {
        kd_str entry = kd_str_from_c(*environ);
        ptrdiff_t equals = kd_str_find(entry, '=');
        if (!kd_str_starts(entry, KD_STR(PREFIX)) || equals <= (ptrdiff_t)sizeof(PREFIX) - 1)
            continue;
        kd_str copy = kd_arena_copy(arena, entry);
        if (!copy.p ||
            !overlay_one(arena, kd_str_head(copy, (size_t)equals), kd_str_from(copy, (size_t)equals + 1), root))
            return false;
    }
    return true;
}

void kd_env_advise(kd_arena *arena, kd_errors *errors, const kd_node *root)
{
    const kd_node *port = kd_node_typed(root, KD_STR("port"), KD_NODE_STRING);
    if (!port || !port->at || port->at->line != 0 ||
        !(kd_str_starts(port->text, KD_STR("tcp://")) || kd_str_starts(port->text, KD_STR("udp://"))))
        return;
    for (kd_error *e = errors->first; e; e = e->next)
        if (e->severity == KD_SEVERITY_ERROR && kd_str_eq(e->key, KD_STR("port")))
            e->suggestion = kd_arena_printf(
                arena, "Kubernetes sets KRAKEND_PORT for a Service named krakend: set KRAKEND_PORT to a number in the "
                       "container, rename the Service, or set enableServiceLinks: false");
}
