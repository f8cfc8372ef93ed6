/* What security/http demands of a request and adds to its answer, as KrakenD does (spec/02 section 9.2): which hosts
 * are served, where plain HTTP is sent, and the fields that tell browsers to be strict. It sees texts only. */
#ifndef KD_MODULES_SECURITY_HTTP_RULES_H
#define KD_MODULES_SECURITY_HTTP_RULES_H

#include "lang/regex/regex.h"

/* As configured; empty texts and zeros: not wanted. */
typedef struct kd_secure_options {
    const kd_str *hosts;
    uint32_t n_hosts;
    const kd_regex *const *expressions; /* instead of the hosts where they are expressions; as many */
    kd_str frame_options, content_security_policy, referrer_policy;
    bool deny_frames, no_sniff, xss_filter;
    int64_t sts_seconds;
    bool sts_subdomains, sts_on_plain;
    bool development; /* no host check, no HSTS */
} kd_secure_options;

/* A field of the answer; where `nonce` is set, each $NONCE of its value is the
 * nonce's place. */
typedef struct kd_secure_field {
    kd_str name, value;
    bool nonce;
} kd_secure_field;

typedef struct kd_secure_rules kd_secure_rules;

/* Everything lies in the arena; texts, lists and expressions are borrowed. NULL without memory. */
kd_secure_rules *kd_secure_rules_create(kd_arena *arena, const kd_secure_options *options);

/* Is the host, with its port, one that is served? Plain entries are compared without case (ASCII). The arena is for
 * hosts that are no UTF-8; without memory they are not served. */
bool kd_secure_rules_takes_host(const kd_secure_rules *rules, kd_arena *arena, kd_str host);

/* The fields of an answer over TLS, or over plain HTTP; at most KD_SECURE_FIELDS. */
#define KD_SECURE_FIELDS 6
const kd_secure_field *kd_secure_rules_fields(const kd_secure_rules *rules, bool tls, uint32_t *n);
/* The field's value with a new nonce in its place: 16 secret bytes in base64. p is NULL without memory or randomness.
 */
kd_str kd_secure_nonce_value(kd_arena *arena, kd_str value);

/* https://host/path?query as Go's URL.String writes it; `path` and `query` as the client sent them. p is NULL without
 * memory. */
kd_str kd_secure_https_url(kd_arena *arena, kd_str host, kd_str path, bool has_query, kd_str query);
/* The URL as it may stand in Location: bytes beyond ASCII as %xx. p is NULL without memory. */
kd_str kd_secure_location(kd_arena *arena, kd_str url);
/* The page that leads there. p is NULL without memory. */
kd_str kd_secure_page(kd_arena *arena, kd_str url);

#endif
