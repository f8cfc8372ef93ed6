/* The HTTP/2 server's side of nghttp2: its options, and the callbacks that note what has come. No owner is called from
 * here: nghttp2 forbids to use it again before it has returned. */
#include "http/server2_own.h"

#include <stdlib.h>

#define UNKNOWN_ITEMS_MAX 1000u               /* acknowledgements that nghttp2 queues for a client that does not read */
#define HEAD_MAX          (16u * 1024 * 1024) /* of an answer, as HTTP/1's */

static kd_connection2 *connection_of(void *user)
{
    return user;
}

static kd_ns now_of(const kd_connection2 *c)
{
    return c->server->worker->loop.now;
}

static kd_str text_of(nghttp2_rcbuf *buffer)
{
    nghttp2_vec v = nghttp2_rcbuf_get_buf(buffer);
    return (kd_str){(const char *)v.base, v.len};
}

/* ---- requests ------------------------------------------------------------------------------------------------------
 */

static void on_read_timer(kd_timer *timer)
{
    kd_request2 *q = KD_CONTAINER(timer, kd_request2, read_timer);
    kd_request2_reset(q, NGHTTP2_CANCEL);
    kd_connection2_requeue(q->c);
}

static void on_write_timer(kd_timer *timer)
{
    kd_request2 *q = KD_CONTAINER(timer, kd_request2, write_timer);
    kd_request2_reset(q, NGHTTP2_INTERNAL_ERROR);
    kd_connection2_requeue(q->c);
}

kd_request2 *kd_request2_create(kd_connection2 *c, int32_t id, kd_arena *given)
{
    kd_arena arena;
    if (given)
        arena = *given;
    else
        kd_arena_init(&arena, &c->server->worker->chunks, 0);
    kd_request2 *q = KD_NEW(&arena, kd_request2);
    if (!q) {
        kd_arena_reset(&arena);
        return NULL;
    }
    q->arena = arena;
    q->c = c;
    q->id = id;
    kd_timer_init(&q->read_timer, on_read_timer);
    kd_timer_init(&q->write_timer, on_write_timer);
    q->front = (kd_front){.ops = &kd_server2_ops,
                          .worker = c->server->worker,
                          .arena = &q->arena,
                          .head = &q->head,
                          .peer = &c->peer,
                          .began = now_of(c),
                          .tls = c->tls,
                          .windowed = true};
    q->next = c->requests;
    if (q->next)
        q->next->link = &q->next;
    q->link = &c->requests;
    c->requests = q;
    c->n_requests++;
    nghttp2_session_set_stream_user_data(c->session, id, q);
    return q;
}

void kd_request2_begin(kd_request2 *q, kd_ns began)
{
    kd_connection2 *c = q->c;
    const kd_server_settings *settings = c->server->settings;
    kd_timers *timers = &c->server->worker->loop.timers;
    const kd_request_head *head = q->front.head;
    bool no_body = head->framing == KD_FRAMING_NONE || (head->framing == KD_FRAMING_LENGTH && !head->length);
    q->told_length = head->framing == KD_FRAMING_LENGTH;
    q->body_left = q->told_length ? head->length : 0;
    q->continue_owed = head->expect_continue;
    q->front.body_ended = no_body;
    q->front.began = began;
    q->fresh = true;
    if (settings->write_timeout > 0)
        kd_timer_arm(timers, &q->write_timer, now_of(c) + settings->write_timeout);
    if (settings->read_timeout > 0 && !no_body)
        kd_timer_arm(timers, &q->read_timer, began + settings->read_timeout);
    kd_request2_due(q);
}

void kd_request2_consume(kd_request2 *q, size_t n)
{
    size_t free_of_charge = n < q->not_counted ? n : q->not_counted;
    q->not_counted -= (uint32_t)free_of_charge;
    n -= free_of_charge;
    if (!n || q->c->gone)
        return;
    nghttp2_session_consume_connection(q->c->session, n);
    if (!q->closed)
        nghttp2_session_consume_stream(q->c->session, q->id, n);
}

/* Answers without an owner (golang.org/x/net/http2 has the same words). */
static void refuse(kd_request2 *q, uint16_t status, kd_str text)
{
    q->refused = status;
    q->refusal = text;
    q->dropped = true;
    q->fresh = true;
    kd_request2_due(q);
}

static void drop(kd_request2 *q, uint32_t code)
{
    q->dropped = true;
    kd_request2_reset(q, code);
}

static void end_body(kd_request2 *q)
{
    kd_timer_disarm(&q->c->server->worker->loop.timers, &q->read_timer);
    if (q->dropped || q->in_ended)
        return;
    if (q->told_length && q->body_left) {
        drop(q, NGHTTP2_PROTOCOL_ERROR);
        return;
    }
    q->in_ended = true;
    kd_request2_due(q);
}

