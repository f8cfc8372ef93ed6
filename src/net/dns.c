#include "net/dns.h"

#include "base/ledger.h"
#include "base/map.h"
#include "net/hosts.h"
#include "net/resolvconf.h"

#include <ares.h>
#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/stat.h>

#define MAX_NAMES     1024u
#define MAX_NAME      254u /* with a final dot */
#define TTL_MIN       KD_SECOND
#define TTL_MAX       (3600 * KD_SECOND)
#define TTL_HOSTS     (5 * KD_SECOND) /* names of the hosts file have none */
#define TTL_FAILURE   KD_SECOND
#define CONF_AGE      (5 * KD_SECOND) /* how often resolv.conf is looked at again, as Go does */
#define SOCKET_ROUNDS 16u

/* A name, asked for or answered. */
struct entry {
    struct kd_dns *dns;
    struct entry *newer, *older; /* by last use */
    struct entry *next_done;
    kd_dns_query *waiters;
    kd_ns expires;
    bool pending; /* c-ares owes an answer */
    bool busy;    /* pending, or its waiters are being told: not to be thrown out */
    kd_addresses answer;
    kd_str name; /* in lower case, with a NUL behind it */
};

/* A socket of c-ares. Kept for the next one when c-ares closes it. */
typedef struct socket_node {
    kd_io io;
    struct kd_dns *dns;
    struct socket_node *next;
    bool reads, writes; /* what c-ares waits for */
} socket_node;

struct kd_dns {
    kd_worker *worker;
    kd_dns_options options;
    ares_channel channel; /* made for the first question: it takes some 70 KB */
    bool open;
    bool moving; /* the channel is closed for another one: its questions are asked again */
    kd_ns conf_checked;
    struct stat conf;
    kd_map names;
    struct entry *newest, *oldest;
    struct entry *asking;            /* within ares_getaddrinfo for this one */
    struct entry *done, **done_tail; /* answered, waiters to be told */
    unsigned n_pending;
    kd_timer timer;
    socket_node *sockets;
    kd_dns_watch *watches;
};

/* --- the cache --- */

static void unlink_entry(struct kd_dns *dns, struct entry *entry)
{
    *(entry->newer ? &entry->newer->older : &dns->newest) = entry->older;
    *(entry->older ? &entry->older->newer : &dns->oldest) = entry->newer;
}

static void link_newest(struct kd_dns *dns, struct entry *entry)
{
    entry->newer = NULL;
    entry->older = dns->newest;
    *(dns->newest ? &dns->newest->newer : &dns->oldest) = entry;
    dns->newest = entry;
}

static size_t entry_size(size_t name_n)
{
    return sizeof(struct entry) + name_n + 1;
}

static void entry_free(struct kd_dns *dns, struct entry *entry)
{
    size_t size = entry_size(entry->name.n);
    kd_map_remove(&dns->names, entry->name);
    unlink_entry(dns, entry);
    free(entry);
    kd_ledger_release(KD_ACCOUNT_CACHES, size);
}

/* Makes room by dropping the name that was used longest ago. */
static bool make_room(struct kd_dns *dns)
{
    if (dns->names.count < MAX_NAMES)
        return true;
    for (struct entry *entry = dns->oldest; entry; entry = entry->newer) {
        if (!entry->busy) {
            entry_free(dns, entry);
            return true;
        }
    }
    return false;
}

static struct entry *entry_new(struct kd_dns *dns, kd_str name)
{
    size_t size = entry_size(name.n);
    if (!make_room(dns) || !kd_ledger_reserve(KD_ACCOUNT_CACHES, size))
        return NULL;
    struct entry *made = calloc(1, size);
    if (made) {
        char *copy = (char *)(made + 1);
        memcpy(copy, name.p, name.n);
        made->name = kd_str_of(copy, name.n);
        made->dns = dns;
        if (kd_map_put(&dns->names, made->name, made)) {
            link_newest(dns, made);
            return made;
        }
    }
    free(made);
    kd_ledger_release(KD_ACCOUNT_CACHES, size);
    return NULL;
}

