/* The tokens of an expression. Their order is the order in which cel-go's messages list them. */
#ifndef KD_LANG_CEL_SCAN_H
#define KD_LANG_CEL_SCAN_H

#include "lang/cel/ast.h"

typedef enum kd_cel_token_kind {
    KD_CEL_T_EOF,
    KD_CEL_T_EQUALS,
    KD_CEL_T_NOT_EQUALS,
    KD_CEL_T_IN,
    KD_CEL_T_LESS,
    KD_CEL_T_LESS_EQUALS,
    KD_CEL_T_GREATER_EQUALS,
    KD_CEL_T_GREATER,
    KD_CEL_T_AND,
    KD_CEL_T_OR,
    KD_CEL_T_LBRACKET,
    KD_CEL_T_RBRACKET,
    KD_CEL_T_LBRACE,
    KD_CEL_T_RBRACE,
    KD_CEL_T_LPAREN,
    KD_CEL_T_RPAREN,
    KD_CEL_T_DOT,
    KD_CEL_T_COMMA,
    KD_CEL_T_MINUS,
    KD_CEL_T_EXCLAM,
    KD_CEL_T_QUESTION,
    KD_CEL_T_COLON,
    KD_CEL_T_PLUS,
    KD_CEL_T_STAR,
    KD_CEL_T_SLASH,
    KD_CEL_T_PERCENT,
    KD_CEL_T_TRUE,
    KD_CEL_T_FALSE,
    KD_CEL_T_NULL,
    KD_CEL_T_FLOAT,
    KD_CEL_T_INT,
    KD_CEL_T_UINT,
    KD_CEL_T_STRING,
    KD_CEL_T_BYTES,
    KD_CEL_T_IDENTIFIER,
    KD_CEL_T_ESCAPED, /* an identifier in backquotes */
    KD_CEL_T_COUNT,
} kd_cel_token_kind;

typedef struct kd_cel_token {
    uint32_t offset; /* in code points */
    uint8_t kind;    /* kd_cel_token_kind */
    kd_str text;     /* of the source; empty at the end */
} kd_cel_token;

typedef struct kd_cel_tokens {
    const kd_cel_token *items; /* the last is KD_CEL_T_EOF */
    uint32_t n;
    const kd_str *refused; /* what was no token, in its order */
    uint32_t n_refused;
} kd_cel_tokens;

/* Replaces the bytes of the source that are no UTF-8 by U+FFFD (in a copy) and finds its lines. False without memory.
 * *n_points: its code points. */
bool kd_cel_source_prepare(kd_arena *arena, kd_cel_source *source, uint32_t *n_points);

/* The tokens of a prepared source. What is no token becomes a finding ("Syntax error: token recognition error ...") and
 * is left out. False without memory, and when there are too many findings, which is one more then. */
bool kd_cel_scan(kd_arena *arena, const kd_cel_source *source, kd_cel_findings *findings, kd_cel_tokens *tokens);

/* `text` with tabs and line ends written as \t, \n and \r, as messages show it; p is NULL without memory. */
kd_str kd_cel_show(kd_arena *arena, kd_str text);

#endif
