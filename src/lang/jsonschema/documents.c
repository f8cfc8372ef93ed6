/* Documents, the schemas in them that have an identity of their own, and anchors. */
#include "lang/jsonschema/own.h"

#include "text/json.h"

#define NAMES_MAX (1u << 20) /* anchors and pointers of a document */

static bool collect(kd_jsonschema *schema, kd_schema_document *document, kd_value value, kd_str base, kd_str pointer,
                    kd_schema_dialect fallback, unsigned depth);

bool kd_schema_has(const kd_schema_dialect *dialect, unsigned vocabulary)
{
    static const unsigned usual = KD_VOCAB_CORE | KD_VOCAB_APPLICATOR | KD_VOCAB_VALIDATION;
    if (vocabulary == KD_VOCAB_CORE || dialect->draft < KD_DRAFT_2019)
        return true;
    if (dialect->vocabularies)
        return dialect->vocabularies & vocabulary;
    return (usual | (dialect->draft == KD_DRAFT_2020 ? KD_VOCAB_UNEVALUATED : 0)) & vocabulary;
}

/* ---- resources */

kd_schema_resource *kd_schema_resource_of(const kd_schema_document *document, kd_str pointer)
{
    for (kd_schema_resource *r = document->first; r; r = r->next)
        if (kd_str_eq(r->pointer, pointer))
            return r;
    return NULL;
}

kd_schema_resource *kd_schema_resource_at(const kd_schema_document *document, kd_str pointer)
{
    while (document->first != document->last && pointer.n) {
        kd_schema_resource *found = kd_schema_resource_of(document, pointer);
        if (found)
            return found;
        ptrdiff_t slash = kd_str_rfind(pointer, '/');
        pointer = kd_str_head(pointer, slash < 0 ? 0 : (size_t)slash);
    }
    return document->first;
}

static kd_schema_resource *resource_by_id(const kd_schema_document *document, kd_str id)
{
    for (kd_schema_resource *r = document->first; r; r = r->next)
        if (kd_str_eq(r->id, id))
            return r;
    return NULL;
}

static kd_schema_resource *add_resource(kd_jsonschema *schema, kd_schema_document *document, kd_str pointer, kd_str id,
                                        kd_schema_dialect dialect)
{
    kd_schema_resource *r = KD_NEW(schema->arena, kd_schema_resource);
    if (!r) {
        kd_schema_out_of_memory(schema);
        return NULL;
    }
    *r = (kd_schema_resource){.pointer = pointer, .id = id, .dialect = dialect};
    kd_map_init(&r->anchors, schema->arena, NAMES_MAX);
    kd_map_init(&r->dynamic_anchors, schema->arena, NAMES_MAX);
    kd_map_init(&r->dynamic_nodes, schema->arena, NAMES_MAX);
    if (document->last)
        document->last->next = r;
    else
        document->first = r;
    document->last = r;
    return r;
}

/* ---- anchors */

static bool add_anchor(kd_jsonschema *schema, kd_schema_document *document, kd_schema_resource *resource, kd_str name,
                       kd_str pointer, bool dynamic)
{
    const kd_str *known = kd_map_get(&resource->anchors, name);
    if (known && !kd_str_eq(*known, pointer)) {
        kd_arena *a = schema->arena;
        kd_str n = kd_schema_quoted(a, name), u = kd_schema_quoted(a, document->url);
        kd_str p = kd_schema_quoted(a, *known), q = kd_schema_quoted(a, pointer);
        return kd_schema_fail(schema, "duplicate anchor %.*s in %.*s at %.*s and %.*s", KD_FMT(n), KD_FMT(u), KD_FMT(p),
                              KD_FMT(q));
    }
    kd_str *copy = KD_NEW(schema->arena, kd_str);
    if (!copy)
        return kd_schema_out_of_memory(schema);
    *copy = pointer;
    if (!kd_map_put(&resource->anchors, name, copy) || (dynamic && !kd_map_put(&resource->dynamic_anchors, name, copy)))
        return kd_schema_out_of_memory(schema);
    return true;
}

