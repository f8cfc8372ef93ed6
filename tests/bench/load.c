/* The bench's load generator and its backend, in one thread, so that one core carries everything that is not the proxy.
 *
 *   load -p PORT -b PORT [-c CONNECTIONS] [-d SECONDS] [-w SECONDS] [-s BYTES | -f FILE | -R FILE] [-u TARGET] [-P PID]
 *        [-H FIELD]
 *
 *   -p  the proxy; 0: backend only         -b  port of the backend; 0: no backend
 *   -c  keep-alive clients, each with one request at a time    -d, -w  measured and warm-up time
 *   -s  length of the backend's body       -f  the backend's body is this file
 *   -R  one document a line, at least 1000: the backend answers with one after the other
 *   -P  process whose CPU time is measured  -u  request target
 *   -H  one more field of the requests, as "Name: value"; an Authorization field takes the place of the usual one
 *   -1  every client makes one request and stays; "ready" is printed when all have, then it waits for the end of stdin
 *
 * Prints one line of JSON: requests per second, latencies in us, CPU per request of the process and of this program. */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { CONNECTING_AT_ONCE = 64, EVENTS = 256, HEAD_MAX = 8192, BUCKETS = 2048 };
enum role { ROLE_LISTENER, ROLE_BACKEND, ROLE_CLIENT, ROLE_STDIN };
enum framing { FRAMING_HEAD, FRAMING_LENGTH, FRAMING_CHUNKED };

struct answer {
    char *bytes;
    size_t size;
};

struct conn {
    int fd;
    enum role role;
    /* backend: what is left to send; head bytes of a request seen so far */
    const char *left;
    size_t left_size;
    unsigned terminator; /* how many bytes of CRLFCRLF the input ends with */
    /* client: the answer being read */
    enum framing framing;
    size_t body_left, head_size;
    char tail[5]; /* the last bytes of a chunked body */
    char *head;
    uint64_t sent_at;
};

static struct {
    int proxy_port, backend_port, clients, pid;
    double seconds, warm_up;
    size_t body_size;
    const char *body_file, *rotate_file, *target, *field;
    bool hold;
} options = {
    .clients = 64, .seconds = 3, .warm_up = 1, .body_size = 300, .target = "/api/v1/users/42?expand=orders&limit=10"};

static int epoll_fd;
static struct answer *answers;
static size_t answer_count, answer_next;
static char *request;
static size_t request_size;
static char scratch[1 << 18];
static uint64_t histogram[BUCKETS], answered, errors;
static int opened, held;
static bool measuring, stopped;

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* ---- latencies: 32 steps for each power of two ---- */

static unsigned bucket_of(uint64_t ns)
{
    if (ns < 64)
        return (unsigned)ns;
    unsigned exponent = 63u - (unsigned)__builtin_clzll(ns);
    unsigned bucket = (exponent - 4) * 32 + (unsigned)((ns >> (exponent - 5)) & 31);
    return bucket < BUCKETS ? bucket : BUCKETS - 1;
}

static double bucket_us(unsigned bucket)
{
    if (bucket < 64)
        return bucket / 1000.0;
    unsigned exponent = bucket / 32 + 4;
    return (double)((32ull + bucket % 32) << (exponent - 5)) / 1000.0;
}

static double percentile(double share)
{
    uint64_t total = 0, seen = 0;
    for (unsigned i = 0; i < BUCKETS; i++)
        total += histogram[i];
    for (unsigned i = 0; i < BUCKETS; i++) {
        seen += histogram[i];
        if (total > 0 && (double)seen >= (double)total * share)
            return bucket_us(i);
    }
    return 0;
}

/* ---- CPU of the measured process ---- */

struct usage {
    double run;          /* seconds on a CPU, all threads, from the scheduler: exact */
    double user, system; /* the same by clock ticks: only their proportion is used */
    long rss_kb;
};

static size_t read_small(const char *path, char *into, size_t size)
{
    int fd = open(path, O_RDONLY);
    ssize_t n = fd < 0 ? -1 : read(fd, into, size - 1);
    if (fd >= 0)
        close(fd);
    into[n > 0 ? n : 0] = 0;
    return n > 0 ? (size_t)n : 0;
}

