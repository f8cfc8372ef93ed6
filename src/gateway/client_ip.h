/* The client's address as gin sees it: the peer's, or, when the peer is a trusted proxy, what the configured headers
 * say (spec/01 section 4.7). */
#ifndef KD_GATEWAY_CLIENT_IP_H
#define KD_GATEWAY_CLIENT_IP_H

#include "config/model.h"
#include "http/headers.h"

#define KD_IP_TEXT 64 /* room for an address with its zone: "fe80::1%eth0" */

/* A network: addresses whose first `bits` bits agree. IPv4 ones stand in ::ffff:0:0/96. */
typedef struct kd_ip_net {
    uint8_t address[16];
    uint8_t bits; /* 0 to 128, counted in the 16-byte form */
    bool v4;      /* matches IPv4 addresses (also mapped ones); else only IPv6 ones */
} kd_ip_net;

typedef struct kd_remote_header {
    kd_str name;   /* canonical */
    uint8_t token; /* kd_token; KD_HEADER_OTHER: compare the name */
} kd_remote_header;

/* Immutable after kd_client_ip_init; lives in the arena given there. */
typedef struct kd_client_ip {
    kd_ip_net *trusted;
    uint32_t n_trusted;
    bool trusts_v4, trusts_v6; /* a network of no bits: nothing to compare */
    bool forwarded, app_engine;
    kd_remote_header *headers;
    uint32_t n_headers;
    uint64_t tokens; /* of the headers: a bit for each kd_token */
} kd_client_ip;

/* Compiles the options; an invalid trusted proxy ends the list there, as in KrakenD. False without memory. */
bool kd_client_ip_init(kd_client_ip *ip, const kd_router_options *options, kd_arena *arena);

/* The client's address. `peer` is the text of the peer's address without port; empty or no address gives an empty
 * answer. `unix_peer`: the request came over a unix socket, which is always trusted. The answer points into the
 * headers, into peer or into `text` (an IPv6 address that had to be printed anew); header values of several lines are
 * joined in `scratch`. Without memory the header counts as invalid. */
kd_str kd_client_ip_find(const kd_client_ip *ip, kd_str peer, bool unix_peer, const kd_headers *headers,
                         kd_arena *scratch, char text[KD_IP_TEXT]);

/* True when no header can tell another address than the peer's: none of those configured is there. */
bool kd_client_ip_is_direct(const kd_client_ip *ip, const kd_headers *headers);

/* net.ParseIP: dotted IPv4 without leading zeroes, IPv6 with or without an IPv4 tail, no zone. IPv4 comes out as
 * ::ffff:a.b.c.d; *v4 tells whether To4 would succeed (a mapped IPv6 address counts). */
bool kd_ip_parse(kd_str s, uint8_t out[16], bool *v4);
/* net.ParseCIDR, or an address alone as a network of its own. */
bool kd_ip_net_parse(kd_str s, kd_ip_net *out);
/* net.IPNet.Contains. */
bool kd_ip_net_has(const kd_ip_net *net, const uint8_t address[16], bool v4);
/* net.IP.String: mapped addresses as IPv4, the longest run of zero groups as "::". `to` has KD_IP_TEXT bytes; returns
 * the count. */
size_t kd_ip_write(char *to, const uint8_t address[16]);

#endif
