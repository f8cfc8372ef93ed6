#include "text/xml_token.h"

#include "text/go/quote.h"
#include "text/utf8.h"
#include "text/xml_text.h"

struct kd_xml_open {
    kd_xml_name name;
    uint32_t n_bindings; /* in force outside the element */
};

struct kd_xml_binding {
    kd_str prefix, space;
};

void kd_xml_scan_init(kd_xml_scan *scan, kd_arena *arena, char *text, size_t n)
{
    *scan = (kd_xml_scan){
        .arena = arena, .p = text, .end = text + n, .begin = text, .counted = text, .lines = 1, .kind = KD_XML_OTHER};
}

size_t kd_xml_offset(const kd_xml_scan *scan)
{
    return scan->before + (size_t)(scan->p - scan->begin);
}

/* ---- errors ------------------------------------------------------------------------------------------------------ */

void kd_xml_count_lines(kd_xml_scan *s)
{
    const char *at = s->counted;
    while (at < s->p && (at = memchr(at, '\n', (size_t)(s->p - at))) != NULL) {
        s->lines++;
        at++;
    }
    s->counted = s->p;
}

bool kd_xml_no_memory(kd_xml_scan *s)
{
    s->kind = KD_XML_NO_MEMORY;
    return false;
}

static bool refuse(kd_xml_scan *s, kd_str error)
{
    s->kind = error.p ? KD_XML_REFUSED : KD_XML_NO_MEMORY;
    s->error = error;
    return false;
}

bool kd_xml_syntax_error(kd_xml_scan *s, const char *before, kd_str name, const char *after)
{
    kd_xml_count_lines(s);
    return refuse(
        s, kd_arena_printf(s->arena, "XML syntax error on line %zu: %s%.*s%s", s->lines, before, KD_FMT(name), after));
}

static bool wrong(kd_xml_scan *s, const char *message)
{
    return kd_xml_syntax_error(s, message, KD_STR(""), "");
}

bool kd_xml_byte(kd_xml_scan *s, char *c)
{
    if (s->p == s->end)
        return wrong(s, "unexpected EOF");
    *c = *s->p++;
    return true;
}

/* ---- names ------------------------------------------------------------------------------------------------------- */

/* 0: not in names; 1: not at the beginning; 2: anywhere. */
static int rune_of_name(uint32_t rune)
{
    static const struct {
        uint32_t first : 24, last : 24;
        uint8_t begins;
    } ranges[] = {
#include "text/xml_names.inc"
    };
    if (rune < 0x80)
        return !kd_xml_byte_of_name((uint8_t)rune)                          ? 0
               : rune == '-' || rune == '.' || (rune >= '0' && rune <= '9') ? 1
                                                                            : 2;
    size_t low = 0, high = KD_COUNT(ranges);
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (rune < ranges[middle].first)
            high = middle;
        else if (rune > ranges[middle].last)
            low = middle + 1;
        else
            return 1 + ranges[middle].begins;
    }
    return 0;
}

bool kd_xml_is_name(kd_str s)
{
    for (size_t at = 0; at < s.n;) {
        uint32_t rune;
        size_t n = kd_utf8_decode(s.p + at, s.n - at, &rune);
        if ((rune == KD_RUNE_BAD && n == 1) || rune_of_name(rune) < (at ? 1 : 2))
            return false;
        at += n;
    }
    return s.n > 0;
}

/* A name, or the error that there is none. */
static bool read_name(kd_xml_scan *s, kd_str *name, const char *missing)
{
    char *start = s->p;
    while (s->p < s->end && kd_xml_byte_of_name((uint8_t)*s->p))
        s->p++;
    if (s->p == s->end)
        return wrong(s, "unexpected EOF");
    *name = (kd_str){start, (size_t)(s->p - start)};
    if (!name->n)
        return wrong(s, missing);
    return kd_xml_is_name(*name) || kd_xml_syntax_error(s, "invalid XML name: ", *name, "");
}

