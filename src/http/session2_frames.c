/* The client's side of nghttp2: a request becomes a field list (RFC 9113 section 8.3.1), what comes back is noted. */
#include "http/reply.h"
#include "http/scan_field.h"
#include "http/session2.h"

#include <stdlib.h>

/* ---- the request ------------------------------------------------------------------------------------------------- */

/* Fields that belong to a connection of HTTP/1 (RFC 9113 section 8.2.2), and Host, which becomes :authority. */
static bool stays_behind(kd_str name, kd_str value)
{
    static const kd_str names[] = {KD_STR_INIT("host"),       KD_STR_INIT("connection"),
                                   KD_STR_INIT("keep-alive"), KD_STR_INIT("proxy-connection"),
                                   KD_STR_INIT("upgrade"),    KD_STR_INIT("transfer-encoding")};
    for (size_t i = 0; i < KD_COUNT(names); i++)
        if (kd_str_eq(name, names[i]))
            return true;
    return kd_str_eq(name, KD_STR("te")) && !kd_str_eq_ci(value, KD_STR("trailers"));
}

static nghttp2_nv pair(kd_str name, kd_str value)
{
    bool secret = kd_str_eq(name, KD_STR("authorization")) || kd_str_eq(name, KD_STR("cookie"));
    return (nghttp2_nv){(uint8_t *)name.p, (uint8_t *)value.p, name.n, value.n,
                        secret ? NGHTTP2_NV_FLAG_NO_INDEX : NGHTTP2_NV_FLAG_NONE};
}

/* The fields of call->request_head, which send_head.c has laid out line by line. */
static nghttp2_nv *make_fields(const kd_call *call, size_t *n)
{
    size_t lines = 4;
    for (size_t i = 0; i < call->request_head.n; i++)
        lines += call->request_head.p[i] == '\n';
    nghttp2_nv *v = kd_arena_alloc(call->arena, lines * sizeof *v);
    kd_str rest = kd_arena_copy(call->arena, call->request_head), line, method, target;
    if (!v || !rest.p || !kd_str_split(&rest, '\n', &line))
        return NULL;
    kd_str_split(&line, ' ', &method);
    kd_str_split(&line, ' ', &target);
    *n = 0;
    v[(*n)++] = pair(KD_STR(":method"), method);
    v[(*n)++] = pair(KD_STR(":scheme"), call->target->tls ? KD_STR("https") : KD_STR("http"));
    v[(*n)++] = pair(KD_STR(":authority"), call->target->host);
    v[(*n)++] = pair(KD_STR(":path"), target);
    while (kd_str_split(&rest, '\n', &line)) {
        ptrdiff_t colon = kd_str_find(line, ':');
        if (colon <= 0)
            continue;
        kd_str name = kd_str_head(line, (size_t)colon), value = kd_str_trim(kd_str_from(line, (size_t)colon + 1));
        if (value.n && value.p[value.n - 1] == '\r')
            value = kd_str_trim(kd_str_head(value, value.n - 1));
        for (size_t i = 0; i < name.n; i++)
            ((char *)name.p)[i] = (char)kd_lower((uint8_t)name.p[i]);
        if (kd_str_eq(name, KD_STR("host")))
            v[2] = pair(KD_STR(":authority"), value);
        if (!stays_behind(name, value))
            v[(*n)++] = pair(name, value);
    }
    return v;
}

static ssize_t read_bytes(kd_stream2 *st, uint8_t *to, size_t room, uint32_t *flags)
{
    kd_str rest = kd_str_from(st->call->bytes, st->sent);
    size_t n = rest.n < room ? rest.n : room;
    if (n)
        memcpy(to, rest.p, n);
    st->sent += n;
    if (n == rest.n)
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    return (ssize_t)n;
}

static ssize_t read_body(nghttp2_session *session, int32_t id, uint8_t *to, size_t room, uint32_t *flags,
                         nghttp2_data_source *source, void *user)
{
    kd_session2 *s = user;
    /* The call may have ended while its frames waited. */
    kd_stream2 *st = nghttp2_session_get_stream_user_data(session, id);
    (void)source;
    if (!st)
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    if (st->call->body == KD_CALL_BYTES)
        return read_bytes(st, to, room, flags);
    size_t n = 0;
    while (n < room && st->body.n) {
        kd_str first = kd_outq_first(&st->body);
        size_t part = first.n < room - n ? first.n : room - n;
        memcpy(to + n, first.p, part);
        kd_outq_drop(&st->body, &s->client->worker->chunks, part);
        n += part;
    }
    if (st->writable_owed && !st->body.n)
        kd_stream2_due(st);
    if (!st->body.n && st->body_end)
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    else if (n == 0) {
        st->deferred = true;
        return NGHTTP2_ERR_DEFERRED;
    }
    return (ssize_t)n;
}

bool kd_stream2_submit(kd_stream2 *st)
{
    size_t n;
    nghttp2_nv *v = make_fields(st->call, &n);
    nghttp2_data_provider provider = {.read_callback = read_body};
    bool has_body = st->call->body != KD_CALL_NO_BODY && !(st->call->body == KD_CALL_BYTES && !st->call->bytes.n);
    st->id = v ? nghttp2_submit_request(st->session->session, NULL, v, n, has_body ? &provider : NULL, st) : -1;
    return st->id > 0;
}

/* ---- what comes back --------------------------------------------------------------------------------------------- */

