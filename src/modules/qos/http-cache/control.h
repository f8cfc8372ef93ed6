/* When a stored answer may be used: the rules of KrakenD's cache (spec/03 section 6.1), which are simpler than RFC
 * 9111's and look at the first Cache-Control line only. */
#ifndef KD_MODULES_QOS_HTTP_CACHE_CONTROL_H
#define KD_MODULES_QOS_HTTP_CACHE_CONTROL_H

#include "base/clock.h"
#include "http/headers.h"

/* The directives that matter; p of a value is NULL where the directive is absent. */
typedef struct kd_cache_control {
    bool no_cache, no_store, only_if_cached;
    kd_str max_age, min_fresh, max_stale, stale_if_error;
} kd_cache_control;

/* Reads the first Cache-Control line of the fields. */
kd_cache_control kd_cache_control_read(const kd_headers *headers);

typedef enum kd_cache_stale { KD_STALE_NEVER, KD_STALE_ALWAYS, KD_STALE_FOR, KD_STALE_BAD } kd_cache_stale;

/* What the fields of an answer say, read once. */
typedef struct kd_cache_facts {
    bool dated; /* it has a Date that can be read */
    bool no_cache, no_store;
    bool validates; /* it has an ETag or a Last-Modified */
    bool varies;
    uint8_t stale_if_error; /* kd_cache_stale */
    int64_t date;           /* seconds since 1970 */
    kd_ns lifetime, stale_for;
} kd_cache_facts;

kd_cache_facts kd_cache_facts_read(const kd_headers *headers);

typedef enum kd_cache_freshness {
    KD_CACHE_FRESH,
    KD_CACHE_STALE,      /* ask, with the validators */
    KD_CACHE_TRANSPARENT /* ask as if nothing were stored */
} kd_cache_freshness;

/* `request`: the request's directives, NULL for none. `now`: wall clock. */
kd_cache_freshness kd_cache_fresh(const kd_cache_facts *facts, const kd_cache_control *request, kd_ns now);
/* May the stored answer stand in for a failure? */
bool kd_cache_stands_in(const kd_cache_facts *facts, const kd_cache_control *request, kd_ns now);
/* Can the answer serve any later request that brings no directives of its own? */
bool kd_cache_is_useful(const kd_cache_facts *facts, kd_ns now);

#endif
