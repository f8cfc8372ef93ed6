#include "modules/auth/revoker/port.h"

#include "gateway/registry.h"
#include "modules/auth/revoker/rest.h"
#include "modules/auth/revoker/rpc.h"
#include "net/listener.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#define IN_MAX      (KD_RPC_MESSAGE_MAX + 16)
#define OUT_MAX     (2 * KD_RPC_MESSAGE_MAX)
#define REST_IN_MAX (KD_REST_HEAD_MAX + KD_REST_BODY_MAX + 2 * KD_READ_SIZE)

typedef struct talk {
    kd_stream stream;
    struct port *port;
    struct talk *next, **link;
    kd_shared_bloom *shared;
    kd_worker *worker;
    union {
        kd_rpc rpc;
        kd_rest rest;
    };
    kd_buf in, out;
    size_t sent;
    bool eof;
} talk;

/* Guarded by `lock`, but for the listener. */
typedef struct port {
    struct port *next;
    kd_revoker_protocol protocol;
    uint16_t wanted;
    char address[64];
    kd_listener *listener;
    kd_shared_bloom *shared; /* with a use of it */
    char key[KD_REST_KEY_MAX];
    size_t n_key;
    talk *talks;
    unsigned n_talks;
} port;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static port *ports; /* of the process */

void kd_shared_bloom_release(kd_shared_bloom *shared)
{
    if (!shared || atomic_fetch_sub(&shared->uses, 1) != 1)
        return;
    kd_bloom_destroy(shared->bloom);
    free(shared);
}

static void end(talk *t)
{
    pthread_mutex_lock(&lock);
    *t->link = t->next;
    if (t->next)
        t->next->link = t->link;
    t->port->n_talks--;
    pthread_mutex_unlock(&lock);
    kd_stream_close(&t->stream);
    if (t->port->protocol == KD_REVOKER_RPC)
        kd_rpc_fini(&t->rpc);
    kd_buf_fini(&t->in);
    kd_buf_fini(&t->out);
    kd_shared_bloom_release(t->shared);
    free(t);
}

/* False: the connection is broken. */
static bool flush(talk *t)
{
    while (t->sent < t->out.n && kd_stream_writable(&t->stream)) {
        struct iovec v = {t->out.p + t->sent, t->out.n - t->sent};
        ssize_t n = kd_stream_writev(&t->stream, &v, 1);
        if (n == KD_STREAM_AGAIN)
            return true;
        if (n < 0)
            return false;
        t->sent += (size_t)n;
    }
    if (t->sent == t->out.n) {
        kd_buf_reset(&t->out, 64u * 1024);
        t->sent = 0;
    }
    return true;
}

/* Reads once and answers what is whole. False: it is over. */
static bool serve(talk *t)
{
    char *room = kd_buf_room(&t->in, KD_READ_SIZE);
    if (!room)
        return false;
    ssize_t n = kd_stream_read(&t->stream, room, KD_READ_SIZE);
    if (n == KD_STREAM_AGAIN)
        return true;
    if (n < 0)
        return false;
    t->eof = n == 0;
    t->in.n += (size_t)n;
    bool bad;
    kd_ns now = t->worker->loop.now;
    size_t used = t->port->protocol == KD_REVOKER_RPC ? kd_rpc_take(&t->rpc, kd_buf_str(&t->in), now, &t->out, &bad)
                                                      : kd_rest_take(&t->rest, kd_buf_str(&t->in), now, &t->out, &bad);
    if (used == t->in.n) {
        kd_buf_reset(&t->in, 64u * 1024);
    } else if (used) {
        memmove(t->in.p, t->in.p + used, t->in.n - used);
        t->in.n -= used;
    }
    return !bad;
}

