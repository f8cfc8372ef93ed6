#include "cli/command.h"

#include <stdio.h>
#include <unistd.h>

static void load(kd_arena *arena, kd_errors *errors, const char *path, kd_loaded *loaded)
{
    kd_load_options options = {.path = path, .environ = environ};
    kd_arena_init(arena, NULL, 0);
    kd_errors_init(errors, arena, KD_CLI_FINDINGS_MAX);
    kd_config_load_file(arena, &options, KD_SEVERITY_ERROR, errors, loaded);
}

/* Other collisions than those of equal routes, which loading found: the router tells. */
static void find_conflicts(const kd_args *args, kd_arena *arena, kd_errors *errors, kd_loaded *loaded)
{
    if (loaded->status != KD_LOAD_OK)
        return;
    kd_str panic = kd_cli_routes(args->hooks, arena, loaded->service, errors);
    if (!panic.n)
        return;
    loaded->status = KD_LOAD_CONFLICTS;
    loaded->compat = panic;
}

/* Colliding routes make the reference panic while it starts. */
static int report_failure(const kd_loaded *loaded, const kd_errors *errors)
{
    bool conflict = loaded->status == KD_LOAD_CONFLICTS;
    fprintf(stderr, "%s%.*s\n",
            conflict ? "panic: " : "ERROR parsing the configuration file: ", KD_FMT(loaded->compat));
    kd_cli_findings(errors, KD_SEVERITY_WARNING);
    return conflict ? KD_EXIT_PANIC : KD_EXIT_ERROR;
}

int kd_cli_run(const kd_args *args)
{
    const char *path = kd_args_text(args, "config");
    if (!*path) {
        kd_cli_no_config();
        return 0;
    }
    kd_arena arena;
    kd_errors errors;
    kd_loaded loaded;
    int code;
    load(&arena, &errors, path, &loaded);
    find_conflicts(args, &arena, &errors, &loaded);
    if (loaded.status != KD_LOAD_OK) {
        code = report_failure(&loaded, &errors);
    } else {
        kd_cli_run_options options = {.config = path,
                                      .debug = kd_args_number(args, "debug"),
                                      .port = kd_args_number(args, "port"),
                                      .environment = environ,
                                      .arena = &arena,
                                      .service = loaded.service,
                                      .tree = loaded.tree,
                                      .errors = &errors};
        if (options.debug > 0)
            loaded.service->debug_endpoint = true;
        if (options.port != 0)
            loaded.service->port = options.port;
        code = args->hooks->run(&options);
    }
    kd_arena_reset(&arena);
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
    kd_arena arena;
    kd_errors errors;
    kd_loaded loaded;
    int code = KD_EXIT_FAILED;
    load(&arena, &errors, path, &loaded);
    if (loaded.status == KD_LOAD_OK) {
        kd_cli_explain_options options = {
            .config = path, .request = args->n_rest ? args->rest[0] : NULL, .arena = &arena, .service = loaded.service};
        code = args->hooks->explain(&options);
    } else {
        report_failure(&loaded, &errors);
    }
    kd_arena_reset(&arena);
    return code;
}
