/* The loop: edges, the ready list, taking out what is about to be called, timers between. */
#include "net/loop.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

typedef struct probe {
    kd_io io;
    int fd, peer;
    unsigned calls;
    uint8_t ready;      /* at the last call */
    unsigned requeue;   /* so many times it asks to be called again */
    struct probe *kill; /* taken out and closed in the callback */
} probe;

static kd_loop loop;

static void on_ready(kd_io *io)
{
    probe *p = KD_CONTAINER(io, probe, io);
    p->calls++;
    p->ready = io->ready;
    assert_false(io->queued);
    if (p->requeue) {
        p->requeue--;
        kd_loop_requeue(&loop, io);
        kd_loop_requeue(&loop, io); /* twice is once */
    }
    if (p->kill) {
        int fd = p->kill->fd;
        kd_loop_remove(&loop, &p->kill->io);
        kd_loop_remove(&loop, &p->kill->io);
        close(fd);
        p->kill->fd = -1;
    }
}

static void open_probe(probe *p)
{
    int pair[2];
    *p = (probe){0};
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
    p->fd = pair[0];
    p->peer = pair[1];
    assert_true(kd_loop_add(&loop, &p->io, p->fd, on_ready));
}

static void close_probe(probe *p)
{
    kd_loop_remove(&loop, &p->io);
    if (p->fd >= 0)
        close(p->fd);
    if (p->peer >= 0)
        close(p->peer);
}

static void send_byte(probe *p)
{
    assert_int_equal(write(p->peer, "x", 1), 1);
}

static int setup(void **state)
{
    return kd_loop_init(&loop) ? 0 : -1;
}

static int teardown(void **state)
{
    kd_loop_fini(&loop);
    kd_loop_fini(&loop);
    return 0;
}

static void test_edges(void **state)
{
    probe p;
    open_probe(&p);
    kd_loop_turn(&loop, 0);
    assert_int_equal(p.calls, 1);
    assert_int_equal(p.ready, KD_IO_WRITABLE);
    kd_loop_turn(&loop, 0); /* no edge, no call */
    assert_int_equal(p.calls, 1);
    send_byte(&p);
    kd_loop_turn(&loop, 0);
    assert_int_equal(p.calls, 2);
    assert_int_equal(p.ready, KD_IO_READABLE | KD_IO_WRITABLE);
    kd_loop_turn(&loop, 0); /* unread, but told */
    assert_int_equal(p.calls, 2);
    shutdown(p.peer, SHUT_WR);
    kd_loop_turn(&loop, 0);
    assert_int_equal(p.ready, KD_IO_READABLE | KD_IO_WRITABLE | KD_IO_HUP);
    p.io.ready = 0;
    close(p.peer);
    p.peer = -1;
    kd_loop_turn(&loop, 0);
    assert_int_equal(p.ready, KD_IO_READABLE | KD_IO_WRITABLE | KD_IO_HUP);
    close_probe(&p);
}

static void test_requeue(void **state)
{
    probe p, q;
    open_probe(&p);
    open_probe(&q);
    kd_loop_turn(&loop, 0);
    p.requeue = 3;
    send_byte(&p);
    for (unsigned i = 0; i < 3; i++) {
        kd_loop_turn(&loop, -1); /* does not sleep while somebody is on the list */
        assert_int_equal(p.calls, 2 + i);
    }
    kd_loop_turn(&loop, -1);
    assert_int_equal(p.calls, 5);
    /* An edge and the list together are one call. */
    kd_loop_requeue(&loop, &q.io);
    send_byte(&q);
    kd_loop_turn(&loop, 0);
    assert_int_equal(q.calls, 2);
    kd_loop_turn(&loop, 0);
    assert_int_equal(q.calls, 2);
    /* Taken out while queued, first, last and alone. */
    probe *order[2][2] = {{&p, &q}, {&q, &p}};
    for (unsigned i = 0; i < 2; i++) {
        kd_loop_requeue(&loop, &p.io);
        kd_loop_requeue(&loop, &q.io);
        probe *gone = order[i][0], *stays = order[i][1];
        unsigned before = gone->calls, other = stays->calls;
        kd_loop_remove(&loop, &gone->io);
        kd_loop_turn(&loop, 0);
        assert_int_equal(gone->calls, before);
        assert_int_equal(stays->calls, other + 1);
        assert_true(kd_loop_add(&loop, &gone->io, gone->fd, on_ready));
        kd_loop_turn(&loop, 0);
    }
    kd_loop_requeue(&loop, &p.io);
    close_probe(&p);
    assert_null(loop.ready);
    kd_loop_requeue(&loop, &q.io);
    kd_loop_turn(&loop, -1);
    close_probe(&q);
}

