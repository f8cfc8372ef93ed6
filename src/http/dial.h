/* Dialing: from a target's name to a TCP connection that carries the call. Private to the client side of http. */
#ifndef KD_HTTP_DIAL_H
#define KD_HTTP_DIAL_H

#include "http/upstream.h"

/* Before anything else: makes call->timer ready. */
void kd_dial_init(kd_call *call);
/* Resolves the name of the target, or of its proxy, and connects as Go's net.Dialer does: the addresses of the first
 * one's family are tried in order, and those of the other family beside them once the former have failed or taken the
 * settings' dial_fallback_delay; what stands first is taken (RFC 8305). At most two sockets at a time. Ends within the
 * settings' dial_timeout, of which each address gets a share. kd_upstream_drive is called when a connection tells
 * something. The call may fail (kd_call_fail) before this returns. */
void kd_dial_begin(kd_call *call);
/* A connection of the call (up->connecting, nothing begun above TCP) has told something. True: it stands, the call
 * is on it, and the dial is over. False: nothing yet, or another is tried, or the call has failed. */
bool kd_dial_connected(kd_upstream *up);
/* Ends what is under way: the question to the resolver and both connections. Harmless when nothing is. */
void kd_dial_end(kd_call *call);
/* How long the first of n addresses may take when `left` is left for all of them (Go's partialDeadline). */
kd_ns kd_dial_share(kd_ns left, unsigned n);

/* The class of a system call's error on a connection. */
kd_failure kd_dial_failure(int error);
/* The system's words, as Go has them: lower case, static. */
const char *kd_dial_words(int error);

/* Implemented by call.c: the call is over and its owner told, with `error` in the call's arena or static. */
void kd_call_fail(kd_call *call, kd_failure failure, kd_str error);

#endif
