/* Dialing: from a target's name to a TCP connection that carries the call. Private to the client side of http. */
#ifndef KD_HTTP_DIAL_H
#define KD_HTTP_DIAL_H

#include "http/upstream.h"

/* Before anything else: makes call->timer ready. */
void kd_dial_init(kd_call *call);
/* Resolves the name of the target, or of its proxy, and connects; kd_upstream_drive is called when a connection tells
 * something. Ends within the settings' dial_timeout. The call may fail (kd_call_fail) before this returns. */
void kd_dial_begin(kd_call *call);
/* A connection of the call (up->connecting, nothing begun above TCP) has told something. True: it stands and the call
 * is on it. False: nothing yet, or another is tried, or the call has failed. */
bool kd_dial_connected(kd_upstream *up);
/* No answer of the resolver comes any more. Harmless when nothing is under way. */
void kd_dial_end(kd_call *call);

/* The class of a system call's error on a connection. */
kd_failure kd_dial_failure(int error);
/* The system's words, as Go has them: lower case, static. */
const char *kd_dial_words(int error);

/* Implemented by call.c: the call is over and its owner told, with `error` in the call's arena or static. */
void kd_call_fail(kd_call *call, kd_failure failure, kd_str error);

#endif
