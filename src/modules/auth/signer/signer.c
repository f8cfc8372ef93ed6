/* auth/signer: objects in a backend's answer leave the gateway as signed tokens (spec/02 section 5). It stands for the
 * endpoint's handler and renderer, and as in KrakenD for everything else around them. */
#include "gateway/exchange.h"
#include "gateway/jwk.h"
#include "gateway/module.h"
#include "gateway/registry.h"
#include "gateway/source.h"
#include "gateway/steps/core.h"
#include "lang/jose/jws.h"

#include <stdlib.h>

/* A key server that fails is asked again at most so often, by those who need the key. */
#define PAUSE KD_SECOND

#define FIELD(name, kind, text)                                                                                        \
    .key = KD_STR_INIT(name), .type = KD_FIELD_##kind, .wrong = KD_WRONG_DROP_BLOCK, .offset = KD_NO_OFFSET,           \
    .about = text

static const kd_field fields[] = {
    {FIELD("alg", STRING, "How tokens are signed: EdDSA, or HS, RS, ES or PS with 256, 384 or 512."),
     .lint = "{'enum':['EdDSA','HS256','HS384','HS512','RS256','RS384','RS512','ES256','ES384','ES512','PS256','PS384',"
             "'PS512']}"},
    {FIELD("cipher_suites", UINTS, "Cipher suites of TLS 1.2 towards the key server, as numbers."),
     .lint = "{'type':'array','items':{'enum':[5,10,47,53,60,156,157,49159,49161,49162,49169,49170,49171,49172,49187,"
             "49191,49199,49195,49200,49196,52392,52393]}}"},
    {FIELD("cypher_key", STRING, "The encrypted key of an encrypted key file, standard base64."),
     .flags = KD_FIELD_SECRET},
    {FIELD("disable_jwk_security", BOOL, "Allows http, any certificate, and key files without a URL."),
     .dflt = "false"},
    {FIELD("full", BOOL, "Writes tokens in the JSON serialisation."), .dflt = "false"},
    {FIELD("jwk_fingerprints", STRINGS, "SHA-256 of public keys, base64url: the key server must have one of them.")},
    {FIELD("jwk_local_ca", STRING, "PEM file with further authorities for the key server.")},
    {FIELD("jwk_local_path", STRING, "File with the key set, read at start.")},
    {FIELD("jwk_url", STRING, "Where the key set is fetched."), .former = "jwk-url"},
    {FIELD("keys_to_sign", STRINGS, "Members of the answer that are signed."), .former = "keys-to-sign"},
    {FIELD("kid", STRING, "The key that signs.")},
    {FIELD("leeway", STRING, "Has no effect, as in KrakenD."), .lint = "'pattern':'^[0-9]+(ns|ms|us|µs|s|m|h)$'"},
    {FIELD("secret_url", STRING, "Keeper that decrypts cypher_key: base64key://…"), .flags = KD_FIELD_SECRET,
     .lint = "'pattern':'(base64key|awskms|azurekeyvault|gcpkms|hashivault)://(.*)'"},
    {FIELD("typ", STRING, "The type in the tokens' head."), .dflt = "JWT", .flags = KD_FIELD_UNLISTED},
};
static const kd_fields table = {
    "auth/signer block",
    KD_SCOPE_ENDPOINT,
    0,
    KD_NO_OFFSET,
    fields,
    KD_COUNT(fields),
    .lint = "'oneOf':[{'required':['alg','jwk_local_path','disable_jwk_security']},{'required':['alg','jwk_url']}],"
            "'required':['alg','kid','keys_to_sign']"};

typedef struct options {
    kd_str alg, kid, type;
    bool full;
    kd_str_list keys_to_sign;
    kd_jwk_place place;
} options;

static const kd_go_member members[] = {
    {KD_STR_INIT("alg"), KD_GO_STRING, offsetof(options, alg)},
    {KD_STR_INIT("full"), KD_GO_BOOL, offsetof(options, full)},
    {KD_STR_INIT("keys_to_sign"), KD_GO_STRINGS, offsetof(options, keys_to_sign)},
    {KD_STR_INIT("kid"), KD_GO_STRING, offsetof(options, kid)},
    {KD_STR_INIT("typ"), KD_GO_STRING, offsetof(options, type)},
    KD_JWK_PLACE_MEMBERS(options),
};
static const kd_go_struct block_type = {"SignerConfig", "jose", members, KD_COUNT(members)};

/* ---- the key ---------------------------------------------------------------------------------------------------- */

/* A key with which tokens are signed, counted. */
typedef struct signing {
    kd_source_value base;
    kd_arena arena;
    kd_jwk *jwk;
    kd_jws_signer signer;
} signing;

