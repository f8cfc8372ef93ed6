#include "net/mailbox.h"

#include "base/ledger.h"

#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define FIRST_CAP 16u
#define BATCH     64u  /* copied out under one hold of the lock */
#define PER_TURN  512u /* delivered before the loop may look at its sockets again */

/* Moves the first messages out. The order of posting is kept. */
static unsigned take(kd_mailbox *box, kd_message to[BATCH])
{
    pthread_mutex_lock(&box->lock);
    unsigned n = box->n < BATCH ? box->n : BATCH;
    for (unsigned i = 0; i < n; i++)
        to[i] = box->ring[(box->head + i) & (box->cap - 1)];
    box->n -= n;
    /* An empty box starts at the front again, so that a ring that once grew does not touch all its pages. */
    box->head = box->n ? (box->head + n) & (box->cap - 1) : 0;
    pthread_mutex_unlock(&box->lock);
    return n;
}

/* The eventfd is never read: each write is an edge of its own, and its counter of 64 bits does not overflow. */
static void on_ready(kd_io *io)
{
    kd_mailbox *box = KD_CONTAINER(io, kd_mailbox, io);
    kd_message batch[BATCH];
    for (unsigned done = 0; done < PER_TURN; done += BATCH) {
        unsigned n = take(box, batch);
        for (unsigned i = 0; i < n; i++)
            batch[i].deliver(box->worker, &batch[i]);
        if (n < BATCH)
            return;
    }
    /* A sender that finds messages does not wake us; if the box is empty by now, the call is for nothing. */
    kd_loop_requeue(box->loop, io);
}

bool kd_mailbox_init(kd_mailbox *box, kd_loop *loop, void *worker, uint32_t max)
{
    *box =
        (kd_mailbox){.io.fd = -1, .cap = max < FIRST_CAP ? max : FIRST_CAP, .max = max, .worker = worker, .loop = loop};
    if (!kd_ledger_reserve(KD_ACCOUNT_QUEUES, box->cap * sizeof(kd_message)))
        return false;
    int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    box->ring = malloc(box->cap * sizeof(kd_message));
    if (fd >= 0 && box->ring && kd_loop_add(loop, &box->io, fd, on_ready)) {
        pthread_mutex_init(&box->lock, NULL);
        return true;
    }
    if (fd >= 0)
        close(fd);
    free(box->ring);
    kd_ledger_release(KD_ACCOUNT_QUEUES, box->cap * sizeof(kd_message));
    *box = (kd_mailbox){.io.fd = -1};
    return false;
}

void kd_mailbox_fini(kd_mailbox *box)
{
    int fd = box->io.fd;
    if (fd < 0)
        return;
    kd_loop_remove(box->loop, &box->io);
    close(fd);
    free(box->ring);
    kd_ledger_release(KD_ACCOUNT_QUEUES, box->cap * sizeof(kd_message));
    pthread_mutex_destroy(&box->lock);
    *box = (kd_mailbox){.io.fd = -1};
}

static bool grow(kd_mailbox *box)
{
    if (box->cap >= box->max || !kd_ledger_reserve(KD_ACCOUNT_QUEUES, box->cap * sizeof(kd_message)))
        return false;
    kd_message *ring = malloc(2 * (size_t)box->cap * sizeof(kd_message));
    if (!ring) {
        kd_ledger_release(KD_ACCOUNT_QUEUES, box->cap * sizeof(kd_message));
        return false;
    }
    for (uint32_t i = 0; i < box->n; i++)
        ring[i] = box->ring[(box->head + i) & (box->cap - 1)];
    free(box->ring);
    box->ring = ring;
    box->head = 0;
    box->cap *= 2;
    return true;
}

bool kd_mailbox_post(kd_mailbox *box, const kd_message *message)
{
    pthread_mutex_lock(&box->lock);
    if (box->n == box->cap && !grow(box)) {
        pthread_mutex_unlock(&box->lock);
        return false;
    }
    bool was_empty = box->n == 0;
    box->ring[(box->head + box->n++) & (box->cap - 1)] = *message;
    pthread_mutex_unlock(&box->lock);
    if (was_empty)
        eventfd_write(box->io.fd, 1);
    return true;
}
