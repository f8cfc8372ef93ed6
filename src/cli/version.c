#include "cli/command.h"

#include <gnu/libc-version.h>
#include <stdio.h>

int kd_cli_version(const kd_args *args)
{
    /* Scripts read the first line; the labels of the others are kept, their values are honest. */
    fprintf(stderr, "KrakenD Version: %s\nGo Version: none (C, %s)\nGlibc Version: GLIBC-%s\n", KD_COMPAT_VERSION,
            KD_VERSION, gnu_get_libc_version());
    return 0;
}
