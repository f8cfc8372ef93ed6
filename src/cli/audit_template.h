/* The parsed form of an audit's template: what audit_parse.c makes and audit_render.c walks. */
#ifndef KD_CLI_AUDIT_TEMPLATE_H
#define KD_CLI_AUDIT_TEMPLATE_H

#include "base/arena.h"

#define KD_TEMPLATE_NEST 100u /* blocks and parentheses within one another */
#define KD_TEMPLATE_ARGS 16u  /* operands of one command */

typedef enum kd_operand_kind {
    KD_OPERAND_DOT,
    KD_OPERAND_FIELD,    /* .A.B */
    KD_OPERAND_VARIABLE, /* $x.A */
    KD_OPERAND_STRING,
    KD_OPERAND_INT,
    KD_OPERAND_BOOL,
    KD_OPERAND_NIL,
    KD_OPERAND_FUNCTION,
    KD_OPERAND_PIPE /* (…).A */
} kd_operand_kind;

typedef struct kd_operand {
    kd_operand_kind kind;
    kd_str source; /* as it is written: its place in the template is the place in errors */
    kd_str text;   /* name of a variable or function, content of a string */
    kd_str fields; /* ".A.B" behind it, may be empty */
    int64_t number;
    const struct kd_pipe *pipe;
} kd_operand;

typedef struct kd_command_call {
    struct kd_command_call *next;
    kd_str source;
    kd_operand *args;
    uint32_t n;
} kd_command_call;

typedef struct kd_pipe {
    kd_str source;
    kd_str variables[2];
    uint32_t n_variables;
    bool assigns; /* = in place of := */
    kd_command_call *first;
} kd_pipe;

typedef enum kd_action_kind {
    KD_ACTION_TEXT,
    KD_ACTION_PRINT,
    KD_ACTION_IF,
    KD_ACTION_WITH,
    KD_ACTION_RANGE,
    KD_ACTION_BREAK,
    KD_ACTION_CONTINUE
} kd_action_kind;

typedef struct kd_action {
    struct kd_action *next;
    kd_action_kind kind;
    kd_str text;
    const kd_pipe *pipe;
    struct kd_action *inside, *otherwise;
} kd_action;

/* The functions that a template may call, NULL-ended. */
extern const char *const kd_template_functions[];

/* Parses a template, which outlives the result. False: *error is Go's text, in the arena or static. */
bool kd_template_parse(kd_arena *arena, kd_str source, kd_action **out, kd_str *error);
/* "audit:LINE:COLUMN" of a place within the template, in the arena. */
kd_str kd_template_place(kd_arena *arena, kd_str source, const char *at);

#endif
