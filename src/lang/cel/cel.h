/* Expressions of the Common Expression Language with its standard library, as cel-go 0.26 has them without extensions
 * (spec/05 section 2.6). An expression is compiled once, into an immutable program that all threads may run; running
 * takes memory from the caller's arena alone, does no I/O, and ends within a budget of steps.
 *
 *   parse.c (scan.c, syntax.c, build.c) -> ast.h -> check.c (types.c) -> eval.c (functions*.c, value.h) */
#ifndef KD_LANG_CEL_CEL_H
#define KD_LANG_CEL_CEL_H

#include "lang/cel/value.h"

/* The types that a variable may be declared with. */
typedef enum kd_cel_declared {
    KD_CEL_DECLARED_BOOL,
    KD_CEL_DECLARED_INT,
    KD_CEL_DECLARED_UINT,
    KD_CEL_DECLARED_DOUBLE,
    KD_CEL_DECLARED_STRING,
    KD_CEL_DECLARED_BYTES,
    KD_CEL_DECLARED_DYN,
    KD_CEL_DECLARED_TIMESTAMP,
    KD_CEL_DECLARED_DURATION,
    KD_CEL_DECLARED_LIST_DYN,         /* list(dyn) */
    KD_CEL_DECLARED_MAP_STRING,       /* map(string, string) */
    KD_CEL_DECLARED_MAP_STRING_LISTS, /* map(string, list(string)) */
    KD_CEL_DECLARED_MAP_DYN,          /* map(string, dyn) */
} kd_cel_declared;

typedef struct kd_cel_variable {
    kd_str name; /* may be qualified: "a.b" */
    kd_cel_declared type;
} kd_cel_variable;

/* What an expression may speak of. Borrowed by the programs compiled with it. */
typedef struct kd_cel_environment {
    const kd_cel_variable *variables;
    uint32_t n_variables;
    kd_str container; /* the namespace in which names are looked up; empty for none */
    bool unchecked;   /* no type check: names are resolved at run time */
} kd_cel_environment;

#define KD_CEL_MAX_SOURCE    100000u /* code points of an expression */
#define KD_CEL_MAX_DEPTH     250u    /* nesting of an expression, as cel-go's parser counts it */
#define KD_CEL_MAX_VARIABLES 64u
#define KD_CEL_MAX_STEPS     1000000u /* nodes that one evaluation visits; cel-go has no bound */

typedef enum kd_cel_outcome {
    KD_CEL_OK,
    KD_CEL_SYNTAX,    /* does not parse, or cel-go makes no program of it */
    KD_CEL_CHECK,     /* parses, but the types do not fit or a name is unknown */
    KD_CEL_NO_MEMORY, /* *error says so */
} kd_cel_outcome;

typedef struct kd_cel_program kd_cel_program;

/* Compiles an expression of UTF-8; program, messages and a copy of the source lie in the arena, which must outlive the
 * program. *error: cel-go's text, one "ERROR: <input>:1:15: ..." with the source line and its caret for each finding.
 */
kd_cel_outcome kd_cel_compile(kd_arena *arena, const kd_cel_environment *environment, kd_str source,
                              kd_cel_program **program, kd_str *error);

/* Gives the compiled form of a pattern, which must live as long as the program; NULL where it cannot. */
typedef const struct kd_regex *(*kd_cel_pattern)(void *context, kd_str pattern);

/* Has the constant patterns of a program's matches() compiled ahead, before it is run the first time: without that, and
 * for those that have no compiled form, each evaluation compiles them (and fails with what is wrong with them). */
void kd_cel_prepare(kd_cel_program *program, kd_cel_pattern compile, void *context);

/* The value of a variable, by its place in the environment: called once at most for each use. False: it has none here,
 * and the evaluation fails with "no such attribute(s): <name>". */
typedef bool (*kd_cel_resolve)(void *context, uint32_t variable, kd_cel_value *value);

typedef struct kd_cel_activation {
    kd_cel_resolve resolve;
    void *context;
    kd_arena *arena;    /* what the evaluation makes; the result may refer to it */
    uint32_t max_steps; /* 0: KD_CEL_MAX_STEPS */
} kd_cel_activation;

/* Runs a program. The result is of type KD_CEL_ERROR, with cel-go's text, when it failed, also without memory ("out of
 * memory") and beyond the budget ("evaluation exceeded its budget of <n> steps"). */
kd_cel_value kd_cel_run(const kd_cel_program *program, const kd_cel_activation *activation);

/* The type that the checker found, in cel-go's words: "map(string, dyn)". For tests; empty for an unchecked program. */
kd_str kd_cel_program_type(const kd_cel_program *program, kd_arena *arena);

#endif
