#include "cli/http_get.h"

#include "base/buf.h"
#include "text/go/url.h"

#include <errno.h>
#include <netdb.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define WAIT_SECONDS  10
#define REDIRECTS_MAX 10
#define HEAD_MAX      (64u * 1024)

typedef struct visit {
    kd_arena *arena;
    kd_str text; /* the whole URL */
    kd_url url;
    kd_str host, port; /* of url */
    bool tls;
    int fd;
    SSL_CTX *context;
    SSL *ssl;
    kd_buf answer; /* head and body */
    kd_str *error;
} visit;

static bool fail(visit *v, const char *what)
{
    *v->error = kd_arena_printf(v->arena, "Get \"%.*s\": %s", KD_FMT(v->text), what);
    if (!v->error->p)
        *v->error = KD_STR("out of memory");
    return false;
}

/* What strerror says begins with a capital; Go's texts do not. */
static bool fail_dial(visit *v, const char *address, int error)
{
    char what[256];
    snprintf(what, sizeof(what), "dial tcp %s: connect: %s", address,
             error == EINPROGRESS || error == EAGAIN ? "i/o timeout" : strerror(error));
    char *reason = strstr(what, "connect: ");
    if (reason && reason[9] >= 'A' && reason[9] <= 'Z')
        reason[9] = (char)(reason[9] + 'a' - 'A');
    return fail(v, what);
}

/* ---- the connection */

static bool split_host(visit *v)
{
    kd_str host = v->url.host;
    ptrdiff_t colon = kd_str_rfind(host, ':');
    v->port = v->tls ? KD_STR("443") : KD_STR("80");
    if (colon >= 0 && (kd_str_find(host, ']') < colon)) {
        v->port = kd_arena_copy(v->arena, kd_str_from(host, (size_t)colon + 1));
        host = kd_str_head(host, (size_t)colon);
    }
    if (host.n > 1 && host.p[0] == '[')
        host = kd_str_of(host.p + 1, host.n - 2);
    v->host = kd_arena_copy(v->arena, host);
    return v->host.p && v->port.p;
}

/* Tries the addresses in turn; the last failure counts. */
static bool dial(visit *v)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list = NULL;
    if (getaddrinfo(v->host.p, v->port.p, &hints, &list) != 0) {
        kd_str what = kd_arena_printf(v->arena, "dial tcp: lookup %.*s: no such host", KD_FMT(v->host));
        return fail(v, what.p ? what.p : "out of memory");
    }
    struct timeval wait = {.tv_sec = WAIT_SECONDS};
    char address[160] = "";
    int error = 0;
    for (const struct addrinfo *a = list; a && v->fd < 0; a = a->ai_next) {
        char name[100] = "";
        getnameinfo(a->ai_addr, a->ai_addrlen, name, sizeof(name), NULL, 0, NI_NUMERICHOST);
        snprintf(address, sizeof(address), strchr(name, ':') ? "[%s]:%s" : "%s:%s", name, v->port.p);
        int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0) {
            error = errno;
            continue;
        }
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
        if (connect(fd, a->ai_addr, a->ai_addrlen) == 0) {
            v->fd = fd;
        } else {
            error = errno;
            close(fd);
        }
    }
    freeaddrinfo(list);
    return v->fd >= 0 || fail_dial(v, address, error);
}

static bool start_tls(visit *v)
{
    v->context = SSL_CTX_new(TLS_client_method());
    if (!v->context || !SSL_CTX_set_default_verify_paths(v->context) ||
        !SSL_CTX_set_min_proto_version(v->context, TLS1_2_VERSION))
        return fail(v, "tls: no context");
    SSL_CTX_set_verify(v->context, SSL_VERIFY_PEER, NULL);
    v->ssl = SSL_new(v->context);
    if (!v->ssl || !SSL_set_tlsext_host_name(v->ssl, v->host.p) || !SSL_set1_host(v->ssl, v->host.p) ||
        !SSL_set_fd(v->ssl, v->fd))
        return fail(v, "tls: no connection");
    if (SSL_connect(v->ssl) == 1)
        return true;
    long verified = SSL_get_verify_result(v->ssl);
    kd_str what = verified == X509_V_OK ? KD_STR("tls: handshake failed")
                                        : kd_arena_printf(v->arena, "tls: failed to verify certificate: %s",
                                                          X509_verify_cert_error_string(verified));
    return fail(v, what.p ? what.p : "out of memory");
}

