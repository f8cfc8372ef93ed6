/* qos/http-cache: answers of backends, kept by KrakenD's rules (spec/03 section 6). */
#include "modules/qos/http-cache/http_cache.h"

#include "gateway/module.h"
#include "gateway/registry.h"

#include <stdlib.h>

#define FIELD(name, kind, text)                                                                                        \
    .key = KD_STR_INIT(name), .type = KD_FIELD_##kind, .wrong = KD_WRONG_DROP_BLOCK, .offset = KD_NO_OFFSET,           \
    .reload = KD_RELOAD_REBUILD, .about = text

static const kd_field fields[] = {
    {FIELD("shared", BOOL, "Uses the cache that all backends with this key share."), .dflt = "false"},
    {FIELD("max_size", INT, "Bytes that the cache may hold; without max_items it has no effect."), .dflt = "0",
     .max = INT64_MAX, .lint = "'minimum':1024"},
    {FIELD("max_items", INT, "Answers that the cache may hold; without max_size it has no effect."), .dflt = "0",
     .max = INT64_MAX, .lint = "'minimum':1"},
};
static const kd_fields table = {
    "qos/http-cache block",
    KD_SCOPE_BACKEND,
    0,
    KD_NO_OFFSET,
    fields,
    KD_COUNT(fields),
    .lint = "'oneOf':[{'required':['max_size','max_items']},{'required':['shared']},{'maxProperties':0}]"};

static const kd_namespace namespaces[] = {
    {KD_STR_INIT("qos/http-cache"), KD_STR_INIT("github.com/devopsfaith/krakend-httpcache"), KD_SCOPE_BACKEND,
     KD_EDITION_CE, false, true, &table},
};

static const kd_step_type *const steps[] = {&kd_cache_keep, &kd_cache_visit, NULL};

extern const kd_module kd_module_qos_http_cache;

const kd_module kd_module_qos_http_cache = {
    .name = "qos/http-cache", .namespaces = namespaces, .n_namespaces = KD_COUNT(namespaces), .steps = steps};

/* ---- the process object ------------------------------------------------------------------------------------------ */

typedef struct limits {
    uint64_t max_size, max_items;
} limits;

static void destroy_cache(void *object)
{
    kd_cache *cache = object;
    kd_cache_store_destroy(cache->store);
    kd_lanes_destroy(cache->lanes);
    free(cache);
}

static void *create_cache(const void *options)
{
    const limits *l = options;
    kd_cache *cache = calloc(1, sizeof *cache);
    if (!cache)
        return NULL;
    cache->store = kd_cache_store_create(l->max_size, l->max_items);
    cache->lanes = kd_lanes_create();
    if (cache->store && cache->lanes)
        return cache;
    destroy_cache(cache);
    return NULL;
}

/* What a generation remembers: the limits of its first cache that is shared and has some count for all of them. */
typedef struct first_shared {
    bool known;
    limits limits;
} first_shared;

static bool share_limits(const kd_compile *compile, kd_cache_config *c)
{
    void **slot = kd_module_slot(compile->generation, &kd_module_qos_http_cache);
    if (!*slot)
        *slot = KD_NEW(compile->arena, first_shared);
    first_shared *first = *slot;
    if (!first)
        return false;
    if (!first->known)
        *first = (first_shared){true, {c->max_size, c->max_items}};
    c->max_size = first->limits.max_size;
    c->max_items = first->limits.max_items;
    return true;
}

static kd_cache *adopt(const kd_compile *compile, kd_cache_config *c)
{
    static const kd_object_type type = {"qos/http-cache", create_cache, destroy_cache};
    bool limited = c->max_size && c->max_items;
    if (!limited)
        c->max_size = c->max_items = 0;
    if (c->shared && limited && !share_limits(compile, c))
        return NULL;
    limits options = {c->max_size, c->max_items};
    unsigned long long size = c->max_size, items = c->max_items;
    kd_str identity = c->shared ? kd_arena_printf(compile->arena, "shared, size %llu items %llu", size, items)
                                : kd_arena_printf(compile->arena, "backend %u of %.*s %.*s size %llu items %llu",
                                                  compile->backend->index, KD_FMT(compile->endpoint->method_upper),
                                                  KD_FMT(compile->endpoint->route), size, items);
    return identity.p ? kd_registry_adopt(compile->generation, &type, identity, &options) : NULL;
}

/* ---- the block --------------------------------------------------------------------------------------------------- */

/* A member as encoding/json finds it: the exact name, else one that differs in case. */
static const kd_node *member(const kd_node *block, kd_str key)
{
    const kd_node *folded = NULL;
    for (const kd_node *m = block->first; m; m = m->next) {
        if (kd_str_eq(m->key, key))
            return m;
        if (kd_str_eq_ci(m->key, key))
            folded = m;
    }
    return folded;
}

/* A uint64 of the JSON that Go prints a number as: it must be whole, and small enough to be printed without exponent.
 */
