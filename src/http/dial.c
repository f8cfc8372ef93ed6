#include "http/dial.h"

#include "http/establish.h"
#include "http/proxy.h"

#include <errno.h>

#define FALLBACK_DELAY (300 * KD_MS)   /* Go's */
#define SHARE_MIN      (2 * KD_SECOND) /* of the time for one address, as Go's */
#define TIMED_OUT      (-1)            /* in place of an errno: an address had its share of the time */
#define MAX_PLACE      56              /* see kd_address_write */

/* One family of addresses, which are tried in order. Not begun: `at` is before `end`, without a connection; over: `at`
 * is `end`, without one. */
typedef struct racer {
    struct kd_dial *dial;
    kd_upstream *up; /* under way */
    kd_timer timer;  /* the share of the present address, or the head start of the other family */
    int error;       /* of the first address that failed: an errno or TIMED_OUT */
    uint8_t at, end; /* the next address, and behind the last one */
} racer;

/* Lies in the call's arena until a connection stands or the call is over. */
typedef struct kd_dial {
    kd_call *call;
    const kd_address *addresses; /* those of the first one's family, then the others */
    kd_ns deadline;              /* 0: none */
    kd_dns_query query;
    bool resolving;
    racer racers[2];
} kd_dial;

static kd_loop *loop_of(const kd_call *call)
{
    return &call->client->worker->loop;
}

/* ---- words ------------------------------------------------------------------------------------------------------- */

kd_failure kd_dial_failure(int error)
{
    switch (error) {
    case ECONNREFUSED:
        return KD_FAIL_REFUSED;
    case ETIMEDOUT:
        return KD_FAIL_CONNECT_TIMEOUT;
    case ECONNRESET:
    case EPIPE:
        return KD_FAIL_RESET;
    case ENOMEM:
    case EMFILE:
    case ENFILE:
        return KD_FAIL_SHED;
    default:
        return KD_FAIL_UNREACHABLE;
    }
}

const char *kd_dial_words(int error)
{
    switch (error) {
    case ECONNREFUSED:
        return "connection refused";
    case ECONNRESET:
        return "connection reset by peer";
    case EPIPE:
        return "broken pipe";
    case ETIMEDOUT:
        return "connection timed out";
    case EHOSTUNREACH:
        return "no route to host";
    case ENETUNREACH:
        return "network is unreachable";
    case EADDRNOTAVAIL:
        return "cannot assign requested address";
    case EMFILE:
        return "too many open files";
    case ENOMEM:
        return "cannot allocate memory";
    case EACCES:
        return "permission denied";
    default:
        return "input/output error";
    }
}

/* The name that is resolved. */
static kd_str dialled(const kd_call *call)
{
    return call->target->proxy ? call->target->proxy->name : call->target->name;
}

static const char *via(const kd_call *call)
{
    return call->target->proxy ? "proxyconnect tcp: " : "";
}

/* Go tells the fate of the first address. */
static void fail_dial(kd_dial *d)
{
    kd_call *call = d->call;
    int error = d->racers[0].error ? d->racers[0].error : TIMED_OUT;
    char where[MAX_PLACE];
    int n = (int)kd_address_write(where, &d->addresses[0]);
    if (error == TIMED_OUT)
        kd_call_fail(call, KD_FAIL_CONNECT_TIMEOUT,
                     kd_arena_printf(call->arena, "%sdial tcp %.*s: i/o timeout", via(call), n, where));
    else
        kd_call_fail(
            call, kd_dial_failure(error),
            kd_arena_printf(call->arena, "%sdial tcp %.*s: connect: %s", via(call), n, where, kd_dial_words(error)));
}

static void fail_lookup(kd_call *call, kd_failure failure, kd_str words)
{
    kd_call_fail(
        call, failure,
        kd_arena_printf(call->arena, "%sdial tcp: lookup %.*s: %.*s", via(call), KD_FMT(dialled(call)), KD_FMT(words)));
}

