/* The pool: results, bound, deadlines, the end. */
#include "net/offload.h"

#include "base/ledger.h"

#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* A job of the tests: counts what was done to it. */
typedef struct probe {
    kd_job job;
    unsigned ran, done;
    bool expired, on_worker;
} probe;

static kd_workers workers;
static sem_t entered, gate, finished;

static void run_quick(kd_job *job)
{
    KD_CONTAINER(job, probe, job)->ran++;
}

/* Holds a pool thread until the test opens the gate. */
static void run_held(kd_job *job)
{
    run_quick(job);
    sem_post(&entered);
    sem_wait(&gate);
}

static void on_done(kd_worker *worker, kd_job *job)
{
    probe *p = KD_CONTAINER(job, probe, job);
    p->done++;
    p->expired = job->expired;
    p->on_worker = worker == job->worker && pthread_equal(pthread_self(), worker->thread);
    sem_post(&finished);
}

static probe make(void (*run)(kd_job *), unsigned worker)
{
    return (probe){.job = {.run = run, .on_done = on_done, .worker = workers.v[worker]}};
}

static int setup(void **state)
{
    sem_init(&entered, 0, 0);
    sem_init(&gate, 0, 0);
    sem_init(&finished, 0, 0);
    return kd_workers_create(&workers, 2) && kd_workers_start(&workers, NULL, NULL) ? 0 : -1;
}

static int teardown(void **state)
{
    kd_offload_stop(); /* twice is harmless */
    kd_workers_join(&workers);
    kd_workers_destroy(&workers);
    return kd_ledger_total() == 0 ? 0 : -1;
}

static void wait_finished(unsigned n)
{
    while (n--)
        sem_wait(&finished);
}

static void test_results(void **state)
{
    static const unsigned threads[] = {0, 1, 5};
    static probe p[200];
    for (size_t i = 0; i < KD_COUNT(threads); i++) {
        assert_true(kd_offload_start(threads[i], KD_COUNT(p)));
        for (unsigned k = 0; k < KD_COUNT(p); k++) {
            p[k] = make(run_quick, k % 2);
            assert_true(kd_offload_submit(&p[k].job));
        }
        wait_finished(KD_COUNT(p));
        kd_offload_stop();
        for (unsigned k = 0; k < KD_COUNT(p); k++) {
            assert_int_equal(p[k].ran, 1);
            assert_int_equal(p[k].done, 1);
            assert_false(p[k].expired);
            assert_true(p[k].on_worker);
        }
    }
}

static void test_bound(void **state)
{
    probe held = make(run_held, 0), waiting[3] = {make(run_quick, 0), make(run_quick, 1), make(run_quick, 0)};
    probe refused = make(run_quick, 0);
    assert_false(kd_offload_submit(&held.job)); /* not started */
    size_t before = kd_ledger_used(KD_ACCOUNT_QUEUES);
    assert_true(kd_offload_start(1, 3));
    assert_int_equal(kd_ledger_used(KD_ACCOUNT_QUEUES) - before, 3 * sizeof(kd_job));
    assert_true(kd_offload_submit(&held.job));
    sem_wait(&entered);
    for (unsigned k = 0; k < 3; k++)
        assert_true(kd_offload_submit(&waiting[k].job));
    assert_false(kd_offload_submit(&refused.job));
    sem_post(&gate);
    wait_finished(4);
    assert_true(kd_offload_submit(&refused.job));
    wait_finished(1);
    assert_int_equal(refused.ran, 1);
}

static void test_deadline(void **state)
{
    probe held = make(run_held, 0), late = make(run_quick, 1), early = make(run_quick, 1);
    assert_true(kd_offload_start(1, 3));
    assert_true(kd_offload_submit(&held.job));
    sem_wait(&entered);
    late.job.deadline = kd_clock_monotonic() - 1;
    early.job.deadline = kd_clock_monotonic() + 3600 * KD_SECOND;
    assert_true(kd_offload_submit(&late.job));
    assert_true(kd_offload_submit(&early.job));
    sem_post(&gate);
    wait_finished(3);
    assert_int_equal(late.ran, 0);
    assert_true(late.expired && late.done == 1);
    assert_int_equal(early.ran, 1);
    assert_false(early.expired);
}

static void *stop(void *context)
{
    kd_offload_stop();
    return NULL;
}

/* At the end the running job finishes and the waiting ones come back unrun. */
static void test_stop(void **state)
{
    static probe waiting[20000];
    probe held = make(run_held, 0);
    pthread_t stopper;
    unsigned n = 0;
    assert_true(kd_offload_start(1, KD_COUNT(waiting)));
    assert_true(kd_offload_submit(&held.job));
    sem_wait(&entered);
    waiting[n] = make(run_quick, 1);
    assert_true(kd_offload_submit(&waiting[n++].job));
    assert_int_equal(pthread_create(&stopper, NULL, stop, NULL), 0);
    /* The queue has room for all of these, so a refusal says that the stop has begun. */
    for (; n < KD_COUNT(waiting); n++) {
        waiting[n] = make(run_quick, n % 2);
        if (!kd_offload_submit(&waiting[n].job))
            break;
        sched_yield();
    }
    bool begun = n < KD_COUNT(waiting);
    sem_post(&gate);
    pthread_join(stopper, NULL);
    kd_workers_join(&workers);
    assert_true(held.ran == 1 && held.done == 1 && !held.expired);
    for (unsigned i = 0; i < n; i++) {
        assert_int_equal(waiting[i].done, 1);
        assert_int_equal(waiting[i].ran, !waiting[i].expired);
        assert_true(waiting[i].on_worker);
    }
    assert_true(!begun || waiting[0].expired);
}

static void test_without_memory(void **state)
{
    kd_ledger_set_ceiling(kd_ledger_total() + 10);
    assert_false(kd_offload_start(1, 100));
    kd_ledger_set_ceiling(0);
    probe p = make(run_quick, 0);
    assert_false(kd_offload_submit(&p.job));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_results, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bound, setup, teardown),
        cmocka_unit_test_setup_teardown(test_deadline, setup, teardown),
        cmocka_unit_test_setup_teardown(test_stop, setup, teardown),
        cmocka_unit_test_setup_teardown(test_without_memory, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
