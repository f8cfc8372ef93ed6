/* The frames of an HTTP/2 backend: three calls wait for their answers while the input comes, whole or in two pieces,
 * behind good settings. Each call must end in exactly one way, and nothing of it may be left. */
#include "http/session2.h"
#include "net/worker.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define CALLS 3
#define CLAIM(condition)                                                                                               \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                                            \
            abort();                                                                                                   \
        }                                                                                                              \
    } while (0)

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static kd_workers workers;
static kd_worker *worker;
static kd_client client;
static int listener;
static const kd_target *target;

typedef struct asked {
    kd_call call;
    kd_arena arena;
    unsigned heads, ends, fails;
    size_t bytes;
} asked;

static void on_head(kd_call *call)
{
    asked *a = call->owner;
    CLAIM(a->heads++ == 0 && a->ends + a->fails == 0);
    CLAIM(call->head.status >= 200 || call->head.status < 100);
    for (uint32_t i = 0; i < call->head.headers.n; i++) {
        kd_str value = kd_header_value(&call->head.headers.v[i]);
        CLAIM(kd_header_name(&call->head.headers.v[i]).n > 0);
        for (size_t k = 0; k < value.n; k++)
            CLAIM(value.p[k] != '\r' && value.p[k] != '\n' && value.p[k] != 0);
    }
}

static void on_data(kd_call *call, kd_str piece, bool end)
{
    asked *a = call->owner;
    CLAIM(a->heads == 1 && a->ends + a->fails == 0);
    a->bytes += piece.n;
    a->ends += end;
    if (end)
        memset((char *)piece.p + piece.n, 0, 64); /* as an owner may */
}

static void on_fail(kd_call *call)
{
    asked *a = call->owner;
    CLAIM(a->ends + a->fails == 0 && call->error.n > 0 && call->failure != KD_FAIL_NONE);
    a->fails++;
}

static void on_writable(kd_call *call)
{
    kd_call_write(call, KD_STR("some body"), true);
}

static const kd_call_events events = {on_head, on_data, on_fail, on_writable};

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof at;
    listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    CLAIM(bind(listener, (struct sockaddr *)&at, sizeof at) == 0 && listen(listener, 64) == 0);
    getsockname(listener, (struct sockaddr *)&at, &size);
    CLAIM(kd_workers_create(&workers, 1));
    worker = workers.v[0];
    kd_client_init(&client, worker);
    char host[32];
    int n = snprintf(host, sizeof host, "127.0.0.1:%u", ntohs(at.sin_port));
    target = kd_target_get(KD_STR("http"), kd_str_of(host, (size_t)n));
    return 0;
}

static void begin(asked *a, unsigned i)
{
    static const char get[] = "GET /x HTTP/1.1\r\nHost: h\r\nAccept-Encoding: gzip\r\n\r\n";
    static const char post[] = "POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
    *a = (asked){.heads = 0};
    kd_arena_init(&a->arena, &worker->chunks, 0);
    a->call = (kd_call){.events = &events,
                        .owner = a,
                        .arena = &a->arena,
                        .target = target,
                        .method = i ? KD_METHOD_GET : KD_METHOD_POST,
                        .request_head = i ? kd_str_of(get, sizeof get - 1) : kd_str_of(post, sizeof post - 1),
                        .body = i ? KD_CALL_NO_BODY : KD_CALL_STREAM_CHUNKED,
                        .http2 = KD_HTTP2_PRIOR};
    kd_call_start(&client, &a->call);
}

static void turn(int fd)
{
    char sink[65536];
    for (int i = 0; i < 4; i++) {
        kd_loop_turn(&worker->loop, 0);
        while (fd >= 0 && read(fd, sink, sizeof sink) > 0)
            ;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static const char settings[] = "\0\0\0\4\0\0\0\0\0";
    asked calls[CALLS];
    int fd = -1;
    for (unsigned i = 0; i < CALLS; i++)
        begin(&calls[i], i);
    for (int tries = 0; fd < 0 && tries < 1000; tries++) {
        kd_loop_turn(&worker->loop, 0);
        fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    }
    CLAIM(fd >= 0);
    size_t cut = n ? data[n - 1] % n : 0;
    ssize_t put = write(fd, settings, sizeof settings - 1);
    turn(fd);
    put = write(fd, data, cut);
    turn(fd);
    put = write(fd, data + cut, n - cut);
    (void)put;
    turn(fd);
    shutdown(fd, SHUT_WR);
    turn(fd);
    for (unsigned i = 0; i < CALLS; i++) {
        kd_call_cancel(&calls[i].call);
        CLAIM(calls[i].ends + calls[i].fails <= 1);
        kd_arena_reset(&calls[i].arena);
    }
    close(fd);
    turn(-1);
    kd_client_fini(&client); /* and whatever a repeated call has opened */
    kd_client_init(&client, worker);
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0)
        close(fd);
    CLAIM(worker->chunks.in_use == 0);
    return 0;
}
