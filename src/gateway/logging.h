/* Which log the configuration asks for: telemetry/logging (spec/04 sections 8.1 to 8.3). */
#ifndef KD_GATEWAY_LOGGING_H
#define KD_GATEWAY_LOGGING_H

#include "base/log.h"
#include "config/model.h"

/* Resolves the namespace. Without it: the basic log with all levels. *improved: the namespace is in use. *error: why it
 * could not be used, in KrakenD's words, else empty. What is not in this version is reported in *note. */
void kd_logging_resolve(const kd_service *service, kd_log_settings *out, bool *improved, kd_str *error, kd_str *note);

#endif
