#include "http/handshake.h"

#include "base/hash.h"
#include "base/ledger.h"
#include "base/log.h"
#include "net/bind.h"
#include "net/tls_server.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define RETRY      (20 * KD_MS)
#define LINGER_MAX 256u          /* connections that wait for their refusal to be read */
#define SWALLOW    (256u * 1024) /* of what a refused client still sends, in one go */
#define RECORD     5u            /* bytes of a record's head (RFC 8446 section 5.1) */

typedef enum state { HELLO, WAITING, ACTIVE, ENDING } state;

typedef struct kd_handshake {
    kd_stream stream;
    kd_timer timer;
    kd_handshakes *h;
    struct kd_handshake *next, **link;           /* of all */
    struct kd_handshake *before, *behind;        /* among those of its peer that wait */
    struct kd_handshake *next_work, **link_work; /* link NULL: not there */
    struct kd_handshake *older, *newer;
    struct kd_handshake_peer *peer;
    kd_ns since; /* when it began to wait, or got its place */
    kd_address address;
    uint8_t state;
} handshake;

/* A client address that has connections here. */
typedef struct kd_handshake_peer {
    struct kd_handshake_peer *next, **link; /* of its bucket */
    struct kd_handshake_peer *next_turn;
    handshake *waiting, *newest; /* in order of their coming */
    uint32_t n, n_active;        /* connections; those with a place */
    bool queued;                 /* among those that take turns */
    uint8_t key[16];
} peer;

static kd_loop *loop_of(const kd_handshakes *h)
{
    return &h->worker->loop;
}

/* ---- client addresses ----------------------------------------------------------------------------------------------
 */

/* An IPv6 client has a net of 64 bits to itself. */
static void key_of(const kd_address *address, uint8_t key[16])
{
    memset(key, 0, 16);
    if (address->any.sa_family == AF_INET)
        memcpy(key, &address->v4.sin_addr, 4);
    else if (address->any.sa_family == AF_INET6)
        memcpy(key + 8, &address->v6.sin6_addr, 8);
}

static peer *find_peer(kd_handshakes *h, const kd_address *address)
{
    uint8_t key[16];
    key_of(address, key);
    peer **bucket = &h->peers[kd_hash(kd_str_of((const char *)key, sizeof key)) % KD_HANDSHAKE_BUCKETS];
    for (peer *p = *bucket; p; p = p->next)
        if (memcmp(p->key, key, sizeof key) == 0)
            return p;
    peer *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    memcpy(p->key, key, sizeof key);
    p->next = *bucket;
    if (p->next)
        p->next->link = &p->next;
    p->link = bucket;
    *bucket = p;
    return p;
}

/* Lines up for a turn, unless it has nobody waiting or its share of places. */
static void queue_peer(kd_handshakes *h, peer *p)
{
    uint32_t most = h->settings->max_handshakes_per_peer;
    if (p->queued || !p->waiting || (most && p->n_active >= most))
        return;
    p->queued = true;
    p->next_turn = NULL;
    *h->turns_end = p;
    h->turns_end = &p->next_turn;
}

static void unqueue_peer(kd_handshakes *h, peer *p)
{
    if (!p->queued)
        return;
    peer **link = (peer **)&h->turns;
    while (*link != p)
        link = &(*link)->next_turn;
    *link = p->next_turn;
    if (!*link)
        h->turns_end = link;
    p->queued = false;
}

static void release_peer(kd_handshakes *h, peer *p)
{
    if (--p->n)
        return;
    unqueue_peer(h, p);
    *p->link = p->next;
    if (p->next)
        p->next->link = p->link;
    free(p);
}

/* ---- lists ---------------------------------------------------------------------------------------------------------
 */

static void leave_work(kd_handshakes *h, handshake *s)
{
    if (!s->link_work)
        return;
    *s->link_work = s->next_work;
    if (s->next_work)
        s->next_work->link_work = s->link_work;
    else
        h->work_end = s->link_work;
    s->link_work = NULL;
}

static void enter_work(kd_handshakes *h, handshake *s)
{
    if (s->link_work)
        return;
    s->next_work = NULL;
    s->link_work = h->work_end;
    *h->work_end = s;
    h->work_end = &s->next_work;
}

static void leave_age(kd_handshakes *h, handshake *s)
{
    *(s->older ? &s->older->newer : &h->oldest) = s->newer;
    *(s->newer ? &s->newer->older : &h->newest) = s->older;
    s->older = s->newer = NULL;
}

static void enter_age(kd_handshakes *h, handshake *s)
{
    s->since = loop_of(h)->now;
    s->newer = NULL;
    s->older = h->newest;
    *(s->older ? &s->older->newer : &h->oldest) = s;
    h->newest = s;
}

