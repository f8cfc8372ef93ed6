#include "base/vec.h"

void *kd_vec_add(kd_arena *arena, void **p, uint32_t *n, uint32_t *cap, size_t size)
{
    if (*n == *cap) {
        uint32_t larger = *cap ? *cap * 2 : 8;
        if (larger <= *cap || larger > SIZE_MAX / 4 / size)
            return NULL;
        void *grown = kd_arena_alloc(arena, larger * size);
        if (!grown)
            return NULL;
        if (*n)
            memcpy(grown, *p, *n * size);
        *p = grown;
        *cap = larger;
    }
    return memset((char *)*p + (size_t)(*n)++ * size, 0, size);
}
