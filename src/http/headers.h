/* Header fields: a list in arrival order that keeps duplicates, names in Go's canonical form, the common ones with a
 * token so that no one compares names twice. */
#ifndef KD_HTTP_HEADERS_H
#define KD_HTTP_HEADERS_H

#include "base/arena.h"

/*  enum suffix, canonical name: the fields that the gateway itself looks at. Sorted by name. */
#define KD_HEADER_TOKENS(X)                                                                                            \
    X(ACCEPT, "Accept")                                                                                                \
    X(ACCEPT_ENCODING, "Accept-Encoding")                                                                              \
    X(ALLOW, "Allow")                                                                                                  \
    X(AUTHORIZATION, "Authorization")                                                                                  \
    X(CACHE_CONTROL, "Cache-Control")                                                                                  \
    X(CONNECTION, "Connection")                                                                                        \
    X(CONTENT_ENCODING, "Content-Encoding")                                                                            \
    X(CONTENT_LENGTH, "Content-Length")                                                                                \
    X(CONTENT_TYPE, "Content-Type")                                                                                    \
    X(COOKIE, "Cookie")                                                                                                \
    X(COOKIE2, "Cookie2")                                                                                              \
    X(DATE, "Date")                                                                                                    \
    X(EXPECT, "Expect")                                                                                                \
    X(HOST, "Host")                                                                                                    \
    X(IDEMPOTENCY_KEY, "Idempotency-Key")                                                                              \
    X(KEEP_ALIVE, "Keep-Alive")                                                                                        \
    X(LOCATION, "Location")                                                                                            \
    X(ORIGIN, "Origin")                                                                                                \
    X(PRAGMA, "Pragma")                                                                                                \
    X(PROXY_AUTHENTICATE, "Proxy-Authenticate")                                                                        \
    X(PROXY_AUTHORIZATION, "Proxy-Authorization")                                                                      \
    X(RANGE, "Range")                                                                                                  \
    X(REFERER, "Referer")                                                                                              \
    X(RETRY_AFTER, "Retry-After")                                                                                      \
    X(SET_COOKIE, "Set-Cookie")                                                                                        \
    X(TE, "Te")                                                                                                        \
    X(TRAILER, "Trailer")                                                                                              \
    X(TRANSFER_ENCODING, "Transfer-Encoding")                                                                          \
    X(UPGRADE, "Upgrade")                                                                                              \
    X(USER_AGENT, "User-Agent")                                                                                        \
    X(VARY, "Vary")                                                                                                    \
    X(WWW_AUTHENTICATE, "Www-Authenticate")                                                                            \
    X(X_APPENGINE_REMOTE_ADDR, "X-Appengine-Remote-Addr")                                                              \
    X(X_FORWARDED_FOR, "X-Forwarded-For")                                                                              \
    X(X_FORWARDED_HOST, "X-Forwarded-Host")                                                                            \
    X(X_FORWARDED_PREFIX, "X-Forwarded-Prefix")                                                                        \
    X(X_FORWARDED_VIA, "X-Forwarded-Via")                                                                              \
    X(X_KRAKEND, "X-Krakend")                                                                                          \
    X(X_KRAKEND_COMPLETED, "X-Krakend-Completed")                                                                      \
    X(X_REAL_IP, "X-Real-Ip")

typedef enum kd_token {
    KD_HEADER_OTHER,
#define X(name, text) KD_HEADER_##name,
    KD_HEADER_TOKENS(X)
#undef X
        KD_HEADER_COUNT
} kd_token;

typedef struct kd_header {
    const char *name, *value;
    uint32_t value_n;
    uint16_t name_n;
    uint8_t token; /* kd_token of the canonical name */
    uint8_t flags; /* KD_HEADER_CHECKED; the rest is free for the owner of the list */
} kd_header;

static inline kd_str kd_header_name(const kd_header *h)
{
    return (kd_str){h->name, h->name_n};
}
static inline kd_str kd_header_value(const kd_header *h)
{
    return (kd_str){h->value, h->value_n};
}

/* Do name and value lie in one piece `name: value`, as a scanner mostly finds them? */
static inline bool kd_header_is_line(const kd_header *h)
{
    const char *end = h->name + h->name_n;
    return (uintptr_t)h->value == (uintptr_t)end + 2 && end[0] == ':' && end[1] == ' ';
}

/* Flag: a scanner has seen that name and value hold nothing that could split a message. Whoever changes either clears
 * it. */
#define KD_HEADER_CHECKED 1u

typedef struct kd_headers {
    kd_header *v;
    uint32_t n, cap;
    kd_arena *arena;           /* where the list grows */
    struct kd_scan_memo *memo; /* of the scanner that fills it; may be NULL */
    bool failed;               /* it could not grow: a field is missing */
} kd_headers;

/* An empty list that grows in `arena`. */
static inline void kd_headers_init(kd_headers *h, kd_arena *arena)
{
    *h = (kd_headers){.arena = arena};
}
/* The token of a name in canonical form. */
kd_token kd_token_of(kd_str canonical_name);
kd_str kd_token_name(kd_token token);
/* The slow half of kd_headers_room. */
kd_header *kd_headers_grow(kd_headers *h);
/* Room for one more field at the end (not counted yet: the caller fills it and adds to n), or NULL without memory. */
static inline kd_header *kd_headers_room(kd_headers *h)
{
    return KD_LIKELY(h->n < h->cap) ? &h->v[h->n] : kd_headers_grow(h);
}
/* Appends a field; name (canonical) and value are borrowed. False without memory. */
bool kd_headers_add(kd_headers *h, kd_str name, kd_str value);
bool kd_headers_add_token(kd_headers *h, kd_token token, kd_str value);
/* The same with a value that is known to hold no control bytes. */
bool kd_headers_add_checked(kd_headers *h, kd_token token, kd_str value);
/* Replaces all fields of that name by one. False without memory. */
bool kd_headers_set(kd_headers *h, kd_str name, kd_str value);
/* Removes all fields of that name; returns how many there were. */
uint32_t kd_headers_remove(kd_headers *h, kd_str name);
uint32_t kd_headers_remove_token(kd_headers *h, kd_token token);
/* The first field of that token or name, or NULL. */
const kd_header *kd_headers_find(const kd_headers *h, kd_token token);
const kd_header *kd_headers_find_name(const kd_headers *h, kd_str name);
/* Is there a field of that token whose first value is not empty? Go's Header.Get tells an empty one not from none. */
static inline bool kd_headers_say(const kd_headers *h, kd_token token)
{
    const kd_header *found = kd_headers_find(h, token);
    return found && found->value_n;
}
/* Sorts by name (bytes), fields of one name keep their order. In place, no memory. */
void kd_headers_sort(kd_headers *h);

#define KD_ORDER_MAX 32
/* The order of the last list that was written at some place. Messages of one kind mostly have the same fields in the
 * same order, so the last answer is tried first. All zero at first. */
typedef struct kd_header_order {
    uint8_t n, places[KD_ORDER_MAX];
} kd_header_order;

/* The order in which kd_headers_sort would put the fields: places in the list, valid until the next call with this
 * `last`. NULL for a list above KD_ORDER_MAX, which is sorted in place instead. */
const uint8_t *kd_headers_order(kd_headers *h, kd_header_order *last);

#endif
