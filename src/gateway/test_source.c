/* Fetches against a scripted backend, and sources with requests that wait for them. */
#include "gateway/compile.h"
#include "gateway/fetch.h"
#include "gateway/source.h"
#include "gateway/test_front.h"

static const char config[] = "{\"version\":3,\"timeout\":\"1000h\",\"host\":[\"@1\"],\"extra_config\":{\"router\":{"
                             "\"disable_access_log\":true}},"
                             "\"endpoints\":[{\"endpoint\":\"/a\",\"backend\":[{\"url_pattern\":\"/a\"}]}]}";

/* ---- fetches ---------------------------------------------------------------------------------------------------- */

typedef struct told {
    unsigned times, status;
    kd_failure failure;
    char body[256], error[256];
} told;

static void on_done(void *context, const kd_fetch_result *result)
{
    told *t = context;
    t->times++;
    t->failure = result->failure;
    t->status = result->head ? result->head->status : 0;
    snprintf(t->body, sizeof t->body, "%.*s", KD_FMT(result->body));
    snprintf(t->error, sizeof t->error, "%.*s", KD_FMT(result->error));
}

static const char *text_of(kd_buf *buf)
{
    kd_buf_byte(buf, '\0');
    return buf->p;
}

static void turn(void)
{
    kd_loop_turn(&worker->loop, 1);
    backend_pump(&one);
    backend_pump(&two);
}

#define MOVED(code, to) "HTTP/1.1 " code " x\r\nLocation: " to "\r\nContent-Length: 0\r\n\r\n"
#define GZIPPED                                                                                                        \
    "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 29\r\n\r\n"                                          \
    "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xcb\x48\xcd\xc9\xc9\xd7\x51\xc8\xc0\xa4\x00\x55\xa3\x82\x77\x1a\x00\x00" \
    "\x00"

typedef struct fetched {
    const char *label, *path, *post;
    scripted script[3];
    kd_failure failure;
    unsigned status, requests;
    const char *body, *error, *asked;
} fetched;

