#include "http/server1_own.h"

#include "base/ledger.h"
#include "base/log.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

/* A body that the answer did not need is read up to here, so that the connection can go on (as Go does). */
#define DRAIN_LIMIT (256u * 1024)
/* How long a closing connection swallows what the client still sends, so that a reset does not eat the answer. */
#define LINGER_TIME     (500 * KD_MS)
#define JOINED_BODY     (2u * 1024)
#define LINGER_LIMIT    (1024u * 1024)
#define HEAD_BUFFER_MAX (64u * 1024)
/* The kernel's share of a connection is asked for when so many bytes were handed over, or when it does not take more.
 */
#define COUNTED_SEND (16u * 1024)

static kd_worker *worker_of(kd_connection *c)
{
    return c->server->worker;
}

typedef kd_server1_request request;

/* ---- the end of connections ----------------------------------------------------------------------------------------
 */

/* The kernel's share: what it holds for this client now, or nothing once the client has come back or is gone. */
static void count_kernel(kd_connection *c, size_t now)
{
    if (now > UINT32_MAX)
        now = UINT32_MAX;
    if (now > c->kernel)
        kd_ledger_charge(KD_ACCOUNT_SOCKETS, now - c->kernel);
    else if (now < c->kernel)
        kd_ledger_release(KD_ACCOUNT_SOCKETS, c->kernel - now);
    c->kernel = (uint32_t)now;
}

void kd_connection_destroy(kd_connection *c)
{
    c->dead = true;
    if (c->driving)
        return;
    kd_worker *w = worker_of(c);
    kd_stream_close(&c->stream);
    kd_timer_disarm(&w->loop.timers, &c->timer);
    kd_outq_clear(&c->out, &w->chunks);
    if (c->chunk)
        kd_chunk_give(&w->chunks, c->chunk);
    *c->link = c->next;
    if (c->next)
        c->next->link = c->link;
    count_kernel(c, 0);
    if (c->refused) {
        c->server->n_refused--;
    } else {
        c->server->n_connections--;
        w->n_connections--;
    }
    free(c);
    kd_ledger_release(KD_ACCOUNT_CONNECTIONS, sizeof(kd_connection));
}

/* The arena lies in its own first chunk. */
void kd_connection_forget(kd_connection *c)
{
    request *q = c->q;
    if (!q)
        return;
    kd_timer_disarm(&worker_of(c)->loop.timers, &q->read_timer);
    kd_arena arena = q->arena;
    c->q = NULL;
    kd_arena_reset(&arena);
}

/* The client is not there any more, or the connection is to end at once. */
void kd_connection_lose(kd_connection *c)
{
    if (c->dead || c->gone)
        return;
    c->gone = true;
    request *q = c->q;
    kd_timer_disarm(&worker_of(c)->loop.timers, &c->timer);
    if (c->state != KD_CONNECTION_BUSY || !q || q->released) {
        kd_connection_forget(c);
        kd_connection_destroy(c);
        return;
    }
    /* The owner lets go by release; nothing is sent any more. */
    if (!q->done_told) {
        q->done_told = true;
        c->server->handler->on_gone(&q->front);
    }
}

void kd_connection_linger(kd_connection *c)
{
    kd_worker *w = worker_of(c);
    kd_stream_finish(&c->stream);
    c->state = KD_CONNECTION_LINGER;
    kd_timer_arm(&w->loop.timers, &c->timer, w->loop.now + LINGER_TIME);
}

void kd_connection_on_timer(kd_timer *timer)
{
    kd_connection *c = KD_CONTAINER(timer, kd_connection, timer);
    kd_connection_lose(c);
}

static void on_read_timer(kd_timer *timer)
{
    request *q = KD_CONTAINER(timer, request, read_timer);
    kd_connection_lose(q->c);
}

/* ---- reading heads -------------------------------------------------------------------------------------------------
 */

