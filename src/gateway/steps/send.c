/* The innermost step of a backend's pipe: the call. It waits for the head (no-op) or for the whole body (everything
 * that is decoded), follows redirects, passes the client's body on, and words failures as Go's client does (spec/01
 * sections 7.10, 8.2 to 8.6). */
#include "gateway/steps/send.h"
#include "gateway/body.h"
#include "gateway/steps/part.h"
#include "text/go/header.h"
#include "text/go/quote.h"

static const kd_call_events events;

/* gateway/http2 of the backend. A wrong value ends the start: nobody wants another protocol than the one named. */
static uint8_t http2_mode(const kd_compile *compile)
{
    const kd_node *block = kd_extra_find(&compile->backend->extra, KD_STR("gateway/http2"));
    if (!block)
        return KD_HTTP2_NONE;
    const kd_node *mode = kd_node_typed(block, KD_STR("mode"), KD_NODE_STRING);
    if (mode && kd_str_eq(mode->text, KD_STR("h2c")))
        return KD_HTTP2_PRIOR;
    if (mode && kd_str_eq(mode->text, KD_STR("alpn")))
        return KD_HTTP2_ALPN;
    const kd_node *found = kd_node_get(block, KD_STR("mode"));
    kd_error *error =
        kd_errors_add(compile->errors, KD_SEVERITY_ERROR, found ? found->at : block->at, KD_STR("gateway/http2.mode"),
                      "expected \"h2c\" or \"alpn\"%s", found ? "" : ", the key is missing");
    error->suggestion = KD_STR("h2c: the backend is known to speak HTTP/2; alpn: TLS agrees on it, or on HTTP/1.1");
    return KD_HTTP2_NONE;
}

static bool compile_send(const kd_compile *compile, kd_compiled *out)
{
    const kd_backend *backend = compile->backend;
    kd_send_config *config = KD_NEW(compile->arena, kd_send_config);
    if (!config)
        return false;
    const kd_node *client = kd_extra_find(&backend->extra, KD_STR("backend/http/client"));
    const kd_node *on_redirect = kd_node_typed(client, KD_STR("send_body_on_redirect"), KD_NODE_BOOL);
    config->backend = backend;
    config->reading = kd_reading_of(compile);
    config->one_turn = !compile->branched;
    config->compression = !compile->service->disable_compression;
    config->http2 = http2_mode(compile);
    config->keep_alive = !compile->service->disable_keep_alives;
    config->body_on_redirect = on_redirect && on_redirect->boolean;
    out->config = config;
    out->at = backend->at;
    out->response = config->reading.raw ? KD_BODY_CHUNKS : KD_BODY_WHOLE;
    out->request = config->body_on_redirect ? KD_BODY_WHOLE : KD_BODY_CHUNKS;
    return true;
}

/* Names of decoders are lower-cased, but only the exact name passes head and body on. */
bool kd_core_is_raw(const kd_endpoint *endpoint, const kd_backend *backend)
{
    static const kd_str name = KD_STR_INIT("no-op");
    return kd_str_eq(backend->encoding, name) &&
           (kd_str_eq(backend->encoding_source, name) || kd_str_eq(endpoint->output_encoding, name));
}

/* ---- words ---------------------------------------------------------------------------------------------------------
 */

kd_received *kd_core_received(kd_branch *branch)
{
    return branch->received;
}

kd_str kd_core_verb(kd_arena *arena, kd_str method)
{
    kd_str verb = kd_arena_copy(arena, method);
    if (!verb.p)
        return KD_STR("Get");
    for (size_t i = 1; i < verb.n; i++)
        ((char *)verb.p)[i] = (char)kd_lower((uint8_t)verb.p[i]);
    return verb;
}

kd_str kd_core_url(kd_branch *branch)
{
    const kd_request *request = branch->request;
    kd_arena *arena = branch->x->front->arena;
    const kd_target *target = request->target;
    if (!target)
        return request->path;
    if (!request->basic_user.p)
        return kd_arena_printf(arena, "%.*s%.*s", KD_FMT(target->key), KD_FMT(request->request_target));
    ptrdiff_t colon = kd_str_find(request->basic_user, ':');
    kd_str user = colon < 0 ? request->basic_user : kd_str_head(request->basic_user, (size_t)colon);
    return kd_arena_printf(arena, "%s://%.*s%s@%.*s%.*s", target->tls ? "https" : "http", KD_FMT(user),
                           colon < 0 ? "" : ":***", KD_FMT(target->host), KD_FMT(request->request_target));
}

