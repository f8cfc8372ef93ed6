/* A call's way past the cache: KrakenD's transport (spec/03 section 6.1). The outer step keeps what was read whole, the
 * inner one looks for an answer and stands between core.send and the network. */
#include "http/gunzip.h"
#include "modules/qos/http-cache/http_cache.h"
#include "text/go/header.h"

#include <stdlib.h>

/* An answer that somebody waits for is waited for only if it is short: a long one is no quicker than one's own. */
#define WAIT_MAX (256u * 1024)

typedef struct visit {
    kd_transport base;
    const kd_cache_config *config;
    kd_branch *branch;
    kd_scope scope;
    kd_method method;
    bool cacheable;
    kd_fingerprint key;
    kd_headers before;         /* the request's fields as they came here: nothing from further in */
    bool set_match, set_since; /* validators of ours are among the fields */
    bool directed;             /* it brings directives */
    kd_cache_control control;
    kd_cache_entry *hit;   /* what is stored */
    kd_cache_entry *given; /* what base.stored lies in */
    /* The answer that comes. */
    bool keeping;
    bool gzip; /* its coding is undone behind the cache */
    bool sized, chunked, closes;
    uint32_t reason_n;
    kd_call *call;
    kd_response *live; /* streamed: its fields as the client gets them */
    char *collected;
    size_t n, cap;
    kd_lane_place place;
} visit;

static const kd_transport_ops ops;

static kd_arena *arena_of(const visit *v)
{
    return v->branch->x->front->arena;
}

/* ---- the end ------------------------------------------------------------------------------------------------------
 */

static void drop_collected(visit *v)
{
    kd_ledger_release(KD_ACCOUNT_CACHES, v->cap);
    free(v->collected);
    v->collected = NULL;
    v->n = v->cap = 0;
    v->keeping = false;
}

static void let_go(kd_cache_entry **entry)
{
    if (*entry)
        kd_cache_entry_unref(*entry);
    *entry = NULL;
}

/* The exchange ends, or the branch is given up. Those who wait for it are not to blame: one of them asks. */
static void on_cancel(kd_scope *scope)
{
    visit *v = KD_CONTAINER(scope, visit, scope);
    drop_collected(v);
    kd_lane_end(&v->place, false);
    let_go(&v->hit);
    let_go(&v->given);
}

/* ---- fields -------------------------------------------------------------------------------------------------------
 */

static kd_str value_of(const kd_headers *headers, kd_str name)
{
    const kd_header *h = kd_headers_find_name(headers, name);
    return h ? kd_header_value(h) : KD_STR("");
}

/* The next name of all Vary lines, canonical. *at and *rest are 0 at first. */
static bool next_varying(kd_arena *arena, const kd_headers *headers, uint32_t *at, kd_str *rest, kd_str *name)
{
    while (!rest->p) {
        while (*at < headers->n && headers->v[*at].token != KD_HEADER_VARY)
            ++*at;
        if (*at == headers->n)
            return false;
        *rest = kd_header_value(&headers->v[(*at)++]);
    }
    if (!kd_str_split(rest, ',', name))
        return next_varying(arena, headers, at, rest, name);
    *name = kd_arena_copy(arena, kd_str_trim(*name));
    if (name->p)
        kd_go_header_canonical((char *)name->p, name->n);
    return true;
}

static kd_str varied_name(kd_arena *arena, kd_str name)
{
    return kd_arena_printf(arena, "X-Varied-%.*s", KD_FMT(name));
}

static kd_headers headers_of(const kd_cache_entry *entry)
{
    return (kd_headers){.v = (kd_header *)entry->headers, .n = entry->n_headers, .cap = entry->n_headers};
}

/* Was what is stored asked for with the same values of the fields that it depends on? */
static bool varies_alike(visit *v)
{
    kd_headers stored = headers_of(v->hit);
    const kd_headers *asked = v->before.v ? &v->before : &v->branch->request->headers;
    uint32_t at = 0;
    kd_str rest = {0}, name;
    if (KD_LIKELY(!v->hit->facts.varies))
        return true;
    while (next_varying(arena_of(v), &stored, &at, &rest, &name)) {
        kd_str varied = name.p ? varied_name(arena_of(v), name) : name;
        if (!varied.p || (name.n && !kd_str_eq(value_of(asked, name), value_of(&stored, varied))))
            return false;
    }
    return true;
}

