#include "config/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define FIRST_READ 65536u

/* The system's words for an error number as Go has them: the same, but for the first letter. Only the main thread loads
 * files. */
static kd_str system_error(kd_arena *arena, int number)
{
    kd_str copy = kd_arena_copy(arena, kd_str_from_c(strerror(number)));
    if (copy.n)
        ((char *)copy.p)[0] = (char)kd_lower((uint8_t)copy.p[0]);
    return copy.p ? copy : KD_STR("input/output error");
}

static bool refuse(kd_arena *arena, const char *path, const char *action, int number, kd_str *error)
{
    *error = number ? kd_arena_printf(arena, "%s %s: %.*s", action, path, KD_FMT(system_error(arena, number)))
                    : (kd_str){NULL, 0};
    if (!error->p)
        *error = KD_STR("out of memory");
    return false;
}

/* Reads to the end; the size is only a hint, because pipes and devices have none. *number is 0 where memory is out. */
static bool read_all(kd_arena *arena, int fd, size_t hint, size_t max, kd_str *text, int *number)
{
    size_t room = hint ? hint + 1 : FIRST_READ, n = 0;
    char *p = kd_arena_alloc(arena, room);
    *number = 0;
    while (p) {
        ssize_t got = read(fd, p + n, room - n - 1);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0 || n + (size_t)got > max) {
            *number = got < 0 ? errno : EFBIG;
            return false;
        }
        n += (size_t)got;
        p[n] = 0;
        *text = (kd_str){p, n};
        if (got == 0)
            return true;
        if (n + 1 < room)
            continue;
        char *bigger = kd_arena_alloc(arena, room * 2);
        if (bigger)
            memcpy(bigger, p, n);
        p = bigger;
        room *= 2;
    }
    return false;
}

bool kd_file_read(kd_arena *arena, const char *path, size_t max, kd_str *text, kd_str *error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC), number;
    if (fd < 0)
        return refuse(arena, path, "open", errno, error);
    struct stat status;
    size_t hint = 0;
    if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_size > 0)
        hint = (size_t)status.st_size < max ? (size_t)status.st_size + 1 : 0;
    bool ok = read_all(arena, fd, hint, max, text, &number);
    close(fd);
    return ok || refuse(arena, path, "read", number, error);
}
