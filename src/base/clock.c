#include "base/clock.h"

#include <time.h>

static kd_ns read_clock(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (kd_ns)t.tv_sec * KD_SECOND + t.tv_nsec;
}

kd_ns kd_clock_monotonic(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

kd_ns kd_clock_wall(void)
{
    return read_clock(CLOCK_REALTIME);
}

static void two(char *to, int v)
{
    to[0] = (char)('0' + v / 10);
    to[1] = (char)('0' + v % 10);
}

void kd_clock_http_date(char to[29], int64_t unix_seconds)
{
    static const char days[] = "SunMonTueWedThuFriSat", months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    time_t t = (time_t)unix_seconds;
    struct tm tm;
    gmtime_r(&t, &tm);
    int year = tm.tm_year + 1900;
    memcpy(to, "DDD, dd MMM yyyy HH:MM:SS GMT", 29);
    memcpy(to, days + 3 * tm.tm_wday, 3);
    two(to + 5, tm.tm_mday);
    memcpy(to + 8, months + 3 * tm.tm_mon, 3);
    two(to + 12, year / 100 % 100);
    two(to + 14, year % 100);
    two(to + 17, tm.tm_hour);
    two(to + 20, tm.tm_min);
    two(to + 23, tm.tm_sec);
}