/* The same, cut at its colon; two colons make no name. */
static bool read_split_name(kd_xml_scan *s, kd_xml_name *out, const char *missing)
{
    kd_str name;
    if (!read_name(s, &name, missing))
        return false;
    *out = (kd_xml_name){.local = name};
    ptrdiff_t colon = kd_str_find(name, ':');
    if (colon < 0)
        return true;
    if (kd_str_rfind(name, ':') != colon)
        return wrong(s, missing);
    if (colon > 0 && (size_t)colon + 1 < name.n) {
        out->prefix = kd_str_head(name, (size_t)colon);
        out->local = kd_str_from(name, (size_t)colon + 1);
    }
    return true;
}

static void skip_space(kd_xml_scan *s)
{
    while (s->p < s->end && (*s->p == ' ' || *s->p == '\n' || *s->p == '\t' || *s->p == '\r'))
        s->p++;
}

/* ---- namespaces -------------------------------------------------------------------------------------------------- */

static bool bind(kd_xml_scan *s, kd_str prefix, kd_str space)
{
    if (s->n_bindings == KD_XML_MAX_SPACES)
        return wrong(s, "too many namespaces");
    if (s->n_bindings == s->cap_bindings) {
        uint32_t cap = s->cap_bindings ? s->cap_bindings * 2 : 8;
        kd_xml_binding *bindings = KD_NEW_ARRAY(s->arena, kd_xml_binding, cap);
        if (!bindings)
            return kd_xml_no_memory(s);
        if (s->n_bindings)
            memcpy(bindings, s->bindings, s->n_bindings * sizeof(*bindings));
        s->bindings = bindings;
        s->cap_bindings = cap;
    }
    s->bindings[s->n_bindings++] = (kd_xml_binding){prefix, space};
    return true;
}

static void translate(const kd_xml_scan *s, kd_xml_name *name, bool element)
{
    name->space = name->prefix;
    if (kd_str_eq(name->prefix, KD_STR("xmlns")) || (!name->prefix.n && !element))
        return;
    if (kd_str_eq(name->prefix, KD_STR("xml")))
        name->space = KD_STR("http://www.w3.org/XML/1998/namespace");
    else if (!name->prefix.n && kd_str_eq(name->local, KD_STR("xmlns")))
        return;
    for (uint32_t i = s->n_bindings; i-- > 0;)
        if (kd_str_eq(s->bindings[i].prefix, name->space)) {
            name->space = s->bindings[i].space;
            return;
        }
}

static bool declare(kd_xml_scan *s)
{
    for (uint32_t i = 0; i < s->n_attrs; i++) {
        const kd_xml_attr *attr = &s->attrs[i];
        bool good = true;
        if (kd_str_eq(attr->name.prefix, KD_STR("xmlns")))
            good = bind(s, attr->name.local, attr->value);
        else if (!attr->name.prefix.n && kd_str_eq(attr->name.local, KD_STR("xmlns")))
            good = bind(s, KD_STR(""), attr->value);
        if (!good)
            return false;
    }
    translate(s, &s->name, true);
    for (uint32_t i = 0; i < s->n_attrs; i++)
        translate(s, &s->attrs[i].name, false);
    return true;
}

/* ---- elements ---------------------------------------------------------------------------------------------------- */

static kd_xml_attr *add_attr(kd_xml_scan *s)
{
    if (s->n_attrs == s->cap_attrs) {
        uint32_t cap = s->cap_attrs ? s->cap_attrs * 2 : 8;
        kd_xml_attr *attrs = KD_NEW_ARRAY(s->arena, kd_xml_attr, cap);
        if (!attrs) {
            kd_xml_no_memory(s);
            return NULL;
        }
        if (s->n_attrs)
            memcpy(attrs, s->attrs, s->n_attrs * sizeof(*attrs));
        s->attrs = attrs;
        s->cap_attrs = cap;
    }
    return &s->attrs[s->n_attrs++];
}

