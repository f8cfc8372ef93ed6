/* Name resolution that never blocks: one c-ares channel for each worker; hosts file, search domains and TTL honoured,
 * answers cached until their TTL (at least 1 s, at most an hour; failures 1 s), equal questions asked once at a time.
 */
#ifndef KD_NET_DNS_H
#define KD_NET_DNS_H

#include "net/srv.h"
#include "net/worker.h"

#include <netinet/in.h>

#define KD_DNS_ADDRESSES 16 /* addresses kept of one name */

typedef union kd_address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
} kd_address;

static inline socklen_t kd_address_size(const kd_address *a)
{
    return a->any.sa_family == AF_INET6 ? sizeof a->v6 : sizeof a->v4;
}

typedef struct kd_addresses {
    kd_address v[KD_DNS_ADDRESSES]; /* ports are 0: the caller sets them */
    unsigned n;
    kd_str error; /* when n is 0: Go's text behind "lookup NAME: ", such as "no such host"; static */
} kd_addresses;

/* A question under way; lives in the asker's memory until answered or cancelled. */
typedef struct kd_dns_query {
    void (*on_answer)(struct kd_dns_query *query, const kd_addresses *answer);
    struct kd_dns_query *next, **link;
} kd_dns_query;

/* Is text an address literal (IPv6 without brackets)? No network. */
bool kd_address_parse(kd_str text, kd_address *out);
/* "1.2.3.4:80" or "[::1]:80"; returns the length, at most 56. */
size_t kd_address_write(char to[56], const kd_address *address);

/* Where the resolver looks; all zero is the system's: /etc/resolv.conf, /etc/hosts, port 53. */
typedef struct kd_dns_options {
    const char *resolv_conf;   /* borrowed for the life of the resolver; NULL: the system's */
    bool hosts_from_env;       /* the hosts file is the one that $CARES_HOSTS names */
    uint16_t port;             /* of the name servers; 0: 53 */
    int timeout_ms, tries;     /* for each server and in all; 0: as resolv.conf says, else 5 s and 2 (as Go) */
    const char *servers;       /* "10.0.0.1:5353,[::1]:53"; NULL: those of resolv.conf */
    const char *hosts_file;    /* read for each question that the cache does not answer; NULL: the system's */
    const char *const *search; /* domains that complete short names; NULL: those of resolv.conf */
    int n_search;
} kd_dns_options;

/* NULL without memory. No file is read and no socket made before the first question. */
struct kd_dns *kd_dns_create(kd_worker *worker);
struct kd_dns *kd_dns_create_with(kd_worker *worker, const kd_dns_options *options);
/* Looks elsewhere from now on: what is cached is forgotten, questions under way are asked anew. Nothing happens when
 * the options are the same. The texts are borrowed until the next configuration. On the worker, or before it runs; not
 * from within on_answer. */
void kd_dns_configure(struct kd_dns *dns, const kd_dns_options *options);
/* Questions under way get no answer. On the worker, or when it does not run; not from within on_answer. */
void kd_dns_destroy(struct kd_dns *dns);
/* Whose resolver it is. */
kd_worker *kd_dns_worker(const struct kd_dns *dns);
/* Answers from the cache at once: true and *out. Else the question is under way (false); on_answer comes later, never
 * within this call. The cache holds at most 1024 names. */
bool kd_dns_resolve(struct kd_dns *dns, kd_str name, kd_addresses *out, kd_dns_query *query);
/* No answer will come. */
void kd_dns_cancel(kd_dns_query *query);

/* A service name whose SRV records are asked for again and again; lives in the asker's memory until on_end. Both are
 * called on the worker (on_end also when it does not run any more), maybe within kd_dns_watch, and do not call the
 * resolver. */
typedef struct kd_dns_watch {
    /* The records, borrowed and free to be sorted, n may be 0; error.p set: there is no answer, with Go's text. False
     * ends the watch. */
    bool (*on_answer)(struct kd_dns_watch *watch, kd_srv_record *records, uint32_t n, kd_str error);
    void (*on_end)(struct kd_dns_watch *watch); /* once: it was ended, or the resolver is destroyed */
    const char *name;                           /* borrowed */
    kd_ns pause;                                /* from an answer to the next question */
    struct kd_dns *dns;
    struct kd_dns_watch *next, **link;
    kd_timer timer;
    bool asking;
} kd_dns_watch;

/* Begins a watch: on_answer, on_end, name and pause are set. The name is completed by the search domains as others are.
 * The first question is asked at once; all are asked anew when the resolver is configured to look elsewhere. */
void kd_dns_watch_begin(struct kd_dns *dns, kd_dns_watch *watch);

#endif
