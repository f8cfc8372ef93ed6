#include "gateway/router_fold.h"
#include "gateway/router_tree.h"
#include "text/go/path.h"
#include "text/go/quote.h"
#include "text/go/url.h"
#include "text/utf8.h"

kd_str kd_router_clean_path(kd_arena *arena, kd_str s)
{
    bool clean = s.n && s.p[0] == '/';
    for (size_t i = 1; clean && i < s.n; i++)
        clean = s.p[i - 1] != '/' || (s.p[i] != '/' && s.p[i] != '.');
    if (clean)
        return s;
    char *to = kd_arena_alloc(arena, s.n + 2);
    if (!to)
        return (kd_str){NULL, 0};
    size_t n = 0; /* elements so far, each with its slash in front */
    bool trailing = s.n > 1 && s.p[s.n - 1] == '/';
    kd_str piece;
    while (kd_str_split(&s, '/', &piece)) {
        if (piece.n == 0)
            continue;
        if (kd_str_eq(piece, KD_STR("."))) {
            trailing |= !s.p;
        } else if (kd_str_eq(piece, KD_STR(".."))) {
            while (n && to[--n] != '/')
                ;
        } else {
            to[n++] = '/';
            memcpy(to + n, piece.p, piece.n);
            n += piece.n;
        }
    }
    if (n == 0 || trailing)
        to[n++] = '/';
    return kd_str_of(to, n);
}

/* Bytes of a rune whose first ones may have been used up by the fragments before. */
typedef struct rune_bytes {
    uint8_t b[4];
} rune_bytes;

static rune_bytes shift(rune_bytes rune, size_t n)
{
    rune_bytes out = {{0}};
    for (size_t i = n; i < 4; i++)
        out.b[i - n] = rune.b[i];
    return out;
}

static void encode(rune_bytes *rune, uint32_t value)
{
    kd_utf8_encode((char *)rune->b, value);
}

typedef struct repair {
    char *out;
    size_t n; /* of the result, once there is one */
} repair;

static bool repair_down(repair *r, const kd_route_node *n, kd_str path, size_t at, rune_bytes rune);

static bool finish(repair *r, size_t at)
{
    r->n = at;
    return true;
}

static bool finish_with(repair *r, size_t at, const char *p, size_t n)
{
    memcpy(r->out + at, p, n);
    return finish(r, at + n);
}

static bool is_slash(kd_str s)
{
    return s.n == 1 && s.p[0] == '/';
}

/* The path ends with this node. */
static bool repair_end(repair *r, const kd_route_node *n, size_t at)
{
    if (n->route)
        return finish(r, at);
    const kd_route_node *child = kd_route_child(n, '/');
    if (child &&
        ((child->n_frag == 1 && child->route) || (child->kind == KD_ROUTE_CATCH_ALL && child->children[0].route)))
        return finish_with(r, at, "/", 1);
    return false;
}

/* The rune that the bytes behind a fragment of n_frag bytes belong to; *off of its bytes lie within the fragment. A
 * fragment ends within a rune when routes share its first bytes. */
static uint32_t rune_behind(kd_str path, size_t n_frag, size_t *off)
{
    size_t max = n_frag < 3 ? n_frag : 3;
    for (*off = 0; *off < max; ++*off) {
        size_t i = n_frag - *off;
        if ((path.p[i] & 0xC0) != 0x80) {
            uint32_t rune;
            kd_utf8_decode(path.p + i, path.n - i, &rune);
            return rune;
        }
    }
    return 0;
}

/* Tries the static children of n: first the one of the lower-case letter, then the one of the upper-case letter.
 * `whole` is the path from the beginning of n's fragment, `path` what is left behind it. *last: the answer is final,
 * gin looks no further. */