static bool read_value(kd_xml_scan *s, kd_str *value)
{
    char quote = 0;
    if (!kd_xml_byte(s, &quote))
        return false;
    if (quote == '"' || quote == '\'')
        return kd_xml_read_text(s, quote, value);
    if (!s->lenient)
        return wrong(s, "unquoted or missing attribute value in element");
    char *start = --s->p;
    while (s->p < s->end && (uint8_t)*s->p < 0x80 && *s->p != '.' && kd_xml_byte_of_name((uint8_t)*s->p))
        s->p++;
    *value = (kd_str){start, (size_t)(s->p - start)};
    return s->p < s->end || wrong(s, "unexpected EOF");
}

static bool read_attr(kd_xml_scan *s)
{
    char c = 0;
    kd_xml_name name;
    if (!read_split_name(s, &name, "expected attribute name in element"))
        return false;
    kd_xml_attr *attr = add_attr(s);
    if (!attr)
        return false;
    *attr = (kd_xml_attr){.name = name};
    skip_space(s);
    if (!kd_xml_byte(s, &c))
        return false;
    if (c == '=') {
        skip_space(s);
        return read_value(s, &attr->value);
    }
    if (!s->lenient)
        return wrong(s, "attribute name without = in element");
    s->p--;
    attr->value = name.local;
    return true;
}

static bool read_attrs(kd_xml_scan *s, bool *empty)
{
    char c = 0;
    for (;;) {
        skip_space(s);
        if (!kd_xml_byte(s, &c))
            return false;
        if (c == '>')
            return true;
        if (c == '/') {
            *empty = true;
            return kd_xml_byte(s, &c) && (c == '>' || wrong(s, "expected /> in element"));
        }
        s->p--;
        if (!read_attr(s))
            return false;
    }
}

static bool push(kd_xml_scan *s)
{
    if (s->depth == KD_XML_MAX_DEPTH)
        return wrong(s, "exceeded max depth");
    if (s->depth == s->cap_open) {
        uint32_t cap = s->cap_open ? s->cap_open * 2 : 16;
        kd_xml_open *open = KD_NEW_ARRAY(s->arena, kd_xml_open, cap);
        if (!open)
            return kd_xml_no_memory(s);
        if (s->depth)
            memcpy(open, s->open, s->depth * sizeof(*open));
        s->open = open;
        s->cap_open = cap;
    }
    s->open[s->depth++] = (kd_xml_open){.name = s->name, .n_bindings = s->n_bindings};
    return true;
}

static bool read_start(kd_xml_scan *s)
{
    bool empty = false;
    s->n_attrs = 0;
    if (!read_split_name(s, &s->name, "expected element name after <") || !read_attrs(s, &empty) || !push(s))
        return false;
    s->close_next = empty;
    s->to_close = s->name;
    s->kind = KD_XML_START;
    return !s->namespaces || declare(s);
}

/* The end names another element than the innermost one: an error, or that one ends and the end is looked at again. */
static bool close_other(kd_xml_scan *s, const kd_xml_open *open, kd_xml_name name)
{
    if (!s->lenient) {
        kd_str both = kd_arena_printf(s->arena, "%.*s> closed by </%.*s", KD_FMT(open->name.local), KD_FMT(name.local));
        return both.p ? kd_xml_syntax_error(s, "element <", both, ">") : kd_xml_no_memory(s);
    }
    s->close_next = true;
    s->to_close = name;
    s->name = open->name;
    s->name.space = open->name.prefix;
    s->stuck = s->n_bindings > open->n_bindings;
    s->kind = KD_XML_END;
    return true;
}

