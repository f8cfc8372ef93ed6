#include "config/yaml_node.h"

#include "base/map.h"
#include "text/utf8.h"

#include <yaml.h>

#define ANCHORS_MAX (1u << 20)

typedef struct reader {
    kd_arena *arena;
    kd_errors *errors;
    kd_str file, text;
    kd_str *compat;
    yaml_parser_t parser;
    kd_map anchors; /* name → kd_yaml_node * */
    kd_yaml_node *root, *top;
    uint32_t depth;
    /* The place of the character that was asked for last; the next one asked for is not before it. */
    size_t at, line_start, index;
    bool failed;
} reader;

/* ---- places */

/* libyaml counts characters, our columns are bytes. */
static void advance(reader *r, size_t index)
{
    while (r->index < index && r->at < r->text.n) {
        uint32_t rune;
        size_t n = kd_utf8_decode(r->text.p + r->at, r->text.n - r->at, &rune);
        r->at += n;
        r->index++;
        bool crlf = rune == '\r' && r->at < r->text.n && r->text.p[r->at] == '\n';
        if ((rune == '\n' || rune == '\r' || rune == 0x85 || rune == 0x2028 || rune == 0x2029) && !crlf)
            r->line_start = r->at;
    }
}

static uint32_t column_of(reader *r, const yaml_mark_t *mark)
{
    advance(r, mark->index);
    return (uint32_t)(r->at > r->line_start ? r->at - r->line_start : 0) + 1;
}

/* ---- complaints */

static void out_of_memory(reader *r)
{
    if (!r->failed)
        *r->compat = KD_STR("out of memory");
    r->failed = true;
}

/* NULL without memory. */
static kd_error *refuse(reader *r, uint32_t line, uint32_t column, kd_str message, kd_str compat)
{
    kd_location *at = KD_NEW(r->arena, kd_location);
    if (!at || !message.p || !compat.p) {
        out_of_memory(r);
        return NULL;
    }
    *at = (kd_location){.file = r->file, .line = line, .column = column};
    kd_error *e = kd_errors_add(r->errors, KD_SEVERITY_ERROR, at, KD_STR(""), "%.*s", KD_FMT(message));
    *r->compat = e->compat = compat;
    r->failed = true;
    return e;
}

/* What libyaml refused. yaml.v3 is a port of it and has the same words, with a line of its own reckoning. */
static void refuse_syntax(reader *r)
{
    const yaml_parser_t *p = &r->parser;
    if (p->error == YAML_MEMORY_ERROR) {
        out_of_memory(r);
        return;
    }
    const char *problem = p->problem ? p->problem : "unknown problem parsing YAML content";
    size_t line = p->context_mark.line ? p->context_mark.line : p->problem_mark.line;
    if (line && p->error == YAML_SCANNER_ERROR)
        line++;
    kd_str compat = line ? kd_arena_printf(r->arena, "yaml: line %zu: %s", line, problem)
                         : kd_arena_printf(r->arena, "yaml: %s", problem);
    kd_str message = kd_arena_printf(r->arena, "the YAML cannot be read: %s%s%s", problem, p->context ? " " : "",
                                     p->context ? p->context : "");
    kd_error *e = refuse(r, (uint32_t)p->problem_mark.line + 1, column_of(r, &p->problem_mark), message, compat);
    if (e && (strstr(problem, "tab character") || strstr(problem, "cannot start any token")))
        e->suggestion = KD_STR("indent with spaces: YAML allows no tabs there");
}

/* ---- nodes */

static kd_str short_tag(reader *r, const char *tag)
{
    static const kd_str prefix = KD_STR_INIT("tag:yaml.org,2002:");
    kd_str whole = kd_str_from_c(tag);
    if (!tag || kd_str_eq(whole, KD_STR("!")))
        return KD_STR("");
    kd_str s = kd_str_starts(whole, prefix) ? kd_arena_printf(r->arena, "!!%.*s", KD_FMT(kd_str_from(whole, prefix.n)))
                                            : kd_arena_copy(r->arena, whole);
    if (!s.p)
        out_of_memory(r);
    return s;
}

