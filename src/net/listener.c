#include "net/listener.h"

#include "base/log.h"
#include "net/bind.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define ACCEPT_BUDGET  64u /* connections taken in one turn */
#define PAUSE          (100 * KD_MS)
#define HAND_OVER_LEAD 2u /* so many connections more than the least loaded worker has */

/* One worker's part of a listener. Written by that worker's thread only, once started. */
struct lane {
    _Alignas(64) kd_io accept;
    kd_io control; /* the listener's eventfd */
    kd_timer pause, grace;
    kd_listener *listener;
    kd_worker *worker;
    kd_ns drain_until;
    bool draining;
};

struct kd_listener {
    kd_workers *workers;
    kd_accept_fn on_accept;
    void *context;
    /* Wakes every lane to drain. A mailbox may be full when it matters; an edge on this cannot get lost. Never read. */
    int control;
    uint16_t port;
    unsigned n_lanes;
    _Atomic unsigned open; /* lanes not closed, and connections on their way to another worker */
    _Atomic int drain;     /* 0: no, 1: the fields below are being written, 2: drain */
    kd_ns grace;
    void (*on_closed)(void *context);
    struct lane *lanes;
};

static _Atomic uint64_t pauses;
static _Atomic int64_t last_complaint = -KD_SECOND; /* on the monotonic clock */

uint64_t kd_listener_pauses(void)
{
    return atomic_load_explicit(&pauses, memory_order_relaxed);
}

uint16_t kd_listener_port(const kd_listener *listener)
{
    return listener->port;
}

/* The last to release may end in kd_listener_destroy: nobody touches the listener afterwards. */
static void release(kd_listener *listener)
{
    if (atomic_fetch_sub(&listener->open, 1) == 1 && listener->on_closed)
        listener->on_closed(listener->context);
}

static uint32_t load_of(kd_worker *worker)
{
    return atomic_load_explicit(&worker->n_connections, memory_order_relaxed) +
           atomic_load_explicit(&worker->n_coming, memory_order_relaxed);
}

/* Who should have the next connection: this worker, unless another has clearly fewer. */
static kd_worker *choose(kd_worker *mine)
{
    const kd_workers *all = mine->all;
    uint32_t own = load_of(mine), least = own;
    kd_worker *best = mine;
    if (own < HAND_OVER_LEAD)
        return mine;
    /* Beginning behind this worker: equals are not all sent to the first. */
    for (unsigned i = 1; i < all->n; i++) {
        kd_worker *other = all->v[(mine->index + i) % all->n];
        uint32_t load = load_of(other);
        if (load < least)
            least = load, best = other;
    }
    return own - least >= HAND_OVER_LEAD ? best : mine;
}

static void deliver_connection(void *to, const kd_message *message)
{
    kd_worker *worker = to;
    kd_listener *listener = (kd_listener *)(uintptr_t)message->word[0];
    int fd = (int)message->word[1];
    struct sockaddr_storage peer;
    socklen_t n = sizeof peer;
    atomic_fetch_sub_explicit(&worker->n_coming, 1, memory_order_relaxed);
    if (getpeername(fd, (struct sockaddr *)&peer, &n) == 0)
        listener->on_accept(worker, listener->context, fd, (struct sockaddr *)&peer, n);
    else
        close(fd); /* the client has gone meanwhile */
    release(listener);
}

static bool hand_over(kd_listener *listener, kd_worker *to, int fd)
{
    kd_message message = {.deliver = deliver_connection, .word = {(uintptr_t)listener, (uint64_t)fd}};
    atomic_fetch_add(&listener->open, 1);
    atomic_fetch_add_explicit(&to->n_coming, 1, memory_order_relaxed);
    if (kd_worker_post(to, &message))
        return true;
    atomic_fetch_sub_explicit(&to->n_coming, 1, memory_order_relaxed);
    atomic_fetch_sub(&listener->open, 1); /* never the last: this lane is open */
    return false;
}

