#include "gateway/router.h"

#include "gateway/router_tree.h"
#include "text/go/path.h"

typedef struct method_tree {
    kd_str method;
    kd_route_branch *growing; /* until finish */
    const kd_route_node *root;
} method_tree;

struct kd_router {
    kd_arena *arena, *work;
    bool redirect_slash, redirect_fixed, not_allowed, extra_slash, finished;
    uint32_t n_trees, max_params;
    method_tree trees[KD_ROUTER_MAX_METHODS]; /* in the order of their first route */
};

kd_router *kd_router_create(kd_arena *arena, kd_arena *work, const kd_router_options *options)
{
    kd_router *router = KD_NEW(arena, kd_router);
    if (!router)
        return NULL;
    router->arena = arena;
    router->work = work;
    router->redirect_slash = options->redirect_trailing_slash;
    router->redirect_fixed = options->redirect_fixed_path;
    router->not_allowed = options->handle_method_not_allowed;
    router->extra_slash = options->remove_extra_slash;
    return router;
}

uint32_t kd_router_max_params(const kd_router *router)
{
    return router->max_params;
}

uint32_t kd_router_methods(const kd_router *router)
{
    return router->n_trees;
}

kd_str kd_router_method(const kd_router *router, uint32_t i)
{
    return router->trees[i].method;
}

static uint32_t count_params(kd_str path)
{
    uint32_t n = 0;
    for (size_t i = 0; i < path.n; i++) {
        if (path.p[i] == '\\') {
            i++;
        } else if (path.p[i] == ':' || path.p[i] == '*') {
            n++;
            while (i + 1 < path.n && path.p[i + 1] != '/')
                i++;
        }
    }
    return n;
}

static method_tree *tree_for(kd_router *router, kd_str method)
{
    for (uint32_t i = 0; i < router->n_trees; i++)
        if (kd_str_eq(router->trees[i].method, method))
            return &router->trees[i];
    if (router->n_trees == KD_ROUTER_MAX_METHODS)
        return NULL;
    method_tree *tree = &router->trees[router->n_trees];
    tree->growing = KD_NEW(router->work, kd_route_branch);
    if (!tree->growing)
        return NULL;
    tree->method = method;
    router->n_trees++;
    return tree;
}

/* ` (file:line:column)`, or nothing when the place is unknown. */
static kd_str place(kd_arena *arena, const kd_location *at)
{
    kd_str text = at ? kd_arena_printf(arena, " (%.*s:%u:%u)", KD_FMT(at->file), at->line, at->column) : KD_STR("");
    return text.p ? text : KD_STR("");
}

static bool report(kd_errors *errors, const kd_route *route, const kd_route_clash *clash)
{
    const kd_route *other = clash->other;
    if (!clash->words.p) {
        kd_errors_add(errors, KD_SEVERITY_ERROR, route->at, KD_STR(""), "no memory for the route '%.*s'",
                      KD_FMT(route->path));
        return false;
    }
    kd_error *error;
    if (other && kd_str_eq(other->path, route->path)) {
        error = kd_errors_add(errors, KD_SEVERITY_ERROR, route->at, KD_STR(""),
                              "the route '%.*s %.*s' is there already%.*s", KD_FMT(route->method), KD_FMT(route->path),
                              KD_FMT(place(errors->arena, other->at)));
        error->suggestion = KD_STR("remove one of the two, or give it another method or path");
    } else if (other) {
        error = kd_errors_add(errors, KD_SEVERITY_ERROR, route->at, KD_STR(""),
                              "the route '%.*s %.*s' cannot stand beside '%.*s'%.*s: %.*s", KD_FMT(route->method),
                              KD_FMT(route->path), KD_FMT(other->path), KD_FMT(place(errors->arena, other->at)),
                              KD_FMT(clash->words));
        error->suggestion = KD_STR("parameters at the same position of the same method need the same name, and a "
                                   "wildcard stands alone in its position");
    } else {
        error =
            kd_errors_add(errors, KD_SEVERITY_ERROR, route->at, KD_STR(""), "the route '%.*s %.*s' is not valid: %.*s",
                          KD_FMT(route->method), KD_FMT(route->path), KD_FMT(clash->words));
    }
    error->compat = kd_arena_copy(errors->arena, clash->words);
    return false;
}

