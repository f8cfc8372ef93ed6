#include "config/yaml_tree.h"

#include "base/buf.h"
#include "base/map.h"
#include "config/yaml_node.h"
#include "config/yaml_scalar.h"
#include "text/go/format.h"
#include "text/go/quote.h"

#define FEW_MEMBERS   16u /* smaller objects are searched as they are */
#define REFUSED_MAX   100u
#define MEMBERS_MAX   (1u << 24)
#define KEY_TEXT_MAX  (1u << 16)
#define UNCHECKED_MIN 100u /* aliased nodes that are never too many (as in yaml.v3) */
#define RATIO_LOW     400000.0
#define RATIO_HIGH    4000000.0

/* A line of yaml.v3's list of values that it could not take. */
typedef struct refused_line {
    struct refused_line *next;
    kd_str text;
} refused_line;

typedef struct decoder {
    kd_arena *arena;
    kd_errors *errors;
    kd_str file;
    kd_str *compat;
    const kd_location *from; /* the alias that is being followed */
    refused_line *first, *last;
    uint32_t refused;
    uint32_t nodes, aliased; /* decoded so far, and how many of them through aliases */
    uint32_t alias_depth, depth;
    bool failed;
} decoder;

/* An object while members are added to it. */
typedef struct object {
    kd_node *node, *last;
    kd_map index; /* of its members, from FEW_MEMBERS on */
} object;

static bool decode(decoder *d, kd_yaml_node *yaml, kd_node *out);

/* ---- complaints */

static bool out_of_memory(decoder *d)
{
    if (!d->failed)
        *d->compat = KD_STR("out of memory");
    d->failed = true;
    return false;
}

static const kd_location *location(decoder *d, const kd_yaml_node *yaml)
{
    kd_location *at = KD_NEW(d->arena, kd_location);
    if (at)
        *at = (kd_location){.file = d->file, .line = yaml->line, .column = yaml->column, .from = d->from};
    else
        out_of_memory(d);
    return at;
}

/* What makes yaml.v3 give up at once. `compat` lacks its "yaml: ". Returns false. */
static bool refuse(decoder *d, const kd_yaml_node *yaml, kd_str message, kd_str compat)
{
    kd_str whole = compat.p ? kd_arena_printf(d->arena, "yaml: %.*s", KD_FMT(compat)) : compat;
    const kd_location *at = location(d, yaml);
    if (!whole.p || !message.p || !at)
        return out_of_memory(d);
    kd_errors_add(d->errors, KD_SEVERITY_ERROR, at, KD_STR(""), "%.*s", KD_FMT(message))->compat = whole;
    *d->compat = whole;
    d->failed = true;
    return false;
}

/* What yaml.v3 only notes: it goes on, and ends with a list. */
static void note(decoder *d, const kd_yaml_node *yaml, kd_str message, kd_str compat)
{
    refused_line *entry = KD_NEW(d->arena, refused_line);
    const kd_location *at = location(d, yaml);
    if (!entry || !message.p || !compat.p || !at) {
        out_of_memory(d);
        return;
    }
    entry->text = compat;
    if (d->last)
        d->last->next = entry;
    else
        d->first = entry;
    d->last = entry;
    d->refused++;
    kd_errors_add(d->errors, KD_SEVERITY_ERROR, at, KD_STR(""), "%.*s", KD_FMT(message))->compat = compat;
}

static kd_str joined_lines(decoder *d)
{
    static const kd_str head = KD_STR_INIT("yaml: unmarshal errors:");
    size_t n = head.n;
    for (const refused_line *line = d->first; line; line = line->next)
        n += line->text.n + 3;
    char *text = kd_arena_alloc(d->arena, n), *to = text;
    if (!text)
        return KD_STR("out of memory");
    memcpy(to, head.p, head.n);
    to += head.n;
    for (const refused_line *line = d->first; line; line = line->next) {
        memcpy(to, "\n  ", 3);
        memcpy(to + 3, line->text.p, line->text.n);
        to += 3 + line->text.n;
    }
    return kd_str_of(text, n);
}

/* ---- bounds */

/* yaml.v3's measure against documents that explode: the larger the document, the fewer of its nodes may be copies. */
static bool is_excessive(const decoder *d)
{
    double ratio = 0.99, n = d->nodes;
    if (n >= RATIO_HIGH)
        ratio = 0.10;
    else if (n > RATIO_LOW)
        ratio = 0.99 - 0.89 * (n - RATIO_LOW) / (RATIO_HIGH - RATIO_LOW);
    return d->aliased > UNCHECKED_MIN && d->nodes > 1000 && (double)d->aliased / n > ratio;
}

