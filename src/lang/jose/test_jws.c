#include "base/buf.h"
#include "lang/jose/base64.h"
#include "lang/jose/envelope.h"
#include "lang/jose/json.h"
#include "lang/jose/jws.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static kd_arena arena;

static int setup(void **state)
{
    kd_arena_init(&arena, NULL, 0);
    return 0;
}

static int teardown(void **state)
{
    kd_arena_reset(&arena);
    return 0;
}

static kd_str text(const char *c)
{
    return kd_str_from_c(c);
}

/* head.payload. of texts; signed with HS256 and "secret" where `sign`. */
static kd_str token(const char *head, const char *payload, bool sign)
{
    kd_str h = kd_jose_base64url_write(&arena, text(head)), p = kd_jose_base64url_write(&arena, text(payload));
    kd_str input = kd_arena_printf(&arena, "%.*s.%.*s", KD_FMT(h), KD_FMT(p)), error;
    if (!sign)
        return kd_arena_printf(&arena, "%.*s.", KD_FMT(input));
    kd_jose_json json;
    char signature[KD_JWK_SIGNATURE_MAX];
    assert_true(kd_jose_json_read(&arena, KD_STR("{\"kty\":\"oct\",\"k\":\"c2VjcmV0\"}"), &json, &error));
    kd_jwk *jwk = kd_jwk_create(&arena, json.value, &error);
    size_t n = kd_jwk_sign(jwk, kd_jose_alg_find(KD_STR("HS256")), input, signature);
    kd_jwk_unref(jwk);
    kd_str s = kd_jose_base64url_write(&arena, kd_str_of(signature, n));
    return kd_arena_printf(&arena, "%.*s.%.*s", KD_FMT(input), KD_FMT(s));
}

static kd_jwk *key(const char *json_text, kd_str *error)
{
    kd_jose_json json;
    assert_true(kd_jose_json_read(&arena, text(json_text), &json, error));
    return kd_jwk_create(&arena, json.value, error);
}

#define CRYPTO "go-jose/go-jose: error in cryptographic primitive"

/* What an attacker could try with the head: signed with the right secret, so that nothing else refuses it. */
static void test_heads(void **state)
{
    static const struct {
        const char *head, *error; /* NULL: accepted */
    } cases[] = {
        {"{\"alg\":\"HS256\"}", NULL},
        {"{\"alg\":\"HS256\",\"crit\":[]}", NULL},
        {"{\"alg\":\"HS256\",\"crit\":null}", NULL},
        {"{\"alg\":\"HS256\",\"crit\":[\"b64\"],\"b64\":true}", NULL},
        {"{\"alg\":\"HS256\",\"x\":{\"y\":[1,2]},\"kid\":null}", NULL},
        {"{\"alg\":\"HS256\",\"b64\":false,\"crit\":[\"b64\"]}", CRYPTO},
        {"{\"alg\":\"HS256\",\"crit\":[\"exp\"]}", CRYPTO},
        {"{\"alg\":\"HS256\",\"crit\":[\"\"]}", CRYPTO},
        {"{\"alg\":\"HS256\",\"crit\":[null]}", CRYPTO},
        {"{\"alg\":\"HS256\",\"crit\":\"b64\"}", "json: cannot unmarshal string into Go value of type []string"},
        {"{\"alg\":\"none\"}", "alg"},
        {"{\"alg\":\"None\"}", "alg"},
        {"{\"alg\":\"NONE\"}", "alg"},
        {"{\"alg\":\"\"}", "alg"},
        {"{\"alg\":null}", "alg"},
        {"{}", "alg"},
        {"null", "alg"},
        {"{\"ALG\":\"HS256\"}", "alg"},
        {"{\"alg\":[\"HS256\"]}",
         "failed to unmarshal algorithm: json: cannot unmarshal array into Go value of type string"},
        {"{\"alg\":\"HS256\",\"alg\":\"none\"}", "json: duplicate key 'alg' in object"},
        {"{\"alg\":\"HS256\",\"kid\":1}",
         "failed to unmarshal key ID: json: cannot unmarshal number into Go value of type string"},
        {"{\"alg\":\"HS256\",\"nonce\":1}",
         "failed to unmarshal nonce: json: cannot unmarshal number into Go value of type string"},
        {"{\"alg\":\"HS256\",\"x\":{\"a\":1,\"a\":2}}", "failed to unmarshal value: json: duplicate key 'a' in object"},
        {"{\"alg\":\"HS256\",\"x\":1e999}",
         "failed to unmarshal value: json: cannot unmarshal number 1e999 into Go value of type float64"},
        {"{\"alg\":\"HS256\",\"jwk\":{\"kty\":\"oct\",\"k\":\"c2VjcmV0\"}}",
         "go-jose/go-jose: invalid embedded jwk, must be public key"},
        {"{\"alg\":\"HS256\",\"jwk\":{\"kty\":\"x\"}}",
         "failed to unmarshal JWK: go-jose/go-jose: unknown json web key type 'x'"},
        {"{\"alg\":\"HS256\",\"x5c\":[\"*\"]}", "failed to unmarshal x5c header: illegal base64 data at input byte 0"},
        {"[\"HS256\"]", "json: cannot unmarshal array into Go value of type jose.rawHeader"},
        {"{\"alg\":\"HS256\"} x", "invalid character 'x' after top-level value"},
        {"{\"alg\":", "unexpected end of JSON input"},
    };
    kd_str error;
    kd_jwk *jwk = key("{\"kty\":\"oct\",\"k\":\"c2VjcmV0\"}", &error);
    const kd_jose_alg *alg = kd_jose_alg_find(KD_STR("HS256"));
    for (size_t i = 0; i < KD_COUNT(cases); i++) {
        kd_jws jws;
        bool good = kd_jws_parse(&arena, token(cases[i].head, "{}", true), &jws, &error);
        if (good && !kd_str_eq(jws.alg, alg->name)) {
            good = false;
            error = KD_STR("alg");
        }
        good = good && kd_jws_verify(&jws, jwk, alg, &error);
        if (good ? cases[i].error != NULL : !cases[i].error || !kd_str_eq(error, text(cases[i].error)))
            fail_msg("%s: %s%.*s", cases[i].head, good ? "accepted" : "", good ? 0 : (int)error.n, error.p);
    }
    kd_jwk_unref(jwk);
}

