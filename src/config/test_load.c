#include "config/builtin.h"
#include "config/load_bytes.h"
#include "config/report.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#define DECODING "'f.json': decoding failed due to the following error(s):\n\n"
#define BACKEND  "\"backend\":[{\"url_pattern\":\"/x\",\"host\":[\"http://h\"]}]"
/* A root object of version 3 with this in it; a good endpoint with this in it, and so on. */
#define ROOT(members)     "{\"version\":3," members "}"
#define ENDPOINT(members) ROOT("\"endpoints\":[{" members "}]")
#define IN_BACKEND(members)                                                                                            \
    ROOT("\"endpoints\":[{\"endpoint\":\"/a\",\"backend\":[{" members "}]}],\"host\":[\"http://h\"]")

typedef struct fixture {
    kd_arena arena, work;
    kd_errors errors;
    kd_loaded loaded;
} fixture;

static void load_with(fixture *f, const char *text, char *const *environment, kd_severity conflicts)
{
    kd_load_options options = {.path = "f.json", .environ = environment};
    kd_arena_init(&f->arena, NULL, 0);
    kd_arena_init(&f->work, NULL, 0);
    kd_errors_init(&f->errors, &f->arena, 100);
    kd_config_load_bytes(&f->arena, &f->work, &options, kd_str_from_c(text), conflicts, &f->errors, &f->loaded);
}

static void end(fixture *f)
{
    kd_arena_reset(&f->arena);
    kd_arena_reset(&f->work);
}

static kd_service *load(fixture *f, const char *text)
{
    load_with(f, text, NULL, KD_SEVERITY_ERROR);
    return f->loaded.service;
}

static void assert_str(kd_str got, const char *want)
{
    if (!kd_str_eq(got, kd_str_from_c(want)))
        fail_msg("got \"%.*s\", want \"%s\"", KD_FMT(got), want);
}