static void signing_destroy(kd_source_value *value)
{
    signing *s = KD_CONTAINER(value, signing, base);
    kd_jwk_unref(s->jwk);
    kd_arena arena = s->arena;
    kd_arena_reset(&arena);
}

static signing *signing_create(const options *o, kd_jwk *jwk)
{
    kd_arena arena;
    kd_arena_init(&arena, NULL, 0);
    signing *s = KD_NEW(&arena, signing);
    if (!s)
        return NULL;
    s->arena = arena;
    s->base.destroy = signing_destroy;
    atomic_init(&s->base.references, 1);
    s->jwk = kd_jwk_ref(jwk);
    kd_str type = o->type.n ? o->type : KD_STR("JWT");
    if (kd_jws_signer_init(&s->signer, &s->arena, jwk, kd_jose_alg_find(o->alg), type, o->full))
        return s;
    signing_destroy(&s->base);
    return NULL;
}

/* The key of the configured id in a document, ready to sign. NULL: *error is KrakenD's text. */
static signing *choose(const options *o, const kd_jwk_list *keys, bool file, kd_str *error)
{
    kd_jwk *jwk = NULL;
    for (uint32_t i = 0; i < keys->n; i++)
        if (kd_str_eq(keys->v[i]->kid, o->kid))
            jwk = keys->v[i]; /* the last one counts */
    *error = file ? KD_STR("Get \"\": unsupported protocol scheme \"\"") : KD_STR("no Keys have been found");
    if (!jwk && keys->broken.p)
        *error = keys->broken;
    if (!jwk)
        return NULL;
    const char *problem = kd_jwk_sign_problem(jwk, kd_jose_alg_find(o->alg));
    signing *s = problem ? NULL : signing_create(o, jwk);
    *error = problem ? kd_str_from_c(problem) : KD_STR("out of memory");
    return s;
}

/* A process object: the key of an endpoint that is fetched from a URL, once. */
typedef struct remote_key {
    kd_source *source;
    kd_jwk_remote remote;
    kd_arena arena; /* of the texts */
    options options;
    kd_str prefix; /* of the lines that tell how it went */
    _Atomic uint32_t uses;
    _Atomic bool told;
} remote_key;

typedef struct remote_options {
    const options *options;
    kd_str prefix;
} remote_options;

static void on_keys(void *context, const kd_jwk_list *keys, kd_failure failure, kd_str error)
{
    remote_key *r = context;
    signing *s = keys ? choose(&r->options, keys, false, &error) : NULL;
    if (s)
        kd_log(KD_LOG_DEBUG, "%.*s Signer enabled", KD_FMT(r->prefix));
    else if (!atomic_exchange(&r->told, true))
        kd_log(KD_LOG_ERROR, "%.*s Unable to create the signer: %.*s", KD_FMT(r->prefix), KD_FMT(error));
    failure = failure != KD_FAIL_NONE ? failure : KD_FAIL_REJECTED;
    kd_source_done(r->source, s ? &s->base : NULL, s ? KD_FAIL_NONE : failure, error);
}

static void fetch(kd_source *source, kd_gateway_worker *worker, void *context)
{
    remote_key *r = context;
    kd_jwk_fetch(&r->remote, worker, on_keys, r);
}

static const kd_source_type source_type = {fetch};

static void remote_free(void *context)
{
    remote_key *r = context;
    kd_jwk_remote_fini(&r->remote);
    kd_arena_reset(&r->arena);
    free(r);
}

static void unuse(remote_key *r)
{
    if (atomic_fetch_sub(&r->uses, 1) == 1)
        kd_source_destroy(r->source, remote_free);
}

static void *remote_create(const void *from)
{
    const remote_options *o = from;
    remote_key *r = calloc(1, sizeof *r);
    if (!r)
        return NULL;
    kd_arena_init(&r->arena, NULL, 0);
    atomic_init(&r->uses, 1);
    r->options = (options){.alg = kd_arena_copy(&r->arena, o->options->alg),
                           .kid = kd_arena_copy(&r->arena, o->options->kid),
                           .type = kd_arena_copy(&r->arena, o->options->type),
                           .full = o->options->full};
    r->prefix = kd_arena_copy(&r->arena, o->prefix);
    bool texts = r->options.alg.p && r->options.kid.p && r->options.type.p && r->prefix.p;
    if (kd_jwk_remote_init(&r->remote, &o->options->place) && texts &&
        (r->source = kd_source_create(&source_type, r, PAUSE)))
        return r;
    remote_free(r);
    return NULL;
}

