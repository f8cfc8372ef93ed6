#include "base/random.h"

#include "base/clock.h"

#include <errno.h>
#include <sys/random.h>

static uint64_t rotate(uint64_t v, int by)
{
    return v << by | v >> (64 - by);
}

bool kd_random_secret(void *to, size_t n)
{
    for (char *at = to; n;) {
        ssize_t r = getrandom(at, n, 0);
        if (r < 0 && errno == EINTR)
            continue;
        if (r <= 0)
            return false;
        at += r;
        n -= (size_t)r;
    }
    return true;
}

/* One step of splitmix64: spreads a poor seed over all bits. */
static uint64_t spread(uint64_t *seed)
{
    uint64_t v = *seed += 0x9e3779b97f4a7c15;
    v = (v ^ v >> 30) * 0xbf58476d1ce4e5b9;
    v = (v ^ v >> 27) * 0x94d049bb133111eb;
    return v ^ v >> 31;
}

static void seed_state(uint64_t s[4])
{
    int error = errno;
    if (!kd_random_secret(s, 4 * sizeof(s[0])) || !(s[0] | s[1] | s[2] | s[3])) {
        uint64_t seed = (uint64_t)kd_clock_wall() ^ rotate((uint64_t)kd_clock_monotonic(), 32) ^ (uintptr_t)s;
        for (int i = 0; i < 4; i++)
            s[i] = spread(&seed);
    }
    errno = error;
}

uint64_t kd_random_u64(void)
{
    static _Thread_local uint64_t s[4];
    static _Thread_local bool seeded;
    if (KD_UNLIKELY(!seeded)) {
        seed_state(s);
        seeded = true;
    }
    uint64_t result = rotate(s[1] * 5, 7) * 9, t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate(s[3], 45);
    return result;
}

uint64_t kd_random_below(uint64_t bound)
{
    if (bound == 0)
        return 0;
    /* The high half of a 128-bit product is the number; the few products that would favour some numbers are redrawn. */
    unsigned __int128 product = (unsigned __int128)kd_random_u64() * bound;
    if (KD_UNLIKELY((uint64_t)product < bound))
        for (uint64_t unfair = -bound % bound; (uint64_t)product < unfair;)
            product = (unsigned __int128)kd_random_u64() * bound;
    return (uint64_t)(product >> 64);
}

double kd_random_unit(void)
{
    return (double)(kd_random_u64() >> 11) * 0x1p-53;
}
