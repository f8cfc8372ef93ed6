#include "http/call.h"

#include "http/dial.h"
#include "http/establish.h"
#include "http/proxy.h"
#include "http/session2.h"

#include <errno.h>

/* Go's transport refuses answers with a longer head. */
#define MAX_RESPONSE_HEAD (10u * 1024 * 1024)

/* A callback may end the call, and with it the memory it lies in: afterwards only the connection (which is driven,
 * hence not freed) may be asked whether the call is still on it. */
typedef struct grip {
    kd_upstream *up;
    kd_call *call;
    uint32_t carried;
} grip;

static grip hold(kd_call *call)
{
    return (grip){call->up, call, call->up->carried};
}

static bool alive(const grip *g)
{
    return !g->up->dead && g->up->call == g->call && g->up->carried == g->carried;
}

static kd_loop *loop_of(kd_call *call)
{
    return &call->client->worker->loop;
}

/* ---- how calls end -------------------------------------------------------------------------------------------------
 */

/* Takes the call off its connection. `reusable`: the connection goes back to the pool. */
static void detach(kd_call *call, bool reusable)
{
    kd_upstream *up = call->up;
    call->up = NULL;
    if (kd_timer_armed(&call->timer))
        kd_timer_disarm(&loop_of(call)->timers, &call->timer);
    if (!up)
        return;
    up->call = NULL;
    if (kd_timer_armed(&up->timer))
        kd_timer_disarm(&loop_of(call)->timers, &up->timer);
    if (reusable && !up->dead && !up->out.n) {
        up->served++;
        kd_pool_give(up);
    } else {
        kd_upstream_close(up);
    }
}

void kd_call_fail(kd_call *call, kd_failure failure, kd_str error)
{
    if (call->over)
        return;
    call->over = true;
    call->failure = failure;
    call->error = error;
    kd_dial_end(call);
    detach(call, false);
    call->events->on_fail(call);
}

void kd_call_cancel(kd_call *call)
{
    if (call->over)
        return;
    call->over = true;
    if (KD_UNLIKELY(call->stream2 != NULL)) {
        kd_session2_cancel(call);
        return;
    }
    kd_dial_end(call);
    detach(call, false);
}

static bool retry(kd_call *call)
{
    kd_upstream *up = call->up;
    if (!up || up->served == 0 || call->retried || !call->idempotent || call->body >= KD_CALL_STREAM_LENGTH ||
        call->head_told || call->partial_n)
        return false;
    call->retried = true;
    call->client->retries++;
    detach(call, false);
    call->head_sent = call->body_sent = false;
    kd_dial_begin(call);
    return true;
}

/* The connection broke or ended while an answer was due. error 0: the peer closed. */
static void fail_read(kd_call *call, int error)
{
    if (retry(call))
        return;
    kd_str tls = call->up ? kd_tls_error(&call->up->stream) : KD_STR("");
    if (error && tls.n) {
        kd_call_fail(call, KD_FAIL_TLS, kd_arena_copy(call->arena, tls));
    } else if (error) {
        kd_call_fail(call, KD_FAIL_RESET, kd_arena_printf(call->arena, "read tcp: read: %s", kd_dial_words(error)));
    } else if (call->head_told) {
        kd_call_fail(call, KD_FAIL_CLOSED, KD_STR("unexpected EOF"));
    } else if (call->partial_n) {
        kd_str text = KD_STR("net/http: HTTP/1.x transport connection broken: unexpected EOF");
        kd_str words;
        /* What came may be wrong already in its first line. */
        char *data = kd_arena_alloc(call->arena, call->partial_n + 4);
        if (data) {
            memcpy(data, call->partial, call->partial_n);
            memcpy(data + call->partial_n, "\r\n\r\n", 4);
            kd_headers_init(&call->head.headers, call->arena);
            if (kd_scan_response(data, call->partial_n + 4, 0, MAX_RESPONSE_HEAD, call->method, &call->head, &words) ==
                KD_SCAN_ERROR)
                text = words;
        }
        kd_call_fail(call, KD_FAIL_BAD_MESSAGE, text);
    } else {
        kd_call_fail(call, KD_FAIL_CLOSED, KD_STR("EOF"));
    }
}

/* ---- starting ------------------------------------------------------------------------------------------------------
 */

static void use(kd_call *call, kd_upstream *up)
{
    call->up = up;
    up->call = call;
    up->carried++;
    if (!up->connecting)
        kd_upstream_drive(up);
}