static kd_str client_error(kd_send *s, kd_str text)
{
    kd_arena *arena = s->branch->x->front->arena;
    return kd_arena_printf(arena, "%.*s \"%.*s\": %.*s", KD_FMT(kd_core_verb(arena, s->branch->request->method)),
                           KD_FMT(kd_core_url(s->branch)), KD_FMT(text));
}

/* ---- the end of the wait -------------------------------------------------------------------------------------------
 */

static void ready(kd_send *s)
{
    s->ready = true;
    kd_branch_resume(s->branch);
}

static void stop_feeding(kd_send *s)
{
    kd_exchange *x = s->branch->x;
    if (s->feeding && x->body_owner == s) {
        x->on_body = NULL;
        if (!x->gone)
            x->front->ops->pause_body(x->front);
    }
    s->feeding = false;
}

static void cancel_call(kd_send *s)
{
    kd_hold_cancel(s->branch->x->worker, &s->held);
    if (KD_LIKELY(s->call != NULL))
        kd_call_cancel(s->call);
}

/* The branch gives up waiting. */
static void on_cancel(void *what)
{
    kd_send *s = what;
    if (s->held.link)
        s->branch->x->starved = true;
    stop_feeding(s);
    cancel_call(s);
}

static void on_scope_cancel(kd_scope *scope)
{
    kd_send *s = KD_CONTAINER(scope, kd_send, scope);
    kd_send_stop_probe(s);
    stop_feeding(s);
    cancel_call(s);
}

static void fail_call(kd_send *s, kd_failure failure, kd_str text)
{
    stop_feeding(s);
    cancel_call(s);
    kd_branch_fail(s->branch, failure, text);
    s->failed = true;
    ready(s);
}

/* ---- the client's body ----------------------------------------------------------------------------------------------
 */

/* The request breaks while its answer streams already. */
static void break_stream(kd_send *s)
{
    kd_exchange *x = s->branch->x;
    stop_feeding(s);
    cancel_call(s);
    s->call->failure = KD_FAIL_BAD_REQUEST;
    if (!x->sent || x->streaming == &s->stream)
        kd_stream_body_fail(&s->stream);
}

/* The client's body is too long, or broken, before its backend has answered. */
static kd_verdict refuse_body(kd_send *s, kd_failure failure)
{
    if (failure == KD_FAIL_SHED)
        return kd_branch_fail(s->branch, failure, KD_STR("out of memory"));
    return kd_branch_fail(s->branch, failure,
                          client_error(s, failure == KD_FAIL_TOO_LARGE ? KD_STR("http: request body too large")
                                                                       : KD_STR("invalid byte in chunk length")));
}

static void on_client_body(kd_exchange *x, kd_str piece, bool end, bool failed)
{
    kd_send *s = x->body_owner;
    if ((failed || x->too_large) && s->ready) {
        break_stream(s);
        return;
    }
    if (KD_UNLIKELY(x->too_large)) {
        fail_call(s, KD_FAIL_TOO_LARGE, client_error(s, KD_STR("http: request body too large")));
        return;
    }
    if (failed) {
        fail_call(s, KD_FAIL_BAD_REQUEST, client_error(s, KD_STR("invalid byte in chunk length")));
        return;
    }
    if (end)
        s->feeding = false;
    if (kd_call_write(s->call, piece, end) == KD_FLOW_PAUSED && !end)
        x->front->ops->pause_body(x->front);
}

/* Sends of a kept body as much as the connection takes. */
static void send_kept(kd_send *s, kd_call *call)
{
    kd_flow flow;
    bool end;
    do {
        const kd_body_piece *piece = s->to_send;
        end = !piece || !piece->next;
        s->to_send = piece ? piece->next : NULL;
        flow = kd_call_write(call, piece ? kd_str_of(piece->bytes, piece->n) : KD_STR(""), end);
    } while (!end && flow == KD_FLOW_ON && s->call == call && !call->over);
}

