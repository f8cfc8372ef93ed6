#include "modules/auth/revoker/rest.h"

#include "base/clock.h"
#include "http/reply.h"
#include "text/go/url.h"

#include <openssl/crypto.h>
#include <time.h>

static void answer(kd_buf *out, const kd_request_head *head, uint16_t status, const char *body, bool close)
{
    char date[29];
    unsigned refused = 0;
    kd_arena arena;
    kd_reply reply = {.status = status, .length = (int64_t)strlen(body)};
    kd_arena_init(&arena, NULL, 0);
    kd_headers_init(&reply.headers, &arena);
    kd_headers_add_token(&reply.headers, KD_HEADER_CONTENT_TYPE, KD_STR("application/json"));
    if (status == 401)
        kd_headers_add(&reply.headers, KD_STR("Www-Authenticate"), KD_STR("Bearer"));
    if (status == 405)
        kd_headers_add(&reply.headers, KD_STR("Allow"), KD_STR("GET, HEAD, POST"));
    kd_clock_http_date(date, (int64_t)time(NULL));
    kd_reply_context context = {.method = head->method,
                                .minor = 1,
                                .keep_alive = !close,
                                .date = kd_str_of(date, sizeof date),
                                .first = kd_str_from_c(body),
                                .complete = true};
    if (kd_reply_write(out, &reply, &context, &refused) != KD_REPLY_NO_BODY)
        kd_buf_add(out, kd_str_from_c(body));
    kd_arena_reset(&arena);
}

static bool is_authorized(const kd_rest *rest, const kd_request_head *head)
{
    if (!rest->n_key)
        return true;
    const kd_header *field = kd_headers_find(&head->headers, KD_HEADER_AUTHORIZATION);
    kd_str value = field ? kd_header_value(field) : KD_STR("");
    if (!kd_str_eq_ci(kd_str_head(value, 7), KD_STR("Bearer ")))
        return false;
    value = kd_str_from(value, 7);
    return value.n == rest->n_key && CRYPTO_memcmp(value.p, rest->key, value.n) == 0;
}

/* The element of the filter that /tokens/<claim>/<value> names; p is NULL where the path is another. */
static kd_str element_of(kd_arena *arena, kd_str path)
{
    static const kd_str none = {NULL, 0}, root = KD_STR_INIT("/tokens/");
    kd_str claim, value, bad;
    if (!kd_str_eq(kd_str_head(path, root.n), root))
        return none;
    kd_str rest = kd_str_from(path, root.n);
    ptrdiff_t slash = kd_str_find(rest, '/');
    if (slash <= 0 || (size_t)slash + 1 == rest.n)
        return none;
    if (!kd_go_url_unescape(arena, kd_str_head(rest, (size_t)slash), false, &claim, &bad) ||
        !kd_go_url_unescape(arena, kd_str_from(rest, (size_t)slash + 1), false, &value, &bad) || !claim.p || !value.p)
        return none;
    return kd_arena_printf(arena, "%.*s-%.*s", KD_FMT(claim), KD_FMT(value));
}

static void serve(kd_rest *rest, kd_arena *arena, const kd_request_head *head, kd_ns now, kd_buf *out)
{
    bool close = !head->keep_alive;
    if (!is_authorized(rest, head)) {
        answer(out, head, 401, "{\"error\":\"a bearer token with the key of this port is needed\"}", close);
        return;
    }
    kd_str element = element_of(arena, head->path);
    if (!element.p) {
        answer(out, head, 404, "{\"error\":\"the path is /tokens/<claim>/<value>\"}", close);
    } else if (head->method == KD_METHOD_POST) {
        kd_bloom_add(rest->bloom, element, now);
        answer(out, head, 200, "{\"revoked\":true}", close);
    } else if (head->method == KD_METHOD_GET || head->method == KD_METHOD_HEAD) {
        bool revoked = kd_bloom_has(rest->bloom, element, now);
        answer(out, head, revoked ? 200 : 404, revoked ? "{\"revoked\":true}" : "{\"revoked\":false}", close);
    } else {
        answer(out, head, 405, "{\"error\":\"POST revokes, GET asks\"}", close);
    }
}

/* One request. 0: it is not whole yet, or the connection is over. */
static size_t take_one(kd_rest *rest, kd_arena *arena, kd_str in, kd_ns now, kd_buf *out, bool *bad)
{
    kd_request_head head = {.method = KD_METHOD_GET};
    kd_scan_error error = {0};
    kd_headers_init(&head.headers, arena);
    kd_scan_result result = kd_scan_request((char *)in.p, in.n, 0, KD_REST_HEAD_MAX, &head, &error);
    if (result == KD_SCAN_MORE)
        return 0;
    *bad = true;
    if (result != KD_SCAN_DONE) {
        head.method = KD_METHOD_GET;
        answer(out, &head, error.status ? error.status : 503, "{\"error\":\"the request cannot be read\"}", true);
        return 0;
    }
    if (head.framing == KD_FRAMING_CHUNKED || head.expect_continue || head.expect_other) {
        answer(out, &head, head.framing == KD_FRAMING_CHUNKED ? 411 : 417, "{\"error\":\"send it without a body\"}",
               true);
        return 0;
    }
    size_t body = head.framing == KD_FRAMING_LENGTH ? (size_t)head.length : 0;
    if (head.framing == KD_FRAMING_LENGTH && head.length > KD_REST_BODY_MAX) {
        answer(out, &head, 413, "{\"error\":\"send it without a body\"}", true);
        return 0;
    }
    *bad = false;
    if (in.n - head.size < body)
        return 0;
    serve(rest, arena, &head, now, out);
    *bad = !head.keep_alive;
    return head.size + body;
}

size_t kd_rest_take(kd_rest *rest, kd_str in, kd_ns now, kd_buf *out, bool *bad)
{
    size_t used = 0, n = 1;
    *bad = false;
    while (n && used < in.n && !*bad) {
        kd_arena arena;
        kd_arena_init(&arena, NULL, 4 * KD_REST_HEAD_MAX);
        n = take_one(rest, &arena, kd_str_from(in, used), now, out, bad);
        kd_arena_reset(&arena);
        used += n;
    }
    return used;
}