/* False: the call has failed. */
static bool use_proxy(kd_call *call)
{
    kd_str problem = call->target->proxy->problem;
    if (problem.n == 0 && (call->target->tls || kd_establish_through_proxy(call)))
        return true;
    if (problem.n)
        kd_call_fail(call, KD_FAIL_NOT_BUILT, problem);
    else
        kd_call_fail(call, KD_FAIL_SHED, KD_STR("out of memory"));
    return false;
}

void kd_call_dial(kd_client *client, kd_call *call)
{
    call->client = client;
    kd_dial_init(call);
    kd_str problem = call->target->proxy ? call->target->proxy->problem : KD_STR("");
    if (problem.n)
        kd_call_fail(call, KD_FAIL_NOT_BUILT, problem);
    else
        kd_dial_begin(call);
}

void kd_call_start(kd_client *client, kd_call *call)
{
    call->client = client;
    call->unsent = call->body_length;
    if (KD_UNLIKELY(call->http2) && kd_session2_start(client, call))
        return;
    kd_dial_init(call);
    call->unsent = call->body_length;
    if (KD_UNLIKELY(call->target->proxy != NULL) && !use_proxy(call))
        return;
    kd_pool *pool = kd_client_pool(client, call->target);
    kd_upstream *up = pool ? kd_pool_take(pool) : NULL;
    if (KD_LIKELY(up != NULL)) {
        client->reuses++;
        use(call, up);
        return;
    }
    kd_dial_begin(call);
}

/* ---- sending -------------------------------------------------------------------------------------------------------
 */

/* The connection takes no more of a body that is sent in pieces. An answer may have come before it broke, or be under
 * way: reading tells, and finds the end where there is none. */
static bool give_up_sending(kd_call *call)
{
    kd_upstream *up = call->up;
    if (call->body < KD_CALL_STREAM_LENGTH || !up->stream.error || kd_tls_error(&up->stream).n)
        return false;
    call->body_sent = call->close = true;
    kd_outq_clear(&up->out, &call->client->worker->chunks);
    up->stream.io.ready |= KD_IO_READABLE;
    kd_loop_requeue(loop_of(call), &up->stream.io);
    return true;
}

/* False: the call is over, or nothing more is to be sent. */
static bool send_pieces(kd_call *call, struct iovec *v, int count)
{
    kd_upstream *up = call->up;
    kd_sent sent = kd_outq_send(&up->out, &call->client->worker->chunks, &up->stream, v, count);
    if (KD_LIKELY(sent != KD_SENT_FAILED))
        return true;
    if (!give_up_sending(call) && !retry(call)) {
        int error = up->stream.error ? up->stream.error : ENOMEM;
        kd_str words = kd_tls_error(&up->stream);
        if (words.n)
            kd_call_fail(call, KD_FAIL_TLS, kd_arena_copy(call->arena, words));
        else
            kd_call_fail(call, kd_dial_failure(error),
                         kd_arena_printf(call->arena, "write tcp: write: %s", kd_dial_words(error)));
    }
    return false;
}

static void await_head(kd_call *call)
{
    call->body_sent = true;
    kd_ns timeout = call->client->settings.header_timeout;
    if (timeout > 0 && !call->head_told)
        kd_timer_arm(&loop_of(call)->timers, &call->up->timer, loop_of(call)->now + timeout);
}

/* The request is sent: its head with the whole body, or, of a streamed body, with its first piece. */
static bool send_request(kd_call *call)
{
    struct iovec v[2] = {{(char *)call->request_head.p, call->request_head.n}, {(char *)call->bytes.p, call->bytes.n}};
    if (call->body >= KD_CALL_STREAM_LENGTH) {
        grip g = hold(call);
        call->events->on_writable(call);
        return alive(&g);
    }
    call->head_sent = true;
    if (!send_pieces(call, v, call->body == KD_CALL_BYTES && call->bytes.n ? 2 : 1))
        return false;
    await_head(call);
    return true;
}

