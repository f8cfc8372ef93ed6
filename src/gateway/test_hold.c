/* Memory beyond the arena: blocks, the line of those who wait, the kernel's share in slabs. */
#include "gateway/hold.h"

#include "gateway/exchange.h"
#include "gateway/worker.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define MB ((size_t)1024 * 1024)

static kd_worker net;
static kd_gateway_worker worker;

static int setup(void **state)
{
    (void)state;
    net = (kd_worker){.upper = &worker};
    worker = (kd_gateway_worker){.net = &net};
    worker.held_tail = &worker.held;
    kd_ledger_set_ceiling(100 * MB);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    kd_ledger_set_ceiling(0);
    return kd_ledger_total() == 0 ? 0 : -1;
}

static void blocks_are_counted(void **state)
{
    (void)state;
    kd_exchange x = {.worker = &worker};
    char *first = kd_block_take(&x, MB), *second = kd_block_take(&x, 10);
    assert_true(first && second);
    memset(first, 'a', MB);
    second[9] = 'b';
    assert_true(kd_ledger_used(KD_ACCOUNT_BODIES) > MB);
    first = kd_block_grow(&x, first, 3 * MB);
    assert_non_null(first);
    assert_true(first[0] == 'a' && first[MB - 1] == 'a' && second[9] == 'b');
    assert_null(kd_block_grow(&x, first, 200 * MB)); /* the old one is still there */
    assert_int_equal('a', first[MB - 1]);
    assert_null(kd_block_take(&x, 100 * MB));
    assert_null(kd_block_take(&x, SIZE_MAX));
    size_t before = kd_ledger_used(KD_ACCOUNT_BODIES);
    kd_block_give(&x, first);
    kd_block_give(&x, "no block");
    assert_int_equal(before - 3 * MB, kd_ledger_used(KD_ACCOUNT_BODIES) + sizeof(kd_block));
    char *third = kd_block_take(&x, 100);
    kd_blocks_free(&x, second + 5);
    assert_true(x.blocks && !x.blocks->next);
    assert_int_equal('b', second[9]);
    (void)third;
    kd_blocks_free(&x, NULL);
    assert_null(x.blocks);
}

static kd_held *let_in[8];
static unsigned n_let_in;

/* Takes what it waited for. */
static void on_room(kd_held *held)
{
    let_in[n_let_in++] = held;
    assert_true(kd_ledger_reserve(KD_ACCOUNT_BODIES, held->bytes));
}

static void waits_in_line(void **state)
{
    (void)state;
    n_let_in = 0;
    assert_true(kd_ledger_reserve(KD_ACCOUNT_BODIES, 75 * MB));
    assert_true(kd_hold_fits(&worker, MB));
    assert_false(kd_hold_fits(&worker, 6 * MB));
    assert_true(kd_hold_possible(6 * MB));
    assert_false(kd_hold_possible(90 * MB));
    kd_held a = {.bytes = 6 * MB, .on_room = on_room}, b = {.bytes = MB, .on_room = on_room}, c = b, d = b;
    kd_hold(&worker, &a);
    assert_false(kd_hold_fits(&worker, MB)); /* nobody overtakes */
    kd_hold(&worker, &b);
    kd_hold(&worker, &c);
    kd_hold(&worker, &d);
    kd_hold_resume(&worker);
    assert_int_equal(0, n_let_in);
    kd_hold_cancel(&worker, &b);
    kd_hold_cancel(&worker, &d); /* the last */
    kd_hold_cancel(&worker, &d);
    kd_ledger_release(KD_ACCOUNT_BODIES, 70 * MB);
    kd_hold_resume(&worker);
    assert_int_equal(2, n_let_in);
    assert_true(let_in[0] == &a && let_in[1] == &c);
    assert_true(!worker.held && worker.held_tail == &worker.held);
    kd_ledger_release(KD_ACCOUNT_BODIES, 12 * MB);
}

static void a_lone_body_may_try(void **state)
{
    (void)state;
    /* Too long to be sure of the memory that reading it takes, but alone. */
    assert_true(kd_hold_fits(&worker, 50 * MB));
    assert_true(kd_ledger_reserve(KD_ACCOUNT_BODIES, 1));
    assert_false(kd_hold_fits(&worker, 50 * MB));
    kd_ledger_release(KD_ACCOUNT_BODIES, 1);
    kd_ledger_set_ceiling(0);
    assert_true(kd_hold_fits(&worker, 500 * MB) && kd_hold_possible(500 * MB));
}

static void counts_the_kernel_in_slabs(void **state)
{
    (void)state;
    kd_hold_cost(&worker, 1000);
    assert_int_equal(0, kd_ledger_used(KD_ACCOUNT_SOCKETS));
    for (unsigned i = 1; i <= 1000; i++) {
        kd_hold_began(&worker);
        assert_true(kd_ledger_used(KD_ACCOUNT_SOCKETS) >= i * 1000);
        assert_true(kd_ledger_used(KD_ACCOUNT_SOCKETS) <= (i + 8) * 1000);
    }
    kd_hold_cost(&worker, 2000);
    assert_true(kd_ledger_used(KD_ACCOUNT_SOCKETS) >= 2000 * 1000);
    for (unsigned i = 1000; i-- > 0;) {
        kd_hold_ended(&worker);
        assert_true(kd_ledger_used(KD_ACCOUNT_SOCKETS) >= i * 2000);
        assert_true(kd_ledger_used(KD_ACCOUNT_SOCKETS) <= (i + 16) * 2000);
    }
    kd_hold_cost(&worker, 0);
    assert_int_equal(0, kd_ledger_used(KD_ACCOUNT_SOCKETS));
}

static void sheds_when_full(void **state)
{
    (void)state;
    assert_false(kd_hold_is_full());
    kd_ledger_charge(KD_ACCOUNT_CHUNKS, 95 * MB);
    assert_true(kd_hold_is_full());
    kd_ledger_charge(KD_ACCOUNT_CHUNKS, 95 * MB); /* beyond the ceiling, yet counted */
    assert_int_equal(190 * MB, kd_ledger_total());
    kd_ledger_release(KD_ACCOUNT_CHUNKS, 190 * MB);
    kd_ledger_charge(KD_ACCOUNT_SOCKETS, 30 * MB);
    assert_true(kd_hold_is_full());
    kd_ledger_release(KD_ACCOUNT_SOCKETS, 30 * MB);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(blocks_are_counted, setup, teardown),
        cmocka_unit_test_setup_teardown(waits_in_line, setup, teardown),
        cmocka_unit_test_setup_teardown(a_lone_body_may_try, setup, teardown),
        cmocka_unit_test_setup_teardown(counts_the_kernel_in_slabs, setup, teardown),
        cmocka_unit_test_setup_teardown(sheds_when_full, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
