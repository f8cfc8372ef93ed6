/* The ports of the revoker: RPC, and plain HTTP. Ports belong to the process: once open they stay, and serve whatever
 * filter the present configuration has there; without one, connections are closed at once. */
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

typedef enum kd_revoker_protocol { KD_REVOKER_RPC, KD_REVOKER_REST } kd_revoker_protocol;

typedef struct kd_revoker_port {
    kd_revoker_protocol protocol;
    bool open;      /* false: former ports of the protocol fall silent, nothing else happens */
    uint16_t port;  /* 0: any free one */
    kd_str address; /* empty: all interfaces; at most 63 bytes */
    kd_str key;     /* KD_REVOKER_REST: at most KD_REST_KEY_MAX bytes; of connections from now on */
} kd_revoker_port;

/* Serves the filter there from now on, and on no other port of the protocol. False: *error says why (in the arena).
 * Main thread. Without workers nothing happens. */
bool kd_revoker_serve(kd_shared_bloom *shared, const kd_revoker_port *wanted, kd_arena *arena, kd_str *error);

#endif
