#include "text/feed_value.h"

#include "text/feed_text.h"
#include "text/go/fixed.h"
#include "text/order.h"

kd_value kd_feed_text_value(kd_str s)
{
    return kd_value_string(s.p ? s : KD_STR(""), KD_ORIGIN_BYTES);
}

bool kd_feed_list_add(kd_arena *arena, kd_feed_list *list, kd_value v)
{
    return v.type != KD_ABSENT && KD_VEC_PUSH(arena, list, v);
}

void kd_feed_when_take(kd_feed_when *when, kd_str text)
{
    kd_go_time at;
    when->text = text;
    if (!kd_feed_date(text, &at))
        return;
    when->at = at;
    when->known = true;
}

/* ---- grouping ---------------------------------------------------------------------------------------------------- */

/* Members sorted by key; those of one key keep their order. NULL without memory. */
static kd_entry *sorted(kd_arena *arena, const kd_member *members, uint32_t n)
{
    kd_entry *entries = kd_arena_alloc(arena, (n + (size_t)1) * sizeof(*entries));
    for (uint32_t i = 0; entries && i < n; i++) {
        kd_str key = members[i].key;
        entries[i] = (kd_entry){kd_entry_prefix(key.p, key.n), key.p, &members[i], (uint32_t)key.n};
    }
    if (entries)
        kd_entries_sort(entries, n);
    return entries;
}

/* Where the run of the key at `from` ends. */
static uint32_t run_end(const kd_entry *entries, uint32_t from, uint32_t n)
{
    uint32_t end = from + 1;
    while (end < n && entries[end].n == entries[from].n &&
           memcmp(entries[end].key, entries[from].key, entries[from].n) == 0)
        end++;
    return end;
}

static void append(kd_object *object, kd_entry key, kd_value v)
{
    object->members[object->n++] = (kd_member){{key.key, key.n}, v};
}

kd_value kd_feed_members_value(kd_arena *arena, const kd_feed_members *members)
{
    kd_entry *entries = sorted(arena, members->p, members->n);
    kd_object *object = kd_object_create(arena, members->n);
    if (!entries || !object)
        return KD_VALUE_ABSENT;
    for (uint32_t i = 0; i < members->n; i++) {
        i = run_end(entries, i, members->n) - 1;
        append(object, entries[i], ((const kd_member *)entries[i].value)->value);
    }
    return kd_value_object(object);
}

/* An object of the members' lists. */
static kd_value lists_of(kd_arena *arena, const kd_member *members, uint32_t n)
{
    kd_entry *entries = sorted(arena, members, n);
    kd_object *object = kd_object_create(arena, n);
    if (!entries || !object)
        return KD_VALUE_ABSENT;
    for (uint32_t i = 0, end; i < n; i = end) {
        end = run_end(entries, i, n);
        kd_value *items = kd_arena_alloc(arena, (end - i) * sizeof(*items));
        if (!items)
            return KD_VALUE_ABSENT;
        for (uint32_t k = i; k < end; k++)
            items[k - i] = ((const kd_member *)entries[k].value)->value;
        append(object, entries[i], kd_value_list(items, end - i));
    }
    return kd_value_object(object);
}

/* ---- extensions -------------------------------------------------------------------------------------------------- */

typedef struct piece {
    struct piece *next;
    kd_str text;
} piece;

/* An element that is being read. */
typedef struct open_element {
    struct open_element *up;
    kd_str name;
    kd_value attrs;
    piece *first, **last;
    size_t n_text;
    uint32_t children; /* where its children begin among those that are done */
} open_element;

static kd_value attrs_of(kd_pull *pull)
{
    kd_feed_members members = {0};
    kd_arena *arena = pull->scan.arena;
    for (uint32_t i = 0; i < pull->n_attrs; i++) {
        const kd_xml_attr *attr = &pull->scan.attrs[i];
        if (!KD_VEC_PUSH(arena, &members, (kd_member){attr->name.local, kd_feed_text_value(attr->value)}))
            return KD_VALUE_ABSENT;
    }
    return kd_feed_members_value(arena, &members);
}

static open_element *begin_element(kd_pull *pull, open_element *up, uint32_t children)
{
    open_element *e = KD_NEW(pull->scan.arena, open_element);
    if (!e)
        return NULL;
    *e = (open_element){.up = up, .name = pull->name, .attrs = attrs_of(pull), .children = children};
    e->last = &e->first;
    return e->attrs.type == KD_ABSENT ? NULL : e;
}

