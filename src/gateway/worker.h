/* What the gateway keeps on each worker: the server and client sides, the generation in use, reusable memory. */
#ifndef KD_GATEWAY_WORKER_H
#define KD_GATEWAY_WORKER_H

#include "gateway/generation.h"
#include "gateway/hold.h"
#include "text/json.h"

#define KD_OUT_MAX  (1024u * 1024 * 1024) /* bound of one rendered answer */
#define KD_OUT_KEEP (256u * 1024)         /* what a worker keeps of it between answers */

typedef struct kd_gateway_worker {
    kd_worker *net;
    kd_server1 server;
    kd_client client;
    kd_json_pool json;
    kd_json_shapes *shapes;
    kd_buf out;                /* the rendered answer of the exchange that is being answered */
    kd_buf lines;              /* access log lines of this turn */
    kd_generation *generation; /* for new exchanges */
    /* Written by this worker alone, read by whoever sums them. */
    _Atomic uint64_t requests, answers, failures[KD_FAIL_COUNT];
    struct kd_retired *retired;   /* older generations still in use */
    uint32_t in_use;              /* exchanges on the current generation */
    struct kd_detached *detached; /* exchanges that nobody waits for (gateway/detached.h) */
    uint32_t n_detached;
    uint64_t dropped_detached;
    kd_chunk_pool detached_chunks; /* whose memory is counted apart */
    bool guarded;                  /* the generation limits requests or their bodies */
    kd_held *held, **held_tail;    /* calls that wait for memory (gateway/hold.h) */
    uint32_t n_costly, n_counted;  /* exchanges that may cost kernel memory, and for how many the ledger knows */
    size_t cost;                   /* of one of them */
    size_t out_counted;            /* bytes of `out` that the ledger knows of */
    kd_header_order order;         /* of the fields of backend requests */
    struct kd_fetch *fetches;      /* of the gateway's own (gateway/fetch.h) */
    uint32_t n_fetches;
    kd_timer tick;    /* runs while there is something to give back or somebody waits */
    bool tick_soon;   /* it is armed for those who wait */
    kd_ns tick_at;    /* when memory was last given back */
    uint64_t ticked;  /* requests at that time */
    uint64_t stalled; /* clients cut because they took nothing while memory was short */
} kd_gateway_worker;

/* Counts an exchange onto the current generation, or off its own. */
kd_generation *kd_gateway_worker_use(kd_gateway_worker *worker);
/* Counts one more onto a generation that something else is still counted on. */
void kd_gateway_worker_use_again(kd_gateway_worker *worker, kd_generation *generation);
void kd_gateway_worker_unuse(kd_gateway_worker *worker, kd_generation *generation);
/* How many exchanges of this worker are alive, detached ones included: the roots of all scopes. */
uint32_t kd_gateway_worker_uses(const kd_gateway_worker *worker);
/* Requests in flight on all workers. */
uint64_t kd_gateway_in_flight(const kd_gateway_worker *worker);
/* Makes `generation` the one for new exchanges. */
void kd_gateway_worker_adopt(kd_gateway_worker *worker, kd_generation *generation);

/* Adds one to a counter that only this worker writes. */
static inline void kd_count(_Atomic uint64_t *counter)
{
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + 1, memory_order_relaxed);
}

bool kd_gateway_worker_start(kd_worker *net);
void kd_gateway_worker_stop(kd_worker *net);

#endif
