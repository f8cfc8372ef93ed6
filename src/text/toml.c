#include "text/toml.h"

#include "base/map.h"
#include "text/toml_read.h"
#include "text/utf8.h"

#include <stdarg.h>
#include <stdio.h>

#define FEW_MEMBERS 16u /* smaller tables are searched as they are */
#define MEMBERS_MAX (1u << 24)

/* How a table or list came about decides who may add to it. */
typedef enum origin {
    BY_VALUE,  /* written as a value: closed */
    BY_PATH,   /* on the way to a [table]: may still be defined */
    BY_DOTS,   /* by a dotted key: the same */
    BY_HEADER, /* [table], or an item of [[tables]] */
    BY_ARRAY   /* the list of [[tables]] */
} origin;

typedef struct document {
    kd_toml_reader reader;
    kd_toml_node *root, *current;
} document;

/* A part of a dotted key. */
typedef struct part {
    struct part *next;
    kd_str text;
    kd_toml_place at;
} part;

static bool read_value(document *d, kd_toml_node *node);

/* ---- places and complaints */

kd_toml_place kd_toml_here(const kd_toml_reader *r)
{
    return (kd_toml_place){r->line, (uint32_t)(r->at - r->line_start) + 1};
}

bool kd_toml_refuse(kd_toml_reader *r, kd_toml_place place, const char *message, const char *compat, ...)
{
    if (r->failed)
        return false;
    char words[256];
    va_list args;
    va_start(args, compat);
    vsnprintf(words, sizeof(words), compat, args);
    va_end(args);
    uint32_t column = place.column; /* go-toml counts characters */
    for (uint32_t i = 1; place.line == r->line && i < place.column && r->line_start + i <= r->end; i++)
        column -= ((uint8_t)r->line_start[i - 1] & 0xc0) == 0x80;
    r->failed = true;
    r->error->at = place;
    r->error->compat = kd_arena_printf(r->arena, "(%u, %u): %s", place.line, column, words);
    r->error->message = r->error->compat.p ? kd_str_from_c(message) : KD_STR("");
    return false;
}

bool kd_toml_no_memory(kd_toml_reader *r)
{
    if (!r->failed)
        *r->error = (kd_toml_error){.message = KD_STR(""), .compat = KD_STR("out of memory")};
    r->failed = true;
    return false;
}

/* ---- blanks */

void kd_toml_skip_blank(kd_toml_reader *r)
{
    while (r->at < r->end && (*r->at == ' ' || *r->at == '\t'))
        r->at++;
}

bool kd_toml_skip_line_end(kd_toml_reader *r)
{
    kd_toml_skip_blank(r);
    if (kd_toml_peek(r) == '#')
        while (r->at < r->end && *r->at != '\n' && ((uint8_t)*r->at >= 0x20 || *r->at == '\t') && *r->at != 0x7f)
            r->at++;
    if (r->at >= r->end)
        return true;
    if (kd_toml_looking_at(r, "\r\n"))
        r->at++;
    if (*r->at != '\n')
        return false;
    r->at++;
    kd_toml_next_line(r);
    return true;
}

/* Blanks, comments and line ends, as between the items of a list. */
static bool skip_all(kd_toml_reader *r)
{
    for (;;) {
        kd_toml_skip_blank(r);
        char c = kd_toml_peek(r);
        if (r->at >= r->end || (c != '#' && c != '\n' && c != '\r'))
            return true;
        if (!kd_toml_skip_line_end(r))
            return kd_toml_refuse(r, kd_toml_here(r), "a control character does not belong here",
                                  "unexpected control character");
    }
}

/* ---- tables */

static kd_toml_node *find_member(const kd_toml_node *table, kd_str key)
{
    if (table->index)
        return kd_map_get(table->index, key);
    kd_toml_node *node = table->first;
    while (node && !kd_str_eq(node->key, key))
        node = node->next;
    return node;
}

static bool index_members(document *d, kd_toml_node *table)
{
    table->index = KD_NEW(d->reader.arena, kd_map);
    if (!table->index)
        return false;
    kd_map_init(table->index, d->reader.arena, MEMBERS_MAX);
    for (kd_toml_node *node = table->first; node; node = node->next)
        if (!kd_map_put(table->index, node->key, node))
            return false;
    return true;
}

