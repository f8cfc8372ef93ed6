/* Binding listening sockets, with the error texts of Go's net package. */
#ifndef KD_NET_BIND_H
#define KD_NET_BIND_H

#include "base/arena.h"

#define KD_BACKLOG 4096 /* connections that queue for accept; the kernel cuts it to net.core.somaxconn */

/* What Go prints for an errno: as strerror, in lower case. Returns `to`. */
const char *kd_errno_text(int error, char to[128]);

/* Binds n non-blocking sockets to one address and port (0: the kernel chooses, *bound tells) and listens on them; the
 * kernel spreads connections over them (SO_REUSEPORT). ip empty or unspecified: every address, IPv4 and IPv6 in one
 * socket where the system has IPv6 (as Go's net.Listen); a host name is looked up, blocking, IPv4 before IPv6. False
 * when someone listens there already, in this process or another, or on any other failure: *error in `arena`, no socket
 * is left. */
bool kd_bind(kd_arena *arena, kd_str ip, uint16_t port, unsigned n, int *fds, uint16_t *bound, kd_str *error);

#endif
