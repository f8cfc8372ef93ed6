/* A call's way past the cache: KrakenD's transport (spec/03 section 6.1). The outer step keeps what was read whole, the
 * inner one looks for an answer and stands between core.send and the network. */
#include "modules/qos/http-cache/visit.h"

/* An answer that somebody waits for is waited for only if it is short: a long one is no quicker than one's own. */
#define WAIT_MAX (256u * 1024)

static const kd_transport_ops ops;

/* ---- the end ---------------------------------------------------------------------------------------------------- */

static void let_go(kd_cache_entry **entry)
{
    if (*entry)
        kd_cache_entry_unref(*entry);
    *entry = NULL;
}

/* The exchange ends, or the branch is given up. Those who wait for it are not to blame: one of them asks. */
static void on_cancel(kd_scope *scope)
{
    kd_visit *v = KD_CONTAINER(scope, kd_visit, scope);
    kd_visit_drop(v);
    kd_lane_end(&v->place, false);
    let_go(&v->hit);
    let_go(&v->given);
}

/* ---- giving what is stored -------------------------------------------------------------------------------------- */

static bool give(kd_visit *v, kd_cache_entry *entry, const kd_headers *headers)
{
    kd_header *copy = kd_arena_alloc(kd_visit_arena(v), (headers->n + 1) * sizeof *copy);
    if (!copy)
        return false;
    if (headers->n)
        memcpy(copy, headers->v, headers->n * sizeof *copy);
    if (v->given != entry) {
        let_go(&v->given);
        v->given = kd_cache_entry_ref(entry);
    }
    v->base.has_stored = true;
    v->base.stored =
        (kd_stored){.status = entry->status, .method = v->method, .body = entry->body, .sized = entry->sized};
    v->base.stored.headers =
        (kd_headers){.v = copy, .n = headers->n, .cap = headers->n + 1, .arena = kd_visit_arena(v)};
    return true;
}

static bool give_hit(kd_visit *v)
{
    kd_headers headers = kd_visit_stored_fields(v->hit);
    return give(v, v->hit, &headers);
}

/* "only-if-cached", and there is nothing. */
static bool give_nothing(kd_visit *v)
{
    v->base.has_stored = true;
    v->base.stored = (kd_stored){.status = 504, .method = v->method, .body = KD_STR("")};
    kd_headers_init(&v->base.stored.headers, kd_visit_arena(v));
    return true;
}

/* ---- asking ----------------------------------------------------------------------------------------------------- */

/* METHOD, user, scheme://host:port, path?query. GET alone has no name in front. */
static bool make_key(kd_visit *v)
{
    const kd_request *r = v->branch->request;
    kd_str parts[] = {v->method == KD_METHOD_GET ? KD_STR("") : KD_STR("HEAD "), r->basic_user, r->target->key,
                      r->request_target};
    size_t n = 1;
    for (size_t i = 0; i < KD_COUNT(parts); i++)
        n += parts[i].n;
    char *text = kd_arena_alloc(kd_visit_arena(v), n), *at = text;
    if (!text)
        return false;
    for (size_t i = 0; i < KD_COUNT(parts); i++) {
        if (parts[i].n)
            memcpy(at, parts[i].p, parts[i].n);
        at += parts[i].n;
        if (i == 1)
            *at++ = '\n';
    }
    v->key = kd_hash_fingerprint(kd_str_of(text, n));
    return true;
}

/* Fields of the request as they are now: a later step adds what is none of the cache's business. */
static bool remember_fields(kd_visit *v)
{
    const kd_headers *now = &v->branch->request->headers;
    if (v->before.v)
        return true;
    kd_header *copy = kd_arena_alloc(kd_visit_arena(v), (now->n + 1) * sizeof *copy);
    if (!copy)
        return false;
    if (now->n)
        memcpy(copy, now->v, now->n * sizeof *copy);
    v->before = (kd_headers){.v = copy, .n = now->n, .cap = now->n + 1, .arena = kd_visit_arena(v)};
    return true;
}

static bool set_validator(kd_visit *v, kd_str from, kd_str twin, kd_str to)
{
    kd_headers stored = kd_visit_stored_fields(v->hit);
    kd_str value = kd_visit_value(&stored, from);
    return value.n && !kd_visit_value(&v->before, twin).n && kd_headers_set(&v->branch->request->headers, to, value);
}

