/* Atom 1.0 and 0.3. */
#include "text/feed_html.h"
#include "text/feed_text.h"
#include "text/feed_value.h"

typedef struct entry {
    kd_str title, id, summary, content;
    kd_feed_when updated, published;
    kd_feed_list authors, categories, links, enclosures;
    kd_str link;
    bool has_link;
    kd_feed_extensions extensions;
} entry;

/* What a feed and the source of an entry have in common. */
typedef struct source {
    kd_str title, subtitle, rights, logo, updated;
    kd_feed_list authors, categories;
    kd_feed_list *entries; /* NULL: of a source */
} source;

static bool no_memory(kd_pull *pull)
{
    return kd_pull_fail(pull, (kd_str){NULL, 0});
}

static bool add(kd_pull *pull, kd_feed_list *list, kd_value v)
{
    return kd_feed_list_add(pull->scan.arena, list, v) || no_memory(pull);
}

/* ---- texts ------------------------------------------------------------------------------------------------------- */

static bool contains_ci(kd_str s, kd_str part)
{
    for (size_t i = 0; i + part.n <= s.n; i++)
        if (kd_str_eq_ci((kd_str){s.p + i, part.n}, part))
            return true;
    return false;
}

/* What the element's attributes make of its text. */
static kd_str interpret(kd_pull *pull, kd_str text, kd_str type, kd_str mode)
{
    kd_arena *arena = pull->scan.arena;
    bool html = kd_str_eq_ci(type, KD_STR("html")), xhtml = contains_ci(type, KD_STR("xhtml"));
    if (kd_feed_has_cdata(text)) {
        text = kd_feed_plain(arena, text);
        return text.p && (html || xhtml) ? kd_feed_html_resolve(pull, text) : text;
    }
    if (kd_str_eq_ci(type, KD_STR("text")) || kd_str_eq_ci(kd_str_head(type, 5), KD_STR("text/")) ||
        (!type.n && !mode.n))
        return kd_feed_entities(arena, text);
    if (!html && !xhtml) {
        kd_str decoded;
        return kd_feed_base64(arena, text, &decoded) ? decoded : text;
    }
    text = kd_feed_html_unwrap(arena, text);
    if (text.p && !xhtml)
        text = kd_feed_entities(arena, text);
    return text.p ? kd_feed_html_resolve(pull, text) : text;
}

static bool is_url(kd_str name)
{
    static const kd_str urls[] = {KD_STR_INIT("icon"), KD_STR_INIT("id"), KD_STR_INIT("logo"), KD_STR_INIT("uri"),
                                  KD_STR_INIT("url")};
    for (size_t i = 0; i < KD_COUNT(urls); i++)
        if (kd_str_eq_ci(name, urls[i]))
            return true;
    return false;
}

static bool read_text(kd_pull *pull, kd_str *out)
{
    kd_str type = KD_STR(""), mode = KD_STR(""), resolved;
    for (uint32_t i = 0; i < pull->n_attrs; i++) {
        const kd_xml_attr *attr = &pull->scan.attrs[i];
        if (kd_str_eq(attr->name.local, KD_STR("type")))
            type = attr->value;
        else if (kd_str_eq(attr->name.local, KD_STR("mode")))
            mode = attr->value;
    }
    if (!kd_pull_inside(pull, out))
        return false;
    *out = interpret(pull, *out, type, mode);
    if (!out->p)
        return no_memory(pull);
    if (is_url(pull->name) && pull->base && kd_pull_resolve(pull, *out, &resolved))
        *out = resolved;
    return true;
}

/* ---- members ----------------------------------------------------------------------------------------------------- */

