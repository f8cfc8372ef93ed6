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
        /* A body that has gone by cannot be sent once more; nor does Go try where one was, before another redirect. */
        return !s->had_body || s->config->body_on_redirect;
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
                                   KD_FMT(kd_core_verb(arena, s->branch->request->method)), KD_FMT(location)));
    *failed = true;
    return true;
}

/* Go names the verb of the first request, and the URL whose answer, or way, is at fault. */
static bool refuse(kd_send *s, kd_str at, kd_str why, bool *failed)
{
    kd_arena *arena = s->branch->x->front->arena;
    kd_branch_fail(s->branch, KD_FAIL_BAD_URL,
                   kd_arena_printf(arena, "%.*s \"%.*s\": %.*s",
                                   KD_FMT(kd_core_verb(arena, s->branch->request->method)), KD_FMT(at), KD_FMT(why)));
    *failed = true;
    return false;
}

/* As url.String writes one that leads nowhere: without the slashes of an authority that is not there. */
static kd_str nowhere(const kd_url *url, kd_str absolute)
{
    bool bare = !url->host.n && !url->has_user && !url->raw_path.n && absolute.n >= url->scheme.n + 3;
    return bare ? kd_str_head(absolute, url->scheme.n + 1) : absolute;
}

static bool go_to(kd_send *s, kd_str absolute, kd_str from, bool *failed)
{
    kd_request *request = s->branch->request;
    kd_arena *arena = s->branch->x->front->arena;
    kd_url url;
    kd_str error = {0}, path, bad;
    if (!kd_go_url_parse(arena, absolute, &url, &error))
        return refuse(s, absolute, error, failed);
    bool web = kd_str_eq(url.scheme, KD_STR("http")) || kd_str_eq(url.scheme, KD_STR("https"));
    const kd_target *target = web && url.host.n ? kd_target_get(url.scheme, url.host) : NULL;
    if (!web)
        return refuse(s, absolute, kd_arena_printf(arena, "unsupported protocol scheme \"%.*s\"", KD_FMT(url.scheme)),
                      failed);
    if (!target || !kd_go_url_escaped_path(arena, url.raw_path, &path, &bad) || !path.p)
        return refuse(s, nowhere(&url, absolute), KD_STR("http: no Host in request URL"), failed);
    bool downgrade = s->target->tls && !target->tls;
    s->referer = downgrade ? (kd_str){"", 0} : from;
    if (!kd_go_url_same_domain(target->name, s->first_target->name))
        s->drop_sensitive = true;
    s->target = target;
    s->request_target = kd_arena_printf(arena, "%.*s%s%.*s", KD_FMT(path.n ? path : KD_STR("/")),
                                        url.has_query ? "?" : "", KD_FMT(url.query));
    request->target = target;
    request->request_target = s->request_target;
    request->basic_user = url.has_user ? url.userinfo : (kd_str){NULL, 0};
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
    /* Without the user: a Referer names none, and the text of the URL hides the password. */
    kd_request *request = s->branch->request;
    kd_str from = kd_arena_printf(arena, "%.*s%.*s", KD_FMT(s->target->key), KD_FMT(s->request_target));
    kd_url base;
    kd_str error = {0}, absolute;
    bool parsed = from.p && kd_go_url_parse(arena, from, &base, &error);
    if (parsed) {
        base.has_user = request->basic_user.p != NULL;
        base.userinfo = request->basic_user;
        parsed = kd_go_url_resolve(arena, &base, to, &absolute, &error) && absolute.p;
    }
    if (!parsed)
        return refuse(
            s, kd_core_url(s->branch),
            kd_arena_printf(arena, "failed to parse Location header \"%.*s\": %.*s", KD_FMT(to), KD_FMT(error)),
            failed);
    if (!go_to(s, absolute, from, failed))
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
