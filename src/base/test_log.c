#include "base/log.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/ledger.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <regex.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define ROOM 65536u

static void configure(kd_log_format format, kd_level level, bool silent, const char *prefix)
{
    kd_log_configure(
        &(kd_log_settings){.format = format, .level = level, .silent = silent, .prefix = kd_str_from_c(prefix)});
}

static void make_pipe(int fds[2])
{
    assert_int_equal(pipe(fds), 0);
}

/* Everything until the last writer is closed. */
static kd_buf drain(int fd)
{
    kd_buf all;
    kd_buf_init(&all, 64u << 20);
    for (;;) {
        char *to = kd_buf_room(&all, 65536);
        assert_non_null(to);
        ssize_t n = read(fd, to, 65536);
        assert_true(n >= 0);
        if (n == 0)
            return all;
        all.n += (size_t)n;
    }
}

static void assert_matches(kd_str text, const char *pattern)
{
    char *copy = strndup(text.p, text.n);
    regex_t regex;
    assert_int_equal(regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB), 0);
    bool found = regexec(&regex, copy, 0, NULL, 0) == 0;
    regfree(&regex);
    if (!found)
        fail_msg("\"%s\" does not match %s", copy, pattern);
    free(copy);
}

#define DATE "[0-9]{4}/[01][0-9]/[0-3][0-9]"
#define TIME "[0-2][0-9]:[0-5][0-9]:[0-6][0-9]"

static void lines_have_the_configured_format(void **state)
{
    static const struct {
        kd_log_format format;
        const char *prefix;
        kd_level level;
        const char *pattern;
    } cases[] = {
        {KD_FORMAT_BASIC, "ignored", KD_LOG_DEBUG, "^" DATE " " TIME " KRAKEND DEBUG: hello 7\n$"},
        {KD_FORMAT_BASIC, "", KD_LOG_FATAL, "^" DATE " " TIME " KRAKEND FATAL: hello 7\n$"},
        {KD_FORMAT_DEFAULT, "[KRAKEND]", KD_LOG_DEBUG,
         "^\\[KRAKEND\\] " DATE " - " TIME "\\.[0-9]{3} \x1b\\[36m\xe2\x96\xb6 DEBUG\x1b\\[0m hello 7\n$"},
        {KD_FORMAT_DEFAULT, "", KD_LOG_INFO, "^ " DATE " - " TIME "\\.[0-9]{3} \xe2\x96\xb6 INFO\x1b\\[0m hello 7\n$"},
        {KD_FORMAT_DEFAULT, "p", KD_LOG_WARNING, "^p " DATE ".* \x1b\\[33m\xe2\x96\xb6 WARNING\x1b\\[0m hello 7\n$"},
        {KD_FORMAT_DEFAULT, "p", KD_LOG_ERROR, "^p " DATE ".* \x1b\\[31m\xe2\x96\xb6 ERROR\x1b\\[0m hello 7\n$"},
        {KD_FORMAT_DEFAULT, "p", KD_LOG_CRITICAL, "^p " DATE ".* \x1b\\[35m\xe2\x96\xb6 CRITICAL\x1b\\[0m hello 7\n$"},
    };
    for (size_t i = 0; i < KD_COUNT(cases); i++) {
        int fds[2];
        make_pipe(fds);
        configure(cases[i].format, KD_LOG_DEBUG, false, cases[i].prefix);
        assert_true(kd_log_start(fds[1], ROOM));
        kd_log(cases[i].level, "hello %d", 7);
        kd_log_stop();
        close(fds[1]);
        kd_buf got = drain(fds[0]);
        close(fds[0]);
        assert_matches(kd_buf_str(&got), cases[i].pattern);
        kd_buf_fini(&got);
    }
}

/* The time is that of the local zone. */
static void time_is_local(void **state)
{
    int fds[2];
    make_pipe(fds);
    configure(KD_FORMAT_BASIC, KD_LOG_DEBUG, false, "");
    assert_true(kd_log_start(fds[1], ROOM));
    /* time() may lag behind the clock that the log reads. */
    time_t before = (time_t)(kd_clock_wall() / KD_SECOND);
    kd_log(KD_LOG_INFO, "x");
    time_t after = (time_t)(kd_clock_wall() / KD_SECOND);
    kd_log_stop();
    close(fds[1]);
    kd_buf got = drain(fds[0]);
    close(fds[0]);
    bool found = false;
    for (time_t t = before; t <= after; t++) {
        char text[32];
        struct tm tm;
        localtime_r(&t, &tm);
        strftime(text, sizeof(text), "%Y/%m/%d %H:%M:%S", &tm);
        found = found || kd_str_starts(kd_buf_str(&got), kd_str_from_c(text));
    }
    assert_true(found);
    kd_buf_fini(&got);
}

