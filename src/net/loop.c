#include "net/loop.h"

#include <errno.h>
#include <unistd.h>

bool kd_loop_init(kd_loop *loop)
{
    *loop = (kd_loop){.epoll = epoll_create1(EPOLL_CLOEXEC), .now = kd_clock_monotonic()};
    loop->ready_tail = &loop->ready;
    kd_timers_init(&loop->timers, loop->now);
    return loop->epoll >= 0;
}

void kd_loop_fini(kd_loop *loop)
{
    if (loop->epoll >= 0)
        close(loop->epoll);
    loop->epoll = -1;
}

static bool add(kd_loop *loop, kd_io *io, int fd, void (*on_ready)(kd_io *io), uint32_t events)
{
    *io = (kd_io){.fd = fd, .on_ready = on_ready};
    struct epoll_event event = {.events = events, .data.ptr = io};
    if (epoll_ctl(loop->epoll, EPOLL_CTL_ADD, fd, &event) == 0)
        return true;
    io->fd = -1;
    return false;
}

bool kd_loop_add(kd_loop *loop, kd_io *io, int fd, void (*on_ready)(kd_io *io))
{
    return add(loop, io, fd, on_ready, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
}

bool kd_loop_add_exclusive(kd_loop *loop, kd_io *io, int fd, void (*on_ready)(kd_io *io))
{
    return add(loop, io, fd, on_ready, EPOLLIN | EPOLLEXCLUSIVE);
}

static void unqueue(kd_loop *loop, kd_io *io)
{
    if (!io->queued)
        return;
    io->queued = false;
    *io->link_ready = io->next_ready;
    if (io->next_ready)
        io->next_ready->link_ready = io->link_ready;
    else
        loop->ready_tail = io->link_ready;
}

void kd_loop_remove(kd_loop *loop, kd_io *io)
{
    if (io->fd < 0)
        return;
    epoll_ctl(loop->epoll, EPOLL_CTL_DEL, io->fd, NULL);
    unqueue(loop, io);
    for (int i = loop->at_event + 1; i < loop->n_events; i++)
        if (loop->events[i].data.ptr == io)
            loop->events[i].data.ptr = NULL;
    io->fd = -1;
}

void kd_loop_requeue(kd_loop *loop, kd_io *io)
{
    if (io->queued)
        return;
    io->queued = true;
    io->queued_turn = loop->turns;
    io->next_ready = NULL;
    io->link_ready = loop->ready_tail;
    *loop->ready_tail = io;
    loop->ready_tail = &io->next_ready;
}

static void run_ready(kd_loop *loop)
{
    /* What these callbacks requeue bears this turn's number and waits for the next one. */
    while (loop->ready && loop->ready->queued_turn != loop->turns) {
        kd_io *io = loop->ready;
        unqueue(loop, io);
        io->on_ready(io);
    }
}

void kd_loop_turn(kd_loop *loop, int wait_ms)
{
    if (loop->ready)
        wait_ms = 0;
    else if (loop->timers.armed) {
        int next = kd_timers_wait(&loop->timers, loop->now);
        if (next >= 0 && (wait_ms < 0 || next < wait_ms))
            wait_ms = next;
    }
    int n = epoll_wait(loop->epoll, loop->events, KD_LOOP_BATCH, wait_ms);
    loop->turns++;
    loop->now = kd_clock_monotonic();
    loop->n_events = n < 0 ? 0 : n;
    for (loop->at_event = 0; loop->at_event < loop->n_events; loop->at_event++) {
        kd_io *io = loop->events[loop->at_event].data.ptr;
        if (!io)
            continue;
        uint32_t events = loop->events[loop->at_event].events;
        if (events & EPOLLIN)
            io->ready |= KD_IO_READABLE;
        if (events & EPOLLOUT)
            io->ready |= KD_IO_WRITABLE;
        if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
            io->ready |= KD_IO_HUP | KD_IO_READABLE | (events & (EPOLLHUP | EPOLLERR) ? KD_IO_WRITABLE : 0);
        unqueue(loop, io);
        io->on_ready(io);
    }
    loop->n_events = 0;
    run_ready(loop);
    kd_timers_run(&loop->timers, loop->now);
    if (loop->on_turn_end)
        loop->on_turn_end(loop);
}

void kd_loop_run(kd_loop *loop)
{
    while (!loop->stop)
        kd_loop_turn(loop, -1);
}
