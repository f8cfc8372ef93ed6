/* What a backend's answer means: its status, then its body as data (spec/01 sections 7.11, 8.4, 9.1). */
#include "gateway/steps/core.h"
#include "http/gunzip.h"
#include "text/feed.h"
#include "text/xml.h"

typedef enum decoder {
    DECODE_JSON,
    DECODE_SAFEJSON,
    DECODE_STRING,
    DECODE_XML,
    DECODE_RSS,
    DECODE_NOTHING,
    DECODE_RAW, /* has no name: no-op where the endpoint's output is too */
} decoder;

/* What is not here is json. */
static const kd_str decoders[] = {
    [DECODE_JSON] = KD_STR_INIT("json"),
    [DECODE_SAFEJSON] = KD_STR_INIT("safejson"),
    [DECODE_STRING] = KD_STR_INIT("string"),
    [DECODE_XML] = KD_STR_INIT("xml"),
    [DECODE_RSS] = KD_STR_INIT("rss"),
    [DECODE_NOTHING] = KD_STR_INIT("no-op"),
    [DECODE_RAW] = KD_STR_INIT("nothing is decoded"),
};

typedef enum on_status { STATUS_FAILS, STATUS_CODE, STATUS_DETAILS } on_status;

/* Bound of a body that gzip blows up. */
#define INFLATED_MAX (1024u * 1024 * 1024)

typedef struct decode {
    const kd_backend *backend;
    decoder decoder;
    on_status on_status;
    kd_str error_key;   /* "error_<name>" of return_error_details */
    kd_str error_start; /* "invalid status code " … " [GET /x]: ", without the number */
    bool one_turn;      /* nothing outside waits: the document may lie in the worker's pool */
    bool compression;
} decode;

static decoder decoder_of(const kd_compile *compile)
{
    if (kd_core_is_raw(compile->endpoint, compile->backend))
        return DECODE_RAW;
    for (decoder found = DECODE_JSON; found < DECODE_RAW; found++)
        if (kd_str_eq(compile->backend->encoding, decoders[found]))
            return found;
    return DECODE_JSON;
}

static bool compile_decode(const kd_compile *compile, kd_compiled *out)
{
    const kd_backend *backend = compile->backend;
    decode *d = KD_NEW(compile->arena, decode);
    if (!d)
        return false;
    d->backend = backend;
    d->decoder = decoder_of(compile);
    d->compression = !compile->service->disable_compression;
    d->one_turn = !compile->branched;
    const kd_node *http = kd_extra_find(&backend->extra, KD_STR("backend/http"));
    const kd_node *details = kd_node_get(http, KD_STR("return_error_details"));
    const kd_node *code = kd_node_typed(http, KD_STR("return_error_code"), KD_NODE_BOOL);
    if (details) {
        /* The key alone, even with a value that means nothing, switches return_error_code off. */
        if (details->type == KD_NODE_STRING && details->text.n) {
            d->on_status = STATUS_DETAILS;
            d->error_key = kd_arena_printf(compile->arena, "error_%.*s", KD_FMT(details->text));
        }
    } else if (code && code->boolean) {
        d->on_status = STATUS_CODE;
    }
    d->error_start = kd_arena_printf(compile->arena, " [%.*s %.*s]: ", KD_FMT(backend->method),
                                     KD_FMT(backend->url_pattern.template));
    out->config = d;
    out->at = backend->at;
    return true;
}

/* ---- gzip -------------------------------------------------------------------------------------------------------- */

typedef struct inflated {
    kd_arena *arena;
    char *p;
    size_t n, cap;
} inflated;

static bool on_inflated(void *owner, kd_str piece)
{
    inflated *to = owner;
    if (to->n + piece.n + KD_JSON_PAD > to->cap) {
        size_t cap = to->cap ? to->cap * 2 : 16384;
        while (cap < to->n + piece.n + KD_JSON_PAD)
            cap *= 2;
        char *p = cap > INFLATED_MAX ? NULL : kd_arena_alloc(to->arena, cap);
        if (!p)
            return false;
        if (to->n)
            memcpy(p, to->p, to->n);
        to->p = p;
        to->cap = cap;
    }
    memcpy(to->p + to->n, piece.p, piece.n);
    to->n += piece.n;
    return true;
}

