#include "config/json_tree.h"
#include "gateway/module.h"
#include "gateway/registry.h"
#include "modules/qos/ratelimit/options.h"

#include "gateway/test_front.h"

extern const kd_module kd_module_qos_ratelimit;

/* ---- how blocks are read ----------------------------------------------------------------------------------------- */

static void test_router_options(void **state)
{
    static const struct {
        const char *block;
        double rate;
        uint64_t capacity;
        double client_rate;
        uint64_t client_capacity;
        kd_ns ttl; /* at least */
    } cases[] = {
        {"{}", 0, 1, 0, 1, 600 * KD_SECOND},
        {"{\"max_rate\":50}", 50, 50, 0, 0, 600 * KD_SECOND},
        {"{\"max_rate\":10.9}", 10.9, 10, 0, 0, 600 * KD_SECOND},
        {"{\"max_rate\":0.5}", 0.5, 1, 0, 1, 600 * KD_SECOND},
        {"{\"max_rate\":\"50\",\"capacity\":true,\"client_max_rate\":[1]}", 0, 1, 0, 1, 600 * KD_SECOND},
        {"{\"max_rate\":5,\"capacity\":10.9}", 5, 10, 0, 0, 600 * KD_SECOND},
        {"{\"max_rate\":5,\"capacity\":-1}", 5, UINT64_MAX, 0, 0, 600 * KD_SECOND},
        {"{\"max_rate\":5,\"capacity\":-0.5}", 5, 5, 0, 0, 600 * KD_SECOND},
        {"{\"max_rate\":5,\"capacity\":1e30}", 5, UINT64_MAX, 0, 0, 600 * KD_SECOND},
        /* The client's default looks at the endpoint's rate. */
        {"{\"client_max_rate\":100}", 0, 1, 100, 1, 600 * KD_SECOND},
        {"{\"max_rate\":1000,\"client_max_rate\":100}", 1000, 1000, 100, 100, 600 * KD_SECOND},
        {"{\"max_rate\":100,\"client_max_rate\":5,\"every\":\"2s\"}", 50, 50, 2.5, 2, 600 * KD_SECOND},
        {"{\"max_rate\":120,\"client_max_rate\":5,\"every\":\"1m\"}", 2, 2, 5.0 / 60, 0, 600 * KD_SECOND},
        /* What is no duration of a second or more is a second. */
        {"{\"max_rate\":5,\"every\":\"abc\"}", 5, 5, 0, 0, 600 * KD_SECOND},
        {"{\"max_rate\":5,\"every\":\"10ms\"}", 5, 5, 0, 0, 600 * KD_SECOND},
        {"{\"max_rate\":5,\"every\":\"-1h\"}", 5, 5, 0, 0, 600 * KD_SECOND},
        {"{\"max_rate\":5,\"every\":10}", 5, 5, 0, 0, 600 * KD_SECOND},
        {"{\"max_rate\":5,\"every\":null}", 5, 5, 0, 0, 600 * KD_SECOND},
        {"{\"max_rate\":30,\"every\":\"10m\"}", 0.05, 1, 0, 1, 600 * KD_SECOND},
        {"{\"max_rate\":36,\"every\":\"1h\"}", 0.01, 1, 0, 1, 3600 * KD_SECOND},
    };
    kd_arena arena;
    kd_arena_init(&arena, NULL, 0);
    for (size_t i = 0; i < KD_COUNT(cases); i++) {
        kd_errors errors;
        kd_errors_init(&errors, &arena, 1);
        kd_str compat;
        kd_ratelimit_options o;
        const kd_node *block = kd_json_tree_read(&arena, KD_STR("f"), kd_str_from_c(cases[i].block), &errors, &compat);
        assert_true(kd_ratelimit_router_options(&arena, block, &o));
        if (o.rate != cases[i].rate || o.capacity != cases[i].capacity ||
            o.client_capacity != cases[i].client_capacity || o.client_rate - cases[i].client_rate > 1e-12 ||
            cases[i].client_rate - o.client_rate > 1e-12 || o.ttl < cases[i].ttl || o.ttl > cases[i].ttl / 4 * 5)
            fail_msg("%s: %g %llu %g %llu %lld", cases[i].block, o.rate, (unsigned long long)o.capacity, o.client_rate,
                     (unsigned long long)o.client_capacity, (long long)o.ttl);
    }
    kd_arena_reset(&arena);
}

