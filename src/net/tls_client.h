/* The client side of TLS on a stream: SNI, verification, resumption (RFC 8446, RFC 5246). After a finished handshake
 * the stream is read and written as any other; kd_stream_close sends close_notify.
 *
 * A read that leaves decoded bytes behind sets the stream's readable bit again, so whoever asks kd_stream_readable need
 * not know the filter. End of stream: close_notify, or (as Go) the socket's end between two records; within a record it
 * is an error. Renegotiation is refused. */
#ifndef KD_NET_TLS_CLIENT_H
#define KD_NET_TLS_CLIENT_H

#include "net/stream.h"
#include "net/tls_profile.h"

#define KD_TLS_HANDSHAKE_TIMEOUT (10 * KD_SECOND)   /* Go's transport; the caller holds the timer */
#define KD_TLS_MAX_SESSIONS      4096               /* kept to be resumed, in the whole process */
#define KD_TLS_SESSION_AGE       (3600 * KD_SECOND) /* after that the certificate is looked at again */
/* What a handshake is taken to need at most; reserved in the ledger before it begins, until it ends. */
#define KD_TLS_HANDSHAKE_BYTES (72u * 1024)

/* The last session with one peer, offered at the next connection to it. All zero is empty. Belongs to one thread and
 * must outlive the streams that use it. */
typedef struct kd_tls_resume {
    void *session;
    kd_ns verified;   /* when the certificate was looked at */
    uint32_t profile; /* that the session was made with */
} kd_tls_resume;

typedef enum kd_tls_progress {
    KD_TLS_READY,
    KD_TLS_WAIT,  /* go on when the stream becomes ready */
    KD_TLS_FAILED /* kd_tls_error, or stream->error when the socket failed */
} kd_tls_progress;

/* Puts TLS on a connected stream. `name`: host name or address literal that the certificate must bear, borrowed for the
 * life of the stream. `resume` may be NULL. False without memory or when the ledger refuses: the stream is as before.
 */
bool kd_tls_client_start(kd_stream *stream, kd_tls_profile *profile, kd_str name, kd_tls_resume *resume);
/* Before the handshake: HTTP/2 is offered, with HTTP/1.1 behind it (ALPN, RFC 7301). Without it nothing is. */
void kd_tls_client_offer_http2(kd_stream *stream);
/* After the handshake: have the two agreed on HTTP/2? */
bool kd_tls_client_http2(const kd_stream *stream);
/* Takes the handshake as far as it goes. */
kd_tls_progress kd_tls_client_handshake(kd_stream *stream);
/* Was an earlier session resumed? After the handshake. */
bool kd_tls_client_resumed(const kd_stream *stream);
/* What went wrong, in Go's words ("tls: failed to verify certificate: x509: ...", "remote error: tls: ..."; spec/01
 * section 8.6); empty when it was the socket (stream->error), or when the stream has no TLS. Valid until the stream is
 * closed. */
kd_str kd_tls_error(const kd_stream *stream);
/* Forgets the session. */
void kd_tls_resume_clear(kd_tls_resume *resume);

#endif
