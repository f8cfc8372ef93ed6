/* The records of a DNS service name (RFC 2782), and the list of hosts that KrakenD's `sd: dns` makes of them (spec/06
 * section 17.1). No network here. */
#ifndef KD_NET_SRV_H
#define KD_NET_SRV_H

#include "base/bytes.h"

#define KD_SRV_SCALE 100u /* a list is no longer than this, or than there are records */

typedef struct kd_srv_record {
    uint16_t priority, weight, port;
    kd_str target; /* without its final dot; borrowed */
} kd_srv_record;

/* How many places kd_srv_expand needs at most for n records. */
static inline uint32_t kd_srv_room(uint32_t n)
{
    return n > KD_SRV_SCALE ? n : KD_SRV_SCALE;
}

/* Sorts the records (priority upwards, weight downwards, target, port) and lists those of the lowest priority, each as
 * often as its weight asks for; returns the length of the list. `to` has kd_srv_room(n) places and points into
 * `records`. Weights whose sum is above that are scaled down, so that small ones may drop out, as in KrakenD; a list of
 * more than KD_SRV_SCALE is shuffled. Weights that are all 0 count as 1 each, where KrakenD has no host left (RFC 2782:
 * no selection is to be done). 0 only without records; cannot fail. */
uint32_t kd_srv_expand(kd_srv_record *records, uint32_t n, const kd_srv_record **to);

#endif
