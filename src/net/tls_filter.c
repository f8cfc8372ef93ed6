/* TLS as a filter on a stream: OpenSSL reads and writes through the stream's own socket functions, so that sticky
 * readiness holds and no write can raise SIGPIPE. Used by both ends of a connection once the handshake is under way. */
#include "net/tls_common.h"

#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <pthread.h>

/* ---- the socket below ----------------------------------------------------------------------------------------------
 */

static int bio_result(BIO *bio, kd_tls_stream *tls, ssize_t n, int retry)
{
    if (KD_LIKELY(n > 0))
        return (int)n;
    if (n == KD_STREAM_AGAIN)
        BIO_set_flags(bio, retry | BIO_FLAGS_SHOULD_RETRY);
    else if (n == 0)
        tls->eof = true;
    else
        tls->io_error = tls->stream->error;
    return n == 0 ? 0 : -1;
}

static int bio_read(BIO *bio, char *to, int n)
{
    kd_tls_stream *tls = BIO_get_data(bio);
    kd_stream *stream = tls->stream;
    BIO_clear_retry_flags(bio);
    stream->filter = NULL; /* what is read now is the socket itself */
    ssize_t got = kd_stream_read(stream, to, (size_t)n);
    stream->filter = &kd_tls_filter;
    for (ssize_t i = 0; i < got && tls->n_first < sizeof tls->first; i++)
        tls->first[tls->n_first++] = (uint8_t)to[i];
    return bio_result(bio, tls, got, BIO_FLAGS_READ);
}

static int bio_write(BIO *bio, const char *from, int n)
{
    kd_tls_stream *tls = BIO_get_data(bio);
    kd_stream *stream = tls->stream;
    struct iovec v = {(char *)from, (size_t)n};
    BIO_clear_retry_flags(bio);
    stream->filter = NULL;
    ssize_t put = kd_stream_writev(stream, &v, 1);
    stream->filter = &kd_tls_filter;
    return bio_result(bio, tls, put, BIO_FLAGS_WRITE);
}

static long bio_ctrl(BIO *bio, int what, long number, void *pointer)
{
    (void)bio, (void)number, (void)pointer;
    return what == BIO_CTRL_FLUSH; /* nothing is held back; everything else is unknown */
}

static int bio_create(BIO *bio)
{
    BIO_set_init(bio, 1);
    return 1;
}

static BIO_METHOD *method;

static void make_method(void)
{
    method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "stream");
    if (method && !(BIO_meth_set_read(method, bio_read) && BIO_meth_set_write(method, bio_write) &&
                    BIO_meth_set_ctrl(method, bio_ctrl) && BIO_meth_set_create(method, bio_create))) {
        BIO_meth_free(method);
        method = NULL;
    }
}

/* Made once; NULL without memory. */
static BIO_METHOD *bio_method(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_method);
    return method;
}

bool kd_tls_attach(kd_tls_stream *tls, SSL_CTX *ctx)
{
    BIO_METHOD *below = bio_method();
    BIO *bio = below ? BIO_new(below) : NULL;
    tls->ssl = bio ? SSL_new(ctx) : NULL;
    if (!tls->ssl) {
        BIO_free(bio);
        return false;
    }
    BIO_set_data(bio, tls);
    SSL_set_bio(tls->ssl, bio, bio);
    SSL_set_app_data(tls->ssl, tls);
    return true;
}

/* ---- results -------------------------------------------------------------------------------------------------------
 */

/* Many leave out close_notify; Go takes that as the end, too. */
bool kd_tls_between_records(const kd_tls_stream *tls)
{
    return !SSL_has_pending(tls->ssl) && strcmp(SSL_rstate_string(tls->ssl), "RH") == 0;
}

ssize_t kd_tls_outcome(kd_tls_stream *tls, int result)
{
    int kind = SSL_get_error(tls->ssl, result);
    switch (kind) {
    case SSL_ERROR_WANT_READ:
        return KD_STREAM_AGAIN;
    case SSL_ERROR_WANT_WRITE:
        /* An answer of the protocol itself waits for room; reading goes on after that. */
        tls->stream->io.ready |= KD_IO_READABLE;
        return KD_STREAM_AGAIN;
    case SSL_ERROR_ZERO_RETURN:
        tls->ended = true;
        return 0;
    default:
        break;
    }
    if (tls->eof && tls->ready && kd_tls_between_records(tls)) {
        tls->ended = true;
        ERR_clear_error();
        return 0;
    }
    tls->failed = true;
    tls->stream->error = tls->io_error ? tls->io_error : EPROTO;
    if (!tls->io_error && !tls->error)
        kd_tls_word_failure(tls);
    ERR_clear_error();
    return KD_STREAM_ERROR;
}

