#include "base/log.h"

#include "base/clock.h"
#include "base/format.h"
#include "base/ledger.h"
#include "base/log_head.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define GATHER           (20 * KD_MS)    /* how long the writer waits for more lines before it writes */
#define STOP_PATIENCE    (2 * KD_SECOND) /* how long a stop waits for a blocked sink */
#define BLOCKED_SLICE_MS 100   /* how often a writer on a full non-blocking sink looks whether it was given up */
#define MESSAGE_ON_STACK 4096u /* longer printf messages are built on the heap */
#define MESSAGE_MAX      (1024u * 1024) /* and cut here */

/* What one writer thread owns. It is its own allocation so that a thread stuck in a blocked write can be left behind.
 */
typedef struct sink {
    int fd;
    size_t room;
    char *filling, *writing; /* `room` bytes each */
    size_t n;                /* bytes in `filling` */
    uint64_t unreported;     /* lines dropped and not yet reported */
    bool asleep;             /* the thread waits for the first line, or gathers */
    bool stopping, done;
    atomic_bool abandoned; /* the thread is to free the sink itself */
    pthread_t thread;
} sink;

/* `lock` guards `current`, `given_up` and everything in the sink but `writing`. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t wake, ended;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static sink *current;
static bool given_up; /* the last sink blocked until the end: direct lines would block too */
static _Atomic uint64_t dropped;

uint64_t kd_log_dropped(void)
{
    return atomic_load_explicit(&dropped, memory_order_relaxed);
}

static uint64_t count_lines(const char *p, size_t n)
{
    uint64_t lines = 0;
    for (const char *end = p + n, *at; p < end; p = at + 1, lines++)
        if (!(at = memchr(p, '\n', (size_t)(end - p))))
            return lines + 1;
    return lines;
}

/* ---- writing to a descriptor ---- */

/* Blocks SIGPIPE for this thread; true when it was open before. */
static bool pipe_signal_hold(void)
{
    sigset_t set, before;
    sigemptyset(&set);
    sigaddset(&set, SIGPIPE);
    return pthread_sigmask(SIG_BLOCK, &set, &before) == 0 && !sigismember(&before, SIGPIPE);
}

/* Takes away the SIGPIPE that a write of ours may have left, and opens it again. */
static void pipe_signal_release(bool was_open)
{
    if (!was_open)
        return;
    static const struct timespec at_once;
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGPIPE);
    while (sigtimedwait(&set, NULL, &at_once) < 0 && errno == EINTR)
        ;
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

/* Writes all of the pieces, waiting where fd blocks; changes `pieces`. An error ends it: the lines have no other way
 * to go. */
static void write_direct(int fd, struct iovec *pieces, int count)
{
    int error = errno;
    bool was_open = pipe_signal_hold();
    while (count) {
        ssize_t n = writev(fd, pieces, count);
        if (n < 0 && errno == EAGAIN) {
            struct pollfd p = {.fd = fd, .events = POLLOUT};
            n = poll(&p, 1, -1) < 0 && errno != EINTR ? -1 : 0;
        } else if (n < 0 && errno == EINTR) {
            n = 0;
        }
        if (n < 0)
            break;
        for (; count && (size_t)n >= pieces->iov_len; pieces++, count--)
            n -= (ssize_t)pieces->iov_len;
        if (count) {
            pieces->iov_base = (char *)pieces->iov_base + n;
            pieces->iov_len -= (size_t)n;
        }
    }
    pipe_signal_release(was_open);
    errno = error;
}

/* The writer thread's write: true when everything went out. */
static bool write_all(sink *s, const char *p, size_t n, size_t *written)
{
    *written = 0;
    while (*written < n && !atomic_load_explicit(&s->abandoned, memory_order_acquire)) {
        ssize_t r = write(s->fd, p + *written, n - *written);
        if (r >= 0) {
            *written += (size_t)r;
        } else if (errno == EAGAIN) {
            struct pollfd poll_fd = {.fd = s->fd, .events = POLLOUT};
            if (poll(&poll_fd, 1, BLOCKED_SLICE_MS) < 0 && errno != EINTR)
                return false;
        } else if (errno != EINTR) {
            return false;
        }
    }
    return *written == n;
}

/* ---- the writer thread ---- */

static void sink_free(sink *s)
{
    if (!s)
        return;
    kd_ledger_release(KD_ACCOUNT_QUEUES, 2 * s->room);
    free(s->filling);
    free(s->writing);
    free(s);
}

static struct timespec monotonic_in(kd_ns wait)
{
    kd_ns at = kd_clock_monotonic() + wait;
    return (struct timespec){.tv_sec = (time_t)(at / KD_SECOND), .tv_nsec = (long)(at % KD_SECOND)};
}

