/* Errors of load time: a chain of locations and messages that tells people what to do. (Errors of run time are the
 * enum of base/failure.h.) Everything lives in the arena of whoever collects them. */
#ifndef KD_BASE_ERROR_H
#define KD_BASE_ERROR_H

#include "base/arena.h"

/* A place in a source. `from` is the place that included or rendered this one, or NULL. */
typedef struct kd_location {
    kd_str file;
    uint32_t line, column; /* from 1, column in bytes; 0 = unknown */
    const struct kd_location *from;
} kd_location;

typedef enum kd_severity { KD_SEVERITY_NOTE, KD_SEVERITY_WARNING, KD_SEVERITY_ERROR } kd_severity;

typedef struct kd_error {
    struct kd_error *next; /* the next finding of the same list */
    kd_severity severity;
    const kd_location *at; /* may be NULL */
    kd_str key;            /* path of the key, such as endpoints[0].backend[1].host; may be empty */
    kd_str message;        /* what was expected and what was found */
    kd_str suggestion;     /* what to do, such as: did you mean "url_pattern"?; may be empty */
    kd_str compat;         /* the words KrakenD uses for it where a script could depend on them; may be empty */
    bool panics;           /* KrakenD crashes of it: its exit code is 2 */
    bool fatal;            /* compat is the line that KrakenD logs at level FATAL before it exits with 1 */
} kd_error;

/* A list of findings in the order of their discovery. Bounded: beyond `max` findings only the count grows. */
typedef struct kd_errors {
    kd_arena *arena;
    kd_error *first, *last;
    uint32_t count, errors, warnings, max;
} kd_errors;

void kd_errors_init(kd_errors *errors, kd_arena *arena, uint32_t max);
/* Adds a finding and returns it, so that the caller can set suggestion and compat. Never NULL: without memory or beyond
 * the maximum a shared dummy is returned. */
kd_error *kd_errors_add(kd_errors *errors, kd_severity severity, const kd_location *at, kd_str key, const char *format,
                        ...) KD_PRINTF(5, 6);
/* The nearest of n candidates by edit distance, if near enough to be a typing mistake; else p is NULL. */
kd_str kd_suggest(kd_str word, const kd_str *candidates, size_t n);

#endif
