/* Keyed hashes (SipHash). The key is drawn once per process, so that nobody outside can build keys that collide. */
#ifndef KD_BASE_HASH_H
#define KD_BASE_HASH_H

#include "base/bytes.h"

/* A 128-bit fingerprint: two different keys practically never share one. All zero is never returned. */
typedef struct kd_fingerprint {
    uint64_t a, b;
} kd_fingerprint;

static inline bool kd_fingerprint_eq(kd_fingerprint x, kd_fingerprint y)
{
    return x.a == y.a && x.b == y.b;
}

/* SipHash-1-3 with the process's key: for tables in memory only, differs from run to run. */
uint64_t kd_hash(kd_str s);
/* SipHash-2-4 of 128 bits with the process's key. */
kd_fingerprint kd_hash_fingerprint(kd_str s);
/* SipHash-2-4 of 64 bits with a given key: the same in every run (reference: Aumasson and Bernstein, 2012). */
uint64_t kd_hash_with_key(const uint64_t key[2], kd_str s);

#endif