/* The same token in other dresses: $H, $P and $S are its head, payload and signature. */
static const struct {
    const char *label, *form;
    bool accepted;
} forms[] = {
    {"as it is", "$H.$P.$S", true},
    {"blanks inside", " $H\t.$P.\n$S\xc2\xa0\xe3\x80\x80", true},
    {"padding", "$H==.$P=.$S====", true},
    {"flattened", "{\"payload\":\"$P\",\"protected\":\"$H\",\"signature\":\"$S\"}", true},
    {"general", "{\"payload\":\"$P\",\"signatures\":[{\"protected\":\"$H\",\"signature\":\"$S\"}]}", true},
    {"two signatures",
     "{\"payload\":\"$P\",\"signatures\":[{\"protected\":\"$H\",\"signature\":\"$S\"},{\"protected\":\"$H\","
     "\"signature\":\"$S\"}]}",
     false},
    {"a nonce that is not signed",
     "{\"payload\":\"$P\",\"protected\":\"$H\",\"signature\":\"$S\",\"header\":{\"nonce\":\"n\"}}", false},
    {"crit that is not signed",
     "{\"payload\":\"$P\",\"protected\":\"$H\",\"signature\":\"$S\",\"header\":{\"crit\":[\"x\"]}}", false},
    {"no protected head", "{\"payload\":\"$P\",\"signature\":\"$S\",\"header\":{\"alg\":\"HS256\"}}", false},
    {"no payload", "{\"protected\":\"$H\",\"signature\":\"$S\"}", false},
    {"payload twice", "{\"payload\":\"$P\",\"payload\":\"$P\",\"protected\":\"$H\",\"signature\":\"$S\"}", false},
    {"two parts", "$H.$P", false},
    {"four parts", "$H.$P.$S.x", false},
    {"five parts, as of encrypted tokens", "$H.$P.$S.x.y", false},
    {"a token in a token", "$H.$H.$S", false},
    {"nothing", "", false},
    {"dots", "..", false},
    {"a byte of another alphabet", "$H.+$P.$S", false},
};

