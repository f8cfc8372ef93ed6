/* Clients of HTTP/2 for the server of test_server1.h: nghttp2's client side on the far end of a connection. */
#ifndef KD_HTTP_TEST_SERVER2_H
#define KD_HTTP_TEST_SERVER2_H

#include "http/test_server1.h"

#include <nghttp2/nghttp2.h>

#define MAX_ASKED 600

/* What became of one request. */
typedef struct asked {
    int32_t id;
    unsigned status, interim;
    kd_buf body;
    bool ended, closed;
    uint32_t code; /* of its end */
    const char *send;
    size_t send_n, sent;
    bool hold; /* the body does not end by itself */
} asked;

typedef struct client {
    far *f;
    nghttp2_session *session;
    asked v[MAX_ASKED];
    unsigned n;
    size_t fed;
    uint32_t goaway, goaway_code;
    bool goaway_came, failed;
    size_t step;    /* bytes that are written at a time; 0: all */
    bool no_window; /* windows are not opened again */
} client;

static asked *asked_of(client *c, int32_t id)
{
    for (unsigned i = 0; i < c->n; i++)
        if (c->v[i].id == id)
            return &c->v[i];
    return NULL;
}

static int client_header(nghttp2_session *s, const nghttp2_frame *frame, const uint8_t *name, size_t n,
                         const uint8_t *value, size_t value_n, uint8_t flags, void *user)
{
    asked *a = asked_of(user, frame->hd.stream_id);
    if (n == 7 && memcmp(name, ":status", 7) == 0) {
        uint64_t status = 0;
        assert_true(kd_str_to_u64(kd_str_of((const char *)value, value_n), 999, &status));
        if (status < 200)
            a->interim = (unsigned)status;
        else
            a->status = (unsigned)status;
    }
    return 0;
}

static int client_data(nghttp2_session *s, uint8_t flags, int32_t id, const uint8_t *data, size_t n, void *user)
{
    client *c = user;
    kd_buf_add(&asked_of(c, id)->body, kd_str_of((const char *)data, n));
    if (!c->no_window)
        nghttp2_session_consume(s, id, n);
    return 0;
}

static int client_frame(nghttp2_session *s, const nghttp2_frame *frame, void *user)
{
    client *c = user;
    if (frame->hd.type == NGHTTP2_GOAWAY) {
        c->goaway_came = true;
        c->goaway = (uint32_t)frame->goaway.last_stream_id;
        c->goaway_code = frame->goaway.error_code;
    }
    bool head = frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA;
    asked *a = head ? asked_of(c, frame->hd.stream_id) : NULL;
    if (a && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM))
        a->ended = true;
    return 0;
}

static int client_close(nghttp2_session *s, int32_t id, uint32_t code, void *user)
{
    asked *a = asked_of(user, id);
    if (a) {
        a->closed = true;
        a->code = code;
    }
    return 0;
}

static void client_session(client *c, far *f)
{
    nghttp2_session_callbacks *callbacks;
    nghttp2_option *options;
    *c = (client){.f = f};
    assert_int_equal(nghttp2_session_callbacks_new(&callbacks), 0);
    assert_int_equal(nghttp2_option_new(&options), 0);
    nghttp2_option_set_no_auto_window_update(options, 1);
    nghttp2_option_set_peer_max_concurrent_streams(options, MAX_ASKED);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, client_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, client_data);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, client_frame);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, client_close);
    assert_int_equal(nghttp2_session_client_new2(&c->session, callbacks, c, options), 0);
    nghttp2_session_callbacks_del(callbacks);
    nghttp2_option_del(options);
}

static inline void client_open(client *c, uint32_t window)
{
    client_session(c, connect_one(false));
    nghttp2_settings_entry entry = {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, window};
    nghttp2_submit_settings(c->session, NGHTTP2_FLAG_NONE, &entry, window ? 1 : 0);
}

static void client_close_all(client *c)
{
    for (unsigned i = 0; i < c->n; i++)
        kd_buf_fini(&c->v[i].body);
    nghttp2_session_del(c->session);
    c->session = NULL;
}

/* Sends and receives until nothing happens any more. */
static void client_run(client *c)
{
    for (unsigned quiet = 0; quiet < 3;) {
        const uint8_t *p;
        ssize_t n = 0;
        bool any = false;
        while (!c->f->ended && c->f->fd >= 0 && (n = nghttp2_session_mem_send(c->session, &p)) > 0) {
            say(c->f, (const char *)p, (size_t)n, c->step ? c->step : (size_t)n);
            any = true;
        }
        if (n < 0)
            fail_msg("the client: %s", nghttp2_strerror((int)n));
        settle();
        while (c->fed < c->f->in.n) {
            ssize_t used =
                nghttp2_session_mem_recv(c->session, (const uint8_t *)c->f->in.p + c->fed, c->f->in.n - c->fed);
            if (used < 0) {
                c->failed = true;
                c->fed = c->f->in.n;
                break;
            }
            c->fed += (size_t)used;
            any = true;
        }
        quiet = any ? 0 : quiet + 1;
    }
}

static ssize_t client_body(nghttp2_session *s, int32_t id, uint8_t *to, size_t room, uint32_t *flags,
                           nghttp2_data_source *source, void *user)
{
    asked *a = source->ptr;
    size_t n = a->send_n - a->sent < room ? a->send_n - a->sent : room;
    if (n == 0 && a->hold)
        return NGHTTP2_ERR_DEFERRED;
    memcpy(to, a->send + a->sent, n);
    a->sent += n;
    if (a->sent == a->send_n && !a->hold)
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    return (ssize_t)n;
}

#define NV(name, value)                                                                                                \
    {                                                                                                                  \
        (uint8_t *)(uintptr_t)(name), (uint8_t *)(uintptr_t)(value), strlen(name), strlen(value), 0                    \
    }

/* A request; `body` NULL: none. `hold`: its body goes on without end. */
static asked *client_ask_more(client *c, const char *method, const char *path, const char *body, size_t n, bool hold,
                              const char *expect)
{
    nghttp2_nv fields[] = {NV(":method", method), NV(":scheme", "http"), NV(":path", path), NV(":authority", "gateway"),
                           NV("expect", expect ? expect : "")};
    assert_true(c->n < MAX_ASKED);
    asked *a = &c->v[c->n++];
    *a = (asked){.send = body, .send_n = n, .hold = hold};
    kd_buf_init(&a->body, (size_t)1 << 28);
    nghttp2_data_provider provider = {.source.ptr = a, .read_callback = client_body};
    a->id = nghttp2_submit_request(c->session, NULL, fields, expect ? 5 : 4, body ? &provider : NULL, NULL);
    assert_true(a->id > 0);
    return a;
}

static asked *client_ask(client *c, const char *path)
{
    return client_ask_more(c, "GET", path, NULL, 0, false, NULL);
}

static inline void server2_up(void)
{
    server_up();
    server.settings.h2c = true;
}

#endif
