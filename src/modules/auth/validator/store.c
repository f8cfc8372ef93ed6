#include "modules/auth/validator/store.h"

#include "gateway/registry.h"

#include <pthread.h>
#include <stdlib.h>

/* Fetches that tokens with unknown key ids, or a failing key server, may cause: so many at once, then one in each
 * interval. KrakenD has no such limit, so anybody could make it hammer its key server. */
#define BURST    20
#define INTERVAL (200 * KD_MS)

/* ---- sets ------------------------------------------------------------------------------------------------------- */

static _Atomic uint64_t last_number;

static void set_destroy(kd_source_value *value)
{
    kd_jwk_set *set = KD_CONTAINER(value, kd_jwk_set, base);
    for (uint32_t i = 0; i < set->n; i++)
        kd_jwk_unref(set->v[i].jwk);
    kd_arena arena = set->arena;
    kd_arena_reset(&arena);
}

static bool same_names(const kd_jwk *a, const kd_jwk *b)
{
    return kd_str_eq(a->kid, b->kid) && kd_str_eq(a->x5t, b->x5t) && kd_str_eq(a->x5t_s256, b->x5t_s256);
}

static bool is_listed(const kd_jwk_list *list, const kd_jwk *jwk)
{
    for (uint32_t i = 0; i < list->n; i++)
        if (same_names(list->v[i], jwk))
            return true;
    return false;
}

static void take_older(kd_jwk_set *set, const kd_jwk_list *list, const kd_jwk_set *before, kd_ns keep)
{
    uint32_t room = KD_JWK_SET_KEYS > list->n ? KD_JWK_SET_KEYS - list->n : 0;
    for (uint32_t i = 0; before && i < before->n && set->n < room; i++) {
        const kd_jwk_entry *entry = &before->v[i];
        if (kd_elapsed(entry->seen, set->fetched) <= keep && !is_listed(list, entry->jwk))
            set->v[set->n++] = (kd_jwk_entry){kd_jwk_ref(entry->jwk), entry->seen};
    }
}

static bool index_set(kd_jwk_set *set)
{
    for (int s = 0; s < KD_JOSE_STRATEGIES; s++) {
        kd_map_init(&set->by_id[s], &set->arena, set->n + 1);
        for (uint32_t i = 0; i < set->n; i++) {
            kd_str id = kd_jwk_id(&set->arena, set->v[i].jwk, (kd_jose_strategy)s);
            if (!id.p || !kd_map_put(&set->by_id[s], id, &set->v[i]))
                return false;
        }
    }
    return true;
}

kd_jwk_set *kd_jwk_set_create(const kd_jwk_list *list, const kd_jwk_set *before, kd_ns now, kd_ns keep)
{
    kd_arena arena;
    kd_arena_init(&arena, NULL, 0);
    kd_jwk_set *set = KD_NEW(&arena, kd_jwk_set);
    if (!set)
        return NULL;
    set->arena = arena;
    set->number = atomic_fetch_add_explicit(&last_number, 1, memory_order_relaxed) + 1;
    set->fetched = now;
    set->base.destroy = set_destroy;
    atomic_init(&set->base.references, 1);
    set->broken = list->broken.p ? kd_arena_copy(&set->arena, list->broken) : KD_STR("");
    set->v = KD_NEW_ARRAY(&set->arena, kd_jwk_entry, list->n + (before ? before->n : 0) + 1);
    if (!set->v || !set->broken.p) {
        set_destroy(&set->base);
        return NULL;
    }
    take_older(set, list, before, keep);
    for (uint32_t i = 0; i < list->n; i++)
        set->v[set->n++] = (kd_jwk_entry){kd_jwk_ref(list->v[i]), now};
    if (index_set(set))
        return set;
    set_destroy(&set->base);
    return NULL;
}

const kd_jwk_entry *kd_jwk_set_find(const kd_jwk_set *set, kd_jose_strategy strategy, kd_str id)
{
    return kd_map_get(&set->by_id[strategy], id);
}

/* ---- fetching --------------------------------------------------------------------------------------------------- */

static void on_keys(void *context, const kd_jwk_list *keys, kd_failure failure, kd_str error)
{
    kd_jwk_store *store = context;
    kd_jwk_set *set = NULL;
    if (keys) {
        kd_source_value *before = kd_source_peek(store->source);
        set = kd_jwk_set_create(keys, before ? KD_CONTAINER(before, kd_jwk_set, base) : NULL, kd_clock_monotonic(),
                                atomic_load_explicit(&store->keep, memory_order_relaxed));
        kd_source_value_unref(before);
        failure = set ? KD_FAIL_NONE : KD_FAIL_SHED;
        error = set ? KD_STR("") : KD_STR("out of memory");
    }
    atomic_store_explicit(&store->failing, !set, memory_order_relaxed);
    atomic_store_explicit(&store->began, 0, memory_order_relaxed);
    if (set) /* before the next fetch can begin */
        atomic_store_explicit(&store->present, set->number, memory_order_release);
    kd_source_done(store->source, set ? &set->base : NULL, failure, error);
}

