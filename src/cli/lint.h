/* check -l, -n and -s: the file as it lies there against a JSON schema (spec/04 section 2). */
#ifndef KD_CLI_LINT_H
#define KD_CLI_LINT_H

#include "cli/command.h"

/* Was one of -l, -n and -s given? */
bool kd_cli_wants_lint(const kd_args *args);
/* Lints a loaded file's text. False: what is wrong stands on standard error, as KrakenD says it. Scratch is in `arena`.
 */
bool kd_cli_lint(const kd_args *args, kd_arena *arena, const kd_loaded *loaded);

#endif
