#include "modules/qos/circuit-breaker/breaker.h"

#include "base/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* ---- scripts ----------------------------------------------------------------------------------------------------- */

/* What happens, in order, at a time in seconds. Calls are named by letters:
 *   (a   call a asks and passes      !a  it is told "open"      ?a  it is told "too many"
 *   )a   a succeeds                  xa  it fails               ~a  it is given up
 * and the state that the event changes to: o, h, c. */
typedef struct event {
    int at;
    const char *what;
} event;

static const struct {
    const char *label;
    kd_breaker_rule rule;
    event events[16];
} scripts[] = {
    {"opens behind max_errors, tries, closes",
     {0, 10 * KD_SECOND, 1},
     {{0, "(a"},
      {0, "xa"},
      {0, "(b"},
      {0, "xb o"},
      {1, "!c"},
      {10, "!c"},
      {11, "(d h"},
      {11, "?e"},
      {11, ")d c"},
      {11, "(f"},
      {11, "xf"},
      {11, "(g"},
      {11, "xg o"}}},
    {"opens at the first failure", {0, 10 * KD_SECOND, 0}, {{0, "(a"}, {0, "xa o"}, {0, "!b"}}},
    {"never opens",
     {0, 10 * KD_SECOND, UINT32_MAX},
     {{0, "(a"}, {0, "xa"}, {0, "(b"}, {0, "xb"}, {0, "(c"}, {0, "xc"}}},
    {"a failed try opens again",
     {0, 10 * KD_SECOND, 0},
     {{0, "(a"}, {0, "xa o"}, {11, "(b h"}, {12, "xb o"}, {22, "!c"}, {23, "(c h"}, {23, ")c c"}}},
    {"a success ends the run",
     {0, 10 * KD_SECOND, 1},
     {{0, "(a"}, {0, "xa"}, {0, "(b"}, {0, ")b"}, {0, "(c"}, {0, "xc"}, {0, "(d"}, {0, "xd o"}}},
    {"what is given up goes over a run",
     {0, 10 * KD_SECOND, 1},
     {{0, "(a"}, {0, "xa"}, {0, "(b"}, {0, "~b"}, {0, "(c"}, {0, "xc o"}}},
    {"a try that is given up lets another in",
     {0, 10 * KD_SECOND, 0},
     {{0, "(a"}, {0, "xa o"}, {11, "(b h"}, {11, "?c"}, {11, "~b"}, {11, "(c"}, {11, "?d"}, {11, ")c c"}}},
    {"the interval clears the count",
     {5 * KD_SECOND, 10 * KD_SECOND, 1},
     {{0, "(a"}, {0, "xa"}, {5, "(b"}, {6, "xb"}, {6, "(c"}, {6, "xc"}, {7, "(d"}, {7, "xd o"}}},
    {"the interval begins with the call that notices its end",
     {5 * KD_SECOND, 10 * KD_SECOND, 1},
     {{8, "(a"}, {9, "xa"}, {13, "(b"}, {13, "xb o"}}},
    {"a call of an earlier interval is not counted",
     {5 * KD_SECOND, 10 * KD_SECOND, 0},
     {{0, "(a"}, {6, "(b"}, {6, "xa"}, {6, "(c"}, {6, "xc o"}, {6, "xb"}, {7, "!d"}}},
    {"a late success does not close",
     {0, 10 * KD_SECOND, 0},
     {{0, "(a"}, {0, "(b"}, {0, "xa o"}, {1, ")b"}, {1, "!c"}, {11, "(d h"}, {11, "?e"}}},
    {"a late failure does not open again",
     {0, 10 * KD_SECOND, 0},
     {{0, "(a"}, {0, "(b"}, {0, "xa o"}, {11, "(c h"}, {11, "xb"}, {11, ")c c"}, {11, "(d"}}},
    {"the end of a call may begin the try",
     {0, 10 * KD_SECOND, 0},
     {{0, "(a"}, {0, "(b"}, {0, "xa o"}, {11, "xb h"}, {11, "(c"}, {11, ")c c"}}},
};

