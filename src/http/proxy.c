#include "http/proxy.h"

#include "text/go/url.h"

#include <openssl/evp.h>
#include <stdlib.h>

/* ---- the place -----------------------------------------------------------------------------------------------------
 */

static bool parse_url(kd_arena *arena, kd_str text, kd_url *url)
{
    kd_str error;
    if (kd_go_url_parse(arena, text, url, &error) && url->scheme.n && url->host.n)
        return true;
    kd_str longer = kd_arena_printf(arena, "http://%.*s", KD_FMT(text));
    return longer.p && kd_go_url_parse(arena, longer, url, &error) && url->host.n;
}

/* Splits host[:port]; the brackets of an IPv6 address are taken off. False on a bad port. */
static bool split_place(kd_str host, kd_str *name, uint64_t *port)
{
    ptrdiff_t colon = kd_str_rfind(host, ':'), close = kd_str_rfind(host, ']');
    *name = host;
    if (colon >= 0 && colon > close) {
        kd_str digits = kd_str_from(host, (size_t)colon + 1);
        name->n = (size_t)colon;
        if (digits.n && !kd_str_to_u64(digits, 65535, port))
            return false;
    }
    if (name->n >= 2 && name->p[0] == '[' && name->p[name->n - 1] == ']')
        *name = kd_str_of(name->p + 1, name->n - 2);
    return true;
}

static void set_port(kd_address *address, uint16_t port)
{
    if (address->any.sa_family == AF_INET6)
        address->v6.sin6_port = htons(port);
    else
        address->v4.sin_port = htons(port);
}

static bool set_credentials(kd_arena *arena, kd_proxy *proxy, const kd_url *url)
{
    if (!url->has_user)
        return true;
    bool lone = kd_str_find(url->userinfo, ':') < 0; /* Go sends "user:" then */
    kd_str plain = kd_arena_printf(arena, "%.*s%s", KD_FMT(url->userinfo), lone ? ":" : "");
    unsigned char *coded = kd_arena_alloc(arena, plain.n / 3 * 4 + 8);
    if (!plain.p || !coded)
        return false;
    int n = EVP_EncodeBlock(coded, (const unsigned char *)plain.p, (int)plain.n);
    proxy->authorization = kd_arena_printf(arena, "Basic %.*s", n, (const char *)coded);
    return proxy->authorization.p != NULL;
}

kd_proxy *kd_proxy_parse(kd_arena *arena, kd_str text)
{
    kd_url url;
    kd_proxy *proxy = KD_NEW(arena, kd_proxy);
    uint64_t port = 80;
    if (!proxy || text.n == 0 || !parse_url(arena, text, &url) || !split_place(url.host, &proxy->name, &port))
        return NULL;
    proxy->port = (uint16_t)port;
    proxy->literal = kd_address_parse(proxy->name, &proxy->address);
    if (proxy->literal)
        set_port(&proxy->address, proxy->port);
    proxy->authorization = proxy->problem = KD_STR("");
    if (!kd_str_eq(url.scheme, KD_STR("http")))
        proxy->problem =
            kd_arena_printf(arena, "proxies of scheme \"%.*s\" are not available in this version", KD_FMT(url.scheme));
    return set_credentials(arena, proxy, &url) && proxy->problem.p ? proxy : NULL;
}

/* ---- exemptions ----------------------------------------------------------------------------------------------------
 */

/* The address as 16 bytes, IPv4 mapped. */
static void bytes_of(const kd_address *address, uint8_t to[16])
{
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    if (address->any.sa_family == AF_INET6) {
        memcpy(to, &address->v6.sin6_addr, 16);
    } else {
        memcpy(to, mapped, 12);
        memcpy(to + 12, &address->v4.sin_addr, 4);
    }
}

static bool is_loopback(const kd_address *address)
{
    uint8_t b[16];
    bytes_of(address, b);
    if (address->any.sa_family == AF_INET || IN6_IS_ADDR_V4MAPPED(&address->v6.sin6_addr))
        return b[12] == 127;
    return IN6_IS_ADDR_LOOPBACK(&address->v6.sin6_addr);
}

