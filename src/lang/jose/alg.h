/* The signature algorithms of JWS (RFC 7518 section 3, RFC 8037 section 3.1). "none" is not one of them. */
#ifndef KD_LANG_JOSE_ALG_H
#define KD_LANG_JOSE_ALG_H

#include "base/bytes.h"

typedef enum kd_jose_family { KD_JOSE_HMAC, KD_JOSE_PKCS1, KD_JOSE_PSS, KD_JOSE_ECDSA, KD_JOSE_EDDSA } kd_jose_family;

/* One algorithm; static. */
typedef struct kd_jose_alg {
    kd_str name;
    kd_jose_family family;
    uint16_t bits; /* of the hash; 0: the algorithm has its own */
    uint16_t half; /* ECDSA: bytes of r and of s */
} kd_jose_alg;

/* The algorithm of exactly that name, or NULL. */
const kd_jose_alg *kd_jose_alg_find(kd_str name);
/* The i-th algorithm, or NULL beyond the last. */
const kd_jose_alg *kd_jose_alg_at(size_t i);

#endif