static void set_validators(kd_visit *v)
{
    v->set_match = set_validator(v, KD_STR("Etag"), KD_STR("Etag"), KD_STR("If-None-Match"));
    v->set_since = set_validator(v, KD_STR("Last-Modified"), KD_STR("Last-Modified"), KD_STR("If-Modified-Since"));
}

static void restore_field(kd_visit *v, bool set, kd_str name)
{
    kd_headers *fields = &v->branch->request->headers;
    if (!set)
        return;
    kd_headers_remove(fields, name);
    for (uint32_t i = 0; i < v->before.n; i++) {
        kd_header *room;
        if (kd_str_eq(kd_header_name(&v->before.v[i]), name) && (room = kd_headers_room(fields)))
            *room = v->before.v[i], fields->n++;
    }
}

/* Is there an answer for the request? True: base.stored. Else the network is asked, maybe with validators. */
static bool look(kd_visit *v, kd_method method)
{
    const kd_headers *fields = &v->branch->request->headers;
    bool known = method == KD_METHOD_GET || method == KD_METHOD_HEAD;
    v->method = method;
    v->base.has_stored = false;
    let_go(&v->hit);
    v->cacheable = known && !kd_headers_say(fields, KD_HEADER_RANGE);
    if (!known || !make_key(v)) {
        v->cacheable = false;
        return false;
    }
    if (!v->cacheable) {
        kd_cache_store_remove(v->config->cache->store, v->key);
        return false;
    }
    v->directed = kd_headers_find(fields, KD_HEADER_CACHE_CONTROL) != NULL;
    v->control = v->directed ? kd_cache_control_read(fields) : (kd_cache_control){0};
    v->hit = kd_cache_store_get(v->config->cache->store, v->key);
    if (!v->hit && v->control.only_if_cached)
        return give_nothing(v);
    if (!v->hit) {
        v->cacheable = remember_fields(v);
        return false;
    }
    bool alike = kd_visit_varies_alike(v);
    kd_cache_freshness fresh = alike ? kd_cache_fresh(&v->hit->facts, v->directed ? &v->control : NULL, kd_clock_wall())
                                     : KD_CACHE_TRANSPARENT;
    if (fresh == KD_CACHE_FRESH)
        return give_hit(v);
    v->cacheable = remember_fields(v);
    if (v->cacheable && fresh == KD_CACHE_STALE)
        set_validators(v);
    return false;
}

/* Another request leads the same way after a redirect. */
static bool on_request(kd_transport *t, kd_branch *branch, kd_method method)
{
    kd_visit *v = KD_CONTAINER(t, kd_visit, base);
    (void)branch;
    kd_visit_drop(v);
    restore_field(v, v->set_match, KD_STR("If-None-Match"));
    restore_field(v, v->set_since, KD_STR("If-Modified-Since"));
    v->set_match = v->set_since = false;
    v->live = NULL;
    return look(v, method);
}

/* ---- waiting for another's answer ------------------------------------------------------------------------------- */

/* Would this request take any answer that comes now, as it would a moment later? Not with credentials: KrakenD shares
 * what is stored, but not what is under way. */
static bool may_wait(const kd_visit *v)
{
    static const kd_token own[] = {KD_HEADER_AUTHORIZATION, KD_HEADER_COOKIE};
    const kd_headers *fields = &v->before;
    if (!v->cacheable || v->method != KD_METHOD_GET || v->directed)
        return false;
    if (v->hit && (!v->hit->facts.dated || v->hit->facts.lifetime <= 0 || v->hit->facts.varies))
        return false;
    for (size_t i = 0; i < KD_COUNT(own); i++)
        if (kd_headers_find(fields, own[i]))
            return false;
    for (uint32_t i = 0; i < fields->n; i++)
        if (fields->v[i].token == KD_HEADER_OTHER && kd_str_starts(kd_header_name(&fields->v[i]), KD_STR("If-")))
            return false;
    return true;
}

/* Is the request the one that asks? False: it waits. */
static bool goes_first(kd_visit *v)
{
    if (!may_wait(v) || atomic_load_explicit(kd_visit_mark(v), memory_order_relaxed) == v->key.b)
        return true;
    return kd_lane_join(v->config->cache->lanes, &v->place, v->key, v->branch) == KD_LANE_FIRST;
}

