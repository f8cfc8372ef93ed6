/* The HTTP/2 server's connections: they come, read, send, and go. */
#include "http/server2_own.h"

#include "base/ledger.h"

#include <stdlib.h>
#include <unistd.h>

/* How long a new connection may take until its first settings are there (net/http: ten seconds for the preface). */
#define PREFACE_TIME (10 * KD_SECOND)
/* How long a client may take to show that it knows of the coming end; requests sent before that are answered. */
#define FAREWELL_TIME KD_SECOND
/* How long a closing connection swallows what the client still sends, so that a reset does not eat the last frames. */
#define LINGER_TIME  (500 * KD_MS)
#define LINGER_LIMIT (1024u * 1024)
#define COUNTED_SEND (16u * 1024) /* from here on the kernel's share is asked for */
/* A client whose socket takes nothing is not read any more when so many frames wait for it. */
#define WAITING_FRAMES_MAX 64u
#define ROUNDS_MAX         64u /* of calling owners and sending, in one turn */

static void drive(kd_connection2 *c);

static kd_worker *worker_of(const kd_connection2 *c)
{
    return c->server->worker;
}

void kd_connection2_requeue(kd_connection2 *c)
{
    kd_loop_requeue(&worker_of(c)->loop, &c->stream.io);
}

/* ---- requests ------------------------------------------------------------------------------------------------------
 */

void kd_request2_due(kd_request2 *q)
{
    kd_connection2 *c = q->c;
    if (q->link_due)
        return;
    q->next_due = NULL;
    q->link_due = c->due_tail;
    *c->due_tail = q;
    c->due_tail = &q->next_due;
}

static void not_due(kd_request2 *q)
{
    if (!q->link_due)
        return;
    *q->link_due = q->next_due;
    if (q->next_due)
        q->next_due->link_due = q->link_due;
    else
        q->c->due_tail = q->link_due;
    q->link_due = NULL;
}

void kd_request2_reset(kd_request2 *q, uint32_t code)
{
    if (q->closed || q->reset || q->c->gone)
        return;
    q->reset = true;
    q->c->cut_short[q->c->n_cut_short++ % KD_H2_CUT_SHORT] = q->id;
    nghttp2_submit_rst_stream(q->c->session, NGHTTP2_FLAG_NONE, q->id, code);
}

static void forget(kd_request2 *q)
{
    kd_connection2 *c = q->c;
    kd_worker *w = worker_of(c);
    not_due(q);
    kd_timer_disarm(&w->loop.timers, &q->read_timer);
    kd_timer_disarm(&w->loop.timers, &q->write_timer);
    if (q->in.n)
        kd_request2_consume(q, q->in.n);
    c->queued -= q->out.n;
    c->fields_held -= q->fields_held;
    kd_outq_clear(&q->in, &w->chunks);
    kd_outq_clear(&q->out, &w->chunks);
    if (c->head == q)
        c->head = NULL;
    if (c->trailers == q)
        c->trailers = NULL;
    *q->link = q->next;
    if (q->next)
        q->next->link = q->link;
    if (--c->n_requests == 0)
        c->idle_since = w->loop.now;
    kd_arena arena = q->arena; /* it lies in its own first chunk */
    kd_arena_reset(&arena);
}

/* Hands the owner what it wants of the body. */
static void feed_body(kd_request2 *q)
{
    kd_connection2 *c = q->c;
    const kd_handler *handler = c->server->handler;
    while (q->body_wanted && !q->told && !q->released && !q->closed && !c->gone && !q->front.body_ended &&
           (q->in.n || q->in_ended)) {
        kd_str piece = kd_outq_first(&q->in);
        bool end = q->in_ended && piece.n == q->in.n;
        if (end) {
            q->front.body_ended = true;
            q->body_wanted = false;
        }
        handler->on_body(&q->front, piece, end, false);
        kd_outq_drop(&q->in, &worker_of(c)->chunks, piece.n);
        kd_request2_consume(q, piece.n);
    }
}

