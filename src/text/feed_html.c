/* A small reader of HTML fragments. It knows what the HTML standard (section 13.2.6) says about elements that end by
 * themselves and about those without content, and little more: enough to give well-formed XHTML back as a browser's
 * parser would print it. */
#include "text/feed_html.h"

#include "base/vec.h"
#include "text/feed_text.h"
#include "text/go/fixed.h"

/* Deeper fragments are left as they are. */
#define MAX_DEPTH 512

typedef struct attribute {
    kd_str name, value;
} attribute;

typedef struct node {
    struct node *up, *first, *last, *next;
    kd_str name; /* of an element; p is NULL for texts */
    kd_str text;
    bool comment;
    attribute *attrs;
    uint32_t n_attrs;
} node;

typedef struct reader {
    kd_arena *arena;
    kd_str rest;
    node before, head, body; /* `before`: comments that stand before everything else */
    node *at;
    uint32_t depth;
    bool in_body, failed, skip_break;
} reader;

/* ---- kinds of elements ------------------------------------------------------------------------------------------- */

static bool among(kd_str name, const char *const *names)
{
    for (; *names; names++)
        if (kd_str_eq(name, kd_str_from_c(*names)))
            return true;
    return false;
}

static bool is_void(kd_str name)
{
    static const char *const names[] = {"area", "base",   "br",   "col",   "embed",  "hr",    "img", "input",
                                        "link", "keygen", "meta", "param", "source", "track", "wbr", NULL};
    return among(name, names);
}

/* Whose content is no markup: what is in it is printed as it is. */
static bool is_raw(kd_str name)
{
    static const char *const names[] = {"iframe", "noembed", "noframes", "noscript", "plaintext",
                                        "script", "style",   "xmp",      NULL};
    return among(name, names);
}

static bool is_heading(kd_str name)
{
    return name.n == 2 && name.p[0] == 'h' && name.p[1] >= '1' && name.p[1] <= '6';
}

/* Ends an open paragraph. */
static bool is_block(kd_str name)
{
    static const char *const names[] = {
        "address",   "article", "aside",    "blockquote", "center", "details", "dialog", "dir",
        "div",       "dl",      "fieldset", "figcaption", "figure", "footer",  "form",   "header",
        "hgroup",    "hr",      "listing",  "main",       "menu",   "nav",     "ol",     "p",
        "plaintext", "pre",     "section",  "summary",    "ul",     "xmp",     NULL};
    return is_heading(name) || among(name, names);
}

static bool is_cell(kd_str name)
{
    static const char *const names[] = {"td", "th", "caption", NULL};
    return among(name, names);
}

/* What an end tag does not reach beyond. */
static bool is_wall(kd_str name)
{
    static const char *const names[] = {"table", "applet", "button", "marquee", "object", "template", NULL};
    return is_cell(name) || among(name, names);
}

static bool is_special(kd_str name)
{
    static const char *const names[] = {"li", "dd", "dt", "tr", "tbody", "thead", "tfoot", "select", NULL};
    return is_block(name) || is_wall(name) || among(name, names);
}

/* ---- the tree ---------------------------------------------------------------------------------------------------- */

static node *append(reader *r, node *up)
{
    node *n = KD_NEW(r->arena, node);
    if (!n) {
        r->failed = true;
        return NULL;
    }
    n->up = up;
    if (up->last)
        up->last->next = n;
    else
        up->first = n;
    up->last = n;
    return n;
}

static void pop_to(reader *r, const node *n)
{
    while (r->at != n->up) {
        r->at = r->at->up;
        r->depth--;
    }
}

/* The innermost open element of that name up to a wall. */
static node *find_open(const reader *r, kd_str name)
{
    for (node *n = r->at; n->name.p; n = n->up) {
        if (kd_str_eq(n->name, name))
            return n;
        if (is_wall(n->name))
            break;
    }
    return NULL;
}

static void close_open(reader *r, kd_str name)
{
    node *n = find_open(r, name);
    if (n)
        pop_to(r, n);
}

/* An item of a list ends the one before it, but not one of a list around. */
static void close_item(reader *r, const char *const *names)
{
    static const char *const transparent[] = {"address", "div", "p", NULL};
    for (node *n = r->at; n->name.p; n = n->up) {
        if (among(n->name, names)) {
            pop_to(r, n);
            return;
        }
        if (is_special(n->name) && !among(n->name, transparent))
            return;
    }
}

