/* The HTTP/1 server: conversations byte for byte, whole and in single bytes. What goes wrong is in test_server1_ends.c.
 */
#include "http/test_server1.h"

/* Without their Date fields, whose values nobody knows. */
static void strip_dates(kd_buf *in)
{
    static const char date[] = "\r\nDate: ";
    size_t size = sizeof date - 1, kept = 0;
    for (size_t at = 0; at < in->n;) {
        if (in->n - at >= size + 29 && memcmp(in->p + at, date, size) == 0) {
            at += size + 29;
            continue;
        }
        in->p[kept++] = in->p[at++];
    }
    in->n = kept;
}

#define OK(n) "HTTP/1.1 200 OK\r\nContent-Length: " n "\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
#define OK_KEPT(n)                                                                                                     \
    "HTTP/1.1 200 OK\r\nContent-Length: " n                                                                            \
    "\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: keep-alive\r\n\r\n"
#define OK_CLOSE(n)                                                                                                    \
    "HTTP/1.1 200 OK\r\nContent-Length: " n "\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n"
#define CHUNKED "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nTransfer-Encoding: chunked\r\n\r\n"
#define REFUSED(status)                                                                                                \
    "HTTP/1.1 " status "\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n" status

typedef struct conversation {
    const char *label, *said, *heard;
    bool stays; /* the connection is open afterwards */
} conversation;

static const conversation conversations[] = {
    {"one", "GET /say/hello HTTP/1.1\r\nHost: a\r\n\r\n", OK("5") "hello", true},
    {"two", "GET /say/a HTTP/1.1\r\nHost: a\r\n\r\nGET /say/bc HTTP/1.1\r\nHost: a\r\n\r\n", OK("1") "a" OK("2") "bc",
     true},
    {"asked to close", "GET /say/hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", OK_CLOSE("5") "hello", false},
    {"what follows a close is not served",
     "GET /say/a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\nGET /say/b HTTP/1.1\r\nHost: a\r\n\r\n",
     OK_CLOSE("1") "a", false},
    {"the owner closes", "GET /close HTTP/1.1\r\nHost: a\r\n\r\n",
     "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", false},
    {"1.0", "GET /say/hello HTTP/1.0\r\n\r\n", OK_CLOSE("5") "hello", false},
    {"1.0 kept", "GET /say/a HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /say/b HTTP/1.0\r\n\r\n",
     OK_KEPT("1") "a" OK_CLOSE("1") "b", false},
    {"1.0 streamed", "GET /stream/20 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
     "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\nabcdefghijklmnopqrst",
     false},
    {"HEAD", "HEAD /say/hello HTTP/1.1\r\nHost: a\r\n\r\nGET /say/b HTTP/1.1\r\nHost: a\r\n\r\n", OK("5") OK("1") "b",
     true},
    {"HEAD streamed", "HEAD /stream/20 HTTP/1.1\r\nHost: a\r\n\r\nGET /say/b HTTP/1.1\r\nHost: a\r\n\r\n",
     "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n" OK("1") "b", true},
    {"no content", "GET /status/204 HTTP/1.1\r\nHost: a\r\n\r\nGET /status/304 HTTP/1.1\r\nHost: a\r\n\r\n",
     "HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 304 Not Modified\r\n\r\n", true},
    {"streamed", "GET /stream/30 HTTP/1.1\r\nHost: a\r\n\r\nGET /say/b HTTP/1.1\r\nHost: a\r\n\r\n",
     CHUNKED "a\r\nabcdefghij\r\na\r\nklmnopqrst\r\na\r\nuvwxyzabcd\r\n0\r\n\r\n" OK("1") "b", true},
    {"body", "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabcGET /say/b HTTP/1.1\r\nHost: a\r\n\r\n",
     OK("3") "abc" OK("1") "b", true},
    {"empty body", "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\nGET /say/b HTTP/1.1\r\nHost: a\r\n\r\n",
     "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" OK("1") "b", true},
    {"chunked body",
     "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nT: 1\r\n\r\n"
     "GET /say/b HTTP/1.1\r\nHost: a\r\n\r\n",
     OK("5") "abcde" OK("1") "b", true},
    {"a body that nobody wants",
     "POST /say/a HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabcPOST /say/b HTTP/1.1\r\nHost: a\r\n"
     "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\nGET /say/c HTTP/1.1\r\nHost: a\r\n\r\n",
     OK("1") "a" OK("1") "b" OK("1") "c", true},
    {"a body that nobody wants is broken",
     "POST /say/a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nx\r\nGET /say/c HTTP/1.1\r\nHost: a\r\n\r\n",
     OK("1") "a", false},
    {"a broken body", "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\nx\r\n",
     "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", false},
    {"100-continue",
     "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc"
     "GET /say/b HTTP/1.1\r\nHost: a\r\n\r\n",
     "HTTP/1.1 100 Continue\r\n\r\n" OK("3") "abc" OK("1") "b", true},
    {"100-continue without a body",
     "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 0\r\n\r\n"
     "GET /say/b HTTP/1.1\r\nHost: a\r\n\r\n",
     "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" OK("1") "b", true},
    {"100-continue that nobody asks for: the body may come or not, so nothing can follow",
     "POST /say/a HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n", OK_CLOSE("1") "a", false},
    {"no 100-continue for 1.0", "POST /echo HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc",
     OK_CLOSE("3") "abc", false},
    {"no host", "GET / HTTP/1.1\r\n\r\n", REFUSED("400 Bad Request: missing required Host header"), false},
    {"two hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", REFUSED("400 Bad Request"), false},
    {"bad host", "GET / HTTP/1.1\r\nHost: a b\r\n\r\n", REFUSED("400 Bad Request: malformed Host header"), false},
    {"space before the colon", "GET / HTTP/1.1\r\nHost: a\r\nA : b\r\n\r\n",
     REFUSED("400 Bad Request: invalid header name"), false},
    {"no request line", "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", REFUSED("400 Bad Request"), false},
    {"rubbish", "rubbish\r\n\r\n", REFUSED("400 Bad Request"), false},
    {"coding", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n",
     "HTTP/1.1 501 Not Implemented\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n"
     "Unsupported transfer encoding",
     false},
    {"version", "GET / HTTP/2.0\r\nHost: a\r\n\r\n",
     REFUSED("505 HTTP Version Not Supported: unsupported protocol version"), false},
    {"lengths that differ", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
     REFUSED("400 Bad Request"), false},
    {"rubbish behind a good one", "GET /say/a HTTP/1.1\r\nHost: a\r\n\r\nrubbish\r\n\r\nGET / HTTP/1.1\r\n\r\n",
     OK("1") "a" REFUSED("400 Bad Request"), false},
};

