/* What a scalar of YAML means, as Go's yaml.v3 resolves it: YAML 1.2's core schema with the octal numbers, dates and
 * underscores of 1.1, and without yes and no. */
#ifndef KD_CONFIG_YAML_SCALAR_H
#define KD_CONFIG_YAML_SCALAR_H

#include "config/tree.h"

/* Sets type, boolean, integer, go, text and number of `node` from the scalar `text`. `tag` is the short form of an
 * explicit tag ("!!int"), or empty; tags that are not YAML's own give the text. Texts are borrowed or in the arena.
 * False: *error is yaml.v3's text for it; empty without memory. */
bool kd_yaml_scalar_resolve(kd_arena *arena, kd_str tag, kd_str text, kd_node *node, kd_str *error);
/* The short tag of a resolved scalar: "!!str", "!!timestamp" and so on. */
kd_str kd_yaml_scalar_tag(const kd_node *node);
/* A date with or without time (2024-01-02, 2024-01-02T15:04:05.5+02:00) as Go's time.Time is written in JSON. False for
 * what is none; out->p is NULL without memory. */
bool kd_yaml_time(kd_arena *arena, kd_str text, kd_str *out);

#endif
