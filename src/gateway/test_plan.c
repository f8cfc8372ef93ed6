/* Plans driven by a front without a socket: what is answered. How exchanges end is in test_plan_ends.c. */
#include "gateway/test_plan.h"

static size_t script_length(const scripted *script)
{
    size_t n = 4;
    while (n > 1 && !script[n - 1].bytes)
        n--;
    return n;
}

static void check(const scenario *s, const char *label, test_front *f, const uint64_t failures[KD_FAIL_COUNT])
{
    kd_buf_byte(&f->body, 0);
    kd_buf_byte(&f->fields, 0);
    const char *body = f->body.p, *fields = f->fields.p;
    if (s->cut ? !f->aborted || f->ended : f->aborted || !f->ended || f->responds != 1)
        fail_msg("%s: %u answers, %s", label, f->responds, f->aborted ? "cut" : f->ended ? "whole" : "without an end");
    if (s->status && f->status != s->status)
        fail_msg("%s: status %u, %s", label, f->status, body);
    if (s->fields && !strstr(fields, s->fields))
        fail_msg("%s: fields\n%s", label, fields);
    if (s->body && strcmp(body, s->body) != 0)
        fail_msg("%s: body %s", label, body);
    if (s->failure && gateway.failures[s->failure] != failures[s->failure] + 1)
        fail_msg("%s: not counted as %s", label, kd_failure_name(s->failure));
}

static void run(const scenario *s, bool slow, bool eager)
{
    char label[100];
    snprintf(label, sizeof label, "%s%s%s", s->label, slow ? ", slow" : "", eager ? ", eager" : "");
    uint64_t failures[KD_FAIL_COUNT];
    for (int i = 0; i < KD_FAIL_COUNT; i++)
        failures[i] = gateway.failures[i];
    forget(&one, s->one, script_length(s->one));
    forget(&two, s->two, script_length((const scripted[4]){s->two[0], s->two[1]}));
    head_hooks = end_hooks = 0;
    test_front f;
    front_init(&f, s->request, s->pieces);
    f.broken = s->broken;
    f.slow = slow;
    f.eager = eager;
    kd_exchange_handler.on_request(&gateway, &f.front);
    run_out(label, &f);
    assert_let_go(label, &f);
    check(s, label, &f, failures);
    assert_int_equal(head_hooks, f.responds || s->cut ? 1 : 0);
    assert_int_equal(end_hooks, 1);
    bool asked = !s->asked;
    for (unsigned i = 0; i < one.n_talks && !asked; i++)
        asked = kd_str_search(kd_buf_str(&one.talks[i].far.in), kd_str_from_c(s->asked)) >= 0;
    if (!asked)
        fail_msg("%s: the backend was asked\n%s", label, one.n_talks ? far_text(&one.talks[0].far) : "nothing");
    front_fini(&f);
    forget_connections();
}

static void test_scenarios(void **state)
{
    gateway_up(config);
    for (size_t i = 0; i < KD_COUNT(scenarios); i++)
        for (int way = 0; way < 4; way++)
            run(&scenarios[i], way & 1 || scenarios[i].slow, way & 2);
    gateway_down();
}

static char byte_at(size_t i)
{
    return (char)('a' + (i * 2654435761u >> 11) % 26);
}

/* A long answer passes with the same memory as a short one, whatever its framing and however slow the client is. */
static void test_long_answers(void **state)
{
    static const size_t chunks[] = {0, 5000, 100000};
    const size_t size = 5000000;
    gateway_up(config);
    for (size_t i = 0; i < KD_COUNT(chunks); i++)
        for (int slow = 0; slow < 2; slow++) {
            kd_buf text;
            kd_buf_init(&text, 1u << 24);
            kd_buf_add(&text, KD_STR("HTTP/1.1 200 OK\r\nContent-Type: t\r\n"));
            if (chunks[i])
                kd_buf_add(&text, KD_STR("Transfer-Encoding: chunked\r\n\r\n"));
            else
                kd_buf_printf(&text, "Content-Length: %zu\r\n\r\n", size);
            for (size_t at = 0; at < size;) {
                size_t part = chunks[i] && chunks[i] < size - at ? chunks[i] : size - at;
                if (chunks[i])
                    kd_buf_printf(&text, "%zx\r\n", part);
                for (size_t k = 0; k < part; k++)
                    kd_buf_byte(&text, byte_at(at++));
                if (chunks[i])
                    kd_buf_add(&text, KD_STR("\r\n"));
            }
            if (chunks[i])
                kd_buf_add(&text, KD_STR("0\r\n\r\n"));
            scripted script = {.bytes = text.p, .n = text.n};
            forget(&one, &script, 1);
            test_front f;
            front_init(&f, GET_("/raw"), NULL);
            f.slow = slow;
            kd_exchange_handler.on_request(&gateway, &f.front);
            run_out("long", &f);
            assert_let_go("long", &f);
            assert_true(f.ended);
            assert_int_equal(f.body.n, size);
            for (size_t k = 0; k < size; k++)
                if (f.body.p[k] != byte_at(k))
                    fail_msg("byte %zu differs", k);
            if (f.taken > 300 * 1024)
                fail_msg("chunks of %zu, %s: %zu bytes of memory", chunks[i], slow ? "slow" : "fast", f.taken);
            front_fini(&f);
            forget_connections();
            kd_buf_fini(&text);
        }
    gateway_down();
}

/* A backend that takes its time holds the client back: the front is told to pause, and nothing piles up. */
static void test_slow_backend(void **state)
{
    static char piece[60001];
    static const char *pieces[MAX_PIECES];
    memset(piece, 'p', sizeof piece - 1);
    for (size_t i = 0; i < MAX_PIECES; i++)
        pieces[i] = piece;
    scripted script = {.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"};
    gateway_up(config);
    forget(&one, &script, 1);
    one.patience = 1;
    unsigned paused = 0;
    test_front f;
    front_init(&f, POST_CHUNKED("/raw"), pieces);
    kd_exchange_handler.on_request(&gateway, &f.front);
    for (unsigned turn = 0, given = 0; turn < 300; turn++) {
        pump_all(&f);
        paused += f.reads && !f.wants_body && !f.front.body_ended;
        if (f.at_piece == 4 && given++ < 200)
            f.at_piece = 0; /* more of the same */
        assert_true(worker->chunks.in_use < 256 * 1024);
    }
    assert_true(paused > 0);
    assert_false(f.front.body_ended);
    one.patience = 0;
    run_out("slow backend", &f);
    assert_let_go("slow backend", &f);
    assert_int_equal(f.status, 200);
    assert_true(f.reads > 1);
    front_fini(&f);
    forget_connections();
    gateway_down();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scenarios),
        cmocka_unit_test(test_long_answers),
        cmocka_unit_test(test_slow_backend),
    };
    return cmocka_run_group_tests_name("plan", tests, NULL, NULL);
}
