#include "text/order.h"
#include "text/xml.h"
#include "text/xml_token.h"

/* Members of this many entries are sorted on the stack. */
#define FEW 16

/* A member of an element that is still open; those of all open elements lie in one stack. */
typedef struct pending {
    kd_str key;
    kd_value value;
    bool attribute;
} pending;

/* An open element. A text before the first attribute or child beats all later ones. */
typedef struct element {
    kd_str name, early, late;
    uint32_t first; /* of its members among the pending ones */
    bool has_early, has_late;
} element;

typedef struct decoder {
    kd_xml_scan scan;
    pending *pending;
    element *elements;
    uint32_t n_pending, cap_pending, depth, cap_elements;
} decoder;

static kd_arena *arena_of(const decoder *d)
{
    return d->scan.arena;
}

static bool add(decoder *d, kd_str key, kd_value value, bool attribute)
{
    if (d->n_pending == d->cap_pending) {
        if (d->cap_pending > UINT32_MAX / 2)
            return false;
        uint32_t cap = d->cap_pending ? d->cap_pending * 2 : 32;
        pending *more = kd_arena_alloc(arena_of(d), cap * sizeof(*more));
        if (!more)
            return false;
        if (d->n_pending)
            memcpy(more, d->pending, d->n_pending * sizeof(*more));
        d->pending = more;
        d->cap_pending = cap;
    }
    d->pending[d->n_pending++] = (pending){key, value, attribute};
    return true;
}

static bool open_element(decoder *d)
{
    if (d->depth == d->cap_elements) {
        uint32_t cap = d->cap_elements ? d->cap_elements * 2 : 16;
        element *more = kd_arena_alloc(arena_of(d), cap * sizeof(*more));
        if (!more)
            return false;
        if (d->depth)
            memcpy(more, d->elements, d->depth * sizeof(*more));
        d->elements = more;
        d->cap_elements = cap;
    }
    d->elements[d->depth++] = (element){.name = d->scan.name.local, .first = d->n_pending};
    for (uint32_t i = 0; i < d->scan.n_attrs; i++) {
        const kd_xml_attr *attr = &d->scan.attrs[i];
        char *key = kd_arena_alloc(arena_of(d), attr->name.local.n + 1);
        if (!key)
            return false;
        key[0] = '-';
        memcpy(key + 1, attr->name.local.p, attr->name.local.n);
        if (!add(d, (kd_str){key, attr->name.local.n + 1}, kd_value_string(attr->value, KD_ORIGIN_DECODED), true))
            return false;
    }
    return true;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

static void take_text(decoder *d)
{
    kd_str text = d->scan.text;
    while (text.n && is_space(text.p[0]))
        text = kd_str_from(text, 1);
    while (text.n && is_space(text.p[text.n - 1]))
        text.n--;
    if (!text.n || !d->depth)
        return;
    element *e = &d->elements[d->depth - 1];
    if (d->n_pending > e->first || e->has_late) {
        e->late = text;
        e->has_late = true;
    } else {
        e->early = text;
        e->has_early = true;
    }
}

/* The value of equal members: the last one of attributes, a list of children. type is KD_ABSENT without memory. */
static kd_value together(kd_arena *arena, const kd_entry *entries, uint32_t n)
{
    const pending *last = entries[n - 1].value;
    if (n == 1 || last->attribute)
        return last->value;
    kd_value *items = kd_arena_alloc(arena, n * sizeof(*items));
    if (!items)
        return KD_VALUE_ABSENT;
    for (uint32_t i = 0; i < n; i++)
        items[i] = ((const pending *)entries[i].value)->value;
    return kd_value_list(items, n);
}

static bool same_key(const kd_entry *a, const kd_entry *b)
{
    return a->n == b->n && memcmp(a->key, b->key, a->n) == 0;
}

static kd_value object_of(kd_arena *arena, const pending *members, uint32_t n)
{
    kd_entry few[FEW], *entries = n <= FEW ? few : kd_arena_alloc(arena, n * sizeof(*entries));
    kd_object *object = kd_object_create(arena, n);
    if (!entries || !object)
        return KD_VALUE_ABSENT;
    for (uint32_t i = 0; i < n; i++)
        entries[i] = (kd_entry){kd_entry_prefix(members[i].key.p, members[i].key.n), members[i].key.p, &members[i],
                                (uint32_t)members[i].key.n};
    kd_entries_sort(entries, n);
    for (uint32_t i = 0, end; i < n; i = end) {
        for (end = i + 1; end < n && same_key(&entries[i], &entries[end]); end++)
            ;
        kd_value v = together(arena, entries + i, end - i);
        if (v.type == KD_ABSENT)
            return v;
        object->members[object->n++] = (kd_member){{entries[i].key, entries[i].n}, v};
    }
    return kd_value_object(object);
}

/* Closes the innermost element: its value becomes a member of the one around it. */
static bool close_element(decoder *d)
{
    element e = d->elements[--d->depth];
    uint32_t n = d->n_pending - e.first;
    kd_value v;
    if (n || e.has_late) {
        kd_value text = kd_value_string(e.has_early ? e.early : e.late, KD_ORIGIN_DECODED);
        if ((e.has_early || e.has_late) && !add(d, KD_STR("#text"), text, true))
            return false;
        v = object_of(arena_of(d), d->pending + e.first, d->n_pending - e.first);
        d->n_pending = e.first;
    } else {
        v = kd_value_string(e.has_early ? e.early : KD_STR(""), KD_ORIGIN_DECODED);
    }
    return v.type != KD_ABSENT && add(d, e.name, v, false);
}

static kd_xml_result refused(decoder *d, kd_str *error)
{
    *error = kd_arena_printf(arena_of(d), "xml.Decoder.Token() - %.*s", KD_FMT(d->scan.error));
    return error->p ? KD_XML_BAD : KD_XML_OUT_OF_MEMORY;
}

kd_xml_result kd_xml_read(kd_arena *arena, char *text, size_t n, kd_value *out, kd_str *error)
{
    decoder d = {0};
    kd_xml_scan_init(&d.scan, arena, text, n);
    for (;;) {
        bool good = true;
        switch (kd_xml_next(&d.scan)) {
        case KD_XML_START:
            good = open_element(&d);
            break;
        case KD_XML_END:
            good = close_element(&d);
            break;
        case KD_XML_TEXT:
            take_text(&d);
            break;
        case KD_XML_OTHER:
            break;
        case KD_XML_EOF:
            *error = KD_STR("EOF");
            return KD_XML_BAD;
        case KD_XML_REFUSED:
            return refused(&d, error);
        default:
            return KD_XML_OUT_OF_MEMORY;
        }
        if (!good)
            return KD_XML_OUT_OF_MEMORY;
        if (!d.depth && d.n_pending) {
            *out = object_of(arena, d.pending, 1);
            return out->type == KD_ABSENT ? KD_XML_OUT_OF_MEMORY : KD_XML_READ;
        }
    }
}
