/* Dialing names with several addresses: listeners of both families on loopback that answer, refuse or stay silent. */
#include "http/dial.h"
#include "http/test_call.h"

#define FILLERS   4
#define LISTENERS 3
#define HOUR      (3600 * KD_SECOND)
#define LATER     (60 * KD_SECOND)

/* What waits at an address. SILENT: a listener whose queue is full. */
typedef enum manner { ABSENT, ANSWERS, REFUSES, SILENT } manner;

static const char *const addresses[LISTENERS] = {"127.0.0.1", "127.0.0.2", "::1"};

static backend places[LISTENERS];
static int fillers[LISTENERS][FILLERS];
static uint16_t port;
static char hosts[64];

static const scripted fine = {.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"};

/* Opens a listener on the port, whatever the manner, so that nobody else has it. False: it is taken. */
static bool listen_at(unsigned i, manner how)
{
    kd_address at;
    assert_true(kd_address_parse(kd_str_from_c(addresses[i]), &at));
    bool v6 = at.any.sa_family == AF_INET6;
    *(v6 ? &at.v6.sin6_port : &at.v4.sin_port) = htons(port);
    backend *b = &places[i];
    *b = (backend){.script = &fine, .n_script = 1};
    b->listener = socket(at.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_true(b->listener >= 0);
    if (v6)
        setsockopt(b->listener, IPPROTO_IPV6, IPV6_V6ONLY, &(int){1}, sizeof(int));
    if (bind(b->listener, &at.any, kd_address_size(&at)) != 0) {
        backend_stop_listening(b);
        return false;
    }
    socklen_t size = sizeof at;
    getsockname(b->listener, &at.any, &size);
    port = ntohs(v6 ? at.v6.sin6_port : at.v4.sin_port);
    if (how != REFUSES)
        assert_int_equal(listen(b->listener, how == SILENT ? 0 : 16), 0);
    for (unsigned k = 0; k < FILLERS && how == SILENT; k++) {
        fillers[i][k] = socket(at.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        connect(fillers[i][k], &at.any, kd_address_size(&at));
    }
    return true;
}

static void places_down(void)
{
    for (unsigned i = 0; i < LISTENERS; i++) {
        backend_down(&places[i]);
        for (unsigned k = 0; k < FILLERS; k++)
            if (fillers[i][k] >= 0)
                close(fillers[i][k]);
    }
}

static void places_up(const manner how[LISTENERS])
{
    for (unsigned tries = 0;; tries++) {
        bool all = true;
        port = 0;
        memset(fillers, -1, sizeof fillers);
        for (unsigned i = 0; i < LISTENERS; i++)
            places[i].listener = -1;
        for (unsigned i = 0; i < LISTENERS && all; i++)
            all = how[i] == ABSENT || listen_at(i, how[i]);
        if (all)
            return;
        places_down();
        assert_true(tries < 100);
    }
}

/* A file of names in which "many.test" has the addresses in the order of these digits. */
static void name_places(const char *order)
{
    snprintf(hosts, sizeof hosts, "/tmp/test_dial.XXXXXX");
    int fd = mkstemp(hosts);
    assert_true(fd >= 0);
    for (; *order; order++)
        dprintf(fd, "%s many.test\n", addresses[*order - '0']);
    close(fd);
    kd_dns_configure(worker->dns, &(kd_dns_options){.hosts_file = hosts});
}

static bool pump_places(void)
{
    kd_loop_turn(&worker->loop, 0);
    bool any = worker->loop.ready != NULL;
    for (unsigned i = 0; i < LISTENERS; i++)
        if (places[i].listener >= 0 && fillers[i][0] < 0)
            any |= backend_pump(&places[i]);
    return any;
}

static void settle_places(void)
{
    for (unsigned quiet = 0; quiet < 4; quiet = pump_places() ? 0 : quiet + 1)
        ;
}

static kd_ns begun;

static void start(ask *a)
{
    begun = worker->loop.now;
    ask_start(a);
}

/* For the timers it is so much later than the start. */
static void pass(kd_ns time)
{
    kd_timers_run(&worker->loop.timers, begun + time);
}

static unsigned open_sockets(void)
{
    unsigned n = 0;
    for (kd_upstream *up = client.all; up; up = up->all_next)
        n++;
    return n;
}

static ask *dial_up(const manner how[LISTENERS], const char *order, kd_ns delay, kd_ns timeout)
{
    worker_up();
    places_up(how);
    name_places(order);
    kd_client_init(&client, worker);
    client.settings.dial_fallback_delay = delay;
    client.settings.dial_timeout = timeout;
    n_asks = 0;
    ask *a = prepare(1, GET);
    char host[40];
    int n = snprintf(host, sizeof host, "many.test:%u", port);
    a->call.target = kd_target_get(KD_STR("http"), kd_str_of(host, (size_t)n));
    assert_non_null(a->call.target);
    return a;
}

static void dial_down(const char *label)
{
    asks_forget();
    kd_client_fini(&client);
    assert_nothing_held(label);
    places_down();
    worker_down();
    unlink(hosts);
}

/* The connection that is left when the answer has come: the index of its address. */
static unsigned taken(void)
{
    for (unsigned i = 0; i < LISTENERS; i++)
        if (places[i].requests)
            return i;
    return LISTENERS;
}

static const struct {
    const char *label;
    manner how[LISTENERS];
    const char *order;
    kd_ns delay, timeout, passes[2];
    unsigned before, after, open; /* connections made before and after time passes, sockets then */
    int answers;                  /* the address that answers, -1: the call has not ended, -2: it has failed */
    const char *error;            /* with %u in place of the port */
} cases[] = {
    {"the first answers", {ANSWERS, ABSENT, ANSWERS}, "02", HOUR, 0, {0}, 1, 1, 1, 0, NULL},
    {"the first one's family decides", {ANSWERS, ABSENT, ANSWERS}, "20", HOUR, 0, {0}, 1, 1, 1, 2, NULL},
    {"refused: the other family at once", {REFUSES, ABSENT, ANSWERS}, "02", HOUR, 0, {0}, 2, 2, 1, 2, NULL},
    {"the same the other way round", {ANSWERS, ABSENT, REFUSES}, "20", HOUR, 0, {0}, 2, 2, 1, 0, NULL},
    {"the family before the order", {REFUSES, ANSWERS, ANSWERS}, "021", HOUR, 0, {0}, 2, 2, 1, 1, NULL},
    {"no delay: the order", {REFUSES, ANSWERS, ANSWERS}, "021", -1, 0, {0}, 2, 2, 1, 2, NULL},
    {"silent: the other family beside it", {SILENT, ABSENT, ANSWERS}, "02", HOUR, 0, {HOUR + LATER}, 1, 2, 1, 2, NULL},
    {"not before the delay", {SILENT, ABSENT, ANSWERS}, "02", HOUR, 0, {HOUR - LATER}, 1, 1, 1, -1, NULL},
    {"no delay: nothing beside it", {SILENT, ABSENT, ANSWERS}, "02", -1, 0, {HOUR}, 1, 1, 1, -1, NULL},
    {"two sockets at most", {SILENT, SILENT, SILENT}, "021", HOUR, 0, {3 * HOUR}, 1, 2, 2, -1, NULL},
    {"a share of the time", {SILENT, ANSWERS, ABSENT}, "01", 0, 2 * HOUR, {HOUR + LATER}, 1, 2, 1, 1, NULL},
    {"not before its end", {SILENT, ANSWERS, ABSENT}, "01", 0, 2 * HOUR, {HOUR - LATER}, 1, 1, 1, -1, NULL},
    {"without a timeout no share", {SILENT, ANSWERS, ABSENT}, "01", 0, 0, {HOUR}, 1, 1, 1, -1, NULL},
    {"the second is refused while the first waits",
     {SILENT, ABSENT, REFUSES},
     "02",
     HOUR,
     0,
     {HOUR + LATER},
     1,
     2,
     1,
     -1,
     NULL},
    {"all refuse: the first one's error",
     {REFUSES, REFUSES, REFUSES},
     "201",
     HOUR,
     0,
     {0},
     3,
     3,
     0,
     -2,
     "dial tcp [::1]:%u: connect: connection refused"},
    {"all are silent",
     {SILENT, ABSENT, SILENT},
     "02",
     HOUR,
     4 * HOUR,
     {HOUR + LATER, 4 * HOUR + LATER},
     1,
     2,
     0,
     -2,
     "dial tcp 127.0.0.1:%u: i/o timeout"},
    {"refused, then silent",
     {REFUSES, ABSENT, SILENT},
     "02",
     0,
     HOUR,
     {HOUR + LATER},
     2,
     2,
     0,
     -2,
     "dial tcp 127.0.0.1:%u: connect: connection refused"},
    {"silent, then refused",
     {SILENT, REFUSES, ABSENT},
     "01",
     0,
     2 * HOUR,
     {HOUR + LATER},
     1,
     2,
     0,
     -2,
     "dial tcp 127.0.0.1:%u: i/o timeout"},
};

static bool has_ipv6(void)
{
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in6 at = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    bool has = fd >= 0 && bind(fd, (struct sockaddr *)&at, sizeof at) == 0;
    if (fd >= 0)
        close(fd);
    return has;
}

static void run_case(size_t i)
{
    ask *a = dial_up(cases[i].how, cases[i].order, cases[i].delay, cases[i].timeout);
    start(a);
    settle_places();
    unsigned before = (unsigned)client.connects;
    for (unsigned k = 0; k < KD_COUNT(cases[i].passes) && cases[i].passes[k]; k++) {
        pass(cases[i].passes[k]);
        settle_places();
    }
    int answers = a->ends ? (int)taken() : a->fails ? -2 : -1;
    if (before != cases[i].before || client.connects != cases[i].after || open_sockets() != cases[i].open ||
        answers != cases[i].answers)
        fail_msg("%s: %u connections, then %u; %u sockets; answer of %d", cases[i].label, before,
                 (unsigned)client.connects, open_sockets(), answers);
    if (cases[i].error) {
        char error[100];
        int n =
            snprintf(error, sizeof error, "%.*s", (int)(strchr(cases[i].error, '%') - cases[i].error), cases[i].error);
        snprintf(error + n, sizeof error - (size_t)n, "%u%s", port, strchr(cases[i].error, '%') + 2);
        if (!kd_str_eq(a->call.error, kd_str_from_c(error)))
            fail_msg("%s: %.*s", cases[i].label, KD_FMT(a->call.error));
    }
    dial_down(cases[i].label);
}

static void test_families(void **state)
{
    bool v6 = has_ipv6();
    for (size_t i = 0; i < KD_COUNT(cases); i++)
        if (v6 || cases[i].how[2] == ABSENT)
            run_case(i);
}

/* Without a setting it is 300 ms. The loop does not turn: its clock stands still. */
static void test_delay(void **state)
{
    if (!has_ipv6())
        skip();
    ask *a = dial_up((manner[]){SILENT, ABSENT, SILENT}, "02", 0, HOUR);
    start(a);
    pass(299 * KD_MS);
    assert_int_equal(client.connects, 1);
    pass(302 * KD_MS);
    assert_int_equal(client.connects, 2);
    dial_down("delay");
}

/* Both connect before anybody looks: the first that tells is taken, the other is closed, and nothing is asked twice. */
static void test_both_stand(void **state)
{
    if (!has_ipv6())
        skip();
    ask *a = dial_up((manner[]){ANSWERS, ABSENT, ANSWERS}, "02", HOUR, 0);
    start(a);
    pass(HOUR + LATER);
    assert_int_equal(client.connects, 2);
    assert_int_equal(open_sockets(), 2);
    settle_places();
    assert_int_equal(a->ends, 1);
    assert_int_equal(open_sockets(), 1);
    assert_int_equal(client.n_idle, 1);
    assert_int_equal(places[0].requests + places[2].requests, 1);
    dial_down("both stand");
}

/* The call is cancelled with one connection under way, and with two. */
static void test_cancel(void **state)
{
    if (!has_ipv6())
        skip();
    for (unsigned sockets = 1; sockets <= 2; sockets++) {
        ask *a = dial_up((manner[]){SILENT, ABSENT, SILENT}, "02", HOUR, 0);
        start(a);
        if (sockets == 2)
            pass(HOUR + LATER);
        assert_int_equal(open_sockets(), sockets);
        a->cancelled = true;
        kd_call_cancel(&a->call);
        assert_int_equal(open_sockets(), 0);
        assert_int_equal(worker->loop.timers.armed, 0);
        dial_down("cancelled");
    }
}

static void test_share(void **state)
{
    static const struct {
        kd_ns left;
        unsigned n;
        kd_ns share;
    } shares[] = {
        {10 * KD_SECOND, 1, 10 * KD_SECOND}, {10 * KD_SECOND, 2, 5 * KD_SECOND}, {10 * KD_SECOND, 10, 2 * KD_SECOND},
        {3 * KD_SECOND, 2, 2 * KD_SECOND},   {KD_SECOND, 2, KD_SECOND},          {KD_SECOND, 1, KD_SECOND},
    };
    for (size_t i = 0; i < KD_COUNT(shares); i++)
        assert_int_equal(shares[i].share, kd_dial_share(shares[i].left, shares[i].n));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_families), cmocka_unit_test(test_delay), cmocka_unit_test(test_both_stand),
        cmocka_unit_test(test_cancel),   cmocka_unit_test(test_share),
    };
    return cmocka_run_group_tests_name("dial", tests, NULL, NULL);
}
