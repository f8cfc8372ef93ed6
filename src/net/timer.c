#include "net/timer.h"

void kd_timers_init(kd_timers *timers, kd_ns now)
{
    *timers = (kd_timers){.tick = (uint64_t)(now / KD_MS)};
}

static void put(kd_timers *timers, kd_timer *timer)
{
    uint64_t ahead = timer->tick - timers->tick;
    unsigned level = 0;
    while (level < KD_WHEEL_LEVELS - 1 && ahead >= (uint64_t)KD_WHEEL_SLOTS << (level * KD_WHEEL_BITS))
        level++;
    unsigned index = (unsigned)(timer->tick >> (level * KD_WHEEL_BITS)) & (KD_WHEEL_SLOTS - 1);
    kd_timer **head = &timers->slot[level][index];
    timer->next = *head;
    if (timer->next)
        timer->next->link = &timer->next;
    timer->link = head;
    *head = timer;
    timers->filled[level] |= 1ull << index;
}

void kd_timer_arm(kd_timers *timers, kd_timer *timer, kd_ns at)
{
    if (timer->link)
        kd_timer_disarm(timers, timer);
    const uint64_t farthest = ((uint64_t)KD_WHEEL_SLOTS << ((KD_WHEEL_LEVELS - 1) * KD_WHEEL_BITS)) - 1;
    uint64_t tick = at <= 0 ? 0 : (uint64_t)at / KD_MS + 1;
    if (tick <= timers->tick)
        tick = timers->tick + 1;
    if (tick - timers->tick > farthest)
        tick = timers->tick + farthest;
    timer->tick = tick;
    put(timers, timer);
    timers->armed++;
}

void kd_timer_disarm(kd_timers *timers, kd_timer *timer)
{
    if (!timer->link)
        return;
    *timer->link = timer->next;
    if (timer->next)
        timer->next->link = timer->link;
    timer->link = NULL;
    timers->armed--;
}

/* Moves the timers of a slot one level down, where they belong now. */
static void cascade(kd_timers *timers, unsigned level)
{
    unsigned index = (unsigned)(timers->tick >> (level * KD_WHEEL_BITS)) & (KD_WHEEL_SLOTS - 1);
    kd_timer *timer = timers->slot[level][index];
    timers->slot[level][index] = NULL;
    timers->filled[level] &= ~(1ull << index);
    while (timer) {
        kd_timer *next = timer->next;
        put(timers, timer);
        timer = next;
    }
}

static void fire_slot(kd_timers *timers, unsigned index)
{
    /* Taken one by one: a callback may disarm the others. */
    kd_timer **head = &timers->slot[0][index];
    while (*head) {
        kd_timer *timer = *head;
        kd_timer_disarm(timers, timer);
        timer->on_fire(timer);
    }
    timers->filled[0] &= ~(1ull << index);
}

void kd_timers_run(kd_timers *timers, kd_ns now)
{
    uint64_t until = (uint64_t)now / KD_MS;
    while (timers->tick < until) {
        if (!timers->armed) {
            timers->tick = until;
            return;
        }
        uint64_t tick = timers->tick + 1;
        /* Jump over empty slots up to the next border of the lowest wheel that is not empty. */
        if (!timers->filled[0]) {
            unsigned level = 1;
            while (level < KD_WHEEL_LEVELS - 1 && !timers->filled[level])
                level++;
            uint64_t border = (timers->tick | (((uint64_t)1 << (level * KD_WHEEL_BITS)) - 1)) + 1;
            tick = border < until ? border : until;
        }
        timers->tick = tick;
        for (unsigned level = 1; level < KD_WHEEL_LEVELS; level++) {
            if (tick & (((uint64_t)1 << (level * KD_WHEEL_BITS)) - 1))
                break;
            cascade(timers, level);
        }
        fire_slot(timers, (unsigned)tick & (KD_WHEEL_SLOTS - 1));
    }
}

int kd_timers_wait(const kd_timers *timers, kd_ns now)
{
    if (!timers->armed)
        return -1;
    uint64_t next = UINT64_MAX;
    for (unsigned level = 0; level < KD_WHEEL_LEVELS; level++) {
        if (!timers->filled[level])
            continue;
        unsigned shift = level * KD_WHEEL_BITS;
        uint64_t base = timers->tick >> shift;
        unsigned at = (unsigned)(base + 1) & (KD_WHEEL_SLOTS - 1);
        uint64_t turned = timers->filled[level] >> at | (at ? timers->filled[level] << (KD_WHEEL_SLOTS - at) : 0);
        uint64_t tick = (base + 1 + (uint64_t)__builtin_ctzll(turned)) << shift;
        if (tick < next)
            next = tick;
    }
    uint64_t elapsed = (uint64_t)now / KD_MS;
    return next <= elapsed ? 0 : next - elapsed > 60000 ? 60000 : (int)(next - elapsed);
}
