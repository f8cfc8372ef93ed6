#include "base/cpu.h"

#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define FILE_MAX (256u * 1024) /* of /proc/self/mountinfo; what lies behind is not seen */

/* A path within `root`; false when it is too long. */
static bool join(char to[PATH_MAX], const char *root, kd_str a, kd_str b, const char *name)
{
    int n = snprintf(to, PATH_MAX, "%s%.*s%.*s%s%s", root, KD_FMT(a), KD_FMT(b), *name ? "/" : "", name);
    return n > 0 && n < PATH_MAX;
}

static kd_str read_file(const char *path, char *room, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    kd_str text = {room, 0};
    if (fd < 0)
        return (kd_str){NULL, 0};
    for (ssize_t n; text.n < size && (n = read(fd, room + text.n, size - text.n)) > 0;)
        text.n += (size_t)n;
    close(fd);
    return text;
}

/* The first number of a small file. False without the file, and for "max" and "-1", which mean no limit. */
static bool read_number(const char *root, kd_str folder, kd_str group, const char *name, uint64_t *out)
{
    char path[PATH_MAX], room[128];
    if (!join(path, root, folder, group, name))
        return false;
    kd_str text = read_file(path, room, sizeof(room)), line;
    return kd_str_split(&text, '\n', &line) && kd_str_to_u64(kd_str_trim(line), UINT64_MAX, out);
}

/* Is `word` in a list with commas? */
static bool list_has(kd_str list, kd_str word)
{
    kd_str piece;
    while (kd_str_split(&list, ',', &piece))
        if (kd_str_eq(piece, word))
            return true;
    return false;
}

/* ---- where the process's cgroup is ---- */

typedef struct cgroup {
    int version;                  /* 1, 2, or 0 when there is none */
    char *text;                   /* what the pieces point into, to be freed */
    kd_str group;                 /* the process's group within the hierarchy, such as /system.slice/x.service */
    kd_str mount_point, mount_of; /* where it is mounted, and which group lies there */
} cgroup;

/* The process's group: a v1 hierarchy with this controller goes before the v2 one (proc(5), cgroups(7)). */
static void find_group(kd_str text, kd_str controller, cgroup *found)
{
    kd_str line, id, controllers;
    while (kd_str_split(&text, '\n', &line)) {
        if (!kd_str_split(&line, ':', &id) || !kd_str_split(&line, ':', &controllers) || !line.p)
            continue;
        bool v2 = kd_str_eq(id, KD_STR("0")) && controllers.n == 0;
        if (v2 ? found->version == 0 : list_has(controllers, controller)) {
            found->version = v2 ? 2 : 1;
            found->group = line;
        }
    }
}

/* Finds the mount of the hierarchy. A line: id, parent, device, root, mount point, options, optional fields, "-",
 * type, source, super options (proc(5)). */
static bool find_mount(kd_str text, kd_str controller, cgroup *found)
{
    kd_str line, fields[10];
    while (kd_str_split(&text, '\n', &line)) {
        ptrdiff_t dash = kd_str_search(line, KD_STR(" - "));
        if (dash < 0)
            continue;
        kd_str front = kd_str_head(line, (size_t)dash), back = kd_str_from(line, (size_t)dash + 3);
        int n = 0;
        while (n < 5 && kd_str_split(&front, ' ', &fields[n]))
            n++;
        while (n >= 5 && n < 8 && kd_str_split(&back, ' ', &fields[n]))
            n++;
        if (n < 8)
            continue;
        bool fits = found->version == 2 ? kd_str_eq(fields[5], KD_STR("cgroup2"))
                                        : kd_str_eq(fields[5], KD_STR("cgroup")) && list_has(fields[7], controller);
        if (!fits)
            continue;
        found->mount_of = fields[3];
        found->mount_point = fields[4];
        return true;
    }
    return false;
}

/* True when the process is in a cgroup with this controller; then found->text is to be freed. */
static bool find_cgroup(const char *root, kd_str controller, cgroup *found)
{
    char path[PATH_MAX];
    *found = (cgroup){.text = malloc(2 * FILE_MAX)};
    if (!found->text)
        return false;
    kd_str none = {"", 0};
    if (join(path, root, none, none, "proc/self/cgroup"))
        find_group(read_file(path, found->text, FILE_MAX), controller, found);
    bool mounted = found->version && join(path, root, none, none, "proc/self/mountinfo") &&
                   find_mount(read_file(path, found->text + FILE_MAX, FILE_MAX), controller, found);
    if (!mounted) {
        free(found->text);
        return false;
    }
    /* What is mounted may be the process's own group (a container that sees no more): the path goes on from there. */
    kd_str of = found->mount_of;
    if (of.n > 1 && kd_str_starts(found->group, of) && (found->group.n == of.n || found->group.p[of.n] == '/'))
        found->group = kd_str_from(found->group, of.n);
    else if (of.n > 1)
        found->group = none;
    if (kd_str_eq(found->group, KD_STR("/")))
        found->group = none;
    return true;
}

