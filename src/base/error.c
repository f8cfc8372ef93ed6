#include "base/error.h"

#include "base/format.h"

#include <stdarg.h>

#define WORD_MAX 128u /* longer words get no suggestion: the table of distances lives on the stack */

void kd_errors_init(kd_errors *errors, kd_arena *arena, uint32_t max)
{
    *errors = (kd_errors){.arena = arena, .max = max};
}

static kd_str print_message(kd_arena *arena, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    size_t n = kd_format(NULL, 0, format, args);
    char *p = kd_arena_alloc(arena, n + 1);
    if (p)
        kd_format(p, n + 1, format, again);
    va_end(again);
    return p ? (kd_str){p, n} : (kd_str){NULL, 0};
}

kd_error *kd_errors_add(kd_errors *errors, kd_severity severity, const kd_location *at, kd_str key, const char *format,
                        ...)
{
    /* One per thread, because callers write into it. */
    static _Thread_local kd_error dummy;
    dummy = (kd_error){.severity = severity};
    bool kept = errors->count < errors->max;
    errors->count++;
    errors->errors += severity == KD_SEVERITY_ERROR;
    errors->warnings += severity == KD_SEVERITY_WARNING;
    if (!kept)
        return &dummy;

    va_list args;
    va_start(args, format);
    kd_str message = print_message(errors->arena, format, args);
    va_end(args);
    kd_str key_copy = key.n ? kd_arena_copy(errors->arena, key) : KD_STR("");
    kd_error *error = KD_NEW(errors->arena, kd_error);
    if (!message.p || !key_copy.p || !error)
        return &dummy;
    error->severity = severity;
    error->at = at;
    error->key = key_copy;
    error->message = message;
    if (errors->last)
        errors->last->next = error;
    else
        errors->first = error;
    errors->last = error;
    return error;
}

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* How many bytes must be inserted, dropped, replaced or swapped with their neighbour to make b of a, letters folded;
 * more than `most` is not told apart. */
static unsigned distance(kd_str a, kd_str b, unsigned most)
{
    uint16_t rows[3][WORD_MAX + 1];
    if ((a.n > b.n ? a.n - b.n : b.n - a.n) > most)
        return most + 1;
    for (size_t j = 0; j <= b.n; j++)
        rows[0][j] = (uint16_t)j;
    for (size_t i = 1; i <= a.n; i++) {
        uint16_t *row = rows[i % 3], *above = rows[(i - 1) % 3], *above2 = rows[(i + 1) % 3];
        uint8_t c = kd_lower((uint8_t)a.p[i - 1]);
        unsigned best = row[0] = (uint16_t)i;
        for (size_t j = 1; j <= b.n; j++) {
            uint8_t d = kd_lower((uint8_t)b.p[j - 1]);
            unsigned cost = least(above[j - 1] + (c != d), least(above[j], row[j - 1]) + 1u);
            if (i > 1 && j > 1 && c == kd_lower((uint8_t)b.p[j - 2]) && d == kd_lower((uint8_t)a.p[i - 2]))
                cost = least(cost, above2[j - 2] + 1u);
            row[j] = (uint16_t)cost;
            best = least(best, cost);
        }
        if (best > most + 1)
            return most + 1;
    }
    return rows[a.n % 3][b.n];
}

kd_str kd_suggest(kd_str word, const kd_str *candidates, size_t n)
{
    kd_str nearest = {NULL, 0};
    if (word.n == 0 || word.n > WORD_MAX)
        return nearest;
    unsigned bound = word.n < 3 ? 0 : word.n < 6 ? 1 : (unsigned)(word.n / 3);
    for (size_t i = 0; i < n; i++) {
        kd_str candidate = candidates[i];
        if (candidate.n == 0 || candidate.n > WORD_MAX || kd_str_eq(candidate, word))
            continue;
        unsigned d = distance(word, candidate, bound);
        if (d > bound)
            continue;
        nearest = candidate;
        if (d == 0)
            break;
        bound = d - 1;
    }
    return nearest;
}
