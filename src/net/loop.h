/* The event loop of one worker: epoll, every descriptor registered once and edge-triggered, readiness kept as sticky
 * bits that only EAGAIN or a short socket read clears. One thread owns a loop; nothing here is thread-safe. */
#ifndef KD_NET_LOOP_H
#define KD_NET_LOOP_H

#include "net/timer.h"

#include <sys/epoll.h>

enum { KD_IO_READABLE = 1, KD_IO_WRITABLE = 2, KD_IO_HUP = 4 };

#define KD_LOOP_BATCH 64            /* events taken in one turn */
#define KD_TURN_BYTES (256u * 1024) /* what one stream may move before it is requeued */

typedef struct kd_io {
    int fd;
    uint8_t ready; /* KD_IO_*; HUP: the peer has shut down or an error is pending, a read will tell */
    bool queued;   /* on the ready list */
    uint64_t queued_turn;
    struct kd_io *next_ready, **link_ready;
    void (*on_ready)(struct kd_io *io);
} kd_io;

typedef struct kd_loop {
    int epoll;
    int n_events, at_event;
    struct epoll_event events[KD_LOOP_BATCH];
    kd_ns now; /* the turn's clock */
    kd_timers timers;
    kd_io *ready, **ready_tail; /* to be called again in the next turn although no edge will come */
    bool stop;
    void (*on_turn_end)(struct kd_loop *loop); /* after each turn, may be NULL */
    uint64_t turns;
} kd_loop;

/* False when the descriptor cannot be made (errno tells). */
bool kd_loop_init(kd_loop *loop);
void kd_loop_fini(kd_loop *loop);
/* Runs turns until loop->stop is set by a callback. */
void kd_loop_run(kd_loop *loop);
/* One turn; waits at most `wait_ms` (-1: until something happens). */
void kd_loop_turn(kd_loop *loop, int wait_ms);

/* Registers fd (non-blocking, stays the caller's) for read, write and hang-up edges. on_ready is called in every turn
 * in which an edge arrived. `exclusive`: a listener that several loops share. False on failure (errno). */
bool kd_loop_add(kd_loop *loop, kd_io *io, int fd, void (*on_ready)(kd_io *io));
bool kd_loop_add_exclusive(kd_loop *loop, kd_io *io, int fd, void (*on_ready)(kd_io *io));
/* Takes io out of the loop; no callback comes after this, not even for events of the running turn. Before close(fd). */
void kd_loop_remove(kd_loop *loop, kd_io *io);
/* Calls on_ready once more in the next turn. */
void kd_loop_requeue(kd_loop *loop, kd_io *io);

#endif
