/* Every byte that OpenSSL takes is counted in the ledger's account for TLS. Each thread counts for itself and tells the
 * ledger in slabs, so the account is exact to a slab for each thread. OpenSSL is never refused memory here, because a
 * library that runs dry in the middle of a record is no good place to shed load: what is refused are new handshakes
 * (kd_tls_client_start).
 *
 * Records need a buffer of some 17 KB while they are read or written, twice per request. Each thread keeps a few. */
#include "net/tls_common.h"

#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>

#define SLAB (32 * 1024)
/* The buffers of records: a record with its overhead (RFC 8446 section 5.2), in one size. */
#define BUFFER_MIN   (KD_TLS_RECORD + 1)
#define BUFFER_SIZE  (KD_TLS_RECORD + 1024)
#define BUFFERS_KEPT 4

typedef struct buffer {
    struct buffer *next;
} buffer;

static _Thread_local ptrdiff_t untold; /* bytes taken (above zero) or given back that the ledger does not know of */
static _Thread_local buffer *kept;
static _Thread_local unsigned n_kept;
static _Thread_local bool has_end; /* on_thread_end will be called */
static pthread_key_t ends;

static void count(ptrdiff_t bytes)
{
    untold += bytes;
    if (KD_LIKELY(untold < SLAB && untold > -SLAB))
        return;
    if (untold > 0) {
        if (kd_ledger_reserve(KD_ACCOUNT_TLS, (size_t)untold))
            untold = 0;
    } else if (kd_ledger_used(KD_ACCOUNT_TLS) >= (size_t)-untold) {
        kd_ledger_release(KD_ACCOUNT_TLS, (size_t)-untold);
        untold = 0;
    }
}

static void on_thread_end(void *unused)
{
    (void)unused;
    has_end = false;
    while (kept) {
        buffer *b = kept;
        kept = b->next;
        count(-(ptrdiff_t)malloc_usable_size(b));
        free(b);
    }
    n_kept = 0;
}

static bool keep(void *p)
{
    if (n_kept == BUFFERS_KEPT || (!has_end && pthread_setspecific(ends, &ends) != 0))
        return false;
    has_end = true;
    buffer *b = p;
    b->next = kept;
    kept = b;
    n_kept++;
    return true;
}

static bool is_buffer(size_t n)
{
    return n >= BUFFER_MIN && n <= BUFFER_SIZE;
}

static void *take(size_t n, const char *file, int line)
{
    (void)file, (void)line;
    if (n == 0)
        return NULL;
    void *p;
    if (is_buffer(n)) {
        if (kept) {
            p = kept;
            kept = kept->next;
            n_kept--;
            return p;
        }
        n = BUFFER_SIZE;
    }
    p = malloc(n);
    if (p)
        count((ptrdiff_t)malloc_usable_size(p));
    return p;
}

static void give(void *p, const char *file, int line)
{
    (void)file, (void)line;
    if (!p)
        return;
    size_t n = malloc_usable_size(p);
    if (n >= BUFFER_SIZE && n < BUFFER_SIZE + 64 && keep(p))
        return;
    count(-(ptrdiff_t)n);
    free(p);
}

static void *change(void *p, size_t n, const char *file, int line)
{
    if (!p)
        return take(n, file, line);
    if (n == 0) {
        give(p, file, line);
        return NULL;
    }
    ptrdiff_t before = (ptrdiff_t)malloc_usable_size(p);
    void *q = realloc(p, n);
    if (q)
        count((ptrdiff_t)malloc_usable_size(q) - before);
    return q;
}

void kd_tls_memory_install(void)
{
    if (pthread_key_create(&ends, on_thread_end) == 0)
        CRYPTO_set_mem_functions(take, change, give);
}
