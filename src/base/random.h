/* Random numbers. The fast generator (xoshiro256**, one per thread, seeded by the kernel) is for balancing, jitter and
 * identifiers that nobody must not guess; secrets come from kd_random_secret. */
#ifndef KD_BASE_RANDOM_H
#define KD_BASE_RANDOM_H

#include "base/bytes.h"

/* 64 random bits. Never fails: without a kernel source the seed is taken from clocks and addresses. */
uint64_t kd_random_u64(void);
/* A number of 0 .. bound-1, each equally likely; 0 when bound is 0. */
uint64_t kd_random_below(uint64_t bound);
/* A number from 0 up to, not including, 1. */
double kd_random_unit(void);
/* n bytes from the kernel that nobody can guess. False when it gives none: the caller must not go on with them. */
bool kd_random_secret(void *to, size_t n);

#endif
