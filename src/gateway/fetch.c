#include "gateway/fetch.h"

#include "http/gunzip.h"
#include "text/base64.h"
#include "text/go/url.h"

#define MAX_REQUESTS 10 /* that one fetch may become, as Go's client counts */
#define FIRST_ROOM   4096u

struct kd_fetch {
    struct kd_fetch *next, **link; /* of the worker */
    kd_gateway_worker *worker;
    kd_arena arena; /* which all of this lies in */
    kd_call call;
    kd_client own; /* with a TLS profile of its own there is no pool to share */
    bool has_own, running, redirected_away, bodiless, answered;
    kd_method method;
    const char *verb; /* of the first request, as Go names it in errors */
    const kd_target *first;
    kd_str url, body, referer; /* where a redirect came from */
    kd_fetch_field *fields;
    uint32_t n_fields, requests;
    size_t max_body, cap;
    kd_gunzip *gunzip;
    bool no_gzip, failed;
    char *bytes;
    kd_timer deadline, end;
    kd_fetch_result result;
    kd_fetch_done on_done;
    void *context;
};

static const kd_call_events events;

static kd_timers *timers_of(kd_fetch *f)
{
    return &f->worker->net->loop.timers;
}

static void stop(kd_fetch *f)
{
    if (f->running)
        kd_call_cancel(&f->call);
    f->running = false;
    kd_timer_disarm(timers_of(f), &f->deadline);
}

static void release(kd_fetch *f)
{
    stop(f);
    kd_timer_disarm(timers_of(f), &f->end);
    if (f->gunzip)
        kd_gunzip_end(f->gunzip);
    if (f->has_own)
        kd_client_fini(&f->own);
    *f->link = f->next;
    if (f->next)
        f->next->link = f->link;
    f->worker->n_fetches--;
    kd_arena arena = f->arena;
    kd_arena_reset(&arena);
}

/* The result is known; it is told in a turn of its own, when no callback of the call is on the stack. */
static void finish(kd_fetch *f)
{
    stop(f);
    kd_timer_arm(timers_of(f), &f->end, f->worker->net->loop.now);
}

/* `text` is the whole error. */
static void fail_bare(kd_fetch *f, kd_failure failure, kd_str text)
{
    f->failed = true;
    f->result = (kd_fetch_result){.failure = failure, .error = text, .in_body = f->answered};
    finish(f);
}

/* Of what went wrong with a request Go says which; not of an answer that cannot be read to its end. */
static void fail_at(kd_fetch *f, kd_failure failure, kd_str url, kd_str text)
{
    kd_str whole =
        f->answered ? text : kd_arena_printf(&f->arena, "%s \"%.*s\": %.*s", f->verb, KD_FMT(url), KD_FMT(text));
    fail_bare(f, failure, whole.p ? whole : text);
}

/* The URL without the password that may stand in it. */
static kd_str shown(kd_fetch *f)
{
    kd_url url;
    kd_str error;
    if (!kd_go_url_parse(&f->arena, f->url, &url, &error) || !url.has_user)
        return f->url;
    size_t start = (size_t)kd_str_find(f->url, '/') + 2, colon = 0, at = 0;
    for (size_t i = start; i < f->url.n && f->url.p[i] != '/' && f->url.p[i] != '?' && f->url.p[i] != '#'; i++) {
        if (f->url.p[i] == '@')
            at = i;
        else if (f->url.p[i] == ':' && !colon)
            colon = i;
    }
    if (!colon || at < colon)
        return f->url;
    return kd_arena_printf(&f->arena, "%.*s:***%.*s", KD_FMT(kd_str_head(f->url, colon)),
                           KD_FMT(kd_str_from(f->url, at)));
}

static void fail(kd_fetch *f, kd_failure failure, kd_str text)
{
    fail_at(f, failure, shown(f), text);
}

static void on_end(kd_timer *timer)
{
    kd_fetch *f = KD_CONTAINER(timer, kd_fetch, end);
    if (!f->failed)
        f->result = (kd_fetch_result){.head = &f->call.head, .body = f->result.body};
    f->on_done(f->context, &f->result);
    release(f);
}

static void on_deadline(kd_timer *timer)
{
    kd_fetch *f = KD_CONTAINER(timer, kd_fetch, deadline);
    fail(f, KD_FAIL_DEADLINE,
         f->answered ? KD_STR("context deadline exceeded (Client.Timeout or context cancellation while reading body)")
                     : KD_STR("context deadline exceeded (Client.Timeout exceeded while awaiting headers)"));
}

/* ---- asking ----------------------------------------------------------------------------------------------------- */

