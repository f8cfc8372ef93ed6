#include "cli/command.h"

#include <stdio.h>
#include <unistd.h>

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
    kd_arena_init(&arena, NULL, 0);
    kd_errors_init(&errors, &arena, KD_CLI_FINDINGS_MAX);
    kd_config_load_file(&arena, &arena, &options, KD_SEVERITY_WARNING, &errors, &loaded);
    if (loaded.status == KD_LOAD_OK) {
        fprintf(stderr,
                "audit is not available in this version: krakend check reports mistakes of the configuration\n");
    } else {
        kd_cli_error("ERROR parsing the configuration file:");
        fprintf(stderr, "\t%.*s\n\n", KD_FMT(loaded.compat));
        if (kd_cli_is_terminal())
            kd_cli_findings(&errors, KD_SEVERITY_WARNING);
    }
    kd_arena_reset(&arena);
    return KD_EXIT_FAILED;
}
