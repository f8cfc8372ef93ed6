/* The lines of resolv.conf that c-ares leaves aside. */
#ifndef KD_NET_RESOLVCONF_H
#define KD_NET_RESOLVCONF_H

#include "base/bytes.h"

/* "options timeout:SECONDS attempts:COUNT" (resolv.conf(5)), with Go's defaults of 5 and 2 and glibc's caps of 30
 * and 5. */
typedef struct kd_resolvconf {
    int timeout_s, attempts;
} kd_resolvconf;

/* Reads the options out of the file's text; what is not understood is skipped. */
kd_resolvconf kd_resolvconf_parse(kd_str text);
/* Reads the first 16 KB of a file; the defaults when it cannot be read. */
kd_resolvconf kd_resolvconf_read(const char *path);

#endif
