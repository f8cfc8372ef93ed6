#include "cli/command.h"

static const kd_str duplicate = KD_STR_INIT("handlers are already registered");

/* The first collision of two endpoints that loading found. That of an endpoint with the health check comes with a
 * suggestion and is not meant: the reference tests endpoints alone (spec/04 section 2). */
static const kd_error *first_duplicate(const kd_errors *errors)
{
    const kd_error *e = errors->first;
    while (e && !(kd_str_starts(e->compat, duplicate) && !e->suggestion.n))
        e = e->next;
    return e;
}

static bool stands_before(const kd_error *a, const kd_error *b)
{
    if (!a->at || !b->at)
        return a->at != NULL;
    return a->at->line != b->at->line ? a->at->line < b->at->line : a->at->column < b->at->column;
}

static bool is_known(const kd_errors *errors, const kd_error *e)
{
    const kd_error *known = errors->first;
    while (known && !(kd_str_eq(known->message, e->message) && kd_str_eq(known->key, e->key) && known->at == e->at))
        known = known->next;
    return known != NULL;
}

kd_str kd_cli_routes(const kd_cli_hooks *hooks, kd_arena *arena, const kd_service *service, kd_errors *errors)
{
    const kd_error *first = first_duplicate(errors), *other = NULL;
    kd_errors found;
    kd_errors_init(&found, arena, KD_CLI_FINDINGS_MAX);
    if (hooks->routes)
        hooks->routes(arena, service, &found);
    for (const kd_error *e = found.first; e; e = e->next) {
        bool route = e->severity == KD_SEVERITY_ERROR && !e->key.n;
        if ((route && kd_str_starts(e->compat, duplicate)) || is_known(errors, e))
            continue;
        kd_severity severity = e->severity == KD_SEVERITY_ERROR ? KD_SEVERITY_WARNING : e->severity;
        kd_errors_add(errors, severity, e->at, e->key, "%.*s", KD_FMT(e->message))->suggestion = e->suggestion;
        if (!other && route && e->compat.n)
            other = e;
    }
    if (other && (!first || stands_before(other, first)))
        first = other;
    return first ? first->compat : KD_STR("");
}
