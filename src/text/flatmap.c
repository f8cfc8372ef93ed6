#include "text/flatmap.h"

#include "text/order.h"

typedef struct path {
    kd_str *v;
    uint32_t n;
} path;

typedef enum operation { NOTHING, MOVE, APPEND, DELETE } operation;

typedef struct op {
    operation what;
    path *args; /* one without labels where the argument was none */
    uint32_t n_args;
} op;

struct kd_flatmap {
    op *ops;
    uint32_t n, cap;
};

/* ---- compiling -------------------------------------------------------------------------------------------------- */

kd_flatmap *kd_flatmap_create(kd_arena *arena, uint32_t max_ops)
{
    kd_flatmap *map = KD_NEW(arena, kd_flatmap);
    if (!map || !(map->ops = KD_NEW_ARRAY(arena, op, max_ops + (size_t)1)))
        return NULL;
    map->cap = max_ops;
    return map;
}

static bool split(kd_arena *arena, kd_str text, path *out)
{
    *out = (path){0};
    if (!text.p)
        return true;
    uint32_t n = 0;
    kd_str rest = text, part;
    while (kd_str_split(&rest, '.', &part))
        n++;
    out->v = KD_NEW_ARRAY(arena, kd_str, n);
    for (rest = text; out->v && kd_str_split(&rest, '.', &part);)
        out->v[out->n++] = part;
    return out->v != NULL;
}

bool kd_flatmap_add(kd_flatmap *map, kd_arena *arena, kd_str type, const kd_str *args, uint32_t n_args)
{
    static const kd_str names[] = {
        [MOVE] = KD_STR_INIT("move"), [APPEND] = KD_STR_INIT("append"), [DELETE] = KD_STR_INIT("del")};
    if (map->n == map->cap)
        return false;
    op *o = &map->ops[map->n];
    o->args = KD_NEW_ARRAY(arena, path, n_args + (size_t)1);
    if (!o->args)
        return false;
    for (uint32_t i = 0; i < n_args; i++)
        if (!split(arena, args[i], &o->args[i]))
            return false;
    o->n_args = n_args;
    for (operation what = MOVE; what <= DELETE; what++)
        if (kd_str_eq(type, names[what]))
            o->what = what;
    map->n++;
    return true;
}

uint32_t kd_flatmap_count(const kd_flatmap *map)
{
    return map->n;
}

static bool is_short(const op *o)
{
    return (o->what == MOVE || o->what == APPEND) && (o->n_args < 2 || !o->args[0].n || !o->args[1].n);
}

bool kd_flatmap_is_short(const kd_flatmap *map)
{
    for (uint32_t i = 0; i < map->n; i++)
        if (is_short(&map->ops[i]))
            return true;
    return false;
}

/* ---- the tree --------------------------------------------------------------------------------------------------- */

/* A value and the edge that leads to it. It is taken apart only when a path enters it. */
typedef struct node {
    struct node *parent, *prev, *next, *first, *last;
    struct node *next_match; /* in the list of what a path has reached */
    kd_str label;
    uint32_t index;                         /* the label, where `numbered` */
    uint32_t n;                             /* children */
    bool numbered, expanded, list, repeats; /* repeats: labels may stand there twice */
    kd_value value;                         /* while it is not expanded */
} node;

typedef struct tree {
    kd_arena *arena;
    node *root;
    bool failed; /* out of memory */
} tree;

static bool is_star(kd_str label)
{
    return label.n == 1 && label.p[0] == '*';
}

static void link_last(node *to, node *child)
{
    child->parent = to;
    child->next = NULL;
    child->prev = to->last;
    if (to->last)
        to->last->next = child;
    else
        to->first = child;
    to->last = child;
    to->n++;
}

static void unlink_node(node *child)
{
    node *from = child->parent;
    if (child->prev)
        child->prev->next = child->next;
    else
        from->first = child->next;
    if (child->next)
        child->next->prev = child->prev;
    else
        from->last = child->prev;
    from->n--;
    child->parent = child->prev = child->next = NULL;
}

