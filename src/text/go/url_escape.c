#include "text/go/url_escape.h"

#include "text/go/quote.h"
#include "text/go/url.h"

#define P   KD_URL_PATH
#define S   KD_URL_SEGMENT
#define H   KD_URL_HOST
#define U   KD_URL_USER
#define Q   KD_URL_QUERY
#define R   KD_URL_RAW_PATH
#define ALL (P | S | H | U | Q | R)

/* RFC 3986 with the exceptions that Go makes. */
static const uint8_t keeps[256] = {
    ['a' ... 'z'] = ALL,
    ['A' ... 'Z'] = ALL,
    ['0' ... '9'] = ALL,
    ['-'] = ALL,
    ['_'] = ALL,
    ['.'] = ALL,
    ['~'] = ALL,
    ['$'] = P | S | H | U | R,
    ['&'] = P | S | H | U | R,
    ['+'] = P | S | H | U | R,
    ['='] = P | S | H | U | R,
    [':'] = P | S | H | R,
    ['@'] = P | S | R,
    ['/'] = P | R,
    [','] = P | H | U | R,
    [';'] = P | H | U | R,
    ['!'] = H | R,
    ['\''] = H | R,
    ['('] = H | R,
    [')'] = H | R,
    ['*'] = H | R,
    ['['] = H | R,
    [']'] = H | R,
    ['<'] = H,
    ['>'] = H,
    ['"'] = H,
    ['%'] = R,
};

bool kd_url_keeps(uint8_t c, kd_url_part part)
{
    return keeps[c] & part;
}

int kd_url_hex(uint8_t c)
{
    if ((uint8_t)(c - '0') < 10)
        return c - '0';
    c = kd_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

void kd_url_put(kd_buf *out, kd_str s, kd_url_part part)
{
    size_t from = 0;
    for (size_t i = 0; i < s.n; i++) {
        uint8_t c = (uint8_t)s.p[i];
        if (kd_url_keeps(c, part))
            continue;
        if (i > from)
            kd_buf_add(out, (kd_str){s.p + from, i - from});
        from = i + 1;
        if (c == ' ' && part == KD_URL_QUERY) {
            kd_buf_byte(out, '+');
            continue;
        }
        char text[3] = {'%', "0123456789ABCDEF"[c >> 4], "0123456789ABCDEF"[c & 15]};
        kd_buf_add(out, (kd_str){text, 3});
    }
    if (from < s.n)
        kd_buf_add(out, kd_str_from(s, from));
}

void kd_go_url_escape(kd_buf *out, kd_str s, kd_go_escape_mode mode)
{
    kd_url_put(out, s, mode == KD_ESCAPE_QUERY ? KD_URL_QUERY : mode == KD_ESCAPE_PATH ? KD_URL_PATH : KD_URL_SEGMENT);
}

bool kd_url_escapes_fit(kd_str s, bool query, bool *any, kd_str *bad)
{
    *any = false;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '+' && query)
            *any = true;
        if (s.p[i] != '%')
            continue;
        if (s.n - i < 3 || kd_url_hex((uint8_t)s.p[i + 1]) < 0 || kd_url_hex((uint8_t)s.p[i + 2]) < 0) {
            *bad = kd_str_head(kd_str_from(s, i), 3);
            return false;
        }
        *any = true;
        i += 2;
    }
    return true;
}

/* Decodes into `to`, which holds s.n bytes; the escapes are known to be good. */
static size_t decode(char *to, kd_str s, bool query)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (c == '%') {
            c = (char)(kd_url_hex((uint8_t)s.p[i + 1]) << 4 | kd_url_hex((uint8_t)s.p[i + 2]));
            i += 2;
        } else if (c == '+' && query) {
            c = ' ';
        }
        to[n++] = c;
    }
    return n;
}

bool kd_go_url_unescape(kd_arena *arena, kd_str s, bool query, kd_str *out, kd_str *bad)
{
    bool any;
    *out = s;
    if (!kd_url_escapes_fit(s, query, &any, bad))
        return false;
    if (!any)
        return true;
    char *to = kd_arena_alloc(arena, s.n);
    *out = to ? (kd_str){to, decode(to, s, query)} : (kd_str){NULL, 0};
    return true;
}

bool kd_go_url_escaped_path(kd_arena *arena, kd_str raw, kd_str *out, kd_str *bad)
{
    kd_str path;
    bool any;
    if (!kd_url_escapes_fit(raw, false, &any, bad))
        return false;
    size_t i = 0;
    while (i < raw.n && kd_url_keeps((uint8_t)raw.p[i], KD_URL_RAW_PATH))
        i++;
    if (i == raw.n) {
        *out = raw;
        return true;
    }
    *out = (kd_str){NULL, 0};
    if (!kd_go_url_unescape(arena, raw, false, &path, bad))
        return false;
    if (!path.p)
        return true;
    kd_buf buf = kd_buf_in_arena(arena, 3 * path.n);
    kd_url_put(&buf, path, KD_URL_PATH);
    *out = kd_buf_whole(&buf);
    return true;
}

