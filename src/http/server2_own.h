/* What the files of the HTTP/2 server share: a connection and the requests on it. For http/server2*.c only.
 *
 * nghttp2's callbacks only note what has come; owners are called when nghttp2 has returned, from the list of requests
 * that are due (`settle` in server2.c). So an owner may answer, and the answer may leave, within its callback. */
#ifndef KD_HTTP_SERVER2_OWN_H
#define KD_HTTP_SERVER2_OWN_H

#include "http/outq.h"
#include "http/server2.h"
#include "http/server2_guard.h"
#include "http/server2_head.h"

#include <nghttp2/nghttp2.h>

#define KD_H2_CUT_SHORT 64u          /* streams of which it is remembered that we ended them before the client had */
#define KD_H2_BATCH     (64u * 1024) /* bytes of frames that leave in one write */

/* One request and its answer; lies in its own arena. */
typedef struct kd_request2 {
    kd_front front;
    kd_request_head head;
    kd_arena arena;
    struct kd_connection2 *c;
    struct kd_request2 *next, **link;         /* of the connection's requests */
    struct kd_request2 *next_due, **link_due; /* of those to be looked at */
    kd_head2 fields;                          /* while the head comes */
    kd_timer read_timer, write_timer;
    kd_outq in;         /* body that the owner has not taken yet */
    kd_outq out;        /* body of the answer that has not become frames yet */
    kd_str now;         /* more of it that lies with the owner, behind `out`; only within one operation */
    uint64_t body_left; /* of a body with a length */
    uint64_t answer_left;
    size_t fields_held;   /* bytes of the head that the connection counts */
    uint32_t not_counted; /* bytes of `in` that the windows do not know of */
    int32_t id;
    kd_str refusal;     /* instead of an owner's answer */
    uint16_t refused;   /* its status */
    bool told_length;   /* the head of the request states a length */
    bool answer_length; /* that of the answer, too */
    bool no_body;       /* the answer is a head only */
    bool fresh;         /* the owner has not heard of it */
    bool owned;         /* on_request was called */
    bool in_ended;      /* the client's end of the stream has come */
    bool body_wanted, continue_owed, writable_owed;
    bool responded;
    bool answered; /* the owner has given all of the answer */
    bool ended;    /* the last frame of the answer was made */
    bool reset;    /* the end of the stream is on its way to the client */
    bool closed;   /* nghttp2 knows the stream no more */
    bool aborted;  /* by the owner */
    bool told;     /* done or gone */
    bool released;
    bool busy;    /* its owner is being called: it stays until that returns */
    bool dropped; /* what comes on it is not looked at: the head was malformed */
} kd_request2;

typedef enum kd_farewell {
    KD_FAREWELL_NONE,
    KD_FAREWELL_NOTICE, /* the client was told that an end will come, and asked for a sign that it knows */
    KD_FAREWELL_SAID    /* and which requests will be answered */
} kd_farewell;

typedef struct kd_connection2 {
    kd_stream stream;
    kd_timer timer; /* preface, idleness, a head under way, farewell, linger */
    kd_outq out;
    kd_server2 *server;
    struct kd_connection2 *next, **link;
    nghttp2_session *session;
    kd_request2 *requests;
    kd_request2 *due, **due_tail;
    kd_request2 *head;     /* whose fields are coming; NULL: those of trailers, or of a stream that is refused */
    kd_request2 *trailers; /* whose trailers are coming */
    size_t max_fields;     /* bytes of a field list, as announced */
    size_t fields_held;    /* by the heads of its requests */
    size_t trailer_left;   /* of the limit, while trailers come */
    size_t queued;         /* bytes of answers that wait in the requests */
    kd_h2_guard guard;
    uint32_t n_requests;
    uint32_t kernel; /* bytes of the kernel's memory that the ledger knows of */
    kd_ns moved;     /* when bytes of answers last left */
    kd_ns block_began, began, idle_since, farewell_at, linger_until, armed_for;
    uint8_t farewell; /* kd_farewell */
    bool tls, driving, dead;
    bool gone;      /* nothing is sent any more */
    bool lingering; /* what the client still sends is swallowed */
    bool preface;   /* the client's first settings have come */
    bool in_block;  /* a field block is under way */
    bool trailer_bad;
    uint32_t broken;                    /* the error that ends the session, once a callback has seen one */
    int32_t last_id;                    /* the highest stream that was asked for */
    int32_t cut_short[KD_H2_CUT_SHORT]; /* a ring of stream identifiers */
    uint32_t n_cut_short;
    bool deaf; /* nothing more is read: the session has failed */
    kd_address peer;
} kd_connection2;

extern const kd_front_ops kd_server2_ops;

/* server2_session.c: the part that nghttp2 calls. */

bool kd_server2_make_session(kd_server2 *server); /* callbacks and options; false without memory */
/* Opens the session, with our settings in its queue. */
bool kd_connection2_open_session(kd_connection2 *c);
/* A new request on a stream; NULL without memory. The arena, if given, becomes its own. */
kd_request2 *kd_request2_create(kd_connection2 *c, int32_t id, kd_arena *arena);
/* The head is there: what the owner may know, timers. */
void kd_request2_begin(kd_request2 *q, kd_ns began);
/* Tells nghttp2 that bytes of the body were taken. */
void kd_request2_consume(kd_request2 *q, size_t n);
/* The source of an answer's body. */
ssize_t kd_request2_read(nghttp2_session *session, int32_t id, uint8_t *to, size_t room, uint32_t *flags,
                         nghttp2_data_source *source, void *user);

/* server2_front.c */

/* Answers a request that no owner is asked for. */
void kd_request2_answer_refusal(kd_request2 *q);

/* server2.c */

void kd_request2_due(kd_request2 *q);
/* Makes frames of what waits and sends them, as far as the socket takes them. */
void kd_connection2_pump(kd_connection2 *c);
/* The client is not there any more, or the connection is to end at once. */
void kd_connection2_lose(kd_connection2 *c);
void kd_connection2_requeue(kd_connection2 *c);
/* No request after those that have come will be answered. */
void kd_connection2_say_farewell(kd_connection2 *c);
/* Gives the owner of a request what is due to it; frees it when it is over. */
void kd_request2_look(kd_request2 *q);
/* Resets one stream. */
void kd_request2_reset(kd_request2 *q, uint32_t code);

#endif