static bool string_member(kd_value object, kd_str key, kd_str *out)
{
    kd_value v = kd_value_get(object, key);
    *out = v.type == KD_STRING ? kd_value_text(v) : KD_STR("");
    return v.type == KD_STRING;
}

static bool collect_anchors(kd_jsonschema *schema, kd_schema_document *document, kd_value object, kd_str pointer,
                            kd_schema_resource *resource)
{
    kd_jsonschema_draft draft = resource->dialect.draft;
    kd_str text, url, fragment;
    if (object.type != KD_OBJECT)
        return true;
    if (draft < KD_DRAFT_2019) {
        /* the anchor stands in the id; beside $ref everything is ignored */
        if (kd_value_get(object, KD_STR("$ref")).type != KD_ABSENT)
            return true;
        if (!string_member(object, draft == KD_DRAFT_4 ? KD_STR("id") : KD_STR("$id"), &text))
            return true;
        if (!kd_schema_resolve(schema, resource->id, text, &url, &fragment))
            return false;
        return !fragment.n || fragment.p[0] == '/' || add_anchor(schema, document, resource, fragment, pointer, false);
    }
    if (string_member(object, KD_STR("$anchor"), &text) &&
        !add_anchor(schema, document, resource, text, pointer, false))
        return false;
    return draft < KD_DRAFT_2020 || !string_member(object, KD_STR("$dynamicAnchor"), &text) ||
           add_anchor(schema, document, resource, text, pointer, true);
}

/* ---- dialects */

/* The absolute URL of a $schema text, without its fragment. */
static kd_str schema_url(kd_str text)
{
    ptrdiff_t hash = kd_str_find(text, '#');
    return hash < 0 ? text : kd_str_head(text, (size_t)hash);
}

static bool load_value(kd_jsonschema *schema, kd_str url, kd_value *out);

/* The draft of a schema: that of its $schema, or of its metaschema's, and so on. */
static bool draft_of(kd_jsonschema *schema, const kd_schema_document *document, kd_value value, kd_str pointer,
                     kd_jsonschema_draft *draft)
{
    kd_str url, text, self = pointer.n ? KD_STR("") : document->url;
    for (unsigned i = 0;; i++) {
        if (value.type != KD_OBJECT || !string_member(value, KD_STR("$schema"), &text))
            return true;
        kd_jsonschema_draft found = kd_metaschema_draft(text);
        if (found) {
            *draft = found;
            return true;
        }
        url = schema_url(text);
        kd_str shown = kd_schema_quoted(schema->arena, url);
        if (kd_str_eq(url, self))
            return kd_schema_fail(schema, "draft %.*s is not supported", KD_FMT(shown));
        if (i > 16)
            return kd_schema_fail(schema, "cycle in resolving $schema in %.*s", KD_FMT(shown));
        if (!load_value(schema, url, &value))
            return false;
        self = url;
    }
}

/* Which vocabularies the metaschema demands; 0: those of the draft. */
static bool vocabularies_of(kd_jsonschema *schema, kd_value value, kd_jsonschema_draft draft, uint16_t *out)
{
    kd_str text, key;
    kd_value meta, item;
    *out = 0;
    if (draft < KD_DRAFT_2019 || !string_member(value, KD_STR("$schema"), &text) || kd_metaschema_draft(text))
        return true;
    if (!load_value(schema, schema_url(text), &meta))
        return false;
    kd_value wanted = kd_value_get(meta, KD_STR("$vocabulary"));
    if (wanted.type != KD_OBJECT)
        return true;
    *out = KD_VOCAB_CORE;
    for (kd_value_iter iter = kd_value_each(wanted); kd_value_next(&iter, &key, &item);) {
        if (item.type != KD_BOOL || !item.boolean)
            continue;
        unsigned bit = kd_metaschema_vocabulary(draft, key);
        if (!bit) {
            kd_str name = kd_schema_quoted(schema->arena, key);
            kd_str url = kd_schema_quoted(schema->arena, schema_url(text));
            return kd_schema_fail(schema, "unsupported vocabulary %.*s in %.*s", KD_FMT(name), KD_FMT(url));
        }
        *out |= (uint16_t)bit;
    }
    return true;
}