/* A person, for the list when there is one. */
static bool read_person(kd_pull *pull, kd_str element, kd_feed_list *list)
{
    static const kd_str names[] = {KD_STR_INIT("name"), KD_STR_INIT("email")};
    kd_str texts[2] = {KD_STR(""), KD_STR("")}, ignored;
    for (;;) {
        if (!kd_pull_tag(pull))
            return false;
        if (pull->event == KD_XML_END)
            break;
        bool good;
        if (kd_pull_is(pull, names[0]))
            good = read_text(pull, &texts[0]);
        else if (kd_pull_is(pull, names[1]))
            good = read_text(pull, &texts[1]);
        else if (kd_pull_is(pull, KD_STR("uri")) || kd_pull_is(pull, KD_STR("url")) ||
                 kd_pull_is(pull, KD_STR("homepage")))
            good = read_text(pull, &ignored);
        else
            good = kd_pull_skip(pull);
        if (!good)
            return false;
    }
    if (!kd_pull_expect_end(pull, element))
        return false;
    return !list || add(pull, list, kd_feed_texts_value(pull->scan.arena, names, texts, 2));
}

static bool read_category(kd_pull *pull, kd_feed_list *list)
{
    kd_str term = kd_pull_attr(pull, KD_STR("term"));
    return kd_pull_skip(pull) && kd_pull_expect_end(pull, KD_STR("category")) &&
           add(pull, list, kd_feed_text_value(term));
}

static bool read_link(kd_pull *pull, entry *e)
{
    static const kd_str names[] = {KD_STR_INIT("url"), KD_STR_INIT("length"), KD_STR_INIT("type")};
    kd_str rel = kd_pull_attr(pull, KD_STR("rel")), href = kd_pull_attr(pull, KD_STR("href"));
    kd_str texts[] = {href, kd_pull_attr(pull, names[1]), kd_pull_attr(pull, names[2])};
    if (!kd_pull_skip(pull) || !kd_pull_expect_end(pull, KD_STR("link")))
        return false;
    bool alternate = !rel.n || kd_str_eq(rel, KD_STR("alternate"));
    if (kd_str_eq(rel, KD_STR("enclosure")))
        return add(pull, &e->enclosures, kd_feed_texts_value(pull->scan.arena, names, texts, 3));
    if (!alternate && !kd_str_eq(rel, KD_STR("self")))
        return true;
    if (alternate && !e->has_link) {
        e->link = href;
        e->has_link = true;
    }
    return add(pull, &e->links, kd_feed_text_value(href));
}

/* A member of a feed or source, and of entries too where they have the same. */
static bool read_source_member(kd_pull *pull, source *s);

static bool read_source(kd_pull *pull, kd_str element, source *s)
{
    for (;;) {
        if (!kd_pull_tag(pull))
            return false;
        if (pull->event == KD_XML_END)
            return kd_pull_expect_end(pull, element);
        if (!read_source_member(pull, s))
            return false;
    }
}

/* One of two names: those of Atom 1.0 and 0.3. */
static bool is_either(const kd_pull *pull, kd_str a, kd_str b)
{
    return kd_pull_is(pull, a) || kd_pull_is(pull, b);
}

static bool read_date(kd_pull *pull, kd_feed_when *to)
{
    kd_str text;
    if (!read_text(pull, &text))
        return false;
    kd_feed_when_take(to, text);
    to->at.offset = 0;
    return true;
}

static bool read_entry_member(kd_pull *pull, entry *e)
{
    kd_str ignored;
    source inner = {0};
    if (kd_pull_is_extension(pull))
        return kd_feed_read_extension(pull, &e->extensions);
    if (kd_pull_is(pull, KD_STR("title")))
        return read_text(pull, &e->title);
    if (kd_pull_is(pull, KD_STR("id")))
        return read_text(pull, &e->id);
    if (is_either(pull, KD_STR("rights"), KD_STR("copyright")))
        return read_text(pull, &ignored);
    if (kd_pull_is(pull, KD_STR("summary")))
        return read_text(pull, &e->summary);
    if (kd_pull_is(pull, KD_STR("source")))
        return read_source(pull, KD_STR("source"), &inner);
    if (is_either(pull, KD_STR("updated"), KD_STR("modified")))
        return read_date(pull, &e->updated);
    if (is_either(pull, KD_STR("published"), KD_STR("issued")))
        return read_date(pull, &e->published);
    if (kd_pull_is(pull, KD_STR("contributor")))
        return read_person(pull, KD_STR("contributor"), NULL);
    if (kd_pull_is(pull, KD_STR("author")))
        return read_person(pull, KD_STR("author"), &e->authors);
    if (kd_pull_is(pull, KD_STR("category")))
        return read_category(pull, &e->categories);
    if (kd_pull_is(pull, KD_STR("link")))
        return read_link(pull, e);
    return kd_pull_is(pull, KD_STR("content")) ? read_text(pull, &e->content) : kd_pull_skip(pull);
}

