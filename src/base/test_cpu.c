#include "base/cpu.h"

#include <ftw.h>
#include <limits.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <cmocka.h>

static char root[64];

static int make_root(void **state)
{
    strcpy(root, "/tmp/kd-test-cpu-XXXXXX");
    return mkdtemp(root) ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    return remove(path);
}

static int remove_root(void **state)
{
    return nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* Writes a file below the root, with the folders above it. */
static void put(const char *name, const char *text)
{
    char path[PATH_MAX];
    snprintf(path, sizeof(path), "%s%s", root, name);
    for (char *slash = path + strlen(root) + 1; (slash = strchr(slash, '/')) != NULL; *slash++ = '/') {
        *slash = 0;
        mkdir(path, 0700);
    }
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

#define V2_MOUNT                                                                                                       \
    "22 27 0:21 / /proc rw,relatime - proc proc rw\n"                                                                  \
    "31 23 0:28 / /cg rw,nosuid shared:9 master:3 - cgroup2 cgroup rw,nsdelegate\n"

static void quota_v2(void **state)
{
    static const struct {
        const char *text;
        uint32_t cpus;
    } cases[] = {
        {"max 100000\n", 0},
        {"100000 100000\n", 1},
        {"150000 100000\n", 2},
        {"200000 100000\n", 2},
        {"1000 100000\n", 1},
        {"nonsense\n", 0},
        {"", 0},
        {"400000 50000\n", 8},
        {"5 0\n", 0},
        {"0 100000\n", 0},
        {"18446744073709551615 1\n", UINT32_MAX},
    };
    put("/proc/self/cgroup", "0::/pod/one\n");
    put("/proc/self/mountinfo", V2_MOUNT);
    for (size_t i = 0; i < KD_COUNT(cases); i++) {
        put("/cg/pod/one/cpu.max", cases[i].text);
        if (kd_cpu_quota_under(root) != cases[i].cpus)
            fail_msg("%s gives %u", cases[i].text, kd_cpu_quota_under(root));
    }
}

static void memory_v2(void **state)
{
    put("/proc/self/cgroup", "0::/pod/one\n");
    put("/proc/self/mountinfo", V2_MOUNT);
    put("/cg/pod/one/memory.max", "max\n");
    assert_int_equal(kd_cpu_cgroup_memory_under(root), 0);
    put("/cg/pod/memory.max", "600000000\n");
    assert_int_equal(kd_cpu_cgroup_memory_under(root), 600000000);
    put("/cg/pod/one/memory.max", "500000000\n");
    assert_int_equal(kd_cpu_cgroup_memory_under(root), 500000000);
    put("/cg/memory.max", "400000000\n");
    assert_int_equal(kd_cpu_cgroup_memory_under(root), 400000000);
}

/* A container that sees its own group as the root of the mount. */
static void group_is_the_mount(void **state)
{
    put("/proc/self/cgroup", "0::/docker/abc\n");
    put("/proc/self/mountinfo", "31 23 0:28 /docker/abc /cg rw - cgroup2 cgroup rw\n");
    put("/cg/cpu.max", "300000 100000\n");
    put("/cg/memory.max", "1000\n");
    assert_int_equal(kd_cpu_quota_under(root), 3);
    assert_int_equal(kd_cpu_cgroup_memory_under(root), 1000);
}

static void version_1_goes_first(void **state)
{
    put("/proc/self/cgroup", "4:memory:/a\n3:cpu,cpuacct:/a/b\n1:name=systemd:/\n0::/x\n");
    put("/proc/self/mountinfo", "30 23 0:1 / /cg2 rw - cgroup2 cgroup2 rw\n"
                                "31 23 0:2 / /cg/sets rw - cgroup cgroup rw,cpuset\n"
                                "32 23 0:3 / /cg/cpu rw - cgroup cgroup rw,cpu,cpuacct\n"
                                "33 23 0:4 / /cg/memory rw - cgroup cgroup rw,memory\n");
    put("/cg2/x/cpu.max", "900000 100000\n");
    put("/cg/cpu/a/b/cpu.cfs_quota_us", "-1\n");
    put("/cg/cpu/a/b/cpu.cfs_period_us", "100000\n");
    assert_int_equal(kd_cpu_quota_under(root), 0);
    put("/cg/cpu/a/b/cpu.cfs_quota_us", "250000\n");
    assert_int_equal(kd_cpu_quota_under(root), 3);
    put("/cg/memory/a/memory.limit_in_bytes", "9223372036854771712\n");
    assert_int_equal(kd_cpu_cgroup_memory_under(root), 0);
    put("/cg/memory/a/memory.limit_in_bytes", "104857600\n");
    assert_int_equal(kd_cpu_cgroup_memory_under(root), 104857600);
}

static void without_cgroups_there_is_no_limit(void **state)
{
    assert_int_equal(kd_cpu_quota_under(root), 0);
    put("/proc/self/cgroup", "broken\n\n::\n0:\n");
    put("/proc/self/mountinfo", "\n - \n1 2 3 - cgroup2\n31 23 0:28 / /cg rw - cgroup2 cgroup");
    assert_int_equal(kd_cpu_quota_under(root), 0);
    assert_int_equal(kd_cpu_cgroup_memory_under(root), 0);
    put("/proc/self/cgroup", "0::/\n");
    assert_int_equal(kd_cpu_quota_under(root), 0);
}

static void environment_decides(void **state)
{
    static const struct {
        const char *text;
        uint32_t cpus; /* 0: as without it */
    } cases[] = {{"3", 3}, {"+5", 5}, {"1", 1},           {"0", 0},    {"-2", 0},
                 {"x", 0}, {"", 0},   {"99999999999", 0}, {"400", 400}};
    unsetenv("GOMAXPROCS");
    uint32_t usual = kd_cpu_usable();
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof(set), &set) == 0)
        assert_true(usual >= 1 && usual <= (uint32_t)CPU_COUNT(&set));
    for (size_t i = 0; i < KD_COUNT(cases); i++) {
        setenv("GOMAXPROCS", cases[i].text, 1);
        assert_int_equal(kd_cpu_usable(), cases[i].cpus ? cases[i].cpus : usual);
    }
    unsetenv("GOMAXPROCS");
}

static void affinity_counts(void **state)
{
    cpu_set_t before, one;
    if (sched_getaffinity(0, sizeof(before), &before) != 0)
        skip();
    int first = 0;
    while (!CPU_ISSET(first, &before))
        first++;
    CPU_ZERO(&one);
    CPU_SET(first, &one);
    assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
    assert_int_equal(kd_cpu_usable(), 1);
    sched_setaffinity(0, sizeof(before), &before);
}

static void memory_of_this_machine(void **state)
{
    uint64_t limit = kd_cpu_memory_limit();
    assert_true(limit > 1u << 20);
    assert_int_equal(kd_cpu_default_ceiling(), limit / 4 * 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(quota_v2, make_root, remove_root),
        cmocka_unit_test_setup_teardown(memory_v2, make_root, remove_root),
        cmocka_unit_test_setup_teardown(group_is_the_mount, make_root, remove_root),
        cmocka_unit_test_setup_teardown(version_1_goes_first, make_root, remove_root),
        cmocka_unit_test_setup_teardown(without_cgroups_there_is_no_limit, make_root, remove_root),
        cmocka_unit_test(environment_decides),
        cmocka_unit_test(affinity_counts),
        cmocka_unit_test(memory_of_this_machine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
