/* The body of a raw answer on its way from a call to the client: back-pressure both ways, gunzipped where the gateway
 * itself asked for gzip. */
#ifndef KD_GATEWAY_STREAM_BODY_H
#define KD_GATEWAY_STREAM_BODY_H

#include "gateway/message.h"
#include "http/gunzip.h"
#include "net/timer.h"

struct kd_exchange;

struct kd_stream_body {
    struct kd_exchange *x;
    kd_call *call;
    kd_gunzip *gunzip; /* NULL: bytes pass as they are */
    bool head_sent, ended, cancelled, paused;
    bool fed;       /* something came that is to be gunzipped */
    bool last;      /* the call's last piece has come; with gunzip some of it may still wait for the client */
    int64_t length; /* of the whole body, -1 when it is not known */
    char *held;     /* its beginning, while it may turn out to be short enough for a Content-Length */
    uint32_t n_held;
    kd_timer patience; /* armed while the head waits for that */
    kd_str whole;      /* is_whole: all of it; nothing comes from the call */
    bool is_whole;
    bool drop;          /* the client gets no body (HEAD, 204, 304) */
    kd_failure failure; /* the call failed before the answer was begun */
    bool failed;
};

/* The answer's head is ready in x->reply: send it, with the first piece if one follows at once. Where the length is not
 * known, head and beginning wait up to 10 ms for the end, unless they pass 2 KB or are a stream of events: a short
 * answer gets a Content-Length, as from Go's server. */
void kd_stream_body_start(kd_stream_body *body);
/* What the call's owner passes on. */
void kd_stream_body_data(kd_stream_body *body, kd_str piece, bool end);
void kd_stream_body_fail(kd_stream_body *body);
/* The client's socket takes bytes again. */
void kd_stream_body_resume(kd_stream_body *body);
void kd_stream_body_cancel(kd_stream_body *body);

#endif