/* Whichever of two ready descriptors comes first takes the other out: that one is not called any more. */
static void test_remove_in_batch(void **state)
{
    static probe p[KD_LOOP_BATCH];
    for (unsigned i = 0; i < KD_COUNT(p); i++)
        open_probe(&p[i]);
    kd_loop_turn(&loop, 0);
    for (unsigned i = 0; i < KD_COUNT(p); i += 2) {
        p[i].kill = &p[i + 1];
        p[i + 1].kill = &p[i];
        send_byte(&p[i]);
        send_byte(&p[i + 1]);
    }
    kd_loop_turn(&loop, 0);
    for (unsigned i = 0; i < KD_COUNT(p); i += 2)
        assert_int_equal(p[i].calls + p[i + 1].calls, 3); /* one each at first, then one of the two */
    for (unsigned i = 0; i < KD_COUNT(p); i++)
        close_probe(&p[i]);
}

static void test_remove_oneself(void **state)
{
    probe p;
    open_probe(&p);
    p.kill = &p;
    p.requeue = 1;
    kd_loop_turn(&loop, 0);
    kd_loop_turn(&loop, 0);
    assert_int_equal(p.calls, 1);
    assert_null(loop.ready);
    close(p.peer);
}

static void test_add_fails(void **state)
{
    kd_io io;
    char path[] = "/tmp/kd-loop-XXXXXX";
    assert_false(kd_loop_add(&loop, &io, 9999, on_ready));
    assert_int_equal(io.fd, -1);
    kd_loop_remove(&loop, &io); /* harmless */
    /* A plain file cannot be polled. */
    int fd = mkstemp(path);
    unlink(path);
    assert_false(kd_loop_add(&loop, &io, fd, on_ready));
    close(fd);
}

/* Two loops share a descriptor: no reader is left out while there is something to read. */
static void test_exclusive(void **state)
{
    kd_loop other;
    int fds[2];
    char c;
    probe p = {0}, q = {0};
    assert_true(kd_loop_init(&other));
    assert_int_equal(pipe2(fds, O_NONBLOCK | O_CLOEXEC), 0);
    assert_true(kd_loop_add_exclusive(&loop, &p.io, fds[0], on_ready));
    assert_true(kd_loop_add_exclusive(&other, &q.io, fds[0], on_ready));
    assert_int_equal(write(fds[1], "xx", 2), 2);
    for (unsigned i = 0; i < 2; i++) {
        unsigned before = p.calls + q.calls;
        kd_loop_turn(&loop, 0);
        kd_loop_turn(&other, 0);
        assert_true(p.calls + q.calls > before); /* again, although nothing new came */
        assert_int_equal(read(fds[0], &c, 1), 1);
    }
    kd_loop_remove(&loop, &p.io);
    kd_loop_remove(&other, &q.io);
    kd_loop_fini(&other);
    close(fds[0]);
    close(fds[1]);
}

static unsigned fired, ended;

static void on_fire(kd_timer *timer)
{
    fired++;
    loop.stop = fired == 3;
    if (!loop.stop)
        kd_timer_arm(&loop.timers, timer, loop.now + KD_MS);
}

static void on_turn_end(kd_loop *l)
{
    assert_ptr_equal(l, &loop);
    ended++;
}

static void test_run(void **state)
{
    kd_timer timer;
    fired = ended = 0;
    loop.on_turn_end = on_turn_end;
    kd_timer_init(&timer, on_fire);
    kd_ns start = loop.now;
    kd_timer_arm(&loop.timers, &timer, start + 5 * KD_MS);
    kd_loop_run(&loop);
    assert_int_equal(fired, 3);
    assert_true(loop.now >= start + 7 * KD_MS);
    assert_int_equal(ended, loop.turns);
    assert_true(ended >= 3);
}

#define LOOP_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOOP_TEST(test_edges),
        LOOP_TEST(test_requeue),
        LOOP_TEST(test_remove_in_batch),
        LOOP_TEST(test_remove_oneself),
        LOOP_TEST(test_add_fails),
        LOOP_TEST(test_exclusive),
        LOOP_TEST(test_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
