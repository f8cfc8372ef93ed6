/* RSS 0.9x, 1.0 and 2.0. */
#include "text/feed_text.h"
#include "text/feed_value.h"

typedef struct channel {
    kd_str title, description, language, copyright, editor, master, published, built;
    kd_feed_list categories;
    kd_feed_extensions extensions;
} channel;

typedef struct item {
    kd_str title, description, content, link, author, guid;
    kd_feed_when published;
    kd_feed_list links, categories, enclosures;
    kd_feed_extensions extensions;
    kd_feed_members custom;
} item;

/* The image outlives its channel: one beside the channel takes its place. */
typedef struct reader {
    kd_pull *pull;
    kd_feed *feed;
    kd_str image;
    bool has_image;
    channel channel;
    kd_feed_list beside; /* items beside the channel, as RSS 1.0 has them */
} reader;

static kd_arena *arena_of(const reader *r)
{
    return r->pull->scan.arena;
}

static bool no_memory(reader *r)
{
    return kd_pull_fail(r->pull, (kd_str){NULL, 0});
}

static bool read_text(reader *r, kd_str *out)
{
    if (!kd_pull_inside(r->pull, out))
        return false;
    *out = kd_feed_plain(arena_of(r), *out);
    return out->p || no_memory(r);
}

/* A text for the list. */
static bool add_text(reader *r, kd_feed_list *list)
{
    kd_str text;
    return read_text(r, &text) && (kd_feed_list_add(arena_of(r), list, kd_feed_text_value(text)) || no_memory(r));
}

/* An element of which only one text is of use: that of the child `name`, for *out. The texts of the other children
 * named are read too, so that they fail as gofeed's do; NULL ends them. */
static bool read_children(reader *r, kd_str element, const char *const *names, kd_str wanted, kd_str *out)
{
    for (;;) {
        if (!kd_pull_tag(r->pull))
            return false;
        if (r->pull->event == KD_XML_END)
            return kd_pull_expect_end(r->pull, element);
        const char *const *name = names;
        while (*name && !kd_pull_is(r->pull, kd_str_from_c(*name)))
            name++;
        kd_str text;
        bool good = *name ? read_text(r, &text) : kd_pull_skip(r->pull);
        if (!good)
            return false;
        if (*name && out && kd_str_eq(kd_str_from_c(*name), wanted))
            *out = text;
    }
}

static bool read_image(reader *r)
{
    static const char *const names[] = {"url", "title", "link", "width", "height", "description", NULL};
    r->image = KD_STR("");
    r->has_image = true;
    return read_children(r, KD_STR("image"), names, KD_STR("url"), &r->image);
}

static bool read_input(reader *r)
{
    static const char *const names[] = {"title", "description", "name", "link", NULL};
    return read_children(r, KD_STR("textinput"), names, KD_STR(""), NULL);
}

static bool read_cloud(reader *r)
{
    return kd_pull_tag(r->pull) && kd_pull_expect_end(r->pull, KD_STR("cloud"));
}

static bool read_link(reader *r, kd_str *out)
{
    kd_str href = kd_pull_attr(r->pull, KD_STR("href"));
    if (!read_text(r, out))
        return false;
    if (!out->n)
        *out = href;
    return true;
}

/* ---- items ------------------------------------------------------------------------------------------------------- */

static bool read_enclosure(reader *r, item *it)
{
    static const kd_str names[] = {KD_STR_INIT("url"), KD_STR_INIT("length"), KD_STR_INIT("type")};
    kd_str texts[3];
    for (int i = 0; i < 3; i++)
        texts[i] = kd_pull_attr(r->pull, names[i]);
    if (!kd_pull_texts(r->pull) || !kd_pull_expect_end(r->pull, KD_STR("enclosure")))
        return false;
    return kd_feed_list_add(arena_of(r), &it->enclosures, kd_feed_texts_value(arena_of(r), names, texts, 3)) ||
           no_memory(r);
}

static bool read_custom(reader *r, item *it)
{
    kd_str name = r->pull->name, text;
    if (!read_text(r, &text))
        return false;
    return KD_VEC_PUSH(arena_of(r), &it->custom, (kd_member){name, kd_feed_text_value(text)}) || no_memory(r);
}

static bool read_date(reader *r, kd_feed_when *to)
{
    kd_str text;
    if (!read_text(r, &text))
        return false;
    kd_feed_when_take(to, text);
    to->at.offset = 0;
    return true;
}

