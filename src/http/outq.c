#include "http/outq.h"

bool kd_outq_add(kd_outq *queue, kd_chunk_pool *pool, const char *p, size_t n)
{
    while (n) {
        size_t room = queue->tail ? kd_chunk_room(queue->tail) - queue->to : 0;
        if (room == 0) {
            kd_chunk *chunk = kd_chunk_take(pool, n > KD_CHUNK_SIZE ? KD_CHUNK_LARGE : KD_CHUNK_SIZE);
            if (!chunk)
                return false;
            if (queue->tail)
                queue->tail->next = chunk;
            else
                queue->head = chunk, queue->from = 0;
            queue->tail = chunk;
            queue->to = 0;
            room = kd_chunk_room(chunk);
        }
        size_t part = n < room ? n : room;
        memcpy(kd_chunk_data(queue->tail) + queue->to, p, part);
        queue->to += (uint32_t)part;
        queue->n += part;
        p += part;
        n -= part;
    }
    return true;
}

kd_sent kd_outq_send(kd_outq *queue, kd_chunk_pool *pool, kd_stream *stream, const struct iovec *v, int count)
{
    ssize_t sent = 0;
    if (KD_LIKELY(queue->n == 0)) {
        sent = kd_stream_writev(stream, v, count);
        if (KD_UNLIKELY(sent == KD_STREAM_ERROR))
            return KD_SENT_FAILED;
        if (sent < 0)
            sent = 0;
    }
    size_t skip = (size_t)sent;
    for (int i = 0; i < count; i++) {
        if (skip >= v[i].iov_len) {
            skip -= v[i].iov_len;
            continue;
        }
        if (!kd_outq_add(queue, pool, (const char *)v[i].iov_base + skip, v[i].iov_len - skip))
            return KD_SENT_FAILED;
        skip = 0;
    }
    return queue->n ? KD_SENT_SOME : KD_SENT_ALL;
}

kd_str kd_outq_first(const kd_outq *queue)
{
    if (!queue->n)
        return KD_STR("");
    size_t to = queue->head == queue->tail ? queue->to : kd_chunk_room(queue->head);
    return (kd_str){kd_chunk_data(queue->head) + queue->from, to - queue->from};
}

void kd_outq_drop(kd_outq *queue, kd_chunk_pool *pool, size_t n)
{
    queue->n -= n;
    if (!queue->n) {
        kd_outq_clear(queue, pool);
        return;
    }
    while (n) {
        kd_chunk *chunk = queue->head;
        size_t here = kd_chunk_room(chunk) - queue->from;
        if (chunk == queue->tail || n < here) {
            queue->from += (uint32_t)n;
            return;
        }
        n -= here;
        queue->head = chunk->next;
        queue->from = 0;
        kd_chunk_give(pool, chunk);
    }
}

kd_sent kd_outq_flush(kd_outq *queue, kd_chunk_pool *pool, kd_stream *stream)
{
    while (queue->n) {
        struct iovec v[8];
        int count = 0;
        for (kd_chunk *chunk = queue->head; chunk && count < 8; chunk = chunk->next, count++) {
            size_t from = chunk == queue->head ? queue->from : 0;
            size_t to = chunk == queue->tail ? queue->to : kd_chunk_room(chunk);
            v[count] = (struct iovec){kd_chunk_data(chunk) + from, to - from};
        }
        ssize_t sent = kd_stream_writev(stream, v, count);
        if (sent == KD_STREAM_ERROR)
            return KD_SENT_FAILED;
        if (sent < 0)
            return KD_SENT_SOME;
        kd_outq_drop(queue, pool, (size_t)sent);
    }
    kd_outq_clear(queue, pool);
    return KD_SENT_ALL;
}

void kd_outq_clear(kd_outq *queue, kd_chunk_pool *pool)
{
    for (kd_chunk *chunk = queue->head, *next; chunk; chunk = next) {
        next = chunk->next;
        kd_chunk_give(pool, chunk);
    }
    *queue = (kd_outq){0};
}
