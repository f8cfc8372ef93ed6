/* Timers of one loop: a hierarchical wheel with ticks of a millisecond. Arming, re-arming and disarming are O(1) and
 * take no memory; a timer fires in the tick after its time, never before. */
#ifndef KD_NET_TIMER_H
#define KD_NET_TIMER_H

#include "base/clock.h"

typedef struct kd_timer {
    struct kd_timer *next, **link; /* link is NULL while the timer is not armed */
    uint64_t tick;
    void (*on_fire)(struct kd_timer *timer);
} kd_timer;

#define KD_WHEEL_BITS   6
#define KD_WHEEL_SLOTS  (1u << KD_WHEEL_BITS)
#define KD_WHEEL_LEVELS 6 /* 64^6 ms: two years; later times are clamped */

typedef struct kd_timers {
    uint64_t tick; /* everything up to this tick has fired */
    uint32_t armed;
    uint64_t filled[KD_WHEEL_LEVELS]; /* a bit for each slot that may hold timers */
    kd_timer *slot[KD_WHEEL_LEVELS][KD_WHEEL_SLOTS];
} kd_timers;

void kd_timers_init(kd_timers *timers, kd_ns now);

static inline void kd_timer_init(kd_timer *timer, void (*on_fire)(kd_timer *timer))
{
    *timer = (kd_timer){.on_fire = on_fire};
}
static inline bool kd_timer_armed(const kd_timer *timer)
{
    return timer->link != NULL;
}

/* Arms (or re-arms) the timer for the point `at` of the monotonic clock. The timer must stay in place until it fired or
 * was disarmed. */
void kd_timer_arm(kd_timers *timers, kd_timer *timer, kd_ns at);
void kd_timer_disarm(kd_timers *timers, kd_timer *timer);
/* Fires what is due. Callbacks may arm and disarm any timer. */
void kd_timers_run(kd_timers *timers, kd_ns now);
/* Milliseconds until the next timer may be due (an early answer is possible), -1 when none is armed. */
int kd_timers_wait(const kd_timers *timers, kd_ns now);

#endif