static bool read_item_member(reader *r, item *it)
{
    kd_pull *pull = r->pull;
    kd_str ignored;
    if (kd_pull_is_extension(pull))
        return kd_feed_read_extension(pull, &it->extensions);
    if (kd_pull_is(pull, KD_STR("title")))
        return read_text(r, &it->title);
    if (kd_pull_is(pull, KD_STR("description")))
        return read_text(r, &it->description);
    if (kd_pull_is(pull, KD_STR("encoded"))) {
        kd_str prefix = kd_pull_declared(pull);
        /* Another one is not read at all: gofeed takes its end for the item's. */
        return !prefix.p || !kd_str_eq(prefix, KD_STR("content")) || read_text(r, &it->content);
    }
    if (kd_pull_is(pull, KD_STR("link"))) {
        if (!read_link(r, &it->link))
            return false;
        return kd_feed_list_add(arena_of(r), &it->links, kd_feed_text_value(it->link)) || no_memory(r);
    }
    if (kd_pull_is(pull, KD_STR("author")))
        return read_text(r, &it->author);
    if (kd_pull_is(pull, KD_STR("pubdate")))
        return read_date(r, &it->published);
    if (kd_pull_is(pull, KD_STR("enclosure")))
        return read_enclosure(r, it);
    if (kd_pull_is(pull, KD_STR("guid")))
        return read_text(r, &it->guid);
    if (kd_pull_is(pull, KD_STR("category")))
        return add_text(r, &it->categories);
    if (kd_pull_is(pull, KD_STR("comments")) || kd_pull_is(pull, KD_STR("source")))
        return read_text(r, &ignored);
    return read_custom(r, it);
}

static bool add_split(kd_arena *arena, kd_feed_list *list, kd_str words)
{
    kd_str word;
    while (kd_str_split(&words, ',', &word))
        if (!kd_feed_list_add(arena, list, kd_feed_text_value(word)))
            return false;
    return true;
}

static bool add_values(kd_arena *arena, kd_feed_list *list, kd_value values)
{
    for (uint32_t i = 0; values.type == KD_LIST && i < values.n; i++)
        if (!kd_feed_list_add(arena, list, values.items[i]))
            return false;
    return true;
}

/* The person of the first of these that is there; KD_ABSENT when none is. */
static bool find_author(kd_arena *arena, kd_str own, kd_value extensions, kd_value *out)
{
    bool found = own.n > 0;
    kd_str text = own;
    if (!found)
        text = kd_feed_first(extensions, KD_STR("dc"), KD_STR("author"), &found);
    if (!found)
        text = kd_feed_first(extensions, KD_STR("dc"), KD_STR("creator"), &found);
    if (!found) {
        text = kd_feed_first(extensions, KD_STR("itunes"), KD_STR("author"), &found);
        found = text.n > 0;
    }
    *out = found ? kd_feed_person_value(arena, text) : KD_VALUE_ABSENT;
    return !found || out->type != KD_ABSENT;
}

/* The text, or the first of Dublin Core's elements of that name. */
static kd_str or_dc(kd_str own, kd_value extensions, kd_str name)
{
    bool found;
    return own.n ? own : kd_feed_first(extensions, KD_STR("dc"), name, &found);
}

static void set_published(kd_feed_item *to, const item *it)
{
    kd_str date = or_dc(KD_STR(""), to->extensions, KD_STR("date"));
    to->published = it->published;
    if (!to->published.text.n)
        to->published.text = date;
    if (!to->published.known)
        to->published.known = kd_feed_date(date, &to->published.at);
}

static bool set_lists(kd_arena *arena, kd_feed_item *to, const item *it)
{
    to->links = it->links;
    to->enclosures = it->enclosures;
    to->categories = it->categories;
    kd_value words = kd_value_get(to->itunes, KD_STR("keywords"));
    return (words.type != KD_STRING || add_split(arena, &to->categories, kd_value_text(words))) &&
           add_values(arena, &to->categories, kd_value_get(to->dc, KD_STR("subject"))) &&
           (to->author.type == KD_ABSENT || kd_feed_list_add(arena, &to->authors, to->author));
}

static bool set_image(kd_arena *arena, kd_feed_item *to)
{
    static const kd_str names[] = {KD_STR_INIT("url")};
    kd_value image = kd_value_get(to->itunes, KD_STR("image"));
    if (image.type != KD_STRING)
        return true;
    kd_str url = kd_value_text(image);
    to->image = kd_feed_texts_value(arena, names, &url, 1);
    return to->image.type != KD_ABSENT;
}

