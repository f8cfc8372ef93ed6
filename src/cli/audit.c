#include "cli/audit.h"

#include "cli/command.h"
#include "config/file.h"

#include <stdio.h>
#include <unistd.h>

#define IGNORED_MAX 10000u /* ids that -i and -I name; more are not looked at */
#define IGNORE_FILE ((size_t)16 << 20)
#define OUTPUT_MAX  (64u << 20)

static const char plain[] = "{{ range .Recommendations }}{{.Rule}}\t[{{.Severity}}]   \t{{.Message}}\n{{ end }}";
static const char coloured[] =
    "{{ range .Recommendations }}{{.Rule}}\t[{{colored .Severity}}]   \t{{.Message}}\n{{ end }}";

static int fail(const char *title, kd_str why)
{
    kd_cli_error(title);
    fprintf(stderr, "\t%.*s\n\n", KD_FMT(why));
    return KD_EXIT_FAILED;
}

/* The text without its blanks. */
static kd_str squeeze(kd_arena *arena, kd_str text)
{
    char *to = kd_arena_alloc(arena, text.n + 1);
    size_t n = 0;
    for (size_t i = 0; to && i < text.n; i++)
        if (text.p[i] != ' ')
            to[n++] = text.p[i];
    return to ? kd_str_of(to, n) : KD_STR("");
}

static void collect(kd_str list, char separator, kd_str *ids, uint32_t *n)
{
    kd_str piece;
    while (*n < IGNORED_MAX && kd_str_split(&list, separator, &piece))
        if (piece.n)
            ids[(*n)++] = piece;
}

/* What was rendered goes out also when the template fails half-way, as the reference writes while it renders. */
static int render(kd_arena *arena, const kd_args *args, const kd_audit_result *result)
{
    kd_str template = kd_str_from_c(kd_args_text(args, "format")), error = KD_STR("");
    kd_buf out;
    bool parsed = false;
    kd_buf_init(&out, OUTPUT_MAX);
    if (!template.n)
        template = kd_str_from_c(kd_cli_is_terminal() ? coloured : plain);
    bool ok = kd_audit_render(arena, template, result, &out, &error, &parsed);
    if (out.n)
        fwrite(out.p, 1, out.n, stderr);
    kd_buf_fini(&out);
    if (!ok)
        return fail(parsed ? "ERROR rendering the results:" : "ERROR parsing the template:", error);
    return result->n ? KD_EXIT_FAILED : 0;
}

static int audit(kd_arena *arena, const kd_args *args, const kd_service *service)
{
    kd_str *ids = kd_arena_alloc(arena, IGNORED_MAX * sizeof(*ids)), file = KD_STR(""), error = KD_STR("");
    uint32_t n = 0;
    const char *path = kd_args_text(args, "ignore-file");
    if (!ids)
        return fail("ERROR auditing the configuration file:", KD_STR("out of memory"));
    collect(squeeze(arena, kd_str_from_c(kd_args_text(args, "ignore"))), ',', ids, &n);
    if (*path && !kd_file_read(arena, path, IGNORE_FILE, &file, &error))
        return fail("ERROR accessing the ignore file:", error);
    collect(squeeze(arena, file), '\n', ids, &n);
    kd_audit_result result;
    kd_audit_run(arena, service, squeeze(arena, kd_str_from_c(kd_args_text(args, "severity"))), ids, n, &result);
    return render(arena, args, &result);
}

int kd_cli_audit(const kd_args *args)
{
    const char *path = kd_args_text(args, "config");
    if (!*path) {
        kd_cli_no_config();
        return KD_EXIT_FAILED;
    }
    kd_arena arena;
    kd_errors errors;
    kd_loaded loaded;
    kd_load_options options = {.path = path, .environ = environ};
    int code = KD_EXIT_FAILED;
    kd_arena_init(&arena, NULL, 0);
    kd_errors_init(&errors, &arena, KD_CLI_FINDINGS_MAX);
    kd_config_load_file(&arena, &arena, &options, KD_SEVERITY_WARNING, &errors, &loaded);
    if (loaded.status == KD_LOAD_OK) {
        code = audit(&arena, args, loaded.service);
    } else {
        fail("ERROR parsing the configuration file:", loaded.compat);
        if (kd_cli_is_terminal())
            kd_cli_findings(&errors, KD_SEVERITY_WARNING);
    }
    kd_arena_reset(&arena);
    return code;
}
