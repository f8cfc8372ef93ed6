#include "config/json_tree.h"

#include "base/buf.h"
#include "text/go/quote.h"
#include "text/utf8.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* Small objects are searched for duplicate keys as they are, larger ones through a table. */
#define FEW_MEMBERS 16u
#define NUMBER_MAX  64u
#define QUOTED_MAX  16u

/* An open object or list. Frames are reused: at most one for each level of the deepest nesting is allocated. */
typedef struct frame {
    struct frame *up;
    kd_node *node, *last;
} frame;

typedef struct reader {
    kd_arena *arena;
    kd_errors *errors;
    kd_str file;
    const char *begin, *at, *end;
    const char *line_start;
    uint32_t line;
    uint32_t depth;
    frame *top, *spare;
    kd_str *compat;
    bool bad_number; /* the first number beyond float64 was reported; Go goes on reading, too */
    bool failed;     /* refused or out of memory: nothing more is read */
} reader;

/* ---- places and complaints */

static const kd_location *location(reader *r, const char *at)
{
    kd_location *l = KD_NEW(r->arena, kd_location);
    if (!l) {
        r->failed = true;
        return NULL;
    }
    l->file = r->file;
    l->line = r->line;
    l->column = (uint32_t)(at - r->line_start) + 1;
    return l;
}

static void out_of_memory(reader *r)
{
    r->failed = true;
}

/* Reports what stands at `at`: `expected` in our words, `context` in Go's ("looking for beginning of value"). */
static void refuse(reader *r, const char *at, const char *expected, const char *context)
{
    if (r->failed)
        return;
    r->failed = true;
    if (at >= r->end) {
        *r->compat = KD_STR("unexpected end of JSON input");
        kd_error *e = kd_errors_add(r->errors, KD_SEVERITY_ERROR, location(r, r->end), KD_STR(""),
                                    "the file ends too early: expected %s", expected);
        e->compat = *r->compat;
        return;
    }
    kd_buf quoted;
    kd_buf_init(&quoted, QUOTED_MAX);
    kd_go_quote_json_byte(&quoted, (uint8_t)*at);
    kd_str found = kd_buf_str(&quoted);
    *r->compat = kd_arena_printf(r->arena, "invalid character %.*s %s", KD_FMT(found), context);
    kd_error *e = kd_errors_add(r->errors, KD_SEVERITY_ERROR, location(r, at), KD_STR(""), "expected %s, found %.*s",
                                expected, KD_FMT(found));
    e->compat = *r->compat;
    if (*at == '\'' || *at == '/' || *at == '#')
        e->suggestion = *at == '\''
                            ? KD_STR("JSON knows double quotes only")
                            : KD_STR("JSON has no comments: use a key that starts with @, such as \"@comment\"");
    else if (at > r->begin && (*at == '}' || *at == ']') && context[0] == 'l')
        e->suggestion = KD_STR("remove the comma before it");
    else if ((uint8_t)*at == 0xef && at == r->begin)
        e->suggestion = KD_STR("the file starts with a byte order mark: save it as UTF-8 without one");
    kd_buf_fini(&quoted);
}

static void skip_space(reader *r)
{
    for (; r->at < r->end; r->at++) {
        if (*r->at == '\n') {
            r->line++;
            r->line_start = r->at + 1;
        } else if (*r->at != ' ' && *r->at != '\t' && *r->at != '\r') {
            break;
        }
    }
}

/* ---- strings */

static int hex_digit(char c)
{
    uint8_t l = kd_lower((uint8_t)c);
    return c >= '0' && c <= '9' ? c - '0' : l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
}

/* The four hexadecimal digits at p, which are known to be there. */
static uint32_t hex4(const char *p)
{
    uint32_t v = 0;
    for (int i = 0; i < 4; i++)
        v = v << 4 | (uint32_t)hex_digit(p[i]);
    return v;
}

