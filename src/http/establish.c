#include "http/establish.h"

#include "http/proxy.h"

#include <errno.h>

#define CONNECT_TIMEOUT (60 * KD_SECOND) /* Go's transport */
#define CONNECT_HEAD    (16u * 1024)     /* bound of a proxy's answer */

void kd_establish_prepare(kd_upstream *up)
{
    const kd_target *target = up->pool->target;
    if (target->tls)
        up->stage = target->proxy ? KD_CONNECT_PROXY : KD_CONNECT_TLS;
}

static kd_loop *loop_of(kd_upstream *up)
{
    return &up->client->worker->loop;
}

static void arm(kd_upstream *up, kd_ns timeout)
{
    kd_timer_arm(&loop_of(up)->timers, &up->call->timer, loop_of(up)->now + timeout);
}

/* ---- the tunnel ----------------------------------------------------------------------------------------------------
 */

static bool ask_proxy(kd_upstream *up)
{
    kd_call *call = up->call;
    const kd_target *target = call->target;
    kd_str auth = target->proxy->authorization;
    bool v6 = kd_str_find(target->name, ':') >= 0;
    kd_str place =
        kd_arena_printf(call->arena, "%s%.*s%s:%u", v6 ? "[" : "", KD_FMT(target->name), v6 ? "]" : "", target->port);
    kd_str head = kd_arena_printf(
        call->arena, "CONNECT %.*s HTTP/1.1\r\nHost: %.*s\r\nUser-Agent: Go-http-client/1.1\r\n%s%.*s%s\r\n",
        KD_FMT(place), KD_FMT(place), auth.n ? "Proxy-Authorization: " : "", KD_FMT(auth), auth.n ? "\r\n" : "");
    call->partial = kd_arena_alloc(call->arena, CONNECT_HEAD);
    if (!place.p || !head.p || !call->partial)
        return false;
    call->partial_cap = CONNECT_HEAD;
    call->partial_n = 0;
    struct iovec v = {(char *)head.p, head.n};
    /* A socket that has just connected takes these few bytes. */
    return kd_stream_writev(&up->stream, &v, 1) == (ssize_t)head.n;
}

static kd_established refuse(kd_upstream *up, const kd_response_head *head, kd_failure *failure, kd_str *error)
{
    *failure = KD_FAIL_UNREACHABLE;
    *error = head->reason.n ? kd_arena_copy(up->call->arena, head->reason) : KD_STR("unknown status code");
    return KD_ESTABLISH_FAILED;
}

static kd_established hear_proxy(kd_upstream *up, kd_failure *failure, kd_str *error)
{
    kd_call *call = up->call;
    for (;;) {
        kd_response_head head = {0};
        kd_headers_init(&head.headers, call->arena);
        kd_scan_result result = call->partial_n ? kd_scan_response(call->partial, call->partial_n, 0, CONNECT_HEAD,
                                                                   KD_METHOD_CONNECT, &head, error)
                                                : KD_SCAN_MORE;
        if (result == KD_SCAN_DONE && (head.status < 100 || head.status >= 200)) {
            call->partial = NULL;
            call->partial_n = call->partial_cap = 0;
            return head.status == 200 ? KD_ESTABLISHED : refuse(up, &head, failure, error);
        }
        *failure = KD_FAIL_BAD_MESSAGE;
        if (result == KD_SCAN_ERROR)
            return KD_ESTABLISH_FAILED;
        if (result == KD_SCAN_DONE) {
            memmove(call->partial, call->partial + head.size, call->partial_n - head.size);
            call->partial_n -= head.size;
            continue;
        }
        ssize_t n = kd_stream_read(&up->stream, call->partial + call->partial_n, CONNECT_HEAD - call->partial_n);
        if (n == KD_STREAM_AGAIN)
            return KD_ESTABLISHING;
        if (n <= 0) {
            *failure = n == 0 ? KD_FAIL_CLOSED : KD_FAIL_RESET;
            *error = n == 0 ? KD_STR("unexpected EOF") : KD_STR("read tcp: read: connection reset by peer");
            return KD_ESTABLISH_FAILED;
        }
        call->partial_n += (size_t)n;
        if (call->partial_n == CONNECT_HEAD) {
            *failure = KD_FAIL_TOO_LARGE;
            *error = KD_STR("net/http: server response headers exceeded 16384 bytes; aborted");
            return KD_ESTABLISH_FAILED;
        }
    }
}

