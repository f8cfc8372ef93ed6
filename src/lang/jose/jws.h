/* JSON Web Signatures (RFC 7515) as go-jose 3 reads and writes them: compact, and the JSON serialisation with one
 * signature (spec/02 section 4.1). Nothing is verified here, so everything in a parsed token is a claim of strangers.
 */
#ifndef KD_LANG_JOSE_JWS_H
#define KD_LANG_JOSE_JWS_H

#include "lang/jose/key_set.h"

typedef struct kd_jws {
    kd_str alg, kid;           /* of the head; empty where there is none */
    kd_str x5t, x5t_s256;      /* p is NULL where the head has no such string */
    kd_str payload, signature; /* decoded */
    kd_str input;              /* what is signed */
    bool canonical;            /* the token is the one compact text that its bytes have */
    bool several;              /* more than one signature: never valid */
    bool refused;              /* its crit, or what it signs, makes it invalid whatever the signature is */
    kd_str crit_error;         /* crit is no list of strings; p is NULL: it is, or there is none */
} kd_jws;

/* Parses a token: whitespace in it is ignored, one that begins with '{' is JSON. Results lie in the arena or point into
 * `token`. False: *error is the reason in go-jose's words, p is NULL without memory. */
bool kd_jws_parse(kd_arena *arena, kd_str token, kd_jws *out, kd_str *error);
/* By what id the token asks for its key; p is NULL without memory. */
kd_str kd_jws_key_id(kd_arena *arena, const kd_jws *jws, kd_jose_strategy strategy);
/* Verifies. False: *error is go-jose's text. */
bool kd_jws_verify(const kd_jws *jws, kd_jwk *jwk, const kd_jose_alg *alg, kd_str *error);

/* Who signs: a key and how its tokens look. */
typedef struct kd_jws_signer {
    kd_jwk *jwk; /* borrowed */
    const kd_jose_alg *alg;
    kd_str head; /* the protected head, encoded; made by kd_jws_signer_init */
    bool full;   /* the JSON serialisation */
} kd_jws_signer;

/* Prepares the head {"alg":…,"kid":…,"typ":…} in the arena. False without memory. */
bool kd_jws_signer_init(kd_jws_signer *signer, kd_arena *arena, kd_jwk *jwk, const kd_jose_alg *alg, kd_str type,
                        bool full);
/* A signed token of the payload, in the arena. p is NULL: *error is go-jose's text, or NULL without memory. */
kd_str kd_jws_sign(const kd_jws_signer *signer, kd_arena *arena, kd_str payload, kd_str *error);

#endif
