#include "cli/audit.h"
#include "cli/audit_template.h"

#include "text/go/quote.h"
#include "text/go/url.h"
#include "text/json.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define VARIABLES_MAX 128u

typedef enum value_kind {
    VALUE_NIL,
    VALUE_RESULT,
    VALUE_LIST,
    VALUE_RULE,
    VALUE_STATS,
    VALUE_STRING,
    VALUE_INT,
    VALUE_BOOL
} value_kind;

typedef struct value {
    value_kind kind;
    const kd_audit_rule *rule;
    kd_str text;
    int64_t number;
} value;

typedef struct renderer {
    kd_arena *arena;
    kd_str source;
    const kd_audit_result *result;
    kd_buf *out;
    kd_str *error;
    struct {
        kd_str name;
        value v;
    } variables[VARIABLES_MAX];
    unsigned n;
    kd_action_kind left; /* BREAK or CONTINUE while a range is being left, else TEXT */
} renderer;

static bool render_list(renderer *r, const kd_action *list, value dot);
static bool eval_pipe(renderer *r, const kd_pipe *pipe, value dot, value *out);

static bool fail(renderer *r, kd_str at, const char *format, ...) KD_PRINTF(3, 4);
static bool fail(renderer *r, kd_str at, const char *format, ...)
{
    char what[512];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof(what), format, args);
    va_end(args);
    kd_str place = kd_template_place(r->arena, r->source, at.p);
    *r->error =
        kd_arena_printf(r->arena, "template: %.*s: executing \"audit\" at <%.*s>: %s", KD_FMT(place), KD_FMT(at), what);
    if (!r->error->p)
        *r->error = KD_STR("out of memory");
    return false;
}

static const char *type_name(value v)
{
    static const char *const names[] = {
        "nil", "audit.AuditResult", "[]audit.Recommendation", "audit.Recommendation", "audit.Stats", "string", "int",
        "bool"};
    return names[v.kind];
}

static value text_value(kd_str text)
{
    return (value){.kind = VALUE_STRING, .text = text};
}

static value int_value(int64_t number)
{
    return (value){.kind = VALUE_INT, .number = number};
}

static value bool_value(bool b)
{
    return (value){.kind = VALUE_BOOL, .number = b};
}

static bool is_true(const renderer *r, value v)
{
    switch (v.kind) {
    case VALUE_NIL:
        return false;
    case VALUE_LIST:
        return r->result->n > 0;
    case VALUE_STRING:
        return v.text.n > 0;
    case VALUE_INT:
    case VALUE_BOOL:
        return v.number != 0;
    default:
        return true;
    }
}

/* ---- the forms of a result */

/* The severity in a terminal's colour, or as it is. */
static void put_colour(kd_buf *out, kd_str severity)
{
    static const struct {
        const char *severity, *code;
    } colours[] = {{"LOW", "32;1"}, {"MEDIUM", "33;1"}, {"HIGH", "31;1"}, {"CRITICAL", "41;1"}};
    for (size_t i = 0; i < KD_COUNT(colours); i++)
        if (kd_str_eq(severity, kd_str_from_c(colours[i].severity))) {
            kd_buf_printf(out, "\033[%sm%s\033[0m", colours[i].code, colours[i].severity);
            return;
        }
    kd_buf_add(out, severity);
}

static void put_rule(kd_buf *out, const kd_audit_rule *rule)
{
    kd_buf_add(out, KD_STR("{\"rule\":"));
    kd_json_emit_string(out, kd_str_from_c(rule->id), KD_ORIGIN_BYTES);
    kd_buf_add(out, KD_STR(",\"severity\":"));
    kd_json_emit_string(out, kd_str_from_c(rule->severity), KD_ORIGIN_BYTES);
    kd_buf_add(out, KD_STR(",\"message\":"));
    kd_json_emit_string(out, kd_str_from_c(rule->message), KD_ORIGIN_BYTES);
    kd_buf_byte(out, '}');
}

