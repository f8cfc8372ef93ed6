/* auth/client-credentials: a backend's requests carry a token that the gateway fetches for itself (spec/02 section 7).
 */
#include "base/shared.h"
#include "gateway/fetch.h"
#include "gateway/module.h"
#include "gateway/registry.h"
#include "gateway/source.h"
#include "gateway/steps/core.h"
#include "modules/auth/client-credentials/token.h"

#include <stdlib.h>

#define ANSWER_MAX (1024u * 1024)
#define RETRY      (5 * KD_SECOND) /* between renewals of a token that still serves */

#define FIELD(name, kind, text)                                                                                        \
    .key = KD_STR_INIT(name), .type = KD_FIELD_##kind, .wrong = KD_WRONG_FAIL_START, .offset = KD_NO_OFFSET,           \
    .about = text

static const kd_field fields[] = {
    {FIELD("client_id", STRING, "Who asks for tokens.")},
    {FIELD("client_secret", STRING, "The secret that goes with it."), .flags = KD_FIELD_SECRET},
    {FIELD("token_url", STRING, "Where tokens are asked for.")},
    {FIELD("scopes", STRING, "The scopes of the token, with commas between them.")},
    {FIELD("endpoint_params", OBJECT, "Further parameters of the token request: lists of strings by name.")},
    {FIELD("is_disabled", BOOL, "Leaves the requests as they are."), .dflt = "false", .flags = KD_FIELD_UNLISTED},
};
static const kd_fields table = {"client-credentials block",
                                KD_SCOPE_BACKEND,
                                0,
                                KD_NO_OFFSET,
                                fields,
                                KD_COUNT(fields),
                                .lint = "'required':['client_id','client_secret','token_url']"};

static const kd_namespace namespaces[] = {
    {KD_STR_INIT("auth/client-credentials"), KD_STR_INIT("github.com/devopsfaith/krakend-oauth2-clientcredentials"),
     KD_SCOPE_BACKEND, KD_EDITION_CE, true, true, &table},
};

/* ---- the token, shared by all workers ---------------------------------------------------------------------------- */

typedef struct token {
    kd_source_value base;
    kd_ns expires; /* on the monotonic clock; KD_FOREVER: never */
    kd_ns renew;   /* from then on a request that uses it begins to renew it */
    size_t n;
    char authorization[];
} token;

/* A process object for each backend: what is needed to ask, and how asking went well. */
typedef struct client {
    kd_source *source;
    kd_arena arena; /* of the texts below */
    kd_oauth_client oauth;
    _Atomic bool in_body, known; /* id and secret stand in the form; that (or the opposite) is known to work */
    _Atomic kd_ns next_renewal;  /* not before: a token server that fails is not asked by every request */
} client;

/* A fetch under way. */
typedef struct asking {
    kd_source *source;
    client *client;
    kd_gateway_worker *worker;
    bool in_body, last;
} asking;

static void destroy_token(kd_source_value *value)
{
    token *t = (token *)(void *)value;
    explicit_bzero(t->authorization, t->n);
    free(t);
}

static void fail(asking *a, kd_failure failure, kd_str error)
{
    kd_source_done(a->source, NULL, failure, error);
    free(a);
}

static void ask(asking *a);

static void succeed(asking *a, const kd_oauth_token *got)
{
    token *t = malloc(sizeof *t + got->authorization.n);
    if (!t) {
        fail(a, KD_FAIL_SHED, KD_STR("out of memory"));
        return;
    }
    kd_ns now = kd_clock_monotonic();
    *t = (token){.base = {1, destroy_token},
                 .expires = got->expires_in ? now + got->expires_in * KD_SECOND : KD_FOREVER,
                 .renew = KD_FOREVER,
                 .n = got->authorization.n};
    kd_ns ahead = kd_oauth_renewal(got->expires_in);
    if (ahead)
        t->renew = t->expires - ahead;
    memcpy(t->authorization, got->authorization.p, t->n);
    a->client->in_body = a->in_body;
    a->client->known = true;
    kd_source_done(a->source, &t->base, KD_FAIL_NONE, KD_STR(""));
    free(a);
}

