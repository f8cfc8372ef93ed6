/* auth/validator: who calls an endpoint has to bring a good JSON Web Token (spec/02 section 2). */
#include "gateway/exchange.h"
#include "gateway/module.h"
#include "gateway/registry.h"
#include "modules/auth/validator/extract.h"
#include "modules/auth/validator/memory.h"
#include "modules/auth/validator/options.h"
#include "modules/auth/validator/propagate.h"
#include "modules/auth/validator/store.h"

#include <stdlib.h>

/* What the endpoint asks of tokens. */
typedef struct validator {
    kd_str problem; /* not empty: the block cannot be read, nobody gets through */
    const kd_jose_alg *alg;
    kd_token field_token;
    kd_str field, cookie;
    kd_jwk_keys keys;
    kd_str issuer;
    kd_texts audience, roles, scopes;
    kd_str roles_key, scopes_key;
    bool roles_nested, all_scopes, debug;
    kd_ns leeway;
    kd_propagation propagation;
    struct {
        const kd_rejecter *it;
        const void *config;
    } rejecters[KD_MAX_REJECTERS];
    uint32_t n_rejecters;
    kd_token_memory **memories; /* one for each worker */
} validator;

/* A request on its way through. */
typedef struct passing {
    kd_jwk_lookup lookup;
    bool looking;
    kd_str token, id;
    kd_jws jws;
    kd_remembered *entry; /* with a use; NULL: not remembered */
    kd_claims claims;     /* where there is no entry */
    kd_identity identity;
} passing;

/* What the service's block says, and all stores, for whom keys are shared whatever their URL. */
typedef struct service {
    kd_ns shared;
    bool by_default, by_kid, strict;
    kd_str problem;
} service;

extern const kd_module kd_module_auth_validator;

/* ---- at load ---------------------------------------------------------------------------------------------------- */

typedef struct memories {
    uint32_t n;
    kd_token_memory *v[KD_MAX_WORKERS];
} memories;

static void destroy_memories(void *object)
{
    memories *m = object;
    for (uint32_t i = 0; i < m->n; i++)
        kd_token_memory_destroy(m->v[i]);
    free(m);
}

static void *create_memories(const void *options)
{
    memories *m = calloc(1, sizeof *m);
    uint32_t n = *(const unsigned *)options;
    for (; m && m->n < n && m->n < KD_MAX_WORKERS; m->n++) {
        m->v[m->n] = kd_token_memory_create();
        if (!m->v[m->n]) {
            destroy_memories(m);
            return NULL;
        }
    }
    return m;
}

static const kd_object_type memories_type = {"auth/validator/memory", create_memories, destroy_memories};

static kd_texts texts(kd_str_list list)
{
    return (kd_texts){list.v, list.n};
}

/* What KrakenD ends the start for. */
static bool fatal(const kd_compile *compile, const kd_node *block, kd_str why)
{
    const kd_endpoint *e = compile->endpoint;
    kd_error *error =
        kd_errors_add(compile->errors, KD_SEVERITY_ERROR, block->at, e->path, "the validator cannot be made: %.*s",
                      KD_FMT(why.p ? why : KD_STR("out of memory")));
    error->compat =
        kd_arena_printf(compile->errors->arena, "[ENDPOINT: %.*s][JWTValidator] Unable to create the validator: %.*s",
                        KD_FMT(e->route), KD_FMT(why.p ? why : KD_STR("out of memory")));
    error->fatal = true;
    return false;
}

static bool open_keys(const kd_compile *compile, const kd_validator_options *o, validator *v, kd_str *error)
{
    const service *s = *kd_module_slot(compile->generation, &kd_module_auth_validator);
    const kd_endpoint *e = compile->endpoint;
    kd_jwk_policy policy = {.strategy = kd_jose_strategy_find(o->strategy),
                            .cooldown = o->cooldown,
                            .strict = s->strict,
                            .any_server = s->by_kid && s->shared};
    bool known = !o->strategy.n || policy.strategy != KD_JOSE_BY_KID || kd_str_eq(o->strategy, KD_STR("kid"));
    if (o->cache && o->place.local_path.n) {
        *error = KD_STR("cache could not be used with jwk_local_path");
        return false;
    }
    if (o->cache)
        policy.ttl = (o->cache_duration ? (kd_ns)o->cache_duration : 900) * KD_SECOND;
    if (o->cache && known && policy.ttl < s->shared)
        policy.ttl = s->shared;
    kd_str identity = kd_arena_printf(compile->arena, "%.*s %.*s %.*s", KD_FMT(e->method_upper), KD_FMT(e->route),
                                      KD_FMT(o->place.url));
    *error = (kd_str){NULL, 0};
    return identity.p && kd_jwk_keys_init(&v->keys, compile->generation, &o->place, &policy, identity, error);
}