static void test_proxy_options(void **state)
{
    static const struct {
        const char *block;
        double rate;
        uint64_t capacity;
    } cases[] = {
        {"{}", 0, 1},
        {"{\"max_rate\":10,\"every\":\"100ms\"}", 100, 100},
        {"{\"max_rate\":10,\"every\":\"x\"}", 10, 10},
        {"{\"max_rate\":10,\"every\":\"-2s\"}", -5, 1},
        {"{\"max_rate\":10,\"every\":\"0s\"}", __builtin_inf(), UINT64_MAX},
        {"{\"max_rate\":10,\"capacity\":3,\"every\":\"1m40s\"}", 0.1, 3},
    };
    kd_arena arena;
    kd_arena_init(&arena, NULL, 0);
    for (size_t i = 0; i < KD_COUNT(cases); i++) {
        kd_errors errors;
        kd_errors_init(&errors, &arena, 1);
        kd_str compat;
        kd_ratelimit_options o;
        const kd_node *block = kd_json_tree_read(&arena, KD_STR("f"), kd_str_from_c(cases[i].block), &errors, &compat);
        assert_true(kd_ratelimit_proxy_options(&arena, block, &o));
        if (o.rate != cases[i].rate || o.capacity != cases[i].capacity)
            fail_msg("%s: %g %llu", cases[i].block, o.rate, (unsigned long long)o.capacity);
    }
    kd_arena_reset(&arena);
}

/* ---- in a gateway ------------------------------------------------------------------------------------------------ */

#define LIMIT   "\"extra_config\":{\"qos/ratelimit/router\":{\"every\":\"1000h\","
#define BACKEND "\"backend\":[{\"url_pattern\":\"/b\"}]}"

static const char config[] =
    "{\"version\":3,\"timeout\":\"1000h\",\"host\":[\"@1\"],\"extra_config\":{\"router\":{\"return_error_msg\":true,"
    "\"disable_access_log\":true,\"trusted_proxies\":[\"127.0.0.1\"]}},\"endpoints\":["
    "{\"endpoint\":\"/all\"," LIMIT "\"max_rate\":1,\"capacity\":2}}," BACKEND ",{\"endpoint\":\"/ip\"," LIMIT
    "\"client_max_rate\":1,\"strategy\":\"IP\"}}," BACKEND ",{\"endpoint\":\"/key\"," LIMIT
    "\"client_max_rate\":1,\"strategy\":\"ip\",\"key\":\"x-c\"}}," BACKEND ",{\"endpoint\":\"/header\"," LIMIT
    "\"client_max_rate\":1,\"strategy\":\"header\",\"key\":\"x-who\"}}," BACKEND ",{\"endpoint\":\"/auth\"," LIMIT
    "\"client_max_rate\":1,\"strategy\":\"header\",\"key\":\"authorization\"}}," BACKEND
    ",{\"endpoint\":\"/param/{id}\"," LIMIT "\"client_max_rate\":1,\"strategy\":\"param\",\"key\":\"id\"}}," BACKEND
    ",{\"endpoint\":\"/none\"," LIMIT "\"client_max_rate\":1,\"strategy\":\"cookie\"}}," BACKEND
    ",{\"endpoint\":\"/list\",\"extra_config\":{\"qos/ratelimit/router\":[]}," BACKEND ",{\"endpoint\":\"/both\"," LIMIT
    "\"max_rate\":1,\"capacity\":1,\"client_max_rate\":1,\"client_capacity\":2,"
    "\"strategy\":\"header\",\"key\":\"X-Who\"}}," BACKEND
    ",{\"endpoint\":\"/backend\",\"backend\":[{\"url_pattern\":\"/b\",\"extra_config\":{\"qos/ratelimit/proxy\":"
    "{\"max_rate\":1,\"every\":\"1000h\"}}}]}"
    "]}";