static char state_letter(kd_breaker_state state)
{
    return "cho"[state];
}

static void play(const char *label, kd_breaker *b, uint64_t tickets[128], const event *e)
{
    kd_breaker_change change;
    kd_ns now = 1 + e->at * KD_SECOND;
    unsigned who = (unsigned char)e->what[1];
    char seen;
    switch (e->what[0]) {
    case ')':
    case 'x':
    case '~':
        seen = e->what[0];
        kd_breaker_after(b, now, tickets[who],
                         seen == ')'   ? KD_BREAKER_SUCCESS
                         : seen == 'x' ? KD_BREAKER_FAILURE
                                       : KD_BREAKER_EXCLUDED,
                         &change);
        break;
    default:
        seen = "(!?"[kd_breaker_before(b, now, &tickets[who], &change)];
    }
    char wanted = e->what[2] ? e->what[3] : 0, got = change.changed ? state_letter(change.to) : 0;
    if (seen != e->what[0] || wanted != got || (change.changed && change.from == change.to))
        fail_msg("%s: at %d %s: %c, %c", label, e->at, e->what, seen, got ? got : '-');
}

static void test_scripts(void **state)
{
    for (size_t i = 0; i < KD_COUNT(scripts); i++) {
        kd_breaker b;
        uint64_t tickets[128] = {0};
        kd_breaker_init(&b, &scripts[i].rule, 1);
        for (size_t k = 0; k < KD_COUNT(scripts[i].events) && scripts[i].events[k].what; k++)
            play(scripts[i].label, &b, tickets, &scripts[i].events[k]);
        kd_breaker_fini(&b);
    }
}

static void test_counts(void **state)
{
    kd_breaker b;
    kd_breaker_rule rule = {0, KD_SECOND, 0};
    kd_breaker_change change;
    uint64_t ticket;
    kd_breaker_init(&b, &rule, 0);
    kd_breaker_before(&b, 0, &ticket, &change);
    kd_breaker_after(&b, 0, ticket, KD_BREAKER_FAILURE, &change);
    for (int i = 0; i < 5; i++)
        kd_breaker_before(&b, 1, &ticket, &change);
    assert_int_equal(b.opened, 1);
    assert_int_equal(b.turned_away, 5);
    kd_breaker_fini(&b);
}

/* ---- against the machine written down plainly -------------------------------------------------------------------- */

typedef struct model {
    kd_breaker_rule rule;
    int state;
    uint64_t generation;
    int64_t expiry; /* -1: none */
    uint64_t requests, excluded, successes_in_a_row, failures_in_a_row;
} model;

static void model_generation(model *m, kd_ns now)
{
    m->generation++;
    m->requests = m->excluded = m->successes_in_a_row = m->failures_in_a_row = 0;
    m->expiry = m->state == 2 ? now + m->rule.timeout : m->state == 0 && m->rule.interval ? now + m->rule.interval : -1;
}

static void model_set(model *m, int state, kd_ns now)
{
    if (m->state == state)
        return;
    m->state = state;
    model_generation(m, now);
}

static void model_current(model *m, kd_ns now)
{
    if (m->state == 0 && m->expiry >= 0 && m->expiry < now)
        model_generation(m, now);
    else if (m->state == 2 && m->expiry < now)
        model_set(m, 1, now);
}

static int model_before(model *m, kd_ns now, uint64_t *ticket)
{
    model_current(m, now);
    *ticket = m->generation;
    if (m->state == 2)
        return 1;
    if (m->state == 1 && m->requests - m->excluded >= 1)
        return 2;
    m->requests++;
    return 0;
}

static void model_after(model *m, kd_ns now, uint64_t ticket, int result)
{
    model_current(m, now);
    if (m->generation != ticket)
        return;
    if (result == KD_BREAKER_EXCLUDED) {
        m->excluded++;
    } else if (result == KD_BREAKER_SUCCESS) {
        m->failures_in_a_row = 0;
        m->successes_in_a_row++;
        if (m->state == 1 && m->successes_in_a_row >= 1)
            model_set(m, 0, now);
    } else if (m->state == 0) {
        m->successes_in_a_row = 0;
        if (++m->failures_in_a_row > m->rule.max_errors)
            model_set(m, 2, now);
    } else {
        model_set(m, 2, now);
    }
}

