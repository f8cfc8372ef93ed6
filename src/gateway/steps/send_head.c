/* The head of a request to a backend as Go's client writes it (spec/01 section 8.2). Only here and in http/reply.c are
 * heads written; both refuse what could split a message. */
#include "gateway/body.h"
#include "gateway/steps/send.h"
#include "text/base64.h"
#include "text/go/header.h"

/* Methods whose missing body is stated. */
static bool states_no_body(kd_method method)
{
    return method == KD_METHOD_POST || method == KD_METHOD_PUT || method == KD_METHOD_PATCH;
}

bool kd_send_often_bodiless(const kd_send *s)
{
    return s->method == KD_METHOD_GET || s->method == KD_METHOD_HEAD || s->method == KD_METHOD_DELETE ||
           s->method == KD_METHOD_OPTIONS || s->method == KD_METHOD_CONNECT ||
           kd_str_eq(s->method_text, KD_STR("PROPFIND")) || kd_str_eq(s->method_text, KD_STR("SEARCH"));
}

bool kd_send_stated_length(const kd_send *s, uint64_t *length)
{
    const kd_headers *headers = &s->branch->request->headers;
    unsigned n = 0;
    kd_str value = {0};
    for (uint32_t i = 0; i < headers->n; i++)
        if (headers->v[i].token == KD_HEADER_CONTENT_LENGTH)
            value = kd_header_value(&headers->v[i]), n++;
    return n == 1 && kd_str_to_u64(value, INT64_MAX, length);
}

/* What Go knows of a body decides its framing: a kept one has no known length, unless it is kept for redirects. */
static kd_call_body frame_kept(kd_send *s, const kd_body *body)
{
    kd_call *call = s->call;
    if (s->config->body_on_redirect) {
        call->body_length = body->n;
        return body->n ? KD_CALL_STREAM_LENGTH : KD_CALL_NO_BODY;
    }
    if (kd_send_stated_length(s, &call->body_length) && call->body_length)
        return KD_CALL_STREAM_LENGTH;
    return body->n || !kd_send_often_bodiless(s) ? KD_CALL_STREAM_CHUNKED : KD_CALL_NO_BODY;
}

static void decide_body(kd_send *s)
{
    kd_call *call = s->call;
    const kd_body *kept = s->branch->request->body;
    if (s->drop_body)
        call->body = KD_CALL_NO_BODY;
    else if (KD_UNLIKELY(kept))
        call->body = frame_kept(s, kept);
    else if (s->branch->x->front->body_ended && !s->peeked.n)
        call->body = KD_CALL_NO_BODY;
    else if (kd_send_stated_length(s, &call->body_length) && call->body_length)
        call->body = KD_CALL_STREAM_LENGTH;
    else
        call->body = KD_CALL_STREAM_CHUNKED;
    if (!s->redirects)
        s->had_body = call->body != KD_CALL_NO_BODY || kept;
}

typedef struct writer {
    char *p;
    size_t n;
} writer;

static void put(writer *w, kd_str s)
{
    if (s.n)
        memcpy(w->p + w->n, s.p, s.n);
    w->n += s.n;
}

static void put_field(writer *w, kd_str name, kd_str value)
{
    put(w, name);
    put(w, KD_STR(": "));
    put(w, value);
    put(w, KD_STR("\r\n"));
}

static void put_header(writer *w, const kd_header *h)
{
    if (KD_UNLIKELY(!kd_header_is_line(h))) {
        put_field(w, kd_header_name(h), kd_header_value(h));
        return;
    }
    size_t n = h->name_n + 2u + h->value_n;
    char *to = w->p + w->n;
    memcpy(to, h->name, n);
    to[n] = '\r';
    to[n + 1] = '\n';
    w->n += n + 2;
}

static bool describes_body(kd_str name)
{
    return kd_str_eq_ci(name, KD_STR("Content-Language")) || kd_str_eq_ci(name, KD_STR("Content-Location"));
}

static bool is_dropped(const kd_send *s, const kd_header *h)
{
    switch (h->token) {
    case KD_HEADER_HOST:
    case KD_HEADER_USER_AGENT:
    case KD_HEADER_CONTENT_LENGTH:
    case KD_HEADER_TRANSFER_ENCODING:
    case KD_HEADER_TRAILER:
        return true;
    case KD_HEADER_CONTENT_TYPE:
    case KD_HEADER_CONTENT_ENCODING:
        return s->drop_body && s->redirects;
    case KD_HEADER_AUTHORIZATION:
    case KD_HEADER_WWW_AUTHENTICATE:
    case KD_HEADER_COOKIE:
    case KD_HEADER_COOKIE2:
    case KD_HEADER_PROXY_AUTHORIZATION:
    case KD_HEADER_PROXY_AUTHENTICATE:
        return s->drop_sensitive;
    default:
        return s->drop_body && s->redirects && describes_body(kd_header_name(h));
    }
}

