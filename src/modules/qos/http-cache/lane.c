#include "modules/qos/http-cache/lane.h"

#include <pthread.h>
#include <stdlib.h>

#define CHAINS 64u

struct kd_lanes {
    pthread_mutex_t lock;
    uint32_t uses; /* the owner, messages */
    uint32_t waiting;
    kd_lane_place *chains[CHAINS];
};

kd_lanes *kd_lanes_create(void)
{
    kd_lanes *lanes = calloc(1, sizeof *lanes);
    if (!lanes)
        return NULL;
    lanes->uses = 1;
    pthread_mutex_init(&lanes->lock, NULL);
    return lanes;
}

/* Gives a use back; the lock is held and let go. */
static void unuse_locked(kd_lanes *lanes)
{
    bool last = --lanes->uses == 0;
    pthread_mutex_unlock(&lanes->lock);
    if (!last)
        return;
    pthread_mutex_destroy(&lanes->lock);
    free(lanes);
}

void kd_lanes_destroy(kd_lanes *lanes)
{
    if (!lanes)
        return;
    pthread_mutex_lock(&lanes->lock);
    unuse_locked(lanes);
}

uint32_t kd_lanes_waiting(kd_lanes *lanes)
{
    pthread_mutex_lock(&lanes->lock);
    uint32_t n = lanes->waiting;
    pthread_mutex_unlock(&lanes->lock);
    return n;
}

static kd_lane_place **chain_of(kd_lanes *lanes, kd_fingerprint key)
{
    return &lanes->chains[key.a % CHAINS];
}

static void take_out(kd_lane_place *place)
{
    *place->link = place->next;
    if (place->next)
        place->next->link = place->link;
    place->link = NULL;
    if (place->role == KD_LANE_WAITING || place->role == KD_LANE_SERVED)
        place->lanes->waiting--;
    place->role = KD_LANE_OUTSIDE;
}

kd_lane_role kd_lane_join(kd_lanes *lanes, kd_lane_place *place, kd_fingerprint key, kd_branch *branch)
{
    kd_lane_role role = KD_LANE_FIRST;
    pthread_mutex_lock(&lanes->lock);
    kd_lane_place **chain = chain_of(lanes, key);
    for (const kd_lane_place *p = *chain; p && role == KD_LANE_FIRST; p = p->next)
        if (p->role == KD_LANE_FIRST && kd_fingerprint_eq(p->key, key))
            role = KD_LANE_WAITING;
    *place = (kd_lane_place){.next = *chain,
                             .link = chain,
                             .lanes = lanes,
                             .key = key,
                             .branch = branch,
                             .worker = branch->x->front->worker,
                             .role = role};
    if (place->next)
        place->next->link = &place->next;
    *chain = place;
    lanes->waiting += role == KD_LANE_WAITING;
    pthread_mutex_unlock(&lanes->lock);
    return role;
}

static void on_cancel(void *what)
{
    kd_lane_place *place = what;
    kd_lanes *lanes = place->lanes;
    pthread_mutex_lock(&lanes->lock);
    if (place->link)
        take_out(place);
    pthread_mutex_unlock(&lanes->lock);
}

kd_verdict kd_lane_wait(kd_lane_place *place)
{
    return kd_branch_wait(place->branch, KD_WAIT_SOURCE, on_cancel, place);
}

/* One of the worker's places in that chain that was served, taken out; the lock is held. */
static kd_lane_place *served(kd_lanes *lanes, uint64_t chain, const kd_worker *worker)
{
    kd_lane_place *place = lanes->chains[chain];
    while (place && (place->role != KD_LANE_SERVED || place->worker != worker))
        place = place->next;
    if (place)
        take_out(place);
    return place;
}

static void deliver(void *worker, const kd_message *message)
{
    kd_lanes *lanes = (kd_lanes *)(uintptr_t)message->word[0];
    for (;;) {
        pthread_mutex_lock(&lanes->lock);
        kd_lane_place *place = served(lanes, message->word[1], worker);
        if (!place) {
            unuse_locked(lanes);
            return;
        }
        pthread_mutex_unlock(&lanes->lock);
        kd_exchange *x = place->branch->x;
        kd_exchange_enter(x);
        kd_branch_resume(place->branch);
        kd_exchange_leave(x);
    }
}

/* Marks those who wait for the key, and notes their workers; the lock is held. */
static uint32_t serve(kd_lanes *lanes, kd_fingerprint key, bool alone, kd_worker **workers)
{
    uint32_t n = 0;
    for (kd_lane_place *p = *chain_of(lanes, key); p; p = p->next) {
        if (p->role != KD_LANE_WAITING || !kd_fingerprint_eq(p->key, key))
            continue;
        uint32_t i = 0;
        while (i < n && workers[i] != p->worker)
            i++;
        if (i == n)
            workers[n++] = p->worker;
        p->role = KD_LANE_SERVED;
        p->alone = alone;
    }
    lanes->uses += n;
    return n;
}

void kd_lane_end(kd_lane_place *place, bool alone)
{
    kd_worker *workers[KD_MAX_WORKERS];
    kd_lanes *lanes = place->lanes;
    if (!lanes)
        return;
    kd_fingerprint key = place->key;
    pthread_mutex_lock(&lanes->lock);
    if (place->role != KD_LANE_FIRST) {
        pthread_mutex_unlock(&lanes->lock);
        return;
    }
    take_out(place);
    uint32_t n = serve(lanes, key, alone, workers);
    pthread_mutex_unlock(&lanes->lock);
    for (uint32_t i = 0; i < n; i++) {
        kd_message message = {.deliver = deliver, .word = {(uint64_t)(uintptr_t)lanes, key.a % CHAINS}};
        if (kd_worker_post(workers[i], &message))
            continue;
        pthread_mutex_lock(&lanes->lock); /* a full mailbox: they wait until their deadline */
        unuse_locked(lanes);
    }
}
