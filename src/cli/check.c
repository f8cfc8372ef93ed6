#include "cli/lint.h"

#include <stdio.h>
#include <unistd.h>

/* KrakenD's users compare what `check` prints: where nobody looks at a terminal the gateway's own findings come only
 * with -l, which asks for every opinion there is. */
static void show_findings(const kd_args *args, const kd_errors *errors)
{
    if (kd_cli_is_terminal() || kd_args_number(args, "lint"))
        kd_cli_findings(errors, KD_SEVERITY_NOTE);
}

/* The steps behind parsing, in the reference's order. */
static int check_loaded(const kd_args *args, kd_arena *arena, const kd_loaded *loaded, kd_errors *errors)
{
    if (kd_cli_wants_lint(args) && !kd_cli_lint(args, arena, loaded)) {
        show_findings(args, errors);
        return KD_EXIT_FAILED;
    }
    int64_t level = kd_args_number(args, "debug");
    if (level > 0)
        kd_dump_print(loaded, level > 3 ? 3 : (int)level, kd_args_text(args, "indent"));
    kd_str panic = kd_cli_routes(args->hooks, arena, loaded->service, errors);
    if (panic.n && kd_args_number(args, "test-gin-routes")) {
        kd_cli_error("ERROR testing the configuration file:");
        fprintf(stderr, "\t%.*s\n\n", KD_FMT(panic));
        show_findings(args, errors);
        return KD_EXIT_FAILED;
    }
    show_findings(args, errors);
    fprintf(stderr, kd_cli_is_terminal() ? "\033[32;1mSyntax OK!\033[0m\n" : "Syntax OK!\n");
    return 0;
}

int kd_cli_check(const kd_args *args)
{
    const char *path = kd_args_text(args, "config");
    if (!*path) {
        kd_cli_no_config();
        return KD_EXIT_FAILED;
    }
    fprintf(stderr, "Parsing configuration file: %s\n", path);
    kd_arena arena;
    kd_errors errors;
    kd_loaded loaded;
    kd_load_options options = {.path = path, .environ = environ};
    int code = KD_EXIT_FAILED;
    kd_arena_init(&arena, NULL, 0);
    kd_errors_init(&errors, &arena, KD_CLI_FINDINGS_MAX);
    kd_config_load_file(&arena, &arena, &options, KD_SEVERITY_WARNING, &errors, &loaded);
    if (loaded.status == KD_LOAD_OK) {
        code = check_loaded(args, &arena, &loaded, &errors);
    } else {
        kd_cli_error("ERROR parsing the configuration file:");
        fprintf(stderr, "\t%.*s\n\n", KD_FMT(loaded.compat));
        show_findings(args, &errors);
        if (kd_cli_panics(&errors))
            code = KD_EXIT_PANIC;
    }
    kd_arena_reset(&arena);
    return code;
}
