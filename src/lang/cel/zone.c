/* Time zones by name, from the files of the system's zone database (TZif, RFC 8536), as Go's time.LoadLocation finds
 * them. A zone that was read is never changed or freed; readers look without a lock. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "lang/cel/run.h"

#define MAX_NAME 128u
#define MAX_FILE (256u * 1024)

/* A file's second block: transitions at 64-bit times, and the rule for what comes behind the last. */
typedef struct zone {
    char name[MAX_NAME];
    size_t n_name;
    uint32_t n_times, n_types;
    const uint8_t *times, *indices, *types; /* big-endian times; an index for each; 6 bytes for each type */
    kd_str rule;                            /* POSIX's TZ, empty for none */
    size_t n_data;
    uint8_t data[];
} zone;

static _Atomic(zone *) zones[KD_CEL_MAX_ZONES];
static pthread_mutex_t adding = PTHREAD_MUTEX_INITIALIZER;

static uint32_t be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static int64_t be64(const uint8_t *p)
{
    return (int64_t)((uint64_t)be32(p) << 32 | be32(p + 4));
}

/* The bytes of a block behind its header of 44, whose times have `width` bytes. */
static uint64_t block_size(const uint8_t *head, uint64_t width)
{
    uint64_t isut = be32(head + 20), isstd = be32(head + 24), leap = be32(head + 28), times = be32(head + 32);
    return times * width + times + (uint64_t)be32(head + 36) * 6 + be32(head + 40) + leap * (width + 4) + isstd + isut;
}

static bool is_head(const uint8_t *p, size_t n)
{
    return n >= 44 && memcmp(p, "TZif", 4) == 0;
}

/* Finds the parts of the second block. False for what is no TZif of version 2 or later. */
static bool parse(zone *z)
{
    const uint8_t *p = z->data;
    size_t n = z->n_data;
    if (!is_head(p, n) || p[4] < '2' || block_size(p, 4) > n - 44)
        return false;
    size_t skip = 44 + (size_t)block_size(p, 4);
    p += skip, n -= skip;
    if (!is_head(p, n) || block_size(p, 8) > n - 44)
        return false;
    size_t size = 44 + (size_t)block_size(p, 8);
    z->n_times = be32(p + 32);
    z->n_types = be32(p + 36);
    z->times = p + 44;
    z->indices = z->times + (size_t)z->n_times * 8;
    z->types = z->indices + z->n_times;
    for (uint32_t i = 0; i < z->n_times; i++)
        if (z->indices[i] >= z->n_types)
            return false;
    kd_str tail = {(const char *)p + size, n - size};
    ptrdiff_t end = tail.n > 1 && tail.p[0] == '\n' ? kd_str_find(kd_str_from(tail, 1), '\n') : -1;
    if (end > 0)
        z->rule = kd_str_head(kd_str_from(tail, 1), (size_t)end);
    return z->n_types > 0;
}

/* Reads a file of the database into a new zone. NULL: errno says why, 0 that it is no zone. */
static zone *read_zone(kd_str name)
{
    static const char *const folders[] = {"/usr/share/zoneinfo/", "/usr/share/lib/zoneinfo/", "/usr/lib/locale/TZ/",
                                          "/etc/zoneinfo/"};
    int fd = -1, failed = ENOENT;
    char path[MAX_NAME + 32];
    for (size_t i = 0; i < KD_COUNT(folders) && fd < 0; i++) {
        size_t n = strlen(folders[i]);
        memcpy(path, folders[i], n);
        memcpy(path + n, name.p, name.n);
        path[n + name.n] = '\0';
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0 && errno != ENOENT && failed == ENOENT)
            failed = errno;
    }
    zone *z = fd < 0 ? NULL : malloc(sizeof *z + MAX_FILE);
    ssize_t got = z ? read(fd, z->data, MAX_FILE) : -1;
    if (fd >= 0) {
        failed = z ? errno : ENOMEM;
        close(fd);
    }
    if (got >= 0) {
        zone *fits = realloc(z, sizeof *z + (size_t)got);
        z = fits ? fits : z;
        memset(z, 0, sizeof *z);
        memcpy(z->name, name.p, name.n);
        z->n_name = name.n;
        z->n_data = (size_t)got;
        if (parse(z))
            return z;
        failed = 0;
    }
    free(z);
    errno = failed;
    return NULL;
}