static kd_str dressed(const char *form, const kd_str part[3])
{
    kd_buf text;
    kd_buf_init(&text, 4096);
    for (; *form; form++) {
        if (*form == '$') {
            form++;
            kd_buf_add(&text, part[*form == 'H' ? 0 : *form == 'P' ? 1 : 2]);
        } else {
            kd_buf_byte(&text, *form);
        }
    }
    kd_str copy = kd_arena_copy(&arena, kd_buf_str(&text));
    kd_buf_fini(&text);
    return copy;
}

/* Is the token a good one of this key? Its content must be the one that test_forms gave it. */
static bool accepts(const char *label, kd_str text, kd_jwk *jwk)
{
    const kd_jose_alg *alg = kd_jose_alg_find(KD_STR("HS256"));
    kd_jws jws;
    kd_str error;
    if (!kd_jws_parse(&arena, text, &jws, &error) || !kd_str_eq(jws.alg, alg->name) ||
        !kd_jws_verify(&jws, jwk, alg, &error))
        return false;
    if (!kd_str_eq(jws.payload, KD_STR("{\"a\":1}")) || !kd_str_eq(jws.kid, KD_STR("k")))
        fail_msg("%s: another content", label);
    return true;
}

static void test_forms(void **state)
{
    kd_str part[3], rest = token("{\"alg\":\"HS256\",\"kid\":\"k\"}", "{\"a\":1}", true), error;
    for (int i = 0; i < 3; i++)
        assert_true(kd_str_split(&rest, '.', &part[i]));
    kd_jwk *jwk = key("{\"kty\":\"oct\",\"k\":\"c2VjcmV0\"}", &error);
    for (size_t i = 0; i < KD_COUNT(forms); i++)
        if (accepts(forms[i].label, dressed(forms[i].form, part), jwk) != forms[i].accepted)
            fail_msg("%s: %s", forms[i].label, forms[i].accepted ? "refused" : "accepted");
    assert_false(accepts("no signature", token("{\"alg\":\"HS256\"}", "{\"a\":1}", false), jwk));
    kd_jwk_unref(jwk);
}

/* A signature over a text that is not the canonical one of its bytes does not count. */
static void test_canonical(void **state)
{
    kd_str error;
    kd_jws jws;
    assert_true(kd_jws_parse(&arena, KD_STR("eyJhbGciOiJIUzI1NiJ9=.e30=.AAAA"), &jws, &error));
    assert_true(kd_str_eq(jws.input, KD_STR("eyJhbGciOiJIUzI1NiJ9.e30")));
    assert_true(kd_jws_parse(&arena, KD_STR("eyJhbGciOiJIUzI1NiJ9.e31.AAAA"), &jws, &error)); /* spare bits */
    assert_true(kd_str_eq(jws.input, KD_STR("eyJhbGciOiJIUzI1NiJ9.e30")));
}

#define EC_X "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"
#define EC_Y "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"

