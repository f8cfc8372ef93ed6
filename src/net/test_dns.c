/* The resolver against a small name server of our own on loopback, UDP and TCP. The worker's thread does not run: the
 * test turns its loop, so that the clock of the cache can be moved. */
#include "net/dns.h"

#include "base/ledger.h"

#include <arpa/inet.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

/* --- the name server --- */

enum { ZONE_A = 1, ZONE_AAAA = 2, ZONE_TRUNCATE = 4, ZONE_DROP = 8, ZONE_CNAME = 16, ZONE_SRV = 32, ZONE_BAD = 64 };

typedef struct record {
    const char *name;
    int flags;
    int rcode;
    unsigned count; /* of addresses of each family */
    uint32_t ttl;
} record;

static const record zone[] = {
    {"four.test", ZONE_A, 0, 1, 60},
    {"six.test", ZONE_AAAA, 0, 1, 60},
    {"both.test", ZONE_A | ZONE_AAAA, 0, 2, 60},
    {"alias.test", ZONE_A | ZONE_CNAME, 0, 1, 7},
    {"many.test", ZONE_A | ZONE_TRUNCATE, 0, 40, 60},
    {"zero.test", ZONE_A, 0, 1, 0},
    {"long.test", ZONE_A, 0, 1, 1000000},
    {"empty.test", 0, 0, 0, 60},
    {"broken.test", 0, 2, 0, 60},
    {"refused.test", 0, 5, 0, 60},
    {"silent.test", ZONE_DROP, 0, 0, 60},
    {"short.search.test", ZONE_A, 0, 1, 60},
    {"a.b.search.test", ZONE_A, 0, 1, 60},
    {"_web._tcp.test", ZONE_SRV, 0, 2, 60},
    {"_web._tcp.search.test", ZONE_SRV, 0, 1, 60},
    {"_many._tcp.test", ZONE_SRV | ZONE_TRUNCATE, 0, 250, 60}, /* more than a datagram holds */
    {"_bad._tcp.test", ZONE_SRV | ZONE_BAD, 0, 1, 60},
    {".kept.test", ZONE_A, 0, 1, 3600}, /* every name that ends so */
    {".quiet.test", ZONE_DROP, 0, 0, 60},
};

static int udp, tcp;
static uint16_t server_port;
static _Atomic bool server_stop;
static pthread_t server_thread;
static _Atomic unsigned n_questions;
static pthread_mutex_t last_lock = PTHREAD_MUTEX_INITIALIZER;
static char last_name[300]; /* the last question's */

static size_t put16(uint8_t *to, unsigned v)
{
    to[0] = (uint8_t)(v >> 8);
    to[1] = (uint8_t)v;
    return 2;
}

static size_t put_answer(uint8_t *to, unsigned name, unsigned type, uint32_t ttl, const void *data, size_t n)
{
    size_t at = put16(to, name);
    at += put16(to + at, type);
    at += put16(to + at, 1);
    at += put16(to + at, ttl >> 16);
    at += put16(to + at, ttl & 0xffff);
    at += put16(to + at, (unsigned)n);
    memcpy(to + at, data, n);
    return at + n;
}

static const record *find_record(const char *name)
{
    kd_str asked = kd_str_from_c(name);
    for (size_t i = 0; i < KD_COUNT(zone); i++) {
        kd_str known = kd_str_from_c(zone[i].name);
        if (known.p[0] == '.' ? kd_str_ends(asked, known) : kd_str_eq(asked, known))
            return &zone[i];
    }
    return NULL;
}

