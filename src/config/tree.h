/* A configuration as a tree in which every node knows where it was written. Built by config/load from JSON, YAML or
 * TOML and overlaid with the environment; immutable afterwards. */
#ifndef KD_CONFIG_TREE_H
#define KD_CONFIG_TREE_H

#include "base/error.h"
#include "text/value.h"

typedef enum kd_node_type {
    KD_NODE_NULL,
    KD_NODE_BOOL,
    KD_NODE_NUMBER,
    KD_NODE_STRING,
    KD_NODE_LIST,
    KD_NODE_OBJECT
} kd_node_type;

typedef struct kd_node {
    kd_node_type type;
    bool boolean;
    bool integer;   /* number: written as an integer where the format tells integers from floats (YAML, TOML) */
    const char *go; /* the value's type in Go where a format has one of its own ("time.Time", "int64"), else NULL; a
                       string with it is a date or time, printed as Go writes it in JSON */
    kd_str key;     /* of a member; empty for list items and the root */
    const kd_location *key_at;    /* where the key stands; NULL for items */
    const kd_location *at;        /* where the value begins */
    kd_str text;                  /* string content, or the number as written (integers of YAML and TOML in decimal) */
    double number;                /* number: its float64 */
    struct kd_node *first, *next; /* children in file order; of duplicate keys only the last is here */
    uint32_t n;                   /* how many children */
} kd_node;

/* The member of that exact key, or NULL; NULL for NULL and for what is no object. */
const kd_node *kd_node_get(const kd_node *object, kd_str key);
/* The member of that key and type, or NULL. */
const kd_node *kd_node_typed(const kd_node *object, kd_str key, kd_node_type type);
/* A string that is text: no date or time of a format that has them. */
static inline bool kd_node_is_text(const kd_node *node)
{
    return node->type == KD_NODE_STRING && !node->go;
}
/* "object", "list", "string", "number", "true or false", "null". */
const char *kd_node_type_name(kd_node_type type);
/* The node as data, numbers as float64 (KD_ORIGIN_FLOAT64) as Go holds configuration, integers of YAML and TOML exact.
 * In the arena. */
kd_value kd_node_value(kd_arena *arena, const kd_node *node);

#endif
