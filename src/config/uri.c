#include "config/uri.h"

#include <stdlib.h>

static bool is_alnum(uint8_t c)
{
    uint8_t l = kd_lower(c);
    return (l >= 'a' && l <= 'z') || (c >= '0' && c <= '9');
}

/* ---- hosts */

static bool is_host_byte(uint8_t c)
{
    return is_alnum(c) || c == '.' || c == '_' || c == '-';
}

static size_t host_run(kd_str s, size_t at)
{
    size_t end = at;
    while (end < s.n && is_host_byte((uint8_t)s.p[end]))
        end++;
    return end - at;
}

typedef struct host_match {
    kd_str scheme, name, port;
    size_t end;
} host_match;

/* The match of (https?://)?([a-zA-Z0-9._-]+)(:[0-9]{2,6})?/? that begins at `at`. */
static bool match_host(kd_str s, size_t at, host_match *m)
{
    kd_str rest = kd_str_from(s, at);
    size_t scheme = kd_str_starts(rest, KD_STR("http://")) ? 7 : kd_str_starts(rest, KD_STR("https://")) ? 8 : 0;
    if (scheme && host_run(s, at + scheme) == 0)
        scheme = 0; /* the scheme is optional: "http" alone is a name, too */
    size_t name = host_run(s, at + scheme);
    if (name == 0)
        return false;
    m->scheme = kd_str_of(s.p + at, scheme);
    m->name = kd_str_of(s.p + at + scheme, name);
    m->end = at + scheme + name;
    m->port = kd_str_of(s.p + m->end, 0);
    if (m->end < s.n && s.p[m->end] == ':') {
        size_t digits = 0;
        while (digits < 6 && m->end + 1 + digits < s.n && s.p[m->end + 1 + digits] >= '0' &&
               s.p[m->end + 1 + digits] <= '9')
            digits++;
        if (digits >= 2) {
            m->port.n = digits + 1;
            m->end += digits + 1;
        }
    }
    if (m->end < s.n && s.p[m->end] == '/')
        m->end++;
    return true;
}

kd_host_result kd_host_clean(kd_arena *arena, kd_str host, kd_str *out)
{
    host_match found, m;
    int matches = 0;
    for (size_t at = 0; at < host.n && matches < 2;) {
        if (!match_host(host, at, &m)) {
            at++;
            continue;
        }
        found = m;
        matches++;
        at = m.end;
    }
    if (matches != 1)
        return KD_HOST_INVALID;
    size_t n = found.scheme.n + found.name.n + found.port.n;
    if (found.scheme.n) { /* scheme, name and port stand together */
        *out = kd_str_of(found.scheme.p, n);
        return KD_HOST_OK;
    }
    *out = kd_arena_printf(arena, "http://%.*s%.*s", KD_FMT(found.name), KD_FMT(found.port));
    return out->p ? KD_HOST_OK : KD_HOST_NO_MEMORY;
}

const char *kd_host_advice(kd_str host)
{
    ptrdiff_t scheme = kd_str_search(host, KD_STR("://"));
    kd_str rest = scheme < 0 ? host : kd_str_from(host, (size_t)scheme + 3);
    kd_str name = kd_str_head(host, scheme < 0 ? 0 : (size_t)scheme);
    if (host.n == 0)
        return "write an address such as \"http://example.com:8080\"";
    if (scheme >= 0 && !kd_str_eq(name, KD_STR("http")) && !kd_str_eq(name, KD_STR("https")))
        return kd_str_eq_ci(name, KD_STR("http")) || kd_str_eq_ci(name, KD_STR("https"))
                   ? "write the scheme in small letters"
                   : "only http:// and https:// pass here: for other schemes set \"disable_host_sanitize\": true";
    if (kd_str_find(rest, ',') >= 0 || kd_str_find(rest, ' ') >= 0)
        return "write several hosts as a list";
    if (kd_str_find(rest, '@') >= 0 || kd_str_find(rest, '[') >= 0)
        return "credentials and IPv6 addresses pass only with \"disable_host_sanitize\": true";
    if (kd_str_find(rest, '/') >= 0)
        return "a host has no path: move it to url_pattern";
    return "write an address such as \"http://example.com:8080\"";
}

