/* One document of an HTTP server, for a command that has nothing else to do meanwhile. */
#ifndef KD_CLI_HTTP_GET_H
#define KD_CLI_HTTP_GET_H

#include "base/arena.h"

/* Fetches an http:// or https:// URL (certificates are verified), follows up to ten redirects, and waits at most ten
 * seconds for each step of it. Only status 200 counts, with a body of at most `max` bytes: *text, in the arena. False:
 * *error says why in the reference's words, in the arena or static. Blocks; not for the gateway itself. */
bool kd_cli_http_get(kd_arena *arena, kd_str url, size_t max, kd_str *text, kd_str *error);

#endif
