/* The service BloomfilterRPC of net/rpc: what a client has sent becomes what it is answered. No I/O. */
#ifndef KD_MODULES_AUTH_REVOKER_RPC_H
#define KD_MODULES_AUTH_REVOKER_RPC_H

#include "modules/auth/revoker/bloom.h"
#include "modules/auth/revoker/gob.h"

#define KD_RPC_MESSAGE_MAX (64u * 1024 * 1024) /* beside three filters of a union */

/* One connection. */
typedef struct kd_rpc {
    kd_bloom *bloom;
    kd_arena arena; /* of the types */
    kd_gob_types types;
    bool has_request; /* its argument is awaited */
    char method[128];
    size_t method_n;
    uint64_t seq;
    unsigned defined; /* bits: what the client has been told of our types */
} kd_rpc;

void kd_rpc_init(kd_rpc *rpc, kd_bloom *bloom);
void kd_rpc_fini(kd_rpc *rpc);
/* Takes whole messages from the front of `in`, answers go to `out`. Returns how many bytes were used; *bad: the
 * connection is to be closed. */
size_t kd_rpc_take(kd_rpc *rpc, kd_str in, kd_ns now, kd_buf *out, bool *bad);

#endif