kd_flow kd_call_write(kd_call *call, kd_str piece, bool end)
{
    if (KD_UNLIKELY(call->stream2 != NULL))
        return kd_session2_write(call, piece, end);
    if (call->over || !call->up || call->body_sent)
        return KD_FLOW_ON;
    struct iovec v[5];
    int count = 0;
    char line[KD_CHUNKED_HEAD_MAX];
    if (!call->head_sent) {
        call->head_sent = true;
        v[count++] = (struct iovec){(char *)call->request_head.p, call->request_head.n};
    }
    if (call->body == KD_CALL_STREAM_CHUNKED) {
        if (piece.n) {
            v[count++] = (struct iovec){line, kd_chunked_head(line, piece.n)};
            v[count++] = (struct iovec){(char *)piece.p, piece.n};
            v[count++] = (struct iovec){"\r\n", 2};
        }
        if (end)
            v[count++] = (struct iovec){"0\r\n\r\n", 5};
    } else {
        if (piece.n > call->unsent) {
            kd_call_fail(call, KD_FAIL_BAD_REQUEST,
                         kd_arena_printf(call->arena, "http: ContentLength=%llu with Body length %llu",
                                         (unsigned long long)call->body_length,
                                         (unsigned long long)(call->body_length - call->unsent + piece.n)));
            return KD_FLOW_ON;
        }
        call->unsent -= piece.n;
        if (piece.n)
            v[count++] = (struct iovec){(char *)piece.p, piece.n};
        if (end && call->unsent) {
            kd_call_fail(call, KD_FAIL_BAD_REQUEST,
                         kd_arena_printf(call->arena, "http: ContentLength=%llu with Body length %llu",
                                         (unsigned long long)call->body_length,
                                         (unsigned long long)(call->body_length - call->unsent)));
            return KD_FLOW_ON;
        }
    }
    if (count && !send_pieces(call, v, count))
        return KD_FLOW_ON;
    if (end)
        await_head(call);
    return call->up && call->up->out.n ? KD_FLOW_PAUSED : KD_FLOW_ON;
}

/* ---- receiving -----------------------------------------------------------------------------------------------------
 */

/* Length of the head in data, its empty line included; 0: not complete. */
static size_t head_end(const char *data, size_t n)
{
    const char *at = data, *end = data + n;
    while ((at = memchr(at, '\n', (size_t)(end - at)))) {
        at++;
        if (at < end && *at == '\n')
            return (size_t)(at - data) + 1;
        if (end - at >= 2 && at[0] == '\r' && at[1] == '\n')
            return (size_t)(at - data) + 2;
    }
    return 0;
}

static void finish(kd_call *call, kd_str piece, bool clean)
{
    call->over = true;
    call->data_follows = false;
    /* The answer is whole; what is left of the request's body will not be sent. */
    detach(call, clean && call->head.keep_alive && call->body_sent && !call->close);
    call->events->on_data(call, piece, true);
}

static bool decoded_end(kd_call *call, const char *raw, size_t n, bool *surplus)
{
    size_t used;
    kd_str piece;
    kd_chunked ahead = call->decoder;
    if (kd_chunked_decode(&ahead, raw, n, &used, &piece) != KD_CHUNKED_END)
        return false;
    *surplus = used < n;
    return true;
}

/* False: the call is not there any more. */
static bool tell(kd_call *call, kd_str piece)
{
    grip g = hold(call);
    call->data_follows = false;
    call->events->on_data(call, piece, false);
    return alive(&g);
}

/* The next piece of a chunked body. */
static bool feed_chunked(kd_call *call, char *raw, size_t n, size_t *at)
{
    size_t used = 0;
    kd_str piece;
    kd_chunked_result result = kd_chunked_decode(&call->decoder, raw + *at, n - *at, &used, &piece);
    *at += used;
    bool surplus = false;
    switch (result) {
    case KD_CHUNKED_ERROR:
        kd_call_fail(call, KD_FAIL_BAD_MESSAGE, KD_STR("invalid byte in chunk length"));
        return false;
    case KD_CHUNKED_END:
        finish(call, (kd_str){raw + *at, 0}, *at == n);
        return false;
    case KD_CHUNKED_DATA:
        if (!decoded_end(call, raw + *at, n - *at, &surplus))
            return tell(call, piece);
        finish(call, piece, !surplus);
        return false;
    default:
        return true;
    }
}

/* Hands body bytes on; *used tells how many, the rest waits because the owner paused. False: the call is gone. */
static bool feed(kd_call *call, char *raw, size_t n, size_t *used)
{
    *used = 0;
    while (!call->paused) {
        size_t at = *used;
        if (call->head.framing == KD_FRAMING_LENGTH || call->head.framing == KD_FRAMING_NONE) {
            size_t part = n - at < call->left ? n - at : (size_t)call->left;
            call->left -= part;
            *used = n;
            if (call->left == 0) {
                finish(call, (kd_str){raw + at, part}, at + part == n);
                return false;
            }
            return part == 0 || tell(call, (kd_str){raw + at, part});
        }
        if (at == n)
            return true;
        if (call->head.framing == KD_FRAMING_CLOSE) {
            *used = n;
            return tell(call, (kd_str){raw + at, n - at});
        }
        if (!feed_chunked(call, raw, n, used))
            return false;
    }
    return true;
}