/* ---- paths */

kd_str kd_path_with_slash(kd_arena *arena, kd_str path)
{
    return path.n && path.p[0] == '/' ? path : kd_arena_printf(arena, "/%.*s", KD_FMT(path));
}

/* Does `path` have `name` followed by nothing or by a slash and text in one line, up to its end? */
static bool ends_in(kd_str path, kd_str name)
{
    for (kd_str rest = path;;) {
        ptrdiff_t at = kd_str_search(rest, name);
        if (at < 0)
            return false;
        kd_str tail = kd_str_from(rest, (size_t)at + name.n);
        if (tail.n == 0 || (tail.p[0] == '/' && kd_str_find(tail, '\n') < 0))
            return true;
        rest = kd_str_from(rest, (size_t)at + 1);
    }
}

bool kd_path_is_reserved(kd_str path, const char **why)
{
    for (size_t i = 0; i + 1 < path.n; i++) {
        if (path.p[i] == '*' && path.p[i + 1] != '\n') {
            *why = "an asterisk may only be the last character";
            return true;
        }
    }
    *why = "/__debug, /__echo and /__health belong to the gateway";
    return ends_in(path, KD_STR("/__debug")) || ends_in(path, KD_STR("/__echo")) || ends_in(path, KD_STR("/__health"));
}

/* ---- placeholders */

static bool is_param_byte(uint8_t c, bool whole_segments)
{
    return is_alnum(c) || c == '-' || c == '_' || (!whole_segments && (c == '.' || c == ':' || c == '/'));
}

/* The next placeholder at or behind *at: its name; *at stands behind it and *start on its brace. */
static bool next_param(kd_str path, bool whole_segments, size_t *at, size_t *start, kd_str *name)
{
    for (size_t i = *at; i < path.n; i++) {
        if (path.p[i] != '{' || (whole_segments && (i == 0 || i - 1 < *at || path.p[i - 1] != '/')))
            continue;
        size_t end = i + 1;
        while (end < path.n && is_param_byte((uint8_t)path.p[end], whole_segments))
            end++;
        if (end == i + 1 || end >= path.n || path.p[end] != '}')
            continue;
        *name = kd_str_of(path.p + i + 1, end - i - 1);
        *start = i;
        *at = end + 1;
        return true;
    }
    return false;
}

bool kd_params_find(kd_arena *arena, kd_str path, bool whole_segments, kd_str_list *out)
{
    size_t at = 0, start, braces = 0;
    *out = (kd_str_list){NULL, 0};
    for (size_t i = 0; i < path.n; i++)
        braces += path.p[i] == '{';
    if (braces == 0)
        return true;
    out->v = KD_NEW_ARRAY(arena, kd_str, braces);
    if (!out->v)
        return false;
    while (next_param(path, whole_segments, &at, &start, &out->v[out->n]))
        if (++out->n == braces)
            break;
    return true;
}

static int by_bytes(const void *a, const void *b)
{
    return kd_str_cmp(*(const kd_str *)a, *(const kd_str *)b);
}

void kd_params_sort(kd_str_list *params)
{
    if (params->n < 2)
        return;
    qsort(params->v, params->n, sizeof(kd_str), by_bytes);
    uint32_t n = 1;
    for (uint32_t i = 1; i < params->n; i++)
        if (!kd_str_eq(params->v[i], params->v[n - 1]))
            params->v[n++] = params->v[i];
    params->n = n;
}

bool kd_params_contain(const kd_str_list *params, kd_str name)
{
    for (uint32_t i = 0; i < params->n; i++)
        if (kd_str_eq(params->v[i], name))
            return true;
    return false;
}

