#include "base/shared.h"

#include <stdlib.h>

#define LINE 64u /* bytes of a cache line */

bool kd_counters_init(kd_counters *counters, uint32_t workers, uint32_t n)
{
    const uint32_t per_line = LINE / sizeof(uint64_t);
    *counters = (kd_counters){.workers = workers, .n = n};
    if (n > UINT32_MAX - per_line || workers == UINT32_MAX)
        return false;
    counters->stride = (n + per_line - 1) / per_line * per_line;
    size_t rows = (size_t)workers + 1;
    if (counters->stride && rows > SIZE_MAX / 2 / LINE / counters->stride)
        return false;
    size_t size = rows * counters->stride * sizeof(uint64_t);
    counters->rows = aligned_alloc(LINE, size ? size : LINE);
    if (!counters->rows)
        return false;
    for (size_t i = 0; i < rows * counters->stride; i++)
        atomic_init(&counters->rows[i], 0);
    return true;
}

void kd_counters_fini(kd_counters *counters)
{
    free(counters->rows);
    *counters = (kd_counters){0};
}

uint64_t kd_counters_sum(const kd_counters *counters, uint32_t which)
{
    uint64_t sum = 0;
    for (uint32_t row = 0; row <= counters->workers; row++)
        sum += atomic_load_explicit(&counters->rows[(size_t)row * counters->stride + which], memory_order_relaxed);
    return sum;
}
