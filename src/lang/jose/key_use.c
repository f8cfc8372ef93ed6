#include "lang/jose/key.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

/* r and s of the largest curve as DER: two integers of 67 bytes with their heads, in a sequence. */
#define DER_MAX 144

/* An integer as DER writes it: without leading zeros, with one where the first bit is set. */
static uint8_t *put_integer(uint8_t *to, const uint8_t *bytes, size_t n)
{
    while (n > 1 && *bytes == 0)
        bytes++, n--;
    bool sign = *bytes & 0x80;
    *to++ = 2;
    *to++ = (uint8_t)(n + sign);
    if (sign)
        *to++ = 0;
    memcpy(to, bytes, n);
    return to + n;
}

/* r and s side by side (RFC 7518 section 3.4) as OpenSSL wants them. */
static size_t to_der(uint8_t to[DER_MAX], kd_str signature)
{
    uint8_t body[DER_MAX];
    size_t half = signature.n / 2;
    uint8_t *end = put_integer(body, (const uint8_t *)signature.p, half);
    end = put_integer(end, (const uint8_t *)signature.p + half, half);
    size_t n = (size_t)(end - body), at = 0;
    to[at++] = 0x30;
    if (n > 127)
        to[at++] = 0x81;
    to[at++] = (uint8_t)n;
    memcpy(to + at, body, n);
    return at + n;
}

/* The other way; `half` bytes each. */
static bool from_der(char *to, size_t half, const uint8_t *der, size_t n)
{
    size_t at = n > 2 && der[1] == 0x81 ? 3 : 2;
    memset(to, 0, 2 * half);
    for (int i = 0; i < 2; i++) {
        if (at + 2 > n || der[at] != 2 || at + 2 + der[at + 1] > n)
            return false;
        size_t length = der[at + 1];
        const uint8_t *bytes = der + at + 2;
        at += 2 + length;
        while (length && *bytes == 0)
            bytes++, length--;
        if (length > half)
            return false;
        if (length)
            memcpy(to + (size_t)(i + 1) * half - length, bytes, length);
    }
    return true;
}

static const char *digest_name(const kd_jose_alg *alg)
{
    return alg->bits == 256 ? "SHA256" : alg->bits == 384 ? "SHA384" : alg->bits == 512 ? "SHA512" : NULL;
}

static bool fits(const kd_jwk *jwk, const kd_jose_alg *alg)
{
    switch (alg->family) {
    case KD_JOSE_HMAC:
        return jwk->type == KD_JWK_OCT;
    case KD_JOSE_PKCS1:
    case KD_JOSE_PSS:
        return jwk->type == KD_JWK_RSA;
    case KD_JOSE_ECDSA:
        return jwk->type == KD_JWK_EC;
    case KD_JOSE_EDDSA:
        return jwk->type == KD_JWK_ED25519;
    }
    return false;
}

/* Writes the code of the message; 0 when it cannot. `to` has EVP_MAX_MD_SIZE bytes. */
static size_t mac(const kd_jwk *jwk, const kd_jose_alg *alg, kd_str input, uint8_t *to)
{
    size_t n = 0;
    EVP_MAC_CTX *context = EVP_MAC_CTX_dup(jwk->macs[alg->bits / 128 - 2]);
    if (!context || !EVP_MAC_update(context, (const uint8_t *)input.p, input.n) ||
        !EVP_MAC_final(context, to, &n, EVP_MAX_MD_SIZE))
        n = 0;
    EVP_MAC_CTX_free(context);
    return n;
}

/* A context that is ready to verify that way; NULL without memory, or where the key cannot. */
static EVP_MD_CTX *make_ready(const kd_jwk *jwk, const kd_jose_alg *alg)
{
    EVP_PKEY_CTX *options;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool good =
        context && EVP_DigestVerifyInit_ex(context, &options, digest_name(alg), NULL, NULL, jwk->pkey, NULL) > 0;
    if (good && alg->family == KD_JOSE_PSS)
        good = EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING) > 0 &&
               EVP_PKEY_CTX_set_rsa_pss_saltlen(options, RSA_PSS_SALTLEN_AUTO) > 0;
    if (good)
        return context;
    EVP_MD_CTX_free(context);
    return NULL;
}

/* The key's context for that way. OpenSSL looks for implementations by name whenever it prepares one, which takes
 * longer than to copy it; copying leaves it as it is, so that all threads can do it at once. */
static const EVP_MD_CTX *ready(kd_jwk *jwk, const kd_jose_alg *alg)
{
    unsigned way = (alg->bits ? alg->bits / 128 - 2 : 0) + (alg->family == KD_JOSE_PSS ? KD_JWK_WAYS / 2 : 0);
    EVP_MD_CTX *there = atomic_load_explicit(&jwk->ready[way], memory_order_acquire);
    if (KD_LIKELY(there != NULL))
        return there;
    EVP_MD_CTX *made = make_ready(jwk, alg);
    if (!made || atomic_compare_exchange_strong(&jwk->ready[way], &there, made))
        return made;
    EVP_MD_CTX_free(made); /* another thread was first */
    return there;
}