/* What KrakenD says, and where our first error is. */
static const struct {
    const char *text, *compat, *key;
    uint32_t column; /* in line 1; 0: not compared */
} refused[] = {
    {"{\"version\":2}", "'f.json': unsupported version: 2 (want: 3)", "version", 12},
    {"{}", "'f.json': unsupported version: 0 (want: 3)", "version", 1},
    {"null", "'f.json': unsupported version: 0 (want: 3)", "version", 1},
    {"{\"version\":true}", "'f.json': unsupported version: 1 (want: 3)", "version", 12},
    {"{\"version\":\"x\"}", DECODING "'version' cannot parse value as 'int': strconv.ParseInt: invalid syntax",
     "version", 12},
    {"{\"version\":[3]}", DECODING "'version' expected type 'int', got unconvertible type '[]interface {}'", "version",
     12},
    {ROOT("\"port\":\"99999999999999999999\""),
     DECODING "'port' cannot parse value as 'int': strconv.ParseInt: value out of range", "port", 21},
    {ROOT("\"name\":{}"), DECODING "'name' expected type 'string', got unconvertible type 'map[string]interface {}'",
     "name", 21},
    {ROOT("\"debug_endpoint\":\"yes\""),
     DECODING "'debug_endpoint' cannot parse value as 'bool': strconv.ParseBool: invalid syntax", "debug_endpoint", 0},
    {ROOT("\"timeout\":\" 5 \""), DECODING "'timeout' time: invalid duration \" 5", "timeout", 0},
    {ROOT("\"extra_config\":[true,\"x\"]"),
     DECODING "'extra_config[0]' expected type 'config.ExtraConfig', got unconvertible type 'bool'", "extra_config[0]",
     0},
    {ROOT("\"extra_config\":[[\"a\"],true]"),
     DECODING "'extra_config[0][0]' expected type 'config.ExtraConfig', got unconvertible type 'string'",
     "extra_config[0][0]", 0},
    {IN_BACKEND("\"mapping\":[{},[{},\"a\"],1]"),
     DECODING
     "'endpoints[0].backend[0].mapping[1][1]' expected type 'map[string]string', got unconvertible type 'string'",
     "endpoints[0].backend[0].mapping[1][1]", 0},
    {ROOT("\"timeout\":\"\""), DECODING "'timeout' time: invalid duration", "timeout", 0},
    {ROOT("\"timeout\":\"10\""), DECODING "'timeout' time: missing unit in duration", "timeout", 0},
    {ROOT("\"timeout\":\"3 s\""), DECODING "'timeout' time: unknown unit", "timeout", 0},
    {ROOT("\"timeout\":[\"1s\"]"),
     DECODING "'timeout' expected type 'time.Duration', got unconvertible type '[]interface {}'", "timeout", 0},
    {ROOT("\"host\":{\"a\":1}"),
     DECODING "'host[0]' expected type 'string', got unconvertible type 'map[string]interface {}'", "host[0]", 0},
    {ROOT("\"endpoints\":\"x\""), DECODING "'endpoints[0]' expected a map or struct, got \"string\"", "endpoints[0]",
     0},
    {ROOT("\"endpoints\":[1]"), DECODING "'endpoints[0]' expected a map or struct, got \"float64\"", "endpoints[0]",
     27},
    {ROOT("\"tls\":[]"), DECODING "'tls' expected a map or struct, got \"slice\"", "tls", 0},
    {ROOT("\"tls\":{\"disabled\":\"maybe\"}"),
     DECODING "'tls.disabled' cannot parse value as 'bool': strconv.ParseBool: invalid syntax", "tls.disabled", 0},
    {ROOT("\"extra_config\":\"x\""),
     DECODING "'extra_config' expected type 'config.ExtraConfig', got unconvertible type 'string'", "extra_config", 0},
    {ROOT("\"extra_config\":[\"x\"]"),
     DECODING "'extra_config[0]' expected type 'config.ExtraConfig', got unconvertible type 'string'",
     "extra_config[0]", 0},
    {IN_BACKEND("\"Timeout\":\"abc\""), DECODING "'endpoints[0].backend[0].Timeout' time: invalid duration",
     "endpoints[0].backend[0].timeout", 0},
    {IN_BACKEND("\"decoder\":1"),
     DECODING "'endpoints[0].backend[0].Decoder' expected type 'encoding.Decoder', got unconvertible type 'float64'",
     "endpoints[0].backend[0].decoder", 0},
    {IN_BACKEND("\"mapping\":\"x\""),
     DECODING "'endpoints[0].backend[0].mapping' expected type 'map[string]string', got unconvertible type 'string'",
     "endpoints[0].backend[0].mapping", 0},
    {IN_BACKEND("\"mapping\":{\"a\":[]}"),
     DECODING "'endpoints[0].backend[0].mapping[a]' expected type 'string', got unconvertible type '[]interface {}'",
     "endpoints[0].backend[0].mapping[a]", 0},
    /* Several: in the order of KrakenD's structs, not of the file. */
    {ROOT("\"timeout\":\"x\",\"name\":[],\"endpoints\":[{\"endpoint\":\"/a\",\"timeout\":\"y\"}]"),
     DECODING "'name' expected type 'string', got unconvertible type '[]interface {}'\n"
              "'endpoints[0].timeout' time: invalid duration\n'timeout' time: invalid duration",
     "name", 0},
    {ROOT("\"listen_ip\":\"localhost\""), "'f.json': invalid ip address localhost", "listen_ip", 0},
    {ROOT("\"listen_ip\":\"256.1.1.1\""), "'f.json': invalid ip address 256.1.1.1", "listen_ip", 0},
    {ROOT("\"host\":[\"http://a\",\"ftp://a\"]"), "'f.json': host ftp://a not valid: invalid host", "host[1]", 33},
    {ROOT("\"host\":[null]"), "'f.json': host  not valid: invalid host", "host[0]", 0},
    {IN_BACKEND("\"host\":[\"http://a/p\"]"), "'f.json': host http://a/p not valid: invalid host",
     "endpoints[0].backend[0].host[0]", 0},
    {ENDPOINT("\"endpoint\":\"/a\""), "'f.json': ignoring the ' /a' endpoint, since it has 0 backends defined!",
     "endpoints[0].backend", 0},
    {ENDPOINT("\"method\":\"get\",\"endpoint\":\"a\",\"backend\":[]"),
     "'f.json': ignoring the 'get /a' endpoint, since it has 0 backends defined!", "endpoints[0].backend", 0},
    {ENDPOINT("\"endpoint\":\"/__health\"," BACKEND),
     "'f.json': ignoring the ' /__health' endpoint, since it is invalid!!!", "endpoints[0].endpoint", 0},
    {ENDPOINT("\"endpoint\":\"/a\",\"output_encoding\":\"no-op\",\"backend\":[{},{}]"),
     "'f.json': can not use NoOp encoding with more than one backends connected to the same endpoint",
     "endpoints[0].backend", 0},
    {ENDPOINT("\"endpoint\":\"/a/{b}\",\"backend\":[{\"url_pattern\":\"/x?b={b}&c={c}\"}]"),
     "'f.json': undefined output param 'c'! endpoint: GET /a/:b, backend: 0. input: [b], output: [b c]",
     "endpoints[0].backend[0].url_pattern", 0},
    {ENDPOINT("\"endpoint\":\"/a\",\"backend\":[{},{\"url_pattern\":\"/{x}/{y}\"}]"),
     "'f.json': input and output params do not match. endpoint: GET /a, backend: 1. input: [], output: [x y]",
     "endpoints[0].backend[1].url_pattern", 0},
    {ENDPOINT("\"endpoint\":\"/a\",\"backend\":[{\"url_pattern\":\"/{resp0}\"}]"),
     "'f.json': undefined output param 'resp0'! endpoint: GET /a, backend: 0. input: [], output: [resp0]",
     "endpoints[0].backend[0].url_pattern", 0},
    {ROOT("\"async_agent\":[{\"backend\":[{\"host\":[\"ws://x\"]}]}]"), "'f.json': host ws://x not valid: invalid host",
     "async_agent[0].backend[0].host[0]", 0},
    {ROOT("\"async_agent\":[{\"consumer\":{\"timeout\":\"x\"}}]"),
     DECODING "'async_agent[0].consumer.timeout' time: invalid duration", "async_agent[0].consumer.timeout", 0},
};