/* Leaves open elements until one of these is the innermost; false when there is none. */
static bool back_to(reader *r, const char *const *names)
{
    for (node *n = r->at; n->name.p; n = n->up)
        if (among(n->name, names)) {
            while (r->at != n) {
                r->at = r->at->up;
                r->depth--;
            }
            return true;
        }
    return false;
}

static void open_element(reader *r, kd_str name, attribute *attrs, uint32_t n_attrs)
{
    node *n = append(r, r->at);
    if (!n)
        return;
    n->name = name;
    n->attrs = attrs;
    n->n_attrs = n_attrs;
    if (is_void(name))
        return;
    r->at = n;
    r->failed = r->failed || ++r->depth > MAX_DEPTH;
}

/* Rows and cells: only inside a table, and with what must be around them. False: not to be added. */
static bool prepare_table(reader *r, kd_str name)
{
    static const char *const table[] = {"table", NULL}, *const group[] = {"tbody", "thead", "tfoot", "table", NULL};
    static const char *const row[] = {"tr", "tbody", "thead", "tfoot", "table", NULL};
    static const char *const columns[] = {"colgroup", "table", NULL};
    bool is_row = kd_str_eq(name, KD_STR("tr")), is_column = kd_str_eq(name, KD_STR("col"));
    bool is_data = is_cell(name) && !kd_str_eq(name, KD_STR("caption"));
    if (!back_to(r, is_data ? row : is_row ? group : is_column ? columns : table))
        return false;
    bool in_table = kd_str_eq(r->at->name, KD_STR("table"));
    if (in_table && is_column)
        open_element(r, KD_STR("colgroup"), NULL, 0);
    if (in_table && (is_data || is_row))
        open_element(r, KD_STR("tbody"), NULL, 0);
    if (is_data && !kd_str_eq(r->at->name, KD_STR("tr")))
        open_element(r, KD_STR("tr"), NULL, 0);
    return true;
}

/* Ends what the element ends by beginning. False: it is not to be added. */
static bool prepare(reader *r, kd_str name)
{
    static const char *const ignored[] = {"html", "head", "body", "frame", "frameset", NULL};
    static const char *const table[] = {"caption", "col", "colgroup", "tbody", "td",
                                        "tfoot",   "th",  "thead",    "tr",    NULL};
    static const char *const li[] = {"li", NULL}, *const definition[] = {"dd", "dt", NULL};
    static const char *const alone[] = {"a", "button", "nobr", NULL};
    if (among(name, ignored))
        return false;
    if (among(name, table))
        return prepare_table(r, name);
    if (among(name, li))
        close_item(r, li);
    else if (among(name, definition))
        close_item(r, definition);
    else if (among(name, alone))
        close_open(r, name);
    if (is_block(name) || among(name, li) || among(name, definition))
        close_open(r, KD_STR("p"));
    bool option = kd_str_eq(name, KD_STR("option")) && kd_str_eq(r->at->name, name);
    if (option || (is_heading(name) && is_heading(r->at->name)))
        pop_to(r, r->at);
    return true;
}

static void end_element(reader *r, kd_str name)
{
    static const char *const table[] = {"table", "td", "th", "caption", "tr", "tbody", "thead", "tfoot", NULL};
    if (kd_str_eq(name, KD_STR("br"))) {
        open_element(r, name, NULL, 0);
        return;
    }
    if (kd_str_eq(name, KD_STR("p")) && !find_open(r, name))
        open_element(r, name, NULL, 0);
    bool special = is_special(name), far = among(name, table);
    for (node *n = r->at; n->name.p; n = n->up) {
        if (kd_str_eq(n->name, name) || (is_heading(name) && is_heading(n->name))) {
            pop_to(r, n);
            return;
        }
        if (special ? is_wall(n->name) && !far : is_special(n->name))
            return;
    }
}

/* ---- tokens ------------------------------------------------------------------------------------------------------ */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\f' || c == '\r';
}

static kd_str take(reader *r, size_t n)
{
    kd_str taken = kd_str_head(r->rest, n);
    r->rest = kd_str_from(r->rest, n);
    return taken;
}

static void skip_blank(reader *r)
{
    while (r->rest.n && is_blank(r->rest.p[0]))
        take(r, 1);
}

static kd_str lower(reader *r, kd_str s)
{
    kd_str copy = kd_arena_copy(r->arena, s);
    for (size_t i = 0; copy.p && i < copy.n; i++)
        ((char *)copy.p)[i] = (char)kd_lower((uint8_t)copy.p[i]);
    r->failed = r->failed || !copy.p;
    return copy.p ? copy : KD_STR("");
}

