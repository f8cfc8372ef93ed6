/* The head of an answer as HTTP/2 fields. Beside reply.c the one place that writes answer heads. */
#ifndef KD_HTTP_REPLY2_H
#define KD_HTTP_REPLY2_H

#include "http/reply.h"

#include <nghttp2/nghttp2.h>

typedef struct kd_reply2 {
    nghttp2_nv *v; /* of the arena; names and values lie there too and need no copy */
    size_t n;
    int64_t length; /* bytes of body that the head promises, -1: it promises none */
    bool no_body;   /* HEAD, 204, 304: the head ends the stream */
} kd_reply2;

/* Lays out `:status` and the fields as golang.org/x/net/http2 does: sorted by name, then the sniffed Content-Type,
 * Content-Length, Date; names in small letters, nothing of the connection (RFC 9113 section 8.2.2). Fields with a
 * forbidden byte are left out and counted in *refused. Sorts reply->headers. Of `context` the minor version and
 * keep_alive do not count. False without memory. */
bool kd_reply2_write(kd_reply2 *out, kd_arena *arena, kd_reply *reply, const kd_reply_context *context,
                     unsigned *refused);

#endif
