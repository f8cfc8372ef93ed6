#include "cli/lint.h"

#include "cli/http_get.h"
#include "config/file.h"
#include "config/schema.h"
#include "lang/jsonschema/jsonschema.h"
#include "text/go/path.h"
#include "text/go/url.h"
#include "text/json.h"

#include <stdio.h>
#include <unistd.h>

#define SCHEMA_FILE_MAX ((size_t)16 << 20) /* of a schema that -s or a reference names */
#define FAULTS_TEXT_MAX (4u << 20)

bool kd_cli_wants_lint(const kd_args *args)
{
    return kd_args_number(args, "lint") || kd_args_number(args, "lint-no-network") ||
           *kd_args_text(args, "lint-schema");
}

static bool fail(const char *title, kd_str why)
{
    kd_cli_error(title);
    fprintf(stderr, "\t%.*s\n\n", KD_FMT(why));
    return false;
}

/* ---- where schemas come from */

/* An argument as the URL it stands for: a path is made absolute, as filepath.Abs does. p is NULL without memory. */
static kd_str url_of(kd_arena *arena, kd_str location)
{
    if (kd_str_search(location, KD_STR("://")) > 0)
        return location;
    char cwd[4096];
    if (kd_str_starts(location, KD_STR("/")) || !getcwd(cwd, sizeof(cwd)))
        cwd[0] = 0;
    kd_str path = kd_go_path_clean(arena, kd_arena_printf(arena, "%s/%.*s", cwd, KD_FMT(location)));
    return path.p ? kd_arena_printf(arena, "file://%.*s", KD_FMT(path)) : path;
}

/* One JSON document, as the reference's reader of schemas words what is wrong with it. */
static bool read_json(kd_arena *arena, kd_str text, kd_value *out, kd_str *error)
{
    kd_str ignored = KD_STR("");
    char *copy = kd_arena_alloc(arena, text.n + KD_JSON_PAD);
    if (!copy) {
        *error = KD_STR("out of memory");
        return false;
    }
    memcpy(copy, text.p, text.n);
    kd_json_result result = kd_json_read(NULL, arena, copy, text.n, out, error);
    if (result == KD_JSON_NO_MEMORY)
        *error = KD_STR("out of memory");
    if (result != KD_JSON_OK)
        return false;
    if (kd_json_read_all(arena, text, out, &ignored) == KD_JSON_OK)
        return true;
    *error = KD_STR("invalid character after top-level value");
    return false;
}

static bool load_file(kd_arena *arena, kd_str url, kd_value *out, kd_str *error)
{
    kd_str path, bad, text;
    if (!kd_go_url_unescape(arena, kd_str_from(url, strlen("file://")), false, &path, &bad)) {
        *error = kd_arena_printf(arena, "parse \"%.*s\": invalid URL escape \"%.*s\"", KD_FMT(url), KD_FMT(bad));
        return false;
    }
    path = path.p ? kd_arena_copy(arena, path) : path;
    if (!path.p) {
        *error = KD_STR("out of memory");
        return false;
    }
    return kd_file_read(arena, path.p, SCHEMA_FILE_MAX, &text, error) && read_json(arena, text, out, error);
}

/* The document of a URL: kd_jsonschema_source.load. */
static bool load(void *context, kd_arena *arena, kd_str url, kd_value *out, kd_str *error)
{
    if (kd_str_starts(url, KD_STR("file://")))
        return load_file(arena, url, out, error);
    if (kd_str_starts(url, KD_STR("http://")) || kd_str_starts(url, KD_STR("https://"))) {
        kd_str text;
        return kd_cli_http_get(arena, url, SCHEMA_FILE_MAX, &text, error) && read_json(arena, text, out, error);
    }
    *error = kd_arena_printf(arena, "no URLLoader registered for %.*s", KD_FMT(url));
    return false;
}

/* ---- the two kinds of schemas */

static kd_jsonschema *compile_named(kd_arena *arena, kd_str location, kd_str *error)
{
    kd_jsonschema_source source = {.url = url_of(arena, location), .load = load};
    if (!source.url.p) {
        *error = KD_STR("out of memory");
        return NULL;
    }
    kd_str why = KD_STR("");
    if (!load(NULL, arena, source.url, &source.schema, &why)) {
        *error = kd_arena_printf(arena, "failing loading \"%.*s\": %.*s", KD_FMT(source.url), KD_FMT(why));
        return NULL;
    }
    return kd_jsonschema_compile(arena, &source, error);
}

/* The gateway's own, under the name that the reference gives its own. With -l the reference loads it from its maker's
 * server: here nothing is asked of anyone, the built-in schema stands for that one under its name. */
static kd_jsonschema *compile_builtin(kd_arena *arena, bool online, kd_str *error)
{
    kd_buf text;
    kd_jsonschema_source source = {0};
    kd_jsonschema *schema = NULL;
    int major = 0, minor = 0;
    kd_buf_init(&text, KD_CONFIG_SCHEMA_MAX);
    if (sscanf(KD_COMPAT_VERSION, "%d.%d", &major, &minor) == 2 && online)
        source.url = kd_arena_printf(arena, "https://www.krakend.io/schema/v%d.%d/krakend.json", major, minor);
    else
        source.url = url_of(arena, KD_STR("schema.json"));
    *error = KD_STR("out of memory");
    if (source.url.p && kd_config_schema_write(&text, false) &&
        kd_json_read_all(arena, kd_buf_str(&text), &source.schema, error) == KD_JSON_OK)
        schema = kd_jsonschema_compile(arena, &source, error);
    kd_buf_fini(&text);
    return schema;
}

/* ---- linting */

static bool validate(kd_arena *arena, const kd_jsonschema *schema, kd_value document)
{
    static const char title[] = "ERROR linting the configuration file:";
    const kd_jsonschema_fault *faults = NULL;
    kd_jsonschema_result result = kd_jsonschema_validate(schema, arena, document, &faults);
    if (result == KD_JSONSCHEMA_VALID)
        return true;
    if (result != KD_JSONSCHEMA_INVALID)
        return fail(title, result == KD_JSONSCHEMA_NO_MEMORY ? KD_STR("out of memory")
                                                             : KD_STR("the schema is too complex for this file"));
    kd_buf text;
    kd_buf_init(&text, FAULTS_TEXT_MAX);
    kd_jsonschema_print(&text, faults, true);
    fail(title, kd_buf_str(&text));
    kd_buf_fini(&text);
    return false;
}

bool kd_cli_lint(const kd_args *args, kd_arena *arena, const kd_loaded *loaded)
{
    kd_value document;
    kd_str error = KD_STR("");
    if (kd_json_read_all(arena, loaded->text, &document, &error) != KD_JSON_OK)
        return fail("ERROR converting configuration content to JSON:", error);
    kd_str location = kd_str_from_c(kd_args_text(args, "lint-schema"));
    kd_jsonschema *schema = location.n ? compile_named(arena, location, &error)
                                       : compile_builtin(arena, kd_args_number(args, "lint"), &error);
    if (!schema)
        return fail("ERROR compiling the schema:", error);
    bool ok = validate(arena, schema, document);
    kd_jsonschema_destroy(schema);
    return ok;
}

int kd_cli_schema(const kd_args *args)
{
    kd_buf text;
    kd_buf_init(&text, KD_CONFIG_SCHEMA_MAX);
    bool ok = kd_config_schema_write(&text, true);
    kd_buf_byte(&text, '\n');
    if (ok)
        fwrite(text.p, 1, text.n, stdout);
    kd_buf_fini(&text);
    return ok ? 0 : KD_EXIT_FAILED;
}