static bool is_credential(kd_str name)
{
    return kd_str_eq_ci(name, KD_STR("Authorization")) || kd_str_eq_ci(name, KD_STR("Cookie"));
}

static bool splits(kd_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((uint8_t)s.p[i] < 0x20 || s.p[i] == 0x7f)
            return true;
    return false;
}

static bool names(const kd_fetch *f, kd_str name)
{
    for (uint32_t i = 0; i < f->n_fields; i++)
        if (kd_str_eq_ci(f->fields[i].name, name))
            return true;
    return false;
}

/* What a redirect leaves behind: credentials on the way to another domain, what tells of a body that is gone. */
static bool is_dropped(const kd_fetch *f, kd_str name)
{
    return (f->redirected_away && is_credential(name)) || (f->bodiless && kd_str_eq_ci(name, KD_STR("Content-Type")));
}

static bool compose(kd_fetch *f, kd_str path, bool has_query, kd_str query, kd_str userinfo)
{
    kd_buf head;
    kd_buf_init(&head, 1024 * 1024);
    kd_buf_printf(&head, "%s %.*s%s%.*s HTTP/1.1\r\nHost: %.*s\r\n", f->method == KD_METHOD_POST ? "POST" : "GET",
                  KD_FMT(path.n ? path : KD_STR("/")), has_query ? "?" : "", KD_FMT(query),
                  KD_FMT(f->call.target->host));
    if (!names(f, KD_STR("User-Agent")))
        kd_buf_add(&head, KD_STR("User-Agent: Go-http-client/1.1\r\n"));
    if (f->method == KD_METHOD_POST)
        kd_buf_printf(&head, "Content-Length: %zu\r\n", f->body.n);
    for (uint32_t i = 0; i < f->n_fields; i++)
        if (!is_dropped(f, f->fields[i].name))
            kd_buf_printf(&head, "%.*s: %.*s\r\n", KD_FMT(f->fields[i].name), KD_FMT(f->fields[i].value));
    if (f->referer.n)
        kd_buf_printf(&head, "Referer: %.*s\r\n", KD_FMT(f->referer));
    if (userinfo.n && (f->redirected_away || !names(f, KD_STR("Authorization"))))
        kd_buf_printf(&head, "Authorization: Basic %.*s\r\n", KD_FMT(userinfo));
    kd_buf_add(&head, f->no_gzip ? KD_STR("\r\n") : KD_STR("Accept-Encoding: gzip\r\n\r\n"));
    f->call.request_head = head.failed ? (kd_str){NULL, 0} : kd_arena_copy(&f->arena, kd_buf_str(&head));
    kd_buf_fini(&head);
    return f->call.request_head.p != NULL;
}

/* The user info of a URL, as Basic credentials carry it (RFC 7617). */
static kd_str basic(kd_arena *arena, const kd_url *url)
{
    if (!url->has_user)
        return KD_STR("");
    bool colon = kd_str_find(url->userinfo, ':') >= 0;
    kd_str pair = colon ? url->userinfo : kd_arena_printf(arena, "%.*s:", KD_FMT(url->userinfo));
    char *text = pair.p ? kd_arena_alloc(arena, KD_BASE64_ROOM(pair.n)) : NULL;
    return text ? kd_str_of(text, kd_base64_write(text, pair, KD_BASE64_STANDARD)) : KD_STR("");
}

/* The port of a host, where it is too large for one. */
static kd_str bad_port(kd_str host)
{
    size_t at = host.n;
    unsigned long port = 0;
    while (at && host.p[at - 1] >= '0' && host.p[at - 1] <= '9')
        at--;
    for (size_t i = at; i < host.n && port <= 65535; i++)
        port = port * 10 + (unsigned long)(host.p[i] - '0');
    return at && host.p[at - 1] == ':' && port > 65535 ? kd_str_from(host, at) : KD_STR("");
}