void kd_connection_send(kd_connection *c, const struct iovec *v, int count)
{
    bool queued = c->out.n > 0;
    kd_sent sent = kd_outq_send(&c->out, &worker_of(c)->chunks, &c->stream, v, count);
    if (KD_UNLIKELY(sent == KD_SENT_FAILED)) {
        kd_connection_lose(c);
        return;
    }
    if (KD_UNLIKELY(sent == KD_SENT_SOME && !queued)) {
        c->moved = worker_of(c)->loop.now;
        count_kernel(c, kd_stream_kernel_memory(&c->stream));
        return;
    }
    size_t n = 0;
    for (int i = 0; i < count; i++)
        n += v[i].iov_len;
    if (n >= COUNTED_SEND && !queued)
        count_kernel(c, kd_stream_kernel_memory(&c->stream));
}

/* Malformed requests never reach the gateway: Go's short answer, then the end (spec/01 section 3.3). */
static void refuse(kd_connection *c, const kd_scan_error *error)
{
    c->server->malformed++;
    kd_buf *out = &c->server->head;
    kd_buf_reset(out, HEAD_BUFFER_MAX);
    kd_str text = kd_status_text(error->status);
    static const char fields[] = "\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n";
    const char *colon = error->detail.n ? ": " : "";
    if (error->unsupported.n)
        kd_buf_printf(out, "HTTP/1.1 %u %.*s%s%.*s", error->status, KD_FMT(text), fields, KD_FMT(error->unsupported));
    else
        kd_buf_printf(out, "HTTP/1.1 %u %.*s%s%.*s%s%u %.*s%s%.*s", error->status, KD_FMT(text), colon,
                      KD_FMT(error->detail), fields, error->status, KD_FMT(text), colon, KD_FMT(error->detail));
    kd_connection_send(c, &(struct iovec){out->p, out->n}, 1);
    if (!c->gone)
        kd_connection_linger(c);
}

static bool grow_head(kd_connection *c)
{
    kd_worker *w = worker_of(c);
    size_t size = c->chunk ? c->chunk->size : 0, limit = c->server->settings.max_head + sizeof(kd_chunk) + 1;
    size_t want = size == 0 ? KD_CHUNK_SIZE : size * 4 < KD_CHUNK_LARGE ? KD_CHUNK_LARGE : size * 4;
    if (want > limit && limit > size)
        want = limit;
    kd_chunk *chunk = kd_chunk_take(&w->chunks, want);
    if (!chunk)
        return false;
    if (c->chunk) {
        memcpy(kd_chunk_data(chunk), kd_chunk_data(c->chunk), c->filled);
        kd_chunk_give(&w->chunks, c->chunk);
    }
    c->chunk = chunk;
    return true;
}

static void start_request(kd_connection *c, request *q)
{
    kd_worker *w = worker_of(c);
    kd_server1 *server = c->server;
    const char *data = kd_chunk_data(c->chunk); /* the chunk belongs to the request's arena from here on */
    q->head.headers.arena = &q->arena;
    q->rest = data + q->head.size;
    q->rest_n = c->filled - q->head.size;
    q->c = c;
    q->keep_alive = q->head.keep_alive && !server->draining;
    q->body_left = q->head.framing == KD_FRAMING_LENGTH ? q->head.length : 0;
    q->continue_owed = q->head.expect_continue && q->head.minor >= 1;
    kd_chunked_init(&q->decoder, false);
    kd_timer_init(&q->read_timer, on_read_timer);
    bool no_body = q->head.framing == KD_FRAMING_NONE || (q->head.framing == KD_FRAMING_LENGTH && q->head.length == 0);
    q->front.body_ended = no_body;
    q->front.worker = w;
    q->front.arena = &q->arena;
    q->front.head = &q->head;
    q->front.peer = &c->peer;
    q->front.tls = c->stream.filter != NULL;
    q->front.began = c->began;
    c->q = q;
    c->chunk = NULL;
    c->filled = c->seen = 0;
    c->state = KD_CONNECTION_BUSY;
    c->used = true;
    if (KD_UNLIKELY(c->kernel))
        count_kernel(c, 0); /* it has read the last answer */
    if (kd_timer_armed(&c->timer))
        kd_timer_disarm(&w->loop.timers, &c->timer);
    if (server->settings.write_timeout > 0)
        kd_timer_arm(&w->loop.timers, &c->timer, w->loop.now + server->settings.write_timeout);
    if (server->settings.read_timeout > 0 && !no_body)
        kd_timer_arm(&w->loop.timers, &q->read_timer, c->began + server->settings.read_timeout);
    server->handler->on_request(server->context, &q->front);
}