static void expand_list(node *n, node *cells)
{
    kd_value_iter items = kd_value_each(n->value);
    kd_str none;
    for (uint32_t i = 0; kd_value_next(&items, &none, &cells[i].value); i++) {
        cells[i].numbered = true;
        cells[i].index = i;
        link_last(n, &cells[i]);
    }
}

/* By their keys; of equal keys the last one stays. */
static bool sort_members(tree *t, kd_object *object)
{
    kd_entry *entries = kd_arena_alloc(t->arena, object->n * sizeof *entries);
    kd_member *members = kd_arena_alloc(t->arena, object->n * sizeof *members);
    if (!entries || !members)
        return false;
    for (uint32_t i = 0; i < object->n; i++) {
        kd_str key = object->members[i].key;
        entries[i] = (kd_entry){kd_entry_prefix(key.p, key.n), key.p, &object->members[i], (uint32_t)key.n};
    }
    kd_entries_sort(entries, object->n);
    object->n = (uint32_t)kd_entries_unique(entries, object->n);
    for (uint32_t i = 0; i < object->n; i++)
        members[i] = *(const kd_member *)entries[i].value;
    object->members = members;
    return true;
}

static bool is_sorted(const kd_object *object)
{
    for (uint32_t i = 1; i < object->n; i++)
        if (kd_str_cmp(object->members[i - 1].key, object->members[i].key) >= 0)
            return false;
    return true;
}

/* Takes a value apart, an object in the order of its keys. What has no members stays a leaf with its value. */
static void expand(tree *t, node *n)
{
    kd_value v = n->value;
    if (n->expanded || (v.type != KD_LIST && v.type != KD_OBJECT) || v.n == 0 ||
        (v.type == KD_OBJECT && v.node && v.object->typed))
        return;
    node *cells = KD_NEW_ARRAY(t->arena, node, v.n);
    kd_object *object = cells && v.type == KD_OBJECT ? kd_object_copy(t->arena, v) : NULL;
    if (!cells || (v.type == KD_OBJECT && (!object || (!is_sorted(object) && !sort_members(t, object))))) {
        t->failed = true;
        return;
    }
    n->expanded = true;
    n->list = v.type == KD_LIST;
    if (n->list)
        expand_list(n, cells);
    for (uint32_t i = 0; object && i < object->n; i++) {
        cells[i].label = object->members[i].key;
        cells[i].value = object->members[i].value;
        link_last(n, &cells[i]);
    }
}

static bool has_label(const node *n, kd_str label)
{
    if (!n->numbered)
        return kd_str_eq(n->label, label);
    char digits[20];
    return kd_str_eq(kd_str_of(digits, kd_u64_write(digits, n->index)), label);
}

static node *child_of(tree *t, node *n, kd_str label)
{
    expand(t, n);
    for (node *child = n->first; child; child = child->next)
        if (has_label(child, label))
            return child;
    return NULL;
}

/* The child with the label that `like` has. */
static node *child_like(tree *t, node *n, const node *like)
{
    if (like->parent == n)
        return (node *)like;
    if (!like->numbered)
        return child_of(t, n, like->label);
    char digits[20];
    return child_of(t, n, kd_str_of(digits, kd_u64_write(digits, like->index)));
}

/* Appends a child. A leaf becomes an object by that, an empty list a list; its value comes back when it has lost all.
 */
static void attach(tree *t, node *to, node *child)
{
    expand(t, to);
    if (!to->expanded)
        to->list = to->value.type == KD_LIST;
    to->expanded = true;
    to->repeats = true;
    link_last(to, child);
}

static void set_label(node *n, kd_str label)
{
    n->label = label;
    n->numbered = false;
}

static node *make_node(tree *t)
{
    node *n = KD_NEW(t->arena, node);
    if (!n)
        t->failed = true;
    return n;
}

/* The nodes that the first `n` labels of a path lead to, in order, linked by next_match. */
static node *match(tree *t, const path *p, uint32_t n)
{
    node *level = t->root;
    level->next_match = NULL;
    for (uint32_t i = 0; i < n && level; i++) {
        node *found = NULL, **tail = &found;
        for (node *at = level; at; at = at->next_match) {
            expand(t, at);
            node *child = is_star(p->v[i]) ? at->first : child_of(t, at, p->v[i]);
            while (child) {
                *tail = child;
                tail = &child->next_match;
                child = is_star(p->v[i]) ? child->next : NULL;
            }
        }
        *tail = NULL;
        level = found;
    }
    return level;
}