static bool close_element(kd_xml_scan *s, kd_xml_name name)
{
    s->close_next = false;
    if (!s->depth || s->stuck)
        return kd_xml_syntax_error(s, "unexpected end element </", name.local, ">");
    const kd_xml_open *open = &s->open[--s->depth];
    if (!kd_str_eq(open->name.local, name.local))
        return close_other(s, open, name);
    if (!kd_str_eq(open->name.prefix, name.prefix)) {
        kd_str both = kd_arena_printf(s->arena, "%.*s> in space %.*s closed by </%.*s> in space %.*s",
                                      KD_FMT(open->name.local), KD_FMT(open->name.prefix), KD_FMT(name.local),
                                      KD_FMT(name.prefix.n ? name.prefix : KD_STR("\"\"")));
        return both.p ? kd_xml_syntax_error(s, "element <", both, "") : kd_xml_no_memory(s);
    }
    s->name = open->name;
    if (s->namespaces)
        translate(s, &s->name, true);
    s->n_bindings = open->n_bindings;
    s->kind = KD_XML_END;
    return true;
}

static bool read_end(kd_xml_scan *s)
{
    char c = 0;
    kd_xml_name name;
    if (!read_split_name(s, &name, "expected element name after </"))
        return false;
    skip_space(s);
    if (!kd_xml_byte(s, &c))
        return false;
    if (c != '>')
        return kd_xml_syntax_error(s, "invalid characters between </", name.local, " and >");
    return close_element(s, name);
}

/* ---- what is not kept -------------------------------------------------------------------------------------------- */

/* Goes behind the next `mark`; false at the end of the text. */
static bool skip_behind(kd_xml_scan *s, kd_str mark)
{
    ptrdiff_t at = kd_str_search((kd_str){s->p, (size_t)(s->end - s->p)}, mark);
    if (at < 0) {
        s->p = s->end;
        return wrong(s, "unexpected EOF");
    }
    s->p += (size_t)at + mark.n;
    return true;
}

/* The value of a declaration's parameter, as leniently as Go looks for it. */
static kd_str parameter(kd_str content, kd_str name)
{
    for (;;) {
        ptrdiff_t at = kd_str_search(content, name);
        if (at < 0 || (size_t)at + name.n >= content.n)
            return KD_STR("");
        char quote = content.p[(size_t)at + name.n];
        content = kd_str_from(content, (size_t)at + name.n + 1);
        if (quote != '\'' && quote != '"')
            continue;
        ptrdiff_t end = kd_str_find(content, quote);
        return end < 0 ? KD_STR("") : kd_str_head(content, (size_t)end);
    }
}

static bool refuse_quoted(kd_xml_scan *s, kd_str before, kd_str what, kd_str middle, bool again)
{
    kd_buf text;
    kd_buf_init(&text, 1 << 20);
    kd_buf_add(&text, before);
    kd_go_quote(&text, what);
    kd_buf_add(&text, middle);
    if (again)
        kd_go_quote(&text, what);
    kd_str error = text.failed ? (kd_str){0} : kd_arena_copy(s->arena, kd_buf_str(&text));
    kd_buf_fini(&text);
    return refuse(s, error);
}

static bool obey_declaration(kd_xml_scan *s, kd_str content)
{
    kd_str version = parameter(content, KD_STR("version="));
    if (version.n && !kd_str_eq(version, KD_STR("1.0")))
        return refuse_quoted(s, KD_STR("xml: unsupported version "), version, KD_STR("; only version 1.0 is supported"),
                             false);
    kd_str charset = parameter(content, KD_STR("encoding="));
    if (!charset.n || kd_str_eq_ci(charset, KD_STR("utf-8")))
        return true;
    if (++s->n_charsets > KD_XML_MAX_CHARSETS)
        return refuse(s, KD_STR("xml: too many declarations of a character set"));
    kd_str text;
    switch (kd_charset_to_utf8(s->arena, charset, (kd_str){s->p, (size_t)(s->end - s->p)}, &text)) {
    case KD_CHARSET_UNKNOWN:
        return refuse_quoted(s, KD_STR("xml: opening charset "), charset, KD_STR(": unsupported charset: "), true);
    case KD_CHARSET_NO_MEMORY:
        return kd_xml_no_memory(s);
    default:
        break;
    }
    kd_xml_count_lines(s);
    s->before = kd_xml_offset(s);
    s->begin = s->p = s->counted = (char *)text.p;
    s->end = s->p + text.n;
    return true;
}