static void put_rules(kd_buf *out, const kd_audit_result *result)
{
    kd_buf_byte(out, '[');
    for (uint32_t i = 0; i < result->n; i++) {
        if (i)
            kd_buf_byte(out, ',');
        put_rule(out, result->v[i]);
    }
    kd_buf_byte(out, ']');
}

static void put_result(kd_buf *out, const kd_audit_result *result)
{
    kd_buf_add(out, KD_STR("{\"recommendations\":"));
    put_rules(out, result);
    kd_buf_add(out, KD_STR(",\"stats\":{}}"));
}

/* ---- printing */

static void print_rule(kd_buf *out, const kd_audit_rule *rule)
{
    kd_buf_printf(out, "{%s %s %s}", rule->id, rule->severity, rule->message);
}

static void print_list(const renderer *r, kd_buf *out)
{
    kd_buf_byte(out, '[');
    for (uint32_t i = 0; i < r->result->n; i++) {
        if (i)
            kd_buf_byte(out, ' ');
        print_rule(out, r->result->v[i]);
    }
    kd_buf_byte(out, ']');
}

/* %v */
static void print(const renderer *r, kd_buf *out, value v)
{
    switch (v.kind) {
    case VALUE_NIL:
        kd_buf_add(out, KD_STR("<nil>"));
        break;
    case VALUE_RESULT:
        kd_buf_byte(out, '{');
        print_list(r, out);
        kd_buf_add(out, KD_STR(" {}}"));
        break;
    case VALUE_LIST:
        print_list(r, out);
        break;
    case VALUE_RULE:
        print_rule(out, v.rule);
        break;
    case VALUE_STATS:
        kd_buf_add(out, KD_STR("{}"));
        break;
    case VALUE_STRING:
        kd_buf_add(out, v.text);
        break;
    case VALUE_INT:
        kd_buf_printf(out, "%lld", (long long)v.number);
        break;
    case VALUE_BOOL:
        kd_buf_add(out, v.number ? KD_STR("true") : KD_STR("false"));
        break;
    }
}

static void marshal(const renderer *r, kd_buf *out, value v)
{
    switch (v.kind) {
    case VALUE_NIL:
        kd_buf_add(out, KD_STR("null"));
        break;
    case VALUE_RESULT:
        put_result(out, r->result);
        break;
    case VALUE_LIST:
        put_rules(out, r->result);
        break;
    case VALUE_RULE:
        put_rule(out, v.rule);
        break;
    case VALUE_STRING:
        kd_json_emit_string(out, v.text, KD_ORIGIN_BYTES);
        break;
    default:
        print(r, out, v);
    }
}

/* Pads what stands behind `from` to a width, in runes as fmt does. */
static void pad(kd_buf *out, size_t from, unsigned width, bool left, char with)
{
    unsigned runes = 0;
    for (size_t i = from; i < out->n; i++)
        runes += ((uint8_t)out->p[i] & 0xc0) != 0x80;
    if (runes >= width || out->failed)
        return;
    unsigned n = width - runes;
    size_t had = out->n - from;
    if (!kd_buf_room(out, n))
        return;
    if (!left)
        memmove(out->p + from + n, out->p + from, had);
    memset(out->p + (left ? from + had : from), left ? ' ' : with, n);
    out->n += n;
}

static void print_verb(const renderer *r, kd_buf *out, char verb, value v)
{
    bool text = v.kind == VALUE_STRING;
    if (verb == 'v' ||
        (verb == 's' &&
         (text || v.kind == VALUE_RULE || v.kind == VALUE_LIST || v.kind == VALUE_RESULT || v.kind == VALUE_STATS)) ||
        (verb == 'd' && (v.kind == VALUE_INT || v.kind == VALUE_STATS)) || (verb == 't' && v.kind == VALUE_BOOL)) {
        print(r, out, v);
    } else if (verb == 'q' && text) {
        kd_go_quote(out, v.text);
    } else if ((verb == 'x' || verb == 'X') && v.kind == VALUE_INT) {
        kd_buf_printf(out, verb == 'x' ? "%llx" : "%llX", (long long)v.number);
    } else if ((verb == 'x' || verb == 'X') && text) {
        for (size_t i = 0; i < v.text.n; i++)
            kd_buf_printf(out, verb == 'x' ? "%02x" : "%02X", (uint8_t)v.text.p[i]);
    } else if (verb == 'T') {
        kd_buf_printf(out, "%s", type_name(v));
    } else if (v.kind == VALUE_NIL) {
        kd_buf_printf(out, "%%!%c(<nil>)", verb);
    } else {
        kd_buf_printf(out, "%%!%c(%s=", verb, type_name(v));
        print(r, out, v);
        kd_buf_byte(out, ')');
    }
}

