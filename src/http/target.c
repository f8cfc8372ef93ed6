#include "http/target.h"

#include "base/map.h"
#include "http/proxy.h"

#include <pthread.h>
#include <stdlib.h>

static struct {
    pthread_mutex_t lock;
    kd_arena arena;
    kd_map map;
    uint32_t n;
    bool ready;
} registry = {.lock = PTHREAD_MUTEX_INITIALIZER};

static bool split(kd_target *t, kd_str host, bool tls)
{
    kd_str name = host;
    uint64_t port = tls ? 443 : 80;
    ptrdiff_t colon = kd_str_rfind(host, ':');
    bool bracket = host.n && host.p[0] == '[';
    ptrdiff_t close = bracket ? kd_str_find(host, ']') : -1;
    if (colon >= 0 && colon > close) {
        name.n = (size_t)colon;
        kd_str digits = kd_str_from(host, (size_t)colon + 1);
        if (digits.n && !kd_str_to_u64(digits, 65535, &port))
            return false;
    }
    if (bracket && close > 0)
        name = kd_str_of(host.p + 1, (size_t)close - 1);
    t->name = name;
    t->port = (uint16_t)port;
    t->literal = kd_address_parse(name, &t->address);
    if (t->literal) {
        if (t->address.any.sa_family == AF_INET6)
            t->address.v6.sin6_port = htons(t->port);
        else
            t->address.v4.sin_port = htons(t->port);
    }
    return true;
}

static const kd_target *make(kd_str key, kd_str host, bool tls)
{
    if (registry.n == KD_MAX_TARGETS)
        return NULL;
    kd_target *t = KD_NEW(&registry.arena, kd_target);
    if (!t)
        return NULL;
    t->key = kd_arena_copy(&registry.arena, key);
    t->host = kd_arena_copy(&registry.arena, host);
    t->tls = tls;
    t->id = registry.n;
    if (!t->key.p || !t->host.p || !split(t, t->host, tls) || !kd_map_put(&registry.map, t->key, t))
        return NULL;
    t->proxy = kd_proxy_find(&registry.arena, tls, t->name, t->port);
    registry.n++;
    return t;
}

const kd_target *kd_target_get(kd_str scheme, kd_str host)
{
    char key[600];
    if (scheme.n + 3 + host.n > sizeof key)
        return NULL;
    memcpy(key, scheme.p, scheme.n);
    memcpy(key + scheme.n, "://", 3);
    if (host.n)
        memcpy(key + scheme.n + 3, host.p, host.n);
    kd_str k = {key, scheme.n + 3 + host.n};
    pthread_mutex_lock(&registry.lock);
    if (!registry.ready) {
        kd_arena_init(&registry.arena, NULL, 0);
        kd_map_init(&registry.map, NULL, KD_MAX_TARGETS);
        registry.ready = true;
    }
    const kd_target *t = kd_map_get(&registry.map, k);
    if (!t)
        t = make(k, host, kd_str_eq(scheme, KD_STR("https")));
    pthread_mutex_unlock(&registry.lock);
    return t;
}
