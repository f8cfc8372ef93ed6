/* What the files of this room share. */
#ifndef KD_MODULES_QOS_RATELIMIT_RATELIMIT_H
#define KD_MODULES_QOS_RATELIMIT_RATELIMIT_H

#include "gateway/exchange.h"
#include "gateway/module.h"
#include "gateway/registry.h"
#include "modules/qos/ratelimit/options.h"

/* What KrakenD says of every refusal, its spelling included. */
#define KD_RATELIMIT_REFUSED KD_STR("rate limit exceded")

extern const kd_step_type kd_ratelimit_client, kd_ratelimit_endpoint, kd_ratelimit_proxy;

/* The bucket of that identity, kept over reloads: "GET /a/:id" and what matters of the configuration. NULL without
 * memory. */
kd_shared_bucket *kd_ratelimit_adopt_bucket(const kd_compile *compile, kd_str identity, double rate, uint64_t capacity);

#endif