static kd_str unescape(reader *r, kd_str s, bool in_attribute)
{
    kd_str text = kd_feed_unescape(r->arena, s, in_attribute);
    r->failed = r->failed || !text.p;
    return text.p ? text : KD_STR("");
}

static kd_str until(reader *r, const char *ends)
{
    size_t n = 0;
    while (n < r->rest.n && !is_blank(r->rest.p[n]) && !(r->rest.p[n] && strchr(ends, r->rest.p[n])))
        n++;
    return take(r, n);
}

static kd_str read_value(reader *r)
{
    char quote = r->rest.n ? r->rest.p[0] : 0;
    if (quote != '"' && quote != '\'')
        return unescape(r, until(r, ">"), true);
    take(r, 1);
    ptrdiff_t end = kd_str_find(r->rest, quote);
    kd_str value = take(r, end < 0 ? r->rest.n : (size_t)end);
    take(r, 1);
    return unescape(r, value, true);
}

/* The attributes up to the tag's end. NULL when there are none. */
static attribute *read_attrs(reader *r, uint32_t *n)
{
    KD_VEC(attribute) attrs = {0};
    for (;;) {
        skip_blank(r);
        if (!r->rest.n || r->rest.p[0] == '>') {
            take(r, 1);
            *n = attrs.n;
            return attrs.p;
        }
        if (r->rest.p[0] == '/') {
            take(r, 1);
            continue;
        }
        size_t first = r->rest.p[0] == '=';
        kd_str start = take(r, first), name = until(r, "/>=");
        attribute attr = {lower(r, (kd_str){first ? start.p : name.p, first + name.n}), KD_STR("")};
        skip_blank(r);
        if (r->rest.n && r->rest.p[0] == '=') {
            take(r, 1);
            skip_blank(r);
            attr.value = read_value(r);
        }
        if (!KD_VEC_PUSH(r->arena, &attrs, attr))
            r->failed = true;
    }
}

/* A text where a table wants rows or cells moves before the table. */
static void add_before_table(reader *r, kd_str text)
{
    node *table = r->at, *n = KD_NEW(r->arena, node);
    while (!kd_str_eq(table->name, KD_STR("table")))
        table = table->up;
    r->failed = r->failed || !n;
    if (!n)
        return;
    *n = (node){.up = table->up, .next = table, .text = text};
    node **link = &table->up->first;
    while (*link != table)
        link = &(*link)->next;
    *link = n;
}

static bool is_all_blank(kd_str s)
{
    size_t n = 0;
    while (n < s.n && is_blank(s.p[n]))
        n++;
    return n == s.n;
}

static void add_text(reader *r, kd_str text)
{
    static const char *const table[] = {"table", "tbody", "thead", "tfoot", "tr", NULL};
    if (r->skip_break && text.n && text.p[0] == '\n')
        text = kd_str_from(text, 1);
    r->skip_break = false;
    if (!r->in_body) {
        while (text.n && is_blank(text.p[0]))
            text = kd_str_from(text, 1);
        if (text.n) {
            r->in_body = true;
            r->at = &r->body;
        }
    }
    if (r->at->name.p && among(r->at->name, table) && !is_all_blank(text)) {
        add_before_table(r, text);
        return;
    }
    node *n = text.n ? append(r, r->at) : NULL;
    if (n)
        n->text = text;
}

/* The text of an element whose content is no markup, up to its end tag. */
static void read_raw(reader *r, kd_str name, bool entities)
{
    size_t n = 0;
    for (; n < r->rest.n; n++) {
        kd_str at = kd_str_from(r->rest, n);
        bool end =
            at.n > name.n + 1 && at.p[0] == '<' && at.p[1] == '/' && kd_str_eq_ci((kd_str){at.p + 2, name.n}, name) &&
            (at.n == name.n + 2 || is_blank(at.p[name.n + 2]) || at.p[name.n + 2] == '>' || at.p[name.n + 2] == '/');
        if (end)
            break;
    }
    kd_str text = take(r, n);
    node *child = text.n ? append(r, r->at) : NULL;
    if (child)
        child->text = entities ? unescape(r, text, false) : text;
}