kd_str kd_url_escape_error(kd_arena *arena, kd_str bad)
{
    kd_buf buf = kd_buf_in_arena(arena, 64);
    kd_buf_add(&buf, KD_STR("invalid URL escape "));
    kd_go_quote(&buf, bad);
    return kd_buf_whole(&buf);
}

#define MAX_PAIRS 10000

static bool pair_add(kd_arena *arena, kd_query *query, kd_query_pair pair)
{
    if (query->n == query->cap) {
        uint32_t cap = query->cap ? query->cap * 2 : 8;
        kd_query_pair *v = kd_arena_alloc(arena, cap * sizeof(*v));
        if (!v)
            return false;
        if (query->n)
            memcpy(v, query->v, query->n * sizeof(*v));
        query->v = v;
        query->cap = cap;
    }
    query->v[query->n++] = pair;
    return true;
}

static bool pair_parse(kd_arena *arena, kd_str item, kd_query *out)
{
    kd_str bad;
    kd_query_pair pair = {item, {item.p + item.n, 0}};
    ptrdiff_t equals = kd_str_find(item, '=');
    if (equals >= 0) {
        pair.key = kd_str_head(item, (size_t)equals);
        pair.value = kd_str_from(item, (size_t)equals + 1);
    }
    if (!kd_go_url_unescape(arena, pair.key, true, &pair.key, &bad) ||
        !kd_go_url_unescape(arena, pair.value, true, &pair.value, &bad))
        return true;
    return pair.key.p && pair.value.p && pair_add(arena, out, pair);
}

bool kd_go_query_parse(kd_arena *arena, kd_str raw, kd_query *out)
{
    *out = (kd_query){0};
    if (raw.n == 0)
        return true;
    size_t items = 1;
    for (size_t i = 0; i < raw.n; i++)
        items += raw.p[i] == '&';
    if (items > MAX_PAIRS)
        return true;
    kd_str item;
    while (kd_str_split(&raw, '&', &item))
        if (item.n && kd_str_find(item, ';') < 0 && !pair_parse(arena, item, out))
            return false;
    return true;
}

/* How many of the sorted v[0..n) stand before `key`; equal ones too when `after`. */
static size_t position(const kd_query_pair *v, size_t n, kd_str key, bool after)
{
    size_t low = 0;
    while (low < n) {
        size_t middle = (low + n) / 2;
        int order = kd_str_cmp(v[middle].key, key);
        if (order < 0 || (after && order == 0))
            low = middle + 1;
        else
            n = middle;
    }
    return low;
}

static void reverse(kd_query_pair *v, size_t n)
{
    for (size_t a = 0; a + 1 < n; a++) {
        kd_query_pair pair = v[a];
        v[a] = v[--n];
        v[n] = pair;
    }
}

/* Merges the sorted runs v[0..middle) and v[middle..n): stable and without memory, by turning the parts that must
 * change places. The depth of recursion is logarithmic. */
static void merge(kd_query_pair *v, size_t middle, size_t n)
{
    if (middle == 0 || middle == n || kd_str_cmp(v[middle - 1].key, v[middle].key) <= 0)
        return;
    size_t left, right; /* v[left..middle) and v[middle..right) change places */
    bool from_left = middle > n - middle;
    if (from_left) {
        left = middle / 2;
        right = middle + position(v + middle, n - middle, v[left].key, false);
    } else {
        right = middle + (n - middle) / 2 + 1;
        left = position(v, middle, v[right - 1].key, true);
    }
    reverse(v + left, middle - left);
    reverse(v + middle, right - middle);
    reverse(v + left, right - left);
    /* The pair that was compared with is in its place now and belongs to neither side. */
    size_t turned = left + (right - middle), place = from_left ? turned : turned - 1;
    merge(v, left, place);
    merge(v + place + 1, middle - left - (from_left ? 1 : 0), n - place - 1);
}

static void sort_pairs(kd_query_pair *v, size_t n)
{
    if (n > 16) {
        sort_pairs(v, n / 2);
        sort_pairs(v + n / 2, n - n / 2);
        merge(v, n / 2, n);
        return;
    }
    for (size_t i = 1; i < n; i++) {
        kd_query_pair pair = v[i];
        size_t at = i;
        for (; at && kd_str_cmp(v[at - 1].key, pair.key) > 0; at--)
            v[at] = v[at - 1];
        v[at] = pair;
    }
}

void kd_go_query_encode(kd_query *query, kd_buf *out)
{
    sort_pairs(query->v, query->n);
    for (uint32_t i = 0; i < query->n; i++) {
        if (i)
            kd_buf_byte(out, '&');
        kd_url_put(out, query->v[i].key, KD_URL_QUERY);
        kd_buf_byte(out, '=');
        kd_url_put(out, query->v[i].value, KD_URL_QUERY);
    }
}
