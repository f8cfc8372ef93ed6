/* A byte stream on a socket, behind a filter interface: plain now; TLS and HTTP/2 put a filter in front of the socket.
 * Readiness is sticky (net/loop.h): a read or write that cannot proceed costs no system call. */
#ifndef KD_NET_STREAM_H
#define KD_NET_STREAM_H

#include "net/loop.h"

#include <sys/socket.h>
#include <sys/uio.h>

/* Results below zero of read and write. */
enum { KD_STREAM_AGAIN = -1, KD_STREAM_ERROR = -2 };

typedef struct kd_stream kd_stream;

/* What a filter replaces. `pending`: bytes that a read would give without the socket becoming readable. */
typedef struct kd_stream_filter {
    const char *name;
    ssize_t (*read)(kd_stream *stream, void *to, size_t n);
    ssize_t (*writev)(kd_stream *stream, const struct iovec *v, int count);
    bool (*pending)(kd_stream *stream);
    void (*close)(kd_stream *stream);  /* frees the filter's state; the socket is closed afterwards */
    void (*moved)(kd_stream *stream);  /* the stream lies here now (kd_stream_move); may be NULL */
    void (*finish)(kd_stream *stream); /* says goodbye: no write follows; may be NULL */
    bool (*gone)(kd_stream *stream);   /* see kd_stream_gone; NULL: the socket tells */
} kd_stream_filter;

struct kd_stream {
    kd_io io;
    kd_loop *loop;
    const kd_stream_filter *filter; /* NULL: the socket itself */
    void *filter_state;
    int error; /* errno of the last KD_STREAM_ERROR */
    bool cut;  /* it is being reset: nothing may look like an orderly end */
};

/* Takes over a connected or connecting non-blocking socket. on_ready: see kd_loop_add. False (errno): fd is still the
 * caller's. */
bool kd_stream_open(kd_stream *stream, kd_loop *loop, int fd, void (*on_ready)(kd_io *io));
/* Makes a socket and begins to connect; the outcome is known when the stream is writable: kd_stream_connected.
 * False when that failed at once (stream->error). */
bool kd_stream_connect(kd_stream *stream, kd_loop *loop, const struct sockaddr *to, socklen_t n,
                       void (*on_ready)(kd_io *io));
/* After the first writable edge: true, or false with stream->error. */
bool kd_stream_connected(kd_stream *stream);
/* Moves an open stream to another place, its filter with it, for a new owner: `from` is closed then. False (errno): it
 * stays where it was. Not from within a call of its filter. */
bool kd_stream_move(kd_stream *to, kd_stream *from, void (*on_ready)(kd_io *io));
/* Closes; the peer sees the end of stream. */
void kd_stream_close(kd_stream *stream);
/* Closes so that the peer sees a reset: for messages that must not look complete. */
void kd_stream_reset(kd_stream *stream);
/* Ends what is sent, in order: the peer sees the end of the stream, and what it sends can still be read. */
void kd_stream_finish(kd_stream *stream);
/* Has the peer ended or reset the stream, with nothing left to read? Takes nothing from it; costs a system call. */
bool kd_stream_gone(kd_stream *stream);
static inline bool kd_stream_is_open(const kd_stream *stream)
{
    return stream->io.fd >= 0;
}

/* Reads up to n bytes: the count, 0 at the end of stream, KD_STREAM_AGAIN, or KD_STREAM_ERROR. */
ssize_t kd_stream_read(kd_stream *stream, void *to, size_t n);
/* Writes what the socket takes: the count (maybe short: wait for writability), KD_STREAM_AGAIN, or KD_STREAM_ERROR. The
 * one function through which all bytes leave. */
ssize_t kd_stream_writev(kd_stream *stream, const struct iovec *v, int count);
/* Bounds what the kernel holds of this socket: what it has not sent yet (TCP_NOTSENT_LOWAT), and, when `buffer` is not
 * 0, each of its two buffers. */
void kd_stream_bound(kd_stream *stream, size_t buffer);
/* What the kernel holds of this socket now, in bytes (SO_MEMINFO): what is read, sent, and queued. One system call. */
size_t kd_stream_kernel_memory(const kd_stream *stream);
/* Can a read give something now? */
static inline bool kd_stream_readable(const kd_stream *stream)
{
    return stream->io.ready & KD_IO_READABLE;
}
static inline bool kd_stream_writable(const kd_stream *stream)
{
    return stream->io.ready & KD_IO_WRITABLE;
}

#endif
