#include "lang/jose/key_make.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <pthread.h>

/* ---- RSA -------------------------------------------------------------------------------------------------------- */

static BIGNUM *number(kd_str bytes)
{
    return bytes.n <= INT32_MAX ? BN_bin2bn((const uint8_t *)bytes.p, (int)bytes.n, NULL) : NULL;
}

/* Go keeps the exponent in 64 bits. */
static BIGNUM *exponent(kd_str bytes)
{
    return number(bytes.n > 8 ? kd_str_from(bytes, bytes.n - 8) : bytes);
}

/* A modulus below Go's bound, one that is even, or an exponent that is even or out of 3 .. 2^31-1. */
static bool is_weak(const BIGNUM *n, const BIGNUM *e)
{
    int bits = BN_num_bits(n);
    return bits < KD_JWK_RSA_MIN_BITS || bits > KD_JWK_RSA_MAX_BITS || !BN_is_odd(n) || !BN_is_odd(e) ||
           BN_num_bits(e) > 31 || BN_is_one(e);
}

static EVP_PKEY *from_params(const char *type, int selection, OSSL_PARAM_BLD *build)
{
    EVP_PKEY *pkey = NULL;
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
    EVP_PKEY_CTX *context = params ? EVP_PKEY_CTX_new_from_name(NULL, type, NULL) : NULL;
    if (!context || EVP_PKEY_fromdata_init(context) <= 0 || EVP_PKEY_fromdata(context, &pkey, selection, params) <= 0)
        pkey = NULL;
    EVP_PKEY_CTX_free(context);
    OSSL_PARAM_free(params);
    return pkey;
}

static EVP_PKEY *rsa_public(const BIGNUM *n, const BIGNUM *e)
{
    EVP_PKEY *pkey = NULL;
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    if (build && OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) &&
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e))
        pkey = from_params("RSA", EVP_PKEY_PUBLIC_KEY, build);
    OSSL_PARAM_BLD_free(build);
    return pkey;
}

/* The private numbers, of which only n, e, d, p and q are taken from the key: the others follow from them. */
typedef struct rsa_secret {
    BIGNUM *d, *p, *q, *dp, *dq, *qi, *p1, *q1, *t;
    BN_CTX *context;
} rsa_secret;

static void rsa_secret_fini(rsa_secret *s)
{
    BIGNUM *all[] = {s->d, s->p, s->q, s->dp, s->dq, s->qi, s->p1, s->q1, s->t};
    for (size_t i = 0; i < KD_COUNT(all); i++)
        BN_clear_free(all[i]);
    BN_CTX_free(s->context);
}

/* de = 1 modulo p-1 and q-1, and n = pq, as Go's Validate demands. */
static const char *rsa_check(rsa_secret *s, const BIGNUM *n, const BIGNUM *e)
{
    if (BN_num_bits(s->p) < 2 || BN_num_bits(s->q) < 2)
        return "crypto/rsa: invalid prime value";
    if (!BN_mul(s->t, s->p, s->q, s->context))
        return NULL;
    if (BN_cmp(s->t, n) != 0)
        return "crypto/rsa: invalid modulus";
    const BIGNUM *less[] = {s->p1, s->q1};
    for (size_t i = 0; i < 2; i++)
        if (!BN_mod_mul(s->t, s->d, e, less[i], s->context) || !BN_is_one(s->t))
            return "crypto/rsa: invalid exponents";
    return "";
}

static bool rsa_secret_init(rsa_secret *s, const kd_jwk_parts *parts)
{
    *s = (rsa_secret){.d = number(parts->d), .p = number(parts->p), .q = number(parts->q)};
    s->dp = BN_new(), s->dq = BN_new(), s->qi = BN_new(), s->p1 = BN_new(), s->q1 = BN_new(), s->t = BN_new();
    s->context = BN_CTX_new();
    return s->d && s->p && s->q && s->dp && s->dq && s->qi && s->p1 && s->q1 && s->t && s->context &&
           BN_copy(s->p1, s->p) && BN_copy(s->q1, s->q) && BN_sub_word(s->p1, 1) && BN_sub_word(s->q1, 1);
}