static void test_refused(void **state)
{
    for (size_t i = 0; i < KD_COUNT(refused); i++) {
        fixture f;
        if (load(&f, refused[i].text))
            fail_msg("accepted: %s", refused[i].text);
        assert_int_equal(f.loaded.status, KD_LOAD_REFUSED);
        assert_str(f.loaded.compat, refused[i].compat);
        const kd_error *e = f.errors.first;
        while (e && e->severity != KD_SEVERITY_ERROR)
            e = e->next;
        assert_non_null(e);
        assert_str(e->key, refused[i].key);
        assert_non_null(e->at);
        if (refused[i].column && e->at->column != refused[i].column)
            fail_msg("column %u instead of %u: %s", e->at->column, refused[i].column, refused[i].text);
        end(&f);
    }
}

/* Every mistake in one run. */
static void test_all_at_once(void **state)
{
    fixture f;
    assert_null(load(&f, "{\"version\":2,\"listen_ip\":\"x\",\"host\":[\"a b\"],\"endpoints\":["
                         "{\"endpoint\":\"/__echo\",\"backend\":[{\"host\":[\"ws://a\",\"ok\",\"\"]}]},"
                         "{\"endpoint\":\"/b/{id}\",\"backend\":[{\"url_pattern\":\"/{idd}\"}]}]}"));
    assert_int_equal(f.errors.errors, 7);
    assert_str(f.loaded.compat, "'f.json': unsupported version: 2 (want: 3)");
    assert_str(f.errors.last->suggestion, "did you mean \"{id}\"?");
    end(&f);
}

/* More findings than are kept must not hide what stops the load, and what is kept is shown within bounds. */
static void test_many_findings(void **state)
{
    enum { KEYS = 300 };
    char *text = malloc(KEYS * 16 + 64), *at = text;
    assert_non_null(text);
    at += sprintf(at, "{\"version\":3");
    for (int i = 0; i < KEYS; i++)
        at += sprintf(at, ",\n\"key%d\":1", i);
    sprintf(at, ",\"listen_ip\":\"x\"}");
    fixture f;
    assert_null(load(&f, text));
    assert_str(f.loaded.compat, "'f.json': invalid ip address x");
    assert_int_equal(f.errors.count, KEYS + 1);
    kd_buf report;
    kd_buf_init(&report, 1u << 20);
    kd_report_write(&report, &f.errors, KD_SEVERITY_NOTE);
    kd_str shown = kd_buf_str(&report);
    assert_true(
        kd_str_starts(shown, KD_STR("f.json:2:1: warning: key0: unknown key \"key0\" in the configuration: it has "
                                    "no effect\n")));
    assert_true(kd_str_ends(shown, KD_STR("and 201 more findings\n")));
    uint32_t lines = 0;
    for (size_t i = 0; i < shown.n; i++)
        lines += shown.p[i] == '\n';
    assert_int_equal(lines, KD_REPORT_MAX + 1);
    kd_buf_fini(&report);
    end(&f);
    free(text);
}

/* Control bytes of a value never reach the terminal, and places say where they were included. */
static void test_report(void **state)
{
    kd_arena arena;
    kd_errors errors;
    kd_buf report;
    const kd_location outer = {KD_STR("main.json"), 7, 2, NULL}, inner = {KD_STR("part.json"), 3, 4, &outer};
    const kd_location variable = {KD_STR("environment variable KRAKEND_X"), 0, 0, NULL};
    kd_arena_init(&arena, NULL, 0);
    kd_errors_init(&errors, &arena, 10);
    kd_buf_init(&report, 4096);
    kd_errors_add(&errors, KD_SEVERITY_ERROR, &inner, KD_STR("a.b"), "found \x1b[1m")->suggestion = KD_STR("do this");
    kd_errors_add(&errors, KD_SEVERITY_WARNING, &variable, KD_STR(""), "odd");
    kd_errors_add(&errors, KD_SEVERITY_NOTE, NULL, KD_STR("k"), "left out");
    kd_report_write(&report, &errors, KD_SEVERITY_WARNING);
    assert_str(kd_buf_str(&report),
               "part.json:3:4: error: a.b: found \\x1b[1m; do this\n    included from main.json:7:2\n"
               "environment variable KRAKEND_X: warning: odd\n");
    kd_buf_fini(&report);
    kd_arena_reset(&arena);
}

