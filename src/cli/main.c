#include "cli/command.h"

#include <stdio.h>

/* ---- the commands, sorted by name */

#define CONFIG_FLAG                                                                                                    \
    {                                                                                                                  \
        "config", 'c', KD_FLAG_STRING, NULL, "Path to the configuration file", false                                   \
    }

static const kd_flag audit_flags[] = {
    CONFIG_FLAG,
    {"format", 'f', KD_FLAG_STRING, NULL, "Inline go template to render the results", false},
    {"ignore", 'i', KD_FLAG_STRING, NULL, "List of rules to ignore (comma-separated, no spaces)", false},
    {"ignore-file", 'I', KD_FLAG_STRING, NULL, "Path to a text-plain file containing the list of rules to exclude",
     false},
    {"severity", 's', KD_FLAG_STRING, "CRITICAL,HIGH,MEDIUM,LOW",
     "List of severities to include (comma-separated, no spaces)", false},
};
static const kd_flag check_flags[] = {
    CONFIG_FLAG,
    {"debug", 'd', KD_FLAG_COUNT, NULL, "Information about how KrakenD is interpreting your configuration file", false},
    {"indent", 'i', KD_FLAG_STRING, "\t", "Indentation of the check dump", false},
    {"lint", 'l', KD_FLAG_BOOL, NULL, "Enables the linting against the official KrakenD online JSON schema", true},
    {"lint-no-network", 'n', KD_FLAG_BOOL, NULL, "Lint against the builtin Krakend JSON schema, no network is required",
     true},
    {"lint-schema", 's', KD_FLAG_STRING, NULL, "Lint against a custom schema path or URL", true},
    {"test-gin-routes", 't', KD_FLAG_BOOL, NULL,
     "Tests the endpoint patterns against a real gin router on the selected port", false},
};
static const kd_flag check_plugin_flags[] = {
    {"format", 'f', KD_FLAG_BOOL, NULL, "Shows fix commands to update your dependencies", false},
    {"go", 'g', KD_FLAG_STRING, "1.25.12", "The version of the go compiler used for your plugin", false},
    {"libc", 'l', KD_FLAG_STRING, NULL, "Version of the libc library used", false},
    {"sum", 's', KD_FLAG_STRING, "./go.sum", "Path to the go.sum file to analyze", false},
};
static const kd_flag explain_flags[] = {CONFIG_FLAG};
static const kd_flag run_flags[] = {
    CONFIG_FLAG,
    {"debug", 'd', KD_FLAG_COUNT, NULL, "Enables the debug endpoint", false},
    {"port", 'p', KD_FLAG_INT, NULL, "Listening port for the http service", false},
};
static const kd_flag test_plugin_flags[] = {
    {"client", 'c', KD_FLAG_BOOL, NULL, "The artifact should contain a Client Plugin.", false},
    {"modifier", 'm', KD_FLAG_BOOL, NULL, "The artifact should contain a Req/Resp Modifier Plugin.", false},
    {"server", 's', KD_FLAG_BOOL, NULL, "The artifact should contain a Server Plugin.", false},
};

const kd_command kd_commands[] = {
    {.name = "audit",
     .use = "audit [flags]",
     .brief = "Audits a KrakenD configuration.",
     .example = "krakend audit -i 1.1.1,1.1.2 -s CRITICAL -c krakend.json",
     .flags = audit_flags,
     .n_flags = KD_COUNT(audit_flags),
     .run = kd_cli_audit},
    {.name = "check",
     .alias = "validate",
     .use = "check [flags]",
     .brief = "Validates that the configuration file is valid.",
     .text = "Validates that the active configuration file has a valid syntax to run the service.\n"
             "Change the configuration file by using the --config flag",
     .example = "krakend check -d -l -c config.json",
     .flags = check_flags,
     .n_flags = KD_COUNT(check_flags),
     .run = kd_cli_check},
    {.name = "check-plugin",
     .use = "check-plugin [flags]",
     .brief = "Checks your plugin dependencies are compatible.",
     .text = "Checks your plugin dependencies are compatible and proposes commands to update your dependencies.",
     .example = "krakend check-plugin -g 1.19.0 -s ./go.sum -f",
     .flags = check_plugin_flags,
     .n_flags = KD_COUNT(check_plugin_flags),
     .run = kd_cli_check_plugin},
    {.name = "explain",
     .use = "explain [flags] [request]",
     .hidden = true,
     .brief = "Shows what happens to a request.",
     .example = "krakend explain -c krakend.json \"GET /users/42\"",
     .flags = explain_flags,
     .n_flags = KD_COUNT(explain_flags),
     .run = kd_cli_explain},
    {.name = "run",
     .use = "run [flags]",
     .brief = "Runs the KrakenD server.",
     .example = "krakend run -d -c config.json",
     .flags = run_flags,
     .n_flags = KD_COUNT(run_flags),
     .run = kd_cli_run},
    {.name = "schema",
     .use = "schema [flags]",
     .hidden = true,
     .brief = "Prints the JSON schema of the configuration, for editors.",
     .example = "krakend schema >krakend-schema.json",
     .run = kd_cli_schema},
    {.name = "test-plugin",
     .use = "test-plugin [flags] [artifacts]",
     .brief = "Tests that one or more plugins are loadable into KrakenD.",
     .example = "krakend test-plugin -scm ./plugins/my_plugin.so ./plugins/my_other_plugin.so",
     .flags = test_plugin_flags,
     .n_flags = KD_COUNT(test_plugin_flags),
     .run = kd_cli_test_plugin},
    {.name = "version",
     .use = "version [flags]",
     .brief = "Shows KrakenD version.",
     .example = "krakend version",
     .run = kd_cli_version},
};
const int kd_commands_count = KD_COUNT(kd_commands);

