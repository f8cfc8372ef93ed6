/* The gateway's own steps. Their order stands in gateway/order.def. */
#ifndef KD_GATEWAY_STEPS_CORE_H
#define KD_GATEWAY_STEPS_CORE_H

#include "gateway/exchange.h"
#include "gateway/generation.h"
#include "gateway/step.h"
#include "gateway/worker.h"

/* NULL-ended. */
extern const kd_step_type *const kd_core_steps[];

extern const kd_step_type kd_core_param_check;
extern const kd_step_type kd_core_handler;
extern const kd_step_type kd_core_render;
extern const kd_step_type kd_core_shadow;
extern const kd_step_type kd_core_static;
extern const kd_step_type kd_core_flatmap;
extern const kd_step_type kd_core_merge;
extern const kd_step_type kd_core_sequence;
extern const kd_step_type kd_core_concurrent;
extern const kd_step_type kd_core_filter_query;
extern const kd_step_type kd_core_build;
extern const kd_step_type kd_core_balance;
extern const kd_step_type kd_core_discover;
extern const kd_step_type kd_core_filter_headers;
extern const kd_step_type kd_core_shape;
extern const kd_step_type kd_core_decode;
extern const kd_step_type kd_core_send;
/* The ends of the gateway's own plans. */
extern const kd_step_type kd_core_not_found;
extern const kd_step_type kd_core_not_allowed;
extern const kd_step_type kd_core_health;
extern const kd_step_type kd_core_debug;
extern const kd_step_type kd_core_echo;
extern const kd_step_type kd_core_options;
extern const kd_step_type kd_core_unavailable; /* 501: a component of the endpoint is not in this version */
extern const kd_step_type kd_core_broken;      /* 500: the pipe could not be built */

/* What the call's step leaves for the steps around it, in the branch's response. */
typedef struct kd_received {
    uint16_t status;
    kd_headers *headers;
    char *body; /* whole body; KD_JSON_PAD writable bytes behind it */
    size_t n;
    kd_str cut; /* the connection broke before the end: its error's text */
    kd_failure cut_class;
} kd_received;

/* The whole answer of the call that ran inside this branch; NULL when there was none. Set by core.send. */
kd_received *kd_core_received(kd_branch *branch);

/* A place that a backend's requests go to. */
typedef struct kd_core_host {
    const kd_target
        *target; /* NULL: the host is no plain scheme://host[:port], the whole URL is parsed for each request */
    kd_str text;
} kd_core_host;

/* Addresses the branch's request, whose path is set, to that host. */
kd_verdict kd_core_address(kd_branch *branch, const kd_core_host *host);
/* Are the hosts of this backend found by DNS SRV? */
static inline bool kd_core_is_discovered(const kd_backend *backend)
{
    return kd_str_eq(backend->sd, KD_STR("dns")) && backend->hosts.n;
}

/* Logs in the endpoint's name: "[ENDPOINT: /a] text". */
void kd_core_log_error(const kd_plan *plan, kd_str text);
/* Does the backend's answer go through as it is, head and body? */
bool kd_core_is_raw(const kd_endpoint *endpoint, const kd_backend *backend);
/* "Get" of "GET": how Go's client names a method in its errors. In the arena. */
kd_str kd_core_verb(kd_arena *arena, kd_str method);
/* The whole URL of the branch's request, as errors show it: user info masked. */
kd_str kd_core_url(kd_branch *branch);

#endif
