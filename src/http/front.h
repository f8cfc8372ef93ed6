/* A front: one request and its answer, whatever the protocol below (HTTP/1, an HTTP/2 stream; a message of an agent
 * later). Who answers never sees a connection.
 *
 * Life: the server fills the front and calls on_request. The owner answers through the operations, in its own time.
 * When the last byte of the answer has left (or can no longer leave) the server calls on_done once; the owner lets go
 * with release, at once or later, and must not touch the front afterwards. A client that goes away earlier is told by
 * on_gone; the owner then stops its work and calls release; on_done does not come any more. The server may call back
 * within an operation: an owner that is not ready for that notes it and acts when its own calls have returned. The
 * front lives until release. Request and answer are independent half-streams: an answer may end before the request's
 * body has. */
#ifndef KD_HTTP_FRONT_H
#define KD_HTTP_FRONT_H

#include "http/reply.h"
#include "http/scan.h"
#include "net/dns.h"
#include "net/worker.h"

typedef struct kd_front kd_front;

typedef enum kd_flow {
    KD_FLOW_ON,    /* go on sending */
    KD_FLOW_PAUSED /* everything was taken, but wait for on_writable */
} kd_flow;

/* What a front can do. All take everything they are given; bytes are copied where the socket does not take them. */
typedef struct kd_front_ops {
    /* Sends the head and the first piece of the body in one write. `end`: the body is complete with it. Once. */
    kd_flow (*respond)(kd_front *front, const kd_reply *reply, kd_str body, bool end);
    /* Sends more of the body; an empty piece with `end` ends it. */
    kd_flow (*write)(kd_front *front, kd_str body, bool end);
    /* The answer cannot be completed: the client must see that it is cut. on_done follows. */
    void (*abort)(kd_front *front);
    /* Asks for the request's body: on_body comes with each piece (never within this call), until paused. */
    void (*read_body)(kd_front *front);
    /* No more on_body until the next read_body. */
    void (*pause_body)(kd_front *front);
    void (*release)(kd_front *front);
    /* Instead of respond, and only with 101: sends the head (the reply's fields, Connection and Upgrade among them),
     * and from then on both directions are the bytes of a tunnel. write sends them as they are, until one with `end`;
     * read_body and on_body bring what the client sends, until `end` tells that it sends no more. on_done follows once
     * both have ended; abort, on_gone and back-pressure are as before. No timeouts but the owner's. NULL, or false and
     * nothing was sent: not with this client (HTTP/2, HTTP/1.0, a request with a body): it wants another answer. */
    bool (*detach)(kd_front *front, const kd_reply *reply);
} kd_front_ops;

/* What the owner is told. */
typedef struct kd_handler {
    void (*on_request)(void *context, kd_front *front);
    /* A piece of the request's body, valid during the call; `end`: it is complete. `failed`: the client's coding was
     * broken or the body ended early (the piece is empty). */
    void (*on_body)(kd_front *front, kd_str piece, bool end, bool failed);
    void (*on_writable)(kd_front *front);
    void (*on_gone)(kd_front *front);
    void (*on_done)(kd_front *front);
    /* The server drains, and this front is a tunnel: it should end soon. May come again. NULL: tunnels are cut. */
    void (*on_drain)(kd_front *front);
} kd_handler;

struct kd_front {
    const kd_front_ops *ops;
    kd_worker *worker;
    kd_arena *arena; /* of this request; gone after release */
    kd_request_head *head;
    const kd_address *peer;
    kd_ns began;     /* when the request's first byte was read */
    bool body_ended; /* the request's body was read to its end, or there is none */
    bool tls;
    bool windowed; /* an HTTP/2 stream: the client's window bounds what it takes, 64 KB mostly */
    void *owner;   /* the handler's */
};

#endif