bool kd_router_add(kd_router *router, kd_str method, kd_str path, void *handler, const kd_location *at,
                   kd_errors *errors)
{
    kd_route made = {.method = method, .path = kd_go_path_route(router->arena, path), .handler = handler, .at = at};
    kd_route_clash clash = {{NULL, 0}, NULL};
    kd_route *route = made.path.p ? KD_NEW(router->arena, kd_route) : NULL;
    if (!route) {
        made.path = path;
        return report(errors, &made, &clash);
    }
    *route = made;
    route->n_params = count_params(route->path);
    if (route->n_params > KD_ROUTER_MAX_PARAMS) {
        kd_errors_add(errors, KD_SEVERITY_ERROR, at, KD_STR(""), "the route '%.*s' has more than %d parameters",
                      KD_FMT(route->path), KD_ROUTER_MAX_PARAMS);
        return false;
    }
    method_tree *tree = tree_for(router, method);
    if (!tree && router->n_trees == KD_ROUTER_MAX_METHODS) {
        kd_errors_add(errors, KD_SEVERITY_ERROR, at, KD_STR(""), "the routes have more than %d different methods",
                      KD_ROUTER_MAX_METHODS);
        return false;
    }
    if (!tree || !kd_route_tree_add(tree->growing, route, router->work, &clash))
        return report(errors, route, &clash);
    if (route->n_params > router->max_params)
        router->max_params = route->n_params;
    return true;
}

bool kd_router_finish(kd_router *router, kd_errors *errors)
{
    for (uint32_t i = 0; i < router->n_trees; i++) {
        method_tree *tree = &router->trees[i];
        uint32_t count = kd_route_tree_count(tree->growing);
        if (!count) {
            kd_errors_add(errors, KD_SEVERITY_ERROR, NULL, KD_STR(""),
                          "the routes of method %.*s are nested deeper than %d levels", KD_FMT(tree->method),
                          KD_ROUTER_MAX_DEPTH);
            return false;
        }
        tree->root = kd_route_tree_flatten(tree->growing, count, router->arena);
        if (!tree->root) {
            kd_errors_add(errors, KD_SEVERITY_ERROR, NULL, KD_STR(""), "no memory for the routes of method %.*s",
                          KD_FMT(tree->method));
            return false;
        }
        tree->growing = NULL;
    }
    router->work = NULL;
    return true;
}

/* A node where a static child was taken although a wildcard would have matched too. */
typedef struct fork {
    const kd_route_node *node;
    const char *rest; /* what is left behind the node's fragment */
    uint32_t n_params;
} fork;

/* One way down a tree. */
typedef struct walk {
    const kd_route_node *n;
    const char *p, *end;    /* what is left of the path */
    kd_route_param *params; /* NULL: count only */
    uint32_t n_params, n_forks;
    bool slash; /* the path with its trailing slash toggled seems to be a route */
    fork forks[KD_ROUTER_MAX_DEPTH];
} walk;

typedef enum stride { STRIDE_DOWN, STRIDE_WILD, STRIDE_FOUND, STRIDE_END } stride;

static inline bool only_slash(const walk *w)
{
    return w->end - w->p == 1 && *w->p == '/';
}

/* Back to the last fork, to take its wildcard; the end when there is none. */
static stride back(walk *w)
{
    if (w->n_forks == 0)
        return STRIDE_END;
    const fork *f = &w->forks[--w->n_forks];
    w->n = f->node;
    w->p = f->rest;
    w->n_params = f->n_params;
    return STRIDE_WILD;
}

