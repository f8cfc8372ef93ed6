/* What the tests of servers and calls share: one worker whose loop is turned by hand, and the far ends of its
 * connections, which are read and written between the turns. No threads, no clocks. */
#ifndef KD_HTTP_TEST_PAIR_H
#define KD_HTTP_TEST_PAIR_H

#include "base/buf.h"
#include "base/ledger.h"
#include "net/worker.h"

#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

/* A loop that waits for something that never comes is stopped after so many turns in which nothing happened. */
#define QUIET_TURNS_MAX 20000

static kd_workers workers;
static kd_worker *worker; /* the only one; its thread does not run */

static void worker_up(void)
{
    signal(SIGPIPE, SIG_IGN); /* as the process does */
    assert_true(kd_workers_create(&workers, 1));
    worker = workers.v[0];
    worker->chunks.max_small = worker->chunks.max_large = 0; /* given back is freed: sanitizers see late uses */
}

static void worker_down(void)
{
    kd_workers_destroy(&workers);
    worker = NULL;
}

/* Nothing that a connection or a request took is still held. */
static inline void assert_nothing_held(const char *label)
{
    if (worker->chunks.in_use != 0 || worker->loop.timers.armed != 0 || worker->n_connections != 0)
        fail_msg("%s: %zu bytes of chunks, %u timers, %u connections are left", label, worker->chunks.in_use,
                 worker->loop.timers.armed, worker->n_connections);
}

/* The far end of a connection. */
typedef struct far {
    int fd;
    kd_buf in;  /* what has come */
    bool ended; /* the other side has closed or shut down */
    bool reset;
    bool deaf; /* does not read */
} far;

static void far_open(far *f, int fd)
{
    *f = (far){.fd = fd};
    kd_buf_init(&f->in, (size_t)1 << 30);
}

static void far_close(far *f)
{
    if (f->fd >= 0)
        close(f->fd);
    f->fd = -1;
}

static void far_fini(far *f)
{
    far_close(f);
    kd_buf_fini(&f->in);
}

/* Reads what is there. True when something came, or the end. */
static bool far_read(far *f)
{
    bool any = false;
    while (f->fd >= 0 && !f->ended && !f->deaf) {
        char *room = kd_buf_room(&f->in, 65536);
        ssize_t n = recv(f->fd, room, 65536, MSG_DONTWAIT);
        if (n > 0) {
            f->in.n += (size_t)n;
            any = true;
        } else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
            f->ended = any = true;
            f->reset = n < 0;
        } else {
            break;
        }
    }
    return any;
}

/* Writes as much as the socket takes; the count. */
static size_t far_write(far *f, const char *p, size_t n)
{
    ssize_t put = f->fd < 0 ? -1 : send(f->fd, p, n, MSG_DONTWAIT | MSG_NOSIGNAL);
    return put < 0 ? 0 : (size_t)put;
}

/* The bytes that came, NUL-ended. */
static inline const char *far_text(far *f)
{
    char *end = kd_buf_room(&f->in, 1);
    *end = 0;
    return f->in.p;
}

/* Both ends of a TCP connection on loopback; small buffers where `small`. */
static inline void tcp_pair(int fds[2], bool small)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof at;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), size = 4096;
    assert_int_equal(bind(listener, (struct sockaddr *)&at, sizeof at), 0);
    if (small)
        setsockopt(listener, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    assert_int_equal(listen(listener, 1), 0);
    getsockname(listener, (struct sockaddr *)&at, &n);
    fds[1] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (small)
        setsockopt(fds[1], SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    assert_int_equal(connect(fds[1], (struct sockaddr *)&at, sizeof at), 0);
    fds[0] = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    assert_true(fds[0] >= 0);
    close(listener);
}

/* Both ends of a local stream, the first one non-blocking. */
static inline void local_pair(int fds[2])
{
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), 0);
}

#endif
