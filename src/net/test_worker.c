/* Workers: creation, threads, messages, the end, the date. */
#include "net/worker.h"

#include "base/ledger.h"

#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static _Atomic unsigned started, stopped, delivered;
static sem_t arrived;

static bool on_start(kd_worker *worker)
{
    sigset_t mask;
    char name[16], want[32];
    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    pthread_getname_np(pthread_self(), name, sizeof name);
    snprintf(want, sizeof want, "worker-%u", worker->index);
    bool ok = strcmp(name, want) == 0 && sigismember(&mask, SIGTERM) == 1 && sigismember(&mask, SIGHUP) == 1 &&
              sigismember(&mask, SIGSEGV) == 0;
    /* The scratch is writable to its last byte. */
    worker->scratch[0] = worker->scratch[KD_SCRATCH_SIZE + KD_SCRATCH_PAD - 1] = 1;
    worker->upper = worker;
    if (ok)
        atomic_fetch_add(&started, 1);
    return true;
}

static bool refuse_third(kd_worker *worker)
{
    atomic_fetch_add(&started, 1);
    return worker->index != 2;
}

static void on_stop(kd_worker *worker)
{
    if (worker->upper == worker || !worker->upper)
        atomic_fetch_add(&stopped, 1);
}

static void deliver(void *to, const kd_message *message)
{
    kd_worker *worker = to;
    atomic_fetch_add(&delivered, message->word[0] == 7 && worker->all->v[worker->index] == worker);
    sem_post(&arrived);
}

static int reset(void **state)
{
    started = stopped = delivered = 0;
    return sem_init(&arrived, 0, 0);
}

static void test_life(void **state)
{
    static const unsigned counts[] = {1, 2, 7};
    for (size_t i = 0; i < KD_COUNT(counts); i++) {
        unsigned n = counts[i];
        kd_workers workers;
        reset(NULL);
        assert_true(kd_workers_create(&workers, n));
        assert_int_equal(workers.n, n);
        /* A message may be waiting before the thread runs. */
        kd_message message = {.deliver = deliver, .word = {7}};
        assert_true(kd_worker_post(workers.v[n - 1], &message));
        assert_true(kd_workers_start(&workers, on_start, on_stop));
        assert_int_equal(started, n);
        assert_true(kd_workers_post(&workers, &message));
        for (unsigned k = 0; k < n + 1; k++)
            sem_wait(&arrived);
        assert_int_equal(delivered, n + 1);
        kd_workers_join(&workers);
        assert_int_equal(stopped, n);
        kd_workers_destroy(&workers);
        assert_int_equal(kd_ledger_total(), 0);
    }
}

/* What was posted before the end is delivered before it. */
static void test_join_comes_last(void **state)
{
    kd_workers workers;
    assert_true(kd_workers_create(&workers, 2));
    assert_true(kd_workers_start(&workers, NULL, NULL));
    for (unsigned i = 0; i < 1000; i++)
        assert_true(kd_workers_post(&workers, &(kd_message){.deliver = deliver, .word = {7}}));
    kd_workers_join(&workers);
    assert_int_equal(delivered, 2000);
    kd_workers_destroy(&workers);
}

static void test_start_refused(void **state)
{
    kd_workers workers;
    assert_true(kd_workers_create(&workers, 4));
    assert_false(kd_workers_start(&workers, refuse_third, on_stop));
    assert_int_equal(started, 4);
    assert_int_equal(stopped, 3); /* not the one that never ran */
    kd_workers_destroy(&workers);
}

static void test_create_refused(void **state)
{
    kd_workers workers;
    assert_false(kd_workers_create(&workers, 0));
    assert_false(kd_workers_create(&workers, KD_MAX_WORKERS + 1));
    /* The third worker's mailbox does not fit. */
    kd_ledger_set_ceiling(2 * 16 * sizeof(kd_message) + 100);
    assert_false(kd_workers_create(&workers, 4));
    kd_ledger_set_ceiling(0);
    assert_int_equal(workers.n, 0);
    assert_int_equal(kd_ledger_total(), 0);
    /* Nor is there a descriptor for each. */
    struct rlimit before, few;
    getrlimit(RLIMIT_NOFILE, &before);
    few = before;
    few.rlim_cur = few.rlim_max = 12;
    pid_t child = fork();
    if (child == 0) {
        setrlimit(RLIMIT_NOFILE, &few);
        bool made = kd_workers_create(&workers, 32);
        _exit(made || kd_ledger_total() != 0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void test_descriptor_limit(void **state)
{
    struct rlimit limit;
    kd_workers workers;
    getrlimit(RLIMIT_NOFILE, &limit);
    rlim_t hard = limit.rlim_max;
    limit.rlim_cur = hard < 128 ? hard : 128;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_true(kd_workers_create(&workers, 1));
    getrlimit(RLIMIT_NOFILE, &limit);
    assert_int_equal(limit.rlim_cur, hard);
    kd_workers_destroy(&workers);
}

static void test_date(void **state)
{
    kd_workers workers;
    assert_true(kd_workers_create(&workers, 1));
    kd_worker *worker = workers.v[0];
    char low[29], high[29];
    kd_clock_http_date(low, kd_clock_wall() / KD_SECOND);
    kd_str date = kd_worker_date(worker);
    kd_clock_http_date(high, kd_clock_wall() / KD_SECOND);
    assert_int_equal(date.n, 29);
    assert_true(kd_str_eq(date, kd_str_of(low, 29)) || kd_str_eq(date, kd_str_of(high, 29)));
    /* Within the turn's second it is not rendered again; afterwards it is. */
    memcpy(worker->http_date, "xxx", 3);
    worker->loop.now = worker->date_expires - 1;
    assert_memory_equal(kd_worker_date(worker).p, "xxx", 3);
    worker->loop.now = worker->date_expires;
    assert_memory_not_equal(kd_worker_date(worker).p, "xxx", 3);
    kd_workers_destroy(&workers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_life, reset),          cmocka_unit_test_setup(test_join_comes_last, reset),
        cmocka_unit_test_setup(test_start_refused, reset), cmocka_unit_test(test_create_refused),
        cmocka_unit_test(test_descriptor_limit),           cmocka_unit_test(test_date),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
