#include "config/keep.h"

#include "base/map.h"

#define SHARED_TEXT_MAX 64u /* longer texts are hardly ever equal, and would only fill the table */
#define SHARED_MAX      (1u << 24)

typedef struct keeper {
    kd_arena *arena, *work;
    kd_map texts, lists;                 /* kept ones by their bytes; a list's are those of its kept items */
    const kd_location *from, *kept_from; /* the including place that was copied last: neighbours share it */
    bool failed;
} keeper;

static void *copy_of(keeper *k, const void *from, size_t n)
{
    void *to = kd_arena_alloc(k->arena, n);
    k->failed |= !to;
    return to ? memcpy(to, from, n) : NULL;
}

/* ---- texts */

/* Paths and long texts are nearly always the only ones of their kind. */
static bool is_often_equal(kd_str s)
{
    return s.n <= SHARED_TEXT_MAX && s.p[0] != '/';
}

static void keep_text(keeper *k, kd_str *s)
{
    if (!s->n) {
        s->p = s->p ? "" : NULL;
        return;
    }
    const kd_map_entry *known = is_often_equal(*s) ? kd_map_find(&k->texts, *s) : NULL;
    kd_str kept = known ? known->key : kd_arena_copy(k->arena, *s);
    if (!kept.p || (!known && is_often_equal(*s) && !kd_map_put(&k->texts, kept, NULL))) {
        k->failed = true;
        kept = KD_STR("");
    }
    *s = kept;
}

static void keep_texts(keeper *k, kd_str_list *list)
{
    if (!list->n) {
        list->v = NULL;
        return;
    }
    kd_str *items = KD_NEW_ARRAY(k->work, kd_str, list->n);
    if (!items) {
        k->failed = true;
        *list = (kd_str_list){NULL, 0};
        return;
    }
    for (uint32_t i = 0; i < list->n; i++) {
        items[i] = list->v[i];
        keep_text(k, &items[i]);
    }
    /* The pointers of equal texts are equal, so that equal lists have equal bytes. */
    kd_str bytes = kd_str_of((const char *)items, list->n * sizeof(*items));
    const kd_map_entry *known = kd_map_find(&k->lists, bytes);
    if (known) {
        list->v = (kd_str *)(void *)known->key.p;
        return;
    }
    list->v = copy_of(k, items, bytes.n);
    if (!list->v || !kd_map_put(&k->lists, kd_str_of((const char *)list->v, bytes.n), NULL))
        k->failed = true;
}

static void keep_mapping(keeper *k, kd_mapping_list *list)
{
    list->v = list->n ? copy_of(k, list->v, list->n * sizeof(*list->v)) : NULL;
    for (uint32_t i = 0; list->v && i < list->n; i++) {
        keep_text(k, &list->v[i].from);
        keep_text(k, &list->v[i].to);
    }
}

/* ---- nodes */

static const kd_location *keep_location(keeper *k, const kd_location *at)
{
    kd_location *kept = at ? copy_of(k, at, sizeof(*at)) : NULL;
    if (!kept)
        return NULL;
    keep_text(k, &kept->file);
    if (at->from != k->from) {
        const kd_location *from = keep_location(k, at->from);
        k->from = at->from;
        k->kept_from = from;
    }
    kept->from = k->kept_from;
    return kept;
}

static kd_node *keep_node(keeper *k, const kd_node *node)
{
    kd_node *kept = node ? copy_of(k, node, sizeof(*node)) : NULL;
    if (!kept)
        return NULL;
    keep_text(k, &kept->key);
    keep_text(k, &kept->text);
    kept->key_at = keep_location(k, node->key_at);
    kept->at = keep_location(k, node->at);
    kd_node **link = &kept->first;
    for (const kd_node *child = node->first; child && !k->failed; child = child->next) {
        *link = keep_node(k, child);
        if (*link)
            link = &(*link)->next;
    }
    *link = NULL;
    kept->next = NULL;
    return kept;
}

static void keep_extras(keeper *k, kd_extras *extras)
{
    extras->v = extras->n ? copy_of(k, extras->v, extras->n * sizeof(*extras->v)) : NULL;
    for (uint32_t i = 0; extras->v && i < extras->n; i++) {
        keep_text(k, &extras->v[i].name);
        extras->v[i].node = keep_node(k, extras->v[i].node);
    }
}

/* ---- structs */

/* What the tables do not say, because loading works it out. */
static void keep_pattern(keeper *k, kd_pattern *p, kd_str written)
{
    kd_piece *pieces = p->n ? copy_of(k, p->pieces, p->n * sizeof(*pieces)) : NULL;
    p->pieces = pieces;
    for (uint32_t i = 0; pieces && i < p->n; i++) {
        uintptr_t offset = (uintptr_t)pieces[i].text.p - (uintptr_t)written.p;
        if (offset < written.n && p->source.n == written.n) /* a piece of the text itself */
            pieces[i].text.p = p->source.p + offset;
        else
            keep_text(k, &pieces[i].text);
    }
    if (p->template.p == written.p && p->template.n == p->source.n)
        p->template = p->source;
    else
        keep_text(k, &p->template);
}

