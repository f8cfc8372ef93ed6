/* What an answer depends on, and what a 304 changes (spec/03 section 6.1). */
#include "modules/qos/http-cache/visit.h"
#include "text/go/header.h"

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
    kd_str_split(rest, ',', name);
    *name = kd_arena_copy(arena, kd_str_trim(*name));
    if (name->p)
        kd_go_header_canonical((char *)name->p, name->n);
    return true;
}

static kd_str varied_name(kd_arena *arena, kd_str name)
{
    return kd_arena_printf(arena, "X-Varied-%.*s", KD_FMT(name));
}

bool kd_visit_varies_alike(kd_visit *v)
{
    kd_headers stored = kd_visit_stored_fields(v->hit);
    const kd_headers *asked = v->before.v ? &v->before : &v->branch->request->headers;
    uint32_t at = 0;
    kd_str rest = {0}, name;
    if (KD_LIKELY(!v->hit->facts.varies))
        return true;
    while (next_varying(kd_visit_arena(v), &stored, &at, &rest, &name)) {
        kd_str varied = name.p ? varied_name(kd_visit_arena(v), name) : name;
        if (!varied.p || (name.n && !kd_str_eq(kd_visit_value(asked, name), kd_visit_value(&stored, varied))))
            return false;
    }
    return true;
}

bool kd_visit_note_variant(kd_visit *v, kd_headers *answer)
{
    uint32_t at = 0;
    kd_str rest = {0}, name;
    if (KD_LIKELY(!kd_headers_find(answer, KD_HEADER_VARY)))
        return true;
    while (next_varying(kd_visit_arena(v), answer, &at, &rest, &name)) {
        if (!name.p)
            return false;
        kd_str value = name.n ? kd_visit_value(&v->before, name) : KD_STR(""), varied;
        if (!value.n)
            continue;
        varied = varied_name(kd_visit_arena(v), name);
        if (!varied.p || varied.n > UINT16_MAX || !kd_headers_set(answer, varied, value))
            return false;
    }
    return true;
}

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

bool kd_visit_merge_fields(kd_visit *v, const kd_headers *news, kd_headers *out)
{
    kd_headers stored = kd_visit_stored_fields(v->hit);
    kd_headers_init(out, kd_visit_arena(v));
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