/* --- answers --- */

static kd_str error_of(int status)
{
    switch (status) {
    case ARES_ENOTFOUND:
    case ARES_ENODATA:
    case ARES_EBADNAME:
        return KD_STR("no such host");
    case ARES_ETIMEOUT:
        return KD_STR("i/o timeout");
    default:
        return KD_STR("server misbehaving");
    }
}

static kd_ns clamp_ttl(int64_t seconds)
{
    kd_ns ttl = seconds * KD_SECOND;
    return ttl < TTL_MIN ? TTL_MIN : ttl > TTL_MAX ? TTL_MAX : ttl;
}

/* Fills in the addresses; returns the smallest TTL on the way to them, in seconds. */
static int64_t take_addresses(kd_addresses *to, const struct ares_addrinfo *found)
{
    int64_t ttl = INT32_MAX;
    for (const struct ares_addrinfo_cname *at = found->cnames; at; at = at->next)
        ttl = at->ttl < ttl ? at->ttl : ttl;
    for (const struct ares_addrinfo_node *at = found->nodes; at && to->n < KD_DNS_ADDRESSES; at = at->ai_next) {
        kd_address *a = &to->v[to->n];
        if (at->ai_family == AF_INET)
            a->v4 = *(const struct sockaddr_in *)at->ai_addr;
        else if (at->ai_family == AF_INET6)
            a->v6 = *(const struct sockaddr_in6 *)at->ai_addr;
        else
            continue;
        to->n++;
        ttl = at->ai_ttl < ttl ? at->ai_ttl : ttl;
    }
    return ttl;
}

static bool is_localhost(kd_str name)
{
    if (kd_str_ends(name, KD_STR(".")))
        name.n--;
    return kd_str_eq(name, KD_STR("localhost")) || kd_str_ends(name, KD_STR(".localhost"));
}

/* The waiters are told when c-ares has returned: they may ask again. */
static void queue_done(struct kd_dns *dns, struct entry *entry)
{
    entry->next_done = NULL;
    *dns->done_tail = entry;
    dns->done_tail = &entry->next_done;
}

static bool is_done(const struct kd_dns *dns, const struct entry *entry)
{
    const struct entry *at = dns->done;
    while (at && at != entry)
        at = at->next_done;
    return at != NULL;
}

static void on_addrinfo(void *context, int status, int timeouts, struct ares_addrinfo *found)
{
    struct entry *entry = context;
    struct kd_dns *dns = entry->dns;
    bool at_once = dns->asking == entry;
    if (dns->moving) {
        entry->pending = false;
        dns->n_pending--;
        return;
    }
    memset(&entry->answer, 0, sizeof entry->answer);
    kd_ns ttl = TTL_FAILURE;
    if (status == ARES_SUCCESS && found) {
        int64_t seconds = take_addresses(&entry->answer, found);
        /* Only the hosts file (and localhost) is answered without a packet. */
        ttl = at_once ? TTL_HOSTS : clamp_ttl(seconds);
    }
    if (entry->answer.n == 0 && is_localhost(entry->name)) {
        /* RFC 6761 section 6.3: the name means this machine, also where no hosts file says so. */
        entry->answer.v[0].v4 = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        entry->answer.v[1].v6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
        entry->answer.n = 2;
        ttl = TTL_HOSTS;
    }
    if (entry->answer.n == 0) {
        entry->answer.error = error_of(status == ARES_SUCCESS ? ARES_ENODATA : status);
        ttl = TTL_FAILURE;
    }
    if (found)
        ares_freeaddrinfo(found);
    entry->expires = dns->worker->loop.now + ttl;
    entry->pending = false;
    dns->n_pending--;
    entry->busy = !at_once;
    if (at_once)
        return;
    queue_done(dns, entry);
}