static void on_writable(kd_call *call)
{
    kd_send *s = call->owner;
    kd_exchange *x = s->branch->x;
    kd_exchange_enter(x);
    if (s->branch->request->body) {
        send_kept(s, call);
        kd_exchange_leave(x);
        return;
    }
    if (!s->feeding) {
        s->feeding = true;
        x->on_body = on_client_body;
        x->body_owner = s;
        x->body_taken = true;
    }
    if (KD_UNLIKELY(s->peeked.n)) {
        kd_str first = s->peeked;
        s->peeked.n = 0;
        s->feeding = !x->front->body_ended;
        if (kd_call_write(call, first, !s->feeding) == KD_FLOW_PAUSED || !s->feeding) {
            kd_exchange_leave(x);
            return;
        }
    }
    if (x->front->body_ended)
        kd_call_write(call, (kd_str){"", 0}, true);
    else
        x->front->ops->read_body(x->front);
    kd_exchange_leave(x);
}

/* ---- the answer
 * ------------------------------------------------------------------------------------------------------ */

static bool is_success(unsigned status)
{
    return status == 200 || status == 201;
}

/* The field that could split the request, or NULL: steps may have set values that no scanner has seen. */
static const kd_header *bad_field(const kd_headers *headers)
{
    for (uint32_t i = 0; i < headers->n; i++) {
        const kd_header *h = &headers->v[i];
        if (KD_UNLIKELY(!(h->flags & KD_HEADER_CHECKED)) &&
            (!kd_go_header_valid_name(kd_header_name(h)) || !kd_go_header_valid_value(kd_header_value(h))))
            return h;
    }
    return NULL;
}

/* In the words of Go's transport, which do not show the value. */
static void refuse_field(kd_send *s, const kd_header *h)
{
    kd_buf name;
    kd_buf_init(&name, 256u * 1024);
    kd_go_quote(&name, kd_header_name(h));
    const char *what = kd_go_header_valid_name(kd_header_name(h)) ? "value for" : "name";
    kd_str text = kd_arena_printf(s->branch->x->front->arena, "net/http: invalid header field %s %.*s", what,
                                  KD_FMT(kd_buf_str(&name)));
    kd_buf_fini(&name);
    fail_call(s, KD_FAIL_BAD_REQUEST, client_error(s, text.p ? text : KD_STR("net/http: invalid header field")));
}

/* False without memory. */
static bool start_call(kd_send *s)
{
    kd_exchange *x = s->branch->x;
    const kd_header *bad = bad_field(&s->branch->request->headers);
    if (KD_UNLIKELY(bad)) {
        refuse_field(s, bad);
        return true;
    }
    kd_call *call = KD_NEW(x->front->arena, kd_call);
    if (!call)
        return false;
    s->call = call;
    s->then = KD_THEN_DELIVER;
    s->received.n = s->dropped = 0;
    s->to_send = s->branch->request->body ? s->branch->request->body->first : NULL;
    call->events = &events;
    call->owner = s;
    call->arena = x->front->arena;
    call->target = s->target;
    call->method = s->method;
    call->small_pieces = x->front->windowed && s->config->reading.raw;
    if (KD_UNLIKELY(s->config->http2) && (!s->redirects || s->target == s->first_target))
        call->http2 = s->config->http2; /* where a redirect leads was not asked about HTTP/2 */
    call->idempotent = s->method == KD_METHOD_GET || s->method == KD_METHOD_HEAD || s->method == KD_METHOD_OPTIONS ||
                       s->method == KD_METHOD_TRACE ||
                       kd_headers_find(&s->branch->request->headers, KD_HEADER_IDEMPOTENCY_KEY);
    if (!kd_send_compose(s))
        return false;
    kd_call_start(&x->worker->client, call);
    return true;
}

static void shed(kd_send *s)
{
    s->branch->x->starved = true;
    fail_call(s, KD_FAIL_SHED, KD_STR("out of memory"));
}

static void take_stored(kd_send *s);

static void follow(kd_send *s)
{
    stop_feeding(s);
    cancel_call(s);
    kd_transport *transport = s->transport;
    if (KD_UNLIKELY(transport != NULL) && transport->ops->on_request(transport, s->branch, s->method))
        take_stored(s);
    else if (!start_call(s))
        shed(s);
}

/* The transport's answer takes the place of the backend's, or of asking it; a redirect is followed. */
static void take_stored(kd_send *s)
{
    kd_call *call = KD_NEW(s->branch->x->front->arena, kd_call);
    const kd_stored *stored = &s->transport->stored;
    bool failed = false;
    if (!call) {
        shed(s);
        return;
    }
    call->over = true;
    call->head.status = stored->status;
    call->head.headers = stored->headers;
    s->call = call;
    s->given = true;
    if (!kd_stored_redirects(stored) || !kd_send_follows(s, &failed)) {
        ready(s);
        return;
    }
    s->given = false;
    follow(s);
}

