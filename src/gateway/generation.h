/* A generation: one loaded configuration with everything compiled from it. Immutable; replaced as a whole by a reload.
 * Each worker counts its own use and reports only its last release; the last worker to do so frees it. */
#ifndef KD_GATEWAY_GENERATION_H
#define KD_GATEWAY_GENERATION_H

#include "base/log.h"
#include "base/map.h"
#include "gateway/client_ip.h"
#include "gateway/identity.h"
#include "gateway/limits.h"
#include "gateway/plan.h"
#include "gateway/router.h"
#include "http/call.h"
#include "http/server1.h"

#include <stdatomic.h>

#define KD_VERSION_HEADER "Version " KD_COMPAT_VERSION
#define KD_USER_AGENT     "KrakenD Version " KD_COMPAT_VERSION

struct kd_exchange;
struct kd_front;
struct kd_hold_on;

/* Runs once for every answer, when its last byte is out or lost: only observes. */
typedef struct kd_end_hook {
    void (*run)(struct kd_exchange *x, const void *config);
    const void *config;
} kd_end_hook;

/* Runs once for every answer before its first byte: may edit the reply's fields. */
typedef struct kd_head_hook {
    void (*run)(struct kd_exchange *x, const void *config);
    const void *config;
} kd_head_hook;

/* Runs once for every request before it is routed, also where the gateway refuses it at a limit: may add fields to the
 * reply. True: the reply is the answer, and its status is set. */
typedef struct kd_entry_hook {
    bool (*run)(struct kd_front *front, kd_reply *reply, const void *config);
    const void *config;
} kd_entry_hook;

#define KD_MAX_HOOKS 16

typedef struct kd_generation {
    uint32_t number;
    unsigned n_workers;
    kd_arena arena;
    kd_service *service;
    kd_router_options options;
    kd_router *router;
    kd_client_ip client_ip;
    const kd_plan *not_found, *not_allowed;
    kd_plan **plans; /* of the endpoints, in the order of the configuration; NULL where one is ignored */
    kd_str version_header;
    kd_end_hook end_hooks[KD_MAX_HOOKS];
    kd_head_hook head_hooks[KD_MAX_HOOKS];
    kd_entry_hook entry_hooks[KD_MAX_HOOKS];
    unsigned n_end_hooks, n_head_hooks, n_entry_hooks;
    const kd_rejecter *rejecters[KD_MAX_REJECTERS]; /* of clients whose token is good (gateway/identity.h) */
    unsigned n_rejecters;
    kd_map skip_paths; /* of the access log */
    kd_server_settings server;
    kd_client_settings client;
    kd_limits limits;
    kd_dns_options names; /* where backends are looked up */
    kd_tls_profile *tls;  /* a use of it, where https may be spoken; else NULL */
    kd_log_settings log;
    void **modules;           /* what each module keeps here (gateway/module.h) */
    struct kd_hold_on *holds; /* on process objects (gateway/registry.h) */
    _Atomic unsigned workers; /* that still use it */
} kd_generation;

/* Compiles a loaded service, which must lie in *arena; takes the arena over. Findings go to `errors`. NULL when the
 * configuration cannot run: the arena, to whose locations the findings point, stays the caller's. */
kd_generation *kd_generation_create(kd_arena *arena, kd_service *service, unsigned n_workers, kd_errors *errors);
void kd_generation_destroy(kd_generation *generation);
/* Writes the start-up lines that KrakenD writes while it builds its pipes. */
void kd_generation_log(const kd_generation *generation);

#endif
