/* The queue of bytes that a socket has not taken: order, boundaries of chunks, bounds, failures. */
#include "http/outq.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

typedef struct fixture {
    kd_loop loop;
    kd_chunk_pool pool;
    kd_stream stream;
    kd_outq queue;
    int peer;
    uint64_t sent, got; /* counters of the byte pattern */
} fixture;

static void on_ready(kd_io *io) {}

static int setup(void **state)
{
    static fixture f;
    f = (fixture){0};
    int fds[2], small = 4096;
    if (!kd_loop_init(&f.loop) || socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) != 0)
        return -1;
    setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
    kd_chunk_pool_init(&f.pool, 1024 * 1024);
    if (!kd_stream_open(&f.stream, &f.loop, fds[0], on_ready))
        return -1;
    f.peer = fds[1];
    kd_loop_turn(&f.loop, 0);
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    fixture *f = *state;
    kd_outq_clear(&f->queue, &f->pool);
    kd_stream_close(&f->stream);
    if (f->peer >= 0)
        close(f->peer);
    bool leaked = f->pool.in_use != 0;
    kd_chunk_pool_fini(&f->pool);
    kd_loop_fini(&f->loop);
    return leaked ? -1 : 0;
}

static char pattern(uint64_t at)
{
    return (char)(at * 2654435761u >> 13);
}

/* Sends pieces of these sizes, whose bytes continue the pattern. */
static kd_sent send_sizes(fixture *f, const size_t *sizes, int count)
{
    struct iovec v[8] = {{0}};
    char *blocks[8];
    for (int i = 0; i < count; i++) {
        blocks[i] = malloc(sizes[i] + 1);
        for (size_t k = 0; k < sizes[i]; k++)
            blocks[i][k] = pattern(f->sent++);
        v[i] = (struct iovec){blocks[i], sizes[i]};
    }
    kd_sent sent = kd_outq_send(&f->queue, &f->pool, &f->stream, v, count);
    for (int i = 0; i < count; i++)
        free(blocks[i]);
    return sent;
}

/* Reads up to `most` bytes on the other side and compares them with the pattern. */
static size_t drain(fixture *f, size_t most)
{
    size_t total = 0;
    while (total < most) {
        char block[5000];
        ssize_t n = read(f->peer, block, most - total < sizeof block ? most - total : sizeof block);
        if (n <= 0)
            break;
        for (ssize_t i = 0; i < n; i++)
            assert_int_equal(block[i], pattern(f->got++));
        total += (size_t)n;
    }
    return total;
}

static void test_order(void **state)
{
    static const struct {
        size_t sizes[8];
        int count;
        size_t step; /* the peer reads in such pieces */
    } cases[] = {
        {{10}, 1, 1000},
        {{0}, 1, 1000},
        {{1, 0, 3, 0, 5, 7, 0, 2}, 8, 3},
        {{300000}, 1, 100000},
        {{4080, 4080, 4080}, 3, 4080},
        {{65520, 65521, 65519}, 3, 65520},
        {{20, 100000, 2, 7, 50000, 1}, 6, 777},
        {{1000, 1000, 1000, 1000, 1000, 1000, 1000, 250000}, 8, 13},
    };
    fixture *f = *state;
    for (size_t i = 0; i < KD_COUNT(cases); i++) {
        size_t total = 0;
        for (int k = 0; k < cases[i].count; k++)
            total += cases[i].sizes[k];
        kd_sent sent = send_sizes(f, cases[i].sizes, cases[i].count);
        assert_int_equal(sent, f->queue.n ? KD_SENT_SOME : KD_SENT_ALL);
        assert_true(f->queue.n <= total);
        while (f->got < f->sent) {
            drain(f, cases[i].step);
            kd_loop_turn(&f->loop, 0);
            size_t before = f->queue.n;
            sent = kd_outq_flush(&f->queue, &f->pool, &f->stream);
            assert_int_equal(sent, f->queue.n ? KD_SENT_SOME : KD_SENT_ALL);
            assert_true(f->queue.n <= before);
        }
        assert_int_equal(f->queue.n, 0);
        assert_null(f->queue.head);
        assert_int_equal(f->pool.in_use, 0);
    }
}

/* What is sent while something is queued goes behind it. */
static void test_append(void **state)
{
    fixture *f = *state;
    const size_t big = 200000;
    assert_int_equal(send_sizes(f, &big, 1), KD_SENT_SOME);
    for (size_t i = 1; i < 400; i++) {
        assert_int_equal(send_sizes(f, &i, 1), KD_SENT_SOME);
        if (i % 3 == 0) {
            drain(f, 100);
            kd_loop_turn(&f->loop, 0);
            kd_outq_flush(&f->queue, &f->pool, &f->stream);
        }
    }
    assert_true(f->pool.in_use < f->queue.n + 3 * KD_CHUNK_LARGE);
    while (f->got < f->sent) {
        drain(f, 100000);
        kd_loop_turn(&f->loop, 0);
        assert_int_not_equal(kd_outq_flush(&f->queue, &f->pool, &f->stream), KD_SENT_FAILED);
    }
}

static void test_no_memory(void **state)
{
    fixture *f = *state;
    const size_t big = 600000;
    for (long n = 1; n < 6; n++) {
        kd_chunk_pool_trim(&f->pool);
        while (f->pool.n_small + f->pool.n_large)
            kd_chunk_pool_trim(&f->pool);
        kd_arena_fail_after(n);
        assert_int_equal(send_sizes(f, &big, 1), KD_SENT_FAILED);
        kd_arena_fail_after(0);
        kd_outq_clear(&f->queue, &f->pool);
        assert_int_equal(f->queue.n, 0);
        assert_int_equal(f->pool.in_use, 0);
    }
}

static void test_broken(void **state)
{
    fixture *f = *state;
    const size_t big = 200000, small = 5;
    assert_int_equal(send_sizes(f, &big, 1), KD_SENT_SOME);
    close(f->peer);
    f->peer = -1;
    kd_loop_turn(&f->loop, 0);
    assert_int_equal(kd_outq_flush(&f->queue, &f->pool, &f->stream), KD_SENT_FAILED);
    kd_outq_clear(&f->queue, &f->pool);
    assert_int_equal(send_sizes(f, &small, 1), KD_SENT_FAILED);
    kd_outq_clear(&f->queue, &f->pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_order, setup, teardown),
        cmocka_unit_test_setup_teardown(test_append, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_memory, setup, teardown),
        cmocka_unit_test_setup_teardown(test_broken, setup, teardown),
    };
    signal(SIGPIPE, SIG_IGN); /* as the process does */
    return cmocka_run_group_tests_name("outq", tests, NULL, NULL);
}
