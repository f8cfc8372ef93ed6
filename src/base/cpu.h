/* What the machine or the container lets the process use. Read once at start: the files of cgroups are small but not
 * free, and the answers of one run should not contradict each other. */
#ifndef KD_BASE_CPU_H
#define KD_BASE_CPU_H

#include "base/bytes.h"

/* How many workers to run, by the rule of Go 1.25: GOMAXPROCS when it is a positive integer; else the CPUs of the
 * affinity mask, but no more than the CPU quota of the process's cgroup (v1 or v2), rounded up and taken as at least
 * two. Never below one. */
uint32_t kd_cpu_usable(void);
/* The memory limit of the process's cgroup or of one above it (v1 or v2), or the machine's memory, whichever is less;
 * in bytes, 0 when neither is known. */
uint64_t kd_cpu_memory_limit(void);
/* The ceiling of the ledger where the configuration names none: three quarters of the memory limit, 0 (no ceiling)
 * when that is not known. The rest is for stacks, libraries and the kernel's share. */
size_t kd_cpu_default_ceiling(void);

/* The two questions to cgroups with another root folder in place of "/", whose proc and sys they read: for tests.
 * kd_cpu_quota_under: whole CPUs, rounded up, 0 without a quota. kd_cpu_cgroup_memory_under: bytes, 0 without a
 * limit. */
uint32_t kd_cpu_quota_under(const char *root);
uint64_t kd_cpu_cgroup_memory_under(const char *root);

#endif
