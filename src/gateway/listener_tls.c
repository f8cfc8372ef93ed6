#include "gateway/listener_tls.h"

#include "config/builtin.h"
#include "gateway/registry.h"
#include "net/tls_server.h"
#include "text/go/duration.h"

#define LEAST_HANDSHAKES  512u /* by default, and this for each worker where it is more */
#define WORKER_HANDSHAKES 64u
#define PEER_PART         4u /* of them that one address may have */
#define TIMEOUT           (10 * KD_SECOND)
#define LONGEST_ROTATION  (7 * 24 * 3600 * KD_SECOND) /* RFC 8446 section 4.6.1 */
#define LOOK_EVERY        (2 * KD_SECOND)

/* ---- gateway/tls ---------------------------------------------------------------------------------------------------
 */

typedef struct block {
    const kd_node *node;
    kd_arena *arena;
    kd_errors *errors;
    bool ok;
} block;

static void refuse(block *b, const kd_node *value, const char *key, const char *wanted)
{
    b->ok = false;
    kd_errors_add(b->errors, KD_SEVERITY_ERROR, value->at, kd_str_from_c(key), "expected %s, found %s%s%.*s", wanted,
                  kd_node_type_name(value->type), value->text.n ? " " : "", KD_FMT(value->text));
}

static const kd_node *member(const block *b, const char *key)
{
    const kd_node *value = kd_node_get(b->node, kd_str_from_c(key));
    return value && value->type != KD_NODE_NULL ? value : NULL;
}

static uint32_t read_count(block *b, const char *key, uint32_t dflt)
{
    const kd_node *value = member(b, key);
    if (!value)
        return dflt;
    if (value->type == KD_NODE_NUMBER && value->number >= 1 && value->number <= INT32_MAX &&
        value->number == (double)(uint32_t)value->number)
        return (uint32_t)value->number;
    refuse(b, value, key, "a whole number above 0");
    return dflt;
}

static kd_ns read_duration(block *b, const char *key, kd_ns dflt, kd_ns least, kd_ns most, const char *wanted)
{
    const kd_node *value = member(b, key);
    int64_t v = 0;
    kd_str error;
    if (!value)
        return dflt;
    if (value->type == KD_NODE_STRING && kd_go_duration_parse(value->text, &v, &error) && v >= least && v <= most)
        return v;
    refuse(b, value, key, wanted);
    return dflt;
}

/* A file, or a list of files. */
static kd_str_list read_files(block *b, const char *key)
{
    const kd_node *value = member(b, key);
    kd_str_list list = {0};
    if (!value)
        return list;
    const kd_node *item = value->type == KD_NODE_LIST ? value->first : value;
    list.v = KD_NEW_ARRAY(b->arena, kd_str, (value->type == KD_NODE_LIST ? value->n : 1) + 1);
    b->ok &= list.v != NULL;
    for (; item && list.v; item = value->type == KD_NODE_LIST ? item->next : NULL)
        if (item->type == KD_NODE_STRING && item->text.n)
            list.v[list.n++] = item->text;
        else
            refuse(b, item, key, "the name of a file, or a list of names");
    return list;
}

/* A worker's part. */
static uint32_t share(uint32_t n, unsigned workers)
{
    return (n + workers - 1) / workers;
}

static void read_bounds(block *b, kd_generation *g)
{
    unsigned workers = g->n_workers ? g->n_workers : 1;
    uint32_t dflt = workers * WORKER_HANDSHAKES > LEAST_HANDSHAKES ? workers * WORKER_HANDSHAKES : LEAST_HANDSHAKES;
    uint32_t most = read_count(b, "max_handshakes", dflt);
    uint32_t of_peer = read_count(b, "max_handshakes_per_peer", most > PEER_PART ? most / PEER_PART : most);
    kd_server_settings *s = &g->server;
    s->max_handshakes = share(most, workers);
    s->max_handshakes_per_peer = share(of_peer, workers);
    s->handshake_timeout = read_duration(b, "handshake_timeout", TIMEOUT, KD_MS, 3600 * KD_SECOND,
                                         "a duration such as \"5s\", an hour at most");
    /* Go's server bounds the handshake by the least of these, too. */
    const kd_ns others[] = {s->read_head_timeout, s->read_timeout, s->write_timeout};
    for (size_t i = 0; i < KD_COUNT(others); i++)
        if (others[i] > 0 && others[i] < s->handshake_timeout)
            s->handshake_timeout = others[i];
}