/* ---- finding the command (cobra's rules) */

static const kd_command *find_command(const char *name)
{
    for (int i = 0; i < kd_commands_count; i++)
        if (strcmp(kd_commands[i].name, name) == 0 || (kd_commands[i].alias && strcmp(kd_commands[i].alias, name) == 0))
            return &kd_commands[i];
    return NULL;
}

/* Index of the first argument that is no flag, or -1. A flag that the program itself does not have is taken to swallow
 * the next argument, as cobra supposes. */
static int find_name(char **argv, int n)
{
    for (int i = 0; i < n; i++) {
        const char *s = argv[i];
        if (strcmp(s, "--") == 0)
            return -1;
        bool own = strcmp(s, "-h") == 0 || strcmp(s, "--help") == 0;
        bool swallows = s[0] == '-' && !strchr(s, '=') && (s[1] == '-' || strlen(s) == 2) && !own;
        if (swallows) {
            if (n - i - 1 <= 1)
                return -1;
            i++;
        } else if (s[0] && s[0] != '-') {
            return i;
        }
    }
    return -1;
}

/* Letters to insert, drop or replace until a is b, letters folded. Only whether it is at most 2 counts. */
static int distance(kd_str a, kd_str b)
{
    int row[32];
    if (a.n >= KD_COUNT(row) || b.n >= KD_COUNT(row))
        return KD_COUNT(row);
    for (size_t j = 0; j <= b.n; j++)
        row[j] = (int)j;
    for (size_t i = 1; i <= a.n; i++) {
        int corner = row[0];
        row[0] = (int)i;
        for (size_t j = 1; j <= b.n; j++) {
            int above = row[j];
            int best = corner + (kd_lower((uint8_t)a.p[i - 1]) != kd_lower((uint8_t)b.p[j - 1]));
            best = above + 1 < best ? above + 1 : best;
            row[j] = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
            corner = above;
        }
    }
    return row[b.n];
}

static int unknown_command(const char *name)
{
    char message[512], shown[160];
    size_t n;
    kd_args_quote(shown, sizeof(shown), name);
    n = (size_t)snprintf(message, sizeof(message), "unknown command %s for \"krakend\"", shown);
    bool any = false;
    kd_str typed = kd_str_from_c(name);
    for (int i = 0; i < kd_commands_count && n < sizeof(message) - 64; i++) {
        kd_str candidate = kd_str_from_c(kd_commands[i].name);
        bool prefix = candidate.n >= typed.n && kd_str_eq_ci(kd_str_head(candidate, typed.n), typed);
        if (kd_commands[i].hidden || (!prefix && distance(typed, candidate) > 2))
            continue;
        n += (size_t)snprintf(message + n, sizeof(message) - n, "%s\t%s\n", any ? "" : "\n\nDid you mean this?\n",
                              candidate.p);
        any = true;
    }
    fprintf(stderr, "Error: %s\nRun 'krakend --help' for usage.\n", message);
    printf("%s\n", message);
    return KD_EXIT_ERROR;
}

static int help_command(char **argv, int n)
{
    const kd_command *command = n > 0 ? find_command(argv[0]) : NULL;
    if (n > 0 && !command && strcmp(argv[0], "help") != 0) {
        fprintf(stderr, "Unknown help topic [");
        for (int i = 0; i < n; i++)
            fprintf(stderr, "%s`%s`", i ? " " : "", argv[i]);
        fprintf(stderr, "]\n");
        kd_usage_print(NULL, false);
        return 0;
    }
    kd_help_print(command);
    return 0;
}

static int run_command(const kd_command *command, char **argv, int n, const kd_cli_hooks *hooks)
{
    kd_args args = {.command = command, .hooks = hooks};
    if (!kd_args_parse(&args, argv, n)) {
        fprintf(stderr, "Error: %s\n", args.error);
        kd_usage_print(command, true);
        fputc('\n', stderr);
        printf("%s\n", args.error);
        return KD_EXIT_ERROR;
    }
    if (args.help || !command) {
        kd_help_print(command);
        return 0;
    }
    return command->run(&args);
}

int kd_cli_main(int argc, char **argv, const kd_cli_hooks *hooks)
{
    char **rest = argv + 1;
    int n = argc > 0 ? argc - 1 : 0, at = find_name(rest, n), code;
    const kd_command *command = NULL;
    if (at >= 0) {
        char *name = rest[at];
        command = find_command(name);
        bool help = strcmp(name, "help") == 0;
        if (!command && !help)
            return unknown_command(name);
        memmove(rest + at, rest + at + 1, (size_t)(n - at - 1) * sizeof(*rest));
        n--;
        if (help)
            return help_command(rest, n);
    }
    code = run_command(command, rest, n, hooks);
    fflush(stdout);
    return code;
}
