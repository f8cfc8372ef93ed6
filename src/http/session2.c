#include "http/session2.h"

#include <stdlib.h>

#define SETTINGS_TIMEOUT (10 * KD_SECOND) /* until the server's first frame; as Go's TLS handshake */

#define BATCH    (64u * 1024) /* bytes of frames that leave in one write */
#define BODY_MAX (64u * 1024) /* of a request's body that waits for the window before its owner pauses */

static kd_loop *loop_of(const kd_session2 *s)
{
    return &s->client->worker->loop;
}

/* ---- lists ------------------------------------------------------------------------------------------------------- */

void kd_stream2_due(kd_stream2 *st)
{
    kd_session2 *s = st->session;
    if (st->link_due)
        return;
    st->next_due = NULL;
    st->link_due = s->due ? &s->due_tail->next_due : &s->due;
    *st->link_due = st;
    s->due_tail = st;
}

static void not_due(kd_stream2 *st)
{
    kd_session2 *s = st->session;
    if (!st->link_due)
        return;
    *st->link_due = st->next_due;
    if (st->next_due)
        st->next_due->link_due = st->link_due;
    else
        s->due_tail = s->due ? KD_CONTAINER(st->link_due, kd_stream2, next_due) : NULL;
    st->link_due = NULL;
}

/* Takes the call off the session; its memory may be gone afterwards. */
static void detach(kd_stream2 *st)
{
    kd_session2 *s = st->session;
    kd_chunk_pool *chunks = &s->client->worker->chunks;
    if (s->session && st->id > 0) {
        nghttp2_session_set_stream_user_data(s->session, st->id, NULL);
        if (st->in.n) /* nobody will take it: the connection's window gets it back */
            nghttp2_session_consume_connection(s->session, st->in.n);
    }
    kd_outq_clear(&st->body, chunks);
    kd_outq_clear(&st->in, chunks);
    not_due(st);
    *st->link = st->next;
    if (st->next)
        st->next->link = st->link;
    s->n--;
    if (s->current == st)
        s->current = NULL;
    st->call->stream2 = NULL;
    if (kd_timer_armed(&st->call->timer))
        kd_timer_disarm(&loop_of(s)->timers, &st->call->timer);
}

static void wake(kd_session2 *s)
{
    if (!s->driving && kd_stream_is_open(&s->stream))
        kd_loop_requeue(loop_of(s), &s->stream.io);
}

/* ---- how calls and sessions end ---------------------------------------------------------------------------------- */

static void destroy(kd_session2 *s)
{
    kd_loop *loop = loop_of(s);
    kd_timer_disarm(&loop->timers, &s->timer);
    kd_call_cancel(&s->carrier);
    if (s->session)
        nghttp2_session_del(s->session);
    kd_stream_close(&s->stream);
    kd_outq_clear(&s->out, &s->client->worker->chunks);
    *s->link = s->next;
    if (s->next)
        s->next->link = s->link;
    *s->all_link = s->all_next;
    if (s->all_next)
        s->all_next->all_link = s->all_link;
    kd_arena_reset(&s->arena);
    free(s);
}

static void fail(kd_stream2 *st, kd_failure failure, kd_str error)
{
    kd_call *call = st->call;
    detach(st);
    call->over = true;
    call->failure = failure;
    call->error = kd_arena_copy(call->arena, error);
    if (!call->error.p)
        call->error = KD_STR("out of memory");
    call->events->on_fail(call);
}

/* May the call be sent once more? `unseen`: the server has said that it did nothing with it. */
static bool can_repeat(const kd_stream2 *st, bool unseen)
{
    const kd_call *call = st->call;
    return !st->head_done && !call->retried && call->body < KD_CALL_STREAM_LENGTH &&
           (unseen || (call->idempotent && st->session->served > 0));
}

static void repeat(kd_stream2 *st)
{
    kd_call *call = st->call;
    kd_client *client = st->session->client;
    detach(st);
    call->retried = true;
    client->retries++;
    kd_call_start(client, call);
}

/* The connection is of no more use. */
static void lose(kd_session2 *s, kd_failure failure, kd_str error, bool unseen)
{
    s->going = s->dead = true;
    while (s->streams) {
        kd_stream2 *st = s->streams;
        if (can_repeat(st, unseen))
            repeat(st);
        else
            fail(st, failure, error);
    }
}

