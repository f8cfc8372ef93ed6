#include "lang/jose/claims.h"

#include "lang/jose/json.h"
#include "text/go/format.h"
#include "text/json.h"

#include <math.h>

#define FAILED "go-jose/go-jose/jwt: validation failed, "

/* ---- reading ---------------------------------------------------------------------------------------------------- */

static bool read_text(kd_arena *arena, kd_value all, kd_str key, kd_str *out, kd_str *error)
{
    kd_value v = kd_value_get(all, key);
    *out = KD_STR("");
    if (v.type == KD_ABSENT || v.type == KD_NULL)
        return true;
    if (v.type == KD_STRING) {
        *out = kd_value_text(v);
        return true;
    }
    *error = kd_jose_json_mismatch(arena, v, "string");
    return false;
}

static bool read_audience(kd_arena *arena, kd_value v, kd_texts *out, kd_str *error)
{
    if (v.type == KD_ABSENT)
        return true;
    *error = KD_STR("go-jose/go-jose/jwt: expected string or array value to unmarshal to Audience");
    if (v.type != KD_STRING && v.type != KD_LIST)
        return false;
    uint32_t n = v.type == KD_STRING ? 1 : v.n;
    kd_str *texts = KD_NEW_ARRAY(arena, kd_str, n + 1);
    if (!texts) {
        *error = (kd_str){NULL, 0};
        return false;
    }
    for (uint32_t i = 0; i < n; i++) {
        kd_value item = v.type == KD_STRING ? v : v.items[i];
        if (item.type != KD_STRING)
            return false;
        texts[i] = kd_value_text(item);
    }
    *out = (kd_texts){texts, n};
    return true;
}

/* Go converts a number to int64 by cutting; what does not fit becomes the smallest one (amd64). */
static bool read_date(kd_value all, kd_str key, bool *has, int64_t *out, kd_str *error)
{
    kd_value v = kd_value_get(all, key);
    if (v.type == KD_ABSENT || v.type == KD_NULL)
        return true;
    if (v.type != KD_NUMBER || !isfinite(v.number)) {
        *error = KD_STR("go-jose/go-jose/jwt: expected number value to unmarshal NumericDate");
        return false;
    }
    *has = true;
    *out = v.number >= -0x1p63 && v.number < 0x1p63 ? (int64_t)v.number : INT64_MIN;
    return true;
}

bool kd_claims_parse(kd_arena *arena, kd_str payload, kd_claims *out, kd_str *error)
{
    static const kd_object empty;
    kd_jose_json json;
    kd_str ignored;
    *out = (kd_claims){0};
    if (!kd_jose_json_read(arena, payload, &json, error))
        return false;
    out->all = json.value.type == KD_NULL ? kd_value_object(&empty) : json.value;
    if (out->all.type != KD_OBJECT) {
        *error = kd_jose_json_mismatch(arena, out->all, "jwt.Claims");
        return false;
    }
    out->late_error = json.twice.p ? json.twice : json.overflow;
    return read_text(arena, out->all, KD_STR("iss"), &out->iss, error) &&
           read_text(arena, out->all, KD_STR("sub"), &ignored, error) &&
           read_audience(arena, kd_value_get(out->all, KD_STR("aud")), &out->aud, error) &&
           read_date(out->all, KD_STR("exp"), &out->has_exp, &out->exp, error) &&
           read_date(out->all, KD_STR("nbf"), &out->has_nbf, &out->nbf, error) &&
           read_date(out->all, KD_STR("iat"), &out->has_iat, &out->iat, error) &&
           read_text(arena, out->all, KD_STR("jti"), &ignored, error);
}

/* ---- checking --------------------------------------------------------------------------------------------------- */

/* A point in time as Go's time.Time holds it: seconds since the year 1, which wrap, and nanoseconds. */
typedef struct moment {
    int64_t seconds;
    int64_t nanos;
} moment;

static int64_t to_internal(int64_t unix_seconds)
{
    return (int64_t)((uint64_t)unix_seconds + 62135596800u);
}

static moment moment_of(kd_ns now, kd_ns shift)
{
    int64_t seconds = now / KD_SECOND + shift / KD_SECOND, nanos = now % KD_SECOND + shift % KD_SECOND;
    if (nanos >= KD_SECOND)
        seconds++, nanos -= KD_SECOND;
    else if (nanos < 0)
        seconds--, nanos += KD_SECOND;
    return (moment){to_internal(seconds), nanos};
}

static bool is_before(moment t, int64_t date)
{
    return t.seconds < to_internal(date);
}

static bool is_after(moment t, int64_t date)
{
    int64_t d = to_internal(date);
    return t.seconds > d || (t.seconds == d && t.nanos > 0);
}

static bool contains(kd_texts texts, kd_str wanted)
{
    for (uint32_t i = 0; i < texts.n; i++)
        if (kd_str_eq(texts.v[i], wanted))
            return true;
    return false;
}