static bool read_count(const kd_node *block, kd_str key, uint64_t *out)
{
    const kd_node *node = member(block, key);
    if (!node || node->type == KD_NODE_NULL)
        return true;
    if (node->type != KD_NODE_NUMBER || !(node->number >= 0 && node->number < 18446744073709551616.0) ||
        node->number != (double)(uint64_t)node->number)
        return false;
    *out = (uint64_t)node->number;
    return true;
}

/* False: something has a wrong type, and nothing of the block counts. */
static bool read_block(const kd_node *block, kd_cache_config *c)
{
    if (block->type != KD_NODE_OBJECT)
        return block->type == KD_NODE_NULL;
    const kd_node *shared = member(block, KD_STR("shared"));
    if (shared && shared->type != KD_NODE_NULL && shared->type != KD_NODE_BOOL)
        return false;
    c->shared = shared && shared->type == KD_NODE_BOOL && shared->boolean;
    return read_count(block, KD_STR("max_size"), &c->max_size) && read_count(block, KD_STR("max_items"), &c->max_items);
}

static bool lists(const kd_str_list *list, kd_str name)
{
    for (uint32_t i = 0; i < list->n; i++)
        if (kd_str_eq(list->v[i], name) || kd_str_eq(list->v[i], KD_STR("*")))
            return true;
    return false;
}

/* Does that field of the client's request reach the backend? */
static bool passes(const kd_compile *compile, kd_str name)
{
    return lists(&compile->endpoint->input_headers, name) &&
           (!compile->backend->input_headers.n || lists(&compile->backend->input_headers, name));
}

static bool has_modifier(const kd_extras *extras)
{
    for (uint32_t i = 0; i < extras->n; i++)
        if (kd_str_starts(extras->v[i].name, KD_STR("modifier/")) ||
            kd_str_starts(extras->v[i].name, KD_STR("plugin/")))
            return true;
    return false;
}

static bool wants_all(const kd_compile *compile)
{
    static const kd_str names[] = {KD_STR_INIT("Cache-Control"), KD_STR_INIT("If-None-Match"),
                                   KD_STR_INIT("If-Modified-Since")};
    for (size_t i = 0; i < KD_COUNT(names); i++)
        if (passes(compile, names[i]))
            return true;
    return has_modifier(&compile->endpoint->extra) || has_modifier(&compile->backend->extra);
}

/* Who does not speak HTTP has no cache. */
static bool is_replaced(const kd_backend *backend)
{
    static const kd_str others[] = {KD_STR_INIT("backend/lambda"), KD_STR_INIT("backend/amqp/"),
                                    KD_STR_INIT("backend/pubsub/"), KD_STR_INIT("plugin/http-client")};
    for (uint32_t i = 0; i < backend->extra.n; i++)
        for (size_t k = 0; k < KD_COUNT(others); k++)
            if (kd_str_starts(backend->extra.v[i].name, others[k]))
                return true;
    return false;
}

static void advise(const kd_compile *compile, const kd_node *block, const kd_cache_config *c, bool readable)
{
    kd_str path = compile->endpoint->path;
    if (!readable)
        kd_errors_add(compile->errors, KD_SEVERITY_WARNING, block->at, path,
                      "qos/http-cache cannot be read: the backend has a cache of its own without limits, as in KrakenD")
            ->suggestion = KD_STR("the key with any value switches the cache on: remove it to have none");
    else if (!c->max_size != !c->max_items)
        kd_errors_add(compile->errors, KD_SEVERITY_WARNING, block->at, path,
                      "qos/http-cache: max_size and max_items have an effect only together");
    if (passes(compile, KD_STR("Authorization")) || passes(compile, KD_STR("Cookie")))
        kd_errors_add(compile->errors, KD_SEVERITY_WARNING, block->at, path,
                      "qos/http-cache: the backend gets Authorization or Cookie, but answers are kept for all users")
            ->suggestion = KD_STR("let the backend send Vary, or take these names out of input_headers");
}

const kd_node *kd_cache_block(const kd_compile *compile)
{
    return is_replaced(compile->backend) ? NULL : kd_extra_find(&compile->backend->extra, KD_STR("qos/http-cache"));
}

const kd_cache_config *kd_cache_compile(const kd_compile *compile)
{
    const kd_node *block = kd_cache_block(compile);
    kd_cache_config *c = block ? KD_NEW(compile->arena, kd_cache_config) : NULL;
    if (!c)
        return NULL;
    bool readable = read_block(block, c);
    if (!readable) {
        c->shared = false;
        c->max_size = c->max_items = 0;
    }
    advise(compile, block, c, readable);
    c->reading = kd_reading_of(compile);
    c->compression = !compile->service->disable_compression;
    c->keep_all = wants_all(compile);
    c->cache = adopt(compile, c);
    return c->cache ? c : NULL;
}