/* ---- walking a document */

enum { ONE = 1, EACH_MEMBER = 2, EACH_ITEM = 4 };

/* Where schemas stand in a schema, and from which draft on. */
static const struct {
    kd_str keyword;
    uint8_t form;
    kd_jsonschema_draft since;
} places[] = {
    {KD_STR_INIT("definitions"), EACH_MEMBER, KD_DRAFT_4},
    {KD_STR_INIT("$defs"), EACH_MEMBER, KD_DRAFT_2019},
    {KD_STR_INIT("not"), ONE, KD_DRAFT_4},
    {KD_STR_INIT("allOf"), EACH_ITEM, KD_DRAFT_4},
    {KD_STR_INIT("anyOf"), EACH_ITEM, KD_DRAFT_4},
    {KD_STR_INIT("oneOf"), EACH_ITEM, KD_DRAFT_4},
    {KD_STR_INIT("properties"), EACH_MEMBER, KD_DRAFT_4},
    {KD_STR_INIT("additionalProperties"), ONE, KD_DRAFT_4},
    {KD_STR_INIT("patternProperties"), EACH_MEMBER, KD_DRAFT_4},
    {KD_STR_INIT("items"), ONE | EACH_ITEM, KD_DRAFT_4},
    {KD_STR_INIT("prefixItems"), EACH_ITEM, KD_DRAFT_2020},
    {KD_STR_INIT("additionalItems"), ONE, KD_DRAFT_4},
    {KD_STR_INIT("dependencies"), EACH_MEMBER, KD_DRAFT_4},
    {KD_STR_INIT("propertyNames"), ONE, KD_DRAFT_6},
    {KD_STR_INIT("contains"), ONE, KD_DRAFT_6},
    {KD_STR_INIT("if"), ONE, KD_DRAFT_7},
    {KD_STR_INIT("then"), ONE, KD_DRAFT_7},
    {KD_STR_INIT("else"), ONE, KD_DRAFT_7},
    {KD_STR_INIT("dependentSchemas"), EACH_MEMBER, KD_DRAFT_2019},
    {KD_STR_INIT("unevaluatedProperties"), ONE, KD_DRAFT_2019},
    {KD_STR_INIT("unevaluatedItems"), ONE, KD_DRAFT_2019},
    {KD_STR_INIT("contentSchema"), ONE, KD_DRAFT_2019},
};

static bool collect_place(kd_jsonschema *schema, kd_schema_document *document, kd_value value, uint8_t form,
                          kd_str base, kd_str pointer, kd_schema_dialect dialect, unsigned depth)
{
    kd_str key;
    kd_value item;
    uint64_t i = 0;
    if ((form & ONE) && !collect(schema, document, value, base, pointer, dialect, depth))
        return false;
    if (value.type != (form & EACH_MEMBER ? KD_OBJECT : form & EACH_ITEM ? KD_LIST : KD_ABSENT))
        return true;
    for (kd_value_iter iter = kd_value_each(value); kd_value_next(&iter, &key, &item); i++) {
        kd_str at = form & EACH_MEMBER ? kd_schema_pointer(schema->arena, pointer, key)
                                       : kd_schema_pointer_index(schema->arena, pointer, i);
        if (!at.p)
            return kd_schema_out_of_memory(schema);
        if (!collect(schema, document, item, base, at, dialect, depth))
            return false;
    }
    return true;
}

