/* HTTP/2 to a target (RFC 9113): connections that carry many calls at once. Private to the client side of http: calls
 * that ask for HTTP/2 come here from call.c, and are told what happens through their events as all others are. */
#ifndef KD_HTTP_SESSION2_H
#define KD_HTTP_SESSION2_H

#include "http/h2_memory.h"
#include "http/upstream.h"

#define KD_SESSION2_STREAMS    100u               /* at a time, until the server names its own bound */
#define KD_SESSION2_MAX        64u                /* connections of a pool; further calls wait for a place on one */
#define KD_SESSION2_WINDOW     65535u             /* bytes of an answer that its owner has not taken yet */
#define KD_SESSION2_CONNECTION (8u * 1024 * 1024) /* of all answers of a connection */
#define KD_SESSION2_SECOND_TRY (60 * KD_SECOND)   /* after a server has chosen HTTP/1.1, it is asked again so late */

/* A call on its way; lies in the call's arena. */
typedef struct kd_stream2 {
    kd_call *call;
    struct kd_session2 *session;
    struct kd_stream2 *next, **link;         /* of the session */
    struct kd_stream2 *next_due, **link_due; /* of those whose owners are to be told something */
    int32_t id;                              /* 0: not submitted */
    kd_outq body;                            /* of the request: what the owner gave and no frame took yet */
    kd_outq in;                              /* of the answer: what the owner has not taken yet */
    size_t sent;                             /* of call->bytes */
    uint32_t error;                          /* of a stream that was reset */
    bool asked, body_end, deferred, writable_owed;
    bool head_done, in_end, closed;
    bool no_memory, bad; /* what came cannot be handed on */
} kd_stream2;

typedef struct kd_session2 {
    kd_stream stream;
    kd_timer timer; /* idle */
    kd_outq out;
    kd_client *client;
    kd_pool *pool;
    struct kd_session2 *next, **link;         /* of the pool */
    struct kd_session2 *all_next, **all_link; /* of the client */
    nghttp2_session *session;                 /* NULL until the connection stands */
    kd_stream2 *streams, *due, *due_tail;
    kd_stream2 *current; /* whose owner is being called */
    kd_call carrier;     /* makes the connection */
    kd_arena arena;      /* of the carrier */
    uint32_t n, served, profile;
    uint8_t mode;
    bool going; /* takes no more calls */
    bool dead, driving;
    bool settings, began; /* the server's settings have come; requests are sent */
} kd_session2;

/* What the sessions of one client share; made when the first is. */
typedef struct kd_sessions2 {
    kd_h2_memory memory;
    nghttp2_session_callbacks *callbacks;
    nghttp2_option *options;
    kd_session2 *all;
} kd_sessions2;

/* Puts the call on a connection of its target. False: it is to go by HTTP/1.1 (nothing has happened). Outcomes come by
 * events, a refusal maybe before this returns. */
bool kd_session2_start(kd_client *client, kd_call *call);
void kd_session2_cancel(kd_call *call);
void kd_session2_resume(kd_call *call);
kd_flow kd_session2_write(kd_call *call, kd_str piece, bool end);
/* Closes all; no call may be under way. */
void kd_sessions2_fini(kd_client *client);

/* session2_frames.c: what nghttp2 calls. Owners are never called from there. */

kd_sessions2 *kd_sessions2_create(void);
/* Opens nghttp2's session on a connection that stands. */
bool kd_session2_open(kd_session2 *s);
/* Hands the request to nghttp2. False without memory. */
bool kd_stream2_submit(kd_stream2 *st);
void kd_stream2_due(kd_stream2 *st);

#endif