/* A new last child of a table or list. */
static kd_toml_node *add_child(document *d, kd_toml_node *up, kd_str key, kd_toml_place key_at)
{
    kd_toml_reader *r = &d->reader;
    if (up->depth >= KD_TOML_MAX_DEPTH) {
        kd_toml_refuse(r, key_at, "tables and arrays are nested too deep", "exceeded max depth of %d",
                       KD_TOML_MAX_DEPTH);
        return NULL;
    }
    kd_toml_node *node = KD_NEW(r->arena, kd_toml_node);
    if (!node) {
        kd_toml_no_memory(r);
        return NULL;
    }
    *node = (kd_toml_node){.kind = KD_TOML_TABLE, .depth = (uint16_t)(up->depth + 1), .key = key, .key_at = key_at};
    node->at = key_at;
    if (up->last)
        up->last->next = node;
    else
        up->first = node;
    up->last = node;
    up->n++;
    bool ok = true;
    if (up->kind == KD_TOML_TABLE && up->index)
        ok = kd_map_put(up->index, key, node);
    else if (up->kind == KD_TOML_TABLE && up->n > FEW_MEMBERS)
        ok = index_members(d, up);
    if (!ok)
        kd_toml_no_memory(r);
    return ok ? node : NULL;
}

static void refuse_twice(document *d, const part *key, kd_toml_place at)
{
    kd_toml_refuse(&d->reader, at, "the key is given already", "The following key was defined twice: %.*s",
                   KD_FMT(kd_str_head(key->text, 100)));
}

/* ---- keys */

static bool is_bare(char c)
{
    return (uint8_t)(c - '0') < 10 || (uint8_t)(kd_lower((uint8_t)c) - 'a') < 26 || c == '_' || c == '-';
}

static bool read_part(document *d, part *out, kd_toml_place start)
{
    kd_toml_reader *r = &d->reader;
    out->at = kd_toml_here(r);
    if (kd_toml_peek(r) == '"' || kd_toml_peek(r) == '\'')
        return kd_toml_read_string(r, true, &out->text);
    const char *from = r->at;
    while (r->at < r->end && is_bare(*r->at))
        r->at++;
    out->text = kd_str_of(from, (size_t)(r->at - from));
    char c = kd_toml_peek(r);
    if (r->at >= r->end || c == '\n' || c == '\r')
        return out->text.n || kd_toml_refuse(r, out->at, "expected a key", "expecting a key");
    if (out->text.n && strchr(" \t.=]", c))
        return true;
    if (c == '=' || c == '.' || c == ']')
        return kd_toml_refuse(r, out->at, "expected a key before this", "parsing error: empty key");
    uint32_t rune;
    size_t n = kd_utf8_decode(r->at, (size_t)(r->end - r->at), &rune);
    return kd_toml_refuse(r, start,
                          "a key without quotes has letters, digits, _ and - only, and an equals sign behind it",
                          "parsing error: keys cannot contain %.*s character", (int)n, r->at);
}

/* A dotted key: its parts, in order. */
static bool read_key(document *d, part **out)
{
    kd_toml_reader *r = &d->reader;
    kd_toml_place start = kd_toml_here(r);
    part **link = out;
    *out = NULL;
    for (;;) {
        part *p = *link = KD_NEW(r->arena, part);
        if (!p)
            return kd_toml_no_memory(r);
        link = &p->next;
        if (!read_part(d, p, start))
            return false;
        kd_toml_skip_blank(r);
        if (kd_toml_peek(r) != '.')
            return true;
        r->at++;
        kd_toml_skip_blank(r);
    }
}

/* ---- members */

/* The table that a part of a dotted key on the left of an equals sign leads to. */
static kd_toml_node *step_dotted(document *d, kd_toml_node *table, const part *p)
{
    kd_toml_node *next = find_member(table, p->text);
    if (!next) {
        next = add_child(d, table, p->text, p->at);
        if (next)
            next->origin = BY_DOTS;
        return next;
    }
    if (next->kind == KD_TOML_TABLE && next->origin != BY_VALUE)
        return next;
    refuse_twice(d, p, p->at);
    return NULL;
}