static void on_answer(void *context, const kd_fetch_result *result)
{
    asking *a = context;
    kd_arena arena;
    kd_arena_init(&arena, NULL, 0);
    kd_oauth_token got;
    kd_str error = result->error;
    bool good = false;
    if (result->in_body) {
        error = kd_arena_printf(&arena, "oauth2: cannot fetch token: %.*s", KD_FMT(result->error));
    } else if (!result->failure) {
        const kd_header *type = kd_headers_find(&result->head->headers, KD_HEADER_CONTENT_TYPE);
        good = kd_oauth_read(&arena, result->head->status, result->head->reason,
                             type ? kd_header_value(type) : KD_STR(""), result->body, &got, &error);
    }
    if (good) {
        succeed(a, &got);
    } else if (a->last || result->failure == KD_FAIL_CANCELLED) {
        fail(a, KD_FAIL_TOKEN, error);
    } else { /* whatever went wrong, the other way of naming the client is tried */
        a->last = a->in_body = true;
        ask(a);
    }
    kd_arena_reset(&arena);
}

static void ask(asking *a)
{
    kd_arena arena;
    kd_arena_init(&arena, NULL, 0);
    kd_str error = KD_STR("out of memory");
    kd_fetch_field with[2] = {{.name = KD_STR("Authorization")},
                              {KD_STR("Content-Type"), KD_STR("application/x-www-form-urlencoded")}};
    kd_fetch_request request = {.method = KD_METHOD_POST,
                                .url = a->client->oauth.url,
                                .fields = a->in_body ? with + 1 : with,
                                .n_fields = a->in_body ? 1 : 2,
                                .max_body = ANSWER_MAX};
    bool ok = kd_oauth_form(&arena, &a->client->oauth, a->in_body, &request.body, &error);
    if (ok && !a->in_body) {
        with[0].value = kd_oauth_basic(&arena, &a->client->oauth);
        ok = with[0].value.p != NULL;
    }
    if (!ok || !kd_fetch_start(a->worker, &request, on_answer, a))
        fail(a, KD_FAIL_TOKEN, error);
    kd_arena_reset(&arena);
}

static void fetch(kd_source *source, kd_gateway_worker *worker, void *context)
{
    asking *a = malloc(sizeof *a);
    if (!a) {
        kd_source_done(source, NULL, KD_FAIL_SHED, KD_STR("out of memory"));
        return;
    }
    client *c = context;
    *a = (asking){.source = source, .client = c, .worker = worker, .in_body = c->in_body, .last = c->known};
    ask(a);
}

static const kd_source_type source_type = {fetch};

static void free_client(void *context)
{
    client *c = context;
    kd_arena arena = c->arena;
    free(c);
    kd_arena_reset(&arena);
}

static void destroy_client(void *object)
{
    client *c = object;
    kd_source_destroy(c->source, free_client);
}

static bool copy_client(kd_arena *arena, const kd_oauth_client *from, kd_oauth_client *to)
{
    kd_oauth_param *params = KD_NEW_ARRAY(arena, kd_oauth_param, from->n_params + 1);
    *to = (kd_oauth_client){.id = kd_arena_copy(arena, from->id),
                            .secret = kd_arena_copy(arena, from->secret),
                            .url = kd_arena_copy(arena, from->url),
                            .scopes = kd_arena_copy(arena, from->scopes),
                            .params = params,
                            .n_params = from->n_params};
    bool ok = params && to->id.p && to->secret.p && to->url.p && to->scopes.p;
    for (uint32_t i = 0; ok && i < from->n_params; i++) {
        kd_oauth_param p = from->params[i];
        params[i] = (kd_oauth_param){kd_arena_copy(arena, p.name), p.value.p ? kd_arena_copy(arena, p.value) : p.value};
        ok = params[i].name.p && (params[i].value.p || !p.value.p);
    }
    return ok;
}

