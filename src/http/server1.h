/* The HTTP/1 server side of one worker: connections, keep-alive, pipelining in order, 100-continue, body framing both
 * ways, timeouts, tunnels. Complete requests become fronts (http/front.h). Beside it stands the HTTP/2 server, which
 * gets the connections that speak that, and shares handler, settings, drain and end. */
#ifndef KD_HTTP_SERVER1_H
#define KD_HTTP_SERVER1_H

#include "http/front.h"
#include "http/handshake.h"
#include "http/server2.h"

struct kd_connection;

typedef struct kd_server1 {
    kd_worker *worker;
    const kd_handler *handler;
    void *context; /* handed to on_request */
    kd_server_settings settings;
    kd_server2 h2;
    bool has_h2;                       /* there was memory for it */
    kd_handshakes handshakes;          /* connections that are not ready yet, where settings.tls is set */
    struct kd_connection *connections; /* all of them, for draining */
    uint32_t n_connections;
    bool draining;
    kd_buf head;           /* scratch for answer heads */
    kd_header_order order; /* of the fields of answers */
    kd_scan_memo memo;     /* of requests' heads */
    uint64_t malformed, refused_fields, accepted;
    uint32_t n_refused; /* connections that only wait for their answer of refusal to arrive */
} kd_server1;

void kd_server1_init(kd_server1 *server, kd_worker *worker, const kd_handler *handler, void *context);
/* Closes what is still open; fronts under way are told by on_gone. */
void kd_server1_fini(kd_server1 *server);
/* Takes over an accepted socket: its TLS handshake comes first where settings.tls is set. Closes it when there is no
 * memory. */
void kd_server1_accept(kd_server1 *server, int fd, const struct sockaddr *peer, socklen_t n);
/* Answers with these bytes, whatever the client asks, and closes: for what is above a limit. A client of TLS could not
 * read them: it is closed at once. It does not count as a connection; above 256 of them at a time the answer is sent
 * without waiting for it to arrive. */
void kd_server1_refuse(kd_server1 *server, int fd, kd_str answer);
/* Resets every connection whose client has taken no byte of its answer since `since`; returns how many. Walks over all.
 */
unsigned kd_server1_cut_stalled(kd_server1 *server, kd_ns since);
/* No keep-alive from now on; connections between requests are closed. */
void kd_server1_drain(kd_server1 *server);

#endif
