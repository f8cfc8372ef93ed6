#include "gateway/memory.h"

#include "base/ledger.h"

#include <fcntl.h>
#include <malloc.h>
#include <unistd.h>

/* Longer pieces are mapped alone, so that they go back to the system at once, wherever they lie. */
#define MAPPED_FROM (256 * 1024)
#define TRIM_EVERY  (5 * KD_SECOND)
/* Part of max_memory that is left for what grows between two looks: log lines, pools of connections, malloc's own. */
#define MARGIN 6
/* The ledger gets at least this part, however large the program is. */
#define LEAST 4

void kd_memory_prepare(void)
{
    mallopt(M_MMAP_THRESHOLD, MAPPED_FROM); /* fixed: by itself it would grow with every long piece that is freed */
    mallopt(M_TRIM_THRESHOLD, 1024 * 1024);
}

/* Resident bytes (proc(5), statm); 0 when they cannot be read. */
static size_t resident(void)
{
    char text[128];
    int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof text);
    if (fd >= 0)
        close(fd);
    kd_str rest = {text, n > 0 ? (size_t)n : 0}, word;
    uint64_t pages;
    if (!kd_str_split(&rest, ' ', &word) || !kd_str_split(&rest, ' ', &word) ||
        !kd_str_to_u64(word, UINT32_MAX, &pages))
        return 0;
    return (size_t)pages * (size_t)sysconf(_SC_PAGESIZE);
}

static size_t unknown(void)
{
    size_t held = kd_ledger_total(), sockets = kd_ledger_used(KD_ACCOUNT_SOCKETS), now = resident();
    held = held > sockets ? held - sockets : 0;
    return now > held ? now - held : 0;
}

static void set_ceiling(const kd_memory *memory)
{
    size_t off = memory->overhead + memory->max / MARGIN, least = memory->max / LEAST;
    kd_ledger_set_ceiling(memory->max > off + least ? memory->max - off : least);
}

void kd_memory_limit(kd_memory *memory, const kd_limits *limits)
{
    memory->max = limits->max_memory;
    memory->overhead = unknown();
    set_ceiling(memory);
}

void kd_memory_tick(kd_memory *memory)
{
    size_t total = kd_ledger_total(), beyond = unknown();
    kd_ns now = kd_clock_monotonic();
    if (total > memory->peak)
        memory->peak = total;
    bool fell = total < memory->peak / 2 && memory->peak > memory->max / 64;
    bool grew = beyond > memory->overhead + memory->max / MARGIN / 2;
    if ((fell || grew) && now - memory->trimmed >= TRIM_EVERY) {
        malloc_trim(0);
        memory->trimmed = now;
        memory->peak = total;
        memory->overhead = beyond = unknown();
        set_ceiling(memory);
    } else if (beyond < memory->overhead) {
        memory->overhead = beyond; /* an estimate of a busy moment */
        set_ceiling(memory);
    }
}
