/* A kd_buf over memory of the caller: for texts whose bound is known, so that they need no malloc. */
#ifndef KD_TEXT_GO_FIXED_H
#define KD_TEXT_GO_FIXED_H

#include "base/arena.h"
#include "base/buf.h"

/* A buffer that never grows beyond p[0..cap). Never pass it to kd_buf_fini or kd_buf_reset. */
static inline kd_buf kd_buf_over(char *p, size_t cap)
{
    return (kd_buf){.p = p, .cap = cap, .max = cap};
}

/* A buffer of cap bytes in the arena; p is NULL and `failed` set without memory. */
static inline kd_buf kd_buf_in_arena(kd_arena *arena, size_t cap)
{
    char *p = kd_arena_alloc(arena, cap);
    return p ? kd_buf_over(p, cap) : (kd_buf){.failed = true};
}

/* What the buffer holds; p is NULL when something did not fit or there was no memory. */
static inline kd_str kd_buf_whole(const kd_buf *buf)
{
    return buf->failed ? (kd_str){NULL, 0} : (kd_str){buf->p, buf->n};
}

#endif