static bool repair_children(repair *r, const kd_route_node *n, kd_str whole, kd_str path, size_t at, rune_bytes *rune,
                            bool *last)
{
    const kd_route_node *child;
    *rune = shift(*rune, n->n_frag);
    if (rune->b[0] == 0) {
        size_t off;
        uint32_t letter = rune_behind(whole, n->n_frag, &off), lower = kd_rune_lower(letter);
        encode(rune, lower);
        *rune = shift(*rune, off);
        child = kd_route_child(n, rune->b[0]);
        if (child && repair_down(r, child, path, at, *rune))
            return true;
        uint32_t upper = kd_rune_upper(letter);
        if (upper == lower)
            return false;
        encode(rune, upper);
        *rune = shift(*rune, off);
    }
    child = kd_route_child(n, rune->b[0]);
    *last = child && !n->wild;
    return child && repair_down(r, child, path, at, *rune);
}

/* Copies the value of a wildcard as it is. *down is the node to go on with, or NULL: then the answer is final. */
static bool repair_wildcard(repair *r, const kd_route_node *n, kd_str *path, size_t *at, const kd_route_node **down)
{
    *down = NULL;
    if (n->kind == KD_ROUTE_CATCH_ALL)
        return finish_with(r, *at, path->p, path->n);
    ptrdiff_t slash = kd_str_find(*path, '/');
    size_t end = slash < 0 ? path->n : (size_t)slash;
    memcpy(r->out + *at, path->p, end);
    *at += end;
    if (end < path->n) {
        if (n->n_children == 0)
            return path->n == end + 1 && finish(r, *at);
        *path = kd_str_from(*path, end);
        *down = &n->children[0];
        return false;
    }
    if (n->route)
        return finish(r, *at);
    const kd_route_node *child = n->children;
    return n->n_children == 1 && child->n_frag == 1 && child->frag[0] == '/' && child->route &&
           finish_with(r, *at, "/", 1);
}

/* Equal without regard to case? The first bytes have been compared on the way here. */
static bool same_letters(kd_str path, const kd_route_node *n, size_t bytes)
{
    return bytes <= 1 || kd_str_eq_fold(kd_str_of(path.p + 1, bytes - 1), kd_str_of(n->frag + 1, bytes - 1));
}

static bool repair_down(repair *r, const kd_route_node *n, kd_str path, size_t at, rune_bytes rune)
{
    while (path.n >= n->n_frag && same_letters(path, n, n->n_frag)) {
        kd_str whole = path;
        path = kd_str_from(path, n->n_frag);
        memcpy(r->out + at, n->frag, n->n_frag);
        at += n->n_frag;
        if (path.n == 0)
            return repair_end(r, n, at);
        bool last = false;
        if ((n->n_first || !n->wild) && repair_children(r, n, whole, path, at, &rune, &last))
            return true;
        if (last)
            return false;
        if (!n->wild)
            return is_slash(path) && n->route && finish(r, at);
        const kd_route_node *down;
        if (repair_wildcard(r, &n->children[n->n_children - 1], &path, &at, &down))
            return true;
        if (!down)
            return false;
        n = down;
    }
    if (is_slash(path))
        return finish(r, at);
    return path.n && n->n_frag == path.n + 1 && n->frag[path.n] == '/' && same_letters(path, n, path.n) && n->route &&
           finish_with(r, at, n->frag, n->n_frag);
}

bool kd_route_tree_repair(const kd_route_node *root, kd_str path, char *out, size_t *n_out)
{
    repair r = {out, 0};
    bool found = repair_down(&r, root, path, 0, (rune_bytes){{0}});
    *n_out = r.n;
    return found;
}

/* A buffer over arena memory: it never grows beyond `max`. */
static bool fixed_buf(kd_arena *arena, kd_buf *buf, size_t max)
{
    *buf = (kd_buf){.p = kd_arena_alloc(arena, max), .cap = max, .max = max};
    return buf->p != NULL;
}

/* path.Clean, but a trailing slash stays. */
static kd_str clean_keeping_slash(kd_arena *arena, kd_str s)
{
    kd_str clean = kd_go_path_clean(arena, s);
    if (!clean.p || s.n == 0 || s.p[s.n - 1] != '/' || clean.p[clean.n - 1] == '/')
        return clean;
    return kd_arena_printf(arena, "%.*s/", KD_FMT(clean));
}

