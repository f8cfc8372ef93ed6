#include "gateway/generation.h"

#include "config/builtin.h"
#include "gateway/access_log.h"
#include "gateway/compile.h"
#include "gateway/listener_tls.h"
#include "gateway/module.h"
#include "gateway/names.h"
#include "gateway/registry.h"
#include "gateway/steps/core.h"

#include <stdlib.h>
#include <unistd.h>

static const kd_str any_method[] = {KD_STR_INIT("GET"),    KD_STR_INIT("POST"),    KD_STR_INIT("PUT"),
                                    KD_STR_INIT("PATCH"),  KD_STR_INIT("HEAD"),    KD_STR_INIT("OPTIONS"),
                                    KD_STR_INIT("DELETE"), KD_STR_INIT("CONNECT"), KD_STR_INIT("TRACE")};
static const kd_str endpoint_methods[] = {KD_STR_INIT("GET"), KD_STR_INIT("POST"), KD_STR_INIT("PUT"),
                                          KD_STR_INIT("PATCH"), KD_STR_INIT("DELETE")};

static bool is_endpoint_method(kd_str method)
{
    for (size_t i = 0; i < KD_COUNT(endpoint_methods); i++)
        if (kd_str_eq(method, endpoint_methods[i]))
            return true;
    return false;
}

static bool add_any(kd_generation *g, const kd_compile *compile, kd_str path, kd_str name, const kd_step_type *type)
{
    kd_plan *plan = kd_plan_own(compile, name, type, NULL, true);
    if (!plan)
        return false;
    for (size_t i = 0; i < KD_COUNT(any_method); i++)
        kd_router_add(g->router, any_method[i], path, plan, NULL, compile->errors);
    return true;
}

static bool add_builtins(kd_generation *g, const kd_compile *compile)
{
    if (!g->options.disable_health) {
        kd_str path = g->options.health_path.n ? g->options.health_path : KD_STR("/__health");
        kd_plan *plan = kd_plan_own(compile, path, &kd_core_health, NULL, false);
        if (!plan)
            return false;
        kd_router_add(g->router, KD_STR("GET"), path, plan, NULL, compile->errors);
    }
    if (g->service->debug_endpoint &&
        !add_any(g, compile, KD_STR("/__debug/*param"), KD_STR("/__debug/*"), &kd_core_debug))
        return false;
    return !g->service->echo_endpoint ||
           add_any(g, compile, KD_STR("/__echo/*param"), KD_STR("/__echo/*"), &kd_core_echo);
}

static bool add_endpoints(kd_generation *g, kd_compile *compile)
{
    kd_service *service = g->service;
    g->plans = KD_NEW_ARRAY(&g->arena, kd_plan *, service->n_endpoints + 1);
    if (!g->plans)
        return false;
    for (uint32_t i = 0; i < service->n_endpoints; i++) {
        kd_endpoint *e = &service->endpoints[i];
        if (!is_endpoint_method(e->method_upper))
            continue;
        compile->endpoint = e;
        g->plans[i] = kd_plan_compile(compile);
        if (!g->plans[i])
            return false;
        kd_router_add(g->router, e->method_upper, e->route, g->plans[i], e->at, compile->errors);
    }
    compile->endpoint = NULL;
    return true;
}

static int by_text(const void *a, const void *b)
{
    return kd_str_cmp(*(const kd_str *)a, *(const kd_str *)b);
}

/* OPTIONS for the path of each endpoint, with the methods that the path has (spec/01 section 4.8). */
static bool add_auto_options(kd_generation *g, const kd_compile *compile)
{
    kd_service *service = g->service;
    kd_map seen;
    kd_map_init(&seen, NULL, service->n_endpoints + 1);
    bool ok = true;
    for (uint32_t i = 0; i < service->n_endpoints && ok; i++) {
        const kd_endpoint *e = &service->endpoints[i];
        if (!g->plans[i] || kd_map_find(&seen, e->route))
            continue;
        kd_str methods[KD_COUNT(endpoint_methods)], *allow = KD_NEW(&g->arena, kd_str);
        size_t n = 0;
        for (uint32_t k = i; k < service->n_endpoints && n < KD_COUNT(methods); k++)
            if (g->plans[k] && kd_str_eq(service->endpoints[k].route, e->route))
                methods[n++] = service->endpoints[k].method_upper;
        qsort(methods, n, sizeof *methods, by_text);
        char text[64];
        size_t at = 0;
        for (size_t k = 0; k < n; k++) {
            if (k)
                memcpy(text + at, ", ", 2), at += 2;
            memcpy(text + at, methods[k].p, methods[k].n);
            at += methods[k].n;
        }
        if (allow)
            *allow = kd_arena_copy(&g->arena, kd_str_of(text, at));
        kd_plan *plan = allow && allow->p ? kd_plan_own(compile, e->route, &kd_core_options, allow, true) : NULL;
        ok = plan && kd_map_put(&seen, e->route, plan);
        if (ok)
            kd_router_add(g->router, KD_STR("OPTIONS"), e->route, plan, e->at, compile->errors);
    }
    kd_map_fini(&seen);
    return ok;
}

