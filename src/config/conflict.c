#include "config/model_init.h"

#include "text/go/path.h"

/* Routes in the order of their registration, in an open table. */
typedef struct route {
    kd_str method, path;
    const kd_endpoint *endpoint; /* NULL: the health check */
} route;

static size_t hash_route(kd_str method, kd_str path)
{
    uint64_t h = 0xcbf29ce484222325u;
    for (size_t i = 0; i < method.n; i++)
        h = (h ^ (uint8_t)method.p[i]) * 0x100000001b3u;
    for (size_t i = 0; i < path.n; i++)
        h = (h ^ (uint8_t)path.p[i]) * 0x100000001b3u;
    return (size_t)(h ^ h >> 32);
}

/* The route that stands there already, or NULL after adding this one. The table is never full. */
static const route *insert(route *table, size_t size, route added)
{
    size_t slot = hash_route(added.method, added.path) & (size - 1);
    for (; table[slot].path.p; slot = (slot + 1) & (size - 1))
        if (kd_str_eq(table[slot].path, added.path) && kd_str_eq(table[slot].method, added.method))
            return &table[slot];
    table[slot] = added;
    return NULL;
}

/* The router takes these methods; endpoints of others are ignored (spec/01 section 2.4). */
static bool is_registered(kd_str method)
{
    static const kd_str methods[] = {KD_STR_INIT("GET"), KD_STR_INIT("POST"), KD_STR_INIT("PUT"), KD_STR_INIT("PATCH"),
                                     KD_STR_INIT("DELETE")};
    for (size_t i = 0; i < KD_COUNT(methods); i++)
        if (kd_str_eq(methods[i], method))
            return true;
    return false;
}

static void report(kd_walk *w, kd_severity severity, uint32_t index, const kd_endpoint *e, const route *first)
{
    const kd_path list = {.ours = KD_STR("endpoints")}, at = {.up = &list, .index = index};
    const kd_location *there = first->endpoint ? first->endpoint->at : NULL;
    kd_error *error;
    if (there)
        error = kd_errors_add(w->errors, severity, e->at, kd_path_text(w->arena, &at, false),
                              "the endpoint %.*s %.*s exists already: see %.*s:%u:%u", KD_FMT(e->method_upper),
                              KD_FMT(e->path), KD_FMT(there->file), there->line, there->column);
    else
        error = kd_errors_add(w->errors, severity, e->at, kd_path_text(w->arena, &at, false),
                              "the path %.*s is that of the health check", KD_FMT(e->path));
    if (!there)
        error->suggestion = KD_STR("choose another health_path in the router block, or set \"disable_health\": true");
    kd_walk_stop(w, error,
                 kd_arena_printf(w->arena, "handlers are already registered for path '%.*s'", KD_FMT(first->path)));
}

int kd_model_conflicts(kd_walk *w, const kd_service *service, kd_severity severity)
{
    size_t size = 16;
    while (size < ((size_t)service->n_endpoints + 1) * 2)
        size *= 2;
    route *table = KD_NEW_ARRAY(w->arena, route, size);
    if (!table)
        return -1;
    kd_router_options options;
    kd_router_options_load(service, &options);
    if (!options.disable_health)
        insert(table, size, (route){KD_STR("GET"), kd_go_path_route(w->arena, options.health_path), NULL});
    int found = 0;
    for (uint32_t i = 0; i < service->n_endpoints; i++) {
        const kd_endpoint *e = &service->endpoints[i];
        if (!e->at || !e->route.p || !is_registered(e->method_upper))
            continue;
        kd_str path = kd_go_path_route(w->arena, e->route);
        if (!path.p)
            return -1;
        const route *first = insert(table, size, (route){e->method_upper, path, e});
        if (first) {
            report(w, severity, i, e, first);
            found++;
        }
    }
    return w->no_memory ? -1 : found;
}