static void levels_and_silence(void **state)
{
    int fds[2];
    make_pipe(fds);
    configure(KD_FORMAT_BASIC, KD_LOG_WARNING, false, "");
    assert_false(kd_log_wants(KD_LOG_INFO));
    assert_true(kd_log_wants(KD_LOG_WARNING));
    assert_true(kd_log_start(fds[1], ROOM));
    kd_log(KD_LOG_INFO, "not written");
    kd_log(KD_LOG_WARNING, "one");
    configure(KD_FORMAT_BASIC, KD_LOG_DEBUG, true, "");
    assert_false(kd_log_wants(KD_LOG_FATAL));
    kd_log(KD_LOG_FATAL, "not written");
    kd_log_raw(KD_STR("raw 1\nraw 2\n"));
    configure(KD_FORMAT_BASIC, KD_LOG_DEBUG, false, "");
    kd_log_str(KD_LOG_DEBUG, KD_STR("two"));
    kd_log_stop();
    close(fds[1]);
    kd_buf got = drain(fds[0]);
    close(fds[0]);
    assert_matches(kd_buf_str(&got), "^[^\n]*WARNING: one\nraw 1\nraw 2\n[^\n]*DEBUG: two\n$");
    kd_buf_fini(&got);
}

static void long_messages_are_whole(void **state)
{
    enum { N = 20000 };
    char *text = malloc(N + 1);
    memset(text, 'a', N);
    text[N] = 0;
    int fds[2];
    make_pipe(fds);
    assert_true(kd_log_start(fds[1], ROOM));
    kd_log(KD_LOG_ERROR, "%s", text);
    kd_log_stop();
    close(fds[1]);
    kd_buf got = drain(fds[0]);
    close(fds[0]);
    assert_true(got.n > N);
    assert_true(kd_str_search(kd_buf_str(&got), kd_str_of(text, N)) > 0);
    kd_buf_fini(&got);
    free(text);
}

/* The sum of what the reports in these lines say. */
static uint64_t reported(kd_str text)
{
    uint64_t sum = 0, n;
    kd_str head = KD_STR("KRAKEND WARNING: [SERVICE: Logging] "), tail = KD_STR(" log lines dropped"), piece;
    while (kd_str_split(&text, '\n', &piece)) {
        ptrdiff_t at = kd_str_search(piece, head);
        if (at < 0 || !kd_str_ends(piece, tail))
            continue;
        kd_str number = kd_str_from(piece, (size_t)at + head.n);
        assert_true(kd_str_to_u64(kd_str_head(number, number.n - tail.n), UINT64_MAX, &n));
        sum += n;
    }
    return sum;
}

static size_t count_equal(kd_str text, kd_str line)
{
    size_t n = 0;
    kd_str piece;
    while (kd_str_split(&text, '\n', &piece))
        n += kd_str_eq(piece, line);
    return n;
}

/* A pipe that nobody reads: workers go on, lines are counted, and the report comes once there is room. */
static void full_pipe_drops_and_reports(void **state)
{
    int fds[2];
    make_pipe(fds);
    assert_true(fcntl(fds[1], F_SETPIPE_SZ, 4096) > 0);
    configure(KD_FORMAT_BASIC, KD_LOG_DEBUG, false, "");
    uint64_t before = kd_log_dropped();
    size_t held = kd_ledger_used(KD_ACCOUNT_QUEUES), sent = 0;
    assert_true(kd_log_start(fds[1], 8192));
    assert_int_equal(kd_ledger_used(KD_ACCOUNT_QUEUES) - held, 2 * 8192);
    char line[101];
    memset(line, 'x', 100);
    line[100] = '\n';
    while (kd_log_dropped() < before + 10) {
        kd_log_raw(kd_str_of(line, sizeof(line)));
        sent++;
    }
    assert_int_equal(kd_log_dropped() - before, 10);
    /* Reading lets the writer go on; it reports once the batch is out that was full. */
    kd_buf got;
    kd_buf_init(&got, 1u << 20);
    while (reported(kd_buf_str(&got)) < 10) {
        char *to = kd_buf_room(&got, 4096);
        ssize_t n = read(fds[0], to, 4096);
        assert_true(n > 0);
        got.n += (size_t)n;
    }
    kd_log_raw(KD_STR("the end\n"));
    kd_log_stop();
    close(fds[1]);
    kd_buf rest = drain(fds[0]);
    close(fds[0]);
    kd_buf_add(&got, kd_buf_str(&rest));
    assert_int_equal(count_equal(kd_buf_str(&got), kd_str_of(line, 100)), sent - 10);
    assert_int_equal(reported(kd_buf_str(&got)), 10);
    assert_true(kd_str_ends(kd_buf_str(&got), KD_STR("\nthe end\n")));
    assert_int_equal(kd_ledger_used(KD_ACCOUNT_QUEUES), held);
    kd_buf_fini(&rest);
    kd_buf_fini(&got);
}

