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
    const kd_node *tree; /* the overlaid tree, or NULL; in the work arena, like compat and text */
    kd_str compat;       /* of what stopped it, as kd_config_load gives it; for conflicts the panic's text */
    kd_str text;         /* the file's bytes as they were read */
    bool empty;          /* there were none: what a finding could say, KrakenD's text has said */
} kd_loaded;

/* Loads options->path: the service is in `arena` and points nowhere else, the tree and everything that loading needs is
 * in `work`, which the caller ends when it has no use for the tree any more. Both may be the same. The findings point
 * into their own arena only. With `conflicts` KD_SEVERITY_WARNING colliding routes are only warned of and the status
 * stays KD_LOAD_OK. */
void kd_config_load_file(kd_arena *arena, kd_arena *work, const kd_load_options *options, kd_severity conflicts,
                         kd_errors *errors, kd_loaded *out);
/* The same for text that is in memory already and lives as long as `work`; the path only names it and chooses the
 * format. */
void kd_config_load_bytes(kd_arena *arena, kd_arena *work, const kd_load_options *options, kd_str text,
                          kd_severity conflicts, kd_errors *errors, kd_loaded *out);
/* Resets the work arena and hands its memory, many times that of the service, back to the system. */
void kd_config_work_end(kd_arena *work);

#endif