static void test_keys(void **state)
{
    static const struct {
        const char *json, *error; /* NULL: it is a key */
    } cases[] = {
        {"{\"kty\":\"oct\",\"k\":\"c2VjcmV0\"}", NULL},
        {"{\"kty\":\"oct\",\"k\":\"c2VjcmV0==\",\"use\":\"enc\",\"key_ops\":[\"sign\"],\"alg\":\"RS256\"}", NULL},
        {"{\"kty\":\"oct\",\"k\":\"\"}", NULL},
        {"{\"kty\":\"oct\",\"k\":\"AA\",\"kid\":null}", NULL},
        {"{\"kty\":\"oct\",\"k\":\"AA\",\"extra\":{\"a\":1}}", NULL},
        {"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" EC_X "\",\"y\":\"" EC_Y "\"}", NULL},
        {"{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}", NULL},
        {"{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AA\"}", NULL},
        {"{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\"}", NULL},
        {"{\"kty\":\"RSA\",\"n\":\"\",\"e\":\"AA\"}", NULL},
        {"{\"kty\":\"oct\",\"k\":\"AA\",\"x5t\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAA\"}", NULL},
        {"{\"kty\":\"oct\"}", "go-jose/go-jose: invalid OCT (symmetric) key, missing k value"},
        {"{\"kty\":\"oct\",\"k\":\"++++\"}", "illegal base64 data at input byte 0"},
        {"{\"kty\":\"oct\",\"k\":5}", "json: cannot unmarshal number into Go value of type string"},
        {"{\"kty\":\"oct\",\"k\":\"AA\",\"kid\":7}", "json: cannot unmarshal number into Go value of type string"},
        {"{\"kty\":\"oct\",\"k\":\"AA\",\"x5t\":\"AAAA\"}",
         "go-jose/go-jose: invalid JWK, x5t header is of incorrect size"},
        {"{\"kty\":\"oct\",\"k\":\"AA\",\"x5c\":[\"AAAA\"]}",
         "go-jose/go-jose: failed to unmarshal x5c field: x509: malformed certificate"},
        {"{\"kty\":\"oct\",\"k\":\"AA\",\"x5u\":\"https://a.test/c\"}", NULL},
        {"{\"kty\":\"oct\",\"k\":\"AA\",\"x5u\":\"%zz\"}",
         "go-jose/go-jose: invalid JWK, x5u header is invalid URL: parse \"%zz\": invalid URL escape \"%zz\""},
        {"{\"k\":\"AA\"}", "go-jose/go-jose: unknown json web key type ''"},
        {"{\"kty\":\"OCT\",\"k\":\"AA\"}", "go-jose/go-jose: unknown json web key type 'OCT'"},
        {"{\"KTY\":\"oct\",\"k\":\"AA\"}", "go-jose/go-jose: unknown json web key type ''"},
        {"null", "go-jose/go-jose: unknown json web key type ''"},
        {"5", "json: cannot unmarshal number into Go value of type jose.rawJSONWebKey"},
        {"{\"kty\":\"OKP\",\"crv\":\"X25519\",\"x\":\"AA\"}", "go-jose/go-jose: unknown curve X25519'"},
        {"{\"kty\":\"EC\",\"crv\":\"secp256k1\",\"x\":\"AA\",\"y\":\"AA\"}",
         "go-jose/go-jose: unsupported elliptic curve 'secp256k1'"},
        {"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" EC_X "\"}",
         "go-jose/go-jose: invalid EC key, missing x/y values"},
        {"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AA\",\"y\":\"" EC_Y "\"}",
         "go-jose/go-jose: invalid EC public key, wrong length for x"},
        {"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" EC_Y "\",\"y\":\"" EC_X "\"}",
         "go-jose/go-jose: invalid EC key, X/Y are not on declared curve"},
        {"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"__________________________________________8\",\"y\":\"" EC_X "\"}",
         "go-jose/go-jose: invalid EC key, X/Y are not on declared curve"},
        {"{\"kty\":\"RSA\",\"e\":\"AQAB\"}", "go-jose/go-jose: invalid RSA key, missing n/e values"},
        {"{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\",\"d\":\"AQ\"}",
         "go-jose/go-jose: invalid RSA private key, missing P value(s)"},
        {"{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\",\"d\":\"AQ\",\"p\":\"Aw\",\"q\":\"BQ\"}",
         "crypto/rsa: invalid modulus"},
    };
    for (size_t i = 0; i < KD_COUNT(cases); i++) {
        kd_str error;
        kd_jwk *jwk = key(cases[i].json, &error);
        if (jwk ? cases[i].error != NULL : !cases[i].error || !kd_str_eq(error, text(cases[i].error)))
            fail_msg("%s: %s%.*s", cases[i].json, jwk ? "accepted" : "", jwk ? 0 : (int)error.n, error.p);
        kd_jwk_unref(jwk);
    }
    kd_str error;
    char document[] = "{\"kty\":\"oct\",\"k\":\"AA\",\"k\":\"AQ\"}";
    kd_jose_json json;
    assert_false(kd_jose_json_read(&arena, text(document), &json, &error));
    assert_true(kd_str_eq(error, KD_STR("json: duplicate key 'k' in object")));
}