/* Counts a node that is about to be decoded; leave() ends it. False where a bound is reached. */
static bool enter(decoder *d, const kd_yaml_node *yaml)
{
    d->nodes++;
    d->aliased += d->alias_depth > 0;
    if (d->failed)
        return false;
    if (is_excessive(d))
        return refuse(d, yaml, KD_STR("the document grows beyond measure through its aliases"),
                      KD_STR("document contains excessive aliasing"));
    if (++d->depth > KD_YAML_MAX_DEPTH)
        return refuse(
            d, yaml, kd_arena_printf(d->arena, "objects and lists are nested deeper than %d levels", KD_YAML_MAX_DEPTH),
            kd_arena_printf(d->arena, "exceeded max depth of %d", KD_YAML_MAX_DEPTH));
    return true;
}

static void leave(decoder *d)
{
    d->depth--;
}

/* Follows an alias; end_alias() comes back. False where it leads into itself. */
static bool begin_alias(decoder *d, kd_yaml_node *alias)
{
    if (alias->entered)
        return refuse(d, alias, KD_STR("the anchor contains itself"),
                      kd_arena_printf(d->arena, "anchor '%.*s' value contains itself", KD_FMT(alias->text)));
    alias->entered = true;
    d->from = location(d, alias);
    d->alias_depth++;
    return !d->failed;
}

static void end_alias(decoder *d, kd_yaml_node *alias, const kd_location *from)
{
    d->alias_depth--;
    d->from = from;
    alias->entered = false;
}

/* ---- keys */

static kd_str quoted(decoder *d, kd_str s)
{
    kd_buf text;
    kd_buf_init(&text, KEY_TEXT_MAX);
    kd_go_quote(&text, s);
    kd_str copy = text.failed ? KD_STR("\"…\"") : kd_arena_copy(d->arena, kd_buf_str(&text));
    kd_buf_fini(&text);
    return copy;
}

/* What the search for equal keys compares: aliases by name, and all lists and objects are equal. */
static bool same_key(const kd_yaml_node *a, const kd_yaml_node *b)
{
    return a->kind == b->kind && kd_str_eq(a->text, b->text);
}

static void note_equal_keys(decoder *d, const kd_yaml_node *map)
{
    for (const kd_yaml_node *a = map->first; a && a->next; a = a->next->next) {
        for (const kd_yaml_node *b = a->next->next; b && b->next; b = b->next->next) {
            if (!same_key(a, b))
                continue;
            kd_str key = quoted(d, b->text);
            note(d, b, kd_arena_printf(d->arena, "the key %.*s was given in line %u already", KD_FMT(key), a->line),
                 kd_arena_printf(d->arena, "line %u: mapping key %.*s already defined at line %u", b->line, KD_FMT(key),
                                 a->line));
            if (d->failed || d->refused >= REFUSED_MAX)
                return;
        }
    }
}

/* False where a key is there twice: yaml.v3 leaves such a mapping out. */
static bool check_keys(decoder *d, const kd_yaml_node *map)
{
    bool equal = false;
    if (map->n / 2 <= FEW_MEMBERS) {
        for (const kd_yaml_node *a = map->first; a && !equal; a = a->next->next)
            for (const kd_yaml_node *b = a->next->next; b && !equal; b = b->next->next)
                equal = same_key(a, b);
    } else {
        kd_map seen[KD_YAML_ALIAS + 1];
        for (size_t i = 0; i < KD_COUNT(seen); i++)
            kd_map_init(&seen[i], NULL, MEMBERS_MAX);
        for (const kd_yaml_node *a = map->first; a && !equal && !d->failed; a = a->next->next) {
            equal = kd_map_find(&seen[a->kind], a->text) != NULL;
            if (!kd_map_put(&seen[a->kind], a->text, NULL))
                out_of_memory(d);
        }
        for (size_t i = 0; i < KD_COUNT(seen); i++)
            kd_map_fini(&seen[i]);
    }
    if (equal)
        note_equal_keys(d, map);
    return !equal && !d->failed;
}

/* A time as Go's String prints it, from its JSON form: 2024-01-02 03:04:05.5 +0200 +0200. */
static kd_str printed_time(decoder *d, kd_str t)
{
    bool utc = kd_str_ends(t, KD_STR("Z"));
    size_t zone = t.n - (utc ? 1 : 6);
    kd_str date = kd_str_head(t, 10), clock = kd_str_of(t.p + 11, zone - 11), offset = kd_str_from(t, zone);
    if (utc)
        return kd_arena_printf(d->arena, "%.*s %.*s +0000 UTC", KD_FMT(date), KD_FMT(clock));
    return kd_arena_printf(d->arena, "%.*s %.*s %.3s%.2s %.3s%.2s", KD_FMT(date), KD_FMT(clock), offset.p, offset.p + 4,
                           offset.p, offset.p + 4);
}