static void test_warnings(void **state)
{
    static const struct {
        const char *text, *key, *message, *suggestion; /* message and suggestion: a part */
    } cases[] = {
        {ROOT("\"endpoins\":[]"), "endpoins", "unknown key", "did you mean \"endpoints\"?"},
        {ROOT("\"zzzzzzz\":[]"), "zzzzzzz", "unknown key", ""},
        {ROOT("\"krakend_version\":3"), "krakend_version", "unknown key", "write \"version\""},
        {ROOT("\"url_pattern\":3"), "url_pattern", "unknown key", "it is a key of the backend"},
        {ROOT("\"name\":\"a\",\"name\":\"b\""), "", "given again in line 1", ""},
        {ROOT("\"name\":\"a\",\"NAME\":\"b\""), "NAME", "unknown key", "did you mean \"name\"?"},
        {ROOT("\"timeout\":2000"), "timeout", "nanoseconds", "\"2s\""},
        {ROOT("\"port\":70000"), "port", "from 1 to 65535", ""},
        {ENDPOINT("\"endpoint\":\"/a\",\"querystring_params\":[]," BACKEND), "endpoints[0].querystring_params",
         "unknown key", "write \"input_query_strings\""},
        {ENDPOINT("\"endpoint\":\"/a\",\"method\":\"GETT\"," BACKEND), "endpoints[0].method", "found \"GETT\"",
         "did you mean \"GET\"?"},
        {IN_BACKEND("\"whitelist\":[]"), "endpoints[0].backend[0].whitelist", "unknown key", "write \"allow\""},
        {ROOT("\"extra_config\":{\"security/corz\":{}}"), "extra_config.security/corz", "unknown namespace",
         "did you mean \"security/cors\"?"},
        {ROOT("\"extra_config\":{\"github.com/devopsfaith/krakend-cors\":{}}"),
         "extra_config.github.com/devopsfaith/krakend-cors", "unknown namespace", "did you mean \"security/cors\"?"},
        {ROOT("\"extra_config\":{\"auth/revoker\":{}}"), "extra_config.auth/revoker",
         "not available in this version: nothing is protected by it", ""},
        {ROOT("\"extra_config\":{\"qos/http-cache\":{}}"), "extra_config.qos/http-cache", "has no effect",
         "it belongs to that of a backend"},
        {ROOT("\"extra_config\":{\"router\":{\"return_error_msg\":\"yes\"}}"), "extra_config.router.return_error_msg",
         "expected true or false, found the string \"yes\"; most of the block", ""},
        {ROOT("\"extra_config\":{\"router\":{\"logger_skip_paths\":[1]}}"), "extra_config.router.logger_skip_paths[0]",
         "expected a text, found the number 1", ""},
        {ROOT("\"extra_config\":{\"router\":{\"error_body\":{\"500\":1}}}"), "extra_config.router.error_body.500",
         "unknown key", ""},
        {ROOT("\"extra_config\":{\"router\":5}"), "extra_config.router", "expected an object, found a number", ""},
        {ENDPOINT("\"endpoint\":\"/a\",\"backend\":[{}]"), "endpoints[0].backend[0]", "the backend has no host",
         "add \"host\""},
        {IN_BACKEND("\"extra_config\":{\"proxy\":{\"shadow_timeout\":\"x\"}}"),
         "endpoints[0].backend[0].extra_config.proxy.shadow_timeout", "expected a duration", ""},
        {ROOT("\"extra_config\":{\"router\":{},\"github_com/luraproject/lura/router/gin\":{}}"),
         "extra_config.github_com/luraproject/lura/router/gin", "given under its former name, too", ""},
    };
    for (size_t i = 0; i < KD_COUNT(cases); i++) {
        fixture f;
        if (!load(&f, cases[i].text))
            fail_msg("refused: %s: %.*s", cases[i].text, KD_FMT(f.loaded.compat));
        assert_int_equal(f.errors.errors, 0);
        if (f.errors.warnings != 1)
            fail_msg("%u warnings: %s", f.errors.warnings, cases[i].text);
        const kd_error *e = f.errors.first;
        assert_str(e->key, cases[i].key);
        if (kd_str_search(e->message, kd_str_from_c(cases[i].message)) < 0)
            fail_msg("%s: \"%.*s\"", cases[i].text, KD_FMT(e->message));
        if (cases[i].suggestion[0] ? kd_str_search(e->suggestion, kd_str_from_c(cases[i].suggestion)) < 0
                                   : e->suggestion.n > 0)
            fail_msg("%s: \"%.*s\"", cases[i].text, KD_FMT(e->suggestion));
        end(&f);
    }
}