/* The path ends with this node. */
static stride arrive(walk *w)
{
    const kd_route_node *n = w->n;
    if (n->route)
        return STRIDE_FOUND;
    if (!only_slash(w)) {
        stride s = back(w);
        if (s == STRIDE_WILD)
            return s;
    } else if ((n->wild && n->kind != KD_ROUTE_ROOT) || n->kind == KD_ROUTE_STATIC) {
        w->slash = true;
        return STRIDE_END;
    }
    const kd_route_node *child = kd_route_child(n, '/');
    if (child)
        w->slash =
            (child->n_frag == 1 && child->route) || (child->kind == KD_ROUTE_CATCH_ALL && child->children[0].route);
    return STRIDE_END;
}

/* The path ends within this node's fragment, or differs from it. */
static stride miss(walk *w)
{
    const kd_route_node *n = w->n;
    size_t left = (size_t)(w->end - w->p);
    w->slash = only_slash(w) ||
               (n->n_frag == left + 1 && n->frag[left] == '/' && n->route && memcmp(w->p, n->frag, left) == 0);
    return w->slash ? STRIDE_END : back(w);
}

static inline stride step_static(walk *w)
{
    const kd_route_node *n = w->n;
    size_t left = (size_t)(w->end - w->p);
    if (left < n->n_frag || memcmp(w->p, n->frag, n->n_frag) != 0)
        return miss(w);
    if (left == n->n_frag)
        return arrive(w);
    w->p += n->n_frag;
    const kd_route_node *child = kd_route_child(n, (uint8_t)*w->p);
    if (child) {
        if (n->wild)
            w->forks[w->n_forks++] = (fork){n, w->p, w->n_params};
        w->n = child;
        return STRIDE_DOWN;
    }
    if (n->wild)
        return STRIDE_WILD;
    if (!only_slash(w))
        return back(w);
    w->slash = n->route != NULL;
    return STRIDE_END;
}

static inline stride step_wildcard(walk *w)
{
    const kd_route_node *n = w->n = &w->n->children[w->n->n_children - 1];
    const char *end = n->kind == KD_ROUTE_PARAM ? memchr(w->p, '/', (size_t)(w->end - w->p)) : NULL;
    if (!end)
        end = w->end;
    if (w->params)
        w->params[w->n_params] = (kd_route_param){n->name, {w->p, (size_t)(end - w->p)}};
    w->n_params++;
    if (end < w->end) {
        if (n->n_children) {
            w->p = end;
            w->n = &n->children[0];
            return STRIDE_DOWN;
        }
        w->slash = w->end - end == 1;
        return STRIDE_END;
    }
    if (n->route)
        return STRIDE_FOUND;
    if (n->n_children == 1) {
        const kd_route_node *child = &n->children[0];
        w->slash = (child->n_frag == 1 && child->frag[0] == '/' && child->route) ||
                   (child->n_frag == 0 && child->n_first == 1 && child->first[0] == '/');
    }
    return STRIDE_END;
}

/* gin's getValue. */
static const kd_route *descend(walk *w, const kd_route_node *root, kd_str path, kd_route_param *params)
{
    w->n = root;
    w->p = path.p;
    w->end = path.p + path.n;
    w->params = params;
    w->n_params = w->n_forks = 0;
    w->slash = false;
    for (stride s = STRIDE_DOWN;;) {
        s = s == STRIDE_DOWN ? step_static(w) : step_wildcard(w);
        if (s == STRIDE_FOUND)
            return w->n->route;
        if (s == STRIDE_END)
            return NULL;
    }
}

