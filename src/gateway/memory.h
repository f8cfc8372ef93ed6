/* Keeps the process's memory under max_memory: what the ledger does not know (the program itself, its libraries, what
 * malloc holds back) is measured and taken off the ledger's ceiling; free memory is given back to the system. Main
 * thread only. */
#ifndef KD_GATEWAY_MEMORY_H
#define KD_GATEWAY_MEMORY_H

#include "base/clock.h"
#include "gateway/limits.h"

typedef struct kd_memory {
    size_t max;      /* max_memory */
    size_t overhead; /* resident, but not in the ledger */
    size_t peak;     /* the ledger's total since memory was last given back */
    kd_ns trimmed;   /* when that was */
} kd_memory;

/* Before threads and memory: how malloc is to behave. */
void kd_memory_prepare(void);
/* Sets the ledger's ceiling for these limits; at start and after a reload. */
void kd_memory_limit(kd_memory *memory, const kd_limits *limits);
/* Looks at the process again; to be called a few times a second. */
void kd_memory_tick(kd_memory *memory);

#endif
