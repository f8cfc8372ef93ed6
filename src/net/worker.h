/* Worker threads: each owns a loop, a chunk pool, a scratch buffer, a mailbox and a resolver; nothing is shared on the
 * request path. */
#ifndef KD_NET_WORKER_H
#define KD_NET_WORKER_H

#include "base/arena.h"
#include "net/mailbox.h"

#include <stdatomic.h>

#define KD_READ_SIZE    (64u * 1024)  /* what one read takes in the middle of a stream: more gains nothing there */
#define KD_SCRATCH_SIZE (128u * 1024) /* what one read may take: most answers whole, and so in one write */
#define KD_SCRATCH_PAD  64            /* writable bytes behind it */
#define KD_MAX_WORKERS  256

struct kd_dns;

typedef struct kd_worker {
    unsigned index;
    kd_loop loop;
    kd_mailbox mailbox;
    kd_chunk_pool chunks;
    char *scratch; /* KD_SCRATCH_SIZE + KD_SCRATCH_PAD bytes; anyone's within one callback, never across */
    struct kd_dns *dns;
    char http_date[29]; /* of loop.now's second */
    kd_ns date_expires;
    _Atomic uint32_t n_connections; /* client connections; written by their owner on this worker, read by all */
    _Atomic uint32_t n_coming;      /* connections handed to this worker that have not reached it yet */
    void *upper;                    /* what the gateway hangs here (set by its on_start) */
    pthread_t thread;
    struct kd_workers *all;
} kd_worker;

typedef struct kd_workers {
    kd_worker **v;
    unsigned n;
} kd_workers;

/* Makes n workers (1..KD_MAX_WORKERS); threads do not run yet. False (and nothing left behind) without memory or
 * descriptors. */
bool kd_workers_create(kd_workers *workers, unsigned n);
/* Starts the threads, named "worker-N"; each calls on_start(worker) once, then runs its loop, then on_stop(worker). All
 * signals are blocked in them. False when a thread cannot be made. */
bool kd_workers_start(kd_workers *workers, bool (*on_start)(kd_worker *worker), void (*on_stop)(kd_worker *worker));
/* Asks every loop to stop and joins the threads. */
void kd_workers_join(kd_workers *workers);
void kd_workers_destroy(kd_workers *workers);
/* Posts to one worker, or to all (then true only when every box took it). */
bool kd_worker_post(kd_worker *worker, const kd_message *message);
bool kd_workers_post(kd_workers *workers, const kd_message *message);
/* The date of this second as RFC 9110 writes it; rendered once a second. */
kd_str kd_worker_date(kd_worker *worker);

#endif