static void open_rejecters(const kd_compile *compile, validator *v)
{
    const kd_generation *g = compile->generation;
    for (unsigned i = 0; i < g->n_rejecters; i++) {
        const kd_rejecter *rejecter = g->rejecters[i];
        const void *config = NULL;
        if (rejecter->compile && !rejecter->compile(compile, &config))
            continue;
        v->rejecters[v->n_rejecters].it = rejecter;
        v->rejecters[v->n_rejecters++].config = config;
    }
}

static bool compile_token(const kd_compile *compile, kd_compiled *out)
{
    const kd_node *block = kd_extra_find(&compile->endpoint->extra, KD_STR("auth/validator"));
    kd_validator_options o;
    kd_str error;
    if (!block)
        return false;
    validator *v = KD_NEW(compile->arena, validator);
    if (!v)
        return fatal(compile, block, KD_STR("out of memory"));
    out->config = v;
    out->at = block->at;
    if (!kd_validator_options_read(compile->arena, block, &o, &error)) {
        v->problem = error.p ? error : KD_STR("out of memory");
        kd_errors_add(compile->errors, KD_SEVERITY_WARNING, block->at, compile->endpoint->path,
                      "auth/validator cannot be read: every request is answered with 401: %.*s", KD_FMT(v->problem));
        return true;
    }
    v->alg = kd_jose_alg_find(o.alg);
    if (!v->alg)
        return fatal(compile, block, kd_arena_printf(compile->arena, "JOSE: unknown algorithm %.*s", KD_FMT(o.alg)));
    if (!open_keys(compile, &o, v, &error))
        return fatal(compile, block, error);
    v->field = o.auth_header_name;
    v->field_token = kd_token_of(v->field);
    v->cookie = o.cookie_key;
    v->issuer = o.issuer;
    v->audience = texts(o.audience);
    v->roles = texts(o.roles);
    v->roles_key = o.roles_key;
    v->roles_nested = o.roles_key_is_nested && kd_claims_is_path(o.roles_key);
    if (o.scopes.n && o.scopes_key.n)
        v->scopes = texts(o.scopes);
    v->scopes_key = o.scopes_key;
    v->all_scopes = kd_str_eq(o.scopes_matcher, KD_STR("all"));
    v->debug = o.operation_debug;
    v->leeway = o.leeway;
    unsigned workers = compile->generation->n_workers;
    memories *m = kd_registry_adopt(compile->generation, &memories_type, KD_STR(""), &workers);
    v->memories = m ? m->v : NULL;
    if (!m ||
        !kd_propagation_compile(&v->propagation, compile->arena, compile->endpoint, &o.propagate, o.preserve_array))
        return fatal(compile, block, KD_STR("out of memory"));
    open_rejecters(compile, v);
    return true;
}

/* ---- refusing --------------------------------------------------------------------------------------------------- */

static kd_verdict refuse(kd_branch *branch, uint16_t status)
{
    branch->x->failure = KD_FAIL_REJECTED;
    return kd_exchange_answer(branch, status, KD_STR(""), KD_STR(""));
}

static kd_verdict refuse_token(kd_branch *branch, const validator *v, const char *what, kd_str why, uint16_t status)
{
    if (v->debug && kd_log_wants(KD_LOG_ERROR))
        kd_log(KD_LOG_ERROR, "%.*s[JWTValidator] %s%.*s", KD_FMT(branch->x->plan->log_prefix), what, KD_FMT(why));
    return refuse(branch, status);
}

static kd_verdict invalid(kd_branch *branch, const validator *v, kd_str why)
{
    if (!why.p) { /* without memory nobody is let in, but it is not the token's fault */
        branch->x->failure = KD_FAIL_SHED;
        return kd_exchange_answer(branch, 503, KD_STR(""), KD_STR(""));
    }
    return refuse_token(branch, v, "Unable to validate the token: ", why, 401);
}