static const char *code_name(uint32_t code)
{
    static const char *const names[] = {"NO_ERROR",
                                        "PROTOCOL_ERROR",
                                        "INTERNAL_ERROR",
                                        "FLOW_CONTROL_ERROR",
                                        "SETTINGS_TIMEOUT",
                                        "STREAM_CLOSED",
                                        "FRAME_SIZE_ERROR",
                                        "REFUSED_STREAM",
                                        "CANCEL",
                                        "COMPRESSION_ERROR",
                                        "CONNECT_ERROR",
                                        "ENHANCE_YOUR_CALM",
                                        "INADEQUATE_SECURITY",
                                        "HTTP_1_1_REQUIRED"};
    return code < KD_COUNT(names) ? names[code] : "unknown error code";
}

/* The stream has ended before its answer was whole. */
static void broken(kd_stream2 *st)
{
    if (st->error == NGHTTP2_REFUSED_STREAM && can_repeat(st, true)) {
        repeat(st);
        return;
    }
    if (st->bad) {
        fail(st, KD_FAIL_BAD_MESSAGE, KD_STR("stream error: PROTOCOL_ERROR; malformed response"));
        return;
    }
    kd_str text = kd_arena_printf(st->call->arena, "stream error: stream ID %d; %s; received from peer", st->id,
                                  code_name(st->error));
    fail(st, KD_FAIL_RESET, text.p ? text : KD_STR("stream error"));
}

/* ---- telling owners ---------------------------------------------------------------------------------------------- */

/* Moves what has come to the worker's scratch, where an owner may write behind it. */
static kd_str take_piece(kd_stream2 *st)
{
    kd_session2 *s = st->session;
    kd_worker *worker = s->client->worker;
    size_t n = 0;
    while (st->in.n && n < KD_READ_SIZE) {
        kd_str first = kd_outq_first(&st->in);
        size_t part = first.n < KD_READ_SIZE - n ? first.n : KD_READ_SIZE - n;
        memcpy(worker->scratch + n, first.p, part);
        kd_outq_drop(&st->in, &worker->chunks, part);
        n += part;
    }
    if (n && st->closed)
        nghttp2_session_consume_connection(s->session, n);
    else if (n)
        nghttp2_session_consume(s->session, st->id, n);
    return kd_str_of(worker->scratch, n);
}

static bool tell_head(kd_stream2 *st)
{
    kd_session2 *s = st->session;
    kd_call *call = st->call;
    if (kd_timer_armed(&call->timer))
        kd_timer_disarm(&loop_of(s)->timers, &call->timer);
    call->head_told = true;
    call->events->on_head(call);
    return s->current == st;
}

/* False: the call is not there any more. */
static bool tell_data(kd_stream2 *st)
{
    kd_session2 *s = st->session;
    kd_call *call = st->call;
    while (!call->paused && (st->in.n || st->in_end)) {
        kd_str piece = take_piece(st);
        bool end = st->in_end && !st->in.n;
        if (end) {
            s->served++;
            detach(st);
            call->over = true;
        }
        call->events->on_data(call, piece, end);
        if (s->current != st)
            return false;
    }
    return true;
}

static void look(kd_stream2 *st)
{
    kd_session2 *s = st->session;
    s->current = st;
    if (st->no_memory) {
        nghttp2_submit_rst_stream(s->session, NGHTTP2_FLAG_NONE, st->id, NGHTTP2_CANCEL);
        fail(st, KD_FAIL_SHED, KD_STR("out of memory"));
        return;
    }
    if (st->writable_owed && !st->body.n && !st->body_end && !st->closed) {
        st->writable_owed = false;
        st->call->events->on_writable(st->call);
        if (s->current != st)
            return;
    }
    if (st->head_done && !st->call->head_told && !tell_head(st))
        return;
    if (st->call->head_told && !tell_data(st))
        return;
    if (st->closed && !st->in.n && !st->in_end)
        broken(st);
}

static void begin(kd_session2 *s);

static void settle(kd_session2 *s)
{
    if (KD_UNLIKELY(s->settings && !s->began))
        begin(s);
    while (s->due && !s->dead) {
        kd_stream2 *st = s->due;
        not_due(st);
        look(st);
        s->current = NULL;
    }
}

/* ---- frames out and in ------------------------------------------------------------------------------------------- */

static bool flush(kd_session2 *s)
{
    if (!s->out.n || !kd_stream_writable(&s->stream))
        return true;
    return kd_outq_flush(&s->out, &s->client->worker->chunks, &s->stream) != KD_SENT_FAILED;
}