static kd_value entry_value(kd_arena *arena, const entry *e)
{
    kd_feed_item to = {.title = e->title,
                       .description = e->summary,
                       .content = e->content,
                       .link = e->link,
                       .guid = e->id,
                       .updated = e->updated,
                       .published = e->published,
                       .links = e->links,
                       .authors = e->authors,
                       .categories = e->categories,
                       .enclosures = e->enclosures};
    if (e->authors.n)
        to.author = e->authors.p[0];
    if (!to.published.text.n)
        to.published.text = e->updated.text;
    if (!to.published.known) {
        to.published.at = e->updated.at;
        to.published.known = e->updated.known;
    }
    if (e->extensions.n) {
        to.extensions = kd_feed_extensions_value(arena, &e->extensions);
        if (to.extensions.type == KD_ABSENT)
            return KD_VALUE_ABSENT;
    }
    return kd_feed_item_value(arena, &to);
}

static bool read_entry(kd_pull *pull, kd_feed_list *list)
{
    entry e = {0};
    for (;;) {
        if (!kd_pull_tag(pull))
            return false;
        if (pull->event == KD_XML_END)
            break;
        if (!read_entry_member(pull, &e))
            return false;
    }
    return kd_pull_expect_end(pull, KD_STR("entry")) && add(pull, list, entry_value(pull->scan.arena, &e));
}

static bool read_source_member(kd_pull *pull, source *s)
{
    kd_str ignored;
    entry links = {0};
    if (kd_pull_is_extension(pull))
        return kd_pull_skip(pull);
    if (kd_pull_is(pull, KD_STR("title")))
        return read_text(pull, &s->title);
    if (is_either(pull, KD_STR("id"), KD_STR("icon")) || kd_pull_is(pull, KD_STR("generator")))
        return read_text(pull, &ignored);
    if (is_either(pull, KD_STR("updated"), KD_STR("modified")))
        return read_text(pull, &s->updated);
    if (is_either(pull, KD_STR("subtitle"), KD_STR("tagline")))
        return read_text(pull, &s->subtitle);
    if (kd_pull_is(pull, KD_STR("link")))
        return read_link(pull, &links);
    if (kd_pull_is(pull, KD_STR("logo")))
        return read_text(pull, &s->logo);
    if (is_either(pull, KD_STR("rights"), KD_STR("copyright")))
        return read_text(pull, &s->rights);
    if (kd_pull_is(pull, KD_STR("contributor")))
        return read_person(pull, KD_STR("contributor"), NULL);
    if (kd_pull_is(pull, KD_STR("author")))
        return read_person(pull, KD_STR("author"), &s->authors);
    if (kd_pull_is(pull, KD_STR("category")))
        return read_category(pull, &s->categories);
    return s->entries && kd_pull_is(pull, KD_STR("entry")) ? read_entry(pull, s->entries) : kd_pull_skip(pull);
}

bool kd_feed_atom(kd_pull *pull, kd_feed *out)
{
    source s = {.entries = &out->items};
    out->language = kd_pull_attr(pull, KD_STR("lang"));
    if (!read_source(pull, KD_STR("feed"), &s))
        return false;
    out->title = s.title;
    out->description = s.subtitle;
    out->copyright = s.rights;
    out->updated = s.updated;
    out->categories = s.categories;
    if (s.authors.n)
        out->author = s.authors.p[0];
    if (s.logo.n)
        out->image = kd_feed_text_value(s.logo);
    return true;
}