/* The resource that an object opens, where it does; *base becomes its id. */
static bool open_resource(kd_jsonschema *schema, kd_schema_document *document, kd_value object, kd_str *base,
                          kd_str pointer, kd_schema_dialect fallback, kd_jsonschema_draft *draft)
{
    kd_str id = KD_STR(""), text;
    bool has_schema = string_member(object, KD_STR("$schema"), &text);
    *draft = fallback.draft;
    if (!draft_of(schema, document, object, pointer, draft))
        return false;
    for (int i = 0; i < 2; i++) {
        /* up to draft 7 everything beside $ref is ignored */
        bool ignored = *draft < KD_DRAFT_2019 && kd_value_get(object, KD_STR("$ref")).type != KD_ABSENT;
        if (!ignored && string_member(object, *draft == KD_DRAFT_4 ? KD_STR("id") : KD_STR("$id"), &text))
            id = schema_url(text);
        if (id.n || !pointer.n)
            break;
        *draft = fallback.draft; /* $schema counts only where there is an id */
        has_schema = false;
    }
    if (!id.n && pointer.n)
        return true;
    if (id.n) {
        kd_str fragment;
        if (!kd_schema_resolve(schema, *base, id, base, &fragment)) {
            kd_str at = kd_schema_quoted(schema->arena, kd_schema_location(schema->arena, document->url, pointer));
            schema->error = KD_STR("");
            return kd_schema_fail(schema, "error in parsing id at %.*s", KD_FMT(at));
        }
    }
    const kd_schema_resource *same = resource_by_id(document, *base);
    if (same && !kd_str_eq(same->pointer, pointer)) {
        kd_arena *a = schema->arena;
        kd_str i = kd_schema_quoted(a, *base), u = kd_schema_quoted(a, document->url);
        kd_str p = kd_schema_quoted(a, pointer), q = kd_schema_quoted(a, same->pointer);
        return kd_schema_fail(schema, "duplicate id %.*s in %.*s at %.*s and %.*s", KD_FMT(i), KD_FMT(u), KD_FMT(p),
                              KD_FMT(q));
    }
    kd_schema_dialect dialect = fallback;
    if (has_schema) {
        dialect.draft = *draft;
        if (!vocabularies_of(schema, object, *draft, &dialect.vocabularies))
            return false;
    }
    return same || add_resource(schema, document, pointer, *base, dialect);
}

static bool collect(kd_jsonschema *schema, kd_schema_document *document, kd_value value, kd_str base, kd_str pointer,
                    kd_schema_dialect fallback, unsigned depth)
{
    kd_jsonschema_draft draft;
    if (kd_map_find(&document->seen, pointer))
        return true;
    if (depth > KD_SCHEMA_NEST)
        return kd_schema_fail(schema, "the schema is nested more than %u deep", KD_SCHEMA_NEST);
    if (!kd_map_put(&document->seen, pointer, NULL))
        return kd_schema_out_of_memory(schema);
    if (value.type != KD_OBJECT)
        return pointer.n || add_resource(schema, document, pointer, base, fallback);
    if (!open_resource(schema, document, value, &base, pointer, fallback, &draft))
        return false;
    kd_schema_resource *resource = resource_by_id(document, base);
    if (!collect_anchors(schema, document, value, pointer, resource))
        return false;
    for (size_t i = 0; i < KD_COUNT(places); i++) {
        if (draft < places[i].since)
            continue;
        kd_value member = kd_value_get(value, places[i].keyword);
        if (member.type == KD_ABSENT)
            continue;
        kd_str at = kd_schema_pointer(schema->arena, pointer, places[i].keyword);
        if (!at.p)
            return kd_schema_out_of_memory(schema);
        if (!collect_place(schema, document, member, places[i].form, base, at, resource->dialect, depth + 1))
            return false;
    }
    return true;
}

bool kd_schema_ensure(kd_jsonschema *schema, kd_schema_document *document, kd_str pointer)
{
    kd_value value;
    if (kd_map_find(&document->seen, pointer))
        return true;
    if (!kd_schema_lookup(schema, document, pointer, &value))
        return false;
    const kd_schema_resource *around = kd_schema_resource_at(document, pointer);
    return collect(schema, document, value, around->id, pointer, around->dialect, 0) &&
           (schema->trusted || kd_schema_validate_schema(schema, document, pointer, value));
}

