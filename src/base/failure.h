/* The classes of run-time failure: one name for log, metric and trace. */
#ifndef KD_BASE_FAILURE_H
#define KD_BASE_FAILURE_H

#include "base/bytes.h"

/*  enum suffix, name in logs and metrics */
#define KD_FAILURES(X)                                                                                                 \
    X(NONE, "none")                                                                                                    \
    X(CANCELLED, "client_gone") /* the client went away */                                                             \
    X(DEADLINE, "deadline")     /* the endpoint's timeout ran out */                                                   \
    X(RESOLVE, "dns")           /* the host name could not be resolved */                                              \
    X(NO_HOSTS, "no_hosts")     /* the balancer has no host */                                                         \
    X(REFUSED, "connect_refused")                                                                                      \
    X(UNREACHABLE, "connect_unreachable") /* no route, network down, address not available */                          \
    X(CONNECT_TIMEOUT, "connect_timeout")                                                                              \
    X(TLS, "tls")                                                                                                      \
    X(RESET, "reset")                   /* the peer reset the connection */                                            \
    X(CLOSED, "closed")                 /* the peer closed before the answer was whole */                              \
    X(HEADER_TIMEOUT, "header_timeout") /* response_header_timeout ran out */                                          \
    X(BAD_MESSAGE, "bad_message")       /* the peer's bytes are not HTTP */                                            \
    X(BAD_BODY, "bad_body")             /* the body does not decode */                                                 \
    X(BAD_STATUS, "bad_status")         /* the backend's status is not a success */                                    \
    X(BAD_REQUEST, "bad_request")       /* the client's message cannot be served */                                    \
    X(BAD_URL, "bad_url")               /* the backend's URL cannot be built */                                        \
    X(REDIRECTS, "too_many_redirects")                                                                                 \
    X(TOO_LARGE, "too_large")         /* a body or head is above its bound */                                          \
    X(SHED, "shed")                   /* a limit of the gateway itself */                                              \
    X(REJECTED, "rejected")           /* a component refused: limiter, policy */                                       \
    X(TOKEN, "token")                 /* the gateway got no access token for the backend */                            \
    X(BREAKER_OPEN, "breaker_open")   /* a circuit breaker let no call out */                                          \
    X(NOT_BUILT, "component_missing") /* a configured component does not exist in this build */                        \
    X(INTERNAL, "internal")

typedef enum kd_failure {
#define X(name, text) KD_FAIL_##name,
    KD_FAILURES(X)
#undef X
        KD_FAIL_COUNT
} kd_failure;

/* The class's name in logs, metrics and traces. */
const char *kd_failure_name(kd_failure failure);

#endif
