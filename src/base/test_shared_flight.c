#include "base/random.h"
#include "base/shared.h"

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

/* What a mailbox would get, in the order of its coming. */
static struct {
    kd_flight_waiter to;
    kd_flight_news news;
} mail[64];
static size_t mail_count;

static void post(const kd_flight_waiter *to, const kd_flight_news *news)
{
    assert_true(mail_count < KD_COUNT(mail));
    mail[mail_count].to = *to;
    mail[mail_count++].news = *news;
}

static kd_flight_role join(kd_flights *f, kd_str key, uint32_t slot, uint64_t *ticket)
{
    return kd_flight_join(f, key, &(kd_flight_waiter){post, 3, slot, 1000u + slot}, ticket);
}

static void assert_mail(size_t i, uint32_t slot, kd_flight_event event)
{
    assert_true(i < mail_count);
    assert_int_equal(mail[i].to.worker, 3);
    assert_int_equal(mail[i].to.slot, slot);
    assert_int_equal(mail[i].to.generation, 1000 + slot);
    assert_int_equal(mail[i].news.event, event);
}

static void owner_lands_for_all(void **state)
{
    enum { WAITERS = 40 }; /* more than one batch */
    kd_flights *f = kd_flights_create(100);
    uint64_t owner, waiter[WAITERS], other, again;
    mail_count = 0;
    assert_int_equal(join(f, KD_STR("k"), 99, &owner), KD_FLIGHT_OWNER);
    assert_int_equal(join(f, KD_STR("another"), 98, &other), KD_FLIGHT_OWNER);
    for (uint32_t i = 0; i < WAITERS; i++)
        assert_int_equal(join(f, KD_STR("k"), i, &waiter[i]), KD_FLIGHT_WAITING);
    assert_int_equal(kd_flights_count(f), WAITERS + 2);
    kd_flight_leave(f, waiter[5]);
    assert_false(kd_flight_finish(f, waiter[6], NULL)); /* a waiter cannot end it */
    kd_blob *blob = kd_blob_create(KD_ACCOUNT_CACHES, KD_STR("answer"));
    assert_true(kd_flight_finish(f, owner, blob));
    assert_int_equal(mail_count, WAITERS - 1);
    for (size_t i = 0; i < mail_count; i++) {
        assert_mail(i, (uint32_t)(i < 5 ? i : i + 1), KD_FLIGHT_LANDED);
        assert_ptr_equal(mail[i].news.blob, blob);
        kd_blob_unref(mail[i].news.blob);
    }
    assert_int_equal(atomic_load(&blob->references), 1);
    kd_blob_unref(blob);
    /* Everything about it is over; the next one begins anew. */
    assert_false(kd_flight_finish(f, owner, NULL));
    kd_flight_leave(f, waiter[7]);
    kd_flight_leave(f, owner);
    assert_int_equal(kd_flights_count(f), 1);
    assert_int_equal(join(f, KD_STR("k"), 1, &again), KD_FLIGHT_OWNER);
    kd_flight_leave(f, owner); /* the old ticket does not touch the new flight in the same place */
    assert_true(kd_flight_fail(f, again, KD_FAIL_RESET));
    kd_flight_leave(f, other);
    assert_int_equal(kd_flights_count(f), 0);
    assert_int_equal(mail_count, WAITERS - 1);
    kd_flights_destroy(f);
}

static void failure_reaches_all(void **state)
{
    kd_flights *f = kd_flights_create(10);
    uint64_t owner, waiter;
    mail_count = 0;
    join(f, KD_STR("k"), 1, &owner);
    join(f, KD_STR("k"), 2, &waiter);
    assert_true(kd_flight_fail(f, owner, KD_FAIL_REFUSED));
    assert_int_equal(mail_count, 1);
    assert_mail(0, 2, KD_FLIGHT_FAILED);
    assert_int_equal(mail[0].news.failure, KD_FAIL_REFUSED);
    assert_null(mail[0].news.blob);
    kd_flights_destroy(f);
}

