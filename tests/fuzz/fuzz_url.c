/* URLs: whatever the text, the functions stay inside their memory, and what they print is understood alike again. */
#include "text/go/path.h"
#include "text/go/url.h"

#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_escapes(kd_arena *arena, kd_str text, kd_buf *buf)
{
    static const kd_go_escape_mode modes[] = {KD_ESCAPE_QUERY, KD_ESCAPE_PATH_SEGMENT, KD_ESCAPE_PATH};
    kd_str out, bad;
    for (size_t i = 0; i < KD_COUNT(modes); i++) {
        kd_buf_reset(buf, SIZE_MAX);
        kd_go_url_escape(buf, text, modes[i]);
        assert(kd_go_url_unescape(arena, kd_buf_str(buf), modes[i] == KD_ESCAPE_QUERY, &out, &bad));
        assert(kd_str_eq(out, text));
    }
    if (kd_go_url_escaped_path(arena, text, &out, &bad)) {
        kd_str once = out, decoded, again;
        assert(kd_go_url_escaped_path(arena, once, &out, &bad) && kd_str_eq(out, once));
        assert(kd_go_url_unescape(arena, text, false, &decoded, &bad) &&
               kd_go_url_unescape(arena, once, false, &again, &bad));
        assert(kd_str_eq(decoded, again));
    } else {
        assert(bad.n >= 1 && bad.n <= 3 && bad.p[0] == '%');
    }
}

/* Encoding gives a form that parses to itself. */
static void check_query(kd_arena *arena, kd_str text, kd_buf *buf)
{
    kd_query query, again;
    assert(kd_go_query_parse(arena, text, &query));
    kd_buf_reset(buf, SIZE_MAX);
    kd_go_query_encode(&query, buf);
    kd_str once = kd_arena_copy(arena, kd_buf_str(buf));
    assert(kd_go_query_parse(arena, once, &again) && again.n == query.n);
    for (uint32_t i = 0; i < query.n; i++)
        assert(kd_str_eq(query.v[i].key, again.v[i].key) && kd_str_eq(query.v[i].value, again.v[i].value));
    kd_buf_reset(buf, SIZE_MAX);
    kd_go_query_encode(&again, buf);
    assert(kd_str_eq(once, kd_buf_str(buf)));
}

static void check_url(kd_arena *arena, kd_str text)
{
    kd_url url, base;
    kd_str error, out, again;
    if (!kd_go_url_parse(arena, text, &url, &error)) {
        assert(kd_str_starts(error, KD_STR("parse \"")));
        return;
    }
    assert(url.raw_path.n + url.query.n + url.scheme.n <= text.n);
    assert(kd_go_url_parse(arena, KD_STR("http://user@host:1/a/b?c"), &base, &error));
    assert(kd_go_url_resolve(arena, &base, text, &out, &error) && out.p);
    /* A resolved URL that parses resolves to itself. */
    if (kd_go_url_parse(arena, out, &url, &error)) {
        assert(kd_go_url_resolve(arena, &base, out, &again, &error) && again.p);
        kd_url twice;
        assert(kd_go_url_parse(arena, again, &twice, &error));
        assert(kd_str_eq(url.host, twice.host) && kd_str_eq(url.query, twice.query));
    }
}

static void check_path(kd_arena *arena, kd_str text)
{
    kd_str clean = kd_go_path_clean(arena, text), again = kd_go_path_clean(arena, clean);
    assert(clean.n && again.p == clean.p && again.n == clean.n);
    kd_str route = kd_go_path_route(arena, text);
    assert(route.n && route.p[0] == '/' && kd_str_eq(kd_go_path_route(arena, route), route));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    kd_arena arena;
    kd_buf buf;
    char *copy = malloc(size ? size : 1); /* the exact size, so that reading behind it is seen */
    if (size)
        memcpy(copy, data, size);
    kd_str text = {copy, size};
    kd_arena_init(&arena, NULL, 0);
    kd_buf_init(&buf, 1 << 24);
    check_escapes(&arena, text, &buf);
    check_query(&arena, text, &buf);
    check_url(&arena, text);
    check_path(&arena, text);
    kd_buf_fini(&buf);
    kd_arena_reset(&arena);
    free(copy);
    return 0;
}
