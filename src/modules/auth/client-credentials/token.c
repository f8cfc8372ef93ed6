#include "modules/auth/client-credentials/token.h"

#include "config/json_tree.h"
#include "text/base64.h"
#include "text/go/number.h"
#include "text/go/quote.h"
#include "text/go/url.h"

#define FORM_MAX  (1024u * 1024)
#define ERROR_MAX (16u * 1024) /* of an answer's body that goes into an error text */

/* ---- asking ------------------------------------------------------------------------------------------------------ */

/* strings.Split(scopes, ",") joined with spaces: an unset value is one empty element. */
static kd_str scope_of(kd_arena *arena, kd_str scopes)
{
    kd_str copy = kd_arena_copy(arena, scopes);
    for (size_t i = 0; copy.p && i < copy.n; i++)
        if (copy.p[i] == ',')
            ((char *)copy.p)[i] = ' ';
    return copy;
}

static bool push(kd_query *query, kd_str key, kd_str value)
{
    query->v[query->n++] = (kd_query_pair){key, value};
    return value.p != NULL;
}

bool kd_oauth_form(kd_arena *arena, const kd_oauth_client *client, bool with_client, kd_str *form, kd_str *error)
{
    kd_query query = {.v = KD_NEW_ARRAY(arena, kd_query_pair, client->n_params + 4), .cap = client->n_params + 4};
    *error = KD_STR("out of memory");
    if (!query.v)
        return false;
    bool own_grant = false;
    for (uint32_t i = 0; i < client->n_params; i++) {
        if (kd_str_eq(client->params[i].name, KD_STR("scope"))) {
            *error = KD_STR("oauth2: cannot overwrite parameter \"scope\"");
            return false;
        }
        own_grant |= kd_str_eq(client->params[i].name, KD_STR("grant_type"));
    }
    bool ok = push(&query, KD_STR("scope"), scope_of(arena, client->scopes));
    if (!own_grant)
        ok &= push(&query, KD_STR("grant_type"), KD_STR("client_credentials"));
    for (uint32_t i = 0; i < client->n_params; i++) {
        bool replaced =
            with_client && ((client->id.n && kd_str_eq(client->params[i].name, KD_STR("client_id"))) ||
                            (client->secret.n && kd_str_eq(client->params[i].name, KD_STR("client_secret"))));
        if (!replaced && client->params[i].value.p)
            ok &= push(&query, client->params[i].name, client->params[i].value);
    }
    if (with_client && client->id.n)
        ok &= push(&query, KD_STR("client_id"), client->id);
    if (with_client && client->secret.n)
        ok &= push(&query, KD_STR("client_secret"), client->secret);
    kd_buf out;
    kd_buf_init(&out, FORM_MAX);
    kd_go_query_encode(&query, &out);
    *form = ok && !out.failed ? kd_arena_copy(arena, kd_buf_str(&out)) : (kd_str){NULL, 0};
    kd_buf_fini(&out);
    return form->p != NULL;
}

kd_str kd_oauth_basic(kd_arena *arena, const kd_oauth_client *client)
{
    kd_buf pair;
    kd_buf_init(&pair, FORM_MAX);
    kd_go_url_escape(&pair, client->id, KD_ESCAPE_QUERY);
    kd_buf_byte(&pair, ':');
    kd_go_url_escape(&pair, client->secret, KD_ESCAPE_QUERY);
    char *text = pair.failed ? NULL : kd_arena_alloc(arena, 6 + KD_BASE64_ROOM(pair.n));
    size_t n = 0;
    if (text) {
        memcpy(text, "Basic ", 6);
        n = 6 + kd_base64_write(text + 6, kd_buf_str(&pair), KD_BASE64_STANDARD);
        explicit_bzero(pair.p, pair.n);
    }
    kd_buf_fini(&pair);
    return (kd_str){text, n};
}

/* ---- understanding the answer ------------------------------------------------------------------------------------ */

typedef struct fields {
    kd_str access, type, code, description, uri;
    int64_t expires_in;
} fields;

static kd_str quoted(kd_arena *arena, kd_str s)
{
    kd_buf out;
    kd_buf_init(&out, 8 * ERROR_MAX);
    kd_go_quote(&out, kd_str_head(s, ERROR_MAX));
    kd_str text = kd_arena_copy(arena, kd_buf_str(&out));
    kd_buf_fini(&out);
    return text;
}

