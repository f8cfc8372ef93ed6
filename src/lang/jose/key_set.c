#include "lang/jose/key_set.h"

#include "text/json.h"

/* Go's encoding/json matches the names of members in any case. */
static bool is_keys(kd_str name)
{
    return kd_str_eq_ci(name, KD_STR("keys"));
}

static kd_json_result read(kd_arena *arena, kd_str text, bool whole, kd_value *out, kd_str *error)
{
    if (whole)
        return kd_json_read_all(arena, text, out, error);
    char *copy = kd_arena_alloc(arena, text.n + KD_JSON_PAD);
    if (!copy)
        return KD_JSON_NO_MEMORY;
    if (text.n)
        memcpy(copy, text.p, text.n);
    memset(copy + text.n, 0, KD_JSON_PAD);
    return kd_json_read(NULL, arena, copy, text.n, out, error);
}

/* The last member "keys", which for Go is the one that counts; null leaves what an earlier one gave. */
static bool find_keys(kd_arena *arena, kd_value document, bool whole, kd_value *out, kd_str *error)
{
    kd_str key, type = kd_json_type_name(document);
    kd_value v;
    *out = KD_VALUE_NULL;
    if (document.type == KD_NULL)
        return true;
    if (document.type != KD_OBJECT) {
        *error = kd_arena_printf(arena, "json: cannot unmarshal %.*s into Go value of type %s", KD_FMT(type),
                                 whole ? "jose.JSONWebKeySet" : "auth0.JWKS");
        return false;
    }
    kd_value_iter iter = kd_value_each(document);
    while (kd_value_next(&iter, &key, &v)) {
        if (!is_keys(key))
            continue;
        type = kd_json_type_name(v);
        if (v.type != KD_LIST && v.type != KD_NULL) {
            *error =
                kd_arena_printf(arena, "json: cannot unmarshal %.*s into Go struct field %s of type []jose.JSONWebKey",
                                KD_FMT(type), whole ? "JSONWebKeySet.keys" : "JWKS.keys");
            return false;
        }
        *out = v;
    }
    return true;
}

bool kd_jwk_list_read(kd_arena *arena, kd_str text, bool whole, kd_jwk_list *out, kd_str *error)
{
    kd_value document, keys, v;
    kd_str none;
    *out = (kd_jwk_list){0};
    *error = (kd_str){NULL, 0};
    kd_json_result result = read(arena, text, whole, &document, error);
    if (result == KD_JSON_NO_MEMORY)
        *error = (kd_str){NULL, 0};
    if (result != KD_JSON_OK || !find_keys(arena, document, whole, &keys, error))
        return false;
    uint32_t room = keys.type != KD_LIST ? 0 : keys.n < KD_JWK_SET_KEYS ? keys.n : KD_JWK_SET_KEYS;
    out->v = KD_NEW_ARRAY(arena, kd_jwk *, room + 1);
    if (!out->v)
        return false;
    kd_value_iter iter = kd_value_each(keys);
    for (uint32_t i = 0; i < room && kd_value_next(&iter, &none, &v); i++) {
        kd_str why;
        kd_jwk *jwk = kd_jwk_create(arena, v, &why);
        if (jwk) {
            out->v[out->n++] = jwk;
        } else if (!why.p) {
            kd_jwk_list_fini(out);
            return false;
        } else if (!out->broken.p) {
            out->broken = why;
        }
    }
    return true;
}

void kd_jwk_list_fini(kd_jwk_list *list)
{
    for (uint32_t i = 0; i < list->n; i++)
        kd_jwk_unref(list->v[i]);
    *list = (kd_jwk_list){0};
}

kd_jose_strategy kd_jose_strategy_find(kd_str name)
{
    static const kd_str names[] = {KD_STR_INIT("kid"), KD_STR_INIT("x5t"), KD_STR_INIT("x5t#S256"),
                                   KD_STR_INIT("kid_x5t")};
    for (size_t i = 0; i < KD_COUNT(names); i++)
        if (kd_str_eq(names[i], name))
            return (kd_jose_strategy)i;
    return KD_JOSE_BY_KID;
}

kd_str kd_jose_join(kd_arena *arena, kd_str a, kd_str b)
{
    char *to = kd_arena_alloc(arena, a.n + b.n + 1);
    if (!to)
        return (kd_str){NULL, 0};
    if (a.n)
        memcpy(to, a.p, a.n);
    if (b.n)
        memcpy(to + a.n, b.p, b.n);
    return kd_str_of(to, a.n + b.n);
}

kd_str kd_jwk_id(kd_arena *arena, const kd_jwk *jwk, kd_jose_strategy strategy)
{
    switch (strategy) {
    case KD_JOSE_BY_X5T:
        return jwk->x5t;
    case KD_JOSE_BY_X5T_S256:
        return jwk->x5t_s256;
    case KD_JOSE_BY_KID_X5T:
        return kd_jose_join(arena, jwk->kid, jwk->x5t);
    default:
        return jwk->kid;
    }
}