/* A key that is no text, as fmt's %v prints it. */
static kd_str printed_key(decoder *d, const kd_node *key)
{
    if (key->type == KD_NODE_NULL)
        return KD_STR("<nil>");
    if (key->type == KD_NODE_BOOL)
        return key->boolean ? KD_STR("true") : KD_STR("false");
    if (key->type == KD_NODE_STRING && key->go)
        return printed_time(d, key->text);
    if (key->type != KD_NODE_NUMBER || key->integer)
        return key->text;
    kd_buf text;
    kd_buf_init(&text, KEY_TEXT_MAX);
    kd_go_float_v(&text, key->number);
    kd_str copy = kd_arena_copy(d->arena, kd_buf_str(&text));
    kd_buf_fini(&text);
    return copy;
}

static void refuse_key(decoder *d, const kd_yaml_node *yaml, bool root)
{
    kd_str message = KD_STR("a list or an object cannot be a key");
    if (root)
        note(d, yaml, message,
             kd_arena_printf(d->arena, "line %u: cannot unmarshal %s into string", yaml->line,
                             yaml->kind == KD_YAML_LIST ? "!!seq" : "!!map"));
    else
        refuse(d, yaml, message, KD_STR("invalid map key"));
}

/* The text of a key; p is NULL for one that is left out, and after a failure. The root's keys are taken as they are
 * written, because its type in Go has texts for keys. */
static kd_str key_text(decoder *d, kd_yaml_node *yaml, bool root, const kd_location **at)
{
    static const kd_str none = {NULL, 0};
    kd_node key = {0};
    if (!decode(d, yaml, &key))
        return none;
    *at = key.at;
    while (yaml->kind == KD_YAML_ALIAS)
        yaml = yaml->target;
    if (yaml->kind != KD_YAML_SCALAR) {
        refuse_key(d, yaml, root);
        return none;
    }
    if (root && (key.type != KD_NODE_STRING || key.go))
        return key.type == KD_NODE_NULL ? none : yaml->text;
    kd_str text = printed_key(d, &key);
    if (!text.p)
        out_of_memory(d);
    return text;
}

/* ---- objects */

static kd_node *find_member(object *o, kd_str key)
{
    if (o->node->n > FEW_MEMBERS)
        return kd_map_get(&o->index, key);
    kd_node *node = o->node->first;
    while (node && !kd_str_eq(node->key, key))
        node = node->next;
    return node;
}

static kd_node *add_member(decoder *d, object *o, kd_str key)
{
    kd_node *node = KD_NEW(d->arena, kd_node);
    if (!node) {
        out_of_memory(d);
        return NULL;
    }
    node->key = key;
    if (o->last)
        o->last->next = node;
    else
        o->node->first = node;
    o->last = node;
    o->node->n++;
    bool ok = true;
    if (o->node->n == FEW_MEMBERS + 1)
        for (kd_node *member = o->node->first; member && ok; member = member->next)
            ok = kd_map_put(&o->index, member->key, member);
    else if (o->node->n > FEW_MEMBERS)
        ok = kd_map_put(&o->index, key, node);
    if (!ok)
        out_of_memory(d);
    return node;
}

static bool is_merge(const kd_yaml_node *key)
{
    return key->kind == KD_YAML_SCALAR && key->plain && kd_str_eq(key->text, KD_STR("<<")) &&
           (!key->tag.n || kd_str_eq(key->tag, KD_STR("!!merge")));
}

static void merge(decoder *d, kd_yaml_node *value, object *o, bool root);

/* Adds the members of a mapping. When it is merged into the object, what is there already stays. */
static void decode_members(decoder *d, kd_yaml_node *map, object *o, bool merged, bool root)
{
    kd_yaml_node *merge_value = NULL;
    if (!check_keys(d, map))
        return;
    for (kd_yaml_node *key = map->first; key && !d->failed; key = key->next->next) {
        if (is_merge(key)) {
            merge_value = key->next;
            continue;
        }
        const kd_location *at = NULL;
        kd_str text = key_text(d, key, root, &at);
        if (!text.p)
            continue;
        kd_node *member = find_member(o, text);
        if (member && merged)
            continue;
        if (member)
            *member = (kd_node){.key = text, .next = member->next};
        else if (!(member = add_member(d, o, text)))
            return;
        member->key_at = at;
        decode(d, key->next, member);
    }
    if (merge_value && !d->failed)
        merge(d, merge_value, o, root);
}

/* One mapping behind a merge key, as it is or through an alias. */
static void merge_map(decoder *d, kd_yaml_node *value, object *o, bool root)
{
    const kd_location *from = d->from;
    kd_yaml_node *map = value->kind == KD_YAML_ALIAS ? value->target : value;
    if (map->kind != KD_YAML_MAP) {
        refuse(d, value, KD_STR("the value of a merge key << is an object or a list of objects"),
               KD_STR("map merge requires map or sequence of maps as the value"));
        return;
    }
    if (!enter(d, value) || (value != map && !begin_alias(d, value)))
        return;
    decode_members(d, map, o, true, root);
    if (value != map)
        end_alias(d, value, from);
    leave(d);
}

