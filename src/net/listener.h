/* Listening sockets. They belong to the process, outlive reloads, and are never closed while connections queue:
 * draining accepts until empty for a grace, then closes. One SO_REUSEPORT socket for each worker; a unix or inherited
 * socket is shared (EPOLLEXCLUSIVE). A just-accepted connection may be handed to the least loaded worker before its
 * first byte is read. */
#ifndef KD_NET_LISTENER_H
#define KD_NET_LISTENER_H

#include "net/worker.h"

#include <sys/socket.h>

typedef struct kd_listener kd_listener;

/* What a worker does with a connection that is now its own (non-blocking, close-on-exec). `context` as given at
 * creation; `peer` is valid during the call. */
typedef void (*kd_accept_fn)(kd_worker *worker, void *context, int fd, const struct sockaddr *peer, socklen_t n);

/* Binds and listens; ip empty: every address, IPv4 and IPv6 in one socket where the system has IPv6. A port that
 * someone (another process of ours too) listens on already is refused. NULL: *error is Go's text, such as "listen tcp
 * :8080: bind: address already in use", in `arena`. Nothing is accepted yet. */
kd_listener *kd_listener_create(kd_arena *arena, kd_workers *workers, kd_str ip, uint16_t port, kd_accept_fn on_accept,
                                void *context, kd_str *error);
/* Each worker begins to accept. Called once, from any thread. */
void kd_listener_start(kd_listener *listener);
/* Stops accepting: every worker accepts what still queues until nothing came for `grace_ms` (or for ten times that, at
 * least a second, when clients never pause), then closes its socket. on_closed runs (on some worker) when the last one
 * is closed. Any thread; a second call does nothing. */
void kd_listener_drain(kd_listener *listener, int grace_ms, void (*on_closed)(void *context));
/* After draining. */
void kd_listener_destroy(kd_listener *listener);
uint16_t kd_listener_port(const kd_listener *listener);
/* How often, in the whole process, accepting paused for 100 ms because descriptors or kernel memory had run out. */
uint64_t kd_listener_pauses(void);

#endif