static kd_yaml_node *add_node(reader *r, kd_yaml_kind kind, const yaml_event_t *event)
{
    kd_yaml_node *node = KD_NEW(r->arena, kd_yaml_node);
    if (!node) {
        out_of_memory(r);
        return NULL;
    }
    node->kind = kind;
    node->line = (uint32_t)event->start_mark.line + 1;
    node->column = column_of(r, &event->start_mark);
    node->up = r->top;
    if (!r->top) {
        r->root = node;
        return node;
    }
    if (r->top->last)
        r->top->last->next = node;
    else
        r->top->first = node;
    r->top->last = node;
    r->top->n++;
    return node;
}

static void set_anchor(reader *r, const yaml_char_t *name, kd_yaml_node *node)
{
    if (!name)
        return;
    kd_str key = kd_arena_copy(r->arena, kd_str_from_c((const char *)name));
    if (!key.p || !kd_map_put(&r->anchors, key, node))
        out_of_memory(r);
}

static void read_scalar(reader *r, const yaml_event_t *event)
{
    kd_yaml_node *node = add_node(r, KD_YAML_SCALAR, event);
    if (!node)
        return;
    node->plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    node->tag = short_tag(r, (const char *)event->data.scalar.tag);
    node->text = kd_arena_copy(r->arena, kd_str_of((const char *)event->data.scalar.value, event->data.scalar.length));
    if (!node->text.p)
        out_of_memory(r);
    set_anchor(r, event->data.scalar.anchor, node);
}

static void read_alias(reader *r, const yaml_event_t *event)
{
    kd_yaml_node *node = add_node(r, KD_YAML_ALIAS, event);
    if (!node)
        return;
    kd_str name = kd_str_from_c((const char *)event->data.alias.anchor);
    node->text = kd_arena_copy(r->arena, name);
    node->target = kd_map_get(&r->anchors, name);
    if (!node->text.p)
        out_of_memory(r);
    else if (!node->target)
        refuse(r, node->line, node->column,
               kd_arena_printf(r->arena, "there is no anchor \"&%.*s\" before this alias", KD_FMT(name)),
               kd_arena_printf(r->arena, "yaml: unknown anchor '%.*s' referenced", KD_FMT(name)));
}

static void open_container(reader *r, kd_yaml_kind kind, const yaml_event_t *event, const yaml_char_t *anchor)
{
    kd_yaml_node *node = add_node(r, kind, event);
    if (!node)
        return;
    set_anchor(r, anchor, node);
    r->top = node;
    if (++r->depth > KD_YAML_MAX_DEPTH)
        refuse(r, node->line, node->column,
               kd_arena_printf(r->arena, "objects and lists are nested deeper than %d levels", KD_YAML_MAX_DEPTH),
               kd_arena_printf(r->arena, "yaml: exceeded max depth of %d", KD_YAML_MAX_DEPTH));
}

static void close_container(reader *r)
{
    r->top = r->top->up;
    r->depth--;
}

/* False at the end of the first document, and of the text. */
static bool read_event(reader *r, const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        read_scalar(r, event);
        return true;
    case YAML_ALIAS_EVENT:
        read_alias(r, event);
        return true;
    case YAML_SEQUENCE_START_EVENT:
        open_container(r, KD_YAML_LIST, event, event->data.sequence_start.anchor);
        return true;
    case YAML_MAPPING_START_EVENT:
        open_container(r, KD_YAML_MAP, event, event->data.mapping_start.anchor);
        return true;
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        close_container(r);
        return true;
    case YAML_DOCUMENT_END_EVENT:
    case YAML_STREAM_END_EVENT:
        return false;
    default:
        return true;
    }
}

bool kd_yaml_nodes_read(kd_arena *arena, kd_str file, kd_str text, kd_errors *errors, kd_str *compat,
                        kd_yaml_node **root)
{
    static const kd_str mark = KD_STR_INIT("\xef\xbb\xbf");
    reader r = {.arena = arena, .errors = errors, .file = file, .text = text, .compat = compat};
    *compat = KD_STR("out of memory");
    if (!yaml_parser_initialize(&r.parser))
        return false;
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)text.p, text.n);
    kd_map_init(&r.anchors, arena, ANCHORS_MAX);
    if (kd_str_starts(text, mark)) /* not a character for libyaml */
        r.at = r.line_start = mark.n;
    for (bool more = true; more && !r.failed;) {
        yaml_event_t event;
        if (!yaml_parser_parse(&r.parser, &event)) {
            refuse_syntax(&r);
            r.failed = true;
            break;
        }
        more = read_event(&r, &event);
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&r.parser);
    *root = r.root;
    return !r.failed;
}
