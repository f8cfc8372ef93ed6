#include "gateway/names.h"

#include "text/go/duration.h"

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

/* "1.2.3.4", "1.2.3.4:53", "::1", "[::1]:53"; printed as the resolver wants it. p is NULL when it is none of these. */
static kd_str server(block *b, kd_str text)
{
    kd_address address;
    kd_str host = text;
    uint64_t port = 53;
    if (!kd_address_parse(text, &address)) {
        ptrdiff_t colon = kd_str_rfind(text, ':');
        if (colon < 0 || !kd_str_to_u64(kd_str_from(text, (size_t)colon + 1), 65535, &port) || port == 0)
            return (kd_str){NULL, 0};
        host = kd_str_head(text, (size_t)colon);
        if (host.n > 2 && host.p[0] == '[' && host.p[host.n - 1] == ']')
            host = kd_str_of(host.p + 1, host.n - 2);
        if (!kd_address_parse(host, &address))
            return (kd_str){NULL, 0};
    }
    bool six = address.any.sa_family == AF_INET6;
    return kd_arena_printf(b->arena, "%s%.*s%s:%u", six ? "[" : "", KD_FMT(host), six ? "]" : "", (unsigned)port);
}

static const char *read_servers(block *b)
{
    const kd_node *list = member(b, "servers");
    if (!list)
        return NULL;
    kd_str all = KD_STR("");
    for (const kd_node *item = list->type == KD_NODE_LIST ? list->first : NULL; item; item = item->next) {
        kd_str one = item->type == KD_NODE_STRING ? server(b, item->text) : (kd_str){NULL, 0};
        if (!one.p)
            refuse(b, item, "servers", "an address such as \"127.0.0.1:5353\"");
        else
            all = kd_arena_printf(b->arena, "%.*s%s%.*s", KD_FMT(all), all.n ? "," : "", KD_FMT(one));
    }
    if (list->type != KD_NODE_LIST || !list->first)
        refuse(b, list, "servers", "a list of addresses");
    return all.n ? all.p : NULL;
}

static const char *read_text(block *b, const kd_node *value, const char *key)
{
    if (!value)
        return NULL;
    if (value->type != KD_NODE_STRING || !value->text.n)
        refuse(b, value, key, "a text");
    return kd_arena_copy(b->arena, value->text).p;
}

static void read_search(block *b, kd_dns_options *out)
{
    const kd_node *list = member(b, "search");
    if (!list)
        return;
    if (list->type != KD_NODE_LIST) {
        refuse(b, list, "search", "a list of domains");
        return;
    }
    const char **domains = KD_NEW_ARRAY(b->arena, const char *, list->n + 1);
    b->ok &= domains != NULL;
    for (const kd_node *item = domains ? list->first : NULL; item; item = item->next)
        domains[out->n_search++] = read_text(b, item, "search");
    out->search = domains;
}

static void read_timeout(block *b, kd_dns_options *out)
{
    const kd_node *value = member(b, "timeout");
    int64_t timeout = 0;
    kd_str error;
    if (!value)
        return;
    if (value->type != KD_NODE_STRING || !kd_go_duration_parse(value->text, &timeout, &error) || timeout < KD_MS ||
        timeout > 3600 * KD_SECOND)
        refuse(b, value, "timeout", "a duration such as \"2s\"");
    out->timeout_ms = (int)(timeout / KD_MS);
}

bool kd_names_load(const kd_service *service, kd_arena *arena, kd_dns_options *out, kd_errors *errors)
{
    *out = (kd_dns_options){0};
    block b = {kd_extra_find(&service->extra, KD_STR("gateway/dns")), arena, errors, true};
    if (!b.node)
        return true;
    if (b.node->type != KD_NODE_OBJECT)
        refuse(&b, b.node, "gateway/dns", "an object");
    out->servers = read_servers(&b);
    out->hosts_file = read_text(&b, member(&b, "hosts_file"), "hosts_file");
    read_search(&b, out);
    read_timeout(&b, out);
    return b.ok;
}
