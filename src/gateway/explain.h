/* What would happen to a request: which route takes it, its plan, and the request that would go out. */
#ifndef KD_GATEWAY_EXPLAIN_H
#define KD_GATEWAY_EXPLAIN_H

#include "base/buf.h"
#include "config/model.h"

/* Explains "GET /x/42", or every endpoint when request is NULL, as text in *out. Takes the arena over and resets it.
 * False: *out says what is wrong. */
bool kd_explain(kd_arena *arena, kd_service *service, const char *request, kd_buf *out);
/* Builds the route table of a service and adds an error for each conflict. False when there is one. */
bool kd_explain_routes(kd_arena *arena, const kd_service *service, kd_errors *errors);

#endif