/* Undoes gzip: any spelling where the gateway asked for it, only "gzip" where the client's wish was forwarded. There
 * the bytes of a failure, which no decoder reads, are handed on as they came. What cannot be inflated to its end is cut
 * there, with Go's words in received->cut. */
static bool gunzip(kd_branch *branch, const decode *d, kd_received *r, bool success)
{
    const kd_header *coding = kd_headers_find(r->headers, KD_HEADER_CONTENT_ENCODING);
    if (KD_LIKELY(!coding))
        return true;
    bool asked = d->compression && !kd_headers_say(&branch->request->headers, KD_HEADER_ACCEPT_ENCODING) &&
                 !kd_headers_say(&branch->request->headers, KD_HEADER_RANGE);
    kd_str value = kd_header_value(coding);
    if (!(asked ? kd_str_eq_ci(value, KD_STR("gzip")) : success && kd_str_eq(value, KD_STR("gzip"))))
        return true;
    inflated to = {.arena = branch->x->front->arena};
    kd_gunzip *z = kd_gunzip_begin(to.arena);
    if (!z)
        return false;
    kd_gunzip_result result = kd_gunzip_feed(z, (kd_str){r->body, r->n}, true, on_inflated, &to);
    kd_str error = kd_gunzip_error(z);
    kd_gunzip_end(z);
    if (result == KD_GUNZIP_STOPPED)
        return false;
    if (result != KD_GUNZIP_END) {
        r->cut = error;
        r->cut_class = KD_FAIL_BAD_BODY;
    }
    if (!to.p && !on_inflated(&to, KD_STR("")))
        return false;
    r->body = to.p;
    r->n = to.n;
    return true;
}

/* ---- status ------------------------------------------------------------------------------------------------------ */

static kd_verdict refuse_status(kd_branch *branch, const decode *d, unsigned status)
{
    kd_arena *arena = branch->x->front->arena;
    return kd_branch_fail(branch, KD_FAIL_BAD_STATUS,
                          kd_arena_printf(arena, "invalid status code %u%.*s%.*s", status, KD_FMT(d->error_start),
                                          KD_FMT(kd_core_url(branch))));
}

static kd_str content_type(const kd_received *r)
{
    const kd_header *type = kd_headers_find(r->headers, KD_HEADER_CONTENT_TYPE);
    return type ? kd_header_value(type) : KD_STR("");
}

static kd_verdict pass_status(kd_branch *branch, const kd_received *r)
{
    kd_fault *fault = KD_NEW(branch->x->front->arena, kd_fault);
    if (!fault)
        return kd_branch_fail(branch, KD_FAIL_SHED, KD_STR("out of memory"));
    /* What is below 100 is no status that a client could be given. */
    *fault = (kd_fault){.failure = KD_FAIL_BAD_STATUS,
                        .text = kd_str_of(r->body, r->n),
                        .status = r->status < 100 ? 502 : r->status,
                        .encoding = content_type(r)};
    branch->outcome = (kd_outcome){.fault = fault};
    return KD_NEXT;
}

static bool give_details(kd_branch *branch, const decode *d, const kd_received *r, kd_response *response)
{
    kd_arena *arena = branch->x->front->arena;
    kd_object *error = kd_object_create(arena, 3), *data = kd_object_create(arena, 1);
    kd_str digits = kd_arena_printf(arena, "%u", r->status), type = content_type(r);
    if (!error || !data || !digits.p)
        return false;
    error->typed = true;
    bool ok = kd_object_set(error, arena, KD_STR("http_status_code"), kd_value_int(digits));
    if (ok && r->n)
        ok = kd_object_set(error, arena, KD_STR("http_body"),
                           kd_value_string(kd_str_of(r->body, r->n), KD_ORIGIN_BYTES));
    if (ok && type.n)
        ok = kd_object_set(error, arena, KD_STR("http_body_encoding"), kd_value_string(type, KD_ORIGIN_BYTES));
    ok = ok && kd_object_set(data, arena, d->error_key, kd_value_object(error));
    response->data = kd_value_object(data);
    response->complete = false;
    response->status = r->status;
    return ok;
}

