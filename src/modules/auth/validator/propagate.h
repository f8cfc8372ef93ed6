/* What of a token the backends are told: claims as header fields, and as parameters of their paths (spec/02 sections
 * 2.7 and 2.8). */
#ifndef KD_MODULES_AUTH_VALIDATOR_PROPAGATE_H
#define KD_MODULES_AUTH_VALIDATOR_PROPAGATE_H

#include "gateway/exchange.h"
#include "lang/jose/claims.h"
#include "modules/auth/validator/options.h"

typedef struct kd_propagated {
    kd_str claim, field; /* the field's name is canonical */
    bool path;
} kd_propagated;

typedef struct kd_propagation {
    kd_propagated *fields;
    uint32_t n_fields;
    kd_str *params; /* "JWT.sub": of all backends */
    uint32_t n_params;
    bool preserve_array;
    kd_str misfit; /* the last pair that is none, as Go prints it; empty: it is one */
} kd_propagation;

/* False without memory. */
bool kd_propagation_compile(kd_propagation *out, kd_arena *arena, const kd_endpoint *endpoint,
                            const kd_go_strings2 *pairs, bool preserve_array);
/* Sets the request's fields and adds the parameters. False without memory. */
bool kd_propagate(const kd_propagation *propagation, kd_exchange *x, kd_value claims);

#endif
