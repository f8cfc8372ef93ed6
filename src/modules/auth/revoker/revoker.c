/* auth/revoker: tokens that are good by themselves and refused all the same, because one of their claims stands in a
 * bloom filter that is filled over RPC (spec/02 section 6). */
#include "base/shared.h"
#include "config/go_struct.h"
#include "gateway/exchange.h"
#include "gateway/identity.h"
#include "gateway/module.h"
#include "gateway/registry.h"
#include "modules/auth/revoker/port.h"
#include "modules/auth/revoker/rest.h"

#include <stdlib.h>

#define FIELD(name, other, kind, text)                                                                                 \
    .key = KD_STR_INIT(name), .alias = other, .type = KD_FIELD_##kind, .wrong = KD_WRONG_DROP_BLOCK,                   \
    .offset = KD_NO_OFFSET, .about = text

#define OWN(name, kind, text)                                                                                          \
    .key = KD_STR_INIT(name), .type = KD_FIELD_##kind, .wrong = KD_WRONG_FAIL_START, .offset = KD_NO_OFFSET,           \
    .edition = KD_EDITION_OWN, .about = text

static const kd_field fields[] = {
    {FIELD("N", "n", INT, "How many elements one filter is made for.")},
    {FIELD("P", "p", FLOAT, "How often a token that is not revoked may be refused: 0.0001 is one in ten thousand.")},
    {FIELD("hash_name", NULL, STRING, "The hashes: optimal or default."), .lint = "{'enum':['optimal','default']}"},
    {FIELD("TTL", "ttl", INT, "Seconds between rotations: a revoked token is refused for two to three of these.")},
    {FIELD("port", NULL, INT, "The port of the RPC service, on all interfaces; 0: any free one."), .max = 65535},
    {FIELD("token_keys", NULL, STRINGS, "The claims that are looked at.")},
    {FIELD("headers", NULL, STRINGS, "Has no effect."), .flags = KD_FIELD_UNLISTED},
    {OWN("http_port", INT, "The port of the plain HTTP interface: POST and GET /tokens/<claim>/<value>."),
     .max = 65535},
    {OWN("http_address", STRING, "The address of that port; without a key it must be one of this machine."),
     .dflt = "127.0.0.1"},
    {OWN("http_key", STRING, "What its clients bring as a bearer token."), .flags = KD_FIELD_SECRET},
    {FIELD("revoke_server_ping_url", NULL, STRING, "Where a revoke server is told of this gateway."),
     .edition = KD_EDITION_EE},
    {FIELD("revoke_server_ping_interval", NULL, STRING, "How often it is told."), .edition = KD_EDITION_EE,
     .lint = "'pattern':'^[0-9]+(ns|ms|us|µs|s|m|h)$'"},
    {FIELD("revoke_server_api_key", NULL, STRING, "The key of the revoke server."), .edition = KD_EDITION_EE,
     .flags = KD_FIELD_SECRET},
    {FIELD("revoke_server_max_workers", NULL, INT, "Connections to the revoke server."), .edition = KD_EDITION_EE},
    {FIELD("revoke_server_max_retries", NULL, INT, "Attempts to reach it."), .edition = KD_EDITION_EE},
};
static const kd_fields table = {"revoker block",
                                KD_SCOPE_SERVICE,
                                0,
                                KD_NO_OFFSET,
                                fields,
                                KD_COUNT(fields),
                                .lint = "'required':['N','P','hash_name','TTL','port','token_keys']"};

static const kd_namespace namespaces[] = {
    {KD_STR_INIT("auth/revoker"), KD_STR_INIT("github_com/devopsfaith/bloomfilter"), KD_SCOPE_SERVICE, KD_EDITION_CE,
     true, true, &table},
};

extern const kd_module kd_module_auth_revoker;

/* What a generation has of it. */
typedef struct revoker {
    kd_shared_bloom *shared; /* NULL: the block cannot be read, nothing is revoked */
    const kd_str *keys;
    uint32_t n_keys;
    kd_str error;
} revoker;

/* ---- the filter, a process object -------------------------------------------------------------------------------- */

static void *create(const void *options)
{
    kd_shared_bloom *shared = calloc(1, sizeof *shared);
    if (!shared)
        return NULL;
    atomic_init(&shared->uses, 1);
    shared->bloom = kd_bloom_create(options, kd_clock_monotonic());
    if (shared->bloom)
        return shared;
    free(shared);
    return NULL;
}

static void destroy(void *object)
{
    kd_shared_bloom_release(object);
}

static const kd_object_type filter_type = {"auth/revoker", create, destroy};

/* ---- configuration ----------------------------------------------------------------------------------------------- */

/* What the block says. */
typedef struct options {
    uint64_t n, ttl;
    int64_t port;
    double p;
    kd_str hash_name;
    kd_str_list token_keys, headers;
} options;

