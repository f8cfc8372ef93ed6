#include "base/hash.h"
#include "base/shared.h"

#include <pthread.h>
#include <stdlib.h>

#define MAX_PLACES      (1u << 24) /* a ticket has 24 bits for the place */
#define MAX_SHARDS      16u
#define ONE_SHARD_BELOW 1024u
#define FIRST_PLACES    16u
#define BATCH           16u /* waiters told between two takings of the lock */
#define NONE            UINT32_MAX

typedef enum place_state { FREE, OWNER, WAITER, ENDING } place_state;

/* One participant. The owner of a flight and its waiters form a ring in the order of their arrival, so that a waiter
 * can leave without knowing whose it is. */
typedef struct place {
    kd_fingerprint key;
    place_state state;
    uint32_t generation; /* of this place; a ticket with another one is over */
    uint32_t next, previous;
    uint32_t chain; /* the next owner in the bucket; of free places the next free one */
    kd_flight_waiter waiter;
} place;

typedef struct shard {
    _Alignas(64) pthread_mutex_t lock;
    place *places;
    uint32_t *buckets; /* as many as places: owners by fingerprint */
    uint32_t cap, free;
} shard;

struct kd_flights {
    uint32_t shard_count, max;
    _Atomic uint32_t in_use;
    shard shards[];
};

/* ---- life ---- */

static size_t flights_size(uint32_t shards)
{
    size_t size = sizeof(kd_flights) + shards * sizeof(shard);
    return size + (-size & (_Alignof(shard) - 1));
}

kd_flights *kd_flights_create(uint32_t max)
{
    if (max == 0 || max > MAX_PLACES)
        return NULL;
    uint32_t shards = max < ONE_SHARD_BELOW ? 1 : MAX_SHARDS;
    size_t size = flights_size(shards);
    if (!kd_ledger_reserve(KD_ACCOUNT_TABLES, size))
        return NULL;
    kd_flights *f = aligned_alloc(_Alignof(shard), size);
    if (!f) {
        kd_ledger_release(KD_ACCOUNT_TABLES, size);
        return NULL;
    }
    memset(f, 0, size);
    f->max = max;
    f->shard_count = shards;
    for (uint32_t i = 0; i < shards; i++) {
        f->shards[i].free = NONE;
        pthread_mutex_init(&f->shards[i].lock, NULL);
    }
    return f;
}

static size_t places_size(uint32_t cap)
{
    return cap * (sizeof(place) + sizeof(uint32_t));
}

void kd_flights_destroy(kd_flights *f)
{
    if (!f)
        return;
    for (uint32_t i = 0; i < f->shard_count; i++) {
        shard *s = &f->shards[i];
        kd_ledger_release(KD_ACCOUNT_TABLES, places_size(s->cap));
        free(s->places); /* the buckets lie behind the places */
        pthread_mutex_destroy(&s->lock);
    }
    kd_ledger_release(KD_ACCOUNT_TABLES, flights_size(f->shard_count));
    free(f);
}

uint32_t kd_flights_count(const kd_flights *flights)
{
    return atomic_load_explicit(&flights->in_use, memory_order_relaxed);
}

/* ---- the parts of a shard; all under its lock ---- */

static uint32_t *bucket_of(shard *s, kd_fingerprint key)
{
    return &s->buckets[(uint32_t)key.a & (s->cap - 1)];
}

static void enter_bucket(shard *s, uint32_t i)
{
    uint32_t *bucket = bucket_of(s, s->places[i].key);
    s->places[i].chain = *bucket;
    *bucket = i;
}

static void leave_bucket(shard *s, uint32_t i)
{
    uint32_t *at = bucket_of(s, s->places[i].key);
    while (*at != i)
        at = &s->places[*at].chain;
    *at = s->places[i].chain;
}

static uint32_t find_owner(shard *s, kd_fingerprint key)
{
    uint32_t i = s->cap ? *bucket_of(s, key) : NONE;
    while (i != NONE && !kd_fingerprint_eq(s->places[i].key, key))
        i = s->places[i].chain;
    return i;
}

static bool grow(shard *s)
{
    uint32_t old = s->cap, cap = old ? old * 2 : FIRST_PLACES;
    if (cap > MAX_PLACES || !kd_ledger_reserve(KD_ACCOUNT_TABLES, places_size(cap)))
        return false;
    place *places = malloc(places_size(cap));
    if (!places) {
        kd_ledger_release(KD_ACCOUNT_TABLES, places_size(cap));
        return false;
    }
    if (old)
        memcpy(places, s->places, old * sizeof(place));
    free(s->places);
    kd_ledger_release(KD_ACCOUNT_TABLES, places_size(old));
    s->places = places;
    s->buckets = memset(places + cap, 0xff, cap * sizeof(uint32_t));
    s->cap = cap;
    for (uint32_t i = 0; i < old; i++)
        if (places[i].state == OWNER)
            enter_bucket(s, i);
    for (uint32_t i = cap; i-- > old;) {
        places[i] = (place){.state = FREE, .generation = 1, .chain = s->free};
        s->free = i;
    }
    return true;
}