static void on_ready(kd_io *io)
{
    talk *t = KD_CONTAINER(io, talk, stream.io);
    bool good = true;
    /* A client that does not take its answers is not read from. */
    while (good && !t->eof && kd_stream_readable(&t->stream) && t->out.n == 0) {
        good = serve(t);
        if (good)
            good = flush(t);
    }
    if (good && t->out.n) {
        good = flush(t);
        if (good && t->out.n == 0 && kd_stream_readable(&t->stream))
            kd_loop_requeue(&t->worker->loop, &t->stream.io);
    }
    if (!good || (t->eof && t->out.n == 0)) {
        if (!good)
            flush(t);
        end(t);
    }
}

static void on_accept(kd_worker *worker, void *context, int fd, const struct sockaddr *peer, socklen_t n)
{
    (void)peer, (void)n;
    port *p = context;
    talk *t = calloc(1, sizeof *t);
    pthread_mutex_lock(&lock);
    kd_shared_bloom *shared = t && p->n_talks < KD_REVOKER_CONNECTIONS ? p->shared : NULL;
    if (shared) {
        atomic_fetch_add(&shared->uses, 1);
        t->next = p->talks;
        t->link = &p->talks;
        if (t->next)
            t->next->link = &t->next;
        p->talks = t;
        p->n_talks++;
        t->rest = (kd_rest){.bloom = shared->bloom, .n_key = p->n_key};
        memcpy(t->rest.key, p->key, p->n_key);
    }
    pthread_mutex_unlock(&lock);
    if (!shared) {
        free(t);
        close(fd);
        return;
    }
    t->port = p;
    t->shared = shared;
    t->worker = worker;
    if (p->protocol == KD_REVOKER_RPC)
        kd_rpc_init(&t->rpc, shared->bloom);
    kd_buf_init(&t->in, p->protocol == KD_REVOKER_RPC ? IN_MAX : REST_IN_MAX);
    kd_buf_init(&t->out, OUT_MAX);
    t->stream.io.fd = -1;
    if (!kd_stream_open(&t->stream, &worker->loop, fd, on_ready)) {
        close(fd);
        end(t);
    }
}

static void give(port *p, kd_shared_bloom *shared, kd_str key)
{
    if (shared)
        atomic_fetch_add(&shared->uses, 1);
    pthread_mutex_lock(&lock);
    kd_shared_bloom *old = p->shared;
    p->shared = shared;
    p->n_key = key.n;
    if (key.n)
        memcpy(p->key, key.p, key.n);
    pthread_mutex_unlock(&lock);
    kd_shared_bloom_release(old);
}

static bool is_at(const port *p, const kd_revoker_port *wanted)
{
    return p->wanted == wanted->port && kd_str_eq(kd_str_from_c(p->address), wanted->address);
}

static port *open_port(const kd_revoker_port *wanted, kd_workers *workers, kd_arena *arena, kd_str *error)
{
    port *p = calloc(1, sizeof *p);
    if (!p) {
        *error = KD_STR("out of memory");
        return NULL;
    }
    p->protocol = wanted->protocol;
    p->wanted = wanted->port;
    if (wanted->address.n)
        memcpy(p->address, wanted->address.p, wanted->address.n);
    p->listener = kd_listener_create(arena, workers, wanted->address, wanted->port, on_accept, p, error);
    if (p->listener)
        return p;
    free(p);
    return NULL;
}

bool kd_revoker_serve(kd_shared_bloom *shared, const kd_revoker_port *wanted, kd_arena *arena, kd_str *error)
{
    kd_workers *workers = kd_registry_workers();
    if (!workers)
        return true;
    port *found = NULL;
    for (port *p = ports; p; p = p->next) {
        if (p->protocol != wanted->protocol)
            continue;
        if (wanted->open && is_at(p, wanted))
            found = p;
        else
            give(p, NULL, KD_STR("")); /* the configuration has one port of each: former ones fall silent */
    }
    if (!wanted->open)
        return true;
    if (found) {
        give(found, shared, wanted->key);
        return true;
    }
    port *p = open_port(wanted, workers, arena, error);
    if (!p)
        return false;
    p->next = ports;
    ports = p;
    give(p, shared, wanted->key);
    kd_listener_start(p->listener);
    return true;
}
