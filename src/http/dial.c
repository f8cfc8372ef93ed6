#include "http/dial.h"

#include "http/establish.h"
#include "http/proxy.h"

#include <errno.h>

static kd_loop *loop_of(kd_call *call)
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

static void fail_dial(kd_call *call, int error)
{
    char where[56];
    size_t n = call->n_addresses ? kd_address_write(where, &call->addresses[call->at_address]) : 0;
    kd_call_fail(
        call, kd_dial_failure(error),
        kd_arena_printf(call->arena, "%sdial tcp %.*s: connect: %s", via(call), (int)n, where, kd_dial_words(error)));
}

/* ---- connecting -------------------------------------------------------------------------------------------------- */

void kd_dial_end(kd_call *call)
{
    if (call->resolving)
        kd_dns_cancel(&call->query);
    call->resolving = false;
}

static void on_dial_timer(kd_timer *timer)
{
    kd_call *call = KD_CONTAINER(timer, kd_call, timer);
    kd_dial_end(call);
    if (call->up && call->up->begun) {
        kd_failure failure;
        kd_str error;
        kd_establish_timeout(call->up, &failure, &error);
        kd_call_fail(call, failure, error);
        return;
    }
    char where[56];
    size_t n = call->n_addresses ? kd_address_write(where, &call->addresses[call->at_address]) : 0;
    kd_call_fail(call, KD_FAIL_CONNECT_TIMEOUT,
                 kd_arena_printf(call->arena, "%sdial tcp%s%.*s: i/o timeout", via(call), n ? " " : "", (int)n, where));
}

static void connect_next(kd_call *call, int last_error)
{
    kd_pool *pool = kd_client_pool(call->client, call->target);
    int error = pool ? last_error : ENOMEM;
    while (pool && call->at_address < call->n_addresses) {
        kd_upstream *up = kd_upstream_open(call->client, pool, &call->addresses[call->at_address], &error);
        if (up) {
            call->up = up;
            up->call = call;
            up->carried++;
            return;
        }
        call->at_address++;
    }
    if (call->at_address)
        call->at_address--;
    fail_dial(call, error);
}

static void resolved(kd_call *call, const kd_addresses *answer)
{
    if (answer->n == 0) {
        kd_call_fail(call, KD_FAIL_RESOLVE,
                     kd_arena_printf(call->arena, "%sdial tcp: lookup %.*s: %.*s", via(call), KD_FMT(dialled(call)),
                                     KD_FMT(answer->error)));
        return;
    }
    kd_address *copy = kd_arena_alloc(call->arena, answer->n * sizeof *copy);
    if (!copy) {
        kd_call_fail(call, KD_FAIL_SHED, KD_STR("out of memory"));
        return;
    }
    memcpy(copy, answer->v, answer->n * sizeof *copy);
    uint16_t port = htons(call->target->proxy ? call->target->proxy->port : call->target->port);
    for (unsigned i = 0; i < answer->n; i++) {
        if (copy[i].any.sa_family == AF_INET6)
            copy[i].v6.sin6_port = port;
        else
            copy[i].v4.sin_port = port;
    }
    call->addresses = copy;
    call->n_addresses = (uint8_t)answer->n;
    call->at_address = 0;
    connect_next(call, EHOSTUNREACH);
}

static void on_answer(kd_dns_query *query, const kd_addresses *answer)
{
    kd_call *call = KD_CONTAINER(query, kd_call, query);
    call->resolving = false;
    resolved(call, answer);
}

void kd_dial_init(kd_call *call)
{
    kd_timer_init(&call->timer, on_dial_timer);
}

void kd_dial_begin(kd_call *call)
{
    if (call->client->settings.dial_timeout > 0)
        kd_timer_arm(&loop_of(call)->timers, &call->timer, loop_of(call)->now + call->client->settings.dial_timeout);
    const kd_target *target = call->target;
    const kd_proxy *proxy = target->proxy;
    if (proxy ? proxy->literal : target->literal) {
        call->addresses = proxy ? &proxy->address : &target->address;
        call->n_addresses = 1;
        call->at_address = 0;
        connect_next(call, 0);
        return;
    }
    call->query.on_answer = on_answer;
    kd_addresses answer;
    if (kd_dns_resolve(call->client->worker->dns, dialled(call), &answer, &call->query))
        resolved(call, &answer);
    else
        call->resolving = true;
}

bool kd_dial_connected(kd_upstream *up)
{
    kd_call *call = up->call;
    if (!(up->stream.io.ready & (KD_IO_WRITABLE | KD_IO_HUP)))
        return false;
    if (kd_stream_connected(&up->stream)) {
        if (kd_timer_armed(&call->timer))
            kd_timer_disarm(&loop_of(call)->timers, &call->timer);
        return true;
    }
    int error = up->stream.error;
    call->up = NULL;
    up->call = NULL;
    kd_upstream_close(up);
    if (++call->at_address < call->n_addresses) {
        connect_next(call, error);
    } else {
        call->at_address--;
        fail_dial(call, error);
    }
    return false;
}