/* ---- the limits ---- */

/* "max 100000" or "150000 100000" in cpu.max. */
static bool quota_v2(const char *root, const cgroup *c, uint64_t *quota, uint64_t *period)
{
    char path[PATH_MAX], room[128];
    if (!join(path, root, c->mount_point, c->group, "cpu.max"))
        return false;
    kd_str text = read_file(path, room, sizeof(room)), line, first;
    if (!kd_str_split(&text, '\n', &line) || !kd_str_split(&line, ' ', &first) || !line.p)
        return false;
    return kd_str_to_u64(first, UINT64_MAX, quota) && kd_str_to_u64(kd_str_trim(line), UINT64_MAX, period);
}

uint32_t kd_cpu_quota_under(const char *root)
{
    cgroup c;
    uint64_t quota = 0, period = 0;
    if (!find_cgroup(root, KD_STR("cpu"), &c))
        return 0;
    bool known = c.version == 2 ? quota_v2(root, &c, &quota, &period)
                                : read_number(root, c.mount_point, c.group, "cpu.cfs_quota_us", &quota) &&
                                      read_number(root, c.mount_point, c.group, "cpu.cfs_period_us", &period);
    free(c.text);
    if (!known || quota == 0 || period == 0)
        return 0;
    uint64_t cpus = quota / period + (quota % period != 0);
    return cpus > UINT32_MAX ? UINT32_MAX : (uint32_t)cpus;
}

uint64_t kd_cpu_cgroup_memory_under(const char *root)
{
    cgroup c;
    if (!find_cgroup(root, KD_STR("memory"), &c))
        return 0;
    const char *name = c.version == 2 ? "memory.max" : "memory.limit_in_bytes";
    uint64_t least = UINT64_MAX, limit;
    /* A limit of a group above binds as well: the kernel enforces each. */
    for (kd_str group = c.group;;) {
        if (read_number(root, c.mount_point, group, name, &limit) && limit < least)
            least = limit;
        ptrdiff_t slash = kd_str_rfind(group, '/');
        if (slash < 0)
            break;
        group = kd_str_head(group, (size_t)slash);
    }
    free(c.text);
    /* v1 writes "none" as the largest multiple of a page. */
    return least >= (uint64_t)INT64_MAX / 65536 * 65536 ? 0 : least;
}

static uint32_t affinity(void)
{
    /* The mask must be as large as the kernel's, which is not known: try larger ones. */
    for (int cpus = CPU_SETSIZE; cpus <= 1 << 16; cpus *= 2) {
        cpu_set_t *set = CPU_ALLOC((size_t)cpus);
        if (!set)
            return 1;
        size_t size = CPU_ALLOC_SIZE((size_t)cpus);
        int count = sched_getaffinity(0, size, set) == 0 ? CPU_COUNT_S(size, set) : 0;
        CPU_FREE(set);
        if (count > 0)
            return (uint32_t)count;
    }
    return 1;
}

uint32_t kd_cpu_usable(void)
{
    uint64_t wanted;
    kd_str text = kd_str_from_c(getenv("GOMAXPROCS"));
    if (kd_str_starts(text, KD_STR("+")))
        text = kd_str_from(text, 1);
    if (kd_str_to_u64(text, INT32_MAX, &wanted) && wanted > 0)
        return (uint32_t)wanted;
    uint32_t cpus = affinity(), quota = kd_cpu_quota_under("/");
    if (quota == 1)
        quota = 2;
    return quota && quota < cpus ? quota : cpus;
}

uint64_t kd_cpu_memory_limit(void)
{
    long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    uint64_t machine = pages > 0 && page > 0 ? (uint64_t)pages * (uint64_t)page : 0;
    uint64_t group = kd_cpu_cgroup_memory_under("/");
    return group && (!machine || group < machine) ? group : machine;
}

size_t kd_cpu_default_ceiling(void)
{
    return (size_t)(kd_cpu_memory_limit() / 4 * 3);
}
