/* TOML 1.0 (toml.io/en/v1.0.0) to a tree in which every key and value knows its place. What go-toml 1.9 takes beyond
 * the standard, is taken, too: leading zeros, line ends and repeated keys in inline tables, tables that are added to in
 * several ways, a member in the line of its header, bytes that are no UTF-8. */
#ifndef KD_TEXT_TOML_H
#define KD_TEXT_TOML_H

#include "base/arena.h"

#define KD_TOML_MAX_DEPTH 1000 /* tables and arrays inside one another, dotted keys counted part by part */

typedef enum kd_toml_kind {
    KD_TOML_STRING,
    KD_TOML_INTEGER,
    KD_TOML_FLOAT,
    KD_TOML_BOOL,
    KD_TOML_TIME,       /* offset date-time: text as RFC 3339 */
    KD_TOML_LOCAL_TIME, /* local time, date, or both, told apart by the text: 07:32:00, 1979-05-27, both with T */
    KD_TOML_LIST,
    KD_TOML_TABLE
} kd_toml_kind;

typedef struct kd_toml_place {
    uint32_t line, column; /* from 1, column in bytes */
} kd_toml_place;

typedef struct kd_toml_node {
    kd_toml_kind kind;
    bool boolean;
    bool large;     /* integer: beyond int64, below 2^64 */
    uint8_t origin; /* of tables and lists: how they came about (internal) */
    uint16_t depth;
    kd_str key; /* of a table's member */
    kd_toml_place key_at, at;
    kd_str text;   /* string content, time, or number (an integer in decimal) */
    double number; /* integer, float */
    int64_t integer;
    struct kd_toml_node *first, *last, *next; /* members or items, in the order of the text */
    uint32_t n;
    struct kd_map *index; /* of a large table's members (internal) */
} kd_toml_node;

typedef struct kd_toml_error {
    kd_toml_place at;
    kd_str message; /* what was expected and what was found; empty when memory is out */
    kd_str compat;  /* go-toml's text for it, with its place: "(2, 1): …" */
} kd_toml_error;

/* Reads a document: its root table in the arena; keys and numbers point into `text`. Bytes that are no UTF-8 become
 * U+FFFD. NULL when the text is refused or memory is out, *error says which. */
const kd_toml_node *kd_toml_read(kd_arena *arena, kd_str text, kd_toml_error *error);

#endif
