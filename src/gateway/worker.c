#include "gateway/worker.h"

#include "gateway/detached.h"

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

void kd_gateway_worker_adopt(kd_gateway_worker *worker, kd_generation *generation)
{
    kd_generation *old = worker->generation;
    if (old && worker->in_use == 0) {
        let_go(old);
    } else if (old) {
        kd_retired *retired = malloc(sizeof *retired);
        if (retired) {
            *retired = (kd_retired){worker->retired, old, worker->in_use};
            worker->retired = retired;
        } /* without memory the old generation is kept for good: its exchanges must end well */
    }
    worker->generation = generation;
    worker->in_use = 0;
    worker->server.settings = generation->server;
    worker->client.settings = generation->client;
}

static void on_turn_end(kd_loop *loop)
{
    kd_worker *net = KD_CONTAINER(loop, kd_worker, loop);
    kd_gateway_worker *worker = net->upper;
    if (worker->lines.n) {
        kd_log_raw(kd_buf_str(&worker->lines));
        kd_buf_reset(&worker->lines, KD_OUT_KEEP);
    }
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
    worker->server.settings = worker->generation->server;
    worker->client.settings = worker->generation->client;
    net->loop.on_turn_end = on_turn_end;
    return worker->shapes != NULL;
}

void kd_gateway_worker_stop(kd_worker *net)
{
    kd_gateway_worker *worker = net->upper;
    kd_server1_fini(&worker->server);
    kd_detached_cancel_all(worker);
    kd_client_fini(&worker->client);
    kd_chunk_pool_fini(&worker->detached_chunks);
    on_turn_end(&net->loop);
    net->loop.on_turn_end = NULL;
    kd_json_pool_fini(&worker->json);
    kd_json_shapes_destroy(worker->shapes);
    kd_buf_fini(&worker->out);
    kd_buf_fini(&worker->lines);
    if (worker->generation)
        let_go(worker->generation);
}
