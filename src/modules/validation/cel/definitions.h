/* The expressions of a validation/cel block, sorted into the phases in which KrakenD runs them, and compiled (spec/05
 * sections 2.2 and 2.3). */
#ifndef KD_MODULES_VALIDATION_CEL_DEFINITIONS_H
#define KD_MODULES_VALIDATION_CEL_DEFINITIONS_H

#include "gateway/step.h"
#include "lang/cel/cel.h"

/* The variables, by their places in the environment. */
typedef enum kd_cel_name {
    KD_CEL_NOW,
    KD_CEL_REQ_METHOD,
    KD_CEL_REQ_PATH,
    KD_CEL_REQ_PARAMS,
    KD_CEL_REQ_HEADERS,
    KD_CEL_REQ_QUERYSTRING,
    KD_CEL_RESP_COMPLETED,
    KD_CEL_RESP_METADATA_STATUS,
    KD_CEL_RESP_METADATA_HEADERS,
    KD_CEL_RESP_DATA,
    KD_CEL_JWT,
    KD_CEL_NAMES
} kd_cel_name;

/* An expression takes part in each phase whose word stands somewhere in its text. */
typedef enum kd_cel_phase { KD_CEL_PRE, KD_CEL_POST, KD_CEL_TOKEN, KD_CEL_PHASES } kd_cel_phase;

/* A compiled expression. Equal texts share it, also over reloads. */
typedef struct kd_cel_compiled {
    kd_arena arena;
    struct kd_cel_owned *patterns; /* the constant ones of its matches() */
    kd_cel_outcome outcome;
    kd_cel_program *program;
    kd_str error; /* cel-go's text, where there is no program */
} kd_cel_compiled;

typedef struct kd_cel_definition {
    kd_str text;
    const kd_cel_compiled *compiled;
} kd_cel_definition;

/* What one phase of a block runs. */
typedef struct kd_cel_checks {
    kd_cel_definition *all; /* those that were tried, in the order of the block */
    uint32_t n;
    const kd_cel_program **programs; /* those that run; their index stands in log lines and errors */
    uint32_t n_programs;
    const kd_cel_definition *broken; /* its syntax ends the component; NULL: none */
} kd_cel_checks;

/* Is the block one that KrakenD takes: a list of objects with texts, or null? Warns where it is not: all of it is
 * ignored then. */
bool kd_cel_block_fits(const kd_compile *compile, const kd_node *block);
/* Compiles the block's expressions of one phase, up to one whose syntax is broken, with a warning for each that will
 * not run. False without memory. */
bool kd_cel_checks_compile(const kd_compile *compile, const kd_node *block, kd_cel_phase phase, kd_cel_checks *out);
/* Warns of the expressions that run in no phase, or in one that lacks their variables. */
void kd_cel_block_advise(const kd_compile *compile, const kd_node *block);
/* Writes the lines that KrakenD writes while it parses the set. */
void kd_cel_checks_log(const kd_cel_checks *set);

#endif
