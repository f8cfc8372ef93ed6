/* qos/ratelimit/router: a bucket for each client, then one for the endpoint (spec/03 section 1). A refused request
 * never reaches the endpoint's handler: its answer has no body and none of the gateway's headers. */
#include "gateway/plan.h"
#include "modules/qos/ratelimit/clients.h"
#include "modules/qos/ratelimit/ratelimit.h"
#include "text/go/header.h"

typedef enum strategy { BY_IP, BY_HEADER, BY_PARAM, UNKNOWN } strategy;

typedef struct router {
    kd_shared_bucket *bucket; /* of the endpoint; NULL: the block is no object */
    kd_clients *clients;      /* NULL: the strategy is not known */
    strategy strategy;
    kd_str key; /* as it is looked for */
    uint8_t token;
    kd_ratelimit_options options;
} router;

static const kd_node *block_of(const kd_compile *compile)
{
    return compile->endpoint ? kd_extra_find(&compile->endpoint->extra, KD_STR("qos/ratelimit/router")) : NULL;
}

static router *begin(const kd_compile *compile, const kd_node *block, kd_compiled *out)
{
    router *r = KD_NEW(compile->arena, router);
    if (!r || (block->type == KD_NODE_OBJECT && !kd_ratelimit_router_options(compile->arena, block, &r->options)))
        return NULL;
    out->config = r;
    out->at = block->at;
    return r;
}

/* What becomes of a refused or unserved request. */
static kd_verdict refuse(kd_branch *branch, uint16_t status, kd_failure failure)
{
    kd_exchange *x = branch->x;
    x->failure = failure;
    kd_exchange_note(x, KD_RATELIMIT_REFUSED);
    return kd_exchange_answer(branch, status, KD_STR(""), KD_STR(""));
}

/* ---- the endpoint ------------------------------------------------------------------------------------------------ */

static bool compile_endpoint(const kd_compile *compile, kd_compiled *out)
{
    const kd_node *block = block_of(compile);
    router *r = block ? begin(compile, block, out) : NULL;
    if (!r || block->type != KD_NODE_OBJECT)
        return r != NULL;
    if (r->options.rate <= 0)
        return false;
    kd_str identity = kd_arena_printf(compile->arena, "%.*s %.*s", KD_FMT(compile->endpoint->method_upper),
                                      KD_FMT(compile->endpoint->route));
    if (identity.p)
        r->bucket = kd_ratelimit_adopt_bucket(compile, identity, r->options.rate, r->options.capacity);
    return r->bucket != NULL;
}

static kd_verdict enter_endpoint(kd_branch *branch, const void *config, void *state)
{
    (void)state;
    const router *r = config;
    if (KD_UNLIKELY(!r->bucket) || kd_shared_bucket_take(r->bucket, kd_clock_monotonic()))
        return KD_NEXT;
    return refuse(branch, 503, KD_FAIL_REJECTED);
}

static void explain_endpoint(const void *config, kd_buf *out)
{
    const router *r = config;
    if (r->bucket)
        kd_buf_printf(out, "at most %g requests a second, %llu at once; beyond them 503", r->options.rate,
                      (unsigned long long)r->options.capacity);
    else
        kd_buf_add(out, KD_STR("not active: the block is no object"));
}

static void log_endpoint(const kd_plan *plan, const void *config)
{
    const router *r = config;
    if (r->bucket)
        kd_log(KD_LOG_DEBUG, "%.*s[Ratelimit] Rate limit enabled. MaxRate: %f, Capacity: %llu",
               KD_FMT(plan->log_prefix), r->options.rate, (unsigned long long)r->options.capacity);
    else
        kd_log(KD_LOG_ERROR, "%.*s[Ratelimit] wrong extra config", KD_FMT(plan->log_prefix));
}

const kd_step_type kd_ratelimit_endpoint = {.module = "qos/ratelimit/router",
                                            .name = "endpoint",
                                            .compile = compile_endpoint,
                                            .enter = enter_endpoint,
                                            .explain = explain_endpoint,
                                            .log = log_endpoint};

