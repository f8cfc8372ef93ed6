/* What the two files of the HTTP/1 server share: a connection and the request on it. For http/server1*.c only. */
#ifndef KD_HTTP_SERVER1_OWN_H
#define KD_HTTP_SERVER1_OWN_H

#include "http/chunked.h"
#include "http/outq.h"
#include "http/server1.h"

typedef enum kd_connection_state {
    KD_CONNECTION_HEAD,  /* between requests, or within a head */
    KD_CONNECTION_BUSY,  /* a request is under way */
    KD_CONNECTION_DRAIN, /* its answer is out, its body is not all read */
    KD_CONNECTION_LINGER /* nothing more is sent */
} kd_connection_state;

/* One request and its answer; lies in its own arena, whose first chunk is the buffer that the head was read into. */
typedef struct kd_server1_request {
    kd_front front;
    kd_request_head head;
    kd_arena arena;
    struct kd_connection *c;
    kd_timer read_timer;
    kd_chunked decoder;
    uint64_t body_left; /* of a body with a length */
    const char *rest;   /* bytes behind the head that came with it */
    size_t rest_n;
    uint64_t drained;
    kd_reply_framing framing;
    uint64_t answer_left; /* bytes still owed of an answer with a length */
    bool keep_alive, responded, answered, done_told, released, aborted;
    bool body_wanted, continue_owed, writable_owed;
    bool tunnel, shut; /* detached; our side of it has ended */
} kd_server1_request;

typedef struct kd_connection {
    kd_stream stream;
    kd_timer timer;
    kd_outq out;
    kd_server1 *server;
    struct kd_connection *next, **link;
    kd_server1_request *q;
    kd_chunk *chunk; /* buffer of a head under way */
    uint32_t filled, seen;
    uint8_t state;
    bool driving, dead, gone;
    bool used;       /* a request has come on it */
    bool refused;    /* never was a connection that counts */
    uint32_t kernel; /* bytes of the kernel's memory that the ledger knows of */
    kd_ns began;
    kd_ns moved; /* when the client's socket last took bytes of what is queued */
    kd_address peer;
} kd_connection;

/* Ends it at once; freed when its driving function returns. */
void kd_connection_destroy(kd_connection *c);
/* The request goes, its arena with it. */
void kd_connection_forget(kd_connection *c);
/* The client is not there any more, or the connection is to end at once. */
void kd_connection_lose(kd_connection *c);
/* Nothing more is sent; what the client still sends is swallowed for a while, so that a reset does not eat the answer.
 */
void kd_connection_linger(kd_connection *c);
/* Sends, at once or as the socket takes it. */
void kd_connection_send(kd_connection *c, const struct iovec *v, int count);
/* Runs it until it waits for the client or for its request's owner. */
void kd_connection_drive(kd_connection *c);
/* Another protocol for a connection (server1_switch.c). */
typedef enum kd_switch {
    KD_SWITCH_NO,
    KD_SWITCH_MORE, /* it may be, once more bytes have come */
    KD_SWITCH_DONE  /* the connection has gone to the HTTP/2 server: this one is to be destroyed */
} kd_switch;
/* Does the connection begin with HTTP/2's preface? */
kd_switch kd_connection_preface(kd_connection *c);
/* Is the request, whose head was just read into the connection's buffer, an upgrade to h2c? If so its arena goes, too.
 */
kd_switch kd_connection_upgrade(kd_connection *c, kd_server1_request *q);
/* kd_front_ops.detach. */
bool kd_server1_detach(kd_front *front, const kd_reply *reply);
/* The owner of a tunnel hears that it should end, or it is cut. */
void kd_connection_drain_tunnel(kd_connection *c);
/* Its stream's and its timer's callbacks. */
void kd_connection_on_ready(kd_io *io);
void kd_connection_on_timer(kd_timer *timer);

#endif