#define AT(member) offsetof(options, member)

static const kd_go_member members[] = {
    {KD_STR_INIT("n"), KD_GO_UINT, AT(n), "Config.Config.Config."},
    {KD_STR_INIT("p"), KD_GO_FLOAT, AT(p), "Config.Config.Config."},
    {KD_STR_INIT("hash_name"), KD_GO_STRING, AT(hash_name), "Config.Config.Config."},
    {KD_STR_INIT("ttl"), KD_GO_UINT, AT(ttl), "Config.Config."},
    {KD_STR_INIT("port"), KD_GO_INT, AT(port), "Config."},
    {KD_STR_INIT("token_keys"), KD_GO_STRINGS, AT(token_keys), NULL},
    {KD_STR_INIT("headers"), KD_GO_STRINGS, AT(headers), NULL},
};
static const kd_go_struct type = {"Config", "krakend", members, KD_COUNT(members)};

/* Where the member stands, for a message. */
static const kd_node *member(const kd_node *block, const char *name)
{
    const kd_node *found = NULL;
    for (const kd_node *m = block->first; m; m = m->next)
        if (kd_str_eq_ci(m->key, kd_str_from_c(name)))
            found = m;
    return found;
}

static bool read_block(const kd_compile *compile, revoker *r, const kd_node *block, kd_bloom_config *config,
                       int64_t *port)
{
    options o = {.hash_name = KD_STR("")};
    if (!kd_go_struct_decode(compile->arena, &type, block, &o, &r->error)) {
        if (!r->error.p)
            r->error = KD_STR("out of memory");
        kd_errors_add(compile->errors, KD_SEVERITY_WARNING, block->at, KD_STR("auth/revoker"),
                      "auth/revoker cannot be read, nothing is revoked: %.*s", KD_FMT(r->error));
        return false;
    }
    r->keys = o.token_keys.v;
    r->n_keys = o.token_keys.n;
    *port = o.port;
    config->n = o.n;
    config->p = o.p;
    config->ttl = o.ttl < 1000000000 ? (kd_ns)o.ttl * KD_SECOND : KD_FOREVER / 2;
    config->optimal = kd_str_eq(o.hash_name, KD_STR("optimal"));
    return true;
}

/* What KrakenD crashes on, at start or with the first token. */
static bool refuse(const kd_compile *compile, const kd_node *block, const char *name, const char *expected)
{
    const kd_node *node = member(block, name);
    kd_error *error = kd_errors_add(compile->errors, KD_SEVERITY_ERROR, node ? node->at : block->at,
                                    KD_STR("auth/revoker"), "%s: expected %s", name, expected);
    error->fatal = true;
    error->compat = kd_arena_printf(compile->arena, "[SERVICE: Bloomfilter] %s: expected %s", name, expected);
    return false;
}

static bool check_config(const kd_compile *compile, const kd_node *block, const kd_bloom_config *config)
{
    const kd_node *hash = member(block, "hash_name");
    if (!config->optimal && !(hash && kd_str_eq(hash->text, KD_STR("default"))))
        return refuse(compile, block, "hash_name", "\"optimal\" or \"default\"");
    if (config->ttl <= 0)
        return refuse(compile, block, "TTL", "a number of seconds above 0");
    if (config->n == 0)
        return refuse(compile, block, "N", "a number of elements above 0");
    if (!(config->p > 0 && config->p < 1))
        return refuse(compile, block, "P", "a probability between 0 and 1");
    if (kd_bloom_bits(config->n, config->p) > KD_BLOOM_MAX_BITS)
        return refuse(compile, block, "N", "so few elements that a filter stays below 1 GB");
    return true;
}

static bool is_loopback(kd_str address)
{
    return kd_str_eq(kd_str_head(address, 4), KD_STR("127.")) || kd_str_eq(address, KD_STR("::1"));
}

/* The keys of the plain HTTP interface, which are ours. */
static bool read_http(const kd_compile *compile, const kd_node *block, kd_revoker_port *to)
{
    const kd_node *port = kd_node_get(block, KD_STR("http_port")),
                  *address = kd_node_get(block, KD_STR("http_address"));
    const kd_node *key = kd_node_get(block, KD_STR("http_key"));
    *to = (kd_revoker_port){.protocol = KD_REVOKER_REST, .address = KD_STR("127.0.0.1"), .key = KD_STR("")};
    if (!port)
        return true;
    if (port->type != KD_NODE_NUMBER || port->number < 1 || port->number > 65535 ||
        port->number != (double)(uint16_t)port->number)
        return refuse(compile, block, "http_port", "a port number");
    if (address && (address->type != KD_NODE_STRING || address->text.n > 63))
        return refuse(compile, block, "http_address", "an address such as \"127.0.0.1\"");
    if (key && (key->type != KD_NODE_STRING || !key->text.n || key->text.n > KD_REST_KEY_MAX))
        return refuse(compile, block, "http_key", "a text of 1 to 256 bytes");
    to->open = true;
    to->port = (uint16_t)port->number;
    if (address)
        to->address = address->text;
    if (key)
        to->key = key->text;
    if (!key && !is_loopback(to->address))
        return refuse(compile, block, "http_address",
                      "\"http_key\" beside it, or an address of this machine: whoever reaches "
                      "the port revokes tokens");
    return true;
}