static void test_clean(void **state)
{
    static const char *const texts[] = {
        ROOT("\"$schema\":\"x\",\"@comment\":1,\"_x\":2,\"#y\":3"),
        ENDPOINT("\"endpoint\":\"/a\",\"@comment\":\"x\"," BACKEND),
        ROOT("\"extra_config\":{\"@comment\":1,\"router\":{\"@comment\":2,\"hide_version_header\":true}}"),
        ROOT("\"extra_config\":[{\"router\":{}},{},[]]"),
        ROOT("\"endpoints\":{},\"host\":{},\"extra_config\":[]"),
        IN_BACKEND("\"mapping\":[],\"allow\":\"a\",\"extra_config\":{\"github.com/devopsfaith/krakend/http\":"
                   "{\"return_error_code\":true}}"),
        IN_BACKEND("\"extra_config\":{\"backend/http/client\":{\"send_body_on_redirect\":true}}"),
    };
    for (size_t i = 0; i < KD_COUNT(texts); i++) {
        fixture f;
        if (!load(&f, texts[i]) || f.errors.count)
            fail_msg("%s: %u findings", texts[i], f.errors.count);
        end(&f);
    }
}

static void test_defaults(void **state)
{
    fixture f;
    kd_service *s = load(&f, ROOT("\"host\":\"h/\",\"cache_ttl\":\"1m\",\"endpoints\":[{\"endpoint\":\"a/{Id}?x\","
                                  "\"input_headers\":[\"x-a\",\"*\"],\"backend\":{\"url_pattern\":\"b/{Id}\","
                                  "\"mapping\":{\"z\":\"1\",\"a\":2},\"encoding\":\"XML\"}}]"));
    assert_non_null(s);
    assert_int_equal(s->port, 8080);
    assert_true(s->timeout == 2 * KD_SECOND);
    assert_int_equal(s->max_idle_connections_per_host, 250);
    assert_str(s->hosts.v[0], "http://h");
    assert_str(s->file, "f.json");
    assert_int_equal(s->n_endpoints, 1);
    const kd_endpoint *e = &s->endpoints[0];
    assert_str(e->path, "/a/{Id}?x");
    assert_str(e->route, "/a/:Id?x");
    assert_str(e->method, "GET");
    assert_true(e->timeout == 2 * KD_SECOND && e->cache_ttl == 60 * KD_SECOND);
    assert_int_equal(e->concurrent_calls, 1);
    assert_str(e->output_encoding, "json");
    assert_str(e->input_headers.v[0], "X-A");
    assert_str(e->input_headers.v[1], "*");
    assert_int_equal(e->params.n, 1);
    assert_int_equal(e->at->line, 1);
    assert_int_equal(e->n_backends, 1);
    const kd_backend *b = &e->backends[0];
    assert_str(b->hosts.v[0], "http://h");
    assert_str(b->method_upper, "GET");
    assert_str(b->encoding, "xml");
    assert_str(b->encoding_source, "XML");
    assert_str(b->sd_scheme, "http");
    assert_str(b->url_pattern.source, "/b/{Id}");
    assert_str(b->url_pattern.template, "/b/{{.Id}}");
    assert_int_equal(b->n_mapping, 2);
    assert_str(b->mapping[0].from, "a");
    assert_str(b->mapping[0].to, "2");
    assert_true(b->timeout == e->timeout && b->concurrent_calls == 1);
    end(&f);
}

static void test_coercions(void **state)
{
    fixture f;
    kd_service *s;
    assert_non_null(load(&f, ROOT("\"port\":\"8_081\"")));
    assert_int_equal(f.loaded.service->port, 8081);
    end(&f);
    s = load(&f, "{\"Version\":\"0x3\",\"PORT\":\"0x1f_91\",\"name\":1.50,\"debug_endpoint\":2,\"echo_endpoint\":\"t\","
                 "\"use_h2c\":\"\",\"timeout\":1500000000.9,\"listen_ip\":\"::1\",\"max_header_bytes\":7.9,"
                 "\"output_encoding\":\"no-op\",\"disable_rest\":true,\"endpoints\":[{\"endpoint\":\"/f.{e}\","
                 "\"method\":\"post\",\"concurrent_calls\":true,\"backend\":[{\"url_pattern\":\"/{e}\",\"host\":[true],"
                 "\"encoding\":\"xml\",\"method\":\"put\"}]}]}");
    assert_non_null(s);
    assert_int_equal(s->port, 0x1f91);
    assert_str(s->name, "1.5");
    assert_true(s->debug_endpoint && s->echo_endpoint && !s->use_h2c);
    assert_true(s->timeout == 1500000000);
    assert_int_equal(s->max_header_bytes, 7);
    const kd_endpoint *e = &s->endpoints[0];
    assert_str(e->route, "/f.:e");
    assert_str(e->method, "post");
    assert_str(e->method_upper, "POST");
    assert_str(e->output_encoding, "no-op");
    assert_str(e->backends[0].encoding, "no-op");
    assert_str(e->backends[0].encoding_source, "no-op");
    assert_str(e->backends[0].hosts.v[0], "http://1");
    assert_str(e->backends[0].method, "put");
    assert_str(e->backends[0].method_upper, "PUT");
    end(&f);
}

