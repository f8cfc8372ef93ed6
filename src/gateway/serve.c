#include "gateway/serve.h"

#include "base/cpu.h"
#include "base/ledger.h"
#include "gateway/dump.h"
#include "gateway/generation.h"
#include "gateway/listener_tls.h"
#include "gateway/logging.h"
#include "gateway/memory.h"
#include "gateway/registry.h"
#include "gateway/worker.h"
#include "net/listener.h"
#include "net/offload.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define LOG_ROOM        (1024u * 1024)
#define OFFLOAD_QUEUE   256u
#define ACCEPT_GRACE_MS 100 /* how long a closing listener waits for connections that still queue */
#define POLL_NS         (20 * 1000 * 1000)
#define LOOK_NS         (200 * 1000 * 1000) /* how often the main thread looks at the process's memory */

typedef struct process {
    const kd_serve_options *options;
    kd_workers workers;
    kd_gateway_worker *upper; /* one for each worker */
    kd_generation *generation;
    kd_listener *listener;
    _Atomic bool closed; /* no worker accepts any more */
    uint32_t generations;
    kd_memory memory;
    int64_t port;
    kd_str ip;
    char ip_text[64];
} process;

static uint32_t all_connections(const kd_workers *workers)
{
    uint32_t n = 0;
    for (unsigned i = 0; i < workers->n; i++)
        n += workers->v[i]->n_connections + workers->v[i]->n_coming;
    return n;
}

static void on_accept(kd_worker *net, void *context, int fd, const struct sockaddr *peer, socklen_t n)
{
    (void)context;
    kd_gateway_worker *worker = net->upper;
    const kd_limits *limits = &worker->generation->limits;
    bool many = limits->max_connections && all_connections(net->all) >= limits->max_connections;
    if (KD_UNLIKELY(many || kd_hold_is_full())) {
        static const char answer[] = "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\n"
                                     "Connection: close\r\n\r\n";
        kd_count(&worker->failures[KD_FAIL_SHED]);
        kd_limits_refused(many ? KD_LIMIT_CONNECTIONS : KD_LIMIT_MEMORY, limits);
        kd_server1_refuse(&worker->server, fd, kd_str_of(answer, sizeof answer - 1));
        return;
    }
    kd_server1_accept(&worker->server, fd, peer, n);
}

static void log_findings(const kd_errors *findings)
{
    for (const kd_error *e = findings ? findings->first : NULL; e; e = e->next) {
        kd_level level = e->severity == KD_SEVERITY_ERROR     ? KD_LOG_ERROR
                         : e->severity == KD_SEVERITY_WARNING ? KD_LOG_WARNING
                                                              : KD_LOG_INFO;
        char place[512] = "";
        if (e->at)
            snprintf(place, sizeof place, "%.*s:%u:%u: ", KD_FMT(e->at->file), e->at->line, e->at->column);
        kd_log(level, "[SERVICE: Config] %s%.*s%s%.*s%s%.*s", place, KD_FMT(e->key), e->key.n ? ": " : "",
               KD_FMT(e->message), e->suggestion.n ? "; " : "", KD_FMT(e->suggestion));
    }
}

static void start_log(process *p)
{
    kd_log_settings settings;
    bool improved;
    kd_str error, note;
    kd_logging_resolve(p->options->service, &settings, &improved, &error, &note);
    kd_log_configure(&settings);
    if (error.n)
        kd_log(KD_LOG_ERROR, "[SERVICE: Logging] Unable to create the logger: %.*s", KD_FMT(error));
    if (improved)
        kd_log(KD_LOG_DEBUG, "[SERVICE: telemetry/logging] Improved logging started.");
    if (note.n)
        kd_log(KD_LOG_WARNING, "[SERVICE: Logging] %.*s", KD_FMT(note));
    kd_log(KD_LOG_INFO, "Starting KrakenD v" KD_COMPAT_VERSION);
    char cwd[4096];
    if (getcwd(cwd, sizeof cwd))
        kd_log(KD_LOG_INFO, "Working directory is %s", cwd);
}

