/* JSON Web Keys (RFC 7517, RFC 7518 section 6, RFC 8037), read once into what OpenSSL verifies and signs with. What is
 * accepted, and the words of every refusal, are those of go-jose 3 (spec/02 section 4). */
#ifndef KD_LANG_JOSE_KEY_H
#define KD_LANG_JOSE_KEY_H

#include "base/hash.h"
#include "lang/jose/alg.h"
#include "text/value.h"

#include <stdatomic.h>

/* RSA moduli outside these bounds are loaded, but never verify: the lower one is Go's, the upper one OpenSSL's. */
#define KD_JWK_RSA_MIN_BITS 1024
#define KD_JWK_RSA_MAX_BITS 16384

typedef enum kd_jwk_type { KD_JWK_RSA, KD_JWK_EC, KD_JWK_ED25519, KD_JWK_OCT } kd_jwk_type;

struct evp_pkey_st;
struct evp_mac_ctx_st;
struct evp_md_ctx_st;

/* Ways to verify with a public key: a digest of 256, 384 or 512 bits, each with and without PSS. */
#define KD_JWK_WAYS 6

/* A key: counted, any thread; nothing in it changes but `ready`, whose contexts are made at the first use of each way,
 * and then only copied. */
typedef struct kd_jwk {
    _Atomic uint32_t references;
    kd_jwk_type type;
    bool is_private;                /* holds a private RSA, EC or Ed25519 key: signs, does not verify */
    bool weak;                      /* loaded, but never used: RSA numbers out of range, Ed25519 of another length */
    uint16_t half;                  /* EC: bytes of a coordinate */
    struct evp_pkey_st *pkey;       /* NULL: oct, or nothing can be done with it */
    struct evp_mac_ctx_st *macs[3]; /* oct: ready for 256, 384, 512 bits */
    struct evp_md_ctx_st *_Atomic ready[KD_JWK_WAYS]; /* NULL: that way was not used yet */
    kd_str kid;                                       /* empty where there is none */
    kd_str x5t, x5t_s256; /* of the certificate's thumbprints, as base64url; empty where there is none */
    kd_fingerprint print; /* of the key itself: equal for equal keys whatever they are called */
} kd_jwk;

/* The key that a JSON value describes, with a reference for the caller. `arena` serves as scratch. NULL: *error is
 * go-jose's text, or its p is NULL without memory; the text never holds key material. */
kd_jwk *kd_jwk_create(kd_arena *arena, kd_value value, kd_str *error);
#define KD_JWK_NOT_PUBLIC KD_STR("go-jose/go-jose: invalid embedded jwk, must be public key")
/* May a token's head carry that value as "jwk" (a public key) or "x5c" (a chain of certificates)? False: *error as
 * above. */
bool kd_jwk_check_embedded(kd_arena *arena, kd_value value, kd_str *error);
bool kd_jwk_check_chain(kd_arena *arena, kd_value chain, kd_str *error);
/* One more reference, for who holds one. */
static inline kd_jwk *kd_jwk_ref(kd_jwk *jwk)
{
    atomic_fetch_add_explicit(&jwk->references, 1, memory_order_relaxed);
    return jwk;
}
/* Gives a reference back; the last one clears and frees. NULL is allowed. */
void kd_jwk_unref(kd_jwk *jwk);

/* Is `signature` one of `input` with this algorithm and key? False also where key and algorithm do not belong together;
 * *unsupported then tells a key that cannot verify anything. Comparisons take constant time. */
bool kd_jwk_verify(kd_jwk *jwk, const kd_jose_alg *alg, kd_str input, kd_str signature, bool *unsupported);

/* Room for any signature: RSA of KD_JWK_RSA_MAX_BITS. */
#define KD_JWK_SIGNATURE_MAX 2048u
/* Can the key sign with that algorithm? NULL: yes; else go-jose's text (static). A curve that does not fit its
 * algorithm is found only when something is signed. */
const char *kd_jwk_sign_problem(const kd_jwk *jwk, const kd_jose_alg *alg);
/* Signs; `to` has KD_JWK_SIGNATURE_MAX bytes. 0: it cannot (kd_jwk_sign_error). */
size_t kd_jwk_sign(const kd_jwk *jwk, const kd_jose_alg *alg, kd_str input, char *to);
/* Why kd_jwk_sign gave 0, in `arena`. */
kd_str kd_jwk_sign_error(kd_arena *arena, const kd_jwk *jwk, const kd_jose_alg *alg);

#endif
