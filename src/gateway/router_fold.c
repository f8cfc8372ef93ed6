#include "gateway/router_fold.h"

#include "text/utf8.h"

typedef struct fold_run {
    int32_t first, last, step, delta;
} fold_run;

#include "gateway/router_fold_table.inc"

static uint32_t map(const fold_run *runs, size_t n, uint32_t rune)
{
    int32_t r = (int32_t)rune;
    size_t low = 0;
    while (n) { /* the last run that begins at or before the rune */
        size_t half = n / 2;
        if (runs[low + half].first <= r)
            low += half + 1, n -= half + 1;
        else
            n = half;
    }
    if (low == 0)
        return rune;
    const fold_run *run = &runs[low - 1];
    return r <= run->last && (r - run->first) % run->step == 0 ? (uint32_t)(r + run->delta) : rune;
}

uint32_t kd_rune_lower(uint32_t rune)
{
    return map(to_lower, KD_COUNT(to_lower), rune);
}

uint32_t kd_rune_upper(uint32_t rune)
{
    return map(to_upper, KD_COUNT(to_upper), rune);
}

bool kd_str_eq_fold(kd_str a, kd_str b)
{
    while (a.n && b.n) {
        uint32_t x, y;
        size_t of_a = kd_utf8_decode(a.p, a.n, &x), of_b = kd_utf8_decode(b.p, b.n, &y);
        if (x != y && map(to_least, KD_COUNT(to_least), x) != map(to_least, KD_COUNT(to_least), y))
            return false;
        a = kd_str_from(a, of_a);
        b = kd_str_from(b, of_b);
    }
    return a.n == b.n;
}