static bool make_workers(process *p)
{
    if (!kd_workers_create(&p->workers, kd_cpu_usable()))
        return false;
    p->upper = calloc(p->workers.n, sizeof *p->upper);
    for (unsigned i = 0; p->upper && i < p->workers.n; i++)
        p->workers.v[i]->upper = &p->upper[i];
    kd_registry_set_workers(&p->workers);
    return p->upper != NULL;
}

/* What a component cannot run with ends the process as KrakenD ends: a line at level FATAL, and 1. */
static bool report_fatal(const kd_errors *errors)
{
    for (const kd_error *e = errors->first; e; e = e->next) {
        if (!e->fatal)
            continue;
        log_findings(errors);
        kd_log(KD_LOG_FATAL, "%.*s", KD_FMT(e->compat));
        return true;
    }
    return false;
}

/* A conflict between routes ends the process as KrakenD's panic does: with 2, and with its words. */
static int refuse_routes(const kd_errors *errors)
{
    for (const kd_error *e = errors->first; e; e = e->next) {
        if (e->severity != KD_SEVERITY_ERROR)
            continue;
        if (e->at)
            fprintf(stderr, "%.*s:%u:%u: ", KD_FMT(e->at->file), e->at->line, e->at->column);
        fprintf(stderr, "%.*s%s%.*s\n", KD_FMT(e->key), e->key.n ? ": " : "", KD_FMT(e->message));
        if (e->compat.n)
            fprintf(stderr, "panic: %.*s\n", KD_FMT(e->compat));
    }
    return 2;
}

/* ---- reload
 * ---------------------------------------------------------------------------------------------------------- */

static void deliver_adopt(void *worker, const kd_message *message)
{
    kd_worker *net = worker;
    kd_gateway_worker_adopt(net->upper, (kd_generation *)(uintptr_t)message->word[0]);
}

static void post_all(process *p, const kd_message *message)
{
    for (unsigned i = 0; i < p->workers.n; i++) {
        struct timespec pause = {.tv_nsec = 1000 * 1000};
        while (!kd_worker_post(p->workers.v[i], message))
            nanosleep(&pause, NULL); /* only the main thread waits, never a worker */
    }
}

static void log_kept(const char *why)
{
    kd_log(KD_LOG_ERROR, "[SERVICE: Reload] %s: the present configuration stays in use", why);
}

static void log_change(const kd_service *old, const kd_service *now)
{
    uint32_t added = 0, removed = 0;
    for (int pass = 0; pass < 2; pass++) {
        const kd_service *from = pass ? old : now, *to = pass ? now : old;
        kd_map names;
        kd_map_init(&names, NULL, to->n_endpoints + 1);
        kd_arena text;
        kd_arena_init(&text, NULL, 0);
        for (uint32_t i = 0; i < to->n_endpoints; i++)
            kd_map_put(&names,
                       kd_arena_printf(&text, "%.*s %.*s", KD_FMT(to->endpoints[i].method_upper),
                                       KD_FMT(to->endpoints[i].route)),
                       (void *)1);
        for (uint32_t i = 0; i < from->n_endpoints; i++)
            if (!kd_map_find(&names, kd_arena_printf(&text, "%.*s %.*s", KD_FMT(from->endpoints[i].method_upper),
                                                     KD_FMT(from->endpoints[i].route))))
                *(pass ? &removed : &added) += 1;
        kd_map_fini(&names);
        kd_arena_reset(&text);
    }
    kd_log(KD_LOG_INFO, "[SERVICE: Reload] Configuration reloaded: %u endpoints, %u added, %u removed",
           now->n_endpoints, added, removed);
}