/* Keys that load but are not used: an RSA modulus too small or too large, an exponent that is even or one. */
static void test_weak_keys(void **state)
{
    static const struct {
        unsigned bytes;
        char last;
        const char *e;
    } cases[] = {{127, 1, "AQAB"}, {256, 2, "AQAB"},    {256, 1, "AA"},   {256, 1, "AQ"},
                 {256, 1, "Ag"},   {256, 1, "AQAAAAE"}, {2049, 1, "AQAB"}};
    for (size_t i = 0; i < KD_COUNT(cases); i++) {
        char *n = malloc(cases[i].bytes);
        memset(n, 0xc5, cases[i].bytes);
        n[cases[i].bytes - 1] = (char)(0xc0 | cases[i].last);
        kd_str encoded = kd_jose_base64url_write(&arena, kd_str_of(n, cases[i].bytes)), error;
        kd_str json =
            kd_arena_printf(&arena, "{\"kty\":\"RSA\",\"n\":\"%.*s\",\"e\":\"%s\"}", KD_FMT(encoded), cases[i].e);
        kd_jwk *jwk = key(json.p, &error);
        assert_non_null(jwk);
        assert_true(jwk->weak);
        bool unsupported;
        assert_false(kd_jwk_verify(jwk, kd_jose_alg_find(KD_STR("RS256")), KD_STR("x"), kd_str_of(n, cases[i].bytes),
                                   &unsupported));
        kd_jwk_unref(jwk);
        free(n);
    }
}

/* Of what stands in x the first 32 bytes count; too few verify nothing. */
static void test_ed25519_length(void **state)
{
    static const struct {
        const char *json;
        bool weak;
    } cases[] = {
        {"{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}", false},
        {"{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURoA\"}", false},
        {"{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHUQ\"}", true},
    };
    for (size_t i = 0; i < KD_COUNT(cases); i++) {
        kd_str error;
        kd_jwk *jwk = key(cases[i].json, &error);
        assert_non_null(jwk);
        assert_int_equal(jwk->weak, cases[i].weak);
        kd_jwk_unref(jwk);
    }
}

/* r or s that are zero, too large or of another length. */
static void test_ecdsa_signatures(void **state)
{
    kd_str error;
    kd_jwk *jwk = key("{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" EC_X "\",\"y\":\"" EC_Y "\"}", &error);
    char bytes[132];
    bool unsupported;
    for (int fill = 0; fill < 256; fill += 255)
        for (size_t n = 0; n <= sizeof bytes; n++) {
            memset(bytes, fill, sizeof bytes);
            for (size_t i = 0; kd_jose_alg_at(i); i++)
                assert_false(kd_jwk_verify(jwk, kd_jose_alg_at(i), KD_STR("x"), kd_str_of(bytes, n), &unsupported));
        }
    kd_jwk_unref(jwk);
}

static void test_ids(void **state)
{
    kd_str error;
    kd_jws jws;
    assert_true(kd_jws_parse(
        &arena, token("{\"alg\":\"HS256\",\"kid\":\"../../k\",\"x5t\":\"abc\",\"x5t#S256\":5}", "{}", false), &jws,
        &error));
    assert_true(kd_str_eq(kd_jws_key_id(&arena, &jws, KD_JOSE_BY_KID), KD_STR("../../k")));
    assert_true(kd_str_eq(kd_jws_key_id(&arena, &jws, KD_JOSE_BY_X5T), KD_STR("abc")));
    assert_true(kd_str_eq(kd_jws_key_id(&arena, &jws, KD_JOSE_BY_X5T_S256), KD_STR("../../k")));
    assert_true(kd_str_eq(kd_jws_key_id(&arena, &jws, KD_JOSE_BY_KID_X5T), KD_STR("../../kabc")));
    assert_int_equal(kd_jose_strategy_find(KD_STR("x5t#S256")), KD_JOSE_BY_X5T_S256);
    assert_int_equal(kd_jose_strategy_find(KD_STR("X5T")), KD_JOSE_BY_KID);
}

