/* The timer wheel, against a plain list of what should fire when. */
#include "net/timer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

typedef struct probe {
    kd_timer timer;
    kd_ns at;    /* asked for */
    kd_ns fired; /* the time that the test's clock showed; 0: not yet */
    unsigned count;
} probe;

static kd_timers timers;
static kd_ns now;

static void on_fire(kd_timer *timer)
{
    probe *p = KD_CONTAINER(timer, probe, timer);
    p->fired = now;
    p->count++;
    assert_false(kd_timer_armed(timer));
}

static int setup(void **state)
{
    now = 1234567 * KD_MS + 890;
    kd_timers_init(&timers, now);
    return 0;
}

static void arm(probe *p, kd_ns after)
{
    *p = (probe){.at = now + after};
    kd_timer_init(&p->timer, on_fire);
    kd_timer_arm(&timers, &p->timer, p->at);
    assert_true(kd_timer_armed(&p->timer));
}

static void run_at(kd_ns at)
{
    now = at;
    kd_timers_run(&timers, now);
}

/* Around the borders of every wheel: silent up to the time, fired in the tick behind it. */
static void test_borders(void **state)
{
    static const int64_t ms[] = {0,      1,      2,       62,       63,         64,         65,
                                 127,    128,    4094,    4095,     4096,       4097,       8191,
                                 262143, 262144, 262145,  16777215, 16777216,   16777217,   5,
                                 1000,   300000, 3600000, 86400000, 1073741823, 1073741824, 1073741825};
    for (size_t i = 0; i < KD_COUNT(ms); i++) {
        for (int64_t start = 0; start < 130; start += 13) {
            setup(NULL);
            now += start * KD_MS;
            kd_timers_run(&timers, now);
            probe p;
            arm(&p, ms[i] * KD_MS);
            kd_ns at = p.at;
            if (ms[i] > 0) {
                run_at(at - 1);
                assert_int_equal(p.count, 0);
            }
            run_at(at - at % KD_MS + KD_MS);
            assert_int_equal(p.count, 1);
            assert_int_equal(timers.armed, 0);
            assert_int_equal(kd_timers_wait(&timers, now), -1);
        }
    }
}

static void test_past_and_far(void **state)
{
    probe past, never, far;
    arm(&past, -5 * KD_SECOND);
    arm(&never, INT64_MAX - now);
    arm(&far, 60ll * 86400 * KD_SECOND);
    run_at(now + KD_MS);
    assert_int_equal(past.count, 1);
    run_at(now + 60ll * 86400 * KD_SECOND + KD_MS);
    assert_int_equal(far.count, 1);
    assert_int_equal(never.count, 0);
    kd_timer_disarm(&timers, &never.timer);
    kd_timer_disarm(&timers, &never.timer);
    assert_int_equal(timers.armed, 0);
}

static void test_rearm(void **state)
{
    probe p;
    arm(&p, 10 * KD_MS);
    for (unsigned i = 0; i < 100; i++) {
        kd_timer_arm(&timers, &p.timer, now + 10 * KD_MS);
        run_at(now + 9 * KD_MS);
        assert_int_equal(p.count, 0);
        assert_int_equal(timers.armed, 1);
    }
    run_at(now + 2 * KD_MS);
    assert_int_equal(p.count, 1);
}

static probe group[8];

static void disarm_others(kd_timer *timer)
{
    on_fire(timer);
    for (size_t i = 0; i < KD_COUNT(group); i++)
        kd_timer_disarm(&timers, &group[i].timer);
}

static void arm_again(kd_timer *timer)
{
    on_fire(timer);
    kd_timer_arm(&timers, timer, now);
}

static void test_callbacks(void **state)
{
    /* The first to fire takes the others of its slot away. */
    for (size_t i = 0; i < KD_COUNT(group); i++) {
        arm(&group[i], 5 * KD_MS);
        group[i].timer.on_fire = disarm_others;
    }
    run_at(now + 10 * KD_MS);
    unsigned sum = 0;
    for (size_t i = 0; i < KD_COUNT(group); i++)
        sum += group[i].count;
    assert_int_equal(sum, 1);
    assert_int_equal(timers.armed, 0);
    /* One that arms itself for at once waits for the next tick: a run ends. */
    probe p;
    arm(&p, 0);
    p.timer.on_fire = arm_again;
    run_at(now + KD_MS);
    assert_int_equal(p.count, 1);
    run_at(now + KD_MS);
    assert_int_equal(p.count, 2);
    kd_timer_disarm(&timers, &p.timer);
}

/* What the loop does: sleep as long as the wheel says; nothing fires late, and the number of empty wakes is small. */
static void test_wait(void **state)
{
    static const int64_t ms[] = {0, 1, 5, 63, 64, 100, 4095, 4096, 4100, 59999, 100000, 300000, 20000000};
    for (size_t i = 0; i < KD_COUNT(ms); i++) {
        setup(NULL);
        probe p;
        unsigned wakes = 0;
        arm(&p, ms[i] * KD_MS);
        while (!p.count) {
            int wait = kd_timers_wait(&timers, now);
            assert_in_range(wait, 0, 60000);
            run_at(now + (wait ? wait : 1) * KD_MS);
            wakes++;
        }
        assert_in_range(p.fired, p.at, p.at + 2 * KD_MS);
        assert_true(wakes <= 6 + (unsigned)(ms[i] / 60000));
    }
}

/* Thousands of random operations: nothing early, nothing late, nothing twice, nothing lost. */
static void test_random(void **state)
{
    enum { N = 500, STEPS = 20000 };
    static probe p[N];
    uint64_t seed = 42;
    memset(p, 0, sizeof p);
    for (unsigned step = 0; step < STEPS; step++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        probe *one = &p[(seed >> 33) % N];
        unsigned kind = seed >> 20 & 7, scale = seed >> 8 & 31;
        kd_ns span = (kd_ns)((seed >> 13 & 0xffff) << scale) % (4000 * KD_SECOND);
        if (kind < 4) {
            if (kd_timer_armed(&one->timer))
                assert_true(one->count == 0);
            kd_timer_disarm(&timers, &one->timer);
            arm(one, span);
        } else if (kind == 4) {
            kd_timer_disarm(&timers, &one->timer);
        } else {
            kd_ns before = now;
            run_at(now + span / 64);
            uint32_t armed = 0;
            for (unsigned i = 0; i < N; i++) {
                bool is_armed = kd_timer_armed(&p[i].timer);
                armed += is_armed;
                /* Due means: the tick behind its time has begun. */
                kd_ns due = p[i].at - p[i].at % KD_MS + KD_MS;
                if (is_armed)
                    assert_true(due > now && p[i].count == 0);
                else if (p[i].count)
                    assert_true(p[i].count == 1 && p[i].fired >= due);
                if (p[i].count && p[i].fired == now)
                    assert_true(due > before || p[i].at <= before + KD_MS);
            }
            assert_int_equal(armed, timers.armed);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_borders, setup), cmocka_unit_test_setup(test_past_and_far, setup),
        cmocka_unit_test_setup(test_rearm, setup),   cmocka_unit_test_setup(test_callbacks, setup),
        cmocka_unit_test_setup(test_wait, setup),    cmocka_unit_test_setup(test_random, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