static void leave_waiting(kd_handshakes *h, handshake *s)
{
    peer *p = s->peer;
    *(s->before ? &s->before->behind : &p->waiting) = s->behind;
    *(s->behind ? &s->behind->before : &p->newest) = s->before;
    s->before = s->behind = NULL;
    h->n_waiting--;
    if (!p->waiting)
        unqueue_peer(h, p);
}

static void enter_waiting(kd_handshakes *h, handshake *s)
{
    peer *p = s->peer;
    s->state = WAITING;
    s->since = loop_of(h)->now;
    s->behind = NULL;
    s->before = p->newest;
    *(s->before ? &s->before->behind : &p->waiting) = s;
    p->newest = s;
    h->n_waiting++;
    queue_peer(h, p);
}

/* In order; but where there are more than can be served in time, those who have come last still can. */
static handshake *next_waiting(const kd_handshakes *h, const peer *p)
{
    return loop_of(h)->now - p->waiting->since >= KD_HANDSHAKE_PATIENCE ? p->newest : p->waiting;
}

static void leave_state(kd_handshakes *h, handshake *s)
{
    if (s->state == WAITING)
        leave_waiting(h, s);
    if (s->state == ENDING)
        h->n_ending--;
    if (s->state != ACTIVE)
        return;
    leave_work(h, s);
    leave_age(h, s);
    h->n_active--;
    s->peer->n_active--;
    queue_peer(h, s->peer);
}

/* ---- the end of a handshake ----------------------------------------------------------------------------------------
 */

/* Calls us again in the next turn: the event of one that has something to do, or waits, is as good as any. */
static void ask_again(kd_handshakes *h)
{
    handshake *s = h->work ? h->work : h->turns ? h->turns->waiting : NULL;
    if (s)
        kd_loop_requeue(loop_of(h), &s->stream.io);
}

static void destroy(handshake *s)
{
    kd_handshakes *h = s->h;
    bool asked = s->stream.io.queued; /* its event was to wake the others, maybe */
    leave_state(h, s);
    kd_stream_close(&s->stream); /* nothing where it was moved away */
    kd_timer_disarm(&loop_of(h)->timers, &s->timer);
    *s->link = s->next;
    if (s->next)
        s->next->link = s->link;
    release_peer(h, s->peer);
    h->n--;
    h->worker->n_connections--;
    free(s);
    kd_ledger_release(KD_ACCOUNT_CONNECTIONS, sizeof(handshake));
    if (asked)
        ask_again(h);
}

static void complain(const handshake *s, kd_str why)
{
    char from[56];
    size_t n = kd_address_write(from, &s->address);
    kd_log_std_some("http: TLS handshake error from %.*s: %.*s", (int)n, from, KD_FMT(why));
}

/* What Go's net package says of the socket. */
static void complain_of_socket(const handshake *s, const char *what)
{
    char from[56], to[56], text[192];
    kd_address own = {0};
    socklen_t size = sizeof own;
    size_t n = kd_address_write(from, &s->address), m = 0;
    if (getsockname(s->stream.io.fd, &own.any, &size) == 0 && own.any.sa_family != AF_UNIX)
        m = kd_address_write(to, &own);
    int length = snprintf(text, sizeof text, "read tcp %.*s->%.*s: %s", (int)m, to, (int)n, from, what);
    complain(s, kd_str_of(text, (size_t)length));
}

static void swallow(handshake *s)
{
    kd_worker *w = s->h->worker;
    size_t budget = SWALLOW;
    ssize_t n;
    while ((n = kd_stream_read(&s->stream, w->scratch, KD_READ_SIZE)) > 0 && (size_t)n < budget)
        budget -= (size_t)n;
    if (n != KD_STREAM_AGAIN)
        destroy(s);
}

/* The client is given a moment to read what was said. */
static void end(handshake *s)
{
    kd_handshakes *h = s->h;
    leave_state(h, s);
    s->state = ENDING;
    h->n_ending++;
    if (s->stream.filter)
        s->stream.filter->close(&s->stream); /* no TLS any more: its memory is given back now */
    if (h->n_ending > LINGER_MAX) {
        destroy(s);
        return;
    }
    shutdown(s->stream.io.fd, SHUT_WR);
    s->stream.io.ready |= KD_IO_READABLE;
    kd_timer_arm(&loop_of(h)->timers, &s->timer, loop_of(h)->now + KD_HANDSHAKE_LINGER);
    swallow(s);
}

static void fail(handshake *s, kd_str why)
{
    s->h->failed++;
    complain(s, why);
    destroy(s);
}

