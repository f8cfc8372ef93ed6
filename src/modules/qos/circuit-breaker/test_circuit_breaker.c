#include "gateway/module.h"
#include "gateway/registry.h"
#include "modules/qos/circuit-breaker/breaker.h"

#include "gateway/test_front.h"

extern const kd_module kd_module_qos_circuit_breaker;
extern const kd_module kd_module_qos_ratelimit; /* inside the breaker: what it refuses counts */

#define BREAKER "\"extra_config\":{\"qos/circuit-breaker\":{"

static const char config[] =
    "{\"version\":3,\"timeout\":\"1000h\",\"host\":[\"@1\"],\"extra_config\":{\"router\":{"
    "\"return_error_msg\":true,\"disable_access_log\":true}},\"endpoints\":["
    "{\"endpoint\":\"/a\",\"backend\":[{\"url_pattern\":\"/a\"," BREAKER "\"max_errors\":1,\"timeout\":100000}}}]},"
    "{\"endpoint\":\"/merge\",\"backend\":[{\"url_pattern\":\"/1\"," BREAKER
    "\"max_errors\":1,\"timeout\":9999}}},{\"url_pattern\":\"/2\",\"host\":[\"@2\"]}]},"
    "{\"endpoint\":\"/raw\",\"output_encoding\":\"no-op\","
    "\"backend\":[{\"url_pattern\":\"/r\",\"encoding\":\"no-op\"," BREAKER "\"timeout\":9999}}}]},"
    "{\"endpoint\":\"/details\",\"backend\":[{\"url_pattern\":\"/d\",\"extra_config\":{\"backend/http\":"
    "{\"return_error_details\":\"x\"},\"qos/circuit-breaker\":{\"timeout\":9999}}}]},"
    "{\"endpoint\":\"/code\",\"backend\":[{\"url_pattern\":\"/c\",\"extra_config\":{\"backend/http\":"
    "{\"return_error_code\":true},\"qos/circuit-breaker\":{\"timeout\":9999}}}]},"
    "{\"endpoint\":\"/race\",\"concurrent_calls\":2,\"backend\":[{\"url_pattern\":\"/r\"," BREAKER
    "\"timeout\":9999}}}]},"
    "{\"endpoint\":\"/short\",\"timeout\":\"3ms\",\"backend\":[{\"url_pattern\":\"/s\"," BREAKER
    "\"timeout\":9999}}}]},"
    "{\"endpoint\":\"/off\",\"backend\":[{\"url_pattern\":\"/o\"," BREAKER "\"max_errors\":0,\"name\":\"\"}}}]},"
    "{\"endpoint\":\"/limit\",\"backend\":[{\"url_pattern\":\"/l\",\"extra_config\":{\"qos/circuit-breaker\":"
    "{\"timeout\":9999},\"qos/ratelimit/proxy\":{\"max_rate\":1,\"capacity\":1,\"every\":\"1000h\"}}}]}"
    "]}";

