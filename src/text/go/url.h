/* Go's net/url, as far as the gateway needs it (spec/01 section 15.3). */
#ifndef KD_TEXT_GO_URL_H
#define KD_TEXT_GO_URL_H

#include "base/arena.h"
#include "base/buf.h"

typedef struct kd_query_pair {
    kd_str key, value;
} kd_query_pair;

typedef struct kd_query {
    kd_query_pair *v; /* in arrival order */
    uint32_t n, cap;
} kd_query;

/* url.ParseQuery, errors dropped: pairs with ';' or a bad escape are skipped; more than 10000 pairs are no pairs at
 * all. Keys and values point into raw where nothing had to be decoded, else into the arena. False without memory. */
bool kd_go_query_parse(kd_arena *arena, kd_str raw, kd_query *out);
/* Values.Encode: keys sorted by bytes, values of a key in order. Sorts `query` in place (stable). */
void kd_go_query_encode(kd_query *query, kd_buf *out);

/* Would parsing and encoding give exactly these bytes again? Sorted keys, one '=' in each pair, nothing to escape.
 * Cheap. */
bool kd_go_query_is_canonical(kd_str raw);

typedef enum kd_go_escape_mode {
    KD_ESCAPE_QUERY,        /* url.QueryEscape: space becomes '+' */
    KD_ESCAPE_PATH_SEGMENT, /* url.PathEscape */
    KD_ESCAPE_PATH          /* how URL.EscapedPath encodes a whole path */
} kd_go_escape_mode;

void kd_go_url_escape(kd_buf *out, kd_str s, kd_go_escape_mode mode);

/* Decodes %XX (and '+' when `query`). s itself is returned when there is nothing to decode; else it is in the arena (p
 * is NULL without memory). On a bad escape returns false and *bad is the offending text ("%zz", at most 3 bytes), for
 * `invalid URL escape "%zz"`. */
bool kd_go_url_unescape(kd_arena *arena, kd_str s, bool query, kd_str *out, kd_str *bad);

/* URL.EscapedPath of a path that was written as `raw`: raw itself when every byte may stand in a path, else the decoded
 * path re-encoded, in the arena. False on a bad escape (*bad as above). p is NULL without memory. */
bool kd_go_url_escaped_path(kd_arena *arena, kd_str raw, kd_str *out, kd_str *bad);

typedef struct kd_url {
    kd_str scheme;   /* lower case; empty when there is none */
    kd_str userinfo; /* "user:password" decoded; has_user tells an empty one from none */
    bool has_user;
    kd_str host;     /* host[:port] as written, %XX of it decoded */
    kd_str raw_path; /* as written, before '?' and '#' */
    kd_str query;    /* raw */
    bool has_query;  /* a '?' was there (Go's ForceQuery when the query is empty) */
} kd_url;

/* url.Parse; the fragment is dropped. On failure *error is Go's whole text: `parse "http://h/a%zz": invalid URL escape
 * "%zz"`, `parse "\x01": net/url: invalid control character in URL`, `parse "127.0.0.1:80/b": first path segment in URL
 * cannot contain colon` … in the arena. */
bool kd_go_url_parse(kd_arena *arena, kd_str text, kd_url *out, kd_str *error);
/* The base URL and a reference (Location) resolved against it, as url.Parse of the base's method does (RFC 3986 section
 * 5.2.2). Text of the absolute URL in the arena; p is NULL without memory. False: *error is Go's text. */
bool kd_go_url_resolve(kd_arena *arena, const kd_url *base, kd_str reference, kd_str *out, kd_str *error);
/* Is the host `sub`, without its port, `parent` or below it? Go's client keeps credentials over such redirects. */
bool kd_go_url_same_domain(kd_str sub, kd_str parent);

#endif