/* HTTP/1.0: the answer ends with the connection, and is never chunked (RFC 9112 section 9.3). */
static bool ask(visit *v)
{
    kd_buf head;
    kd_str path = v->url.raw_path.n ? v->url.raw_path : KD_STR("/");
    kd_buf_init(&head, HEAD_MAX);
    kd_buf_printf(&head, "GET %.*s%s%.*s HTTP/1.0\r\nHost: %.*s\r\nUser-Agent: krakend/%s\r\nAccept: */*\r\n\r\n",
                  KD_FMT(path), v->url.has_query ? "?" : "", KD_FMT(v->url.query), KD_FMT(v->url.host), KD_VERSION);
    bool ok = !head.failed;
    for (size_t sent = 0; ok && sent < head.n;) {
        ssize_t n = v->ssl ? SSL_write(v->ssl, head.p + sent, (int)(head.n - sent))
                           : send(v->fd, head.p + sent, head.n - sent, MSG_NOSIGNAL);
        ok = n > 0;
        sent += ok ? (size_t)n : 0;
    }
    kd_buf_fini(&head);
    return ok || fail(v, "cannot send the request");
}

static bool receive(visit *v)
{
    for (;;) {
        char *room = kd_buf_room(&v->answer, 16384);
        if (!room)
            return fail(v, "the answer is too long");
        ssize_t n = v->ssl ? SSL_read(v->ssl, room, 16384) : recv(v->fd, room, 16384, 0);
        if (n < 0 && !v->ssl)
            return fail(v, errno == EAGAIN ? "context deadline exceeded (Client.Timeout exceeded while awaiting "
                                             "headers)"
                                           : "read: connection reset by peer");
        if (n <= 0)
            return v->answer.n > 0 || fail(v, "EOF");
        v->answer.n += (size_t)n;
    }
}

static void end(visit *v)
{
    SSL_free(v->ssl);
    SSL_CTX_free(v->context);
    if (v->fd >= 0)
        close(v->fd);
    v->ssl = NULL;
    v->context = NULL;
    v->fd = -1;
}

/* ---- the answer */

/* The value of a field of the head; empty when there is none. */
static kd_str field_of(kd_str head, kd_str name)
{
    kd_str line;
    while (kd_str_split(&head, '\n', &line)) {
        ptrdiff_t colon = kd_str_find(line, ':');
        if (colon > 0 && kd_str_eq_ci(kd_str_head(line, (size_t)colon), name))
            return kd_str_trim(kd_str_from(line, (size_t)colon + 1));
    }
    return KD_STR("");
}

/* 1: *text is the document; 0: v->text is where to go on; -1: an error. */
static int read_answer(visit *v, size_t max, kd_str *text)
{
    kd_str answer = kd_buf_str(&v->answer);
    ptrdiff_t split = kd_str_search(answer, KD_STR("\r\n\r\n"));
    int status = 0;
    if (split < 0 || sscanf(v->answer.p, "HTTP/1.%*1d %3d", &status) != 1) {
        fail(v, "malformed HTTP response");
        return -1;
    }
    kd_str head = kd_str_head(answer, (size_t)split), body = kd_str_from(answer, (size_t)split + 4), error = KD_STR("");
    kd_str location = field_of(head, KD_STR("Location"));
    bool moved = status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
    if (moved && location.n) {
        kd_str next = KD_STR("");
        if (!kd_go_url_resolve(v->arena, &v->url, location, &next, &error) || !next.p) {
            *v->error = error.n ? error : KD_STR("out of memory");
            return -1;
        }
        v->text = next;
        return 0;
    }
    if (status != 200) {
        *v->error = kd_arena_printf(v->arena, "%.*s returned status code %d", KD_FMT(v->text), status);
        return -1;
    }
    uint64_t length = 0;
    kd_str announced = field_of(head, KD_STR("Content-Length"));
    if (body.n > max || (announced.n && kd_str_to_u64(announced, UINT64_MAX, &length) && length != body.n)) {
        fail(v, body.n > max ? "the answer is too long" : "unexpected EOF");
        return -1;
    }
    *text = kd_arena_copy(v->arena, body);
    return text->p ? 1 : -1;
}

bool kd_cli_http_get(kd_arena *arena, kd_str url, size_t max, kd_str *text, kd_str *error)
{
    visit v = {.arena = arena, .text = url, .fd = -1, .error = error};
    int outcome = 0;
    *error = KD_STR("out of memory");
    for (int i = 0; i <= REDIRECTS_MAX && outcome == 0; i++) {
        outcome = -1;
        kd_buf_init(&v.answer, max + HEAD_MAX);
        if (kd_go_url_parse(arena, v.text, &v.url, error)) {
            v.tls = kd_str_eq(v.url.scheme, KD_STR("https"));
            if (!v.tls && !kd_str_eq(v.url.scheme, KD_STR("http")))
                fail(&v, "unsupported protocol scheme");
            else if (split_host(&v) && dial(&v) && (!v.tls || start_tls(&v)) && ask(&v) && receive(&v))
                outcome = read_answer(&v, max, text);
        }
        end(&v);
        kd_buf_fini(&v.answer);
    }
    if (outcome == 0)
        fail(&v, "stopped after 10 redirects");
    return outcome > 0;
}
