#include "http/establish.h"
#include "http/session2.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>

void kd_client_init(kd_client *client, kd_worker *worker)
{
    *client = (kd_client){.worker = worker};
    client->settings.keep_alive = true;
    client->first_read = KD_SCRATCH_SIZE;
    client->settings.max_idle_per_host = 250;
}

void kd_client_fini(kd_client *client)
{
    kd_sessions2_fini(client);
    while (client->all)
        kd_upstream_close(client->all);
    for (uint32_t i = 0; i < client->n_pools; i++)
        if (client->pools[i]) {
            kd_tls_resume_clear(&client->pools[i]->resume);
            free(client->pools[i]);
        }
    free(client->pools);
    client->pools = NULL;
    client->n_pools = 0;
}

kd_pool *kd_client_pool(kd_client *client, const kd_target *target)
{
    if (KD_UNLIKELY(target->id >= client->n_pools)) {
        uint32_t n = target->id + 16;
        kd_pool **pools = realloc(client->pools, n * sizeof *pools);
        if (!pools)
            return NULL;
        memset(pools + client->n_pools, 0, (n - client->n_pools) * sizeof *pools);
        client->pools = pools;
        client->n_pools = n;
    }
    kd_pool *pool = client->pools[target->id];
    if (KD_UNLIKELY(!pool)) {
        pool = calloc(1, sizeof *pool);
        if (pool) {
            pool->target = target;
            client->pools[target->id] = pool;
        }
    }
    return pool;
}

static void unlink_idle(kd_upstream *up)
{
    if (!up->link)
        return;
    *up->link = up->next;
    if (up->next)
        up->next->link = up->link;
    up->link = NULL;
    up->pool->n_idle--;
    up->client->n_idle--;
}

kd_tls_profile *kd_client_profile(kd_client *client)
{
    return client->settings.tls ? client->settings.tls : kd_tls_profile_default();
}

/* A reload may have changed how TLS is to be spoken. */
static void drop_strangers(kd_pool *pool)
{
    kd_upstream *up;
    while ((up = pool->idle)) {
        const kd_tls_profile *profile = kd_client_profile(up->client);
        if (profile && up->profile == kd_tls_profile_id(profile))
            return;
        kd_upstream_close(up);
    }
}

kd_upstream *kd_pool_take(kd_pool *pool)
{
    if (KD_UNLIKELY(pool->target->tls))
        drop_strangers(pool);
    kd_upstream *up = pool->idle;
    if (up) {
        unlink_idle(up);
        if (kd_timer_armed(&up->timer))
            kd_timer_disarm(&up->client->worker->loop.timers, &up->timer);
    }
    return up;
}

/* May an idle connection that seems readable be kept? The last read may have taken everything, and over TLS a session
 * ticket or a change of keys may have come; anything else is the peer's goodbye or bytes nobody asked for. */
static bool is_quiet(kd_upstream *up)
{
    char byte;
    if (!up->profile && (up->stream.io.ready & KD_IO_HUP))
        return false;
    return kd_stream_read(&up->stream, &byte, 1) == KD_STREAM_AGAIN;
}

void kd_pool_give(kd_upstream *up)
{
    kd_client *client = up->client;
    const kd_client_settings *settings = &client->settings;
    unsigned workers = client->worker->all ? client->worker->all->n : 1;
    int64_t share = settings->max_idle_per_host > 0 ? settings->max_idle_per_host : 250;
    share = (share + workers - 1) / workers;
    int64_t total = settings->max_idle > 0 ? (settings->max_idle + workers - 1) / workers : INT64_MAX;
    /* Bytes nobody asked for, or the peer's goodbye, are waiting: never to be used again. */
    bool stale = kd_stream_readable(&up->stream) && !is_quiet(up);
    if (!settings->keep_alive || stale || up->pool->n_idle >= share || client->n_idle >= total) {
        kd_upstream_close(up);
        return;
    }
    up->call = NULL;
    up->next = up->pool->idle;
    if (up->next)
        up->next->link = &up->next;
    up->link = &up->pool->idle;
    up->pool->idle = up;
    up->pool->n_idle++;
    client->n_idle++;
    if (settings->idle_timeout > 0)
        kd_timer_arm(&client->worker->loop.timers, &up->timer, client->worker->loop.now + settings->idle_timeout);
}

static void on_timer(kd_timer *timer)
{
    kd_upstream *up = KD_CONTAINER(timer, kd_upstream, timer);
    if (up->call)
        kd_upstream_drive(up); /* the head did not come in time */
    else
        kd_upstream_close(up);
}

static void on_ready(kd_io *io)
{
    kd_upstream *up = KD_CONTAINER(io, kd_upstream, stream.io);
    if (up->call)
        kd_upstream_drive(up);
    else if ((io->ready & (KD_IO_READABLE | KD_IO_HUP)) && ((io->ready & KD_IO_HUP) || !is_quiet(up)))
        kd_upstream_close(up);
}

kd_upstream *kd_upstream_open(kd_client *client, kd_pool *pool, const kd_address *address, int *error)
{
    kd_upstream *up = calloc(1, sizeof *up);
    if (!up) {
        *error = ENOMEM;
        return NULL;
    }
    if (!kd_stream_connect(&up->stream, &client->worker->loop, &address->any, kd_address_size(address), on_ready)) {
        *error = up->stream.error;
        free(up);
        return NULL;
    }
    kd_ns probe = client->settings.dial_keep_alive;
    if (probe >= 0) {
        int on = 1, seconds = probe ? (int)((probe + KD_SECOND - 1) / KD_SECOND) : 15;
        setsockopt(up->stream.io.fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
        setsockopt(up->stream.io.fd, IPPROTO_TCP, TCP_KEEPIDLE, &seconds, sizeof seconds);
        setsockopt(up->stream.io.fd, IPPROTO_TCP, TCP_KEEPINTVL, &seconds, sizeof seconds);
    }
    if (client->settings.socket_buffer)
        kd_stream_bound(&up->stream, client->settings.socket_buffer);
    up->client = client;
    up->pool = pool;
    up->connecting = true;
    kd_establish_prepare(up);
    kd_timer_init(&up->timer, on_timer);
    up->all_next = client->all;
    if (up->all_next)
        up->all_next->all_link = &up->all_next;
    up->all_link = &client->all;
    client->all = up;
    client->connects++;
    return up;
}

void kd_upstream_close(kd_upstream *up)
{
    if (!up->dead) {
        up->dead = true;
        unlink_idle(up);
        kd_timer_disarm(&up->client->worker->loop.timers, &up->timer);
        kd_stream_close(&up->stream);
        kd_outq_clear(&up->out, &up->client->worker->chunks);
        *up->all_link = up->all_next;
        if (up->all_next)
            up->all_next->all_link = up->all_link;
        up->call = NULL;
    }
    if (!up->driving)
        free(up);
}
