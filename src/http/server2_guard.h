/* Bounds against clients that make work without asking for anything: a connection has a purse for frames that bring
 * nothing (settings, pings, window updates, priorities, empty data, unknown types) and one for streams that end by a
 * reset. Both fill up with time, the first also with what useful frames bring; an empty purse ends the connection with
 * ENHANCE_YOUR_CALM. Known attacks: CVE-2019-9511 to 9518, CVE-2023-44487, CVE-2024-27316, CVE-2025-8671. */
#ifndef KD_HTTP_SERVER2_GUARD_H
#define KD_HTTP_SERVER2_GUARD_H

#include "base/clock.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KD_H2_IDLE_FRAMES     2000u /* frames that bring nothing, at once */
#define KD_H2_IDLE_FRAMES_S   100u  /* and per second */
#define KD_H2_RESETS          1000u /* streams ended by a reset, at once */
#define KD_H2_RESETS_S        100u  /* and per second */
#define KD_H2_SMALL_FRAGMENTS 64u   /* frames of one field block beyond what its bytes explain */
#define KD_H2_FRAGMENT        512u  /* bytes that explain a frame */

typedef struct kd_h2_guard {
    kd_ns filled; /* up to here time was paid out */
    uint32_t frames, resets;
    /* Of the field block under way. */
    uint32_t block_frames;
    uint64_t block_bytes;
} kd_h2_guard;

void kd_h2_guard_init(kd_h2_guard *guard, kd_ns now);
/* A frame that brings nothing. False: the purse is empty. */
bool kd_h2_guard_frame(kd_h2_guard *guard, kd_ns now);
/* Something useful came or left: `frames` more are explained by it. */
void kd_h2_guard_earn(kd_h2_guard *guard, uint32_t frames);
/* A stream was ended by a reset, the client's or one that it provoked. False: the purse is empty. */
bool kd_h2_guard_reset(kd_h2_guard *guard, kd_ns now);
/* A frame of a field block: its first (`begins`) or a continuation, of so many bytes. False: there are too many of
 * them, or more bytes than `limit` decoded ones can need. */
bool kd_h2_guard_block(kd_h2_guard *guard, bool begins, size_t bytes, size_t limit);

#endif