extern const kd_front_ops kd_server1_ops;

/* Tries to make a request of what is in the buffer. False: more bytes are needed, or the connection is ending. */
static bool scan(kd_connection *c)
{
    kd_worker *w = worker_of(c);
    kd_arena arena;
    kd_switch change = c->server->settings.h2c && !c->used ? kd_connection_preface(c) : KD_SWITCH_NO;
    if (KD_UNLIKELY(change != KD_SWITCH_NO))
        return false;
    kd_arena_init(&arena, &w->chunks, 0);
    arena.chunks = c->chunk;
    arena.taken = c->chunk->size;
    char *data = kd_chunk_data(c->chunk);
    arena.at = data + ((c->filled + 15u) & ~15u);
    arena.end = (char *)c->chunk + c->chunk->size;
    if (arena.at > arena.end)
        arena.at = arena.end;
    request *q = KD_NEW(&arena, request);
    kd_scan_error error = {.status = 500};
    kd_scan_result result = KD_SCAN_NO_MEMORY;
    if (q) {
        q->front.ops = &kd_server1_ops;
        q->arena = arena;
        kd_headers_init(&q->head.headers, &q->arena);
        q->head.headers.memo = &c->server->memo;
        result = kd_scan_request(data, c->filled, c->seen, c->server->settings.max_head, &q->head, &error);
        if (result == KD_SCAN_DONE && c->server->settings.h2c)
            change = kd_connection_upgrade(c, q);
        if (change == KD_SWITCH_DONE)
            return false;
        if (result == KD_SCAN_DONE && change == KD_SWITCH_NO) {
            start_request(c, q);
            return true;
        }
        arena = q->arena;
    }
    /* The arena goes, its first chunk stays the connection's buffer. */
    for (kd_chunk *chunk = arena.chunks, *next; chunk; chunk = next) {
        next = chunk->next;
        if (chunk != c->chunk)
            kd_chunk_give(&w->chunks, chunk);
    }
    c->chunk->next = NULL;
    c->seen = change == KD_SWITCH_MORE ? 0 : c->filled;
    if (result == KD_SCAN_ERROR)
        refuse(c, &error);
    else if (result == KD_SCAN_NO_MEMORY)
        kd_connection_lose(c);
    return false;
}

/* False: waiting for bytes, or the connection is ending. */
static bool read_head(kd_connection *c)
{
    kd_worker *w = worker_of(c);
    if (c->filled > c->seen) {
        if (scan(c))
            return true;
        if (c->state != KD_CONNECTION_HEAD || c->gone || c->dead)
            return false;
    }
    if (!kd_stream_readable(&c->stream))
        return false;
    if ((!c->chunk || c->filled == kd_chunk_room(c->chunk)) && !grow_head(c)) {
        kd_connection_lose(c);
        return false;
    }
    ssize_t n = kd_stream_read(&c->stream, kd_chunk_data(c->chunk) + c->filled, kd_chunk_room(c->chunk) - c->filled);
    if (n > 0) {
        if (c->filled == 0) {
            c->began = w->loop.now;
            kd_ns timeout = c->server->settings.read_head_timeout;
            if (KD_UNLIKELY(timeout > 0))
                kd_timer_arm(&w->loop.timers, &c->timer, w->loop.now + timeout);
            else if (KD_UNLIKELY(kd_timer_armed(&c->timer)))
                kd_timer_disarm(&w->loop.timers, &c->timer);
        }
        c->filled += (uint32_t)n;
        return scan(c) || (c->state == KD_CONNECTION_HEAD && !c->gone && kd_stream_readable(&c->stream));
    }
    if (n == KD_STREAM_AGAIN) {
        if (c->filled == 0) {
            kd_chunk_give(&w->chunks, c->chunk);
            c->chunk = NULL;
        }
        return false;
    }
    kd_connection_lose(c);
    return false;
}

