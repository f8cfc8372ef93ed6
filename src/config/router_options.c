#include "config/model.h"

#include "text/go/header.h"

#include <arpa/inet.h>

/* The block is read as Go decodes JSON into a struct: a wrong type is noted, the other fields are read all the same,
 * and then KrakenD drops those that it looks at behind the check (spec/01 section 4.1). */
typedef struct block {
    const kd_service *service;
    const kd_node *node;
    bool wrong;
} block;

static const kd_node *member(const block *b, kd_str key)
{
    const kd_node *folded = NULL;
    for (const kd_node *node = b->node->first; node; node = node->next) {
        if (kd_str_eq(node->key, key))
            return node;
        if (kd_str_eq_ci(node->key, key))
            folded = node;
    }
    return folded;
}

static bool read_bool(block *b, kd_str key)
{
    const kd_node *node = member(b, key);
    if (!node || node->type == KD_NODE_NULL)
        return false;
    b->wrong |= node->type != KD_NODE_BOOL;
    return node->type == KD_NODE_BOOL && node->boolean;
}

static kd_str read_string(block *b, kd_str key)
{
    const kd_node *node = member(b, key);
    if (!node || node->type == KD_NODE_NULL)
        return KD_STR("");
    b->wrong |= node->type != KD_NODE_STRING;
    return node->type == KD_NODE_STRING ? node->text : KD_STR("");
}

static void read_integer(block *b, kd_str key)
{
    const kd_node *node = member(b, key);
    if (node && node->type != KD_NODE_NULL)
        b->wrong |= node->type != KD_NODE_NUMBER || node->number != (double)(int64_t)node->number;
}

static kd_str_list read_strings(block *b, kd_str key)
{
    kd_str_list list = {NULL, 0};
    const kd_node *node = member(b, key);
    if (!node || node->type == KD_NODE_NULL)
        return list;
    if (node->type != KD_NODE_LIST) {
        b->wrong = true;
        return list;
    }
    list.v = node->n ? KD_NEW_ARRAY(b->service->arena, kd_str, node->n) : NULL;
    if (!list.v)
        return list;
    for (const kd_node *item = node->first; item; item = item->next) {
        b->wrong |= item->type != KD_NODE_STRING && item->type != KD_NODE_NULL;
        list.v[list.n++] = item->type == KD_NODE_STRING ? item->text : KD_STR("");
    }
    return list;
}

static kd_str_list canonical(const kd_service *service, kd_str_list names)
{
    for (uint32_t i = 0; i < names.n; i++) {
        kd_str copy = kd_arena_copy(service->arena, names.v[i]);
        if (!copy.p)
            continue;
        kd_go_header_canonical((char *)copy.p, copy.n);
        names.v[i] = copy;
    }
    return names;
}

/* An address, or an address and the length of its network's prefix (Go's net.ParseCIDR). */
static bool is_network(kd_str text)
{
    char copy[64];
    unsigned char address[sizeof(struct in6_addr)];
    ptrdiff_t slash = kd_str_find(text, '/');
    size_t n = slash < 0 ? text.n : (size_t)slash;
    if (n >= sizeof(copy) || (n && memchr(text.p, 0, n)))
        return false;
    memcpy(copy, text.p, n);
    copy[n] = 0;
    uint64_t bits, most = inet_pton(AF_INET, copy, address) == 1    ? 32
                          : inet_pton(AF_INET6, copy, address) == 1 ? 128
                                                                    : 0;
    return most && (slash < 0 || kd_str_to_u64(kd_str_from(text, (size_t)slash + 1), most, &bits));
}

static void set_client_ip(const kd_service *service, kd_str_list headers, kd_str_list proxies, kd_router_options *out)
{
    if (headers.n)
        out->remote_ip_headers = canonical(service, headers);
    if (!proxies.n)
        return;
    uint32_t n = 0;
    while (n < proxies.n && is_network(proxies.v[n]))
        n++;
    out->trusted_proxies = (kd_str_list){proxies.v, n};
}