bool kd_claims_check(const kd_claims *claims, kd_str issuer, kd_texts audience, kd_ns now, kd_ns leeway, kd_str *error)
{
    *error = KD_STR(FAILED "invalid issuer claim (iss)");
    if (issuer.n && !kd_str_eq(issuer, claims->iss))
        return false;
    *error = KD_STR(FAILED "invalid audience claim (aud)");
    for (uint32_t i = 0; i < audience.n; i++)
        if (!contains(claims->aud, audience.v[i]))
            return false;
    *error = KD_STR(FAILED "token not valid yet (nbf)");
    if (claims->has_nbf && is_before(moment_of(now, leeway), claims->nbf))
        return false;
    *error = KD_STR(FAILED "token is expired (exp)");
    if (claims->has_exp && is_after(moment_of(now, -leeway), claims->exp))
        return false;
    *error = KD_STR("go-jose/go-jose/jwt: validation field, token issued in the future (iat)");
    if (claims->has_iat && is_before(moment_of(now, leeway), claims->iat))
        return false;
    *error = KD_STR("");
    return true;
}

/* ---- looking inside --------------------------------------------------------------------------------------------- */

bool kd_claims_is_path(kd_str key)
{
    return kd_str_find(key, '.') >= 0 && !kd_str_starts(key, KD_STR("http"));
}

kd_value kd_claims_at(kd_value claims, kd_str path)
{
    kd_str name;
    while (kd_str_split(&path, '.', &name)) {
        if (claims.type != KD_OBJECT)
            return KD_VALUE_ABSENT;
        claims = kd_value_get(claims, name);
    }
    return claims;
}

/* Walks over the words of a text between single spaces, empty ones included. */
static bool has_word(kd_str text, kd_str wanted)
{
    kd_str word;
    while (kd_str_split(&text, ' ', &word))
        if (kd_str_eq(word, wanted))
            return true;
    return false;
}

bool kd_claims_have_role(kd_value claims, kd_str key, bool nested, kd_texts roles)
{
    if (roles.n == 0)
        return true;
    kd_value v = nested ? kd_claims_at(claims, key) : kd_value_get(claims, key), item;
    kd_str none;
    for (uint32_t i = 0; i < roles.n; i++) {
        if (v.type == KD_STRING && has_word(kd_value_text(v), roles.v[i]))
            return true;
        kd_value_iter iter = kd_value_each(v);
        while (v.type == KD_LIST && kd_value_next(&iter, &none, &item)) {
            if (item.type != KD_STRING)
                return false; /* KrakenD panics here */
            if (kd_str_eq(kd_value_text(item), roles.v[i]))
                return true;
        }
    }
    return false;
}

static bool has_scope(kd_value v, kd_str wanted)
{
    kd_value item;
    kd_str none;
    if (v.type == KD_STRING)
        return has_word(kd_value_text(v), wanted);
    kd_value_iter iter = kd_value_each(v);
    while (kd_value_next(&iter, &none, &item))
        if (kd_str_eq(kd_value_text(item), wanted))
            return true;
    return false;
}

bool kd_claims_have_scopes(kd_value claims, kd_str key, kd_texts scopes, bool every)
{
    kd_value v = kd_str_find(key, '.') >= 0 ? kd_claims_at(claims, key) : kd_value_get(claims, key), item;
    kd_str none;
    if (scopes.n == 0)
        return true;
    if (v.type != KD_STRING && v.type != KD_LIST)
        return false;
    kd_value_iter iter = kd_value_each(v);
    while (v.type == KD_LIST && kd_value_next(&iter, &none, &item))
        if (item.type != KD_STRING)
            return false; /* KrakenD panics here */
    for (uint32_t i = 0; i < scopes.n; i++) {
        bool has = has_scope(v, scopes.v[i]);
        if (has != every)
            return has;
    }
    return every;
}

/* ---- texts ------------------------------------------------------------------------------------------------------ */

void kd_claim_item(kd_buf *out, kd_value item)
{
    kd_go_value_v(out, item);
}

static void put_number(kd_buf *out, double v)
{
    double rounded = round(v);
    if (!(fabs(v - rounded) <= 1e-6)) {
        kd_buf_printf(out, "%f", v);
        return;
    }
    int64_t whole = rounded >= -0x1p63 && rounded < 0x1p63 ? (int64_t)rounded : INT64_MIN;
    kd_buf_printf(out, "%lld", (long long)whole);
}

void kd_claim_text(kd_buf *out, kd_value claim)
{
    kd_value item;
    kd_str none;
    switch (claim.type) {
    case KD_ABSENT:
        break;
    case KD_STRING:
        kd_buf_add(out, kd_value_text(claim));
        break;
    case KD_NUMBER:
        put_number(out, claim.number);
        break;
    case KD_LIST: {
        kd_value_iter iter = kd_value_each(claim);
        for (uint32_t i = 0; kd_value_next(&iter, &none, &item); i++) {
            if (i)
                kd_buf_byte(out, ',');
            kd_claim_item(out, item);
        }
        break;
    }
    default:
        kd_json_emit(out, claim, NULL);
    }
}
