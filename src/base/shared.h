/* What workers share. Everything that must be exact across workers is built of these five: a bounded table, a 64-bit
 * cell, counters, a counted blob and a flight. Critical sections are short, none is held across a wait, and all memory
 * that traffic can grow is reserved in the ledger (tables and flights in KD_ACCOUNT_TABLES). */
#ifndef KD_BASE_SHARED_H
#define KD_BASE_SHARED_H

#include "base/clock.h"
#include "base/failure.h"
#include "base/ledger.h"

#include <stdatomic.h>

/* ---- table: key -> value of fixed size ---- */

/* Keys are kept as 128-bit fingerprints, not as bytes, so every entry has the same size. The table is divided into
 * shards, each with a lock and an equal share of the bound: a large table may begin to evict when it is nearly, not
 * exactly, full. One of fewer than 1024 entries has one shard and an exact bound. */
typedef struct kd_table kd_table;

#define KD_FOREVER    INT64_MAX          /* a visitor's answer: the entry never expires */
#define KD_TABLE_DROP ((kd_ns)INT64_MIN) /* a visitor's answer: take the entry out now */

/* Reads and changes the value under the shard's lock: no waiting, no call into the same table. `fresh` says that the
 * entry is new and the value all zero. Returns the point on the monotonic clock from which on the entry counts as
 * gone, KD_FOREVER or KD_TABLE_DROP. */
typedef kd_ns (*kd_table_visitor)(void *value, bool fresh, void *context);

typedef struct kd_table_stats {
    uint64_t entries; /* held now, expired ones that nobody noticed included */
    uint64_t evicted; /* live entries that gave way to new ones at the bound */
    uint64_t refused; /* visits that found no place: the ledger said no */
} kd_table_stats;

/* A table for `max` entries (1 .. 2^28) with values of `value_size` bytes (at most 64 KB, 8-byte aligned). Memory is
 * taken as entries come. NULL on sizes out of range and without memory. */
kd_table *kd_table_create(uint32_t max, uint32_t value_size);
/* Frees the table; no thread may use it any more. NULL is allowed. */
void kd_table_destroy(kd_table *table);
/* Calls the visitor on the key's entry, which is made if it does not exist or has expired. At the bound an expired
 * entry, else the one unvisited for the longest time, gives way. False when there is no memory for the first entries:
 * the visitor was not called. */
bool kd_table_visit(kd_table *table, kd_str key, kd_ns now, kd_table_visitor visitor, void *context);
/* The same for an entry that exists and has not expired; else false. */
bool kd_table_look(kd_table *table, kd_str key, kd_ns now, kd_table_visitor visitor, void *context);
/* Takes the key out; false when it was not there. */
bool kd_table_remove(kd_table *table, kd_str key);
/* Walks over at most `budget` places from *cursor (0 at first): expired entries are taken out, the visitor (may be
 * NULL) is called on the others with fresh = false. Parts of the table that are empty then give their memory back.
 * False, with *cursor = 0, once the whole table was walked. Entries that come or go meanwhile may be missed. */
bool kd_table_walk(kd_table *table, uint64_t *cursor, uint32_t budget, kd_ns now, kd_table_visitor visitor,
                   void *context);
kd_table_stats kd_table_stats_read(kd_table *table);

/* ---- cell: 64 bits changed in one step ---- */

/* State that fits into a word (tokens and a time, a breaker's state and counts). Has a cache line of its own. */
typedef struct kd_cell {
    _Alignas(64) _Atomic uint64_t word;
} kd_cell;

static inline uint64_t kd_cell_read(kd_cell *cell)
{
    return atomic_load_explicit(&cell->word, memory_order_acquire);
}

/* Sets the word if it still is *seen; else puts what it is into *seen and returns false: compute again from that. */
static inline bool kd_cell_swap(kd_cell *cell, uint64_t *seen, uint64_t wanted)
{
    return atomic_compare_exchange_weak_explicit(&cell->word, seen, wanted, memory_order_acq_rel, memory_order_acquire);
}

/* ---- counters: written per worker, summed on read ---- */

/* A block of counters with a row per worker and one for all other threads; rows share no cache line. */
typedef struct kd_counters {
    _Atomic uint64_t *rows;
    uint32_t workers, n, stride;
} kd_counters;

/* `n` counters for `workers` workers, all zero. False without memory. */
bool kd_counters_init(kd_counters *counters, uint32_t workers, uint32_t n);
void kd_counters_fini(kd_counters *counters);
/* The sum over all rows. Exact once the writers are quiet, else a value between before and after. */
uint64_t kd_counters_sum(const kd_counters *counters, uint32_t which);

