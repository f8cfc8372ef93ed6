#include "base/hash.h"

#include "base/random.h"

#include <pthread.h>

static uint64_t process_key[2];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void draw_key(void)
{
    if (!kd_random_secret(process_key, sizeof(process_key))) {
        process_key[0] = kd_random_u64();
        process_key[1] = kd_random_u64();
    }
}

static const uint64_t *key_of_process(void)
{
    pthread_once(&once, draw_key);
    return process_key;
}

typedef struct sip {
    uint64_t v0, v1, v2, v3;
} sip;

static inline uint64_t rotate(uint64_t v, int by)
{
    return v << by | v >> (64 - by);
}

static inline void mix(sip *s, int rounds)
{
    while (rounds--) {
        s->v0 += s->v1;
        s->v2 += s->v3;
        s->v1 = rotate(s->v1, 13) ^ s->v0;
        s->v3 = rotate(s->v3, 16) ^ s->v2;
        s->v0 = rotate(s->v0, 32);
        s->v2 += s->v1;
        s->v0 += s->v3;
        s->v1 = rotate(s->v1, 17) ^ s->v2;
        s->v3 = rotate(s->v3, 21) ^ s->v0;
        s->v2 = rotate(s->v2, 32);
    }
}

static inline void absorb(sip *s, uint64_t word, int rounds)
{
    s->v3 ^= word;
    mix(s, rounds);
    s->v0 ^= word;
}

/* Everything but the final rounds. Words are little-endian in the definition; so are the machines we build for, and
 * elsewhere the result would only differ from the reference, not between runs of one process. */
static inline sip run(const uint64_t key[2], kd_str str, int rounds, uint64_t v1_extra)
{
    sip s = {
        .v0 = key[0] ^ 0x736f6d6570736575,
        .v1 = key[1] ^ 0x646f72616e646f6d ^ v1_extra,
        .v2 = key[0] ^ 0x6c7967656e657261,
        .v3 = key[1] ^ 0x7465646279746573,
    };
    size_t whole = str.n & ~(size_t)7;
    uint64_t word;
    for (size_t i = 0; i < whole; i += 8) {
        memcpy(&word, str.p + i, 8);
        absorb(&s, word, rounds);
    }
    word = (uint64_t)str.n << 56;
    for (size_t i = whole; i < str.n; i++)
        word |= (uint64_t)(uint8_t)str.p[i] << 8 * (i - whole);
    absorb(&s, word, rounds);
    return s;
}

static inline uint64_t fold(const sip *s)
{
    return s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
}

uint64_t kd_hash(kd_str str)
{
    sip s = run(key_of_process(), str, 1, 0);
    s.v2 ^= 0xff;
    mix(&s, 3);
    return fold(&s);
}

uint64_t kd_hash_with_key(const uint64_t key[2], kd_str str)
{
    sip s = run(key, str, 2, 0);
    s.v2 ^= 0xff;
    mix(&s, 4);
    return fold(&s);
}

kd_fingerprint kd_hash_fingerprint(kd_str str)
{
    sip s = run(key_of_process(), str, 2, 0xee);
    kd_fingerprint out;
    s.v2 ^= 0xee;
    mix(&s, 4);
    out.a = fold(&s);
    s.v1 ^= 0xdd;
    mix(&s, 4);
    out.b = fold(&s);
    if (!(out.a | out.b))
        out.b = 1;
    return out;
}
