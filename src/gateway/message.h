/* What travels through a plan: the request that goes to the backends, and the outcome that comes back. An outcome holds
 * response and fault, either may be missing, so that static data, breakers and partial merges need no special path. */
#ifndef KD_GATEWAY_MESSAGE_H
#define KD_GATEWAY_MESSAGE_H

#include "base/failure.h"
#include "http/call.h"
#include "text/go/url.h"
#include "text/value.h"

typedef struct kd_param {
    kd_str name; /* first letter upper-cased */
    kd_str value;
} kd_param;

/* lura's proxy.Request. */
typedef struct kd_request {
    kd_str method;
    kd_str path; /* after the request builder: the backend's, raw */
    kd_str url;  /* after the balancer: whole, as logs and errors show it */
    kd_query query;
    kd_str raw_query; /* the whole query when it is its own encoded form: `query` is filled from it when a step asks */
    kd_headers headers;
    kd_param *params;
    uint32_t n_params;
    const kd_target *target;    /* after the balancer */
    kd_str request_target;      /* path and query as they go out */
    kd_str basic_user;          /* user info of the host, for Authorization: Basic; p is NULL without */
    const struct kd_body *body; /* kept whole (gateway/body.h); NULL: what the client sends, as it comes */
} kd_request;

/* A copy that can be edited without touching the other: lists are copied, the texts in them are shared. False without
 * memory. */
bool kd_request_copy(kd_request *to, const kd_request *from, kd_arena *arena);
/* A copy that shares nothing but targets (which live as long as the process): for what outlives the exchange. A body
 * that is not kept whole is none. False without memory. */
bool kd_request_clone(kd_request *to, const kd_request *from, kd_arena *arena);

/* Makes `query` complete: parses raw_query if that still stands. Before a step looks at or edits the query. False
 * without memory. */
static inline bool kd_request_parse_query(kd_request *request, kd_arena *arena)
{
    kd_str raw = request->raw_query;
    request->raw_query = (kd_str){NULL, 0};
    return raw.n == 0 || kd_go_query_parse(arena, raw, &request->query);
}

/* A body that still streams from a call. */
typedef struct kd_stream_body kd_stream_body;

/* lura's proxy.Response. */
typedef struct kd_response {
    kd_value data; /* an object; KD_NULL is Go's nil map */
    bool complete;
    bool raw;        /* no-op: body and head go to the client as they are */
    uint16_t status; /* of the backend; 0: none */
    kd_headers headers;
    kd_stream_body *body; /* raw: what still streams, or NULL */
} kd_response;

/* A failure on its way to the client. */
typedef struct kd_fault {
    kd_failure failure;
    kd_str text;           /* in KrakenD's words */
    uint16_t status;       /* answered to the client; 0: 500 */
    kd_str encoding;       /* Content-Type of the text, may be empty */
    struct kd_fault *next; /* further ones of a merge */
    bool several;          /* a merge's list, even of one */
} kd_fault;

typedef struct kd_outcome {
    kd_response *response;
    kd_fault *fault;
} kd_outcome;

#endif
