#include "gateway/router_tree.h"

/* What one insertion carries along. */
typedef struct growth {
    const kd_route *route;
    kd_arena *work;
    kd_route_clash *clash;
} growth;

static bool refuse(growth *g, kd_str words, const kd_route *other)
{
    *g->clash = (kd_route_clash){words, other};
    return false;
}

static bool no_memory(growth *g)
{
    return refuse(g, (kd_str){NULL, 0}, NULL);
}

static kd_str cut_at_slash(kd_str s)
{
    ptrdiff_t at = kd_str_find(s, '/');
    return at < 0 ? s : kd_str_head(s, (size_t)at);
}

static const kd_route *any_route(const kd_route_branch *n)
{
    while (!n->route && n->n_children)
        n = n->children[0];
    return n->route;
}

/* A new last child, before the wildcard if there is one. `byte` < 0: a child that is not found by its first byte. */
static kd_route_branch *add_child(growth *g, kd_route_branch *n, int byte)
{
    if (n->n_children == n->cap) {
        uint16_t cap = n->cap ? (uint16_t)(n->cap * 2) : 2;
        kd_route_branch **children = KD_NEW_ARRAY(g->work, kd_route_branch *, cap);
        uint8_t *first = KD_NEW_ARRAY(g->work, uint8_t, cap);
        if (!children || !first)
            return NULL;
        if (n->cap) {
            memcpy(children, n->children, n->n_children * sizeof(*children));
            memcpy(first, n->first, n->n_first);
        }
        n->children = children, n->first = first, n->cap = cap;
    }
    kd_route_branch *child = KD_NEW(g->work, kd_route_branch);
    if (!child)
        return NULL;
    uint16_t at = n->n_children++;
    if (n->wild) {
        n->children[at] = n->children[at - 1];
        at--;
    }
    n->children[at] = child;
    if (byte >= 0)
        n->first[n->n_first++] = (uint8_t)byte;
    return child;
}

/* One more route below static child k: it moves left past the less popular ones. */
static kd_route_branch *raise_child(kd_route_branch *n, uint32_t k)
{
    kd_route_branch *child = n->children[k];
    uint8_t byte = n->first[k];
    for (child->priority++; k > 0 && n->children[k - 1]->priority < child->priority; k--) {
        n->children[k] = n->children[k - 1];
        n->first[k] = n->first[k - 1];
    }
    n->children[k] = child;
    n->first[k] = byte;
    return child;
}

typedef enum wildcard_state { WILDCARD_NONE, WILDCARD_FOUND, WILDCARD_BAD } wildcard_state;

/* Finds the first wildcard of a path: ':' or '*' without a backslash before, up to the next slash. */
static wildcard_state find_wildcard(growth *g, kd_str path, kd_str *wildcard)
{
    for (size_t i = 0; i < path.n; i++) {
        if (path.p[i] == '\\') {
            if (++i < path.n && path.p[i] != ':') {
                refuse(g, kd_arena_printf(g->work, "invalid escape string in path '%.*s'", KD_FMT(path)), NULL);
                return WILDCARD_BAD;
            }
        } else if (path.p[i] == ':' || path.p[i] == '*') {
            *wildcard = cut_at_slash(kd_str_from(path, i));
            kd_str name = kd_str_from(*wildcard, 1);
            kd_str full = g->route->path;
            if (kd_str_find(name, ':') >= 0 || kd_str_find(name, '*') >= 0)
                refuse(g,
                       kd_arena_printf(g->work,
                                       "only one wildcard per path segment is allowed, has: '%.*s' in path "
                                       "'%.*s'",
                                       KD_FMT(*wildcard), KD_FMT(full)),
                       NULL);
            else if (name.n == 0)
                refuse(g,
                       kd_arena_printf(g->work, "wildcards must be named with a non-empty name in path '%.*s'",
                                       KD_FMT(full)),
                       NULL);
            else
                return WILDCARD_FOUND;
            return WILDCARD_BAD;
        }
    }
    return WILDCARD_NONE;
}