/* ---- the token -------------------------------------------------------------------------------------------------- */

/* p is NULL: there is none. An empty cookie is one, though no good one. */
static kd_str token_of(const kd_headers *headers, const validator *v)
{
    const kd_header *field =
        v->field_token ? kd_headers_find(headers, v->field_token) : kd_headers_find_name(headers, v->field);
    kd_str token = field ? kd_token_of_field(kd_header_value(field)) : KD_STR("");
    if (!token.n)
        token.p = NULL;
    for (uint32_t i = 0; i < headers->n && !token.n; i++) {
        const kd_header *h = &headers->v[i];
        if (h->token == KD_HEADER_COOKIE && kd_token_of_cookies(kd_header_value(h), v->cookie, &token))
            break; /* the first cookie of that name counts, be it empty */
    }
    return token;
}

/* Where the lookup has found the key. */
static void note_origin(kd_remembered *entry, const passing *p, const validator *v)
{
    entry->set = p->lookup.set;
    entry->seen = p->lookup.seen;
    entry->strategy = v->keys.policy.strategy;
}

static bool remember(passing *p, kd_branch *branch, const validator *v, const kd_jwk *jwk, kd_str *error)
{
    kd_token_memory *memory = v->memories[branch->x->worker->net->index];
    kd_remembered *entry = p->jws.canonical ? kd_token_memory_begin(memory, p->token) : NULL;
    if (!entry)
        return kd_claims_parse(branch->x->front->arena, p->jws.payload, &p->claims, error);
    bool good = kd_claims_parse(&entry->arena, p->jws.payload, &entry->claims, error);
    for (int s = 0; good && s < KD_JOSE_STRATEGIES; s++) {
        kd_str id = kd_jws_key_id(&entry->arena, &p->jws, (kd_jose_strategy)s);
        entry->ids[s] = id.p ? kd_arena_copy(&entry->arena, id) : id;
        good = entry->ids[s].p != NULL;
    }
    entry->alg = v->alg;
    entry->key = jwk->print;
    note_origin(entry, p, v);
    if (!good) {
        if (error->p) /* the text lies in the entry */
            *error = kd_arena_copy(branch->x->front->arena, *error);
        kd_token_memory_drop(entry);
        return false;
    }
    kd_token_memory_keep(memory, entry);
    p->entry = entry;
    return true;
}

/* Looks the key up; with it, a token that was not verified before is verified. KD_NEXT: it is good. */
static kd_verdict check_key(passing *p, kd_branch *branch, const validator *v)
{
    kd_jwk *jwk;
    kd_str error = KD_STR("");
    if (p->entry && !p->looking && p->entry->strategy == v->keys.policy.strategy &&
        kd_jwk_keys_still(&v->keys, p->entry->set, p->entry->seen, branch->x->worker->net->loop.now))
        return KD_NEXT;
    kd_verdict verdict = kd_jwk_lookup_run(&p->lookup, &v->keys, branch, p->id, &jwk, &error);
    p->looking = verdict == KD_WAIT;
    if (verdict == KD_WAIT)
        return verdict;
    if (!jwk)
        return invalid(branch, v, error);
    if (p->entry && kd_fingerprint_eq(p->entry->key, jwk->print)) {
        note_origin(p->entry, p, v);
        kd_jwk_unref(jwk);
        return KD_NEXT;
    }
    if (p->entry) { /* the key has changed behind its name */
        kd_token_memory *memory = v->memories[branch->x->worker->net->index];
        kd_token_memory_forget(memory, p->entry);
        kd_token_memory_unuse(memory, p->entry);
        p->entry = NULL;
        if (!kd_jws_parse(branch->x->front->arena, p->token, &p->jws, &error)) {
            kd_jwk_unref(jwk);
            return invalid(branch, v, error);
        }
    }
    bool good = kd_jws_verify(&p->jws, jwk, v->alg, &error) && remember(p, branch, v, jwk, &error);
    kd_jwk_unref(jwk);
    return good ? KD_NEXT : invalid(branch, v, error);
}