static void test_model(void **state)
{
    for (unsigned round = 0; round < 300; round++) {
        kd_breaker_rule rule = {(kd_ns)kd_random_below(3) * 50, 1 + (kd_ns)kd_random_below(60),
                                (uint32_t)kd_random_below(4)};
        unsigned bad = (unsigned)kd_random_below(10);
        kd_breaker b;
        kd_breaker_change change;
        model m = {.rule = rule};
        uint64_t ours[8], theirs[8];
        bool out[8] = {false};
        kd_ns now = 5;
        kd_breaker_init(&b, &rule, now);
        model_generation(&m, now);
        for (unsigned i = 0; i < 2000; i++) {
            unsigned k = (unsigned)kd_random_below(8);
            now += (kd_ns)kd_random_below(6);
            if (out[k]) {
                int result = kd_random_below(10) < bad ? KD_BREAKER_FAILURE
                             : kd_random_below(8)      ? KD_BREAKER_SUCCESS
                                                       : KD_BREAKER_EXCLUDED;
                kd_breaker_after(&b, now, ours[k], (kd_breaker_result)result, &change);
                model_after(&m, now, theirs[k], result);
                out[k] = false;
            } else {
                int answer = (int)kd_breaker_before(&b, now, &ours[k], &change);
                if (answer != model_before(&m, now, &theirs[k]))
                    fail_msg("round %u, step %u: %d", round, i, answer);
                out[k] = answer == 0;
            }
        }
        kd_breaker_fini(&b);
    }
}

/* ---- threads ----------------------------------------------------------------------------------------------------- */

#define THREADS 4

typedef struct crowd {
    kd_breaker breaker;
    _Atomic int64_t clock;
    _Atomic bool down;                /* the backend */
    _Atomic uint64_t trying;          /* calls out while it is half-open */
    _Atomic uint64_t passed, refused; /* while the backend is down */
} crowd;

static void *press(void *context)
{
    crowd *c = context;
    for (int i = 0; i < 50000; i++) {
        kd_breaker_change change;
        uint64_t ticket;
        bool down = atomic_load(&c->down);
        if (kd_breaker_before(&c->breaker, atomic_fetch_add(&c->clock, 1), &ticket, &change) != KD_BREAKER_PASS) {
            atomic_fetch_add(&c->refused, down);
            continue;
        }
        atomic_fetch_add(&c->passed, down);
        kd_breaker_after(&c->breaker, atomic_fetch_add(&c->clock, 1), ticket,
                         atomic_load(&c->down) ? KD_BREAKER_FAILURE : KD_BREAKER_SUCCESS, &change);
    }
    return NULL;
}

static void run_threads(crowd *c)
{
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, press, c), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
}

static void test_threads(void **state)
{
    static crowd c;
    kd_breaker_rule rule = {0, 1000, 9};
    kd_breaker_init(&c.breaker, &rule, 1);
    atomic_store(&c.clock, 2);
    run_threads(&c);
    assert_int_equal(c.breaker.opened, 0);
    assert_int_equal(c.breaker.turned_away, 0);
    /* Down: ten failures, then one call for each thousand ticks, and those that were out already. */
    atomic_store(&c.down, true);
    run_threads(&c);
    assert_true(c.breaker.opened >= 1);
    assert_int_equal(c.passed + c.refused, THREADS * 50000);
    assert_true(c.passed <= 10 + THREADS + c.breaker.opened * (1 + THREADS));
    assert_int_equal(c.breaker.turned_away, c.refused);
    /* And up again. */
    atomic_store(&c.down, false);
    atomic_fetch_add(&c.clock, 2000);
    run_threads(&c);
    assert_int_equal(c.breaker.state, KD_BREAKER_CLOSED);
    kd_breaker_fini(&c.breaker);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_scripts), cmocka_unit_test(test_counts),
                                       cmocka_unit_test(test_model), cmocka_unit_test(test_threads)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