/* The wait for a head whose body is of no interest is over: at once, or with the body where that comes along. */
static void conclude(kd_send *s)
{
    if (s->then == KD_THEN_FOLLOW) {
        follow(s);
        return;
    }
    stop_feeding(s);
    cancel_call(s);
    if (KD_UNLIKELY(s->then == KD_THEN_REPLACE))
        take_stored(s);
    else
        ready(s);
}

/* ---- room for the body ----------------------------------------------------------------------------------------------
 */

static bool take_room(kd_send *s, size_t cap)
{
    kd_received *r = &s->received;
    kd_exchange *x = s->branch->x;
    char *p;
    if (cap <= KD_HOLD_FROM || x->detached) {
        p = kd_arena_alloc(x->front->arena, cap);
        if (p && r->n)
            memcpy(p, r->body, r->n);
    } else if (s->cap > KD_HOLD_FROM) {
        p = kd_block_grow(x, r->body, cap);
    } else {
        p = kd_block_take(x, cap);
        if (p && r->n)
            memcpy(p, r->body, r->n);
    }
    if (!p)
        return false;
    r->body = p;
    s->cap = cap;
    return true;
}

static void on_room(kd_held *held)
{
    kd_send *s = KD_CONTAINER(held, kd_send, held);
    kd_exchange *x = s->branch->x;
    kd_exchange_enter(x);
    s->admitted = true;
    if (s->cap < held->bytes && !take_room(s, held->bytes))
        shed(s);
    else
        kd_call_resume(s->call);
    kd_exchange_leave(x);
}

/* A long body is let in, now or when there is memory for it. One of stated length gets all of its room then. */
static void admit(kd_send *s, size_t room)
{
    kd_gateway_worker *worker = s->branch->x->worker;
    s->held = (kd_held){.bytes = room, .on_room = on_room};
    if (!kd_hold_possible(room)) {
        shed(s);
    } else if (!kd_hold_fits(worker, room)) {
        kd_hold(worker, &s->held);
        kd_call_pause(s->call);
    } else {
        s->admitted = true;
        if (s->cap < room && !take_room(s, room))
            shed(s);
    }
}

static void admit_stated(kd_send *s)
{
    uint64_t stated = s->call->head.framing == KD_FRAMING_LENGTH ? s->call->head.length : 0;
    if (stated > KD_HOLD_FROM && !s->branch->x->detached)
        admit(s, stated < SIZE_MAX / 4 ? (size_t)stated + KD_JSON_PAD : SIZE_MAX / 4);
}

static void on_head(kd_call *call)
{
    kd_send *s = call->owner;
    kd_exchange *x = s->branch->x;
    kd_exchange_enter(x);
    bool failed = false;
    s->received.status = call->head.status;
    s->received.headers = &call->head.headers;
    if (KD_UNLIKELY(s->transport != NULL) && s->transport->ops->on_head(s->transport, call)) {
        s->then = KD_THEN_REPLACE;
    } else if (KD_UNLIKELY(call->head.status >= 300 && call->head.status < 400) && kd_send_follows(s, &failed)) {
        s->then = KD_THEN_FOLLOW;
    } else if (KD_UNLIKELY(failed)) {
        stop_feeding(s);
        kd_call_cancel(call);
        ready(s);
    } else if (s->config->reading.raw) {
        ready(s);
    } else if (s->config->reading.noop ? !s->config->reading.keep_noop
                                       : !is_success(call->head.status) && !s->config->reading.keep_errors) {
        s->then = KD_THEN_DISCARD;
    }
    if (s->then != KD_THEN_DELIVER && !call->data_follows && !failed && !(s->transport && s->then == KD_THEN_FOLLOW))
        conclude(s);
    else if (s->then == KD_THEN_DELIVER && !failed && !s->config->reading.raw)
        admit_stated(s);
    kd_exchange_leave(x);
}

