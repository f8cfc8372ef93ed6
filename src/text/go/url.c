#include "text/go/url.h"

#include "text/go/quote.h"
#include "text/go/url_escape.h"

/* A parsed URL with what kd_url does not keep. */
typedef struct parts {
    kd_url url;
    bool opaque;    /* raw_path is the text behind "scheme:", not a path */
    bool omit_host; /* "scheme:/path": no "//" when printed */
} parts;

static bool starts_with_slashes(kd_str s, size_t n)
{
    return s.n >= n && memcmp(s.p, "///", n) == 0;
}

/* Splits "scheme:" off. False for a text that begins with ':'. */
static bool split_scheme(kd_str text, kd_str *scheme, kd_str *rest)
{
    *scheme = (kd_str){text.p, 0};
    *rest = text;
    for (size_t i = 0; i < text.n; i++) {
        uint8_t c = (uint8_t)text.p[i], lower = kd_lower(c);
        if (lower >= 'a' && lower <= 'z')
            continue;
        if (c == ':' && i == 0)
            return false;
        if (c == ':') {
            *scheme = kd_str_head(text, i);
            *rest = kd_str_from(text, i + 1);
            return true;
        }
        if (i == 0 || !(c == '+' || c == '-' || c == '.' || (uint8_t)(c - '0') < 10))
            return true;
    }
    return true;
}

static bool userinfo_valid(kd_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!kd_url_keeps((uint8_t)s.p[i], KD_URL_RAW_PATH) || s.p[i] == '/' || s.p[i] == '[' || s.p[i] == ']')
            return false;
    return true;
}

/* Decodes "user:password" with the first colon kept as the separator. */
static bool userinfo_parse(kd_arena *arena, kd_str s, kd_url *out, kd_str *error)
{
    if (!userinfo_valid(s)) {
        *error = KD_STR("net/url: invalid userinfo");
        return false;
    }
    /* A colon that separates decodes to itself, so the whole is decoded at once; only an error must not show it. */
    kd_str bad;
    out->has_user = true;
    if (kd_go_url_unescape(arena, s, false, &out->userinfo, &bad))
        return out->userinfo.p != NULL;
    ptrdiff_t colon = kd_str_find(s, ':');
    if (colon >= bad.p - s.p)
        bad = kd_str_head(bad, (size_t)(s.p + colon - bad.p));
    *error = kd_url_escape_error(arena, bad);
    return false;
}

static bool authority_parse(kd_arena *arena, kd_str authority, kd_url *out, kd_str *error)
{
    ptrdiff_t at = kd_str_rfind(authority, '@');
    kd_str host = kd_str_from(authority, (size_t)(at + 1));
    if (!kd_url_host_parse(arena, out->scheme, host, &out->host, error) || !out->host.p)
        return false;
    return at < 0 || userinfo_parse(arena, kd_str_head(authority, (size_t)at), out, error);
}

static bool has_control(kd_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((uint8_t)s.p[i] < 0x20 || s.p[i] == 0x7f)
            return true;
    return false;
}

static kd_str lower_case(kd_arena *arena, kd_str s)
{
    size_t i = 0;
    while (i < s.n && kd_lower((uint8_t)s.p[i]) == (uint8_t)s.p[i])
        i++;
    if (i == s.n)
        return s;
    kd_str copy = kd_arena_copy(arena, s);
    for (i = 0; copy.p && i < s.n; i++)
        ((char *)copy.p)[i] = (char)kd_lower((uint8_t)s.p[i]);
    return copy;
}

static kd_str empty_at(kd_str s)
{
    return (kd_str){s.p, 0};
}