/* Notes on the answer what the request said of the fields that it depends on. KrakenD's clients see that, too. False
 * without memory: nobody would know the variant. */
static bool note_variant(visit *v, kd_headers *answer)
{
    uint32_t at = 0;
    kd_str rest = {0}, name;
    if (KD_LIKELY(!kd_headers_find(answer, KD_HEADER_VARY)))
        return true;
    while (next_varying(arena_of(v), answer, &at, &rest, &name)) {
        if (!name.p)
            return false;
        kd_str value = name.n ? value_of(&v->before, name) : KD_STR(""), varied;
        if (!value.n)
            continue;
        varied = varied_name(arena_of(v), name);
        if (!varied.p || varied.n > UINT16_MAX || !kd_headers_set(answer, varied, value))
            return false;
    }
    return true;
}

/* ---- giving what is stored ----------------------------------------------------------------------------------------
 */

static bool give(visit *v, kd_cache_entry *entry, const kd_headers *headers)
{
    kd_header *copy = kd_arena_alloc(arena_of(v), (headers->n + 1) * sizeof *copy);
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
    v->base.stored.headers = (kd_headers){.v = copy, .n = headers->n, .cap = headers->n + 1, .arena = arena_of(v)};
    return true;
}

static bool give_hit(visit *v)
{
    kd_headers headers = headers_of(v->hit);
    return give(v, v->hit, &headers);
}

/* "only-if-cached", and there is nothing. */
static bool give_nothing(visit *v)
{
    v->base.has_stored = true;
    v->base.stored = (kd_stored){.status = 504, .method = v->method, .body = KD_STR("")};
    kd_headers_init(&v->base.stored.headers, arena_of(v));
    return true;
}

/* ---- asking -------------------------------------------------------------------------------------------------------
 */