static void on_data(kd_transport *t, kd_str piece, bool end)
{
    kd_visit *v = KD_CONTAINER(t, kd_visit, base);
    if (!v->keeping)
        return;
    if (!(end && v->n == 0) && !kd_visit_collect(v, piece)) {
        kd_visit_drop(v);
        kd_visit_end_lane(v, true);
        return;
    }
    if (end)
        kd_visit_keep(v, v->call->head.status, v->live ? v->live->headers : v->call->head.headers,
                      v->n ? kd_str_of(v->collected, v->n) : piece);
}

/* ---- the answer's head ------------------------------------------------------------------------------------------ */

/* 304: what is stored is good, and has new fields. */
static bool revalidated(kd_visit *v, const kd_call *call)
{
    kd_headers merged;
    if (!kd_visit_merge_fields(v, &call->head.headers, &merged))
        return false;
    v->sized = v->hit->sized;
    v->chunked = v->closes = v->gzip = false;
    v->reason_n = 2;
    bool serves = false;
    if (v->control.no_store || kd_cache_control_read(&merged).no_store || !kd_visit_note_variant(v, &merged))
        kd_cache_store_remove(v->config->cache->store, v->key);
    else
        serves = kd_visit_store(v, v->hit->status, &merged, v->hit->body);
    kd_visit_end_lane(v, !serves);
    return !merged.failed && give(v, v->hit, &merged);
}

static bool stands_in(kd_visit *v)
{
    return v->hit && v->method == KD_METHOD_GET &&
           kd_cache_stands_in(&v->hit->facts, v->directed ? &v->control : NULL, kd_clock_wall());
}

static bool undoes_gzip(const kd_visit *v, const kd_headers *answer)
{
    const kd_header *coding = kd_headers_find(answer, KD_HEADER_CONTENT_ENCODING);
    return coding && v->config->compression && v->method != KD_METHOD_HEAD &&
           kd_str_eq_ci(kd_header_value(coding), KD_STR("gzip")) &&
           !kd_headers_say(&v->before, KD_HEADER_ACCEPT_ENCODING) && !kd_headers_say(&v->before, KD_HEADER_RANGE);
}

/* Is the answer worth waiting for? */
static bool is_soon_there(const kd_visit *v, const kd_call *call)
{
    kd_cache_facts facts = kd_cache_facts_read(&call->head.headers);
    unsigned status = call->head.status;
    if (kd_cache_fresh(&facts, NULL, kd_clock_wall()) != KD_CACHE_FRESH ||
        kd_headers_find(&call->head.headers, KD_HEADER_SET_COOKIE))
        return false;
    if (v->config->reading.raw)
        return call->head.framing == KD_FRAMING_LENGTH && call->head.length <= WAIT_MAX;
    return status == 200 || status == 201 || v->config->reading.keep_errors;
}

static bool on_head(kd_transport *t, kd_call *call)
{
    kd_visit *v = KD_CONTAINER(t, kd_visit, base);
    unsigned status = call->head.status;
    kd_headers *answer = &call->head.headers;
    v->keeping = false;
    if (!v->cacheable)
        return false;
    if (v->hit && v->method == KD_METHOD_GET && status == 304 && revalidated(v, call))
        return true;
    if (status >= 500 && stands_in(v) && give_hit(v)) {
        kd_visit_end_lane(v, true);
        return true;
    }
    bool keeps = !v->control.no_store && !kd_cache_control_read(answer).no_store && kd_visit_note_variant(v, answer);
    if (!keeps || (v->hit && status != 200))
        kd_cache_store_remove(v->config->cache->store, v->key);
    if (!keeps) {
        kd_visit_end_lane(v, true);
        return false;
    }
    v->call = call;
    v->gzip = undoes_gzip(v, answer);
    v->sized = call->head.framing == KD_FRAMING_LENGTH && !v->gzip;
    v->chunked = call->head.framing == KD_FRAMING_CHUNKED && !v->gzip;
    v->closes = call->head.framing == KD_FRAMING_CLOSE && !v->gzip;
    v->reason_n = (uint32_t)call->head.reason.n;
    v->keeping = !v->config->max_size || !v->sized || call->head.length < v->config->max_size;
    if (v->method == KD_METHOD_HEAD) {
        kd_visit_keep(v, status, *answer, KD_STR(""));
        return false;
    }
    if (!v->keeping || !is_soon_there(v, call))
        kd_visit_end_lane(v, true);
    return false;
}

