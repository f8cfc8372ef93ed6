/* The chunked coding (RFC 9112 section 7.1), both ways, sans-I/O. */
#ifndef KD_HTTP_CHUNKED_H
#define KD_HTTP_CHUNKED_H

#include "base/bytes.h"

typedef struct kd_chunked {
    uint8_t state;
    bool tolerant; /* a response: bare LF is accepted */
    uint64_t left; /* bytes left of the current chunk */
    uint32_t line; /* bytes of the current size line or trailer section, bounded */
} kd_chunked;

typedef enum kd_chunked_result {
    KD_CHUNKED_MORE, /* all input is used up, the end is not reached */
    KD_CHUNKED_DATA, /* *data is set; call again with what is left */
    KD_CHUNKED_END,  /* the last chunk and the trailers are read; *used tells where the next message begins */
    KD_CHUNKED_ERROR
} kd_chunked_result;

void kd_chunked_init(kd_chunked *decoder, bool tolerant);
/* Decodes from in[0..n): *used bytes were consumed, *data is the next piece of body (a span of `in`, maybe empty).
 * Bounds: a size line of 4096 bytes, trailers of 16 KiB together; extensions are skipped, trailers dropped.
 * The error of a bad size line is Go's "invalid byte in chunk length". */
kd_chunked_result kd_chunked_decode(kd_chunked *decoder, const char *in, size_t n, size_t *used, kd_str *data);

/* Room that kd_chunked_head needs. */
#define KD_CHUNKED_HEAD_MAX 20
/* Writes the size line of a chunk of n > 0 bytes; the caller sends the n bytes and then "\r\n". Returns its length. */
size_t kd_chunked_head(char to[KD_CHUNKED_HEAD_MAX], size_t n);
#define KD_CHUNKED_LAST KD_STR("0\r\n\r\n")

#endif