/* METHOD, user, scheme://host:port, path?query. GET alone has no name in front. */
static bool make_key(visit *v)
{
    const kd_request *r = v->branch->request;
    kd_str parts[] = {v->method == KD_METHOD_GET ? KD_STR("") : KD_STR("HEAD "), r->basic_user, r->target->key,
                      r->request_target};
    size_t n = 1;
    for (size_t i = 0; i < KD_COUNT(parts); i++)
        n += parts[i].n;
    char *text = kd_arena_alloc(arena_of(v), n), *at = text;
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
static bool remember_fields(visit *v)
{
    const kd_headers *now = &v->branch->request->headers;
    if (v->before.v)
        return true;
    kd_header *copy = kd_arena_alloc(arena_of(v), (now->n + 1) * sizeof *copy);
    if (!copy)
        return false;
    if (now->n)
        memcpy(copy, now->v, now->n * sizeof *copy);
    v->before = (kd_headers){.v = copy, .n = now->n, .cap = now->n + 1, .arena = arena_of(v)};
    return true;
}

static bool set_validator(visit *v, kd_str from, kd_str twin, kd_str to)
{
    kd_headers stored = headers_of(v->hit);
    kd_str value = value_of(&stored, from);
    return value.n && !value_of(&v->before, twin).n && kd_headers_set(&v->branch->request->headers, to, value);
}

static void set_validators(visit *v)
{
    v->set_match = set_validator(v, KD_STR("Etag"), KD_STR("Etag"), KD_STR("If-None-Match"));
    v->set_since = set_validator(v, KD_STR("Last-Modified"), KD_STR("Last-Modified"), KD_STR("If-Modified-Since"));
}

static void restore_field(visit *v, bool set, kd_str name)
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
static bool look(visit *v, kd_method method)
{
    const kd_headers *fields = &v->branch->request->headers;
    bool known = method == KD_METHOD_GET || method == KD_METHOD_HEAD;
    const kd_header *range = kd_headers_find(fields, KD_HEADER_RANGE);
    v->method = method;
    v->base.has_stored = false;
    let_go(&v->hit);
    v->cacheable = known && !(range && range->value_n);
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
    bool alike = varies_alike(v);
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
    visit *v = KD_CONTAINER(t, visit, base);
    (void)branch;
    drop_collected(v);
    restore_field(v, v->set_match, KD_STR("If-None-Match"));
    restore_field(v, v->set_since, KD_STR("If-Modified-Since"));
    v->set_match = v->set_since = false;
    v->live = NULL;
    return look(v, method);
}

/* ---- waiting for another's answer ---------------------------------------------------------------------------------
 */

static _Atomic uint64_t *mark_of(visit *v)
{
    return &v->config->cache->alone[v->key.a % KD_CACHE_MARKS];
}

/* Those who wait are told; what could not serve them is not waited for again. */
static void end_lane(visit *v, bool alone)
{
    if (v->place.role == KD_LANE_OUTSIDE)
        return;
    atomic_store_explicit(mark_of(v), alone ? v->key.b : 0, memory_order_relaxed);
    kd_lane_end(&v->place, alone);
}

/* Would this request take any answer that comes now, as it would a moment later? Not with credentials: KrakenD shares
 * what is stored, but not what is under way. */
static bool may_wait(const visit *v)
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
static bool goes_first(visit *v)
{
    if (!may_wait(v) || atomic_load_explicit(mark_of(v), memory_order_relaxed) == v->key.b)
        return true;
    return kd_lane_join(v->config->cache->lanes, &v->place, v->key, v->branch) == KD_LANE_FIRST;
}

/* ---- keeping ------------------------------------------------------------------------------------------------------
 */

/* The length of the answer as net/http/httputil dumps it: what limits count. */
static uint64_t dumped(const visit *v, const kd_headers *headers, uint64_t body)
{
    uint64_t n = sizeof("HTTP/1.1 200 ") - 1 + v->reason_n + 2 + 2;
    char digits[20];
    if (v->sized)
        n += sizeof("Content-Length: ") - 1 + kd_u64_write(digits, body) + 2;
    if (v->closes)
        n += sizeof("Connection: close\r\n") - 1;
    if (v->chunked)
        n += sizeof("Transfer-Encoding: chunked\r\n0\r\n\r\n") - 1;
    if (v->chunked && body) {
        n += 4;
        for (uint64_t left = body; left; left >>= 4)
            n++;
    }
    for (uint32_t i = 0; i < headers->n; i++)
        if (headers->v[i].token != KD_HEADER_CONTENT_LENGTH && headers->v[i].token != KD_HEADER_TRAILER)
            n += headers->v[i].name_n + headers->v[i].value_n + 4u;
    return n + body;
}

/* Stores the answer. True: it can serve others. */
static bool store(visit *v, unsigned status, const kd_headers *headers, kd_str body)
{
    kd_cache_store *to = v->config->cache->store;
    kd_cache_facts facts = kd_cache_facts_read(headers);
    kd_ns now = kd_clock_wall();
    if (!v->config->keep_all && !kd_cache_is_useful(&facts, now)) {
        kd_cache_store_remove(to, v->key);
        return false;
    }
    kd_cache_entry *entry = kd_cache_entry_create(v->key, (uint16_t)status, headers, body.n);
    if (!entry && kd_cache_store_make_room(to, body.n + 4096))
        entry = kd_cache_entry_create(v->key, (uint16_t)status, headers, body.n);
    if (!entry) {
        kd_cache_store_remove(to, v->key);
        return false;
    }
    if (body.n)
        memcpy((char *)entry->body.p, body.p, body.n);
    entry->facts = facts;
    entry->sized = v->sized;
    entry->size = dumped(v, headers, body.n);
    kd_cache_store_put(to, entry);
    return kd_cache_fresh(&facts, NULL, now) == KD_CACHE_FRESH;
}

/* Room for n bytes more of what is collected. */
static bool collect_room(visit *v, size_t n)
{
    if (n <= v->cap - v->n)
        return true;
    size_t cap = v->cap ? v->cap * 2 : 16384;
    while (cap - v->n < n)
        cap *= 2;
    if (!kd_cache_store_make_room(v->config->cache->store, cap) || !kd_ledger_reserve(KD_ACCOUNT_CACHES, cap - v->cap))
        return false;
    char *p = realloc(v->collected, cap);
    if (!p) {
        kd_ledger_release(KD_ACCOUNT_CACHES, cap - v->cap);
        return false;
    }
    v->collected = p;
    v->cap = cap;
    return true;
}

static bool collect(void *owner, kd_str piece)
{
    visit *v = owner;
    if (!collect_room(v, piece.n))
        return false;
    if (piece.n)
        memcpy(v->collected + v->n, piece.p, piece.n);
    v->n += piece.n;
    return true;
}

/* Undoes gzip into a buffer of its own. False: it is broken, or there is no room. */
static bool inflate(visit *v, kd_str body)
{
    char *packed = v->collected;
    size_t cap = v->cap;
    v->collected = NULL;
    v->n = v->cap = 0;
    kd_gunzip *z = kd_gunzip_begin(arena_of(v));
    bool ok = z && kd_gunzip_feed(z, body, true, collect, v) == KD_GUNZIP_END;
    if (z)
        kd_gunzip_end(z);
    kd_ledger_release(KD_ACCOUNT_CACHES, cap);
    free(packed);
    return ok;
}

/* The answer has come whole. */
static void keep(visit *v, unsigned status, kd_headers headers, kd_str body)
{
    bool serves = false;
    if (v->gzip) {
        uint32_t kept = 0;
        kd_header *copy = kd_arena_alloc(arena_of(v), (headers.n + 1) * sizeof *copy);
        for (uint32_t i = 0; copy && i < headers.n; i++)
            if (headers.v[i].token != KD_HEADER_CONTENT_ENCODING && headers.v[i].token != KD_HEADER_CONTENT_LENGTH)
                copy[kept++] = headers.v[i];
        headers = (kd_headers){.v = copy, .n = kept, .cap = kept};
        if (copy && inflate(v, body))
            serves = store(v, status, &headers, kd_str_of(v->collected, v->n));
    } else {
        serves = store(v, status, &headers, body);
    }
    drop_collected(v);
    end_lane(v, !serves);
}

static void on_data(kd_transport *t, kd_str piece, bool end)
{
    visit *v = KD_CONTAINER(t, visit, base);
    if (!v->keeping)
        return;
    if (!(end && v->n == 0) && !collect(v, piece)) {
        drop_collected(v);
        end_lane(v, true);
        return;
    }
    if (end)
        keep(v, v->call->head.status, v->live ? v->live->headers : v->call->head.headers,
             v->n ? kd_str_of(v->collected, v->n) : piece);
}

/* ---- the answer's head --------------------------------------------------------------------------------------------
 */

static bool is_hop_by_hop(const kd_headers *headers, const kd_header *h)
{
    static const kd_str always[] = {KD_STR_INIT("Connection"),
                                    KD_STR_INIT("Keep-Alive"),
                                    KD_STR_INIT("Proxy-Authenticate"),
                                    KD_STR_INIT("Proxy-Authorization"),
                                    KD_STR_INIT("Te"),
                                    KD_STR_INIT("Trailers"),
                                    KD_STR_INIT("Transfer-Encoding"),
                                    KD_STR_INIT("Upgrade"),
                                    KD_STR_INIT("Content-Length")}; /* of the 304 itself */
    kd_str name = kd_header_name(h), item;
    for (size_t i = 0; i < KD_COUNT(always); i++)
        if (kd_str_eq(name, always[i]))
            return true;
    const kd_header *connection = kd_headers_find(headers, KD_HEADER_CONNECTION);
    kd_str rest = connection ? kd_header_value(connection) : (kd_str){NULL, 0};
    while (rest.p && kd_str_split(&rest, ',', &item))
        if (kd_str_eq_ci(kd_str_trim(item), name))
            return true;
    return false;
}

/* The stored fields with those of a 304 in their place. */
static bool merge_fields(visit *v, const kd_headers *news, kd_headers *out)
{
    kd_headers stored = headers_of(v->hit);
    kd_headers_init(out, arena_of(v));
    for (uint32_t i = 0; i < stored.n; i++) {
        bool replaced = false;
        for (uint32_t k = 0; k < news->n && !replaced; k++)
            replaced = kd_str_eq(kd_header_name(&stored.v[i]), kd_header_name(&news->v[k])) &&
                       !is_hop_by_hop(news, &news->v[k]);
        kd_header *room = replaced ? NULL : kd_headers_room(out);
        if (room)
            *room = stored.v[i], out->n++;
    }
    for (uint32_t k = 0; k < news->n; k++) {
        kd_header *room = is_hop_by_hop(news, &news->v[k]) ? NULL : kd_headers_room(out);
        if (room)
            *room = news->v[k], out->n++;
    }
    return !out->failed;
}

/* 304: what is stored is good, and has new fields. */
static bool revalidated(visit *v, const kd_call *call)
{
    kd_headers merged;
    if (!merge_fields(v, &call->head.headers, &merged))
        return false;
    v->sized = v->hit->sized;
    v->chunked = v->closes = v->gzip = false;
    v->reason_n = 2;
    bool serves = false;
    if (v->control.no_store || kd_cache_control_read(&merged).no_store || !note_variant(v, &merged))
        kd_cache_store_remove(v->config->cache->store, v->key);
    else
        serves = store(v, v->hit->status, &merged, v->hit->body);
    end_lane(v, !serves);
    return !merged.failed && give(v, v->hit, &merged);
}

static bool stands_in(visit *v)
{
    return v->hit && v->method == KD_METHOD_GET &&
           kd_cache_stands_in(&v->hit->facts, v->directed ? &v->control : NULL, kd_clock_wall());
}

static bool undoes_gzip(const visit *v, const kd_headers *answer)
{
    const kd_header *coding = kd_headers_find(answer, KD_HEADER_CONTENT_ENCODING);
    return coding && v->config->compression && v->method != KD_METHOD_HEAD &&
           kd_str_eq_ci(kd_header_value(coding), KD_STR("gzip")) &&
           !kd_headers_find(&v->before, KD_HEADER_ACCEPT_ENCODING) && !kd_headers_find(&v->before, KD_HEADER_RANGE);
}

/* Is the answer worth waiting for? */
static bool is_soon_there(const visit *v, const kd_call *call)
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
    visit *v = KD_CONTAINER(t, visit, base);
    unsigned status = call->head.status;
    kd_headers *answer = &call->head.headers;
    v->keeping = false;
    if (!v->cacheable)
        return false;
    if (v->hit && v->method == KD_METHOD_GET && status == 304 && revalidated(v, call))
        return true;
    if (status >= 500 && stands_in(v) && give_hit(v)) {
        end_lane(v, true);
        return true;
    }
    bool keeps = !v->control.no_store && !kd_cache_control_read(answer).no_store && note_variant(v, answer);
    if (!keeps || (v->hit && status != 200))
        kd_cache_store_remove(v->config->cache->store, v->key);
    if (!keeps) {
        end_lane(v, true);
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
        keep(v, status, *answer, KD_STR(""));
        return false;
    }
    if (!v->keeping || !is_soon_there(v, call))
        end_lane(v, true);
    return false;
}

