/* The log: lines go to a bounded buffer of the process and a writer thread puts them out, so that a full pipe never
 * stops a worker: what does not fit is dropped and counted, and the count is reported once there is room again. */
#ifndef KD_BASE_LOG_H
#define KD_BASE_LOG_H

#include "base/bytes.h"

typedef enum kd_level {
    KD_LOG_DEBUG,
    KD_LOG_INFO,
    KD_LOG_WARNING,
    KD_LOG_ERROR,
    KD_LOG_CRITICAL,
    KD_LOG_FATAL
} kd_level;

typedef enum kd_log_format {
    KD_FORMAT_BASIC,   /* 2006/01/02 15:04:05 KRAKEND DEBUG: message */
    KD_FORMAT_DEFAULT, /* prefix, time with milliseconds, coloured level: spec/04 section 8.3 */
} kd_log_format;

typedef struct kd_log_settings {
    kd_log_format format;
    kd_level level; /* lines below it are not written */
    bool silent;    /* no sink: nothing is written but access lines */
    kd_str prefix;  /* at most 256 bytes, copied */
} kd_log_settings;

/* Starts the writer thread on `fd` (borrowed, usually stdout) with room for `room` bytes of lines. False without
 * memory. */
bool kd_log_start(int fd, size_t room);
/* Writes out what is left (giving up after two seconds on a blocked sink) and ends the thread. */
void kd_log_stop(void);
/* Switches format, level and prefix; any thread, at any time. */
void kd_log_configure(const kd_log_settings *settings);
/* Is a line of this level written? Cheap: guards the building of the line. */
bool kd_log_wants(kd_level level);
/* One line in the configured format. */
void kd_log(kd_level level, const char *format, ...) KD_PRINTF(2, 3);
void kd_log_str(kd_level level, kd_str message);
/* Bytes as they are (whole lines: access log), not filtered by level. */
void kd_log_raw(kd_str lines);
/* A line on stderr as Go's default logger writes it: 2006/01/02 15:04:05 text. */
void kd_log_std(const char *format, ...) KD_PRINTF(1, 2);
#define KD_LOG_STD_BURST 100u
/* The same for what strangers can cause: never waits, at most KD_LOG_STD_BURST lines a second in the whole process,
 * each cut after 1 KB. What is dropped is counted, and told by a line of its own once there is room. */
void kd_log_std_some(const char *format, ...) KD_PRINTF(1, 2);
/* How many lines were dropped since the start. */
uint64_t kd_log_dropped(void);

#endif