/* The route that a search of every branch finds, static ones first. */
static const kd_route *search(const kd_route_node *n, kd_str path, kd_route_param *params, uint32_t *n_params)
{
    if (path.n < n->n_frag || memcmp(path.p, n->frag, n->n_frag) != 0)
        return NULL;
    path = kd_str_from(path, n->n_frag);
    if (path.n == 0)
        return n->route;
    uint32_t before = *n_params;
    const kd_route_node *child = kd_route_child(n, (uint8_t)path.p[0]);
    const kd_route *found = child ? search(child, path, params, n_params) : NULL;
    if (found || !n->wild)
        return found;
    child = &n->children[n->n_children - 1];
    ptrdiff_t slash = child->kind == KD_ROUTE_PARAM ? kd_str_find(path, '/') : -1;
    size_t end = slash < 0 ? path.n : (size_t)slash;
    *n_params = before;
    params[(*n_params)++] = (kd_route_param){child->name, kd_str_head(path, end)};
    if (end == path.n)
        found = child->route;
    else if (child->n_children)
        found = search(&child->children[0], kd_str_from(path, end), params, n_params);
    if (!found)
        *n_params = before;
    return found;
}

static kd_str toggle_slash(kd_arena *scratch, kd_str path)
{
    if (path.n > 1 && path.p[path.n - 1] == '/')
        return kd_str_head(path, path.n - 1);
    char *to = kd_arena_alloc(scratch, path.n + 1);
    if (!to)
        return (kd_str){NULL, 0};
    memcpy(to, path.p, path.n);
    to[path.n] = '/';
    return kd_str_of(to, path.n + 1);
}

/* What gin would do with a path that descend() has not found in the tree: KD_ROUTE_REDIRECT with match->path and
 * takes_prefix set, KD_ROUTE_NOT_FOUND or KD_ROUTE_NO_MEMORY. */
static kd_route_result respell(const kd_router *router, const kd_route_node *root, kd_str path, bool slash,
                               kd_arena *scratch, kd_route_match *match)
{
    match->takes_prefix = slash && router->redirect_slash;
    if (match->takes_prefix) {
        match->path = toggle_slash(scratch, path);
        return match->path.p ? KD_ROUTE_REDIRECT : KD_ROUTE_NO_MEMORY;
    }
    if (!router->redirect_fixed)
        return KD_ROUTE_NOT_FOUND;
    kd_str clean = kd_router_clean_path(scratch, path);
    char *to = clean.p ? kd_arena_alloc(scratch, clean.n + 1) : NULL;
    size_t n;
    if (!to)
        return KD_ROUTE_NO_MEMORY;
    if (!kd_route_tree_repair(root, clean, to, &n))
        return KD_ROUTE_NOT_FOUND;
    match->path = n ? kd_str_of(to, n) : KD_STR("/");
    return KD_ROUTE_REDIRECT;
}

/* gin's answer to a path of an own method: FOUND, REDIRECT, or NOT_FOUND (also for what is to become a 405). */
static kd_route_result answer(const kd_router *router, const method_tree *tree, kd_str path, walk *w, kd_arena *scratch,
                              kd_route_match *match)
{
    kd_str routed = router->extra_slash ? kd_router_clean_path(scratch, path) : path;
    if (!routed.p)
        return KD_ROUTE_NO_MEMORY;
    match->route = descend(w, tree->root, routed, match->params);
    match->n_params = w->n_params;
    if (KD_LIKELY(match->route != NULL))
        return KD_ROUTE_FOUND;
    if (kd_str_eq(tree->method, KD_STR("CONNECT")) || kd_str_eq(routed, KD_STR("/")))
        return KD_ROUTE_NOT_FOUND;
    return respell(router, tree->root, path, w->slash, scratch, match);
}

/* The path that a client asks for when it follows the redirect: http.Redirect cleans it, keeping a trailing slash. */
static kd_str follow(kd_arena *scratch, kd_str target)
{
    kd_str clean = kd_go_path_clean(scratch, target);
    if (!clean.p || clean.n == 1 || target.p[target.n - 1] != '/')
        return clean;
    return toggle_slash(scratch, clean);
}