/* Adds a piece to the whole body. */
static bool collect(kd_send *s, kd_str piece)
{
    kd_received *r = &s->received;
    if (r->n + piece.n + KD_JSON_PAD > s->cap) {
        size_t want = r->n + piece.n + KD_JSON_PAD, cap = s->cap * 2;
        if (s->cap == 0 && s->call->head.framing == KD_FRAMING_LENGTH && s->call->head.length <= KD_HOLD_FROM)
            cap = (size_t)s->call->head.length + KD_JSON_PAD;
        if (cap < want)
            cap = want < KD_CHUNK_LARGE / 2 ? KD_CHUNK_LARGE / 2 : want * 2;
        if (!take_room(s, cap))
            return false;
    }
    if (piece.n)
        memcpy(r->body + r->n, piece.p, piece.n);
    r->n += piece.n;
    return true;
}

/* A raw body goes to the client, unless the answer is rendered without it: then nobody wants the rest. */
static void stream_on(kd_send *s, kd_str piece, bool end)
{
    kd_exchange *x = s->branch->x;
    if (KD_UNLIKELY(x->detached || (x->sent && x->streaming != &s->stream)))
        kd_stream_body_cancel(&s->stream);
    else
        kd_stream_body_data(&s->stream, piece, end);
}

/* Go reads so much of a redirect's body before it follows; a cache keeps what was read to its end. */
#define REDIRECT_READ 2048

/* A body that nobody wants. */
static void drop_data(kd_send *s, kd_str piece, bool end)
{
    if (KD_LIKELY(!s->transport || s->then != KD_THEN_FOLLOW)) {
        conclude(s);
        return;
    }
    const kd_response_head *head = &s->call->head;
    s->dropped += piece.n;
    bool reads = head->framing != KD_FRAMING_LENGTH || head->length <= REDIRECT_READ;
    if (reads && s->dropped <= REDIRECT_READ)
        s->transport->ops->on_data(s->transport, piece, end);
    if (end || !reads || s->dropped > REDIRECT_READ)
        conclude(s);
}

static void on_data(kd_call *call, kd_str piece, bool end)
{
    kd_send *s = call->owner;
    kd_exchange *x = s->branch->x;
    kd_exchange_enter(x);
    if (s->ready && s->config->reading.raw) {
        if (KD_UNLIKELY(s->transport != NULL))
            s->transport->ops->on_data(s->transport, piece, end);
        stream_on(s, piece, end);
    } else if (KD_UNLIKELY(s->then != KD_THEN_DELIVER)) {
        drop_data(s, piece, end);
    } else if (end && s->received.n == 0 && s->config->one_turn) {
        /* The common case: the body came whole with the head and is decoded where it lies. */
        s->received.body = (char *)piece.p;
        s->received.n = piece.n;
        stop_feeding(s);
        ready(s);
    } else if (!collect(s, piece)) {
        shed(s);
    } else if (end) {
        stop_feeding(s);
        ready(s);
    } else if (KD_UNLIKELY(s->cap > KD_HOLD_FROM && !s->admitted && !x->detached)) {
        admit(s, s->cap);
    }
    kd_exchange_leave(x);
}

static void on_fail(kd_call *call)
{
    kd_send *s = call->owner;
    kd_exchange *x = s->branch->x;
    kd_exchange_enter(x);
    stop_feeding(s);
    if (s->ready && s->config->reading.raw) {
        if (!x->sent || x->streaming == &s->stream)
            kd_stream_body_fail(&s->stream);
    } else if (call->head_told && s->then != KD_THEN_DELIVER) {
        conclude(s);
    } else if (call->head_told) {
        /* What came may still be a whole document. */
        s->received.cut = call->error;
        s->received.cut_class = call->failure;
        if (!s->received.body)
            collect(s, (kd_str){"", 0});
        ready(s);
    } else if (KD_UNLIKELY(s->transport != NULL) && s->transport->ops->on_fail(s->transport)) {
        take_stored(s);
    } else {
        kd_branch_fail(s->branch, call->failure, client_error(s, call->error));
        ready(s);
    }
    kd_exchange_leave(x);
}

static const kd_call_events events = {
    .on_head = on_head, .on_data = on_data, .on_fail = on_fail, .on_writable = on_writable};

/* ---- the step -------------------------------------------------------------------------------------------------------
 */