static struct usage usage_of(int pid)
{
    struct usage u = {0};
    char path[300], text[2048];
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    if (pid <= 0 || read_small(path, text, sizeof text) == 0)
        return u;
    unsigned long user, system;
    long pages;
    const char *after = strrchr(text, ')');
    if (after &&
        sscanf(after + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu %*d %*d %*d %*d %*d %*d %*u %*u %ld",
               &user, &system, &pages) == 3) {
        u.user = (double)user / (double)sysconf(_SC_CLK_TCK);
        u.system = (double)system / (double)sysconf(_SC_CLK_TCK);
        u.rss_kb = pages * (sysconf(_SC_PAGESIZE) / 1024);
    }
    snprintf(path, sizeof path, "/proc/%d/task", pid);
    DIR *tasks = opendir(path);
    for (struct dirent *e; tasks && (e = readdir(tasks));) {
        snprintf(path, sizeof path, "/proc/%d/task/%.20s/schedstat", pid, e->d_name);
        if (e->d_name[0] != '.' && read_small(path, text, sizeof text) > 0)
            u.run += (double)strtoull(text, NULL, 10) / 1e9;
    }
    if (tasks)
        closedir(tasks);
    return u;
}

static double own_seconds(void)
{
    struct rusage r;
    getrusage(RUSAGE_SELF, &r);
    return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) + (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1e6;
}

/* Seconds that a core has been idle since the machine started. */
static double core_idle(int core)
{
    static char text[1 << 16];
    char name[16];
    snprintf(name, sizeof name, "cpu%d ", core);
    read_small("/proc/stat", text, sizeof text);
    const char *line = strstr(text, name);
    unsigned long idle = 0, wait = 0;
    if (line)
        sscanf(line + strlen(name), "%*u %*u %*u %lu %lu", &idle, &wait);
    return (double)(idle + wait) / (double)sysconf(_SC_CLK_TCK);
}

/* ---- sockets ---- */

static void set_nodelay(int fd)
{
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

static struct sockaddr_in loopback(int port)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static struct conn *conn_add(int fd, enum role role, uint32_t events)
{
    struct conn *c = calloc(1, sizeof *c);
    if (!c)
        fail("memory");
    c->fd = fd;
    c->role = role;
    struct epoll_event e = {.events = events, .data.ptr = c};
    if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &e) != 0)
        fail("epoll_ctl");
    return c;
}

static void conn_close(struct conn *c)
{
    close(c->fd);
    free(c->head);
    free(c);
}

/* ---- the backend ---- */

static void answer_send(struct conn *c)
{
    while (c->left_size > 0) {
        ssize_t n = send(c->fd, c->left, c->left_size, MSG_NOSIGNAL);
        if (n <= 0)
            return; /* writable again, or closed: an event will say which */
        c->left += n;
        c->left_size -= (size_t)n;
    }
}

static void backend_event(struct conn *c, uint32_t events)
{
    if ((events & EPOLLOUT) && c->left_size > 0)
        answer_send(c);
    if (!(events & (EPOLLIN | EPOLLHUP | EPOLLERR | EPOLLRDHUP)))
        return;
    ssize_t n = read(c->fd, scratch, sizeof scratch);
    if (n < 0 && errno == EAGAIN)
        return;
    if (n <= 0) {
        conn_close(c);
        return;
    }
    /* requests have no body and are never pipelined by a proxy: an empty line is the end of one */
    if (n >= 4)
        c->terminator = 0;
    for (ssize_t i = n > 4 ? n - 4 : 0; i < n; i++) {
        bool wanted = scratch[i] == (c->terminator % 2 == 0 ? '\r' : '\n');
        c->terminator = wanted ? c->terminator + 1 : scratch[i] == '\r';
    }
    if (c->terminator < 4)
        return;
    c->terminator = 0;
    c->left = answers[answer_next].bytes;
    c->left_size = answers[answer_next].size;
    answer_next = answer_next + 1 < answer_count ? answer_next + 1 : 0;
    answer_send(c);
}