/* key = value, into the table; `again`: a key that is there already is replaced. */
static bool read_member(document *d, kd_toml_node *table, bool again)
{
    kd_toml_reader *r = &d->reader;
    part *key;
    if (!read_key(d, &key))
        return false;
    if (kd_toml_peek(r) != '=')
        return kd_toml_refuse(r, kd_toml_here(r), "expected an equals sign after the key", "expecting = after the key");
    for (; key->next; key = key->next)
        if (!(table = step_dotted(d, table, key)))
            return false;
    kd_toml_node *node = find_member(table, key->text);
    if (node && !again) {
        refuse_twice(d, key, key->at);
        return false;
    }
    if (node)
        *node = (kd_toml_node){.depth = node->depth, .key = key->text, .key_at = key->at, .next = node->next};
    else if (!(node = add_child(d, table, key->text, key->at)))
        return false;
    r->at++;
    kd_toml_skip_blank(r);
    return read_value(d, node);
}

/* ---- values */

static bool read_list(document *d, kd_toml_node *list)
{
    kd_toml_reader *r = &d->reader;
    list->kind = KD_TOML_LIST;
    list->origin = BY_VALUE;
    r->at++;
    for (;;) {
        if (!skip_all(r))
            return false;
        if (kd_toml_peek(r) == ']')
            break;
        if (r->at >= r->end)
            return kd_toml_refuse(r, kd_toml_here(r), "the file ends inside a list", "unterminated array");
        kd_toml_node *item = add_child(d, list, KD_STR(""), kd_toml_here(r));
        if (!item || !read_value(d, item) || !skip_all(r))
            return false;
        if (kd_toml_peek(r) == ']')
            break;
        if (r->at >= r->end)
            return kd_toml_refuse(r, kd_toml_here(r), "the file ends inside a list", "unterminated array");
        if (kd_toml_peek(r) != ',')
            return kd_toml_refuse(r, kd_toml_here(r), "expected a comma or a closing bracket", "missing comma");
        r->at++;
    }
    r->at++;
    return true;
}

/* Nobody may add to an inline table later, nor to the tables that its dotted keys made. */
static void close_table(kd_toml_node *table)
{
    table->origin = BY_VALUE;
    for (kd_toml_node *node = table->first; node; node = node->next)
        if (node->kind == KD_TOML_TABLE && node->origin == BY_DOTS)
            close_table(node);
}

static bool read_inline_table(document *d, kd_toml_node *table)
{
    kd_toml_reader *r = &d->reader;
    table->kind = KD_TOML_TABLE;
    table->origin = BY_DOTS;
    r->at++;
    if (!skip_all(r))
        return false;
    while (kd_toml_peek(r) != '}') {
        if (!read_member(d, table, true) || !skip_all(r))
            return false;
        if (kd_toml_peek(r) == '}')
            break;
        if (kd_toml_peek(r) != ',')
            return kd_toml_refuse(r, kd_toml_here(r), "expected a comma or a closing brace",
                                  "previous field in inline table is not terminated by a comma");
        kd_toml_place comma = kd_toml_here(r);
        r->at++;
        if (!skip_all(r))
            return false;
        if (kd_toml_peek(r) == '}')
            return kd_toml_refuse(r, comma, "no comma may stand before the closing brace",
                                  "trailing comma at the end of inline table");
    }
    r->at++;
    close_table(table);
    return true;
}

static bool read_value(document *d, kd_toml_node *node)
{
    kd_toml_reader *r = &d->reader;
    node->at = kd_toml_here(r);
    switch (kd_toml_peek(r)) {
    case '[':
        return read_list(d, node);
    case '{':
        return read_inline_table(d, node);
    case '"':
    case '\'':
        node->kind = KD_TOML_STRING;
        return kd_toml_read_string(r, false, &node->text);
    default:
        return kd_toml_read_scalar(r, node);
    }
}

/* ---- headers */

/* The table that a part of a header on the way to the last one leads to. */
static kd_toml_node *step_header(document *d, kd_toml_node *table, const part *p)
{
    kd_toml_node *next = find_member(table, p->text);
    if (!next) {
        next = add_child(d, table, p->text, p->at);
        if (next)
            next->origin = BY_PATH;
        return next;
    }
    if (next->kind == KD_TOML_LIST && next->origin == BY_ARRAY)
        return next->last;
    if (next->kind == KD_TOML_TABLE && next->origin != BY_VALUE)
        return next;
    refuse_twice(d, p, p->at);
    return NULL;
}

