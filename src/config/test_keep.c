#include "config/builtin.h"
#include "config/keep.h"
#include "config/load_bytes.h"

#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define ENDPOINTS   1000
#define BUDGET_EACH 900u /* bytes of the model for one endpoint of the test below */

static void assert_str(kd_str got, const char *want)
{
    if (!kd_str_eq(got, kd_str_from_c(want)))
        fail_msg("got \"%.*s\", want \"%s\"", KD_FMT(got), want);
}

/* Loads a copy of the text, then ends all that is not kept: a sanitizer sees what still points there. */
static kd_service *load(kd_arena *arena, kd_errors *errors, const char *text)
{
    kd_load_options options = {.path = "f.json"};
    kd_arena work;
    kd_loaded loaded;
    kd_arena_init(&work, NULL, 0);
    kd_str copy = kd_arena_copy(&work, kd_str_from_c(text));
    kd_config_load_bytes(arena, &work, &options, copy, KD_SEVERITY_ERROR, errors, &loaded);
    kd_config_work_end(&work);
    return loaded.service;
}

static const char everything[] =
    "{\"version\":3,\"name\":\"n\",\"host\":[\"http://a\",\"http://"
    "b\"],\"tls\":{\"keys\":[{\"public_key\":\"p\",\"private_key\":\"q\"}]},"
    "\"extra_config\":{\"x/y\":{\"list\":[1,\"two\",{\"three\":null}],\"z\":true}},"
    "\"endpoints\":[{\"endpoint\":\"/a/{id}\",\"method\":\"post\",\"input_headers\":[\"x-a\"],"
    "\"input_query_strings\":[\"q\"],\"backend\":[{\"url_pattern\":\"/b/{id}/c\",\"mapping\":{\"a\":\"b\"},"
    "\"allow\":[\"q\"],\"deny\":[],\"group\":\"\"}]},{\"endpoint\":\"/d\",\"backend\":[{\"url_pattern\":\"/e\","
    "\"host\":[\"http://a\",\"http://b\"]}]}],"
    "\"async_agent\":[{\"name\":\"g\",\"consumer\":{\"topic\":\"t\"},\"backend\":[{\"url_pattern\":\"/h\"}]}]}";

static void check_everything(const kd_service *s)
{
    const kd_endpoint *e = &s->endpoints[0];
    const kd_backend *b = &e->backends[0];
    assert_str(s->file, "f.json");
    assert_str(s->name, "n");
    assert_str(kd_node_get(kd_node_get(s->tls, KD_STR("keys"))->first, KD_STR("public_key"))->text, "p");
    const kd_node *block = kd_extra_find(&s->extra, KD_STR("x/y")), *list = kd_node_get(block, KD_STR("list"));
    assert_true(kd_node_typed(block, KD_STR("z"), KD_NODE_BOOL)->boolean);
    assert_int_equal(list->n, 3);
    assert_true(list->first->number == 1);
    assert_str(list->first->next->text, "two");
    assert_str(list->first->next->next->first->key, "three");
    assert_null(list->first->next->next->next);
    assert_int_equal(list->at->line, 1);
    assert_str(list->key_at->file, "f.json");
    assert_str(e->path, "/a/{id}");
    assert_str(e->route, "/a/:id");
    assert_str(e->method, "post");
    assert_str(e->method_upper, "POST");
    assert_str(e->params.v[0], "id");
    assert_str(e->input_headers.v[0], "X-A");
    assert_str(e->output_encoding, "json");
    assert_str(b->url_pattern.source, "/b/{id}/c");
    assert_str(b->url_pattern.template, "/b/{{.Id}}/c");
    assert_int_equal(b->url_pattern.n, 3);
    assert_str(b->url_pattern.pieces[0].text, "/b/");
    assert_str(b->url_pattern.pieces[1].text, "Id");
    assert_str(b->url_pattern.pieces[2].text, "/c");
    assert_str(b->mapping[0].to, "b");
    assert_str(b->encoding, "json");
    assert_int_equal(b->deny.n, 0);
    assert_int_equal(b->at->file.n, 6);
    assert_str(s->endpoints[1].backends[0].url_pattern.template, "/e");
    uint32_t n;
    const kd_agent *agents = kd_service_agents(s, &n);
    assert_int_equal(n, 1);
    assert_str(agents[0].topic, "t");
    assert_str(((kd_backend *)agents[0].backends.v)[0].hosts.v[1], "http://b");
}

