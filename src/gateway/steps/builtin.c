/* The gateway's own endpoints: health, debug, echo (spec/01 section 4.9). */
#include "gateway/steps/core.h"
#include "text/go/format.h"

static kd_ns started_monotonic;

__attribute__((constructor)) static void note_start(void)
{
    started_monotonic = kd_clock_monotonic();
}

static kd_verdict answer_out(kd_branch *branch)
{
    kd_exchange *x = branch->x;
    return kd_exchange_answer(branch, 200, kd_buf_str(&x->worker->out), KD_STR("application/json; charset=utf-8"));
}

static kd_verdict enter_health(kd_branch *branch, const void *config, void *state)
{
    (void)config, (void)state;
    kd_buf *out = &branch->x->worker->out;
    kd_buf_reset(out, KD_OUT_KEEP);
    kd_buf_add(out, KD_STR("{\"agents\":{},\"now\":\""));
    kd_go_time_string(out, kd_clock_wall(), kd_elapsed(started_monotonic, kd_clock_monotonic()));
    kd_buf_add(out, KD_STR("\",\"status\":\"ok\"}"));
    return answer_out(branch);
}

const kd_step_type kd_core_health = {.module = "core", .name = "health", .enter = enter_health};

/* ---- the request's body, kept whole for debug and echo
 * ------------------------------------------------------------------ */

#define BODY_MAX (8u * 1024 * 1024)

typedef struct body {
    kd_branch *branch;
    char *p;
    size_t n, cap;
    bool asked, ready;
    uint16_t refused; /* status: too large, or no memory */
} body;

static void on_body(kd_exchange *x, kd_str piece, bool end, bool failed)
{
    body *b = x->body_owner;
    if (b->n + piece.n > b->cap && !b->refused) {
        size_t cap = b->cap ? b->cap * 2 : 4096;
        while (cap < b->n + piece.n)
            cap *= 2;
        char *p = cap > BODY_MAX ? NULL : kd_arena_alloc(x->front->arena, cap);
        if (p && b->n)
            memcpy(p, b->p, b->n);
        if (!p)
            b->refused = cap > BODY_MAX ? 413 : 503;
        if (p)
            b->p = p, b->cap = cap;
    }
    if (!b->refused && piece.n) {
        memcpy(b->p + b->n, piece.p, piece.n);
        b->n += piece.n;
    }
    if (end || failed || b->refused) {
        x->on_body = NULL;
        if (b->refused)
            x->front->ops->pause_body(x->front);
        b->ready = true;
        kd_branch_resume(b->branch);
    }
}

static void stop_body(void *what)
{
    body *b = what;
    b->branch->x->on_body = NULL;
    if (!b->branch->x->gone)
        b->branch->x->front->ops->pause_body(b->branch->x->front);
}

/* True when the body is there. */
static bool whole_body(kd_branch *branch, body *b)
{
    kd_exchange *x = branch->x;
    b->branch = branch;
    if (x->front->body_ended || b->ready)
        return true;
    b->asked = true;
    x->on_body = on_body;
    x->body_owner = b;
    x->body_taken = true;
    x->front->ops->read_body(x->front);
    kd_branch_wait(branch, KD_WAIT_BODY, stop_body, b);
    return false;
}

/* ---- debug
 * --------------------------------------------------------------------------------------------------------------- */

/* Go's %v of a map of string lists, keys sorted: map[A:[1 2] B:[3]]. The list is sorted by name. */
static void put_headers_v(kd_buf *out, kd_headers *headers)
{
    kd_headers_sort(headers);
    kd_buf_add(out, KD_STR("map["));
    for (uint32_t i = 0; i < headers->n;) {
        kd_str name = kd_header_name(&headers->v[i]);
        kd_buf_printf(out, "%s%.*s:[", i ? " " : "", KD_FMT(name));
        for (bool first = true; i < headers->n && kd_str_eq(kd_header_name(&headers->v[i]), name); i++, first = false)
            kd_buf_printf(out, "%s%.*s", first ? "" : " ", KD_FMT(kd_header_value(&headers->v[i])));
        kd_buf_byte(out, ']');
    }
    kd_buf_byte(out, ']');
}

/* False without memory. */
static bool query_as_headers(kd_exchange *x, kd_headers *out)
{
    kd_query query = {0};
    kd_headers_init(out, x->front->arena);
    if (!kd_go_query_parse(x->front->arena, x->front->head->query, &query))
        return false;
    for (uint32_t i = 0; i < query.n; i++)
        if (query.v[i].key.n <= UINT16_MAX && !kd_headers_add(out, query.v[i].key, query.v[i].value))
            return false;
    return true;
}

static void log_part(kd_exchange *x, const char *name, kd_str text)
{
    (void)x;
    kd_log(KD_LOG_DEBUG, "[ENDPOINT: /__debug/*] %s: %.*s", name, KD_FMT(text));
}