static void *create_client(const void *options)
{
    client *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    kd_arena_init(&c->arena, NULL, 0);
    if (copy_client(&c->arena, options, &c->oauth))
        c->source = kd_source_create(&source_type, c, 0);
    if (c->source)
        return c;
    free_client(c);
    return NULL;
}

static const kd_object_type client_type = {"auth/client-credentials", create_client, destroy_client};

/* ---- its configuration ------------------------------------------------------------------------------------------- */

/* KrakenD panics on a value of another type; here it is an error of the file. */
static bool wrong_type(const kd_compile *compile, const kd_node *node, const char *expected)
{
    kd_error *error = kd_errors_add(compile->errors, KD_SEVERITY_ERROR, node->at, KD_STR("auth/client-credentials"),
                                    "%.*s: expected %s, found %s", KD_FMT(node->key.n ? node->key : KD_STR("a value")),
                                    expected, kd_node_type_name(node->type));
    error->compat = KD_STR("interface conversion: interface {} is of another type");
    return false;
}

static bool read_text(const kd_compile *compile, const kd_node *block, kd_str key, kd_str *out)
{
    const kd_node *node = kd_node_get(block, key);
    *out = node && node->type == KD_NODE_STRING ? node->text : KD_STR("");
    return !node || node->type == KD_NODE_STRING || wrong_type(compile, node, "a string");
}

static bool read_params(const kd_compile *compile, const kd_node *block, kd_oauth_client *out)
{
    const kd_node *node = kd_node_get(block, KD_STR("endpoint_params"));
    if (!node)
        return true;
    if (node->type != KD_NODE_OBJECT)
        return wrong_type(compile, node, "an object of lists of strings");
    uint32_t n = 0;
    for (const kd_node *list = node->first; list; list = list->next) {
        if (list->type != KD_NODE_LIST)
            return wrong_type(compile, list, "a list of strings");
        n += list->n + 1;
    }
    kd_oauth_param *params = KD_NEW_ARRAY(compile->arena, kd_oauth_param, n + 1);
    if (!params)
        return false;
    for (const kd_node *list = node->first; list; list = list->next) {
        if (!list->first)
            params[out->n_params++] = (kd_oauth_param){list->key, {NULL, 0}};
        for (const kd_node *item = list->first; item; item = item->next) {
            if (item->type != KD_NODE_STRING)
                return wrong_type(compile, item, "a string");
            params[out->n_params++] = (kd_oauth_param){list->key, item->text};
        }
    }
    out->params = params;
    return true;
}

static bool compile_token(const kd_compile *compile, kd_compiled *out)
{
    const kd_node *block = kd_extra_find(&compile->backend->extra, KD_STR("auth/client-credentials"));
    if (!block || block->type != KD_NODE_OBJECT)
        return false;
    const kd_node *disabled = kd_node_get(block, KD_STR("is_disabled"));
    if (disabled && disabled->type != KD_NODE_BOOL)
        return wrong_type(compile, disabled, "true or false");
    if (disabled && disabled->boolean)
        return false;
    kd_oauth_client oauth = {.params = NULL};
    if (!read_text(compile, block, KD_STR("client_id"), &oauth.id) ||
        !read_text(compile, block, KD_STR("client_secret"), &oauth.secret) ||
        !read_text(compile, block, KD_STR("token_url"), &oauth.url) ||
        !read_text(compile, block, KD_STR("scopes"), &oauth.scopes) || !read_params(compile, block, &oauth))
        return false;
    if (!oauth.url.n)
        kd_errors_add(compile->errors, KD_SEVERITY_WARNING, block->at, KD_STR("auth/client-credentials"),
                      "there is no token_url: every request to this backend fails");
    /* One token for each backend, even where two are configured alike (spec/02 section 7.2). */
    kd_str identity = kd_arena_printf(compile->arena, "%.*s %.*s %u\n%.*s", KD_FMT(compile->endpoint->method_upper),
                                      KD_FMT(compile->endpoint->route), compile->backend->index,
                                      KD_FMT(kd_node_identity(compile->arena, block)));
    out->config = kd_registry_adopt(compile->generation, &client_type, identity, &oauth);
    out->at = block->at;
    if (!out->config)
        kd_errors_add(compile->errors, KD_SEVERITY_ERROR, block->at, KD_STR("auth/client-credentials"),
                      "out of memory");
    return out->config != NULL;
}

