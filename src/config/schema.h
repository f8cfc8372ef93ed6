/* The JSON schema of a configuration, made from the field tables: what `check -n` lints with, and what editors can use.
 * It demands what KrakenD's own schema demands (spec/04 section 2), so that the same files pass and fail, in the same
 * words; the gateway's own keys and namespaces are admitted, too. */
#ifndef KD_CONFIG_SCHEMA_H
#define KD_CONFIG_SCHEMA_H

#include "base/buf.h"

#define KD_CONFIG_SCHEMA_MAX (4u << 20) /* bytes of the schema's text */

/* Appends the schema of draft 2019-09 as JSON. `texts`: with descriptions and defaults, for people. False when
 * out->failed, or there are more tables than the writer has places for. */
bool kd_config_schema_write(kd_buf *out, bool texts);

#endif