static kd_str basic_credentials(kd_arena *arena, kd_str user)
{
    /* Without a password there is an empty one. */
    if (kd_str_find(user, ':') < 0)
        user = kd_arena_printf(arena, "%.*s:", KD_FMT(user));
    char *p = user.p ? kd_arena_alloc(arena, 6 + KD_BASE64_ROOM(user.n)) : NULL;
    if (!p)
        return (kd_str){NULL, 0};
    memcpy(p, "Basic ", 6);
    return (kd_str){p, 6 + kd_base64_write(p + 6, user, KD_BASE64_STANDARD)};
}

static void put_framing(writer *w, const kd_send *s)
{
    char digits[20];
    switch (s->call->body) {
    case KD_CALL_NO_BODY:
        if (states_no_body(s->method))
            put(w, KD_STR("Content-Length: 0\r\n"));
        break;
    case KD_CALL_BYTES:
        put_field(w, KD_STR("Content-Length"), (kd_str){digits, kd_u64_write(digits, s->call->bytes.n)});
        break;
    case KD_CALL_STREAM_LENGTH:
        put_field(w, KD_STR("Content-Length"), (kd_str){digits, kd_u64_write(digits, s->call->body_length)});
        break;
    case KD_CALL_STREAM_CHUNKED:
        put(w, KD_STR("Transfer-Encoding: chunked\r\n"));
        break;
    }
}

static void put_agent(writer *w, const kd_headers *headers)
{
    const kd_header *agent = kd_headers_find(headers, KD_HEADER_USER_AGENT);
    if (!agent)
        put_field(w, KD_STR("User-Agent"), KD_STR("Go-http-client/1.1"));
    else if (agent->value_n)
        put_field(w, KD_STR("User-Agent"), kd_header_value(agent));
}

/* The fields by name, each as often as it stands in the list. */
static void put_fields(writer *w, kd_send *s, kd_str credentials)
{
    kd_headers *headers = &s->branch->request->headers;
    const uint8_t *places = kd_headers_order(headers, &s->branch->x->worker->order);
    bool has_authorization = false, has_close = false, has_referer = false;
    for (uint32_t i = 0; i < headers->n; i++) {
        const kd_header *h = &headers->v[places ? places[i] : i];
        if (is_dropped(s, h) || (h->token == KD_HEADER_REFERER && s->referer.n && has_referer))
            continue;
        has_authorization |= h->token == KD_HEADER_AUTHORIZATION;
        has_referer |= h->token == KD_HEADER_REFERER;
        if (h->token == KD_HEADER_CONNECTION && kd_str_eq_ci(kd_header_value(h), KD_STR("close")))
            has_close = true; /* only the answer's own says that the connection ends */
        put_header(w, h);
    }
    if (credentials.n && !has_authorization)
        put_field(w, KD_STR("Authorization"), credentials);
    if (s->referer.n && !has_referer)
        put_field(w, KD_STR("Referer"), s->referer);
    if (!s->config->keep_alive && !has_close)
        put(w, KD_STR("Connection: close\r\n"));
}

bool kd_send_compose(kd_send *s)
{
    kd_branch *branch = s->branch;
    kd_arena *arena = branch->x->front->arena;
    kd_headers *headers = &branch->request->headers;
    kd_str credentials = {0};
    if (branch->request->basic_user.p)
        credentials = basic_credentials(arena, branch->request->basic_user);
    decide_body(s);
    size_t room = s->method_text.n + s->request_target.n + s->target->host.n + s->referer.n + credentials.n + 256;
    for (uint32_t i = 0; i < headers->n; i++)
        room += headers->v[i].name_n + headers->v[i].value_n + 4u;
    writer w = {kd_arena_alloc(arena, room), 0};
    if (!w.p)
        return false;
    put(&w, s->method_text);
    put(&w, KD_STR(" "));
    put(&w, s->request_target);
    put(&w, KD_STR(" HTTP/1.1\r\nHost: "));
    put(&w, s->target->host);
    put(&w, KD_STR("\r\n"));
    put_agent(&w, headers);
    put_framing(&w, s);
    s->auto_gzip = s->config->compression && s->method != KD_METHOD_HEAD &&
                   !kd_headers_say(headers, KD_HEADER_ACCEPT_ENCODING) && !kd_headers_say(headers, KD_HEADER_RANGE);
    put_fields(&w, s, credentials);
    if (s->auto_gzip)
        put(&w, KD_STR("Accept-Encoding: gzip\r\n"));
    put(&w, KD_STR("\r\n"));
    s->call->request_head = (kd_str){w.p, w.n};
    return true;
}