/* The options that apply only when the whole block could be decoded. */
static void read_engine(block *b, kd_router_options *out)
{
    kd_router_options o = *out;
    o.redirect_trailing_slash = !read_bool(b, KD_STR("disable_redirect_trailing_slash"));
    o.redirect_fixed_path = !read_bool(b, KD_STR("disable_redirect_fixed_path"));
    o.handle_method_not_allowed = !read_bool(b, KD_STR("disable_handle_method_not_allowed"));
    bool forwarded = read_bool(b, KD_STR("forwarded_by_client_ip"));
    const kd_node *said = member(b, KD_STR("forwarded_by_client_ip"));
    if (said && said->type == KD_NODE_BOOL)
        o.forwarded_by_client_ip = forwarded;
    o.app_engine = read_bool(b, KD_STR("app_engine"));
    o.remove_extra_slash = read_bool(b, KD_STR("remove_extra_slash"));
    o.use_h2c = read_bool(b, KD_STR("use_h2c"));
    o.return_error_msg = read_bool(b, KD_STR("return_error_msg"));
    o.hide_version_header = read_bool(b, KD_STR("hide_version_header"));
    kd_str_list headers = read_strings(b, KD_STR("remote_ip_headers"));
    kd_str_list proxies = read_strings(b, KD_STR("trusted_proxies"));
    o.logger_skip_paths = read_strings(b, KD_STR("logger_skip_paths"));
    read_integer(b, KD_STR("max_multipart_memory"));
    read_bool(b, KD_STR("auto_options")); /* is read elsewhere, but its type counts here, too */
    if (b->wrong)
        return;
    *out = o;
    set_client_ip(b->service, headers, proxies, out);
}

/* null is no body: the default text stays. */
static const kd_node *given(const kd_node *object, kd_str key)
{
    const kd_node *node = object ? kd_node_get(object, key) : NULL;
    return node && node->type != KD_NODE_NULL ? node : NULL;
}

void kd_router_options_load(const kd_service *service, kd_router_options *out)
{
    static kd_str headers[] = {KD_STR_INIT("X-Forwarded-For"), KD_STR_INIT("X-Real-Ip")};
    static kd_str everybody[] = {KD_STR_INIT("0.0.0.0/0"), KD_STR_INIT("::/0")};
    *out = (kd_router_options){
        .redirect_trailing_slash = true,
        .redirect_fixed_path = true,
        .handle_method_not_allowed = true,
        .forwarded_by_client_ip = true,
        .remote_ip_headers = {headers, KD_COUNT(headers)},
        .trusted_proxies = {everybody, KD_COUNT(everybody)},
        .health_path = KD_STR("/__health"),
    };
    block b = {.service = service, .node = kd_extra_find(&service->extra, KD_STR("router"))};
    if (!b.node || b.node->type != KD_NODE_OBJECT)
        return;
    bool disable_health = read_bool(&b, KD_STR("disable_health"));
    bool disable_access_log = read_bool(&b, KD_STR("disable_access_log"));
    bool disable_path_decoding = read_bool(&b, KD_STR("disable_path_decoding"));
    kd_str health_path = read_string(&b, KD_STR("health_path"));
    read_engine(&b, out);
    out->disable_health = disable_health;
    out->disable_access_log = disable_access_log;
    out->disable_path_decoding = disable_path_decoding;
    if (health_path.n)
        out->health_path = health_path;
    const kd_node *auto_options = kd_node_typed(b.node, KD_STR("auto_options"), KD_NODE_BOOL);
    out->auto_options = auto_options && auto_options->boolean;
    const kd_node *error_body = member(&b, KD_STR("error_body"));
    if (error_body && error_body->type != KD_NODE_OBJECT)
        error_body = NULL;
    out->error_body_404 = given(error_body, KD_STR("404"));
    out->error_body_405 = given(error_body, KD_STR("405"));
}