/* A few bytes can refer to large fields in the table: what all heads of a connection take has a bound (RFC 7541 section
 * 7.3 speaks of the table only). */
static bool hold_fields(kd_request2 *q)
{
    kd_connection2 *c = q->c;
    if (c->fields_held && c->fields_held + q->head.size > KD_H2_FIELDS_HELD)
        return false;
    q->fields_held = q->head.size;
    c->fields_held += q->fields_held;
    return true;
}

static void end_head(kd_connection2 *c, kd_request2 *q, bool body_follows)
{
    kd_str text;
    switch (kd_head2_finish(&q->fields, body_follows, &text)) {
    case KD_HEAD2_GOOD:
        if (!hold_fields(q)) {
            drop(q, NGHTTP2_REFUSED_STREAM);
            break;
        }
        q->in_ended = !body_follows;
        kd_request2_begin(q, now_of(c));
        kd_h2_guard_earn(&c->guard, 16);
        break;
    case KD_HEAD2_MALFORMED:
        c->server->malformed++;
        drop(q, NGHTTP2_PROTOCOL_ERROR);
        break;
    case KD_HEAD2_REFUSED:
        c->server->malformed++;
        refuse(q, 400, text);
        break;
    case KD_HEAD2_TOO_LARGE:
        refuse(q, 431, KD_STR("<h1>HTTP Error 431</h1><p>Request Header Field(s) Too Large</p>"));
        break;
    case KD_HEAD2_NO_MEMORY:
        drop(q, NGHTTP2_REFUSED_STREAM);
        break;
    }
}

/* ---- what comes ----------------------------------------------------------------------------------------------------
 */

/* The session is over; nghttp2 returns with an error. */
static int give_up(kd_connection2 *c, uint32_t code)
{
    c->broken = code;
    return NGHTTP2_ERR_CALLBACK_FAILURE;
}

/* Did the client send this although it had ended the stream itself? What was on its way when we ended it is read over
 * (RFC 9113 section 5.1). */
static bool is_too_late(const kd_connection2 *c, int32_t id)
{
    if (id % 2 == 0 || id > c->last_id || nghttp2_session_find_stream(c->session, id))
        return false;
    for (unsigned i = 0; i < KD_H2_CUT_SHORT; i++)
        if (c->cut_short[i] == id)
            return false;
    return true;
}

/* Not called for what nghttp2 reads over, such as frames of unknown types: these cost no more than their bytes. */
static int on_begin_frame(nghttp2_session *session, const nghttp2_frame_hd *frame, void *user)
{
    (void)session;
    kd_connection2 *c = connection_of(user);
    bool ok = true;
    switch (frame->type) {
    case NGHTTP2_HEADERS:
    case NGHTTP2_CONTINUATION:
        ok = kd_h2_guard_block(&c->guard, frame->type == NGHTTP2_HEADERS, frame->length, c->max_fields);
        if (frame->type == NGHTTP2_HEADERS) {
            if (is_too_late(c, frame->stream_id))
                return give_up(c, NGHTTP2_PROTOCOL_ERROR);
            if (frame->stream_id > c->last_id)
                c->last_id = frame->stream_id;
            c->block_began = now_of(c);
        }
        c->in_block = !(frame->flags & NGHTTP2_FLAG_END_HEADERS);
        break;
    case NGHTTP2_DATA:
        if (!frame->length && !(frame->flags & NGHTTP2_FLAG_END_STREAM))
            ok = kd_h2_guard_frame(&c->guard, now_of(c));
        break;
    case NGHTTP2_PRIORITY:
        if (!frame->stream_id)
            return give_up(c, NGHTTP2_PROTOCOL_ERROR);
        /* fall through */
    default:
        ok = kd_h2_guard_frame(&c->guard, now_of(c));
        break;
    }
    return ok ? 0 : give_up(c, NGHTTP2_ENHANCE_YOUR_CALM);
}

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
    kd_connection2 *c = connection_of(user);
    c->head = c->trailers = NULL;
    if (frame->headers.cat != NGHTTP2_HCAT_REQUEST) {
        c->trailers = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
        c->trailer_bad = false;
        c->trailer_left = c->max_fields;
        return 0;
    }
    kd_request2 *q = kd_request2_create(c, frame->hd.stream_id, NULL);
    if (!q) /* nghttp2 resets the stream, and reads the fields all the same */
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    nghttp2_extpri turn = {.urgency = NGHTTP2_EXTPRI_DEFAULT_URGENCY, .inc = 1}; /* everyone in turn */
    nghttp2_session_change_extpri_stream_priority(session, q->id, &turn, 1);
    kd_head2_init(&q->fields, &q->head, &q->arena, c->max_fields);
    c->head = q;
    return 0;
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, nghttp2_rcbuf *name, nghttp2_rcbuf *value,
                     uint8_t flags, void *user)
{
    (void)session, (void)frame, (void)flags;
    kd_connection2 *c = connection_of(user);
    kd_str n = text_of(name), v = text_of(value);
    if (c->head) {
        kd_head2_field(&c->head->fields, n, v);
    } else if (c->trailers) {
        c->trailer_bad |= n.n + v.n > c->trailer_left || !kd_head2_trailer_good(n, v);
        c->trailer_left -= c->trailer_bad ? 0 : n.n + v.n;
    }
    return 0;
}