/* Elements that stand in the head while nothing of the body has come. */
static bool goes_to_head(const reader *r, kd_str name)
{
    static const char *const names[] = {"base",     "basefont", "bgsound", "link",     "meta",     "title",
                                        "noframes", "script",   "style",   "template", "noscript", NULL};
    return !r->in_body && r->at == &r->head && among(name, names);
}

static void read_start(reader *r)
{
    static const char *const breaks[] = {"pre", "listing", "textarea", NULL}, *const texts[] = {"textarea", "title",
                                                                                                NULL};
    uint32_t n_attrs;
    kd_str name = lower(r, until(r, "/>"));
    attribute *attrs = read_attrs(r, &n_attrs);
    if (kd_str_eq(name, KD_STR("image")))
        name = KD_STR("img");
    if (!r->in_body && !goes_to_head(r, name)) {
        r->in_body = true;
        r->at = &r->body;
    }
    if (r->failed || !prepare(r, name))
        return;
    open_element(r, name, attrs, n_attrs);
    r->skip_break = among(name, breaks);
    if (is_raw(name) || among(name, texts))
        read_raw(r, name, among(name, texts));
}

static void read_end(reader *r)
{
    uint32_t n_attrs;
    kd_str name = lower(r, until(r, "/>"));
    read_attrs(r, &n_attrs);
    end_element(r, name);
}

static void add_comment(reader *r, kd_str text)
{
    bool first = r->at == &r->head && !r->head.first;
    node *n = append(r, first ? &r->before : r->at);
    if (n) {
        n->comment = true;
        n->text = text;
    }
}

static void read_comment(reader *r)
{
    bool full = kd_str_starts(r->rest, KD_STR("!--"));
    take(r, full ? 3 : r->rest.p[0] == '!' || r->rest.p[0] == '/');
    ptrdiff_t end = full ? kd_str_search(r->rest, KD_STR("-->")) : kd_str_find(r->rest, '>');
    kd_str text = take(r, end < 0 ? r->rest.n : (size_t)end);
    take(r, full ? 3 : 1);
    if (full || !kd_str_eq_ci(kd_str_head(text, 7), KD_STR("doctype")))
        add_comment(r, text);
}

static bool is_letter(kd_str s, size_t at)
{
    return at < s.n && (uint8_t)(kd_lower((uint8_t)s.p[at]) - 'a') < 26;
}

/* All line breaks as '\n'. */
static kd_str with_breaks(reader *r, kd_str s)
{
    if (kd_str_find(s, '\r') < 0)
        return s;
    char *to = kd_arena_alloc(r->arena, s.n), *at = to;
    for (size_t i = 0; to && i < s.n; i++) {
        if (s.p[i] != '\r')
            *at++ = s.p[i];
        else if (i + 1 == s.n || s.p[i + 1] != '\n')
            *at++ = '\n';
    }
    r->failed = r->failed || !to;
    return (kd_str){to, (size_t)(at - to)};
}

static bool read_all(reader *r, kd_str html)
{
    r->rest = with_breaks(r, html);
    r->at = &r->head;
    while (r->rest.n && !r->failed) {
        bool end = r->rest.n > 1 && r->rest.p[1] == '/';
        if (r->rest.p[0] == '<' && is_letter(r->rest, 1u + end)) {
            take(r, 1u + end);
            if (end)
                read_end(r);
            else
                read_start(r);
        } else if (r->rest.p[0] == '<' && r->rest.n > 1 && (r->rest.p[1] == '!' || r->rest.p[1] == '?' || end)) {
            take(r, 1);
            read_comment(r);
        } else {
            ptrdiff_t next = kd_str_find(kd_str_from(r->rest, 1), '<');
            add_text(r, unescape(r, take(r, next < 0 ? r->rest.n : (size_t)next + 1), false));
        }
    }
    return !r->failed;
}

/* ---- printing ---------------------------------------------------------------------------------------------------- */

static void put_escaped(kd_buf *out, kd_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        switch (s.p[i]) {
        case '&':
            kd_buf_add(out, KD_STR("&amp;"));
            break;
        case '\'':
            kd_buf_add(out, KD_STR("&#39;"));
            break;
        case '<':
            kd_buf_add(out, KD_STR("&lt;"));
            break;
        case '>':
            kd_buf_add(out, KD_STR("&gt;"));
            break;
        case '"':
            kd_buf_add(out, KD_STR("&#34;"));
            break;
        case '\r':
            kd_buf_add(out, KD_STR("&#13;"));
            break;
        default:
            kd_buf_byte(out, s.p[i]);
        }
    }
}