kd_tls_progress kd_tls_progress_of(kd_tls_stream *tls, int result)
{
    kd_stream *stream = tls->stream;
    if (result == 1) {
        tls->ready = true;
        kd_ledger_release(KD_ACCOUNT_TLS, tls->reserved);
        tls->reserved = 0;
        if (SSL_has_pending(tls->ssl))
            stream->io.ready |= KD_IO_READABLE;
        return KD_TLS_READY;
    }
    uint8_t readable = stream->io.ready & KD_IO_READABLE;
    ssize_t outcome = kd_tls_outcome(tls, result);
    stream->io.ready = (uint8_t)((stream->io.ready & ~KD_IO_READABLE) | readable);
    if (outcome == KD_STREAM_AGAIN)
        return KD_TLS_WAIT;
    if (outcome == 0) {
        tls->failed = true;
        stream->error = EPROTO;
        kd_tls_set_error(tls, "EOF");
    }
    return KD_TLS_FAILED;
}

/* ---- the filter ----------------------------------------------------------------------------------------------------
 */

static ssize_t read_records(kd_stream *stream, void *to, size_t n)
{
    kd_tls_stream *tls = stream->filter_state;
    size_t got = 0;
    kd_tls_clear_errors();
    while (got < n && !tls->ended && !tls->failed) {
        size_t room = n - got < INT_MAX ? n - got : INT_MAX;
        int r = SSL_read(tls->ssl, (char *)to + got, (int)room);
        if (KD_UNLIKELY(r <= 0)) {
            ssize_t outcome = kd_tls_outcome(tls, r);
            if (got == 0)
                return outcome;
            if (outcome == KD_STREAM_AGAIN)
                return (ssize_t)got;
            break;
        }
        got += (size_t)r;
        if (!SSL_has_pending(tls->ssl))
            return (ssize_t)got;
    }
    if (got) {
        /* No edge will tell of what is left: more bytes, the end, or the failure. */
        stream->io.ready |= KD_IO_READABLE;
        return (ssize_t)got;
    }
    if (!tls->failed)
        return tls->ended ? 0 : KD_STREAM_AGAIN;
    stream->error = tls->io_error ? tls->io_error : EPROTO;
    return KD_STREAM_ERROR;
}

static ssize_t read_some(kd_stream *stream, void *to, size_t n)
{
    kd_tls_stream *tls = stream->filter_state;
    ssize_t got = read_records(stream, to, n);
    if (KD_UNLIKELY(tls->has_ticket)) {
        tls->has_ticket = false;
        SSL_free_buffers(tls->ssl); /* does nothing where they are in use */
    }
    return got;
}

/* Writes a record; the bytes of one that the socket does not take are kept, since OpenSSL wants to see them again. */
static ssize_t write_record(kd_tls_stream *tls, const char *from, size_t n)
{
    int r = SSL_write(tls->ssl, from, (int)n);
    if (KD_LIKELY(r > 0))
        return r;
    uint8_t readable = tls->stream->io.ready & KD_IO_READABLE;
    ssize_t outcome = kd_tls_outcome(tls, r);
    tls->stream->io.ready = (uint8_t)((tls->stream->io.ready & ~KD_IO_READABLE) | readable);
    if (outcome == 0) {
        tls->failed = true;
        tls->stream->error = EPIPE;
        return KD_STREAM_ERROR;
    }
    if (outcome == KD_STREAM_AGAIN && !tls->n_blocked) {
        tls->blocked = OPENSSL_malloc(n);
        if (!tls->blocked) {
            tls->failed = true;
            tls->stream->error = tls->io_error = ENOMEM;
            return KD_STREAM_ERROR;
        }
        memcpy(tls->blocked, from, n);
        tls->n_blocked = (uint32_t)n;
    }
    return outcome;
}

/* Sends the record that the socket did not take before. */
static ssize_t write_blocked(kd_tls_stream *tls)
{
    ssize_t put = write_record(tls, tls->blocked, tls->n_blocked);
    if (put > 0) {
        tls->taken += (uint32_t)put;
        OPENSSL_free(tls->blocked);
        tls->blocked = NULL;
        tls->n_blocked = 0;
    }
    return put;
}

/* The pieces as a sequence of records. */
typedef struct cursor {
    const struct iovec *v;
    int count;
    size_t at; /* in *v */
} cursor;

