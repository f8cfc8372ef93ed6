/* A file of fixed names, laid out as hosts(5). */
#ifndef KD_NET_HOSTS_H
#define KD_NET_HOSTS_H

#include "net/dns.h"

/* Adds to *out the addresses that the text has for this name (in any case), up to KD_DNS_ADDRESSES. Returns how many.
 */
unsigned kd_hosts_find(kd_str text, kd_str name, kd_addresses *out);
/* The same of a file, of which the first megabyte is read. A file that cannot be read has no names. */
unsigned kd_hosts_find_in(const char *path, kd_str name, kd_addresses *out);

#endif