static kd_verdict enter_debug(kd_branch *branch, const void *config, void *state)
{
    (void)config;
    body *b = state;
    if (!whole_body(branch, b))
        return KD_WAIT;
    if (b->refused)
        return kd_exchange_answer(branch, b->refused, KD_STR(""), KD_STR(""));
    kd_exchange *x = branch->x;
    kd_buf *out = &x->worker->out;
    if (kd_log_wants(KD_LOG_DEBUG)) {
        kd_headers query;
        if (!query_as_headers(x, &query))
            return kd_exchange_answer(branch, 503, KD_STR(""), KD_STR(""));
        log_part(x, "Method", x->front->head->method_text);
        log_part(x, "URL", x->front->head->target);
        kd_buf_reset(out, KD_OUT_KEEP);
        put_headers_v(out, &query);
        log_part(x, "Query", kd_buf_str(out));
        kd_buf_reset(out, KD_OUT_KEEP);
        for (uint32_t i = 0; i < x->n_params; i++)
            kd_buf_printf(out, "%s{%.*s %.*s}", i ? " " : "[", KD_FMT(x->params[i].name), KD_FMT(x->params[i].value));
        kd_buf_byte(out, ']');
        log_part(x, "Params", kd_buf_str(out));
        kd_buf_reset(out, KD_OUT_KEEP);
        put_headers_v(out, &x->front->head->headers);
        log_part(x, "Headers", kd_buf_str(out));
        log_part(x, "Body", kd_str_of(b->p, b->n));
    }
    kd_buf_reset(out, KD_OUT_KEEP);
    kd_buf_add(out, KD_STR("{\"message\":\"pong\"}"));
    return answer_out(branch);
}

const kd_step_type kd_core_debug = {
    .module = "core", .name = "debug", .enter = enter_debug, .state_size = sizeof(body)};

/* ---- echo
 * ---------------------------------------------------------------------------------------------------------------- */

static void put_string(kd_buf *out, const char *key, kd_str s)
{
    kd_buf_printf(out, "%s\"%s\":", out->p[out->n - 1] == '{' ? "" : ",", key);
    kd_json_emit_string(out, s, KD_ORIGIN_BYTES);
}

static void put_lists(kd_buf *out, const char *key, kd_headers *lists)
{
    kd_headers_sort(lists);
    kd_buf_printf(out, ",\"%s\":{", key);
    for (uint32_t i = 0; i < lists->n;) {
        kd_str name = kd_header_name(&lists->v[i]);
        if (i)
            kd_buf_byte(out, ',');
        kd_json_emit_string(out, name, KD_ORIGIN_BYTES);
        kd_buf_add(out, KD_STR(":["));
        for (bool first = true; i < lists->n && kd_str_eq(kd_header_name(&lists->v[i]), name); i++, first = false) {
            if (!first)
                kd_buf_byte(out, ',');
            kd_json_emit_string(out, kd_header_value(&lists->v[i]), KD_ORIGIN_BYTES);
        }
        kd_buf_byte(out, ']');
    }
    kd_buf_byte(out, '}');
}

/* False without memory. */
static bool put_details(kd_exchange *x, kd_buf *out)
{
    kd_query query = {0};
    kd_buf encoded;
    kd_buf_init(&encoded, 4u * 1024 * 1024);
    if (!kd_go_query_parse(x->front->arena, x->front->head->query, &query))
        return false;
    kd_go_query_encode(&query, &encoded);
    kd_buf_add(out, KD_STR(",\"req_uri_details\":{"));
    put_string(out, "fragment", KD_STR(""));
    put_string(out, "host", x->front->head->host);
    put_string(out, "path", x->path);
    put_string(out, "query", kd_buf_str(&encoded));
    put_string(out, "user", KD_STR(""));
    kd_buf_byte(out, '}');
    bool ok = !encoded.failed;
    kd_buf_fini(&encoded);
    return ok;
}

static kd_verdict enter_echo(kd_branch *branch, const void *config, void *state)
{
    (void)config;
    body *b = state;
    if (!whole_body(branch, b))
        return KD_WAIT;
    if (b->refused)
        return kd_exchange_answer(branch, b->refused, KD_STR(""), KD_STR(""));
    kd_exchange *x = branch->x;
    kd_buf *out = &x->worker->out;
    kd_headers query;
    kd_buf_reset(out, KD_OUT_KEEP);
    kd_buf_byte(out, '{');
    put_string(out, "req_uri", x->front->head->target);
    if (!put_details(x, out) || !query_as_headers(x, &query))
        return kd_exchange_answer(branch, 503, KD_STR(""), KD_STR(""));
    put_string(out, "req_method", x->front->head->method_text);
    put_lists(out, "req_querystring", &query);
    put_string(out, "req_body", kd_str_of(b->p, b->n));
    put_lists(out, "req_headers", &x->front->head->headers);
    kd_buf_byte(out, '}');
    return answer_out(branch);
}

const kd_step_type kd_core_echo = {.module = "core", .name = "echo", .enter = enter_echo, .state_size = sizeof(body)};
