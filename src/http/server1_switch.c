/* Connections that stop to be HTTP/1: they begin with HTTP/2's preface, are upgraded to it, or become tunnels. */
#include "http/server1_own.h"

#include "http/scan_field.h"
#include "text/base64.h"

#define UPGRADE_BODY_MAX (16u * 1024) /* of an upgrade's request; with a longer one it stays HTTP/1 */
#define SETTINGS_MAX     256u         /* bytes of a decoded HTTP2-Settings */

kd_switch kd_connection_preface(kd_connection *c)
{
    static const kd_str preface = KD_STR_INIT(KD_H2_PREFACE);
    kd_server1 *server = c->server;
    kd_str begun = {kd_chunk_data(c->chunk), c->filled};
    size_t n = begun.n < preface.n ? begun.n : preface.n;
    if (memcmp(begun.p, preface.p, n) != 0 || !server->has_h2)
        return KD_SWITCH_NO;
    if (n < preface.n)
        return KD_SWITCH_MORE;
    kd_server2_take(&server->h2, &c->stream, &c->peer, begun, c->stream.filter != NULL);
    kd_connection_destroy(c);
    return KD_SWITCH_DONE;
}

/* The one HTTP2-Settings of a request that offers h2c (RFC 7540 section 3.2); false: the offer is not taken. */
static bool read_offer(const kd_request_head *head, char to[SETTINGS_MAX], size_t *n)
{
    static const kd_str name = KD_STR_INIT("Http2-Settings");
    const kd_header *settings = NULL;
    bool offered = false, named = false;
    for (uint32_t i = 0; i < head->headers.n; i++) {
        const kd_header *h = &head->headers.v[i];
        kd_str value = kd_header_value(h);
        if (h->token == KD_HEADER_UPGRADE) {
            offered |= kd_scan_has_word(value, KD_STR("h2c"));
        } else if (h->token == KD_HEADER_CONNECTION) {
            named |= kd_scan_has_word(value, name);
        } else if (h->token == KD_HEADER_OTHER && kd_str_eq(kd_header_name(h), name)) {
            if (settings)
                return false;
            settings = h;
        }
    }
    if (!offered || !named || !settings || settings->value_n > SETTINGS_MAX)
        return false;
    return kd_base64_read(to, n, kd_header_value(settings), KD_BASE64_URL) && *n % 6 == 0;
}

/* What belonged to this connection does not go on: a backend must not see it. */
static void drop_offer(kd_headers *headers)
{
    kd_headers_remove_token(headers, KD_HEADER_UPGRADE);
    kd_headers_remove_token(headers, KD_HEADER_CONNECTION);
    kd_headers_remove(headers, KD_STR("Http2-Settings"));
}

kd_switch kd_connection_upgrade(kd_connection *c, kd_server1_request *q)
{
    kd_server1 *server = c->server;
    const kd_request_head *head = &q->head;
    char settings[SETTINGS_MAX];
    size_t n;
    if (KD_LIKELY(!kd_headers_find(&head->headers, KD_HEADER_UPGRADE)))
        return KD_SWITCH_NO;
    if (!head->minor || head->framing == KD_FRAMING_CHUNKED || head->length > UPGRADE_BODY_MAX ||
        head->expect_continue || head->expect_other || server->draining || !server->has_h2 || c->stream.filter ||
        !read_offer(head, settings, &n))
        return KD_SWITCH_NO;
    kd_str rest = {kd_chunk_data(c->chunk) + head->size, c->filled - head->size};
    if (rest.n < head->length)
        return KD_SWITCH_MORE;
    drop_offer(&q->head.headers);
    kd_h2_upgrade upgrade = {.settings = {settings, n},
                             .arena = q->arena,
                             .head = &q->head,
                             .body = kd_str_head(rest, head->length),
                             .begun = kd_str_from(rest, head->length),
                             .began = c->began};
    c->chunk = NULL; /* it is the arena's */
    kd_server2_upgrade(&server->h2, &c->stream, &c->peer, &upgrade);
    kd_connection_destroy(c);
    return KD_SWITCH_DONE;
}

bool kd_server1_detach(kd_front *front, const kd_reply *reply)
{
    kd_server1_request *q = KD_CONTAINER(front, kd_server1_request, front);
    kd_connection *c = q->c;
    kd_server1 *server = c->server;
    kd_timers *timers = &server->worker->loop.timers;
    if (c->gone || q->responded || reply->status != 101 || !q->head.minor || q->head.framing != KD_FRAMING_NONE)
        return false;
    unsigned refused = 0;
    kd_reply copy = *reply;
    kd_reply_context context = {
        .method = q->head.method, .minor = q->head.minor, .keep_alive = true, .date = kd_worker_date(server->worker)};
    kd_buf_reset(&server->head, KD_CHUNK_LARGE);
    kd_reply_write(&server->head, &copy, &context, &refused);
    server->refused_fields += refused;
    if (server->head.failed)
        return false;
    q->tunnel = q->responded = true;
    q->keep_alive = false;
    q->framing = KD_REPLY_CLOSE;
    front->body_ended = false;
    kd_timer_disarm(timers, &c->timer);
    kd_timer_disarm(timers, &q->read_timer);
    kd_connection_send(c, &(struct iovec){server->head.p, server->head.n}, 1);
    return true;
}

void kd_connection_drain_tunnel(kd_connection *c)
{
    const kd_handler *handler = c->server->handler;
    if (c->gone || c->q->done_told)
        return;
    if (handler->on_drain)
        handler->on_drain(&c->q->front);
    else
        kd_connection_lose(c);
}
