#include "cli/command.h"

#include <stdio.h>
#include <unistd.h>

static bool wants_lint(const kd_args *args)
{
    return kd_args_number(args, "lint") || kd_args_number(args, "lint-no-network") ||
           *kd_args_text(args, "lint-schema");
}

static const kd_str duplicate = KD_STR_INIT("handlers are already registered");

/* The panic of the reference's router for endpoints alone: health, debug and echo are not there (spec/04 section 2),
 * and the collision with the health check is the one that comes with a suggestion. */
static kd_str first_panic(const kd_errors *found)
{
    for (const kd_error *e = found->first; e; e = e->next)
        if (kd_str_starts(e->compat, duplicate) && !e->suggestion.n)
            return e->compat;
    return KD_STR("");
}

/* Builds the routes and moves the conflicts to `errors` as warnings; equal routes were found while loading. */
static kd_str test_routes(const kd_args *args, kd_arena *arena, const kd_service *service, kd_errors *errors)
{
    kd_errors found;
    if (!args->hooks->routes)
        return first_panic(errors);
    kd_errors_init(&found, arena, KD_CLI_FINDINGS_MAX);
    if (args->hooks->routes(arena, service, &found))
        return KD_STR("");
    kd_str panic = KD_STR("the routes cannot be built");
    for (const kd_error *e = found.last ? found.first : NULL; e; e = e->next) {
        if (e == found.first && e->compat.n)
            panic = e->compat;
        if (kd_str_starts(e->compat, duplicate))
            continue;
        kd_error *copy = kd_errors_add(errors, KD_SEVERITY_WARNING, e->at, e->key, "%.*s", KD_FMT(e->message));
        copy->suggestion = e->suggestion;
    }
    return panic;
}

/* The steps behind parsing, in the reference's order. */
static int check_loaded(const kd_args *args, kd_arena *arena, const kd_loaded *loaded, kd_errors *errors)
{
    if (wants_lint(args)) {
        kd_cli_error("ERROR linting the configuration file:");
        fprintf(stderr, "\tthe JSON schema is not available in this version: check without -l, -n and -s\n\n");
        kd_cli_findings(errors, KD_SEVERITY_NOTE);
        return KD_EXIT_FAILED;
    }
    int64_t level = kd_args_number(args, "debug");
    if (level > 0)
        kd_dump_print(loaded, level > 3 ? 3 : (int)level, kd_args_text(args, "indent"));
    kd_str panic = test_routes(args, arena, loaded->service, errors);
    if (panic.n && kd_args_number(args, "test-gin-routes")) {
        kd_cli_error("ERROR testing the configuration file:");
        fprintf(stderr, "\t%.*s\n\n", KD_FMT(panic));
        kd_cli_findings(errors, KD_SEVERITY_NOTE);
        return KD_EXIT_FAILED;
    }
    kd_cli_findings(errors, KD_SEVERITY_NOTE);
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
    kd_config_load_file(&arena, &options, KD_SEVERITY_WARNING, &errors, &loaded);
    if (loaded.status == KD_LOAD_OK) {
        code = check_loaded(args, &arena, &loaded, &errors);
    } else {
        kd_cli_error("ERROR parsing the configuration file:");
        fprintf(stderr, "\t%.*s\n\n", KD_FMT(loaded.compat));
        kd_cli_findings(&errors, KD_SEVERITY_NOTE);
    }
    kd_arena_reset(&arena);
    return code;
}
