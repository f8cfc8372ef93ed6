/* The keys of one validator: those of a file, or those that a store fetches from a URL and that all validators with the
 * same URL and TLS settings share, on all workers (spec/02 section 3). */
#ifndef KD_MODULES_AUTH_VALIDATOR_KEYS_H
#define KD_MODULES_AUTH_VALIDATOR_KEYS_H

#include "gateway/jwk.h"
#include "gateway/source.h"

/* How long keys serve beyond their time while the key server fails. */
#define KD_JWK_STALE (24 * 3600 * KD_SECOND)
/* Ids that a cooldown remembers, of one endpoint. */
#define KD_JWK_MISSES 4096u

typedef struct kd_jwk_set kd_jwk_set;
typedef struct kd_jwk_store kd_jwk_store;
struct kd_table;

/* What a validator does with keys. */
typedef struct kd_jwk_policy {
    kd_jose_strategy strategy;
    kd_ns ttl;       /* 0: every token asks the key server */
    kd_ns cooldown;  /* an id that was not found is not asked for again that long; 0: it is */
    bool strict;     /* keys never serve beyond their time */
    bool any_server; /* a key of that id counts whatever server it came from */
} kd_jwk_policy;

typedef struct kd_jwk_keys {
    kd_jwk_policy policy;
    kd_jwk_store *store;     /* a URL's; NULL: a file's keys */
    const kd_jwk_set *fixed; /* of the file */
    struct kd_table *misses; /* with a cooldown */
} kd_jwk_keys;

/* Makes them for an endpoint, known to the cooldown by `identity`. Blocking, at load. False: *error is KrakenD's text,
 * in the arena; p is NULL without memory. */
bool kd_jwk_keys_init(kd_jwk_keys *keys, kd_generation *generation, const kd_jwk_place *place,
                      const kd_jwk_policy *policy, kd_str identity, kd_str *error);

/* A lookup that may wait; cleared at first, in the step's state. */
typedef struct kd_jwk_lookup {
    kd_source_wait wait;
    kd_timer timer; /* of a wait that ends early because there is an old key */
    kd_wait inner;  /* the source's, around which the timer stands */
    kd_branch *branch;
    kd_jwk *old; /* with a reference: serves when nothing better comes */
    bool waiting, gave_up, again;
    uint64_t set; /* told with the key: the number of its set, and when a document last had it */
    kd_ns seen;
} kd_jwk_lookup;

/* Does a key that was found in the set of that number still count? False: a lookup tells. No lock. */
bool kd_jwk_keys_still(const kd_jwk_keys *keys, uint64_t set, kd_ns seen, kd_ns now);

/* Finds the key of that id. KD_WAIT: the step returns it and calls again when it is re-entered, with the same id.
 * KD_NEXT: *jwk with a reference for the caller, or NULL and *error why (in the request's arena). */
kd_verdict kd_jwk_lookup_run(kd_jwk_lookup *lookup, const kd_jwk_keys *keys, kd_branch *branch, kd_str id, kd_jwk **jwk,
                             kd_str *error);

#endif
