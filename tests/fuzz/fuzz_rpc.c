/* The revoker's RPC service: whatever a client sends, in one piece or in two, is answered alike or ends the connection.
 */
#include "modules/auth/revoker/rpc.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static const kd_bloom_config config = {.n = 100, .p = 0.01, .optimal = true, .ttl = KD_SECOND};
    size_t cut = n ? data[0] % n : 0;
    kd_buf out[2];
    bool bad[2];
    for (int way = 0; way < 2; way++) {
        kd_bloom *bloom = kd_bloom_create(&config, 0);
        kd_rpc rpc;
        kd_rpc_init(&rpc, bloom);
        kd_buf_init(&out[way], 1 << 20);
        size_t used = way ? kd_rpc_take(&rpc, kd_str_of((const char *)data, cut), 0, &out[way], &bad[way]) : 0;
        if (!way || !bad[way])
            used += kd_rpc_take(&rpc, kd_str_of((const char *)data + used, n - used), 0, &out[way], &bad[way]);
        if (used > n)
            abort();
        kd_rpc_fini(&rpc);
        kd_bloom_destroy(bloom);
    }
    if (bad[0] != bad[1] || !kd_str_eq(kd_buf_str(&out[0]), kd_buf_str(&out[1])))
        abort();
    kd_buf_fini(&out[0]);
    kd_buf_fini(&out[1]);
    return 0;
}