static void call_owner(kd_request2 *q)
{
    kd_connection2 *c = q->c;
    const kd_handler *handler = c->server->handler;
    if (q->fresh && !q->closed && !c->gone) {
        q->fresh = false;
        if (q->refused) {
            kd_request2_answer_refusal(q);
        } else {
            q->owned = true;
            handler->on_request(c->server->context, &q->front);
        }
    }
    if (!q->owned || q->released)
        return;
    feed_body(q);
    bool done = q->aborted || (q->answered && q->ended && !c->out.n && !c->gone);
    bool gone = c->gone || (q->closed && !q->ended);
    if (!q->told && (done || gone)) {
        q->told = true;
        kd_timer_disarm(&worker_of(c)->loop.timers, &q->write_timer);
        if (done)
            handler->on_done(&q->front);
        else
            handler->on_gone(&q->front);
    } else if (!q->told && q->writable_owed && !q->answered && !q->out.n && !c->out.n) {
        q->writable_owed = false;
        handler->on_writable(&q->front);
    }
}

void kd_request2_look(kd_request2 *q)
{
    if (q->busy)
        return;
    q->busy = true;
    call_owner(q);
    q->busy = false;
    bool let_go = q->released || !q->owned;
    if (let_go && q->ended && !q->closed)
        kd_request2_reset(q, NGHTTP2_NO_ERROR); /* the rest of the body is not wanted (RFC 9113 section 8.1) */
    else if (q->released && !q->closed)
        kd_request2_reset(q, NGHTTP2_INTERNAL_ERROR);
    if (let_go && (q->closed || q->c->gone))
        forget(q);
}

/* ---- the end of connections ----------------------------------------------------------------------------------------
 */

/* The kernel's share: what it holds for this client. */
static void count_kernel(kd_connection2 *c, size_t now)
{
    if (now > UINT32_MAX)
        now = UINT32_MAX;
    if (now > c->kernel)
        kd_ledger_charge(KD_ACCOUNT_SOCKETS, now - c->kernel);
    else if (now < c->kernel)
        kd_ledger_release(KD_ACCOUNT_SOCKETS, c->kernel - now);
    c->kernel = (uint32_t)now;
}

static void destroy(kd_connection2 *c)
{
    kd_worker *w = worker_of(c);
    kd_server2 *server = c->server;
    kd_stream_close(&c->stream);
    kd_timer_disarm(&w->loop.timers, &c->timer);
    kd_outq_clear(&c->out, &w->chunks);
    nghttp2_session_del(c->session);
    *c->link = c->next;
    if (c->next)
        c->next->link = c->link;
    count_kernel(c, 0);
    server->n_connections--;
    w->n_connections--;
    free(c);
    kd_ledger_release(KD_ACCOUNT_CONNECTIONS, sizeof *c);
}

void kd_connection2_lose(kd_connection2 *c)
{
    if (c->gone)
        return;
    c->gone = true;
    kd_outq_clear(&c->out, &worker_of(c)->chunks);
    for (kd_request2 *q = c->requests; q; q = q->next)
        kd_request2_due(q);
    if (!c->driving)
        kd_connection2_requeue(c);
}

/* Everything is said: the client's last bytes are swallowed for a while. */
static void linger(kd_connection2 *c)
{
    kd_connection2_lose(c);
    kd_stream_finish(&c->stream);
    c->lingering = true;
    c->linger_until = worker_of(c)->loop.now + LINGER_TIME;
}

void kd_connection2_say_farewell(kd_connection2 *c)
{
    if (c->gone || c->farewell == KD_FAREWELL_SAID)
        return;
    c->farewell = KD_FAREWELL_SAID;
    int32_t last = nghttp2_session_get_last_proc_stream_id(c->session);
    nghttp2_submit_goaway(c->session, NGHTTP2_FLAG_NONE, last, NGHTTP2_NO_ERROR, NULL, 0);
}

/* Tells the client that the end is near. Its answer shows that every request that it sent before has come. */
static void give_notice(kd_connection2 *c)
{
    if (c->gone || c->farewell)
        return;
    c->farewell = KD_FAREWELL_NOTICE;
    c->farewell_at = worker_of(c)->loop.now + FAREWELL_TIME;
    nghttp2_submit_shutdown_notice(c->session);
    nghttp2_submit_ping(c->session, NGHTTP2_FLAG_NONE, NULL);
}

/* ---- sending -------------------------------------------------------------------------------------------------------
 */

/* Requests that wait for the socket can go on. */
static void wake_waiting(kd_connection2 *c)
{
    for (kd_request2 *q = c->requests; q; q = q->next)
        if (q->ended || (q->writable_owed && !q->out.n))
            kd_request2_due(q);
}