/* What stands before the children of a node. */
static void put_begin(kd_buf *out, const node *n)
{
    static const char *const breaks[] = {"pre", "listing", "textarea", NULL};
    if (n->comment) {
        kd_buf_add(out, KD_STR("<!--"));
        kd_buf_add(out, n->text);
        kd_buf_add(out, KD_STR("-->"));
        return;
    }
    if (!n->name.p) {
        if (n->up->name.p && is_raw(n->up->name))
            kd_buf_add(out, n->text);
        else
            put_escaped(out, n->text);
        return;
    }
    kd_buf_byte(out, '<');
    kd_buf_add(out, n->name);
    for (uint32_t i = 0; i < n->n_attrs; i++) {
        kd_buf_byte(out, ' ');
        kd_buf_add(out, n->attrs[i].name);
        kd_buf_add(out, KD_STR("=\""));
        put_escaped(out, n->attrs[i].value);
        kd_buf_byte(out, '"');
    }
    kd_buf_add(out, is_void(n->name) ? KD_STR("/>") : KD_STR(">"));
    if (n->first && !n->first->name.p && kd_str_starts(n->first->text, KD_STR("\n")) && among(n->name, breaks))
        kd_buf_byte(out, '\n');
}

static void put_end(kd_buf *out, const node *n)
{
    if (!n->name.p || is_void(n->name))
        return;
    kd_buf_add(out, KD_STR("</"));
    kd_buf_add(out, n->name);
    kd_buf_byte(out, '>');
}

static void put_children(kd_buf *out, const node *root)
{
    for (const node *n = root->first; n;) {
        put_begin(out, n);
        if (n->first) {
            n = n->first;
            continue;
        }
        put_end(out, n);
        while (!n->next && n->up != root) {
            n = n->up;
            put_end(out, n);
        }
        n = n->next;
    }
}

/* ---- what gofeed asks -------------------------------------------------------------------------------------------- */

static kd_str give(kd_arena *arena, kd_buf *out)
{
    kd_str text = out->failed ? (kd_str){NULL, 0} : kd_arena_copy(arena, kd_buf_str(out));
    kd_buf_fini(out);
    return text;
}

/* Printing makes a text at most five times as long; then there are the tags that were not written. */
static size_t bound(kd_str html)
{
    return 32 * html.n + 1024;
}

kd_str kd_feed_html_unwrap(kd_arena *arena, kd_str html)
{
    reader r = {.arena = arena};
    if (!read_all(&r, html))
        return html;
    const node *only = NULL;
    for (const node *n = r.body.first; n; n = n->next) {
        if (n->name.p && only)
            return html;
        if (n->name.p)
            only = n;
    }
    if (!only || !kd_str_eq(only->name, KD_STR("div")))
        return html;
    kd_buf out;
    kd_buf_init(&out, bound(html));
    put_children(&out, only);
    return give(arena, &out);
}

static void resolve_node(kd_pull *pull, node *n)
{
    static const char *const urls[] = {"action",  "background", "cite", "codebase", "data",   "href", "poster",
                                       "profile", "scheme",     "src",  "uri",      "usemap", NULL};
    for (uint32_t i = 0; i < n->n_attrs; i++) {
        kd_str resolved;
        if (!among(n->attrs[i].name, urls))
            continue;
        if (kd_pull_resolve(pull, n->attrs[i].value, &resolved))
            n->attrs[i].value = resolved;
        return;
    }
}

static void resolve_children(kd_pull *pull, node *root)
{
    for (node *n = root->first; n;) {
        resolve_node(pull, n);
        if (n->first) {
            n = n->first;
            continue;
        }
        while (!n->next && n->up != root)
            n = n->up;
        n = n->next;
    }
}

kd_str kd_feed_html_resolve(kd_pull *pull, kd_str html)
{
    reader r = {.arena = pull->scan.arena};
    if (!pull->base || !read_all(&r, html))
        return html;
    resolve_children(pull, &r.head);
    resolve_children(pull, &r.body);
    kd_buf out;
    kd_buf_init(&out, bound(html) + (1 << 20));
    if (r.head.first || r.before.first) {
        put_children(&out, &r.before);
        kd_buf_add(&out, KD_STR("<html><head>"));
        put_children(&out, &r.head);
        kd_buf_add(&out, KD_STR("</head><body>"));
    }
    put_children(&out, &r.body);
    return give(pull->scan.arena, &out);
}
