/* Growing arrays in an arena. A growth leaves the old array behind until the arena is reset (at most as much again as
 * the array itself); the bound is the arena's. For what is built once and then read. */
#ifndef KD_BASE_VEC_H
#define KD_BASE_VEC_H

#include "base/arena.h"

/* A vector type: KD_VEC(kd_str) names; zero-initialised it is empty. */
#define KD_VEC(type)                                                                                                   \
    struct {                                                                                                           \
        type *p;                                                                                                       \
        uint32_t n, cap;                                                                                               \
    }

/* A pointer to a new, cleared last element, or NULL when the arena refuses; the vector is unchanged then. */
#define KD_VEC_ADD(arena, vec)                                                                                         \
    ((__typeof__((vec)->p))kd_vec_add((arena), (void **)&(vec)->p, &(vec)->n, &(vec)->cap, sizeof(*(vec)->p)))

/* Appends a value, worked out before the vector grows; false when the arena refuses. */
#define KD_VEC_PUSH(arena, vec, ...)                                                                                   \
    __extension__({                                                                                                    \
        __typeof__(*(vec)->p) kd_vec_value = __VA_ARGS__;                                                              \
        __typeof__((vec)->p) kd_vec_at = KD_VEC_ADD((arena), (vec));                                                   \
        if (kd_vec_at)                                                                                                 \
            *kd_vec_at = kd_vec_value;                                                                                 \
        kd_vec_at != NULL;                                                                                             \
    })

/* The machinery of KD_VEC_ADD. */
void *kd_vec_add(kd_arena *arena, void **p, uint32_t *n, uint32_t *cap, size_t size);

#endif
