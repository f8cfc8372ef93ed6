/* YAML text to a located tree: the first document, as KrakenD's yaml.v3 decodes it (spec/04 sections 4.1 and 23.6). */
#ifndef KD_CONFIG_YAML_TREE_H
#define KD_CONFIG_YAML_TREE_H

#include "config/tree.h"

#define KD_YAML_MAX_DEPTH 1000 /* objects and lists inside one another, aliases followed */

/* Reads the first document of the text. Anchors, aliases and merge keys are resolved, keys that are no texts become
 * texts, integers stay exact, dates are strings with a type of their own. Documents that grow beyond measure through
 * aliases are refused. The tree is in `arena`; `file` names the text in locations. NULL when the text is refused
 * (located findings in `errors`, *compat is yaml.v3's text for them) or memory is out (*compat is "out of memory"). No
 * document and one that is null give an empty object. */
kd_node *kd_yaml_tree_read(kd_arena *arena, kd_str file, kd_str text, kd_errors *errors, kd_str *compat);

#endif
