/* Commands, their flags, and what the commands share. Internal to the command line. */
#ifndef KD_CLI_COMMAND_H
#define KD_CLI_COMMAND_H

#include "cli/cli.h"
#include "config/load_bytes.h"

#define KD_FLAGS_MAX        9 /* of one command, --help included */
#define KD_ARG_ERROR_MAX    512
#define KD_CLI_FINDINGS_MAX 10000 /* kept; kd_report_write shows fewer */

#define KD_EXIT_ERROR  255 /* the reference's exit(-1) */
#define KD_EXIT_FAILED 1
#define KD_EXIT_PANIC  2

typedef enum kd_flag_kind { KD_FLAG_STRING, KD_FLAG_INT, KD_FLAG_COUNT, KD_FLAG_BOOL } kd_flag_kind;

typedef struct kd_flag {
    const char *name;
    char letter; /* 0: none */
    kd_flag_kind kind;
    const char *dflt; /* of a string; NULL: empty */
    const char *help;
    bool exclusive; /* of all such flags of a command only one may be given */
} kd_flag;

typedef struct kd_args kd_args;

typedef struct kd_command {
    const char *name, *alias; /* alias may be NULL */
    const char *use;          /* "check [flags]" */
    const char *brief, *text; /* text NULL: the brief one */
    const char *example;
    bool hidden;          /* not in the list of commands */
    const kd_flag *flags; /* sorted by name; --help comes by itself */
    int n_flags;
    int (*run)(const kd_args *args);
} kd_command;

typedef struct kd_flag_value {
    const char *text;
    int64_t number;
    bool set;
} kd_flag_value;

/* The parsed arguments of a command; texts point into argv. */
struct kd_args {
    const kd_command *command;
    const kd_cli_hooks *hooks;
    kd_flag_value values[KD_FLAGS_MAX];
    char **rest; /* arguments that are no flags, moved to the front of argv */
    int n_rest;
    bool help;
    char error[KD_ARG_ERROR_MAX];
};

/* Parses argv[0..n) for args->command with pflag's grammar (spec/04 section 1.1). False: args->error says why, in
 * pflag's words. Reorders argv. */
bool kd_args_parse(kd_args *args, char **argv, int n);
/* Values by flag name; the flag must be one of the command's. */
const char *kd_args_text(const kd_args *args, const char *name);
int64_t kd_args_number(const kd_args *args, const char *name);
bool kd_args_set(const kd_args *args, const char *name);
/* Appends Go's %q of a C string to a bounded text. */
void kd_args_quote(char *to, size_t size, const char *text);

extern const kd_command kd_commands[];
extern const int kd_commands_count;

int kd_cli_run(const kd_args *args);
int kd_cli_check(const kd_args *args);
int kd_cli_explain(const kd_args *args);
int kd_cli_schema(const kd_args *args);
int kd_cli_version(const kd_args *args);
int kd_cli_audit(const kd_args *args);
int kd_cli_check_plugin(const kd_args *args);
int kd_cli_test_plugin(const kd_args *args);

/* The help page on standard output, the usage on standard error. command NULL: the program's own. */
void kd_help_print(const kd_command *command);
void kd_usage_print(const kd_command *command, bool with_flags);

/* "ERROR …:" in red where standard error is a terminal. */
void kd_cli_error(const char *title);
bool kd_cli_is_terminal(void);
/* The findings of at least that severity, on standard error. */
void kd_cli_findings(const kd_errors *errors, kd_severity least);
/* Would KrakenD crash where it got to after reading: is each error one that it does not see before? */
bool kd_cli_panics(const kd_errors *errors);
/* What every command says when -c is missing. */
void kd_cli_no_config(void);

/* Builds what would be served and adds to `errors`, as warnings, the routes that collide (equal ones, which loading
 * found, are there already) and what the modules have to say about their blocks. Returns the panic of the reference's
 * router, empty when there is none. */
kd_str kd_cli_routes(const kd_cli_hooks *hooks, kd_arena *arena, const kd_service *service, kd_errors *errors);

/* check -d: how the configuration is understood, on standard error (spec/04 section 2). */
void kd_dump_print(const kd_loaded *loaded, int level, const char *indent);

#endif
