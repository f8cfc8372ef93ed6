#include "lang/cel/ast.h"

#include <stdio.h>

#define MAX_SNIPPET 16384u /* bytes of a source line that a message still shows */
#define WIDE_DOT    "\xEF\xBC\x8E"
#define WIDE_CARET  "\xEF\xBC\xBE"

void kd_cel_findings_add(kd_cel_findings *findings, uint32_t offset, kd_str text)
{
    if (findings->n < KD_CEL_MAX_FINDINGS)
        findings->items[findings->n++] = (kd_cel_finding){offset, text};
    else
        findings->more++;
}

/* The line, from 0, that holds an offset. */
static uint32_t line_of(const kd_cel_source *source, uint32_t offset)
{
    uint32_t low = 0, high = source->n_lines;
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (source->lines[middle] <= offset)
            low = middle;
        else
            high = middle;
    }
    return low;
}

static kd_str line_text(const kd_cel_source *source, uint32_t line)
{
    kd_str rest = source->text;
    for (uint32_t i = 0; i < line; i++)
        rest = kd_str_from(rest, (size_t)kd_str_find(rest, '\n') + 1);
    ptrdiff_t end = kd_str_find(rest, '\n');
    return end < 0 ? rest : kd_str_head(rest, (size_t)end);
}

typedef struct text {
    char *p; /* NULL while the length is measured */
    size_t n;
} text;

static void put(text *to, kd_str s)
{
    if (to->p && s.n)
        memcpy(to->p + to->n, s.p, s.n);
    to->n += s.n;
}

/* The source line and the caret under `column`: wide characters have wide dots. */
static void put_snippet(text *to, kd_str line, uint32_t column)
{
    put(to, KD_STR("\n | "));
    for (size_t i = 0; i < line.n; i++)
        put(to, line.p[i] == '\t' ? KD_STR(" ") : kd_str_of(line.p + i, 1));
    put(to, KD_STR("\n | "));
    size_t at = 0;
    for (uint32_t i = 0; i <= column; i++) {
        bool wide = at < line.n && (uint8_t)line.p[at] >= 0x80, last = i == column;
        if (at == line.n && !last)
            continue;
        put(to, last ? (wide ? KD_STR(WIDE_CARET) : KD_STR("^")) : (wide ? KD_STR(WIDE_DOT) : KD_STR(".")));
        for (at += at < line.n; at < line.n && ((uint8_t)line.p[at] & 0xC0) == 0x80;)
            at++;
    }
}

static void put_finding(text *to, const kd_cel_source *source, const kd_cel_finding *finding)
{
    char head[64];
    uint32_t line = 0, column = 0;
    bool empty = !source->text.n, placed = finding->offset != KD_CEL_NOWHERE && !empty;
    if (placed) {
        line = line_of(source, finding->offset);
        column = finding->offset - source->lines[line];
        snprintf(head, sizeof(head), "ERROR: <input>:%u:%u: ", line + 1, column + 1);
    } else {
        snprintf(head, sizeof(head), "ERROR: <input>:%d:0: ", empty && finding->offset != KD_CEL_NOWHERE ? 1 : -1);
    }
    put(to, kd_str_from_c(head));
    put(to, finding->text);
    kd_str shown = placed ? line_text(source, line) : (kd_str){0};
    if (placed && shown.n <= MAX_SNIPPET)
        put_snippet(to, shown, column);
}

static void put_all(text *to, const kd_cel_source *source, const kd_cel_finding *sorted, uint32_t n, uint32_t more)
{
    for (uint32_t i = 0; i < n; i++) {
        if (i)
            put(to, KD_STR("\n"));
        put_finding(to, source, &sorted[i]);
    }
    if (more) {
        char tail[64];
        snprintf(tail, sizeof(tail), "\n%u more errors were truncated", more);
        put(to, kd_str_from_c(tail));
    }
}

kd_str kd_cel_findings_text(kd_arena *arena, const kd_cel_source *source, const kd_cel_findings *findings)
{
    kd_cel_finding *sorted = KD_NEW_ARRAY(arena, kd_cel_finding, findings->n + 1);
    if (!sorted)
        return (kd_str){0};
    for (uint32_t i = 0; i < findings->n; i++) {
        /* what has no place comes first; otherwise the order of places, and of finding among equals */
        uint64_t place = (uint64_t)findings->items[i].offset + 1;
        uint32_t at = i;
        for (; at && (uint32_t)(sorted[at - 1].offset + 1) > (uint32_t)place; at--)
            sorted[at] = sorted[at - 1];
        sorted[at] = findings->items[i];
    }
    text to = {0};
    put_all(&to, source, sorted, findings->n, findings->more);
    to.p = kd_arena_alloc(arena, to.n + 1);
    if (!to.p)
        return (kd_str){0};
    to.n = 0;
    put_all(&to, source, sorted, findings->n, findings->more);
    return kd_str_of(to.p, to.n);
}
