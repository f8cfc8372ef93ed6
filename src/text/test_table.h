/* For unit tests: reads the tables of real Go behaviour under tests/go (format: tests/go/gen_text.go). */
#ifndef KD_TEXT_TEST_TABLE_H
#define KD_TEXT_TEST_TABLE_H

#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define TABLE_FIELDS 10

typedef struct table {
    FILE *file;
    char *line;
    size_t cap;
    unsigned rows;
    kd_str field[TABLE_FIELDS];
} table;

static inline table table_open(const char *name)
{
    char path[256];
    snprintf(path, sizeof(path), "tests/go/%s", name);
    table t = {.file = fopen(path, "r")};
    if (!t.file)
        fail_msg("cannot open %s: run the test in the repository's root", path);
    return t;
}

static inline unsigned table_hex(char c)
{
    return c <= '9' ? (unsigned)(c - '0') : (unsigned)(c - 'a' + 10);
}

/* Reads the next row; fields that the row lacks are empty. At the end closes the table, which must not be empty. */
static inline bool table_next(table *t)
{
    ssize_t n = getline(&t->line, &t->cap, t->file);
    if (n < 0) {
        assert_true(t->rows > 10);
        fclose(t->file);
        free(t->line);
        return false;
    }
    t->rows++;
    if (n && t->line[n - 1] == '\n')
        n--;
    char *to = t->line, *from = t->line, *end = t->line + n;
    for (int i = 0; i < TABLE_FIELDS; i++) {
        char *start = to;
        while (from < end && *from != '\t') {
            if (*from == '\\') {
                *to++ = (char)(table_hex(from[2]) << 4 | table_hex(from[3]));
                from += 4;
            } else {
                *to++ = *from++;
            }
        }
        t->field[i] = (kd_str){start, (size_t)(to - start)};
        from += from < end;
    }
    return true;
}

static inline long long table_number(kd_str s)
{
    char text[32];
    snprintf(text, sizeof(text), "%.*s", KD_FMT(s));
    return strtoll(text, NULL, 10);
}

/* A double given by the hexadecimal digits of its bits. */
static inline double table_double(kd_str s)
{
    char text[32];
    snprintf(text, sizeof(text), "%.*s", KD_FMT(s));
    uint64_t bits = strtoull(text, NULL, 16);
    double v;
    memcpy(&v, &bits, sizeof(v));
    return v;
}

static inline void table_compare(const table *t, kd_str got, kd_str want, const char *what)
{
    if (!kd_str_eq(got, want))
        fail_msg("row %u, %s of '%.*s': got '%.*s', Go has '%.*s'", t->rows, what, KD_FMT(t->field[0]), KD_FMT(got),
                 KD_FMT(want));
}

static inline void table_check(const table *t, bool good, const char *what)
{
    if (!good)
        fail_msg("row %u, %s of '%.*s'", t->rows, what, KD_FMT(t->field[0]));
}

#endif
