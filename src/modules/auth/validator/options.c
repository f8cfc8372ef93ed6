#include "modules/auth/validator/options.h"

#include "text/go/duration.h"
#include "text/go/header.h"

#define FIELD(name, kind, text)                                                                                        \
    .key = KD_STR_INIT(name), .type = KD_FIELD_##kind, .wrong = KD_WRONG_DROP_BLOCK, .offset = KD_NO_OFFSET,           \
    .about = text
#define BYTES(name, text) FIELD(name, STRING, text), .flags = KD_FIELD_SECRET

static const kd_field fields[] = {
    {FIELD("alg", STRING, "How tokens are signed: EdDSA, or HS, RS, ES or PS with 256, 384 or 512."),
     .lint = "{'enum':['EdDSA','HS256','HS384','HS512','RS256','RS384','RS512','ES256','ES384','ES512','PS256','PS384',"
             "'PS512']}"},
    {FIELD("audience", STRINGS, "All of these must be in the claim aud.")},
    {FIELD("auth_header_name", STRING, "The header field with the token."), .dflt = "Authorization"},
    {FIELD("cache", BOOL, "Keeps the keys for cache_duration."), .dflt = "false"},
    {FIELD("cache_duration", INT, "Seconds for which keys are kept."), .dflt = "900", .min = 0, .max = UINT32_MAX},
    {FIELD("cipher_suites", UINTS, "Cipher suites of TLS 1.2 towards the key server, as numbers."),
     .lint = "{'type':'array','items':{'enum':[5,10,47,53,60,156,157,49159,49161,49162,49169,49170,49171,49172,49187,"
             "49191,49199,49195,49200,49196,52392,52393]}}"},
    {FIELD("cookie_key", STRING, "The cookie that is looked at when the field is missing."), .dflt = "access_token",
     .former = "cookie-key"},
    {BYTES("cypher_key", "The encrypted key of an encrypted key file, standard base64.")},
    {FIELD("disable_jwk_security", BOOL, "Allows http, any certificate, and key files without a URL."),
     .dflt = "false"},
    {FIELD("failed_jwk_key_cooldown", DURATION, "An unknown key id is not asked for again that long.")},
    {FIELD("issuer", STRING, "The claim iss must be this.")},
    {FIELD("jwk_fingerprints", STRINGS, "SHA-256 of public keys, base64url: the key server must have one of them.")},
    {FIELD("jwk_local_ca", STRING, "PEM file with further authorities for the key server.")},
    {FIELD("jwk_local_path", STRING, "File with the key set, read at start.")},
    {FIELD("jwk_url", STRING, "Where the key set is fetched."), .former = "jwk-url"},
    {FIELD("key_identify_strategy", STRING, "How a token names its key: kid, x5t, x5t#S256 or kid_x5t."), .dflt = "kid",
     .lint = "{'enum':['kid','x5t','x5t#S256','kid_x5t']}"},
    {FIELD("leeway", DURATION, "By how much clocks may differ; at least a second."), .dflt = "1s"},
    {FIELD("operation_debug", BOOL, "Logs why a token is refused."), .dflt = "false"},
    {FIELD("propagate_claims", ANY, "Pairs of a claim and the header field that carries it to the backends."),
     .json = KD_JSON_LIST,
     .lint = "{'type':'array','items':{'type':'array','maxItems':2,'minItems':2,'items':{'type':'string'}}}"},
    {FIELD("propagate_claims_preserve_array", BOOL, "Lists become one field for each element."), .dflt = "false"},
    {FIELD("roles", STRINGS, "One of these must be in the claim roles_key.")},
    {FIELD("roles_key", STRING, "The claim with the roles."), .dflt = "roles", .former = "roles-key"},
    {FIELD("roles_key_is_nested", BOOL, "Dots in roles_key lead into objects."), .dflt = "false"},
    {FIELD("scopes", STRINGS, "One of these, or all, must be in the claim scopes_key.")},
    {FIELD("scopes_key", STRING, "The claim with the scopes; dots lead into objects.")},
    {FIELD("scopes_matcher", STRING, "any or all."), .dflt = "any", .lint = "{'enum':['any','all']}"},
    {FIELD("secret_url", STRING, "Keeper that decrypts cypher_key: base64key://…"), .flags = KD_FIELD_SECRET,
     .lint = "'pattern':'(base64key|awskms|azurekeyvault|gcpkms|hashivault)://(.*)'"},
};
const kd_fields kd_validator_fields = {"auth/validator block",
                                       KD_SCOPE_ENDPOINT,
                                       0,
                                       KD_NO_OFFSET,
                                       fields,
                                       KD_COUNT(fields),
                                       .lint = "'oneOf':[{'required':['alg','jwk_local_path']},"
                                               "{'required':['alg','jwk_url']}]"};