static size_t fill(int fd)
{
    char bytes[4096] = {0};
    size_t n = 0;
    int flags = fcntl(fd, F_GETFL);
    fcntl(fd, F_SETFL, flags | O_NONBLOCK);
    for (ssize_t r; (r = write(fd, bytes, sizeof(bytes))) > 0;)
        n += (size_t)r;
    fcntl(fd, F_SETFL, flags);
    return n;
}

/* A stop on a sink that never moves gives up; what is logged after it is dropped, not waited for. */
static void stop_gives_up_on_a_blocked_sink(void **state)
{
    for (int nonblocking = 0; nonblocking < 2; nonblocking++) {
        int fds[2];
        make_pipe(fds);
        size_t filled = fill(fds[1]);
        if (nonblocking)
            fcntl(fds[1], F_SETFL, O_NONBLOCK);
        size_t held = kd_ledger_used(KD_ACCOUNT_QUEUES);
        assert_true(kd_log_start(fds[1], ROOM));
        kd_log(KD_LOG_INFO, "stuck");
        kd_log_stop();
        uint64_t before = kd_log_dropped();
        kd_log(KD_LOG_INFO, "after");
        assert_int_equal(kd_log_dropped(), before + 1);
        /* Once the pipe moves, the thread that was left behind frees what it holds. */
        char bytes[4096];
        while (filled > 0) {
            ssize_t n = read(fds[0], bytes, filled < sizeof(bytes) ? filled : sizeof(bytes));
            assert_true(n > 0);
            filled -= (size_t)n;
        }
        while (kd_ledger_used(KD_ACCOUNT_QUEUES) != held)
            sched_yield();
        close(fds[0]);
        close(fds[1]);
    }
}

/* Nobody at the other end: no signal kills, lines are counted, and the log comes back with the next sink. */
static void broken_pipe_is_survived(void **state)
{
    int fds[2];
    make_pipe(fds);
    close(fds[0]);
    uint64_t before = kd_log_dropped();
    assert_true(kd_log_start(fds[1], ROOM));
    assert_false(kd_log_start(fds[1], ROOM));
    kd_log(KD_LOG_INFO, "lost");
    kd_log_raw(KD_STR("lost\nlost\n"));
    kd_log_stop();
    close(fds[1]);
    assert_int_equal(kd_log_dropped() - before, 3);
}

/* A sink that fails and works again: what was lost is reported behind the next lines that arrive. */
static void lost_lines_are_reported_later(void **state)
{
    int broken[2], fds[2];
    make_pipe(broken);
    close(broken[0]);
    configure(KD_FORMAT_BASIC, KD_LOG_DEBUG, false, "");
    uint64_t before = kd_log_dropped();
    assert_true(kd_log_start(broken[1], ROOM));
    kd_log_raw(KD_STR("lost\nlost\n"));
    while (kd_log_dropped() == before)
        sched_yield();
    make_pipe(fds);
    assert_true(dup2(fds[1], broken[1]) >= 0);
    close(fds[1]);
    kd_log_raw(KD_STR("arrives\n"));
    kd_log_stop();
    close(broken[1]);
    kd_buf got = drain(fds[0]);
    close(fds[0]);
    assert_true(kd_str_starts(kd_buf_str(&got), KD_STR("arrives\n")));
    assert_int_equal(reported(kd_buf_str(&got)), 2);
    kd_buf_fini(&got);
}

/* The writer wakes for each first line on its own. */
static void lines_come_out_without_a_stop(void **state)
{
    int fds[2];
    make_pipe(fds);
    assert_true(kd_log_start(fds[1], ROOM));
    for (int i = 0; i < 3; i++) {
        char room[32];
        kd_log_raw(KD_STR("line\n"));
        assert_int_equal(read(fds[0], room, sizeof(room)), 5);
    }
    kd_log_stop();
    close(fds[0]);
    close(fds[1]);
}

static void without_memory_it_does_not_start(void **state)
{
    kd_ledger_set_ceiling(kd_ledger_total() + 1000);
    assert_false(kd_log_start(1, ROOM));
    kd_ledger_set_ceiling(0);
    assert_false(kd_log_start(1, 0));
}

/* Replaces a standard descriptor by a pipe. Returns the saved one. */
static int redirect(int fd, int fds[2])
{
    make_pipe(fds);
    int saved = dup(fd);
    assert_true(dup2(fds[1], fd) == fd);
    close(fds[1]);
    return saved;
}

static void restore(int fd, int saved)
{
    dup2(saved, fd);
    close(saved);
}