/* x/oauth2's RetrieveError. */
static kd_str refusal(kd_arena *arena, unsigned status, kd_str reason, kd_str body, const fields *f)
{
    if (!f->code.n)
        return kd_arena_printf(arena, "oauth2: cannot fetch token: %u%s%.*s\nResponse: %.*s", status,
                               reason.n ? " " : "", KD_FMT(reason), KD_FMT(kd_str_head(body, ERROR_MAX)));
    kd_str code = quoted(arena, f->code), description = f->description.n ? quoted(arena, f->description) : KD_STR(""),
           uri = f->uri.n ? quoted(arena, f->uri) : KD_STR("");
    return kd_arena_printf(arena, "oauth2: %.*s%s%.*s%s%.*s", KD_FMT(code), description.n ? " " : "",
                           KD_FMT(description), uri.n ? " " : "", KD_FMT(uri));
}

static kd_str in_form(const kd_query *query, kd_str key)
{
    for (uint32_t i = 0; i < query->n; i++)
        if (kd_str_eq(query->v[i].key, key))
            return query->v[i].value;
    return KD_STR("");
}

/* url.ParseQuery's error, of the first pair that it cannot read; empty: none. */
static kd_str form_error(kd_arena *arena, kd_str body)
{
    kd_str item, part, bad;
    while (kd_str_split(&body, '&', &item)) {
        if (kd_str_find(item, ';') >= 0)
            return KD_STR("invalid semicolon separator in query");
        ptrdiff_t equals = kd_str_find(item, '=');
        kd_str key = equals < 0 ? item : kd_str_head(item, (size_t)equals);
        kd_str value = equals < 0 ? KD_STR("") : kd_str_from(item, (size_t)equals + 1);
        if (!kd_go_url_unescape(arena, key, true, &part, &bad) || !kd_go_url_unescape(arena, value, true, &part, &bad))
            return kd_arena_printf(arena, "invalid URL escape %.*s", KD_FMT(quoted(arena, bad)));
    }
    return KD_STR("");
}

/* Empty: it could be read. */
static kd_str read_form(kd_arena *arena, kd_str body, fields *f)
{
    kd_query query = {0};
    kd_str error = form_error(arena, body);
    if (error.n)
        return error;
    if (!kd_go_query_parse(arena, body, &query))
        return KD_STR("out of memory");
    f->access = in_form(&query, KD_STR("access_token"));
    f->type = in_form(&query, KD_STR("token_type"));
    f->code = in_form(&query, KD_STR("error"));
    f->description = in_form(&query, KD_STR("error_description"));
    f->uri = in_form(&query, KD_STR("error_uri"));
    if (!kd_go_int_parse(in_form(&query, KD_STR("expires_in")), &f->expires_in, &error))
        f->expires_in = 0; /* a number out of range would be its bound: no server means that */
    return KD_STR("");
}

static const char *json_kind(const kd_node *node)
{
    switch (node->type) {
    case KD_NODE_BOOL:
        return "bool";
    case KD_NODE_NUMBER:
        return "number";
    case KD_NODE_STRING:
        return "string";
    case KD_NODE_LIST:
        return "array";
    default:
        return "object";
    }
}

/* json.Number, then its Int64: a number, or a text that is one; cut to 32 bits. */
static kd_str read_expiry(kd_arena *arena, const kd_node *node, int64_t *out)
{
    if (node->type == KD_NODE_NULL)
        return KD_STR("");
    if (node->type != KD_NODE_NUMBER && node->type != KD_NODE_STRING)
        return kd_arena_printf(arena, "json: cannot unmarshal %s into Go value of type json.Number", json_kind(node));
    double number;
    kd_str error = KD_STR("");
    if (node->type == KD_NODE_STRING && !kd_go_float_parse(node->text, &number, &error)) {
        kd_str raw = kd_arena_printf(arena, "\"%.*s\"", KD_FMT(kd_str_head(node->text, ERROR_MAX)));
        return kd_arena_printf(arena, "json: invalid number literal, trying to unmarshal %.*s into Number",
                               KD_FMT(quoted(arena, raw)));
    }
    if (!kd_go_int_parse(node->text, out, &error))
        return kd_arena_printf(arena, "strconv.ParseInt: parsing %.*s: %s", KD_FMT(quoted(arena, node->text)),
                               kd_str_find(node->text, '.') >= 0 || kd_str_find(node->text, 'e') >= 0 ||
                                       kd_str_find(node->text, 'E') >= 0
                                   ? "invalid syntax"
                                   : "value out of range");
    if (*out > INT32_MAX)
        *out = INT32_MAX;
    return KD_STR("");
}

