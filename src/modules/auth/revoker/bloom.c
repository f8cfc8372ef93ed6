#include "modules/auth/revoker/bloom.h"

#include "base/ledger.h"

#include <math.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#define MAX_HASHES 5 /* of the default set */

typedef struct filter {
    uint64_t m, k;
    _Atomic uint8_t *bytes;
} filter;

struct kd_bloom {
    pthread_rwlock_t lock; /* rotation and union take it alone; bits are set and tested beside each other */
    kd_bloom_config config;
    uint64_t m, k;
    size_t reserved;
    _Atomic int64_t rotate_at;
    filter previous, current, next;
};

uint64_t kd_bloom_bits(uint64_t n, double p)
{
    double bits = ceil(-((double)n * log(p)) / log(pow(2.0, log(2.0))));
    return bits >= 1 ? bits < 1e18 ? (uint64_t)bits : UINT64_MAX : 0;
}

uint64_t kd_bloom_hashes(uint64_t bits, uint64_t n)
{
    return (uint64_t)ceil(log(2.0) * (double)bits / (double)n);
}

/* ---- hashes ------------------------------------------------------------------------------------------------------ */

/* FNV-1 of 128 bits (draft-eastlake-fnv): the prime is 2^88 + 0x13b. */
static void fnv128(kd_str s, uint8_t out[16])
{
    unsigned __int128 h = (unsigned __int128)0x6c62272e07bb0142u << 64 | 0x62b821756295c58du;
    const unsigned __int128 prime = (unsigned __int128)1 << 88 | 0x13b;
    for (size_t i = 0; i < s.n; i++)
        h = h * prime ^ (uint8_t)s.p[i];
    for (int i = 15; i >= 0; i--, h >>= 8)
        out[i] = (uint8_t)h;
}

static void fnv64(kd_str s, uint8_t out[8])
{
    uint64_t h = 0xcbf29ce484222325u;
    for (size_t i = 0; i < s.n; i++)
        h = h * 0x100000001b3u ^ (uint8_t)s.p[i];
    for (int i = 7; i >= 0; i--, h >>= 8)
        out[i] = (uint8_t)h;
}

/* CRC-64 of ECMA-182, reflected, as Go's crc64.ECMA. */
static void crc64(kd_str s, uint8_t out[8])
{
    uint64_t crc = ~(uint64_t)0;
    for (size_t i = 0; i < s.n; i++) {
        crc ^= (uint8_t)s.p[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0xc96c5795d7870f42u : 0);
    }
    crc = ~crc;
    for (int i = 7; i >= 0; i--, crc >>= 8)
        out[i] = (uint8_t)crc;
}

static uint64_t little(const uint8_t *p)
{
    uint64_t v = 0;
    for (int i = 7; i >= 0; i--)
        v = v << 8 | p[i];
    return v;
}

static bool digest(const EVP_MD *type, kd_str s, uint8_t *out)
{
    unsigned n;
    return EVP_Digest(s.p, s.n, out, &n, type, NULL) == 1;
}

/* What an element hashes to; worked out once for all three filters. */
typedef struct hashes {
    uint64_t v[8];
    unsigned n;
    bool optimal;
} hashes;

static void hash_default(kd_str s, uint64_t k, hashes *h)
{
    uint8_t out[64];
    unsigned functions = k < MAX_HASHES ? (unsigned)k : MAX_HASHES;
    for (unsigned i = 0; i < functions; i++) {
        unsigned words = i == 0 || i == 2 || i == 4 ? 2 : 1;
        memset(out, 0, sizeof out);
        if (i == 0)
            digest(EVP_md5(), s, out);
        else if (i == 1)
            crc64(s, out);
        else if (i == 2)
            digest(EVP_sha1(), s, out);
        else if (i == 3)
            fnv64(s, out);
        else
            fnv128(s, out);
        for (unsigned w = 0; w < words; w++)
            h->v[h->n++] = little(out + 8 * w);
    }
}

