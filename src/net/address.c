#include "net/dns.h"

#include <arpa/inet.h>
#include <net/if.h>

/* The interface behind '%' of a link-local address: its number or its name. 0: there is none. */
static uint32_t zone_of(kd_str zone)
{
    uint64_t number;
    if (kd_str_to_u64(zone, UINT32_MAX, &number))
        return (uint32_t)number;
    char name[IF_NAMESIZE] = {0};
    if (zone.n == 0 || zone.n >= sizeof name)
        return 0;
    memcpy(name, zone.p, zone.n);
    return if_nametoindex(name);
}

bool kd_address_parse(kd_str text, kd_address *out)
{
    char literal[INET6_ADDRSTRLEN] = {0};
    ptrdiff_t percent = kd_str_find(text, '%');
    kd_str address = percent < 0 ? text : kd_str_head(text, (size_t)percent);
    if (address.n == 0 || address.n >= sizeof literal || memchr(address.p, 0, address.n))
        return false;
    memcpy(literal, address.p, address.n);
    kd_address a = {.v6 = {.sin6_family = AF_INET6}};
    if (inet_pton(AF_INET6, literal, &a.v6.sin6_addr) == 1) {
        if (percent >= 0 && (a.v6.sin6_scope_id = zone_of(kd_str_from(text, (size_t)percent + 1))) == 0)
            return false;
        *out = a;
        /* To Go, and to sockets of one family, the mapped form is the IPv4 address. */
        if (IN6_IS_ADDR_V4MAPPED(&a.v6.sin6_addr)) {
            *out = (kd_address){.v4 = {.sin_family = AF_INET}};
            memcpy(&out->v4.sin_addr, a.v6.sin6_addr.s6_addr + 12, 4);
        }
        return true;
    }
    a = (kd_address){.v4 = {.sin_family = AF_INET}};
    if (percent >= 0 || inet_pton(AF_INET, literal, &a.v4.sin_addr) != 1)
        return false;
    *out = a;
    return true;
}

static char *write_v4(char *to, const uint8_t byte[4])
{
    for (unsigned i = 0; i < 4; i++) {
        if (i)
            *to++ = '.';
        to += kd_u64_write(to, byte[i]);
    }
    return to;
}

static char *write_hex(char *to, unsigned v)
{
    bool started = false;
    for (int shift = 12; shift >= 0; shift -= 4) {
        unsigned digit = v >> shift & 15;
        started |= digit != 0 || shift == 0;
        if (started)
            *to++ = "0123456789abcdef"[digit];
    }
    return to;
}

/* RFC 5952 section 4: the longest run of two or more zero groups, the first among equals, becomes "::". inet_ntop
 * differs from Go in the old form ::1.2.3.4. */
static char *write_v6(char *to, const uint8_t byte[16])
{
    unsigned group[8], from = 8, length = 1;
    for (unsigned i = 0; i < 8; i++)
        group[i] = (unsigned)byte[2 * i] << 8 | byte[2 * i + 1];
    for (unsigned i = 0; i < 8; i++) {
        unsigned n = 0;
        while (i + n < 8 && group[i + n] == 0)
            n++;
        if (n > length)
            from = i, length = n;
    }
    for (unsigned i = 0; i < 8; i++) {
        if (i == from) {
            *to++ = ':';
            *to++ = ':';
            i += length - 1;
            continue;
        }
        if (i > 0 && to[-1] != ':')
            *to++ = ':';
        to = write_hex(to, group[i]);
    }
    return to;
}

size_t kd_address_write(char to[56], const kd_address *address)
{
    char *at = to;
    uint16_t port;
    if (address->any.sa_family == AF_INET) {
        at = write_v4(at, (const uint8_t *)&address->v4.sin_addr);
        port = ntohs(address->v4.sin_port);
    } else {
        const uint8_t *byte = address->v6.sin6_addr.s6_addr;
        port = ntohs(address->v6.sin6_port);
        if (IN6_IS_ADDR_V4MAPPED(&address->v6.sin6_addr)) {
            at = write_v4(at, byte + 12); /* an IPv4 peer of a socket for both */
        } else {
            *at++ = '[';
            at = write_v6(at, byte);
            char zone[IF_NAMESIZE];
            /* "]:65535" needs 7 bytes more; a zone that does not fit is left out. */
            if (address->v6.sin6_scope_id && if_indextoname(address->v6.sin6_scope_id, zone) &&
                (size_t)(at - to) + 1 + strlen(zone) + 7 <= 56) {
                *at++ = '%';
                at = mempcpy(at, zone, strlen(zone));
            }
            *at++ = ']';
        }
    }
    *at++ = ':';
    at += kd_u64_write(at, port);
    return (size_t)(at - to);
}
