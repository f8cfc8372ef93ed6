/* The client credentials grant (RFC 6749 section 4.4) as Go's x/oauth2 speaks it (spec/02 section 7): what is asked,
 * and what an answer means. No I/O. */
#ifndef KD_MODULES_AUTH_CLIENT_CREDENTIALS_TOKEN_H
#define KD_MODULES_AUTH_CLIENT_CREDENTIALS_TOKEN_H

#include "base/arena.h"
#include "base/clock.h"

typedef struct kd_oauth_param {
    kd_str name, value; /* value.p NULL: an empty list, which takes the place of a grant_type all the same */
} kd_oauth_param;

typedef struct kd_oauth_client {
    kd_str id, secret, url;
    kd_str scopes;                /* as configured: with commas */
    const kd_oauth_param *params; /* endpoint_params, one entry for each value */
    uint32_t n_params;
} kd_oauth_client;

typedef struct kd_oauth_token {
    kd_str authorization; /* "Bearer abc" */
    int64_t expires_in;   /* seconds; 0: never */
} kd_oauth_token;

/* The form that is posted, its fields sorted by name; `with_client`: id and secret stand in it. False: *error says
 * which parameter cannot be overwritten, or p is NULL without memory. */
bool kd_oauth_form(kd_arena *arena, const kd_oauth_client *client, bool with_client, kd_str *form, kd_str *error);
/* "Basic …" of id and secret, each encoded as a form is (RFC 6749 section 2.3.1). p is NULL without memory. */
kd_str kd_oauth_basic(kd_arena *arena, const kd_oauth_client *client);

/* Reads the answer. False: *error is x/oauth2's text, in the arena. */
bool kd_oauth_read(kd_arena *arena, unsigned status, kd_str reason, kd_str content_type, kd_str body,
                   kd_oauth_token *token, kd_str *error);

#define KD_OAUTH_EARLY (10 * KD_SECOND) /* before its end a token is no longer used, as in x/oauth2 */

/* How long before its end a token of that life (seconds) is renewed while it still serves: a quarter of the time it
 * can be used, at most a minute before KD_OAUTH_EARLY. 0: it is not, it ends too soon (under a minute) or never. */
kd_ns kd_oauth_renewal(int64_t expires_in);

#endif
