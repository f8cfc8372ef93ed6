/* Values of `tls` and `client_tls` that KrakenD takes without a word and that do something else than people expect. */
#include "config/model_init.h"

#include "net/tls_server.h"

/* One of the two sections. */
typedef struct section {
    kd_walk *w;
    const kd_node *node;
    kd_path path;
} section;

static kd_error *warn(const section *s, const kd_node *at, const char *key, const char *message)
{
    kd_path place = {.up = &s->path, .ours = kd_str_from_c(key)};
    return kd_errors_add(s->w->errors, KD_SEVERITY_WARNING, at->at,
                         kd_path_text(s->w->arena, *key ? &place : &s->path, false), "%s", message);
}

static const kd_node *member(const section *s, const char *key)
{
    return kd_node_get(s->node, kd_str_from_c(key));
}

/* The order of the version (0 for SSL 3.0), after a word about a name that is none. */
static int version(const section *s, const char *key)
{
    static const kd_str names[] = {KD_STR_INIT("SSL3.0"), KD_STR_INIT("TLS10"), KD_STR_INIT("TLS11"),
                                   KD_STR_INIT("TLS12"), KD_STR_INIT("TLS13")};
    const kd_node *value = member(s, key);
    const int highest = KD_COUNT(names) - 1;
    if (!value || value->type != KD_NODE_STRING || !value->text.n)
        return highest;
    for (int i = 0; i <= highest; i++)
        if (kd_str_eq(value->text, names[i]))
            return i;
    kd_str text = kd_arena_printf(s->w->arena, "expected TLS10, TLS11, TLS12 or TLS13, found \"%.*s\": TLS 1.3 is used",
                                  KD_FMT(kd_str_head(value->text, 64)));
    kd_error *e = warn(s, value, key, text.p ? text.p : "TLS 1.3 is used");
    kd_str near = kd_suggest(value->text, names, KD_COUNT(names));
    if (near.p)
        e->suggestion = kd_arena_printf(s->w->arena, "did you mean \"%.*s\"?", KD_FMT(near));
    return highest;
}

static void check_numbers(const section *s, const char *key, bool (*is_known)(uint16_t number))
{
    const kd_node *list = member(s, key);
    const kd_node *item = list && list->type == KD_NODE_LIST ? list->first : NULL;
    for (; item; item = item->next) {
        if (item->type != KD_NODE_NUMBER || item->number < 0 || item->number > UINT16_MAX ||
            is_known((uint16_t)item->number))
            continue;
        kd_str text = kd_arena_printf(s->w->arena, "%u is not available: it has no effect", (unsigned)item->number);
        if (text.p)
            warn(s, item, key, text.p);
    }
}

/* True when versions below 1.3 can be spoken. */
static bool check_common(const section *s)
{
    int min = version(s, "min_version"), max = version(s, "max_version");
    const kd_node *bound = member(s, "max_version");
    if (min > max && bound) {
        kd_error *e =
            warn(s, bound, "max_version",
                 "no version lies between min_version, which is TLS 1.3 where nothing else is said, and this: "
                 "every handshake fails");
        e->suggestion = KD_STR("set min_version, too");
    }
    check_numbers(s, "curve_preferences", kd_tls_curve_is_known);
    const kd_node *suites = member(s, "cipher_suites");
    if (min == 4 && suites && suites->type == KD_NODE_LIST && suites->first)
        warn(s, suites, "cipher_suites",
             "the suites of TLS 1.3 cannot be chosen, and no other version is spoken: this has "
             "no effect");
    return min < 4;
}

static void check_keys(const section *s, const kd_tls_section *tls)
{
    const kd_tls_pair *pairs = tls->keys.v;
    const kd_node *keys = member(s, "keys"), *item = keys && keys->type == KD_NODE_LIST ? keys->first : NULL;
    static const char no_certificate[] = "public key not defined: the gateway does not start";
    static const char no_key[] = "private key not defined: the gateway does not start";
    for (uint32_t i = 0; i < tls->keys.n && item; i++, item = item->next)
        if (!pairs[i].certificate.n || !pairs[i].private_key.n)
            warn(s, item, "keys", pairs[i].certificate.n ? no_key : no_certificate);
    if (tls->public_key.n && !tls->private_key.n)
        warn(s, member(s, "public_key"), "public_key", no_key);
    else if (!tls->public_key.n && (tls->private_key.n || !tls->keys.n))
        warn(s, s->node, "", no_certificate);
}

static void check_listener(kd_walk *w, const kd_node *node)
{
    section s = {w, node, {.ours = KD_STR("tls")}};
    kd_tls_section tls;
    if (!kd_tls_section_load(w->arena, node, &tls) || tls.disabled)
        return;
    check_numbers(&s, "cipher_suites", kd_tls_suite_is_known);
    bool low = check_common(&s), fits = tls.cipher_suites.n == 0;
    for (uint32_t i = 0; i < tls.cipher_suites.n; i++)
        fits |= tls.cipher_suites.v[i] == 0xc02f || tls.cipher_suites.v[i] == 0xc02b;
    if (low && !fits)
        warn(&s, member(&s, "cipher_suites"), "cipher_suites",
             "HTTP/2 needs 49199 or 49195 among them: the gateway does not start");
    check_keys(&s, &tls);
}

void kd_model_check_tls(kd_walk *w, const kd_service *service)
{
    if (service->tls && service->tls->type == KD_NODE_OBJECT)
        check_listener(w, service->tls);
    if (service->client_tls && service->client_tls->type == KD_NODE_OBJECT)
        check_common(&(section){w, service->client_tls, {.ours = KD_STR("client_tls")}});
}
