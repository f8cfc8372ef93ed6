/* printf for texts of pointer and length. */
#ifndef KD_BASE_FORMAT_H
#define KD_BASE_FORMAT_H

#include "base/bytes.h"

#include <stdarg.h>

/* vsnprintf, but that %.*s writes exactly that many bytes, NULs among them: what a client sent must not cut what is
 * said of it. Writes at most `room` bytes, the last of them a NUL; returns how long the whole text is. Knows the
 * conversions d i u o x X c s p e f g % with flags, width, precision and the lengths hh h l ll z j t. */
size_t kd_format(char *to, size_t room, const char *format, va_list args) __attribute__((format(printf, 3, 0)));

#endif
