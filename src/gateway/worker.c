#include "gateway/worker.h"

#include "base/ledger.h"
#include "gateway/detached.h"
#include "gateway/fetch.h"

#include <stdlib.h>

/* A replaced generation that exchanges of this worker still run on. */
typedef struct kd_retired {
    struct kd_retired *next;
    kd_generation *generation;
    uint32_t in_use;
} kd_retired;

kd_generation *kd_gateway_worker_use(kd_gateway_worker *worker)
{
    worker->in_use++;
    return worker->generation;
}

void kd_gateway_worker_use_again(kd_gateway_worker *worker, kd_generation *generation)
{
    uint32_t *in_use = &worker->in_use;
    for (kd_retired *retired = worker->retired; retired && generation != worker->generation; retired = retired->next)
        if (retired->generation == generation)
            in_use = &retired->in_use;
    (*in_use)++;
}

static void let_go(kd_generation *generation)
{
    if (atomic_fetch_sub(&generation->workers, 1) == 1)
        kd_generation_destroy(generation);
}

void kd_gateway_worker_unuse(kd_gateway_worker *worker, kd_generation *generation)
{
    if (KD_LIKELY(generation == worker->generation)) {
        worker->in_use--;
        return;
    }
    for (kd_retired **link = &worker->retired; *link; link = &(*link)->next) {
        kd_retired *retired = *link;
        if (retired->generation != generation)
            continue;
        if (--retired->in_use == 0) {
            *link = retired->next;
            free(retired);
            let_go(generation);
        }
        return;
    }
}

static void take_settings(kd_gateway_worker *worker, kd_generation *generation)
{
    worker->generation = generation;
    worker->server.settings = generation->server;
    worker->client.settings = generation->client;
    kd_hold_cost(worker, generation->limits.exchange_cost);
    kd_dns_configure(worker->net->dns, &generation->names);
    worker->guarded = generation->limits.max_requests || generation->limits.max_body_size;
}

void kd_gateway_worker_adopt(kd_gateway_worker *worker, kd_generation *generation)
{
    kd_generation *old = worker->generation;
    uint32_t in_use = worker->in_use;
    take_settings(worker, generation); /* while the old texts are there */
    worker->in_use = 0;
    if (old && in_use == 0) {
        let_go(old);
    } else if (old) {
        kd_retired *retired = malloc(sizeof *retired);
        if (retired) {
            *retired = (kd_retired){worker->retired, old, in_use};
            worker->retired = retired;
        } /* without memory the old generation is kept for good: its exchanges must end well */
    }
}

uint32_t kd_gateway_worker_uses(const kd_gateway_worker *worker)
{
    uint32_t n = worker->in_use;
    for (const kd_retired *retired = worker->retired; retired; retired = retired->next)
        n += retired->in_use;
    return n;
}

uint64_t kd_gateway_in_flight(const kd_gateway_worker *worker)
{
    uint64_t n = 0;
    for (unsigned i = 0; i < worker->net->all->n; i++) {
        const kd_gateway_worker *w = worker->net->all->v[i]->upper;
        n += atomic_load_explicit(&w->requests, memory_order_relaxed) -
             atomic_load_explicit(&w->answers, memory_order_relaxed);
    }
    return n;
}

/* ---- memory goes back
 * ------------------------------------------------------------------------------------------------ */

#define TICK       KD_SECOND
#define TICK_HELD  (20 * KD_MS)    /* while calls wait: another worker's memory may have become free */
#define STALLED    (5 * KD_SECOND) /* a client that takes nothing for so long is cut, when memory is short */
#define FIRST_READ (4u * 1024)     /* of an answer while memory is short: its head */

/* The big buffers of one answer. */
static void shrink(kd_gateway_worker *worker)
{
    if (worker->out.cap > KD_OUT_KEEP)
        kd_buf_reset(&worker->out, KD_OUT_KEEP);
    if (worker->json.size > worker->json.keep)
        kd_json_pool_fini(&worker->json);
}

static void count_out(kd_gateway_worker *worker)
{
    size_t now = worker->out.cap, before = worker->out_counted;
    if (now > before)
        kd_ledger_charge(KD_ACCOUNT_QUEUES, now - before);
    else
        kd_ledger_release(KD_ACCOUNT_QUEUES, before - now);
    worker->out_counted = now;
}

