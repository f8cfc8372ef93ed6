/* Streams: sticky readiness, short reads and writes, ends, resets, connecting, filters. */
#include "net/stream.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static kd_loop loop;
static unsigned calls;

static void on_ready(kd_io *io)
{
    calls++;
}

static int setup(void **state)
{
    calls = 0;
    return kd_loop_init(&loop) ? 0 : -1;
}

static int teardown(void **state)
{
    kd_loop_fini(&loop);
    return 0;
}

/* A listening socket on loopback; *at is its address. */
static int listen_somewhere(struct sockaddr_in *at)
{
    socklen_t n = sizeof *at;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    *at = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_int_equal(bind(fd, (struct sockaddr *)at, sizeof *at), 0);
    assert_int_equal(listen(fd, 8), 0);
    getsockname(fd, (struct sockaddr *)at, &n);
    return fd;
}

static void until(const kd_stream *stream, uint8_t bits)
{
    while ((stream->io.ready & bits) != bits)
        kd_loop_turn(&loop, -1);
}

/* A connected stream; returns the blocking socket of the other side. */
static int open_pair(kd_stream *stream)
{
    struct sockaddr_in at;
    int listener = listen_somewhere(&at);
    assert_true(kd_stream_connect(stream, &loop, (struct sockaddr *)&at, sizeof at, on_ready));
    until(stream, KD_IO_WRITABLE);
    assert_true(kd_stream_connected(stream));
    int peer = accept(listener, NULL, NULL);
    assert_true(peer >= 0);
    close(listener);
    return peer;
}

static ssize_t write_text(kd_stream *stream, const char *a, const char *b)
{
    struct iovec v[2] = {{(void *)a, strlen(a)}, {(void *)b, strlen(b)}};
    return kd_stream_writev(stream, v, 2);
}

static void test_read(void **state)
{
    kd_stream stream;
    char text[16];
    int peer = open_pair(&stream);
    assert_false(kd_stream_readable(&stream));
    assert_int_equal(kd_stream_read(&stream, text, sizeof text), KD_STREAM_AGAIN);
    assert_int_equal(write(peer, "0123456789", 10), 10);
    until(&stream, KD_IO_READABLE);
    assert_int_equal(kd_stream_read(&stream, text, 4), 4); /* full: there may be more */
    assert_true(kd_stream_readable(&stream));
    assert_int_equal(kd_stream_read(&stream, text, sizeof text), 6); /* short: drained */
    assert_memory_equal(text, "456789", 6);
    assert_false(kd_stream_readable(&stream));
    /* Exactly drained: the next read finds nothing. */
    assert_int_equal(write(peer, "0123", 4), 4);
    until(&stream, KD_IO_READABLE);
    assert_int_equal(kd_stream_read(&stream, text, 4), 4);
    assert_int_equal(kd_stream_read(&stream, text, 4), KD_STREAM_AGAIN);
    assert_false(kd_stream_readable(&stream));
    /* Bytes and the end in one event: both are seen although no edge comes between. */
    assert_int_equal(write(peer, "end", 3), 3);
    close(peer);
    until(&stream, KD_IO_HUP);
    assert_int_equal(kd_stream_read(&stream, text, sizeof text), 3);
    assert_int_equal(kd_stream_read(&stream, text, sizeof text), 0);
    kd_stream_close(&stream);
    assert_false(kd_stream_is_open(&stream));
    kd_stream_close(&stream); /* harmless */
}

static void test_write(void **state)
{
    static char block[256 * 1024], sink[64 * 1024];
    kd_stream stream;
    int peer = open_pair(&stream), on = 0;
    socklen_t n = sizeof on;
    getsockopt(stream.io.fd, IPPROTO_TCP, TCP_NODELAY, &on, &n);
    assert_true(on);
    assert_int_equal(write_text(&stream, "head", "body"), 8);
    assert_int_equal(recv(peer, sink, 8, MSG_WAITALL), 8);
    assert_memory_equal(sink, "headbody", 8);
    /* Until the socket is full: then it is not tried again before the edge. */
    size_t put = 0, got = 0;
    struct iovec v = {block, sizeof block};
    ssize_t one;
    while ((one = kd_stream_writev(&stream, &v, 1)) > 0)
        put += (size_t)one;
    assert_int_equal(one, KD_STREAM_AGAIN);
    assert_false(kd_stream_writable(&stream));
    while (got < put)
        got += (size_t)read(peer, sink, sizeof sink);
    assert_int_equal(got, put);
    until(&stream, KD_IO_WRITABLE);
    assert_int_equal(write_text(&stream, "x", ""), 1);
    kd_stream_close(&stream);
    assert_int_equal(read(peer, sink, sizeof sink), 1);
    assert_int_equal(read(peer, sink, sizeof sink), 0);
    close(peer);
}

