/* The proxy of the environment (spec/01 section 8.5; Go's httpproxy): HTTP_PROXY, HTTPS_PROXY and NO_PROXY, or the same
 * in lower case, read once. Loopback is never proxied. */
#ifndef KD_HTTP_PROXY_H
#define KD_HTTP_PROXY_H

#include "base/arena.h"
#include "net/dns.h"

/* Where to connect instead of the target. */
typedef struct kd_proxy {
    kd_str name; /* to resolve: without port and brackets */
    uint16_t port;
    bool literal; /* `address` holds the whole address */
    kd_address address;
    kd_str authorization; /* of Proxy-Authorization; empty: none */
    kd_str problem;       /* why it cannot be used; empty: it can */
} kd_proxy;

/* The value of one of these variables, such as "http://user:pw@10.0.0.1:3128" or "10.0.0.1:3128". NULL without memory
 * or when there is no host in it. Lives in the arena. */
kd_proxy *kd_proxy_parse(kd_arena *arena, kd_str url);
/* Does a list such as "corp.example,.lan:8080,10.0.0.0/8" (NO_PROXY) exempt the place, or is it loopback? */
bool kd_proxy_exempts(kd_str no_proxy, kd_str name, uint16_t port);
/* The proxy for a place, or NULL. What it returns lives in the arena of the first call that found one, which must live
 * as long as the process. Not thread-safe: the registry of targets calls it under its lock. */
const kd_proxy *kd_proxy_find(kd_arena *arena, bool tls, kd_str name, uint16_t port);

#endif
