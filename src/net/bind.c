#include "net/bind.h"

#include "net/dns.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <unistd.h>

/* Seconds after which an idle connection is probed, and between probes: the defaults of Go's net.ListenConfig. */
#define KEEPALIVE 15

const char *kd_errno_text(int error, char to[128])
{
    char buffer[128];
    snprintf(to, 128, "%s", strerror_r(error, buffer, sizeof buffer));
    to[0] = (char)kd_lower((uint8_t)to[0]);
    return to;
}

static bool is_unspecified(const kd_address *a)
{
    if (a->any.sa_family == AF_INET)
        return a->v4.sin_addr.s_addr == 0;
    return IN6_IS_ADDR_UNSPECIFIED(&a->v6.sin6_addr);
}

static void set_port(kd_address *a, uint16_t port)
{
    if (a->any.sa_family == AF_INET6)
        a->v6.sin6_port = htons(port);
    else
        a->v4.sin_port = htons(port);
}

static void set_option(int fd, int level, int name, int value)
{
    setsockopt(fd, level, name, &value, sizeof value);
}

/* What accepted connections inherit, so that it costs nothing for each of them. */
static void set_inherited(int fd)
{
    set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE);
    set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE);
}

/* A listening socket, or -1: *step names the call that failed, errno says why. */
static int listen_on(const kd_address *a, bool share, const char **step)
{
    *step = "socket";
    int fd = socket(a->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (a->any.sa_family == AF_INET6)
        set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, !is_unspecified(a));
    if (share)
        set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
    set_inherited(fd);
    *step = "bind";
    if (bind(fd, &a->any, kd_address_size(a)) == 0) {
        *step = "listen";
        if (listen(fd, KD_BACKLOG) == 0)
            return fd;
        /* Go's listen never finds this, since it binds without sharing; its users know the other word. */
        if (errno == EADDRINUSE)
            *step = "bind";
    }
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

/* The first of the sockets does not share, so that it fails where somebody listens; it begins to share afterwards, so
 * that the others may join. Two processes that start at once cannot both win, as they could with a socket that only
 * tries. */
static bool listen_all(kd_address *a, unsigned n, int *fds, const char **step)
{
    for (unsigned i = 0; i < n; i++) {
        fds[i] = listen_on(a, i > 0, step);
        if (fds[i] < 0) {
            int error = errno;
            while (i > 0)
                close(fds[--i]);
            errno = error;
            return false;
        }
        if (i > 0)
            continue;
        kd_address bound;
        socklen_t size = sizeof bound;
        if (getsockname(fds[0], &bound.any, &size) == 0)
            set_port(a, ntohs(a->any.sa_family == AF_INET6 ? bound.v6.sin6_port : bound.v4.sin_port));
        if (n > 1)
            set_option(fds[0], SOL_SOCKET, SO_REUSEPORT, 1);
    }
    return true;
}

/* Looks a host name up before anything is served; Go takes the first IPv4 address, else the first. */
static bool look_up(kd_arena *arena, kd_str name, kd_address *to)
{
    kd_str c = kd_arena_copy(arena, name);
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list;
    if (!c.p || memchr(c.p, 0, c.n))
        return false;
    if (getaddrinfo(c.p, NULL, &hints, &list) != 0) {
        /* RFC 6761 section 6.3: that name means this machine, also where no hosts file says so. */
        if (!kd_str_eq_ci(name, KD_STR("localhost")))
            return false;
        to->v4 = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        return true;
    }
    const struct addrinfo *chosen = list;
    for (const struct addrinfo *at = list; at; at = at->ai_next) {
        if (at->ai_family == AF_INET) {
            chosen = at;
            break;
        }
    }
    memcpy(to, chosen->ai_addr, chosen->ai_addrlen < sizeof *to ? chosen->ai_addrlen : sizeof *to);
    freeaddrinfo(list);
    return true;
}

/* The address as Go prints it: ":8080" where none was given. */
static size_t write_address(char to[56], kd_str ip, const kd_address *a, uint16_t port)
{
    if (ip.n == 0)
        return (size_t)snprintf(to, 56, ":%u", port);
    return kd_address_write(to, a);
}

bool kd_bind(kd_arena *arena, kd_str ip, uint16_t port, unsigned n, int *fds, uint16_t *bound, kd_str *error)
{
    kd_address a = {.v4 = {.sin_family = AF_INET}};
    if (ip.n && !kd_address_parse(ip, &a) && !look_up(arena, ip, &a)) {
        *error = kd_arena_printf(arena, "listen tcp: lookup %.*s: no such host", KD_FMT(ip));
        return false;
    }
    set_port(&a, port);
    char text[56];
    int text_n = (int)write_address(text, ip, &a, port);
    bool any = is_unspecified(&a);
    if (any)
        a = (kd_address){.v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)}};
    const char *step;
    bool ok = listen_all(&a, n, fds, &step);
    if (!ok && any && (errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL || errno == EPROTONOSUPPORT)) {
        a = (kd_address){.v4 = {.sin_family = AF_INET, .sin_port = htons(port)}};
        ok = listen_all(&a, n, fds, &step);
    }
    if (!ok) {
        char why[128];
        *error = kd_arena_printf(arena, "listen tcp %.*s: %s: %s", text_n, text, step, kd_errno_text(errno, why));
        return false;
    }
    *bound = ntohs(a.any.sa_family == AF_INET6 ? a.v6.sin6_port : a.v4.sin_port);
    return true;
}
