/* Tokens that were verified before. What is remembered is a fact that does not change: this text has a good signature
 * under that key with that algorithm, and these are its claims. Everything that may change is asked again on each
 * request: whether the key still counts, the times, issuer, audience, who refuses the client, roles and scopes. One
 * memory per worker, so nothing is locked. */
#ifndef KD_MODULES_AUTH_VALIDATOR_MEMORY_H
#define KD_MODULES_AUTH_VALIDATOR_MEMORY_H

#include "lang/jose/claims.h"
#include "lang/jose/jws.h"

/* Bounds of one worker's memory: longer tokens are not remembered, the one unused for the longest time gives way. */
#define KD_MEMORY_TOKEN  (8u * 1024)
#define KD_MEMORY_TOKENS 4096u
#define KD_MEMORY_BYTES  (16u * 1024 * 1024)

typedef struct kd_remembered {
    struct kd_remembered *next_in_place, *newer, *older;
    kd_arena arena; /* of all this */
    size_t size;    /* of the arena, once it is kept */
    uint64_t hash;
    kd_str token; /* as it stood in the request */
    const kd_jose_alg *alg;
    kd_fingerprint key; /* that it was verified with */
    /* Where the key was last found: nothing is looked up while that set is the present one. */
    uint64_t set;
    kd_ns seen;
    kd_jose_strategy strategy;
    kd_str ids[KD_JOSE_STRATEGIES];
    kd_claims claims;
    uint32_t uses; /* by exchanges */
    bool forgotten;
} kd_remembered;

typedef struct kd_token_memory kd_token_memory;

/* An empty memory; NULL without memory. It holds nothing at first. */
kd_token_memory *kd_token_memory_create(void);
/* Nobody uses an entry any more. NULL is allowed. */
void kd_token_memory_destroy(kd_token_memory *memory);

/* The entry of a token, or NULL. With a use for the caller. */
kd_remembered *kd_token_memory_find(kd_token_memory *memory, kd_str token);
/* An entry that is not yet in the memory, for a token in canonical form (else one could be written in many ways that
 * share a hash), to be filled (its arena is ready): kd_token_memory_keep or
 * kd_token_memory_drop follow. NULL: the token is too long, or there is no memory. */
kd_remembered *kd_token_memory_begin(kd_token_memory *memory, kd_str token);
/* Takes it in; the caller has a use. */
void kd_token_memory_keep(kd_token_memory *memory, kd_remembered *entry);
void kd_token_memory_drop(kd_remembered *entry);
/* Gives a use back. */
void kd_token_memory_unuse(kd_token_memory *memory, kd_remembered *entry);
/* Takes an entry out: its token is of no use any more. */
void kd_token_memory_forget(kd_token_memory *memory, kd_remembered *entry);
/* Entries now. */
uint32_t kd_token_memory_count(const kd_token_memory *memory);

#endif