/* Makes frames and sends them, a batch in one write. False: the connection is broken. */
static bool pump(kd_session2 *s)
{
    kd_worker *worker = s->client->worker;
    if (!flush(s))
        return false;
    while (!s->out.n) {
        size_t n = 0;
        const uint8_t *frame;
        ssize_t size = 0;
        while (n < BATCH && (size = nghttp2_session_mem_send(s->session, &frame)) > 0) {
            if (!kd_outq_add(&s->out, &worker->chunks, (const char *)frame, (size_t)size))
                return false;
            n += (size_t)size;
        }
        if (size < 0)
            return false;
        if (n == 0)
            return true;
        if (kd_outq_flush(&s->out, &worker->chunks, &s->stream) == KD_SENT_FAILED)
            return false;
    }
    return true;
}

/* One read. False: nothing more for now, or the session is lost. */
static bool receive(kd_session2 *s)
{
    kd_worker *worker = s->client->worker;
    ssize_t n = kd_stream_read(&s->stream, worker->scratch, KD_READ_SIZE);
    if (n == KD_STREAM_AGAIN)
        return false;
    if (n <= 0) {
        settle(s);
        lose(s, n ? KD_FAIL_RESET : KD_FAIL_CLOSED,
             n ? KD_STR("read tcp: read: connection reset by peer") : KD_STR("unexpected EOF"), false);
        return false;
    }
    if (nghttp2_session_mem_recv(s->session, (const uint8_t *)worker->scratch, (size_t)n) < 0) {
        settle(s);
        lose(s, KD_FAIL_BAD_MESSAGE, KD_STR("http2: the server's frames are malformed"), false);
        return false;
    }
    settle(s);
    return !s->dead;
}

static void on_idle(kd_timer *timer)
{
    kd_session2 *s = KD_CONTAINER(timer, kd_session2, timer);
    s->going = true;
    wake(s);
}

/* What becomes of a session that carries nothing. */
static void rest(kd_session2 *s)
{
    if (!s->began)
        return;
    const kd_client_settings *settings = &s->client->settings;
    bool armed = kd_timer_armed(&s->timer);
    if (s->n) {
        if (armed)
            kd_timer_disarm(&loop_of(s)->timers, &s->timer);
        return;
    }
    bool over = s->going || !settings->keep_alive ||
                (!nghttp2_session_want_read(s->session) && !nghttp2_session_want_write(s->session));
    if (over && !s->out.n) {
        if (nghttp2_session_terminate_session(s->session, NGHTTP2_NO_ERROR) == 0)
            pump(s);
        s->dead = true;
    } else if (!armed && settings->idle_timeout > 0) {
        kd_timer_arm(&loop_of(s)->timers, &s->timer, loop_of(s)->now + settings->idle_timeout);
    }
}

static void drive(kd_session2 *s)
{
    if (s->driving)
        return;
    s->driving = true;
    size_t budget = KD_TURN_BYTES;
    while (!s->dead && kd_stream_readable(&s->stream) && receive(s)) {
        if (budget < KD_READ_SIZE) {
            kd_loop_requeue(loop_of(s), &s->stream.io);
            break;
        }
        budget -= KD_READ_SIZE;
    }
    /* What owners gave in the meantime may owe them a sign again. */
    do {
        settle(s);
        if (!s->dead && !pump(s))
            lose(s, KD_FAIL_RESET, KD_STR("write tcp: write: broken pipe"), false);
    } while (s->due && !s->dead);
    if (!s->dead)
        rest(s);
    s->driving = false;
    if (s->dead)
        destroy(s);
}

static void on_ready(kd_io *io)
{
    drive(KD_CONTAINER(io, kd_session2, stream.io));
}

/* ---- making the connection --------------------------------------------------------------------------------------- */

static void on_head_timer(kd_timer *timer)
{
    kd_call *call = KD_CONTAINER(timer, kd_call, timer);
    kd_stream2 *st = call->stream2;
    kd_session2 *s = st->session;
    nghttp2_submit_rst_stream(s->session, NGHTTP2_FLAG_NONE, st->id, NGHTTP2_CANCEL);
    wake(s);
    fail(st, KD_FAIL_HEADER_TIMEOUT, KD_STR("http2: timeout awaiting response headers"));
}

static void await_head(kd_stream2 *st)
{
    kd_session2 *s = st->session;
    kd_ns timeout = s->client->settings.header_timeout;
    if (timeout > 0 && !st->head_done)
        kd_timer_arm(&loop_of(s)->timers, &st->call->timer, loop_of(s)->now + timeout);
}

static void submit(kd_stream2 *st)
{
    if (!kd_stream2_submit(st)) {
        st->no_memory = true;
        st->id = 0;
        kd_stream2_due(st);
        return;
    }
    if (st->call->body >= KD_CALL_STREAM_LENGTH) {
        st->writable_owed = true;
        kd_stream2_due(st);
    } else {
        await_head(st);
    }
}