/* Builds the answer to a question in place of it; 0: none. */
static size_t respond(uint8_t *message, size_t n, bool over_tcp)
{
    char name[300];
    size_t at = 12, length = 0;
    while (at < n && message[at] && length + message[at] + 1 < sizeof name) {
        for (unsigned i = 1; i <= message[at]; i++)
            name[length++] = (char)message[at + i];
        name[length++] = '.';
        at += message[at] + 1u;
    }
    name[length ? length - 1 : 0] = 0;
    unsigned type = (unsigned)message[at + 1] << 8 | message[at + 2];
    size_t end = at + 5;
    const record *r = find_record(name);
    pthread_mutex_lock(&last_lock);
    memcpy(last_name, name, sizeof name);
    pthread_mutex_unlock(&last_lock);
    atomic_fetch_add(&n_questions, 1);
    if (r && r->flags & ZONE_DROP)
        return 0;
    bool truncate = r && r->flags & ZONE_TRUNCATE && !over_tcp;
    message[2] = (uint8_t)(0x85 | (truncate ? 2 : 0));
    message[3] = (uint8_t)(0x80 | (r ? r->rcode : 3));
    memset(message + 6, 0, 6);
    unsigned answers = 0, owner = 0xc00c;
    if (r && !truncate && r->flags & (type == 1 ? ZONE_A : type == 28 ? ZONE_AAAA : 0)) {
        if (r->flags & ZONE_CNAME) {
            static const uint8_t target[] = "\4real\4test";
            owner = 0xc000 | (unsigned)(end + 12);
            end += put_answer(message + end, 0xc00c, 5, 5, target, sizeof target);
            answers++;
        }
        for (unsigned i = 0; i < r->count; i++, answers++) {
            uint8_t a[16] = {127, 0, 0, 0};
            if (type == 28)
                memset(a, 0, 16);
            a[type == 1 ? 3 : 15] = (uint8_t)(i + 1);
            end += put_answer(message + end, owner, type, r->ttl, a, type == 1 ? 4 : 16);
        }
    }
    for (unsigned i = 0; r && !truncate && r->flags & ZONE_SRV && type == 33 && i < r->count; i++, answers++) {
        uint8_t service[] = "\0\1\0\2\37\220\4host\4test";
        service[1] = (uint8_t)(i + 1);
        service[8] = r->flags & ZONE_BAD ? ' ' : 'o';
        end += put_answer(message + end, 0xc00c, 33, r->ttl, service, sizeof service);
    }
    put16(message + 6, answers);
    return end;
}

static void serve_tcp(void)
{
    uint8_t message[16384];
    int fd = accept(tcp, NULL, NULL);
    if (fd < 0)
        return;
    while (recv(fd, message, 2, MSG_WAITALL) == 2) {
        size_t n = (size_t)message[0] << 8 | message[1];
        if (n > sizeof message - 2048 || recv(fd, message + 2, n, MSG_WAITALL) != (ssize_t)n)
            break;
        n = respond(message + 2, n, true);
        put16(message, (unsigned)n);
        /* In two pieces: the resolver must cope with a part of a message. */
        if (send(fd, message, 20, MSG_NOSIGNAL) < 0 || send(fd, message + 20, n - 18, MSG_NOSIGNAL) < 0)
            break;
    }
    close(fd);
}

static void *serve(void *context)
{
    while (!server_stop) {
        struct pollfd p[2] = {{.fd = udp, .events = POLLIN}, {.fd = tcp, .events = POLLIN}};
        if (poll(p, 2, 20) <= 0)
            continue;
        if (p[1].revents)
            serve_tcp();
        if (!p[0].revents)
            continue;
        uint8_t message[2048];
        struct sockaddr_in from;
        socklen_t size = sizeof from;
        ssize_t n = recvfrom(udp, message, 512, 0, (struct sockaddr *)&from, &size);
        if (n < 17)
            continue;
        size_t answer = respond(message, (size_t)n, false);
        if (answer)
            sendto(udp, message, answer, 0, (struct sockaddr *)&from, size);
    }
    return NULL;
}

