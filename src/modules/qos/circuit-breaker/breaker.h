/* The circuit breaker of KrakenD (spec/03 section 5.1): it opens when more than max_errors calls in a row have failed,
 * stays open for `timeout`, lets one call through to try, and closes or opens again as that one ends. While it is
 * closed its count is cleared every `interval`. Nothing fires on a timer: a change comes with the next call.
 *
 * Shared by all threads. A healthy breaker is two loads a call; failures and changes take a lock for a few
 * instructions. */
#ifndef KD_MODULES_QOS_CIRCUIT_BREAKER_BREAKER_H
#define KD_MODULES_QOS_CIRCUIT_BREAKER_BREAKER_H

#include "base/clock.h"

#include <pthread.h>
#include <stdatomic.h>

typedef enum kd_breaker_state { KD_BREAKER_CLOSED, KD_BREAKER_HALF_OPEN, KD_BREAKER_OPEN } kd_breaker_state;

typedef struct kd_breaker_rule {
    kd_ns interval;      /* 0: the count is never cleared */
    kd_ns timeout;       /* above 0 */
    uint32_t max_errors; /* so many failures in a row are borne */
} kd_breaker_rule;

typedef struct kd_breaker {
    kd_breaker_rule rule;
    _Atomic uint64_t quiet; /* generation * 2 + 1 while it is closed and no failure is counted; else even */
    _Atomic int64_t expiry; /* of the present generation; 0: none */
    pthread_mutex_t lock;   /* of what follows */
    kd_breaker_state state;
    uint64_t generation;
    uint32_t failures;                    /* in a row */
    uint32_t probes;                      /* of the half-open state: calls let through, without the excluded ones */
    _Atomic uint64_t opened, turned_away; /* since it exists */
} kd_breaker;

typedef enum kd_breaker_answer {
    KD_BREAKER_PASS,
    KD_BREAKER_IS_OPEN, /* "circuit breaker is open" */
    KD_BREAKER_TOO_MANY /* half-open, and somebody is trying already */
} kd_breaker_answer;

typedef enum kd_breaker_result {
    KD_BREAKER_SUCCESS,
    KD_BREAKER_FAILURE,
    KD_BREAKER_EXCLUDED /* the call was given up: it says nothing about the backend */
} kd_breaker_result;

/* A change of state, for the log. */
typedef struct kd_breaker_change {
    bool changed;
    kd_breaker_state from, to;
} kd_breaker_change;

/* Closed, its first interval begins now. */
void kd_breaker_init(kd_breaker *breaker, const kd_breaker_rule *rule, kd_ns now);
void kd_breaker_fini(kd_breaker *breaker);
/* May a call go out? After PASS exactly one kd_breaker_after with the ticket follows. */
kd_breaker_answer kd_breaker_before(kd_breaker *breaker, kd_ns now, uint64_t *ticket, kd_breaker_change *change);
/* The call has ended. The result of a call that began before the last change, or in an earlier interval, is dropped. */
void kd_breaker_after(kd_breaker *breaker, kd_ns now, uint64_t ticket, kd_breaker_result result,
                      kd_breaker_change *change);
/* "closed", "half-open", "open". */
const char *kd_breaker_state_name(kd_breaker_state state);

#endif