static void fail_by_socket(handshake *s, const char *what)
{
    s->h->failed++;
    complain_of_socket(s, what);
    destroy(s);
}

static void on_timer(kd_timer *timer)
{
    handshake *s = KD_CONTAINER(timer, handshake, timer);
    if (s->state == ENDING)
        destroy(s);
    else
        fail_by_socket(s, "i/o timeout");
}

/* ---- the handshake itself ------------------------------------------------------------------------------------------
 */

static void complete(handshake *s)
{
    kd_handshakes *h = s->h;
    h->completed++;
    h->resumed += kd_tls_server_resumed(&s->stream);
    h->on_done(h->context, &s->stream, &s->address);
    destroy(s);
}

static void step(handshake *s)
{
    kd_handshakes *h = s->h;
    leave_work(h, s);
    kd_tls_progress progress = kd_tls_server_handshake(&s->stream);
    if (progress == KD_TLS_READY) {
        complete(s);
    } else if (progress == KD_TLS_FAILED) {
        kd_str why = kd_tls_error(&s->stream);
        char text[128];
        if (!why.n) {
            char words[128];
            snprintf(text, sizeof text, "read: %s", kd_errno_text(s->stream.error, words));
            fail_by_socket(s, text);
            return;
        }
        h->failed++;
        complain(s, why);
        end(s);
    }
}

/* Gives the next one whose turn it is a place. False: nobody waits, or there is no place or memory for it. */
static bool start_next(kd_handshakes *h)
{
    uint32_t most = h->settings->max_handshakes;
    peer *p = h->turns;
    if (!p || (most && h->n_active >= most))
        return false;
    handshake *s = next_waiting(h, p);
    if (!kd_tls_server_start(&s->stream, h->settings->tls))
        return false;
    leave_waiting(h, s);
    unqueue_peer(h, p);
    s->state = ACTIVE;
    h->n_active++;
    p->n_active++;
    queue_peer(h, p); /* at the end */
    enter_age(h, s);
    enter_work(h, s);
    return true;
}

/* Somebody waits for a place: whoever has had one for long gives it up, unless it waits for us. */
static void crowd_out(kd_handshakes *h)
{
    const kd_server_settings *settings = h->settings;
    kd_ns now = loop_of(h)->now;
    uint32_t wanted = h->n_waiting;
    for (handshake *s = h->oldest, *next; s && wanted && now - s->since >= KD_HANDSHAKE_STALL; s = next) {
        const peer *p = s->peer;
        bool full = h->turns && settings->max_handshakes && h->n_active >= settings->max_handshakes;
        bool share =
            p->waiting && settings->max_handshakes_per_peer && p->n_active >= settings->max_handshakes_per_peer;
        next = s->newer;
        if (s->link_work || (!full && !share))
            continue;
        wanted--;
        h->crowded_out++;
        fail(s, KD_STR("not finished while others wait"));
    }
}

static void pump(kd_handshakes *h)
{
    if (h->turn != loop_of(h)->turns) {
        h->turn = loop_of(h)->turns;
        h->spent = 0;
    }
    while (h->turns && !h->settings->tls)
        destroy(h->turns->waiting); /* a reload has taken TLS away */
    kd_ns before = kd_clock_monotonic();
    while (h->spent < KD_HANDSHAKE_TURN && (h->work || start_next(h))) {
        step(h->work);
        kd_ns after = kd_clock_monotonic();
        h->spent += kd_elapsed(before, after);
        before = after;
    }
    if (h->work || (h->turns && h->spent >= KD_HANDSHAKE_TURN))
        ask_again(h);
    if (h->n_waiting && !kd_timer_armed(&h->retry))
        kd_timer_arm(&loop_of(h)->timers, &h->retry, loop_of(h)->now + RETRY);
}

static void on_retry(kd_timer *timer)
{
    kd_handshakes *h = KD_CONTAINER(timer, kd_handshakes, retry);
    crowd_out(h);
    pump(h);
}

/* ---- the first record ----------------------------------------------------------------------------------------------
 */

/* The first bytes of a request without TLS. Go knows the first five of these. */
static bool looks_like_http(const uint8_t head[RECORD])
{
    static const char begins[][RECORD + 1] = {"GET /", "HEAD ", "POST ", "PUT /", "OPTIO",
                                              "PATCH", "DELET", "TRACE", "CONNE"};
    for (size_t i = 0; i < KD_COUNT(begins); i++)
        if (memcmp(head, begins[i], RECORD) == 0)
            return true;
    return false;
}