/* ---- the result ------------------------------------------------------------------------------------------------- */

static kd_value collapse(tree *t, const node *n);

static kd_value collapse_list(tree *t, const node *n)
{
    kd_value *items = kd_arena_alloc(t->arena, n->n * sizeof *items);
    if (!items) {
        t->failed = true;
        return KD_VALUE_NULL;
    }
    uint32_t i = 0;
    for (const node *child = n->first; child; child = child->next)
        items[i++] = collapse(t, child);
    return kd_value_list(items, n->n);
}

/* Only what a path has entered is expanded: the labels of all operations bound the recursion. */
static kd_value collapse(tree *t, const node *n)
{
    if (!n->expanded)
        return n->value;
    if (!n->n) /* a container that was not empty has nothing left; a leaf that had become one is a leaf again */
        return (n->value.type == KD_LIST || n->value.type == KD_OBJECT) && n->value.n ? KD_VALUE_NULL : n->value;
    if (n->list)
        return collapse_list(t, n);
    kd_object *object = kd_object_create(t->arena, n->n);
    if (!object) {
        t->failed = true;
        return KD_VALUE_NULL;
    }
    for (const node *child = n->first; child; child = child->next)
        object->members[object->n++] = (kd_member){child->label, collapse(t, child)};
    if (n->repeats && !t->failed && !sort_members(t, object))
        t->failed = true;
    return kd_value_object(object);
}

/* ---- operations ------------------------------------------------------------------------------------------------- */

static void delete_path(tree *t, const path *p)
{
    if (!p->n)
        return;
    kd_str last = p->v[p->n - 1];
    for (node *at = match(t, p, p->n - 1); at; at = at->next_match) {
        expand(t, at);
        if (is_star(last)) {
            at->first = at->last = NULL;
            at->n = 0;
            continue;
        }
        node *child = child_of(t, at, last);
        if (child)
            unlink_node(child);
    }
}

/* Same length: a new label in the same place. A member that has it already gives way; items of lists have no names. */
static void rename_node(node *child, kd_str label)
{
    node *parent = child->parent;
    for (node *other = parent->first, *next; other && !parent->list; other = next) {
        next = other->next;
        if (other != child && has_label(other, label))
            unlink_node(other);
    }
    set_label(child, label);
}

/* The node on the way from the root to `parent` that lies `depth` labels deep. */
static node *ancestor(node *parent, uint32_t parent_depth, uint32_t depth)
{
    for (; parent_depth > depth; parent_depth--)
        parent = parent->parent;
    return parent;
}

/* To a shorter path: `parent` lies `parent_depth` labels deep. A '*' of the destination is the label that was passed
 * there. */
static void promote(tree *t, node *parent, uint32_t parent_depth, node *child, const path *to)
{
    node *at = t->root;
    for (uint32_t i = 0; i + 1 < to->n; i++) {
        node *next =
            is_star(to->v[i]) ? child_like(t, at, ancestor(parent, parent_depth, i + 1)) : child_of(t, at, to->v[i]);
        if (!next)
            break;
        at = next;
    }
    unlink_node(child);
    set_label(child, to->v[to->n - 1]);
    attach(t, at, child);
}

/* To a longer path: the rest of the destination begins where the source's last label stood. */
static void embed(tree *t, node *parent, node *child, const path *to, uint32_t from)
{
    unlink_node(child);
    node *at = parent;
    for (uint32_t i = from; i + 1 < to->n; i++) {
        node *next = child_of(t, at, to->v[i]);
        if (!next) {
            next = make_node(t);
            if (!next)
                return;
            set_label(next, to->v[i]);
            attach(t, at, next);
        }
        at = next;
    }
    set_label(child, to->v[to->n - 1]);
    attach(t, at, child);
}

