#include "modules/auth/validator/keys.h"

#include "base/shared.h"
#include "gateway/exchange.h"
#include "gateway/registry.h"
#include "modules/auth/validator/store.h"

/* A wait for a key server ends after so long when there is an old key that may serve. */
#define IMPATIENCE KD_SECOND

/* ---- at load ---------------------------------------------------------------------------------------------------- */

/* The keys of a file: they live as long as generations that read the same. */
typedef struct file_options {
    const kd_jwk_list *list;
} file_options;

static void *create_fixed(const void *options)
{
    return kd_jwk_set_create(((const file_options *)options)->list, NULL, 0, 0);
}

static void destroy_fixed(void *object)
{
    kd_source_value_unref(&((kd_jwk_set *)object)->base);
}

static const kd_object_type fixed_type = {"auth/validator/file", create_fixed, destroy_fixed};

/* A file is known by what its keys are. */
static kd_str file_identity(kd_arena *arena, const kd_jwk_list *list)
{
    kd_buf out;
    kd_buf_init(&out, 16u * 1024 * 1024);
    for (uint32_t i = 0; i < list->n; i++) {
        const kd_jwk *jwk = list->v[i];
        kd_buf_printf(&out, "%llx.%llx %zu:%.*s %.*s %.*s;", (unsigned long long)jwk->print.a,
                      (unsigned long long)jwk->print.b, jwk->kid.n, KD_FMT(jwk->kid), KD_FMT(jwk->x5t),
                      KD_FMT(jwk->x5t_s256));
    }
    kd_str text = out.failed ? (kd_str){NULL, 0} : kd_arena_copy(arena, kd_buf_str(&out));
    kd_buf_fini(&out);
    return text.p || list->n ? text : KD_STR("");
}

static bool read_fixed(kd_jwk_keys *keys, kd_generation *generation, const kd_jwk_place *place, kd_str *error)
{
    kd_jwk_list list;
    if (!kd_jwk_file_read(&generation->arena, place, &list, error))
        return false;
    kd_str identity = file_identity(&generation->arena, &list);
    if (identity.p)
        keys->fixed = kd_registry_adopt(generation, &fixed_type, identity, &(file_options){&list});
    kd_jwk_list_fini(&list);
    *error = (kd_str){NULL, 0};
    return keys->fixed != NULL;
}

static void *create_misses(const void *options)
{
    (void)options;
    return kd_table_create(KD_JWK_MISSES, 8);
}

static void destroy_misses(void *object)
{
    kd_table_destroy(object);
}

static const kd_object_type misses_type = {"auth/validator/cooldown", create_misses, destroy_misses};

bool kd_jwk_keys_init(kd_jwk_keys *keys, kd_generation *generation, const kd_jwk_place *place,
                      const kd_jwk_policy *policy, kd_str identity, kd_str *error)
{
    *keys = (kd_jwk_keys){.policy = *policy};
    *error = kd_jwk_place_problem(&generation->arena, place);
    if (!error->p || error->n)
        return false;
    if (place->local_path.n)
        return read_fixed(keys, generation, place, error);
    *error = (kd_str){NULL, 0};
    keys->store = kd_jwk_store_adopt(generation, place, policy->ttl > 0);
    if (policy->cooldown > 0)
        keys->misses = kd_registry_adopt(generation, &misses_type, identity, NULL);
    if (!keys->store || (policy->cooldown > 0 && !keys->misses))
        return false;
    kd_ns keep = atomic_load(&keys->store->keep);
    while (keep < policy->ttl && !atomic_compare_exchange_weak(&keys->store->keep, &keep, policy->ttl))
        ;
    return true;
}

/* ---- cooldown --------------------------------------------------------------------------------------------------- */

static kd_ns look(void *value, bool fresh, void *context)
{
    (void)fresh;
    *(bool *)context = true;
    return *(kd_ns *)value;
}

static kd_ns note(void *value, bool fresh, void *context)
{
    (void)fresh;
    *(kd_ns *)value = *(kd_ns *)context;
    return *(kd_ns *)value;
}

static bool is_cooling(const kd_jwk_keys *keys, kd_str id, kd_ns now)
{
    bool found = false;
    return keys->misses && kd_table_look(keys->misses, id, now, look, &found) && found;
}

static void note_miss(const kd_jwk_keys *keys, kd_str id, kd_ns now)
{
    kd_ns until = now + keys->policy.cooldown;
    if (keys->misses)
        kd_table_visit(keys->misses, id, now, note, &until);
}

/* ---- looking up ------------------------------------------------------------------------------------------------- */

static kd_verdict found(kd_jwk_lookup *lookup, kd_jwk *referenced, uint64_t set, kd_ns seen, kd_jwk **jwk)
{
    kd_jwk_unref(lookup->old);
    kd_source_wait_fini(&lookup->wait);
    *lookup = (kd_jwk_lookup){.set = set, .seen = seen};
    *jwk = referenced;
    return KD_NEXT;
}

