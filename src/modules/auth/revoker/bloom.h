/* Rotating bloom filters, bit for bit those of KrakenD (spec/02 section 6.2): three filters, of which the oldest is
 * dropped at every rotation, so that an element is found for between two and three periods. Shared by all workers. */
#ifndef KD_MODULES_AUTH_REVOKER_BLOOM_H
#define KD_MODULES_AUTH_REVOKER_BLOOM_H

#include "base/arena.h"
#include "base/clock.h"

typedef struct kd_bloom_config {
    uint64_t n;
    double p;
    bool optimal; /* hash_name: "optimal", else "default" */
    kd_ns ttl;    /* period of rotation; above 0 */
} kd_bloom_config;

/* How many bits and hashes one filter has. */
uint64_t kd_bloom_bits(uint64_t n, double p);
uint64_t kd_bloom_hashes(uint64_t bits, uint64_t n);

typedef struct kd_bloom kd_bloom;

/* Bound on the bits of one filter. */
#define KD_BLOOM_MAX_BITS ((uint64_t)1 << 33)

/* Empty filters; their memory is reserved in the ledger. NULL when it is refused, or beyond the bound. */
kd_bloom *kd_bloom_create(const kd_bloom_config *config, kd_ns now);
void kd_bloom_destroy(kd_bloom *bloom);
void kd_bloom_add(kd_bloom *bloom, kd_str element, kd_ns now);
bool kd_bloom_has(kd_bloom *bloom, kd_str element, kd_ns now);

/* One filter of another gateway, for a union. */
typedef struct kd_bloom_part {
    kd_str bits; /* bytes, bit i is byte i/8, bit i%8 */
    uint64_t m, k;
    kd_str hash_name;
} kd_bloom_part;

/* The three of another gateway. */
typedef struct kd_bloom_peer {
    uint64_t n;
    double p;
    kd_bloom_part previous, current, next;
} kd_bloom_peer;

/* Adds all of the other's elements; *capacity: the mean part of bits that are set. False: the two do not fit, *error
 * (in the arena) says why. */
bool kd_bloom_union(kd_bloom *bloom, const kd_bloom_peer *peer, kd_ns now, kd_arena *arena, double *capacity,
                    kd_str *error);

#endif