/* [table] */
static kd_toml_node *define_table(document *d, kd_toml_node *up, const part *p)
{
    kd_toml_node *table = find_member(up, p->text);
    if (table && !(table->kind == KD_TOML_TABLE && (table->origin == BY_PATH || table->origin == BY_DOTS))) {
        kd_toml_refuse(&d->reader, p->at, "the table is defined already", "duplicated tables");
        return NULL;
    }
    if (!table)
        table = add_child(d, up, p->text, p->at);
    if (table)
        table->origin = BY_HEADER;
    return table;
}

/* [[tables]] */
static kd_toml_node *append_table(document *d, kd_toml_node *up, const part *p)
{
    kd_toml_node *list = find_member(up, p->text);
    if (list && !(list->kind == KD_TOML_LIST && list->origin == BY_ARRAY)) {
        kd_toml_refuse(&d->reader, p->at, "the key is no list of tables",
                       "key \"%.*s\" is already assigned and not of type table array",
                       KD_FMT(kd_str_head(p->text, 100)));
        return NULL;
    }
    if (!list && (list = add_child(d, up, p->text, p->at))) {
        list->kind = KD_TOML_LIST;
        list->origin = BY_ARRAY;
    }
    kd_toml_node *table = list ? add_child(d, list, KD_STR(""), p->at) : NULL;
    if (table)
        table->origin = BY_HEADER;
    return table;
}

static bool read_header(document *d)
{
    kd_toml_reader *r = &d->reader;
    bool array = kd_toml_looking_at(r, "[[");
    part *key;
    r->at += array ? 2 : 1;
    kd_toml_skip_blank(r);
    if (!read_key(d, &key))
        return false;
    if (!kd_toml_looking_at(r, array ? "]]" : "]"))
        return kd_toml_refuse(r, kd_toml_here(r), "expected the closing bracket of the table's name",
                              array ? "unclosed table array key" : "unclosed table key");
    r->at += array ? 2 : 1;
    kd_toml_node *table = d->root;
    for (; key->next && table; key = key->next)
        table = step_header(d, table, key);
    if (table)
        table = array ? append_table(d, table, key) : define_table(d, table, key);
    d->current = table;
    return table != NULL;
}

/* ---- the document */

/* The text with U+FFFD for each bad byte; p is NULL without memory. */
static kd_str repair(kd_arena *arena, kd_str text)
{
    char *copy = kd_arena_alloc(arena, text.n * 3 + 1), *to = copy;
    for (size_t i = 0; copy && i < text.n;) {
        uint32_t rune;
        i += kd_utf8_decode(text.p + i, text.n - i, &rune);
        to += kd_utf8_encode(to, rune);
    }
    return copy ? kd_str_of(copy, (size_t)(to - copy)) : (kd_str){NULL, 0};
}

static void read_document(document *d)
{
    kd_toml_reader *r = &d->reader;
    while (skip_all(r) && r->at < r->end) {
        bool header = kd_toml_peek(r) == '[';
        if (!(header ? read_header(d) : read_member(d, d->current, false)))
            return;
        if (!header && !kd_toml_skip_line_end(r)) {
            kd_toml_refuse(r, kd_toml_here(r), "expected the end of the line", "unexpected characters after a value");
            return;
        }
    }
}

const kd_toml_node *kd_toml_read(kd_arena *arena, kd_str text, kd_toml_error *error)
{
    *error = (kd_toml_error){.message = KD_STR(""), .compat = KD_STR("out of memory")};
    if (!kd_utf8_valid(text) && !(text = repair(arena, text)).p)
        return NULL;
    document d = {.reader = {.arena = arena, .at = text.p, .end = text.p + text.n, .line = 1, .error = error}};
    d.reader.line_start = text.p;
    if (kd_str_starts(text, KD_STR("\xef\xbb\xbf")))
        d.reader.at += 3;
    d.root = d.current = KD_NEW(arena, kd_toml_node);
    if (!d.root)
        return NULL;
    *d.root = (kd_toml_node){.kind = KD_TOML_TABLE, .origin = BY_HEADER, .at = {1, 1}};
    read_document(&d);
    return d.reader.failed ? NULL : d.root;
}