static kd_value item_value(kd_arena *arena, const item *it)
{
    kd_feed_item to = {.content = it->content, .link = it->link, .guid = it->guid};
    if (it->extensions.n) {
        to.extensions = kd_feed_extensions_value(arena, &it->extensions);
        if (to.extensions.type == KD_ABSENT)
            return KD_VALUE_ABSENT;
    }
    if (!kd_feed_dc(arena, to.extensions, &to.dc) || !kd_feed_itunes(arena, to.extensions, &to.itunes))
        return KD_VALUE_ABSENT;
    to.title = or_dc(it->title, to.extensions, KD_STR("title"));
    to.description = or_dc(it->description, to.extensions, KD_STR("description"));
    set_published(&to, it);
    if (!find_author(arena, it->author, to.extensions, &to.author) || !set_lists(arena, &to, it) ||
        !set_image(arena, &to))
        return KD_VALUE_ABSENT;
    if (it->custom.n) {
        to.custom = kd_feed_members_value(arena, &it->custom);
        if (to.custom.type == KD_ABSENT)
            return KD_VALUE_ABSENT;
    }
    return kd_feed_item_value(arena, &to);
}

static bool read_item(reader *r, kd_feed_list *to)
{
    item it = {0};
    for (;;) {
        if (!kd_pull_tag(r->pull))
            return false;
        if (r->pull->event == KD_XML_END)
            break;
        if (!read_item_member(r, &it))
            return false;
    }
    if (!kd_pull_expect_end(r->pull, KD_STR("item")))
        return false;
    return kd_feed_list_add(arena_of(r), to, item_value(arena_of(r), &it)) || no_memory(r);
}

/* ---- channels ---------------------------------------------------------------------------------------------------- */

static bool read_channel_member(reader *r, channel *c)
{
    static const char *const hour[] = {"hour", NULL}, *const day[] = {"day", NULL};
    kd_pull *pull = r->pull;
    kd_str ignored;
    const struct {
        kd_str name;
        kd_str *to;
    } texts[] = {
        {KD_STR("title"), &c->title},
        {KD_STR("description"), &c->description},
        {KD_STR("language"), &c->language},
        {KD_STR("copyright"), &c->copyright},
        {KD_STR("managingeditor"), &c->editor},
        {KD_STR("webmaster"), &c->master},
        {KD_STR("pubdate"), &c->published},
        {KD_STR("lastbuilddate"), &c->built},
        {KD_STR("generator"), &ignored},
        {KD_STR("docs"), &ignored},
        {KD_STR("ttl"), &ignored},
        {KD_STR("rating"), &ignored},
        {KD_STR("link"), &ignored},
    };
    if (kd_pull_is_extension(pull))
        return kd_feed_read_extension(pull, &c->extensions);
    for (size_t i = 0; i < KD_COUNT(texts); i++)
        if (kd_pull_is(pull, texts[i].name))
            return read_text(r, texts[i].to);
    if (kd_pull_is(pull, KD_STR("skiphours")))
        return read_children(r, KD_STR("skiphours"), hour, KD_STR(""), NULL);
    if (kd_pull_is(pull, KD_STR("skipdays")))
        return read_children(r, KD_STR("skipdays"), day, KD_STR(""), NULL);
    if (kd_pull_is(pull, KD_STR("item")))
        return read_item(r, &r->feed->items);
    if (kd_pull_is(pull, KD_STR("cloud")))
        return read_cloud(r);
    if (kd_pull_is(pull, KD_STR("category")))
        return add_text(r, &c->categories);
    if (kd_pull_is(pull, KD_STR("image")))
        return read_image(r);
    return kd_pull_is(pull, KD_STR("textinput")) ? read_input(r) : kd_pull_skip(pull);
}

static bool read_channel(reader *r)
{
    r->channel = (channel){0};
    r->feed->items = (kd_feed_list){0};
    r->has_image = false;
    for (;;) {
        if (!kd_pull_tag(r->pull))
            return false;
        if (r->pull->event == KD_XML_END)
            return kd_pull_expect_end(r->pull, KD_STR("channel"));
        if (!read_channel_member(r, &r->channel))
            return false;
    }
}