/* ---- its clients ------------------------------------------------------------------------------------------------- */

typedef struct clients_options {
    kd_bucket_rule rule;
    kd_ns ttl;
} clients_options;

static void *create_clients(const void *options)
{
    const clients_options *o = options;
    return kd_clients_create(&o->rule, o->ttl, KD_CLIENTS_MAX);
}

static void destroy_clients(void *clients)
{
    kd_clients_destroy(clients);
}

static kd_clients *adopt(const kd_compile *compile, const router *r)
{
    static const kd_object_type type = {"qos/ratelimit/clients", create_clients, destroy_clients};
    const kd_ratelimit_options *o = &r->options;
    clients_options options = {kd_bucket_rule_make(o->client_rate, o->client_capacity), o->ttl};
    kd_str identity = kd_arena_printf(compile->arena, "%.*s %.*s interval %lld capacity %u every %lld by %d %.*s",
                                      KD_FMT(compile->endpoint->method_upper), KD_FMT(compile->endpoint->route),
                                      (long long)options.rule.interval, options.rule.capacity, (long long)o->every,
                                      (int)r->strategy, KD_FMT(r->key));
    return identity.p ? kd_registry_adopt(compile->generation, &type, identity, &options) : NULL;
}

static strategy strategy_of(kd_str name)
{
    static const kd_str names[] = {KD_STR_INIT("ip"), KD_STR_INIT("header"), KD_STR_INIT("param")};
    for (strategy s = BY_IP; s < UNKNOWN; s++)
        if (kd_str_eq_ci(names[s], name))
            return s;
    return UNKNOWN;
}

/* Findings about what has no wrong type but hardly does what was meant. */
static void advise(const kd_compile *compile, const kd_node *block, const router *r)
{
    const kd_ratelimit_options *o = &r->options;
    if (r->strategy == UNKNOWN && !o->strategy.n)
        kd_errors_add(compile->errors, KD_SEVERITY_WARNING, block->at, compile->endpoint->path,
                      "client_max_rate has no effect without a strategy")
            ->suggestion = KD_STR("set strategy to ip, header or param");
    if ((r->strategy == BY_HEADER || r->strategy == BY_PARAM) && !o->key.n)
        kd_errors_add(compile->errors, KD_SEVERITY_WARNING, block->at, compile->endpoint->path,
                      "strategy %.*s without a key refuses every request", KD_FMT(o->strategy));
    if (r->strategy != UNKNOWN && !kd_node_get(block, KD_STR("client_capacity")) && o->client_capacity <= 1 &&
        o->client_rate >= 2)
        kd_errors_add(compile->errors, KD_SEVERITY_NOTE, block->at, compile->endpoint->path,
                      "a client may send 1 request at once, not %g: the default follows client_max_rate only where "
                      "max_rate is 1/s or more",
                      o->client_rate)
            ->suggestion = KD_STR("set client_capacity");
}

static bool names_param(const kd_endpoint *e, kd_str key)
{
    for (uint32_t i = 0; i < e->params.n; i++)
        if (kd_str_eq(e->params.v[i], key))
            return true;
    return false;
}

static bool compile_client(const kd_compile *compile, kd_compiled *out)
{
    const kd_node *block = block_of(compile);
    if (!block || block->type != KD_NODE_OBJECT)
        return false;
    router *r = begin(compile, block, out);
    if (!r || r->options.client_rate <= 0)
        return false;
    r->strategy = strategy_of(r->options.strategy);
    r->key = kd_arena_copy(compile->arena, r->options.key);
    if (!r->key.p)
        return false;
    if (r->strategy != BY_PARAM) {
        kd_go_header_canonical((char *)r->key.p, r->key.n);
        r->token = (uint8_t)kd_token_of(r->key);
    } else if (r->key.n && !names_param(compile->endpoint, r->key)) {
        kd_errors_add(compile->errors, KD_SEVERITY_WARNING, block->at, compile->endpoint->path,
                      "the path has no parameter \"%.*s\": every request is refused", KD_FMT(r->key));
    }
    advise(compile, block, r);
    if (r->strategy == UNKNOWN)
        return true;
    r->clients = adopt(compile, r);
    return r->clients != NULL;
}