static bool server_start(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof at;
    tcp = socket(AF_INET, SOCK_STREAM, 0);
    udp = socket(AF_INET, SOCK_DGRAM, 0);
    if (bind(tcp, (struct sockaddr *)&at, sizeof at) || listen(tcp, 8) ||
        getsockname(tcp, (struct sockaddr *)&at, &n) || bind(udp, (struct sockaddr *)&at, sizeof at))
        return false;
    server_port = ntohs(at.sin_port);
    return pthread_create(&server_thread, NULL, serve, NULL) == 0;
}

/* --- the asker --- */

static kd_workers workers;
static kd_worker *worker;
static struct kd_dns *dns;
static char folder[] = "/tmp/kd-dns-XXXXXX", conf_file[64], hosts_file[64];

typedef struct asker {
    kd_dns_query query;
    kd_addresses answer;
    unsigned answers;
} asker;

static unsigned n_answers;

static void on_answer(kd_dns_query *query, const kd_addresses *answer)
{
    asker *a = KD_CONTAINER(query, asker, query);
    a->answer = *answer;
    a->answers++;
    n_answers++;
}

static void write_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static int group_setup(void **state)
{
    if (!mkdtemp(folder) || !server_start())
        return -1;
    snprintf(conf_file, sizeof conf_file, "%s/resolv.conf", folder);
    snprintf(hosts_file, sizeof hosts_file, "%s/hosts", folder);
    write_file(hosts_file, "127.0.0.9 Hosted.test hosted2 # a comment\n::9 hosted.test\n127.0.0.10 four.override\n");
    setenv("CARES_HOSTS", hosts_file, 1);
    return 0;
}

static int group_teardown(void **state)
{
    server_stop = true;
    pthread_join(server_thread, NULL);
    close(udp);
    close(tcp);
    unlink(conf_file);
    unlink(hosts_file);
    return rmdir(folder);
}

static int setup(void **state)
{
    write_file(conf_file, "nameserver 127.0.0.1\nsearch search.test\noptions ndots:2\n");
    if (!kd_workers_create(&workers, 1))
        return -1;
    worker = workers.v[0];
    n_answers = 0;
    kd_loop_turn(&worker->loop, 0);
    dns = kd_dns_create_with(
        worker,
        &(kd_dns_options){
            .resolv_conf = conf_file, .hosts_from_env = true, .port = server_port, .timeout_ms = 2000, .tries = 3});
    return dns ? 0 : -1;
}

static int teardown(void **state)
{
    if (dns)
        kd_dns_destroy(dns);
    kd_workers_destroy(&workers);
    return kd_ledger_total() == 0 ? 0 : -1;
}

/* Asks; true when the answer was there at once. */
static bool ask(asker *a, const char *name)
{
    *a = (asker){.query.on_answer = on_answer};
    unsigned before = n_answers;
    bool at_once = kd_dns_resolve(dns, kd_str_from_c(name), &a->answer, &a->query);
    assert_int_equal(n_answers, before); /* never within the call */
    return at_once;
}

static void wait_for(asker *a)
{
    while (!a->answers)
        kd_loop_turn(&worker->loop, -1);
}

static void assert_text(kd_str have, const char *want)
{
    if (!kd_str_eq(have, kd_str_from_c(want)))
        fail_msg("\"%.*s\", expected \"%s\"", KD_FMT(have), want);
}

/* The addresses as text, in no order of families that matters here: sorted by the system's rules. */
static bool contains(const kd_addresses *answer, const char *want)
{
    char text[56];
    for (unsigned i = 0; i < answer->n; i++)
        if (kd_str_eq(kd_str_of(text, kd_address_write(text, &answer->v[i])), kd_str_from_c(want)))
            return true;
    return false;
}

