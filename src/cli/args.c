#include "cli/command.h"

#include "text/go/number.h"

#include <stdarg.h>
#include <stdio.h>

typedef struct parser {
    kd_args *args;
    char **argv;
    int n, at;
} parser;

static bool fail(parser *p, const char *format, ...) KD_PRINTF(2, 3);

static bool fail(parser *p, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    vsnprintf(p->args->error, sizeof(p->args->error), format, list);
    va_end(list);
    return false;
}

void kd_args_quote(char *to, size_t size, const char *text)
{
    size_t n = 0;
    to[n++] = '"';
    for (; *text && n + 6 < size; text++) {
        uint8_t c = (uint8_t)*text;
        if (c == '"' || c == '\\')
            to[n++] = '\\';
        if (c == '\n' || c == '\t')
            n += (size_t)snprintf(to + n, 3, "\\%c", c == '\n' ? 'n' : 't');
        else if (c < 0x20 || c == 0x7f)
            n += (size_t)snprintf(to + n, 5, "\\x%02x", c);
        else
            to[n++] = (char)c;
    }
    to[n++] = '"';
    to[n] = 0;
}

/* ---- flags by name */

static const kd_flag help_flag = {.name = "help", .letter = 'h', .kind = KD_FLAG_BOOL};

/* Index of the flag of that name (n bytes) or letter; n_flags for --help, -1 for none. */
static int find_flag(const kd_command *command, const char *name, size_t n, char letter)
{
    int count = command ? command->n_flags : 0;
    for (int i = 0; i <= count; i++) {
        const kd_flag *flag = i < count ? &command->flags[i] : &help_flag;
        if (name ? strlen(flag->name) == n && memcmp(flag->name, name, n) == 0 : flag->letter == letter)
            return i;
    }
    return -1;
}

static const kd_flag *flag_at(const kd_command *command, int i)
{
    return command && i < command->n_flags ? &command->flags[i] : &help_flag;
}

static const kd_flag_value *value_of(const kd_args *args, const char *name)
{
    static const kd_flag_value none;
    int i = find_flag(args->command, name, strlen(name), 0);
    return i < 0 ? &none : &args->values[i];
}

const char *kd_args_text(const kd_args *args, const char *name)
{
    const kd_flag_value *value = value_of(args, name);
    int i = find_flag(args->command, name, strlen(name), 0);
    if (value->set)
        return value->text;
    return i >= 0 && flag_at(args->command, i)->dflt ? flag_at(args->command, i)->dflt : "";
}

int64_t kd_args_number(const kd_args *args, const char *name)
{
    return value_of(args, name)->number;
}

bool kd_args_set(const kd_args *args, const char *name)
{
    return value_of(args, name)->set;
}

/* ---- values */

static bool refuse_value(parser *p, const kd_flag *flag, const char *text, const char *function, const char *error)
{
    char shown[160], name[48];
    kd_args_quote(shown, sizeof(shown), text);
    if (flag->letter)
        snprintf(name, sizeof(name), "-%c, --%s", flag->letter, flag->name);
    else
        snprintf(name, sizeof(name), "--%s", flag->name);
    return fail(p, "invalid argument %s for \"%s\" flag: strconv.%s: parsing %s: %s", shown, name, function, shown,
                error);
}

static bool set_value(parser *p, int i, const char *text)
{
    const kd_flag *flag = flag_at(p->args->command, i);
    kd_flag_value *value = &p->args->values[i];
    kd_str s = kd_str_from_c(text), error;
    bool on;
    value->set = true;
    value->text = text;
    switch (flag->kind) {
    case KD_FLAG_STRING:
        return true;
    case KD_FLAG_INT:
    case KD_FLAG_COUNT:
        if (kd_go_int_parse(s, &value->number, &error))
            return true;
        return refuse_value(p, flag, text, "ParseInt", error.p);
    case KD_FLAG_BOOL:
        if (!kd_go_bool_parse(s, &on))
            return refuse_value(p, flag, text, "ParseBool", "invalid syntax");
        value->number = on;
        if (flag == &help_flag)
            p->args->help = on;
        return true;
    }
    return true;
}

/* The flag without a value. */
static bool set_alone(parser *p, int i)
{
    const kd_flag *flag = flag_at(p->args->command, i);
    kd_flag_value *value = &p->args->values[i];
    if (flag->kind == KD_FLAG_COUNT) {
        value->set = true;
        value->number++;
        return true;
    }
    return set_value(p, i, "true");
}

static bool takes_value(const kd_flag *flag)
{
    return flag->kind == KD_FLAG_STRING || flag->kind == KD_FLAG_INT;
}

/* ---- the grammar */

static bool parse_long(parser *p, const char *arg)
{
    const char *name = arg + 2, *equals = strchr(name, '=');
    size_t n = equals ? (size_t)(equals - name) : strlen(name);
    if (n == 0 || name[0] == '-')
        return fail(p, "bad flag syntax: %s", arg);
    int i = find_flag(p->args->command, name, n, 0);
    if (i < 0)
        return fail(p, "unknown flag: --%.*s", (int)n, name);
    if (equals)
        return set_value(p, i, equals + 1);
    if (!takes_value(flag_at(p->args->command, i)))
        return set_alone(p, i);
    if (p->at >= p->n)
        return fail(p, "flag needs an argument: --%.*s", (int)n, name);
    return set_value(p, i, p->argv[p->at++]);
}

static bool parse_letters(parser *p, const char *letters)
{
    while (*letters) {
        int i = find_flag(p->args->command, NULL, 0, *letters);
        if (i < 0)
            return fail(p, "unknown shorthand flag: '%c' in -%s", *letters, letters);
        const kd_flag *flag = flag_at(p->args->command, i);
        if (letters[1] == '=' && letters[2])
            return set_value(p, i, letters + 2);
        if (!takes_value(flag)) {
            if (!set_alone(p, i))
                return false;
            letters++;
            continue;
        }
        if (letters[1])
            return set_value(p, i, letters + 1);
        if (p->at >= p->n)
            return fail(p, "flag needs an argument: '%c' in -%s", *letters, letters);
        return set_value(p, i, p->argv[p->at++]);
    }
    return true;
}

/* Flags of which only one may be given, in pflag's order of names. */
static bool check_exclusive(parser *p)
{
    char all[128] = "", given[128] = "";
    int count = 0;
    const kd_command *command = p->args->command;
    for (int i = 0; command && i < command->n_flags; i++) {
        const kd_flag *flag = &command->flags[i];
        if (!flag->exclusive)
            continue;
        size_t n = strlen(all);
        snprintf(all + n, sizeof(all) - n, "%s%s", n ? " " : "", flag->name);
        if (!p->args->values[i].set)
            continue;
        n = strlen(given);
        snprintf(given + n, sizeof(given) - n, "%s%s", n ? " " : "", flag->name);
        count++;
    }
    return count < 2 ||
           fail(p, "if any flags in the group [%s] are set none of the others can be; [%s] were all set", all, given);
}

bool kd_args_parse(kd_args *args, char **argv, int n)
{
    parser p = {.args = args, .argv = argv, .n = n};
    args->rest = argv;
    while (p.at < p.n) {
        char *arg = argv[p.at++];
        if (arg[0] != '-' || arg[1] == 0) {
            argv[args->n_rest++] = arg;
            continue;
        }
        if (strcmp(arg, "--") == 0)
            break;
        if (!(arg[1] == '-' ? parse_long(&p, arg) : parse_letters(&p, arg + 1)))
            return false;
    }
    while (p.at < p.n)
        argv[args->n_rest++] = argv[p.at++];
    return args->help || check_exclusive(&p);
}