static void on_headers(kd_connection2 *c, bool end)
{
    kd_request2 *q = c->head ? c->head : c->trailers;
    bool is_head = c->head != NULL;
    c->head = c->trailers = NULL;
    if (!q || q->closed)
        return;
    if (is_head)
        end_head(c, q, !end);
    else if (!end || c->trailer_bad)
        drop(q, NGHTTP2_PROTOCOL_ERROR);
    else
        end_body(q);
}

static int on_frame_recv(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
    kd_connection2 *c = connection_of(user);
    kd_request2 *q;
    bool end = frame->hd.flags & NGHTTP2_FLAG_END_STREAM;
    switch (frame->hd.type) {
    case NGHTTP2_HEADERS:
        on_headers(c, end);
        break;
    case NGHTTP2_DATA:
        q = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
        if (end && q)
            end_body(q);
        if (frame->hd.length > frame->data.padlen)
            kd_h2_guard_earn(&c->guard, 1);
        else if (!end && frame->hd.length && !kd_h2_guard_frame(&c->guard, now_of(c)))
            return give_up(c, NGHTTP2_ENHANCE_YOUR_CALM); /* all padding: it brings nothing either */
        break;
    case NGHTTP2_RST_STREAM:
        q = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
        if (q && !q->ended && !kd_h2_guard_reset(&c->guard, now_of(c)))
            return give_up(c, NGHTTP2_ENHANCE_YOUR_CALM);
        break;
    case NGHTTP2_SETTINGS:
        c->preface |= !(frame->hd.flags & NGHTTP2_FLAG_ACK);
        break;
    case NGHTTP2_PING:
        if ((frame->hd.flags & NGHTTP2_FLAG_ACK) && c->farewell == KD_FAREWELL_NOTICE)
            kd_connection2_say_farewell(c);
        break;
    default:
        break;
    }
    return 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *data, size_t n, void *user)
{
    (void)flags;
    kd_connection2 *c = connection_of(user);
    kd_request2 *q = nghttp2_session_get_stream_user_data(session, id);
    if (!q || q->dropped || q->released || q->closed) {
        nghttp2_session_consume(session, id, n);
        return 0;
    }
    bool too_long = q->told_length && n > q->body_left;
    if (too_long || !kd_outq_add(&q->in, &c->server->worker->chunks, (const char *)data, n)) {
        nghttp2_session_consume(session, id, n);
        drop(q, too_long ? NGHTTP2_PROTOCOL_ERROR : NGHTTP2_INTERNAL_ERROR);
        return 0;
    }
    if (q->told_length)
        q->body_left -= n;
    kd_request2_due(q);
    return 0;
}

static int on_stream_close(nghttp2_session *session, int32_t id, uint32_t code, void *user)
{
    (void)code, (void)user;
    kd_request2 *q = nghttp2_session_get_stream_user_data(session, id);
    if (q) {
        q->closed = true;
        kd_request2_due(q);
    }
    return 0;
}

/* ---- what leaves ---------------------------------------------------------------------------------------------------
 */

static int on_frame_send(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
    kd_connection2 *c = connection_of(user);
    bool stream = frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA;
    if (stream && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM)) {
        kd_request2 *q = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
        if (q) {
            q->ended = true;
            kd_request2_due(q);
        }
    } else if (frame->hd.type == NGHTTP2_RST_STREAM) {
        uint32_t code = frame->rst_stream.error_code;
        bool provoked = code != NGHTTP2_NO_ERROR && code != NGHTTP2_INTERNAL_ERROR && code != NGHTTP2_CANCEL;
        if (provoked && !kd_h2_guard_reset(&c->guard, now_of(c)))
            c->broken = NGHTTP2_ENHANCE_YOUR_CALM;
    }
    return 0;
}