static void test_answers(void **state)
{
    static const struct {
        const char *name;
        unsigned n;
        const char *has, *error;
        bool at_once;
    } rows[] = {
        {"four.test.", 1, "127.0.0.1:0", NULL, false},
        {"six.test.", 1, "[::1]:0", NULL, false},
        {"both.test.", 4, "127.0.0.2:0", NULL, false},
        {"alias.test.", 1, "127.0.0.1:0", NULL, false},
        {"many.test.", KD_DNS_ADDRESSES, NULL, NULL, false},
        {"empty.test.", 0, NULL, "no such host", false},
        {"none.test.", 0, NULL, "no such host", false},
        {"broken.test.", 0, NULL, "server misbehaving", false},
        {"refused.test.", 0, NULL, "server misbehaving", false},
        {"127.0.0.5", 1, "127.0.0.5:0", NULL, true},
        {"::5", 1, "[::5]:0", NULL, true},
        {"hosted.test", 2, "127.0.0.9:0", NULL, true},
        {"HOSTED.TEST", 2, "[::9]:0", NULL, true},
        {"hosted2", 1, "127.0.0.9:0", NULL, true},
        {"", 0, NULL, "no such host", true},
        {"a b", 0, NULL, "no such host", true},
        {"a..b", 0, NULL, "no such host", true},
        {".", 0, NULL, "no such host", true},
        {"-a.test", 0, NULL, "no such host", true},
        {"a-.test", 0, NULL, "no such host", true},
        {"1.2.3", 0, NULL, "no such host", true},
        {"caf\xc3\xa9.test", 0, NULL, "no such host", true},
        {"a.very-long-label-of-more-than-sixty-three-letters-is-nothing-that-goes-out.test", 0, NULL, "no such host",
         true},
    };
    for (size_t i = 0; i < KD_COUNT(rows); i++) {
        asker a;
        bool at_once = ask(&a, rows[i].name);
        if (at_once != rows[i].at_once)
            fail_msg("%s: at once %d", rows[i].name, at_once);
        if (!at_once)
            wait_for(&a);
        if (a.answer.n != rows[i].n || (rows[i].has && !contains(&a.answer, rows[i].has)))
            fail_msg("%s: %u addresses", rows[i].name, a.answer.n);
        if (rows[i].error)
            assert_text(a.answer.error, rows[i].error);
    }
    char name[300];
    asker a;
    memset(name, 'a', sizeof name);
    for (size_t i = 50; i < sizeof name; i += 50)
        name[i] = '.';
    for (size_t n = 253; n <= 300; n++) {
        a = (asker){.query.on_answer = on_answer};
        bool at_once = kd_dns_resolve(dns, kd_str_of(name, n), &a.answer, &a.query);
        assert_int_equal(at_once, n > 253);
        kd_dns_cancel(&a.query);
    }
}

static void test_search(void **state)
{
    static const struct {
        const char *name, *asked; /* the name that found something in the end */
    } rows[] = {
        {"short", "short.search.test"},
        {"a.b", "a.b.search.test"},
        {"four.test", "four.test"}, /* fewer dots than ndots: first with the domain, then as it is */
    };
    for (size_t i = 0; i < KD_COUNT(rows); i++) {
        asker a;
        assert_false(ask(&a, rows[i].name));
        wait_for(&a);
        assert_int_equal(a.answer.n, 1);
        pthread_mutex_lock(&last_lock);
        assert_string_equal(last_name, rows[i].asked);
        pthread_mutex_unlock(&last_lock);
    }
    asker a;
    assert_false(ask(&a, "short.")); /* absolute */
    wait_for(&a);
    assert_text(a.answer.error, "no such host");
}

