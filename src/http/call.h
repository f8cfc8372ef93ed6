/* A call: one request to a target and its answer. Pools, connecting, resolving and the retry on a stale connection are
 * behind it. A call lives in its caller's memory; it is over after on_data with `end`, after on_fail, or after cancel,
 * and no callback comes then. Callbacks run on the worker that started the call. */
#ifndef KD_HTTP_CALL_H
#define KD_HTTP_CALL_H

#include "base/failure.h"
#include "http/chunked.h"
#include "http/front.h"
#include "http/target.h"
#include "net/tls_profile.h"

typedef struct kd_call kd_call;
struct kd_upstream;

typedef struct kd_call_events {
    /* call->head is complete; pieces of the body follow by on_data. Heads 1xx (but 101) are not told.
     * call->data_follows: on_data comes right after this returns (with an empty piece if need be), unless the call is
     * paused or cancelled: who sends head and body on can do it in one write. */
    void (*on_head)(kd_call *call);
    /* A piece of the body, valid during the callback; KD_JSON_PAD bytes behind it may be overwritten when `end`. */
    void (*on_data)(kd_call *call, kd_str piece, bool end);
    /* The call failed: call->failure and call->error. After on_head: the body is cut. */
    void (*on_fail)(kd_call *call);
    /* A streamed request body: a piece can be handed to kd_call_write now. */
    void (*on_writable)(kd_call *call);
} kd_call_events;

typedef enum kd_call_body {
    KD_CALL_NO_BODY,
    KD_CALL_BYTES,
    KD_CALL_STREAM_LENGTH,
    KD_CALL_STREAM_CHUNKED
} kd_call_body;

/* How a call wants to speak HTTP/2. */
typedef enum kd_call_http2 {
    KD_HTTP2_NONE,
    KD_HTTP2_PRIOR, /* it is known that the target speaks it (RFC 9113 section 3.3), with TLS or without */
    KD_HTTP2_ALPN   /* over TLS, where the target agrees; else HTTP/1.1 */
} kd_call_http2;

struct kd_call {
    /* Set by the caller. */
    const kd_call_events *events;
    void *owner;
    kd_arena *arena; /* the answer's head and error texts lie here */
    const kd_target *target;
    kd_method method;
    kd_str request_head; /* the whole head, its empty line included */
    kd_call_body body;
    kd_str bytes;         /* KD_CALL_BYTES */
    uint64_t body_length; /* KD_CALL_STREAM_LENGTH */
    uint8_t http2;        /* kd_call_http2 */
    bool close;           /* the connection is not used again */
    bool small_pieces;    /* no piece above KD_READ_SIZE: who it is for takes no more at a time */
    bool idempotent;      /* may be sent once more on a fresh connection when nothing came back on a used one */

    /* Told. */
    kd_response_head head;
    bool data_follows;
    kd_failure failure;
    kd_str error; /* Go's text without `Get "url": ` */

    /* The client's own. */
    struct kd_client *client;
    struct kd_upstream *up;
    struct kd_stream2 *stream2;              /* on HTTP/2; `up` is NULL then */
    void (*on_connected)(struct kd_call *c); /* takes the connection instead of sending (session2.c) */
    kd_chunked decoder;
    uint64_t left;        /* of a body with a length */
    uint64_t unsent;      /* of a streamed request body with a length */
    struct kd_dial *dial; /* under way; `up` is NULL then */
    kd_timer timer;       /* dialing and what follows on a new connection */
    bool retried, head_told, paused, over, body_sent, head_sent, reading;
    char *partial; /* an incomplete head, or pieces kept while paused */
    size_t partial_n, partial_cap;
};

typedef struct kd_client_settings {
    bool keep_alive;
    int64_t max_idle;          /* over all targets; 0: no bound */
    int64_t max_idle_per_host; /* process-wide; divided into the workers' shares */
    kd_ns idle_timeout;        /* 0: never */
    kd_ns header_timeout;      /* from the request's last byte to the head; 0: none */
    kd_ns dial_timeout;        /* 0: the system's */
    kd_ns dial_fallback_delay; /* head start of the first address's family; 0: 300 ms; below 0: one after the other */
    kd_ns dial_keep_alive;     /* 0: 15 s; below 0: no probes */
    size_t socket_buffer;      /* of each direction of a socket; 0: the system decides */
    kd_tls_profile *tls;       /* borrowed from the generation; NULL: kd_tls_profile_default */
} kd_client_settings;

/* The client side of one worker: its pools. */
typedef struct kd_client {
    kd_worker *worker;
    kd_client_settings settings;
    struct kd_pool **pools; /* by target id */
    uint32_t n_pools;
    uint32_t n_idle;
    uint32_t first_read; /* bytes read at a time until an answer's head is known; KD_SCRATCH_SIZE, less when memory is
                            short */
    struct kd_upstream *all;
    struct kd_sessions2 *sessions2; /* of HTTP/2; NULL until there is one */
    kd_scan_memo memo;              /* of answers' heads */
    uint64_t connects, reuses, retries;
} kd_client;

void kd_client_init(kd_client *client, kd_worker *worker);
/* Closes everything. No call may be under way. */
void kd_client_fini(kd_client *client);

/* Starts the call. Its outcome comes by callbacks, maybe (a refusal) before this returns. */
void kd_call_start(kd_client *client, kd_call *call);
/* Ends the call: no callback comes any more. A connection in the middle of an answer is closed. Harmless when over. */
void kd_call_cancel(kd_call *call);
/* No on_data until resume; what has been read is kept (at most KD_SCRATCH_SIZE). */
void kd_call_pause(kd_call *call);
/* on_data comes again, never within this call. */
void kd_call_resume(kd_call *call);
/* Hands over a piece of a streamed request body; everything is taken. PAUSED: wait for on_writable. */
kd_flow kd_call_write(kd_call *call, kd_str piece, bool end);

#endif