static void test_sets(void **state)
{
    static const struct {
        const char *document;
        bool whole;
        unsigned keys;
        const char *error; /* of the set, or of its first broken key */
    } cases[] = {
        {"{\"keys\":[{\"kty\":\"oct\",\"k\":\"AA\"}]}", true, 1, ""},
        {"{\"Keys\":[{\"kty\":\"oct\",\"k\":\"AA\"}]} trailing", false, 1, ""},
        {"{\"keys\":[],\"KEYS\":[{\"kty\":\"oct\",\"k\":\"AA\"}]}", false, 1, ""},
        {"{\"keys\":[{\"kty\":\"oct\",\"k\":\"AA\"},{\"kty\":\"x\"}]}", false, 1,
         "go-jose/go-jose: unknown json web key type 'x'"},
        {"{\"keys\":null}", false, 0, ""},
        {"{}", false, 0, ""},
        {"{\"keys\":{}}", false, 0,
         "json: cannot unmarshal object into Go struct field JWKS.keys of type []jose.JSONWebKey"},
        {"[]", true, 0, "json: cannot unmarshal array into Go value of type jose.JSONWebKeySet"},
        {"<html>", false, 0, "invalid character '<' looking for beginning of value"},
        {"{\"keys\":[]} x", true, 0, "invalid character 'x' after top-level value"},
        {"", false, 0, "EOF"},
        {"", true, 0, "unexpected end of JSON input"},
    };
    for (size_t i = 0; i < KD_COUNT(cases); i++) {
        kd_jwk_list list;
        kd_str error;
        if (kd_jwk_list_read(&arena, text(cases[i].document), cases[i].whole, &list, &error))
            error = list.broken.p ? list.broken : KD_STR("");
        if (list.n != cases[i].keys || !kd_str_eq(error, text(cases[i].error)))
            fail_msg("%s: %u keys, %.*s", cases[i].document, list.n, KD_FMT(error));
        kd_jwk_list_fini(&list);
    }
}

/* Positions as Go's decoders tell them (measured). */
static void test_base64(void **state)
{
    static const struct {
        bool padded;
        const char *in, *out; /* NULL: `bad` */
        size_t bad;
    } cases[] = {
        {false, "", "", 0},
        {false, "YQ", "a", 0},
        {false, "YQ==", "a", 0},
        {false, "YR", "a", 0},
        {false, "Y\nQ", "a", 0},
        {false, "YWI", "ab", 0},
        {false, "YWJj", "abc", 0},
        {false, "Y", NULL, 0},
        {false, "YWJjZ", NULL, 4},
        {false, "YW=Jj", NULL, 2},
        {false, "*WJj", NULL, 0},
        {false, "YWJj*", NULL, 4},
        {false, "-_-_", "\xfb\xff\xbf", 0},
        {false, "++++", NULL, 0},
        {true, "YQ==", "a", 0},
        {true, "YQ", NULL, 0},
        {true, "YQ=", NULL, 3},
        {true, "YQ=x", NULL, 2},
        {true, "YW\nI", NULL, 1},
        {true, "YWJj\nYQ", NULL, 5},
        {true, "YQ==x", NULL, 4},
        {true, "Y===", NULL, 1},
        {true, "**", NULL, 0},
        {true, "YWI=\n", "ab", 0},
    };
    for (size_t i = 0; i < KD_COUNT(cases); i++) {
        kd_jose_base64 info;
        kd_str out;
        bool good = cases[i].padded ? kd_jose_base64url_padded(&arena, text(cases[i].in), &out, &info)
                                    : kd_jose_base64url(&arena, text(cases[i].in), &out, &info);
        if (good != (cases[i].out != NULL) || (good ? !kd_str_eq(out, text(cases[i].out)) : info.bad != cases[i].bad))
            fail_msg("%s: %d, byte %zu", cases[i].in, good, info.bad);
    }
}

/* Every length, and nothing is written behind the room that a text was given. */
static void test_base64_lengths(void **state)
{
    char bytes[80];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)(i * 151 + 7);
    for (size_t n = 0; n <= sizeof bytes; n++) {
        kd_jose_base64 info;
        kd_str encoded = kd_jose_base64url_write(&arena, kd_str_of(bytes, n)), out;
        assert_true(kd_jose_base64url(&arena, encoded, &out, &info));
        kd_str behind = kd_arena_copy(&arena, KD_STR("behind"));
        assert_true(kd_str_eq(out, kd_str_of(bytes, n)) && info.canonical);
        kd_str again;
        assert_true(kd_jose_base64url(&arena, encoded, &again, &info));
        assert_true(kd_str_eq(behind, KD_STR("behind")) && kd_str_eq(out, again));
    }
}