static bool can_give(const kd_gateway_worker *worker)
{
    const kd_chunk_pool *pool = &worker->net->chunks;
    return pool->n_small || pool->n_large || worker->out.cap > KD_OUT_KEEP || worker->json.size > worker->json.keep;
}

static void on_tick(kd_timer *timer)
{
    kd_gateway_worker *worker = KD_CONTAINER(timer, kd_gateway_worker, tick);
    kd_hold_resume(worker);
    uint64_t requests = atomic_load_explicit(&worker->requests, memory_order_relaxed);
    bool idle = requests == worker->ticked;
    kd_ns now = worker->net->loop.now;
    if (now - worker->tick_at < TICK)
        return;
    worker->tick_at = now;
    worker->ticked = requests;
    if (idle) {
        kd_chunk_pool_trim(&worker->net->chunks);
        shrink(worker);
    }
    if (kd_ledger_pressure() == KD_PRESSURE_NONE && !kd_hold_is_full())
        return;
    unsigned cut = kd_server1_cut_stalled(&worker->server, now - STALLED);
    worker->stalled += cut;
    if (cut)
        kd_log(KD_LOG_WARNING, "[SERVICE: gateway/limits] memory is short: %u clients cut that took nothing for 5 s",
               cut);
}

/* After each turn. */
static void give_back(kd_gateway_worker *worker)
{
    if (KD_UNLIKELY(worker->out.cap != worker->out_counted))
        count_out(worker);
    bool is_short = worker->generation->limits.socket_buffer != 0;
    if (KD_UNLIKELY(kd_ledger_pressure() != KD_PRESSURE_NONE)) {
        is_short = true;
        shrink(worker);
    }
    worker->client.first_read = is_short ? FIRST_READ : KD_SCRATCH_SIZE;
    if (KD_UNLIKELY(worker->held != NULL))
        kd_hold_resume(worker);
    kd_loop *loop = &worker->net->loop;
    bool wanted = worker->held || worker->server.n_connections || can_give(worker);
    bool soon = worker->held != NULL;
    if (!wanted || (kd_timer_armed(&worker->tick) && (!soon || worker->tick_soon)))
        return;
    worker->tick_soon = soon;
    kd_timer_arm(&loop->timers, &worker->tick, loop->now + (soon ? TICK_HELD : TICK));
}

static void on_turn_end(kd_loop *loop)
{
    kd_worker *net = KD_CONTAINER(loop, kd_worker, loop);
    kd_gateway_worker *worker = net->upper;
    if (worker->lines.n) {
        kd_log_raw(kd_buf_str(&worker->lines));
        kd_buf_reset(&worker->lines, KD_OUT_KEEP);
    }
    give_back(worker);
}

bool kd_gateway_worker_start(kd_worker *net)
{
    kd_gateway_worker *worker = net->upper;
    worker->net = net;
    kd_server1_init(&worker->server, net, &kd_exchange_handler, worker);
    kd_client_init(&worker->client, net);
    kd_chunk_pool_init(&worker->detached_chunks, 16 * KD_CHUNK_SIZE);
    kd_json_pool_init(&worker->json, KD_OUT_KEEP);
    kd_buf_init(&worker->out, KD_OUT_MAX);
    kd_buf_init(&worker->lines, 4u * 1024 * 1024);
    worker->shapes = kd_json_shapes_create();
    worker->held_tail = &worker->held;
    kd_timer_init(&worker->tick, on_tick);
    take_settings(worker, worker->generation);
    net->loop.on_turn_end = on_turn_end;
    return worker->shapes != NULL;
}

void kd_gateway_worker_stop(kd_worker *net)
{
    kd_gateway_worker *worker = net->upper;
    kd_server1_fini(&worker->server);
    kd_detached_cancel_all(worker);
    kd_fetch_cancel_all(worker);
    kd_client_fini(&worker->client);
    kd_chunk_pool_fini(&worker->detached_chunks);
    on_turn_end(&net->loop);
    net->loop.on_turn_end = NULL;
    kd_timer_disarm(&net->loop.timers, &worker->tick);
    kd_ledger_release(KD_ACCOUNT_QUEUES, worker->out_counted);
    kd_hold_cost(worker, 0);
    kd_json_pool_fini(&worker->json);
    kd_json_shapes_destroy(worker->shapes);
    kd_buf_fini(&worker->out);
    kd_buf_fini(&worker->lines);
    if (worker->generation)
        let_go(worker->generation);
}