/* The whole text in pieces of `step`, with a turn between them. */
static void converse(const conversation *c, size_t step, bool tcp)
{
    server_up();
    far *f = connect_one(tcp);
    size_t n = strlen(c->said);
    for (size_t at = 0; at < n;) {
        size_t part = n - at < step ? n - at : step;
        at += far_write(f, c->said + at, part);
        settle();
        if (f->ended)
            break; /* refused before its end */
    }
    settle();
    strip_dates(&f->in);
    if (strcmp(far_text(f), c->heard) != 0)
        fail_msg("%s, in pieces of %zu: heard\n%s", c->label, step, far_text(f));
    if (f->ended == c->stays)
        fail_msg("%s, in pieces of %zu: the connection is %s", c->label, step, f->ended ? "closed" : "open");
    server_down(c->label);
}

static void test_conversations(void **state)
{
    for (size_t i = 0; i < KD_COUNT(conversations); i++) {
        converse(&conversations[i], 1, false);
        converse(&conversations[i], 3, false);
        converse(&conversations[i], 100000, false);
        converse(&conversations[i], 100000, true);
    }
}

/* Heads above the first buffer, up to the limit and beyond it. */
static void test_large_heads(void **state)
{
    static const struct {
        size_t head;
        bool fits;
    } cases[] = {{4000, true},  {4080, true},  {4081, true},   {4096, true},    {20000, true},  {65520, true},
                 {65600, true}, {99999, true}, {100000, true}, {100001, false}, {300000, false}};
    for (size_t i = 0; i < KD_COUNT(cases); i++)
        for (size_t step = 1000; step < 1000000; step *= 8) {
            server_up();
            server.settings.max_head = 100000;
            far *f = connect_one(false);
            static const char begin[] = "GET /say/a HTTP/1.1\r\nHost: a\r\nA: ", end[] = "\r\n\r\n";
            char *head = malloc(cases[i].head);
            memset(head, 'x', cases[i].head);
            memcpy(head, begin, sizeof begin - 1);
            memcpy(head + cases[i].head - 4, end, 4);
            say(f, head, cases[i].head, step);
            strip_dates(&f->in);
            const char *heard = cases[i].fits ? OK("1") "a" : REFUSED("431 Request Header Fields Too Large");
            if (strcmp(far_text(f), heard) != 0)
                fail_msg("a head of %zu in pieces of %zu: heard\n%s", cases[i].head, step, far_text(f));
            free(head);
            server_down("large heads");
        }
}