/* White space at any place of a token means nothing; what only looks like it does. */
static void test_space_anywhere(void **state)
{
    static const struct {
        const char *text;
        bool space;
    } inserts[] = {{" ", true},         {"\t", true},    {"\r", true},    {"\xc2\x85", true}, {"\xe2\x80\x83", true},
                   {"\xc2\xa1", false}, {"\x7f", false}, {"\x80", false}, {"\x01", false},    {"!", false}};
    kd_str good = token("{\"alg\":\"HS256\",\"kid\":\"k\"}", "{\"a\":1}", true), error;
    for (size_t i = 0; i < KD_COUNT(inserts); i++) {
        for (size_t at = 0; at <= good.n; at++) {
            kd_jws jws;
            kd_str changed = kd_arena_printf(&arena, "%.*s%s%.*s", (int)at, good.p, inserts[i].text, (int)(good.n - at),
                                             good.p + at);
            if (kd_jws_parse(&arena, changed, &jws, &error) != inserts[i].space)
                fail_msg("insert %zu at %zu", i, at);
            assert_false(jws.canonical);
        }
    }
}

/* The test of NaCl's own documentation (Bernstein, "Cryptography in NaCl", section 10), the box behind its nonce. */
static void test_secretbox(void **state)
{
    static const uint8_t secret[32] = {0x1b, 0x27, 0x55, 0x64, 0x73, 0xe9, 0x85, 0xd4, 0x62, 0xcd, 0x51,
                                       0x19, 0x7a, 0x9a, 0x46, 0xc7, 0x60, 0x09, 0x54, 0x9e, 0xac, 0x64,
                                       0x74, 0xf2, 0x06, 0xc4, 0xee, 0x08, 0x44, 0xf6, 0x83, 0x89};
    static const char box[] = "69696ee955b62b73cd62bda875fc73d68219e0036b7a0b37"
                              "f3ffc7703f9400e52a7dfb4b3d3305d98e993b9f48681273c29650ba32fc76ce48332ea7164d96a4"
                              "476fb8c531a1186ac0dfc17c98dce87b4da7f011ec48c97271d2c20f9b928fe2270d6fb863d51738"
                              "b48eeee314a7cc8ab932164548e526ae90224368517acfeabd6bb3732bc0e9da99832b61ca01b6de"
                              "56244a9e88d5f9b37973f622a43d14a6599b1f654cb45a74e355a5";
    static const uint8_t first[4] = {0xbe, 0x07, 0x5f, 0xc5};
    char bytes[sizeof box / 2];
    for (size_t i = 0; i < sizeof bytes; i++) {
        unsigned v;
        sscanf(box + 2 * i, "%2x", &v);
        bytes[i] = (char)v;
    }
    kd_str content = kd_secretbox_open(&arena, secret, kd_str_of(bytes, sizeof bytes));
    assert_int_equal(content.n, 131);
    assert_memory_equal(content.p, first, sizeof first);
    for (size_t i = 0; i < sizeof bytes; i += 7) {
        bytes[i] ^= 1;
        assert_null(kd_secretbox_open(&arena, secret, kd_str_of(bytes, sizeof bytes)).p);
        bytes[i] ^= 1;
    }
    assert_null(kd_secretbox_open(&arena, secret, kd_str_of(bytes, 39)).p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_heads, setup, teardown),
        cmocka_unit_test_setup_teardown(test_forms, setup, teardown),
        cmocka_unit_test_setup_teardown(test_canonical, setup, teardown),
        cmocka_unit_test_setup_teardown(test_keys, setup, teardown),
        cmocka_unit_test_setup_teardown(test_weak_keys, setup, teardown),
        cmocka_unit_test_setup_teardown(test_ed25519_length, setup, teardown),
        cmocka_unit_test_setup_teardown(test_ecdsa_signatures, setup, teardown),
        cmocka_unit_test_setup_teardown(test_ids, setup, teardown),
        cmocka_unit_test_setup_teardown(test_sets, setup, teardown),
        cmocka_unit_test_setup_teardown(test_base64, setup, teardown),
        cmocka_unit_test_setup_teardown(test_base64_lengths, setup, teardown),
        cmocka_unit_test_setup_teardown(test_space_anywhere, setup, teardown),
        cmocka_unit_test_setup_teardown(test_secretbox, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