static const fetched cases[] = {
    {"plain",
     "/k",
     NULL,
     {{.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"}},
     KD_FAIL_NONE,
     200,
     1,
     "{}",
     "",
     "GET /k HTTP/1.1\r\nHost: 127.0.0.1:"},
    {"an error of the server",
     "/k",
     NULL,
     {{.bytes = "HTTP/1.1 503 No\r\nContent-Length: 1\r\n\r\nx"}},
     KD_FAIL_NONE,
     503,
     1,
     "x",
     "",
     NULL},
    {"gzip",
     "/k",
     NULL,
     {{.bytes = GZIPPED, .n = sizeof GZIPPED - 1}},
     KD_FAIL_NONE,
     200,
     1,
     "hello, hello, hello, hello",
     "",
     "Accept-Encoding: gzip\r\n\r\n"},
    {"broken gzip",
     "/k",
     NULL,
     {{.bytes = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 12\r\n\r\nnot any gzip"}},
     KD_FAIL_BAD_BODY,
     0,
     1,
     "",
     "gzip: invalid header",
     NULL},
    {"redirects",
     "/k",
     NULL,
     {{.bytes = MOVED("302", "/l?a=b")},
      {.bytes = MOVED("307", "m")},
      {.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\ny"}},
     KD_FAIL_NONE,
     200,
     3,
     "y",
     "",
     "GET /l?a=b HTTP/1.1"},
    {"redirects without end",
     "/k",
     NULL,
     {{.bytes = MOVED("302", "/k")}},
     KD_FAIL_REDIRECTS,
     0,
     10,
     "",
     "Get \"/k\": stopped after 10 redirects",
     NULL},
    {"a post",
     "/t",
     "a=b",
     {{.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nz"}},
     KD_FAIL_NONE,
     200,
     1,
     "z",
     "",
     "Content-Length: 3\r\nX-A: b\r\nContent-Type: a/b\r\nAccept-Encoding: gzip\r\n\r\na=b"},
    {"a post without its body's fields",
     "/t",
     "a=b",
     {{.bytes = MOVED("302", "/u")}, {.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nz"}},
     KD_FAIL_NONE,
     200,
     2,
     "z",
     "",
     "X-A: b\r\nReferer: http"},
    {"a post that is led elsewhere",
     "/t",
     "a=b",
     {{.bytes = MOVED("303", "/u")}, {.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nz"}},
     KD_FAIL_NONE,
     200,
     2,
     "z",
     "",
     "GET /u HTTP/1.1\r\nHost: "},
    {"too long",
     "/k",
     NULL,
     {{.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 101\r\n\r\n"
                "01234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567"
                "89x"}},
     KD_FAIL_TOO_LARGE,
     0,
     1,
     "",
     "longer than its bound",
     NULL},
    {"cut",
     "/k",
     NULL,
     {{.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab", .end = CLOSES}},
     KD_FAIL_CLOSED,
     0,
     1,
     "",
     "unexpected EOF",
     NULL},
    {"silent",
     "/k",
     NULL,
     {{.bytes = NULL}},
     KD_FAIL_DEADLINE,
     0,
     1,
     "",
     "Client.Timeout exceeded while awaiting headers",
     NULL},
    {"no such scheme",
     "ftp://h/k",
     NULL,
     {{.bytes = NULL}},
     KD_FAIL_BAD_URL,
     0,
     0,
     "",
     "unsupported protocol scheme \"ftp\"",
     NULL},
    {"a password, and no such port",
     "http://u:p:q@127.0.0.1:99999/k",
     NULL,
     {{.bytes = NULL}},
     KD_FAIL_BAD_URL,
     0,
     0,
     "",
     "Get \"http://u:***@127.0.0.1:99999/k\": dial tcp: address 99999: invalid port",
     NULL},
    {"a location that is no URL",
     "/k",
     NULL,
     {{.bytes = MOVED("302", "%zz")}},
     KD_FAIL_BAD_URL,
     0,
     1,
     "",
     "failed to parse Location header \"%zz\": parse \"%zz\": invalid URL escape \"%zz\"",
     NULL},
    {"no URL", ":", NULL, {{.bytes = NULL}}, KD_FAIL_BAD_URL, 0, 0, "", "missing protocol scheme", NULL},
};

static void run_fetch(const fetched *c)
{
    size_t n = 3;
    while (n > 1 && !c->script[n - 1].bytes)
        n--;
    forget(&one, c->script, n);
    char url[128];
    if (c->path[0] == '/')
        snprintf(url, sizeof url, "http://127.0.0.1:%u%s", one.port, c->path);
    else
        snprintf(url, sizeof url, "%s", c->path);
    kd_fetch_field field[] = {{KD_STR("X-A"), KD_STR("b")}, {KD_STR("Content-Type"), KD_STR("a/b")}};
    kd_fetch_request request = {.method = c->post ? KD_METHOD_POST : KD_METHOD_GET,
                                .url = kd_str_from_c(url),
                                .fields = field,
                                .n_fields = 2,
                                .body = kd_str_from_c(c->post ? c->post : ""),
                                .timeout = c->failure == KD_FAIL_DEADLINE ? 20 * KD_MS : 0,
                                .max_body = 100};
    told t = {0};
    assert_non_null(kd_fetch_start(&gateway, &request, on_done, &t));
    assert_int_equal(t.times, 0); /* never within the call */
    for (unsigned k = 0; k < QUIET_TURNS_MAX && !t.times; k++)
        turn();
    if (t.times != 1 || t.failure != c->failure || t.status != c->status || strcmp(t.body, c->body) != 0 ||
        !strstr(t.error, c->error) || (!c->error[0] && t.error[0]))
        fail_msg("%s: %u times, %s, %u, \"%s\", \"%s\"", c->label, t.times, kd_failure_name(t.failure), t.status,
                 t.body, t.error);
    assert_int_equal(one.requests, c->requests);
    bool asked = !c->asked;
    for (unsigned k = 0; k < one.n_talks && !asked; k++)
        asked = strstr(text_of(&one.talks[k].far.in), c->asked) != NULL;
    if (!asked)
        fail_msg("%s: asked otherwise", c->label);
    assert_int_equal(gateway.n_fetches, 0);
    forget_connections();
}

static void test_fetch(void **state)
{
    gateway_up(config);
    for (size_t i = 0; i < KD_COUNT(cases); i++)
        run_fetch(&cases[i]);
    gateway_down();
}

static void test_fetch_ends(void **state)
{
    static const scripted silence[] = {{NULL}};
    gateway_up(config);
    forget(&one, silence, 1);
    char url[64];
    snprintf(url, sizeof url, "http://127.0.0.1:%u/", one.port);
    kd_fetch_request request = {.method = KD_METHOD_GET, .url = kd_str_from_c(url), .max_body = 100};
    told cancelled = {0}, stopped = {0};
    kd_fetch *fetch = kd_fetch_start(&gateway, &request, on_done, &cancelled);
    kd_fetch_start(&gateway, &request, on_done, &stopped);
    for (int i = 0; i < 5; i++)
        turn();
    kd_fetch_cancel(fetch);
    kd_fetch_field bad = {KD_STR("X-A"), KD_STR("b\r\nX-B: c")};
    told refused = {0};
    kd_fetch_request splitting = request;
    splitting.fields = &bad;
    splitting.n_fields = 1;
    kd_fetch_start(&gateway, &splitting, on_done, &refused);
    for (int i = 0; i < 5; i++)
        turn();
    assert_int_equal(cancelled.times, 0);
    assert_int_equal(refused.failure, KD_FAIL_BAD_URL);
    while (gateway.n_fetches < KD_FETCH_MAX)
        assert_non_null(kd_fetch_start(&gateway, &request, on_done, &stopped));
    assert_null(kd_fetch_start(&gateway, &request, on_done, &stopped));
    gateway_down();
    assert_int_equal(stopped.failure, KD_FAIL_CANCELLED);
    assert_int_equal(stopped.times, KD_FETCH_MAX);
}

/* ---- sources ---------------------------------------------------------------------------------------------------- */

typedef struct number {
    kd_source_value base;
    unsigned n;
} number;

static unsigned fetches, alive, gone;
static kd_source *source;

static void fetch(kd_source *s, kd_gateway_worker *w, void *context)
{
    (void)s, (void)w, (void)context;
    fetches++;
}

static void destroy(kd_source_value *value)
{
    alive--;
    free(value);
}

static void on_gone(void *context)
{
    (void)context;
    gone++;
}

static kd_source_value *make(unsigned n)
{
    number *v = malloc(sizeof *v);
    *v = (number){{1, destroy}, n};
    alive++;
    return &v->base;
}

static kd_verdict enter(kd_branch *branch, const void *config_, void *state)
{
    (void)config_;
    kd_source_wait *wait = state;
    if (kd_source_await(source, branch, wait) == KD_WAIT)
        return KD_WAIT;
    kd_arena *arena = branch->x->front->arena;
    kd_str text = wait->value ? kd_arena_printf(arena, "value %u", ((number *)wait->value)->n)
                              : kd_arena_printf(arena, "%s: %.*s", kd_failure_name(wait->failure), KD_FMT(wait->error));
    kd_source_wait_fini(wait);
    return kd_exchange_answer(branch, 200, text, KD_STR(""));
}

static const kd_step_type waiting = {
    .module = "test", .name = "wait", .enter = enter, .state_size = sizeof(kd_source_wait)};

static void source_up(kd_ns pause)
{
    static const kd_source_type type = {fetch};
    gateway_up(config);
    kd_generation *g = gateway.generation;
    kd_errors errors;
    kd_errors_init(&errors, &g->arena, 1);
    kd_compile compile = {.generation = g, .arena = &g->arena, .service = g->service, .errors = &errors};
    g->not_found = kd_plan_own(&compile, KD_STR("wait"), &waiting, NULL, true);
    source = kd_source_create(&type, NULL, pause);
    fetches = alive = gone = 0;
}

static void source_down(const test_front *last)
{
    assert_let_go("the last one", last);
    gateway_down();
    kd_source_destroy(source, on_gone);
    assert_int_equal(gone, 1);
    assert_int_equal(alive, 0);
}

static void ask(test_front *f)
{
    front_init(f, "GET /x HTTP/1.1\r\nHost: a\r\n\r\n", NULL);
    kd_exchange_handler.on_request(&gateway, &f->front);
}

static void expect(test_front *f, const char *body)
{
    run_out(body, f);
    assert_string_equal(text_of(&f->body), body);
    front_fini(f);
}

/* Any number wait for one fetch, one that leaves does not disturb, and the next ones begin another. */
static void test_source(void **state)
{
    test_front a, b, c;
    source_up(0);
    ask(&a), ask(&b), ask(&c);
    assert_int_equal(fetches, 1);
    leave_client(&b);
    run_out("gone", &b);
    front_fini(&b);
    kd_source_done(source, make(1), KD_FAIL_NONE, KD_STR(""));
    expect(&a, "value 1");
    expect(&c, "value 1");
    kd_source_value *now = kd_source_peek(source);
    assert_int_equal(((number *)now)->n, 1);
    ask(&a);
    assert_int_equal(fetches, 2);
    kd_source_done(source, NULL, KD_FAIL_REFUSED, KD_STR("nobody there"));
    expect(&a, "connect_refused: nobody there");
    kd_source_value *still = kd_source_peek(source);
    assert_ptr_equal(still, now);
    kd_source_value_unref(now);
    kd_source_value_unref(still);
    kd_source_refresh(source, &gateway, false);
    kd_source_refresh(source, &gateway, false);
    assert_int_equal(fetches, 3);
    kd_source_done(source, make(2), KD_FAIL_NONE, KD_STR(""));
    assert_int_equal(alive, 1);
    source_down(&a);
}

/* After a failure nobody is fetched for, for a while. */
static void test_pause(void **state)
{
    test_front a;
    source_up(1000000 * KD_SECOND);
    ask(&a);
    kd_source_done(source, NULL, KD_FAIL_RESET, KD_STR("no"));
    expect(&a, "reset: no");
    ask(&a);
    expect(&a, "reset: no");
    kd_source_refresh(source, &gateway, false);
    assert_int_equal(fetches, 1);
    kd_source_refresh(source, &gateway, true);
    assert_int_equal(fetches, 2);
    kd_source_done(source, make(3), KD_FAIL_NONE, KD_STR(""));
    ask(&a);
    kd_source_done(source, make(4), KD_FAIL_NONE, KD_STR(""));
    expect(&a, "value 4");
    source_down(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_fetch), cmocka_unit_test(test_fetch_ends),
                                       cmocka_unit_test(test_source), cmocka_unit_test(test_pause)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
