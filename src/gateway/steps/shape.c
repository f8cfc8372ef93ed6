/* What of a backend's data goes on, and under which names: target, then allow or deny and mapping, or flatmap in their
 * place, then group (spec/01 section 9.4). Every change copies the path it touches and nothing else. */
#include "gateway/steps/flatmap.h"

/* A tree of dotted paths. */
typedef struct path_node {
    kd_str key;
    struct path_node *children, *next;
    bool leaf; /* the whole subtree */
} path_node;

typedef struct shape {
    kd_str *target;
    uint32_t n_target;
    path_node *allow, *deny;   /* roots; NULL: none */
    const kd_flatmap *flatmap; /* in place of allow, deny and mapping */
    const kd_mapping *mapping;
    uint32_t n_mapping;
    kd_str group;
    const kd_backend *backend;
} shape;

static path_node *child_of(kd_arena *arena, path_node *node, kd_str key)
{
    path_node **link = &node->children;
    for (; *link; link = &(*link)->next)
        if (kd_str_eq((*link)->key, key))
            return *link;
    *link = KD_NEW(arena, path_node);
    if (*link)
        (*link)->key = key;
    return *link;
}

/* allow: of a longer and a shorter path the one written last wins. deny: the shorter one wins. */
static path_node *make_tree(kd_arena *arena, kd_str_list paths, bool last_wins)
{
    path_node *root = KD_NEW(arena, path_node);
    for (uint32_t i = 0; i < paths.n && root; i++) {
        path_node *node = root;
        kd_str rest = paths.v[i], part;
        while (kd_str_split(&rest, '.', &part)) {
            if (node->leaf && node != root) {
                if (!last_wins)
                    break;
                node->leaf = false;
            }
            node = child_of(arena, node, part);
            if (!node)
                return NULL;
        }
        if (rest.p == NULL) {
            node->leaf = true;
            node->children = NULL;
        }
    }
    return root;
}

static bool compile_target(kd_arena *arena, shape *s, kd_str target)
{
    if (!target.n)
        return true;
    kd_str rest = target, part;
    uint32_t n = 0;
    while (kd_str_split(&rest, '.', &part))
        n++;
    s->target = KD_NEW_ARRAY(arena, kd_str, n);
    rest = target;
    while (s->target && kd_str_split(&rest, '.', &part))
        s->target[s->n_target++] = part;
    return s->target != NULL;
}

static bool compile_shape(const kd_compile *compile, kd_compiled *out)
{
    const kd_backend *b = compile->backend;
    if (kd_str_eq(b->encoding, KD_STR("no-op")))
        return false;
    out->at = b->at;
    const kd_flatmap *flatmap = kd_core_flatmap_read(compile, &b->extra, &out->at);
    if (!flatmap && !b->target.n && !b->allow.n && !b->deny.n && !b->n_mapping && !b->group.n)
        return false;
    shape *s = KD_NEW(compile->arena, shape);
    if (!s || !compile_target(compile->arena, s, b->target))
        return false;
    s->flatmap = flatmap;
    if (!flatmap) {
        if (b->allow.n)
            s->allow = make_tree(compile->arena, b->allow, true);
        else if (b->deny.n)
            s->deny = make_tree(compile->arena, b->deny, false);
        s->mapping = b->mapping;
        s->n_mapping = b->n_mapping;
    }
    s->group = b->group;
    s->backend = b;
    out->config = s;
    return true;
}

static kd_value empty_object(kd_arena *arena)
{
    kd_object *object = kd_object_create(arena, 0);
    return object ? kd_value_object(object) : KD_VALUE_NULL;
}

/* Can a path go on below it? Typed objects (feeds, a collection of XML) are no maps to KrakenD. */
static bool is_map(kd_value v)
{
    return v.type == KD_OBJECT && !(v.node && v.object->typed);
}

static kd_value apply_target(kd_arena *arena, const shape *s, kd_value data)
{
    for (uint32_t i = 0; i < s->n_target; i++) {
        data = kd_value_get(data, s->target[i]);
        if (!is_map(data))
            return empty_object(arena);
    }
    return data;
}

static uint32_t width(const path_node *node)
{
    uint32_t n = 0;
    for (const path_node *child = node->children; child; child = child->next)
        n++;
    return n;
}