/* Keeps bytes for later: an incomplete head, or body bytes of a paused owner. These may lie in call->partial itself. */
static bool keep(kd_call *call, const char *data, size_t n)
{
    if (call->partial_n + n + KD_SCRATCH_PAD > call->partial_cap) {
        size_t cap = call->partial_cap ? call->partial_cap * 2 : 4096;
        while (cap < call->partial_n + n + KD_SCRATCH_PAD)
            cap *= 2;
        char *p = kd_arena_alloc(call->arena, cap);
        if (!p)
            return false;
        if (call->partial_n)
            memcpy(p, call->partial, call->partial_n);
        call->partial = p;
        call->partial_cap = cap;
    }
    memmove(call->partial + call->partial_n, data, n);
    call->partial_n += n;
    return true;
}

/* Scans a complete head. Returns its length, 0 when the call failed. */
static size_t take_head(kd_call *call, const char *data, size_t size)
{
    char *head = kd_arena_alloc(call->arena, size);
    kd_str error = {0};
    if (!head) {
        kd_call_fail(call, KD_FAIL_SHED, KD_STR("out of memory"));
        return 0;
    }
    memcpy(head, data, size);
    kd_headers_init(&call->head.headers, call->arena);
    call->head.headers.memo = &call->client->memo;
    kd_scan_result result = kd_scan_response(head, size, 0, MAX_RESPONSE_HEAD, call->method, &call->head, &error);
    if (result != KD_SCAN_DONE) {
        if (result != KD_SCAN_ERROR)
            error = KD_STR("net/http: HTTP/1.x transport connection broken: unexpected EOF");
        kd_call_fail(call, result == KD_SCAN_NO_MEMORY ? KD_FAIL_SHED : KD_FAIL_BAD_MESSAGE, error);
        return 0;
    }
    return size;
}

/* `n`: how many bytes of the body are there already. False: the call is gone. */
static bool begin_body(kd_call *call, size_t n)
{
    call->left = call->head.framing == KD_FRAMING_LENGTH ? call->head.length : 0;
    kd_chunked_init(&call->decoder, true);
    call->head_told = true;
    if (kd_timer_armed(&call->timer))
        kd_timer_disarm(&loop_of(call)->timers, &call->timer);
    if (call->up && kd_timer_armed(&call->up->timer))
        kd_timer_disarm(&loop_of(call)->timers, &call->up->timer);
    call->data_follows = n > 0 || (call->left == 0 && call->head.framing <= KD_FRAMING_LENGTH);
    grip g = hold(call);
    call->events->on_head(call);
    return alive(&g);
}

/* New bytes of the answer. */
static void take(kd_call *call, char *data, size_t n)
{
    while (!call->head_told) {
        size_t size;
        if (KD_UNLIKELY(call->partial_n)) {
            size_t before = call->partial_n;
            if (before + n > MAX_RESPONSE_HEAD || !keep(call, data, n)) {
                kd_call_fail(call, KD_FAIL_TOO_LARGE,
                             KD_STR("net/http: server response headers exceeded 10485760 bytes; aborted"));
                return;
            }
            size_t from = before > 3 ? before - 3 : 0;
            size = head_end(call->partial + from, call->partial_n - from);
            if (!size)
                return;
            size += from;
            if (!take_head(call, call->partial, size))
                return;
            /* What follows the head lies at the end of the piece that has just come. */
            size_t rest = call->partial_n - size;
            data += n - rest;
            n = rest;
            call->partial_n = 0;
        } else {
            size = head_end(data, n);
            if (!size) {
                if (!keep(call, data, n))
                    kd_call_fail(call, KD_FAIL_SHED, KD_STR("out of memory"));
                return;
            }
            if (!take_head(call, data, size))
                return;
            data += size;
            n -= size;
        }
        if (call->head.status >= 100 && call->head.status < 200 && call->head.status != 101) {
            if (n == 0)
                return;
            continue;
        }
        if (!begin_body(call, n))
            return;
    }
    size_t used = 0;
    if (!feed(call, data, n, &used))
        return;
    /* Bytes came, but no piece of the body was whole yet. */
    if (call->data_follows && !call->paused && !tell(call, (kd_str){data, 0}))
        return;
    if (used < n && !keep(call, data + used, n - used))
        kd_call_fail(call, KD_FAIL_SHED, KD_STR("out of memory"));
}

static void end_of_stream(kd_call *call)
{
    if (call->head_told && call->head.framing == KD_FRAMING_CLOSE)
        finish(call, (kd_str){NULL, 0}, false);
    else
        fail_read(call, 0);
}