static void fetch(kd_source *source, kd_gateway_worker *worker, void *context)
{
    kd_jwk_store *store = context;
    atomic_store_explicit(&store->began, worker->net->loop.now, memory_order_relaxed);
    kd_jwk_fetch(&store->remote, worker, on_keys, store);
}

static const kd_source_type source_type = {fetch};

/* ---- all stores: only for those who take keys of any server ------------------------------------------------------ */

static pthread_mutex_t all_lock = PTHREAD_MUTEX_INITIALIZER;
static kd_jwk_store *all;

static void list_store(kd_jwk_store *store)
{
    pthread_mutex_lock(&all_lock);
    store->next = all;
    all = store;
    pthread_mutex_unlock(&all_lock);
}

static void unlist_store(kd_jwk_store *store)
{
    pthread_mutex_lock(&all_lock);
    kd_jwk_store **link = &all;
    while (*link && *link != store)
        link = &(*link)->next;
    if (*link)
        *link = store->next;
    pthread_mutex_unlock(&all_lock);
}

kd_jwk *kd_jwk_store_find_any(kd_jose_strategy strategy, kd_str id, kd_ns now, kd_ns max_age)
{
    kd_jwk *jwk = NULL;
    pthread_mutex_lock(&all_lock);
    for (kd_jwk_store *store = all; store && !jwk; store = store->next) {
        kd_source_value *value = kd_source_peek(store->source);
        const kd_jwk_entry *entry = value ? kd_jwk_set_find(KD_CONTAINER(value, kd_jwk_set, base), strategy, id) : NULL;
        if (entry && kd_elapsed(entry->seen, now) <= max_age)
            jwk = kd_jwk_ref(entry->jwk);
        kd_source_value_unref(value);
    }
    pthread_mutex_unlock(&all_lock);
    return jwk;
}

/* ---- life ------------------------------------------------------------------------------------------------------- */

static void on_gone(void *context)
{
    kd_jwk_store *store = context;
    kd_jwk_remote_fini(&store->remote);
    free(store);
}

static void unuse(kd_jwk_store *store)
{
    if (atomic_fetch_sub(&store->uses, 1) != 1)
        return;
    unlist_store(store);
    kd_source_destroy(store->source, on_gone);
}

static void *create(const void *options)
{
    kd_jwk_store *store = calloc(1, sizeof *store);
    if (!store)
        return NULL;
    atomic_init(&store->uses, 1);
    if (kd_jwk_remote_init(&store->remote, options) && (store->source = kd_source_create(&source_type, store, 0))) {
        list_store(store);
        return store;
    }
    on_gone(store);
    return NULL;
}

static void destroy(void *object)
{
    unuse(object);
}

static const kd_object_type object_type = {"auth/validator/keys", create, destroy};

static void deliver_warm(void *worker, const kd_message *message)
{
    kd_jwk_store *store = (kd_jwk_store *)(uintptr_t)message->word[0];
    kd_worker *net = worker;
    kd_source_refresh(store->source, net->upper, false);
    unuse(store);
}

static void warm_up(kd_jwk_store *store)
{
    kd_workers *workers = kd_registry_workers();
    kd_message message = {.deliver = deliver_warm, .word = {(uint64_t)(uintptr_t)store}};
    if (!workers || !workers->n)
        return;
    /* once: the next validator of this URL finds that it has begun */
    atomic_store(&store->began, kd_clock_monotonic());
    atomic_fetch_add(&store->uses, 1);
    if (kd_worker_post(workers->v[0], &message))
        return;
    atomic_store(&store->began, 0);
    unuse(store);
}

kd_jwk_store *kd_jwk_store_adopt(kd_generation *generation, const kd_jwk_place *place, bool warm)
{
    kd_str identity = kd_jwk_place_identity(&generation->arena, place);
    kd_jwk_store *store = identity.p ? kd_registry_adopt(generation, &object_type, identity, place) : NULL;
    if (store && warm && !atomic_load(&store->began) && !kd_source_rounds(store->source))
        warm_up(store);
    return store;
}

/* A budget as the time at which it would be full: each fetch moves it on by an interval. */
bool kd_jwk_store_allows(kd_jwk_store *store, kd_ns now)
{
    kd_ns seen = atomic_load_explicit(&store->allowance, memory_order_relaxed), wanted;
    do {
        wanted = (seen > now ? seen : now) + INTERVAL;
        if (wanted - now > BURST * INTERVAL)
            return false;
    } while (!atomic_compare_exchange_weak_explicit(&store->allowance, &seen, wanted, memory_order_relaxed,
                                                    memory_order_relaxed));
    return true;
}