static void test_extras(void **state)
{
    fixture f;
    kd_service *s = load(&f, ROOT("\"extra_config\":{\"github_com/devopsfaith/krakend-gologging\":{\"level\":\"INFO\"},"
                                  "\"github_com/luraproject/lura/router/gin\":{\"health_path\":\"/old\"},"
                                  "\"router\":{\"health_path\":\"/new\"},\"my/own\":5}"));
    assert_non_null(s);
    assert_int_equal(s->extra.n, 3);
    assert_non_null(kd_extra_find(&s->extra, KD_STR("telemetry/logging")));
    assert_str(kd_node_get(kd_extra_find(&s->extra, KD_STR("router")), KD_STR("health_path"))->text, "/new");
    assert_true(kd_extra_find(&s->extra, KD_STR("my/own"))->number == 5.0);
    assert_null(kd_extra_find(&s->extra, KD_STR("github_com/devopsfaith/krakend-gologging")));
    end(&f);
}

/* Modules announce themselves: no warning any more, a note for what the Community Edition ignores. */
static void test_registry(void **state)
{
    static const kd_namespace built[] = {
        {.name = KD_STR_INIT("auth/api-keys"), .scopes = KD_SCOPE_SERVICE, .edition = KD_EDITION_EE, .built = true}};
    static const char keys[] = "\"auth/api-keys\":{}";
    char text[256];
    fixture f;
    kd_namespaces_register(built, KD_COUNT(built));
    snprintf(text, sizeof(text), ROOT("\"extra_config\":{%s}"), keys);
    assert_non_null(load(&f, text));
    assert_int_equal(f.errors.warnings, 0);
    assert_int_equal(f.errors.count, 1);
    assert_int_equal(f.errors.first->severity, KD_SEVERITY_NOTE);
    end(&f);
    snprintf(text, sizeof(text), ROOT("\"extra_config\":{%s,\"gateway/compat\":{\"edition\":\"ce\"}}"), keys);
    assert_non_null(load(&f, text));
    assert_int_equal(f.errors.count, 0);
    assert_null(kd_extra_find(&f.loaded.service->extra, KD_STR("auth/api-keys")));
    end(&f);
    kd_namespaces_register(NULL, 0);
}

static void test_missing_counted(void **state)
{
    fixture f;
    assert_non_null(
        load(&f, ROOT("\"endpoints\":[{\"endpoint\":\"/a\",\"extra_config\":{\"validation/cel\":[]}," BACKEND "},"
                      "{\"endpoint\":\"/b\",\"extra_config\":{\"validation/cel\":[]}," BACKEND "},"
                      "{\"endpoint\":\"/c\",\"extra_config\":{\"validation/cel\":[]}," BACKEND "}]")));
    assert_int_equal(f.errors.warnings, 1);
    assert_str(f.errors.first->suggestion, "the same in 2 more places");
    end(&f);
}

static void test_conflicts(void **state)
{
    static const struct {
        const char *text, *panic; /* NULL: none */
    } cases[] = {
        {ROOT("\"endpoints\":[{\"endpoint\":\"/a\"," BACKEND "},{\"endpoint\":\"/a\",\"method\":\"get\"," BACKEND "}]"),
         "handlers are already registered for path '/a'"},
        {ROOT("\"endpoints\":[{\"endpoint\":\"/a//b\"," BACKEND "},{\"endpoint\":\"/a/b\"," BACKEND "}]"),
         "handlers are already registered for path '/a/b'"},
        {ROOT("\"extra_config\":{\"router\":{\"health_path\":\"/h\"}},\"endpoints\":[{\"endpoint\":\"/h\"," BACKEND
              "}]"),
         "handlers are already registered for path '/h'"},
        {ROOT("\"extra_config\":{\"router\":{\"health_path\":\"/h\",\"disable_health\":true}},"
              "\"endpoints\":[{\"endpoint\":\"/h\"," BACKEND "}]"),
         NULL},
        {ROOT("\"endpoints\":[{\"endpoint\":\"/a\"," BACKEND "},{\"endpoint\":\"/a\",\"method\":\"POST\"," BACKEND
              "}]"),
         NULL},
        {ROOT("\"endpoints\":[{\"endpoint\":\"/a\"," BACKEND "},{\"endpoint\":\"/a/\"," BACKEND "}]"), NULL},
    };
    for (size_t i = 0; i < KD_COUNT(cases); i++) {
        fixture f;
        load_with(&f, cases[i].text, NULL, KD_SEVERITY_ERROR);
        assert_int_equal(f.loaded.status, cases[i].panic ? KD_LOAD_CONFLICTS : KD_LOAD_OK);
        assert_non_null(f.loaded.service);
        if (cases[i].panic)
            assert_str(f.loaded.compat, cases[i].panic);
        end(&f);
        load_with(&f, cases[i].text, NULL, KD_SEVERITY_WARNING);
        assert_int_equal(f.loaded.status, KD_LOAD_OK);
        assert_int_equal(f.errors.warnings, cases[i].panic ? 1 : 0);
        end(&f);
    }
}

