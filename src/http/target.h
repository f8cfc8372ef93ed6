/* Where calls go: scheme, host and port, resolved once. Process-lifetime objects, shared by all workers and
 * generations; equal places are one object, so that pools survive a reload. */
#ifndef KD_HTTP_TARGET_H
#define KD_HTTP_TARGET_H

#include "net/dns.h"

/* Bound on the places one process may talk to (redirects can name new ones). */
#define KD_MAX_TARGETS 65536

typedef struct kd_target {
    uint32_t id; /* dense, for the pools of workers */
    bool tls;
    bool literal; /* `address` holds the whole address */
    uint16_t port;
    kd_str key;  /* "http://127.0.0.1:8081" */
    kd_str host; /* as it stands in the Host field: "127.0.0.1:8081" */
    kd_str name; /* to resolve: without port and brackets */
    kd_address address;
    const struct kd_proxy *proxy; /* that the environment names for it (http/proxy.h); NULL: none */
} kd_target;

/* The target of a scheme ("http" or "https") and a host[:port] as written. Targets are never freed: there are at most
 * KD_MAX_TARGETS. NULL without memory, beyond the bound, or on a bad port. Any thread. */
const kd_target *kd_target_get(kd_str scheme, kd_str host);

#endif
