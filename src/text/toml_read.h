/* What the two halves of the TOML reader share. Internal to text/toml. */
#ifndef KD_TEXT_TOML_READ_H
#define KD_TEXT_TOML_READ_H

#include "text/toml.h"

typedef struct kd_toml_reader {
    kd_arena *arena;
    const char *at, *end, *line_start;
    uint32_t line;
    kd_toml_error *error;
    bool failed;
} kd_toml_reader;

/* The place of r->at. */
kd_toml_place kd_toml_here(const kd_toml_reader *r);
/* Refuses what stands at `place` (which is in the present line, or at its own line's known column): the first refusal
 * counts. `compat` lacks the place. Returns false. */
bool kd_toml_refuse(kd_toml_reader *r, kd_toml_place place, const char *message, const char *compat, ...)
    KD_PRINTF(4, 5);
bool kd_toml_no_memory(kd_toml_reader *r);

static inline char kd_toml_peek(const kd_toml_reader *r)
{
    return r->at < r->end ? *r->at : 0;
}

static inline bool kd_toml_looking_at(const kd_toml_reader *r, const char *word)
{
    size_t n = strlen(word);
    return (size_t)(r->end - r->at) >= n && memcmp(r->at, word, n) == 0;
}

/* Counts the line end that r->at stands behind. */
static inline void kd_toml_next_line(kd_toml_reader *r)
{
    r->line++;
    r->line_start = r->at;
}

/* Skips spaces and tabs. */
void kd_toml_skip_blank(kd_toml_reader *r);
/* Skips a comment and the line end, also \r\n; at the end of the text nothing. False where something else stands. */
bool kd_toml_skip_line_end(kd_toml_reader *r);
/* A string of any of the four forms; with `single` one that stays in its line (a key). */
bool kd_toml_read_string(kd_toml_reader *r, bool single, kd_str *out);
/* A boolean, number or time into node->kind and its value. */
bool kd_toml_read_scalar(kd_toml_reader *r, kd_toml_node *node);

#endif