static hashes hash(const kd_bloom *bloom, kd_str s)
{
    hashes h = {.optimal = bloom->config.optimal};
    if (h.optimal) {
        uint8_t out[16];
        fnv128(s, out);
        h.v[0] = little(out);
        h.v[1] = little(out + 8);
    } else {
        hash_default(s, bloom->k, &h);
    }
    return h;
}

static uint64_t place(const hashes *h, const filter *f, uint64_t i)
{
    return (h->optimal ? h->v[0] + i * h->v[1] : h->v[i]) % f->m;
}

static uint64_t places(const hashes *h, const filter *f)
{
    return h->optimal ? f->k : h->n;
}

/* ---- filters ----------------------------------------------------------------------------------------------------- */

static bool has(const filter *f, const hashes *h)
{
    for (uint64_t i = 0, n = places(h, f); i < n; i++) {
        uint64_t at = place(h, f, i);
        if (!(atomic_load_explicit(&f->bytes[at >> 3], memory_order_relaxed) >> (at & 7) & 1))
            return false;
    }
    return true;
}

static void add(filter *f, const hashes *h)
{
    for (uint64_t i = 0, n = places(h, f); i < n; i++) {
        uint64_t at = place(h, f, i);
        atomic_fetch_or_explicit(&f->bytes[at >> 3], (uint8_t)(1u << (at & 7)), memory_order_relaxed);
    }
}

static size_t size_of(const filter *f)
{
    return (size_t)((f->m + 7) / 8);
}

static double fill(const filter *f)
{
    uint64_t ones = 0;
    for (size_t i = 0; i < size_of(f); i++)
        ones += (unsigned)__builtin_popcount(f->bytes[i]);
    return (double)ones / (double)f->m;
}

static double capacity_of(const kd_bloom *bloom)
{
    return (fill(&bloom->previous) + fill(&bloom->current) + fill(&bloom->next)) / 3.0;
}

/* Rotates as often as periods have passed; after three of them nothing is left anyway. The lock is held alone. */
static void rotate(kd_bloom *bloom, kd_ns now)
{
    kd_ns due = atomic_load(&bloom->rotate_at);
    for (int i = 0; i < 3 && due <= now; i++, due += bloom->config.ttl) {
        filter old = bloom->previous;
        bloom->previous = bloom->current;
        bloom->current = bloom->next;
        /* Fresh pages cost less than clearing old ones; without memory the old ones will do. */
        size_t bytes = (size_t)((bloom->m + 7) / 8);
        void *fresh = calloc(1, bytes);
        if (fresh)
            free((void *)old.bytes);
        else
            fresh = memset((void *)old.bytes, 0, bytes);
        bloom->next = (filter){.m = bloom->m, .k = bloom->k, .bytes = fresh};
    }
    if (due <= now)
        due += (now - due) / bloom->config.ttl * bloom->config.ttl + bloom->config.ttl;
    atomic_store(&bloom->rotate_at, due);
}

static void keep_time(kd_bloom *bloom, kd_ns now)
{
    if (KD_LIKELY(now < atomic_load_explicit(&bloom->rotate_at, memory_order_relaxed)))
        return;
    pthread_rwlock_wrlock(&bloom->lock);
    rotate(bloom, now);
    pthread_rwlock_unlock(&bloom->lock);
}

kd_bloom *kd_bloom_create(const kd_bloom_config *config, kd_ns now)
{
    uint64_t m = kd_bloom_bits(config->n, config->p);
    if (m == 0 || m > KD_BLOOM_MAX_BITS || config->ttl <= 0)
        return NULL;
    size_t bytes = (size_t)((m + 7) / 8);
    kd_bloom *bloom = calloc(1, sizeof *bloom);
    if (!bloom || !kd_ledger_reserve(KD_ACCOUNT_TABLES, 3 * bytes)) {
        free(bloom);
        return NULL;
    }
    pthread_rwlock_init(&bloom->lock, NULL);
    bloom->config = *config;
    bloom->m = m;
    bloom->k = kd_bloom_hashes(m, config->n);
    bloom->reserved = 3 * bytes;
    atomic_init(&bloom->rotate_at, now + config->ttl);
    bloom->previous = (filter){.m = m, .k = bloom->k, .bytes = calloc(1, bytes)};
    bloom->current = (filter){.m = m, .k = bloom->k, .bytes = calloc(1, bytes)};
    bloom->next = (filter){.m = m, .k = bloom->k, .bytes = calloc(1, bytes)};
    if (bloom->previous.bytes && bloom->current.bytes && bloom->next.bytes)
        return bloom;
    kd_bloom_destroy(bloom);
    return NULL;
}