/* Members in any case; the last one of a name counts. The first mistake is the error. */
static kd_str read_members(kd_arena *arena, const kd_node *object, fields *f)
{
    const struct {
        kd_str name;
        kd_str *to;
    } texts[] = {{KD_STR_INIT("access_token"), &f->access},
                 {KD_STR_INIT("token_type"), &f->type},
                 {KD_STR_INIT("error"), &f->code},
                 {KD_STR_INIT("error_description"), &f->description},
                 {KD_STR_INIT("error_uri"), &f->uri}};
    kd_str error = KD_STR("");
    for (const kd_node *m = object->first; m; m = m->next) {
        for (size_t i = 0; i < KD_COUNT(texts); i++) {
            if (!kd_str_eq_ci(m->key, texts[i].name) || m->type == KD_NODE_NULL)
                continue;
            if (m->type == KD_NODE_STRING)
                *texts[i].to = m->text;
            else if (!error.n)
                error = kd_arena_printf(arena,
                                        "json: cannot unmarshal %s into Go struct field tokenJSON.%.*s of type string",
                                        json_kind(m), KD_FMT(texts[i].name));
        }
        if (kd_str_eq_ci(m->key, KD_STR("expires_in"))) {
            kd_str wrong = read_expiry(arena, m, &f->expires_in);
            if (wrong.n && !error.n)
                error = wrong;
        }
    }
    return error;
}

/* Empty: it could be read. */
static kd_str read_json(kd_arena *arena, kd_str body, fields *f)
{
    kd_errors errors;
    kd_errors_init(&errors, arena, 4);
    kd_str error = KD_STR("");
    const kd_node *object = kd_json_tree_read(arena, KD_STR("token"), body, &errors, &error);
    if (object)
        return read_members(arena, object, f);
    kd_str value = KD_STR(" into Go value of type ");
    for (size_t i = 0; i + value.n <= error.n; i++)
        if (memcmp(error.p + i, value.p, value.n) == 0)
            return kd_arena_printf(arena, "%.*sinternal.tokenJSON", KD_FMT(kd_str_head(error, i + value.n)));
    return error;
}

static bool is_form(kd_str content_type)
{
    ptrdiff_t end = kd_str_find(content_type, ';');
    kd_str type = kd_str_trim(end < 0 ? content_type : kd_str_head(content_type, (size_t)end));
    return kd_str_eq_ci(type, KD_STR("application/x-www-form-urlencoded")) || kd_str_eq_ci(type, KD_STR("text/plain"));
}

static kd_str scheme_of(kd_str type)
{
    if (type.n == 0 || kd_str_eq_ci(type, KD_STR("bearer")))
        return KD_STR("Bearer");
    if (kd_str_eq_ci(type, KD_STR("mac")))
        return KD_STR("MAC");
    return kd_str_eq_ci(type, KD_STR("basic")) ? KD_STR("Basic") : type;
}

/* "Bearer <token>", with every byte of it: what cannot be sent must fail, not be cut. p is NULL without memory. */
static kd_str compose(kd_arena *arena, kd_str scheme, kd_str access)
{
    char *p = kd_arena_alloc(arena, scheme.n + 1 + access.n);
    if (!p)
        return (kd_str){NULL, 0};
    memcpy(p, scheme.p, scheme.n);
    p[scheme.n] = ' ';
    memcpy(p + scheme.n + 1, access.p, access.n);
    return kd_str_of(p, scheme.n + 1 + access.n);
}

bool kd_oauth_read(kd_arena *arena, unsigned status, kd_str reason, kd_str content_type, kd_str body,
                   kd_oauth_token *token, kd_str *error)
{
    fields f = {.access = KD_STR(""), .type = KD_STR(""), .code = KD_STR("")};
    bool good = status >= 200 && status < 300;
    bool form = is_form(content_type);
    kd_str wrong = form ? read_form(arena, body, &f) : read_json(arena, body, &f);
    if (wrong.n) {
        *error =
            good ? kd_arena_printf(arena, "oauth2: cannot parse %s: %.*s", form ? "response" : "json", KD_FMT(wrong))
                 : refusal(arena, status, reason, body, &(fields){.code = KD_STR("")});
        return false;
    }
    if (!good || f.code.n) {
        *error = refusal(arena, status, reason, body, &f);
        return false;
    }
    if (!f.access.n) {
        *error = KD_STR("oauth2: server response missing access_token");
        return false;
    }
    *token = (kd_oauth_token){.authorization = compose(arena, scheme_of(f.type), f.access), .expires_in = f.expires_in};
    *error = KD_STR("out of memory");
    return token->authorization.p != NULL;
}

kd_ns kd_oauth_renewal(int64_t expires_in)
{
    if (expires_in < 60)
        return 0;
    kd_ns quarter = (expires_in * KD_SECOND - KD_OAUTH_EARLY) / 4;
    return KD_OAUTH_EARLY + (quarter < 60 * KD_SECOND ? quarter : 60 * KD_SECOND);
}