static void remote_destroy(void *object)
{
    unuse(object);
}

static const kd_object_type remote_type = {"auth/signer/key", remote_create, remote_destroy};

static void deliver_warm(void *worker, const kd_message *message)
{
    remote_key *r = (remote_key *)(uintptr_t)message->word[0];
    kd_worker *net = worker;
    if (!kd_source_rounds(r->source))
        kd_source_refresh(r->source, net->upper, false);
    unuse(r);
}

/* KrakenD fetches the key before it serves; here it is fetched as soon as the workers run. */
static void warm_up(remote_key *r)
{
    kd_workers *workers = kd_registry_workers();
    kd_message message = {.deliver = deliver_warm, .word = {(uint64_t)(uintptr_t)r}};
    if (!workers || !workers->n || kd_source_rounds(r->source))
        return;
    atomic_fetch_add(&r->uses, 1);
    if (!kd_worker_post(workers->v[0], &message))
        unuse(r);
}

/* A file's key lives as long as the generation. */
static void *fixed_create(const void *from)
{
    return (void *)(uintptr_t)from;
}

static void fixed_destroy(void *object)
{
    kd_source_value_unref(&((signing *)object)->base);
}

static const kd_object_type fixed_type = {"auth/signer/file", fixed_create, fixed_destroy};

/* ---- at load ---------------------------------------------------------------------------------------------------- */

typedef struct signer {
    kd_str problem; /* not empty: nothing is signed, everybody is refused */
    const signing *fixed;
    remote_key *remote;
    kd_str_list keys;
    const void *handler; /* what the endpoint's handler is compiled to: its way in serves here too */
} signer;

static kd_str open_file(const kd_compile *compile, const options *o, signer *s)
{
    static _Atomic uint64_t number;
    kd_jwk_list keys;
    kd_str error;
    if (!kd_jwk_file_read(compile->arena, &o->place, &keys, &error))
        return error;
    signing *made = choose(o, &keys, true, &error);
    kd_jwk_list_fini(&keys);
    if (!made)
        return error;
    kd_str identity = kd_arena_printf(compile->arena, "%llu", (unsigned long long)atomic_fetch_add(&number, 1));
    s->fixed = identity.p ? kd_registry_adopt(compile->generation, &fixed_type, identity, made) : NULL;
    if (s->fixed)
        return KD_STR("");
    kd_source_value_unref(&made->base);
    return (kd_str){NULL, 0};
}

static kd_str open_remote(const kd_compile *compile, const kd_node *block, const options *o, signer *s)
{
    const kd_endpoint *e = compile->endpoint;
    kd_str identity = kd_node_identity(compile->arena, block);
    if (identity.p)
        identity = kd_arena_printf(compile->arena, "%.*s %.*s %.*s", KD_FMT(e->method_upper), KD_FMT(e->route),
                                   KD_FMT(identity));
    remote_options from = {o, kd_arena_printf(compile->arena, "[ENDPOINT: %.*s][JWTSigner]", KD_FMT(e->route))};
    s->remote =
        identity.p && from.prefix.p ? kd_registry_adopt(compile->generation, &remote_type, identity, &from) : NULL;
    if (!s->remote)
        return (kd_str){NULL, 0};
    warm_up(s->remote);
    return KD_STR("");
}

static kd_str open_signer(const kd_compile *compile, const kd_node *block, signer *s)
{
    options o = {0};
    kd_str error;
    if (!kd_go_struct_decode(compile->arena, &block_type, block, &o, &error))
        return error;
    if (kd_jwk_place_is_insecure(&o.place))
        return KD_STR("JWK client is using an insecure connection to the JWK service");
    s->keys = o.keys_to_sign;
    error = kd_jwk_place_problem(compile->arena, &o.place);
    if (!error.p || error.n)
        return error;
    return o.place.local_path.n ? open_file(compile, &o, s) : open_remote(compile, block, &o, s);
}

static bool compile_sign(const kd_compile *compile, kd_compiled *out)
{
    const kd_node *block = kd_extra_find(&compile->endpoint->extra, KD_STR("auth/signer"));
    kd_compiled handler = {0};
    if (!block)
        return false;
    signer *s = KD_NEW(compile->arena, signer);
    kd_str problem = s && kd_core_handler.compile(compile, &handler) ? open_signer(compile, block, s) : (kd_str){0};
    if (!s || !problem.p) {
        kd_errors_add(compile->errors, KD_SEVERITY_ERROR, block->at, compile->endpoint->path, "out of memory");
        return false;
    }
    s->handler = handler.config;
    s->problem = problem;
    out->config = s;
    out->at = block->at;
    if (problem.n)
        kd_errors_add(compile->errors, KD_SEVERITY_WARNING, block->at, compile->endpoint->path,
                      "the signer cannot be made: every request is answered with 401: %.*s", KD_FMT(problem));
    return true;
}

