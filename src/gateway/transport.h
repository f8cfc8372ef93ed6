/* What may stand between the call's step and the network, for one call with all its redirects: a cache. The step that
 * provides it lies directly around core.send and sets kd_branch.transport on its way in; core.send tells it of every
 * request and answer. Where it has an answer of its own the backend is not asked. */
#ifndef KD_GATEWAY_TRANSPORT_H
#define KD_GATEWAY_TRANSPORT_H

#include "gateway/step.h"
#include "gateway/steps/core.h"
#include "gateway/stream_body.h"

/* How the answer of a backend is read. */
typedef struct kd_reading {
    bool noop;        /* no-op: nothing is decoded */
    bool raw;         /* and its only one: head and body go to the client as they are */
    bool keep_noop;   /* one of several, whose body a sequence may hand on */
    bool keep_errors; /* bodies of refused statuses are wanted: return_error_code, return_error_details */
} kd_reading;

kd_reading kd_reading_of(const kd_compile *compile);

/* An answer in place of a backend's. */
typedef struct kd_stored {
    uint16_t status;
    kd_method method;   /* of the request that it answers */
    kd_headers headers; /* may be edited; in the exchange's arena */
    kd_str body;        /* lives until the exchange ends */
    bool sized;         /* the backend had stated its length */
} kd_stored;

typedef struct kd_transport kd_transport;

/* None of them may end the exchange or touch the branch's wait. */
typedef struct kd_transport_ops {
    /* A redirect leads to one more request: branch->request says where, its fields may be edited. True: t->stored is
     * the answer. (The first request is the provider's own business: on its way in it sets t->has_stored.) */
    bool (*on_request)(kd_transport *t, kd_branch *branch, kd_method method);
    /* The head of an answer, which may be edited. True: t->stored takes its place once it has ended. */
    bool (*on_head)(kd_transport *t, kd_call *call);
    /* The body as it comes, where it is streamed or belongs to a redirect. What is kept whole is in branch->received.
     */
    void (*on_data)(kd_transport *t, kd_str piece, bool end);
    /* No answer came. True: t->stored takes its place. */
    bool (*on_fail)(kd_transport *t);
} kd_transport_ops;

struct kd_transport {
    const kd_transport_ops *ops;
    kd_stored stored;
    bool has_stored;
};

/* Where a given answer lies: all cleared at first, in the exchange's memory. */
typedef struct kd_giving {
    kd_call *call;
    kd_received *received;
    kd_stream_body *stream;
    kd_response *response;
} kd_giving;

/* Is it a redirect that core.send would follow? */
bool kd_stored_redirects(const kd_stored *stored);
/* Makes the stored answer the branch's outcome, as core.send does with a backend's: KD_DONE, or KD_FAIL without
 * memory. */
kd_verdict kd_stored_give(kd_branch *branch, const kd_reading *reading, const kd_stored *stored, const kd_giving *to);

#endif