/* url.Parse of a text without fragment. *error is what follows `parse "…": `; its p is NULL without memory. */
static bool parse(kd_arena *arena, kd_str text, parts *out, kd_str *error)
{
    kd_url *url = &out->url;
    kd_str rest, bad;
    bool any, any_slash;
    *out = (parts){.url = {.userinfo = empty_at(text), .host = empty_at(text), .query = empty_at(text)}};
    if (has_control(text)) {
        *error = KD_STR("net/url: invalid control character in URL");
        return false;
    }
    if (!split_scheme(text, &url->scheme, &rest)) {
        *error = KD_STR("missing protocol scheme");
        return false;
    }
    *error = (kd_str){NULL, 0};
    url->scheme = lower_case(arena, url->scheme);
    if (url->scheme.n && !url->scheme.p)
        return false;
    ptrdiff_t question = kd_str_find(rest, '?');
    if (question >= 0) {
        url->has_query = true;
        url->query = kd_str_from(rest, (size_t)question + 1);
        rest = kd_str_head(rest, (size_t)question);
    }
    any_slash = starts_with_slashes(rest, 1);
    if (!any_slash && url->scheme.n) {
        out->opaque = true;
        url->raw_path = rest;
        return true;
    }
    ptrdiff_t colon = kd_str_find(rest, ':'), slash = kd_str_find(rest, '/');
    if (!any_slash && colon >= 0 && (slash < 0 || colon < slash)) {
        *error = KD_STR("first path segment in URL cannot contain colon");
        return false;
    }
    if (starts_with_slashes(rest, 2) && (url->scheme.n || !starts_with_slashes(rest, 3))) {
        kd_str authority = kd_str_from(rest, 2);
        ptrdiff_t end = kd_str_find(authority, '/');
        rest = end < 0 ? empty_at(rest) : kd_str_from(authority, (size_t)end);
        if (!authority_parse(arena, end < 0 ? authority : kd_str_head(authority, (size_t)end), url, error))
            return false;
    } else if (url->scheme.n) {
        out->omit_host = true;
    }
    url->raw_path = rest;
    if (kd_url_escapes_fit(rest, false, &any, &bad))
        return true;
    *error = kd_url_escape_error(arena, bad);
    return false;
}

/* `parse "<text>": <why>` in the arena. */
static kd_str parse_error(kd_arena *arena, kd_str text, kd_str why)
{
    kd_buf buf = kd_buf_in_arena(arena, 4 * text.n + why.n + 16);
    if (!why.p)
        return (kd_str){NULL, 0};
    kd_buf_add(&buf, KD_STR("parse "));
    kd_go_quote(&buf, text);
    kd_buf_add(&buf, KD_STR(": "));
    kd_buf_add(&buf, why);
    return kd_buf_whole(&buf);
}

/* The same with a fragment, which is checked and dropped. */
static bool parse_whole(kd_arena *arena, kd_str text, parts *out, kd_str *error)
{
    ptrdiff_t hash = kd_str_find(text, '#');
    kd_str before = hash < 0 ? text : kd_str_head(text, (size_t)hash), why, bad;
    bool any;
    if (!parse(arena, before, out, &why)) {
        *error = parse_error(arena, before, why);
        return false;
    }
    if (hash < 0 || kd_url_escapes_fit(kd_str_from(text, (size_t)hash + 1), false, &any, &bad))
        return true;
    *error = parse_error(arena, text, kd_url_escape_error(arena, bad));
    return false;
}

bool kd_go_url_parse(kd_arena *arena, kd_str text, kd_url *out, kd_str *error)
{
    parts whole;
    if (!parse_whole(arena, text, &whole, error))
        return false;
    *out = whole.url;
    return true;
}

/* Appends the path made of base and reference, dot segments resolved (RFC 3986 sections 5.2.3 and 5.2.4). Both are
 * escaped. `to` has room for both and a slash. */
static kd_str path_resolve(char *to, kd_str base, kd_str reference)
{
    kd_str pieces[2] = {base, reference};
    if (starts_with_slashes(reference, 1))
        pieces[0].n = 0;
    else if (reference.n)
        pieces[0].n = (size_t)(kd_str_rfind(base, '/') + 1);
    if (pieces[0].n + pieces[1].n == 0)
        return (kd_str){to, 0};
    char *full = to + base.n + reference.n + 2; /* the second half of the room */
    for (size_t i = 0, n = 0; i < 2; n += pieces[i++].n)
        if (pieces[i].n)
            memcpy(full + n, pieces[i].p, pieces[i].n);
    kd_str rest = {full, pieces[0].n + pieces[1].n}, piece = {full, 0};
    size_t n = 0;
    bool first = true;
    to[n++] = '/';
    while (kd_str_split(&rest, '/', &piece)) {
        if (kd_str_eq(piece, KD_STR("."))) {
            first = false;
        } else if (kd_str_eq(piece, KD_STR(".."))) {
            ptrdiff_t slash = kd_str_rfind((kd_str){to + 1, n - 1}, '/');
            n = slash >= 0 ? (size_t)slash + 1 : 1;
            first = n == 1;
        } else {
            if (!first)
                to[n++] = '/';
            memcpy(to + n, piece.p, piece.n);
            n += piece.n;
            first = false;
        }
    }
    if (kd_str_eq(piece, KD_STR(".")) || kd_str_eq(piece, KD_STR("..")))
        to[n++] = '/';
    return n > 1 && to[1] == '/' ? (kd_str){to + 1, n - 1} : (kd_str){to, n};
}