static void tell_waiters(struct kd_dns *dns)
{
    struct entry *entry;
    while ((entry = dns->done) != NULL) {
        dns->done = entry->next_done;
        if (!dns->done)
            dns->done_tail = &dns->done;
        while (entry->waiters) {
            kd_dns_query *query = entry->waiters;
            kd_dns_cancel(query);
            query->on_answer(query, &entry->answer);
        }
        entry->busy = false;
    }
}

static void rearm(struct kd_dns *dns)
{
    struct timeval left;
    kd_timers *timers = &dns->worker->loop.timers;
    if (dns->done)
        kd_timer_arm(timers, &dns->timer, dns->worker->loop.now);
    else if (dns->open && ares_timeout(dns->channel, NULL, &left))
        kd_timer_arm(timers, &dns->timer, kd_clock_monotonic() + left.tv_sec * KD_SECOND + left.tv_usec * KD_US);
    else
        kd_timer_disarm(timers, &dns->timer);
}

static void on_timer(kd_timer *timer)
{
    struct kd_dns *dns = KD_CONTAINER(timer, struct kd_dns, timer);
    if (dns->open)
        ares_process_fd(dns->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    tell_waiters(dns);
    rearm(dns);
}

/* --- the sockets of c-ares --- */

/* The loop reports edges, c-ares reads as if it were told levels: ask the kernel after each step. */
static void on_socket(kd_io *io)
{
    socket_node *node = KD_CONTAINER(io, socket_node, io);
    struct kd_dns *dns = node->dns;
    unsigned round = 0;
    for (; round < SOCKET_ROUNDS && node->io.fd >= 0; round++) {
        struct pollfd p = {.fd = node->io.fd, .events = (node->reads ? POLLIN : 0) | (node->writes ? POLLOUT : 0)};
        if (poll(&p, 1, 0) <= 0)
            break;
        bool broken = p.revents & (POLLERR | POLLHUP | POLLNVAL);
        bool in = node->reads && (p.revents & POLLIN || broken), out = node->writes && (p.revents & POLLOUT || broken);
        ares_process_fd(dns->channel, in ? p.fd : ARES_SOCKET_BAD, out ? p.fd : ARES_SOCKET_BAD);
    }
    if (round == SOCKET_ROUNDS && node->io.fd >= 0)
        kd_loop_requeue(&dns->worker->loop, io);
    tell_waiters(dns);
    rearm(dns);
}

static void on_socket_state(void *context, ares_socket_t fd, int reads, int writes)
{
    struct kd_dns *dns = context;
    kd_loop *loop = &dns->worker->loop;
    socket_node *node = dns->sockets, *idle = NULL;
    for (; node && node->io.fd != fd; node = node->next)
        idle = node->io.fd < 0 ? node : idle;
    if (!reads && !writes) {
        if (node)
            kd_loop_remove(loop, &node->io);
        return;
    }
    if (!node) {
        /* Without memory or room in epoll the question times out. */
        node = idle ? idle : calloc(1, sizeof *node);
        if (!node)
            return;
        if (!idle) {
            node->dns = dns;
            node->next = dns->sockets;
            dns->sockets = node;
        }
        kd_loop_add(loop, &node->io, fd, on_socket);
    } else if (writes && !node->writes) {
        kd_loop_requeue(loop, &node->io); /* the edge for it may be long past */
    }
    node->reads = reads;
    node->writes = writes;
}

/* --- the channel --- */

static const char *conf_path(const struct kd_dns *dns)
{
    return dns->options.resolv_conf ? dns->options.resolv_conf : "/etc/resolv.conf";
}

static void close_channel(struct kd_dns *dns)
{
    if (dns->open)
        ares_destroy(dns->channel);
    dns->open = false;
}

static bool open_channel(struct kd_dns *dns)
{
    static char file_first[] = "fb", servers_only[] = "b"; /* f: the system's hosts file */
    kd_resolvconf conf = kd_resolvconf_read(conf_path(dns));
    struct ares_options options = {
        .sock_state_cb = on_socket_state,
        .sock_state_cb_data = dns,
        .lookups = dns->options.hosts_file ? servers_only : file_first,
        .timeout = dns->options.timeout_ms ? dns->options.timeout_ms : conf.timeout_s * 1000,
        .tries = dns->options.tries ? dns->options.tries : conf.attempts,
        .udp_port = dns->options.port,
        .tcp_port = dns->options.port,
        .resolvconf_path = (char *)conf_path(dns),
        .domains = (char **)(uintptr_t)dns->options.search,
        .ndomains = dns->options.n_search,
    };
    int mask = ARES_OPT_SOCK_STATE_CB | ARES_OPT_LOOKUPS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_RESOLVCONF;
    if (dns->options.port)
        mask |= ARES_OPT_UDP_PORT | ARES_OPT_TCP_PORT;
    if (dns->options.search)
        mask |= ARES_OPT_DOMAINS;
    dns->open = ares_init_options(&dns->channel, &options, mask) == ARES_SUCCESS;
    if (dns->open && dns->options.servers &&
        ares_set_servers_ports_csv(dns->channel, dns->options.servers) != ARES_SUCCESS)
        close_channel(dns);
    return dns->open;
}

/* Opens the channel, or opens it anew when resolv.conf has changed and nothing is under way. */
static bool ready_channel(struct kd_dns *dns)
{
    kd_ns now = dns->worker->loop.now;
    if (dns->open && (dns->n_pending || now - dns->conf_checked < CONF_AGE))
        return true;
    struct stat conf = {0};
    if (stat(conf_path(dns), &conf) != 0)
        conf = (struct stat){0};
    dns->conf_checked = now;
    bool same = conf.st_ino == dns->conf.st_ino && conf.st_size == dns->conf.st_size &&
                conf.st_mtim.tv_sec == dns->conf.st_mtim.tv_sec && conf.st_mtim.tv_nsec == dns->conf.st_mtim.tv_nsec;
    if (dns->open && same)
        return true;
    dns->conf = conf;
    close_channel(dns);
    return open_channel(dns);
}

/* c-ares asks that its library is readied once, before other threads use it. */
static int library_status;
static void ready_library(void)
{
    library_status = ares_library_init(ARES_LIB_INIT_ALL);
}

struct kd_dns *kd_dns_create_with(kd_worker *worker, const kd_dns_options *options)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, ready_library);
    struct kd_dns *dns = library_status == ARES_SUCCESS ? calloc(1, sizeof *dns) : NULL;
    if (!dns)
        return NULL;
    dns->worker = worker;
    dns->options = *options;
    dns->done_tail = &dns->done;
    kd_map_init(&dns->names, NULL, MAX_NAMES);
    kd_timer_init(&dns->timer, on_timer);
    return dns;
}

