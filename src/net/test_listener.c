/* Listeners: binding and its error texts, accepting, handing over, running out of descriptors, draining. */
#include "net/listener.h"

#include "base/log.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

static kd_arena arena;
static kd_workers workers;
static sem_t accepted, closed;
static _Atomic unsigned taken[KD_MAX_WORKERS];
static _Atomic unsigned bad;

/* Greets with the worker's number and closes: the client sees who took it, and that nothing was lost. */
static void on_accept(kd_worker *worker, void *context, int fd, const struct sockaddr *peer, socklen_t n)
{
    int flags = fcntl(fd, F_GETFL), close_on_exec = fcntl(fd, F_GETFD);
    if (!(flags & O_NONBLOCK) || !(close_on_exec & FD_CLOEXEC) || context != &workers || n < sizeof(struct sockaddr_in))
        atomic_fetch_add(&bad, 1);
    atomic_fetch_add(&taken[worker->index], 1);
    atomic_fetch_add(&worker->n_connections, 1);
    if (write(fd, "x", 1) != 1)
        atomic_fetch_add(&bad, 1);
    close(fd);
    sem_post(&accepted);
}

static void on_closed(void *context)
{
    if (context != &workers)
        atomic_fetch_add(&bad, 1);
    sem_post(&closed);
}

static void begin(unsigned n)
{
    kd_arena_init(&arena, NULL, 0);
    memset((void *)taken, 0, sizeof taken);
    bad = 0;
    sem_init(&accepted, 0, 0);
    sem_init(&closed, 0, 0);
    assert_true(kd_workers_create(&workers, n));
}

static void end(void)
{
    kd_workers_destroy(&workers);
    kd_arena_reset(&arena);
    assert_int_equal(bad, 0);
}

