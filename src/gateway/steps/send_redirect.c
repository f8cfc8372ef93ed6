/* Redirects that Go's client follows on its own (spec/01 section 8.3). */
#include "gateway/steps/send.h"

static bool is_redirect(kd_send *s, bool *keeps_method)
{
    switch (s->call->head.status) {
    case 301:
    case 302:
    case 303:
        *keeps_method = false;
        return true;
    case 307:
    case 308:
        *keeps_method = true;
        /* A body that has gone by cannot be sent once more. */
        return s->call->body == KD_CALL_NO_BODY || s->config->body_on_redirect;
    default:
        return false;
    }
}

static bool too_many(kd_send *s, kd_str location, bool *failed)
{
    if (s->redirects + 1 < KD_MAX_REQUESTS)
        return false;
    kd_arena *arena = s->branch->x->front->arena;
    kd_branch_fail(s->branch, KD_FAIL_REDIRECTS,
                   kd_arena_printf(arena, "%.*s \"%.*s\": stopped after 10 redirects",
                                   KD_FMT(kd_core_verb(arena, s->method_text)), KD_FMT(location)));
    *failed = true;
    return true;
}

static bool refuse(kd_send *s, kd_str location, kd_str why, bool *failed)
{
    kd_arena *arena = s->branch->x->front->arena;
    kd_branch_fail(s->branch, KD_FAIL_BAD_URL,
                   kd_arena_printf(arena, "%.*s \"%.*s\": %.*s", KD_FMT(kd_core_verb(arena, s->method_text)),
                                   KD_FMT(location), KD_FMT(why)));
    *failed = true;
    return false;
}

static bool go_to(kd_send *s, kd_str absolute, kd_str location, bool *failed)
{
    kd_arena *arena = s->branch->x->front->arena;
    kd_url url;
    kd_str error = {0}, path, bad;
    if (!kd_go_url_parse(arena, absolute, &url, &error))
        return refuse(s, location, error, failed);
    bool web = kd_str_eq(url.scheme, KD_STR("http")) || kd_str_eq(url.scheme, KD_STR("https"));
    const kd_target *target = web && url.host.n ? kd_target_get(url.scheme, url.host) : NULL;
    if (!web)
        return refuse(s, location, kd_arena_printf(arena, "unsupported protocol scheme \"%.*s\"", KD_FMT(url.scheme)),
                      failed);
    if (!target || !kd_go_url_escaped_path(arena, url.raw_path, &path, &bad) || !path.p)
        return refuse(s, location, KD_STR("http: no Host in request URL"), failed);
    bool downgrade = s->target->tls && !target->tls;
    s->referer = downgrade ? (kd_str){"", 0} : kd_core_url(s->branch);
    if (!kd_go_url_same_domain(target->name, s->target->name))
        s->drop_sensitive = true;
    s->target = target;
    s->request_target = kd_arena_printf(arena, "%.*s%s%.*s", KD_FMT(path.n ? path : KD_STR("/")),
                                        url.has_query ? "?" : "", KD_FMT(url.query));
    s->branch->request->target = target;
    s->branch->request->request_target = s->request_target;
    return true;
}

bool kd_send_follows(kd_send *s, bool *failed)
{
    *failed = false;
    bool keeps_method = false;
    if (!is_redirect(s, &keeps_method))
        return false;
    const kd_header *location = kd_headers_find(&s->call->head.headers, KD_HEADER_LOCATION);
    if (!location || !location->value_n)
        return false;
    kd_str to = kd_header_value(location);
    kd_arena *arena = s->branch->x->front->arena;
    if (too_many(s, to, failed))
        return false;
    s->redirects++;
    kd_url base;
    kd_str error = {0}, absolute;
    if (!kd_go_url_parse(arena, kd_core_url(s->branch), &base, &error) ||
        !kd_go_url_resolve(arena, &base, to, &absolute, &error) || !absolute.p)
        return refuse(
            s, to, kd_arena_printf(arena, "failed to parse Location header \"%.*s\": %.*s", KD_FMT(to), KD_FMT(error)),
            failed);
    if (!go_to(s, absolute, to, failed))
        return false;
    if (!keeps_method) {
        s->drop_body = true;
        if (s->method != KD_METHOD_HEAD && s->method != KD_METHOD_GET) {
            s->method = KD_METHOD_GET;
            s->method_text = KD_STR("GET");
        }
    }
    return true;
}
