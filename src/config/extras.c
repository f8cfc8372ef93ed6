#include "config/field.h"

#define NAMES_MAX 160u /* namespaces that a suggestion chooses from */

const kd_node *kd_extra_find(const kd_extras *extras, kd_str name)
{
    for (uint32_t i = 0; i < extras->n; i++)
        if (kd_str_eq(extras->v[i].name, name))
            return extras->v[i].node;
    return NULL;
}

static const char *scope_name(uint8_t scope)
{
    switch (scope) {
    case KD_SCOPE_SERVICE:
        return "the service";
    case KD_SCOPE_ENDPOINT:
        return "an endpoint";
    case KD_SCOPE_BACKEND:
        return "a backend";
    case KD_SCOPE_AGENT:
        return "an async agent";
    default:
        return "a workflow";
    }
}

/* What follows github.com/ or github_com/, which people mix up; empty for another name. */
static kd_str former_tail(kd_str name)
{
    static const size_t host = sizeof("github.com/") - 1;
    return name.n > host && kd_str_starts(name, KD_STR("github")) ? kd_str_from(name, host) : KD_STR("");
}

/* The namespace that a mistyped or forgotten former name stands for; p is NULL for none. */
static kd_str former_namespace(kd_str name)
{
    static const struct {
        kd_str tail, name;
    } forgotten[] = {
        {KD_STR_INIT("devopsfaith/krakend-ratelimit/juju/router"), KD_STR_INIT("qos/ratelimit/router")},
        {KD_STR_INIT("devopsfaith/krakend-ratelimit/juju/proxy"), KD_STR_INIT("qos/ratelimit/proxy")},
    };
    const kd_namespace *ns;
    kd_str tail = former_tail(name);
    if (!tail.n)
        return (kd_str){NULL, 0};
    for (size_t i = 0; i < KD_COUNT(forgotten); i++)
        if (kd_str_eq(forgotten[i].tail, tail))
            return forgotten[i].name;
    for (size_t i = 0; (ns = kd_namespace_at(i)); i++)
        if (kd_str_eq(former_tail(ns->alias), tail))
            return ns->name;
    return (kd_str){NULL, 0};
}

static kd_str near_namespace(kd_str name)
{
    kd_str names[NAMES_MAX];
    size_t n = 0;
    const kd_namespace *ns;
    while (n < NAMES_MAX && (ns = kd_namespace_at(n)))
        names[n++] = ns->name;
    return kd_suggest(name, names, n);
}

static void warn_unknown(kd_walk *w, const kd_node *node, kd_str path)
{
    kd_error *e = kd_errors_add(w->errors, KD_SEVERITY_WARNING, node->key_at, path,
                                "unknown namespace \"%.*s\": it has no effect", KD_FMT(kd_str_head(node->key, 80)));
    const kd_fields *owner = kd_fields_owning(node->key, NULL);
    kd_str near = former_namespace(node->key);
    if (!near.p)
        near = near_namespace(node->key);
    if (owner)
        e->suggestion = kd_arena_printf(w->arena, "it is a key of the %s, not of its extra_config", owner->name);
    else if (near.p)
        e->suggestion = kd_arena_printf(w->arena, "did you mean \"%.*s\"?", KD_FMT(near));
}

static void warn_scope(kd_walk *w, const kd_namespace *found, const kd_node *node, uint8_t scope, kd_str path)
{
    uint8_t scopes = 0;
    const kd_namespace *ns;
    for (size_t i = 0; (ns = kd_namespace_at(i)); i++)
        if (kd_str_eq(ns->name, found->name))
            scopes |= ns->scopes;
    char places[96];
    size_t n = 0;
    for (uint8_t bit = 1; bit <= KD_SCOPE_WORKFLOW; bit <<= 1) {
        if (!(scopes & bit))
            continue;
        kd_str name = kd_str_from_c(scope_name(bit));
        if (n + name.n + 4 > sizeof(places))
            break;
        if (n)
            memcpy(places + n, " or ", 4), n += 4;
        memcpy(places + n, name.p, name.n);
        n += name.n;
    }
    kd_errors_add(w->errors, KD_SEVERITY_WARNING, node->key_at, path,
                  "\"%.*s\" has no effect in the extra_config of %s", KD_FMT(found->name), scope_name(scope))
        ->suggestion = kd_arena_printf(w->arena, "it belongs to that of %.*s", (int)n, places);
}

/* One finding for each unavailable namespace, at its first place. */
static void warn_missing(kd_walk *w, const kd_namespace *ns, const kd_node *node, kd_str path)
{
    for (kd_missing *m = w->missing; m; m = m->next) {
        if (m->what == ns) {
            m->places++;
            return;
        }
    }
    kd_missing *m = KD_NEW(w->arena, kd_missing);
    if (!m) {
        w->no_memory = true;
        return;
    }
    *m = (kd_missing){.next = w->missing, .what = ns, .places = 1};
    m->finding =
        kd_errors_add(w->errors, KD_SEVERITY_WARNING, node->key_at, path, "\"%.*s\" is not available in this version%s",
                      KD_FMT(ns->name), ns->guards_access ? ": nothing is protected by it" : "");
    w->missing = m;
}

