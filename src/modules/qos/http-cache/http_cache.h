/* What the files of this room share. */
#ifndef KD_MODULES_QOS_HTTP_CACHE_HTTP_CACHE_H
#define KD_MODULES_QOS_HTTP_CACHE_HTTP_CACHE_H

#include "gateway/transport.h"
#include "modules/qos/http-cache/lane.h"
#include "modules/qos/http-cache/store.h"

#define KD_CACHE_MARKS 256u

/* A cache: a process object, kept over reloads. */
typedef struct kd_cache {
    kd_cache_store *store;
    kd_lanes *lanes;
    /* Keys whose last answer could not serve anybody else: nobody waits for those. One key in each place. */
    _Atomic uint64_t alone[KD_CACHE_MARKS];
} kd_cache;

/* Of one backend. */
typedef struct kd_cache_config {
    kd_cache *cache;
    kd_reading reading;
    uint64_t max_size, max_items; /* 0: no limits */
    bool shared;
    bool compression; /* the gateway asks for gzip, and undoes it */
    bool keep_all;    /* requests may bring directives or validators: then any answer may be of use */
} kd_cache_config;

extern const kd_step_type kd_cache_keep, kd_cache_visit;

/* The backend's block; NULL: it has no cache. */
const kd_node *kd_cache_block(const kd_compile *compile);
/* The configuration of the backend's cache; NULL: it has none, or memory is out. */
const kd_cache_config *kd_cache_compile(const kd_compile *compile);

#endif
