/* Threads of our own: named, and deaf to signals that are sent to the process. */
#ifndef KD_NET_THREAD_H
#define KD_NET_THREAD_H

#include "base/bytes.h"

#include <pthread.h>

/* Starts a thread with every signal blocked except those that a fault in the thread itself raises (SIGSEGV, SIGBUS,
 * SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT), so that the handler which reports a crash still runs. The caller joins it.
 * False when the system has no room for one. */
bool kd_thread_start(pthread_t *thread, void *(*run)(void *context), void *context);
/* Names the calling thread "KIND-NUMBER", cut to 15 bytes, for ps, top and core dumps. */
void kd_thread_name(const char *kind, unsigned number);

#endif