/* ---- on a request ----------------------------------------------------------------------------------------------- */

typedef struct passing {
    kd_source_wait wait;
    bool waiting;
    kd_source_value *key; /* with a reference */
} passing;

static kd_verdict refuse(kd_branch *branch, uint16_t status)
{
    branch->x->failure = branch->x->failure == KD_FAIL_NONE ? KD_FAIL_REJECTED : branch->x->failure;
    return kd_exchange_answer(branch, status, KD_STR(""), KD_STR(""));
}

static kd_verdict enter_sign(kd_branch *branch, const void *config, void *state)
{
    const signer *s = config;
    passing *p = state;
    if (KD_UNLIKELY(s->problem.n != 0))
        return refuse(branch, 401);
    if (s->remote && !p->waiting)
        p->key = kd_source_peek(s->remote->source);
    if (s->remote && !p->key) {
        kd_verdict verdict = kd_source_await(s->remote->source, branch, &p->wait);
        p->waiting = verdict == KD_WAIT;
        if (verdict == KD_WAIT)
            return verdict;
        p->key = kd_source_value_ref(p->wait.value);
        kd_source_wait_fini(&p->wait);
        if (!p->key)
            return refuse(branch, 401);
    }
    if (KD_LIKELY(kd_core_handler.enter(branch, s->handler, NULL) == KD_NEXT))
        return KD_NEXT;
    kd_source_value_unref(p->key);
    p->key = NULL;
    branch->x->failure = KD_FAIL_SHED;
    return refuse(branch, 503);
}

static void log_failure(const kd_exchange *x, const char *what, kd_str why)
{
    if (kd_log_wants(KD_LOG_ERROR))
        kd_log(KD_LOG_ERROR, "%.*s[JWTSigner] %s%.*s", KD_FMT(x->plan->log_prefix), what, KD_FMT(why));
}

/* The texts of a merge's faults, as Go joins them. */
static kd_str words_of(kd_exchange *x, const kd_fault *fault)
{
    kd_str text = fault->text;
    for (const kd_fault *f = fault->next; f && text.p; f = f->next)
        text = kd_arena_printf(x->front->arena, "%.*s\n%.*s", KD_FMT(text), KD_FMT(f->text));
    return text.p ? text : KD_STR("out of memory");
}

/* Signs one object. type KD_ABSENT: *error. */
static kd_value sign(const kd_jws_signer *with, kd_exchange *x, kd_value object, kd_str *error)
{
    kd_buf *out = &x->worker->out;
    kd_buf_reset(out, KD_OUT_KEEP);
    *error = KD_STR("out of memory");
    if (!kd_json_emit(out, object, x->worker->shapes))
        return KD_VALUE_ABSENT;
    kd_str why, token = kd_jws_sign(with, x->front->arena, kd_buf_str(out), &why);
    if (!token.p && why.p)
        *error = why;
    return token.p ? kd_value_string(token, KD_ORIGIN_DECODED) : KD_VALUE_ABSENT;
}

static bool sign_members(const signer *s, const kd_jws_signer *with, kd_exchange *x, kd_value *data, kd_str *error)
{
    kd_object *copy = NULL;
    for (uint32_t i = 0; i < s->keys.n; i++) {
        kd_value v = kd_value_get(copy ? kd_value_object(copy) : *data, s->keys.v[i]);
        if (v.type != KD_OBJECT)
            continue;
        v = sign(with, x, v, error);
        if (v.type == KD_ABSENT)
            return false;
        if (!copy)
            copy = kd_object_copy(x->front->arena, *data);
        if (!copy || !kd_object_set(copy, x->front->arena, s->keys.v[i], v)) {
            *error = KD_STR("out of memory");
            return false;
        }
    }
    if (copy)
        *data = kd_value_object(copy);
    return true;
}

/* The first field of each name goes to the client; the body is the gateway's own, its type that of the backend if it
 * named one (gin keeps a type that is set). */
static bool copy_fields(kd_exchange *x, const kd_response *response)
{
    for (uint32_t i = 0; i < response->headers.n; i++) {
        const kd_header *h = &response->headers.v[i];
        if (h->token == KD_HEADER_CONTENT_LENGTH || h->token == KD_HEADER_TRANSFER_ENCODING ||
            h->token == KD_HEADER_CONTENT_ENCODING)
            continue;
        if (!kd_headers_find_name(&x->reply.headers, kd_header_name(h)) &&
            !kd_headers_add(&x->reply.headers, kd_header_name(h), kd_header_value(h)))
            return false;
    }
    return true;
}