/* What the tree keeps of an object; KD_ABSENT when that is nothing. The tree's depth bounds the recursion. */
static kd_value keep(kd_arena *arena, const path_node *node, kd_value object)
{
    kd_object *kept = kd_object_create(arena, width(node));
    if (!kept)
        return KD_VALUE_ABSENT;
    for (const path_node *child = node->children; child; child = child->next) {
        kd_value v = kd_value_get(object, child->key);
        if (v.type == KD_ABSENT)
            continue;
        if (!child->leaf) {
            if (!is_map(v))
                continue;
            v = keep(arena, child, v);
            if (v.type == KD_ABSENT)
                continue;
        }
        if (!kd_object_set(kept, arena, child->key, v))
            return KD_VALUE_ABSENT;
    }
    return kept->n ? kd_value_object(kept) : KD_VALUE_ABSENT;
}

static kd_value drop(kd_arena *arena, const path_node *node, kd_value object)
{
    kd_object *copy = kd_object_copy(arena, object);
    if (!copy)
        return object;
    for (const path_node *child = node->children; child; child = child->next) {
        if (child->leaf) {
            kd_object_remove(copy, child->key);
            continue;
        }
        kd_value v = kd_value_get(object, child->key);
        if (is_map(v))
            kd_object_set(copy, arena, child->key, drop(arena, child, v));
    }
    return kd_value_object(copy);
}

static kd_value rename_keys(kd_arena *arena, const shape *s, kd_value data)
{
    kd_object *copy = kd_object_copy(arena, data);
    if (!copy)
        return data;
    for (uint32_t i = 0; i < s->n_mapping; i++) {
        kd_value v = kd_value_get(kd_value_object(copy), s->mapping[i].from);
        if (v.type == KD_ABSENT)
            continue;
        kd_str to = s->mapping[i].to;
        ptrdiff_t dot = kd_str_find(to, '.');
        if (dot >= 0)
            to.n = (size_t)dot;
        kd_object_set(copy, arena, to, v);
        /* A key mapped to itself disappears. */
        kd_object_remove(copy, s->mapping[i].from);
    }
    return kd_value_object(copy);
}

static kd_verdict leave_shape(kd_branch *branch, const void *config, void *state)
{
    (void)state;
    const shape *s = config;
    kd_arena *arena = branch->x->front->arena;
    kd_response *response = branch->outcome.response;
    /* The object of return_error_details passes untouched. */
    if (!response || branch->outcome.fault || !response->complete)
        return KD_NEXT;
    kd_value data = response->data;
    if (s->n_target)
        data = apply_target(arena, s, data);
    if (s->flatmap) {
        if (!kd_core_flatmap_run(branch, s->flatmap, &data))
            return KD_NEXT;
    } else if (data.type == KD_OBJECT && data.n) {
        if (s->allow)
            data = keep(arena, s->allow, data);
        else if (s->deny)
            data = drop(arena, s->deny, data);
        if (data.type == KD_ABSENT)
            data = empty_object(arena);
        if (s->n_mapping && data.n)
            data = rename_keys(arena, s, data);
    }
    if (s->group.n) {
        kd_object *group = kd_object_create(arena, 1);
        if (!group ||
            !kd_object_set(group, arena, s->group, data.type == KD_NULL ? KD_VALUE_NIL(KD_ORIGIN_OBJECT) : data))
            return kd_branch_fail(branch, KD_FAIL_SHED, KD_STR("out of memory"));
        data = kd_value_object(group);
    }
    response->data = data;
    return KD_NEXT;
}

static void list(kd_buf *out, const char *name, const kd_str_list *names)
{
    if (!names->n)
        return;
    kd_buf_printf(out, "%s%s ", out->n && out->p[out->n - 1] != ' ' ? "; " : "", name);
    for (uint32_t i = 0; i < names->n; i++)
        kd_buf_printf(out, "%s%.*s", i ? ", " : "", KD_FMT(names->v[i]));
}

static void explain_shape(const void *config, kd_buf *out)
{
    const shape *s = config;
    const kd_backend *b = s->backend;
    if (b->target.n)
        list(out, "target", &(kd_str_list){(kd_str *)&b->target, 1});
    if (s->flatmap) {
        kd_buf_printf(out, "%s", b->target.n ? "; " : "");
        kd_core_flatmap_explain(s->flatmap, out);
    }
    if (s->allow)
        list(out, "allow", &b->allow);
    if (s->deny)
        list(out, "deny", &b->deny);
    for (uint32_t i = 0; i < s->n_mapping; i++)
        kd_buf_printf(out, "%s%.*s becomes %.*s", out->n && out->p[out->n - 1] != ' ' ? "; " : "",
                      KD_FMT(b->mapping[i].from), KD_FMT(b->mapping[i].to));
    if (b->group.n)
        list(out, "group", &(kd_str_list){(kd_str *)&b->group, 1});
}

const kd_step_type kd_core_shape = {
    .module = "core", .name = "shape", .compile = compile_shape, .leave = leave_shape, .explain = explain_shape};