static void test_ttl(void **state)
{
    static const struct {
        const char *name;
        kd_ns ttl;
    } rows[] = {
        {"four.test.", 60 * KD_SECOND}, {"alias.test.", 5 * KD_SECOND},   {"zero.test.", KD_SECOND},
        {"none.test.", KD_SECOND},      {"long.test.", 3600 * KD_SECOND}, {"broken.test.", KD_SECOND},
    };
    for (size_t i = 0; i < KD_COUNT(rows); i++) {
        asker a, b;
        assert_false(ask(&a, rows[i].name));
        wait_for(&a);
        kd_ns then = worker->loop.now;
        unsigned asked = n_questions;
        worker->loop.now = then + rows[i].ttl - 1;
        assert_true(ask(&b, rows[i].name));
        assert_int_equal(b.answer.n, a.answer.n);
        assert_true(kd_str_eq(b.answer.error, a.answer.error));
        assert_int_equal(n_questions, asked);
        worker->loop.now = then + rows[i].ttl;
        assert_false(ask(&b, rows[i].name));
        wait_for(&b);
        assert_true(n_questions > asked);
    }
    /* The hosts file is looked at again after five seconds. */
    asker a;
    assert_true(ask(&a, "four.override"));
    write_file(hosts_file, "127.0.0.11 four.override\n127.0.0.9 hosted.test hosted2\n::9 hosted.test\n");
    worker->loop.now += 5 * KD_SECOND - 1;
    assert_true(ask(&a, "four.override"));
    assert_true(contains(&a.answer, "127.0.0.10:0"));
    worker->loop.now += 1;
    assert_true(ask(&a, "four.override"));
    assert_true(contains(&a.answer, "127.0.0.11:0"));
}

/* Questions for one name are asked once; the others hear the same answer, the cancelled ones nothing. */
static void test_together(void **state)
{
    asker a, b, c, d;
    unsigned before = n_questions;
    assert_false(ask(&a, "four.test."));
    assert_false(ask(&b, "four.test."));
    assert_false(ask(&c, "FOUR.test."));
    assert_false(ask(&d, "both.test."));
    kd_dns_cancel(&b.query);
    kd_dns_cancel(&b.query); /* twice is harmless */
    wait_for(&a);
    wait_for(&c);
    wait_for(&d);
    assert_int_equal(n_questions - before, 4); /* A and AAAA of two names */
    assert_int_equal(a.answers, 1);
    assert_int_equal(b.answers, 0);
    assert_int_equal(c.answers, 1);
    kd_dns_cancel(&a.query); /* answered already */
    /* Nobody waits any longer: the answer is kept all the same. */
    assert_false(ask(&a, "alias.test."));
    kd_dns_cancel(&a.query);
    assert_false(ask(&d, "six.test."));
    wait_for(&d);
    while (!ask(&b, "alias.test.")) {
        kd_dns_cancel(&b.query);
        kd_loop_turn(&worker->loop, -1);
    }
    assert_int_equal(a.answers, 0);
}

static asker nested[3];

/* Asks again from within an answer, cancels its neighbour. */
static void ask_more(kd_dns_query *query, const kd_addresses *answer)
{
    on_answer(query, answer);
    kd_dns_cancel(&nested[0].query);
    kd_dns_cancel(&nested[1].query);
    assert_true(ask(&nested[2], "four.test."));
    assert_false(ask(&nested[2], "six.test."));
}

static void test_within_answer(void **state)
{
    ask(&nested[0], "four.test.");
    ask(&nested[1], "four.test.");
    nested[0].query.on_answer = nested[1].query.on_answer = ask_more;
    while (!nested[2].answers)
        kd_loop_turn(&worker->loop, -1);
    assert_int_equal(nested[0].answers + nested[1].answers, 1);
}

static void restart(const kd_dns_options *options)
{
    kd_dns_destroy(dns);
    dns = kd_dns_create_with(worker, options);
    assert_non_null(dns);
}

static void test_timeout(void **state)
{
    asker a;
    restart(&(kd_dns_options){.resolv_conf = conf_file, .port = server_port, .timeout_ms = 20, .tries = 1});
    assert_false(ask(&a, "silent.test."));
    wait_for(&a);
    assert_text(a.answer.error, "i/o timeout");
    /* Nobody listens at the port: told by the kernel or by the timeout, but told. */
    restart(&(kd_dns_options){.resolv_conf = conf_file, .port = 1, .timeout_ms = 20, .tries = 1});
    if (!ask(&a, "four.test."))
        wait_for(&a);
    assert_int_equal(a.answer.n, 0);
    assert_true(a.answer.error.n > 0);
}

