#include "net/stream.h"

#include <errno.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

bool kd_stream_open(kd_stream *stream, kd_loop *loop, int fd, void (*on_ready)(kd_io *io))
{
    stream->loop = loop;
    stream->filter = NULL;
    stream->filter_state = NULL;
    stream->error = 0;
    stream->cut = false;
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); /* fails on unix sockets, where it does not matter */
    return kd_loop_add(loop, &stream->io, fd, on_ready);
}

bool kd_stream_connect(kd_stream *stream, kd_loop *loop, const struct sockaddr *to, socklen_t n,
                       void (*on_ready)(kd_io *io))
{
    stream->io.fd = -1;
    int fd = socket(to->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        stream->error = errno;
        return false;
    }
    if ((connect(fd, to, n) != 0 && errno != EINPROGRESS) || !kd_stream_open(stream, loop, fd, on_ready)) {
        stream->error = errno;
        stream->io.fd = -1;
        close(fd);
        return false;
    }
    return true;
}

bool kd_stream_move(kd_stream *to, kd_stream *from, void (*on_ready)(kd_io *io))
{
    kd_loop *loop = from->loop;
    int fd = from->io.fd;
    uint8_t ready = from->io.ready;
    void (*before)(kd_io * io) = from->io.on_ready;
    kd_loop_remove(loop, &from->io);
    bool moved = kd_loop_add(loop, &to->io, fd, on_ready);
    kd_io *io = moved ? &to->io : &from->io;
    if (!moved && !kd_loop_add(loop, io, fd, before)) {
        io->fd = fd; /* it can still be closed */
        return false;
    }
    io->ready = ready; /* what a filter holds back has no edge of its own */
    if (!moved)
        return false;
    *to = (kd_stream){to->io, loop, from->filter, from->filter_state, from->error, from->cut};
    from->filter = NULL;
    from->filter_state = NULL;
    if (to->filter && to->filter->moved)
        to->filter->moved(to);
    return true;
}

bool kd_stream_connected(kd_stream *stream)
{
    int error = 0;
    socklen_t n = sizeof error;
    if (getsockopt(stream->io.fd, SOL_SOCKET, SO_ERROR, &error, &n) != 0)
        error = errno;
    stream->error = error;
    return error == 0;
}

/* A client that never reads costs this, and not the megabytes that a send buffer grows to. */
#define NOT_SENT (64 * 1024)

void kd_stream_bound(kd_stream *stream, size_t buffer)
{
    int fd = stream->io.fd, most = NOT_SENT, size = (int)buffer;
    if (buffer && size < most)
        most = size;
    setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &most, sizeof most); /* fails on unix sockets, which do not grow */
    if (!buffer)
        return;
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
}

size_t kd_stream_kernel_memory(const kd_stream *stream)
{
    uint32_t v[SK_MEMINFO_VARS] = {0};
    socklen_t n = sizeof v;
    if (stream->io.fd < 0 || getsockopt(stream->io.fd, SOL_SOCKET, SO_MEMINFO, v, &n) != 0)
        return 0;
    uint32_t sent =
        v[SK_MEMINFO_WMEM_ALLOC] > v[SK_MEMINFO_WMEM_QUEUED] ? v[SK_MEMINFO_WMEM_ALLOC] : v[SK_MEMINFO_WMEM_QUEUED];
    return (size_t)v[SK_MEMINFO_RMEM_ALLOC] + sent + v[SK_MEMINFO_FWD_ALLOC] + v[SK_MEMINFO_BACKLOG];
}

void kd_stream_close(kd_stream *stream)
{
    int fd = stream->io.fd;
    if (fd < 0)
        return;
    if (stream->filter && stream->filter->close)
        stream->filter->close(stream);
    kd_loop_remove(stream->loop, &stream->io);
    close(fd);
}

void kd_stream_reset(kd_stream *stream)
{
    if (stream->io.fd >= 0) {
        struct linger linger = {.l_onoff = 1, .l_linger = 0};
        setsockopt(stream->io.fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
        stream->cut = true;
    }
    kd_stream_close(stream);
}

void kd_stream_finish(kd_stream *stream)
{
    if (stream->filter && stream->filter->finish)
        stream->filter->finish(stream);
    shutdown(stream->io.fd, SHUT_WR);
}

bool kd_stream_gone(kd_stream *stream)
{
    if (stream->filter && stream->filter->gone)
        return stream->filter->gone(stream);
    char byte;
    ssize_t n = recv(stream->io.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
}

static ssize_t failed(kd_stream *stream, uint8_t bit)
{
    if (errno == EAGAIN || errno == EWOULDBLOCK) {
        stream->io.ready &= (uint8_t)~bit;
        return KD_STREAM_AGAIN;
    }
    stream->error = errno;
    return KD_STREAM_ERROR;
}

ssize_t kd_stream_read(kd_stream *stream, void *to, size_t n)
{
    if (KD_UNLIKELY(stream->filter != NULL))
        return stream->filter->read(stream, to, n);
    if (!(stream->io.ready & KD_IO_READABLE))
        return KD_STREAM_AGAIN;
    ssize_t got;
    do
        got = recv(stream->io.fd, to, n, 0);
    while (got < 0 && errno == EINTR);
    if (KD_UNLIKELY(got < 0))
        return failed(stream, KD_IO_READABLE);
    /* A short read has drained the socket, unless the end of stream is still to be read. */
    if ((size_t)got < n && !(stream->io.ready & KD_IO_HUP))
        stream->io.ready &= (uint8_t)~KD_IO_READABLE;
    return got;
}

ssize_t kd_stream_writev(kd_stream *stream, const struct iovec *v, int count)
{
    if (KD_UNLIKELY(stream->filter != NULL))
        return stream->filter->writev(stream, v, count);
    if (!(stream->io.ready & KD_IO_WRITABLE))
        return KD_STREAM_AGAIN;
    size_t total = 0;
    for (int i = 0; i < count; i++)
        total += v[i].iov_len;
    struct msghdr message = {.msg_iov = (struct iovec *)(uintptr_t)v, .msg_iovlen = (size_t)count};
    ssize_t put;
    do
        put = count == 1 ? send(stream->io.fd, v->iov_base, v->iov_len, MSG_NOSIGNAL)
                         : sendmsg(stream->io.fd, &message, MSG_NOSIGNAL);
    while (put < 0 && errno == EINTR);
    if (KD_UNLIKELY(put < 0))
        return failed(stream, KD_IO_WRITABLE);
    if ((size_t)put < total)
        stream->io.ready &= (uint8_t)~KD_IO_WRITABLE;
    return put;
}
