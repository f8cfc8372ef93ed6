/* A JWK Set (RFC 7517 section 5) as keys. */
#ifndef KD_LANG_JOSE_KEY_SET_H
#define KD_LANG_JOSE_KEY_SET_H

#include "lang/jose/key.h"

/* Bounds of a document: bytes, and keys (further ones are ignored). */
#define KD_JWK_SET_BYTES (1024u * 1024)
#define KD_JWK_SET_KEYS  1024u

/* How a key is found by what a token's head says (spec/02 section 2.3). */
typedef enum kd_jose_strategy {
    KD_JOSE_BY_KID,
    KD_JOSE_BY_X5T,
    KD_JOSE_BY_X5T_S256,
    KD_JOSE_BY_KID_X5T,
    KD_JOSE_STRATEGIES
} kd_jose_strategy;

/* What a document gave. */
typedef struct kd_jwk_list {
    kd_jwk **v; /* in order of the document, one reference each; in the arena */
    uint32_t n;
    kd_str broken; /* why the first key that cannot be used cannot; p is NULL: all can */
} kd_jwk_list;

/* Reads a document into keys. Keys that cannot be used are left out (KrakenD refuses the whole set then). `whole`: it
 * must be nothing but the document (a file), else what follows the first value is ignored (an answer). False: *error is
 * Go's text, p is NULL without memory; nothing is held then. */
bool kd_jwk_list_read(kd_arena *arena, kd_str text, bool whole, kd_jwk_list *out, kd_str *error);
/* Gives all references back. */
void kd_jwk_list_fini(kd_jwk_list *list);
/* The strategy of that name; an unknown one is by kid. */
kd_jose_strategy kd_jose_strategy_find(kd_str name);
/* What a key is called under a strategy; p is NULL without memory. */
kd_str kd_jwk_id(kd_arena *arena, const kd_jwk *jwk, kd_jose_strategy strategy);
/* a and b behind each other, in the arena; p is NULL without memory. */
kd_str kd_jose_join(kd_arena *arena, kd_str a, kd_str b);

#endif