/* Ten thousand requests in one buffer are answered in order, and do not hold up another client. */
static void test_pipeline(void **state)
{
    const unsigned n = 10000;
    server_up();
    far *f = connect_one(false), *other = connect_one(false);
    kd_buf all;
    kd_buf_init(&all, 1u << 24);
    for (unsigned i = 0; i < n; i++)
        kd_buf_printf(&all, "GET /say/%u HTTP/1.1\r\nHost: a\r\n\r\n", i);
    static const char other_request[] = "GET /say/other HTTP/1.1\r\nHost: a\r\n\r\n";
    unsigned served_before = 0;
    for (size_t at = 0; at < all.n;) {
        at += far_write(f, all.p + at, all.n - at);
        if (!served_before && served) {
            served_before = served;
            far_write(other, other_request, sizeof other_request - 1);
        }
        kd_loop_turn(&worker->loop, 0);
        far_read(other);
        if (served_before && !other->in.n)
            assert_true(served < served_before + 300); /* two turns' worth */
        far_read(f);
        assert_true(worker->chunks.in_use < 512 * 1024);
    }
    settle();
    assert_true(other->in.n > 0);
    const char *at = far_text(f);
    for (unsigned i = 0; i < n; i++) {
        char body[16];
        snprintf(body, sizeof body, "\r\n\r\n%u", i);
        at = strstr(at, "\r\n\r\n");
        assert_non_null(at);
        size_t length = strlen(body);
        assert_memory_equal(at, body, length);
        at += length;
        assert_true(i + 1 == n ? *at == 0 : strncmp(at, "HTTP/1.1 200 OK\r\n", 17) == 0);
    }
    kd_buf_fini(&all);
    server_down("pipeline");
}

static char byte_at(size_t i)
{
    return (char)('a' + (i * 2654435761u >> 11) % 26);
}

/* A body far larger than every buffer; the owner pauses after each piece in the second round. */
static void test_large_bodies(void **state)
{
    const size_t size = 3 * 1024 * 1024 + 17;
    for (int chunked = 0; chunked < 2; chunked++)
        for (int pausing = 0; pausing < 2; pausing++) {
            server_up();
            far *f = connect_one(false);
            kd_buf said;
            kd_buf_init(&said, 1u << 24);
            kd_buf_printf(&said, "POST /%s HTTP/1.1\r\nHost: a\r\n", pausing ? "slow-echo" : "echo");
            if (chunked)
                kd_buf_add(&said, KD_STR("Transfer-Encoding: chunked\r\n\r\n"));
            else
                kd_buf_printf(&said, "Content-Length: %zu\r\n\r\n", size);
            for (size_t at = 0; at < size;) {
                size_t part = chunked ? 1 + at % 100000 : size;
                if (part > size - at)
                    part = size - at;
                if (chunked)
                    kd_buf_printf(&said, "%zx\r\n", part);
                for (size_t i = 0; i < part; i++)
                    kd_buf_byte(&said, byte_at(at + i));
                at += part;
                if (chunked)
                    kd_buf_add(&said, KD_STR("\r\n"));
            }
            if (chunked)
                kd_buf_add(&said, KD_STR("0\r\n\r\n"));
            kd_buf_add(&said, KD_STR("GET /say/end HTTP/1.1\r\nHost: a\r\n\r\n"));
            say(f, said.p, said.n, said.n);
            kd_str text = kd_buf_str(&f->in);
            ptrdiff_t body = kd_str_search(text, KD_STR("\r\n\r\n"));
            assert_true(body > 0);
            assert_true(text.n > (size_t)body + 4 + size);
            for (size_t i = 0; i < size; i++)
                if (text.p[(size_t)body + 4 + i] != byte_at(i))
                    fail_msg("byte %zu differs", i);
            assert_true(kd_str_ends(text, KD_STR("\r\n\r\nend")));
            kd_buf_fini(&said);
            server_down("large bodies");
        }
}

/* Answer and body at the same time: what comes in goes out as it comes, in both codings. */
static void test_full_duplex(void **state)
{
    server_up();
    far *f = connect_one(false);
    static const char head[] = "POST /duplex HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    say(f, head, sizeof head - 1, 10);
    assert_non_null(strstr(far_text(f), "Transfer-Encoding: chunked\r\n\r\n"));
    for (int i = 0; i < 50; i++) {
        size_t before = f->in.n;
        say_text(f, "3\r\nabc\r\n");
        assert_string_equal(far_text(f) + before, "3\r\nabc\r\n");
    }
    say_text(f, "0\r\n\r\n");
    say_text(f, "GET /say/b HTTP/1.1\r\nHost: a\r\n\r\n");
    strip_dates(&f->in);
    assert_non_null(strstr(far_text(f), "abc\r\n0\r\n\r\n" OK("1") "b"));
    server_down("full duplex");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_conversations), cmocka_unit_test(test_large_heads), cmocka_unit_test(test_pipeline),
        cmocka_unit_test(test_large_bodies),  cmocka_unit_test(test_full_duplex),
    };
    return cmocka_run_group_tests_name("server1", tests, NULL, NULL);
}