static void test_nothing_points_back(void **state)
{
    kd_arena arena, notes;
    kd_errors errors;
    kd_arena_init(&arena, NULL, 0);
    kd_arena_init(&notes, NULL, 0);
    kd_errors_init(&errors, &notes, 10);
    kd_service *s = load(&arena, &errors, everything);
    assert_non_null(s);
    assert_ptr_equal(s->arena, &arena);
    check_everything(s);
    /* equal texts and lists are there once */
    const kd_backend *b = &s->endpoints[0].backends[0], *c = &s->endpoints[1].backends[0];
    assert_ptr_equal(b->hosts.v, s->hosts.v);
    assert_ptr_equal(c->hosts.v, s->hosts.v);
    assert_ptr_equal(b->allow.v, s->endpoints[0].input_query_strings.v);
    assert_ptr_equal(b->encoding.p, s->endpoints[0].output_encoding.p);
    /* the model's arena may end before the findings */
    kd_arena_reset(&arena);
    assert_int_equal(errors.warnings, 1);
    assert_str(errors.first->key, "extra_config.x/y");
    assert_str(errors.first->at->file, "f.json");
    kd_arena_reset(&notes);
}

static void test_refused_leaves_findings(void **state)
{
    kd_arena arena, notes;
    kd_errors errors;
    kd_arena_init(&arena, NULL, 0);
    kd_arena_init(&notes, NULL, 0);
    kd_errors_init(&errors, &notes, 10);
    assert_null(load(&arena, &errors, "{\"version\":3,\"hosts\":[],\"timeout\":\"1\"}"));
    kd_arena_reset(&arena);
    assert_int_equal(errors.count, 2);
    for (const kd_error *e = errors.first; e; e = e->next) {
        assert_int_equal(e->at->line, 1);
        assert_str(e->at->file, "f.json");
        assert_true(e->key.n > 0);
        if (e->severity == KD_SEVERITY_WARNING)
            assert_str(e->suggestion, "did you mean \"host\"?");
        else
            assert_str(e->compat, "'timeout' time: missing unit in duration");
    }
    kd_arena_reset(&notes);
}

static void test_budget(void **state)
{
    kd_buf text;
    kd_arena arena, notes;
    kd_errors errors;
    kd_buf_init(&text, 1u << 20);
    kd_arena_init(&arena, NULL, 0);
    kd_arena_init(&notes, NULL, 0);
    kd_errors_init(&errors, &notes, 10);
    kd_buf_printf(&text, "{\"version\":3,\"host\":[\"http://h\"],\"endpoints\":[");
    for (unsigned i = 0; i < ENDPOINTS; i++)
        kd_buf_printf(&text,
                      "%s{\"endpoint\":\"/e%u/{id}\",\"input_query_strings\":[\"a\",\"b\"],\"backend\":[{\"url_"
                      "pattern\":\"/b%u/{id}\",\"allow\":[\"a\",\"b.c\"],\"group\":\"g\"}]}",
                      i ? "," : "", i, i);
    kd_buf_printf(&text, "]}%c", 0);
    const kd_service *s = load(&arena, &errors, text.p);
    assert_non_null(s);
    assert_int_equal(s->n_endpoints, ENDPOINTS);
    if (arena.taken > ENDPOINTS * BUDGET_EACH)
        fail_msg("%zu bytes for %u endpoints", arena.taken, ENDPOINTS);
    kd_arena_reset(&arena);
    kd_arena_reset(&notes);
    kd_buf_fini(&text);
}

/* The kept service lacks memory at any point: NULL, and nothing else happens. */
static void test_no_memory(void **state)
{
    bool done = false;
    for (size_t limit = 512; !done; limit += 64) {
        kd_arena arena, work;
        kd_errors errors;
        kd_loaded loaded;
        kd_load_options options = {.path = "f.json"};
        kd_arena_init(&arena, NULL, limit);
        kd_arena_init(&work, NULL, 0);
        kd_errors_init(&errors, &work, 10);
        kd_config_load_bytes(&arena, &work, &options, kd_str_from_c(everything), KD_SEVERITY_ERROR, &errors, &loaded);
        done = loaded.service != NULL;
        if (done)
            check_everything(loaded.service);
        else
            assert_true(kd_str_search(loaded.compat, KD_STR("out of memory")) >= 0);
        kd_arena_reset(&arena);
        kd_arena_reset(&work);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_points_back),
        cmocka_unit_test(test_refused_leaves_findings),
        cmocka_unit_test(test_budget),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