static uint32_t take_place(kd_flights *f, shard *s)
{
    if (atomic_fetch_add_explicit(&f->in_use, 1, memory_order_relaxed) >= f->max || (s->free == NONE && !grow(s))) {
        atomic_fetch_sub_explicit(&f->in_use, 1, memory_order_relaxed);
        return NONE;
    }
    uint32_t i = s->free;
    s->free = s->places[i].chain;
    return i;
}

/* Takes a place out of its ring and frees it; its ticket is over. */
static void free_place(kd_flights *f, shard *s, uint32_t i)
{
    place *p = &s->places[i];
    s->places[p->previous].next = p->next;
    s->places[p->next].previous = p->previous;
    p->state = FREE;
    if (++p->generation == 0)
        p->generation = 1; /* so that a ticket is never 0 */
    p->chain = s->free;
    s->free = i;
    atomic_fetch_sub_explicit(&f->in_use, 1, memory_order_relaxed);
}

static uint64_t ticket_of(const kd_flights *f, const shard *s, uint32_t i)
{
    return (uint64_t)s->places[i].generation << 32 | (uint64_t)(s - f->shards) << 24 | i;
}

/* The shard that a ticket names, locked; *i is the place, NONE if the ticket is over. */
static shard *lock_ticket(kd_flights *f, uint64_t ticket, uint32_t *i)
{
    uint32_t which = (uint32_t)(ticket >> 24) & 0xff, at = (uint32_t)ticket & (MAX_PLACES - 1);
    shard *s = &f->shards[which < f->shard_count ? which : 0];
    pthread_mutex_lock(&s->lock);
    bool valid = which < f->shard_count && at < s->cap && s->places[at].state != FREE &&
                 s->places[at].generation == (uint32_t)(ticket >> 32);
    *i = valid ? at : NONE;
    return s;
}

/* ---- joining, ending, leaving ---- */

kd_flight_role kd_flight_join(kd_flights *f, kd_str bytes, const kd_flight_waiter *self, uint64_t *ticket)
{
    kd_fingerprint key = kd_hash_fingerprint(bytes);
    shard *s = &f->shards[key.b & (f->shard_count - 1)];
    kd_flight_role role = KD_FLIGHT_ALONE;
    *ticket = 0;
    pthread_mutex_lock(&s->lock);
    uint32_t i = take_place(f, s);
    if (i != NONE) {
        uint32_t owner = find_owner(s, key);
        place *p = &s->places[i];
        p->key = key;
        p->waiter = *self;
        if (owner == NONE) {
            role = KD_FLIGHT_OWNER;
            p->state = OWNER;
            p->next = p->previous = i;
            enter_bucket(s, i);
        } else {
            role = KD_FLIGHT_WAITING;
            p->state = WAITER;
            p->next = owner;
            p->previous = s->places[owner].previous;
            s->places[p->previous].next = i;
            s->places[owner].previous = i;
        }
        *ticket = ticket_of(f, s, i);
    }
    pthread_mutex_unlock(&s->lock);
    return role;
}

/* Ends the flight of this owner. The waiters are told in batches outside the lock; between them others may leave the
 * ring, but nobody joins it any more. */
static bool end_flight(kd_flights *f, uint64_t ticket, const kd_flight_news *news)
{
    kd_flight_waiter batch[BATCH];
    uint32_t owner, n;
    shard *s = lock_ticket(f, ticket, &owner);
    if (owner == NONE || s->places[owner].state != OWNER) {
        pthread_mutex_unlock(&s->lock);
        return false;
    }
    leave_bucket(s, owner);
    s->places[owner].state = ENDING;
    for (;;) {
        for (n = 0; n < BATCH && s->places[owner].next != owner; n++) {
            batch[n] = s->places[s->places[owner].next].waiter;
            free_place(f, s, s->places[owner].next);
        }
        bool last = s->places[owner].next == owner;
        if (last)
            free_place(f, s, owner);
        pthread_mutex_unlock(&s->lock);
        for (uint32_t k = 0; k < n; k++) {
            kd_flight_news copy = *news;
            kd_blob_ref(copy.blob);
            batch[k].fn(&batch[k], &copy);
        }
        if (last)
            return true;
        pthread_mutex_lock(&s->lock);
    }
}

bool kd_flight_finish(kd_flights *flights, uint64_t ticket, kd_blob *blob)
{
    return end_flight(flights, ticket, &(kd_flight_news){.event = KD_FLIGHT_LANDED, .blob = blob});
}

bool kd_flight_fail(kd_flights *flights, uint64_t ticket, kd_failure failure)
{
    return end_flight(flights, ticket, &(kd_flight_news){.event = KD_FLIGHT_FAILED, .failure = failure});
}

void kd_flight_leave(kd_flights *f, uint64_t ticket)
{
    uint32_t i;
    shard *s = lock_ticket(f, ticket, &i);
    kd_flight_waiter heir = {0};
    if (i != NONE && s->places[i].state == WAITER) {
        free_place(f, s, i);
    } else if (i != NONE && s->places[i].state == OWNER) {
        uint32_t next = s->places[i].next;
        leave_bucket(s, i);
        free_place(f, s, i);
        if (next != i) {
            s->places[next].state = OWNER;
            enter_bucket(s, next);
            heir = s->places[next].waiter;
        }
    }
    pthread_mutex_unlock(&s->lock);
    if (heir.fn)
        heir.fn(&heir, &(kd_flight_news){.event = KD_FLIGHT_TAKE_OVER});
}
