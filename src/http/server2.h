/* The HTTP/2 server side of one worker (RFC 9113, RFC 7541): each stream becomes a front (http/front.h), so that nobody
 * above knows the protocol. nghttp2 keeps the state of the protocol; sockets, memory, time, heads and bounds are ours.
 *
 * Connections come from the server beside it: one whose TLS handshake chose `h2`, one that began with the preface, or
 * one whose HTTP/1 request was an upgrade to h2c. */
#ifndef KD_HTTP_SERVER2_H
#define KD_HTTP_SERVER2_H

#include "http/front.h"
#include "http/h2_memory.h"
#include "http/server_settings.h"
#include "net/stream.h"

#define KD_H2_STREAMS_MAX       250u           /* requests at a time on a connection, as Go */
#define KD_H2_STREAM_WINDOW     (256u * 1024)  /* bytes of a request's body that wait for their reader */
#define KD_H2_CONNECTION_WINDOW (1024u * 1024) /* the same of all requests of a connection together */
#define KD_H2_FIELDS_HELD                                                                                              \
    (1024u * 1024) /* of the heads of a connection's requests; above that new ones are refused                         \
                    */
#define KD_H2_PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

struct kd_connection2;
struct nghttp2_session_callbacks;
struct nghttp2_option;

typedef struct kd_server2 {
    kd_worker *worker;
    const kd_handler *handler;
    void *context;                      /* handed to on_request */
    const kd_server_settings *settings; /* of the server beside it */
    struct kd_connection2 *connections; /* all of them, for draining */
    uint32_t n_connections;
    bool draining;
    kd_h2_memory memory;
    struct nghttp2_session_callbacks *callbacks;
    struct nghttp2_option *options;
    kd_buf frames; /* scratch: what one write sends */
    uint64_t accepted, malformed, refused_fields, floods;
} kd_server2;

/* `settings` is read anew for each connection and request, and outlives the server. False without memory: then nothing
 * is left behind and no connection may be taken. */
bool kd_server2_init(kd_server2 *server, kd_worker *worker, const kd_handler *handler, void *context,
                     const kd_server_settings *settings);
/* Closes what is still open; fronts under way are told by on_gone. */
void kd_server2_fini(kd_server2 *server);
/* Takes over an open stream whose client speaks HTTP/2. It is moved out of `stream` with its filter (net/stream.h:
 * kd_stream_move) and is this server's in any case: closed when there is no memory. `begun`: what was read of it
 * already, the preface's first byte first; copied or consumed within the call. */
void kd_server2_take(kd_server2 *server, kd_stream *stream, const kd_address *peer, kd_str begun, bool tls);

/* An HTTP/1.1 request that asked for an upgrade to h2c (RFC 7540 section 3.2). */
typedef struct kd_h2_upgrade {
    kd_str settings;       /* the payload of HTTP2-Settings, decoded */
    kd_arena arena;        /* of the request: it becomes the stream's */
    kd_request_head *head; /* lies in it */
    kd_str body;           /* the whole of it; may lie in the arena */
    kd_str begun;          /* what the client sent behind it */
    kd_ns began;
} kd_h2_upgrade;

/* Answers 101 and goes on as kd_server2_take; the request becomes stream 1. Stream and arena are this server's in any
 * case. */
void kd_server2_upgrade(kd_server2 *server, kd_stream *stream, const kd_address *peer, const kd_h2_upgrade *upgrade);
/* Resets every connection whose client has taken no byte of its answers since `since`; returns how many. Walks over
 * all. */
unsigned kd_server2_cut_stalled(kd_server2 *server, kd_ns since);
/* Every client is told to go (GOAWAY); what is under way or on its way is still answered, then the connections end. May
 * be called again. */
void kd_server2_drain(kd_server2 *server);

#endif