/* Where gin misses a route, its redirects can lead back to the path they came from, at once or over another path, and
 * clients would go round for ever. Then the route that a search of all branches finds is the answer; a redirect stands
 * only when it leads to such a route; else there is none. */
static kd_route_result break_circle(const kd_router *router, const method_tree *tree, kd_str path, walk *w,
                                    kd_arena *scratch, kd_route_match *match)
{
    enum { HOPS = 4 }; /* longer circles have not been seen; one costs its client a few requests more */
    kd_route_param params[KD_ROUTER_MAX_PARAMS];
    kd_route_match next = {.params = params, .path = match->path};
    bool reaches = false;
    for (int hop = 0; hop < HOPS; hop++) {
        uint32_t n = 0;
        kd_str at = follow(scratch, next.path);
        if (!at.p)
            return KD_ROUTE_NO_MEMORY;
        if (kd_str_eq(at, path)) {
            const kd_route *route = search(tree->root, path, params, &n);
            if (route) {
                match->route = route;
                match->n_params = n;
                memcpy(match->params, params, n * sizeof(*params));
                return KD_ROUTE_FOUND;
            }
            return reaches ? KD_ROUTE_REDIRECT : KD_ROUTE_NOT_FOUND;
        }
        reaches = reaches || search(tree->root, at, params, &n) != NULL;
        kd_route_result result = answer(router, tree, at, w, scratch, &next);
        if (result == KD_ROUTE_NO_MEMORY)
            return result;
        if (result != KD_ROUTE_REDIRECT)
            break;
    }
    return KD_ROUTE_REDIRECT;
}

/* 405 with the methods that have the path, or 404. */
static kd_route_result ask_others(const kd_router *router, const method_tree *own, kd_str path, walk *w,
                                  kd_arena *scratch, kd_route_match *match)
{
    bool has[KD_ROUTER_MAX_METHODS];
    size_t n = 0;
    for (uint32_t i = 0; i < router->n_trees; i++) {
        const method_tree *tree = &router->trees[i];
        has[i] = tree != own && descend(w, tree->root, path, NULL) != NULL;
        n += has[i] ? tree->method.n + 2 : 0;
    }
    if (n == 0)
        return KD_ROUTE_NOT_FOUND;
    char *to = kd_arena_alloc(scratch, n);
    if (!to)
        return KD_ROUTE_NO_MEMORY;
    match->allow = kd_str_of(to, n - 2);
    for (uint32_t i = 0; i < router->n_trees; i++) {
        if (!has[i])
            continue;
        kd_str method = router->trees[i].method;
        memcpy(to, method.p, method.n);
        memcpy(to + method.n, ", ", 2);
        to += method.n + 2;
    }
    return KD_ROUTE_NOT_ALLOWED;
}

kd_route_result kd_router_lookup(const kd_router *router, kd_str method, kd_str path, kd_arena *scratch,
                                 kd_route_match *match)
{
    walk w;
    const method_tree *own = NULL;
    match->route = NULL;
    match->n_params = 0;
    for (uint32_t i = 0; i < router->n_trees && !own; i++)
        if (kd_str_eq(router->trees[i].method, method))
            own = &router->trees[i];
    kd_route_result result = own ? answer(router, own, path, &w, scratch, match) : KD_ROUTE_NOT_FOUND;
    if (KD_LIKELY(result == KD_ROUTE_FOUND))
        return result;
    if (result == KD_ROUTE_REDIRECT) {
        result = break_circle(router, own, path, &w, scratch, match);
        match->status = kd_str_eq(method, KD_STR("GET")) ? 301 : 307;
    }
    if (result == KD_ROUTE_NOT_FOUND && router->not_allowed) {
        kd_str routed = router->extra_slash ? kd_router_clean_path(scratch, path) : path;
        return routed.p ? ask_others(router, own, routed, &w, scratch, match) : KD_ROUTE_NO_MEMORY;
    }
    return result;
}
