#include "lang/jose/key.h"

#include "lang/jose/base64.h"
#include "lang/jose/json.h"
#include "lang/jose/key_make.h"
#include "text/go/url.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <stdlib.h>

/* Members as they stand, before the key is made of them. */
typedef struct raw_key {
    kd_str kty, kid, crv, x5t, x5t_s256, x5u;
    kd_value x5c;
    kd_jwk_parts parts;
} raw_key;

typedef struct reader {
    kd_arena *arena;
    kd_str *error;
} reader;

static bool fail(reader *r, kd_str text)
{
    *r->error = text;
    return false;
}

static bool mismatch(reader *r, kd_value v, const char *wanted)
{
    return fail(r, kd_jose_json_mismatch(r->arena, v, wanted));
}

static bool read_text(reader *r, kd_value v, kd_str *out)
{
    if (v.type == KD_NULL)
        return true;
    if (v.type != KD_STRING)
        return mismatch(r, v, "string");
    *out = kd_value_text(v);
    return true;
}

static bool read_bytes(reader *r, kd_value v, kd_str *out)
{
    kd_str text = {NULL, 0};
    kd_jose_base64 info;
    if (!read_text(r, v, &text))
        return false;
    if (!text.p)
        return true;
    if (!text.n) {
        *out = KD_STR("");
        return true;
    }
    if (!kd_jose_base64url(r->arena, text, out, &info))
        return fail(r, kd_jose_base64_error(r->arena, &info));
    return out->p || fail(r, (kd_str){NULL, 0});
}

static bool read_member(reader *r, kd_str key, kd_value v, raw_key *out)
{
    const struct {
        kd_str key;
        kd_str *text, *bytes;
    } known[] = {{KD_STR("kty"), &out->kty, NULL},           {KD_STR("kid"), &out->kid, NULL},
                 {KD_STR("crv"), &out->crv, NULL},           {KD_STR("x5t"), &out->x5t, NULL},
                 {KD_STR("x5t#S256"), &out->x5t_s256, NULL}, {KD_STR("x5u"), &out->x5u, NULL},
                 {KD_STR("k"), NULL, &out->parts.k},         {KD_STR("x"), NULL, &out->parts.x},
                 {KD_STR("y"), NULL, &out->parts.y},         {KD_STR("n"), NULL, &out->parts.n},
                 {KD_STR("e"), NULL, &out->parts.e},         {KD_STR("d"), NULL, &out->parts.d},
                 {KD_STR("p"), NULL, &out->parts.p},         {KD_STR("q"), NULL, &out->parts.q}};
    static const kd_str unused_text[] = {KD_STR_INIT("use"), KD_STR_INIT("alg")};
    static const kd_str unused_bytes[] = {KD_STR_INIT("dp"), KD_STR_INIT("dq"), KD_STR_INIT("qi")};
    kd_str ignored;
    for (size_t i = 0; i < KD_COUNT(known); i++)
        if (kd_str_eq(known[i].key, key))
            return known[i].text ? read_text(r, v, known[i].text) : read_bytes(r, v, known[i].bytes);
    for (size_t i = 0; i < KD_COUNT(unused_text); i++)
        if (kd_str_eq(unused_text[i], key))
            return read_text(r, v, &ignored);
    for (size_t i = 0; i < KD_COUNT(unused_bytes); i++)
        if (kd_str_eq(unused_bytes[i], key))
            return read_bytes(r, v, &ignored);
    if (kd_str_eq(key, KD_STR("x5c")) && v.type != KD_NULL) {
        if (v.type != KD_LIST)
            return mismatch(r, v, "[]string");
        out->x5c = v;
    }
    return true;
}