/* ---- connecting -------------------------------------------------------------------------------------------------- */

kd_ns kd_dial_share(kd_ns left, unsigned n)
{
    kd_ns share = left / n;
    if (share >= SHARE_MIN)
        return share;
    return left < SHARE_MIN ? left : SHARE_MIN;
}

static void stop_timer(kd_call *call, kd_timer *timer)
{
    if (kd_timer_armed(timer))
        kd_timer_disarm(&loop_of(call)->timers, timer);
}

static void let_go(racer *r)
{
    stop_timer(r->dial->call, &r->timer);
    if (r->up)
        kd_upstream_close(r->up);
    r->up = NULL;
}

static void go_on(racer *r);

static void on_share(kd_timer *timer)
{
    racer *r = KD_CONTAINER(timer, racer, timer);
    let_go(r);
    if (!r->error)
        r->error = TIMED_OUT;
    go_on(r);
}

static void on_delay(kd_timer *timer)
{
    go_on(KD_CONTAINER(timer, racer, timer));
}

/* The address that is tried leaves time for those after it. The last one has what the whole dial has. */
static void limit(racer *r)
{
    kd_dial *d = r->dial;
    kd_loop *loop = loop_of(d->call);
    if (!d->deadline || r->at == r->end || d->deadline <= loop->now)
        return;
    kd_timer_init(&r->timer, on_share);
    kd_timer_arm(&loop->timers, &r->timer,
                 loop->now + kd_dial_share(d->deadline - loop->now, (unsigned)(r->end - r->at) + 1));
}

/* False: no address is left. */
static bool try_next(racer *r)
{
    kd_call *call = r->dial->call;
    kd_pool *pool = kd_client_pool(call->client, call->target);
    while (r->at < r->end) {
        const kd_address *address = &r->dial->addresses[r->at++];
        int error = ENOMEM;
        r->up = pool ? kd_upstream_open(call->client, pool, address, &error) : NULL;
        if (r->up) {
            r->up->call = call;
            r->up->carried++;
            limit(r);
            return true;
        }
        if (!r->error)
            r->error = error;
    }
    return false;
}

/* Begins with a family, or goes on after an address of it failed. The call may be over afterwards. */
static void go_on(racer *r)
{
    kd_dial *d = r->dial;
    racer *second = &d->racers[1];
    if (try_next(r))
        return;
    if (r != second && second->at < second->end && !second->up) {
        stop_timer(d->call, &second->timer);
        if (try_next(second))
            return;
    }
    if (!d->racers[0].up && !second->up)
        fail_dial(d);
}

/* Connects: `first` addresses, and beside them, when these take long, the others up to n. */
static void race(kd_dial *d, unsigned first, unsigned n)
{
    kd_loop *loop = loop_of(d->call);
    kd_ns delay = d->call->client->settings.dial_fallback_delay;
    d->racers[0] = (racer){.dial = d, .end = (uint8_t)first};
    d->racers[1] = (racer){.dial = d, .at = (uint8_t)first, .end = (uint8_t)n};
    if (first < n) {
        kd_timer_init(&d->racers[1].timer, on_delay);
        kd_timer_arm(&loop->timers, &d->racers[1].timer, loop->now + (delay ? delay : FALLBACK_DELAY));
    }
    go_on(&d->racers[0]);
}

/* ---- resolving --------------------------------------------------------------------------------------------------- */

enum which { FIRST_FAMILY, OTHERS, ALL };

/* Copies addresses, with their port, in the resolver's order. */
static unsigned pick(kd_address *to, const kd_addresses *from, enum which which, uint16_t port)
{
    unsigned n = 0;
    for (unsigned i = 0; i < from->n; i++) {
        bool other = from->v[i].any.sa_family != from->v[0].any.sa_family;
        if (which != ALL && other != (which == OTHERS))
            continue;
        to[n] = from->v[i];
        if (to[n].any.sa_family == AF_INET6)
            to[n++].v6.sin6_port = port;
        else
            to[n++].v4.sin_port = port;
    }
    return n;
}

