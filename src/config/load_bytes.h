/* Loading with all its outcomes, from a file or from memory. kd_config_load is the short form. */
#ifndef KD_CONFIG_LOAD_BYTES_H
#define KD_CONFIG_LOAD_BYTES_H

#include "config/load.h"

#define KD_CONFIG_SIZE_MAX ((size_t)256 << 20) /* of a configuration file */

typedef enum kd_load_status {
    KD_LOAD_OK,
    KD_LOAD_REFUSED,   /* KrakenD cannot read it: `run` ends with 255, `check` with 1 */
    KD_LOAD_CONFLICTS, /* routes collide: KrakenD's `run` panics and ends with 2, its plain `check` does not see it */
} kd_load_status;

typedef struct kd_loaded {
    kd_load_status status;
    kd_service *service; /* also with KD_LOAD_CONFLICTS; NULL when refused */
    const kd_node *tree; /* the overlaid tree, or NULL */
    kd_str compat;       /* of what stopped it, as kd_config_load gives it; for conflicts the panic's text */
    kd_str text;         /* the file's bytes as they were read */
} kd_loaded;

/* Loads options->path. With `conflicts` KD_SEVERITY_WARNING colliding routes are only warned of and the status stays
 * KD_LOAD_OK. */
void kd_config_load_file(kd_arena *arena, const kd_load_options *options, kd_severity conflicts, kd_errors *errors,
                         kd_loaded *out);
/* The same for text that is in memory already and lives as long as the arena; the path only names it and chooses the
 * format. */
void kd_config_load_bytes(kd_arena *arena, const kd_load_options *options, kd_str text, kd_severity conflicts,
                          kd_errors *errors, kd_loaded *out);

#endif
