#include "gateway/client_ip.h"

#include "text/utf8.h"

#include <stdio.h>

static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

static bool parse_v4(kd_str s, uint8_t out[4])
{
    kd_str field;
    uint64_t value;
    for (int i = 0; i < 4; i++) {
        if (!kd_str_split(&s, '.', &field) || field.n > 3 || !kd_str_to_u64(field, 255, &value))
            return false;
        if (field.n > 1 && field.p[0] == '0') /* ambiguous: octal to some */
            return false;
        out[i] = (uint8_t)value;
    }
    return s.p == NULL;
}

static int hex_digit(char c)
{
    uint8_t lower = kd_lower((uint8_t)c);
    return lower >= '0' && lower <= '9' ? lower - '0' : lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* Takes a group of one to four hexadecimal digits off *s; -1 when there is none or it is longer. */
static int32_t take_group(kd_str *s)
{
    int32_t group = 0;
    size_t n = 0;
    for (int digit; n < s->n && (digit = hex_digit(s->p[n])) >= 0; n++) {
        if (n == 4)
            return -1;
        group = group << 4 | digit;
    }
    *s = kd_str_from(*s, n);
    return n ? group : -1;
}

static bool parse_v6(kd_str s, uint8_t out[16])
{
    size_t n = 0, gap = SIZE_MAX; /* where "::" stands */
    memset(out, 0, 16);
    if (kd_str_starts(s, KD_STR("::"))) {
        gap = 0;
        s = kd_str_from(s, 2);
    }
    while (n < 16 && s.n) {
        kd_str rest = s;
        int32_t group = take_group(&rest);
        if (group < 0)
            return false;
        if (rest.n && rest.p[0] == '.') { /* the tail is an IPv4 address */
            if ((gap == SIZE_MAX && n != 12) || n > 12 || !parse_v4(s, out + n))
                return false;
            n += 4;
            s.n = 0;
            break;
        }
        out[n++] = (uint8_t)(group >> 8);
        out[n++] = (uint8_t)group;
        s = rest;
        if (s.n == 0)
            break;
        if (s.p[0] != ':' || s.n == 1)
            return false;
        s = kd_str_from(s, 1);
        if (s.p[0] == ':') {
            if (gap != SIZE_MAX)
                return false;
            gap = n;
            s = kd_str_from(s, 1);
        }
    }
    if (s.n || (n < 16) != (gap != SIZE_MAX))
        return false;
    if (n < 16) {
        size_t tail = n - gap;
        memmove(out + 16 - tail, out + gap, tail);
        memset(out + gap, 0, 16 - n);
    }
    return true;
}

bool kd_ip_parse(kd_str s, uint8_t out[16], bool *v4)
{
    if (kd_str_find(s, ':') < 0) {
        memcpy(out, mapped, 12);
        return *v4 = parse_v4(s, out + 12);
    }
    if (!parse_v6(s, out))
        return false;
    *v4 = memcmp(out, mapped, 12) == 0;
    return true;
}

bool kd_ip_net_parse(kd_str s, kd_ip_net *out)
{
    uint64_t bits;
    ptrdiff_t slash = kd_str_find(s, '/');
    kd_str address = slash < 0 ? s : kd_str_head(s, (size_t)slash);
    if (!kd_ip_parse(address, out->address, &out->v4))
        return false;
    if (slash < 0) {
        out->bits = 128;
        return true;
    }
    bool dotted = kd_str_find(address, ':') < 0;
    if (!kd_str_to_u64(kd_str_from(s, (size_t)slash + 1), dotted ? 32 : 128, &bits))
        return false;
    out->bits = (uint8_t)(dotted ? bits + 96 : bits);
    for (unsigned i = 0; i < 16; i++) {
        unsigned keep = out->bits > 8 * i ? out->bits - 8u * i : 0;
        if (keep < 8)
            out->address[i] &= (uint8_t)(0xff00u >> keep);
    }
    out->v4 = memcmp(out->address, mapped, 12) == 0;
    return true;
}

bool kd_ip_net_has(const kd_ip_net *net, const uint8_t address[16], bool v4)
{
    unsigned whole = net->bits / 8, rest = net->bits % 8;
    if (net->v4 != v4 || memcmp(net->address, address, whole) != 0)
        return false;
    return rest == 0 || ((net->address[whole] ^ address[whole]) & (0xff00u >> rest) & 0xff) == 0;
}

size_t kd_ip_write(char *to, const uint8_t address[16])
{
    unsigned group[8], from = 8, length = 1, n = 0;
    if (memcmp(address, mapped, 12) == 0)
        return (size_t)snprintf(to, KD_IP_TEXT, "%u.%u.%u.%u", address[12], address[13], address[14], address[15]);
    for (unsigned i = 0; i < 8; i++)
        group[i] = (unsigned)address[2 * i] << 8 | address[2 * i + 1];
    for (unsigned i = 0; i < 8; i++) { /* the first of the longest runs of two or more zero groups */
        unsigned j = i;
        while (j < 8 && group[j] == 0)
            j++;
        if (j - i > length)
            from = i, length = j - i;
    }
    for (unsigned i = 0; i < 8; i++) {
        if (i == from) {
            n += (unsigned)snprintf(to + n, KD_IP_TEXT - n, "::");
            i += length - 1;
            continue;
        }
        bool colon = i > 0 && i != from + length;
        n += (unsigned)snprintf(to + n, KD_IP_TEXT - n, colon ? ":%x" : "%x", group[i]);
    }
    return n;
}

bool kd_client_ip_init(kd_client_ip *ip, const kd_router_options *options, kd_arena *arena)
{
    *ip = (kd_client_ip){.forwarded = options->forwarded_by_client_ip, .app_engine = options->app_engine};
    ip->trusted = KD_NEW_ARRAY(arena, kd_ip_net, options->trusted_proxies.n + 1);
    ip->headers = KD_NEW_ARRAY(arena, kd_remote_header, options->remote_ip_headers.n + 1);
    if (!ip->trusted || !ip->headers)
        return false;
    for (uint32_t i = 0; i < options->trusted_proxies.n; i++) {
        kd_ip_net *net = &ip->trusted[ip->n_trusted];
        if (!kd_ip_net_parse(options->trusted_proxies.v[i], net))
            break;
        ip->n_trusted++;
        ip->trusts_v4 |= net->v4 && net->bits == 96;
        ip->trusts_v6 |= !net->v4 && net->bits == 0;
    }
    for (uint32_t i = 0; i < options->remote_ip_headers.n; i++) {
        kd_str name = options->remote_ip_headers.v[i];
        kd_token token = kd_token_of(name);
        ip->headers[ip->n_headers++] = (kd_remote_header){name, (uint8_t)token};
        ip->tokens |= (uint64_t)1 << token;
    }
    return true;
}

static bool is_trusted(const kd_client_ip *ip, const uint8_t address[16], bool v4)
{
    if (KD_LIKELY(v4 ? ip->trusts_v4 : ip->trusts_v6))
        return true;
    for (uint32_t i = 0; i < ip->n_trusted; i++)
        if (kd_ip_net_has(&ip->trusted[i], address, v4))
            return true;
    return false;
}

static bool is_space(uint32_t rune)
{
    return (rune >= '\t' && rune <= '\r') || rune == ' ' || rune == 0x85 || rune == 0xa0 || rune == 0x1680 ||
           (rune >= 0x2000 && rune <= 0x200a) || rune == 0x2028 || rune == 0x2029 || rune == 0x202f || rune == 0x205f ||
           rune == 0x3000;
}

/* strings.TrimSpace. */
static kd_str trim(kd_str s)
{
    uint32_t rune;
    while (s.n) {
        size_t n = kd_utf8_decode(s.p, s.n, &rune);
        if (!is_space(rune))
            break;
        s = kd_str_from(s, n);
    }
    while (s.n) {
        size_t at = s.n - 1;
        while (at > 0 && s.n - at < 3 && ((uint8_t)s.p[at] & 0xc0) == 0x80)
            at--;
        if (at + kd_utf8_decode(s.p + at, s.n - at, &rune) != s.n || !is_space(rune))
            break;
        s.n = at;
    }
    return s;
}

/* All values of a header as one list; p is NULL when there is none or no memory to join several. */
static kd_str joined(const kd_headers *headers, const kd_remote_header *which, kd_arena *scratch)
{
    kd_str all = {NULL, 0};
    for (uint32_t i = 0; i < headers->n; i++) {
        const kd_header *h = &headers->v[i];
        if (h->token != which->token || (h->token == KD_HEADER_OTHER && !kd_str_eq(kd_header_name(h), which->name)))
            continue;
        if (!all.p) {
            all = kd_header_value(h);
            continue;
        }
        char *to = kd_arena_alloc(scratch, all.n + 1 + h->value_n);
        if (!to)
            return (kd_str){NULL, 0};
        memcpy(to, all.p, all.n);
        to[all.n] = ',';
        memcpy(to + all.n + 1, h->value, h->value_n);
        all = kd_str_of(to, all.n + 1 + h->value_n);
    }
    return all;
}

/* The list is read from the right: the first address that is no trusted proxy is the client, else the leftmost one. */
static bool read_list(const kd_client_ip *ip, kd_str list, kd_str *client)
{
    uint8_t address[16];
    bool v4;
    while (list.n) {
        ptrdiff_t comma = kd_str_rfind(list, ',');
        *client = trim(kd_str_from(list, (size_t)(comma + 1)));
        if (!kd_ip_parse(*client, address, &v4))
            return false;
        if (comma < 0 || !is_trusted(ip, address, v4))
            return true;
        list = kd_str_head(list, (size_t)comma);
    }
    return false;
}

_Static_assert(KD_HEADER_COUNT <= 64, "a bit for each token");

/* Is a header without a token one of those that count? */
static bool is_listed(const kd_client_ip *ip, const kd_header *header)
{
    for (uint32_t i = 0; i < ip->n_headers; i++)
        if (!ip->headers[i].token && kd_str_eq(kd_header_name(header), ip->headers[i].name))
            return true;
    return false;
}

bool kd_client_ip_is_direct(const kd_client_ip *ip, const kd_headers *headers)
{
    if (ip->app_engine)
        return false;
    if (!ip->forwarded)
        return true;
    for (uint32_t i = 0; i < headers->n; i++) {
        const kd_header *h = &headers->v[i];
        if (KD_UNLIKELY(ip->tokens >> h->token & 1) && (h->token || is_listed(ip, h)))
            return false;
    }
    return true;
}

kd_str kd_client_ip_find(const kd_client_ip *ip, kd_str peer, bool unix_peer, const kd_headers *headers,
                         kd_arena *scratch, char text[KD_IP_TEXT])
{
    uint8_t address[16];
    bool v4 = false;
    if (ip->app_engine) {
        const kd_header *h = kd_headers_find(headers, KD_HEADER_X_APPENGINE_REMOTE_ADDR);
        if (h && h->value_n)
            return kd_header_value(h);
    }
    bool known = !unix_peer && kd_ip_parse(peer, address, &v4);
    if (!known && !unix_peer)
        return KD_STR("");
    if (ip->forwarded && (unix_peer || is_trusted(ip, address, v4))) {
        for (uint32_t i = 0; i < ip->n_headers; i++) {
            kd_str client;
            if (read_list(ip, joined(headers, &ip->headers[i], scratch), &client))
                return client;
        }
    }
    if (!known)
        return KD_STR("");
    if (v4 && kd_str_find(peer, ':') < 0)
        return peer; /* dotted decimal has one spelling only */
    return kd_str_of(text, kd_ip_write(text, address));
}