/* ---- on a request's way ------------------------------------------------------------------------------------------ */

static kd_verdict carry(kd_branch *branch, const token *t)
{
    kd_str value = kd_arena_copy(branch->x->front->arena, kd_str_of(t->authorization, t->n));
    if (value.p && kd_headers_set(&branch->request->headers, KD_STR("Authorization"), value))
        return KD_NEXT;
    return kd_branch_fail(branch, KD_FAIL_SHED, KD_STR("out of memory"));
}

static kd_verdict refuse(kd_branch *branch, kd_str error)
{
    kd_arena *arena = branch->x->front->arena;
    return kd_branch_fail(branch, KD_FAIL_TOKEN,
                          kd_arena_printf(arena, "%.*s \"%.*s\": %.*s",
                                          KD_FMT(kd_core_verb(arena, branch->request->method)),
                                          KD_FMT(kd_core_url(branch)), KD_FMT(error)));
}

/* Nobody waits for it: the present token serves meanwhile, and longer if it fails. */
static void renew(client *c, kd_branch *branch, kd_ns now)
{
    kd_ns not_before = atomic_load_explicit(&c->next_renewal, memory_order_relaxed);
    if (now >= not_before && atomic_compare_exchange_strong(&c->next_renewal, &not_before, now + RETRY))
        kd_source_refresh(c->source, branch->x->worker, false);
}

/* A request that waits. */
typedef struct waiting {
    kd_source_wait wait;
    bool again;
} waiting;

static kd_verdict enter_token(kd_branch *branch, const void *config, void *state)
{
    client *c = (client *)config;
    waiting *w = state;
    kd_source_wait *wait = &w->wait;
    if (!wait->phase) {
        token *present = (token *)(void *)kd_source_peek(c->source);
        kd_ns now = branch->x->front->worker->loop.now;
        bool good = present && (present->expires == KD_FOREVER || now + KD_OAUTH_EARLY < present->expires);
        if (good && now >= present->renew)
            renew(c, branch, now);
        kd_verdict verdict = good ? carry(branch, present) : KD_WAIT;
        kd_source_value_unref(present ? &present->base : NULL);
        if (good)
            return verdict;
    }
    if (kd_source_await(c->source, branch, wait) == KD_WAIT)
        return KD_WAIT;
    /* as with KrakenD a failure is that of who asked: who only joined asks by itself, unless nobody answered */
    if (!wait->value && wait->joined && !w->again && wait->failure != KD_FAIL_DEADLINE) {
        kd_source_wait_fini(wait);
        w->again = true;
        if (kd_source_await(c->source, branch, wait) == KD_WAIT)
            return KD_WAIT;
    }
    kd_verdict verdict = wait->value ? carry(branch, (token *)(void *)wait->value) : refuse(branch, wait->error);
    kd_source_wait_fini(wait);
    return verdict;
}

static void explain(const void *config, kd_buf *out)
{
    const client *c = config;
    kd_buf_printf(out, "token of %.*s, client %.*s", KD_FMT(c->oauth.url), KD_FMT(c->oauth.id));
}

static const kd_step_type token_step = {.module = "auth/client-credentials",
                                        .name = "token",
                                        .compile = compile_token,
                                        .enter = enter_token,
                                        .state_size = sizeof(waiting),
                                        .explain = explain};
static const kd_step_type *const steps[] = {&token_step, NULL};

const kd_module kd_module_auth_client_credentials = {
    .name = "auth/client-credentials", .namespaces = namespaces, .n_namespaces = KD_COUNT(namespaces), .steps = steps};
