/* From the numbers of a JSON Web Key to OpenSSL's keys; shared by the key sources only. */
#ifndef KD_LANG_JOSE_KEY_MAKE_H
#define KD_LANG_JOSE_KEY_MAKE_H

#include "lang/jose/key.h"

/* The members of a key that are bytes: p is NULL where one is absent or null. */
typedef struct kd_jwk_parts {
    kd_str k, x, y, n, e, d, p, q;
} kd_jwk_parts;

/* Fill type, pkey, macs, half, weak and is_private of *jwk. False: *error is go-jose's text, static. */
bool kd_jwk_make_rsa(kd_jwk *jwk, const kd_jwk_parts *parts, kd_str *error);
bool kd_jwk_make_ec(kd_jwk *jwk, const kd_jwk_parts *parts, kd_str curve, kd_str *error);
bool kd_jwk_make_ed25519(kd_jwk *jwk, const kd_jwk_parts *parts, kd_str *error);
bool kd_jwk_make_oct(kd_jwk *jwk, const kd_jwk_parts *parts, kd_str *error);

#endif
