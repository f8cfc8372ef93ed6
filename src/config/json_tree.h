/* JSON text to a located tree: Go's encoding/json.Unmarshal into a map, with the place of every key and value. */
#ifndef KD_CONFIG_JSON_TREE_H
#define KD_CONFIG_JSON_TREE_H

#include "config/tree.h"

/* Objects and lists inside one another; beyond it Go refuses, too. */
#define KD_JSON_TREE_MAX_DEPTH 10000

/* Reads text[0..n), which must be exactly one JSON document, white space aside (spec/04 section 4.1: numbers are
 * float64, invalid UTF-8 becomes U+FFFD, the last of duplicate keys counts and each earlier one gets a warning). The
 * tree is in `arena` and points into the text, which must live as long. `file` names the text in locations. NULL when
 * the text is refused (one located finding in `errors`, *compat is Go's text for it) or memory is out (*compat is "out
 * of memory"). A document that is null gives an empty object. */
kd_node *kd_json_tree_read(kd_arena *arena, kd_str file, kd_str text, kd_errors *errors, kd_str *compat);

#endif