static void test_conf_changes(void **state)
{
    asker a;
    assert_false(ask(&a, "short"));
    wait_for(&a);
    assert_int_equal(a.answer.n, 1);
    write_file(conf_file, "nameserver 127.0.0.1\nsearch other.example.test\n");
    worker->loop.now += 61 * KD_SECOND; /* the answer is old, and so is what we know of the file */
    assert_false(ask(&a, "short"));
    wait_for(&a);
    assert_text(a.answer.error, "no such host");
}

/* All under way at once: what is above the bound is refused at once. */
static void test_bound_under_way(void **state)
{
    static asker askers[1030];
    char name[32];
    for (unsigned i = 0; i < KD_COUNT(askers); i++) {
        snprintf(name, sizeof name, "n%u.quiet.test.", i);
        bool at_once = ask(&askers[i], name);
        assert_int_equal(at_once, i >= 1024);
        if (at_once)
            assert_text(askers[i].answer.error, "server misbehaving");
    }
}

static bool is_cached(const char *format, unsigned number)
{
    char name[32];
    asker a;
    snprintf(name, sizeof name, format, number);
    bool at_once = ask(&a, name);
    kd_dns_cancel(&a.query);
    return at_once;
}

static void fill_cache(const char *format, unsigned n)
{
    char name[32];
    asker a;
    for (unsigned i = 0; i < n; i++) {
        snprintf(name, sizeof name, format, i);
        assert_false(ask(&a, name));
        wait_for(&a);
        assert_int_equal(a.answer.n, 1);
    }
}

/* Answered names make room, the longest unused first. */
static void test_cache_bound(void **state)
{
    fill_cache("n%u.kept.test.", 1024);
    size_t full = kd_ledger_used(KD_ACCOUNT_CACHES);
    assert_true(full >= 1024 * sizeof(kd_addresses));
    assert_true(is_cached("n%u.kept.test.", 0));
    fill_cache("m%u.kept.test.", 300);
    assert_in_range(kd_ledger_used(KD_ACCOUNT_CACHES), full / 10 * 9, full);
    assert_true(is_cached("n%u.kept.test.", 0)); /* used since */
    assert_true(is_cached("n%u.kept.test.", 301));
    assert_true(is_cached("n%u.kept.test.", 1023));
    assert_true(is_cached("m%u.kept.test.", 299));
    assert_false(is_cached("n%u.kept.test.", 300));
    assert_false(is_cached("n%u.kept.test.", 1));
}

/* No memory: refused, nothing breaks. */
static void test_without_memory(void **state)
{
    asker a;
    kd_ledger_set_ceiling(1);
    assert_true(ask(&a, "four.test."));
    assert_text(a.answer.error, "server misbehaving");
    kd_ledger_set_ceiling(0);
    assert_false(ask(&a, "four.test."));
    wait_for(&a);
    assert_int_equal(a.answer.n, 1);
}

static void test_destroy_under_way(void **state)
{
    asker a, b;
    assert_false(ask(&a, "silent.test."));
    assert_false(ask(&b, "four.test."));
    kd_dns_destroy(dns);
    dns = NULL;
    kd_dns_cancel(&a.query); /* harmless */
    kd_loop_turn(&worker->loop, 0);
    assert_int_equal(a.answers + b.answers, 0);
    assert_int_equal(worker->loop.timers.armed, 0);
}

typedef struct watcher {
    kd_dns_watch watch;
    unsigned answers, ends, n;
    bool over;
    kd_srv_record first;
    char target[32];
    kd_str error;
} watcher;

static bool on_records(kd_dns_watch *watch, kd_srv_record *records, uint32_t n, kd_str error)
{
    watcher *w = KD_CONTAINER(watch, watcher, watch);
    w->answers++;
    w->n = n;
    w->error = error;
    if (n) {
        w->first = records[0];
        snprintf(w->target, sizeof w->target, "%.*s", KD_FMT(records[0].target));
    }
    return !w->over;
}

