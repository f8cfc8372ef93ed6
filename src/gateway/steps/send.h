/* The call's step and what belongs to it: private to send*.c. */
#ifndef KD_GATEWAY_STEPS_SEND_H
#define KD_GATEWAY_STEPS_SEND_H

#include "gateway/steps/core.h"
#include "gateway/transport.h"

#define KD_MAX_REQUESTS 10 /* of one call, redirects included */

typedef struct kd_send_config {
    const kd_backend *backend;
    kd_reading reading;
    bool one_turn;    /* what came is decoded and answered before anything else happens on the worker */
    bool compression; /* ask for gzip */
    bool keep_alive;
    uint8_t http2; /* kd_call_http2 */
    bool body_on_redirect;
} kd_send_config;

typedef enum kd_send_then { KD_THEN_DELIVER, KD_THEN_DISCARD, KD_THEN_FOLLOW, KD_THEN_REPLACE } kd_send_then;

/* The step's state: one request to a backend with all its redirects. */
typedef struct kd_send {
    kd_scope scope; /* of the call: it may outlive the branch while its body streams */
    kd_branch *branch;
    const kd_send_config *config;
    kd_call *call; /* of the present request; a redirect makes a new one */
    kd_method method;
    kd_str method_text;
    const kd_target *target, *first_target;
    kd_str request_target;
    kd_str referer;
    unsigned redirects;
    bool had_body;                       /* the first request had one, be it empty: Go follows no 307 with it */
    bool drop_body;                      /* a redirect turned the request into one without a body */
    bool drop_sensitive;                 /* a redirect left the domain */
    bool auto_gzip;                      /* we asked for gzip, the backend's coding is ours to undo */
    bool ready;                          /* the wait is over */
    bool feeding;                        /* the client's body is being passed on */
    const struct kd_body_piece *to_send; /* of a kept body: what goes out next */
    bool probing;                        /* its first byte is waited for (send_probe.c) */
    kd_failure peek_failed;
    kd_str peeked; /* the first piece, which was read before the request was laid out */
    kd_timer probe;
    kd_send_then then;
    kd_transport *transport; /* NULL: the network itself */
    bool given;              /* its stored answer is the answer */
    bool failed;             /* the branch has a fault, perhaps before there was a call */
    size_t dropped;          /* bytes of a redirect's body */
    kd_held held;            /* waits for memory for the body */
    bool admitted;           /* has been let in */
    kd_received received;
    size_t cap;
    kd_stream_body stream;
    kd_response response;
} kd_send;

/* Builds the head of the request that s describes, and its framing. False without memory. */
bool kd_send_compose(kd_send *s);
/* Has the request's method mostly no body, so that Go looks for one first? */
bool kd_send_often_bodiless(const kd_send *s);
/* The one Content-Length that was let through, if it is a number. */
bool kd_send_stated_length(const kd_send *s, uint64_t *length);
/* Is it open whether there is a body? Then kd_send_probe waits for its first byte or its end; the step is entered again
 * when that is known. */
bool kd_send_wants_probe(const kd_send *s);
kd_verdict kd_send_probe(kd_send *s);
/* Ends the wait; harmless when there is none. */
void kd_send_stop_probe(kd_send *s);
/* Is the answer a redirect that is followed? Changes s accordingly. A fault (too many, a bad Location) is set in the
 * branch's outcome and *failed. */
bool kd_send_follows(kd_send *s, bool *failed);

#endif
