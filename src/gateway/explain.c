#include "gateway/explain.h"

#include "gateway/compile.h"
#include "gateway/generation.h"

static void put_place(kd_buf *out, const kd_location *at)
{
    if (at)
        kd_buf_printf(out, "  (%.*s:%u)", KD_FMT(at->file), at->line);
}

static void put_request(kd_buf *out, const kd_endpoint *e, const kd_route_match *match)
{
    for (uint32_t i = 0; i < e->n_backends; i++) {
        const kd_backend *b = &e->backends[i];
        kd_buf_printf(out, "backend request: %.*s %.*s", KD_FMT(b->method_upper),
                      KD_FMT(b->hosts.n ? b->hosts.v[0] : KD_STR("(no host)")));
        for (uint32_t k = 0; k < b->url_pattern.n; k++) {
            const kd_piece *piece = &b->url_pattern.pieces[k];
            const kd_str *value = NULL;
            for (uint32_t m = 0; match && piece->kind == KD_PIECE_PARAM && m < match->n_params && !value; m++) {
                kd_str name = match->params[m].name;
                if (name.n == piece->text.n && name.n && kd_upper((uint8_t)name.p[0]) == (uint8_t)piece->text.p[0] &&
                    memcmp(name.p + 1, piece->text.p + 1, name.n - 1) == 0)
                    value = &match->params[m].value;
            }
            if (piece->kind == KD_PIECE_TEXT || value)
                kd_buf_add(out, value ? *value : piece->text);
            else
                kd_buf_printf(out, "{%.*s}", KD_FMT(piece->text));
        }
        if (b->hosts.n > 1)
            kd_buf_printf(out, "  (one of %u hosts)", b->hosts.n);
        put_place(out, b->at);
        kd_buf_byte(out, '\n');
    }
    kd_buf_add(out, KD_STR("headers that go on: "));
    if (!e->input_headers.n)
        kd_buf_add(out, KD_STR("Content-Type (the default)"));
    for (uint32_t i = 0; i < e->input_headers.n; i++)
        kd_buf_printf(out, "%s%.*s", i ? ", " : "", KD_FMT(e->input_headers.v[i]));
    kd_buf_add(out, KD_STR("; query strings that go on: "));
    if (!e->input_query_strings.n)
        kd_buf_add(out, KD_STR("none"));
    for (uint32_t i = 0; i < e->input_query_strings.n; i++)
        kd_buf_printf(out, "%s%.*s", i ? ", " : "", KD_FMT(e->input_query_strings.v[i]));
    kd_buf_byte(out, '\n');
}

static void put_plan(kd_buf *out, const kd_plan *plan, const kd_route_match *match)
{
    const kd_endpoint *e = plan->endpoint;
    if (e) {
        kd_buf_printf(out, "endpoint: %.*s %.*s", KD_FMT(e->method_upper), KD_FMT(e->path));
        put_place(out, e->at);
        kd_buf_printf(out, "\ntimeout: %lld ms\n", (long long)(e->timeout / KD_MS));
        put_request(out, e, match);
    } else {
        kd_buf_printf(out, "answered by the gateway itself: %.*s\n", KD_FMT(plan->name));
    }
    if (plan->request == KD_BODY_WHOLE)
        kd_buf_add(out, KD_STR("body of the request: kept whole (a step needs all of it)\n"));
    kd_buf_printf(out, "body of the answer: %s\n",
                  plan->response == KD_BODY_WHOLE    ? "kept whole (a step needs all of it)"
                  : plan->response == KD_BODY_CHUNKS ? "streamed"
                                                     : "made by the gateway");
    kd_buf_add(out, KD_STR("plan, from the outside in; the way back is the reverse:\n"));
    kd_plan_explain(plan, out);
}

static void explain_one(const kd_generation *g, kd_arena *scratch, kd_str request, kd_buf *out)
{
    kd_str rest = request, method = {0};
    kd_str_split(&rest, ' ', &method);
    kd_str target = rest.p ? kd_str_trim(rest) : method;
    if (!rest.p)
        method = KD_STR("GET");
    ptrdiff_t mark = kd_str_find(target, '?');
    kd_str path = mark < 0 ? target : kd_str_head(target, (size_t)mark), bad;
    if (!kd_go_url_unescape(scratch, path, false, &path, &bad)) {
        kd_buf_printf(out, "the path has a bad escape: %.*s\n", KD_FMT(bad));
        return;
    }
    kd_route_match match = {0};
    match.params = kd_arena_alloc(scratch, sizeof *match.params * (kd_router_max_params(g->router) + 1));
    kd_route_result result =
        match.params ? kd_router_lookup(g->router, method, path, scratch, &match) : KD_ROUTE_NO_MEMORY;
    switch (result) {
    case KD_ROUTE_FOUND:
        put_plan(out, match.route->handler, &match);
        break;
    case KD_ROUTE_REDIRECT:
        kd_buf_printf(out, "redirect %d to %.*s\n", match.status, KD_FMT(match.path));
        break;
    case KD_ROUTE_NOT_ALLOWED:
        kd_buf_printf(out, "405: the path has other methods: %.*s\n", KD_FMT(match.allow));
        break;
    case KD_ROUTE_NOT_FOUND:
        kd_buf_printf(out, "404: no endpoint has this path\n");
        break;
    default:
        kd_buf_printf(out, "out of memory\n");
    }
}

static void put_findings(const kd_errors *errors, kd_buf *out)
{
    for (const kd_error *e = errors->first; e; e = e->next) {
        if (e->at)
            kd_buf_printf(out, "%.*s:%u:%u: ", KD_FMT(e->at->file), e->at->line, e->at->column);
        kd_buf_printf(out, "%.*s%s%.*s\n", KD_FMT(e->key), e->key.n ? ": " : "", KD_FMT(e->message));
    }
}

bool kd_explain(kd_arena *arena, kd_service *service, const char *request, kd_buf *out)
{
    kd_arena scratch;
    kd_arena_init(&scratch, NULL, 0);
    kd_errors errors;
    kd_errors_init(&errors, &scratch, 100);
    kd_generation *g = kd_generation_create(arena, service, 1, &errors);
    put_findings(&errors, out);
    if (g && request)
        explain_one(g, &scratch, kd_str_from_c(request), out);
    for (uint32_t i = 0; g && !request && i < g->service->n_endpoints; i++) {
        if (i)
            kd_buf_byte(out, '\n');
        if (g->plans[i])
            put_plan(out, g->plans[i], NULL);
    }
    if (g)
        kd_generation_destroy(g);
    else
        kd_arena_reset(arena);
    kd_arena_reset(&scratch);
    return g != NULL;
}

bool kd_explain_routes(kd_arena *arena, const kd_service *service, kd_errors *errors)
{
    (void)arena;
    /* The generation takes its arena over; the caller's service stays as it is, only its pointer is borrowed. */
    kd_arena own;
    kd_arena_init(&own, NULL, 0);
    kd_service copy = *service;
    kd_generation *g = kd_generation_create(&own, &copy, 1, errors);
    if (g)
        kd_generation_destroy(g);
    else
        kd_arena_reset(&own);
    return g != NULL;
}