/* ---- request bodies ------------------------------------------------------------------------------------------------
 */

/* Decodes the next piece of the body from raw[0..n). Returns bytes used; *end and *failed as they come. */
static size_t decode_piece(request *q, const char *raw, size_t n, kd_str *piece, bool *end, bool *failed)
{
    *piece = (kd_str){raw, n};
    *end = *failed = false;
    if (q->tunnel)
        return n;
    if (q->head.framing == KD_FRAMING_CHUNKED) {
        size_t used = 0;
        kd_chunked_result result = kd_chunked_decode(&q->decoder, raw, n, &used, piece);
        *end = result == KD_CHUNKED_END;
        *failed = result == KD_CHUNKED_ERROR;
        return used;
    }
    size_t take = n < q->body_left ? n : (size_t)q->body_left;
    piece->n = take;
    q->body_left -= take;
    *end = q->body_left == 0;
    return take;
}

/* Feeds raw bytes; stops when the owner pauses. Returns bytes used. */
static size_t feed_body(kd_connection *c, const char *raw, size_t n)
{
    request *q = c->q;
    size_t used = 0;
    while (used < n && !q->front.body_ended && (q->body_wanted || c->state == KD_CONNECTION_DRAIN)) {
        kd_str piece;
        bool end, failed;
        used += decode_piece(q, raw + used, n - used, &piece, &end, &failed);
        if (end || failed) {
            q->front.body_ended = true;
            kd_timer_disarm(&worker_of(c)->loop.timers, &q->read_timer);
        }
        if (failed)
            q->keep_alive = false;
        if (c->state == KD_CONNECTION_DRAIN)
            q->drained += piece.n;
        else if (piece.n || end || failed) {
            if (end || failed)
                q->body_wanted = false;
            c->server->handler->on_body(&q->front, piece, end, failed);
        }
        if (c->gone || c->dead)
            break;
    }
    return used;
}

/* Keeps raw bytes that the owner did not want yet, behind what is kept already. */
static bool keep_rest(request *q, const char *raw, size_t n)
{
    if (n == 0)
        return true;
    char *copy = kd_arena_alloc(&q->arena, n);
    if (!copy)
        return false;
    memcpy(copy, raw, n);
    q->rest = copy;
    q->rest_n = n;
    return true;
}

static void read_body(kd_connection *c)
{
    request *q = c->q;
    kd_worker *w = worker_of(c);
    if (q->continue_owed && c->state == KD_CONNECTION_BUSY && q->body_wanted && !q->responded) {
        q->continue_owed = false;
        kd_connection_send(c, &(struct iovec){"HTTP/1.1 100 Continue\r\n\r\n", 25}, 1);
        if (c->gone)
            return;
    }
    size_t budget = KD_TURN_BYTES;
    while (!q->front.body_ended && (q->body_wanted || c->state == KD_CONNECTION_DRAIN) && !c->gone) {
        if (q->rest_n) {
            const char *raw = q->rest;
            size_t n = q->rest_n;
            size_t used = feed_body(c, raw, n);
            if (c->gone || c->dead)
                return; /* and the request with it, maybe */
            q->rest = raw + used;
            q->rest_n = n - used;
            continue;
        }
        if (budget == 0) {
            kd_loop_requeue(&w->loop, &c->stream.io);
            return;
        }
        size_t room = KD_READ_SIZE < budget ? KD_READ_SIZE : budget;
        ssize_t n = kd_stream_read(&c->stream, w->scratch, room);
        if (n == KD_STREAM_AGAIN)
            return;
        if (n == 0 && q->tunnel) {
            q->front.body_ended = true; /* its other direction goes on */
            c->server->handler->on_body(&q->front, KD_STR(""), true, false);
            return;
        }
        if (n <= 0) {
            kd_connection_lose(c);
            return;
        }
        budget -= (size_t)n;
        size_t used = feed_body(c, w->scratch, (size_t)n);
        if (c->gone || c->dead)
            return;
        if (used < (size_t)n && !keep_rest(q, w->scratch + used, (size_t)n - used)) {
            kd_connection_lose(c);
            return;
        }
        if (c->state == KD_CONNECTION_DRAIN && q->drained > DRAIN_LIMIT) {
            q->keep_alive = false;
            return;
        }
    }
}