static void ask(kd_fetch *f)
{
    kd_url url;
    kd_str error = {0}, path, bad;
    if (!kd_go_url_parse(&f->arena, f->url, &url, &error)) {
        fail_bare(f, KD_FAIL_BAD_URL, error); /* there is no request yet */
        return;
    }
    bool web = kd_str_eq(url.scheme, KD_STR("http")) || kd_str_eq(url.scheme, KD_STR("https"));
    if (!web) {
        kd_str text = kd_arena_printf(&f->arena, "unsupported protocol scheme \"%.*s\"", KD_FMT(url.scheme));
        fail(f, KD_FAIL_BAD_URL, text.p ? text : KD_STR("unsupported protocol scheme"));
        return;
    }
    const kd_target *target = url.host.n ? kd_target_get(url.scheme, url.host) : NULL;
    if (!target && bad_port(url.host).n) {
        kd_str text = kd_arena_printf(&f->arena, "dial tcp: address %.*s: invalid port", KD_FMT(bad_port(url.host)));
        fail(f, KD_FAIL_BAD_URL, text.p ? text : KD_STR("invalid port"));
        return;
    }
    if (!target || !kd_go_url_escaped_path(&f->arena, url.raw_path, &path, &bad) || !path.p) {
        fail(f, KD_FAIL_BAD_URL, KD_STR("http: no Host in request URL"));
        return;
    }
    if (!f->first)
        f->first = target;
    if (!kd_go_url_same_domain(target->name, f->first->name))
        f->redirected_away = true; /* for good */
    f->call = (kd_call){.events = &events,
                        .owner = f,
                        .arena = &f->arena,
                        .target = target,
                        .method = f->method,
                        .body = f->method == KD_METHOD_POST && f->body.n ? KD_CALL_BYTES : KD_CALL_NO_BODY,
                        .bytes = f->body,
                        .idempotent = f->method == KD_METHOD_GET};
    f->result.body = KD_STR("");
    if (!compose(f, path, url.has_query, url.query, basic(&f->arena, &url))) {
        fail(f, KD_FAIL_SHED, KD_STR("out of memory"));
        return;
    }
    f->running = true;
    kd_call_start(f->has_own ? &f->own : &f->worker->client, &f->call);
}

/* ---- the answer ------------------------------------------------------------------------------------------------- */

/* Go tells where a redirect came from, without user and password, and not to http what was https. */
static kd_str referer_of(kd_fetch *f, const kd_url *from, kd_str to)
{
    if (kd_str_eq(from->scheme, KD_STR("https")) && !kd_str_starts(to, KD_STR("https:")))
        return KD_STR("");
    kd_str text = kd_arena_printf(&f->arena, "%.*s://%.*s%.*s%s%.*s", KD_FMT(from->scheme), KD_FMT(from->host),
                                  KD_FMT(from->raw_path), from->has_query ? "?" : "", KD_FMT(from->query));
    return text.p && !splits(text) ? text : KD_STR("");
}

static bool redirects(kd_fetch *f)
{
    unsigned status = f->call.head.status;
    bool keeps = status == 307 || status == 308;
    if (!keeps && status != 301 && status != 302 && status != 303)
        return false;
    const kd_header *location = kd_headers_find(&f->call.head.headers, KD_HEADER_LOCATION);
    if (!location || !location->value_n)
        return false;
    kd_url base;
    kd_str error = {0}, absolute = {0};
    kd_call_cancel(&f->call);
    f->running = false;
    if (++f->requests >= MAX_REQUESTS) {
        fail_at(f, KD_FAIL_REDIRECTS, kd_header_value(location), KD_STR("stopped after 10 redirects"));
        return true;
    }
    if (!kd_go_url_parse(&f->arena, f->url, &base, &error) ||
        !kd_go_url_resolve(&f->arena, &base, kd_header_value(location), &absolute, &error) || !absolute.p) {
        kd_str text = kd_arena_printf(&f->arena, "failed to parse Location header \"%.*s\": %.*s",
                                      KD_FMT(kd_header_value(location)), KD_FMT(error.p ? error : KD_STR("")));
        fail(f, KD_FAIL_BAD_URL, text.p ? text : KD_STR("failed to parse Location header"));
        return true;
    }
    f->referer = referer_of(f, &base, absolute);
    f->url = absolute;
    if (!keeps) {
        f->method = KD_METHOD_GET;
        f->bodiless = true;
    }
    ask(f);
    return true;
}

static void on_head(kd_call *call)
{
    kd_fetch *f = call->owner;
    if (redirects(f))
        return;
    f->answered = true;
    const kd_header *encoding = kd_headers_find(&call->head.headers, KD_HEADER_CONTENT_ENCODING);
    if (encoding && !f->no_gzip && kd_str_eq_ci(kd_header_value(encoding), KD_STR("gzip"))) {
        f->gunzip = kd_gunzip_begin(&f->arena);
        if (!f->gunzip)
            fail(f, KD_FAIL_SHED, KD_STR("out of memory"));
    }
}

static bool collect(void *owner, kd_str piece)
{
    kd_fetch *f = owner;
    size_t n = f->result.body.n;
    if (piece.n > f->max_body - n) {
        fail(f, KD_FAIL_TOO_LARGE, KD_STR("the answer is longer than its bound"));
        return false;
    }
    if (n + piece.n > f->cap) {
        size_t cap = f->cap ? f->cap : FIRST_ROOM;
        while (cap < n + piece.n)
            cap *= 2;
        char *bytes = kd_arena_alloc(&f->arena, cap);
        if (!bytes) {
            fail(f, KD_FAIL_SHED, KD_STR("out of memory"));
            return false;
        }
        if (n)
            memcpy(bytes, f->bytes, n);
        f->bytes = bytes;
        f->cap = cap;
    }
    if (piece.n)
        memcpy(f->bytes + n, piece.p, piece.n);
    f->result.body = kd_str_of(f->bytes ? f->bytes : "", n + piece.n);
    return true;
}

