/* KrakenD's check of path parameters: what is still encoded after one decoding, and the marks of query and fragment,
 * are refused before the handler runs (spec/01 section 4.6). */
#ifndef KD_GATEWAY_PARAM_CHECK_H
#define KD_GATEWAY_PARAM_CHECK_H

#include "gateway/router.h"

/* True when all values may pass. False: *body is the text of the 400 (`error: encoded url params` or
 * `error: invalid URL escape "%zz"`), static or in the arena; p is NULL when memory is out. */
bool kd_param_check(const kd_route_param *params, uint32_t n, kd_arena *arena, kd_str *body);

#endif
