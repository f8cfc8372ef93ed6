/* qos/ratelimit/proxy: a bucket for each backend entry, inside its circuit breaker (spec/03 section 2). */
#include "gateway/plan.h"
#include "modules/qos/ratelimit/ratelimit.h"

typedef struct proxy {
    const kd_backend *backend;
    kd_shared_bucket *bucket; /* NULL: the block is no object */
    double rate;
    uint64_t capacity;
} proxy;

static bool compile_proxy(const kd_compile *compile, kd_compiled *out)
{
    const kd_node *block = kd_extra_find(&compile->backend->extra, KD_STR("qos/ratelimit/proxy"));
    proxy *p = block ? KD_NEW(compile->arena, proxy) : NULL;
    if (!p)
        return false;
    p->backend = compile->backend;
    out->config = p;
    out->at = block->at;
    if (block->type != KD_NODE_OBJECT)
        return true;
    kd_ratelimit_options o;
    if (!kd_ratelimit_proxy_options(compile->arena, block, &o) || o.rate <= 0)
        return false;
    p->rate = o.rate;
    p->capacity = o.capacity;
    kd_str identity = kd_arena_printf(compile->arena, "backend %u of %.*s %.*s", compile->backend->index,
                                      KD_FMT(compile->endpoint->method_upper), KD_FMT(compile->endpoint->route));
    p->bucket = identity.p ? kd_ratelimit_adopt_bucket(compile, identity, o.rate, o.capacity) : NULL;
    return p->bucket != NULL;
}

static kd_verdict enter_proxy(kd_branch *branch, const void *config, void *state)
{
    (void)state;
    const proxy *p = config;
    if (KD_UNLIKELY(!p->bucket) || kd_shared_bucket_take(p->bucket, kd_clock_monotonic()))
        return KD_NEXT;
    return kd_branch_fail(branch, KD_FAIL_REJECTED, KD_RATELIMIT_REFUSED);
}

static void explain_proxy(const void *config, kd_buf *out)
{
    const proxy *p = config;
    if (p->bucket)
        kd_buf_printf(out, "at most %g calls a second, %llu at once; beyond them the call fails", p->rate,
                      (unsigned long long)p->capacity);
    else
        kd_buf_add(out, KD_STR("not active: the block is no object"));
}

static void log_proxy(const kd_plan *plan, const void *config)
{
    (void)plan;
    const proxy *p = config;
    kd_str pattern = p->backend->url_pattern.template;
    if (p->bucket)
        kd_log(KD_LOG_DEBUG, "[BACKEND: %.*s][Ratelimit] Enabling the rate limiter", KD_FMT(pattern));
    else
        kd_log(KD_LOG_ERROR, "[BACKEND: %.*s][Ratelimit] wrong extra config", KD_FMT(pattern));
}

const kd_step_type kd_ratelimit_proxy = {.module = "qos/ratelimit/proxy",
                                         .name = "limit",
                                         .compile = compile_proxy,
                                         .enter = enter_proxy,
                                         .explain = explain_proxy,
                                         .log = log_proxy,
                                         .logs_first = true};
