/* Shadow backends get a copy of the request, what they answer is of no interest (spec/01 section 7.6). Their pipe,
 * complete with static data and merge, is a detached exchange: it neither delays nor fails the request that it copies,
 * and outlives it. */
#include "gateway/body.h"
#include "gateway/detached.h"
#include "gateway/steps/part.h"
#include "text/go/duration.h"

typedef struct shadow {
    kd_ns timeout;
    uint32_t n;
} shadow;

static bool is_shadow(const kd_compile *compile, const kd_backend *backend)
{
    for (uint32_t i = 0; i < compile->n_set; i++)
        if (compile->set[i] == backend)
            return false;
    return true;
}

static kd_ns timeout_of(const kd_backend *backend)
{
    const kd_node *text = kd_node_typed(kd_core_proxy(&backend->extra), KD_STR("shadow_timeout"), KD_NODE_STRING);
    kd_ns timeout;
    kd_str error;
    return text && kd_go_duration_parse(text->text, &timeout, &error) ? timeout : backend->timeout;
}

static bool compile_shadow(const kd_compile *compile, kd_compiled *out)
{
    const kd_endpoint *e = compile->endpoint;
    if (compile->n_set == e->n_backends)
        return false;
    shadow *s = KD_NEW(compile->arena, shadow);
    if (!s)
        return false;
    for (uint32_t i = 0; i < e->n_backends; i++) {
        if (!is_shadow(compile, &e->backends[i]))
            continue;
        kd_ns timeout = timeout_of(&e->backends[i]);
        s->n++;
        out->at = e->backends[i].at;
        if (timeout > s->timeout)
            s->timeout = timeout;
    }
    out->config = s;
    out->request = KD_BODY_WHOLE;
    return true;
}

static kd_verdict enter_shadow(kd_branch *branch, const void *config, void *state)
{
    (void)state;
    const shadow *s = config;
    kd_verdict verdict = kd_body_keep(branch);
    if (verdict != KD_NEXT)
        return verdict;
    kd_detached_start(branch, &kd_branch_step(branch)->children[0], s->timeout);
    return KD_NEXT;
}

static void explain_shadow(const void *config, kd_buf *out)
{
    const shadow *s = config;
    kd_buf_printf(out, "%u shadow%s, at most %lld ms; the request's body is kept", s->n, s->n == 1 ? "" : "s",
                  (long long)(s->timeout / KD_MS));
}

const kd_step_type kd_core_shadow = {.module = "core",
                                     .name = "shadow",
                                     .compile = compile_shadow,
                                     .enter = enter_shadow,
                                     .children = KD_CHILDREN_SHADOWS,
                                     .explain = explain_shadow};
