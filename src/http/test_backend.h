/* A backend of tests: listens on loopback and answers from a script, between the turns of the loop that is tested. */
#ifndef KD_HTTP_TEST_BACKEND_H
#define KD_HTTP_TEST_BACKEND_H

#include "http/chunked.h"
#include "http/test_pair.h"

#include <netinet/tcp.h>

#define MAX_TALKS 64

typedef enum talk_end { STAYS, CLOSES, RESETS } talk_end;

/* What a backend says to one request. */
typedef struct scripted {
    const char *bytes; /* NULL: nothing, ever */
    size_t n;          /* 0: up to the NUL */
    size_t first;      /* so many at first, the rest later; 0: everything at once */
    size_t step;       /* and then in pieces of this; 0: everything at once */
    talk_end end;
    bool early; /* answers as soon as the head is there, and reads no more */
} scripted;

/* One connection that a backend has accepted. */
typedef struct talk {
    far far;
    size_t begun;         /* where in far.in the present request begins */
    const scripted *says; /* under way */
    size_t said;
    unsigned answered;
    bool finished; /* no more is said or read */
} talk;

typedef struct backend {
    int listener;
    uint16_t port;
    const scripted *script; /* the last one is repeated */
    size_t n_script, at;
    talk talks[MAX_TALKS];
    unsigned n_talks, requests;
    size_t patience; /* a backend that does not read its requests any further: bytes of one that it takes; 0: all */
} backend;

static void backend_up(backend *b, const scripted *script, size_t n)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof at;
    *b = (backend){.script = script, .n_script = n};
    b->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_int_equal(bind(b->listener, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(b->listener, 128), 0);
    getsockname(b->listener, (struct sockaddr *)&at, &size);
    b->port = ntohs(at.sin_port);
}

static void backend_down(backend *b)
{
    for (unsigned i = 0; i < b->n_talks; i++)
        far_fini(&b->talks[i].far);
    if (b->listener >= 0)
        close(b->listener);
    b->listener = -1;
}

/* From now on nobody listens there; connections that exist go on. */
static inline void backend_stop_listening(backend *b)
{
    close(b->listener);
    b->listener = -1;
}

/* The present request's bytes, as far as they have come. */
static inline kd_str talk_request(const talk *t)
{
    return kd_str_from(kd_buf_str(&t->far.in), t->begun);
}

/* The length of the whole request, 0 while it is not complete. */
static size_t request_size(kd_str in, bool early)
{
    ptrdiff_t end = kd_str_search(in, KD_STR("\r\n\r\n"));
    if (end < 0)
        return 0;
    size_t head = (size_t)end + 4;
    kd_str fields = kd_str_head(in, head), body = kd_str_from(in, head);
    ptrdiff_t length = kd_str_search(fields, KD_STR("\r\nContent-Length: "));
    if (early)
        return in.n;
    if (kd_str_search(fields, KD_STR("\r\nTransfer-Encoding: chunked\r\n")) >= 0) {
        kd_chunked decoder;
        kd_chunked_init(&decoder, false);
        size_t at = 0;
        for (;;) {
            size_t used;
            kd_str data;
            kd_chunked_result result = kd_chunked_decode(&decoder, body.p + at, body.n - at, &used, &data);
            at += used;
            assert_int_not_equal(result, KD_CHUNKED_ERROR);
            if (result == KD_CHUNKED_END)
                return head + at;
            if (result == KD_CHUNKED_MORE)
                return 0;
        }
    }
    uint64_t n = 0;
    if (length >= 0) {
        kd_str digits = kd_str_from(fields, (size_t)length + 18);
        digits.n = (size_t)kd_str_search(digits, KD_STR("\r\n"));
        assert_true(kd_str_to_u64(digits, UINT64_MAX, &n));
    }
    return body.n >= n ? head + (size_t)n : 0;
}

static void talk_end_now(talk *t, talk_end end)
{
    t->finished = true;
    if (end == RESETS)
        setsockopt(t->far.fd, SOL_SOCKET, SO_LINGER, &(struct linger){.l_onoff = 1}, sizeof(struct linger));
    far_close(&t->far);
}

static bool talk_on(backend *b, talk *t)
{
    if (t->finished || t->far.fd < 0)
        return false;
    bool any = false;
    t->far.deaf = b->patience && t->far.in.n - t->begun >= b->patience;
    if (!t->says || !t->says->early)
        any = far_read(&t->far);
    if (!t->says) {
        const scripted *next = &b->script[b->at < b->n_script ? b->at : b->n_script - 1];
        size_t size = request_size(talk_request(t), next->early);
        if (size == 0) {
            if (t->far.ended)
                talk_end_now(t, CLOSES);
            return any;
        }
        b->at++;
        b->requests++;
        t->says = next;
        t->said = 0;
        t->begun += size;
        any = true;
    }
    if (!t->says->bytes && t->says->end == STAYS)
        return any;
    size_t n = t->says->n || !t->says->bytes ? t->says->n : strlen(t->says->bytes), left = n - t->said, part = left;
    if (t->said < t->says->first)
        part = t->says->first - t->said;
    else if (t->says->step && t->says->step < left)
        part = t->says->step;
    size_t put = part ? far_write(&t->far, t->says->bytes + t->said, part < left ? part : left) : 0;
    t->said += put;
    if (t->said == n) {
        t->answered++;
        talk_end end = t->says->end;
        t->says = NULL;
        if (end != STAYS)
            talk_end_now(t, end);
        return true;
    }
    return any || put > 0;
}

/* Does what can be done without waiting. True when something happened. */
static bool backend_pump(backend *b)
{
    bool any = false;
    int fd;
    while (b->listener >= 0 && (fd = accept4(b->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0) {
        assert_true(b->n_talks < MAX_TALKS);
        talk *t = &b->talks[b->n_talks++];
        *t = (talk){0};
        far_open(&t->far, fd);
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int)); /* a close drops what still waits */
        any = true;
    }
    for (unsigned i = 0; i < b->n_talks; i++)
        any |= talk_on(b, &b->talks[i]);
    return any;
}

#endif
