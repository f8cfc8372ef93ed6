/* Routes and what they match: gin 1.12's radix tree with its exact results, as KrakenD uses it (spec/01 sections 4.3 to
 * 4.5 and appendix A). A router is built while a configuration loads, then finished; a finished router is immutable,
 * lives in its generation's arena and may be read by every worker at once.
 *
 * Where gin fails we differ: a redirect that leads back to the path it came from becomes the route that gin overlooked,
 * or a 404; a Location never begins with two slashes; one method's lookup leaves nothing behind for the next. */
#ifndef KD_GATEWAY_ROUTER_H
#define KD_GATEWAY_ROUTER_H

#include "base/buf.h"
#include "base/error.h"
#include "config/model.h"

#define KD_ROUTER_MAX_PARAMS  64  /* parameters of one route */
#define KD_ROUTER_MAX_METHODS 16  /* different methods of one router */
#define KD_ROUTER_MAX_DEPTH   512 /* tree nodes from the root to a route: bounds stack use of a lookup */

typedef struct kd_router kd_router;

typedef struct kd_route {
    kd_str method;
    kd_str path;   /* as registered, normalised: "/a/:id" */
    void *handler; /* the caller's, never looked at */
    const kd_location *at;
    uint32_t n_params; /* how many a match captures */
} kd_route;

typedef struct kd_route_param {
    kd_str name;  /* without ':' or '*' */
    kd_str value; /* decoded once, with the path; of a catch-all it begins with '/' */
} kd_route_param;

typedef enum kd_route_result {
    KD_ROUTE_FOUND,
    KD_ROUTE_REDIRECT,    /* 301 or 307 to another spelling of the path */
    KD_ROUTE_NOT_ALLOWED, /* 405: other methods have the path */
    KD_ROUTE_NOT_FOUND,
    KD_ROUTE_NO_MEMORY /* the scratch arena is exhausted: shed the request */
} kd_route_result;

typedef struct kd_route_match {
    kd_route_param *params; /* set by the caller: room for kd_router_max_params() */
    uint32_t n_params;      /* captured so far, also when no route was found (spec/01 section 4.6) */
    const kd_route *route;  /* FOUND; else NULL */
    kd_str allow;           /* NOT_ALLOWED: "GET, POST", methods in the order of their first route; in scratch */
    kd_str path;            /* REDIRECT: the new path, decoded; in scratch */
    int status;             /* REDIRECT: 301 for GET, else 307 */
    bool takes_prefix;      /* REDIRECT: X-Forwarded-Prefix goes in front */
} kd_route_match;

/* An empty router in `arena`, with the redirect, 405 and extra-slash options of `options`. What only building needs is
 * taken from `work`, which may be reset after kd_router_finish. NULL without memory. */
kd_router *kd_router_create(kd_arena *arena, kd_arena *work, const kd_router_options *options);

/* Registers a route such as "/a/:id"; the path is normalised as gin's joinPaths does. method, path and `at` are
 * borrowed and must live as long as the router; handler is what a match returns. On a conflict, a malformed path, a
 * passed limit or without memory adds a finding (with both places, and KrakenD's words in `compat`) and returns false:
 * more routes may be added to find more mistakes, but the router must not be used. */
bool kd_router_add(kd_router *router, kd_str method, kd_str path, void *handler, const kd_location *at,
                   kd_errors *errors);

/* Makes the router ready for lookups, laid out for speed. False without memory or when KD_ROUTER_MAX_DEPTH is passed;
 * the finding is added. */
bool kd_router_finish(kd_router *router, kd_errors *errors);

/* The largest number of parameters that a lookup can capture; at most KD_ROUTER_MAX_PARAMS. */
uint32_t kd_router_max_params(const kd_router *router);

/* Finds the route of a method (exact, case-sensitive) and a decoded path. Values of parameters point into `path`, or
 * into `scratch` where remove_extra_slash changed the path. Takes no memory to find a route, otherwise a few times the
 * path's length. Time is bounded by the number of tree nodes that share a prefix with the path. */
kd_route_result kd_router_lookup(const kd_router *router, kd_str method, kd_str path, kd_arena *scratch,
                                 kd_route_match *match);

/* The methods of the router in the order of their first route, for tests and explain; n at most
 * KD_ROUTER_MAX_METHODS. */
kd_str kd_router_method(const kd_router *router, uint32_t i);
uint32_t kd_router_methods(const kd_router *router);

/* The path of gin's cleanPath: one slash for many, "." and ".." resolved, a trailing slash kept. s itself when it is
 * clean, else in the arena (p is NULL without memory). */
kd_str kd_router_clean_path(kd_arena *arena, kd_str s);

/* A redirect as Go's http.Redirect words it after gin's redirectTrailingSlash or redirectFixedPath. */
typedef struct kd_redirect {
    kd_str location; /* the header's value, ASCII only */
    kd_str body;     /* of a GET (Content-Type: text/html; charset=utf-8); else empty */
    bool has_type;   /* GET and HEAD carry the Content-Type */
} kd_redirect;

/* Words the redirect of a match. `origin` is scheme and authority of a request target in absolute form
 * ("http://host:80"), else empty; `prefix` is the first X-Forwarded-Prefix, or empty; the query is copied as it is when
 * has_query (a bare '?' too). Everything is in the arena; false without memory. */
bool kd_redirect_word(kd_arena *arena, const kd_route_match *match, kd_str method, kd_str origin, kd_str prefix,
                      kd_str query, bool has_query, kd_redirect *out);

#endif