static bool on_fail(kd_transport *t)
{
    visit *v = KD_CONTAINER(t, visit, base);
    if (!v->cacheable)
        return false;
    end_lane(v, true);
    if (stands_in(v) && give_hit(v))
        return true;
    if (v->hit)
        kd_cache_store_remove(v->config->cache->store, v->key);
    return false;
}

static const kd_transport_ops ops = {
    .on_request = on_request, .on_head = on_head, .on_data = on_data, .on_fail = on_fail};

/* ---- the steps ----------------------------------------------------------------------------------------------------
 */

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

static kd_verdict answer(visit *v)
{
    room *r = KD_NEW(arena_of(v), room);
    if (!r)
        return kd_branch_fail(v->branch, KD_FAIL_SHED, KD_STR("out of memory"));
    kd_giving to = {&r->call, &r->received, &r->stream, &r->response};
    return kd_stored_give(v->branch, &v->config->reading, &v->base.stored, &to);
}

static kd_verdict enter_visit(kd_branch *branch, const void *config, void *state)
{
    visit *v = state;
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
                                     .state_size = sizeof(visit),
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
    visit *v = KD_CONTAINER(t, visit, base);
    const kd_received *r = branch->received;
    const kd_reading *reading = &v->config->reading;
    branch->transport = NULL;
    if (reading->raw && !branch->outcome.fault) {
        v->live = branch->outcome.response;
        return KD_NEXT;
    }
    bool read = r && !r->cut.n && (r->status == 200 || r->status == 201 || reading->keep_errors || reading->keep_noop);
    if (v->keeping && read)
        keep(v, r->status, *r->headers, kd_str_of(r->body, r->n));
    drop_collected(v);
    const kd_fault *fault = branch->outcome.fault;
    end_lane(v, !fault || fault->failure != KD_FAIL_CANCELLED);
    return KD_NEXT;
}

const kd_step_type kd_cache_keep = {
    .module = "qos/http-cache", .name = "keep", .compile = compile_keep, .leave = leave_keep};