static zone *find(kd_str name)
{
    for (uint32_t i = 0; i < KD_CEL_MAX_ZONES; i++) {
        zone *z = atomic_load_explicit(&zones[i], memory_order_acquire);
        if (!z)
            return NULL;
        if (kd_str_eq(name, (kd_str){z->name, z->n_name}))
            return z;
    }
    return NULL;
}

/* Keeps a zone that was read; another thread may have been first. False when all places are taken. */
static bool keep(zone **z)
{
    bool kept = false;
    pthread_mutex_lock(&adding);
    zone *other = find((kd_str){(*z)->name, (*z)->n_name});
    if (other) {
        free(*z);
        *z = other;
        kept = true;
    }
    for (uint32_t i = 0; i < KD_CEL_MAX_ZONES && !kept; i++) {
        if (atomic_load_explicit(&zones[i], memory_order_relaxed))
            continue;
        atomic_store_explicit(&zones[i], *z, memory_order_release);
        kept = true;
    }
    pthread_mutex_unlock(&adding);
    return kept;
}

/* A reader of POSIX's TZ rules: "CET-1CEST,M3.5.0,M10.5.0/3". */
typedef struct reader {
    const char *p, *end;
    bool bad;
} reader;

static int64_t read_number(reader *r)
{
    int64_t n = 0;
    const char *start = r->p;
    while (r->p < r->end && *r->p >= '0' && *r->p <= '9' && n < 100000)
        n = n * 10 + (*r->p++ - '0');
    r->bad = r->bad || r->p == start;
    return n;
}

static bool skip_byte(reader *r, char c)
{
    if (r->p >= r->end || *r->p != c)
        return false;
    r->p++;
    return true;
}

static void skip_name(reader *r)
{
    const char *start = r->p;
    if (skip_byte(r, '<')) {
        while (r->p < r->end && *r->p != '>')
            r->p++;
        r->bad = r->bad || !skip_byte(r, '>');
        return;
    }
    while (r->p < r->end && ((*r->p | 0x20) >= 'a' && (*r->p | 0x20) <= 'z'))
        r->p++;
    r->bad = r->bad || r->p - start < 3;
}

/* [+-]hh[:mm[:ss]] in seconds. */
static int64_t read_clock(reader *r)
{
    bool negative = skip_byte(r, '-');
    if (!negative)
        skip_byte(r, '+');
    int64_t seconds = read_number(r) * 3600;
    if (skip_byte(r, ':'))
        seconds += read_number(r) * 60;
    if (skip_byte(r, ':'))
        seconds += read_number(r);
    return negative ? -seconds : seconds;
}

static bool is_leap(int64_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* Seconds from the year's beginning to a change of the clocks, by the clock before it. */
static int64_t read_change(reader *r, int64_t year, int64_t first_weekday)
{
    static const int16_t before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365};
    int64_t day;
    if (skip_byte(r, 'J')) { /* 1..365, the 29th of February is never counted */
        day = read_number(r) - 1;
        day += is_leap(year) && day >= 59;
    } else if (skip_byte(r, 'M')) { /* month, week of it (5: the last), day of the week */
        int64_t month = read_number(r);
        r->bad = r->bad || !skip_byte(r, '.') || month < 1 || month > 12;
        int64_t week = read_number(r);
        r->bad = r->bad || !skip_byte(r, '.') || week < 1 || week > 5;
        int64_t weekday = read_number(r);
        if (r->bad || weekday > 6)
            return r->bad = true, 0;
        int64_t start = before[month - 1] + (is_leap(year) && month > 2);
        int64_t end = before[month] + (is_leap(year) && month > 1);
        day = start + ((weekday - first_weekday - start) % 7 + 7) % 7 + (week - 1) * 7;
        while (day >= end)
            day -= 7;
    } else {
        day = read_number(r);
    }
    return day * 86400 + (skip_byte(r, '/') ? read_clock(r) : 7200);
}

