/* JSON feeds, versions 1.0 and 1.1. */
#include "text/feed_value.h"
#include "text/json.h"

typedef struct reader {
    kd_arena *arena;
    kd_str error; /* p is NULL where there was no memory */
    bool failed;
} reader;

static kd_value refuse(reader *r, const char *what, kd_str name, const char *expected)
{
    if (!r->failed)
        r->error = kd_arena_printf(r->arena, "json.%s.%.*s: expected %s", what, KD_FMT(name), expected);
    r->failed = true;
    return KD_VALUE_ABSENT;
}

static void no_memory(reader *r)
{
    if (!r->failed)
        r->error = (kd_str){NULL, 0};
    r->failed = true;
}

/* The member of that name, whatever its case; the last of several. null is as good as none. */
static kd_value member(kd_value object, kd_str name)
{
    kd_value found = KD_VALUE_ABSENT, v;
    kd_str key;
    for (kd_value_iter iter = kd_value_each(object); kd_value_next(&iter, &key, &v);)
        if (kd_str_eq_ci(key, name))
            found = v;
    return found.type == KD_NULL ? KD_VALUE_ABSENT : found;
}

static kd_str text(reader *r, kd_value object, const char *what, kd_str name)
{
    kd_value v = member(object, name);
    if (v.type != KD_ABSENT && v.type != KD_STRING)
        refuse(r, what, name, "a string");
    return v.type == KD_STRING ? kd_value_text(v) : KD_STR("");
}

static kd_value list(reader *r, kd_value object, const char *what, kd_str name)
{
    kd_value v = member(object, name);
    return v.type == KD_ABSENT || v.type == KD_LIST ? v : refuse(r, what, name, "a list");
}

/* Checks a member that is of no further use. */
static void check(reader *r, kd_value object, const char *what, kd_str name, kd_value_type type)
{
    kd_value v = member(object, name);
    if (v.type != KD_ABSENT && v.type != type)
        refuse(r, what, name, type == KD_BOOL ? "true or false" : type == KD_NUMBER ? "a number" : "a string");
}

static void add(reader *r, kd_feed_list *to, kd_value v)
{
    if (!kd_feed_list_add(r->arena, to, v))
        no_memory(r);
}

static kd_value person(reader *r, kd_value author)
{
    if (author.type != KD_OBJECT)
        return refuse(r, "Author", KD_STR("Name"), "an object");
    kd_str name = text(r, author, "Author", KD_STR("name"));
    check(r, author, "Author", KD_STR("url"), KD_STRING);
    check(r, author, "Author", KD_STR("avatar"), KD_STRING);
    kd_value v = kd_feed_person_value(r->arena, name);
    if (v.type == KD_ABSENT)
        no_memory(r);
    return v;
}

/* The author, and the authors: those of version 1.1, else the author. */
static kd_value read_authors(reader *r, kd_value object, const char *what, kd_feed_list *authors)
{
    kd_value one = member(object, KD_STR("author")), all = list(r, object, what, KD_STR("authors")), v;
    kd_value author = one.type == KD_ABSENT ? one : person(r, one);
    kd_str none;
    for (kd_value_iter iter = kd_value_each(all); kd_value_next(&iter, &none, &v);)
        if (v.type != KD_NULL)
            add(r, authors, person(r, v));
    if (all.type == KD_ABSENT && author.type != KD_ABSENT)
        add(r, authors, author);
    return author;
}

static void read_when(reader *r, kd_value item, kd_str name, kd_feed_when *to)
{
    kd_feed_when_take(to, text(r, item, "Item", name));
}

static void read_tags(reader *r, kd_value item, kd_feed_list *to)
{
    kd_value tags = list(r, item, "Item", KD_STR("tags")), v;
    kd_str none;
    for (kd_value_iter iter = kd_value_each(tags); kd_value_next(&iter, &none, &v);) {
        if (v.type != KD_STRING && v.type != KD_NULL)
            refuse(r, "Item", KD_STR("tags"), "strings");
        add(r, to, kd_feed_text_value(v.type == KD_STRING ? kd_value_text(v) : KD_STR("")));
    }
}

/* An enclosure's length is how long it takes to play, in gofeed. */
static void read_attachments(reader *r, kd_value item, kd_feed_list *to)
{
    static const kd_str names[] = {KD_STR_INIT("url"), KD_STR_INIT("length"), KD_STR_INIT("type")};
    kd_value all = list(r, item, "Item", KD_STR("attachments")), v;
    kd_str none;
    for (kd_value_iter iter = kd_value_each(all); kd_value_next(&iter, &none, &v);) {
        if (v.type != KD_OBJECT && v.type != KD_NULL)
            refuse(r, "Item", KD_STR("attachments"), "objects");
        kd_value length = member(v, KD_STR("duration_in_seconds"));
        check(r, v, "Attachments", KD_STR("duration_in_seconds"), KD_NUMBER);
        check(r, v, "Attachments", KD_STR("size_in_bytes"), KD_NUMBER);
        check(r, v, "Attachments", KD_STR("title"), KD_STRING);
        kd_str texts[] = {text(r, v, "Attachments", KD_STR("url")),
                          length.type == KD_NUMBER ? kd_value_text(length) : KD_STR("0"),
                          text(r, v, "Attachments", KD_STR("mime_type"))};
        add(r, to, kd_feed_texts_value(r->arena, names, texts, 3));
    }
}

static kd_str either(kd_str a, kd_str b)
{
    return a.n ? a : b;
}

