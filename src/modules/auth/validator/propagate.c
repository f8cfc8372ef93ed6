#include "modules/auth/validator/propagate.h"

#include "base/log.h"
#include "gateway/worker.h"
#include "text/go/header.h"

/* Names of parameters that begin so are claims. */
#define PREFIX "JWT."

/* ---- at load ---------------------------------------------------------------------------------------------------- */

static bool add_pairs(kd_propagation *out, kd_arena *arena, const kd_go_strings2 *pairs)
{
    out->fields = KD_NEW_ARRAY(arena, kd_propagated, pairs->n + 1);
    if (!out->fields)
        return false;
    for (uint32_t i = 0; i < pairs->n; i++) {
        const kd_str_list *pair = &pairs->v[i];
        out->misfit = KD_STR("");
        if (pair->n == 2) {
            kd_str field = kd_arena_copy(arena, pair->v[1]);
            if (!field.p)
                return false;
            kd_go_header_canonical((char *)field.p, field.n);
            kd_str claim = pair->v[0].p ? pair->v[0] : KD_STR("");
            out->fields[out->n_fields++] = (kd_propagated){claim, field, kd_claims_is_path(claim)};
            continue;
        }
        out->misfit = KD_STR("[");
        for (uint32_t k = 0; k < pair->n && out->misfit.p; k++)
            out->misfit = kd_arena_printf(arena, "%.*s%s%.*s", KD_FMT(out->misfit), k ? " " : "", KD_FMT(pair->v[k]));
        if (out->misfit.p)
            out->misfit = kd_arena_printf(arena, "%.*s]", KD_FMT(out->misfit));
        if (!out->misfit.p)
            return false;
    }
    return true;
}

static bool is_listed(const kd_propagation *p, kd_str name)
{
    for (uint32_t i = 0; i < p->n_params; i++)
        if (kd_str_eq(p->params[i], name))
            return true;
    return false;
}

static bool add_params(kd_propagation *out, kd_arena *arena, const kd_endpoint *endpoint)
{
    uint32_t room = 0;
    for (uint32_t i = 0; i < endpoint->n_backends; i++)
        room += endpoint->backends[i].url_pattern.n;
    out->params = KD_NEW_ARRAY(arena, kd_str, room + 1);
    for (uint32_t i = 0; out->params && i < endpoint->n_backends; i++) {
        const kd_pattern *pattern = &endpoint->backends[i].url_pattern;
        for (uint32_t k = 0; k < pattern->n; k++) {
            kd_str name = pattern->pieces[k].text;
            if (pattern->pieces[k].kind == KD_PIECE_PARAM && kd_str_starts(name, KD_STR(PREFIX)) &&
                !is_listed(out, name))
                out->params[out->n_params++] = name;
        }
    }
    return out->params != NULL;
}

bool kd_propagation_compile(kd_propagation *out, kd_arena *arena, const kd_endpoint *endpoint,
                            const kd_go_strings2 *pairs, bool preserve_array)
{
    *out = (kd_propagation){.preserve_array = preserve_array};
    return add_pairs(out, arena, pairs) && add_params(out, arena, endpoint);
}

/* ---- on a request ----------------------------------------------------------------------------------------------- */

/* The text of a claim, or of an element of a list, in the request's arena. */
static kd_str text_of(kd_exchange *x, kd_value v, bool item)
{
    kd_buf *out = &x->worker->out;
    if (v.type == KD_STRING)
        return kd_value_text(v);
    kd_buf_reset(out, KD_OUT_KEEP);
    (item ? kd_claim_item : kd_claim_text)(out, v);
    return out->failed ? (kd_str){NULL, 0} : kd_arena_copy(x->front->arena, kd_buf_str(out));
}

static bool set_field(kd_exchange *x, const kd_propagated *f, kd_value v, bool preserve_array)
{
    kd_headers *headers = &x->front->head->headers;
    if (!preserve_array || v.type != KD_LIST) {
        kd_str text = v.type == KD_ABSENT ? KD_STR("") : text_of(x, v, false);
        return text.p && kd_headers_set(headers, f->field, text);
    }
    kd_headers_remove(headers, f->field);
    kd_value_iter iter = kd_value_each(v);
    kd_value item;
    kd_str none;
    while (kd_value_next(&iter, &none, &item)) {
        kd_str text = text_of(x, item, true);
        if (!text.p || !kd_headers_add(headers, f->field, text))
            return false;
    }
    return true;
}

static bool set_params(const kd_propagation *p, kd_exchange *x, kd_value claims)
{
    kd_route_param *params = kd_arena_alloc(x->front->arena, (x->n_params + p->n_params) * sizeof *params);
    if (!params)
        return false;
    if (x->n_params)
        memcpy(params, x->params, x->n_params * sizeof *params);
    uint32_t n = x->n_params;
    for (uint32_t i = 0; i < p->n_params; i++) {
        kd_value v = kd_value_get(claims, kd_str_from(p->params[i], sizeof(PREFIX) - 1));
        if (v.type == KD_ABSENT)
            continue;
        kd_str text = text_of(x, v, false);
        if (!text.p)
            return false;
        params[n++] = (kd_route_param){.name = p->params[i], .value = text};
    }
    x->params = params;
    x->n_params = n;
    return true;
}

bool kd_propagate(const kd_propagation *p, kd_exchange *x, kd_value claims)
{
    for (uint32_t i = 0; i < p->n_fields; i++) {
        const kd_propagated *f = &p->fields[i];
        kd_value v = f->path ? kd_claims_at(claims, f->claim) : kd_value_get(claims, f->claim);
        if (!set_field(x, f, v, p->preserve_array))
            return false;
    }
    if (KD_UNLIKELY(p->misfit.n && kd_log_wants(KD_LOG_WARNING)))
        kd_log(KD_LOG_WARNING, "%.*s[PropagateHeaders] invalid number of claims to propagate: %.*s",
               KD_FMT(x->plan->log_prefix), KD_FMT(p->misfit));
    return !p->n_params || set_params(p, x, claims);
}
