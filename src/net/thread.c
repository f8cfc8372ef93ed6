#include "net/thread.h"

#include <signal.h>
#include <stdio.h>

bool kd_thread_start(pthread_t *thread, void *(*run)(void *context), void *context)
{
    static const int own[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT};
    sigset_t blocked, before;
    sigfillset(&blocked);
    for (size_t i = 0; i < KD_COUNT(own); i++)
        sigdelset(&blocked, own[i]);
    /* A thread inherits the mask of its maker: blocked here, it never runs unblocked. */
    pthread_sigmask(SIG_SETMASK, &blocked, &before);
    int error = pthread_create(thread, NULL, run, context);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error == 0;
}

void kd_thread_name(const char *kind, unsigned number)
{
    char name[64];
    snprintf(name, sizeof name, "%s-%u", kind, number);
    name[15] = 0; /* the kernel takes no more */
    pthread_setname_np(pthread_self(), name);
}