static void on_watch_end(kd_dns_watch *watch)
{
    KD_CONTAINER(watch, watcher, watch)->ends++;
}

static void watch(watcher *w, const char *name)
{
    *w = (watcher){.watch = {.on_answer = on_records, .on_end = on_watch_end, .name = name, .pause = 3600 * KD_SECOND}};
    kd_dns_watch_begin(dns, &w->watch);
}

/* Until n answers have come. */
static void watch_for(watcher *w, unsigned n)
{
    while (w->answers < n)
        kd_loop_turn(&worker->loop, -1);
    assert_int_equal(w->answers, n);
}

static void test_services(void **state)
{
    static const struct {
        const char *name;
        unsigned n;
        const char *error;
    } rows[] = {
        {"_web._tcp.test", 2, NULL},
        {"_web._tcp", 1, NULL}, /* completed by a search domain */
        {"_many._tcp.test", 250, NULL},
        {"_bad._tcp.test", 0, "server misbehaving"},
        {"empty.test", 0, "no such host"},
        {"none.test", 0, "no such host"},
        {"broken.test.", 0, "server misbehaving"},
        {"http://_web._tcp.test", 0, "no such host"},
    };
    watcher w[KD_COUNT(rows)];
    for (size_t i = 0; i < KD_COUNT(rows); i++) {
        watch(&w[i], rows[i].name);
        watch_for(&w[i], 1);
        if (w[i].n != rows[i].n)
            fail_msg("%s: %u records", rows[i].name, w[i].n);
        if (rows[i].error)
            assert_text(w[i].error, rows[i].error);
        else
            assert_null(w[i].error.p);
        assert_true(kd_timer_armed(&w[i].watch.timer));
    }
    assert_int_equal(w[0].first.priority, 1);
    assert_int_equal(w[0].first.weight, 2);
    assert_int_equal(w[0].first.port, 8080);
    assert_string_equal(w[0].target, "host.test");
    /* Asked again when the pause is over; ended by the asker, or with the resolver. */
    w[0].over = true;
    kd_timer_arm(&worker->loop.timers, &w[0].watch.timer, worker->loop.now);
    watch_for(&w[0], 2);
    assert_int_equal(w[0].ends, 1);
    kd_dns_destroy(dns);
    dns = NULL;
    for (size_t i = 0; i < KD_COUNT(rows); i++)
        assert_int_equal(w[i].ends, 1);
    assert_int_equal(worker->loop.timers.armed, 0);
}

/* Another place to look is asked at once, also for what the old one owes; a resolver that goes ends the watch. */
static void test_services_move(void **state)
{
    watcher known, owed;
    watch(&known, "_web._tcp.test");
    watch_for(&known, 1);
    watch(&owed, "silent.test.");
    assert_true(owed.watch.asking);
    kd_dns_configure(dns, &(kd_dns_options){.resolv_conf = conf_file, .port = server_port, .timeout_ms = 2001});
    assert_false(owed.watch.asking);
    watch_for(&known, 2);
    assert_int_equal(owed.answers + owed.ends, 0);
    assert_true(owed.watch.asking);
    kd_dns_destroy(dns);
    dns = NULL;
    assert_int_equal(owed.answers, 0);
    assert_int_equal(owed.ends, 1);
    assert_int_equal(known.ends, 1);
}

#define DNS_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        DNS_TEST(test_answers),
        DNS_TEST(test_search),
        DNS_TEST(test_ttl),
        DNS_TEST(test_together),
        DNS_TEST(test_within_answer),
        DNS_TEST(test_timeout),
        DNS_TEST(test_conf_changes),
        DNS_TEST(test_bound_under_way),
        DNS_TEST(test_cache_bound),
        DNS_TEST(test_without_memory),
        DNS_TEST(test_destroy_under_way),
        DNS_TEST(test_services),
        DNS_TEST(test_services_move),
    };
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