static void complain(const char *text)
{
    kd_ns now = kd_clock_monotonic();
    int64_t last = atomic_load_explicit(&last_complaint, memory_order_relaxed);
    if (now - last >= KD_SECOND && atomic_compare_exchange_strong(&last_complaint, &last, now))
        kd_log(KD_LOG_WARNING, "[SERVICE: HTTP Server] accept: %s", text);
}

/* Without descriptors the queue stays as it is: the loop would spin on it. Other connections close meanwhile. */
static void pause_accepting(struct lane *lane, int error)
{
    char text[128];
    atomic_fetch_add_explicit(&pauses, 1, memory_order_relaxed);
    complain(kd_errno_text(error, text));
    kd_loop *loop = &lane->worker->loop;
    kd_timer_arm(&loop->timers, &lane->pause, loop->now + PAUSE);
}

/* Errors that belong to one connection, which is lost already (accept(2), "Error handling"). */
static bool is_of_connection(int error)
{
    switch (error) {
    case EINTR:
    case ECONNABORTED:
    case EPERM:
    case EPROTO:
    case ENETDOWN:
    case ENOPROTOOPT:
    case EHOSTDOWN:
    case ENONET:
    case EHOSTUNREACH:
    case EOPNOTSUPP:
    case ENETUNREACH:
    case ETIMEDOUT:
        return true;
    default:
        return false;
    }
}

static unsigned accept_some(struct lane *lane)
{
    kd_listener *listener = lane->listener;
    unsigned n = 0;
    for (unsigned tries = 0; tries < ACCEPT_BUDGET; tries++) {
        struct sockaddr_storage peer;
        socklen_t size = sizeof peer;
        int fd = accept4(lane->accept.fd, (struct sockaddr *)&peer, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            if (errno == EAGAIN || errno == EWOULDBLOCK) {
                lane->accept.ready = 0;
                return n;
            }
            if (is_of_connection(errno))
                continue;
            pause_accepting(lane, errno);
            return n;
        }
        n++;
        /* While draining, the other worker may be gone before the connection arrives. */
        kd_worker *to = lane->draining ? lane->worker : choose(lane->worker);
        if (to == lane->worker || !hand_over(listener, to, fd))
            listener->on_accept(lane->worker, listener->context, fd, (struct sockaddr *)&peer, size);
    }
    kd_loop_requeue(&lane->worker->loop, &lane->accept);
    return n;
}

static void arm_grace(struct lane *lane)
{
    kd_loop *loop = &lane->worker->loop;
    kd_ns at = loop->now + lane->listener->grace;
    kd_timer_arm(&loop->timers, &lane->grace, at < lane->drain_until ? at : lane->drain_until);
}

static void accept_and_note(struct lane *lane)
{
    if (accept_some(lane) && lane->draining)
        arm_grace(lane);
}

static void on_acceptable(kd_io *io)
{
    struct lane *lane = KD_CONTAINER(io, struct lane, accept);
    if (!kd_timer_armed(&lane->pause))
        accept_and_note(lane);
}

static void on_pause_over(kd_timer *timer)
{
    accept_and_note(KD_CONTAINER(timer, struct lane, pause));
}

static void close_lane(struct lane *lane)
{
    kd_loop *loop = &lane->worker->loop;
    int fd = lane->accept.fd;
    kd_timer_disarm(&loop->timers, &lane->pause);
    kd_timer_disarm(&loop->timers, &lane->grace);
    kd_loop_remove(loop, &lane->control);
    kd_loop_remove(loop, &lane->accept);
    close(fd);
    release(lane->listener);
}

static void on_grace_over(kd_timer *timer)
{
    struct lane *lane = KD_CONTAINER(timer, struct lane, grace);
    bool last_time = lane->worker->loop.now >= lane->drain_until;
    unsigned n = accept_some(lane);
    if (!last_time && (n || kd_timer_armed(&lane->pause))) {
        arm_grace(lane);
        return;
    }
    /* Out of time: what queues now is taken still, but a flood of clients cannot keep the socket open. */
    for (unsigned round = 0; last_time && n == ACCEPT_BUDGET && round < KD_BACKLOG / ACCEPT_BUDGET; round++)
        n = accept_some(lane);
    close_lane(lane);
}

