#include "cli/command.h"

#include <stdio.h>
#include <unistd.h>

/* What was loaded for a command, and what was found. The findings have an arena of their own: the hooks may end that of
 * the service. */
typedef struct session {
    kd_arena arena, notes;
    kd_errors errors;
    kd_loaded loaded; /* its compat is in `notes`, its tree is gone */
} session;

/* The routes are tested when they are built to be served; only where equal ones were found already is it worth knowing
 * which collision the reference would have met first. */
static void load(session *s, const kd_args *args, const char *path)
{
    kd_load_options options = {.path = path, .environ = environ};
    kd_arena work;
    kd_arena_init(&work, NULL, 0);
    kd_arena_init(&s->arena, NULL, 0);
    kd_arena_init(&s->notes, NULL, 0);
    kd_errors_init(&s->errors, &s->notes, KD_CLI_FINDINGS_MAX);
    kd_config_load_file(&s->arena, &work, &options, KD_SEVERITY_ERROR, &s->errors, &s->loaded);
    kd_str compat = s->loaded.compat;
    if (s->loaded.status == KD_LOAD_CONFLICTS) {
        kd_str panic = kd_cli_routes(args->hooks, &s->notes, s->loaded.service, &s->errors);
        compat = panic.n ? panic : compat;
    }
    s->loaded.compat = kd_arena_copy(&s->notes, compat);
    s->loaded.tree = NULL;
    s->loaded.text = KD_STR("");
    kd_config_work_end(&work);
}

static void end(session *s)
{
    kd_arena_reset(&s->arena);
    kd_arena_reset(&s->notes);
}

/* Colliding routes make the reference panic while it starts. */
static int report_failure(const kd_loaded *loaded, const kd_errors *errors)
{
    bool conflict = loaded->status == KD_LOAD_CONFLICTS;
    fprintf(stderr, "%s%.*s\n",
            conflict ? "panic: " : "ERROR parsing the configuration file: ", KD_FMT(loaded->compat));
    if (!loaded->empty)
        kd_cli_findings(errors, KD_SEVERITY_WARNING);
    return conflict || kd_cli_panics(errors) ? KD_EXIT_PANIC : KD_EXIT_ERROR;
}

int kd_cli_run(const kd_args *args)
{
    const char *path = kd_args_text(args, "config");
    if (!*path) {
        kd_cli_no_config();
        return 0;
    }
    session s;
    int code;
    load(&s, args, path);
    if (s.loaded.status != KD_LOAD_OK) {
        code = report_failure(&s.loaded, &s.errors);
    } else {
        kd_cli_run_options options = {.config = path,
                                      .debug = kd_args_number(args, "debug"),
                                      .port = kd_args_number(args, "port"),
                                      .environment = environ,
                                      .arena = &s.arena,
                                      .service = s.loaded.service,
                                      .errors = &s.errors};
        if (options.debug > 0)
            options.service->debug_endpoint = true;
        if (options.port != 0)
            options.service->port = options.port;
        code = args->hooks->run(&options);
    }
    end(&s);
    return code;
}

int kd_cli_explain(const kd_args *args)
{
    const char *path = kd_args_text(args, "config");
    if (!*path) {
        kd_cli_no_config();
        return KD_EXIT_FAILED;
    }
    if (!args->hooks->explain) {
        fprintf(stderr, "explain is not available in this version\n");
        return KD_EXIT_FAILED;
    }
    session s;
    int code = KD_EXIT_FAILED;
    load(&s, args, path);
    if (s.loaded.status == KD_LOAD_OK) {
        kd_cli_explain_options options = {.config = path,
                                          .request = args->n_rest ? args->rest[0] : NULL,
                                          .arena = &s.arena,
                                          .service = s.loaded.service};
        code = args->hooks->explain(&options);
    } else {
        report_failure(&s.loaded, &s.errors);
    }
    end(&s);
    return code;
}