void kd_bloom_destroy(kd_bloom *bloom)
{
    if (!bloom)
        return;
    free((void *)bloom->previous.bytes);
    free((void *)bloom->current.bytes);
    free((void *)bloom->next.bytes);
    kd_ledger_release(KD_ACCOUNT_TABLES, bloom->reserved);
    pthread_rwlock_destroy(&bloom->lock);
    free(bloom);
}

void kd_bloom_add(kd_bloom *bloom, kd_str element, kd_ns now)
{
    keep_time(bloom, now);
    hashes h = hash(bloom, element);
    pthread_rwlock_rdlock(&bloom->lock);
    add(&bloom->next, &h);
    add(&bloom->current, &h);
    pthread_rwlock_unlock(&bloom->lock);
}

bool kd_bloom_has(kd_bloom *bloom, kd_str element, kd_ns now)
{
    keep_time(bloom, now);
    hashes h = hash(bloom, element);
    pthread_rwlock_rdlock(&bloom->lock);
    bool found = has(&bloom->previous, &h) || has(&bloom->current, &h);
    pthread_rwlock_unlock(&bloom->lock);
    return found;
}

/* ---- union ------------------------------------------------------------------------------------------------------- */

static kd_str hash_name(const kd_bloom *bloom)
{
    return bloom->config.optimal ? KD_STR("optimal") : KD_STR("default");
}

static bool join(kd_bloom *bloom, filter *f, const kd_bloom_part *other, kd_arena *arena, kd_str *error)
{
    kd_str name = hash_name(bloom);
    if (f->m != other->m)
        *error = kd_arena_printf(arena, "m1(%llu) != m2(%llu)", (unsigned long long)f->m, (unsigned long long)other->m);
    else if (f->k != other->k)
        *error = kd_arena_printf(arena, "k1(%llu) != k2(%llu)", (unsigned long long)f->k, (unsigned long long)other->k);
    else if (!kd_str_eq(name, other->hash_name))
        *error = kd_arena_printf(arena, "different hashers: %.*s is not %.*s",
                                 KD_FMT(kd_str_head(other->hash_name, 64)), KD_FMT(name));
    else {
        size_t n = other->bits.n < size_of(f) ? other->bits.n : size_of(f);
        for (size_t i = 0; i < n; i++)
            f->bytes[i] |= (uint8_t)other->bits.p[i];
        return true;
    }
    return false;
}

bool kd_bloom_union(kd_bloom *bloom, const kd_bloom_peer *peer, kd_ns now, kd_arena *arena, double *capacity,
                    kd_str *error)
{
    bool joined = false;
    pthread_rwlock_wrlock(&bloom->lock);
    rotate(bloom, now);
    if (peer->n != bloom->config.n)
        *error = kd_arena_printf(arena, "different n values %llu vs. %llu", (unsigned long long)peer->n,
                                 (unsigned long long)bloom->config.n);
    else if (peer->p != bloom->config.p)
        *error = kd_arena_printf(arena, "different p values %.2f vs. %.2f", peer->p, bloom->config.p);
    else
        joined = join(bloom, &bloom->current, &peer->current, arena, error) &&
                 join(bloom, &bloom->next, &peer->next, arena, error) &&
                 join(bloom, &bloom->previous, &peer->previous, arena, error);
    *capacity = capacity_of(bloom);
    pthread_rwlock_unlock(&bloom->lock);
    return joined;
}