static void advance(cursor *c, size_t n)
{
    while (c->count && n >= c->v->iov_len - c->at) {
        n -= c->v->iov_len - c->at;
        c->v++;
        c->count--;
        c->at = 0;
    }
    c->at += n;
}

/* The bytes of the next record: where they lie when one piece fills it, else joined in `room`. */
static const char *next_record(const cursor *c, char room[KD_TLS_RECORD], size_t *n)
{
    size_t here = c->v->iov_len - c->at;
    if (here >= KD_TLS_RECORD || c->count == 1) {
        *n = here < KD_TLS_RECORD ? here : KD_TLS_RECORD;
        return (const char *)c->v->iov_base + c->at;
    }
    *n = 0;
    for (int i = 0; i < c->count && *n < KD_TLS_RECORD; i++) {
        size_t from = i ? 0 : c->at, part = c->v[i].iov_len - from;
        if (part > KD_TLS_RECORD - *n)
            part = KD_TLS_RECORD - *n;
        if (part)
            memcpy(room + *n, (const char *)c->v[i].iov_base + from, part);
        *n += part;
    }
    return room;
}

static ssize_t write_some(kd_stream *stream, const struct iovec *v, int count)
{
    kd_tls_stream *tls = stream->filter_state;
    char room[KD_TLS_RECORD];
    if (tls->failed) {
        stream->error = tls->io_error ? tls->io_error : EPROTO;
        return KD_STREAM_ERROR;
    }
    kd_tls_clear_errors();
    if (KD_UNLIKELY(tls->n_blocked)) {
        ssize_t put = write_blocked(tls);
        if (put <= 0)
            return put;
    }
    cursor c = {v, count, 0};
    size_t done = 0;
    if (KD_UNLIKELY(tls->taken)) {
        for (int i = 0; i < count; i++)
            done += v[i].iov_len;
        if (done > tls->taken)
            done = tls->taken;
        tls->taken -= (uint32_t)done;
    }
    for (advance(&c, done); c.count;) {
        size_t n;
        const char *from = next_record(&c, room, &n);
        ssize_t put = write_record(tls, from, n);
        if (put <= 0)
            return done ? (ssize_t)done : put;
        done += (size_t)put;
        advance(&c, (size_t)put);
    }
    return (ssize_t)done;
}

static bool pending(kd_stream *stream)
{
    const kd_tls_stream *tls = stream->filter_state;
    return SSL_pending(tls->ssl) > 0;
}

/* The goodbye is tried once. */
static void finish(kd_stream *stream)
{
    kd_tls_stream *tls = stream->filter_state;
    ERR_clear_error();
    if (tls->ready && !tls->failed && !tls->n_blocked && !stream->cut)
        SSL_shutdown(tls->ssl);
    ERR_clear_error();
}

/* The socket's end may stand behind records that say nothing, or behind the peer's goodbye. */
static bool gone(kd_stream *stream)
{
    kd_tls_stream *tls = stream->filter_state;
    char byte;
    if (tls->ended || tls->failed)
        return true;
    ERR_clear_error();
    int r = SSL_peek(tls->ssl, &byte, 1);
    if (r > 0) {
        stream->io.ready |= KD_IO_READABLE;
        return false;
    }
    return kd_tls_outcome(tls, r) != KD_STREAM_AGAIN;
}

static void close_stream(kd_stream *stream)
{
    kd_tls_stream *tls = stream->filter_state;
    finish(stream);
    /* Without this OpenSSL would take the session for one that must not be resumed. A socket that broke says nothing
     * against it, a failure of TLS does. */
    if (tls->ready && (!tls->failed || tls->io_error))
        SSL_set_shutdown(tls->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(tls->ssl);
    ERR_clear_error();
    if (tls->reserved)
        kd_ledger_release(KD_ACCOUNT_TLS, tls->reserved);
    kd_tls_profile_release(tls->profile);
    kd_tls_credentials_release(tls->credentials);
    OPENSSL_free(tls->hello);
    OPENSSL_free(tls->blocked);
    OPENSSL_free(tls->error);
    OPENSSL_free(tls);
    stream->filter = NULL;
    stream->filter_state = NULL;
}

static void moved(kd_stream *stream)
{
    kd_tls_stream *tls = stream->filter_state;
    tls->stream = stream;
}

const kd_stream_filter kd_tls_filter = {.name = "tls",
                                        .read = read_some,
                                        .writev = write_some,
                                        .pending = pending,
                                        .close = close_stream,
                                        .moved = moved,
                                        .finish = finish,
                                        .gone = gone};