static kd_str text_of(nghttp2_rcbuf *buffer)
{
    nghttp2_vec v = nghttp2_rcbuf_get_buf(buffer);
    return (kd_str){(const char *)v.base, v.len};
}

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
    (void)user;
    kd_stream2 *st = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
    if (!st || st->head_done)
        return 0;
    kd_response_head *head = &st->call->head;
    *head = (kd_response_head){.minor = 1, .keep_alive = true, .framing = KD_FRAMING_CHUNKED};
    kd_headers_init(&head->headers, st->call->arena);
    return 0;
}

static bool add_field(kd_stream2 *st, kd_str name, kd_str value)
{
    kd_response_head *head = &st->call->head;
    uint64_t number;
    if (name.n && name.p[0] == ':') {
        if (kd_str_eq(name, KD_STR(":status")) && kd_str_to_u64(value, 999, &number))
            head->status = (uint16_t)number;
        return true;
    }
    if (stays_behind(name, value) || name.n > UINT16_MAX)
        return true;
    kd_str key = kd_arena_copy(st->call->arena, name), text = kd_arena_copy(st->call->arena, value);
    if (!key.p || !text.p)
        return false;
    kd_scan_canonical((char *)key.p, key.p + key.n);
    if (kd_token_of(key) == KD_HEADER_CONTENT_LENGTH && kd_scan_length(text, &number)) {
        head->framing = KD_FRAMING_LENGTH;
        head->length = number;
    }
    return kd_headers_add(&head->headers, key, text);
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, nghttp2_rcbuf *name, nghttp2_rcbuf *value,
                     uint8_t flags, void *user)
{
    (void)flags, (void)user;
    kd_stream2 *st = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
    if (st && !st->head_done && !add_field(st, text_of(name), text_of(value))) {
        st->no_memory = true;
        kd_stream2_due(st);
    }
    return 0;
}

static void end_head(kd_stream2 *st, bool ends)
{
    kd_response_head *head = &st->call->head;
    if (st->head_done || (head->status >= 100 && head->status < 200))
        return; /* trailers say nothing to anybody here, interim answers neither */
    bool no_body = ends || st->call->method == KD_METHOD_HEAD || head->status == 204 || head->status == 304;
    if (no_body && head->framing != KD_FRAMING_LENGTH)
        head->framing = KD_FRAMING_NONE;
    head->reason = kd_status_text(head->status);
    st->head_done = true;
    kd_stream2_due(st);
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
    kd_session2 *s = user;
    if (frame->hd.type == NGHTTP2_SETTINGS)
        s->settings = true;
    if (frame->hd.type == NGHTTP2_GOAWAY)
        s->going = true;
    kd_stream2 *st = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
    if (!st || (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA))
        return 0;
    bool ends = frame->hd.flags & NGHTTP2_FLAG_END_STREAM;
    if (frame->hd.type == NGHTTP2_HEADERS)
        end_head(st, ends);
    if (ends) {
        st->in_end = true;
        kd_stream2_due(st);
    }
    return 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *data, size_t n, void *user)
{
    (void)flags;
    kd_session2 *s = user;
    kd_stream2 *st = nghttp2_session_get_stream_user_data(session, id);
    if (!st || st->call->method == KD_METHOD_HEAD) {
        nghttp2_session_consume(session, id, n);
        return 0;
    }
    if (!kd_outq_add(&st->in, &s->client->worker->chunks, (const char *)data, n))
        st->no_memory = true;
    kd_stream2_due(st);
    return 0;
}

static int on_close(nghttp2_session *session, int32_t id, uint32_t error, void *user)
{
    (void)user;
    kd_stream2 *st = nghttp2_session_get_stream_user_data(session, id);
    if (!st)
        return 0;
    st->closed = true;
    st->error = error;
    kd_stream2_due(st);
    return 0;
}

/* nghttp2 refused a frame of the server. */
static int on_invalid(nghttp2_session *session, const nghttp2_frame *frame, int error, void *user)
{
    (void)error, (void)user;
    kd_stream2 *st = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
    if (st)
        st->bad = true;
    return 0;
}

kd_sessions2 *kd_sessions2_create(void)
{
    kd_sessions2 *all = calloc(1, sizeof *all);
    if (!all || nghttp2_session_callbacks_new(&all->callbacks) != 0 || nghttp2_option_new(&all->options) != 0) {
        if (all && all->callbacks)
            nghttp2_session_callbacks_del(all->callbacks);
        free(all);
        return NULL;
    }
    kd_h2_memory_init(&all->memory);
    nghttp2_session_callbacks_set_on_begin_headers_callback(all->callbacks, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback2(all->callbacks, on_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(all->callbacks, on_frame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(all->callbacks, on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(all->callbacks, on_close);
    nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(all->callbacks, on_invalid);
    nghttp2_option_set_no_auto_window_update(all->options, 1);
    nghttp2_option_set_no_closed_streams(all->options, 1);
    nghttp2_option_set_peer_max_concurrent_streams(all->options, KD_SESSION2_STREAMS);
    return all;
}

bool kd_session2_open(kd_session2 *s)
{
    kd_sessions2 *all = s->client->sessions2;
    nghttp2_settings_entry entries[] = {{NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
                                        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, KD_SESSION2_WINDOW}};
    return nghttp2_session_client_new3(&s->session, all->callbacks, s, all->options, &all->memory.mem) == 0 &&
           nghttp2_submit_settings(s->session, NGHTTP2_FLAG_NONE, entries, KD_COUNT(entries)) == 0 &&
           nghttp2_session_set_local_window_size(s->session, NGHTTP2_FLAG_NONE, 0, KD_SESSION2_CONNECTION) == 0;
}