static void before_the_start_lines_are_direct(void **state)
{
    int out[2], err[2];
    configure(KD_FORMAT_BASIC, KD_LOG_DEBUG, false, "");
    /* A start and stop ends the state that a blocked sink of an earlier test left. */
    make_pipe(out);
    assert_true(kd_log_start(out[1], ROOM));
    kd_log_stop();
    close(out[0]);
    close(out[1]);

    fflush(NULL);
    int saved_out = redirect(STDOUT_FILENO, out), saved_err = redirect(STDERR_FILENO, err);
    errno = 77;
    kd_log(KD_LOG_INFO, "direct %s", "line");
    kd_log_std("to %s", "stderr");
    int error = errno;
    /* Broken standard streams: nothing happens. */
    kd_buf first[2];
    restore(STDOUT_FILENO, saved_out);
    restore(STDERR_FILENO, saved_err);
    first[0] = drain(out[0]);
    first[1] = drain(err[0]);
    close(out[0]);
    close(err[0]);
    saved_out = redirect(STDOUT_FILENO, out);
    close(out[0]);
    kd_log(KD_LOG_INFO, "nobody reads");
    restore(STDOUT_FILENO, saved_out);

    sigset_t pending;
    sigpending(&pending);
    assert_false(sigismember(&pending, SIGPIPE));
    assert_int_equal(error, 77);
    assert_matches(kd_buf_str(&first[0]), "^" DATE " " TIME " KRAKEND INFO: direct line\n$");
    assert_matches(kd_buf_str(&first[1]), "^" DATE " " TIME " to stderr\n$");
    kd_buf_fini(&first[0]);
    kd_buf_fini(&first[1]);
}

enum { WRITERS = 4, LINES = 3000 };

static void *write_lines(void *context)
{
    for (int i = 0; i < LINES; i++) {
        kd_log(KD_LOG_INFO, "writer %d line %d.", *(int *)context, i);
        if (i % 500 == 0)
            configure(i % 1000 ? KD_FORMAT_BASIC : KD_FORMAT_DEFAULT, KD_LOG_DEBUG, false, "[P]");
    }
    return NULL;
}

static void *read_all(void *context)
{
    kd_buf *all = malloc(sizeof(*all));
    *all = drain(*(int *)context);
    return all;
}

/* Lines of many threads arrive whole, each thread's in its order, none twice; what is missing was counted. */
static void threads_write_whole_lines_in_order(void **state)
{
    int fds[2], number[WRITERS], next[WRITERS] = {0};
    make_pipe(fds);
    configure(KD_FORMAT_DEFAULT, KD_LOG_DEBUG, false, "[P]");
    uint64_t before = kd_log_dropped();
    assert_true(kd_log_start(fds[1], ROOM));
    pthread_t threads[WRITERS], reader;
    pthread_create(&reader, NULL, read_all, &fds[0]);
    for (int i = 0; i < WRITERS; i++) {
        number[i] = i;
        pthread_create(&threads[i], NULL, write_lines, &number[i]);
    }
    for (int i = 0; i < WRITERS; i++)
        pthread_join(threads[i], NULL);
    kd_log_stop();
    close(fds[1]);
    void *result;
    pthread_join(reader, &result);
    close(fds[0]);
    kd_buf *got = result;
    kd_str text = kd_buf_str(got), piece;
    uint64_t arrived = 0;
    while (kd_str_split(&text, '\n', &piece)) {
        ptrdiff_t at = kd_str_search(piece, KD_STR("writer "));
        if (at < 0)
            continue;
        int writer, line;
        char *copy = strndup(piece.p + at, piece.n - (size_t)at);
        char dot;
        assert_int_equal(sscanf(copy, "writer %d line %d%c", &writer, &line, &dot), 3);
        free(copy);
        assert_true(writer >= 0 && writer < WRITERS && line >= next[writer]);
        next[writer] = line + 1;
        arrived++;
    }
    assert_int_equal(arrived + kd_log_dropped() - before, WRITERS * LINES);
    kd_buf_fini(got);
    free(got);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_have_the_configured_format),
        cmocka_unit_test(time_is_local),
        cmocka_unit_test(levels_and_silence),
        cmocka_unit_test(long_messages_are_whole),
        cmocka_unit_test(full_pipe_drops_and_reports),
        cmocka_unit_test(stop_gives_up_on_a_blocked_sink),
        cmocka_unit_test(broken_pipe_is_survived),
        cmocka_unit_test(lost_lines_are_reported_later),
        cmocka_unit_test(lines_come_out_without_a_stop),
        cmocka_unit_test(without_memory_it_does_not_start),
        cmocka_unit_test(before_the_start_lines_are_direct),
        cmocka_unit_test(threads_write_whole_lines_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
