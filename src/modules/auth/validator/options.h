/* The blocks of auth/validator as KrakenD reads them (spec/02 section 2.1). */
#ifndef KD_MODULES_AUTH_VALIDATOR_OPTIONS_H
#define KD_MODULES_AUTH_VALIDATOR_OPTIONS_H

#include "gateway/jwk.h"

/* An endpoint's block. */
typedef struct kd_validator_options {
    kd_str alg, auth_header_name, cookie_key, issuer;
    kd_str roles_key, scopes_key, scopes_matcher, strategy, leeway_text, cooldown_text;
    kd_str_list audience, roles, scopes;
    kd_go_strings2 propagate;
    bool cache, preserve_array, roles_key_is_nested, operation_debug;
    uint32_t cache_duration;
    kd_jwk_place place;
    kd_ns leeway, cooldown; /* resolved */
} kd_validator_options;

extern const kd_fields kd_validator_fields;         /* of an endpoint */
extern const kd_fields kd_validator_service_fields; /* of the service */

/* Reads an endpoint's block, defaults filled in. False: *error is KrakenD's text, in the arena. */
bool kd_validator_options_read(kd_arena *arena, const kd_node *block, kd_validator_options *out, kd_str *error);
/* The service's block: for how long keys are shared; 0: they are not. False: *error as above. */
bool kd_validator_shared_read(kd_arena *arena, const kd_node *block, kd_ns *out, bool *by_default, kd_str *error);

#endif