static bool read_instruction(kd_xml_scan *s)
{
    kd_str target;
    if (!read_name(s, &target, "expected target name after <?"))
        return false;
    skip_space(s);
    char *start = s->p;
    if (!skip_behind(s, KD_STR("?>")))
        return false;
    s->kind = KD_XML_OTHER;
    kd_str content = {start, (size_t)(s->p - 2 - start)};
    return !kd_str_eq(target, KD_STR("xml")) || obey_declaration(s, content);
}

static bool read_comment(kd_xml_scan *s)
{
    char c = 0;
    if (!kd_xml_byte(s, &c))
        return false;
    if (c != '-')
        return wrong(s, "invalid sequence <!- not part of <!--");
    if (!skip_behind(s, KD_STR("--")) || !kd_xml_byte(s, &c))
        return false;
    s->kind = KD_XML_OTHER;
    return c == '>' || wrong(s, "invalid sequence \"--\" not allowed in comments");
}

static bool read_cdata(kd_xml_scan *s)
{
    char c = 0;
    for (const char *want = "CDATA["; *want; want++) {
        if (!kd_xml_byte(s, &c))
            return false;
        if (c != *want)
            return wrong(s, "invalid <![ sequence");
    }
    s->kind = KD_XML_TEXT;
    return kd_xml_read_text(s, KD_XML_CDATA, &s->text);
}

/* After '<' inside a directive: 1 when that began a comment, which is skipped; 0 when it did not. -1: refused. */
static int comment_in_directive(kd_xml_scan *s, char *c)
{
    for (const char *want = "!--"; *want; want++) {
        if (!kd_xml_byte(s, c))
            return -1;
        if (*c != *want)
            return 0;
    }
    return skip_behind(s, KD_STR("-->")) ? 1 : -1;
}

/* Up to the '>' that closes it, with quotes, angle brackets and comments inside. */
static bool read_directive(kd_xml_scan *s)
{
    char c = 0, quote = 0;
    int comment;
    int64_t depth = 0;
    for (;;) {
        if (!kd_xml_byte(s, &c))
            return false;
        if (!quote && c == '>' && depth == 0)
            break;
    again:
        if (quote) {
            quote = c == quote ? 0 : quote;
        } else if (c == '\'' || c == '"') {
            quote = c;
        } else if (c == '>') {
            depth--;
        } else if (c == '<') {
            if ((comment = comment_in_directive(s, &c)) < 0)
                return false;
            if (!comment) {
                depth++;
                goto again;
            }
        }
    }
    s->kind = KD_XML_OTHER;
    return true;
}

static bool read_declaration(kd_xml_scan *s)
{
    char c = 0;
    if (!kd_xml_byte(s, &c))
        return false;
    if (c == '-')
        return read_comment(s);
    if (c == '[')
        return read_cdata(s);
    return read_directive(s);
}

static bool read_token(kd_xml_scan *s)
{
    char c = 0;
    if (s->close_next)
        return close_element(s, s->to_close);
    if (s->p == s->end) {
        s->kind = KD_XML_EOF;
        return !s->depth || wrong(s, "unexpected EOF");
    }
    if (*s->p != '<') {
        s->kind = KD_XML_TEXT;
        return kd_xml_read_text(s, KD_XML_PLAIN, &s->text);
    }
    s->p++;
    if (!kd_xml_byte(s, &c))
        return false;
    switch (c) {
    case '/':
        return read_end(s);
    case '?':
        return read_instruction(s);
    case '!':
        return read_declaration(s);
    default:
        s->p--;
        return read_start(s);
    }
}

kd_xml_kind kd_xml_next(kd_xml_scan *s)
{
    if (s->kind < KD_XML_EOF)
        read_token(s);
    return s->kind;
}
