/* From the pipe's request to one that a backend understands: second-level filters, path and method, host (spec/01
 * sections 7.7, 7.8, 8.1). */
#include "gateway/steps/core.h"

#include "base/random.h"

/* ---- filters -------------------------------------------------------------------------------------------------------
 */

static bool compile_filter_query(const kd_compile *compile, kd_compiled *out)
{
    out->config = &compile->backend->input_query_strings;
    return compile->backend->input_query_strings.n > 0;
}

static kd_verdict enter_filter_query(kd_branch *branch, const void *config, void *state)
{
    (void)state;
    const kd_str_list *wanted = config;
    kd_query *query = &branch->request->query;
    if (!kd_request_parse_query(branch->request, branch->x->front->arena))
        return kd_branch_fail(branch, KD_FAIL_SHED, KD_STR("out of memory"));
    uint32_t kept = 0;
    for (uint32_t i = 0; i < query->n; i++)
        for (uint32_t k = 0; k < wanted->n; k++)
            if (kd_str_eq(query->v[i].key, wanted->v[k])) {
                query->v[kept++] = query->v[i];
                break;
            }
    query->n = kept;
    return KD_NEXT;
}

const kd_step_type kd_core_filter_query = {
    .module = "core", .name = "filter_query", .compile = compile_filter_query, .enter = enter_filter_query};

static bool compile_filter_headers(const kd_compile *compile, kd_compiled *out)
{
    out->config = &compile->backend->input_headers;
    return compile->backend->input_headers.n > 0;
}

static kd_verdict enter_filter_headers(kd_branch *branch, const void *config, void *state)
{
    (void)state;
    const kd_str_list *wanted = config;
    kd_headers *headers = &branch->request->headers;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < headers->n; i++)
        for (uint32_t k = 0; k < wanted->n; k++)
            if (kd_str_eq(kd_header_name(&headers->v[i]), wanted->v[k])) {
                headers->v[kept++] = headers->v[i];
                break;
            }
    headers->n = kept;
    return KD_NEXT;
}

const kd_step_type kd_core_filter_headers = {
    .module = "core", .name = "filter_headers", .compile = compile_filter_headers, .enter = enter_filter_headers};

/* ---- path and method -----------------------------------------------------------------------------------------------
 */

static bool compile_build(const kd_compile *compile, kd_compiled *out)
{
    out->config = compile->backend;
    out->at = compile->backend->at;
    return true;
}

static const kd_str *find_param(const kd_request *request, kd_str name)
{
    for (uint32_t i = 0; i < request->n_params; i++)
        if (kd_str_eq(request->params[i].name, name))
            return &request->params[i].value;
    return NULL;
}

static kd_str fill(kd_arena *arena, const kd_pattern *pattern, const kd_request *request)
{
    if (pattern->n == 1 && pattern->pieces[0].kind == KD_PIECE_TEXT)
        return pattern->pieces[0].text;
    size_t n = 0;
    for (uint32_t i = 0; i < pattern->n; i++) {
        const kd_piece *piece = &pattern->pieces[i];
        const kd_str *value = piece->kind == KD_PIECE_PARAM ? find_param(request, piece->text) : NULL;
        n += piece->kind == KD_PIECE_TEXT ? piece->text.n : value ? value->n : piece->text.n + 5;
    }
    char *p = kd_arena_alloc(arena, n + 1), *to = p;
    if (!p)
        return (kd_str){NULL, 0};
    for (uint32_t i = 0; i < pattern->n; i++) {
        const kd_piece *piece = &pattern->pieces[i];
        const kd_str *value = piece->kind == KD_PIECE_PARAM ? find_param(request, piece->text) : NULL;
        if (piece->kind == KD_PIECE_TEXT || value) {
            kd_str s = value ? *value : piece->text;
            if (s.n)
                memcpy(to, s.p, s.n);
            to += s.n;
            continue;
        }
        /* A placeholder that nothing fills goes out as it stands in the template. */
        memcpy(to, "{{.", 3);
        memcpy(to + 3, piece->text.p, piece->text.n);
        memcpy(to + 3 + piece->text.n, "}}", 2);
        to += piece->text.n + 5;
    }
    return (kd_str){p, (size_t)(to - p)};
}

static kd_verdict enter_build(kd_branch *branch, const void *config, void *state)
{
    (void)state;
    const kd_backend *backend = config;
    kd_request *request = branch->request;
    request->path = fill(branch->x->front->arena, &backend->url_pattern, request);
    request->method = backend->method_upper;
    if (!request->path.p)
        return kd_branch_fail(branch, KD_FAIL_SHED, KD_STR("out of memory"));
    return KD_NEXT;
}

