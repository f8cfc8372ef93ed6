/* The endpoint's handler: the request that goes into the pipe, and what KrakenD says of the answer that comes out of it
 * (spec/01 sections 5.2 and 5.3). */
#include "gateway/steps/core.h"

typedef struct handler {
    const kd_plan *plan;
    kd_ns timeout;
    kd_str cache_control; /* empty: none */
    bool all_headers, all_query;
    const kd_header *headers; /* name and token of each wanted field; no duplicates */
    uint32_t n_headers;
    kd_str_list query;
    kd_str *params; /* names of the route's parameters, first letter upper-cased */
    uint32_t n_params;
    bool return_error_msg;
} handler;

static bool compile_headers(const kd_compile *compile, handler *h)
{
    static const kd_str default_header = KD_STR_INIT("Content-Type");
    kd_str_list names = compile->endpoint->input_headers;
    if (names.n == 0)
        names = (kd_str_list){(kd_str *)&default_header, 1};
    kd_header *fields = KD_NEW_ARRAY(compile->arena, kd_header, names.n);
    if (!fields)
        return false;
    for (uint32_t i = 0; i < names.n && !h->all_headers; i++) {
        if (kd_str_eq(names.v[i], KD_STR("*"))) {
            h->all_headers = true;
            break;
        }
        bool repeated = false;
        for (uint32_t k = 0; k < h->n_headers && !repeated; k++)
            repeated = kd_str_eq(kd_header_name(&fields[k]), names.v[i]);
        if (!repeated && names.v[i].n && names.v[i].n <= UINT16_MAX)
            fields[h->n_headers++] = (kd_header){
                .name = names.v[i].p, .name_n = (uint16_t)names.v[i].n, .token = (uint8_t)kd_token_of(names.v[i])};
    }
    h->headers = fields;
    return true;
}

static bool compile_params(const kd_compile *compile, handler *h)
{
    kd_str rest = compile->endpoint->route, segment;
    while (kd_str_split(&rest, '/', &segment)) {
        for (size_t i = 0; i < segment.n; i++) {
            if (segment.p[i] != ':' && segment.p[i] != '*')
                continue;
            if (i && segment.p[i - 1] == '\\')
                continue;
            h->n_params++;
            break;
        }
    }
    h->params = KD_NEW_ARRAY(compile->arena, kd_str, h->n_params + 1);
    if (!h->params)
        return false;
    rest = compile->endpoint->route;
    uint32_t n = 0;
    while (kd_str_split(&rest, '/', &segment)) {
        for (size_t i = 0; i < segment.n; i++) {
            if ((segment.p[i] != ':' && segment.p[i] != '*') || (i && segment.p[i - 1] == '\\'))
                continue;
            kd_str name = kd_arena_copy(compile->arena, kd_str_from(segment, i + 1));
            if (!name.p)
                return false;
            if (name.n)
                *(char *)name.p = (char)kd_upper((uint8_t)name.p[0]);
            h->params[n++] = name;
            break;
        }
    }
    return true;
}

static bool compile_handler(const kd_compile *compile, kd_compiled *out)
{
    const kd_endpoint *e = compile->endpoint;
    handler *h = KD_NEW(compile->arena, handler);
    if (!h || !compile_headers(compile, h) || !compile_params(compile, h))
        return false;
    h->timeout = e->timeout;
    h->query = e->input_query_strings;
    for (uint32_t i = 0; i < h->query.n; i++)
        if (kd_str_eq(h->query.v[i], KD_STR("*")))
            h->all_query = true;
    if (e->cache_ttl)
        h->cache_control =
            kd_arena_printf(compile->arena, "public, max-age=%lld", (long long)(e->cache_ttl / KD_SECOND));
    h->return_error_msg = compile->generation->options.return_error_msg;
    out->config = h;
    return true;
}

/* ---- inwards -------------------------------------------------------------------------------------------------------
 */

