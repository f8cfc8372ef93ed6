/* Hosts that are found by DNS SRV (`sd: dns`; spec/06 section 17.1). One list for each name and scheme, a process
 * object: the first request has it asked for and waits, from then on one worker keeps it fresh. */
#include "gateway/steps/core.h"

#include "base/random.h"
#include "gateway/registry.h"
#include "gateway/source.h"

#include <stdio.h>
#include <stdlib.h>

#define DEFAULT_TTL (30 * KD_SECOND)
#define FOREVER     INT64_MAX /* a failed first lookup is repeated by the watch, never by a request */

typedef struct hosts {
    kd_source_value value;
    uint32_t n;
    _Atomic uint32_t turn;
    kd_core_host v[];
} hosts;

typedef struct list {
    kd_source *source;
    kd_dns_watch watch;
    _Atomic bool watching, gone;
    _Atomic uint32_t uses; /* the registry's and the watch's */
    kd_str name, scheme;
    char text[];
} list;

typedef struct list_options {
    kd_str name, scheme;
    kd_ns ttl;
} list_options;

/* ---- the list --------------------------------------------------------------------------------------------------- */

static void free_list(void *context)
{
    free(context);
}

static void unuse(list *l)
{
    if (atomic_fetch_sub(&l->uses, 1) == 1)
        kd_source_destroy(l->source, free_list);
}

static void destroy_hosts(kd_source_value *value)
{
    free(KD_CONTAINER(value, hosts, value));
}

/* The source's fetch ends with the watch's next answer, whoever began it. */
static void end_round(list *l, hosts *found, kd_str error)
{
    kd_gateway_worker *worker = l->watch.dns ? kd_dns_worker(l->watch.dns)->upper : NULL;
    kd_source_refresh(l->source, worker, true);
    kd_source_done(l->source, found ? &found->value : NULL, KD_FAIL_RESOLVE, error);
}

/* NULL without memory or when there are too many targets in the process. */
static hosts *make_hosts(const list *l, kd_srv_record *records, uint32_t n)
{
    const kd_srv_record **order = calloc(kd_srv_room(n), sizeof *order);
    n = order ? kd_srv_expand(records, n, order) : 0;
    hosts *made = order ? calloc(1, sizeof *made + n * sizeof *made->v) : NULL;
    for (uint32_t i = 0; made && i < n; i++) {
        char text[300];
        int length = snprintf(text, sizeof text, "%.*s:%u", KD_FMT(order[i]->target), order[i]->port);
        const kd_target *target =
            (size_t)length < sizeof text ? kd_target_get(l->scheme, kd_str_of(text, (size_t)length)) : NULL;
        if (!target) {
            free(made);
            made = NULL;
            break;
        }
        bool web = kd_str_eq(l->scheme, KD_STR("http")) || kd_str_eq(l->scheme, KD_STR("https"));
        made->v[i] = (kd_core_host){web ? target : NULL, target->key};
    }
    free(order);
    if (!made)
        return NULL;
    made->value.references = 1;
    made->value.destroy = destroy_hosts;
    made->n = n;
    made->turn = (uint32_t)kd_random_below(n);
    return made;
}

static bool on_answer(kd_dns_watch *watch, kd_srv_record *records, uint32_t n, kd_str error)
{
    list *l = KD_CONTAINER(watch, list, watch);
    if (atomic_load(&l->gone))
        return false;
    hosts *found = error.p ? NULL : make_hosts(l, records, n);
    if (!found && !error.p)
        kd_log(KD_LOG_WARNING, "[SERVICE: sd] %s: no room for the hosts that were found, the last ones stay",
               watch->name);
    end_round(l, found, error.p ? error : KD_STR("out of memory"));
    return true;
}

static void on_end(kd_dns_watch *watch)
{
    list *l = KD_CONTAINER(watch, list, watch);
    end_round(l, NULL, KD_STR("the resolver is closed"));
    unuse(l);
}