static const scripted good = {.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n{\"a\":1}"},
                      bad = {.bytes = "HTTP/1.1 500 X\r\nContent-Length: 2\r\n\r\n{}"},
                      broken = {.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n{"}, mute = {.bytes = NULL};

typedef struct step {
    const char *path;
    const scripted *says;
    unsigned status;
    const char *body; /* NULL: any */
    unsigned calls;   /* of the first backend */
    bool leaves;      /* the client goes away */
} step;

#define OPEN "circuit breaker is open"

static const step steps[] = {
    /* A client that leaves is neutral. */
    {"/a", &bad, 500, NULL, 1, false},
    {"/a", &mute, 0, NULL, 1, true},
    {"/a", &broken, 500, "unexpected EOF", 1, false},
    {"/a", &good, 500, OPEN, 0, false},
    {"/a", &good, 500, OPEN, 0, false},
    {"/merge", &bad, 200, "{\"a\":1}", 1, false},
    {"/merge", &mute, 0, NULL, 1, true},
    {"/merge", &bad, 200, "{\"a\":1}", 1, false},
    {"/merge", &bad, 200, "{\"a\":1}", 0, false},
    /* Statuses of no-op and return_error_details are no failures, those of return_error_code are. */
    {"/raw", &bad, 500, "{}", 1, false},
    {"/raw", &good, 200, "{\"a\":1}", 1, false},
    {"/details", &bad, 200, NULL, 1, false},
    {"/details", &good, 200, "{\"a\":1}", 1, false},
    {"/code", &bad, 500, "{}", 1, false},
    {"/code", &good, 500, OPEN, 0, false},
    /* The one who loses a race is given up. */
    {"/race", &good, 200, "{\"a\":1}", 2, false},
    {"/race", &good, 200, "{\"a\":1}", 2, false},
    {"/short", &mute, 500, NULL, 1, false},
    {"/short", &good, 500, OPEN, 0, false},
    {"/off", &bad, 500, NULL, 1, false},
    {"/off", &good, 200, NULL, 1, false},
    {"/limit", &good, 200, NULL, 1, false},
    {"/limit", &good, 500, "rate limit exceded", 0, false},
    {"/limit", &good, 500, OPEN, 0, false},
};

static void run(const step *s)
{
    char request[100];
    snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", s->path);
    forget(&one, s->says, 1);
    forget(&two, &good, 1);
    test_front f;
    front_init(&f, request, NULL);
    kd_exchange_handler.on_request(&gateway, &f.front);
    while (s->leaves && one.requests == 0)
        pump_all(&f);
    if (s->leaves)
        leave_client(&f);
    run_out(request, &f);
    assert_let_go(request, &f);
    kd_buf_byte(&f.body, 0);
    if (!s->leaves && (f.status != s->status || (s->body && strcmp(f.body.p, s->body) != 0)))
        fail_msg("%s: %u %s", request, f.status, f.body.p);
    if (one.requests > s->calls || (s->calls < 2 && one.requests != s->calls))
        fail_msg("%s: %u calls", request, one.requests);
    front_fini(&f);
    forget_connections();
}

static void test_requests(void **state)
{
    gateway_up(config);
    uint64_t opened = gateway.failures[KD_FAIL_BREAKER_OPEN];
    unsigned refused = 0;
    for (size_t i = 0; i < KD_COUNT(steps); i++) {
        run(&steps[i]);
        refused += steps[i].calls == 0 && strncmp(steps[i].body, "rate", 4) != 0; /* of the merge, too */
    }
    assert_int_equal(gateway.failures[KD_FAIL_BREAKER_OPEN] - opened, refused);
    gateway_down();
    assert_int_equal(kd_registry_count(), 0);
    assert_int_equal(kd_ledger_used(KD_ACCOUNT_TABLES), 0);
}

/* ---- the block --------------------------------------------------------------------------------------------------- */

static kd_generation *compile(const char *file, const char *text, kd_errors *errors, kd_arena *work)
{
    kd_arena arena;
    kd_loaded loaded;
    kd_load_options options = {.path = file};
    kd_arena_init(&arena, NULL, 0);
    kd_errors_init(errors, work, 20);
    kd_config_load_bytes(&arena, work, &options, kd_arena_copy(work, kd_str_from_c(text)), KD_SEVERITY_NOTE, errors,
                         &loaded);
    if (!loaded.service)
        fail_msg("%s: %.*s", text, KD_FMT(errors->first->message));
    kd_generation *g = kd_generation_create(&arena, loaded.service, 1, errors);
    assert_non_null(g);
    return g;
}

static void test_blocks(void **state)
{
    static const struct {
        const char *block;
        bool active;
        const char *says; /* the one finding; NULL: none */
    } cases[] = {
        {"{\"max_errors\":3,\"interval\":60,\"timeout\":10}", true, NULL},
        {"{\"name\":\"x\"}", true, NULL},
        {"{\"log_status_change\":true}", true, NULL},
        {"{}", false, "has no effect while none of its keys is set"},
        {"{\"max_errors\":0.5}", false, "has no effect while none of its keys is set"},
        {"{\"maxErrors\":3,\"timeout\":1}", true, "unknown key \"maxErrors\""},
        {"{\"max_errors\":\"3\",\"timeout\":1}", true, "expected a"},
        {"{\"max_errors\":-1}", true, "expected a number from 0"},
        {"[]", false, "expected an object, found a list"},
    };
    for (size_t i = 0; i < KD_COUNT(cases); i++) {
        char text[400];
        snprintf(text, sizeof text,
                 "{\"version\":3,\"host\":[\"http://127.0.0.1:8080\"],\"endpoints\":[{\"endpoint\":\"/a\",\"backend\":["
                 "{\"url_pattern\":\"/b\",\"extra_config\":{\"qos/circuit-breaker\":%s}}]}]}",
                 cases[i].block);
        kd_arena work;
        kd_errors errors;
        kd_arena_init(&work, NULL, 0);
        kd_generation *g = compile("krakend.json", text, &errors, &work);
        assert_int_equal(kd_registry_count(), cases[i].active);
        bool found = !cases[i].says && !errors.count;
        for (const kd_error *e = errors.first; e && cases[i].says; e = e->next)
            found |= e->at && kd_str_search(e->message, kd_str_from_c(cases[i].says)) >= 0;
        if (!found)
            fail_msg("%s: %u findings", cases[i].block, errors.count);
        kd_generation_destroy(g);
        kd_arena_reset(&work);
    }
}

/* KrakenD reads integers of TOML as 0, floats as they are. */
static void test_toml(void **state)
{
    static const struct {
        const char *value;
        bool active;
    } cases[] = {{"3", false}, {"3.0", true}};
    for (size_t i = 0; i < KD_COUNT(cases); i++) {
        char text[400];
        snprintf(text, sizeof text,
                 "version = 3\nhost = [\"http://127.0.0.1:8080\"]\n[[endpoints]]\nendpoint = \"/a\"\n"
                 "[[endpoints.backend]]\nurl_pattern = \"/b\"\n"
                 "[endpoints.backend.extra_config.\"qos/circuit-breaker\"]\nmax_errors = %s\n",
                 cases[i].value);
        kd_arena work;
        kd_errors errors;
        kd_arena_init(&work, NULL, 0);
        kd_generation *g = compile("krakend.toml", text, &errors, &work);
        assert_int_equal(kd_registry_count(), cases[i].active);
        assert_int_equal(errors.count > 0, !cases[i].active);
        kd_generation_destroy(g);
        kd_arena_reset(&work);
    }
}

int main(void)
{
    static const kd_module *const modules[] = {&kd_module_qos_circuit_breaker, &kd_module_qos_ratelimit, NULL};
    kd_modules_register(modules);
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_requests), cmocka_unit_test(test_blocks),
                                       cmocka_unit_test(test_toml)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