typedef struct step {
    const char *path, *fields;
    unsigned status;
} step;

#define FROM(address) "X-Forwarded-For: " address "\r\n"

static const step steps[] = {
    {"/all", "", 200},
    {"/all", "", 200},
    {"/all", "", 503},
    {"/ip", "", 200},
    {"/ip", "", 429},
    {"/ip", FROM("10.0.0.1"), 200},
    {"/ip", FROM("10.0.0.1"), 429},
    /* What a client claims behind a proxy that is believed counts up to the first that is not. */
    {"/ip", FROM("1.2.3.4, 10.0.0.1"), 429},
    {"/ip", FROM("10.0.0.1:80"), 429}, /* no address: the peer's counts */
    /* One address, one bucket. */
    {"/ip", FROM("2001:db8::1"), 200},
    {"/ip", FROM("2001:DB8:0:0::1"), 429},
    {"/ip", FROM("::ffff:10.0.0.1"), 429},
    {"/key", "X-C: 1.1.1.1:99, 2.2.2.2\r\n", 200},
    {"/key", "X-C: 1.1.1.1\r\n", 429},
    {"/key", "X-C: 2001:db8::1\r\n", 200}, /* falls back to the peer */
    {"/key", "X-C: 2001:db8::2\r\n", 429},
    {"/key", "", 429},
    {"/header", "", 429},
    {"/header", "X-Who:\r\n", 429},
    {"/header", "X-Who: a\r\n", 200},
    {"/header", "x-who:  a \r\n", 429},
    {"/header", "X-Who: A\r\nX-Who: a\r\n", 200},
    {"/header", "X-Who: A\r\n", 429},
    {"/auth", "Authorization: x\r\n", 200},
    {"/auth", "Authorization: x\r\n", 429},
    {"/param/1", "", 200},
    {"/param/1", "", 429},
    {"/param/2", "", 200},
    {"/param/%32", "", 429},
    {"/none", "", 200},
    {"/none", "", 200},
    {"/list", "", 200},
    /* A request that the endpoint refuses has taken its client's token. */
    {"/both", "X-Who: a\r\n", 200},
    {"/both", "X-Who: a\r\n", 503},
    {"/both", "X-Who: a\r\n", 429},
    {"/backend", "", 200},
    {"/backend", "", 500},
};