/* fmt.Sprintf with the flags - and 0, a width and a precision. */
static void print_format(const renderer *r, kd_buf *out, kd_str format, const value *args, uint32_t n)
{
    uint32_t next = 0;
    for (size_t i = 0; i < format.n; i++) {
        if (format.p[i] != '%') {
            kd_buf_byte(out, format.p[i]);
            continue;
        }
        bool left = false, zero = false, precise = false;
        unsigned width = 0, precision = 0;
        for (i++; i < format.n && (format.p[i] == '-' || format.p[i] == '0'); i++) {
            left |= format.p[i] == '-';
            zero |= format.p[i] == '0';
        }
        for (; i < format.n && (uint8_t)(format.p[i] - '0') < 10; i++)
            width = width < 10000 ? width * 10 + (unsigned)(format.p[i] - '0') : width;
        if (i < format.n && format.p[i] == '.') {
            precise = true;
            for (i++; i < format.n && (uint8_t)(format.p[i] - '0') < 10; i++)
                precision = precision < 10000 ? precision * 10 + (unsigned)(format.p[i] - '0') : precision;
        }
        if (i == format.n) {
            kd_buf_add(out, KD_STR("%!(NOVERB)"));
            return;
        }
        char verb = format.p[i];
        if (verb == '%') {
            kd_buf_byte(out, '%');
            continue;
        }
        if (next == n) {
            kd_buf_printf(out, "%%!%c(MISSING)", verb);
            continue;
        }
        value v = args[next++];
        if (precise && v.kind == VALUE_STRING)
            v.text = kd_str_head(v.text, precision < v.text.n ? precision : v.text.n);
        size_t from = out->n;
        print_verb(r, out, verb, v);
        pad(out, from, width, left, zero && v.kind == VALUE_INT ? '0' : ' ');
    }
    if (next == n)
        return;
    kd_buf_add(out, KD_STR("%!(EXTRA "));
    for (uint32_t i = next; i < n; i++) {
        kd_buf_printf(out, i > next ? ", %s=" : "%s=", type_name(args[i]));
        print(r, out, args[i]);
    }
    kd_buf_byte(out, ')');
}

/* ---- functions */

typedef enum function {
    CALL_AND,
    CALL_COLORED,
    CALL_EQ,
    CALL_GE,
    CALL_GT,
    CALL_HTML,
    CALL_INDEX,
    CALL_JS,
    CALL_LE,
    CALL_LEN,
    CALL_LT,
    CALL_MARSHAL,
    CALL_NE,
    CALL_NOT,
    CALL_OR,
    CALL_PRINT,
    CALL_PRINTF,
    CALL_PRINTLN,
    CALL_URLQUERY
} function;

const char *const kd_template_functions[] = {"and", "colored", "eq",     "ge",      "gt",       "html", "index",
                                             "js",  "le",      "len",    "lt",      "marshal",  "ne",   "not",
                                             "or",  "print",   "printf", "println", "urlquery", NULL};

static bool compare(renderer *r, kd_str at, function f, value a, value b, bool *out)
{
    const char *name = kd_template_functions[f];
    bool basic = a.kind >= VALUE_STRING && b.kind >= VALUE_STRING;
    if (!basic || a.kind != b.kind)
        return fail(r, at, "error calling %s: %s", name,
                    basic ? "incompatible types for comparison" : "non-comparable type");
    if (a.kind == VALUE_BOOL && f != CALL_EQ && f != CALL_NE)
        return fail(r, at, "error calling %s: invalid type for comparison", name);
    int order = a.kind == VALUE_STRING ? kd_str_cmp(a.text, b.text) : (a.number > b.number) - (a.number < b.number);
    *out = f == CALL_EQ   ? order == 0
           : f == CALL_NE ? order != 0
           : f == CALL_LT ? order < 0
           : f == CALL_LE ? order <= 0
           : f == CALL_GT ? order > 0
                          : order >= 0;
    return true;
}