/* What comes with an answer's head may be all of it. */
static size_t read_size(const kd_call *call, const kd_client *client)
{
    if (call->head_told || (call->small_pieces && client->first_read > KD_READ_SIZE))
        return KD_READ_SIZE;
    return client->first_read;
}

static void receive(kd_upstream *up)
{
    kd_worker *w = up->client->worker;
    size_t budget = KD_TURN_BYTES;
    uint32_t carried = up->carried;
    while (up->call && up->carried == carried && !up->dead && !up->call->paused) {
        kd_call *call = up->call;
        if (call->head_told && call->left == 0 &&
            (call->head.framing == KD_FRAMING_NONE || call->head.framing == KD_FRAMING_LENGTH)) {
            size_t used;
            feed(call, w->scratch, 0, &used); /* ended while the owner paused */
            return;
        }
        if (call->head_told && call->partial_n) {
            size_t n = call->partial_n;
            call->partial_n = 0; /* what the owner pauses at moves to the front: a slow one costs no more memory */
            take(call, call->partial, n);
            continue;
        }
        if (budget < KD_READ_SIZE) {
            kd_loop_requeue(&w->loop, &up->stream.io);
            return;
        }
        ssize_t n = kd_stream_read(&up->stream, w->scratch, read_size(call, up->client));
        if (n == KD_STREAM_AGAIN)
            return;
        if (KD_UNLIKELY(n <= 0)) {
            if (n == 0)
                end_of_stream(call);
            else
                fail_read(call, up->stream.error);
            return;
        }
        budget -= (size_t)n < budget ? (size_t)n : budget;
        take(call, w->scratch, (size_t)n);
    }
}

/* TCP is connected: a tunnel and TLS may follow. */
static bool established_above(kd_upstream *up)
{
    kd_failure failure = KD_FAIL_TLS;
    kd_str error = {"", 0};
    switch (kd_establish(up, &failure, &error)) {
    case KD_ESTABLISHED:
        up->connecting = false;
        return true;
    case KD_ESTABLISH_FAILED:
        kd_call_fail(up->call, failure, error);
        return false;
    default:
        return false;
    }
}

static bool established(kd_upstream *up)
{
    if (up->begun)
        return established_above(up);
    if (!kd_dial_connected(up))
        return false;
    if (KD_UNLIKELY(up->stage))
        return established_above(up);
    up->connecting = false;
    return true;
}

static void step(kd_upstream *up)
{
    if (up->connecting && !established(up))
        return;
    kd_call *call = up->call;
    if (KD_UNLIKELY(call->on_connected != NULL)) {
        call->on_connected(call);
        return;
    }
    if (up->stream.io.fd >= 0 && up->timer.on_fire && call->body_sent && !call->head_told &&
        up->client->settings.header_timeout > 0 && !kd_timer_armed(&up->timer)) {
        kd_call_fail(call, KD_FAIL_HEADER_TIMEOUT, KD_STR("net/http: timeout awaiting response headers"));
        return;
    }
    grip g = hold(call);
    if (!call->head_sent && !send_request(call))
        return;
    if (up->out.n && kd_stream_writable(&up->stream)) {
        kd_sent sent = kd_outq_flush(&up->out, &up->client->worker->chunks, &up->stream);
        if (sent == KD_SENT_FAILED) {
            /* An answer may have come before the connection broke. */
            if (!give_up_sending(call) && !kd_stream_readable(&up->stream)) {
                fail_read(call, up->stream.error);
                return;
            }
        } else if (sent == KD_SENT_ALL && !call->body_sent) {
            call->events->on_writable(call);
        }
    }
    if (alive(&g) && (kd_stream_readable(&up->stream) || (call->head_told && call->partial_n)))
        receive(up);
}

void kd_upstream_drive(kd_upstream *up)
{
    if (up->driving)
        return;
    up->driving = true;
    uint32_t carried;
    do {
        /* The owner of a finished call may have put the next one on this connection. */
        carried = up->carried;
        if (up->call)
            step(up);
    } while (!up->dead && up->carried != carried);
    up->driving = false;
    if (up->dead)
        kd_upstream_close(up);
}

void kd_call_pause(kd_call *call)
{
    call->paused = true;
}

void kd_call_resume(kd_call *call)
{
    if (!call->paused)
        return;
    call->paused = false;
    if (call->stream2)
        kd_session2_resume(call);
    else if (!call->over && call->up)
        kd_loop_requeue(loop_of(call), &call->up->stream.io);
}
