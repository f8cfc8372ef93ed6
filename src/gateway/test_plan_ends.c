/* Every scenario of test_plan.h once more, ended at every point in every way: the client leaves, between turns and
 * within each operation; each wait is cancelled; the deadline passes; memory runs out at each allocation. The exchange
 * must end, let go of its front once, and leave nothing behind. */
#include "gateway/test_plan.h"

/* What went on in a run, for the next one to know where to stop. */
typedef struct outcome {
    unsigned turns, operations;
    unsigned status;
    size_t used; /* bytes of the exchange's memory */
    kd_str body;
    bool whole;
} outcome;

static size_t script_length(const scripted *script, size_t n)
{
    while (n > 1 && !script[n - 1].bytes)
        n--;
    return n;
}

static void begin(const scenario *s, test_front *f, bool slow, bool eager)
{
    forget(&one, s->one, script_length(s->one, 4));
    forget(&two, s->two, script_length(s->two, 2));
    head_hooks = end_hooks = 0;
    front_init(f, s->request, s->pieces);
    f->broken = s->broken;
    f->slow = slow;
    f->eager = eager;
}

static void end(const char *label, test_front *f)
{
    run_out(label, f);
    assert_let_go(label, f);
    if (end_hooks != 1 || head_hooks > 1)
        fail_msg("%s: %u end hooks, %u head hooks", label, end_hooks, head_hooks);
    if (!f->gone && !f->aborted && !(f->responds == 1 && f->ended))
        fail_msg("%s: neither answered nor cut", label);
    front_fini(f);
    forget_connections();
}

/* Scenarios that end by themselves, without the help of a time-out. */
static bool ends(const scenario *s)
{
    return s->failure != KD_FAIL_DEADLINE;
}

/* The client leaves before turn n, and within operation n. */
static void test_gone(void **state)
{
    gateway_up(config);
    for (size_t i = 0; i < KD_COUNT(scenarios); i++)
        for (int way = 0; way < 4; way++) {
            const scenario *s = &scenarios[i];
            char label[120];
            for (unsigned turn = 0, over = 0; !over && turn < 60; turn++) {
                test_front f;
                snprintf(label, sizeof label, "%s: gone before turn %u", s->label, turn);
                begin(s, &f, way & 1 || s->slow, way & 2);
                kd_exchange_handler.on_request(&gateway, &f.front);
                for (unsigned k = 0; k < turn && !f.releases; k++)
                    pump_all(&f);
                over = f.releases;
                if (!over)
                    leave_client(&f);
                end(label, &f);
            }
            for (unsigned at = 1, operations = 1; at <= operations; at++) {
                test_front f;
                snprintf(label, sizeof label, "%s: gone within operation %u", s->label, at);
                begin(s, &f, way & 1 || s->slow, way & 2);
                f.gone_at = at;
                kd_exchange_handler.on_request(&gateway, &f.front);
                run_out(label, &f);
                operations = f.operations;
                end(label, &f);
            }
        }
    gateway_down();
}

/* The n-th wait is cancelled as soon as it is begun. */
static void test_cancel(void **state)
{
    gateway_up(config);
    unsigned changed = 0;
    for (size_t i = 0; i < KD_COUNT(scenarios); i++)
        for (long n = 1; n < 10; n++)
            for (int slow = 0; slow < 2; slow++) {
                const scenario *s = &scenarios[i];
                test_front f;
                char label[120];
                snprintf(label, sizeof label, "%s: wait %ld is cancelled", s->label, n);
                begin(s, &f, slow || s->slow, false);
                kd_branch_cancel_at(n);
                kd_exchange_handler.on_request(&gateway, &f.front);
                run_out(label, &f);
                kd_branch_cancel_at(0);
                if (f.responds && s->status && f.status != s->status) {
                    changed++;
                    if (f.status < 500)
                        fail_msg("%s: status %u", label, f.status);
                }
                end(label, &f);
            }
    assert_true(changed > 20);
    gateway_down();
}

/* As the deadline's timer tells. False: no deadline is set. */
static bool pass_deadline(test_front *f)
{
    kd_exchange *x = f->front.owner;
    if (f->releases || !x || !kd_timer_armed(&x->root.timer))
        return false;
    kd_timer_disarm(&worker->loop.timers, &x->root.timer);
    x->root.timer.on_fire(&x->root.timer);
    return true;
}

