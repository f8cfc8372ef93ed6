#include "net/worker.h"

#include "net/dns.h"
#include "net/thread.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>

#define KEEP_CHUNKS (4u * 1024 * 1024) /* free chunks that a worker keeps */
#define MAILBOX_MAX 16384u
#define CACHE_LINE  64

/* What the start of a worker needs beside its public part. */
struct own {
    kd_worker worker; /* first: the public pointer is the pointer to this */
    struct start *start;
    bool (*on_start)(kd_worker *worker);
    void (*on_stop)(kd_worker *worker);
    bool running; /* the thread exists and is to be joined */
    bool failed;  /* on_start said no: its loop never runs */
};

/* Where kd_workers_start waits for the answers of the threads. */
struct start {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    unsigned answered;
    bool failed;
};

static struct own *own_of(kd_worker *worker)
{
    return (struct own *)worker;
}

static void raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= limit.rlim_max)
        return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

static void worker_destroy(kd_worker *worker)
{
    if (worker->dns)
        kd_dns_destroy(worker->dns);
    kd_mailbox_fini(&worker->mailbox);
    kd_loop_fini(&worker->loop);
    kd_chunk_pool_fini(&worker->chunks);
    if (worker->scratch)
        munmap(worker->scratch, KD_SCRATCH_SIZE + KD_SCRATCH_PAD);
    free(own_of(worker));
}

static kd_worker *worker_create(kd_workers *all, unsigned index)
{
    /* Neighbours must not share a cache line: each is written by its own thread all the time. */
    size_t size = (sizeof(struct own) + CACHE_LINE - 1) & ~(size_t)(CACHE_LINE - 1);
    struct own *own = aligned_alloc(CACHE_LINE, size);
    if (!own)
        return NULL;
    memset(own, 0, size);
    kd_worker *worker = &own->worker;
    worker->index = index;
    worker->all = all;
    worker->mailbox.io.fd = -1;
    kd_chunk_pool_init(&worker->chunks, KEEP_CHUNKS);
    /* Pages come when they are first touched: a worker that reads small messages only never holds all of it. */
    void *scratch =
        mmap(NULL, KD_SCRATCH_SIZE + KD_SCRATCH_PAD, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    worker->scratch = scratch == MAP_FAILED ? NULL : scratch;
    if (kd_loop_init(&worker->loop) && worker->scratch &&
        kd_mailbox_init(&worker->mailbox, &worker->loop, worker, MAILBOX_MAX) &&
        (worker->dns = kd_dns_create(worker)) != NULL)
        return worker;
    worker_destroy(worker);
    return NULL;
}

bool kd_workers_create(kd_workers *workers, unsigned n)
{
    *workers = (kd_workers){0};
    if (n < 1 || n > KD_MAX_WORKERS)
        return false;
    raise_descriptor_limit();
    workers->v = calloc(n, sizeof *workers->v);
    if (!workers->v)
        return false;
    for (; workers->n < n; workers->n++) {
        workers->v[workers->n] = worker_create(workers, workers->n);
        if (!workers->v[workers->n]) {
            kd_workers_destroy(workers);
            return false;
        }
    }
    return true;
}

static void answer(struct start *start, bool ok)
{
    pthread_mutex_lock(&start->lock);
    start->answered++;
    start->failed |= !ok;
    pthread_cond_signal(&start->changed);
    pthread_mutex_unlock(&start->lock);
}

static void *run(void *context)
{
    struct own *own = context;
    kd_worker *worker = &own->worker;
    kd_thread_name("worker", worker->index);
    worker->loop.now = kd_clock_monotonic();
    bool ok = !own->on_start || own->on_start(worker);
    own->failed = !ok;
    answer(own->start, ok);
    if (!ok)
        return NULL;
    kd_loop_run(&worker->loop);
    if (own->on_stop)
        own->on_stop(worker);
    return NULL;
}

bool kd_workers_start(kd_workers *workers, bool (*on_start)(kd_worker *worker), void (*on_stop)(kd_worker *worker))
{
    struct start start = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    unsigned started = 0;
    for (; started < workers->n; started++) {
        struct own *own = own_of(workers->v[started]);
        own->start = &start;
        own->on_start = on_start;
        own->on_stop = on_stop;
        if (!kd_thread_start(&own->worker.thread, run, own))
            break;
        own->running = true;
    }
    pthread_mutex_lock(&start.lock);
    while (start.answered < started)
        pthread_cond_wait(&start.changed, &start.lock);
    bool ok = started == workers->n && !start.failed;
    pthread_mutex_unlock(&start.lock);
    if (!ok)
        kd_workers_join(workers);
    return ok;
}

static void deliver_stop(void *worker, const kd_message *message)
{
    ((kd_worker *)worker)->loop.stop = true;
}

void kd_workers_join(kd_workers *workers)
{
    static const kd_message stop = {.deliver = deliver_stop};
    for (unsigned i = 0; i < workers->n; i++) {
        struct own *own = own_of(workers->v[i]);
        /* A full box empties: its worker still runs. */
        while (own->running && !own->failed && !kd_worker_post(&own->worker, &stop))
            nanosleep(&(struct timespec){.tv_nsec = KD_MS}, NULL);
    }
    for (unsigned i = 0; i < workers->n; i++) {
        struct own *own = own_of(workers->v[i]);
        if (own->running)
            pthread_join(own->worker.thread, NULL);
        own->running = false;
    }
}

void kd_workers_destroy(kd_workers *workers)
{
    for (unsigned i = 0; i < workers->n; i++)
        worker_destroy(workers->v[i]);
    free(workers->v);
    *workers = (kd_workers){0};
}

bool kd_worker_post(kd_worker *worker, const kd_message *message)
{
    return kd_mailbox_post(&worker->mailbox, message);
}

bool kd_workers_post(kd_workers *workers, const kd_message *message)
{
    bool all = true;
    for (unsigned i = 0; i < workers->n; i++)
        all &= kd_worker_post(workers->v[i], message);
    return all;
}

kd_str kd_worker_date(kd_worker *worker)
{
    if (KD_UNLIKELY(worker->loop.now >= worker->date_expires)) {
        kd_ns wall = kd_clock_wall();
        kd_clock_http_date(worker->http_date, wall / KD_SECOND);
        worker->date_expires = worker->loop.now + KD_SECOND - wall % KD_SECOND;
    }
    return kd_str_of(worker->http_date, sizeof worker->http_date);
}
