/* Blocking and heavy work off the workers: a bounded pool of threads with a bounded queue. The result comes back
 * through the worker's mailbox as slot and generation; a job whose asker has gone is still run to its end (it owns its
 * memory) and its result is dropped. */
#ifndef KD_NET_OFFLOAD_H
#define KD_NET_OFFLOAD_H

#include "net/worker.h"

typedef struct kd_job {
    void (*run)(struct kd_job *job); /* on a pool thread; touches only the job's own memory */
    void (*on_done)(kd_worker *worker,
                    struct kd_job *job); /* on the worker; frees the job. `expired` tells that it never ran */
    kd_worker *worker;
    kd_ns deadline; /* monotonic; a job that would start later is not run */
    bool expired;
    struct kd_job *next;
} kd_job;

/* `threads` threads (0: two) and at most `queue` waiting jobs. False without memory or threads. */
bool kd_offload_start(unsigned threads, unsigned queue);
/* Ends the threads after the running jobs; waiting ones expire. */
void kd_offload_stop(void);
/* False when the queue is full: the caller sheds. */
bool kd_offload_submit(kd_job *job);

#endif