/* ---- documents */

static kd_schema_document *find_document(const kd_jsonschema *schema, kd_str url)
{
    for (kd_schema_document *d = schema->documents; d; d = d->next)
        if (kd_str_eq(d->url, url))
            return d;
    return NULL;
}

/* A built-in document's text is written with ' for ". */
static bool read_builtin(kd_jsonschema *schema, kd_str text, kd_value *out)
{
    char *copy = kd_arena_zero(schema->arena, text.n + KD_JSON_PAD);
    kd_str error;
    if (!copy)
        return kd_schema_out_of_memory(schema);
    for (size_t i = 0; i < text.n; i++)
        copy[i] = text.p[i] == '\'' ? '"' : text.p[i];
    switch (kd_json_read(NULL, schema->arena, copy, text.n, out, &error)) {
    case KD_JSON_OK:
        return true;
    case KD_JSON_REFUSED:
        return kd_schema_fail(schema, "%.*s", KD_FMT(error));
    case KD_JSON_NO_MEMORY:
        break;
    }
    return kd_schema_out_of_memory(schema);
}

static bool load_value(kd_jsonschema *schema, kd_str url, kd_value *out)
{
    const kd_schema_document *known = find_document(schema, url);
    if (known) {
        *out = known->value;
        return true;
    }
    if (kd_str_eq(url, schema->source.url)) {
        *out = schema->source.schema;
        return true;
    }
    kd_str text = kd_metaschema_text(url), error = KD_STR("no URLLoader set");
    if (text.p)
        return read_builtin(schema, text, out);
    if (schema->source.load && schema->source.load(schema->source.context, schema->arena, url, out, &error))
        return true;
    kd_str shown = kd_schema_quoted(schema->arena, url);
    return kd_schema_fail(schema, "failing loading %.*s: %.*s", KD_FMT(shown), KD_FMT(error));
}

kd_schema_document *kd_schema_document_of(kd_jsonschema *schema, kd_str url)
{
    kd_schema_document *document = find_document(schema, url);
    kd_value value;
    if (document)
        return document;
    if (!load_value(schema, url, &value))
        return NULL;
    document = KD_NEW(schema->arena, kd_schema_document);
    if (!document) {
        kd_schema_out_of_memory(schema);
        return NULL;
    }
    *document = (kd_schema_document){.next = schema->documents, .url = url, .value = value};
    kd_map_init(&document->seen, schema->arena, NAMES_MAX);
    kd_map_init(&document->nodes, schema->arena, KD_JSONSCHEMA_NODES);
    schema->documents = document;
    kd_schema_dialect dialect = {schema->source.draft, 0};
    if (!collect(schema, document, value, url, KD_STR(""), dialect, 0))
        return NULL;
    bool trusted = schema->trusted || kd_metaschema_text(url).p ||
                   kd_str_starts(url, KD_STR("http://json-schema.org/")) ||
                   kd_str_starts(url, KD_STR("https://json-schema.org/"));
    return trusted || kd_schema_validate_schema(schema, document, KD_STR(""), value) ? document : NULL;
}

bool kd_schema_fragment(kd_jsonschema *schema, const kd_schema_document *document, const kd_schema_resource *resource,
                        kd_str fragment, kd_str *pointer)
{
    kd_arena *a = schema->arena;
    if (!fragment.n || fragment.p[0] == '/') {
        *pointer = kd_arena_printf(a, "%.*s%.*s", KD_FMT(resource->pointer), KD_FMT(fragment));
        return pointer->p || kd_schema_out_of_memory(schema);
    }
    const kd_str *found = kd_map_get(&resource->anchors, fragment);
    if (found) {
        *pointer = *found;
        return true;
    }
    kd_str at = kd_schema_quoted(a, kd_schema_location(a, resource->id, fragment));
    kd_str url = kd_schema_quoted(a, document->url);
    return kd_schema_fail(schema, "anchor in %.*s not found in schema %.*s", KD_FMT(at), KD_FMT(url));
}