static void merge(decoder *d, kd_yaml_node *value, object *o, bool root)
{
    if (value->kind != KD_YAML_LIST) {
        merge_map(d, value, o, root);
        return;
    }
    for (kd_yaml_node *item = value->first; item && !d->failed; item = item->next)
        merge_map(d, item, o, root);
}

static void decode_map(decoder *d, kd_yaml_node *yaml, kd_node *out, bool root)
{
    object o = {.node = out};
    kd_map_init(&o.index, d->arena, MEMBERS_MAX);
    out->type = KD_NODE_OBJECT;
    decode_members(d, yaml, &o, false, root);
}

/* ---- values */

static void decode_list(decoder *d, kd_yaml_node *yaml, kd_node *out)
{
    kd_node **link = &out->first;
    out->type = KD_NODE_LIST;
    for (kd_yaml_node *item = yaml->first; item && !d->failed; item = item->next) {
        kd_node *node = *link = KD_NEW(d->arena, kd_node);
        if (!node) {
            out_of_memory(d);
            return;
        }
        out->n++;
        link = &node->next;
        decode(d, item, node);
    }
}

static void decode_scalar(decoder *d, const kd_yaml_node *yaml, kd_node *out)
{
    kd_str error, tag = yaml->tag;
    if (!tag.n && !yaml->plain)
        tag = KD_STR("!!str");
    if (kd_yaml_scalar_resolve(d->arena, tag, yaml->text, out, &error))
        return;
    if (error.n)
        refuse(d, yaml,
               kd_arena_printf(d->arena, "the value does not fit its tag %.*s: %.*s", KD_FMT(tag), KD_FMT(error)),
               error);
    else
        out_of_memory(d);
}

static void decode_alias(decoder *d, kd_yaml_node *alias, kd_node *out)
{
    const kd_location *from = d->from;
    if (!begin_alias(d, alias))
        return;
    decode(d, alias->target, out);
    end_alias(d, alias, from);
}

static bool decode(decoder *d, kd_yaml_node *yaml, kd_node *out)
{
    if (!enter(d, yaml))
        return false;
    if (yaml->kind != KD_YAML_ALIAS)
        out->at = location(d, yaml);
    switch (yaml->kind) {
    case KD_YAML_SCALAR:
        decode_scalar(d, yaml, out);
        break;
    case KD_YAML_LIST:
        decode_list(d, yaml, out);
        break;
    case KD_YAML_MAP:
        decode_map(d, yaml, out, d->depth == 1);
        break;
    case KD_YAML_ALIAS:
        decode_alias(d, yaml, out);
        break;
    }
    leave(d);
    return !d->failed;
}

/* ---- the document */

/* A root that is no object. */
static void note_root(decoder *d, const kd_yaml_node *yaml, const kd_node *root)
{
    kd_str value = KD_STR(""), tag = KD_STR("!!seq");
    if (yaml->kind == KD_YAML_SCALAR) {
        bool cut = yaml->text.n > 10;
        value = kd_arena_printf(d->arena, " `%.*s%s`", KD_FMT(kd_str_head(yaml->text, cut ? 7 : 10)), cut ? "..." : "");
        tag = kd_yaml_scalar_tag(root);
    }
    note(d, yaml, kd_arena_printf(d->arena, "expected an object, found a %s", kd_node_type_name(root->type)),
         kd_arena_printf(d->arena, "line %u: cannot unmarshal %.*s%.*s into map[string]interface {}", yaml->line,
                         KD_FMT(tag), KD_FMT(value)));
}

static kd_node *decode_document(decoder *d, kd_yaml_node *yaml)
{
    kd_node *root = KD_NEW(d->arena, kd_node);
    if (!root) {
        out_of_memory(d);
        return NULL;
    }
    root->type = KD_NODE_NULL;
    if (yaml)
        decode(d, yaml, root);
    else
        root->at = location(d, &(kd_yaml_node){.line = 1, .column = 1});
    if (!d->failed && root->type != KD_NODE_NULL && root->type != KD_NODE_OBJECT)
        note_root(d, yaml, root);
    if (!d->failed && d->first) {
        *d->compat = joined_lines(d);
        d->failed = true;
    }
    root->type = KD_NODE_OBJECT;
    return d->failed ? NULL : root;
}

kd_node *kd_yaml_tree_read(kd_arena *arena, kd_str file, kd_str text, kd_errors *errors, kd_str *compat)
{
    kd_yaml_node *yaml;
    decoder d = {.arena = arena, .errors = errors, .file = file, .compat = compat};
    return kd_yaml_nodes_read(arena, file, text, errors, compat, &yaml) ? decode_document(&d, yaml) : NULL;
}