static bool on_fail(kd_transport *t)
{
    kd_visit *v = KD_CONTAINER(t, kd_visit, base);
    if (!v->cacheable)
        return false;
    kd_visit_end_lane(v, true);
    if (stands_in(v) && give_hit(v))
        return true;
    if (v->hit)
        kd_cache_store_remove(v->config->cache->store, v->key);
    return false;
}

static const kd_transport_ops ops = {
    .on_request = on_request, .on_head = on_head, .on_data = on_data, .on_fail = on_fail};

/* ---- the steps -------------------------------------------------------------------------------------------------- */

typedef struct room {
    kd_call call;
    kd_received received;
    kd_stream_body stream;
    kd_response response;
} room;

static bool compile_visit(const kd_compile *compile, kd_compiled *out)
{
    const kd_cache_config *c = kd_cache_compile(compile);
    out->config = c;
    out->at = compile->backend->at;
    return c != NULL;
}

static kd_verdict answer(kd_visit *v)
{
    room *r = KD_NEW(kd_visit_arena(v), room);
    if (!r)
        return kd_branch_fail(v->branch, KD_FAIL_SHED, KD_STR("out of memory"));
    kd_giving to = {&r->call, &r->received, &r->stream, &r->response};
    return kd_stored_give(v->branch, &v->config->reading, &v->base.stored, &to);
}

static kd_verdict enter_visit(kd_branch *branch, const void *config, void *state)
{
    kd_visit *v = state;
    if (!v->branch) {
        v->base.ops = &ops;
        v->config = config;
        v->branch = branch;
        branch->transport = &v->base;
        kd_scope_init(&v->scope, &branch->x->scope, on_cancel, "cache");
    }
    if (v->place.alone) /* what another was given is not for this one: it asks, as it would have without waiting */
        return KD_NEXT;
    bool found = look(v, kd_method_of(branch->request->method));
    if (KD_LIKELY(found))
        return kd_stored_redirects(&v->base.stored) ? KD_NEXT : answer(v);
    if (goes_first(v))
        return KD_NEXT;
    return kd_lane_wait(&v->place);
}

static void explain_visit(const void *config, kd_buf *out)
{
    const kd_cache_config *c = config;
    kd_buf_printf(out, "%s cache", c->shared ? "the shared" : "a");
    if (c->max_size)
        kd_buf_printf(out, " of %llu answers and %llu bytes", (unsigned long long)c->max_items,
                      (unsigned long long)c->max_size);
}

const kd_step_type kd_cache_visit = {.module = "qos/http-cache",
                                     .name = "cache",
                                     .compile = compile_visit,
                                     .enter = enter_visit,
                                     .state_size = sizeof(kd_visit),
                                     .explain = explain_visit};

static bool compile_keep(const kd_compile *compile, kd_compiled *out)
{
    out->at = compile->backend->at;
    return kd_cache_block(compile) != NULL;
}

/* What was read whole is kept here, behind all that may edit its fields. */
static kd_verdict leave_keep(kd_branch *branch, const void *config, void *state)
{
    (void)config, (void)state;
    kd_transport *t = branch->transport;
    if (!t || t->ops != &ops)
        return KD_NEXT;
    kd_visit *v = KD_CONTAINER(t, kd_visit, base);
    const kd_received *r = branch->received;
    const kd_reading *reading = &v->config->reading;
    branch->transport = NULL;
    if (reading->raw && !branch->outcome.fault) {
        v->live = branch->outcome.response;
        return KD_NEXT;
    }
    bool read = r && !r->cut.n && (r->status == 200 || r->status == 201 || reading->keep_errors || reading->keep_noop);
    if (v->keeping && read)
        kd_visit_keep(v, r->status, *r->headers, kd_str_of(r->body, r->n));
    kd_visit_drop(v);
    const kd_fault *fault = branch->outcome.fault;
    if (fault && fault->failure == KD_FAIL_CANCELLED)
        kd_lane_end(&v->place, false); /* those who wait are not to blame: one of them asks */
    kd_visit_end_lane(v, true);
    return KD_NEXT;
}

const kd_step_type kd_cache_keep = {
    .module = "qos/http-cache", .name = "keep", .compile = compile_keep, .leave = leave_keep};
