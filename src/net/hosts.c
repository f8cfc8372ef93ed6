#include "net/hosts.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX (1024u * 1024)

/* The next word of *rest; false at the end of the line. */
static bool next_word(kd_str *rest, kd_str *word)
{
    size_t from = 0, to;
    while (from < rest->n && (rest->p[from] == ' ' || rest->p[from] == '\t' || rest->p[from] == '\r'))
        from++;
    for (to = from; to < rest->n && rest->p[to] != ' ' && rest->p[to] != '\t' && rest->p[to] != '\r';)
        to++;
    *word = kd_str_of(rest->p + from, to - from);
    *rest = kd_str_from(*rest, to);
    return word->n > 0;
}

unsigned kd_hosts_find(kd_str text, kd_str name, kd_addresses *out)
{
    unsigned before = out->n;
    if (name.n && name.p[name.n - 1] == '.')
        name.n--;
    kd_str line, word;
    while (out->n < KD_DNS_ADDRESSES && kd_str_split(&text, '\n', &line)) {
        ptrdiff_t comment = kd_str_find(line, '#');
        if (comment >= 0)
            line = kd_str_head(line, (size_t)comment);
        kd_address address;
        if (!next_word(&line, &word) || !kd_address_parse(word, &address))
            continue;
        while (next_word(&line, &word)) {
            if (!kd_str_eq_ci(word, name))
                continue;
            out->v[out->n++] = address;
            break;
        }
    }
    return out->n - before;
}

unsigned kd_hosts_find_in(const char *path, kd_str name, kd_addresses *out)
{
    struct stat file;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    size_t size = fstat(fd, &file) == 0 && file.st_size > 0 ? (size_t)file.st_size : 0, n = 0;
    size = size < FILE_MAX ? size : FILE_MAX;
    char *text = size ? malloc(size) : NULL;
    for (ssize_t got; text && n < size && (got = read(fd, text + n, size - n)) > 0;)
        n += (size_t)got;
    close(fd);
    unsigned found = n ? kd_hosts_find(kd_str_of(text, n), name, out) : 0;
    free(text);
    return found;
}