static void fetch(kd_source *source, kd_gateway_worker *worker, void *context)
{
    (void)source;
    list *l = context;
    if (atomic_exchange(&l->watching, true))
        return;
    atomic_fetch_add(&l->uses, 1);
    kd_dns_watch_begin(worker->net->dns, &l->watch);
}

static const kd_source_type source_type = {fetch};

static void *create_list(const void *options)
{
    const list_options *o = options;
    list *l = calloc(1, sizeof *l + o->name.n + 1 + o->scheme.n);
    if (!l || !(l->source = kd_source_create(&source_type, l, FOREVER))) {
        free(l);
        return NULL;
    }
    memcpy(l->text, o->name.p, o->name.n);
    if (o->scheme.n)
        memcpy(l->text + o->name.n + 1, o->scheme.p, o->scheme.n);
    l->name = kd_str_of(l->text, o->name.n);
    l->scheme = kd_str_of(l->text + o->name.n + 1, o->scheme.n);
    l->watch = (kd_dns_watch){.on_answer = on_answer, .on_end = on_end, .name = l->text, .pause = o->ttl};
    l->uses = 1;
    return l;
}

static void destroy_list(void *object)
{
    list *l = object;
    atomic_store(&l->gone, true); /* the watch ends with its next answer */
    unuse(l);
}

static const kd_object_type list_type = {"sd/dns", create_list, destroy_list};

/* ---- the step --------------------------------------------------------------------------------------------------- */

typedef struct discover {
    list *list;
    bool round_robin;
} discover;

static bool compile_discover(const kd_compile *compile, kd_compiled *out)
{
    const kd_backend *backend = compile->backend;
    if (!kd_core_is_discovered(backend))
        return false;
    kd_ns ttl = compile->service->dns_cache_ttl;
    list_options options = {backend->hosts.v[0], backend->sd_scheme, ttl < KD_SECOND ? DEFAULT_TTL : ttl};
    discover *d = KD_NEW(compile->arena, discover);
    kd_str identity = kd_arena_printf(compile->arena, "%.*s\n%.*s\n%lld", KD_FMT(options.name), KD_FMT(options.scheme),
                                      (long long)options.ttl);
    if (d && identity.p)
        d->list = kd_registry_adopt(compile->generation, &list_type, identity, &options);
    if (!d || !d->list) {
        kd_errors_add(compile->errors, KD_SEVERITY_ERROR, backend->at, (kd_str){0}, "out of memory");
        return false;
    }
    /* As with hosts that are written down: turns with one processor, else draws. */
    d->round_robin = compile->generation->n_workers == 1;
    out->config = d;
    out->at = backend->at;
    return true;
}

static kd_verdict enter_discover(kd_branch *branch, const void *config, void *state)
{
    const discover *d = config;
    kd_source_wait *wait = state;
    kd_source_value *value = wait->phase ? NULL : kd_source_peek(d->list->source);
    if (KD_UNLIKELY(!value)) {
        if (kd_source_await(d->list->source, branch, wait) == KD_WAIT)
            return KD_WAIT;
        value = kd_source_value_ref(wait->value);
        kd_source_wait_fini(wait);
    }
    hosts *found = value ? KD_CONTAINER(value, hosts, value) : NULL;
    uint32_t n = found ? found->n : 0;
    kd_core_host host = {0};
    if (n)
        host = found->v[d->round_robin ? atomic_fetch_add(&found->turn, 1) % n : kd_random_below(n)];
    kd_source_value_unref(value);
    if (n == 0)
        return kd_branch_fail(branch, KD_FAIL_NO_HOSTS, KD_STR("no hosts available"));
    return kd_core_address(branch, &host);
}

static void explain_discover(const void *config, kd_buf *out)
{
    const discover *d = config;
    kd_buf_printf(out, "hosts of the DNS service %.*s, by %.*s", KD_FMT(d->list->name), KD_FMT(d->list->scheme));
}

const kd_step_type kd_core_discover = {.module = "core",
                                       .name = "discover",
                                       .compile = compile_discover,
                                       .enter = enter_discover,
                                       .state_size = sizeof(kd_source_wait),
                                       .explain = explain_discover};
