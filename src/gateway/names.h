/* Where the names of backends are looked up: gateway/dns in the service's extra_config. */
#ifndef KD_GATEWAY_NAMES_H
#define KD_GATEWAY_NAMES_H

#include "base/error.h"
#include "config/model.h"
#include "net/dns.h"

/* Reads the block; absent keys leave the system's settings. The texts lie in `arena`. False: something in it is wrong
 * (located errors say what), or memory is out. */
bool kd_names_load(const kd_service *service, kd_arena *arena, kd_dns_options *out, kd_errors *errors);

#endif