static EVP_PKEY *rsa_private(rsa_secret *s, const BIGNUM *n, const BIGNUM *e)
{
    EVP_PKEY *pkey = NULL;
    if (!BN_mod(s->dp, s->d, s->p1, s->context) || !BN_mod(s->dq, s->d, s->q1, s->context) ||
        !BN_mod_inverse(s->qi, s->q, s->p, s->context))
        return NULL;
    const struct {
        const char *name;
        const BIGNUM *value;
    } all[] = {{OSSL_PKEY_PARAM_RSA_N, n},
               {OSSL_PKEY_PARAM_RSA_E, e},
               {OSSL_PKEY_PARAM_RSA_D, s->d},
               {OSSL_PKEY_PARAM_RSA_FACTOR1, s->p},
               {OSSL_PKEY_PARAM_RSA_FACTOR2, s->q},
               {OSSL_PKEY_PARAM_RSA_EXPONENT1, s->dp},
               {OSSL_PKEY_PARAM_RSA_EXPONENT2, s->dq},
               {OSSL_PKEY_PARAM_RSA_COEFFICIENT1, s->qi}};
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    bool ok = build != NULL;
    for (size_t i = 0; ok && i < KD_COUNT(all); i++)
        ok = OSSL_PARAM_BLD_push_BN(build, all[i].name, all[i].value);
    if (ok)
        pkey = from_params("RSA", EVP_PKEY_KEYPAIR, build);
    OSSL_PARAM_BLD_free(build);
    return pkey;
}

static bool make_rsa_private(kd_jwk *jwk, const kd_jwk_parts *parts, const BIGNUM *n, const BIGNUM *e, kd_str *error)
{
    rsa_secret s;
    const char *why = NULL;
    if (rsa_secret_init(&s, parts))
        why = rsa_check(&s, n, e);
    if (why && !*why && !jwk->weak)
        jwk->pkey = rsa_private(&s, n, e);
    rsa_secret_fini(&s);
    *error = why ? kd_str_from_c(why) : (kd_str){NULL, 0};
    return why && !*why;
}

static bool missing_rsa(const kd_jwk_parts *parts, kd_str *error)
{
    /* go-jose names only the first one */
    if (!parts->n.p)
        *error = KD_STR("go-jose/go-jose: invalid RSA private key, missing N value(s)");
    else if (!parts->e.p)
        *error = KD_STR("go-jose/go-jose: invalid RSA private key, missing E value(s)");
    else if (!parts->p.p)
        *error = KD_STR("go-jose/go-jose: invalid RSA private key, missing P value(s)");
    else if (!parts->q.p)
        *error = KD_STR("go-jose/go-jose: invalid RSA private key, missing Q value(s)");
    else
        return false;
    return true;
}

bool kd_jwk_make_rsa(kd_jwk *jwk, const kd_jwk_parts *parts, kd_str *error)
{
    jwk->type = KD_JWK_RSA;
    jwk->is_private = parts->d.p != NULL;
    if (jwk->is_private && missing_rsa(parts, error))
        return false;
    if (!parts->n.p || !parts->e.p) {
        *error = KD_STR("go-jose/go-jose: invalid RSA key, missing n/e values");
        return false;
    }
    BIGNUM *n = number(parts->n), *e = exponent(parts->e);
    bool ok = n && e;
    *error = (kd_str){NULL, 0};
    if (ok) {
        jwk->weak = is_weak(n, e);
        if (jwk->is_private)
            ok = make_rsa_private(jwk, parts, n, e, error);
        else if (!jwk->weak)
            jwk->pkey = rsa_public(n, e);
    }
    BN_free(n);
    BN_free(e);
    return ok;
}

/* ---- elliptic curves -------------------------------------------------------------------------------------------- */

typedef struct curve {
    kd_str name;
    const char *group;
    uint16_t half;
} curve;

static const curve curves[] = {
    {KD_STR_INIT("P-256"), "P-256", 32}, {KD_STR_INIT("P-384"), "P-384", 48}, {KD_STR_INIT("P-521"), "P-521", 66}};

static const char *ec_problem(const kd_jwk_parts *parts, const curve *c)
{
    bool secret = parts->d.p != NULL;
    if (!parts->x.p || !parts->y.p)
        return secret ? "go-jose/go-jose: invalid EC private key, missing x/y/d values"
                      : "go-jose/go-jose: invalid EC key, missing x/y values";
    if (parts->x.n != c->half)
        return secret ? "go-jose/go-jose: invalid EC private key, wrong length for x"
                      : "go-jose/go-jose: invalid EC public key, wrong length for x";
    if (parts->y.n != c->half)
        return secret ? "go-jose/go-jose: invalid EC private key, wrong length for y"
                      : "go-jose/go-jose: invalid EC public key, wrong length for y";
    if (secret && parts->d.n != c->half)
        return "go-jose/go-jose: invalid EC private key, wrong length for d";
    return NULL;
}