/* ---- body -------------------------------------------------------------------------------------------------------- */

static bool put_under(kd_branch *branch, kd_response *response, kd_str key, kd_value value)
{
    kd_object *object = kd_object_create(branch->x->front->arena, 1);
    if (!object || !kd_object_set(object, branch->x->front->arena, key, value))
        return false;
    response->data = kd_value_object(object);
    return true;
}

static kd_verdict mismatch(kd_branch *branch, const decode *d, kd_value v)
{
    kd_str type = kd_json_type_name(v);
    return kd_branch_fail(branch, KD_FAIL_BAD_BODY,
                          kd_arena_printf(branch->x->front->arena,
                                          "json: cannot unmarshal %.*s into Go value of type %s", KD_FMT(type),
                                          d->backend->is_collection ? "[]interface {}" : "map[string]interface {}"));
}

/* The decoded value becomes the response's data. */
static kd_verdict accept_value(kd_branch *branch, const decode *d, kd_value v, kd_response *response)
{
    bool ok = true;
    response->complete = true;
    if (d->decoder == DECODE_SAFEJSON) {
        if (v.type == KD_OBJECT)
            response->data = v;
        else
            ok = put_under(branch, response, v.type == KD_LIST ? KD_STR("collection") : KD_STR("content"), v);
    } else if (d->backend->is_collection) {
        if (v.type != KD_LIST && v.type != KD_NULL)
            return mismatch(branch, d, v);
        ok = put_under(branch, response, KD_STR("collection"), v.type == KD_NULL ? KD_VALUE_NIL(KD_ORIGIN_LIST) : v);
    } else {
        if (v.type != KD_OBJECT && v.type != KD_NULL)
            return mismatch(branch, d, v);
        response->data = v.type == KD_NULL ? KD_VALUE_NIL(KD_ORIGIN_OBJECT) : v;
    }
    return ok ? KD_NEXT : kd_branch_fail(branch, KD_FAIL_SHED, KD_STR("out of memory"));
}

static kd_verdict decode_json(kd_branch *branch, const decode *d, kd_received *r, kd_response *response)
{
    kd_exchange *x = branch->x;
    kd_value v;
    kd_str error = {0};
    kd_json_result result =
        kd_json_read(&x->worker->json, d->one_turn ? NULL : x->front->arena, r->body, r->n, &v, &error);
    if (result == KD_JSON_OK)
        return accept_value(branch, d, v, response);
    if (result == KD_JSON_NO_MEMORY)
        return kd_branch_fail(branch, KD_FAIL_SHED, KD_STR("out of memory"));
    /* A document that ends too early because the connection broke fails with the connection's words. */
    bool ran_out = kd_str_ends(error, KD_STR("EOF"));
    if (r->cut.n && ran_out)
        return kd_branch_fail(branch, r->cut_class, r->cut);
    return kd_branch_fail(branch, KD_FAIL_BAD_BODY, kd_arena_copy(x->front->arena, error));
}

static kd_verdict decode_xml(kd_branch *branch, const decode *d, kd_received *r, kd_response *response)
{
    kd_arena *arena = branch->x->front->arena;
    kd_value v;
    kd_str error = {0};
    kd_xml_result result = kd_xml_read(arena, r->body, r->n, &v, &error);
    if (result == KD_XML_BAD && r->cut.n &&
        (kd_str_ends(error, KD_STR("EOF")) || kd_str_ends(error, KD_STR("CDATA section"))))
        return kd_branch_fail(branch, r->cut_class,
                              kd_arena_printf(arena, "xml.Decoder.Token() - %.*s", KD_FMT(r->cut)));
    if (result == KD_XML_BAD)
        return kd_branch_fail(branch, KD_FAIL_BAD_BODY, error);
    response->complete = true;
    response->data = v;
    if (result == KD_XML_READ && d->backend->is_collection) {
        /* No map to KrakenD's filters, and one member needs no order. */
        kd_object *object = kd_object_copy(arena, v);
        if (object)
            object->typed = true;
        if (!object || !put_under(branch, response, KD_STR("collection"), kd_value_object(object)))
            result = KD_XML_OUT_OF_MEMORY;
    }
    return result == KD_XML_READ ? KD_NEXT : kd_branch_fail(branch, KD_FAIL_SHED, KD_STR("out of memory"));
}