/* ---- from one request to the next ----------------------------------------------------------------------------------
 */

/* A cut body without a length and without chunks looks complete unless the connection is reset. */
static bool must_reset(const request *q)
{
    return q->aborted && (!q->responded || q->framing == KD_REPLY_CLOSE);
}

/* The answer is out and the owner has let go. True: the connection can take the next request. */
static bool next_request(kd_connection *c)
{
    request *q = c->q;
    kd_worker *w = worker_of(c);
    if (c->server->draining)
        q->keep_alive = false;
    if (!q->front.body_ended && q->keep_alive && !q->continue_owed && !q->aborted) {
        c->state = KD_CONNECTION_DRAIN;
        read_body(c);
        if (c->gone || c->dead)
            return false;
        if (!q->front.body_ended && q->keep_alive)
            return false; /* more to drain */
    }
    if (!q->keep_alive || q->aborted || !q->front.body_ended) {
        bool body_ended = q->front.body_ended, reset = must_reset(q), aborted = q->aborted;
        kd_connection_forget(c);
        if (reset)
            kd_stream_reset(&c->stream);
        if (aborted) {
            kd_connection_destroy(c);
        } else if (!body_ended || kd_stream_readable(&c->stream)) {
            kd_connection_linger(c);
            return true;
        } else {
            kd_connection_destroy(c);
        }
        return false;
    }
    /* What was read beyond this request is the beginning of the next one. */
    size_t rest = q->rest_n;
    if (KD_UNLIKELY(rest)) {
        kd_chunk *chunk = kd_chunk_take(&w->chunks, rest + sizeof(kd_chunk));
        if (!chunk) {
            kd_connection_forget(c);
            kd_connection_destroy(c);
            return false;
        }
        memcpy(kd_chunk_data(chunk), q->rest, rest);
        kd_connection_forget(c);
        c->chunk = chunk;
        c->filled = (uint32_t)rest;
        c->began = w->loop.now;
    } else {
        kd_connection_forget(c);
    }
    c->state = KD_CONNECTION_HEAD;
    c->seen = 0;
    if (kd_timer_armed(&c->timer))
        kd_timer_disarm(&w->loop.timers, &c->timer);
    const kd_server_settings *settings = &c->server->settings;
    kd_ns timeout = rest ? settings->read_head_timeout : settings->idle_timeout;
    if (timeout > 0)
        kd_timer_arm(&w->loop.timers, &c->timer, w->loop.now + timeout);
    return true;
}

static void tell_done(kd_connection *c)
{
    request *q = c->q;
    if (q->done_told || !q->answered || (c->out.n && !must_reset(q)))
        return;
    if (KD_UNLIKELY(q->tunnel && !q->aborted)) {
        if (!q->shut)
            kd_stream_finish(&c->stream);
        q->shut = true;
        if (!q->front.body_ended)
            return;
    }
    q->done_told = true;
    c->server->handler->on_done(&q->front);
}

static void flush(kd_connection *c)
{
    if (!c->out.n || !kd_stream_writable(&c->stream))
        return;
    size_t before = c->out.n;
    kd_sent sent = kd_outq_flush(&c->out, &worker_of(c)->chunks, &c->stream);
    if (c->out.n < before)
        c->moved = worker_of(c)->loop.now;
    count_kernel(c, kd_stream_kernel_memory(&c->stream));
    if (sent == KD_SENT_FAILED) {
        kd_connection_lose(c);
    } else if (sent == KD_SENT_ALL && c->q && c->q->writable_owed && !c->q->done_told) {
        c->q->writable_owed = false;
        c->server->handler->on_writable(&c->q->front);
    }
}

