#include "cli/audit.h"

#include "config/load.h"
#include "config/load_bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define BACKEND "\"backend\":[{\"url_pattern\":\"/\"}]"
#define SERVICE(more)                                                                                                  \
    "{\"version\":3,\"host\":[\"http://h\"],\"endpoints\":[{\"endpoint\":\"/a\"," BACKEND "}]" more "}"

static void audit(kd_arena *arena, const char *configuration, const char *severities, kd_audit_result *out)
{
    kd_errors errors;
    kd_loaded loaded;
    kd_load_options options = {.path = "k.json"};
    kd_errors_init(&errors, arena, 100);
    kd_config_load_bytes(arena, arena, &options, kd_arena_copy(arena, kd_str_from_c(configuration)),
                         KD_SEVERITY_WARNING, &errors, &loaded);
    assert_int_equal(loaded.status, KD_LOAD_OK);
    kd_str ignored[] = {KD_STR_INIT("1.2.1"), KD_STR_INIT("2.1.2"), KD_STR_INIT("2.1.7"), KD_STR_INIT("2.2.2")};
    kd_audit_run(arena, loaded.service, kd_str_from_c(severities), ignored, KD_COUNT(ignored), out);
}

static void test_rules(void **state)
{
    static const struct {
        const char *configuration, *ids;
    } cases[] = {
        {SERVICE(""), "3.1.2 3.1.3"},
        {SERVICE(",\"tls\":{\"disabled\":true}"), "2.1.3 3.1.2 3.1.3"},
        {SERVICE(",\"use_h2c\":true"), "2.1.8 3.1.2 3.1.3"},
        {SERVICE(",\"client_tls\":{\"allow_insecure_connections\":true}"), "2.1.1 3.1.2 3.1.3"},
        {SERVICE(",\"timeout\":\"30001ms\""), "3.1.2 3.1.3 3.3.3"},
        {SERVICE(",\"timeout\":\"60001ms\""), "3.1.2 3.1.3 3.3.3 3.3.4"},
        {SERVICE(",\"extra_config\":{\"qos/ratelimit/service\":{}}"), "3.1.3"},
        {SERVICE(",\"extra_config\":{\"plugin/http-server\":{\"name\":[\"basic-auth\",\"redis-ratelimit\"]}}"),
         "1.1.1 3.1.3 7.1.3"},
        {SERVICE(",\"extra_config\":{\"telemetry/opencensus\":{}}"), "3.1.2 3.1.3"},
        {SERVICE(",\"extra_config\":{\"telemetry/opencensus\":{\"exporters\":{}},\"telemetry/metrics\":{}}"),
         "3.1.2 3.1.3 4.1.3 7.2.3"},
    };
    for (size_t i = 0; i < KD_COUNT(cases); i++) {
        kd_arena arena;
        kd_audit_result result;
        kd_buf ids;
        kd_arena_init(&arena, NULL, 0);
        kd_buf_init(&ids, 4096);
        audit(&arena, cases[i].configuration, "HIGH,CRITICAL", &result);
        for (uint32_t j = 0; j < result.n; j++)
            kd_buf_printf(&ids, "%s%s", j ? " " : "", result.v[j]->id);
        kd_buf_byte(&ids, 0);
        assert_string_equal(ids.p, cases[i].ids);
        kd_buf_fini(&ids);
        kd_arena_reset(&arena);
    }
}

static const struct {
    const char *template, *text, *error;
} templates[] = {
    {"text only", "text only", NULL},
    {"{{ len .Recommendations }}", "3", NULL},
    {"{{ .Stats }}", "{}", NULL},
    {"{{ range $i, $r := .Recommendations }}{{ $i }}:{{ $r.Rule }};{{ end }}", "0:3.1.1;1:5.2.2;2:5.2.3;", NULL},
    {"{{ range .Recommendations }}{{ if eq .Rule \"5.2.2\" }}{{ printf \"%-8s|\" .Rule }}{{ end }}{{ end }}",
     "5.2.2   |", NULL},
    {"{{ marshal (index .Recommendations 0) }}",
     "{\"rule\":\"3.1.1\",\"severity\":\"LOW\",\"message\":\"Enable a bot detector.\"}", NULL},
    {"{{ colored \"LOW\" }}", "\033[32;1mLOW\033[0m", NULL},
    {"a {{- /* b */ -}} c", "ac", NULL},
    {"a {{- `b` -}} c", "abc", NULL},
    {"{{ $x := 3 }}{{ with $x }}{{ . }}{{ else }}0{{ end }}", "3", NULL},
    {"{{ if false }}a{{ else if true }}b{{ else }}c{{ end }}", "b", NULL},
    {"{{ range .Recommendations }}{{ .Rule }}{{ break }}{{ end }}", "3.1.1", NULL},
    {"{{ `a` | printf `%s-%s` `b` }}", "b-a", NULL},
    {"{{ .Nope }}", "",
     "template: audit:1:3: executing \"audit\" at <.Nope>: can't evaluate field Nope in type audit.AuditResult"},
    {"{{ range", "", "template: audit:1: unclosed action"},
    {"{{ upper `x` }}", "", "template: audit:1: function \"upper\" not defined"},
    {"\n{{ end }}", "", "template: audit:2: unexpected {{end}}"},
    {"{{ if true }}x", "", "template: audit:1: unexpected EOF"},
    {"{{ $x }}", "", "template: audit:1: undefined variable \"$x\""},
};

static void test_templates(void **state)
{
    kd_arena arena;
    kd_audit_result result;
    kd_arena_init(&arena, NULL, 0);
    audit(&arena, SERVICE(",\"output_encoding\":\"no-op\""), "LOW", &result);
    assert_int_equal(result.n, 3);
    for (size_t i = 0; i < KD_COUNT(templates); i++) {
        kd_buf out;
        kd_str error = KD_STR("");
        bool parsed;
        kd_buf_init(&out, 1u << 20);
        bool ok = kd_audit_render(&arena, kd_str_from_c(templates[i].template), &result, &out, &error, &parsed);
        kd_buf_byte(&out, 0);
        assert_string_equal(out.p, templates[i].text);
        assert_int_equal(ok, templates[i].error == NULL);
        if (templates[i].error && !kd_str_eq(error, kd_str_from_c(templates[i].error)))
            fail_msg("%.*s", KD_FMT(error));
        kd_buf_fini(&out);
    }
    kd_arena_reset(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rules),
        cmocka_unit_test(test_templates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