static bool call_compare(renderer *r, kd_str at, function f, const value *args, uint32_t n, value *out)
{
    bool yes = false;
    for (uint32_t i = 1; i < n && !yes; i++)
        if (!compare(r, at, f, args[0], args[i], &yes))
            return false;
    *out = bool_value(yes);
    return true;
}

static bool call_len(renderer *r, kd_str at, value v, value *out)
{
    if (v.kind != VALUE_LIST && v.kind != VALUE_STRING)
        return fail(r, at, "error calling len: len of %s%s", v.kind == VALUE_NIL ? "nil pointer" : "type ",
                    v.kind == VALUE_NIL ? "" : type_name(v));
    *out = int_value(v.kind == VALUE_LIST ? (int64_t)r->result->n : (int64_t)v.text.n);
    return true;
}

static bool call_index(renderer *r, kd_str at, const value *args, uint32_t n, value *out)
{
    *out = args[0];
    for (uint32_t i = 1; i < n; i++) {
        int64_t length = out->kind == VALUE_LIST ? (int64_t)r->result->n : (int64_t)out->text.n;
        if (out->kind != VALUE_LIST && out->kind != VALUE_STRING)
            return fail(r, at, "error calling index: can't index item of type %s", type_name(*out));
        if (args[i].kind != VALUE_INT)
            return fail(r, at, "error calling index: cannot index slice/array with type %s", type_name(args[i]));
        if (args[i].number < 0 || args[i].number >= length)
            return fail(r, at, "error calling index: index out of range: %lld", (long long)args[i].number);
        *out = out->kind == VALUE_LIST ? (value){.kind = VALUE_RULE, .rule = r->result->v[args[i].number]}
                                       : int_value((uint8_t)out->text.p[args[i].number]);
    }
    return true;
}

static void escape_js(kd_buf *out, kd_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        uint8_t c = (uint8_t)s.p[i];
        if (c == '\\' || c == '\'' || c == '"')
            kd_buf_printf(out, "\\%c", c);
        else if (c == '<' || c == '>' || c == '&' || c == '=' || c < 0x20)
            kd_buf_printf(out, "\\u%04X", c);
        else
            kd_buf_byte(out, (char)c);
    }
}

/* fmt.Sprint: a blank between operands that are both no text. */
static void print_all(const renderer *r, kd_buf *out, const value *args, uint32_t n, bool lines)
{
    for (uint32_t i = 0; i < n; i++) {
        if (i && (lines || (args[i].kind != VALUE_STRING && args[i - 1].kind != VALUE_STRING)))
            kd_buf_byte(out, ' ');
        print(r, out, args[i]);
    }
    if (lines)
        kd_buf_byte(out, '\n');
}

/* The functions that make a text. */
static bool call_text(renderer *r, kd_str at, function f, const value *args, uint32_t n, value *out)
{
    kd_buf text, plain;
    kd_buf_init(&text, 1u << 24);
    kd_buf_init(&plain, 1u << 24);
    if (f == CALL_HTML || f == CALL_JS || f == CALL_URLQUERY)
        print_all(r, &plain, args, n, false);
    if (f == CALL_HTML)
        kd_go_html_escape(&text, kd_buf_str(&plain));
    else if (f == CALL_JS)
        escape_js(&text, kd_buf_str(&plain));
    else if (f == CALL_URLQUERY)
        kd_go_url_escape(&text, kd_buf_str(&plain), KD_ESCAPE_QUERY);
    else if (f == CALL_PRINTF)
        print_format(r, &text, args[0].text, args + 1, n - 1);
    else if (f == CALL_MARSHAL)
        marshal(r, &text, args[0]);
    else if (f == CALL_COLORED)
        put_colour(&text, args[0].text);
    else
        print_all(r, &text, args, n, f == CALL_PRINTLN);
    *out = text_value(kd_arena_copy(r->arena, kd_buf_str(&text)));
    bool ok = !text.failed && !plain.failed && out->text.p;
    kd_buf_fini(&text);
    kd_buf_fini(&plain);
    return ok || fail(r, at, "out of memory");
}