/* ---- tls -----------------------------------------------------------------------------------------------------------
 */

static void *create(const void *options)
{
    return kd_tls_server_create(options);
}

static void destroy(void *object)
{
    kd_tls_server_destroy(object);
}

static const kd_object_type type = {"tls", create, destroy};

/* The pairs in KrakenD's order: those of `keys`, then the old single one, which verifies no clients. */
static bool read_pairs(kd_generation *g, const kd_tls_section *section, kd_tls_server_options *out)
{
    const kd_tls_pair *keys = section->keys.v;
    kd_tls_files *pairs = KD_NEW_ARRAY(&g->arena, kd_tls_files, section->keys.n + 2);
    if (!pairs)
        return false;
    for (uint32_t i = 0; i < section->keys.n; i++)
        pairs[out->n_pairs++] = (kd_tls_files){keys[i].certificate, keys[i].private_key};
    out->n_trusted = out->n_pairs;
    if (section->public_key.n || section->private_key.n)
        pairs[out->n_pairs++] = (kd_tls_files){section->public_key, section->private_key};
    out->pairs = pairs;
    return true;
}

static bool adopt(kd_generation *g, const kd_tls_section *section, kd_str_list staples, const kd_node *own)
{
    kd_tls_server_options options = {.min_version = section->min_version,
                                     .max_version = section->max_version,
                                     .curves = section->curve_preferences.v,
                                     .n_curves = section->curve_preferences.n,
                                     .suites = section->cipher_suites.v,
                                     .n_suites = section->cipher_suites.n,
                                     .mutual = section->enable_mtls,
                                     .no_system_roots = section->disable_system_ca_pool,
                                     .roots = section->ca_certs.v,
                                     .n_roots = section->ca_certs.n,
                                     .staples = staples.v,
                                     .n_staples = staples.n,
                                     .http2 = true};
    kd_str identity =
        kd_arena_printf(&g->arena, "%.*s\n%.*s", KD_FMT(kd_node_identity(&g->arena, g->service->tls)),
                        KD_FMT(kd_node_identity(&g->arena, own ? member(&(block){.node = own}, "ocsp_file") : NULL)));
    if (!identity.p || !read_pairs(g, section, &options))
        return false;
    g->server.tls = kd_registry_adopt(g, &type, identity, &options);
    return g->server.tls != NULL;
}

bool kd_listener_tls_load(kd_generation *generation, kd_errors *errors)
{
    const kd_service *service = generation->service;
    kd_tls_section section;
    block b = {kd_extra_find(&service->extra, KD_STR("gateway/tls")), &generation->arena, errors, true};
    if (b.node && b.node->type != KD_NODE_OBJECT)
        refuse(&b, b.node, "gateway/tls", "an object");
    read_bounds(&b, generation);
    kd_ns rotation =
        read_duration(&b, "ticket_rotation", 0, KD_SECOND, LONGEST_ROTATION, "a duration from \"1s\" to \"168h\"");
    kd_str_list staples = read_files(&b, "ocsp_file");
    if (!b.ok)
        return false;
    if (!kd_tls_section_load(&generation->arena, service->tls, &section) || section.disabled || !kd_registry_workers())
        return true;
    kd_tls_tickets_rotate_every(rotation);
    return adopt(generation, &section, staples, b.node);
}

kd_str kd_listener_tls_error(const kd_generation *generation, bool listening)
{
    const kd_tls_server *tls = generation->server.tls;
    return tls ? kd_tls_server_error(tls, listening) : KD_STR("");
}

void kd_listener_tls_log(const kd_generation *generation)
{
    if (generation->server.tls)
        kd_tls_server_log(generation->server.tls);
}

void kd_listener_tls_tick(const kd_generation *generation, bool at_once)
{
    static kd_ns looked; /* the main thread's */
    kd_ns now = kd_clock_monotonic();
    if (!generation->server.tls || (!at_once && now - looked < LOOK_EVERY))
        return;
    looked = now;
    kd_tls_server_check(generation->server.tls, at_once);
}
