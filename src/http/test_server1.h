/* A server whose requests are answered as their paths say:
 *   /say/<text>     the text        /status/<n>   that status, no body      /close    an empty answer that ends the
 * connection /stream/<n>     n bytes in pieces of ten, as far as the flow allows     /endless  without end /echo the
 * body, once it is whole (400 when it is broken)      /slow-echo  the same, pausing after each piece /duplex the body,
 * as it comes      /hasty  a large answer at the first piece of the body /later          nothing: the test answers, and
 * asks for the body /keep           nothing, and the owner does not let go when the client has gone
 *   /tunnel         the bytes that come, as a tunnel (400 when there is none to be had) */
#ifndef KD_HTTP_TEST_SERVER1_H
#define KD_HTTP_TEST_SERVER1_H

#include "http/server1.h"
#include "http/test_pair.h"

#define MAX_FARS 64

typedef struct owner {
    kd_front *front;
    kd_str path;
    kd_buf body;
    size_t streamed, to_stream;
    bool answered, told; /* told: done or gone */
    bool keeps;
    unsigned depth; /* callbacks that run: letting go waits for the outermost */
    struct owner *next, **link;
} owner;

static kd_server1 server;
static far fars[MAX_FARS];
static unsigned n_fars, served, dones, gones, releases, pauses;
static owner *owners; /* under way */

static void let_go(owner *o)
{
    if (o->depth)
        return;
    kd_front *front = o->front;
    *o->link = o->next;
    if (o->next)
        o->next->link = o->link;
    kd_buf_fini(&o->body);
    free(o);
    releases++;
    front->ops->release(front);
}

static void leave(owner *o)
{
    o->depth--;
    if (o->told && !o->keeps)
        let_go(o);
}

static kd_flow answer_with(owner *o, uint16_t status, kd_str body, bool end, bool closes)
{
    kd_reply reply = {.status = status, .length = -1, .close = closes};
    kd_headers_init(&reply.headers, o->front->arena);
    return o->front->ops->respond(o->front, &reply, body, end);
}

static void stream_on(owner *o)
{
    while (!o->told && !o->answered) {
        char piece[1000];
        size_t usual = o->to_stream > 1000 ? 1000 : 10;
        for (size_t i = 0; i < usual; i++)
            piece[i] = (char)('a' + (o->streamed + i) % 26);
        size_t n = o->to_stream - o->streamed < usual ? o->to_stream - o->streamed : usual;
        bool first = o->streamed == 0;
        o->streamed += n;
        o->answered = o->streamed == o->to_stream;
        /* The head never leaves with the end: this is a stream. */
        kd_flow flow = first ? answer_with(o, 200, kd_str_of(piece, n), false, false)
                             : o->front->ops->write(o->front, kd_str_of(piece, n), o->answered);
        if (flow == KD_FLOW_PAUSED) {
            pauses++;
            return;
        }
    }
}

static bool is(const owner *o, const char *path)
{
    return kd_str_eq(o->path, kd_str_from_c(path));
}

static void answer_echo(owner *o)
{
    o->answered = true;
    answer_with(o, 200, kd_buf_str(&o->body), true, false);
}

static void open_tunnel(owner *o)
{
    kd_front *front = o->front;
    kd_reply reply = {.status = 101, .length = -1};
    kd_headers_init(&reply.headers, front->arena);
    kd_headers_add_token(&reply.headers, KD_HEADER_CONNECTION, KD_STR("Upgrade"));
    kd_headers_add_token(&reply.headers, KD_HEADER_UPGRADE, KD_STR("echo"));
    if (front->ops->detach && front->ops->detach(front, &reply)) {
        front->ops->read_body(front);
        return;
    }
    o->answered = true;
    answer_with(o, 400, KD_STR(""), true, false);
}

static void choose(owner *o)
{
    kd_front *front = o->front;
    uint64_t n = 0;
    if (kd_str_starts(o->path, KD_STR("/say/"))) {
        o->answered = true;
        answer_with(o, 200, kd_str_from(o->path, 5), true, false);
    } else if (kd_str_starts(o->path, KD_STR("/status/"))) {
        assert_true(kd_str_to_u64(kd_str_from(o->path, 8), 999, &n));
        o->answered = true;
        answer_with(o, (uint16_t)n, KD_STR(""), true, false);
    } else if (is(o, "/close")) {
        o->answered = true;
        answer_with(o, 200, KD_STR(""), true, true);
    } else if (kd_str_starts(o->path, KD_STR("/stream/"))) {
        assert_true(kd_str_to_u64(kd_str_from(o->path, 8), UINT64_MAX, &n));
        o->to_stream = (size_t)n;
        stream_on(o);
    } else if (is(o, "/endless")) {
        o->to_stream = SIZE_MAX;
        stream_on(o);
    } else if (is(o, "/duplex")) {
        answer_with(o, 200, KD_STR(""), false, false);
        front->ops->read_body(front);
    } else if (is(o, "/keep")) {
        o->keeps = true;
    } else if (is(o, "/tunnel")) {
        open_tunnel(o);
    } else if (!is(o, "/later")) {
        if (front->body_ended)
            answer_echo(o);
        else
            front->ops->read_body(front);
    }
}