static bool copy_headers(kd_exchange *x, const handler *h, bool *agent)
{
    const kd_headers *from = &x->front->head->headers;
    kd_headers *to = &x->request.headers;
    for (uint32_t i = 0; i < from->n; i++) {
        const kd_header *field = &from->v[i];
        bool wanted = h->all_headers;
        for (uint32_t k = 0; k < h->n_headers && !wanted; k++)
            wanted = field->token
                         ? field->token == h->headers[k].token
                         : !h->headers[k].token && kd_str_eq(kd_header_name(field), kd_header_name(&h->headers[k]));
        if (!wanted || field->token == KD_HEADER_X_FORWARDED_FOR || field->token == KD_HEADER_X_FORWARDED_HOST)
            continue;
        if (field->token == KD_HEADER_USER_AGENT)
            *agent = true;
        kd_header *copy = kd_headers_room(to);
        if (!copy)
            return false;
        *copy = *field;
        to->n++;
    }
    return true;
}

static bool build_headers(kd_exchange *x, const handler *h)
{
    kd_headers *to = &x->request.headers;
    kd_headers_init(to, x->front->arena);
    bool agent = false;
    if (!copy_headers(x, h, &agent))
        return false;
    /* addresses are printed by us or were read from a scanned field, as the host was */
    if (!kd_headers_add_checked(to, KD_HEADER_X_FORWARDED_FOR, kd_exchange_client_ip(x)) ||
        !kd_headers_add_checked(to, KD_HEADER_X_FORWARDED_HOST, x->front->head->host))
        return false;
    if (!agent)
        return kd_headers_add_checked(to, KD_HEADER_USER_AGENT, KD_STR(KD_USER_AGENT));
    kd_headers_remove_token(to, KD_HEADER_X_FORWARDED_VIA);
    return kd_headers_add_checked(to, KD_HEADER_X_FORWARDED_VIA, KD_STR(KD_USER_AGENT));
}

static bool build_query(kd_exchange *x, const handler *h)
{
    if (h->query.n == 0 || x->front->head->query.n == 0)
        return true;
    kd_query all;
    if (h->all_query && kd_go_query_is_canonical(x->front->head->query)) {
        x->request.raw_query = x->front->head->query;
        return true;
    }
    if (!kd_go_query_parse(x->front->arena, x->front->head->query, &all))
        return false;
    if (!h->all_query) {
        uint32_t kept = 0;
        for (uint32_t i = 0; i < all.n; i++) {
            bool wanted = false;
            for (uint32_t k = 0; k < h->query.n && !wanted; k++)
                wanted = kd_str_eq(all.v[i].key, h->query.v[k]);
            if (wanted)
                all.v[kept++] = all.v[i];
        }
        all.n = kept;
    }
    x->request.query = all;
    return true;
}

static bool build_params(kd_exchange *x, const handler *h)
{
    if (x->n_params == 0)
        return true;
    x->request.params = kd_arena_alloc(x->front->arena, x->n_params * sizeof(kd_param));
    if (!x->request.params)
        return false;
    for (uint32_t i = 0; i < x->n_params; i++) {
        kd_str name = i < h->n_params ? h->params[i] : x->params[i].name;
        uint32_t at = 0;
        /* Names that differ only in the case of their first letter collide: the later one wins. */
        while (at < x->request.n_params && !kd_str_eq(x->request.params[at].name, name))
            at++;
        x->request.params[at] = (kd_param){name, x->params[i].value};
        if (at == x->request.n_params)
            x->request.n_params++;
    }
    return true;
}

static kd_verdict enter_handler(kd_branch *branch, const void *config, void *state)
{
    (void)state;
    const handler *h = config;
    kd_exchange *x = branch->x;
    kd_branch_limit(branch, x->front->worker->loop.now + h->timeout);
    x->request.method = x->front->head->method_text;
    x->request.path = x->path;
    if (KD_UNLIKELY(!build_headers(x, h) || !build_query(x, h) || !build_params(x, h)))
        return kd_branch_fail(branch, KD_FAIL_SHED, KD_STR("out of memory"));
    return KD_NEXT;
}

/* ---- outwards ------------------------------------------------------------------------------------------------------
 */

void kd_core_log_error(const kd_plan *plan, kd_str text)
{
    if (kd_log_wants(KD_LOG_ERROR))
        kd_log(KD_LOG_ERROR, "%.*s %.*s", KD_FMT(plan->log_prefix), KD_FMT(text));
}