static bool add_text(kd_pull *pull, open_element *e)
{
    piece *next = KD_NEW(pull->scan.arena, piece);
    if (!next)
        return false;
    next->text = pull->text;
    *e->last = next;
    e->last = &next->next;
    e->n_text += pull->text.n;
    return true;
}

static kd_str text_of(kd_arena *arena, const open_element *e)
{
    if (!e->first || !e->first->next)
        return e->first ? kd_feed_trim(e->first->text) : KD_STR("");
    kd_buf out = kd_buf_in_arena(arena, e->n_text + 1);
    for (const piece *p = e->first; p && !out.failed; p = p->next)
        kd_buf_add(&out, p->text);
    kd_str whole = kd_buf_whole(&out);
    return whole.p ? kd_feed_trim(whole) : whole;
}

static kd_value end_element(kd_arena *arena, const open_element *e, kd_feed_members *done)
{
    kd_object *object = kd_object_create(arena, 4);
    kd_str text = text_of(arena, e);
    kd_value children = lists_of(arena, done->p ? done->p + e->children : NULL, done->n - e->children);
    if (!object || !text.p || children.type == KD_ABSENT)
        return KD_VALUE_ABSENT;
    done->n = e->children;
    object->typed = true;
    kd_object_set(object, arena, KD_STR("name"), kd_feed_text_value(e->name));
    kd_object_set(object, arena, KD_STR("value"), kd_feed_text_value(text));
    kd_object_set(object, arena, KD_STR("attrs"), e->attrs);
    kd_object_set(object, arena, KD_STR("children"), children);
    return kd_value_object(object);
}

bool kd_feed_read_extension(kd_pull *pull, kd_feed_extensions *to)
{
    kd_arena *arena = pull->scan.arena;
    kd_str prefix = kd_pull_prefix(pull);
    kd_feed_members done = {0};
    open_element *e = begin_element(pull, NULL, 0);
    while (e) {
        if (!kd_pull_next(pull))
            return false;
        if (pull->event == KD_XML_START) {
            e = begin_element(pull, e, done.n);
        } else if (pull->event == KD_XML_TEXT) {
            if (!add_text(pull, e))
                break;
        } else {
            kd_value v = end_element(arena, e, &done);
            if (v.type == KD_ABSENT)
                break;
            if (!e->up)
                return KD_VEC_PUSH(arena, to, (kd_feed_extension){prefix, e->name, v}) ||
                       kd_pull_fail(pull, (kd_str){NULL, 0});
            if (!KD_VEC_PUSH(arena, &done, (kd_member){e->name, v}))
                break;
            e = e->up;
        }
    }
    return kd_pull_fail(pull, (kd_str){NULL, 0});
}

kd_value kd_feed_extensions_value(kd_arena *arena, const kd_feed_extensions *extensions)
{
    uint32_t n = extensions->n;
    kd_member *prefixes = kd_arena_alloc(arena, (n + (size_t)1) * sizeof(*prefixes));
    kd_member *names = kd_arena_alloc(arena, (n + (size_t)1) * sizeof(*names));
    kd_object *object = kd_object_create(arena, n);
    if (!prefixes || !names || !object)
        return KD_VALUE_ABSENT;
    for (uint32_t i = 0; i < n; i++)
        prefixes[i] = (kd_member){extensions->p[i].prefix, KD_VALUE_ABSENT};
    kd_entry *entries = sorted(arena, prefixes, n);
    for (uint32_t i = 0, end; entries && i < n; i = end) {
        end = run_end(entries, i, n);
        for (uint32_t k = i; k < end; k++) {
            const kd_feed_extension *ext = &extensions->p[(const kd_member *)entries[k].value - prefixes];
            names[k] = (kd_member){ext->name, ext->value};
        }
        kd_value lists = lists_of(arena, names + i, end - i);
        if (lists.type == KD_ABSENT)
            return lists;
        append(object, entries[i], lists);
    }
    return entries ? kd_value_object(object) : KD_VALUE_ABSENT;
}

/* ---- items and feeds --------------------------------------------------------------------------------------------- */

kd_value kd_feed_texts_value(kd_arena *arena, const kd_str *names, const kd_str *texts, size_t n)
{
    kd_object *object = kd_object_create(arena, (uint32_t)n);
    if (!object)
        return KD_VALUE_ABSENT;
    object->typed = true;
    for (size_t i = 0; i < n; i++)
        if (texts[i].n)
            kd_object_set(object, arena, names[i], kd_feed_text_value(texts[i]));
    return kd_value_object(object);
}

