#include "gateway/transport.h"

#include "gateway/steps/part.h"

kd_reading kd_reading_of(const kd_compile *compile)
{
    const kd_backend *backend = compile->backend;
    const kd_node *http = kd_extra_find(&backend->extra, KD_STR("backend/http"));
    const kd_node *details = kd_node_get(http, KD_STR("return_error_details"));
    const kd_node *code = kd_node_typed(http, KD_STR("return_error_code"), KD_NODE_BOOL);
    kd_reading r = {.noop = kd_core_is_raw(compile->endpoint, backend)};
    r.raw = r.noop && compile->n_set == 1;
    r.keep_noop = r.noop && !r.raw && kd_core_sequence_wants_body(compile);
    r.keep_errors = (details && details->type == KD_NODE_STRING && details->text.n) || (code && code->boolean);
    return r;
}

bool kd_stored_redirects(const kd_stored *stored)
{
    if (KD_LIKELY(stored->status < 301 || stored->status > 308 || (stored->status > 303 && stored->status < 307)))
        return false;
    const kd_header *location = kd_headers_find(&stored->headers, KD_HEADER_LOCATION);
    return location && location->value_n;
}

/* Does the request say that the client takes gzip? */
static bool takes_gzip(const kd_branch *branch)
{
    const kd_header *accept = kd_headers_find(&branch->request->headers, KD_HEADER_ACCEPT_ENCODING);
    return accept && kd_str_search(kd_header_value(accept), KD_STR("gzip")) >= 0;
}

static bool give_stream(kd_branch *branch, const kd_stored *stored, const kd_giving *to)
{
    const kd_header *coding = kd_headers_find(&to->call->head.headers, KD_HEADER_CONTENT_ENCODING);
    bool gzip = coding && kd_str_eq_ci(kd_header_value(coding), KD_STR("gzip")) && !takes_gzip(branch) &&
                (stored->body.n || !stored->sized);
    *to->stream = (kd_stream_body){
        .x = branch->x, .call = to->call, .whole = stored->body, .is_whole = true, .length = (int64_t)stored->body.n};
    if (gzip && !(to->stream->gunzip = kd_gunzip_begin(branch->x->front->arena)))
        return false;
    if (gzip)
        kd_headers_remove_token(&to->call->head.headers, KD_HEADER_CONTENT_ENCODING);
    if (gzip || !stored->sized)
        to->stream->length = -1;
    to->response->headers = to->call->head.headers;
    to->response->body = to->stream;
    return true;
}

/* A copy with room behind it: who decodes it writes into it. */
static bool give_whole(kd_branch *branch, const kd_stored *stored, const kd_giving *to)
{
    size_t n = stored->body.n;
    kd_exchange *x = branch->x;
    char *p = n + KD_JSON_PAD <= KD_HOLD_FROM || x->detached ? kd_arena_alloc(x->front->arena, n + KD_JSON_PAD)
                                                             : kd_block_take(x, n + KD_JSON_PAD);
    if (!p)
        return false;
    if (n)
        memcpy(p, stored->body.p, n);
    *to->received = (kd_received){.status = stored->status, .headers = &to->call->head.headers, .body = p, .n = n};
    branch->received = to->received;
    return true;
}

kd_verdict kd_stored_give(kd_branch *branch, const kd_reading *reading, const kd_stored *stored, const kd_giving *to)
{
    static const kd_object empty;
    to->call->over = true;
    to->call->method = stored->method;
    to->call->head.status = stored->status;
    to->call->head.headers = stored->headers;
    *to->response = (kd_response){.data = {.type = KD_NULL}, .status = stored->status};
    if (reading->noop) {
        to->response->data = kd_value_object(&empty);
        to->response->complete = to->response->raw = true;
        to->response->headers = stored->headers;
    }
    bool ok = true;
    if (reading->raw)
        ok = give_stream(branch, stored, to);
    else if (!reading->noop || reading->keep_noop)
        ok = give_whole(branch, stored, to);
    if (!ok)
        return kd_branch_fail(branch, KD_FAIL_SHED, KD_STR("out of memory"));
    branch->outcome = (kd_outcome){.response = to->response};
    return KD_DONE;
}