/* Finds the token and by what id its key is asked for. */
static kd_verdict find_token(passing *p, kd_branch *branch, const validator *v)
{
    kd_exchange *x = branch->x;
    kd_str error;
    p->token = token_of(&x->front->head->headers, v);
    if (!p->token.p)
        return invalid(branch, v, KD_STR("Token not found"));
    p->entry = kd_token_memory_find(v->memories[x->worker->net->index], p->token);
    if (p->entry && p->entry->alg == v->alg) {
        p->id = p->entry->ids[v->keys.policy.strategy];
        return KD_NEXT;
    }
    if (p->entry)
        kd_token_memory_unuse(v->memories[x->worker->net->index], p->entry);
    p->entry = NULL;
    if (!kd_jws_parse(x->front->arena, p->token, &p->jws, &error))
        return invalid(branch, v, error);
    if (!kd_str_eq(p->jws.alg, v->alg->name))
        return invalid(branch, v, KD_STR("algorithm is invalid"));
    p->id = kd_jws_key_id(x->front->arena, &p->jws, v->keys.policy.strategy);
    return p->id.p ? KD_NEXT : invalid(branch, v, p->id);
}

/* What is asked of a good token on every request. */
static kd_verdict authorise(passing *p, kd_branch *branch, const validator *v)
{
    const kd_claims *claims = p->entry ? &p->entry->claims : &p->claims;
    kd_value all = claims->all;
    kd_str error;
    if (!kd_claims_check(claims, v->issuer, v->audience, kd_clock_wall(), v->leeway, &error))
        return invalid(branch, v, error);
    if (KD_UNLIKELY(claims->late_error.p != NULL))
        return refuse_token(branch, v, "Token sent by client is invalid: ", claims->late_error, 401);
    p->identity = (kd_identity){.claims = all};
    branch->x->identity = &p->identity;
    for (uint32_t i = 0; i < v->n_rejecters; i++)
        if (v->rejecters[i].it->rejects(branch->x, &p->identity, v->rejecters[i].config))
            return refuse_token(branch, v, "Token sent by client rejected", KD_STR(""), 401);
    if (!kd_claims_have_role(all, v->roles_key, v->roles_nested, v->roles))
        return refuse_token(branch, v, "Token sent by client does not have sufficient roles", KD_STR(""), 403);
    if (!kd_claims_have_scopes(all, v->scopes_key, v->scopes, v->all_scopes))
        return refuse_token(branch, v, "Token sent by client does not have the required scopes", KD_STR(""), 403);
    if (!kd_propagate(&v->propagation, branch->x, all))
        return invalid(branch, v, (kd_str){NULL, 0});
    return KD_NEXT;
}

static void let_go(passing *p, kd_exchange *x, const validator *v)
{
    x->identity = NULL;
    if (p->entry)
        kd_token_memory_unuse(v->memories[x->worker->net->index], p->entry);
    p->entry = NULL;
}

static kd_verdict enter_token(kd_branch *branch, const void *config, void *state)
{
    const validator *v = config;
    passing *p = state;
    if (KD_UNLIKELY(v->problem.n != 0))
        return refuse(branch, 401);
    kd_verdict verdict = p->looking ? KD_NEXT : find_token(p, branch, v);
    if (verdict == KD_NEXT)
        verdict = check_key(p, branch, v);
    if (verdict == KD_NEXT)
        verdict = authorise(p, branch, v);
    if (verdict != KD_NEXT && verdict != KD_WAIT)
        let_go(p, branch->x, v);
    return verdict;
}

static kd_verdict leave_token(kd_branch *branch, const void *config, void *state)
{
    let_go(state, branch->x, config);
    return KD_NEXT;
}

/* ---- what it tells ---------------------------------------------------------------------------------------------- */

static void explain_token(const void *config, kd_buf *out)
{
    const validator *v = config;
    if (v->problem.n) {
        kd_buf_add(out, KD_STR("cannot be read: 401 for all"));
        return;
    }
    kd_buf_printf(out, "%.*s, keys from a %s", KD_FMT(v->alg->name), v->keys.store ? "URL" : "file");
    if (v->roles.n)
        kd_buf_printf(out, ", %u roles in %.*s", v->roles.n, KD_FMT(v->roles_key));
    if (v->scopes.n)
        kd_buf_printf(out, ", %u scopes in %.*s", v->scopes.n, KD_FMT(v->scopes_key));
}

