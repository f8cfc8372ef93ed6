#include "http/headers.h"

/* Lists above this length are merged from sorted runs of it. */
#define RUN 32
/* Fields that the first allocation of a list holds: enough for what browsers and services send. */
#define FIRST_ROOM 16

static const kd_str names[KD_HEADER_COUNT] = {KD_STR_INIT(""),
#define X(name, text) KD_STR_INIT(text),
                                              KD_HEADER_TOKENS(X)
#undef X
};

/* The token at the slot of its name's hash; no two names meet. When a new name takes a slot that is in use (the
 * compiler says so), other factors in `hash` must be found; test_headers finds a name at the wrong slot. */
static const uint8_t slots[128] = {
    [2] = KD_HEADER_TRAILER,
    [7] = KD_HEADER_X_FORWARDED_PREFIX,
    [8] = KD_HEADER_ACCEPT_ENCODING,
    [12] = KD_HEADER_CONNECTION,
    [21] = KD_HEADER_SET_COOKIE,
    [24] = KD_HEADER_X_FORWARDED_HOST,
    [26] = KD_HEADER_TE,
    [28] = KD_HEADER_RETRY_AFTER,
    [29] = KD_HEADER_COOKIE,
    [32] = KD_HEADER_ORIGIN,
    [34] = KD_HEADER_X_REAL_IP,
    [36] = KD_HEADER_X_FORWARDED_VIA,
    [39] = KD_HEADER_TRANSFER_ENCODING,
    [42] = KD_HEADER_USER_AGENT,
    [43] = KD_HEADER_HOST,
    [44] = KD_HEADER_CONTENT_TYPE,
    [47] = KD_HEADER_KEEP_ALIVE,
    [50] = KD_HEADER_X_APPENGINE_REMOTE_ADDR,
    [52] = KD_HEADER_X_KRAKEND_COMPLETED,
    [55] = KD_HEADER_CONTENT_ENCODING,
    [56] = KD_HEADER_CONTENT_LENGTH,
    [57] = KD_HEADER_CACHE_CONTROL,
    [59] = KD_HEADER_DATE,
    [61] = KD_HEADER_COOKIE2,
    [67] = KD_HEADER_UPGRADE,
    [69] = KD_HEADER_PROXY_AUTHORIZATION,
    [70] = KD_HEADER_IDEMPOTENCY_KEY,
    [80] = KD_HEADER_REFERER,
    [81] = KD_HEADER_PROXY_AUTHENTICATE,
    [85] = KD_HEADER_ALLOW,
    [88] = KD_HEADER_PRAGMA,
    [90] = KD_HEADER_EXPECT,
    [94] = KD_HEADER_X_KRAKEND,
    [103] = KD_HEADER_AUTHORIZATION,
    [106] = KD_HEADER_LOCATION,
    [109] = KD_HEADER_WWW_AUTHENTICATE,
    [111] = KD_HEADER_X_FORWARDED_FOR,
    [115] = KD_HEADER_VARY,
    [120] = KD_HEADER_RANGE,
    [126] = KD_HEADER_ACCEPT,
};

static size_t hash(kd_str name)
{
    const uint8_t *p = (const uint8_t *)name.p;
    return (name.n + p[0] * (size_t)23 + p[name.n - 1] * (size_t)27 + p[name.n / 2]) % KD_COUNT(slots);
}

