/* The store of a URL's keys: a process object. Shared by the files of this room only. */
#ifndef KD_MODULES_AUTH_VALIDATOR_STORE_H
#define KD_MODULES_AUTH_VALIDATOR_STORE_H

#include "modules/auth/validator/keys.h"

/* A key of a set, and when a document last had it (monotonic). */
typedef struct kd_jwk_entry {
    kd_jwk *jwk;
    kd_ns seen;
} kd_jwk_entry;

/* Keys that were known at one time. Immutable, counted. Beside those of the last document there are older ones whose
 * time is not over: KrakenD remembers each key by itself. */
struct kd_jwk_set {
    kd_source_value base; /* first */
    kd_arena arena;
    uint64_t number; /* of its own in this process; not 0 */
    kd_ns fetched;
    kd_jwk_entry *v; /* older ones first */
    uint32_t n;
    kd_map by_id[KD_JOSE_STRATEGIES]; /* to entries; the last of equal ids */
    kd_str broken;                    /* why a key of the document cannot be used; may be empty */
};

/* A set of the keys of a document, seen now; and of those of `before` that it lacks and that were seen at most `keep`
 * ago. `before` may be NULL. NULL without memory. */
kd_jwk_set *kd_jwk_set_create(const kd_jwk_list *list, const kd_jwk_set *before, kd_ns now, kd_ns keep);
/* The entry of that id, or NULL. */
const kd_jwk_entry *kd_jwk_set_find(const kd_jwk_set *set, kd_jose_strategy strategy, kd_str id);

struct kd_jwk_store {
    struct kd_jwk_store *next; /* of all */
    kd_jwk_remote remote;
    kd_source *source;
    _Atomic uint32_t uses;    /* the registry, a message to a worker */
    _Atomic kd_ns keep;       /* the longest time of any validator */
    _Atomic kd_ns began;      /* the fetch under way; 0: none */
    _Atomic uint64_t present; /* number of the present set */
    _Atomic bool failing;     /* the last fetch failed */
    _Atomic kd_ns allowance;  /* when the budget of fetches would be full again */
};

/* The store of a place, adopted by the generation. `warm`: it is fetched at once when it is new. NULL without memory.
 */
kd_jwk_store *kd_jwk_store_adopt(kd_generation *generation, const kd_jwk_place *place, bool warm);
/* A key of that id that any store has and that was seen at most `max_age` ago, with a reference for the caller. */
kd_jwk *kd_jwk_store_find_any(kd_jose_strategy strategy, kd_str id, kd_ns now, kd_ns max_age);
/* May a fetch be begun that a stranger's token asks for? A budget that strangers cannot exceed. */
bool kd_jwk_store_allows(kd_jwk_store *store, kd_ns now);

#endif