static void answer_http(handshake *s)
{
    static const char answer[] = "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n";
    s->stream.io.ready |= KD_IO_WRITABLE; /* a fresh socket takes so few bytes */
    kd_stream_writev(&s->stream, &(struct iovec){(char *)answer, sizeof answer - 1}, 1);
    s->h->failed++;
    complain(s, KD_STR("client sent an HTTP request to an HTTPS server"));
    end(s);
}

/* Is the whole of the first record there? */
static void look(handshake *s)
{
    kd_handshakes *h = s->h;
    uint8_t head[RECORD];
    char text[128];
    int there = 0;
    bool ended = s->stream.io.ready & KD_IO_HUP;
    ssize_t n = recv(s->stream.io.fd, head, sizeof head, MSG_PEEK | MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n < 0) {
        char words[128];
        snprintf(text, sizeof text, "read: %s", kd_errno_text(errno, words));
        fail_by_socket(s, text);
        return;
    }
    uint32_t length = n == (ssize_t)sizeof head ? (uint32_t)head[3] << 8 | head[4] : 0;
    if (n == 0)
        fail(s, KD_STR("EOF"));
    else if (n < (ssize_t)sizeof head && ended)
        fail(s, KD_STR("unexpected EOF"));
    else if (n < (ssize_t)sizeof head)
        return;
    else if (looks_like_http(head))
        answer_http(s);
    else if (head[0] == 0x80)
        fail(s, KD_STR("tls: unsupported SSLv2 handshake received"));
    else if ((head[0] != 21 && head[0] != 22) || head[1] >= 0x10)
        fail(s, KD_STR("tls: first record does not look like a TLS handshake"));
    else if (length > KD_TLS_HELLO_MAX) {
        snprintf(text, sizeof text, "tls: oversized record received with length %u", length);
        fail(s, kd_str_from_c(text));
    } else if (ioctl(s->stream.io.fd, FIONREAD, &there) == 0 && (uint32_t)there < RECORD + length && ended)
        fail(s, KD_STR("unexpected EOF"));
    else if ((uint32_t)there >= RECORD + length)
        enter_waiting(h, s);
}

static void on_ready(kd_io *io)
{
    handshake *s = KD_CONTAINER(io, handshake, stream.io);
    kd_handshakes *h = s->h;
    switch ((state)s->state) {
    case HELLO:
        look(s);
        break;
    case WAITING:
        break;
    case ACTIVE:
        enter_work(h, s);
        break;
    case ENDING:
        swallow(s);
        break;
    }
    if (h->work || h->n_waiting)
        pump(h);
}

/* ---- the whole -----------------------------------------------------------------------------------------------------
 */

void kd_handshakes_init(kd_handshakes *h, kd_worker *worker, const kd_server_settings *settings,
                        void (*on_done)(void *context, kd_stream *stream, const kd_address *peer), void *context)
{
    *h = (kd_handshakes){.worker = worker, .settings = settings, .on_done = on_done, .context = context};
    h->work_end = &h->work;
    h->turns_end = &h->turns;
    kd_timer_init(&h->retry, on_retry);
}

void kd_handshakes_fini(kd_handshakes *h)
{
    while (h->all)
        destroy(h->all);
    kd_timer_disarm(&loop_of(h)->timers, &h->retry);
}

void kd_handshakes_accept(kd_handshakes *h, int fd, const kd_address *address)
{
    bool room = kd_ledger_reserve(KD_ACCOUNT_CONNECTIONS, sizeof(handshake));
    handshake *s = room ? calloc(1, sizeof *s) : NULL;
    peer *p = s ? find_peer(h, address) : NULL;
    if (p)
        p->n++;
    if (!p || !kd_stream_open(&s->stream, loop_of(h), fd, on_ready)) {
        if (p)
            release_peer(h, p);
        free(s);
        if (room)
            kd_ledger_release(KD_ACCOUNT_CONNECTIONS, sizeof *s);
        close(fd);
        return;
    }
    s->h = h;
    s->peer = p;
    s->address = *address;
    kd_timer_init(&s->timer, on_timer);
    kd_stream_bound(&s->stream, h->settings->socket_buffer);
    if (h->settings->handshake_timeout > 0)
        kd_timer_arm(&loop_of(h)->timers, &s->timer, loop_of(h)->now + h->settings->handshake_timeout);
    s->next = h->all;
    if (s->next)
        s->next->link = &s->next;
    s->link = &h->all;
    h->all = s;
    h->n++;
    h->worker->n_connections++;
}

void kd_handshakes_drain(kd_handshakes *h)
{
    for (handshake *s = h->all, *next; s; s = next) {
        next = s->next;
        char byte;
        if (s->state == HELLO && recv(s->stream.io.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) <= 0)
            destroy(s);
    }
}