static const kd_field service_fields[] = {
    {FIELD("shared_cache_duration", INT, "Seconds for which all validators share their keys."), .dflt = "900", .min = 0,
     .max = UINT32_MAX},
};
const kd_fields kd_validator_service_fields = {"service's auth/validator block",
                                               KD_SCOPE_SERVICE,
                                               0,
                                               KD_NO_OFFSET,
                                               service_fields,
                                               KD_COUNT(service_fields),
                                               .lint = "'required':['shared_cache_duration']"};

#define AT(member) offsetof(kd_validator_options, member)

static const kd_go_member members[] = {
    {KD_STR_INIT("alg"), KD_GO_STRING, AT(alg)},
    {KD_STR_INIT("audience"), KD_GO_STRINGS, AT(audience)},
    {KD_STR_INIT("auth_header_name"), KD_GO_STRING, AT(auth_header_name)},
    {KD_STR_INIT("cache"), KD_GO_BOOL, AT(cache)},
    {KD_STR_INIT("cache_duration"), KD_GO_UINT32, AT(cache_duration)},
    {KD_STR_INIT("cookie_key"), KD_GO_STRING, AT(cookie_key)},
    {KD_STR_INIT("failed_jwk_key_cooldown"), KD_GO_STRING, AT(cooldown_text)},
    {KD_STR_INIT("issuer"), KD_GO_STRING, AT(issuer)},
    {KD_STR_INIT("key_identify_strategy"), KD_GO_STRING, AT(strategy)},
    {KD_STR_INIT("leeway"), KD_GO_STRING, AT(leeway_text)},
    {KD_STR_INIT("operation_debug"), KD_GO_BOOL, AT(operation_debug)},
    {KD_STR_INIT("propagate_claims"), KD_GO_STRINGS2, AT(propagate)},
    {KD_STR_INIT("propagate_claims_preserve_array"), KD_GO_BOOL, AT(preserve_array)},
    {KD_STR_INIT("roles"), KD_GO_STRINGS, AT(roles)},
    {KD_STR_INIT("roles_key"), KD_GO_STRING, AT(roles_key)},
    {KD_STR_INIT("roles_key_is_nested"), KD_GO_BOOL, AT(roles_key_is_nested)},
    {KD_STR_INIT("scopes"), KD_GO_STRINGS, AT(scopes)},
    {KD_STR_INIT("scopes_key"), KD_GO_STRING, AT(scopes_key)},
    {KD_STR_INIT("scopes_matcher"), KD_GO_STRING, AT(scopes_matcher)},
    KD_JWK_PLACE_MEMBERS(kd_validator_options),
};
static const kd_go_struct type = {"SignatureConfig", "jose", members, KD_COUNT(members)};

/* A time below a second, or none, is `least`. */
static kd_ns duration(kd_str text, kd_ns least)
{
    kd_ns value;
    kd_str why;
    return kd_go_duration_parse(text, &value, &why) && value >= KD_SECOND ? value : least;
}

static kd_str canonical(kd_arena *arena, kd_str name)
{
    kd_str copy = kd_arena_copy(arena, name);
    if (copy.p)
        kd_go_header_canonical((char *)copy.p, copy.n);
    return copy;
}

bool kd_validator_options_read(kd_arena *arena, const kd_node *block, kd_validator_options *out, kd_str *error)
{
    *out = (kd_validator_options){0};
    if (!kd_go_struct_decode(arena, &type, block, out, error))
        return false;
    if (kd_jwk_place_is_insecure(&out->place)) {
        *error = KD_STR("JWK client is using an insecure connection to the JWK service");
        return false;
    }
    if (!out->roles_key.n)
        out->roles_key = KD_STR("roles");
    if (!out->cookie_key.n)
        out->cookie_key = KD_STR("access_token");
    out->auth_header_name = out->auth_header_name.n ? canonical(arena, out->auth_header_name) : KD_STR("Authorization");
    out->leeway = duration(out->leeway_text, KD_SECOND);
    out->cooldown = duration(out->cooldown_text, 0);
    *error = (kd_str){NULL, 0};
    return out->auth_header_name.p != NULL;
}

bool kd_validator_shared_read(kd_arena *arena, const kd_node *block, kd_ns *out, bool *by_default, kd_str *error)
{
    static const kd_go_member shared[] = {{KD_STR_INIT("shared_cache_duration"), KD_GO_UINT32, 0}};
    static const kd_go_struct service = {"serviceConfig", "jose", shared, KD_COUNT(shared)};
    uint32_t seconds = 0;
    *out = 0;
    *by_default = false;
    *error = KD_STR("");
    if (!block || block->type != KD_NODE_OBJECT)
        return true;
    if (!kd_go_struct_decode(arena, &service, block, &seconds, error))
        return false;
    *by_default = seconds == 0;
    *out = (seconds ? (kd_ns)seconds : 900) * KD_SECOND;
    return true;
}