static void next_waiter_takes_over(void **state)
{
    kd_flights *f = kd_flights_create(10);
    uint64_t t[5];
    mail_count = 0;
    for (uint32_t i = 0; i < 4; i++)
        assert_int_equal(join(f, KD_STR("k"), i, &t[i]), i ? KD_FLIGHT_WAITING : KD_FLIGHT_OWNER);
    kd_flight_leave(f, t[0]);
    assert_int_equal(mail_count, 1);
    assert_mail(0, 1, KD_FLIGHT_TAKE_OVER);
    /* The heir dies before it reads its mail: its leaving passes the flight on. */
    kd_flight_leave(f, t[1]);
    assert_int_equal(mail_count, 2);
    assert_mail(1, 2, KD_FLIGHT_TAKE_OVER);
    assert_false(kd_flight_finish(f, t[0], NULL));
    assert_false(kd_flight_finish(f, t[1], NULL));
    assert_int_equal(join(f, KD_STR("k"), 4, &t[4]), KD_FLIGHT_WAITING);
    assert_true(kd_flight_finish(f, t[2], NULL));
    assert_int_equal(mail_count, 4);
    assert_mail(2, 3, KD_FLIGHT_LANDED);
    assert_mail(3, 4, KD_FLIGHT_LANDED);
    /* An owner without waiters just goes. */
    assert_int_equal(join(f, KD_STR("k"), 5, &t[0]), KD_FLIGHT_OWNER);
    kd_flight_leave(f, t[0]);
    assert_int_equal(mail_count, 4);
    assert_int_equal(kd_flights_count(f), 0);
    kd_flights_destroy(f);
}

static void flights_are_bounded(void **state)
{
    size_t before = kd_ledger_used(KD_ACCOUNT_TABLES);
    assert_null(kd_flights_create(0));
    assert_null(kd_flights_create(UINT32_MAX));
    kd_ledger_set_ceiling(kd_ledger_total() + 50);
    assert_null(kd_flights_create(5));
    kd_ledger_set_ceiling(kd_ledger_total() + 300); /* no place at all */
    kd_flights *f = kd_flights_create(2);
    uint64_t t[3];
    assert_int_equal(join(f, KD_STR("a"), 0, &t[0]), KD_FLIGHT_ALONE);
    assert_int_equal(t[0], 0);
    kd_flight_leave(f, t[0]);
    assert_int_equal(kd_flights_count(f), 0);
    kd_ledger_set_ceiling(0);
    assert_int_equal(join(f, KD_STR("a"), 0, &t[0]), KD_FLIGHT_OWNER);
    assert_int_equal(join(f, KD_STR("a"), 1, &t[1]), KD_FLIGHT_WAITING);
    assert_int_equal(join(f, KD_STR("b"), 2, &t[2]), KD_FLIGHT_ALONE);
    kd_flight_leave(f, t[1]);
    assert_int_equal(join(f, KD_STR("b"), 2, &t[2]), KD_FLIGHT_OWNER);
    kd_flight_leave(f, UINT64_MAX);
    kd_flight_leave(f, t[2]);
    kd_flight_leave(f, t[0]);
    kd_flights_destroy(f);
    kd_flights_destroy(NULL);
    assert_int_equal(kd_ledger_used(KD_ACCOUNT_TABLES), before);
}

/* ---- threads: every worker has one mailbox cell per slot, as the network floor will ---- */

enum { THREADS = 4, ROUNDS = 4000, KEYS = 3 };

typedef struct cell {
    pthread_mutex_t lock;
    uint64_t generation;
    bool full;
    kd_flight_news news;
} cell;

static cell cells[THREADS];
static kd_flights *shared;
static _Atomic uint64_t fetched, served, gone;

