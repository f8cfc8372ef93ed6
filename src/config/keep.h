/* What outlives a load: the resolved service, without the tree and the scratch it was made from. */
#ifndef KD_CONFIG_KEEP_H
#define KD_CONFIG_KEEP_H

#include "config/builtin.h"

/* Copies the draft and all that it points to into `arena`: equal texts and lists once, of the tree only the nodes that
 * the model refers to. Nothing of the copy points into `work`, which holds the tables meanwhile and may be the arena of
 * the draft. NULL without memory. */
kd_service *kd_service_keep(kd_arena *arena, kd_arena *work, const kd_service_draft *draft);
/* The same for findings and their places: those behind `after` (NULL: all) no longer point anywhere but into the
 * findings' own arena. Without memory a finding loses its place or suggestion, never its message. */
void kd_errors_keep(kd_errors *errors, kd_error *after);

#endif