static void run(const step *s)
{
    static const scripted says[] = {{.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"}};
    char request[400];
    snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: a\r\n%s\r\n", s->path, s->fields);
    forget(&one, says, 1);
    test_front f;
    front_init(&f, request, NULL);
    kd_exchange_handler.on_request(&gateway, &f.front);
    run_out(request, &f);
    assert_let_go(request, &f);
    kd_buf_byte(&f.fields, 0);
    kd_buf_byte(&f.body, 0);
    if (f.status != s->status)
        fail_msg("%s: status %u", request, f.status);
    if (one.requests != (f.status == 200))
        fail_msg("%s: %u calls of the backend", request, one.requests);
    if (f.status == 429 || f.status == 503) {
        assert_string_equal(f.fields.p, "length -1\n");
        assert_string_equal(f.body.p, "");
    } else if (f.status == 500) {
        assert_string_equal(f.body.p, "rate limit exceded");
        assert_non_null(strstr(f.fields.p, "X-Krakend-Completed: false\n"));
    }
    front_fini(&f);
    forget_connections();
}

static void test_requests(void **state)
{
    gateway_up(config);
    uint64_t rejected = gateway.failures[KD_FAIL_REJECTED];
    unsigned refusals = 0;
    for (size_t i = 0; i < KD_COUNT(steps); i++) {
        run(&steps[i]);
        refusals += steps[i].status != 200;
    }
    assert_int_equal(gateway.failures[KD_FAIL_REJECTED] - rejected, refusals);
    gateway_down();
    assert_int_equal(kd_registry_count(), 0);
    assert_int_equal(kd_ledger_used(KD_ACCOUNT_TABLES), 0);
}

/* ---- what a reload keeps, and what is found wrong ---------------------------------------------------------------- */

static kd_generation *compile(const char *limit, kd_errors *errors, kd_arena *work)
{
    char text[600];
    snprintf(text, sizeof text,
             "{\"version\":3,\"host\":[\"http://127.0.0.1:8080\"],\"endpoints\":[{\"endpoint\":\"/a/{id}\","
             "\"extra_config\":{\"qos/ratelimit/router\":{%s}}," BACKEND "]}",
             limit);
    kd_arena arena;
    kd_loaded loaded;
    kd_load_options options = {.path = "krakend.json"};
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

static void test_reload(void **state)
{
    kd_arena work;
    kd_errors errors;
    kd_arena_init(&work, NULL, 0);
    kd_generation *first =
        compile("\"max_rate\":60,\"client_max_rate\":60,\"every\":\"1m\",\"strategy\":\"ip\"", &errors, &work);
    assert_int_equal(kd_registry_count(), 2);
    /* The same, written differently. */
    kd_generation *same =
        compile("\"strategy\":\"IP\",\"max_rate\":60.0,\"every\":\"60s\",\"client_max_rate\":60", &errors, &work);
    assert_int_equal(kd_registry_count(), 2);
    /* Another limit of the clients: the endpoint's bucket stays. */
    kd_generation *other =
        compile("\"strategy\":\"ip\",\"max_rate\":60,\"every\":\"1m\",\"client_max_rate\":30", &errors, &work);
    assert_int_equal(kd_registry_count(), 3);
    kd_generation_destroy(first);
    kd_generation_destroy(same);
    assert_int_equal(kd_registry_count(), 2);
    kd_generation_destroy(other);
    assert_int_equal(kd_registry_count(), 0);
    kd_arena_reset(&work);
}

static void test_findings(void **state)
{
    static const struct {
        const char *limit, *says;
    } cases[] = {
        {"\"max_rate\":5", NULL},
        {"\"max_rate\":\"5\"", "expected a number, found"},
        {"\"max_rate\":-5", "expected a number from 0 to"},
        {"\"maxRate\":5", "unknown key \"maxRate\""},
        {"\"max_rate\":5,\"every\":\"10ms\"", "expected at least 1s, found 10ms"},
        {"\"max_rate\":5,\"every\":\"soon\"", "expected a duration"},
        {"\"client_max_rate\":5,\"strategy\":\"cookie\"", "expected one of ip|header|param"},
        {"\"client_max_rate\":1", "client_max_rate has no effect without a strategy"},
        {"\"client_max_rate\":1,\"strategy\":\"header\"", "strategy header without a key refuses every request"},
        {"\"client_max_rate\":1,\"strategy\":\"param\",\"key\":\"Id\"", "the path has no parameter \"Id\""},
        {"\"client_max_rate\":1,\"strategy\":\"param\",\"key\":\"id\"", NULL},
        {"\"client_max_rate\":100,\"strategy\":\"header\",\"key\":\"A\"", "a client may send 1 request at once"},
        {"\"client_max_rate\":1,\"strategy\":\"ip\"", NULL},
    };
    for (size_t i = 0; i < KD_COUNT(cases); i++) {
        kd_arena work;
        kd_errors errors;
        kd_arena_init(&work, NULL, 0);
        kd_generation *g = compile(cases[i].limit, &errors, &work);
        bool found = !cases[i].says;
        for (const kd_error *e = errors.first; e; e = e->next) {
            found |= cases[i].says && kd_str_search(e->message, kd_str_from_c(cases[i].says)) >= 0;
            assert_true(e->at && e->at->line == 1 && e->at->column > 1);
        }
        if (!found || (!cases[i].says && errors.count))
            fail_msg("%s: %u findings, at first: %.*s", cases[i].limit, errors.count,
                     errors.first ? (int)errors.first->message.n : 0, errors.first ? errors.first->message.p : "");
        kd_generation_destroy(g);
        kd_arena_reset(&work);
    }
}

int main(void)
{
    static const kd_module *const modules[] = {&kd_module_qos_ratelimit, NULL};
    kd_modules_register(modules);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_router_options), cmocka_unit_test(test_proxy_options), cmocka_unit_test(test_requests),
        cmocka_unit_test(test_reload),         cmocka_unit_test(test_findings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
