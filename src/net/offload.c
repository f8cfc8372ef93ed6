#include "net/offload.h"

#include "base/ledger.h"
#include "net/thread.h"

#include <stdlib.h>
#include <time.h>

#define DEFAULT_THREADS 2u
#define MAX_THREADS     64u

static struct {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    kd_job *first, **last;
    unsigned waiting, max;
    bool running;
    unsigned n_threads;
    pthread_t threads[MAX_THREADS];
} pool = {.lock = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER};

static void deliver(void *worker, const kd_message *message)
{
    kd_job *job = (kd_job *)(uintptr_t)message->word[0];
    job->on_done(worker, job);
}

/* A worker's box that is full empties soon; here, off the workers, waiting is allowed, and a finished job must not be
 * lost: its asker counts on it. */
static void send_back(kd_job *job)
{
    kd_message message = {.deliver = deliver, .word = {(uintptr_t)job}};
    while (!kd_worker_post(job->worker, &message))
        nanosleep(&(struct timespec){.tv_nsec = KD_MS}, NULL);
}

static kd_job *take(void)
{
    kd_job *job = pool.first;
    pool.first = job->next;
    if (!pool.first)
        pool.last = &pool.first;
    pool.waiting--;
    return job;
}

static void *run(void *context)
{
    kd_thread_name("offload", (unsigned)(uintptr_t)context);
    pthread_mutex_lock(&pool.lock);
    for (;;) {
        while (pool.running && !pool.first)
            pthread_cond_wait(&pool.wake, &pool.lock);
        if (!pool.running)
            break;
        kd_job *job = take();
        pthread_mutex_unlock(&pool.lock);
        job->expired = job->deadline > 0 && kd_clock_monotonic() > job->deadline;
        if (!job->expired)
            job->run(job);
        send_back(job);
        pthread_mutex_lock(&pool.lock);
    }
    pthread_mutex_unlock(&pool.lock);
    return NULL;
}

bool kd_offload_start(unsigned threads, unsigned queue)
{
    if (threads == 0)
        threads = DEFAULT_THREADS;
    if (threads > MAX_THREADS)
        threads = MAX_THREADS;
    if (!kd_ledger_reserve(KD_ACCOUNT_QUEUES, queue * sizeof(kd_job)))
        return false;
    pthread_mutex_lock(&pool.lock);
    pool.first = NULL;
    pool.last = &pool.first;
    pool.waiting = 0;
    pool.max = queue;
    pool.running = true;
    pthread_mutex_unlock(&pool.lock);
    for (pool.n_threads = 0; pool.n_threads < threads; pool.n_threads++) {
        if (!kd_thread_start(&pool.threads[pool.n_threads], run, (void *)(uintptr_t)pool.n_threads)) {
            kd_offload_stop();
            return false;
        }
    }
    return true;
}

void kd_offload_stop(void)
{
    pthread_mutex_lock(&pool.lock);
    bool was_running = pool.running;
    pool.running = false;
    pthread_cond_broadcast(&pool.wake);
    pthread_mutex_unlock(&pool.lock);
    if (!was_running)
        return;
    for (unsigned i = 0; i < pool.n_threads; i++)
        pthread_join(pool.threads[i], NULL);
    pool.n_threads = 0;
    while (pool.first) {
        kd_job *job = take();
        job->expired = true;
        send_back(job);
    }
    kd_ledger_release(KD_ACCOUNT_QUEUES, pool.max * sizeof(kd_job));
}

bool kd_offload_submit(kd_job *job)
{
    job->next = NULL;
    job->expired = false;
    pthread_mutex_lock(&pool.lock);
    bool taken = pool.running && pool.waiting < pool.max;
    if (taken) {
        *pool.last = job;
        pool.last = &job->next;
        pool.waiting++;
        pthread_cond_signal(&pool.wake);
    }
    pthread_mutex_unlock(&pool.lock);
    return taken;
}
