/* Any bytes as a key document: refused with a reason, or keys that can be asked without harm. */
#include "lang/jose/key_set.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    kd_arena arena;
    kd_jwk_list list;
    kd_str error, text = kd_str_of((const char *)data, size);
    kd_arena_init(&arena, NULL, 0);
    if (kd_jwk_list_read(&arena, text, size & 1, &list, &error)) {
        for (uint32_t i = 0; i < list.n; i++) {
            static char signature[132];
            bool unsupported;
            for (size_t a = 0; kd_jose_alg_at(a); a++)
                assert(!kd_jwk_verify(list.v[i], kd_jose_alg_at(a), KD_STR("x"), kd_str_of(signature, 64 + 4 * a),
                                      &unsupported));
            for (int s = 0; s < KD_JOSE_STRATEGIES; s++)
                assert(kd_jwk_id(&arena, list.v[i], (kd_jose_strategy)s).p);
        }
        kd_jwk_list_fini(&list);
    } else {
        assert(error.p && !list.n);
    }
    kd_arena_reset(&arena);
    return 0;
}
