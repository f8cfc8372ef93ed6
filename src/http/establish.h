/* What lies between a TCP connection and the first request on it: the tunnel through a proxy and the TLS handshake.
 * Private to the client side of http. */
#ifndef KD_HTTP_ESTABLISH_H
#define KD_HTTP_ESTABLISH_H

#include "http/upstream.h"

typedef enum kd_established {
    KD_ESTABLISHED,  /* requests can be sent */
    KD_ESTABLISHING, /* go on when the stream becomes ready */
    KD_ESTABLISH_FAILED
} kd_established;

/* Does anything lie between? Set on the new connection before it is used. */
void kd_establish_prepare(kd_upstream *up);
/* Takes the stages after TCP as far as they go, and arms call->timer for each. On failure *failure and *error are set,
 * the latter in Go's words without the `Get "url": `, in the call's arena. */
kd_established kd_establish(kd_upstream *up, kd_failure *failure, kd_str *error);
/* The same for a stage that took too long. */
void kd_establish_timeout(const kd_upstream *up, kd_failure *failure, kd_str *error);
/* Rewrites the head of a plain request for a proxy: absolute form (RFC 9112 section 3.2.2) and credentials. False
 * without memory. */
bool kd_establish_through_proxy(kd_call *call);

#endif
