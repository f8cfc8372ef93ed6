/* The beginnings of log lines; a part of log.c that knows formats, time stamps and levels, and writes nothing. */
#ifndef KD_BASE_LOG_HEAD_H
#define KD_BASE_LOG_HEAD_H

#include "base/log.h"

#define KD_LOG_HEAD_MAX 352u /* the longest prefix (256), time, colour, level and reset */

/* Writes what stands before a message of this level in the configured format (spec/04 section 8.3) and returns its
 * length. Any thread; the time stamp is worked out once per second and thread. */
size_t kd_log_head(char to[KD_LOG_HEAD_MAX], kd_level level);
/* The same for kd_log_std: the time alone. */
size_t kd_log_head_std(char to[KD_LOG_HEAD_MAX]);

#endif
