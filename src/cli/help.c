#include "cli/command.h"

#include <stdio.h>

/* What people and scripts know the program by (spec/04 section 1.2). */
static const char logo[] = " ╓▄█                          ▄▄▌                               ╓██████▄µ  \n"
                           "▐███  ▄███╨▐███▄██H╗██████▄  ║██▌ ,▄███╨ ▄██████▄  ▓██▌█████▄  ███▀╙╙▀▀███╕\n"
                           "▐███▄███▀  ▐█████▀\"╙▀▀\"╙▀███ ║███▄███┘  ███▀\"\"▀███ ████▀╙▀███H ███     ╙███\n"
                           "▐██████▌   ▐███⌐  ,▄████████M║██████▄  ║██████████M███▌   ███H ███     ,███\n"
                           "▐███╨▀███µ ▐███   ███▌  ,███M║███╙▀███  ███▄```▄▄` ███▌   ███H ███,,,╓▄███▀\n"
                           "▐███  ╙███▄▐███   ╙█████████M║██▌  ╙███▄`▀███████╨ ███▌   ███H █████████▀  \n"
                           "                     ``                     `'`                            \n";

static const char about[] =
    "KrakenD is a high-performance API gateway that helps you publish, secure, control, and monitor your services";

static const char *const kind_names[] = {
    [KD_FLAG_STRING] = " string", [KD_FLAG_INT] = " int", [KD_FLAG_COUNT] = " count", [KD_FLAG_BOOL] = ""};

/* "  -c, --config string" */
static int flag_column(char *to, size_t size, const kd_flag *flag)
{
    if (flag->letter)
        return snprintf(to, size, "  -%c, --%s%s", flag->letter, flag->name, kind_names[flag->kind]);
    return snprintf(to, size, "      --%s%s", flag->name, kind_names[flag->kind]);
}

static void print_flag(FILE *out, const kd_flag *flag, int width)
{
    char column[64], quoted[64];
    flag_column(column, sizeof(column), flag);
    fprintf(out, "%-*s   %s", width, column, flag->help);
    if (flag->dflt && *flag->dflt) {
        kd_args_quote(quoted, sizeof(quoted), flag->dflt);
        fprintf(out, " (default %s)", quoted);
    }
    fputc('\n', out);
}

static void print_flags(FILE *out, const kd_command *command)
{
    char text[64], column[64];
    snprintf(text, sizeof(text), "help for %s", command ? command->name : "krakend");
    const kd_flag help = {.name = "help", .letter = 'h', .kind = KD_FLAG_BOOL, .help = text};
    int n = command ? command->n_flags : 0, width = flag_column(column, sizeof(column), &help);
    for (int i = 0; i < n; i++) {
        int w = flag_column(column, sizeof(column), &command->flags[i]);
        width = w > width ? w : width;
    }
    bool printed = false;
    fprintf(out, "Flags:\n");
    for (int i = 0; i < n; i++) {
        if (!printed && strcmp(command->flags[i].name, help.name) > 0) {
            print_flag(out, &help, width);
            printed = true;
        }
        print_flag(out, &command->flags[i], width);
    }
    if (!printed)
        print_flag(out, &help, width);
}

static void print_commands(FILE *out)
{
    fprintf(out, "Usage:\n  krakend [command]\n\nAvailable Commands:\n");
    bool help = false;
    for (int i = 0; i < kd_commands_count; i++) {
        const kd_command *c = &kd_commands[i];
        if (c->hidden)
            continue;
        if (!help && strcmp(c->name, "help") > 0) {
            fprintf(out, "  %-12s %s\n", "help", "Help about any command");
            help = true;
        }
        fprintf(out, "  %-12s %s\n", c->name, c->brief);
    }
}

static void print_usage(FILE *out, const kd_command *command, bool with_flags)
{
    if (!command) {
        print_commands(out);
        if (with_flags) {
            fputc('\n', out);
            print_flags(out, NULL);
        }
        fprintf(out, "\nUse \"krakend [command] --help\" for more information about a command.\n");
        return;
    }
    fprintf(out, "Usage:\n  krakend %s\n\n", command->use);
    if (command->alias)
        fprintf(out, "Aliases:\n  %s, %s\n\n", command->name, command->alias);
    fprintf(out, "Examples:\n%s\n\n", command->example);
    print_flags(out, command);
}

void kd_usage_print(const kd_command *command, bool with_flags)
{
    print_usage(stderr, command, with_flags);
}

void kd_help_print(const kd_command *command)
{
    const char *text = !command ? about : command->text ? command->text : command->brief;
    printf("%sVersion: %s\n\n%s\n\n", logo, KD_COMPAT_VERSION, text);
    print_usage(stdout, command, true);
}