kd_value kd_feed_person_value(kd_arena *arena, kd_str text)
{
    static const kd_str names[] = {KD_STR_INIT("name"), KD_STR_INIT("email")};
    kd_str texts[2];
    kd_feed_person(text, &texts[0], &texts[1]);
    return kd_feed_texts_value(arena, names, texts, 2);
}

static void put_text(kd_object *object, kd_arena *arena, kd_str key, kd_str text)
{
    if (text.n)
        kd_object_set(object, arena, key, kd_feed_text_value(text));
}

static void put_list(kd_object *object, kd_arena *arena, kd_str key, const kd_feed_list *list)
{
    if (list->n)
        kd_object_set(object, arena, key, kd_value_list(list->p, list->n));
}

static void put_value(kd_object *object, kd_arena *arena, kd_str key, kd_value v)
{
    if (v.type != KD_ABSENT)
        kd_object_set(object, arena, key, v);
}

static bool put_when(kd_object *object, kd_arena *arena, kd_str key, kd_str parsed, const kd_feed_when *when)
{
    put_text(object, arena, key, when->text);
    if (!when->known)
        return true;
    kd_buf text = kd_buf_in_arena(arena, 48);
    if (text.failed)
        return false;
    if (kd_go_time_rfc3339(&text, &when->at))
        kd_object_set(object, arena, parsed, kd_feed_text_value(kd_buf_str(&text)));
    return true;
}

kd_value kd_feed_item_value(kd_arena *arena, const kd_feed_item *item)
{
    kd_object *o = kd_object_create(arena, 19); /* room for every member: setting needs no memory */
    if (!o)
        return KD_VALUE_ABSENT;
    o->typed = true;
    put_text(o, arena, KD_STR("title"), item->title);
    put_text(o, arena, KD_STR("description"), item->description);
    put_text(o, arena, KD_STR("content"), item->content);
    put_text(o, arena, KD_STR("link"), item->link);
    put_list(o, arena, KD_STR("links"), &item->links);
    if (!put_when(o, arena, KD_STR("updated"), KD_STR("updatedParsed"), &item->updated) ||
        !put_when(o, arena, KD_STR("published"), KD_STR("publishedParsed"), &item->published))
        return KD_VALUE_ABSENT;
    put_value(o, arena, KD_STR("author"), item->author);
    put_list(o, arena, KD_STR("authors"), &item->authors);
    put_text(o, arena, KD_STR("guid"), item->guid);
    put_value(o, arena, KD_STR("image"), item->image);
    put_list(o, arena, KD_STR("categories"), &item->categories);
    put_list(o, arena, KD_STR("enclosures"), &item->enclosures);
    put_value(o, arena, KD_STR("dcExt"), item->dc);
    put_value(o, arena, KD_STR("itunesExt"), item->itunes);
    put_value(o, arena, KD_STR("extensions"), item->extensions);
    put_value(o, arena, KD_STR("custom"), item->custom);
    return kd_value_object(o);
}

kd_value kd_feed_value(kd_arena *arena, const kd_feed *feed, kd_str type)
{
    kd_object *o = kd_object_create(arena, 12);
    if (!o)
        return KD_VALUE_ABSENT;
    const kd_feed_list *categories = &feed->categories;
    kd_object_set(o, arena, KD_STR("author"), feed->author.type == KD_ABSENT ? KD_VALUE_NULL : feed->author);
    kd_object_set(o, arena, KD_STR("categories"),
                  categories->n ? kd_value_list(categories->p, categories->n) : KD_VALUE_NIL(KD_ORIGIN_LIST));
    kd_object_set(o, arena, KD_STR("copyright"), kd_feed_text_value(feed->copyright));
    kd_object_set(o, arena, KD_STR("custom"), KD_VALUE_NIL(KD_ORIGIN_OBJECT));
    kd_object_set(o, arena, KD_STR("description"), kd_feed_text_value(feed->description));
    put_value(o, arena, KD_STR("img_url"), feed->image);
    kd_object_set(o, arena, KD_STR("items"), kd_value_list(feed->items.p, feed->items.n));
    kd_object_set(o, arena, KD_STR("language"), kd_feed_text_value(feed->language));
    kd_object_set(o, arena, KD_STR("published"), kd_feed_text_value(feed->published));
    kd_object_set(o, arena, KD_STR("title"), kd_feed_text_value(feed->title));
    kd_object_set(o, arena, KD_STR("type"), kd_feed_text_value(type));
    kd_object_set(o, arena, KD_STR("updated"), kd_feed_text_value(feed->updated));
    return kd_value_object(o);
}