static char *put_escape(char *to, const char **from)
{
    static const char plain[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
    const char *p = *from + 1; /* behind the backslash */
    if (*p != 'u') {
        *to++ = meant[strchr(plain, *p) - plain];
        *from = p + 1;
        return to;
    }
    uint32_t c = hex4(p + 1);
    p += 5;
    if (c >= 0xd800 && c < 0xe000) {
        uint32_t low = c < 0xdc00 && p[0] == '\\' && p[1] == 'u' ? hex4(p + 2) : 0;
        if (low >= 0xdc00 && low < 0xe000) {
            c = 0x10000 + ((c - 0xd800) << 10 | (low - 0xdc00));
            p += 6;
        } else {
            c = 0xfffd;
        }
    }
    *from = p;
    return to + kd_utf8_encode(to, c);
}

/* The content of a checked string with escapes or bytes above 0x7f. */
static kd_str unquote(reader *r, kd_str raw)
{
    /* A bad byte becomes the three of U+FFFD; an escape never grows. */
    const char *end = raw.p + raw.n;
    size_t bad = 0;
    uint32_t rune;
    for (const char *p = raw.p; p < end;) {
        size_t n = kd_utf8_decode(p, (size_t)(end - p), &rune);
        bad += rune == KD_RUNE_BAD && n == 1;
        p += n;
    }
    if (bad == 0 && kd_str_find(raw, '\\') < 0)
        return raw;
    char *text = kd_arena_alloc(r->arena, raw.n + 2 * bad + 1), *to = text;
    if (!text) {
        out_of_memory(r);
        return KD_STR("");
    }
    for (const char *p = raw.p; p < end;) {
        if (*p == '\\') {
            to = put_escape(to, &p);
            continue;
        }
        p += kd_utf8_decode(p, (size_t)(end - p), &rune);
        to += kd_utf8_encode(to, rune);
    }
    *to = 0;
    return kd_str_of(text, (size_t)(to - text));
}

static bool check_escape(reader *r)
{
    const char *p = r->at + 1;
    if (p >= r->end || !strchr("\"\\/bfnrtu", *p) || !*p) {
        refuse(r, p, "one of \" \\ / b f n r t u after a backslash", "in string escape code");
        return false;
    }
    if (*p == 'u') {
        for (int i = 1; i <= 4; i++) {
            if (p + i >= r->end || hex_digit(p[i]) < 0) {
                refuse(r, p + i, "four hexadecimal digits after \\u", "in \\u hexadecimal character escape");
                return false;
            }
        }
        p += 4;
    }
    r->at = p + 1;
    return true;
}

/* A string; r->at stands on its opening quote. */
static kd_str read_string(reader *r)
{
    const char *start = ++r->at;
    bool plain = true;
    while (r->at < r->end && *r->at != '"') {
        uint8_t c = (uint8_t)*r->at;
        if (c < 0x20) {
            refuse(r, r->at, "a text in one line, line ends and tabs written as \\n and \\t", "in string literal");
            return KD_STR("");
        }
        if (c == '\\') {
            plain = false;
            if (!check_escape(r))
                return KD_STR("");
            continue;
        }
        plain = plain && c < 0x80;
        r->at++;
    }
    if (r->at >= r->end) {
        refuse(r, r->end, "the closing quote of a text", "");
        return KD_STR("");
    }
    kd_str raw = kd_str_of(start, (size_t)(r->at - start));
    r->at++;
    return plain ? raw : unquote(r, raw);
}

/* ---- numbers and words */

static bool is_digit(const reader *r, const char *p)
{
    return p < r->end && *p >= '0' && *p <= '9';
}

static bool scan_number(reader *r)
{
    const char *p = r->at;
    if (*p == '-' && !is_digit(r, ++p)) {
        refuse(r, p, "a digit after the minus sign", "in numeric literal");
        return false;
    }
    if (*p == '0')
        p++;
    else
        while (is_digit(r, p))
            p++;
    if (p < r->end && *p == '.') {
        if (!is_digit(r, ++p)) {
            refuse(r, p, "a digit after the decimal point", "after decimal point in numeric literal");
            return false;
        }
        while (is_digit(r, p))
            p++;
    }
    if (p < r->end && (*p == 'e' || *p == 'E')) {
        p++;
        if (p < r->end && (*p == '+' || *p == '-'))
            p++;
        if (!is_digit(r, p)) {
            refuse(r, p, "a digit in the exponent", "in exponent of numeric literal");
            return false;
        }
        while (is_digit(r, p))
            p++;
    }
    r->at = p;
    return true;
}

static void read_number(reader *r, kd_node *node)
{
    const char *start = r->at;
    if (!scan_number(r))
        return;
    node->type = KD_NODE_NUMBER;
    node->text = kd_str_of(start, (size_t)(r->at - start));
    char small[NUMBER_MAX];
    const char *text = small; /* strtod wants a NUL, and would read on into what follows */
    if (node->text.n < sizeof(small)) {
        memcpy(small, node->text.p, node->text.n);
        small[node->text.n] = 0;
    } else {
        text = kd_arena_copy(r->arena, node->text).p;
        if (!text) {
            out_of_memory(r);
            return;
        }
    }
    node->number = strtod(text, NULL);
    if (!isinf(node->number) || r->bad_number)
        return;
    r->bad_number = true;
    kd_str compat = kd_arena_printf(r->arena, "json: cannot unmarshal number %.*s into Go value of type float64",
                                    KD_FMT(node->text));
    kd_error *e = kd_errors_add(r->errors, KD_SEVERITY_ERROR, node->at, KD_STR(""),
                                "the number %.*s is beyond the range of 64-bit floating point", KD_FMT(node->text));
    *r->compat = e->compat = compat;
}

static void read_word(reader *r, kd_node *node)
{
    static const struct {
        kd_str text;
        kd_node_type type;
    } words[] = {
        {KD_STR_INIT("true"), KD_NODE_BOOL}, {KD_STR_INIT("false"), KD_NODE_BOOL}, {KD_STR_INIT("null"), KD_NODE_NULL}};
    static const char *const contexts[] = {"in literal true (expecting '%c')", "in literal false (expecting '%c')",
                                           "in literal null (expecting '%c')"};
    size_t w = *r->at == 't' ? 0 : *r->at == 'f' ? 1 : 2;
    for (size_t i = 1; i < words[w].text.n; i++) {
        if (r->at + i < r->end && r->at[i] == words[w].text.p[i])
            continue;
        char context[40], expected[32];
        snprintf(expected, sizeof(expected), "the word %s", words[w].text.p);
        size_t n = strlen(contexts[w]) - 4; /* without "%c')" */
        memcpy(context, contexts[w], n);
        memcpy(context + n, (char[]){words[w].text.p[i], '\'', ')', 0}, 4);
        refuse(r, r->at + i, expected, context);
        return;
    }
    node->type = words[w].type;
    node->boolean = w == 0;
    r->at += words[w].text.n;
}

/* ---- objects and lists */

static bool open_frame(reader *r, kd_node *node)
{
    if (++r->depth > KD_JSON_TREE_MAX_DEPTH) {
        if (!r->failed) {
            *r->compat = KD_STR("exceeded max depth");
            kd_errors_add(r->errors, KD_SEVERITY_ERROR, node->at, KD_STR(""),
                          "objects and lists are nested deeper than %d levels", KD_JSON_TREE_MAX_DEPTH)
                ->compat = *r->compat;
        }
        r->failed = true;
        return false;
    }
    frame *f = r->spare;
    if (f)
        r->spare = f->up;
    else if (!(f = KD_NEW(r->arena, frame)))
        return out_of_memory(r), false;
    *f = (frame){.up = r->top, .node = node};
    r->top = f;
    return true;
}

static void warn_duplicate(reader *r, const kd_node *earlier, const kd_node *later)
{
    kd_errors_add(r->errors, KD_SEVERITY_WARNING, earlier->key_at, KD_STR(""),
                  "the key \"%.*s\" is given again in line %u: only the last one counts", KD_FMT(earlier->key),
                  later->key_at ? later->key_at->line : 0);
}

/* Keeps the last of each key, in few comparisons for a small object. */
static void drop_duplicates_few(reader *r, kd_node *object)
{
    for (kd_node **link = &object->first; *link;) {
        kd_node *node = *link, *again = node->next;
        while (again && !kd_str_eq(again->key, node->key))
            again = again->next;
        if (!again) {
            link = &node->next;
            continue;
        }
        warn_duplicate(r, node, again);
        *link = node->next;
        object->n--;
    }
}

static size_t hash_key(kd_str key)
{
    uint64_t h = 0xcbf29ce484222325u;
    for (size_t i = 0; i < key.n; i++)
        h = (h ^ (uint8_t)key.p[i]) * 0x100000001b3u;
    return (size_t)(h ^ h >> 32);
}

static void drop_duplicates_many(reader *r, kd_node *object)
{
    size_t size = 64;
    while (size < (size_t)object->n * 2)
        size *= 2;
    kd_node **table = KD_NEW_ARRAY(r->arena, kd_node *, size);
    if (!table)
        return out_of_memory(r);
    bool any = false;
    for (kd_node *node = object->first; node; node = node->next) {
        size_t slot = hash_key(node->key) & (size - 1);
        while (table[slot] && !kd_str_eq(table[slot]->key, node->key))
            slot = (slot + 1) & (size - 1);
        if (table[slot]) {
            warn_duplicate(r, table[slot], node);
            any = true;
        }
        table[slot] = node;
    }
    if (!any)
        return;
    for (kd_node **link = &object->first; *link;) {
        kd_node *node = *link;
        size_t slot = hash_key(node->key) & (size - 1);
        while (!kd_str_eq(table[slot]->key, node->key))
            slot = (slot + 1) & (size - 1);
        if (table[slot] == node) {
            link = &node->next;
        } else {
            *link = node->next;
            object->n--;
        }
    }
}

static void close_frame(reader *r)
{
    frame *f = r->top;
    if (f->node->type == KD_NODE_OBJECT && f->node->n > 1) {
        if (f->node->n <= FEW_MEMBERS)
            drop_duplicates_few(r, f->node);
        else
            drop_duplicates_many(r, f->node);
    }
    r->top = f->up;
    f->up = r->spare;
    r->spare = f;
    r->depth--;
    r->at++;
}

/* A new child of the open object or list, or the root. */
static kd_node *add_node(reader *r)
{
    kd_node *node = KD_NEW(r->arena, kd_node);
    if (!node) {
        out_of_memory(r);
        return NULL;
    }
    frame *f = r->top;
    if (!f)
        return node;
    if (f->last)
        f->last->next = node;
    else
        f->node->first = node;
    f->last = node;
    f->node->n++;
    return node;
}

/* The value of `node` at r->at; an object or list is only opened. */
static void read_value(reader *r, kd_node *node)
{
    skip_space(r);
    char c = r->at < r->end ? *r->at : 0;
    if (r->at >= r->end || !(strchr("{[\"-tfn", c) || (c >= '0' && c <= '9')) || !c) {
        refuse(r, r->at, r->top ? "a value" : "an object", "looking for beginning of value");
        return;
    }
    node->at = location(r, r->at);
    if (c == '{' || c == '[') {
        node->type = c == '{' ? KD_NODE_OBJECT : KD_NODE_LIST;
        r->at++;
        open_frame(r, node);
    } else if (c == '"') {
        node->type = KD_NODE_STRING;
        node->text = read_string(r);
    } else if (c == '-' || (c >= '0' && c <= '9')) {
        read_number(r, node);
    } else {
        read_word(r, node);
    }
}

static void read_member(reader *r)
{
    if (r->at >= r->end || *r->at != '"') {
        refuse(r, r->at, "a key in double quotes", "looking for beginning of object key string");
        return;
    }
    kd_node *node = add_node(r);
    if (!node)
        return;
    node->key_at = location(r, r->at);
    node->key = read_string(r);
    if (r->failed)
        return;
    skip_space(r);
    if (r->at >= r->end || *r->at != ':') {
        refuse(r, r->at, "a colon after the key", "after object key");
        return;
    }
    r->at++;
    read_value(r, node);
}

/* One step inside an open object or list: its end, or the next member or item. */
static void read_step(reader *r)
{
    frame *f = r->top;
    bool object = f->node->type == KD_NODE_OBJECT;
    skip_space(r);
    char c = r->at < r->end ? *r->at : 0;
    if (c == (object ? '}' : ']')) {
        close_frame(r);
        return;
    }
    if (f->last) {
        if (c != ',') {
            if (object)
                refuse(r, r->at, "a comma or a closing brace", "after object key:value pair");
            else
                refuse(r, r->at, "a comma or a closing bracket", "after array element");
            return;
        }
        r->at++;
        skip_space(r);
    }
    if (object) {
        read_member(r);
        return;
    }
    if (f->last && r->at < r->end && *r->at == ']') {
        refuse(r, r->at, "a value", "looking for beginning of value");
        return;
    }
    kd_node *node = add_node(r);
    if (node)
        read_value(r, node);
}

static const char *go_name(kd_node_type type)
{
    switch (type) {
    case KD_NODE_BOOL:
        return "bool";
    case KD_NODE_NUMBER:
        return "number";
    case KD_NODE_STRING:
        return "string";
    default:
        return "array";
    }
}

/* The document must be an object; Go takes null for an empty one. */
static bool check_root(reader *r, kd_node *root)
{
    if (root->type == KD_NODE_NULL)
        root->type = KD_NODE_OBJECT;
    if (root->type == KD_NODE_OBJECT)
        return !r->bad_number;
    *r->compat = kd_arena_printf(r->arena, "json: cannot unmarshal %s into Go value of type map[string]interface {}",
                                 go_name(root->type));
    kd_errors_add(r->errors, KD_SEVERITY_ERROR, root->at, KD_STR(""), "expected an object, found a %s",
                  kd_node_type_name(root->type))
        ->compat = *r->compat;
    return false;
}

kd_node *kd_json_tree_read(kd_arena *arena, kd_str file, kd_str text, kd_errors *errors, kd_str *compat)
{
    *compat = KD_STR("out of memory");
    reader r = {.arena = arena,
                .errors = errors,
                .file = file,
                .begin = text.p,
                .at = text.p,
                .end = text.p + text.n,
                .line_start = text.p,
                .line = 1,
                .compat = compat};
    kd_node *root = add_node(&r);
    if (!root)
        return NULL;
    read_value(&r, root);
    while (!r.failed && r.top)
        read_step(&r);
    if (r.failed)
        return NULL;
    skip_space(&r);
    if (r.at < r.end) {
        refuse(&r, r.at, "the end of the file", "after top-level value");
        return NULL;
    }
    return check_root(&r, root) ? root : NULL;
}