static void on_request(void *context, kd_front *front)
{
    owner *o = calloc(1, sizeof *o);
    *o = (owner){.front = front, .path = front->head->path, .next = owners, .link = &owners};
    if (owners)
        owners->link = &o->next;
    owners = o;
    kd_buf_init(&o->body, 1u << 26);
    front->owner = o;
    served++;
    assert_ptr_equal(front->worker, worker);
    o->depth++;
    choose(o);
    leave(o);
}

static void take_body(owner *o, kd_str piece, bool end, bool failed)
{
    kd_front *front = o->front;
    assert_false(o->told);
    assert_true(piece.n || end || failed);
    if (failed) {
        assert_int_equal(piece.n, 0);
        if (!o->answered)
            answer_with(o, 400, KD_STR(""), true, false);
        o->answered = true;
        return;
    }
    if (is(o, "/duplex")) {
        o->answered = end;
        front->ops->write(front, piece, end);
        return;
    }
    if (is(o, "/tunnel")) {
        o->answered = end;
        if (front->ops->write(front, piece, end) == KD_FLOW_PAUSED) {
            pauses++;
            front->ops->pause_body(front);
        }
        return;
    }
    if (is(o, "/hasty")) {
        if (!o->answered) {
            static char much[4 * 1024 * 1024];
            memset(much, 'm', sizeof much);
            o->answered = true;
            answer_with(o, 200, kd_str_of(much, sizeof much), true, false);
        }
        return;
    }
    kd_buf_add(&o->body, piece);
    if (is(o, "/later"))
        return;
    if (end)
        answer_echo(o);
    else if (is(o, "/slow-echo"))
        front->ops->pause_body(front);
}

static void on_body(kd_front *front, kd_str piece, bool end, bool failed)
{
    owner *o = front->owner;
    o->depth++;
    take_body(o, piece, end, failed);
    leave(o);
}

static void on_writable(kd_front *front)
{
    owner *o = front->owner;
    assert_false(o->told);
    o->depth++;
    if (is(o, "/tunnel"))
        front->ops->read_body(front);
    else
        stream_on(o);
    leave(o);
}

static void on_gone(kd_front *front)
{
    owner *o = front->owner;
    assert_false(o->told);
    o->told = true;
    gones++;
    if (!o->keeps)
        let_go(o);
}

static void on_done(kd_front *front)
{
    owner *o = front->owner;
    assert_false(o->told);
    o->told = true;
    dones++;
    let_go(o);
}

static const kd_handler handler = {
    .on_request = on_request, .on_body = on_body, .on_writable = on_writable, .on_gone = on_gone, .on_done = on_done};

static void server_up(void)
{
    worker_up();
    n_fars = served = dones = gones = releases = pauses = 0;
    owners = NULL;
    kd_server1_init(&server, worker, &handler, NULL);
}

static far *connect_one(bool tcp)
{
    int fds[2];
    struct sockaddr_in peer = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (tcp)
        tcp_pair(fds, false);
    else
        local_pair(fds);
    assert_true(n_fars < MAX_FARS);
    far_open(&fars[n_fars], fds[1]);
    kd_server1_accept(&server, fds[0], (struct sockaddr *)&peer, sizeof peer);
    return &fars[n_fars++];
}

/* Turns the loop and reads the far ends until nothing happens any more. */
static void settle(void)
{
    for (unsigned quiet = 0; quiet < 4;) {
        kd_loop_turn(&worker->loop, 0);
        bool any = worker->loop.ready != NULL;
        for (unsigned i = 0; i < n_fars; i++)
            any |= far_read(&fars[i]);
        for (owner *o = owners; o; o = o->next)
            if (is(o, "/slow-echo") && !o->answered && !o->told) {
                any |= o->body.n != o->streamed;
                o->streamed = o->body.n;
                o->front->ops->read_body(o->front);
            }
        quiet = any ? 0 : quiet + 1;
    }
}

/* Says everything, in pieces, and lets the server work between them. */
static inline void say(far *f, const char *p, size_t n, size_t step)
{
    for (size_t at = 0, stuck = 0; at < n && !f->ended && stuck < 100;) {
        size_t put = far_write(f, p + at, n - at < step ? n - at : step);
        stuck = put ? 0 : stuck + 1;
        at += put;
        settle();
    }
}

static inline void say_text(far *f, const char *text)
{
    say(f, text, strlen(text), strlen(text));
}

/* The clients leave; then nothing may be left behind. */
static void server_down(const char *label)
{
    for (unsigned i = 0; i < n_fars; i++)
        far_close(&fars[i]);
    settle();
    kd_server1_fini(&server);
    for (owner *o = owners, *next; o; o = next) {
        next = o->next;
        if (!o->keeps)
            fail_msg("%s: a request was neither done nor gone", label);
        kd_buf_fini(&o->body);
        free(o);
    }
    for (unsigned i = 0; i < n_fars; i++)
        far_fini(&fars[i]);
    if (served != dones + gones)
        fail_msg("%s: %u requests, %u done, %u gone", label, served, dones, gones);
    assert_nothing_held(label);
    worker_down();
}

#endif