/* Waits for the first line and then a little longer, so that one write takes many lines. Under the lock. */
static void await_lines(sink *s)
{
    s->asleep = true;
    while (!s->n && !s->stopping)
        pthread_cond_wait(&wake, &lock);
    struct timespec until = monotonic_in(GATHER);
    while (!s->stopping && s->n < s->room / 2 && pthread_cond_timedwait(&wake, &lock, &until) == 0)
        ;
    s->asleep = false;
}

static size_t write_report(char *to, size_t room, uint64_t lines)
{
    size_t n = kd_log_head(to, KD_LOG_WARNING);
    int r = snprintf(to + n, room - n, "[SERVICE: Logging] %llu log lines dropped\n", (unsigned long long)lines);
    return n + (size_t)r;
}

/* Writes one batch, and behind it the report of what was dropped before. Returns how many lines stay unreported.
 * The report never goes through the buffer: on a broken sink it would wake the writer again and again. */
static uint64_t write_batch(sink *s, size_t n, uint64_t unreported)
{
    size_t written;
    if (!write_all(s, s->writing, n, &written)) {
        uint64_t lost = count_lines(s->writing + written, n - written);
        atomic_fetch_add_explicit(&dropped, lost, memory_order_relaxed);
        return unreported + lost;
    }
    if (!unreported || !kd_log_wants(KD_LOG_WARNING))
        return 0;
    char report[KD_LOG_HEAD_MAX + 80];
    return write_all(s, report, write_report(report, sizeof(report), unreported), &written) ? 0 : unreported;
}

static void *run_writer(void *context)
{
    sink *s = context;
    pthread_mutex_lock(&lock);
    while (!s->abandoned) {
        await_lines(s);
        if (!s->n)
            break;
        char *full = s->filling;
        size_t n = s->n;
        uint64_t unreported = s->unreported;
        s->filling = s->writing;
        s->writing = full;
        s->n = 0;
        s->unreported = 0;
        pthread_mutex_unlock(&lock);
        unreported = write_batch(s, n, unreported);
        pthread_mutex_lock(&lock);
        s->unreported += unreported;
    }
    s->done = true;
    bool mine = s->abandoned;
    pthread_cond_broadcast(&ended);
    pthread_mutex_unlock(&lock);
    if (mine)
        sink_free(s);
    return NULL;
}

static void init_conditions(void)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&wake, &attributes);
    pthread_cond_init(&ended, &attributes);
    pthread_condattr_destroy(&attributes);
}

/* The thread takes no signals: they belong to the main thread, and SIGPIPE becomes EPIPE. */
static bool start_thread(sink *s)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool started = pthread_create(&s->thread, NULL, run_writer, s) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return started;
}

bool kd_log_start(int fd, size_t room)
{
    pthread_once(&once, init_conditions);
    if (room == 0 || room > SIZE_MAX / 4)
        return false;
    sink *s = calloc(1, sizeof(*s));
    if (!s)
        return false;
    if (!kd_ledger_reserve(KD_ACCOUNT_QUEUES, 2 * room)) {
        free(s);
        return false;
    }
    s->fd = fd;
    s->room = room;
    s->filling = malloc(room);
    s->writing = malloc(room);
    bool started = false;
    pthread_mutex_lock(&lock);
    if (s->filling && s->writing && !current && start_thread(s)) {
        current = s;
        given_up = false;
        started = true;
    }
    pthread_mutex_unlock(&lock);
    if (!started)
        sink_free(s);
    return started;
}

void kd_log_stop(void)
{
    pthread_once(&once, init_conditions);
    pthread_mutex_lock(&lock);
    sink *s = current;
    current = NULL;
    if (!s) {
        pthread_mutex_unlock(&lock);
        return;
    }
    s->stopping = true;
    pthread_cond_signal(&wake);
    struct timespec until = monotonic_in(STOP_PATIENCE);
    int waited = 0;
    while (!s->done && waited == 0)
        waited = pthread_cond_timedwait(&ended, &lock, &until);
    bool ended_well = s->done;
    pthread_t thread = s->thread;
    if (!ended_well) {
        atomic_store_explicit(&s->abandoned, true, memory_order_release);
        given_up = true;
        pthread_detach(thread); /* under the lock: the thread cannot end in between */
    }
    pthread_mutex_unlock(&lock);
    if (ended_well) {
        pthread_join(thread, NULL);
        sink_free(s);
    }
}

/* ---- lines ---- */

static void drop(sink *s, const struct iovec *pieces, int count)
{
    /* Only the last piece ends lines: heads hold none, and a message with line breaks counts as one line. */
    uint64_t lines = count > 1 ? 1 : count_lines(pieces[0].iov_base, pieces[0].iov_len);
    atomic_fetch_add_explicit(&dropped, lines, memory_order_relaxed);
    if (s)
        s->unreported += lines;
}