static uint64_t load8(const char *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

static uint32_t load4(const char *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

/* Are n bytes equal? By loads that overlap: for names of this length several times faster than memcmp. */
static bool same(const char *a, const char *b, size_t n)
{
    if (n > 16)
        return load8(a) == load8(b) && load8(a + 8) == load8(b + 8) && memcmp(a + 16, b + 16, n - 16) == 0;
    if (n >= 8)
        return load8(a) == load8(b) && load8(a + n - 8) == load8(b + n - 8);
    if (n >= 4)
        return load4(a) == load4(b) && load4(a + n - 4) == load4(b + n - 4);
    return memcmp(a, b, n) == 0;
}

kd_token kd_token_of(kd_str canonical_name)
{
    if (KD_UNLIKELY(canonical_name.n == 0))
        return KD_HEADER_OTHER;
    kd_token token = (kd_token)slots[hash(canonical_name)];
    const kd_str *name = &names[token];
    return name->n == canonical_name.n && same(name->p, canonical_name.p, name->n) ? token : KD_HEADER_OTHER;
}

kd_str kd_token_name(kd_token token)
{
    return names[token];
}

kd_header *kd_headers_grow(kd_headers *h)
{
    uint32_t cap = h->cap ? h->cap * 2 : FIRST_ROOM;
    kd_header *v = NULL;
    if (h->cap <= UINT32_MAX / 2 / sizeof(kd_header))
        v = kd_arena_alloc(h->arena, cap * sizeof(kd_header));
    if (KD_UNLIKELY(!v)) {
        h->failed = true;
        return NULL;
    }
    if (h->n)
        memcpy(v, h->v, h->n * sizeof(kd_header));
    h->v = v;
    h->cap = cap;
    return &v[h->n];
}

static bool add(kd_headers *h, kd_token token, kd_str name, kd_str value, unsigned flags)
{
    if (name.n > UINT16_MAX || value.n > UINT32_MAX)
        return false;
    kd_header *header = kd_headers_room(h);
    if (!header)
        return false;
    *header = (kd_header){.name = name.p,
                          .value = value.p,
                          .value_n = (uint32_t)value.n,
                          .name_n = (uint16_t)name.n,
                          .token = (uint8_t)token,
                          .flags = (uint8_t)flags};
    h->n++;
    return true;
}

bool kd_headers_add(kd_headers *h, kd_str name, kd_str value)
{
    return add(h, kd_token_of(name), name, value, 0);
}

bool kd_headers_add_token(kd_headers *h, kd_token token, kd_str value)
{
    return add(h, token, names[token], value, 0);
}

bool kd_headers_add_checked(kd_headers *h, kd_token token, kd_str value)
{
    return add(h, token, names[token], value, KD_HEADER_CHECKED);
}

/* Is this field of the name that `token` and `name` stand for? */
static bool is_named(const kd_header *header, kd_token token, kd_str name)
{
    return header->token == token && (token != KD_HEADER_OTHER || kd_str_eq(kd_header_name(header), name));
}

bool kd_headers_set(kd_headers *h, kd_str name, kd_str value)
{
    if (value.n > UINT32_MAX)
        return false;
    kd_token token = kd_token_of(name);
    uint32_t kept = 0;
    bool found = false;
    for (uint32_t i = 0; i < h->n; i++) {
        if (is_named(&h->v[i], token, name)) {
            if (found)
                continue;
            found = true;
            h->v[i].value = value.p;
            h->v[i].value_n = (uint32_t)value.n;
            h->v[i].flags &= (uint8_t)~KD_HEADER_CHECKED;
        }
        h->v[kept++] = h->v[i];
    }
    h->n = kept;
    return found || add(h, token, name, value, 0);
}

static uint32_t drop(kd_headers *h, kd_token token, kd_str name)
{
    uint32_t kept = 0, n = h->n;
    for (uint32_t i = 0; i < n; i++)
        if (!is_named(&h->v[i], token, name))
            h->v[kept++] = h->v[i];
    h->n = kept;
    return n - kept;
}

uint32_t kd_headers_remove(kd_headers *h, kd_str name)
{
    return drop(h, kd_token_of(name), name);
}

uint32_t kd_headers_remove_token(kd_headers *h, kd_token token)
{
    return drop(h, token, names[token]);
}

static const kd_header *find(const kd_headers *h, kd_token token, kd_str name)
{
    for (uint32_t i = 0; i < h->n; i++)
        if (is_named(&h->v[i], token, name))
            return &h->v[i];
    return NULL;
}

const kd_header *kd_headers_find(const kd_headers *h, kd_token token)
{
    return find(h, token, names[token]);
}

const kd_header *kd_headers_find_name(const kd_headers *h, kd_str name)
{
    return find(h, kd_token_of(name), name);
}

static uint64_t big8(const char *p)
{
    uint64_t v = load8(p);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    v = __builtin_bswap64(v);
#endif
    return v;
}

static uint32_t big4(const char *p)
{
    uint32_t v = load4(p);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    v = __builtin_bswap32(v);
#endif
    return v;
}

/* The first eight bytes as a number that orders like them; a shorter name is filled up with zeros, which no name
 * holds. */
static uint64_t prefix(const kd_header *header)
{
    uint64_t key = 0;
    if (KD_LIKELY(header->name_n >= sizeof key))
        return big8(header->name);
    if (KD_LIKELY(header->name_n >= 4)) /* the first four bytes, and of the last four those that stand behind them */
        return (uint64_t)big4(header->name) << 32 |
               (uint32_t)((uint64_t)big4(header->name + header->name_n - 4) << (64 - 8 * header->name_n));
    for (size_t i = 0; i < header->name_n; i++)
        key |= (uint64_t)(uint8_t)header->name[i] << (56 - 8 * i);
    return key;
}

/* Names often begin alike (Access-Control-Allow-): a word at a time is quicker than memcmp. */
static inline bool is_name_before(const kd_header *a, const kd_header *b)
{
    size_t n = a->name_n < b->name_n ? a->name_n : b->name_n, at = 0;
    for (; at + 8 <= n; at += 8) {
        uint64_t x = big8(a->name + at), y = big8(b->name + at);
        if (x != y)
            return x < y;
    }
    for (; at < n; at++)
        if (a->name[at] != b->name[at])
            return (uint8_t)a->name[at] < (uint8_t)b->name[at];
    return a->name_n < b->name_n;
}

/* Tokens are in the order of their names. */
static inline bool is_before(const kd_header *a, const kd_header *b)
{
    if (a->token && b->token)
        return a->token < b->token;
    return is_name_before(a, b);
}

/* The order of at most RUN fields, by insertion. Most names differ in their first eight bytes, so most steps compare
 * numbers. True: they are in order already. */
static bool order_run(const kd_header *v, size_t n, uint8_t *places)
{
    uint64_t keys[RUN];
    bool sorted = true;
    for (size_t i = 0; i < n; i++) {
        uint64_t key = prefix(&v[i]);
        size_t at = i;
        for (; at > 0 && (key < keys[at - 1] || (key == keys[at - 1] && is_before(&v[i], &v[places[at - 1]]))); at--) {
            places[at] = places[at - 1];
            keys[at] = keys[at - 1];
        }
        sorted &= at == i;
        places[at] = (uint8_t)i;
        keys[at] = key;
    }
    return sorted;
}

/* Is that the order of the fields? */
static bool is_order(const kd_header *v, size_t n, const uint8_t *places)
{
    uint64_t before = 0;
    for (size_t i = 0; i < n; i++) {
        const kd_header *header = &v[places[i]];
        uint64_t key = prefix(header);
        if (KD_UNLIKELY(key < before))
            return false;
        if (KD_UNLIKELY(key == before && i)) {
            const kd_header *other = &v[places[i - 1]];
            if (is_before(header, other) || (places[i] < places[i - 1] && !is_before(other, header)))
                return false;
        }
        before = key;
    }
    return true;
}

const uint8_t *kd_headers_order(kd_headers *h, kd_header_order *last)
{
    if (KD_UNLIKELY(h->n > KD_ORDER_MAX)) {
        kd_headers_sort(h);
        return NULL;
    }
    if (KD_UNLIKELY(last->n != h->n || !is_order(h->v, h->n, last->places))) {
        order_run(h->v, h->n, last->places);
        last->n = (uint8_t)h->n;
    }
    return last->places;
}

static void sort_run(kd_header *v, size_t n)
{
    uint8_t places[RUN];
    if (order_run(v, n, places))
        return;
    kd_header copy[RUN];
    memcpy(copy, v, n * sizeof *v);
    for (size_t i = 0; i < n; i++)
        v[i] = copy[places[i]];
}

static void reverse(kd_header *v, size_t from, size_t to)
{
    for (; from + 1 < to; from++, to--) {
        kd_header header = v[from];
        v[from] = v[to - 1];
        v[to - 1] = header;
    }
}

/* Swaps v[from..middle) and v[middle..to) and keeps the order within each. */
static void rotate(kd_header *v, size_t from, size_t middle, size_t to)
{
    reverse(v, from, middle);
    reverse(v, middle, to);
    reverse(v, from, to);
}

/* The first place in the sorted v[from..to) where `header` may stand: before its equals, or behind them. */
static size_t place(const kd_header *v, size_t from, size_t to, const kd_header *header, bool behind_equals)
{
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        bool left = behind_equals ? is_before(header, &v[middle]) : !is_before(&v[middle], header);
        if (left)
            to = middle;
        else
            from = middle + 1;
    }
    return from;
}

/* Merges the sorted neighbours v[from..middle) and v[middle..to) in place: the longer one is halved, the other one cut
 * where that middle belongs, and the inner parts change places. The depth grows with the logarithm of the length. */
static void merge(kd_header *v, size_t from, size_t middle, size_t to)
{
    while (from < middle && middle < to && is_before(&v[middle], &v[middle - 1])) {
        size_t left, right;
        if (to - from == 2) {
            rotate(v, from, middle, to);
            return;
        }
        if (middle - from > to - middle) {
            left = from + (middle - from) / 2;
            right = place(v, middle, to, &v[left], false);
        } else {
            right = middle + (to - middle) / 2;
            left = place(v, from, middle, &v[right], true);
        }
        rotate(v, left, middle, right);
        size_t joint = left + (right - middle);
        merge(v, from, left, joint);
        from = joint;
        middle = right;
    }
}

void kd_headers_sort(kd_headers *h)
{
    size_t n = h->n;
    for (size_t at = 0; at < n; at += RUN)
        sort_run(h->v + at, n - at < RUN ? n - at : RUN);
    for (size_t run = RUN; run < n; run *= 2)
        for (size_t at = 0; at + run < n; at += 2 * run)
            merge(h->v, at, at + run, n - at < 2 * run ? n : at + 2 * run);
}