/* ---- TLS -----------------------------------------------------------------------------------------------------------
 */

static bool start_tls(kd_upstream *up, kd_failure *failure, kd_str *error)
{
    kd_tls_profile *profile = kd_client_profile(up->client);
    *failure = KD_FAIL_SHED;
    *error = KD_STR("out of memory");
    if (!profile || !kd_tls_client_start(&up->stream, profile, up->pool->target->name, &up->pool->resume))
        return false;
    if (up->call->http2)
        kd_tls_client_offer_http2(&up->stream);
    up->profile = kd_tls_profile_id(profile);
    return true;
}

static kd_established shake_hands(kd_upstream *up, kd_failure *failure, kd_str *error)
{
    kd_tls_progress progress = kd_tls_client_handshake(&up->stream);
    if (progress != KD_TLS_FAILED)
        return progress == KD_TLS_READY ? KD_ESTABLISHED : KD_ESTABLISHING;
    kd_str words = kd_tls_error(&up->stream);
    *failure = KD_FAIL_TLS;
    if (words.n) {
        /* The stream, and the words with it, are closed before they are read. */
        *error = kd_arena_copy(up->call->arena, words);
    } else {
        *failure = up->stream.error == ENOMEM ? KD_FAIL_SHED : KD_FAIL_RESET;
        *error =
            up->stream.error == ENOMEM ? KD_STR("out of memory") : KD_STR("read tcp: read: connection reset by peer");
    }
    return KD_ESTABLISH_FAILED;
}

/* ---- the stages ----------------------------------------------------------------------------------------------------
 */

/* Begins the stage that up->stage names. */
static bool begin(kd_upstream *up, kd_failure *failure, kd_str *error)
{
    up->begun = true;
    if (up->stage == KD_CONNECT_TLS) {
        arm(up, KD_TLS_HANDSHAKE_TIMEOUT);
        return start_tls(up, failure, error);
    }
    arm(up, CONNECT_TIMEOUT);
    if (ask_proxy(up))
        return true;
    *failure = KD_FAIL_RESET;
    *error = KD_STR("write tcp: write: broken pipe");
    return false;
}

kd_established kd_establish(kd_upstream *up, kd_failure *failure, kd_str *error)
{
    while (up->stage) {
        if (!up->begun && !begin(up, failure, error))
            return KD_ESTABLISH_FAILED;
        kd_established result =
            up->stage == KD_CONNECT_TLS ? shake_hands(up, failure, error) : hear_proxy(up, failure, error);
        if (result != KD_ESTABLISHED)
            return result;
        up->stage = up->stage == KD_CONNECT_PROXY ? KD_CONNECT_TLS : KD_CONNECT_DONE;
        up->begun = false;
    }
    if (kd_timer_armed(&up->call->timer))
        kd_timer_disarm(&loop_of(up)->timers, &up->call->timer);
    return KD_ESTABLISHED;
}

void kd_establish_timeout(const kd_upstream *up, kd_failure *failure, kd_str *error)
{
    bool tls = up->stage == KD_CONNECT_TLS;
    *failure = tls ? KD_FAIL_TLS : KD_FAIL_CONNECT_TIMEOUT;
    *error = tls ? KD_STR("net/http: TLS handshake timeout") : KD_STR("context deadline exceeded");
}

bool kd_establish_through_proxy(kd_call *call)
{
    const kd_target *target = call->target;
    kd_str head = call->request_head, auth = target->proxy->authorization;
    ptrdiff_t space = kd_str_find(head, ' ');
    if (space < 0 || !kd_str_ends(head, KD_STR("\r\n\r\n")))
        return false;
    kd_str method = kd_str_head(head, (size_t)space + 1);
    kd_str rest = kd_str_of(head.p + method.n, head.n - method.n - 2);
    call->request_head =
        kd_arena_printf(call->arena, "%.*s%.*s%.*s%s%.*s%s\r\n", KD_FMT(method), KD_FMT(target->key), KD_FMT(rest),
                        auth.n ? "Proxy-Authorization: " : "", KD_FMT(auth), auth.n ? "\r\n" : "");
    return call->request_head.p != NULL;
}
