/* Whole files that a configuration names, read at load. */
#ifndef KD_CONFIG_FILE_H
#define KD_CONFIG_FILE_H

#include "base/arena.h"

/* Reads the file (pipes and devices too) into the arena, NUL behind it; at most `max` bytes. False: *error is what Go's
 * os.ReadFile says ("open x: no such file or directory"), in the arena, or "out of memory". */
bool kd_file_read(kd_arena *arena, const char *path, size_t max, kd_str *text, kd_str *error);

#endif