/* X-Forwarded-Prefix reduced to letters, digits, '-' and single slashes, and a slash behind it; empty when it names
 * nothing. */
static bool clean_prefix(kd_arena *arena, kd_str prefix, kd_str *out)
{
    kd_str clean = kd_go_path_clean(arena, prefix);
    char *to = clean.p ? kd_arena_alloc(arena, clean.n + 1) : NULL;
    *out = kd_str_of(to, 0);
    if (!to || kd_str_eq(clean, KD_STR(".")))
        return to != NULL;
    for (size_t i = 0; i < clean.n; i++) {
        uint8_t c = (uint8_t)clean.p[i], letter = kd_lower(c);
        bool again = c == '/' && out->n && to[out->n - 1] == '/';
        if (!again && ((letter >= 'a' && letter <= 'z') || (c >= '0' && c <= '9') || c == '/' || c == '-'))
            to[out->n++] = (char)c;
    }
    to[out->n++] = '/';
    return true;
}

/* The path of the redirect, escaped, made absolute and cleaned as http.Redirect does it. */
static kd_str word_path(kd_arena *arena, const kd_route_match *match, kd_str origin, kd_str prefix)
{
    kd_buf escaped;
    kd_str front = KD_STR(""), none = {NULL, 0};
    if (match->takes_prefix && !clean_prefix(arena, prefix, &front))
        return none;
    if (!fixed_buf(arena, &escaped, 3 * (front.n + match->path.n) + 1))
        return none;
    if (origin.n && front.n && front.p[0] != '/')
        kd_buf_byte(&escaped, '/');
    kd_go_url_escape(&escaped, front, KD_ESCAPE_PATH);
    kd_go_url_escape(&escaped, match->path, KD_ESCAPE_PATH);
    if (escaped.failed)
        return none;
    kd_str path = kd_buf_str(&escaped);
    if (origin.n)
        return path;
    if (path.p[0] != '/') {
        kd_str folder = kd_str_head(path, (size_t)(kd_str_rfind(path, '/') + 1));
        path = kd_arena_printf(arena, "%.*s%.*s", KD_FMT(folder), KD_FMT(path));
    }
    return path.p ? clean_keeping_slash(arena, path) : none;
}

/* Bytes that are not ASCII as %xx. */
static kd_str escape_high(kd_arena *arena, kd_str s)
{
    static const char hex[] = "0123456789abcdef";
    char *to = kd_arena_alloc(arena, 3 * s.n);
    if (!to)
        return (kd_str){NULL, 0};
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        uint8_t c = (uint8_t)s.p[i];
        if (c < 0x80) {
            to[n++] = (char)c;
        } else {
            to[n++] = '%';
            to[n++] = hex[c >> 4];
            to[n++] = hex[c & 15];
        }
    }
    return kd_str_of(to, n);
}

bool kd_redirect_word(kd_arena *arena, const kd_route_match *match, kd_str method, kd_str origin, kd_str prefix,
                      kd_str query, bool has_query, kd_redirect *out)
{
    kd_str path = word_path(arena, match, origin, prefix);
    if (!path.p)
        return false;
    kd_str url =
        kd_arena_printf(arena, "%.*s%.*s%s%.*s", KD_FMT(origin), KD_FMT(path), has_query ? "?" : "", KD_FMT(query));
    bool get = kd_str_eq(method, KD_STR("GET"));
    *out = (kd_redirect){.body = KD_STR(""), .has_type = get || kd_str_eq(method, KD_STR("HEAD"))};
    out->location = url.p ? escape_high(arena, url) : url;
    if (!out->location.p)
        return false;
    if (!get)
        return true;
    kd_buf body;
    if (!fixed_buf(arena, &body, 5 * url.n + 64))
        return false;
    kd_buf_add(&body, KD_STR("<a href=\""));
    kd_go_html_escape(&body, url);
    kd_buf_add(&body, KD_STR("\">Moved Permanently</a>.\n\n"));
    out->body = kd_buf_str(&body);
    return !body.failed;
}