static void explain_build(const void *config, kd_buf *out)
{
    const kd_backend *backend = config;
    kd_buf_printf(out, "%.*s %.*s", KD_FMT(backend->method_upper), KD_FMT(backend->url_pattern.source));
}

const kd_step_type kd_core_build = {
    .module = "core", .name = "build", .compile = compile_build, .enter = enter_build, .explain = explain_build};

/* ---- host ----------------------------------------------------------------------------------------------------------
 */

typedef struct balance {
    kd_core_host *hosts;
    uint32_t n;
    bool round_robin;
    uint32_t *turn; /* of each worker, when round_robin */
} balance;

static const kd_target *plain_target(kd_arena *arena, kd_str text)
{
    kd_url url;
    kd_str error;
    if (!kd_go_url_parse(arena, text, &url, &error) || url.has_user || url.raw_path.n || url.has_query || !url.host.n)
        return NULL;
    if (!kd_str_eq(url.scheme, KD_STR("http")) && !kd_str_eq(url.scheme, KD_STR("https")))
        return NULL;
    return kd_target_get(url.scheme, url.host);
}

static bool compile_balance(const kd_compile *compile, kd_compiled *out)
{
    const kd_backend *backend = compile->backend;
    if (kd_core_is_discovered(backend))
        return false;
    balance *b = KD_NEW(compile->arena, balance);
    if (!b || !(b->hosts = KD_NEW_ARRAY(compile->arena, kd_core_host, backend->hosts.n + 1)))
        return false;
    b->n = backend->hosts.n;
    for (uint32_t i = 0; i < b->n; i++)
        b->hosts[i] = (kd_core_host){plain_target(compile->arena, backend->hosts.v[i]), backend->hosts.v[i]};
    /* With one processor KrakenD takes turns, else it draws (spec/01 section 10.1). */
    b->turn = KD_NEW(compile->arena, uint32_t);
    b->round_robin = compile->generation->n_workers == 1 && b->turn;
    if (b->turn && b->n)
        *b->turn = (uint32_t)(kd_random_below(b->n));
    out->config = b;
    return true;
}

/* Bytes that stand in a path as they are, both before and after Go has parsed it (spec/01 section 15.3). */
static bool is_plain(kd_str s)
{
    static const uint8_t plain[256] = {
        ['A' ... 'Z'] = 1, ['a' ... 'z'] = 1, ['0' ... '9'] = 1, ['-'] = 1, ['_'] = 1, ['.'] = 1, ['~'] = 1, ['!'] = 1,
        ['$'] = 1,         ['&'] = 1,         ['\''] = 1,        ['('] = 1, [')'] = 1, ['*'] = 1, ['+'] = 1, [','] = 1,
        [';'] = 1,         ['='] = 1,         [':'] = 1,         ['@'] = 1, ['/'] = 1, ['['] = 1, [']'] = 1,
    };
    for (size_t i = 0; i < s.n; i++)
        if (!plain[(uint8_t)s.p[i]])
            return false;
    return true;
}

static void put_query_text(kd_buf *out, kd_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        uint8_t c = (uint8_t)s.p[i];
        if (c <= ' ' || c >= 0x7f)
            kd_buf_printf(out, "%%%02X", c);
        else
            kd_buf_byte(out, (char)c);
    }
}

/* The target that goes into the request line: escaped path, then both queries. */
static bool make_request_target(kd_branch *branch, const kd_url *url)
{
    kd_exchange *x = branch->x;
    kd_request *request = branch->request;
    kd_str path, bad;
    if (!kd_go_url_escaped_path(x->front->arena, url->raw_path, &path, &bad) || !path.p)
        return false;
    kd_buf *out = &x->worker->out;
    kd_buf_reset(out, KD_OUT_KEEP);
    if (path.n == 0)
        path = KD_STR("/");
    kd_buf_add(out, path);
    bool has_query = request->raw_query.n || request->query.n;
    if (url->has_query || has_query)
        kd_buf_byte(out, '?');
    put_query_text(out, url->query);
    if (has_query && url->query.n)
        kd_buf_byte(out, '&');
    if (request->raw_query.n)
        kd_buf_add(out, request->raw_query);
    else if (request->query.n)
        kd_go_query_encode(&request->query, out);
    request->request_target = kd_arena_copy(x->front->arena, kd_buf_str(out));
    return !out->failed && request->request_target.p;
}

