#include "lang/jsonschema/own.h"

#include "text/go/quote.h"
#include "text/go/url.h"

#include <stdarg.h>
#include <stdio.h>

#define TEXT_MAX (1u << 20) /* of one message */

bool kd_schema_out_of_memory(kd_jsonschema *schema)
{
    schema->no_memory = true;
    if (!schema->error.n)
        schema->error = KD_STR("out of memory");
    return false;
}

bool kd_schema_fail(kd_jsonschema *schema, const char *format, ...)
{
    if (schema->error.n)
        return false;
    va_list list;
    va_start(list, format);
    int n = vsnprintf(NULL, 0, format, list);
    va_end(list);
    char *to = kd_arena_alloc(schema->arena, (size_t)n + 1);
    if (!to)
        return kd_schema_out_of_memory(schema);
    va_start(list, format);
    vsnprintf(to, (size_t)n + 1, format, list);
    va_end(list);
    schema->error = kd_str_of(to, (size_t)n);
    return false;
}

static kd_str keep(kd_arena *arena, kd_buf *buf)
{
    kd_str s = buf->failed ? (kd_str){NULL, 0} : kd_arena_copy(arena, kd_buf_str(buf));
    kd_buf_fini(buf);
    return s;
}

kd_str kd_schema_quoted(kd_arena *arena, kd_str text)
{
    kd_buf buf;
    kd_buf_init(&buf, TEXT_MAX);
    kd_go_quote(&buf, text);
    return keep(arena, &buf);
}

/* ---- pointers */

kd_str kd_schema_location(kd_arena *arena, kd_str url, kd_str pointer)
{
    kd_buf buf;
    kd_str token;
    bool first = true;
    kd_buf_init(&buf, TEXT_MAX);
    kd_buf_add(&buf, url);
    kd_buf_byte(&buf, '#');
    for (kd_str rest = pointer; kd_str_split(&rest, '/', &token); first = false) {
        if (!first)
            kd_buf_byte(&buf, '/');
        kd_go_url_escape(&buf, token, KD_ESCAPE_PATH_SEGMENT);
    }
    return keep(arena, &buf);
}

kd_str kd_schema_pointer(kd_arena *arena, kd_str pointer, kd_str token)
{
    size_t more = 0;
    for (size_t i = 0; i < token.n; i++)
        more += token.p[i] == '~' || token.p[i] == '/';
    char *to = kd_arena_alloc(arena, pointer.n + 1 + token.n + more + 1), *at = to;
    if (!to)
        return (kd_str){NULL, 0};
    if (pointer.n)
        memcpy(at, pointer.p, pointer.n);
    at += pointer.n;
    *at++ = '/';
    for (size_t i = 0; i < token.n; i++) {
        char c = token.p[i];
        *at++ = c == '/' ? '~' : c;
        if (c == '~' || c == '/')
            *at++ = c == '~' ? '0' : '1';
    }
    return kd_str_of(to, (size_t)(at - to));
}

kd_str kd_schema_pointer_index(kd_arena *arena, kd_str pointer, uint64_t index)
{
    char digits[20];
    return kd_schema_pointer(arena, pointer, kd_str_of(digits, kd_u64_write(digits, index)));
}

/* Undoes ~0 and ~1 in place of a copy. p is NULL for another ~, and without memory. */
static kd_str unescape(kd_arena *arena, kd_str token)
{
    if (kd_str_find(token, '~') < 0)
        return token;
    char *to = kd_arena_alloc(arena, token.n + 1);
    size_t n = 0;
    for (size_t i = 0; to && i < token.n; i++) {
        char c = token.p[i];
        if (c == '~') {
            if (++i == token.n || (token.p[i] != '0' && token.p[i] != '1'))
                return (kd_str){NULL, 0};
            c = token.p[i] == '0' ? '~' : '/';
        }
        to[n++] = c;
    }
    return kd_str_of(to, n);
}

static bool step_into(kd_value *v, kd_str token)
{
    kd_str key;
    uint64_t index;
    if (v->type == KD_OBJECT) {
        kd_value member = kd_value_get(*v, token);
        *v = member;
        return member.type != KD_ABSENT;
    }
    if (v->type != KD_LIST || !kd_str_to_u64(token, UINT32_MAX, &index) || index >= v->n)
        return false;
    kd_value_iter iter = kd_value_each(*v);
    kd_value item = KD_VALUE_ABSENT;
    for (uint64_t i = 0; i <= index; i++)
        if (!kd_value_next(&iter, &key, &item))
            return false;
    *v = item;
    return true;
}

bool kd_schema_lookup(kd_jsonschema *schema, const kd_schema_document *document, kd_str pointer, kd_value *out)
{
    kd_value v = document->value;
    kd_str rest = pointer, token;
    bool wellformed = true, found = true;
    kd_str_split(&rest, '/', &token); /* what stands before the first slash */
    while (wellformed && found && kd_str_split(&rest, '/', &token)) {
        kd_str plain = unescape(schema->arena, token);
        wellformed = plain.p != NULL;
        found = wellformed && step_into(&v, plain);
    }
    *out = v;
    if (found)
        return true;
    kd_str at = kd_schema_quoted(schema->arena, kd_schema_location(schema->arena, document->url, pointer));
    return wellformed ? kd_schema_fail(schema, "json-pointer in %.*s not found", KD_FMT(at))
                      : kd_schema_fail(schema, "invalid json-pointer %.*s", KD_FMT(at));
}

