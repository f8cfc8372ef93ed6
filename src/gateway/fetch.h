/* A fetch: an HTTP request of the gateway's own, on one worker, bound to no exchange: key documents, tokens. Its memory
 * is its own, its answer is collected up to a bound, a GET follows up to ten redirects as Go's client does, gzip is
 * undone. Whoever asked is told exactly once, in a later turn than the one that asked, unless it cancels. */
#ifndef KD_GATEWAY_FETCH_H
#define KD_GATEWAY_FETCH_H

#include "gateway/worker.h"

/* Fetches of one worker at a time; more fail as SHED. */
#define KD_FETCH_MAX 256u

typedef struct kd_fetch kd_fetch;

typedef struct kd_fetch_field {
    kd_str name, value; /* checked by whoever gives them; a field with control bytes fails the fetch */
} kd_fetch_field;

typedef struct kd_fetch_request {
    kd_method method; /* GET or POST */
    kd_str url;
    const kd_fetch_field *fields; /* sent in this order, behind Host, User-Agent (unless one is here) and
                                     Content-Length */
    uint32_t n_fields;
    kd_str body;
    kd_ns timeout;       /* over everything; 0: none but the dialer's */
    size_t max_body;     /* inflated; longer: KD_FAIL_TOO_LARGE */
    kd_tls_profile *tls; /* NULL: as backends are spoken to. The caller holds it until the fetch is over */
    bool no_gzip;        /* Accept-Encoding is left out */
} kd_fetch_request;

typedef struct kd_fetch_result {
    kd_failure failure; /* NONE: an answer came, of whatever status */
    kd_str error; /* Go's text: `Get "http://…": dial tcp …`; of a body that does not come whole only the reason */
    bool in_body; /* it is the body that failed */
    const kd_response_head *head;
    kd_str body;
} kd_fetch_result;

/* The result is valid during the call. */
typedef void (*kd_fetch_done)(void *context, const kd_fetch_result *result);

/* Starts the fetch; everything of the request is copied. NULL without memory or at the bound: nobody is told then. */
kd_fetch *kd_fetch_start(kd_gateway_worker *worker, const kd_fetch_request *request, kd_fetch_done on_done,
                         void *context);
/* Ends it; on_done does not come any more. On the worker that started it. */
void kd_fetch_cancel(kd_fetch *fetch);
/* Ends all of a worker that stops: each is told KD_FAIL_CANCELLED. */
void kd_fetch_cancel_all(kd_gateway_worker *worker);

#endif