struct kd_dns *kd_dns_create(kd_worker *worker)
{
    return kd_dns_create_with(worker, &(kd_dns_options){0});
}

kd_worker *kd_dns_worker(const struct kd_dns *dns)
{
    return dns->worker;
}

static void watch_end(kd_dns_watch *watch);

void kd_dns_destroy(struct kd_dns *dns)
{
    dns->moving = true; /* no answers any more */
    close_channel(dns);
    while (dns->watches)
        watch_end(dns->watches);
    kd_timer_disarm(&dns->worker->loop.timers, &dns->timer);
    while (dns->oldest) {
        while (dns->oldest->waiters)
            kd_dns_cancel(dns->oldest->waiters);
        entry_free(dns, dns->oldest);
    }
    kd_map_fini(&dns->names);
    for (socket_node *node = dns->sockets, *next; node; node = next) {
        next = node->next;
        kd_loop_remove(&dns->worker->loop, &node->io);
        free(node);
    }
    free(dns);
}

/* --- questions --- */

/* The letters that Go sends to a resolver: labels of 1 to 63 of [A-Za-z0-9_-], no hyphen at their ends, not digits
 * alone. */
static bool is_domain(kd_str name)
{
    if (name.n == 0 || name.n > MAX_NAME || (name.n == MAX_NAME && name.p[name.n - 1] != '.'))
        return false;
    bool has_letter = false;
    kd_str rest = name, label;
    while (kd_str_split(&rest, '.', &label)) {
        if (label.n == 0)
            return rest.p == NULL && has_letter; /* a final dot */
        if (label.n > 63 || label.p[0] == '-' || label.p[label.n - 1] == '-')
            return false;
        for (size_t i = 0; i < label.n; i++) {
            char c = label.p[i];
            bool letter = (uint8_t)(kd_lower((uint8_t)c) - 'a') < 26 || c == '_' || c == '-';
            if (!letter && (uint8_t)(c - '0') > 9)
                return false;
            has_letter |= letter;
        }
    }
    return has_letter;
}