/* The day, counted from 1970, on which a year begins. */
static int64_t year_start(int64_t year)
{
    int64_t y = year - 1;
    return 365 * (year - 1970) + (y / 4 - y / 100 + y / 400) - 477;
}

/* The offset that a rule gives at a time; false when it cannot be read. */
static bool rule_offset(kd_str rule, int64_t seconds, int64_t *offset)
{
    reader r = {rule.p, rule.p + rule.n, false};
    skip_name(&r);
    int64_t standard = -read_clock(&r);
    *offset = standard;
    if (r.bad || r.p == r.end)
        return !r.bad;
    skip_name(&r);
    int64_t summer = r.p < r.end && *r.p != ',' ? -read_clock(&r) : standard + 3600;
    int64_t year = 1970 + seconds / 31556952;
    while (year_start(year) * 86400 > seconds)
        year--;
    while (year_start(year + 1) * 86400 <= seconds)
        year++;
    int64_t days = year_start(year), weekday = ((days + 4) % 7 + 7) % 7;
    if (r.p == r.end) { /* POSIX's own rule, where none is written */
        kd_str usual = KD_STR(",M3.2.0,M11.1.0");
        r = (reader){usual.p, usual.p + usual.n, r.bad};
    }
    r.bad = r.bad || !skip_byte(&r, ',');
    int64_t begin = read_change(&r, year, weekday) - standard;
    r.bad = r.bad || !skip_byte(&r, ',');
    int64_t end = read_change(&r, year, weekday) - summer, now = seconds - days * 86400;
    bool in = begin < end ? now >= begin && now < end : now >= begin || now < end;
    *offset = in ? summer : standard;
    return !r.bad;
}

static int64_t type_offset(const zone *z, uint32_t type)
{
    return (int32_t)be32(z->types + (size_t)type * 6);
}

/* Before the first transition Go takes the first type that is no summer time. */
static int64_t first_offset(const zone *z)
{
    for (uint32_t i = 0; i < z->n_types; i++)
        if (!z->types[(size_t)i * 6 + 4])
            return type_offset(z, i);
    return type_offset(z, 0);
}

static int64_t offset_at(const zone *z, int64_t seconds)
{
    uint32_t low = 0, high = z->n_times; /* the first transition later than `seconds` */
    int64_t offset;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (be64(z->times + (size_t)middle * 8) > seconds)
            high = middle;
        else
            low = middle + 1;
    }
    if (low == z->n_times && z->rule.n && rule_offset(z->rule, seconds, &offset))
        return offset;
    return low ? type_offset(z, z->indices[low - 1]) : first_offset(z);
}

static bool bad_name(kd_str name)
{
    return kd_str_search(name, KD_STR("..")) >= 0 || name.p[0] == '/' || name.p[0] == '\\' ||
           memchr(name.p, '\0', name.n);
}

bool kd_cel_zone_offset(kd_cel_state *state, kd_str name, int64_t seconds, int64_t *offset, kd_cel_value *error)
{
    *offset = 0;
    if (!name.n || kd_str_eq(name, KD_STR("UTC")))
        return true;
    if (kd_str_eq(name, KD_STR("Local"))) {
        struct tm tm;
        time_t at = (time_t)seconds;
        *offset = localtime_r(&at, &tm) ? tm.tm_gmtoff : 0;
        return true;
    }
    if (bad_name(name)) {
        *error = kd_cel_error(KD_STR("time: invalid location name"));
        return false;
    }
    zone *z = find(name);
    if (z) {
        *offset = offset_at(z, seconds);
        return true;
    }
    errno = ENOENT;
    z = name.n < MAX_NAME ? read_zone(name) : NULL;
    if (!z) {
        *error = errno == 0        ? kd_cel_error(KD_STR("malformed time zone information"))
                 : errno == EISDIR ? kd_cel_error(KD_STR("is a directory"))
                                   : kd_cel_fail(state, "unknown time zone %.*s", KD_FMT(name));
        return false;
    }
    bool kept = keep(&z);
    *offset = offset_at(z, seconds);
    if (!kept)
        free(z);
    return true;
}
