/* Flatmap at both of its places: private to flatmap.c and shape.c. */
#ifndef KD_GATEWAY_STEPS_FLATMAP_H
#define KD_GATEWAY_STEPS_FLATMAP_H

#include "gateway/steps/core.h"
#include "text/flatmap.h"

/* `proxy.flatmap_filter` of an endpoint or backend; NULL when it has no valid operation (or without memory). Sets *at
 * only where there is one. */
const kd_flatmap *kd_core_flatmap_read(const kd_compile *compile, const kd_extras *extras, const kd_location **at);
/* Changes *data. False: the branch's fault is set. */
bool kd_core_flatmap_run(kd_branch *branch, const kd_flatmap *map, kd_value *data);
void kd_core_flatmap_explain(const kd_flatmap *map, kd_buf *out);

#endif
