/* A worker's mailbox: other threads post small by-value messages, the worker's loop runs them. Bounded; posting never
 * blocks. The descriptor behind it is an eventfd, written only when the box was empty. */
#ifndef KD_NET_MAILBOX_H
#define KD_NET_MAILBOX_H

#include "net/loop.h"

#include <pthread.h>

/* A message. `deliver` runs on the worker; what it needs is in the words (a slot and a generation, not pointers to
 * request memory; pointers to process-lifetime objects are fine). */
typedef struct kd_message {
    void (*deliver)(void *worker, const struct kd_message *message);
    uint64_t word[4];
} kd_message;

typedef struct kd_mailbox {
    kd_io io;
    pthread_mutex_t lock;
    kd_message *ring;
    uint32_t cap, head, n; /* cap is a power of two; grows by doubling up to max */
    uint32_t max;
    void *worker; /* handed to deliver */
    kd_loop *loop;
} kd_mailbox;

/* At most `max` waiting messages (a power of two). False without memory or descriptors. */
bool kd_mailbox_init(kd_mailbox *box, kd_loop *loop, void *worker, uint32_t max);
void kd_mailbox_fini(kd_mailbox *box);
/* Any thread. False when the box is full: the sender sheds or retries later, it never waits. */
bool kd_mailbox_post(kd_mailbox *box, const kd_message *message);

#endif