/* Adds from the worker's own thread; any number of threads may use worker == counters->workers. */
static inline void kd_counters_add(kd_counters *counters, uint32_t worker, uint32_t which, uint64_t delta)
{
    _Atomic uint64_t *at = &counters->rows[(size_t)worker * counters->stride + which];
    if (KD_LIKELY(worker < counters->workers)) /* one writer: no locked instruction needed */
        atomic_store_explicit(at, atomic_load_explicit(at, memory_order_relaxed) + delta, memory_order_relaxed);
    else
        atomic_fetch_add_explicit(at, delta, memory_order_relaxed);
}

/* ---- blob: counted bytes that nobody changes ---- */

typedef struct kd_blob {
    _Atomic uint32_t references;
    kd_account account;
    size_t n;
    char p[];
} kd_blob;

/* n bytes with one reference, reserved in the account, to be filled before any other thread sees it. NULL when the
 * ledger refuses or memory is out. */
kd_blob *kd_blob_alloc(kd_account account, size_t n);
/* The same with a copy of s. */
kd_blob *kd_blob_create(kd_account account, kd_str s);
/* Gives a reference back; the last one frees. NULL is allowed. */
void kd_blob_unref(kd_blob *blob);

/* One more reference, taken by someone who holds one. NULL gives NULL. */
static inline kd_blob *kd_blob_ref(kd_blob *blob)
{
    if (blob)
        atomic_fetch_add_explicit(&blob->references, 1, memory_order_relaxed);
    return blob;
}

static inline kd_str kd_blob_str(const kd_blob *blob)
{
    return (kd_str){blob->p, blob->n};
}

/* ---- flight: many want the same, one fetches it ---- */

typedef struct kd_flights kd_flights;

typedef enum kd_flight_event {
    KD_FLIGHT_LANDED,   /* the owner finished: news.blob */
    KD_FLIGHT_FAILED,   /* the owner failed: news.failure */
    KD_FLIGHT_TAKE_OVER /* the owner died: you own the flight now, under your ticket */
} kd_flight_event;

typedef struct kd_flight_news {
    kd_flight_event event;
    kd_failure failure;
    kd_blob *blob; /* a reference that the receiver owns; may be NULL if the owner finished with nothing */
} kd_flight_news;

/* How a waiter is told, by value: `fn` runs on the thread of the owner, outside all locks, and passes the news on to
 * the worker's mailbox. It cannot refuse; whoever reads the mailbox and finds the slot's generation gone gives the blob
 * back (a ticket needs no care then: see kd_flight_leave). */
typedef struct kd_flight_waiter {
    void (*fn)(const struct kd_flight_waiter *waiter, const kd_flight_news *news);
    uint32_t worker, slot;
    uint64_t generation;
} kd_flight_waiter;

typedef enum kd_flight_role {
    KD_FLIGHT_OWNER,   /* fetch, then finish or fail */
    KD_FLIGHT_WAITING, /* news will come */
    KD_FLIGHT_ALONE    /* at the bound or without memory: fetch for yourself, there is no ticket */
} kd_flight_role;

/* Flights for at most `max` owners and waiters together (1 .. 2^24). NULL on sizes out of range and without memory. */
kd_flights *kd_flights_create(uint32_t max);
/* Frees all; nobody may be in a flight any more. NULL is allowed. */
void kd_flights_destroy(kd_flights *flights);
/* Enters the key's flight; *ticket names the caller's place in it until news comes or it leaves. */
kd_flight_role kd_flight_join(kd_flights *flights, kd_str key, const kd_flight_waiter *self, uint64_t *ticket);
/* The owner ends the flight: every waiter gets a reference to the blob (the caller keeps its own; NULL is passed on).
 * Who joins from now on begins a new flight. False when the ticket is not (or no longer) an owner's. */
bool kd_flight_finish(kd_flights *flights, uint64_t ticket, kd_blob *blob);
/* The owner ends the flight without a result: every waiter gets the failure. */
bool kd_flight_fail(kd_flights *flights, uint64_t ticket, kd_failure failure);
/* Gives the place up, whether owner or waiter: when the owner leaves, the waiter who came first after it takes over.
 * A ticket that is over is ignored, so everyone who goes away early may call it without asking what happened
 * meanwhile. */
void kd_flight_leave(kd_flights *flights, uint64_t ticket);
/* Owners and waiters now in flights. */
uint32_t kd_flights_count(const kd_flights *flights);

#endif
