/* The RPC port of the revoker. Ports belong to the process: once open they stay, and serve whatever filter the present
 * configuration has there; without one, connections are closed at once. */
#ifndef KD_MODULES_AUTH_REVOKER_PORT_H
#define KD_MODULES_AUTH_REVOKER_PORT_H

#include "modules/auth/revoker/bloom.h"

#include <stdatomic.h>

#define KD_REVOKER_CONNECTIONS 16 /* of a port, at a time */

/* A filter that generations and connections share. */
typedef struct kd_shared_bloom {
    _Atomic uint32_t uses;
    kd_bloom *bloom;
} kd_shared_bloom;

void kd_shared_bloom_release(kd_shared_bloom *shared);

/* Serves the filter on that port (0: any free one) of all interfaces, from now on. False: *error says why (in the
 * arena). Main thread. Without workers nothing happens. */
bool kd_revoker_serve(kd_shared_bloom *shared, uint16_t port, kd_arena *arena, kd_str *error);

#endif