static bool move_listener(process *p, const kd_service *service)
{
    if (service->port == p->port && kd_str_eq(service->listen_ip, p->ip))
        return true;
    kd_arena arena;
    kd_arena_init(&arena, NULL, 0);
    kd_str error;
    kd_listener *listener =
        kd_listener_create(&arena, &p->workers, service->listen_ip, (uint16_t)service->port, on_accept, p, &error);
    if (!listener)
        kd_log(KD_LOG_ERROR, "[SERVICE: Gin] %.*s", KD_FMT(error));
    kd_arena_reset(&arena);
    if (!listener)
        return false;
    kd_listener_start(listener);
    kd_listener_drain(p->listener, ACCEPT_GRACE_MS, NULL);
    p->listener = listener; /* the old one is freed with the process: it may still be draining */
    p->port = service->port;
    size_t n = service->listen_ip.n < sizeof p->ip_text ? service->listen_ip.n : sizeof p->ip_text;
    memcpy(p->ip_text, service->listen_ip.p ? service->listen_ip.p : "", n);
    p->ip = kd_str_of(p->ip_text, n);
    kd_log(KD_LOG_INFO, "[SERVICE: Gin] Listening on port: %lld", (long long)service->port);
    return true;
}

static void reload(process *p)
{
    kd_arena arena, notes;
    kd_errors errors;
    kd_arena_init(&arena, NULL, 0);
    kd_arena_init(&notes, NULL, 0);
    kd_errors_init(&errors, &notes, 200);
    kd_service *service = p->options->load(p->options->context, &arena, &errors);
    kd_generation *generation = service ? kd_generation_create(&arena, service, p->workers.n, &errors) : NULL;
    log_findings(&errors);
    kd_str tls = generation ? kd_listener_tls_error(generation, true) : KD_STR("");
    if (tls.n)
        kd_log(KD_LOG_ERROR, "[SERVICE: Gin] %.*s", KD_FMT(tls));
    if (!generation) {
        log_kept("The configuration was refused");
    } else if (tls.n) {
        kd_generation_destroy(generation);
        log_kept("The certificates cannot be used");
    } else if (!move_listener(p, generation->service)) {
        kd_generation_destroy(generation);
        log_kept("The port cannot be used");
    } else {
        log_change(p->generation->service, generation->service);
        generation->number = ++p->generations;
        kd_log_settings settings;
        bool improved;
        kd_str error, note;
        kd_logging_resolve(generation->service, &settings, &improved, &error, &note);
        kd_log_configure(&settings);
        if (generation->server.tls != p->generation->server.tls)
            kd_listener_tls_log(generation);
        else
            kd_listener_tls_tick(generation, true);
        p->generation = generation;
        kd_memory_limit(&p->memory, &generation->limits);
        post_all(p, &(kd_message){.deliver = deliver_adopt, .word = {(uint64_t)(uintptr_t)generation}});
    }
    kd_arena_reset(&arena); /* empty where the generation has taken it over */
    kd_arena_reset(&notes);
}

/* ---- the end
 * ----------------------------------------------------------------------------------------------------------- */

static void deliver_drain(void *worker, const kd_message *message)
{
    (void)message;
    kd_gateway_worker *upper = ((kd_worker *)worker)->upper;
    kd_server1_drain(&upper->server);
}

static uint32_t connections(const process *p)
{
    return all_connections(&p->workers);
}

static void on_closed(void *context)
{
    process *p = context;
    atomic_store(&p->closed, true); /* on some worker; the main thread polls */
}

static void drain(process *p, const sigset_t *signals)
{
    kd_ns limit = p->generation->service->max_shutdown_wait_time;
    kd_ns began = kd_clock_monotonic();
    kd_listener_drain(p->listener, ACCEPT_GRACE_MS, on_closed);
    post_all(p, &(kd_message){.deliver = deliver_drain});
    struct timespec step = {.tv_nsec = POLL_NS};
    kd_ns until = began + (ACCEPT_GRACE_MS + 50) * KD_MS;
    for (;;) {
        kd_ns now = kd_clock_monotonic();
        /* A worker that has no processor yet may still find clients in its queue: only those that have closed are done.
         */
        if (atomic_load(&p->closed) && connections(p) == 0 && now >= until)
            return;
        if (limit > 0 && now - began >= limit) {
            kd_log(KD_LOG_ERROR, "[SERVICE: Gin] context deadline exceeded");
            return;
        }
        sigtimedwait(signals, NULL, &step); /* further signals change nothing */
        post_all(p, &(kd_message){.deliver = deliver_drain});
    }
}

