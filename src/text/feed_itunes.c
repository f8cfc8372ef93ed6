/* The two families of elements that gofeed knows by name: Dublin Core and iTunes. */
#include "text/feed_value.h"

static kd_value elements_of(kd_value extensions, kd_str prefix)
{
    return kd_value_get(extensions, prefix);
}

/* The list's item at `at`. */
static kd_value item_of(kd_value list, uint32_t at)
{
    return list.type == KD_LIST && at < list.n ? list.items[at] : KD_VALUE_ABSENT;
}

static kd_str text_of(kd_value v)
{
    return v.type == KD_STRING ? kd_value_text(v) : KD_STR("");
}

kd_str kd_feed_first(kd_value extensions, kd_str prefix, kd_str name, bool *found)
{
    kd_value first = item_of(kd_value_get(elements_of(extensions, prefix), name), 0);
    *found = first.type != KD_ABSENT;
    return text_of(kd_value_get(first, KD_STR("value")));
}

static bool add_texts(kd_arena *arena, kd_object *to, kd_str name, kd_value list)
{
    if (list.type != KD_LIST)
        return true;
    kd_value *texts = kd_arena_alloc(arena, list.n * sizeof(*texts));
    if (!texts)
        return false;
    for (uint32_t i = 0; i < list.n; i++)
        texts[i] = kd_value_get(list.items[i], KD_STR("value"));
    return kd_object_set(to, arena, name, kd_value_list(texts, list.n));
}

bool kd_feed_dc(kd_arena *arena, kd_value extensions, kd_value *out)
{
    static const kd_str names[] = {
        KD_STR_INIT("title"),       KD_STR_INIT("creator"),   KD_STR_INIT("author"),      KD_STR_INIT("subject"),
        KD_STR_INIT("description"), KD_STR_INIT("publisher"), KD_STR_INIT("contributor"), KD_STR_INIT("date"),
        KD_STR_INIT("type"),        KD_STR_INIT("format"),    KD_STR_INIT("identifier"),  KD_STR_INIT("source"),
        KD_STR_INIT("language"),    KD_STR_INIT("relation"),  KD_STR_INIT("coverage"),    KD_STR_INIT("rights"),
    };
    kd_value elements = elements_of(extensions, KD_STR("dc"));
    *out = KD_VALUE_ABSENT;
    if (elements.type == KD_ABSENT)
        return true;
    kd_object *object = kd_object_create(arena, KD_COUNT(names));
    if (!object)
        return false;
    object->typed = true;
    for (size_t i = 0; i < KD_COUNT(names); i++)
        if (!add_texts(arena, object, names[i], kd_value_get(elements, names[i])))
            return false;
    *out = kd_value_object(object);
    return true;
}

bool kd_feed_itunes(kd_arena *arena, kd_value extensions, kd_value *out)
{
    static const kd_str names[] = {
        KD_STR_INIT("author"),      KD_STR_INIT("block"),    KD_STR_INIT("duration"),
        KD_STR_INIT("explicit"),    KD_STR_INIT("keywords"), KD_STR_INIT("subtitle"),
        KD_STR_INIT("summary"),     KD_STR_INIT("image"),    KD_STR_INIT("isClosedCaptioned"),
        KD_STR_INIT("episode"),     KD_STR_INIT("season"),   KD_STR_INIT("order"),
        KD_STR_INIT("episodeType"),
    };
    kd_value elements = elements_of(extensions, KD_STR("itunes"));
    *out = KD_VALUE_ABSENT;
    if (elements.type == KD_ABSENT)
        return true;
    kd_str texts[KD_COUNT(names)];
    for (size_t i = 0; i < KD_COUNT(names); i++) {
        kd_value first = item_of(kd_value_get(elements, names[i]), 0);
        bool image = kd_str_eq(names[i], KD_STR("image"));
        texts[i] = text_of(image ? kd_value_get(kd_value_get(first, KD_STR("attrs")), KD_STR("href"))
                                 : kd_value_get(first, KD_STR("value")));
    }
    *out = kd_feed_texts_value(arena, names, texts, KD_COUNT(names));
    return out->type != KD_ABSENT;
}
