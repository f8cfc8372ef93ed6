#include "cli/command.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>

#define ARGS_MAX 8

static const kd_command *command_named(const char *name)
{
    for (int i = 0; i < kd_commands_count; i++)
        if (strcmp(kd_commands[i].name, name) == 0)
            return &kd_commands[i];
    return NULL;
}

/* Parses up to eight words. */
static bool parse(kd_args *args, const char *command, const char *const *words)
{
    static char *argv[ARGS_MAX];
    int n = 0;
    while (n < ARGS_MAX && words[n]) {
        argv[n] = (char *)words[n];
        n++;
    }
    *args = (kd_args){.command = command_named(command)};
    return kd_args_parse(args, argv, n);
}

static void test_accepted(void **state)
{
    static const struct {
        const char *words[ARGS_MAX], *config;
        int debug, rest;
    } cases[] = {
        {{"-c", "f"}, "f", 0, 0},
        {{"-cf"}, "f", 0, 0},
        {{"-c=f"}, "f", 0, 0},
        {{"--config", "f"}, "f", 0, 0},
        {{"--config=f"}, "f", 0, 0},
        {{"--config="}, "", 0, 0},
        {{"-dc", "f"}, "f", 1, 0},
        {{"-ddcf"}, "f", 2, 0},
        {{"-d", "-d", "--debug"}, "", 3, 0},
        {{"--debug=3", "-d"}, "", 4, 0},
        {{"-d=2"}, "", 2, 0},
        {{"extra", "-c", "f", "more"}, "f", 0, 2},
        {{"-c", "a", "-c", "b"}, "b", 0, 0},
        {{"-d", "--", "-c", "f"}, "", 1, 2},
        {{"-"}, "", 0, 1},
        {{"-c", "-d"}, "-d", 0, 0},
        {{"--lint=false", "-n"}, "", 0, 0},
    };
    for (size_t i = 0; i < KD_COUNT(cases); i++) {
        kd_args args;
        bool ok = parse(&args, "check", cases[i].words);
        /* The last one sets two flags of which only one may be set. */
        if (ok == (i == KD_COUNT(cases) - 1))
            fail_msg("case %zu: %s", i, args.error);
        assert_string_equal(kd_args_text(&args, "config"), cases[i].config);
        assert_int_equal(kd_args_number(&args, "debug"), cases[i].debug);
        assert_int_equal(args.n_rest, cases[i].rest);
        assert_string_equal(kd_args_text(&args, "indent"), "\t");
    }
}

static void test_refused(void **state)
{
    static const struct {
        const char *command, *words[ARGS_MAX], *error;
    } cases[] = {
        {"run", {"--foo"}, "unknown flag: --foo"},
        {"run", {"--foo=1"}, "unknown flag: --foo"},
        {"check", {"-x"}, "unknown shorthand flag: 'x' in -x"},
        {"check", {"-dxc", "f"}, "unknown shorthand flag: 'x' in -xc"},
        {"run", {"--config"}, "flag needs an argument: --config"},
        {"run", {"-c"}, "flag needs an argument: 'c' in -c"},
        {"run", {"-dc"}, "flag needs an argument: 'c' in -c"},
        {"run",
         {"-p", "abc"},
         "invalid argument \"abc\" for \"-p, --port\" flag: strconv.ParseInt: parsing \"abc\": invalid syntax"},
        {"run",
         {"--port=70x"},
         "invalid argument \"70x\" for \"-p, --port\" flag: strconv.ParseInt: parsing \"70x\": invalid syntax"},
        {"run",
         {"-p="},
         "invalid argument \"=\" for \"-p, --port\" flag: strconv.ParseInt: parsing \"=\": invalid syntax"},
        {"run",
         {"-p", "99999999999999999999"},
         "invalid argument \"99999999999999999999\" for \"-p, --port\" flag: strconv.ParseInt: parsing "
         "\"99999999999999999999\": value out of range"},
        {"check",
         {"--lint=x"},
         "invalid argument \"x\" for \"-l, --lint\" flag: strconv.ParseBool: parsing \"x\": invalid syntax"},
        {"check", {"---c"}, "bad flag syntax: ---c"},
        {"check", {"--=c"}, "bad flag syntax: --=c"},
        {"check",
         {"-l", "-n"},
         "if any flags in the group [lint lint-no-network lint-schema] are set none of the others can be; [lint "
         "lint-no-network] were all set"},
        {"check",
         {"-lns", "x"},
         "if any flags in the group [lint lint-no-network lint-schema] are set none of the others can be; [lint "
         "lint-no-network lint-schema] were all set"},
    };
    for (size_t i = 0; i < KD_COUNT(cases); i++) {
        kd_args args;
        if (parse(&args, cases[i].command, cases[i].words))
            fail_msg("accepted case %zu", i);
        assert_string_equal(args.error, cases[i].error);
    }
}

static void test_help(void **state)
{
    static const char *const words[][ARGS_MAX] = {{"-h"}, {"--help"}, {"-dh"}, {"--help=true"}, {"-l", "-n", "-h"}};
    for (size_t i = 0; i < KD_COUNT(words); i++) {
        kd_args args;
        assert_true(parse(&args, "check", words[i]));
        assert_true(args.help);
    }
}

/* The tables that help and usage print must be sorted and fit. */
static void test_tables(void **state)
{
    for (int i = 0; i < kd_commands_count; i++) {
        const kd_command *c = &kd_commands[i];
        assert_true(i == 0 || strcmp(kd_commands[i - 1].name, c->name) < 0);
        assert_true(c->n_flags < KD_FLAGS_MAX);
        assert_non_null(c->run);
        assert_non_null(c->example);
        for (int j = 1; j < c->n_flags; j++)
            assert_true(strcmp(c->flags[j - 1].name, c->flags[j].name) < 0);
    }
}

static void test_quote(void **state)
{
    char text[32];
    kd_args_quote(text, sizeof(text), "a\"\\\t\n\x01");
    assert_string_equal(text, "\"a\\\"\\\\\\t\\n\\x01\"");
    kd_args_quote(text, 12, "longer than there is room");
    assert_true(strlen(text) < 12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepted), cmocka_unit_test(test_refused), cmocka_unit_test(test_help),
        cmocka_unit_test(test_tables),   cmocka_unit_test(test_quote),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