static void keep_derived(keeper *k, const kd_fields *fields, void *kept, const void *original)
{
    if (fields == &kd_endpoint_fields) {
        kd_endpoint *e = kept;
        keep_text(k, &e->route);
        keep_text(k, &e->method_upper);
        keep_texts(k, &e->params);
    } else if (fields == &kd_backend_fields) {
        kd_backend *b = kept;
        keep_text(k, &b->method_upper);
        keep_text(k, &b->encoding);
        keep_pattern(k, &b->url_pattern, ((const kd_backend *)original)->url_pattern.source);
    }
}

static void keep_struct(keeper *k, const kd_fields *fields, void *kept, const void *original);

static void keep_structs(keeper *k, const kd_fields *fields, kd_struct_list *list)
{
    const char *originals = list->v;
    char *v = list->n ? copy_of(k, originals, (size_t)list->n * fields->size) : NULL;
    list->v = v;
    for (uint32_t i = 0; v && i < list->n && !k->failed; i++)
        keep_struct(k, fields, v + (size_t)i * fields->size, originals + (size_t)i * fields->size);
}

static void keep_field(keeper *k, const kd_field *field, void *at, const void *original)
{
    switch ((kd_field_type)field->type) {
    case KD_FIELD_STRING:
        keep_text(k, at);
        break;
    case KD_FIELD_STRINGS:
        keep_texts(k, at);
        break;
    case KD_FIELD_UINTS: {
        kd_uint_list *list = at;
        list->v = list->n ? copy_of(k, list->v, list->n * sizeof(*list->v)) : NULL;
        break;
    }
    case KD_FIELD_STRING_MAP:
        keep_mapping(k, at);
        break;
    case KD_FIELD_OBJECT:
        if (field->flags & KD_FIELD_NODE)
            *(const kd_node **)at = keep_node(k, *(const kd_node **)at);
        else
            keep_struct(k, field->child, at, original);
        break;
    case KD_FIELD_OBJECTS:
        keep_structs(k, field->child, at);
        break;
    case KD_FIELD_EXTRA:
        keep_extras(k, at);
        break;
    case KD_FIELD_ANY:
        *(const kd_node **)at = keep_node(k, *(const kd_node **)at);
        break;
    case KD_FIELD_INT:
    case KD_FIELD_BOOL:
    case KD_FIELD_FLOAT:
    case KD_FIELD_DURATION:
    case KD_FIELD_REFUSED:
        break; /* copied with the struct */
    }
}

/* `kept` is a copy of the original byte for byte: its pointers are led to copies of their own. */
static void keep_struct(keeper *k, const kd_fields *fields, void *kept, const void *original)
{
    char *to = kept;
    const char *from = original;
    for (uint32_t i = 0; i < fields->n; i++)
        if (fields->v[i].offset != KD_NO_OFFSET)
            keep_field(k, &fields->v[i], to + fields->v[i].offset, from + fields->v[i].offset);
    if (fields->at_offset != KD_NO_OFFSET) {
        const kd_location **at = (const kd_location **)(void *)(to + fields->at_offset);
        *at = keep_location(k, *at);
    }
    keep_derived(k, fields, kept, original);
}

static void begin(keeper *k, kd_arena *arena, kd_arena *work)
{
    *k = (keeper){.arena = arena, .work = work};
    kd_map_init(&k->texts, work, SHARED_MAX);
    kd_map_init(&k->lists, work, SHARED_MAX);
}

kd_service *kd_service_keep(kd_arena *arena, kd_arena *work, const kd_service_draft *draft)
{
    keeper k;
    begin(&k, arena, work);
    kd_service_draft *kept = copy_of(&k, draft, sizeof(*draft));
    if (!kept)
        return NULL;
    keep_struct(&k, &kd_service_fields, kept, draft);
    keep_text(&k, &kept->service.file);
    kept->service.arena = arena;
    kept->service.endpoints = kept->endpoints.v;
    return k.failed ? NULL : &kept->service;
}

void kd_errors_keep(kd_errors *errors, kd_error *after)
{
    keeper k;
    begin(&k, errors->arena, errors->arena);
    for (kd_error *e = after ? after->next : errors->first; e; e = e->next) {
        keep_text(&k, &e->key);
        keep_text(&k, &e->suggestion);
        keep_text(&k, &e->compat);
        e->at = keep_location(&k, e->at);
    }
}