/* The deadline passes before turn n. */
static void test_deadline(void **state)
{
    gateway_up(config);
    unsigned late = 0;
    for (size_t i = 0; i < KD_COUNT(scenarios); i++)
        for (int way = 0; way < 2; way++) {
            const scenario *s = &scenarios[i];
            for (unsigned turn = 0, over = 0; !over && turn < 60 && ends(s); turn++) {
                test_front f;
                char label[120];
                snprintf(label, sizeof label, "%s: late before turn %u", s->label, turn);
                begin(s, &f, way || s->slow, false);
                kd_exchange_handler.on_request(&gateway, &f.front);
                for (unsigned k = 0; k < turn && !f.releases; k++)
                    pump_all(&f);
                over = f.releases;
                late += pass_deadline(&f);
                end(label, &f);
            }
        }
    assert_true(late > 50);
    gateway_down();
}

/* The exchange's memory is `room` bytes of what it has been given, and no more: true when it used all of that. */
static char last_fields[500]; /* of the last answer, for messages */

static outcome run_in(const scenario *s, const char *label, size_t room, size_t given, bool more)
{
    test_front f;
    begin(s, &f, s->slow, false);
    char *all = kd_arena_alloc(&f.arena, given);
    assert_non_null(all);
    f.arena.at = all;
    f.arena.end = all + room;
    if (!more)
        kd_arena_fail_after(1);
    kd_exchange_handler.on_request(&gateway, &f.front);
    outcome result = {0};
    unsigned idle = 0;
    while (!f.releases) {
        char *at = f.arena.at;
        if (at >= all && at <= all + given)
            result.used = (size_t)(at - all);
        idle = pump_all(&f) ? 0 : idle + 1;
        if (idle == QUIET_TURNS_MAX)
            fail_msg("%s: the exchange does not end", label);
        if (idle > 3)
            kd_loop_turn(&worker->loop, 1);
        if (idle == 10)
            pass_deadline(&f); /* what is left waits for a backend that never answers */
    }
    snprintf(last_fields, sizeof last_fields, "%.*s", KD_FMT(kd_buf_str(&f.fields)));
    result.status = f.status;
    result.whole = f.ended && f.responds == 1;
    result.body = kd_str_of(malloc(f.body.n + 1), f.body.n);
    memcpy((char *)(uintptr_t)result.body.p, f.body.p ? f.body.p : "", f.body.n);
    if (!result.whole && !f.aborted)
        fail_msg("%s: neither answered nor cut", label);
    run_out(label, &f);
    kd_arena_fail_after(0);
    assert_let_go(label, &f);
    if (end_hooks > 1 || head_hooks > 1)
        fail_msg("%s: %u end hooks, %u head hooks", label, end_hooks, head_hooks);
    front_fini(&f);
    forget_connections();
    return result;
}

static void starve(const scenario *s)
{
    const size_t given = 100000;
    outcome full = run_in(s, s->label, given, given, true);
    unsigned shed = 0;
    /* Allocations are rounded up to 8 bytes, hardly one is below 16. */
    for (size_t room = 0; room <= full.used + 16; room += 16) {
        char label[120];
        snprintf(label, sizeof label, "%s: %zu bytes of %zu", s->label, room, full.used);
        outcome r = run_in(s, label, room, given, false);
        bool same = r.whole && r.status == full.status && kd_str_eq(r.body, full.body);
        /* Other parts of an answer may be there, but then it says so. */
        bool partial = strstr(last_fields, "X-Krakend-Completed: false\n") != NULL;
        if (r.whole && !same && r.status < 500 && !partial && strcmp(s->label, "health") != 0)
            fail_msg("%s: status %u, %.*s\n%s", label, r.status, KD_FMT(r.body), last_fields);
        shed += !same;
        free((char *)(uintptr_t)r.body.p);
    }
    assert_true(shed > 0);
    free((char *)(uintptr_t)full.body.p);
}

static void test_no_memory(void **state)
{
    gateway_up(config);
    for (size_t i = 0; i < KD_COUNT(scenarios); i++)
        if (ends(&scenarios[i]))
            starve(&scenarios[i]);
    gateway_down();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gone),
        cmocka_unit_test(test_cancel),
        cmocka_unit_test(test_deadline),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests_name("plan ends", tests, NULL, NULL);
}
