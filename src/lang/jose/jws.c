#include "lang/jose/jws.h"

#include "lang/jose/base64.h"
#include "lang/jose/json.h"
#include "text/json.h"
#include "text/utf8.h"

#define CRYPTO_FAILURE "go-jose/go-jose: error in cryptographic primitive"

/* A parsed token on its way: what was read of it, and where errors go. */
typedef struct parser {
    kd_arena *arena;
    kd_str *error;
    kd_jws *out;
    kd_value protected, open; /* heads; `open` is the one that is not signed. KD_NULL: none */
    kd_str protected_text;    /* decoded */
    bool protected_there;
} parser;

static bool fail(parser *p, kd_str text)
{
    *p->error = text;
    return false;
}

static bool fail_with(parser *p, const char *what, kd_str why)
{
    return fail(p, why.p ? kd_arena_printf(p->arena, "failed to unmarshal %s: %.*s", what, KD_FMT(why)) : why);
}

/* ---- white space (Go's unicode.IsSpace) ------------------------------------------------------------------------- */

/* Bytes of the space that begins here, or 0. */
static size_t space_at(const uint8_t *p, size_t n)
{
    if (*p == ' ' || (*p >= '\t' && *p <= '\r'))
        return 1;
    if (n >= 2 && p[0] == 0xc2 && (p[1] == 0x85 || p[1] == 0xa0))
        return 2;
    if (n < 3)
        return 0;
    uint32_t c = (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
    bool space = c == 0xe19a80 || (c >= 0xe28080 && c <= 0xe2808a) || c == 0xe280a8 || c == 0xe280a9 || c == 0xe280af ||
                 c == 0xe2819f || c == 0xe38080;
    return space ? 3 : 0;
}

/* Are the next eight bytes above the space, and below 0x80? Where none has its highest bit, adding cannot carry. */
static bool is_plain(const uint8_t *p)
{
    uint64_t word, high = 0x8080808080808080u;
    memcpy(&word, p, sizeof word);
    return !(word & high) && ((word + 0x5f5f5f5f5f5f5f5fu) & high) == high;
}

static kd_str strip(kd_arena *arena, kd_str token)
{
    const uint8_t *p = (const uint8_t *)token.p;
    size_t i = 0, n = 0;
    while (i + 8 <= token.n && is_plain(p + i))
        i += 8;
    while (i < token.n && p[i] > ' ' && p[i] < 0x80)
        i++;
    if (i == token.n)
        return token;
    char *to = kd_arena_alloc(arena, token.n);
    if (!to)
        return (kd_str){NULL, 0};
    for (i = 0; i < token.n;) {
        size_t space = space_at(p + i, token.n - i);
        if (!space)
            to[n++] = (char)p[i++];
        i += space;
    }
    return kd_str_of(to, n);
}

/* ---- heads ------------------------------------------------------------------------------------------------------ */

static bool read_head(parser *p, kd_str text, kd_value *out)
{
    kd_jose_json json;
    *out = KD_VALUE_NULL;
    if (!text.n)
        return true;
    if (!kd_jose_json_read(p->arena, text, &json, p->error))
        return false;
    if (json.twice.p || json.overflow.p)
        return fail_with(p, "value", json.twice.p ? json.twice : json.overflow);
    if (json.value.type != KD_OBJECT && json.value.type != KD_NULL)
        return fail(p, kd_jose_json_mismatch(p->arena, json.value, "jose.rawHeader"));
    *out = json.value;
    return true;
}

static bool check_member(parser *p, kd_str key, kd_value v)
{
    static const struct {
        kd_str key;
        const char *name;
    } texts[] = {{KD_STR_INIT("kid"), "key ID"}, {KD_STR_INIT("alg"), "algorithm"}, {KD_STR_INIT("nonce"), "nonce"}};
    kd_str why;
    if (v.type == KD_NULL)
        return true;
    for (size_t i = 0; i < KD_COUNT(texts); i++)
        if (kd_str_eq(texts[i].key, key) && v.type != KD_STRING)
            return fail_with(p, texts[i].name, kd_jose_json_mismatch(p->arena, v, "string"));
    if (kd_str_eq(key, KD_STR("jwk")) && !kd_jwk_check_embedded(p->arena, v, &why))
        return kd_str_eq(why, KD_JWK_NOT_PUBLIC) ? fail(p, why) : fail_with(p, "JWK", why);
    if (kd_str_eq(key, KD_STR("x5c")) && !kd_jwk_check_chain(p->arena, v, &why))
        return fail_with(p, "x5c header", why);
    return true;
}

static bool check_head(parser *p, kd_value head)
{
    kd_value_iter iter = kd_value_each(head);
    kd_str key;
    kd_value v;
    while (kd_value_next(&iter, &key, &v))
        if (!check_member(p, key, v))
            return false;
    return true;
}

/* A member counts as set unless it is absent, null or an empty string; the signed head goes before the other. */
static kd_value merged(const parser *p, kd_str key)
{
    kd_value v = kd_value_get(p->protected, key);
    bool set = v.type != KD_ABSENT && v.type != KD_NULL && !(v.type == KD_STRING && v.n == 0);
    kd_value other = kd_value_get(p->open, key);
    return set || other.type == KD_ABSENT ? v : other;
}

static kd_str merged_text(const parser *p, kd_str key)
{
    kd_value v = merged(p, key);
    return v.type == KD_STRING ? kd_value_text(v) : (kd_str){NULL, 0};
}

static void read_critical(parser *p)
{
    kd_value crit = merged(p, KD_STR("crit")), v;
    kd_str none;
    if (crit.type == KD_ABSENT || crit.type == KD_NULL)
        return;
    if (crit.type != KD_LIST) {
        p->out->crit_error = kd_jose_json_mismatch(p->arena, crit, "[]string");
        return;
    }
    kd_value_iter iter = kd_value_each(crit);
    while (kd_value_next(&iter, &none, &v)) {
        if (v.type != KD_STRING && v.type != KD_NULL)
            p->out->crit_error = kd_jose_json_mismatch(p->arena, v, "string");
        else if (v.type == KD_NULL || !kd_str_eq(kd_value_text(v), KD_STR("b64")))
            p->out->refused = true;
    }
}

static bool encodes_payload(const parser *p)
{
    kd_value b64 = kd_value_get(p->protected, KD_STR("b64"));
    return b64.type != KD_BOOL || b64.boolean;
}

/* What was signed: the head and the payload, encoded anew from their bytes (RFC 7515 section 5.2; RFC 7797). */
static bool make_input(parser *p)
{
    kd_str head = kd_jose_base64url_write(p->arena, p->protected_text);
    kd_str body = encodes_payload(p) ? kd_jose_base64url_write(p->arena, p->out->payload) : p->out->payload;
    char *to = head.p && body.p ? kd_arena_alloc(p->arena, head.n + 1 + body.n) : NULL;
    if (!to)
        return fail(p, (kd_str){NULL, 0});
    memcpy(to, head.p, head.n);
    to[head.n] = '.';
    memcpy(to + head.n + 1, body.p, body.n);
    p->out->input = kd_str_of(to, head.n + 1 + body.n);
    return true;
}

static void take_head(parser *p)
{
    kd_str alg = merged_text(p, KD_STR("alg")), kid = merged_text(p, KD_STR("kid"));
    p->out->alg = alg.p ? alg : KD_STR("");
    p->out->kid = kid.p ? kid : KD_STR("");
    p->out->x5t = merged_text(p, KD_STR("x5t"));
    p->out->x5t_s256 = merged_text(p, KD_STR("x5t#S256"));
}

/* ---- compact ---------------------------------------------------------------------------------------------------- */

static bool read_part(parser *p, kd_str text, kd_str *out, bool *canonical)
{
    kd_jose_base64 info;
    if (!kd_jose_base64url(p->arena, text, out, &info))
        return fail(p, kd_jose_base64_error(p->arena, &info));
    *canonical = *canonical && info.canonical;
    return out->p || fail(p, (kd_str){NULL, 0});
}

static bool parse_compact(parser *p, kd_str token)
{
    ptrdiff_t first = kd_str_find(token, '.'), last = kd_str_rfind(token, '.');
    kd_str middle =
        first < 0 || first == last ? (kd_str){NULL, 0} : kd_str_of(token.p + first + 1, (size_t)(last - first - 1));
    bool canonical = true, last_part = true;
    if (!middle.p || kd_str_find(middle, '.') >= 0)
        return fail(p, KD_STR("go-jose/go-jose: compact JWS format must have three parts"));
    if (!read_part(p, kd_str_head(token, (size_t)first), &p->protected_text, &canonical) ||
        !read_part(p, middle, &p->out->payload, &canonical) ||
        !read_part(p, kd_str_from(token, (size_t)last + 1), &p->out->signature, &last_part) ||
        !read_head(p, p->protected_text, &p->protected) || !check_head(p, p->protected))
        return false;
    take_head(p);
    read_critical(p);
    if (!canonical || !encodes_payload(p))
        return make_input(p);
    p->out->input = kd_str_head(token, (size_t)last);
    p->out->canonical = last_part;
    return true;
}

/* ---- the JSON serialisation ------------------------------------------------------------------------------------- */

/* A member that is bytes as base64url; p is NULL where it is absent or null. */
static bool read_member(parser *p, kd_value object, kd_str key, kd_str *out)
{
    kd_value v = kd_value_get(object, key);
    bool ignored = true;
    *out = (kd_str){NULL, 0};
    if (v.type == KD_ABSENT || v.type == KD_NULL)
        return true;
    if (v.type != KD_STRING)
        return fail(p, kd_jose_json_mismatch(p->arena, v, "string"));
    return read_part(p, kd_value_text(v), out, &ignored);
}

/* The heads and the signature of a flattened token, or of one of `signatures`. */
static bool read_signature(parser *p, kd_value object, bool flat)
{
    if (object.type != KD_OBJECT)
        return fail(p, kd_jose_json_mismatch(p->arena, object, "jose.rawSignatureInfo"));
    p->open = kd_value_get(object, KD_STR("header"));
    if (p->open.type != KD_ABSENT && p->open.type != KD_NULL && p->open.type != KD_OBJECT)
        return fail(p, kd_jose_json_mismatch(p->arena, p->open, "jose.rawHeader"));
    if (!read_member(p, object, KD_STR("protected"), &p->protected_text) ||
        !read_member(p, object, KD_STR("signature"), &p->out->signature))
        return false;
    p->protected_there = p->protected_text.p != NULL;
    if (!p->out->signature.p)
        p->out->signature = KD_STR("");
    if (!read_head(p, p->protected_text, &p->protected))
        return false;
    kd_value nonce = kd_value_get(p->open, KD_STR("nonce"));
    if (nonce.type == KD_STRING && nonce.n)
        return fail(p, KD_STR("go-jose/go-jose: Nonce parameter included in unprotected header"));
    if (!check_head(p, p->protected) || (flat && !check_head(p, p->open)))
        return false;
    if (!flat) { /* go-jose looks into the open head of the general form only when it verifies */
        kd_value open = p->open;
        p->open = KD_VALUE_NULL;
        take_head(p);
        p->open = open;
    } else {
        take_head(p);
    }
    return true;
}

static bool parse_json(parser *p, kd_str token)
{
    kd_jose_json json;
    kd_value object, list, v;
    kd_str none;
    if (!kd_jose_json_read(p->arena, token, &json, p->error))
        return false;
    if (json.twice.p || json.overflow.p)
        return fail(p, json.twice.p ? json.twice : json.overflow);
    object = json.value;
    list = kd_value_get(object, KD_STR("signatures"));
    if (list.type != KD_ABSENT && list.type != KD_NULL && list.type != KD_LIST)
        return fail(p, kd_jose_json_mismatch(p->arena, list, "[]jose.rawSignatureInfo"));
    if (!read_member(p, object, KD_STR("payload"), &p->out->payload))
        return false;
    if (!p->out->payload.p)
        return fail(p, KD_STR("go-jose/go-jose: missing payload in JWS message"));
    bool flat = list.type != KD_LIST || list.n == 0;
    if (flat && !read_signature(p, object, true))
        return false;
    kd_value_iter iter = kd_value_each(list);
    for (uint32_t i = 0; !flat && kd_value_next(&iter, &none, &v); i++) {
        kd_jws first = *p->out;
        if (!read_signature(p, v, false))
            return false;
        if (i)
            *p->out = first; /* the first signature's head is asked; several are never valid */
        p->out->several = i > 0;
    }
    read_critical(p);
    if (!p->protected_there)
        p->out->refused = true;
    return make_input(p);
}

bool kd_jws_parse(kd_arena *arena, kd_str token, kd_jws *out, kd_str *error)
{
    parser p = {.arena = arena, .error = error, .out = out, .protected = KD_VALUE_NULL, .open = KD_VALUE_NULL};
    *out = (kd_jws){0};
    *error = (kd_str){NULL, 0};
    kd_str stripped = strip(arena, token);
    if (!stripped.p)
        return false;
    bool good = stripped.n && stripped.p[0] == '{' ? parse_json(&p, stripped) : parse_compact(&p, stripped);
    out->canonical = out->canonical && stripped.p == token.p;
    return good;
}

kd_str kd_jws_key_id(kd_arena *arena, const kd_jws *jws, kd_jose_strategy strategy)
{
    switch (strategy) {
    case KD_JOSE_BY_X5T:
        return jws->x5t.p ? jws->x5t : jws->kid;
    case KD_JOSE_BY_X5T_S256:
        return jws->x5t_s256.p ? jws->x5t_s256 : jws->kid;
    case KD_JOSE_BY_KID_X5T:
        return kd_jose_join(arena, jws->kid, jws->x5t.p ? jws->x5t : jws->kid);
    default:
        return jws->kid;
    }
}

bool kd_jws_verify(const kd_jws *jws, kd_jwk *jwk, const kd_jose_alg *alg, kd_str *error)
{
    bool unsupported = jwk->is_private, good;
    *error = KD_STR(CRYPTO_FAILURE);
    if (unsupported) {
        *error = KD_STR("go-jose/go-jose: unsupported key type/format");
        return false;
    }
    if (jws->several) {
        *error = KD_STR("go-jose/go-jose: too many signatures in payload; expecting only one");
        return false;
    }
    if (jws->crit_error.p) {
        *error = jws->crit_error;
        return false;
    }
    good = !jws->refused && kd_jwk_verify(jwk, alg, jws->input, jws->signature, &unsupported);
    return good;
}

/* ---- signing ---------------------------------------------------------------------------------------------------- */

bool kd_jws_signer_init(kd_jws_signer *signer, kd_arena *arena, kd_jwk *jwk, const kd_jose_alg *alg, kd_str type,
                        bool full)
{
    kd_buf head;
    *signer = (kd_jws_signer){.jwk = jwk, .alg = alg, .full = full};
    kd_buf_init(&head, 64 * 1024 + 12 * (jwk->kid.n + type.n));
    kd_buf_printf(&head, "{\"alg\":\"%.*s\",\"kid\":", KD_FMT(alg->name));
    kd_json_emit_string(&head, jwk->kid, KD_ORIGIN_BYTES);
    kd_buf_add(&head, KD_STR(",\"typ\":"));
    kd_json_emit_string(&head, type, KD_ORIGIN_BYTES);
    kd_buf_byte(&head, '}');
    if (!head.failed)
        signer->head = kd_jose_base64url_write(arena, kd_buf_str(&head));
    kd_buf_fini(&head);
    return signer->head.p != NULL;
}

static kd_str compose(kd_arena *arena, const kd_jws_signer *signer, kd_str input, kd_str signature)
{
    if (!signer->full) {
        kd_str dotted = kd_jose_join(arena, input, KD_STR("."));
        return dotted.p ? kd_jose_join(arena, dotted, signature) : dotted;
    }
    kd_str payload = kd_str_from(input, signer->head.n + 1);
    return kd_arena_printf(arena, "{\"payload\":\"%.*s\",\"protected\":\"%.*s\",\"signature\":\"%.*s\"}",
                           KD_FMT(payload), KD_FMT(signer->head), KD_FMT(signature));
}

kd_str kd_jws_sign(const kd_jws_signer *signer, kd_arena *arena, kd_str payload, kd_str *error)
{
    char signature[KD_JWK_SIGNATURE_MAX];
    kd_str body = kd_jose_base64url_write(arena, payload), input = {NULL, 0}, text;
    *error = (kd_str){NULL, 0};
    if (body.p && (input = kd_jose_join(arena, signer->head, KD_STR("."))).p)
        input = kd_jose_join(arena, input, body);
    if (!input.p)
        return input;
    size_t n = kd_jwk_sign(signer->jwk, signer->alg, input, signature);
    if (!n) {
        *error = kd_jwk_sign_error(arena, signer->jwk, signer->alg);
        return (kd_str){NULL, 0};
    }
    text = kd_jose_base64url_write(arena, kd_str_of(signature, n));
    return text.p ? compose(arena, signer, input, text) : text;
}