/* Ends the tail with a catch-all at path[at..]. */
static bool insert_catch_all(growth *g, kd_route_branch *n, kd_str path, size_t at, kd_str wildcard)
{
    kd_str full = g->route->path;
    if (at + wildcard.n != path.n)
        return refuse(g,
                      kd_arena_printf(g->work,
                                      "catch-all routes are only allowed at the end of the path in path '%.*s'",
                                      KD_FMT(full)),
                      NULL);
    if (n->frag.n && n->frag.p[n->frag.n - 1] == '/') {
        kd_str segment = n->n_children ? cut_at_slash(n->children[0]->frag) : KD_STR("");
        return refuse(g,
                      kd_arena_printf(g->work,
                                      "catch-all wildcard '%.*s' in new path '%.*s' conflicts with existing path "
                                      "segment '%.*s' in existing prefix '%.*s%.*s'",
                                      KD_FMT(path), KD_FMT(full), KD_FMT(segment), KD_FMT(n->frag), KD_FMT(segment)),
                      any_route(n));
    }
    if (at == 0 || path.p[at - 1] != '/')
        return refuse(g, kd_arena_printf(g->work, "no / before catch-all in path '%.*s'", KD_FMT(full)), NULL);
    n->frag = kd_str_head(path, at - 1);
    kd_route_branch *empty = add_child(g, n, '/');
    kd_route_branch *named = empty ? add_child(g, empty, -1) : NULL;
    if (!named)
        return no_memory(g);
    empty->kind = named->kind = KD_ROUTE_CATCH_ALL;
    empty->priority = named->priority = 1;
    empty->wild = true;
    named->frag = kd_str_from(path, at - 1);
    named->route = g->route;
    return true;
}

/* Hangs a path that shares nothing with the tree any more below n, which holds its first static piece. */
static bool insert_tail(growth *g, kd_route_branch *n, kd_str path)
{
    for (;;) {
        kd_str wildcard;
        wildcard_state state = find_wildcard(g, path, &wildcard);
        if (state == WILDCARD_BAD)
            return false;
        if (state == WILDCARD_NONE) {
            n->frag = path;
            n->route = g->route;
            return true;
        }
        size_t at = (size_t)(wildcard.p - path.p);
        if (wildcard.p[0] == '*')
            return insert_catch_all(g, n, path, at, wildcard);
        if (at > 0)
            n->frag = kd_str_head(path, at);
        kd_route_branch *param = add_child(g, n, -1);
        if (!param)
            return no_memory(g);
        n->wild = true;
        param->kind = KD_ROUTE_PARAM;
        param->frag = wildcard;
        param->priority = 1;
        path = kd_str_from(path, at + wildcard.n);
        if (path.n == 0) {
            param->route = g->route;
            return true;
        }
        n = add_child(g, param, -1);
        if (!n)
            return no_memory(g);
        n->priority = 1;
    }
}

/* Cuts n after `at` bytes of its fragment: what was n goes below. */
static bool split(growth *g, kd_route_branch *n, size_t at)
{
    kd_route_branch below = *n;
    *n = (kd_route_branch){.kind = n->kind, .priority = n->priority, .frag = kd_str_head(below.frag, at)};
    kd_route_branch *child = add_child(g, n, (uint8_t)below.frag.p[at]);
    if (!child)
        return no_memory(g);
    below.frag = kd_str_from(below.frag, at);
    below.kind = KD_ROUTE_STATIC;
    below.priority--;
    *child = below;
    return true;
}

static bool refuse_wildcard(growth *g, const kd_route_branch *n, kd_str path)
{
    kd_str full = g->route->path;
    kd_str segment = n->kind == KD_ROUTE_CATCH_ALL ? path : cut_at_slash(path);
    kd_str prefix = kd_str_head(full, (size_t)kd_str_search(full, segment));
    return refuse(
        g,
        kd_arena_printf(g->work,
                        "'%.*s' in new path '%.*s' conflicts with existing wildcard '%.*s' in existing prefix "
                        "'%.*s%.*s'",
                        KD_FMT(segment), KD_FMT(full), KD_FMT(n->frag), KD_FMT(prefix), KD_FMT(n->frag)),
        any_route(n));
}

static bool same_wildcard(const kd_route_branch *n, kd_str path)
{
    return n->kind != KD_ROUTE_CATCH_ALL && kd_str_starts(path, n->frag) &&
           (path.n == n->frag.n || path.p[n->frag.n] == '/');
}

/* The next node for what is left of the path below n; *tail when the rest is to hang there, in a node of its own or in
 * n. NULL when the route is refused. */
