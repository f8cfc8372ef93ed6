#include "net/srv.h"

#include "base/random.h"

#include <stdlib.h>

static int compare(const void *left, const void *right)
{
    const kd_srv_record *a = left, *b = right;
    if (a->priority != b->priority)
        return a->priority < b->priority ? -1 : 1;
    if (a->weight != b->weight)
        return a->weight > b->weight ? -1 : 1;
    size_t n = a->target.n < b->target.n ? a->target.n : b->target.n;
    int order = n ? memcmp(a->target.p, b->target.p, n) : 0;
    if (order)
        return order;
    if (a->target.n != b->target.n)
        return a->target.n < b->target.n ? -1 : 1;
    return (a->port > b->port) - (a->port < b->port);
}

static uint32_t gcd(uint32_t a, uint32_t b)
{
    while (b) {
        uint32_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/* The weight after scaling: how often a record stands in the list, before the common divisor. */
static uint32_t scaled(const kd_srv_record *record, uint64_t sum, uint32_t scale)
{
    if (sum == 0)
        return 1;
    return sum > scale ? (uint32_t)((uint64_t)record->weight * scale / sum) : record->weight;
}

static void shuffle(const kd_srv_record **v, uint32_t n)
{
    for (uint32_t i = n; i > 1; i--) {
        uint32_t k = (uint32_t)kd_random_below(i);
        const kd_srv_record *moved = v[i - 1];
        v[i - 1] = v[k];
        v[k] = moved;
    }
}

uint32_t kd_srv_expand(kd_srv_record *records, uint32_t n, const kd_srv_record **to)
{
    if (n == 0)
        return 0;
    qsort(records, n, sizeof *records, compare);
    uint32_t used = 0, divisor = 0, length = 0;
    uint64_t sum = 0;
    while (used < n && records[used].priority == records[0].priority)
        sum += records[used++].weight;
    uint32_t scale = kd_srv_room(used);
    for (uint32_t i = 0; i < used; i++)
        divisor = gcd(divisor, scaled(&records[i], sum, scale));
    for (uint32_t i = 0; i < used && divisor; i++)
        for (uint32_t times = scaled(&records[i], sum, scale) / divisor; times; times--)
            to[length++] = &records[i];
    if (length > KD_SRV_SCALE)
        shuffle(to, length);
    return length;
}