static void await_signals(process *p, const sigset_t *signals)
{
    for (;;) {
        struct timespec pause = {.tv_nsec = LOOK_NS};
        int signal = sigtimedwait(signals, NULL, &pause);
        kd_memory_tick(&p->memory);
        kd_listener_tls_tick(p->generation, false);
        if (signal == SIGTERM || signal == SIGINT) {
            kd_log_std("Signal intercepted: %s", signal == SIGINT ? "interrupt" : "terminated");
            drain(p, signals);
            return;
        }
        if (signal == SIGHUP)
            reload(p);
        else if (signal == SIGUSR1)
            kd_dump(&p->workers);
    }
}

/* ---- the whole
 * ----------------------------------------------------------------------------------------------------------- */

static bool open_listener(process *p)
{
    const kd_service *service = p->generation->service;
    kd_arena arena;
    kd_arena_init(&arena, NULL, 0);
    kd_str error = KD_STR("");
    kd_listener_tls_log(p->generation);
    error = kd_listener_tls_error(p->generation, false);
    if (!error.n)
        p->listener =
            kd_listener_create(&arena, &p->workers, service->listen_ip, (uint16_t)service->port, on_accept, p, &error);
    if (p->listener)
        error = kd_listener_tls_error(p->generation, true);
    if (p->listener && error.n) {
        kd_listener_destroy(p->listener);
        p->listener = NULL;
    }
    if (!p->listener)
        kd_log(KD_LOG_ERROR, "[SERVICE: Gin] %.*s", KD_FMT(error));
    kd_arena_reset(&arena);
    p->port = service->port;
    size_t n = service->listen_ip.n < sizeof p->ip_text ? service->listen_ip.n : sizeof p->ip_text;
    if (n)
        memcpy(p->ip_text, service->listen_ip.p, n);
    p->ip = kd_str_of(p->ip_text, n);
    return p->listener != NULL;
}

static int run(process *p, kd_errors *errors, const sigset_t *signals)
{
    p->generation = kd_generation_create(p->options->arena, p->options->service, p->workers.n, errors);
    if (!p->generation)
        return report_fatal(errors) ? 1 : refuse_routes(errors);
    log_findings(errors);
    kd_log(KD_LOG_INFO, "Starting the KrakenD instance");
    kd_generation_log(p->generation);
    for (unsigned i = 0; i < p->workers.n; i++)
        p->upper[i].generation = p->generation;
    kd_log(KD_LOG_INFO, "[SERVICE: Gin] Listening on port: %lld", (long long)p->generation->service->port);
    kd_memory_limit(&p->memory, &p->generation->limits);
    if (open_listener(p)) {
        kd_offload_start(0, OFFLOAD_QUEUE); /* without threads everything is done on the workers */
        if (kd_workers_start(&p->workers, kd_gateway_worker_start, kd_gateway_worker_stop)) {
            kd_listener_start(p->listener);
            await_signals(p, signals);
        }
        kd_offload_stop(); /* first: results go to workers that still run */
        kd_workers_join(&p->workers);
        kd_listener_destroy(p->listener);
    } else {
        kd_generation_destroy(p->generation);
    }
    kd_log(KD_LOG_INFO, "[SERVICE: Gin] Router execution ended");
    return 0;
}

int kd_serve(const kd_serve_options *options)
{
    process p = {.options = options};
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGHUP);
    sigaddset(&signals, SIGUSR1);
    signal(SIGPIPE, SIG_IGN);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    kd_memory_prepare();
    kd_ledger_set_ceiling(kd_cpu_default_ceiling());
    if (!kd_log_start(STDOUT_FILENO, LOG_ROOM)) {
        fprintf(stderr, "krakend: out of memory\n");
        return 1;
    }
    start_log(&p);
    log_findings(options->findings);
    kd_arena notes;
    kd_errors errors;
    kd_arena_init(&notes, NULL, 0);
    kd_errors_init(&errors, &notes, 200);
    int code = 1;
    if (make_workers(&p)) {
        code = run(&p, &errors, &signals);
        kd_workers_destroy(&p.workers);
    } else {
        fprintf(stderr, "krakend: no memory or descriptors for the workers\n");
    }
    free(p.upper);
    kd_arena_reset(&notes);
    kd_log_stop();
    return code;
}
