/* KRAKEND_* environment variables over the file (spec/04 section 4.3). */
#ifndef KD_CONFIG_ENV_H
#define KD_CONFIG_ENV_H

#include "config/tree.h"

/* Lays every KRAKEND_<KEY>=<text> of `environ` over the tree, in its order: the key in small letters, dots lead into
 * objects, the value is a text; objects merge, anything else is replaced. New nodes are located as "environment
 * variable KRAKEND_<KEY>". False without memory. */
bool kd_env_overlay(kd_arena *arena, char *const *environ, kd_node *root);
/* Adds to the findings about `port` what to do when it came from a Kubernetes service link (tcp://…). */
void kd_env_advise(kd_arena *arena, kd_errors *errors, const kd_node *root);

#endif