static void test_environment(void **state)
{
    char *const good[] = {"PATH=/bin",
                          "KRAKEND_PORT=9000",
                          "KRAKEND_TIMEOUT=3s",
                          "KRAKEND_HOST=http://e",
                          "KRAKEND_EXTRA_CONFIG.ROUTER.HEALTH_PATH=/ready",
                          "KRAKEND_TLS.DISABLED=true",
                          "krakend_port=1",
                          "KRAKENDX_PORT=2",
                          "KRAKEND_=3",
                          "KRAKEND_NAME=",
                          NULL};
    char *const link[] = {"KRAKEND_PORT=tcp://10.0.0.1:80", NULL};
    fixture f;
    load_with(&f, ROOT("\"port\":1,\"name\":\"n\",\"extra_config\":{\"router\":{\"disable_access_log\":true}}"), good,
              KD_SEVERITY_ERROR);
    const kd_service *s = f.loaded.service;
    assert_non_null(s);
    assert_int_equal(s->port, 9000);
    assert_true(s->timeout == 3 * KD_SECOND);
    assert_str(s->hosts.v[0], "http://e");
    assert_str(s->name, "");
    kd_router_options router;
    kd_router_options_load(s, &router);
    assert_str(router.health_path, "/ready");
    assert_true(router.disable_access_log);
    kd_tls_section tls;
    assert_true(kd_tls_section_load(&f.arena, s->tls, &tls));
    assert_true(tls.disabled);
    end(&f);

    load_with(&f, ROOT("\"name\":\"n\""), link, KD_SEVERITY_ERROR);
    assert_null(f.loaded.service);
    assert_str(f.loaded.compat, DECODING "'port' cannot parse value as 'int': strconv.ParseInt: invalid syntax");
    assert_str(f.errors.first->at->file, "environment variable KRAKEND_PORT");
    assert_true(kd_str_search(f.errors.first->suggestion, KD_STR("Kubernetes")) >= 0);
    end(&f);
}

static void test_router_options(void **state)
{
    kd_router_options o;
    fixture f;
    assert_non_null(load(&f, ROOT("\"name\":\"n\"")));
    kd_router_options_load(f.loaded.service, &o);
    assert_true(o.redirect_trailing_slash && o.redirect_fixed_path && o.handle_method_not_allowed);
    assert_true(o.forwarded_by_client_ip && !o.hide_version_header);
    assert_int_equal(o.trusted_proxies.n, 2);
    assert_str(o.remote_ip_headers.v[1], "X-Real-Ip");
    assert_str(o.health_path, "/__health");
    end(&f);

    assert_non_null(
        load(&f, ROOT("\"extra_config\":{\"router\":{\"disable_redirect_fixed_path\":true,"
                      "\"hide_version_header\":true,\"trusted_proxies\":[\"10.0.0.0/8\",\"x\",\"::1\"],"
                      "\"remote_ip_headers\":[\"cf-ip\"],\"auto_options\":true,\"error_body\":{\"404\":1}}}")));
    kd_router_options_load(f.loaded.service, &o);
    assert_true(!o.redirect_fixed_path && o.hide_version_header && o.auto_options && o.error_body_404);
    assert_null(o.error_body_405);
    assert_int_equal(o.trusted_proxies.n, 1);
    assert_str(o.remote_ip_headers.v[0], "Cf-Ip");
    end(&f);

    /* null is no body; members match in any case */
    assert_non_null(load(&f, ROOT("\"extra_config\":{\"router\":{\"Error_Body\":{\"404\":null,\"405\":2}}}")));
    kd_router_options_load(f.loaded.service, &o);
    assert_null(o.error_body_404);
    assert_true(o.error_body_405 && o.error_body_405->number == 2);
    end(&f);

    /* the type of auto_options counts with those of the engine */
    assert_non_null(load(&f, ROOT("\"extra_config\":{\"router\":{\"hide_version_header\":true,"
                                  "\"auto_options\":\"true\"}}")));
    kd_router_options_load(f.loaded.service, &o);
    assert_true(!o.hide_version_header && !o.auto_options);
    end(&f);

    /* One wrong type: the engine's options are dropped, four others stay. */
    assert_non_null(
        load(&f, ROOT("\"extra_config\":{\"router\":{\"disable_redirect_fixed_path\":true,"
                      "\"hide_version_header\":\"true\",\"disable_health\":true,\"health_path\":\"/x\"}}")));
    kd_router_options_load(f.loaded.service, &o);
    assert_true(o.redirect_fixed_path && !o.hide_version_header && o.disable_health);
    assert_str(o.health_path, "/x");
    end(&f);
}

