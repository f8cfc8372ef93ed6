#include "http/server2_guard.h"

void kd_h2_guard_init(kd_h2_guard *guard, kd_ns now)
{
    *guard = (kd_h2_guard){.filled = now, .frames = KD_H2_IDLE_FRAMES, .resets = KD_H2_RESETS};
}

static uint32_t add(uint32_t purse, uint64_t more, uint32_t most)
{
    return more >= most - purse ? most : purse + (uint32_t)more;
}

/* Pays for the time that passed, in whole hundredths of a second. */
static void fill(kd_h2_guard *guard, kd_ns now)
{
    if (now <= guard->filled)
        return;
    uint64_t steps = (uint64_t)(now - guard->filled) / (uint64_t)(KD_SECOND / 100);
    guard->filled += (kd_ns)steps * (KD_SECOND / 100);
    guard->frames = add(guard->frames, steps * KD_H2_IDLE_FRAMES_S / 100, KD_H2_IDLE_FRAMES);
    guard->resets = add(guard->resets, steps * KD_H2_RESETS_S / 100, KD_H2_RESETS);
}

bool kd_h2_guard_frame(kd_h2_guard *guard, kd_ns now)
{
    fill(guard, now);
    if (guard->frames == 0)
        return false;
    guard->frames--;
    return true;
}

void kd_h2_guard_earn(kd_h2_guard *guard, uint32_t frames)
{
    guard->frames = add(guard->frames, frames, KD_H2_IDLE_FRAMES);
}

bool kd_h2_guard_reset(kd_h2_guard *guard, kd_ns now)
{
    fill(guard, now);
    if (guard->resets == 0)
        return false;
    guard->resets--;
    return true;
}

bool kd_h2_guard_block(kd_h2_guard *guard, bool begins, size_t bytes, size_t limit)
{
    if (begins)
        guard->block_frames = 0, guard->block_bytes = 0;
    guard->block_frames++;
    guard->block_bytes += bytes;
    return guard->block_bytes <= 2 * (uint64_t)limit + KD_H2_FRAGMENT &&
           guard->block_frames <= KD_H2_SMALL_FRAGMENTS + guard->block_bytes / KD_H2_FRAGMENT;
}
