/* A growing byte buffer that names its maximum. Memory comes from malloc and is kept until fini: the form for scratch
 * that outlives a request (a worker's output buffer, a log line). Appending beyond `max`, or without memory, sets
 * `failed`, drops the bytes and leaves what was there; callers check once at the end. */
#ifndef KD_BASE_BUF_H
#define KD_BASE_BUF_H

#include "base/bytes.h"

typedef struct kd_buf {
    char *p;
    size_t n, cap, max;
    bool failed;
} kd_buf;

void kd_buf_init(kd_buf *buf, size_t max);
void kd_buf_fini(kd_buf *buf);
/* Forgets the content and `failed`; memory above `keep` bytes is freed. */
void kd_buf_reset(kd_buf *buf, size_t keep);
/* The slow half of kd_buf_room. */
char *kd_buf_grow(kd_buf *buf, size_t n);

/* Room for n more bytes behind the content, or NULL (and `failed`). The caller writes there and adds to buf->n. */
static inline char *kd_buf_room(kd_buf *buf, size_t n)
{
    return KD_LIKELY(buf->p && buf->cap - buf->n >= n) ? buf->p + buf->n : kd_buf_grow(buf, n);
}

static inline void kd_buf_add(kd_buf *buf, kd_str s)
{
    char *to = kd_buf_room(buf, s.n);
    if (KD_LIKELY(to != NULL) && s.n) {
        memcpy(to, s.p, s.n);
        buf->n += s.n;
    }
}

static inline void kd_buf_byte(kd_buf *buf, char c)
{
    char *to = kd_buf_room(buf, 1);
    if (KD_LIKELY(to != NULL))
        *to = c, buf->n++;
}

void kd_buf_printf(kd_buf *buf, const char *format, ...) KD_PRINTF(2, 3);
static inline kd_str kd_buf_str(const kd_buf *buf)
{
    return (kd_str){buf->p, buf->n};
}

#endif
