/* TOML text to a located tree (spec/04 section 4.1). */
#ifndef KD_CONFIG_TOML_TREE_H
#define KD_CONFIG_TOML_TREE_H

#include "config/tree.h"

/* Reads a TOML 1.0 document; integers stay exact, dates and times are strings with a type of their own. The tree is in
 * `arena` and points into the text, which must live as long. `file` names the text in locations. NULL when the text is
 * refused (one located finding in `errors`, *compat is go-toml's text for it as far as it is known) or memory is out
 * (*compat is "out of memory"). */
kd_node *kd_toml_tree_read(kd_arena *arena, kd_str file, kd_str text, kd_errors *errors, kd_str *compat);

#endif