static void log_scopes(const kd_plan *plan, const validator *v)
{
    if (!v->scopes.n) {
        kd_log(KD_LOG_DEBUG, "%.*s[JWTValidator] No scope validation required", KD_FMT(plan->log_prefix));
        return;
    }
    kd_buf list;
    kd_buf_init(&list, 64 * 1024);
    for (uint32_t i = 0; i < v->scopes.n; i++)
        kd_buf_printf(&list, "%s%.*s", i ? " " : "", KD_FMT(v->scopes.v[i]));
    kd_log(KD_LOG_DEBUG,
           "%.*s[JWTValidator] Constraint added: tokens must contain a claim '%.*s' with %s these scopes: [%.*s]",
           KD_FMT(plan->log_prefix), KD_FMT(v->scopes_key), v->all_scopes ? "all" : "any of",
           KD_FMT(kd_buf_str(&list)));
    kd_buf_fini(&list);
}

static void log_token(const kd_plan *plan, const void *config)
{
    const validator *v = config;
    for (uint32_t i = 0; i < v->n_rejecters; i++)
        if (v->rejecters[i].it->log)
            v->rejecters[i].it->log(plan, v->rejecters[i].config);
    if (v->problem.n) {
        kd_log(KD_LOG_WARNING, "%.*s[JWTValidator] Unable to parse the configuration: %.*s", KD_FMT(plan->log_prefix),
               KD_FMT(v->problem));
        return;
    }
    kd_log(KD_LOG_DEBUG, "%.*s[JWTValidator] Roles will be matched against the %skey: '%.*s'", KD_FMT(plan->log_prefix),
           v->roles_nested ? "nested " : "", KD_FMT(v->roles_key));
    log_scopes(plan, v);
    kd_log(KD_LOG_DEBUG, "%.*s[JWTValidator] Validator enabled for this endpoint%s", KD_FMT(plan->log_prefix),
           v->debug ? ". Operation debug is enabled" : "");
}

static const kd_step_type token_step = {
    .module = "auth/validator",
    .name = "token",
    .compile = compile_token,
    .enter = enter_token,
    .leave = leave_token,
    .state_size = sizeof(passing),
    .explain = explain_token,
    .log = log_token,
};

/* ---- the module ------------------------------------------------------------------------------------------------- */

static bool compat(const kd_service *from, kd_str key)
{
    const kd_node *node = kd_node_typed(kd_extra_find(&from->extra, KD_STR("gateway/compat")), key, KD_NODE_BOOL);
    return node && node->boolean;
}

static bool open_service(kd_generation *generation, const kd_compile *compile)
{
    service *s = KD_NEW(compile->arena, service);
    if (!s)
        return false;
    *kd_module_slot(generation, &kd_module_auth_validator) = s;
    const kd_node *block = kd_extra_find(&compile->service->extra, KD_STR("auth/validator"));
    if (!kd_validator_shared_read(compile->arena, block, &s->shared, &s->by_default, &s->problem) && !s->problem.p)
        return false;
    s->by_kid = compat(compile->service, KD_STR("jwk_cache_by_kid"));
    s->strict = compat(compile->service, KD_STR("jwk_strict_expiry"));
    return true;
}

static void log_service(const kd_generation *generation)
{
    const service *s = *kd_module_slot((kd_generation *)generation, &kd_module_auth_validator);
    if (s->problem.n)
        kd_log(KD_LOG_ERROR, "[SERVICE: JOSE] %.*s", KD_FMT(s->problem));
    else if (s->by_default)
        kd_log(KD_LOG_INFO, "[SERVICE: JOSE] Empty shared_cache_duration, using default (15m)");
}

static const kd_namespace namespaces[] = {
    {KD_STR_INIT("auth/validator"), KD_STR_INIT("github.com/devopsfaith/krakend-jose/validator"), KD_SCOPE_ENDPOINT,
     KD_EDITION_CE, true, true, &kd_validator_fields},
    {KD_STR_INIT("auth/validator"), KD_STR_INIT("github.com/devopsfaith/krakend-jose/validator"), KD_SCOPE_SERVICE,
     KD_EDITION_CE, true, true, &kd_validator_service_fields},
};
static const kd_step_type *const steps[] = {&token_step, NULL};

const kd_module kd_module_auth_validator = {
    .name = "auth/validator",
    .namespaces = namespaces,
    .n_namespaces = KD_COUNT(namespaces),
    .steps = steps,
    .open = open_service,
    .log = log_service,
};