/* A write to a peer that has gone is an error, not a signal. */
static void test_peer_gone(void **state)
{
    kd_stream stream;
    int peer = open_pair(&stream);
    struct linger now = {.l_onoff = 1};
    setsockopt(peer, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close(peer);
    until(&stream, KD_IO_HUP);
    char c;
    assert_int_equal(kd_stream_read(&stream, &c, 1), KD_STREAM_ERROR);
    assert_int_equal(stream.error, ECONNRESET);
    assert_int_equal(write_text(&stream, "x", "y"), KD_STREAM_ERROR);
    assert_int_equal(stream.error, EPIPE);
    kd_stream_close(&stream);
}

static void test_reset(void **state)
{
    kd_stream stream;
    int peer = open_pair(&stream);
    char c;
    assert_int_equal(write_text(&stream, "half", ""), 4);
    kd_stream_reset(&stream);
    assert_false(kd_stream_is_open(&stream));
    kd_stream_reset(&stream); /* harmless */
    ssize_t got;
    while ((got = read(peer, &c, 1)) > 0)
        ;
    assert_int_equal(got, -1);
    assert_int_equal(errno, ECONNRESET);
    close(peer);
}

static void test_connect_refused(void **state)
{
    struct sockaddr_in at;
    kd_stream stream;
    close(listen_somewhere(&at));
    if (kd_stream_connect(&stream, &loop, (struct sockaddr *)&at, sizeof at, on_ready)) {
        until(&stream, KD_IO_WRITABLE);
        assert_true(stream.io.ready & KD_IO_HUP);
        assert_false(kd_stream_connected(&stream));
    }
    assert_int_equal(stream.error, ECONNREFUSED);
    kd_stream_close(&stream);
    /* What fails at once. */
    struct sockaddr unknown = {.sa_family = 9999};
    assert_false(kd_stream_connect(&stream, &loop, &unknown, sizeof unknown, on_ready));
    assert_int_equal(stream.error, EAFNOSUPPORT);
    assert_false(kd_stream_is_open(&stream));
    struct sockaddr_in6 no_route = {.sin6_family = AF_INET};
    assert_false(kd_stream_connect(&stream, &loop, (struct sockaddr *)&no_route, 3, on_ready));
    assert_int_equal(stream.error, EINVAL);
    assert_false(kd_stream_is_open(&stream));
}

static void test_open_fails(void **state)
{
    kd_stream stream;
    assert_false(kd_stream_open(&stream, &loop, 9999, on_ready));
    assert_int_equal(errno, EBADF);
    assert_false(kd_stream_is_open(&stream)); /* closing it later closes nobody else's descriptor */
}

/* A filter that turns letters to upper case on the way in, and counts. */
static unsigned filter_closed;

static ssize_t upper_read(kd_stream *stream, void *to, size_t n)
{
    const kd_stream_filter *self = stream->filter;
    stream->filter = NULL;
    ssize_t got = kd_stream_read(stream, to, n);
    stream->filter = self;
    for (ssize_t i = 0; i < got; i++)
        ((char *)to)[i] = (char)kd_upper(((uint8_t *)to)[i]);
    return got;
}

static ssize_t refuse_write(kd_stream *stream, const struct iovec *v, int count)
{
    stream->error = EPROTO;
    return KD_STREAM_ERROR;
}

static void close_filter(kd_stream *stream)
{
    assert_true(kd_stream_is_open(stream)); /* it may still send its farewell */
    filter_closed++;
    free(stream->filter_state);
}

static void test_filter(void **state)
{
    static const kd_stream_filter filter = {
        .name = "upper", .read = upper_read, .writev = refuse_write, .close = close_filter};
    kd_stream stream;
    char text[8];
    int peer = open_pair(&stream);
    stream.filter = &filter;
    stream.filter_state = malloc(10);
    assert_int_equal(write(peer, "abc", 3), 3);
    until(&stream, KD_IO_READABLE);
    assert_int_equal(kd_stream_read(&stream, text, sizeof text), 3);
    assert_memory_equal(text, "ABC", 3);
    assert_int_equal(write_text(&stream, "x", ""), KD_STREAM_ERROR);
    assert_int_equal(stream.error, EPROTO);
    kd_stream_close(&stream);
    kd_stream_close(&stream);
    assert_int_equal(filter_closed, 1);
    close(peer);
}

#define STREAM_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STREAM_TEST(test_read),   STREAM_TEST(test_write),           STREAM_TEST(test_peer_gone),
        STREAM_TEST(test_reset),  STREAM_TEST(test_connect_refused), STREAM_TEST(test_open_fails),
        STREAM_TEST(test_filter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
