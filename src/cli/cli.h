/* The command line. Commands that need the upper floors are hooks that main.c fills in. */
#ifndef KD_CLI_CLI_H
#define KD_CLI_CLI_H

#include "config/field.h"

/* A configuration that was loaded for a command. It lives in `arena`, which the command line resets when the hook has
 * returned; the hook may reset it earlier (a reload retires the first generation). */
typedef struct kd_cli_run_options {
    const char *config; /* path as given with -c */
    int64_t debug;      /* how often -d was given: above 0 the debug endpoint is on (already set in the service) */
    int64_t port;       /* -p, 0 when not given (already set in the service) */
    char *const *environment; /* for loading again with the same overrides */
    kd_arena *arena;
    kd_service *service;
    const kd_errors *errors; /* warnings and notes of the load, for the log; in an arena of their own */
} kd_cli_run_options;

typedef struct kd_cli_explain_options {
    const char *config;
    const char *request; /* "GET /x/42", or NULL for the whole configuration */
    kd_arena *arena;
    kd_service *service;
} kd_cli_explain_options;

typedef struct kd_cli_hooks {
    /* Serves until it is told to stop. Returns the exit code. */
    int (*run)(const kd_cli_run_options *options);
    /* Prints what would happen to a request. Returns the exit code; NULL: not available. */
    int (*explain)(const kd_cli_explain_options *options);
    /* Builds the route table in memory and adds an error for each conflict, the router's panic in its `compat`. False
     * when there is one. NULL: only equal routes are found. */
    bool (*routes)(kd_arena *arena, const kd_service *service, kd_errors *errors);
} kd_cli_hooks;

/* Runs the command that argv names. Returns the exit code (spec/04 section 1.1; 255 stands for the reference's -1). */
int kd_cli_main(int argc, char **argv, const kd_cli_hooks *hooks);

#endif