static bool fail(kd_addresses *out, kd_str error)
{
    out->n = 0;
    out->error = error;
    return true;
}

static void ask(struct kd_dns *dns, struct entry *entry)
{
    memset(&entry->answer, 0, sizeof entry->answer);
    if (dns->options.hosts_file && kd_hosts_find_in(dns->options.hosts_file, entry->name, &entry->answer)) {
        entry->expires = dns->worker->loop.now + TTL_HOSTS;
        return;
    }
    if (!ready_channel(dns)) {
        entry->answer.error = KD_STR("server misbehaving");
        entry->expires = dns->worker->loop.now + TTL_FAILURE;
        return;
    }
    struct ares_addrinfo_hints hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    if (dns->options.hosts_from_env)
        hints.ai_flags |= ARES_AI_ENVHOSTS;
    entry->pending = entry->busy = true;
    dns->n_pending++;
    dns->asking = entry;
    ares_getaddrinfo(dns->channel, entry->name.p, NULL, &hints, on_addrinfo, entry);
    dns->asking = NULL;
    rearm(dns);
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static bool same_options(const kd_dns_options *a, const kd_dns_options *b)
{
    bool same = same_text(a->resolv_conf, b->resolv_conf) && a->hosts_from_env == b->hosts_from_env &&
                a->port == b->port && a->timeout_ms == b->timeout_ms && a->tries == b->tries &&
                same_text(a->servers, b->servers) && same_text(a->hosts_file, b->hosts_file) &&
                !a->search == !b->search && a->n_search == b->n_search;
    for (int i = 0; same && i < a->n_search; i++)
        same = same_text(a->search[i], b->search[i]);
    return same;
}

void kd_dns_configure(struct kd_dns *dns, const kd_dns_options *options)
{
    bool same = same_options(&dns->options, options);
    dns->options = *options; /* the old texts may go */
    if (same)
        return;
    dns->moving = true;
    close_channel(dns);
    dns->moving = false;
    for (struct entry *entry = dns->oldest; entry; entry = entry->newer) {
        entry->expires = 0;
        if (is_done(dns, entry))
            continue; /* answered just now: its waiters are about to be told */
        entry->busy = false;
        if (!entry->waiters)
            continue;
        ask(dns, entry);
        if (!entry->pending) {
            entry->busy = true;
            queue_done(dns, entry);
        }
    }
    for (kd_dns_watch *watch = dns->watches; watch; watch = watch->next)
        kd_timer_arm(&dns->worker->loop.timers, &watch->timer, dns->worker->loop.now);
    rearm(dns);
}

bool kd_dns_resolve(struct kd_dns *dns, kd_str name, kd_addresses *out, kd_dns_query *query)
{
    query->next = NULL;
    query->link = NULL;
    memset(out, 0, sizeof *out);
    if (kd_address_parse(name, &out->v[0])) {
        out->n = 1;
        return true;
    }
    if (!is_domain(name))
        return fail(out, KD_STR("no such host"));
    char key[MAX_NAME];
    for (size_t i = 0; i < name.n; i++)
        key[i] = (char)kd_lower((uint8_t)name.p[i]);
    struct entry *entry = kd_map_get(&dns->names, kd_str_of(key, name.n));
    if (!entry)
        entry = entry_new(dns, kd_str_of(key, name.n));
    if (!entry)
        return fail(out, KD_STR("server misbehaving"));
    unlink_entry(dns, entry);
    link_newest(dns, entry);
    if (!entry->pending && entry->expires <= dns->worker->loop.now)
        ask(dns, entry);
    if (!entry->pending) {
        *out = entry->answer;
        return true;
    }
    query->next = entry->waiters;
    if (query->next)
        query->next->link = &query->next;
    query->link = &entry->waiters;
    entry->waiters = query;
    return false;
}

void kd_dns_cancel(kd_dns_query *query)
{
    if (!query->link)
        return;
    *query->link = query->next;
    if (query->next)
        query->next->link = query->link;
    query->next = NULL;
    query->link = NULL;
}

/* --- services --- */

static void watch_end(kd_dns_watch *watch)
{
    kd_timer_disarm(&watch->dns->worker->loop.timers, &watch->timer);
    *watch->link = watch->next;
    if (watch->next)
        watch->next->link = watch->link;
    watch->on_end(watch);
}

static void watch_tell(kd_dns_watch *watch, kd_srv_record *records, uint32_t n, kd_str error)
{
    kd_loop *loop = &watch->dns->worker->loop;
    if (watch->on_answer(watch, records, n, error))
        kd_timer_arm(&loop->timers, &watch->timer, loop->now + watch->pause);
    else
        watch_end(watch);
}

static void watch_tell_records(kd_dns_watch *watch, const struct ares_srv_reply *found)
{
    uint32_t n = 0, i = 0;
    for (const struct ares_srv_reply *at = found; at; at = at->next)
        n++;
    kd_srv_record *records = calloc(n + 1, sizeof *records);
    bool good = true; /* Go, too, takes none when one has no name */
    for (const struct ares_srv_reply *at = found; at && records; at = at->next) {
        records[i] = (kd_srv_record){at->priority, at->weight, at->port, kd_str_from_c(at->host)};
        good = good && is_domain(records[i++].target);
    }
    if (records && good)
        watch_tell(watch, records, n, (kd_str){NULL, 0});
    else
        watch_tell(watch, NULL, 0, records ? KD_STR("server misbehaving") : KD_STR("out of memory"));
    free(records);
}

static void on_services(void *context, int status, int timeouts, unsigned char *answer, int n)
{
    (void)timeouts;
    kd_dns_watch *watch = context;
    struct ares_srv_reply *found = NULL;
    watch->asking = false;
    watch->dns->n_pending--;
    if (watch->dns->moving)
        return; /* whoever closes the channel sees to the watches */
    if (status == ARES_SUCCESS)
        status = ares_parse_srv_reply(answer, n, &found);
    if (status == ARES_SUCCESS)
        watch_tell_records(watch, found);
    else
        watch_tell(watch, NULL, 0, error_of(status));
    if (found)
        ares_free_data(found);
}

static void watch_ask(kd_timer *timer)
{
    kd_dns_watch *watch = KD_CONTAINER(timer, kd_dns_watch, timer);
    struct kd_dns *dns = watch->dns;
    if (watch->asking)
        return;
    if (!is_domain(kd_str_from_c(watch->name))) {
        watch_tell(watch, NULL, 0, KD_STR("no such host"));
        return;
    }
    if (!ready_channel(dns)) {
        watch_tell(watch, NULL, 0, KD_STR("server misbehaving"));
        return;
    }
    watch->asking = true;
    dns->n_pending++;
    ares_search(dns->channel, watch->name, ns_c_in, ns_t_srv, on_services, watch);
    rearm(dns);
}

void kd_dns_watch_begin(struct kd_dns *dns, kd_dns_watch *watch)
{
    watch->dns = dns;
    watch->asking = false;
    watch->next = dns->watches;
    watch->link = &dns->watches;
    if (watch->next)
        watch->next->link = &watch->next;
    dns->watches = watch;
    kd_timer_init(&watch->timer, watch_ask);
    watch_ask(&watch->timer);
}