static void flush(kd_connection2 *c)
{
    if (!c->out.n || !kd_stream_writable(&c->stream))
        return;
    size_t before = c->out.n;
    kd_sent sent = kd_outq_flush(&c->out, &worker_of(c)->chunks, &c->stream);
    if (c->out.n < before)
        c->moved = worker_of(c)->loop.now;
    count_kernel(c, kd_stream_kernel_memory(&c->stream));
    if (sent == KD_SENT_FAILED)
        kd_connection2_lose(c);
    else if (sent == KD_SENT_ALL)
        wake_waiting(c);
}

static void send_bytes(kd_connection2 *c, const char *p, size_t n)
{
    kd_sent sent = kd_outq_send(&c->out, &worker_of(c)->chunks, &c->stream, &(struct iovec){(char *)p, n}, 1);
    if (sent == KD_SENT_FAILED) {
        kd_connection2_lose(c);
        return;
    }
    if (sent == KD_SENT_SOME)
        c->moved = worker_of(c)->loop.now;
    if (sent == KD_SENT_SOME || n >= COUNTED_SEND)
        count_kernel(c, kd_stream_kernel_memory(&c->stream));
}

/* Lays frames into the worker's batch. False: the session has failed. */
static bool fill_batch(kd_connection2 *c, kd_buf *batch)
{
    kd_buf_reset(batch, 2 * KD_H2_BATCH);
    while (batch->n < KD_H2_BATCH) {
        const uint8_t *p;
        ssize_t n = nghttp2_session_mem_send(c->session, &p);
        if (n <= 0)
            return n == 0;
        kd_buf_add(batch, (kd_str){(const char *)p, (size_t)n});
        if (batch->failed)
            return false;
    }
    return true;
}

void kd_connection2_pump(kd_connection2 *c)
{
    kd_buf *batch = &c->server->frames;
    for (size_t sent = 0; !c->gone && !c->out.n;) {
        if (sent >= KD_TURN_BYTES) {
            kd_connection2_requeue(c);
            return;
        }
        if (!fill_batch(c, batch)) {
            kd_connection2_lose(c);
            return;
        }
        if (!batch->n)
            return;
        sent += batch->n;
        send_bytes(c, batch->p, batch->n);
    }
}

/* Calls the owners of what is due, and sends what they answer, until nothing is left to do. */
static void settle(kd_connection2 *c)
{
    for (unsigned rounds = 0;; rounds++) {
        if (rounds == ROUNDS_MAX) {
            kd_connection2_requeue(c);
            return;
        }
        while (c->due) {
            kd_request2 *q = c->due;
            not_due(q);
            kd_request2_look(q);
        }
        kd_connection2_pump(c);
        if (!c->due)
            return;
    }
}

/* ---- reading -------------------------------------------------------------------------------------------------------
 */

static void fail_session(kd_connection2 *c, uint32_t code)
{
    c->deaf = true;
    c->server->floods += code == NGHTTP2_ENHANCE_YOUR_CALM;
    c->farewell_at = worker_of(c)->loop.now + FAREWELL_TIME;
    nghttp2_session_terminate_session(c->session, code);
}

static void feed(kd_connection2 *c, const char *p, size_t n)
{
    ssize_t used = nghttp2_session_mem_recv(c->session, (const uint8_t *)p, n);
    if (used >= 0)
        return;
    uint32_t code = c->broken                     ? c->broken
                    : used == NGHTTP2_ERR_FLOODED ? NGHTTP2_ENHANCE_YOUR_CALM
                                                  : NGHTTP2_PROTOCOL_ERROR;
    if (used == NGHTTP2_ERR_NOMEM)
        kd_connection2_lose(c);
    else
        fail_session(c, code);
}

/* Does the client leave what it has asked for in its socket, and ask on? */
static bool must_wait(const kd_connection2 *c)
{
    return c->out.n && nghttp2_session_get_outbound_queue_size(c->session) > WAITING_FRAMES_MAX;
}

static void swallow(kd_connection2 *c)
{
    size_t budget = LINGER_LIMIT;
    for (;;) {
        ssize_t n = kd_stream_read(&c->stream, worker_of(c)->scratch, KD_READ_SIZE);
        if (n == KD_STREAM_AGAIN)
            return;
        if (n <= 0 || (size_t)n > budget) {
            c->lingering = false;
            return;
        }
        budget -= (size_t)n;
    }
}