static bool eval_operand(renderer *r, const kd_operand *o, value dot, value *out);

static bool check_count(renderer *r, kd_str at, function f, uint32_t n)
{
    static const struct {
        uint8_t least, most;
    } counts[] = {[CALL_AND] = {1, 0},    [CALL_COLORED] = {1, 1}, [CALL_EQ] = {1, 0},      [CALL_GE] = {2, 2},
                  [CALL_GT] = {2, 2},     [CALL_HTML] = {0, 0},    [CALL_INDEX] = {1, 0},   [CALL_JS] = {0, 0},
                  [CALL_LE] = {2, 2},     [CALL_LEN] = {1, 1},     [CALL_LT] = {2, 2},      [CALL_MARSHAL] = {1, 1},
                  [CALL_NE] = {2, 2},     [CALL_NOT] = {1, 1},     [CALL_OR] = {1, 0},      [CALL_PRINT] = {0, 0},
                  [CALL_PRINTF] = {1, 0}, [CALL_PRINTLN] = {0, 0}, [CALL_URLQUERY] = {0, 0}};
    const char *name = kd_template_functions[f];
    if (counts[f].most && n != counts[f].most)
        return fail(r, at, "wrong number of args for %s: want %u got %u", name, counts[f].most, n);
    if (n < counts[f].least)
        return fail(r, at, "wrong number of args for %s: want at least %u got %u", name, counts[f].least, n);
    return true;
}

/* A function with its operands; `piped` is what the command before it gave, or NULL. */
static bool eval_call(renderer *r, const kd_command_call *c, value dot, const value *piped, value *out)
{
    value args[KD_TEMPLATE_ARGS + 1];
    uint32_t n = c->n - 1 + (piped != NULL);
    unsigned found = 0;
    while (!kd_str_eq(c->args[0].text, kd_str_from_c(kd_template_functions[found])))
        found++;
    function f = (function)found;
    kd_str at = c->args[0].source;
    if (!check_count(r, at, f, n))
        return false;
    for (uint32_t i = 0; i < n; i++) {
        if (i == c->n - 1)
            args[i] = *piped;
        else if (!eval_operand(r, &c->args[i + 1], dot, &args[i]))
            return false;
        *out = args[i];
        if ((f == CALL_AND && !is_true(r, args[i])) || (f == CALL_OR && is_true(r, args[i])))
            return true;
    }
    if ((f == CALL_PRINTF || f == CALL_COLORED) && args[0].kind != VALUE_STRING)
        return fail(r, c->n > 1 ? c->args[1].source : at, "wrong type for value; expected string; got %s",
                    type_name(args[0]));
    switch (f) {
    case CALL_AND:
    case CALL_OR:
        return true;
    case CALL_NOT:
        *out = bool_value(!is_true(r, args[0]));
        return true;
    case CALL_EQ:
        if (n == 1)
            return fail(r, c->source, "error calling eq: missing argument for comparison");
        return call_compare(r, c->source, f, args, n, out);
    case CALL_NE:
    case CALL_LT:
    case CALL_LE:
    case CALL_GT:
    case CALL_GE:
        return call_compare(r, c->source, f, args, n, out);
    case CALL_LEN:
        return call_len(r, c->source, args[0], out);
    case CALL_INDEX:
        return call_index(r, c->source, args, n, out);
    default:
        return call_text(r, c->source, f, args, n, out);
    }
}

/* ---- operands and pipelines */

