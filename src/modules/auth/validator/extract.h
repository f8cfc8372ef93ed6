/* Where a request carries its token: a header field, else a cookie (spec/02 section 2.2). */
#ifndef KD_MODULES_AUTH_VALIDATOR_EXTRACT_H
#define KD_MODULES_AUTH_VALIDATOR_EXTRACT_H

#include "base/bytes.h"

/* The token in the field's value: what follows "Bearer ", or all of it. */
static inline kd_str kd_token_of_field(kd_str value)
{
    if (value.n > 7 && value.p[6] == ' ' && kd_str_eq_ci(kd_str_head(value, 6), KD_STR("bearer")))
        return kd_str_from(value, 7);
    return value;
}

/* The first cookie of that name in one Cookie field, as Go's net/http reads it: without quotes around it, invalid ones
 * skipped (one whose name is no token is invalid). False: there is none. */
bool kd_token_of_cookies(kd_str field, kd_str name, kd_str *out);

#endif