void kd_extras_finish(kd_walk *w)
{
    for (kd_missing *m = w->missing; m; m = m->next)
        if (m->places > 1 && m->finding->message.p)
            m->finding->suggestion = kd_arena_printf(w->arena, "the same in %u more places", m->places - 1);
}

static void check_block(kd_walk *w, const kd_namespace *ns, const kd_node *node, uint8_t scope, const kd_path *path)
{
    kd_str text = kd_path_text(w->arena, path, false);
    if (!(ns->scopes & scope)) {
        warn_scope(w, ns, node, scope, text);
        return;
    }
    if (!ns->built) {
        warn_missing(w, ns, node, text);
        return;
    }
    if (ns->edition == KD_EDITION_EE)
        kd_errors_add(w->errors, KD_SEVERITY_NOTE, node->key_at, text,
                      "KrakenD's Community Edition ignores \"%.*s\", here it is active", KD_FMT(ns->name))
            ->suggestion = KD_STR("\"gateway/compat\": {\"edition\": \"ce\"} ignores such namespaces, too");
    if (!ns->fields)
        return;
    if (node->type == KD_NODE_OBJECT)
        kd_fields_check(w, ns->fields, node, path);
    else if (node->type != KD_NODE_NULL)
        kd_errors_add(w->errors, KD_SEVERITY_WARNING, node->at, text, "expected an object, found a %s; it is ignored",
                      kd_node_type_name(node->type));
}

/* Sets the block of a name. Of old and new spelling the new one counts, of the same spelling the later one (that
 * happens only where extra_config is a list of objects). */
static void set_block(kd_walk *w, kd_extras *out, uint32_t same_from, kd_str name, const kd_node *node,
                      const kd_path *path)
{
    for (uint32_t i = same_from; i < out->n; i++) {
        kd_extra *block = &out->v[i];
        if (!kd_str_eq(block->name, name))
            continue;
        bool keep = !kd_str_eq(node->key, name) && kd_str_eq(block->node->key, name);
        const kd_node *loser = keep ? node : block->node;
        if (!kd_str_eq(block->node->key, node->key))
            kd_errors_add(w->errors, KD_SEVERITY_WARNING, loser->key_at, kd_path_text(w->arena, path, false),
                          "\"%.*s\" is given under its former name, too: the new one counts", KD_FMT(name));
        if (!keep)
            block->node = node;
        return;
    }
    out->v[out->n++] = (kd_extra){name, node};
}

static void decode_members(kd_walk *w, const kd_node *object, uint8_t scope, kd_extras *out, bool few,
                           const kd_path *path)
{
    for (const kd_node *node = object->first; node; node = node->next) {
        kd_path at = {.up = path, .ours = node->key.p ? node->key : KD_STR(""), .theirs = node->key};
        const kd_namespace *ns = kd_namespace_find(node->key, scope);
        if (ns && ns->edition == KD_EDITION_EE && w->ignore_ee)
            continue;
        if (ns)
            check_block(w, ns, node, scope, &at);
        else if (!kd_key_is_comment(node->key))
            warn_unknown(w, node, kd_path_text(w->arena, &at, false));
        set_block(w, out, few ? 0 : out->n, ns ? ns->name : node->key, node, &at);
    }
}

/* The blocks of a list, of lists of them too, go into one; the first fault ends the list (mapstructure). */
static bool decode_list(kd_walk *w, const kd_node *list, uint8_t scope, kd_extras *out, bool few, const kd_path *path)
{
    uint32_t i = 0;
    for (const kd_node *item = list->first; item; item = item->next, i++) {
        kd_path at = {.up = path, .index = i};
        if (item->type == KD_NODE_OBJECT)
            decode_members(w, item, scope, out, few, path);
        else if (item->type == KD_NODE_LIST
                     ? !decode_list(w, item, scope, out, few, &at)
                     : item->type != KD_NODE_NULL && !kd_walk_refuse(w, item, &at, "an object", "config.ExtraConfig"))
            return false;
    }
    return true;
}

bool kd_extras_decode(kd_walk *w, const kd_node *node, uint8_t scope, kd_extras *out, const kd_path *path)
{
    uint32_t room = kd_node_map_room(node);
    bool ok = true, few = room <= NAMES_MAX; /* beyond, spellings are not compared: nobody has that many namespaces */
    out->n = 0;
    out->v = KD_NEW_ARRAY(w->arena, kd_extra, room ? room : 1);
    if (!out->v) {
        w->no_memory = true;
        return false;
    }
    if (node->type == KD_NODE_OBJECT)
        decode_members(w, node, scope, out, few, path);
    else
        ok = decode_list(w, node, scope, out, few, path);
    return ok && !w->no_memory;
}