static void resolved(kd_dial *d, const kd_addresses *answer)
{
    kd_call *call = d->call;
    if (answer->n == 0) {
        fail_lookup(call, KD_FAIL_RESOLVE, answer->error);
        return;
    }
    kd_address *v = kd_arena_alloc(call->arena, answer->n * sizeof *v);
    if (!v) {
        kd_call_fail(call, KD_FAIL_SHED, KD_STR("out of memory"));
        return;
    }
    d->addresses = v;
    uint16_t port = htons(call->target->proxy ? call->target->proxy->port : call->target->port);
    bool serial = call->client->settings.dial_fallback_delay < 0;
    unsigned first = pick(v, answer, serial ? ALL : FIRST_FAMILY, port);
    race(d, first, first + (serial ? 0 : pick(v + first, answer, OTHERS, port)));
}

static void on_answer(kd_dns_query *query, const kd_addresses *answer)
{
    kd_dial *d = KD_CONTAINER(query, kd_dial, query);
    d->resolving = false;
    resolved(d, answer);
}

/* ---- the dial ---------------------------------------------------------------------------------------------------- */

void kd_dial_end(kd_call *call)
{
    kd_dial *d = call->dial;
    if (!d)
        return;
    call->dial = NULL;
    if (d->resolving)
        kd_dns_cancel(&d->query);
    for (unsigned i = 0; i < KD_COUNT(d->racers); i++)
        if (d->racers[i].dial)
            let_go(&d->racers[i]);
}

static void on_timer(kd_timer *timer)
{
    kd_call *call = KD_CONTAINER(timer, kd_call, timer);
    if (!call->dial) {
        kd_failure failure;
        kd_str error;
        kd_establish_timeout(call->up, &failure, &error);
        kd_call_fail(call, failure, error);
    } else if (call->dial->resolving) {
        fail_lookup(call, KD_FAIL_CONNECT_TIMEOUT, KD_STR("i/o timeout"));
    } else {
        fail_dial(call->dial);
    }
}

void kd_dial_init(kd_call *call)
{
    kd_timer_init(&call->timer, on_timer);
}

void kd_dial_begin(kd_call *call)
{
    const kd_target *target = call->target;
    const kd_proxy *proxy = target->proxy;
    kd_dial *d = kd_arena_alloc(call->arena, sizeof *d);
    if (!d) {
        kd_call_fail(call, KD_FAIL_SHED, KD_STR("out of memory"));
        return;
    }
    *d = (kd_dial){.call = call, .query.on_answer = on_answer};
    call->dial = d;
    if (call->client->settings.dial_timeout > 0) {
        d->deadline = loop_of(call)->now + call->client->settings.dial_timeout;
        kd_timer_arm(&loop_of(call)->timers, &call->timer, d->deadline);
    }
    if (proxy ? proxy->literal : target->literal) {
        d->addresses = proxy ? &proxy->address : &target->address;
        race(d, 1, 1);
        return;
    }
    kd_addresses answer;
    if (kd_dns_resolve(call->client->worker->dns, dialled(call), &answer, &d->query))
        resolved(d, &answer);
    else
        d->resolving = true;
}

bool kd_dial_connected(kd_upstream *up)
{
    kd_call *call = up->call;
    if (!(up->stream.io.ready & (KD_IO_WRITABLE | KD_IO_HUP)))
        return false;
    racer *r = &call->dial->racers[call->dial->racers[1].up == up];
    if (!kd_stream_connected(&up->stream)) {
        if (!r->error)
            r->error = up->stream.error;
        let_go(r);
        go_on(r);
        return false;
    }
    r->up = NULL;
    call->up = up;
    stop_timer(call, &call->timer);
    kd_dial_end(call);
    return true;
}
