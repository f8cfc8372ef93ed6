#include "http/scan_target.h"

#include "http/scan_field.h"

static bool is_hex(char c)
{
    return (uint8_t)(c - '0') < 10 || (uint8_t)((c | 0x20) - 'a') < 6;
}

static bool is_digits(kd_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((uint8_t)(s.p[i] - '0') > 9)
            return false;
    return true;
}

/* Cuts the bracketed address and its brackets off the front of *host. False when a bracket stands anywhere else. */
static bool cut_brackets(kd_str *host, kd_str *address)
{
    *address = (kd_str){host->p, 0};
    if (host->n && host->p[0] == '[') {
        ptrdiff_t close = kd_str_find(*host, ']');
        if (close < 2)
            return false;
        *address = (kd_str){host->p + 1, (size_t)close - 1};
        *host = kd_str_from(*host, (size_t)close + 1);
        if (host->n && host->p[0] != ':')
            return false;
    }
    return kd_str_find(*host, '[') < 0 && kd_str_find(*host, ']') < 0 && kd_str_find(*address, '[') < 0;
}

bool kd_scan_host_valid(kd_str host)
{
    kd_str address;
    bool brackets = false;
    for (size_t i = 0; i < host.n; i++) {
        if (!kd_scan_is(host.p[i], KD_SCAN_HOST))
            return false;
        brackets |= host.p[i] == '[' || host.p[i] == ']';
    }
    return !brackets || cut_brackets(&host, &address);
}

/* host [":" port] of a target. Unlike in a Host field bytes beyond ASCII are kept, as net/url does. */
static bool is_authority(kd_str authority)
{
    kd_str address, rest = authority;
    for (size_t i = 0; i < authority.n; i++)
        if (authority.p[i] == '%' || ((uint8_t)authority.p[i] < 0x80 && !kd_scan_is(authority.p[i], KD_SCAN_HOST)))
            return false;
    if (!cut_brackets(&rest, &address))
        return false;
    for (size_t i = 0; i < address.n; i++)
        if (!is_hex(address.p[i]) && address.p[i] != ':' && address.p[i] != '.')
            return false;
    ptrdiff_t colon = kd_str_find(rest, ':');
    if (colon >= 0 && !is_digits(kd_str_from(rest, (size_t)colon + 1)))
        return false;
    return address.n || (colon >= 0 ? colon > 0 : rest.n > 0);
}

/* Every '%' is followed by two hexadecimal digits. */
static bool is_escaped(kd_str path)
{
    for (const char *p = path.p, *end = p + path.n; (p = memchr(p, '%', (size_t)(end - p))); p += 3)
        if (end - p < 3 || !is_hex(p[1]) || !is_hex(p[2]))
            return false;
    return true;
}

/* Takes path and query out of `rest`, which begins with '/' or '?' or is empty. */
static bool split_path(kd_request_head *head, kd_str rest)
{
    ptrdiff_t mark = kd_str_find(rest, '?');
    head->has_query = mark >= 0;
    head->path = mark < 0 ? rest : kd_str_head(rest, (size_t)mark);
    head->query = mark < 0 ? (kd_str){rest.p + rest.n, 0} : kd_str_from(rest, (size_t)mark + 1);
    head->path_plain = kd_str_find(head->path, '%') < 0;
    return head->path_plain || is_escaped(head->path);
}

static bool cut_scheme(kd_str *target)
{
    static const kd_str schemes[] = {KD_STR_INIT("http://"), KD_STR_INIT("https://")};
    for (size_t i = 0; i < KD_COUNT(schemes); i++)
        if (kd_str_eq_ci(kd_str_head(*target, schemes[i].n), schemes[i])) {
            *target = kd_str_from(*target, schemes[i].n);
            return true;
        }
    return false;
}

bool kd_scan_target(kd_request_head *head)
{
    kd_str target = head->target;
    head->authority = (kd_str){target.p, 0};
    if (KD_LIKELY(target.n && target.p[0] == '/'))
        return split_path(head, target);
    bool connect = head->method == KD_METHOD_CONNECT;
    if (!connect && kd_str_eq(target, KD_STR("*"))) {
        head->path = target;
        head->query = kd_str_from(target, 1);
        head->path_plain = true;
        return true;
    }
    if (!connect && !cut_scheme(&target))
        return false;
    size_t n = 0;
    while (n < target.n && target.p[n] != '/' && target.p[n] != '?')
        n++;
    head->authority = kd_str_head(target, n);
    if (!is_authority(head->authority) || (connect && n < target.n))
        return false;
    return split_path(head, kd_str_from(target, n));
}
