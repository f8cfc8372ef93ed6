/* Connections of one worker from their accept to the end of their TLS handshake.
 *
 * A connection costs no TLS before its first record is there whole: who sends nothing, or a byte a second, holds a few
 * hundred bytes until its time is over. Then it waits for one of the worker's places. Clients take turns by address, so
 * that one that opens thousands does not push the others aside; those of one address are taken in order, or, once that
 * means more than a second, the last to come first. Who has had a place for two seconds loses it when others wait.
 * Handshakes take at most a millisecond of a turn of the loop: requests of other connections are served in between.
 *
 * What goes wrong is a line on stderr as Go's server writes it (spec/01 section 3.2). */
#ifndef KD_HTTP_HANDSHAKE_H
#define KD_HTTP_HANDSHAKE_H

#include "http/server_settings.h"
#include "net/dns.h"
#include "net/stream.h"
#include "net/worker.h"

#define KD_HANDSHAKE_STALL    (2 * KD_SECOND) /* with a place, while others wait */
#define KD_HANDSHAKE_PATIENCE KD_SECOND       /* of waiting in order */
#define KD_HANDSHAKE_TURN     (1 * KD_MS)     /* of one turn of the loop */
#define KD_HANDSHAKE_LINGER   (500 * KD_MS)   /* for the client to read why it was refused */
#define KD_HANDSHAKE_BUCKETS  512u            /* of client addresses */

struct kd_handshake;
struct kd_handshake_peer;

typedef struct kd_handshakes {
    kd_worker *worker;
    const kd_server_settings *settings; /* read anew for each connection */
    /* The handshake is over: the stream is to be moved away (kd_stream_move) or closed within the call. */
    void (*on_done)(void *context, kd_stream *stream, const kd_address *peer);
    void *context;
    struct kd_handshake *all;
    uint32_t n, n_waiting, n_active, n_ending;    /* connections; with a whole hello; with a place; refused */
    struct kd_handshake *work, **work_end;        /* with a place and something to do, in order */
    struct kd_handshake *oldest, *newest;         /* with a place, by when they got it */
    struct kd_handshake_peer *turns, **turns_end; /* addresses whose next connection may have a place */
    struct kd_handshake_peer *peers[KD_HANDSHAKE_BUCKETS];
    kd_timer retry; /* while connections wait */
    uint64_t turn;  /* of the loop, of which `spent` was used */
    kd_ns spent;
    uint64_t completed, resumed, failed, crowded_out;
} kd_handshakes;

void kd_handshakes_init(kd_handshakes *h, kd_worker *worker, const kd_server_settings *settings,
                        void (*on_done)(void *context, kd_stream *stream, const kd_address *peer), void *context);
/* Closes what is under way. */
void kd_handshakes_fini(kd_handshakes *h);
/* Takes over an accepted socket; settings->tls must be set. Closes it when there is no memory. Counts it in
 * worker->n_connections until on_done. */
void kd_handshakes_accept(kd_handshakes *h, int fd, const kd_address *peer);
/* Closes connections that have sent nothing; the others go on. */
void kd_handshakes_drain(kd_handshakes *h);

#endif