static void read_frames(kd_connection2 *c)
{
    kd_worker *w = worker_of(c);
    for (size_t got = 0; !c->gone && !c->deaf && !must_wait(c);) {
        if (got >= KD_TURN_BYTES) {
            kd_connection2_requeue(c);
            return;
        }
        ssize_t n = kd_stream_read(&c->stream, w->scratch, KD_READ_SIZE);
        if (n == KD_STREAM_AGAIN)
            return;
        if (n <= 0) {
            kd_connection2_lose(c);
            return;
        }
        got += (size_t)n;
        feed(c, w->scratch, (size_t)n);
        settle(c);
        if (c->broken && !c->deaf && !c->gone)
            fail_session(c, c->broken);
    }
}

/* ---- a connection as a whole ---------------------------------------------------------------------------------------
 */

/* When something has to happen although nothing comes; 0: never. */
static kd_ns deadline(const kd_connection2 *c)
{
    const kd_server_settings *settings = c->server->settings;
    if (c->lingering)
        return c->linger_until;
    if (c->gone)
        return 0;
    kd_ns at = 0;
    kd_ns points[] = {
        c->preface ? 0 : c->began + PREFACE_TIME,
        c->farewell == KD_FAREWELL_NOTICE ? c->farewell_at : 0,
        c->in_block && settings->read_head_timeout > 0 ? c->block_began + settings->read_head_timeout : 0,
        !c->n_requests && settings->idle_timeout > 0 ? c->idle_since + settings->idle_timeout : 0,
        c->deaf ? c->farewell_at : 0,
    };
    for (size_t i = 0; i < KD_COUNT(points); i++)
        if (points[i] && (!at || points[i] < at))
            at = points[i];
    return at;
}

static void watch_time(kd_connection2 *c)
{
    kd_timers *timers = &worker_of(c)->loop.timers;
    kd_ns at = deadline(c);
    if (at == c->armed_for && (at == 0) == !kd_timer_armed(&c->timer))
        return;
    c->armed_for = at;
    if (at)
        kd_timer_arm(timers, &c->timer, at);
    else
        kd_timer_disarm(timers, &c->timer);
}

static void on_timer(kd_timer *timer)
{
    kd_connection2 *c = KD_CONTAINER(timer, kd_connection2, timer);
    const kd_server_settings *settings = c->server->settings;
    kd_ns now = worker_of(c)->loop.now;
    bool slow_head =
        c->in_block && settings->read_head_timeout > 0 && now >= c->block_began + settings->read_head_timeout;
    bool slow_begin = !c->preface && now >= c->began + PREFACE_TIME;
    bool idle = !c->n_requests && settings->idle_timeout > 0 && now >= c->idle_since + settings->idle_timeout;
    if (c->lingering)
        c->lingering = false;
    else if (slow_begin || slow_head || (c->deaf && now >= c->farewell_at) || (idle && c->farewell == KD_FAREWELL_SAID))
        kd_connection2_lose(c); /* it does not even take the reason */
    else if (idle || (c->farewell == KD_FAREWELL_NOTICE && now >= c->farewell_at))
        kd_connection2_say_farewell(c);
    c->idle_since = idle ? now : c->idle_since; /* so long again for taking the farewell */
    drive(c);
}

/* Has everything been said? */
static void check_end(kd_connection2 *c)
{
    if (c->gone || c->out.n || c->due)
        return;
    if (!nghttp2_session_want_read(c->session) && !nghttp2_session_want_write(c->session) &&
        (c->deaf || !c->n_requests))
        linger(c);
}

static void drive(kd_connection2 *c)
{
    if (c->driving)
        return;
    c->driving = true;
    if (!c->gone)
        flush(c);
    if (!c->gone)
        read_frames(c);
    settle(c);
    check_end(c);
    if (c->gone)
        settle(c);
    if (c->lingering)
        swallow(c);
    c->driving = false;
    if (c->gone && !c->lingering && !c->n_requests)
        destroy(c);
    else
        watch_time(c);
}

static void on_ready(kd_io *io)
{
    drive(KD_CONTAINER(io, kd_connection2, stream.io));
}