static bool build_routes(kd_generation *g, kd_compile *compile)
{
    kd_arena work;
    kd_arena_init(&work, NULL, 0);
    g->router = kd_router_create(&g->arena, &work, &g->options);
    uint32_t before = compile->errors->errors;
    bool ok = g->router && add_builtins(g, compile) && add_endpoints(g, compile) &&
              (!g->options.auto_options || add_auto_options(g, compile));
    if (ok) {
        g->not_found = kd_plan_own(compile, KD_STR("404"), &kd_core_not_found, NULL, true);
        g->not_allowed = kd_plan_own(compile, KD_STR("405"), &kd_core_not_allowed, NULL, true);
        ok = g->not_found && g->not_allowed && compile->errors->errors == before &&
             kd_router_finish(g->router, compile->errors);
    }
    kd_arena_reset(&work);
    return ok;
}

static void read_settings(kd_generation *g)
{
    const kd_service *s = g->service;
    size_t head = s->max_header_bytes > 0 ? (size_t)s->max_header_bytes : 1024 * 1024;
    if (g->limits.max_header_bytes && g->limits.max_header_bytes < head)
        head = g->limits.max_header_bytes;
    g->server.max_head = head + KD_HEAD_SLACK;
    g->server.socket_buffer = g->client.socket_buffer = g->limits.socket_buffer;
    g->server.read_timeout = s->read_timeout;
    g->server.read_head_timeout = s->read_header_timeout ? s->read_header_timeout : s->read_timeout;
    g->server.idle_timeout = s->idle_timeout ? s->idle_timeout : s->read_timeout;
    g->server.write_timeout = s->write_timeout;
    /* KrakenD's router.use_h2c leaves out what stands before the router: spec/02 section 1.3. */
    g->server.h2c = s->use_h2c || g->options.use_h2c;
    g->client.keep_alive = !s->disable_keep_alives;
    g->client.max_idle = s->max_idle_connections;
    g->client.max_idle_per_host = s->max_idle_connections_per_host;
    g->client.idle_timeout = s->idle_connection_timeout;
    g->client.header_timeout = s->response_header_timeout;
    g->client.dial_timeout = s->dialer_timeout;
    g->client.dial_fallback_delay = s->dialer_fallback_delay;
    g->client.dial_keep_alive = s->dialer_keep_alive;
}

static bool speaks_https(const kd_service *s)
{
    for (uint32_t i = 0; i < s->n_endpoints; i++)
        for (uint32_t k = 0; k < s->endpoints[i].n_backends; k++) {
            const kd_str_list *hosts = &s->endpoints[i].backends[k].hosts;
            for (uint32_t h = 0; h < hosts->n; h++)
                if (kd_str_starts(hosts->v[h], KD_STR("https:")))
                    return true;
        }
    return s->client_tls || s->allow_insecure_connections;
}

/* How backends are spoken to over TLS (spec/01 section 8.5). A configuration without https does not read the system's
 * authorities; should a redirect lead there, kd_tls_profile_default does. False without memory. */
static bool read_tls(kd_generation *g)
{
    const kd_service *s = g->service;
    if (!speaks_https(s))
        return true;
    kd_client_tls_section section;
    kd_tls_options options = {.configured = s->client_tls || s->allow_insecure_connections};
    if (kd_client_tls_section_load(&g->arena, s->client_tls, &section)) {
        const kd_tls_pair *pairs = section.client_certs.v;
        kd_tls_files *files = KD_NEW_ARRAY(&g->arena, kd_tls_files, section.client_certs.n + 1);
        if (!files)
            return false;
        for (uint32_t i = 0; i < section.client_certs.n; i++)
            files[i] = (kd_tls_files){pairs[i].certificate, pairs[i].private_key};
        options.insecure = section.allow_insecure_connections;
        options.no_system_roots = section.disable_system_ca_pool;
        options.min_version = section.min_version;
        options.max_version = section.max_version;
        options.roots = section.ca_certs.v;
        options.n_roots = section.ca_certs.n;
        options.curves = section.curve_preferences.v;
        options.n_curves = section.curve_preferences.n;
        options.suites = section.cipher_suites.v;
        options.n_suites = section.cipher_suites.n;
        options.certificates = files;
        options.n_certificates = section.client_certs.n;
    }
    options.insecure |= s->allow_insecure_connections;
    g->tls = g->client.tls = kd_tls_profile_acquire(&options);
    return g->tls != NULL;
}

