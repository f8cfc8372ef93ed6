/* From a file to a validated service: read, locate, overlay KRAKEND_* variables, decode with KrakenD's coercions,
 * resolve. Every mistake is reported in one run. */
#ifndef KD_CONFIG_LOAD_H
#define KD_CONFIG_LOAD_H

#include "base/error.h"
#include "config/model.h"

typedef struct kd_load_options {
    const char *path;
    char *const *environ; /* NULL: no overrides */
    bool normalize_only;  /* reserved for tools that want the tree without the model: leave false */
} kd_load_options;

/* Loads path: the service and all that belongs to it is in `arena`, and nothing else is (what loading needs meanwhile
 * is given back). NULL when there is an error: `errors` has all findings, and *compat, in the findings' arena, the
 * single line that KrakenD would print for the first of them (without "ERROR parsing the configuration file: ").
 * Warnings (unknown keys, components not built, ignored values) are in `errors` on success too. */
kd_service *kd_config_load(kd_arena *arena, const kd_load_options *options, kd_errors *errors, kd_str *compat);

#endif