/* The server speaks HTTP/1.1 only: the calls go that way, and later ones for a while. */
static void fall_back(kd_session2 *s)
{
    s->pool->http1_until = loop_of(s)->now + KD_SESSION2_SECOND_TRY;
    s->going = s->dead = true;
    while (s->streams) {
        kd_call *call = s->streams->call;
        detach(s->streams);
        kd_call_start(s->client, call);
    }
}

/* The session is ended in a turn of its own, when the carrier's callbacks have returned. */
static void end_later(kd_session2 *s)
{
    s->dead = true;
    kd_timer_arm(&loop_of(s)->timers, &s->timer, loop_of(s)->now);
}

static void on_end(kd_timer *timer)
{
    kd_session2 *s = KD_CONTAINER(timer, kd_session2, timer);
    if (!s->dead && !s->began)
        lose(s, KD_FAIL_HEADER_TIMEOUT, KD_STR("http2: timeout awaiting the server's settings"), false);
    if (s->dead)
        destroy(s);
    else
        on_idle(timer);
}

static void on_connected(kd_call *carrier)
{
    kd_session2 *s = carrier->owner;
    kd_upstream *up = carrier->up;
    if (s->mode == KD_HTTP2_ALPN && !kd_tls_client_http2(&up->stream)) {
        fall_back(s);
        kd_call_cancel(carrier);
        end_later(s);
        return;
    }
    s->profile = up->profile;
    bool ok = kd_stream_move(&s->stream, &up->stream, on_ready) && kd_session2_open(s);
    kd_call_cancel(carrier);
    if (!ok) {
        lose(s, KD_FAIL_SHED, KD_STR("out of memory"), false);
        end_later(s);
        return;
    }
    /* How many streams the server allows is known with its settings: only then requests are sent. */
    kd_timer_arm(&loop_of(s)->timers, &s->timer, loop_of(s)->now + SETTINGS_TIMEOUT);
    kd_loop_requeue(loop_of(s), &s->stream.io);
}