static bool read_raw(reader *r, kd_value object, raw_key *out)
{
    *out = (raw_key){.kty = KD_STR(""), .kid = KD_STR(""), .crv = KD_STR(""), .x5u = KD_STR("")};
    if (object.type == KD_NULL)
        return true;
    if (object.type != KD_OBJECT)
        return mismatch(r, object, "jose.rawJSONWebKey");
    kd_value_iter iter = kd_value_each(object);
    kd_str key;
    kd_value v;
    for (uint32_t i = 0; kd_value_next(&iter, &key, &v); i++) {
        kd_value_iter before = kd_value_each(object);
        kd_str other;
        kd_value ignored;
        if (i == 256) /* no key has so many members: what is compared pair by pair is bounded */
            return fail(r, KD_STR("go-jose/go-jose: invalid JWK, too many members"));
        for (uint32_t k = 0; k < i && kd_value_next(&before, &other, &ignored); k++)
            if (kd_str_eq(key, other))
                return fail(r, kd_arena_printf(r->arena, "json: duplicate key '%.*s' in object", KD_FMT(key)));
        if (!read_member(r, key, v, out))
            return false;
    }
    return true;
}

/* ---- certificates (RFC 7517 sections 4.7 to 4.9) ---------------------------------------------------------------- */

static bool read_certificate(reader *r, kd_value v, bool leaf, X509 **out, uint8_t sha1[20], uint8_t sha256[32])
{
    kd_str text = KD_STR(""), der;
    kd_jose_base64 info;
    if (!read_text(r, v, &text))
        return false;
    if (!kd_jose_base64_padded(r->arena, text, &der, &info)) {
        kd_str why = kd_jose_base64_error(r->arena, &info);
        return fail(r, kd_arena_printf(r->arena, "go-jose/go-jose: failed to unmarshal x5c field: %.*s", KD_FMT(why)));
    }
    const uint8_t *at = (const uint8_t *)der.p;
    X509 *cert = der.n && der.n <= INT32_MAX ? d2i_X509(NULL, &at, (long)der.n) : NULL;
    if (!cert || at != (const uint8_t *)der.p + der.n) {
        const char *why = cert ? "trailing data" : "malformed certificate";
        X509_free(cert);
        return fail(r, kd_arena_printf(r->arena, "go-jose/go-jose: failed to unmarshal x5c field: x509: %s", why));
    }
    if (leaf) {
        SHA1((const uint8_t *)der.p, der.n, sha1);
        SHA256((const uint8_t *)der.p, der.n, sha256);
        *out = cert;
    } else {
        X509_free(cert);
    }
    return true;
}

static bool read_chain(reader *r, kd_value chain, X509 **leaf, uint8_t sha1[20], uint8_t sha256[32])
{
    kd_value_iter iter = kd_value_each(chain);
    kd_str none;
    kd_value v;
    for (uint32_t i = 0; kd_value_next(&iter, &none, &v); i++)
        if (!read_certificate(r, v, i == 0, leaf, sha1, sha256))
            return false;
    return true;
}