static kd_verdict fail(kd_exchange *x, uint16_t status)
{
    x->reply.status = status;
    x->body = KD_STR("");
    return KD_NEXT;
}

static kd_verdict answer(kd_exchange *x, const signer *s, const kd_jws_signer *with, kd_response *response)
{
    static const kd_object empty;
    kd_value data = response->data.type == KD_OBJECT || !response->raw ? response->data : kd_value_object(&empty);
    kd_str error;
    if (!sign_members(s, with, x, &data, &error)) {
        log_failure(x, "Signing fields: unable to sign payload: ", error);
        x->failure = KD_FAIL_INTERNAL;
        return fail(x, 400);
    }
    kd_buf *out = &x->worker->out;
    kd_buf_reset(out, KD_OUT_KEEP);
    uint32_t before = x->reply.headers.n; /* of outer steps */
    /* decoded data carries no status in KrakenD, but that of a failure that became data */
    bool own = response->status < 100 || (!response->raw && response->status == 201);
    x->reply.status = own ? 200 : response->status;
    if (!copy_fields(x, response) || !kd_json_emit(out, data, x->worker->shapes) ||
        (!kd_headers_find(&x->reply.headers, KD_HEADER_CONTENT_TYPE) &&
         !kd_headers_add_token(&x->reply.headers, KD_HEADER_CONTENT_TYPE, KD_STR("application/json; charset=utf-8")))) {
        x->failure = KD_FAIL_SHED;
        x->reply.headers.n = before;
        return fail(x, 503);
    }
    x->body = kd_buf_str(out);
    return KD_NEXT;
}

static kd_verdict leave_sign(kd_branch *branch, const void *config, void *state)
{
    const signer *s = config;
    passing *p = state;
    kd_exchange *x = branch->x;
    kd_response *response = branch->outcome.response;
    kd_fault *fault = branch->outcome.fault;
    const signing *key = p->key ? KD_CONTAINER(p->key, signing, base) : s->fixed;
    kd_verdict verdict;
    branch->outcome = (kd_outcome){0};
    if (fault) {
        bool shed = fault->failure == KD_FAIL_SHED || x->starved;
        log_failure(x, "Proxy response: ", words_of(x, fault));
        x->failure = x->failure == KD_FAIL_NONE ? fault->failure : x->failure;
        verdict = fail(x, shed ? 503 : x->too_large ? 413 : 400);
    } else if (!response) {
        log_failure(x, "Empty proxy response", KD_STR(""));
        verdict = fail(x, 400);
    } else {
        verdict = answer(x, s, &key->signer, response);
    }
    kd_source_value_unref(p->key);
    p->key = NULL;
    return verdict;
}

/* ---- what it tells ---------------------------------------------------------------------------------------------- */

static void explain_sign(const void *config, kd_buf *out)
{
    const signer *s = config;
    if (s->problem.n)
        kd_buf_add(out, KD_STR("cannot be made: 401 for all"));
    for (uint32_t i = 0; i < s->keys.n && !s->problem.n; i++)
        kd_buf_printf(out, "%s%.*s", i ? ", " : "", KD_FMT(s->keys.v[i]));
}

static void log_sign(const kd_plan *plan, const void *config)
{
    const signer *s = config;
    if (s->problem.n)
        kd_log(KD_LOG_ERROR, "%.*s[JWTSigner] Unable to create the signer: %.*s", KD_FMT(plan->log_prefix),
               KD_FMT(s->problem));
    else if (s->fixed)
        kd_log(KD_LOG_DEBUG, "%.*s[JWTSigner] Signer enabled", KD_FMT(plan->log_prefix));
}

static const kd_step_type sign_step = {
    .module = "auth/signer",
    .name = "sign",
    .compile = compile_sign,
    .enter = enter_sign,
    .leave = leave_sign,
    .state_size = sizeof(passing),
    .stands_alone = true,
    .explain = explain_sign,
    .log = log_sign,
};

static const kd_namespace namespaces[] = {
    {KD_STR_INIT("auth/signer"), KD_STR_INIT("github.com/devopsfaith/krakend-jose/signer"), KD_SCOPE_ENDPOINT,
     KD_EDITION_CE, true, true, &table},
};
static const kd_step_type *const steps[] = {&sign_step, NULL};

const kd_module kd_module_auth_signer = {
    .name = "auth/signer", .namespaces = namespaces, .n_namespaces = KD_COUNT(namespaces), .steps = steps};
