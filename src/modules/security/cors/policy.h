/* What a CORS policy says of a request, as KrakenD's does (spec/02 section 8.2): which origins, methods and header
 * names it takes. It sees texts only; who asks writes the fields. */
#ifndef KD_MODULES_SECURITY_CORS_POLICY_H
#define KD_MODULES_SECURITY_CORS_POLICY_H

#include "base/arena.h"

typedef struct kd_cors_list {
    const kd_str *v;
    uint32_t n;
} kd_cors_list;

/* As configured. An empty list is the default: every origin; GET, POST and HEAD; every header. */
typedef struct kd_cors_options {
    kd_cors_list origins, methods, headers;
} kd_cors_options;

typedef struct kd_cors_policy kd_cors_policy;

/* The texts of the options are borrowed, everything else lies in the arena. NULL without memory. */
kd_cors_policy *kd_cors_policy_create(kd_arena *arena, const kd_cors_options *options);

/* Is every origin welcome? The answer then says "*" instead of the origin. */
bool kd_cors_policy_takes_all(const kd_cors_policy *policy);
/* Letters count without case (ASCII); an entry with an asterisk takes what begins and ends as it does. */
bool kd_cors_policy_takes_origin(const kd_cors_policy *policy, kd_str origin);
/* The place in the configured list of the origin without an asterisk that is exactly this text in small letters, or -1:
 * a quick answer for what browsers send. */
ptrdiff_t kd_cors_policy_place(const kd_cors_policy *policy, kd_str origin);
/* How many origins are listed (0 where all are welcome), and the text in small letters of one without an asterisk; p is
 * NULL for one with an asterisk. */
uint32_t kd_cors_policy_origins(const kd_cors_policy *policy);
kd_str kd_cors_policy_origin(const kd_cors_policy *policy, uint32_t i);
/* Exact; OPTIONS always. */
bool kd_cors_policy_takes_method(const kd_cors_policy *policy, kd_str method);
/* The values of Access-Control-Request-Headers: names in small letters, sorted, each once, as browsers send them (Fetch
 * standard, CORS-unsafe request-header names), with one blank around each and sixteen empty ones in all at most. */
bool kd_cors_policy_takes_headers(const kd_cors_policy *policy, kd_cors_list values);

#endif