static kd_verdict decode_feed(kd_branch *branch, kd_received *r, kd_response *response)
{
    kd_str error = {0};
    switch (kd_feed_read(branch->x->front->arena, r->body, r->n, &response->data, &error)) {
    case KD_FEED_READ:
        response->complete = true;
        return KD_NEXT;
    case KD_FEED_BAD:
        if (r->cut.n && kd_str_ends(error, KD_STR("EOF")))
            return kd_branch_fail(branch, r->cut_class, r->cut);
        return kd_branch_fail(branch, KD_FAIL_BAD_BODY, error);
    default:
        return kd_branch_fail(branch, KD_FAIL_SHED, KD_STR("out of memory"));
    }
}

static kd_verdict leave_decode(kd_branch *branch, const void *config, void *state)
{
    (void)state;
    const decode *d = config;
    kd_received *r = branch->received;
    kd_response *response = branch->outcome.response;
    if (!r || !response)
        return KD_NEXT;
    if (KD_UNLIKELY(d->decoder == DECODE_RAW)) /* a sequence hands it on as text */
        return gunzip(branch, d, r, true)
                   ? KD_NEXT
                   : kd_branch_fail(branch, KD_FAIL_TOO_LARGE, KD_STR("the inflated body is too large"));
    branch->received = NULL;
    bool success = r->status == 200 || r->status == 201;
    if (!success && d->on_status == STATUS_FAILS)
        return refuse_status(branch, d, r->status);
    if (KD_UNLIKELY(!gunzip(branch, d, r, success)))
        return kd_branch_fail(branch, KD_FAIL_TOO_LARGE, KD_STR("the inflated body is too large"));
    if (!success) {
        if (d->on_status == STATUS_CODE)
            return pass_status(branch, r);
        return give_details(branch, d, r, response) ? KD_NEXT
                                                    : kd_branch_fail(branch, KD_FAIL_SHED, KD_STR("out of memory"));
    }
    if (d->decoder == DECODE_NOTHING) {
        response->complete = true;
        return KD_NEXT;
    }
    if (d->decoder == DECODE_STRING) {
        if (r->cut.n)
            return kd_branch_fail(branch, r->cut_class, r->cut);
        response->complete = true;
        if (!put_under(branch, response, KD_STR("content"), kd_value_string(kd_str_of(r->body, r->n), KD_ORIGIN_BYTES)))
            return kd_branch_fail(branch, KD_FAIL_SHED, KD_STR("out of memory"));
        return KD_NEXT;
    }
    if (d->decoder == DECODE_XML)
        return decode_xml(branch, d, r, response);
    return d->decoder == DECODE_RSS ? decode_feed(branch, r, response) : decode_json(branch, d, r, response);
}

static void explain_decode(const void *config, kd_buf *out)
{
    const decode *d = config;
    kd_buf_printf(out, "%.*s%s", KD_FMT(decoders[d->decoder]), d->backend->is_collection ? ", a list" : "");
    if (d->on_status == STATUS_CODE)
        kd_buf_add(out, KD_STR(", other statuses go to the client"));
    else if (d->on_status == STATUS_DETAILS)
        kd_buf_printf(out, ", other statuses become \"%.*s\"", KD_FMT(d->error_key));
    else if (d->decoder != DECODE_RAW)
        kd_buf_add(out, KD_STR(", every status but 200 and 201 is a failure"));
}

const kd_step_type kd_core_decode = {
    .module = "core", .name = "decode", .compile = compile_decode, .leave = leave_decode, .explain = explain_decode};
