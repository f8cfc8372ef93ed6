/* The claims of a JSON Web Token (RFC 7519 section 4) as go-jose 3 and KrakenD look at them: which types they may have,
 * when a token is valid, and how roles, scopes and texts are found in them (spec/02 sections 2.4 to 2.8). */
#ifndef KD_LANG_JOSE_CLAIMS_H
#define KD_LANG_JOSE_CLAIMS_H

#include "base/buf.h"
#include "base/clock.h"
#include "text/value.h"

/* A list of texts, borrowed. */
typedef struct kd_texts {
    const kd_str *v;
    uint32_t n;
} kd_texts;

typedef struct kd_claims {
    kd_value all; /* an object; numbers are KD_ORIGIN_FLOAT64 */
    kd_str iss;   /* empty where there is none */
    kd_texts aud;
    bool has_exp, has_nbf, has_iat;
    int64_t exp, nbf, iat; /* seconds since 1970 */
    kd_str late_error;     /* what refuses the token after its times have been checked; p is NULL: nothing */
} kd_claims;

/* Reads a payload; results lie in the arena. False: *error is go-jose's text, p is NULL without memory. */
bool kd_claims_parse(kd_arena *arena, kd_str payload, kd_claims *out, kd_str *error);
/* Are issuer (empty: any), audiences (all of them must be there) and times right? `now` counts from 1970. False: *error
 * (static). */
bool kd_claims_check(const kd_claims *claims, kd_str issuer, kd_texts audience, kd_ns now, kd_ns leeway, kd_str *error);

/* Does `key` name a claim inside others? Dots lead inwards, but not in names like "http://…". */
bool kd_claims_is_path(kd_str key);
/* The claim at a path of names with dots between them, or KD_ABSENT. */
kd_value kd_claims_at(kd_value claims, kd_str path);
/* Has the token one of these roles? `nested`: the key is a path. An element that is no text refuses, unless a match
 * came before it. */
bool kd_claims_have_role(kd_value claims, kd_str key, bool nested, kd_texts roles);
/* Has it one, or `every` one, of these scopes? A key with a dot is a path. */
bool kd_claims_have_scopes(kd_value claims, kd_str key, kd_texts scopes, bool every);
/* The text of a claim that is no list, or of a whole list with commas between its elements. KD_ABSENT gives none. */
void kd_claim_text(kd_buf *out, kd_value claim);
/* The text of an element of a list. */
void kd_claim_item(kd_buf *out, kd_value item);

#endif