/* A connection on that stream, with its session; NULL, and the stream closed, without memory. */
static kd_connection2 *take_over(kd_server2 *server, kd_stream *stream, const kd_address *peer, bool tls)
{
    bool room = kd_ledger_reserve(KD_ACCOUNT_CONNECTIONS, sizeof(kd_connection2));
    kd_connection2 *c = room ? calloc(1, sizeof *c) : NULL;
    if (!c || !kd_stream_move(&c->stream, stream, on_ready)) {
        if (room)
            kd_ledger_release(KD_ACCOUNT_CONNECTIONS, sizeof *c);
        free(c);
        kd_stream_close(stream);
        return NULL;
    }
    c->server = server;
    c->peer = *peer;
    c->tls = tls;
    c->due_tail = &c->due;
    c->began = c->idle_since = c->moved = server->worker->loop.now;
    kd_timer_init(&c->timer, on_timer);
    kd_h2_guard_init(&c->guard, c->began);
    c->next = server->connections;
    if (c->next)
        c->next->link = &c->next;
    c->link = &server->connections;
    server->connections = c;
    server->n_connections++;
    server->accepted++;
    server->worker->n_connections++;
    if (kd_connection2_open_session(c))
        return c;
    destroy(c);
    return NULL;
}

/* Reads what came with it, and sends our settings. */
static void start(kd_connection2 *c, kd_str begun)
{
    if (c->server->draining)
        give_notice(c);
    if (begun.n) {
        c->driving = true;
        feed(c, begun.p, begun.n);
        c->driving = false;
    }
    drive(c);
}

void kd_server2_take(kd_server2 *server, kd_stream *stream, const kd_address *peer, kd_str begun, bool tls)
{
    kd_connection2 *c = take_over(server, stream, peer, tls);
    if (c)
        start(c, begun);
}

void kd_server2_upgrade(kd_server2 *server, kd_stream *stream, const kd_address *peer, const kd_h2_upgrade *upgrade)
{
    static const char switching[] = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n";
    kd_arena arena = upgrade->arena;
    kd_connection2 *c = take_over(server, stream, peer, false);
    if (!c) {
        kd_arena_reset(&arena);
        return;
    }
    bool head = upgrade->head->method == KD_METHOD_HEAD;
    kd_request2 *q = NULL;
    if (nghttp2_session_upgrade2(c->session, (const uint8_t *)upgrade->settings.p, upgrade->settings.n, head, NULL) ==
        0)
        q = kd_request2_create(c, 1, &arena);
    else
        kd_arena_reset(&arena);
    if (!q || !kd_outq_add(&q->in, &server->worker->chunks, upgrade->body.p, upgrade->body.n)) {
        kd_connection2_lose(c);
        drive(c);
        return;
    }
    q->front.head = upgrade->head;
    q->not_counted = (uint32_t)upgrade->body.n;
    q->in_ended = true;
    kd_request2_begin(q, upgrade->began);
    send_bytes(c, switching, sizeof switching - 1);
    start(c, upgrade->begun);
}

/* ---- the server ----------------------------------------------------------------------------------------------------
 */

bool kd_server2_init(kd_server2 *server, kd_worker *worker, const kd_handler *handler, void *context,
                     const kd_server_settings *settings)
{
    *server = (kd_server2){.worker = worker, .handler = handler, .context = context, .settings = settings};
    kd_h2_memory_init(&server->memory);
    kd_buf_init(&server->frames, 64u * 1024 * 1024);
    if (kd_server2_make_session(server))
        return true;
    kd_server2_fini(server);
    return false;
}

void kd_server2_fini(kd_server2 *server)
{
    while (server->connections) {
        kd_connection2 *c = server->connections;
        kd_connection2_lose(c);
        c->lingering = false;
        if (c->n_requests)
            drive(c);
        if (server->connections != c)
            continue;
        while (c->requests) /* their owners hold on: they are cut off all the same */
            forget(c->requests);
        destroy(c);
    }
    nghttp2_session_callbacks_del(server->callbacks);
    nghttp2_option_del(server->options);
    kd_buf_fini(&server->frames);
    kd_h2_memory_fini(&server->memory);
}

unsigned kd_server2_cut_stalled(kd_server2 *server, kd_ns since)
{
    unsigned n = 0;
    for (kd_connection2 *c = server->connections, *next; c; c = next) {
        next = c->next;
        if ((!c->out.n && !c->queued) || c->gone || c->moved > since || c->driving)
            continue;
        n++;
        struct linger reset = {.l_onoff = 1, .l_linger = 0};
        setsockopt(c->stream.io.fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
        kd_connection2_lose(c);
        drive(c);
    }
    return n;
}

void kd_server2_drain(kd_server2 *server)
{
    server->draining = true;
    for (kd_connection2 *c = server->connections, *next; c; c = next) {
        next = c->next;
        if (c->gone || c->farewell)
            continue;
        give_notice(c);
        drive(c);
    }
}