/* iTunes' categories of a feed: the text, then that of the first one inside. */
static bool add_itunes_categories(kd_arena *arena, kd_feed_list *list, kd_value itunes)
{
    kd_value all = kd_value_get(itunes, KD_STR("category"));
    for (uint32_t i = 0; all.type == KD_LIST && i < all.n; i++) {
        kd_value inner = kd_value_get(kd_value_get(all.items[i], KD_STR("children")), KD_STR("category"));
        kd_value both[] = {all.items[i], inner.type == KD_LIST ? inner.items[0] : KD_VALUE_ABSENT};
        for (int k = 0; k < 2 && both[k].type != KD_ABSENT; k++) {
            kd_value text = kd_value_get(kd_value_get(both[k], KD_STR("attrs")), KD_STR("text"));
            if (!kd_feed_list_add(arena, list, text.type == KD_STRING ? text : kd_feed_text_value(KD_STR(""))))
                return false;
        }
    }
    return true;
}

static bool set_categories(kd_arena *arena, kd_feed *feed, const channel *c, kd_value extensions)
{
    bool found;
    kd_str words = kd_feed_first(extensions, KD_STR("itunes"), KD_STR("keywords"), &found);
    kd_value dc;
    feed->categories = c->categories;
    return (!words.n || add_split(arena, &feed->categories, words)) &&
           add_itunes_categories(arena, &feed->categories, kd_value_get(extensions, KD_STR("itunes"))) &&
           kd_feed_dc(arena, extensions, &dc) &&
           add_values(arena, &feed->categories, kd_value_get(dc, KD_STR("subject")));
}

static bool set_feed(reader *r)
{
    kd_arena *arena = arena_of(r);
    const channel *c = &r->channel;
    kd_feed *feed = r->feed;
    kd_value extensions = KD_VALUE_ABSENT, itunes;
    if (c->extensions.n) {
        extensions = kd_feed_extensions_value(arena, &c->extensions);
        if (extensions.type == KD_ABSENT)
            return false;
    }
    feed->title = or_dc(c->title, extensions, KD_STR("title"));
    feed->description = c->description;
    feed->language = or_dc(c->language, extensions, KD_STR("language"));
    feed->copyright = or_dc(c->copyright, extensions, KD_STR("rights"));
    feed->published = c->published;
    feed->updated = or_dc(c->built, extensions, KD_STR("date"));
    if (!kd_feed_itunes(arena, extensions, &itunes))
        return false;
    feed->image = r->has_image ? kd_feed_text_value(r->image) : kd_value_get(itunes, KD_STR("image"));
    return set_categories(arena, feed, c, extensions) &&
           find_author(arena, c->editor.n ? c->editor : c->master, extensions, &feed->author);
}

static bool read_root_member(reader *r, bool *image)
{
    kd_pull *pull = r->pull;
    if (kd_pull_is_extension(pull))
        return kd_pull_skip(pull);
    if (kd_pull_is(pull, KD_STR("channel"))) {
        /* An image beside the channel wins wherever it stands. */
        kd_str url = r->image;
        bool good = read_channel(r);
        if (*image) {
            r->image = url;
            r->has_image = true;
        }
        return good;
    }
    if (kd_pull_is(pull, KD_STR("item")))
        return read_item(r, &r->beside);
    if (kd_pull_is(pull, KD_STR("textinput")))
        return read_input(r);
    if (kd_pull_is(pull, KD_STR("image"))) {
        *image = true;
        return read_image(r);
    }
    return kd_pull_skip(pull);
}

static bool end_root(kd_pull *pull)
{
    if (kd_pull_expect_end(pull, KD_STR("rss")))
        return true;
    kd_str first = pull->error;
    if (kd_pull_expect_end(pull, KD_STR("rdf")))
        return true;
    if (!first.p || !pull->error.p)
        return false;
    return kd_pull_fail(pull, kd_arena_printf(pull->scan.arena, "%.*s or %.*s", KD_FMT(first), KD_FMT(pull->error)));
}

bool kd_feed_rss(kd_pull *pull, kd_feed *out)
{
    reader r = {.pull = pull, .feed = out};
    bool image = false;
    for (;;) {
        if (!kd_pull_tag(pull))
            return false;
        if (pull->event == KD_XML_END)
            break;
        if (!read_root_member(&r, &image))
            return false;
    }
    if (!end_root(pull))
        return false;
    for (uint32_t i = 0; i < r.beside.n; i++)
        if (!kd_feed_list_add(arena_of(&r), &out->items, r.beside.p[i]))
            return no_memory(&r);
    return set_feed(&r) || no_memory(&r);
}