static void backend_listen(int port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), on = 1;
    struct sockaddr_in at = loopback(port);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof at) != 0 || listen(fd, 4096) != 0)
        fail("backend");
    conn_add(fd, ROLE_LISTENER, EPOLLIN);
}

static void backend_accept(struct conn *listener)
{
    for (int fd; (fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK)) >= 0;) {
        set_nodelay(fd);
        conn_add(fd, ROLE_BACKEND, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
    }
}

/* ---- the clients ---- */

static void request_send(struct conn *c)
{
    c->framing = FRAMING_HEAD;
    c->head_size = 0;
    c->sent_at = now_ns();
    if (send(c->fd, request, request_size, MSG_NOSIGNAL) != (ssize_t)request_size)
        errors++;
}

static void client_open(void)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in at = loopback(options.proxy_port);
    if (fd < 0 || connect(fd, (struct sockaddr *)&at, sizeof at) != 0)
        fail("connect");
    set_nodelay(fd);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    opened++;
    request_send(conn_add(fd, ROLE_CLIENT, EPOLLIN | EPOLLRDHUP | EPOLLET));
}

static void client_answered(struct conn *c)
{
    uint64_t took = now_ns() - c->sent_at;
    if (measuring) {
        answered++;
        histogram[bucket_of(took)]++;
    }
    c->framing = FRAMING_HEAD;
    c->head_size = 0;
    if (options.hold) {
        held++;
        if (opened < options.clients)
            client_open();
    } else if (!stopped) {
        request_send(c);
    }
}

/* Take the head from the bytes; return how many belonged to it, 0 while it is not whole. */
static size_t head_take(struct conn *c, const char *bytes, size_t size)
{
    size_t before = c->head_size, room = HEAD_MAX - 1 - before, taken = size < room ? size : room;
    if (!c->head && !(c->head = malloc(HEAD_MAX)))
        fail("memory");
    memcpy(c->head + before, bytes, taken);
    c->head_size += taken;
    c->head[c->head_size] = 0;
    char *end = strstr(c->head, "\r\n\r\n");
    if (!end)
        return 0;
    size_t head = (size_t)(end - c->head) + 4;
    end[2] = 0;
    if (strncmp(c->head, "HTTP/1.1 200", 12) != 0)
        errors++;
    const char *length = strcasestr(c->head, "\r\ncontent-length:");
    bool chunked = !length && strcasestr(c->head, "\r\ntransfer-encoding:");
    c->framing = chunked ? FRAMING_CHUNKED : FRAMING_LENGTH;
    c->body_left = length ? strtoul(length + 17, NULL, 10) : 0;
    memset(c->tail, 0, sizeof c->tail);
    return head - before;
}

static void chunked_take(struct conn *c, const char *bytes, size_t size)
{
    size_t keep = size < sizeof c->tail ? size : sizeof c->tail;
    memmove(c->tail, c->tail + keep, sizeof c->tail - keep);
    memcpy(c->tail + sizeof c->tail - keep, bytes + size - keep, keep);
    if (memcmp(c->tail, "0\r\n\r\n", 5) == 0)
        client_answered(c);
}

static void client_bytes(struct conn *c, const char *bytes, size_t size)
{
    if (c->framing == FRAMING_HEAD) {
        size_t head = head_take(c, bytes, size);
        if (head == 0)
            return;
        bytes += head;
        size -= head;
    }
    if (c->framing == FRAMING_CHUNKED) {
        if (size > 0)
            chunked_take(c, bytes, size);
        return;
    }
    if (size > c->body_left)
        errors++;
    c->body_left -= size < c->body_left ? size : c->body_left;
    if (c->body_left == 0)
        client_answered(c);
}

static void client_event(struct conn *c)
{
    for (;;) {
        ssize_t n = read(c->fd, scratch, sizeof scratch);
        if (n < 0 && errno == EAGAIN)
            return;
        if (n <= 0) {
            errors++;
            conn_close(c);
            if (!stopped)
                client_open();
            return;
        }
        client_bytes(c, scratch, (size_t)n);
        if ((size_t)n < sizeof scratch)
            return; /* a short read: drained, the next bytes bring an event */
    }
}

