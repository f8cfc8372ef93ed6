/* Bytes that a socket has not taken yet: a queue of chunks, written in order as the socket becomes writable. Its owner
 * stops producing while it is not empty, which bounds it to what one producer callback yields. */
#ifndef KD_HTTP_OUTQ_H
#define KD_HTTP_OUTQ_H

#include "base/arena.h"
#include "net/stream.h"

typedef struct kd_outq {
    kd_chunk *head, *tail;
    uint32_t from; /* first unsent byte of head */
    uint32_t to;   /* end of the content of tail */
    size_t n;      /* bytes queued */
} kd_outq;

typedef enum kd_sent {
    KD_SENT_ALL,
    KD_SENT_SOME,  /* the rest is queued */
    KD_SENT_FAILED /* the connection is broken, or there is no memory for the rest */
} kd_sent;

/* Sends the pieces: at once as far as the socket takes them, the rest is copied into the queue. At most 8 pieces. */
kd_sent kd_outq_send(kd_outq *queue, kd_chunk_pool *pool, kd_stream *stream, const struct iovec *v, int count);
/* Puts bytes behind what is queued. False without memory: then a part of them may be there. */
bool kd_outq_add(kd_outq *queue, kd_chunk_pool *pool, const char *p, size_t n);
/* The first bytes of the queue that lie together; empty when it is. */
kd_str kd_outq_first(const kd_outq *queue);
/* Forgets the first n bytes, n at most what is queued. */
void kd_outq_drop(kd_outq *queue, kd_chunk_pool *pool, size_t n);
/* Sends what is queued. */
kd_sent kd_outq_flush(kd_outq *queue, kd_chunk_pool *pool, kd_stream *stream);
/* Forgets what is queued. */
void kd_outq_clear(kd_outq *queue, kd_chunk_pool *pool);

#endif