static void move(tree *t, const path *from, const path *to)
{
    kd_str last = from->v[from->n - 1];
    node *next;
    for (node *at = match(t, from, from->n - 1); at && !t->failed; at = next) {
        next = at->next_match;
        node *child = child_of(t, at, last);
        if (!child)
            continue;
        if (from->n == to->n)
            rename_node(child, to->v[to->n - 1]);
        else if (from->n > to->n)
            promote(t, at, from->n - 1, child, to);
        else
            embed(t, at, child, to, from->n - 1);
    }
}

static bool has_star(const path *p)
{
    for (uint32_t i = 0; i < p->n; i++)
        if (is_star(p->v[i]))
            return true;
    return false;
}

/* What a path leads to: null where it leads nowhere, for '*' the list of what each label leads to. The length of the
 * path bounds the recursion. */
static kd_value look_up(tree *t, node *at, const path *p, uint32_t i)
{
    if (i == p->n)
        return collapse(t, at);
    if (!is_star(p->v[i])) {
        node *child = child_of(t, at, p->v[i]);
        return child ? look_up(t, child, p, i + 1) : KD_VALUE_NULL;
    }
    expand(t, at);
    if (!at->n)
        return KD_VALUE_NULL;
    kd_value *items = kd_arena_alloc(t->arena, at->n * sizeof *items);
    if (!items) {
        t->failed = true;
        return KD_VALUE_NULL;
    }
    uint32_t n = 0;
    for (node *child = at->first; child; child = child->next)
        items[n++] = look_up(t, child, p, i + 1);
    return kd_value_list(items, n);
}

/* Puts values behind the items of a list. */
static void add_items(tree *t, node *list, kd_value values)
{
    kd_value_iter each = kd_value_each(values);
    kd_str none;
    kd_value value;
    expand(t, list);
    while (!t->failed && kd_value_next(&each, &none, &value)) {
        node *item = make_node(t);
        if (!item)
            return;
        item->value = value;
        item->numbered = true;
        item->index = list->n;
        attach(t, list, item);
    }
}

/* The node a path names, made where it is missing; '*' is a label like others. NULL without memory. */
static node *reach(tree *t, const path *p)
{
    node *at = t->root;
    for (uint32_t i = 0; i < p->n; i++) {
        node *next = child_of(t, at, p->v[i]);
        if (!next) {
            next = make_node(t);
            if (!next)
                return NULL;
            set_label(next, p->v[i]);
            attach(t, at, next);
        }
        at = next;
    }
    return at;
}

/* The items of one list behind those of another, then the first goes. A destination with '*' is read with it, but
 * written where that label is spelled out. */
static void append(tree *t, const path *from, const path *to)
{
    kd_value more = look_up(t, t->root, from, 0), there = look_up(t, t->root, to, 0);
    if (t->failed || more.type != KD_LIST || there.type != KD_LIST)
        return;
    node *target = reach(t, to);
    if (!target)
        return;
    if (has_star(to)) {
        target->first = target->last = NULL;
        target->n = 0;
        target->expanded = false;
        target->value = kd_value_list(NULL, 0);
        add_items(t, target, there);
    }
    add_items(t, target, more);
    if (!t->failed)
        delete_path(t, from);
}

/* ---- all of it ------------------------------------------------------------------------------------------------- */

kd_flatmap_result kd_flatmap_apply(const kd_flatmap *map, kd_arena *arena, kd_value data, kd_value *out)
{
    *out = data;
    if (data.type != KD_OBJECT || data.n == 0)
        return KD_FLATMAP_OK;
    tree t = {.arena = arena};
    node root = {.value = data};
    t.root = &root;
    for (uint32_t i = 0; i < map->n && !t.failed; i++) {
        const op *o = &map->ops[i];
        if (is_short(o))
            return KD_FLATMAP_SHORT;
        if (o->what == MOVE)
            move(&t, &o->args[0], &o->args[1]);
        else if (o->what == APPEND)
            append(&t, &o->args[0], &o->args[1]);
        for (uint32_t k = 0; o->what == DELETE && k < o->n_args; k++)
            delete_path(&t, &o->args[k]);
    }
    if (!t.failed)
        *out = collapse(&t, &root);
    return t.failed ? KD_FLATMAP_NO_MEMORY : KD_FLATMAP_OK;
}