/* ---- bodies ---- */

static struct answer answer_of(const char *body, size_t size)
{
    static const char head[] =
        "HTTP/1.1 200 OK\r\nServer: backend/1.0\r\nDate: %s\r\n"
        "Content-Type: application/json; charset=utf-8\r\nContent-Length: %zu\r\n"
        "X-Request-Id: 6f1c1b1e-2222-4444-8888-0123456789ab\r\nCache-Control: public, max-age=60\r\n\r\n";
    struct answer a = {malloc(sizeof head + 64 + size), 0};
    if (!a.bytes)
        fail("memory");
    char date[40]; /* of today: a cache keeps the answer */
    time_t now = time(NULL);
    strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", gmtime(&now));
    a.size = (size_t)sprintf(a.bytes, head, date, size);
    memcpy(a.bytes + a.size, body, size);
    a.size += size;
    return a;
}

static void answer_add(const char *body, size_t size)
{
    if ((answer_count & (answer_count - 1)) == 0) {
        size_t room = answer_count ? 2 * answer_count : 1;
        if (!(answers = realloc(answers, room * sizeof *answers)))
            fail("memory");
    }
    answers[answer_count++] = answer_of(body, size);
}

static char *file_read(const char *path, size_t *size)
{
    int fd = open(path, O_RDONLY);
    struct stat s;
    if (fd < 0 || fstat(fd, &s) != 0)
        fail(path);
    char *text = malloc((size_t)s.st_size + 1);
    if (!text)
        fail("memory");
    for (*size = 0; *size < (size_t)s.st_size;) {
        ssize_t n = read(fd, text + *size, (size_t)s.st_size - *size);
        if (n <= 0)
            fail(path);
        *size += (size_t)n;
    }
    close(fd);
    return text;
}

static void answers_prepare(void)
{
    size_t size = options.body_size;
    char *text;
    if (options.rotate_file) {
        text = file_read(options.rotate_file, &size);
        for (char *line = text, *end; line < text + size && (end = memchr(line, '\n', (size_t)(text + size - line)));
             line = end + 1)
            answer_add(line, (size_t)(end - line));
        if (answer_count < 1000) {
            fprintf(stderr, "%s: %zu documents, at least 1000 are wanted\n", options.rotate_file, answer_count);
            exit(1);
        }
    } else if (options.body_file) {
        text = file_read(options.body_file, &size);
        answer_add(text, size);
    } else {
        text = malloc(size + 32);
        if (!text)
            fail("memory");
        size_t n = (size_t)sprintf(text, "{\"id\":42,\"data\":\"");
        while (n + 2 < size)
            text[n] = (char)('a' + n % 26), n++;
        memcpy(text + n, "\"}", 2);
        answer_add(text, n + 2);
    }
    free(text);
}

static void request_prepare(void)
{
    bool authorized = options.field && strncasecmp(options.field, "Authorization:", 14) == 0;
    static const char head[] =
        "GET %s HTTP/1.1\r\nHost: gateway.example.com\r\n"
        "User-Agent: Mozilla/5.0 (X11; Linux x86_64) bench/1.0\r\nAccept: application/json, text/plain, */*\r\n"
        "Accept-Language: en-US,en;q=0.9\r\n%s%s%s"
        "X-Correlation-Id: 7d9c0a4e-0000-4000-8000-0123456789ab\r\n\r\n";
    const char *token = authorized ? "" : "Authorization: Bearer 0123456789abcdef0123456789abcdef\r\n";
    const char *line = options.field ? options.field : "", *end = options.field ? "\r\n" : "";
    if (!(request = malloc(sizeof head + strlen(options.target) + strlen(token) + strlen(line) + strlen(end))))
        fail("memory");
    request_size = (size_t)sprintf(request, head, options.target, token, line, end);
}

/* ---- the run ---- */

