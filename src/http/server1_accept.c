/* The HTTP/1 server as a whole: its connections come, are refused, and go. What happens on one is in server1.c. */
#include "http/server1_own.h"

#include "base/ledger.h"

#include <stdlib.h>
#include <unistd.h>

#define REFUSED_MAX 256u /* connections that wait for their answer of refusal to arrive */

void kd_server1_init(kd_server1 *server, kd_worker *worker, const kd_handler *handler, void *context)
{
    *server = (kd_server1){.worker = worker, .handler = handler, .context = context};
    server->settings.max_head = 1024 * 1024 + KD_HEAD_SLACK;
    kd_buf_init(&server->head, 16u * 1024 * 1024);
    server->has_h2 = kd_server2_init(&server->h2, worker, handler, context, &server->settings);
}

void kd_server1_fini(kd_server1 *server)
{
    while (server->connections) {
        kd_connection *c = server->connections;
        kd_connection_lose(c);
        if (server->connections == c) {
            /* The owner holds on to the front: cut it off all the same. */
            kd_connection_forget(c);
            kd_connection_destroy(c);
        }
    }
    if (server->has_h2)
        kd_server2_fini(&server->h2);
    server->has_h2 = false;
    kd_buf_fini(&server->head);
}

/* An IPv4 client of a dual-stack socket is an IPv4 client. */
static void set_peer(kd_address *to, const struct sockaddr *peer, socklen_t n)
{
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)(const void *)peer;
    if (n == sizeof *v6 && peer->sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr)) {
        to->v4 = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = v6->sin6_port};
        memcpy(&to->v4.sin_addr, v6->sin6_addr.s6_addr + 12, 4);
    } else if (n <= sizeof *to) {
        memcpy(to, peer, n);
    }
}

/* A connection on that socket, in the server's list; NULL, and the socket closed, without memory. */
static kd_connection *take_over(kd_server1 *server, int fd)
{
    bool room = kd_ledger_reserve(KD_ACCOUNT_CONNECTIONS, sizeof(kd_connection));
    kd_connection *c = room ? calloc(1, sizeof *c) : NULL;
    if (!c || !kd_stream_open(&c->stream, &server->worker->loop, fd, kd_connection_on_ready)) {
        if (room)
            kd_ledger_release(KD_ACCOUNT_CONNECTIONS, sizeof *c);
        free(c);
        close(fd);
        return NULL;
    }
    c->server = server;
    c->state = KD_CONNECTION_HEAD;
    kd_timer_init(&c->timer, kd_connection_on_timer);
    c->next = server->connections;
    if (c->next)
        c->next->link = &c->next;
    c->link = &server->connections;
    server->connections = c;
    return c;
}

void kd_server1_accept(kd_server1 *server, int fd, const struct sockaddr *peer, socklen_t n)
{
    kd_connection *c = take_over(server, fd);
    if (!c)
        return;
    kd_stream_bound(&c->stream, server->settings.socket_buffer);
    set_peer(&c->peer, peer, n);
    server->n_connections++;
    server->accepted++;
    server->worker->n_connections++;
    c->began = server->worker->loop.now;
    if (server->settings.read_head_timeout > 0)
        kd_timer_arm(&server->worker->loop.timers, &c->timer, c->began + server->settings.read_head_timeout);
}

void kd_server1_refuse(kd_server1 *server, int fd, kd_str answer)
{
    if (server->n_refused >= REFUSED_MAX) {
        send(fd, answer.p, answer.n, MSG_NOSIGNAL | MSG_DONTWAIT);
        close(fd);
        return;
    }
    kd_connection *c = take_over(server, fd);
    if (!c)
        return;
    c->refused = true;
    server->n_refused++;
    c->stream.io.ready |= KD_IO_WRITABLE; /* a fresh socket takes so few bytes */
    kd_connection_send(c, &(struct iovec){(char *)answer.p, answer.n}, 1);
    if (!c->gone)
        kd_connection_linger(c);
}

unsigned kd_server1_cut_stalled(kd_server1 *server, kd_ns since)
{
    unsigned n = server->has_h2 ? kd_server2_cut_stalled(&server->h2, since) : 0;
    for (kd_connection *c = server->connections, *next; c; c = next) {
        next = c->next;
        if (!c->out.n || c->moved > since || c->driving)
            continue;
        n++;
        struct linger reset = {.l_onoff = 1, .l_linger = 0};
        setsockopt(c->stream.io.fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
        kd_connection_lose(c);
    }
    return n;
}

void kd_server1_drain(kd_server1 *server)
{
    server->draining = true;
    if (server->has_h2)
        kd_server2_drain(&server->h2);
    for (kd_connection *c = server->connections, *next; c; c = next) {
        next = c->next;
        /* A request whose bytes have come already is still served. */
        c->stream.io.ready |= KD_IO_READABLE;
        if (c->state == KD_CONNECTION_HEAD && c->filled == 0)
            kd_connection_drive(c);
    }
    for (kd_connection *c = server->connections, *next; c; c = next) {
        next = c->next;
        if (c->state == KD_CONNECTION_HEAD && c->filled == 0)
            kd_connection_lose(c);
        else if (c->q && c->q->tunnel)
            kd_connection_drain_tunnel(c);
    }
}
