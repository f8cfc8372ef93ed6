/* The first document of a YAML text as nodes: what libyaml reports, before aliases, merges and types are looked at.
 * Internal to config/yaml_tree. */
#ifndef KD_CONFIG_YAML_NODE_H
#define KD_CONFIG_YAML_NODE_H

#include "config/yaml_tree.h"

typedef enum kd_yaml_kind { KD_YAML_SCALAR, KD_YAML_LIST, KD_YAML_MAP, KD_YAML_ALIAS } kd_yaml_kind;

typedef struct kd_yaml_node {
    kd_yaml_kind kind;
    bool plain;                  /* scalar: without quotes and not a block */
    bool entered;                /* alias: is being followed, so that meeting it again would never end */
    kd_str tag;                  /* short form of an explicit tag, or empty */
    kd_str text;                 /* scalar: content; alias: the anchor's name */
    struct kd_yaml_node *target; /* alias */
    struct kd_yaml_node *up, *first, *last, *next; /* of a map keys and values alternate */
    uint32_t n;
    uint32_t line, column;
} kd_yaml_node;

/* The root of the first document; *root is NULL when there is none. False: refused or out of memory, as
 * kd_yaml_tree_read says. */
bool kd_yaml_nodes_read(kd_arena *arena, kd_str file, kd_str text, kd_errors *errors, kd_str *compat,
                        kd_yaml_node **root);

#endif