/* Hands the generation to each module. */
static bool open_modules(kd_generation *g, const kd_compile *compile)
{
    const kd_module *module;
    uint32_t n = 0;
    while (kd_module_at(n))
        n++;
    g->modules = KD_NEW_ARRAY(&g->arena, void *, n + 1);
    bool ok = g->modules != NULL;
    for (uint32_t i = 0; ok && (module = kd_module_at(i)); i++)
        ok = !module->open || module->open(g, compile);
    return ok;
}

kd_generation *kd_generation_create(kd_arena *arena, kd_service *service, unsigned n_workers, kd_errors *errors)
{
    kd_generation *g = calloc(1, sizeof *g);
    if (!g)
        return NULL;
    g->arena = *arena;
    *arena = (kd_arena){0};
    g->service = service;
    service->arena = &g->arena;
    g->n_workers = n_workers;
    atomic_init(&g->workers, n_workers);
    kd_router_options_load(service, &g->options);
    g->version_header = g->options.hide_version_header ? KD_STR("Version undefined") : KD_STR(KD_VERSION_HEADER);
    bool own = kd_limits_load(service, &g->limits, errors);
    own &= kd_names_load(service, &g->arena, &g->names, errors);
    read_settings(g);
    kd_steps_resolve();
    kd_compile compile = {.generation = g, .arena = &g->arena, .service = service, .errors = errors};
    if (!own || !read_tls(g) || !kd_listener_tls_load(g, errors) ||
        !kd_client_ip_init(&g->client_ip, &g->options, &g->arena) || !open_modules(g, &compile) ||
        !build_routes(g, &compile) ||
        !kd_access_log_install(g, isatty(STDOUT_FILENO) && strcmp(getenv("TERM") ? getenv("TERM") : "", "dumb") != 0)) {
        /* What the findings point to lies in the arena: it stays the caller's. */
        *arena = g->arena;
        kd_registry_release(g);
        kd_tls_profile_release(g->tls);
        free(g);
        return NULL;
    }
    return g;
}

void kd_generation_destroy(kd_generation *generation)
{
    kd_arena arena = generation->arena;
    kd_tls_profile_release(generation->tls);
    kd_registry_release(generation);
    free(generation);
    kd_arena_reset(&arena);
}

static void log_endpoint(const kd_generation *g, uint32_t i)
{
    const kd_endpoint *e = &g->service->endpoints[i];
    if (!g->plans[i]) {
        kd_log(KD_LOG_ERROR, "[SERVICE: Gin] [ENDPOINT: %.*s ] Unsupported method %.*s", KD_FMT(e->route),
               KD_FMT(e->method));
        return;
    }
    kd_log(KD_LOG_DEBUG, "[ENDPOINT: %.*s] Building the proxy pipe", KD_FMT(e->route));
    kd_plan_log(g->plans[i]);
    if (g->plans[i]->problem.n) {
        kd_log(KD_LOG_ERROR, "[SERVICE: Gin] %.*s", KD_FMT(g->plans[i]->problem));
        return;
    }
    kd_log(KD_LOG_DEBUG, "[ENDPOINT: %.*s] Building the http handler", KD_FMT(e->route));
    if (!kd_extra_find(&e->extra, KD_STR("auth/signer")))
        kd_log(KD_LOG_DEBUG, "[ENDPOINT: %.*s][JWTSigner] Signer disabled", KD_FMT(e->route));
    kd_plan_log_around(g->plans[i]);
    if (!kd_extra_find(&e->extra, KD_STR("auth/validator")))
        kd_log(KD_LOG_INFO, "[ENDPOINT: %.*s][JWTValidator] Validator disabled for this endpoint", KD_FMT(e->route));
}

void kd_generation_log(const kd_generation *generation)
{
    if (!kd_log_wants(KD_LOG_ERROR))
        return;
    if (generation->tls)
        kd_tls_profile_log(generation->tls);
    const kd_module *module;
    for (uint32_t i = 0; (module = kd_module_at(i)); i++)
        if (module->log)
            module->log(generation);
    for (uint32_t i = 0; i < generation->service->n_endpoints; i++)
        log_endpoint(generation, i);
    if (generation->options.auto_options)
        kd_log(KD_LOG_DEBUG, "[SERVICE: Gin] Enabling the auto options endpoints");
}
