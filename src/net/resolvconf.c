#include "net/resolvconf.h"

#include <fcntl.h>
#include <unistd.h>

static void take_option(kd_str word, kd_str name, uint64_t max, int *to)
{
    uint64_t v;
    if (!kd_str_starts(word, name) || !kd_str_to_u64(kd_str_from(word, name.n), UINT32_MAX, &v) || v == 0)
        return;
    *to = (int)(v < max ? v : max);
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* The next word of *rest; false at the end. */
static bool next_word(kd_str *rest, kd_str *word)
{
    size_t from = 0, to;
    while (from < rest->n && is_space(rest->p[from]))
        from++;
    for (to = from; to < rest->n && !is_space(rest->p[to]);)
        to++;
    *word = kd_str_of(rest->p + from, to - from);
    *rest = kd_str_from(*rest, to);
    return word->n > 0;
}

kd_resolvconf kd_resolvconf_parse(kd_str text)
{
    kd_resolvconf conf = {.timeout_s = 5, .attempts = 2};
    kd_str line, word;
    while (kd_str_split(&text, '\n', &line)) {
        if (!next_word(&line, &word) || !kd_str_eq(word, KD_STR("options")))
            continue;
        while (next_word(&line, &word)) {
            take_option(word, KD_STR("timeout:"), 30, &conf.timeout_s);
            take_option(word, KD_STR("attempts:"), 5, &conf.attempts);
        }
    }
    return conf;
}

kd_resolvconf kd_resolvconf_read(const char *path)
{
    char text[16 * 1024];
    size_t n = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    while (fd >= 0 && n < sizeof text) {
        ssize_t got = read(fd, text + n, sizeof text - n);
        if (got <= 0)
            break;
        n += (size_t)got;
    }
    if (fd >= 0)
        close(fd);
    return kd_resolvconf_parse(kd_str_of(text, n));
}
