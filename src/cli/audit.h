/* The audit's rules (spec/04 section 3): what KrakenD recommends about a configuration. */
#ifndef KD_CLI_AUDIT_H
#define KD_CLI_AUDIT_H

#include "base/buf.h"
#include "config/model.h"

#define KD_AUDIT_MAX 64 /* rules */

typedef struct kd_audit_rule {
    const char *id, *severity, *message;
} kd_audit_rule;

typedef struct kd_audit_result {
    const kd_audit_rule *v[KD_AUDIT_MAX]; /* in the rules' order */
    uint32_t n;
} kd_audit_result;

/* Applies the rules whose severity is among `severities`, a list with commas, and whose id is not among the `n_ignored`
 * ones. Both lists are compared as they are written. Scratch is in the arena. */
void kd_audit_run(kd_arena *arena, const kd_service *service, kd_str severities, const kd_str *ignored,
                  uint32_t n_ignored, kd_audit_result *out);

/* Renders the result with a template in Go's text/template language, as far as an audit can use it: text, comments,
 * trim markers, pipelines, variables, if, else, with, range, and the functions `marshal`, `colored`, and, or, not, len,
 * index, eq, ne, lt, le, gt, ge, print, printf, println, html, js, urlquery. False: *error is Go's text, in the arena
 * or static, and *parsed tells whether the template could be read; what was rendered until then is in `out`. */
bool kd_audit_render(kd_arena *arena, kd_str template, const kd_audit_result *result, kd_buf *out, kd_str *error,
                     bool *parsed);

#endif
