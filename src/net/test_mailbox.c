/* Mailboxes: order, bound, growth, many senders, and what the ledger says. */
#include "net/mailbox.h"

#include "base/ledger.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>

#include <cmocka.h>

#define SENDERS 4
#define EACH    5000

static kd_loop loop;
static kd_mailbox box;
static uint64_t seen[20000];
static unsigned n_seen;

static void note(void *worker, const kd_message *message)
{
    assert_ptr_equal(worker, &loop);
    seen[n_seen++] = message->word[0];
}

static int setup(void **state)
{
    n_seen = 0;
    return kd_loop_init(&loop) ? 0 : -1;
}

static int teardown(void **state)
{
    kd_mailbox_fini(&box);
    kd_loop_fini(&loop);
    return kd_ledger_used(KD_ACCOUNT_QUEUES) == 0 ? 0 : -1;
}

static bool post(uint64_t word)
{
    return kd_mailbox_post(&box, &(kd_message){.deliver = note, .word = {word}});
}

static void test_order_and_bound(void **state)
{
    static const uint32_t bounds[] = {1, 4, 16, 64, 1024};
    for (size_t i = 0; i < KD_COUNT(bounds); i++) {
        assert_true(kd_mailbox_init(&box, &loop, &loop, bounds[i]));
        /* Three fillings, so that the ring wraps and grows in between. */
        for (unsigned round = 0; round < 3; round++) {
            n_seen = 0;
            for (uint32_t k = 0; k < bounds[i]; k++)
                assert_true(post(k));
            assert_false(post(99));
            while (n_seen < bounds[i])
                kd_loop_turn(&loop, -1);
            for (uint32_t k = 0; k < bounds[i]; k++)
                assert_int_equal(seen[k], k);
        }
        kd_mailbox_fini(&box);
        assert_int_equal(kd_ledger_used(KD_ACCOUNT_QUEUES), 0);
    }
}

static void test_grows_when_wrapped(void **state)
{
    assert_true(kd_mailbox_init(&box, &loop, &loop, 4096));
    uint64_t next = 0;
    /* More than is delivered in a turn, so that the head stands inside the ring when it grows. */
    for (unsigned k = 0; k < 600; k++)
        assert_true(post(next++));
    kd_loop_turn(&loop, -1);
    assert_in_range(n_seen, 1, 599);
    for (unsigned k = 0; k < 3000; k++)
        assert_true(post(next++));
    while (n_seen < next)
        kd_loop_turn(&loop, -1);
    for (unsigned k = 0; k < next; k++)
        assert_int_equal(seen[k], k);
}

static void post_again(void *worker, const kd_message *message)
{
    n_seen++;
    if (message->word[0])
        assert_true(kd_mailbox_post(&box, &(kd_message){.deliver = post_again, .word = {message->word[0] - 1}}));
}

/* Messages that post messages do not keep the loop from its other work for ever. */
static void test_post_while_delivering(void **state)
{
    assert_true(kd_mailbox_init(&box, &loop, &loop, 16));
    assert_true(kd_mailbox_post(&box, &(kd_message){.deliver = post_again, .word = {1000}}));
    unsigned turns = 0;
    for (; n_seen < 1001; turns++)
        kd_loop_turn(&loop, -1);
    assert_in_range(turns, 2, 2000);
}

static void test_without_memory(void **state)
{
    kd_ledger_set_ceiling(kd_ledger_total() + 64);
    assert_false(kd_mailbox_init(&box, &loop, &loop, 1024));
    kd_ledger_set_ceiling(kd_ledger_total() + 16 * sizeof(kd_message));
    assert_true(kd_mailbox_init(&box, &loop, &loop, 1024));
    for (unsigned k = 0; k < 16; k++)
        assert_true(post(k));
    assert_false(post(16)); /* growing is refused; what is there stays */
    kd_ledger_set_ceiling(0);
    assert_true(post(16));
    while (n_seen < 17)
        kd_loop_turn(&loop, -1);
    for (unsigned k = 0; k < 17; k++)
        assert_int_equal(seen[k], k);
}

static _Atomic unsigned refused;

static void *sender(void *context)
{
    uint64_t id = (uintptr_t)context;
    for (uint64_t k = 0; k < EACH; k++)
        while (!post(id << 32 | k)) {
            atomic_fetch_add(&refused, 1);
            sched_yield();
        }
    return NULL;
}

static void test_many_senders(void **state)
{
    pthread_t threads[SENDERS];
    uint64_t next[SENDERS] = {0};
    assert_true(kd_mailbox_init(&box, &loop, &loop, 64));
    for (uintptr_t i = 0; i < SENDERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, sender, (void *)i), 0);
    while (n_seen < SENDERS * EACH)
        kd_loop_turn(&loop, -1);
    for (unsigned i = 0; i < SENDERS; i++)
        pthread_join(threads[i], NULL);
    /* Each sender's messages all came, in its order. */
    for (unsigned k = 0; k < n_seen; k++)
        assert_int_equal(seen[k] & UINT32_MAX, next[seen[k] >> 32]++);
    for (unsigned i = 0; i < SENDERS; i++)
        assert_int_equal(next[i], EACH);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_order_and_bound, setup, teardown),
        cmocka_unit_test_setup_teardown(test_grows_when_wrapped, setup, teardown),
        cmocka_unit_test_setup_teardown(test_post_while_delivering, setup, teardown),
        cmocka_unit_test_setup_teardown(test_without_memory, setup, teardown),
        cmocka_unit_test_setup_teardown(test_many_senders, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
