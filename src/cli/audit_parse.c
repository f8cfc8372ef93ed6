#include "cli/audit_template.h"

#include "text/utf8.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct parser {
    kd_arena *arena;
    kd_str source;
    const char *at, *end; /* in an action `end` is where it closes */
    const char *opened;   /* the action */
    bool trims;           /* the text that follows loses its leading space */
    unsigned nest, loops;
    kd_str variables[KD_TEMPLATE_NEST]; /* that are known here */
    unsigned n_variables;
    kd_str *error;
} parser;

static unsigned line_of(const parser *p, const char *at)
{
    unsigned line = 1;
    for (const char *c = p->source.p; c < at; c++)
        line += *c == '\n';
    return line;
}

static bool fail(parser *p, const char *format, ...) KD_PRINTF(2, 3);
static bool fail(parser *p, const char *format, ...)
{
    char what[512];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof(what), format, args);
    va_end(args);
    if (!p->error->n)
        *p->error = kd_arena_printf(p->arena, "template: audit:%u: %s", line_of(p, p->at), what);
    if (!p->error->p)
        *p->error = KD_STR("out of memory");
    return false;
}

static bool fail_memory(parser *p)
{
    *p->error = KD_STR("out of memory");
    return false;
}

kd_str kd_template_place(kd_arena *arena, kd_str source, const char *at)
{
    unsigned line = 1, column = 0;
    for (const char *c = source.p; c < at; c++) {
        column = *c == '\n' ? 0 : column + 1;
        line += *c == '\n';
    }
    return kd_arena_printf(arena, "audit:%u:%u", line, column);
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool is_word(char c)
{
    return (uint8_t)(kd_lower((uint8_t)c) - 'a') < 26 || (uint8_t)(c - '0') < 10 || c == '_' || (uint8_t)c >= 0x80;
}

static void skip_space(parser *p)
{
    while (p->at < p->end && is_space(*p->at))
        p->at++;
}

static kd_str word(parser *p)
{
    const char *from = p->at;
    while (p->at < p->end && is_word(*p->at))
        p->at++;
    return kd_str_of(from, (size_t)(p->at - from));
}

/* ---- operands */

/* The byte or rune behind a backslash; false for what Go does not take. */
static bool unescape(parser *p, char **to)
{
    static const char from[] = "abfnrtv\\'\"", into[] = "\a\b\f\n\r\t\v\\'\"";
    const char *known = p->at < p->end && *p->at ? strchr(from, *p->at) : NULL;
    if (known) {
        *(*to)++ = into[known - from];
        p->at++;
        return true;
    }
    unsigned digits = p->at < p->end ? (*p->at == 'x' ? 2 : *p->at == 'u' ? 4 : *p->at == 'U' ? 8 : 0) : 0;
    bool byte = digits == 2;
    uint32_t code = 0;
    for (p->at++; digits; digits--, p->at++) {
        uint8_t c = p->at < p->end ? kd_lower((uint8_t)*p->at) : 0;
        unsigned value = (uint8_t)(c - '0') < 10  ? c - (unsigned)'0'
                         : (uint8_t)(c - 'a') < 6 ? c - (unsigned)'a' + 10
                                                  : 16;
        if (value == 16)
            return false;
        code = code << 4 | value;
        known = p->at;
    }
    if (!known || code > 0x10ffff)
        return false;
    if (byte)
        *(*to)++ = (char)code;
    else
        *to += kd_utf8_encode(*to, code);
    return true;
}

static bool parse_string(parser *p, kd_operand *out)
{
    char quote = *p->at++;
    const char *from = p->at;
    out->kind = KD_OPERAND_STRING;
    if (quote == '`') {
        const char *close = memchr(from, '`', (size_t)(p->end - from));
        if (!close)
            return fail(p, "unterminated raw quoted string");
        out->text = kd_str_of(from, (size_t)(close - from));
        p->at = close + 1;
        return true;
    }
    char *text = kd_arena_alloc(p->arena, (size_t)(p->end - from) + 1), *to = text;
    if (!text)
        return fail_memory(p);
    while (p->at < p->end && *p->at != '"' && *p->at != '\n') {
        if (*p->at != '\\') {
            *to++ = *p->at++;
            continue;
        }
        p->at++;
        if (!unescape(p, &to))
            return fail(p, "invalid syntax");
    }
    if (p->at == p->end || *p->at != '"')
        return fail(p, "unterminated quoted string");
    p->at++;
    out->text = kd_str_of(text, (size_t)(to - text));
    return true;
}

static bool parse_number(parser *p, kd_operand *out)
{
    char text[32];
    const char *from = p->at;
    char *end;
    if (*p->at == '-' || *p->at == '+')
        p->at++;
    while (p->at < p->end && (is_word(*p->at) || *p->at == '.'))
        p->at++;
    size_t n = (size_t)(p->at - from);
    snprintf(text, sizeof(text), "%.*s", (int)(n < sizeof(text) ? n : sizeof(text) - 1), from);
    out->kind = KD_OPERAND_INT;
    out->number = strtoll(text, &end, 0);
    return (!*end && n < sizeof(text)) || fail(p, "bad number syntax: \"%s\"", text);
}

static bool knows_variable(const parser *p, kd_str name)
{
    for (unsigned i = 0; i < p->n_variables; i++)
        if (kd_str_eq(p->variables[i], name))
            return true;
    return kd_str_eq(name, KD_STR("$"));
}

static bool parse_word(parser *p, kd_operand *out)
{
    out->text = word(p);
    out->kind = KD_OPERAND_FUNCTION;
    if (kd_str_eq(out->text, KD_STR("true")) || kd_str_eq(out->text, KD_STR("false"))) {
        out->kind = KD_OPERAND_BOOL;
        out->number = out->text.n == 4;
        return true;
    }
    if (kd_str_eq(out->text, KD_STR("nil"))) {
        out->kind = KD_OPERAND_NIL;
        return true;
    }
    for (size_t i = 0; kd_template_functions[i]; i++)
        if (kd_str_eq(out->text, kd_str_from_c(kd_template_functions[i])))
            return true;
    return fail(p, "function \"%.*s\" not defined", KD_FMT(out->text));
}

static kd_pipe *parse_pipe(parser *p, const char *context, bool nested);

/* .A.B behind an operand. */
static kd_str parse_fields(parser *p)
{
    const char *from = p->at;
    while (p->at + 1 < p->end && *p->at == '.' && is_word(p->at[1])) {
        p->at++;
        word(p);
    }
    return kd_str_of(from, (size_t)(p->at - from));
}

static bool parse_operand(parser *p, kd_operand *out)
{
    const char *from = p->at;
    bool ok = true;
    memset(out, 0, sizeof(*out));
    char c = *p->at;
    if (c == '.') {
        out->fields = parse_fields(p);
        out->kind = out->fields.n ? KD_OPERAND_FIELD : KD_OPERAND_DOT;
        p->at += !out->fields.n;
    } else if (c == '$') {
        p->at++;
        word(p);
        out->kind = KD_OPERAND_VARIABLE;
        out->text = kd_str_of(from, (size_t)(p->at - from));
        if (!knows_variable(p, out->text))
            return fail(p, "undefined variable \"%.*s\"", KD_FMT(out->text));
        out->fields = parse_fields(p);
    } else if (c == '"' || c == '`') {
        ok = parse_string(p, out);
    } else if ((uint8_t)(c - '0') < 10 || ((c == '-' || c == '+') && p->at + 1 < p->end)) {
        ok = parse_number(p, out);
    } else if (c == '(') {
        p->at++;
        out->kind = KD_OPERAND_PIPE;
        out->pipe = parse_pipe(p, "parenthesized pipeline", true);
        ok = out->pipe != NULL;
        out->fields = ok ? parse_fields(p) : KD_STR("");
    } else if (is_word(c)) {
        ok = parse_word(p, out);
    } else {
        return fail(p, "unexpected \"%c\" in operand", c);
    }
    out->source = kd_str_of(from, (size_t)(p->at - from));
    return ok;
}

/* ---- pipelines */

static kd_command_call *parse_command(parser *p, const char *context)
{
    kd_operand args[KD_TEMPLATE_ARGS];
    kd_command_call *command = KD_NEW(p->arena, kd_command_call);
    const char *from = p->at, *last = p->at;
    uint32_t n = 0;
    for (skip_space(p); p->at < p->end && *p->at != '|' && *p->at != ')'; skip_space(p)) {
        if (n == KD_TEMPLATE_ARGS) {
            fail(p, "too many arguments");
            return NULL;
        }
        if (!parse_operand(p, &args[n++]))
            return NULL;
        last = p->at;
    }
    if (!n) {
        fail(p, "missing value for %s", context);
        return NULL;
    }
    if (command)
        command->args = kd_arena_alloc(p->arena, n * sizeof(*args));
    if (!command || !command->args) {
        fail_memory(p);
        return NULL;
    }
    while (is_space(*from))
        from++;
    memcpy(command->args, args, n * sizeof(*args));
    command->n = n;
    command->next = NULL;
    command->source = kd_str_of(from, (size_t)(last - from));
    return command;
}

/* "$a, $b :=" before a pipeline; where there is none, nothing is taken. */
static bool parse_declaration(parser *p, kd_pipe *pipe, bool two)
{
    const char *from = p->at;
    kd_str names[2];
    uint32_t n = 0;
    while (n < 2 && p->at < p->end && *p->at == '$') {
        const char *name = p->at++;
        word(p);
        names[n++] = kd_str_of(name, (size_t)(p->at - name));
        skip_space(p);
        if (n == 2 || p->at == p->end || *p->at != ',')
            break;
        p->at++;
        skip_space(p);
    }
    bool declares = n && p->end - p->at >= 2 && p->at[0] == ':' && p->at[1] == '=';
    bool assigns = n && !declares && p->at < p->end && *p->at == '=';
    if (!declares && !assigns) {
        p->at = from;
        return true;
    }
    p->at += declares ? 2 : 1;
    if (n == 2 && !two)
        return fail(p, "too many declarations in command");
    for (uint32_t i = 0; i < n; i++) {
        if (assigns && !knows_variable(p, names[i]))
            return fail(p, "undefined variable \"%.*s\"", KD_FMT(names[i]));
        if (declares && p->n_variables == KD_TEMPLATE_NEST)
            return fail(p, "too many variables");
        if (declares)
            p->variables[p->n_variables++] = names[i];
        pipe->variables[i] = names[i];
    }
    pipe->n_variables = n;
    pipe->assigns = assigns;
    return true;
}

static kd_pipe *parse_pipe(parser *p, const char *context, bool nested)
{
    kd_pipe *pipe = KD_NEW(p->arena, kd_pipe);
    if (!pipe || p->nest == KD_TEMPLATE_NEST) {
        pipe ? fail(p, "max expression depth exceeded") : fail_memory(p);
        return NULL;
    }
    memset(pipe, 0, sizeof(*pipe));
    p->nest++;
    skip_space(p);
    const char *from = p->at;
    if (!parse_declaration(p, pipe, strcmp(context, "range") == 0))
        return NULL;
    kd_command_call **last = &pipe->first;
    for (;;) {
        *last = parse_command(p, last == &pipe->first ? context : "command");
        if (!*last)
            return NULL;
        last = &(*last)->next;
        if (p->at == p->end || *p->at != '|')
            break;
        p->at++;
    }
    pipe->source = kd_str_of(from, (size_t)(p->at - from));
    bool closes = p->at < p->end && *p->at == ')';
    if (closes != nested) {
        fail(p, nested ? "unclosed left paren" : "unexpected right paren");
        return NULL;
    }
    p->at += closes;
    p->nest--;
    return pipe;
}

/* ---- actions */

/* Finds where the action that begins at p->at (behind its braces) closes; quotes may hold braces. */
static bool find_close(parser *p, const char **behind)
{
    const char *source_end = p->source.p + p->source.n;
    char quote = 0;
    for (const char *c = p->at; c + 1 < source_end; c++) {
        if (quote) {
            if (quote == '"' && *c == '\\')
                c++;
            else if (*c == quote || (quote == '"' && *c == '\n'))
                quote = 0;
        } else if (*c == '"' || *c == '`') {
            quote = *c;
        } else if (c[0] == '}' && c[1] == '}') {
            bool trims = c - p->at >= 2 && c[-1] == '-' && is_space(c[-2]);
            p->trims = trims;
            p->end = trims ? c - 1 : c;
            *behind = c + 2;
            return true;
        }
    }
    p->at = source_end;
    if (quote)
        return fail(p, quote == '`' ? "unterminated raw quoted string" : "unterminated quoted string");
    if (line_of(p, p->opened) != line_of(p, source_end))
        return fail(p, "unclosed action started at audit:%u", line_of(p, p->opened));
    return fail(p, "unclosed action");
}

static bool skip_comment(parser *p, const char **behind)
{
    const char *source_end = p->source.p + p->source.n;
    ptrdiff_t close = kd_str_search(kd_str_of(p->at, (size_t)(source_end - p->at)), KD_STR("*/"));
    if (close < 0)
        return fail(p, "unclosed comment");
    const char *c = p->at + close + 2;
    p->trims = source_end - c >= 4 && is_space(c[0]) && c[1] == '-';
    c += p->trims ? 2 : 0;
    if (source_end - c < 2 || c[0] != '}' || c[1] != '}')
        return fail(p, "comment ends before closing delimiter");
    *behind = c + 2;
    return true;
}

typedef enum stop { STOP_END, STOP_ELSE, STOP_SOURCE, STOP_ERROR } stop;

static stop parse_list(parser *p, kd_action **first, unsigned depth);

static kd_action *new_action(parser *p, kd_action_kind kind)
{
    kd_action *action = KD_NEW(p->arena, kd_action);
    if (!action)
        fail_memory(p);
    else
        *action = (kd_action){.kind = kind};
    return action;
}

/* if, with, range; p->at is behind the keyword, *behind behind the action. Ends behind the {{end}}. */
static bool parse_block(parser *p, kd_action *action, const char *context, const char *behind, unsigned depth)
{
    unsigned variables = p->n_variables, loops = p->loops;
    if (depth == KD_TEMPLATE_NEST)
        return fail(p, "max expression depth exceeded");
    action->pipe = parse_pipe(p, context, false);
    if (!action->pipe)
        return false;
    p->at = behind;
    p->loops += action->kind == KD_ACTION_RANGE;
    stop how = parse_list(p, &action->inside, depth + 1);
    p->loops = loops;
    if (how == STOP_ELSE) {
        /* within its braces: "{{else}}", "{{else if …}}", "{{else with …}}" */
        skip_space(p);
        kd_str next = word(p);
        if (next.n) {
            bool test = kd_str_eq(next, KD_STR("if")) && action->kind == KD_ACTION_IF;
            bool with = kd_str_eq(next, KD_STR("with")) && action->kind == KD_ACTION_WITH;
            if (!test && !with)
                return fail(p, "unexpected <%.*s> in input", KD_FMT(next));
            action->otherwise = new_action(p, action->kind);
            behind = p->end + (*p->end == '-' ? 3 : 2);
            if (!action->otherwise || !parse_block(p, action->otherwise, context, behind, depth + 1))
                return false;
            how = STOP_END;
        } else {
            p->at = p->end + (*p->end == '-' ? 3 : 2);
            how = parse_list(p, &action->otherwise, depth + 1);
        }
    }
    p->n_variables = variables;
    if (how == STOP_ELSE)
        return fail(p, "expected end; found {{else}}");
    return how == STOP_END || (how == STOP_SOURCE && fail(p, "unexpected EOF"));
}

/* One action between its braces; the list goes on at p->at. STOP_SOURCE stands for going on. */
static stop parse_action(parser *p, kd_action ***tail, const char *behind, unsigned depth)
{
    static const struct {
        const char *word;
        kd_action_kind kind;
    } words[] = {{"if", KD_ACTION_IF},
                 {"with", KD_ACTION_WITH},
                 {"range", KD_ACTION_RANGE},
                 {"break", KD_ACTION_BREAK},
                 {"continue", KD_ACTION_CONTINUE}};
    skip_space(p);
    const char *from = p->at;
    kd_str first = word(p);
    if (kd_str_eq(first, KD_STR("else")))
        return STOP_ELSE;
    if (kd_str_eq(first, KD_STR("end"))) {
        p->at = behind;
        return STOP_END;
    }
    kd_action *action = new_action(p, KD_ACTION_PRINT);
    if (!action)
        return STOP_ERROR;
    const char *context = "command";
    for (size_t i = 0; i < KD_COUNT(words); i++)
        if (kd_str_eq(first, kd_str_from_c(words[i].word))) {
            action->kind = words[i].kind;
            context = words[i].word;
        }
    **tail = action;
    *tail = &action->next;
    if (action->kind == KD_ACTION_BREAK || action->kind == KD_ACTION_CONTINUE) {
        if (!p->loops) {
            fail(p, "{{%s}} outside {{range}}", context);
            return STOP_ERROR;
        }
        p->at = behind;
        return STOP_SOURCE;
    }
    if (action->kind != KD_ACTION_PRINT)
        return parse_block(p, action, context, behind, depth) ? STOP_SOURCE : STOP_ERROR;
    p->at = from;
    action->pipe = parse_pipe(p, context, false);
    p->at = behind;
    return action->pipe ? STOP_SOURCE : STOP_ERROR;
}

static bool add_text(parser *p, kd_action ***tail, const char *to, bool trims)
{
    const char *from = p->at;
    while (p->trims && from < to && is_space(*from))
        from++;
    while (trims && to > from && is_space(to[-1]))
        to--;
    if (from == to)
        return true;
    kd_action *action = new_action(p, KD_ACTION_TEXT);
    if (!action)
        return false;
    action->text = kd_str_of(from, (size_t)(to - from));
    **tail = action;
    *tail = &action->next;
    return true;
}

/* Until {{end}}, {{else}} or the end of the template. */
static stop parse_list(parser *p, kd_action **first, unsigned depth)
{
    const char *source_end = p->source.p + p->source.n;
    kd_action **tail = first;
    for (;;) {
        ptrdiff_t open = kd_str_search(kd_str_of(p->at, (size_t)(source_end - p->at)), KD_STR("{{"));
        const char *to = open < 0 ? source_end : p->at + open, *behind = NULL;
        bool trims = open >= 0 && source_end - to > 3 && to[2] == '-' && is_space(to[3]);
        if (!add_text(p, &tail, to, trims))
            return STOP_ERROR;
        p->trims = false;
        if (open < 0) {
            p->at = source_end;
            return STOP_SOURCE;
        }
        p->opened = to;
        p->at = to + (trims ? 4 : 2);
        if (source_end - p->at >= 2 && p->at[0] == '/' && p->at[1] == '*') {
            if (!skip_comment(p, &behind))
                return STOP_ERROR;
            p->at = behind;
            continue;
        }
        if (!find_close(p, &behind))
            return STOP_ERROR;
        stop how = parse_action(p, &tail, behind, depth);
        if (how != STOP_SOURCE)
            return how;
    }
}

bool kd_template_parse(kd_arena *arena, kd_str source, kd_action **out, kd_str *error)
{
    parser p = {.arena = arena, .source = source, .at = source.p, .error = error};
    *out = NULL;
    *error = KD_STR("");
    stop how = parse_list(&p, out, 0);
    if (how == STOP_END || how == STOP_ELSE)
        fail(&p, how == STOP_END ? "unexpected {{end}}" : "unexpected {{else}}");
    return how == STOP_SOURCE && !error->n;
}
