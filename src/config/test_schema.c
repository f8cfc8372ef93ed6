#include "config/schema.h"

#include "lang/jsonschema/jsonschema.h"
#include "text/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

typedef struct fixture {
    kd_arena arena;
    kd_jsonschema *schema;
} fixture;

static int compile(void **state)
{
    static fixture f;
    kd_buf text;
    kd_str error = KD_STR("");
    kd_jsonschema_source source = {.url = KD_STR("file:///schema.json")};
    kd_arena_init(&f.arena, NULL, 0);
    kd_buf_init(&text, KD_CONFIG_SCHEMA_MAX);
    assert_true(kd_config_schema_write(&text, false));
    assert_int_equal(kd_json_read_all(&f.arena, kd_buf_str(&text), &source.schema, &error), KD_JSON_OK);
    f.schema = kd_jsonschema_compile(&f.arena, &source, &error);
    kd_buf_fini(&text);
    if (!f.schema)
        print_error("%.*s\n", KD_FMT(error));
    *state = &f;
    return f.schema ? 0 : -1;
}

static int destroy(void **state)
{
    fixture *f = *state;
    kd_jsonschema_destroy(f->schema);
    kd_arena_reset(&f->arena);
    return 0;
}

#define ENDPOINT(more)                                                                                                 \
    "{\"version\":3,\"endpoints\":[{\"endpoint\":\"/a\",\"backend\":[{\"url_pattern\":\"/b\"" more "}]}]}"
#define SERVICE(more) "{\"version\":3,\"extra_config\":{" more "}}"

static const struct {
    const char *document;
    const char *faults; /* NULL: valid */
} cases[] = {
    {"{\"version\":3}", NULL},
    {"{\"version\":3,\"$schema\":\"x\",\"@a\":1,\"_b\":[],\"#c\":null}", NULL},
    {"{}", "- at '': missing property 'version'"},
    {"[]", "- at '': got array, want object"},
    {"{\"version\":2}", "- at '/version': value must be 3"},
    {"{\"version\":3,\"prot\":1}", "- at '': additional properties 'prot' not allowed"},
    {"{\"version\":3,\"allow_insecure_connections\":true}",
     "- at '': additional properties 'allow_insecure_connections' not allowed"},
    {"{\"version\":3,\"port\":70000}", "- at '/port': maximum: got 70,000, want 65,535"},
    {"{\"version\":3,\"timeout\":\"1m30s\"}",
     "- at '/timeout': '1m30s' does not match pattern '^[0-9]+(ns|ms|us|µs|s|m|h)$'"},
    {"{\"version\":3,\"tls\":null}", NULL},
    {"{\"version\":3,\"tls\":{\"disabled\":true}}",
     "- at '/tls': 'anyOf' failed\n  - at '/tls': missing property 'keys'\n  - at '/tls': got object, want null"},
    {"{\"version\":3,\"plugin\":{\"folder\":\"f/\",\"pattern\":\".so\",\"more\":1}}", NULL},
    {ENDPOINT(""), NULL},
    {ENDPOINT(",\"timeout\":\"1s\""), "- at '/endpoints/0/backend/0': additional properties 'timeout' not allowed"},
    {ENDPOINT(",\"allow\":[\"a\",\"a\"]"), "- at '/endpoints/0/backend/0/allow': items at 0 and 1 are equal"},
    {ENDPOINT(",\"extra_config\":{\"backend/http\":{}}"),
     "- at '/endpoints/0/backend/0/extra_config/backend~1http': 'oneOf' failed, none matched\n"
     "  - at '/endpoints/0/backend/0/extra_config/backend~1http': missing property 'return_error_details'\n"
     "  - at '/endpoints/0/backend/0/extra_config/backend~1http': missing property 'return_error_code'"},
    {"{\"version\":3,\"endpoints\":[{\"endpoint\":\"/a?b\",\"backend\":[]}]}",
     "- at '/endpoints/0': validation failed\n"
     "  - at '/endpoints/0/endpoint': '/a?b' does not match pattern '^\\\\/[^\\\\*\\\\?\\\\&\\\\%]*(\\\\/\\\\*)?$'\n"
     "  - at '/endpoints/0/backend': minItems: got 0, want 1"},
    {SERVICE("\"nope\":{}"), "- at '/extra_config': additional properties 'nope' not allowed"},
    {SERVICE("\"router\":{\"return_error_msg\":\"yes\"}"),
     "- at '/extra_config/router/return_error_msg': got string, want boolean"},
    {SERVICE("\"telemetry/logging\":{\"level\":\"LOUD\"}"),
     "- at '/extra_config/telemetry~1logging/level': value must be one of 'DEBUG', 'INFO', 'WARNING', 'ERROR', "
     "'CRITICAL'"},
    {SERVICE("\"gateway/limits\":{\"max_connections\":5}"), NULL},
};

static void test_documents(void **state)
{
    fixture *f = *state;
    for (size_t i = 0; i < KD_COUNT(cases); i++) {
        kd_value document;
        kd_str error = KD_STR("");
        const kd_jsonschema_fault *faults = NULL;
        kd_buf text;
        kd_buf_init(&text, 1u << 20);
        assert_int_equal(kd_json_read_all(&f->arena, kd_str_from_c(cases[i].document), &document, &error), KD_JSON_OK);
        kd_jsonschema_result result = kd_jsonschema_validate(f->schema, &f->arena, document, &faults);
        assert_int_equal(result, cases[i].faults ? KD_JSONSCHEMA_INVALID : KD_JSONSCHEMA_VALID);
        if (cases[i].faults) {
            kd_jsonschema_print(&text, faults, false);
            kd_buf_byte(&text, 0);
            assert_string_equal(text.p, cases[i].faults);
        }
        kd_buf_fini(&text);
    }
}

/* With texts for people it says the same. */
static void test_texts(void **state)
{
    fixture *f = *state;
    kd_value schema;
    kd_str error = KD_STR("");
    kd_buf plain, full;
    kd_buf_init(&plain, KD_CONFIG_SCHEMA_MAX);
    kd_buf_init(&full, KD_CONFIG_SCHEMA_MAX);
    assert_true(kd_config_schema_write(&plain, false));
    assert_true(kd_config_schema_write(&full, true));
    assert_true(full.n > plain.n);
    assert_int_equal(kd_json_read_all(&f->arena, kd_buf_str(&full), &schema, &error), KD_JSON_OK);
    assert_true(kd_str_search(kd_buf_str(&full), KD_STR("\"description\":\"Port on which")) > 0);
    kd_buf_fini(&plain);
    kd_buf_fini(&full);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_documents),
        cmocka_unit_test(test_texts),
    };
    return cmocka_run_group_tests(tests, compile, destroy);
}