static kd_str header(const router *r, const kd_exchange *x)
{
    const kd_headers *headers = &x->front->head->headers;
    const kd_header *h = r->token ? kd_headers_find(headers, r->token) : kd_headers_find_name(headers, r->key);
    return h ? kd_header_value(h) : KD_STR("");
}

/* Up to the separator, as strings.Split(s, separator)[0]. */
static kd_str before(kd_str s, char separator)
{
    ptrdiff_t at = kd_str_find(s, separator);
    return at < 0 ? s : kd_str_head(s, (size_t)at);
}

/* The client's address. Where everyone is believed to be a proxy the spelling counts, as in KrakenD: a client picks its
 * bucket anyhow. Where proxies are named, one address has one bucket, however it is written. */
static kd_str address(const router *r, kd_exchange *x, uint8_t bytes[16])
{
    bool v4;
    if (r->key.n) {
        kd_str first = before(kd_str_trim(before(header(r, x), ',')), ':');
        if (first.n && kd_ip_parse(first, bytes, &v4))
            return first;
    }
    kd_str ip = kd_exchange_client_ip(x);
    if (x->generation->client_ip.trusts_v6 || !kd_ip_parse(ip, bytes, &v4))
        return ip;
    return kd_str_of((const char *)bytes, 16);
}

static kd_str param(const router *r, const kd_exchange *x)
{
    for (uint32_t i = 0; i < x->n_params; i++)
        if (kd_str_eq(x->params[i].name, r->key))
            return x->params[i].value;
    return KD_STR("");
}

static kd_verdict enter_client(kd_branch *branch, const void *config, void *state)
{
    (void)state;
    const router *r = config;
    kd_exchange *x = branch->x;
    uint8_t bytes[16];
    if (KD_UNLIKELY(!r->clients))
        return KD_NEXT;
    kd_str key = r->strategy == BY_IP ? address(r, x, bytes) : r->strategy == BY_HEADER ? header(r, x) : param(r, x);
    if (!key.n)
        return refuse(branch, 429, KD_FAIL_REJECTED);
    switch (kd_clients_take(r->clients, key, kd_clock_monotonic())) {
    case KD_CLIENTS_TAKEN:
        return KD_NEXT;
    case KD_CLIENTS_REFUSED:
        return refuse(branch, 429, KD_FAIL_REJECTED);
    default:
        return refuse(branch, 503, KD_FAIL_SHED);
    }
}

static void explain_client(const void *config, kd_buf *out)
{
    const router *r = config;
    const kd_ratelimit_options *o = &r->options;
    if (!r->clients) {
        kd_buf_printf(out, "not active: the strategy \"%.*s\" is not known", KD_FMT(o->strategy));
        return;
    }
    kd_buf_printf(out, "each client by %.*s%s%.*s: at most %g requests a second, %llu at once; beyond them 429",
                  KD_FMT(o->strategy), o->key.n ? " " : "", KD_FMT(o->key), o->client_rate,
                  (unsigned long long)(o->client_capacity ? o->client_capacity : 1));
}

static void log_client(const kd_plan *plan, const void *config)
{
    const router *r = config;
    const kd_ratelimit_options *o = &r->options;
    if (!r->clients)
        kd_log(KD_LOG_WARNING, "%.*s[Ratelimit] Unknown strategy %.*s", KD_FMT(plan->log_prefix), KD_FMT(o->strategy));
    else
        kd_log(KD_LOG_DEBUG,
               "%.*s[Ratelimit] Rate limit enabled. Strategy: %.*s (key: %.*s), MaxRate: %f, Capacity: %llu",
               KD_FMT(plan->log_prefix), KD_FMT(o->strategy), KD_FMT(o->key), o->client_rate,
               (unsigned long long)o->client_capacity);
}

const kd_step_type kd_ratelimit_client = {.module = "qos/ratelimit/router",
                                          .name = "client",
                                          .compile = compile_client,
                                          .enter = enter_client,
                                          .explain = explain_client,
                                          .log = log_client};
