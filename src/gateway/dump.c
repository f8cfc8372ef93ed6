#include "gateway/dump.h"

#include "gateway/registry.h"
#include "gateway/worker.h"
#include "net/tls_server.h"

#include <stdlib.h>

#define MAX_CERTIFICATES 64u /* that the line names */

/* The shares of all workers; each adds its own on its own thread, one after the other. */
typedef struct dump {
    pthread_mutex_t lock;
    unsigned left, n;
    uint32_t by_worker[KD_MAX_WORKERS]; /* connections */
    uint64_t connections, requests, answers, failures[KD_FAIL_COUNT];
    uint64_t scopes, detached, dropped_detached, fetches, held;
    uint64_t idle, connects, reuses, retries;
    struct {
        uint64_t coming, waiting, active, completed, resumed, failed, crowded_out;
    } tls;
    int64_t expires[MAX_CERTIFICATES]; /* of the listener's certificates, in the order of the configuration */
    uint32_t n_expires;
} dump;

/* Present where the listener has TLS. */
static void write_tls(kd_buf *line, const dump *d)
{
    if (!d->n_expires)
        return;
    kd_buf_printf(line,
                  "\"tls\":{\"coming\":%llu,\"waiting\":%llu,\"active\":%llu,\"completed\":%llu,\"resumed\":%llu,"
                  "\"failed\":%llu,\"crowded_out\":%llu,\"expires\":[",
                  (unsigned long long)d->tls.coming, (unsigned long long)d->tls.waiting,
                  (unsigned long long)d->tls.active, (unsigned long long)d->tls.completed,
                  (unsigned long long)d->tls.resumed, (unsigned long long)d->tls.failed,
                  (unsigned long long)d->tls.crowded_out);
    for (uint32_t i = 0; i < d->n_expires; i++)
        kd_buf_printf(line, "%s%lld", i ? "," : "", (long long)d->expires[i]);
    kd_buf_add(line, KD_STR("]},"));
}

static void write_line(const dump *d)
{
    kd_buf line;
    kd_buf_init(&line, 64u * 1024);
    kd_buf_add(&line, KD_STR("{\"ledger\":{"));
    for (int i = 0; i < KD_ACCOUNT_COUNT; i++)
        kd_buf_printf(&line, "\"%s\":%zu,", kd_account_name((kd_account)i), kd_ledger_used((kd_account)i));
    kd_buf_printf(&line, "\"total\":%zu,\"ceiling\":%zu},\"connections\":%llu,\"requests\":%llu,\"in_flight\":%llu,",
                  kd_ledger_total(), kd_ledger_ceiling(), (unsigned long long)d->connections,
                  (unsigned long long)d->requests, (unsigned long long)(d->requests - d->answers));
    kd_buf_printf(&line,
                  "\"scopes\":%llu,\"detached\":%llu,\"dropped_detached\":%llu,\"fetches\":%llu,\"held\":%llu,"
                  "\"objects\":%u,",
                  (unsigned long long)d->scopes, (unsigned long long)d->detached,
                  (unsigned long long)d->dropped_detached, (unsigned long long)d->fetches, (unsigned long long)d->held,
                  kd_registry_count());
    kd_buf_printf(&line, "\"pools\":{\"idle\":%llu,\"connects\":%llu,\"reuses\":%llu,\"retries\":%llu},",
                  (unsigned long long)d->idle, (unsigned long long)d->connects, (unsigned long long)d->reuses,
                  (unsigned long long)d->retries);
    write_tls(&line, d);
    kd_buf_add(&line, KD_STR("\"workers\":["));
    for (unsigned i = 0; i < d->n; i++)
        kd_buf_printf(&line, "%s%u", i ? "," : "", d->by_worker[i]);
    kd_buf_printf(&line, "],\"log_dropped\":%llu,\"failures\":{", (unsigned long long)kd_log_dropped());
    bool first = true;
    for (int k = 1; k < KD_FAIL_COUNT; k++)
        if (d->failures[k]) {
            kd_buf_printf(&line, "%s\"%s\":%llu", first ? "" : ",", kd_failure_name((kd_failure)k),
                          (unsigned long long)d->failures[k]);
            first = false;
        }
    kd_buf_add(&line, KD_STR("}}\n"));
    kd_log_raw(kd_buf_str(&line));
    kd_buf_fini(&line);
}

static void add(dump *d, const kd_gateway_worker *w)
{
    uint32_t connections = w->net->n_connections + w->net->n_coming;
    d->by_worker[w->net->index] = connections;
    d->connections += connections;
    d->requests += w->requests;
    d->answers += w->answers;
    for (int k = 0; k < KD_FAIL_COUNT; k++)
        d->failures[k] += w->failures[k];
    d->scopes += kd_gateway_worker_uses(w);
    d->detached += w->n_detached;
    d->dropped_detached += w->dropped_detached;
    d->fetches += w->n_fetches;
    for (const kd_held *held = w->held; held; held = held->next)
        d->held++;
    d->idle += w->client.n_idle;
    d->connects += w->client.connects;
    d->reuses += w->client.reuses;
    d->retries += w->client.retries;
    const kd_handshakes *h = &w->server.handshakes;
    d->tls.coming += h->n;
    d->tls.waiting += h->n_waiting;
    d->tls.active += h->n_active;
    d->tls.completed += h->completed;
    d->tls.resumed += h->resumed;
    d->tls.failed += h->failed;
    d->tls.crowded_out += h->crowded_out;
    if (!w->generation->server.tls || d->n_expires)
        return;
    kd_tls_expiry expiries[MAX_CERTIFICATES];
    uint32_t n = kd_tls_server_expiries(w->generation->server.tls, expiries, MAX_CERTIFICATES);
    d->n_expires = n < MAX_CERTIFICATES ? n : MAX_CERTIFICATES;
    for (uint32_t i = 0; i < d->n_expires; i++)
        d->expires[i] = expiries[i].expires;
}

/* Gives `n` shares up; the lock is held and let go. */
static void finish_locked(dump *d, unsigned n, bool write)
{
    d->left -= n;
    bool last = d->left == 0;
    pthread_mutex_unlock(&d->lock);
    if (!last)
        return;
    if (write)
        write_line(d);
    pthread_mutex_destroy(&d->lock);
    free(d);
}

static void deliver(void *worker, const kd_message *message)
{
    dump *d = (dump *)(uintptr_t)message->word[0];
    pthread_mutex_lock(&d->lock);
    add(d, ((kd_worker *)worker)->upper);
    finish_locked(d, 1, true);
}

void kd_dump(kd_workers *workers)
{
    dump *d = calloc(1, sizeof *d);
    if (!d)
        return;
    d->left = d->n = workers->n;
    pthread_mutex_init(&d->lock, NULL);
    for (unsigned i = 0; i < workers->n; i++) {
        kd_message message = {.deliver = deliver, .word = {(uint64_t)(uintptr_t)d}};
        if (kd_worker_post(workers->v[i], &message))
            continue;
        pthread_mutex_lock(&d->lock);
        finish_locked(d, workers->n - i, false);
        return;
    }
}
