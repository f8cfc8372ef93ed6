/* The HTTP/1 server as a whole: its connections come, are refused, and go. What happens on one is in server1.c. */
#include "http/server1_own.h"

#include "base/ledger.h"
#include "net/tls_server.h"

#include <stdlib.h>
#include <unistd.h>

#define REFUSED_MAX 256u          /* connections that wait for their answer of refusal to arrive */
#define FIRST_GRACE (500 * KD_MS) /* for the first request after a handshake that ended while draining */

static void on_handshake(void *context, kd_stream *stream, const kd_address *peer);

void kd_server1_init(kd_server1 *server, kd_worker *worker, const kd_handler *handler, void *context)
{
    *server = (kd_server1){.worker = worker, .handler = handler, .context = context};
    server->settings.max_head = 1024 * 1024 + KD_HEAD_SLACK;
    kd_buf_init(&server->head, 16u * 1024 * 1024);
    server->has_h2 = kd_server2_init(&server->h2, worker, handler, context, &server->settings);
    kd_handshakes_init(&server->handshakes, worker, &server->settings, on_handshake, server);
}

void kd_server1_fini(kd_server1 *server)
{
    kd_handshakes_fini(&server->handshakes);
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

static kd_connection *new_connection(void)
{
    if (!kd_ledger_reserve(KD_ACCOUNT_CONNECTIONS, sizeof(kd_connection)))
        return NULL;
    kd_connection *c = calloc(1, sizeof *c);
    if (!c)
        kd_ledger_release(KD_ACCOUNT_CONNECTIONS, sizeof *c);
    return c;
}

static void free_connection(kd_connection *c)
{
    if (c)
        kd_ledger_release(KD_ACCOUNT_CONNECTIONS, sizeof *c);
    free(c);
}

/* Into the server's list, once its stream is open. */
static void enlist(kd_server1 *server, kd_connection *c)
{
    c->server = server;
    c->state = KD_CONNECTION_HEAD;
    kd_timer_init(&c->timer, kd_connection_on_timer);
    c->next = server->connections;
    if (c->next)
        c->next->link = &c->next;
    c->link = &server->connections;
    server->connections = c;
}

/* It counts from here on, and its client's time for the first head begins. */
static void begin(kd_server1 *server, kd_connection *c)
{
    enlist(server, c);
    server->n_connections++;
    server->accepted++;
    server->worker->n_connections++;
    c->began = server->worker->loop.now;
    if (server->settings.read_head_timeout > 0)
        kd_timer_arm(&server->worker->loop.timers, &c->timer, c->began + server->settings.read_head_timeout);
}

/* A connection on that socket, not in the list; NULL, and the socket closed, without memory. */
static kd_connection *take_socket(kd_server1 *server, int fd)
{
    kd_connection *c = new_connection();
    if (c && kd_stream_open(&c->stream, &server->worker->loop, fd, kd_connection_on_ready))
        return c;
    free_connection(c);
    close(fd);
    return NULL;
}

void kd_server1_accept(kd_server1 *server, int fd, const struct sockaddr *peer, socklen_t n)
{
    kd_address address = {0};
    set_peer(&address, peer, n);
    if (server->settings.tls) {
        kd_handshakes_accept(&server->handshakes, fd, &address);
        return;
    }
    kd_connection *c = take_socket(server, fd);
    if (!c)
        return;
    kd_stream_bound(&c->stream, server->settings.socket_buffer);
    c->peer = address;
    begin(server, c);
}

static void on_handshake(void *context, kd_stream *stream, const kd_address *peer)
{
    kd_server1 *server = context;
    if (kd_tls_server_chose_http2(stream)) {
        if (server->has_h2)
            kd_server2_take(&server->h2, stream, peer, KD_STR(""), true);
        return;
    }
    kd_connection *c = new_connection();
    if (!c || !kd_stream_move(&c->stream, stream, kd_connection_on_ready)) {
        free_connection(c);
        return;
    }
    c->peer = *peer;
    begin(server, c);
}

void kd_server1_refuse(kd_server1 *server, int fd, kd_str answer)
{
    if (server->settings.tls) {
        close(fd);
        return;
    }
    if (server->n_refused >= REFUSED_MAX) {
        send(fd, answer.p, answer.n, MSG_NOSIGNAL | MSG_DONTWAIT);
        close(fd);
        return;
    }
    kd_connection *c = take_socket(server, fd);
    if (!c)
        return;
    enlist(server, c);
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

/* Between requests, and nothing has come of the next one. The first one after a handshake is on its way, maybe. */
static bool is_idle(const kd_connection *c)
{
    if (c->state != KD_CONNECTION_HEAD || c->filled)
        return false;
    return c->used || !c->stream.filter || c->server->worker->loop.now - c->began >= FIRST_GRACE;
}

void kd_server1_drain(kd_server1 *server)
{
    server->draining = true;
    if (server->has_h2)
        kd_server2_drain(&server->h2);
    kd_handshakes_drain(&server->handshakes);
    for (kd_connection *c = server->connections, *next; c; c = next) {
        next = c->next;
        /* A request whose bytes have come already is still served. */
        c->stream.io.ready |= KD_IO_READABLE;
        if (c->state == KD_CONNECTION_HEAD && c->filled == 0)
            kd_connection_drive(c);
    }
    for (kd_connection *c = server->connections, *next; c; c = next) {
        next = c->next;
        if (is_idle(c))
            kd_connection_lose(c);
        else if (c->q && c->q->tunnel)
            kd_connection_drain_tunnel(c);
    }
}
