/* The head of an answer, and the one place that writes answer heads to the wire. */
#ifndef KD_HTTP_REPLY_H
#define KD_HTTP_REPLY_H

#include "base/buf.h"
#include "http/headers.h"
#include "http/scan.h"

typedef struct kd_reply {
    uint16_t status;    /* 100..999 */
    kd_headers headers; /* canonical names; without Content-Length and Transfer-Encoding */
    int64_t length;     /* of the body where it is known before the first byte, else -1 */
    bool close;         /* the connection ends with this answer */
} kd_reply;

/* How the body of an answer is framed: the one place where this is decided (RFC 9112 section 6). */
typedef enum kd_reply_framing {
    KD_REPLY_NO_BODY, /* HEAD, 1xx, 204, 304: nothing follows the head */
    KD_REPLY_LENGTH,
    KD_REPLY_CHUNKED,
    KD_REPLY_CLOSE /* the end of the connection ends the body */
} kd_reply_framing;

typedef struct kd_reply_context {
    kd_method method; /* of the request */
    uint8_t minor;    /* of the request */
    bool keep_alive;  /* the connection stays open afterwards; false adds Connection: close */
    kd_str date;
    kd_str first;           /* first piece of the body: its type is sniffed where none is set */
    bool complete;          /* `first` is the whole body */
    kd_header_order *order; /* of the answers written before; may be NULL */
} kd_reply_context;

/* Writes status line and fields to `out` as Go's net/http does (spec/01 section 3.3): fields sorted by name, then Date,
 * Content-Length, the sniffed Content-Type, Connection, Transfer-Encoding. Fields with a forbidden byte in name or
 * value are left out and counted in *refused. May sort reply->headers. context->keep_alive becomes false where the
 * framing demands it. */
kd_reply_framing kd_reply_write(kd_buf *out, kd_reply *reply, kd_reply_context *context, unsigned *refused);

/* Go's http.StatusText; empty for an unknown code. */
kd_str kd_status_text(unsigned status);
/* May a message of this status carry a body? */
static inline bool kd_status_has_body(unsigned status)
{
    return status >= 200 && status != 204 && status != 304;
}

#endif