static void on_control(kd_io *io)
{
    struct lane *lane = KD_CONTAINER(io, struct lane, control);
    kd_listener *listener = lane->listener;
    /* The first edge only says that an eventfd can be written. */
    if (lane->draining || atomic_load_explicit(&listener->drain, memory_order_acquire) != 2)
        return;
    lane->draining = true;
    kd_ns longest = 10 * listener->grace;
    lane->drain_until = lane->worker->loop.now + (longest > KD_SECOND ? longest : KD_SECOND);
    accept_some(lane);
    arm_grace(lane);
}

static void listener_free(kd_listener *listener)
{
    for (unsigned i = 0; i < listener->n_lanes; i++)
        if (listener->lanes[i].accept.fd >= 0)
            close(listener->lanes[i].accept.fd);
    if (listener->control >= 0)
        close(listener->control);
    free(listener->lanes);
    free(listener);
}

static kd_listener *listener_new(kd_workers *workers)
{
    kd_listener *listener = calloc(1, sizeof *listener);
    struct lane *lanes = aligned_alloc(_Alignof(struct lane), workers->n * sizeof *lanes);
    if (!listener || !lanes) {
        free(listener);
        free(lanes);
        return NULL;
    }
    memset(lanes, 0, workers->n * sizeof *lanes);
    for (unsigned i = 0; i < workers->n; i++) {
        lanes[i].listener = listener;
        lanes[i].worker = workers->v[i];
        lanes[i].accept.fd = lanes[i].control.fd = -1;
        kd_timer_init(&lanes[i].pause, on_pause_over);
        kd_timer_init(&lanes[i].grace, on_grace_over);
    }
    listener->workers = workers;
    listener->lanes = lanes;
    listener->n_lanes = workers->n;
    listener->control = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (listener->control >= 0)
        return listener;
    listener_free(listener);
    return NULL;
}

kd_listener *kd_listener_create(kd_arena *arena, kd_workers *workers, kd_str ip, uint16_t port, kd_accept_fn on_accept,
                                void *context, kd_str *error)
{
    kd_listener *listener = listener_new(workers);
    if (!listener) {
        *error = KD_STR("listen tcp: cannot allocate memory");
        return NULL;
    }
    int fds[KD_MAX_WORKERS];
    if (!kd_bind(arena, ip, port, workers->n, fds, &listener->port, error)) {
        listener_free(listener);
        return NULL;
    }
    for (unsigned i = 0; i < workers->n; i++)
        listener->lanes[i].accept.fd = fds[i];
    listener->on_accept = on_accept;
    listener->context = context;
    atomic_store(&listener->open, workers->n);
    return listener;
}

void kd_listener_start(kd_listener *listener)
{
    for (unsigned i = 0; i < listener->n_lanes; i++) {
        struct lane *lane = &listener->lanes[i];
        kd_loop *loop = &lane->worker->loop;
        int fd = lane->accept.fd;
        /* From whatever thread: adding writes only the kd_io, which the loop does not know yet, and asks the kernel,
         * which orders the two. The worker may be in the callback before the call returns. */
        if (!kd_loop_add(loop, &lane->accept, fd, on_acceptable)) {
            kd_log(KD_LOG_ERROR, "[SERVICE: HTTP Server] worker %u cannot poll its socket", i);
            close(fd); /* the others get its connections */
            atomic_fetch_sub(&listener->open, 1);
        } else if (!kd_loop_add(loop, &lane->control, listener->control, on_control)) {
            kd_log(KD_LOG_ERROR, "[SERVICE: HTTP Server] worker %u cannot poll its eventfd", i);
        }
    }
}

void kd_listener_drain(kd_listener *listener, int grace_ms, void (*on_closed)(void *context))
{
    int no = 0;
    if (!atomic_compare_exchange_strong(&listener->drain, &no, 1))
        return;
    listener->grace = grace_ms > 0 ? grace_ms * KD_MS : 0;
    listener->on_closed = on_closed;
    atomic_store_explicit(&listener->drain, 2, memory_order_release);
    eventfd_write(listener->control, 1);
}

void kd_listener_destroy(kd_listener *listener)
{
    listener_free(listener);
}
