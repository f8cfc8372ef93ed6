/* The JSON Schema Test Suite, read from the folder that SUITES names: all of the required tests must pass, the optional
 * ones are counted. The suite's own remote documents stand for http://localhost:1234/. */
#include "lang/jsonschema/jsonschema.h"
#include "text/json.h"
#include "text/test_table.h"

#include <dirent.h>

static const char *folder;

typedef struct score {
    unsigned passed, failed;
} score;

static kd_value read_json(kd_arena *arena, const char *path)
{
    kd_value value;
    kd_str error;
    FILE *file = fopen(path, "r");
    if (!file)
        return KD_VALUE_ABSENT;
    size_t cap = 4u << 20;
    char *text = kd_arena_alloc(arena, cap + KD_JSON_PAD);
    size_t n = fread(text, 1, cap, file);
    fclose(file);
    if (kd_json_read(NULL, arena, text, n, &value, &error) != KD_JSON_OK)
        fail_msg("%s: %.*s", path, KD_FMT(error));
    return value;
}

static bool load(void *context, kd_arena *arena, kd_str url, kd_value *out, kd_str *error)
{
    kd_str origin = KD_STR("http://localhost:1234/");
    char path[1024];
    *error = KD_STR("not a document of the suite");
    if (!kd_str_starts(url, origin))
        return false;
    snprintf(path, sizeof(path), "%s/remotes/%.*s", folder, KD_FMT(kd_str_from(url, origin.n)));
    *out = read_json(arena, path);
    return out->type != KD_ABSENT;
}

static kd_str text_of(kd_value object, kd_str key)
{
    kd_value v = kd_value_get(object, key);
    return v.type == KD_STRING ? kd_value_text(v) : KD_STR("");
}

/* One group: a schema and its tests. */
static void run_group(kd_arena *arena, const char *name, kd_value group, kd_jsonschema_draft draft, bool optional,
                      score *out)
{
    kd_jsonschema_source source = {.url = KD_STR("http://suite.test/schema.json"),
                                   .schema = kd_value_get(group, KD_STR("schema")),
                                   .draft = draft,
                                   .assert_format = optional,
                                   .load = load};
    kd_str error, key;
    kd_value test;
    kd_jsonschema *schema = kd_jsonschema_compile(arena, &source, &error);
    kd_value tests = kd_value_get(group, KD_STR("tests"));
    for (kd_value_iter iter = kd_value_each(tests); kd_value_next(&iter, &key, &test);) {
        kd_value data = kd_value_get(test, KD_STR("data")), valid = kd_value_get(test, KD_STR("valid"));
        kd_jsonschema_result wanted = valid.boolean ? KD_JSONSCHEMA_VALID : KD_JSONSCHEMA_INVALID;
        const kd_jsonschema_fault *fault;
        if (schema && kd_jsonschema_validate(schema, arena, data, &fault) == wanted) {
            out->passed++;
            continue;
        }
        out->failed++;
        if (!optional)
            printf("FAIL %s: %.*s: %.*s %.*s\n", name, KD_FMT(text_of(group, KD_STR("description"))),
                   KD_FMT(text_of(test, KD_STR("description"))), schema ? 0 : (int)error.n, error.p);
    }
    kd_jsonschema_destroy(schema);
}

static void run_folder(const char *path, kd_jsonschema_draft draft, bool optional, score *out)
{
    DIR *dir = opendir(path);
    const struct dirent *entry;
    assert_non_null(dir);
    while ((entry = readdir(dir))) {
        char name[1024];
        snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
        kd_str file = kd_str_from_c(entry->d_name), key;
        kd_value group;
        if (optional && kd_str_eq(file, KD_STR("format")))
            run_folder(name, draft, true, out);
        if (!kd_str_ends(file, KD_STR(".json")))
            continue;
        kd_arena arena;
        kd_arena_init(&arena, NULL, 0);
        kd_value groups = read_json(&arena, name);
        for (kd_value_iter iter = kd_value_each(groups); kd_value_next(&iter, &key, &group);)
            run_group(&arena, name + strlen(folder) + 1, group, draft, optional, out);
        kd_arena_reset(&arena);
    }
    closedir(dir);
}

static void test_suite(void **state)
{
    static const struct {
        const char *name;
        kd_jsonschema_draft draft;
    } drafts[] = {
        {"draft4", KD_DRAFT_4},          {"draft6", KD_DRAFT_6},          {"draft7", KD_DRAFT_7},
        {"draft2019-09", KD_DRAFT_2019}, {"draft2020-12", KD_DRAFT_2020},
    };
    static char path[512], at[1024];
    const char *suites = getenv("SUITES");
    snprintf(path, sizeof(path), "%s/peer/json-schema-test-suite", suites ? suites : "../shared");
    folder = path;
    DIR *dir = opendir(folder);
    if (!dir) {
        printf("the JSON Schema Test Suite is not beside the checkout: skipped\n");
        skip();
    }
    closedir(dir);
    unsigned failed = 0;
    for (size_t i = 0; i < KD_COUNT(drafts); i++) {
        score required = {0, 0}, optional = {0, 0};
        snprintf(at, sizeof(at), "%s/%s", folder, drafts[i].name);
        run_folder(at, drafts[i].draft, false, &required);
        snprintf(at, sizeof(at), "%s/%s/optional", folder, drafts[i].name);
        run_folder(at, drafts[i].draft, true, &optional);
        printf("%s: %u passed, %u failed; optional: %u passed, %u failed\n", drafts[i].name, required.passed,
               required.failed, optional.passed, optional.failed);
        assert_true(required.passed > 500);
        failed += required.failed;
    }
    assert_int_equal(failed, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_suite)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