static kd_str join_texts(kd_exchange *x, const kd_fault *fault)
{
    if (!fault->next)
        return fault->text;
    size_t n = 0;
    for (const kd_fault *f = fault; f; f = f->next)
        n += f->text.n + 1;
    char *p = kd_arena_alloc(x->front->arena, n);
    if (!p)
        return KD_STR("");
    size_t at = 0;
    for (const kd_fault *f = fault; f; f = f->next) {
        if (at)
            p[at++] = '\n';
        memcpy(p + at, f->text.p, f->text.n);
        at += f->text.n;
    }
    return (kd_str){p, at};
}

/* What fails for want of memory, or because the client sent too much, is told so: KrakenD has no such limits. */
static void apply_limits(kd_exchange *x, kd_fault *fault)
{
    for (kd_fault *f = fault; f; f = f->next) {
        if (x->starved && f->failure == KD_FAIL_DEADLINE)
            f->failure = KD_FAIL_SHED;
        uint16_t status = f->failure == KD_FAIL_SHED ? 503 : x->too_large && f->failure == KD_FAIL_TOO_LARGE ? 413 : 0;
        if (status && fault->status != status)
            fault->status = status; /* the first one's is the answer's */
    }
    if (fault->status == 503 && !kd_headers_find(&x->reply.headers, KD_HEADER_RETRY_AFTER))
        kd_headers_add_token(&x->reply.headers, KD_HEADER_RETRY_AFTER, KD_STR("1"));
}

static void report(kd_exchange *x, const kd_fault *fault)
{
    if (x->failure == KD_FAIL_NONE)
        x->failure = fault->failure;
    if (x->starved) { /* thousands may fail so: one line for all of them */
        x->failure = KD_FAIL_SHED;
        kd_limits_refused(KD_LIMIT_MEMORY, &x->generation->limits);
        return;
    }
    unsigned i = 0;
    for (const kd_fault *f = fault; f; f = f->next, i++) {
        kd_exchange_note(x, f->text);
        if (!kd_log_wants(KD_LOG_ERROR))
            continue;
        if (fault->several)
            kd_log(KD_LOG_ERROR, "%.*s Error #%u: %.*s", KD_FMT(x->plan->log_prefix), i, KD_FMT(f->text));
        else
            kd_core_log_error(x->plan, f->text);
    }
}

static bool has_data(const kd_response *response)
{
    return response && response->data.type == KD_OBJECT && response->data.n > 0;
}

static void add_all(kd_headers *to, const kd_headers *from)
{
    for (uint32_t i = 0; i < from->n; i++) {
        kd_header *copy = kd_headers_room(to);
        if (!copy)
            return;
        *copy = from->v[i];
        to->n++;
    }
}

static kd_verdict leave_handler(kd_branch *branch, const void *config, void *state)
{
    (void)state;
    const handler *h = config;
    kd_exchange *x = branch->x;
    kd_headers *headers = &x->reply.headers;
    kd_response *response = branch->outcome.response;
    kd_fault *fault = branch->outcome.fault;
    kd_headers_add_checked(headers, KD_HEADER_X_KRAKEND, x->generation->version_header);
    if (!fault && x->front->worker->loop.now >= branch->deadline) {
        kd_branch_fail(branch, KD_FAIL_DEADLINE, KD_STR("internal server error"));
        fault = branch->outcome.fault;
        branch->outcome.response = response;
    }
    bool completed = false;
    if (has_data(response)) {
        completed = response->complete;
        if (completed && h->cache_control.n)
            kd_headers_set(headers, KD_STR("Cache-Control"), h->cache_control);
        add_all(headers, &response->headers);
    }
    kd_headers_add_checked(headers, KD_HEADER_X_KRAKEND_COMPLETED, completed ? KD_STR("true") : KD_STR("false"));
    if (!fault)
        return KD_NEXT;
    bool limited = x->starved || x->too_large || fault->failure == KD_FAIL_SHED;
    if (KD_UNLIKELY(limited && !response))
        apply_limits(x, fault);
    report(x, fault);
    if (response)
        return KD_NEXT;
    x->reply.status = fault->status ? fault->status : 500;
    if (h->return_error_msg && !limited) {
        if (fault->encoding.n)
            kd_headers_set(headers, KD_STR("Content-Type"), fault->encoding);
        x->body = join_texts(x, fault);
    }
    return KD_NEXT;
}

const kd_step_type kd_core_handler = {
    .module = "core", .name = "handler", .compile = compile_handler, .enter = enter_handler, .leave = leave_handler};
