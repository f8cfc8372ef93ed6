/* Whole connections of HTTP/2 against the server: whatever frames come, in whatever pieces, nothing breaks, owners are
 * called in the order that a front promises, and nothing is left when the client has gone. The first byte chooses how
 * the bytes are cut and what the owners do; a preface stands in front unless it says otherwise. */
#include "http/server1.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CLAIM(condition)                                                                                               \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                                            \
            abort();                                                                                                   \
        }                                                                                                              \
    } while (0)

enum { RAW = 1, STEPS = 2, LATE = 4, PAUSE = 8, ABORT = 16, STREAM = 32, UPGRADE = 64 };

typedef struct owner {
    kd_front *front;
    struct owner *next, **link;
    bool answered, told, ended;
    unsigned written;
} owner;

static kd_workers workers;
static kd_worker *worker;
static kd_server1 server;
static owner *owners;
static uint8_t mode;

static void let_go(owner *o)
{
    kd_front *front = o->front;
    o->told = true;
    *o->link = o->next;
    if (o->next)
        o->next->link = o->link;
    free(o);
    front->ops->release(front);
}

static void go_on(owner *o)
{
    static char piece[20000];
    while (!o->answered && !o->told) {
        o->written++;
        o->answered = o->written == 8;
        if (o->front->ops->write(o->front, kd_str_of(piece, sizeof piece), o->answered) == KD_FLOW_PAUSED)
            return;
    }
}

static void answer(owner *o)
{
    if (o->answered || o->written)
        return;
    kd_reply reply = {.status = 200, .length = -1};
    kd_headers_init(&reply.headers, o->front->arena);
    kd_headers_add(&reply.headers, KD_STR("X-Some"), KD_STR("field"));
    bool stream = mode & STREAM;
    o->answered = !stream;
    o->written = 1;
    kd_flow flow = o->front->ops->respond(o->front, &reply, KD_STR("the beginning"), !stream);
    if (mode & ABORT)
        o->front->ops->abort(o->front);
    else if (stream && flow == KD_FLOW_ON)
        go_on(o);
}

static void check_head(const kd_request_head *head)
{
    for (uint32_t i = 0; i < head->headers.n; i++) {
        const kd_header *h = &head->headers.v[i];
        CLAIM(h->name_n && h->name[0] != ':');
        for (uint32_t k = 0; k < h->value_n; k++)
            CLAIM(h->value[k] != '\r' && h->value[k] != '\n' && h->value[k] != 0);
    }
    CLAIM(head->method_text.n && head->target.n);
    CLAIM(memchr(head->target.p, ' ', head->target.n) == NULL);
}

static void on_request(void *context, kd_front *front)
{
    owner *o = calloc(1, sizeof *o);
    CLAIM(o != NULL);
    *o = (owner){.front = front, .next = owners, .link = &owners};
    if (owners)
        owners->link = &o->next;
    owners = o;
    front->owner = o;
    check_head(front->head);
    if (!front->body_ended)
        front->ops->read_body(front);
    if (!(mode & LATE) || front->body_ended)
        answer(o);
}

static void on_body(kd_front *front, kd_str piece, bool end, bool failed)
{
    owner *o = front->owner;
    CLAIM(!o->told && !o->ended && (piece.n || end || failed));
    o->ended = end || failed;
    if (mode & PAUSE)
        front->ops->pause_body(front);
    if (end)
        answer(o);
}

static void on_writable(kd_front *front)
{
    owner *o = front->owner;
    CLAIM(!o->told && !o->answered);
    go_on(o);
}

static void on_end(kd_front *front)
{
    owner *o = front->owner;
    CLAIM(!o->told);
    let_go(o);
}

static const kd_handler handler = {
    .on_request = on_request, .on_body = on_body, .on_writable = on_writable, .on_gone = on_end, .on_done = on_end};

static void turn(int fd)
{
    static char sink[65536];
    for (unsigned quiet = 0; quiet < 3;) {
        kd_loop_turn(&worker->loop, 0);
        bool any = worker->loop.ready != NULL;
        while (fd >= 0 && recv(fd, sink, sizeof sink, MSG_DONTWAIT) > 0)
            any = true;
        if (mode & PAUSE)
            for (owner *o = owners; o; o = o->next)
                o->front->ops->read_body(o->front);
        quiet = any ? 0 : quiet + 1;
    }
}

static void send_all(int fd, const char *p, size_t n, size_t step)
{
    for (size_t at = 0; at < n;) {
        ssize_t put = send(fd, p + at, n - at < step ? n - at : step, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (put < 0 && errno != EAGAIN)
            return;
        at += put > 0 ? (size_t)put : 0;
        turn(fd);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char up[] = "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
                             "HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n\r\n";
    static const char greeting[] = KD_H2_PREFACE "\0\0\0\4\0\0\0\0\0";
    if (!size)
        return 0;
    if (!worker) {
        signal(SIGPIPE, SIG_IGN);
        CLAIM(kd_workers_create(&workers, 1));
        worker = workers.v[0];
        worker->chunks.max_small = worker->chunks.max_large = 0;
    }
    mode = data[0];
    kd_server1_init(&server, worker, &handler, NULL);
    server.settings.h2c = true;
    server.settings.max_head = 16384 + KD_HEAD_SLACK;
    int fds[2];
    struct sockaddr_in peer = {.sin_family = AF_INET};
    CLAIM(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) == 0);
    kd_server1_accept(&server, fds[0], (struct sockaddr *)&peer, sizeof peer);
    if (mode & UPGRADE)
        send_all(fds[1], up, sizeof up - 1, sizeof up);
    if (!(mode & RAW))
        send_all(fds[1], greeting, sizeof greeting - 1, sizeof greeting);
    send_all(fds[1], (const char *)data + 1, size - 1, mode & STEPS ? 7 : size);
    turn(fds[1]);
    close(fds[1]);
    turn(-1);
    kd_server1_fini(&server);
    CLAIM(owners == NULL);
    CLAIM(worker->chunks.in_use == 0 && worker->n_connections == 0 && worker->loop.timers.armed == 0);
    return 0;
}
