#include "base/buf.h"

#include "base/format.h"

#include <stdarg.h>
#include <stdlib.h>

void kd_buf_init(kd_buf *buf, size_t max)
{
    *buf = (kd_buf){.max = max};
}

void kd_buf_fini(kd_buf *buf)
{
    free(buf->p);
    *buf = (kd_buf){.max = buf->max};
}

void kd_buf_reset(kd_buf *buf, size_t keep)
{
    buf->n = 0;
    buf->failed = false;
    if (buf->cap > keep) {
        free(buf->p);
        buf->p = NULL;
        buf->cap = 0;
    }
}

char *kd_buf_grow(kd_buf *buf, size_t n)
{
    if (n > buf->max || buf->n > buf->max - n) {
        buf->failed = true;
        return NULL;
    }
    size_t cap = buf->cap ? buf->cap : 256;
    while (cap < buf->n + n)
        cap = cap > buf->max / 2 ? buf->max : cap * 2;
    if (cap > buf->max)
        cap = buf->max;
    if (cap == 0)
        return NULL; /* nothing is to be added, and nothing may be kept: realloc would give a block all the same */
    char *p = realloc(buf->p, cap);
    if (!p) {
        buf->failed = true;
        return NULL;
    }
    buf->p = p;
    buf->cap = cap;
    return p + buf->n;
}

void kd_buf_printf(kd_buf *buf, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    size_t n = kd_format(NULL, 0, format, args);
    va_end(args);
    char *to = kd_buf_room(buf, n + 1);
    if (to) {
        kd_format(to, n + 1, format, again);
        buf->n += n;
    }
    va_end(again);
}