/* One step while a request is under way. True: go on at once. */
static bool drive_busy(kd_connection *c)
{
    request *q = c->q;
    flush(c);
    if (c->gone)
        return false;
    if (q->body_wanted && !q->front.body_ended)
        read_body(c);
    if (c->gone)
        return false;
    tell_done(c);
    if (c->gone)
        return false;
    if (q->released && q->done_told)
        return next_request(c);
    /* The end of the client's stream while it waits for the answer means that it has gone. */
    if ((c->stream.io.ready & KD_IO_HUP) && !q->done_told && q->front.body_ended && q->rest_n == 0) {
        char byte;
        /* A tunnel's other direction goes on after the end of this one, but not after a reset. */
        if (q->tunnel
                ? recv(c->stream.io.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno != EAGAIN && errno != EINTR
                : kd_stream_gone(&c->stream))
            kd_connection_lose(c);
    }
    return false;
}

static void swallow(kd_connection *c)
{
    kd_worker *w = worker_of(c);
    flush(c);
    size_t budget = LINGER_LIMIT;
    for (;;) {
        ssize_t n = kd_stream_read(&c->stream, w->scratch, KD_READ_SIZE);
        if (n == KD_STREAM_AGAIN)
            return;
        if (n <= 0 || (size_t)n > budget) {
            kd_connection_destroy(c);
            return;
        }
        budget -= (size_t)n;
    }
}

void kd_connection_drive(kd_connection *c)
{
    if (c->driving)
        return;
    c->driving = true;
    bool more = true;
    /* A client may pipeline without end: others get their turn. */
    for (unsigned steps = 0; more && !c->dead; steps++) {
        if (steps == 64) {
            kd_loop_requeue(&worker_of(c)->loop, &c->stream.io);
            break;
        }
        switch ((kd_connection_state)c->state) {
        case KD_CONNECTION_HEAD:
            more = read_head(c);
            break;
        case KD_CONNECTION_BUSY:
            more = !c->gone && drive_busy(c);
            break;
        case KD_CONNECTION_DRAIN:
            more = next_request(c);
            break;
        case KD_CONNECTION_LINGER:
            swallow(c);
            more = false;
            break;
        }
    }
    c->driving = false;
    if (c->dead)
        kd_connection_destroy(c);
}

void kd_connection_on_ready(kd_io *io)
{
    kd_connection_drive(KD_CONTAINER(io, kd_connection, stream.io));
}

/* ---- the front's operations ----------------------------------------------------------------------------------------
 */

static request *request_of(kd_front *front)
{
    return KD_CONTAINER(front, request, front);
}

static kd_flow flow_of(request *q)
{
    if (!q->c->out.n || q->answered)
        return KD_FLOW_ON;
    q->writable_owed = true;
    return KD_FLOW_PAUSED;
}

/* The pieces of body bytes on the wire, framed. */
static int frame(request *q, kd_str body, bool end, struct iovec *v, char line[KD_CHUNKED_HEAD_MAX])
{
    int count = 0;
    switch (q->framing) {
    case KD_REPLY_NO_BODY:
        break;
    case KD_REPLY_LENGTH:
        if (body.n > q->answer_left)
            body.n = (size_t)q->answer_left;
        q->answer_left -= body.n;
        if (end && q->answer_left)
            q->aborted = true; /* the client sees a body that is too short */
        /* fall through */
    case KD_REPLY_CLOSE:
        if (body.n)
            v[count++] = (struct iovec){(char *)body.p, body.n};
        break;
    case KD_REPLY_CHUNKED:
        if (body.n) {
            v[count++] = (struct iovec){line, kd_chunked_head(line, body.n)};
            v[count++] = (struct iovec){(char *)body.p, body.n};
            if (end)
                v[count++] = (struct iovec){"\r\n0\r\n\r\n", 7};
            else
                v[count++] = (struct iovec){"\r\n", 2};
        } else if (end) {
            v[count++] = (struct iovec){"0\r\n\r\n", 5};
        }
        break;
    }
    return count;
}

static void finish_write(request *q, bool end)
{
    kd_connection *c = q->c;
    if (end)
        q->answered = true;
    if (!c->driving && q->answered && !c->out.n)
        kd_connection_drive(c);
}

static kd_flow op_respond(kd_front *front, const kd_reply *reply, kd_str body, bool end)
{
    request *q = request_of(front);
    kd_connection *c = q->c;
    if (c->gone)
        return KD_FLOW_ON;
    kd_server1 *server = c->server;
    kd_buf_reset(&server->head, HEAD_BUFFER_MAX);
    unsigned refused = 0;
    /* After an answer in place of 100 Continue the body may come or not: nothing can follow it. */
    bool unclear = q->continue_owed && !front->body_ended;
    kd_reply_context context = {.method = q->head.method,
                                .minor = q->head.minor,
                                .keep_alive = q->keep_alive && !reply->close && !server->draining && !unclear,
                                .date = kd_worker_date(server->worker),
                                .first = body,
                                .complete = end,
                                .order = &server->order};
    kd_reply copy = *reply;
    q->framing = kd_reply_write(&server->head, &copy, &context, &refused);
    server->refused_fields += refused;
    q->keep_alive = context.keep_alive;
    q->responded = true;
    q->answer_left = reply->length >= 0 ? (uint64_t)reply->length : end ? body.n : 0;
    if (server->head.failed) {
        kd_connection_lose(c);
        return KD_FLOW_ON;
    }
    struct iovec v[5];
    char line[KD_CHUNKED_HEAD_MAX];
    int count = 1 + frame(q, body, end, v + 1, line);
    if (count == 2 && v[1].iov_len <= JOINED_BODY) {
        /* Copying a small body behind the head costs less than a second piece in the system call. */
        kd_buf_add(&server->head, (kd_str){v[1].iov_base, v[1].iov_len});
        count = server->head.failed ? 2 : 1;
    }
    v[0] = (struct iovec){server->head.p, server->head.n};
    kd_connection_send(c, v, count);
    if (c->gone)
        return KD_FLOW_ON;
    finish_write(q, end);
    return end ? KD_FLOW_ON : flow_of(q);
}

static kd_flow op_write(kd_front *front, kd_str body, bool end)
{
    request *q = request_of(front);
    kd_connection *c = q->c;
    if (c->gone || q->answered)
        return KD_FLOW_ON;
    struct iovec v[4];
    char line[KD_CHUNKED_HEAD_MAX];
    int count = frame(q, body, end, v, line);
    if (count)
        kd_connection_send(c, v, count);
    if (c->gone)
        return KD_FLOW_ON;
    finish_write(q, end);
    return end ? KD_FLOW_ON : flow_of(q);
}

static void op_abort(kd_front *front)
{
    request *q = request_of(front);
    kd_connection *c = q->c;
    if (c->gone || q->done_told)
        return;
    q->aborted = true;
    q->answered = true;
    q->keep_alive = false;
    kd_connection_drive(c);
}

static void op_read_body(kd_front *front)
{
    request *q = request_of(front);
    kd_connection *c = q->c;
    if (q->front.body_ended || q->body_wanted || c->gone)
        return;
    q->body_wanted = true;
    kd_loop_requeue(&worker_of(c)->loop, &c->stream.io);
}

static void op_pause_body(kd_front *front)
{
    request_of(front)->body_wanted = false;
}

static void op_release(kd_front *front)
{
    request *q = request_of(front);
    kd_connection *c = q->c;
    q->released = true;
    if (c->gone) {
        kd_connection_forget(c);
        kd_connection_destroy(c);
    } else {
        kd_connection_drive(c);
    }
}

const kd_front_ops kd_server1_ops = {
    .respond = op_respond,
    .write = op_write,
    .abort = op_abort,
    .read_body = op_read_body,
    .pause_body = op_pause_body,
    .release = op_release,
    .detach = kd_server1_detach,
};
