#include "gateway/access_log.h"

#include "gateway/exchange.h"
#include "gateway/worker.h"
#include "text/go/duration.h"
#include "text/go/quote.h"

#include <time.h>

typedef struct access_log {
    const kd_generation *generation;
    bool colour;
} access_log;

#define RESET "\x1b[0m"

static const char *status_colour(unsigned status)
{
    return status < 200   ? "\x1b[97;44m"
           : status < 300 ? "\x1b[97;42m"
           : status < 400 ? "\x1b[90;47m"
           : status < 500 ? "\x1b[90;43m"
                          : "\x1b[97;41m";
}

static const char *method_colour(kd_method method)
{
    switch (method) {
    case KD_METHOD_GET:
        return "\x1b[97;44m";
    case KD_METHOD_POST:
        return "\x1b[97;46m";
    case KD_METHOD_PUT:
        return "\x1b[90;43m";
    case KD_METHOD_DELETE:
        return "\x1b[97;41m";
    case KD_METHOD_PATCH:
        return "\x1b[97;42m";
    case KD_METHOD_HEAD:
        return "\x1b[97;45m";
    case KD_METHOD_OPTIONS:
        return "\x1b[90;47m";
    default:
        return RESET;
    }
}

static const char *latency_colour(kd_ns d)
{
    return d < 100 * KD_MS     ? "\x1b[97;42m"
           : d < 200 * KD_MS   ? "\x1b[97;44m"
           : d < 500 * KD_MS   ? "\x1b[97;46m"
           : d < KD_SECOND     ? "\x1b[97;45m"
           : d < 2 * KD_SECOND ? "\x1b[90;43m"
                               : "\x1b[97;41m";
}

/* "2006/01/02 - 15:04:05" in the local zone, rendered once a second for each thread. */
static kd_str stamp(void)
{
    static _Thread_local char text[32];
    static _Thread_local size_t n;
    static _Thread_local time_t second;
    time_t now = (time_t)(kd_clock_wall() / KD_SECOND);
    if (now != second || !n) {
        struct tm tm;
        localtime_r(&now, &tm);
        second = now;
        n = strftime(text, sizeof text, "%Y/%m/%d - %H:%M:%S", &tm);
    }
    return (kd_str){text, n};
}

static void pad(kd_buf *out, size_t width, size_t used)
{
    for (; used < width; used++)
        kd_buf_byte(out, ' ');
}

/* A column, right-aligned; width counts runes. */
static void put_right(kd_buf *out, size_t width, kd_str s)
{
    size_t runes = 0;
    for (size_t i = 0; i < s.n; i++)
        runes += ((uint8_t)s.p[i] & 0xc0) != 0x80;
    pad(out, width, runes);
    kd_buf_add(out, s);
}

static bool is_plain(kd_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        uint8_t c = (uint8_t)s.p[i];
        if (c < 0x20 || c >= 0x7f || c == '"' || c == '\\')
            return false;
    }
    return true;
}

static void put_target(kd_buf *out, const kd_exchange *x)
{
    const kd_request_head *head = x->front->head;
    if (is_plain(x->path) && is_plain(head->query)) {
        kd_buf_byte(out, '"');
        kd_buf_add(out, x->path);
        if (head->query.n) {
            kd_buf_byte(out, '?');
            kd_buf_add(out, head->query);
        }
        kd_buf_byte(out, '"');
        return;
    }
    kd_str whole = x->path;
    if (head->query.n)
        whole = kd_arena_printf(x->front->arena, "%.*s?%.*s", KD_FMT(x->path), KD_FMT(head->query));
    kd_go_quote(out, whole);
}

static void put_notes(kd_buf *out, const kd_exchange *x)
{
    unsigned i = 1;
    for (const kd_note *note = x->notes; note; note = note->next, i++)
        kd_buf_printf(out, "Error #%02u: %.*s\n", i, KD_FMT(note->text));
}

static void write_line(kd_exchange *x, const void *config)
{
    const access_log *log = config;
    if (!x->plan)
        return; /* redirects and what never reached the router */
    if (log->generation->skip_paths.count && kd_map_find(&log->generation->skip_paths, x->path))
        return;
    kd_buf *out = &x->worker->lines;
    bool colour = log->colour;
    kd_ns latency = kd_elapsed(x->front->began, kd_clock_monotonic());
    unsigned status = x->reply.status;
    char digits[3] = {(char)('0' + status / 100 % 10), (char)('0' + status / 10 % 10), (char)('0' + status % 10)};
    char duration[KD_GO_DURATION_MAX];
    size_t n = kd_go_duration_write(duration, kd_go_duration_gin(latency));
    kd_buf_add(out, KD_STR("[GIN] "));
    kd_buf_add(out, stamp());
    kd_buf_add(out, KD_STR(" |"));
    if (colour)
        kd_buf_add(out, kd_str_from_c(status_colour(status)));
    kd_buf_byte(out, ' ');
    kd_buf_add(out, (kd_str){digits, 3});
    kd_buf_add(out, colour ? KD_STR(" " RESET "|") : KD_STR(" |"));
    if (colour)
        kd_buf_add(out, kd_str_from_c(latency_colour(latency)));
    kd_buf_byte(out, ' ');
    put_right(out, 8, (kd_str){duration, n});
    kd_buf_add(out, colour ? KD_STR(" " RESET "| ") : KD_STR(" | "));
    put_right(out, 15, kd_exchange_client_ip(x));
    kd_buf_add(out, KD_STR(" |"));
    if (colour)
        kd_buf_add(out, kd_str_from_c(method_colour(x->front->head->method)));
    kd_buf_byte(out, ' ');
    kd_str method = x->front->head->method_text;
    kd_buf_add(out, method);
    pad(out, 7, method.n);
    kd_buf_add(out, colour ? KD_STR(" " RESET " ") : KD_STR("  "));
    put_target(out, x);
    kd_buf_byte(out, '\n');
    if (KD_UNLIKELY(x->notes != NULL))
        put_notes(out, x);
    if (out->failed) /* the turn's lines are full: what is there goes out, this one is dropped */
        out->failed = false;
}

bool kd_access_log_install(kd_generation *generation, bool colour)
{
    if (generation->options.disable_access_log)
        return true;
    access_log *log = KD_NEW(&generation->arena, access_log);
    if (!log || generation->n_end_hooks == KD_MAX_HOOKS)
        return false;
    log->generation = generation;
    log->colour = colour;
    const kd_str_list *skip = &generation->options.logger_skip_paths;
    kd_map_init(&generation->skip_paths, &generation->arena, skip->n);
    for (uint32_t i = 0; i < skip->n; i++)
        if (!kd_map_put(&generation->skip_paths, skip->v[i], log))
            return false;
    generation->end_hooks[generation->n_end_hooks++] = (kd_end_hook){write_line, log};
    return true;
}