ssize_t kd_request2_read(nghttp2_session *session, int32_t id, uint8_t *to, size_t room, uint32_t *flags,
                         nghttp2_data_source *source, void *user)
{
    (void)session, (void)id, (void)to, (void)user;
    kd_request2 *q = source->ptr;
    size_t n = q->out.n + q->now.n;
    if (n == 0 && !q->answered)
        return NGHTTP2_ERR_DEFERRED;
    *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
    if (n <= room && q->answered)
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    return (ssize_t)(n < room ? n : room);
}

/* Moves n bytes of the answer into the batch. */
static void move_body(kd_request2 *q, char *to, size_t n)
{
    kd_connection2 *c = q->c;
    while (n && q->out.n) {
        kd_str piece = kd_str_head(kd_outq_first(&q->out), n);
        memcpy(to, piece.p, piece.n);
        kd_outq_drop(&q->out, &c->server->worker->chunks, piece.n);
        c->queued -= piece.n;
        to += piece.n;
        n -= piece.n;
    }
    if (n) {
        memcpy(to, q->now.p, n);
        q->now = kd_str_from(q->now, n);
    }
}

static int send_data(nghttp2_session *session, nghttp2_frame *frame, const uint8_t *head, size_t n,
                     nghttp2_data_source *source, void *user)
{
    (void)session;
    kd_connection2 *c = connection_of(user);
    kd_request2 *q = source->ptr;
    kd_buf *out = &c->server->frames;
    if (out->n && out->n + 9 + n > KD_H2_BATCH)
        return NGHTTP2_ERR_WOULDBLOCK; /* in the next batch */
    char *to = kd_buf_room(out, 9 + n);
    if (!to)
        return NGHTTP2_ERR_CALLBACK_FAILURE;
    memcpy(to, head, 9);
    move_body(q, to + 9, n);
    out->n += 9 + n;
    c->moved = now_of(c);
    kd_h2_guard_earn(&c->guard, 4);
    if (q->writable_owed && !q->out.n)
        kd_request2_due(q);
    (void)frame;
    return 0;
}

/* ---- sessions ------------------------------------------------------------------------------------------------------
 */

static bool make_callbacks(kd_server2 *server)
{
    nghttp2_session_callbacks *callbacks;
    if (nghttp2_session_callbacks_new(&callbacks) != 0)
        return false;
    nghttp2_session_callbacks_set_on_begin_frame_callback(callbacks, on_begin_frame);
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback2(callbacks, on_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame_recv);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
    nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_frame_send);
    nghttp2_session_callbacks_set_send_data_callback(callbacks, send_data);
    server->callbacks = callbacks;
    return true;
}

bool kd_server2_make_session(kd_server2 *server)
{
    nghttp2_option *options;
    if (!make_callbacks(server) || nghttp2_option_new(&options) != 0)
        return false;
    server->options = options;
    nghttp2_option_set_no_auto_window_update(options, 1);
    nghttp2_option_set_no_http_messaging(options, 1); /* server2_head.c judges requests */
    nghttp2_option_set_no_closed_streams(options, 1);
    nghttp2_option_set_max_send_header_block_length(options, HEAD_MAX);
    nghttp2_option_set_max_outbound_ack(options, UNKNOWN_ITEMS_MAX);
    /* These are bounded by server2_guard.c, with the error code that says why. */
    nghttp2_option_set_stream_reset_rate_limit(options, 100 * KD_H2_RESETS, 100 * KD_H2_RESETS_S);
    nghttp2_option_set_max_continuations(options, SIZE_MAX / 2);
    return true;
}

bool kd_connection2_open_session(kd_connection2 *c)
{
    kd_server2 *server = c->server;
    size_t head = server->settings->max_head;
    c->max_fields = (head > KD_HEAD_SLACK ? head - KD_HEAD_SLACK : head) + 10 * 32; /* net/http: ten usual fields */
    if (c->max_fields > INT32_MAX)
        c->max_fields = INT32_MAX;
    nghttp2_settings_entry entries[] = {
        {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, KD_H2_STREAMS_MAX},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, (uint32_t)c->max_fields},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, KD_H2_STREAM_WINDOW},
        {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1},
    };
    return nghttp2_session_server_new3(&c->session, server->callbacks, c, server->options, &server->memory.mem) == 0 &&
           nghttp2_submit_settings(c->session, NGHTTP2_FLAG_NONE, entries, KD_COUNT(entries)) == 0 &&
           nghttp2_session_set_local_window_size(c->session, NGHTTP2_FLAG_NONE, 0, KD_H2_CONNECTION_WINDOW) == 0;
}
