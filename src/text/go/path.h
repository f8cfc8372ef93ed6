/* Go's path package and net/http's use of it. */
#ifndef KD_TEXT_GO_PATH_H
#define KD_TEXT_GO_PATH_H

#include "base/arena.h"

/* path.Clean. In the arena (p is NULL without memory), or s itself when it is clean. */
kd_str kd_go_path_clean(kd_arena *arena, kd_str s);
/* gin's joinPaths("/", s): path.Join with one trailing slash kept. */
kd_str kd_go_path_route(kd_arena *arena, kd_str s);

#endif