static void deliver(const kd_flight_waiter *to, const kd_flight_news *news)
{
    cell *c = &cells[to->worker];
    pthread_mutex_lock(&c->lock);
    if (c->generation == to->generation) {
        if (c->full)
            abort(); /* one wait gets one answer, or one call to take over at a time */
        c->full = true;
        c->news = *news;
    } else {
        kd_blob_unref(news->blob);
    }
    pthread_mutex_unlock(&c->lock);
}

/* Waits for news or, now and then, gives up. False when it gave up. */
static bool await(cell *c, bool patient, kd_flight_news *news)
{
    for (int spins = 0; patient || spins < 50; spins++) {
        pthread_mutex_lock(&c->lock);
        bool full = c->full;
        *news = c->news;
        c->full = false;
        pthread_mutex_unlock(&c->lock);
        if (full)
            return true;
        sched_yield();
    }
    return false;
}

static void close_cell(cell *c)
{
    pthread_mutex_lock(&c->lock);
    c->generation++;
    if (c->full)
        kd_blob_unref(c->news.blob);
    c->full = false;
    pthread_mutex_unlock(&c->lock);
}

static void own(uint64_t ticket)
{
    uint64_t chance = kd_random_below(10);
    if (chance < 3) { /* dies */
        kd_flight_leave(shared, ticket);
        atomic_fetch_add(&gone, 1);
        return;
    }
    sched_yield();
    kd_blob *blob = chance < 9 ? kd_blob_create(KD_ACCOUNT_CACHES, KD_STR("answer")) : NULL;
    if (!(blob ? kd_flight_finish(shared, ticket, blob) : kd_flight_fail(shared, ticket, KD_FAIL_RESET)))
        abort();
    kd_blob_unref(blob);
    atomic_fetch_add(&fetched, 1);
}

static void *take_flights(void *context)
{
    uint32_t worker = *(uint32_t *)context;
    cell *c = &cells[worker];
    for (int i = 0; i < ROUNDS; i++) {
        kd_flight_waiter self = {deliver, worker, 0, c->generation};
        kd_flight_news news;
        uint64_t ticket;
        char key = (char)kd_random_below(KEYS);
        bool patient = kd_random_below(4) != 0;
        kd_flight_role role = kd_flight_join(shared, kd_str_of(&key, 1), &self, &ticket);
        if (role == KD_FLIGHT_OWNER) {
            own(ticket);
        } else if (role != KD_FLIGHT_WAITING) {
            abort();
        } else if (!await(c, patient, &news)) {
            kd_flight_leave(shared, ticket);
            atomic_fetch_add(&gone, 1);
        } else if (news.event == KD_FLIGHT_TAKE_OVER) {
            own(ticket);
        } else {
            if (news.blob && !kd_str_eq(kd_blob_str(news.blob), KD_STR("answer")))
                abort();
            kd_blob_unref(news.blob);
            atomic_fetch_add(&served, 1);
        }
        close_cell(c);
    }
    return NULL;
}

/* Nobody waits for ever, although owners die and waiters give up at any moment, and nothing leaks. */
static void threads_always_get_news(void **state)
{
    size_t before = kd_ledger_used(KD_ACCOUNT_CACHES);
    shared = kd_flights_create(2000);
    pthread_t threads[THREADS];
    uint32_t number[THREADS];
    for (uint32_t i = 0; i < THREADS; i++) {
        pthread_mutex_init(&cells[i].lock, NULL);
        cells[i].generation = 1;
    }
    for (uint32_t i = 0; i < THREADS; i++) {
        number[i] = i;
        pthread_create(&threads[i], NULL, take_flights, &number[i]);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(fetched + served + gone, THREADS * ROUNDS);
    assert_int_equal(kd_flights_count(shared), 0);
    assert_int_equal(kd_ledger_used(KD_ACCOUNT_CACHES), before);
    kd_flights_destroy(shared);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(owner_lands_for_all),     cmocka_unit_test(failure_reaches_all),
        cmocka_unit_test(next_waiter_takes_over),  cmocka_unit_test(flights_are_bounded),
        cmocka_unit_test(threads_always_get_news),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