static bool rejects(kd_exchange *x, const kd_identity *identity, const void *config)
{
    const revoker *r = config;
    kd_ns now = x->front->worker->loop.now;
    for (uint32_t i = 0; i < r->n_keys; i++) {
        kd_value claim = kd_value_get(identity->claims, r->keys[i]);
        if (claim.type != KD_STRING)
            continue;
        kd_str text = kd_value_text(claim);
        char *element = kd_arena_alloc(x->front->arena, r->keys[i].n + 1 + text.n);
        if (!element)
            return true; /* what cannot be looked up is not let in */
        memcpy(element, r->keys[i].p, r->keys[i].n);
        element[r->keys[i].n] = '-';
        memcpy(element + r->keys[i].n + 1, text.p, text.n);
        if (kd_bloom_has(r->shared->bloom, kd_str_of(element, r->keys[i].n + 1 + text.n), now))
            return true;
    }
    return false;
}

static bool compile_rejecter(const kd_compile *compile, const void **config)
{
    const revoker *r = *kd_module_slot(compile->generation, &kd_module_auth_revoker);
    *config = r;
    return r->n_keys > 0;
}

static const kd_rejecter rejecter = {.compile = compile_rejecter, .rejects = rejects};

static void serve(const kd_compile *compile, const revoker *r, const kd_node *block, const char *name,
                  const kd_revoker_port *port)
{
    kd_str error;
    if (!kd_revoker_serve(r->shared, port, compile->arena, &error))
        kd_errors_add(compile->errors, KD_SEVERITY_WARNING, block->at, KD_STR("auth/revoker"),
                      "the %s service does not start: %.*s", name, KD_FMT(error));
}

static bool open_revoker(kd_generation *generation, const kd_compile *compile)
{
    const kd_node *block = kd_extra_find(&compile->service->extra, KD_STR("auth/revoker"));
    if (!block)
        return true;
    revoker *r = KD_NEW(compile->arena, revoker);
    kd_bloom_config config = {.n = 0};
    int64_t port;
    if (!r)
        return false;
    *kd_module_slot(generation, &kd_module_auth_revoker) = r;
    if (!read_block(compile, r, block, &config, &port))
        return true; /* logged, and nothing is revoked, as with KrakenD */
    kd_revoker_port http;
    if (!check_config(compile, block, &config) || !read_http(compile, block, &http))
        return false;
    kd_str identity = kd_arena_printf(compile->arena, "%llu %.17g %d %lld", (unsigned long long)config.n, config.p,
                                      config.optimal, (long long)config.ttl);
    r->shared = kd_registry_adopt(generation, &filter_type, identity, &config);
    if (!r->shared) {
        kd_errors_add(compile->errors, KD_SEVERITY_ERROR, block->at, KD_STR("auth/revoker"),
                      "there is no memory for the filters");
        return false;
    }
    bool no_port = port < 0 || port > 65535;
    serve(compile, r, block, "RPC",
          &(kd_revoker_port){.open = !no_port, .port = (uint16_t)port, .address = KD_STR(""), .key = KD_STR("")});
    if (no_port)
        kd_errors_add(compile->errors, KD_SEVERITY_WARNING, block->at, KD_STR("auth/revoker"),
                      "the RPC service does not start: there is no such port");
    serve(compile, r, block, "HTTP", &http);
    return kd_generation_add_rejecter(generation, &rejecter);
}

static void log_revoker(const kd_generation *generation)
{
    const revoker *r = *kd_module_slot((kd_generation *)generation, &kd_module_auth_revoker);
    if (!r)
        return;
    if (r->shared) {
        kd_log(KD_LOG_DEBUG, "[SERVICE: Bloomfilter] Service registered successfully");
        return;
    }
    kd_log(KD_LOG_ERROR, "[SERVICE: Bloomfilter] Unable to parse the bloomfilter configuration: %.*s",
           KD_FMT(r->error));
    kd_log(KD_LOG_WARNING, "[SERVICE: Bloomfilter] %.*s", KD_FMT(r->error));
}

const kd_module kd_module_auth_revoker = {.name = "auth/revoker",
                                          .namespaces = namespaces,
                                          .n_namespaces = KD_COUNT(namespaces),
                                          .open = open_revoker,
                                          .log = log_revoker};