static int dial(uint16_t port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (connect(fd, (struct sockaddr *)&to, sizeof to) == 0)
        return fd;
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

/* Was the connection greeted and closed in good order? */
static bool greeted(int fd)
{
    char c[2];
    bool ok = read(fd, c, 1) == 1 && read(fd, c, 1) == 0;
    close(fd);
    return ok;
}

static kd_listener *listen_at(const char *ip, uint16_t port, kd_str *error)
{
    return kd_listener_create(&arena, &workers, kd_str_from_c(ip), port, on_accept, &workers, error);
}

static void test_error_texts(void **state)
{
    static const struct {
        const char *holder;    /* who listens already; NULL: nobody */
        const char *ip, *text; /* %u stands for the port */
        unsigned n_workers;
    } rows[] = {
        {"", "", "listen tcp :%u: bind: address already in use", 2},
        {"", "", "listen tcp :%u: bind: address already in use", 1},
        {"127.0.0.1", "127.0.0.1", "listen tcp 127.0.0.1:%u: bind: address already in use", 2},
        {"127.0.0.1", "", "listen tcp :%u: bind: address already in use", 3},
        {"", "127.0.0.1", "listen tcp 127.0.0.1:%u: bind: address already in use", 3},
        {"", "0.0.0.0", "listen tcp 0.0.0.0:%u: bind: address already in use", 1},
        {NULL, "192.0.2.1", "listen tcp 192.0.2.1:%u: bind: cannot assign requested address", 2},
        {NULL, "no such name", "listen tcp: lookup no such name: no such host", 2},
    };
    for (size_t i = 0; i < KD_COUNT(rows); i++) {
        begin(rows[i].n_workers);
        kd_str error = {0};
        kd_listener *holder = rows[i].holder ? listen_at(rows[i].holder, 0, &error) : NULL;
        uint16_t port = holder ? kd_listener_port(holder) : 18080;
        char want[128];
        snprintf(want, sizeof want, rows[i].text, port);
        assert_null(listen_at(rows[i].ip, port, &error));
        assert_int_equal(error.n, strlen(want));
        assert_memory_equal(error.p, want, error.n);
        if (holder)
            kd_listener_destroy(holder);
        end();
    }
}

/* A socket of another program that shares its port lets nobody else of ours in. */
static void test_refuses_shared_port(void **state)
{
    begin(2);
    int other = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof at;
    setsockopt(other, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    assert_int_equal(bind(other, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(other, 1), 0);
    getsockname(other, (struct sockaddr *)&at, &n);
    kd_str error;
    assert_null(listen_at("127.0.0.1", ntohs(at.sin_port), &error));
    assert_true(kd_str_ends(error, KD_STR("bind: address already in use")));
    close(other);
    end();
}

static void test_accepts(void **state)
{
    static const struct {
        const char *ip;
        unsigned n_workers;
    } rows[] = {{"", 1}, {"", 4}, {"127.0.0.1", 3}, {"0.0.0.0", 2}, {"localhost", 2}};
    for (size_t i = 0; i < KD_COUNT(rows); i++) {
        begin(rows[i].n_workers);
        kd_str error = {0};
        kd_listener *listener = listen_at(rows[i].ip, 0, &error);
        assert_non_null(listener);
        assert_true(kd_workers_start(&workers, NULL, NULL));
        int waiting[8], fds[200];
        for (unsigned k = 0; k < KD_COUNT(waiting); k++)
            waiting[k] = dial(kd_listener_port(listener)); /* before anybody accepts */
        kd_listener_start(listener);
        for (unsigned k = 0; k < KD_COUNT(fds); k++)
            fds[k] = dial(kd_listener_port(listener));
        for (unsigned k = 0; k < KD_COUNT(waiting); k++)
            assert_true(greeted(waiting[k]));
        for (unsigned k = 0; k < KD_COUNT(fds); k++)
            assert_true(greeted(fds[k]));
        unsigned sum = 0;
        for (unsigned k = 0; k < workers.n; k++) {
            /* Handing over keeps the counts near each other, whatever the kernel's hash says; `taken` moves a little
             * later than n_coming does, so a few of lead are normal. */
            assert_in_range(taken[k], 208 / workers.n / 2, 208);
            sum += taken[k];
        }
        assert_int_equal(sum, 208);
        kd_listener_drain(listener, 0, on_closed);
        sem_wait(&closed);
        kd_listener_destroy(listener);
        kd_workers_join(&workers);
        end();
    }
}

static void test_hand_over(void **state)
{
    begin(2);
    kd_str error;
    kd_listener *listener = listen_at("127.0.0.1", 0, &error);
    assert_non_null(listener);
    workers.v[0]->n_connections = 1000; /* as if it had that many: everything goes to the other */
    assert_true(kd_workers_start(&workers, NULL, NULL));
    kd_listener_start(listener);
    for (unsigned k = 0; k < 100; k++)
        assert_true(greeted(dial(kd_listener_port(listener))));
    for (unsigned k = 0; k < 100; k++)
        sem_wait(&accepted);
    assert_int_equal(taken[0], 0);
    assert_int_equal(taken[1], 100);
    assert_int_equal(workers.v[0]->n_coming + workers.v[1]->n_coming, 0);
    kd_listener_drain(listener, 1, on_closed);
    sem_wait(&closed);
    kd_listener_destroy(listener);
    kd_workers_join(&workers);
    end();
}

/* Clients dial without pause while the listener drains: every connection that came about is served. */
static void test_drain_loses_nothing(void **state)
{
    begin(3);
    kd_str error;
    kd_listener *listener = listen_at("127.0.0.1", 0, &error);
    assert_non_null(listener);
    uint16_t port = kd_listener_port(listener);
    assert_true(kd_workers_start(&workers, NULL, NULL));
    int fds[600];
    unsigned n = 0;
    for (; n < 300; n++)
        fds[n] = dial(port);
    kd_listener_start(listener);
    kd_listener_drain(listener, 300, on_closed);
    kd_listener_drain(listener, 0, NULL); /* the second is ignored */
    for (; n < KD_COUNT(fds); n++)
        if ((fds[n] = dial(port)) < 0)
            break;
    sem_wait(&closed);
    for (unsigned k = 0; k < n; k++)
        assert_true(greeted(fds[k]));
    assert_int_equal(dial(port), -1);
    assert_int_equal(errno, ECONNREFUSED);
    kd_listener_destroy(listener);
    kd_workers_join(&workers);
    end();
}

/* Clients that never pause cannot keep a draining listener open. */
static void test_drain_ends_under_load(void **state)
{
    begin(2);
    kd_str error;
    kd_listener *listener = listen_at("127.0.0.1", 0, &error);
    assert_non_null(listener);
    assert_true(kd_workers_start(&workers, NULL, NULL));
    kd_listener_start(listener);
    kd_listener_drain(listener, 50, on_closed);
    unsigned n = 0, served = 0;
    for (;;) {
        int fd = dial(kd_listener_port(listener));
        if (fd < 0 && errno == ECONNRESET)
            continue; /* the socket closed during the handshake; the other may be open still */
        if (fd < 0)
            break;
        n++;
        served += greeted(fd);
        poll(NULL, 0, 1);
    }
    assert_int_equal(errno, ECONNREFUSED);
    assert_true(n > 0 && served + workers.n >= n); /* at most one in flight when a socket closes */
    sem_wait(&closed);
    kd_listener_destroy(listener);
    kd_workers_join(&workers);
    end();
}

static void test_out_of_descriptors(void **state)
{
    begin(1);
    kd_str error;
    int log[2];
    assert_int_equal(pipe2(log, O_CLOEXEC), 0);
    assert_true(kd_log_start(log[1], 65536));
    kd_listener *listener = listen_at("127.0.0.1", 0, &error);
    assert_non_null(listener);
    assert_true(kd_workers_start(&workers, NULL, NULL));
    kd_listener_start(listener);
    /* The clients exist; the limit falls to what is open now. */
    int clients[4], lowest = dup(0);
    close(lowest);
    struct rlimit before, none;
    getrlimit(RLIMIT_NOFILE, &before);
    for (unsigned k = 0; k < KD_COUNT(clients); k++)
        clients[k] = socket(AF_INET, SOCK_STREAM, 0);
    none = before;
    none.rlim_cur = 3;
    uint64_t pauses = kd_listener_pauses();
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(kd_listener_port(listener)),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    for (unsigned k = 0; k < KD_COUNT(clients); k++)
        assert_int_equal(connect(clients[k], (struct sockaddr *)&to, sizeof to), 0);
    while (kd_listener_pauses() < pauses + 2)
        poll(NULL, 0, 10);
    assert_int_equal(sem_trywait(&accepted), -1);
    setrlimit(RLIMIT_NOFILE, &before);
    for (unsigned k = 0; k < KD_COUNT(clients); k++)
        assert_true(greeted(clients[k]));
    kd_listener_drain(listener, 0, on_closed);
    sem_wait(&closed);
    kd_listener_destroy(listener);
    kd_workers_join(&workers);
    kd_log_stop();
    char text[4096];
    ssize_t got = read(log[0], text, sizeof text);
    assert_true(got > 0);
    assert_true(kd_str_search(kd_str_of(text, (size_t)got),
                              KD_STR("WARNING: [SERVICE: HTTP Server] accept: too many open files")) >= 0);
    close(log[0]);
    close(log[1]);
    end();
}

/* IPv6 clients reach the same socket where the system has IPv6. */
static void test_dual_stack(void **state)
{
    begin(2);
    kd_str error;
    kd_listener *listener = listen_at("", 0, &error);
    assert_non_null(listener);
    assert_true(kd_workers_start(&workers, NULL, NULL));
    kd_listener_start(listener);
    assert_true(greeted(dial(kd_listener_port(listener))));
    int fd = socket(AF_INET6, SOCK_STREAM, 0);
    struct sockaddr_in6 to = {
        .sin6_family = AF_INET6, .sin6_port = htons(kd_listener_port(listener)), .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    if (fd >= 0 && (connect(fd, (struct sockaddr *)&to, sizeof to) == 0 || errno == ECONNREFUSED))
        assert_true(greeted(fd));
    else
        print_message("no IPv6 loopback here\n");
    kd_listener_drain(listener, 0, on_closed);
    sem_wait(&closed);
    kd_listener_destroy(listener);
    kd_workers_join(&workers);
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_error_texts),
        cmocka_unit_test(test_refuses_shared_port),
        cmocka_unit_test(test_accepts),
        cmocka_unit_test(test_hand_over),
        cmocka_unit_test(test_drain_loses_nothing),
        cmocka_unit_test(test_drain_ends_under_load),
        cmocka_unit_test(test_out_of_descriptors),
        cmocka_unit_test(test_dual_stack),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