/* RFC 7517 section 4.6. Nobody fetches it, but it has to be a URL. */
static bool check_url(reader *r, kd_str text)
{
    kd_url url;
    kd_str why;
    return !text.n || kd_go_url_parse(r->arena, text, &url, &why) ||
           fail(r, kd_arena_printf(r->arena, "go-jose/go-jose: invalid JWK, x5u header is invalid URL: %.*s",
                                   KD_FMT(why)));
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* A thumbprint is base64url of the digest; some write the digest in hexadecimal first. */
static bool read_thumbprint(reader *r, kd_str text, const char *name, size_t size, const uint8_t *leaf, kd_str *out)
{
    kd_str bytes;
    kd_jose_base64 info;
    if (!kd_jose_base64url(r->arena, text, &bytes, &info))
        return fail(r, kd_arena_printf(r->arena, "go-jose/go-jose: invalid JWK, %s header has invalid encoding", name));
    if (bytes.n == 2 * size) {
        for (size_t i = 0; i < bytes.n; i++)
            if (hex_value(bytes.p[i]) < 0)
                return fail(r,
                            kd_arena_printf(r->arena, "go-jose/go-jose: invalid JWK, unable to hex decode %s", name));
        char *to = (char *)bytes.p;
        for (size_t i = 0; i < size; i++)
            to[i] = (char)(hex_value(bytes.p[2 * i]) << 4 | hex_value(bytes.p[2 * i + 1]));
        bytes.n = size;
    }
    if (bytes.n && bytes.n != size)
        return fail(r, kd_arena_printf(r->arena, "go-jose/go-jose: invalid JWK, %s header is of incorrect size", name));
    if (bytes.n && leaf && memcmp(bytes.p, leaf, size) != 0)
        return fail(
            r, kd_arena_printf(r->arena, "go-jose/go-jose: invalid JWK, x5c thumbprint does not match %s value", name));
    *out = bytes.n ? kd_jose_base64url_write(r->arena, bytes) : KD_STR("");
    return true;
}

/* ---- the whole -------------------------------------------------------------------------------------------------- */

static bool make(reader *r, kd_jwk *jwk, const raw_key *raw, bool has_certificate)
{
    if (kd_str_eq(raw->kty, KD_STR("RSA")))
        return kd_jwk_make_rsa(jwk, &raw->parts, r->error);
    if (kd_str_eq(raw->kty, KD_STR("EC"))) {
        if (kd_jwk_make_ec(jwk, &raw->parts, raw->crv, r->error))
            return true;
        if (kd_str_eq(*r->error, KD_STR("go-jose/go-jose: unsupported elliptic curve")))
            *r->error = kd_arena_printf(r->arena, "%.*s '%.*s'", KD_FMT(*r->error), KD_FMT(kd_str_head(raw->crv, 64)));
        return false;
    }
    if (kd_str_eq(raw->kty, KD_STR("oct"))) {
        if (has_certificate)
            return fail(r, KD_STR("go-jose/go-jose: invalid JWK, found 'oct' (symmetric) key with cert chain"));
        return kd_jwk_make_oct(jwk, &raw->parts, r->error);
    }
    if (kd_str_eq(raw->kty, KD_STR("OKP"))) {
        if (kd_str_eq(raw->crv, KD_STR("Ed25519")) && raw->parts.x.p)
            return kd_jwk_make_ed25519(jwk, &raw->parts, r->error);
        /* the quote at the end is go-jose's */
        return fail(
            r, kd_arena_printf(r->arena, "go-jose/go-jose: unknown curve %.*s'", KD_FMT(kd_str_head(raw->crv, 64))));
    }
    return fail(r, kd_arena_printf(r->arena, "go-jose/go-jose: unknown json web key type '%.*s'",
                                   KD_FMT(kd_str_head(raw->kty, 64))));
}

static bool finish(reader *r, kd_jwk *jwk, const raw_key *raw)
{
    uint8_t sha1[20], sha256[32];
    X509 *leaf = NULL;
    bool ok = read_chain(r, raw->x5c, &leaf, sha1, sha256) && make(r, jwk, raw, leaf != NULL);
    if (ok && leaf) {
        EVP_PKEY *theirs = X509_get0_pubkey(leaf);
        if (!theirs || !jwk->pkey || EVP_PKEY_eq(theirs, jwk->pkey) != 1)
            ok = fail(r, KD_STR("go-jose/go-jose: invalid JWK, public keys in key and x5c fields do not match"));
    }
    ok = ok && check_url(r, raw->x5u) && read_thumbprint(r, raw->x5t, "x5t", 20, leaf ? sha1 : NULL, &jwk->x5t) &&
         read_thumbprint(r, raw->x5t_s256, "x5t#S256", 32, leaf ? sha256 : NULL, &jwk->x5t_s256);
    X509_free(leaf);
    return ok;
}

/* What tells keys apart: everything that the signature depends on. */
static void set_print(kd_arena *arena, kd_jwk *jwk, const raw_key *raw)
{
    const kd_jwk_parts *p = &raw->parts;
    const kd_str all[] = {raw->kty, raw->crv, p->k, p->x, p->y, p->n, p->e, p->d, p->p, p->q};
    size_t n = 0;
    for (size_t i = 0; i < KD_COUNT(all); i++)
        n += all[i].n + sizeof(size_t);
    char *text = kd_arena_alloc(arena, n), *to = text;
    if (!text)
        return; /* all zero: equal to none */
    for (size_t i = 0; i < KD_COUNT(all); i++) {
        memcpy(to, &all[i].n, sizeof(size_t));
        to += sizeof(size_t);
        if (all[i].n)
            memcpy(to, all[i].p, all[i].n);
        to += all[i].n;
    }
    jwk->print = kd_hash_fingerprint(kd_str_of(text, n));
    OPENSSL_cleanse(text, n);
}

static void wipe(kd_str bytes)
{
    if (bytes.n)
        OPENSSL_cleanse((char *)bytes.p, bytes.n);
}

/* The names lie behind the key in one piece of memory. */
static kd_jwk *settle(const kd_jwk *from)
{
    size_t n = from->kid.n + from->x5t.n + from->x5t_s256.n;
    kd_jwk *jwk = malloc(sizeof *jwk + n + 1);
    if (!jwk)
        return NULL;
    *jwk = *from;
    atomic_init(&jwk->references, 1);
    char *to = (char *)(jwk + 1);
    kd_str *names[] = {&jwk->kid, &jwk->x5t, &jwk->x5t_s256};
    for (size_t i = 0; i < KD_COUNT(names); i++) {
        if (names[i]->n)
            memcpy(to, names[i]->p, names[i]->n);
        names[i]->p = to;
        to += names[i]->n;
    }
    return jwk;
}

static void release(kd_jwk *jwk)
{
    for (size_t i = 0; i < KD_COUNT(jwk->ready); i++)
        EVP_MD_CTX_free(atomic_load_explicit(&jwk->ready[i], memory_order_relaxed));
    EVP_PKEY_free(jwk->pkey);
    for (size_t i = 0; i < KD_COUNT(jwk->macs); i++)
        EVP_MAC_CTX_free(jwk->macs[i]);
}

kd_jwk *kd_jwk_create(kd_arena *arena, kd_value value, kd_str *error)
{
    reader r = {arena, error};
    raw_key raw;
    kd_jwk jwk = {.x5t = KD_STR(""), .x5t_s256 = KD_STR("")}, *settled = NULL;
    *error = (kd_str){NULL, 0};
    if (read_raw(&r, value, &raw) && finish(&r, &jwk, &raw)) {
        jwk.kid = raw.kid;
        set_print(arena, &jwk, &raw);
        settled = settle(&jwk);
    }
    if (!settled)
        release(&jwk);
    const kd_str secrets[] = {raw.parts.k, raw.parts.d, raw.parts.p, raw.parts.q};
    for (size_t i = 0; i < KD_COUNT(secrets); i++)
        wipe(secrets[i]);
    return settled;
}

void kd_jwk_unref(kd_jwk *jwk)
{
    if (!jwk || atomic_fetch_sub_explicit(&jwk->references, 1, memory_order_acq_rel) != 1)
        return;
    release(jwk);
    free(jwk);
}

bool kd_jwk_check_embedded(kd_arena *arena, kd_value value, kd_str *error)
{
    kd_jwk *jwk = kd_jwk_create(arena, value, error);
    bool public = jwk && !jwk->is_private && jwk->type != KD_JWK_OCT;
    if (jwk && !public)
        *error = KD_JWK_NOT_PUBLIC;
    kd_jwk_unref(jwk);
    return public;
}

bool kd_jwk_check_chain(kd_arena *arena, kd_value chain, kd_str *error)
{
    reader r = {arena, error};
    uint8_t sha1[20], sha256[32];
    X509 *leaf = NULL;
    if (chain.type != KD_LIST)
        return mismatch(&r, chain, "[]string");
    bool good = read_chain(&r, chain, &leaf, sha1, sha256);
    const kd_str of_key = KD_STR("go-jose/go-jose: failed to unmarshal x5c field: ");
    if (!good && error->p && kd_str_starts(*error, of_key)) /* go-jose's text about a head is without it */
        *error = kd_str_from(*error, of_key.n);
    X509_free(leaf);
    return good;
}