/* Within the part of the key's time in which nothing else is to be done than to take it. */
bool kd_jwk_keys_still(const kd_jwk_keys *keys, uint64_t set, kd_ns seen, kd_ns now)
{
    if (keys->fixed)
        return set == keys->fixed->number;
    return keys->policy.ttl && set && set == atomic_load_explicit(&keys->store->present, memory_order_acquire) &&
           !keys->misses && kd_elapsed(seen, now) <= keys->policy.ttl / 4 * 3;
}

static kd_verdict missed(kd_jwk_lookup *lookup, const kd_jwk_keys *keys, kd_branch *branch, kd_str id, kd_str why,
                         kd_str *error)
{
    kd_arena *arena = branch->x->front->arena;
    *error = kd_arena_copy(arena, why.n ? why : KD_STR("no Keys have been found"));
    if (!error->p)
        *error = KD_STR("out of memory");
    note_miss(keys, id, branch->x->worker->net->loop.now);
    kd_jwk_unref(lookup->old);
    kd_source_wait_fini(&lookup->wait);
    *lookup = (kd_jwk_lookup){0};
    return KD_NEXT;
}

static void disarm(kd_jwk_lookup *lookup)
{
    if (kd_timer_armed(&lookup->timer))
        kd_timer_disarm(&lookup->branch->x->worker->net->loop.timers, &lookup->timer);
}

static void on_cancel(void *what)
{
    kd_jwk_lookup *lookup = what;
    disarm(lookup);
    lookup->inner.cancel(lookup->inner.what);
    kd_jwk_unref(lookup->old);
    *lookup = (kd_jwk_lookup){0};
}

static void on_impatience(kd_timer *timer)
{
    kd_jwk_lookup *lookup = KD_CONTAINER(timer, kd_jwk_lookup, timer);
    kd_branch *branch = lookup->branch;
    kd_exchange *x = branch->x;
    lookup->inner.cancel(lookup->inner.what);
    lookup->gave_up = true;
    kd_exchange_enter(x);
    kd_branch_resume(branch);
    kd_exchange_leave(x);
}

static kd_verdict await(kd_jwk_lookup *lookup, const kd_jwk_keys *keys, kd_branch *branch)
{
    kd_loop *loop = &branch->x->worker->net->loop;
    kd_verdict verdict = kd_source_await(keys->store->source, branch, &lookup->wait);
    if (verdict != KD_WAIT)
        return verdict;
    lookup->waiting = true;
    lookup->branch = branch;
    lookup->inner = branch->wait;
    if (lookup->old) {
        kd_timer_init(&lookup->timer, on_impatience);
        kd_timer_arm(&loop->timers, &lookup->timer, loop->now + IMPATIENCE);
    }
    return kd_branch_wait(branch, KD_WAIT_SOURCE, on_cancel, lookup);
}

/* What the present keys say. NULL with *ask: the key server has to. An old key that may serve for now is noted in the
 * lookup. */
static kd_jwk *from_present(kd_jwk_lookup *lookup, const kd_jwk_keys *keys, kd_branch *branch, kd_str id, bool *ask)
{
    kd_jwk_store *store = keys->store;
    const kd_jwk_policy *policy = &keys->policy;
    kd_ns now = branch->x->worker->net->loop.now;
    kd_source_value *value = policy->ttl ? kd_source_peek(store->source) : NULL;
    const kd_jwk_set *set = value ? KD_CONTAINER(value, kd_jwk_set, base) : NULL;
    const kd_jwk_entry *entry = set ? kd_jwk_set_find(set, policy->strategy, id) : NULL;
    kd_ns age = entry ? kd_elapsed(entry->seen, now) : 0,
          began = atomic_load_explicit(&store->began, memory_order_relaxed);
    kd_jwk *jwk = NULL;
    bool failing = atomic_load_explicit(&store->failing, memory_order_relaxed);
    *ask = true;
    if (entry && age <= policy->ttl) {
        jwk = kd_jwk_ref(entry->jwk);
        *ask = false;
        lookup->set = set->number;
        lookup->seen = entry->seen;
        /* renewed before its time is over, so that nobody has to wait then */
        if (KD_UNLIKELY(age > policy->ttl / 4 * 3 && !began && entry->seen == set->fetched) &&
            kd_jwk_store_allows(store, now))
            kd_source_refresh(store->source, branch->x->worker, true);
    } else if (entry && !policy->strict && entry->seen == set->fetched && age - policy->ttl <= KD_JWK_STALE) {
        bool slow = began && kd_elapsed(began, now) > IMPATIENCE;
        if (failing || slow) {
            jwk = kd_jwk_ref(entry->jwk);
            *ask = false;
            if (!began && kd_jwk_store_allows(store, now))
                kd_source_refresh(store->source, branch->x->worker, true);
        } else {
            lookup->old = kd_jwk_ref(entry->jwk);
        }
    }
    kd_source_value_unref(value);
    if (KD_UNLIKELY(policy->any_server && policy->ttl && !jwk)) {
        jwk = kd_jwk_store_find_any(policy->strategy, id, now, policy->ttl);
        *ask = !jwk;
    }
    return jwk;
}

/* May this token make the gateway ask? While the key server works and nothing is kept every token does, as the
 * configuration demands; what strangers could cause at will has a budget. */