/* ---- URLs */

typedef struct parts {
    kd_str scheme, authority, path, query; /* p is NULL: absent (scheme, authority, query) */
} parts;

static size_t until(kd_str s, size_t at, const char *ends)
{
    while (at < s.n && !strchr(ends, s.p[at]))
        at++;
    return at;
}

static parts split_url(kd_str s)
{
    parts p = {{NULL, 0}, {NULL, 0}, {NULL, 0}, {NULL, 0}};
    size_t at = until(s, 0, ":/?"), end;
    if (at && at < s.n && s.p[at] == ':') {
        p.scheme = kd_str_head(s, at);
        s = kd_str_from(s, at + 1);
    }
    if (kd_str_starts(s, KD_STR("//"))) {
        end = until(s, 2, "/?");
        p.authority = kd_str_of(s.p + 2, end - 2);
        s = kd_str_from(s, end);
    }
    end = until(s, 0, "?");
    p.path = kd_str_head(s, end);
    if (end < s.n)
        p.query = kd_str_from(s, end + 1);
    return p;
}

/* Appends the path without "." and "..": RFC 3986 section 5.2.4. */
static void add_path(kd_buf *out, kd_str path)
{
    kd_str rest = path, segment;
    size_t start = out->n;
    bool first = true, closed = false;
    while (kd_str_split(&rest, '/', &segment)) {
        closed = kd_str_eq(segment, KD_STR(".")) || kd_str_eq(segment, KD_STR(".."));
        if (kd_str_eq(segment, KD_STR(".."))) {
            while (out->n > start && out->p[out->n - 1] != '/')
                out->n--;
            if (out->n > start)
                out->n--;
        } else if (!closed) {
            if (!first)
                kd_buf_byte(out, '/');
            kd_buf_add(out, segment);
        }
        first = false;
    }
    if (closed)
        kd_buf_byte(out, '/');
}

static void write_url(kd_buf *out, kd_str scheme, kd_str authority, kd_str path, kd_str query)
{
    kd_buf_add(out, scheme);
    kd_buf_byte(out, ':');
    if (authority.p) {
        kd_buf_add(out, KD_STR("//"));
        kd_buf_add(out, authority);
    }
    if (authority.p || (path.n && path.p[0] == '/'))
        add_path(out, path);
    else
        kd_buf_add(out, path);
    if (query.p) {
        kd_buf_byte(out, '?');
        kd_buf_add(out, query);
    }
}

static kd_str join(kd_arena *arena, kd_str base, kd_str reference)
{
    parts b = split_url(base), r = split_url(reference);
    kd_buf out;
    kd_buf_init(&out, TEXT_MAX);
    bool opaque = b.scheme.p && !b.authority.p && !(b.path.n && b.path.p[0] == '/');
    if (r.scheme.p) {
        write_url(&out, r.scheme, r.authority, r.path, r.query);
    } else if (opaque || !reference.n) {
        kd_buf_add(&out, base);
    } else if (r.authority.p) {
        write_url(&out, b.scheme, r.authority, r.path, r.query);
    } else if (!r.path.n) {
        write_url(&out, b.scheme, b.authority, b.path, r.query);
    } else if (r.path.p[0] == '/') {
        write_url(&out, b.scheme, b.authority, r.path, r.query);
    } else {
        ptrdiff_t slash = kd_str_rfind(b.path, '/');
        kd_str merged = kd_arena_printf(arena, "%.*s%.*s", slash < 0 ? 1 : (int)slash + 1, slash < 0 ? "/" : b.path.p,
                                        KD_FMT(r.path));
        write_url(&out, b.scheme, b.authority, merged, r.query);
    }
    return keep(arena, &out);
}

bool kd_schema_resolve(kd_jsonschema *schema, kd_str base, kd_str reference, kd_str *url, kd_str *fragment)
{
    ptrdiff_t hash = kd_str_find(reference, '#');
    kd_str plain = hash < 0 ? reference : kd_str_head(reference, (size_t)hash), error;
    kd_str raw = hash < 0 ? KD_STR("") : kd_str_from(reference, (size_t)hash + 1);
    kd_url parsed;
    if (!kd_go_url_unescape(schema->arena, raw, false, fragment, &error)) {
        kd_str shown = kd_schema_quoted(schema->arena, reference), bad = kd_schema_quoted(schema->arena, error);
        return kd_schema_fail(schema, "error in parsing %.*s: invalid URL escape %.*s", KD_FMT(shown), KD_FMT(bad));
    }
    if (!kd_go_url_parse(schema->arena, plain, &parsed, &error)) {
        kd_str shown = kd_schema_quoted(schema->arena, plain);
        return kd_schema_fail(schema, "error in parsing %.*s: %.*s", KD_FMT(shown), KD_FMT(error));
    }
    *url = join(schema->arena, base, plain);
    return (url->p && fragment->p) || kd_schema_out_of_memory(schema);
}
