#include "cli/command.h"

#include "config/report.h"

#include <stdio.h>
#include <unistd.h>

#define REPORT_MAX (4u << 20)

bool kd_cli_is_terminal(void)
{
    return isatty(STDERR_FILENO);
}

void kd_cli_error(const char *title)
{
    fprintf(stderr, kd_cli_is_terminal() ? "\033[31;1m%s\033[0m" : "%s", title);
}

bool kd_cli_panics(const kd_errors *errors)
{
    bool any = false;
    for (const kd_error *e = errors->first; e; e = e->next) {
        if (e->severity == KD_SEVERITY_ERROR && !e->panics)
            return false;
        any |= e->panics;
    }
    return any;
}

void kd_cli_findings(const kd_errors *errors, kd_severity least)
{
    /* A file that cannot be read: the line before has said it. */
    const kd_error *only = errors->count == 1 ? errors->first : NULL;
    if (only && !only->at && only->compat.n && !only->suggestion.n)
        return;
    kd_buf text;
    kd_buf_init(&text, REPORT_MAX);
    kd_report_write(&text, errors, least);
    if (text.n)
        fwrite(text.p, 1, text.n, stderr);
    kd_buf_fini(&text);
}

void kd_cli_no_config(void)
{
    fprintf(stderr,
            "Please, provide the path to the configuration file with --config or see all the options with --help\n");
}