static bool verify_public(kd_jwk *jwk, const kd_jose_alg *alg, kd_str input, kd_str signature)
{
    uint8_t der[DER_MAX];
    if (alg->family == KD_JOSE_ECDSA) {
        if (signature.n != 2u * alg->half)
            return false;
        signature.n = to_der(der, signature);
        signature.p = (const char *)der;
    } else if (jwk->type == KD_JWK_RSA && signature.n != (size_t)EVP_PKEY_get_size(jwk->pkey)) {
        return false; /* one that lacks its leading zeros is another text for the same number */
    }
    const EVP_MD_CTX *from = ready(jwk, alg);
    EVP_MD_CTX *context = from ? EVP_MD_CTX_new() : NULL;
    bool good =
        context && EVP_MD_CTX_copy_ex(context, from) > 0 &&
        EVP_DigestVerify(context, (const uint8_t *)signature.p, signature.n, (const uint8_t *)input.p, input.n) == 1;
    EVP_MD_CTX_free(context);
    if (!good)
        ERR_clear_error();
    return good;
}

bool kd_jwk_verify(kd_jwk *jwk, const kd_jose_alg *alg, kd_str input, kd_str signature, bool *unsupported)
{
    *unsupported = jwk->is_private;
    if (jwk->is_private || !fits(jwk, alg))
        return false;
    if (alg->family != KD_JOSE_HMAC)
        return jwk->pkey && signature.n && verify_public(jwk, alg, input, signature);
    uint8_t wanted[EVP_MAX_MD_SIZE];
    size_t n = mac(jwk, alg, input, wanted);
    return n && n == signature.n && CRYPTO_memcmp(wanted, signature.p, n) == 0;
}

/* ---- signing ---------------------------------------------------------------------------------------------------- */

const char *kd_jwk_sign_problem(const kd_jwk *jwk, const kd_jose_alg *alg)
{
    if (jwk->type != KD_JWK_OCT && !jwk->is_private)
        return "go-jose/go-jose: unsupported key type/format";
    if (!alg || !fits(jwk, alg))
        return "go-jose/go-jose: unknown/unsupported algorithm";
    return NULL;
}

static size_t sign_private(const kd_jwk *jwk, const kd_jose_alg *alg, kd_str input, uint8_t *to)
{
    EVP_PKEY_CTX *options;
    size_t n = KD_JWK_SIGNATURE_MAX;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool good = context && EVP_DigestSignInit_ex(context, &options, digest_name(alg), NULL, NULL, jwk->pkey, NULL) > 0;
    if (good && alg->family == KD_JOSE_PSS)
        good = EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING) > 0 &&
               EVP_PKEY_CTX_set_rsa_pss_saltlen(options, RSA_PSS_SALTLEN_DIGEST) > 0;
    good = good && EVP_DigestSign(context, to, &n, (const uint8_t *)input.p, input.n) == 1;
    EVP_MD_CTX_free(context);
    if (!good)
        ERR_clear_error();
    return good ? n : 0;
}

size_t kd_jwk_sign(const kd_jwk *jwk, const kd_jose_alg *alg, kd_str input, char *to)
{
    if (kd_jwk_sign_problem(jwk, alg))
        return 0;
    if (alg->family == KD_JOSE_HMAC)
        return mac(jwk, alg, input, (uint8_t *)to);
    if (!jwk->pkey)
        return 0;
    if (alg->family != KD_JOSE_ECDSA)
        return sign_private(jwk, alg, input, (uint8_t *)to);
    uint8_t der[KD_JWK_SIGNATURE_MAX];
    if (jwk->half != alg->half)
        return 0;
    size_t n = sign_private(jwk, alg, input, der);
    return n && from_der(to, alg->half, der, n) ? 2u * alg->half : 0;
}

kd_str kd_jwk_sign_error(kd_arena *arena, const kd_jwk *jwk, const kd_jose_alg *alg)
{
    const char *problem = kd_jwk_sign_problem(jwk, alg);
    if (problem)
        return kd_str_from_c(problem);
    if (alg->family == KD_JOSE_ECDSA && jwk->half != alg->half)
        return kd_arena_printf(arena, "go-jose/go-jose: expected %d bit key, got %d bits instead",
                               alg->half == 66 ? 521 : alg->half * 8, jwk->half == 66 ? 521 : jwk->half * 8);
    if (jwk->weak)
        return KD_STR("crypto/rsa: the key cannot be used: its modulus or exponent is out of range");
    return KD_STR("the key cannot sign");
}