static void read_links(reader *r, kd_value item, kd_feed_item *to)
{
    kd_str external = text(r, item, "Item", KD_STR("external_url"));
    to->link = text(r, item, "Item", KD_STR("url"));
    if (to->link.n)
        add(r, &to->links, kd_feed_text_value(to->link));
    if (external.n)
        add(r, &to->links, kd_feed_text_value(external));
}

static void read_image(reader *r, kd_value item, kd_feed_item *to)
{
    static const kd_str names[] = {KD_STR_INIT("url")};
    kd_str image = text(r, item, "Item", KD_STR("image")), banner = text(r, item, "Item", KD_STR("banner_image"));
    image = either(image, banner);
    if (image.n)
        to->image = kd_feed_texts_value(r->arena, names, &image, 1);
    if (image.n && to->image.type == KD_ABSENT)
        no_memory(r);
}

static void read_item(reader *r, kd_value item, kd_feed *feed)
{
    kd_feed_item to = {0};
    if (item.type != KD_OBJECT) {
        refuse(r, "Feed", KD_STR("items"), "objects");
        return;
    }
    kd_str html = text(r, item, "Item", KD_STR("content_html")), plain = text(r, item, "Item", KD_STR("content_text"));
    to.guid = text(r, item, "Item", KD_STR("id"));
    to.title = text(r, item, "Item", KD_STR("title"));
    to.description = text(r, item, "Item", KD_STR("summary"));
    to.content = either(html, plain);
    read_links(r, item, &to);
    read_image(r, item, &to);
    read_when(r, item, KD_STR("date_published"), &to.published);
    read_when(r, item, KD_STR("date_modified"), &to.updated);
    to.author = read_authors(r, item, "Item", &to.authors);
    read_tags(r, item, &to.categories);
    read_attachments(r, item, &to.enclosures);
    check(r, item, "Item", KD_STR("language"), KD_STRING);
    if (!feed->items.n) {
        feed->published = to.published.text;
        feed->updated = to.updated.text;
    }
    add(r, &feed->items, kd_feed_item_value(r->arena, &to));
}

static void read_feed(reader *r, kd_value v, kd_feed *feed)
{
    static const kd_str unused[] = {KD_STR_INIT("version"),      KD_STR_INIT("home_page_url"), KD_STR_INIT("feed_url"),
                                    KD_STR_INIT("user_comment"), KD_STR_INIT("next_url"),      KD_STR_INIT("favicon")};
    kd_feed_list authors = {0};
    for (size_t i = 0; i < KD_COUNT(unused); i++)
        check(r, v, "Feed", unused[i], KD_STRING);
    check(r, v, "Feed", KD_STR("expired"), KD_BOOL);
    feed->title = text(r, v, "Feed", KD_STR("title"));
    feed->description = text(r, v, "Feed", KD_STR("description"));
    feed->language = text(r, v, "Feed", KD_STR("language"));
    kd_str icon = text(r, v, "Feed", KD_STR("icon")), none;
    if (icon.n)
        feed->image = kd_feed_text_value(icon);
    feed->author = read_authors(r, v, "Feed", &authors);
    kd_value items = list(r, v, "Feed", KD_STR("items")), item;
    for (kd_value_iter iter = kd_value_each(items); kd_value_next(&iter, &none, &item) && !r->failed;)
        if (item.type != KD_NULL) /* gofeed dies of it */
            read_item(r, item, feed);
}

/* Where the object that text begins with ends. */
static size_t object_end(kd_str s)
{
    size_t depth = 0, i = 0;
    for (bool quoted = false; i < s.n; i++) {
        char c = s.p[i];
        if (quoted && c == '\\')
            i++;
        else if (c == '"')
            quoted = !quoted;
        else if (!quoted && (c == '{' || c == '['))
            depth++;
        else if (!quoted && (c == '}' || c == ']') && --depth == 0)
            return i + 1;
    }
    return i;
}

/* What stands behind the object: the error that gofeed's reader gives, with the text around; p is NULL where there is
 * nothing. */
static kd_str find_rest(kd_arena *arena, kd_str s)
{
    size_t at = object_end(s);
    while (at < s.n && (s.p[at] == ' ' || s.p[at] == '\n' || s.p[at] == '\t' || s.p[at] == '\r'))
        at++;
    if (at >= s.n)
        return (kd_str){NULL, 0};
    size_t head = at + 1, near = head > 10 ? head - 10 : 0, far = head > 50 ? head - 50 : 0;
    kd_str error = kd_arena_printf(arena,
                                   "Unmarshal: there are bytes left after unmarshal, error found in #%zu byte of "
                                   "...|%.*s|..., bigger context ...|%.*s|...",
                                   head - near, KD_FMT(kd_str_from(kd_str_head(s, head + 10), near)),
                                   KD_FMT(kd_str_from(kd_str_head(s, head + 50), far)));
    return error.p ? error : KD_STR("Unmarshal: there are bytes left after unmarshal");
}

kd_feed_result kd_feed_json(kd_arena *arena, char *document, size_t n, kd_feed *out, kd_str *error)
{
    kd_value v;
    kd_str rest = find_rest(arena, (kd_str){document, n});
    switch (kd_json_read(NULL, arena, document, n, &v, error)) {
    case KD_JSON_REFUSED:
        *error = KD_STR("Failed to detect feed type");
        return KD_FEED_BAD;
    case KD_JSON_NO_MEMORY:
        return KD_FEED_OUT_OF_MEMORY;
    default:
        break;
    }
    reader r = {.arena = arena};
    read_feed(&r, v, out);
    *error = r.failed ? r.error : rest;
    if (!r.failed && !rest.p)
        return KD_FEED_READ;
    return error->p ? KD_FEED_BAD : KD_FEED_OUT_OF_MEMORY;
}