static void turn(int wait_ms)
{
    struct epoll_event events[EVENTS];
    int n = epoll_wait(epoll_fd, events, EVENTS, wait_ms);
    for (int i = 0; i < n; i++) {
        struct conn *c = events[i].data.ptr;
        if (c->role == ROLE_LISTENER)
            backend_accept(c);
        else if (c->role == ROLE_BACKEND)
            backend_event(c, events[i].events);
        else if (c->role == ROLE_CLIENT)
            client_event(c);
        else if (read(c->fd, scratch, sizeof scratch) <= 0)
            exit(errors > 0);
    }
}

static void clients_start(void)
{
    while (opened < options.clients && opened < CONNECTING_AT_ONCE)
        client_open();
    while (!options.hold && opened < options.clients) {
        client_open();
        turn(0);
    }
}

static void measure(void)
{
    uint64_t began = now_ns(), from = began + (uint64_t)(options.warm_up * 1e9);
    while (now_ns() < from)
        turn(10);
    struct usage before = usage_of(options.pid);
    double own = own_seconds(), idle[2] = {core_idle(0), core_idle(1)};
    measuring = true;
    from = now_ns();
    uint64_t until = from + (uint64_t)(options.seconds * 1e9);
    while (now_ns() < until)
        turn(10);
    stopped = true;
    double took = (double)(now_ns() - from) / 1e9;
    struct usage after = usage_of(options.pid);
    own = own_seconds() - own;
    double user = after.user - before.user, ticks = user + after.system - before.system, run = after.run - before.run;
    double each = answered > 0 ? 1e6 / (double)answered : 0, user_share = ticks > 0 ? user / ticks : 0;
    printf("{\"rps\":%.0f,\"n\":%llu,\"err\":%llu,\"cpu_us\":%.2f,\"user_us\":%.2f,\"sys_us\":%.2f,\"proxy_util\":%.2f,"
           "\"lb_us\":%.2f,\"lb_util\":%.2f,\"idle0\":%.2f,\"idle1\":%.2f,\"p50\":%.0f,\"p90\":%.0f,\"p99\":%.0f,"
           "\"p999\":%.0f,"
           "\"rss_kb\":%ld}\n",
           (double)answered / took, (unsigned long long)answered, (unsigned long long)errors, run * each,
           run * each * user_share, run * each * (1 - user_share), run / took, own * each, own / took,
           (core_idle(0) - idle[0]) / took, (core_idle(1) - idle[1]) / took, percentile(.5), percentile(.9),
           percentile(.99), percentile(.999), after.rss_kb);
}

static void options_read(int argc, char **argv)
{
    for (int o; (o = getopt(argc, argv, "p:b:c:d:w:s:f:R:u:P:H:1")) > 0;) {
        switch (o) {
        case 'p':
            options.proxy_port = atoi(optarg);
            break;
        case 'b':
            options.backend_port = atoi(optarg);
            break;
        case 'c':
            options.clients = atoi(optarg);
            break;
        case 'd':
            options.seconds = atof(optarg);
            break;
        case 'w':
            options.warm_up = atof(optarg);
            break;
        case 's':
            options.body_size = (size_t)atol(optarg);
            break;
        case 'f':
            options.body_file = optarg;
            break;
        case 'R':
            options.rotate_file = optarg;
            break;
        case 'u':
            options.target = optarg;
            break;
        case 'P':
            options.pid = atoi(optarg);
            break;
        case 'H':
            options.field = optarg;
            break;
        case '1':
            options.hold = true;
            break;
        default:
            fprintf(stderr, "the head of load.c lists the options\n");
            exit(2);
        }
    }
}

int main(int argc, char **argv)
{
    options_read(argc, argv);
    signal(SIGPIPE, SIG_IGN);
    epoll_fd = epoll_create1(0);
    answers_prepare();
    request_prepare();
    if (options.backend_port > 0)
        backend_listen(options.backend_port);
    if (options.proxy_port > 0)
        clients_start();
    if (options.proxy_port > 0 && !options.hold) {
        measure();
        return 0;
    }
    conn_add(STDIN_FILENO, ROLE_STDIN, EPOLLIN);
    for (bool said = false;; turn(100)) {
        if (said || held < options.clients || options.proxy_port == 0)
            continue;
        printf("ready bad=%llu\n", (unsigned long long)errors);
        fflush(stdout);
        said = true;
    }
}