static kd_verdict parse_whole(kd_branch *branch, const kd_core_host *h)
{
    kd_arena *arena = branch->x->front->arena;
    kd_request *request = branch->request;
    kd_str whole = kd_arena_printf(arena, "%.*s%.*s", KD_FMT(h->text), KD_FMT(request->path)), error = {0};
    kd_url url;
    if (!whole.p || !kd_go_url_parse(arena, whole, &url, &error))
        return kd_branch_fail(branch, KD_FAIL_BAD_URL, error.p ? error : KD_STR("out of memory"));
    request->target = h->target;
    if (url.has_user)
        request->basic_user = url.userinfo;
    if (!request->target && (kd_str_eq(url.scheme, KD_STR("http")) || kd_str_eq(url.scheme, KD_STR("https"))) &&
        url.host.n)
        request->target = kd_target_get(url.scheme, url.host);
    if (!make_request_target(branch, &url))
        return kd_branch_fail(branch, KD_FAIL_BAD_URL, KD_STR("net/url: invalid path"));
    if (request->target)
        return KD_NEXT;
    kd_str verb = kd_core_verb(arena, request->method);
    bool web = kd_str_eq(url.scheme, KD_STR("http")) || kd_str_eq(url.scheme, KD_STR("https"));
    /* The client's query has joined the URL by now. */
    ptrdiff_t query = kd_str_find(request->request_target, '?'), mark = kd_str_find(whole, '?');
    if (query >= 0)
        whole = kd_arena_printf(arena, "%.*s%.*s", KD_FMT(mark < 0 ? whole : kd_str_head(whole, (size_t)mark)),
                                KD_FMT(kd_str_from(request->request_target, (size_t)query)));
    ptrdiff_t colon = kd_str_rfind(url.host, ':');
    kd_str port = kd_str_from(url.host, (size_t)(colon + 1));
    uint64_t number;
    if (web && colon >= 0 && kd_str_to_u64(port, UINT64_MAX, &number) && number > UINT16_MAX)
        return kd_branch_fail(branch, KD_FAIL_BAD_URL,
                              kd_arena_printf(arena, "%.*s \"%.*s\": dial tcp: address %.*s: invalid port",
                                              KD_FMT(verb), KD_FMT(whole), KD_FMT(port)));
    return kd_branch_fail(
        branch, KD_FAIL_BAD_URL,
        web ? kd_arena_printf(arena, "%.*s \"%.*s\": http: no Host in request URL", KD_FMT(verb), KD_FMT(whole))
            : kd_arena_printf(arena, "%.*s \"%.*s\": unsupported protocol scheme \"%.*s\"", KD_FMT(verb), KD_FMT(whole),
                              KD_FMT(url.scheme)));
}

/* path?query, or the path alone. */
static kd_str join(kd_arena *arena, kd_str path, kd_str query)
{
    if (!query.n)
        return path;
    char *p = kd_arena_alloc(arena, path.n + 1 + query.n);
    if (!p)
        return (kd_str){NULL, 0};
    memcpy(p, path.p, path.n);
    p[path.n] = '?';
    memcpy(p + path.n + 1, query.p, query.n);
    return (kd_str){p, path.n + 1 + query.n};
}

kd_verdict kd_core_address(kd_branch *branch, const kd_core_host *h)
{
    kd_request *request = branch->request;
    bool plain = h->target && is_plain(request->path);
    if (KD_LIKELY(plain && request->query.n == 0)) {
        request->target = h->target;
        request->request_target = join(branch->x->front->arena, request->path, request->raw_query);
        return request->request_target.p ? KD_NEXT : kd_branch_fail(branch, KD_FAIL_SHED, KD_STR("out of memory"));
    }
    if (plain) {
        request->target = h->target;
        kd_url url = {.raw_path = request->path};
        if (make_request_target(branch, &url))
            return KD_NEXT;
    }
    return parse_whole(branch, h);
}

static kd_verdict enter_balance(kd_branch *branch, const void *config, void *state)
{
    (void)state;
    const balance *b = config;
    if (KD_UNLIKELY(b->n == 0))
        return kd_branch_fail(branch, KD_FAIL_NO_HOSTS, KD_STR("no hosts available"));
    const kd_core_host *h = b->hosts;
    if (b->n > 1)
        h += b->round_robin ? (*b->turn)++ % b->n : kd_random_below(b->n);
    return kd_core_address(branch, h);
}

static void explain_balance(const void *config, kd_buf *out)
{
    const balance *b = config;
    for (uint32_t i = 0; i < b->n; i++)
        kd_buf_printf(out, "%s%.*s", i ? ", " : "", KD_FMT(b->hosts[i].text));
    if (b->n == 0)
        kd_buf_add(out, KD_STR("no host: every request fails with \"no hosts available\""));
}

const kd_step_type kd_core_balance = {.module = "core",
                                      .name = "balance",
                                      .compile = compile_balance,
                                      .enter = enter_balance,
                                      .explain = explain_balance};
