#include "cli/command.h"

#include <stdio.h>
#include <unistd.h>

int kd_cli_check_plugin(const kd_args *args)
{
    fprintf(stderr,
            "Go plugins cannot be loaded by this gateway, which is written in C: there is nothing to compare\n");
    return KD_EXIT_FAILED;
}

int kd_cli_test_plugin(const kd_args *args)
{
    if (args->n_rest == 0) {
        fprintf(stderr, "At least one plugin is required.\n");
        return KD_EXIT_FAILED;
    }
    if (!kd_args_number(args, "server") && !kd_args_number(args, "client") && !kd_args_number(args, "modifier")) {
        fprintf(stderr, "You must declare the expected type of the plugin.\n");
        return KD_EXIT_FAILED;
    }
    for (int i = 0; i < args->n_rest; i++) {
        if (access(args->rest[i], R_OK) != 0)
            fprintf(stderr, "[KO] Unable to open the plugin %s.\n", args->rest[i]);
        else
            fprintf(stderr, "[KO] %s: Go plugins cannot be loaded by this gateway, which is written in C.\n",
                    args->rest[i]);
    }
    fprintf(stderr, "[KO] %d tested plugin(s).\n%d plugin(s) failed.\n", args->n_rest, args->n_rest);
    return KD_EXIT_FAILED;
}