static void put_userinfo(kd_buf *out, kd_str userinfo)
{
    ptrdiff_t colon = kd_str_find(userinfo, ':');
    kd_url_put(out, colon < 0 ? userinfo : kd_str_head(userinfo, (size_t)colon), KD_URL_USER);
    if (colon >= 0) {
        kd_buf_byte(out, ':');
        kd_url_put(out, kd_str_from(userinfo, (size_t)colon + 1), KD_URL_USER);
    }
    kd_buf_byte(out, '@');
}

/* Prints the URL as Go's URL.String; raw_path is escaped already. */
static kd_str print(kd_arena *arena, const parts *url)
{
    const kd_url *u = &url->url;
    size_t most = u->scheme.n + 3 * (u->userinfo.n + u->host.n) + u->raw_path.n + u->query.n + 16;
    kd_buf buf = kd_buf_in_arena(arena, most);
    if (u->scheme.n) {
        kd_buf_add(&buf, u->scheme);
        kd_buf_byte(&buf, ':');
    }
    bool has_authority = u->host.n || u->has_user;
    if (!url->opaque && (u->scheme.n || has_authority) && (has_authority || !url->omit_host)) {
        if (has_authority || u->raw_path.n)
            kd_buf_add(&buf, KD_STR("//"));
        if (u->has_user)
            put_userinfo(&buf, u->userinfo);
        kd_url_put(&buf, u->host, KD_URL_HOST);
    }
    kd_buf_add(&buf, u->raw_path);
    if (u->has_query) {
        kd_buf_byte(&buf, '?');
        kd_buf_add(&buf, u->query);
    }
    return kd_buf_whole(&buf);
}

bool kd_go_url_resolve(kd_arena *arena, const kd_url *base, kd_str reference, kd_str *out, kd_str *error)
{
    parts ref;
    kd_str bad;
    *out = (kd_str){NULL, 0};
    if (!parse_whole(arena, reference, &ref, error)) {
        return !error->p; /* without memory there is neither a text nor an error */
    }
    kd_url *u = &ref.url;
    bool own_authority = u->scheme.n || u->host.n || u->has_user;
    bool base_opaque = base->scheme.n && base->raw_path.n && base->raw_path.p[0] != '/';
    kd_str base_path = {"", 0}, own_path = {"", 0};
    if (!u->scheme.n)
        u->scheme = base->scheme;
    if (!ref.opaque && !kd_go_url_escaped_path(arena, u->raw_path, &own_path, &bad))
        return true; /* cannot happen: the parser looked at the escapes */
    if (!own_authority) {
        if (!u->raw_path.n && !u->has_query) {
            u->query = base->query;
            u->has_query = base->query.n > 0;
        }
        if (base_opaque && !u->raw_path.n) {
            ref.opaque = true;
            u->raw_path = base->raw_path;
        } else {
            u->host = base->host;
            u->userinfo = base->userinfo;
            u->has_user = base->has_user;
            if (!base_opaque && !kd_go_url_escaped_path(arena, base->raw_path, &base_path, &bad))
                base_path = KD_STR("");
        }
    }
    if (!base_path.p || !own_path.p)
        return true;
    if (!ref.opaque) {
        char *to = kd_arena_alloc(arena, 2 * (base_path.n + own_path.n + 2));
        if (!to)
            return true;
        u->raw_path = own_authority ? path_resolve(to, own_path, KD_STR("")) : path_resolve(to, base_path, own_path);
    }
    *out = print(arena, &ref);
    return true;
}

bool kd_go_url_same_domain(kd_str sub, kd_str parent)
{
    if (kd_str_eq_ci(sub, parent))
        return true;
    if (sub.n <= parent.n || kd_str_find(sub, ':') >= 0)
        return false;
    return sub.p[sub.n - parent.n - 1] == '.' && kd_str_eq_ci(kd_str_from(sub, sub.n - parent.n), parent);
}