static void test_files(void **state)
{
    static const struct {
        const char *path, *compat;
    } cases[] = {
        {"/nonexistent/f.json", "'/nonexistent/f.json': open /nonexistent/f.json: no such file or directory"},
        {"/", "'/': read /: is a directory"},
    };
    for (size_t i = 0; i < KD_COUNT(cases); i++) {
        kd_load_options options = {.path = cases[i].path};
        kd_arena arena;
        kd_errors errors;
        kd_str compat;
        kd_arena_init(&arena, NULL, 0);
        kd_errors_init(&errors, &arena, 10);
        assert_null(kd_config_load(&arena, &options, &errors, &compat));
        assert_str(compat, cases[i].compat);
        assert_int_equal(errors.errors, 1);
        kd_arena_reset(&arena);
    }
}

/* Every allocation of a load fails once: it ends, with or without a service, and never in between. */
static void test_no_memory(void **state)
{
    static const char *const texts[] = {
        ROOT(
            "\"host\":[\"a\"],\"tls\":{\"keys\":[{\"public_key\":\"a\"}]},\"extra_config\":{\"router\":{\"trusted_"
            "proxies\":"
            "[\"1.1.1.1\"]},\"auth/revoker\":{}},\"endpoints\":[{\"endpoint\":\"/a/"
            "{x}\",\"method\":\"post\",\"input_headers\":"
            "[\"x-a\"],\"backend\":[{\"url_pattern\":\"/{x}/{JWT.a}\",\"mapping\":{\"a\":\"b\"},\"method\":\"put\"}]}],"
            "\"async_agent\":[{\"backend\":[{\"host\":[\"b\"]}]}]"),
        ROOT("\"timeout\":\"x\",\"bad\":1,\"endpoints\":[{\"endpoint\":\"/a\",\"backend\":[{\"url_pattern\":\"/"
             "{x}\"}]}]"),
    };
    char *const environment[] = {"KRAKEND_NAME=x", "KRAKEND_A.B=y", NULL};
    kd_load_options options = {.path = "f.json", .environ = environment};
    for (size_t i = 0; i < KD_COUNT(texts); i++) {
        bool done = false;
        /* Small limits make every few allocations ask for memory. */
        for (size_t limit = 4096; !done; limit += 4096) {
            kd_arena arena;
            kd_errors errors;
            kd_loaded loaded;
            kd_arena_init(&arena, NULL, limit);
            /* The space before the text shifts where the chunks end. */
            for (size_t shift = 0; shift < 4096; shift += 8) {
                kd_arena_reset(&arena);
                kd_errors_init(&errors, &arena, 20);
                kd_arena_alloc(&arena, shift);
                kd_config_load_bytes(&arena, &arena, &options, kd_str_from_c(texts[i]), KD_SEVERITY_ERROR, &errors,
                                     &loaded);
                assert_true(loaded.service != NULL || loaded.compat.n > 0);
                assert_true((loaded.status == KD_LOAD_REFUSED) == (loaded.service == NULL));
                done = kd_str_search(loaded.compat, KD_STR("out of memory")) < 0 && limit > 64 * 1024;
            }
            kd_arena_reset(&arena);
        }
        for (long n = 1; n < 60; n++) {
            kd_arena arena;
            kd_errors errors;
            kd_loaded loaded;
            kd_arena_init(&arena, NULL, 0);
            kd_errors_init(&errors, &arena, 20);
            kd_arena_fail_after(n);
            kd_config_load_bytes(&arena, &arena, &options, kd_str_from_c(texts[i]), KD_SEVERITY_ERROR, &errors,
                                 &loaded);
            kd_arena_fail_after(0);
            assert_true((loaded.status == KD_LOAD_REFUSED) == (loaded.service == NULL));
            kd_arena_reset(&arena);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refused),   cmocka_unit_test(test_all_at_once),   cmocka_unit_test(test_warnings),
        cmocka_unit_test(test_clean),     cmocka_unit_test(test_defaults),      cmocka_unit_test(test_coercions),
        cmocka_unit_test(test_extras),    cmocka_unit_test(test_registry),      cmocka_unit_test(test_missing_counted),
        cmocka_unit_test(test_conflicts), cmocka_unit_test(test_environment),   cmocka_unit_test(test_router_options),
        cmocka_unit_test(test_files),     cmocka_unit_test(test_many_findings), cmocka_unit_test(test_report),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
