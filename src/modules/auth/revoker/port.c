#include "modules/auth/revoker/port.h"

#include "gateway/registry.h"
#include "modules/auth/revoker/rpc.h"
#include "net/listener.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#define IN_MAX  (KD_RPC_MESSAGE_MAX + 16)
#define OUT_MAX (2 * KD_RPC_MESSAGE_MAX)

typedef struct talk {
    kd_stream stream;
    struct port *port;
    struct talk *next, **link;
    kd_shared_bloom *shared;
    kd_worker *worker;
    kd_rpc rpc;
    kd_buf in, out;
    size_t sent;
    bool eof;
} talk;

/* Guarded by `lock`, but for the listener. */
typedef struct port {
    struct port *next;
    uint16_t wanted;
    kd_listener *listener;
    kd_shared_bloom *shared; /* with a use of it */
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
    size_t used = kd_rpc_take(&t->rpc, kd_buf_str(&t->in), t->worker->loop.now, &t->out, &bad);
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
    kd_rpc_init(&t->rpc, shared->bloom);
    kd_buf_init(&t->in, IN_MAX);
    kd_buf_init(&t->out, OUT_MAX);
    t->stream.io.fd = -1;
    if (!kd_stream_open(&t->stream, &worker->loop, fd, on_ready)) {
        close(fd);
        end(t);
    }
}

static void give(port *p, kd_shared_bloom *shared)
{
    if (shared)
        atomic_fetch_add(&shared->uses, 1);
    pthread_mutex_lock(&lock);
    kd_shared_bloom *old = p->shared;
    p->shared = shared;
    pthread_mutex_unlock(&lock);
    kd_shared_bloom_release(old);
}

bool kd_revoker_serve(kd_shared_bloom *shared, uint16_t wanted, kd_arena *arena, kd_str *error)
{
    kd_workers *workers = kd_registry_workers();
    if (!workers)
        return true;
    port *p = ports;
    while (p && p->wanted != wanted)
        p = p->next;
    for (port *other = ports; other; other = other->next)
        if (other != p)
            give(other, NULL); /* the configuration has one port: former ones fall silent */
    if (!p) {
        p = calloc(1, sizeof *p);
        kd_listener *listener = p ? kd_listener_create(arena, workers, KD_STR(""), wanted, on_accept, p, error) : NULL;
        if (!listener) {
            if (!p)
                *error = KD_STR("out of memory");
            free(p);
            return false;
        }
        p->wanted = wanted;
        p->listener = listener;
        p->next = ports;
        ports = p;
        give(p, shared);
        kd_listener_start(listener);
        return true;
    }
    give(p, shared);
    return true;
}