static bool eval_fields(renderer *r, kd_str at, kd_str fields, value *v)
{
    kd_str name;
    kd_str rest = fields.n ? kd_str_from(fields, 1) : fields;
    while (fields.n && kd_str_split(&rest, '.', &name)) {
        bool result = v->kind == VALUE_RESULT, rule = v->kind == VALUE_RULE;
        if (result && kd_str_eq(name, KD_STR("Recommendations")))
            v->kind = VALUE_LIST;
        else if (result && kd_str_eq(name, KD_STR("Stats")))
            v->kind = VALUE_STATS;
        else if (rule && kd_str_eq(name, KD_STR("Rule")))
            *v = text_value(kd_str_from_c(v->rule->id));
        else if (rule && kd_str_eq(name, KD_STR("Severity")))
            *v = text_value(kd_str_from_c(v->rule->severity));
        else if (rule && kd_str_eq(name, KD_STR("Message")))
            *v = text_value(kd_str_from_c(v->rule->message));
        else
            return fail(r, at, "can't evaluate field %.*s in type %s", KD_FMT(name), type_name(*v));
    }
    return true;
}

static value *variable(renderer *r, kd_str name)
{
    for (unsigned i = r->n; i-- > 0;)
        if (kd_str_eq(r->variables[i].name, name))
            return &r->variables[i].v;
    return NULL;
}

static bool eval_operand(renderer *r, const kd_operand *o, value dot, value *out)
{
    *out = dot;
    switch (o->kind) {
    case KD_OPERAND_DOT:
        return true;
    case KD_OPERAND_FIELD:
        return eval_fields(r, o->source, o->fields, out);
    case KD_OPERAND_VARIABLE: {
        const value *v = variable(r, o->text);
        if (!v)
            return fail(r, o->source, "undefined variable: %.*s", KD_FMT(o->text));
        *out = *v;
        return eval_fields(r, o->source, o->fields, out);
    }
    case KD_OPERAND_STRING:
        *out = text_value(o->text);
        return true;
    case KD_OPERAND_INT:
        *out = int_value(o->number);
        return true;
    case KD_OPERAND_BOOL:
        *out = bool_value(o->number);
        return true;
    case KD_OPERAND_NIL:
        *out = (value){.kind = VALUE_NIL};
        return true;
    case KD_OPERAND_FUNCTION: {
        kd_operand self = *o;
        kd_command_call call = {.source = o->source, .args = &self, .n = 1};
        return eval_call(r, &call, dot, NULL, out);
    }
    case KD_OPERAND_PIPE:
        return eval_pipe(r, o->pipe, dot, out) && eval_fields(r, o->source, o->fields, out);
    }
    return false;
}

static bool eval_command(renderer *r, const kd_command_call *c, value dot, const value *piped, value *out)
{
    const kd_operand *first = &c->args[0];
    if (first->kind == KD_OPERAND_FUNCTION)
        return eval_call(r, c, dot, piped, out);
    if (first->kind == KD_OPERAND_NIL)
        return fail(r, first->source, "nil is not a command");
    if (c->n > 1 || piped) {
        bool field = first->kind == KD_OPERAND_FIELD || first->kind == KD_OPERAND_VARIABLE;
        if (field && first->fields.n && !eval_operand(r, first, dot, out))
            return false;
        return field && first->fields.n
                   ? fail(r, first->source, "%.*s has arguments but cannot be invoked as function",
                          KD_FMT(kd_str_from(first->fields, (size_t)kd_str_rfind(first->fields, '.') + 1)))
                   : fail(r, first->source, "can't give argument to non-function %.*s", KD_FMT(first->source));
    }
    return eval_operand(r, first, dot, out);
}

static bool set_variable(renderer *r, const kd_pipe *pipe, uint32_t which, value v)
{
    if (pipe->assigns) {
        value *old = variable(r, pipe->variables[which]);
        if (old)
            *old = v;
        return true;
    }
    if (r->n == VARIABLES_MAX)
        return fail(r, pipe->source, "too many variables");
    r->variables[r->n].name = pipe->variables[which];
    r->variables[r->n++].v = v;
    return true;
}