/* Points off the curve, and coordinates beyond the field, are refused by OpenSSL. */
static EVP_PKEY *ec_key(const curve *c, const kd_jwk_parts *parts)
{
    uint8_t point[1 + 2 * 66];
    EVP_PKEY *pkey = NULL;
    point[0] = 4; /* not compressed */
    memcpy(point + 1, parts->x.p, c->half);
    memcpy(point + 1 + c->half, parts->y.p, c->half);
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    BIGNUM *d = parts->d.p ? number(parts->d) : NULL;
    bool ok = build && OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, c->group, 0) &&
              OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point, 1 + 2 * (size_t)c->half);
    if (ok && parts->d.p)
        ok = d && OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_PRIV_KEY, d);
    if (ok)
        pkey = from_params("EC", parts->d.p ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY, build);
    BN_clear_free(d);
    OSSL_PARAM_BLD_free(build);
    return pkey;
}

bool kd_jwk_make_ec(kd_jwk *jwk, const kd_jwk_parts *parts, kd_str name, kd_str *error)
{
    const curve *c = NULL;
    jwk->type = KD_JWK_EC;
    jwk->is_private = parts->d.p != NULL;
    for (size_t i = 0; i < KD_COUNT(curves) && !c; i++)
        if (kd_str_eq(curves[i].name, name))
            c = &curves[i];
    if (!c) {
        *error = KD_STR("go-jose/go-jose: unsupported elliptic curve"); /* the caller adds the name */
        return false;
    }
    const char *problem = ec_problem(parts, c);
    jwk->half = c->half;
    if (!problem && !(jwk->pkey = ec_key(c, parts)))
        problem = "go-jose/go-jose: invalid EC key, X/Y are not on declared curve";
    *error = kd_str_from_c(problem);
    return !problem;
}

/* ---- Ed25519, HMAC ---------------------------------------------------------------------------------------------- */

/* Go copies what there is into a key of 32 bytes: longer ones are cut, shorter ones end in zeros. */
bool kd_jwk_make_ed25519(kd_jwk *jwk, const kd_jwk_parts *parts, kd_str *error)
{
    uint8_t bytes[32] = {0};
    kd_str from = parts->d.p ? parts->d : parts->x;
    jwk->type = KD_JWK_ED25519;
    jwk->is_private = parts->d.p != NULL;
    *error = (kd_str){NULL, 0};
    if (from.n)
        memcpy(bytes, from.p, from.n < sizeof bytes ? from.n : sizeof bytes);
    jwk->weak = parts->x.n < sizeof bytes; /* Go looks at the first 32 bytes */
    if (jwk->weak && !jwk->is_private)
        return true; /* Go fills it up with zeros; what that gives verifies nothing but forgeries */
    jwk->pkey = jwk->is_private ? EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, bytes, sizeof bytes)
                                : EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, bytes, sizeof bytes);
    OPENSSL_cleanse(bytes, sizeof bytes);
    return true;
}

static EVP_MAC *hmac; /* fetched once */

static void fetch_hmac(void)
{
    hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
}

bool kd_jwk_make_oct(kd_jwk *jwk, const kd_jwk_parts *parts, kd_str *error)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    static const char *const digests[] = {"SHA256", "SHA384", "SHA512"};
    jwk->type = KD_JWK_OCT;
    if (!parts->k.p) {
        *error = KD_STR("go-jose/go-jose: invalid OCT (symmetric) key, missing k value");
        return false;
    }
    pthread_once(&once, fetch_hmac);
    *error = (kd_str){NULL, 0};
    for (size_t i = 0; i < KD_COUNT(digests); i++) {
        OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)digests[i], 0),
                               OSSL_PARAM_construct_end()};
        jwk->macs[i] = hmac ? EVP_MAC_CTX_new(hmac) : NULL;
        if (!jwk->macs[i] || !EVP_MAC_init(jwk->macs[i], (const uint8_t *)parts->k.p, parts->k.n, params))
            return false;
    }
    return true;
}
