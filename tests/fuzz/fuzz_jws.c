/* Any bytes as a token and as claims: refused with a reason, or parsed and never verified by a key that did not sign
 * them. */
#include "lang/jose/claims.h"
#include "lang/jose/jws.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look_at(kd_arena *arena, const kd_claims *claims)
{
    kd_str error, role = KD_STR("a");
    kd_buf out;
    kd_buf_init(&out, 1 << 20);
    kd_claims_check(claims, KD_STR(""), (kd_texts){&role, 1}, 1700000000 * KD_SECOND, KD_SECOND, &error);
    kd_claims_have_role(claims->all, KD_STR("roles"), false, (kd_texts){&role, 1});
    kd_claims_have_role(claims->all, KD_STR("a.b"), true, (kd_texts){&role, 1});
    kd_claims_have_scopes(claims->all, KD_STR("s"), (kd_texts){&role, 1}, true);
    kd_value_iter iter = kd_value_each(claims->all);
    kd_str key;
    kd_value v;
    while (kd_value_next(&iter, &key, &v)) {
        kd_claim_text(&out, v);
        kd_buf_reset(&out, 1 << 16);
    }
    kd_buf_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static kd_jwk *jwk;
    kd_arena arena;
    kd_jws jws;
    kd_claims claims;
    kd_str error, text = kd_str_of((const char *)data, size);
    kd_arena_init(&arena, NULL, 0);
    if (!jwk) {
        kd_jwk_list list;
        bool good = kd_jwk_list_read(
            &arena, KD_STR("{\"keys\":[{\"kty\":\"oct\",\"k\":\"c29tZXRoaW5nIHRoYXQgbm8gZnV6emVyIGtub3dz\"}]}"), true,
            &list, &error);
        assert(good && list.n == 1);
        jwk = list.v[0];
    }
    if (kd_jws_parse(&arena, text, &jws, &error)) {
        const kd_jose_alg *alg = kd_jose_alg_find(jws.alg);
        for (int s = 0; s < KD_JOSE_STRATEGIES; s++)
            assert(kd_jws_key_id(&arena, &jws, (kd_jose_strategy)s).p);
        assert(!alg || !kd_jws_verify(&jws, jwk, alg, &error));
        if (kd_claims_parse(&arena, jws.payload, &claims, &error))
            look_at(&arena, &claims);
        else
            assert(error.p);
    } else {
        assert(error.p);
    }
    if (kd_claims_parse(&arena, text, &claims, &error)) {
        assert(claims.all.type == KD_OBJECT);
        look_at(&arena, &claims);
    }
    kd_arena_reset(&arena);
    return 0;
}