/* The value of a pipeline; its variables are set unless a range does it for each element. */
static bool eval_pipe(renderer *r, const kd_pipe *pipe, value dot, value *out)
{
    value last;
    const value *piped = NULL;
    for (const kd_command_call *c = pipe->first; c; c = c->next) {
        if (!eval_command(r, c, dot, piped, out))
            return false;
        last = *out;
        piped = &last;
    }
    return true;
}

/* ---- actions */

static bool render_range(renderer *r, const kd_action *a, value dot)
{
    value over;
    unsigned mark = r->n;
    if (!eval_pipe(r, a->pipe, dot, &over))
        return false;
    if (over.kind != VALUE_LIST && over.kind != VALUE_INT) {
        kd_buf text;
        kd_buf_init(&text, 400);
        print(r, &text, over);
        fail(r, a->pipe->source, "range can't iterate over %.*s", KD_FMT(kd_buf_str(&text)));
        kd_buf_fini(&text);
        return false;
    }
    int64_t n = over.kind == VALUE_LIST ? (int64_t)r->result->n : over.number;
    for (int64_t i = 0; i < n && !r->out->failed; i++) {
        value item = over.kind == VALUE_LIST ? (value){.kind = VALUE_RULE, .rule = r->result->v[i]} : int_value(i);
        uint32_t names = a->pipe->n_variables;
        if ((names == 2 && !set_variable(r, a->pipe, 0, int_value(i))) ||
            (names && !set_variable(r, a->pipe, names - 1, item)))
            return false;
        bool ok = render_list(r, a->inside, item);
        r->n = mark;
        if (!ok)
            return false;
        bool stop = r->left == KD_ACTION_BREAK;
        r->left = KD_ACTION_TEXT;
        if (stop)
            break;
    }
    return n > 0 || render_list(r, a->otherwise, dot);
}

static bool render_print(renderer *r, const kd_action *a, value dot)
{
    value v;
    if (!eval_pipe(r, a->pipe, dot, &v))
        return false;
    for (uint32_t i = 0; i < a->pipe->n_variables; i++)
        if (!set_variable(r, a->pipe, i, v))
            return false;
    if (!a->pipe->n_variables)
        print(r, r->out, v);
    return true;
}

static bool render_test(renderer *r, const kd_action *a, value dot)
{
    value v;
    unsigned mark = r->n;
    if (!eval_pipe(r, a->pipe, dot, &v) || (a->pipe->n_variables && !set_variable(r, a->pipe, 0, v)))
        return false;
    bool yes = is_true(r, v);
    bool ok = render_list(r, yes ? a->inside : a->otherwise, yes && a->kind == KD_ACTION_WITH ? v : dot);
    r->n = mark;
    return ok;
}

static bool render_list(renderer *r, const kd_action *list, value dot)
{
    bool ok = true;
    for (const kd_action *a = list; a && ok && r->left == KD_ACTION_TEXT; a = a->next) {
        switch (a->kind) {
        case KD_ACTION_TEXT:
            kd_buf_add(r->out, a->text);
            break;
        case KD_ACTION_PRINT:
            ok = render_print(r, a, dot);
            break;
        case KD_ACTION_IF:
        case KD_ACTION_WITH:
            ok = render_test(r, a, dot);
            break;
        case KD_ACTION_RANGE:
            ok = render_range(r, a, dot);
            break;
        case KD_ACTION_BREAK:
        case KD_ACTION_CONTINUE:
            r->left = a->kind;
            break;
        }
    }
    return ok;
}

bool kd_audit_render(kd_arena *arena, kd_str template, const kd_audit_result *result, kd_buf *out, kd_str *error,
                     bool *parsed)
{
    kd_action *list;
    *parsed = kd_template_parse(arena, template, &list, error);
    if (!*parsed)
        return false;
    renderer r = {.arena = arena, .source = template, .result = result, .out = out, .error = error};
    value root = {.kind = VALUE_RESULT};
    r.left = KD_ACTION_TEXT;
    r.variables[r.n].name = KD_STR("$");
    r.variables[r.n++].v = root;
    if (!render_list(&r, list, root))
        return false;
    if (out->failed)
        *error = KD_STR("out of memory");
    return !out->failed;
}