static kd_route_branch *next_branch(growth *g, kd_route_branch *n, kd_str path, bool *tail)
{
    uint8_t byte = (uint8_t)path.p[0];
    if (n->kind == KD_ROUTE_PARAM && byte == '/' && n->n_children == 1) {
        n->children[0]->priority++;
        return n->children[0];
    }
    for (uint32_t k = 0; k < n->n_first; k++)
        if (n->first[k] == byte)
            return raise_child(n, k);
    *tail = true;
    if (byte != ':' && byte != '*' && n->kind != KD_ROUTE_CATCH_ALL) {
        if (!add_child(g, n, byte)) {
            no_memory(g);
            return NULL;
        }
        return raise_child(n, n->n_first - 1u);
    }
    if (!n->wild)
        return n;
    kd_route_branch *wildcard = n->children[n->n_children - 1];
    wildcard->priority++;
    *tail = false;
    if (same_wildcard(wildcard, path))
        return wildcard;
    refuse_wildcard(g, wildcard, path);
    return NULL;
}

bool kd_route_tree_add(kd_route_branch *root, const kd_route *route, kd_arena *work, kd_route_clash *clash)
{
    growth g = {route, work, clash};
    kd_str path = route->path;
    root->priority++;
    if (root->frag.n == 0 && root->n_children == 0) {
        root->kind = KD_ROUTE_ROOT;
        return insert_tail(&g, root, path);
    }
    for (kd_route_branch *n = root;;) {
        size_t same = 0;
        while (same < path.n && same < n->frag.n && path.p[same] == n->frag.p[same])
            same++;
        if (same < n->frag.n && !split(&g, n, same))
            return false;
        if (same == path.n) {
            if (n->route)
                return refuse(
                    &g, kd_arena_printf(work, "handlers are already registered for path '%.*s'", KD_FMT(route->path)),
                    n->route);
            n->route = route;
            return true;
        }
        path = kd_str_from(path, same);
        bool tail = false;
        n = next_branch(&g, n, path, &tail);
        if (!n)
            return false;
        if (tail)
            return insert_tail(&g, n, path);
    }
}

static uint32_t count_down(const kd_route_branch *n, uint32_t depth)
{
    if (depth > KD_ROUTER_MAX_DEPTH)
        return 0;
    uint32_t sum = 1;
    for (uint32_t i = 0; i < n->n_children; i++) {
        uint32_t below = count_down(n->children[i], depth + 1);
        if (!below)
            return 0;
        sum += below;
    }
    return sum;
}

uint32_t kd_route_tree_count(const kd_route_branch *root)
{
    return count_down(root, 1);
}

/* Where the flat tree is written. */
typedef struct layout {
    kd_arena *arena;
    kd_route_node *free; /* the next node of the array */
} layout;

/* gin resolves "\:" late, and in fragments and index apart; a backslash that ends a fragment stays. */
static kd_str without_escapes(kd_arena *arena, kd_str s)
{
    kd_str copy = kd_arena_copy(arena, s);
    if (!copy.p)
        return copy;
    char *to = (char *)copy.p;
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '\\' && i + 1 < s.n && s.p[i + 1] == ':')
            i++;
        to[n++] = s.p[i];
    }
    return kd_str_of(to, n);
}

static bool flatten(layout *l, const kd_route_branch *from, kd_route_node *to)
{
    kd_str frag = without_escapes(l->arena, from->frag);
    uint8_t *first = kd_arena_alloc(l->arena, from->n_first);
    if (!frag.p || !first)
        return false;
    for (uint32_t i = 0; i < from->n_first; i++)
        first[i] = from->first[i] == '\\' ? ':' : from->first[i];
    kd_route_node *children = l->free;
    l->free += from->n_children;
    *to = (kd_route_node){.frag = frag.p,
                          .n_frag = (uint32_t)frag.n,
                          .first = first,
                          .n_first = from->n_first,
                          .children = children,
                          .n_children = from->n_children,
                          .route = from->route,
                          .kind = (uint8_t)from->kind,
                          .wild = from->wild};
    if (from->kind == KD_ROUTE_PARAM)
        to->name = kd_str_from(frag, 1);
    else if (from->kind == KD_ROUTE_CATCH_ALL)
        to->name = kd_str_from(frag, 2);
    for (uint32_t i = 0; i < from->n_children; i++)
        if (!flatten(l, from->children[i], &children[i]))
            return false;
    return true;
}

const kd_route_node *kd_route_tree_flatten(const kd_route_branch *root, uint32_t count, kd_arena *arena)
{
    enum { LINE = sizeof(kd_route_node) };
    _Static_assert(LINE == 64, "a node fills one cache line");
    char *memory = kd_arena_alloc(arena, ((size_t)count + 1) * LINE);
    if (!memory)
        return NULL;
    kd_route_node *nodes = (kd_route_node *)(((uintptr_t)memory + LINE - 1) & ~(uintptr_t)(LINE - 1));
    layout l = {arena, nodes + 1};
    return flatten(&l, root, nodes) ? nodes : NULL;
}