/* A raw response: the backend's fields but the framing ones, and its body as a stream. */
static kd_verdict deliver_raw(kd_send *s)
{
    kd_branch *branch = s->branch;
    kd_exchange *x = branch->x;
    kd_call *call = s->call;
    const kd_header *coding = kd_headers_find(&call->head.headers, KD_HEADER_CONTENT_ENCODING);
    bool gzip = s->auto_gzip && coding && kd_str_eq_ci(kd_header_value(coding), KD_STR("gzip"));
    if (call->head.framing == KD_FRAMING_NONE || (call->head.framing == KD_FRAMING_LENGTH && !call->head.length))
        gzip = false; /* there is no body, as with a 304: its fields speak of another answer's */
    s->stream = (kd_stream_body){.x = x, .call = call};
    if (gzip && !(s->stream.gunzip = kd_gunzip_begin(x->front->arena)))
        return kd_branch_fail(branch, KD_FAIL_SHED, KD_STR("out of memory"));
    if (gzip)
        kd_headers_remove_token(&call->head.headers, KD_HEADER_CONTENT_ENCODING);
    s->stream.length = !gzip && call->head.framing == KD_FRAMING_LENGTH ? (int64_t)call->head.length : -1;
    static const kd_object empty;
    s->response = (kd_response){.data = kd_value_object(&empty),
                                .complete = true,
                                .raw = true,
                                .status = call->head.status,
                                .headers = call->head.headers,
                                .body = &s->stream};
    branch->outcome = (kd_outcome){.response = &s->response};
    return KD_DONE;
}

/* A no-op part among several: no data, whatever its status. */
static void deliver_noop(kd_send *s)
{
    static const kd_object empty;
    s->response = (kd_response){.data = kd_value_object(&empty),
                                .complete = true,
                                .raw = true,
                                .status = s->received.status,
                                .headers = s->call->head.headers};
    s->branch->outcome = (kd_outcome){.response = &s->response};
}

static kd_verdict enter_send(kd_branch *branch, const void *config, void *state)
{
    kd_send *s = state;
    if (!s->branch) {
        const kd_send_config *c = config;
        kd_verdict verdict = KD_UNLIKELY(c->body_on_redirect) ? kd_body_keep(branch) : KD_NEXT;
        if (verdict != KD_NEXT)
            return verdict;
        s->branch = branch;
        s->config = c;
        s->method_text = branch->request->method;
        s->method = kd_method_of(s->method_text);
        s->target = s->first_target = branch->request->target;
        s->request_target = branch->request->request_target;
        s->transport = branch->transport;
        kd_scope_init(&s->scope, &branch->x->scope, on_scope_cancel, "stream");
        if (KD_UNLIKELY(kd_send_wants_probe(s)) && !(s->transport && s->transport->has_stored))
            return kd_send_probe(s);
    }
    if (branch->outcome.fault)
        return KD_FAIL;
    if (!s->call) {
        if (KD_UNLIKELY(s->failed))
            return KD_FAIL;
        if (KD_UNLIKELY(s->peek_failed))
            return refuse_body(s, s->peek_failed);
        if (KD_UNLIKELY(s->transport && s->transport->has_stored))
            take_stored(s);
        else if (!start_call(s))
            return kd_branch_fail(branch, KD_FAIL_SHED, KD_STR("out of memory"));
        return kd_branch_wait(branch, KD_WAIT_CALL, on_cancel, s);
    }
    if (KD_UNLIKELY(s->given)) {
        kd_giving to = {s->call, &s->received, &s->stream, &s->response};
        return kd_stored_give(branch, &s->config->reading, &s->transport->stored, &to);
    }
    if (s->config->reading.raw)
        return deliver_raw(s);
    if (s->config->reading.keep_noop || !s->config->reading.noop)
        branch->received = &s->received;
    if (KD_UNLIKELY(s->config->reading.noop)) {
        deliver_noop(s);
        return KD_DONE;
    }
    s->response = (kd_response){.data = {.type = KD_NULL}, .status = s->received.status};
    branch->outcome = (kd_outcome){.response = &s->response};
    return KD_DONE;
}

static void explain_send(const void *config, kd_buf *out)
{
    const kd_send_config *c = config;
    kd_buf_printf(out, "http call, %s",
                  c->reading.raw                             ? "head and body streamed"
                  : c->reading.noop && !c->reading.keep_noop ? "body dropped: several parts make one answer"
                  : c->reading.noop                          ? "whole body kept: a later call uses it"
                                                             : "whole body kept: it is decoded");
    if (c->body_on_redirect)
        kd_buf_add(out, KD_STR("; the request's body is kept for redirects"));
}

const kd_step_type kd_core_send = {.module = "core",
                                   .name = "send",
                                   .compile = compile_send,
                                   .enter = enter_send,
                                   .state_size = sizeof(kd_send),
                                   .explain = explain_send};