static bool may_ask(const kd_jwk_keys *keys, kd_ns now)
{
    bool failing = atomic_load_explicit(&keys->store->failing, memory_order_relaxed);
    if (keys->policy.ttl == 0 && !failing)
        return true;
    return atomic_load_explicit(&keys->store->began, memory_order_relaxed) || kd_jwk_store_allows(keys->store, now);
}

/* The key in the answer, if it has it. */
static const kd_jwk_entry *answered(const kd_jwk_lookup *lookup, const kd_jwk_keys *keys, kd_branch *branch, kd_str id)
{
    const kd_jwk_policy *policy = &keys->policy;
    kd_source_value *value = lookup->wait.value;
    const kd_jwk_set *set = value ? KD_CONTAINER(value, kd_jwk_set, base) : NULL;
    const kd_jwk_entry *entry = set ? kd_jwk_set_find(set, policy->strategy, id) : NULL;
    kd_ns age = entry ? kd_elapsed(entry->seen, branch->x->worker->net->loop.now) : 0;
    return entry && (entry->seen == set->fetched || (policy->ttl && age <= policy->ttl)) ? entry : NULL;
}

/* A fetch that had begun before the token came, such as the one at the start, has not got its key: the key server has
 * not been asked for this token yet, which is what KrakenD does. One that does not answer is not waited for twice. */
static bool asks_again(const kd_jwk_lookup *lookup, const kd_jwk_keys *keys, kd_branch *branch, kd_str id)
{
    const kd_source_wait *wait = &lookup->wait;
    if (!wait->joined || lookup->again || lookup->gave_up || wait->failure == KD_FAIL_DEADLINE)
        return false;
    if ((!wait->value && lookup->old) || answered(lookup, keys, branch, id))
        return false;
    return may_ask(keys, branch->x->worker->net->loop.now);
}

static kd_verdict from_answer(kd_jwk_lookup *lookup, const kd_jwk_keys *keys, kd_branch *branch, kd_str id,
                              kd_jwk **jwk, kd_str *error)
{
    kd_source_value *value = lookup->wait.value;
    disarm(lookup);
    if (!value) {
        kd_jwk *old = lookup->old;
        lookup->old = NULL;
        return old ? found(lookup, old, 0, 0, jwk) : missed(lookup, keys, branch, id, lookup->wait.error, error);
    }
    const kd_jwk_set *set = KD_CONTAINER(value, kd_jwk_set, base);
    const kd_jwk_entry *entry = answered(lookup, keys, branch, id);
    if (entry)
        return found(lookup, kd_jwk_ref(entry->jwk), set->number, entry->seen, jwk);
    return missed(lookup, keys, branch, id, set->broken, error);
}

static kd_verdict from_file(kd_jwk_lookup *lookup, const kd_jwk_keys *keys, kd_branch *branch, kd_str id, kd_jwk **jwk,
                            kd_str *error)
{
    const kd_jwk_entry *entry = kd_jwk_set_find(keys->fixed, keys->policy.strategy, id);
    if (KD_LIKELY(entry != NULL))
        return found(lookup, kd_jwk_ref(entry->jwk), keys->fixed->number, 0, jwk);
    /* KrakenD then tries to fetch from a URL that is not there */
    return missed(lookup, keys, branch, id, KD_STR("Get \"\": unsupported protocol scheme \"\""), error);
}

kd_verdict kd_jwk_lookup_run(kd_jwk_lookup *lookup, const kd_jwk_keys *keys, kd_branch *branch, kd_str id, kd_jwk **jwk,
                             kd_str *error)
{
    kd_ns now = branch->x->worker->net->loop.now;
    bool ask;
    *jwk = NULL;
    *error = KD_STR("");
    if (keys->fixed)
        return from_file(lookup, keys, branch, id, jwk, error);
    if (lookup->waiting) {
        if (!lookup->gave_up)
            kd_source_await(keys->store->source, branch, &lookup->wait); /* takes note that it is re-entered */
        if (!asks_again(lookup, keys, branch, id))
            return from_answer(lookup, keys, branch, id, jwk, error);
        disarm(lookup);
        kd_source_wait_fini(&lookup->wait);
        lookup->again = true;
        kd_verdict again = await(lookup, keys, branch);
        return again == KD_WAIT ? again : from_answer(lookup, keys, branch, id, jwk, error);
    }
    if (KD_UNLIKELY(is_cooling(keys, id, now))) {
        *error = KD_STR("no Keys have been found");
        return KD_NEXT;
    }
    *jwk = from_present(lookup, keys, branch, id, &ask);
    if (KD_LIKELY(!ask))
        return KD_NEXT;
    if (!may_ask(keys, now)) {
        kd_jwk *old = lookup->old;
        lookup->old = NULL;
        return old ? found(lookup, old, 0, 0, jwk) : missed(lookup, keys, branch, id, KD_STR(""), error);
    }
    kd_verdict verdict = await(lookup, keys, branch);
    return verdict == KD_WAIT ? verdict : from_answer(lookup, keys, branch, id, jwk, error);
}
