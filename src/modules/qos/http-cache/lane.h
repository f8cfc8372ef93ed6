/* Lanes: of several requests that want the same answer at the same time one asks the backend, the others wait for it
 * and look again. A place in a lane lies in its request's memory; only its own worker touches the request. */
#ifndef KD_MODULES_QOS_HTTP_CACHE_LANE_H
#define KD_MODULES_QOS_HTTP_CACHE_LANE_H

#include "base/hash.h"
#include "gateway/exchange.h"

typedef struct kd_lanes kd_lanes;

typedef enum kd_lane_role {
    KD_LANE_OUTSIDE,
    KD_LANE_FIRST,   /* asks, and ends the lane */
    KD_LANE_WAITING, /* is resumed when the lane ends */
    KD_LANE_SERVED   /* the lane has ended, the worker is about to be told */
} kd_lane_role;

/* All cleared at first. */
typedef struct kd_lane_place {
    struct kd_lane_place *next, **link;
    kd_lanes *lanes;
    kd_fingerprint key;
    kd_branch *branch;
    kd_worker *worker;
    kd_lane_role role;
    bool alone; /* told when the lane ended: ask for yourself */
} kd_lane_place;

/* NULL without memory. */
kd_lanes *kd_lanes_create(void);
/* Gives the owner's use up: messages under way hold it, too. NULL is allowed. */
void kd_lanes_destroy(kd_lanes *lanes);
/* Enters the key's lane: FIRST, or WAITING (then the step returns kd_lane_wait). */
kd_lane_role kd_lane_join(kd_lanes *lanes, kd_lane_place *place, kd_fingerprint key, kd_branch *branch);
/* The verdict of a step that waits. */
kd_verdict kd_lane_wait(kd_lane_place *place);
/* The first one ends the lane: those who wait look again, or (`alone`) go on without waiting any more. Harmless for
 * anyone else. */
void kd_lane_end(kd_lane_place *place, bool alone);
/* How many wait in all lanes now. */
uint32_t kd_lanes_waiting(kd_lanes *lanes);

#endif
