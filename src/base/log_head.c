#include "base/log_head.h"

#include "base/clock.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#define PREFIX_MAX 256u

typedef struct style {
    kd_log_format format;
    size_t prefix_n;
    char prefix[PREFIX_MAX];
} style;

static pthread_mutex_t style_lock = PTHREAD_MUTEX_INITIALIZER;
static style shared_style;
static _Atomic uint32_t style_version = 1;
static _Atomic int lowest; /* lines below this level are not written */

static const char *const level_names[] = {"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL", "FATAL"};

void kd_log_configure(const kd_log_settings *settings)
{
    pthread_mutex_lock(&style_lock);
    shared_style.format = settings->format;
    shared_style.prefix_n = settings->prefix.n < PREFIX_MAX ? settings->prefix.n : PREFIX_MAX;
    if (shared_style.prefix_n)
        memcpy(shared_style.prefix, settings->prefix.p, shared_style.prefix_n);
    atomic_fetch_add_explicit(&style_version, 1, memory_order_release);
    pthread_mutex_unlock(&style_lock);
    atomic_store_explicit(&lowest, settings->silent ? KD_LOG_FATAL + 1 : (int)settings->level, memory_order_relaxed);
}

bool kd_log_wants(kd_level level)
{
    return (int)level >= atomic_load_explicit(&lowest, memory_order_relaxed);
}

/* This thread's copy of the style: a lock is taken only after a change. */
static const style *style_now(void)
{
    static _Thread_local style mine;
    static _Thread_local uint32_t version;
    uint32_t newest = atomic_load_explicit(&style_version, memory_order_acquire);
    if (KD_UNLIKELY(version != newest)) {
        pthread_mutex_lock(&style_lock);
        mine = shared_style;
        version = atomic_load_explicit(&style_version, memory_order_relaxed);
        pthread_mutex_unlock(&style_lock);
    }
    return &mine;
}

/* The current second as "2006/01/02" and "15:04:05"; worked out once per second and thread, because the local time zone
 * makes it dear. */
typedef struct stamp {
    int64_t second;
    bool known;
    char date[10], time[8];
} stamp;

static void put_digits(char *to, int count, int v)
{
    for (int i = count - 1; i >= 0; i--, v /= 10)
        to[i] = (char)('0' + v % 10);
}

static const stamp *stamp_of(int64_t second)
{
    static _Thread_local stamp mine;
    if (KD_LIKELY(mine.known && mine.second == second))
        return &mine;
    time_t t = (time_t)second;
    struct tm tm;
    if (!localtime_r(&t, &tm))
        memset(&tm, 0, sizeof(tm));
    memcpy(mine.date, "0000/00/00", 10);
    put_digits(mine.date, 4, tm.tm_year + 1900);
    put_digits(mine.date + 5, 2, tm.tm_mon + 1);
    put_digits(mine.date + 8, 2, tm.tm_mday);
    memcpy(mine.time, "00:00:00", 8);
    put_digits(mine.time, 2, tm.tm_hour);
    put_digits(mine.time + 3, 2, tm.tm_min);
    put_digits(mine.time + 6, 2, tm.tm_sec);
    mine.second = second;
    mine.known = true;
    return &mine;
}

static char *put(char *to, const char *from, size_t n)
{
    memcpy(to, from, n);
    return to + n;
}

static char *put_c(char *to, const char *text)
{
    return put(to, text, strlen(text));
}

static char *put_stamp(char *to, const stamp *now)
{
    to = put(to, now->date, sizeof(now->date));
    *to++ = ' ';
    return put(to, now->time, sizeof(now->time));
}

static size_t head_basic(char *to, kd_level level)
{
    char *start = to;
    to = put_stamp(to, stamp_of(kd_clock_wall() / KD_SECOND));
    to = put_c(to, " KRAKEND ");
    to = put_c(to, level_names[level]);
    return (size_t)(put_c(to, ": ") - start);
}

static size_t head_default(char *to, kd_level level, const style *with)
{
    /* The library behind this format knows no FATAL: it writes CRITICAL and exits (spec/04 section 8.3). */
    static const char *const colours[] = {"\x1b[36m", "", "\x1b[33m", "\x1b[31m", "\x1b[35m", "\x1b[35m"};
    static const char *const names[] = {"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL", "CRITICAL"};
    char *start = to;
    kd_ns now = kd_clock_wall();
    const stamp *second = stamp_of(now / KD_SECOND);
    to = put(to, with->prefix, with->prefix_n);
    *to++ = ' ';
    to = put(to, second->date, sizeof(second->date));
    to = put_c(to, " - ");
    to = put(to, second->time, sizeof(second->time));
    *to++ = '.';
    put_digits(to, 3, (int)(now % KD_SECOND / KD_MS));
    to += 3;
    *to++ = ' ';
    to = put_c(to, colours[level]);
    to = put_c(to, "\xe2\x96\xb6 ");
    to = put_c(to, names[level]);
    return (size_t)(put_c(to, "\x1b[0m ") - start);
}

size_t kd_log_head(char to[KD_LOG_HEAD_MAX], kd_level level)
{
    const style *now = style_now();
    return now->format == KD_FORMAT_DEFAULT ? head_default(to, level, now) : head_basic(to, level);
}

size_t kd_log_head_std(char to[KD_LOG_HEAD_MAX])
{
    char *end = put_stamp(to, stamp_of(kd_clock_wall() / KD_SECOND));
    *end++ = ' ';
    return (size_t)(end - to);
}