kd_str kd_path_to_route(kd_arena *arena, kd_str path, const kd_str_list *params)
{
    if (params->n == 0)
        return path;
    char *text = kd_arena_alloc(arena, path.n + 1);
    if (!text)
        return (kd_str){NULL, 0};
    ptrdiff_t query = kd_str_find(path, '?');
    kd_str head = query < 0 ? path : kd_str_head(path, (size_t)query);
    size_t n = 0, at = 0;
    while (at < head.n) {
        ptrdiff_t close = head.p[at] == '{' ? kd_str_find(kd_str_from(head, at), '}') : -1;
        kd_str name = close > 0 ? kd_str_of(head.p + at + 1, (size_t)close - 1) : KD_STR("");
        if (close > 0 && kd_params_contain(params, name)) {
            text[n++] = ':';
            memcpy(text + n, name.p, name.n);
            n += name.n;
            at += name.n + 2;
        } else {
            text[n++] = head.p[at++];
        }
    }
    memcpy(text + n, path.p + head.n, path.n - head.n);
    n += path.n - head.n;
    text[n] = 0;
    return kd_str_of(text, n);
}

bool kd_param_is_sequential(kd_str name)
{
    if (kd_str_starts(name, KD_STR("JWT.")))
        return name.n > 4;
    if (!kd_str_starts(name, KD_STR("resp")))
        return false;
    size_t i = 4;
    while (i < name.n && name.p[i] >= '0' && name.p[i] <= '9')
        i++;
    return i > 4 && i + 1 < name.n && name.p[i] == '_';
}

static bool add_text(kd_pattern *out, kd_str source, size_t from, size_t to)
{
    if (to > from)
        out->pieces[out->n++] = (kd_piece){KD_PIECE_TEXT, kd_str_of(source.p + from, to - from)};
    return true;
}

bool kd_pattern_compile(kd_arena *arena, kd_str source, const kd_str_list *params, kd_pattern *out)
{
    size_t braces = 0, at = 0, start, text_from = 0;
    kd_str name;
    *out = (kd_pattern){.source = source, .template = source};
    for (size_t i = 0; i < source.n; i++)
        braces += source.p[i] == '{';
    out->pieces = KD_NEW_ARRAY(arena, kd_piece, 2 * braces + 1);
    char *shown = params->n ? kd_arena_alloc(arena, source.n + 3 * braces + 1) : NULL;
    if (!out->pieces || (params->n && !shown))
        return false;
    size_t n = 0;
    while (params->n && next_param(source, false, &at, &start, &name)) {
        add_text(out, source, text_from, start);
        memcpy(shown + n, source.p + text_from, start - text_from);
        n += start - text_from;
        memcpy(shown + n, "{{.", 3);
        n += 3;
        char *key = shown + n;
        memcpy(key, name.p, name.n);
        key[0] = (char)kd_upper((uint8_t)key[0]);
        n += name.n;
        memcpy(shown + n, "}}", 2);
        n += 2;
        out->pieces[out->n++] = (kd_piece){KD_PIECE_PARAM, kd_str_of(key, name.n)};
        text_from = at;
    }
    add_text(out, source, text_from, source.n);
    if (params->n) {
        memcpy(shown + n, source.p + text_from, source.n - text_from);
        n += source.n - text_from;
        out->template = kd_str_of(shown, n);
    }
    return true;
}

kd_str kd_params_print(kd_arena *arena, const kd_str_list *params)
{
    size_t n = 2;
    for (uint32_t i = 0; i < params->n; i++)
        n += params->v[i].n + 1;
    char *text = kd_arena_alloc(arena, n + 1);
    if (!text)
        return (kd_str){NULL, 0};
    size_t at = 0;
    text[at++] = '[';
    for (uint32_t i = 0; i < params->n; i++) {
        if (i)
            text[at++] = ' ';
        memcpy(text + at, params->v[i].p, params->v[i].n);
        at += params->v[i].n;
    }
    text[at++] = ']';
    text[at] = 0;
    return kd_str_of(text, at);
}