static bool in_network(kd_str network, uint64_t bits, const kd_address *address)
{
    kd_address base;
    uint8_t a[16], b[16];
    if (!kd_address_parse(network, &base) || bits > (base.any.sa_family == AF_INET6 ? 128u : 32u))
        return false;
    if (base.any.sa_family == AF_INET)
        bits += 96;
    bytes_of(&base, a);
    bytes_of(address, b);
    for (unsigned i = 0; i < 16 && bits; i++) {
        unsigned here = bits < 8 ? (unsigned)bits : 8;
        uint8_t mask = (uint8_t)(0xff00u >> here);
        if ((a[i] ^ b[i]) & mask)
            return false;
        bits -= here;
    }
    return true;
}

static bool ends_with_ci(kd_str s, kd_str end)
{
    return s.n >= end.n && kd_str_eq_ci(kd_str_from(s, s.n - end.n), end);
}

/* "corp.example" is the host and what is below it, ".corp.example" and "*.corp.example" only what is below it. */
static bool matches_name(kd_str pattern, kd_str name)
{
    if (pattern.n > 2 && pattern.p[0] == '*' && pattern.p[1] == '.')
        pattern = kd_str_from(pattern, 1);
    if (pattern.p[0] == '.')
        return ends_with_ci(name, pattern);
    return kd_str_eq_ci(name, pattern) ||
           (name.n > pattern.n && name.p[name.n - pattern.n - 1] == '.' && ends_with_ci(name, pattern));
}

static bool matches(kd_str entry, kd_str name, uint16_t port, const kd_address *address)
{
    kd_address wanted;
    kd_str host = entry;
    uint64_t bits, wanted_port = 0;
    ptrdiff_t slash = kd_str_find(entry, '/');
    if (entry.n == 0)
        return false;
    if (kd_str_eq(entry, KD_STR("*")))
        return true;
    if (slash > 0 && kd_str_to_u64(kd_str_from(entry, (size_t)slash + 1), 128, &bits))
        return address && in_network(kd_str_head(entry, (size_t)slash), bits, address);
    /* An IPv6 address without brackets has no port. */
    if (!kd_address_parse(entry, &wanted) && !split_place(entry, &host, &wanted_port))
        return false;
    if (host.n == 0 || (wanted_port && wanted_port != port))
        return false;
    if (kd_address_parse(host, &wanted))
        return address && in_network(host, wanted.any.sa_family == AF_INET6 ? 128 : 32, address);
    return matches_name(host, name);
}

bool kd_proxy_exempts(kd_str no_proxy, kd_str name, uint16_t port)
{
    kd_address address;
    bool literal = kd_address_parse(name, &address);
    if (kd_str_eq(name, KD_STR("localhost")) || (literal && is_loopback(&address)))
        return true;
    kd_str entry;
    while (no_proxy.p && kd_str_split(&no_proxy, ',', &entry))
        if (matches(kd_str_trim(entry), name, port, literal ? &address : NULL))
            return true;
    return false;
}

/* ---- the environment -----------------------------------------------------------------------------------------------
 */

static kd_str variable(const char *upper, const char *lower)
{
    const char *value = getenv(upper);
    if (!value || !*value)
        value = getenv(lower);
    return value ? kd_str_from_c(value) : (kd_str){"", 0};
}

const kd_proxy *kd_proxy_find(kd_arena *arena, bool tls, kd_str name, uint16_t port)
{
    static struct {
        bool read;
        const kd_proxy *http, *https;
        kd_str except;
    } env;
    if (!env.read) {
        env.read = true;
        /* HTTP_PROXY can be a request's header where the process is run by CGI. */
        if (!getenv("REQUEST_METHOD"))
            env.http = kd_proxy_parse(arena, variable("HTTP_PROXY", "http_proxy"));
        env.https = kd_proxy_parse(arena, variable("HTTPS_PROXY", "https_proxy"));
        env.except = kd_arena_copy(arena, variable("NO_PROXY", "no_proxy"));
    }
    const kd_proxy *proxy = tls ? env.https : env.http;
    return proxy && !kd_proxy_exempts(env.except, name, port) ? proxy : NULL;
}