static void emit(struct iovec *pieces, int count)
{
    size_t n = 0;
    for (int i = 0; i < count; i++)
        n += pieces[i].iov_len;
    pthread_mutex_lock(&lock);
    sink *s = current;
    bool direct = !s && !given_up;
    if (s && s->room - s->n >= n) {
        bool first = s->n == 0, was_low = s->n < s->room / 2;
        for (int i = 0; i < count; i++) {
            memcpy(s->filling + s->n, pieces[i].iov_base, pieces[i].iov_len);
            s->n += pieces[i].iov_len;
        }
        if (s->asleep && (first || (was_low && s->n >= s->room / 2)))
            pthread_cond_signal(&wake);
    } else if (!direct) {
        drop(s, pieces, count);
    }
    pthread_mutex_unlock(&lock);
    if (direct)
        write_direct(STDOUT_FILENO, pieces, count);
}

void kd_log_str(kd_level level, kd_str message)
{
    if (!kd_log_wants(level))
        return;
    char head[KD_LOG_HEAD_MAX];
    size_t n = kd_log_head(head, level);
    struct iovec pieces[3] = {{head, n}, {(void *)(message.n ? message.p : ""), message.n}, {(void *)"\n", 1}};
    emit(pieces, 3);
}

/* The printed message: in `room` when it fits, else on the heap (*heap, to be freed), else cut. */
static kd_str print(char *room, size_t size, char **heap, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    size_t n = kd_format(room, size, format, args);
    *heap = NULL;
    if (KD_UNLIKELY(n >= size)) {
        n = n < MESSAGE_MAX ? n : MESSAGE_MAX;
        *heap = malloc(n + 1);
        if (*heap)
            kd_format(*heap, n + 1, format, again);
        else
            n = size - 1;
    }
    va_end(again);
    return kd_str_of(*heap ? *heap : room, n);
}

void kd_log(kd_level level, const char *format, ...)
{
    if (!kd_log_wants(level))
        return;
    int error = errno;
    char room[MESSAGE_ON_STACK], *heap;
    va_list args;
    va_start(args, format);
    kd_str message = print(room, sizeof(room), &heap, format, args);
    va_end(args);
    kd_log_str(level, message);
    free(heap);
    errno = error;
}

void kd_log_raw(kd_str lines)
{
    if (!lines.n)
        return;
    struct iovec piece = {(void *)lines.p, lines.n};
    emit(&piece, 1);
}

void kd_log_std(const char *format, ...)
{
    int error = errno;
    char room[MESSAGE_ON_STACK], *heap, head[KD_LOG_HEAD_MAX];
    va_list args;
    va_start(args, format);
    kd_str message = print(room, sizeof(room), &heap, format, args);
    va_end(args);
    struct iovec pieces[3] = {{head, kd_log_head_std(head)}, {(void *)message.p, message.n}, {(void *)"\n", 1}};
    write_direct(STDERR_FILENO, pieces, 3);
    free(heap);
    errno = error;
}

/* Guarded by its own lock, which is held for one write that cannot wait. */
static struct {
    pthread_mutex_t lock;
    kd_ns second; /* when the present burst began */
    uint32_t written;
    uint64_t dropped;
} strangers = {.lock = PTHREAD_MUTEX_INITIALIZER, .second = -KD_SECOND};

/* True when a line may be written now. A pipe that is writable takes PIPE_BUF bytes at once. */
static bool takes_a_line(kd_ns now)
{
    if (now - strangers.second >= KD_SECOND) {
        strangers.second = now;
        strangers.written = 0;
    }
    struct pollfd p = {.fd = STDERR_FILENO, .events = POLLOUT};
    return strangers.written < KD_LOG_STD_BURST && poll(&p, 1, 0) == 1 && (p.revents & POLLOUT);
}

void kd_log_std_some(const char *format, ...)
{
    int error = errno;
    char text[1024], head[KD_LOG_HEAD_MAX], note[96];
    va_list args;
    va_start(args, format);
    size_t n = kd_format(text, sizeof text, format, args);
    va_end(args);
    n = n < sizeof text ? n : sizeof text - 1;
    pthread_mutex_lock(&strangers.lock);
    if (!takes_a_line(kd_clock_monotonic())) {
        strangers.dropped++;
    } else {
        int m = strangers.dropped ? snprintf(note, sizeof note, " (%llu lines of this kind were left out before)",
                                             (unsigned long long)strangers.dropped)
                                  : 0;
        struct iovec pieces[4] = {
            {head, kd_log_head_std(head)}, {text, n}, {note, (size_t)(m > 0 ? m : 0)}, {(void *)"\n", 1}};
        strangers.dropped = 0;
        strangers.written++;
        write_direct(STDERR_FILENO, pieces, 4);
    }
    pthread_mutex_unlock(&strangers.lock);
    errno = error;
}
