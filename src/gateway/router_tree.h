/* The radix tree behind one method of a router: grown route by route in gin's shape, then laid out flat for reading.
 * Internal to router*.c. */
#ifndef KD_GATEWAY_ROUTER_TREE_H
#define KD_GATEWAY_ROUTER_TREE_H

#include "gateway/router.h"

typedef enum kd_route_kind {
    KD_ROUTE_STATIC,
    KD_ROUTE_ROOT,
    KD_ROUTE_PARAM,
    KD_ROUTE_CATCH_ALL /* two nodes: an empty one found by '/', below it the one that holds the name */
} kd_route_kind;

/* A node while the tree grows. */
typedef struct kd_route_branch {
    kd_str frag;
    struct kd_route_branch **children; /* static ones first, in the order of their bytes in `first`; wildcard last */
    uint8_t *first;                    /* first bytes of the static children */
    const kd_route *route;
    uint32_t priority; /* routes at and below: popular children are tried first */
    uint16_t n_children, n_first, cap;
    kd_route_kind kind;
    bool wild; /* the last child is a wildcard */
} kd_route_branch;

/* A node of a finished tree: one cache line. */
typedef struct kd_route_node {
    const char *frag;
    const uint8_t *first;
    const struct kd_route_node *children;
    const kd_route *route;
    kd_str name; /* of a wildcard */
    uint32_t n_frag;
    uint16_t n_first, n_children;
    uint8_t kind;
    bool wild;
} kd_route_node;

/* Why a route was refused. */
typedef struct kd_route_clash {
    kd_str words;          /* KrakenD's; p is NULL when memory ran out */
    const kd_route *other; /* the route in the way, or NULL when the path itself is wrong */
} kd_route_clash;

/* Adds a route below `root` (all zero at first), as gin's addRoute does. Nodes come from `work`, paths are borrowed
 * from the route. False: *clash says why, and the tree is no longer good for lookups. */
bool kd_route_tree_add(kd_route_branch *root, const kd_route *route, kd_arena *work, kd_route_clash *clash);

/* Counts the nodes from `root` down; 0 when a branch is deeper than KD_ROUTER_MAX_DEPTH. */
uint32_t kd_route_tree_count(const kd_route_branch *root);

/* The tree as an array of nodes in `arena`, "\:" in static text resolved to ':'. Only for trees that
 * kd_route_tree_count has accepted. NULL without memory. */
const kd_route_node *kd_route_tree_flatten(const kd_route_branch *root, uint32_t count, kd_arena *arena);

/* The static child that begins with the byte, or NULL. */
static inline const kd_route_node *kd_route_child(const kd_route_node *n, uint8_t byte)
{
    if (n->n_first > 16) {
        const uint8_t *at = memchr(n->first, byte, n->n_first);
        return at ? &n->children[at - n->first] : NULL;
    }
    for (uint32_t i = 0; i < n->n_first; i++)
        if (n->first[i] == byte)
            return &n->children[i];
    return NULL;
}

/* The same path in the case of the registered routes, trailing slash repaired: gin's findCaseInsensitivePath. `path` is
 * clean and begins with '/'. `out` has room for path.n + 1 bytes; returns true and their count when there is one. */
bool kd_route_tree_repair(const kd_route_node *root, kd_str path, char *out, size_t *n_out);

#endif