static void on_data(kd_call *call, kd_str piece, bool end)
{
    kd_fetch *f = call->owner;
    if (end)
        f->running = false;
    if (f->gunzip) {
        kd_gunzip_result result = kd_gunzip_feed(f->gunzip, piece, end, collect, f);
        if (f->failed)
            return;
        if (result == KD_GUNZIP_ERROR || (end && result != KD_GUNZIP_END)) {
            fail(f, KD_FAIL_BAD_BODY, kd_gunzip_error(f->gunzip));
            return;
        }
    } else if (!collect(f, piece)) {
        return;
    }
    if (end)
        finish(f);
}

static void on_fail(kd_call *call)
{
    kd_fetch *f = call->owner;
    f->running = false;
    fail(f, call->failure, call->error);
}

static const kd_call_events events = {.on_head = on_head, .on_data = on_data, .on_fail = on_fail};

/* ---- its life --------------------------------------------------------------------------------------------------- */

static bool copy_request(kd_fetch *f, const kd_fetch_request *request)
{
    f->method = request->method;
    f->verb = f->method == KD_METHOD_POST ? "Post" : "Get";
    f->url = kd_arena_copy(&f->arena, request->url);
    f->body = kd_arena_copy(&f->arena, request->body);
    f->fields = KD_NEW_ARRAY(&f->arena, kd_fetch_field, request->n_fields + 1);
    f->n_fields = request->n_fields;
    bool ok = f->url.p && f->body.p && f->fields;
    for (uint32_t i = 0; ok && i < f->n_fields; i++) {
        const kd_fetch_field *field = &request->fields[i];
        f->fields[i] = (kd_fetch_field){kd_arena_copy(&f->arena, field->name), kd_arena_copy(&f->arena, field->value)};
        ok = f->fields[i].name.p && f->fields[i].value.p;
    }
    f->max_body = request->max_body;
    f->no_gzip = request->no_gzip;
    return ok;
}

static void begin(kd_fetch *f, const kd_fetch_request *request)
{
    for (uint32_t i = 0; i < f->n_fields; i++)
        if (splits(f->fields[i].name) || splits(f->fields[i].value)) {
            kd_str text = kd_arena_printf(&f->arena, "net/http: invalid header field value for \"%.*s\"",
                                          KD_FMT(f->fields[i].name));
            fail(f, KD_FAIL_BAD_URL, text);
            return;
        }
    if (request->tls) {
        kd_client_init(&f->own, f->worker->net);
        f->own.settings = f->worker->client.settings;
        f->own.settings.tls = request->tls;
        f->own.settings.keep_alive = false;
        f->has_own = true;
    }
    if (request->timeout > 0)
        kd_timer_arm(timers_of(f), &f->deadline, f->worker->net->loop.now + request->timeout);
    ask(f);
}

kd_fetch *kd_fetch_start(kd_gateway_worker *worker, const kd_fetch_request *request, kd_fetch_done on_done,
                         void *context)
{
    if (worker->n_fetches >= KD_FETCH_MAX)
        return NULL;
    kd_arena arena;
    kd_arena_init(&arena, &worker->net->chunks, 0);
    kd_fetch *f = KD_NEW(&arena, kd_fetch);
    if (!f)
        return NULL;
    f->arena = arena;
    if (!copy_request(f, request)) {
        arena = f->arena;
        kd_arena_reset(&arena);
        return NULL;
    }
    f->worker = worker;
    f->on_done = on_done;
    f->context = context;
    kd_timer_init(&f->deadline, on_deadline);
    kd_timer_init(&f->end, on_end);
    f->next = worker->fetches;
    f->link = &worker->fetches;
    if (f->next)
        f->next->link = &f->next;
    worker->fetches = f;
    worker->n_fetches++;
    begin(f, request);
    return f;
}

void kd_fetch_cancel(kd_fetch *fetch)
{
    release(fetch);
}

void kd_fetch_cancel_all(kd_gateway_worker *worker)
{
    while (worker->fetches) {
        kd_fetch *f = worker->fetches;
        stop(f);
        kd_fetch_result result = {.failure = KD_FAIL_CANCELLED, .error = KD_STR("context canceled")};
        f->on_done(f->context, &result);
        release(f);
    }
}