/* The server's first settings have come: so many calls go out here, the others elsewhere. */
static void begin(kd_session2 *s)
{
    uint32_t bound = nghttp2_session_get_remote_settings(s->session, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
    kd_timer_disarm(&loop_of(s)->timers, &s->timer);
    s->began = true;
    kd_stream2 *st = s->streams, *next;
    for (uint32_t n = 0; st && n < bound; st = next, n++) {
        next = st->next;
        submit(st);
    }
    kd_stream2 *surplus = st;
    while (surplus && bound && surplus->id == 0) {
        kd_call *call = surplus->call;
        surplus = surplus->next;
        detach(call->stream2);
        kd_call_start(s->client, call);
    }
}

static void on_carrier_fail(kd_call *carrier)
{
    kd_session2 *s = carrier->owner;
    lose(s, carrier->failure, carrier->error, false);
    end_later(s);
}

static const kd_call_events carrier_events = {.on_fail = on_carrier_fail};

/* ---- calls ------------------------------------------------------------------------------------------------------- */

static bool has_place(kd_session2 *s, const kd_call *call)
{
    uint32_t bound = KD_SESSION2_STREAMS;
    if (s->began)
        bound = nghttp2_session_get_remote_settings(s->session, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
    if (s->going || s->mode != call->http2)
        return false;
    if (s->session && s->pool->target->tls) { /* a reload may have changed how TLS is to be spoken */
        const kd_tls_profile *profile = kd_client_profile(s->client);
        if (!profile || s->profile != kd_tls_profile_id(profile)) {
            s->going = true;
            wake(s);
            return false;
        }
    }
    return s->n < bound && (!s->session || nghttp2_session_check_request_allowed(s->session));
}

static kd_session2 *create(kd_client *client, kd_pool *pool, const kd_call *call)
{
    kd_session2 *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->client = client;
    s->pool = pool;
    s->mode = call->http2;
    s->stream.io.fd = -1;
    kd_timer_init(&s->timer, on_end);
    kd_arena_init(&s->arena, &client->worker->chunks, 0);
    s->carrier = (kd_call){.events = &carrier_events,
                           .owner = s,
                           .arena = &s->arena,
                           .target = call->target,
                           .http2 = call->http2,
                           .on_connected = on_connected};
    s->next = pool->sessions;
    s->link = &pool->sessions;
    if (s->next)
        s->next->link = &s->next;
    pool->sessions = s;
    s->all_next = client->sessions2->all;
    s->all_link = &client->sessions2->all;
    if (s->all_next)
        s->all_next->all_link = &s->all_next;
    client->sessions2->all = s;
    return s;
}

/* The session that takes the call; *fresh: it has no connection yet. NULL without memory. */
static kd_session2 *choose(kd_client *client, kd_pool *pool, const kd_call *call, bool *fresh)
{
    uint32_t n = 0;
    kd_session2 *least = NULL;
    *fresh = false;
    for (kd_session2 *s = pool->sessions; s; s = s->next) {
        if (has_place(s, call))
            return s;
        n += !s->dead;
        if (!s->going && s->mode == call->http2 && (!least || s->n < least->n))
            least = s;
    }
    if (n >= KD_SESSION2_MAX && least)
        return least; /* nghttp2 keeps the request until a stream has ended */
    *fresh = true;
    return create(client, pool, call);
}

bool kd_session2_start(kd_client *client, kd_call *call)
{
    kd_pool *pool = kd_client_pool(client, call->target);
    if (call->http2 == KD_HTTP2_ALPN && !call->target->tls)
        return false;
    if (call->target->proxy && !call->target->tls)
        return false; /* a proxy that is asked for a plain resource speaks HTTP/1.1 */
    if (pool && pool->http1_until > client->worker->loop.now)
        return false;
    if (!client->sessions2)
        client->sessions2 = kd_sessions2_create();
    kd_stream2 *st = KD_NEW(call->arena, kd_stream2);
    bool fresh;
    kd_session2 *s = pool && client->sessions2 && st ? choose(client, pool, call, &fresh) : NULL;
    kd_timer_init(&call->timer, on_head_timer);
    if (!s) {
        call->over = true;
        call->failure = KD_FAIL_SHED;
        call->error = KD_STR("out of memory");
        call->events->on_fail(call);
        return true;
    }
    call->stream2 = st;
    *st = (kd_stream2){.call = call, .session = s, .next = s->streams, .link = &s->streams};
    if (st->next)
        st->next->link = &st->next;
    s->streams = st;
    s->n++;
    if (fresh) {
        kd_call_dial(client, &s->carrier);
    } else if (s->began) {
        client->reuses++;
        submit(st);
        wake(s);
    }
    return true;
}

void kd_session2_cancel(kd_call *call)
{
    kd_stream2 *st = call->stream2;
    kd_session2 *s = st->session;
    if (s->session && st->id > 0 && !st->closed)
        nghttp2_submit_rst_stream(s->session, NGHTTP2_FLAG_NONE, st->id, NGHTTP2_CANCEL);
    detach(st);
    if (s->session)
        wake(s);
}

void kd_session2_resume(kd_call *call)
{
    kd_stream2_due(call->stream2);
    wake(call->stream2->session);
}

static kd_flow refuse_body(kd_stream2 *st, uint64_t n)
{
    kd_call *call = st->call;
    kd_str text = kd_arena_printf(call->arena, "http: ContentLength=%llu with Body length %llu",
                                  (unsigned long long)call->body_length, (unsigned long long)n);
    nghttp2_submit_rst_stream(st->session->session, NGHTTP2_FLAG_NONE, st->id, NGHTTP2_CANCEL);
    wake(st->session);
    fail(st, KD_FAIL_BAD_REQUEST, text.p ? text : KD_STR("out of memory"));
    return KD_FLOW_ON;
}

kd_flow kd_session2_write(kd_call *call, kd_str piece, bool end)
{
    kd_stream2 *st = call->stream2;
    kd_session2 *s = st->session;
    if (st->body_end || st->closed)
        return KD_FLOW_ON;
    if (call->body == KD_CALL_STREAM_LENGTH) {
        if (piece.n > call->unsent || (end && piece.n < call->unsent))
            return refuse_body(st, call->body_length - call->unsent + piece.n);
        call->unsent -= piece.n;
    }
    if (piece.n && !kd_outq_add(&st->body, &s->client->worker->chunks, piece.p, piece.n)) {
        st->no_memory = true;
        kd_stream2_due(st);
    }
    st->body_end = end;
    if (end)
        await_head(st);
    if (st->deferred) {
        st->deferred = false;
        nghttp2_session_resume_data(s->session, st->id);
    }
    wake(s);
    if (end || st->body.n < BODY_MAX)
        return KD_FLOW_ON;
    st->writable_owed = true;
    return KD_FLOW_PAUSED;
}

void kd_sessions2_fini(kd_client *client)
{
    kd_sessions2 *all = client->sessions2;
    if (!all)
        return;
    while (all->all)
        destroy(all->all);
    nghttp2_session_callbacks_del(all->callbacks);
    nghttp2_option_del(all->options);
    kd_h2_memory_fini(&all->memory);
    free(all);
    client->sessions2 = NULL;
}
